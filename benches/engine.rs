//! The engine on a real store: `cargo bench --bench engine`.
//!
//! The same as `chimewheel bench engine`, built as benches are. Options, after `--`: `--schedules N` (1,000,000),
//! `--seconds S`, `--place FOLDER`, `--json`. What other schedulers do with the same work: `benches/peers/run`.

use std::process::ExitCode;

use chimewheel::surface::bench::Report;
use chimewheel::surface::bench::engine::EngineContest;
use clap::Parser;

/// The command line.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    contest: EngineContest,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    Report::conclude(options.contest.run(&[]), options.json)
}
