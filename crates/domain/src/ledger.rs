//! The ledger: what partners owe and are owed, in double entry (`spec/domain.md`, Ledger).
//!
//! What happens to money is told as [`Posting`]s, which sum to zero; stored, each is an [`Entry`]. Those of one cause are
//! at most [`POSTINGS_MAX`]: one for an account and a kind, summed over all tickets, whose own shares stay with the order.

use jiff::Timestamp;

use crate::id::{DealId, EntryId, EventId, OrderId, PartnerId, PaymentId, PayoutId, RefundId};
use crate::money::{Money, Sum};
use crate::order::Order;
use crate::pricing::Line;
use crate::refund::{Culprit, Returned};
use crate::wire::wire_names;

/// The most postings that one cause has: what the customer pays, and a share each of organizer, platform and agent.
pub const POSTINGS_MAX: usize = 4;

/// One line of the ledger. It is written in the transaction of its cause, and never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// What it was written for.
    pub cause: Cause,
    /// The order it belongs to; the entries of an order sum to zero.
    pub order: Option<OrderId>,
    /// The event.
    pub event: Option<EventId>,
    /// The deal that the order was sold under.
    pub deal: Option<DealId>,
    /// Whose account.
    pub account: Account,
    /// Which part of the money.
    pub kind: EntryKind,
    /// What the account is owed by it; less than zero: what it owes.
    pub amount: Money,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What an entry was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An order was paid.
    Sale,
    /// A refund request was approved.
    Refund(RefundId),
    /// Money came for an order that did not wait for it any more.
    LatePayment(PaymentId),
    /// Such money was sent back.
    PaymentReturned(PaymentId),
    /// One partner paid another.
    Payout(PayoutId),
}

impl Cause {
    /// Every word of a cause.
    pub const WORDS: &[&str] = &["sale", "refund", "late_payment", "payment_returned", "payout"];

    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund(_) => "refund",
            Self::LatePayment(_) => "late_payment",
            Self::PaymentReturned(_) => "payment_returned",
            Self::Payout(_) => "payout",
        }
    }

    /// The refund request.
    pub const fn refund(&self) -> Option<RefundId> {
        if let Self::Refund(refund) = self { Some(*refund) } else { None }
    }

    /// The payment.
    pub const fn payment(&self) -> Option<PaymentId> {
        if let Self::LatePayment(payment) | Self::PaymentReturned(payment) = self { Some(*payment) } else { None }
    }

    /// The payout.
    pub const fn payout(&self) -> Option<PayoutId> {
        if let Self::Payout(payout) = self { Some(*payout) } else { None }
    }
}

/// Whose account an entry is on.
///
/// The platform has one account, whichever of its partners hold the role `core`: there may be several of them, or none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Account {
    /// A partner's.
    Partner(PartnerId),
    /// The platform's: its commissions, and the money that it collects.
    Platform,
    /// The customers', whose money came too late and is not sent back yet.
    Customer,
}

impl Account {
    /// Every word of an account.
    pub const WORDS: &[&str] = &["partner", "platform", "customer"];

    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Partner(_) => "partner",
            Self::Platform => "platform",
            Self::Customer => "customer",
        }
    }

    /// The partner, of a partner's account.
    pub const fn partner(&self) -> Option<PartnerId> {
        if let Self::Partner(partner) = self { Some(*partner) } else { None }
    }

    /// The account with this word and partner.
    pub fn of(word: &str, partner: Option<PartnerId>) -> Option<Self> {
        match (word, partner) {
            ("partner", Some(partner)) => Some(Self::Partner(partner)),
            ("platform", None) => Some(Self::Platform),
            ("customer", None) => Some(Self::Customer),
            _ => None,
        }
    }
}

/// Which part of the money an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// What the customer paid: on the account of whoever holds it.
    Customer,
    /// The organizer's share.
    Organizer,
    /// The platform's share.
    Platform,
    /// The agent's share.
    Agent,
    /// A payout.
    Payout,
}

wire_names!(EntryKind {
    Customer = "customer",
    Organizer = "organizer",
    Platform = "platform",
    Agent = "agent",
    Payout = "payout",
});

/// What an entry says, before it is one: so much for this account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// Whose account.
    pub account: Account,
    /// Which part of the money.
    pub kind: EntryKind,
    /// What the account is owed by it; less than zero: what it owes.
    pub amount: Money,
}

/// What an account is owed, or owes, under one deal (or without one) in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Whose account.
    pub account: Account,
    /// The deal; none for what an organizer sold itself, and for payouts without one.
    pub deal: Option<DealId>,
    /// The sum of customers' money: less than zero where the account's owner holds it.
    pub customer: Sum,
    /// The sum of its shares.
    pub shares: Sum,
    /// The sum of payouts: less than zero for what it was paid.
    pub payouts: Sum,
    /// The sum of all: what the account is owed; less than zero: what it owes.
    pub total: Sum,
}

