//! A season beside the documentation's partners: what organizers, agents and their customers did in the last weeks, done
//! over again by the use cases, each at its own time. It is the same at every start, but for ids and for today's date.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

use super::cast::{AGENTS, Company, Fate, MEN, ORGANIZERS, Offer, PLACES, Place, Places, SHOWS, Show, Stands};
use super::cast::{Takes, WOMEN};
use super::{NANOBILET, PASSWORD, PLATFORM, wrong};
use crate::app::deals::{self, GivenShare, Proposal};
use crate::app::ledger::{self, NewPayout};
use crate::app::maps::NewMap;
use crate::app::orders::{self, Drawn, NewOrder, PaymentPatch, Through, Wanted};
use crate::app::promocodes::{GivenDiscount, NewPromocode};
use crate::app::refunds::{self, NewRefund};
use crate::app::sets::{self, GivenPrice, GivenRule};
use crate::app::{App, Error, Window, events, maps, partners, payments, promocodes, settings, users, venues};
use crate::domain::access::{Acting, Caller};
use crate::domain::contact::Contact;
use crate::domain::customer::CustomerPatch;
use crate::domain::deal::DealStatus;
use crate::domain::event::{AgeRating, EventStatus, TitlePatch};
use crate::domain::id::{DealId, EventId, MapId, ObjectId, OrderId, PartnerId, PayoutId, PromocodeId, RefundId};
use crate::domain::id::{SectorId, SetId, UserId, VenueId};
use crate::domain::map::{self, RowPlan, SeatsPlan, SectorPlan};
use crate::domain::member::MemberRole;
use crate::domain::money::{Money, Sum};
use crate::domain::order::{OrderStatus, Origin};
use crate::domain::partner::Roles;
use crate::domain::payment::PaymentSystem;
use crate::domain::period::Period;
use crate::domain::place::Point;
use crate::domain::promocode::{Discount, TicketsCount};
use crate::domain::refund::{Culprit, RefundStatus, Which};
use crate::domain::share::{Percent, Share};
use crate::domain::test_payment::Choice;
use crate::payments::test;
use crate::store::{self, Tx};

/// The name in `meta` of who plays, or has played, the season: the id of its first partner.
const CLAIM: &str = "season";
/// The name in `meta` of whether it was played to its end.
const WHOLE: &str = "season_whole";
/// How many days ago the season's events came on sale.
const SALE_DAYS: i64 = 44;
/// How many days ago the agents paid the organizers what they owed them.
const SETTLED_DAYS: i64 = 14;
/// How many orders were made since, besides those of the last minutes.
const ORDERS: usize = 330;
/// How many customers there are to choose from; some come more than once.
const CUSTOMERS: usize = 150;
/// What the season's choices begin with.
const SEED: u64 = 20_140_415;

/// Whether a season was begun and not played to its end: it was broken off, or another server plays it.
///
/// # Errors
/// Those of the store.
pub async fn is_broken_off(app: &App) -> Result<bool, Error> {
    let read = app.store.read(|tx| Ok::<_, Error>((store::meta::get(tx, CLAIM)?, store::meta::get(tx, WHOLE)?)));
    let (claim, whole) = read.await?;
    Ok(claim.is_some() && whole.is_none())
}

/// Lets the weeks of a season pass on a platform that has none, with a clock that moves by hand from event to event and
/// ends where it stood. Answers whether a season is there and whole: one that was broken off, or that another server plays, is
/// left alone.
///
/// # Errors
/// Those of the use cases.
pub async fn play(app: &App, clock: &AtomicI64) -> Result<bool, Error> {
    let today = app.store.now();
    let claimed = app.store.read(|tx| store::meta::get(tx, CLAIM)).await?.is_some();
    if claimed {
        return Ok(app.store.read(|tx| store::meta::get(tx, WHOLE)).await?.is_some());
    }
    let played = Season { app, clock, today, chance: Chance(SEED) }.play().await;
    clock.store(today.as_microsecond(), Ordering::SeqCst);
    played
}

/// Numbers that look drawn by chance and are the same each time.
struct Chance(u64);

