//! Fields of the ledger: balances, entries and payouts.

use super::{Cell, Field, Kind, Resource, Type};
use crate::domain::ledger::{Account, Balance, Cause, Entry, EntryKind, Payout};
use crate::domain::money::Sum;

/// The words of an entry's kind.
const KINDS: &[&str] = &[
    EntryKind::Customer.as_str(),
    EntryKind::Organizer.as_str(),
    EntryKind::Platform.as_str(),
    EntryKind::Agent.as_str(),
    EntryKind::Payout.as_str(),
];

/// An amount that is not negative: zero in its place.
fn at_least_zero(minor: i128, of: Sum) -> Cell<'static> {
    Cell::text(Sum { minor: minor.max(0), ..of })
}

impl Resource for Balance {
    const NAME: &'static str = "Balance";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value(
            "account",
            "Whose account: a partner's, the platform's, or that of customers whose money came too late",
            Type::Word(Account::WORDS),
            |balance| Cell::str(balance.account.as_str()),
        ),
        Field::<Self>::value("currency", "Currency of the amounts", Type::Text, |balance| {
            Cell::str(balance.total.currency.code())
        }),
        Field::<Self>::value(
            "customer",
            "Sum of customers' money; less than zero: the account holds it, and owes it",
            Type::Text,
            |balance| Cell::text(balance.customer),
        ),
        Field::<Self>::reference(
            "deal",
            "The deal it is owed under; null for what is sold without one",
            Kind::Deal,
            |balance| balance.deal.map(Into::into),
        ),
        Field::<Self>::value("owed", "What the account is owed in all", Type::Text, |balance| {
            at_least_zero(balance.total.minor, balance.total)
        }),
        Field::<Self>::value("owes", "What the account owes in all", Type::Text, |balance| {
            at_least_zero(balance.total.minor.saturating_neg(), balance.total)
        }),
        Field::<Self>::reference("partner", "The partner, of a partner's account", Kind::Partner, |balance| {
            balance.account.partner().map(Into::into)
        }),
        Field::<Self>::value("payouts", "Sum of payouts; less than zero: it was paid", Type::Text, |balance| {
            Cell::text(balance.payouts)
        }),
        Field::<Self>::value("shares", "Sum of its shares of what was sold and refunded", Type::Text, |balance| {
            Cell::text(balance.shares)
        }),
    ];
}

impl Resource for Entry {
    const NAME: &'static str = "Entry";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("account", "Whose account", Type::Word(Account::WORDS), |entry| {
            Cell::str(entry.account.as_str())
        }),
        Field::<Self>::value(
            "amount",
            "What the account is owed by it; less than zero: what it owes",
            Type::Text,
            |entry| Cell::text(entry.amount),
        ),
        Field::<Self>::value("cause", "What it was written for", Type::Word(Cause::WORDS), |entry| {
            Cell::str(entry.cause.as_str())
        }),
        Field::<Self>::value("created_at", "When it was written", Type::Time, |entry| {
            Cell::time(Some(entry.created_at))
        }),
        Field::<Self>::value("currency", "Currency of the amount", Type::Text, |entry| {
            Cell::str(entry.amount.currency.code())
        }),
        Field::<Self>::reference("deal", "The deal that the order was sold under", Kind::Deal, |entry| {
            entry.deal.map(Into::into)
        }),
        Field::<Self>::reference("event", "The event", Kind::Event, |entry| entry.event.map(Into::into)),
        Field::<Self>::value("id", "Id", Type::Id, |entry| Cell::text(entry.id)),
        Field::<Self>::value(
            "kind",
            "Which part of the money: what the customer paid, whose share, a payout",
            Type::Word(KINDS),
            |entry| Cell::str(entry.kind.as_str()),
        ),
        Field::<Self>::reference("order", "The order; the entries of one sum to zero", Kind::Order, |entry| {
            entry.order.map(Into::into)
        }),
        Field::<Self>::reference("partner", "The partner, on a partner's account", Kind::Partner, |entry| {
            entry.account.partner().map(Into::into)
        }),
        Field::<Self>::value("payment", "The payment that came too late", Type::OptId, |entry| {
            entry.cause.payment().map_or(Cell::Null, Cell::text)
        }),
        Field::<Self>::value("payout", "The payout", Type::OptId, |entry| {
            entry.cause.payout().map_or(Cell::Null, Cell::text)
        }),
        Field::<Self>::value("refund", "The refund request that was approved", Type::OptId, |entry| {
            entry.cause.refund().map_or(Cell::Null, Cell::text)
        }),
    ];
}

impl Resource for Payout {
    const NAME: &'static str = "Payout";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("amount", "How much; more than zero", Type::Text, |payout| Cell::text(payout.amount)),
        Field::<Self>::value("created_at", "When it was recorded", Type::Time, |payout| {
            Cell::time(Some(payout.created_at))
        })
        .read_only(),
        Field::<Self>::value("currency", "Its currency; the installation's unless given", Type::Text, |payout| {
            Cell::str(payout.amount.currency.code())
        }),
        Field::<Self>::reference(
            "deal",
            "The deal it settles, between the sides of that deal and the platform",
            Kind::Deal,
            |payout| payout.deal.map(Into::into),
        ),
        Field::<Self>::reference(
            "from",
            "Who paid; a partner with the role core pays for the platform",
            Kind::Partner,
            |payout| Some(payout.from.into()),
        ),
        Field::<Self>::value("id", "Id", Type::Id, |payout| Cell::text(payout.id)).read_only(),
        Field::<Self>::value("note", "A short note", Type::OptText, |payout| Cell::opt(payout.note.as_deref())),
        Field::<Self>::reference(
            "to",
            "Who was paid; a partner with the role core is paid for the platform",
            Kind::Partner,
            |payout| Some(payout.to.into()),
        ),
    ];
}
