//! Loads that go on: timers that recur, and timeouts that are nearly all cancelled.
//!
//! Units: ticks of 1 ms.
//! The number of timers that wait stays the same; the clock moves tick by tick, as in a server. A first part, in which
//! memory and what is dead of lazy structures come to their level, is not measured.
//! Not here: loads that fill and empty a structure (`workload`).

use std::time::Duration;

use super::figures::{Figure, Figures};
use super::load::{Chance, Load, Run, SECOND};
use super::process::resident;
use super::timers::{START, Timers};
use super::watch::{CALL_TIMERS_MAX, Calls, Lap, each};
use crate::runtime::clock::Stopwatch;

/// Seconds that recurring timers are measured, after one that is not.
const SECONDS: u64 = 3;

/// Ticks until a timeout fires.
const TIMEOUT_TICKS: u64 = 30 * SECOND;
/// Of a hundred timeouts, those that nobody cancels.
const FIRING_PERCENT: u64 = 5;
/// Ticks that a timeout waits, on average: half a second, or until it fires.
const WAITING_TICKS: u64 = (FIRING_PERCENT * TIMEOUT_TICKS + (100 - FIRING_PERCENT) * SECOND / 2) / 100;
/// Ticks that timeouts turn over, so that each place is taken three times.
const TURNS: u64 = 3 * WAITING_TICKS;
/// Those of them that are not measured.
const WARM_UP_TURNS: u64 = WAITING_TICKS;

/// Inserts and cancels that count as one call, to keep the watch out of it.
const CALL_OPERATIONS: usize = 64;

/// What went by while timers turned over.
#[derive(Debug, Default)]
struct Turnover {
    calls: Calls,
    lap: Lap,
}

impl Turnover {
    /// Notes a call in which some timers ended.
    fn add(&mut self, ended: usize, took: Duration) {
        self.calls.add(took);
        self.lap.operations += ended;
        self.lap.took += took;
    }

    fn clear(&mut self) {
        self.calls.clear();
        self.lap = Lap::default();
    }

    fn note(&mut self, figures: &mut Figures, figure: Figure) -> Option<()> {
        let (worst, p999) = self.calls.worst_and_p999_us();
        figures.set(Figure::WorstCallUs, worst);
        figures.set(Figure::P999CallUs, p999);
        self.lap.note(figures, figure)
    }
}

/// Each timer fires once a second and is armed anew.
pub(super) fn every_second<T: Timers>(run: &Run, figures: &mut Figures) -> Option<()> {
    let spans = Load::EverySecond.spans(&mut Chance::new(run.seed)).take(run.timers).collect::<Vec<_>>();
    let ground = resident().0;
    let mut timers = T::new();
    let lap = each(spans.iter(), run.patience, |&span| timers.insert_only(START + span, span));
    lap.note(figures, Figure::InsertColdNs)?;
    figures.set(Figure::TimerBytes, (resident().0 - ground) / run.timers as f64);

    let mut turnover = Turnover::default();
    let whole = Stopwatch::start();
    'ticks: for tick in SECOND..(2 + SECONDS) * SECOND {
        if tick == 2 * SECOND {
            turnover.clear();
        }
        timers.set_clock(START + tick);
        let mut more = true;
        while more {
            let watch = Stopwatch::start();
            let fired;
            (fired, more) = timers.advance_recurring(START + tick, CALL_TIMERS_MAX, SECOND);
            turnover.add(fired, watch.elapsed());
            if whole.elapsed() > run.patience {
                turnover.lap.cut_short = true;
                break 'ticks;
            }
        }
    }
    turnover.note(figures, Figure::RearmNs)
}

/// Timeouts come at a constant rate, and end in a cancel or by firing.
pub(super) fn timeouts<T: Timers>(run: &Run, chance: &mut Chance, figures: &mut Figures) -> Option<()> {
    let count = run.timers as u64;
    let ground = resident().0;
    let mut timers = T::new();
    // Those that will fire and have come in the last half minute. The others come while it warms up.
    let firing = count * FIRING_PERCENT * TIMEOUT_TICKS / 100 / WAITING_TICKS;
    let lap = each(0..firing as usize, run.patience, |n| {
        timers.insert_only(START + 1 + chance.below(TIMEOUT_TICKS), n as u64);
    });
    lap.note(figures, Figure::InsertColdNs)?;

    let mut turnover = Turnover::default();
    let mut desk = Desk::new();
    let mut waiting = firing;
    let whole = Stopwatch::start();
    for turn in 1..=TURNS {
        if turn == WARM_UP_TURNS {
            turnover.clear();
        }
        timers.set_clock(START + turn);
        let comes = count * turn / WAITING_TICKS - count * (turn - 1) / WAITING_TICKS;
        let ended = desk.turn(&mut timers, turn, comes, chance, &mut turnover);
        waiting = (waiting + comes).saturating_sub(ended);
        if whole.elapsed() > run.patience && turn < TURNS {
            turnover.lap.cut_short = true;
            break;
        }
    }
    let bytes = resident().0 - ground - desk.bytes() as f64;
    figures.set(Figure::TimerBytes, bytes / waiting.max(1) as f64);
    turnover.note(figures, Figure::TimeoutNs)
}

/// The keys of those to be cancelled, by tick.
struct Desk<K> {
    due: Vec<Vec<K>>,
    /// Of those that come in this tick, whether each is to be cancelled.
    plan: Vec<bool>,
    keys: Vec<K>,
}

impl<K> Desk<K> {
    fn new() -> Self {
        Self { due: (0..=SECOND).map(|_| Vec::new()).collect(), plan: Vec::new(), keys: Vec::new() }
    }

    /// One tick: some fire, some come, some are cancelled. Returns how many have ended.
    fn turn<T: Timers<Key = K>>(
        &mut self,
        timers: &mut T,
        turn: u64,
        comes: u64,
        chance: &mut Chance,
        turnover: &mut Turnover,
    ) -> u64 {
        let mut ended = 0;
        let mut more = true;
        while more {
            let watch = Stopwatch::start();
            let fired;
            (fired, more) = timers.advance(START + turn, CALL_TIMERS_MAX);
            turnover.add(fired, watch.elapsed());
            ended += fired;
        }
        self.plan.clear();
        self.plan.extend((0..comes).map(|_| chance.below(100) >= FIRING_PERCENT));
        for group in self.plan.chunks(CALL_OPERATIONS) {
            let watch = Stopwatch::start();
            for &is_cancelled in group {
                if is_cancelled {
                    self.keys.push(timers.insert(START + turn + TIMEOUT_TICKS, turn));
                } else {
                    timers.insert_only(START + turn + TIMEOUT_TICKS, turn);
                }
            }
            turnover.add(0, watch.elapsed());
        }
        let places = self.due.len() as u64;
        for key in self.keys.drain(..) {
            self.due[((turn + 1 + chance.below(SECOND)) % places) as usize].push(key);
        }
        let due = &mut self.due[(turn % places) as usize];
        ended += due.len();
        while !due.is_empty() {
            let group = due.drain(due.len().saturating_sub(CALL_OPERATIONS)..);
            let cancelled = group.len();
            let watch = Stopwatch::start();
            group.for_each(|key| timers.cancel(key));
            turnover.add(cancelled, watch.elapsed());
        }
        ended as u64
    }

    fn bytes(&self) -> usize {
        self.due.iter().map(|keys| keys.capacity() * size_of::<K>()).sum()
    }
}
