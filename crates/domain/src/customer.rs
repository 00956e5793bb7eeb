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