impl Chance {
    /// A number below a bound.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from((mixed ^ (mixed >> 31)) % bound).unwrap_or_default()
    }

    /// One of several; `None` where there is none.
    fn of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// A length of time below a bound.
    fn within(&mut self, bound: SignedDuration) -> SignedDuration {
        let seconds = usize::try_from(bound.as_secs()).unwrap_or_default();
        SignedDuration::from_secs(i64::try_from(self.below(seconds)).unwrap_or_default())
    }
}

/// A partner of the season, as whom its manager acts.
#[derive(Clone, Copy)]
struct Player {
    id: PartnerId,
    caller: Caller,
}

impl Player {
    fn new(id: PartnerId, user: Option<UserId>, roles: Roles) -> Self {
        let acting = Acting { id, roles, role: MemberRole::Owner };
        Self { id, caller: Caller { user, partner: Some(acting) } }
    }

    /// A partner of the documentation, by its key.
    fn documented(id: &str, roles: Roles) -> Result<Self, Error> {
        Ok(Self::new(id.parse().map_err(wrong)?, None, roles))
    }
}

/// A place with its plan.
struct Venue {
    id: VenueId,
    map: Option<(MapId, Vec<SectorId>)>,
}

/// An event on sale.
struct OnSale {
    event: EventId,
    org: Player,
    sets: Vec<SetId>,
    /// The accepted deals, each with its agent.
    deals: Vec<(DealId, Player)>,
    code: Option<&'static str>,
    /// When the last order may be made.
    until: Timestamp,
    cancelled: bool,
}

/// What comes of an order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    /// The customer pays the platform, through the payment system for tests.
    Paid,
    Canceled,
    Expired,
    /// The customer asks for some or all of the tickets back; how that is answered, if it is.
    Returned {
        all: bool,
        answer: Option<RefundStatus>,
    },
}

/// Something that happens at a time.
enum Step {
    Order(Box<(NewOrder, Drawn)>, Player),
    Pay(OrderId),
    Cancel(OrderId, Player),
    Expire(OrderId),
    Ask { order: OrderId, refund: RefundId, culprit: Culprit, all: bool, by: Player },
    Answer { refund: RefundId, to: RefundStatus, by: Player },
    CallOff(EventId, Player),
    Settle { deal: DealId, agent: Player, org: Player },
}

struct Season<'a> {
    app: &'a App,
    clock: &'a AtomicI64,
    today: Timestamp,
    chance: Chance,
}

