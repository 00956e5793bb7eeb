//! Selling as `spec/domain.md` tells it, in plain memory: one actor after the other, nothing stored, nothing shared with the
//! program but the words. Amounts are minor units; times are microseconds since 1970.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub const MINUTE: i64 = 60_000_000;
pub const HOUR: i64 = 60 * MINUTE;
/// How long one that waits for `api/BASE` does.
const BASE_HOLD: i64 = 12 * HOUR;
/// How long one that waits for the payment system for tests does.
const TEST_HOLD: i64 = 20 * MINUTE;
/// How long after that a late callback of it comes.
const LATE: i64 = 1_000_000;

/// A part of a ticket's money.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// In ten-thousandths of a percent.
    Percent(i128),
    Amount(i128),
}

/// An exact amount: its numerator over a million.
const WHOLE: i128 = 1_000_000;

impl Part {
    fn exact(self, of: i128) -> i128 {
        match self {
            Self::Percent(percent) => of * percent,
            Self::Amount(amount) => amount * WHOLE,
        }
    }
}

fn half_even(exact: i128) -> i64 {
    let (floor, rest) = (exact.div_euclid(WHOLE), exact.rem_euclid(WHOLE));
    let up = rest * 2 > WHOLE || (rest * 2 == WHOLE && floor % 2 != 0);
    i64::try_from(floor + i128::from(up)).unwrap()
}

/// On what terms something is sold.
#[derive(Clone, Copy, Debug)]
pub enum Sale {
    Deal { org: Part, extra: Part, core: Part, pfc: bool },
    Own { fee: Part, core: Part },
}

/// Whose account a part goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    Vendor(usize),
    Platform,
    /// The customers', whose money came too late.
    Customers,
}

/// The vendor that is the event's organizer.
pub const ORGANIZER: usize = 0;

/// The money of one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    pub nominal: i64,
    pub extra: i64,
    pub full: i64,
    org: i64,
    core: i64,
    agent: i64,
}

impl Sale {
    /// The table of "The split of one ticket"; none where the terms can't sell at this price.
    pub fn split(&self, price: i64, discount: i64) -> Option<Split> {
        let n = i128::from(price - discount);
        let nominal = price - discount;
        match *self {
            Self::Own { fee, core } => {
                let extra = half_even(fee.exact(n));
                let core = half_even(core.exact(n).min(n * WHOLE));
                let full = nominal + extra;
                Some(Split { nominal, extra, full, org: full - core, core, agent: 0 })
            }
            Self::Deal { org, extra, core, pfc } => {
                let core_exact = core.exact(n).min(n * WHOLE);
                let org_exact = match org {
                    Part::Percent(_) => org.exact(n),
                    Part::Amount(amount) => (amount - i128::from(discount)).max(0) * WHOLE,
                };
                let gets = n * WHOLE + extra.exact(n) - org_exact - if pfc { 0 } else { core_exact };
                if gets < 0 {
                    return None;
                }
                let (x, core) = (half_even(extra.exact(n)), half_even(core_exact));
                let mut org = half_even(org_exact);
                let mut agent = nominal + x - org - if pfc { 0 } else { core };
                if agent < 0 {
                    org += agent;
                    agent = 0;
                }
                let extra = if pfc { x + core } else { x };
                Some(Split { nominal, extra, full: nominal + extra, org, core, agent })
            }
        }
    }

    fn pfc(&self) -> bool {
        matches!(self, Self::Deal { pfc: true, .. })
    }

    fn is_deal(&self) -> bool {
        matches!(self, Self::Deal { .. })
    }
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub id: String,
    pub price: i64,
    pub starts: i64,
    pub ends: i64,
}

#[derive(Clone, Debug)]
pub struct Set {
    pub id: String,
    pub rules: Vec<Rule>,
    pub removed: bool,
}

impl Set {
    /// "The one whose period holds now; where several hold, the one that starts last."
    pub fn current(&self, now: i64) -> Option<&Rule> {
        let holds = |rule: &&Rule| !self.removed && rule.starts <= now && now < rule.ends;
        self.rules.iter().filter(holds).max_by_key(|rule| rule.starts)
    }

    /// "With no current rule, the next rule's prices, else the last one's, else 0.00."
    pub fn shown(&self, now: i64) -> i64 {
        let next = || self.rules.iter().filter(|rule| rule.starts > now).min_by_key(|rule| rule.starts);
        let last = || self.rules.iter().max_by_key(|rule| rule.starts);
        self.current(now).or_else(next).or_else(last).map_or(0, |rule| rule.price)
    }
}

