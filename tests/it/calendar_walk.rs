//! Generated patterns against a plain walk over every instant, matched by a second, slow matcher.
//!
//! Units: UTC minutes or seconds walked one by one; civil fields from chrono. The slow matcher never sees our sets:
//! each generated term carries its text and its own test of a date or a number.
//! Not here: facts from elsewhere (`calendar`), single clock changes (`calendar_dst`).
//! Source: the definition of a due in DESIGN section 5, followed literally.

use std::sync::Arc;

use chimewheel::calendar::{Cron, DialectChoice, Trigger, Zone};
use chimewheel::time::{Span, Timestamp};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Timelike, Weekday};
use proptest::prelude::*;
use proptest::sample::select;

use crate::calendar::at;

/// Instants one day before clock changes of every kind, and a quiet one.
const CHANGES: [(&str, &str); 16] = [
    ("UTC", "2026-02-27T00:00:00Z"),
    ("America/New_York", "2025-03-08T07:00:00Z"),
    ("America/New_York", "2025-11-01T06:00:00Z"),
    ("Europe/Berlin", "2025-03-29T01:00:00Z"),
    ("Europe/Berlin", "2025-10-25T01:00:00Z"),
    ("Australia/Lord_Howe", "2025-10-03T15:30:00Z"),
    ("Australia/Lord_Howe", "2025-04-04T15:00:00Z"),
    ("Pacific/Chatham", "2025-09-26T14:00:00Z"),
    ("Pacific/Chatham", "2025-04-04T14:00:00Z"),
    ("Antarctica/Troll", "2025-03-29T01:00:00Z"),
    ("Antarctica/Troll", "2025-10-25T01:00:00Z"),
    ("Pacific/Apia", "2011-12-29T10:00:00Z"),
    ("America/Sao_Paulo", "2018-11-03T03:00:00Z"),
    ("Africa/Casablanca", "2025-02-22T02:00:00Z"),
    ("Europe/Dublin", "2025-10-25T01:00:00Z"),
    ("Africa/Cairo", "2025-10-29T21:00:00Z"),
];

/// A zone and an instant near which to walk: mostly one of the changes above, else anything with offsets of whole
/// minutes, which the last zone took up in 1972.
fn place() -> impl Strategy<Value = (&'static str, Timestamp)> {
    let names: Vec<&'static str> = Zone::all().map(Zone::name).collect();
    let anywhere = (select(names), 1_753_000..68_000_000i64)
        .prop_map(|(name, minutes)| (name, Timestamp::from_seconds(minutes * 60)));
    prop_oneof![2 => select(&CHANGES[..]).prop_map(|(name, change)| (name, at(change))), 1 => anywhere]
}

/// A generated field: its text and the values it stands for.
#[derive(Clone, Debug)]
struct Field {
    text: String,
    values: Vec<u32>,
}

impl Field {
    fn is_wildcard(&self) -> bool {
        self.text.starts_with('*') || (self.text.starts_with("0/") && !self.text.contains(','))
    }
}

fn field(min: u32, max: u32) -> impl Strategy<Value = Field> {
    let any = Just(Field { text: "*".to_owned(), values: (min..=max).collect() });
    let stars = (2..=max).prop_map(move |step| Field {
        text: format!("*/{step}"),
        values: (min..=max).step_by(step as usize).collect(),
    });
    let steps = (min..=max, 1..=max).prop_map(move |(first, step)| Field {
        text: format!("{first}/{step}"),
        values: (first..=max).step_by(step as usize).collect(),
    });
    let ranges = (min..=max, min..=max, 1..=max).prop_map(|(a, b, step)| Field {
        text: format!("{}-{}/{step}", a.min(b), a.max(b)),
        values: (a.min(b)..=a.max(b)).step_by(step as usize).collect(),
    });
    let lists = prop::collection::vec(min..=max, 1..4)
        .prop_map(|values| Field { text: values.iter().map(u32::to_string).collect::<Vec<_>>().join(","), values });
    prop_oneof![3 => any, 2 => stars, 1 => steps, 1 => ranges, 5 => lists]
}

/// A day term of a Quartz pattern: which day field, its text, and whether a date is meant.
#[derive(Clone, Debug)]
enum Day {
    Date(u32),
    Last(u32),
    Nearest(u32),
    NearestLast(u32),
    Weekdays(u32, u32),
    Nth(u32, u32),
    LastWeekday(u32),
}

impl Day {
    fn fields(&self) -> (String, String) {
        match self {
            Self::Date(day) => (day.to_string(), "?".to_owned()),
            Self::Last(before) => (last(*before), "?".to_owned()),
            Self::Nearest(day) => (format!("{day}W"), "?".to_owned()),
            Self::NearestLast(before) => (format!("{}W", last(*before)), "?".to_owned()),
            Self::Weekdays(from, upto) => ("?".to_owned(), format!("{from}-{upto}")),
            Self::Nth(day, nth) => ("?".to_owned(), format!("{day}#{nth}")),
            Self::LastWeekday(day) => ("?".to_owned(), format!("{day}L")),
        }
    }

