//! `parterre bench`: what `make bench` measures with, and what it measures. Only for stores and servers made for it.

mod baseline;
mod client;
mod fill;
mod measure;
mod plan;
mod stream;

use clap::Subcommand;

use super::Failure;

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "made once, when the program starts")]
pub(super) enum Command {
    /// Fill an empty store, and print the keys of a partner with 50 open deals and of the platform
    Fill(fill::Fill),
    /// Serve a constant through a bare handler, to compare with
    Baseline(baseline::Baseline),
    /// Compare single requests to a server with a small store and to one with a large store
    Measure(measure::Measure),
    /// Read all deals, fast and slowly at once, while writes go on
    Stream(stream::Stream),
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Fill(fill) => fill::run(fill),
        Command::Baseline(baseline) => baseline::run(&baseline),
        Command::Measure(measure) => measure::run(&measure),
        Command::Stream(stream) => stream::run(&stream),
    }
}
