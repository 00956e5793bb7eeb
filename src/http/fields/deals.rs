//! Fields of deals (`spec/v1.md`, Deals).

use super::write::{Maybe, One};
use super::{Cell, Field, Kind, Resource, Type};
use crate::domain::deal::{Deal, DealStatus, DealTitle};
use crate::domain::terms::Terms;

/// The words of a deal's status.
pub const STATUSES: &[&str] = &[
    DealStatus::New.as_str(),
    DealStatus::Accepted.as_str(),
    DealStatus::Rejected.as_str(),
    DealStatus::Canceled.as_str(),
    DealStatus::Closed.as_str(),
];

impl Resource for Deal {
    const NAME: &'static str = "Deal";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("created_at", "Time of the proposal", Type::Time, |deal| Cell::time(deal.created_at))
            .read_only(),
        Field::<Self>::reference("event", "The event whose tickets are sold", Kind::Event, |deal| {
            Some(deal.event.into())
        }),
        Field::<Self>::value("id", "Id", Type::Id, |deal| Cell::text(deal.id)).read_only(),
        Field::<Self>::value("message", "A short message with the deal", Type::OptText, |deal| {
            Cell::opt(deal.message.as_deref())
        }),
        Field::<Self>::reference(
            "obj",
            "The partner the request was made by; the organizer in a reversed deal",
            Kind::Partner,
            |deal| Some(deal.obj.into()),
        )
        .read_only(),
        Field::<Self>::value("reversed_deal", "Whether the deal was made from subj to obj", Type::BoolOrNull, |deal| {
            if deal.reversed { Cell::Bool(true) } else { Cell::Null }
        }),
        Field::<Self>::value("status", "Where the deal stands", Type::Word(STATUSES), |deal| {
            Cell::str(deal.status.as_str())
        }),
        Field::<Self>::reference("subj", "The partner named in the request", Kind::Partner, |deal| {
            Some(deal.subj.into())
        }),
        Field::<Self>::embedded(
            "term",
            "How the money of each ticket is split; never changes",
            &One::<Deal, Terms>(|deal| &deal.term),
        ),
        Field::<Self>::embedded(
            "title",
            "Title and description",
            &Maybe::<Deal, DealTitle>(|deal| deal.title.as_ref()),
        ),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |deal| Cell::time(deal.updated_at))
            .read_only(),
    ];
}

impl Resource for Terms {
    const NAME: &'static str = "DealTerms";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("core", "The platform's commission: set by the platform alone", Type::Share, |term| {
            Cell::text(term.core_text())
        })
        .input(Type::ShareInput),
        Field::<Self>::value("extra", "The surcharge that the agent puts on top", Type::Share, |term| {
            Cell::text(term.extra_text())
        })
        .input(Type::ShareInput),
        Field::<Self>::value("org", "What the organizer gets", Type::Share, |term| Cell::text(term.org_text()))
            .input(Type::ShareInput),
        Field::<Self>::value("pfc", "Whether the customer pays the platform's commission on top", Type::Bool, |term| {
            Cell::Bool(term.pfc)
        }),
    ];
}

impl Resource for DealTitle {
    const NAME: &'static str = "DealTitle";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("text", "Title", Type::OptText, |title| Cell::opt(title.text.as_deref())),
        Field::<Self>::value("desc", "Description", Type::OptText, |title| Cell::opt(title.desc.as_deref())),
    ];
}
