//! How a reference names another resource.

use crate::domain::id::{
    AttachmentId, CustomerId, DealId, EntryId, EventId, KeyId, MapId, ObjectId, OrderId, PartnerId, PaymentId,
    PayoutId, PromocodeId, RefundId, RuleId, SectorId, SetId, TicketId, UserId, VenueId,
};
use crate::domain::place::{CityId, CountryCode};

/// What a reference holds: an id as a rule; cities and countries have names of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An id: a string on the wire.
    Id(ObjectId),
    /// A city: a number on the wire.
    City(CityId),
    /// A country: a string of two letters on the wire.
    Country(CountryCode),
}

impl Key {
    /// The id of what has one.
    pub fn id<I: From<ObjectId>>(self) -> Option<I> {
        match self {
            Key::Id(id) => Some(id.into()),
            Key::City(_) | Key::Country(_) => None,
        }
    }
}

impl From<CityId> for Key {
    fn from(city: CityId) -> Self {
        Key::City(city)
    }
}

impl From<CountryCode> for Key {
    fn from(country: CountryCode) -> Self {
        Key::Country(country)
    }
}

macro_rules! from_ids {
    ($($id:ident),+ $(,)?) => {$(
        impl From<$id> for Key {
            fn from(id: $id) -> Self {
                Key::Id(id.into())
            }
        }
    )+};
}
from_ids!(
    AttachmentId,
    CustomerId,
    DealId,
    EntryId,
    EventId,
    KeyId,
    MapId,
    OrderId,
    PartnerId,
    PaymentId,
    PayoutId,
    PromocodeId,
    RefundId,
    RuleId,
    SectorId,
    SetId,
    TicketId,
    UserId,
    VenueId,
);
