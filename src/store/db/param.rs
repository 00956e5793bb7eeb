//! What a statement is given.

use std::borrow::Cow;

use jiff::Timestamp;

use super::Error;
use crate::domain::id::Bucket;

/// A value given to a statement. [`params!`](crate::params) makes them from the types of the
/// domain.
#[derive(Debug, Clone, PartialEq)]
pub enum Param<'a> {
    /// `null` of any type.
    Null,
    /// For a `boolean`.
    Bool(bool),
    /// For a `bigint` or an `integer`.
    I64(i64),
    /// For a `text`; without the character 0.
    Text(Cow<'a, str>),
    /// For a `bytea`.
    Bytes(Cow<'a, [u8]>),
    /// For a `bytea` that holds an id.
    Id([u8; 12]),
    /// For `= any($n)` on a `bytea`.
    List(Vec<Vec<u8>>),
}

impl Param<'_> {
    /// What it is, for messages: its value may be a secret.
    pub(in crate::store) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::I64(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bytes(_) | Self::Id(_) => "bytes",
            Self::List(_) => "a list of bytes",
        }
    }

    pub(super) fn has_nul(&self) -> bool {
        matches!(self, Self::Text(text) if text.as_bytes().contains(&0))
    }
}

macro_rules! param_from {
    ($($type:ty => |$value:ident| $param:expr;)*) => {
        $(impl<'a> From<$type> for Param<'a> {
            fn from($value: $type) -> Self {
                $param
            }
        })*
    };
}

param_from! {
    bool => |value| Param::Bool(value);
    i32 => |value| Param::I64(value.into());
    i64 => |value| Param::I64(value);
    u8 => |value| Param::I64(value.into());
    u32 => |value| Param::I64(value.into());
    &'a str => |value| Param::Text(Cow::Borrowed(value));
    &'a String => |value| Param::Text(Cow::Borrowed(value));
    String => |value| Param::Text(Cow::Owned(value));
    Cow<'a, str> => |value| Param::Text(value);
    &'a [u8] => |value| Param::Bytes(Cow::Borrowed(value));
    &'a Vec<u8> => |value| Param::Bytes(Cow::Borrowed(value));
    Vec<u8> => |value| Param::Bytes(Cow::Owned(value));
    Vec<Vec<u8>> => |value| Param::List(value);
    Timestamp => |value| Param::I64(value.as_microsecond());
    Bucket => |value| Param::Bytes(Cow::Owned(value.as_bytes().to_vec()));
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// `None` for a value that no column has a type for.
pub(super) fn built_param(value: &sea_query::Value) -> Result<Param<'_>, Error> {
    use sea_query::Value as Built;
    let param = match value {
        Built::Bool(value) => (*value).into(),
        Built::TinyInt(value) => value.map(i64::from).into(),
        Built::SmallInt(value) => value.map(i64::from).into(),
        Built::Int(value) => (*value).into(),
        Built::BigInt(value) => (*value).into(),
        Built::TinyUnsigned(value) => (*value).into(),
        Built::SmallUnsigned(value) => value.map(i64::from).into(),
        Built::Unsigned(value) => (*value).into(),
        Built::BigUnsigned(None) => Param::Null,
        Built::BigUnsigned(Some(value)) => i64::try_from(*value)
            .map(Param::I64)
            .map_err(|_| Error::Other(format!("{value} is more than a bigint holds")))?,
        Built::String(value) => value.as_deref().into(),
        Built::Bytes(value) => value.as_deref().into(),
        _ => {
            return Err(Error::Other("a built statement has a value that no column holds".into()));
        }
    };
    Ok(param)
}
