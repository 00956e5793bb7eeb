//! Demo data: the partners, the users and the deal of the API's documentation, with exactly their ids and values, so that
//! its examples work when pasted. Their keys and passwords are known to everybody. Beside them, a [season] of others.

mod cast;
pub mod season;

use jiff::{SignedDuration, Timestamp};

use crate::app::api_keys::{self, NewKey};
use crate::app::sets::{self, Changes, GivenPrice, New};
use crate::app::{App, Error};
use crate::domain::access::{Acting, Caller};
use crate::domain::contact::Contact;
use crate::domain::deal::{Deal, DealStatus};
use crate::domain::event::{AgeRating, Event, EventStatus, Title};
use crate::domain::id::{DealId, EventId, KeyId, PartnerId, PromocodeId, UserId};
use crate::domain::invalid::Invalid;
use crate::domain::map::{self, Map, RowPlan, SeatsPlan, SectorPlan};
use crate::domain::member::{Member, MemberRole};
use crate::domain::partner::{Partner, Roles, Settings};
use crate::domain::period::Period;
use crate::domain::place::{Point, Venue};
use crate::domain::promocode::{Discount, Promocode, TicketsCount};
use crate::domain::share::{Percent, Share};
use crate::domain::terms::Terms;
use crate::domain::user::User;
use crate::store::{self, Tx};

/// The organizer of the documentation.
pub const ORGANIZATOR: &str = "5357b929f51600525c9e1396";
/// The agent of the documentation.
pub const NANOBILET: &str = "535fb19bdca6a9d1638f2007";
/// The operator of the platform.
pub const PLATFORM: &str = "5368b4009583cb96a0357600";
/// The deal of the documentation.
pub const DEAL: &str = "535fb1f1dca6a9d1638f2008";
/// A venue of Organizator's.
pub const VENUE: &str = "5368b5099583cb96a0357a09";
/// The map of its hall.
pub const MAP: &str = "5368b50a9583cb96a0357a10";

/// A promocode of the first event: 30% with [`PROMOCODE_CODE`].
pub const PROMOCODE: &str = "5357bab0f51600525c9e1398";
/// What customers type for it.
pub const PROMOCODE_CODE: &str = "KITTENS";

/// The user of Nanobilet.
pub const NANOBILET_USER: &str = "535fb11ddca6a9d1638f2006";
/// The id of Nanobilet's key.
pub const NANOBILET_KEY_ID: &str = "535fb19cdca6a9d1638f2a01";
/// The key of Nanobilet.
pub const NANOBILET_KEY: &str = "my-very-secret-key";
/// The key of Organizator.
pub const ORGANIZATOR_KEY: &str = "organizer-demo-key";
/// The key of the platform.
pub const PLATFORM_KEY: &str = "platform-demo-key";
/// The password of every user.
pub const PASSWORD: &str = "demo-password";

/// The events of Organizator, and in how many days each takes place.
pub const EVENTS: [(&str, &str, i64); 4] = [
    ("5357baaff51600525c9e1397", "Семинар: милые котята", 14),
    ("5368b3cc9583cb96a035758e", "MEGADETH", 30),
    ("5368b3d39583cb96a035758f", "ДДТ. Презентация альбома «Прозрачный»", 60),
    ("5368b3d49583cb96a0357590", "Смысловые Галлюцинации. 25 лет в темноте", 90),
];

/// The first set of the first event.
pub const SET: &str = "5357baaff51600525ca00000";

/// The sets of each event: name, tickets, price.
const SETS: [(&str, i64, &str); 3] = [("Танцпол", 100, "1500.00"), ("Партер", 60, "2500.00"), ("VIP", 20, "5000.00")];

