//! What of payments, returns of money, entries and payouts belongs to nothing, or to something else than it says.

use std::collections::HashSet;
use std::hash::Hash;

use super::orders::listed;
use super::{Part, Place, ROWS, next};
use crate::app::Error;
use crate::domain::deal::Deal;
use crate::domain::id::{DealId, EntryId, ObjectId, OrderId, PartnerId, PaymentId, PayoutId, RefundId, ReturnId};
use crate::domain::ledger::{Account, Cause, Entry, EntryKind, Payout, Posting};
use crate::store::proof::Unreadable;
use crate::store::{self, Tx};

/// Each once.
fn unique<I: Copy + Eq + Hash>(ids: impl Iterator<Item = I>) -> Vec<I> {
    ids.collect::<HashSet<I>>().into_iter().collect()
}

pub(super) fn payments(tx: &mut Tx<'_>, after: Option<PaymentId>) -> Result<Part, Error> {
    let payments = store::proof::payments(tx, after, ROWS)?;
    let orders = store::proof::orders_there(tx, &unique(payments.iter().map(|payment| payment.order)))?;
    let orphans = payments.iter().filter(|payment| !orders.contains(&payment.order));
    let wrong = orphans
        .map(|payment| format!("payment {}: is of the order {}, which does not exist", payment.id, payment.order))
        .collect();
    let last = payments.last().map(|payment| payment.id);
    Ok(Part { looked_at: payments.len(), wrong, next: next(last, Place::Payments, Some(Place::Returns(None))) })
}

pub(super) fn returns(tx: &mut Tx<'_>, after: Option<ReturnId>) -> Result<Part, Error> {
    let returns = store::proof::returns(tx, after, ROWS)?;
    let payments = store::proof::payments_there(tx, &unique(returns.iter().map(|found| found.back.payment)))?;
    let refunds = store::proof::refunds_there(tx, &unique(returns.iter().filter_map(|found| found.back.refund)))?;
    let mut wrong = Vec::new();
    for found in &returns {
        let back = &found.back;
        let mut say = |what: String| wrong.push(format!("return {}: {what}", back.id));
        let of = payments.get(&back.payment);
        if of.is_none() {
            say(format!("is of the payment {}, which does not exist", back.payment));
        }
        let reason = match back.refund {
            None => ObjectId::from(back.payment),
            Some(refund) => {
                match (refunds.get(&refund), of) {
                    (None, _) => say(format!("is for the refund request {refund}, which does not exist")),
                    (Some(order), Some(of)) if order != of => {
                        say(format!("is for the refund request {refund} of the order {order}, not of {of}"));
                    }
                    _ => {}
                }
                ObjectId::from(refund)
            }
        };
        if ObjectId::from(back.id) != reason {
            say(format!("has not the id of what it is for, {reason}"));
        }
    }
    let last = returns.last().map(|found| found.back.id);
    Ok(Part { looked_at: returns.len(), wrong, next: next(last, Place::Returns, Some(Place::Entries(None))) })
}

pub(super) fn entries(tx: &mut Tx<'_>, after: Option<EntryId>) -> Result<Part, Error> {
    let entries = store::proof::entries(tx, after, ROWS)?;
    let there = There::look(tx, entries.iter().flatten())?;
    let mut wrong = Vec::new();
    for entry in &entries {
        let (id, what) = match entry {
            Ok(entry) => (entry.id, there.nothing(entry)),
            Err(Unreadable { id, column }) if column == "cause" => {
                (*id, Some(format!("its cause is none of {} with what it names", Cause::WORDS.join(", "))))
            }
            Err(Unreadable { id, column }) => (*id, Some(format!("its {column} cannot be read"))),
        };
        wrong.extend(what.map(|what| format!("entry {id}: {what}")));
    }
    let last = entries.last().map(|entry| entry.as_ref().map_or_else(|unreadable| unreadable.id, |entry| entry.id));
    Ok(Part { looked_at: entries.len(), wrong, next: next(last, Place::Entries, Some(Place::Payouts(None))) })
}

/// What entries may be written for.
struct There {
    orders: HashSet<OrderId>,
    refunds: HashSet<(RefundId, OrderId)>,
    payments: HashSet<(PaymentId, OrderId)>,
    payouts: HashSet<PayoutId>,
}

