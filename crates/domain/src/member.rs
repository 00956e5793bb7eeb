//! Members: a user's place in a partner.

use jiff::Timestamp;

use crate::id::{PartnerId, UserId};
use crate::wire::wire_names;

/// A user's place in a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The partner.
    pub partner: PartnerId,
    /// The user.
    pub user: UserId,
    /// The user's place.
    pub role: MemberRole,
    /// Since when; none where that came from a system that didn't know.
    pub created_at: Option<Timestamp>,
}

/// The places that a partner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberRole {
    /// May do everything.
    Owner,
    /// May do all but members, keys and settings. API keys act as managers.
    Manager,
    /// May sell.
    Cashier,
    /// Lets people in.
    Gate,
}

wire_names!(MemberRole {
    Owner = "owner",
    Manager = "manager",
    Cashier = "cashier",
    Gate = "gate",
});

/// What a member may do in the name of the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// See what the partner may see.
    Read,
    /// Make orders.
    Sell,
    /// Change the partner, its events and its deals.
    Manage,
    /// Change members, keys and settings.
    Administer,
}

impl MemberRole {
    /// Whether a member with this role has the right.
    pub const fn may(self, right: Right) -> bool {
        match self {
            Self::Owner => true,
            Self::Manager => !matches!(right, Right::Administer),
            Self::Cashier => matches!(right, Right::Read | Right::Sell),
            Self::Gate => matches!(right, Right::Read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::check_wire_names;

    #[test]
    fn a_member_may_do_what_the_role_allows() {
        for (role, read, sell, manage, administer) in [
            (MemberRole::Owner, true, true, true, true),
            (MemberRole::Manager, true, true, true, false),
            (MemberRole::Cashier, true, true, false, false),
            (MemberRole::Gate, true, false, false, false),
        ] {
            assert_eq!(role.may(Right::Read), read, "{role}");
            assert_eq!(role.may(Right::Sell), sell, "{role}");
            assert_eq!(role.may(Right::Manage), manage, "{role}");
            assert_eq!(role.may(Right::Administer), administer, "{role}");
        }
    }

    #[test]
    fn the_words_of_the_roles() {
        check_wire_names(MemberRole::ALL, &["owner", "manager", "cashier", "gate"]);
        assert_eq!("Owner".parse::<MemberRole>().unwrap_err().message, "must be one of owner, manager, cashier, gate");
    }
}
