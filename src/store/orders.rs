//! The tables `orders`, `order_tickets` and `order_promocodes`.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use sea_query::{Cond, Expr, ExprTrait, Query, SelectStatement};

use super::db::{params, statements};
use super::values::{buckets, bytes, json, share_text};
use super::{Error, Row, RowReader, Tx, Window, lists};
use crate::domain::id::{CustomerId, DealId, EventId, OrderId, PartnerId, PromocodeId, RefundId, RuleId, SetId};
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, OrderPayment, OrderStatus};
use crate::domain::pricing::{Line, Sale, Values};
use crate::domain::share::Share;
use crate::domain::terms::{Split, Terms};

macro_rules! columns {
    () => {
        "id, event_id, org_id, vendor_id, deal_id, term_org, term_extra, term_core, term_pfc, number, code, status, origin, \
         reserved_till, customer_id, customer, payment_system, success_url, failure_url, redirect_url, send_tickets, rules, \
         vendor_data, currency, tickets, discount, nominal, extra, total, version, created_at, updated_at, done_at"
    };
}
macro_rules! line_columns {
    () => {
        "ticket_id, set_id, rule_id, promocode_id, price, discount, nominal, extra, total, org_share, core_share, agent_share"
    };
}

statements! {
    ONE = concat!("select ", columns!(), " from orders where bucket = $1 and id = $2");
    // Whoever changes an order waits here for who does so already.
    ONE_LOCKED = concat!("select ", columns!(), " from orders where bucket = $1 and id = $2 for update");
    ONE_UNLESS_LOCKED =
        concat!("select ", columns!(), " from orders where bucket = $1 and id = $2 for update skip locked");
    BY_IDS = concat!("select ", columns!(), " from orders where bucket = any($1) and id = any($2) order by id");
    INSERT = concat!(
        "insert into orders (", columns!(), ", bucket) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, \
         $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34) on conflict (bucket, number) do nothing"
    );
    UPDATE =
        "update orders set code = $3, status = $4, reserved_till = $5, customer_id = $6, customer = $7, \
         payment_system = $8, success_url = $9, failure_url = $10, redirect_url = $11, send_tickets = $12, rules = $13, \
         vendor_data = $14, tickets = $15, discount = $16, nominal = $17, extra = $18, total = $19, version = version + 1, \
         updated_at = $20, done_at = $21 where bucket = $1 and id = $2 and version = $22";
    LINES = concat!(
        "select order_id, ", line_columns!(), " from order_tickets \
         where bucket = any($1) and order_id = any($2) and refund_id is null order by order_id, pos"
    );
    ALL_LINES = concat!(
        "select order_id, ", line_columns!(), ", refund_id from order_tickets \
         where bucket = any($1) and order_id = any($2) order by order_id, pos"
    );
    DELETE_LINES = "delete from order_tickets where bucket = $1 and order_id = $2 and refund_id is null";
    INSERT_LINE = concat!(
        "insert into order_tickets (bucket, order_id, pos, ", line_columns!(), ") \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    );
    KEEP_BARCODES =
        "update order_tickets set barcode = (select t.barcode from tickets t \
         where t.bucket = order_tickets.bucket and t.id = order_tickets.ticket_id) \
         where bucket = $1 and order_id = $2 and refund_id is null";
    PROMOCODES =
        "select order_id, promocode_id, uses from order_promocodes \
         where bucket = any($1) and order_id = any($2) order by order_id, pos";
    DELETE_PROMOCODES = "delete from order_promocodes where bucket = $1 and order_id = $2";
    INSERT_PROMOCODE =
        "insert into order_promocodes (bucket, order_id, promocode_id, pos, uses) values ($1, $2, $3, $4, $5)";
    DUE =
        "select id from orders where status in ('executed', 'in_progress') and reserved_till <= $1 \
         order by reserved_till limit $2";
    HOLDING_OF_EVENT = concat!(
        "select ", columns!(), " from orders \
         where bucket = $1 and event_id = $2 and status in ('executed', 'in_progress') order by id for update"
    );
    // One that expired did so when its hold was over.
    END_ALL =
        "update orders set status = $3, updated_at = case when $3 = 'expired' then reserved_till else $4 end, \
         version = version + 1 where bucket = $1 and id = any($2)";
    KEEPS_EVENT =
        "select 1 from orders where bucket = $1 and event_id = $2 \
         and (status = 'done' or (status in ('executed', 'in_progress') and reserved_till > $3)) limit 1";
    EVENTS_SOLD =
        "select e.id from events e where e.bucket = any($1) and e.id = any($2) and exists \
         (select 1 from orders o where o.bucket = e.bucket and o.event_id = e.id and o.vendor_id = $3)";
    LIVE_OF_VENDOR =
        "select id from orders where status in ('executed', 'in_progress') and reserved_till > $2 and vendor_id = $1 limit 20";
    LIVE_OF_ORG =
        "select id from orders where status in ('executed', 'in_progress') and reserved_till > $2 and org_id = $1 \
         and vendor_id <> $1 limit 20";
}

/// Finds an order, as it is stored.
pub fn find(tx: &mut Tx<'_>, id: OrderId) -> Result<Option<Order>, Error> {
    tx.query_opt(ONE, params![id.bucket(), id])?.map(order).transpose()
}

/// Finds an order, and keeps it as it is until the transaction ends.
pub fn find_locked(tx: &mut Tx<'_>, id: OrderId) -> Result<Option<Order>, Error> {
    tx.query_opt(ONE_LOCKED, params![id.bucket(), id])?.map(order).transpose()
}

/// Finds an order and keeps it as it is, unless another transaction does so already.
pub fn find_unless_locked(tx: &mut Tx<'_>, id: OrderId) -> Result<Option<Order>, Error> {
    tx.query_opt(ONE_UNLESS_LOCKED, params![id.bucket(), id])?.map(order).transpose()
}

/// Finds several orders, as they are stored, in the order of their ids; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<Vec<Order>, Error> {
    tx.query(BY_IDS, params![buckets(ids), ids])?.into_iter().map(order).collect()
}

