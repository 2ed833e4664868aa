//! The Bot API: a method is called once, and its answer is read.
//!
//! Source: https://core.telegram.org/bots/api#making-requests.
//! Not here: what a refusal means for a message (`meaning`) or for listening (`listen`).

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Answer;
use crate::gateway::http::{Body, Client, Reach, Request, Unanswered};
use crate::limits::{ANSWER_BYTES_MAX, SPAN_MS_MAX};
use crate::problem::Problem;
use crate::time::Span;

/// The Bot API, as one bot sees it.
pub(super) struct Api {
    client: Client,
    /// Such as `https://host/bot<token>/`; a secret.
    methods: Url,
    timeout: Span,
}

/// Why a call gave nothing.
pub(super) enum Failed {
    /// No answer came.
    Unanswered(Unanswered),
    /// Telegram, or something on the way to it, said no.
    Refused {
        /// Telegram's own code, or the status of the answer.
        code: u16,
        /// Telegram's own words, or those of the status.
        why: String,
        /// It asks to wait so long.
        wait: Option<Span>,
        /// The chat has moved to this one.
        moved_to: Option<i64>,
    },
    /// It was taken, and what was said about it could not be read.
    Unread,
    /// What answers is not the Bot API.
    Strange,
}

/// A chat, as requests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum ChatId<'a> {
    /// By its number.
    Number(i64),
    /// By its public name, with `@`.
    Name(&'a str),
}

impl<'a> ChatId<'a> {
    /// Reads what a destination says.
    pub fn read(text: &'a str) -> Option<Self> {
        if let Ok(number) = text.parse() {
            return Some(Self::Number(number));
        }
        let name = text.strip_prefix('@')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then_some(Self::Name(text))
    }
}

/// What every answer is.
#[derive(Deserialize)]
struct Reply {
    ok: bool,
    #[serde(default)]
    result: Value,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

/// What an answer says for programs.
#[derive(Default, Deserialize)]
struct Parameters {
    migrate_to_chat_id: Option<i64>,
    retry_after: Option<u64>,
}

impl Api {
    /// The Bot API at this address, or all that is wrong with it.
    pub fn new(base: &str, token: Option<&SecretString>, timeout: Span) -> Result<Self, Vec<Problem>> {
        let token = token.ok_or_else(|| vec![Problem::new("token", "is missing")])?.expose_secret().trim();
        let mut problems = Vec::new();
        if !is_token(token) {
            let problem = Problem::new("token", "the token has not the form of a bot's token");
            problems.push(problem.hint("it is a number, a colon and some 35 letters, as @BotFather tells it"));
        }
        let methods = methods(base, token).map_err(|problem| problems.push(problem));
        match methods {
            Ok(methods) if problems.is_empty() => {
                let client = Client::new(&methods, Reach::Private, timeout).map_err(|error| {
                    let why = format!("cannot be reached from here: {:?}", error.without_url());
                    vec![Problem::new("base_url", why).hint("an https address needs the system's certificates")]
                })?;
                Ok(Self { client, methods, timeout })
            }
            Ok(_) | Err(()) => Err(problems),
        }
    }

    /// Calls a method.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, asked: &impl Serialize) -> Result<T, Failed> {
        self.call_long(method, asked, Span::ZERO, ANSWER_BYTES_MAX).await
    }

    /// Calls a method that may take so much longer than others, and answers up to `most` bytes.
    pub async fn call_long<T: DeserializeOwned>(
        &self,
        method: &str,
        asked: &impl Serialize,
        longer: Span,
        most: usize,
    ) -> Result<T, Failed> {
        let url = self.methods.join(method).map_err(|_| Failed::Strange)?;
        let body = serde_json::to_vec(asked).map_err(|_| Failed::Strange)?;
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let patience = Span::from_millis(self.timeout.as_millis() + longer.as_millis());
        let request = Request { patience: Some(patience), ..Request::post(url, headers, body) };
        read(self.client.ask(request, most).await.map_err(Failed::Unanswered)?)
    }
}

/// Whether a token can be one; nothing else may become part of an address.
fn is_token(token: &str) -> bool {
    let is_secret = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    token.split_once(':').is_some_and(|(number, secret)| {
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && !secret.is_empty()
            && is_secret(secret)
    })
}

/// The address that methods are below.
fn methods(base: &str, token: &str) -> Result<Url, Problem> {
    let refused = |why: String| Problem::new("base_url", why).value(base).hint("such as https://api.telegram.org");
    let mut url = Url::parse(base).map_err(|error| refused(format!("is not an address: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("is more than a host and a path".to_owned()));
    }
    let path = format!("{}/bot{token}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn read<T: DeserializeOwned>(answer: Answer) -> Result<T, Failed> {
    let Answer { status, wait, body, headers: _ } = answer;
    let refused = Failed::Refused { code: status.as_u16(), why: status.to_string(), wait, moved_to: None };
    let body = match body {
        Body::Whole(body) => body,
        Body::TooLong | Body::Broken(_) if status.is_success() => return Err(Failed::Unread),
        Body::TooLong | Body::Broken(_) => return Err(refused),
    };
    match serde_json::from_slice::<Reply>(&body) {
        Ok(Reply { ok: true, result, .. }) => serde_json::from_value(result).map_err(|_| Failed::Unread),
        Ok(Reply { ok: false, error_code, description, parameters, .. }) => {
            let Parameters { migrate_to_chat_id: moved_to, retry_after } = parameters.unwrap_or_default();
            let told = retry_after.map(|seconds| Span::from_millis(seconds.saturating_mul(1000).min(SPAN_MS_MAX)));
            let code = error_code.unwrap_or(status.as_u16());
            let why = description.unwrap_or_else(|| status.to_string());
            Err(Failed::Refused { code, why, wait: told.or(wait), moved_to })
        }
        // Something on the way speaks, or the wrong server.
        Err(_) if status.is_success() => Err(Failed::Strange),
        Err(_) => Err(refused),
    }
}
