//! `/v1/resources/deals`

use axum::body::Body;
use axum::http::{Response, StatusCode};

use crate::app;
use crate::app::deals::{self, Changes, Filter, Proposal};
use crate::domain::access::Caller;
use crate::domain::deal::{Deal, DealStatus, DealTitle};
use crate::domain::id::DealId;
use crate::domain::invalid::Invalid;
use crate::http::call::Manager;
use crate::http::error::Error;
use crate::http::fields::{Type, deals::STATUSES, shapes_without};
use crate::http::input::{BodyDoc, Input, JsonBody, boolean, parsed, share, short};
use crate::http::path::PathId;
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;
use crate::store::Tx;

/// How many sets a warning names: headers are short.
const WARNED_SETS: usize = 10;

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new("partner", Type::Id, "Only deals with this partner on a side"),
    Param::new(
        "status",
        Type::Words(STATUSES),
        "Only deals in these statuses (new and accepted unless given); all: in any",
    ),
    Param::new("event", Type::Id, "Only deals for this event"),
    Param::new("ids", Type::Ids, "Only these deals"),
];
/// The body of a proposal.
pub const POST: BodyDoc = BodyDoc {
    shapes: || shapes_without::<Deal>(&["reversed_deal", "status"]),
    extra: &[Param::new(
        "obj",
        Type::OptId,
        "The partner it is made by; heeded from the platform, else it is the caller",
    )],
    required: &["event", "subj", "term", "term.org"],
};
/// The body of a change: all but `status` and `reversed_deal` is read-only.
pub const PATCH: BodyDoc = BodyDoc {
    shapes: || shapes_without::<Deal>(&["event", "message", "subj", "term", "title"]),
    extra: &[],
    required: &[],
};

/// GET of the list.
pub async fn list(call: Reading<Manager>) -> Result<Response<Body>, Error> {
    let filter = call.query(LIST, |query| Filter {
        partner: query.one("partner"),
        statuses: match query.many_as("status", status) {
            None => vec![DealStatus::New, DealStatus::Accepted],
            // An empty list is any status.
            Some(statuses) if statuses.contains(&None) => Vec::new(),
            Some(statuses) => statuses.into_iter().flatten().collect(),
        },
        event: query.one("event"),
        ids: query.many("ids"),
    });
    let source = Source {
        rows: |_, tx, caller, filter, window| deals::list(tx, caller, filter, window),
        count: deals::count,
        id: |deal: &Deal| deal.id,
    };
    call.list(filter, source).await
}

fn status(text: &str) -> Result<Option<DealStatus>, Invalid> {
    if text == "all" { Ok(None) } else { text.parse().map(Some) }
}

/// GET of one.
pub async fn get(call: Reading<Manager>, id: PathId<DealId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| deals::get(tx, caller, id.get()?)).await
}

/// POST: proposes a deal.
pub async fn propose(call: Writing<Manager>, body: JsonBody) -> Result<Response<Body>, Error> {
    let proposal = call.body(&body, &POST, proposal);
    let (app, id) = (call.app().clone(), call.app().new_id());
    call.one_with_warning(StatusCode::OK, &body, proposal, move |tx, caller, proposal| {
        let deal = deals::propose(tx, caller, &app.installation, id, proposal)?;
        with_warning(tx, caller, deal)
    })
    .await
}

/// PATCH: answers it, withdraws it, closes it, or hands it over.
pub async fn change(call: Writing<Manager>, id: PathId<DealId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let changes = call.body(&body, &PATCH, |input| {
        Some(Changes {
            reversed: input.nullable("reversed_deal", boolean).map(|reversed| reversed.unwrap_or(false)),
            status: input.given("status", parsed),
        })
    });
    call.one_with_warning(StatusCode::OK, &body, changes, move |tx, caller, changes| {
        let deal = deals::change(tx, caller, id.get()?, *changes)?;
        with_warning(tx, caller, deal)
    })
    .await
}

/// The deal, and what is said of terms that cannot sell everything.
fn with_warning(tx: &mut Tx<'_>, caller: &Caller, deal: Deal) -> Result<(Deal, Option<String>), app::Error> {
    let sets = deals::unsellable(tx, caller, &deal)?;
    let named = sets.iter().take(WARNED_SETS).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let others = sets.len().saturating_sub(WARNED_SETS);
    let named = if others > 0 { format!("{named} and {others} more") } else { named };
    let warning = format!(
        "term: leaves the agent less than nothing of a ticket of these sets, no order of them is taken: {named}"
    );
    Ok((deal, (!sets.is_empty()).then_some(warning)))
}

fn proposal(input: &mut Input<'_>) -> Option<Proposal> {
    let event = input.given("event", parsed);
    let subj = input.given("subj", parsed);
    let obj = input.nullable("obj", |value| Ok(parsed(value))).flatten();
    let message = input.nullable("message", short).flatten();
    let title = input.object::<DealTitle>("title").flatten();
    let title = title.and_then(|title| {
        let checked = title.checked();
        checked.map_err(|(field, invalid)| input.wrong(&format!("title.{field}"), invalid)).ok()
    });
    let (org, extra, core, pfc) = input.nested("term", |term| {
        let org = term.required("org", share);
        let extra = term.nullable("extra", share).flatten();
        let core = term.nullable("core", |value| Ok(share(value))).flatten();
        let pfc = term.nullable("pfc", boolean).flatten().unwrap_or(false);
        Some((org?, extra, core, pfc))
    })?;
    Some(Proposal { event: event?, subj: subj?, obj, org, extra, core, pfc, message, title })
}
