//! Sends in the order in which gateways saw them: never early, never twice without need, in order, within budgets.

use std::collections::{BTreeMap, BTreeSet};

use chimewheel::limits::{LANE_HOLD_MS_MAX, LIMITED_MS_MIN};
use chimewheel::pace::Pace;
use chimewheel::spec::DeliveryGuarantee;

use super::check::Verdict;
use super::check_runs::is_of_task;
use super::gateway::PACES;
use super::history::{Ask, Attempt, End, History, Known, Mark, Said};
use super::load::gateway_of;
use super::run::Played;

/// What the loop may be late by when nothing is broken: its longest sleep, and two commits.
const LATE_MS_MAX: i64 = 1100;

pub fn check(played: &Played, verdict: &mut Verdict) {
    let history = &played.history;
    let mut by_key: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    let mut by_chat: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    let mut whole_chats: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    let mut keys: BTreeMap<(&str, usize, i64, u16), &str> = BTreeMap::new();
    for attempt in &history.attempts {
        whole_chats.entry(&attempt.chat).or_default().push(attempt);
        if attempt.is_notice {
            continue;
        }
        by_key.entry(&attempt.key).or_default().push(attempt);
        by_chat.entry(&attempt.chat).or_default().push(attempt);
        let of = (&*attempt.id, attempt.rev, attempt.due, attempt.part);
        let key = *keys.entry(of).or_insert(&attempt.key);
        let is_same = key == attempt.key || played.weather.goes_back();
        verdict.claim(is_same, || format!("I2: the key of one occurrence changes from {key}: {attempt:?}"));
        check_one(history, attempt, verdict);
    }
    for tries in by_key.values() {
        let first = tries[0];
        let is_one = tries.iter().all(|one| (&one.id, one.due, one.part) == (&first.id, first.due, first.part));
        verdict.claim(is_one, || format!("I2: one key for two deliveries: {tries:?}"));
        for pair in tries.windows(2) {
            check_repeat(played, pair[0], pair[1], verdict);
        }
        verdict.tally.doubles += tries.iter().map(|one| u64::from(one.kept)).sum::<u64>().saturating_sub(1);
    }
    for sends in whole_chats.values() {
        check_turns(sends, verdict);
    }
    for sends in by_chat.values() {
        check_chat(played, sends, verdict);
        if !played.weather.goes_back() {
            check_order(played, sends, verdict);
            check_lateness(history, sends, verdict);
        }
    }
}

fn check_one(history: &History, attempt: &Attempt, verdict: &mut Verdict) {
    let (at, known) = (attempt.at, &history.known[&attempt.id]);
    verdict.claim(at.wall >= attempt.due, || format!("I3: early: {attempt:?}"));
    for asked in &known.asked {
        let End::Done(answered) = asked.end else { continue };
        if answered.seq > at.seq {
            continue;
        }
        let is_back = known.done().any(|later| later.rev().is_some() && later.begun.seq > answered.seq);
        verdict.claim(!asked.ask.ends() || is_back, || format!("I6: sent after its end was answered: {attempt:?}"));
        let is_old = matches!(asked.ask, Ask::Update(rev) | Ask::Declare(rev) if rev > attempt.rev);
        verdict.claim(!is_old, || format!("I9: the old wording after the new one was answered: {attempt:?}"));
    }
    let most = known.revs[attempt.rev].schedule.policy.retry.max_attempts;
    verdict.claim(attempt.number <= most, || format!("I13: more than {most} attempts: {attempt:?}"));
}

