//! Cuts a phrase into words, and knows the words.
//!
//! Units: byte ranges of the phrase. Weekdays count from 0 = Sunday, months from 1.
//! Invariant: a word is lower case, and its range covers what was written for it.
//! Not here: what several words say together (`pieces`).

use std::ops::Range;

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    pub at: Range<usize>,
    /// Whether a comma stands before it.
    pub listed: bool,
}

/// The words of a phrase.
pub(super) fn words(phrase: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut listed = false;
    let mut start = None;
    for (at, c) in phrase.char_indices().chain([(phrase.len(), ' ')]) {
        let between = c.is_whitespace() || c == ',' || c == ';';
        if let Some(from) = start.filter(|_| between) {
            cut(phrase, from..at, listed, &mut words);
            (start, listed) = (None, false);
        }
        if !between && start.is_none() {
            start = Some(at);
        }
        listed |= c == ',' || c == ';';
    }
    words
}

/// One word, or the ends and the dash of `mon-fri`.
fn cut(phrase: &str, at: Range<usize>, listed: bool, words: &mut Vec<Word>) {
    let whole = &phrase[at.clone()];
    let ends = whole
        .split_once(['-', '–'])
        .filter(|(from, upto)| weekday(&from.to_lowercase()).is_some() && weekday(&upto.to_lowercase()).is_some());
    if let Some((from, upto)) = ends {
        let (left, right) = (at.start..at.start + from.len(), at.end - upto.len()..at.end);
        let dash = left.end..right.start;
        for (text, at) in [(from, left), ("to", dash), (upto, right)] {
            words.push(Word { text: text.to_lowercase(), at, listed: false });
        }
        return;
    }
    let lower = whole.to_lowercase();
    let text = match lower.as_str() {
        "@" => "at".to_owned(),
        "&" => "and".to_owned(),
        other => {
            let plain = other.strip_suffix("a.m.").or(other.strip_suffix("a.m")).map(|hour| hour.to_owned() + "am");
            let plain = plain.or_else(|| {
                other.strip_suffix("p.m.").or(other.strip_suffix("p.m")).map(|hour| hour.to_owned() + "pm")
            });
            plain.unwrap_or_else(|| other.trim_end_matches(['.', '!']).to_owned())
        }
    };
    if !text.is_empty() {
        words.push(Word { text, at, listed });
    }
}

const WEEKDAYS: [&[&str]; 7] = [
    &["sunday", "sun"],
    &["monday", "mon"],
    &["tuesday", "tue", "tues"],
    &["wednesday", "wed"],
    &["thursday", "thu", "thur", "thurs"],
    &["friday", "fri"],
    &["saturday", "sat"],
];

const MONTHS: [&[&str]; 12] = [
    &["january", "jan"],
    &["february", "feb"],
    &["march", "mar"],
    &["april", "apr"],
    &["may"],
    &["june", "jun"],
    &["july", "jul"],
    &["august", "aug"],
    &["september", "sep", "sept"],
    &["october", "oct"],
    &["november", "nov"],
    &["december", "dec"],
];

const NUMBERS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

const ORDINALS: [&str; 6] = ["zeroth", "first", "second", "third", "fourth", "fifth"];

/// Other words that are understood somewhere, to guess what a misspelt one was to be.
const OTHERS: &[&str] = &[
    "in",
    "at",
    "on",
    "the",
    "of",
    "and",
    "to",
    "every",
    "each",
    "next",
    "this",
    "from",
    "now",
    "once",
    "today",
    "tonight",
    "tomorrow",
    "noon",
    "midday",
    "midnight",
    "morning",
    "afternoon",
    "evening",
    "night",
    "weekday",
    "weekdays",
    "weekend",
    "weekends",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "day",
    "days",
    "hour",
    "hours",
    "minute",
    "minutes",
    "second",
    "seconds",
    "week",
    "weeks",
    "month",
    "year",
    "last",
    "after",
];

/// Every word that is understood somewhere.
pub(super) fn vocabulary() -> impl Iterator<Item = &'static str> {
    let named = WEEKDAYS.iter().chain(&MONTHS).map(|names| names[0]);
    named.chain(ORDINALS[1..].iter().copied()).chain(OTHERS.iter().copied())
}

/// A weekday, and whether it stands in the plural.
pub(super) fn weekday(text: &str) -> Option<(u32, bool)> {
    let find = |text: &str| WEEKDAYS.iter().position(|names| names.contains(&text));
    let plural = || text.strip_suffix('s').filter(|one| one.ends_with("day")).and_then(find).map(|day| (day, true));
    find(text).map(|day| (day, false)).or_else(plural).map(|(day, plural)| (day as u32, plural))
}

/// A weekday's English name.
pub(super) fn weekday_name(weekday: u32) -> String {
    let lower = WEEKDAYS[weekday as usize][0];
    lower[..1].to_uppercase() + &lower[1..]
}

/// A month, from 1.
pub(super) fn month(text: &str) -> Option<u32> {
    MONTHS.iter().position(|names| names.contains(&text)).map(|index| index as u32 + 1)
}

/// A month's English name.
pub(super) fn month_name(month: u32) -> String {
    let lower = MONTHS[month as usize - 1][0];
    lower[..1].to_uppercase() + &lower[1..]
}

/// A whole number, in digits or up to twelve in letters.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    let spelt = || NUMBERS.iter().position(|number| *number == text).map(|number| number as u64);
    if digits { text.parse().ok() } else { spelt() }
}

/// `1st`, `22nd`, `third`.
pub(super) fn ordinal(text: &str) -> Option<u32> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| text.strip_suffix(ending));
    let number = digits.filter(|digits| digits.len() <= 2).and_then(|digits| digits.parse().ok());
    number.or_else(|| ORDINALS.iter().position(|ordinal| *ordinal == text).map(|number| number as u32))
}

/// Milliseconds of a unit with a fixed length.
pub(super) fn unit(text: &str) -> Option<u64> {
    Some(match text {
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "w" | "week" | "weeks" => 604_800_000,
        _ => return None,
    })
}
