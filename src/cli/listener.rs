//! The socket, TLS, and the orderly end of the requests in flight.

mod hurry;
mod incoming;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::hurry::HurryingAcceptor;
use self::incoming::{Client, Incoming};
use super::Failure;
use crate::config::{Config, Tls};
use crate::http::layers::Api;

/// Connections that the system keeps until the program takes them: an on-sale brings thousands in
/// one second.
const BACKLOG: u32 = 4096;

/// How long a client may take to say which HTTP it speaks, and then for the head of a request, and leave a connection
/// idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a silent HTTP/2 connection is asked whether it is still there, and how long it may
/// take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// A bound socket, not served yet.
pub(super) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
    shutdown: Duration,
}

impl Listener {
    /// Binds the configured address and reads the files of TLS.
    pub async fn bind(config: &Config) -> Result<Self, Failure> {
        let tls = match &config.tls {
            Some(files) => Some(RustlsConfig::from_config(Arc::new(tls(files)?))),
            None => None,
        };
        let socket = bind(config.listen)
            .map_err(|error| Failure::new(format!("{} cannot be listened on: {error}", config.listen)))?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address, tls, shutdown: config.shutdown })
    }

    /// What to put before the path of a resource: `http://127.0.0.1:8080`, with the port the system chose if none was
    /// asked for.
    pub fn base_url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until the process is told to stop, then answers what is in flight, for as long as
    /// the configuration allows. A second signal cuts that short.
    pub async fn serve(self, api: Api, mut stop: StopSignals) -> Result<(), Failure> {
        let handle = Handle::<Client>::new();
        let signals = tokio::spawn({
            let handle = handle.clone();
            async move {
                let signal = stop.next().await;
                tracing::info!(
                    connections = handle.connection_count(),
                    "Stopping on {signal}: requests in flight are answered, new ones are not taken."
                );
                handle.graceful_shutdown(Some(self.shutdown));
                let signal = stop.next().await;
                tracing::warn!(
                    connections = handle.connection_count(),
                    "Stopping at once on a second signal, {signal}."
                );
                handle.shutdown();
            }
        });
        let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(api);
        let mut server = axum_server::Server::from_listener(Incoming::from(self.socket)).handle(handle);
        let protocol = server.http_builder();
        protocol.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        protocol.http2().timer(TokioTimer::new()).keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_TIMEOUT);
        // Streamed answers are written in pieces, and each would wait for the client to
        // acknowledge the one before.
        let plain = NoDelayAcceptor::new();
        let served = match self.tls {
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls).acceptor(plain);
                server.acceptor(HurryingAcceptor(acceptor)).serve(service).await
            }
            None => server.acceptor(HurryingAcceptor(plain)).serve(service).await,
        };
        signals.abort();
        served.map_err(|error| Failure::new(format!("the server stopped: {error}")))
    }
}

/// The signals by which a process is asked to stop.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// From here on these signals no longer end the process by themselves.
    pub fn listen() -> Result<Self, Failure> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Otherwise the port stays taken for a minute after a restart.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What rustls needs, from the configured files.
pub(super) fn tls(files: &Tls) -> Result<ServerConfig, Failure> {
    let wrong = |file: &std::path::Path, error: &dyn std::fmt::Display| {
        Failure::new(format!("the file {} is of no use for TLS: {error}", file.display()))
    };
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&files.cert, &error))?;
    if chain.is_empty() {
        return Err(wrong(&files.cert, &"it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| wrong(&files.cert, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
