//! Draws the plan of a hall as SVG: every seat is an element of its own that pages and programs can find by its id, its
//! row and its number. What people have written is escaped, and there are no scripts, styles or links in it.

use std::fmt::{self, Write};

use crate::domain::map::{Map, Seat, SeatRow, Sector};
use crate::domain::text;

/// Changes with what is drawn, so that nobody keeps an older drawing.
pub const VERSION: u32 = 1;

/// The pixels from one seat to the next, and from one row to the next.
const STEP: f64 = 20.0;
/// Half of a seat.
const RADIUS: f64 = 8.0;
/// What is left free around the whole, in steps.
const MARGIN: f64 = 1.5;
/// Around a sector that is put in its place here, in steps: names of rows beside it, its own above.
const BESIDE: f64 = 2.0;
const ABOVE: f64 = 2.0;
/// The size of a sector's name, in pixels.
const NAME: f64 = 14.0;
/// Between one line of sectors and the next, in steps.
const BETWEEN: f64 = 1.0;
/// The height of the stage with what is free below it, in steps.
const STAGE: f64 = 3.0;
/// A place to stand, in steps.
const STANDING: (f64, f64) = (16.0, 5.0);
/// How much wider than high a plan is meant to be.
const ASPECT: f64 = 1.5;

/// The colours of sectors, in turn.
const COLOURS: [&str; 8] = ["#3f6fb5", "#2f8f83", "#b0683a", "#7a5fb0", "#5c8f3d", "#b5497a", "#8a7a2e", "#4a7f9f"];

/// How long a piece of a document is at least, but for the last one.
const PIECE: usize = 32 << 10;

/// The map as an SVG document, in pieces: a description of few bytes, whose names every seat repeats, makes a long one.
pub struct Drawing {
    map: Map,
    laid: Vec<Laid>,
    next: Next,
}

/// What is drawn next. The numbers are places: of a sector, of a row in it, of a seat in that.
enum Next {
    Start,
    Sector(usize),
    Row(usize, usize),
    Seat(usize, usize, usize),
    Nothing,
}

impl Drawing {
    /// Puts every seat in its place.
    pub fn new(map: Map) -> Self {
        let laid = lay(&map);
        Self { map, laid, next: Next::Start }
    }

    /// Draws what is next, and answers what comes after it.
    fn draw(&self, out: &mut String) -> Result<Next, fmt::Error> {
        let part = |at: usize| Some((self.map.sectors.get(at)?, self.laid.get(at)?));
        match self.next {
            Next::Start => {
                draw_start(&self.map, &self.laid, out)?;
                Ok(Next::Sector(0))
            }
            Next::Sector(at) => match part(at) {
                Some((sector, laid)) => draw_sector(sector, laid, out).map(|()| Next::Row(at, 0)),
                None => out.write_str("</svg>\n").map(|()| Next::Nothing),
            },
            Next::Row(at, place) => {
                match part(at).and_then(|(sector, laid)| sector.rows.get(place).zip(laid.rows.get(place))) {
                    Some((row, seats)) => draw_row(row, seats, out).map(|()| Next::Seat(at, place, 0)),
                    None => out.write_str("</g>").map(|()| Next::Sector(at + 1)),
                }
            }
            Next::Seat(at, row, place) => match part(at).and_then(|(sector, laid)| seat_of(sector, laid, row, place)) {
                Some(seat) => draw_seat(&seat, out).map(|()| Next::Seat(at, row, place + 1)),
                None => Ok(Next::Row(at, row + 1)),
            },
            Next::Nothing => Ok(Next::Nothing),
        }
    }
}

impl Iterator for Drawing {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut piece = String::with_capacity(PIECE + PIECE / 4);
        while piece.len() < PIECE && !matches!(self.next, Next::Nothing) {
            // Writing to memory cannot fail.
            self.next = self.draw(&mut piece).unwrap_or(Next::Nothing);
        }
        (!piece.is_empty()).then_some(piece)
    }
}

