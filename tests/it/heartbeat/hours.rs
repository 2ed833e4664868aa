//! Active hours: the dues of a prompt's schedule on days of every kind.

use std::path::Path;

use chimewheel::calendar::{Cron, DialectChoice, Except, Zone};
use chimewheel::config::{Config, Surroundings};
use chimewheel::spec::tree::Node;
use chimewheel::spec::{Context, Schedule, read, validate_reading};
use chimewheel::surface::import::heartbeat::declared;
use chimewheel::time::{Span, Timestamp};
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
fn dues(interval: &str, hours: &str, [from, until]: [&str; 2]) -> String {
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
    told.trim_start().to_owned()
}

fn check(interval: &str, hours: &str, times: [&str; 2], expected: Expect) {
    expected.assert_eq(&dues(interval, hours, times));
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
fn a_long_interval_is_run_once_a_day_when_the_hours_begin() {
    let hours = "active_hours = {start = \"08:00\", end = \"22:00\"}";
    for interval in ["1d", "14h", "20h", "24h"] {
        let told = dues(interval, hours, ["2027-03-26T23:30:00+01:00", "2027-03-30T00:00:00+02:00"]);
        assert_eq!(told, "2027-03-27 08:00\n2027-03-28 08:00\n2027-03-29 08:00", "{interval}");
    }
}

#[test]
fn a_day_begins_at_the_same_time_in_summer_and_winter_on_both_hemispheres() {
    let hours = |zone: &str| format!("active_hours = {{start = \"08:00\", end = \"22:00\", timezone = \"{zone}\"}}");
    for (from, until) in
        [("2027-04-02T00:00:00Z", "2027-04-05T12:00:00Z"), ("2027-10-01T12:00:00Z", "2027-10-04T00:00:00Z")]
    {
        let told = dues("24h", &hours("Australia/Sydney"), [from, until]);
        assert!(told.lines().count() == 3 && told.lines().all(|line| line.ends_with(" 08:00")), "{told}");
    }
    check(
        "5h",
        &hours("Australia/Sydney"),
        ["2027-04-03T00:00:00Z", "2027-04-05T00:00:00Z"],
        expect![[r#"
        2027-04-03 13:00 18:00
        2027-04-04 08:00 13:00 18:00
        2027-04-05 08:00"#]],
    );
    check(
        "5h",
        &hours("Australia/Sydney"),
        ["2027-10-02T00:00:00Z", "2027-10-04T00:00:00Z"],
        expect![[r#"
        2027-10-02 13:00 18:00
        2027-10-03 08:00 13:00 18:00
        2027-10-04 08:00"#]],
    );
    check(
        "5h",
        &hours("Europe/Berlin"),
        ["2027-03-27T00:00:00Z", "2027-03-29T12:00:00Z"],
        expect![[r#"
        2027-03-27 08:00 13:00 18:00
        2027-03-28 08:00 13:00 18:00
        2027-03-29 08:00 13:00"#]],
    );
    check(
        "5h",
        &hours("Europe/Berlin"),
        ["2027-10-30T00:00:00Z", "2027-11-01T12:00:00Z"],
        expect![[r#"
        2027-10-30 08:00 13:00 18:00
        2027-10-31 08:00 13:00 18:00
        2027-11-01 08:00"#]],
    );
}

#[test]
fn what_divides_no_hour_is_counted_from_the_beginning_of_every_day() {
    let day = ["2027-01-10T00:00:00+01:00", "2027-01-12T00:00:00+01:00"];
    check(
        "90m",
        "active_hours = {start = \"08:10\", end = \"13:00\"}",
        day,
        expect![[r#"
        2027-01-10 08:10 09:40 11:10 12:40
        2027-01-11 08:10 09:40 11:10 12:40"#]],
    );
    check(
        "45m",
        "active_hours = {start = \"22:30\", end = \"01:00\"}",
        day,
        expect![[r#"
        2027-01-10 00:45 22:30 23:15
        2027-01-11 00:00 00:45 22:30 23:15"#]],
    );
    check(
        "7m",
        "active_hours = {start = \"23:50\", end = \"00:20\"}",
        day,
        expect![[r#"
        2027-01-10 00:04 00:11 00:18 23:50 23:57
        2027-01-11 00:04 00:11 00:18 23:50 23:57"#]],
    );
    check(
        "20m",
        "active_hours = {start = \"08:50\", end = \"09:31\"}",
        day,
        expect![[r#"
        2027-01-10 08:50 09:10 09:30
        2027-01-11 08:50 09:10 09:30"#]],
    );
    check(
        "5h",
        "active_hours = {start = \"00:00\", end = \"24:00\"}",
        day,
        expect![[r#"
        2027-01-10 05:00 10:00 15:00 20:00
        2027-01-11 00:00 05:00 10:00 15:00 20:00"#]],
    );
    check(
        "20s",
        "active_hours = {start = \"08:50\", end = \"08:52\"}",
        day,
        expect![[r#"
        2027-01-10 08:50 08:50 08:50 08:51 08:51 08:51
        2027-01-11 08:50 08:50 08:50 08:51 08:51 08:51"#]],
    );
}

#[test]
fn every_interval_is_counted_or_refused() {
    let around =
        Surroundings { base: Path::new(""), home: None, zone: &|_| Ok(()), filter: &|_| Ok(()), tool: &|_| Ok(()) };
    let zone = Zone::parse("UTC").unwrap();
    let day = Timestamp::parse_rfc3339("2027-01-10T00:00:00Z").unwrap();
    for (start, end) in [(480, 1320), (0, 1440), (1330, 245), (545, 560)] {
        let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let length = (end + 1439 - start) % 1440 + 1;
        for minutes in (1..1440).step_by(7).chain([10, 15, 20, 30, 45, 60, 90, 120, 1440]) {
            let text = format!("[heartbeat.active_hours]\nstart = \"{}\"\nend = \"{}\"\n", clock(start), clock(end));
            let hours = Config::read(&text, around).unwrap().heartbeat.active_hours.unwrap();
            let Ok(times) = hours.times(Span::from_seconds(60 * u64::from(minutes))) else {
                assert!(!60_u32.is_multiple_of(minutes) && !minutes.is_multiple_of(60), "{minutes} is refused");
                continue;
            };
            let cron = Cron::parse(&times.cron, DialectChoice::Quartz, zone).unwrap();
            let except = Except::read(&times.except, zone).unwrap();
            let (mut counted, mut after) = (Vec::new(), day.minus(Span::from_millis(1)));
            while let Some(due) = cron.next_after(after).filter(|due| due.since(day) < Span::from_seconds(86_400)) {
                if !except.covers(due) {
                    counted.push((due.since(day).as_millis() / 60_000) as u32);
                }
                after = due;
            }
            let mut wanted: Vec<u32> =
                (0..length).step_by(minutes as usize).map(|after| (start + after) % 1440).collect();
            wanted.sort_unstable();
            assert_eq!(counted, wanted, "{minutes} from {start} to {end}: {times:?}");
        }
    }
}

#[test]
fn an_interval_that_active_hours_cannot_have_is_refused_and_keeps_what_was_declared() {
    let of = |interval: &str| {
        let text = format!(
            "[heartbeat]\nfile = \"h\"\ninterval = \"{interval}\"\ninject_into = \"console_me\"\n\
             active_hours = {{start = \"08:00\", end = \"22:00\"}}"
        );
        let around = Surroundings {
            base: Path::new(""),
            home: None,
            zone: &|_| Ok(()),
            filter: &|_| Ok(()),
            tool: &|_| Ok(()),
        };
        let config = Config::read(&text, around).unwrap();
        let brought = declared("h", "Do it.", &config.heartbeat);
        let refused = brought.refused.iter().map(|one| format!("{}: {}\n", one.id.as_deref().unwrap(), one.why));
        let noticed = config.notices.iter().map(|notice| format!("# {}: {}\n", notice.path, notice.message));
        format!("{}{}", refused.collect::<String>(), noticed.collect::<String>())
    };
    let told = ["2d", "90s", "7m"].map(of).concat();
    expect![[r#"
        heartbeat-md: heartbeat.interval: is longer than a day, which active_hours cannot have (given '2d'; leave active_hours out, or write a section with '- Cron:' into the file)
        # heartbeat.interval: is longer than a day, which active_hours cannot have (given '2d'; leave active_hours out, or write a section with '- Cron:' into the file)
        heartbeat-md: heartbeat.interval: is not whole minutes, which active_hours need (given '1m 30s'; such as 30s, 1m or 30m)
        # heartbeat.interval: is not whole minutes, which active_hours need (given '1m 30s'; such as 30s, 1m or 30m)
        heartbeat-md: heartbeat.interval: makes too many times of the day for active_hours (given '7m'; such as 15m, 30m, 45m or whole hours)
        # heartbeat.interval: makes too many times of the day for active_hours (given '7m'; such as 15m, 30m, 45m or whole hours)
    "#]].assert_eq(&told);
}
