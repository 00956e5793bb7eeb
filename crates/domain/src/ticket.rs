//! Tickets: places in a set.

use jiff::Timestamp;

use crate::id::{EventId, OrderId, SectorId, SetId, TicketId};
use crate::wire::wire_names;

/// One place in one set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// The event.
    pub event: EventId,
    /// The set.
    pub set: SetId,
    /// Unique in the event. 1 ..= 999,999,999.
    pub number: i64,
    /// Three capital letters, the same for the whole set.
    pub serial: String,
    /// The seat, in a set with seats.
    pub seat: Option<TicketSeat>,
    /// Where it stands, as stored; [`Ticket::at`] says where it stands at a time.
    pub status: TicketStatus,
    /// The order that holds it, or bought it.
    pub order: Option<OrderId>,
    /// Until when it is held.
    pub reserved_till: Option<Timestamp>,
    /// What opens the gate, once it is sold.
    pub barcode: Option<String>,
    /// Whether it has been removed.
    pub removed: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The seat of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketSeat {
    /// Its sector.
    pub sector: SectorId,
    /// The name of its row.
    pub row: String,
    /// Its own name, a number as a rule.
    pub number: String,
}

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketStatus {
    /// It can be had.
    Vacant,
    /// An order holds it.
    Reserved,
    /// It is paid for.
    Sold,
}

wire_names!(TicketStatus {
    Vacant = "vacant",
    Reserved = "reserved" | "pending",
    Sold = "sold" | "done",
});

impl Ticket {
    /// The ticket as it is at a time: a hold that is over is none.
    pub fn at(mut self, now: Timestamp) -> Self {
        if self.status == TicketStatus::Reserved && self.reserved_till.is_some_and(|till| till <= now) {
            self.status = TicketStatus::Vacant;
            self.order = None;
            self.reserved_till = None;
        }
        self
    }
}

/// A barcode of random bytes that only the server can make: 19 digits and a check digit, as Code 128 takes them.
pub fn barcode(random: [u8; 16]) -> String {
    let number = u128::from_be_bytes(random) % 10_u128.pow(19);
    let digits = format!("{number:019}");
    let check = check_digit(&digits);
    format!("{digits}{check}")
}

/// Whether a text may be a barcode of ours: 20 digits of which the last checks the others.
pub fn is_barcode(text: &str) -> bool {
    text.len() == 20
        && text.bytes().all(|digit| digit.is_ascii_digit())
        && text.split_at_checked(19).is_some_and(|(digits, last)| last == check_digit(digits).to_string())
}

/// The digit after Luhn (ISO/IEC 7812-1): a wrong digit, and two neighbours in the wrong order but 09 and 90, show.
fn check_digit(digits: &str) -> u32 {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let places = digits.chars().rev().filter_map(|digit| digit.to_digit(10)).enumerate();
    let sum: u32 = places.map(|(place, digit)| if place % 2 == 0 { doubled(digit) } else { digit }).sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::check_wire_names;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ticket(status: TicketStatus, till: Option<i64>) -> Ticket {
        Ticket {
            id: TicketId::from_bytes([1; 12]),
            event: EventId::from_bytes([2; 12]),
            set: SetId::from_bytes([3; 12]),
            number: 1,
            serial: "AAA".to_owned(),
            seat: None,
            status,
            order: (status != TicketStatus::Vacant).then_some(OrderId::from_bytes([4; 12])),
            reserved_till: till.map(second),
            barcode: None,
            removed: false,
            created_at: second(0),
            updated_at: second(0),
        }
    }

    #[test]
    fn a_ticket_whose_hold_is_over_is_vacant_then() {
        for (status, till, before, from_then_on) in [
            (TicketStatus::Vacant, None, TicketStatus::Vacant, TicketStatus::Vacant),
            (TicketStatus::Reserved, Some(100), TicketStatus::Reserved, TicketStatus::Vacant),
            (TicketStatus::Sold, None, TicketStatus::Sold, TicketStatus::Sold),
        ] {
            let stored = ticket(status, till);
            assert_eq!(stored.clone().at(second(99)), stored);
            assert_eq!(stored.clone().at(second(99)).status, before);
            for now in [100, 101, 1_000_000] {
                let ticket = stored.clone().at(second(now));
                assert_eq!(ticket.status, from_then_on, "{status} at {now}");
                assert_eq!(ticket.order.is_some(), from_then_on == TicketStatus::Sold);
                assert_eq!(ticket.reserved_till, None);
            }
        }
    }

    #[test]
    fn the_words_of_tickets() {
        check_wire_names(TicketStatus::ALL, &["vacant", "reserved", "sold"]);
        assert_eq!("pending".parse(), Ok(TicketStatus::Reserved));
        assert_eq!("done".parse(), Ok(TicketStatus::Sold));
    }

    #[test]
    fn a_barcode_ends_in_the_digit_that_checks_it() {
        // The example of ISO/IEC 7812-1, with zeros before it.
        assert!(is_barcode("00000000017893729974"));
        assert_eq!(barcode([0; 16]), "00000000000000000000");
        for text in ["", "00000000017893729975", "0000000001789372997", "000000000178937299740", "0000000001789372997x"]
        {
            assert!(!is_barcode(text), "{text}");
        }
        assert!(!is_barcode("٠٠٠٠٠٠٠٠٠٠"), "20 bytes, no digits of ours");
    }

    proptest! {
        #[test]
        fn a_barcode_is_20_digits_and_one_wrong_digit_shows(random: [u8; 16], place in 0_usize..20, off in 1_u8..10) {
            let barcode = barcode(random);
            prop_assert!(is_barcode(&barcode), "{}", barcode);
            let mut wrong = barcode.into_bytes();
            wrong[place] = b'0' + (wrong[place] - b'0' + off) % 10;
            prop_assert!(!is_barcode(str::from_utf8(&wrong).unwrap()));
        }
    }
}