/// A sector's places of its seats in steps, the centre of each seat.
struct Laid {
    colour: &'static str,
    /// Whether its seats stand where its description says.
    given: bool,
    rows: Vec<Vec<(f64, f64)>>,
    area: Area,
    /// How much larger than usual its name is, so that it can be read where the whole is seen.
    scale: f64,
}

/// A rectangle in steps.
#[derive(Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Area {
    fn around(points: impl Iterator<Item = (f64, f64)>) -> Option<Self> {
        points.fold(None, |area: Option<Self>, (x, y)| {
            let seat = Self { left: x - 0.5, top: y - 0.5, right: x + 0.5, bottom: y + 0.5 };
            Some(area.map_or(seat, |area| area.with(seat)))
        })
    }

    fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    fn moved(self, x: f64, y: f64) -> Self {
        Self { left: self.left + x, top: self.top + y, right: self.right + x, bottom: self.bottom + y }
    }

    fn width(self) -> f64 {
        self.right - self.left
    }

    fn height(self) -> f64 {
        self.bottom - self.top
    }

    fn wider(self, beside: f64, above: f64) -> Self {
        Self { left: self.left - beside, top: self.top - above, right: self.right + beside, bottom: self.bottom }
    }
}

impl Laid {
    /// With the names around it.
    fn whole(&self) -> Area {
        self.area.wider(BESIDE, ABOVE * self.scale)
    }

    fn move_by(&mut self, x: f64, y: f64) {
        self.area = self.area.moved(x, y);
        for seat in self.rows.iter_mut().flatten() {
            *seat = (seat.0 + x, seat.1 + y);
        }
    }
}

/// Puts every seat in its place.
fn lay(map: &Map) -> Vec<Laid> {
    let colours = COLOURS.into_iter().cycle();
    let mut sectors: Vec<Laid> =
        map.sectors.iter().zip(colours).map(|(sector, colour)| lay_sector(sector, colour)).collect();
    let size = sectors.iter().map(|sector| sector.area.width() * sector.area.height()).sum::<f64>().sqrt();
    for sector in &mut sectors {
        // Who gave coordinates has left room for a name of the usual size.
        sector.scale = (size / 40.0).clamp(1.0, if sector.given { 2.0 } else { 4.0 });
    }
    let top = Area::around(sectors.iter().filter(|sector| sector.given).flat_map(|sector| {
        let Area { left, top, right, bottom } = sector.whole();
        [(left, top), (right, bottom)]
    }));
    let (middle, mut y) = match top {
        Some(area) => ((area.left + area.right) / 2.0, area.bottom + BETWEEN),
        None => (0.0, STAGE),
    };
    let free: Vec<Area> = sectors.iter().filter(|sector| !sector.given).map(Laid::whole).collect();
    let widest = free.iter().map(|area| area.width()).fold(top.map_or(0.0, Area::width), f64::max);
    let surface: f64 = free.iter().map(|area| area.width() * (area.height() + BETWEEN)).sum();
    let line_width = widest.max((surface * ASPECT).sqrt());

    // Lines of sectors, filled one after the other, each in the middle.
    let mut line: Vec<&mut Laid> = Vec::new();
    let mut filled = 0.0;
    for sector in sectors.iter_mut().filter(|sector| !sector.given) {
        let width = sector.whole().width();
        if !line.is_empty() && filled + width > line_width {
            y += place_line(&mut line, middle, y) + BETWEEN;
            filled = 0.0;
        }
        filled += width;
        line.push(sector);
    }
    place_line(&mut line, middle, y);
    sectors
}

