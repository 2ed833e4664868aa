//! Sentences: what a person or an agent reads back after a create.
//!
//! Units: none.
//! Oracle: croner's own description names the same times of day, months and single weekdays wherever it understands
//! the pattern.
//! Not here: refusals (`calendar_errors`).
//! Source: DESIGN section 4, the reply to create; `tests/data/cron_sentences.txt`.

use std::collections::BTreeSet;

use chimewheel::calendar::{Dialect, Trigger, Zone};
use chimewheel::time::Span;

use crate::calendar::{at, cron};

fn sentences() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("../data/cron_sentences.txt").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| line.split_once(" | ").unwrap())
}

#[test]
fn patterns_read_as_sentences() {
    let mut failures = String::new();
    for (text, sentence) in sentences() {
        let found = cron(text, "Europe/Berlin").describe();
        if found != format!("{sentence}, Europe/Berlin") {
            failures += &format!("{text} | {found}\n");
        }
    }
    assert!(failures.is_empty(), "these read differently now:\n{failures}");
}

#[test]
fn triggers_read_as_sentences() {
    let berlin = Zone::parse("Europe/Berlin").unwrap();
    let once = |text| Trigger::At(at(text)).describe(berlin);
    assert_eq!(once("2026-01-30T16:00:00Z"), "Once at 2026-01-30 17:00:00, Europe/Berlin");
    assert_eq!(once("2026-07-30T16:00:00.25Z"), "Once at 2026-07-30 18:00:00.250, Europe/Berlin");
    for (period, sentence) in [
        ("30m", "Every 30 minutes"),
        ("1h", "Every hour"),
        ("90m", "Every 1 hour and 30 minutes"),
        ("1d 2h 5m", "Every 1 day, 2 hours and 5 minutes"),
        ("90s", "Every 1 minute and 30 seconds"),
        ("1500ms", "Every 1 second and 500 milliseconds"),
        ("7d", "Every 7 days"),
    ] {
        let every = Trigger::Every { period: Span::parse(period).unwrap(), anchor: at("2026-01-30T16:00:00Z") };
        assert_eq!(every.describe(berlin), sentence);
    }
}

#[test]
fn equal_patterns_read_alike_in_both_dialects() {
    for (unix, quartz) in [
        ("0 9 * * MON-FRI", "0 0 9 ? * 2-6"),
        ("0 9 * * 1-5", "0 0 9 ? * MON-FRI"),
        ("*/5 * * * *", "0 0/5 * * * ?"),
        ("0 9 * * 5L", "0 0 9 ? * 6L"),
        ("0 9 * * 1#2", "0 0 9 ? * 2#2"),
        ("0 9 * * 6", "0 0 9 ? * L"),
        ("0 9 LW * *", "0 0 9 LW * ?"),
    ] {
        assert_eq!(cron(unix, "UTC").describe(), cron(quartz, "UTC").describe());
    }
}

/// Times of day, months and weekdays named in a sentence.
fn named(sentence: &str) -> BTreeSet<&str> {
    let names = ["January", "April", "July", "October", "Monday", "Wednesday", "Friday", "Sunday"];
    let words = sentence.split([' ', ',', '.']);
    words.filter(|word| names.contains(word) || word.as_bytes().get(2) == Some(&b':')).collect()
}

#[test]
fn croner_names_the_same_times() {
    let parser = croner::parser::CronParser::builder().sloppy_ranges(true);
    let parser = parser.alternative_weekdays(false).build();
    let mut compared = 0;
    for (text, sentence) in sentences() {
        let ours = cron(text, "UTC");
        // Runs are spelt out by croner and abridged by us.
        if ours.dialect() == Dialect::Quartz || sentence.contains("through") || !sentence.starts_with("At 0") {
            continue;
        }
        let Ok(theirs) = parser.parse(text) else { continue };
        let theirs = theirs.describe();
        if sentence.contains(':') && theirs.contains(':') {
            assert!(named(sentence).is_superset(&named(&theirs)), "{text}: {sentence} / {theirs}");
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} were compared");
}