impl There {
    fn look<'e>(tx: &mut Tx<'_>, entries: impl Iterator<Item = &'e Entry> + Clone) -> Result<Self, Error> {
        let refunds = unique(entries.clone().filter_map(|entry| entry.cause.refund()));
        let payments = unique(entries.clone().filter_map(|entry| entry.cause.payment()));
        let payouts = unique(entries.clone().filter_map(|entry| entry.cause.payout()));
        Ok(Self {
            orders: store::proof::orders_there(tx, &unique(entries.filter_map(|entry| entry.order)))?,
            refunds: store::proof::refunds_there(tx, &refunds)?.into_iter().collect(),
            payments: store::proof::payments_there(tx, &payments)?.into_iter().collect(),
            payouts: store::proof::payouts_there(tx, &payouts)?,
        })
    }

    /// What an entry says it was written for, and was not.
    fn nothing(&self, entry: &Entry) -> Option<String> {
        match (entry.cause, entry.order) {
            (Cause::Payout(payout), Some(order)) => Some(format!("is of the payout {payout} and of the order {order}")),
            (Cause::Payout(payout), None) if self.payouts.contains(&payout) => None,
            (Cause::Payout(payout), None) => Some(format!("is of the payout {payout}, which does not exist")),
            (cause, None) => Some(format!("is of a {}, and of no order", cause.as_str())),
            (_, Some(order)) if !self.orders.contains(&order) => {
                Some(format!("is of the order {order}, which does not exist"))
            }
            (Cause::Refund(refund), Some(order)) if !self.refunds.contains(&(refund, order)) => {
                Some(format!("is of the refund request {refund}, which is none of the order {order}"))
            }
            (Cause::LatePayment(payment) | Cause::PaymentReturned(payment), Some(order))
                if !self.payments.contains(&(payment, order)) =>
            {
                Some(format!("is of the payment {payment}, which is none of the order {order}"))
            }
            (Cause::Sale | Cause::Refund(_) | Cause::LatePayment(_) | Cause::PaymentReturned(_), Some(_)) => None,
        }
    }
}

pub(super) fn payouts(tx: &mut Tx<'_>, after: Option<PayoutId>) -> Result<Part, Error> {
    let payouts = store::proof::payouts(tx, after, ROWS)?;
    let ids: Vec<PayoutId> = payouts.iter().map(|payout| payout.id).collect();
    let mut entries = store::proof::entries_of_payouts(tx, &ids)?;
    let mut deals: Vec<DealId> = payouts.iter().filter_map(|payout| payout.deal).collect();
    deals.sort_unstable();
    deals.dedup();
    let deals = if deals.is_empty() { Vec::new() } else { store::deals::find_all(tx, &deals)? };
    let wrong = payouts
        .iter()
        .filter_map(|payout| {
            let deal = deals.iter().find(|deal| Some(deal.id) == payout.deal);
            let what = not_written(payout, deal, &entries.remove(&payout.id).unwrap_or_default())?;
            Some(format!("payout {}: {what}", payout.id))
        })
        .collect();
    Ok(Part { looked_at: payouts.len(), wrong, next: next(ids.last().copied(), Place::Payouts, None) })
}

/// What of a payout is not in the ledger as it should be: the payer owes less, the other is owed less. What the platform's
/// partners pay is on the platform's account, unless they are a side of the deal that it settles.
fn not_written(payout: &Payout, settled: Option<&Deal>, entries: &[Entry]) -> Option<String> {
    let Payout { from, to, deal, amount, .. } = payout;
    if amount.minor <= 0 {
        return Some(format!("is of {amount}, not of more than 0.00"));
    }
    let has = |minor: i64, partner: PartnerId| {
        entries.iter().any(|entry| {
            let is_side = settled.is_some_and(|deal| deal.side_of(partner).is_some());
            let account =
                entry.account == Account::Partner(partner) || (!is_side && entry.account == Account::Platform);
            account && entry.amount.minor == minor
        })
    };
    let alike = |entry: &Entry| {
        entry.kind == EntryKind::Payout && entry.deal == *deal && entry.amount.currency == amount.currency
    };
    let right = entries.len() == 2 && entries.iter().all(alike) && has(amount.minor, *from) && has(-amount.minor, *to);
    let said = || {
        let postings = entries
            .iter()
            .map(|entry| Posting { account: entry.account, kind: entry.kind, amount: entry.amount })
            .collect::<Vec<_>>();
        let deal = deal.map_or(String::new(), |deal| format!(", of the deal {deal}"));
        format!(
            "its entries are {}, and should be payout {amount} for {from} and payout -{amount} for {to}{deal}",
            listed(&postings)
        )
    };
    (!right).then(said)
}
