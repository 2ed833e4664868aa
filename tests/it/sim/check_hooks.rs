//! What hooks say: kept with the end of its run and not apart from it, several deliveries each by itself, the next due
//! as it was wished for, the owner told.
//!
//! What a hook keeps is the number of its attempt, so the store says which end was written last.

use chimewheel::engine::change::{Cause, Outcome, OutcomeKind, Phase, Run};
use chimewheel::spec::Schedule;
use chimewheel::store::Reader;

use super::check::Verdict;
use super::check_runs::is_task;
use super::history::{Ask, Attempt, History, Known};
use super::keeper::is_regular;
use super::run::Played;
use super::runs::{RunSaid, RunTry};
use super::shape::Shape;

/// The latest commit's states beside its runs: what of a hook is kept is that of the last run that is over.
pub fn kept(history: &History, reader: &Reader) -> Vec<String> {
    let mut wrongs = Vec::new();
    for (id, known) in history.known.iter().filter(|(_, known)| !is_forgotten(known)) {
        let Some(key) = known.key else { continue };
        let state = reader.hook_state(key).expect("a readable store");
        let number = state.as_deref().map(|json| json.trim_matches(|c: char| !c.is_ascii_digit()));
        let number: Option<usize> = number.map(|number| number.parse().expect("a number"));
        let over = |one: &RunTry| {
            let run = reader.run(one.occurrence).expect("a readable store");
            run.map(|run| (!run.phase.is_before_text(), is_void(&run) || is_cut_off(&run)))
        };
        let tries = history.runs.iter().enumerate().filter(|(_, one)| one.id == *id && one.told.is_some());
        let is_last = |one: &RunTry| {
            let later = |other: &RunTry| other.occurrence == one.occurrence && other.told > one.told;
            !history.runs.iter().any(later) && counts(one)
        };
        let certain = tries.filter(|(_, one)| one.keeps && is_last(one) && over(one) == Some((true, false)));
        let certain = certain.max_by_key(|(_, one)| one.told);
        let found = number.map(|number| &history.runs[number]);
        if let Some((of, one)) = certain.filter(|(_, one)| found.is_none_or(|found| found.told < one.told)) {
            wrongs.push(format!("I7: {id} keeps {state:?} and not {of} of a run that is over: {one:?}"));
        }
        // A dead letter that is run again was over before.
        let is_retried = |one: &RunTry| {
            let run = reader.run(one.occurrence).expect("a readable store");
            run.is_some_and(|run| run.retried.is_some())
        };
        if let Some(found) =
            found.filter(|one| !is_retried(one)).filter(|one| over(one).is_some_and(|(is_over, _)| !is_over))
        {
            wrongs.push(format!("I7: {id} keeps {state:?} of a run that is not over: {found:?}"));
        }
    }
    wrongs
}

/// Whether what is kept may have been dropped, because the schedule ended or had no hook any more.
fn is_forgotten(known: &Known) -> bool {
    let is_literal = |rev: usize| !is_task(&known.revs[rev].schedule);
    known.asked.iter().any(|asked| asked.ask.ends() || asked.rev().is_some_and(is_literal))
}

/// Whether it ended its run, and what its hook said counts.
fn counts(one: &RunTry) -> bool {
    matches!(one.said, RunSaid::Composed | RunSaid::Silent | RunSaid::Gated | RunSaid::Permanent)
}

/// Ended before anybody heard what its runner said, or after.
fn is_void(run: &Run) -> bool {
    matches!(&run.phase, Phase::Settled { outcome: Outcome::Cancelled | Outcome::Displaced, .. })
}

/// Ended by a start, because its last attempt was under way when the process ended: what that said may never have been
/// written.
fn is_cut_off(run: &Run) -> bool {
    matches!(&run.phase, Phase::Settled { outcome: Outcome::Failed { error }, .. }
        if error == "the process ended before the run did")
}

