//! The fields of every resource, in one static table each, and what is made of those tables: the answers, the
//! `fields-schema` of a request, and the schemas of the OpenAPI document.
//!
//! A table says how each field is read from a value of the resource ([`Is`]). [`parse`] checks a `fields-schema` against
//! the tables, [`load`] fetches what it opens, level by level and one batch a kind, and [`mod@write`] puts out JSON.

pub mod api_keys;
pub mod attachments;
pub mod customers;
pub mod deals;
pub mod events;
pub mod explain;
mod key;
pub mod ledger;
pub mod load;
pub mod members;
pub mod offers;
pub mod orders;
pub mod parse;
pub mod partners;
pub mod places;
pub mod promocodes;
pub mod refunds;
pub mod sets;
pub mod settings;
mod shape;
pub mod tickets;
pub mod users;
pub mod v2;
pub mod write;

use std::borrow::Cow;

pub use key::Key;
pub use load::Loaded;
pub use parse::Selection;
pub use shape::{Shape, ShapeKind, of as shapes, without as shapes_without};

/// Something the API answers with: a table of fields over a type that holds their values.
pub trait Resource: Sized + 'static {
    /// Its name in the OpenAPI document.
    const NAME: &'static str;
    /// Its fields, in the order of the answer.
    const FIELDS: &'static [Field<Self>];
}

/// One field of a resource.
pub struct Field<T: 'static> {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it means, for the OpenAPI document.
    pub doc: &'static str,
    /// Whether a request may set it; what it may not is ignored there.
    pub writable: bool,
    /// The type a request gives, where it is wider than the one in answers.
    pub input: Option<Type>,
    /// Whether the field is in the answer at all for this value.
    present: Option<fn(&T) -> bool>,
    /// How it is read.
    pub is: Is<T>,
}

