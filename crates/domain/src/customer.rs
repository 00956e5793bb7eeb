//! Customers: the persons orders are for, records of one vendor.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{CustomerId, PartnerId};
use crate::user::Email;

/// A customer of one vendor. It never links to, or shows, a user's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Whose record it is.
    pub vendor: PartnerId,
    /// The address, which is unique among the vendor's customers.
    pub email: Email,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Telephone number.
    pub mobile: Option<String>,
    /// Language, such as `ru`.
    pub lang: Option<String>,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Customer {
    /// Takes over what another order of the same customer says: what it gives replaces what was known, what it doesn't give
    /// stays. Answers whether anything is new; then it counts as changed when the other was.
    pub fn learn(&mut self, given: &Self) -> bool {
        let before = self.clone();
        self.email = given.email.clone();
        for (known, given) in [
            (&mut self.first_name, &given.first_name),
            (&mut self.last_name, &given.last_name),
            (&mut self.mobile, &given.mobile),
            (&mut self.lang, &given.lang),
        ] {
            if given.is_some() {
                known.clone_from(given);
            }
        }
        let learned = *self != before;
        if learned {
            self.updated_at = given.updated_at;
        }
        learned
    }
}

/// What an order says of its customer, as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderCustomer {
    /// Where tickets are mailed to.
    pub email: Option<String>,
    /// First name, or the whole name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Telephone number.
    pub mobile: Option<String>,
    /// Language, such as `ru`.
    pub lang: Option<String>,
}

/// A change of an [`OrderCustomer`] (RFC 7396): the outer `None` was left out, the inner one is null.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerPatch {
    /// Where tickets are mailed to.
    pub email: Option<Option<Email>>,
    /// The whole name, which becomes the first one, unless it is the name already.
    pub name: Option<Option<String>>,
    /// First name.
    pub first_name: Option<Option<String>>,
    /// Last name.
    pub last_name: Option<Option<String>>,
    /// Telephone number.
    pub mobile: Option<Option<String>>,
    /// Language.
    pub lang: Option<Option<String>>,
}

impl OrderCustomer {
    /// The whole name.
    pub fn name(&self) -> Option<String> {
        match (&self.first_name, &self.last_name) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (Some(name), None) | (None, Some(name)) => Some(name.clone()),
            (None, None) => None,
        }
    }

    /// What the order says after a change.
    pub fn merge(mut self, patch: &CustomerPatch) -> Self {
        if let Some(email) = &patch.email {
            self.email = email.as_ref().map(|email| email.as_str().to_owned());
        }
        if let Some(name) = &patch.name
            && *name != self.name()
        {
            (self.first_name, self.last_name) = (name.clone(), None);
        }
        for (known, given) in [
            (&mut self.first_name, &patch.first_name),
            (&mut self.last_name, &patch.last_name),
            (&mut self.mobile, &patch.mobile),
            (&mut self.lang, &patch.lang),
        ] {
            if let Some(given) = given {
                known.clone_from(given);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(email: &str, names: [Option<&str>; 2], second: i64) -> Customer {
        let at = Timestamp::from_second(second).unwrap();
        let [first_name, last_name] = names.map(|name| name.map(str::to_owned));
        Customer {
            id: CustomerId::from_bytes([1; 12]),
            vendor: PartnerId::from_bytes([2; 12]),
            email: email.parse().unwrap(),
            first_name,
            last_name,
            mobile: None,
            lang: Some("ru".to_owned()),
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn a_customer_keeps_what_a_later_order_does_not_say() {
        let mut known = customer("a@tc.ru", [Some("Anna"), Some("Ivanova")], 1);
        assert!(known.learn(&customer("A@tc.ru", [Some("Anya"), None], 2)));
        assert_eq!(known.email.as_str(), "A@tc.ru");
        assert_eq!((known.first_name.as_deref(), known.last_name.as_deref()), (Some("Anya"), Some("Ivanova")));
        assert_eq!((known.created_at.as_second(), known.updated_at.as_second()), (1, 2));
    }

    #[test]
    fn an_order_that_says_nothing_new_changes_nothing() {
        let mut known = customer("a@tc.ru", [Some("Anna"), Some("Ivanova")], 1);
        let before = known.clone();
        assert!(!known.learn(&customer("a@tc.ru", [Some("Anna"), None], 2)));
        assert_eq!(known, before);
    }
}
