//! What is wrong with one value.

/// One wrong value, said so that its sender can put it right.
///
/// It doesn't know where the value stood: who reads a request adds the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// The kind of mistake, for programs: one of the codes that the constructors give.
    pub code: &'static str,
    /// What would be right, for people: "must be between 0% and 100%".
    pub message: String,
}

impl Invalid {
    /// A value with a code of its own.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// `required`: the value is missing, null or blank.
    pub fn required() -> Self {
        Self::new("required", "is required")
    }

    /// `wrong_type`: another JSON type was expected.
    pub fn wrong_type(message: impl Into<String>) -> Self {
        Self::new("wrong_type", message)
    }

    /// `malformed`: the text doesn't have the form it should have.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new("malformed", message)
    }

    /// `out_of_range`: well formed, but not among the values that are allowed here.
    pub fn out_of_range(message: impl Into<String>) -> Self {
        Self::new("out_of_range", message)
    }

    /// `too_long`: more than `max` characters.
    pub fn too_long(max: usize) -> Self {
        Self::new("too_long", format!("must have at most {max} characters"))
    }

    /// `too_short`: fewer than `min` characters.
    pub fn too_short(min: usize) -> Self {
        Self::new("too_short", format!("must have at least {min} characters"))
    }

    /// `unknown`: names nothing that exists.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new("unknown", message)
    }

    /// `conflict`: contradicts another value.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new("conflict", message)
    }
}
