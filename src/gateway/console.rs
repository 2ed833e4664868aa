//! The console gateway: one line per message on standard output.
//!
//! `2026-11-22T09:00:00.003Z standup due=2026-11-22T09:00:00Z late=3ms attempt=1 key=… chat=me | Good morning!`;
//! further lines of a text follow indented by `  | `. As JSON: one object a line.
//! Invariant: a message is one write and one flush, so a line is never torn between two messages.
//! In texts, control characters are shown escaped, so that a message cannot steer the terminal.
//! No dedupe: after an unanswered attempt the same key may be printed again.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::gateway::{Delivery, Gateway, Receipt, SendError, Sending};

/// How messages are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Prints messages.
#[derive(Clone)]
pub struct Console {
    format: Format,
    out: Arc<Mutex<dyn Write + Send>>,
}

impl Console {
    /// A console on standard output.
    #[must_use]
    pub fn stdout(format: Format) -> Self {
        Self::to(format, io::stdout())
    }

    /// A console on any writer.
    pub fn to(format: Format, out: impl Write + Send + 'static) -> Self {
        Self { format, out: Arc::new(Mutex::new(out)) }
    }

    fn print(&self, delivery: &Delivery) -> io::Result<()> {
        let line = match self.format {
            Format::Text => text_line(delivery),
            Format::Json => json_line(delivery),
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(line.as_bytes())?;
        out.flush()
    }
}

impl Gateway for Console {
    fn send(&self, delivery: Delivery) -> Sending<'_> {
        let console = self.clone();
        Box::pin(async move {
            let printed = tokio::task::spawn_blocking(move || console.print(&delivery)).await;
            match printed {
                Ok(Ok(())) => Ok(Receipt::default()),
                Ok(Err(error)) => Err(SendError::Retry { error: format!("standard output: {error}"), after: None }),
                Err(error) => Err(SendError::Ambiguous { error: format!("printing was interrupted: {error}") }),
            }
        })
    }
}

fn text_line(delivery: &Delivery) -> String {
    let Delivery { schedule, due, sent_at, attempt, key, destination, text, .. } = delivery;
    let late = sent_at.since(*due).as_millis();
    let chat = &destination.chat_id;
    let mut lines = text.lines();
    let first = printable(lines.next().unwrap_or_default());
    let mut line =
        format!("{sent_at} {schedule} due={due} late={late}ms attempt={attempt} key={key} chat={chat} | {first}\n");
    for more in lines {
        line.push_str("  | ");
        line.push_str(&printable(more));
        line.push('\n');
    }
    line
}

/// A line without the control characters that would steer a terminal.
fn printable(line: &str) -> String {
    let mut printable = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_control() && c != '\t' {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

fn json_line(delivery: &Delivery) -> String {
    let Delivery { schedule, due, sent_at, attempt, key, destination, text, .. } = delivery;
    let mut line = serde_json::json!({
        "sent_at": sent_at.to_string(),
        "schedule": schedule,
        "due": due.to_string(),
        "late_ms": sent_at.since(*due).as_millis(),
        "attempt": attempt,
        "key": key,
        "chat_id": destination.chat_id,
        "thread": destination.thread,
        "text": text,
    })
    .to_string();
    line.push('\n');
    line
}
