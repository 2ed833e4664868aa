//! Cron patterns, ours against four crates: reading one, finding the next time, giving up, and memory.
//!
//! `cargo bench --bench calendar` prints the tables and each bar of PERFORMANCE.md as met or missed; `-- --json`
//! prints the same as one JSON value.
//! Units: nanoseconds of one call, as the median of many passes; a pass asks for the next time after the same 1,000
//! instants of the years 2026 to 2031, which every crate gets in its own type, made beforehand.
//! Memory: the growth of the resident set of a process of its own while it reads and keeps 100,000 distinct patterns.
//! Invariant: what is compared is the same question. Every answer is checked against ours, and differences are
//! counted below the tables; a crate that refuses a text, or has no zones, has no figure there.
//! Not here: what the patterns mean (`tests/it/calendar*.rs`), instruction counts (`benches/instructions.rs`).

use std::hint::black_box;
use std::process::Command;
use std::str::FromStr;
use std::time::{Duration, Instant};

use chimewheel::calendar::{Cron, DialectChoice, Zone};
use chimewheel::time::Timestamp;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use jiff::Zoned;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z.
const FROM: i64 = 1_767_225_600;
/// Five years of seconds.
const SPAN: u64 = 5 * 365 * 86_400;
const INSTANTS: usize = 1000;
/// How long one figure may take to measure.
const BUDGET: Duration = Duration::from_millis(100);
const PASSES_MAX: usize = 200;
/// Patterns kept for the figure of memory.
const HELD: usize = 100_000;

const ZONES: [&str; 2] = ["UTC", "Europe/Berlin"];

/// A question, in the words of each crate.
struct Case {
    name: &'static str,
    kind: Kind,
    /// Ours: Unix or Quartz.
    ours: &'static str,
    croner: &'static str,
    /// `cron` and `jiff-cron`: seconds first, weekdays from 1 = Sunday.
    six: &'static str,
    /// Unix with weekdays from 1 = Sunday.
    saffron: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Typical,
    Rare,
    Never,
}

/// An empty text: the crate has no way to say it.
const CASES: &[Case] = &[
    case(Kind::Typical, "every minute", ["* * * * *", "* * * * *", "0 * * * * *", "* * * * *"]),
    case(Kind::Typical, "every 5 minutes", ["*/5 * * * *", "*/5 * * * *", "0 */5 * * * *", "*/5 * * * *"]),
    case(Kind::Typical, "every 30 seconds", ["0/30 * * * * ?", "*/30 * * * * *", "*/30 * * * * *", ""]),
    case(Kind::Typical, "daily 02:30", ["30 2 * * *", "30 2 * * *", "0 30 2 * * *", "30 2 * * *"]),
    case(
        Kind::Typical,
        "weekdays 9:00",
        ["0 9 * * MON-FRI", "0 9 * * MON-FRI", "0 0 9 * * MON-FRI", "0 9 * * MON-FRI"],
    ),
    case(
        Kind::Typical,
        "quarters, office hours",
        ["*/15 9-17 * * MON-FRI", "*/15 9-17 * * MON-FRI", "0 */15 9-17 * * MON-FRI", "*/15 9-17 * * MON-FRI"],
    ),
    case(Kind::Typical, "1st and 15th", ["0 6 1,15 * *", "0 6 1,15 * *", "0 0 6 1,15 * *", "0 6 1,15 * *"]),
    case(Kind::Rare, "New Year", ["0 0 1 1 *", "0 0 1 1 *", "0 0 0 1 1 *", "0 0 1 1 *"]),
    case(Kind::Rare, "29 February", ["0 0 29 2 *", "0 0 29 2 *", "0 0 0 29 2 *", "0 0 29 2 *"]),
    case(Kind::Rare, "last day", ["0 0 18 L * ?", "0 18 L * *", "", "0 18 L * *"]),
    case(Kind::Rare, "last working day", ["0 0 17 LW * ?", "0 17 LW * *", "", "0 17 LW * *"]),
    case(Kind::Rare, "nearest to the 15th", ["0 0 8 15W * ?", "0 8 15W * *", "", "0 8 15W * *"]),
    case(Kind::Rare, "third Friday", ["0 0 9 ? * 6#3", "0 9 * * 5#3", "", "0 9 * * 6#3"]),
    case(Kind::Rare, "last Friday", ["0 0 9 ? * 6L", "0 9 * * 5L", "", "0 9 * * 6L"]),
    case(Kind::Never, "30 February", ["0 0 30 2 *", "0 0 30 2 *", "0 0 0 30 2 *", "0 0 30 2 *"]),
    case(
        Kind::Never,
        "31st of short months",
        ["0 0 31 4,6,9,11 *", "0 0 31 4,6,9,11 *", "0 0 0 31 4,6,9,11 *", "0 0 31 4,6,9,11 *"],
    ),
    case(
        Kind::Never,
        "31 February, years named",
        ["0 0 9 31 2 ? 2026-2099", "0 0 9 31 2 * 2026-2099", "0 0 9 31 2 * 2026-2099", ""],
    ),
    case(Kind::Never, "a year gone by", ["0 0 0 1 1 ? 2020", "0 0 0 1 1 * 2020", "0 0 0 1 1 * 2020", ""]),
];

