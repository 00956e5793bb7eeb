//! The tables `sets`, `rules` and `set_counters`.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::db::{params, statements};
use super::values::{buckets, json};
use super::{Error, Row, RowReader, Tx};
use crate::domain::id::{EventId, MapId, RuleId, SectorId, SetId};
use crate::domain::money::{Currency, Money};
use crate::domain::period::Period;
use crate::domain::set::{Rule, Seats, Set, Surplus};

macro_rules! columns {
    () => {
        "id, event_id, name, description, pos, amount, serial, sector_id, seats, surplus, surplus_from, removed, \
         created_at, updated_at"
    };
}
/// A set with its rules: one row for each rule, or one without.
macro_rules! with_rules {
    ($from:literal) => {
        concat!(
            "select s.id, s.event_id, s.name, s.description, s.pos, s.amount, s.serial, s.sector_id, s.seats, s.surplus, \
             s.surplus_from, s.removed, s.created_at, s.updated_at, e.currency, r.id as rule_id, r.price, r.starts_at, r.ends_at ",
            $from,
            " left join rules r on r.bucket = s.bucket and r.set_id = s.id and not r.removed "
        )
    };
}

statements! {
    BY_EVENTS = concat!(
        with_rules!("from events e join sets s on s.bucket = e.bucket and s.event_id = e.id"),
        "where e.id = any($1) and ($2 or not s.removed) order by s.event_id, s.pos, s.id, r.starts_at, r.id"
    );
    BY_IDS = concat!(
        with_rules!("from sets s join events e on e.bucket = s.bucket and e.id = s.event_id"),
        "where s.id = any($1) order by s.id, r.starts_at, r.id"
    );
    INSERT = concat!(
        "insert into sets (", columns!(), ", bucket) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
         $13, $14, $15)"
    );
    UPDATE =
        "update sets set name = $3, description = $4, pos = $5, amount = $6, removed = $7, updated_at = $8 \
         where bucket = $1 and id = $2";
    // Nobody else changes it, or takes tickets of it for an order that there is already, until the transaction ends.
    LOCK = "select surplus, surplus_from from sets where bucket = $1 and id = $2 for no key update";
    // Nobody changes them until the transaction ends.
    KEEP = "select id from sets where bucket = any($1) and id = any($2) order by id for share";
    PUT_SURPLUS = "update sets set surplus = $3, surplus_from = $4 where bucket = $1 and id = $2";
    WITH_SURPLUS = "select id from sets where surplus > 0 limit 1";
    PUT_RULE =
        "insert into rules (bucket, id, set_id, price, starts_at, ends_at, removed) values ($1, $2, $3, $4, $5, $6, false) \
         on conflict (bucket, id) do update set starts_at = excluded.starts_at, ends_at = excluded.ends_at";
    REMOVE_RULES = "update rules set removed = true where bucket = $1 and set_id = $2 and not removed and not id = any($3)";
    RULES_BY_IDS =
        "select id, set_id, price, starts_at, ends_at from rules where bucket = any($1) and id = any($2)";
    COUNTED =
        "select s.id, cast(sum(c.taken) as bigint) from sets s \
         join set_counters c on c.bucket = s.bucket and c.set_id = s.id where s.id = any($1) group by s.id";
    OVER =
        "select s.id, count(*) from sets s join tickets t on t.bucket = s.bucket and t.set_id = s.id \
         where s.id = any($1) and t.status = 'reserved' and t.reserved_till <= $2 group by s.id";
    // Both from one snapshot: a hold that is written down as over meanwhile is in both or in neither.
    TAKEN =
        "select cast(coalesce((select sum(taken) from set_counters where bucket = $1 and set_id = $2), 0) \
         - (select count(*) from tickets where bucket = $1 and set_id = $2 and status = 'reserved' \
         and reserved_till <= $3) as bigint) as taken";
    COUNT =
        "insert into set_counters (bucket, set_id, shard, taken) values ($1, $2, $3, $4) \
         on conflict (bucket, set_id, shard) do update set taken = set_counters.taken + excluded.taken";
    MOVE_ENDS =
        "update rules set ends_at = $4 where bucket = $1 and ends_at = $3 and starts_at < $4 and not removed \
         and set_id in (select id from sets where bucket = $1 and event_id = $2)";
    MAPS =
        "select distinct x.map_id from sets s join sectors x on x.id = s.sector_id \
         where s.bucket = $1 and s.event_id = $2 and not s.removed";
    EXISTS = "select 1 from sets where bucket = $1 and event_id = $2 limit 1";
    PRICED =
        "select 1 from sets s join rules r on r.bucket = s.bucket and r.set_id = s.id and not r.removed \
         where s.bucket = $1 and s.event_id = $2 and not s.removed limit 1";
}

/// Finds a set with its rules.
pub fn find(tx: &mut Tx<'_>, id: SetId) -> Result<Option<Set>, Error> {
    Ok(find_all(tx, &[id])?.pop())
}

