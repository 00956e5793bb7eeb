//! Customers: the records that vendors have of those who order. They are made by orders and never are users.

use std::collections::HashMap;

use super::callers::whose;
use super::{Error, Installation, Window};
use crate::domain::access::Caller;
use crate::domain::customer::Customer;
use crate::domain::id::{CustomerId, PartnerId};
use crate::domain::member::Right;
use crate::domain::money::Sum;
use crate::store::{self, Tx};

pub use crate::store::customers::{Filter, Sort};

/// A customer with what its done orders come to.
#[derive(Clone, Debug)]
pub struct CustomerView {
    /// The customer.
    pub customer: Customer,
    /// What its done orders come to.
    pub crm: Crm,
}

/// What the done orders of a customer come to. Amounts are of the currency of most of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crm {
    /// What was paid.
    pub values: CrmValues,
    /// How much was sold.
    pub counters: CrmCounters,
}

/// What a customer paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrmValues {
    /// For one order on the average.
    pub avg: Sum,
    /// In all.
    pub sum: Sum,
}

/// What a customer bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrmCounters {
    /// Done orders.
    pub orders: i64,
    /// Their tickets.
    pub tickets: i64,
}

/// A part of the list of the caller's customers; the platform's holds those of all vendors.
///
/// # Errors
/// [`Error::Invalid`] for statuses without an event.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    installation: &Installation,
    filter: &Filter,
    window: Window<CustomerId>,
) -> Result<Vec<CustomerView>, Error> {
    let vendor = vendor(caller, filter)?;
    let customers = store::customers::list(tx, vendor, filter, window)?;
    with_crm(tx, installation, customers)
}

/// How many customers the list holds in all.
///
/// # Errors
/// Those of [`list`].
pub fn count(tx: &mut Tx<'_>, caller: &Caller, filter: &Filter) -> Result<i64, Error> {
    let vendor = vendor(caller, filter)?;
    Ok(store::customers::count(tx, vendor, filter)?)
}

/// One customer.
///
/// # Errors
/// Those of [`own`].
pub fn get(
    tx: &mut Tx<'_>,
    caller: &Caller,
    installation: &Installation,
    id: CustomerId,
) -> Result<CustomerView, Error> {
    let customer = own(tx, caller, id)?;
    with_crm(tx, installation, vec![customer])?.pop().ok_or(Error::NotFound("user or customer"))
}

/// A customer that the caller may read.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for those who sell for the vendor whose customer it is, and the platform.
pub fn own(tx: &mut Tx<'_>, caller: &Caller, id: CustomerId) -> Result<Customer, Error> {
    let customer = store::customers::find_all(tx, &[id])?.pop().ok_or(Error::NotFound("user or customer"))?;
    if !caller.acts_for(customer.vendor) && !caller.is_platform() {
        return Err(Error::forbidden("this is another vendor's customer"));
    }
    may_sell(caller)?;
    Ok(customer)
}

fn may_sell(caller: &Caller) -> Result<(), Error> {
    if caller.may(Right::Sell) {
        return Ok(());
    }
    Err(Error::forbidden("your role does not allow this"))
}

/// Whose customers the caller may list by this filter; nothing: everybody's.
fn vendor(caller: &Caller, filter: &Filter) -> Result<Option<PartnerId>, Error> {
    let vendor = whose(caller)?;
    may_sell(caller)?;
    if filter.event.is_none() && !filter.statuses.is_empty() {
        return Err(Error::invalid("order_status", "conflict", "needs order_event"));
    }
    Ok(vendor)
}

fn with_crm(
    tx: &mut Tx<'_>,
    installation: &Installation,
    customers: Vec<Customer>,
) -> Result<Vec<CustomerView>, Error> {
    let nothing = Sum::zero(installation.currency);
    let ids: Vec<CustomerId> = customers.iter().map(|customer| customer.id).collect();
    let mut crm: HashMap<CustomerId, Crm> = HashMap::new();
    if !ids.is_empty() {
        // Of one customer, the currency of most orders comes first.
        for sums in store::customers::done_orders(tx, &ids)? {
            let avg = sums.paid.divided(sums.orders).unwrap_or(nothing);
            let first = Crm {
                values: CrmValues { avg, sum: sums.paid },
                counters: CrmCounters { orders: sums.orders, tickets: sums.tickets },
            };
            crm.entry(sums.customer)
                .and_modify(|crm| {
                    crm.counters.orders += sums.orders;
                    crm.counters.tickets += sums.tickets;
                })
                .or_insert(first);
        }
    }
    let none =
        Crm { values: CrmValues { avg: nothing, sum: nothing }, counters: CrmCounters { orders: 0, tickets: 0 } };
    let view = |customer: Customer| CustomerView { crm: crm.get(&customer.id).copied().unwrap_or(none), customer };
    Ok(customers.into_iter().map(view).collect())
}
