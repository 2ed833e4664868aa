//! Clock changes: the same shapes in both dialects.
//!
//! Units: wall-clock times with their offset. The Quartz form of each pattern is written beside the Unix one.
//! Not here: the facts' own clock changes (`calendar`), generated ones (`calendar_walk`).
//! Source: Debian's cron; RELIABILITY section 5.2 (New York, Berlin), Pacific/Apia's lost day in 2011.

use chimewheel::calendar::Zone;
use chimewheel::time::{Span, Timestamp};

use crate::calendar::{at, cron, dues};

/// Checks that the pattern is due at `expected` after `from`, in both dialects, and from every instant between.
fn check(unix: &str, quartz: &str, zone: &str, from: &str, expected: &[&str]) {
    for text in [unix, quartz] {
        let (cron, from) = (cron(text, zone), at(from));
        assert_eq!(dues(&cron, from, expected.len()), expected, "{text} in {zone}");
        let instants: Vec<Timestamp> = expected.iter().map(|due| at(due)).collect();
        let last = instants[instants.len() - 1];
        let mut start = from;
        while start < last {
            let next = instants.iter().find(|due| **due > start).copied();
            assert_eq!(cron.next_after(start), next, "{text} in {zone} after {start}");
            let earlier = instants.iter().filter(|due| **due <= start);
            assert_eq!(cron.latest_in(from, start), earlier.clone().max().copied(), "{text} in {zone} upto {start}");
            assert_eq!(cron.count_in(from, start), earlier.count() as u64, "{text} in {zone} upto {start}");
            start = start.plus(Span::from_seconds(457));
        }
    }
}

#[test]
fn whole_hour_gap() {
    let (zone, from) = ("America/New_York", "2025-03-08T12:00:00-05:00");
    let once = ["2025-03-09T03:00:00-04:00", "2025-03-10T02:30:00-04:00"];
    check("30 2 * * *", "0 30 2 * * ?", zone, from, &once);
    let collapsed = ["2025-03-09T03:00:00-04:00", "2025-03-10T02:15:00-04:00", "2025-03-10T02:45:00-04:00"];
    check("15,45 2 * * *", "0 15,45 2 * * ?", zone, from, &collapsed);
    let merged = ["2025-03-09T03:00:00-04:00", "2025-03-10T02:00:00-04:00", "2025-03-10T03:00:00-04:00"];
    check("0 2,3 * * *", "0 0 2,3 * * ?", zone, from, &merged);
    let skipped = ["2025-03-10T02:00:00-04:00", "2025-03-10T02:20:00-04:00", "2025-03-10T02:40:00-04:00"];
    check("*/20 2 * * *", "0 0/20 2 * * ?", zone, from, &skipped);
    let cadence = ["2025-03-09T01:30:00-05:00", "2025-03-09T03:00:00-04:00", "2025-03-09T03:30:00-04:00"];
    check("*/30 * * * *", "0 */30 * * * ?", zone, "2025-03-09T01:10:00-05:00", &cadence);
}

#[test]
fn whole_hour_overlap() {
    let (zone, from) = ("Europe/Berlin", "2025-10-25T12:00:00+02:00");
    let once = ["2025-10-26T02:30:00+02:00", "2025-10-27T02:30:00+01:00"];
    check("30 2 * * *", "0 30 2 * * ?", zone, from, &once);
    let list = ["2025-10-26T02:15:00+02:00", "2025-10-26T02:45:00+02:00", "2025-10-27T02:15:00+01:00"];
    check("15,45 2 * * *", "0 15,45 2 * * ?", zone, from, &list);
    let edge = ["2025-10-26T02:00:00+02:00", "2025-10-26T03:00:00+01:00", "2025-10-27T02:00:00+01:00"];
    check("0 2,3 * * *", "0 0 2,3 * * ?", zone, from, &edge);
    let both = [
        "2025-10-26T02:00:00+02:00",
        "2025-10-26T02:30:00+02:00",
        "2025-10-26T02:00:00+01:00",
        "2025-10-26T02:30:00+01:00",
        "2025-10-26T03:00:00+01:00",
    ];
    check("*/30 * * * *", "0 0/30 * * * ?", zone, "2025-10-26T01:40:00+02:00", &both);
    let twice = ["2025-10-26T02:59:00+02:00", "2025-10-26T02:59:00+01:00", "2025-10-26T04:59:00+01:00"];
    check("59 */2 26,27 10 *", "0 59 */2 26,27 10 ?", zone, "2025-10-26T00:59:00+02:00", &twice);
}

