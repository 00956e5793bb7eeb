//! What every answer of version 2 is wrapped in: `data`, the objects that it names, and what was not done.

use serde_json::json;

use super::refs::Refs;
use crate::app::refunds::NamedByRefunds;
use crate::app::{Error, Wrong};
use crate::http::error::in_v2;
use crate::http::fields::{Loaded, Resource, Type, write};
use crate::http::query::{Param, Query};
use crate::store::Tx;

/// Which part of a list an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pagination {
    /// Which page, from 1.
    pub page: u64,
    /// How many rows a page has.
    pub page_size: u64,
    /// How many rows there are in all.
    pub total: i64,
}

/// Parameters that every list takes.
pub const PAGING: [Param; 3] = [
    Param::new("page", Type::Int(1, 1_000_000_000), "Which page, from 1"),
    Param::new("page_size", Type::Int(1, 200), "How many rows a page has; 50 unless given"),
    Param::new("page-size", Type::Int(1, 200), "The same as page_size"),
];
/// How many rows a page has unless the request says so.
const PAGE_SIZE: u64 = 50;

impl Pagination {
    /// What a request asks for, of rows that are still to be counted.
    pub fn asked(query: &mut Query<'_>) -> Self {
        let page = query.number("page", 1, 1_000_000_000).unwrap_or(1);
        let size = query.number("page_size", 1, 200).or_else(|| query.number("page-size", 1, 200));
        Self { page, page_size: size.unwrap_or(PAGE_SIZE), total: 0 }
    }

    /// How many rows come before the page.
    pub fn skip(&self) -> u64 {
        (self.page - 1) * self.page_size
    }
}

/// One object; `not_done` is what of the request was not done, though the rest was.
///
/// # Errors
/// Those of the store.
pub fn one<T: Resource>(tx: &mut Tx<'_>, value: &T, not_done: &[Wrong]) -> Result<Vec<u8>, Error> {
    one_with(tx, value, NamedByRefunds::default(), not_done)
}

/// One object, some of what it names being known.
///
/// # Errors
/// Those of the store.
pub fn one_with<T: Resource>(
    tx: &mut Tx<'_>,
    value: &T,
    known: NamedByRefunds,
    not_done: &[Wrong],
) -> Result<Vec<u8>, Error> {
    let refs = Refs::of(tx, std::slice::from_ref(value), known)?;
    let mut out = b"{\"data\":".to_vec();
    write::object(value, None, &Loaded::default(), &mut out);
    Ok(finish(out, &refs, None, not_done))
}

/// A page of a list.
///
/// # Errors
/// Those of the store.
pub fn list<T: Resource>(tx: &mut Tx<'_>, values: &[T], pagination: Pagination) -> Result<Vec<u8>, Error> {
    list_with(tx, values, NamedByRefunds::default(), pagination)
}

/// A page of a list, some of what it names being known.
///
/// # Errors
/// Those of the store.
pub fn list_with<T: Resource>(
    tx: &mut Tx<'_>,
    values: &[T],
    known: NamedByRefunds,
    pagination: Pagination,
) -> Result<Vec<u8>, Error> {
    let refs = Refs::of(tx, values, known)?;
    let nothing_open = Loaded::default();
    let mut out = b"{\"data\":[".to_vec();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write::object(value, None, &nothing_open, &mut out);
    }
    out.push(b']');
    Ok(finish(out, &refs, Some(pagination), &[]))
}

fn finish(mut out: Vec<u8>, refs: &Refs, pagination: Option<Pagination>, not_done: &[Wrong]) -> Vec<u8> {
    out.extend_from_slice(b",\"refs\":");
    refs.write(&mut out);
    if let Some(Pagination { page, page_size, total }) = pagination {
        let pagination = json!({"page": page, "page_size": page_size, "total": total});
        out.extend_from_slice(format!(",\"pagination\":{pagination}").as_bytes());
    }
    let errors: Vec<_> = not_done.iter().map(in_v2).collect();
    out.extend_from_slice(format!(",\"errors\":{}}}", json!(errors)).as_bytes());
    out
}