impl Season<'_> {
    async fn play(mut self) -> Result<bool, Error> {
        let opening = self.day(-SALE_DAYS, 7)?;
        let companies = self.companies(self.day(-SALE_DAYS - 16, 9)?).await?;
        // Of several servers that start at once, one plays.
        let Some((orgs, mut agents)) = companies else { return Ok(false) };
        agents.push(Player::documented(NANOBILET, Roles { agent: true, ..Roles::default() })?);
        let mut places = Vec::new();
        for (place, org) in PLACES.iter().zip(&orgs) {
            places.push(self.place(self.day(-SALE_DAYS - 14, 10)?, place, *org).await?);
        }
        let settled = self.day(-SETTLED_DAYS, 8)?;
        let mut on_sale = Vec::new();
        let mut steps = Vec::new();
        for (hour, show) in (0..).zip(&SHOWS) {
            let (Some(org), Some(place)) = (orgs.get(show.org), places.get(show.org)) else { continue };
            let opening = after(opening, SignedDuration::from_hours(hour))?;
            let shown = self.show(opening, show, *org, place, &agents).await?;
            let settle = |(deal, agent)| (settled, Step::Settle { deal, agent, org: shown.org });
            steps.extend(shown.deals.iter().copied().map(settle));
            if let Stands::CancelledBefore(days) = show.stands {
                steps.push((self.day(-days, 11)?, Step::CallOff(shown.event, shown.org)));
            }
            if matches!(show.stands, Stands::Public | Stands::CancelledBefore(_)) {
                on_sale.push(shown);
            }
        }
        self.orders(opening, &on_sale, &mut steps)?;
        // Of what happens at the same time, what was planned first comes first.
        steps.sort_by_key(|(time, _)| *time);
        for (time, step) in steps {
            self.turn(time);
            self.step(step).await?;
        }
        self.turn(self.today);
        self.write(|tx| Ok(store::meta::put_once(tx, WHOLE, "yes")?)).await?;
        Ok(true)
    }

    /// Moves the clock to a time: what is done, and what ids are made, until it moves on, is of then.
    fn turn(&self, time: Timestamp) {
        self.clock.store(time.as_microsecond(), Ordering::SeqCst);
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.app.store.write(work).await
    }

    /// An hour of a day, counted from today.
    fn day(&self, days: i64, hour: i64) -> Result<Timestamp, Error> {
        let second = self.today.as_second();
        let midnight = Timestamp::from_second(second - second.rem_euclid(24 * 3_600)).map_err(no_time)?;
        after(midnight, SignedDuration::from_hours(24 * days + hour))
    }

    async fn companies(&self, time: Timestamp) -> Result<Option<(Vec<Player>, Vec<Player>)>, Error> {
        self.turn(time);
        let app = self.app.clone();
        let password = self.app.passwords.hash(PASSWORD).await.map_err(|error| Error::Internal(error.to_string()))?;
        let draw = |company: &'static Company, org: bool| {
            let (id, user): (PartnerId, UserId) = (app.new_id(), app.new_id());
            let roles = Roles { org, agent: !org, ..Roles::default() };
            (company, user, Player::new(id, Some(user), roles))
        };
        let all: Vec<_> = ORGANIZERS
            .iter()
            .map(|company| draw(company, true))
            .chain(AGENTS.iter().map(|company| draw(company, false)))
            .collect();
        let players: Vec<Player> = all.iter().map(|(.., player)| *player).collect();
        let app = self.app.clone();
        let claim = players.first().map(|player| player.id.to_string()).unwrap_or_default();
        let ours = self
            .write(move |tx| {
                if store::meta::put_once(tx, CLAIM, &claim)? != claim {
                    return Ok(false);
                }
                for (company, user, player) in &all {
                    make_company(tx, &app, company, *user, player, &password)?;
                }
                Ok(true)
            })
            .await?;
        let (orgs, agents) = players.split_at(ORGANIZERS.len());
        Ok(ours.then(|| (orgs.to_vec(), agents.to_vec())))
    }

    async fn place(&self, time: Timestamp, place: &'static Place, org: Player) -> Result<Venue, Error> {
        self.turn(time);
        let id: VenueId = self.app.new_id();
        let point = Point::new(place.point.0, place.point.1).map_err(wrong)?;
        let venue = venues::Changes {
            name: Some(place.name.to_owned()),
            address: Some(Some(place.address.to_owned())),
            city: Some(Some(place.city.parse().map_err(wrong)?)),
            country: Some(Some("RU".parse().map_err(wrong)?)),
            point: Some(Some(point)),
            ..venues::Changes::default()
        };
        let map = match place.hall {
            Some(hall) => Some(self.hall(id, hall, place.sectors)?),
            None => None,
        };
        let sectors = map.as_ref().map(|map| (map.id, map.sectors.iter().map(|sector| sector.id).collect()));
        let app = self.app.clone();
        self.write(move |tx| {
            venues::create(tx, &org.caller, id, &venue)?;
            if let Some(map) = &map {
                maps::create(&app, tx, &org.caller, map)?;
            }
            Ok(())
        })
        .await?;
        Ok(Venue { id, map: sectors })
    }

    fn hall(&self, venue: VenueId, name: &str, sectors: &[(&str, usize, usize)]) -> Result<NewMap, Error> {
        let row =
            |row: usize, seats| RowPlan { name: row.to_string(), x: None, y: None, seats: SeatsPlan::Count(seats) };
        let sector = |(name, rows, seats): &(&str, usize, usize)| SectorPlan {
            id: self.app.new_id(),
            name: (*name).to_owned(),
            desc: None,
            rows: (1..=*rows).map(|number| row(number, *seats)).collect(),
        };
        let sectors = map::build(sectors.iter().map(sector).collect()).map_err(|(_, invalid)| wrong(invalid))?;
        Ok(NewMap { id: self.app.new_id(), name: name.to_owned(), desc: None, venue: Some(venue), sectors })
    }

    /// Puts an event on sale: its sets, its promocode, and its deals with what came of them.
    async fn show(
        &self,
        opening: Timestamp,
        show: &'static Show,
        org: Player,
        place: &Venue,
        agents: &[Player],
    ) -> Result<OnSale, Error> {
        self.turn(opening);
        let event = self.app.new_event_id()?;
        let (days, hour, hours) = show.when;
        let start = self.day(days, hour)?;
        let end = after(start, SignedDuration::from_hours(hours))?;
        let created = events::Changes {
            age_rating: Some(Some(AgeRating::new(show.age).map_err(wrong)?)),
            currency: Some(Some("RUB".parse().map_err(wrong)?)),
            lifetime: Some(Period::new(start, end).map_err(wrong)?),
            title: Some(TitlePatch {
                text: Some(Some(show.title.to_owned())),
                desc: Some(Some(show.about.to_owned())),
            }),
            tags: Some(super::parsed(show.tags)?),
            venue: Some(Some(place.id)),
            map: Some(place.map.as_ref().map(|(map, _)| *map)),
            ..events::Changes::default()
        };
        let status = match show.stands {
            Stands::Draft => None,
            Stands::StandBy => Some(EventStatus::StandBy),
            Stands::Public | Stands::CancelledBefore(_) => Some(EventStatus::Public),
        };
        let mut new_sets = Vec::new();
        for changes in plan_sets(show.sets, place, opening, start, end)? {
            new_sets.push((sets::New::draw(self.app, event.bucket())?, changes));
        }
        let ids: Vec<SetId> = new_sets.iter().map(|(new, _)| new.set).collect();
        let promocode: PromocodeId = self.app.new_id_in(event.bucket());
        let offers: Vec<(&Offer, Player, DealId)> =
            show.deals.iter().filter_map(|offer| Some((offer, *agents.get(offer.agent)?, self.app.new_id()))).collect();
        let accepted = offers.iter().filter(|(offer, ..)| offer.fate == Fate::Accepted);
        let deals = accepted.map(|(_, agent, deal)| (*deal, *agent)).collect();
        let app = self.app.clone();
        let proposed = offers.clone();
        self.write(move |tx| {
            let installation = &app.installation;
            events::create(tx, &org.caller, installation, event, &created)?;
            for (new, changes) in &new_sets {
                sets::create(tx, &org.caller, event, new, changes)?;
            }
            if let Some(status) = status {
                let changes = events::Changes { status: Some(status), ..events::Changes::default() };
                events::change(tx, &org.caller, installation, event, &changes)?;
            }
            if let Some((code, name, takes)) = &show.promocode {
                let new = new_promocode(code, name, takes)?;
                promocodes::create(tx, &org.caller, promocode, event, &new)?;
            }
            for (offer, agent, deal) in &proposed {
                deals::propose(tx, &agent.caller, installation, *deal, &proposal(event, org.id, offer))?;
            }
            Ok(())
        })
        .await?;
        self.turn(after(opening, SignedDuration::from_hours(2))?);
        self.write(move |tx| {
            offers.iter().try_for_each(|(offer, agent, deal)| answer(tx, offer.fate, &org, agent, *deal))
        })
        .await?;
        let until = match show.stands {
            Stands::CancelledBefore(days) => self.day(-days, 9)?,
            _ => start,
        };
        let code = show.promocode.as_ref().map(|(code, ..)| *code);
        let cancelled = matches!(show.stands, Stands::CancelledBefore(_));
        Ok(OnSale { event, org, sets: ids, deals, code, until, cancelled })
    }

    /// Plans the orders of the weeks since the opening, and what comes of each.
    fn orders(
        &mut self,
        opening: Timestamp,
        on_sale: &[OnSale],
        steps: &mut Vec<(Timestamp, Step)>,
    ) -> Result<(), Error> {
        let customers: Vec<CustomerPatch> =
            (0..CUSTOMERS).map(|number| self.customer(number)).collect::<Result<_, _>>()?;
        let first = after(opening, SignedDuration::from_hours(24))?;
        let last = after(self.today, -SignedDuration::from_hours(2))?;
        let mut returned = 0;
        for number in 0..ORDERS {
            let Some(show) = on_sale.get(number % on_sale.len().max(1)) else { continue };
            let time = after(first, self.chance.within(show.until.min(last).duration_since(first)))?;
            let end = match self.chance.below(20) {
                _ if show.cancelled => End::Done,
                0 | 1 => End::Canceled,
                2 | 3 => End::Expired,
                4 | 5 => {
                    returned += 1;
                    End::Returned {
                        all: returned % 6 != 3,
                        answer: match returned % 6 {
                            4 => Some(RefundStatus::Rejected),
                            5 => None,
                            _ => Some(RefundStatus::Approved),
                        },
                    }
                }
                6 | 7 if self.app.installation.test_payments => End::Paid,
                _ => End::Done,
            };
            let status = match end {
                End::Canceled | End::Expired => None,
                End::Paid => Some(OrderStatus::InProgress),
                End::Done | End::Returned { .. } => Some(OrderStatus::Done),
            };
            let system = (end == End::Paid).then_some(Some(PaymentSystem::Test));
            let payment = PaymentPatch { system, ..PaymentPatch::default() };
            let changes = orders::Changes { status, payment, ..orders::Changes::default() };
            let (order, vendor) = self.order(show, &customers, time, changes, steps)?;
            match end {
                End::Done if show.cancelled => {
                    let asked = after(show.until, SignedDuration::from_hours(24))?;
                    self.turn(asked);
                    let refund = self.app.new_id_in(order.bucket());
                    let by = show.org;
                    steps.push((asked, Step::Ask { order, refund, culprit: Culprit::Org, all: true, by }));
                    let answered = after(asked, SignedDuration::from_hours(3))?;
                    steps.push((answered, Step::Answer { refund, to: RefundStatus::Approved, by }));
                }
                End::Done => {}
                End::Paid => steps.push((after(time, SignedDuration::from_mins(3))?, Step::Pay(order))),
                End::Canceled => {
                    steps.push((after(time, SignedDuration::from_mins(4))?, Step::Cancel(order, vendor)));
                }
                End::Expired => steps.push((after(time, SignedDuration::from_mins(70))?, Step::Expire(order))),
                End::Returned { all, answer } => {
                    // Nobody asks for tickets back once the event has begun.
                    let left = show.until.min(last).duration_since(time);
                    let asked = after(time, SignedDuration::from_secs(left.as_secs() / 3))?;
                    self.turn(asked);
                    let refund = self.app.new_id_in(order.bucket());
                    steps.push((asked, Step::Ask { order, refund, culprit: Culprit::User, all, by: vendor }));
                    if let Some(to) = answer {
                        let answered = after(time, SignedDuration::from_secs(left.as_secs() / 2))?;
                        steps.push((answered, Step::Answer { refund, to, by: vendor }));
                    }
                }
            }
        }
        // Customers who are paying, and choosing, right now.
        let soon: Vec<&OnSale> = on_sale.iter().filter(|show| !show.cancelled && show.until > self.today).collect();
        for (minutes, status) in [(25, true), (18, true), (11, true), (6, true), (4, false), (3, false), (1, false)] {
            let Some(show) = self.chance.of(&soon).copied() else { continue };
            let time = after(self.today, -SignedDuration::from_mins(minutes))?;
            let status = status.then_some(OrderStatus::InProgress);
            self.order(show, &customers, time, orders::Changes { status, ..orders::Changes::default() }, steps)?;
        }
        Ok(())
    }

    /// Plans an order of one of the customers with one of those who sell the event.
    fn order(
        &mut self,
        show: &OnSale,
        customers: &[CustomerPatch],
        time: Timestamp,
        changes: orders::Changes,
        steps: &mut Vec<(Timestamp, Step)>,
    ) -> Result<(OrderId, Player), Error> {
        self.turn(time);
        let drawn = Drawn::new(self.app, show.event.bucket())?;
        let order = drawn.order;
        let vendor = self.chance.below(show.deals.len() + 1);
        let vendor = show.deals.get(vendor).map_or(show.org, |(_, agent)| *agent);
        let tickets = 1 + self.chance.below(4);
        let set = self.chance.of(&show.sets).copied();
        let own = [Origin::Widget, Origin::Salespoint, Origin::ControlPanel];
        let origin =
            if vendor.id == show.org.id { *self.chance.of(&own).unwrap_or(&Origin::Widget) } else { Origin::Api };
        let code = show.code.filter(|_| self.chance.below(5) == 0);
        let changes = orders::Changes {
            customer: self.chance.of(customers).cloned().map(Some),
            wish: Some(Wanted::Random(set.into_iter().map(|set| (set, tickets)).collect())),
            promocodes: code.map(|code| vec![code.to_owned()]),
            ..changes
        };
        let new = NewOrder { event: Some(show.event), deal: None, origin, changes };
        steps.push((time, Step::Order(Box::new((new, drawn)), vendor)));
        Ok((order, vendor))
    }

    fn customer(&mut self, number: usize) -> Result<CustomerPatch, Error> {
        let (first, last) = if self.chance.below(2) == 0 { &WOMEN } else { &MEN };
        let (first, first_latin) = self.chance.of(first).copied().unwrap_or_default();
        let (last, last_latin) = self.chance.of(last).copied().unwrap_or_default();
        let domain = self.chance.of(&["example.com", "example.org", "example.net"]).copied().unwrap_or_default();
        let email = format!("{first_latin}.{last_latin}{number}@{domain}");
        let lang = if first.is_ascii() { "en" } else { "ru" };
        Ok(CustomerPatch {
            email: Some(Some(email.parse().map_err(wrong)?)),
            first_name: Some(Some(first.to_owned())),
            last_name: Some(Some(last.to_owned())),
            mobile: (!number.is_multiple_of(3)).then(|| Some(format!("+7900000{number:04}"))),
            lang: Some(Some(lang.to_owned())),
            ..CustomerPatch::default()
        })
    }

    async fn step(&self, step: Step) -> Result<(), Error> {
        let app = self.app.clone();
        match step {
            Step::Order(order, vendor) => {
                self.write(move |tx| {
                    let (new, drawn) = &*order;
                    // What is done at once is done through version 2; what waits for its payment, through version 1.
                    let waits = new.changes.status == Some(OrderStatus::InProgress);
                    let through = if waits { Through::V1 } else { Through::V2 };
                    orders::create(tx, &vendor.caller, &app.installation, drawn, through, new).map(drop)
                })
                .await
            }
            Step::Pay(order) => {
                for payment in app.store.read(move |tx| store::payments::of_order(tx, order)).await? {
                    let paid = test::choose(&app.store, payment.id, Choice::Pay).await;
                    paid.map_err(|error| Error::Internal(error.to_string()))?;
                    payments::deliver(&app, Some(payment.id)).await?;
                }
                Ok(())
            }
            Step::Cancel(order, vendor) => {
                self.write(move |tx| match orders::cancel(tx, &vendor.caller, order) {
                    // Another server, for which it is today already, has found it expired.
                    Ok(_) | Err(Error::Invalid(_)) => Ok(()),
                    Err(error) => Err(error),
                })
                .await
            }
            Step::Expire(order) => self.write(move |tx| orders::expire(tx, order).map(drop)).await,
            Step::Ask { order, refund, culprit, all, by } => {
                self.write(move |tx| {
                    let tickets = orders::get(tx, &by.caller, order)?.lines.into_iter().map(|line| line.ticket);
                    // Whoever comes alone after all keeps the first.
                    let which = if all { Which::Keep(Vec::new()) } else { Which::Refund(tickets.take(1).collect()) };
                    let new = NewRefund { order, culprit, which, requested_at: None };
                    refunds::create(tx, &by.caller, refund, &new).map(drop)
                })
                .await
            }
            Step::Answer { refund, to, by } => {
                let entries = app.entry_ids(refund.bucket());
                self.write(move |tx| refunds::change(tx, &by.caller, &entries, refund, Some(to)).map(drop)).await
            }
            Step::CallOff(event, org) => {
                self.write(move |tx| {
                    let changes =
                        events::Changes { status: Some(EventStatus::Cancelled), ..events::Changes::default() };
                    events::change(tx, &org.caller, &app.installation, event, &changes).map(drop)
                })
                .await
            }
            Step::Settle { deal, agent, org } => {
                // The agent has paid what it owed, and the platform records that.
                let platform = Player::documented(PLATFORM, Roles { core: true, ..Roles::default() })?;
                let payout: PayoutId = app.new_id();
                let entries = app.entry_ids(ObjectId::from(payout).bucket());
                self.write(move |tx| {
                    let (Some(agents), Some(orgs)) = (balance(tx, &agent, deal)?, balance(tx, &org, deal)?) else {
                        return Ok(());
                    };
                    let minor = i64::try_from(orgs.minor.min(-agents.minor)).unwrap_or_default();
                    if minor <= 0 {
                        return Ok(());
                    }
                    let amount = Money { minor, currency: orgs.currency };
                    let note = Some("По отчёту агента".to_owned());
                    let new = NewPayout { from: agent.id, to: org.id, deal: Some(deal), amount, note };
                    ledger::record(tx, &platform.caller, payout, &entries, &new).map(drop)
                })
                .await
            }
        }
    }
}

