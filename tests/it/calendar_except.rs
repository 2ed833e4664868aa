//! Exclusions against the plain reading of a wall clock, second by second around every change of it.

use std::sync::Arc;

use chimewheel::calendar::{Cron, DialectChoice, Except, Trigger, Zone};
use chimewheel::time::{Span, Timestamp};
use expect_test::{Expect, expect};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn except(entries: &[&str], zone: Zone) -> Except {
    let texts: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
    Except::read(&texts, zone).unwrap()
}

/// What an entry covers, told once more: by the text of the wall clock.
fn is_covered(entry: &str, zone: Zone, at: Timestamp) -> bool {
    const NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let local = zone.local(at);
    let date = format!("{:04}-{:02}-{:02}", local.year, local.month, local.day);
    let time = format!("{:02}:{:02}", local.hour, local.minute);
    let (days, hours) = match entry.split_once(' ') {
        Some((days, hours)) => (days, Some(hours)),
        None if entry.contains(':') => ("SUN,MON,TUE,WED,THU,FRI,SAT", Some(entry)),
        None => (entry, None),
    };
    if days.starts_with('2') {
        let (first, last) = days.split_once("..").unwrap_or((days, days));
        return first <= date.as_str() && date.as_str() <= last;
    }
    let names: Vec<&str> = days.split(',').collect();
    let (today, yesterday) = (NAMES[local.weekday as usize], NAMES[(local.weekday as usize + 6) % 7]);
    match hours.map(|hours| hours.split_once('-').unwrap()) {
        None => names.contains(&today),
        Some((from, to)) if from < to => names.contains(&today) && from <= time.as_str() && time.as_str() < to,
        Some((from, to)) => {
            (names.contains(&today) && from <= time.as_str()) || (names.contains(&yesterday) && time.as_str() < to)
        }
    }
}

