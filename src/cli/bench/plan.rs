//! What the stores hold that are measured. Everything follows from its number, so whoever measures knows every id.

use crate::domain::deal::DealStatus;
use crate::domain::id::ObjectId;
use crate::domain::partner::Roles;

/// How many open deals the agent has whose list is measured, in a store of any size.
pub(super) const AGENT_DEALS: u32 = 50;
/// How many events there are that nobody has a deal for, to propose deals for.
pub(super) const FREE_EVENTS: u32 = 200;
/// The operator of the platform, as a number of a partner.
pub(super) const PLATFORM: u32 = 0;
/// The agent whose list is measured, as a number of a partner.
pub(super) const AGENT: u32 = 1;

/// How much a store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Size {
    /// 100 partners, 100 deals.
    Small,
    /// 100,000 partners, 1,000,000 deals.
    Large,
}

/// A deal by numbers of partners and events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlannedDeal {
    pub event: u32,
    pub org: u32,
    pub agent: u32,
    pub status: DealStatus,
}

impl Size {
    pub fn partners(self) -> u32 {
        match self {
            Self::Small => 100,
            Self::Large => 100_000,
        }
    }

    pub fn deals(self) -> u32 {
        match self {
            Self::Small => 100,
            Self::Large => 1_000_000,
        }
    }

    /// Events with deals: ten deals each, but the agent's are for as many events.
    pub fn dealt_events(self) -> u32 {
        (self.deals() / 10).max(AGENT_DEALS)
    }

    pub fn events(self) -> u32 {
        self.dealt_events() + FREE_EVENTS
    }

    /// Partners after the platform are agents and organizers in turn.
    pub fn roles(self, partner: u32) -> Roles {
        let roles = Roles::default();
        match partner {
            PLATFORM => Roles { core: true, ..roles },
            partner if partner % 2 == 1 => Roles { agent: true, ..roles },
            _ => Roles { org: true, ..roles },
        }
    }

    pub fn organizer_of(self, event: u32) -> u32 {
        let organizers = self.partners() / 2 - 1;
        2 + 2 * scattered(event, organizers)
    }

    /// The agent's deals are spread over the whole store, as those of a partner that trades for years are.
    pub fn deal(self, number: u32) -> PlannedDeal {
        let apart = self.deals() / AGENT_DEALS;
        let (event, agent, status) = if number.is_multiple_of(apart) {
            let status = if number.is_multiple_of(2 * apart) { DealStatus::Accepted } else { DealStatus::New };
            (number / apart, AGENT, status)
        } else {
            let (round, event) = (number / self.dealt_events(), number % self.dealt_events());
            let others = self.partners() / 2 - 1;
            let status = match (round + event) % 10 {
                0..6 => DealStatus::Accepted,
                6..8 => DealStatus::New,
                8 => DealStatus::Rejected,
                _ => DealStatus::Closed,
            };
            (event, 3 + 2 * ((event + 7 * round) % others), status)
        };
        PlannedDeal { event, org: self.organizer_of(event), agent, status }
    }
}

/// The kinds of things with an id of their own.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Partner = 1,
    User,
    Event,
    Deal,
}

/// The id of a thing, in the order of its number; events are spread over the buckets.
pub(super) fn id<T: From<ObjectId>>(kind: Kind, number: u32) -> T {
    const FIRST_SECOND: u32 = 1_400_000_000;
    let [_, counter @ ..] = number.to_be_bytes();
    let bucket = match kind {
        Kind::Event => scattered(number, 1 << 16) as u16,
        Kind::Partner | Kind::User | Kind::Deal => 0,
    };
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&(FIRST_SECOND + number / 1_000).to_be_bytes());
    bytes[4..6].copy_from_slice(&bucket.to_be_bytes());
    bytes[6] = kind as u8;
    bytes[9..].copy_from_slice(&counter);
    ObjectId::from_bytes(bytes).into()
}

/// Numbers in a row, far from each other below a bound.
pub(super) fn scattered(number: u32, bound: u32) -> u32 {
    const PRIME: u64 = 2_654_435_761;
    ((u64::from(number) * PRIME) % u64::from(bound)) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::id::DealId;

    const SIZES: [Size; 2] = [Size::Small, Size::Large];

    #[test]
    fn the_agent_has_as_many_open_deals_in_either_store() {
        for size in SIZES {
            let of_agent = (0..size.deals()).map(|number| size.deal(number)).filter(|deal| deal.agent == AGENT);
            let open = of_agent.filter(|deal| matches!(deal.status, DealStatus::New | DealStatus::Accepted));
            assert_eq!(open.count(), AGENT_DEALS as usize, "{size:?}");
        }
    }

    #[test]
    fn no_agent_has_two_deals_for_one_event() {
        for size in SIZES {
            let deals = (0..size.deals()).map(|number| size.deal(number));
            let pairs: HashSet<(u32, u32)> = deals.map(|deal| (deal.event, deal.agent)).collect();
            assert_eq!(pairs.len(), size.deals() as usize, "{size:?}");
        }
    }

    #[test]
    fn both_sides_of_every_deal_exist_and_have_their_roles() {
        for size in SIZES {
            for deal in (0..size.deals()).map(|number| size.deal(number)) {
                assert!(deal.agent < size.partners() && size.roles(deal.agent).agent, "{deal:?}");
                assert!(deal.org < size.partners() && size.roles(deal.org).org, "{deal:?}");
                assert!(deal.event < size.dealt_events(), "{deal:?}");
            }
        }
    }

    #[test]
    fn ids_follow_their_numbers() {
        let ids: Vec<DealId> = (0..Size::Large.deals()).step_by(999).map(|number| id(Kind::Deal, number)).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
    }
}
