//! Deals: contracts about one event between its organizer and an agent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{DealId, EventId, PartnerId};
use crate::invalid::Invalid;
use crate::partner::{Roles, Settings};
use crate::share::{Percent, Share};
use crate::terms::Terms;
use crate::text;
use crate::wire::wire_names;

/// A contract about one event between its organizer and an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deal {
    /// Its id.
    pub id: DealId,
    /// The event that it is about.
    pub event: EventId,
    /// The event's organizer: one of `obj` and `subj`.
    pub org: PartnerId,
    /// The agent: the other of `obj` and `subj`.
    pub agent: PartnerId,
    /// The partner that the request was made by; if `reversed`, the event's organizer.
    pub obj: PartnerId,
    /// The partner that was named in the request.
    pub subj: PartnerId,
    /// Whether `subj` proposed it to `obj`, not `obj` to `subj`.
    pub reversed: bool,
    /// Where it stands, as stored; [`Deal::at`] says where it stands at a time.
    pub status: DealStatus,
    /// How each ticket's money is split.
    pub term: Terms,
    /// A short message with it; at most [`text::SHORT_MAX`] characters.
    pub message: Option<String>,
    /// What it is called.
    pub title: Option<DealTitle>,
    /// When the event ends: from then on the deal is no longer open or in force.
    pub event_ends_at: Timestamp,
    /// When it was created; none for one that came from a system that didn't know.
    pub created_at: Option<Timestamp>,
    /// When it was last changed; none for one that came from a system that didn't know.
    pub updated_at: Option<Timestamp>,
}

/// What a deal is called.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DealTitle {
    /// One line; at most [`text::SHORT_MAX`] characters.
    pub text: Option<String>,
    /// More about it; at most [`text::LONG_MAX`] characters.
    pub desc: Option<String>,
}

impl DealTitle {
    /// The title, if its texts are not too long.
    ///
    /// # Errors
    /// The name of the wrong text (`text`, `desc`), and why it is wrong.
    pub fn checked(self) -> Result<Self, (&'static str, Invalid)> {
        if let Some(text) = &self.text {
            text::check_short(text).map_err(|invalid| ("text", invalid))?;
        }
        if let Some(desc) = &self.desc {
            text::check_long(desc).map_err(|invalid| ("desc", invalid))?;
        }
        Ok(self)
    }
}

/// Where a deal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DealStatus {
    /// Proposed, waiting for the other side.
    New,
    /// In force: the agent may sell.
    Accepted,
    /// Refused by the side that didn't propose it.
    Rejected,
    /// Withdrawn before it was accepted.
    Canceled,
    /// No longer in force.
    Closed,
}

wire_names!(DealStatus {
    New = "new",
    Accepted = "accepted",
    Rejected = "rejected",
    Canceled = "canceled" | "cancelled",
    Closed = "closed",
});

/// One of the two partners of a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that the request was made by.
    Obj,
    /// The one that was named in it.
    Subj,
}

/// Who changes a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// One of its partners.
    Side(Side),
    /// The platform's operator, who may do what either side may.
    Platform,
    /// Nobody: it follows from something else, such as the cancelling of the event.
    System,
}

/// What a change comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change<T = DealStatus> {
    /// It is so already.
    Unchanged,
    /// It becomes this.
    To(T),
}

/// Why a deal can't be changed like that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DealRefusal {
    /// Possible, but not for this actor.
    #[error("only the other side of the deal may do this")]
    WrongSide,
    /// No one may make this move.
    #[error("a deal that is {from} can't become {to}")]
    NotAllowed {
        /// The status it has.
        from: DealStatus,
        /// The status that was asked for.
        to: DealStatus,
    },
    /// Only a proposal that waits for its answer can be handed over.
    #[error("only a new deal can be handed over to the other side, and this one is {status}")]
    NotOpen {
        /// The status it has.
        status: DealStatus,
    },
}

impl Deal {
    /// The side that proposed it.
    pub const fn proposer(&self) -> Side {
        if self.reversed { Side::Subj } else { Side::Obj }
    }

