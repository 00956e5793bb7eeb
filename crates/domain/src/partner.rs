//! Partners: organizations that organize events, sell tickets for others, or run the platform.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::contact::{Contact, Legal};
use crate::id::{AttachmentId, PartnerId, UserId};
use crate::invalid::Invalid;
use crate::share::{Percent, Share};
use crate::text;
use crate::wire::wire_names;

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// Its id.
    pub id: PartnerId,
    /// Its name.
    pub name: PartnerName,
    /// What it may do.
    pub roles: Roles,
    /// What it says about itself (`desc` on the wire); at most [`text::LONG_MAX`] characters.
    pub description: Option<String>,
    /// How it sells; at most [`text::LONG_MAX`] characters.
    pub channels: Option<String>,
    /// Its director; at most [`text::SHORT_MAX`] characters.
    pub director: Option<String>,
    /// How to reach it.
    pub contact: Contact,
    /// Its legal data.
    pub legal: Option<Legal>,
    /// Words to find it by.
    pub tags: Vec<Tag>,
    /// Pictures shown with it, the first one as its logo.
    pub media: Vec<AttachmentId>,
    /// The user that it was made by, or for.
    pub user: UserId,
    /// Whether it was removed.
    pub removed: bool,
    /// When it was created; none for one that came from a system that didn't know.
    pub created_at: Option<Timestamp>,
    /// When it was last changed; none for one that came from a system that didn't know.
    pub updated_at: Option<Timestamp>,
}

/// A partner's name: 1 to 255 characters in one line, without white space around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartnerName(String);

/// A word to find something by: 1 to 100 characters in one line, without white space around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

macro_rules! names {
    ($($type:ident up to $max:literal),+) => {$(
        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Invalid;

            /// Takes the text without the white space around it.
            fn from_str(text: &str) -> Result<Self, Invalid> {
                text::name(text, $max).map(Self)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

names!(PartnerName up to 255, Tag up to 100);

/// One thing that a partner may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Organizes events.
    Org,
    /// Sells tickets of others.
    Agent,
    /// Operates the platform.
    Core,
}

wire_names!(Role {
    Org = "org",
    Agent = "agent",
    Core = "core",
});

/// All that a partner may do. Collected from, and turned into, a list of [`Role`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Roles {
    /// Organizes events.
    pub org: bool,
    /// Sells tickets of others.
    pub agent: bool,
    /// Operates the platform.
    pub core: bool,
}

impl Roles {
    /// Whether `role` is among them.
    pub const fn has(self, role: Role) -> bool {
        match role {
            Role::Org => self.org,
            Role::Agent => self.agent,
            Role::Core => self.core,
        }
    }

    /// The roles in the order `org`, `agent`, `core`.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.has(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        let mut all = Self::default();
        for role in roles {
            match role {
                Role::Org => all.org = true,
                Role::Agent => all.agent = true,
                Role::Core => all.core = true,
            }
        }
        all
    }
}

/// Who approves the return of tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RefundApproval {
    /// The vendor, or the organizer.
    #[default]
    Vendor,
    /// Only the organizer.
    Organizer,
}

wire_names!(RefundApproval {
    Vendor = "vendor",
    Organizer = "organizer",
});

/// What a partner has decided once for all of its events, deals and sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// As an organizer: the least `org` of a proposal that is accepted automatically.
    /// 0% ..= 100%; 100% unless set.
    pub accept_org_min: Percent,
    /// Whether proposals are accepted automatically.
    pub auto_accept_deals: bool,
    /// The platform's commission for this partner's events; none: the installation's default.
    /// Only the platform sets it. 0% ..= 100%.
    pub core: Option<Share>,
    /// The fee on top of the nominal when it sells its own event. 0% ..= 1000%; 0% unless set.
    pub extra: Share,
    /// How long a new order holds its tickets, in minutes. 1 ..= 60; 10 unless set.
    pub hold_minutes: u8,
    /// Who approves the return of tickets for its events.
    pub refund_approval: RefundApproval,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            accept_org_min: Percent::HUNDRED,
            auto_accept_deals: false,
            core: None,
            extra: Share::ZERO,
            hold_minutes: 10,
            refund_approval: RefundApproval::Vendor,
        }
    }
}

