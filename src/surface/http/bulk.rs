//! Many schedules in one request, as JSON Lines, and the same lines out again.
//!
//! A bulk is read, judged and made durable piece by piece while it comes; after each piece a line says how far it is.
//! What such a line counts survives whatever happens next; a piece that was not told of may be there or not, and
//! sending the same lines again finds out, if they have ids or client tokens.
//! Units: lines and bytes, from `limits`. Not here: what becomes of a piece (`ops/local/import`).

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::body::next_piece;
use super::route::{Call, Content};
use super::stream::{Gone, Pen, pipe};
use crate::limits;
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::ops::reply::{Exported, Imported};
use crate::surface::ops::request::{Export, Import};

/// The kind of an answer of lines.
pub(super) const LINES: &str = "application/jsonl";

impl Call {
    /// Room for an answer that goes on.
    pub(super) fn stream_room(&self) -> Result<OwnedSemaphorePermit, Error> {
        let room = std::sync::Arc::clone(&self.site.gate.streams).try_acquire_owned();
        let most = limits::HTTP_STREAMS_COUNT_MAX;
        room.map_err(|_| Error::new(Code::Unreachable, format!("{most} long answers are under way; try again")))
    }
}

/// An answer whose body comes bit by bit.
pub(super) fn streamed(kind: &'static str, body: Body) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

pub(super) async fn bulk(mut call: Call) -> Result<Response, Error> {
    let room = call.stream_room()?;
    let Content::Stream(body) = std::mem::replace(&mut call.content, Content::Nothing) else {
        return Err(Error::new(Code::Failed, "the body was not kept"));
    };
    let mut bulk = Bulk { call, body: body.into_inner().ok(), cutter: Cutter::default(), done: Tally::default() };
    // Trouble with the first piece still has a status of its own.
    let first = bulk.step().await?;
    let (pen, answer) = pipe(bulk.call.leash.clone());
    tokio::spawn(async move {
        // A reader that is gone wants no further lines, but its bulk was cut off with it.
        let _ = bulk.run(first, &pen).await;
        drop(room);
    });
    Ok(streamed(LINES, answer))
}

/// A bulk under way.
struct Bulk {
    call: Call,
    body: Option<Body>,
    cutter: Cutter,
    done: Tally,
}

/// What has been made durable and told.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    lines: u64,
    created: u64,
    existing: u64,
    wrong: u64,
    told: usize,
}

impl Tally {
    fn to_json(self) -> Value {
        json!({"lines": self.lines, "created": self.created, "existing": self.existing, "wrong": self.wrong})
    }
}

impl Bulk {
    /// Reads one piece and has it imported; `None` at the end.
    async fn step(&mut self) -> Result<Option<(u64, Imported)>, Error> {
        let Some(piece) = self.piece().await? else { return Ok(None) };
        let lines = piece.lines().count() as u64;
        let (check, skip_bad) = (self.call.query.flag("check"), self.call.query.flag("skip_bad"));
        let imported = self.call.ask_on(Import { text: piece, check, skip_bad }).await?;
        Ok(Some((lines, imported)))
    }

    async fn run(&mut self, first: Option<(u64, Imported)>, pen: &Pen) -> Result<(), Gone> {
        let skip_bad = self.call.query.flag("skip_bad") || self.call.query.flag("check");
        let mut next: Result<_, Error> = Ok(first);
        loop {
            match next {
                Ok(Some((lines, imported))) => {
                    let stopped = !imported.problems.is_empty() && !skip_bad;
                    self.tell(lines, &imported, pen).await?;
                    if stopped {
                        let why = if imported.created == 0 {
                            "there are wrong lines, and nothing of their piece was created; what came before is"
                        } else {
                            "there are lines that could not be created; the others of their piece were, and what came \
                             before"
                        };
                        return pen.write(last(false, self.done, Some(why))).await;
                    }
                }
                Ok(None) => return pen.write(last(true, self.done, None)).await,
                Err(error) => return pen.write(last(false, self.done, Some(&error.message))).await,
            }
            next = self.step().await;
        }
    }

    /// The wrong lines of a piece, as far as they are told, and how far the bulk is.
    async fn tell(&mut self, lines: u64, imported: &Imported, pen: &Pen) -> Result<(), Gone> {
        let mut text = String::new();
        let mut wrong: Vec<u64> = imported.problems.iter().map(|problem| problem.line).collect();
        wrong.dedup();
        for told in imported.problems.iter().take(limits::PROBLEMS_COUNT_MAX.saturating_sub(self.done.told)) {
            let line = json!({"line": self.done.lines + told.line, "problem": told.problem});
            text.push_str(&format!("{line}\n"));
            self.done.told += 1;
        }
        self.done.lines += lines;
        self.done.created += imported.created;
        self.done.existing += imported.existing;
        self.done.wrong += wrong.len() as u64;
        text.push_str(&format!("{}\n", self.done.to_json()));
        pen.write(text).await
    }

