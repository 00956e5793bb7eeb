//! The countries and cities of the world, in memory: `data/` is part of the program, and read when the first of them is
//! asked for.

use std::collections::HashMap;
use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use memchr::memchr;
use memchr::memmem::Finder;

use crate::domain::place::{CityId, CountryCode};
use crate::domain::text::fold;

static COUNTRIES_TSV: &str = include_str!("../data/countries.tsv");
static CITIES_TSV_GZ: &[u8] = include_bytes!("../data/cities.tsv.gz");

/// What a place is called, by language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// Its usual name.
    pub default: &'static str,
    /// In English.
    pub en: &'static str,
    /// In Russian.
    pub ru: Option<&'static str>,
    /// In Belarusian.
    pub be: Option<&'static str>,
    /// In French.
    pub fr: Option<&'static str>,
    /// In Chinese.
    pub zh: Option<&'static str>,
}

impl Names {
    fn all(&self) -> impl Iterator<Item = &'static str> {
        [Some(self.default), Some(self.en), self.ru, self.be, self.fr, self.zh].into_iter().flatten()
    }
}

/// A country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country {
    /// Its code.
    pub id: CountryCode,
    /// What it is called.
    pub names: Names,
    /// The inhabitants of its cities together.
    population: u64,
}

/// A city with 15,000 inhabitants at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct City {
    /// Its number at GeoNames.
    pub id: CityId,
    /// What it is called.
    pub names: Names,
    /// Where it lies.
    pub country: CountryCode,
    /// Its inhabitants.
    pub population: u64,
    /// Its IANA time zone.
    pub timezone: &'static str,
}

/// The order of a list of places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By id.
    #[default]
    Id,
    /// From the fewest inhabitants to the most.
    Smallest,
    /// From the most inhabitants to the fewest.
    Largest,
}

/// Which places a list holds.
#[derive(Clone, Debug)]
pub struct Wish<I> {
    /// Only these.
    pub ids: Option<Vec<I>>,
    /// Only what lies in these countries; a country lies in itself.
    pub countries: Option<Vec<CountryCode>>,
    /// Only places with a name, in any language, that holds this in any case.
    pub suggest: Option<String>,
    /// The order.
    pub order: Order,
}

/// The city with this number.
pub fn city(id: CityId) -> Option<&'static City> {
    CITIES.find(id)
}

/// The country with this code.
pub fn country(code: CountryCode) -> Option<&'static Country> {
    COUNTRIES.find(code)
}

/// The cities of a list.
pub fn cities(wish: &Wish<CityId>) -> Vec<&'static City> {
    CITIES.list(wish, |city, countries| countries.contains(&city.country))
}

/// The countries of a list.
pub fn countries(wish: &Wish<CountryCode>) -> Vec<&'static Country> {
    COUNTRIES.list(wish, |country, countries| countries.contains(&country.id))
}

static CITIES: LazyLock<Index<CityId, City>> = LazyLock::new(|| {
    static TSV: LazyLock<String> = LazyLock::new(|| {
        let mut text = String::new();
        // It was compressed when the program was made; a test reads it whole.
        let _ = GzDecoder::new(CITIES_TSV_GZ).read_to_string(&mut text);
        text
    });
    Index::new(TSV.lines().filter_map(read_city).collect(), |city| city.id, |city| city.names)
});

static COUNTRIES: LazyLock<Index<CountryCode, Country>> = LazyLock::new(|| {
    let mut inhabitants: HashMap<CountryCode, u64> = HashMap::new();
    for city in &CITIES.places {
        *inhabitants.entry(city.country).or_default() += city.population;
    }
    let mut countries: Vec<Country> = COUNTRIES_TSV.lines().filter_map(read_country).collect();
    for country in &mut countries {
        country.population = inhabitants.get(&country.id).copied().unwrap_or_default();
    }
    countries.sort_by_key(|country| std::cmp::Reverse(country.population));
    Index::new(countries, |country| country.id, |country| country.names)
});

/// GeoNames id, country, population, time zone, then the names: default, be, en, fr, ru, zh.
fn read_city(line: &'static str) -> Option<City> {
    let mut cells = line.split('\t');
    let id = cells.next()?.parse().ok()?;
    let country = cells.next()?.parse().ok()?;
    let population = cells.next()?.parse().ok()?;
    let timezone = cells.next()?;
    let default = cells.next()?;
    let mut name = || cells.next().filter(|name| !name.is_empty());
    let (be, en, fr, ru, zh) = (name(), name(), name(), name(), name());
    let names = Names { default, en: en.unwrap_or(default), ru, be, fr, zh };
    Some(City { id, names, country, population, timezone })
}

