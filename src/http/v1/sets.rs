//! `/v1/resources/events/{idevent}/sets`

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use crate::app::sets::{self, Changes, GivenMoney, GivenPrice, GivenRule, New, Ranges, SetView};
use crate::app::{App, tickets};
use crate::domain::id::{BatchId, Bucket, EventId, SetId};
use crate::domain::invalid::Invalid;
use crate::domain::period::Period;
use crate::domain::set::{RULES_MAX, check_amount, check_pos};
use crate::domain::text;
use crate::http::call::{Manager, Member};
use crate::http::error::Error;
use crate::http::fields::{Type, shapes, shapes_without};
use crate::http::input::{BodyDoc, Input, JsonBody, integer, long, parsed, string};
use crate::http::path::{PathId, PathIds};
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

/// The most ranges of seats that one row may have.
const RANGES_MAX: usize = 1_000;

/// Parameters of the list.
pub const LIST: &[Param] = &[Param::new("removed", Type::Bool, "Only removed sets, or only others (unless given)")];
/// The body of a new set.
pub const POST: BodyDoc = BodyDoc { shapes: shapes::<SetView>, extra: &[], required: &["name"] };
/// The body of a change.
pub const PATCH: BodyDoc = BodyDoc { shapes: || shapes_without::<SetView>(&[]), extra: &[], required: &[] };

/// GET of the list.
pub async fn list(call: Reading<Member>, id: PathId<EventId>) -> Result<Response<Body>, Error> {
    let wish = call.query(LIST, |query| (id, query.flag("removed").unwrap_or(false)));
    let source = Source {
        rows: |_, tx, caller, (id, removed): &(PathId<EventId>, bool), window| {
            sets::list(tx, caller, id.get()?, *removed, window)
        },
        count: |tx, caller, (id, removed)| sets::count(tx, caller, id.get()?, *removed),
        id: |view: &SetView| view.set.id,
    };
    call.list(wish, source).await
}

/// GET of one.
pub async fn get(call: Reading<Member>, ids: PathIds<EventId, SetId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| {
        let (event, id) = ids.get()?;
        sets::get(tx, caller, event, id)
    })
    .await
}

/// POST: makes a set with its tickets.
pub async fn create(call: Writing<Manager>, id: PathId<EventId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let given = call.body(&body, &POST, changes);
    let app = call.app().clone();
    let bucket = id.get().map_or(Bucket([0; 2]), |event| event.bucket());
    let (new, rest) = (New::draw(&app, bucket)?, Rest::of(given.as_ref().ok()));
    let batch = new.batch;
    let answer = call
        .one(StatusCode::OK, &body, given, move |tx, caller, changes| {
            sets::create(tx, caller, id.get()?, &new, changes)
        })
        .await?;
    rest.make(&app, batch, answer.status()).await;
    Ok(answer)
}

/// PATCH: changes it, all or nothing.
pub async fn change(
    call: Writing<Manager>,
    ids: PathIds<EventId, SetId>,
    body: JsonBody,
) -> Result<Response<Body>, Error> {
    let given = call.body(&body, &PATCH, changes);
    let app = call.app().clone();
    let bucket = ids.get().map_or(Bucket([0; 2]), |(event, _)| event.bucket());
    let (new, rest) = (New::draw(&app, bucket)?, Rest::of(given.as_ref().ok()));
    let batch = new.batch;
    let answer = call
        .one(StatusCode::OK, &body, given, move |tx, caller, changes| {
            sets::change(tx, caller, ids.get()?, &new, changes)
        })
        .await?;
    rest.make(&app, batch, answer.status()).await;
    Ok(answer)
}

/// DELETE: removes it with its tickets.
pub async fn remove(call: Writing<Manager>, ids: PathIds<EventId, SetId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| {
        let (event, id) = ids.get()?;
        sets::remove(tx, caller, event, id)
    })
    .await
}

/// Whether a request may leave tickets to make after its own transaction.
#[derive(Clone, Copy)]
struct Rest(bool);

impl Rest {
    fn of(changes: Option<&Changes>) -> Self {
        let part = i64::try_from(tickets::PART).unwrap_or(i64::MAX);
        Self(changes.is_some_and(|given| given.seats.is_some() || given.amount.is_some_and(|amount| amount > part)))
    }

