//! Triggers in plain words, against a table of phrases and against their own descriptions.
//!
//! Now is Friday, 30 January 2026, 14:00:30 in Oslo, as in the comparison of other readers of plain words.
//! Not here: where phrases may stand (`spec`), what surfaces make of them (`cli`).

use std::fmt::Write as _;
use std::sync::Arc;

use chimewheel::calendar::{Cron, Dialect, DialectChoice, Meaning, Phrase, PhraseError, Trigger, Zone};
use chimewheel::time::Timestamp;
use expect_test::expect_file;
use proptest::prelude::*;

fn oslo() -> Zone {
    Zone::parse("Europe/Oslo").unwrap()
}

fn now() -> Timestamp {
    oslo().parse_local("2026-01-30 14:00:30").unwrap()
}

fn read(text: &str) -> Result<Phrase, PhraseError> {
    Phrase::read(text, now(), oslo())
}

/// What a schedule would hold.
fn trigger(meaning: &Meaning) -> Trigger {
    match meaning {
        Meaning::Once { at, .. } => Trigger::At(*at),
        Meaning::Every(period) => Trigger::Every { period: *period, anchor: now() },
        Meaning::Cron(cron) => Trigger::Cron(Arc::new(cron.clone())),
    }
}

/// One phrase with everything that is answered to it.
fn shown(text: &str) -> String {
    let mut line = format!("{text}\n");
    match read(text) {
        Ok(phrase) => {
            let trigger = trigger(&phrase.meaning);
            let held = match &phrase.meaning {
                Meaning::Once { at, .. } => format!("at {}", oslo().format(*at)),
                Meaning::Every(period) => format!("every {period}"),
                Meaning::Cron(cron) => format!("{} {}", cron.dialect(), cron.text()),
            };
            writeln!(line, "    {held} = {}", trigger.describe(oslo())).unwrap();
            for note in phrase.notes {
                writeln!(line, "    note: {note}").unwrap();
            }
            if let Meaning::Once { instead: Some(instead), at } = &phrase.meaning
                && *at < now()
            {
                writeln!(line, "    past; perhaps: {instead}").unwrap();
            }
        }
        Err(error) => {
            writeln!(line, "    refused: {} [{}] ({})", error.message, &text[error.at.clone()], error.hint).unwrap();
        }
    }
    line
}

/// The table holds its own phrases: a line that is not indented is one.
#[test]
fn the_table_holds() {
    let table = include_str!("../data/phrases.txt");
    let mut whole = String::new();
    for line in table.lines().filter(|line| !line.starts_with(' ')) {
        whole += &if line.is_empty() || line.starts_with('#') { format!("{line}\n") } else { shown(line) };
    }
    expect_file!["../data/phrases.txt"].assert_eq(&whole);
}

/// What a description says, as a phrase: the zone is said elsewhere, and that a date comes every year goes without
/// saying in a description only.
fn said(described: &str, zone: Zone) -> String {
    let plain = described.strip_suffix(&format!(", {zone}")).unwrap_or(described);
    let yearly = plain.contains(" of ") && !plain.contains(" of the month");
    if yearly { format!("{plain}, every year") } else { plain.to_owned() }
}

/// Checks that a description is understood as what it describes.
fn check_described(text: &str, at: Timestamp, zone: Zone) {
    let Ok(phrase) = Phrase::read(text, at, zone) else { return };
    let meant = trigger(&phrase.meaning);
    let described = meant.describe(zone);
    let again = said(&described, zone);
    let read = Phrase::read(&again, at, zone).unwrap_or_else(|error| panic!("'{text}' is '{again}': {error:?}"));
    let same = trigger(&read.meaning);
    assert_eq!(same.describe(zone), described, "{text}");
    let next = |trigger: &Trigger| {
        let first = trigger.next_after(Timestamp::EPOCH);
        std::iter::successors(first, |due| trigger.next_after(*due)).take(5).collect::<Vec<_>>()
    };
    assert_eq!(next(&same), next(&meant), "{text}");
}

#[test]
fn every_description_of_the_table_is_a_phrase_with_its_meaning() {
    let table = include_str!("../data/phrases.txt");
    for line in table.lines().filter(|line| !line.starts_with([' ', '#'])) {
        check_described(line, now(), oslo());
    }
}

