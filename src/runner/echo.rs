//! The echo: it answers with the instruction itself, after a while if it is told to.
//!
//! For dry runs, and to see overlap with one's own eyes. Units: `Span`, of tokio's time. Not here: any model.

use crate::runner::{Answer, Prompt, Runner, Running};
use crate::time::Span;

/// Says what it is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo {
    delay: Span,
}

impl Echo {
    /// An echo that comes back so much later.
    #[must_use]
    pub const fn new(delay: Span) -> Self {
        Self { delay }
    }
}

impl Runner for Echo {
    fn run(&self, prompt: Prompt) -> Running<'_> {
        Box::pin(async move {
            if self.delay > Span::ZERO {
                tokio::time::sleep(self.delay.to_std()).await;
            }
            Answer::new(&prompt.instruction, prompt.model)
        })
    }
}
