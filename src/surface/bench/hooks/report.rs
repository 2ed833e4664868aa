//! What the figures of hooks come to: the table with ratios, what is shared, and every bar as met or missed.
//!
//! Units: nanoseconds, written with the unit that suits; a ratio is the time of another over ours.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::bars::{Bar, grouped, short, verdicts, written};
use super::{Case, Row, Shared};

/// Every bar, judged by our nanoseconds for each case.
#[must_use]
pub fn bars(own: &[Option<f64>]) -> Vec<Bar> {
    let judged = |(case, ns): (&Case, &Option<f64>)| {
        let bar_us = match case {
            Case::Gate => 1.0,
            Case::Message | Case::Template | Case::Silent => 4.0,
            Case::Model => return None,
        };
        Some(Bar::at_most(case.name(), bar_us, (*ns)? / 1e3, "µs"))
    };
    Case::ALL.iter().zip(own).filter_map(judged).collect()
}

/// Ours, of each row.
fn own(rows: &[Row]) -> Vec<Option<f64>> {
    rows.iter().map(|row| row.first().copied().flatten()).collect()
}

/// The whole report.
pub(super) fn text(names: &[&str], rows: &[Row], shared: &Shared, passes: u32) -> String {
    let mut text = format!(
        "Hooks: one call from the run's facts to the answer, medians of {passes} passes; (x): the time over ours\n\n{:<26}",
        "call"
    );
    // Writing to a String cannot fail, here and below.
    for (at, name) in names.iter().enumerate() {
        let width = if at == 0 { 12 } else { 20 };
        let _ = write!(text, "{name:>width$}");
    }
    for (case, row) in Case::ALL.iter().zip(rows) {
        let _ = write!(text, "\n  {:<24}", case.name());
        let own = row.first().copied().flatten();
        for (at, &ns) in row.iter().enumerate() {
            if at == 0 {
                let _ = write!(text, "{:>12}", written(ns));
                continue;
            }
            let ratio = ns.zip(own).map_or(String::new(), |(ns, own)| format!(" ({:.2}x)", ns / own));
            let _ = write!(text, "{:>20}", format!("{}{ratio}", written(ns)));
        }
    }
    text += "\n\n";
    shared_text(&mut text, shared);
    text.push('\n');
    text + verdicts(&bars(&own(rows))).as_str()
}

fn shared_text(text: &mut String, shared: &Shared) {
    let number = |count: usize| grouped(&count.to_string());
    let _ = writeln!(
        text,
        "{} schedules sharing {} scripts of {:.0} bytes:",
        number(shared.schedules),
        number(shared.scripts),
        shared.source_bytes
    );
    let mut line = |what: &str, figure: String| {
        let _ = writeln!(text, "  {what:<52}{figure:>16}");
    };
    line("resident, what all scripts share", format!("{} KB", short(shared.engine_bytes / 1e3)));
    line("resident, a script with its text", format!("{} KB", short(shared.script_bytes / 1e3)));
    line("resident, the handle of a schedule", format!("{} bytes", short(shared.handle_bytes)));
    line("all read and compiled", written(Some(shared.compile_ms * 1e6)));
    line("a script found by name", written(Some(shared.find_ns)));
    line("first call of a script, median", written(Some(shared.first_call_ns)));
    line("first call of a script, longest", written(Some(shared.worst_first_call_ns)));
    line("later call, median", written(Some(shared.later_call_ns)));
    line("a call for each schedule in turn, mean", written(Some(shared.round_call_ns)));
}

pub(super) fn to_json(names: &[&str], rows: &[Row], shared: &Shared) -> Value {
    let calls = Case::ALL.iter().zip(rows).map(|(case, row)| {
        let ns: serde_json::Map<String, Value> =
            names.iter().zip(row).map(|(name, ns)| ((*name).to_owned(), json!(ns))).collect();
        json!({ "call": case.name(), "ns": ns })
    });
    json!({ "calls": calls.collect::<Vec<_>>(), "shared": shared, "bars": bars(&own(rows)) })
}
