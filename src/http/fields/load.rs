//! What a `fields-schema` opens, fetched level by level: one batch for each kind of resource on each level, however many
//! rows refer to it. What the caller may not read is not loaded, so it cannot be written.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use super::parse::{Item, Selection};
use super::{Is, Key, Kind, Resource, write};
use crate::app::attachments::Picture;
use crate::app::events::EventView;
use crate::app::maps::{MapView, SectorView};
use crate::app::orders::OrderView;
use crate::app::partners::PartnerView;
use crate::app::promocodes::PromocodeView;
use crate::app::sets::SetView;
use crate::app::tickets::TicketView;
use crate::app::users::UserView;
use crate::app::{self, App};
use crate::domain::access::Caller;
use crate::domain::deal::Deal;
use crate::domain::id::{AttachmentId, EventId, ObjectId};
use crate::domain::place::Venue;
use crate::places::{self, City, Country};
use crate::store::Tx;

/// How many objects one answer, or one batch of a list, may open: what is loaded once is written wherever it is
/// referred to, so a schema that goes to and fro multiplies.
const OPENED_MAX: u32 = 20_000;

/// The resources that the answer's references lead to, as far as the caller may read them.
#[derive(Default)]
pub struct Loaded {
    opened: Cell<u32>,
    partners: HashMap<Key, PartnerView>,
    users: HashMap<Key, UserView>,
    promocodes: HashMap<Key, PromocodeView>,
    deals: HashMap<Key, Deal>,
    orders: HashMap<Key, OrderView>,
    events: HashMap<Key, EventView>,
    sets: HashMap<Key, SetView>,
    tickets: HashMap<Key, TicketView>,
    venues: HashMap<Key, Venue>,
    maps: HashMap<Key, MapView>,
    pictures: HashMap<Key, Picture>,
    sectors: HashMap<Key, SectorView>,
}

/// What is still to be loaded.
#[derive(Default)]
pub struct Wants<'s> {
    /// By kind, so that each kind is one batch; with the selection by address, for two paths may open one object
    /// differently.
    keys: BTreeMap<Kind, HashSet<(Key, Option<Opened<'s>>)>>,
    /// Whether without a selection all references count, not only those that are open by default.
    every: bool,
}

/// A selection compared by its place in the schema.
#[derive(Clone, Copy)]
struct Opened<'s>(&'s Selection);

impl PartialEq for Opened<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}
impl Eq for Opened<'_> {}
impl Hash for Opened<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

impl<'s> Wants<'s> {
    /// For what names all its references, opened or not.
    pub fn every() -> Self {
        Self { every: true, ..Self::default() }
    }

    /// All that is wanted.
    pub fn keys(&self) -> impl Iterator<Item = (Kind, Key)> {
        self.keys.iter().flat_map(|(kind, keys)| keys.iter().map(|(key, _)| (*kind, *key)))
    }

