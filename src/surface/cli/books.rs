//! Tokens, the audit and ended processes on the command line: options, requests, and how the answers look.
//!
//! Invariant: a token is printed once, alone on its line, so that a script can take it.
//! Not here: what is kept of a token (`access`).

use clap::{Args, Subcommand};

use super::render::{self, Look};
use super::screen::Screen;
use crate::limits;
use crate::surface::error::Error;
use crate::surface::ops::books::{AuditLine, Audited, TokenLine, TokenMade, TokensListed};
use crate::surface::ops::request::{self, TokenList, TokenNew, TokenRevoke};
use crate::surface::ops::{Operations, Reply, perform};

/// Commands about tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token for an agent or an admin, and print it this once
    #[command(after_help = "Examples:\n  chimewheel token new --agent ada --gateway console --chat-id ada-home\n  \
                            chimewheel token new --admin --label backup --expires 90d")]
    New(Box<New>),
    /// List what is kept of every token; the tokens themselves are kept nowhere
    List,
    /// Make a token good for nothing, from now on
    #[command(after_help = "Example:\n  chimewheel token revoke 3f0c9a1b2d4e5f60")]
    Revoke {
        /// Its id, which `token list` shows
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Options of `token new`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("holder").required(true))]
pub struct New {
    /// Whoever has the token asks as this agent
    #[arg(long, group = "holder")]
    pub agent: Option<String>,
    /// Whoever has the token is an admin
    #[arg(long, group = "holder")]
    pub admin: bool,
    /// What it is for
    #[arg(long)]
    pub label: Option<String>,
    /// With --chat-id: where the agent's messages go that name no destination
    #[arg(long, requires = "chat_id", conflicts_with = "admin")]
    pub gateway: Option<String>,
    /// The platform's id of the conversation
    #[arg(long, value_name = "ID", requires = "gateway")]
    pub chat_id: Option<String>,
    /// Thread or topic
    #[arg(long, requires = "gateway")]
    pub thread: Option<String>,
    /// Good for nothing after this span, such as 30d [default: never]
    #[arg(long, value_name = "SPAN")]
    pub expires: Option<String>,
}

/// Options of `audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// Only what changed this schedule: its id, or its name
    #[arg(long)]
    pub schedule: Option<String>,
    /// Only what this agent changed
    #[arg(long)]
    pub agent: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// Options of `process-exited`.
#[derive(Debug, Args)]
pub struct Process {
    /// The `process_handle` that its schedules carry
    #[arg(value_name = "HANDLE")]
    pub handle: String,
    /// Their owner [default: the default agent]
    #[arg(long)]
    pub agent: Option<String>,
}

/// Tells who changed what.
pub async fn audit(asked: Audit, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let Audit { schedule, agent, limit } = asked;
    let mut whole = Audited::default();
    loop {
        let left = (limit - whole.records.len().min(limit)).min(limits::PAGE_ROWS_MAX);
        let (schedule, agent, cursor) = (schedule.clone(), agent.clone(), whole.cursor.take());
        let page = perform(operations, request::Audit { schedule, agent, limit: Some(left), cursor }).await?;
        whole.records.extend(page.records);
        whole.cursor = page.cursor;
        if whole.records.len() >= limit || whole.cursor.is_none() {
            break;
        }
    }
    screen.answer(|| Reply::Audit(whole.clone()).to_json(), |look| audited(&whole, look))?;
    Ok(0)
}

/// Tells that a process has ended.
pub async fn process(asked: Process, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let Process { handle, agent } = asked;
    let ended = perform(operations, request::ProcessExited { handle, agent }).await?;
    let text = |_| {
        let ids: String = ended.schedules.iter().map(|id| format!("  {id}\n")).collect();
        format!("Cancelled {} schedule{} of '{}'.\n{ids}", ended.cancelled, s_of(ended.cancelled), ended.handle)
    };
    screen.answer(|| Reply::ProcessExited(ended.clone()).to_json(), text)?;
    Ok(0)
}

