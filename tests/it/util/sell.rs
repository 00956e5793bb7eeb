//! Tickets that are on sale, and orders that are paid.

use std::collections::BTreeMap;

use parterre::app::orders::{self, Changes, Drawn, NewOrder, Through, Wanted};
use parterre::domain::access::{Acting, Caller};
use parterre::domain::id::{EventId, OrderId, PartnerId, SetId, TicketId};
use parterre::domain::member::MemberRole;
use parterre::domain::money::Money;
use parterre::domain::order::{OrderStatus, Origin};
use parterre::domain::period::Period;
use parterre::domain::set::{Rule, Set};
use parterre::store::{self, tickets::NewTicket};

use super::{Actor, Server};

/// An order that is paid, and its tickets.
#[derive(Clone, Debug)]
pub struct Sold {
    /// The order's id.
    pub order: String,
    /// Its tickets' ids.
    pub tickets: Vec<String>,
}

impl Server {
    /// A set of an event: so many tickets without seats, at one price for all time.
    pub fn tickets_of(&self, event: &str, price: &str, amount: u32) -> String {
        let event: EventId = event.parse().unwrap();
        let (id, rule): (SetId, _) = (self.app.new_id_in(event.bucket()), self.app.new_id_in(event.bucket()));
        let tickets: Vec<TicketId> = (0..amount).map(|_| self.app.new_id_in(event.bucket())).collect();
        let price = price.to_owned();
        self.write(move |tx| {
            let stored = store::events::find(tx, event)?.unwrap();
            let cal = Period::new(jiff::Timestamp::UNIX_EPOCH, stored.lifetime.end).unwrap();
            let price = Money::parse(&price, stored.currency).unwrap();
            let set = Set {
                id,
                event,
                name: "Parterre".to_owned(),
                description: None,
                pos: 0,
                amount: amount.into(),
                serial: "AAA".to_owned(),
                seats: None,
                rules: vec![Rule { id: rule, cal, price }],
                surplus: None,
                removed: false,
                created_at: tx.now(),
                updated_at: tx.now(),
            };
            store::sets::insert(tx, &set)?;
            let first = store::events::give_numbers(tx, event, amount.into())?;
            let new: Vec<NewTicket> =
                (first..).zip(&tickets).map(|(number, ticket)| NewTicket { id: *ticket, number, seat: None }).collect();
            Ok(store::tickets::insert(tx, &set, &new)?)
        });
        id.to_string()
    }

    /// An order of some tickets of a set, with promocodes, which waits for its vendor to say more.
    pub fn held(&self, vendor: &Actor<'_>, set: &str, count: usize, codes: &[&str]) -> Sold {
        let set: SetId = set.parse().unwrap();
        let drawn = Drawn::new(&self.app, set.bucket()).unwrap();
        let partner: PartnerId = vendor.partner().parse().unwrap();
        let app = self.app.clone();
        let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        let view = self.write(move |tx| {
            let event = store::sets::find(tx, set)?.unwrap().event;
            let caller = caller(tx, partner)?;
            let changes = Changes {
                wish: Some(Wanted::Random(BTreeMap::from([(set, count)]))),
                all_or_nothing: true,
                promocodes: Some(codes.clone()),
                ..Changes::default()
            };
            let new = NewOrder { event: Some(event), deal: None, origin: Origin::Api, changes };
            orders::create(tx, &caller, &app.installation, &drawn, Through::V1, &new).map(|changed| changed.view)
        });
        assert_eq!(view.lines.len(), count, "tickets of the set {set}");
        let tickets = view.lines.iter().map(|line| line.ticket.to_string()).collect();
        Sold { order: view.order.id.to_string(), tickets }
    }

    /// An order of some tickets of a set that its vendor took the money for.
    pub fn sold(&self, vendor: &Actor<'_>, set: &str, count: usize) -> Sold {
        self.sold_with(vendor, set, count, &[])
    }

    /// The same, with promocodes.
    pub fn sold_with(&self, vendor: &Actor<'_>, set: &str, count: usize, codes: &[&str]) -> Sold {
        let held = self.held(vendor, set, count, codes);
        let order: OrderId = held.order.parse().unwrap();
        let drawn = Drawn::new(&self.app, order.bucket()).unwrap();
        let partner: PartnerId = vendor.partner().parse().unwrap();
        self.write(move |tx| {
            let caller = caller(tx, partner)?;
            let done = Changes { status: Some(OrderStatus::Done), ..Changes::default() };
            orders::change(tx, &caller, &drawn, order, Through::V2, &done).map(drop)
        });
        held
    }
}

/// Who calls with a partner's key.
fn caller(tx: &mut store::Tx<'_>, partner: PartnerId) -> Result<Caller, parterre::app::Error> {
    let roles = store::partners::find(tx, partner)?.unwrap().roles;
    Ok(Caller { user: None, partner: Some(Acting { id: partner, roles, role: MemberRole::Manager }) })
}
