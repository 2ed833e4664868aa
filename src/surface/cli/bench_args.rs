//! The arguments of `bench`.
//!
//! Not here: what is measured (`surface/bench`).

use clap::{Args, ValueEnum};

use crate::surface::bench::Contest;
use crate::surface::bench::cron::CronContest;
use crate::surface::bench::engine::EngineContest;
use crate::surface::bench::hooks::HookContest;

/// What to measure, and how.
#[derive(Debug, Args)]
pub struct Bench {
    /// One part [default: all, one after the other]
    pub part: Option<BenchPart>,
    /// How to measure the wheel.
    #[command(flatten, next_help_heading = "Timer wheel")]
    pub wheel: Contest,
    /// How to measure the cron matcher.
    #[command(flatten, next_help_heading = "Cron patterns")]
    pub cron: CronContest,
    /// How to measure hooks.
    #[command(flatten, next_help_heading = "Hooks")]
    pub hooks: HookContest,
    /// How to measure the engine.
    #[command(flatten, next_help_heading = "Engine")]
    pub engine: EngineContest,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// The timer wheel beside heaps and an ordered map.
    Wheel,
    /// How fast cron patterns are read and answered.
    Cron,
    /// What a call of a hook takes, and scripts that many schedules share.
    Hooks,
    /// The engine on a real store: create, fire, start, start after kill -9, lateness.
    Engine,
}