    fn means(&self, date: NaiveDate) -> bool {
        let last_day = date.with_day(1).unwrap() + Months::new(1) - Days::new(1);
        let weekday = date.weekday().number_from_sunday();
        match self {
            Self::Date(day) => date.day() == *day,
            Self::Last(before) => date == last_day - Days::new(u64::from(*before)),
            Self::Nearest(day) => date.with_day(*day).is_some_and(|wanted| date == working_day(wanted)),
            Self::NearestLast(before) => {
                let wanted = last_day - Days::new(u64::from(*before));
                wanted.month() == date.month() && date == working_day(wanted)
            }
            Self::Weekdays(from, upto) if from <= upto => (*from..=*upto).contains(&weekday),
            Self::Weekdays(from, upto) => weekday >= *from || weekday <= *upto,
            Self::Nth(day, nth) => weekday == *day && (date.day() - 1) / 7 + 1 == *nth,
            Self::LastWeekday(day) => weekday == *day && (date + Days::new(7)).month() != date.month(),
        }
    }
}

fn last(before: u32) -> String {
    if before == 0 { "L".to_owned() } else { format!("L-{before}") }
}

/// The nearest Monday to Friday of the same month, found by looking outwards.
fn working_day(wanted: NaiveDate) -> NaiveDate {
    [0, -1, 1, -2, 2]
        .into_iter()
        .map(|days| wanted + chrono::Duration::days(days))
        .find(|date| date.month() == wanted.month() && !matches!(date.weekday(), Weekday::Sat | Weekday::Sun))
        .unwrap()
}

fn day() -> impl Strategy<Value = Day> {
    prop_oneof![
        (1..=31u32).prop_map(Day::Date),
        (0..=30u32).prop_map(Day::Last),
        (1..=31u32).prop_map(Day::Nearest),
        (0..=30u32).prop_map(Day::NearestLast),
        (1..=7u32, 1..=7u32).prop_map(|(from, upto)| Day::Weekdays(from, upto)),
        (1..=7u32, 1..=5u32).prop_map(|(day, nth)| Day::Nth(day, nth)),
        (1..=7u32).prop_map(Day::LastWeekday),
    ]
}

/// Walks `count` steps from `from` and returns every due, by the definition: a wildcard time is due whenever the wall
/// clock matches; a fixed one when the wall clock first reaches or jumps over a match.
fn walk(
    zone: Zone,
    from: Timestamp,
    step: u64,
    count: u64,
    fixed: bool,
    means: impl Fn(i64) -> bool,
) -> Vec<Timestamp> {
    let reading = |at: Timestamp| at.as_millis() / 1000 + i64::from(zone.local(at).offset_seconds);
    // Four hours before, so that the first pass of an overlap is known when the walk begins in the second.
    let begin = from.minus(Span::from_seconds(4 * 3600));
    let mut reached = reading(begin);
    let (mut now, end) = (begin, from.plus(Span::from_seconds(step * count)));
    let mut dues = Vec::new();
    while now < end {
        now = now.plus(Span::from_seconds(step));
        let shown = reading(now);
        let due = if fixed {
            let mut new = (reached + step as i64..=shown).step_by(step as usize);
            new.any(&means)
        } else {
            means(shown)
        };
        reached = reached.max(shown);
        if due && now > from {
            dues.push(now);
        }
    }
    dues
}

/// Checks `next_after`, `latest_in` and `count_in` against the dues that a walk found in `(from, until]`.
fn agrees(cron: Cron, from: Timestamp, until: Timestamp, walked: &[Timestamp], picks: &[usize]) {
    let text = format!("{} in {} after {from}", cron.text(), cron.zone());
    let trigger = Trigger::Cron(Arc::new(cron));
    let mut after = from;
    for due in walked {
        assert_eq!(trigger.next_after(after), Some(*due), "{text}, at {after}");
        after = *due;
    }
    assert!(trigger.next_after(after).is_none_or(|due| due > until), "{text}: one more at {after}");
    assert_eq!(trigger.count_in(from, until), walked.len() as u64, "{text}");
    assert_eq!(trigger.latest_in(from, until), walked.last().copied(), "{text}");
    for pick in picks {
        let span = until.since(from).as_millis();
        let middle = Timestamp::from_millis(from.as_millis() + (*pick as u64 * 7919 % span) as i64);
        let split = walked.partition_point(|due| *due <= middle);
        let next = trigger.next_after(middle).filter(|due| *due <= until);
        assert_eq!(next, walked.get(split).copied(), "{text}, from the middle at {middle}");
        assert_eq!(trigger.latest_in(from, middle), walked[..split].last().copied(), "{text}, upto {middle}");
        assert_eq!(trigger.count_in(from, middle), split as u64, "{text}, upto {middle}");
        assert_eq!(trigger.count_in(middle, until), (walked.len() - split) as u64, "{text}, after {middle}");
    }
}