/// A second attempt needs a reason, and a wait.
fn check_repeat(played: &Played, before: &Attempt, again: &Attempt, verdict: &mut Verdict) {
    let history = &played.history;
    let crashed = history.crashed_between(before.at, again.at);
    let policy = history.known[&again.id].revs[again.rev].schedule.policy;
    let forgotten = before.told.is_none_or(|told| crashed && history.may_be_forgotten(told));
    let once = policy.delivery == DeliveryGuarantee::AtMostOnce;
    // A dead letter's attempts begin anew.
    let is_revived = again.number == 1 && history.is_retried_between(&again.id, again.due, before.at, again.at);
    let is_known_lost = match before.said {
        Said::Retry(_) | Said::Limited(..) | Said::Shut => before.told.is_some(),
        Said::Permanent => before.told.is_some() && is_revived,
        Said::Taken | Said::Ambiguous => false,
    };
    verdict.claim(!once || is_known_lost, || format!("I2: at most once, and yet again: {before:?} {again:?}"));
    verdict.claim(before.told.is_some() || crashed, || format!("I2: twice at once: {before:?} {again:?}"));
    if forgotten {
        verdict.tally.ambiguous += 1;
        return;
    }
    if before.said != Said::Taken && is_revived {
        return;
    }
    let wait = match before.said {
        Said::Taken | Said::Permanent => {
            return verdict.wrongs.push(format!("I2: again after it was settled: {before:?} {again:?}"));
        }
        Said::Retry(after) => after.max(policy.retry.backoff_min.as_millis() as i64),
        Said::Limited(_, after) => after.max(LIMITED_MS_MIN as i64),
        Said::Shut => 0,
        Said::Ambiguous => {
            verdict.tally.ambiguous += 1;
            policy.retry.backoff_min.as_millis() as i64
        }
    };
    // A clock set back takes as much off the wait.
    let waited = before.told.map_or(0, |told| again.at.since(told));
    let is_enough = waited >= wait || history.steps_back > 0;
    verdict.claim(is_enough, || format!("I13: waited {waited} of {wait} ms: {before:?} {again:?}"));
    // To be refused for pace, or by nobody at all, is no attempt.
    let counts = !matches!(before.said, Said::Limited(..) | Said::Shut);
    verdict.claim(again.number == before.number + u16::from(counts), || {
        format!("I13: miscounted: {before:?} {again:?}")
    });
}

/// One at a time.
fn check_turns(sends: &[&Attempt], verdict: &mut Verdict) {
    for pair in sends.windows(2) {
        let (before, next) = (pair[0], pair[1]);
        let is_over = before.boot != next.boot || before.told.is_some_and(|told| told.seq < next.at.seq);
        verdict.claim(is_over, || format!("I14: two at once in one chat: {before:?} {next:?}"));
    }
}

/// Nobody passes one that waits for its next attempt.
fn check_chat(played: &Played, sends: &[&Attempt], verdict: &mut Verdict) {
    if played.weather.goes_back() {
        return;
    }
    let mut first_failures: BTreeMap<(u32, &str), i64> = BTreeMap::new();
    for (place, failed) in sends.iter().enumerate() {
        let is_gated = matches!(failed.said, Said::Limited(..) | Said::Shut);
        let is_tried_again = is_gated || matches!(failed.said, Said::Retry(_) | Said::Ambiguous);
        let Some(told) = failed.told.filter(|_| is_tried_again) else { continue };
        let first = *first_failures.entry((failed.boot, &failed.key)).or_insert(told.wall);
        let rest = sends[place + 1..].iter().take_while(|one| one.boot == failed.boot);
        let mut meanwhile = rest.clone().take_while(|one| one.key != failed.key);
        // An older one whose own wait ends at the same moment goes first.
        let order = |one: &Attempt| (one.due, played.history.known[&one.id].key, one.part);
        let passing = meanwhile.find(|one| one.number == 1 && order(one) > order(failed));
        let again = rest.clone().find(|one| one.key == failed.key);
        let is_given_up = |again: &&&Attempt| {
            let (id, due) = (&failed.id, failed.due);
            played.history.is_retried_between(id, due, failed.at, again.at)
        };
        let again = again.filter(|again| !is_given_up(again));
        if let (Some(passing), Some(again)) = (passing, again) {
            // A gate holds the whole chat, however long.
            let was_held = is_gated || again.at.wall <= first + LANE_HOLD_MS_MAX as i64;
            verdict.claim(!was_held, || format!("I5: {passing:?} passes {failed:?}, tried again {again:?}"));
        }
    }
}

/// First copies go in the order of (due, schedule), as far as both were waiting.
fn check_order(played: &Played, sends: &[&Attempt], verdict: &mut Verdict) {
    let history = &played.history;
    // What a runner makes is there when it is there.
    let firsts = first_copies(sends).into_iter().filter(|one| !is_of_task(history, one) && !comes_late(history, one));
    let firsts: Vec<&Attempt> = firsts.collect();
    let order = |one: &Attempt| (one.due, history.known[&one.id].key);
    for (place, later) in firsts.iter().enumerate() {
        // Only a few can have been put into windows while it waited.
        for earlier in firsts[place.saturating_sub(200)..place].iter().rev() {
            if later.boot == earlier.boot && order(later) < order(earlier) {
                // Everything taken up at one look is lined up before windows are put together.
                // What an earlier process took up may be lined up as soon as this one starts.
                let is_new =
                    !history.looks.iter().any(|(boot, look)| *boot < earlier.boot && look.wall >= earlier.due);
                let taken_up = taken_up_at(history, earlier).filter(|_| is_new);
                let formed = taken_up.unwrap_or(0).max(earlier.window_after);
                let waited = taken_up_at(history, later).is_some_and(|seq| seq <= formed);
                verdict.claim(!waited, || format!("I5: out of order: {earlier:?} before {later:?}"));
            }
        }
    }
}

