//! Counts the instructions of the hot operations under valgrind and compares them with the committed figures.
//!
//! `.ci/instructions` runs it; `.ci/instructions --update` writes new figures, in one command, after a change that was
//! meant to move them.
//! Units: instructions of one call, averaged over the calls of a workload. They hardly depend on the machine or on
//! what else it does, unlike nanoseconds.
//! How: each workload runs in two processes under `cachegrind`, once with only what it sets up and once with its
//! calls too; the difference is the calls'.
//! Invariant: a figure that moved by more than `TOLERANCE`, up or down, fails: down, because a stale figure would
//! hide the next step up. Figures of another compiler may be off by `TOLERANCE_OTHER_COMPILER`.
//! Not here: time and memory (`benches/calendar.rs`, `benches/wheel.rs`).
//! Source: valgrind's cachegrind; gungraun does the same, but keeps its figures outside the repository.

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::{Command, ExitCode};

use chimewheel::calendar::{Cron, DialectChoice, Zone};
use chimewheel::time::Timestamp;
use chimewheel::wheel::{Key, Next, Wheel};

const TOLERANCE: f64 = 0.03;
const TOLERANCE_OTHER_COMPILER: f64 = 0.15;
const FIGURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.toml");

/// 2026-01-01T00:00:00Z in milliseconds, the first tick.
const START: u64 = 1_767_225_600_000;
const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
const YEAR: u64 = 365 * 24 * HOUR;
const TIMERS: usize = 100_000;
/// As many fired as one turn of the program takes.
const TURN: usize = 4096;

/// One kind of call, made many times.
struct Workload {
    name: &'static str,
    calls: usize,
    /// Sets up and, when told to, makes the calls.
    run: fn(calls: bool),
}

const WORKLOADS: &[Workload] = &[
    Workload { name: "wheel_insert", calls: TIMERS, run: insert },
    Workload { name: "wheel_insert_warm", calls: TIMERS, run: insert_warm },
    Workload { name: "wheel_bulk_load", calls: TIMERS, run: bulk_load },
    Workload { name: "wheel_cancel", calls: TIMERS, run: cancel },
    Workload { name: "wheel_rearm", calls: TIMERS, run: rearm },
    Workload { name: "wheel_fire", calls: TIMERS, run: fire },
    Workload { name: "wheel_fire_one_tick", calls: TIMERS, run: fire_one_tick },
    Workload { name: "wheel_hold", calls: TIMERS, run: hold },
    Workload { name: "wheel_idle_tick", calls: TIMERS, run: idle_tick },
    Workload { name: "wheel_next_expiry", calls: TIMERS, run: next_expiry },
    Workload { name: "cron_compile", calls: TYPICAL.len() * 1000, run: cron_compile },
    Workload {
        name: "cron_next_utc",
        calls: TYPICAL.len() * INSTANTS,
        run: |calls| cron_next(TYPICAL, Zone::UTC, calls),
    },
    Workload {
        name: "cron_next_zone",
        calls: TYPICAL.len() * INSTANTS,
        run: |calls| cron_next(TYPICAL, zone(), calls),
    },
    Workload { name: "cron_next_rare", calls: RARE.len() * INSTANTS, run: |calls| cron_next(RARE, zone(), calls) },
    Workload { name: "cron_next_never", calls: NEVER.len() * INSTANTS, run: |calls| cron_next(NEVER, zone(), calls) },
    Workload { name: "cron_count_year", calls: TYPICAL.len() * 100, run: cron_count_year },
];

const TYPICAL: &[&str] = &[
    "* * * * *",
    "*/5 * * * *",
    "0/30 * * * * ?",
    "30 2 * * *",
    "0 9 * * MON-FRI",
    "*/15 9-17 * * MON-FRI",
    "0 6 1,15 * *",
];
const RARE: &[&str] = &["0 0 1 1 *", "0 0 29 2 *", "0 0 17 LW * ?", "0 0 8 15W * ?", "0 0 9 ? * 6#3", "0 0 9 ? * 6L"];
const NEVER: &[&str] = &["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 0 1 1 ? 2020"];
const INSTANTS: usize = 2000;

/// xorshift64*: the same numbers in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A span between a second and a year, of any order of magnitude alike.
    fn span(&mut self) -> u64 {
        loop {
            let base = 1 << (9 + self.next() % 27);
            let span = base + self.next() % base;
            if (SECOND..YEAR).contains(&span) {
                return span;
            }
        }
    }
}

fn deadlines() -> Vec<u64> {
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    (0..TIMERS).map(|_| START + chance.span()).collect()
}

