//! `/v2/resources/orders`

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::envelope::{self, PAGING, Pagination};
use crate::app::orders::{
    self, Changed, Changes, CodeRefusal, CodeRefused, Drawn, Filter, NewOrder, PaymentPatch, Through, Wanted,
    WholeOrder,
};
use crate::app::{self, Window, Wrong};
use crate::domain::access::Caller;
use crate::domain::customer::CustomerPatch;
use crate::domain::id::{Bucket, EventId, OrderId, TicketId};
use crate::domain::invalid::Invalid;
use crate::domain::order::{OrderStatus, Origin, VendorData};
use crate::domain::pricing::NotApplied;
use crate::domain::time::parse_time;
use crate::domain::user::Email;
use crate::http::answer;
use crate::http::call::Seller;
use crate::http::error::Error;
use crate::http::fields::v2::orders::STATUSES;
use crate::http::fields::{Type, shapes_without};
use crate::http::input::{BodyDoc, Input, JsonBody, boolean, parsed, short, string};
use crate::http::path::PathId;
use crate::http::query::Param;
use crate::http::reading::Reading;
use crate::http::v1::orders::{CODES_MAX, between, flag, object, wish_of};
use crate::http::writing::Writing;
use crate::store::Tx;

/// The most characters of the vendor's own name of an order.
const ORDER_ID_MAX: usize = 64;
/// The most values that a vendor keeps with an order, and the most characters of their names and of themselves.
const RAW_MAX: usize = 20;
const RAW_KEY_MAX: usize = 40;
const RAW_VALUE_MAX: usize = 128;
/// The most values of a filter of an export.
const FILTER_MAX: usize = 1_000;

const CREATED_AT: Param =
    Param::new("created_at", Type::Texts, "Only orders created between two times: from,to; either may be left out");
const STATUS: Param = Param::new("status", Type::Words(STATUSES), "Only orders in these statuses");
const EVENTS: Param = Param::new("events", Type::Ids, "Only orders of these events");
const ONLY_WITH_CUSTOMER: Param =
    Param::new("only_with_customer", Type::Bool, "Only orders whose customer has an address");

/// Parameters of the list.
pub const LIST: &[Param] = &[CREATED_AT, STATUS, EVENTS, ONLY_WITH_CUSTOMER, PAGING[0], PAGING[1], PAGING[2]];
const TICKETS: Param = Param::new("tickets", Type::Ids, "The tickets it is to have, all of them");
const RANDOM: Param = Param::new("random", Type::CountMap, "Instead of tickets: how many of each set");
const ALL_OR_NOTHING: Param =
    Param::new("all_or_nothing", Type::Bool, "Whether the tickets stay as they are unless all can be had");
/// The body of a new order.
pub const POST: BodyDoc = BodyDoc {
    shapes: || shapes_without::<WholeOrder>(&["tickets"]),
    extra: &[TICKETS, RANDOM, ALL_OR_NOTHING],
    required: &[],
};
/// The body of a change.
pub const PATCH: BodyDoc = BodyDoc {
    shapes: || shapes_without::<WholeOrder>(&["event", "tickets"]),
    extra: &[TICKETS, RANDOM, ALL_OR_NOTHING],
    required: &[],
};
/// The body of an export.
pub const EXPORT: BodyDoc = BodyDoc {
    shapes: Vec::new,
    extra: &[
        Param::new("email", Type::Text, "Where the list is mailed to"),
        CREATED_AT,
        STATUS,
        EVENTS,
        ONLY_WITH_CUSTOMER,
    ],
    required: &["email"],
};

/// GET of the list.
pub async fn list(call: Reading<Seller>) -> Result<Response<Body>, Error> {
    let asked = call.query_alone(LIST, |query| {
        let (created_from, created_to) = between(query, "created_at");
        let filter = Filter {
            events: query.many("events").unwrap_or_default(),
            statuses: query.many_as("status", status).unwrap_or_default(),
            with_customer: query.flag("only_with_customer").unwrap_or(false),
            created_from,
            created_to,
            ..Filter::default()
        };
        (filter, Pagination::asked(query))
    });
    let (body, total) = call
        .looked(asked, |tx, caller, (filter, page)| {
            let window = Window { after: None, skip: page.skip(), limit: page.page_size };
            let orders = orders::list_whole(tx, caller, filter, window)?;
            let page = Pagination { total: orders::count(tx, caller, filter)?, ..*page };
            Ok((envelope::list(tx, &orders, page)?, page.total))
        })
        .await?;
    let mut response = answer::json(StatusCode::OK, body);
    response.headers_mut().insert("total", HeaderValue::from(total));
    Ok(response)
}

