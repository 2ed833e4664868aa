//! What Slack posts to us: whether it comes from Slack, and the messages in it; pure.
//!
//! Slack signs the time and the body with a secret of the app. What was signed long ago is not taken, so nobody can post
//! it again later. Slack posts the same message again when we are slow, and twice where it names the bot; it has the same
//! id then, and is taken once by it. Units: the time is Unix seconds, ids are Unix seconds with a fraction.
//! Source: Slack's "Verifying requests from Slack" and "Events API". Not here: HTTP, and what is kept (`surface`).

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::Sha256;

use crate::gateway::{ChatKind, Heard, Inbound, Posted, Sender, Unheard};
use crate::limits::SLACK_SIGNED_MS_MAX;
use crate::time::Timestamp;

/// Subtypes of messages that people write.
const WRITTEN: [&str; 3] = ["file_share", "thread_broadcast", "me_message"];

/// By what we know Slack.
pub(super) struct Seal(SecretString);

impl Seal {
    /// A seal with this secret.
    pub fn new(secret: &SecretString) -> Self {
        Self(secret.expose_secret().trim().into())
    }

    /// What was posted, if it comes from Slack.
    pub fn hear(&self, posted: &Posted<'_>) -> Result<Heard, Unheard> {
        self.verify(posted)?;
        let body: Value = serde_json::from_slice(posted.body)
            .map_err(|error| Unheard::Unreadable(format!("the body is not JSON: {error}")))?;
        match text(&body, "type") {
            Some("url_verification") => {
                let challenge = text(&body, "challenge");
                let missing = || Unheard::Unreadable("there is no challenge in it".to_owned());
                Ok(Heard::Answer(challenge.ok_or_else(missing)?.to_owned()))
            }
            Some("event_callback") => Ok(Heard::Messages(message(&body).into_iter().collect())),
            // Slack is told that it arrived; a refusal would make it come again and again.
            Some(_) | None => Ok(Heard::Messages(Vec::new())),
        }
    }

    fn verify(&self, posted: &Posted<'_>) -> Result<(), Unheard> {
        let forged = |why: &str| Unheard::Forged(why.to_owned());
        let header = |name: &'static str| {
            (posted.header)(name).ok_or_else(|| Unheard::Forged(format!("the header {name} is missing")))
        };
        let stamp = header("x-slack-request-timestamp")?;
        let seconds: i64 = stamp.parse().map_err(|_| forged("the time that was signed is no number"))?;
        let apart = Timestamp::from_seconds(seconds).as_millis().abs_diff(posted.now.as_millis());
        if apart > SLACK_SIGNED_MS_MAX {
            let hint = "check this machine's clock";
            return Err(Unheard::Forged(format!("it was signed {} s from now; {hint}", apart / 1000)));
        }
        let given = header("x-slack-signature")?.strip_prefix("v0=").and_then(bytes);
        let given = given.ok_or_else(|| forged("the signature is not of the form v0=…"))?;
        let mut code = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes())
            .map_err(|error| Unheard::Forged(error.to_string()))?;
        code.update(format!("v0:{stamp}:").as_bytes());
        code.update(posted.body);
        code.verify_slice(&given).map_err(|_| forged("the signature is not that of the signing secret"))
    }
}

/// What somebody wrote, if that is what happened.
fn message(body: &Value) -> Option<Inbound> {
    let event = body.get("event")?;
    if !matches!(text(event, "type")?, "message" | "app_mention") {
        return None;
    }
    let is_written = text(event, "subtype").is_none_or(|subtype| WRITTEN.contains(&subtype));
    let is_bot = text(event, "bot_id").is_some() || text(event, "app_id").is_some();
    if !is_written || is_bot || event.get("hidden").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    let me = body.get("authorizations").and_then(|all| text(all.get(0)?, "user_id"));
    let (id, channel, author) = (text(event, "ts")?, text(event, "channel")?, text(event, "user")?);
    let said = text(event, "text").filter(|said| !said.trim().is_empty() && Some(author) != me)?;
    let is_direct = text(event, "channel_type") == Some("im") || channel.starts_with('D');
    let thread = text(event, "thread_ts").filter(|thread| *thread != id);
    let mention = me.map(|me| format!("<@{me}>"));
    let is_named = text(event, "type") == Some("app_mention") || mention.as_ref().is_some_and(|me| said.contains(me));
    let is_answer = me.is_some() && text(event, "parent_user_id") == me;
    // Called by name at the beginning, what follows reads as it does in a direct message.
    let rest = mention.and_then(|me| said.trim_start().strip_prefix(&me).map(str::trim_start));
    Some(Inbound {
        message_id: id.to_owned(),
        chat_id: channel.to_owned(),
        thread: thread.map(str::to_owned),
        chat: if is_direct { ChatKind::Direct } else { ChatKind::Group },
        sender: Sender { id: author.to_owned(), name: None },
        text: unescaped(rest.filter(|rest| !rest.is_empty()).unwrap_or(said)),
        reply_to: thread.map(str::to_owned),
        is_addressed: is_direct || is_named || is_answer,
        at: written_at(id),
    })
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// An id such as `1795338001.000200` begins with the second at which it was written. Rounding: to milliseconds, down.
fn written_at(id: &str) -> Option<Timestamp> {
    let (seconds, fraction) = id.split_once('.')?;
    let ms: i64 = fraction.get(..3)?.parse().ok()?;
    Some(Timestamp::from_millis(seconds.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(ms)?))
}

/// What was typed: links as their address, and the three characters that Slack escapes.
fn unescaped(said: &str) -> String {
    let mut plain = String::with_capacity(said.len());
    let mut rest = said;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let link = after
            .split_once('>')
            .filter(|(link, _)| ["http", "mailto:", "tel:"].iter().any(|kind| link.starts_with(kind)));
        match link {
            Some((link, after)) => {
                plain.push_str(link.split('|').next().unwrap_or(link));
                rest = after;
            }
            None => {
                plain.push('<');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The bytes that an even number of hexadecimal digits stands for.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok()).collect()
}
