//! Refund requests: the return of tickets of a done order (`spec/domain.md`, Refunds).

use jiff::Timestamp;

use crate::event::{Event, EventStatus};
use crate::id::{EventId, OrderId, PartnerId, RefundId, TicketId};
use crate::money::{Currency, Money};
use crate::order::OrderStatus;
use crate::partner::RefundApproval;
use crate::payment::PaymentSystem;
use crate::pricing::{Line, Sale};
use crate::terms::Split;
use crate::wire::wire_names;

/// The return of tickets of a done order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// The order.
    pub order: OrderId,
    /// The event.
    pub event: EventId,
    /// The event's organizer.
    pub org: PartnerId,
    /// Who sold the order.
    pub vendor: PartnerId,
    /// Whose decision it is.
    pub culprit: Culprit,
    /// Where it stands.
    pub status: RefundStatus,
    /// How the order was paid.
    pub payment_system: Option<PaymentSystem>,
    /// The tickets that are given back, in the order of the order.
    pub tickets: Vec<TicketId>,
    /// The sum of their nominals.
    pub nominal: Money,
    /// What the customer gets.
    pub customer_money: Money,
    /// When the customer asked for it.
    pub requested_at: Timestamp,
    /// When it was approved or rejected.
    pub finished_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whose decision a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Culprit {
    /// The organizer's: it cancelled the event.
    Org,
    /// The customer's.
    User,
}

wire_names!(Culprit { Org = "org", User = "user" });

/// Where a refund request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundStatus {
    /// It waits for an answer.
    New,
    /// A payment provider sends the money back; v1 shows it as `new`.
    InProgress,
    /// The tickets are back on sale.
    Approved,
    /// Refused.
    Rejected,
}

wire_names!(RefundStatus { New = "new", InProgress = "in_progress", Approved = "approved", Rejected = "rejected" });

/// What comes back of one ticket's money when it is refunded: `customer = org + core + agent`, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned {
    /// What the customer gets.
    pub customer: Money,
    /// What the organizer returns of its share.
    pub org: Money,
    /// What the platform returns of its share.
    pub core: Money,
    /// What the agent returns of its share; less than zero where the others return more than the customer gets.
    pub agent: Money,
}

impl Returned {
    /// By the table of `spec/domain.md`, Refunds.
    ///
    /// An organizer that sold its own event is vendor and organizer in one: where the customer gives the ticket back, it
    /// keeps its service fee, as an agent keeps the surcharge, and the platform returns its commission, as without `pfc`.
    ///
    /// `None` where an amount is beyond 64 bits.
    pub fn of(sale: &Sale, split: &Split, culprit: Culprit) -> Option<Self> {
        let Split { nominal, full, org, core, agent, .. } = *split;
        let returned = match (culprit, sale) {
            (Culprit::Org, _) => Self { customer: full, org, core, agent },
            (Culprit::User, Sale::Own { .. }) => {
                Self { customer: nominal, org: nominal.checked_sub(core)?, core, agent: Money::zero(nominal.currency) }
            }
            (Culprit::User, Sale::Deal { terms, .. }) => {
                let core = if terms.pfc { Money::zero(nominal.currency) } else { core };
                Self { customer: nominal, org, core, agent: nominal.checked_sub(org)?.checked_sub(core)? }
            }
        };
        Some(returned)
    }
}

/// The sums of a request: of the nominals, and of what the customer gets; `None` beyond 64 bits.
pub fn sums(sale: &Sale, lines: &[Line], culprit: Culprit, currency: Currency) -> Option<(Money, Money)> {
    let zero = Money::zero(currency);
    lines.iter().try_fold((zero, zero), |(nominal, customer), line| {
        let returned = Returned::of(sale, &line.split, culprit)?;
        Some((nominal.checked_add(line.split.nominal)?, customer.checked_add(returned.customer)?))
    })
}

/// Who creates or answers a refund request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundActor {
    /// Who sold the order.
    Vendor,
    /// The organizer of its event, whether or not it sold the order itself.
    Organizer,
    /// The platform's operator, whom the rules on events do not bind.
    Platform,
    /// The payment system, when it has sent the money back.
    PaymentSystem,
}