/// A status in the words of version 2; those of version 1 are read as well.
fn status(text: &str) -> Result<OrderStatus, Invalid> {
    text.parse().map_err(|invalid| Invalid { message: format!("must be one of {}", STATUSES.join(", ")), ..invalid })
}

/// GET of one.
pub async fn get(call: Reading<Seller>, id: PathId<OrderId>) -> Result<Response<Body>, Error> {
    let nothing = call.query_alone(&[], |_| ());
    let body = call
        .looked(nothing, move |tx, caller, ()| {
            let order = orders::get_whole(tx, caller, id.get()?)?;
            envelope::one(tx, &order, &[])
        })
        .await?;
    Ok(answer::json(StatusCode::OK, body))
}

/// POST: makes an order of the caller's.
pub async fn create(call: Writing<Seller>, body: JsonBody) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    let new = call.body(&body, &POST, new_order);
    let new = new.and_then(|new| {
        let drawn = Drawn::new(&app, new.bucket()?)?;
        Ok((new, drawn))
    });
    call.rendered(StatusCode::OK, &body, new, move |tx, caller, (new, drawn)| {
        let made = orders::create(tx, caller, &app.installation, drawn, Through::V2, new);
        answered(tx, caller, made.map_err(|error| Said::of(&new.changes).creating(error, new.event))?)
    })
    .await
}

