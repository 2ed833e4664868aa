//! The Discord gateway: a bot posts messages by HTTP and hears of others through a socket.
//!
//! A delivery's key is the message's `nonce`, by which Discord takes a message once for some minutes. A text pings
//! nobody, whatever it says, and is shown as it is written unless it is meant as Markdown. A thread is a channel of its own to Discord: where one is named, the message goes there.
//! Units: text limits in UTF-16 code units, the stricter reading of Discord's 2000 characters.
//! Not here: what answers mean (`answer`), the socket (`listen`), splitting (`gateway`'s caller).
//! Source: Discord API v10, "Create Message".

mod answer;
mod listen;
mod message;
mod session;
mod socket;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::config::{self, Markup};
use crate::gateway::discord::message::Home;
use crate::gateway::http::{Answer, Client, Reach, Request};
use crate::gateway::text::markdown;
use crate::gateway::{
    Capabilities, Dedupe, Delivery, Gateway, Inbox, Listening, Probing, Receipt, Secrets, SendError, Sending,
    TextLimit, Unwell,
};
use crate::limits::DISCORD_UNITS_MAX;
use crate::pace::{Pace, Paces};
use crate::problem::Problem;
use crate::time::{Span, Timestamp};

/// Fifty requests a second for a bot; what a channel takes Discord only tells as it goes: it has long
/// been five in five seconds. Source: Discord API v10, "Rate Limits".
const PACE: Paces = Paces {
    account: Some(Pace { every: Span::from_millis(20), burst: 1 }),
    chat: Some(Pace { every: Span::from_seconds(1), burst: 1 }),
};
/// How Discord wants bots to be called.
const BOT: &str = concat!("DiscordBot (chimewheel, ", env!("CARGO_PKG_VERSION"), ")");

/// A bot.
struct Discord {
    client: Client,
    base_url: String,
    authorization: HeaderValue,
    token: SecretString,
    message_content: bool,
    format: Markup,
    homes: Mutex<HashMap<String, Home>>,
}

/// A gateway of this config, or all that is wrong with it.
pub fn open(config: &config::Discord, secrets: &Secrets) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    let refused = |key: &str, why: String, hint: &str| vec![Problem::new(key, why).hint(hint)];
    let Some(token) = &secrets.token else {
        return Err(refused("token_env", "is missing".to_owned(), "the bot's token, from the developer portal"));
    };
    // Copied from an example, it often has the word before it already.
    let token = token.expose_secret().trim().trim_start_matches("Bot ").trim();
    let mut authorization = HeaderValue::from_str(&format!("Bot {token}")).map_err(|_| {
        refused("token", "the token holds characters that no header can carry".to_owned(), "copy it once more")
    })?;
    authorization.set_sensitive(true);
    let base_url = config.base_url.trim_end_matches('/').to_owned();
    let url = Url::parse(&base_url)
        .map_err(|error| refused("base_url", format!("is not an address: {error}"), "such as https://host/path"))?;
    // The operator says where Discord is; an agent only says which channel.
    let client = Client::new(&url, Reach::Private, config.timeout).map_err(|error| {
        let hint = "an https address needs the system's certificates";
        refused("base_url", format!("cannot be reached from here: {error:?}"), hint)
    })?;
    let homes = Mutex::default();
    let (token, message_content, format) = (SecretString::from(token), config.message_content, config.format);
    Ok(Arc::new(Discord { client, base_url, authorization, token, message_content, format, homes }))
}

impl Gateway for Discord {
    fn capabilities(&self) -> Capabilities {
        let text = match self.format {
            Markup::Plain => TextLimit::Escaped(DISCORD_UNITS_MAX),
            Markup::Markdown => TextLimit::Utf16(DISCORD_UNITS_MAX),
        };
        Capabilities { text, dedupe: Dedupe::Minutes, threads: false, receives: true, pace: PACE }
    }

    fn send(&self, delivery: Delivery) -> Sending<'_> {
        Box::pin(self.post(delivery))
    }

    fn listen(&self, inbox: Arc<dyn Inbox>) -> Listening<'_> {
        Box::pin(listen::listen(self, inbox))
    }

    fn probe(&self) -> Probing<'_> {
        Box::pin(async move {
            let answer = self.ask(Method::GET, "/users/@me", None, None).await;
            let me = answer.and_then(|answer| answer::read(&answer));
            let me = me.map_err(|error| Unwell::of("token", error))?;
            let text = |key: &str| me.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
            Ok(format!("the bot {} ({})", text("username"), text("id")))
        })
    }
}

impl Discord {
    async fn post(&self, delivery: Delivery) -> Result<Receipt, SendError> {
        let Delivery { key, sent_at, destination, text, .. } = delivery;
        let refused = |error: String| Err(SendError::Permanent { error });
        // A thread is posted to as a channel, so named beside a chat it would be one that nobody allowed.
        if destination.thread.is_some() {
            return refused(
                "a thread of Discord is a channel of its own: write its id as chat_id, and no thread".to_owned(),
            );
        }
        let channel = &destination.chat_id;
        if !is_snowflake(channel) {
            return refused(format!(
                "chat_id '{channel}' is not the id of a channel: a number, which 'Copy Channel ID' of Discord's \
                 developer mode gives"
            ));
        }
        if text.trim().is_empty() {
            return refused("the text is empty, and Discord takes no empty messages".to_owned());
        }
        let content = match self.format {
            Markup::Plain => markdown::discord_plain(&text),
            Markup::Markdown => text,
        };
        let units = content.encode_utf16().count();
        if units > DISCORD_UNITS_MAX {
            return refused(format!(
                "the text has {units} UTF-16 code units with its escapes; Discord takes {DISCORD_UNITS_MAX}"
            ));
        }
        let body = json!({
            "content": content,
            "nonce": key,
            "enforce_nonce": true,
            "allowed_mentions": {"parse": []},
        });
        let path = format!("/channels/{channel}/messages");
        let answer = self.ask(Method::POST, &path, Some(&body), Some(sent_at)).await?;
        answer::taken(&answer)
    }

    /// Asks one of Discord's methods once. `now` is when, where that is known.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        now: Option<Timestamp>,
    ) -> Result<Answer, SendError> {
        let refused = |error: String| SendError::Permanent { error };
        let url = Url::parse(&format!("{}{path}", self.base_url)).map_err(|error| refused(error.to_string()))?;
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static(BOT));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        self.client.send(Request { method, url, headers, body, patience: None }, now).await
    }
}

/// Whether a text is one of Discord's ids.
fn is_snowflake(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