/// Finds several sets with their rules, in the order of their ids; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[SetId]) -> Result<Vec<Set>, Error> {
    read(tx.query(BY_IDS, params![ids])?)
}

/// The sets of events with their rules: by event, those of an event by their place. `removed`: also those removed.
pub fn of_events(tx: &mut Tx<'_>, events: &[EventId], removed: bool) -> Result<Vec<Set>, Error> {
    read(tx.query(BY_EVENTS, params![events, removed])?)
}

/// Writes a new set with its rules.
pub fn insert(tx: &mut Tx<'_>, set: &Set) -> Result<(), Error> {
    let seats = set.seats.as_ref().map(|seats| json(&seats.rows)).transpose()?;
    tx.execute(
        INSERT,
        params![
            set.id,
            set.event,
            set.name.as_str(),
            set.description.as_deref(),
            set.pos,
            set.amount,
            set.serial.as_str(),
            set.seats.as_ref().map(|seats| seats.sector),
            seats,
            set.surplus.map_or(0, |surplus| surplus.amount),
            set.surplus.map(|surplus| surplus.from),
            set.removed,
            set.created_at,
            set.updated_at,
            set.id.bucket()
        ],
    )?;
    set.rules.iter().try_for_each(|rule| put_rule(tx, set.id, rule))
}

/// Writes a set's changed fields; its rules are written by [`put_rules`], what is beyond its amount by [`put_surplus`].
pub fn update(tx: &mut Tx<'_>, set: &Set) -> Result<(), Error> {
    tx.execute(
        UPDATE,
        params![
            set.id.bucket(),
            set.id,
            set.name.as_str(),
            set.description.as_deref(),
            set.pos,
            set.amount,
            set.removed,
            set.updated_at
        ],
    )?;
    Ok(())
}

/// Keeps a set as it is until the transaction ends: nobody else changes it, or takes tickets of it for an order that there
/// is already. For new ones its event has to be locked.
pub fn lock(tx: &mut Tx<'_>, id: SetId) -> Result<Option<Surplus>, Error> {
    match tx.query_opt(LOCK, params![id.bucket(), id])? {
        Some(row) => surplus(&mut row.read("sets")),
        None => Ok(None),
    }
}

/// Keeps sets as they are until the transaction ends; others may do the same at the same time.
pub fn keep(tx: &mut Tx<'_>, ids: &[SetId]) -> Result<(), Error> {
    tx.query(KEEP, params![buckets(ids), ids])?;
    Ok(())
}

/// Writes which tickets of a set are beyond its amount. The set has to be locked.
pub fn put_surplus(tx: &mut Tx<'_>, id: SetId, surplus: Option<Surplus>) -> Result<(), Error> {
    let (amount, from) = (surplus.map_or(0, |surplus| surplus.amount), surplus.map(|surplus| surplus.from));
    tx.execute(PUT_SURPLUS, params![id.bucket(), id, amount, from])?;
    Ok(())
}

/// A set that has tickets beyond its amount.
pub fn with_surplus(tx: &mut Tx<'_>) -> Result<Option<SetId>, Error> {
    tx.query_opt(WITH_SURPLUS, params![])?.map(|row| row.read("sets").next()).transpose()
}

/// Writes the rules of a set. Those it had and has no longer stay readable by their ids ([`find_rules`]); the price of a
/// rule never changes.
pub fn put_rules(tx: &mut Tx<'_>, set: &Set) -> Result<(), Error> {
    let kept: Vec<RuleId> = set.rules.iter().map(|rule| rule.id).collect();
    tx.execute(REMOVE_RULES, params![set.id.bucket(), set.id, &kept])?;
    set.rules.iter().try_for_each(|rule| put_rule(tx, set.id, rule))
}

fn put_rule(tx: &mut Tx<'_>, set: SetId, rule: &Rule) -> Result<(), Error> {
    tx.execute(PUT_RULE, params![set.bucket(), rule.id, set, rule.price.minor, rule.cal.start, rule.cal.end])?;
    Ok(())
}

/// Finds rules by their ids, also those that were replaced: orders keep the price that they began with.
pub fn find_rules(
    tx: &mut Tx<'_>,
    ids: &[RuleId],
    currency: Currency,
) -> Result<HashMap<RuleId, (SetId, Rule)>, Error> {
    let mut found = HashMap::new();
    for row in tx.query(RULES_BY_IDS, params![buckets(ids), ids])? {
        let mut row = row.read("rules");
        let (id, set) = (row.next()?, row.next()?);
        let (price, cal) = step(&mut row, currency)?;
        found.insert(id, (set, Rule { id, cal, price }));
    }
    Ok(found)
}

