//! Zones: names, the wall clock, and times read in a zone.
//!
//! Units: RFC 3339 for instants. Oracle: chrono with chrono-tz.
//! Not here: patterns in zones (`calendar_dst`).
//! Source: the IANA database built into the program.

use chimewheel::calendar::{Zone, ZoneError};
use chimewheel::time::Timestamp;

use crate::calendar::at;

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn names_are_read_in_any_case() {
    for (given, name) in
        [("europe/berlin", "Europe/Berlin"), ("UTC", "UTC"), ("utc", "UTC"), ("PACIFIC/apia", "Pacific/Apia")]
    {
        assert_eq!(zone(given).name(), name);
    }
}

#[test]
fn a_wrong_name_finds_its_neighbour() {
    for (given, suggestion) in [
        ("Europe/Berlim", Some("Europe/Berlin")),
        ("Berlin", Some("Europe/Berlin")),
        ("new york", Some("America/New_York")),
        ("America/NewYork", Some("America/New_York")),
        ("Mars/Olympus_Mons", None),
        ("", None),
    ] {
        let expected = ZoneError { name: given.to_owned(), suggestion: suggestion.map(str::to_owned) };
        assert_eq!(Zone::parse(given), Err(expected));
    }
}

#[test]
fn times_are_written_with_their_offset() {
    for (name, instant, text) in [
        ("UTC", "2026-01-30T16:00:00Z", "2026-01-30T16:00:00Z"),
        ("Europe/Berlin", "2026-01-30T16:00:00Z", "2026-01-30T17:00:00+01:00"),
        ("Europe/London", "2026-01-30T16:00:00.25Z", "2026-01-30T16:00:00.250+00:00"),
        ("America/St_Johns", "2026-07-01T00:00:00.007Z", "2026-06-30T21:30:00.007-02:30"),
        ("Asia/Kathmandu", "1969-12-31T23:59:59.5Z", "1970-01-01T05:29:59.500+05:30"),
    ] {
        assert_eq!(zone(name).format(at(instant)), text);
        assert_eq!(at(text), at(instant));
    }
    assert_eq!(zone("Europe/Berlin").format_civil(at("2026-01-30T16:00:00Z")), "2026-01-30 17:00:00");
    assert_eq!(zone("Pacific/Apia").weekday_name(at("2026-01-30T16:00:00Z")), "Saturday");
}

#[test]
fn civil_times_are_read_in_their_zone() {
    for (text, instant) in [
        ("2026-01-30 16:00", Some("2026-01-30T15:00:00Z")),
        ("2026-01-30T16:00:00", Some("2026-01-30T15:00:00Z")),
        (" 2026-07-30t16:00:05.5 ", Some("2026-07-30T14:00:05.500Z")),
        ("2026-07-30 16:00:05.0001", Some("2026-07-30T14:00:05.001Z")),
        // The gap of 2026-03-29 ends at 01:00 UTC; of the overlap of 2026-10-25 the first pass counts.
        ("2026-03-29 02:30:59.9", Some("2026-03-29T01:00:00Z")),
        ("2026-03-29 03:00", Some("2026-03-29T01:00:00Z")),
        ("2026-10-25 02:30", Some("2026-10-25T00:30:00Z")),
        ("1950-01-01 00:00", Some("1949-12-31T23:00:00Z")),
        ("2024-02-29 00:00", Some("2024-02-28T23:00:00Z")),
        ("2026-02-29 00:00", None),
        ("2026-01-30", None),
        ("2026-01-30 24:00", None),
        ("2026-01-30 23:59:60", None),
        ("2026-1-30 16:00", None),
        ("2026-01-30 16:00+01:00", None),
        ("2026-01-30 16:00:00Z", None),
        ("tomorrow 16:00", None),
        ("+026-01-30 16:00", None),
    ] {
        assert_eq!(zone("Europe/Berlin").parse_local(text), instant.map(at), "{text}");
    }
    let lost = zone("Pacific/Apia").parse_local("2011-12-30 12:00");
    assert_eq!(lost, Some(at("2011-12-31T00:00:00+14:00")));
}

#[test]
fn fields_agree_with_what_is_written() {
    let mut instant = -3_000_000_000_123;
    while instant < 7_258_118_400_000 {
        let at = Timestamp::from_millis(instant);
        for name in ["UTC", "America/New_York", "Pacific/Chatham", "Africa/Casablanca"] {
            let (zone, local) = (zone(name), zone(name).local(at));
            let text = zone.format(at);
            let date = format!("{:04}-{:02}-{:02}", local.year, local.month, local.day);
            let time = format!("{:02}:{:02}:{:02}", local.hour, local.minute, local.second);
            assert!(text.starts_with(&format!("{date}T{time}")), "{text} is not {local:?}");
            // Offsets of whole minutes are all there are after 1972.
            if instant > 100_000_000_000 {
                assert_eq!(Timestamp::parse_rfc3339(&text), Some(at));
            }
        }
        instant += 7_777_777_777;
    }
}
