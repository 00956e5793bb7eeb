//! Maps: the plan of a hall, its sectors with their rows of numbered seats.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{MapId, PartnerId, SectorId, VenueId};
use crate::invalid::Invalid;
use crate::text;

/// The most sectors of a map.
pub const SECTORS_MAX: usize = 500;

/// The most seats of a map.
pub const SEATS_MAX: usize = 100_000;

/// The most characters of the name of a sector, a row or a seat.
pub const NAME_MAX: usize = 100;

/// The farthest from the origin that anything is drawn, in steps of one seat.
pub const COORDINATE_MAX: f64 = 10_000.0;

/// The plan of a hall. Its seats never change: tickets name them.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Its id.
    pub id: MapId,
    /// Whose it is.
    pub org: PartnerId,
    /// The place that it is the plan of.
    pub venue: Option<VenueId>,
    /// What it is called.
    pub name: String,
    /// More about it.
    pub desc: Option<String>,
    /// Its parts, in order.
    pub sectors: Vec<Sector>,
    /// Whether it has been removed.
    pub removed: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Map {
    /// Whether an event in this venue may be held by it: one of another venue contradicts it. Where either names none, they
    /// go together.
    pub fn fits(&self, venue: Option<VenueId>) -> bool {
        self.venue.is_none() || venue.is_none() || self.venue == venue
    }
}

/// A part of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Sector {
    /// Its id.
    pub id: SectorId,
    /// What it is called; unique in its map.
    pub name: String,
    /// More about it.
    pub desc: Option<String>,
    /// Its rows from the stage on; none where people stand.
    pub rows: Vec<SeatRow>,
}

/// A row of seats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeatRow {
    /// What it is called; unique in its sector.
    pub name: String,
    /// Where its first seat is drawn, in steps of one seat from the left of the map; in the middle of its sector unless
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// Where it is drawn, in steps of one row from the top of the map; below the row before it unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<f64>,
    /// Its seats from left to right.
    pub seats: Vec<Seat>,
}

/// A seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// What it is called: a number as a rule; unique in its row.
    pub number: String,
    /// Where it is drawn, in steps of one seat from the left of the map; from its place in the row unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// Where it is drawn, in steps of one row from the top of the map; where its row is unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<f64>,
}

/// A sector as it is described.
#[derive(Debug, Clone, PartialEq)]
pub struct SectorPlan {
    /// The id it is to have.
    pub id: SectorId,
    /// What it is called.
    pub name: String,
    /// More about it.
    pub desc: Option<String>,
    /// Its rows; none where people stand.
    pub rows: Vec<RowPlan>,
}

/// A row as it is described.
#[derive(Debug, Clone, PartialEq)]
pub struct RowPlan {
    /// What it is called.
    pub name: String,
    /// See [`SeatRow::x`].
    pub x: Option<f64>,
    /// See [`SeatRow::y`].
    pub y: Option<f64>,
    /// Its seats.
    pub seats: SeatsPlan,
}

/// The seats of a row as they are described.
#[derive(Debug, Clone, PartialEq)]
pub enum SeatsPlan {
    /// So many, numbered from 1.
    Count(usize),
    /// These.
    Listed(Vec<Seat>),
}

impl SeatsPlan {
    fn len(&self) -> usize {
        match self {
            Self::Count(count) => *count,
            Self::Listed(seats) => seats.len(),
        }
    }
}