/// Fills an empty platform; does nothing to one that has the demo's partners.
///
/// # Errors
/// Those of the store.
pub async fn fill(app: &App) -> Result<(), Error> {
    let password_hash = app.passwords.hash(PASSWORD).await.map_err(|error| Error::Internal(error.to_string()))?;
    let mut keys = Vec::new();
    for (id, partner, token) in [
        (NANOBILET_KEY_ID, NANOBILET, NANOBILET_KEY),
        ("5357b92af51600525c9e1a02", ORGANIZATOR, ORGANIZATOR_KEY),
        ("5368b4019583cb96a0357a03", PLATFORM, PLATFORM_KEY),
    ] {
        let key: KeyId = id.parse().map_err(wrong)?;
        keys.push((NewKey::with_token(app, key, token.to_owned())?, partner.parse().map_err(wrong)?));
    }
    let mut new = Vec::new();
    for (event, ..) in EVENTS {
        for (place, set) in SETS.into_iter().enumerate() {
            let id = set_of(event, place);
            let event: EventId = event.parse().map_err(wrong)?;
            let drawn = New::draw(app, event.bucket())?;
            new.push((event, set, New { set: id.parse().map_err(wrong)?, ..drawn }));
        }
    }
    app.store
        .write(move |tx| {
            // Of several servers that start at once, the others wait here for the first.
            store::meta::put_once(tx, "demo", NANOBILET)?;
            if store::partners::find(tx, NANOBILET.parse().map_err(wrong)?)?.is_some() {
                return Ok(());
            }
            partners(tx, &password_hash)?;
            for (key, partner) in &keys {
                api_keys::create_by_operator(tx, key, *partner, Some("demo".to_owned()))?;
            }
            hall(tx)?;
            events(tx)?;
            new.iter().try_for_each(|(event, set, new)| make_set(tx, *event, *set, new))
        })
        .await
}

/// The id of a set, by its place in an event: the same at every start, after the second and the bucket of the event.
fn set_of(event: &str, place: usize) -> String {
    format!("{}a{place:05}", event.get(..18).unwrap_or_default())
}

fn make_set(tx: &mut Tx<'_>, event: EventId, (name, amount, price): (&str, i64, &str), new: &New) -> Result<(), Error> {
    let roles = Roles { org: true, ..Roles::default() };
    let organizator = Acting { id: ORGANIZATOR.parse().map_err(wrong)?, roles, role: MemberRole::Manager };
    let caller = Caller { user: None, partner: Some(organizator) };
    let changes = Changes {
        name: Some(name.to_owned()),
        amount: Some(amount),
        price: Some(GivenPrice::nominal(price)),
        ..Changes::default()
    };
    sets::create(tx, &caller, event, new, &changes)?;
    Ok(())
}

fn partners(tx: &mut Tx<'_>, password_hash: &str) -> Result<(), Error> {
    let contact = serde_json::from_value(serde_json::json!({
        "address": "г.Москва, ул. Берсеневский переулок, 2с1",
        "email": "info@nanobilet.ru",
        "id": null,
        "phones": ["+79101002030"],
        "www": "http://nanobilet.ru"
    }))
    .map_err(|error| Error::Internal(error.to_string()))?;
    let roles = Roles::default();
    let nanobilet = Partner {
        channels: Some("Все доступные каналы распространения".to_owned()),
        contact,
        description: Some("Первый агент системы".to_owned()),
        director: Some("Егор Егерев".to_owned()),
        tags: parsed(&["музыка", "вечеринки", "концерты"])?,
        ..partner(NANOBILET, "Nanobilet", NANOBILET_USER, Roles { agent: true, ..roles })?
    };
    let organizator = partner(ORGANIZATOR, "Organizator", "53555b2256c02c17cb75791c", Roles { org: true, ..roles })?;
    let platform = partner(PLATFORM, "Platform", "5368b3ff9583cb96a0357599", Roles { core: true, ..roles })?;
    for (partner, email, first_name, last_name) in [
        (&nanobilet, "ag@tc.ru", "Егор", "Егерев"),
        (&organizator, "org@tc.ru", "Org", "Organizator"),
        (&platform, "core@tc.ru", "Core", "Platform"),
    ] {
        let user = User {
            id: partner.user,
            email: email.parse().map_err(wrong)?,
            first_name: Some(first_name.to_owned()),
            last_name: Some(last_name.to_owned()),
            tags: Vec::new(),
            created_at: None,
            updated_at: None,
        };
        store::users::insert(tx, &user, password_hash)?;
        store::partners::insert(tx, partner)?;
        let owner = Member { partner: partner.id, user: user.id, role: MemberRole::Owner, created_at: None };
        store::members::insert(tx, &owner)?;
    }
    let settings = Settings {
        accept_org_min: Percent::ZERO,
        auto_accept_deals: true,
        core: Some(Share::Percent(Percent::parse("10%").map_err(wrong)?)),
        ..Settings::default()
    };
    Ok(store::settings::put(tx, organizator.id, &settings)?)
}