/// What the event of an order is at a time, as far as refunds go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventState {
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// Whether it is over.
    pub finished: bool,
}

impl EventState {
    /// The event's state at a time.
    pub fn of(event: &Event, now: Timestamp) -> Self {
        Self { cancelled: event.status == EventStatus::Cancelled, finished: event.lifetime.end <= now }
    }
}

/// Which tickets of an order a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// These.
    Refund(Vec<TicketId>),
    /// All but these.
    Keep(Vec<TicketId>),
}

/// What has to follow an answer to a refund request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundChange {
    /// The payment system sends the money back; the tickets stay sold until it has.
    SendBack,
    /// The tickets are vacant again, and what everyone returns is entered into the ledger.
    GiveBack,
    /// Nothing else.
    Reject,
}

/// Why a refund request is not made, or not answered so. The texts are those of `spec/v2.md`, Refund requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    /// The order is not done.
    #[error("wrong order (id: {order}) status: {}", .status.name_v2())]
    WrongOrder {
        /// The order.
        order: OrderId,
        /// Where it stands.
        status: OrderStatus,
    },
    /// Tickets that are not the order's, or are refunded.
    #[error("bad tickets")]
    BadTickets,
    /// No tickets are left to refund.
    #[error("Empty tickets for refund")]
    NoTickets,
    /// It is answered already.
    #[error("RefundRequest in wrong status {0} for approve")]
    NotOpen(RefundStatus),
    /// It is answered already.
    #[error("Failed to reject refund request {0}")]
    NotRejectable(RefundId),
    /// Another request has the tickets.
    #[error("Some tickets already use in another refund request")]
    TicketsTaken,
    /// The organizer cancelled the event.
    #[error("Only org culprit allowed for cancelled events")]
    OnlyOrg,
    /// The organizer did not cancel the event.
    #[error("Only user culprit allowed for non cancelled events")]
    OnlyUser,
    /// The event is over.
    #[error("Not allowed to approve refund for finished event")]
    Finished,
    /// The organizer approves its refunds itself, by its setting `refund_approval`.
    #[error("the organizer approves refunds of its events itself")]
    Reserved,
    /// Nobody sets this status.
    #[error("a refund request is set to approved or rejected")]
    NotSettable,
}

/// Whether tickets may be refunded for this reason now.
///
/// # Errors
/// [`RefundRefusal`]; none for the platform.
pub fn check_event(culprit: Culprit, event: EventState, actor: RefundActor) -> Result<(), RefundRefusal> {
    match (actor, culprit) {
        (RefundActor::Platform | RefundActor::PaymentSystem, _) => Ok(()),
        (_, Culprit::User) if event.cancelled => Err(RefundRefusal::OnlyOrg),
        (_, Culprit::Org) if !event.cancelled => Err(RefundRefusal::OnlyUser),
        _ if event.finished && !event.cancelled => Err(RefundRefusal::Finished),
        _ => Ok(()),
    }
}

/// The lines that a request is for, in the order of the order; `live` are those that are not refunded.
///
/// # Errors
/// [`RefundRefusal::BadTickets`] for a ticket that is not among them; [`RefundRefusal::NoTickets`] where none is left.
pub fn choose(live: &[Line], which: &Which) -> Result<Vec<Line>, RefundRefusal> {
    let (named, wanted) = match which {
        Which::Refund(tickets) => (tickets, true),
        Which::Keep(tickets) => (tickets, false),
    };
    if named.iter().any(|ticket| live.iter().all(|line| line.ticket != *ticket)) {
        return Err(RefundRefusal::BadTickets);
    }
    let chosen: Vec<Line> = live.iter().filter(|line| named.contains(&line.ticket) == wanted).cloned().collect();
    if chosen.is_empty() { Err(RefundRefusal::NoTickets) } else { Ok(chosen) }
}

