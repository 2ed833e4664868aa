//! The Matrix gateway: a message becomes an event of a room, through the homeserver of the bot's account.
//!
//! The delivery's key is the transaction id, by which the homeserver takes each message once, however often it is
//! handed over; so an attempt without an answer is simply made again. A text goes as it is, or its Markdown as HTML with
//! a plain copy beside it; it mentions nobody.
//! Units: text in bytes. Not here: encrypted rooms, for which nothing is encrypted; what comes in (`sync`).

mod api;
mod event;
mod sync;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use self::api::Api;
use crate::config::{self, Markup};
use crate::gateway::text::markdown;
use crate::gateway::{
    Capabilities, Dedupe, Delivery, Gateway, Inbox, Listening, Probing, Receipt, Secrets, SendError, Sending,
    TextLimit, Unwell,
};
use crate::limits::{
    MATRIX_CONTENT_BYTES_MAX, MATRIX_MARKDOWN_BYTES_MAX, MATRIX_ROOMS_COUNT_MAX, MATRIX_TEXT_BYTES_MAX,
};
use crate::pace::Paces;
use crate::problem::Problem;

/// Sends and receives as one account.
struct Matrix {
    api: Api,
    /// Whose token it has to be.
    user: Option<String>,
    /// Whether invitations are accepted.
    join: bool,
    /// What texts are.
    format: Markup,
    /// The rooms of aliases that were asked for.
    rooms: Mutex<HashMap<String, String>>,
}

/// What is answered to an event.
#[derive(Deserialize)]
struct Taken {
    event_id: String,
}

/// What is answered to an alias.
#[derive(Deserialize)]
struct Directory {
    room_id: String,
}

/// Whose token it is.
#[derive(Deserialize)]
struct Whoami {
    user_id: String,
}

/// A gateway of this config, or all that is wrong with it.
pub fn open(config: &config::Matrix, secrets: &Secrets) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    let api = Api::open(config, secrets.token.as_ref())?;
    Ok(Arc::new(Matrix {
        api,
        user: config.user.clone(),
        join: config.join,
        format: config.format,
        rooms: Mutex::default(),
    }))
}

impl Gateway for Matrix {
    fn capabilities(&self) -> Capabilities {
        let bytes = match self.format {
            Markup::Plain => MATRIX_TEXT_BYTES_MAX,
            Markup::Markdown => MATRIX_MARKDOWN_BYTES_MAX,
        };
        // What a homeserver allows is its operator's to say.
        let pace = Paces::default();
        Capabilities { text: TextLimit::Bytes(bytes), dedupe: Dedupe::Always, threads: true, receives: true, pace }
    }

    fn send(&self, delivery: Delivery) -> Sending<'_> {
        Box::pin(async move {
            let content = content(&delivery, self.format)?;
            let chat = &delivery.destination.chat_id;
            let room = self.room(chat).await?;
            let path = ["rooms", &room, "send", "m.room.message", &delivery.key];
            let mut request = self.api.request(Method::PUT, &path, &[]);
            request.body = content;
            let taken: Result<Taken, SendError> = self.api.ask(request).await;
            if let Err(SendError::Permanent { .. }) = &taken {
                // The alias may lead elsewhere by now.
                self.aliases().remove(chat);
            }
            Ok(Receipt { message_id: Some(taken?.event_id) })
        })
    }

    fn listen(&self, inbox: Arc<dyn Inbox>) -> Listening<'_> {
        Box::pin(sync::listen(self, inbox))
    }

    fn probe(&self) -> Probing<'_> {
        Box::pin(async move {
            let user = self.whoami().await.map_err(|error| Unwell::of("token", error))?;
            match &self.user {
                Some(expected) if *expected != user => {
                    let problem = Problem::new("user", format!("the token is {user}'s")).value(expected);
                    Err(problem.hint("take the token of the account that is meant, or correct user").into())
                }
                Some(_) | None => Ok(format!("signed in as {user}")),
            }
        })
    }
}

impl Matrix {
    async fn whoami(&self) -> Result<String, SendError> {
        let Whoami { user_id } = self.api.ask(self.api.get(&["account", "whoami"], &[])).await?;
        Ok(user_id)
    }

    fn aliases(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the room that a chat is called by.
    async fn room(&self, chat: &str) -> Result<String, SendError> {
        if chat.starts_with('@') {
            let error = format!(
                "'{chat}' is a person; chat_id is the room with them, such as !room:server (in most clients: room \
                 settings, advanced)"
            );
            return Err(SendError::Permanent { error });
        }
        if !chat.starts_with('#') {
            return Ok(chat.to_owned());
        }
        if let Some(room) = self.aliases().get(chat) {
            return Ok(room.clone());
        }
        let found: Result<Directory, SendError> = self.api.ask(self.api.get(&["directory", "room", chat], &[])).await;
        let Directory { room_id } = found.map_err(|error| match error {
            // Nothing has been sent yet.
            SendError::Ambiguous { error } => SendError::Retry { error, after: None },
            SendError::Retry { .. }
            | SendError::Limited { .. }
            | SendError::Unreachable { .. }
            | SendError::Barred { .. }
            | SendError::Permanent { .. } => error,
        })?;
        let mut aliases = self.aliases();
        if aliases.len() >= MATRIX_ROOMS_COUNT_MAX {
            aliases.clear();
        }
        aliases.insert(chat.to_owned(), room_id.clone());
        Ok(room_id)
    }
}

/// What the event holds. A text whose formatting takes more room than there is goes without it.
fn content(delivery: &Delivery, format: Markup) -> Result<Vec<u8>, SendError> {
    let text = &delivery.text;
    if text.is_empty() {
        return Err(SendError::Permanent { error: "the text is empty; Matrix would show nothing".to_owned() });
    }
    // Without `m.mentions`, clients look for names in the text, and a text that holds @room would wake everybody.
    let mut content: Value = json!({"msgtype": "m.text", "body": text, "m.mentions": {}});
    if let Some(thread) = &delivery.destination.thread {
        content["m.relates_to"] = json!({
            "rel_type": "m.thread",
            "event_id": thread,
            "is_falling_back": true,
            "m.in_reply_to": {"event_id": thread},
        });
    }
    if format == Markup::Markdown {
        let mut formatted = content.clone();
        formatted["body"] = json!(markdown::plain(text));
        formatted["format"] = json!("org.matrix.custom.html");
        formatted["formatted_body"] = json!(markdown::html(text));
        let formatted = formatted.to_string().into_bytes();
        if formatted.len() <= MATRIX_CONTENT_BYTES_MAX {
            return Ok(formatted);
        }
    }
    let content = content.to_string().into_bytes();
    if text.len() > MATRIX_TEXT_BYTES_MAX || content.len() > MATRIX_CONTENT_BYTES_MAX {
        let error = format!(
            "the text has {} bytes, {} as an event; Matrix takes {MATRIX_TEXT_BYTES_MAX} and {MATRIX_CONTENT_BYTES_MAX}",
            text.len(),
            content.len()
        );
        return Err(SendError::Permanent { error });
    }
    Ok(content)
}