fn partner(id: &str, name: &str, user: &str, roles: Roles) -> Result<Partner, Error> {
    let user: UserId = user.parse().map_err(wrong)?;
    Ok(Partner {
        id: id.parse().map_err(wrong)?,
        name: name.parse().map_err(wrong)?,
        roles,
        description: None,
        channels: None,
        director: None,
        contact: Contact::default(),
        legal: None,
        tags: Vec::new(),
        media: Vec::new(),
        user,
        removed: false,
        created_at: None,
        updated_at: None,
    })
}

/// A venue of the organizer's with the plan of its hall.
fn hall(tx: &mut Tx<'_>) -> Result<(), Error> {
    let org = ORGANIZATOR.parse().map_err(wrong)?;
    let venue = Venue {
        id: VENUE.parse().map_err(wrong)?,
        org,
        name: "Красный Октябрь".to_owned(),
        desc: None,
        address: Some("Берсеневская набережная, 6".to_owned()),
        city: Some("524901".parse().map_err(wrong)?),
        country: Some("RU".parse().map_err(wrong)?),
        point: Some(Point::new("37.6094", "55.7411").map_err(wrong)?),
        removed: false,
        created_at: created(VENUE)?,
        updated_at: created(VENUE)?,
    };
    store::venues::insert(tx, &venue)?;
    let row = |(name, seats): (usize, usize)| RowPlan {
        name: name.to_string(),
        x: None,
        y: None,
        seats: SeatsPlan::Count(seats),
    };
    let sector = |id: &str, name: &str, seats: &[usize]| -> Result<SectorPlan, Error> {
        let rows = (1..).zip(seats.iter().copied()).map(row).collect();
        Ok(SectorPlan { id: id.parse().map_err(wrong)?, name: name.to_owned(), desc: None, rows })
    };
    let sectors = vec![
        sector("5368b50a9583cb96a0357a11", "Танцпол", &[])?,
        sector("5368b50a9583cb96a0357a12", "Партер", &[18, 20, 22, 24, 24, 26, 26, 26, 26, 26])?,
        sector("5368b50a9583cb96a0357a13", "Балкон", &[30, 32, 32])?,
    ];
    let map = Map {
        id: MAP.parse().map_err(wrong)?,
        org,
        venue: Some(venue.id),
        name: "Большой зал".to_owned(),
        desc: None,
        sectors: map::build(sectors).map_err(|(_, invalid)| wrong(invalid))?,
        removed: false,
        created_at: created(MAP)?,
        updated_at: created(MAP)?,
    };
    Ok(store::maps::insert(tx, &map)?)
}