fn make_company(
    tx: &mut Tx<'_>,
    app: &App,
    company: &Company,
    user: UserId,
    player: &Player,
    password_hash: &str,
) -> Result<(), Error> {
    let text = |text: &str| Some(Some(text.to_owned()));
    let email = company.email.parse().map_err(wrong)?;
    let (first, last) = company.user;
    let names = (Some(first.to_owned()), Some(last.to_owned()));
    users::create_by_operator(tx, user, &email, names.0, names.1, password_hash)?;
    let roles = player.caller.partner.map(|acting| acting.roles).unwrap_or_default();
    let contact = Contact { address: text(company.address), email: text(company.email), ..Contact::default() };
    let changes = partners::Changes {
        name: Some(company.name.parse().map_err(wrong)?),
        roles: Some(roles),
        description: text(company.about),
        contact: Some(Some(contact)),
        tags: Some(super::parsed(company.tags)?),
        ..partners::Changes::default()
    };
    partners::create(tx, &player.caller, player.id, &changes)?;
    let fee = Share::Percent(Percent::parse(company.fee).map_err(wrong)?);
    let changes = settings::Changes { extra: Some(Some(fee)), ..settings::Changes::default() };
    settings::change(tx, &player.caller, &app.installation, player.id, &changes)?;
    Ok(())
}

