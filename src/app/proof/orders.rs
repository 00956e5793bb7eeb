//! What of an order, its tickets, its entries, its payments and its refund requests contradicts itself.

use std::collections::HashMap;
use std::fmt::Display;

use super::{Part, Place, next};
use crate::app::Error;
use crate::domain::id::{ObjectId, OrderId, PaymentId, PromocodeId, RefundId, ReturnId, TicketId};
use crate::domain::ledger::{self, Cause, Entry, Posting};
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::payment::{Payment, PaymentStatus, PaymentSystem};
use crate::domain::pricing::{Line, Values};
use crate::domain::refund::{self, Refund, RefundStatus};
use crate::domain::ticket::{Ticket, TicketStatus};
use crate::store::proof::StoredReturn;
use crate::store::{self, Tx};

/// How many orders, each with up to a thousand tickets, are looked at together.
const ORDERS: i64 = 100;

pub(super) fn part(tx: &mut Tx<'_>, after: Option<OrderId>) -> Result<Part, Error> {
    let ids = store::proof::orders(tx, after, ORDERS)?;
    let mut wrong = Vec::new();
    if !ids.is_empty() {
        let orders = store::orders::find_all(tx, &ids)?;
        let mut lines = store::orders::all_lines(tx, &orders)?;
        let mut promocodes = store::orders::promocodes(tx, &ids)?;
        let mut entries = store::proof::entries_of(tx, &ids)?;
        let mut refunds = store::refunds::of_orders(tx, &ids)?;
        let mut payments = store::proof::payments_of(tx, &ids)?;
        for order in &orders {
            let lines = lines.remove(&order.id).unwrap_or_default();
            let tickets = if order.status == OrderStatus::Done || order.holds_tickets() {
                let live: Vec<TicketId> = live(&lines).map(|line| line.ticket).collect();
                store::tickets::find_all(tx, &live)?
            } else {
                Vec::new()
            };
            let payments = payments.remove(&order.id).unwrap_or_default();
            let refunds = refunds.remove(&order.id).unwrap_or_default();
            let seen = Seen {
                order,
                over: order.reserved_till <= tx.now(),
                lines,
                promocodes: promocodes.remove(&order.id).unwrap_or_default(),
                tickets: tickets.into_iter().map(|ticket| (ticket.id, ticket)).collect(),
                entries: entries.remove(&order.id).unwrap_or_default(),
                returns: returns(tx, &payments, &refunds)?,
                payments,
                refunds,
            };
            seen.check(&mut wrong);
        }
    }
    Ok(Part { looked_at: ids.len(), wrong, next: next(ids.last().copied(), Place::Orders, Some(Place::Tickets(None))) })
}

/// The returns that are for these payments and refund requests, by their ids.
fn returns(
    tx: &mut Tx<'_>,
    payments: &[Payment],
    refunds: &[Refund],
) -> Result<HashMap<ReturnId, StoredReturn>, Error> {
    if payments.is_empty() && refunds.is_empty() {
        return Ok(HashMap::new());
    }
    let of_payments = payments.iter().map(|payment| return_of_payment(payment.id));
    let ids: Vec<ReturnId> = of_payments.chain(refunds.iter().map(|refund| return_of_refund(refund.id))).collect();
    let found = store::proof::returns_by_ids(tx, &ids)?;
    Ok(found.into_iter().map(|found| (found.back.id, found)).collect())
}

fn return_of_payment(id: PaymentId) -> ReturnId {
    ObjectId::from(id).into()
}

fn return_of_refund(id: RefundId) -> ReturnId {
    ObjectId::from(id).into()
}

fn live(lines: &[(Line, Option<RefundId>)]) -> impl Iterator<Item = &Line> {
    lines.iter().filter(|(_, refund)| refund.is_none()).map(|(line, _)| line)
}

/// An order and all that belongs to it.
struct Seen<'a> {
    order: &'a Order,
    /// Whether its hold is, if it has one.
    over: bool,
    lines: Vec<(Line, Option<RefundId>)>,
    promocodes: Vec<(PromocodeId, i64)>,
    tickets: HashMap<TicketId, Ticket>,
    entries: Vec<Entry>,
    payments: Vec<Payment>,
    returns: HashMap<ReturnId, StoredReturn>,
    refunds: Vec<Refund>,
}

