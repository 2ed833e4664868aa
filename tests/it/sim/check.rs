//! The checker: what the history and the ledger must say to each other, whatever happened.
//!
//! Expected dues come from `shape`, receipts from the gateways, answers from the driver; the ledger is what is judged.
//! The numbers of the findings are those of the invariants: I1 no loss, I2 no double, I3 never early, I4 timely,
//! I5 order, I6 cancel, I7 durable, I8 no resurrection, I9 no torn update, I10 policy, I11 accounted, I12 isolation,
//! I13 budgets, I14 one at a time in a chat, and of a schedule, I15 liveness, I16 resources. I17, that a seed plays the
//! same every time, is a test of its own; I18, that nobody is written to before his gate opens, is `check_gates`'; that a stranger's question is answered like one for what is not there, is
//! `ops`' and tested where questions come in.
//! Not here: sends in their order (`check_sends`), dues and their fates (`check_dues`), pauses (`check_pauses`), runs
//! (`check_runs`), what hooks say (`check_hooks`).

use std::collections::BTreeMap;

use chimewheel::engine::change::{Cause, Outcome, Phase, Run};
use chimewheel::limits::BREAKER_WAIT_MS_MAX;
use chimewheel::spec::{DeliveryGuarantee, OverlapPolicy};

use super::check_dues;
use super::check_gates::{self, Shut};
use super::check_hooks;
use super::check_line;
use super::check_runs::{self, is_task};
use super::check_sends;
use super::faults::Weather;
use super::history::{Ask, Attempt, End, History, Known, Mark, Rev, Said};
use super::keeper::is_regular;
use super::letters;
use super::load::gateway_of;
use super::report::Tally;
use super::run::Played;
use super::runs::RunSaid;
use super::spending;

/// What a commit may take when the disk is slow, and the one before it.
const SLOW_MS_MAX: i64 = 20_000;

/// What came of judging a run.
pub struct Verdict {
    /// When accounts were shut.
    pub shut: Vec<Shut>,
    pub wrongs: Vec<String>,
    pub tally: Tally,
}

impl Verdict {
    pub fn of(played: &Played) -> Self {
        let wrongs = played.history.wrongs.clone();
        let mut verdict = Self { shut: Vec::new(), wrongs, tally: Tally::of(played) };
        check_gates::check(played, &mut verdict);
        check_sends::check(played, &mut verdict);
        check_line::check(played, &mut verdict);
        check_runs::check(played, &mut verdict);
        check_hooks::check(played, &mut verdict);
        spending::check(played, &mut verdict);
        letters::check(played, &mut verdict);
        for (id, known) in &played.history.known {
            let Some(ledger) = played.ledger.get(id) else { continue };
            check_ledger(played, id, known, ledger, &mut verdict);
            check_dues::check(played, id, known, ledger, &mut verdict);
        }
        verdict
    }

    pub fn claim(&mut self, holds: bool, wrong: impl FnOnce() -> String) {
        if !holds {
            self.wrongs.push(wrong());
        }
    }
}

impl History {
    /// Whether a crash may have made the loop forget what it was told here.
    pub fn may_be_forgotten(&self, told: Mark) -> bool {
        self.crashes.iter().any(|(crash, durable)| crash.seq > told.seq && told.seq > durable.seq)
    }

    pub fn crashed_between(&self, from: Mark, until: Mark) -> bool {
        self.crashes.iter().any(|(crash, _)| crash.seq > from.seq && crash.seq < until.seq)
    }
}

