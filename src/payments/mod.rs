//! The payment systems that collect money for the platform: what is asked of them, for each in its own way.
//!
//! A system is never asked for anything that a transaction could still undo, but for the payment system for tests, which
//! keeps its charges in the same database.

pub mod signature;
pub mod test;

use crate::domain::id::ReturnId;
use crate::domain::money::Money;
use crate::domain::order::Order;
use crate::domain::payment::{Payment, PaymentSystem};
use crate::store::{self, Store, Tx};

/// Money that a system is to send back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendBack {
    /// By which the system knows that it is asked a second time.
    pub id: ReturnId,
    /// The system's own name of the money that it is a part of.
    pub external_id: String,
    /// How much.
    pub amount: Money,
}

/// Why a system did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It refuses to; asked again it says the same.
    #[error("the payment system refuses: {0}")]
    Refused(String),
    /// It could not be asked, or its answer did not come.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Asks a system to collect a payment for an order; answers the address where the customer pays.
///
/// # Errors
/// Those of the store.
pub fn start(
    tx: &mut Tx<'_>,
    public_url: &str,
    payment: &Payment,
    order: &Order,
) -> Result<Option<String>, store::Error> {
    match payment.system {
        PaymentSystem::Base => Ok(None),
        PaymentSystem::Test => test::start(tx, public_url, payment, order).map(Some),
    }
}

/// Asks a system to collect another amount than it was asked for; false where the customer has paid already.
///
/// # Errors
/// Those of the store.
pub fn amend(tx: &mut Tx<'_>, payment: &Payment) -> Result<bool, store::Error> {
    match payment.system {
        PaymentSystem::Base => Ok(true),
        PaymentSystem::Test => test::amend(tx, payment),
    }
}

/// Asks a system to send money back. Asked twice for the same return, it sends the money once.
///
/// # Errors
/// [`Error`], after which it may be asked again.
pub async fn send_back(store: &Store, system: PaymentSystem, back: SendBack) -> Result<(), Error> {
    match system {
        PaymentSystem::Base => Err(Error::Refused("the money of api/BASE is the vendor's".into())),
        PaymentSystem::Test => test::send_back(store, back).await,
    }
}
