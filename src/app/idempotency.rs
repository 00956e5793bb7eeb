//! Requests with an `Idempotency-Key`: the answer is recorded in the transaction of the effect and given again to the same
//! request, so that neither a repetition nor a crash lets the effect happen twice (`spec/http.md`, Requests).

use jiff::SignedDuration;

use super::Error;
use crate::domain::id::ObjectId;
use crate::secret::Secret;
use crate::store::idempotency::Answered;
use crate::store::{self, Tx};

/// How long an answer is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A request that is to take effect once.
#[derive(Clone, Debug)]
pub struct Once {
    /// Who asks: the partner, or the user who has none.
    pub scope: ObjectId,
    /// The user, who may have had no partner when the request was first made: it may have created one.
    pub user: Option<ObjectId>,
    /// The key that the client chose.
    pub key: String,
    /// The hash of method, path with query, and body.
    pub request_hash: [u8; 32],
}

/// What a request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// What the caller was warned of.
    pub warning: Option<String>,
}

/// What is known of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Known {
    /// It is new: go on, then [`record`] the answer.
    New,
    /// It was answered: give the answer again.
    Answered(Answer),
    /// Another server is at it.
    Running,
    /// The key was used for another request.
    Other,
}

/// Looks a request up. Until the transaction ends no other one with the same key goes on.
///
/// # Errors
/// Those of the store.
pub fn look_up(tx: &mut Tx<'_>, secret: &Secret, once: &Once) -> Result<Known, Error> {
    if !tx.try_lock(once.lock_number())? {
        return Ok(Known::Running);
    }
    let since = tx.now().saturating_sub(KEPT).map_err(|error| Error::Internal(error.to_string()))?;
    for scope in [Some(once.scope), once.user].into_iter().flatten() {
        let Some(answered) = store::idempotency::find(tx, scope, &once.key, since)? else { continue };
        if answered.request_hash != once.request_hash {
            return Ok(Known::Other);
        }
        let body = secret
            .open(&context(scope, &once.key), &answered.answer)
            .map_err(|_| Error::Internal("idempotent_requests.answer cannot be opened".into()))?;
        return Ok(Known::Answered(Answer { status: answered.status, body, warning: answered.warning }));
    }
    Ok(Known::New)
}

/// Records the answer, sealed: it may hold a secret.
///
/// # Errors
/// Those of the store.
pub fn record(tx: &mut Tx<'_>, secret: &Secret, once: &Once, answer: &Answer) -> Result<(), Error> {
    let sealed = secret
        .seal(&context(once.scope, &once.key), &answer.body)
        .map_err(|error| Error::Internal(error.to_string()))?;
    let answered = Answered {
        request_hash: once.request_hash,
        status: answer.status,
        answer: sealed,
        warning: answer.warning.clone(),
    };
    Ok(store::idempotency::put(tx, once.scope, &once.key, &answered)?)
}

/// What binds a sealed answer to its request.
fn context(scope: ObjectId, key: &str) -> Vec<u8> {
    [scope.as_bytes().as_slice(), key.as_bytes()].concat()
}

impl Once {
    /// Two keys that share a number by chance get a 409 when they run at once; the client then asks again.
    fn lock_number(&self) -> i64 {
        use sha2::{Digest, Sha256};
        let digest: [u8; 32] = Sha256::digest(context(self.scope, &self.key)).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        i64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}