/// Writes a new order; false where its number is another's.
pub fn insert(tx: &mut Tx<'_>, order: &Order) -> Result<bool, Error> {
    let (deal, org, extra, core, pfc) = match &order.sale {
        Sale::Deal { deal, terms } => {
            (Some(*deal), Some(share_text(&terms.org)), share_text(&terms.extra), share_text(&terms.core), terms.pfc)
        }
        Sale::Own { fee, core } => (None, None, share_text(fee), share_text(core), false),
    };
    let rows = tx.execute(
        INSERT,
        params![
            order.id,
            order.event,
            order.org,
            order.vendor,
            deal,
            org,
            extra,
            core,
            pfc,
            order.number,
            order.code.as_deref(),
            order.status.as_str(),
            order.origin.as_str(),
            order.reserved_till,
            order.customer_id,
            json(&order.customer)?,
            order.payment.system.map(|system| system.as_str()),
            order.payment.success_url.as_deref(),
            order.payment.failure_url.as_deref(),
            order.payment.redirect_url.as_deref(),
            order.payment.send_tickets,
            rules_json(&order.rules)?,
            order.vendor_data.as_ref().map(json).transpose()?,
            order.currency.code(),
            order.tickets,
            order.values.discount.minor,
            order.values.nominal.minor,
            order.values.extra.minor,
            order.values.full.minor,
            order.version,
            order.created_at,
            order.updated_at,
            order.done_at,
            order.id.bucket()
        ],
    )?;
    Ok(rows == 1)
}

/// Writes an order's changed fields; false where it was changed since it was read. Its version grows.
pub fn update(tx: &mut Tx<'_>, order: &mut Order) -> Result<bool, Error> {
    let rows = tx.execute(
        UPDATE,
        params![
            order.id.bucket(),
            order.id,
            order.code.as_deref(),
            order.status.as_str(),
            order.reserved_till,
            order.customer_id,
            json(&order.customer)?,
            order.payment.system.map(|system| system.as_str()),
            order.payment.success_url.as_deref(),
            order.payment.failure_url.as_deref(),
            order.payment.redirect_url.as_deref(),
            order.payment.send_tickets,
            rules_json(&order.rules)?,
            order.vendor_data.as_ref().map(json).transpose()?,
            order.tickets,
            order.values.discount.minor,
            order.values.nominal.minor,
            order.values.extra.minor,
            order.values.full.minor,
            order.updated_at,
            order.done_at,
            order.version
        ],
    )?;
    order.version += 1;
    Ok(rows == 1)
}

