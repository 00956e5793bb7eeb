//! The server's secret, and the keys made from it.
//!
//! One text of at least 32 characters, kept outside the database. Each purpose has its own key,
//! derived by HKDF-SHA256, so that what one of them gives away says nothing about another. The
//! text itself is forgotten once the keys are made.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::random;

/// The fewest characters a secret may have.
pub const SECRET_MIN_CHARS: usize = 32;

/// The most that is read of a secret file, in bytes: a wrong path may name anything.
const SECRET_FILE_MAX_BYTES: u64 = 4096;

/// The length of the nonce in front of every sealed value, in bytes.
const NONCE_BYTES: usize = 24;

/// A text that is shown to nobody: neither `Debug` nor a log shows more than that it is there.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// The text itself, for the one who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Where the secret is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was given as a text, by `PARTERRE_SECRET` or the configuration file.
    Given(Hidden),
    /// It is in this file, which has to exist.
    File(PathBuf),
    /// It is in this file of the data folder, which is created on the first start.
    Created(PathBuf),
    /// It was given nowhere: several servers may share a PostgreSQL database, so none of them
    /// can invent it.
    Nowhere,
}

/// Why there is no secret. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The text is too short to withstand guessing.
    #[error(
        "{place} holds a secret of {chars} characters; at least {SECRET_MIN_CHARS} are needed (openssl rand -hex 32 makes one)"
    )]
    TooShort {
        /// Where it was found.
        place: String,
        /// How long it is.
        chars: usize,
    },
    /// The file holds something else than a text.
    #[error("the secret file {} is not a text of at most {SECRET_FILE_MAX_BYTES} bytes", .0.display())]
    NotText(PathBuf),
    /// The file cannot be read.
    #[error("the secret file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Somebody besides its owner may read or change the file.
    #[error(
        "the secret file {} is open to others (mode {mode:03o}); run: chmod 600 {}",
        path.display(),
        path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The database was made with a secret, and the file it was in is gone. A new one would make
    /// what is sealed unreadable for good.
    #[error(
        "the secret file {} is missing, and the database was made with it; put it back from the backup",
        .0.display()
    )]
    Lost(PathBuf),
    /// The file could not be created.
    #[error("the secret file {} cannot be created: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// PostgreSQL is used and no secret was given.
    #[error(
        "with --database the secret must be given, by --secret-file or PARTERRE_SECRET (openssl rand -hex 32 makes one)"
    )]
    Nowhere,
    /// No random bytes to make a secret of.
    #[error(transparent)]
    Random(#[from] random::Error),
    /// A key could not be derived.
    #[error("no key could be derived from the secret")]
    Derivation,
}

/// Why a value could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No random bytes for the nonce.
    #[error(transparent)]
    Random(#[from] random::Error),
    /// The value is too long for the cipher.
    #[error("a value could not be encrypted")]
    Seal,
    /// The value was sealed by another secret or for another context, or was changed since.
    #[error("a stored value cannot be decrypted: it was changed, moved, or sealed by another secret")]
    Open,
}

/// The keys made from the server's secret.
#[derive(Clone)]
pub struct Secret {
    /// Keyed once: a clone spares each request two of the four blocks of a hash.
    tokens: Hmac<Sha256>,
    callbacks: Hmac<Sha256>,
    draws: Hmac<Sha256>,
    seal: XChaCha20Poly1305,
    fingerprint: [u8; 16],
}

impl Secret {
    /// The keys of a text of at least [`SECRET_MIN_CHARS`] characters; white space around it
    /// does not count. `place` is where the text was found, for the error.
    pub fn from_text(text: &str, place: impl Into<String>) -> Result<Self, SecretError> {
        let text = text.trim();
        let chars = text.chars().count();
        if chars < SECRET_MIN_CHARS {
            let place = place.into();
            return Err(SecretError::TooShort { place, chars });
        }
        let keys = Hkdf::<Sha256>::new(Some(b"parterre"), text.as_bytes());
        Ok(Self {
            tokens: Hmac::new(&derive::<64>(&keys, b"token hash")?.into()),
            callbacks: Hmac::new(&derive::<64>(&keys, b"payment callbacks")?.into()),
            draws: Hmac::new(&derive::<64>(&keys, b"draw")?.into()),
            seal: XChaCha20Poly1305::new(&derive::<32>(&keys, b"seal")?.into()),
            fingerprint: derive(&keys, b"fingerprint")?,
        })
    }

