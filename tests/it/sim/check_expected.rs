//! The owner is told when no run has succeeded for too long: not before, not twice without a success in between, and surely
//! when nothing else can be the reason.
//!
//! Whatever is asked of a schedule may let the wait begin anew, or not; where that makes a difference nothing is claimed.

use chimewheel::engine::change::{Cause, OutcomeKind, Phase, Run};

use super::check::Verdict;
use super::history::{Ask, Known};
use super::load;
use super::run::Played;
use super::shape::Shape;

/// By then a process that goes on has told what it has to tell, and it is durable.
const SLACK_MS: i64 = 3 * 60_000;

pub fn check(played: &Played, id: &str, known: &Known, ledger: &[Run], verdict: &mut Verdict) {
    let place: usize = id[1..].parse().expect("a number");
    let Some(within) = load::expected(place).map(|span| span.as_millis() as i64) else { return };
    if played.weather.goes_back() || known.key.is_none() {
        return;
    }
    let is_unmet = |run: &&Run| {
        run.cause == Cause::Notice && run.execution.as_ref().is_some_and(|execution| execution.notes.is_some())
    };
    let mut told: Vec<i64> = ledger.iter().filter(is_unmet).map(|run| run.claimed_at.as_millis()).collect();
    told.sort_unstable();
    let succeeded: Vec<i64> = ledger.iter().filter_map(succeeded_at).collect();
    let asked: Vec<i64> = known.done().map(|asked| asked.begun.wall).collect();
    // What may let the wait begin anew.
    let between = |from: i64, until: i64| {
        let mut begun = succeeded.iter().chain(&asked);
        begun.any(|at| from <= *at && *at <= until)
    };
    for pair in told.windows(2) {
        let (once, again) = (pair[0], pair[1]);
        verdict.claim(between(once, again), || format!("I2: {id} was told of twice, at {once} and {again}"));
        verdict.tally.targets += 1;
    }
    for &at in &told {
        // A clock that is nudged back puts what came later a little earlier.
        let early = succeeded.iter().find(|success| at - **success > 1000 && at - **success < within);
        verdict.claim(early.is_none(), || format!("I3: {id} was told of at {at}, but succeeded at {early:?}"));
    }
    check_told(played, known, (id, within), &told, &succeeded, verdict);
}

/// From each success, or the create, to whatever comes next.
fn check_told(
    played: &Played,
    known: &Known,
    (id, within): (&str, i64),
    told: &[i64],
    succeeded: &[i64],
    verdict: &mut Verdict,
) {
    let history = &played.history;
    let changes: Vec<i64> = known.done().filter(|asked| asked.ask != Ask::RunNow).map(|one| one.begun.wall).collect();
    let created = known.done().find(|asked| asked.rev().is_some()).map(|asked| asked.begun.wall);
    let rev_at =
        |wall: i64| known.done().filter(|one| one.begun.wall <= wall).filter_map(|one| one.rev()).next_back();
    for begin in succeeded.iter().copied().chain(created) {
        let Some(rev) = rev_at(begin).map(|rev| &known.revs[rev]) else { continue };
        let bounds = rev.schedule.bounds;
        let is_endless = !matches!(rev.shape, Shape::At(_))
            && (bounds.start_at, bounds.end_at, bounds.max_runs) == (None, None, None)
            && !rev.paused;
        let was_changed = changes.iter().any(|at| *at <= begin) && created.is_some_and(|created| begin > created);
        // Whether it was paused then, or had ended, is another check's to say.
        let is_plain = !was_changed || changes.iter().filter(|at| **at <= begin).count() == 1;
        let later = succeeded.iter().chain(&changes).filter(|at| **at > begin).min();
        let until = later.copied().unwrap_or(played.ended_at);
        // An interval begins with its anchor.
        let anchor = if let Shape::Every { anchor, .. } = rev.shape { anchor } else { begin };
        let due = begin.max(anchor) + within;
        let crashed = history.crashes.iter().any(|(crash, _)| begin <= crash.wall && crash.wall <= until);
        let is_long = until - due > SLACK_MS;
        let is_up = history.looks.iter().any(|(_, look)| due + 60_000 <= look.wall && look.wall + 60_000 <= until);
        let paused_itself = |run: &Run| run.cause == Cause::Notice && run.execution.is_none();
        let is_paused = played.ledger[id].iter().any(|run| paused_itself(run) && run.claimed_at.as_millis() <= until);
        if is_endless && is_plain && is_long && is_up && !crashed && !is_paused {
            let is_told = told.iter().any(|at| due <= *at && *at <= until);
            verdict
                .claim(is_told, || format!("I10: nobody was told that {id} did not succeed from {begin} to {until}"));
            verdict.tally.targets += 1;
        }
    }
}

fn succeeded_at(run: &Run) -> Option<i64> {
    let Phase::Settled { at, outcome } = &run.phase else { return None };
    let is_success = matches!(outcome.kind(), OutcomeKind::Delivered | OutcomeKind::Silent);
    (is_success && run.cause != Cause::Notice).then(|| at.as_millis())
}
