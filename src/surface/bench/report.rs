//! What the figures come to: the table, every bar as met or missed, and how much better ours is.
//!
//! A bar is judged by figures of the same run. One that needs an entrant who did not take part is left out.
//! Source: the bars the project set itself before the wheel was written, for ten million timers.

use std::collections::BTreeSet;

use serde::Serialize;

use super::bars::{Bar, short};
use super::figures::{Figure, Figures, Kind, Outcome};

/// The queue that most Rust programs use.
const DELAY_QUEUE: &str = "DelayQueue";

/// A ratio to reach: the figure's name, the figure, how many times better it has to be.
type Wanted = (&'static str, Figure, f64);

/// How ours compares with the best of the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// The figure.
    pub figure: Figure,
    /// Who is best at it: of the other crates, or if none took part, of all.
    pub best: String,
    /// How many times better ours is.
    pub times: f64,
}

fn own(outcomes: &[Outcome]) -> Option<&Outcome> {
    outcomes.iter().find(|outcome| outcome.kind == Kind::Own)
}

/// The best of one kind at something.
fn best(outcomes: &[Outcome], kind: Kind, figure: Figure) -> Option<(&Outcome, f64)> {
    let rivals = outcomes.iter().filter(|outcome| outcome.kind == kind);
    rivals.filter_map(|outcome| Some((outcome, outcome.figures.get(figure)?))).min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Every bar that these outcomes can be held against.
#[must_use]
pub fn bars(outcomes: &[Outcome]) -> Vec<Bar> {
    let Some(Outcome { figures: own, .. }) = own(outcomes) else { return Vec::new() };
    let mut bars = Vec::new();
    let wanted: [Wanted; 4] = [
        ("insert warm", Figure::InsertWarmNs, 8.0),
        ("cancel all", Figure::CancelAllNs, 10.0),
        ("fire", Figure::FireNs, 9.0),
        ("hold", Figure::HoldNs, 12.0),
    ];
    let queue = outcomes.iter().find(|outcome| outcome.name == DELAY_QUEUE).map(|outcome| &outcome.figures);
    for (name, figure, bar) in wanted {
        let Some((queue, own)) = queue.and_then(|queue| queue.get(figure)).zip(own.get(figure)) else { continue };
        bars.push(Bar::at_least(format!("{name}, faster than {DELAY_QUEUE}"), bar, queue / own));
    }
    let one_by_one = queue.and_then(|queue| queue.get(Figure::CancelAllNs));
    if let Some((queue, own)) = one_by_one.zip(own.get(Figure::CancelBatchNs)) {
        let what = format!("cancel all in batches, faster than {DELAY_QUEUE}, which has none");
        bars.push(Bar::at_least(what, 10.0, queue / own));
    }
    let wanted: [Wanted; 5] = [
        ("fire", Figure::FireNs, 4.0),
        ("hold", Figure::HoldNs, 4.0),
        ("insert warm", Figure::InsertWarmNs, 1.0),
        ("cancel all", Figure::CancelAllNs, 1.0),
        ("worst tick", Figure::WorstTickUs, 40.0),
    ];
    for (name, figure, bar) in wanted {
        let Some(((best, other), own)) = best(outcomes, Kind::Crate, figure).zip(own.get(figure)) else { continue };
        bars.push(Bar::at_least(format!("{name}, better than the best crate ({})", best.name), bar, other / own));
    }
    bars.extend(peak_bar(outcomes));
    let mut at_most = |what: &str, bar: f64, reached: Option<f64>, unit: &'static str| {
        bars.extend(reached.map(|reached| Bar::at_most(what, bar, reached, unit)));
    };
    at_most("resident memory of a timer", 26.0, own.get(Figure::TimerBytes), "bytes");
    at_most("worst tick", 1000.0, own.get(Figure::WorstTickUs), "µs");
    at_most("p99.9 tick", 10.0, own.get(Figure::P999TickUs), "µs");
    let call = own.get(Figure::WorstFireCallUs);
    at_most("worst call catching up a year, 4,096 timers at most", 1000.0, call, "µs");
    at_most("next expiry", 20.0, own.get(Figure::NextExpiryNs), "ns");
    bars
}

