//! Measuring the cron matcher: reading a pattern, finding the next time, giving up, and memory.
//!
//! Units: nanoseconds of one call, as the median of many passes; a pass asks for the next time after the same 1,000
//! instants of the years 2026 to 2030, which everyone gets in its own type, made beforehand.
//! Memory: the growth of the resident set of a process of its own while it reads and keeps 100,000 distinct patterns.
//! Invariant: what is compared is the same question. Every answer is checked against ours, and differences are
//! counted; who refuses a text, or has no zones, has no figure there.
//! Not here: matchers of other crates (`benches/calendar.rs`), what the patterns mean (`calendar`).

mod cases;
mod report;

use std::hint::black_box;
use std::time::Duration;

use clap::Args;
use serde_json::json;

pub use self::cases::{CASES, Case, Frequency};
use self::cases::{INSTANTS, ZONES, instants};
use super::bars::Report;
use super::process::{measure_apart, progress, resident};
use super::watch::median;
use crate::calendar::{Cron, DialectChoice, Zone};
use crate::runtime::clock::Stopwatch;
use crate::surface::error::{Code, Error};
use crate::time::Timestamp;

const PASSES_MAX: usize = 200;
/// Patterns kept for the figure of memory.
const HELD: usize = 100_000;
/// How long keeping them may take.
const HOLD_PATIENCE: Duration = Duration::from_secs(60);

/// Something that reads patterns and finds times.
pub trait Matcher {
    /// Its name.
    const NAME: &'static str;
    /// A pattern it has read.
    type Pattern;
    /// An instant, with the zone.
    type Instant;

    /// The pattern in its words; `None` if it has no way to say it.
    fn text(case: &Case) -> Option<&'static str>;

    /// Its text for minute, hour, day and month.
    #[must_use]
    fn text_of([minute, hour, day, month]: [usize; 4]) -> String {
        format!("{minute} {hour} {day} {month} *")
    }

    /// Reads a pattern.
    fn parse(text: &str, zone: &str) -> Option<Self::Pattern>;

    /// An instant, of seconds since 1970; `None` if it has no such zone.
    fn instant(seconds: i64, zone: &str) -> Option<Self::Instant>;

    /// The first time after an instant, in seconds since 1970.
    fn next(pattern: &Self::Pattern, after: &Self::Instant) -> Option<i64>;
}

/// The matcher of this crate.
#[derive(Clone, Copy, Debug)]
pub struct Own;

impl Matcher for Own {
    const NAME: &'static str = "chimewheel";
    type Pattern = Cron;
    type Instant = Timestamp;

    fn text(case: &Case) -> Option<&'static str> {
        Some(case.text)
    }

    fn parse(text: &str, zone: &str) -> Option<Cron> {
        // The name of a zone is read once for many patterns, so it is cheap to read it here.
        let zone = if zone == "UTC" { Zone::UTC } else { Zone::parse(zone).ok()? };
        Cron::parse(text, DialectChoice::Auto, zone).ok()
    }

    fn instant(seconds: i64, _zone: &str) -> Option<Timestamp> {
        Some(Timestamp::from_seconds(seconds))
    }

    fn next(pattern: &Cron, after: &Timestamp) -> Option<i64> {
        pattern.next_after(*after).map(|due| due.as_millis() / 1000)
    }
}

/// One who takes part.
#[derive(Clone, Copy, Debug)]
pub struct CronEntrant {
    name: &'static str,
    value_bytes: usize,
    measure: fn(Duration) -> Measured,
    hold: fn() -> Option<f64>,
}

impl CronEntrant {
    /// A matcher as one who takes part.
    #[must_use]
    pub fn of<M: Matcher>() -> Self {
        Self { name: M::NAME, value_bytes: size_of::<M::Pattern>(), measure: measure::<M>, hold: hold::<M> }
    }
}

/// What one of them did.
#[derive(Clone, Debug, Default)]
struct Measured {
    /// For each case: nanoseconds to read it.
    compile: Vec<Option<f64>>,
    /// For each case and zone: nanoseconds to the next time.
    next: Vec<[Option<f64>; ZONES.len()]>,
    /// Answers unlike ours, in words.
    differences: Vec<String>,
    /// Resident bytes of a pattern kept.
    held_bytes: Option<f64>,
}

/// How to run it.
#[derive(Clone, Debug, Args)]
pub struct CronContest {
    /// Milliseconds that one figure may take to measure
    #[arg(long = "budget", value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub budget_ms: u32,
    /// Keep many patterns of this matcher here and print what one takes
    #[arg(long, value_name = "NAME", hide = true)]
    pub hold: Option<String>,
}

