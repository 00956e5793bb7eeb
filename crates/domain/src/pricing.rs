//! Pricing: from the tickets of an order, the rules of their sets, its promocodes and the terms it is sold on to the money
//! of each ticket (`spec/domain.md`, Price, Promocodes and Deal terms).

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::{DealId, PromocodeId, RuleId, SetId, TicketId};
use crate::invalid::Invalid;
use crate::money::{Currency, Money};
use crate::promocode::Promocode;
use crate::set::{Rule, Set};
use crate::share::Share;
use crate::terms::{AppliedTerm, Split, Terms, explain_own_sale, own_sale};

/// On what terms an order is sold; fixed when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sale {
    /// By an agent, under a deal.
    Deal {
        /// The deal.
        deal: DealId,
        /// Its terms.
        terms: Terms,
    },
    /// By the event's organizer itself.
    Own {
        /// Its service fee.
        fee: Share,
        /// The platform's commission.
        core: Share,
    },
}

impl Sale {
    /// The deal, where there is one.
    pub fn deal(&self) -> Option<DealId> {
        match self {
            Self::Deal { deal, .. } => Some(*deal),
            Self::Own { .. } => None,
        }
    }

    /// Splits the money of one ticket.
    ///
    /// # Errors
    /// Those of [`Terms::split`].
    pub fn split(&self, price: Money, discount: Money) -> Result<Split, Invalid> {
        match self {
            Self::Deal { terms, .. } => terms.split(price, discount),
            Self::Own { fee, core } => own_sale(price, discount, fee, core),
        }
    }

    /// How each term came to its share of a ticket.
    pub fn explain(&self, line: &Line) -> Vec<AppliedTerm> {
        match self {
            Self::Deal { terms, .. } => terms.explain(&line.split, line.discount),
            Self::Own { fee, core } => explain_own_sale(&line.split, fee, core),
        }
    }
}

/// One ticket of an order with its money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The ticket.
    pub ticket: TicketId,
    /// Its set.
    pub set: SetId,
    /// The rule that its price came from.
    pub rule: RuleId,
    /// The promocode that gave its discount.
    pub promocode: Option<PromocodeId>,
    /// The rule's price.
    pub price: Money,
    /// What the promocode took off.
    pub discount: Money,
    /// How the money is divided.
    pub split: Split,
}

/// A promocode given to an order.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The code.
    pub promocode: &'a Promocode,
    /// How many uses this order could have, those it holds already among them ([`Promocode::left_with`]); none: any number.
    pub left: Option<i64>,
}

/// Why a promocode gives an order nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotApplied {
    /// None of the order's tickets is in its sets.
    #[error("the promocode is not for these tickets")]
    OtherSets,
    /// It wants more tickets.
    #[error("the promocode needs at least {min} tickets of its sets, not {count}")]
    TooFew {
        /// How many there are.
        count: i64,
        /// How many there have to be.
        min: i64,
    },
    /// It wants fewer tickets.
    #[error("the promocode is for at most {max} tickets of its sets, not {count}")]
    TooMany {
        /// How many there are.
        count: i64,
        /// How many there may be.
        max: i64,
    },
    /// It has fewer uses than that.
    #[error("the promocode has {left} uses left, and the order has {count} tickets of its sets")]
    UsedUp {
        /// How many there are.
        count: i64,
        /// How many uses the order could have.
        left: i64,
    },
    /// The sale's terms leave the agent less than nothing of a ticket with its discount.
    #[error("the deal's terms leave the agent less than nothing at {price}, with the promocode's discount")]
    Unsellable {
        /// What a ticket costs, after discount.
        price: Money,
    },
}

/// Why tickets cannot be priced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    /// The set has no rule here: a defect of the caller.
    #[error("the set {0} has no rule")]
    NoRule(SetId),
    /// The terms leave the agent less than nothing.
    #[error("the deal's terms leave the agent less than nothing at {price} for a ticket of the set {set}")]
    Unsellable {
        /// The set.
        set: SetId,
        /// What a ticket of it costs, after discount.
        price: Money,
    },
    /// The amounts are too large, or of another currency.
    #[error("the price of a ticket of the set {set}: {invalid}")]
    Invalid {
        /// The set.
        set: SetId,
        /// What is wrong.
        invalid: Invalid,
    },
}

