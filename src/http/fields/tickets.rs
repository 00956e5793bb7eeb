//! Fields of tickets (`spec/v1.md`, Tickets).

use super::sets::name;
use super::write::One;
use super::{Cell, Field, Kind, Resource, Type};
use crate::app::tickets::{SeatView, TicketView};
use crate::domain::ticket::{TicketSeat, TicketStatus};

/// The words of a ticket's status.
pub const STATUSES: &[&str] =
    &[TicketStatus::Vacant.as_str(), TicketStatus::Reserved.as_str(), TicketStatus::Sold.as_str()];

impl Resource for TicketView {
    const NAME: &'static str = "Ticket";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value(
            "barcode",
            "What opens the gate, once it is sold; null but for the organizer and its vendor",
            Type::OptText,
            |view| {
                let sold = view.with_barcode && view.ticket.status == TicketStatus::Sold;
                Cell::opt(view.ticket.barcode.as_deref().filter(|_| sold))
            },
        )
        .read_only(),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |view| {
            Cell::time(Some(view.ticket.created_at))
        })
        .read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.ticket.id)).read_only(),
        Field::<Self>::value("number", "Its number in the event", Type::Int(1, 999_999_999), |view| {
            Cell::Int(view.ticket.number)
        })
        .read_only(),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |view| {
            Cell::Bool(view.ticket.removed)
        })
        .read_only(),
        Field::<Self>::value("reserved_till", "Until when it is held", Type::Time, |view| {
            Cell::time(view.ticket.reserved_till.filter(|_| view.ticket.status == TicketStatus::Reserved))
        })
        .read_only(),
        Field::<Self>::embedded(
            "seat",
            "Its seat; without fields in a set without seats",
            &One::<TicketView, SeatView>(|view| &view.seat),
        )
        .read_only(),
        Field::<Self>::value("serial", "Three capital letters, the same for its set", Type::Text, |view| {
            Cell::str(&view.ticket.serial)
        })
        .read_only(),
        Field::<Self>::reference("set", "Its set", Kind::Set, |view| Some(view.ticket.set.into())).read_only(),
        Field::<Self>::value("status", "Whether it can be had", Type::Word(STATUSES), |view| {
            Cell::str(view.ticket.status.as_str())
        })
        .read_only(),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(Some(view.ticket.updated_at))
        })
        .read_only(),
    ];
}

fn cell(view: &SeatView, of: fn(&TicketSeat) -> Cell<'_>) -> Cell<'_> {
    view.seat.as_ref().map_or(Cell::Null, of)
}

impl Resource for SeatView {
    const NAME: &'static str = "TicketSeat";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("map", "The map", Type::OptId, |view| view.map.map_or(Cell::Null, Cell::text))
            .present_if(|view| view.seat.is_some()),
        Field::<Self>::value("number", "Its name in the row", Type::NumberOrText, |view| {
            cell(view, |seat| name(&seat.number))
        })
        .present_if(|view| view.seat.is_some()),
        Field::<Self>::value("row", "The name of its row", Type::NumberOrText, |view| {
            cell(view, |seat| name(&seat.row))
        })
        .present_if(|view| view.seat.is_some()),
        Field::<Self>::value("sector", "The part of the map", Type::Id, |view| {
            cell(view, |seat| Cell::text(seat.sector))
        })
        .present_if(|view| view.seat.is_some()),
    ];
}