/// Alpha-2, alpha-3, numeric, currency, then the names: en, ru, be, fr, zh.
fn read_country(line: &'static str) -> Option<Country> {
    let mut cells = line.split('\t');
    let id = cells.next()?.parse().ok()?;
    let mut name = cells.skip(3).map(|name| Some(name).filter(|name| !name.is_empty()));
    let en = name.next()??;
    let mut name = || name.next().flatten();
    let (ru, be, fr, zh) = (name(), name(), name(), name());
    Some(Country { id, names: Names { default: en, en, ru, be, fr, zh }, population: 0 })
}

/// Places that are found by their ids and by parts of their names.
struct Index<I, T: 'static> {
    /// By falling population.
    places: Vec<T>,
    id: fn(&T) -> I,
    /// Places by their ids, in the order of these.
    by_id: Vec<(I, u32)>,
    /// The position in `by_id` of each place.
    rank: Vec<u32>,
    /// The folded names of all places, a line each, so that one pass over one text searches them all.
    names: String,
    /// Where the names of each place begin, and the end of all.
    starts: Vec<usize>,
}

impl<I: Copy + Ord, T> Index<I, T> {
    fn new(places: Vec<T>, id: fn(&T) -> I, names_of: fn(&T) -> Names) -> Self {
        let mut by_id: Vec<(I, u32)> = places.iter().map(id).zip(0..).collect();
        by_id.sort_unstable();
        let mut rank = vec![0; places.len()];
        for ((_, place), position) in by_id.iter().zip(0..) {
            if let Some(rank) = rank.get_mut(*place as usize) {
                *rank = position;
            }
        }
        let (mut names, mut starts) = (String::new(), Vec::with_capacity(places.len() + 1));
        for place in &places {
            starts.push(names.len());
            let mut folded: Vec<String> = names_of(place).all().map(fold).collect();
            folded.sort_unstable();
            folded.dedup();
            for name in folded {
                names.push_str(&name);
                names.push('\n');
            }
        }
        starts.push(names.len());
        Self { places, id, by_id, rank, names, starts }
    }

    fn find(&self, id: I) -> Option<&T> {
        let at = self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.places.get(self.by_id.get(at)?.1 as usize)
    }