impl Settings {
    /// The settings, if every value is in its range.
    ///
    /// # Errors
    /// The name of the wrong setting, and `out_of_range`.
    pub fn checked(self) -> Result<Self, (&'static str, Invalid)> {
        let wrong = |field| move |invalid| (field, invalid);
        Share::Percent(self.accept_org_min).check(Percent::HUNDRED).map_err(wrong("accept_org_min"))?;
        if let Some(core) = self.core {
            core.check(Percent::HUNDRED).map_err(wrong("core"))?;
        }
        self.extra.check(Percent::THOUSAND).map_err(wrong("extra"))?;
        if !(1..=60).contains(&self.hold_minutes) {
            let invalid = Invalid::out_of_range("must be between 1 and 60 minutes");
            return Err(("hold_minutes", invalid));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::wire::check_wire_names;

    #[test]
    fn names_and_tags_are_short_lines() {
        assert_eq!(" Nanobilet ".parse::<PartnerName>().unwrap().as_str(), "Nanobilet");
        assert!("н".repeat(255).parse::<PartnerName>().is_ok());
        assert_eq!("н".repeat(256).parse::<PartnerName>(), Err(Invalid::too_long(255)));
        assert_eq!("".parse::<PartnerName>().unwrap_err().code, "required");
        assert!("т".repeat(100).parse::<Tag>().is_ok());
        assert_eq!("т".repeat(101).parse::<Tag>(), Err(Invalid::too_long(100)));
        assert_eq!("a\nb".parse::<Tag>().unwrap_err().code, "malformed");
    }

    #[test]
    fn roles_are_a_list_in_one_order() {
        let roles: Roles = [Role::Core, Role::Org, Role::Org].into_iter().collect();
        assert_eq!(roles, Roles { org: true, agent: false, core: true });
        assert!(roles.has(Role::Org) && !roles.has(Role::Agent));
        assert!(roles.iter().eq([Role::Org, Role::Core]));
        assert_eq!(Roles::default().iter().count(), 0);
    }

    #[test]
    fn the_words_of_the_roles_and_approvals() {
        check_wire_names(Role::ALL, &["org", "agent", "core"]);
        check_wire_names(RefundApproval::ALL, &["vendor", "organizer"]);
    }

    #[test]
    fn settings_have_defaults_and_ranges() {
        let default = Settings::default();
        assert_eq!(default.accept_org_min, Percent::HUNDRED);
        assert!(!default.auto_accept_deals);
        assert_eq!(default.core, None);
        assert_eq!(default.extra.text(1), "0.0%");
        assert_eq!(default.hold_minutes, 10);
        assert_eq!(default.refund_approval, RefundApproval::Vendor);
        assert_eq!(default.checked(), Ok(default));

        let percent = |text| Percent::parse(text).unwrap();
        let share = |text| Share::Percent(percent(text));
        let negative = Share::Amount(Money { minor: -1, currency: "RUB".parse().unwrap() });
        for (settings, field) in [
            (Settings { accept_org_min: percent("100.5"), ..default }, "accept_org_min"),
            (Settings { accept_org_min: percent("-1"), ..default }, "accept_org_min"),
            (Settings { core: Some(share("101")), ..default }, "core"),
            (Settings { core: Some(negative), ..default }, "core"),
            (Settings { extra: share("1001"), ..default }, "extra"),
            (Settings { extra: negative, ..default }, "extra"),
            (Settings { hold_minutes: 0, ..default }, "hold_minutes"),
            (Settings { hold_minutes: 61, ..default }, "hold_minutes"),
        ] {
            let (wrong, invalid) = settings.checked().unwrap_err();
            assert_eq!((wrong, invalid.code), (field, "out_of_range"));
        }
        for hold_minutes in [1, 60] {
            assert!(Settings { hold_minutes, ..default }.checked().is_ok());
        }
    }
}
