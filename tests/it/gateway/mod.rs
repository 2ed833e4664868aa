//! Gateways against stand-ins of their platforms: what each must be able to do, and what each does in its own way.

mod conformance;
mod discord;
mod discord_fake;
mod discord_socket;
mod email;
mod guard;
mod inbox;
mod listening;
mod matrix;
mod process;
mod program;
mod slack;
pub mod synapse;
mod synapse_chat;
mod telegram;
mod telegram_aiogram;
mod telegram_limits;
mod telegram_listen;
mod webhook;

use chimewheel::gateway::SendError;
use chimewheel::pace::Scope;
use chimewheel::time::Span;

/// What an error means, in one line.
fn meaning(error: &SendError) -> String {
    let wait = |after: &Option<Span>| after.map_or("-".to_owned(), |after| after.to_string());
    match error {
        SendError::Retry { error, after } => format!("retry {}: {error}", wait(after)),
        SendError::Limited { error, after, scope: Scope::Chat } => format!("chat limited {}: {error}", wait(after)),
        SendError::Limited { error, after, scope: Scope::Account } => {
            format!("account limited {}: {error}", wait(after))
        }
        SendError::Unreachable { error } => format!("unreachable: {error}"),
        SendError::Barred { error } => format!("barred: {error}"),
        SendError::Permanent { error } => format!("permanent: {error}"),
        SendError::Ambiguous { error } => format!("ambiguous: {error}"),
    }
}
