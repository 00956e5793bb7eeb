//! An HTTP client of one connection that does nothing besides, so that what it measures is the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::str::FromStr;
use std::time::Duration;

use crate::cli::Failure;

/// How long an answer may stand still.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with a filled store, and the keys that `fill` printed: `http://127.0.0.1:8080,AGENT,PLATFORM`.
#[derive(Clone, Debug)]
pub(super) struct Target {
    address: String,
    pub agent_key: String,
    pub platform_key: String,
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(url), Some(agent_key), Some(platform_key), None) => {
                let address = url.strip_prefix("http://").unwrap_or(&url).to_owned();
                Ok(Self { address, agent_key, platform_key })
            }
            _ => Err("must be URL,KEY,KEY with the two keys that bench fill printed"),
        }
    }
}

/// One connection, kept alive.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(target: &Target) -> Result<Self, Failure> {
        let stream = TcpStream::connect(&target.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(1 << 16, stream) })
    }

    /// Sends a request and reads the answer whole.
    pub fn ask(&mut self, request: &str) -> Result<Vec<u8>, Failure> {
        self.send(request)?;
        let mut body = Vec::with_capacity(1 << 16);
        while self.chunk(&mut body)? {}
        Ok(body)
    }

    /// Sends a request and reads the head of its answer, which has to be 200.
    pub fn send(&mut self, request: &str) -> Result<(), Failure> {
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        if !status.starts_with("HTTP/1.1 200 ") {
            let mut body = Vec::new();
            while !self.line()?.is_empty() {}
            while self.chunk(&mut body)? {}
            return Err(Failure::new(format!("{status}: {}", String::from_utf8_lossy(&body))));
        }
        let mut chunked = false;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            chunked |= line.eq_ignore_ascii_case("transfer-encoding: chunked");
        }
        if chunked { Ok(()) } else { Err(Failure::new("the answer is not chunked, as those of the API are")) }
    }

    /// Reads the next chunk of the answer; false for the last, which is empty.
    pub fn chunk(&mut self, into: &mut Vec<u8>) -> Result<bool, Failure> {
        let size = self.line()?;
        let size = usize::from_str_radix(&size, 16)?;
        let start = into.len();
        into.resize(start + size, 0);
        self.stream.read_exact(&mut into[start..])?;
        self.line()?;
        Ok(size > 0)
    }

    /// Reads what has come of the answer, at most so many bytes; false at the end of the connection.
    pub fn some(&mut self, at_most: usize) -> Result<bool, Failure> {
        let read = self.stream.fill_buf()?.len().min(at_most);
        self.stream.consume(read);
        Ok(read > 0)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if line.is_empty() {
            return Err(Failure::new("the server closed the connection"));
        }
        Ok(line.trim_end().to_owned())
    }
}

pub(super) fn get(path: &str, key: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: key {key}\r\n\r\n")
}

pub(super) fn with_body(method: &str, path: &str, key: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: key {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