fn civil(reading: i64) -> chrono::NaiveDateTime {
    DateTime::from_timestamp(reading, 0).unwrap().naive_utc()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unix_patterns_agree_with_a_minute_walk(
        minute in field(0, 59),
        hour in field(0, 23),
        weekdays in prop_oneof![3 => Just(None), 1 => (0..=7u32).prop_map(Some)],
        dates in prop_oneof![3 => Just(None), 1 => prop::collection::vec(1..=31u32, 1..5).prop_map(Some)],
        (name, place) in place(),
        shift in 0..2000u64,
        picks in prop::collection::vec(0..1_000_000usize, 8),
    ) {
        let zone = Zone::parse(name).unwrap();
        let from = place.plus(Span::from_seconds(shift * 60));
        let day_text = dates.as_ref().map_or("*".to_owned(), |dates: &Vec<u32>| {
            dates.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
        });
        let weekday_text = weekdays.map_or("*".to_owned(), |day| day.to_string());
        let text = format!("{} {} {day_text} * {weekday_text}", minute.text, hour.text);
        let fixed = !minute.is_wildcard() && !hour.is_wildcard();
        let means = |reading| {
            let civil = civil(reading);
            let date = dates.as_ref().is_some_and(|dates| dates.contains(&civil.day()));
            let weekday = weekdays.is_some_and(|day| day % 7 == civil.weekday().num_days_from_sunday());
            let day = date || weekday || (dates.is_none() && weekdays.is_none());
            day && minute.values.contains(&civil.minute()) && hour.values.contains(&civil.hour())
        };
        let cron = Cron::parse(&text, DialectChoice::Auto, zone).unwrap();
        let walked = walk(zone, from, 60, 3 * 1440, fixed, means);
        agrees(cron, from, from.plus(Span::from_seconds(3 * 86_400)), &walked, &picks);
    }

    #[test]
    fn quartz_patterns_agree_with_a_second_walk(
        second in field(0, 59),
        minute in field(0, 59),
        hour in prop_oneof![1 => field(0, 23), 1 => Just(Field { text: "*".to_owned(), values: (0..24).collect() })],
        (name, place) in place(),
        picks in prop::collection::vec(0..1_000_000usize, 8),
    ) {
        // The hours around the change alone: a day later than the instant in the table.
        let zone = Zone::parse(name).unwrap();
        let from = place.plus(Span::from_seconds(86_400 - 5400));
        let text = format!("{} {} {} * * ?", second.text, minute.text, hour.text);
        let fixed = [&second, &minute, &hour].iter().all(|field| !field.is_wildcard());
        let means = |reading| {
            let civil = civil(reading);
            second.values.contains(&civil.second())
                && minute.values.contains(&civil.minute())
                && hour.values.contains(&civil.hour())
        };
        let cron = Cron::parse(&text, DialectChoice::Auto, zone).unwrap();
        let walked = walk(zone, from, 1, 10_800, fixed, means);
        agrees(cron, from, from.plus(Span::from_seconds(10_800)), &walked, &picks);
    }

    #[test]
    fn day_terms_agree_with_a_day_walk(
        day in day(),
        months in prop_oneof![Just(None), (1..=12u32).prop_map(Some)],
        year in 1970..2190i32,
        picks in prop::collection::vec(0..1_000_000usize, 8),
    ) {
        let (date_text, weekday_text) = day.fields();
        let month_text = months.map_or("*".to_owned(), |month| month.to_string());
        let text = format!("0 0 12 {date_text} {month_text} {weekday_text}");
        let (from, until) = (at(&format!("{year}-01-01T00:00:00Z")), at(&format!("{}-01-01T00:00:00Z", year + 6)));
        let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        let last = NaiveDate::from_ymd_opt(year + 6, 1, 1).unwrap();
        let walked: Vec<Timestamp> = first
            .iter_days()
            .take_while(|date| *date < last)
            .filter(|date| months.is_none_or(|month| month == date.month()) && day.means(*date))
            .map(|date| Timestamp::from_seconds(date.and_hms_opt(12, 0, 0).unwrap().and_utc().timestamp()))
            .collect();
        let cron = Cron::parse(&text, DialectChoice::Auto, Zone::UTC).unwrap();
        agrees(cron, from, until, &walked, &picks);
    }
}
