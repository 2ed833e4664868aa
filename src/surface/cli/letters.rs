//! `dead-letters`: what was given up, of all schedules; tried again, or taken off the list.
//!
//! Nothing here asks back: whoever means all says `--all`, and `--dry-run` says what that would be.
//! Not here: the dead letters of one schedule (`runs --outcome failed`).

use clap::{Args, Subcommand};

use super::render::{self, Look};
use super::screen::Screen;
use crate::limits;
use crate::surface::error::Error;
use crate::surface::ops::letters::Chosen;
use crate::surface::ops::reply::{DeadLettersListed, LetterShown, LettersDone};
use crate::surface::ops::{Operations, Reply, perform, request};

/// Commands about dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List what was given up, newest due first
    #[command(
        after_help = "Examples:\n  chimewheel dead-letters list\n  chimewheel dead-letters list --agent ada --json\n  \
                      chimewheel dead-letters list --gateway telegram --since 2026-01-30T00:00:00Z"
    )]
    List(Asked),
    /// Show everything that is known of one
    #[command(after_help = "Example:\n  chimewheel dead-letters show standup:1:1769788800000")]
    Show(Which),
    /// Try one again, or all that fit: the same text under the same key, with new attempts
    #[command(
        after_help = "Where the run itself failed it is run again. Of several deliveries those that failed are sent, or \
                      one of them by its own id. What is refused stays as it is, and says why.\n\n\
                      Examples:\n  chimewheel dead-letters retry standup:1:1769788800000\n  \
                      chimewheel dead-letters retry --all --gateway telegram --dry-run"
    )]
    Retry(Choice),
    /// Take one off the list, or all that fit, because they were seen; their records stay
    #[command(
        after_help = "A dropped one stays `failed` in its schedule's history, and can still be tried again.\n\n\
                      Examples:\n  chimewheel dead-letters drop standup:1:1769788800000\n  \
                      chimewheel dead-letters drop --all --schedule standup"
    )]
    Drop(Choice),
}

/// Which of all.
#[derive(Debug, Args)]
pub struct Narrow {
    /// Only those of this agent
    #[arg(long)]
    pub agent: Option<String>,
    /// Only those of this schedule: its id, or its name
    #[arg(long, value_name = "ID")]
    pub schedule: Option<String>,
    /// Only those that were for a chat of this gateway
    #[arg(long, value_name = "NAME")]
    pub gateway: Option<String>,
    /// Only those due at this RFC 3339 time or later, or within a span up to now, such as 7d
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
}

