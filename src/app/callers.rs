//! Who asks: from the credentials of a request to the caller that use cases check rights of.

use super::Error;
use crate::domain::access::{Acting, Caller};
use crate::domain::id::PartnerId;
use crate::domain::member::MemberRole;
use crate::store::{Tx, api_keys, members, sessions};

/// What a request proves itself with, already hashed as the store keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// An API key.
    Key([u8; 32]),
    /// The token of a session's cookie.
    Session([u8; 32]),
}

/// Finds out who asks. A user of several partners acts for the picked one, else for the first.
///
/// # Errors
/// [`Error::Unauthenticated`] for an unknown or removed key and for a session that has ended;
/// [`Error::Forbidden`] where the picked partner is not one of the caller's.
pub fn identify(tx: &mut Tx<'_>, credentials: Credentials, picked: Option<PartnerId>) -> Result<Caller, Error> {
    let caller = match credentials {
        Credentials::Key(hash) => {
            let (id, roles) = api_keys::acting(tx, &hash)?.ok_or(Error::Unauthenticated)?;
            Caller { user: None, partner: Some(Acting { id, roles, role: MemberRole::Manager }) }
        }
        Credentials::Session(hash) => {
            let user = sessions::user(tx, &hash)?.ok_or(Error::Unauthenticated)?;
            let mut acting = members::acting(tx, user)?.into_iter();
            let partner = match picked {
                Some(picked) => acting.find(|acting| acting.id == picked),
                None => acting.next(),
            };
            Caller { user: Some(user), partner }
        }
    };
    match picked {
        Some(picked) if caller.partner.as_ref().is_none_or(|acting| acting.id != picked) => {
            Err(Error::forbidden(format!("X-Partner: you do not act for {picked}")))
        }
        _ => Ok(caller),
    }
}

/// Whose things the caller's lists hold: its partner's; of no one partner for the platform, which sees everybody's.
///
/// # Errors
/// Those of [`acting`].
pub fn whose(caller: &Caller) -> Result<Option<PartnerId>, Error> {
    let acting = acting(caller)?;
    Ok((!acting.roles.core).then_some(acting.id))
}

/// The partner that the caller acts for.
///
/// # Errors
/// [`Error::Forbidden`] for a user who has none yet.
pub fn acting(caller: &Caller) -> Result<&Acting, Error> {
    caller.partner.as_ref().ok_or_else(|| Error::forbidden("you act for no partner yet: create one first"))
}
