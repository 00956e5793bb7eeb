//! The terms of a deal, and how they split the money of one ticket.

use crate::invalid::Invalid;
use crate::money::{Currency, Money};
use crate::share::{Exact, Percent, Share};

/// The terms of a deal; they never change once the deal exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Terms {
    /// What the organizer gets of the nominal. 0% ..= 100%.
    pub org: Share,
    /// The surcharge on top of the nominal. 0% ..= 1000%.
    pub extra: Share,
    /// The platform's commission. 0% ..= 100%.
    pub core: Share,
    /// Whether the customer pays the platform's commission on top.
    pub pfc: bool,
}

impl Terms {
    /// Terms whose shares are in range.
    ///
    /// # Errors
    /// The name of the share that is wrong, and why: `out_of_range` for a percentage beyond its
    /// range or a negative amount, `conflict` for amounts of different currencies.
    pub fn new(org: Share, extra: Share, core: Share, pfc: bool) -> Result<Self, (&'static str, Invalid)> {
        let mut currency = None;
        for (field, share, max) in
            [("org", org, Percent::HUNDRED), ("extra", extra, Percent::THOUSAND), ("core", core, Percent::HUNDRED)]
        {
            share.check(max).map_err(|invalid| (field, invalid))?;
            if let Some(own) = share.currency() {
                let expected = *currency.get_or_insert(own);
                same_currency(&share, expected).map_err(|invalid| (field, invalid))?;
            }
        }
        Ok(Self { org, extra, core, pfc })
    }

    /// `org` on the wire: `91.00%`, or an amount.
    pub fn org_text(&self) -> String {
        self.org.text(2)
    }

    /// `extra` on the wire: `10.0%`, or an amount.
    pub fn extra_text(&self) -> String {
        self.extra.text(1)
    }

    /// `core` on the wire: `3.00%`, or an amount.
    pub fn core_text(&self) -> String {
        self.core.text(2)
    }

    /// Splits the money of one ticket with this price and discount.
    ///
    /// Each share is rounded half to even to the minor unit: first the surcharge and the
    /// commission, then the organizer's. The agent gets what remains, so that nothing is lost.
    /// Where rounding alone would make the agent pay, the organizer's share is lowered.
    ///
    /// # Errors
    /// `out_of_range` unless 0 ≤ discount ≤ price, and for amounts beyond 64 bits; `conflict`
    /// where an amount is in another currency than the price.
    pub fn split(&self, price: Money, discount: Money) -> Result<Split, Invalid> {
        let nominal = nominal(price, discount)?;
        for share in [&self.org, &self.extra, &self.core] {
            same_currency(share, price.currency)?;
        }
        let [org, extra, core] = self.exact(nominal, discount);
        let core_from_agent = if self.pfc { Exact(0) } else { core };
        let exact_agent = Exact::whole(nominal).0 + extra.0 - org.0 - core_from_agent.0;
        let sellable = exact_agent >= 0;

        let nominal = i128::from(nominal);
        let (extra, core) = (extra.round(), core.round());
        let surcharge = if self.pfc { extra + core } else { extra };
        let full = nominal + surcharge;
        let for_both = full - core;
        let org = if sellable { org.round().min(for_both) } else { org.round() };
        Sums { nominal, extra: surcharge, full, org, core, agent: for_both - org }.into_split(price.currency, sellable)
    }
}

impl Terms {
    /// `org`, `extra` and `core` of a nominal, not rounded.
    fn exact(&self, nominal: i64, discount: Money) -> [Exact; 3] {
        let org = match self.org {
            Share::Percent(_) => self.org.exact(nominal),
            Share::Amount(amount) => Exact::whole(amount.minor.saturating_sub(discount.minor).max(0)),
        };
        [org, self.extra.exact(nominal), commission(&self.core, nominal)]
    }

