//! The largest set, made while another client changes a set of another event again and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, Target, get, with_body};
use super::measure::median;
use super::plan::{Kind, id};
use super::stream::panicked;
use crate::cli::{Failure, answer};
use crate::domain::id::EventId;

/// How many tickets a set may have.
const TICKETS: u32 = 50_000;
/// How many such sets are made, each of another event.
const ROUNDS: u32 = 5;
/// Another event, whose set is changed meanwhile.
const ELSEWHERE: u32 = 999;

#[derive(Args)]
pub(in crate::cli) struct LargeSet {
    /// The server with the store that fill-offers filled: URL,KEY,KEY
    target: Target,

    /// What the line of the table begins with
    #[arg(long, default_value = "")]
    label: String,
}

pub(super) fn run(large_set: &LargeSet) -> Result<(), Failure> {
    let target = &large_set.target;
    let over = AtomicBool::new(false);
    let (mut took, waits) = thread::scope(|scope| {
        let other = scope.spawn(|| change(target, &over));
        let made = make(target);
        over.store(true, Ordering::Relaxed);
        let waits = other.join().map_err(|_| panicked())??;
        Ok::<_, Failure>((made?, waits))
    })?;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
    let slowest = took.iter().max().copied().unwrap_or_default();
    let longest = waits.iter().max().copied().unwrap_or_default();
    answer(format_args!(
        "| {}{TICKETS} tickets | {:.0} ms | {:.0} ms | {} | {:.0} ms |",
        large_set.label,
        milliseconds(median(&mut took)),
        milliseconds(slowest),
        waits.len(),
        milliseconds(longest),
    ))
}

fn sets_of(event: u32) -> String {
    format!("/v1/resources/events/{}/sets", id::<EventId>(Kind::Event, event))
}

/// How long each of the sets took.
fn make(target: &Target) -> Result<Vec<Duration>, Failure> {
    let mut client = Client::connect(target)?;
    let body = json!({"name": "The largest", "amount": TICKETS, "price": "100.00"}).to_string();
    let time = |event| {
        let began = Instant::now();
        let made: Value =
            serde_json::from_slice(&client.ask(&with_body("POST", &sets_of(event), &target.platform_key, &body))?)?;
        let took = began.elapsed();
        match &made["amount_vacant"] {
            vacant if *vacant == json!(TICKETS) => Ok(took),
            vacant => Err(Failure::new(format!("of the set's {TICKETS} tickets {vacant} are vacant"))),
        }
    };
    (0..ROUNDS).map(time).collect()
}

/// Changes a set until all is over, and answers with how long each change took.
fn change(target: &Target, over: &AtomicBool) -> Result<Vec<Duration>, Failure> {
    let mut client = Client::connect(target)?;
    let path = format!("{}?fields-schema=id", sets_of(ELSEWHERE));
    let sets: Value = serde_json::from_slice(&client.ask(&get(&path, &target.platform_key))?)?;
    let set = sets[0]["id"].as_str().ok_or_else(|| Failure::new("the store was not filled by fill-offers"))?;
    let path = format!("{}/{set}", sets_of(ELSEWHERE));
    let mut waits = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let body = json!({"pos": waits.len() % 100}).to_string();
        let began = Instant::now();
        client.ask(&with_body("PATCH", &path, &target.platform_key, &body))?;
        waits.push(began.elapsed());
    }
    Ok(waits)
}
