//! `/v1/resources/orders`, and the lists of what belongs to one

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use crate::app::orders::{self, Changes, Drawn, Filter, NewOrder, OrderView, PaymentPatch, Through, Wanted};
use crate::app::tickets::TicketView;
use crate::domain::customer::CustomerPatch;
use crate::domain::id::{Bucket, CustomerId, ObjectId, OrderId, SetId, TicketId};
use crate::domain::invalid::Invalid;
use crate::domain::order::{Origin, TICKETS_MAX};
use crate::domain::payment::PaymentSystem;
use crate::domain::time::parse_time;
use crate::http::call::Seller;
use crate::http::error::Error;
use crate::http::fields::{Type, orders::STATUSES, shapes_without};
use crate::http::input::{BodyDoc, Input, JsonBody, boolean, integer, parsed, short, string};
use crate::http::path::PathId;
use crate::http::query::{Param, Query};
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

/// The most promocodes that a request may name.
pub(in crate::http) const CODES_MAX: usize = 100;

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new("event", Type::Ids, "Only orders of these events"),
    Param::new("status", Type::Words(STATUSES), "Only orders in these statuses"),
    Param::new("vendor", Type::Ids, "Only orders sold by these partners"),
    Param::new("org", Type::Ids, "Only orders of events of these organizers"),
    Param::new("created_at", Type::Texts, "Only orders created between two times: from,to; either may be left out"),
];
/// Parameters of the list of a customer's orders.
pub const LIST_OF_CUSTOMER: &[Param] = &[
    Param::new("event", Type::Ids, "Only orders of these events"),
    Param::new("status", Type::Words(STATUSES), "Only orders in these statuses"),
];
const RANDOM: Param = Param::new("random", Type::CountMap, "Instead of tickets: how many of each set");
const ALL_OR_NOTHING: Param =
    Param::new("all_or_nothing", Type::Bool, "Whether the tickets stay as they are unless all can be had");
/// The body of a new order.
pub const POST: BodyDoc =
    BodyDoc { shapes: || shapes_without::<OrderView>(&[]), extra: &[RANDOM, ALL_OR_NOTHING], required: &[] };
/// The body of a change.
pub const PATCH: BodyDoc = BodyDoc {
    shapes: || shapes_without::<OrderView>(&["deal", "event"]),
    extra: &[RANDOM, ALL_OR_NOTHING],
    required: &[],
};

/// GET of the list.
pub async fn list(call: Reading<Seller>) -> Result<Response<Body>, Error> {
    let filter = call.query(LIST, |query| {
        let (created_from, created_to) = between(query, "created_at");
        Filter {
            vendors: query.many("vendor").unwrap_or_default(),
            orgs: query.many("org").unwrap_or_default(),
            events: query.many("event").unwrap_or_default(),
            statuses: query.many("status").unwrap_or_default(),
            created_from,
            created_to,
            ..Filter::default()
        }
    });
    let source = Source {
        rows: |_, tx, caller, filter, window| orders::list(tx, caller, filter, window),
        count: orders::count,
        id: |view: &OrderView| view.order.id,
    };
    call.list(filter, source).await
}

/// Two times, either of which may be left out: `from,to`, `from,`, `,to`.
pub(in crate::http) fn between(
    query: &mut Query<'_>,
    name: &'static str,
) -> (Option<jiff::Timestamp>, Option<jiff::Timestamp>) {
    let times = query.many_as(name, |text| if text.is_empty() { Ok(None) } else { parse_time(text).map(Some) });
    match times.as_deref() {
        None => (None, None),
        Some([from]) => (*from, None),
        Some([from, to]) => (*from, *to),
        Some(_) => {
            query.wrong(name, Invalid::malformed("must be two times: from,to"));
            (None, None)
        }
    }
}

/// GET of the list of a customer's orders.
pub async fn list_of_customer(call: Reading<Seller>, customer: PathId<CustomerId>) -> Result<Response<Body>, Error> {
    let filter = call.query(LIST_OF_CUSTOMER, |query| {
        let filter = Filter {
            events: query.many("event").unwrap_or_default(),
            statuses: query.many("status").unwrap_or_default(),
            ..Filter::default()
        };
        (customer, filter)
    });
    let source = Source {
        rows: |_, tx, caller, (customer, filter): &(PathId<CustomerId>, Filter), window| {
            orders::list_of_customer(tx, caller, customer.get()?, filter, window)
        },
        count: |tx, caller, (customer, filter)| orders::count_of_customer(tx, caller, customer.get()?, filter),
        id: |view: &OrderView| view.order.id,
    };
    call.list(filter, source).await
}

/// GET of one.
pub async fn get(call: Reading<Seller>, id: PathId<OrderId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| orders::get(tx, caller, id.get()?)).await
}

/// GET of the list of its tickets, in its own sequence.
pub async fn tickets(call: Reading<Seller>, id: PathId<OrderId>) -> Result<Response<Body>, Error> {
    let wish = call.query(&[], |_| id);
    let source = Source {
        rows: |_, tx, caller, id: &PathId<OrderId>, window| orders::tickets(tx, caller, id.get()?, window),
        count: |tx, caller, id| orders::count_tickets(tx, caller, id.get()?),
        id: |view: &TicketView| view.ticket.id,
    };
    call.list(wish, source).await
}