impl CronContest {
    /// Runs it, ours being the first entrant. `command` is what stands before the options on the command line of this
    /// program.
    pub fn run(&self, entrants: &[CronEntrant], command: &[&str]) -> Result<Report, Error> {
        if let Some(name) = &self.hold {
            let entrant = entrants.iter().find(|entrant| entrant.name == name.as_str());
            let entrant = entrant.ok_or_else(|| Error::new(Code::NotFound, format!("there is no matcher {name}")))?;
            return Ok(Report::of_child(json!((entrant.hold)())));
        }
        let zone_ns = zone_first_use();
        let mut all = Vec::new();
        for (at, entrant) in entrants.iter().enumerate() {
            progress(&format!("cron patterns: {} of {}, {}", at + 1, entrants.len(), entrant.name));
            let mut measured = (entrant.measure)(Duration::from_millis(u64::from(self.budget_ms)));
            let arguments = [command, &["--hold", entrant.name]].concat();
            measured.held_bytes = measure_apart(entrant.name, &arguments, None, HOLD_PATIENCE)?.flatten();
            all.push((*entrant, measured));
        }
        progress("");
        Ok(Report { text: report::text(&all, zone_ns), json: report::to_json(&all, zone_ns) })
    }
}

/// The median, in nanoseconds of one call, of as many passes of `pass` as fit the budget. A pass makes at most
/// `calls` calls and is told how many.
fn median_ns(budget: Duration, calls: usize, mut pass: impl FnMut(usize)) -> f64 {
    let began = Stopwatch::start();
    pass(1);
    // The first call fills caches; who takes milliseconds for one gets fewer of them.
    let warm = Stopwatch::start();
    pass(1);
    let calls = (budget.as_nanos() / 8 / warm.elapsed().as_nanos().max(1)).clamp(1, calls as u128) as usize;
    let mut passes = Vec::new();
    while passes.len() < 3 || began.elapsed() < budget && passes.len() < PASSES_MAX {
        let watch = Stopwatch::start();
        pass(calls);
        passes.push(watch.elapsed().as_nanos() as f64 / calls as f64);
    }
    median(passes)
}

fn measure<M: Matcher>(budget: Duration) -> Measured {
    let mut measured = Measured::default();
    for case in CASES {
        let text = M::text(case);
        let readable = text.filter(|text| M::parse(text, "UTC").is_some());
        if let (Some(text), None) = (text, readable) {
            measured.differences.push(format!("refuses {text}"));
        }
        measured.compile.push(readable.map(|text| {
            median_ns(budget, INSTANTS, |calls| {
                for _ in 0..calls {
                    black_box(M::parse(black_box(text), "UTC"));
                }
            })
        }));
        measured.next.push(ZONES.map(|zone| {
            let pattern = M::parse(readable?, zone)?;
            let instants: Vec<M::Instant> = instants().into_iter().map_while(|at| M::instant(at, zone)).collect();
            if instants.is_empty() {
                return None;
            }
            let ns = median_ns(budget, instants.len(), |calls| {
                for instant in &instants[..calls] {
                    black_box(M::next(black_box(&pattern), black_box(instant)));
                }
            });
            measured.differences.extend(difference::<M>(case, zone, &pattern, &instants, ns));
            Some(ns)
        }));
    }
    measured
}

/// How many answers are not ours.
fn difference<M: Matcher>(
    case: &Case,
    zone: &str,
    pattern: &M::Pattern,
    instants: &[M::Instant],
    ns: f64,
) -> Option<String> {
    let own = Own::parse(case.text, zone)?;
    // Slow ones are asked less often.
    let asked = ((1e9 / ns) as usize).clamp(3, instants.len());
    let pairs = std::iter::zip(self::instants(), instants).take(asked);
    let differ = pairs.filter(|(at, instant)| {
        M::next(pattern, instant) != Own::instant(*at, zone).and_then(|instant| Own::next(&own, &instant))
    });
    let differ = differ.count();
    (differ > 0).then(|| format!("{} in {zone}: {differ} of {asked} answers are not ours", case.name))
}

/// Bytes that this process grows by for each of many patterns it keeps.
fn hold<M: Matcher>() -> Option<f64> {
    let texts: Vec<String> =
        (0..HELD).map(|n| M::text_of([n % 60, n / 60 % 24, 1 + n / 1440 % 28, 1 + n / 40_320])).collect();
    // What the first one sets up is no pattern's own.
    let first = M::parse(&texts[0], "UTC");
    let mut kept = Vec::with_capacity(HELD);
    let before = resident().0;
    kept.extend(texts.iter().filter_map(|text| M::parse(text, "UTC")));
    let after = resident().0;
    let is_whole = kept.len() == HELD;
    black_box((first, kept));
    is_whole.then(|| (after - before) / HELD as f64)
}

/// What the first question in a zone costs beyond a later one.
fn zone_first_use() -> f64 {
    let took = ["America/New_York", "Australia/Sydney", "Africa/Casablanca"].map(|zone| {
        let (cron, after) = (Own::parse("0 9 * * *", zone), Own::instant(instants()[0], zone));
        let watch = Stopwatch::start();
        black_box(cron.zip(after).and_then(|(cron, after)| Own::next(&cron, &after)));
        watch.elapsed().as_nanos() as f64
    });
    took.into_iter().fold(0.0, f64::max)
}