    /// Makes the rest before the answer is sent. What fails here is left to a job: the set is made, and its tickets count.
    async fn make(self, app: &App, batch: BatchId, answered: StatusCode) {
        if self.0
            && answered.is_success()
            && let Err(error) = tickets::make_rest(app, batch).await
        {
            tracing::warn!(%batch, error = ?error, "The tickets of a set are not made yet; a job goes on with them.");
        }
    }
}

fn changes(input: &mut Input<'_>) -> Option<Changes> {
    let price = GivenPrice { price: input.given("price", money), nominal: input.given("price_org", money) };
    let rules = input.list("rules", RULES_MAX, |value| Ok(value.clone()));
    let rules = rules.map(|values| {
        let rule = |(at, value)| rule(input, at, value);
        values.iter().enumerate().filter_map(rule).collect()
    });
    Some(Changes {
        name: input.given("name", |value| text::name(string(value)?, text::SHORT_MAX)),
        description: input.nullable("description", long),
        pos: input.nullable("pos", |value| check_pos(integer(value)?)),
        amount: input.given("amount", |value| check_amount(integer(value)?)),
        price: Some(price).filter(|price| *price != GivenPrice::default()),
        rules,
        sector: input.nullable("sector", parsed).flatten(),
        seats: input.nullable("seats", ranges).flatten(),
    })
}

/// A price: text, or a number, which is read from its digits.
fn money(value: &Value) -> Result<GivenMoney, Invalid> {
    match value {
        Value::String(text) => Ok(GivenMoney(text.clone())),
        Value::Number(number) => Ok(GivenMoney(number.to_string())),
        _ => Err(Invalid::wrong_type("must be an amount such as \"150.00\"")),
    }
}

fn rule(input: &mut Input<'_>, at: usize, value: &Value) -> Option<GivenRule> {
    let mut field = |name: &str, invalid: Invalid| input.wrong(&format!("rules[{at}]{name}"), invalid);
    let Value::Object(rule) = value else {
        field("", Invalid::wrong_type("must be an object"));
        return None;
    };
    let id = match rule.get("id") {
        None | Some(Value::Null) => Ok(None),
        Some(id) => parsed(id).map(Some),
    };
    let cal = rule.get("cal").ok_or_else(Invalid::required).and_then(|cal| Period::parse_vevent(string(cal)?));
    let (price, nominal) = (rule.get("price").map(money), rule.get("price_org").map(money));
    if price.is_none() && nominal.is_none() {
        field(".price", Invalid::required());
        return None;
    }
    let id = id.map_err(|invalid| field(".id", invalid)).ok();
    let cal = cal.map_err(|invalid| field(".cal", invalid)).ok();
    let price = price.transpose().map_err(|invalid| field(".price", invalid)).ok();
    let nominal = nominal.transpose().map_err(|invalid| field(".price_org", invalid)).ok();
    Some(GivenRule { id: id?, cal: cal?, price: GivenPrice { price: price?, nominal: nominal? } })
}

/// Ranges of seats by row: `{"3": [[1, 12], ["14", "15a"]]}`.
fn ranges(value: &Value) -> Result<Ranges, Invalid> {
    let form = || Invalid::wrong_type("must be ranges of seats by row, such as {\"3\": [[1, 12], [\"14\", \"15a\"]]}");
    let name = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) => Ok(integer(value)?.to_string()),
        _ => Err(form()),
    };
    let mut rows = BTreeMap::new();
    for (row, ranges) in value.as_object().ok_or_else(form)? {
        let ranges = ranges.as_array().ok_or_else(form)?;
        if ranges.len() > RANGES_MAX {
            return Err(Invalid::out_of_range(format!("must not have more than {RANGES_MAX} ranges in a row")));
        }
        let range = |range: &Value| match range.as_array().map(Vec::as_slice) {
            Some([first, last]) => Ok((name(first)?, name(last)?)),
            _ => Err(form()),
        };
        rows.insert(row.clone(), ranges.iter().map(range).collect::<Result<_, _>>()?);
    }
    Ok(rows)
}
