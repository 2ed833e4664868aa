//! Runs as their runners saw them: never side by side unless that is allowed, never again for a text that is there, and
//! what the ledger says of them.
//!
//! I14 here is: one run of a schedule at a time, or as many as its overlap policy allows; and one of those that know
//! the same conversation at a time.

use std::collections::BTreeMap;

use chimewheel::engine::change::{Outcome, Phase, Run, SkipReason};
use chimewheel::id::OccurrenceId;
use chimewheel::limits::PARALLEL_RUNS_COUNT_MAX;
use chimewheel::spec::{OverlapPolicy, Payload, RunSession, Schedule, Task};

use super::check::Verdict;
use super::history::{Attempt, History};
use super::run::Played;
use super::runs::{RunSaid, RunTry};

pub fn is_task(schedule: &Schedule) -> bool {
    matches!(schedule.payload, Payload::Task(_))
}

/// Whether the text was made by a runner, and so took its time.
pub fn is_of_task(history: &History, attempt: &Attempt) -> bool {
    is_task(&history.known[&attempt.id].revs[attempt.rev].schedule)
}

pub fn check(played: &Played, verdict: &mut Verdict) {
    let history = &played.history;
    let mut by_id: BTreeMap<&str, Vec<&RunTry>> = BTreeMap::new();
    for one in &history.runs {
        by_id.entry(&one.id).or_default().push(one);
    }
    for (id, tries) in &by_id {
        check_side_by_side(history, tries, verdict);
        check_again(history, tries, verdict);
        if let Some(ledger) = played.ledger.get(*id) {
            check_attempts(played, tries, ledger, verdict);
        }
    }
    check_turns(history, verdict);
    // A clock set back moves the beginnings of runs on record, and their ends lie before them.
    for (id, ledger) in played.ledger.iter().filter(|_| !played.weather.goes_back()) {
        check_overlaps(id, ledger, verdict);
    }
    // A notice has words of its own.
    for attempt in history.attempts.iter().filter(|attempt| !attempt.is_notice && is_of_task(history, attempt)) {
        let due = |one: &&&RunTry| one.occurrence.due.as_millis() == attempt.due && one.rev == attempt.rev;
        let tries = by_id.get(&*attempt.id).map_or(&[][..], |tries| &tries[..]);
        let made = tries
            .iter()
            .filter(due)
            .any(|one| one.said == RunSaid::Composed && one.told.is_some_and(|told| told.seq < attempt.at.seq));
        verdict.claim(made, || format!("I11: sent, and nobody composed it: {attempt:?}"));
    }
}

fn overlap(history: &History, one: &RunTry) -> OverlapPolicy {
    history.known[&one.id].revs[one.rev].schedule.policy.overlap
}

fn check_side_by_side(history: &History, tries: &[&RunTry], verdict: &mut Verdict) {
    // A dead letter that is run again was over before.
    let life = |one: &RunTry| {
        let due = one.occurrence.due.as_millis();
        (one.occurrence, history.lives_before(&one.id, due, one.at))
    };
    let mut spans: BTreeMap<(OccurrenceId, usize), (u64, u64)> = BTreeMap::new();
    for (place, one) in tries.iter().enumerate() {
        spans.entry(life(one)).or_insert((one.at.seq, one.at.seq)).1 = one.at.seq;
        let goes_on =
            |other: &&&RunTry| other.boot == one.boot && other.told.is_none_or(|told| told.seq > one.at.seq);
        let beside = tries[..place].iter().filter(goes_on).count();
        let most = if overlap(history, one) == OverlapPolicy::AllowAll { PARALLEL_RUNS_COUNT_MAX } else { 1 };
        verdict.claim(beside < most, || format!("I14: {beside} runs go on when this one begins: {one:?}"));
    }
    // What is to be run again is not over, even while nobody runs it.
    for one in tries.iter().filter(|one| overlap(history, one) != OverlapPolicy::AllowAll) {
        let (first, _) = spans[&life(one)];
        let passed = spans.iter().find(|(_, span)| span.0 < first && first < span.1);
        verdict.claim(passed.is_none(), || format!("I14: {one:?} began before {passed:?} was over"));
    }
}

/// The conversation that a run knows: of whom, and where.
fn conversation(history: &History, one: &RunTry) -> Option<String> {
    let schedule = &history.known[&one.id].revs[one.rev].schedule;
    let Payload::Task(Task { session: RunSession::Conversation, .. }) = &schedule.payload else { return None };
    schedule.destination.as_ref().map(|place| format!("{} in {place}", schedule.agent))
}

/// Of all that know the same conversation one is with its runner.
fn check_turns(history: &History, verdict: &mut Verdict) {
    let mut last: BTreeMap<String, Vec<&RunTry>> = BTreeMap::new();
    for one in &history.runs {
        let Some(place) = conversation(history, one) else { continue };
        let goes_on = |other: &&RunTry| other.boot == one.boot && other.told.is_none_or(|told| told.seq > one.at.seq);
        let others = last.entry(place).or_default();
        others.retain(goes_on);
        verdict.claim(others.is_empty(), || format!("I14: {one:?} knows what {others:?} is still answering"));
        others.push(one);
    }
}