#[test]
fn covered_is_what_the_wall_clock_says_through_every_change_of_it() {
    let lists: [&[&str]; 5] = [
        &["22:00-07:00"],
        &["SAT,SUN", "2026-03-27..2026-03-28"],
        &["02:00-03:00", "2026-10-25"],
        &["SAT 23:30-02:15", "01:45-02:30"],
        &["SUN,MON 00:00-24:00", "12:00-11:00"],
    ];
    let changes = [
        ("Europe/Berlin", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-10-25T01:00:00Z"),
        ("America/New_York", "2026-11-01T06:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
        ("America/Havana", "2026-03-08T05:00:00Z"),
        // This day did not exist.
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ];
    let step = Span::from_seconds(150);
    for (zone, change) in changes {
        let zone = Zone::parse(zone).unwrap();
        for list in lists {
            let except = except(list, zone);
            let (begin, end) =
                (at(change).minus(Span::from_seconds(4 * 86_400)), at(change).plus(Span::from_seconds(4 * 86_400)));
            let walk: Vec<Timestamp> =
                std::iter::successors(Some(begin), |at| Some(at.plus(step))).take_while(|at| *at < end).collect();
            let told: Vec<bool> =
                walk.iter().map(|at| list.iter().any(|entry| is_covered(entry, zone, *at))).collect();
            for (place, &at) in walk.iter().enumerate() {
                assert_eq!(except.covers(at), told[place], "{list:?} in {zone} at {at}");
                // All ends lie on the walk, or half a step beside it.
                for (found, wanted) in [(except.free_from(at), false), (except.covered_from(at), true)] {
                    let next = (place..walk.len()).find(|next| told[*next] == wanted).map(|next| walk[next]);
                    let Some(next) = next else { continue };
                    let found = found.unwrap();
                    assert!(
                        found >= at && found <= next && next.since(found) < step,
                        "{list:?} in {zone} from {at}: {found}, not {next}"
                    );
                    assert_eq!(except.covers(found), wanted, "{list:?} in {zone} from {at}");
                    assert!(found == at || except.covers(found.minus(Span::from_millis(1))) != wanted);
                }
            }
            let stretches: Vec<_> = except.stretches(begin, end).collect();
            assert_eq!((stretches[0].after, stretches[stretches.len() - 1].until), (begin, end));
            for pair in stretches.windows(2) {
                assert_eq!(pair[0].until, pair[1].after);
                assert_ne!(pair[0].covered, pair[1].covered);
            }
        }
    }
}

#[test]
fn the_next_due_that_counts_is_the_first_of_the_walk_that_is_not_covered() {
    let zone = Zone::parse("Europe/Berlin").unwrap();
    let except = except(&["SAT,SUN", "22:00-07:00", "2026-03-30"], zone);
    for pattern in ["*/20 * * * *", "30 2 * * *", "0 9 * * *", "15 6,7 * * MON"] {
        let cron = Trigger::Cron(Arc::new(Cron::parse(pattern, DialectChoice::Auto, zone).unwrap()));
        let mut after = at("2026-03-20T00:00:00Z");
        for _ in 0..40 {
            let walk = std::iter::successors(cron.next_after(after), |due| cron.next_after(*due)).take(20_000);
            let wanted = walk.into_iter().find(|due| !except.covers(*due));
            assert_eq!(cron.next_free(Some(&except), after), wanted, "{pattern} after {after}");
            let Some(next) = wanted else { break };
            after = next;
        }
    }
}

#[test]
fn what_never_ends_is_found_out_at_once() {
    let utc = |entries| except(entries, Zone::UTC);
    let every = Trigger::Every { period: Span::from_seconds(1), anchor: Timestamp::EPOCH };
    let now = at("2026-01-01T00:00:00Z");
    assert_eq!(every.next_free(Some(&utc(&["MON-SUN"])), now), None);
    assert_eq!(every.next_free(Some(&utc(&["00:00-12:00", "12:00-24:00"])), now), None);
    assert_eq!(every.next_free(Some(&utc(&["2026-01-01..2199-12-31"])), now), None);
    assert_eq!(utc(&["2020-01-01"]).covered_from(now), None);
    let saturdays = Trigger::Cron(Arc::new(Cron::parse("0 9 * * SAT", DialectChoice::Auto, Zone::UTC).unwrap()));
    assert_eq!(saturdays.next_free(Some(&utc(&["SAT,SUN"])), now), None);
}

fn told(entry: &str, expect: Expect) {
    let told = match Except::read(&[entry.to_owned()], Zone::UTC) {
        Ok(except) => except.describe(),
        Err(errors) => format!("{}: {}", errors[0].1.message, errors[0].1.hint.as_deref().unwrap_or_default()),
    };
    expect.assert_eq(&told);
}

#[test]
fn each_form_is_told_in_english_and_each_mistake_with_what_to_write() {
    told("2026-12-24", expect!["except 2026-12-24"]);
    told("2026-12-24..2026-12-26", expect!["except 2026-12-24 through 2026-12-26"]);
    told("sat,sun", expect!["except Saturday and Sunday"]);
    told("sat, sun", expect!["except Saturday and Sunday"]);
    told("Fri-Mon", expect!["except Friday through Monday"]);
    told("22:00-07:00", expect!["except 22:00 to 07:00"]);
    told("mon-fri 18:00-24:00", expect!["except Monday through Friday 18:00 to 24:00"]);
    told(
        "2026-12-26..2026-12-24",
        expect![
            "ends before it begins: 2026-12-24 is before 2026-12-26: write a date 2026-12-24, dates 2026-12-24..2026-12-26, weekdays SAT,SUN, hours 22:00-07:00, or weekdays with hours, MON-FRI 22:00-07:00"
        ],
    );
    told("2026-02-30", expect!["there is no 2026-02-30: write a date of the calendar"]);
    told(
        "26-12-24",
        expect![
            "'26-12-24' is not a date: write a date 2026-12-24, dates 2026-12-24..2026-12-26, weekdays SAT,SUN, hours 22:00-07:00, or weekdays with hours, MON-FRI 22:00-07:00"
        ],
    );
    told("Saturday", expect!["'Saturday' is not a weekday: did you mean SAT?"]);
    told("22:00-22:00", expect!["'22:00-22:00' ends when it begins: for whole days leave the hours out"]);
    told("7:00-9:00", expect!["'7:00-9:00' are no hours of a day: write for example 22:00-07:00"]);
    told("24:00-07:00", expect!["'24:00-07:00' are no hours of a day: write for example 22:00-07:00"]);
    told(
        "2026-12-24 18:00-20:00",
        expect![
            "is no exclusion: write a date 2026-12-24, dates 2026-12-24..2026-12-26, weekdays SAT,SUN, hours 22:00-07:00, or weekdays with hours, MON-FRI 22:00-07:00"
        ],
    );
    told(
        "christmas",
        expect![
            "'christmas' is not a weekday: write a date 2026-12-24, dates 2026-12-24..2026-12-26, weekdays SAT,SUN, hours 22:00-07:00, or weekdays with hours, MON-FRI 22:00-07:00"
        ],
    );
    told(
        "",
        expect![
            "is no exclusion: write a date 2026-12-24, dates 2026-12-24..2026-12-26, weekdays SAT,SUN, hours 22:00-07:00, or weekdays with hours, MON-FRI 22:00-07:00"
        ],
    );
}

#[test]
fn several_entries_are_told_as_one_list() {
    let list = except(&["2026-12-24..2026-12-26", "SAT,SUN", "22:00-07:00"], Zone::UTC);
    expect!["except 2026-12-24 through 2026-12-26, Saturday and Sunday, and 22:00 to 07:00"]
        .assert_eq(&list.describe());
    expect!["except 2026-12-24 and Friday"].assert_eq(&except(&["2026-12-24", "FRI"], Zone::UTC).describe());
}
