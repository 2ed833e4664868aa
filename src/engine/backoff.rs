//! How long a failed delivery waits, and how far a due is put off.
//!
//! Units: `Span`. Both are hashes of what they belong to, not chance: the same occurrence always waits the same, so
//! a run can be replayed. Source: "full jitter", held above the floor that the schedule names.

use crate::id::{OccurrenceId, ScheduleKey};
use crate::planted::{self, Bug};
use crate::spec::{RetryPolicy, Schedule};
use crate::time::{Span, Timestamp};

/// The wait before the next attempt, after `failed` failed ones: between the floor and `floor * 2^failed`, at most
/// the cap, never below what the provider asked for.
pub(super) fn wait(policy: &RetryPolicy, occurrence: OccurrenceId, failed: u16, asked: Option<Span>) -> Span {
    let floor = policy.backoff_min.as_millis();
    let cap = policy.backoff_max.as_millis().max(floor);
    let doubled = floor.saturating_mul(1_u64.checked_shl(u32::from(failed)).unwrap_or(u64::MAX));
    let room = doubled.min(cap) - floor;
    let ms = floor + below(seed(occurrence) ^ u64::from(failed), room + 1);
    let asked = asked.filter(|_| !planted::is(Bug::RetryAfterIgnored));
    Span::from_millis(ms).max(asked.unwrap_or(Span::ZERO))
}

/// How far this due is put off: less than `room`, at most `jitter`.
pub(super) fn jitter(jitter: Span, occurrence: OccurrenceId, room: Option<Span>) -> Span {
    if jitter == Span::ZERO {
        return Span::ZERO;
    }
    let most = room.map_or(jitter.as_millis(), |room| jitter.as_millis().min(room.as_millis().saturating_sub(1)));
    Span::from_millis(below(seed(occurrence), most + 1))
}

/// When a due of a schedule fires, its jitter included.
#[must_use]
pub fn fires_at(schedule: &Schedule, key: ScheduleKey, due: Timestamp) -> Timestamp {
    let room = schedule.trigger.from_due(due).next_after(due).map(|next| next.since(due));
    let occurrence = OccurrenceId::new(key, 0, due);
    due.plus(jitter(schedule.policy.jitter, occurrence, room))
}

/// Whatever its generation: an edit does not move it.
fn seed(occurrence: OccurrenceId) -> u64 {
    let due = mix(occurrence.due.as_millis().cast_unsigned());
    mix(occurrence.schedule.0 ^ due) ^ u64::from(occurrence.delivery) << 48
}

fn below(seed: u64, bound: u64) -> u64 {
    ((u128::from(mix(seed)) * u128::from(bound)) >> 64) as u64
}

/// The finaliser of splitmix64.
fn mix(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
