//! The tables `entries` and `payouts`.

use std::collections::HashMap;

use sea_query::{Cond, Expr, ExprTrait, Order, Query, SelectStatement, Value};

use super::db::{params, statements};
use super::values::{buckets, bytes, exact_sum, next_sum};
use super::{Error, Row, Tx, Window, lists};
use crate::domain::id::{DealId, EntryId, EventId, OrderId, PartnerId, PayoutId};
use crate::domain::ledger::{Account, Balance, Cause, Entry, Payout};
use crate::domain::money::{Currency, Money};

macro_rules! columns {
    () => {
        "id, cause, order_id, refund_id, payment_id, payout_id, event_id, deal_id, account, partner_id, kind, amount, \
         currency, created_at"
    };
}

macro_rules! payout_columns {
    () => {
        "id, from_id, to_id, deal_id, amount, currency, note, created_at"
    };
}

/// The columns that tell balances apart, in their order; an id that is missing comes before all others.
macro_rules! balance_key {
    () => {
        "coalesce(partner_id, $1), account, coalesce(deal_id, $1), currency"
    };
}

statements! {
    INSERT = concat!(
        "insert into entries (bucket, ", columns!(), ") values \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    );
    OF_ORDERS = concat!(
        "select ", columns!(), " from entries where bucket = any($1) and order_id = any($2) order by created_at, id"
    );
    INSERT_PAYOUT = concat!("insert into payouts (", payout_columns!(), ") values ($1, $2, $3, $4, $5, $6, $7, $8)");
}

/// Appends an entry.
pub fn insert(tx: &mut Tx<'_>, entry: &Entry) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            entry.id.bucket(),
            entry.id,
            entry.cause.as_str(),
            entry.order,
            entry.cause.refund(),
            entry.cause.payment(),
            entry.cause.payout(),
            entry.event,
            entry.deal,
            entry.account.as_str(),
            entry.account.partner(),
            entry.kind.as_str(),
            entry.amount.minor,
            entry.amount.currency.code(),
            entry.created_at
        ],
    )?;
    Ok(())
}

/// The entries of several orders, each in the order in which they were written.
pub fn of_orders(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<Entry>>, Error> {
    let mut entries: HashMap<OrderId, Vec<Entry>> = HashMap::new();
    for row in tx.query(OF_ORDERS, params![buckets(orders), orders])? {
        let entry = entry(row)?;
        if let Some(order) = entry.order {
            entries.entry(order).or_default().push(entry);
        }
    }
    Ok(entries)
}

/// Writes a new payout.
pub fn insert_payout(tx: &mut Tx<'_>, payout: &Payout) -> Result<(), Error> {
    tx.execute(
        INSERT_PAYOUT,
        params![
            payout.id,
            payout.from,
            payout.to,
            payout.deal,
            payout.amount.minor,
            payout.amount.currency.code(),
            payout.note.as_deref(),
            payout.created_at
        ],
    )?;
    Ok(())
}

/// Which entries, balances or payouts a list holds; each of them heeds what concerns it.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of this partner.
    pub partner: Option<PartnerId>,
    /// Only accounts of this word.
    pub account: Option<&'static str>,
    /// Only those of this deal.
    pub deal: Option<DealId>,
    /// Only those of this order.
    pub order: Option<OrderId>,
    /// Only those of this event.
    pub event: Option<EventId>,
    /// Only those in this currency.
    pub currency: Option<Currency>,
    /// Only those written at this time or later.
    pub from: Option<jiff::Timestamp>,
    /// Only those written before this time.
    pub to: Option<jiff::Timestamp>,
}

impl Filter {
    fn select(&self, table: &'static str) -> SelectStatement {
        let mut select = Query::select();
        select.from(table);
        if let Some(deal) = self.deal {
            select.and_where(Expr::col("deal_id").eq(bytes(deal)));
        }
        if let Some(currency) = self.currency {
            select.and_where(Expr::col("currency").eq(currency.code()));
        }
        if let Some(from) = self.from {
            select.and_where(Expr::col("created_at").gte(from.as_microsecond()));
        }
        if let Some(to) = self.to {
            select.and_where(Expr::col("created_at").lt(to.as_microsecond()));
        }
        select
    }

    fn entries(&self, of: Option<PartnerId>) -> SelectStatement {
        let mut select = self.select("entries");
        for partner in [of, self.partner].into_iter().flatten() {
            select.and_where(Expr::col("partner_id").eq(bytes(partner)));
        }
        if let Some(account) = self.account {
            select.and_where(Expr::col("account").eq(account));
        }
        if let Some(order) = self.order {
            select.and_where(Expr::col("bucket").eq(order.bucket().as_bytes().to_vec()));
            select.and_where(Expr::col("order_id").eq(bytes(order)));
        }
        if let Some(event) = self.event {
            select.and_where(Expr::col("bucket").eq(event.bucket().as_bytes().to_vec()));
            select.and_where(Expr::col("event_id").eq(bytes(event)));
        }
        select
    }

    fn payouts(&self, of: Option<PartnerId>) -> SelectStatement {
        let mut select = self.select("payouts");
        for partner in [of, self.partner].into_iter().flatten() {
            let side = |column| Expr::col(column).eq(bytes(partner));
            select.cond_where(Cond::any().add(side("from_id")).add(side("to_id")));
        }
        select
    }
}

/// A part of a list of entries in the order of their ids: of those of a partner, or of all accounts.
pub fn list(
    tx: &mut Tx<'_>,
    of: Option<PartnerId>,
    filter: &Filter,
    window: Window<EntryId>,
) -> Result<Vec<Entry>, Error> {
    lists::by_id(tx, filter.entries(of), columns!(), window, entry)
}

