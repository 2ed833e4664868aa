//! What the policy makes of a due, given every interruption that may have kept it from being served in time.
//!
//! Where only so many catch-ups are begun in a second a missed due waits for its turn, and its policy is asked then; the
//! record tells when that was.

use chimewheel::engine::change::{Cause, Outcome, Phase, Run, SkipReason};
use chimewheel::spec::MisfirePolicy;

use super::check::Verdict;
use super::check_dues::Chain;
use super::history::{History, Interruption};
use super::run::Played;

/// The longest that anybody stands in line to be caught up: fourteen schedules, each before it with as many runs as one
/// may have, five of them in a second.
const LINE_MS_MAX: i64 = 14 * 100 * 200;

/// How a due ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Fired,
    Skipped,
    /// It was not to count.
    Excluded,
}

pub fn fate(run: &Run) -> Fate {
    match &run.phase {
        Phase::Settled { outcome: Outcome::Skipped(SkipReason::Except), .. } => Fate::Excluded,
        Phase::Settled { outcome: Outcome::Skipped(_), .. } => Fate::Skipped,
        _ => Fate::Fired,
    }
}

pub fn check(
    played: &Played,
    id: &str,
    chain: &Chain<'_>,
    due: i64,
    run: &Run,
    pauses: &[(i64, i64)],
    verdict: &mut Verdict,
) {
    let (history, fires_at, claimed_at) = (&played.history, chain.fires_at(due), run.claimed_at.as_millis());
    let jitter = chain.policy.jitter.as_millis() as i64;
    let is_in_bounds = due <= fires_at && fires_at <= due + jitter;
    let next = chain.dues.iter().find(|&&next| next > due);
    let is_before_next = next.is_none_or(|&next| fires_at < next || jitter == 0);
    verdict.claim(is_in_bounds && is_before_next, || format!("I10: {id} due {due} is put off till {fires_at}"));
    let lines: Vec<(&Interruption, i64)> = lines(history, fires_at);
    // A clock that slews may be up to a second behind when an attempt is taken up again after a start. A due put off
    // beyond the end of an interruption goes with those before it.
    let in_line =
        |at: i64| history.interruptions.iter().any(|cut| cut.up <= at + 1000 && at <= line_end(history, cut));
    let earliest = if run.cause == Cause::Due && !in_line(claimed_at) { fires_at } else { due };
    let is_early = claimed_at + 1000 < earliest && fate(run) == Fate::Fired && !is_void(run);
    verdict.claim(!is_early, || format!("I3: {id} due {due} for {earliest} was taken up early: {run:?}"));

    let was_paused = pauses.iter().any(|&(from, until)| from < due && due < until);
    let late = lines.iter().map(|&(_, end)| end).max().unwrap_or(fires_at);
    let may_be_paused = pauses.iter().any(|&(from, until)| from <= fires_at.max(late) && due <= until);
    let is_paused = matches!(&run.phase, Phase::Settled { outcome: Outcome::Skipped(SkipReason::Paused), .. });
    let was_buffered = matches!(&run.phase, Phase::Settled { at, .. } if is_paused && *at > run.claimed_at);
    // A pause ends what had its time before it and was only buffered.
    if was_buffered && pauses.iter().any(|&(from, _)| from >= due) {
        return;
    }
    verdict.claim(!was_paused || is_paused, || format!("I10: {id} was paused at {due}: {run:?}"));
    verdict.claim(may_be_paused || !is_paused, || format!("I10: {id} was not paused at {due}: {run:?}"));
    // It was taken up like any other, and an earlier run was in its way.
    if matches!(&run.phase, Phase::Settled { outcome: Outcome::Skipped(SkipReason::Overlap), .. }) {
        return;
    }
    if is_paused || pauses.iter().any(|&(from, until)| from <= fires_at && due <= until) {
        return;
    }
    let is_excluded = fate(run) == Fate::Excluded;
    // What was given up for another wording had not been looked at.
    verdict.claim(is_excluded == chain.is_closed(due) || is_void(run), || {
        format!("I10: {id} due {due}, which is closed or not: {run:?}")
    });
    if is_excluded || chain.max_runs.is_some() {
        return;
    }
    let mut allowed = Vec::new();
    // What came up to a second ago is served as if it were in time.
    if !history.interruptions.iter().any(|cut| cut.down < fires_at && fires_at <= cut.up - 1000) {
        allowed.push(Fate::Fired);
    }
    for (cut, end) in lines {
        allowed.push(fate_after(chain, due, cut.up, cut.up));
        if history.catchup_per_second.is_some() && cut.up <= claimed_at && claimed_at <= end {
            allowed.push(fate_after(chain, due, cut.up, claimed_at));
        }
    }
    let is_allowed = allowed.contains(&fate(run)) || is_void(run);
    verdict.claim(is_allowed, || {
        format!("I10: {id} due {due} under {:?} should be {allowed:?}: {run:?}", chain.policy.misfire)
    });
}

fn is_void(run: &Run) -> bool {
    matches!(&run.phase, Phase::Settled { outcome: Outcome::Cancelled, .. })
}

/// The interruptions in which a due may have been missed, each with the last moment at which it may be caught up.
fn lines(history: &History, fires_at: i64) -> Vec<(&Interruption, i64)> {
    let missed = history.interruptions.iter().filter(|cut| cut.durable < fires_at && fires_at <= cut.up);
    missed.map(|cut| (cut, line_end(history, cut))).collect()
}

/// Another interruption makes whoever stands in line wait anew.
fn line_end(history: &History, cut: &Interruption) -> i64 {
    if history.catchup_per_second.is_none() {
        return cut.up;
    }
    let mut end = cut.up + LINE_MS_MAX;
    for later in history.interruptions.iter().filter(|later| later.up > cut.up) {
        if later.durable.min(later.down) <= end {
            end = end.max(later.up + LINE_MS_MAX);
        }
    }
    end
}

/// What becomes of a due that was missed up to `up`, when the policy is asked at `asked`.
fn fate_after(chain: &Chain<'_>, due: i64, up: i64, asked: i64) -> Fate {
    let later = chain.dues.iter().filter(|&&other| due < other && other <= asked && !chain.is_closed(other)).count();
    let is_young = due >= asked - chain.policy.catchup_window.as_millis() as i64;
    let fires = match chain.policy.misfire {
        MisfirePolicy::FireOnce => later == 0 && is_young,
        MisfirePolicy::FireAll => later < 100 && is_young,
        MisfirePolicy::Skip => chain.fires_at(due) > up - 1000,
    };
    if fires { Fate::Fired } else { Fate::Skipped }
}