/// What grew too old for a gateway that was shut was never sent; as a dead letter it comes when somebody wants it.
fn comes_late(history: &History, one: &Attempt) -> bool {
    history.is_retried_between(&one.id, one.due, Mark { seq: 0, true_ms: 0, wall: 0 }, one.at)
}

/// The first attempt of each key.
fn first_copies<'a>(sends: &[&'a Attempt]) -> Vec<&'a Attempt> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    sends.iter().copied().filter(|one| seen.insert(&one.key)).collect()
}

/// The look at the clock by which a delivery was certainly waiting, if it was by its time and not by a change.
fn taken_up_at(history: &History, attempt: &Attempt) -> Option<u64> {
    let known: &Known = &history.known[&attempt.id];
    let asked = known.asked.iter().filter(|asked| asked.begun.seq < attempt.at.seq && asked.ask != Ask::RunNow);
    let fires_at = known.fires_at(attempt.rev, attempt.due)?;
    if asked.map(|asked| asked.begun.wall).max()? >= attempt.due {
        return None;
    }
    // What is caught up a few at a time waits for its turn before it is taken up.
    if history.stands_in_line(fires_at) {
        return None;
    }
    // What comes within the last second of an interruption may take one more look, after the dues it was missed with.
    if history.interruptions.iter().any(|cut| cut.up - 1000 < fires_at && attempt.due <= cut.up) {
        return None;
    }
    let from = history.looks.partition_point(|(boot, _)| *boot < attempt.boot);
    let look = history.looks[from..].iter().find(|(_, look)| look.wall >= fires_at)?;
    (look.0 == attempt.boot).then_some(look.1.seq)
}

fn check_lateness(history: &History, sends: &[&Attempt], verdict: &mut Verdict) {
    for one in first_copies(sends).into_iter().filter(|one| one.number == 1 && !is_of_task(history, one)) {
        if comes_late(history, one) {
            continue;
        }
        let known = &history.known[&one.id];
        let fires_at = known.fires_at(one.rev, one.due).unwrap_or(one.due);
        let due_at = history.true_time_of(fires_at);
        let changed = known.asked.iter().any(|asked| asked.begun.seq < one.at.seq && asked.begun.true_ms >= due_at);
        if changed || history.stands_in_line(fires_at) || history.is_disturbed(&one.chat, due_at, one.at.true_ms) {
            continue;
        }
        let late = one.at.true_ms - due_at;
        let pace = pace_ahead(history, one, due_at);
        verdict.tally.latest_ms = verdict.tally.latest_ms.max(late - pace);
        // Those before it in its chat take their time.
        let from = sends.partition_point(|other| other.at.true_ms < due_at);
        let ahead = sends[from..].iter().filter(|other| other.at.seq < one.at.seq).count() as i64;
        verdict.claim(late <= LATE_MS_MAX + pace + 30 * ahead, || format!("I4: {late} ms late: {one:?}"));
    }
}

/// What a pace makes a delivery wait for those that came just before it: a token each.
fn pace_ahead(history: &History, one: &Attempt, due_at: i64) -> i64 {
    let (name, paces) = PACES;
    if !history.is_paced || gateway_of(&one.chat) != name {
        return 0;
    }
    let place = history.attempts.partition_point(|other| other.at.seq < one.at.seq);
    let before = history.attempts[..place].iter().rev().take_while(|other| other.at.true_ms >= due_at - 1000);
    let ahead = |pace: Option<Pace>, is_of: &dyn Fn(&Attempt) -> bool| {
        let every = pace.map_or(0, |pace| pace.every.as_millis() as i64);
        (1 + before.clone().filter(|other| is_of(other)).count() as i64) * every
    };
    ahead(paces.chat, &|other| other.chat == one.chat)
        + ahead(paces.account, &|other| gateway_of(&other.chat) == name)
}