    /// The side that a partner is on.
    pub fn side_of(&self, partner: PartnerId) -> Option<Side> {
        if partner == self.obj {
            Some(Side::Obj)
        } else if partner == self.subj {
            Some(Side::Subj)
        } else {
            None
        }
    }

    /// What the deal is at a time, whether or not a job has come by: once its event has ended, a
    /// proposal is canceled and an accepted deal is closed, both since that end.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let status = match self.status {
            DealStatus::New => DealStatus::Canceled,
            DealStatus::Accepted => DealStatus::Closed,
            DealStatus::Rejected | DealStatus::Canceled | DealStatus::Closed => return self,
        };
        if now < self.event_ends_at {
            return self;
        }
        Self { status, updated_at: Some(self.event_ends_at), ..self }
    }

    /// Whether the deal lets a partner see more of the other side and of the event: it is or was
    /// accepted, or the other side proposed it. A proposal alone opens nothing of the one it is
    /// sent to.
    pub fn opens_to(&self, partner: PartnerId) -> bool {
        match self.status {
            DealStatus::Accepted | DealStatus::Closed => self.side_of(partner).is_some(),
            DealStatus::New | DealStatus::Rejected | DealStatus::Canceled => {
                self.side_of(partner).is_some_and(|side| side != self.proposer())
            }
        }
    }

    /// What it comes to when `actor` sets the status. Ask it of what the deal is [at](Self::at)
    /// the time.
    ///
    /// # Errors
    /// Why the actor can't.
    pub fn change_status(&self, to: DealStatus, actor: Actor) -> Result<Change, DealRefusal> {
        use DealStatus::{Accepted, Canceled, Closed, New, Rejected};
        let from = self.status;
        if from == to {
            return Ok(Change::Unchanged);
        }
        let allowed = match (from, to) {
            (New, Accepted | Rejected) => match actor {
                Actor::Side(side) => side != self.proposer(),
                Actor::Platform => true,
                Actor::System => false,
            },
            (New, Canceled) => match actor {
                Actor::Side(side) => side == self.proposer(),
                Actor::Platform | Actor::System => true,
            },
            (Accepted, Closed) => true,
            _ => return Err(DealRefusal::NotAllowed { from, to }),
        };
        if allowed { Ok(Change::To(to)) } else { Err(DealRefusal::WrongSide) }
    }

    /// What it comes to when `actor` sets `reversed`: an open proposal is handed over, so that
    /// the side that has to answer becomes the one that proposes. Ask it of what the deal is
    /// [at](Self::at) the time.
    ///
    /// # Errors
    /// Why the actor can't.
    pub fn hand_over(&self, reversed: bool, actor: Actor) -> Result<Change<bool>, DealRefusal> {
        if reversed == self.reversed {
            return Ok(Change::Unchanged);
        }
        if self.status != DealStatus::New {
            return Err(DealRefusal::NotOpen { status: self.status });
        }
        match actor {
            Actor::Side(side) if side != self.proposer() => Ok(Change::To(reversed)),
            Actor::Platform => Ok(Change::To(reversed)),
            Actor::Side(_) | Actor::System => Err(DealRefusal::WrongSide),
        }
    }
}

/// The partners of a new deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parties {
    /// The partner that the request is made by; if `reversed`, the event's organizer.
    pub obj: PartnerId,
    /// The partner that is named in the request.
    pub subj: PartnerId,
    /// The event's organizer.
    pub org: PartnerId,
    /// The other one.
    pub agent: PartnerId,
    /// Whether `subj` proposes to `obj`.
    pub reversed: bool,
}

