//! The ids of the domain, as parameters and in rows.

use super::{FromValue, Param, Value};
use crate::domain::id::{
    AttachmentId, BatchId, CustomerId, DealId, EntryId, EventId, KeyId, MailId, MapId, ObjectId, OrderId, PartnerId,
    PaymentId, PayoutId, PromocodeId, RefundId, ReturnId, RuleId, SectorId, SessionId, SetId, TicketId, UserId,
    VenueId,
};

macro_rules! ids {
    ($($id:ty),*) => {
        $(impl From<$id> for Param<'_> {
            fn from(id: $id) -> Self {
                Self::Id(*id.as_bytes())
            }
        }

        impl From<&$id> for Param<'_> {
            fn from(id: &$id) -> Self {
                Self::Id(*id.as_bytes())
            }
        }

        impl From<&[$id]> for Param<'_> {
            fn from(ids: &[$id]) -> Self {
                Self::List(ids.iter().map(|id| id.as_bytes().to_vec()).collect())
            }
        }

        impl From<&Vec<$id>> for Param<'_> {
            fn from(ids: &Vec<$id>) -> Self {
                ids.as_slice().into()
            }
        }

        impl FromValue for $id {
            fn from_value(value: &mut Value) -> Option<Self> {
                <[u8; 12]>::from_value(value).map(Self::from_bytes)
            }
        })*
    };
}
ids!(
    ObjectId,
    PartnerId,
    UserId,
    KeyId,
    EventId,
    DealId,
    SetId,
    VenueId,
    MapId,
    AttachmentId,
    SessionId,
    SectorId,
    RuleId,
    BatchId,
    TicketId,
    PromocodeId,
    CustomerId,
    OrderId,
    PaymentId,
    RefundId,
    ReturnId,
    EntryId,
    PayoutId,
    MailId
);
