//! A server that takes letters, or does as a test says.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the next letter is answered with, once it has been read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was taken.
    Taken,
    /// Not now.
    Busy,
    /// Never.
    Refused,
    /// Nothing: the connection is closed.
    Silence,
}

/// A server that keeps the letters it takes.
pub struct Smtp {
    address: SocketAddr,
    letters: Arc<Mutex<Vec<String>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

impl Smtp {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let smtp = Self { address: listener.local_addr().unwrap(), letters: Arc::default(), replies: Arc::default() };
        let (letters, replies) = (smtp.letters.clone(), smtp.replies.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (letters, replies) = (letters.clone(), replies.clone());
                // A client that goes away is no matter.
                thread::spawn(move || talk(stream.unwrap(), &letters, &replies).unwrap_or_default());
            }
        });
        smtp
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The letters it took, with their headers.
    pub fn letters(&self) -> Vec<String> {
        self.letters.lock().unwrap().clone()
    }

    /// Answers the next letters so, and all others by taking them.
    pub fn will(&self, replies: &[Reply]) {
        self.replies.lock().unwrap().extend(replies);
    }
}

fn talk(stream: TcpStream, letters: &Mutex<Vec<String>>, replies: &Mutex<VecDeque<Reply>>) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    writer.write_all(b"220 test\r\n")?;
    while let Some(line) = lines.next() {
        let command = line?.to_ascii_uppercase();
        if command.starts_with("EHLO") {
            writer.write_all(b"250-test\r\n250 8BITMIME\r\n")?;
        } else if command == "DATA" {
            writer.write_all(b"354 go on\r\n")?;
            let letter: Vec<String> = lines.by_ref().map(|line| line.unwrap()).take_while(|line| line != ".").collect();
            match replies.lock().unwrap().pop_front().unwrap_or(Reply::Taken) {
                Reply::Taken => {
                    letters.lock().unwrap().push(letter.join("\n"));
                    writer.write_all(b"250 taken\r\n")?;
                }
                Reply::Busy => writer.write_all(b"451 try again\r\n")?,
                Reply::Refused => writer.write_all(b"550 no such box\r\n")?,
                Reply::Silence => return Ok(()),
            }
        } else if command == "QUIT" {
            return writer.write_all(b"221 bye\r\n");
        } else {
            writer.write_all(b"250 ok\r\n")?;
        }
    }
    Ok(())
}
