//! How long a listener waits after trouble: longer each time, until something works.
//!
//! Units: `Span`. Not here: what the trouble is (the gateways), retries of what is sent (`engine`).

use crate::limits::{LISTEN_PAUSE_MS_MAX, LISTEN_PAUSE_MS_MIN, LISTEN_REFUSED_MS_MAX};
use crate::time::Span;

/// Growing pauses.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::gateway) struct Pause {
    /// The last one; zero: there was none since something worked.
    last_ms: u64,
}

impl Pause {
    /// Something worked.
    pub fn reset(&mut self) {
        self.last_ms = 0;
    }

    /// The next pause: no shorter than the platform asks for.
    pub fn next(&mut self, asked: Option<Span>) -> Span {
        self.last_ms = (self.last_ms * 2).clamp(LISTEN_PAUSE_MS_MIN, LISTEN_PAUSE_MS_MAX);
        Span::from_millis(self.last_ms.max(asked.unwrap_or(Span::ZERO).as_millis()))
    }

    /// The pause after a refusal, which only a person can do something about.
    pub const fn refused() -> Span {
        Span::from_millis(LISTEN_REFUSED_MS_MAX)
    }
}
