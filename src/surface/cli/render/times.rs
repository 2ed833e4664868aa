//! How far off a time is, in the two largest units that matter.
//!
//! Rounding: down, so that `in 2h` is never less than two hours away. Units: `Timestamp`.
//! Not here: zones.

use crate::surface::ops::reply::FireTime;
use crate::time::{Span, Timestamp};

/// `in 2h 5m`, `3m 10s ago`, `now`.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    if at >= now {
        let ahead = at.since(now);
        if ahead.as_millis() < 1000 { "now".to_owned() } else { format!("in {}", rough(ahead)) }
    } else {
        let behind = now.since(at);
        if behind.as_millis() < 1000 { "now".to_owned() } else { format!("{} ago", rough(behind)) }
    }
}

/// A span in its two largest units; days stand alone from ten on.
#[must_use]
pub fn rough(span: Span) -> String {
    let seconds = span.as_millis() / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let two = |large: u64, unit: &str, small: u64, smaller: &str| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit} {small}{smaller}") }
    };
    match (days, hours, minutes) {
        (10.., _, _) => format!("{days}d"),
        (1.., _, _) => two(days, "d", hours, "h"),
        (0, 1.., _) => two(hours, "h", minutes, "m"),
        (0, 0, 1..) => two(minutes, "m", seconds % 60, "s"),
        (0, 0, 0) => format!("{seconds}s"),
    }
}

/// A time in a cell: on the clock of its schedule, and how far off.
pub(super) fn both(at: Option<&FireTime>, now: Timestamp) -> String {
    at.map_or_else(|| "-".to_owned(), |at| format!("{}\n{}", clock(&at.local), relative(at.utc.0, now)))
}

/// `2026-01-30 09:00:00 +01:00` of `2026-01-30T09:00:00+01:00`.
pub(super) fn clock(rfc3339: &str) -> String {
    let Some((date, rest)) = rfc3339.split_once('T') else { return rfc3339.to_owned() };
    let split = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (time, offset) = rest.split_at(split);
    let offset = if offset == "Z" { "UTC" } else { offset };
    format!("{date} {time} {offset}")
}