/// The sectors of a new map, from their description.
///
/// # Errors
/// What is wrong and where: `[0].rows[2].seats[7].number`.
pub fn build(plans: Vec<SectorPlan>) -> Result<Vec<Sector>, (String, Invalid)> {
    let at = |path: &str, invalid| (path.to_owned(), invalid);
    if plans.is_empty() {
        return Err(at("", Invalid::new("required", "must have a sector at least")));
    }
    if plans.len() > SECTORS_MAX {
        return Err(at("", Invalid::out_of_range(format!("must not have more than {SECTORS_MAX} sectors"))));
    }
    // Before any of them is made.
    let seats =
        plans.iter().flat_map(|sector| &sector.rows).try_fold(0_usize, |all, row| all.checked_add(row.seats.len()));
    if seats.is_none_or(|seats| seats > SEATS_MAX) {
        return Err(at("", Invalid::out_of_range(format!("must not have more than {SEATS_MAX} seats together"))));
    }
    let mut names = HashSet::new();
    let mut sectors = Vec::with_capacity(plans.len());
    for (place, plan) in plans.into_iter().enumerate() {
        let within = |(path, invalid): (String, Invalid)| (format!("[{place}].{path}"), invalid);
        let sector = sector(plan).map_err(within)?;
        if !names.insert(sector.name.clone()) {
            return Err(within(at("name", taken("sector", &sector.name))));
        }
        sectors.push(sector);
    }
    Ok(sectors)
}

fn taken(what: &str, name: &str) -> Invalid {
    Invalid::conflict(format!("another {what} has the name {name:?}"))
}

fn sector(plan: SectorPlan) -> Result<Sector, (String, Invalid)> {
    let wrong = |field: &'static str| move |invalid| (field.to_owned(), invalid);
    let name = text::name(&plan.name, NAME_MAX).map_err(wrong("name"))?;
    plan.desc.as_deref().map_or(Ok(()), text::check_long).map_err(wrong("desc"))?;
    let mut names = HashSet::new();
    let mut rows = Vec::with_capacity(plan.rows.len());
    for (place, plan) in plan.rows.into_iter().enumerate() {
        let within = |(path, invalid): (String, Invalid)| (format!("rows[{place}].{path}"), invalid);
        let row = row(plan).map_err(within)?;
        if !names.insert(row.name.clone()) {
            return Err(within(("name".to_owned(), taken("row of this sector", &row.name))));
        }
        rows.push(row);
    }
    Ok(Sector { id: plan.id, name, desc: plan.desc, rows })
}

fn row(plan: RowPlan) -> Result<SeatRow, (String, Invalid)> {
    let wrong = |field: &'static str| move |invalid| (field.to_owned(), invalid);
    let name = text::name(&plan.name, NAME_MAX).map_err(wrong("name"))?;
    coordinate(plan.x).map_err(wrong("x"))?;
    coordinate(plan.y).map_err(wrong("y"))?;
    let mut seats = match plan.seats {
        SeatsPlan::Count(count) => {
            (1..=count).map(|number| Seat { number: number.to_string(), x: None, y: None }).collect()
        }
        SeatsPlan::Listed(seats) => seats,
    };
    if seats.is_empty() {
        return Err(("seats".to_owned(), Invalid::out_of_range("must have a seat at least")));
    }
    let mut numbers = HashSet::new();
    for (place, seat) in seats.iter_mut().enumerate() {
        let wrong = |field: &'static str| move |invalid| (format!("seats[{place}].{field}"), invalid);
        seat.number = text::name(&seat.number, NAME_MAX).map_err(wrong("number"))?;
        coordinate(seat.x).map_err(wrong("x"))?;
        coordinate(seat.y).map_err(wrong("y"))?;
        if !numbers.insert(seat.number.clone()) {
            return Err(wrong("number")(taken("seat of this row", &seat.number)));
        }
    }
    Ok(SeatRow { name, x: plan.x, y: plan.y, seats })
}

fn coordinate(value: Option<f64>) -> Result<(), Invalid> {
    if value.is_none_or(|value| (-COORDINATE_MAX..=COORDINATE_MAX).contains(&value)) {
        return Ok(());
    }
    Err(Invalid::out_of_range(format!("must be between -{COORDINATE_MAX} and {COORDINATE_MAX}")))
}

/// A seat of a sector by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place<'a> {
    /// The row's name.
    pub row: &'a str,
    /// The seat's name.
    pub number: &'a str,
}

impl Map {
    /// How many seats all its sectors have.
    pub fn seats(&self) -> usize {
        self.sectors.iter().map(Sector::amount).sum()
    }
}

impl Sector {
    /// How many seats it has; none where people stand.
    pub fn amount(&self) -> usize {
        self.rows.iter().map(|row| row.seats.len()).sum()
    }

