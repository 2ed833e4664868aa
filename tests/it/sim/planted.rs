//! The checker's own test: bugs are planted one by one, and each must be found within a stated number of seeds.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chimewheel::planted::{Bug, plant};

use super::faults::Weather;
use super::run;

/// Seeds that a bug may take to be found.
const SEEDS_MAX: u64 = 400;

/// Where a bug shows at all: a clock set back, or more than 24 days.
fn seeds(bug: Bug) -> impl Iterator<Item = u64> {
    let is_wanted = move |seed: &u64| match bug {
        Bug::BackwardKeepsGeneration | Bug::GateKeepsOldClock => Weather::of(*seed) == Weather::Backward,
        Bug::WaitCutTo32Bits | Bug::HistoryGoesEarly => Weather::of(*seed) == Weather::Month,
        _ => Weather::of(*seed) == Weather::Rough,
    };
    (0..).filter(is_wanted).take(SEEDS_MAX as usize)
}

/// The first seed that finds it, and what it says.
fn find(bug: Bug) -> Option<(u64, String)> {
    seeds(bug).find_map(|seed| {
        plant(Some(bug));
        // A bug may also break what no process should ever break.
        let found = std::panic::catch_unwind(|| run::judge(seed).1.wrongs);
        plant(None);
        let wrong = found.map_or_else(|_| Some("a panic".to_owned()), |wrongs| wrongs.into_iter().next());
        wrong.map(|wrong| (seed, wrong))
    })
}

/// The bugs to look for; `PLANTED=ProbeStorm,TokenForgotten` says which, where somebody is after single ones.
fn wanted() -> Vec<Bug> {
    let names = std::env::var("PLANTED").unwrap_or_default();
    let is_wanted = |bug: &Bug| names.is_empty() || names.split(',').any(|name| name == format!("{bug:?}"));
    Bug::ALL.iter().copied().filter(is_wanted).collect()
}

#[test]
fn every_planted_bug_is_found() {
    let (bugs, next) = (wanted(), AtomicUsize::new(0));
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(&bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let finding = find(bug);
                    if let Some((seed, wrong)) = &finding {
                        println!("{bug:?}: seed {seed}: {}", wrong.chars().take(120).collect::<String>());
                        // The seed itself is sound.
                        assert_eq!(run::judge(*seed).1.wrongs, [""; 0], "seed {seed} with nothing planted");
                    }
                    found.lock().expect("nobody panics here").push((bug, finding));
                }
            });
        }
    });
    let found = found.into_inner().expect("nobody panics here");
    let missed: Vec<Bug> = found.iter().filter(|(_, finding)| finding.is_none()).map(|(bug, _)| *bug).collect();
    println!("planted {}, found {}", found.len(), found.len() - missed.len());
    assert_eq!(missed, [], "not found within {SEEDS_MAX} seeds");
}
