//! What Axum alone can do: a handler that answers a constant, on the runtime that the server has.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::http::header;
use axum::routing::get;
use axum::serve::ListenerExt;
use bytes::Bytes;
use clap::Args;
use tokio::net::TcpListener;

use crate::cli::{Failure, answer};

#[derive(Args)]
pub(in crate::cli) struct Baseline {
    /// How many bytes it answers with
    #[arg(long)]
    bytes: usize,
}

pub(super) fn run(baseline: &Baseline) -> Result<(), Failure> {
    let body = Bytes::from(vec![b'x'; baseline.bytes]);
    let router = Router::new()
        .route("/", get(move || std::future::ready(([(header::CONTENT_TYPE, "application/json")], body.clone()))));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        answer(format_args!("listening on http://{}", listener.local_addr()?))?;
        // Where it cannot be set, answers come later, and nothing else changes.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        Ok(axum::serve(listener, router).await?)
    })
}
