//! The tables `refund_requests` and `refund_tickets`.

use std::collections::HashMap;

use sea_query::{Cond, Expr, ExprTrait, Order as Sorted, Query, SelectStatement};

use super::db::{params, statements};
use super::orders::sold_or_of_its_events;
use super::values::{buckets, bytes};
use super::{Error, Row, Tx, Window, lists};
use crate::domain::id::{EventId, OrderId, PartnerId, RefundId, TicketId};
use crate::domain::money::Money;
use crate::domain::refund::{Refund, RefundStatus};

macro_rules! columns {
    () => {
        "id, order_id, event_id, org_id, vendor_id, culprit, status, payment_system, nominal, customer_money, currency, \
         requested_at, finished_at, created_at, updated_at"
    };
}

statements! {
    ONE = concat!("select ", columns!(), " from refund_requests where bucket = $1 and id = $2");
    ONE_LOCKED = concat!("select ", columns!(), " from refund_requests where bucket = $1 and id = $2 for update");
    BY_IDS = concat!("select ", columns!(), " from refund_requests where bucket = any($1) and id = any($2) order by id");
    OF_ORDERS = concat!(
        "select ", columns!(), " from refund_requests where bucket = any($1) and order_id = any($2) order by id"
    );
    INSERT = concat!(
        "insert into refund_requests (bucket, ", columns!(), ") \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    );
    INSERT_TICKET = "insert into refund_tickets (bucket, refund_id, ticket_id, pos) values ($1, $2, $3, $4)";
    TICKETS =
        "select refund_id, ticket_id from refund_tickets where bucket = any($1) and refund_id = any($2) \
         order by refund_id, pos";
    // The former status is part of the condition: of two answers at once, one finds no row.
    SET_STATUS =
        "update refund_requests set status = $4, finished_at = $5, updated_at = $6 \
         where bucket = $1 and id = $2 and status = $3";
    // A line belongs to at most one approved request.
    TAKE_LINES =
        "update order_tickets set refund_id = $4 \
         where bucket = $1 and order_id = $2 and ticket_id = any($3) and refund_id is null";
    STAYING =
        "select order_id, ticket_id from order_tickets \
         where bucket = any($1) and order_id = any($2) and refund_id is null order by order_id, pos";
    BEING_SENT =
        "select 1 from refund_requests r join refund_tickets t on t.bucket = r.bucket and t.refund_id = r.id \
         where r.bucket = $1 and r.order_id = $2 and r.id <> $3 and r.status = 'in_progress' and t.ticket_id = any($4) \
         limit 1";
}

/// Finds a refund request.
pub fn find(tx: &mut Tx<'_>, id: RefundId) -> Result<Option<Refund>, Error> {
    one(tx, id, false)
}

/// Finds a refund request, and keeps it as it is until the transaction ends.
pub fn find_locked(tx: &mut Tx<'_>, id: RefundId) -> Result<Option<Refund>, Error> {
    one(tx, id, true)
}

fn one(tx: &mut Tx<'_>, id: RefundId, locked: bool) -> Result<Option<Refund>, Error> {
    let row = tx.query_opt(if locked { ONE_LOCKED } else { ONE }, params![id.bucket(), id])?;
    let Some(refund) = row.map(refund).transpose()? else { return Ok(None) };
    Ok(with_tickets(tx, vec![refund])?.pop())
}

/// Finds several refund requests, in the order of their ids; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[RefundId]) -> Result<Vec<Refund>, Error> {
    let found = tx.query(BY_IDS, params![buckets(ids), ids])?;
    let refunds = found.into_iter().map(refund).collect::<Result<_, _>>()?;
    with_tickets(tx, refunds)
}

