//! The table `users`.

use super::db::{params, statements};
use super::values::tags_json;
use super::{Error, Row, Tx};
use crate::domain::id::UserId;
use crate::domain::user::{Email, User};

macro_rules! columns {
    () => {
        "id, email, first_name, last_name, tags, created_at, updated_at"
    };
}

statements! {
    BY_IDS = concat!("select ", columns!(), " from users where id = any($1)");
    BY_EMAIL = concat!("select ", columns!(), " from users where email_folded = $1");
    LOCK = "select id from users where id = $1 for no key update";
    PASSWORD = "select id, password_hash from users where email_folded = $1";
    INSERT = "insert into users (id, email, email_folded, password_hash, first_name, last_name, tags, created_at, updated_at) \
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    UPDATE = "update users set email = $1, email_folded = $2, first_name = $3, last_name = $4, updated_at = $5 where id = $6";
    SET_PASSWORD = "update users set password_hash = $1 where id = $2";
}

/// The name of the constraint that keeps addresses unique.
pub const EMAIL_KEY: &str = "users_email_folded_key";

/// Finds several users; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[UserId]) -> Result<Vec<User>, Error> {
    tx.query(BY_IDS, params![ids])?.into_iter().map(user).collect()
}

/// Finds a user.
pub fn find(tx: &mut Tx<'_>, id: UserId) -> Result<Option<User>, Error> {
    Ok(find_all(tx, &[id])?.pop())
}

/// Keeps others from changing the user until the transaction ends. What was read before is read again.
pub fn lock(tx: &mut Tx<'_>, id: UserId) -> Result<(), Error> {
    tx.query_opt(LOCK, params![id])?;
    Ok(())
}

/// Finds a user by address, however it is spelled.
pub fn find_by_email(tx: &mut Tx<'_>, email: &Email) -> Result<Option<User>, Error> {
    tx.query_opt(BY_EMAIL, params![email.folded()])?.map(user).transpose()
}

/// The user with this address, and the hash of the password.
pub fn password_hash(tx: &mut Tx<'_>, email: &Email) -> Result<Option<(UserId, String)>, Error> {
    let Some(row) = tx.query_opt(PASSWORD, params![email.folded()])? else { return Ok(None) };
    let mut row = row.read("users");
    Ok(Some((row.next()?, row.next()?)))
}

/// Writes a new user.
///
/// # Errors
/// [`Error::Constraint`] with [`EMAIL_KEY`] where another user has the address.
pub fn insert(tx: &mut Tx<'_>, user: &User, password_hash: &str) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            user.id,
            user.email.as_str(),
            user.email.folded(),
            password_hash,
            user.first_name.as_deref(),
            user.last_name.as_deref(),
            tags_json(&user.tags)?,
            user.created_at,
            user.updated_at
        ],
    )?;
    Ok(())
}

/// Writes a user's changed fields.
///
/// # Errors
/// [`Error::Constraint`] with [`EMAIL_KEY`] where another user has the address.
pub fn update(tx: &mut Tx<'_>, user: &User) -> Result<(), Error> {
    tx.execute(
        UPDATE,
        params![
            user.email.as_str(),
            user.email.folded(),
            user.first_name.as_deref(),
            user.last_name.as_deref(),
            user.updated_at,
            user.id
        ],
    )?;
    Ok(())
}

/// Replaces a user's password.
pub fn set_password(tx: &mut Tx<'_>, id: UserId, password_hash: &str) -> Result<(), Error> {
    tx.execute(SET_PASSWORD, params![password_hash, id])?;
    Ok(())
}

fn user(row: Row) -> Result<User, Error> {
    let mut row = row.read("users");
    Ok(User {
        id: row.next()?,
        email: row.next_parsed()?,
        first_name: row.next()?,
        last_name: row.next()?,
        tags: row.next_tags()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}
