//! Refusals: each names the field, the value and the way out, and points at the right bytes.
//!
//! Units: byte ranges of the pattern as given, shown as the text they cover.
//! Not here: which patterns every other program refuses too (`calendar`).
//! Source: the mistakes in RELIABILITY section 5.1 and in the failure catalogue.

use chimewheel::calendar::{Cron, DialectChoice, Zone};
use proptest::prelude::*;

/// Checks the message, the text at fault and the hint.
fn check(text: &str, choice: DialectChoice, message: &str, fault: &str, hint: &str) {
    let error = match Cron::parse(text, choice, Zone::UTC) {
        Ok(cron) => panic!("{text} was read as {}", cron.describe()),
        Err(error) => error,
    };
    assert_eq!(error.message, message, "{text}");
    assert_eq!(&text[error.at.clone()], fault, "{text}: {error:?}");
    assert_eq!(error.hint.as_deref(), Some(hint), "{text}");
}

fn auto(text: &str, message: &str, fault: &str, hint: &str) {
    check(text, DialectChoice::Auto, message, fault, hint);
}

#[test]
fn values_out_of_range() {
    auto("0 25 * * *", "hour 25 is out of range", "25", "hours are 0 to 23");
    auto("60 * * * *", "minute 60 is out of range", "60", "minutes are 0 to 59");
    auto("0 0 1,32 * *", "day of month 32 is out of range", "32", "days of the month are 1 to 31");
    auto("0 0 * * 8", "weekday 8 is out of range", "8", "weekdays are 0 to 7 (0 and 7 are Sunday) or SUN to SAT");
    auto("0 0 0 ? * 0", "weekday 0 is out of range", "0", "weekdays are 1 to 7 (1 is Sunday) or SUN to SAT");
    auto("0 0 0 1 1 ? 1969", "year 1969 is out of range", "1969", "years are 1970 to 2199");
    auto("99999999999 * * * *", "minute 99999999999 is out of range", "99999999999", "minutes are 0 to 59");
}

#[test]
fn names_written_out() {
    auto("0 9 * * monday", "weekday 'monday' is written out", "monday", "write MON");
    auto("0 0 * * friday", "weekday 'friday' is written out", "friday", "write FRI");
    auto("0 9 1 January-MAR *", "month 'January' is written out", "January", "write JAN");
    auto("0 0 9 ? * Foo", "'Foo' is not a weekday", "Foo", "weekdays are 1 to 7 (1 is Sunday) or SUN to SAT");
}

#[test]
fn typing_mistakes() {
    let dash = "a range takes a plain -; weekdays are 0 to 7 (0 and 7 are Sunday) or SUN to SAT";
    auto("0 9 * * MON–FRI", "'MON–FRI' is not a weekday", "MON–FRI", dash);
    auto("0 9 * * ٣", "'٣' is not a weekday", "٣", "weekdays are 0 to 7 (0 and 7 are Sunday) or SUN to SAT");
    auto("1_0 * * * *", "'1_0' is not a minute", "1_0", "minutes are 0 to 59");
    auto(
        "@dialy",
        "'@dialy' is not a time alias",
        "@dialy",
        "known are @yearly, @monthly, @weekly, @daily and @hourly",
    );
    auto("@every 5m", "'@every' is not a time alias", "@every", "write the interval as every: 30m instead of cron");
    auto("@daily 3", "'3' follows an alias", "3", "an alias stands alone");
    let years = "1970,1980,1999,2001,2010,2011,2050,2070,2099,2150,2155,2188";
    let runs = format!("year '{years}' names more than 5 separate runs");
    auto(&format!("0 0 0 1 1 ? {years}"), &runs, years, "write a range or a step, or make two schedules");
    let long = "1,".repeat(256) + "1 * * * *";
    auto(&long, "the pattern is longer than 512 characters", &long, "write ranges and steps instead of long lists");
}

#[test]
fn steps_and_ranges() {
    auto("*/0 * * * *", "minute step 0 in '*/0' never moves on", "*/0", "a step is 1 to 59");
    auto("*/61 * * * *", "minute step 61 is too big", "61", "a step of the minute field is at most 59");
    auto("0 0/24 * * *", "hour step 24 is too big", "24", "a step of the hour field is at most 23");
    auto("1/ * * * *", "minute '1/' has no step after /", "1/", "after / write a whole number, 1 to 59");
    auto("*/-2 * * * *", "minute '*/-2' has no step after /", "*/-2", "after / write a whole number, 1 to 59");
    auto("0 22-2 * * *", "hour range '22-2' runs backwards", "22-2", "write 22-23,0-2");
    auto("0 0 * * FRI-MON", "weekday range 'FRI-MON' runs backwards", "FRI-MON", "write FRI-SUN,MON-MON");
    auto("0 0 * * 5-0", "weekday range '5-0' runs backwards", "5-0", "write 5-7");
    auto("0 0 0 1 1 ? 2030-2020", "year range '2030-2020' runs backwards", "2030-2020", "put the earlier year first");
    auto("-5 * * * *", "'-5' is not a minute", "-5", "negative values do not exist; minutes are 0 to 59");
    auto("1,, * * * *", "the minute field has an empty place", "", "minutes are 0 to 59");
}

