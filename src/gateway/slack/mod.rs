//! The Slack gateway: a bot posts messages, or an incoming webhook does; what people write is posted to us.
//!
//! A text is sent as plain text, or its Markdown as Slack writes it; nothing in it unfolds a link or calls anybody. Slack recognises no key,
//! so an attempt without an answer may show twice when it is made again.
//! Units: text limits in characters, before `& < >` are escaped. Not here: what answers mean (`answer`), what is posted
//! to us (`events`), HTTP's server side (`surface`). Source: Slack's Web API, "chat.postMessage"; "Incoming webhooks".

mod answer;
mod events;

use std::sync::Arc;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use self::events::Seal;
use crate::config::{self, Markup, SlackPost};
use crate::gateway::http::{Answer, Client, Reach, Request};
use crate::gateway::text::markdown;
use crate::gateway::{
    Capabilities, Dedupe, Delivery, Gateway, Heard, Posted, Probing, Receipt, Secrets, SendError, Sending, TextLimit,
    Unheard, Unwell,
};
use crate::limits::{SLACK_CHARS_MAX, SLACK_WHOLE_CHARS_MAX};
use crate::pace::{Pace, Paces};
use crate::problem::Problem;
use crate::time::{Span, Timestamp};

/// One message a second in a channel, of which a few may come at once. Source: Slack's "Rate limits", special tier.
const PACE: Paces = Paces { account: None, chat: Some(Pace { every: Span::from_seconds(1), burst: 3 }) };

/// A way into a workspace.
struct Slack {
    client: Client,
    post: Post,
    format: Markup,
    seal: Option<Seal>,
}

/// By what messages are posted.
enum Post {
    /// A bot: where its methods are, and its token.
    Bot { base_url: String, authorization: HeaderValue },
    /// An address that is itself the secret.
    Webhook(Url),
}

/// A gateway of this config, or all that is wrong with it.
pub fn open(config: &config::Slack, secrets: &Secrets) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    let secret = secrets.token.as_ref().map(|secret| secret.expose_secret().trim()).unwrap_or_default();
    let (post, url) = post(config, secret).map_err(|problem| vec![problem])?;
    // The operator says where Slack is; an agent only says which channel.
    let client = Client::new(&url, Reach::Private, config.timeout).map_err(|error| {
        let why = format!("cannot be reached from here: {error:?}");
        vec![Problem::new("base_url", why).hint("an https address needs the system's certificates")]
    })?;
    Ok(Arc::new(Slack { client, post, format: config.format, seal: secrets.signing.first().map(Seal::new) }))
}

fn post(config: &config::Slack, secret: &str) -> Result<(Post, Url), Problem> {
    match &config.post {
        SlackPost::Bot(_) => {
            let url = Url::parse(&config.base_url).map_err(|error| {
                Problem::new("base_url", format!("is not an address: {error}")).hint("such as https://slack.com/api")
            })?;
            let mut authorization = HeaderValue::from_str(&format!("Bearer {secret}"))
                .map_err(|_| Problem::new("token", "the token holds characters that no header can carry"))?;
            authorization.set_sensitive(true);
            Ok((Post::Bot { base_url: config.base_url.trim_end_matches('/').to_owned(), authorization }, url))
        }
        SlackPost::Webhook(_) => {
            // The address is not repeated: whoever knows it may post to it.
            let url = Url::parse(secret).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            let hint = "such as https://hooks.slack.com/services/T…/B…/…, from the app's page Incoming Webhooks";
            let url = url.ok_or_else(|| Problem::new("webhook", "holds no http(s) address").hint(hint))?;
            Ok((Post::Webhook(url.clone()), url))
        }
    }
}

impl Gateway for Slack {
    fn capabilities(&self) -> Capabilities {
        let text = TextLimit::Chars(SLACK_CHARS_MAX);
        Capabilities { text, dedupe: Dedupe::None, threads: true, receives: self.seal.is_some(), pace: PACE }
    }

    fn send(&self, delivery: Delivery) -> Sending<'_> {
        Box::pin(self.deliver(delivery))
    }

    fn hear(&self, posted: &Posted<'_>) -> Result<Heard, Unheard> {
        self.seal.as_ref().ok_or(Unheard::Closed)?.hear(posted)
    }

    fn probe(&self) -> Probing<'_> {
        Box::pin(async move {
            let Post::Bot { .. } = &self.post else {
                return Ok("an incoming webhook, which cannot be looked at without posting".to_owned());
            };
            let answer = self.ask("auth.test", &json!({}), None).await;
            let me = answer.and_then(|answer| answer::read(&answer));
            let me = me.map_err(|error| Unwell::of("token", error))?;
            let text = |key: &str| me.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
            Ok(format!("the bot {} in {}", text("user"), text("team")))
        })
    }
}

impl Slack {
    async fn deliver(&self, delivery: Delivery) -> Result<Receipt, SendError> {
        let Delivery { sent_at, destination, text, .. } = delivery;
        let refused = |error: String| Err(SendError::Permanent { error });
        if text.trim().is_empty() {
            return refused("the text is empty, and Slack takes no empty messages".to_owned());
        }
        let chars = text.chars().count();
        if chars > SLACK_CHARS_MAX {
            return refused(format!(
                "the text has {chars} characters; Slack advises against more than {SLACK_CHARS_MAX}"
            ));
        }
        let (text, mrkdwn) = self.written(&text);
        let mut body = json!({
            "text": text,
            "mrkdwn": mrkdwn,
            "unfurl_links": false,
            "unfurl_media": false,
        });
        if let Some(thread) = &destination.thread {
            body["thread_ts"] = json!(thread);
        }
        match &self.post {
            Post::Bot { .. } => {
                body["channel"] = json!(destination.chat_id);
                let answer = self.ask("chat.postMessage", &body, Some(sent_at)).await?;
                answer::taken(&answer)
            }
            Post::Webhook(url) => {
                let answer = self.client.post(url.clone(), headers(None), body.to_string().into(), sent_at).await?;
                answer::dropped(&answer)
            }
        }
    }

    /// A text as Slack is to get it, and whether it is formatted; one that grows too long by it is not.
    fn written(&self, text: &str) -> (String, bool) {
        let formatted = match self.format {
            Markup::Plain => None,
            Markup::Markdown => Some(markdown::slack(text)),
        };
        let formatted = formatted.filter(|text| text.chars().count() <= SLACK_WHOLE_CHARS_MAX);
        formatted.map_or_else(|| (escaped(text), false), |text| (text, true))
    }

    /// Asks one of Slack's methods once. `now` is when, where that is known.
    async fn ask(&self, method: &str, body: &Value, now: Option<Timestamp>) -> Result<Answer, SendError> {
        let refused = |error: String| SendError::Permanent { error };
        let Post::Bot { base_url, authorization } = &self.post else {
            return Err(refused("an incoming webhook has no methods".to_owned()));
        };
        let url = Url::parse(&format!("{base_url}/{method}")).map_err(|error| refused(error.to_string()))?;
        let body = body.to_string().into_bytes();
        self.client.send(Request::post(url, headers(Some(authorization)), body), now).await
    }
}

fn headers(authorization: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    headers
}

/// A text in which Slack finds neither links nor names to call.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