/// POST: makes an order of the caller's.
pub async fn create(call: Writing<Seller>, body: JsonBody) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    let new = call.body(&body, &POST, new_order);
    let new = new.and_then(|new| {
        let drawn = Drawn::new(&app, new.bucket()?)?;
        Ok((new, drawn))
    });
    call.one(StatusCode::CREATED, &body, new, move |tx, caller, (new, drawn)| {
        Ok(orders::create(tx, caller, &app.installation, drawn, Through::V1, new)?.view)
    })
    .await
}

/// PATCH: changes it, all or nothing.
pub async fn change(call: Writing<Seller>, id: PathId<OrderId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let given = call.body(&body, &PATCH, changes);
    // A malformed id is found out once it is known who asks.
    let bucket = id.get().map_or(Bucket([0; 2]), |id| id.bucket());
    let drawn = Drawn::new(call.app(), bucket)?;
    call.one(StatusCode::OK, &body, given, move |tx, caller, changes| {
        Ok(orders::change(tx, caller, &drawn, id.get()?, Through::V1, changes)?.view)
    })
    .await
}

/// DELETE: cancels it.
pub async fn remove(call: Writing<Seller>, id: PathId<OrderId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| orders::cancel(tx, caller, id.get()?).map(drop)).await
}

fn new_order(input: &mut Input<'_>) -> Option<NewOrder> {
    let event = input.nullable("event", parsed).flatten();
    let deal = input.nullable("deal", parsed).flatten();
    let changes = changes(input)?;
    let new = NewOrder { event, deal, origin: Origin::Api, changes };
    if !input.has_wrongs() && new.bucket().is_err() {
        input.wrong("event", Invalid::new("required", "is required, unless tickets are given"));
        return None;
    }
    Some(new)
}

fn changes(input: &mut Input<'_>) -> Option<Changes> {
    let customer = match input.nullable("customer", object) {
        Some(Some(())) => input.nested("customer", customer).map(Some),
        cleared => cleared.map(|_| None),
    };
    let payment = match input.nullable("payment", object) {
        Some(Some(())) => input.nested("payment", payment).unwrap_or_default(),
        _ => PaymentPatch::default(),
    };
    Some(Changes {
        customer,
        payment,
        wish: wish_of(input, |input| {
            input.wrong("random", Invalid::conflict("must not be given together with tickets"));
        }),
        all_or_nothing: input.nullable("all_or_nothing", flag).flatten().unwrap_or(false),
        promocodes: input.list("promocodes", CODES_MAX, short),
        vendor_data: None,
        status: input.given("status", parsed),
    })
}

/// The tickets that a body wishes; `both` says what is wrong where it does so in both ways.
pub(in crate::http) fn wish_of(input: &mut Input<'_>, both: impl FnOnce(&mut Input<'_>)) -> Option<Wanted> {
    let tickets = input.list("tickets", TICKETS_MAX, parsed::<TicketId>);
    // Null is as good as not given.
    let random = input.nullable("random", object).flatten().and_then(|()| counts(input));
    match (tickets, random) {
        (Some(_), Some(_)) => {
            both(input);
            None
        }
        (Some(tickets), None) => Some(Wanted::Tickets(tickets)),
        (None, random) => random.map(Wanted::Random),
    }
}

fn counts(input: &mut Input<'_>) -> Option<BTreeMap<SetId, usize>> {
    input.nested("random", |random| {
        let mut counts = BTreeMap::new();
        for name in random.names() {
            let count = random.given(&name, |value| match usize::try_from(integer(value)?) {
                Ok(count) if count <= TICKETS_MAX => Ok(count),
                _ => Err(Invalid::out_of_range(format!("must be between 0 and {TICKETS_MAX}"))),
            });
            match name.parse::<SetId>() {
                Ok(set) => drop(counts.insert(set, count?)),
                Err(invalid) => random.wrong(&name, invalid),
            }
        }
        Some(counts)
    })
}

fn customer(input: &mut Input<'_>) -> Option<CustomerPatch> {
    Some(CustomerPatch {
        email: input.nullable("email", parsed),
        first_name: input.nullable("first_name", short),
        last_name: input.nullable("last_name", short),
        mobile: input.nullable("mobile", short),
        lang: input.nullable("lang", short),
        ..CustomerPatch::default()
    })
}

fn payment(input: &mut Input<'_>) -> Option<PaymentPatch> {
    Some(PaymentPatch {
        system: input.nullable("system", system),
        success_url: input.nullable("success_url", url),
        failure_url: input.nullable("failure_url", url),
        send_tickets: input.nullable("send_tickets", flag).map(|send_tickets| send_tickets.unwrap_or(false)),
    })
}

/// A payment system by its name or its id.
fn system(value: &Value) -> Result<PaymentSystem, Invalid> {
    let text = string(value)?;
    let by_id = || text.parse::<ObjectId>().ok().and_then(PaymentSystem::by_id);
    text.parse().ok().or_else(by_id).ok_or_else(|| {
        let base = PaymentSystem::Base;
        Invalid::unknown(format!("must be a payment system, such as {base} or its id {}", base.id()))
    })
}

/// An address on the web, to which a customer's browser may be sent.
fn url(value: &Value) -> Result<String, Invalid> {
    let text = short(value)?;
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        return Ok(text);
    }
    Err(Invalid::malformed("must be an address that begins with https:// or http://"))
}

/// `true` or `false`, also as a text.
pub(in crate::http) fn flag(value: &Value) -> Result<bool, Invalid> {
    match value.as_str() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => boolean(value),
    }
}

pub(in crate::http) fn object(value: &Value) -> Result<(), Invalid> {
    if value.is_object() { Ok(()) } else { Err(Invalid::wrong_type("must be an object")) }
}
