//! How the files of the store write domain values that are more than one plain column, and the pieces of lists.

use std::str::FromStr;

use sea_query::{Expr, ExprTrait, LikeExpr, SimpleExpr};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Error, RowReader};
use crate::domain::id::{Bucket, ObjectId};
use crate::domain::money::{Currency, Money, Sum};
use crate::domain::partner::Tag;
use crate::domain::share::{Percent, Share};
use crate::domain::text::fold;

/// An id as a value of a built statement.
pub(super) fn bytes(id: impl Into<ObjectId>) -> Vec<u8> {
    id.into().as_bytes().to_vec()
}

/// Where these are stored, each bucket once.
pub(super) fn buckets<I: Copy + Into<ObjectId>>(ids: &[I]) -> Vec<Vec<u8>> {
    let mut buckets: Vec<Bucket> = ids.iter().map(|id| (*id).into().bucket()).collect();
    buckets.sort_unstable();
    buckets.dedup();
    buckets.into_iter().map(|bucket| bucket.as_bytes().to_vec()).collect()
}

/// That the column `id` holds one of these. Of no ids it holds none, which sea-query says by comparing two numbers without
/// a type; PostgreSQL takes them for texts.
pub(super) fn id_in<I: Copy + Into<ObjectId>>(ids: &[I]) -> SimpleExpr {
    if ids.is_empty() {
        return Expr::cust("false");
    }
    Expr::col("id").is_in(ids.iter().map(|id| bytes(*id)))
}

/// That a folded column holds a text, in any case.
pub(super) fn contains(column: &'static str, text: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for character in fold(text).chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    Expr::col(column).like(LikeExpr::new(pattern).escape('!'))
}

/// The sum of amounts, in two columns for [`next_sum`]: a database counts to 64 bits, and amounts of 64 bits may come to more.
macro_rules! exact_sum {
    ($amount:expr) => {
        concat!("cast(sum((", $amount, ") / 1000000000) as bigint), cast(sum((", $amount, ") % 1000000000) as bigint)")
    };
}
pub(super) use exact_sum;

/// Reads what [`exact_sum`] selects.
pub(super) fn next_sum(row: &mut RowReader, currency: Currency) -> Result<Sum, Error> {
    let (billions, rest): (i64, i64) = (row.next()?, row.next()?);
    Ok(Sum { minor: i128::from(billions) * 1_000_000_000 + i128::from(rest), currency })
}

/// A value as JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Other(format!("a value has no JSON: {error}")))
}

/// Tags as a JSON list.
pub(super) fn tags_json(tags: &[Tag]) -> Result<String, Error> {
    json(&tags.iter().map(Tag::as_str).collect::<Vec<_>>())
}

/// Ids as a JSON list.
pub(super) fn ids_json<I: ToString>(ids: &[I]) -> Result<String, Error> {
    json(&ids.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// A share with its currency, so that the text alone says what it is: `91.00%`, `150.00 RUB`.
pub(super) fn share_text(share: &Share) -> String {
    match share {
        Share::Percent(percent) => percent.to_string(),
        Share::Amount(amount) => format!("{amount} {}", amount.currency),
    }
}

fn parse_share(text: &str) -> Option<Share> {
    match text.split_once(' ') {
        None => Percent::parse(text).ok().map(Share::Percent),
        Some((amount, currency)) => {
            let currency: Currency = currency.parse().ok()?;
            Money::parse(amount, currency).ok().map(Share::Amount)
        }
    }
}

impl RowReader {
    /// The next column's share.
    pub(super) fn next_share(&mut self) -> Result<Share, Error> {
        self.next_as(|text: String| parse_share(&text).ok_or(()))
    }

    /// The next column's share, unless it is null.
    pub(super) fn next_share_opt(&mut self) -> Result<Option<Share>, Error> {
        self.next_as(|text: Option<String>| text.map(|text| parse_share(&text).ok_or(())).transpose())
    }

    /// What the next column's JSON text says, unless it is null.
    pub(super) fn next_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        self.next_as(|text: Option<String>| text.map(|text| serde_json::from_str(&text)).transpose())
    }

    /// The next column's tags.
    pub(super) fn next_tags(&mut self) -> Result<Vec<Tag>, Error> {
        self.next_as(|text: String| {
            let tags: Vec<String> = serde_json::from_str(&text).map_err(|_| ())?;
            tags.iter().map(|tag| tag.parse().map_err(|_| ())).collect()
        })
    }

    /// The ids in the next column's JSON list.
    pub(super) fn next_ids<I: FromStr>(&mut self) -> Result<Vec<I>, Error> {
        self.next_as(|text: String| {
            let ids: Vec<String> = serde_json::from_str(&text).map_err(|_| ())?;
            ids.iter().map(|id| id.parse().map_err(|_| ())).collect()
        })
    }
}