/// Puts sectors beside each other and answers how high they are together.
fn place_line(line: &mut Vec<&mut Laid>, middle: f64, top: f64) -> f64 {
    let width: f64 = line.iter().map(|sector| sector.whole().width()).sum();
    let mut left = middle - width / 2.0;
    let mut height: f64 = 0.0;
    for sector in line.drain(..) {
        let whole = sector.whole();
        sector.move_by(left - whole.left, top - whole.top);
        left += whole.width();
        height = height.max(whole.height());
    }
    height
}

fn lay_sector(sector: &Sector, colour: &'static str) -> Laid {
    let placed = |row: &SeatRow| row.x.or(row.y).is_some() || row.seats.iter().any(|seat| seat.x.or(seat.y).is_some());
    let given = sector.rows.iter().any(placed);
    let widest = sector.rows.iter().map(|row| row.seats.len()).max().unwrap_or(0);
    let mut below = 0.0;
    let mut rows = Vec::with_capacity(sector.rows.len());
    for row in &sector.rows {
        let row_y = row.y.unwrap_or(below);
        below = row_y + 1.0;
        let in_the_middle = if given { 0.0 } else { (widest - row.seats.len()) as f64 / 2.0 };
        let mut beside = row.x.unwrap_or(in_the_middle);
        let seats = row.seats.iter().map(|seat| {
            let x = seat.x.unwrap_or(beside);
            beside = x + 1.0;
            (x, seat.y.unwrap_or(row_y))
        });
        rows.push(seats.collect::<Vec<_>>());
    }
    let (width, height) = STANDING;
    let standing = Area { left: 0.0, top: 0.0, right: width, bottom: height };
    let area = Area::around(rows.iter().flatten().copied()).unwrap_or(standing);
    Laid { colour, given, rows, area, scale: 1.0 }
}

/// All that is before the first sector.
fn draw_start(map: &Map, sectors: &[Laid], out: &mut String) -> fmt::Result {
    let all = sectors.iter().map(Laid::whole).reduce(Area::with);
    let mut view = all.unwrap_or(Area { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 });
    let stage = !sectors.iter().any(|sector| sector.given);
    if stage {
        view.top = view.top.min(0.0);
    }
    view = Area { bottom: view.bottom + MARGIN, ..view.wider(MARGIN, MARGIN) };
    let (width, height) = (view.width() * STEP, view.height() * STEP);
    write!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="{} {} {} {}" width="{}" height="{}" role="img" font-family="sans-serif" font-size="10" text-anchor="middle">"#,
        Pixels(view.left),
        Pixels(view.top),
        Digits(width),
        Digits(height),
        Digits(width),
        Digits(height),
    )?;
    write!(out, "<title>{}</title>", Escaped(&map.name))?;
    if stage {
        draw_stage((view.left + view.right) / 2.0, view.width() * 0.4, out)?;
    }
    Ok(())
}

/// What the rows look at: a bar that is bent towards them.
fn draw_stage(middle: f64, width: f64, out: &mut String) -> fmt::Result {
    let (left, right) = (middle - width / 2.0, middle + width / 2.0);
    write!(
        out,
        r##"<path class="stage" fill="#d5d9e0" d="M{} {}H{}V{}Q{} {} {} {}Z"/>"##,
        Pixels(left),
        Pixels(0.0),
        Pixels(right),
        Pixels(1.0),
        Pixels(middle),
        Pixels(2.2),
        Pixels(left),
        Pixels(1.0),
    )
}

/// The beginning of a sector, without its rows.
fn draw_sector(sector: &Sector, laid: &Laid, out: &mut String) -> fmt::Result {
    let Laid { colour, area, .. } = laid;
    let name = Escaped(&sector.name);
    // As wide as the sector at most.
    let widest = laid.whole().width() * STEP / (0.65 * text::length(&sector.name).max(1) as f64);
    let size = (NAME * laid.scale).min(widest.max(NAME));
    write!(
        out,
        r#"<g class="sector" id="{}" data-name="{name}" fill="{colour}"><text x="{}" y="{}" font-size="{}" font-weight="bold">{name}</text>"#,
        sector.id,
        Pixels((area.left + area.right) / 2.0),
        Pixels(area.top - 0.6),
        Digits(size),
    )?;
    if sector.rows.is_empty() {
        write!(
            out,
            r#"<rect class="standing" x="{}" y="{}" width="{}" height="{}" rx="12" fill-opacity="0.25" stroke="{colour}" data-sector="{}"><title>{name}</title></rect>"#,
            Pixels(area.left),
            Pixels(area.top),
            Pixels(area.width()),
            Pixels(area.height()),
            sector.id,
        )?;
    }
    Ok(())
}

