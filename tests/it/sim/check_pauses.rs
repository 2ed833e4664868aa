//! Schedules that pause themselves: after so many failures in a row, not before, and their chat is told once.
//!
//! Failures are counted in the order in which the loop heard of them, which gateways and runners tell; of a run that
//! failed because a process ended the next start tells.

use chimewheel::engine::change::{Cause, Outcome, Phase, Run};

use super::check::Verdict;
use super::history::{Ask, Attempt, History, Known, Mark, Said};
use super::load::PAUSE_AFTER;
use super::run::Played;
use super::shape::Shape;

/// How far a clock that slews may be off where something is recorded.
const SLEW_MS: i64 = 1000;

/// What counts, in its order.
enum Step<'a> {
    Asked(Ask, i64),
    Succeeded,
    Failed(&'a Run),
}

/// The stretches in which a schedule was paused without having been asked to be; and whether that had to be.
pub fn check(played: &Played, id: &str, known: &Known, ledger: &[Run], verdict: &mut Verdict) -> Vec<(i64, i64)> {
    let mut notices: Vec<&Run> = ledger.iter().filter(|run| run.cause == Cause::Notice).collect();
    for notice in &notices {
        check_notice(played, id, notice, verdict);
    }
    // What a hook has to say is no pause.
    notices.retain(|notice| notice.execution.is_none());
    // What is declared anew when it is over begins anew; whether it was over is not always certain.
    let (mut fewest, mut failures) = (0, 0);
    let (mut rev, mut is_live, mut paused) = (0, true, false);
    let mut since: Option<i64> = None;
    let mut pauses = Vec::new();
    let mut told = 0;
    for step in steps(played, id, known, ledger) {
        match step {
            Step::Succeeded => (fewest, failures) = (0, 0),
            Step::Asked(ask, wall) => {
                if ask.rev().is_some() && !has_dues_left(known, rev) {
                    fewest = 0;
                }
                rev = ask.rev().unwrap_or(rev);
                let goes_on = match ask {
                    Ask::Create(_) | Ask::Update(_) | Ask::Declare(_) => !known.revs[rev].paused,
                    Ask::Resume | Ask::Cancel | Ask::Prune => true,
                    Ask::Pause | Ask::Again | Ask::DeclareSame | Ask::RunNow => false,
                };
                let was_over = !is_live;
                is_live = !ask.ends() && (is_live || ask.rev().is_some());
                if goes_on && (paused || since.is_some()) || was_over && is_live {
                    (fewest, failures) = (0, 0);
                }
                if goes_on {
                    pauses.extend(since.take().map(|from| (from, wall)));
                }
                paused = ask == Ask::Pause || paused && !goes_on || ask.rev().is_some() && !goes_on;
            }
            Step::Failed(run) => {
                (fewest, failures) = (fewest + 1, failures + 1);
                let most = known.revs[rev].schedule.policy.pause_after.unwrap_or(PAUSE_AFTER);
                let at = settled_at(run);
                let notice = notices.iter().find(|notice| {
                    let is_its_own = notice.claimed_at.as_millis().abs_diff(at) <= 1000;
                    is_its_own && notice.occurrence.generation >= run.occurrence.generation
                });
                let may_pause = is_live && since.is_none() && !paused && most > 0 && failures >= most;
                if may_pause && notice.is_some() {
                    since = Some(at);
                    told += 1;
                } else if may_pause && fewest >= most {
                    let goes_on = has_dues_left(known, rev);
                    verdict.claim(!goes_on, || format!("I10: {id} failed {failures} times and goes on: {run:?}"));
                }
            }
        }
    }
    pauses.extend(since.map(|from| (from, i64::MAX)));
    verdict.claim(told == notices.len(), || format!("I10: {id} paused itself {told} times and told {notices:?}"));
    pauses
}

