//! A fixed rhythm: `anchor + k * period` for every k >= 0.
//!
//! Units: milliseconds.
//! Invariant: dues come from the anchor by multiplication, never from the due before, so nothing drifts; none lies at
//! or beyond the horizon.
//! Not here: reading periods from text (`time`), the shortest period allowed (`spec`).

use crate::time::{Span, Timestamp};

/// A rhythm, held for one question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    anchor: i64,
    period: i64,
}

impl Rhythm {
    pub(super) fn new(period: Span, anchor: Timestamp) -> Self {
        // A period of zero never passes validation; here it must still not divide by zero.
        Self { anchor: anchor.as_millis(), period: (period.as_millis() as i64).max(1) }
    }

    /// The first due strictly after an instant.
    pub(super) fn next_after(self, after: Timestamp) -> Option<Timestamp> {
        let passed = self.passed(after);
        let due = self.period.checked_mul(passed).and_then(|distance| self.anchor.checked_add(distance))?;
        Some(Timestamp::from_millis(due)).filter(|due| *due < Timestamp::HORIZON)
    }

    /// The last due at or before an instant.
    pub(super) fn latest_upto(self, upto: Timestamp) -> Option<Timestamp> {
        let k = self.passed(upto).checked_sub(1).filter(|k| *k >= 0)?;
        Some(Timestamp::from_millis(self.anchor + k * self.period))
    }

    /// How many dues lie in `(after, upto]`.
    pub(super) fn count(self, after: Timestamp, upto: Timestamp) -> u64 {
        (self.passed(upto) - self.passed(after)).max(0) as u64
    }

    /// How many dues lie at or before an instant.
    fn passed(self, instant: Timestamp) -> i64 {
        let last = instant.as_millis().min(Timestamp::HORIZON.as_millis() - 1);
        if last < self.anchor { 0 } else { (last.saturating_sub(self.anchor) / self.period).saturating_add(1) }
    }
}