/// Money that one partner gave another outside of the platform, recorded by the platform's operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Its id.
    pub id: PayoutId,
    /// Who paid.
    pub from: PartnerId,
    /// Who was paid.
    pub to: PartnerId,
    /// The deal it settles, if it is for one.
    pub deal: Option<DealId>,
    /// How much; more than zero.
    pub amount: Money,
    /// A short note.
    pub note: Option<String>,
    /// When it was recorded.
    pub created_at: Timestamp,
}

/// Who holds the money that an order's customer paid: the platform what it collects through a payment system, the vendor
/// everything else. It stays the same when all of the money has been given back.
fn holder(order: &Order) -> Account {
    match order.payment.system {
        Some(system) if system.collects() => Account::Platform,
        _ => Account::Partner(order.vendor),
    }
}

/// What becomes of the money of a paid order: the holder owes what the customer paid, and organizer, platform and agent
/// are owed their shares. `None` where a sum is beyond 64 bits.
pub fn sale(order: &Order, lines: &[Line]) -> Option<Vec<Posting>> {
    let mut shares = Shares::default();
    for line in lines {
        let split = &line.split;
        shares.add(split.full, split.org, split.core, split.agent)?;
    }
    shares.postings(order, 1)
}

/// What becomes of the money of tickets that are given back: the holder pays the customer, and everyone returns a part of
/// its share, by the table of `spec/domain.md`, Refunds. `None` where a sum is beyond 64 bits.
pub fn refund(order: &Order, lines: &[Line], culprit: Culprit) -> Option<Vec<Posting>> {
    let mut shares = Shares::default();
    for line in lines {
        let Returned { customer, org, core, agent } = Returned::of(&order.sale, &line.split, culprit)?;
        shares.add(customer, org, core, agent)?;
    }
    shares.postings(order, -1)
}

/// What becomes of money that came when its order did not wait for it any more: the platform owes it to the customer. `None`
/// for an amount whose opposite is beyond 64 bits.
pub fn late_payment(amount: Money) -> Option<Vec<Posting>> {
    transfer(Account::Platform, Account::Customer, amount, EntryKind::Customer)
}

/// What becomes of such money when it is sent back. `None` as of [`late_payment`].
pub fn payment_returned(amount: Money) -> Option<Vec<Posting>> {
    transfer(Account::Customer, Account::Platform, amount, EntryKind::Customer)
}

/// What becomes of money that one account's owner paid to another's: the payer owes less, the other is owed less. `None`
/// as of [`late_payment`].
pub fn payout(from: Account, to: Account, amount: Money) -> Option<Vec<Posting>> {
    transfer(to, from, amount, EntryKind::Payout)
}

/// Makes one account owe an amount, and another be owed it.
fn transfer(owing: Account, owed: Account, amount: Money, kind: EntryKind) -> Option<Vec<Posting>> {
    if amount.minor == 0 {
        return Some(Vec::new());
    }
    let owes = Money { minor: amount.minor.checked_neg()?, ..amount };
    Some(vec![Posting { account: owing, kind, amount: owes }, Posting { account: owed, kind, amount }])
}

/// Sums over tickets, in minor units.
#[derive(Default)]
struct Shares {
    customer: i64,
    org: i64,
    core: i64,
    agent: i64,
}

impl Shares {
    fn add(&mut self, customer: Money, org: Money, core: Money, agent: Money) -> Option<()> {
        for (sum, share) in
            [(&mut self.customer, customer), (&mut self.org, org), (&mut self.core, core), (&mut self.agent, agent)]
        {
            *sum = sum.checked_add(share.minor)?;
        }
        Some(())
    }

