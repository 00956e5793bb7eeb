//! Who may see and manage what.

use crate::deal::{Actor, Deal};
use crate::event::{Event, EventStatus};
use crate::id::{PartnerId, UserId};
use crate::member::{MemberRole, Right};
use crate::order::OrderActor;
use crate::partner::Roles;
use crate::refund::RefundActor;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The user who signed in; none for an API key, and for who didn't sign in.
    pub user: Option<UserId>,
    /// The partner in whose name; none for a user without partners.
    pub partner: Option<Acting>,
}

/// The partner in whose name a caller acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acting {
    /// The partner.
    pub id: PartnerId,
    /// What the partner may do.
    pub roles: Roles,
    /// What the caller may do in the partner's name; an API key acts as a manager.
    pub role: MemberRole,
}

/// How much of something a caller may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// Not that it exists.
    Hidden,
    /// What every partner may see.
    Public,
    /// All of it.
    Full,
}

impl Caller {
    /// Whether the caller acts for the platform's operator, with whatever rights.
    pub fn is_platform(&self) -> bool {
        self.partner.is_some_and(|partner| partner.roles.core)
    }

    /// Whether the caller has the right, in the partner's name.
    pub fn may(&self, right: Right) -> bool {
        self.partner.is_some_and(|partner| partner.role.may(right))
    }

    /// Whether the caller acts for this partner, with whatever rights.
    pub fn acts_for(&self, partner: PartnerId) -> bool {
        self.partner.is_some_and(|acting| acting.id == partner)
    }
}

/// How much of a partner the caller may see. `Full` has its director, legal data and user too.
///
/// `has_deal`: whether the two have a deal that opens the partner to the caller
/// ([`Deal::opens_to`]).
pub fn partner_sight(caller: &Caller, partner: PartnerId, has_deal: bool) -> Sight {
    let near = caller.acts_for(partner) || caller.is_platform() || has_deal;
    if near && caller.may(Right::Manage) {
        Sight::Full
    } else if caller.may(Right::Read) {
        Sight::Public
    } else {
        Sight::Hidden
    }
}

/// How much of an event, its sets and prices the caller may see.
///
/// `deal_opens`: whether the caller's partner has a deal about it that opens the organizer to it
/// ([`Deal::opens_to`]). A draft is not seen by them; a removed event is, and by nobody else but organizer and platform.
/// `sold`: whether it is the vendor of an order of the event, who sees it whatever becomes of event and deal.
pub fn event_sight(caller: &Caller, event: &Event, deal_opens: bool, sold: bool) -> Sight {
    let own = caller.acts_for(event.org) || caller.is_platform();
    let opened = deal_opens && event.status != EventStatus::Draft;
    if !caller.may(Right::Read) {
        Sight::Hidden
    } else if own || opened || sold {
        Sight::Full
    } else if event.status == EventStatus::Public && !event.removed {
        Sight::Public
    } else {
        Sight::Hidden
    }
}

/// How much of a deal the caller may see: all of it for the managers of its sides and of the platform. Cashiers see
/// orders, not what the partners agreed.
pub fn deal_sight(caller: &Caller, deal: &Deal) -> Sight {
    let own = caller.acts_for(deal.obj) || caller.acts_for(deal.subj) || caller.is_platform();
    if own && caller.may(Right::Manage) { Sight::Full } else { Sight::Hidden }
}

/// As whom the caller may change a deal, if at all.
pub fn deal_actor(caller: &Caller, deal: &Deal) -> Option<Actor> {
    let acting = caller.partner?;
    if !acting.role.may(Right::Manage) {
        None
    } else if acting.roles.core {
        Some(Actor::Platform)
    } else {
        deal.side_of(acting.id).map(Actor::Side)
    }
}

/// As whom the caller may deal with the refunds of an order, if at all. An organizer that sold the order itself is its
/// organizer.
pub fn refund_actor(caller: &Caller, vendor: PartnerId, org: PartnerId) -> Option<RefundActor> {
    if !caller.may(Right::Sell) {
        None
    } else if caller.is_platform() {
        Some(RefundActor::Platform)
    } else if caller.acts_for(org) {
        Some(RefundActor::Organizer)
    } else {
        caller.acts_for(vendor).then_some(RefundActor::Vendor)
    }
}