#[test]
fn day_fields() {
    let put = "put ? in one of the day fields";
    auto("0 0 9 * * *", "day of month and weekday are both set", "* * *", &format!("{put}: 0 0 9 * * ?"));
    auto("0 0 9 * * MON", "day of month and weekday are both set", "* * MON", &format!("{put}: 0 0 9 ? * MON"));
    let two = format!("{put}; for either day make two schedules");
    auto("0 0 9 1 * MON", "day of month and weekday are both set", "1 * MON", &two);
    auto("0 0 9 ? * ?", "day of month and weekday are both '?'", "?", "put * or a value in one of the day fields");
    auto("0 9 ? * 1", "'?' is not a day of month", "?", "write * instead; ? belongs to Quartz patterns");
    let alone = "? stands alone, and only in the day of month or the weekday";
    auto("? 0 9 * * ?", "'?' is not a second", "?", alone);
    let list = "keep it alone in the weekday field, or make one schedule for each";
    auto("0 0 9 ? * 2#1,6#3", "weekday '2#1' cannot stand in a list in Quartz", "2#1", list);
    let week = "after # write 1 to 5, or L after the weekday for the last one";
    auto("0 9 * * FRI#6", "weekday 'FRI#6' names no week of the month", "FRI#6", week);
    let end = "write L for the last day, L-1 to L-30 before it, LW for the last working day";
    auto("0 0 9 L-31 * ?", "day of month 'L-31' is not a day counted from the end", "L-31", end);
    let single = "write for example 15W or LW; W takes one day, not a range";
    auto("0 0 9 1-5W * ?", "'1-5W' names no single day before W", "1-5W", single);
    let lone = "write for example 5L for the last Friday, or 6 for Saturday";
    auto("0 9 * * L", "weekday 'L' names no day", "L", lone);
}

#[test]
fn field_counts() {
    let both = "Unix: minute hour day month weekday; Quartz: second minute hour day month weekday [year]";
    let wanted = "a pattern has 5 fields (Unix) or 6 or 7 (Quartz), this one has 3 fields";
    auto("  kilroy was here ", wanted, "kilroy was here", both);
    auto("", "the pattern is empty", "", "write for example 0 9 * * MON-FRI");
    auto(
        "@reboot",
        "'@reboot' is not a time alias",
        "@reboot",
        "a schedule is due at times, not at starts; use @hourly or another time",
    );
    let quartz = |text, hint| {
        let message = "a Quartz pattern has 6 or 7 fields, this one has 5 fields";
        check(text, DialectChoice::Quartz, message, text, hint);
    };
    quartz("0 9 * * MON-FRI", "as Quartz: 0 0 9 ? * MON-FRI");
    quartz("0 9 * * 1-5", "as Quartz: 0 0 9 ? * MON-FRI");
    quartz("*/5 * * * *", "as Quartz: 0 */5 * * * ?");
    quartz("30 4 1,15 * *", "as Quartz: 0 30 4 1,15 * ?");
    quartz("0 0 * * 5-7", "as Quartz: 0 0 0 ? * FRI-SUN");
    quartz("0 0 * * 5L", "as Quartz: 0 0 0 ? * FRIL");
    quartz("0 0 * * 1#2", "as Quartz: 0 0 0 ? * MON#2");
    let none = "write second minute hour day month weekday [year], with ? in one day field";
    quartz("30 4 1,15 * 5", none);
    quartz("0 99 * * *", none);
    let alias = "'@daily' is a Unix alias, not a Quartz pattern";
    check("@daily", DialectChoice::Quartz, alias, "@daily", "as Quartz: 0 0 0 * * ?");
    let unix = "a Unix pattern has 5 fields, this one has 6 fields";
    let seconds = "with seconds first it is a Quartz pattern: choose that dialect";
    check("0 0 9 * * ?", DialectChoice::Unix, unix, "0 0 9 * * ?", seconds);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_is_answered(text in "\\PC{0,40}") {
        answered(&text);
    }

    #[test]
    fn near_patterns_are_answered(text in "[0-9*/,?LW#A-Cl @\\-]{0,24}( [0-9*,/LW#?-]{1,4}){4,6}") {
        answered(&text);
    }
}

/// Either a pattern that can be asked everything, or an error that points into the text.
fn answered(text: &str) {
    for choice in [DialectChoice::Auto, DialectChoice::Unix, DialectChoice::Quartz] {
        match Cron::parse(text, choice, Zone::UTC) {
            Ok(cron) => {
                let from = chimewheel::time::Timestamp::from_seconds(1_770_000_000);
                assert!(cron.next_after(from).is_none_or(|due| due > from));
                assert!(!cron.describe().is_empty());
            }
            Err(error) => {
                assert!(text.get(error.at.clone()).is_some() && !error.message.is_empty(), "{text}: {error:?}")
            }
        }
    }
}