fn plan_sets(
    places: &[Places],
    venue: &Venue,
    opening: Timestamp,
    start: Timestamp,
    end: Timestamp,
) -> Result<Vec<sets::Changes>, Error> {
    let sectors = venue.map.as_ref().map(|(_, sectors)| sectors.as_slice()).unwrap_or_default();
    let described = PLACES.iter().find(|place| place.sectors.len() == sectors.len()).map(|place| place.sectors);
    let described = described.unwrap_or_default();
    let seats = |sector: usize, rows: (usize, usize), name: String, prices: &[&str]| -> Result<sets::Changes, Error> {
        let (Some(id), Some((_, _, seats))) = (sectors.get(sector), described.get(sector)) else {
            return Err(Error::Internal(format!("demo data: no sector {sector}")));
        };
        let all = || vec![("1".to_owned(), seats.to_string())];
        let ranges: BTreeMap<_, _> = (rows.0..=rows.1).map(|row| (row.to_string(), all())).collect();
        let priced = priced(prices, opening, start, end)?;
        Ok(sets::Changes { name: Some(name), sector: Some(*id), seats: Some(ranges), ..priced })
    };
    let mut planned = Vec::new();
    for place in places {
        match place {
            Places::Standing(name, amount, prices) => planned.push(sets::Changes {
                name: Some((*name).to_owned()),
                amount: Some(*amount),
                ..priced(prices, opening, start, end)?
            }),
            Places::Rows(name, sector, rows, prices) => {
                planned.push(seats(*sector, *rows, (*name).to_owned(), prices)?);
            }
            Places::Sectors((from, to), prices) => {
                for (sector, (name, rows, _)) in described.iter().enumerate().take(*to).skip(*from) {
                    planned.push(seats(sector, (1, *rows), format!("Сектор {name}"), prices)?);
                }
            }
        }
    }
    Ok(planned)
}

