//! The table `customers`: the records that vendors have of those who order.

use sea_query::{Cond, Expr, ExprTrait, Order as Direction, Query, SelectStatement};

use super::db::{params, statements};
use super::orders::in_status;
use super::values::{bytes, contains, exact_sum, next_sum};
use super::{Error, Row, Tx, Window, lists};
use crate::domain::customer::Customer;
use crate::domain::id::{CustomerId, EventId, PartnerId};
use crate::domain::money::{Currency, Sum};
use crate::domain::order::OrderStatus;
use crate::domain::text::fold;

macro_rules! columns {
    () => {
        "id, vendor_id, email, first_name, last_name, mobile, lang, created_at, updated_at"
    };
}

statements! {
    BY_IDS = concat!("select ", columns!(), " from customers where id = any($1)");
    INSERT = concat!(
        "insert into customers (", columns!(), ", email_folded, name_folded) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (vendor_id, email_folded) do nothing"
    );
    BY_EMAIL_LOCKED = concat!(
        "select ", columns!(), " from customers where vendor_id = $1 and email_folded = $2 for no key update"
    );
    UPDATE =
        "update customers set email = $2, name_folded = $3, first_name = $4, last_name = $5, mobile = $6, lang = $7, \
         updated_at = $8 where id = $1";
    DONE_ORDERS =
        concat!(
            "select customer_id, currency, count(*), cast(sum(tickets) as bigint), ", exact_sum!("total"), " from orders \
             where customer_id is not null and customer_id = any($1) and status = 'done' \
             group by customer_id, currency order by customer_id, count(*) desc, currency"
        );
}

/// Finds a vendor's customer by the address, or makes one as given; answers it as it then is. What is given besides the
/// address replaces what was known; what is not stays.
pub fn put(tx: &mut Tx<'_>, given: &Customer) -> Result<Customer, Error> {
    let inserted = tx.execute(
        INSERT,
        params![
            given.id,
            given.vendor,
            given.email.as_str(),
            given.first_name.as_deref(),
            given.last_name.as_deref(),
            given.mobile.as_deref(),
            given.lang.as_deref(),
            given.created_at,
            given.updated_at,
            given.email.folded(),
            name_folded(given)
        ],
    )?;
    if inserted == 1 {
        return Ok(given.clone());
    }
    let mut known = customer(tx.query_one(BY_EMAIL_LOCKED, params![given.vendor, given.email.folded()])?)?;
    if known.learn(given) {
        tx.execute(
            UPDATE,
            params![
                known.id,
                known.email.as_str(),
                name_folded(&known),
                known.first_name.as_deref(),
                known.last_name.as_deref(),
                known.mobile.as_deref(),
                known.lang.as_deref(),
                known.updated_at
            ],
        )?;
    }
    Ok(known)
}

/// Finds several customers; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[CustomerId]) -> Result<Vec<Customer>, Error> {
    tx.query(BY_IDS, params![ids])?.into_iter().map(customer).collect()
}

/// What the done orders of a customer in one currency come to.
#[derive(Clone, Copy, Debug)]
pub struct DoneOrders {
    /// The customer.
    pub customer: CustomerId,
    /// How many orders.
    pub orders: i64,
    /// How many tickets.
    pub tickets: i64,
    /// What was paid.
    pub paid: Sum,
}

/// What the done orders of several customers come to, by currency: of each customer that of most orders first.
pub fn done_orders(tx: &mut Tx<'_>, ids: &[CustomerId]) -> Result<Vec<DoneOrders>, Error> {
    let rows = tx.query(DONE_ORDERS, params![ids])?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.read("orders");
            let customer = row.next()?;
            let currency: Currency = row.next_parsed()?;
            let (orders, tickets) = (row.next()?, row.next()?);
            Ok(DoneOrders { customer, orders, tickets, paid: next_sum(&mut row, currency)? })
        })
        .collect()
}

