//! How long single requests take, one after the other: to a server with a small store and to one with a large store, in
//! turns, so that whatever else the machine does meets both.

use std::time::{Duration, Instant};

use clap::Args;

use super::client::{Client, Target, get, with_body};
use super::plan::{AGENT_DEALS, FREE_EVENTS, Kind, Size, id, scattered};
use crate::cli::{Failure, answer};
use crate::domain::id::{DealId, EventId, PartnerId};

/// How often the two servers take turns.
const ROUNDS: u32 = 20;
/// How many requests of one kind a turn has.
const REQUESTS: u32 = 100;

#[derive(Args)]
pub(in crate::cli) struct Measure {
    /// The server with the small store: URL,KEY,KEY
    #[arg(long)]
    small: Target,

    /// The server with the large store: URL,KEY,KEY
    #[arg(long)]
    large: Target,

    /// What the lines of the table begin with
    #[arg(long, default_value = "")]
    label: String,
}

/// What is measured.
#[derive(Clone, Copy)]
enum Task {
    /// One of as many deals as a turn has requests: they are spread over the whole store, and each was read before.
    Deal,
    /// Any deal, so that most of what is needed to find it is at hand in a small store alone.
    AnyDeal,
    /// Like `Deal`.
    Partner,
    /// Like `AnyDeal`.
    AnyPartner,
    /// The list of the agent's open deals.
    List,
    /// A proposal of the agent, taken back afterwards.
    Proposal,
}

const TASKS: [(Task, &str); 6] = [
    (Task::Deal, "one deal by id, of 100"),
    (Task::AnyDeal, "one deal by id, of all"),
    (Task::Partner, "one partner by id, of 100"),
    (Task::AnyPartner, "one partner by id, of all"),
    (Task::List, "a partner's list of 50 deals"),
    (Task::Proposal, "the proposal of a deal"),
];

/// A server, a connection to it, and what its store holds.
struct Side<'a> {
    target: &'a Target,
    size: Size,
    client: Client,
}

pub(super) fn run(measure: &Measure) -> Result<(), Failure> {
    let side = |target, size| Ok::<_, Failure>(Side { target, size, client: Client::connect(target)? });
    let (mut small, mut large) = (side(&measure.small, Size::Small)?, side(&measure.large, Size::Large)?);
    for (task, name) in TASKS {
        let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            for (side, times) in [(&mut small, &mut of_small), (&mut large, &mut of_large)] {
                for number in round * REQUESTS..(round + 1) * REQUESTS {
                    let time = side.time(task, number)?;
                    // The first round warms up.
                    if round > 0 {
                        times.push(time);
                    }
                }
            }
        }
        let (small, large) = (median(&mut of_small), median(&mut of_large));
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        answer(format_args!(
            "| {}{name} | {} µs | {} µs | {ratio:.2} |",
            measure.label,
            small.as_micros(),
            large.as_micros()
        ))?;
    }
    Ok(())
}

impl Side<'_> {
    fn time(&mut self, task: Task, number: u32) -> Result<Duration, Failure> {
        let request = match task {
            Task::Deal => self.deal(number % REQUESTS),
            Task::AnyDeal => self.deal(number),
            Task::Partner => self.partner(number % REQUESTS),
            Task::AnyPartner => self.partner(number),
            Task::List => get("/v1/resources/deals", &self.target.agent_key),
            Task::Proposal => proposal(self.target, self.size, number),
        };
        let began = Instant::now();
        let body = self.client.ask(&request)?;
        let time = began.elapsed();
        match task {
            Task::List => expect_deals(&body, AGENT_DEALS)?,
            Task::Proposal => drop(self.client.ask(&withdrawal(self.target, &body)?)?),
            _ => {}
        }
        Ok(time)
    }

    fn deal(&self, number: u32) -> String {
        let deal: DealId = id(Kind::Deal, scattered(number, self.size.deals()));
        get(&format!("/v1/resources/deals/{deal}"), &self.target.platform_key)
    }

    fn partner(&self, number: u32) -> String {
        let partner: PartnerId = id(Kind::Partner, scattered(number, self.size.partners()));
        get(&format!("/v1/resources/partners/{partner}"), &self.target.platform_key)
    }
}

/// A proposal of the agent for an event that it has no open deal for.
pub(super) fn proposal(target: &Target, size: Size, number: u32) -> String {
    let event = size.dealt_events() + number % FREE_EVENTS;
    let (event_id, org): (EventId, PartnerId) = (id(Kind::Event, event), id(Kind::Partner, size.organizer_of(event)));
    let body = format!(r#"{{"event": "{event_id}", "subj": "{org}", "term": {{"org": 90, "extra": 10}}}}"#);
    with_body("POST", "/v1/resources/deals", &target.agent_key, &body)
}

/// Takes a proposal back, so that the event is free again and the agent's open deals are as many as before.
pub(super) fn withdrawal(target: &Target, proposed: &[u8]) -> Result<String, Failure> {
    let deal: serde_json::Value = serde_json::from_slice(proposed)?;
    let id = deal["id"].as_str().unwrap_or_default();
    let path = format!("/v1/resources/deals/{id}");
    Ok(with_body("PATCH", &path, &target.agent_key, r#"{"status": "canceled"}"#))
}

fn expect_deals(body: &[u8], count: u32) -> Result<(), Failure> {
    let deals: Vec<serde_json::Value> = serde_json::from_slice(body)?;
    if deals.len() == count as usize {
        return Ok(());
    }
    Err(Failure::new(format!("the list has {} deals and not {count}", deals.len())))
}

/// The time that half of them do not exceed.
pub(super) fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
