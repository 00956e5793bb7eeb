//! Fields of API keys (`spec/v1.md`, API keys).

use super::{Cell, Field, Kind, Resource, Type};
use crate::app::api_keys::ApiKey;

impl Resource for ApiKey {
    const NAME: &'static str = "ApiKey";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |key| Cell::time(Some(key.created_at)))
            .read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |key| Cell::text(key.id)).read_only(),
        Field::<Self>::value("key", "The token that programs send in Authorization", Type::Text, |key| {
            Cell::str(&key.token)
        })
        .read_only(),
        Field::<Self>::value("name", "What the key is for", Type::OptText, |key| Cell::opt(key.name.as_deref())),
        Field::<Self>::reference("partner", "The partner it acts for", Kind::Partner, |key| Some(key.partner.into()))
            .read_only(),
        Field::<Self>::value("removed", "Whether it has stopped working", Type::Bool, |key| Cell::Bool(key.removed))
            .read_only(),
    ];
}
