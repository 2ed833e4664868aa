//! `dead-letters`: what was given up, of all schedules.
//!
//! Not here: the dead letters of one schedule (`runs --outcome failed`).

use clap::{Args, Subcommand};

use super::render::{self, Look};
use super::screen::Screen;
use crate::limits;
use crate::surface::error::Error;
use crate::surface::ops::reply::DeadLettersListed;
use crate::surface::ops::{Operations, Reply, perform, request};

/// Commands about dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List what was given up, newest due first
    #[command(
        after_help = "Examples:\n  chimewheel dead-letters list\n  chimewheel dead-letters list --agent ada --json"
    )]
    List(Asked),
}

/// Options of `dead-letters list`.
#[derive(Debug, Args)]
pub struct Asked {
    /// Only those of this agent
    #[arg(long)]
    pub agent: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// Performs one of them.
pub async fn run(command: DeadLetters, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let DeadLetters::List(Asked { agent, limit }) = command;
    let mut whole = DeadLettersListed::default();
    loop {
        let left = (limit - whole.dead_letters.len().min(limit)).min(limits::PAGE_ROWS_MAX);
        let (agent, cursor) = (agent.clone(), whole.cursor.take());
        let page = perform(operations, request::DeadLetters { agent, limit: Some(left), cursor }).await?;
        whole.dead_letters.extend(page.dead_letters);
        whole.cursor = page.cursor;
        whole.cut |= page.cut;
        if whole.dead_letters.len() >= limit || whole.cursor.is_none() {
            break;
        }
    }
    screen.answer(|| Reply::DeadLetters(whole.clone()).to_json(), |look| listed(&whole, look))?;
    Ok(0)
}

fn listed(listed: &DeadLettersListed, look: Look) -> String {
    if listed.dead_letters.is_empty() {
        return "Nothing was given up.\n".to_owned();
    }
    let mut table = render::table(look, &["DUE", "SCHEDULE", "AGENT", "ATTEMPTS", "ERROR"]);
    for letter in &listed.dead_letters {
        let run = &letter.run;
        let name = letter.name.as_ref().map(|name| format!("\n{name}")).unwrap_or_default();
        let attempts = run.execution.as_ref().map_or(0, |execution| execution.attempts).max(run.attempts);
        table.add_row([
            comfy_table::Cell::new(format!(
                "{}\n{}",
                run.due.utc.0,
                render::times::relative(run.due.utc.0, look.now)
            )),
            comfy_table::Cell::new(format!("{}{name}", letter.schedule)),
            comfy_table::Cell::new(&letter.agent),
            comfy_table::Cell::new(attempts),
            comfy_table::Cell::new(run.detail.as_deref().unwrap_or_default()),
        ]);
    }
    let mut text = render::finish(&table);
    if listed.cursor.is_some() {
        text.push_str("\nThere are more; raise --limit to see them.\n");
    }
    if listed.cut {
        text.push_str(
            "\nA day had too many occurrences to look at all: `chimewheel runs ID --outcome failed` does.\n",
        );
    }
    text
}