fn full_wheel() -> (Wheel<u64>, Vec<Key>) {
    let mut wheel = Wheel::new(START);
    let mut keys: Vec<Key> = deadlines().into_iter().map(|deadline| wheel.insert(deadline, deadline)).collect();
    let mut chance = Chance(7);
    for at in (1..keys.len()).rev() {
        keys.swap(at, (chance.next() % (at as u64 + 1)) as usize);
    }
    (wheel, keys)
}

fn drain(wheel: &mut Wheel<u64>, now: u64) {
    while wheel
        .advance(now, TURN, |_, _, value| {
            black_box(value);
            Next::Drop
        })
        .more
    {}
}

fn insert(calls: bool) {
    let (mut wheel, deadlines) = (Wheel::new(START), deadlines());
    if calls {
        for &deadline in &deadlines {
            black_box(wheel.insert(deadline, deadline));
        }
    }
    black_box(wheel);
}

fn insert_warm(calls: bool) {
    let (mut wheel, _) = full_wheel();
    let deadlines = deadlines();
    drain(&mut wheel, START + YEAR);
    if calls {
        for &deadline in &deadlines {
            black_box(wheel.insert(deadline + YEAR, deadline));
        }
    }
    black_box(wheel);
}

fn bulk_load(calls: bool) {
    let (mut wheel, mut deadlines) = (Wheel::new(START), deadlines());
    deadlines.sort_unstable();
    if calls {
        wheel.bulk_load(deadlines.iter().map(|&deadline| (deadline, deadline)));
    }
    black_box(wheel);
}

fn cancel(calls: bool) {
    let (mut wheel, keys) = full_wheel();
    if calls {
        for &key in &keys {
            black_box(wheel.cancel(key));
        }
    }
    black_box(wheel);
}

fn rearm(calls: bool) {
    let ((mut wheel, keys), deadlines) = (full_wheel(), deadlines());
    if calls {
        for (&key, &deadline) in std::iter::zip(&keys, &deadlines) {
            black_box(wheel.rearm(key, deadline));
        }
    }
    black_box(wheel);
}

fn fire(calls: bool) {
    let (mut wheel, _) = full_wheel();
    if calls {
        drain(&mut wheel, START + YEAR);
    }
    black_box(wheel);
}

fn fire_one_tick(calls: bool) {
    let mut wheel = Wheel::new(START);
    for value in 0..TIMERS as u64 {
        wheel.insert(START + HOUR, value);
    }
    if calls {
        drain(&mut wheel, START + HOUR);
    }
    black_box(wheel);
}

/// Each timer that fires is armed anew.
fn hold(calls: bool) {
    let ((mut wheel, _), mut chance) = (full_wheel(), Chance(11));
    let (mut left, mut now) = (TIMERS, START);
    while calls && left > 0 {
        now += SECOND;
        left -= wheel.advance(now, left, |deadline, _, _| Next::Rearm(deadline + 1 + chance.next() % HOUR)).fired;
    }
    black_box(wheel);
}

/// A tick of a full wheel at which nothing is due.
fn idle_tick(calls: bool) {
    let mut wheel = Wheel::new(START);
    for deadline in deadlines() {
        wheel.insert(deadline + HOUR, deadline);
    }
    if calls {
        for tick in 1..=TIMERS as u64 {
            black_box(wheel.advance(START + tick, TURN, |_, _, _| Next::Drop));
        }
    }
    black_box(wheel);
}

fn next_expiry(calls: bool) {
    let (wheel, _) = full_wheel();
    if calls {
        for _ in 0..TIMERS {
            black_box(black_box(&wheel).next_expiry());
        }
    }
    black_box(wheel);
}

fn zone() -> Zone {
    Zone::parse("Europe/Berlin").expect("a zone")
}

fn patterns(texts: &[&str], zone: Zone) -> Vec<Cron> {
    texts.iter().map(|text| Cron::parse(text, DialectChoice::Auto, zone).expect("a pattern")).collect()
}

fn cron_compile(calls: bool) {
    let warm = patterns(TYPICAL, Zone::UTC);
    for _ in 0..if calls { 1000 } else { 0 } {
        for text in TYPICAL {
            let _ = black_box(Cron::parse(black_box(text), DialectChoice::Auto, Zone::UTC));
        }
    }
    black_box(warm);
}

/// The next times after instants of five years.
fn cron_next(texts: &[&str], zone: Zone, calls: bool) {
    let (patterns, mut chance) = (patterns(texts, zone), Chance(13));
    let instants: Vec<Timestamp> =
        (0..INSTANTS).map(|_| Timestamp::from_tick(START + chance.next() % (5 * YEAR))).collect();
    // The first question builds the history of the zone.
    black_box(patterns[0].next_after(instants[0]));
    if calls {
        for pattern in &patterns {
            for &instant in &instants {
                black_box(pattern.next_after(instant));
            }
        }
    }
}