    /// The secret from where the configuration says it is. `new` says that no database was made
    /// with a secret yet, so one that nobody gave may be created.
    pub fn load(origin: &Origin, new: bool) -> Result<Self, SecretError> {
        match origin {
            Origin::Given(text) => Self::from_text(text.reveal(), "PARTERRE_SECRET"),
            Origin::File(path) => Self::from_file(path),
            Origin::Created(path) => match fs::symlink_metadata(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && new => {
                    let text = random::hex_token::<32>()?;
                    write_new(path, &text).map_err(|source| SecretError::Unwritable { path: path.clone(), source })?;
                    Self::from_file(path)
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SecretError::Lost(path.clone())),
                _ => Self::from_file(path),
            },
            Origin::Nowhere => Err(SecretError::Nowhere),
        }
    }

    fn from_file(path: &Path) -> Result<Self, SecretError> {
        let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
        // The rights are asked of the open file, so that it cannot be exchanged in between.
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let path = path.to_owned();
            return Err(SecretError::OpenToOthers { path, mode });
        }
        let mut bytes = Vec::new();
        file.take(SECRET_FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        match String::from_utf8(bytes) {
            Ok(text) if text.len() as u64 <= SECRET_FILE_MAX_BYTES => {
                Self::from_text(&text, format!("the secret file {}", path.display()))
            }
            _ => Err(SecretError::NotText(path.to_owned())),
        }
    }

    /// The hash under which a token (an API key, a session) is stored and looked up. It is keyed,
    /// so a stolen database tells nothing even about tokens that can be guessed.
    pub fn token_hash(&self, token: &str) -> [u8; 32] {
        let mut hash = self.tokens.clone();
        hash.update(token.as_bytes());
        hash.finalize().into_bytes().into()
    }

    /// The signature of a payment system's callback: of these parts, one after the other.
    pub fn sign_callback(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.callback(parts).finalize().into_bytes().into()
    }

    /// Whether a callback has this signature. It takes as long for a wrong one as for the right one.
    pub fn signed_callback(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        self.callback(parts).verify_slice(signature).is_ok()
    }

    fn callback(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.callbacks.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }

    /// A seed for what nobody may guess: keyed, so that not even a system with poor random numbers gives it away.
    pub fn seed(&self, nonce: &[u8; 32]) -> [u8; 32] {
        let mut hash = self.draws.clone();
        hash.update(nonce);
        hash.finalize().into_bytes().into()
    }

