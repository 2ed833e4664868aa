//! The workloads: what is done with a timer structure while the watch runs.
//!
//! Units: ticks of 1 ms. Deadlines are log-uniform: every order of magnitude between a second and a year is as likely.
//! Invariant: every entrant gets the same timers in the same order, and what the measuring itself needs (deadlines,
//! keys, chance) is in memory before the watch starts.

use std::hint::black_box;
use std::time::Duration;

use super::figures::Figures;
use super::process::resident;
use super::timers::{START, Timers};
use crate::runtime::clock::Stopwatch;

const HOUR: u64 = 3_600_000;
const YEAR: u64 = 365 * 24 * HOUR;

/// Timers that fire in one call at most.
const CALL_TIMERS_MAX: usize = 4096;

/// Ticks that are measured one by one around each edge: five minutes.
const TICKS: u64 = 300_000;

/// How long ticking around an edge, or holding, may take. There are structures that look at every timer in every advance.
const PATIENCE: Duration = Duration::from_secs(10);

/// Operations of the constant population.
const HOLD_TIMERS_MAX: usize = 5_000_000;

/// Where a coarse slot comes up that is full, in wheels of 4, 6 or 8 bits a digit.
const EDGES: [u64; 3] = [1 << 18, 1 << 20, 1 << 24];

/// Runs every workload with `count` timers.
#[must_use]
pub fn measure<T: Timers>(count: usize) -> Figures {
    let mut chance = Chance(count as u64);
    let spans: Vec<u64> = (0..count).map(|_| chance.span()).collect();
    let mut keys = Vec::with_capacity(count);
    let ground = resident().0;
    let mut timers = T::new();
    let each = |watch: Stopwatch| watch.elapsed().as_nanos() as f64 / count as f64;

    let watch = Stopwatch::start();
    keys.extend(spans.iter().map(|&span| timers.insert(START + span, span)));
    let insert_cold_ns = each(watch);
    let overhead = ground + (count * size_of::<T::Key>()) as f64;
    let timer_bytes = (resident().0 - overhead) / count as f64;
    let next_expiry_ns = ask_next(&mut timers);

    for at in (1..keys.len()).rev() {
        keys.swap(at, chance.below(at as u64 + 1) as usize);
    }
    let watch = Stopwatch::start();
    keys.drain(count / 2..).for_each(|key| timers.cancel(key));
    let cancel_half_ns = each(watch) * 2.0;
    let watch = Stopwatch::start();
    keys.drain(..).for_each(|key| timers.cancel(key));
    timers.advance(START, CALL_TIMERS_MAX);
    let cancel_all_ns = each(watch) + cancel_half_ns / 2.0;

    spans.iter().for_each(|&span| timers.insert_only(START + span, span));
    let (fire_ns, worst_fire_call_us) = fire(&mut timers, START + YEAR, count);
    let peak_timer_bytes = (resident().1 - overhead) / count as f64;

    let later = (START + YEAR + (1 << 32)) >> 32 << 32;
    timers.set_clock(later);
    timers.advance(later, CALL_TIMERS_MAX);
    let watch = Stopwatch::start();
    spans.iter().for_each(|&span| timers.insert_only(later + span, span));
    let insert_warm_ns = each(watch);
    let (worst_tick_us, p999_tick_us) = tick(&mut timers, later);
    drop(timers);
    drop(spans);
    Figures {
        insert_cold_ns,
        insert_warm_ns,
        cancel_half_ns,
        cancel_all_ns,
        fire_ns,
        hold_ns: hold::<T>(count, &mut chance),
        next_expiry_ns,
        timer_bytes,
        peak_timer_bytes,
        worst_fire_call_us,
        worst_tick_us,
        p999_tick_us,
    }
}

