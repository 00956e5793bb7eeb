//! The table `customers`: the records that vendors have of those who order.

use super::db::{params, statements};
use super::{Error, Row, Tx};
use crate::domain::customer::Customer;
use crate::domain::id::CustomerId;
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
