//! What a story begins with: actors, partners, users, events and deals in every status.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;
use parterre::app::api_keys::{self, NewKey};
use parterre::app::{Error, partners, users};
use parterre::domain::deal::DealStatus;
use parterre::domain::event::{Event, EventStatus, Title};
use parterre::domain::id::{PartnerId, UserId};
use parterre::domain::member::{Member, MemberRole};
use parterre::domain::partner::{PartnerName, Role, Roles};
use parterre::domain::period::Period;
use parterre::store::{self, Statement, Tx};
use parterre::{demo, params, password, random};
use serde_json::{Value, json};

use super::{Actor, Server};

/// An event on sale.
pub struct Sale<'s> {
    pub organizer: Actor<'s>,
    pub agent: Actor<'s>,
    pub event: String,
    pub set: Value,
    pub deal: Value,
}

impl Server {
    /// Somebody without credentials.
    pub fn nobody(&self) -> Actor<'_> {
        Actor::new(self, None, None, None)
    }

    /// The demo's organizer, by its key; it accepts deals automatically.
    pub fn organizator(&self) -> Actor<'_> {
        self.by_key(demo::ORGANIZATOR_KEY, demo::ORGANIZATOR, "53555b2256c02c17cb75791c")
    }

    /// The demo's agent, by its key.
    pub fn nanobilet(&self) -> Actor<'_> {
        self.by_key(demo::NANOBILET_KEY, demo::NANOBILET, demo::NANOBILET_USER)
    }

    /// The operator of the platform, by its key.
    pub fn platform(&self) -> Actor<'_> {
        self.by_key(demo::PLATFORM_KEY, demo::PLATFORM, "5368b3ff9583cb96a0357599")
    }

    /// An organizer that nobody knows yet, by its key.
    pub fn organizer(&self) -> Actor<'_> {
        self.partner("Organizer", &[Role::Org])
    }

    /// An agent that nobody knows yet, by its key.
    pub fn agent(&self) -> Actor<'_> {
        self.partner("Agent", &[Role::Agent])
    }

    /// A new partner with a new owner, by its key.
    pub fn partner(&self, name: &str, roles: &[Role]) -> Actor<'_> {
        let owner = self.new_user();
        let partner = self.new_partner(owner, name, roles);
        self.key_of(&partner, &owner.to_string())
    }

    /// A new key of a partner.
    pub fn key_of(&self, partner: &str, owner: &str) -> Actor<'_> {
        let key = NewKey::draw(&self.app).unwrap();
        let token = key.token.clone();
        let id: PartnerId = partner.parse().unwrap();
        self.write(move |tx| api_keys::create_by_operator(tx, &key, id, None));
        self.by_key(&token, partner, owner)
    }

    /// Whoever sends this key.
    pub fn by_key(&self, token: &str, partner: &str, owner: &str) -> Actor<'_> {
        let credentials = ("Authorization", format!("key {token}"));
        Actor::new(self, Some(credentials), Some(partner.to_owned()), Some(owner.to_owned()))
    }

    /// The owner of a partner, who has just signed in.
    pub fn owner_of(&self, partner: &Actor<'_>) -> Actor<'_> {
        self.signed_in(partner.user().parse().unwrap(), Some(partner.partner()))
    }

    /// A new user who is signed in and a member of a partner.
    pub fn member_of(&self, partner: &str, role: MemberRole) -> Actor<'_> {
        let user = self.new_user();
        let of: PartnerId = partner.parse().unwrap();
        let member = Member { partner: of, user, role, created_at: Some(self.now()) };
        self.write(move |tx| Ok(store::members::insert(tx, &member)?));
        self.signed_in(user, Some(partner))
    }

    /// A new user who is signed in and has no partner.
    pub fn newcomer(&self) -> Actor<'_> {
        let user = self.new_user();
        self.signed_in(user, None)
    }

    /// A user who has just signed in.
    pub fn signed_in(&self, user: UserId, partner: Option<&str>) -> Actor<'_> {
        let token = random::hex_token::<32>().unwrap();
        let hash = self.app.secret.token_hash(&token);
        let lifetime = self.app.installation.session_lifetime;
        let expires_at = self.now() + lifetime;
        self.write(move |tx| Ok(store::sessions::insert(tx, &hash, user, expires_at)?));
        let credentials = ("Cookie", format!("auth_tkt={token}"));
        Actor::new(self, Some(credentials), partner.map(str::to_owned), Some(user.to_string()))
    }

    /// A new user, `user1@example.com`, `user2@example.com` and so on, with the password of the demo.
    pub fn new_user(&self) -> UserId {
        static PASSWORD_HASH: LazyLock<String> = LazyLock::new(|| password::hash(demo::PASSWORD).unwrap());
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id: UserId = self.app.new_id();
        let email = format!("user{}@example.com", NEXT.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
        self.write(move |tx| users::create_by_operator(tx, id, &email, None, None, &PASSWORD_HASH));
        id
    }

    /// The address of a user.
    pub fn email_of(&self, user: &str) -> String {
        let id: UserId = user.parse().unwrap();
        self.write(move |tx| Ok(store::users::find(tx, id)?)).unwrap().email.to_string()
    }

    /// A new partner of a user.
    pub fn new_partner(&self, owner: UserId, name: &str, roles: &[Role]) -> String {
        let email = self.email_of(&owner.to_string()).parse().unwrap();
        let (id, name): (PartnerId, PartnerName) = (self.app.new_id(), name.parse().unwrap());
        let roles: Roles = roles.iter().copied().collect();
        self.write(move |tx| partners::create_by_operator(tx, id, &email, name.clone(), roles));
        id.to_string()
    }

    /// A public event of an organizer, in a week.
    pub fn event_of(&self, organizer: &Actor<'_>) -> String {
        self.event(organizer, EventStatus::Public, SignedDuration::from_hours(7 * 24))
    }

    /// An event of an organizer in any status, which starts after some time and takes three hours.
    pub fn event(&self, organizer: &Actor<'_>, status: EventStatus, starts_in: SignedDuration) -> String {
        let id = self.app.new_event_id().unwrap();
        let start = self.now() + starts_in;
        let event = Event {
            id,
            org: organizer.partner().parse().unwrap(),
            title: Title::new("Concert", None).unwrap(),
            lifetime: Period::new(start, start + SignedDuration::from_hours(3)).unwrap(),
            status,
            age_rating: Default::default(),
            currency: self.app.installation.currency,
            timezone: self.app.installation.timezone.clone(),
            tags: Vec::new(),
            venue: None,
            map: None,
            cover: None,
            removed: false,
            created_at: Some(self.now()),
            updated_at: Some(self.now()),
        };
        self.write(move |tx| Ok(store::events::insert(tx, &event)?));
        id.to_string()
    }

    /// A removed event of an organizer, which was public.
    pub fn removed_event(&self, organizer: &Actor<'_>) -> String {
        let event = self.event_of(organizer);
        organizer.delete(&format!("/v1/resources/events/{event}")).ok();
        event
    }

    /// A deal about a new event that its organizer proposed, and the agent answered where the status says so.
    pub fn deal(&self, organizer: &Actor<'_>, agent: &Actor<'_>, status: DealStatus) -> Value {
        let event = self.event_of(organizer);
        self.deal_about(&event, organizer, agent, status)
    }

    /// A deal about an event that one partner proposed, and the other answered where the status says so.
    pub fn deal_about(&self, event: &str, proposer: &Actor<'_>, other: &Actor<'_>, status: DealStatus) -> Value {
        let deal = proposer.proposes(event, other.partner()).ok();
        assert_eq!(deal["status"], "new", "{} accepts automatically", other.partner());
        match status {
            DealStatus::New => deal,
            DealStatus::Accepted => other.accepts(&deal).ok(),
            DealStatus::Rejected => other.rejects(&deal).ok(),
            DealStatus::Canceled => proposer.cancels(&deal).ok(),
            DealStatus::Closed => {
                other.accepts(&deal).ok();
                proposer.closes(&deal).ok()
            }
        }
    }

    /// A public event with a set of so many tickets at a price, and an agent who may sell it: it gives the organizer 91%
    /// and puts 10% on top; the platform gets 3%.
    pub fn sale(&self, amount: i64, price: &str) -> Sale<'_> {
        let (organizer, agent) = (self.organizer(), self.agent());
        let event = self.event_of(&organizer);
        let set = organizer.makes_set(&event, amount, price);
        let deal = agent.proposes_terms(&event, organizer.partner(), json!({"org": 91, "extra": 10})).ok();
        organizer.accepts(&deal).ok();
        Sale { organizer, agent, event, set, deal }
    }

    /// The one number that a statement finds.
    pub fn number(&self, statement: &'static str) -> i64 {
        self.write(move |tx| Ok(tx.query_one(Statement::fixed(statement), params![])?.read("number").next()?))
    }

    /// Writes to the store, past the API.
    pub fn write<T: Send + 'static>(&self, work: impl FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static) -> T {
        self.wait_for(self.app.store.write(work)).unwrap()
    }
}
