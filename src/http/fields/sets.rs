//! Fields of ticket sets and their rules (`spec/v1.md`, Sets).

use std::fmt::Write;

use super::write::{List, Maybe};
use super::{Cell, Field, Kind, Resource, Type};
use crate::app::sets::{RuleView, SetView};
use crate::domain::set::{AMOUNT_MAX, POS_MAX, Seats};

const COUNT: Type = Type::Int(0, AMOUNT_MAX);

impl Resource for SetView {
    const NAME: &'static str = "Set";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("amount", "Tickets in all; those of a set with seats follow from these", COUNT, |view| {
            Cell::Int(view.set.amount)
        }),
        Field::<Self>::value("amount_vacant", "Tickets that can be had", COUNT, |view| Cell::Int(view.vacant))
            .read_only(),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |view| {
            Cell::time(Some(view.set.created_at))
        })
        .read_only(),
        Field::<Self>::value(
            "current_price",
            "The nominal now; where no rule holds now that of the next one, else of the last one",
            Type::Money,
            |view| Cell::text(view.price.nominal),
        )
        .read_only(),
        Field::<Self>::embedded(
            "current_rule",
            "The rule that holds now",
            &Maybe::<SetView, RuleView>(|view| view.current.and_then(|at| view.rules.get(at))),
        )
        .read_only(),
        Field::<Self>::value("description", "Description", Type::OptText, |view| {
            Cell::opt(view.set.description.as_deref())
        }),
        Field::<Self>::reference("event", "The event", Kind::Event, |view| Some(view.set.event.into())).read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.set.id)).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |view| Cell::str(&view.set.name)),
        Field::<Self>::value(
            "pos",
            "Place among the sets of the event; after the others unless given",
            Type::Int(0, POS_MAX),
            |view| Cell::Int(view.set.pos),
        ),
        Field::<Self>::value(
            "price",
            "Nominal and surcharge; in a request, where it is another, the nominal of the one rule until the event ends",
            Type::Money,
            |view| Cell::text(view.price.full),
        ),
        Field::<Self>::value("price_extra", "The surcharge on the caller's terms", Type::Money, |view| {
            Cell::text(view.price.extra)
        })
        .read_only(),
        Field::<Self>::value(
            "price_org",
            "The nominal; in a request, where it is another, that of the one rule until the event ends",
            Type::Money,
            |view| Cell::text(view.price.nominal),
        ),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |view| Cell::Bool(view.set.removed))
            .read_only(),
        Field::<Self>::embedded("rule", "The same as rules", &List::<SetView, RuleView>(|view| &view.rules))
            .read_only(),
        Field::<Self>::embedded(
            "rules",
            "The steps of its price, by their start; a request gives all of them",
            &List::<SetView, RuleView>(|view| &view.rules),
        ),
        Field::<Self>::value(
            "seats",
            "Its seats: by row, ranges by their first and last; fixed once the set is made",
            Type::Seats,
            |view| view.set.seats.as_ref().map_or(Cell::Null, |seats| Cell::Json(ranges(seats).into())),
        ),
        Field::<Self>::reference("sector", "The part of the map where its seats are", Kind::Sector, |view| {
            view.set.seats.as_ref().map(|seats| seats.sector.into())
        }),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(Some(view.set.updated_at))
        })
        .read_only(),
        Field::<Self>::value("with_seats", "Whether its tickets have seats", Type::Bool, |view| {
            Cell::Bool(view.set.with_seats())
        })
        .read_only(),
    ];
}

impl Resource for RuleView {
    const NAME: &'static str = "Rule";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id; a request may name a rule that the set has", Type::Id, |view| {
            Cell::text(view.rule.id)
        }),
        Field::<Self>::value("cal", "When it holds", Type::Vevent, |view| Cell::text(view.rule.cal.to_vevent())),
        Field::<Self>::value("current", "Whether it is the one that holds now", Type::Bool, |view| {
            Cell::Bool(view.current)
        })
        .read_only(),
        Field::<Self>::value(
            "price",
            "Nominal and surcharge; in a request the nominal, unless it is what the rule shows",
            Type::Money,
            |view| Cell::text(view.price.full),
        ),
        Field::<Self>::value("price_extra", "The surcharge on the caller's terms", Type::Money, |view| {
            Cell::text(view.price.extra)
        })
        .read_only(),
        Field::<Self>::value("price_org", "The nominal", Type::Money, |view| Cell::text(view.price.nominal)),
    ];
}

/// The name of a row or a seat: a number where it is written as one.
pub(super) fn name(text: &str) -> Cell<'_> {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Cell::Int(number),
        _ => Cell::str(text),
    }
}

/// `{"3": [[1, 12], ["14", "15a"]]}`.
pub(super) fn ranges(seats: &Seats) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let seat = |text: &str| match name(text) {
        Cell::Int(number) => number.to_string(),
        _ => quoted(text),
    };
    let mut json = String::from("{");
    for (at, (row, ranges)) in seats.rows.iter().enumerate() {
        let ranges: Vec<String> =
            ranges.iter().map(|(first, last)| format!("[{},{}]", seat(first), seat(last))).collect();
        // Writing to a string cannot fail.
        let _ = write!(json, "{}{}:[{}]", if at > 0 { "," } else { "" }, quoted(row), ranges.join(","));
    }
    json.push('}');
    json
}
