//! Enums that are words on the wire.

/// Gives an enum its words: `ALL`, `as_str`, `FromStr` (other spellings after `|` are read, never
/// written) and `Display`.
macro_rules! wire_names {
    ($type:ident { $($variant:ident = $name:literal $(| $also:literal)*),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order in which they are documented.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::invalid::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name $(| $also)* => Ok(Self::$variant),)+
                    _ => Err($crate::invalid::Invalid::out_of_range(format!(
                        "must be one of {}",
                        [$($name),+].join(", ")
                    ))),
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use wire_names;

/// Checks that these are all values, that their words are these, and that each word is read as the
/// value that writes it.
#[cfg(test)]
pub(crate) fn check_wire_names<T>(all: &[T], words: &[&str])
where
    T: Copy + PartialEq + std::fmt::Debug + std::fmt::Display + std::str::FromStr,
    T::Err: std::fmt::Debug + PartialEq,
{
    let written: Vec<String> = all.iter().map(T::to_string).collect();
    assert_eq!(written, words);
    for value in all {
        assert_eq!(value.to_string().parse(), Ok(*value));
    }
}
