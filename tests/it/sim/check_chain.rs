//! What another schedule's ends start: one record for each end that counts, and no other.
//!
//! The ledger of the first is judged by itself, so it may be believed here. Right at a change of one of the two, the order
//! within the millisecond is not known, and nothing is claimed.

use chimewheel::calendar::{End, Ends};
use chimewheel::engine::change::{Cause, Outcome, OutcomeKind, Phase, Run, SkipReason};

use super::check::Verdict;
use super::faults::Weather;
use super::keeper::is_regular;
use super::run::Played;

/// A stretch of time in which the ends of another schedule's runs start one.
pub struct Stretch<'a> {
    pub first: &'a str,
    pub ends: Ends,
    /// Ends later than this, and no later than that.
    pub from: i64,
    pub until: i64,
}

/// How far ends that came at once may push each other ahead.
const PUSHED_MS_MAX: i64 = 50;

pub fn check(
    played: &Played,
    id: &str,
    stretches: &[Stretch<'_>],
    pauses: &[(i64, i64)],
    ledger: &[Run],
    verdict: &mut Verdict,
) {
    for stretch in stretches {
        let Some(first) = played.ledger.get(stretch.first) else { continue };
        let mut ends: Vec<i64> = first.iter().filter_map(|run| started_at(played, run, stretch.ends)).collect();
        ends.sort_unstable();
        let of_stretch = |run: &&Run| {
            let at = run.claimed_at.as_millis();
            is_regular(run) && stretch.from < at && at <= stretch.until
        };
        let mut started: Vec<&Run> = ledger.iter().filter(of_stretch).collect();
        started.sort_by_key(|run| run.occurrence.due);
        if played.weather.goes_back() {
            let (started, ends) = (started.len(), ends.len());
            verdict.claim(started <= ends, || format!("I2: {id} was started {started} times by {ends} ends"));
            continue;
        }
        let is_edge = |at: i64| at.abs_diff(stretch.from) <= 1 || at.abs_diff(stretch.until) <= 1;
        // History is not kept for ever.
        let kept_from = played.ended_at - (played.history.history_days - 1) * 86_400_000;
        ends.retain(|at| stretch.from <= *at && *at <= stretch.until && *at > kept_from);
        started.retain(|run| run.occurrence.due.as_millis() > kept_from);
        if ends.iter().any(|at| is_edge(*at)) {
            continue;
        }
        verdict.tally.targets += ends.len() as u64;
        let dues: Vec<i64> = started.iter().map(|run| run.occurrence.due.as_millis()).collect();
        let is_started = |end: &i64| dues.iter().any(|due| end <= due && due - end <= PUSHED_MS_MAX);
        // Where little history is kept, a long range that was skipped ends and is forgotten at once.
        let is_one_each = match played.weather {
            Weather::Month => ends.iter().all(is_started),
            _ => {
                let follows = |(end, due): (&i64, &i64)| end <= due && due - end <= PUSHED_MS_MAX;
                dues.len() == ends.len() && ends.iter().zip(&dues).all(follows)
            }
        };
        let (most, least) = (ends.len(), dues.len());
        verdict.claim(is_one_each, || {
            let lost = ends.iter().find(|end| !is_started(end));
            format!("I1: {id} was started {least} times by {most} ends of {}; lost: {lost:?}", stretch.first)
        });
        for run in started {
            check_pause(id, run, pauses, verdict);
        }
    }
}

/// What comes while it is paused is recorded as that.
fn check_pause(id: &str, run: &Run, pauses: &[(i64, i64)], verdict: &mut Verdict) {
    let at = run.claimed_at.as_millis();
    let is_paused = pauses.iter().any(|&(from, until)| from < at && at < until);
    let says_so = matches!(&run.phase, Phase::Settled { outcome: Outcome::Skipped(SkipReason::Paused), .. });
    verdict.claim(!is_paused || says_so, || format!("I10: {id} is paused: {run:?}"));
}

/// When a run of the first started others by its end, if it did. A dead letter has done so when it was given up, or
/// else, tried again, when it came to something else.
fn started_at(played: &Played, run: &Run, ends: Ends) -> Option<i64> {
    if run.retried.is_none() || !ends.has(End::Failed) {
        return ended_at(run, ends);
    }
    let letters = played.history.letters.iter().map(|asked| &asked.run);
    let before = letters.filter(|one| one.occurrence == run.occurrence && one.retried.is_none());
    before.filter_map(|one| ended_at(one, ends)).next()
}

/// When a run of the first ended, if that counts.
fn ended_at(run: &Run, ends: Ends) -> Option<i64> {
    let Phase::Settled { at, outcome } = &run.phase else { return None };
    let end = match outcome.kind() {
        OutcomeKind::Delivered => End::Delivered,
        OutcomeKind::Silent => End::Silent,
        OutcomeKind::Failed => End::Failed,
        OutcomeKind::Unknown => End::Unknown,
        OutcomeKind::Skipped => End::Skipped,
        OutcomeKind::Cancelled => return None,
    };
    (run.cause != Cause::Notice && ends.has(end)).then(|| at.as_millis())
}
