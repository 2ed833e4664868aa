//! The program: runs one command line and ends with its exit code.

use std::process::ExitCode;
use std::sync::Arc;

use chimewheel::runtime::clock::SystemClock;
use chimewheel::surface::cli;

fn main() -> ExitCode {
    cli::run(std::env::args_os(), Arc::new(SystemClock))
}
