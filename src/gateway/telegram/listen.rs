//! Long polling: what people write is asked for, handed over, and then told to be taken.
//!
//! Telegram itself keeps the place: what was not told to be taken comes again, for a day. So an offset is only sent to
//! tell that the last answer was taken, and none is kept: after a quiet week Telegram begins to count anew, perhaps
//! lower, and an old offset would discard what was never seen.
//! Units: milliseconds; Telegram's are seconds. Not here: what a message says (`inbound`).

use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::MissedTickBehavior;

use super::api::{Api, Failed};
use super::inbound::{News, Update, User};
use super::meaning;
use super::moved::Moved;
use crate::gateway::pause::Pause;
use crate::gateway::{Ending, Inbound, Inbox, Unwell};
use crate::limits::{
    TELEGRAM_POLL_MS_MAX, TELEGRAM_POLL_MS_MIN, TELEGRAM_UPDATES_BYTES_MAX, TELEGRAM_UPDATES_COUNT_MAX,
};
use crate::problem::Problem;
use crate::time::Span;

/// What is asked of `getUpdates`.
#[derive(Serialize)]
struct Question {
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    limit: u32,
    /// Seconds.
    timeout: u64,
    allowed_updates: [&'static str; 2],
}

/// What is asked of methods that need to know nothing.
#[derive(Serialize)]
struct Nothing {}

/// What `getWebhookInfo` answers.
#[derive(Deserialize)]
struct Webhook {
    url: String,
}

/// Receives until the inbox takes nothing more.
pub(super) async fn receive(api: &Api, moved: &Moved, inbox: &dyn Inbox) -> Result<Infallible, Ending> {
    let mut trouble = Trouble::default();
    let me: User = loop {
        match api.call("getMe", &Nothing {}).await {
            Ok(me) => break me,
            Err(failed) => trouble.wait_out(&failed).await,
        }
    };
    let mut question = Question {
        offset: None,
        limit: TELEGRAM_UPDATES_COUNT_MAX,
        timeout: TELEGRAM_POLL_MS_MAX / 1000,
        allowed_updates: ["message", "channel_post"],
    };
    let longer = Span::from_millis(TELEGRAM_POLL_MS_MAX);
    let mut pace = tokio::time::interval(Span::from_millis(TELEGRAM_POLL_MS_MIN).to_std());
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        match api.call_long::<Vec<Value>>("getUpdates", &question, longer, TELEGRAM_UPDATES_BYTES_MAX).await {
            Ok(updates) => {
                trouble.end();
                question.limit = (question.limit * 2).min(TELEGRAM_UPDATES_COUNT_MAX);
                question.offset = updates
                    .iter()
                    .filter_map(|update| update["update_id"].as_i64())
                    .max()
                    .map(|id| id.saturating_add(1));
                let messages =
                    updates.into_iter().filter_map(|update| message(update, &me, moved)).collect::<Vec<_>>();
                if !messages.is_empty() {
                    inbox.take(messages).await?;
                }
            }
            Err(failed) => {
                // An answer that was too long for one is shorter when it tells less.
                if matches!(failed, Failed::Unread) {
                    question.limit = 1;
                }
                trouble.wait_out(&failed).await;
            }
        }
    }
}

/// The message of a piece of news, if it is one.
fn message(update: Value, me: &User, moved: &Moved) -> Option<Inbound> {
    let id = update["update_id"].as_i64();
    match serde_json::from_value::<Update>(update) {
        Ok(update) => match update.news(me) {
            News::Message(message) => Some(message),
            News::Moved { from, to } => {
                moved.note(from, to);
                None
            }
            News::Nothing => None,
        },
        Err(error) => {
            tracing::warn!("Telegram's update {id:?} was left out, as it cannot be read: {error}");
            None
        }
    }
}

/// Looks at the account without sending anything.
pub(super) async fn look(api: &Api) -> Result<String, Unwell> {
    let me: User = api.call("getMe", &Nothing {}).await.map_err(|failed| unwell(&failed))?;
    let webhook: Webhook = api.call("getWebhookInfo", &Nothing {}).await.map_err(|failed| unwell(&failed))?;
    let name = me.username.as_deref().unwrap_or(&me.first_name);
    if !webhook.url.is_empty() {
        let why = format!("the bot @{name} has a webhook set, so what people write does not come in here");
        let problem = Problem::new("token", why);
        return Err(problem.hint("call deleteWebhook, or use a bot of its own for this gateway").into());
    }
    let groups = match me.can_read_all_group_messages {
        Some(true) => "everything",
        Some(false) | None => "what is addressed to it",
    };
    Ok(format!("the bot @{name} can be used; in groups it is told of {groups}"))
}

fn unwell(failed: &Failed) -> Unwell {
    match failed {
        Failed::Refused { code: code @ (401 | 404), why, .. } => {
            let problem = Problem::new("token", format!("the answer was {why}"));
            meaning::hint(*code, why).map_or(problem.clone(), |hint| problem.hint(hint)).into()
        }
        Failed::Refused { code: 300..=399, .. } | Failed::Strange => {
            Problem::new("base_url", failed.to_string()).into()
        }
        Failed::Unanswered(_) | Failed::Refused { .. } | Failed::Unread => Unwell::Unseen(failed.to_string()),
    }
}

/// What keeps messages from coming in, and how long it is waited out.
#[derive(Default)]
struct Trouble {
    /// The code of the last refusal; 0 where there was none.
    code: Option<u16>,
    pause: Pause,
}

impl Trouble {
    /// Says what is wrong, once for each kind of trouble, and waits.
    async fn wait_out(&mut self, failed: &Failed) {
        let (code, asked) = match failed {
            Failed::Refused { code, wait, .. } => (*code, *wait),
            Failed::Unanswered(_) | Failed::Unread | Failed::Strange => (0, None),
        };
        let is_new = self.code.replace(code) != Some(code);
        let pause = if matches!(code, 401 | 404) { Pause::refused() } else { self.pause.next(asked) };
        if is_new {
            tracing::warn!("messages of Telegram cannot be received; trying again in {pause}: {failed}");
        }
        tokio::time::sleep(pause.to_std()).await;
    }

    fn end(&mut self) {
        if self.code.take().is_some() {
            tracing::info!("messages of Telegram are received again");
        }
        self.pause.reset();
    }
}