    /// How each term came to its share of a ticket that was split so: `core`, `extra`, `org`, in the order of rounding.
    pub fn explain(&self, split: &Split, discount: Money) -> Vec<AppliedTerm> {
        let currency = split.nominal.currency;
        let [org, extra, core] = self.exact(split.nominal.minor, discount);
        let rounded = |exact: Exact| Money { minor: i64::try_from(exact.round()).unwrap_or(i64::MAX), currency };
        let applied =
            |name, text, exact: Exact, rounded| AppliedTerm { name, text, exact: exact.text(currency), rounded };
        vec![
            applied("extra", self.extra_text(), extra, rounded(extra)),
            applied("core", self.core_text(), core, split.core),
            applied("org", self.org_text(), org, split.org),
        ]
    }
}

/// How an organizer's own fee and the platform's commission came to their shares of a ticket: `fee`, then `core`.
pub fn explain_own_sale(split: &Split, fee: &Share, core: &Share) -> Vec<AppliedTerm> {
    let currency = split.nominal.currency;
    let (fee_exact, core_exact) = (fee.exact(split.nominal.minor), commission(core, split.nominal.minor));
    vec![
        AppliedTerm { name: "fee", text: fee.text(1), exact: fee_exact.text(currency), rounded: split.extra },
        AppliedTerm { name: "core", text: core.text(2), exact: core_exact.text(currency), rounded: split.core },
    ]
}

/// How a term came to its share of one ticket's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedTerm {
    /// The term: `extra`, `core`, `org`; `fee`, the organizer's own, where it sells its own event.
    pub name: &'static str,
    /// The term as it is written: `91.00%`, `150.00`.
    pub text: String,
    /// What it comes to before rounding, with all decimals.
    pub exact: String,
    /// What it came to: rounded half to even, and `org` lowered where rounding alone would have made the agent pay.
    pub rounded: Money,
}

/// Splits the money of one ticket that an organizer sells for its own event: no deal, no agent,
/// the organizer's own service `fee` on top of the nominal, the platform's commission out of what
/// the organizer gets.
///
/// # Errors
/// Those of [`Terms::split`].
pub fn own_sale(price: Money, discount: Money, fee: &Share, core: &Share) -> Result<Split, Invalid> {
    let nominal = nominal(price, discount)?;
    same_currency(fee, price.currency)?;
    same_currency(core, price.currency)?;
    let extra = fee.exact(nominal).round();
    let core = commission(core, nominal).round();
    let nominal = i128::from(nominal);
    Sums { nominal, extra, full: nominal + extra, org: nominal + extra - core, core, agent: 0 }
        .into_split(price.currency, true)
}

/// How the money of one ticket is divided: `org + core + agent = full = nominal + extra`, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Split {
    /// The price after discount.
    pub nominal: Money,
    /// The surcharge shown to the customer; with `pfc` it holds the platform's commission.
    pub extra: Money,
    /// What the customer pays.
    pub full: Money,
    /// What the organizer gets.
    pub org: Money,
    /// What the platform gets.
    pub core: Money,
    /// What the agent gets; negative only if the ticket can't be sold.
    pub agent: Money,
    /// Whether the terms can sell at this price: the agent's share, before rounding, is not
    /// negative.
    pub sellable: bool,
}

/// A split in minor units, before it is known to fit.
struct Sums {
    nominal: i128,
    extra: i128,
    full: i128,
    org: i128,
    core: i128,
    agent: i128,
}

impl Sums {
    fn into_split(self, currency: Currency, sellable: bool) -> Result<Split, Invalid> {
        let money = |minor| match i64::try_from(minor) {
            Ok(minor) => Ok(Money { minor, currency }),
            Err(_) => {
                Err(Invalid::out_of_range("must be a price whose shares can be counted in minor units of 64 bits"))
            }
        };
        Ok(Split {
            nominal: money(self.nominal)?,
            extra: money(self.extra)?,
            full: money(self.full)?,
            org: money(self.org)?,
            core: money(self.core)?,
            agent: money(self.agent)?,
            sellable,
        })
    }
}

