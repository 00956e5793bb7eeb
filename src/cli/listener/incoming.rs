//! New connections, and a word in the log when there is no place for more.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use tokio::net::{TcpListener, TcpStream};

/// The server library tries again many times a second, and by itself says nothing.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// The address of a client whose connection came by [`Incoming`].
#[derive(Clone)]
pub(super) struct Client(SocketAddr);

impl Address for Client {
    type Stream = TcpStream;
    type Listener = Incoming;
}

impl Connected<Client> for SocketAddr {
    fn connect_info(Client(address): Client) -> Self {
        address
    }
}

/// A socket that is listened on.
pub(super) struct Incoming {
    socket: TcpListener,
    warned: Mutex<Option<Instant>>,
}

impl Incoming {
    fn warn(&self, error: &io::Error) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|last| last.elapsed() >= WARNING_INTERVAL) {
            *warned = Some(Instant::now());
            tracing::warn!("Connections cannot be accepted: {error}.");
        }
    }
}

impl From<TcpListener> for Incoming {
    fn from(socket: TcpListener) -> Self {
        Self { socket, warned: Mutex::default() }
    }
}

impl AddrListener<TcpStream, Client> for Incoming {
    async fn bind_to(Client(address): Client) -> io::Result<Self> {
        Ok(super::bind(address)?.into())
    }

    async fn accept_stream(&self) -> io::Result<(TcpStream, Client)> {
        let (stream, address) = self.socket.accept().await.inspect_err(|error| self.warn(error))?;
        Ok((stream, Client(address)))
    }

    fn get_local_addr(&self) -> io::Result<Client> {
        self.socket.local_addr().map(Client)
    }
}