    /// The row with this name.
    ///
    /// # Errors
    /// `unknown`.
    pub fn row(&self, name: &str) -> Result<&SeatRow, Invalid> {
        let found = self.rows.iter().find(|row| row.name == name);
        found.ok_or_else(|| Invalid::unknown(format!("the sector {:?} has no row {name:?}", self.name)))
    }

    /// The seats of a row from the first to the last, both among them, in the row's own order.
    ///
    /// # Errors
    /// `unknown` for a row or a seat that is not there, `out_of_range` where the last comes before the first.
    pub fn range(&self, row: &str, first: &str, last: &str) -> Result<&[Seat], Invalid> {
        let row = self.row(row)?;
        Ok(row.seats.get(row.range(&row.places(), first, last)?).unwrap_or_default())
    }

    /// The seats that ranges name ([`Seats::rows`](crate::set::Seats::rows)), in the order of the sector: row by row from
    /// the stage on, in each row from left to right.
    ///
    /// # Errors
    /// What is wrong and where, such as `A[1]` for the second range of the row A: `unknown` for a row or a seat that is not
    /// there, `out_of_range` where a last comes before its first, `conflict` for a seat that is named twice.
    pub fn seats_of(
        &self,
        rows: &BTreeMap<String, Vec<(String, String)>>,
    ) -> Result<Vec<Place<'_>>, (String, Invalid)> {
        let by_name: HashMap<&str, usize> =
            self.rows.iter().enumerate().map(|(place, row)| (row.name.as_str(), place)).collect();
        let mut named = BTreeMap::new();
        for (name, ranges) in rows {
            let Some((place, row)) =
                by_name.get(name.as_str()).and_then(|place| Some((*place, self.rows.get(*place)?)))
            else {
                return Err((name.clone(), Invalid::unknown(format!("the sector {:?} has no such row", self.name))));
            };
            let mut taken = vec![false; row.seats.len()];
            let places = row.places();
            for (at, (first, last)) in ranges.iter().enumerate() {
                let wrong = |invalid| (format!("{name}[{at}]"), invalid);
                let range = row.range(&places, first, last).map_err(wrong)?;
                let seats = row.seats.get(range.clone()).into_iter().flatten();
                for (seat, taken) in seats.zip(taken.get_mut(range).into_iter().flatten()) {
                    if std::mem::replace(taken, true) {
                        return Err(wrong(Invalid::conflict(format!("the seat {:?} is named twice", seat.number))));
                    }
                }
            }
            named.insert(place, (row, taken));
        }
        let seats = named.into_values().flat_map(|(row, taken)| {
            let seats = row.seats.iter().zip(taken).filter(|(_, taken)| *taken);
            seats.map(|(seat, _)| Place { row: &row.name, number: &seat.number })
        });
        Ok(seats.collect())
    }
}

impl SeatRow {
    /// The place of each seat by its name.
    fn places(&self) -> HashMap<&str, usize> {
        self.seats.iter().enumerate().map(|(place, seat)| (seat.number.as_str(), place)).collect()
    }