/// What is the same for all tickets of a set in one order.
#[derive(Clone, Copy)]
struct Priced {
    rule: RuleId,
    price: Money,
    promocode: Option<PromocodeId>,
    discount: Money,
    split: Split,
}

/// Prices the tickets of an order. Of several promocodes the one with the largest discount that the terms can bear counts in
/// each set (of equal ones the first given); they never add up.
///
/// # Errors
/// [`Unpriced`], for the first set that cannot be sold.
pub fn price(
    tickets: &[(TicketId, SetId)],
    rules: &BTreeMap<SetId, Rule>,
    given: &[Given<'_>],
    sale: &Sale,
) -> Result<Vec<Line>, Unpriced> {
    let counts = counts(tickets);
    let applied: Vec<&Promocode> =
        given.iter().filter(|given| refusal_of(given, &counts).is_none()).map(|given| given.promocode).collect();
    let mut by_set: BTreeMap<SetId, Priced> = BTreeMap::new();
    let mut lines = Vec::with_capacity(tickets.len());
    for &(ticket, set) in tickets {
        let priced = match by_set.get(&set) {
            Some(known) => *known,
            None => {
                let rule = rules.get(&set).ok_or(Unpriced::NoRule(set))?;
                let priced = price_set(set, rule, &applied, sale)?;
                by_set.insert(set, priced);
                priced
            }
        };
        let Priced { rule, price, promocode, discount, split } = priced;
        lines.push(Line { ticket, set, rule, promocode, price, discount, split });
    }
    Ok(lines)
}

/// The sets that terms cannot sell at a price they have or are going to have: the agent would get less than nothing
/// (`spec/domain.md`, Deal terms).
pub fn unsellable(sets: &[Set], terms: &Terms, now: Timestamp) -> Vec<SetId> {
    let too_low = |price: Money| terms.split(price, Money::zero(price.currency)).is_ok_and(|split| !split.sellable);
    let never = |set: &&Set| set.rules.iter().any(|rule| rule.cal.end > now && too_low(rule.price));
    sets.iter().filter(never).map(|set| set.id).collect()
}

fn price_set(set: SetId, rule: &Rule, applied: &[&Promocode], sale: &Sale) -> Result<Priced, Unpriced> {
    let price = rule.price;
    let split_at = |discount| sale.split(price, discount).map_err(|invalid| Unpriced::Invalid { set, invalid });
    let nothing_off = Money::zero(price.currency);
    let mut best = (None, nothing_off, split_at(nothing_off)?);
    if !best.2.sellable {
        return Err(Unpriced::Unsellable { set, price });
    }
    for promocode in applied.iter().filter(|promocode| promocode.is_for(set)) {
        let discount = promocode.discount.of(price);
        if discount.minor > best.1.minor {
            let split = split_at(discount)?;
            if split.sellable {
                best = (Some(promocode.id), discount, split);
            }
        }
    }
    let (promocode, discount, split) = best;
    Ok(Priced { rule: rule.id, price, promocode, discount, split })
}

/// How many tickets an order has of each set.
fn counts(tickets: &[(TicketId, SetId)]) -> BTreeMap<SetId, i64> {
    let mut counts = BTreeMap::new();
    for (_, set) in tickets {
        *counts.entry(*set).or_insert(0) += 1;
    }
    counts
}

/// Why a promocode gives nothing to an order with these tickets; none: it applies, though another code may give more.
pub fn refusal(given: &Given<'_>, tickets: &[(TicketId, SetId)]) -> Option<NotApplied> {
    refusal_of(given, &counts(tickets))
}

/// Why the terms of a sale can't bear a promocode's discount on any of these tickets; none: they can on some, or there is no
/// ticket that the promocode is for.
pub fn unbearable(
    promocode: &Promocode,
    tickets: &[(TicketId, SetId)],
    rules: &BTreeMap<SetId, Rule>,
    sale: &Sale,
) -> Option<NotApplied> {
    let mut refused = None;
    for set in counts(tickets).into_keys().filter(|set| promocode.is_for(*set)) {
        let split = rules.get(&set).and_then(|rule| sale.split(rule.price, promocode.discount.of(rule.price)).ok())?;
        if split.sellable {
            return None;
        }
        refused = Some(NotApplied::Unsellable { price: split.nominal });
    }
    refused
}

fn refusal_of(given: &Given<'_>, counts: &BTreeMap<SetId, i64>) -> Option<NotApplied> {
    let promocode = given.promocode;
    let count: i64 = counts.iter().filter(|(set, _)| promocode.is_for(**set)).map(|(_, count)| count).sum();
    match (promocode.tickets_count.min, promocode.tickets_count.max, given.left) {
        _ if count == 0 => Some(NotApplied::OtherSets),
        (Some(min), _, _) if count < min => Some(NotApplied::TooFew { count, min }),
        (_, Some(max), _) if count > max => Some(NotApplied::TooMany { count, max }),
        (_, _, Some(left)) if count > left => Some(NotApplied::UsedUp { count, left }),
        _ => None,
    }
}

/// How many tickets of an order each promocode counts for.
pub fn uses(lines: &[Line]) -> BTreeMap<PromocodeId, i64> {
    let mut uses = BTreeMap::new();
    for promocode in lines.iter().filter_map(|line| line.promocode) {
        *uses.entry(promocode).or_insert(0) += 1;
    }
    uses
}

/// The sums of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values {
    /// Of the discounts.
    pub discount: Money,
    /// Of the prices after discount.
    pub nominal: Money,
    /// Of the surcharges.
    pub extra: Money,
    /// Of what the customer pays.
    pub full: Money,
}