/// A second attempt needs a reason, and a wait.
fn check_again(history: &History, tries: &[&RunTry], verdict: &mut Verdict) {
    let mut before: BTreeMap<OccurrenceId, &RunTry> = BTreeMap::new();
    for one in tries {
        let Some(earlier) = before.insert(one.occurrence, one) else { continue };
        let crashed = history.crashed_between(earlier.at, one.at);
        let Some(told) = earlier.told else {
            verdict.claim(crashed, || format!("I2: run twice at once: {earlier:?} {one:?}"));
            continue;
        };
        if crashed && history.may_be_forgotten(told) {
            continue;
        }
        let due = one.occurrence.due.as_millis();
        if earlier.said != RunSaid::Composed && history.is_retried_between(&one.id, due, earlier.at, one.at) {
            continue;
        }
        let may = matches!(earlier.said, RunSaid::Retry | RunSaid::Ambiguous);
        verdict.claim(may, || format!("I11: run again when it was over: {earlier:?} {one:?}"));
        let policy = history.known[&one.id].revs[one.rev].schedule.policy;
        let waited = one.at.since(told);
        let is_enough = waited >= policy.retry.backoff_min.as_millis() as i64 || history.steps_back > 0;
        verdict.claim(is_enough, || format!("I13: waited {waited} ms: {earlier:?} {one:?}"));
    }
}

/// The ledger's count of attempts: at least those that were made, and no more than are allowed.
fn check_attempts(played: &Played, tries: &[&RunTry], ledger: &[Run], verdict: &mut Verdict) {
    let history = &played.history;
    let mut made: BTreeMap<OccurrenceId, Vec<&RunTry>> = BTreeMap::new();
    for one in tries {
        made.entry(one.occurrence).or_default().push(one);
    }
    for run in ledger {
        let Some(tries) = made.remove(&run.occurrence) else { continue };
        let Some(execution) = &run.execution else {
            verdict.wrongs.push(format!("I11: {run:?} says nothing of {tries:?}"));
            continue;
        };
        let policy = history.known[&tries[0].id].revs[tries[0].rev].schedule.policy;
        let due = run.occurrence.due.as_millis();
        let lives = |one: &RunTry| history.lives_before(&one.id, due, one.at);
        let last_life = history.retries(&tries[0].id, due).count();
        let count = tries.iter().filter(|one| lives(one) == last_life).count();
        let most = usize::from(policy.retry.max_attempts);
        let counted = usize::from(execution.attempts);
        verdict.claim(count <= counted && counted <= most, || {
            format!("I13: {count} of at most {most} attempts were made: {run:?}")
        });
        let Phase::Settled { outcome, .. } = &run.phase else { continue };
        let last = tries.last().map(|one| one.said);
        let agrees = match outcome {
            Outcome::Delivered { .. } | Outcome::Unknown { .. } => {
                last == Some(RunSaid::Composed) && execution.model.is_some()
            }
            Outcome::Silent { .. } => matches!(last, Some(RunSaid::Composed | RunSaid::Silent)),
            Outcome::Failed { .. } | Outcome::Dropped { .. } | Outcome::Cancelled | Outcome::Displaced => true,
            Outcome::Gated { .. } => last == Some(RunSaid::Gated),
            Outcome::OverBudget { .. } => last == Some(RunSaid::OverBudget),
            Outcome::Skipped(_) => false,
        };
        verdict.claim(agrees, || format!("I11: {run:?} does not agree with {tries:?}"));
    }
    for (of, tries) in made {
        verdict.wrongs.push(format!("I11: {of:?} was run and is in no record: {tries:?}"));
    }
}

/// What was skipped or ended for the sake of another run had another run beside it.
fn check_overlaps(id: &str, ledger: &[Run], verdict: &mut Verdict) {
    let span = |run: &Run| match &run.phase {
        Phase::Settled { at, .. } => (run.claimed_at, *at),
        _ => (run.claimed_at, run.claimed_at),
    };
    for run in ledger {
        let Phase::Settled { at, outcome } = &run.phase else { continue };
        let needs = matches!(outcome, Outcome::Skipped(SkipReason::Overlap) | Outcome::Displaced);
        // What takes another's place may lose it again, or be cancelled, before it has begun.
        let is_run = |other: &Run| other.execution.is_some() || span(other).0 < span(other).1;
        let beside = || {
            let mut others = ledger.iter().filter(|other| other.occurrence != run.occurrence);
            others.any(|other| is_run(other) && span(other).0 <= *at && *at <= span(other).1)
        };
        verdict.claim(!needs || beside(), || format!("I10: {id}: nothing was beside {run:?}"));
    }
}
