//! `sessions`: conversations with agents, what was said in them, and their end.
//!
//! Not here: which session a message belongs to (`session`).

use clap::{Args, Subcommand};

use super::render::{self, Look, pairs};
use super::screen::Screen;
use crate::limits;
use crate::spec::tree::shorten;
use crate::surface::error::Error;
use crate::surface::ops::reply::{Instant, MessagesShown, SessionShown, SessionsListed};
use crate::surface::ops::sessions::{Said, SessionLine};
use crate::surface::ops::{Operations, Reply, perform, request};

/// Commands about sessions.
#[derive(Debug, Subcommand)]
pub enum Sessions {
    /// List sessions, those that began last first
    #[command(after_help = "Examples:\n  chimewheel sessions list --active\n  \
                            chimewheel sessions list --gateway telegram --chat 123456789 --json")]
    List(Asked),
    /// Show a session, and what was said in it last
    #[command(after_help = "Example:\n  chimewheel sessions show sess_7 --messages 100")]
    Show(Shown),
    /// End a session; the next message in its chat begins another
    #[command(after_help = "Example:\n  chimewheel sessions end sess_7")]
    End(One),
}

/// Options of `sessions list`.
#[derive(Debug, Args)]
pub struct Asked {
    /// Only those of this agent
    #[arg(long)]
    pub agent: Option<String>,
    /// Only those in chats of this gateway
    #[arg(long)]
    pub gateway: Option<String>,
    /// Only those in this chat, its threads included
    #[arg(long, value_name = "CHAT_ID", allow_hyphen_values = true)]
    pub chat: Option<String>,
    /// Only those that go on
    #[arg(long)]
    pub active: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// Options of `sessions show`.
#[derive(Debug, Args)]
pub struct Shown {
    /// Which
    #[command(flatten)]
    pub one: One,
    /// How many messages of it
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub messages: usize,
}

/// One session.
#[derive(Debug, Args)]
pub struct One {
    /// Its id, such as sess_7
    #[arg(value_name = "SESSION")]
    pub session: String,
}

/// Performs one of them.
pub async fn run(command: Sessions, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    match command {
        Sessions::List(asked) => {
            let whole = list(&asked, operations).await?;
            let narrowed = asked.active || asked.agent.is_some() || asked.gateway.is_some() || asked.chat.is_some();
            screen.answer(|| Reply::Sessions(whole.clone()).to_json(), |look| listed(&whole, narrowed, look))?;
        }
        Sessions::Show(Shown { one: One { session }, messages }) => {
            let SessionShown(line) = perform(operations, request::Session { session: session.clone() }).await?;
            let said = said(session, messages, operations).await?;
            let json = || {
                let mut json = Reply::Session(SessionShown(line.clone())).to_json()?;
                json["messages"] = Reply::SessionMessages(said.clone()).to_json()?["messages"].take();
                Ok::<_, Error>(json)
            };
            screen.answer(json, |look| shown(&line, &said, look))?;
        }
        Sessions::End(One { session }) => {
            let ended = perform(operations, request::SessionEnd { session }).await?;
            let text = |_| format!("Ended {}: the next message in its chat begins another session.\n", ended.0.id);
            screen.answer(|| Reply::SessionEnd(ended.clone()).to_json(), text)?;
        }
    }
    Ok(0)
}

/// Page after page, up to the limit.
async fn list(asked: &Asked, operations: &dyn Operations) -> Result<SessionsListed, Error> {
    let mut whole = SessionsListed::default();
    loop {
        let left = (asked.limit - whole.sessions.len().min(asked.limit)).min(limits::PAGE_ROWS_MAX);
        let request = request::Sessions {
            agent: asked.agent.clone(),
            gateway: asked.gateway.clone(),
            chat_id: asked.chat.clone(),
            active: asked.active,
            limit: Some(left),
            cursor: whole.cursor.take(),
        };
        let page = perform(operations, request).await?;
        whole.sessions.extend(page.sessions);
        whole.cursor = page.cursor;
        if whole.sessions.len() >= asked.limit || whole.cursor.is_none() {
            return Ok(whole);
        }
    }
}

/// The latest messages of a session; none if none are wanted.
async fn said(session: String, count: usize, operations: &dyn Operations) -> Result<MessagesShown, Error> {
    if count == 0 {
        return Ok(MessagesShown { session, ..MessagesShown::default() });
    }
    perform(operations, request::SessionMessages { session, limit: Some(count), before: None }).await
}

fn listed(listed: &SessionsListed, narrowed: bool, look: Look) -> String {
    if listed.sessions.is_empty() {
        let text = if narrowed {
            "No session is like that.\n"
        } else {
            "No sessions. One begins when a gateway that receives delivers a message, or somebody writes to an agent.\n"
        };
        return text.to_owned();
    }
    let mut table = render::table(look, &["SESSION", "AGENT", "CHAT", "STATUS", "BEGUN", "LAST", "MESSAGES"]);
    for line in &listed.sessions {
        table.add_row([
            comfy_table::Cell::new(&line.id),
            comfy_table::Cell::new(&line.agent),
            comfy_table::Cell::new(place(line)),
            render::word(look, &line.status),
            comfy_table::Cell::new(render::times::relative(line.started_at.0, look.now)),
            comfy_table::Cell::new(render::times::relative(line.last_at.0, look.now)),
            comfy_table::Cell::new(line.message_count),
        ]);
    }
    let mut text = render::finish(&table);
    if listed.cursor.is_some() {
        text.push_str("\nThere are more; raise --limit to see them.\n");
    }
    text
}

fn shown(line: &SessionLine, said: &MessagesShown, look: Look) -> String {
    let time = |at: Instant| format!("{}  ({})", at.0, render::times::relative(at.0, look.now));
    let mut rows = vec![("session", line.id.clone()), ("agent", line.agent.clone()), ("chat", place(line))];
    rows.push(("status", line.status.clone()));
    rows.push(("begun", time(line.started_at)));
    rows.push(("last message", time(line.last_at)));
    rows.extend(line.last_user_at.map(|at| ("last of user", time(at))));
    if let (Some(at), Some(by)) = (line.ended_at, &line.ended_by) {
        let how = match by.as_str() {
            "user" => "by a command in the chat",
            "request" => "on request",
            _ => "nothing was said for too long",
        };
        rows.push(("over", format!("{}, {how}", time(at))));
    }
    let (all, kept) = (line.message_count, line.kept_count);
    let kept = if kept < all { format!(", the latest {kept} kept") } else { String::new() };
    rows.push(("messages", format!("{all}{kept}")));
    let mut text = pairs(&rows);
    if !said.messages.is_empty() {
        text.push('\n');
    }
    if said.before.is_some() {
        text.push_str("Earlier ones: raise --messages.\n\n");
    }
    said.messages.iter().for_each(|one| text.push_str(&spoken(one)));
    text
}

/// Who, when and for which schedule; below that the text.
fn spoken(said: &Said) -> String {
    let who = match &said.sender {
        Some(sender) => sender.name.clone().unwrap_or_else(|| format!("user {}", sender.id)),
        None => "agent".to_owned(),
    };
    let schedule = said.schedule.as_ref().map(|schedule| format!("  [{schedule}]")).unwrap_or_default();
    let lines: String = said.text.lines().map(|line| format!("  {line}\n")).collect();
    format!("{}  {}{schedule}\n{lines}", said.at.0, shorten(&who))
}

fn place(line: &SessionLine) -> String {
    let thread = line.thread.as_ref().map(|thread| format!("/{thread}")).unwrap_or_default();
    format!("{}:{}{thread}", line.gateway, line.chat_id)
}