/// The tickets of several orders with their money, in each order's own sequence; those that were refunded are left out.
pub fn lines(tx: &mut Tx<'_>, orders: &[Order]) -> Result<HashMap<OrderId, Vec<Line>>, Error> {
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let currencies: HashMap<OrderId, Currency> = orders.iter().map(|order| (order.id, order.currency)).collect();
    let mut lines: HashMap<OrderId, Vec<Line>> = HashMap::new();
    for row in tx.query(LINES, params![buckets(&ids), &ids])? {
        let mut row = row.read("order_tickets");
        let order = row.next()?;
        let Some(currency) = currencies.get(&order) else { return Err(row.corrupt("order_id")) };
        lines.entry(order).or_default().push(line(&mut row, *currency)?);
    }
    Ok(lines)
}

/// A ticket of an order with its money, and the request that refunded it.
pub type SoldLine = (Line, Option<RefundId>);

/// The tickets of several orders with their money, in each order's own sequence; those that were refunded with the request
/// that they belong to.
pub fn all_lines(tx: &mut Tx<'_>, orders: &[Order]) -> Result<HashMap<OrderId, Vec<SoldLine>>, Error> {
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let currencies: HashMap<OrderId, Currency> = orders.iter().map(|order| (order.id, order.currency)).collect();
    let mut lines: HashMap<OrderId, Vec<SoldLine>> = HashMap::new();
    for row in tx.query(ALL_LINES, params![buckets(&ids), &ids])? {
        let mut row = row.read("order_tickets");
        let order = row.next()?;
        let Some(currency) = currencies.get(&order) else { return Err(row.corrupt("order_id")) };
        lines.entry(order).or_default().push((line(&mut row, *currency)?, row.next()?));
    }
    Ok(lines)
}

/// Writes the tickets of an order with their money, in the place of those it had; refunded ones stay.
pub fn put_lines(tx: &mut Tx<'_>, order: OrderId, lines: &[Line]) -> Result<(), Error> {
    tx.execute(DELETE_LINES, params![order.bucket(), order])?;
    for (pos, line) in (0_i64..).zip(lines) {
        tx.execute(
            INSERT_LINE,
            params![
                order.bucket(),
                order,
                pos,
                line.ticket,
                line.set,
                line.rule,
                line.promocode,
                line.price.minor,
                line.discount.minor,
                line.split.nominal.minor,
                line.split.extra.minor,
                line.split.full.minor,
                line.split.org.minor,
                line.split.core.minor,
                line.split.agent.minor
            ],
        )?;
    }
    Ok(())
}

/// Notes with an order's tickets the barcodes that they were just sold with.
pub fn keep_barcodes(tx: &mut Tx<'_>, order: OrderId) -> Result<(), Error> {
    tx.execute(KEEP_BARCODES, params![order.bucket(), order])?;
    Ok(())
}