/// The deliveries of an occurrence that has several, which is settled if and only if all of them are.
pub fn deliveries(reader: &Reader, run: &Run, wrongs: &mut Vec<String>) -> Option<Vec<Run>> {
    let count = usize::from(run.execution.as_ref().filter(|execution| execution.deliveries > 0)?.deliveries);
    let found = reader.deliveries(run).expect("a readable store");
    let left = found.iter().filter(|one| !one.is_settled()).count();
    let agrees = match &run.phase {
        Phase::Spread(spread) => left == usize::from(spread.left) && left > 0,
        Phase::Settled { .. } => left == 0,
        _ => false,
    };
    if found.len() != count || !agrees {
        wrongs.push(format!("I11: {left} of {count} deliveries are open: {run:?} {found:?}"));
    }
    Some(found)
}

/// The deliveries of an occurrence that has several, each with its attempts; and whether its record says what they do.
pub fn parts<'a>(
    history: &'a History,
    run: &Run,
    tries: &[&'a Attempt],
    verdict: &mut Verdict,
) -> Vec<(&'a Run, Vec<&'a Attempt>)> {
    let Some(deliveries) = history.deliveries.get(&run.occurrence) else { return Vec::new() };
    let kinds: Vec<OutcomeKind> = deliveries.iter().filter_map(kind).collect();
    let worst = [
        OutcomeKind::Failed,
        OutcomeKind::Unknown,
        OutcomeKind::Cancelled,
        OutcomeKind::Delivered,
        OutcomeKind::Silent,
    ];
    let expected = worst.into_iter().find(|kind| kinds.contains(kind));
    verdict.claim(kind(run) == expected, || format!("I11: {run:?} does not agree with {deliveries:?}"));
    let of = |one: &Run| tries.iter().copied().filter(|attempt| attempt.part == one.occurrence.delivery).collect();
    deliveries.iter().map(|one| (one, of(one))).collect()
}

fn kind(run: &Run) -> Option<OutcomeKind> {
    match &run.phase {
        Phase::Settled { outcome, .. } => Some(outcome.kind()),
        _ => None,
    }
}

pub fn check(played: &Played, verdict: &mut Verdict) {
    check_chats(&played.history, verdict);
    if played.weather.goes_back() {
        return;
    }
    for (place, one) in played.history.runs.iter().enumerate().filter(|(_, one)| counts(one)) {
        let Some(ledger) = played.ledger.get(&one.id) else { continue };
        let later = &played.history.runs[place + 1..];
        let is_last = !later.iter().any(|other| other.occurrence == one.occurrence);
        let record = ledger.iter().find(|run| run.occurrence == one.occurrence);
        if record.is_some_and(|run| is_last && !is_void(run) && !may_have_failed_otherwise(one, run)) {
            check_told(one, ledger, verdict);
            // The schedule has gone on since a dead letter's due.
            if record.is_some_and(|run| run.retried.is_none()) {
                check_wish(&played.history, one, ledger, verdict);
            }
        }
    }
}

/// Whether the run ended some other way than this attempt says.
fn may_have_failed_otherwise(one: &RunTry, run: &Run) -> bool {
    one.told.is_none() || one.said != RunSaid::Permanent && kind(run) == Some(OutcomeKind::Failed)
}

/// Every text goes where its hook, or else its schedule, says.
fn check_chats(history: &History, verdict: &mut Verdict) {
    for attempt in history.attempts.iter().filter(|attempt| !attempt.is_notice) {
        let schedule = &history.known[&attempt.id].revs[attempt.rev].schedule;
        let own = schedule.destination.as_ref().map(|to| to.chat_id.as_str());
        let is_there = |one: &RunTry| {
            let is_one = usize::from(attempt.part == 0) == usize::from(one.to.len() == 1);
            let to = one.to.get(usize::from(attempt.part.saturating_sub(1)));
            is_one && to.is_some_and(|to| to.or(own) == Some(&attempt.chat))
        };
        let mut made = history.runs.iter().filter(|one| {
            one.id == attempt.id && one.rev == attempt.rev && one.occurrence.due.as_millis() == attempt.due
        });
        let agrees = if is_task(schedule) { made.any(is_there) } else { own == Some(&attempt.chat) };
        verdict.claim(agrees, || format!("I9: nobody sent this there: {attempt:?}"));
    }
}

