//! `/v1/resources/balances`, `/v1/resources/entries` and `/v1/resources/payouts`

use axum::body::Body;
use axum::http::{Response, StatusCode};

use crate::app::ledger::{self, BalanceKey, Filter, NewPayout};
use crate::domain::ledger::{Account, Balance, Entry, Payout};
use crate::domain::money::{Currency, Money};
use crate::domain::time::parse_time;
use crate::http::call::Manager;
use crate::http::error::Error;
use crate::http::fields::{Type, shapes};
use crate::http::input::{BodyDoc, Input, JsonBody, parsed, short, string};
use crate::http::query::{Param, Query};
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

const PARTNER: Param = Param::new("partner", Type::Id, "Only those of this partner");
const DEAL: Param = Param::new("deal", Type::Id, "Only those of this deal");
const CURRENCY: Param = Param::new("currency", Type::Text, "Only those in this currency, by its code of ISO 4217");
const ACCOUNT: Param = Param::new("account", Type::Word(Account::WORDS), "Only accounts of this kind");
const FROM: Param = Param::new("from", Type::Time, "Only those written at this time or later");
const TO: Param = Param::new("to", Type::Time, "Only those written before this time");

/// Parameters of the list of balances.
pub const BALANCES: &[Param] = &[ACCOUNT, CURRENCY, DEAL, PARTNER];
/// Parameters of the list of entries.
pub const ENTRIES: &[Param] = &[
    ACCOUNT,
    CURRENCY,
    DEAL,
    Param::new("event", Type::Id, "Only those of this event"),
    FROM,
    Param::new("order", Type::Id, "Only those of this order"),
    PARTNER,
    TO,
];
/// Parameters of the list of payouts.
pub const PAYOUTS: &[Param] =
    &[CURRENCY, DEAL, FROM, Param::new("partner", Type::Id, "Only those with this partner on a side"), TO];
/// The body of a payout.
pub const POST: BodyDoc = BodyDoc { shapes: shapes::<Payout>, extra: &[], required: &["from", "to", "amount"] };

/// What a list of the ledger is asked for: what its declared parameters say.
fn filter_of(params: &[Param], query: &mut Query<'_>) -> Filter {
    let declared = |name: &str| params.iter().any(|param| param.name == name);
    let mut filter = Filter { partner: query.one("partner"), deal: query.one("deal"), ..Filter::default() };
    filter.currency = query.one("currency");
    if declared("account") {
        filter.account = query.one_as("account", |text| {
            let known = Account::WORDS.iter().copied().find(|word| *word == text);
            known.ok_or_else(|| {
                crate::domain::invalid::Invalid::out_of_range(format!("must be one of {}", Account::WORDS.join(", ")))
            })
        });
    }
    if declared("order") {
        (filter.order, filter.event) = (query.one("order"), query.one("event"));
    }
    if declared("from") {
        (filter.from, filter.to) = (query.one_as("from", parse_time), query.one_as("to", parse_time));
    }
    filter
}

/// GET of the balances.
pub async fn balances(call: Reading<Manager>) -> Result<Response<Body>, Error> {
    let filter = call.query(BALANCES, |query| filter_of(BALANCES, query));
    let source = Source {
        rows: |_, tx, caller, filter, window| ledger::balances(tx, caller, filter, window),
        count: ledger::count_balances,
        id: |balance: &Balance| BalanceKey::from(balance),
    };
    call.list(filter, source).await
}

/// GET of the entries.
pub async fn entries(call: Reading<Manager>) -> Result<Response<Body>, Error> {
    let filter = call.query(ENTRIES, |query| filter_of(ENTRIES, query));
    let source = Source {
        rows: |_, tx, caller, filter, window| ledger::entries(tx, caller, filter, window),
        count: ledger::count_entries,
        id: |entry: &Entry| entry.id,
    };
    call.list(filter, source).await
}

/// GET of the payouts.
pub async fn payouts(call: Reading<Manager>) -> Result<Response<Body>, Error> {
    let filter = call.query(PAYOUTS, |query| filter_of(PAYOUTS, query));
    let source = Source {
        rows: |_, tx, caller, filter, window| ledger::payouts(tx, caller, filter, window),
        count: ledger::count_payouts,
        id: |payout: &Payout| payout.id,
    };
    call.list(filter, source).await
}

/// POST: records a payout.
pub async fn record(call: Writing<Manager>, body: JsonBody) -> Result<Response<Body>, Error> {
    let currency = call.app().installation.currency;
    let new = call.body(&body, &POST, |input| payout(input, currency));
    let id = call.app().new_id();
    let ids = call.app().payout_entry_ids();
    call.one(StatusCode::CREATED, &body, new, move |tx, caller, new| ledger::record(tx, caller, id, &ids, new)).await
}

fn payout(input: &mut Input<'_>, installation: Currency) -> Option<NewPayout> {
    let from = input.given("from", parsed);
    let to = input.given("to", parsed);
    let deal = input.nullable("deal", parsed).flatten();
    let note = input.nullable("note", short).flatten();
    let currency = if input.has("currency") { input.given("currency", parsed) } else { Some(installation) };
    // What an amount is worth is known once its currency is; one that is wrong is named alone.
    let amount = input.given("amount", |value| {
        let text = string(value)?;
        Money::parse(text, currency.unwrap_or(installation))
    });
    Some(NewPayout { from: from?, to: to?, deal, amount: amount?, note })
}
