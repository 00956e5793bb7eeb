//! Fills an empty store through the store's own functions, in transactions of many rows.

use std::ops::Range;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::plan::{AGENT, Kind, PLATFORM, Size, id};
use crate::app::api_keys::{self, NewKey};
use crate::app::partners::Filter;
use crate::app::{App, Error};
use crate::cli::platform::{Access, Platform};
use crate::cli::{Failure, answer, refused};
use crate::config::{Config, Options};
use crate::domain::contact::Contact;
use crate::domain::deal::{Deal, DealStatus};
use crate::domain::event::{AgeRating, Event, EventStatus, Title};
use crate::domain::id::PartnerId;
use crate::domain::invalid::Invalid;
use crate::domain::member::{Member, MemberRole};
use crate::domain::partner::Partner;
use crate::domain::period::Period;
use crate::domain::share::Share;
use crate::domain::terms::Terms;
use crate::domain::user::User;
use crate::store::{self, Tx};

/// How many things one transaction writes.
const AT_ONCE: u32 = 5_000;

#[derive(Args)]
pub(in crate::cli) struct Fill {
    /// How much the store is to hold
    size: Size,

    #[command(flatten)]
    options: Options,
}

pub(super) fn run(fill: Fill) -> Result<(), Failure> {
    let config = Config::load(fill.options)?;
    let platform = Platform::open(&config, Access::Alone)?;
    let (agent_key, platform_key) = platform.run(async move |app| write_all(&app, fill.size).await.map_err(refused))?;
    answer(format_args!("{agent_key},{platform_key}"))
}

/// Answers with the keys of the agent and of the platform.
async fn write_all(app: &App, size: Size) -> Result<(String, String), Error> {
    let found = app.store.read(|tx| store::partners::count(tx, &Filter::default())).await?;
    if found > 0 {
        return Err(Error::conflict("not_empty", "only an empty store is filled for measuring"));
    }
    let (mut agent_key, mut platform_key) = (String::new(), String::new());
    for numbers in batches(size.partners()) {
        let keys = numbers.clone().map(|_| NewKey::draw(app)).collect::<Result<Vec<_>, _>>()?;
        for (number, key) in numbers.clone().zip(&keys) {
            match number {
                AGENT => agent_key.clone_from(&key.token),
                PLATFORM => platform_key.clone_from(&key.token),
                _ => {}
            }
        }
        app.store
            .write(move |tx| numbers.clone().zip(&keys).try_for_each(|(number, key)| partner(tx, size, number, key)))
            .await?;
    }
    for numbers in batches(size.events()) {
        app.store.write(move |tx| numbers.clone().try_for_each(|number| event(tx, size, number))).await?;
    }
    for numbers in batches(size.deals()) {
        app.store.write(move |tx| numbers.clone().try_for_each(|number| deal(tx, size, number))).await?;
    }
    Ok((agent_key, platform_key))
}

fn batches(count: u32) -> impl Iterator<Item = Range<u32>> {
    (0..count).step_by(AT_ONCE as usize).map(move |start| start..(start + AT_ONCE).min(count))
}

/// A partner with its user and its key.
pub(super) fn partner(tx: &mut Tx<'_>, size: Size, number: u32, key: &NewKey) -> Result<(), Error> {
    let now = Some(tx.now());
    let user = User {
        id: id(Kind::User, number),
        email: format!("user-{number}@bench.example").parse().map_err(wrong)?,
        first_name: Some("Егор".to_owned()),
        last_name: Some("Егерев".to_owned()),
        tags: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    let partner = Partner {
        id: id(Kind::Partner, number),
        name: format!("Партнёр {number}").parse().map_err(wrong)?,
        roles: size.roles(number),
        description: Some("Продаёт билеты на концерты и спектакли".to_owned()),
        channels: None,
        director: Some("Егор Егерев".to_owned()),
        contact: Contact { phones: Some(Some(vec!["+79101002030".to_owned()])), ..Contact::default() },
        legal: None,
        tags: vec!["концерты".parse().map_err(wrong)?],
        media: Vec::new(),
        user: user.id,
        removed: false,
        created_at: now,
        updated_at: now,
    };
    store::users::insert(tx, &user, "none")?;
    store::partners::insert(tx, &partner)?;
    let owner = Member { partner: partner.id, user: user.id, role: MemberRole::Owner, created_at: now };
    store::members::insert(tx, &owner)?;
    api_keys::create_by_operator(tx, key, partner.id, None)?;
    Ok(())
}

fn event(tx: &mut Tx<'_>, size: Size, number: u32) -> Result<(), Error> {
    let event = event_of(tx, number, id(Kind::Partner, size.organizer_of(number)))?;
    Ok(store::events::insert(tx, &event)?)
}

/// A public event of an organizer.
pub(super) fn event_of(tx: &Tx<'_>, number: u32, org: PartnerId) -> Result<Event, Error> {
    let now = tx.now();
    Ok(Event {
        id: id(Kind::Event, number),
        org,
        title: Title::new(&format!("Концерт {number}"), None).map_err(|(_, invalid)| wrong(invalid))?,
        lifetime: evening(now, number)?,
        status: EventStatus::Public,
        age_rating: AgeRating::default(),
        currency: "RUB".parse().map_err(wrong)?,
        timezone: "Europe/Moscow".parse().map_err(wrong)?,
        tags: Vec::new(),
        venue: None,
        map: None,
        cover: None,
        removed: false,
        created_at: Some(now),
        updated_at: Some(now),
    })
}

fn deal(tx: &mut Tx<'_>, size: Size, number: u32) -> Result<(), Error> {
    let planned = size.deal(number);
    let event = event_of(tx, planned.event, id(Kind::Partner, planned.org))?;
    let sides = (id(Kind::Partner, planned.org), id(Kind::Partner, planned.agent), planned.status);
    let deal = deal_of(tx, number, &event, sides)?;
    Ok(store::deals::insert(tx, &deal)?)
}

/// A deal about an event, between an organizer and an agent, in some status.
pub(super) fn deal_of(
    tx: &Tx<'_>,
    number: u32,
    event: &Event,
    (org, agent, status): (PartnerId, PartnerId, DealStatus),
) -> Result<Deal, Error> {
    let now = tx.now();
    let percent = |text: &str| Share::parse_number(text).map_err(wrong);
    let term =
        Terms::new(percent("90")?, percent("10")?, percent("3")?, false).map_err(|(_, invalid)| wrong(invalid))?;
    Ok(Deal {
        id: id(Kind::Deal, number),
        event: event.id,
        org,
        agent,
        obj: agent,
        subj: org,
        reversed: false,
        status,
        term,
        message: Some("Условия на весь сезон".to_owned()),
        title: None,
        event_ends_at: event.lifetime.end,
        created_at: Some(now),
        updated_at: Some(now),
    })
}

/// Three hours, some months ahead: nothing ends while it is measured.
fn evening(now: Timestamp, event: u32) -> Result<Period, Error> {
    let start = now.checked_add(SignedDuration::from_hours(24 * (100 + i64::from(event % 200))));
    let start = start.map_err(|error| Error::Internal(error.to_string()))?;
    let end = start.checked_add(SignedDuration::from_hours(3)).map_err(|error| Error::Internal(error.to_string()))?;
    Period::new(start, end).map_err(wrong)
}

pub(super) fn wrong(invalid: Invalid) -> Error {
    Error::Internal(format!("data to measure with: {}", invalid.message))
}
