//! Measuring hooks: one call from the run's facts to the answer, and many schedules that share few scripts.
//!
//! Units: nanoseconds of one call, as the median of passes that go round everybody in turn, so that what disturbs the
//! machine disturbs all alike.
//! A call begins with facts as the engine has them and ends with an answer as it needs it: making the context, a
//! deadline of its own, the call, reading what came back. Scripts are compiled beforehand, once.
//! Invariant: everybody gives the same answers to all runs of a week, or nothing is measured.
//! Not here: other script engines (`benches/hooks.rs`), what scripts may do (`script`).

mod cases;
mod report;
mod share;

use std::collections::BTreeMap;
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

pub use self::cases::{Answer, Case, Given, PATIENCE_MS};
pub use self::report::bars;
pub use self::share::Shared;
use super::bars::Report;
use super::process::progress;
use super::watch::median;
use crate::runtime::clock::Stopwatch;
use crate::script::{Gate, Hook, ScriptError, Scripts};
use crate::surface::error::{Code, Error};

/// Calls that say how many a pass makes.
const TRIAL_CALLS: usize = 2_000;
/// How long a pass should take: short, so that most passes run undisturbed on a machine that does other things, too.
const PASS_NS: f64 = 1e6;

/// A hook that is ready to be called.
pub type Call = Box<dyn FnMut(&Given) -> Answer>;

/// One who runs hooks.
#[derive(Clone, Copy)]
pub struct HookEntrant {
    /// Its name.
    pub name: &'static str,
    /// Compiles a hook; `None`: it has no way to say that.
    pub prepare: fn(Case) -> Option<Result<Call, String>>,
}

impl fmt::Debug for HookEntrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Our scripts, and the same in plain Rust, which nothing can beat.
#[must_use]
pub fn own_entrants() -> Vec<HookEntrant> {
    vec![
        HookEntrant { name: "chimewheel", prepare: |case| Some(own(case)) },
        HookEntrant { name: "plain Rust", prepare: |case| Some(Ok(Box::new(move |given| case.answer(given)))) },
    ]
}

/// Our scripts.
fn own(case: Case) -> Result<Call, String> {
    let scripts = Scripts::new();
    if case == Case::Template {
        let template = scripts.template(case.source()).map_err(told)?;
        return Ok(Box::new(move |given| template.render(&given.scene()).map(Some).map_err(told)));
    }
    let broken = scripts.load(BTreeMap::from([("case".to_owned(), case.source().to_owned())]));
    if let Some(broken) = broken.into_iter().next() {
        return Err(told(broken.error));
    }
    let hook: Arc<Hook> = scripts.hook("case").map_err(told)?;
    Ok(match case {
        Case::Gate => Box::new(move |given| match hook.gate(&given.scene()).map_err(told)? {
            Gate::Go => Ok(None),
            Gate::Skip(reason) => Ok(Some(reason)),
        }),
        Case::Message | Case::Template => Box::new(move |given| hook.message(&given.scene()).map_err(told)),
        Case::Silent => Box::new(move |given| hook.silent(&given.scene(), given.result).map_err(told)),
        Case::Model => Box::new(move |given| hook.model(&given.scene()).map_err(told)),
    })
}

fn told(error: ScriptError) -> String {
    error.to_string()
}

/// How to run it.
#[derive(Clone, Debug, Args)]
pub struct HookContest {
    /// Passes over all hooks; a figure is the median of them
    #[arg(long, value_name = "N", default_value_t = 101, value_parser = clap::value_parser!(u32).range(1..))]
    pub hook_passes: u32,
    /// Schedules that share 100 scripts
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(share::SCRIPTS as i64..))]
    pub sharing: u32,
    /// Share scripts here and print what that takes
    #[arg(long, hide = true)]
    pub share: bool,
}

/// What each of them took for a case, in nanoseconds, where it took part.
type Row = Vec<Option<f64>>;

impl HookContest {
    /// Runs it, ours being the first entrant. `command` is what stands before the options on the command line of this
    /// program.
    pub fn run(&self, entrants: &[HookEntrant], command: &[&str]) -> Result<Report, Error> {
        if self.share {
            return Ok(Report::of_child(json!(share::measure(self.sharing as usize)?)));
        }
        let rows = self.measure(entrants)?;
        progress("scripts shared by many schedules");
        let shared = share::measure_apart(command, self.sharing)?;
        progress("");
        let names: Vec<&str> = entrants.iter().map(|entrant| entrant.name).collect();
        let text = report::text(&names, &rows, &shared, self.hook_passes);
        Ok(Report { text, json: report::to_json(&names, &rows, &shared) })
    }

    /// For each case: what each of them took.
    fn measure(&self, entrants: &[HookEntrant]) -> Result<Vec<Row>, Error> {
        let week = Given::week()?;
        let mut rows = Vec::new();
        for case in Case::ALL {
            let mut ready = Vec::new();
            for entrant in entrants {
                ready.push(prepared(entrant, case, &week)?);
            }
            progress(&format!("hooks: {}", case.name()));
            let mut passes: Vec<Vec<f64>> = vec![Vec::new(); entrants.len()];
            for _ in 0..self.hook_passes {
                for (ready, passes) in ready.iter_mut().zip(&mut passes) {
                    passes.extend(ready.as_mut().map(|(call, calls)| pass(call, &week, *calls)));
                }
            }
            let row = passes.into_iter().map(|passes| (!passes.is_empty()).then(|| median(passes)));
            rows.push(row.collect());
        }
        Ok(rows)
    }
}

/// A hook whose answers are right, with the number of calls that a pass of it makes.
fn prepared(entrant: &HookEntrant, case: Case, week: &[Given]) -> Result<Option<(Call, usize)>, Error> {
    let failed = |what: String| Error::new(Code::Failed, format!("{}, {}: {what}", entrant.name, case.name()));
    let Some(call) = (entrant.prepare)(case) else { return Ok(None) };
    let mut call = call.map_err(failed)?;
    for given in week {
        let (answer, right) = (call(given), case.answer(given));
        if answer != right {
            return Err(failed(format!("answers {answer:?} to run {}, where {right:?} is right", given.number())));
        }
    }
    let trial = pass(&mut call, week, TRIAL_CALLS);
    Ok(Some((call, (PASS_NS / trial) as usize + 1)))
}

/// Nanoseconds of one of so many calls.
fn pass(call: &mut Call, week: &[Given], calls: usize) -> f64 {
    let watch = Stopwatch::start();
    for given in week.iter().cycle().take(calls) {
        // Answers were looked at before.
        let _ = black_box(call(black_box(given)));
    }
    watch.elapsed().as_nanos() as f64 / calls as f64
}
