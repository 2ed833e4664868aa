//! What the figures come to: the table, and every bar as met or missed.
//!
//! A bar is judged by figures of the same run. One that needs an entrant who did not take part is left out.
//! Source: the bars the project set itself before the wheel was written, for ten million timers.

use super::bars::{Bar, grouped, short, verdicts};
use super::figures::{Figures, Kind, Outcome};

/// The queue that most Rust programs use.
const DELAY_QUEUE: &str = "DelayQueue";

/// A column: its heading and its figure.
type Column = (&'static str, fn(&Figures) -> f64);

/// A ratio to reach: the figure's name, the figure, how many times better it has to be.
type Wanted = (&'static str, fn(&Figures) -> f64, f64);

const COLUMNS: [Column; 12] = [
    ("insert cold", |f| f.insert_cold_ns),
    ("insert warm", |f| f.insert_warm_ns),
    ("cancel half", |f| f.cancel_half_ns),
    ("cancel all", |f| f.cancel_all_ns),
    ("fire", |f| f.fire_ns),
    ("hold", |f| f.hold_ns),
    ("next", |f| f.next_expiry_ns),
    ("bytes", |f| f.timer_bytes),
    ("peak bytes", |f| f.peak_timer_bytes),
    ("worst tick µs", |f| f.worst_tick_us),
    ("p99.9 tick µs", |f| f.p999_tick_us),
    ("worst call µs", |f| f.worst_fire_call_us),
];

/// Every bar that these outcomes can be held against.
#[must_use]
pub fn bars(outcomes: &[Outcome], timers: u32) -> Vec<Bar> {
    let Some(own) = outcomes.iter().find(|outcome| outcome.kind == Kind::Own) else { return Vec::new() };
    let own = &own.figures;
    let mut bars = Vec::new();
    if let Some(queue) = outcomes.iter().find(|outcome| outcome.name == DELAY_QUEUE) {
        let wanted: [Wanted; 4] = [
            ("insert warm", |f| f.insert_warm_ns, 8.0),
            ("cancel all", |f| f.cancel_all_ns, 10.0),
            ("fire", |f| f.fire_ns, 9.0),
            ("hold", |f| f.hold_ns, 12.0),
        ];
        for (name, figure, bar) in wanted {
            let what = format!("{name}, faster than {DELAY_QUEUE}");
            bars.push(Bar::at_least(what, bar, figure(&queue.figures) / figure(own)));
        }
    }
    let wanted: [Wanted; 5] = [
        ("fire", |f| f.fire_ns, 4.0),
        ("hold", |f| f.hold_ns, 4.0),
        ("insert warm", |f| f.insert_warm_ns, 1.0),
        ("cancel all", |f| f.cancel_all_ns, 1.0),
        ("worst tick", |f| f.worst_tick_us, 40.0),
    ];
    for (name, figure, bar) in wanted {
        let crates = outcomes.iter().filter(|outcome| outcome.kind == Kind::Crate);
        let Some(best) = crates.min_by(|a, b| figure(&a.figures).total_cmp(&figure(&b.figures))) else { continue };
        let what = format!("{name}, better than the best crate ({})", best.name);
        bars.push(Bar::at_least(what, bar, figure(&best.figures) / figure(own)));
    }
    bars.push(Bar::at_most("resident memory of a timer", 26.0, own.timer_bytes, "bytes"));
    if timers >= 100_000_000 {
        let peak = own.peak_timer_bytes * f64::from(timers) / 1e9;
        bars.push(Bar::at_most("peak memory, filled, cancelled, filled and fired", 3.0, peak, "GB"));
    }
    bars.push(Bar::at_most("worst tick", 1000.0, own.worst_tick_us, "µs"));
    bars.push(Bar::at_most("p99.9 tick", 10.0, own.p999_tick_us, "µs"));
    bars.push(Bar::at_most("next expiry", 20.0, own.next_expiry_ns, "ns"));
    bars
}

/// The figures as a Markdown table with aligned columns.
#[must_use]
pub fn table(outcomes: &[Outcome]) -> String {
    let names = outcomes.iter().map(|outcome| outcome.name.chars().count()).max().unwrap_or(0).max(9);
    let mut text = format!("| {:<names$} |", "structure");
    let width = |heading: &str| heading.chars().count().max(8);
    COLUMNS.iter().for_each(|(heading, _)| text += &format!(" {heading:>0$} |", width(heading)));
    text += &format!("\n|-{}-|", "-".repeat(names));
    COLUMNS.iter().for_each(|(heading, _)| text += &format!("-{}:|", "-".repeat(width(heading))));
    text.push('\n');
    for outcome in outcomes {
        text += &format!("| {:<names$} |", outcome.name);
        for (heading, figure) in COLUMNS {
            text += &format!(" {:>1$} |", short(figure(&outcome.figures)), width(heading));
        }
        text.push('\n');
    }
    text
}

/// The whole report.
pub(super) fn text(outcomes: &[Outcome], timers: u32, passes: u32, has_huge_pages: bool) -> String {
    let pages = if has_huge_pages { "huge pages" } else { "pages as the system gives them" };
    let mut text = format!(
        "Timer wheel: {} timers, deadlines log-uniform between a second and a year, best of {passes}, {pages}; ns an \
         operation\n\n",
        grouped(&timers.to_string())
    );
    text += &table(outcomes);
    text.push('\n');
    text + &verdicts(&bars(outcomes, timers))
}