impl Refund {
    /// What an answer means.
    ///
    /// Money that a payment system collected is sent back by it before the request is approved; it says so itself. Rejecting
    /// is not bound by the event, nor reserved: who made a request may withdraw it.
    ///
    /// # Errors
    /// [`RefundRefusal`], which says why.
    pub fn change_status(
        &self,
        to: RefundStatus,
        actor: RefundActor,
        event: EventState,
        approval: RefundApproval,
    ) -> Result<RefundChange, RefundRefusal> {
        use RefundStatus::{Approved, InProgress, New, Rejected};
        match (self.status, to, actor) {
            (InProgress, Approved, RefundActor::PaymentSystem) => Ok(RefundChange::GiveBack),
            (status, Approved, RefundActor::PaymentSystem) => Err(RefundRefusal::NotOpen(status)),
            (New, Approved, RefundActor::Vendor) if approval == RefundApproval::Organizer => {
                Err(RefundRefusal::Reserved)
            }
            (New, Approved, _) => {
                check_event(self.culprit, event, actor)?;
                let collected = self.payment_system.is_some_and(PaymentSystem::collects);
                let sends_back = collected && self.customer_money.minor > 0;
                Ok(if sends_back { RefundChange::SendBack } else { RefundChange::GiveBack })
            }
            (status, Approved, _) => Err(RefundRefusal::NotOpen(status)),
            (New, Rejected, RefundActor::Vendor | RefundActor::Organizer | RefundActor::Platform) => {
                Ok(RefundChange::Reject)
            }
            (_, Rejected, _) => Err(RefundRefusal::NotRejectable(self.id)),
            (_, New | InProgress, _) => Err(RefundRefusal::NotSettable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{DealId, RuleId, SetId};
    use crate::share::Share;
    use crate::terms::Terms;
    use crate::wire::check_wire_names;

    fn rub() -> Currency {
        "RUB".parse().unwrap()
    }

    fn money(minor: i64) -> Money {
        Money { minor, currency: rub() }
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn refund(status: RefundStatus, culprit: Culprit, payment_system: Option<PaymentSystem>) -> Refund {
        Refund {
            id: RefundId::from_bytes([7; 12]),
            order: OrderId::from_bytes([1; 12]),
            event: EventId::from_bytes([2; 12]),
            org: PartnerId::from_bytes([3; 12]),
            vendor: PartnerId::from_bytes([4; 12]),
            culprit,
            status,
            payment_system,
            tickets: vec![TicketId::from_bytes([5; 12])],
            nominal: money(100_000),
            customer_money: money(100_000),
            requested_at: time(0),
            finished_at: None,
            created_at: time(0),
            updated_at: time(0),
        }
    }

    const ACTORS: [RefundActor; 4] =
        [RefundActor::Vendor, RefundActor::Organizer, RefundActor::Platform, RefundActor::PaymentSystem];
    const APPROVALS: [RefundApproval; 2] = [RefundApproval::Vendor, RefundApproval::Organizer];
    const EVENTS: [EventState; 4] = [
        EventState { cancelled: false, finished: false },
        EventState { cancelled: false, finished: true },
        EventState { cancelled: true, finished: false },
        EventState { cancelled: true, finished: true },
    ];

    /// Each status × answer × culprit × event × actor × setting of the organizer × way of paying has its place in one of
    /// these tables, and no other outcome.
    #[test]
    fn a_request_is_answered_as_the_tables_say() {
        /// By whom each status may be answered, in the order vendor, organizer, platform, payment system: `>` the event
        /// decides, `-` rejected, `!` reserved, `f` finished by the payment system, `x` not any more, `n` not settable.
        #[rustfmt::skip]
        const ANSWERS: [(RefundStatus, RefundStatus, &str, &str); 16] = [
            // from, to, approved by the vendor as well, approved by the organizer alone
            (RefundStatus::New,        RefundStatus::New,        "nnnn", "nnnn"),
            (RefundStatus::New,        RefundStatus::InProgress, "nnnn", "nnnn"),
            (RefundStatus::New,        RefundStatus::Approved,   ">>>x", "!>>x"),
            (RefundStatus::New,        RefundStatus::Rejected,   "---x", "---x"),
            (RefundStatus::InProgress, RefundStatus::New,        "nnnn", "nnnn"),
            (RefundStatus::InProgress, RefundStatus::InProgress, "nnnn", "nnnn"),
            (RefundStatus::InProgress, RefundStatus::Approved,   "xxxf", "xxxf"),
            (RefundStatus::InProgress, RefundStatus::Rejected,   "xxxx", "xxxx"),
            (RefundStatus::Approved,   RefundStatus::New,        "nnnn", "nnnn"),
            (RefundStatus::Approved,   RefundStatus::InProgress, "nnnn", "nnnn"),
            (RefundStatus::Approved,   RefundStatus::Approved,   "xxxx", "xxxx"),
            (RefundStatus::Approved,   RefundStatus::Rejected,   "xxxx", "xxxx"),
            (RefundStatus::Rejected,   RefundStatus::New,        "nnnn", "nnnn"),
            (RefundStatus::Rejected,   RefundStatus::InProgress, "nnnn", "nnnn"),
            (RefundStatus::Rejected,   RefundStatus::Approved,   "xxxx", "xxxx"),
            (RefundStatus::Rejected,   RefundStatus::Rejected,   "xxxx", "xxxx"),
        ];
        /// What the event decides, in the order of [`EVENTS`]: on sale, finished, cancelled, cancelled and finished.
        const BY_EVENT: [(Culprit, [Result<(), RefundRefusal>; 4]); 2] = [
            (Culprit::Org, [Err(RefundRefusal::OnlyUser), Err(RefundRefusal::OnlyUser), Ok(()), Ok(())]),
            (
                Culprit::User,
                [Ok(()), Err(RefundRefusal::Finished), Err(RefundRefusal::OnlyOrg), Err(RefundRefusal::OnlyOrg)],
            ),
        ];
        let mut cases = 0;
        for (from, to, by_vendor, by_organizer) in ANSWERS {
            for (approval, outcomes) in APPROVALS.into_iter().zip([by_vendor, by_organizer]) {
                for (actor, outcome) in ACTORS.into_iter().zip(outcomes.chars()) {
                    for (culprit, by_event) in BY_EVENT {
                        for (event, decided) in EVENTS.into_iter().zip(by_event) {
                            for (system, change) in [
                                (None, RefundChange::GiveBack),
                                (Some(PaymentSystem::Base), RefundChange::GiveBack),
                                (Some(PaymentSystem::Test), RefundChange::SendBack),
                            ] {
                                let request = refund(from, culprit, system);
                                let expected = match outcome {
                                    '>' if actor == RefundActor::Platform => Ok(change),
                                    '>' => decided.map(|()| change),
                                    '-' => Ok(RefundChange::Reject),
                                    '!' => Err(RefundRefusal::Reserved),
                                    'f' => Ok(RefundChange::GiveBack),
                                    'n' => Err(RefundRefusal::NotSettable),
                                    _ if to == RefundStatus::Rejected => Err(RefundRefusal::NotRejectable(request.id)),
                                    _ => Err(RefundRefusal::NotOpen(from)),
                                };
                                assert_eq!(
                                    request.change_status(to, actor, event, approval),
                                    expected,
                                    "{from} to {to} by {actor:?}, culprit {culprit}, {event:?}, {approval:?}, {system:?}"
                                );
                                cases += 1;
                            }
                        }
                    }
                }
            }
        }
        assert_eq!(cases, 4 * 4 * 2 * 4 * 2 * 4 * 3);
    }

    #[test]
    fn nothing_is_sent_back_where_the_customer_gets_nothing() {
        let mut request = refund(RefundStatus::New, Culprit::User, Some(PaymentSystem::Test));
        request.customer_money = money(0);
        let change =
            request.change_status(RefundStatus::Approved, RefundActor::Vendor, EVENTS[0], RefundApproval::Vendor);
        assert_eq!(change, Ok(RefundChange::GiveBack));
    }

    fn share(text: &str) -> Share {
        Share::parse_string(text, rub()).unwrap()
    }

    fn deal(pfc: bool) -> Sale {
        let terms = Terms::new(share("91%"), share("10%"), share("3%"), pfc).unwrap();
        Sale::Deal { deal: DealId::from_bytes([6; 12]), terms }
    }

    fn own() -> Sale {
        Sale::Own { fee: share("10%"), core: share("3%") }
    }

    #[test]
    fn everyone_returns_its_part_by_the_table() {
        #[rustfmt::skip]
        let table = [
            // of a ticket of 1000.00 => customer, organizer, platform, agent
            ("deal",          deal(false), Culprit::Org,  [110_000, 91_000, 3_000, 16_000]),
            ("deal with pfc", deal(true),  Culprit::Org,  [113_000, 91_000, 3_000, 19_000]),
            ("own sale",      own(),       Culprit::Org,  [110_000, 107_000, 3_000, 0]),
            ("deal",          deal(false), Culprit::User, [100_000, 91_000, 3_000, 6_000]),
            ("deal with pfc", deal(true),  Culprit::User, [100_000, 91_000, 0, 9_000]),
            ("own sale",      own(),       Culprit::User, [100_000, 97_000, 3_000, 0]),
        ];
        for (name, sale, culprit, expected) in table {
            let split = sale.split(money(100_000), money(0)).unwrap();
            let Returned { customer, org, core, agent } = Returned::of(&sale, &split, culprit).unwrap();
            assert_eq!([customer, org, core, agent].map(|money| money.minor), expected, "{name}, culprit {culprit}");
        }
    }

    #[test]
    fn an_agent_that_lived_by_its_surcharge_is_paid_what_the_others_return_too_much() {
        let terms = Terms::new(share("100%"), share("10%"), share("3%"), false).unwrap();
        let sale = Sale::Deal { deal: DealId::from_bytes([6; 12]), terms };
        let split = sale.split(money(100_000), money(0)).unwrap();
        let returned = Returned::of(&sale, &split, Culprit::User).unwrap();
        assert_eq!(returned.agent, money(-3_000));
    }

    fn line(ticket: u8, sale: &Sale, price: i64, discount: i64) -> Line {
        Line {
            ticket: TicketId::from_bytes([ticket; 12]),
            set: SetId::from_bytes([1; 12]),
            rule: RuleId::from_bytes([1; 12]),
            promocode: None,
            price: money(price),
            discount: money(discount),
            split: sale.split(money(price), money(discount)).unwrap(),
        }
    }

    #[test]
    fn a_request_sums_up_its_tickets() {
        let sale = deal(true);
        let lines = [line(1, &sale, 100_000, 0), line(2, &sale, 100_000, 20_000)];
        assert_eq!(sums(&sale, &lines, Culprit::User, rub()), Some((money(180_000), money(180_000))));
        assert_eq!(sums(&sale, &lines, Culprit::Org, rub()), Some((money(180_000), money(203_400))));
    }

    #[test]
    fn tickets_are_named_by_what_goes_or_by_what_stays() {
        let sale = own();
        let live = [line(1, &sale, 100, 0), line(2, &sale, 100, 0), line(3, &sale, 100, 0)];
        let id = |ticket: u8| TicketId::from_bytes([ticket; 12]);
        let chosen = |which| {
            let chosen = choose(&live, &which)?;
            Ok(chosen.into_iter().map(|line| line.ticket).collect::<Vec<_>>())
        };
        assert_eq!(chosen(Which::Refund(vec![id(3), id(1)])), Ok(vec![id(1), id(3)]));
        assert_eq!(chosen(Which::Keep(vec![id(2)])), Ok(vec![id(1), id(3)]));
        assert_eq!(chosen(Which::Keep(vec![])), Ok(vec![id(1), id(2), id(3)]));
        assert_eq!(chosen(Which::Refund(vec![])), Err(RefundRefusal::NoTickets));
        assert_eq!(chosen(Which::Keep(vec![id(1), id(2), id(3)])), Err(RefundRefusal::NoTickets));
        assert_eq!(chosen(Which::Refund(vec![id(1), id(9)])), Err(RefundRefusal::BadTickets));
        assert_eq!(chosen(Which::Keep(vec![id(9)])), Err(RefundRefusal::BadTickets));
    }

    #[test]
    fn the_words_of_culprits_and_statuses() {
        check_wire_names(Culprit::ALL, &["org", "user"]);
        check_wire_names(RefundStatus::ALL, &["new", "in_progress", "approved", "rejected"]);
    }
}
