//! A list of orders as a file, mailed to whoever asked for it. What is wished goes into the outbox; the file is made when
//! its time comes, batch by batch, each its own short read.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::callers::whose;
use super::super::mails::{self, Mail};
use super::super::named::{self, Named};
use super::super::{App, Error, Window};
use super::{Filter, OrderView};
use crate::domain::access::Caller;
use crate::domain::id::{EventId, MailId, OrderId, PartnerId, PromocodeId};
use crate::domain::invalid::Invalid;
use crate::domain::member::Right;
use crate::domain::money::Money;
use crate::domain::time::write_v2;
use crate::domain::user::Email;
use crate::store::{self, Tx};

/// How many orders are read at once.
const BATCH: u64 = 200;
/// How large a file is sent: servers take no larger letters.
const BYTES_MAX: usize = 16 << 20;
/// The names of the columns.
const COLUMNS: [&str; 22] = [
    "id",
    "number",
    "code",
    "status",
    "origin",
    "created_at",
    "done_at",
    "event_id",
    "event",
    "org",
    "vendor",
    "tickets",
    "price",
    "discount",
    "nominal",
    "extra",
    "full",
    "currency",
    "promocodes",
    "customer",
    "email",
    "phone",
];

/// A list of orders that is to be mailed: what it holds, as the one who asked for it could read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    of: Option<String>,
    vendors: Vec<String>,
    orgs: Vec<String>,
    events: Vec<String>,
    statuses: Vec<String>,
    /// Microseconds.
    created_from: Option<i64>,
    created_to: Option<i64>,
    customer: Option<String>,
    with_customer: bool,
}

/// A list of orders as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The list as CSV (RFC 4180), with a line of names above.
    pub csv: String,
    /// How many orders it holds.
    pub orders: u64,
    /// Whether it holds all of them.
    pub whole: bool,
}

/// Has the list of the orders that the caller may read mailed to this address.
///
/// # Errors
/// [`Error::Forbidden`] for who may not sell; those of the store.
pub fn export(tx: &mut Tx<'_>, caller: &Caller, mail: MailId, to: &Email, filter: &Filter) -> Result<(), Error> {
    if !caller.may(Right::Sell) {
        return Err(Error::forbidden("your role does not allow this"));
    }
    let Filter { vendors, orgs, events, statuses, created_from, created_to, customer, with_customer } = filter;
    let export = Export {
        of: whose(caller)?.map(|partner| partner.to_string()),
        vendors: texts(vendors),
        orgs: texts(orgs),
        events: texts(events),
        statuses: statuses.iter().map(|status| status.as_str().to_owned()).collect(),
        created_from: created_from.map(Timestamp::as_microsecond),
        created_to: created_to.map(Timestamp::as_microsecond),
        customer: customer.map(|customer| customer.to_string()),
        with_customer: *with_customer,
    };
    mails::enqueue(tx, mail, to, &Mail::Export(export))
}

fn texts(ids: &[impl ToString]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

impl Export {
    fn filter(&self) -> Result<(Option<PartnerId>, Filter), Error> {
        let unreadable = |why: String| Error::Internal(format!("an export cannot be read: {why}"));
        let wrong = |invalid: Invalid| unreadable(invalid.message);
        let time = |micro: Option<i64>| micro.map(Timestamp::from_microsecond).transpose();
        let of = self.of.as_deref().map(str::parse).transpose().map_err(wrong)?;
        let filter = Filter {
            vendors: parsed(&self.vendors).map_err(wrong)?,
            orgs: parsed(&self.orgs).map_err(wrong)?,
            events: parsed(&self.events).map_err(wrong)?,
            statuses: parsed(&self.statuses).map_err(wrong)?,
            created_from: time(self.created_from).map_err(|error| unreadable(error.to_string()))?,
            created_to: time(self.created_to).map_err(|error| unreadable(error.to_string()))?,
            customer: self.customer.as_deref().map(str::parse).transpose().map_err(wrong)?,
            with_customer: self.with_customer,
        };
        Ok((of, filter))
    }

    /// Makes the file.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sheet(&self, app: &App) -> Result<Sheet, Error> {
        let (of, filter) = self.filter()?;
        let mut sheet = Sheet { csv: format!("{}\r\n", COLUMNS.join(",")), orders: 0, whole: true };
        let mut after: Option<OrderId> = None;
        loop {
            let filter = filter.clone();
            let rows = app.store.read(move |tx| batch(tx, of, &filter, after)).await?;
            let count = rows.len() as u64;
            for (id, row) in rows {
                if sheet.csv.len() + row.len() > BYTES_MAX {
                    return Ok(Sheet { whole: false, ..sheet });
                }
                sheet.csv.push_str(&row);
                sheet.orders += 1;
                after = Some(id);
            }
            if count < BATCH {
                return Ok(sheet);
            }
        }
    }
}