/// Words of every kind, right ones more often than wrong ones.
fn any_words() -> impl Strategy<Value = String> {
    const WORDS: &str = "in|at|on|the|of|and|to|every|next|this|from now|today|tonight|tomorrow|noon|midnight|morning|\
        evening|nights|weekdays|weekend|hourly|daily|weekly|monthly|day|hours|minute|second|weeks|of the month|month|year|\
        last|first|friday|mondays|mon-fri|april|feb|1|29|31st|2nd|9am|12pm|17:30|23:59:59|0:00|2h30m|half an hour|2026-12-24|\
        2026-02-29t10:00|999999999|2199|,|o'clock|am|soon|-|é|9pm|six|an|every day|on the|at 9|through";
    let words: Vec<&str> = WORDS.split('|').collect();
    prop::collection::vec(prop::sample::select(words), 1..9).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_words_panic_and_what_is_understood_is_described_as_it_is_meant(text in any_words(), at in 0_i64..7_000_000_000) {
        check_described(&text, Timestamp::from_seconds(at), Zone::UTC);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any::<String>(), at in any::<i64>()) {
        for zone in [Zone::UTC, oslo()] {
            if let Err(error) = Phrase::read(&text, Timestamp::from_millis(at), zone) {
                prop_assert!(text.get(error.at.clone()).is_some(), "{:?}", error);
                prop_assert!(!error.hint.is_empty());
            }
        }
    }

    /// Written down in one of several ways, a time and its days are read back as they were.
    #[test]
    fn what_is_written_down_is_read_back(
        hour in 0_u32..24, minute in 0_u32..60, day in 0_u32..7, other in 0_u32..7, days in 1_u32..29, ahead in 1_i64..400,
        form in 0_usize..4, turned: bool,
    ) {
        const NAMES: [&str; 7] = ["sunday", "Monday", "tue", "Wednesdays", "thursday", "FRI", "saturday"];
        let noon = Timestamp::parse_rfc3339("2026-01-30T12:00:00Z").unwrap();
        let (twelve, half) = (if hour % 12 == 0 { 12 } else { hour % 12 }, if hour < 12 { "am" } else { "pm" });
        let time = [
            format!("at {hour:02}:{minute:02}"),
            format!("{twelve}:{minute:02}{half}"),
            format!("at {twelve}:{minute:02} {half}"),
            format!("at {hour:02}:{minute:02}:00"),
        ][form].clone();
        let join = |days: String| if turned { format!("{time} {days}") } else { format!("{days} {time}") };
        let cron = |words: String| match Phrase::read(&join(words.clone()), noon, Zone::UTC).map(|phrase| phrase.meaning) {
            Ok(Meaning::Cron(cron)) => cron.text().to_owned(),
            wrong => panic!("{}: {wrong:?}", join(words)),
        };
        prop_assert_eq!(cron("every day".to_owned()), format!("{minute} {hour} * * *"));
        prop_assert_eq!(cron(format!("on the {days}th of the month")), format!("{minute} {hour} {days} * *"));
        let weekdays = cron(format!("every {} and {}", NAMES[day as usize], NAMES[other as usize]));
        let trigger = Cron::parse(&weekdays, DialectChoice::Unix, Zone::UTC).unwrap();
        let plain = Cron::parse(&format!("{minute} {hour} * * {day},{other}"), DialectChoice::Unix, Zone::UTC).unwrap();
        prop_assert_eq!(trigger.describe(), plain.describe());
        let at = Timestamp::from_seconds(noon.as_millis() / 1000 / 86_400 * 86_400 + ahead * 86_400 + i64::from(hour * 3600 + minute * 60));
        let date = Zone::UTC.format_civil(at)[..10].to_owned();
        let phrase = Phrase::read(&join(format!("on {date}")), noon, Zone::UTC).unwrap();
        prop_assert_eq!(phrase.meaning, Meaning::Once { at, instead: None });
    }
}

#[test]
fn the_manual_says_what_its_phrases_become() {
    let page = include_str!("../../src/guide/schedules.md");
    let section = page.split("## In plain words").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows: Vec<(&str, &str)> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.rsplit_once(" | ")).collect();
    let mut count = 0;
    for (phrases, becomes) in rows {
        for phrase in phrases.split('`').step_by(2).filter(|phrase| !phrase.is_empty()) {
            let kind = match read(phrase).unwrap_or_else(|error| panic!("{phrase}: {error:?}")).meaning {
                Meaning::Once { .. } => "`at`".to_owned(),
                Meaning::Every(_) => "`every`".to_owned(),
                Meaning::Cron(cron) if cron.dialect() == Dialect::Unix => "Unix `cron`".to_owned(),
                Meaning::Cron(_) => "Quartz `cron`".to_owned(),
            };
            assert_eq!(kind, becomes, "{phrase}");
            count += 1;
        }
    }
    assert_eq!(count, 27);
}
