//! Dues and what became of them: each expected one has exactly one record, and the one its policy asks for.
//!
//! A clock set back makes dues come again; then only bounds are checked.

use std::collections::BTreeMap;

use chimewheel::engine::change::{Cause, Outcome, Phase, Run, SkipReason};
use chimewheel::spec::{MisfirePolicy, Policy};

use super::check::Verdict;
use super::faults::Weather;
use super::history::{Ask, Known};
use super::run::Played;
use super::shape::Shape;

/// A stretch in which one rhythm holds.
struct Chain<'a> {
    shape: &'a Shape,
    policy: Policy,
    max_runs: Option<u32>,
    /// Dues are later than this, and no later than that.
    from: i64,
    until: i64,
    dues: Vec<i64>,
}

/// How a due ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fired,
    Skipped,
}

pub fn check(played: &Played, id: &str, known: &Known, ledger: &[Run], verdict: &mut Verdict) {
    let mut chains: Vec<Chain<'_>> = Vec::new();
    let mut chain_of: Vec<usize> = Vec::new();
    let mut pauses: Vec<(i64, i64)> = Vec::new();
    let mut paused_at: Option<i64> = None;
    for asked in known.done() {
        let wall = asked.begun.wall;
        let is_paused = match asked.ask {
            Ask::Create(rev) | Ask::Update(rev) => {
                let (rev, renews) = (&known.revs[rev], known.revs[rev].renews);
                if renews || chains.is_empty() {
                    end_last(&mut chains, wall);
                    chains.push(Chain {
                        shape: &rev.shape,
                        policy: rev.schedule.policy,
                        max_runs: rev.schedule.bounds.max_runs,
                        from: rev.schedule.bounds.start_at.map_or(wall, |start| wall.max(start.as_millis() - 1)),
                        until: rev.schedule.bounds.end_at.map_or(i64::MAX, |end| end.as_millis()),
                        dues: Vec::new(),
                    });
                }
                chain_of.push(chains.len() - 1);
                rev.paused
            }
            Ask::Pause => true,
            Ask::Resume => false,
            Ask::Cancel => {
                end_last(&mut chains, wall);
                false
            }
            Ask::RunNow => continue,
        };
        match (paused_at, is_paused) {
            (None, true) => paused_at = Some(wall),
            (Some(from), false) => {
                pauses.push((from, wall));
                paused_at = None;
            }
            (Some(_), true) | (None, false) => {}
        }
    }
    pauses.extend(paused_at.map(|from| (from, i64::MAX)));
    for chain in &mut chains {
        chain.dues = chain.shape.dues_in(chain.from, chain.until.min(played.ended_at));
    }
    if played.weather == Weather::Backward {
        return check_bounds(played, id, &chains, ledger, verdict);
    }
    let found = records(id, &chains, &chain_of, ledger, verdict);
    for (number, chain) in chains.iter().enumerate() {
        verdict.tally.targets += chain.dues.len() as u64;
        let of_chain = found.range((number, i64::MIN)..=(number, i64::MAX));
        let of_chain: BTreeMap<i64, &Vec<&Run>> = of_chain.map(|(&(_, due), runs)| (due, runs)).collect();
        check_chain(played, id, chain, &of_chain, &pauses, verdict);
    }
}

fn end_last(chains: &mut [Chain<'_>], wall: i64) {
    if let Some(chain) = chains.last_mut() {
        chain.until = chain.until.min(wall);
    }
}

/// The records by chain and due; what they cover is on the chain's grid.
fn records<'a>(
    id: &str,
    chains: &[Chain<'_>],
    chain_of: &[usize],
    ledger: &'a [Run],
    verdict: &mut Verdict,
) -> BTreeMap<(usize, i64), Vec<&'a Run>> {
    let mut found: BTreeMap<(usize, i64), Vec<&Run>> = BTreeMap::new();
    for run in ledger.iter().filter(|run| run.cause != Cause::Manual) {
        let Some(&number) = chain_of.get(run.occurrence.generation as usize - 1) else { continue };
        let first = run.occurrence.due.as_millis();
        let dues = match run.range {
            None => vec![first],
            Some(range) => {
                let dues = chains[number].shape.dues_in(first - 1, range.through.as_millis());
                let is_whole = dues.len() as u64 == range.count
                    && dues.first() == Some(&first)
                    && dues.last() == Some(&range.through.as_millis());
                verdict.claim(is_whole, || format!("I11: {id} {run:?} covers {dues:?}"));
                dues
            }
        };
        for due in dues {
            found.entry((number, due)).or_default().push(run);
        }
    }
    found
}

