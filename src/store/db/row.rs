//! What a statement gives back.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;

use super::Error;
use crate::domain::id::Bucket;

/// A value that an engine found.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// A `boolean` (PostgreSQL only: SQLite keeps 0 and 1).
    Bool(bool),
    /// An `integer` or `bigint`.
    I64(i64),
    /// A `text`.
    Text(String),
    /// A `bytea`.
    Bytes(Vec<u8>),
}

/// The names of a statement's result columns, shared by its rows.
#[derive(Debug)]
pub(in crate::store) struct Columns {
    names: Vec<String>,
    /// Which of them tells the rows apart: `id`, or else the first.
    id: usize,
}

impl Columns {
    pub fn new<'a>(names: impl Iterator<Item = &'a str>) -> Arc<Self> {
        let names: Vec<String> = names.map(str::to_owned).collect();
        let id = names.iter().position(|name| name == "id").unwrap_or(0);
        Arc::new(Self { names, id })
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// A name for messages; positions count from 0.
    pub fn name(&self, index: usize) -> String {
        let name = self.names.get(index);
        name.map_or_else(|| format!("column {}", index + 1), Clone::clone)
    }
}

/// A row that a statement found.
#[derive(Debug)]
pub struct Row {
    values: Vec<Value>,
    columns: Arc<Columns>,
}

impl Row {
    pub(in crate::store) fn new(values: Vec<Value>, columns: Arc<Columns>) -> Self {
        Self { values, columns }
    }

    /// Reads the row's values in the order of the statement's columns. The table is for the
    /// message when a value cannot be read.
    pub fn read(self, table: &'static str) -> RowReader {
        RowReader { row: self, table, next: 0 }
    }
}

/// A row being read, column by column.
#[derive(Debug)]
pub struct RowReader {
    row: Row,
    table: &'static str,
    next: usize,
}

impl RowReader {
    /// The next column's value.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it is of another type, out of its range, or the columns are over.
    #[expect(clippy::should_implement_trait, reason = "columns differ in type")]
    pub fn next<T: FromValue>(&mut self) -> Result<T, Error> {
        let index = self.next;
        self.next += 1;
        let value = match self.row.values.get_mut(index) {
            // It stays, to be named by later errors.
            Some(id) if index == self.row.columns.id => T::from_value(&mut id.clone()),
            Some(value) => T::from_value(value),
            None => None,
        };
        value.ok_or_else(|| self.corrupt_last())
    }

    /// The next column's value, made into what it stands for.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read or the conversion refuses it.
    pub fn next_as<V: FromValue, T, E>(&mut self, convert: impl FnOnce(V) -> Result<T, E>) -> Result<T, Error> {
        let value = self.next()?;
        convert(value).map_err(|_| self.corrupt_last())
    }

    /// The next column's text, parsed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it is no text or cannot be parsed.
    pub fn next_parsed<T: FromStr>(&mut self) -> Result<T, Error> {
        self.next_as(|text: String| text.parse::<T>())
    }

    /// The error for columns that contradict each other, named by one of them.
    pub fn corrupt(&self, column: &str) -> Error {
        let id = match self.row.values.get(self.row.columns.id) {
            Some(Value::Bytes(bytes)) => Hex(bytes).to_string(),
            Some(Value::I64(number)) => number.to_string(),
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Bool(value)) => value.to_string(),
            Some(Value::Null) | None => "without an id".into(),
        };
        Error::Corrupt { table: self.table, column: column.to_owned(), id }
    }

    /// The error for the column read last.
    fn corrupt_last(&self) -> Error {
        self.corrupt(&self.row.columns.name(self.next - 1))
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A type that a column can be read as.
pub trait FromValue: Sized {
    /// The value as this type, `None` when it is none. Texts and bytes are moved out of it.
    fn from_value(value: &mut Value) -> Option<Self>;
}

impl FromValue for bool {
    fn from_value(value: &mut Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(*value),
            Value::I64(0) => Some(false),
            Value::I64(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: &mut Value) -> Option<Self> {
        match value {
            Value::I64(value) => Some(*value),
            _ => None,
        }
    }
}

macro_rules! smaller_integers {
    ($($type:ty),*) => {
        $(impl FromValue for $type {
            fn from_value(value: &mut Value) -> Option<Self> {
                i64::from_value(value)?.try_into().ok()
            }
        })*
    };
}
smaller_integers!(i32, u8, u32);

impl FromValue for String {
    fn from_value(value: &mut Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(std::mem::take(text)),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &mut Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(std::mem::take(bytes)),
            _ => None,
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: &mut Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => bytes.as_slice().try_into().ok(),
            _ => None,
        }
    }
}

impl FromValue for Timestamp {
    fn from_value(value: &mut Value) -> Option<Self> {
        Self::from_microsecond(i64::from_value(value)?).ok()
    }
}

impl FromValue for Bucket {
    fn from_value(value: &mut Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Self::try_from(bytes.as_slice()).ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &mut Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}
