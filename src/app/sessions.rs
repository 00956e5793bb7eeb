//! Signing in and out.

use std::net::{IpAddr, Ipv6Addr};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::SignedDuration;

use super::Error;
use crate::config::Config;
use crate::domain::id::{PartnerId, UserId};
use crate::domain::user::Email;
use crate::store::{self, Tx};

/// How often one may sign in, register, and have lists mailed. Kept in memory: each server counts for itself.
pub struct Limits {
    sign_in_by_address: DefaultKeyedRateLimiter<IpAddr>,
    by_account: DefaultKeyedRateLimiter<String>,
    register_by_address: DefaultKeyedRateLimiter<IpAddr>,
    exports_by_partner: DefaultKeyedRateLimiter<PartnerId>,
    exports_by_account: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Limits {
    /// The limits that the operator chose.
    pub fn new(config: &Config) -> Self {
        Self {
            sign_in_by_address: RateLimiter::keyed(Quota::per_minute(config.sign_in_per_minute)),
            by_account: RateLimiter::keyed(Quota::per_minute(config.sign_in_per_account)),
            register_by_address: RateLimiter::keyed(Quota::per_hour(config.registrations_per_hour)),
            exports_by_partner: RateLimiter::keyed(Quota::per_hour(config.exports_per_hour)),
            exports_by_account: RateLimiter::keyed(Quota::per_hour(config.exports_per_hour)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts an attempt to sign in; nobody's account where the address has not the form of one.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn sign_in(&self, address: IpAddr, email: Option<&Email>) -> Result<(), Error> {
        self.check(&self.sign_in_by_address, &network(address))?;
        email.map_or(Ok(()), |email| self.check(&self.by_account, &email.folded()))
    }

    /// Counts a registration; for its account it counts like a sign-in, for it tells as well whether there is one.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn register(&self, address: IpAddr, email: &Email) -> Result<(), Error> {
        self.check(&self.register_by_address, &network(address))?;
        self.check(&self.by_account, &email.folded())
    }

    /// Counts a list that a partner has mailed: for whom it is has not asked for it.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn export(&self, partner: PartnerId, to: &Email) -> Result<(), Error> {
        self.check(&self.exports_by_partner, &partner)?;
        self.check(&self.exports_by_account, &to.folded())
    }

    /// Forgets who has not been seen for as long as a limit looks back, so that memory stays bounded.
    pub fn forget_idle(&self) {
        self.sign_in_by_address.retain_recent();
        self.by_account.retain_recent();
        self.register_by_address.retain_recent();
        self.exports_by_partner.retain_recent();
        self.exports_by_account.retain_recent();
    }

    fn check<K: Clone + std::hash::Hash + Eq>(
        &self,
        limiter: &DefaultKeyedRateLimiter<K>,
        key: &K,
    ) -> Result<(), Error> {
        limiter.check_key(key).map_err(|not_until| Error::TooManyRequests {
            retry_after_seconds: not_until.wait_time_from(self.clock.now()).as_secs() + 1,
        })
    }
}

/// Whom an address stands for: one IPv6 customer has at least a /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// A user who may be signing in.
pub struct Known {
    /// The user.
    pub user: UserId,
    /// What the password is checked against.
    pub password_hash: String,
    email: Email,
}

/// The user with this address.
///
/// # Errors
/// Those of the store.
pub fn find_known(tx: &mut Tx<'_>, email: &Email) -> Result<Option<Known>, Error> {
    let found = store::users::password_hash(tx, email)?;
    Ok(found.map(|(user, password_hash)| Known { user, password_hash, email: email.clone() }))
}

/// Signs a user in whose password has been checked.
///
/// # Errors
/// [`Error::Unauthenticated`] where the password was changed meanwhile.
pub fn start(
    tx: &mut Tx<'_>,
    known: &Known,
    token_hash: &[u8; 32],
    lifetime: SignedDuration,
) -> Result<super::users::UserView, Error> {
    let expires_at =
        tx.now().checked_add(lifetime).map_err(|error| Error::Internal(format!("session lifetime: {error}")))?;
    store::users::lock(tx, known.user)?;
    let stands = store::users::password_hash(tx, &known.email)?.is_some_and(|(_, hash)| hash == known.password_hash);
    if !stands {
        return Err(Error::Unauthenticated);
    }
    store::sessions::insert(tx, token_hash, known.user, expires_at)?;
    super::users::views(tx, &[known.user])?.pop().ok_or(Error::Unauthenticated)
}

/// Ends a session; nothing happens where there is none.
///
/// # Errors
/// Those of the store.
pub fn end(tx: &mut Tx<'_>, token_hash: &[u8; 32]) -> Result<(), Error> {
    Ok(store::sessions::delete(tx, token_hash)?)
}
