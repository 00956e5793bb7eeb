//! Pricing: from the tickets of an order, the rules of their sets, its promocodes and the terms it is sold on to the money
//! of each ticket (`spec/domain.md`, Price, Promocodes and Deal terms).

use std::collections::BTreeMap;

use crate::id::{DealId, PromocodeId, RuleId, SetId, TicketId};
use crate::invalid::Invalid;
use crate::money::{Currency, Money};
use crate::promocode::Promocode;
use crate::set::Rule;
use crate::share::Share;
use crate::terms::{Split, Terms, own_sale};

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
    /// How many uses this order could have, those it holds already among them; none: any number.
    pub left: Option<i64>,
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
        /// The price of the rule.
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

/// Prices the tickets of an order. Of several promocodes the one with the largest discount counts in each set (of equal ones
/// the first given); they never add up.
///
/// # Errors
/// [`Unpriced`], for the first set that cannot be sold.
pub fn price(
    tickets: &[(TicketId, SetId)],
    rules: &BTreeMap<SetId, Rule>,
    given: &[Given<'_>],
    sale: &Sale,
) -> Result<Vec<Line>, Unpriced> {
    let mut by_set: BTreeMap<SetId, (RuleId, Option<PromocodeId>, Money, Money, Split)> = BTreeMap::new();
    let applied: Vec<&Promocode> =
        given.iter().filter(|given| applies(given, tickets)).map(|given| given.promocode).collect();
    let mut lines = Vec::with_capacity(tickets.len());
    for &(ticket, set) in tickets {
        let (rule, promocode, price, discount, split) = match by_set.get(&set) {
            Some(known) => *known,
            None => {
                let rule = rules.get(&set).ok_or(Unpriced::NoRule(set))?;
                let mut best = (None, Money::zero(rule.price.currency));
                for promocode in applied.iter().filter(|promocode| promocode.is_for(set)) {
                    let discount = promocode.discount.of(rule.price);
                    if discount.minor > best.1.minor {
                        best = (Some(promocode.id), discount);
                    }
                }
                let split = sale.split(rule.price, best.1).map_err(|invalid| Unpriced::Invalid { set, invalid })?;
                if !split.sellable {
                    return Err(Unpriced::Unsellable { set, price: rule.price });
                }
                let priced = (rule.id, best.0, rule.price, best.1, split);
                by_set.insert(set, priced);
                priced
            }
        };
        lines.push(Line { ticket, set, rule, promocode, price, discount, split });
    }
    Ok(lines)
}

/// How many of an order's tickets are in a promocode's sets.
pub fn tickets_of(promocode: &Promocode, tickets: &[(TicketId, SetId)]) -> i64 {
    i64::try_from(tickets.iter().filter(|(_, set)| promocode.is_for(*set)).count()).unwrap_or(i64::MAX)
}

/// Whether a promocode gives anything to an order with these tickets.
pub fn applies(given: &Given<'_>, tickets: &[(TicketId, SetId)]) -> bool {
    let count = tickets_of(given.promocode, tickets);
    count > 0 && given.promocode.tickets_count.contains(count) && given.left.is_none_or(|left| count <= left)
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