fn cron_count_year(calls: bool) {
    let patterns = patterns(TYPICAL, zone());
    black_box(patterns[0].next_after(Timestamp::from_tick(START)));
    for n in 0..if calls { 100 } else { 0 } {
        let after = Timestamp::from_tick(START + n * HOUR);
        for pattern in &patterns {
            black_box(pattern.count_in(after, Timestamp::from_tick(START + n * HOUR + YEAR)));
        }
    }
}

/// Instructions of one call.
fn measure(workload: &Workload) -> Result<f64, String> {
    // The two processes need not wait for each other.
    let (setup, whole) = std::thread::scope(|scope| {
        let setup = scope.spawn(|| instructions(&[workload.name, "--setup"]));
        let whole = instructions(&[workload.name]);
        (setup.join(), whole)
    });
    let setup = setup.map_err(|_| "a thread panicked".to_owned())??;
    Ok((whole? as f64 - setup as f64) / workload.calls as f64)
}

/// Instructions of this program with these arguments.
fn instructions(arguments: &[&str]) -> Result<u64, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(own)
        .args(arguments)
        .output()
        .map_err(|error| format!("valgrind: {error}; .ci/instructions installs it"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    // The line is `==123== I   refs:      1,234,567`.
    let refs = text.lines().find_map(|line| line.split_once("refs:").filter(|(name, _)| name.contains(" I ")));
    let digits = refs.map(|(_, count)| count.chars().filter(char::is_ascii_digit).collect::<String>());
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("{arguments:?} under valgrind ended with {}:\n{text}", output.status)),
    }
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The committed figures and the compiler they were taken with.
fn committed() -> Result<(toml::Table, String), String> {
    let text = std::fs::read_to_string(FIGURES).map_err(|error| format!("{FIGURES}: {error}"))?;
    let table: toml::Table = text.parse().map_err(|error| format!("{FIGURES}: {error}"))?;
    let figures = table.get("instructions").and_then(|figures| figures.as_table()).cloned().unwrap_or_default();
    Ok((figures, table.get("rustc").and_then(|rustc| rustc.as_str()).unwrap_or_default().to_owned()))
}

fn update(measured: &[f64]) -> Result<(), String> {
    let mut text = String::from("# Instructions of one call, written by `.ci/instructions --update`.\n");
    let _ = writeln!(text, "rustc = \"{}\"\n\n[instructions]", compiler());
    for (workload, figure) in std::iter::zip(WORKLOADS, measured) {
        let _ = writeln!(text, "{} = {figure:.1}", workload.name);
    }
    std::fs::write(FIGURES, text).map_err(|error| format!("{FIGURES}: {error}"))
}

/// Prints each figure beside the committed one; says which moved too far.
fn compare(measured: &[f64]) -> Result<(), String> {
    let (figures, rustc) = committed()?;
    let same = rustc == compiler();
    let tolerance = if same { TOLERANCE } else { TOLERANCE_OTHER_COMPILER };
    println!("committed figures are of {rustc}{}", if same { "" } else { ", which is not this compiler" });
    println!("{:<22}{:>12}{:>12}{:>9}", "instructions a call", "committed", "now", "change");
    let mut moved = Vec::new();
    for (workload, &now) in std::iter::zip(WORKLOADS, measured) {
        let before = figures.get(workload.name).and_then(toml::Value::as_float);
        let change = before.map(|before| (now - before) / before);
        let shown = change.map_or("new".to_owned(), |change| format!("{:+.1} %", change * 100.0));
        println!("{:<22}{:>12.1}{now:>12.1}{shown:>9}", workload.name, before.unwrap_or(f64::NAN));
        if change.is_none_or(|change| change.abs() > tolerance) {
            moved.push(format!("{} {shown}", workload.name));
        }
    }
    if moved.is_empty() {
        println!("all within {:.0} %", tolerance * 100.0);
        return Ok(());
    }
    Err(format!(
        "moved by more than {:.0} %: {}\nif that was meant, run .ci/instructions --update and commit the figures",
        tolerance * 100.0,
        moved.join(", ")
    ))
}

fn run(arguments: &[String]) -> Result<(), String> {
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    if let Some(workload) = WORKLOADS.iter().find(|workload| has(workload.name)) {
        (workload.run)(!has("--setup"));
        return Ok(());
    }
    if !cfg!(target_arch = "x86_64") {
        println!("the committed figures are of x86-64; nothing to compare here");
        return Ok(());
    }
    let measured: Vec<f64> = WORKLOADS.iter().map(measure).collect::<Result<_, _>>()?;
    if has("--update") {
        update(&measured)?;
    }
    compare(&measured)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