const fn case(kind: Kind, name: &'static str, texts: [&'static str; 4]) -> Case {
    let [ours, croner, six, saffron] = texts;
    Case { name, kind, ours, croner, six, saffron }
}

/// A crate that reads patterns and finds times.
trait Peer {
    const NAME: &'static str;
    type Pattern;
    type Instant;

    fn text(case: &Case) -> &'static str;
    /// Its text for minute, hour, date and month.
    fn text_of(date: [usize; 4]) -> String {
        let [minute, hour, day, month] = date;
        format!("{minute} {hour} {day} {month} *")
    }
    fn parse(text: &str, zone: &str) -> Option<Self::Pattern>;
    fn instant(seconds: i64, zone: &str) -> Option<Self::Instant>;
    fn next(pattern: &Self::Pattern, after: &Self::Instant) -> Option<i64>;
}

struct Ours;
struct Croner;
struct CronCrate;
struct JiffCron;
struct Saffron;

impl Peer for Ours {
    const NAME: &'static str = "chimewheel";
    type Pattern = Cron;
    type Instant = Timestamp;

    fn text(case: &Case) -> &'static str {
        case.ours
    }

    fn parse(text: &str, zone: &str) -> Option<Cron> {
        // The name of a zone is read once for many patterns, so not here.
        let zone = if zone == "UTC" { Zone::UTC } else { Zone::parse(zone).ok()? };
        Cron::parse(text, DialectChoice::Auto, zone).ok()
    }

    fn instant(seconds: i64, _zone: &str) -> Option<Timestamp> {
        Some(Timestamp::from_seconds(seconds))
    }

    fn next(pattern: &Cron, after: &Timestamp) -> Option<i64> {
        pattern.next_after(*after).map(|due| due.as_millis() / 1000)
    }
}

impl Peer for Croner {
    const NAME: &'static str = "croner";
    type Pattern = croner::Cron;
    type Instant = DateTime<Tz>;

    fn text(case: &Case) -> &'static str {
        case.croner
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

impl Peer for CronCrate {
    const NAME: &'static str = "cron";
    type Pattern = cron::Schedule;
    type Instant = DateTime<Tz>;

    fn text(case: &Case) -> &'static str {
        case.six
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

impl Peer for JiffCron {
    const NAME: &'static str = "jiff-cron";
    type Pattern = jiff_cron::Schedule;
    type Instant = Zoned;

    fn text(case: &Case) -> &'static str {
        case.six
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

impl Peer for Saffron {
    const NAME: &'static str = "saffron";
    type Pattern = saffron::Cron;
    type Instant = DateTime<Utc>;

