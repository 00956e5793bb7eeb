//! `refs`: every object that the `data` of an answer names by its id, each once, by the section of its kind.
//!
//! What is named is found through the tables of fields: all references of `data`, then all references of what they led to.
//! A kind is loaded in one batch a level. Who may read the answer may read what it names, so nothing is hidden here.

use std::collections::BTreeMap;

use crate::app::Error;
use crate::app::named::{self, Named, Wanted};
use crate::app::orders::OrderTicket;
use crate::app::refunds::NamedByRefunds;
use crate::domain::event::Event;
use crate::domain::order::Order;
use crate::domain::partner::Partner;
use crate::domain::place::Venue;
use crate::domain::promocode::Promocode;
use crate::domain::set::Set;
use crate::http::fields::load::Wants;
use crate::http::fields::v2::{EventRef, OrderRef, PartnerRef, PromocodeRef, SetRef, VenueRef};
use crate::http::fields::{Key, Kind, Loaded, Resource, shapes, write};
use crate::http::route::Described;
use crate::store::Tx;

/// The objects that an answer names.
#[derive(Default)]
pub struct Refs {
    events: BTreeMap<Key, EventRef>,
    partners: BTreeMap<Key, PartnerRef>,
    promocodes: BTreeMap<Key, PromocodeRef>,
    sets: BTreeMap<Key, SetRef>,
    venues: BTreeMap<Key, VenueRef>,
    orders: BTreeMap<Key, OrderRef>,
    tickets: BTreeMap<Key, OrderTicket>,
}

/// The sections by name, with what each holds.
pub const SECTIONS: &[(&str, Described)] = &[
    ("events", (EventRef::NAME, shapes::<EventRef>)),
    ("partners", (PartnerRef::NAME, shapes::<PartnerRef>)),
    ("promocodes", (PromocodeRef::NAME, shapes::<PromocodeRef>)),
    ("sets", (SetRef::NAME, shapes::<SetRef>)),
    ("venues", (VenueRef::NAME, shapes::<VenueRef>)),
    ("orders", (OrderRef::NAME, shapes::<OrderRef>)),
    ("tickets", (OrderTicket::NAME, shapes::<OrderTicket>)),
];

impl Refs {
    /// Loads what these values name, and what that names in turn; `known` is what need not be loaded. Of a ticket that was
    /// sold several times, the last sale counts.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of<T: Resource>(tx: &mut Tx<'_>, values: &[T], known: NamedByRefunds) -> Result<Self, Error> {
        let mut refs = Self::default();
        let mut wants = Wants::every();
        values.iter().for_each(|value| wants.of(value, None));
        let NamedByRefunds { orders, tickets } = known;
        add(&mut refs.orders, &mut wants, orders, |order: &Order| order.id.into(), OrderRef);
        add(&mut refs.tickets, &mut wants, tickets, |ticket: &OrderTicket| ticket.ticket.id.into(), |ticket| ticket);
        loop {
            let keys: Vec<(Kind, Key)> = wants.keys().filter(|(kind, key)| !refs.has(*kind, *key)).collect();
            if keys.is_empty() {
                return Ok(refs);
            }
            wants = Wants::every();
            let loaded = refs.load(tx, &keys, &mut wants)?;
            if !loaded {
                return Ok(refs);
            }
        }
    }

    fn has(&self, kind: Kind, key: Key) -> bool {
        match kind {
            Kind::Event => self.events.contains_key(&key),
            Kind::Partner => self.partners.contains_key(&key),
            Kind::Promocode => self.promocodes.contains_key(&key),
            Kind::Set => self.sets.contains_key(&key),
            Kind::Venue => self.venues.contains_key(&key),
            // All that are named are known, or no section holds one.
            Kind::Order
            | Kind::Ticket
            | Kind::User
            | Kind::Deal
            | Kind::Map
            | Kind::Sector
            | Kind::City
            | Kind::Country
            | Kind::Attachment => true,
        }
    }

    /// Loads a level, and notes what it names; false where there was nothing to load.
    fn load(&mut self, tx: &mut Tx<'_>, keys: &[(Kind, Key)], wants: &mut Wants<'_>) -> Result<bool, Error> {
        let of = |wanted: Kind| keys.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, key)| *key);
        let now = tx.now();
        let wanted = Wanted {
            events: of(Kind::Event).filter_map(Key::id).collect(),
            partners: of(Kind::Partner).filter_map(Key::id).collect(),
            promocodes: of(Kind::Promocode).filter_map(Key::id).collect(),
            sets: of(Kind::Set).filter_map(Key::id).collect(),
            venues: of(Kind::Venue).filter_map(Key::id).collect(),
        };
        let Named { events, partners, promocodes, sets, currencies, venues } = named::load(tx, &wanted)?;
        let found = events.len() + partners.len() + promocodes.len() + sets.len() + venues.len();
        add(&mut self.events, wants, events, |event: &Event| event.id.into(), EventRef);
        add(&mut self.partners, wants, partners, |partner: &Partner| partner.id.into(), PartnerRef);
        add(&mut self.promocodes, wants, promocodes, |promocode: &Promocode| promocode.id.into(), PromocodeRef);
        let set_ref = |set: Set| SetRef::new(currencies.get(&set.event).copied(), set, now);
        add(&mut self.sets, wants, sets, |set: &Set| set.id.into(), set_ref);
        add(&mut self.venues, wants, venues, |venue: &Venue| venue.id.into(), VenueRef::new);
        Ok(found > 0)
    }

    /// Writes all sections.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (name, _)) in SECTIONS.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            // A name of a section holds nothing to escape.
            out.extend_from_slice(format!("\"{name}\":{{").as_bytes());
            match *name {
                "events" => section(&self.events, out),
                "partners" => section(&self.partners, out),
                "promocodes" => section(&self.promocodes, out),
                "sets" => section(&self.sets, out),
                "venues" => section(&self.venues, out),
                "orders" => section(&self.orders, out),
                "tickets" => section(&self.tickets, out),
                _ => {}
            }
            out.push(b'}');
        }
        out.push(b'}');
    }
}

fn add<V, R: Resource>(
    section: &mut BTreeMap<Key, R>,
    wants: &mut Wants<'_>,
    found: Vec<V>,
    key: fn(&V) -> Key,
    shown: impl Fn(V) -> R,
) {
    for value in found {
        let key = key(&value);
        let shown = shown(value);
        wants.of(&shown, None);
        section.insert(key, shown);
    }
}

fn section<R: Resource>(objects: &BTreeMap<Key, R>, out: &mut Vec<u8>) {
    let nothing_open = Loaded::default();
    for (at, (key, object)) in objects.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if let Key::Id(id) = key {
            out.extend_from_slice(format!("\"{id}\":").as_bytes());
        }
        write::object(object, None, &nothing_open, out);
    }
}