fn events(tx: &mut Tx<'_>) -> Result<(), Error> {
    let now = tx.now();
    let organizator: PartnerId = ORGANIZATOR.parse().map_err(wrong)?;
    for (id, title, days) in EVENTS {
        let event = Event {
            id: id.parse().map_err(wrong)?,
            org: organizator,
            title: Title::new(title, None).map_err(|(_, invalid)| wrong(invalid))?,
            lifetime: evening_in(now, days)?,
            status: EventStatus::Public,
            age_rating: AgeRating::default(),
            currency: "RUB".parse().map_err(wrong)?,
            timezone: "Europe/Moscow".parse().map_err(wrong)?,
            tags: Vec::new(),
            venue: None,
            map: None,
            cover: None,
            removed: false,
            created_at: None,
            updated_at: None,
        };
        store::events::insert(tx, &event)?;
    }
    let (event, _, days) = EVENTS[0];
    let event: EventId = event.parse().map_err(wrong)?;
    let agent: PartnerId = NANOBILET.parse().map_err(wrong)?;
    let percent = |text: &str| Percent::parse(text).map(Share::Percent).map_err(wrong);
    let term =
        Terms::new(percent("91%")?, percent("10%")?, percent("3%")?, false).map_err(|(_, invalid)| wrong(invalid))?;
    let id: DealId = DEAL.parse().map_err(wrong)?;
    let deal = Deal {
        id,
        event,
        org: organizator,
        agent,
        obj: organizator,
        subj: agent,
        reversed: false,
        status: DealStatus::Accepted,
        term,
        message: None,
        title: None,
        event_ends_at: evening_in(now, days)?.end,
        created_at: None,
        updated_at: None,
    };
    store::deals::insert(tx, &deal)?;
    let id: PromocodeId = PROMOCODE.parse().map_err(wrong)?;
    let promocode = Promocode {
        id,
        event,
        code: PROMOCODE_CODE.to_owned(),
        name: Some("Для любителей котят".to_owned()),
        desc: None,
        discount: Discount::percentage("30%").map_err(wrong)?,
        amount: Some(100),
        tickets_count: TicketsCount::default(),
        lifetime: None,
        sets: Vec::new(),
        held: 0,
        used: 0,
        removed: false,
        created_at: created(PROMOCODE)?,
        updated_at: created(PROMOCODE)?,
    };
    Ok(store::promocodes::insert(tx, &promocode)?)
}

/// The second in which something was created, which its id begins with.
fn created(id: &str) -> Result<Timestamp, Error> {
    let second = id.get(..8).and_then(|digits| i64::from_str_radix(digits, 16).ok());
    let second = second.ok_or_else(|| Error::Internal(format!("demo data: {id} is no id")))?;
    Timestamp::from_second(second).map_err(|error| Error::Internal(error.to_string()))
}

/// Three hours from 16:00 UTC, in some days.
fn evening_in(now: Timestamp, days: i64) -> Result<Period, Error> {
    let midnight = now.as_second() - now.as_second().rem_euclid(24 * 3_600);
    let start = Timestamp::from_second(midnight)
        .and_then(|midnight| midnight.checked_add(SignedDuration::from_hours(24 * days + 16)))
        .map_err(|error| Error::Internal(error.to_string()))?;
    let end = start.checked_add(SignedDuration::from_hours(3)).map_err(|error| Error::Internal(error.to_string()))?;
    Period::new(start, end).map_err(wrong)
}

fn parsed<T: std::str::FromStr<Err = Invalid>>(texts: &[&str]) -> Result<Vec<T>, Error> {
    texts.iter().map(|text| text.parse().map_err(wrong)).collect()
}

fn wrong(invalid: Invalid) -> Error {
    Error::Internal(format!("demo data: {}", invalid.message))
}

/// What the terminal says after the start of a demo that is reached at this URL.
pub fn greeting(base: &str) -> String {
    let event = EVENTS[3].0;
    let set = set_of(event, 0);
    format!(
        r#"
Parterre's demo. Everybody knows its keys and passwords, so it listens to this machine only.

  partner      role       key                   sign-in
  Nanobilet    agent      {NANOBILET_KEY}    ag@tc.ru    {PASSWORD}
  Organizator  organizer  {ORGANIZATOR_KEY}    org@tc.ru   {PASSWORD}
  Platform     core       {PLATFORM_KEY}     core@tc.ru  {PASSWORD}

Try it from another terminal: agree on a deal, see what it lets you sell, and order two tickets.

  curl -H 'Authorization: key {NANOBILET_KEY}' -H 'Content-Type: application/json' -d '{{"event": "{event}", "subj": "{ORGANIZATOR}", "term": {{"org": 90, "extra": 10}}}}' {base}/v1/resources/deals
  curl -g -H 'Authorization: key {NANOBILET_KEY}' '{base}/v1/services/simple/events?fields-schema=id,title{{text}},deal{{org,extra}},sets{{id,name,price,amount_vacant}}'
  curl -H 'Authorization: key {NANOBILET_KEY}' -H 'Content-Type: application/json' -d '{{"event": "{event}", "random": {{"{set}": 2}}}}' {base}/v1/resources/orders

The API: {base}/docs. Ctrl-C stops the server; the data stays for the next start."#
    )
}