/// The promocodes given to several orders, in each order's own sequence, with how many tickets each counts for.
pub fn promocodes(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<(PromocodeId, i64)>>, Error> {
    let mut promocodes: HashMap<OrderId, Vec<(PromocodeId, i64)>> = HashMap::new();
    for row in tx.query(PROMOCODES, params![buckets(orders), orders])? {
        let mut row = row.read("order_promocodes");
        promocodes.entry(row.next()?).or_default().push((row.next()?, row.next()?));
    }
    Ok(promocodes)
}

/// Writes the promocodes given to an order, in the place of those it had.
pub fn put_promocodes(tx: &mut Tx<'_>, order: OrderId, promocodes: &[(PromocodeId, i64)]) -> Result<(), Error> {
    tx.execute(DELETE_PROMOCODES, params![order.bucket(), order])?;
    for (pos, (promocode, uses)) in (0_i64..).zip(promocodes) {
        tx.execute(INSERT_PROMOCODE, params![order.bucket(), order, promocode, pos, *uses])?;
    }
    Ok(())
}

/// Some of the orders whose hold is over and that nobody has written down as expired.
pub fn due(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<OrderId>, Error> {
    let now = tx.now();
    ids(tx.query(DUE, params![now, limit])?)
}

/// The orders of an event that are stored as holding tickets, by id. Nobody changes them until the transaction ends.
pub fn holding_of_event(tx: &mut Tx<'_>, event: EventId) -> Result<Vec<Order>, Error> {
    tx.query(HOLDING_OF_EVENT, params![event.bucket(), event])?.into_iter().map(order).collect()
}

/// Writes down that these orders of an event have ended so.
pub fn end_all(tx: &mut Tx<'_>, event: EventId, ids: &[OrderId], to: OrderStatus) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(END_ALL, params![event.bucket(), ids, to.as_str(), now])?;
    Ok(())
}

/// Whether an event has an order that is live or done.
pub fn keep_event(tx: &mut Tx<'_>, event: EventId) -> Result<bool, Error> {
    let now = tx.now();
    Ok(tx.query_opt(KEEPS_EVENT, params![event.bucket(), event, now])?.is_some())
}

/// Those of the events that a partner has an order for.
pub fn events_sold_by(tx: &mut Tx<'_>, vendor: PartnerId, events: &[EventId]) -> Result<Vec<EventId>, Error> {
    let rows = tx.query(EVENTS_SOLD, params![buckets(events), events, vendor])?;
    rows.into_iter().map(|row| row.read("events").next()).collect()
}

/// Some of the live orders that a partner sells, or that are of its events.
pub fn live_of(tx: &mut Tx<'_>, partner: PartnerId) -> Result<Vec<OrderId>, Error> {
    let now = tx.now();
    let mut live = ids(tx.query(LIVE_OF_VENDOR, params![partner, now])?)?;
    live.extend(ids(tx.query(LIVE_OF_ORG, params![partner, now])?)?);
    Ok(live)
}

/// Which orders a list holds.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only orders sold by these.
    pub vendors: Vec<PartnerId>,
    /// Only orders of events of these.
    pub orgs: Vec<PartnerId>,
    /// Only orders of these events.
    pub events: Vec<EventId>,
    /// Only orders in one of these statuses, as they are at the time of the transaction.
    pub statuses: Vec<OrderStatus>,
    /// Only orders created then or later.
    pub created_from: Option<Timestamp>,
    /// Only orders created then or before.
    pub created_to: Option<Timestamp>,
    /// Only orders of this customer.
    pub customer: Option<CustomerId>,
    /// Only orders whose customer has an address.
    pub with_customer: bool,
}

/// A part of a list of orders in the order of their ids, as they are stored: of those that a partner sells, or that are of
/// its events; or of all partners'.
pub fn list(
    tx: &mut Tx<'_>,
    of: Option<PartnerId>,
    filter: &Filter,
    window: Window<OrderId>,
) -> Result<Vec<Order>, Error> {
    let selects = selects(of, filter, window.is_near(), tx.now());
    lists::merged_by_id(tx, selects, columns!(), window, order, |order| order.id)
}

/// How many orders a list holds in all.
pub fn count(tx: &mut Tx<'_>, of: Option<PartnerId>, filter: &Filter) -> Result<i64, Error> {
    let selects = selects(of, filter, true, tx.now());
    lists::count(tx, selects)
}

fn selects(of: Option<PartnerId>, filter: &Filter, apart: bool, now: Timestamp) -> Vec<SelectStatement> {
    let mut common = Query::select();
    common.from("orders");
    for (column, partners) in [("vendor_id", &filter.vendors), ("org_id", &filter.orgs)] {
        if !partners.is_empty() {
            common.and_where(Expr::col(column).is_in(partners.iter().map(|partner| bytes(*partner))));
        }
    }
    lists::of_events(&mut common, &filter.events);
    lists::between(&mut common, "created_at", filter.created_from, filter.created_to);
    if let Some(customer) = filter.customer {
        common.and_where(Expr::col("customer_id").eq(bytes(customer)));
    }
    if filter.with_customer {
        common.and_where(Expr::col("customer_id").is_not_null());
    }
    if !filter.statuses.is_empty() {
        common.cond_where(in_status(&filter.statuses, now));
    }
    match of {
        Some(of) => lists::sides(&common, sold_or_of_its_events(of), apart),
        None => vec![common],
    }
}

/// That an order is in one of these statuses at this time, whatever is still stored.
pub(super) fn in_status(statuses: &[OrderStatus], now: Timestamp) -> Cond {
    let stored = |status: OrderStatus| Expr::col("status").eq(status.as_str());
    let till = || Expr::col("reserved_till");
    let holds = || Expr::col("status").is_in(["executed", "in_progress"]);
    statuses.iter().fold(Cond::any(), |cond, wanted| match wanted {
        OrderStatus::Executed | OrderStatus::InProgress => {
            cond.add(stored(*wanted).and(till().gt(now.as_microsecond())))
        }
        OrderStatus::Expired => cond.add(stored(*wanted)).add(holds().and(till().lte(now.as_microsecond()))),
        OrderStatus::Done | OrderStatus::Canceled | OrderStatus::Refunded => cond.add(stored(*wanted)),
    })
}

/// The two ways in which an order, or what became of one, is a partner's.
pub(super) fn sold_or_of_its_events(of: PartnerId) -> [Cond; 2] {
    let vendor = || Expr::col("vendor_id");
    [
        Cond::all().add(vendor().eq(bytes(of))),
        Cond::all().add(Expr::col("org_id").eq(bytes(of))).add(vendor().ne(bytes(of))),
    ]
}

fn ids(rows: Vec<Row>) -> Result<Vec<OrderId>, Error> {
    rows.into_iter().map(|row| row.read("orders").next()).collect()
}

fn rules_json(rules: &BTreeMap<SetId, RuleId>) -> Result<String, Error> {
    json(&rules.iter().map(|(set, rule)| (set.to_string(), rule.to_string())).collect::<BTreeMap<_, _>>())
}

fn rules(text: &str) -> Option<BTreeMap<SetId, RuleId>> {
    let rules: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
    rules.iter().map(|(set, rule)| Some((set.parse().ok()?, rule.parse().ok()?))).collect()
}

fn sale(deal: Option<DealId>, org: Option<Share>, extra: Share, core: Share, pfc: bool) -> Result<Sale, &'static str> {
    match (deal, org) {
        (Some(deal), Some(org)) => {
            let terms = Terms::new(org, extra, core, pfc).map_err(|_| "term_org")?;
            Ok(Sale::Deal { deal, terms })
        }
        (None, None) => Ok(Sale::Own { fee: extra, core }),
        _ => Err("deal_id"),
    }
}

