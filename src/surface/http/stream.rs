//! An answer that goes on: pieces go through a short channel, and a reader that does not take them is cut off.
//!
//! Units: `limits` in milliseconds. Invariant: no more than `limits::STREAM_PIECES_COUNT_MAX` pieces wait for a
//! reader. Not here: what the pieces say (`events`, `bulk`).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::accept::Leash;
use crate::limits;

/// Where pieces are put in.
pub(super) struct Pen {
    pieces: mpsc::Sender<Bytes>,
    leash: Leash,
}

/// The reader is gone, or was cut off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

/// The two ends of an answer.
pub(super) fn pipe(leash: Leash) -> (Pen, Body) {
    let (pieces, taken) = mpsc::channel(limits::STREAM_PIECES_COUNT_MAX);
    (Pen { pieces, leash }, Body::new(Pipe(taken)))
}

impl Pen {
    /// Puts a piece in, as soon as there is room.
    pub(super) async fn write(&self, piece: impl Into<Bytes>) -> Result<(), Gone> {
        let patience = Duration::from_millis(limits::STREAM_STALL_MS_MAX);
        match tokio::time::timeout(patience, self.pieces.send(piece.into())).await {
            Ok(sent) => sent.map_err(|_| Gone),
            Err(_) => {
                tracing::info!("a reader that had stopped reading was cut off");
                self.leash.cut();
                Err(Gone)
            }
        }
    }

    /// Until the reader has gone.
    pub(super) async fn gone(&self) {
        self.pieces.closed().await;
    }
}

struct Pipe(mpsc::Receiver<Bytes>);

impl HttpBody for Pipe {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