fn audited(audited: &Audited, look: Look) -> String {
    if audited.records.is_empty() {
        return "Nobody has changed anything like that.\n".to_owned();
    }
    let mut table = render::table(look, &["AT", "WHO", "VIA", "OPERATION", "CHANGED"]);
    for line in &audited.records {
        let session = line.session.as_ref().map(|session| format!("\nsession {session}")).unwrap_or_default();
        let who = line.agent.as_ref().map_or_else(|| "admin".to_owned(), |agent| format!("agent {agent}"));
        table.add_row([
            comfy_table::Cell::new(format!("{}\n{}", line.at.0, render::times::relative(line.at.0, look.now))),
            comfy_table::Cell::new(format!("{who}{session}")),
            comfy_table::Cell::new(&line.via),
            comfy_table::Cell::new(&line.operation),
            comfy_table::Cell::new(changed(line)),
        ]);
    }
    render::finish(&table)
}

fn changed(line: &AuditLine) -> String {
    if let Some(token) = &line.token {
        return format!("token {token}");
    }
    if let Some(session) = &line.conversation {
        return [std::slice::from_ref(session), &line.schedules].concat().join("\n");
    }
    let more = line.count.saturating_sub(line.schedules.len() as u64);
    let more = if more == 0 { String::new() } else { format!("\nand {more} more") };
    format!("{}{more}", line.schedules.join("\n"))
}

/// `s` unless there is exactly one.
fn s_of(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Performs one of them.
pub async fn token(command: Token, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    match command {
        Token::New(new) => {
            let New { agent, admin, label, gateway, chat_id, thread, expires } = *new;
            let request = TokenNew { agent, admin, label, gateway, chat_id, thread, expires };
            let made = perform(operations, request).await?;
            screen.answer(|| Reply::TokenNew(made.clone()).to_json(), |_| self::made(&made))?;
        }
        Token::List => {
            let listed = perform(operations, TokenList {}).await?;
            screen.answer(|| Reply::TokenList(listed.clone()).to_json(), |look| self::listed(&listed, look))?;
        }
        Token::Revoke { id } => {
            let revoked = perform(operations, TokenRevoke { id }).await?;
            let text = |_| match (revoked.changed, revoked.line.status.as_str()) {
                (true, _) => format!("Revoked token {} of {}.\n", revoked.line.id, holder(&revoked.line)),
                (false, status) => format!("Token {} is {status} already.\n", revoked.line.id),
            };
            screen.answer(|| Reply::TokenRevoke(revoked.clone()).to_json(), text)?;
        }
    }
    Ok(0)
}

fn made(made: &TokenMade) -> String {
    let line = &made.line;
    let end = line.expires_at.map(|end| format!(", good until {}", end.0)).unwrap_or_default();
    format!(
        "{}\n\nThis is token {} of {}{end}. It is not shown again: keep it now, or revoke it with\n  chimewheel token \
         revoke {}\n",
        made.token,
        line.id,
        holder(line),
        line.id
    )
}

fn listed(listed: &TokensListed, look: Look) -> String {
    if listed.tokens.is_empty() {
        return "No tokens. Make one: chimewheel token new --agent NAME\n".to_owned();
    }
    let mut table = render::table(look, &["TOKEN", "HOLDER", "STATUS", "MADE", "UNTIL", "DESTINATION", "LABEL"]);
    for line in &listed.tokens {
        let until = line.revoked_at.or(line.expires_at);
        table.add_row([
            comfy_table::Cell::new(&line.id),
            comfy_table::Cell::new(holder(line)),
            render::word(look, &line.status),
            comfy_table::Cell::new(render::times::relative(line.created_at.0, look.now)),
            comfy_table::Cell::new(until.map_or_else(|| "-".to_owned(), |at| at.0.to_string())),
            comfy_table::Cell::new(line.destination.as_deref().unwrap_or("-")),
            comfy_table::Cell::new(line.label.as_deref().unwrap_or_default()),
        ]);
    }
    render::finish(&table)
}

fn holder(line: &TokenLine) -> String {
    line.agent.as_ref().map_or_else(|| "an admin".to_owned(), |agent| format!("agent {agent}"))
}