    /// Encrypts a value that has to be shown again. It opens only under the same `context`, which
    /// names the row and column it belongs to, so that no sealed value can be moved to another.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = random::bytes::<NONCE_BYTES>()?;
        let payload = Payload { msg: plain, aad: context };
        let mut sealed = nonce.to_vec();
        sealed.extend(self.seal.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Seal)?);
        Ok(sealed)
    }

    /// The value that [`seal`](Self::seal) encrypted under the same context.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Open)?;
        let payload = Payload { msg: sealed, aad: context };
        self.seal.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Open)
    }

    /// What the database remembers of the secret: 32 hexadecimal digits that change with it and
    /// from which nothing else can be learned.
    pub fn fingerprint(&self) -> String {
        random::hex(&self.fingerprint)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

fn derive<const N: usize>(keys: &Hkdf<Sha256>, purpose: &[u8]) -> Result<[u8; N], SecretError> {
    let mut key = [0; N];
    keys.expand(purpose, &mut key).map_err(|_| SecretError::Derivation)?;
    Ok(key)
}

/// Writes the file aside and then gives it its name, so that a crash in between leaves no file
/// with half a secret.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    const TEXT: &str = "0123456789abcdef0123456789abcdef";

    fn secret() -> Secret {
        Secret::from_text(TEXT, "a test").unwrap()
    }

    fn refusal(origin: &Origin) -> String {
        Secret::load(origin, false).unwrap_err().to_string()
    }

    fn file(folder: &Folder, text: &[u8], mode: u32) -> Origin {
        let path = folder.path().join("given");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Origin::File(path)
    }

    #[test]
    fn a_sealed_value_opens_under_its_context_only() {
        let sealed = secret().seal(b"keys/1", b"my-very-secret-key").unwrap();
        assert_eq!(secret().open(b"keys/1", &sealed).unwrap(), b"my-very-secret-key");
        assert!(secret().open(b"keys/2", &sealed).is_err());
    }

    #[test]
    fn a_sealed_value_that_was_changed_does_not_open() {
        let sealed = secret().seal(b"", b"text").unwrap();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(secret().open(b"", &changed).is_err(), "byte {position}");
            assert!(secret().open(b"", &sealed[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn a_value_is_sealed_differently_each_time() {
        let secret = secret();
        assert_ne!(secret.seal(b"", b"text").unwrap(), secret.seal(b"", b"text").unwrap());
    }

    #[test]
    fn another_secret_gives_other_hashes_and_another_fingerprint() {
        let other = Secret::from_text(&TEXT.replace('0', "1"), "a test").unwrap();
        assert_ne!(secret().token_hash("token"), other.token_hash("token"));
        assert_ne!(secret().fingerprint(), other.fingerprint());
        let sealed = secret().seal(b"", b"text").unwrap();
        assert!(other.open(b"", &sealed).is_err());
    }

    #[test]
    fn what_is_stored_stays_readable_by_later_versions() {
        // Computed from RFC 5869 and RFC 2104 by other means.
        assert_eq!(secret().fingerprint(), "3f9aa2b618fd6295a86f516fcb6a8601");
        assert_eq!(
            random::hex(&secret().token_hash("token")),
            "2ecd722f04e25d9f18258ad5d577aa9003a783721bafce0d35bebba869cb8f6e"
        );
        let sealed = [
            217, 40, 73, 189, 45, 219, 252, 128, 61, 19, 209, 118, 195, 213, 104, 224, 32, 32, 1, 226, 220, 119, 94,
            128, 245, 212, 86, 18, 137, 97, 241, 65, 41, 15, 32, 243, 98, 42, 131, 226, 44, 100, 71, 235,
        ];
        assert_eq!(secret().open(b"context", &sealed).unwrap(), b"text");
    }

    #[test]
    fn a_secret_needs_32_characters() {
        assert!(Secret::from_text(&TEXT[1..], "a test").is_err());
        assert!(Secret::from_text(&format!("{}  \n", &TEXT[1..]), "a test").is_err());
        assert!(Secret::from_text(&format!(" {TEXT}\n"), "a test").is_ok());
        assert!(Secret::from_text(&"я".repeat(32), "a test").is_ok());
    }

    #[test]
    fn nothing_shows_the_secret() {
        let shown = format!("{:?} {:?}", secret(), Origin::Given(TEXT.into()));
        assert!(!shown.contains("0123"), "{shown}");
        let short = Secret::from_text("too-short-a-secret", "a test").unwrap_err();
        assert!(!format!("{short} {short:?}").contains("too-short"));
    }

    #[test]
    fn white_space_around_the_text_of_a_file_does_not_count() {
        let folder = Folder::new();
        let loaded = Secret::load(&file(&folder, format!("{TEXT}\n").as_bytes(), 0o600), false);
        assert_eq!(loaded.unwrap().fingerprint(), secret().fingerprint());
    }

    #[test]
    fn a_file_that_others_may_read_or_change_is_refused() {
        let folder = Folder::new();
        for mode in [0o604, 0o640, 0o644, 0o602, 0o666, 0o777] {
            let refusal = refusal(&file(&folder, TEXT.as_bytes(), mode));
            assert!(refusal.contains("chmod 600"), "{refusal}");
        }
        for mode in [0o600, 0o400] {
            assert!(Secret::load(&file(&folder, TEXT.as_bytes(), mode), false).is_ok());
        }
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused() {
        let folder = Folder::new();
        assert!(refusal(&file(&folder, b"", 0o600)).contains("0 characters"));
        assert!(refusal(&file(&folder, &[0xff; 40], 0o600)).contains("not a text"));
        assert!(refusal(&file(&folder, &[b'x'; 5000], 0o600)).contains("not a text"));
        assert!(refusal(&Origin::File(folder.path().join("absent"))).contains("cannot be read"));
        assert!(refusal(&Origin::Nowhere).contains("--secret-file"));
    }

    #[test]
    fn the_first_start_creates_a_secret_that_only_its_owner_reads() {
        let folder = Folder::new();
        let path = folder.path().join("secret");
        let origin = Origin::Created(path.clone());
        let first = Secret::load(&origin, true).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for new in [true, false] {
            let again = Secret::load(&origin, new).unwrap();
            assert_eq!(again.fingerprint(), first.fingerprint());
        }
    }

    #[test]
    fn a_lost_secret_is_not_replaced() {
        let folder = Folder::new();
        let path = folder.path().join("secret");
        assert!(refusal(&Origin::Created(path.clone())).contains("backup"));
        assert!(!path.exists());
    }
}