#[derive(Clone, Debug)]
pub struct Ticket {
    pub id: String,
    pub number: i64,
    pub set: usize,
    /// The order that holds it, or bought it.
    pub order: Option<usize>,
    pub removed: bool,
    /// Its seat as it is shown: none in a set without seats.
    pub seat: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Executed,
    InProgress,
    Done,
    Canceled,
    Expired,
    Refunded,
}

impl Status {
    pub const ALL: [Self; 6] =
        [Self::Executed, Self::InProgress, Self::Done, Self::Canceled, Self::Expired, Self::Refunded];

    pub fn word(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }

    pub fn word_v2(self) -> &'static str {
        if self == Self::Canceled { "cancelled" } else { self.word() }
    }

    /// Whether its tickets are reserved for it.
    pub fn holds(self) -> bool {
        matches!(self, Self::Executed | Self::InProgress)
    }
}

/// A ticket of an order with its money.
#[derive(Clone, Debug)]
pub struct Line {
    pub ticket: usize,
    pub set: usize,
    pub price: i64,
    pub discount: i64,
    pub code: Option<usize>,
    pub split: Split,
}

#[derive(Clone, Debug)]
pub struct Order {
    pub id: String,
    pub vendor: usize,
    sale: Sale,
    /// Its deal, as the count of those that its vendor has had.
    deal: usize,
    pub status: Status,
    pub till: i64,
    /// What is known of its customer, by the names of version 1.
    pub customer: BTreeMap<&'static str, &'static str>,
    /// The rule of each set, which the set itself may have no more.
    pub rules: BTreeMap<usize, Rule>,
    pub codes: Vec<usize>,
    pub lines: Vec<Line>,
    refunded: Vec<Line>,
    /// Whether the platform collects its money, through the payment system for tests.
    collected: bool,
    /// What that was asked for.
    pub charge: Option<Charge>,
}

/// Money that the customer is to pay on a page.
#[derive(Clone, Debug)]
pub struct Charge {
    amount: i64,
    till: i64,
    paid: bool,
    /// When a late callback comes.
    told_at: Option<i64>,
    /// Whether it came for nothing, and was not sent back yet.
    owed: bool,
}

/// What the customer does on the page.
#[derive(Clone, Copy, Debug)]
pub enum Choice {
    Pay,
    Twice,
    Late,
    OtherAmount,
    Forge,
    Replay,
    Decline,
}

impl Choice {
    pub const ALL: [Self; 7] =
        [Self::Pay, Self::Twice, Self::Late, Self::OtherAmount, Self::Forge, Self::Replay, Self::Decline];

    pub fn word(self) -> &'static str {
        match self {
            Self::Pay => "pay",
            Self::Twice => "pay_twice",
            Self::Late => "pay_late",
            Self::OtherAmount => "other_amount",
            Self::Forge => "forge",
            Self::Replay => "replay",
            Self::Decline => "decline",
        }
    }
}

impl Order {
    fn full(&self) -> i64 {
        self.lines.iter().map(|line| line.split.full).sum()
    }

    pub fn tickets(&self) -> Vec<usize> {
        self.lines.iter().map(|line| line.ticket).collect()
    }
}

#[derive(Clone, Debug)]
pub enum Discount {
    Percent(i128),
    Fix(i64),
}

#[derive(Clone, Debug)]
pub struct Code {
    pub id: String,
    pub code: &'static str,
    pub discount: Discount,
    pub sets: Vec<usize>,
    pub amount: Option<i64>,
    pub min: i64,
    pub max: i64,
    pub ends: Option<i64>,
    pub removed: bool,
}

impl Code {
    fn off(&self, price: i64) -> i64 {
        match self.discount {
            Discount::Percent(percent) => half_even(i128::from(price) * percent),
            Discount::Fix(amount) => amount.min(price),
        }
    }

    fn is_for(&self, set: usize) -> bool {
        self.sets.is_empty() || self.sets.contains(&set)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    New,
    /// Its money is being sent back.
    Sending,
    Approved,
    Rejected,
}

#[derive(Clone, Debug)]
pub struct Refund {
    pub id: String,
    pub order: usize,
    pub tickets: Vec<usize>,
    pub by_org: bool,
    pub status: Answer,
}

/// What tickets an order wishes.
#[derive(Clone, Debug)]
pub enum Wish {
    /// So many of each set.
    Random(BTreeMap<usize, usize>),
    /// These.
    Tickets(BTreeSet<usize>),
}

impl Wish {
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Random(counts) => counts.is_empty(),
            Self::Tickets(tickets) => tickets.is_empty(),
        }
    }
}

