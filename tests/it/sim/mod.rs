//! The whole core under chance and faults, on one thread and by virtual time; every seed is a run that can be replayed.
//!
//! What runs is the program's own: the loop's turns, engine, wheel, calendar, store and redb. Played are the disk, the
//! clock, the gateways and those who ask. A checker outside compares what gateways saw and what was answered with what
//! was to be expected, and with the ledger.
//! Not covered: threads, sockets, real files and their locks, which `kill`, `kill_points`, `daemon` and `runtime` run
//! for real. Answers come in any order, and twice; an answer to an attempt that is given up never comes, because
//! dispatch drops the connection with it.

mod check;
mod check_dues;
mod check_fates;
mod check_gates;
mod check_hooks;
mod check_line;
mod check_pauses;
mod check_runs;
mod check_sends;
mod closed;
mod faults;
mod gateway;
mod history;
mod keeper;
mod letters;
mod load;
mod oracle;
mod people;
#[cfg(feature = "planted")]
mod planted;
mod process;
mod report;
mod rounds;
mod run;
mod runs;
mod shape;
mod spending;
mod world;
mod zones;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use faults::Weather;
use report::Tally;

/// Runs these seeds on every core; what is wrong with a seed comes with the command that replays it.
fn run_all(seeds: Range<u64>, is_wanted: impl Fn(u64) -> bool + Sync) -> (Tally, Vec<String>) {
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new((Tally::default(), Vec::new()));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if !is_wanted(seed) {
                        continue;
                    }
                    let (_, verdict) = run::judge(seed);
                    let mut found = found.lock().expect("no seed panics");
                    found.0.add(&verdict.tally);
                    if let Some(wrong) = verdict.wrongs.first() {
                        let count = verdict.wrongs.len();
                        found
                            .1
                            .push(format!("seed {seed}: {count} findings, the first: {wrong}\n    {}", replay(seed)));
                    }
                }
            });
        }
    });
    found.into_inner().expect("no seed panics")
}

fn replay(seed: u64) -> String {
    format!("SIM_SEEDS={seed}..{} cargo test --locked --test it -- --ignored --nocapture sim::a_long_run", seed + 1)
}

/// A month takes as long as eight days, so most of them are left to the long run.
fn is_quick(seed: u64) -> bool {
    Weather::of(seed) != Weather::Month || seed < 30
}

#[test]
fn nothing_is_lost_or_doubled_whatever_breaks() {
    let (tally, wrongs) = run_all(0..150, is_quick);
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    // What never happened has not been tested.
    assert!(tally.crashes.len() >= 7 && tally.faults.len() >= 16, "{tally}");
    assert!(tally.outcomes.len() >= 8 && tally.doubles > 0 && tally.ambiguous > 0, "{tally}");
}

#[test]
fn a_seed_plays_the_same_every_time() {
    for seed in [3, 8, 11, 17] {
        let (once, again) = (run::play(seed), run::play(seed));
        let differs = once.history.trace.lines().zip(again.history.trace.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(once.history.trace.len(), again.history.trace.len(), "seed {seed}");
        assert!(once.history.trace.lines().count() > 300, "seed {seed} does next to nothing");
    }
}

#[test]
fn a_run_without_faults_sends_everything_once_and_in_time() {
    for seed in [0, 10, 20, 30] {
        let (_, verdict) = run::judge(seed);
        assert_eq!(verdict.wrongs, [""; 0], "seed {seed}");
        assert_eq!((verdict.tally.doubles, verdict.tally.ambiguous), (0, 0), "seed {seed}");
        assert!(verdict.tally.latest_ms < 1000, "seed {seed}: {} ms late", verdict.tally.latest_ms);
    }
}

/// `SIM_SEEDS=0..2000` says which seeds; of a single one the whole trace is printed.
#[test]
#[ignore = "takes minutes: two thousand seeds, each a day or a month"]
fn a_long_run() {
    let seeds = std::env::var("SIM_SEEDS").unwrap_or_else(|_| "0..2000".into());
    let range = seeds.split_once("..").and_then(|(from, until)| Some(from.parse().ok()?..until.parse().ok()?));
    let range: Range<u64> = range.unwrap_or_else(|| panic!("SIM_SEEDS is a range such as 0..2000, not {seeds}"));
    if range.end == range.start + 1 {
        let (played, verdict) = run::judge(range.start);
        println!("{}", played.history.trace);
        println!("{}", verdict.wrongs.join("\n"));
    }
    let (tally, wrongs) = run_all(range, |_| true);
    println!("{tally}");
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}