/// Every record is an end, and agrees with what the gateways saw.
fn check_ledger(played: &Played, id: &str, known: &Known, ledger: &[Run], verdict: &mut Verdict) {
    let history = &played.history;
    let declared = known.declared();
    let of_messages = history.attempts.iter().filter(|attempt| attempt.id == id && !attempt.is_notice);
    let attempts: Vec<&Attempt> = of_messages.collect();
    let mut unmatched: BTreeMap<(usize, i64), Vec<&Attempt>> = BTreeMap::new();
    for attempt in &attempts {
        unmatched.entry((attempt.rev, attempt.due)).or_default().push(attempt);
    }
    for run in ledger {
        let due = run.occurrence.due.as_millis();
        // A clock set back raises generations too.
        let rev = declared.get(run.occurrence.generation as usize - 1).copied();
        let rev = rev.filter(|_| !played.weather.goes_back());
        let is_known = rev.is_some() || played.weather.goes_back();
        verdict.claim(is_known, || format!("I8: {id} has no such generation: {run:?}"));
        let Phase::Settled { outcome, at } = &run.phase else {
            verdict.wrongs.push(format!("I11: {id} is not settled: {run:?}"));
            continue;
        };
        let settled_at = at.as_millis();
        verdict.tally.count(outcome, run.range.map_or(1, |range| range.count));
        if let Some(rev) = rev.filter(|_| run.cause != Cause::Notice) {
            let tries = unmatched.remove(&(rev, due)).unwrap_or_default();
            let is_spread = run.execution.as_ref().is_some_and(|execution| execution.deliveries > 0);
            for (of, tries) in check_hooks::parts(history, run, &tries, verdict) {
                let Phase::Settled { outcome, at } = &of.phase else { continue };
                check_outcome(history, id, known, rev, of, (outcome, at.as_millis()), &tries, verdict);
            }
            if !is_spread {
                check_outcome(history, id, known, rev, run, (outcome, settled_at), &tries, verdict);
            }
        }
    }
    if !played.weather.goes_back() {
        for (of, tries) in unmatched {
            verdict.wrongs.push(format!("I11: {id} {of:?} was sent and is in no record: {tries:?}"));
        }
    }
    check_manual(played, id, known, ledger, verdict);
    match_blindly(id, ledger, &attempts, verdict);
}

#[expect(clippy::too_many_arguments, reason = "one record with all that is known about it")]
fn check_outcome(
    history: &History,
    id: &str,
    known: &Known,
    rev: usize,
    run: &Run,
    (outcome, settled_at): (&Outcome, i64),
    tries: &[&Attempt],
    verdict: &mut Verdict,
) {
    let schedule = &known.revs[rev].schedule;
    let due = run.occurrence.due.as_millis();
    let last = tries.last();
    let taken = tries.iter().filter_map(|one| one.told.filter(|_| one.said == Said::Taken)).next();
    let policy = schedule.policy;
    let since = since_of(run);
    let oldest = since + policy.retry.max_age.as_millis() as i64;
    let was_shut = |from: i64, until: i64| verdict.shut.iter().any(|shut| shut.from <= until && from <= shut.until);
    let agrees = match outcome {
        Outcome::Delivered { .. } => taken.is_some(),
        Outcome::Silent { .. } => {
            let is_made =
                history.runs.iter().any(|one| one.occurrence == run.occurrence && one.said == RunSaid::Silent);
            (schedule.destination.is_none() || is_made) && tries.is_empty()
        }
        Outcome::Skipped(_) | Outcome::Gated { .. } | Outcome::OverBudget { .. } => tries.is_empty(),
        // What was never sent was never composed: `check_runs` has what is known of that.
        Outcome::Failed { .. } | Outcome::Dropped { .. } if is_task(schedule) && last.is_none() => true,
        Outcome::Failed { .. } | Outcome::Dropped { .. } if settled_at > oldest && was_shut(since, settled_at) => {
            true
        }
        Outcome::Failed { .. } | Outcome::Dropped { .. } => last.is_some_and(|last| {
            let wait = match last.said {
                Said::Retry(after) => after.max(policy.retry.backoff_max.as_millis() as i64),
                Said::Ambiguous => policy.retry.backoff_max.as_millis() as i64,
                Said::Limited(_, after) => after.max(BREAKER_WAIT_MS_MAX as i64),
                Said::Shut => BREAKER_WAIT_MS_MAX as i64,
                Said::Taken | Said::Permanent => 0,
            };
            let is_old = last.told.is_some_and(|told| told.wall + wait > oldest);
            last.said == Said::Permanent || last.number >= policy.retry.max_attempts || is_old
        }),
        Outcome::Displaced => policy.overlap == OverlapPolicy::CancelOther && tries.is_empty(),
        Outcome::Cancelled => known.done().any(|asked| {
            let ends = asked.ask.ends() || matches!(asked.ask, Ask::Update(_) | Ask::Declare(_));
            ends && asked.begun.wall >= due
        }),
        Outcome::Unknown { .. } => {
            // It is written that it is being sent before it is; a crash in between leaves the same behind.
            // A clock that slews may show less at the crash than at the due.
            let is_after = |crash: &Mark| crash.wall + 1000 >= due && crash.wall <= settled_at;
            let crashed = || history.crashes.iter().any(|(crash, _)| is_after(crash));
            let is_doubtful = last.is_some_and(|last| last.said == Said::Ambiguous) || crashed();
            // A wording that comes while it is being sent may be stricter.
            let once = |rev: &Rev| rev.schedule.policy.delivery == DeliveryGuarantee::AtMostOnce;
            known.revs[rev..].iter().any(once) && is_doubtful
        }
    };
    verdict.claim(agrees, || format!("I11: {id} {run:?} does not agree with {tries:?}"));
    // What grew too old while its account was shut is not sent any more.
    let late = tries.iter().find(|one| one.at.wall > oldest + SLOW_MS_MAX);
    let is_stale = late.is_some_and(|late| {
        let of = verdict.shut.iter().filter(|shut| shut.boot == late.boot && shut.gateway == gateway_of(&late.chat));
        of.flat_map(|shut| &shut.probes).any(|probe| (since..=late.at.wall).contains(probe))
    });
    verdict.claim(!is_stale, || format!("I18: too old after {} was shut: {late:?}", id));
    let is_certain = taken.is_some_and(|told| !history.may_be_forgotten(told));
    let is_delivered = matches!(outcome, Outcome::Delivered { .. });
    verdict.claim(!is_certain || is_delivered, || format!("I11: {id} was taken, but the ledger says {run:?}"));
}