fn order(row: Row) -> Result<Order, Error> {
    let mut row = row.read("orders");
    let id = row.next()?;
    let event = row.next()?;
    let org = row.next()?;
    let vendor = row.next()?;
    let (deal, term_org) = (row.next()?, row.next_share_opt()?);
    let (extra, core) = (row.next_share()?, row.next_share()?);
    let sale = sale(deal, term_org, extra, core, row.next()?).map_err(|column| row.corrupt(column))?;
    let number = row.next()?;
    let code = row.next()?;
    let status = row.next_parsed()?;
    let origin = row.next_parsed()?;
    let reserved_till = row.next()?;
    let customer_id = row.next()?;
    let customer = row.next_as(|text: String| serde_json::from_str(&text))?;
    let system = row.next_as(|text: Option<String>| text.map(|text| text.parse()).transpose())?;
    let payment = OrderPayment {
        system,
        success_url: row.next()?,
        failure_url: row.next()?,
        redirect_url: row.next()?,
        send_tickets: row.next()?,
    };
    let rules = row.next_as(|text: String| rules(&text).ok_or(()))?;
    let vendor_data = row.next_json()?;
    let currency = row.next_parsed()?;
    let tickets = row.next()?;
    let mut money = || Ok::<_, Error>(Money { minor: row.next()?, currency });
    let values = Values { discount: money()?, nominal: money()?, extra: money()?, full: money()? };
    Ok(Order {
        id,
        event,
        org,
        vendor,
        sale,
        number,
        code,
        status,
        origin,
        reserved_till,
        customer_id,
        customer,
        payment,
        rules,
        vendor_data,
        currency,
        tickets,
        values,
        version: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        done_at: row.next()?,
    })
}

fn line(row: &mut RowReader, currency: Currency) -> Result<Line, Error> {
    let (ticket, set, rule, promocode) = (row.next()?, row.next()?, row.next()?, row.next()?);
    let mut money = || Ok::<_, Error>(Money { minor: row.next()?, currency });
    let (price, discount) = (money()?, money()?);
    let (nominal, extra, full) = (money()?, money()?, money()?);
    let (org, core, agent) = (money()?, money()?, money()?);
    let split = Split { nominal, extra, full, org, core, agent, sellable: true };
    Ok(Line { ticket, set, rule, promocode, price, discount, split })
}
