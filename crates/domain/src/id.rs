//! Identifiers: 12 bytes inside, 24 lower-case hexadecimal digits outside.
//!
//! An id is an ObjectId: the second of its creation (4 bytes, big endian), 5 bytes of the process
//! that made it, a counter of 3 bytes. So the order of ids is the order of creation. In what
//! belongs to an event, bytes 4 and 5 (the first two of the process) are the event's [`Bucket`]:
//! any such id alone says where it is stored.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;

use crate::invalid::Invalid;

/// Twelve bytes, of whatever kind of thing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 12]);

impl ObjectId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The twelve bytes.
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// The bytes that are the bucket in ids of what belongs to an event.
    pub const fn bucket(&self) -> Bucket {
        Bucket([self.0[4], self.0[5]])
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 24];
        for (digits, byte) in text.chunks_exact_mut(2).zip(self.0) {
            digits.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl FromStr for ObjectId {
    type Err = Invalid;

    /// Reads 24 hexadecimal digits of either case.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        read_hex(text).ok_or_else(|| Invalid::malformed("must be 24 hexadecimal digits"))
    }
}

fn read_hex(text: &str) -> Option<ObjectId> {
    if text.len() != 24 {
        return None;
    }
    let mut bytes = [0; 12];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        for &digit in pair {
            *byte = *byte << 4 | u8::try_from(char::from(digit).to_digit(16)?).ok()?;
        }
    }
    Some(ObjectId(bytes))
}

impl TryFrom<&[u8]> for ObjectId {
    type Error = Invalid;

    fn try_from(bytes: &[u8]) -> Result<Self, Invalid> {
        bytes.try_into().map(Self).map_err(|_| Invalid::malformed("must be 12 bytes"))
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ObjectId);

        impl $name {
            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; 12]) -> Self {
                Self(ObjectId::from_bytes(bytes))
            }

            /// The twelve bytes.
            pub const fn as_bytes(&self) -> &[u8; 12] {
                self.0.as_bytes()
            }
        }

        impl From<ObjectId> for $name {
            fn from(id: ObjectId) -> Self {
                Self(id)
            }
        }

        impl From<$name> for ObjectId {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            /// Reads 24 hexadecimal digits of either case.
            fn from_str(text: &str) -> Result<Self, Invalid> {
                text.parse().map(Self)
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = Invalid;

            fn try_from(bytes: &[u8]) -> Result<Self, Invalid> {
                bytes.try_into().map(Self)
            }
        }
    )+};
}

ids! {
    /// The id of a partner.
    PartnerId;
    /// The id of a user.
    UserId;
    /// The id of an API key.
    KeyId;
    /// The id of an event; it carries the bucket of all that belongs to the event.
    EventId;
    /// The id of a deal.
    DealId;
    /// The id of a ticket set; it carries its event's bucket.
    SetId;
    /// The id of a venue.
    VenueId;
    /// The id of a map.
    MapId;
    /// The id of an attachment.
    AttachmentId;
    /// The id of a session.
    SessionId;
    /// The id of a sector of a map.
    SectorId;
    /// The id of a rule; it carries its event's bucket.
    RuleId;
    /// The id of a batch of tickets that are to be made; it carries its event's bucket.
    BatchId;
    /// The id of a ticket; it carries its event's bucket.
    TicketId;
    /// The id of a promocode; it carries its event's bucket.
    PromocodeId;
    /// The id of a customer.
    CustomerId;
    /// The id of an order; it carries its event's bucket.
    OrderId;
    /// The id of a payment; it carries its event's bucket.
    PaymentId;
    /// The id of a return of money; it carries its event's bucket.
    ReturnId;
    /// The id of a refund request; it carries its event's bucket.
    RefundId;
    /// The id of an entry of the ledger; one that belongs to an event carries its bucket.
    EntryId;
    /// The id of a payout.
    PayoutId;
    /// The id of a mail.
    MailId;
}

/// Ids of what belongs to an event: their fifth and sixth byte are the event's bucket.
macro_rules! in_bucket {
    ($($name:ident),+) => {$(
        impl $name {
            /// Where the event that this belongs to, and everything else of it, is stored.
            pub const fn bucket(&self) -> Bucket {
                self.0.bucket()
            }
        }
    )+};
}
in_bucket!(EventId, SetId, RuleId, BatchId, TicketId, PromocodeId, OrderId, PaymentId, ReturnId, RefundId, EntryId);

/// Two bytes that say where an event and all that belongs to it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(pub [u8; 2]);

impl Bucket {
    /// The two bytes.
    pub const fn as_bytes(&self) -> &[u8; 2] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Bucket {
    type Error = Invalid;

    fn try_from(bytes: &[u8]) -> Result<Self, Invalid> {
        bytes.try_into().map(Self).map_err(|_| Invalid::malformed("must be 2 bytes"))
    }
}

/// Makes ids. A process has one, with random bytes of its own, so that no two processes make the
/// same id.
///
/// Ids made in one second are strictly increasing (those with a bucket: within their bucket), until
/// the counter of 24 bits wraps: there one id is smaller than the one before. Two ids are equal
/// only if a process makes more than 2^24 of them within one second.
#[derive(Debug)]
pub struct IdSource {
    process: [u8; 5],
    counter: AtomicU32,
}

impl IdSource {
    /// A source with five random bytes and a random first value of the counter.
    pub const fn new(process: [u8; 5], counter: u32) -> Self {
        Self { process, counter: AtomicU32::new(counter) }
    }