    /// The places from one seat to another, both among them.
    fn range(
        &self,
        places: &HashMap<&str, usize>,
        first: &str,
        last: &str,
    ) -> Result<std::ops::RangeInclusive<usize>, Invalid> {
        let place = |number: &str| {
            let unknown = || Invalid::unknown(format!("the row {:?} has no seat {number:?}", self.name));
            places.get(number).copied().ok_or_else(unknown)
        };
        match (place(first)?, place(last)?) {
            (first, last) if first <= last => Ok(first..=last),
            _ => Err(Invalid::out_of_range(format!("the seat {last:?} comes before the seat {first:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(name: &str, seats: SeatsPlan) -> RowPlan {
        RowPlan { name: name.to_owned(), x: None, y: None, seats }
    }

    fn listed(numbers: &[&str]) -> SeatsPlan {
        SeatsPlan::Listed(
            numbers.iter().map(|number| Seat { number: (*number).to_owned(), x: None, y: None }).collect(),
        )
    }

    fn plan(name: &str, rows: Vec<RowPlan>) -> SectorPlan {
        SectorPlan { id: SectorId::from_bytes([1; 12]), name: name.to_owned(), desc: None, rows }
    }

    fn hall() -> Sector {
        let rows =
            vec![row("1", SeatsPlan::Count(12)), row("2", listed(&["1", "2", "2a", "3"])), row("A", listed(&["9"]))];
        build(vec![plan("Parterre", rows)]).unwrap().remove(0)
    }

    fn ranges(rows: &[(&str, &[(&str, &str)])]) -> BTreeMap<String, Vec<(String, String)>> {
        let pair = |(first, last): &(&str, &str)| ((*first).to_owned(), (*last).to_owned());
        rows.iter().map(|(row, ranges)| ((*row).to_owned(), ranges.iter().map(pair).collect())).collect()
    }

    fn numbers<'a>(places: &[Place<'a>]) -> Vec<(&'a str, &'a str)> {
        places.iter().map(|place| (place.row, place.number)).collect()
    }

    #[test]
    fn a_map_fits_the_venue_it_is_the_plan_of() {
        let (opera, circus) = (VenueId::from_bytes([1; 12]), VenueId::from_bytes([2; 12]));
        for (of, venue, fits) in [
            (None, None, true),
            (None, Some(opera), true),
            (Some(opera), None, true),
            (Some(opera), Some(opera), true),
            (Some(opera), Some(circus), false),
        ] {
            let map = Map {
                id: MapId::from_bytes([3; 12]),
                org: PartnerId::from_bytes([4; 12]),
                venue: of,
                name: "Hall".to_owned(),
                desc: None,
                sectors: Vec::new(),
                removed: false,
                created_at: Timestamp::UNIX_EPOCH,
                updated_at: Timestamp::UNIX_EPOCH,
            };
            assert_eq!(map.fits(venue), fits, "{of:?} {venue:?}");
        }
    }

    #[test]
    fn seats_are_counted_from_one_or_named() {
        let hall = hall();
        assert_eq!(hall.amount(), 17);
        let row: Vec<&str> = hall.rows[0].seats.iter().map(|seat| seat.number.as_str()).collect();
        assert_eq!(row, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]);
        assert_eq!(build(vec![plan("Dance floor", vec![])]).unwrap()[0].amount(), 0);
    }

    #[test]
    fn a_wrong_description_is_refused_where_it_is_wrong() {
        let seat = |x| Seat { number: "1".to_owned(), x: Some(x), y: None };
        let cases: Vec<(Vec<SectorPlan>, &str, &str)> = vec![
            (vec![], "", "required"),
            (vec![plan(" ", vec![])], "[0].name", "required"),
            (vec![plan("A", vec![]), plan("A ", vec![])], "[1].name", "conflict"),
            (vec![plan("A", vec![row("", SeatsPlan::Count(1))])], "[0].rows[0].name", "required"),
            (vec![plan("A", vec![row("1", SeatsPlan::Count(0))])], "[0].rows[0].seats", "out_of_range"),
            (
                vec![plan("A", vec![row("1", SeatsPlan::Count(1)), row("1", SeatsPlan::Count(1))])],
                "[0].rows[1].name",
                "conflict",
            ),
            (vec![plan("A", vec![row("1", listed(&["1", "2", "1"]))])], "[0].rows[0].seats[2].number", "conflict"),
            (vec![plan("A", vec![row("1", listed(&["\n"]))])], "[0].rows[0].seats[0].number", "required"),
            (
                vec![plan("A", vec![row("1", SeatsPlan::Listed(vec![seat(f64::NAN)]))])],
                "[0].rows[0].seats[0].x",
                "out_of_range",
            ),
            (
                vec![plan("A", vec![RowPlan { y: Some(10_000.5), ..row("1", SeatsPlan::Count(1)) }])],
                "[0].rows[0].y",
                "out_of_range",
            ),
            (vec![plan("A", vec![row("1", SeatsPlan::Count(100_001))])], "", "out_of_range"),
            (vec![plan("A", (0..3).map(|_| row("1", SeatsPlan::Count(usize::MAX / 2))).collect())], "", "out_of_range"),
            ((0..501).map(|number| plan(&number.to_string(), vec![])).collect(), "", "out_of_range"),
        ];
        for (plans, path, code) in cases {
            let (at, invalid) = build(plans).unwrap_err();
            assert_eq!((at.as_str(), invalid.code), (path, code), "{}", invalid.message);
        }
    }

    #[test]
    fn the_largest_map_is_built() {
        let sectors = (0..500).map(|number| plan(&number.to_string(), vec![row("1", SeatsPlan::Count(200))])).collect();
        assert_eq!(build(sectors).unwrap().iter().map(Sector::amount).sum::<usize>(), SEATS_MAX);
    }

    #[test]
    fn a_range_is_in_the_order_of_the_row() {
        let hall = hall();
        let range = |row, first, last| -> Result<Vec<&str>, &str> {
            let seats = hall.range(row, first, last).map_err(|invalid| invalid.code)?;
            Ok(seats.iter().map(|seat| seat.number.as_str()).collect())
        };
        assert_eq!(range("1", "9", "11"), Ok(vec!["9", "10", "11"]));
        assert_eq!(range("2", "2", "3"), Ok(vec!["2", "2a", "3"]));
        assert_eq!(range("A", "9", "9"), Ok(vec!["9"]));
        assert_eq!(range("3", "1", "1"), Err("unknown"));
        assert_eq!(range("1", "0", "1"), Err("unknown"));
        assert_eq!(range("1", "1", "13"), Err("unknown"));
        assert_eq!(range("1", "3", "2"), Err("out_of_range"));
    }

    #[test]
    fn the_seats_of_ranges_are_in_the_order_of_the_sector() {
        let hall = hall();
        let seats = hall.seats_of(&ranges(&[("A", &[("9", "9")]), ("2", &[("3", "3"), ("1", "2")])])).unwrap();
        assert_eq!(numbers(&seats), [("2", "1"), ("2", "2"), ("2", "3"), ("A", "9")]);
        assert_eq!(hall.seats_of(&BTreeMap::new()), Ok(vec![]));
        assert_eq!(hall.seats_of(&ranges(&[("1", &[])])), Ok(vec![]));
        for (wrong, path, code, named) in [
            (ranges(&[("3", &[("1", "1")])]), "3", "unknown", "no such row"),
            (ranges(&[("1", &[("1", "2"), ("4", "13")])]), "1[1]", "unknown", "\"13\""),
            (ranges(&[("1", &[("5", "4")])]), "1[0]", "out_of_range", "before"),
            (ranges(&[("1", &[("1", "5"), ("5", "6")])]), "1[1]", "conflict", "\"5\""),
        ] {
            let (at, invalid) = hall.seats_of(&wrong).unwrap_err();
            assert_eq!((at.as_str(), invalid.code), (path, code));
            assert!(invalid.message.contains(named), "{}", invalid.message);
        }
    }

    proptest! {
        #[test]
        fn disjoint_ranges_name_each_seat_once_in_order(cuts in prop::collection::btree_set(1_usize..200, 0..20)) {
            let sector = build(vec![plan("A", vec![row("1", SeatsPlan::Count(200))])]).unwrap().remove(0);
            let starts: Vec<usize> = [1].into_iter().chain(cuts.iter().map(|cut| cut + 1)).collect();
            let ends: Vec<usize> = cuts.iter().copied().chain([200]).collect();
            let mut pairs: Vec<(String, String)> =
                starts.iter().zip(&ends).map(|(first, last)| (first.to_string(), last.to_string())).collect();
            pairs.reverse();
            let seats = sector.seats_of(&BTreeMap::from([("1".to_owned(), pairs)])).unwrap();
            let expected: Vec<String> = (1..=200).map(|number| number.to_string()).collect();
            prop_assert_eq!(seats.iter().map(|seat| seat.number).collect::<Vec<_>>(), expected);
        }
    }
}
