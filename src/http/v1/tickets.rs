//! `/v1/resources/events/{idevent}/tickets` and `/v1/resources/events/{idevent}/sets/{idset}/tickets`

use axum::body::Body;
use axum::http::Response;

use crate::app::tickets::{self, TicketView, Wish};
use crate::domain::id::{EventId, SetId, TicketId};
use crate::http::call::Member;
use crate::http::error::Error;
use crate::http::fields::{Type, tickets::STATUSES};
use crate::http::path::{PathId, PathIds, PathIds3};
use crate::http::query::{Param, Query};
use crate::http::reading::{Reading, Source};

const STATUS: Param =
    Param::new("status", Type::Words(STATUSES), "Only tickets in these states; pending is reserved, done is sold");
const SECTOR: Param = Param::new("sector", Type::Ids, "Only tickets in these sectors");
/// Parameters of the list of an event's tickets.
pub const LIST: &[Param] =
    &[Param::new("set", Type::Ids, "Only tickets of these sets; unless given, those with a seat"), STATUS, SECTOR];
/// Parameters of the list of a set's tickets.
pub const LIST_OF_SET: &[Param] = &[STATUS, SECTOR];

/// GET of the list of an event's tickets.
pub async fn list(call: Reading<Member>, id: PathId<EventId>) -> Result<Response<Body>, Error> {
    let wish = call.query(LIST, |query| {
        let sets = query.many("set");
        (id, Wish { sets, ..wish(query) })
    });
    let source = Source {
        rows: |_, tx, caller, (id, wish): &(PathId<EventId>, Wish), window| {
            tickets::list(tx, caller, (id.get()?, None), wish, window)
        },
        count: |tx, caller, (id, wish)| tickets::count(tx, caller, (id.get()?, None), wish),
        id: |view: &TicketView| view.ticket.number,
    };
    call.list(wish, source).await
}

/// GET of the list of a set's tickets.
pub async fn list_of_set(call: Reading<Member>, ids: PathIds<EventId, SetId>) -> Result<Response<Body>, Error> {
    fn place(ids: &PathIds<EventId, SetId>) -> Result<(EventId, Option<SetId>), crate::app::Error> {
        let (event, set) = ids.get()?;
        Ok((event, Some(set)))
    }
    let wish = call.query(LIST_OF_SET, |query| (ids, wish(query)));
    let source = Source {
        rows: |_, tx, caller, (ids, wish): &(PathIds<EventId, SetId>, Wish), window| {
            tickets::list(tx, caller, place(ids)?, wish, window)
        },
        count: |tx, caller, (ids, wish)| tickets::count(tx, caller, place(ids)?, wish),
        id: |view: &TicketView| view.ticket.number,
    };
    call.list(wish, source).await
}

/// GET of one of an event's tickets.
pub async fn get(call: Reading<Member>, ids: PathIds<EventId, TicketId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| {
        let (event, id) = ids.get()?;
        tickets::get(tx, caller, event, None, id)
    })
    .await
}

/// GET of one of a set's tickets.
pub async fn get_of_set(
    call: Reading<Member>,
    ids: PathIds3<EventId, SetId, TicketId>,
) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| {
        let (event, set, id) = ids.get()?;
        tickets::get(tx, caller, event, Some(set), id)
    })
    .await
}

fn wish(query: &mut Query<'_>) -> Wish {
    Wish {
        sets: None,
        sectors: query.many("sector").unwrap_or_default(),
        statuses: query.many("status").unwrap_or_default(),
    }
}
