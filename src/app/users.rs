//! Users: registering, and changing oneself.

use std::collections::HashMap;

use super::customers::{self, CustomerView};
use super::{Error, Installation, Wrong};
use crate::domain::access::Caller;
use crate::domain::id::{CustomerId, ObjectId, PartnerId, UserId};
use crate::domain::invalid::Invalid;
use crate::domain::user::{Email, User};
use crate::store::{self, Tx};

/// A user with the partners it acts for.
#[derive(Clone, Debug)]
pub struct UserView {
    /// The user.
    pub user: User,
    /// The partners, in the order of their ids.
    pub partners: Vec<PartnerId>,
}

/// Whom an id among users names: a user, or a customer, who is shown in the same shape and never is one.
#[derive(Clone, Debug)]
pub enum Person {
    /// A user.
    User(UserView),
    /// A customer.
    Customer(CustomerView),
}

/// What a new user gives.
#[derive(Clone)]
pub struct Registration {
    /// Address for signing in.
    pub email: Email,
    /// The hash of the password.
    pub password_hash: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
}

/// What a user changes of itself. Outer `None`: not given; inner `None`: cleared.
#[derive(Clone, Default)]
pub struct Changes {
    /// Address for signing in.
    pub email: Option<Email>,
    /// The hash of the new password.
    pub password_hash: Option<String>,
    /// Given name.
    pub first_name: Option<Option<String>>,
    /// Family name.
    pub last_name: Option<Option<String>>,
}

/// Users by their ids; unknown ids are left out. Whether the caller may see them is for whoever led to them to say.
///
/// # Errors
/// Those of the store.
pub fn views(tx: &mut Tx<'_>, ids: &[UserId]) -> Result<Vec<UserView>, Error> {
    let users = store::users::find_all(tx, ids)?;
    let members = store::members::of_users(tx, ids)?;
    let mut partners: HashMap<UserId, Vec<PartnerId>> = HashMap::new();
    for member in members {
        partners.entry(member.user).or_default().push(member.partner);
    }
    let view = |user: User| UserView { partners: partners.remove(&user.id).unwrap_or_default(), user };
    Ok(users.into_iter().map(view).collect())
}

/// The caller itself.
///
/// # Errors
/// [`Error::Forbidden`] for an API key, which is nobody.
pub fn myself(tx: &mut Tx<'_>, caller: &Caller) -> Result<UserView, Error> {
    let id = caller.user.ok_or_else(|| Error::forbidden("an API key is not a user: sign in instead"))?;
    views(tx, &[id])?.pop().ok_or(Error::Unauthenticated)
}

/// The caller itself, or a customer of its own.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for another user, and those of [`customers::get`].
pub fn get(tx: &mut Tx<'_>, caller: &Caller, installation: &Installation, id: UserId) -> Result<Person, Error> {
    if let Some(view) = views(tx, &[id])?.pop() {
        oneself(caller, id)?;
        return Ok(Person::User(view));
    }
    Ok(Person::Customer(customers::get(tx, caller, installation, customer(id))?))
}

/// Registers a user.
///
/// # Errors
/// [`Error::Conflict`] where the address is taken.
pub fn register(tx: &mut Tx<'_>, id: UserId, registration: &Registration) -> Result<UserView, Error> {
    let now = Some(tx.now());
    let user = User {
        id,
        email: registration.email.clone(),
        first_name: registration.first_name.clone(),
        last_name: registration.last_name.clone(),
        tags: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    store::users::insert(tx, &user, &registration.password_hash).map_err(email_taken)?;
    Ok(UserView { user, partners: Vec::new() })
}

/// Creates a user for the operator of the server.
///
/// # Errors
/// [`Error::Conflict`] where the address is taken.
pub fn create_by_operator(
    tx: &mut Tx<'_>,
    id: UserId,
    email: &Email,
    first_name: Option<String>,
    last_name: Option<String>,
    password_hash: &str,
) -> Result<User, Error> {
    let registration =
        Registration { email: email.clone(), password_hash: password_hash.to_owned(), first_name, last_name };
    Ok(register(tx, id, &registration)?.user)
}

/// Gives a user another password for the operator of the server, as they forgot theirs. It ends all their sessions.
///
/// # Errors
/// [`Error::Invalid`] where no user has the address.
pub fn set_password_by_operator(tx: &mut Tx<'_>, email: &Email, password_hash: &str) -> Result<UserId, Error> {
    let unknown = || Error::invalid("email", "unknown", "no user has this address");
    let id = store::users::find_by_email(tx, email)?.ok_or_else(unknown)?.id;
    store::users::lock(tx, id)?;
    let user = store::users::find_by_email(tx, email)?.filter(|user| user.id == id).ok_or_else(unknown)?;
    set_password(tx, user.id, password_hash, None)?;
    store::users::update(tx, &User { updated_at: Some(tx.now()), ..user })?;
    Ok(user.id)
}

/// Changes oneself. A new password ends all other sessions; `session` is the one that asks.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for anybody else, and for a customer; [`Error::Conflict`] where the address is
/// taken.
pub fn change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    session: Option<&[u8; 32]>,
    id: UserId,
    changes: &Changes,
) -> Result<UserView, Error> {
    store::users::lock(tx, id)?;
    let Some(UserView { mut user, partners }) = views(tx, &[id])?.pop() else {
        customers::own(tx, caller, customer(id))?;
        return Err(Error::forbidden("a customer is what orders say of it, and no user"));
    };
    oneself(caller, id)?;
    let was = user.clone();
    if let Some(email) = &changes.email {
        user.email = email.clone();
    }
    if let Some(first_name) = &changes.first_name {
        user.first_name.clone_from(first_name);
    }
    if let Some(last_name) = &changes.last_name {
        user.last_name.clone_from(last_name);
    }
    if let Some(hash) = &changes.password_hash {
        set_password(tx, id, hash, session)?;
    }
    if user != was || changes.password_hash.is_some() {
        user.updated_at = Some(tx.now());
        store::users::update(tx, &user).map_err(email_taken)?;
    }
    Ok(UserView { user, partners })
}

/// Replaces a password, which ends all sessions but the one that is kept.
fn set_password(tx: &mut Tx<'_>, id: UserId, hash: &str, kept: Option<&[u8; 32]>) -> Result<(), Error> {
    store::users::set_password(tx, id, hash)?;
    Ok(store::sessions::delete_others(tx, id, kept.unwrap_or(&[0; 32]))?)
}

fn customer(id: UserId) -> CustomerId {
    ObjectId::from(id).into()
}

fn oneself(caller: &Caller, id: UserId) -> Result<(), Error> {
    if caller.user == Some(id) {
        return Ok(());
    }
    Err(Error::forbidden("only the user itself may see and change this"))
}

fn email_taken(error: store::Error) -> Error {
    match error {
        store::Error::Constraint { name } if name == store::users::EMAIL_KEY => {
            Error::Conflict(Wrong::at("email", Invalid::conflict("another user has this address")))
        }
        error => error.into(),
    }
}
