//! Active hours: the dues of a prompt's schedule on days of every kind.

use std::path::Path;

use chimewheel::calendar::Zone;
use chimewheel::config::{Config, Surroundings};
use chimewheel::spec::tree::Node;
use chimewheel::spec::{Context, Schedule, read, validate_reading};
use chimewheel::surface::import::heartbeat::declared;
use chimewheel::time::Timestamp;
use expect_test::{Expect, expect};
use serde_json::Value;

/// The schedule of a prompt, as the daemon would declare it at that time under a config of Berlin.
fn schedule(interval: &str, hours: &str, now: &str) -> Schedule {
    let around =
        Surroundings { base: Path::new(""), home: None, zone: &|_| Ok(()), filter: &|_| Ok(()), tool: &|_| Ok(()) };
    let text = format!(
        "[heartbeat]\nfile = \"h\"\ninterval = \"{interval}\"\nmodel = \"echo/x\"\ninject_into = \"console_me\"\n{hours}"
    );
    let config = Config::read(&text, around).unwrap();
    let brought = declared("h", "Do it.", &config.heartbeat);
    let written = Value::Object(brought.items[0].schedule.clone());
    let gateways = ["console".to_owned()];
    let context = Context {
        default_zone: Zone::parse("Europe/Berlin").unwrap(),
        gateways: &gateways,
        routing: &config.routing,
        ..Context::new(Timestamp::parse_rfc3339(now).unwrap())
    };
    validate_reading(&read(&Node::from_json(&written), ""), &context).unwrap().schedule
}

/// The dues between two times, on the clock of the schedule's zone, a line a day.
fn check(interval: &str, hours: &str, [from, until]: [&str; 2], expected: Expect) {
    let schedule = schedule(interval, hours, from);
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
    let (mut after, mut told) = (at(from), String::new());
    while let Some(due) = schedule.next_after(after).filter(|due| *due < at(until)) {
        let shown = schedule.zone.format(due);
        let (day, time) = shown.split_at(10);
        if !told.contains(day) {
            told += &format!("\n{day}");
        }
        told += &format!(" {}", &time[1..6]);
        after = due;
    }
    expected.assert_eq(told.trim_start());
}

#[test]
fn hours_of_a_day() {
    let hours = "active_hours = {start = \"08:00\", end = \"12:00\"}";
    check(
        "1h",
        hours,
        ["2027-01-10T09:30:00+01:00", "2027-01-12T00:00:00+01:00"],
        expect![[r#"
        2027-01-10 10:00 11:00
        2027-01-11 08:00 09:00 10:00 11:00"#]],
    );
}

#[test]
fn hours_until_the_end_of_the_day() {
    let hours = "active_hours = {start = \"20:00\", end = \"24:00\"}";
    check(
        "1h",
        hours,
        ["2027-01-10T09:30:00+01:00", "2027-01-11T22:00:00+01:00"],
        expect![[r#"
        2027-01-10 20:00 21:00 22:00 23:00
        2027-01-11 20:00 21:00"#]],
    );
    let all = "active_hours = {start = \"00:00\", end = \"24:00\"}";
    check(
        "8h",
        all,
        ["2027-01-10T09:30:00+01:00", "2027-01-12T00:00:00+01:00"],
        expect![[r#"
        2027-01-10 16:00
        2027-01-11 00:00 08:00 16:00"#]],
    );
}

#[test]
fn hours_over_midnight_when_the_clocks_go_forward_and_back() {
    let hours = "active_hours = {start = \"22:00\", end = \"04:00\"}";
    check(
        "1h",
        hours,
        ["2027-03-27T12:00:00Z", "2027-03-29T12:00:00Z"],
        expect![[r#"
        2027-03-27 22:00 23:00
        2027-03-28 00:00 01:00 03:00 22:00 23:00
        2027-03-29 00:00 01:00 02:00 03:00"#]],
    );
    check(
        "1h",
        hours,
        ["2027-10-30T12:00:00Z", "2027-11-01T12:00:00Z"],
        expect![[r#"
        2027-10-30 22:00 23:00
        2027-10-31 00:00 01:00 02:00 02:00 03:00 22:00 23:00
        2027-11-01 00:00 01:00 02:00 03:00"#]],
    );
}

#[test]
fn hours_of_another_zone() {
    let hours = "active_hours = {start = \"08:00\", end = \"10:00\", timezone = \"America/New_York\"}";
    check(
        "30m",
        hours,
        ["2027-03-13T00:00:00Z", "2027-03-15T00:00:00Z"],
        expect![[r#"
        2027-03-13 08:00 08:30 09:00 09:30
        2027-03-14 08:00 08:30 09:00 09:30"#]],
    );
}

#[test]
fn a_long_interval_meets_the_active_hours_whenever_it_was_declared() {
    let hours = "active_hours = {start = \"08:00\", end = \"22:00\"}";
    check(
        "1d",
        hours,
        ["2027-03-26T23:30:00+01:00", "2027-03-30T00:00:00+02:00"],
        expect![[r#"
        2027-03-27 08:00
        2027-03-28 09:00
        2027-03-29 09:00"#]],
    );
}
