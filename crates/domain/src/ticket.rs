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
