//! What a `fields-schema` opens, fetched level by level: one batch for each kind of resource on each level, however many
//! rows refer to it. What the caller may not read is not loaded, so it cannot be written.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use super::parse::{Item, Selection};
use super::{Is, Kind, Resource, write};
use crate::app::attachments::Picture;
use crate::app::partners::PartnerView;
use crate::app::users::UserView;
use crate::app::{self, App};
use crate::domain::access::Caller;
use crate::domain::event::Event;
use crate::domain::id::{AttachmentId, EventId, ObjectId, PartnerId, UserId};
use crate::store::Tx;

/// How many objects one answer, or one batch of a list, may open: what is loaded once is written wherever it is
/// referred to, so a schema that goes to and fro multiplies.
const OPENED_MAX: u32 = 20_000;

/// The resources that the answer's references lead to, as far as the caller may read them.
#[derive(Default)]
pub struct Loaded {
    opened: Cell<u32>,
    partners: HashMap<PartnerId, PartnerView>,
    users: HashMap<UserId, UserView>,
    events: HashMap<EventId, Event>,
    pictures: HashMap<AttachmentId, Picture>,
}

/// What is still to be loaded.
#[derive(Default)]
pub struct Wants<'s> {
    /// By kind, so that each kind is one batch; with the selection by address, for two paths may open one object
    /// differently.
    ids: BTreeMap<Kind, HashSet<(ObjectId, Option<Opened<'s>>)>>,
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
    /// Notes what the selection opens in one value.
    pub fn of<T: Resource>(&mut self, value: &T, selection: Option<&'s Selection>) {
        match selection {
            None => {
                for field in T::FIELDS {
                    match &field.is {
                        Is::OpenRef(kind, get) => self.add(*kind, get(value), None),
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
                            get(value).iter().for_each(|id| self.add(*kind, Some(*id), Some(inner)));
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// Notes that one resource is wanted, and what is opened in it.
    pub(super) fn add(&mut self, kind: Kind, id: Option<ObjectId>, selection: Option<&'s Selection>) {
        if let Some(id) = id {
            self.ids.entry(kind).or_default().insert((id, selection.map(Opened)));
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
        while !wants.ids.is_empty() {
            for (kind, ids) in &wants.ids {
                loaded.batch(app, tx, caller, *kind, ids.iter().map(|(id, _)| *id))?;
            }
            let mut deeper = Wants::default();
            for (kind, ids) in &wants.ids {
                for (id, opened) in ids {
                    loaded.wants(*kind, *id, opened.map(|opened| opened.0), &mut deeper);
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
        ids: impl Iterator<Item = ObjectId>,
    ) -> Result<(), app::Error> {
        match kind {
            Kind::Partner => {
                let ids = missing(&self.partners, ids);
                let found = app::partners::views(tx, caller, &ids)?;
                self.partners.extend(found.into_iter().map(|view| (view.partner.id, view)));
            }
            Kind::User => {
                let ids = missing(&self.users, ids);
                let found = app::users::views(tx, &ids)?;
                self.users.extend(found.into_iter().map(|view| (view.user.id, view)));
            }
            Kind::Event => {
                let ids = missing(&self.events, ids);
                let found = app::events::readable(tx, caller, &ids)?;
                self.events.extend(found.into_iter().map(|event| (event.id, event)));
            }
            Kind::Attachment => {
                let ids = missing(&self.pictures, ids);
                self.pictures.extend(app::attachments::pictures(app, tx, &ids)?);
            }
            // This server holds none, and nothing refers to one.
            Kind::Venue | Kind::Map | Kind::City | Kind::Country => {}
        }
        Ok(())
    }

    fn wants<'s>(&self, kind: Kind, id: ObjectId, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        match kind {
            Kind::Partner => wants_of(self.partners.get(&id.into()), selection, wants),
            Kind::User => wants_of(self.users.get(&id.into()), selection, wants),
            Kind::Event => wants_of(self.events.get(&id.into()), selection, wants),
            Kind::Attachment => {
                wants_of(self.pictures.get(&id.into()).map(|picture| &picture.original), selection, wants);
            }
            Kind::Venue | Kind::Map | Kind::City | Kind::Country => {}
        }
    }

    /// A loaded picture; none where it was removed.
    pub(super) fn picture(&self, id: AttachmentId) -> Option<&Picture> {
        self.pictures.get(&id)
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
    pub(super) fn write(
        &self,
        kind: Kind,
        id: ObjectId,
        selection: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        if self.opened.get() > OPENED_MAX {
            return None;
        }
        self.opened.set(self.opened.get() + 1);
        match kind {
            Kind::Partner => write::object(self.partners.get(&id.into())?, selection, self, out),
            Kind::User => write::object(self.users.get(&id.into())?, selection, self, out),
            Kind::Event => write::object(self.events.get(&id.into())?, selection, self, out),
            Kind::Attachment => write::object(&self.pictures.get(&id.into())?.original, selection, self, out),
            Kind::Venue | Kind::Map | Kind::City | Kind::Country => return None,
        }
        Some(())
    }
}

fn missing<I: From<ObjectId> + Eq + Hash + Ord, V>(
    held: &HashMap<I, V>,
    ids: impl Iterator<Item = ObjectId>,
) -> Vec<I> {
    let mut ids: Vec<I> = ids.map(I::from).filter(|id| !held.contains_key(id)).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn wants_of<'s, T: Resource>(value: Option<&T>, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
    if let Some(value) = value {
        wants.of(value, selection);
    }
}