/// Options of `dead-letters list`.
#[derive(Debug, Args)]
pub struct Asked {
    /// Which.
    #[command(flatten)]
    pub narrow: Narrow,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// Names one dead letter.
#[derive(Debug, Args)]
pub struct Which {
    /// Its id, as the list tells it
    pub id: String,
}

/// Names one dead letter, or all that fit.
#[derive(Debug, Args)]
pub struct Choice {
    /// Its id, as the list tells it
    #[arg(required_unless_present = "all", conflicts_with_all = ["all", "agent", "schedule", "gateway", "since", "limit"])]
    pub id: Option<String>,
    /// All that fit the options below
    #[arg(long)]
    pub all: bool,
    /// Which of all.
    #[command(flatten)]
    pub narrow: Narrow,
    /// With --all: the newest so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only say what would happen
    #[arg(long)]
    pub dry_run: bool,
}

impl Choice {
    fn chosen(self) -> Chosen {
        let Self { id, all, narrow, limit, dry_run } = self;
        let Narrow { agent, schedule, gateway, since } = narrow;
        Chosen { id, all, agent, schedule, gateway, since, limit, dry_run }
    }
}

/// Performs one of them.
pub async fn run(command: DeadLetters, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    match command {
        DeadLetters::List(asked) => list(asked, operations, screen).await,
        DeadLetters::Show(Which { id }) => {
            let reply = perform(operations, request::DeadLetterShow { id }).await?;
            screen.answer(|| Reply::DeadLetterShow(reply.clone()).to_json(), |look| shown(&reply, look))?;
            Ok(0)
        }
        DeadLetters::Retry(choice) => {
            let reply = perform(operations, request::DeadLettersRetry(choice.chosen())).await?;
            screen.answer(|| Reply::DeadLettersRetry(reply.clone()).to_json(), |_| done(&reply, "tried again"))?;
            Ok(0)
        }
        DeadLetters::Drop(choice) => {
            let reply = perform(operations, request::DeadLettersDrop(choice.chosen())).await?;
            screen.answer(|| Reply::DeadLettersDrop(reply.clone()).to_json(), |_| done(&reply, "dropped"))?;
            Ok(0)
        }
    }
}

async fn list(asked: Asked, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let Asked { narrow: Narrow { agent, schedule, gateway, since }, limit } = asked;
    let is_narrowed = [&agent, &schedule, &gateway, &since].iter().any(|text| text.is_some());
    let mut asked = request::DeadLetters { agent, schedule, gateway, since, ..request::DeadLetters::default() };
    let mut whole = DeadLettersListed::default();
    loop {
        let left = (limit - whole.dead_letters.len().min(limit)).min(limits::PAGE_ROWS_MAX);
        (asked.limit, asked.cursor) = (Some(left), whole.cursor.take());
        let page = perform(operations, asked.clone()).await?;
        whole.dead_letters.extend(page.dead_letters);
        whole.cursor = page.cursor;
        whole.cut |= page.cut;
        if whole.dead_letters.len() >= limit || whole.cursor.is_none() {
            break;
        }
    }
    screen.answer(|| Reply::DeadLetters(whole.clone()).to_json(), |look| listed(&whole, is_narrowed, look))?;
    Ok(0)
}

fn listed(listed: &DeadLettersListed, is_narrowed: bool, look: Look) -> String {
    if listed.dead_letters.is_empty() {
        let text = if is_narrowed { "Nothing like that was given up.\n" } else { "Nothing was given up.\n" };
        return text.to_owned();
    }
    let mut table = render::table(look, &["DUE", "DEAD LETTER", "AGENT", "ATTEMPTS", "ERROR"]);
    for letter in &listed.dead_letters {
        let run = &letter.told.run;
        let name = letter.told.name.as_ref().map(|name| format!("\n{name}")).unwrap_or_default();
        let attempts = run.execution.as_ref().map_or(0, |execution| execution.attempts).max(run.attempts);
        table.add_row([
            comfy_table::Cell::new(format!(
                "{}\n{}",
                run.due.utc.0,
                render::times::relative(run.due.utc.0, look.now)
            )),
            comfy_table::Cell::new(format!("{}{name}", letter.id)),
            comfy_table::Cell::new(&letter.told.agent),
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

fn shown(shown: &LetterShown, look: Look) -> String {
    let (told, run) = (&shown.line.told, &shown.line.told.run);
    let time = |at| format!("{at}, {}", render::times::relative(at, look.now));
    let mut rows = vec![("dead letter", shown.line.id.clone()), ("schedule", told.schedule.clone())];
    rows.extend(told.name.clone().map(|name| ("name", name)));
    rows.push(("agent", told.agent.clone()));
    rows.push(("due", time(run.due.utc.0)));
    rows.push(("outcome", if run.dropped { format!("{}, dropped", run.outcome) } else { run.outcome.clone() }));
    rows.extend(run.detail.clone().map(|detail| ("error", detail)));
    rows.extend(run.settled_at.map(|at| ("settled", time(at.0))));
    rows.extend(run.retry_at.map(|at| ("next attempt", time(at.0))));
    rows.push(("attempts", run.attempts.to_string()));
    rows.extend(run.retried.as_ref().map(|again| ("retried", format!("{}, last {}", again.times, time(again.at.0)))));
    if let Some(execution) = &run.execution {
        rows.push(("runs", execution.attempts.to_string()));
        rows.extend(execution.model.clone().map(|model| ("model", model)));
        if let (Some(input), Some(output)) = (execution.tokens_in, execution.tokens_out) {
            rows.push(("tokens", format!("{input} in, {output} out")));
        }
        rows.extend(execution.notes.clone().map(|notes| ("notes", notes)));
    }
    rows.extend(shown.destination.clone().map(|place| ("destination", place)));
    rows.extend(shown.key.clone().map(|key| ("key", key)));
    rows.push(match (&shown.retry, &shown.refused) {
        (Some(what), _) if what == "run" => ("retry", "runs it again: there is no text".to_owned()),
        (Some(_), _) => ("retry", "sends the same text again".to_owned()),
        (None, refused) => ("retry", format!("no: {}", refused.as_deref().unwrap_or_default())),
    });
    let mut text = render::pairs(&rows);
    for part in &shown.parts {
        let delivery = &part.delivery;
        let mut rows = vec![("delivery", part.id.clone())];
        rows.extend(delivery.to.clone().map(|place| ("destination", place)));
        rows.push(("outcome", delivery.outcome.clone()));
        rows.extend(delivery.detail.clone().map(|detail| ("detail", detail)));
        rows.extend([("attempts", delivery.attempts.to_string()), ("key", part.key.clone())]);
        text.push_str(&format!("\n{}", render::pairs(&rows)));
        text.extend(delivery.text.as_deref().map(indented));
    }
    text.extend(shown.message.as_deref().map(|message| format!("\n{}", indented(message))));
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn done(done: &LettersDone, verb: &str) -> String {
    let letters = if done.count == 1 { "dead letter" } else { "dead letters" };
    let would = if done.dry_run { "Would be" } else { "OK:" };
    let mut text = match &done.ids[..] {
        [only] if done.refused.is_empty() => format!("{would} {verb}: {only}\n"),
        _ => format!("{would} {verb}: {} {letters}\n", done.count),
    };
    for refused in &done.refused {
        text.push_str(&format!("  refused {}: {}\n", refused.id, refused.why));
    }
    if done.more {
        text.push_str("There are more; do it again.\n");
    }
    for warning in &done.warnings {
        text.push_str(&format!("  warning: {warning}\n"));
    }
    text
}
