//! Keeps the program running: starts it, and starts it again when its config asks for that.
//!
//! After an end there is a pause, longer each time until one of them was ready. Units: `Span`. Invariant: while it is
//! down, whoever sends is told why. Not here: one program from its start to its end (`plugin`).

use super::plugin::{self, End};
use super::{Shared, State};
use crate::config::Restart;
use crate::gateway::pause::Pause;

/// Runs until the gateway ends.
pub(super) async fn supervise(shared: &Shared) {
    let _down = Down(shared);
    let program = shared.config.program.display().to_string();
    let mut ending = shared.ending.subscribe();
    let mut pause = Pause::default();
    loop {
        let End { why, in_peace, was_ready } = plugin::run(shared).await;
        if *ending.borrow() {
            return;
        }
        if was_ready {
            pause.reset();
        }
        let again = match shared.config.restart {
            Restart::Always => true,
            Restart::OnFailure => !in_peace,
            Restart::Never => false,
        };
        if !again {
            tracing::error!(program, "the plug-in is over: {why}; it is not started again: restart says so");
            let why =
                format!("the plug-in is over ({why}), and its config says not to start it again; restart the daemon");
            shared.state.send_replace(State::Down(why));
            // Nothing is left to do but to end.
            let _ = ending.wait_for(|is_ending| *is_ending).await;
            return;
        }
        let wait = pause.next(None);
        tracing::warn!(program, "the plug-in is over: {why}; it is started again in {wait}");
        shared.state.send_replace(State::Down(format!("the plug-in is over: {why}; it is started again in {wait}")));
        tokio::select! {
            () = tokio::time::sleep(wait.to_std()) => {}
            _ = ending.wait_for(|is_ending| *is_ending) => return,
        }
        shared.state.send_replace(State::Starting);
    }
}

/// Says that nobody keeps the program any more, however that came.
struct Down<'a>(&'a Shared);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.state.send_replace(State::Down("the daemon is ending".to_owned()));
    }
}
