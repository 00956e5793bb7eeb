//! Fields of members (`spec/v1.md`, Partners).

use super::{Cell, Field, Kind, Resource, Type};
use crate::domain::member::{Member, MemberRole};

/// The words of a member's role.
pub const ROLES: &[&str] = &[
    MemberRole::Owner.as_str(),
    MemberRole::Manager.as_str(),
    MemberRole::Cashier.as_str(),
    MemberRole::Gate.as_str(),
];

impl Resource for Member {
    const NAME: &'static str = "Member";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("role", "What the member may do", Type::Word(ROLES), |member| {
            Cell::str(member.role.as_str())
        }),
        Field::<Self>::reference("user", "The person", Kind::User, |member| Some(member.user.into())).read_only(),
    ];
}
