//! `costs`: what models took.
//!
//! Not here: what may be spent (the config, and schedules).

use clap::{Args, ValueEnum};
use comfy_table::Cell;

use super::render::{self, Look};
use super::screen::Screen;
use crate::money::Cost;
use crate::surface::error::Error;
use crate::surface::ops::reply::{CostLine, CostsTold};
use crate::surface::ops::{Operations, Reply, perform, request};

/// Options of `costs`.
#[derive(Debug, Args)]
pub struct Costs {
    /// What each line is about
    #[arg(long, value_name = "WHAT", default_value = "schedule")]
    pub by: By,
    /// Only runs that were due at this RFC 3339 time or later, or within a span up to now, such as 7d
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only those of this agent
    #[arg(long)]
    pub agent: Option<String>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// A schedule.
    Schedule,
    /// An agent.
    Agent,
    /// A model.
    Model,
}

/// Asks, and prints.
pub async fn run(costs: Costs, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let by = match costs.by {
        By::Schedule => "schedule",
        By::Agent => "agent",
        By::Model => "model",
    };
    let asked = request::Costs { by: Some(by.to_owned()), since: costs.since, agent: costs.agent };
    let told = perform(operations, asked).await?;
    screen.answer(|| Reply::Costs(told.clone()).to_json(), |look| shown(&told, look))?;
    Ok(0)
}

fn shown(told: &CostsTold, look: Look) -> String {
    if told.costs.is_empty() {
        return "No model was asked.\n".to_owned();
    }
    let mut table = render::table(look, &[&told.by.to_uppercase(), "RUNS", "TOKENS IN", "TOKENS OUT", "COST"]);
    let mut row = |what: String, line: &CostLine| {
        let CostLine { runs, tokens_in, tokens_out, cost_micros, .. } = line;
        let numbers = [runs, tokens_in, tokens_out].map(Cell::new);
        let cost = Cell::new(Cost::from_micros(*cost_micros));
        table.add_row([Cell::new(what)].into_iter().chain(numbers).chain([cost]));
    };
    for line in &told.costs {
        let name = line.name.as_ref().map(|name| format!("\n{name}")).unwrap_or_default();
        let of = if line.of.is_empty() { "(no answer)" } else { &line.of };
        row(format!("{of}{name}"), line);
    }
    if told.costs.len() > 1 {
        row("all together".to_owned(), &told.total);
    }
    let mut text = render::finish(&table);
    if let Some(since) = &told.complete_since {
        text.push_str(&format!("\nThere are too many runs to look at all: complete from {} on.\n", since.0));
    }
    text
}
