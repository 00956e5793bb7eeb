//! The signature of a callback: HMAC-SHA256 over the time in seconds, a point, and the body, as hexadecimal digits. The key
//! is made of the server's secret.

use jiff::{SignedDuration, Timestamp};

use crate::random::hex;
use crate::secret::Secret;

/// The header with the time of the signature, in seconds since 1970.
pub const TIME_HEADER: &str = "X-Payment-Time";
/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "X-Payment-Signature";
/// How far the time of a signature may be from ours. Within it a callback that is sent again by somebody who overheard it
/// has no effect, because it counts once.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// A callback as it arrives: what two headers and the body say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The header with the time.
    pub time: String,
    /// The header with the signature.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Signed {
    /// Signs a body at a time.
    pub fn new(secret: &Secret, body: impl Into<Vec<u8>>, now: Timestamp) -> Self {
        let (time, body) = (now.as_second().to_string(), body.into());
        let signature = hex(&secret.sign_callback(&[time.as_bytes(), b".", &body]));
        Self { time, signature, body }
    }

    /// Whether the signature is right, and of about this time.
    pub fn is_right(&self, secret: &Secret, now: Timestamp) -> bool {
        let fresh = self.time.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
        let fresh = fresh.is_some_and(|at| now.duration_since(at).abs() <= TOLERANCE);
        let signature = bytes(&self.signature);
        fresh
            && signature.is_some_and(|given| secret.signed_callback(&[self.time.as_bytes(), b".", &self.body], &given))
    }
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        for digit in pair {
            *byte = *byte << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_800_000_000;

    fn secret(text: &str) -> Secret {
        Secret::from_text(text, "a test").unwrap()
    }

    fn ours() -> Secret {
        secret("0123456789abcdef0123456789abcdef")
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn signed() -> Signed {
        Signed::new(&ours(), r#"{"amount": "1.00"}"#, second(NOON))
    }

    #[test]
    fn a_signature_is_right_for_five_minutes() {
        for (after, right) in [(0, true), (300, true), (301, false), (-300, true), (-301, false), (-NOON, false)] {
            assert_eq!(signed().is_right(&ours(), second(NOON + after)), right, "{after}");
        }
    }

    #[test]
    fn it_is_of_this_secret_this_time_and_this_body() {
        assert!(!signed().is_right(&secret("another secret of at least 32 letters"), second(NOON)));
        let other_body = Signed { body: br#"{"amount": "9.00"}"#.to_vec(), ..signed() };
        let other_time = Signed { time: (NOON + 1).to_string(), ..signed() };
        // The point keeps a digit of the time from being one of the body.
        let moved = Signed { time: signed().time[..9].into(), body: [&b"0"[..], &signed().body].concat(), ..signed() };
        for wrong in [other_body, other_time, moved] {
            assert!(!wrong.is_right(&ours(), second(NOON)), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_signature_is_wrong() {
        let right = signed().signature;
        let upper = Signed { signature: right.to_uppercase(), ..signed() };
        assert!(upper.is_right(&ours(), second(NOON)));
        for signature in
            ["", "0", &right[1..], &format!("{right}00"), &"g".repeat(64), &"ж".repeat(32), &"0".repeat(64)]
        {
            assert!(!Signed { signature: signature.into(), ..signed() }.is_right(&ours(), second(NOON)), "{signature}");
        }
        for time in ["", "now", "-", "99999999999999999999", "9223372036854775807", "1800000000.0"] {
            assert!(!Signed { time: time.into(), ..signed() }.is_right(&ours(), second(NOON)), "{time}");
        }
    }
}
