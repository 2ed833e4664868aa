//! What the figures of cron patterns come to: the tables, and every bar as met or missed.
//!
//! Units: nanoseconds, written with the unit that suits.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::bars::{Bar, verdicts, written};
use super::cases::{CASES, Case, Frequency, ZONES};
use super::{CronEntrant, Measured};
use crate::calendar::Cron;

/// Everyone with what it did, ours first.
type All = [(CronEntrant, Measured)];

/// A figure of one case.
type Cell<'a> = &'a dyn Fn(&Measured, usize) -> Option<f64>;

/// Every bar, judged by our figures.
fn bars(all: &All) -> Vec<Bar> {
    let Some((_, own)) = all.first() else { return Vec::new() };
    let worst = |figures: &mut dyn Iterator<Item = Option<f64>>| figures.flatten().fold(0.0, f64::max);
    let of_kind = |frequency: Frequency| {
        let figures = std::iter::zip(CASES, &own.next);
        figures.filter(move |(case, _)| case.frequency == frequency).map(|(_, next)| *next)
    };
    let compile = worst(&mut own.compile.iter().copied()) / 1e3;
    let typical = worst(&mut of_kind(Frequency::Typical).map(|next| next[1]));
    let never = worst(&mut of_kind(Frequency::Never).flatten()) / 1e6;
    vec![
        Bar::at_most("compile, the slowest pattern", 30.0, compile, "µs"),
        Bar::at_most("next in Europe/Berlin, the slowest typical pattern", 250.0, typical, "ns"),
        Bar::at_most("an impossible pattern answered, the slowest", 1.0, never, "ms"),
        Bar::at_most("compiled pattern", 64.0, Cron::COMPILED_BYTES as f64, "bytes"),
    ]
}

/// The whole report.
pub(super) fn text(all: &All, zone_ns: f64) -> String {
    let mut text =
        "Cron patterns: reading one, and the next time after each of 1,000 instants of 2026 to 2030; medians\n"
            .to_owned();
    table(&mut text, "compile", all, &|measured, row| measured.compile[row]);
    for (at, zone) in ZONES.iter().enumerate() {
        table(&mut text, &format!("next, {zone}"), all, &|measured, row| measured.next[row][at]);
    }
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(text, "\n{:<30}{:>12}{:>20}", "bytes a pattern", "value", "resident, 100k kept");
    for (entrant, measured) in all {
        let held = measured.held_bytes.map_or("-".to_owned(), |bytes| format!("{bytes:.0}"));
        let _ = writeln!(text, "  {:<28}{:>12}{:>20}", entrant.name, entrant.value_bytes, held);
    }
    let _ = writeln!(text, "\nOurs keeps text, dialect and zone beside the {} compiled bytes.", Cron::COMPILED_BYTES);
    let first = written(Some(zone_ns));
    let _ = writeln!(text, "The first question in a zone builds its history once for all patterns: {first}.");
    for (entrant, measured) in all {
        for difference in &measured.differences {
            let _ = writeln!(text, "{}: {difference}", entrant.name);
        }
    }
    text.push('\n');
    text + verdicts(&bars(all)).as_str()
}

fn table(text: &mut String, title: &str, all: &All, cell: Cell<'_>) {
    // Writing to a String cannot fail, here and below.
    let _ = write!(text, "\n{title:<30}");
    for (entrant, _) in all {
        let _ = write!(text, "{:>12}", entrant.name);
    }
    for (row, Case { name, .. }) in CASES.iter().enumerate() {
        let _ = write!(text, "\n  {name:<28}");
        for (_, measured) in all {
            let _ = write!(text, "{:>12}", written(cell(measured, row)));
        }
    }
    text.push('\n');
}

pub(super) fn to_json(all: &All, zone_ns: f64) -> Value {
    let matchers = all.iter().map(|(entrant, measured)| {
        let figures = CASES.iter().enumerate().map(|(row, case)| {
            json!({ "case": case.name, "compile_ns": measured.compile[row], "next_utc_ns": measured.next[row][0],
                "next_zone_ns": measured.next[row][1] })
        });
        json!({ "name": entrant.name, "value_bytes": entrant.value_bytes, "held_bytes": measured.held_bytes,
            "differences": measured.differences, "cases": figures.collect::<Vec<_>>() })
    });
    json!({ "zone": ZONES[1], "zone_first_use_ns": zone_ns, "matchers": matchers.collect::<Vec<_>>(),
        "bars": bars(all) })
}