    /// The next id of what belongs to no event.
    ///
    /// `now` outside of the years 1970 to 2106 counts as the nearest second that fits four bytes.
    pub fn next<T: From<ObjectId>>(&self, now: Timestamp) -> T {
        let seconds = now.as_second().clamp(0, i64::from(u32::MAX)) as u32;
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&self.process);
        bytes[9..].copy_from_slice(&counter.to_be_bytes()[1..]);
        ObjectId(bytes).into()
    }

    /// The next id of what belongs to an event with this bucket.
    pub fn next_in<T: From<ObjectId>>(&self, now: Timestamp, bucket: Bucket) -> T {
        let ObjectId(mut bytes) = self.next(now);
        bytes[4..6].copy_from_slice(&bucket.0);
        ObjectId(bytes).into()
    }

    /// The next id of an event that is stored in `bucket`.
    pub fn next_event(&self, now: Timestamp, bucket: Bucket) -> EventId {
        self.next_in(now, bucket)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_408_358_400;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_id_is_read_in_any_case_and_written_in_lower_case() {
        let id: PartnerId = "535FB19bdca6a9d1638f2007".parse().unwrap();
        assert_eq!(id.to_string(), "535fb19bdca6a9d1638f2007");
        assert_eq!(id.as_bytes()[0], 0x53);
        assert_eq!(format!("{id:?}"), "PartnerId(535fb19bdca6a9d1638f2007)");
    }

    #[test]
    fn what_is_not_24_hexadecimal_digits_is_malformed() {
        for text in [
            "",
            "535fb19bdca6a9d1638f200",
            "535fb19bdca6a9d1638f20077",
            "535fb19bdca6a9d1638f200g",
            "+35fb19bdca6a9d1638f2007",
            " 535fb19bdca6a9d1638f200",
            "йййййййййййй",
        ] {
            let invalid = text.parse::<EventId>().unwrap_err();
            assert_eq!(invalid.code, "malformed", "{text}");
            assert_eq!(invalid.message, "must be 24 hexadecimal digits");
        }
    }

    #[test]
    fn ids_and_buckets_are_made_of_so_many_bytes_and_no_other_number() {
        assert!(DealId::try_from([7; 12].as_slice()).is_ok());
        assert!(DealId::try_from([7; 11].as_slice()).is_err());
        assert!(DealId::try_from([7; 13].as_slice()).is_err());
        assert!(Bucket::try_from([7; 2].as_slice()).is_ok());
        assert!(Bucket::try_from([7; 3].as_slice()).is_err());
    }

    #[test]
    fn an_id_is_its_second_the_process_and_a_counter() {
        let ids = IdSource::new([1, 2, 3, 4, 5], 0x00ab_cdef);
        let id: PartnerId = ids.next(second(0x53f1_f4a9));
        assert_eq!(id.to_string(), "53f1f4a90102030405abcdef");
        let id: PartnerId = ids.next(second(0x53f1_f4a9));
        assert_eq!(id.to_string(), "53f1f4a90102030405abcdf0");
    }

    #[test]
    fn what_belongs_to_an_event_carries_its_bucket() {
        let ids = IdSource::new([1, 2, 3, 4, 5], 7);
        let event = ids.next_event(second(NOON), Bucket([0xbe, 0xef]));
        assert_eq!(event.bucket(), Bucket([0xbe, 0xef]));
        assert_eq!(event.as_bytes()[4..9], [0xbe, 0xef, 3, 4, 5]);
        let set: SetId = ids.next_in(second(NOON), event.bucket());
        assert_eq!(set.bucket(), event.bucket());
    }

    #[test]
    fn a_second_that_four_bytes_cannot_hold_counts_as_the_nearest_one() {
        let ids = IdSource::new([0; 5], 0);
        let before: UserId = ids.next(second(-1));
        let after: UserId = ids.next(second(1 << 33));
        assert_eq!(before.as_bytes()[..4], [0; 4]);
        assert_eq!(after.as_bytes()[..4], [0xff; 4]);
    }

    #[test]
    fn the_counter_wraps_after_24_bits_without_touching_the_process() {
        let ids = IdSource::new([9; 5], u32::MAX);
        let last: UserId = ids.next(second(NOON));
        let first: UserId = ids.next(second(NOON));
        assert_eq!(last.as_bytes()[4..], [9, 9, 9, 9, 9, 0xff, 0xff, 0xff]);
        assert_eq!(first.as_bytes()[4..], [9, 9, 9, 9, 9, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn an_id_that_is_written_is_read_again(bytes: [u8; 12]) {
            let id = SetId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(SetId::try_from(bytes.as_slice()), Ok(id));
        }

        #[test]
        fn the_order_of_ids_is_the_order_of_their_text(a: [u8; 12], b: [u8; 12]) {
            let (a, b) = (ObjectId::from_bytes(a), ObjectId::from_bytes(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn ids_of_one_source_increase_strictly(
            process: [u8; 5],
            counter in 0_u32..0x00ff_ff00,
            mut seconds in prop::collection::vec(0_i64..4_000_000_000, 1..50),
            bucket: [u8; 2],
        ) {
            seconds.sort_unstable();
            let ids = IdSource::new(process, counter);
            let made: Vec<EventId> = seconds.iter().map(|s| ids.next_event(second(*s), Bucket(bucket))).collect();
            prop_assert!(made.is_sorted_by(|a, b| a < b));
            let ids = IdSource::new(process, counter);
            let made: Vec<PartnerId> = seconds.iter().map(|s| ids.next(second(*s))).collect();
            prop_assert!(made.is_sorted_by(|a, b| a < b));
        }

        #[test]
        fn any_text_is_an_id_or_refused(text: String) {
            if let Ok(id) = text.parse::<KeyId>() {
                prop_assert_eq!(id.to_string(), text.to_lowercase());
            }
        }
    }
}
