//! Cron patterns, ours beside four crates: `cargo bench --bench calendar`.
//!
//! The questions and the report are the program's own (`chimewheel::surface::bench::cron`); here are those who can take
//! part only where their crates are, and the questions in their words.
//! Options: `--budget MS`, `--json`, after `--`. Those of the wheel's bench are taken and not heeded, so that one
//! command prints all bars: `cargo bench --bench wheel --bench calendar -- --timers 10000000`.
//! Not here: what the patterns mean (`tests/it/calendar*.rs`), instruction counts (`benches/instructions.rs`).

use std::process::ExitCode;
use std::str::FromStr;

use chimewheel::surface::bench::cron::{Case, CronContest, CronEntrant, Matcher, Own};
use chimewheel::surface::bench::{Contest, Report};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::Parser;
use jiff::Zoned;
use jiff::tz::TimeZone;

/// The command line.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    contest: CronContest,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Options of the wheel's bench, not heeded")]
    _wheel: Contest,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let entrants = [
        CronEntrant::of::<Own>(),
        CronEntrant::of::<Croner>(),
        CronEntrant::of::<CronCrate>(),
        CronEntrant::of::<JiffCron>(),
        CronEntrant::of::<Saffron>(),
    ];
    Report::conclude(options.contest.run(&entrants, &[]), options.json)
}

const CRONER: usize = 0;
/// `cron` and `jiff-cron`: seconds first, weekdays from 1 = Sunday.
const SIX: usize = 1;
/// Unix with weekdays from 1 = Sunday.
const SAFFRON: usize = 2;

/// A question in the words of the crates; `None` where one has no way to say it.
fn words(case: &Case) -> [Option<&'static str>; 3] {
    match case.name {
        "every minute" => [Some("* * * * *"), Some("0 * * * * *"), Some("* * * * *")],
        "every 5 minutes" => [Some("*/5 * * * *"), Some("0 */5 * * * *"), Some("*/5 * * * *")],
        "every 30 seconds" => [Some("*/30 * * * * *"), Some("*/30 * * * * *"), None],
        "daily 02:30" => [Some("30 2 * * *"), Some("0 30 2 * * *"), Some("30 2 * * *")],
        "weekdays 9:00" => [Some("0 9 * * MON-FRI"), Some("0 0 9 * * MON-FRI"), Some("0 9 * * MON-FRI")],
        "quarters, office hours" => {
            [Some("*/15 9-17 * * MON-FRI"), Some("0 */15 9-17 * * MON-FRI"), Some("*/15 9-17 * * MON-FRI")]
        }
        "1st and 15th" => [Some("0 6 1,15 * *"), Some("0 0 6 1,15 * *"), Some("0 6 1,15 * *")],
        "New Year" => [Some("0 0 1 1 *"), Some("0 0 0 1 1 *"), Some("0 0 1 1 *")],
        "29 February" => [Some("0 0 29 2 *"), Some("0 0 0 29 2 *"), Some("0 0 29 2 *")],
        "last day" => [Some("0 18 L * *"), None, Some("0 18 L * *")],
        "last working day" => [Some("0 17 LW * *"), None, Some("0 17 LW * *")],
        "nearest to the 15th" => [Some("0 8 15W * *"), None, Some("0 8 15W * *")],
        "third Friday" => [Some("0 9 * * 5#3"), None, Some("0 9 * * 6#3")],
        "last Friday" => [Some("0 9 * * 5L"), None, Some("0 9 * * 6L")],
        "30 February" => [Some("0 0 30 2 *"), Some("0 0 0 30 2 *"), Some("0 0 30 2 *")],
        "31st of short months" => [Some("0 0 31 4,6,9,11 *"), Some("0 0 0 31 4,6,9,11 *"), Some("0 0 31 4,6,9,11 *")],
        "31 February, years named" => [Some("0 0 9 31 2 * 2026-2099"), Some("0 0 9 31 2 * 2026-2099"), None],
        "a year gone by" => [Some("0 0 0 1 1 * 2020"), Some("0 0 0 1 1 * 2020"), None],
        unknown => panic!("nobody said {unknown} in the words of the crates"),
    }
}

struct Croner;
struct CronCrate;
struct JiffCron;
struct Saffron;

impl Matcher for Croner {
    const NAME: &'static str = "croner";
    type Pattern = croner::Cron;
    type Instant = DateTime<Tz>;

    fn text(case: &Case) -> Option<&'static str> {
        words(case)[CRONER]
    }

    fn parse(text: &str, _zone: &str) -> Option<croner::Cron> {
        croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Optional)
            .year(croner::parser::Year::Optional)
            .build()
            .parse(text)
            .ok()
    }

    fn instant(seconds: i64, zone: &str) -> Option<DateTime<Tz>> {
        Some(DateTime::from_timestamp(seconds, 0)?.with_timezone(&zone.parse().ok()?))
    }

    fn next(pattern: &croner::Cron, after: &DateTime<Tz>) -> Option<i64> {
        pattern.find_next_occurrence(after, false).ok().map(|due| due.timestamp())
    }
}

impl Matcher for CronCrate {
    const NAME: &'static str = "cron";
    type Pattern = cron::Schedule;
    type Instant = DateTime<Tz>;

    fn text(case: &Case) -> Option<&'static str> {
        words(case)[SIX]
    }

    fn text_of([minute, hour, day, month]: [usize; 4]) -> String {
        format!("0 {minute} {hour} {day} {month} *")
    }

    fn parse(text: &str, _zone: &str) -> Option<cron::Schedule> {
        cron::Schedule::from_str(text).ok()
    }

    fn instant(seconds: i64, zone: &str) -> Option<DateTime<Tz>> {
        Croner::instant(seconds, zone)
    }

    fn next(pattern: &cron::Schedule, after: &DateTime<Tz>) -> Option<i64> {
        pattern.after(after).next().map(|due| due.timestamp())
    }
}

impl Matcher for JiffCron {
    const NAME: &'static str = "jiff-cron";
    type Pattern = jiff_cron::Schedule;
    type Instant = Zoned;

    fn text(case: &Case) -> Option<&'static str> {
        words(case)[SIX]
    }

    fn text_of(date: [usize; 4]) -> String {
        CronCrate::text_of(date)
    }

    fn parse(text: &str, _zone: &str) -> Option<jiff_cron::Schedule> {
        jiff_cron::Schedule::from_str(text).ok()
    }

    fn instant(seconds: i64, zone: &str) -> Option<Zoned> {
        Some(jiff::Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::get(zone).ok()?))
    }

    fn next(pattern: &jiff_cron::Schedule, after: &Zoned) -> Option<i64> {
        pattern.after(after.clone()).next().map(|due| due.timestamp().as_second())
    }
}

impl Matcher for Saffron {
    const NAME: &'static str = "saffron";
    type Pattern = saffron::Cron;
    type Instant = DateTime<Utc>;

    fn text(case: &Case) -> Option<&'static str> {
        words(case)[SAFFRON]
    }

    fn parse(text: &str, _zone: &str) -> Option<saffron::Cron> {
        saffron::Cron::from_str(text).ok()
    }

    fn instant(seconds: i64, zone: &str) -> Option<DateTime<Utc>> {
        if zone == "UTC" { DateTime::from_timestamp(seconds, 0) } else { None }
    }

    fn next(pattern: &saffron::Cron, after: &DateTime<Utc>) -> Option<i64> {
        pattern.next_after(*after).map(|due| due.timestamp())
    }
}