/// Who is who in a deal about an event of `event_org` that `caller` proposes, naming `subj`.
///
/// A partner that names itself makes a reversed deal with the event's organizer.
///
/// # Errors
/// What is wrong with `subj`: `out_of_range` unless exactly one of the two is the organizer.
pub fn parties(event_org: PartnerId, caller: PartnerId, subj: PartnerId) -> Result<Parties, Invalid> {
    let reversed = subj == caller;
    let obj = if reversed { event_org } else { caller };
    let agent = match (obj == event_org, subj == event_org) {
        (true, false) => subj,
        (false, true) => obj,
        (true, true) => {
            return Err(Invalid::out_of_range("must be an agent: an organizer sells its own event without a deal"));
        }
        (false, false) => {
            return Err(Invalid::out_of_range("must be the event's organizer, or yourself"));
        }
    };
    Ok(Parties { obj, subj, org: event_org, agent, reversed })
}

impl Parties {
    /// Checks that the agent, who has `roles`, may sell tickets of others.
    ///
    /// # Errors
    /// What is wrong with `subj`: `out_of_range`.
    pub fn check_agent(&self, roles: Roles) -> Result<(), Invalid> {
        if roles.agent {
            Ok(())
        } else {
            Err(Invalid::out_of_range(format!(
                "must make a deal with an agent, and the partner {} doesn't have the role agent",
                self.agent
            )))
        }
    }
}

