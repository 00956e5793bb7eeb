//! Fields of an order's money explained.

use super::write::List;
use super::{Cell, Field, Kind, Resource, Type};
use crate::app::explain::{ExplainedTicket, Explanation, TicketShare};
use crate::domain::ledger::{Entry, EntryKind};
use crate::domain::terms::AppliedTerm;

/// Who shares the money of a ticket.
const ROLES: &[&str] = &[EntryKind::Organizer.as_str(), EntryKind::Platform.as_str(), EntryKind::Agent.as_str()];
/// The terms that a share may come from.
const TERMS: &[&str] = &["extra", "core", "org", "fee"];

impl Resource for Explanation {
    const NAME: &'static str = "Explanation";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("currency", "Currency of the amounts", Type::Text, |explained| {
            Cell::str(explained.order.currency.code())
        }),
        Field::<Self>::reference("deal", "The deal it was sold under", Kind::Deal, |explained| {
            explained.order.sale.deal().map(Into::into)
        }),
        Field::<Self>::embedded(
            "entries",
            "What was entered into the ledger; the amounts sum to zero",
            &List::<Explanation, Entry>(|explained| &explained.entries),
        ),
        Field::<Self>::reference("order", "The order", Kind::Order, |explained| Some(explained.order.id.into())),
        Field::<Self>::embedded(
            "tickets",
            "Its tickets with where their money came from, refunded ones too",
            &List::<Explanation, ExplainedTicket>(|explained| &explained.tickets),
        ),
    ];
}

impl Resource for ExplainedTicket {
    const NAME: &'static str = "ExplainedTicket";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("discount", "What the promocode took off", Type::Money, |ticket| {
            Cell::text(ticket.line.discount)
        }),
        Field::<Self>::value("extra", "The surcharge that the customer sees", Type::Money, |ticket| {
            Cell::text(ticket.line.split.extra)
        }),
        Field::<Self>::value("full", "What the customer pays: nominal and surcharge", Type::Money, |ticket| {
            Cell::text(ticket.line.split.full)
        }),
        Field::<Self>::value("nominal", "The price after the discount", Type::Money, |ticket| {
            Cell::text(ticket.line.split.nominal)
        }),
        Field::<Self>::value("price", "The price of the rule", Type::Money, |ticket| Cell::text(ticket.line.price)),
        Field::<Self>::value("promocode", "The code that gave the discount", Type::OptText, |ticket| {
            Cell::opt(ticket.code.as_deref())
        }),
        Field::<Self>::value("refund", "The refund request that it was given back by", Type::OptId, |ticket| {
            ticket.refund.map_or(Cell::Null, Cell::text)
        }),
        Field::<Self>::value("rule", "The rule that the price came from", Type::Id, |ticket| {
            Cell::text(ticket.line.rule)
        }),
        Field::<Self>::value("set", "The set", Type::Id, |ticket| Cell::text(ticket.line.set)),
        Field::<Self>::embedded(
            "shares",
            "Who gets what; together it is what the customer pays",
            &List::<ExplainedTicket, TicketShare>(|ticket| &ticket.shares),
        ),
        Field::<Self>::embedded(
            "terms",
            "What each term came to, in the order in which they are rounded",
            &List::<ExplainedTicket, AppliedTerm>(|ticket| &ticket.terms),
        ),
        Field::<Self>::reference("ticket", "The ticket", Kind::Ticket, |ticket| Some(ticket.line.ticket.into())),
    ];
}

impl Resource for AppliedTerm {
    const NAME: &'static str = "AppliedTerm";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("exact", "What it comes to before rounding, with all decimals", Type::Text, |term| {
            Cell::str(&term.exact)
        }),
        Field::<Self>::value(
            "name",
            "The term; fee is the organizer's own, where it sells its own event",
            Type::Word(TERMS),
            |term| Cell::str(term.name),
        ),
        Field::<Self>::value("rounded", "What it came to", Type::Money, |term| Cell::text(term.rounded)),
        Field::<Self>::value("text", "The term as it is written", Type::Share, |term| Cell::str(&term.text)),
    ];
}

impl Resource for TicketShare {
    const NAME: &'static str = "TicketShare";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("amount", "How much", Type::Money, |share| Cell::text(share.amount)),
        Field::<Self>::reference("deal", "The deal that says so", Kind::Deal, |share| share.deal.map(Into::into)),
        Field::<Self>::value(
            "from",
            "The terms it comes from; an agent gets what remains",
            Type::Words(TERMS),
            |share| Cell::texts(share.from),
        ),
        Field::<Self>::reference("partner", "The partner; null for the platform", Kind::Partner, |share| {
            share.partner.map(Into::into)
        }),
        Field::<Self>::value("role", "As whom it shares", Type::Word(ROLES), |share| Cell::str(share.role.as_str())),
    ];
}