    async fn piece(&mut self) -> Result<Option<String>, Error> {
        loop {
            if let Some(piece) = self.cutter.cut(self.body.is_none())? {
                let not_text =
                    |_| Error::bad_input(Problem::new("", "is not UTF-8").hint("write JSON Lines in UTF-8"));
                return String::from_utf8(piece).map(Some).map_err(not_text);
            }
            let Some(body) = &mut self.body else { return Ok(None) };
            match next_piece(body).await? {
                Some(bytes) => self.cutter.push(&bytes),
                None => self.body = None,
            }
        }
    }
}

fn last(done: bool, tally: Tally, why: Option<&str>) -> String {
    let mut line = tally.to_json();
    line["done"] = json!(done);
    if let Some(why) = why {
        line["detail"] = json!(why);
    }
    format!("{line}\n")
}

/// Cuts what comes into pieces of whole lines.
#[derive(Debug, Default)]
struct Cutter {
    bytes: Vec<u8>,
    lines: usize,
}

impl Cutter {
    fn push(&mut self, bytes: &[u8]) {
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        self.bytes.extend_from_slice(bytes);
    }

    /// The next piece, once it is whole.
    fn cut(&mut self, is_end: bool) -> Result<Option<Vec<u8>>, Error> {
        let is_full =
            self.lines >= limits::BULK_PIECE_LINES_MAX || self.bytes.len() >= limits::IMPORT_PIECE_BYTES_MAX;
        if !is_full && (!is_end || self.bytes.is_empty()) {
            return Ok(None);
        }
        let ends = self.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(place, _)| place + 1);
        let fitting =
            ends.take(limits::BULK_PIECE_LINES_MAX).take_while(|end| *end <= limits::IMPORT_PIECE_BYTES_MAX);
        let (count, end) = fitting.fold((0, 0), |(count, _), end| (count + 1, end));
        if !is_full {
            self.lines = 0;
            return Ok(Some(std::mem::take(&mut self.bytes)));
        }
        if end == 0 {
            let message = format!("a line has more than {} bytes", limits::IMPORT_PIECE_BYTES_MAX);
            return Err(Error::new(Code::TooLarge, message));
        }
        self.lines -= count;
        let rest = self.bytes.split_off(end);
        Ok(Some(std::mem::replace(&mut self.bytes, rest)))
    }
}

pub(super) async fn export(call: Call) -> Result<Response, Error> {
    let room = call.stream_room()?;
    let agent = call.query.text("agent");
    // Trouble with the first page still has a status of its own.
    let mut page = call.ask(Export { agent: agent.clone(), ..Export::default() }).await?;
    let (pen, answer) = pipe(call.leash.clone());
    tokio::spawn(async move {
        loop {
            if pen.write(lines_of(&page)).await.is_err() {
                break;
            }
            let Some(cursor) = page.cursor.take() else { break };
            match call.ask_on(Export { agent: agent.clone(), cursor: Some(cursor), ..Export::default() }).await {
                Ok(next) => page = next,
                Err(error) => {
                    // Half an export must not look like a whole one.
                    tracing::warn!("an export broke off: {error}");
                    call.leash.cut();
                    break;
                }
            }
        }
        drop(room);
    });
    Ok(streamed(LINES, answer))
}

fn lines_of(page: &Exported) -> String {
    let written = |schedule| serde_json::to_string(schedule).unwrap_or_default() + "\n";
    page.schedules.iter().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, step: usize) -> Vec<String> {
        let mut cutter = Cutter::default();
        let mut pieces = Vec::new();
        for chunk in text.as_bytes().chunks(step) {
            cutter.push(chunk);
            pieces.extend(std::iter::from_fn(|| cutter.cut(false).unwrap()));
        }
        pieces.extend(std::iter::from_fn(|| cutter.cut(true).unwrap()));
        pieces.into_iter().map(|piece| String::from_utf8(piece).unwrap()).collect()
    }

    #[test]
    fn pieces_are_whole_lines_however_the_bytes_come() {
        let text: String = (0..10_001).map(|number| format!("line {number}\n")).collect();
        for step in [7, 1000, 64 * 1024, text.len()] {
            for text in [text.as_str(), text.trim_end()] {
                let pieces = pieces(text, step);
                assert_eq!(pieces.concat(), text);
                let counts: Vec<usize> = pieces.iter().map(|piece| piece.lines().count()).collect();
                assert_eq!(counts, [4000, 4000, 2001], "{step}");
            }
        }
        assert_eq!(pieces("", 10), [""; 0]);
    }

    #[test]
    fn long_lines_make_small_pieces_and_too_long_ones_none() {
        let line = format!("{}\n", "x".repeat(limits::IMPORT_PIECE_BYTES_MAX - 1));
        assert_eq!(pieces(&line.repeat(3), 1 << 20).len(), 3);
        let mut cutter = Cutter::default();
        cutter.push(&vec![b'x'; limits::IMPORT_PIECE_BYTES_MAX + 1]);
        assert_eq!(cutter.cut(false).unwrap_err().code, Code::TooLarge);
    }
}