/// The refund requests of several orders, each order's in the order of their ids.
pub fn of_orders(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<Refund>>, Error> {
    let found = tx.query(OF_ORDERS, params![buckets(orders), orders])?;
    let found = found.into_iter().map(refund).collect::<Result<_, _>>()?;
    let mut refunds: HashMap<OrderId, Vec<Refund>> = HashMap::new();
    for refund in with_tickets(tx, found)? {
        refunds.entry(refund.order).or_default().push(refund);
    }
    Ok(refunds)
}

/// Writes a new refund request.
pub fn insert(tx: &mut Tx<'_>, refund: &Refund) -> Result<(), Error> {
    let bucket = refund.id.bucket();
    tx.execute(
        INSERT,
        params![
            bucket,
            refund.id,
            refund.order,
            refund.event,
            refund.org,
            refund.vendor,
            refund.culprit.as_str(),
            refund.status.as_str(),
            refund.payment_system.map(|system| system.as_str()),
            refund.nominal.minor,
            refund.customer_money.minor,
            refund.nominal.currency.code(),
            refund.requested_at,
            refund.finished_at,
            refund.created_at,
            refund.updated_at
        ],
    )?;
    for (pos, ticket) in (0_i64..).zip(&refund.tickets) {
        tx.execute(INSERT_TICKET, params![bucket, refund.id, ticket, pos])?;
    }
    Ok(())
}

/// Writes where a request stands now, and when it was answered; false where that was done meanwhile.
pub fn set_status(tx: &mut Tx<'_>, refund: &Refund, former: RefundStatus) -> Result<bool, Error> {
    let rows = tx.execute(
        SET_STATUS,
        params![
            refund.id.bucket(),
            refund.id,
            former.as_str(),
            refund.status.as_str(),
            refund.finished_at,
            refund.updated_at
        ],
    )?;
    Ok(rows == 1)
}

/// Makes the request's lines of its order its own; false where one of them belongs to another request.
pub fn take_lines(tx: &mut Tx<'_>, refund: &Refund) -> Result<bool, Error> {
    let rows = tx.execute(TAKE_LINES, params![refund.id.bucket(), refund.order, &refund.tickets, refund.id])?;
    Ok(rows == refund.tickets.len() as u64)
}

/// Whether a payment system sends money back for one of the request's tickets, for another request.
pub fn being_sent(tx: &mut Tx<'_>, refund: &Refund) -> Result<bool, Error> {
    let found = tx.query_opt(BEING_SENT, params![refund.id.bucket(), refund.order, refund.id, &refund.tickets])?;
    Ok(found.is_some())
}

/// The tickets of several orders that are not refunded, in each order's own sequence.
pub fn staying(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<TicketId>>, Error> {
    let mut staying: HashMap<OrderId, Vec<TicketId>> = HashMap::new();
    for row in tx.query(STAYING, params![buckets(orders), orders])? {
        let mut row = row.read("order_tickets");
        staying.entry(row.next()?).or_default().push(row.next()?);
    }
    Ok(staying)
}

/// By what a list is sorted; ids decide between equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum By {
    /// The order of creation.
    #[default]
    Id,
    /// The time of creation.
    CreatedAt,
    /// What the customer gets, in minor units.
    Value,
}

/// How a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sort {
    /// By what.
    pub by: By,
    /// Whether the last comes first.
    pub descending: bool,
}

/// Where a list goes on, whatever it is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The id of a request.
    pub id: RefundId,
    /// When it was created, in microseconds.
    pub created_at: i64,
    /// What the customer gets, in minor units.
    pub value: i64,
}

impl From<&Refund> for Place {
    fn from(refund: &Refund) -> Self {
        Self { id: refund.id, created_at: refund.created_at.as_microsecond(), value: refund.customer_money.minor }
    }
}

impl Sort {
    /// The value of the column that it sorts by.
    fn of(self, place: Place) -> i64 {
        match self.by {
            By::Id => 0,
            By::CreatedAt => place.created_at,
            By::Value => place.value,
        }
    }

    fn column(self) -> Option<&'static str> {
        match self.by {
            By::Id => None,
            By::CreatedAt => Some("created_at"),
            By::Value => Some("customer_money"),
        }
    }
}

/// Which refund requests a list holds, and how it is sorted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those in one of these statuses; empty: in any.
    pub statuses: Vec<RefundStatus>,
    /// Only those of these events; empty: of any.
    pub events: Vec<EventId>,
    /// Only those of this organizer's events.
    pub org: Option<PartnerId>,
    /// Only those of orders that this partner sold.
    pub vendor: Option<PartnerId>,
    /// Only those created then or later.
    pub created_from: Option<jiff::Timestamp>,
    /// Only those created then or before.
    pub created_to: Option<jiff::Timestamp>,
    /// Only those answered then or later.
    pub finished_from: Option<jiff::Timestamp>,
    /// Only those answered then or before.
    pub finished_to: Option<jiff::Timestamp>,
    /// How it is sorted.
    pub sort: Sort,
}

