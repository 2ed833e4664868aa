//! Many schedules that share a hundred scripts: what that holds in memory, and what calls take.
//!
//! Units: in the names. Memory is the growth of the resident set of a process of its own.
//! Invariant: every script is a source of its own, so that none is found compiled already.
//! Not here: the schedules themselves, which the store holds; a schedule's part is its handle of a script.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cases::{Case, Given};
use super::told;
use crate::runtime::clock::Stopwatch;
use crate::script::{Hook, Scripts};
use crate::surface::bench::process::{self, resident};
use crate::surface::bench::watch::median;
use crate::surface::error::{Code, Error};

/// Scripts that they share; not more than there are schedules.
pub(super) const SCRIPTS: usize = 100;
/// Calls of each script after its first one.
const LATER_CALLS: usize = 50;
/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Shared {
    /// Schedules that hold a script.
    pub schedules: usize,
    /// Scripts that they hold.
    pub scripts: usize,
    /// Text of one script, as a mean.
    pub source_bytes: f64,
    /// Resident memory of what all scripts have in common.
    pub engine_bytes: f64,
    /// Resident memory of one script, its text included.
    pub script_bytes: f64,
    /// Resident memory of a schedule's handle.
    pub handle_bytes: f64,
    /// All scripts read and compiled.
    pub compile_ms: f64,
    /// A script found by its name.
    pub find_ns: f64,
    /// The first call of a script, as the median of all.
    pub first_call_ns: f64,
    /// The longest first call.
    pub worst_first_call_ns: f64,
    /// Every later call, as the median.
    pub later_call_ns: f64,
    /// One call for each schedule, as the mean.
    pub round_call_ns: f64,
}

/// Measures it in a process of its own.
pub(super) fn measure_apart(command: &[&str], schedules: u32) -> Result<Shared, Error> {
    let schedules = schedules.to_string();
    let arguments = [command, &["--share", "--sharing", &schedules]].concat();
    let shared = process::measure_apart("shared scripts", &arguments, None, PATIENCE)?;
    shared.ok_or_else(|| Error::new(Code::Failed, format!("shared scripts took more than {PATIENCE:?}")))
}

/// A script with a gate, a message, a rule and a choice of model, unlike all others.
fn source(number: usize) -> String {
    let functions = [Case::Gate, Case::Message, Case::Silent, Case::Model].map(Case::source).concat();
    let functions =
        functions.replace("Report", &format!("Report of team {number},")).replace("40", &format!("{}", 40 + number));
    format!("// The morning report of team {number}.\n\n{functions}")
}

/// Measures it here.
pub(super) fn measure(schedules: usize) -> Result<Shared, Error> {
    let failed = |why: String| Error::new(Code::Failed, format!("shared scripts: {why}"));
    let week = Given::week()?;
    let names: Vec<String> = (0..SCRIPTS).map(|number| format!("team-{number}")).collect();

    let bare_bytes = resident().0;
    let scripts = Scripts::new();
    let engine_bytes = resident().0 - bare_bytes;

    let sources: BTreeMap<String, String> =
        names.iter().enumerate().map(|(number, name)| (name.clone(), source(number))).collect();
    let source_bytes = sources.values().map(String::len).sum::<usize>() as f64 / SCRIPTS as f64;
    let watch = Stopwatch::start();
    let broken = scripts.load(sources);
    let compile_ms = watch.elapsed().as_secs_f64() * 1e3;
    if let Some(broken) = broken.into_iter().next() {
        return Err(failed(told(broken.error)));
    }
    let script_bytes = (resident().0 - bare_bytes - engine_bytes) / SCRIPTS as f64;

    let mut handles: Vec<Arc<Hook>> = Vec::with_capacity(schedules);
    let before_bytes = resident().0;
    let watch = Stopwatch::start();
    for number in 0..schedules {
        handles.push(scripts.hook(&names[number % SCRIPTS]).map_err(told).map_err(failed)?);
    }
    let find_ns = watch.elapsed().as_nanos() as f64 / schedules as f64;
    let handle_bytes = (resident().0 - before_bytes) / schedules as f64;

    let call = |number: usize| {
        let watch = Stopwatch::start();
        let (hook, given) = (&handles[number % schedules], &week[number % week.len()]);
        black_box(hook.message(&given.scene()).map_err(told).map_err(failed)?);
        Ok(watch.elapsed().as_nanos() as f64)
    };
    let first = (0..SCRIPTS).map(call).collect::<Result<Vec<f64>, Error>>()?;
    let later = (SCRIPTS..(1 + LATER_CALLS) * SCRIPTS).map(call).collect::<Result<Vec<f64>, Error>>()?;
    let watch = Stopwatch::start();
    (0..schedules).try_for_each(|number| call(number).map(drop))?;
    let round_call_ns = watch.elapsed().as_nanos() as f64 / schedules as f64;

    Ok(Shared {
        schedules,
        scripts: SCRIPTS,
        source_bytes,
        engine_bytes,
        script_bytes,
        handle_bytes,
        compile_ms,
        find_ns,
        worst_first_call_ns: first.iter().copied().fold(0.0, f64::max),
        first_call_ns: median(first),
        later_call_ns: median(later),
        round_call_ns,
    })
}