fn nominal(price: Money, discount: Money) -> Result<i64, Invalid> {
    match price.checked_sub(discount) {
        Some(nominal) if discount.minor >= 0 && nominal.minor >= 0 => Ok(nominal.minor),
        _ => Err(Invalid::out_of_range(format!(
            "must be a discount between 0 and the price of {price} {}",
            price.currency
        ))),
    }
}

/// The platform's commission: an absolute one is at most the nominal.
fn commission(core: &Share, nominal: i64) -> Exact {
    core.exact(nominal).min(match core {
        Share::Percent(_) => Exact(i128::MAX),
        Share::Amount(_) => Exact::whole(nominal),
    })
}

fn same_currency(share: &Share, expected: Currency) -> Result<(), Invalid> {
    match share.currency() {
        Some(currency) if currency != expected => {
            Err(Invalid::conflict(format!("must be an amount of {expected}, not of {currency}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rub() -> Currency {
        "RUB".parse().unwrap()
    }

    fn money(text: &str) -> Money {
        match text.strip_prefix('-') {
            Some(text) => Money { minor: -money(text).minor, currency: rub() },
            None => Money::parse(text, rub()).unwrap(),
        }
    }

    fn share(text: &str) -> Share {
        Share::parse_string(text, rub()).unwrap()
    }

    fn terms(org: &str, extra: &str, core: &str, pfc: bool) -> Terms {
        Terms::new(share(org), share(extra), share(core), pfc).unwrap()
    }

    /// `full`, `extra`, `org`, `core`, `agent`, and whether the ticket can be sold.
    fn sums(split: Split) -> (String, String, String, String, String, bool) {
        (
            split.full.to_string(),
            split.extra.to_string(),
            split.org.to_string(),
            split.core.to_string(),
            split.agent.to_string(),
            split.sellable,
        )
    }

    #[test]
    fn the_money_of_a_ticket_is_split_by_the_terms() {
        #[rustfmt::skip]
        let table = [
            // org, extra, core, pfc, price, discount => full, extra, org, core, agent, sellable
            // The worked examples.
            ("91%", "10%", "3%", false, "1000", "0", ("1100.00", "100.00", "910.00", "30.00", "160.00", true)),
            ("91%", "10%", "3%", true, "1000", "0", ("1130.00", "130.00", "910.00", "30.00", "190.00", true)),
            // A discount lowers the nominal, and with it every percentage.
            ("91%", "10%", "3%", false, "1200", "200", ("1100.00", "100.00", "910.00", "30.00", "160.00", true)),
            // The organizer's share gives way to rounding, not the agent.
            ("90%", "0%", "10%", false, "100.15", "0", ("100.15", "0.00", "90.13", "10.02", "0.00", true)),
            ("100%", "0%", "0%", false, "0.01", "0", ("0.01", "0.00", "0.01", "0.00", "0.00", true)),
            // An absolute org falls by the discount, not below 0.
            ("150", "0%", "0%", false, "1000", "100", ("900.00", "0.00", "50.00", "0.00", "850.00", true)),
            ("150", "0%", "0%", false, "1000", "200", ("800.00", "0.00", "0.00", "0.00", "800.00", true)),
            // An absolute core is at most the nominal.
            ("0%", "0%", "50", false, "30", "0", ("30.00", "0.00", "0.00", "30.00", "0.00", true)),
            ("0%", "0%", "50", true, "30", "0", ("60.00", "30.00", "0.00", "30.00", "30.00", true)),
            ("0%", "5.50", "50", false, "100", "100", ("5.50", "5.50", "0.00", "0.00", "5.50", true)),
            // An absolute extra is on top of any nominal.
            ("100%", "25", "0%", false, "0", "0", ("25.00", "25.00", "0.00", "0.00", "25.00", true)),
            // Where the agent would have to pay, nothing can be sold.
            ("98%", "0%", "3%", false, "1000", "0", ("1000.00", "0.00", "980.00", "30.00", "-10.00", false)),
            ("98%", "0%", "3%", true, "1000", "0", ("1030.00", "30.00", "980.00", "30.00", "20.00", true)),
            ("150", "0%", "0%", false, "100", "0", ("100.00", "0.00", "150.00", "0.00", "-50.00", false)),
            ("150", "0%", "0%", true, "100", "0", ("100.00", "0.00", "150.00", "0.00", "-50.00", false)),
            // So little that rounding hides it, but exactly it is negative.
            ("100%", "0%", "0.0001%", false, "1", "0", ("1.00", "0.00", "1.00", "0.00", "0.00", false)),
            ("100%", "1000%", "100%", true, "10", "0", ("120.00", "110.00", "10.00", "10.00", "100.00", true)),
        ];
        for (org, extra, core, pfc, price, discount, expected) in table {
            let split = terms(org, extra, core, pfc).split(money(price), money(discount)).unwrap();
            let (full, surcharge, o, c, agent, sellable) = expected;
            let expected = [full, surcharge, o, c, agent].map(str::to_owned);
            let [full, surcharge, o, c, agent] = expected;
            assert_eq!(
                sums(split),
                (full, surcharge, o, c, agent, sellable),
                "org {org} extra {extra} core {core} pfc {pfc} price {price} discount {discount}"
            );
        }
    }

    #[test]
    fn an_organizer_sells_its_own_event_without_an_agent() {
        let split = own_sale(money("1000"), money("0"), &share("5%"), &share("3%")).unwrap();
        assert_eq!(split.full, money("1050"));
        assert_eq!(split.extra, money("50"));
        assert_eq!(split.org, money("1020"));
        assert_eq!(split.core, money("30"));
        assert_eq!(split.agent, money("0"));
        assert!(split.sellable);
        let split = own_sale(money("20"), money("0"), &Share::ZERO, &share("50")).unwrap();
        assert_eq!((split.org, split.core), (money("0"), money("20")));
    }

    #[test]
    fn terms_out_of_range_are_refused_by_name() {
        for (org, extra, core, field, message) in [
            ("100.0001%", "0%", "0%", "org", "must be between 0% and 100%"),
            ("-1%", "0%", "0%", "org", "must be between 0% and 100%"),
            ("0%", "1000.0001%", "0%", "extra", "must be between 0% and 1000%"),
            ("0%", "-0.5%", "0%", "extra", "must be between 0% and 1000%"),
            ("0%", "0%", "101%", "core", "must be between 0% and 100%"),
        ] {
            let (wrong, invalid) = Terms::new(share(org), share(extra), share(core), false).unwrap_err();
            assert_eq!((wrong, invalid.message.as_str()), (field, message));
            assert_eq!(invalid.code, "out_of_range");
        }
        let negative = Share::Amount(money("-1"));
        let (field, invalid) = Terms::new(negative, Share::ZERO, Share::ZERO, true).unwrap_err();
        assert_eq!((field, invalid.code), ("org", "out_of_range"));
        assert!(Terms::new(share("100%"), share("1000%"), share("100%"), true).is_ok());
    }

    #[test]
    fn amounts_are_of_the_currency_of_the_price() {
        let eur: Currency = "EUR".parse().unwrap();
        let euros = Share::Amount(Money { minor: 1_000, currency: eur });
        let (field, invalid) = Terms::new(share("10"), euros, Share::ZERO, false).unwrap_err();
        assert_eq!((field, invalid.code), ("extra", "conflict"));
        assert_eq!(invalid.message, "must be an amount of RUB, not of EUR");
        let terms = Terms::new(euros, euros, Share::ZERO, false).unwrap();
        assert_eq!(terms.split(money("100"), money("0")).unwrap_err().code, "conflict");
        assert_eq!(own_sale(money("100"), money("0"), &euros, &Share::ZERO).unwrap_err().code, "conflict");
    }

    #[test]
    fn a_discount_lies_between_nothing_and_the_price() {
        let terms = terms("91%", "10%", "3%", false);
        for discount in ["100.01", "-0.01"] {
            let invalid = terms.split(money("100"), money(discount)).unwrap_err();
            assert_eq!(invalid.code, "out_of_range");
            assert_eq!(invalid.message, "must be a discount between 0 and the price of 100.00 RUB");
        }
    }

    #[test]
    fn a_split_that_does_not_fit_is_refused() {
        let price = Money { minor: i64::MAX, currency: rub() };
        let zero = Money::zero(rub());
        let invalid = terms("0%", "1000%", "0%", false).split(price, zero).unwrap_err();
        assert_eq!(invalid.code, "out_of_range");
        assert!(own_sale(price, zero, &share("1%"), &Share::ZERO).is_err());
    }

    #[test]
    fn terms_are_written_as_the_wire_writes_them() {
        let seed = terms("91%", "10%", "3%", false);
        assert_eq!(
            (seed.org_text(), seed.extra_text(), seed.core_text()),
            ("91.00%".to_owned(), "10.0%".to_owned(), "3.00%".to_owned())
        );
        let odd = terms("150", "0.125%", "12.3456%", true);
        assert_eq!(
            (odd.org_text(), odd.extra_text(), odd.core_text()),
            ("150.00".to_owned(), "0.125%".to_owned(), "12.3456%".to_owned())
        );
    }

    fn any_percentage(most: i64) -> impl Strategy<Value = Share> {
        prop_oneof![(0..=most).prop_map(|percent| percent * 10_000), 0..=most * 10_000]
            .prop_map(|units| Share::Percent(Percent::from_units(units).unwrap()))
    }

    fn any_share(most: i64) -> impl Strategy<Value = Share> {
        let amount = (0..=2_000_000_i64).prop_map(|minor| Money { minor, currency: rub() });
        prop_oneof![
            2 => any_percentage(most),
            1 => amount.prop_map(Share::Amount),
        ]
    }

    fn any_terms() -> impl Strategy<Value = Terms> {
        (any_share(100), any_share(1_000), any_share(100), any::<bool>())
            .prop_map(|(org, extra, core, pfc)| Terms::new(org, extra, core, pfc).unwrap())
    }

    /// A price and a discount of it, small ones and large ones.
    fn any_price() -> impl Strategy<Value = (Money, Money)> {
        prop_oneof![0..=300_i64, 0..=2_000_000_i64, 0..=i64::MAX / 1_000].prop_flat_map(|price| {
            (Just(price), 0..=price).prop_map(|(price, discount)| {
                let money = |minor| Money { minor, currency: rub() };
                (money(price), money(discount))
            })
        })
    }

    proptest! {
        #[test]
        fn nothing_of_a_ticket_is_lost((price, discount) in any_price(), terms in any_terms()) {
            let split = terms.split(price, discount).unwrap();
            prop_assert_eq!(split.org.minor + split.core.minor + split.agent.minor, split.full.minor);
            prop_assert_eq!(split.nominal.minor + split.extra.minor, split.full.minor);
            prop_assert_eq!(split.nominal.minor + discount.minor, price.minor);
        }

        #[test]
        fn no_share_is_negative_but_that_of_an_agent_who_cannot_sell(
            (price, discount) in any_price(),
            terms in any_terms(),
        ) {
            let split = terms.split(price, discount).unwrap();
            for share in [split.nominal, split.extra, split.full, split.org, split.core] {
                prop_assert!(share.minor >= 0);
            }
            prop_assert!(split.agent.minor >= 0 || !split.sellable);
        }

        #[test]
        fn shares_are_their_exact_value_to_the_minor_unit(
            (price, discount) in any_price(),
            terms in any_terms(),
        ) {
            let split = terms.split(price, discount).unwrap();
            let nominal = split.nominal.minor;
            let core = terms.core.of(nominal).unwrap();
            let core = if terms.core.currency().is_some() { core.min(nominal) } else { core };
            let org = match terms.org {
                Share::Amount(amount) => (amount.minor - discount.minor).max(0),
                percent => percent.of(nominal).unwrap(),
            };
            let extra = terms.extra.of(nominal).unwrap();
            prop_assert_eq!(split.core.minor, core);
            prop_assert_eq!(split.extra.minor, if terms.pfc { extra + core } else { extra });
            prop_assert!((0..=1).contains(&(org - split.org.minor)));
            prop_assert!(org == split.org.minor || split.agent.minor == 0);
        }

        #[test]
        fn percentages_split_in_proportion_to_a_price_that_needs_no_rounding(
            org in any_percentage(100),
            extra in any_percentage(1_000),
            core in any_percentage(100),
            pfc: bool,
            times in 1..1_000_000_i64,
        ) {
            let terms = Terms::new(org, extra, core, pfc).unwrap();
            // Any percentage of this many minor units is a whole number of them.
            let price = |times| Money { minor: times * 1_000_000, currency: rub() };
            let once = terms.split(price(1), Money::zero(rub())).unwrap();
            let split = terms.split(price(times), Money::zero(rub())).unwrap();
            prop_assert_eq!(split.org.minor, once.org.minor * times);
            prop_assert_eq!(split.core.minor, once.core.minor * times);
            prop_assert_eq!(split.agent.minor, once.agent.minor * times);
            prop_assert_eq!(split.sellable, once.sellable);
            prop_assert_eq!(split.sellable, split.agent.minor >= 0);
        }

        #[test]
        fn an_own_sale_loses_nothing(
            (price, discount) in any_price(),
            fee in any_share(1_000),
            core in any_share(100),
        ) {
            let split = own_sale(price, discount, &fee, &core).unwrap();
            prop_assert_eq!(split.org.minor + split.core.minor, split.full.minor);
            prop_assert_eq!(split.agent.minor, 0);
            prop_assert!(split.org.minor >= 0 && split.core.minor >= 0);
        }

        #[test]
        fn terms_that_are_written_are_read_again(terms in any_terms()) {
            let read = Terms::new(
                share(&terms.org_text()),
                share(&terms.extra_text()),
                share(&terms.core_text()),
                terms.pfc,
            );
            prop_assert_eq!(read, Ok(terms));
        }
    }

    #[test]
    fn a_split_is_explained_by_what_each_term_came_to() {
        let told = |applied: Vec<AppliedTerm>| {
            let one = |term: AppliedTerm| format!("{} {} {} {}", term.name, term.text, term.exact, term.rounded);
            applied.into_iter().map(one).collect::<Vec<_>>()
        };
        let explained = |terms: Terms, price: &str, discount: &str| {
            let (price, discount) = (money(price), money(discount));
            told(terms.explain(&terms.split(price, discount).unwrap(), discount))
        };
        assert_eq!(
            explained(terms("91%", "10%", "3%", true), "1000", "0"),
            ["extra 10.0% 100.00 100.00", "core 3.00% 30.00 30.00", "org 91.00% 910.00 910.00"]
        );
        // The organizer's share gives way to rounding: 90.135 would be 90.14.
        assert_eq!(
            explained(terms("90%", "0%", "10%", false), "100.15", "0"),
            ["extra 0.0% 0.00 0.00", "core 10.00% 10.015 10.02", "org 90.00% 90.135 90.13"]
        );
        assert_eq!(
            explained(terms("150", "0.0001%", "50", false), "1000", "970"),
            ["extra 0.0001% 0.00003 0.00", "core 50.00 30.00 30.00", "org 150.00 0.00 0.00"]
        );
        let (fee, core) = (share("5%"), share("3%"));
        let split = own_sale(money("100.10"), money("0"), &fee, &core).unwrap();
        assert_eq!(told(explain_own_sale(&split, &fee, &core)), ["fee 5.0% 5.005 5.00", "core 3.00% 3.003 3.00"]);
    }
}