/// Of several prices each but the last holds for an equal part of the time until the event; the last one to its end.
fn priced(prices: &[&str], opening: Timestamp, start: Timestamp, end: Timestamp) -> Result<sets::Changes, Error> {
    if let [price] = prices {
        return Ok(sets::Changes { price: Some(GivenPrice::nominal(price)), ..sets::Changes::default() });
    }
    let parts = i64::try_from(prices.len()).unwrap_or(1).max(1);
    let part = start.duration_since(opening).as_secs() / parts;
    let mut from = opening;
    let mut steps = Vec::new();
    for (number, price) in (1..).zip(prices) {
        let to = if number == parts { end } else { after(opening, SignedDuration::from_secs(part * number))? };
        let cal = Period::new(from, to).map_err(wrong)?;
        steps.push(GivenRule { id: None, cal, price: GivenPrice::nominal(price) });
        from = to;
    }
    Ok(sets::Changes { rules: Some(steps), ..sets::Changes::default() })
}

fn new_promocode(code: &str, name: &str, takes: &Takes) -> Result<NewPromocode, Error> {
    let discount = match takes {
        Takes::Percent(percent) => GivenDiscount::Percentage(Discount::percentage(percent).map_err(wrong)?),
        Takes::Amount(amount) => GivenDiscount::Fix((*amount).to_owned()),
    };
    Ok(NewPromocode {
        code: code.to_owned(),
        name: Some(name.to_owned()),
        desc: None,
        discount,
        amount: Some(200),
        tickets_count: TicketsCount::default(),
        lifetime: None,
        sets: Vec::new(),
    })
}