impl Seen<'_> {
    fn check(&self, wrong: &mut Vec<String>) {
        let id = self.order.id;
        let mut say = |what: String| wrong.push(format!("order {id}: {what}"));
        for (line, _) in &self.lines {
            if let Some(what) = unequal(line) {
                say(format!("ticket {}: {what}", line.ticket));
            }
        }
        self.check_values(&mut say);
        self.check_promocodes(&mut say);
        self.check_entries(&mut say);
        self.check_refunds(&mut say);
        self.check_payments(&mut say);
        self.check_tickets(&mut say);
    }

    /// Whether its tickets were sold, given back since or not.
    fn was_sold(&self) -> bool {
        matches!(self.order.status, OrderStatus::Done | OrderStatus::Refunded)
    }

    /// The payment system that collects the money, if one does.
    fn collects(&self) -> Option<PaymentSystem> {
        self.order.payment.system.filter(|system| system.collects())
    }

    fn check_values(&self, say: &mut impl FnMut(String)) {
        let order = self.order;
        match Values::of(live(&self.lines), order.currency) {
            None => say("the sums of its tickets are beyond 64 bits".to_owned()),
            Some(sums) => {
                let values = &order.values;
                for (name, found, expected) in [
                    ("discount", values.discount, sums.discount),
                    ("nominal", values.nominal, sums.nominal),
                    ("extra", values.extra, sums.extra),
                    ("full", values.full, sums.full),
                ] {
                    if found != expected {
                        say(format!("its {name} is {found}, and that of its tickets {expected}"));
                    }
                }
            }
        }
        let tickets = live(&self.lines).count();
        if i64::try_from(tickets) != Ok(order.tickets) {
            say(format!("it has {tickets} tickets and says {}", order.tickets));
        }
        if order.status == OrderStatus::Refunded && tickets > 0 {
            say(format!("it is refunded and has {tickets} tickets left, not 0"));
        }
    }

    /// A code is used by each ticket that it took something off, given back since or not.
    fn check_promocodes(&self, say: &mut impl FnMut(String)) {
        let mut tickets: HashMap<PromocodeId, i64> = HashMap::new();
        for promocode in self.lines.iter().filter_map(|(line, _)| line.promocode) {
            *tickets.entry(promocode).or_default() += 1;
        }
        for (promocode, uses) in &self.promocodes {
            let expected = tickets.remove(promocode).unwrap_or_default();
            if *uses != expected {
                say(format!(
                    "it counts {uses} uses of the promocode {promocode}, and {expected} of its tickets have it"
                ));
            }
        }
        let mut unknown: Vec<_> = tickets.into_iter().collect();
        unknown.sort_unstable();
        for (promocode, count) in unknown {
            say(format!("it has no promocode {promocode}, and {count} of its tickets have it"));
        }
    }

    /// The sale, each refund and each payment that came too late wrote what the rules say.
    fn check_entries(&self, say: &mut impl FnMut(String)) {
        let order = self.order;
        let sum: i128 = self.entries.iter().map(|entry| i128::from(entry.amount.minor)).sum();
        if sum != 0 {
            say(format!("its entries sum to {sum} minor units, not to 0"));
        }
        for entry in &self.entries {
            if (entry.event, entry.deal) != (Some(order.event), order.sale.deal()) {
                say(format!("the entry {} has another event or deal than it", entry.id));
            }
        }
        let of_sale: Vec<Line> = self.lines.iter().map(|(line, _)| line.clone()).collect();
        let sold = if self.was_sold() { ledger::sale(order, &of_sale) } else { Some(Vec::new()) };
        self.check_cause(&"its sale", |cause| *cause == Cause::Sale, sold, say);
        for refund in &self.refunds {
            let returned = match refund.status {
                RefundStatus::Approved => {
                    let of_refund = self.lines.iter().filter(|(_, taken)| *taken == Some(refund.id));
                    let lines: Vec<Line> = of_refund.map(|(line, _)| line.clone()).collect();
                    ledger::refund(order, &lines, refund.culprit)
                }
                RefundStatus::New | RefundStatus::InProgress | RefundStatus::Rejected => Some(Vec::new()),
            };
            let name = format!("the refund request {}", refund.id);
            self.check_cause(&name, |cause| cause.refund() == Some(refund.id), returned, say);
        }
        for Payment { id, status, amount, .. } in &self.payments {
            let nothing = || Some(Vec::new());
            let (late, sent_back) = match status {
                PaymentStatus::Pending | PaymentStatus::Paid => (nothing(), nothing()),
                PaymentStatus::Owed => (ledger::late_payment(*amount), nothing()),
                PaymentStatus::Returned => (ledger::late_payment(*amount), ledger::payment_returned(*amount)),
            };
            let name = format!("the late payment {id}");
            self.check_cause(&name, |cause| *cause == Cause::LatePayment(*id), late, say);
            let name = format!("the return of the payment {id}");
            self.check_cause(&name, |cause| *cause == Cause::PaymentReturned(*id), sent_back, say);
        }
    }

    fn check_cause(
        &self,
        name: &dyn Display,
        of: impl Fn(&Cause) -> bool,
        expected: Option<Vec<Posting>>,
        say: &mut impl FnMut(String),
    ) {
        let key = |posting: &Posting| (posting.kind.as_str(), posting.account.as_str(), posting.account.partner());
        let mut written: Vec<Posting> = self
            .entries
            .iter()
            .filter(|entry| of(&entry.cause))
            .map(|entry| Posting { account: entry.account, kind: entry.kind, amount: entry.amount })
            .collect();
        let mut expected = expected.unwrap_or_default();
        written.sort_by_key(key);
        expected.sort_by_key(key);
        if written != expected {
            let (written, expected) = (listed(&written), listed(&expected));
            say(format!("the entries of {name} are {written}, and should be {expected}"));
        }
    }

    fn check_refunds(&self, say: &mut impl FnMut(String)) {
        let approved: HashMap<RefundId, &Refund> = self
            .refunds
            .iter()
            .filter(|refund| refund.status == RefundStatus::Approved)
            .map(|refund| (refund.id, refund))
            .collect();
        for (line, taken) in &self.lines {
            let Some(taken) = taken else { continue };
            if !approved.get(taken).is_some_and(|refund| refund.tickets.contains(&line.ticket)) {
                say(format!("ticket {}: belongs to {taken}, which is no approved request for it", line.ticket));
            }
        }
        for refund in &self.refunds {
            if refund.status == RefundStatus::Approved {
                for ticket in &refund.tickets {
                    if !self.lines.iter().any(|(line, taken)| line.ticket == *ticket && *taken == Some(refund.id)) {
                        say(format!(
                            "ticket {ticket}: is not given back, though the request {} is approved",
                            refund.id
                        ));
                    }
                }
            }
            let of_refund = self.lines.iter().filter(|(line, _)| refund.tickets.contains(&line.ticket));
            let lines: Vec<Line> = of_refund.map(|(line, _)| line.clone()).collect();
            let sums = refund::sums(&self.order.sale, &lines, refund.culprit, self.order.currency);
            if let Some((nominal, customer_money)) = sums
                && (nominal, customer_money) != (refund.nominal, refund.customer_money)
            {
                say(format!(
                    "the refund request {} says {}, {} of it for the customer, and its tickets {nominal} and {customer_money}",
                    refund.id, refund.nominal, refund.customer_money
                ));
            }
        }
    }

    /// What a payment system collected is what the order was done by, or is owed to the customer, or was sent back.
    fn check_payments(&self, say: &mut impl FnMut(String)) {
        let order = self.order;
        let full: i128 = self.lines.iter().map(|(line, _)| i128::from(line.split.full.minor)).sum();
        let mut paid = self.payments.iter().filter(|payment| payment.status == PaymentStatus::Paid);
        let one = paid.next();
        for another in paid {
            say(format!("the payment {} is paid, as another one of it is", another.id));
        }
        match (self.collects(), one) {
            (Some(system), None) if self.was_sold() && full > 0 => {
                say(format!("it is {} through {system}, and no payment of it is paid", order.status));
            }
            (Some(system), None) if order.status == OrderStatus::InProgress && full > 0 && self.payments.is_empty() => {
                say(format!("it waits for {system}, which was not asked for a payment"));
            }
            (Some(_), Some(payment)) if self.was_sold() && i128::from(payment.amount.minor) == full => {}
            (Some(_), Some(payment)) if self.was_sold() => {
                let full = Money { minor: i64::try_from(full).unwrap_or(i64::MAX), currency: order.currency };
                say(format!("the payment {} is of {}, and it was sold for {full}", payment.id, payment.amount));
            }
            (_, Some(payment)) => {
                let through = order.payment.system.map_or("nothing".to_owned(), |system| system.to_string());
                let Payment { id, system, .. } = payment;
                say(format!("the payment {id} through {system} is paid, and it is {} through {through}", order.status));
            }
            (_, None) => {}
        }
        for payment in &self.payments {
            self.check_payment(payment, say);
        }
        for refund in &self.refunds {
            let sends_back =
                refund.payment_system.is_some_and(PaymentSystem::collects) && refund.customer_money.minor > 0;
            let sent = match refund.status {
                RefundStatus::InProgress if sends_back => Some(false),
                RefundStatus::Approved if sends_back => Some(true),
                _ => None,
            };
            let payment = one.map(|payment| payment.id);
            let expected =
                sent.map(|sent| Back { payment, refund: Some(refund.id), amount: refund.customer_money, sent });
            self.check_return(&format!("the refund request {}", refund.id), return_of_refund(refund.id), expected, say);
        }
    }

    fn check_payment(&self, payment: &Payment, say: &mut impl FnMut(String)) {
        let Payment { id, amount, status, .. } = payment;
        if amount.currency != self.order.currency {
            say(format!("the payment {id} is in {}, not in {}", amount.currency, self.order.currency));
        }
        let came = *status != PaymentStatus::Pending;
        match &payment.external_id {
            Some(_) if !came => say(format!("the payment {id} is pending, and its money has a name")),
            None if came => say(format!("the payment {id} is {}, and its money has no name", status.as_str())),
            _ => {}
        }
        let waits = self.order.status == OrderStatus::InProgress && self.collects() == Some(payment.system);
        if !came && waits && *amount != self.order.values.full {
            say(format!("the payment {id} asks for {amount}, and it costs {}", self.order.values.full));
        }
        let back = |sent| Some(Back { payment: Some(*id), refund: None, amount: *amount, sent });
        let expected = match status {
            PaymentStatus::Pending | PaymentStatus::Paid => None,
            PaymentStatus::Owed => back(false),
            PaymentStatus::Returned => back(true),
        };
        let name = format!("the {} payment {id}", status.as_str());
        self.check_return(&name, return_of_payment(*id), expected, say);
    }

    fn check_return(&self, name: &dyn Display, id: ReturnId, expected: Option<Back>, say: &mut impl FnMut(String)) {
        let found = self.returns.get(&id);
        let there = found.map(|StoredReturn { back, sent, .. }| Back {
            payment: Some(back.payment),
            refund: back.refund,
            amount: back.amount,
            sent: *sent,
        });
        if there != expected {
            let said = |back: Option<Back>| back.map_or("none".to_owned(), |back| back.to_string());
            say(format!("the return of {name} is {}, and should be {}", said(there), said(expected)));
        }
        if let Some(StoredReturn { due, sent, .. }) = found
            && due == sent
        {
            say(format!(
                "the return of {name} is {}",
                if *due { "sent, and due again" } else { "not sent, and never due" }
            ));
        }
    }

    fn check_tickets(&self, say: &mut impl FnMut(String)) {
        let order = self.order;
        for line in live(&self.lines) {
            let id = line.ticket;
            match (order.status, self.tickets.get(&id)) {
                (OrderStatus::Done | OrderStatus::Executed | OrderStatus::InProgress, None) => {
                    say(format!("ticket {id}: does not exist"));
                }
                (OrderStatus::Done, Some(ticket)) => {
                    if ticket.status != TicketStatus::Sold || ticket.order != Some(order.id) {
                        say(format!("ticket {id}: is {}, and not sold to it", ticket.status));
                    } else if ticket.barcode.is_none() {
                        say(format!("ticket {id}: is sold without a barcode"));
                    }
                }
                // One whose hold is over may be another's by now.
                (OrderStatus::Executed | OrderStatus::InProgress, Some(ticket)) if !self.over => {
                    if ticket.status != TicketStatus::Reserved || ticket.order != Some(order.id) {
                        say(format!("ticket {id}: is {}, and not reserved for it", ticket.status));
                    } else if ticket.reserved_till != Some(order.reserved_till) {
                        say(format!("ticket {id}: is reserved until another time than it"));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Money that is sent back, as it is or should be.
#[derive(PartialEq, Eq)]
struct Back {
    payment: Option<PaymentId>,
    refund: Option<RefundId>,
    amount: Money,
    sent: bool,
}

impl Display for Back {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sent = if self.sent { "sent" } else { "not sent" };
        write!(f, "{} {} {sent}", self.amount, self.amount.currency)?;
        match self.payment {
            Some(payment) => write!(f, " of the payment {payment}")?,
            None => f.write_str(" of a paid payment")?,
        }
        self.refund.map_or(Ok(()), |refund| write!(f, " for the refund request {refund}"))
    }
}

/// What entries say, for people.
pub(super) fn listed(postings: &[Posting]) -> String {
    let all: Vec<String> = postings.iter().map(|posting| format!("{} {}", posting.kind, posting.amount)).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// What does not add up in the money of a ticket.
fn unequal(line: &Line) -> Option<String> {
    let split = &line.split;
    let sum = |parts: &[i64]| parts.iter().map(|part| i128::from(*part)).sum::<i128>();
    let full = i128::from(split.full.minor);
    if sum(&[split.org.minor, split.core.minor, split.agent.minor]) != full {
        Some(format!(
            "the shares {} + {} + {} are not the {} that the customer paid",
            split.org, split.core, split.agent, split.full
        ))
    } else if sum(&[split.nominal.minor, split.extra.minor]) != full {
        Some(format!("{} + {} is not the {} that the customer paid", split.nominal, split.extra, split.full))
    } else if sum(&[split.nominal.minor, line.discount.minor]) != i128::from(line.price.minor) {
        Some(format!("{} - {} is not the nominal {}", line.price, line.discount, split.nominal))
    } else {
        None
    }
}
