//! The webhook gateway: a message is posted as JSON to an address.
//!
//! Signed as Standard Webhooks ask for; `webhook-id` and `idempotency-key` are the delivery's key, the same for every
//! attempt, so a receiver that keeps them takes each message once. What the guide says of the body and of answers is
//! meant word for word. Units: the header's timestamp is Unix seconds.
//! Not here: connections and broken ones (`http`), reading secrets (`surface`), retries (`engine`).

mod sign;
mod target;

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::Value;

use crate::config;
use crate::gateway::http::{Answer, Client, Reach};
use crate::gateway::webhook::sign::Keys;
use crate::gateway::webhook::target::Target;
use crate::gateway::written::Written;
use crate::gateway::{Delivery, Gateway, Receipt, Secrets, SendError, Sending};
use crate::limits::{HAND_OVER_AGAIN_MS_MIN, MESSAGE_ID_BYTES_MAX};
use crate::pace::Scope;
use crate::problem::Problem;
use crate::time::Span;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Posts messages.
struct Webhook {
    client: Client,
    target: Target,
    keys: Keys,
    authorization: Option<HeaderValue>,
}

/// What is posted.
#[derive(Serialize)]
struct Body<'a> {
    key: &'a str,
    schedule: &'a str,
    name: Option<&'a str>,
    agent: &'a str,
    due: String,
    sent_at: String,
    late_ms: u64,
    attempt: u16,
    chat_id: &'a str,
    thread: Option<&'a str>,
    text: &'a str,
}

/// A gateway of this config, or all that is wrong with it.
pub fn open(config: &config::Webhook, secrets: &Secrets) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    let reach = if config.allow_private { Reach::Private } else { Reach::Public };
    let target = Target::read(&config.url, reach);
    let keys = Keys::read(&secrets.signing);
    let token = secrets.token.as_ref().map(|token| {
        let header = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret().trim()));
        header.map_err(|_| vec![Problem::new("token", "the token holds characters that no header can carry")])
    });
    match (target, keys, token.transpose()) {
        (Ok(target), Ok(keys), Ok(mut authorization)) => {
            if let Some(header) = &mut authorization {
                header.set_sensitive(true);
            }
            let client = Client::new(target.sample(), reach, config.timeout).map_err(|error| {
                let why = format!("cannot be reached from here: {error:?}");
                vec![Problem::new("url", why).hint("an https address needs the system's certificates")]
            })?;
            Ok(Arc::new(Webhook { client, target, keys, authorization }))
        }
        (target, keys, token) => {
            let target = target.map(|_| ()).map_err(|problem| vec![problem]);
            let found = [target, keys.map(|_| ()), token.map(|_| ())];
            Err(found.into_iter().filter_map(Result::err).flatten().collect())
        }
    }
}

impl Gateway for Webhook {
    fn send(&self, delivery: Delivery) -> Sending<'_> {
        Box::pin(async move {
            let refused = |error: String| SendError::Permanent { error };
            let url = self.target.url(&delivery.destination.chat_id).map_err(refused)?;
            let body = body(&delivery).map_err(|error| refused(error.to_string()))?;
            let headers = self.headers(&delivery, &body).map_err(|error| refused(error.to_string()))?;
            let answered = self.client.post(url, headers, body, delivery.sent_at).await;
            let taken = answered.and_then(|answer| taken(&answer));
            if delivery.heard.is_some() { taken.map_err(in_order) } else { taken }
        })
    }
}

impl Webhook {
    fn headers(&self, delivery: &Delivery, body: &[u8]) -> Result<HeaderMap, InvalidHeaderValue> {
        let key = HeaderValue::from_str(&delivery.key)?;
        let seconds = delivery.sent_at.as_millis().div_euclid(1000);
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(IDEMPOTENCY_KEY, key.clone());
        headers.insert(ID, key);
        headers.insert(TIMESTAMP, HeaderValue::from(seconds));
        if let Some(signature) = self.keys.sign(&delivery.key, seconds, body) {
            headers.insert(SIGNATURE, HeaderValue::from_str(&signature)?);
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        Ok(headers)
    }
}

/// What is posted of a message that somebody wrote, to the program that answers for the agent.
#[derive(Serialize)]
struct HandedOver {
    #[serde(flatten)]
    message: Written,
    attempt: u16,
}

fn body(delivery: &Delivery) -> serde_json::Result<Vec<u8>> {
    let written = delivery.heard.as_deref().and_then(|(number, heard)| Written::of(*number, heard));
    if let Some(message) = written {
        return serde_json::to_vec(&HandedOver { message, attempt: delivery.attempt });
    }
    let Delivery { key, schedule, name, agent, due, sent_at, attempt, destination, text, is_said: _, heard: _ } =
        delivery;
    serde_json::to_vec(&Body {
        key,
        schedule,
        name: name.as_deref(),
        agent,
        due: due.to_string(),
        sent_at: sent_at.to_string(),
        late_ms: sent_at.since(*due).as_millis(),
        attempt: *attempt,
        chat_id: &destination.chat_id,
        thread: destination.thread.as_deref(),
        text,
    })
}

/// What people wrote is handed over in its order: a refusal holds all of its conversation.
fn in_order(error: SendError) -> SendError {
    match error {
        SendError::Retry { error, after } => {
            let after = after.unwrap_or(Span::from_millis(HAND_OVER_AGAIN_MS_MIN));
            SendError::Limited { error, after: Some(after), scope: Scope::Chat }
        }
        // Sent again under the same id, before anything that was written later.
        SendError::Ambiguous { error } => {
            let after = Some(Span::from_millis(HAND_OVER_AGAIN_MS_MIN));
            SendError::Limited { error, after, scope: Scope::Chat }
        }
        other => other,
    }
}

/// What an answer means.
fn taken(answer: &Answer) -> Result<Receipt, SendError> {
    let status = answer.status;
    let error = format!("the answer was {status}");
    match status.as_u16() {
        200..=299 => Ok(Receipt { message_id: message_id(&answer.body) }),
        300..=399 => {
            let why = format!("{error}: redirects are not followed; put the final address into the gateway's config");
            Err(SendError::Permanent { error: why })
        }
        // A proxy has lost sight of the message as we would have by a time-out.
        502 | 504 | 520..=524 => Err(SendError::Ambiguous { error }),
        // One address is one account to us, whatever chats lie behind it.
        429 => Err(SendError::Limited { error, after: answer.wait, scope: Scope::Account }),
        401 => {
            let hint = "look at the token and the signing secret that the receiver knows, and restart";
            Err(SendError::Barred { error: format!("{error}; {hint}") })
        }
        408 | 425 | 500..=599 => Err(SendError::Retry { error, after: answer.wait }),
        _ => Err(SendError::Permanent { error }),
    }
}

/// The id that a receiver gives a message: `message_id` or `id` of a JSON object.
fn message_id(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let id = match value.get("message_id").or_else(|| value.get("id"))? {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (!id.is_empty() && id.len() <= MESSAGE_ID_BYTES_MAX).then_some(id)
}
