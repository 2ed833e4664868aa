//! Lines of a pipe, none longer than a limit.
//!
//! Invariant: a line that is too long costs no more memory than one that is not. Units: bytes.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// A line.
pub(super) enum Line {
    /// All of it, without its end.
    Whole(Vec<u8>),
    /// The first bytes of one that is too long.
    Cut(Vec<u8>),
}

/// The next line, up to so many bytes of it; `None` at the end. A last line without an end counts.
pub(super) async fn next(from: &mut (impl AsyncBufRead + Unpin), most: usize) -> io::Result<Option<Line>> {
    let (mut line, mut is_cut, mut is_any) = (Vec::new(), false, false);
    loop {
        let piece = from.fill_buf().await?;
        if piece.is_empty() {
            return Ok(is_any.then(|| finished(line, is_cut)));
        }
        is_any = true;
        let end = piece.iter().position(|&byte| byte == b'\n');
        let text = &piece[..end.unwrap_or(piece.len())];
        let room = most - line.len();
        is_cut |= text.len() > room;
        line.extend_from_slice(&text[..text.len().min(room)]);
        let used = end.map_or(piece.len(), |end| end + 1);
        from.consume(used);
        if end.is_some() {
            return Ok(Some(finished(line, is_cut)));
        }
    }
}

fn finished(mut line: Vec<u8>, is_cut: bool) -> Line {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if is_cut { Line::Cut(line) } else { Line::Whole(line) }
}
