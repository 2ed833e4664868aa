//! Catching up a few at a time: no more schedules begin at one look at the clock than may.
//!
//! A schedule whose next due has come is caught up with it, and one that somebody changes is, too; these do not count.

use std::collections::BTreeMap;

use chimewheel::engine::change::{Cause, Run};

use super::check::Verdict;
use super::history::Known;
use super::run::Played;

pub fn check(played: &Played, verdict: &mut Verdict) {
    let Some(per_second) = played.history.catchup_per_second else { return };
    if played.weather.goes_back() {
        return;
    }
    // A second has ten slices at the most.
    let most = (per_second as usize / 10).max(1);
    let mut begun: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for (id, known) in played.history.known.iter().filter(|(id, _)| !played.history.is_paced(id)) {
        let Some(ledger) = played.ledger.get(id) else { continue };
        let mut walls: Vec<i64> = caught_up(ledger).filter(|&wall| is_alone(known, wall)).collect();
        walls.dedup();
        for wall in walls {
            begun.entry(wall).or_default().push(id);
        }
    }
    for (wall, ids) in begun {
        verdict.claim(ids.len() <= most, || format!("I10: at {wall} more than {most} are caught up: {ids:?}"));
    }
}

/// When catch-ups were begun; what is taken up again after a start may have moved.
fn caught_up(ledger: &[Run]) -> impl Iterator<Item = i64> {
    let runs = ledger.iter().filter(|run| run.cause == Cause::CatchUp);
    runs.map(|run| run.claimed_at.as_millis())
}

/// Whether nothing but its turn in the line made a schedule begin at this moment.
fn is_alone(known: &Known, wall: i64) -> bool {
    let is_due = known.revs.iter().any(|rev| {
        let jitter = rev.schedule.policy.jitter.as_millis() as i64;
        !rev.shape.dues_in(wall - 2000 - jitter, wall).is_empty()
    });
    !is_due && !known.asked.iter().any(|asked| asked.begun.wall.abs_diff(wall) <= 1000)
}