/// The name of a row at both its ends, without its seats.
fn draw_row(row: &SeatRow, seats: &[(f64, f64)], out: &mut String) -> fmt::Result {
    let Some(around) = Area::around(seats.iter().copied()) else { return Ok(()) };
    let ends = [(around.left - 0.7, seats.first()), (around.right + 0.7, seats.last())];
    ends.into_iter().filter_map(|(x, seat)| Some((x, seat?))).try_for_each(|(x, seat)| {
        let (y, name) = (Pixels(seat.1 + 0.18), Escaped(&row.name));
        write!(out, r##"<text class="row" x="{}" y="{y}" fill="#6b7280">{name}</text>"##, Pixels(x))
    })
}

/// A seat with all that is said of it.
struct Place<'m> {
    sector: &'m Sector,
    row: (usize, &'m SeatRow),
    seat: (usize, &'m Seat),
    centre: (f64, f64),
}

fn seat_of<'m>(sector: &'m Sector, laid: &Laid, row_place: usize, seat_place: usize) -> Option<Place<'m>> {
    let row = sector.rows.get(row_place)?;
    let seat = row.seats.get(seat_place)?;
    let centre = *laid.rows.get(row_place)?.get(seat_place)?;
    Some(Place { sector, row: (row_place, row), seat: (seat_place, seat), centre })
}

fn draw_seat(place: &Place<'_>, out: &mut String) -> fmt::Result {
    let Place { sector, row: (row_place, row), seat: (seat_place, seat), centre } = place;
    let (name, row_name, number) = (Escaped(&sector.name), Escaped(&row.name), Escaped(&seat.number));
    write!(
        out,
        r#"<circle class="seat" id="{id}-{row_place}-{seat_place}" cx="{}" cy="{}" r="{RADIUS}" data-sector="{id}" data-row="{row_name}" data-number="{number}"><title>{name} · {row_name} · {number}</title></circle>"#,
        Pixels(centre.0),
        Pixels(centre.1),
        id = sector.id,
    )
}

/// Steps as pixels.
struct Pixels(f64);

impl fmt::Display for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Digits(self.0 * STEP).fmt(f)
    }
}

/// A number with one decimal at most.
struct Digits(f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding zero makes a negative zero a plain one.
        write!(f, "{}", (self.0 * 10.0).round() / 10.0 + 0.0)
    }
}

