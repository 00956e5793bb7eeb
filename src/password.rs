//! Passwords, hashed with Argon2id (19 MiB, two passes, one lane: the OWASP minimum of 2023).
//!
//! One hash takes tens of milliseconds of a core and 19 MiB, so they run beside the async
//! threads, no more of them at once than there are cores, and a bounded number waits.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::Error as Refusal;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::random;

/// Hashes that may wait for each core. At about 30 ms each this is a second: who would have to
/// wait longer is told at once that the server is busy.
const WAITING_PER_CORE: usize = 32;

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many passwords are waiting already: try again in a second.
    #[error("too many sign-ins at once")]
    Busy,
    /// What is stored is not an Argon2 hash.
    #[error("a stored password hash is damaged: {0}")]
    Corrupt(argon2::password_hash::Error),
    /// Argon2 refused: it could not get its memory, or the password is longer than 4 GiB.
    #[error("a password could not be hashed: {0}")]
    Failed(argon2::password_hash::Error),
    /// There was no salt to be had.
    #[error(transparent)]
    Random(#[from] random::Error),
    /// The thread that hashed ended early.
    #[error("hashing a password was interrupted")]
    Interrupted,
}

/// The hash of a password under a new salt, as a PHC string (`$argon2id$v=19$…`).
pub fn hash(password: &str) -> Result<String, Error> {
    let (salt, params) = (random::bytes::<16>()?, Params::default());
    let output = digest(password, &salt, &params)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(Error::Failed)?,
        salt: Some(Salt::new(&salt).map_err(|error| Error::Failed(error.into()))?),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// Whether the password is the one that was hashed, by the parameters written in the hash.
pub fn verify(password: &str, hash: &str) -> Result<bool, Error> {
    let corrupt = || Error::Corrupt(Refusal::EncodingInvalid);
    let hash = PasswordHash::new(hash).map_err(|_| corrupt())?;
    let params = Params::try_from(&hash).map_err(Error::Corrupt)?;
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Err(corrupt()) };
    if hash.algorithm != Algorithm::Argon2id.ident() || hash.version != Some(Version::V0x13.into()) {
        return Err(corrupt());
    }
    // Outputs are compared in constant time.
    Ok(digest(password, salt, &params)? == *expected)
}

/// Spends the time of [`verify`] on nobody's hash, so that the answer to a sign-in tells by its
/// duration neither that an address is registered nor that it is not.
pub fn verify_nobody(password: &str) {
    let _ = black_box(digest(black_box(password), &[0; 16], &Params::default()));
}

/// Memory of former hashes. It is used again, because the allocator would keep a block for every
/// thread that ever hashed.
static MEMORY: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

fn digest(password: &str, salt: &[u8], params: &Params) -> Result<Output, Error> {
    let pool = || MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let mut blocks = pool().pop().unwrap_or_default();
    blocks.resize(params.block_count(), Block::new());
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let result = argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut blocks);
    pool().push(blocks);
    result.map_err(|error| Error::Failed(error.into()))?;
    Output::new(&output).map_err(|error| Error::Failed(error.into()))
}

/// The same three for async code. Clones share one limit.
#[derive(Clone, Debug)]
pub struct Passwords {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Passwords {
    /// As many hashes at once as the machine has cores.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Self::with_limits(cores, cores * (1 + WAITING_PER_CORE))
    }

    fn with_limits(running: usize, admitted: usize) -> Self {
        Self { running: Arc::new(Semaphore::new(running)), admitted: Arc::new(Semaphore::new(admitted)) }
    }

    /// [`hash`], beside the async threads.
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let password = password.to_owned();
        self.run(move || hash(&password)).await?
    }

    /// [`verify`], beside the async threads.
    pub async fn verify(&self, password: &str, hash: &str) -> Result<bool, Error> {
        let (password, hash) = (password.to_owned(), hash.to_owned());
        self.run(move || verify(&password, &hash)).await?
    }

    /// [`verify_nobody`], beside the async threads.
    pub async fn verify_nobody(&self, password: &str) -> Result<(), Error> {
        let password = password.to_owned();
        self.run(move || verify_nobody(&password)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let permits = self.permits().await?;
        tokio::task::spawn_blocking(move || {
            // Held until the work is done, not until its caller goes away: a client that hangs
            // up does not free the core its password still occupies.
            let _permits = permits;
            work()
        })
        .await
        .map_err(|_| Error::Interrupted)
    }

    async fn permits(&self) -> Result<[OwnedSemaphorePermit; 2], Error> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Error::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Error::Interrupted)?;
        Ok([admitted, running])
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_recognized_and_another_is_not() {
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse", &hash).unwrap());
        assert!(!verify("correct horsf", &hash).unwrap());
        assert!(!verify("", &hash).unwrap());
    }

    #[test]
    fn the_same_password_hashes_differently_each_time() {
        assert_ne!(hash("correct horse").unwrap(), hash("correct horse").unwrap());
    }

    #[test]
    fn a_damaged_hash_is_an_error_and_not_a_wrong_password() {
        for damaged in ["", "plain", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA", "$md5$x$y"] {
            assert!(matches!(verify("correct horse", damaged), Err(Error::Corrupt(_))), "{damaged}");
        }
    }

    #[tokio::test]
    async fn beyond_the_bound_of_waiting_hashes_the_server_is_busy() {
        let passwords = Passwords::with_limits(1, 2);
        let one = passwords.hash("one password");
        let two = passwords.hash("another password");
        let three = passwords.hash("a third password");
        let (one, two, three) = tokio::join!(one, two, three);
        assert!(one.is_ok() && two.is_ok());
        assert!(matches!(three, Err(Error::Busy)));
        assert!(passwords.verify_nobody("and now there is room").await.is_ok());
    }
}
