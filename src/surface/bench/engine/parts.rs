//! The parts, each in a process of its own: create, fire, start, be killed, be late.
//!
//! A part prints one JSON value, but for the one that is killed, which prints its clock after each step.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::rig::{BEGIN, Crowd, LATE_SCHEDULES, Rig, STEP_MS, written_bytes};
use super::{Booted, Created, EngineContest, Fired, Lateness, Part};
use crate::runtime::clock::{Clock, ManualClock, Stopwatch, SystemClock};
use crate::runtime::{Handle, Op};
use crate::surface::bench::process::resident;
use crate::surface::error::{Code, Error};
use crate::time::{Span, Timestamp};

/// Schedules that one question creates.
const BATCH: u32 = 1000;
/// Batches under way at the same time.
const CLIENTS: u32 = 4;
/// Fires that are measured, when so many are due in two periods.
const FIRES: u64 = 2_000_000;
/// Steps before measuring begins.
const WARM_STEPS: u64 = 2;
/// Seconds of lateness that do not count: the first dues meet cold caches.
const WARM_SECONDS: u32 = 1;
const MB: f64 = 1e6;

/// Measures one part in its data folder.
pub(super) fn run(part: Part, folder: &Path, contest: &EngineContest) -> Result<Value, Error> {
    let (schedules, begin) = (contest.schedules(), BEGIN.plus(Span::from_millis(contest.clock_ms)));
    Ok(match part {
        Part::Create => json!(create(folder, Crowd::new(schedules, false))?),
        Part::CreateDelivered => json!(create(folder, Crowd::new(schedules, true))?),
        Part::Fire => json!(fire(folder, schedules, begin)?),
        Part::FireOn => fire_on(folder, begin)?,
        Part::Boot => json!(boot(folder, begin)?),
        Part::Late => json!(late(folder, contest.seconds)?),
    })
}

fn create(folder: &Path, crowd: Crowd) -> Result<Created, Error> {
    let rig = Rig::start(folder, Arc::new(ManualClock::new(BEGIN)))?;
    let watch = Stopwatch::start();
    declare(&rig, crowd, BEGIN)?;
    let seconds = watch.elapsed().as_secs_f64();
    let status = rig.status()?;
    rig.stop()?;
    let file_bytes = std::fs::metadata(folder.join(crate::store::FILE)).map_or(0, |file| file.len());
    Ok(Created {
        per_second: f64::from(crowd.schedules) / seconds,
        worst_commit_ms: status.slowest_commit.as_millis() as f64,
        schedule_bytes: file_bytes as f64 / f64::from(crowd.schedules),
    })
}

/// Creates them all in batches, several of which are under way at a time.
fn declare(rig: &Rig, crowd: Crowd, now: Timestamp) -> Result<(), Error> {
    let client = async |handle: Handle, client: u32| -> Result<(), Error> {
        let mut first = client * BATCH;
        while first < crowd.schedules {
            let batch = first..crowd.schedules.min(first + BATCH);
            let creates = batch.map(|number| crowd.declaration(number, now).map(Op::Create));
            for answer in handle.ask_all(creates.collect::<Result<_, _>>()?).await {
                answer.map_err(|error| Error::new(Code::Failed, format!("cannot create a schedule: {error}")))?;
            }
            first += CLIENTS * BATCH;
        }
        Ok(())
    };
    const { assert!(CLIENTS == 4, "as many as are joined below") };
    let one = |number| client(rig.handle(), number);
    let ended = rig.block_on(async { tokio::try_join!(one(0), one(1), one(2), one(3)) });
    ended.map(|_| ())
}

/// Starts the engine; it is ready when it has answered a question.
fn start(folder: &Path, clock: Arc<dyn Clock>) -> Result<(Rig, Booted), Error> {
    let watch = Stopwatch::start();
    let rig = Rig::start(folder, clock)?;
    rig.status()?;
    let seconds = watch.elapsed().as_secs_f64();
    let (now, peak) = resident();
    Ok((rig, Booted { seconds, resident_mb: now / MB, peak_mb: peak / MB }))
}

