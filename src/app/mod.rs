//! Use cases: one function is one verb of the domain and runs in one transaction. Each checks the right first, then loads,
//! asks the domain, stores, and returns domain objects. None knows a status code or a header.

pub mod api_keys;
pub mod attachments;
pub mod callers;
pub mod customers;
pub mod deals;
mod error;
pub mod events;
pub mod explain;
pub mod idempotency;
pub mod ledger;
pub mod mails;
pub mod maps;
pub mod members;
pub mod named;
pub mod offers;
pub mod orders;
pub mod partners;
pub mod payments;
pub mod promocodes;
pub mod proof;
pub mod refunds;
pub mod sessions;
pub mod sets;
pub mod settings;
pub mod tickets;
pub mod users;
pub mod venues;

use std::sync::{Arc, OnceLock};

use jiff::SignedDuration;

use crate::address::Network;
use crate::config::Config;
use crate::domain::event::Timezone;
use crate::domain::id::{Bucket, EventId, IdSource, ObjectId};
use crate::domain::money::Currency;
use crate::domain::share::Share;
use crate::mail::Mailer;
use crate::media::Media;
use crate::password::Passwords;
use crate::random;
use crate::secret::Secret;
use crate::store::Store;

pub use crate::store::Window;
pub use error::{Error, Wrong, reason};

/// The running platform: its store and what its use cases need besides.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What an [`App`] holds.
pub struct Inner {
    /// Where everything is kept.
    pub store: Store,
    /// Where uploaded files are kept.
    pub media: Media,
    /// The server's secret.
    pub secret: Secret,
    /// What the operator chose for this installation.
    pub installation: Installation,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// How often one may sign in and register.
    pub limits: sessions::Limits,
    /// Whose word on a client's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// Whether clients reach this server through TLS of its own.
    pub tls: bool,
    /// Sends what is mailed.
    pub mailer: Mailer,
    public_url: OnceLock<String>,
    ids: IdSource,
}

/// What the operator chose for this installation.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The currency of events that name none, and of amounts in settings.
    pub currency: Currency,
    /// The time zone of events that name none.
    pub timezone: Timezone,
    /// The platform's commission from organizers without one of their own.
    pub core: Share,
    /// How long a sign-in lasts.
    pub session_lifetime: SignedDuration,
    /// Whether orders may be paid through the payment system for tests, which moves no money.
    pub test_payments: bool,
}

impl std::ops::Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Puts a platform together.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(store: Store, secret: Secret, config: &Config) -> Result<Self, random::Error> {
        let [a, b, c, rest @ ..] = random::bytes::<8>()?;
        // A clock that stands still has one second for all ids: they grow for as long as the counter does not wrap.
        let counter = u32::from_be_bytes([0, a >> 1, b, c]);
        Ok(Self(Arc::new(Inner {
            store,
            media: Media::new(config.media.clone()),
            secret,
            installation: Installation {
                currency: config.currency,
                timezone: config.timezone.clone(),
                core: Share::Percent(config.core),
                session_lifetime: SignedDuration::from_hours(24 * i64::from(config.session_days)),
                test_payments: config.test_payments,
            },
            passwords: Passwords::new(),
            limits: sessions::Limits::new(config),
            trusted_proxies: config.trusted_proxies.clone(),
            tls: config.tls.is_some(),
            mailer: Mailer::new(config.mail.clone(), config.mail_from.clone()),
            public_url: config.public_url.clone().map(OnceLock::from).unwrap_or_default(),
            ids: IdSource::new(rest, counter),
        })))
    }
}

impl Inner {
    /// The address by which clients reach this server, before the path; nothing while it is not known, which leaves
    /// addresses relative to the server's.
    pub fn public_url(&self) -> &str {
        self.public_url.get().map_or("", String::as_str)
    }

    /// Notes the address that the server listens at, for clients, where the operator named no other.
    pub fn listens_at(&self, url: String) {
        // What the operator named, or what was noted first, stays.
        let _ = self.public_url.set(url);
    }

    /// A new id for something that does not belong to an event. It is made before its transaction, which may be run again,
    /// so its second is the program's.
    pub fn new_id<T: From<ObjectId>>(&self) -> T {
        self.ids.next(self.store.now())
    }

    /// A new id for something that belongs to an event, with the event's bucket.
    pub fn new_id_in<T: From<ObjectId>>(&self, bucket: Bucket) -> T {
        self.ids.next_in(self.store.now(), bucket)
    }

    /// New ids for the entries of one cause, with the bucket of its order, or of its payout: it is found by that.
    pub fn entry_ids(&self, bucket: Bucket) -> ledger::EntryIds {
        std::array::from_fn(|_| self.new_id_in(bucket))
    }

    /// A new id for an event, in a bucket chosen at random.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new_event_id(&self) -> Result<EventId, Error> {
        let bucket = random::bytes::<2>().map_err(|error| Error::Internal(error.to_string()))?;
        Ok(self.ids.next_event(self.store.now(), Bucket(bucket)))
    }
}