/// How many entries a list holds in all.
pub fn count(tx: &mut Tx<'_>, of: Option<PartnerId>, filter: &Filter) -> Result<i64, Error> {
    lists::count(tx, [filter.entries(of)])
}

/// The payouts of a list in the order of their ids, as [`list`].
pub fn payouts(
    tx: &mut Tx<'_>,
    of: Option<PartnerId>,
    filter: &Filter,
    window: Window<PayoutId>,
) -> Result<Vec<Payout>, Error> {
    lists::by_id(tx, filter.payouts(of), payout_columns!(), window, payout)
}

/// How many payouts a list holds in all.
pub fn count_payouts(tx: &mut Tx<'_>, of: Option<PartnerId>, filter: &Filter) -> Result<i64, Error> {
    lists::count(tx, [filter.payouts(of)])
}

/// What tells balances apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceKey {
    /// Whose account.
    pub account: Account,
    /// The deal.
    pub deal: Option<DealId>,
    /// The currency.
    pub currency: Currency,
}

impl From<&Balance> for BalanceKey {
    fn from(balance: &Balance) -> Self {
        Self { account: balance.account, deal: balance.deal, currency: balance.total.currency }
    }
}

/// The balances of a list by partner, account, deal and currency, as [`list`]. Each is the sum over its entries.
pub fn balances(
    tx: &mut Tx<'_>,
    of: Option<PartnerId>,
    filter: &Filter,
    window: Window<BalanceKey>,
) -> Result<Vec<Balance>, Error> {
    let nothing = || Value::from(Vec::<u8>::new());
    let mut select = grouped(of, filter);
    select
        .expr(Expr::cust(concat!(
            "partner_id, account, deal_id, currency, ",
            exact_sum!("case when kind = 'customer' then amount else 0 end"),
            ", ",
            exact_sum!("case when kind in ('organizer', 'platform', 'agent') then amount else 0 end"),
            ", ",
            exact_sum!("case when kind = 'payout' then amount else 0 end"),
            ", ",
            exact_sum!("amount")
        )))
        .order_by_expr(Expr::cust_with_values("coalesce(partner_id, $1)", [nothing()]), Order::Asc)
        .order_by("account", Order::Asc)
        .order_by_expr(Expr::cust_with_values("coalesce(deal_id, $1)", [nothing()]), Order::Asc)
        .order_by("currency", Order::Asc)
        .limit(window.limit)
        .offset(window.skip);
    if let Some(BalanceKey { account, deal, currency }) = window.after {
        let id = |id: Option<Vec<u8>>| Value::from(id.unwrap_or_default());
        select.and_where(Expr::cust_with_values(
            concat!("(", balance_key!(), ") > ($2, $3, $4, $5)"),
            [
                nothing(),
                id(account.partner().map(bytes)),
                account.as_str().into(),
                id(deal.map(bytes)),
                currency.code().into(),
            ],
        ));
    }
    tx.query_built(&select)?.into_iter().map(balance).collect()
}

/// How many balances a list holds in all.
pub fn count_balances(tx: &mut Tx<'_>, of: Option<PartnerId>, filter: &Filter) -> Result<i64, Error> {
    let mut groups = grouped(of, filter);
    groups.expr(Expr::cust("1 as one"));
    tx.count_built(Query::select().expr(Expr::cust("count(*)")).from_subquery(groups, "balances"))
}

fn grouped(of: Option<PartnerId>, filter: &Filter) -> SelectStatement {
    let mut select = filter.entries(of);
    select.group_by_columns(["partner_id", "account", "deal_id", "currency"]);
    select
}

fn balance(row: Row) -> Result<Balance, Error> {
    let mut row = row.read("entries");
    let partner = row.next()?;
    let account = row.next_as(|word: String| Account::of(&word, partner).ok_or(()))?;
    let deal = row.next()?;
    let currency: Currency = row.next_parsed()?;
    let mut sum = || next_sum(&mut row, currency);
    Ok(Balance { account, deal, customer: sum()?, shares: sum()?, payouts: sum()?, total: sum()? })
}

fn entry(row: Row) -> Result<Entry, Error> {
    let mut row = row.read("entries");
    let id = row.next()?;
    let cause: String = row.next()?;
    let order = row.next()?;
    let (refund, payment, payout) = (row.next()?, row.next()?, row.next()?);
    let cause = match (cause.as_str(), refund, payment, payout) {
        ("sale", None, None, None) => Cause::Sale,
        ("refund", Some(refund), None, None) => Cause::Refund(refund),
        ("late_payment", None, Some(payment), None) => Cause::LatePayment(payment),
        ("payment_returned", None, Some(payment), None) => Cause::PaymentReturned(payment),
        ("payout", None, None, Some(payout)) => Cause::Payout(payout),
        _ => return Err(row.corrupt("cause")),
    };
    let (event, deal) = (row.next()?, row.next()?);
    let account: String = row.next()?;
    let account = Account::of(&account, row.next()?).ok_or_else(|| row.corrupt("account"))?;
    let kind = row.next_parsed()?;
    let minor = row.next()?;
    let currency = row.next_parsed()?;
    let created_at = row.next()?;
    Ok(Entry { id, cause, order, event, deal, account, kind, amount: Money { minor, currency }, created_at })
}

fn payout(row: Row) -> Result<Payout, Error> {
    let mut row = row.read("payouts");
    let (id, from, to, deal) = (row.next()?, row.next()?, row.next()?, row.next()?);
    let minor = row.next()?;
    let amount = Money { minor, currency: row.next_parsed()? };
    Ok(Payout { id, from, to, deal, amount, note: row.next()?, created_at: row.next()? })
}
