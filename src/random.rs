//! Random bytes from the operating system. Nothing else in the program asks for them, so that
//! there is one place where their lack is noticed, and none where it is papered over.

/// The operating system gave no random bytes, so no key, token or nonce can be made.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random numbers: {0}")]
pub struct Error(getrandom::Error);

/// `N` random bytes, good enough for keys.
#[expect(clippy::disallowed_methods, reason = "this is the place all others are sent to")]
pub fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error)?;
    Ok(bytes)
}

/// A token of `N` random bytes, written as `2 * N` lower-case hexadecimal digits.
pub fn hex_token<const N: usize>() -> Result<String, Error> {
    Ok(hex(&bytes::<N>()?))
}

/// The bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_hexadecimal_of_the_asked_length_and_differ() {
        let (one, other) = (hex_token::<20>().unwrap(), hex_token::<20>().unwrap());
        assert_eq!(one.len(), 40);
        assert!(one.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')));
        assert_ne!(one, other);
    }

    #[test]
    fn hex_keeps_leading_zeros() {
        assert_eq!(hex(&[0, 1, 0xab, 0xff]), "0001abff");
    }
}
