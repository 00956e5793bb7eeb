//! The whole list of deals, read by one client as fast as it can and by others slowly, while deals are proposed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::client::{Client, Target, get};
use super::measure::{proposal, withdrawal};
use super::plan::Size;
use crate::cli::{Failure, answer};

/// Every deal there is, for the platform.
const ALL: &str = "/v1/resources/deals?status=all";
/// A slow client takes this much, then rests: some 160 kB a second.
const SIP: usize = 1 << 14;
const REST: Duration = Duration::from_millis(100);

#[derive(Args)]
pub(in crate::cli) struct Stream {
    /// The server with the large store: URL,KEY,KEY
    target: Target,

    /// How many clients read slowly
    #[arg(long, default_value_t = 10)]
    slow: u32,

    /// How many seconds they read, at least
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

pub(super) fn run(stream: &Stream) -> Result<(), Failure> {
    let began = Instant::now();
    let end = began + Duration::from_secs(stream.seconds);
    let target = &stream.target;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let slow: Vec<_> = (0..stream.slow).map(|_| scope.spawn(|| sip(target, &over))).collect();
        let writer = scope.spawn(|| write(target, &over));
        let read = scope.spawn(|| read_all(target)).join().map_err(|_| panicked())?;
        thread::sleep(end.saturating_duration_since(Instant::now()));
        over.store(true, Ordering::Relaxed);
        let (deals, bytes, took) = read?;
        answer(format_args!("{deals} deals, {} MB, in {:.1} s", bytes / 1_000_000, took.as_secs_f64()))?;
        for client in slow {
            client.join().map_err(|_| panicked())??;
        }
        let written = writer.join().map_err(|_| panicked())??;
        let seconds = began.elapsed().as_secs();
        answer(format_args!("{} clients read slowly and {written} deals were proposed in {seconds} s", stream.slow))
    })
}

pub(super) fn panicked() -> Failure {
    Failure::new("a client panicked")
}

/// Answers with how many deals came, in how many bytes and what time.
fn read_all(target: &Target) -> Result<(usize, usize, Duration), Failure> {
    let began = Instant::now();
    let mut client = Client::connect(target)?;
    client.send(&get(ALL, &target.platform_key))?;
    let (mut bytes, mut deals, mut chunk) = (0, 0, Vec::new());
    while client.chunk(&mut chunk)? {
        bytes += chunk.len();
        // Each deal has one object besides itself, its terms.
        deals += chunk.iter().filter(|byte| **byte == b'{').count();
        chunk.clear();
    }
    Ok((deals / 2, bytes, began.elapsed()))
}

/// Reads slowly until told that it is over.
fn sip(target: &Target, over: &AtomicBool) -> Result<(), Failure> {
    let mut client = Client::connect(target)?;
    client.send(&get(ALL, &target.platform_key))?;
    while !over.load(Ordering::Relaxed) {
        if !client.some(SIP)? {
            return Err(Failure::new("the server cut a slow client off"));
        }
        thread::sleep(REST);
    }
    Ok(())
}

/// Proposes deals and takes them back until told that it is over; answers how many.
fn write(target: &Target, over: &AtomicBool) -> Result<u32, Failure> {
    let mut client = Client::connect(target)?;
    let mut written = 0;
    while !over.load(Ordering::Relaxed) {
        let proposed = client.ask(&proposal(target, Size::Large, written))?;
        client.ask(&withdrawal(target, &proposed)?)?;
        written += 1;
    }
    Ok(written)
}
