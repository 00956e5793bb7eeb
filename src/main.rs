//! The program; everything it does is in the library.

use std::process::ExitCode;

/// Half of the work of a small answer is memory: this takes and gives it back in less time than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    parterre::cli::run()
}