/// A text as it may stand in XML, between tags and in quotes.
#[derive(Clone, Copy)]
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML has no way to write these.
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                char if char.is_control() => f.write_char('\u{fffd}')?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::id::{MapId, PartnerId, SectorId};
    use crate::domain::map::{RowPlan, SeatsPlan, SectorPlan, build};

    fn row(name: &str, count: usize) -> RowPlan {
        RowPlan { name: name.to_owned(), x: None, y: None, seats: SeatsPlan::Count(count) }
    }

    fn map(sectors: Vec<(&str, Vec<RowPlan>)>) -> Map {
        let plans = sectors.into_iter().zip(1..).map(|((name, rows), id)| SectorPlan {
            id: SectorId::from_bytes([id; 12]),
            name: name.to_owned(),
            desc: None,
            rows,
        });
        Map {
            id: MapId::from_bytes([0; 12]),
            org: PartnerId::from_bytes([0; 12]),
            venue: None,
            name: "Hall <1> & \"2\"".to_owned(),
            desc: None,
            sectors: build(plans.collect()).unwrap(),
            removed: false,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn svg(map: &Map) -> String {
        Drawing::new(map.clone()).collect()
    }

    #[test]
    fn a_drawing_comes_in_pieces_however_long_the_names_are() {
        let name = "\"".repeat(100);
        let map = map(vec![(&name, vec![row(&name, 3_000)]), ("Floor", vec![])]);
        let pieces: Vec<String> = Drawing::new(map.clone()).collect();
        let (longest, whole) = (pieces.iter().map(String::len).max().unwrap(), pieces.concat());
        assert!(longest < 2 * PIECE && whole.len() > 50 * PIECE, "{longest} of {}", whole.len());
        assert_eq!(whole.matches("<circle ").count(), 3_000);
        assert!(whole.starts_with("<svg ") && whole.ends_with("</g></svg>\n"));
        assert_eq!(whole.matches("<g ").count(), whole.matches("</g>").count());
    }

    /// The centres of the seats, in pixels.
    fn centres(svg: &str) -> Vec<(f64, f64)> {
        let value = |seat: &str, name: &str| -> f64 {
            let from = seat.split_once(&format!(" {name}=\"")).unwrap().1;
            from.split_once('"').unwrap().0.parse().unwrap()
        };
        svg.split("<circle ").skip(1).map(|seat| (value(seat, "cx"), value(seat, "cy"))).collect()
    }

    #[test]
    fn a_seat_is_found_by_sector_row_and_number() {
        let svg = svg(&map(vec![("Parterre", vec![row("1", 2), row("2", 3)]), ("Floor", vec![])]));
        assert_eq!(svg.matches("<circle ").count(), 5);
        let id = "010101010101010101010101";
        assert!(svg.contains(&format!(r#"id="{id}-1-2""#)), "{svg}");
        assert!(svg.contains(&format!(r#"data-sector="{id}" data-row="2" data-number="3">"#)), "{svg}");
        assert!(svg.contains("<title>Parterre · 2 · 3</title>"), "{svg}");
        assert!(svg.contains(r#"data-sector="020202020202020202020202"><title>Floor</title></rect>"#), "{svg}");
    }

    #[test]
    fn what_people_wrote_is_escaped() {
        let svg = svg(&map(vec![("<script>alert('1')</script>", vec![row("\" onclick=\"x", 1), row("\u{ffff}", 1)])]));
        assert!(!svg.contains("<script") && !svg.contains("onclick=\"") && !svg.contains('\u{ffff}'), "{svg}");
        assert!(svg.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"), "{svg}");
        assert!(svg.contains("<title>Hall &lt;1&gt; &amp; &quot;2&quot;</title>"), "{svg}");
    }

    #[test]
    fn no_seat_lies_on_another() {
        let sectors: Vec<(String, Vec<RowPlan>)> = (0..12)
            .map(|number| (number.to_string(), (1..=number).map(|name| row(&name.to_string(), 5 + name)).collect()))
            .collect();
        let svg = svg(&map(sectors.iter().map(|(name, rows)| (name.as_str(), rows.clone())).collect()));
        let centres = centres(&svg);
        assert_eq!(centres.len(), svg.matches("<circle ").count());
        for (at, a) in centres.iter().enumerate() {
            for b in &centres[at + 1..] {
                assert!((a.0 - b.0).hypot(a.1 - b.1) >= 2.0 * RADIUS, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_given_coordinate_is_where_it_is_drawn() {
        let given = RowPlan { x: Some(30.0), y: Some(-2.5), ..row("1", 2) };
        let svg = svg(&map(vec![("A", vec![given, row("2", 1)])]));
        assert_eq!(centres(&svg), [(600.0, -50.0), (620.0, -50.0), (0.0, -30.0)]);
    }
}
