//! What is the same for every request: a number to find it by, the log, headers, and answers to what no route answers.

use std::any::Any;
use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{self, Poll};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::MethodRouter;
use axum::routing::future::RouteFuture;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::Map;
use http_body::Body as HttpBody;
use tower_http::compression::{Compression, CompressionLevel};
use tower_service::Service;

use super::context::Context;
use super::error::{Error, Internal, Version, in_version};
use crate::app::App;
use crate::domain::id::ObjectId;
use crate::random;

/// The routes with what is the same for all of them around: one service by hand instead of a layer for each purpose,
/// because each of those costs every request a boxed future and a copy of the route.
#[derive(Clone)]
pub struct Api {
    routes: Routes,
    /// Only who asks for a compressed answer pays for it.
    compressing: Compression<Routes>,
    /// What the paths of routes are made of, and what the log shows of a request's path.
    words: Arc<HashSet<&'static str>>,
}

/// The routes, whose errors have the form of the path's version.
#[derive(Clone)]
struct Routes(Router);

type Answered = Result<Response<Body>, Infallible>;

impl Service<Request<Body>> for Routes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Map<RouteFuture<Infallible>, fn(Answered) -> Answered>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        // Routes are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let finish: fn(Answered) -> Answered = match Version::of(request.uri().path()) {
            Version::V1 => |answered| answered,
            Version::V2 => |answered| answered.map(|response| in_version(response, Version::V2)),
        };
        self.0.call(request).map(finish)
    }
}

impl Api {
    pub(super) fn new(routes: Router, words: HashSet<&'static str>) -> Self {
        let routes = Routes(routes);
        let compressing = Compression::new(routes.clone()).quality(CompressionLevel::Fastest);
        Self { routes, compressing, words: Arc::new(words) }
    }

    /// A path as the log may hold it: its words and ids. Anything else may be a key in the wrong place, or the name by
    /// which alone a file is protected.
    fn shown(&self, path: &str) -> String {
        let mut shown = String::with_capacity(path.len());
        for (at, part) in path.split('/').enumerate() {
            if at > 0 {
                shown.push('/');
            }
            let known = self.words.contains(part) || part.parse::<ObjectId>().is_ok();
            shown.push_str(if known { part } else { "…" });
        }
        shown
    }
}

impl<B> Service<Request<B>> for Api
where
    B: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        // Routes are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let started = Instant::now();
        let mut request = request.map(Body::new);
        let context = Context::new(request_id());
        request.extensions_mut().insert(context.clone());
        let method = request.method().clone();
        let (version, path) = (Version::of(request.uri().path()), self.shown(request.uri().path()));
        let answer = if !acceptable(&request) {
            Answer::Ready(not_acceptable().into_response())
        } else if wants_gzip(&request) {
            Answer::Compressed(self.compressing.call(request))
        } else {
            Answer::Plain(self.routes.call(request))
        };
        Box::pin(async move {
            let response = AssertUnwindSafe(answer.get()).catch_unwind().await.unwrap_or_else(panicked);
            let mut response = in_version(response, version);
            dress(&mut response, &context);
            log(&response, &context, &method, &path, started);
            Ok(response)
        })
    }
}

/// An answer on its way.
enum Answer<P, C> {
    Ready(Response<Body>),
    Plain(P),
    Compressed(C),
}

impl<P, C, Z> Answer<P, C>
where
    P: Future<Output = Result<Response<Body>, Infallible>>,
    C: Future<Output = Result<Response<Z>, Infallible>>,
    Z: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    async fn get(self) -> Response<Body> {
        match self {
            Self::Ready(response) => response,
            Self::Plain(answer) => match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            Self::Compressed(answer) => match answer.await {
                Ok(response) => response.map(Body::new),
                Err(never) => match never {},
            },
        }
    }
}

/// Whether compression is to be thought about at all; what exactly the client takes is read by the compression itself.
fn wants_gzip(request: &Request<Body>) -> bool {
    request.headers().contains_key(header::ACCEPT_ENCODING)
}

