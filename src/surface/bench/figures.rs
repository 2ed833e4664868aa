//! The figures of one entrant, and of all.
//!
//! Units: in the names. Invariant: lower is better, of every figure.
//! What does not come to an end in time is cut short: its figure is that of the part that was done, and what would
//! have been built on it has none.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What an entrant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The wheel of this crate.
    Own,
    /// Made of the standard library.
    Plain,
    /// A timer structure of another crate.
    Crate,
}

/// What can be measured of an entrant, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Into an empty structure that has to get memory for each timer.
    InsertColdNs,
    /// Into one that held as many before, all of which have fired.
    InsertWarmNs,
    /// A random half is cancelled, in random order.
    CancelHalfNs,
    /// All are cancelled, in random order, with all the clearing up.
    CancelAllNs,
    /// All are cancelled in batches, where there is a call for that.
    CancelBatchNs,
    /// Everything fires, 4,096 timers a call.
    FireNs,
    /// One fires and one is inserted, at a constant number within the next hour.
    HoldNs,
    /// One fires and is armed anew, a second later.
    RearmNs,
    /// One is inserted, and cancelled or fired: the whole life of a timeout.
    TimeoutNs,
    /// The time of the next one is asked for.
    NextExpiryNs,
    /// Resident memory, full.
    TimerBytes,
    /// Resident memory at its peak, through filling, cancelling and firing.
    PeakTimerBytes,
    /// The longest advance by one tick.
    WorstTickUs,
    /// The advance by one tick than which one in a thousand is longer.
    P999TickUs,
    /// The longest of the calls in which everything fires.
    WorstFireCallUs,
    /// The longest call of a load that goes on.
    WorstCallUs,
    /// The call than which one in a thousand is longer.
    P999CallUs,
}

impl Figure {
    /// What stands over its column.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::InsertColdNs => "insert cold",
            Self::InsertWarmNs => "insert warm",
            Self::CancelHalfNs => "cancel half",
            Self::CancelAllNs => "cancel all",
            Self::CancelBatchNs => "cancel batch",
            Self::FireNs => "fire",
            Self::HoldNs => "hold",
            Self::RearmNs => "re-arm",
            Self::TimeoutNs => "timeout",
            Self::NextExpiryNs => "next",
            Self::TimerBytes => "bytes",
            Self::PeakTimerBytes => "peak bytes",
            Self::WorstTickUs => "worst tick µs",
            Self::P999TickUs => "p99.9 tick µs",
            Self::WorstFireCallUs | Self::WorstCallUs => "worst call µs",
            Self::P999CallUs => "p99.9 call µs",
        }
    }
}

/// What was measured of one entrant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    #[serde(flatten)]
    measured: BTreeMap<Figure, f64>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    cut_short: BTreeSet<Figure>,
}

impl Figures {
    /// Notes a figure.
    pub fn set(&mut self, figure: Figure, value: f64) {
        self.measured.insert(figure, value);
    }

    /// Notes that a figure is of a part only.
    pub fn cut_short(&mut self, figure: Figure) {
        self.cut_short.insert(figure);
    }

    /// A figure, if it was measured.
    #[must_use]
    pub fn get(&self, figure: Figure) -> Option<f64> {
        self.measured.get(&figure).copied()
    }

    /// Whether a figure is of a part only.
    #[must_use]
    pub fn is_cut_short(&self, figure: Figure) -> bool {
        self.cut_short.contains(&figure)
    }

    /// Those that were measured.
    pub fn measured(&self) -> impl Iterator<Item = Figure> {
        self.measured.keys().copied()
    }

    /// The better of two, figure by figure; one that is whole is better than one that was cut short.
    pub fn take_best(&mut self, other: &Self) {
        for (&figure, &value) in &other.measured {
            let is_cut = other.is_cut_short(figure);
            let own = self.get(figure).map(|own| (self.is_cut_short(figure), own));
            if own.is_none_or(|own| (is_cut, value) < own) {
                self.set(figure, value);
                if is_cut {
                    self.cut_short(figure);
                } else {
                    self.cut_short.remove(&figure);
                }
            }
        }
    }
}

/// How one entrant did.
///
/// The bar of peak memory is about ours only, and asks for a workload that the other figures do not come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its best figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Its best figures with a random half cancelled, for ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_cancelled: Option<Figures>,
}

impl Outcome {
    /// Keeps the better figures of another pass.
    pub(super) fn take_best(&mut self, figures: &Figures, half_cancelled: Option<&Figures>) {
        self.figures.take_best(figures);
        if let Some(other) = half_cancelled {
            self.half_cancelled.get_or_insert_default().take_best(other);
        }
    }
}
