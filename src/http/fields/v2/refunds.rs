//! Fields of refund requests in version 2 (`spec/v2.md`, Refund requests).

use crate::domain::refund::{Refund, RefundStatus};
use crate::http::fields::refunds::CULPRITS;
use crate::http::fields::{Cell, Field, Key, Kind, Resource, Type};

/// The words of a request's status.
pub const STATUSES: &[&str] = &[
    RefundStatus::New.as_str(),
    RefundStatus::InProgress.as_str(),
    RefundStatus::Approved.as_str(),
    RefundStatus::Rejected.as_str(),
];
/// What a request is answered with.
pub const ANSWERS: &[&str] = &[RefundStatus::Approved.as_str(), RefundStatus::Rejected.as_str()];

impl Resource for Refund {
    const NAME: &'static str = "RefundRequestV2";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("created_at", "Time of creation", Type::TimeV2, |refund| Cell::time_v2(refund.created_at))
            .read_only(),
        Field::<Self>::value(
            "culprit",
            "Whose decision it is: org, who cancelled the event, or user",
            Type::Word(CULPRITS),
            |refund| Cell::str(refund.culprit.as_str()),
        ),
        Field::<Self>::value("customer_money", "What the customer gets", Type::Money, |refund| {
            Cell::text(refund.customer_money)
        })
        .read_only(),
        Field::<Self>::value("delta", "The same as refund_nominal", Type::Money, |refund| Cell::text(refund.nominal))
            .read_only(),
        Field::<Self>::reference("event", "The event", Kind::Event, |refund| Some(refund.event.into())).read_only(),
        Field::<Self>::value("finished_at", "When it was approved or rejected", Type::OptTimeV2, |refund| {
            refund.finished_at.map_or(Cell::Null, Cell::time_v2)
        })
        .read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |refund| Cell::text(refund.id)).read_only(),
        Field::<Self>::reference("order", "The order", Kind::Order, |refund| Some(refund.order.into())),
        Field::<Self>::reference("org", "The event's organizer", Kind::Partner, |refund| Some(refund.org.into()))
            .read_only(),
        Field::<Self>::value("policy", "Always general", Type::Word(&["general"]), |_| Cell::str("general"))
            .read_only(),
        Field::<Self>::value("refund_nominal", "The sum of the nominals of its tickets", Type::Money, |refund| {
            Cell::text(refund.nominal)
        })
        .read_only(),
        Field::<Self>::value(
            "requested_at",
            "When the customer asked for it; now, unless given",
            Type::TimeV2,
            |refund| Cell::time_v2(refund.requested_at),
        )
        .input(Type::OptTimeV2),
        Field::<Self>::value(
            "status",
            "Where it stands; in_progress: the money is being sent back. A request sets approved or rejected",
            Type::Word(STATUSES),
            |refund| Cell::str(refund.status.as_str()),
        )
        .input(Type::Word(ANSWERS)),
        Field::<Self>::references("tickets", "The tickets that are given back", Kind::Ticket, |refund| {
            refund.tickets.iter().map(|ticket| Key::from(*ticket)).collect::<Vec<_>>().into()
        }),
        Field::<Self>::reference("vendor", "Who sold the order", Kind::Partner, |refund| Some(refund.vendor.into()))
            .read_only(),
    ];
}
