//! Fields of users (`spec/v1.md`, Users and sessions).

use std::borrow::Cow;

use super::write::Maybe;
use super::{Cell, Field, Kind, Resource, Type};
use crate::app::customers::{Crm, CustomerView};
use crate::app::users::{Person, UserView};

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

impl Person {
    /// A value that both have.
    fn either<'p, V>(&'p self, user: fn(&'p UserView) -> V, customer: fn(&'p CustomerView) -> V) -> V {
        match self {
            Self::User(view) => user(view),
            Self::Customer(view) => customer(view),
        }
    }

    fn crm(&self) -> Option<&Crm> {
        self.either(|_| None, |view| Some(&view.crm))
    }
}

impl Resource for Person {
    const NAME: &'static str = "UserOrCustomer";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value(
            "created_at",
            "Time of registration, or of a customer's first order",
            Type::Time,
            |person| Cell::time(person.either(|view| view.user.created_at, |view| Some(view.customer.created_at))),
        ),
        Field::<Self>::value("email", "Address", Type::Text, |person| {
            Cell::text(person.either(|view| &view.user.email, |view| &view.customer.email))
        }),
        Field::<Self>::value("first_name", "Given name", Type::OptText, |person| {
            Cell::opt(person.either(|view| view.user.first_name.as_deref(), |view| view.customer.first_name.as_deref()))
        }),
        Field::<Self>::value("id", "Id", Type::Id, |person| {
            person.either(|view| Cell::text(view.user.id), |view| Cell::text(view.customer.id))
        }),
        Field::<Self>::value("last_name", "Family name", Type::OptText, |person| {
            Cell::opt(person.either(|view| view.user.last_name.as_deref(), |view| view.customer.last_name.as_deref()))
        }),
        Field::<Self>::references("partners", "The partners a user acts for", Kind::Partner, |person| {
            person.either(
                |view| Cow::Owned(view.partners.iter().map(|id| (*id).into()).collect()),
                |_| Cow::Borrowed(&[]),
            )
        }),
        Field::<Self>::value("tags", "Tags of a user", Type::Texts, |person| {
            person.either(|view| Cell::texts(&view.user.tags), |_| Cell::Texts(Vec::new()))
        }),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |person| {
            Cell::time(person.either(|view| view.user.updated_at, |view| Some(view.customer.updated_at)))
        }),
        Field::<Self>::embedded(
            "crm",
            "What a customer's done orders come to; left out of a user",
            &Maybe::<Person, Crm>(Person::crm),
        )
        .present_if(|person| person.crm().is_some()),
    ];
}
