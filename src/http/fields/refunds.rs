//! Fields of refund requests (`spec/v1.md`, Refund requests).

use std::borrow::Cow;

use super::{Cell, Field, Key, Kind, Resource, Type};
use crate::app::refunds::RefundView;
use crate::domain::id::TicketId;
use crate::domain::refund::{Culprit, RefundStatus};

/// The words of a request's status: one whose money is being sent back is still new.
pub const STATUSES: &[&str] =
    &[RefundStatus::New.as_str(), RefundStatus::Approved.as_str(), RefundStatus::Rejected.as_str()];
/// Whose decision a refund is.
pub const CULPRITS: &[&str] = &[Culprit::Org.as_str(), Culprit::User.as_str()];

fn keys(tickets: &[TicketId]) -> Cow<'_, [Key]> {
    Cow::Owned(tickets.iter().map(|ticket| (*ticket).into()).collect())
}

impl Resource for RefundView {
    const NAME: &'static str = "RefundRequest";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |view| {
            Cell::time(Some(view.refund.created_at))
        })
        .read_only(),
        Field::<Self>::value(
            "culprit",
            "Whose decision it is: org, who cancelled the event, or user",
            Type::Word(CULPRITS),
            |view| Cell::str(view.refund.culprit.as_str()),
        ),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.refund.id)).read_only(),
        Field::<Self>::reference("order", "The order", Kind::Order, |view| Some(view.refund.order.into())),
        Field::<Self>::reference("org", "The event's organizer", Kind::Partner, |view| Some(view.refund.org.into()))
            .read_only(),
        Field::<Self>::value("payment_system", "How the order was paid", Type::OptId, |view| {
            view.refund.payment_system.map_or(Cell::Null, |system| Cell::text(system.id()))
        })
        .read_only(),
        Field::<Self>::value("status", "Where it stands", Type::Word(STATUSES), |view| {
            Cell::str(match view.refund.status {
                RefundStatus::New | RefundStatus::InProgress => RefundStatus::New.as_str(),
                answered => answered.as_str(),
            })
        }),
        Field::<Self>::references(
            "tickets",
            "The tickets that stay with the order; in a request those to keep, in the place of tickets_refund",
            Kind::Ticket,
            |view| keys(&view.stay),
        ),
        Field::<Self>::references("tickets_refund", "The tickets that are given back", Kind::Ticket, |view| {
            keys(&view.refund.tickets)
        }),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(Some(view.refund.updated_at))
        })
        .read_only(),
        Field::<Self>::value("value", "What the customer gets", Type::Text, |view| {
            Cell::text(view.refund.customer_money)
        })
        .read_only(),
        Field::<Self>::reference("vendor", "Who sold the order", Kind::Partner, |view| Some(view.refund.vendor.into()))
            .read_only(),
    ];
}
