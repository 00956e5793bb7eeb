//! What is written into the store past the API, for stories that begin after it was made.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use parterre::app::Error;
use parterre::domain::customer::{Customer, OrderCustomer};
use parterre::domain::id::{EventId, SetId};
use parterre::domain::money::Money;
use parterre::domain::order::{Order, OrderPayment, OrderStatus, Origin};
use parterre::domain::period::Period;
use parterre::domain::pricing::{Sale, Values};
use parterre::domain::set::{Rule, Set};
use parterre::domain::share::Share;
use parterre::store;
use serde_json::Value;

use super::{Actor, Server};

/// An order of somebody.
#[derive(Clone, Debug, Default)]
pub struct Ordered<'a> {
    /// Whose it is; nobody's without an address.
    pub email: &'a str,
    /// The first and the last name; empty: not given.
    pub names: [&'a str; 2],
    /// How many tickets it has.
    pub tickets: i64,
    /// What they cost.
    pub total: &'a str,
}

impl Server {
    /// A set of an event with one price until the event ends, without tickets; its id.
    pub fn stored_set(&self, event: &str, name: &str, price: &str) -> String {
        let event: EventId = event.parse().unwrap();
        let id: SetId = self.app.new_id_in(event.bucket());
        let price = Money::parse(price, self.app.installation.currency).unwrap();
        let end = self.now() + SignedDuration::from_hours(365 * 24);
        let rule = Rule {
            id: self.app.new_id_in(event.bucket()),
            cal: Period::new(Timestamp::UNIX_EPOCH, end).unwrap(),
            price,
        };
        let set = Set {
            id,
            event,
            name: name.to_owned(),
            description: None,
            pos: 0,
            amount: 0,
            serial: "AEY".to_owned(),
            seats: None,
            rules: vec![rule],
            surplus: None,
            removed: false,
            created_at: self.now(),
            updated_at: self.now(),
        };
        self.write(move |tx| Ok(store::sets::insert(tx, &set)?));
        id.to_string()
    }

    /// An order that a partner sells, in any status, its hold of ten minutes just begun; its id.
    pub fn stored_order(&self, vendor: &Actor<'_>, event: &str, status: OrderStatus, ordered: &Ordered<'_>) -> String {
        static NUMBER: AtomicI64 = AtomicI64::new(1);
        let event: EventId = event.parse().unwrap();
        let currency = self.app.installation.currency;
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let total = match ordered.total {
            "" => Money::zero(currency),
            total => Money::parse(total, currency).unwrap(),
        };
        let [first_name, last_name] = ordered.names.map(text);
        let customer = text(ordered.email).map(|email| Customer {
            id: self.app.new_id(),
            vendor: vendor.partner().parse().unwrap(),
            email: email.parse().unwrap(),
            first_name: first_name.clone(),
            last_name: last_name.clone(),
            mobile: None,
            lang: None,
            created_at: self.now(),
            updated_at: self.now(),
        });
        let zero = Money::zero(currency);
        let order = Order {
            id: self.app.new_id_in(event.bucket()),
            event,
            org: vendor.partner().parse().unwrap(),
            vendor: vendor.partner().parse().unwrap(),
            sale: Sale::Own { fee: Share::ZERO, core: Share::ZERO },
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            code: None,
            status,
            origin: Origin::Api,
            reserved_till: self.now() + SignedDuration::from_mins(10),
            customer_id: None,
            customer: OrderCustomer { email: text(ordered.email), ..OrderCustomer::default() },
            payment: OrderPayment::default(),
            rules: Default::default(),
            vendor_data: None,
            currency,
            tickets: ordered.tickets,
            values: Values { discount: zero, nominal: total, extra: zero, full: total },
            version: 1,
            created_at: self.now(),
            updated_at: self.now(),
            done_at: None,
        };
        let id = order.id.to_string();
        self.write(move |tx| -> Result<(), Error> {
            let known = customer.as_ref().map(|customer| store::customers::put(tx, customer)).transpose()?;
            let order = Order { customer_id: known.map(|customer| customer.id), ..order.clone() };
            assert!(store::orders::insert(tx, &order)?);
            Ok(())
        });
        id
    }

    /// A promocode of an organizer's event.
    pub fn promocode(&self, organizer: &Actor<'_>, event: &str, promocode: Value) -> Value {
        organizer.post(&format!("/v1/resources/events/{event}/promocodes"), promocode).ok()
    }
}