/// How a field's value is read from its resource.
pub enum Is<T: 'static> {
    /// A plain value.
    Value(Type, fn(&T) -> Cell<'_>),
    /// An object that is part of the resource, or a list of such.
    Embedded(&'static (dyn write::Embedded<T> + Sync)),
    /// Another resource by its id.
    Ref(Kind, fn(&T) -> Option<Key>),
    /// Another resource, given as an object unless the schema names it without braces.
    OpenRef(Kind, fn(&T) -> Option<Key>),
    /// Several others by their ids.
    Refs(Kind, fn(&T) -> Cow<'_, [Key]>),
}

/// A plain value on its way to JSON.
pub enum Cell<'a> {
    /// Nothing there, or nothing the caller may see.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A string.
    Text(Cow<'a, str>),
    /// A list of strings.
    Texts(Vec<Cow<'a, str>>),
    /// What is JSON already: numbers with all their digits, an object whose names are data.
    Json(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// Anything with a text of its own: an id, a status, money.
    pub fn text(value: impl ToString) -> Self {
        Cell::Text(Cow::Owned(value.to_string()))
    }

    /// A borrowed string.
    pub fn str(value: &'a str) -> Self {
        Cell::Text(Cow::Borrowed(value))
    }

    /// A string that may be missing.
    pub fn opt(value: Option<&'a str>) -> Self {
        value.map_or(Cell::Null, Cell::str)
    }

    /// A list of things with a text of their own.
    pub fn texts<I: IntoIterator<Item: ToString>>(values: I) -> Self {
        Cell::Texts(values.into_iter().map(|value| Cow::Owned(value.to_string())).collect())
    }

    /// A time, in the form of v1; unknown for what came from a system that did not know it.
    pub fn time(value: Option<jiff::Timestamp>) -> Self {
        value.map_or(Cell::Null, |time| Cell::text(crate::domain::time::write_v1(time)))
    }

    /// A time, in the form of v2.
    pub fn time_v2(value: jiff::Timestamp) -> Self {
        Cell::Text(Cow::Owned(crate::domain::time::write_v2(value)))
    }
}

/// What kind of value a field holds, for the OpenAPI document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number between two bounds.
    Int(i64, i64),
    /// A whole number between two bounds, or null.
    OptInt(i64, i64),
    /// Any text.
    Text,
    /// Any text, or null.
    OptText,
    /// A list of texts.
    Texts,
    /// A list of texts, or null.
    OptTexts,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A list of some of a few words.
    Words(&'static [&'static str]),
    /// An id.
    Id,
    /// An id or null.
    OptId,
    /// A list of ids.
    Ids,
    /// A time, or null where it is unknown.
    Time,
    /// A time as version 2 writes it.
    TimeV2,
    /// The same, or null.
    OptTimeV2,
    /// Plain values by names that the client chose.
    Scalars,
    /// A period as VEVENT.
    Vevent,
    /// A period as VEVENT, or null.
    OptVevent,
    /// A percentage, or an amount of money, as text.
    Share,
    /// A percentage or an amount: a number is a percentage, a string without `%` an amount.
    ShareInput,
    /// A whole number that is one of a few.
    IntOf(&'static [i64]),
    /// `true` or null.
    BoolOrNull,
    /// An attachment: its id, or itself with its id; or null.
    AttachmentInput,
    /// A list of attachments, each its id or itself.
    AttachmentsInput,
    /// Ids by ids.
    IdMap,
    /// Numbers of tickets by the ids of their sets, or null.
    CountMap,
    /// An amount of money as text; a request may give a number.
    Money,
    /// Ranges of seats by row, each as its first and last seat, or null.
    Seats,
    /// A whole number, or a text where it is none.
    NumberOrText,
    /// A longitude and a latitude, as numbers.
    Coordinates,
    /// The number of a city at GeoNames.
    City,
    /// Several such numbers.
    Cities,
    /// Two letters of ISO 3166 that name a country.
    Country,
    /// Several such codes.
    Countries,
    /// The rows of a sector with their seats.
    Rows,
    /// The same as a request gives it: seats may be counted.
    RowsInput,
}

/// The resources that others refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An organization.
    Partner,
    /// A person who signs in.
    User,
    /// Something tickets are sold for.
    Event,
    /// A code that takes something off a price.
    Promocode,
    /// A contract about an event.
    Deal,
    /// Tickets for one customer.
    Order,
    /// A category of tickets of one event.
    Set,
    /// One place in one set.
    Ticket,
    /// A place where events are held.
    Venue,
    /// The plan of a place.
    Map,
    /// A part of such a plan.
    Sector,
    /// A city, by its GeoNames id.
    City,
    /// A country, by its ISO code.
    Country,
    /// A file that a partner uploaded.
    Attachment,
}

impl<T> Field<T> {
    const fn new(name: &'static str, doc: &'static str, is: Is<T>) -> Self {
        Self { name, doc, writable: true, input: None, present: None, is }
    }

    /// A plain value.
    pub const fn value(name: &'static str, doc: &'static str, of: Type, get: fn(&T) -> Cell<'_>) -> Self {
        Self::new(name, doc, Is::Value(of, get))
    }

    /// An object that is part of the resource, or a list of such.
    pub const fn embedded(
        name: &'static str,
        doc: &'static str,
        object: &'static (dyn write::Embedded<T> + Sync),
    ) -> Self {
        Self::new(name, doc, Is::Embedded(object))
    }

    /// Another resource by its id.
    pub const fn reference(name: &'static str, doc: &'static str, kind: Kind, get: fn(&T) -> Option<Key>) -> Self {
        Self::new(name, doc, Is::Ref(kind, get))
    }

    /// Another resource that is given as an object by default.
    pub const fn open_reference(name: &'static str, doc: &'static str, kind: Kind, get: fn(&T) -> Option<Key>) -> Self {
        Self::new(name, doc, Is::OpenRef(kind, get))
    }

    /// Several others by their ids.
    pub const fn references(name: &'static str, doc: &'static str, kind: Kind, get: fn(&T) -> Cow<'_, [Key]>) -> Self {
        Self::new(name, doc, Is::Refs(kind, get))
    }

    /// Set by the server alone: ignored in a request.
    pub const fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    /// A request may give more than the answer shows.
    pub const fn input(mut self, of: Type) -> Self {
        self.input = Some(of);
        self
    }

    /// Left out of the answer where the condition does not hold.
    pub const fn present_if(mut self, present: fn(&T) -> bool) -> Self {
        self.present = Some(present);
        self
    }
}