/// From when on the age of a delivery counts.
fn since_of(run: &Run) -> i64 {
    let since = run.execution.as_ref().map_or(run.claimed_at, |execution| execution.since);
    run.retried.map_or(since, |retried| retried.at.max(since)).as_millis()
}

/// A run that was promised is there, and no other.
fn check_manual(played: &Played, id: &str, known: &Known, ledger: &[Run], verdict: &mut Verdict) {
    let manual: Vec<&Run> = ledger.iter().filter(|run| run.cause == Cause::Manual).collect();
    let asked = || known.asked.iter().filter(|asked| asked.ask == Ask::RunNow);
    for promised in asked().filter_map(|asked| asked.run) {
        let found = manual.iter().filter(|run| run.occurrence == promised).count();
        // Of a year that the clock was in by mistake nothing is kept.
        let is_there = found == 1 || found == 0 && played.weather == Weather::Astray;
        verdict.claim(is_there, || format!("I7: {id} was promised {promised:?} and has {found} of it"));
    }
    let most = asked().filter(|asked| asked.end != End::Refused).count();
    verdict.claim(manual.len() <= most, || format!("I2: {id} has more runs than were asked for: {manual:?}"));
    verdict.tally.targets += played.ledger.get(id).map_or(0, |_| manual.len() as u64);
}

/// Without looking at keys: each delivered due has a copy of its own, kept no earlier than it was due.
fn match_blindly(id: &str, ledger: &[Run], attempts: &[&Attempt], verdict: &mut Verdict) {
    let delivered =
        ledger.iter().filter(|run| matches!(&run.phase, Phase::Settled { outcome: Outcome::Delivered { .. }, .. }));
    let delivered = delivered.filter(|run| is_regular(run) || run.cause == Cause::Manual);
    let mut dues: Vec<i64> = delivered.map(|run| run.occurrence.due.as_millis()).collect();
    dues.sort_unstable();
    let mut copies: Vec<i64> = attempts.iter().filter(|one| one.kept > 0).map(|one| one.at.wall).collect();
    copies.sort_unstable();
    // The latest due takes the latest copy: if that fails for any, no other matching succeeds.
    for (due, copy) in dues.iter().rev().zip(copies.iter().rev().map(Some).chain(std::iter::repeat(None))) {
        verdict.claim(copy.is_some_and(|copy| copy >= due), || format!("I1: {id} due {due} has no copy of its own"));
    }
}
