//! Limits of texts, and the form in which they are searched.

use crate::invalid::Invalid;

/// The most characters of a text of one line: a name, an address, a number of a document.
pub const SHORT_MAX: usize = 1_000;

/// The most characters of a text of many lines: a description.
pub const LONG_MAX: usize = 100_000;

/// The searchable form of a text: Unicode lower case, character by character.
///
/// Character by character, because then a part of a text folds to a part of the folded text;
/// lower case by the word writes the Greek sigma differently at a word's end.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|char| if char == 'ς' { 'σ' } else { char }).collect()
}

/// The number of characters (not bytes): what all limits count.
pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// A text of at most [`SHORT_MAX`] characters; it may be empty.
///
/// # Errors
/// `too_long`; `malformed` for U+0000, which PostgreSQL can't store.
pub fn check_short(text: &str) -> Result<(), Invalid> {
    check(text, SHORT_MAX)
}

/// A text of at most [`LONG_MAX`] characters; it may be empty.
///
/// # Errors
/// `too_long`; `malformed` for U+0000, which PostgreSQL can't store.
pub fn check_long(text: &str) -> Result<(), Invalid> {
    check(text, LONG_MAX)
}

fn check(text: &str, max: usize) -> Result<(), Invalid> {
    if text.contains('\0') {
        return Err(Invalid::malformed("must not contain the character U+0000"));
    }
    if length(text) > max {
        return Err(Invalid::too_long(max));
    }
    Ok(())
}

/// A name: the text without the white space around it, then 1 to `max` characters, none of them a
/// control character.
///
/// # Errors
/// `required` where nothing is left, `too_long`, `malformed` for a control character.
pub fn name(text: &str, max: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::new("required", "must not be empty"));
    }
    if text.contains(char::is_control) {
        return Err(Invalid::malformed("must be one line without control characters"));
    }
    if length(text) > max {
        return Err(Invalid::too_long(max));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_searched_in_lower_case_of_any_alphabet() {
        for (text, folded) in [
            ("Nanobilet", "nanobilet"),
            ("МУЗЫКА Ёлка", "музыка ёлка"),
            ("ΟΔΟΣ", "οδοσ"),
            ("οδος", "οδοσ"),
            ("ÀÉ", "àé"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn limits_count_characters() {
        assert_eq!(length("Ёж"), 2);
        assert_eq!(check_short(&"ж".repeat(1_000)), Ok(()));
        assert_eq!(check_short(&"ж".repeat(1_001)), Err(Invalid::too_long(1_000)));
        assert_eq!(check_long(&"ж".repeat(100_000)), Ok(()));
        assert_eq!(check_long(&"ж".repeat(100_001)), Err(Invalid::too_long(100_000)));
    }

    #[test]
    fn a_text_may_be_empty_but_not_hold_what_postgresql_cannot_store() {
        assert_eq!(check_short(""), Ok(()));
        assert_eq!(check_short("one\nline\tmore"), Ok(()));
        assert_eq!(check_short("a\0b").unwrap_err().code, "malformed");
        assert_eq!(check_long("\0").unwrap_err().code, "malformed");
    }

    #[test]
    fn a_name_is_one_line_without_white_space_around_it() {
        assert_eq!(name("  Nano bilet\u{a0}", 10), Ok("Nano bilet".to_owned()));
        for (text, code) in [
            ("", "required"),
            (" \t\n", "required"),
            ("two\nlines", "malformed"),
            ("nul\0", "malformed"),
            ("eleven char", "too_long"),
        ] {
            assert_eq!(name(text, 10).unwrap_err().code, code, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_part_of_a_text_folds_to_a_part_of_the_folded_text(a: String, b: String, c: String) {
            let whole = fold(&format!("{a}{b}{c}"));
            prop_assert!(whole.contains(&fold(&b)));
            prop_assert_eq!(fold(&whole), whole);
        }
    }
}