/// The bar of memory at its peak: 3 GB for 100 million.
pub(super) fn peak_bar(outcomes: &[Outcome]) -> Option<Bar> {
    let peak = own(outcomes)?.half_cancelled.as_ref()?.get(Figure::PeakTimerBytes)?;
    let what = "peak memory of a timer: all inserted, half cancelled, the rest fired";
    Some(Bar::at_most(what, 30.0, peak, "bytes"))
}

/// Ours beside the best of the others, figure by figure.
#[must_use]
pub fn ratios(outcomes: &[Outcome]) -> Vec<Ratio> {
    let Some(own) = own(outcomes) else { return Vec::new() };
    let ratio = |figure: Figure| {
        let rival = best(outcomes, Kind::Crate, figure).or_else(|| best(outcomes, Kind::Plain, figure));
        let (best, other) = rival?;
        Some(Ratio { figure, best: best.name.clone(), times: other / own.figures.get(figure)? })
    };
    own.figures.measured().filter_map(ratio).collect()
}

/// How ours did with half of them cancelled, in words.
pub(super) fn half_cancelled(outcomes: &[Outcome], timers: u32) -> Option<String> {
    let half = own(outcomes)?.half_cancelled.as_ref()?;
    let peak_bytes = half.get(Figure::PeakTimerBytes).map(|bytes| bytes * f64::from(timers));
    Some(format!(
        "All inserted, a random half cancelled, the rest fired, in a process of its own: insert {}, cancel {}, fire {} ns; \
         full {}, at its peak {} bytes a timer, {} MB.\n",
        cell(half, Figure::InsertColdNs),
        cell(half, Figure::CancelHalfNs),
        cell(half, Figure::FireNs),
        cell(half, Figure::TimerBytes),
        cell(half, Figure::PeakTimerBytes),
        peak_bytes.map_or("-".to_owned(), |bytes| short(bytes / 1e6)),
    ))
}

/// A line for each ratio.
pub(super) fn comparison(ratios: &[Ratio]) -> String {
    let whats: Vec<String> =
        ratios.iter().map(|ratio| format!("{}, better than {}", ratio.figure.heading(), ratio.best)).collect();
    let width = whats.iter().map(|what| what.chars().count()).max().unwrap_or(0);
    let line = |(what, ratio): (&String, &Ratio)| format!("ratio   {what:<width$}  {} x\n", short(ratio.times));
    whats.iter().zip(ratios).map(line).collect()
}

/// The figures as a Markdown table with aligned columns.
#[must_use]
pub fn table(outcomes: &[Outcome]) -> String {
    let columns: BTreeSet<Figure> = outcomes.iter().flat_map(|outcome| outcome.figures.measured()).collect();
    let names = outcomes.iter().map(|outcome| outcome.name.chars().count()).max().unwrap_or(0).max(9);
    let width = |figure: &Figure| figure.heading().chars().count().max(8);
    let mut text = format!("| {:<names$} |", "structure");
    columns.iter().for_each(|figure| text += &format!(" {:>1$} |", figure.heading(), width(figure)));
    text += &format!("\n|-{}-|", "-".repeat(names));
    columns.iter().for_each(|figure| text += &format!("-{}:|", "-".repeat(width(figure))));
    text.push('\n');
    for outcome in outcomes {
        text += &format!("| {:<names$} |", outcome.name);
        for &figure in &columns {
            text += &format!(" {:>1$} |", cell(&outcome.figures, figure), width(&figure));
        }
        text.push('\n');
    }
    if outcomes.iter().any(|outcome| columns.iter().any(|&figure| outcome.figures.is_cut_short(figure))) {
        text +=
            "\n* cut short: a figure of what was done in the time there was; what would have come after has none.\n";
    }
    text
}

fn cell(figures: &Figures, figure: Figure) -> String {
    let mark = if figures.is_cut_short(figure) { "*" } else { "" };
    figures.get(figure).map_or("-".to_owned(), |value| short(value) + mark)
}