/// Asks for the next time, often enough to be measured and not longer than that.
fn ask_next<T: Timers>(timers: &mut T) -> f64 {
    let watch = Stopwatch::start();
    let mut times = 0_u32;
    while times == 0 || times < 1 << 20 && watch.elapsed() < Duration::from_millis(100) {
        // Asking in groups keeps the watch out of it.
        for _ in 0..if times == 0 { 1 } else { 64 } {
            black_box(timers.next_expiry());
            times += 1;
        }
    }
    watch.elapsed().as_nanos() as f64 / f64::from(times)
}

/// Fires everything. Returns the nanoseconds each took and the longest call in microseconds.
fn fire<T: Timers>(timers: &mut T, tick: u64, count: usize) -> (f64, f64) {
    timers.set_clock(tick);
    let (mut left, mut worst) = (count, Duration::ZERO);
    let whole = Stopwatch::start();
    let mut lap = whole;
    while left > 0 {
        let (fired, more) = timers.advance(tick, CALL_TIMERS_MAX);
        left = left.saturating_sub(fired);
        worst = worst.max(lap.lap());
        assert!(more || left == 0, "{left} timers are left that were to fire");
    }
    (whole.elapsed().as_nanos() as f64 / count as f64, worst.as_nanos() as f64 / 1e3)
}

/// Advances tick by tick around the edges after `start`. Returns the longest advance and the 99.9th percentile, in
/// microseconds.
fn tick<T: Timers>(timers: &mut T, start: u64) -> (f64, f64) {
    let mut taken = Vec::with_capacity(EDGES.len() * TICKS as usize);
    for edge in EDGES {
        tick_around(timers, start + edge, &mut taken);
    }
    taken.sort_unstable();
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize] as f64 / 1e3;
    (at(1.0), at(0.999))
}

/// Advances tick by tick around an edge and notes what each advance took.
fn tick_around<T: Timers>(timers: &mut T, edge: u64, taken: &mut Vec<u64>) {
    let first = edge - TICKS / 2;
    timers.set_clock(first);
    while timers.advance(first, CALL_TIMERS_MAX).1 {}
    let whole = Stopwatch::start();
    for tick in first + 1..=first + TICKS {
        timers.set_clock(tick);
        let mut more = true;
        while more {
            let watch = Stopwatch::start();
            more = timers.advance(tick, CALL_TIMERS_MAX).1;
            taken.push(watch.elapsed().as_nanos() as u64);
        }
        if tick.is_multiple_of(64) && whole.elapsed() > PATIENCE {
            break;
        }
    }
}

/// Fires and inserts at a constant number of timers. The clock moves in steps in which about 64 fire, for there are
/// structures that have to be told the time in a slow way.
fn hold<T: Timers>(count: usize, chance: &mut Chance) -> f64 {
    let mut timers = T::new();
    for n in 0..count {
        timers.insert_only(START + 1 + chance.below(HOUR), n as u64);
    }
    let step = (64 * HOUR / count as u64).max(1);
    let warm_up = count.min(HOLD_TIMERS_MAX) / 10;
    let operations = count.min(HOLD_TIMERS_MAX) + warm_up;
    let mut now = START;
    let mut held = 0;
    let mut watch = Stopwatch::start();
    let mut since = 0;
    while held < operations && (since == 0 || watch.elapsed() < PATIENCE) {
        now += step;
        timers.set_clock(now);
        loop {
            let (fired, more) = timers.advance(now, CALL_TIMERS_MAX);
            for n in 0..fired {
                timers.insert_only(now + 1 + chance.below(HOUR), n as u64);
            }
            held += fired;
            if !more {
                break;
            }
        }
        if since == 0 && (held >= warm_up || watch.elapsed() > PATIENCE / 3) {
            watch = Stopwatch::start();
            since = held;
        }
    }
    watch.elapsed().as_nanos() as f64 / (held - since).max(1) as f64
}

/// A repeatable sequence. Source: SplitMix64.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    #[inline]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    #[inline]
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Ticks between a second and a year.
    fn span(&mut self) -> u64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (1000.0 * (YEAR as f64 / 1000.0).powf(share)) as u64
    }
}