    fn text(case: &Case) -> &'static str {
        case.saffron
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

/// What one crate did.
struct Measured {
    name: &'static str,
    /// For each case: nanoseconds to read it.
    compile: Vec<Option<f64>>,
    /// For each case and zone: nanoseconds to the next time.
    next: Vec<[Option<f64>; ZONES.len()]>,
    /// Answers unlike ours, in words.
    differences: Vec<String>,
    /// Bytes of the value itself.
    value_bytes: usize,
    /// Resident bytes of a pattern kept.
    held_bytes: Option<f64>,
}

/// The instants from which a next time is asked for: the same ones in every run.
fn instants() -> Vec<i64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    };
    (0..INSTANTS).map(|_| FROM + (next() % SPAN) as i64).collect()
}

/// The median, in nanoseconds of one call, of as many passes of `pass` as fit the budget. A pass makes at most
/// `calls` calls and is told how many.
fn median(calls: usize, mut pass: impl FnMut(usize)) -> f64 {
    let began = Instant::now();
    pass(1);
    // The first call fills caches; a crate that takes milliseconds for one gets fewer of them.
    let warm = Instant::now();
    pass(1);
    let calls = (BUDGET.as_nanos() / 8 / warm.elapsed().as_nanos().max(1)).clamp(1, calls as u128) as usize;
    let mut passes = Vec::new();
    while passes.len() < 3 || began.elapsed() < BUDGET && passes.len() < PASSES_MAX {
        let start = Instant::now();
        pass(calls);
        passes.push(start.elapsed().as_nanos() as f64 / calls as f64);
    }
    passes.sort_by(f64::total_cmp);
    passes[passes.len() / 2]
}

fn measure<P: Peer>(cases: &[&Case]) -> Measured {
    let (mut compile, mut next, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    for case in cases {
        let text = P::text(case);
        let readable = !text.is_empty() && P::parse(text, "UTC").is_some();
        if !text.is_empty() && !readable {
            differences.push(format!("refuses {text}"));
        }
        compile.push(readable.then(|| {
            median(INSTANTS, |calls| {
                for _ in 0..calls {
                    black_box(P::parse(black_box(text), "UTC"));
                }
            })
        }));
        next.push(ZONES.map(|zone| {
            let pattern = P::parse(text, zone).filter(|_| readable)?;
            let instants: Vec<P::Instant> = instants().into_iter().map_while(|at| P::instant(at, zone)).collect();
            if instants.is_empty() {
                return None;
            }
            let ns = median(instants.len(), |calls| {
                for instant in &instants[..calls] {
                    black_box(P::next(black_box(&pattern), black_box(instant)));
                }
            });
            differences.extend(difference::<P>(case, zone, &pattern, &instants, ns));
            Some(ns)
        }));
    }
    let held_bytes = held(P::NAME);
    Measured { name: P::NAME, compile, next, differences, value_bytes: size_of::<P::Pattern>(), held_bytes }
}

/// How many of a crate's answers are not ours.
fn difference<P: Peer>(
    case: &Case,
    zone: &str,
    pattern: &P::Pattern,
    instants: &[P::Instant],
    ns: f64,
) -> Option<String> {
    let ours = Ours::parse(case.ours, zone)?;
    // Slow ones are asked less often.
    let asked = ((1e9 / ns) as usize).clamp(3, instants.len());
    let pairs = std::iter::zip(self::instants(), instants).take(asked);
    let differ = pairs.filter(|(at, instant)| {
        P::next(pattern, instant) != ours.next_after(Timestamp::from_seconds(*at)).map(|due| due.as_millis() / 1000)
    });
    let differ = differ.count();
    (differ > 0).then(|| format!("{} in {zone}: {differ} of {asked} answers are not ours", case.name))
}

/// Bytes that a process of its own grew by for each of many patterns it kept.
fn held(name: &str) -> Option<f64> {
    let own = std::env::current_exe().ok()?;
    let output = Command::new(own).args(["--hold", name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn hold<P: Peer>(wanted: &str) {
    if P::NAME != wanted {
        return;
    }
    let texts: Vec<String> =
        (0..HELD).map(|n| P::text_of([n % 60, n / 60 % 24, 1 + n / 1440 % 28, 1 + n / 40_320])).collect();
    // What the first one sets up is no pattern's own.
    let first = P::parse(&texts[0], "UTC");
    let mut kept = Vec::with_capacity(HELD);
    let before = resident();
    kept.extend(texts.iter().filter_map(|text| P::parse(text, "UTC")));
    let after = resident();
    assert_eq!(kept.len(), HELD, "{} refuses some", P::NAME);
    black_box((first, kept));
    println!("{}", (after - before) / HELD as f64);
}

/// Bytes of this process that are in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib = line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) * 1024.0
}

/// What a bar asks for and what was measured.
struct Bar {
    what: &'static str,
    most: f64,
    measured: f64,
    unit: &'static str,
}

fn bars(cases: &[&Case], ours: &Measured) -> Vec<Bar> {
    let worst = |figures: &mut dyn Iterator<Item = Option<f64>>| figures.flatten().fold(0.0, f64::max);
    let of_kind = |kind: Kind| {
        let figures = std::iter::zip(cases, &ours.next);
        figures.filter(move |(case, _)| case.kind == kind).map(|(_, next)| *next)
    };
    vec![
        Bar {
            what: "compile, the slowest pattern",
            most: 30.0,
            measured: worst(&mut ours.compile.iter().copied()) / 1e3,
            unit: "µs",
        },
        Bar {
            what: "next in Europe/Berlin, the slowest typical pattern",
            most: 250.0,
            measured: worst(&mut of_kind(Kind::Typical).map(|next| next[1])),
            unit: "ns",
        },
        Bar {
            what: "an impossible pattern answered, the slowest",
            most: 1.0,
            measured: worst(&mut of_kind(Kind::Never).flatten()) / 1e6,
            unit: "ms",
        },
        Bar { what: "compiled pattern", most: 64.0, measured: Cron::COMPILED_BYTES as f64, unit: "bytes" },
    ]
}

/// A figure with three digits that count.
fn figure(ns: Option<f64>) -> String {
    match ns {
        None => "-".to_owned(),
        Some(ns) if ns < 1e3 => format!("{ns:.0} ns"),
        Some(ns) if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        Some(ns) => format!("{:.1} ms", ns / 1e6),
    }
}

fn print_table(title: &str, cases: &[&Case], all: &[Measured], cell: impl Fn(&Measured, usize) -> Option<f64>) {
    print!("\n{title:<30}");
    all.iter().for_each(|peer| print!("{:>12}", peer.name));
    println!();
    for (row, case) in cases.iter().enumerate() {
        print!("  {:<28}", case.name);
        all.iter().for_each(|peer| print!("{:>12}", figure(cell(peer, row))));
        println!();
    }
}

fn print_report(cases: &[&Case], all: &[Measured], bars: &[Bar], zone_ns: f64) {
    print_table("compile", cases, all, |peer, row| peer.compile[row]);
    for (at, zone) in ZONES.iter().enumerate() {
        print_table(&format!("next, {zone}"), cases, all, |peer, row| peer.next[row][at]);
    }
    println!("\n{:<30}{:>12}{:>20}", "bytes a pattern", "value", "resident, 100k kept");
    for peer in all {
        let held = peer.held_bytes.map_or("-".to_owned(), |bytes| format!("{bytes:.0}"));
        println!("  {:<28}{:>12}{:>20}", peer.name, peer.value_bytes, held);
    }
    println!("\nOurs keeps text, dialect and zone beside the {} compiled bytes.", Cron::COMPILED_BYTES);
    println!("The first question in a zone builds its history once for all patterns: {}.", figure(Some(zone_ns)));
    for peer in all {
        peer.differences.iter().for_each(|difference| println!("{}: {difference}", peer.name));
    }
    println!();
    for bar in bars {
        let verdict = if bar.measured <= bar.most { "met" } else { "MISSED" };
        println!("{verdict:<7} {}: {:.3} {}, at most {}", bar.what, bar.measured, bar.unit, bar.most);
    }
}

fn as_json(cases: &[&Case], all: &[Measured], bars: &[Bar], zone_ns: f64) -> Value {
    let crates = all.iter().map(|peer| {
        let figures = cases.iter().enumerate().map(|(row, case)| {
            json!({ "case": case.name, "compile_ns": peer.compile[row], "next_utc_ns": peer.next[row][0],
                "next_zone_ns": peer.next[row][1] })
        });
        json!({ "crate": peer.name, "value_bytes": peer.value_bytes, "held_bytes": peer.held_bytes,
            "differences": peer.differences, "cases": figures.collect::<Vec<_>>() })
    });
    let bars = bars.iter().map(|bar| {
        json!({ "what": bar.what, "at_most": bar.most, "measured": bar.measured, "unit": bar.unit,
            "met": bar.measured <= bar.most })
    });
    json!({ "zone": ZONES[1], "zone_first_use_ns": zone_ns, "crates": crates.collect::<Vec<_>>(),
        "bars": bars.collect::<Vec<_>>() })
}

/// What the first question in a zone costs beyond a later one.
fn zone_first_use() -> f64 {
    let took = ["America/New_York", "Australia/Sydney", "Africa/Casablanca"].map(|zone| {
        let cron = Ours::parse("0 9 * * *", zone);
        let start = Instant::now();
        black_box(cron.and_then(|cron| cron.next_after(Timestamp::from_seconds(FROM))));
        start.elapsed().as_nanos() as f64
    });
    took.into_iter().fold(0.0, f64::max)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--hold") {
        let name = arguments.get(at + 1).map_or("", String::as_str);
        hold::<Ours>(name);
        hold::<Croner>(name);
        hold::<CronCrate>(name);
        hold::<JiffCron>(name);
        hold::<Saffron>(name);
        return;
    }
    let zone_ns = zone_first_use();
    let cases: Vec<&Case> = CASES.iter().collect();
    let all = [
        measure::<Ours>(&cases),
        measure::<Croner>(&cases),
        measure::<CronCrate>(&cases),
        measure::<JiffCron>(&cases),
        measure::<Saffron>(&cases),
    ];
    let bars = bars(&cases, &all[0]);
    if arguments.iter().any(|argument| argument == "--json") {
        println!("{:#}", as_json(&cases, &all, &bars, zone_ns));
    } else {
        print_report(&cases, &all, &bars, zone_ns);
    }
}
