//! API keys: what programs act for a partner with.

use jiff::Timestamp;

use super::{Error, Inner, Window};
use crate::domain::access::{self, Caller};
use crate::domain::id::{KeyId, PartnerId};
use crate::random;
use crate::secret::Secret;
use crate::store::api_keys::StoredKey;
use crate::store::{self, Tx};

/// An API key as its owner sees it.
#[derive(Clone)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whom it acts for.
    pub partner: PartnerId,
    /// What it is for.
    pub name: Option<String>,
    /// What programs send.
    pub token: String,
    /// Whether it has stopped working.
    pub removed: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A part of the list of a partner's working keys.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the partner's owners and the platform.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    secret: &Secret,
    partner: PartnerId,
    ids: Option<&[KeyId]>,
    window: Window<KeyId>,
) -> Result<Vec<ApiKey>, Error> {
    administered(tx, caller, partner)?;
    let keys = store::api_keys::list(tx, partner, ids, window)?;
    keys.into_iter().map(|key| opened(secret, key)).collect()
}

/// How many keys the list holds in all.
///
/// # Errors
/// Those of [`list`].
pub fn count(tx: &mut Tx<'_>, caller: &Caller, partner: PartnerId, ids: Option<&[KeyId]>) -> Result<i64, Error> {
    administered(tx, caller, partner)?;
    Ok(store::api_keys::count(tx, partner, ids)?)
}

/// One key, also a removed one.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the partner's owners and the platform.
pub fn get(tx: &mut Tx<'_>, caller: &Caller, secret: &Secret, partner: PartnerId, id: KeyId) -> Result<ApiKey, Error> {
    administered(tx, caller, partner)?;
    let key = store::api_keys::find(tx, partner, id)?.ok_or(Error::NotFound("API key"))?;
    opened(secret, key)
}

/// A key that is drawn but not stored: with its token sealed, for drawing and sealing need random numbers.
#[derive(Clone)]
pub struct NewKey {
    /// Its id.
    pub id: KeyId,
    /// What programs send.
    pub token: String,
    token_hash: [u8; 32],
    token_sealed: Vec<u8>,
}

impl NewKey {
    /// Draws a token of 32 hex digits.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn draw(app: &Inner) -> Result<Self, Error> {
        let token = random::hex_token::<16>().map_err(|error| Error::Internal(error.to_string()))?;
        Self::with_token(app, app.new_id(), token)
    }

    /// A key with a token that is known already.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn with_token(app: &Inner, id: KeyId, token: String) -> Result<Self, Error> {
        let token_hash = app.secret.token_hash(&token);
        let sealed = app.secret.seal(id.as_bytes(), token.as_bytes());
        let token_sealed = sealed.map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { id, token, token_hash, token_sealed })
    }
}

/// Makes a key.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the partner's owners and the platform.
pub fn create(
    tx: &mut Tx<'_>,
    caller: &Caller,
    new: &NewKey,
    partner: PartnerId,
    name: Option<String>,
) -> Result<ApiKey, Error> {
    administered(tx, caller, partner)?;
    create_by_operator(tx, new, partner, name)
}

/// Makes a key for the operator of the server, who needs no right.
///
/// # Errors
/// [`Error::NotFound`].
pub fn create_by_operator(
    tx: &mut Tx<'_>,
    new: &NewKey,
    partner: PartnerId,
    name: Option<String>,
) -> Result<ApiKey, Error> {
    if store::partners::find(tx, partner)?.is_none() {
        return Err(Error::NotFound("partner"));
    }
    let created_at = tx.now();
    let token_sealed = new.token_sealed.clone();
    let key = StoredKey { id: new.id, partner, name, token_sealed, removed: false, created_at };
    store::api_keys::insert(tx, &key, &new.token_hash)?;
    let StoredKey { id, name, .. } = key;
    Ok(ApiKey { id, partner, name, token: new.token.clone(), removed: false, created_at })
}

/// Gives a key another name.
///
/// # Errors
/// Those of [`get`].
pub fn rename(
    tx: &mut Tx<'_>,
    caller: &Caller,
    secret: &Secret,
    partner: PartnerId,
    id: KeyId,
    name: Option<Option<String>>,
) -> Result<ApiKey, Error> {
    let mut key = get(tx, caller, secret, partner, id)?;
    if let Some(name) = name {
        store::api_keys::set_name(tx, id, name.as_deref())?;
        key.name = name;
    }
    Ok(key)
}

/// Makes a key stop working.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the partner's owners and the platform.
pub fn remove(tx: &mut Tx<'_>, caller: &Caller, partner: PartnerId, id: KeyId) -> Result<(), Error> {
    administered(tx, caller, partner)?;
    store::api_keys::find(tx, partner, id)?.ok_or(Error::NotFound("API key"))?;
    Ok(store::api_keys::remove(tx, id)?)
}

fn administered(tx: &mut Tx<'_>, caller: &Caller, partner: PartnerId) -> Result<(), Error> {
    if store::partners::find(tx, partner)?.is_none() {
        return Err(Error::NotFound("partner"));
    }
    if !access::administers(caller, partner) {
        return Err(Error::forbidden("only the partner's owners may see and change its API keys"));
    }
    Ok(())
}

fn opened(secret: &Secret, key: StoredKey) -> Result<ApiKey, Error> {
    let damaged = || Error::Internal(format!("api_keys.token_sealed of {} cannot be opened", key.id));
    let token = secret.open(key.id.as_bytes(), &key.token_sealed).map_err(|_| damaged())?;
    let token = String::from_utf8(token).map_err(|_| damaged())?;
    let StoredKey { id, partner, name, removed, created_at, .. } = key;
    Ok(ApiKey { id, partner, name, token, removed, created_at })
}
