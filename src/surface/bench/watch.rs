//! Measuring many operations, for a bounded time.
//!
//! Invariant: no measurement goes on much longer than it may; there are structures that look at every timer in every
//! advance. What is cut short says so.
//! Not here: single calls that take longer than that; the process that waits for this one ends those (`process`).

use std::time::Duration;

use super::figures::{Figure, Figures};
use super::timers::Timers;
use crate::runtime::clock::Stopwatch;

/// Timers that fire in one call at most.
pub(super) const CALL_TIMERS_MAX: usize = 4096;

/// Operations between two looks at the watch.
const GROUP: usize = 1024;

/// How long some operations took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lap {
    pub(super) operations: usize,
    pub(super) took: Duration,
    pub(super) cut_short: bool,
}

impl Lap {
    /// Nanoseconds of one.
    pub(super) fn ns(&self) -> f64 {
        self.took.as_nanos() as f64 / self.operations.max(1) as f64
    }

    /// Notes what one took. `None` when there are operations left that there was no time for.
    pub(super) fn note(&self, figures: &mut Figures, figure: Figure) -> Option<()> {
        figures.set(figure, self.ns());
        if self.cut_short {
            figures.cut_short(figure);
        }
        (!self.cut_short).then_some(())
    }
}

/// Does something with one item after the other.
pub(super) fn each<I>(
    mut items: impl ExactSizeIterator<Item = I>,
    patience: Duration,
    mut operate: impl FnMut(I),
) -> Lap {
    let all = items.len();
    let watch = Stopwatch::start();
    let mut lap = Lap::default();
    loop {
        items.by_ref().take(GROUP).for_each(&mut operate);
        lap.operations = all - items.len();
        lap.took = watch.elapsed();
        lap.cut_short = lap.operations < all && lap.took > patience;
        if lap.cut_short || lap.operations == all {
            return lap;
        }
    }
}

/// Fires everything due at a tick, and notes the longest call.
pub(super) fn fire<T: Timers>(timers: &mut T, tick: u64, count: usize, patience: Duration) -> (Lap, Duration) {
    timers.set_clock(tick);
    let (mut lap, mut worst) = (Lap::default(), Duration::ZERO);
    let mut watch = Stopwatch::start();
    while lap.operations < count {
        let (fired, more) = timers.advance(tick, CALL_TIMERS_MAX);
        lap.operations += fired;
        let call = watch.lap();
        worst = worst.max(call);
        lap.took += call;
        let left = count.saturating_sub(lap.operations);
        assert!(more || left == 0, "{left} timers are left that were to fire");
        lap.cut_short = left > 0 && lap.took > patience;
        if lap.cut_short {
            break;
        }
    }
    (lap, worst)
}

/// The figure in the middle; zero of none.
pub(super) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

/// What single calls took.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<u64>);

impl Calls {
    pub(super) fn add(&mut self, took: Duration) {
        self.0.push(took.as_nanos() as u64);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The longest call and the 99.9th percentile, in microseconds.
    pub(super) fn worst_and_p999_us(&mut self) -> (f64, f64) {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        let at = |share: f64| self.0.get((last as f64 * share) as usize).map_or(0.0, |&ns| ns as f64 / 1e3);
        (at(1.0), at(0.999))
    }
}