fn boot(folder: &Path, begin: Timestamp) -> Result<Booted, Error> {
    let (rig, booted) = start(folder, Arc::new(ManualClock::new(begin)))?;
    rig.stop()?;
    Ok(booted)
}

fn fire(folder: &Path, schedules: u32, begin: Timestamp) -> Result<Fired, Error> {
    let clock = Arc::new(ManualClock::new(begin));
    let (rig, booted) = start(folder, Arc::clone(&clock) as _)?;
    let crowd = Crowd::new(schedules, false);
    let step_fires = u64::from(schedules) * STEP_MS / crowd.period_ms;
    let periods = 2 * crowd.period_ms / STEP_MS;
    let steps = (FIRES / step_fires.max(1)).clamp(1, periods);
    for _ in 0..WARM_STEPS {
        rig.step(&clock)?;
    }
    let (before, written) = (rig.status()?, written_bytes());
    let watch = Stopwatch::start();
    let mut after = before.clone();
    for _ in 0..steps {
        after = rig.step(&clock)?;
    }
    let (took, written) = (watch.elapsed(), written_bytes() - written);
    let fires = (steps * step_fires) as f64;
    let (_, peak) = resident();
    rig.stop()?;
    Ok(Fired {
        boot: booted,
        fires,
        per_second: fires / took.as_secs_f64(),
        commits: (after.commits - before.commits) as f64,
        worst_commit_ms: after.slowest_commit.as_millis() as f64,
        written_bytes: written / fires,
        peak_mb: peak / MB,
        clock_ms: clock.now().since(BEGIN).as_millis(),
    })
}

/// Fires until somebody ends this process.
fn fire_on(folder: &Path, begin: Timestamp) -> Result<Value, Error> {
    let clock = Arc::new(ManualClock::new(begin));
    let (rig, _) = start(folder, Arc::clone(&clock) as _)?;
    loop {
        let now_ms = clock.now().since(BEGIN).as_millis() + STEP_MS;
        let mut out = std::io::stdout().lock();
        let told = writeln!(out, "{now_ms}").and_then(|()| out.flush());
        // Nobody reads any more, so nobody will kill it either.
        told.map_err(|error| Error::new(Code::Failed, error.to_string()))?;
        rig.step(&clock)?;
    }
}

fn late(folder: &Path, seconds: u32) -> Result<Lateness, Error> {
    let rig = Rig::start(folder, Arc::new(SystemClock))?;
    declare(&rig, Crowd { schedules: LATE_SCHEDULES, period_ms: 1000, delivered: true }, SystemClock.now())?;
    std::thread::sleep(std::time::Duration::from_secs(u64::from(WARM_SECONDS)));
    let before = rig.counter.late_ms();
    std::thread::sleep(std::time::Duration::from_secs(u64::from(seconds)));
    let after = rig.counter.late_ms();
    rig.stop()?;
    let seen: Vec<u64> = std::iter::zip(after, before).map(|(after, before)| after - before).collect();
    Ok(Lateness::of(&seen))
}

impl Lateness {
    /// Of how often each lateness was seen, by milliseconds.
    #[must_use]
    pub fn of(seen: &[u64]) -> Self {
        let deliveries: u64 = seen.iter().sum();
        let part = |share: f64| {
            let wanted = (deliveries as f64 * share).ceil() as u64;
            let mut sum = 0;
            let place = seen.iter().position(|count| {
                sum += count;
                sum >= wanted
            });
            place.unwrap_or_default() as f64
        };
        Self {
            deliveries: deliveries as f64,
            p50_ms: part(0.5),
            p99_ms: part(0.99),
            p999_ms: part(0.999),
            worst_ms: part(1.0),
        }
    }
}
