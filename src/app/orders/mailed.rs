//! The letter with the tickets of an order that is done.

use std::collections::{BTreeMap, HashMap};

use super::super::mails::{self, Mail, MailedTicket, Tickets};
use super::super::{Error, Wrong};
use super::Drawn;
use crate::domain::id::{SectorId, SetId, TicketId};
use crate::domain::order::Order;
use crate::domain::pricing::Line;
use crate::domain::ticket::{Ticket, TicketSeat};
use crate::domain::user::Email;
use crate::store::{self, Tx};

/// Writes the letter of an order that was just done, where its customer is to get one.
pub(super) fn mail_tickets(tx: &mut Tx<'_>, drawn: &Drawn, order: &Order, lines: &[Line]) -> Result<(), Error> {
    let Some(to) = order.customer.email.as_deref().filter(|_| order.payment.send_tickets) else { return Ok(()) };
    let to: Email = to.parse().map_err(|invalid| Error::Invalid(vec![Wrong::at("customer.email", invalid)]))?;
    let letter = letter(tx, order, lines)?;
    mails::enqueue(tx, drawn.mail, &to, &Mail::Tickets(letter))
}

fn letter(tx: &mut Tx<'_>, order: &Order, lines: &[Line]) -> Result<Tickets, Error> {
    let lost = |what: &str| Error::Internal(format!("the order {} has no {what}", order.id));
    let event = store::events::find(tx, order.event)?.ok_or_else(|| lost("event"))?;
    let vendor = store::partners::find(tx, order.vendor)?.ok_or_else(|| lost("vendor"))?;
    let venue = match event.venue {
        Some(venue) => store::venues::find(tx, venue)?,
        None => None,
    };
    let ids: Vec<TicketId> = lines.iter().map(|line| line.ticket).collect();
    let found: HashMap<TicketId, Ticket> =
        store::tickets::find_all(tx, &ids)?.into_iter().map(|ticket| (ticket.id, ticket)).collect();
    let sets: Vec<SetId> = order.rules.keys().copied().collect();
    let sets: HashMap<SetId, String> =
        store::sets::find_all(tx, &sets)?.into_iter().map(|set| (set.id, set.name)).collect();
    let mut sectors: BTreeMap<SectorId, String> = BTreeMap::new();
    for seat in found.values().filter_map(|ticket| ticket.seat.as_ref()) {
        if !sectors.contains_key(&seat.sector)
            && let Some((sector, _)) = store::maps::find_sector(tx, seat.sector)?
        {
            sectors.insert(seat.sector, sector.name);
        }
    }
    let mut tickets = Vec::with_capacity(lines.len());
    for line in lines {
        let ticket = found.get(&line.ticket).ok_or_else(|| lost("ticket"))?;
        tickets.push(MailedTicket {
            set: sets.get(&line.set).cloned().unwrap_or_default(),
            seat: ticket.seat.as_ref().map(|seat| in_words(seat, sectors.get(&seat.sector))),
            serial: ticket.serial.clone(),
            number: ticket.number,
            barcode: ticket.barcode.clone().ok_or_else(|| lost("barcode"))?,
            price: line.split.full.to_string(),
        });
    }
    let place = venue.map(|venue| match venue.address {
        Some(address) => format!("{}, {address}", venue.name),
        None => venue.name,
    });
    Ok(Tickets {
        event: event.title.text.clone(),
        starts: event.timezone.local(event.lifetime.start).strftime("%-d %B %Y, %H:%M").to_string(),
        place,
        number: order.number,
        code: order.code.clone(),
        tickets,
        total: order.values.full.to_string(),
        currency: order.currency.to_string(),
        vendor: vendor.name.to_string(),
    })
}

fn in_words(seat: &TicketSeat, sector: Option<&String>) -> String {
    let TicketSeat { row, number, .. } = seat;
    match sector {
        Some(sector) => format!("{sector}, row {row}, seat {number}"),
        None => format!("row {row}, seat {number}"),
    }
}