/// The owner hears what a hook had to say.
fn check_told(one: &RunTry, ledger: &[Run], verdict: &mut Verdict) {
    let Some(told) = one.told.filter(|_| one.tells) else { return };
    let is_it = |run: &&Run| {
        run.cause == Cause::Notice && run.execution.as_ref().is_some_and(|execution| execution.notes.is_none())
    };
    let near = |run: &Run| run.claimed_at.as_millis().abs_diff(told.wall) <= 1000;
    verdict.claim(ledger.iter().filter(is_it).any(near), || format!("I7: the owner never heard of {one:?}"));
}

/// Whether its due was the last before the end: with that the schedule is completed, and nobody hears a wish.
fn was_the_last(one: &RunTry, schedule: &Schedule) -> bool {
    let due = one.occurrence.due;
    let next = schedule.trigger.from_due(due).next_after(due);
    schedule.bounds.end_at.is_some_and(|end| next.is_none_or(|next| next > end))
}

/// The next due is the one that was wished for, if nothing came between.
fn check_wish(history: &History, one: &RunTry, ledger: &[Run], verdict: &mut Verdict) {
    let (Some(told), Some(next)) = (one.told, one.next) else { return };
    let known = &history.known[&one.id];
    let rev = &known.revs[one.rev];
    let wish = next.max(told.wall + 1000);
    // A pause, even one that is over, or a change on the way.
    let is_change = |ask: Ask| match ask {
        Ask::Pause | Ask::Resume => true,
        Ask::Create(rev) | Ask::Update(rev) | Ask::Declare(rev) => known.revs[rev].paused,
        Ask::Again | Ask::DeclareSame | Ask::Prune | Ask::Cancel | Ask::RunNow => false,
    };
    let is_changed = known.asked.iter().filter(|asked| asked.begun.wall <= wish).any(|asked| {
        is_change(asked.ask) || asked.begun.seq > one.at.seq && !matches!(asked.ask, Ask::RunNow | Ask::Again)
    });
    let of_due = ledger.iter().find(|run| run.occurrence == one.occurrence).is_some_and(is_regular);
    let policy = rev.schedule.policy;
    let may_miss =
        history.interruptions.iter().any(|cut| cut.durable.min(cut.down) <= told.wall + 1000 && cut.up >= told.wall);
    let bounds = rev.schedule.bounds;
    // A one-shot has no next due, and what another schedule starts has none ahead.
    let is_bounded = matches!(rev.shape, Shape::At(_) | Shape::After { .. })
        || bounds.max_runs.is_some()
        || bounds.end_at.is_some_and(|end| end.as_millis() < wish);
    let another = |other: &&RunTry| other.id == one.id && other.told.is_some_and(|at| at > told && at.wall <= wish);
    let is_other = history.runs.iter().any(|other| another(&other));
    // One that wished for a due beyond the end has completed the schedule; then there is none to wish for.
    let is_beyond = |other: &RunTry| bounds.end_at.zip(other.next).is_some_and(|(end, next)| next > end.as_millis());
    let has_ended =
        |other: &RunTry| other.id == one.id && other.told.is_some_and(|at| at <= told) && is_beyond(other);
    let is_other = is_other || history.runs.iter().any(has_ended) || was_the_last(one, &rev.schedule);
    let is_paused = ledger.iter().any(|run| run.cause == Cause::Notice && run.execution.is_none());
    if is_changed || !of_due || is_other || may_miss || is_bounded || is_paused || policy.jitter.as_millis() > 0 {
        return;
    }
    let regular: Vec<&Run> = ledger.iter().filter(|run| is_regular(run)).collect();
    if regular.iter().any(|run| run.claimed_at.as_millis().abs_diff(told.wall) <= 1) {
        return;
    }
    let before = regular.iter().filter(|run| run.claimed_at.as_millis() <= told.wall);
    let last = before.map(|run| run.last_due().as_millis()).max().unwrap_or(i64::MIN);
    let following = regular.iter().filter(|run| run.occurrence.due.as_millis() > last);
    let following = following.min_by_key(|run| run.occurrence.due);
    let agrees = following.is_some_and(|run| run.occurrence.due.as_millis() == wish);
    verdict.claim(agrees, || {
        let (schedule, id) = (&rev.schedule, &one.id);
        format!(
            "I10: {id} wished for {wish} and was due at {following:?}: {one:?} of {:?} {bounds:?}",
            schedule.trigger
        )
    });
    verdict.tally.targets += 1;
}