    /// Notes what the selection opens in one value.
    pub fn of<T: Resource>(&mut self, value: &T, selection: Option<&'s Selection>) {
        match selection {
            None => {
                for field in T::FIELDS {
                    match &field.is {
                        Is::OpenRef(kind, get) => self.add(*kind, get(value), None),
                        Is::Ref(kind, get) if self.every => self.add(*kind, get(value), None),
                        Is::Refs(kind, get) if self.every => {
                            get(value).iter().for_each(|key| self.add(*kind, Some(*key), None));
                        }
                        Is::Embedded(object) => object.wants(value, None, self),
                        _ => {}
                    }
                }
            }
            Some(selection) => {
                for Item { place, inner } in &selection.items {
                    match (T::FIELDS.get(*place).map(|field| &field.is), inner) {
                        (Some(Is::Embedded(object)), inner) => object.wants(value, inner.as_ref(), self),
                        (Some(Is::Ref(kind, get) | Is::OpenRef(kind, get)), Some(inner)) => {
                            self.add(*kind, get(value), Some(inner));
                        }
                        (Some(Is::Refs(kind, get)), Some(inner)) => {
                            get(value).iter().for_each(|key| self.add(*kind, Some(*key), Some(inner)));
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// Notes that one resource is wanted, and what is opened in it.
    pub(super) fn add(&mut self, kind: Kind, key: Option<Key>, selection: Option<&'s Selection>) {
        if let Some(key) = key {
            self.keys.entry(kind).or_default().insert((key, selection.map(Opened)));
        }
    }
}

impl Loaded {
    /// Loads all that the selection opens in these values.
    ///
    /// # Errors
    /// Those of the store.
    pub fn fetch<T: Resource>(
        app: &App,
        tx: &mut Tx<'_>,
        caller: &Caller,
        values: &[T],
        selection: Option<&Selection>,
    ) -> Result<Self, app::Error> {
        let mut loaded = Self::default();
        let mut wants = Wants::default();
        values.iter().for_each(|value| wants.of(value, selection));
        while !wants.keys.is_empty() {
            for (kind, keys) in &wants.keys {
                let with_sets = *kind == Kind::Event && keys.iter().any(|(_, opened)| shows_sets(*opened));
                loaded.batch(app, tx, caller, *kind, with_sets, keys.iter().map(|(key, _)| *key))?;
            }
            let mut deeper = Wants::default();
            for (kind, keys) in &wants.keys {
                for (key, opened) in keys {
                    loaded.wants(*kind, *key, opened.map(|opened| opened.0), &mut deeper);
                }
            }
            wants = deeper;
        }
        Ok(loaded)
    }

    fn batch(
        &mut self,
        app: &App,
        tx: &mut Tx<'_>,
        caller: &Caller,
        kind: Kind,
        with_sets: bool,
        keys: impl Iterator<Item = Key>,
    ) -> Result<(), app::Error> {
        match kind {
            Kind::Partner => {
                let ids = missing(&self.partners, keys);
                let found = app::partners::views(tx, caller, &ids)?;
                self.partners.extend(found.into_iter().map(|view| (view.partner.id.into(), view)));
            }
            Kind::User => {
                let ids = missing(&self.users, keys);
                let found = app::users::views(tx, &ids)?;
                self.users.extend(found.into_iter().map(|view| (view.user.id.into(), view)));
            }
            Kind::Event => {
                // One that was opened without its sets before is loaded once more.
                let lacks_sets = |key: &Key| self.events.get(key).is_some_and(|view| view.sets.is_none());
                let (again, new): (Vec<Key>, Vec<Key>) = keys.partition(|key| with_sets && lacks_sets(key));
                let mut ids: Vec<EventId> = missing(&self.events, new.into_iter());
                ids.extend(again.into_iter().filter_map(Key::id::<EventId>));
                ids.sort_unstable();
                ids.dedup();
                let found = app::events::readable(tx, caller, &ids)?;
                let views = if with_sets {
                    app::events::views(tx, caller, found)?
                } else {
                    found.into_iter().map(|event| EventView { event, sets: None }).collect()
                };
                self.events.extend(views.into_iter().map(|view| (view.event.id.into(), view)));
            }
            Kind::Set => {
                let ids = missing(&self.sets, keys);
                let found = app::sets::readable(tx, caller, &ids)?;
                self.sets.extend(found.into_iter().map(|view| (view.set.id.into(), view)));
            }
            Kind::Ticket => {
                let ids = missing(&self.tickets, keys);
                let found = app::tickets::readable(tx, caller, &ids)?;
                self.tickets.extend(found.into_iter().map(|view| (view.ticket.id.into(), view)));
            }
            Kind::Promocode => {
                let ids = missing(&self.promocodes, keys);
                let found = app::promocodes::views(tx, caller, &ids)?;
                self.promocodes.extend(found.into_iter().map(|view| (view.promocode.id.into(), view)));
            }
            Kind::Deal => {
                let ids = missing(&self.deals, keys);
                let found = app::deals::readable(tx, caller, &ids)?;
                self.deals.extend(found.into_iter().map(|deal| (deal.id.into(), deal)));
            }
            Kind::Order => {
                let ids = missing(&self.orders, keys);
                let found = app::orders::readable(tx, caller, &ids)?;
                self.orders.extend(found.into_iter().map(|view| (view.order.id.into(), view)));
            }
            Kind::Venue => {
                let found = app::venues::readable(tx, &missing(&self.venues, keys))?;
                self.venues.extend(found.into_iter().map(|venue| (venue.id.into(), venue)));
            }
            Kind::Map => {
                let found = app::maps::readable(app, tx, &missing(&self.maps, keys))?;
                self.maps.extend(found.into_iter().map(|view| (view.map.id.into(), view)));
            }
            Kind::Attachment => {
                let found = app::attachments::pictures(app, tx, &missing(&self.pictures, keys))?;
                self.pictures.extend(found.into_iter().map(|(id, picture)| (id.into(), picture)));
            }
            Kind::Sector => {
                let found = app::maps::readable_sectors(tx, &missing(&self.sectors, keys))?;
                self.sectors.extend(found.into_iter().map(|view| (view.sector.id.into(), view)));
            }
            // They are in memory.
            Kind::City | Kind::Country => {}
        }
        Ok(())
    }

    fn wants<'s>(&self, kind: Kind, key: Key, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        match kind {
            Kind::Partner => wants_of(self.partners.get(&key), selection, wants),
            Kind::User => wants_of(self.users.get(&key), selection, wants),
            Kind::Event => wants_of(self.events.get(&key), selection, wants),
            Kind::Promocode => wants_of(self.promocodes.get(&key), selection, wants),
            Kind::Deal => wants_of(self.deals.get(&key), selection, wants),
            Kind::Order => wants_of(self.orders.get(&key), selection, wants),
            Kind::Set => wants_of(self.sets.get(&key), selection, wants),
            Kind::Ticket => wants_of(self.tickets.get(&key), selection, wants),
            Kind::Venue => wants_of(self.venues.get(&key), selection, wants),
            Kind::Map => wants_of(self.maps.get(&key), selection, wants),
            Kind::Sector => wants_of(self.sectors.get(&key), selection, wants),
            Kind::City => wants_of(city(key), selection, wants),
            Kind::Country => wants_of(country(key), selection, wants),
            Kind::Attachment => wants_of(self.pictures.get(&key).map(|picture| &picture.original), selection, wants),
        }
    }

    /// A loaded picture; none where it was removed.
    pub(super) fn picture(&self, id: AttachmentId) -> Option<&Picture> {
        self.pictures.get(&id.into())
    }

    /// Refuses what was written if it opened too much.
    ///
    /// # Errors
    /// [`app::Error::Invalid`] naming the schema.
    pub fn check_opened(&self) -> Result<(), app::Error> {
        if self.opened.get() <= OPENED_MAX {
            return Ok(());
        }
        let message = format!("opens more than {OPENED_MAX} objects: name fewer references, or ask for a smaller page");
        Err(app::Error::invalid("fields-schema", "out_of_range", message))
    }

    /// Writes a loaded resource; nothing where it was not loaded, because the caller may not read it.
    pub(super) fn write(&self, kind: Kind, key: Key, selection: Option<&Selection>, out: &mut Vec<u8>) -> Option<()> {
        if self.opened.get() > OPENED_MAX {
            return None;
        }
        self.opened.set(self.opened.get() + 1);
        match kind {
            Kind::Partner => write::object(self.partners.get(&key)?, selection, self, out),
            Kind::User => write::object(self.users.get(&key)?, selection, self, out),
            Kind::Event => write::object(self.events.get(&key)?, selection, self, out),
            Kind::Promocode => write::object(self.promocodes.get(&key)?, selection, self, out),
            Kind::Deal => write::object(self.deals.get(&key)?, selection, self, out),
            Kind::Order => write::object(self.orders.get(&key)?, selection, self, out),
            Kind::Set => write::object(self.sets.get(&key)?, selection, self, out),
            Kind::Ticket => write::object(self.tickets.get(&key)?, selection, self, out),
            Kind::Venue => write::object(self.venues.get(&key)?, selection, self, out),
            Kind::Map => write::object(self.maps.get(&key)?, selection, self, out),
            Kind::Sector => write::object(self.sectors.get(&key)?, selection, self, out),
            Kind::City => write::object(city(key)?, selection, self, out),
            Kind::Country => write::object(country(key)?, selection, self, out),
            Kind::Attachment => write::object(&self.pictures.get(&key)?.original, selection, self, out),
        }
        Some(())
    }
}

/// Whether what is opened of an event holds its sets.
fn shows_sets(opened: Option<Opened<'_>>) -> bool {
    let Some(Opened(selection)) = opened else { return true };
    let field = |item: &Item| EventView::FIELDS.get(item.place).map(|field| field.name);
    selection.items.iter().any(|item| field(item) == Some("sets"))
}

fn city(key: Key) -> Option<&'static City> {
    match key {
        Key::City(id) => places::city(id),
        _ => None,
    }
}

fn country(key: Key) -> Option<&'static Country> {
    match key {
        Key::Country(code) => places::country(code),
        _ => None,
    }
}

/// The ids among the keys of what is not there yet.
fn missing<I: From<ObjectId> + Ord, V>(held: &HashMap<Key, V>, keys: impl Iterator<Item = Key>) -> Vec<I> {
    let mut ids: Vec<I> = keys.filter(|key| !held.contains_key(key)).filter_map(Key::id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn wants_of<'s, T: Resource>(value: Option<&T>, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
    if let Some(value) = value {
        wants.of(value, selection);
    }
}
