//! Fields of users (`spec/v1.md`, Users and sessions).

use std::borrow::Cow;

use super::{Cell, Field, Kind, Resource, Type};
use crate::app::users::UserView;

impl Resource for UserView {
    const NAME: &'static str = "User";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("created_at", "Time of registration", Type::Time, |view| Cell::time(view.user.created_at))
            .read_only(),
        Field::<Self>::value("email", "Address for signing in", Type::Text, |view| Cell::text(&view.user.email)),
        Field::<Self>::value("first_name", "Given name", Type::OptText, |view| {
            Cell::opt(view.user.first_name.as_deref())
        }),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.user.id)).read_only(),
        Field::<Self>::value("last_name", "Family name", Type::OptText, |view| {
            Cell::opt(view.user.last_name.as_deref())
        }),
        Field::<Self>::references("partners", "The partners the user acts for", Kind::Partner, |view| {
            Cow::Owned(view.partners.iter().map(|id| (*id).into()).collect())
        })
        .read_only(),
        Field::<Self>::value("tags", "Tags", Type::Texts, |view| Cell::texts(&view.user.tags)).read_only(),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(view.user.updated_at)
        })
        .read_only(),
    ];
}