/// Adds OPTIONS, and an answer in the API's shape to methods that the path does not have.
pub fn answer_every_method(handlers: MethodRouter<App>, methods: &[Method]) -> MethodRouter<App> {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if methods.contains(&Method::GET) {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    let allow = HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"));
    let allowed = allow.clone();
    handlers
        .options(move || async move {
            let headers = [
                (header::ALLOW, allow.clone()),
                (header::ACCESS_CONTROL_ALLOW_METHODS, allow),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS)),
                (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
            ];
            (StatusCode::NO_CONTENT, headers)
        })
        .fallback(move || async move {
            let error = Error::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                format!("this path answers {}", allowed.to_str().unwrap_or_default()),
            );
            ([(header::ALLOW, allowed)], error)
        })
}

const REQUEST_HEADERS: &str = "Accept, Authorization, Content-Type, Idempotency-Key, Prefer, X-Partner";
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("TOTAL, X-Partner, X-Request-Id, X-Ignored-Fields, X-Warning, ETag, Retry-After");

/// The answer where there is no route.
pub async fn not_found() -> Error {
    Error::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

/// A panic is a defect: the client learns no more than that.
fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let text = cause.downcast_ref::<String>().map(String::as_str).or(cause.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", text.unwrap_or("without a text"))).into_response()
}

/// The headers that every answer has.
fn dress(response: &mut Response<Body>, context: &Context) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(context.id()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    if let Some(partner) = context.partner()
        && let Ok(partner) = HeaderValue::from_str(&partner.to_string())
    {
        headers.insert(HeaderName::from_static("x-partner"), partner);
    }
    let ignored = context.ignored();
    if !ignored.is_empty() {
        headers.insert(HeaderName::from_static("x-ignored-fields"), ignored_header(&ignored));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// The names that were ignored, as a header can hold them: proxies refuse long ones.
fn ignored_header(names: &[String]) -> HeaderValue {
    const BYTES_MAX: usize = 2_000;
    let mut list = String::new();
    for name in names {
        let short: String = name.chars().take(100).collect();
        let name = percent_encoding::utf8_percent_encode(&short, HEADER_UNSAFE).to_string();
        if list.len() + name.len() > BYTES_MAX {
            break;
        }
        list += if list.is_empty() { "" } else { ", " };
        list += &name;
    }
    HeaderValue::from_str(&list).unwrap_or(HeaderValue::from_static("?"))
}

const HEADER_UNSAFE: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b',').add(b'%').add(b'"');

fn log(response: &Response<Body>, context: &Context, method: &Method, path: &str, started: Instant) {
    let (id, status) = (context.id(), response.status().as_u16());
    let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let partner = context.partner().map(|partner| partner.to_string());
    let partner = partner.as_deref().unwrap_or("-");
    let method = method.as_str();
    match response.extensions().get::<Internal>() {
        Some(Internal(error)) => {
            tracing::error!(request_id = id, method, path, status, partner, took_us, error, "Answered with {status}.");
        }
        None => tracing::info!(request_id = id, method, path, status, partner, took_us, "Answered."),
    }
}

/// Unique among servers and restarts, in few bytes: a random start, then a count.
fn request_id() -> String {
    static START: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let start = START.get_or_init(|| random::bytes::<8>().map_or(0, u64::from_be_bytes));
    format!("{:016x}", start.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// Whether the client takes what the path answers with.
fn acceptable(request: &Request<Body>) -> bool {
    let mut accepts = request.headers().get_all(header::ACCEPT).iter().peekable();
    if accepts.peek().is_none() || !request.uri().path().starts_with("/v") {
        return true;
    }
    let path = request.uri().path().trim_end_matches('/');
    let (exact, kind) =
        if path.ends_with("/svg") { ("image/svg+xml", "image/*") } else { ("application/json", "application/*") };
    // The most specific range decides (RFC 9110, 12.5.1).
    let mut best: Option<(u8, bool)> = None;
    for range in accepts.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let rank = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            range if range == exact => 3,
            range if range == kind => 2,
            "*/*" | "" => 1,
            _ => continue,
        };
        let refused = parts
            .filter_map(|part| part.split_once('='))
            .any(|(name, value)| name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>() == Ok(0.0));
        if best.is_none_or(|(held, _)| rank > held) {
            best = Some((rank, !refused));
        }
    }
    best.is_some_and(|(_, accepted)| accepted)
}

fn not_acceptable() -> Error {
    Error::new(
        StatusCode::NOT_ACCEPTABLE,
        "not_acceptable",
        "the API answers with application/json, and draws maps as image/svg+xml",
    )
}