/// PATCH: changes it, all or nothing.
pub async fn change(call: Writing<Seller>, id: PathId<OrderId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let given = call.body(&body, &PATCH, changes);
    // A malformed id is found out once it is known who asks.
    let bucket = id.get().map_or(Bucket([0; 2]), |id| id.bucket());
    let drawn = Drawn::new(call.app(), bucket)?;
    call.rendered(StatusCode::OK, &body, given, move |tx, caller, changes| {
        let id = id.get()?;
        match tx.savepoint(|tx| orders::change(tx, caller, &drawn, id, Through::V2, changes)) {
            Ok(changed) => answered(tx, caller, changed),
            Err(error @ app::Error::Invalid(_)) => {
                let stands = orders::get(tx, caller, id)?.order.status;
                Err(Said::of(changes).changing(error, id, stands).into())
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// POST: has the list mailed.
pub async fn export(call: Writing<Seller>, body: JsonBody) -> Result<Response<Body>, Error> {
    let mail = call.app().new_id();
    let wish = call.body(&body, &EXPORT, |input| {
        let email: Option<Email> = input.given("email", parsed);
        let filter = exported(input);
        Some((email?, filter))
    });
    let app = call.app().clone();
    let mut counted = false;
    let mut response = call
        .rendered(StatusCode::OK, &body, wish, move |tx, caller, (email, filter)| {
            // Once, however often the transaction is run; a repetition of the request mails nothing and does not come here.
            if let Some(acting) = caller.partner.as_ref().filter(|_| !counted) {
                app.limits.export(acting.id, email)?;
                counted = true;
            }
            orders::export(tx, caller, mail, email, filter)?;
            Ok(Vec::new())
        })
        .await?;
    if response.status() == StatusCode::OK {
        // Nothing is no JSON.
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    Ok(response)
}

fn answered(tx: &mut Tx<'_>, caller: &Caller, changed: Changed) -> Result<Vec<u8>, Error> {
    let not_done: Vec<Wrong> = changed.refused.iter().map(not_given).collect();
    let whole = orders::whole(tx, caller, changed.view)?;
    Ok(envelope::one(tx, &whole, &not_done)?)
}

/// A promocode that the order was not given.
fn not_given(refused: &CodeRefused) -> Wrong {
    let code = match refused.why {
        CodeRefusal::Unknown | CodeRefusal::NotNow(_) => "promocode_not_found",
        CodeRefusal::NotApplied(NotApplied::UsedUp { .. }) => "promocode_already_used",
        CodeRefusal::NotApplied(NotApplied::TooFew { .. }) => "promocode_limit_min_tickets",
        CodeRefusal::Waits
        | CodeRefusal::NotApplied(NotApplied::TooMany { .. } | NotApplied::OtherSets | NotApplied::Unsellable { .. }) => {
            "promocode_apply_info"
        }
    };
    Wrong { field: None, code, message: format!("{}: {}", refused.code, refused.why) }
}

/// What a request asked for, to say what was wrong with it in the words of version 2, which programs compare.
struct Said<'c> {
    tickets: &'c [TicketId],
    status: Option<OrderStatus>,
}

impl<'c> Said<'c> {
    fn of(changes: &'c Changes) -> Self {
        let tickets = match &changes.wish {
            Some(Wanted::Tickets(tickets)) => tickets.as_slice(),
            _ => &[],
        };
        Self { tickets, status: changes.status }
    }

    fn creating(&self, error: app::Error, event: Option<EventId>) -> app::Error {
        each_wrong(error, |field, code| match (field, code) {
            ("event", "unknown") => event.map(|event| format!("Event {event} not found")),
            ("deal", "unknown" | "not_for_sale") => Some("Deal not found".to_owned()),
            _ => self.either(field, code),
        })
    }

    fn changing(&self, error: app::Error, order: OrderId, stands: OrderStatus) -> app::Error {
        each_wrong(error, |field, code| match (field, code) {
            ("status", "conflict") if self.status == Some(OrderStatus::Canceled) => {
                Some(format!("Order {order} is not cancellable"))
            }
            ("status", "conflict") => Some(format!("Incorrect status {} for this operation", stands.name_v2())),
            _ => self.either(field, code),
        })
    }

    fn either(&self, field: &str, code: &str) -> Option<String> {
        match (field, code) {
            ("status", "no_tickets") => Some("there is no tickets in order".to_owned()),
            (field, "unknown" | "other_event") => {
                let at: usize = field.strip_prefix("tickets[")?.strip_suffix(']')?.parse().ok()?;
                let ticket = self.tickets.get(at)?;
                Some(format!("ticket (id = {ticket}) does not belong to current event"))
            }
            _ => None,
        }
    }
}

/// Says what is wrong in other words, where there are some.
fn each_wrong(error: app::Error, words: impl Fn(&str, &str) -> Option<String>) -> app::Error {
    let app::Error::Invalid(wrongs) = error else { return error };
    let say = |wrong: Wrong| match wrong.field.as_deref().and_then(|field| words(field, wrong.code)) {
        Some(message) => Wrong { field: None, message, ..wrong },
        None => wrong,
    };
    app::Error::Invalid(wrongs.into_iter().map(say).collect())
}

fn new_order(input: &mut Input<'_>) -> Option<NewOrder> {
    let event = input.nullable("event", parsed).flatten();
    let changes = changes(input)?;
    match &changes.wish {
        _ if input.has_wrongs() => {}
        Some(Wanted::Tickets(tickets)) if tickets.is_empty() => {
            input.wrong_whole(Invalid::new("required", "tickets list length is less than 1"));
        }
        Some(Wanted::Random(random)) if !random.is_empty() => {}
        Some(Wanted::Tickets(_)) => {}
        Some(Wanted::Random(_)) | None => {
            input.wrong_whole(Invalid::new("required", "'tickets' or 'random' must be"));
        }
    }
    let new = NewOrder { event, deal: None, origin: Origin::Api, changes };
    if !input.has_wrongs() && new.bucket().is_err() {
        input.wrong("event", Invalid::new("required", "is required, unless tickets are given"));
        return None;
    }
    Some(new)
}

fn changes(input: &mut Input<'_>) -> Option<Changes> {
    let settings = match input.nullable("settings", object) {
        Some(Some(())) => input.nested("settings", settings).unwrap_or_default(),
        _ => Settings::default(),
    };
    let vendor_data = match input.nullable("vendor_data", object) {
        Some(Some(())) => input.nested("vendor_data", vendor_data).map(Some),
        cleared => cleared.map(|_| None),
    };
    Some(Changes {
        customer: settings.customer,
        payment: PaymentPatch { send_tickets: settings.send_tickets, ..PaymentPatch::default() },
        wish: wish_of(input, |input| {
            input.wrong_whole(Invalid::conflict("Only one of tickets or random can be set"));
        }),
        all_or_nothing: input.nullable("all_or_nothing", flag).flatten().unwrap_or(false),
        promocodes: input.list("promocodes", CODES_MAX, short),
        vendor_data,
        status: input.given("status", |value| match string(value)? {
            "done" => Ok(OrderStatus::Done),
            "cancelled" | "canceled" => Ok(OrderStatus::Canceled),
            _ => Err(Invalid::unknown("must be done or cancelled")),
        }),
    })
}

#[derive(Default)]
struct Settings {
    customer: Option<Option<CustomerPatch>>,
    send_tickets: Option<bool>,
}

fn settings(input: &mut Input<'_>) -> Option<Settings> {
    let customer = match input.nullable("customer", object) {
        Some(Some(())) => input.nested("customer", customer).map(Some),
        cleared => cleared.map(|_| None),
    };
    let send_tickets = input.nullable("send_tickets", flag).map(|send_tickets| send_tickets.unwrap_or(false));
    Some(Settings { customer, send_tickets })
}

fn customer(input: &mut Input<'_>) -> Option<CustomerPatch> {
    Some(CustomerPatch {
        email: input.nullable("email", parsed),
        name: input.nullable("name", short),
        mobile: input.nullable("phone", short),
        lang: input.nullable("lang", short),
        ..CustomerPatch::default()
    })
}

fn vendor_data(input: &mut Input<'_>) -> Option<VendorData> {
    let order_id = input.nullable("order_id", |value| at_most(ORDER_ID_MAX, short(value)?)).flatten();
    let raw = match input.nullable("raw", object).flatten() {
        Some(()) => input.nested("raw", raw)?,
        None => BTreeMap::new(),
    };
    Some(VendorData { order_id, raw })
}

fn raw(input: &mut Input<'_>) -> Option<BTreeMap<String, String>> {
    let names = input.names();
    if names.len() > RAW_MAX {
        input.wrong("", Invalid::out_of_range(format!("must not have more than {RAW_MAX} keys")));
        return None;
    }
    let mut raw = BTreeMap::new();
    for name in names {
        if name.chars().count() > RAW_KEY_MAX || name.contains('\0') {
            let message = format!("every key must have at most {RAW_KEY_MAX} characters, none of them U+0000");
            input.wrong("", Invalid::out_of_range(message));
            continue;
        }
        // Null is a value here as any other.
        let value = input.nullable(&name, scalar)?.unwrap_or_else(|| Value::Null.to_string());
        raw.insert(name, value);
    }
    Some(raw)
}

/// A value that is no object or list, as the JSON that it was given as.
fn scalar(value: &Value) -> Result<String, Invalid> {
    let text = match value {
        Value::Object(_) | Value::Array(_) => {
            return Err(Invalid::wrong_type("must be a string, a number, true, false or null"));
        }
        Value::String(text) if text.contains('\0') => {
            return Err(Invalid::malformed("must not contain the character U+0000"));
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    at_most(RAW_VALUE_MAX, text)?;
    Ok(value.to_string())
}

fn at_most(max: usize, text: String) -> Result<String, Invalid> {
    if text.chars().count() <= max {
        return Ok(text);
    }
    Err(Invalid::out_of_range(format!("must have at most {max} characters")))
}

/// The filters of the list in a body: several values as a list, or separated by commas as in a query.
fn exported(input: &mut Input<'_>) -> Filter {
    let times =
        several(input, "created_at", |text| if text.is_empty() { Ok(None) } else { parse_time(text).map(Some) });
    let (created_from, created_to) = match times.as_deref() {
        None => (None, None),
        Some([from]) => (*from, None),
        Some([from, to]) => (*from, *to),
        Some(_) => {
            input.wrong("created_at", Invalid::malformed("must be two times: from,to"));
            (None, None)
        }
    };
    Filter {
        created_from,
        created_to,
        statuses: several(input, "status", status).unwrap_or_default(),
        events: several(input, "events", str::parse).unwrap_or_default(),
        with_customer: input.given("only_with_customer", boolean).unwrap_or(false),
        ..Filter::default()
    }
}

fn several<T>(input: &mut Input<'_>, name: &'static str, read: impl Fn(&str) -> Result<T, Invalid>) -> Option<Vec<T>> {
    if input.is_list(name) {
        return input.list(name, FILTER_MAX, |value| read(string(value)?));
    }
    let read_all = |value: &Value| match string(value)? {
        "" => Ok(None),
        text => text.split(',').map(|part| read(part.trim())).collect::<Result<Vec<T>, Invalid>>().map(Some),
    };
    input.given(name, read_all).flatten()
}
