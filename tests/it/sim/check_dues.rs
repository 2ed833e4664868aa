//! Dues and their records: each expected one has exactly one, on the grid of its rhythm.
//!
//! A clock set back makes dues come again; then only bounds are checked.
//! Not here: whether a record says what the policy asks for (`check_fates`).

use std::collections::BTreeMap;

use chimewheel::engine::change::{Outcome, Phase, Run, SkipReason};
use chimewheel::engine::fires_at;
use chimewheel::id::ScheduleKey;
use chimewheel::spec::Policy;
use chimewheel::time::Timestamp;

use super::check::Verdict;
use super::check_fates::{self, Fate, fate};
use super::check_pauses;
use super::history::{Ask, Known, Rev};
use super::keeper::is_regular;
use super::run::Played;
use super::shape::Shape;

/// A stretch in which one rhythm holds.
pub struct Chain<'a> {
    key: ScheduleKey,
    rev: &'a Rev,
    shape: &'a Shape,
    pub policy: Policy,
    pub max_runs: Option<u32>,
    /// Dues are later than this, and no later than that.
    from: i64,
    until: i64,
    pub dues: Vec<i64>,
}

impl Chain<'_> {
    /// When a due's timer goes off.
    pub fn fires_at(&self, due: i64) -> i64 {
        fires_at(&self.rev.schedule, self.key, Timestamp::from_millis(due)).as_millis()
    }

    /// Whether a due does not count.
    pub fn is_closed(&self, due: i64) -> bool {
        self.rev.closed.iter().any(|closed| closed.covers(due))
    }

    /// Whether a row that covers a stretch of dues covers this one: what is excluded and what is not have rows apart,
    /// unless nothing of it was to run anyway.
    fn is_among(&self, due: i64, row: &Run) -> bool {
        match &row.phase {
            Phase::Settled { outcome: Outcome::Skipped(SkipReason::Except), .. } => self.is_closed(due),
            Phase::Settled { outcome: Outcome::Skipped(SkipReason::Paused) | Outcome::Cancelled, .. } => true,
            _ => !self.is_closed(due),
        }
    }
}

pub fn check(played: &Played, id: &str, known: &Known, ledger: &[Run], verdict: &mut Verdict) {
    let Some(key) = known.key else { return };
    let mut chains: Vec<Chain<'_>> = Vec::new();
    let mut chain_of: Vec<usize> = Vec::new();
    let mut pauses: Vec<(i64, i64)> = Vec::new();
    let mut paused_at: Option<i64> = None;
    for asked in known.done() {
        let wall = asked.begun.wall;
        let is_paused = match asked.ask {
            Ask::Create(rev) | Ask::Update(rev) | Ask::Declare(rev) => {
                let (rev, renews) = (&known.revs[rev], known.revs[rev].renews);
                if renews || chains.is_empty() {
                    end_last(&mut chains, wall);
                    chains.push(Chain {
                        key,
                        rev,
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
            Ask::Cancel | Ask::Prune => {
                end_last(&mut chains, wall);
                // What is forgotten about a file that is gone is declared, too.
                chain_of.extend((asked.ask == Ask::Prune).then(|| chains.len() - 1));
                false
            }
            Ask::RunNow | Ask::Again | Ask::DeclareSame => continue,
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
    // Where hooks wish for dues, `check_hooks` knows which.
    if played.history.is_paced(id) {
        return;
    }
    if played.weather.goes_back() {
        return check_bounds(played, id, &chains, ledger, verdict);
    }
    pauses.extend(check_pauses::check(played, id, known, ledger, verdict));
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
    for run in ledger.iter().filter(|run| is_regular(run)) {
        let Some(&number) = chain_of.get(run.occurrence.generation as usize - 1) else { continue };
        let first = run.occurrence.due.as_millis();
        let dues = match run.range {
            None => vec![first],
            Some(range) => {
                let mut dues = chains[number].shape.dues_in(first - 1, range.through.as_millis());
                dues.retain(|&due| chains[number].is_among(due, run));
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
    let is_uncertain = |due: i64| matches!(chain.shape, Shape::Cron { .. }) && played.history.is_under_old_rules(due);
    for (due, runs) in found.iter().filter(|(due, _)| !is_uncertain(**due)) {
        let is_due = chain.dues.binary_search(due).is_ok();
        verdict.claim(is_due, || format!("I11: {id} was never due at {due}: {runs:?}"));
    }
    let last = found.keys().next_back().copied();
    let jitter = chain.policy.jitter.as_millis() as i64;
    for &due in chain.dues.iter().filter(|due| !is_uncertain(**due)) {
        // Once it has run as often as it may it is over; how often that was is checked below.
        if chain.max_runs.is_some() && last.is_none_or(|last| due > last) {
            break;
        }
        // A pause or a closed time may be longer than history is kept: its record is too old when it is written.
        let is_too_old = |at: i64| due <= at.min(played.ended_at) - (played.history.history_days - 1) * 86_400_000;
        let next_counts = || chain.dues.iter().find(|&&next| next > due && !chain.is_closed(next));
        if pauses.iter().any(|&(from, until)| from <= due + jitter && is_too_old(until))
            || chain.is_closed(due) && is_too_old(next_counts().copied().unwrap_or(chain.until))
        {
            continue;
        }
        let runs: &[&Run] = found.get(&due).map_or(&[], |runs| runs);
        let is_void = |run: &&&Run| matches!(&run.phase, Phase::Settled { outcome: Outcome::Cancelled, .. });
        // A one-shot whose wording changes before it is sent is sent with the new one.
        let voids = if matches!(chain.shape, Shape::At(_)) { runs.iter().filter(is_void).count() } else { 0 };
        let is_one = runs.len() == 1 || runs.len() > 1 && (runs.len() - voids <= 1);
        verdict.claim(is_one, || format!("I11: {id} due {due} has not one record: {runs:?}"));
        if let [run] = runs {
            check_fates::check(played, id, chain, due, run, pauses, verdict);
        }
    }
    // What would have cost too much has not run.
    let is_spared = |run: &Run| matches!(&run.phase, Phase::Settled { outcome: Outcome::OverBudget { .. }, .. });
    let has_run = |run: &Run| fate(run) == Fate::Fired && !is_spared(run);
    let ran = found.values().filter(|runs| runs.iter().any(|run| has_run(run))).count();
    let most = chain.max_runs.map_or(usize::MAX, |most| most as usize);
    verdict.claim(ran <= most, || format!("I13: {id} ran {ran} times of {most}"));
}

/// Under a clock that was set back a due comes as often as the wall passes it, at the most; and none is lost after the
/// last such step.
fn check_bounds(played: &Played, id: &str, chains: &[Chain<'_>], ledger: &[Run], verdict: &mut Verdict) {
    let mut times: BTreeMap<i64, u32> = BTreeMap::new();
    let mut covered: Vec<(i64, i64)> = Vec::new();
    for run in ledger.iter().filter(|run| is_regular(run)) {
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