/// Whether a proposal is accepted at once.
///
/// `settings` are those of the side that it is proposed to, `other_side_is_org` says whether that
/// is the organizer, who accepts only an `org` of at least `accept_org_min`. An amount can't be
/// compared with a percentage before there is a price, so it is at least 0% only.
/// `accepted_exists`: whether this event and agent have an accepted deal already.
pub fn accepts_automatically(
    settings: &Settings,
    other_side_is_org: bool,
    terms: &Terms,
    accepted_exists: bool,
) -> bool {
    let enough = match terms.org {
        Share::Percent(org) => org >= settings.accept_org_min,
        Share::Amount(_) => settings.accept_org_min == Percent::ZERO,
    };
    settings.auto_accept_deals && !accepted_exists && (!other_side_is_org || enough)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::parse_time;
    use crate::wire::check_wire_names;

    const ORGANIZER: PartnerId = PartnerId::from_bytes([1; 12]);
    const AGENT: PartnerId = PartnerId::from_bytes([2; 12]);
    const STRANGER: PartnerId = PartnerId::from_bytes([3; 12]);

    const ACTORS: [(&str, Actor); 4] = [
        ("obj", Actor::Side(Side::Obj)),
        ("subj", Actor::Side(Side::Subj)),
        ("platform", Actor::Platform),
        ("system", Actor::System),
    ];

    fn time(text: &str) -> Timestamp {
        parse_time(text).unwrap()
    }

    fn terms(org: &str) -> Terms {
        let org = Share::parse_string(org, "RUB".parse().unwrap()).unwrap();
        Terms::new(org, Share::ZERO, Share::ZERO, false).unwrap()
    }

    fn deal(status: DealStatus, reversed: bool) -> Deal {
        Deal {
            id: DealId::from_bytes([4; 12]),
            event: EventId::from_bytes([5; 12]),
            org: ORGANIZER,
            agent: AGENT,
            obj: ORGANIZER,
            subj: AGENT,
            reversed,
            status,
            term: terms("91%"),
            message: None,
            title: None,
            event_ends_at: time("2026-01-24T17:30:00Z"),
            created_at: None,
            updated_at: None,
        }
    }

    #[test]
    fn a_status_is_set_by_whom_the_table_says() {
        /// For one status and actor what comes of setting each status, in the order new, accepted,
        /// rejected, canceled, closed: `=` it is so already, `>` done, `!` by the wrong side,
        /// `x` not a change that there is.
        #[rustfmt::skip]
        const TABLE: [(&str, &str, &str, &str); 20] = [
            // status, actor, proposed by obj, proposed by subj (reversed)
            ("new",      "obj",      "=!!>x", "=>>!x"),
            ("new",      "subj",     "=>>!x", "=!!>x"),
            ("new",      "platform", "=>>>x", "=>>>x"),
            ("new",      "system",   "=!!>x", "=!!>x"),
            ("accepted", "obj",      "x=xx>", "x=xx>"),
            ("accepted", "subj",     "x=xx>", "x=xx>"),
            ("accepted", "platform", "x=xx>", "x=xx>"),
            ("accepted", "system",   "x=xx>", "x=xx>"),
            ("rejected", "obj",      "xx=xx", "xx=xx"),
            ("rejected", "subj",     "xx=xx", "xx=xx"),
            ("rejected", "platform", "xx=xx", "xx=xx"),
            ("rejected", "system",   "xx=xx", "xx=xx"),
            ("canceled", "obj",      "xxx=x", "xxx=x"),
            ("canceled", "subj",     "xxx=x", "xxx=x"),
            ("canceled", "platform", "xxx=x", "xxx=x"),
            ("canceled", "system",   "xxx=x", "xxx=x"),
            ("closed",   "obj",      "xxxx=", "xxxx="),
            ("closed",   "subj",     "xxxx=", "xxxx="),
            ("closed",   "platform", "xxxx=", "xxxx="),
            ("closed",   "system",   "xxxx=", "xxxx="),
        ];
        let mut rows = TABLE.iter();
        for from in DealStatus::ALL.iter().copied() {
            for (name, actor) in ACTORS {
                let (status, who, by_obj, by_subj) = rows.next().unwrap();
                assert_eq!((*status, *who), (from.as_str(), name));
                for (reversed, outcomes) in [(false, by_obj), (true, by_subj)] {
                    for (to, outcome) in DealStatus::ALL.iter().copied().zip(outcomes.chars()) {
                        let expected = match outcome {
                            '=' => Ok(Change::Unchanged),
                            '>' => Ok(Change::To(to)),
                            '!' => Err(DealRefusal::WrongSide),
                            _ => Err(DealRefusal::NotAllowed { from, to }),
                        };
                        assert_eq!(
                            deal(from, reversed).change_status(to, actor),
                            expected,
                            "{from} to {to} by {name}, reversed {reversed}"
                        );
                    }
                }
            }
        }
        assert!(rows.next().is_none());
    }

    #[test]
    fn an_open_proposal_is_handed_over_by_the_side_that_has_to_answer() {
        /// For one status and actor what comes of setting `reversed` to false and to true:
        /// `=` it is so already, `>` done, `!` by the wrong side, `o` not an open proposal.
        #[rustfmt::skip]
        const TABLE: [(&str, &str, &str, &str); 20] = [
            // status, actor, not reversed, reversed
            ("new",      "obj",      "=!", ">="),
            ("new",      "subj",     "=>", "!="),
            ("new",      "platform", "=>", ">="),
            ("new",      "system",   "=!", "!="),
            ("accepted", "obj",      "=o", "o="),
            ("accepted", "subj",     "=o", "o="),
            ("accepted", "platform", "=o", "o="),
            ("accepted", "system",   "=o", "o="),
            ("rejected", "obj",      "=o", "o="),
            ("rejected", "subj",     "=o", "o="),
            ("rejected", "platform", "=o", "o="),
            ("rejected", "system",   "=o", "o="),
            ("canceled", "obj",      "=o", "o="),
            ("canceled", "subj",     "=o", "o="),
            ("canceled", "platform", "=o", "o="),
            ("canceled", "system",   "=o", "o="),
            ("closed",   "obj",      "=o", "o="),
            ("closed",   "subj",     "=o", "o="),
            ("closed",   "platform", "=o", "o="),
            ("closed",   "system",   "=o", "o="),
        ];
        let mut rows = TABLE.iter();
        for status in DealStatus::ALL.iter().copied() {
            for (name, actor) in ACTORS {
                let (from, who, straight, reversed) = rows.next().unwrap();
                assert_eq!((*from, *who), (status.as_str(), name));
                for (was, outcomes) in [(false, straight), (true, reversed)] {
                    for (to, outcome) in [false, true].into_iter().zip(outcomes.chars()) {
                        let expected = match outcome {
                            '=' => Ok(Change::Unchanged),
                            '>' => Ok(Change::To(to)),
                            '!' => Err(DealRefusal::WrongSide),
                            _ => Err(DealRefusal::NotOpen { status }),
                        };
                        assert_eq!(
                            deal(status, was).hand_over(to, actor),
                            expected,
                            "{status}, reversed {was} to {to} by {name}"
                        );
                    }
                }
            }
        }
        assert!(rows.next().is_none());
    }

    #[test]
    fn handing_over_changes_the_proposer_and_nothing_else_says_who_it_is() {
        assert_eq!(deal(DealStatus::New, false).proposer(), Side::Obj);
        assert_eq!(deal(DealStatus::New, true).proposer(), Side::Subj);
    }

    #[test]
    fn a_refusal_names_both_statuses() {
        let refusal = deal(DealStatus::Closed, false).change_status(DealStatus::Accepted, Actor::Platform).unwrap_err();
        assert_eq!(refusal.to_string(), "a deal that is closed can't become accepted");
    }

    #[test]
    fn the_words_of_the_statuses() {
        check_wire_names(DealStatus::ALL, &["new", "accepted", "rejected", "canceled", "closed"]);
        assert_eq!("cancelled".parse(), Ok(DealStatus::Canceled));
        assert_eq!(
            "open".parse::<DealStatus>().unwrap_err().message,
            "must be one of new, accepted, rejected, canceled, closed"
        );
    }

    #[test]
    fn partners_of_a_deal_are_on_its_sides() {
        let deal = deal(DealStatus::New, false);
        assert_eq!(deal.side_of(ORGANIZER), Some(Side::Obj));
        assert_eq!(deal.side_of(AGENT), Some(Side::Subj));
        assert_eq!(deal.side_of(STRANGER), None);
    }

    #[test]
    fn with_its_event_a_deal_ends() {
        use DealStatus::{Accepted, Canceled, Closed, New, Rejected};
        let end = time("2026-01-24T17:30:00Z");
        let before = time("2026-01-24T17:29:59.999999Z");
        let after = time("2027-01-01T00:00:00Z");
        for (stored, then) in
            [(New, Canceled), (Accepted, Closed), (Rejected, Rejected), (Canceled, Canceled), (Closed, Closed)]
        {
            let deal = deal(stored, false);
            assert_eq!(deal.clone().at(before), deal);
            for now in [end, after] {
                let read = deal.clone().at(now);
                assert_eq!(read.status, then, "{stored} at {now}");
                assert_eq!(read.updated_at, (stored != then).then_some(end));
            }
        }
        let ended = deal(New, false).at(end);
        assert_eq!(
            ended.change_status(Accepted, Actor::Side(Side::Subj)),
            Err(DealRefusal::NotAllowed { from: Canceled, to: Accepted })
        );
    }

    #[test]
    fn a_deal_opens_a_partner_to_the_other_side_but_a_proposal_not_the_one_it_is_sent_to() {
        use DealStatus::{Accepted, Canceled, Closed, New, Rejected};
        for (status, reversed, to_obj, to_subj) in [
            (New, false, false, true),
            (New, true, true, false),
            (Accepted, false, true, true),
            (Accepted, true, true, true),
            (Rejected, false, false, true),
            (Rejected, true, true, false),
            (Canceled, false, false, true),
            (Canceled, true, true, false),
            (Closed, false, true, true),
            (Closed, true, true, true),
        ] {
            let deal = deal(status, reversed);
            assert_eq!(deal.opens_to(ORGANIZER), to_obj, "{status} {reversed}");
            assert_eq!(deal.opens_to(AGENT), to_subj, "{status} {reversed}");
            assert!(!deal.opens_to(STRANGER));
        }
    }

    #[test]
    fn exactly_one_of_the_two_is_the_organizer() {
        assert_eq!(
            parties(ORGANIZER, ORGANIZER, AGENT),
            Ok(Parties { obj: ORGANIZER, subj: AGENT, org: ORGANIZER, agent: AGENT, reversed: false })
        );
        assert_eq!(
            parties(ORGANIZER, AGENT, ORGANIZER),
            Ok(Parties { obj: AGENT, subj: ORGANIZER, org: ORGANIZER, agent: AGENT, reversed: false })
        );
        assert_eq!(
            parties(ORGANIZER, AGENT, AGENT),
            Ok(Parties { obj: ORGANIZER, subj: AGENT, org: ORGANIZER, agent: AGENT, reversed: true })
        );
        for (caller, subj) in [(ORGANIZER, ORGANIZER), (AGENT, STRANGER)] {
            assert_eq!(parties(ORGANIZER, caller, subj).unwrap_err().code, "out_of_range");
        }
    }

    #[test]
    fn the_agent_must_hold_the_role_agent() {
        let parties = parties(ORGANIZER, ORGANIZER, AGENT).unwrap();
        let agent = Roles { agent: true, ..Roles::default() };
        let others = Roles { org: true, core: true, agent: false };
        assert_eq!(parties.check_agent(agent), Ok(()));
        assert_eq!(parties.check_agent(others).unwrap_err().code, "out_of_range");
    }

    #[test]
    fn a_proposal_is_accepted_automatically_if_the_other_side_wants_that() {
        let settings = |auto_accept_deals, accept_org_min: &str| Settings {
            auto_accept_deals,
            accept_org_min: Percent::parse(accept_org_min).unwrap(),
            ..Settings::default()
        };
        for (auto, min, to_organizer, org, accepted_exists, accepted) in [
            (true, "91", true, "91%", false, true),
            (true, "91", true, "95%", false, true),
            (true, "91", true, "90.9999%", false, false),
            (true, "100", true, "99%", false, false),
            // An agent gains by a lower org: only the organizer's setting counts.
            (true, "100", false, "0%", false, true),
            (true, "91", true, "91%", true, false),
            (true, "100", false, "0%", true, false),
            (false, "0", true, "91%", false, false),
            (false, "0", false, "91%", false, false),
            // An amount is at least 0% of any price, and not known to be more.
            (true, "0", true, "150.00", false, true),
            (true, "0.0001", true, "150.00", false, false),
            (true, "100", false, "150.00", false, true),
        ] {
            assert_eq!(
                accepts_automatically(&settings(auto, min), to_organizer, &terms(org), accepted_exists),
                accepted,
                "auto {auto} min {min} to organizer {to_organizer} org {org} exists {accepted_exists}"
            );
        }
        assert!(!accepts_automatically(&Settings::default(), true, &terms("100%"), false));
    }

    #[test]
    fn the_texts_of_a_title_are_limited() {
        let title = |text: &str, desc: &str| DealTitle { text: Some(text.to_owned()), desc: Some(desc.to_owned()) };
        assert!(title("", &"d".repeat(100_000)).checked().is_ok());
        let (field, _) = title(&"t".repeat(1_001), "").checked().unwrap_err();
        assert_eq!(field, "text");
        let (field, _) = title("", &"d".repeat(100_001)).checked().unwrap_err();
        assert_eq!(field, "desc");
    }

    fn any_status() -> impl Strategy<Value = DealStatus> {
        prop::sample::select(DealStatus::ALL)
    }

    proptest! {
        #[test]
        fn what_is_no_longer_open_or_in_force_never_is_again(
            moves in prop::collection::vec((any_status(), 0..4_usize), 0..20),
            reversed: bool,
        ) {
            let mut deal = deal(DealStatus::New, reversed);
            for (to, actor) in moves {
                let before = deal.status;
                if let Ok(Change::To(status)) = deal.change_status(to, ACTORS[actor].1) {
                    deal.status = status;
                }
                let ended = !matches!(before, DealStatus::New | DealStatus::Accepted);
                prop_assert!(!ended || deal.status == before);
                prop_assert!(before == DealStatus::New || deal.status != DealStatus::New);
            }
        }
    }
}