/// As whom the caller may deal with an order, if at all; whoever may, may also read it. The platform does what its vendor
/// may.
pub fn order_actor(caller: &Caller, vendor: PartnerId, org: PartnerId) -> Option<OrderActor> {
    if !caller.may(Right::Sell) {
        None
    } else if caller.acts_for(vendor) || caller.is_platform() {
        Some(OrderActor::Vendor)
    } else {
        caller.acts_for(org).then_some(OrderActor::Organizer)
    }
}

/// Whether the caller may read and change a partner's members, API keys and settings: the
/// partner's owners, and for any partner but its own also the platform's managers.
pub fn administers(caller: &Caller, partner: PartnerId) -> bool {
    if caller.acts_for(partner) {
        caller.may(Right::Administer)
    } else {
        caller.is_platform() && caller.may(Right::Manage)
    }
}

/// Whether the caller may change a partner and what is the partner's: its managers and the
/// platform's.
pub fn manages(caller: &Caller, partner: PartnerId) -> bool {
    (caller.acts_for(partner) || caller.is_platform()) && caller.may(Right::Manage)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::deal::{DealStatus, Side};
    use crate::event::{AgeRating, Title};
    use crate::id::{DealId, EventId};
    use crate::period::Period;
    use crate::share::Share;
    use crate::terms::Terms;

    const PLATFORM: PartnerId = PartnerId::from_bytes([1; 12]);
    const ORGANIZER: PartnerId = PartnerId::from_bytes([2; 12]);
    const AGENT: PartnerId = PartnerId::from_bytes([3; 12]);

    const ANYONE: Caller = Caller { user: None, partner: None };

    /// Everyone with a place in these three partners, and an API key being as good as its manager.
    fn caller(id: PartnerId, role: MemberRole) -> Caller {
        let roles = Roles { core: id == PLATFORM, org: id == ORGANIZER, agent: id == AGENT };
        Caller { user: Some(UserId::from_bytes([9; 12])), partner: Some(Acting { id, roles, role }) }
    }

    fn without_partners() -> Caller {
        Caller { user: Some(UserId::from_bytes([8; 12])), partner: None }
    }

    fn event(status: EventStatus, removed: bool) -> Event {
        let second = |second| Timestamp::from_second(second).unwrap();
        Event {
            id: EventId::from_bytes([5; 12]),
            org: ORGANIZER,
            title: Title::new("Concert", None).unwrap(),
            lifetime: Period::new(second(1), second(2)).unwrap(),
            status,
            age_rating: AgeRating::default(),
            currency: "RUB".parse().unwrap(),
            timezone: "Europe/Moscow".parse().unwrap(),
            tags: Vec::new(),
            venue: None,
            map: None,
            cover: None,
            removed,
            created_at: None,
            updated_at: None,
        }
    }

    fn deal(obj: PartnerId, subj: PartnerId) -> Deal {
        Deal {
            id: DealId::from_bytes([4; 12]),
            event: EventId::from_bytes([5; 12]),
            org: obj,
            agent: subj,
            obj,
            subj,
            reversed: false,
            status: DealStatus::New,
            term: Terms::new(Share::ZERO, Share::ZERO, Share::ZERO, false).unwrap(),
            message: None,
            title: None,
            event_ends_at: Timestamp::from_second(2).unwrap(),
            created_at: None,
            updated_at: None,
        }
    }

    #[test]
    fn the_platform_is_who_acts_for_a_partner_with_the_role_core() {
        for role in MemberRole::ALL.iter().copied() {
            assert!(caller(PLATFORM, role).is_platform());
            assert!(!caller(ORGANIZER, role).is_platform());
        }
        assert!(!ANYONE.is_platform());
        assert!(!without_partners().is_platform());
    }

    #[test]
    fn a_user_without_partners_has_no_rights_of_a_partner() {
        for right in [Right::Read, Right::Sell, Right::Manage, Right::Administer] {
            assert!(!without_partners().may(right));
            assert!(!ANYONE.may(right));
        }
    }

    #[test]
    fn a_partner_is_seen_whole_by_itself_the_platform_and_the_other_side_of_a_deal() {
        use MemberRole::{Cashier, Gate, Manager, Owner};
        for (id, role, without_deal, with_deal) in [
            (ORGANIZER, Owner, Sight::Full, Sight::Full),
            (ORGANIZER, Manager, Sight::Full, Sight::Full),
            (ORGANIZER, Cashier, Sight::Public, Sight::Public),
            (ORGANIZER, Gate, Sight::Public, Sight::Public),
            (PLATFORM, Owner, Sight::Full, Sight::Full),
            (PLATFORM, Manager, Sight::Full, Sight::Full),
            (PLATFORM, Cashier, Sight::Public, Sight::Public),
            (PLATFORM, Gate, Sight::Public, Sight::Public),
            (AGENT, Owner, Sight::Public, Sight::Full),
            (AGENT, Manager, Sight::Public, Sight::Full),
            (AGENT, Cashier, Sight::Public, Sight::Public),
            (AGENT, Gate, Sight::Public, Sight::Public),
        ] {
            let caller = caller(id, role);
            assert_eq!(partner_sight(&caller, ORGANIZER, false), without_deal, "{caller:?}");
            assert_eq!(partner_sight(&caller, ORGANIZER, true), with_deal, "{caller:?}");
        }
        for caller in [ANYONE, without_partners()] {
            assert_eq!(partner_sight(&caller, ORGANIZER, true), Sight::Hidden);
        }
    }

    #[test]
    fn an_event_is_seen_as_its_status_and_the_deals_about_it_allow() {
        use EventStatus::{Cancelled, Draft, Public, StandBy};
        for (status, removed, agent, with_deal) in [
            (Draft, false, Sight::Hidden, Sight::Hidden),
            (StandBy, false, Sight::Hidden, Sight::Full),
            (Public, false, Sight::Public, Sight::Full),
            (Cancelled, false, Sight::Hidden, Sight::Full),
            (Draft, true, Sight::Hidden, Sight::Hidden),
            (StandBy, true, Sight::Hidden, Sight::Full),
            (Public, true, Sight::Hidden, Sight::Full),
            (Cancelled, true, Sight::Hidden, Sight::Full),
        ] {
            let event = event(status, removed);
            for role in MemberRole::ALL.iter().copied() {
                for own in [ORGANIZER, PLATFORM] {
                    assert_eq!(event_sight(&caller(own, role), &event, false, false), Sight::Full);
                }
                let caller = caller(AGENT, role);
                assert_eq!(event_sight(&caller, &event, false, false), agent, "{status} {removed}");
                assert_eq!(event_sight(&caller, &event, true, false), with_deal, "{status} {removed}");
                assert_eq!(event_sight(&caller, &event, false, true), Sight::Full, "{status} {removed}");
            }
            for caller in [ANYONE, without_partners()] {
                assert_eq!(event_sight(&caller, &event, true, true), Sight::Hidden);
            }
        }
    }

    #[test]
    fn a_deal_is_seen_by_its_sides_and_the_platform() {
        use MemberRole::{Cashier, Gate, Manager, Owner};
        let deal = deal(ORGANIZER, AGENT);
        for (role, sight) in
            [(Owner, Sight::Full), (Manager, Sight::Full), (Cashier, Sight::Hidden), (Gate, Sight::Hidden)]
        {
            for id in [ORGANIZER, AGENT, PLATFORM] {
                assert_eq!(deal_sight(&caller(id, role), &deal), sight, "{id} {role}");
            }
            let stranger = caller(PartnerId::from_bytes([7; 12]), role);
            assert_eq!(deal_sight(&stranger, &deal), Sight::Hidden);
        }
        for caller in [ANYONE, without_partners()] {
            assert_eq!(deal_sight(&caller, &deal), Sight::Hidden);
        }
    }

    #[test]
    fn a_deal_is_changed_by_managers_of_its_sides_and_of_the_platform() {
        use MemberRole::{Cashier, Gate, Manager, Owner};
        let deal = deal(ORGANIZER, AGENT);
        for role in [Owner, Manager] {
            for (id, actor) in [
                (ORGANIZER, Some(Actor::Side(Side::Obj))),
                (AGENT, Some(Actor::Side(Side::Subj))),
                (PLATFORM, Some(Actor::Platform)),
                (PartnerId::from_bytes([7; 12]), None),
            ] {
                assert_eq!(deal_actor(&caller(id, role), &deal), actor, "{id} {role}");
            }
        }
        for role in [Cashier, Gate] {
            for id in [ORGANIZER, AGENT, PLATFORM] {
                assert_eq!(deal_actor(&caller(id, role), &deal), None, "{id} {role}");
            }
        }
        assert_eq!(deal_actor(&without_partners(), &deal), None);
    }

    #[test]
    fn an_order_is_sold_by_its_vendor_and_seen_by_the_organizer_of_its_event() {
        use MemberRole::{Cashier, Gate, Manager, Owner};
        let stranger = PartnerId::from_bytes([7; 12]);
        for role in [Owner, Manager, Cashier] {
            for (id, actor) in [
                (AGENT, Some(OrderActor::Vendor)),
                (PLATFORM, Some(OrderActor::Vendor)),
                (ORGANIZER, Some(OrderActor::Organizer)),
                (stranger, None),
            ] {
                assert_eq!(order_actor(&caller(id, role), AGENT, ORGANIZER), actor, "{id} {role}");
            }
            // Its own event's tickets it sells as the vendor.
            assert_eq!(order_actor(&caller(ORGANIZER, role), ORGANIZER, ORGANIZER), Some(OrderActor::Vendor));
        }
        for id in [AGENT, PLATFORM, ORGANIZER, stranger] {
            assert_eq!(order_actor(&caller(id, Gate), AGENT, ORGANIZER), None, "{id}");
        }
        assert_eq!(order_actor(&without_partners(), AGENT, ORGANIZER), None);
    }

    #[test]
    fn keys_members_and_settings_are_for_owners_and_the_platform() {
        use MemberRole::{Cashier, Gate, Manager, Owner};
        for (id, role, own, of_another) in [
            (ORGANIZER, Owner, true, false),
            (ORGANIZER, Manager, false, false),
            (ORGANIZER, Cashier, false, false),
            (ORGANIZER, Gate, false, false),
            (PLATFORM, Owner, true, true),
            (PLATFORM, Manager, false, true),
            (PLATFORM, Cashier, false, false),
            (PLATFORM, Gate, false, false),
        ] {
            let caller = caller(id, role);
            assert_eq!(administers(&caller, id), own, "{id} {role}");
            assert_eq!(administers(&caller, AGENT), of_another, "{id} {role}");
        }
        assert!(!administers(&without_partners(), AGENT));
    }

    #[test]
    fn a_partner_is_changed_by_its_managers_and_those_of_the_platform() {
        use MemberRole::{Cashier, Gate, Manager, Owner};
        for (id, role, own, of_another) in [
            (ORGANIZER, Owner, true, false),
            (ORGANIZER, Manager, true, false),
            (ORGANIZER, Cashier, false, false),
            (ORGANIZER, Gate, false, false),
            (PLATFORM, Owner, true, true),
            (PLATFORM, Manager, true, true),
            (PLATFORM, Cashier, false, false),
            (PLATFORM, Gate, false, false),
        ] {
            let caller = caller(id, role);
            assert_eq!(manages(&caller, id), own, "{id} {role}");
            assert_eq!(manages(&caller, AGENT), of_another, "{id} {role}");
        }
        assert!(!manages(&without_partners(), AGENT));
    }

    #[test]
    fn refunds_are_for_those_who_sell_for_the_vendor_the_organizer_and_the_platform() {
        use MemberRole::{Cashier, Gate, Manager, Owner};
        const STRANGER: PartnerId = PartnerId::from_bytes([7; 12]);
        for role in [Owner, Manager, Cashier] {
            for (id, vendor, expected) in [
                (AGENT, AGENT, Some(RefundActor::Vendor)),
                (ORGANIZER, AGENT, Some(RefundActor::Organizer)),
                (ORGANIZER, ORGANIZER, Some(RefundActor::Organizer)),
                (PLATFORM, AGENT, Some(RefundActor::Platform)),
                (STRANGER, AGENT, None),
                (AGENT, ORGANIZER, None),
            ] {
                assert_eq!(refund_actor(&caller(id, role), vendor, ORGANIZER), expected, "{id} {role:?}");
            }
        }
        for id in [AGENT, ORGANIZER, PLATFORM] {
            assert_eq!(refund_actor(&caller(id, Gate), AGENT, ORGANIZER), None);
        }
        assert_eq!(refund_actor(&ANYONE, AGENT, ORGANIZER), None);
    }
}
