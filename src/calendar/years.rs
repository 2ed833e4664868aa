//! The years a pattern names, in fifteen bytes.
//!
//! Units: years; stored as whole years after 1970.
//! Invariant: runs are sorted by their first year; an unused run is all zeros with step 0, and no run at all means
//! every year.
//! Not here: reading years from text (`field`).
//! Source: Quartz names years from 1970; a set of 230 bits would not fit one cache line with the rest.

use crate::limits::{CRON_YEAR_MAX, CRON_YEAR_MIN, YEAR_RUNS_COUNT_MAX};

/// A set of years as a few arithmetic runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Years([Run; YEAR_RUNS_COUNT_MAX]);

/// `first`, `first + step`, ... up to `last`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Run {
    first: u8,
    last: u8,
    step: u8,
}

impl Years {
    /// Every year.
    pub(super) const ALL: Self = Self([Run { first: 0, last: 0, step: 0 }; YEAR_RUNS_COUNT_MAX]);

    /// The set of `years`, which ascend; `None` when they take too many runs.
    pub(super) fn of(years: &[u16]) -> Option<Self> {
        let mut left: Vec<u8> = years.iter().map(|year| (i32::from(*year) - CRON_YEAR_MIN) as u8).collect();
        let mut runs = [Run::default(); YEAR_RUNS_COUNT_MAX];
        for run in &mut runs {
            let [first, ..] = left[..] else { break };
            let mut length = run_length(&left);
            // 2030,2040-2045 is one year and a range, not 2030-2040/10 and a shorter range.
            if length == 2 && run_length(&left[1..]) > 2 {
                length = 1;
            }
            let step = if length > 1 { left[1] - first } else { 1 };
            *run = Run { first, last: left[length - 1], step };
            left.drain(..length);
        }
        left.is_empty().then_some(Self(runs))
    }

    /// Whether every year matches.
    pub(super) fn is_all(self) -> bool {
        self.0[0].step == 0
    }

    /// The first year at or after `year`.
    pub(super) fn at_or_after(self, year: i32) -> Option<i32> {
        if self.is_all() {
            return (year <= CRON_YEAR_MAX).then_some(year);
        }
        let wanted = year - CRON_YEAR_MIN;
        self.runs()
            .filter(|(_, last, _)| wanted <= *last)
            .map(|(first, _, step)| first + ((wanted - first).max(0) + step - 1) / step * step)
            .min()
            .map(|offset| CRON_YEAR_MIN + offset)
    }

    /// The last year at or before `year`.
    pub(super) fn at_or_before(self, year: i32) -> Option<i32> {
        if self.is_all() {
            return (year >= CRON_YEAR_MIN - 1).then_some(year);
        }
        let wanted = year - CRON_YEAR_MIN;
        self.runs()
            .filter(|(first, _, _)| wanted >= *first)
            .map(|(first, last, step)| first + (wanted.min(last) - first) / step * step)
            .max()
            .map(|offset| CRON_YEAR_MIN + offset)
    }

    /// The years named, for showing: first, last and step of each run.
    pub(super) fn spans(self) -> impl Iterator<Item = (i32, i32, i32)> {
        let shown = self.0;
        shown.into_iter().filter(|run| run.step != 0).map(|run| {
            (CRON_YEAR_MIN + i32::from(run.first), CRON_YEAR_MIN + i32::from(run.last), i32::from(run.step))
        })
    }

    fn runs(&self) -> impl Iterator<Item = (i32, i32, i32)> {
        let used = self.0.iter().filter(|run| run.step != 0);
        used.map(|run| (i32::from(run.first), i32::from(run.last), i32::from(run.step)))
    }
}

/// How many of the first years lie equally far apart.
fn run_length(years: &[u8]) -> usize {
    let [first, second, ..] = years else { return years.len() };
    1 + years.windows(2).take_while(|pair| pair[1] - pair[0] == second - first).count()
}
