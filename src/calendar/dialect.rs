//! Whole patterns: how many fields, in which order, and how the two day fields join.
//!
//! Units: byte ranges of the pattern as it was given.
//! Invariant: the dialect is settled before any field is read; nothing guesses it from a field's content.
//! Not here: what one field may hold (`field`), running the pattern (`search`, `fold`).
//! Source: crontab(5) and OCPS 1.1 for Unix and its aliases; Quartz's `CronExpression` for Quartz.

use super::field::{Field, Kind, WEEKDAYS, set_of};
use super::matcher::{ALL_DAYS, Days, Matcher, Weekdays};
use super::piece::Piece;
use super::years::Years;
use super::{CronError, Dialect, DialectChoice};
use crate::limits::{CRON_CHARS_MAX, YEAR_RUNS_COUNT_MAX};

const ALIASES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Reads a pattern.
pub(super) fn read(text: &str, choice: DialectChoice) -> Result<(Dialect, Matcher), CronError> {
    let whole = Piece::whole(text);
    if text.chars().nth(CRON_CHARS_MAX).is_some() {
        let message = format!("the pattern is longer than {CRON_CHARS_MAX} characters");
        return Err(whole.wrong(message, "write ranges and steps instead of long lists"));
    }
    let fields: Vec<Piece<'_>> = whole.words().collect();
    if let [alias, rest @ ..] = &fields[..]
        && alias.text.starts_with('@')
    {
        return read_alias(*alias, rest, choice);
    }
    match (choice, fields.len()) {
        (DialectChoice::Auto | DialectChoice::Unix, 5) => read_unix(&fields).map(|matcher| (Dialect::Unix, matcher)),
        (DialectChoice::Auto | DialectChoice::Quartz, 6 | 7) => {
            read_quartz(&fields).map(|matcher| (Dialect::Quartz, matcher))
        }
        (_, count) => Err(wrong_count(whole, &fields, choice, count)),
    }
}

fn read_alias(alias: Piece<'_>, rest: &[Piece<'_>], choice: DialectChoice) -> Result<(Dialect, Matcher), CronError> {
    let known = ALIASES.iter().find(|(name, _)| alias.text.eq_ignore_ascii_case(name));
    if let (Some(_), [extra, ..]) = (known, rest) {
        return Err(extra.wrong(format!("'{}' follows an alias", extra.text), "an alias stands alone"));
    }
    let Some((_, meaning)) = known else {
        let hint = match alias.text.to_ascii_lowercase().as_str() {
            "@reboot" => "a schedule is due at times, not at starts; use @hourly or another time".to_owned(),
            "@every" => "write the interval as every: 30m instead of cron".to_owned(),
            _ => "known are @yearly, @monthly, @weekly, @daily and @hourly".to_owned(),
        };
        return Err(alias.wrong(format!("'{}' is not a time alias", alias.text), hint));
    };
    let fields: Vec<Piece<'_>> = Piece::whole(meaning).words().collect();
    if choice == DialectChoice::Quartz {
        let hint = quartz_equivalent(&fields).map(|text| format!("as Quartz: {text}"));
        let message = format!("'{}' is a Unix alias, not a Quartz pattern", alias.text);
        return Err(CronError { message, at: alias.range(), hint });
    }
    read_unix(&fields).map(|matcher| (Dialect::Unix, matcher))
}