/// What one request changes of an order.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Something known of its customer, or known no more.
    pub customer: Option<(&'static str, Option<&'static str>)>,
    pub wish: Option<Wish>,
    pub all_or_nothing: bool,
    /// Its promocodes, as customers spell them.
    pub codes: Option<Vec<&'static str>>,
    pub status: Option<Status>,
    pub v2: bool,
}

/// What the specification says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It happens.
    Done,
    /// It is refused, and nothing changes.
    Refused,
    /// The specification leaves it open; where it is refused, nothing changes.
    Open,
    /// Nothing changes, whatever is answered.
    Nothing,
}

impl Verdict {
    /// What comes of both, all or nothing.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refused, _) | (_, Self::Refused) => Self::Refused,
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::Open, _) | (_, Self::Open) => Self::Open,
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}

/// An event and all that is sold of it.
#[derive(Clone, Debug)]
pub struct World {
    pub now: i64,
    pub starts: i64,
    pub ends: i64,
    pub cancelled: bool,
    /// The accepted deal's terms of each vendor; the organizer's own terms are always there.
    pub sales: Vec<Option<Sale>>,
    /// How many deals each vendor has had.
    pub deals: Vec<usize>,
    /// How long the orders of each vendor hold their tickets.
    pub holds: Vec<i64>,
    /// Whether the organizer reserves the approval of refunds to itself.
    pub org_approves: bool,
    pub sets: Vec<Set>,
    pub tickets: Vec<Ticket>,
    pub orders: Vec<Order>,
    pub codes: Vec<Code>,
    pub refunds: Vec<Refund>,
    /// What came of the event.
    pub ledger: BTreeMap<Account, i64>,
    /// What partners paid each other for it.
    pub payouts: BTreeMap<Account, i64>,
}

impl World {
    /// Lets time pass. "From `reserved_till` on every read shows the order as expired."
    pub fn pass(&mut self, time: i64) {
        self.now += time;
        for order in 0..self.orders.len() {
            if self.orders[order].status.holds() && self.orders[order].till <= self.now {
                self.release(order, Status::Expired);
            }
        }
        if self.now >= self.ends {
            self.close_deals();
        }
    }

    /// The order keeps its list and values.
    fn release(&mut self, order: usize, status: Status) {
        self.orders[order].status = status;
        self.tickets.iter_mut().filter(|ticket| ticket.order == Some(order)).for_each(|ticket| ticket.order = None);
    }

    fn close_deals(&mut self) {
        for vendor in 1..self.sales.len() {
            self.sales[vendor] = None;
        }
    }

    pub fn close_deal(&mut self, vendor: usize) -> Verdict {
        match self.sales[vendor].take() {
            Some(_) => Verdict::Done,
            None => Verdict::Open,
        }
    }

    pub fn accept(&mut self, vendor: usize, terms: Sale) -> Verdict {
        if self.cancelled || self.now >= self.ends {
            return Verdict::Refused;
        }
        self.sales[vendor] = Some(terms);
        self.deals[vendor] += 1;
        Verdict::Done
    }

    /// "Cancelling an event cancels its executed and in_progress orders", and closes its deals.
    pub fn cancel_event(&mut self) -> Verdict {
        if self.cancelled {
            return Verdict::Open;
        }
        self.cancelled = true;
        self.close_deals();
        for order in 0..self.orders.len() {
            if self.orders[order].status.holds() {
                self.release(order, Status::Canceled);
            }
        }
        Verdict::Done
    }

