//! The list of events for sale: a store of its own with 1,000 events of 4 sets of 500 tickets, and how long an agent waits for
//! a page of it, and for all of it.

use std::time::{Duration, Instant};

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::client::{Client, Target, get};
use super::fill::{deal_of, event_of, partner, wrong};
use super::measure::median;
use super::plan::{AGENT, Kind, PLATFORM, Size, id};
use crate::app::api_keys::NewKey;
use crate::app::partners::Filter;
use crate::app::{App, Error};
use crate::cli::platform::{Access, Platform};
use crate::cli::{Failure, answer, refused};
use crate::config::{Config, Options};
use crate::domain::deal::DealStatus;
use crate::domain::id::{EventId, RuleId, SetId, TicketId, VenueId};
use crate::domain::money::Money;
use crate::domain::period::Period;
use crate::domain::place::Venue;
use crate::domain::set::{Rule, Set};
use crate::store::tickets::NewTicket;
use crate::store::{self, Tx};

/// How many events the agent sells.
const EVENTS: u32 = 1_000;
/// How many sets each has.
const SETS: u32 = 4;
/// How many tickets each set has.
const TICKETS: u32 = 500;
/// Their organizer, as a number of a partner.
const ORGANIZER: u32 = 2;
/// How many events a page has.
const PAGE: u32 = 50;
/// How often a page is read, and all events.
const PAGES: u32 = 200;
const WHOLE: u32 = 20;
const OFFERS: &str = "/v1/services/simple/events";

#[derive(Args)]
pub(in crate::cli) struct FillOffers {
    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
pub(in crate::cli) struct Offers {
    /// The server with the events: URL,KEY,KEY
    target: Target,

    /// What the lines of the table begin with
    #[arg(long, default_value = "")]
    label: String,
}

/// Fills an empty store, and prints the keys of the agent and of the platform.
pub(super) fn fill(fill: FillOffers) -> Result<(), Failure> {
    let config = Config::load(fill.options)?;
    let platform = Platform::open(&config, Access::Alone)?;
    let (agent_key, platform_key) = platform.run(async move |app| write_all(&app).await.map_err(refused))?;
    answer(format_args!("{agent_key},{platform_key}"))
}

async fn write_all(app: &App) -> Result<(String, String), Error> {
    let found = app.store.read(|tx| store::partners::count(tx, &Filter::default())).await?;
    if found > 0 {
        return Err(Error::conflict("not_empty", "only an empty store is filled for measuring"));
    }
    let [agent, platform, organizer] = [NewKey::draw(app)?, NewKey::draw(app)?, NewKey::draw(app)?];
    let keys = (agent.token.clone(), platform.token.clone());
    app.store
        .write(move |tx| {
            for (number, key) in [(AGENT, &agent), (PLATFORM, &platform), (ORGANIZER, &organizer)] {
                partner(tx, Size::Small, number, key)?;
            }
            venue(tx)
        })
        .await?;
    for number in 0..EVENTS {
        let event: EventId = id(Kind::Event, number);
        let new: Vec<(SetId, RuleId, Vec<TicketId>)> = (0..SETS)
            .map(|_| {
                let bucket = event.bucket();
                let tickets = (0..TICKETS).map(|_| app.new_id_in(bucket)).collect();
                (app.new_id_in(bucket), app.new_id_in(bucket), tickets)
            })
            .collect();
        app.store.write(move |tx| offer(tx, number, &new)).await?;
    }
    Ok(keys)
}

fn venue(tx: &mut Tx<'_>) -> Result<(), Error> {
    let now = tx.now();
    let venue = Venue {
        id: venue_id()?,
        org: id(Kind::Partner, ORGANIZER),
        name: "Большой зал".to_owned(),
        desc: None,
        address: Some("Театральная площадь, 1".to_owned()),
        city: Some("524901".parse().map_err(wrong)?),
        country: Some("RU".parse().map_err(wrong)?),
        point: None,
        removed: false,
        created_at: now,
        updated_at: now,
    };
    Ok(store::venues::insert(tx, &venue)?)
}

fn venue_id() -> Result<VenueId, Error> {
    "53555b2256c02c17cb757901".parse().map_err(wrong)
}

/// An event with its sets, some of whose tickets are taken, and the agent's deal for it.
fn offer(tx: &mut Tx<'_>, number: u32, new: &[(SetId, RuleId, Vec<TicketId>)]) -> Result<(), Error> {
    let mut event = event_of(tx, number, id(Kind::Partner, ORGANIZER))?;
    event.venue = Some(venue_id()?);
    store::events::insert(tx, &event)?;
    let now = tx.now();
    let end = event.lifetime.end;
    let cal = Period::new(now.checked_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::UNIX_EPOCH), end);
    let cal = cal.map_err(wrong)?;
    for (pos, (set, rule, tickets)) in (0..).zip(new) {
        let price = Money { minor: 100_000 * (pos + 1), currency: event.currency };
        let set = Set {
            id: *set,
            event: event.id,
            name: format!("Категория {}", pos + 1),
            description: None,
            pos,
            amount: TICKETS.into(),
            serial: "AEY".to_owned(),
            seats: None,
            rules: vec![Rule { id: *rule, cal, price }],
            surplus: None,
            removed: false,
            created_at: now,
            updated_at: now,
        };
        store::sets::insert(tx, &set)?;
        let first = store::events::give_numbers(tx, event.id, TICKETS.into())?;
        let ticket = |(number, id): (i64, &TicketId)| NewTicket { id: *id, number, seat: None };
        store::tickets::insert(tx, &set, &(first..).zip(tickets).map(ticket).collect::<Vec<_>>())?;
        for shard in 0..4 {
            store::sets::count_taken(tx, set.id, shard, 10)?;
        }
    }
    let terms = (id(Kind::Partner, ORGANIZER), id(Kind::Partner, AGENT), DealStatus::Accepted);
    Ok(store::deals::insert(tx, &deal_of(tx, number, &event, terms)?)?)
}

/// Reads pages and the whole list, one after the other.
pub(super) fn run(offers: &Offers) -> Result<(), Failure> {
    let mut client = Client::connect(&offers.target)?;
    let mut pages = Vec::new();
    for number in 0..=PAGES {
        let page = number % (EVENTS / PAGE) + 1;
        pages.push(time(&mut client, offers, &format!("{OFFERS}?page={page}&page_size={PAGE}"), PAGE)?);
    }
    let mut whole = Vec::new();
    for _ in 0..=WHOLE {
        whole.push(time(&mut client, offers, OFFERS, EVENTS)?);
    }
    for (what, times) in
        [(format!("a page of {PAGE} events"), &mut pages), (format!("all {EVENTS} events"), &mut whole)]
    {
        // The first one warms up.
        let longest = times.iter().skip(1).max().copied().unwrap_or_default();
        let median = median(times.get_mut(1..).unwrap_or_default());
        let [median, longest] = [median, longest].map(|time| time.as_secs_f64() * 1_000.0);
        answer(format_args!("| {}{what} | {median:.1} ms | {longest:.1} ms |", offers.label))?;
    }
    Ok(())
}

fn time(client: &mut Client, offers: &Offers, path: &str, expected: u32) -> Result<Duration, Failure> {
    let request = get(path, &offers.target.agent_key);
    let began = Instant::now();
    let body = client.ask(&request)?;
    let time = began.elapsed();
    let found: Vec<serde_json::Value> = serde_json::from_slice(&body)?;
    if found.len() == expected as usize {
        return Ok(time);
    }
    Err(Failure::new(format!("the list has {} events and not {expected}", found.len())))
}
