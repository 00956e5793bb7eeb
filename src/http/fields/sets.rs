//! Fields of ticket sets and their rules (`spec/v1.md`, Sets). An event shows its sets, so a `fields-schema` may narrow
//! them; this server holds none, so the types have no values.

use super::write::{List, Maybe};
use super::{Field, Kind, Resource, Type};

const COUNT: Type = Type::Int(0, i64::MAX);

/// A category of tickets of one event.
pub enum Set {}

impl Resource for Set {
    const NAME: &'static str = "Set";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("amount", "Tickets in all", COUNT, |set| match *set {}),
        Field::<Self>::value("amount_vacant", "Tickets that can be had", COUNT, |set| match *set {}),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |set| match *set {}),
        Field::<Self>::value("current_price", "The nominal now", Type::Text, |set| match *set {}),
        Field::<Self>::embedded("current_rule", "The rule that holds now", &Maybe::<Set, Rule>(|set| match *set {})),
        Field::<Self>::value("description", "Description", Type::OptText, |set| match *set {}),
        Field::<Self>::reference("event", "The event", Kind::Event, |set| match *set {}),
        Field::<Self>::value("id", "Id", Type::Id, |set| match *set {}),
        Field::<Self>::value("name", "Name", Type::Text, |set| match *set {}),
        Field::<Self>::value("pos", "Place in the list", COUNT, |set| match *set {}),
        Field::<Self>::value("price", "Nominal and surcharge", Type::Text, |set| match *set {}),
        Field::<Self>::value("price_extra", "The surcharge", Type::Text, |set| match *set {}),
        Field::<Self>::value("price_org", "The nominal", Type::Text, |set| match *set {}),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |set| match *set {}),
        Field::<Self>::embedded("rule", "The steps of its price", &List::<Set, Rule>(|set| match *set {})),
        Field::<Self>::embedded("rules", "The same as rule", &List::<Set, Rule>(|set| match *set {})),
        Field::<Self>::value("seats", "Its seats by row", Type::OptText, |set| match *set {}),
        Field::<Self>::value("sector", "The part of the map", Type::OptId, |set| match *set {}),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |set| match *set {}),
        Field::<Self>::value("with_seats", "Whether its tickets have seats", Type::Bool, |set| match *set {}),
    ];
}

/// One step of a set's price.
pub enum Rule {}

impl Resource for Rule {
    const NAME: &'static str = "Rule";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id", Type::Id, |rule| match *rule {}),
        Field::<Self>::value("cal", "When it holds", Type::Vevent, |rule| match *rule {}),
        Field::<Self>::value("current", "Whether it holds now", Type::Bool, |rule| match *rule {}),
        Field::<Self>::value("price", "Nominal and surcharge", Type::Text, |rule| match *rule {}),
        Field::<Self>::value("price_extra", "The surcharge", Type::Text, |rule| match *rule {}),
        Field::<Self>::value("price_org", "The nominal", Type::Text, |rule| match *rule {}),
    ];
}