    /// A new order of a vendor. `had` are the tickets of the one that was answered, where the wish leaves a choice.
    pub fn order(
        &mut self,
        vendor: usize,
        wish: &Wish,
        all_or_nothing: bool,
        codes: &[&'static str],
        v2: bool,
    ) -> Verdict {
        let Some(sale) = self.sales[vendor] else { return Verdict::Refused };
        if self.cancelled || self.now >= self.starts {
            return Verdict::Refused;
        }
        self.orders.push(Order {
            id: String::new(),
            vendor,
            sale,
            deal: self.deals[vendor],
            status: Status::Executed,
            till: self.now + self.holds[vendor],
            customer: BTreeMap::new(),
            rules: BTreeMap::new(),
            codes: Vec::new(),
            lines: Vec::new(),
            refunded: Vec::new(),
            collected: false,
            charge: None,
        });
        let order = self.orders.len() - 1;
        let chosen = self.choose(order, wish, all_or_nothing, &[]);
        if all_or_nothing && self.orders[order].lines.is_empty() && !codes.is_empty() {
            // "Nothing changes": whether codes for nothing are looked at is not said.
            return if chosen == Verdict::Refused { chosen } else { Verdict::Open };
        }
        chosen.and(self.give_codes(order, codes, v2))
    }

    /// "Several changes in one PATCH are applied as: customer, payment, tickets, promocodes, status." `had` are the tickets
    /// that were answered.
    pub fn change(&mut self, order: usize, by: usize, change: &Change, had: &[usize]) -> Verdict {
        let Change { customer, wish, all_or_nothing, codes, status, v2 } = change;
        let Order { vendor, status: was, .. } = self.orders[order];
        let more = customer.is_some() || wish.is_some() || codes.is_some();
        if more && (by != vendor || was == Status::Done) {
            return Verdict::Refused;
        }
        let mut verdict = Verdict::Done;
        if let &Some((name, value)) = customer {
            let known = &mut self.orders[order].customer;
            known.remove(name);
            known.extend(value.map(|value| (name, value)));
            // Whether an order that is over has its customer changed is not said.
            verdict = if was.holds() { Verdict::Done } else { Verdict::Open };
        }
        if let Some(wish) = wish {
            verdict = verdict.and(self.choose(order, wish, *all_or_nothing, had));
            if verdict == Verdict::Nothing {
                return verdict;
            }
        }
        if let Some(codes) = codes {
            verdict = verdict.and(self.give_codes(order, codes, *v2));
        }
        if let Some(to) = *status {
            verdict = verdict.and(self.status(order, by, to, *v2));
        }
        verdict
    }

    /// Another wish of an order. Which of its tickets stay where fewer are wished is the server's choice: `had` are those
    /// that it answered.
    pub fn choose(&mut self, order: usize, wish: &Wish, all_or_nothing: bool, had: &[usize]) -> Verdict {
        let status = self.orders[order].status;
        if !status.holds() {
            return Verdict::Refused;
        }
        let held: BTreeSet<usize> = self.orders[order].tickets().into_iter().collect();
        let free = |ticket: &Ticket| ticket.order.is_none() && !ticket.removed;
        let mut next = BTreeSet::new();
        let (mut short, mut kept_enough) = (false, true);
        let wished = match wish {
            Wish::Tickets(tickets) => {
                for &ticket in tickets {
                    if held.contains(&ticket) || free(&self.tickets[ticket]) {
                        next.insert(ticket);
                    } else {
                        short = true;
                    }
                }
                tickets.len()
            }
            Wish::Random(counts) => {
                for (&set, &count) in counts {
                    let own: Vec<usize> = held.iter().copied().filter(|&held| self.tickets[held].set == set).collect();
                    if own.len() > count {
                        let kept: Vec<usize> = own.into_iter().filter(|ticket| had.contains(ticket)).collect();
                        kept_enough &= had.is_empty() || kept.len() == count;
                        next.extend(kept);
                        continue;
                    }
                    let mut vacant: Vec<usize> = (0..self.tickets.len())
                        .filter(|&ticket| self.tickets[ticket].set == set && free(&self.tickets[ticket]))
                        .collect();
                    vacant.sort_by_key(|&ticket| self.tickets[ticket].number);
                    short |= vacant.len() < count - own.len();
                    next.extend(vacant.into_iter().take(count - own.len()));
                    next.extend(own);
                }
                counts.values().sum()
            }
        };
        let adds = match wish {
            Wish::Tickets(tickets) => !tickets.is_subset(&held),
            Wish::Random(counts) => counts
                .iter()
                .any(|(set, count)| *count > held.iter().filter(|&&ticket| self.tickets[ticket].set == *set).count()),
        };
        let mut verdict = Verdict::Done;
        if adds {
            let Order { vendor, sale, deal, .. } = self.orders[order];
            let in_force = !sale.is_deal() || (self.sales[vendor].is_some() && self.deals[vendor] == deal);
            if status == Status::InProgress || self.cancelled || self.now >= self.starts {
                return Verdict::Refused;
            }
            if !in_force && wished > held.len() && next.len() > held.len() {
                return Verdict::Refused;
            }
            if !in_force {
                verdict = Verdict::Open;
            }
        }
        if wished == 0 {
            // An order without tickets can't be paid; whether one may be left without is not said.
            verdict = Verdict::Open;
        }
        let wished_sets: BTreeSet<usize> = match wish {
            Wish::Tickets(tickets) => tickets.iter().map(|&ticket| self.tickets[ticket].set).collect(),
            Wish::Random(counts) => counts.iter().filter(|(_, count)| **count > 0).map(|(set, _)| *set).collect(),
        };
        for set in wished_sets {
            let has = held.iter().any(|&ticket| self.tickets[ticket].set == set);
            if self.sets[set].current(self.now).is_none() {
                match has {
                    false => return Verdict::Refused,
                    // Its rule is fixed; whether more can be had by it is not said.
                    true if adds => verdict = Verdict::Open,
                    true => {}
                }
            }
        }
        if short && all_or_nothing {
            // Only a new order is there, without tickets.
            return if held.is_empty() && self.orders[order].id.is_empty() { verdict } else { Verdict::Nothing };
        }
        assert!(kept_enough, "{wish:?} was wished of {held:?}, but {had:?} are left");
        self.give(order, next, verdict)
    }

    /// Gives an order these tickets instead of those that it has.
    fn give(&mut self, order: usize, next: BTreeSet<usize>, verdict: Verdict) -> Verdict {
        let sets: BTreeSet<usize> = next.iter().map(|&ticket| self.tickets[ticket].set).collect();
        let now = self.now;
        let mut rules = BTreeMap::new();
        for set in sets {
            let fixed = self.orders[order].rules.get(&set);
            let Some(rule) = fixed.or_else(|| self.sets[set].current(now)) else { return Verdict::Refused };
            rules.insert(set, rule.clone());
        }
        let Some(lines) = self.priced(order, &next, &rules, &self.orders[order].codes) else { return Verdict::Refused };
        for ticket in &mut self.tickets {
            if ticket.order == Some(order) {
                ticket.order = None;
            }
        }
        for line in &lines {
            self.tickets[line.ticket].order = Some(order);
        }
        self.orders[order].rules = rules;
        self.orders[order].lines = lines;
        let full = self.orders[order].full();
        match &mut self.orders[order].charge {
            // What is being paid for need not be changed any more.
            Some(charge) if charge.paid && charge.amount != full => Verdict::Open,
            Some(charge) => {
                charge.amount = full;
                verdict
            }
            None => verdict,
        }
    }

    /// The money of an order's tickets; none where the terms can't sell one of them.
    fn priced(
        &self,
        order: usize,
        tickets: &BTreeSet<usize>,
        rules: &BTreeMap<usize, Rule>,
        codes: &[usize],
    ) -> Option<Vec<Line>> {
        let applied: Vec<usize> = codes
            .iter()
            .copied()
            .filter(|&code| {
                let Code { amount, min, max, .. } = self.codes[code];
                let count = tickets.iter().filter(|&&ticket| self.codes[code].is_for(self.tickets[ticket].set)).count();
                let count = i64::try_from(count).unwrap();
                let others = self.uses(code, Some(order));
                count > 0
                    && (min..=max).contains(&count)
                    && amount.is_none_or(|amount| others.0 + others.1 + count <= amount)
            })
            .collect();
        let line = |&ticket: &usize| {
            let set = self.tickets[ticket].set;
            let price = rules[&set].price;
            let mut best = (0, None);
            for &code in applied.iter().filter(|&&code| self.codes[code].is_for(set)) {
                let off = self.codes[code].off(price);
                if off > best.0 {
                    best = (off, Some(code));
                }
            }
            let (discount, code) = best;
            let split = self.orders[order].sale.split(price, discount)?;
            Some(Line { ticket, set, price, discount, code, split })
        };
        tickets.iter().map(line).collect()
    }

    /// How many uses of a code are held and used, by all orders but one.
    pub fn uses(&self, code: usize, but: Option<usize>) -> (i64, i64) {
        let mut uses = (0, 0);
        for (_, order) in self.orders.iter().enumerate().filter(|(at, _)| Some(*at) != but) {
            let count = order.lines.iter().chain(&order.refunded).filter(|line| line.code == Some(code)).count();
            let count = i64::try_from(count).unwrap();
            match order.status {
                Status::Executed | Status::InProgress => uses.0 += count,
                Status::Done | Status::Refunded => uses.1 += count,
                Status::Canceled | Status::Expired => {}
            }
        }
        uses
    }

    /// Gives an order these promocodes instead of those that it has. Through version 2 one that can't be applied is left out.
    pub fn give_codes(&mut self, order: usize, words: &[&'static str], v2: bool) -> Verdict {
        let Order { status, codes: known, .. } = &self.orders[order];
        match status {
            Status::Executed => {}
            // What has to be paid is asked for: they stay, and what is answered to who lists others is not said.
            Status::InProgress => return Verdict::Open,
            _ => return Verdict::Refused,
        }
        if words.is_empty() && known.is_empty() {
            return Verdict::Done;
        }
        let mut verdict = Verdict::Done;
        let mut codes: Vec<usize> = Vec::new();
        for word in words {
            let over = |code: usize| {
                let Code { ends, removed, .. } = self.codes[code];
                removed || ends.is_some_and(|ends| ends <= self.now)
            };
            let spelled_so = |code: &usize| self.codes[*code].code == *word;
            // Who sends back what an order has means that one, also where another was made of the same spelling.
            match known.iter().copied().find(spelled_so) {
                Some(code) => {
                    if over(code) {
                        verdict = Verdict::Open;
                    }
                    codes.push(code);
                }
                None => match (0..self.codes.len()).find(|code| spelled_so(code) && !over(*code)) {
                    Some(code) => codes.push(code),
                    None if v2 => {}
                    None => return Verdict::Refused,
                },
            }
        }
        let tickets: BTreeSet<usize> = self.orders[order].tickets().into_iter().collect();
        let rules = self.orders[order].rules.clone();
        let Some(lines) = self.priced(order, &tickets, &rules, &codes) else { return Verdict::Refused };
        if codes.iter().any(|code| !lines.iter().any(|line| line.code == Some(*code))) {
            // One that gives nothing may be refused, or wait for tickets that it is for.
            verdict = Verdict::Open;
        }
        self.orders[order].codes = codes;
        self.orders[order].lines = lines;
        if v2 { Verdict::Done } else { verdict }
    }

    /// Leaves an order those codes that the server says it was given: it need not have taken one that gives nothing.
    pub fn keep_codes(&mut self, order: usize, given: &Value) {
        let given: Vec<&str> = given.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        let Order { codes, lines, .. } = &mut self.orders[order];
        let id = |code: usize| self.codes[code].id.as_str();
        assert!(given.iter().all(|given| codes.iter().any(|&code| id(code) == *given)), "{given:?} of {codes:?}");
        codes.retain(|&code| given.contains(&id(code)));
        assert!(lines.iter().filter_map(|line| line.code).all(|code| codes.contains(&code)), "{given:?} of {codes:?}");
    }

    /// A new promocode. What was spelled so and removed is another one.
    pub fn make_code(&mut self, code: Code) -> Verdict {
        if self.codes.iter().any(|known| known.code == code.code && !known.removed) {
            return Verdict::Refused;
        }
        self.codes.push(code);
        if self.cancelled || self.now >= self.ends { Verdict::Open } else { Verdict::Done }
    }

    /// "Only with nothing reserved or sold."
    pub fn remove_set(&mut self, set: usize) -> Verdict {
        let (amount, vacant) = self.stock(set);
        if vacant < amount {
            return Verdict::Refused;
        }
        self.sets[set].removed = true;
        self.tickets.iter_mut().filter(|ticket| ticket.set == set).for_each(|ticket| ticket.removed = true);
        if self.cancelled || self.now >= self.ends { Verdict::Open } else { Verdict::Done }
    }

    /// Another status, wished by a vendor; through version 2 an order goes from `executed` to `done` directly.
    pub fn status(&mut self, order: usize, by: usize, to: Status, v2: bool) -> Verdict {
        let Order { vendor, status, .. } = self.orders[order];
        if by != vendor && by != ORGANIZER || v2 && !matches!(to, Status::Done | Status::Canceled) {
            return Verdict::Refused;
        }
        if status == to {
            return Verdict::Open;
        }
        let seller = by == vendor;
        match (status, to) {
            (Status::Executed | Status::InProgress, Status::Canceled) => {
                self.release(order, Status::Canceled);
                Verdict::Done
            }
            (Status::Executed, Status::InProgress) if seller && !self.orders[order].lines.is_empty() => {
                let (hold, full) = (self.hold(order), self.orders[order].full());
                let Order { status, till, collected, charge, .. } = &mut self.orders[order];
                *status = Status::InProgress;
                // Its vendor may hold for longer than the payment system waits.
                *till = (self.now + hold).max(*till);
                let asked = Charge { amount: full, till: *till, paid: false, told_at: None, owed: false };
                *charge = (*collected && full > 0).then_some(asked);
                Verdict::Done
            }
            (Status::InProgress, Status::Done) if seller && self.vendor_takes_money(order) => {
                self.sell(order);
                Verdict::Done
            }
            (Status::Executed, Status::Done) if v2 && seller && self.vendor_takes_money(order) => {
                self.sell(order);
                Verdict::Done
            }
            _ => Verdict::Refused,
        }
    }

    fn hold(&self, order: usize) -> i64 {
        if self.orders[order].collected { TEST_HOLD } else { BASE_HOLD }
    }

    /// "With any other payment system only that system's signed callback does"; "a total of 0.00 goes to `done` without a
    /// payment".
    fn vendor_takes_money(&self, order: usize) -> bool {
        let order = &self.orders[order];
        !order.lines.is_empty() && (!order.collected || order.full() == 0)
    }

    /// Has an order wait for the payment system for tests.
    pub fn ask(&mut self, order: usize) -> Verdict {
        match self.orders[order].status {
            Status::Executed => {
                self.orders[order].collected = true;
                self.status(order, self.orders[order].vendor, Status::InProgress, false)
            }
            // Nothing changes, or another payment system can't be chosen any more.
            Status::InProgress => Verdict::Open,
            _ => Verdict::Refused,
        }
    }

    /// What the customer does on the page: it can be paid once, and only in time.
    pub fn pay(&mut self, order: usize, choice: Choice) {
        let now = self.now;
        // Whoever comes back to the page has the system tell what it had still to tell.
        self.hear_late(order);
        let Some(charge) = &mut self.orders[order].charge else { return };
        if charge.paid || charge.till <= now || charge.amount == 0 {
            return;
        }
        match choice {
            Choice::Pay | Choice::Twice => {
                charge.paid = true;
                self.hear(order);
            }
            Choice::Late => {
                charge.paid = true;
                charge.told_at = Some(charge.till + LATE);
            }
            Choice::OtherAmount | Choice::Forge | Choice::Replay | Choice::Decline => {}
        }
    }

    /// "Money that arrives after expiry or cancellation is recorded as owed to the customer and sent back by a job."
    fn hear(&mut self, order: usize) {
        if self.orders[order].status == Status::InProgress {
            return self.sell(order);
        }
        let Some(charge) = &mut self.orders[order].charge else { return };
        charge.owed = true;
        let amount = charge.amount;
        self.post(&[(Account::Platform, -amount), (Account::Customers, amount)]);
    }

    fn hear_late(&mut self, order: usize) {
        let now = self.now;
        let Some(charge) = &mut self.orders[order].charge else { return };
        if charge.told_at.take_if(|told_at| *told_at <= now).is_some() {
            self.hear(order);
        }
    }

    /// What happens by itself: late callbacks are heard, and money is sent back.
    pub fn jobs(&mut self) {
        for order in 0..self.orders.len() {
            self.hear_late(order);
            let Some(charge) = &mut self.orders[order].charge else { continue };
            if std::mem::take(&mut charge.owed) {
                let amount = charge.amount;
                self.post(&[(Account::Platform, amount), (Account::Customers, -amount)]);
            }
        }
        for refund in 0..self.refunds.len() {
            if self.refunds[refund].status == Answer::Sending {
                self.give_back(refund);
            }
        }
    }

    /// Who holds the customer's money.
    fn holder(&self, order: usize) -> Account {
        let Order { vendor, collected, .. } = self.orders[order];
        if collected { Account::Platform } else { Account::Vendor(vendor) }
    }

    /// "Debit whoever holds the customer's money `full`; credit organizer, platform and agent their shares."
    fn sell(&mut self, order: usize) {
        self.orders[order].status = Status::Done;
        let Order { vendor, .. } = self.orders[order];
        let holder = self.holder(order);
        for Line { split, .. } in self.orders[order].lines.clone() {
            self.post(&[
                (holder, -split.full),
                (Account::Vendor(ORGANIZER), split.org),
                (Account::Platform, split.core),
                (Account::Vendor(vendor), split.agent),
            ]);
        }
    }

    fn post(&mut self, posts: &[(Account, i64)]) {
        assert_eq!(posts.iter().map(|(_, amount)| amount).sum::<i64>(), 0);
        for (account, amount) in posts {
            *self.ledger.entry(*account).or_default() += amount;
        }
    }

    fn refundable(&self, by_org: bool) -> bool {
        by_org == self.cancelled && (self.cancelled || self.now < self.ends)
    }

    /// A request to give tickets of an order back.
    pub fn refund(&mut self, order: usize, by: usize, tickets: &[usize], by_org: bool) -> Verdict {
        let Order { vendor, status, .. } = self.orders[order];
        let own = self.orders[order].tickets();
        if (by != vendor && by != ORGANIZER)
            || status != Status::Done
            || tickets.is_empty()
            || !tickets.iter().all(|ticket| own.contains(ticket))
            || !self.refundable(by_org)
        {
            return Verdict::Refused;
        }
        let asked = |refund: &Refund| {
            refund.order == order
                && matches!(refund.status, Answer::New | Answer::Sending)
                && refund.tickets.iter().any(|ticket| tickets.contains(ticket))
        };
        let verdict = if self.refunds.iter().any(asked) { Verdict::Open } else { Verdict::Done };
        let tickets = tickets.to_vec();
        self.refunds.push(Refund { id: String::new(), order, tickets, by_org, status: Answer::New });
        verdict
    }

    /// The answer to such a request. Money that was collected is sent back first.
    pub fn answer(&mut self, refund: usize, by: usize, approve: bool) -> Verdict {
        let Refund { order, tickets, by_org, status, .. } = self.refunds[refund].clone();
        let Order { vendor, collected, .. } = self.orders[order];
        if by != vendor && by != ORGANIZER {
            return Verdict::Refused;
        }
        let reserved = self.org_approves && by != ORGANIZER;
        match (status, approve) {
            (Answer::Approved, true) | (Answer::Rejected, false) => return Verdict::Open,
            (Answer::New, false) => {
                self.refunds[refund].status = Answer::Rejected;
                // Only of approving it is said whose it is.
                return if reserved { Verdict::Open } else { Verdict::Done };
            }
            (Answer::New, true) if reserved => return Verdict::Refused,
            (Answer::New, true) => {}
            _ => return Verdict::Refused,
        }
        let sending = |other: &Refund| {
            let same = other.order == order && other.tickets.iter().any(|ticket| tickets.contains(ticket));
            other.status == Answer::Sending && same
        };
        let own = self.orders[order].tickets();
        if !tickets.iter().all(|ticket| own.contains(ticket))
            || !self.refundable(by_org)
            || self.refunds.iter().any(sending)
        {
            return Verdict::Refused;
        }
        let lines = self.orders[order].lines.iter().filter(|line| tickets.contains(&line.ticket));
        let money: i64 = lines.map(|line| if by_org { line.split.full } else { line.split.nominal }).sum();
        if collected && money > 0 {
            self.refunds[refund].status = Answer::Sending;
        } else {
            self.give_back(refund);
        }
        Verdict::Done
    }

    fn give_back(&mut self, refund: usize) {
        let Refund { order, tickets, by_org, .. } = self.refunds[refund].clone();
        let Order { vendor, sale, .. } = self.orders[order];
        let (holder, vendor) = (self.holder(order), Account::Vendor(vendor));
        let organizer = Account::Vendor(ORGANIZER);
        self.refunds[refund].status = Answer::Approved;
        let (given, kept): (Vec<Line>, Vec<Line>) =
            self.orders[order].lines.drain(..).partition(|line| tickets.contains(&line.ticket));
        for line in &given {
            self.tickets[line.ticket].order = None;
            let Split { nominal, full, org, core, agent, .. } = line.split;
            // The table of "Refunds"; an organizer's own sale is one where it is its own agent and keeps its fee.
            let (customer, organizer_gives, platform_gives, vendor_gives) = match (by_org, sale) {
                (true, _) => (full, org, core, agent),
                (false, Sale::Own { .. }) => (nominal, nominal - core, core, 0),
                (false, _) if sale.pfc() => (nominal, org, 0, nominal - org),
                (false, _) => (nominal, org, core, nominal - org - core),
            };
            self.post(&[
                (holder, customer),
                (organizer, -organizer_gives),
                (Account::Platform, -platform_gives),
                (vendor, -vendor_gives),
            ]);
        }
        self.orders[order].refunded.extend(given);
        if kept.is_empty() {
            self.orders[order].status = Status::Refunded;
        }
        self.orders[order].lines = kept;
    }

    /// "Payouts between partners are entries too (recorded by `core`), so that what is owed goes down."
    pub fn pay_out(&mut self, from: Account, to: Account, amount: i64) {
        *self.payouts.entry(from).or_default() += amount;
        *self.payouts.entry(to).or_default() -= amount;
    }

    /// What an account is owed, less than zero: owes.
    pub fn balance(&self, account: Account) -> i64 {
        [&self.ledger, &self.payouts].iter().filter_map(|sums| sums.get(&account)).sum()
    }

    /// How many tickets of a set there are, and how many of them are vacant.
    pub fn stock(&self, set: usize) -> (usize, usize) {
        let own = || self.tickets.iter().filter(|ticket| ticket.set == set && !ticket.removed);
        (own().count(), own().filter(|ticket| ticket.order.is_none()).count())
    }
}