    /// The places of a list. `within` says whether a place lies in one of some countries.
    fn list(&'static self, wish: &Wish<I>, within: fn(&T, &[CountryCode]) -> bool) -> Vec<&'static T> {
        let mut found: Vec<usize> = match &wish.suggest {
            Some(part) => self.with_names_that_hold(&fold(part)),
            None => (0..self.places.len()).collect(),
        };
        if let Some(ids) = &wish.ids {
            let mut ids = ids.clone();
            ids.sort_unstable();
            found.retain(|place| self.places.get(*place).is_some_and(|t| ids.binary_search(&(self.id)(t)).is_ok()));
        }
        if let Some(countries) = &wish.countries {
            found.retain(|place| self.places.get(*place).is_some_and(|place| within(place, countries)));
        }
        match wish.order {
            Order::Largest => {}
            Order::Smallest => found.reverse(),
            Order::Id => {
                // Marked in bits and gathered: quicker than sorting where many are found.
                let mut marked = vec![0_u64; self.places.len().div_ceil(64)];
                for rank in found.drain(..).filter_map(|place| self.rank.get(place)) {
                    if let Some(bits) = marked.get_mut(*rank as usize / 64) {
                        *bits |= 1 << (rank % 64);
                    }
                }
                for (at, mut bits) in marked.into_iter().enumerate() {
                    while bits != 0 {
                        let rank = at * 64 + bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        found.extend(self.by_id.get(rank).map(|(_, place)| *place as usize));
                    }
                }
            }
        }
        found.into_iter().filter_map(|place| self.places.get(place)).collect()
    }

    /// The places, by falling population, of which a name holds a folded text.
    fn with_names_that_hold(&self, part: &str) -> Vec<usize> {
        if part.is_empty() {
            return (0..self.places.len()).collect();
        }
        if part.contains('\n') {
            // It would lie in two names.
            return Vec::new();
        }
        let finder = Finder::new(part.as_bytes());
        let find = |text: &[u8]| match part.as_bytes() {
            // Most names hold some letters: it has to be quick to begin anew.
            [byte] => memchr(*byte, text),
            _ => finder.find(text),
        };
        let (mut found, mut from, mut place) = (Vec::new(), 0, 0);
        while let Some(at) = self.names.as_bytes().get(from..).and_then(find) {
            let next = |place: usize| self.starts.get(place + 1).copied().unwrap_or(usize::MAX);
            while next(place) <= from + at {
                place += 1;
            }
            found.push(place);
            from = next(place);
            place += 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Timezone;

    fn all<I>() -> Wish<I> {
        Wish { ids: None, countries: None, suggest: None, order: Order::Id }
    }

    fn suggested(part: &str) -> Vec<&'static str> {
        let wish = Wish { suggest: Some(part.to_owned()), order: Order::Largest, ..all() };
        cities(&wish).into_iter().map(|city| city.names.default).collect()
    }

    #[test]
    fn all_that_was_made_part_of_the_program_is_read() {
        let (all_cities, all_countries) = (cities(&all()), countries(&all()));
        assert_eq!((all_cities.len(), all_countries.len()), (34_006, 249));
        assert!(all_cities.is_sorted_by(|a, b| a.id < b.id) && all_countries.is_sorted_by(|a, b| a.id < b.id));
        let mut timezones: Vec<&str> = all_cities.iter().map(|city| city.timezone).collect();
        timezones.sort_unstable();
        timezones.dedup();
        for timezone in timezones {
            assert!(timezone.parse::<Timezone>().is_ok(), "{timezone}");
        }
        let named = all_cities.iter().map(|city| city.names).chain(all_countries.iter().map(|country| country.names));
        for names in named {
            assert!(names.all().all(|name| !name.is_empty() && name.trim() == name), "{names:?}");
        }
    }

    #[test]
    fn a_place_is_found_by_its_id() {
        let moscow = city("524901".parse().unwrap()).unwrap();
        assert_eq!((moscow.names.en, moscow.names.ru, moscow.timezone), ("Moscow", Some("Москва"), "Europe/Moscow"));
        let russia = country(moscow.country).unwrap();
        assert_eq!((russia.id.as_str(), russia.names.default, russia.names.ru), ("RU", "Russia", Some("Россия")));
        assert_eq!(city("1".parse().unwrap()), None);
        assert_eq!(country("ZZ".parse().unwrap()), None);
    }

    #[test]
    fn a_place_is_found_by_a_part_of_any_of_its_names_in_any_case() {
        for part in ["moscow", "MOSC", "МОСКВ", "осква", "Moscou", "莫斯科"] {
            assert!(suggested(part).contains(&"Moscow"), "{part}");
        }
        assert_eq!(suggested("moscow")[0], "Moscow", "the largest comes first");
        assert_eq!(suggested("no city is called that"), [""; 0]);
        assert_eq!(suggested("Shanghai\nBeijing"), [""; 0]);
        assert_eq!(suggested("").len(), 34_006);
    }

    /// What the index finds is what looking at each name finds.
    #[test]
    fn nothing_is_passed_over() {
        let largest = cities(&Wish { order: Order::Largest, ..all() });
        for part in ["a", "ö", "new ", "ск", "-", "'", "市", "saint", "ville"] {
            let looked_at: Vec<&str> = largest
                .iter()
                .filter(|city| city.names.all().any(|name| fold(name).contains(part)))
                .map(|city| city.names.default)
                .collect();
            assert!(!looked_at.is_empty());
            assert!(suggested(part) == looked_at, "{part}");
        }
    }

    #[test]
    fn a_list_is_narrowed_and_ordered() {
        let id = |text: &str| text.parse::<CityId>().unwrap();
        let named = |wish: &Wish<CityId>| cities(wish).iter().map(|city| city.names.default).collect::<Vec<_>>();
        // Moscow, Saint Petersburg, Minsk, and one that is not there.
        let ids = Some(vec![id("524901"), id("498817"), id("625144"), id("7")]);
        let wish = Wish { ids, ..all() };
        assert_eq!(named(&wish), ["Saint Petersburg", "Moscow", "Minsk"]);
        assert_eq!(named(&Wish { order: Order::Smallest, ..wish.clone() }), ["Minsk", "Saint Petersburg", "Moscow"]);
        assert_eq!(named(&Wish { countries: Some(vec!["BY".parse().unwrap()]), ..wish }), ["Minsk"]);
        let largest = countries(&Wish { order: Order::Largest, ..all() });
        assert_eq!([largest[0].id.as_str(), largest[1].id.as_str()], ["CN", "IN"]);
    }

    /// Run by hand: `cargo test --release --lib places -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn how_long_a_suggestion_takes() {
        let began = std::time::Instant::now();
        assert!(city("524901".parse().unwrap()).is_some());
        println!("reading all: {:?}", began.elapsed());
        for part in ["a", "e", "а", "о", "an", "mos", "москва", "saint", "zzzz", "new york", "ск", "京"] {
            for order in [Order::Id, Order::Largest] {
                let wish = Wish { suggest: Some(part.to_owned()), order, ..all() };
                let found = cities(&wish).len();
                let began = std::time::Instant::now();
                (0..100).for_each(|_| assert_eq!(cities(&wish).len(), found));
                println!("{part:8} {order:?}: {found} cities, {:?}", began.elapsed() / 100);
            }
        }
    }
}