fn proposal(event: EventId, org: PartnerId, offer: &Offer) -> Proposal {
    Proposal {
        event,
        subj: org,
        obj: None,
        org: GivenShare::Number(offer.share.to_owned()),
        extra: Some(GivenShare::Number(offer.extra.to_owned())),
        core: None,
        pfc: offer.pfc,
        message: None,
        title: None,
    }
}

/// What came of a proposal of the agent's.
fn answer(tx: &mut Tx<'_>, fate: Fate, org: &Player, agent: &Player, deal: DealId) -> Result<(), Error> {
    let mut set = |by: &Player, reversed: Option<bool>, status: Option<DealStatus>| {
        deals::change(tx, &by.caller, deal, deals::Changes { reversed, status }).map(drop)
    };
    match fate {
        Fate::Open => Ok(()),
        Fate::HandedOver => set(org, Some(true), None),
        Fate::Accepted => set(org, None, Some(DealStatus::Accepted)),
        Fate::Rejected => set(org, None, Some(DealStatus::Rejected)),
        Fate::Withdrawn => set(agent, None, Some(DealStatus::Canceled)),
        Fate::Closed => {
            set(org, None, Some(DealStatus::Accepted))?;
            set(org, None, Some(DealStatus::Closed))
        }
    }
}

/// What a side of a deal is owed under it; less than zero: what it owes.
fn balance(tx: &mut Tx<'_>, of: &Player, deal: DealId) -> Result<Option<Sum>, Error> {
    let filter = ledger::Filter { deal: Some(deal), ..ledger::Filter::default() };
    let balances = ledger::balances(tx, &of.caller, &filter, Window { after: None, skip: 0, limit: 1 })?;
    Ok(balances.first().map(|balance| balance.total))
}

fn after(time: Timestamp, duration: SignedDuration) -> Result<Timestamp, Error> {
    time.checked_add(duration).map_err(no_time)
}

fn no_time(error: jiff::Error) -> Error {
    Error::Internal(error.to_string())
}
