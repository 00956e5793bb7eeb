//! `parterre bench`: what `make bench` measures with, and what it measures. Only for stores and servers made for it.

mod baseline;
mod client;
mod fill;
mod large_set;
mod measure;
mod offers;
mod plan;
mod stream;

use clap::Subcommand;

use super::Failure;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Fill an empty store, and print the keys of a partner with 50 open deals and of the platform
    Fill(fill::Fill),
    /// Serve a constant through a bare handler, to compare with
    Baseline(baseline::Baseline),
    /// Compare single requests to a server with a small store and to one with a large store
    Measure(measure::Measure),
    /// Fill an empty store with 1,000 events for sale, and print the keys of the agent who sells them and of the platform
    FillOffers(offers::FillOffers),
    /// Read pages of the events for sale, and all of them
    Offers(offers::Offers),
    /// Make sets of 50,000 tickets while another set is changed
    LargeSet(large_set::LargeSet),
    /// Read all deals, fast and slowly at once, while writes go on
    Stream(stream::Stream),
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Fill(fill) => fill::run(fill),
        Command::Baseline(baseline) => baseline::run(&baseline),
        Command::Measure(measure) => measure::run(&measure),
        Command::FillOffers(fill) => offers::fill(fill),
        Command::Offers(offers) => offers::run(&offers),
        Command::LargeSet(large_set) => large_set::run(&large_set),
        Command::Stream(stream) => stream::run(&stream),
    }
}
