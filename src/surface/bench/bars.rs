//! What was to be reached, as met or missed; and the form of every report.
//!
//! Invariant: a bar is judged by figures of the same run, and whatever is measured prints its bars in the same words.
//! Not here: which bars there are (`report` for the wheel, `cron` for cron patterns, `hooks`, `engine`).

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use crate::surface::error::Error;

/// The unit of a rate.
const PER_SECOND: &str = "/s";

/// What a measurement came to, for people and for programs.
#[derive(Clone, Debug)]
pub struct Report {
    /// Tables and verdicts.
    pub text: String,
    /// The same as one value.
    pub json: Value,
}

impl Report {
    /// What a program reads that started another to measure for it.
    pub(super) fn of_child(json: Value) -> Self {
        Self { text: format!("{json}\n"), json }
    }

    /// Prints what a bench came to, and says how its process ends.
    pub fn conclude(outcome: Result<Self, Error>, json: bool) -> ExitCode {
        match outcome {
            Ok(report) => {
                print!("{}", report.shown(json));
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: {}", error.message);
                ExitCode::FAILURE
            }
        }
    }

    /// What to print.
    #[must_use]
    pub fn shown(&self, json: bool) -> String {
        if json { format!("{:#}\n", self.json) } else { self.text.clone() }
    }
}

/// One thing that was to be reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// What was measured.
    pub what: String,
    /// What was to be reached, as a number.
    pub bar: f64,
    /// What was reached: times better, or the figure itself.
    pub reached: f64,
    /// The unit of both; `x` for a ratio.
    pub unit: &'static str,
    /// Whether it was.
    pub met: bool,
}

impl Bar {
    /// A ratio that has to be reached.
    #[must_use]
    pub fn at_least(what: String, bar: f64, reached: f64) -> Self {
        Self { what, bar, reached, unit: "x", met: reached >= bar }
    }

    /// So many a second have to be reached.
    #[must_use]
    pub fn rate_at_least(what: &str, bar: f64, reached: f64) -> Self {
        Self { what: what.to_owned(), bar, reached, unit: PER_SECOND, met: reached >= bar }
    }

    /// A figure that must not be higher.
    #[must_use]
    pub fn at_most(what: &str, bar: f64, reached: f64, unit: &'static str) -> Self {
        Self { what: what.to_owned(), bar, reached, unit, met: reached <= bar }
    }
}

/// A line for each bar, and one that counts them.
#[must_use]
pub fn verdicts(bars: &[Bar]) -> String {
    let mut text = String::new();
    let width = bars.iter().map(|bar| bar.what.chars().count()).max().unwrap_or(0);
    for bar in bars {
        let verdict = if bar.met { "met   " } else { "missed" };
        let sense = if matches!(bar.unit, "x" | PER_SECOND) { "at least" } else { "at most" };
        // One that is missed by a hair is not written like one that is met.
        let hair = !bar.met && short(bar.reached) == short(bar.bar);
        let reached = if hair { grouped(&format!("{:.3}", bar.reached)) } else { short(bar.reached) };
        // Writing to a String cannot fail, here and below.
        let _ =
            writeln!(text, "{verdict}  {:<width$}  {reached} {} ({sense} {})", bar.what, bar.unit, short(bar.bar));
    }
    if !bars.is_empty() {
        let met = bars.iter().filter(|bar| bar.met).count();
        let _ = writeln!(text, "{met} of {} bars met", bars.len());
    }
    text
}

/// Three digits or so.
pub(super) fn short(figure: f64) -> String {
    let digits = match figure.abs() {
        small if small > 0.0 && small < 0.1 => 3,
        small if small < 10.0 => 1,
        _ => 0,
    };
    grouped(&format!("{figure:.digits$}"))
}

/// Nanoseconds with three digits that count, in the unit that suits.
pub(super) fn written(ns: Option<f64>) -> String {
    match ns {
        None => "-".to_owned(),
        Some(ns) if ns < 1e3 => format!("{ns:.0} ns"),
        Some(ns) if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        Some(ns) => format!("{:.1} ms", ns / 1e6),
    }
}

/// Puts a comma before every third digit of the whole part.
pub(super) fn grouped(number: &str) -> String {
    let whole = number.find('.').unwrap_or(number.len());
    let mut text = String::new();
    for (at, digit) in number.char_indices() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