fn check_chain(
    played: &Played,
    id: &str,
    chain: &Chain<'_>,
    found: &BTreeMap<i64, &Vec<&Run>>,
    pauses: &[(i64, i64)],
    verdict: &mut Verdict,
) {
    for (due, runs) in found {
        let is_due = chain.dues.binary_search(due).is_ok();
        verdict.claim(is_due, || format!("I11: {id} was never due at {due}: {runs:?}"));
    }
    let last = found.keys().next_back().copied();
    for &due in &chain.dues {
        // Once it has run as often as it may it is over; how often that was is checked below.
        if chain.max_runs.is_some() && last.is_none_or(|last| due > last) {
            break;
        }
        let runs: &[&Run] = found.get(&due).map_or(&[], |runs| runs);
        let is_void = |run: &&&Run| matches!(&run.phase, Phase::Settled { outcome: Outcome::Cancelled, .. });
        // A one-shot whose wording changes before it is sent is sent with the new one.
        let voids = if matches!(chain.shape, Shape::At(_)) { runs.iter().filter(is_void).count() } else { 0 };
        let is_one = runs.len() == 1 || runs.len() > 1 && (runs.len() - voids <= 1);
        verdict.claim(is_one, || format!("I11: {id} due {due} has not one record: {runs:?}"));
        if let [run] = runs {
            check_fate(played, id, chain, due, run, pauses, verdict);
        }
    }
    let ran = found.values().filter(|runs| runs.iter().any(|run| fate(run) == Fate::Fired)).count();
    let most = chain.max_runs.map_or(usize::MAX, |most| most as usize);
    verdict.claim(ran <= most, || format!("I13: {id} ran {ran} times of {most}"));
}

fn fate(run: &Run) -> Fate {
    match &run.phase {
        Phase::Settled { outcome: Outcome::Skipped(_), .. } => Fate::Skipped,
        _ => Fate::Fired,
    }
}

/// What the policy makes of a due, given every interruption that may have kept it from being served in time.
fn check_fate(
    played: &Played,
    id: &str,
    chain: &Chain<'_>,
    due: i64,
    run: &Run,
    pauses: &[(i64, i64)],
    verdict: &mut Verdict,
) {
    // A clock that slews may be up to a second behind when an attempt is taken up again after a start.
    let is_early = run.claimed_at.as_millis() + 1000 < due;
    verdict.claim(!is_early, || format!("I3: {id} due {due} was taken up early: {run:?}"));
    let was_paused = pauses.iter().any(|&(from, until)| from < due && due < until);
    let may_be_paused = pauses.iter().any(|&(from, until)| from <= due && due <= until);
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
    if is_paused || may_be_paused || chain.max_runs.is_some() {
        return;
    }
    let is_void = matches!(&run.phase, Phase::Settled { outcome: Outcome::Cancelled, .. });
    let mut allowed = Vec::new();
    let interruptions = &played.history.interruptions;
    // What came up to a second ago is served as if it were in time.
    if !interruptions.iter().any(|cut| cut.down < due && due <= cut.up - 1000) {
        allowed.push(Fate::Fired);
    }
    for cut in interruptions.iter().filter(|cut| cut.durable < due && due <= cut.up) {
        allowed.push(fate_after(chain, due, cut.up));
    }
    let is_allowed = allowed.contains(&fate(run)) || is_void;
    verdict.claim(is_allowed, || {
        format!("I10: {id} due {due} under {:?} should be {allowed:?}: {run:?}", chain.policy.misfire)
    });
}

/// What becomes of a due that was missed, when the loop looks again at `up`.
fn fate_after(chain: &Chain<'_>, due: i64, up: i64) -> Fate {
    let later = chain.dues.iter().filter(|&&other| due < other && other <= up).count();
    let is_young = due >= up - chain.policy.catchup_window.as_millis() as i64;
    let fires = match chain.policy.misfire {
        MisfirePolicy::FireOnce => later == 0 && is_young,
        MisfirePolicy::FireAll => later < 100 && is_young,
        MisfirePolicy::Skip => due > up - 1000,
    };
    if fires { Fate::Fired } else { Fate::Skipped }
}

/// Under a clock that was set back a due comes as often as the wall passes it, at the most; and none is lost after the
/// last such step.
fn check_bounds(played: &Played, id: &str, chains: &[Chain<'_>], ledger: &[Run], verdict: &mut Verdict) {
    let mut times: BTreeMap<i64, u32> = BTreeMap::new();
    let mut covered: Vec<(i64, i64)> = Vec::new();
    for run in ledger.iter().filter(|run| run.cause != Cause::Manual) {
        let first = run.occurrence.due.as_millis();
        let last = run.range.map_or(first, |range| range.through.as_millis());
        covered.push((first, last));
        if !matches!(&run.phase, Phase::Settled { outcome: Outcome::Cancelled | Outcome::Skipped(_), .. }) {
            *times.entry(first).or_default() += 1;
        }
    }
    let most = 1 + played.history.steps_back;
    for (due, times) in times {
        verdict.claim(times <= most, || format!("I2: {id} ran {times} times for {due}, which came {most} times"));
        let is_one_shot = chains.iter().any(|chain| *chain.shape == Shape::At(due)) && chains.len() == 1;
        verdict.claim(times == 1 || !is_one_shot, || format!("I2: {id} ran {times} times for its one due {due}"));
    }
    let last_step = played.history.offsets.windows(2).rfind(|pair| pair[1].1 < pair[0].1 - 1000);
    let last_step = last_step.map_or(i64::MIN, |pair| pair[1].0 + pair[1].1);
    let Some(chain) = chains.last().filter(|chain| chain.shape.keeps_cadence() && chain.max_runs.is_none()) else {
        return;
    };
    for &due in chain.dues.iter().filter(|&&due| due > last_step) {
        let is_covered = covered.iter().any(|&(first, last)| first <= due && due <= last);
        verdict.claim(is_covered, || format!("I1: {id} due {due} has no record"));
    }
    verdict.tally.targets += chain.dues.len() as u64;
}