    /// `sign` is that of the shares; what the customer pays goes the other way.
    fn postings(&self, order: &Order, sign: i64) -> Option<Vec<Posting>> {
        let mut postings = Vec::with_capacity(POSTINGS_MAX);
        for (account, kind, minor) in [
            (holder(order), EntryKind::Customer, self.customer.checked_neg()?),
            (Account::Partner(order.org), EntryKind::Organizer, self.org),
            (Account::Platform, EntryKind::Platform, self.core),
            (Account::Partner(order.vendor), EntryKind::Agent, self.agent),
        ] {
            let amount = Money { minor: minor.checked_mul(sign)?, currency: order.currency };
            if amount.minor != 0 {
                postings.push(Posting { account, kind, amount });
            }
        }
        Some(postings)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::customer::OrderCustomer;
    use crate::id::{RuleId, SetId, TicketId};
    use crate::money::Currency;
    use crate::order::{OrderPayment, OrderStatus, Origin};
    use crate::payment::PaymentSystem;
    use crate::pricing::{Sale, Values};
    use crate::share::Share;
    use crate::terms::Terms;
    use crate::wire::check_wire_names;

    const ORGANIZER: PartnerId = PartnerId::from_bytes([1; 12]);
    const AGENT: PartnerId = PartnerId::from_bytes([2; 12]);

    fn rub() -> Currency {
        "RUB".parse().unwrap()
    }

    fn money(minor: i64) -> Money {
        Money { minor, currency: rub() }
    }

    fn share(text: &str) -> Share {
        Share::parse_string(text, rub()).unwrap()
    }

    fn deal(org: &str, extra: &str, core: &str, pfc: bool) -> Sale {
        let terms = Terms::new(share(org), share(extra), share(core), pfc).unwrap();
        Sale::Deal { deal: DealId::from_bytes([6; 12]), terms }
    }

    fn own() -> Sale {
        Sale::Own { fee: share("10%"), core: share("3%") }
    }

    fn order(sale: Sale, system: Option<PaymentSystem>) -> Order {
        let now = Timestamp::from_second(1).unwrap();
        Order {
            id: OrderId::from_bytes([9; 12]),
            event: EventId::from_bytes([8; 12]),
            org: ORGANIZER,
            vendor: if sale.deal().is_some() { AGENT } else { ORGANIZER },
            sale,
            number: 1,
            code: None,
            status: OrderStatus::InProgress,
            origin: Origin::Api,
            reserved_till: now,
            customer_id: None,
            customer: OrderCustomer::default(),
            payment: OrderPayment { system, ..OrderPayment::default() },
            rules: BTreeMap::new(),
            vendor_data: None,
            currency: rub(),
            tickets: 0,
            values: Values { discount: money(0), nominal: money(0), extra: money(0), full: money(0) },
            version: 1,
            created_at: now,
            updated_at: now,
            done_at: None,
        }
    }

    fn lines(sale: &Sale, prices: &[(i64, i64)]) -> Vec<Line> {
        let line = |(price, discount): &(i64, i64)| Line {
            ticket: TicketId::from_bytes([1; 12]),
            set: SetId::from_bytes([1; 12]),
            rule: RuleId::from_bytes([1; 12]),
            promocode: None,
            price: money(*price),
            discount: money(*discount),
            split: sale.split(money(*price), money(*discount)).unwrap(),
        };
        prices.iter().map(line).collect()
    }

    /// The postings as `account kind amount`, in their order.
    fn told(postings: Option<Vec<Posting>>) -> Vec<String> {
        let who = |account| match account {
            Account::Partner(ORGANIZER) => "organizer",
            Account::Partner(_) => "agent",
            Account::Platform => "platform",
            Account::Customer => "customer",
        };
        let told = |posting: Posting| format!("{} {} {}", who(posting.account), posting.kind, posting.amount);
        postings.unwrap().into_iter().map(told).collect()
    }

    #[test]
    fn who_holds_the_money_owes_it_and_the_others_are_owed_their_shares() {
        let terms = deal("91%", "10%", "3%", false);
        let base = order(terms, Some(PaymentSystem::Base));
        assert_eq!(
            told(sale(&base, &lines(&terms, &[(100_000, 0), (100_000, 20_000)]))),
            ["agent customer -1980.00", "organizer organizer 1638.00", "platform platform 54.00", "agent agent 288.00"]
        );
        let one = lines(&terms, &[(100_000, 0)]);
        assert_eq!(told(sale(&order(terms, None), &one))[0], "agent customer -1100.00");
        assert_eq!(
            told(sale(&order(terms, Some(PaymentSystem::Test)), &one)),
            [
                "platform customer -1100.00",
                "organizer organizer 910.00",
                "platform platform 30.00",
                "agent agent 160.00"
            ]
        );
    }

    #[test]
    fn an_organizer_that_sells_itself_owes_the_platform_its_commission() {
        let one = lines(&own(), &[(100_000, 0)]);
        assert_eq!(
            told(sale(&order(own(), None), &one)),
            ["organizer customer -1100.00", "organizer organizer 1070.00", "platform platform 30.00"]
        );
        assert_eq!(
            told(refund(&order(own(), None), &one, Culprit::User)),
            ["organizer customer 1000.00", "organizer organizer -970.00", "platform platform -30.00"]
        );
    }

    #[test]
    fn a_refund_goes_the_other_way_as_far_as_its_table_says() {
        let terms = deal("91%", "10%", "3%", true);
        let one = lines(&terms, &[(100_000, 0)]);
        let paid = order(terms, Some(PaymentSystem::Base));
        assert_eq!(
            told(refund(&paid, &one, Culprit::User)),
            ["agent customer 1000.00", "organizer organizer -910.00", "agent agent -90.00"]
        );
        let reversed: Vec<Posting> = sale(&paid, &one)
            .unwrap()
            .into_iter()
            .map(|posting| Posting { amount: money(-posting.amount.minor), ..posting })
            .collect();
        assert_eq!(refund(&paid, &one, Culprit::Org), Some(reversed));
    }

    #[test]
    fn tickets_for_nothing_leave_no_entries() {
        let terms = deal("91%", "10%", "3%", false);
        assert_eq!(sale(&order(terms, None), &lines(&terms, &[(0, 0), (5_000, 5_000)])), Some(vec![]));
        assert_eq!(payout(Account::Platform, Account::Customer, money(0)), Some(vec![]));
    }

    #[test]
    fn money_that_came_too_late_is_owed_to_the_customer_until_it_is_sent_back() {
        assert_eq!(told(late_payment(money(500))), ["platform customer -5.00", "customer customer 5.00"]);
        assert_eq!(told(payment_returned(money(500))), ["customer customer -5.00", "platform customer 5.00"]);
    }

    #[test]
    fn a_payout_lowers_what_is_owed_on_both_sides() {
        let paid = payout(Account::Partner(AGENT), Account::Partner(ORGANIZER), money(91_000));
        assert_eq!(told(paid), ["organizer payout -910.00", "agent payout 910.00"]);
    }

    #[test]
    fn sums_beyond_64_bits_are_refused() {
        let terms = deal("0%", "0%", "0%", false);
        let huge = lines(&terms, &[(i64::MAX, 0), (1, 0)]);
        assert_eq!(sale(&order(terms, None), &huge), None);
        assert_eq!(late_payment(money(i64::MIN)), None);
    }

    #[test]
    fn an_account_is_told_by_its_word_and_partner() {
        for account in [Account::Partner(AGENT), Account::Platform, Account::Customer] {
            assert_eq!(Account::of(account.as_str(), account.partner()), Some(account));
            assert!(Account::WORDS.contains(&account.as_str()));
        }
        assert_eq!(Account::of("partner", None), None);
        assert_eq!(Account::of("platform", Some(AGENT)), None);
        assert_eq!(Account::of("bank", None), None);
    }

    #[test]
    fn the_words_of_the_kinds() {
        check_wire_names(EntryKind::ALL, &["customer", "organizer", "platform", "agent", "payout"]);
    }

    fn any_share(max: i64) -> impl Strategy<Value = Share> {
        prop_oneof![
            (0..=max * 10_000).prop_map(|units| Share::Percent(crate::share::Percent::from_units(units).unwrap())),
            (0_i64..1_000_000).prop_map(|minor| Share::Amount(money(minor))),
        ]
    }

    fn any_sale() -> impl Strategy<Value = Sale> {
        prop_oneof![
            (any_share(100), any_share(1_000), any_share(100), any::<bool>()).prop_map(|(org, extra, core, pfc)| {
                let terms = Terms::new(org, extra, core, pfc).unwrap();
                Sale::Deal { deal: DealId::from_bytes([6; 12]), terms }
            }),
            (any_share(1_000), any_share(100)).prop_map(|(fee, core)| Sale::Own { fee, core }),
        ]
    }

    proptest! {
        #[test]
        fn the_entries_of_every_cause_sum_to_zero(
            terms in any_sale(),
            prices in prop::collection::vec((0_i64..10_000_000, 0_i64..=100), 0..20),
            system in prop_oneof![Just(None), Just(Some(PaymentSystem::Base)), Just(Some(PaymentSystem::Test))],
            culprit in prop_oneof![Just(Culprit::Org), Just(Culprit::User)],
            amount in 0_i64..i64::MAX,
        ) {
            let order = order(terms, system);
            let prices: Vec<(i64, i64)> = prices.into_iter().map(|(price, off)| (price, price * off / 100)).collect();
            let lines = lines(&terms, &prices);
            for postings in [
                sale(&order, &lines).unwrap(),
                refund(&order, &lines, culprit).unwrap(),
                late_payment(money(amount)).unwrap(),
                payment_returned(money(amount)).unwrap(),
                payout(Account::Partner(AGENT), Account::Platform, money(amount)).unwrap(),
            ] {
                prop_assert_eq!(postings.iter().map(|posting| i128::from(posting.amount.minor)).sum::<i128>(), 0);
                prop_assert!(postings.iter().all(|posting| posting.amount.minor != 0));
                prop_assert!(postings.len() <= POSTINGS_MAX);
            }
        }
    }
}