#[test]
fn half_hour_changes() {
    let zone = "Australia/Lord_Howe";
    let gap = ["2025-10-05T02:30:00+11:00", "2025-10-06T02:10:00+11:00"];
    check("10 2 * * *", "0 10 2 * * ?", zone, "2025-10-04T12:00:00+10:30", &gap);
    let cadence = ["2025-10-05T01:45:00+10:30", "2025-10-05T02:30:00+11:00", "2025-10-05T02:45:00+11:00"];
    check("*/15 * * * *", "0 */15 * * * ?", zone, "2025-10-05T01:40:00+10:30", &cadence);
    let overlap = ["2025-04-06T01:45:00+11:00", "2025-04-07T01:45:00+10:30"];
    check("45 1 * * *", "0 45 1 * * ?", zone, "2025-04-05T12:00:00+11:00", &overlap);
    let both = ["2025-04-06T01:45:00+11:00", "2025-04-06T01:45:00+10:30", "2025-04-06T02:45:00+10:30"];
    check("45 * * * *", "0 45 * * * ?", zone, "2025-04-06T01:00:00+11:00", &both);
}

#[test]
fn zones_of_forty_five_minutes() {
    let chatham = ["2025-09-28T03:45:00+13:45", "2025-09-29T03:00:00+13:45"];
    check("0 3 * * *", "0 0 3 * * ?", "Pacific/Chatham", "2025-09-27T00:00:00Z", &chatham);
    let first = ["2025-04-06T03:00:00+13:45", "2025-04-07T03:00:00+12:45"];
    check("0 3 * * *", "0 0 3 * * ?", "Pacific/Chatham", "2025-04-05T00:00:00Z", &first);
    let nepal = ["2026-01-01T00:00:00+05:45", "2026-01-01T00:45:00+05:45", "2026-01-01T01:00:00+05:45"];
    check("*/45 * * * *", "0 0/45 * * * ?", "Asia/Kathmandu", "2025-12-31T18:14:59Z", &nepal);
    // 1986-01-01 began fifteen minutes late when Nepal left +05:30.
    let moved = ["1986-01-01T00:15:00+05:45", "1986-01-02T00:00:00+05:45"];
    check("0 0 * * *", "0 0 0 * * ?", "Asia/Kathmandu", "1985-12-31T12:00:00+05:30", &moved);
}

#[test]
fn a_whole_day_is_lost() {
    let (zone, from) = ("Pacific/Apia", "2011-12-29T00:00:00-10:00");
    let daily = ["2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"];
    check("0 9 * * *", "0 0 9 * * ?", zone, from, &daily);
    let midnight = ["2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"];
    check("0 0 * * *", "0 0 0 * * ?", zone, from, &midnight);
    let dated = ["2011-12-31T00:00:00+14:00", "2012-12-30T09:00:00+14:00"];
    check("0 9 30 12 *", "0 0 9 30 12 ?", zone, from, &dated);
    let hourly = ["2011-12-29T23:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T01:00:00+14:00"];
    check("0 * * * *", "0 0 * * * ?", zone, "2011-12-29T22:00:00-10:00", &hourly);
}

#[test]
fn midnight_in_a_gap_keeps_its_day() {
    let cairo = ["2025-04-25T01:00:00+03:00", "2025-05-02T00:00:00+03:00"];
    check("0 0 * * 5", "0 0 0 ? * 6", "Africa/Cairo", "2025-04-20T00:00:00+02:00", &cairo);
    let paulo = ["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"];
    check("0 0 * * *", "0 0 0 * * ?", "America/Sao_Paulo", "2018-11-03T12:00:00-03:00", &paulo);
}

#[test]
fn a_fixed_daily_time_is_due_once_a_day_everywhere() {
    for zone in Zone::all() {
        let (from, until) = (at("2023-06-01T00:00:00Z"), at("2026-06-01T00:00:00Z"));
        for text in ["30 2 * * *", "0 0 0 * * ?"] {
            let cron = cron(text, zone.name());
            let (mut after, mut found) = (from, 0);
            while let Some(due) = cron.next_after(after).filter(|due| *due <= until) {
                let hours = due.since(after).as_millis() / 3_600_000;
                // A run moved out of a gap that ends at midnight falls on the next date, still a day apart.
                assert!(found == 0 || (20..=28).contains(&hours), "{text} in {zone}: {hours} hours before {due}");
                (after, found) = (due, found + 1);
            }
            assert!((1095..=1097).contains(&found), "{text} in {zone} is due {found} times in 1096 days");
            assert_eq!(cron.count_in(from, until), found, "{text} in {zone}");
        }
    }
}

#[test]
fn noon_is_noon_in_zones_with_irregular_histories() {
    for name in [
        "Africa/Cairo",
        "Africa/Casablanca",
        "America/Argentina/Tucuman",
        "America/Boa_Vista",
        "America/Nuuk",
        "Antarctica/Casey",
        "Asia/Gaza",
        "Asia/Pyongyang",
        "Europe/Volgograd",
    ] {
        let (cron, mut after) = (cron("0 12 * * *", name), at("1975-01-01T00:00:00Z"));
        while let Some(due) = cron.next_after(after).filter(|due| *due < at("2105-01-01T00:00:00Z")) {
            let local = cron.zone().local(due);
            assert_eq!((local.hour, local.minute), (12, 0), "{due} in {name}");
            after = due;
        }
    }
}