fn parsed<T: std::str::FromStr>(texts: &[String]) -> Result<Vec<T>, T::Err> {
    texts.iter().map(|text| text.parse()).collect()
}

/// The next orders of a list, each as a line of the file.
fn batch(
    tx: &mut Tx<'_>,
    of: Option<PartnerId>,
    filter: &Filter,
    after: Option<OrderId>,
) -> Result<Vec<(OrderId, String)>, Error> {
    let orders = store::orders::list(tx, of, filter, Window { after, skip: 0, limit: BATCH })?;
    let views = super::views(tx, orders)?;
    let mut events: Vec<EventId> = views.iter().map(|view| view.order.event).collect();
    let mut partners: Vec<PartnerId> = views.iter().flat_map(|view| [view.order.org, view.order.vendor]).collect();
    let mut promocodes: Vec<PromocodeId> = views.iter().flat_map(|view| view.promocodes.iter().copied()).collect();
    events.sort_unstable();
    events.dedup();
    partners.sort_unstable();
    partners.dedup();
    promocodes.sort_unstable();
    promocodes.dedup();
    let named = named::load(tx, &named::Wanted { events, partners, promocodes, ..named::Wanted::default() })?;
    let names = Names::of(named);
    Ok(views.iter().map(|view| (view.order.id, line(view, &names))).collect())
}

struct Names {
    events: HashMap<EventId, String>,
    partners: HashMap<PartnerId, String>,
    promocodes: HashMap<PromocodeId, String>,
}

impl Names {
    fn of(named: Named) -> Self {
        let Named { events, partners, promocodes, .. } = named;
        Self {
            events: events.into_iter().map(|event| (event.id, event.title.text)).collect(),
            partners: partners.into_iter().map(|partner| (partner.id, partner.name.to_string())).collect(),
            promocodes: promocodes.into_iter().map(|promocode| (promocode.id, promocode.code)).collect(),
        }
    }
}

fn line(view: &OrderView, names: &Names) -> String {
    let OrderView { order, promocodes, .. } = view;
    let name = |names: &HashMap<PartnerId, String>, id| names.get(&id).cloned().unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let values = &order.values;
    let price = Money { minor: values.nominal.minor.saturating_add(values.discount.minor), ..values.nominal };
    let codes: Vec<&str> = promocodes.iter().filter_map(|id| names.promocodes.get(id)).map(String::as_str).collect();
    let cells: [String; COLUMNS.len()] = [
        order.id.to_string(),
        order.number.to_string(),
        text(&order.code),
        order.status.name_v2().to_owned(),
        order.origin.as_str().to_owned(),
        write_v2(order.created_at),
        order.done_at.map(write_v2).unwrap_or_default(),
        order.event.to_string(),
        names.events.get(&order.event).cloned().unwrap_or_default(),
        name(&names.partners, order.org),
        name(&names.partners, order.vendor),
        order.tickets.to_string(),
        price.to_string(),
        values.discount.to_string(),
        values.nominal.to_string(),
        values.extra.to_string(),
        values.full.to_string(),
        order.currency.to_string(),
        codes.join(" "),
        order.customer.name().unwrap_or_default(),
        text(&order.customer.email),
        text(&order.customer.mobile),
    ];
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A text in a file that programs for tables open: they run what begins like a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_has_to_be_and_no_formula() {
        for (text, written) in [
            ("", ""),
            ("Anna", "Anna"),
            ("Rock, & \"Roll\"", "\"Rock, & \"\"Roll\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("=HYPERLINK(1,2)", "\"'=HYPERLINK(1,2)\""),
            ("+7 900", "'+7 900"),
            ("@x", "'@x"),
            ("10.00", "10.00"),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
