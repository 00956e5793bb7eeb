//! Ids in paths. A malformed one is 404 like an unknown one, but only once it is known who asks.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use std::convert::Infallible;
use std::str::FromStr;

use crate::app::{App, Error};

/// The id in a path such as `/deals/{iddeal}`.
#[derive(Clone, Copy)]
pub struct PathId<T>(Option<T>);

/// The two ids in a path such as `/partners/{idpartner}/api_keys/{idkey}`.
#[derive(Clone, Copy)]
pub struct PathIds<A, B>(Option<(A, B)>);

/// The three ids in a path such as `/events/{idevent}/sets/{idset}/tickets/{idticket}`.
#[derive(Clone, Copy)]
pub struct PathIds3<A, B, C>(Option<(A, B, C)>);

impl<T: Copy> PathId<T> {
    /// The id.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it is malformed.
    pub fn get(self) -> Result<T, Error> {
        self.0.ok_or(Error::NotFound("id"))
    }
}

impl<A: Copy, B: Copy> PathIds<A, B> {
    /// The ids.
    ///
    /// # Errors
    /// [`Error::NotFound`] where one is malformed.
    pub fn get(self) -> Result<(A, B), Error> {
        self.0.ok_or(Error::NotFound("id"))
    }
}

impl<A: Copy, B: Copy, C: Copy> PathIds3<A, B, C> {
    /// The ids.
    ///
    /// # Errors
    /// [`Error::NotFound`] where one is malformed.
    pub fn get(self) -> Result<(A, B, C), Error> {
        self.0.ok_or(Error::NotFound("id"))
    }
}

async fn params(parts: &mut Parts, app: &App) -> Vec<String> {
    match RawPathParams::from_request_parts(parts, app).await {
        Ok(params) => params.iter().map(|(_, value)| value.to_owned()).collect(),
        Err(_) => Vec::new(),
    }
}

impl<T: FromStr> FromRequestParts<App> for PathId<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let params = params(parts, app).await;
        Ok(Self(params.first().and_then(|value| value.parse().ok())))
    }
}

impl<A: FromStr, B: FromStr> FromRequestParts<App> for PathIds<A, B> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let params = params(parts, app).await;
        let ids = match params.as_slice() {
            [a, b] => a.parse().ok().zip(b.parse().ok()),
            _ => None,
        };
        Ok(Self(ids))
    }
}

impl<A: FromStr, B: FromStr, C: FromStr> FromRequestParts<App> for PathIds3<A, B, C> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let params = params(parts, app).await;
        let ids = match params.as_slice() {
            [a, b, c] => a.parse().ok().zip(b.parse().ok()).zip(c.parse().ok()).map(|((a, b), c)| (a, b, c)),
            _ => None,
        };
        Ok(Self(ids))
    }
}