/// Which customers a list holds, and in which sequence.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those whose address or name holds this, in any case.
    pub suggest: Option<String>,
    /// Only those with an order for this event.
    pub event: Option<EventId>,
    /// Only those whose order for the event is in one of these statuses, as it is at the time of the transaction.
    pub statuses: Vec<OrderStatus>,
    /// In which sequence.
    pub sort: Sort,
}

/// The sequence of a list of customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// As they were first seen.
    #[default]
    Created,
    /// By address.
    Email,
    /// By address, backwards.
    EmailDown,
    /// By name.
    Name,
    /// By name, backwards.
    NameDown,
}

/// A part of a list of customers in its sequence: of those of a vendor, or of all.
pub fn list(
    tx: &mut Tx<'_>,
    of: Option<PartnerId>,
    filter: &Filter,
    window: Window<CustomerId>,
) -> Result<Vec<Customer>, Error> {
    let mut select = select(of, filter, tx.now());
    // A place in the sequence is named by the customer that stands there.
    let (column, direction, beyond) = match filter.sort {
        Sort::Created => (None, Direction::Asc, "id > $1"),
        Sort::Email => {
            let beyond = "(email_folded, id) > (select c.email_folded, c.id from customers c where c.id = $1)";
            (Some("email_folded"), Direction::Asc, beyond)
        }
        Sort::EmailDown => {
            let beyond = "(email_folded, id) < (select c.email_folded, c.id from customers c where c.id = $1)";
            (Some("email_folded"), Direction::Desc, beyond)
        }
        Sort::Name => {
            let beyond = "(name_folded, id) > (select c.name_folded, c.id from customers c where c.id = $1)";
            (Some("name_folded"), Direction::Asc, beyond)
        }
        Sort::NameDown => {
            let beyond = "(name_folded, id) < (select c.name_folded, c.id from customers c where c.id = $1)";
            (Some("name_folded"), Direction::Desc, beyond)
        }
    };
    if let Some(column) = column {
        select.order_by(column, direction.clone());
    }
    select.expr(Expr::cust(columns!())).order_by("id", direction).limit(window.limit).offset(window.skip);
    if let Some(after) = window.after {
        select.and_where(Expr::cust_with_values(beyond, [bytes(after)]));
    }
    tx.query_built(&select)?.into_iter().map(customer).collect()
}

/// How many customers a list holds in all.
pub fn count(tx: &mut Tx<'_>, of: Option<PartnerId>, filter: &Filter) -> Result<i64, Error> {
    let select = select(of, filter, tx.now());
    lists::count(tx, [select])
}

fn select(of: Option<PartnerId>, filter: &Filter, now: jiff::Timestamp) -> SelectStatement {
    let mut select = Query::select();
    select.from("customers");
    if let Some(vendor) = of {
        select.and_where(Expr::col("vendor_id").eq(bytes(vendor)));
    }
    if let Some(suggest) = &filter.suggest {
        select.cond_where(Cond::any().add(contains("email_folded", suggest)).add(contains("name_folded", suggest)));
    }
    if let Some(event) = filter.event {
        let mut ordered = Query::select();
        ordered
            .column("customer_id")
            .from("orders")
            .and_where(Expr::col("bucket").eq(event.bucket().as_bytes().to_vec()))
            .and_where(Expr::col("event_id").eq(bytes(event)))
            .and_where(Expr::col("customer_id").is_not_null());
        if !filter.statuses.is_empty() {
            ordered.cond_where(in_status(&filter.statuses, now));
        }
        select.and_where(Expr::col("id").in_subquery(ordered));
    }
    select
}

/// What a customer is searched by besides the address.
fn name_folded(customer: &Customer) -> String {
    let names = [customer.first_name.as_deref(), customer.last_name.as_deref()];
    fold(&names.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

fn customer(row: Row) -> Result<Customer, Error> {
    let mut row = row.read("customers");
    Ok(Customer {
        id: row.next()?,
        vendor: row.next()?,
        email: row.next_parsed()?,
        first_name: row.next()?,
        last_name: row.next()?,
        mobile: row.next()?,
        lang: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}
