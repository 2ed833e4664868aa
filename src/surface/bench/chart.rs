//! The figures as bars, in SVG.
//!
//! Units: pixels. The scale is logarithmic, for the slowest is a thousand times slower than the fastest; every bar has
//! its figure written beside it.
//! Not here: a library; a chart is a few dozen rectangles.

use std::fmt::Write as _;

use super::bars::grouped;
use super::figures::{Figure, Kind, Outcome};
use super::load::Load;

/// A panel: its title and its figure.
type Panel = (&'static str, Figure);

/// Those that were measured are drawn.
const PANELS: [Panel; 9] = [
    ("insert, warm (ns)", Figure::InsertWarmNs),
    ("cancel, with upkeep (ns)", Figure::CancelAllNs),
    ("fire (ns)", Figure::FireNs),
    ("hold: fire and insert (ns)", Figure::HoldNs),
    ("fire and arm anew (ns)", Figure::RearmNs),
    ("insert, and cancel or fire (ns)", Figure::TimeoutNs),
    ("memory of a timer (bytes)", Figure::TimerBytes),
    ("worst tick (µs)", Figure::WorstTickUs),
    ("worst call (µs)", Figure::WorstCallUs),
];

const PANEL_WIDTH: f64 = 440.0;
const NAME_WIDTH: f64 = 130.0;
const FIGURE_WIDTH: f64 = 70.0;
const LINE: f64 = 20.0;
const TITLE: f64 = 34.0;
const HEAD: f64 = 46.0;

/// Draws the outcomes.
#[must_use]
pub fn svg(outcomes: &[Outcome], timers: u32, load: Load) -> String {
    let is_measured = |figure| outcomes.iter().any(|outcome| outcome.figures.get(figure).is_some());
    let panels: Vec<&Panel> = PANELS.iter().filter(|(_, figure)| is_measured(*figure)).collect();
    let panel_height = TITLE + LINE * outcomes.len() as f64 + 14.0;
    let (width, height) = (2.0 * PANEL_WIDTH + 40.0, HEAD + panels.len().div_ceil(2) as f64 * panel_height);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"20\" y=\"28\" font-size=\"16\">{} timers, {}; \
         shorter is better, scale logarithmic</text>\n",
        grouped(&timers.to_string()),
        load.description()
    );
    for (at, panel) in panels.into_iter().enumerate() {
        let x = 20.0 + (at % 2) as f64 * PANEL_WIDTH;
        let y = HEAD + (at / 2) as f64 * panel_height;
        draw(&mut text, outcomes, panel, x, y);
    }
    text.push_str("</svg>\n");
    text
}

fn draw(text: &mut String, outcomes: &[Outcome], (title, figure): &Panel, x: f64, y: f64) {
    let outcomes: Vec<(&Outcome, f64)> =
        outcomes.iter().filter_map(|outcome| Some((outcome, outcome.figures.get(*figure)?.max(0.01)))).collect();
    let figures = || outcomes.iter().map(|(_, figure)| *figure);
    let least = figures().fold(f64::INFINITY, f64::min).log10().floor();
    let most = figures().fold(0.01, f64::max).log10().max(least + 0.1);
    let space = PANEL_WIDTH - NAME_WIDTH - FIGURE_WIDTH;
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(text, "<text x=\"{x}\" y=\"{}\" font-weight=\"bold\">{title}</text>", y + 20.0);
    for (at, &(outcome, figure)) in outcomes.iter().enumerate() {
        let top = y + TITLE + at as f64 * LINE;
        let long = 2.0 + (space - 2.0) * (figure.log10() - least) / (most - least);
        let colour = match outcome.kind {
            Kind::Own => "#c0392b",
            Kind::Crate => "#5d6d7e",
            Kind::Plain => "#aab7b8",
        };
        let (name, base) = (escaped(&outcome.name), top + 13.0);
        let (left, right) = (x + NAME_WIDTH, x + NAME_WIDTH + long + 6.0);
        let digits = if figure < 10.0 { 1 } else { 0 };
        let _ = writeln!(
            text,
            "<text x=\"{x}\" y=\"{base:.0}\">{name}</text><rect x=\"{left:.0}\" y=\"{top:.0}\" width=\"{long:.1}\" \
             height=\"15\" fill=\"{colour}\"/><text x=\"{right:.1}\" y=\"{base:.0}\">{figure:.digits$}</text>"
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