fn steps<'a>(played: &'a Played, id: &'a str, known: &Known, ledger: &'a [Run]) -> Vec<Step<'a>> {
    let mut steps: Vec<(u64, Step<'_>)> = Vec::new();
    for asked in known.done() {
        steps.push((asked.begun.seq, Step::Asked(asked.ask, asked.begun.wall)));
    }
    let declared = known.declared();
    for run in ledger.iter().filter(|run| run.cause != Cause::Notice) {
        let Phase::Settled { outcome, .. } = &run.phase else { continue };
        let rev = declared.get(run.occurrence.generation as usize - 1);
        let due = run.occurrence.due.as_millis();
        let attempts_told = || {
            let attempts = played.history.attempts.iter();
            let attempts = attempts.filter(|one| one.id == id && one.due == due && !one.is_notice);
            attempts.filter(|one| Some(&one.rev) == rev).filter_map(|one| one.told)
        };
        // What waited until it was too old is given up without having been tried once more.
        let is_at_its_end = |run: &Run, told: &Mark| told.wall >= settled_at(run) - SLEW_MS;
        let told = attempts_told().max().filter(|told| is_at_its_end(run, told));
        let heard = || told.or_else(|| heard_of_run(&played.history, run)).expect("somebody told the loop");
        // That it was given up before has been counted, as its record was then.
        let dead = played
            .history
            .retries(id, due)
            .find(|ask| ask.run.retried.is_none() && ask.run.occurrence == run.occurrence);
        if let Some(dead) = dead.filter(|_| run.retried.is_some()) {
            let before = |mark: &Mark| mark.seq < dead.begun.seq;
            let told = attempts_told().filter(before).max().filter(|told| is_at_its_end(&dead.run, told));
            let heard = told.or_else(|| heard_of_run(&played.history, &dead.run)).expect("somebody told the loop");
            steps.push((heard.seq, Step::Failed(&dead.run)));
        }
        match outcome {
            Outcome::Failed { .. } | Outcome::Dropped { .. } if run.retried.is_some() => {}
            Outcome::Delivered { .. } => steps.push((heard().seq, Step::Succeeded)),
            // What has no text to make is silent at once, and has not succeeded in anything.
            Outcome::Silent { .. } if run.execution.is_some() => steps.push((heard().seq, Step::Succeeded)),
            Outcome::Failed { .. } | Outcome::Dropped { .. } => steps.push((heard().seq, Step::Failed(run))),
            _ => {}
        }
    }
    steps.sort_by_key(|(seq, _)| *seq);
    steps.into_iter().map(|(_, step)| step).collect()
}

/// When the loop heard that a run was over: from its runner, or by the start after the process that ran it.
fn heard_of_run(history: &History, run: &Run) -> Option<Mark> {
    let at = settled_at(run);
    let mut told = history.runs.iter().filter(|one| one.occurrence == run.occurrence).filter_map(|one| one.told);
    let start = || history.looks.iter().map(|(_, look)| *look).find(|look| look.wall >= at);
    told.rfind(|told| told.wall == at).or_else(start)
}

/// Whether a schedule certainly has dues left: one that has none is over, and over it need not pause.
fn has_dues_left(known: &Known, rev: usize) -> bool {
    let rev = &known.revs[rev];
    let bounds = rev.schedule.bounds;
    !matches!(rev.shape, Shape::At(_)) && bounds.max_runs.is_none() && bounds.end_at.is_none()
}

fn check_notice(played: &Played, id: &str, notice: &Run, verdict: &mut Verdict) {
    let due = notice.occurrence.due.as_millis();
    let attempts = &played.history.attempts;
    let tries: Vec<&Attempt> =
        attempts.iter().filter(|one| one.is_notice && one.id == id && one.due == due).collect();
    let is_taken = tries.iter().any(|one| one.said == Said::Taken && one.told.is_some());
    let agrees = match &notice.phase {
        Phase::Settled { outcome: Outcome::Delivered { .. }, .. } => is_taken,
        Phase::Settled { outcome: Outcome::Skipped(_), .. } => false,
        Phase::Settled { .. } => true,
        _ => false,
    };
    verdict.claim(agrees, || format!("I11: {id} {notice:?} does not agree with {tries:?}"));
}

fn settled_at(run: &Run) -> i64 {
    match &run.phase {
        Phase::Settled { at, .. } => at.as_millis(),
        _ => run.claimed_at.as_millis(),
    }
}
