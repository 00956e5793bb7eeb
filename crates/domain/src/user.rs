//! Users: the people who sign in.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::id::UserId;
use crate::invalid::Invalid;
use crate::partner::Tag;
use crate::text;

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The address they sign in with.
    pub email: Email,
    /// Their first name; at most [`text::SHORT_MAX`] characters.
    pub first_name: Option<String>,
    /// Their last name; at most [`text::SHORT_MAX`] characters.
    pub last_name: Option<String>,
    /// Words to find them by.
    pub tags: Vec<Tag>,
    /// When they registered; none for one who came from a system that didn't know.
    pub created_at: Option<Timestamp>,
    /// When they were last changed; none for one who came from a system that didn't know.
    pub updated_at: Option<Timestamp>,
}

/// Something with the form of an e-mail address, spelled as it was given. At most 254 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The most characters of an address that mail can be sent to (RFC 5321, 4.5.3.1.3).
    const MAX: usize = 254;

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which addresses are compared: case doesn't matter.
    pub fn folded(&self) -> String {
        text::fold(&self.0)
    }
}

impl FromStr for Email {
    type Err = Invalid;

    /// Takes `local@domain`: a local part without white space, quotes or brackets, a domain of at
    /// least two labels. Letters may be of any alphabet.
    fn from_str(address: &str) -> Result<Self, Invalid> {
        if !has_form(address) {
            return Err(Invalid::malformed("must be an e-mail address such as name@example.org"));
        }
        if text::length(address) > Self::MAX {
            return Err(Invalid::too_long(Self::MAX));
        }
        Ok(Self(address.to_owned()))
    }
}

fn has_form(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    let in_local = |char: char| !char.is_whitespace() && !char.is_control() && !"()<>[]{}:;,\\\"@".contains(char);
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|char| char.is_alphanumeric() || char == '-')
    };
    (1..=64).contains(&text::length(local))
        && local.chars().all(in_local)
        && local.split('.').all(|part| !part.is_empty())
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks that a password has 8 to 1,000 characters. No other rule: length is what helps.
///
/// # Errors
/// `too_short`, `too_long`.
pub fn check_password(password: &str) -> Result<(), Invalid> {
    match text::length(password) {
        ..8 => Err(Invalid::too_short(8)),
        8..=1_000 => Ok(()),
        _ => Err(Invalid::too_long(1_000)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_email_address_is_kept_as_it_is_spelled_and_compared_without_case() {
        let email: Email = "Info@NanoBilet.ru".parse().unwrap();
        assert_eq!(email.as_str(), "Info@NanoBilet.ru");
        assert_eq!(email.folded(), "info@nanobilet.ru");
    }

    #[test]
    fn what_has_the_form_of_an_address_is_one() {
        for address in
            ["ag@tc.ru", "first.last+tag@sub.example.org", "o'neil_%=?^@example-site.com", "почта@пример.рф", "a@1.2"]
        {
            assert!(address.parse::<Email>().is_ok(), "{address}");
        }
    }

    #[test]
    fn what_does_not_have_the_form_of_an_address_is_malformed() {
        for address in [
            "",
            "@",
            "tc.ru",
            "ag@",
            "@tc.ru",
            "ag@tc",
            "ag@tc.",
            "ag@.ru",
            "ag@tc..ru",
            "ag@-tc.ru",
            "ag@tc-.ru",
            "a@g@tc.ru",
            ".ag@tc.ru",
            "a..g@tc.ru",
            "a g@tc.ru",
            "ag@t c.ru",
            " ag@tc.ru",
            "ag@tc.ru\n",
            "ag\r\nBcc:x@tc.ru",
            "\"ag\"@tc.ru",
            "<ag@tc.ru>",
            "ag@tc.ru,x@tc.ru",
        ] {
            let invalid = address.parse::<Email>().unwrap_err();
            assert_eq!(invalid.code, "malformed", "{address:?}");
        }
    }

    #[test]
    fn an_address_has_at_most_254_characters() {
        let label = "d".repeat(60);
        let domain = [label.as_str(); 4].join(".");
        let longest = format!("{}@{domain}", "l".repeat(254 - 1 - domain.len()));
        assert!(longest.parse::<Email>().is_ok());
        assert_eq!(format!("l{longest}").parse::<Email>(), Err(Invalid::too_long(254)));
        let local = format!("{}@tc.ru", "l".repeat(65));
        assert_eq!(local.parse::<Email>().unwrap_err().code, "malformed");
    }

    #[test]
    fn a_password_has_at_least_8_characters() {
        assert_eq!(check_password("s3cr1t"), Err(Invalid::too_short(8)));
        assert_eq!(check_password("пароль7"), Err(Invalid::too_short(8)));
        assert_eq!(check_password("пароль78"), Ok(()));
        assert_eq!(check_password(&"p".repeat(1_000)), Ok(()));
        assert_eq!(check_password(&"p".repeat(1_001)), Err(Invalid::too_long(1_000)));
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_refused(text in ".{0,10}@?.{0,10}") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert_eq!(email.to_string(), text);
            }
        }
    }
}
