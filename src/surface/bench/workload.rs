//! The workload of timers with deadlines: filling, cancelling, firing, ticking, holding a number.
//!
//! Units: ticks of 1 ms.
//! Invariant: every entrant gets the same timers in the same order, and what the measuring itself needs (deadlines,
//! keys, chance) is in memory before the watch starts.
//! Not here: when the timers are due (`load`), loads that go on (`turnover`).

use std::hint::black_box;
use std::time::Duration;

use super::figures::{Figure, Figures};
use super::load::{Chance, HOUR, Load, Run, YEAR};
use super::process::resident;
use super::timers::{START, Timers};
use super::watch::{CALL_TIMERS_MAX, Calls, Lap, each, fire};
use super::{half, turnover};
use crate::runtime::clock::Stopwatch;

/// Ticks that are measured one by one around each edge: five minutes.
const TICKS: u64 = 300_000;

/// How long ticking around an edge, or holding, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Operations of the constant population.
const HOLD_TIMERS_MAX: usize = 5_000_000;

/// Where a coarse slot comes up that is full, in wheels of 4, 6 or 8 bits a digit.
const EDGES: [u64; 3] = [1 << 18, 1 << 20, 1 << 24];

/// Runs the workload of a load.
#[must_use]
pub fn measure<T: Timers>(run: &Run) -> Figures {
    let mut figures = Figures::default();
    let mut chance = Chance::new(run.seed);
    // Where one is cut short, those that would have built on it are left out.
    let _ = match run.load {
        Load::EverySecond => turnover::every_second::<T>(run, &mut figures),
        Load::Timeouts => turnover::timeouts::<T>(run, &mut chance, &mut figures),
        Load::HalfCancelled => half::half_cancelled::<T>(run, &mut chance, &mut figures),
        Load::LogUniform | Load::OneHour | Load::OneTick | Load::Ascending => {
            pass_through::<T>(run, &mut chance, &mut figures)
        }
    };
    // It always holds timers within an hour, so it would be the same for the others.
    if matches!(run.load, Load::LogUniform | Load::OneHour) {
        let _ = hold::<T>(run, &mut chance, &mut figures);
    }
    figures
}

/// Fills one, empties it by cancelling and by firing, and ticks; until something takes too long.
fn pass_through<T: Timers>(run: &Run, chance: &mut Chance, figures: &mut Figures) -> Option<()> {
    let Run { timers: count, load, patience, .. } = *run;
    let spans: Vec<u64> = load.spans(chance).take(count).collect();
    let mut keys = Vec::with_capacity(count);
    let ground = resident().0;
    let mut timers = T::new();

    let lap = each(spans.iter(), patience, |&span| keys.push(timers.insert(START + span, span)));
    lap.note(figures, Figure::InsertColdNs)?;
    let overhead = ground + (count * size_of::<T::Key>()) as f64;
    figures.set(Figure::TimerBytes, (resident().0 - overhead) / count as f64);
    figures.set(Figure::NextExpiryNs, ask_next(&mut timers));

    shuffle(&mut keys, chance);
    let half = each(keys.drain(count / 2..), patience, |key| timers.cancel(key));
    half.note(figures, Figure::CancelHalfNs)?;
    let watch = Stopwatch::start();
    let rest = each(keys.drain(..), patience, |key| timers.cancel(key));
    timers.advance(START, CALL_TIMERS_MAX);
    let took = half.took + watch.elapsed();
    let all = Lap { operations: half.operations + rest.operations, took, cut_short: rest.cut_short };
    all.note(figures, Figure::CancelAllNs)?;
    if timers.cancel_many(&[]).is_some() {
        keys.extend(spans.iter().map(|&span| timers.insert(START + span, span)));
        shuffle(&mut keys, chance);
        let lap = each(keys.chunks(CALL_TIMERS_MAX), patience, |some| {
            timers.cancel_many(some);
        });
        keys.clear();
        Lap { operations: count.min(lap.operations * CALL_TIMERS_MAX), ..lap }
            .note(figures, Figure::CancelBatchNs)?;
    }

    if each(spans.iter(), patience, |&span| timers.insert_only(START + span, span)).cut_short {
        return None;
    }
    let (lap, worst) = fire(&mut timers, START + YEAR, count, patience);
    figures.set(Figure::WorstFireCallUs, worst.as_nanos() as f64 / 1e3);
    lap.note(figures, Figure::FireNs)?;
    figures.set(Figure::PeakTimerBytes, (resident().1 - overhead) / count as f64);

    let later = (START + YEAR + (1 << 32)) >> 32 << 32;
    timers.set_clock(later);
    timers.advance(later, CALL_TIMERS_MAX);
    let lap = each(spans.iter(), patience, |&span| timers.insert_only(later + span, span));
    lap.note(figures, Figure::InsertWarmNs)?;
    tick(&mut timers, later, patience, figures);
    Some(())
}

