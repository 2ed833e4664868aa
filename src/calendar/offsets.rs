//! The offset history of a zone, laid out for quick lookups.
//!
//! Units: seconds; instants in UTC, wall-clock readings in the zone. An era is a stretch with one offset.
//! Invariant: eras are sorted and cover all time; `seen` never decreases, so it can be searched.
//! Not here: what a clock change means for a pattern (`fold`).
//! Source: chrono-tz, asked once for each zone in use; its list of transitions is private, so they are found by
//! probing. Its rules end in 2099: later years keep the last offset. Before 1970 the first one is taken.

use std::sync::{LazyLock, OnceLock};

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::civil::DAY_SECONDS;
use crate::limits::OFFSET_PROBE_DAYS_MAX;
use crate::time::Timestamp;

/// One slot for every zone, filled when the zone is first asked.
static HISTORIES: LazyLock<Vec<OnceLock<Offsets>>> =
    LazyLock::new(|| TZ_VARIANTS.iter().map(|_| OnceLock::new()).collect());

/// The eras of one zone from 1970 to the horizon.
#[derive(Debug)]
pub(super) struct Offsets {
    /// First instant of each era; the first one is open to the past.
    starts: Vec<i64>,
    /// Seconds east of UTC in each era.
    offsets: Vec<i64>,
    /// For each era, the end of every wall-clock reading that earlier eras have shown: a reading at or after it is
    /// new, one below it has been seen.
    seen: Vec<i64>,
}

impl Offsets {
    /// The history of a zone.
    pub(super) fn of(zone: Tz) -> &'static Self {
        match HISTORIES.get(zone as usize) {
            Some(slot) => slot.get_or_init(|| Self::probe(zone)),
            None => unreachable!("zones are numbered in the order of TZ_VARIANTS"),
        }
    }

    /// The era that holds an instant.
    pub(super) fn era_at(&self, instant: i64) -> usize {
        self.starts.partition_point(|start| *start <= instant).saturating_sub(1)
    }

    /// The era in which a fixed time with this reading is served: the first that shows it, or, when none does, the
    /// first after the gap.
    pub(super) fn era_showing(&self, reading: i64) -> usize {
        self.seen.partition_point(|seen| *seen <= reading).saturating_sub(1)
    }

    /// How many eras there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Seconds east of UTC.
    pub(super) fn offset(&self, era: usize) -> i64 {
        self.offsets[era]
    }

    /// The first instant of an era.
    pub(super) fn start(&self, era: usize) -> i64 {
        self.starts[era]
    }

    /// The wall clock at the first instant of an era.
    pub(super) fn first_reading(&self, era: usize) -> i64 {
        self.starts[era].saturating_add(self.offsets[era])
    }

    /// The end, exclusive, of the readings an era shows.
    pub(super) fn end_reading(&self, era: usize) -> i64 {
        match self.starts.get(era + 1) {
            Some(end) => end + self.offsets[era],
            None => i64::MAX,
        }
    }

    /// The end, exclusive, of the readings shown before an era.
    pub(super) fn seen_before(&self, era: usize) -> i64 {
        self.seen[era]
    }

    fn probe(zone: Tz) -> Self {
        let step = OFFSET_PROBE_DAYS_MAX * DAY_SECONDS;
        let horizon = Timestamp::HORIZON.as_millis() / 1000;
        let mut history = Self { starts: vec![i64::MIN], offsets: vec![offset_at(zone, 0)], seen: vec![i64::MIN] };
        let mut from = 0;
        while from < horizon {
            let (offset, next) = (offset_at(zone, from), from + step);
            if offset_at(zone, next) != offset {
                history.push(first_change(zone, from, next), zone);
            }
            from = next;
        }
        history
    }

    fn push(&mut self, start: i64, zone: Tz) {
        let last = self.len() - 1;
        self.seen.push(self.seen[last].max(start + self.offsets[last]));
        self.starts.push(start);
        self.offsets.push(offset_at(zone, start));
    }
}

/// Seconds east of UTC at an instant, whatever the year.
pub(super) fn offset_at(zone: Tz, instant: i64) -> i64 {
    // Instants beyond chrono's calendar lie 260,000 years away; UTC is as good as any answer there.
    let Some(time) = DateTime::from_timestamp(instant, 0) else { return 0 };
    i64::from(zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc())
}

/// The first instant of `(from, upto]` whose offset is not that of `from`.
fn first_change(zone: Tz, from: i64, upto: i64) -> i64 {
    let before = offset_at(zone, from);
    let (mut same, mut changed) = (from, upto);
    while changed - same > 1 {
        let middle = same + (changed - same) / 2;
        if offset_at(zone, middle) == before {
            same = middle;
        } else {
            changed = middle;
        }
    }
    changed
}
