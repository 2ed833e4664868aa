//! The oracle's own test: facts about clock changes that anybody can look up.

use jiff::Timestamp;

use super::shape::{PATTERNS, Shape};

/// Every due of a pattern in a zone between two instants.
fn dues(text: &str, zone: &'static str, from: &str, until: &str) -> Vec<String> {
    let at = |text: &str| text.parse::<Timestamp>().expect("an instant").as_millisecond();
    let pattern = PATTERNS.iter().find(|pattern| pattern.text == text).expect("a known pattern");
    let dues = Shape::Cron { pattern, zone }.dues_in(at(from), at(until));
    dues.iter().map(|&due| Timestamp::from_millisecond(due).expect("an instant").to_string()).collect()
}

#[test]
fn a_fixed_time_in_the_gap_comes_right_after_it() {
    let found = dues("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z");
    assert_eq!(found, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
}

#[test]
fn a_fixed_time_that_comes_twice_counts_once() {
    let found = dues("15,45 1 * * *", "America/New_York", "2026-11-01T00:00:00Z", "2026-11-02T12:00:00Z");
    let expected = ["2026-11-01T05:15:00Z", "2026-11-01T05:45:00Z", "2026-11-02T06:15:00Z", "2026-11-02T06:45:00Z"];
    assert_eq!(found, expected);
}

#[test]
fn a_cadence_goes_on_through_both() {
    let found = dues("*/20 * * * *", "America/New_York", "2026-11-01T04:59:00Z", "2026-11-01T07:00:00Z");
    assert_eq!(found.len(), 7);
    let found = dues("7 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z");
    assert_eq!(found, ["2026-03-29T00:07:00Z", "2026-03-29T01:07:00Z", "2026-03-29T02:07:00Z"]);
}

#[test]
fn days_of_weeks_and_months_are_told_apart() {
    let found = dues("0 9,17 * * 1-5", "UTC", "2026-06-12T12:00:00Z", "2026-06-15T12:00:00Z");
    assert_eq!(found, ["2026-06-12T17:00:00Z", "2026-06-15T09:00:00Z"]);
    let found = dues("0 12 1,29 * *", "UTC", "2028-02-10T00:00:00Z", "2028-03-02T00:00:00Z");
    assert_eq!(found, ["2028-02-29T12:00:00Z", "2028-03-01T12:00:00Z"]);
}