fn shuffle<K>(keys: &mut [K], chance: &mut Chance) {
    for at in (1..keys.len()).rev() {
        keys.swap(at, chance.below(at as u64 + 1) as usize);
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

/// Advances tick by tick around the edges after `start`.
fn tick<T: Timers>(timers: &mut T, start: u64, patience: Duration, figures: &mut Figures) {
    let mut calls = Calls::default();
    // All of them, even when one is cut short.
    let whole = EDGES.map(|edge| tick_around(timers, start + edge, patience, &mut calls));
    let (worst, p999) = calls.worst_and_p999_us();
    for (figure, value) in [(Figure::WorstTickUs, worst), (Figure::P999TickUs, p999)] {
        figures.set(figure, value);
        if whole.contains(&false) {
            figures.cut_short(figure);
        }
    }
}

/// Advances tick by tick around an edge and notes what each advance took. Returns whether it came to its end.
fn tick_around<T: Timers>(timers: &mut T, edge: u64, patience: Duration, calls: &mut Calls) -> bool {
    let first = edge - TICKS / 2;
    timers.set_clock(first);
    let whole = Stopwatch::start();
    while timers.advance(first, CALL_TIMERS_MAX).1 {
        if whole.elapsed() > patience {
            return false;
        }
    }
    let whole = Stopwatch::start();
    for tick in first + 1..=first + TICKS {
        timers.set_clock(tick);
        let mut more = true;
        while more {
            let watch = Stopwatch::start();
            more = timers.advance(tick, CALL_TIMERS_MAX).1;
            calls.add(watch.elapsed());
            if whole.elapsed() > PATIENCE.min(patience) {
                return false;
            }
        }
    }
    true
}

/// Fires and inserts at a constant number of timers. The clock moves in steps in which about 64 fire, for there are
/// structures that have to be told the time in a slow way.
fn hold<T: Timers>(run: &Run, chance: &mut Chance, figures: &mut Figures) -> Option<()> {
    let (count, patience) = (run.timers, PATIENCE.min(run.patience));
    let mut timers = T::new();
    let filled = each(0..count, run.patience, |n| timers.insert_only(START + 1 + chance.below(HOUR), n as u64));
    if filled.cut_short {
        return None;
    }
    let step = (64 * HOUR / count as u64).max(1);
    let warm_up = count.min(HOLD_TIMERS_MAX) / 10;
    let operations = count.min(HOLD_TIMERS_MAX) + warm_up;
    let mut now = START;
    let mut held = 0;
    let mut watch = Stopwatch::start();
    let mut since = 0;
    while held < operations && (since == 0 || watch.elapsed() < patience) {
        now += step;
        timers.set_clock(now);
        loop {
            let (fired, more) = timers.advance(now, CALL_TIMERS_MAX);
            for n in 0..fired {
                timers.insert_only(now + 1 + chance.below(HOUR), n as u64);
            }
            held += fired;
            if !more || watch.elapsed() > patience {
                break;
            }
        }
        if since == 0 && (held >= warm_up || watch.elapsed() > patience / 3) {
            watch = Stopwatch::start();
            since = held;
        }
    }
    Lap { operations: held - since, took: watch.elapsed(), cut_short: held < operations }
        .note(figures, Figure::HoldNs)
}
