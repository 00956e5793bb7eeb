//! Fields of ticket sets. An event shows its sets, so a `fields-schema` may narrow them; this server holds none, so the
//! type has no values.

use super::{Field, Resource, Type};

/// A category of tickets of one event.
pub enum Set {}

impl Resource for Set {
    const NAME: &'static str = "Set";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("amount", "Tickets in all", Type::Int(0, i64::MAX), |set| match *set {}).read_only(),
        Field::<Self>::value("amount_vacant", "Tickets that can be had", Type::Int(0, i64::MAX), |set| match *set {})
            .read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |set| match *set {}).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |set| match *set {}).read_only(),
    ];
}