impl Values {
    /// The sums over lines; `None` where they are beyond 64 bits.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a Line>, currency: Currency) -> Option<Self> {
        let zero = Money::zero(currency);
        let nothing = Self { discount: zero, nominal: zero, extra: zero, full: zero };
        lines.into_iter().try_fold(nothing, |sums, line| {
            Some(Self {
                discount: sums.discount.checked_add(line.discount)?,
                nominal: sums.nominal.checked_add(line.split.nominal)?,
                extra: sums.extra.checked_add(line.split.extra)?,
                full: sums.full.checked_add(line.split.full)?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::id::EventId;
    use crate::period::Period;
    use crate::promocode::{Discount, TicketsCount};
    use crate::share::Percent;

    const STALLS: u8 = 1;
    const BALCONY: u8 = 2;

    fn applies(given: &Given<'_>, tickets: &[(TicketId, SetId)]) -> bool {
        refusal(given, tickets).is_none()
    }

    fn rub() -> Currency {
        "RUB".parse().unwrap()
    }

    fn money(text: &str) -> Money {
        Money::parse(text, rub()).unwrap()
    }

    fn share(text: &str) -> Share {
        Share::parse_string(text, rub()).unwrap()
    }

    fn deal(org: &str, extra: &str, core: &str, pfc: bool) -> Sale {
        let terms = Terms::new(share(org), share(extra), share(core), pfc).unwrap();
        Sale::Deal { deal: DealId::from_bytes([9; 12]), terms }
    }

    fn set(number: u8) -> SetId {
        SetId::from_bytes([number; 12])
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn rule(price: Money) -> Rule {
        Rule { id: RuleId::from_bytes([7; 12]), cal: Period::new(second(0), second(1)).unwrap(), price }
    }

    fn rules(prices: &[(u8, &str)]) -> BTreeMap<SetId, Rule> {
        prices.iter().map(|(number, price)| (set(*number), rule(money(price)))).collect()
    }

    /// The tickets of an order, so many of each set.
    fn tickets(counts: &[(u8, usize)]) -> Vec<(TicketId, SetId)> {
        let sets = counts.iter().flat_map(|(number, count)| std::iter::repeat_n(set(*number), *count));
        sets.zip(0_u32..).map(|(set, at)| (ticket(at), set)).collect()
    }

    fn ticket(at: u32) -> TicketId {
        let mut bytes = [0; 12];
        bytes[8..].copy_from_slice(&at.to_be_bytes());
        TicketId::from_bytes(bytes)
    }

    /// A code by its number, with a discount as `30%` or `100.00`, for these sets.
    fn code(number: u8, discount: &str, sets: &[u8]) -> Promocode {
        let discount = match discount.strip_suffix('%') {
            Some(percentage) => Discount::percentage(percentage).unwrap(),
            None => Discount::fix(discount, rub()).unwrap(),
        };
        Promocode {
            id: PromocodeId::from_bytes([number; 12]),
            event: EventId::from_bytes([2; 12]),
            code: format!("code {number}"),
            name: None,
            desc: None,
            discount,
            amount: None,
            tickets_count: TicketsCount::default(),
            lifetime: None,
            sets: sets.iter().copied().map(set).collect(),
            held: 0,
            used: 0,
            removed: false,
            created_at: second(0),
            updated_at: second(0),
        }
    }

    fn given(promocodes: &[Promocode]) -> Vec<Given<'_>> {
        promocodes.iter().map(|promocode| Given { promocode, left: promocode.left() }).collect()
    }

    /// By the number of each set: the code that counts, and the price after discount.
    fn nominals(lines: &[Line]) -> BTreeSet<(u8, Option<u8>, String)> {
        let number = |bytes: &[u8; 12]| bytes[0];
        lines
            .iter()
            .map(|line| {
                let code = line.promocode.map(|promocode| number(promocode.as_bytes()));
                (number(line.set.as_bytes()), code, line.split.nominal.to_string())
            })
            .collect()
    }

    /// The code that counts in a set, and the price after discount.
    type Best<'a> = (Option<u8>, &'a str);

    #[test]
    fn the_best_code_counts_in_each_set_and_codes_never_add_up() {
        #[rustfmt::skip]
        let table: [(&[Promocode], [Best<'_>; 2]); 8] = [
            (&[], [(None, "1000.00"), (None, "300.00")]),
            (&[code(1, "10%", &[])], [(Some(1), "900.00"), (Some(1), "270.00")]),
            // A part of a dear ticket is more than an amount, of a cheap one less.
            (&[code(1, "10%", &[]), code(2, "50.00", &[])], [(Some(1), "900.00"), (Some(2), "250.00")]),
            (&[code(1, "10%", &[STALLS]), code(2, "50.00", &[BALCONY])], [(Some(1), "900.00"), (Some(2), "250.00")]),
            (&[code(1, "10%", &[STALLS])], [(Some(1), "900.00"), (None, "300.00")]),
            // Of equal ones the first given.
            (&[code(1, "30.00", &[]), code(2, "10%", &[])], [(Some(2), "900.00"), (Some(1), "270.00")]),
            (&[code(2, "10%", &[]), code(1, "30.00", &[])], [(Some(2), "900.00"), (Some(2), "270.00")]),
            // Never below nothing; and what takes nothing off does not count.
            (&[code(1, "500.00", &[BALCONY]), code(2, "0%", &[])], [(None, "1000.00"), (Some(1), "0.00")]),
        ];
        let rules = rules(&[(STALLS, "1000"), (BALCONY, "300")]);
        for (codes, [stalls, balcony]) in table {
            let lines =
                price(&tickets(&[(STALLS, 2), (BALCONY, 1)]), &rules, &given(codes), &deal("50%", "10%", "3%", false));
            let expected = [(STALLS, stalls), (BALCONY, balcony)];
            let expected = expected.into_iter().map(|(set, (code, nominal))| (set, code, nominal.to_owned())).collect();
            assert_eq!(nominals(&lines.unwrap()), expected, "{codes:?}");
        }
    }

    #[test]
    fn a_code_gives_nothing_outside_its_bounds_and_without_enough_uses() {
        use NotApplied::{OtherSets, TooFew, TooMany, UsedUp};
        let bounded = |min, max| Promocode { tickets_count: TicketsCount { min, max }, ..code(1, "10%", &[STALLS]) };
        let left = |amount, held, used| Promocode { amount: Some(amount), held, used, ..code(1, "10%", &[STALLS]) };
        #[rustfmt::skip]
        let table = [
            (bounded(None, None), 1, None),
            (bounded(None, None), 0, Some(OtherSets)),
            (bounded(Some(3), None), 2, Some(TooFew { count: 2, min: 3 })),
            (bounded(Some(3), None), 3, None),
            (bounded(None, Some(3)), 3, None),
            (bounded(None, Some(3)), 4, Some(TooMany { count: 4, max: 3 })),
            (left(5, 0, 0), 5, None),
            (left(5, 0, 0), 6, Some(UsedUp { count: 6, left: 5 })),
            (left(5, 2, 1), 2, None),
            (left(5, 2, 1), 3, Some(UsedUp { count: 3, left: 2 })),
            (left(5, 5, 0), 1, Some(UsedUp { count: 1, left: 0 })),
        ];
        for (promocode, stalls, expected) in table {
            // Tickets of other sets do not count.
            let tickets = tickets(&[(STALLS, stalls), (BALCONY, 7)]);
            let given = Given { promocode: &promocode, left: promocode.left() };
            assert_eq!(refusal(&given, &tickets), expected, "{promocode:?}");
            assert_eq!(applies(&given, &tickets), expected.is_none());
            let lines =
                price(&tickets, &rules(&[(STALLS, "1000"), (BALCONY, "1")]), &[given], &deal("50%", "0%", "0%", false));
            let uses = uses(&lines.unwrap());
            let counted = if expected.is_none() { i64::try_from(stalls).unwrap() } else { 0 };
            assert_eq!(uses.get(&promocode.id).copied().unwrap_or(0), counted);
        }
    }

    #[test]
    fn the_uses_that_an_order_holds_are_left_to_it() {
        let promocode = Promocode { amount: Some(5), held: 5, ..code(1, "10%", &[]) };
        let three = tickets(&[(STALLS, 3)]);
        assert!(applies(&Given { promocode: &promocode, left: promocode.left_with(3) }, &three));
        assert!(!applies(&Given { promocode: &promocode, left: promocode.left_with(2) }, &three));
    }

    #[test]
    fn a_code_counts_once_for_each_ticket_that_it_lowers() {
        let codes = [code(1, "10%", &[]), code(2, "20%", &[BALCONY])];
        let lines = price(
            &tickets(&[(STALLS, 2), (BALCONY, 3)]),
            &rules(&[(STALLS, "1000"), (BALCONY, "300")]),
            &given(&codes),
            &deal("50%", "0%", "0%", false),
        );
        assert_eq!(uses(&lines.unwrap()), BTreeMap::from([(codes[0].id, 2), (codes[1].id, 3)]));
    }

    #[test]
    fn the_values_of_an_order_are_the_sums_of_its_lines() {
        let codes = [code(1, "100.00", &[STALLS])];
        let lines = price(
            &tickets(&[(STALLS, 2), (BALCONY, 1)]),
            &rules(&[(STALLS, "1100"), (BALCONY, "300")]),
            &given(&codes),
            &deal("91%", "10%", "3%", true),
        );
        let values = Values::of(&lines.unwrap(), rub()).unwrap();
        // 2 x (1000 + 130) and 300 + 39.
        assert_eq!(values.discount, money("200"));
        assert_eq!(values.nominal, money("2300"));
        assert_eq!(values.extra, money("299"));
        assert_eq!(values.full, money("2599"));
        let nothing = Values::of(&[], rub()).unwrap();
        assert_eq!((nothing.nominal, nothing.full), (money("0"), money("0")));
        let huge = |minor| Money { minor, currency: rub() };
        let lines = price(
            &tickets(&[(STALLS, 2)]),
            &BTreeMap::from([(set(STALLS), rule(huge(i64::MAX)))]),
            &[],
            &Sale::Own { fee: Share::ZERO, core: Share::ZERO },
        );
        assert_eq!(Values::of(&lines.unwrap(), rub()), None);
    }

    #[test]
    fn a_set_that_leaves_the_agent_less_than_nothing_cannot_be_sold() {
        let both = tickets(&[(STALLS, 1), (BALCONY, 1)]);
        let prices = rules(&[(STALLS, "1000"), (BALCONY, "100")]);
        // An amount that the dear set bears.
        let terms = deal("150", "0%", "0%", false);
        let unsellable = |price| Unpriced::Unsellable { set: set(BALCONY), price };
        assert_eq!(price(&both, &prices, &[], &terms), Err(unsellable(money("100"))));
        assert!(price(&tickets(&[(STALLS, 1)]), &prices, &[], &terms).is_ok());
        assert_eq!(unbearable(&code(1, "1%", &[STALLS]), &both, &prices, &terms), None);
    }

    #[test]
    fn terms_cannot_sell_a_set_whose_price_is_too_low_now_or_later() {
        let set = |number, prices: &[(i64, &str)]| Set {
            id: set(number),
            event: EventId::from_bytes([8; 12]),
            name: "Stalls".into(),
            description: None,
            pos: 0,
            amount: 1,
            serial: "AAA".into(),
            seats: None,
            rules: prices
                .iter()
                .map(|(end, price)| Rule { cal: Period::new(second(0), second(*end)).unwrap(), ..rule(money(price)) })
                .collect(),
            surplus: None,
            removed: false,
            created_at: second(0),
            updated_at: second(0),
        };
        let sets = [
            set(1, &[(10, "200")]),
            set(2, &[(10, "100")]),
            set(3, &[(5, "100"), (10, "200")]),
            set(4, &[(10, "150")]),
            set(5, &[]),
        ];
        let terms = Terms::new(share("150"), share("0%"), share("0%"), false).unwrap();
        let unsellable = |now| unsellable(&sets, &terms, second(now));
        assert_eq!(unsellable(4), [sets[1].id, sets[2].id]);
        assert_eq!(unsellable(5), [sets[1].id], "a price that is over is no matter");
    }

    #[test]
    fn a_discount_that_leaves_the_agent_less_than_nothing_is_not_given() {
        let both = tickets(&[(STALLS, 1), (BALCONY, 1)]);
        let prices = rules(&[(STALLS, "1000"), (BALCONY, "100")]);
        // A commission in full leaves nothing for the organizer's part of what is left after the discount.
        let terms = deal("50%", "0%", "40", false);
        let codes = [code(1, "50.00", &[BALCONY]), code(2, "20.00", &[BALCONY]), code(3, "50.00", &[])];
        let best = |codes: &[Promocode], sale: &Sale| nominals(&price(&both, &prices, &given(codes), sale).unwrap());
        let expected = |stalls: Best<'_>, balcony: Best<'_>| {
            let sets = [(STALLS, stalls), (BALCONY, balcony)];
            sets.into_iter().map(|(set, (code, nominal))| (set, code, nominal.to_owned())).collect::<BTreeSet<_>>()
        };
        assert_eq!(best(&codes[..1], &terms), expected((None, "1000.00"), (None, "100.00")));
        assert_eq!(best(&codes[..2], &terms), expected((None, "1000.00"), (Some(2), "80.00")), "the next best");
        assert_eq!(best(&codes[2..], &terms), expected((Some(3), "950.00"), (None, "100.00")), "where it can be borne");
        let refusal = |code: &Promocode, sale: &Sale| unbearable(code, &both, &prices, sale);
        assert_eq!(refusal(&codes[0], &terms), Some(NotApplied::Unsellable { price: money("50") }));
        assert_eq!([refusal(&codes[1], &terms), refusal(&codes[2], &terms)], [None, None]);
        // An organizer that sells its own event bears it itself.
        let own = Sale::Own { fee: Share::ZERO, core: share("40") };
        assert_eq!(best(&codes[..1], &own), expected((None, "1000.00"), (Some(1), "50.00")));
        assert_eq!(refusal(&codes[0], &own), None);
    }

    #[test]
    fn a_set_without_a_rule_or_of_another_currency_is_named() {
        let sale = deal("50%", "0%", "40", false);
        let one = tickets(&[(STALLS, 1)]);
        assert_eq!(price(&one, &BTreeMap::new(), &[], &sale), Err(Unpriced::NoRule(set(STALLS))));
        let yen = Money { minor: 1_000, currency: "JPY".parse().unwrap() };
        let priced = price(&one, &BTreeMap::from([(set(STALLS), rule(yen))]), &[], &sale);
        assert!(matches!(priced, Err(Unpriced::Invalid { invalid, .. }) if invalid.code == "conflict"));
    }

    #[test]
    fn an_order_of_the_largest_size_is_priced_in_a_moment() {
        let codes: Vec<Promocode> = (1..=50).map(|number| code(number, "5%", &(0..100).collect::<Vec<_>>())).collect();
        let counts: Vec<(u8, usize)> = (0..100).map(|number| (number, 10)).collect();
        let prices: BTreeMap<_, _> = (0..100).map(|number| (set(number), rule(money("100")))).collect();
        let lines = price(&tickets(&counts), &prices, &given(&codes), &deal("91%", "10%", "3%", false)).unwrap();
        assert_eq!(lines.len(), crate::order::TICKETS_MAX);
    }

    fn any_discount() -> impl Strategy<Value = Discount> {
        prop_oneof![
            (0..=1_000_000_i64).prop_map(|units| Discount::Percentage(Percent::from_units(units).unwrap())),
            (0..=200_000_i64).prop_map(|minor| Discount::Fix(Money { minor, currency: rub() })),
        ]
    }

    fn any_code() -> impl Strategy<Value = Promocode> {
        let sets = prop::collection::vec(0..4_u8, 0..4);
        let bound = || prop::option::weighted(0.3, 1..=10_i64);
        (1..=250_u8, any_discount(), sets, prop::option::of(0..=20_i64), bound(), bound()).prop_map(
            |(number, discount, sets, amount, min, max)| Promocode {
                discount,
                amount,
                tickets_count: TicketsCount { min, max },
                ..code(number, "0%", &sets)
            },
        )
    }

    /// Codes that differ in their numbers.
    fn any_codes() -> impl Strategy<Value = Vec<Promocode>> {
        prop::collection::vec(any_code(), 0..6).prop_map(|codes| {
            let by_id: BTreeMap<PromocodeId, Promocode> = codes.into_iter().map(|code| (code.id, code)).collect();
            by_id.into_values().collect()
        })
    }

    fn any_tickets() -> impl Strategy<Value = Vec<(TicketId, SetId)>> {
        prop::collection::vec(0..4_u8, 0..30)
            .prop_map(|sets| sets.into_iter().zip(0..).map(|(number, at)| (ticket(at), set(number))).collect())
    }

    fn any_rules() -> impl Strategy<Value = BTreeMap<SetId, Rule>> {
        prop::array::uniform4(0..=1_000_000_i64).prop_map(|prices| {
            (0_u8..).zip(prices).map(|(number, minor)| (set(number), rule(Money { minor, currency: rub() }))).collect()
        })
    }

    fn any_percent(most: i64) -> impl Strategy<Value = Share> {
        (0..=most * 10_000).prop_map(|units| Share::Percent(Percent::from_units(units).unwrap()))
    }

    /// Sales that can be made at any price.
    fn any_sale() -> impl Strategy<Value = Sale> {
        let deal = (0..=100_i64).prop_flat_map(|core| {
            (any_percent(100 - core), any_percent(1_000), any_percent(core), any::<bool>()).prop_map(
                |(org, extra, core, pfc)| Sale::Deal {
                    deal: DealId::from_bytes([9; 12]),
                    terms: Terms::new(org, extra, core, pfc).unwrap(),
                },
            )
        });
        let own = (any_percent(100), any_percent(100)).prop_map(|(fee, core)| Sale::Own { fee, core });
        prop_oneof![deal, own]
    }

    proptest! {
        #[test]
        fn of_every_line_and_of_the_order_nothing_is_lost(
            tickets in any_tickets(),
            rules in any_rules(),
            codes in any_codes(),
            sale in any_sale(),
        ) {
            let lines = price(&tickets, &rules, &given(&codes), &sale).unwrap();
            prop_assert_eq!(lines.iter().map(|line| (line.ticket, line.set)).collect::<Vec<_>>(), tickets);
            for line in &lines {
                let split = line.split;
                prop_assert_eq!(line.price.minor - line.discount.minor, split.nominal.minor);
                prop_assert_eq!(split.nominal.minor + split.extra.minor, split.full.minor);
                prop_assert_eq!(split.org.minor + split.core.minor + split.agent.minor, split.full.minor);
                prop_assert!(split.org.minor >= 0 && split.core.minor >= 0 && split.agent.minor >= 0);
                prop_assert_eq!(line.promocode.is_some(), line.discount.minor > 0);
            }
            let values = Values::of(&lines, rub()).unwrap();
            let sum = |of: fn(&Line) -> i64| lines.iter().map(of).sum::<i64>();
            prop_assert_eq!(values.nominal.minor + values.discount.minor, sum(|line| line.price.minor));
            prop_assert_eq!(values.nominal.minor + values.extra.minor, values.full.minor);
            prop_assert_eq!(
                values.full.minor,
                sum(|line| line.split.org.minor + line.split.core.minor + line.split.agent.minor)
            );
        }

        #[test]
        fn each_set_has_the_largest_discount_of_the_codes_that_apply(
            tickets in any_tickets(),
            rules in any_rules(),
            codes in any_codes(),
            sale in any_sale(),
        ) {
            let given = given(&codes);
            let lines = price(&tickets, &rules, &given, &sale).unwrap();
            for line in &lines {
                let offers = given.iter().filter(|given| applies(given, &tickets) && given.promocode.is_for(line.set));
                let best = offers.map(|given| given.promocode.discount.of(line.price).minor).max().unwrap_or(0);
                prop_assert_eq!(line.discount.minor, best);
            }
            for (promocode, uses) in uses(&lines) {
                let given = given.iter().find(|given| given.promocode.id == promocode).unwrap();
                prop_assert!(given.left.is_none_or(|left| uses <= left));
            }
        }

        #[test]
        fn the_order_in_which_codes_are_given_decides_only_between_equal_ones(
            tickets in any_tickets(),
            rules in any_rules(),
            codes in any_codes().prop_shuffle(),
            sale in any_sale(),
        ) {
            let mut turned = codes.clone();
            turned.reverse();
            let one = price(&tickets, &rules, &given(&codes), &sale).unwrap();
            let other = price(&tickets, &rules, &given(&turned), &sale).unwrap();
            for (a, b) in one.iter().zip(&other) {
                prop_assert_eq!((a.discount, a.split), (b.discount, b.split));
            }
        }

        #[test]
        fn the_order_of_tickets_changes_no_ticket(
            (tickets, shuffled) in any_tickets().prop_flat_map(|tickets| (Just(tickets.clone()), Just(tickets).prop_shuffle())),
            rules in any_rules(),
            codes in any_codes(),
            sale in any_sale(),
        ) {
            let sorted = |tickets: &[(TicketId, SetId)]| {
                let mut lines = price(tickets, &rules, &given(&codes), &sale).unwrap();
                lines.sort_unstable_by_key(|line| line.ticket);
                lines
            };
            prop_assert_eq!(sorted(&tickets), sorted(&shuffled));
        }
    }
}