/// A part of a list of refund requests, sorted: of those of orders that a partner sold, or that are of its events; or of all.
pub fn list(
    tx: &mut Tx<'_>,
    of: Option<PartnerId>,
    filter: &Filter,
    window: Window<Place>,
) -> Result<Vec<Refund>, Error> {
    let sort = filter.sort;
    let direction = if sort.descending { Sorted::Desc } else { Sorted::Asc };
    let beyond = |column: &'static str, value: Expr| {
        let column = Expr::col(column);
        if sort.descending { column.lt(value) } else { column.gt(value) }
    };
    let mut selects = selects(of, filter, window.is_near());
    for select in &mut selects {
        select.expr(Expr::cust(columns!()));
        if let Some(column) = sort.column() {
            select.order_by(column, direction.clone());
        }
        select.order_by("id", direction.clone());
        if let Some(after) = window.after {
            let later = beyond("id", Expr::val(bytes(after.id)));
            select.cond_where(match sort.column() {
                None => Cond::all().add(later),
                Some(column) => {
                    let value = sort.of(after);
                    Cond::any()
                        .add(beyond(column, Expr::val(value)))
                        .add(Cond::all().add(Expr::col(column).eq(value)).add(later))
                }
            });
        }
    }
    let key = |refund: &Refund| (sort.of(refund.into()), refund.id);
    let refunds = lists::merged(tx, selects, window, refund, |one, other| {
        let ordering = key(one).cmp(&key(other));
        if sort.descending { ordering.reverse() } else { ordering }
    })?;
    with_tickets(tx, refunds)
}

/// How many refund requests a list holds in all.
pub fn count(tx: &mut Tx<'_>, of: Option<PartnerId>, filter: &Filter) -> Result<i64, Error> {
    lists::count(tx, selects(of, filter, true))
}

fn selects(of: Option<PartnerId>, filter: &Filter, apart: bool) -> Vec<SelectStatement> {
    let mut common = Query::select();
    common.from("refund_requests");
    for (column, partner) in [("org_id", filter.org), ("vendor_id", filter.vendor)] {
        if let Some(partner) = partner {
            common.and_where(Expr::col(column).eq(bytes(partner)));
        }
    }
    lists::of_events(&mut common, &filter.events);
    if !filter.statuses.is_empty() {
        common.and_where(Expr::col("status").is_in(filter.statuses.iter().map(|status| status.as_str())));
    }
    lists::between(&mut common, "created_at", filter.created_from, filter.created_to);
    lists::between(&mut common, "finished_at", filter.finished_from, filter.finished_to);
    match of {
        Some(of) => lists::sides(&common, sold_or_of_its_events(of), apart),
        None => vec![common],
    }
}

fn with_tickets(tx: &mut Tx<'_>, mut refunds: Vec<Refund>) -> Result<Vec<Refund>, Error> {
    let ids: Vec<RefundId> = refunds.iter().map(|refund| refund.id).collect();
    if ids.is_empty() {
        return Ok(refunds);
    }
    let mut tickets: HashMap<RefundId, Vec<TicketId>> = HashMap::new();
    for row in tx.query(TICKETS, params![buckets(&ids), &ids])? {
        let mut row = row.read("refund_tickets");
        tickets.entry(row.next()?).or_default().push(row.next()?);
    }
    for refund in &mut refunds {
        refund.tickets = tickets.remove(&refund.id).unwrap_or_default();
    }
    Ok(refunds)
}

/// A request without its tickets.
fn refund(row: Row) -> Result<Refund, Error> {
    let mut row = row.read("refund_requests");
    let id = row.next()?;
    let (order, event, org, vendor) = (row.next()?, row.next()?, row.next()?, row.next()?);
    let (culprit, status) = (row.next_parsed()?, row.next_parsed()?);
    let payment_system = row.next_as(|text: Option<String>| text.map(|text| text.parse()).transpose())?;
    let (nominal, customer_money) = (row.next()?, row.next()?);
    let currency = row.next_parsed()?;
    let money = |minor| Money { minor, currency };
    Ok(Refund {
        id,
        order,
        event,
        org,
        vendor,
        culprit,
        status,
        payment_system,
        tickets: Vec::new(),
        nominal: money(nominal),
        customer_money: money(customer_money),
        requested_at: row.next()?,
        finished_at: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}