/// How many tickets of each set are reserved or sold now; of how many vacant ones that leaves, [`Set::amount`] is the rest.
/// Holds that are over are none.
pub fn taken(tx: &mut Tx<'_>, sets: &[SetId]) -> Result<HashMap<SetId, i64>, Error> {
    let now = tx.now();
    let mut taken: HashMap<SetId, i64> = sets.iter().map(|set| (*set, 0)).collect();
    for row in tx.query(COUNTED, params![sets])? {
        let mut row = row.read("set_counters");
        let (set, counted): (SetId, i64) = (row.next()?, row.next()?);
        *taken.entry(set).or_default() += counted;
    }
    for row in tx.query(OVER, params![sets, now])? {
        let mut row = row.read("tickets");
        let (set, over): (SetId, i64) = (row.next()?, row.next()?);
        *taken.entry(set).or_default() -= over;
    }
    Ok(taken)
}

/// How many tickets of one set are reserved or sold now. Where nobody can take any until the transaction ends, there are no
/// more until then.
pub fn taken_of(tx: &mut Tx<'_>, set: SetId) -> Result<i64, Error> {
    let now = tx.now();
    tx.query_one(TAKEN, params![set.bucket(), set, now])?.read("set_counters").next()
}

/// Counts tickets of a set as taken, or, below 0, as given back.
pub fn count_taken(tx: &mut Tx<'_>, set: SetId, shard: i32, taken: i64) -> Result<(), Error> {
    tx.execute(COUNT, params![set.bucket(), set, shard, taken])?;
    Ok(())
}

/// Lets the rules that ended with their event end with it at its new end.
pub fn move_ends(tx: &mut Tx<'_>, event: EventId, from: Timestamp, to: Timestamp) -> Result<(), Error> {
    tx.execute(MOVE_ENDS, params![event.bucket(), event, from, to])?;
    Ok(())
}

/// The maps that the seats of an event's sets are on.
pub fn maps_of(tx: &mut Tx<'_>, event: EventId) -> Result<Vec<MapId>, Error> {
    tx.query(MAPS, params![event.bucket(), event])?.into_iter().map(|row| row.read("sectors").next()).collect()
}

/// Whether an event has, or ever had, a set.
pub fn exist(tx: &mut Tx<'_>, event: EventId) -> Result<bool, Error> {
    Ok(tx.query_opt(EXISTS, params![event.bucket(), event])?.is_some())
}

/// Whether an event has a set with a price.
pub fn priced_exists(tx: &mut Tx<'_>, event: EventId) -> Result<bool, Error> {
    Ok(tx.query_opt(PRICED, params![event.bucket(), event])?.is_some())
}

/// Sets from rows that are in the order of their sets.
fn read(rows: Vec<Row>) -> Result<Vec<Set>, Error> {
    let mut sets: Vec<Set> = Vec::new();
    for row in rows {
        let mut row = row.read("sets");
        let set = set(&mut row)?;
        let rule = rule(&mut row)?;
        match sets.last_mut() {
            Some(last) if last.id == set.id => last.rules.extend(rule),
            _ => sets.push(Set { rules: rule.into_iter().collect(), ..set }),
        }
    }
    Ok(sets)
}

fn set(row: &mut RowReader) -> Result<Set, Error> {
    let id = row.next()?;
    let event = row.next()?;
    let name = row.next()?;
    let description = row.next()?;
    let pos = row.next()?;
    let amount = row.next()?;
    let serial = row.next()?;
    let sector: Option<SectorId> = row.next()?;
    let rows: Option<BTreeMap<String, Vec<(String, String)>>> = row.next_json()?;
    let seats = match (sector, rows) {
        (Some(sector), Some(rows)) => Some(Seats { sector, rows }),
        (None, None) => None,
        _ => return Err(row.corrupt("seats")),
    };
    Ok(Set {
        id,
        event,
        name,
        description,
        pos,
        amount,
        serial,
        seats,
        rules: Vec::new(),
        surplus: surplus(row)?,
        removed: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

fn surplus(row: &mut RowReader) -> Result<Option<Surplus>, Error> {
    let (amount, from): (i64, Option<i64>) = (row.next()?, row.next()?);
    match from {
        Some(from) if amount > 0 => Ok(Some(Surplus { amount, from })),
        None if amount == 0 => Ok(None),
        _ => Err(row.corrupt("surplus_from")),
    }
}

fn rule(row: &mut RowReader) -> Result<Option<Rule>, Error> {
    let currency = row.next_parsed()?;
    let Some(id) = row.next()? else { return Ok(None) };
    let (price, cal) = step(row, currency)?;
    Ok(Some(Rule { id, cal, price }))
}

fn step(row: &mut RowReader, currency: Currency) -> Result<(Money, Period), Error> {
    let minor = row.next()?;
    let (start, end) = (row.next()?, row.next()?);
    let cal = Period::new(start, end).map_err(|_| row.corrupt("ends_at"))?;
    Ok((Money { minor, currency }, cal))
}
