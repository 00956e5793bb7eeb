//! Connections on which nothing is said are ended. The server library waits until it knows HTTP/1 from HTTP/2, for as
//! long as that takes: the time that it gives to the head of a request begins only then.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_server::accept::Accept;
use futures_util::TryFutureExt;
use futures_util::future::MapOk;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::HEAD_TIMEOUT;

/// What HTTP/2 begins with. HTTP/1 is whatever differs from it.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Accepts connections that have [`HEAD_TIMEOUT`] to say which HTTP they speak.
#[derive(Clone)]
pub(super) struct HurryingAcceptor<A>(pub A);

impl<A, I, S> Accept<I, S> for HurryingAcceptor<A>
where
    A: Accept<I, S>,
{
    type Stream = Hurried<A::Stream>;
    type Service = A::Service;
    type Future = MapOk<A::Future, fn((A::Stream, A::Service)) -> (Self::Stream, A::Service)>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        self.0.accept(stream, service).map_ok(|(stream, service)| (Hurried::new(stream), service))
    }
}

/// A connection that fails where it does not begin in time.
pub(super) struct Hurried<I> {
    stream: I,
    /// Until it is known which HTTP is spoken.
    beginning: Option<Beginning>,
}

struct Beginning {
    /// What is still to come of [`PREFACE`], if it is HTTP/2.
    rest: &'static [u8],
    deadline: Pin<Box<Sleep>>,
}

impl<I> Hurried<I> {
    fn new(stream: I) -> Self {
        Self { stream, beginning: Some(Beginning { rest: PREFACE, deadline: Box::pin(sleep(HEAD_TIMEOUT)) }) }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Hurried<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let held = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(beginning) = &mut self.beginning else { return read };
        if read.is_pending() {
            ready!(beginning.deadline.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let came = &buffer.filled()[held..];
        match beginning.rest.strip_prefix(came) {
            Some(rest) if !came.is_empty() && !rest.is_empty() => beginning.rest = rest,
            _ => self.beginning = None,
        }
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Hurried<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