/// Reads minute, hour, day of month, month, weekday.
fn read_unix(fields: &[Piece<'_>]) -> Result<Matcher, CronError> {
    let field = |kind| Field { kind, dialect: Dialect::Unix };
    let dates = field(Kind::Day).days(fields[2])?;
    let weekdays = field(Kind::Weekday).weekdays(fields[4])?;
    // A bare star leaves a day field open; where both are set a day that matches either counts.
    let (days, weekdays) = match (fields[2].text == "*", fields[4].text == "*") {
        (true, true) => (Days { dates: ALL_DAYS, ..Days::default() }, Weekdays::default()),
        (true, false) => (Days::default(), weekdays),
        (false, true) => (dates, Weekdays::default()),
        (false, false) => (dates, weekdays),
    };
    Ok(Matcher {
        seconds: 1,
        minutes: set_of(&field(Kind::Minute).values(fields[0])?),
        hours: set_of(&field(Kind::Hour).values(fields[1])?) as u32,
        days,
        weekdays,
        months: set_of(&field(Kind::Month).values(fields[3])?) as u16,
        years: Years::ALL,
        fixed: fields[..2].iter().all(|field| !is_wildcard(*field)),
    })
}

/// Reads second, minute, hour, day of month, month, weekday and perhaps year.
fn read_quartz(fields: &[Piece<'_>]) -> Result<Matcher, CronError> {
    let field = |kind| Field { kind, dialect: Dialect::Quartz };
    let seconds = set_of(&field(Kind::Second).values(fields[0])?);
    let minutes = set_of(&field(Kind::Minute).values(fields[1])?);
    let hours = set_of(&field(Kind::Hour).values(fields[2])?) as u32;
    let (dates, weekdays) = (fields[3], fields[5]);
    let days = if dates.text == "?" { Days::default() } else { field(Kind::Day).days(dates)? };
    let months = set_of(&field(Kind::Month).values(fields[4])?) as u16;
    let weekday_set =
        if weekdays.text == "?" { Weekdays::default() } else { field(Kind::Weekday).weekdays(weekdays)? };
    match (dates.text == "?", weekdays.text == "?") {
        (true, false) | (false, true) => {}
        (true, true) => {
            let message = "day of month and weekday are both '?'".to_owned();
            return Err(weekdays.wrong(message, "put * or a value in one of the day fields"));
        }
        (false, false) => return Err(both_days_set(fields)),
    }
    let years = match fields.get(6) {
        Some(years) if years.text != "*" => Years::of(&field(Kind::Year).values(*years)?).ok_or_else(|| {
            let message = format!("year '{}' names more than {YEAR_RUNS_COUNT_MAX} separate runs", years.text);
            years.wrong(message, "write a range or a step, or make two schedules")
        })?,
        _ => Years::ALL,
    };
    let fixed = fields[..3].iter().all(|field| !is_wildcard(*field));
    Ok(Matcher { seconds, minutes, hours, days, weekdays: weekday_set, months, years, fixed })
}

/// Whether a time field makes the whole time a wildcard: it begins with `*`, or is `0/n`, Quartz's way to write
/// `*/n`.
fn is_wildcard(field: Piece<'_>) -> bool {
    let from_zero = |start: &str| start.bytes().all(|byte| byte == b'0');
    field.text.starts_with('*')
        || (!field.text.contains(',') && field.text.split_once('/').is_some_and(|(start, _)| from_zero(start)))
}

fn both_days_set(fields: &[Piece<'_>]) -> CronError {
    let at = fields[3].range().start..fields[5].range().end;
    let mut texts: Vec<&str> = fields.iter().map(|field| field.text).collect();
    let hint = match (texts[3], texts[5]) {
        (_, "*") => {
            texts[5] = "?";
            format!("put ? in one of the day fields: {}", texts.join(" "))
        }
        ("*", _) => {
            texts[3] = "?";
            format!("put ? in one of the day fields: {}", texts.join(" "))
        }
        _ => "put ? in one of the day fields; for either day make two schedules".to_owned(),
    };
    CronError { message: "day of month and weekday are both set".to_owned(), at, hint: Some(hint) }
}

fn wrong_count(whole: Piece<'_>, fields: &[Piece<'_>], choice: DialectChoice, count: usize) -> CronError {
    let start = fields.first().map_or(0, |field| field.range().start);
    let end = fields.last().map_or(whole.text.len(), |field| field.range().end);
    let plural = if count == 1 { "" } else { "s" };
    let (wanted, hint) = match choice {
        DialectChoice::Auto if count == 0 => ("the pattern is empty", "write for example 0 9 * * MON-FRI".to_owned()),
        DialectChoice::Auto => (
            "a pattern has 5 fields (Unix) or 6 or 7 (Quartz)",
            "Unix: minute hour day month weekday; Quartz: second minute hour day month weekday [year]".to_owned(),
        ),
        DialectChoice::Unix if count == 6 || count == 7 => (
            "a Unix pattern has 5 fields",
            "with seconds first it is a Quartz pattern: choose that dialect".to_owned(),
        ),
        DialectChoice::Unix => ("a Unix pattern has 5 fields", "write minute hour day month weekday".to_owned()),
        DialectChoice::Quartz => (
            "a Quartz pattern has 6 or 7 fields",
            match quartz_equivalent(fields) {
                Some(text) => format!("as Quartz: {text}"),
                None => "write second minute hour day month weekday [year], with ? in one day field".to_owned(),
            },
        ),
    };
    let message = if count == 0 && choice == DialectChoice::Auto {
        wanted.to_owned()
    } else {
        format!("{wanted}, this one has {count} field{plural}")
    };
    CronError { message, at: start..end, hint: Some(hint) }
}

/// The Quartz pattern that is due at the same times as a Unix one, if there is one.
fn quartz_equivalent(fields: &[Piece<'_>]) -> Option<String> {
    let [minute, hour, day, month, weekday] = fields else { return None };
    let wanted = read_unix(fields).ok()?;
    let days = if weekday.text != "*" && day.text == "*" { "?" } else { day.text };
    let weekdays = if weekday.text == "*" { "?".to_owned() } else { named_weekdays(weekday.text) };
    let text = format!("0 {} {} {days} {} {weekdays}", minute.text, hour.text, month.text);
    let read: Vec<Piece<'_>> = Piece::whole(&text).words().collect();
    // Only an exact equal is worth offering: two set day fields, say, have none.
    let found = read_quartz(&read).ok()?;
    (found == wanted).then_some(text)
}

/// A Unix weekday field with names for numbers, which mean the same in both dialects.
fn named_weekdays(text: &str) -> String {
    let mut named = String::new();
    let mut before = ' ';
    for c in text.chars() {
        match c.to_digit(10).filter(|_| before != '/' && before != '#') {
            Some(digit) => named.push_str(WEEKDAYS[digit as usize % 7]),
            None => named.push(c),
        }
        before = c;
    }
    named
}
