//! The model endpoint: the instruction is posted as OpenAI's chat completions take it, and the first choice is the answer.
//!
//! What is sent is the least that every such endpoint understands. An answer without a text, or one that the model
//! refused to give, is a failure and never a text. The key is sent and never shown, also where a server repeats it.
//! Units: bytes. Not here: connections (`client`), reading the key (`surface`), who is asked instead (`runtime`).

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Body, Client, Reach, Request, Unanswered};
use crate::config::{self, MaxTokensKey};
use crate::limits::{ERROR_BYTES_MAX, MODEL_ANSWER_BYTES_MAX, NAME_BYTES_MAX};
use crate::problem::Problem;
use crate::runner::{Answer, Call, Line, Prompt, Round, RunError, Runner, Running};
use crate::spec::Tokens;
use crate::time::Span;

/// Asks a model.
struct OpenAi {
    client: Client,
    url: Url,
    headers: HeaderMap,
    key: Option<SecretString>,
    max_tokens_key: MaxTokensKey,
}

/// A provider of this config, or what is wrong with it.
pub fn open(config: &config::OpenAi, key: Option<SecretString>) -> Result<Arc<dyn Runner>, Problem> {
    let url = address(&config.base_url)?;
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    if let Some(key) = &key {
        let header = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret().trim()));
        let mut header =
            header.map_err(|_| Problem::new("api_key", "the key holds characters that no header can carry"))?;
        header.set_sensitive(true);
        headers.insert(AUTHORIZATION, header);
    }
    // Only who owns the config names endpoints, and many a model runs on the same machine.
    let client = Client::new(&url, Reach::Private, config.timeout).map_err(|error| {
        let problem = Problem::new("base_url", format!("cannot be reached from here: {error:?}"));
        problem.hint("an https address needs the system's certificates")
    })?;
    Ok(Arc::new(OpenAi { client, url, headers, key, max_tokens_key: config.max_tokens_key }))
}

fn address(base: &str) -> Result<Url, Problem> {
    let refused = |why: String, hint: &str| Err(Problem::new("base_url", why).hint(hint));
    let url = match Url::parse(&format!("{}/chat/completions", base.trim_end_matches('/'))) {
        Ok(url) => url,
        Err(error) => return refused(format!("is not an address: {error}"), "such as https://host/v1"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refused("names a user or a password".to_owned(), "name a key: api_key_file, api_key_env");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused("has a part after '?' or '#'".to_owned(), "write the address up to /chat/completions");
    }
    Ok(url)
}

impl Runner for OpenAi {
    fn calls_tools(&self) -> bool {
        true
    }

    fn run(&self, prompt: Prompt) -> Running<'_> {
        Box::pin(async move {
            let body = body(&prompt, self.max_tokens_key);
            let request = Request::post(self.url.clone(), self.headers.clone(), body.to_string().into_bytes());
            let answered = self.client.send(request, MODEL_ANSWER_BYTES_MAX, None).await;
            let answer = answered.map_err(|unanswered| match unanswered {
                Unanswered::NotSent(error) => RunError::Retry { error, after: None },
                Unanswered::Refused(error) => RunError::Permanent { error },
                Unanswered::Lost(error) => RunError::Ambiguous { error },
            })?;
            if !answer.status.is_success() {
                let why = match &answer.body {
                    Body::Whole(body) => self.complaint(body),
                    Body::TooLong | Body::Broken(_) => String::new(),
                };
                return Err(refused(answer.status, answer.wait, &why));
            }
            match answer.body {
                Body::Whole(body) => self.read(&body, prompt),
                Body::TooLong => {
                    let error = format!("the answer is longer than {MODEL_ANSWER_BYTES_MAX} bytes");
                    Err(RunError::Paid { error: Box::new(RunError::Permanent { error }), tokens: None })
                }
                Body::Broken(error) => Err(RunError::Ambiguous { error }),
            }
        })
    }
}

fn body(prompt: &Prompt, max_tokens_key: MaxTokensKey) -> Value {
    let mut messages: Vec<Value> =
        prompt.to_know().iter().map(|known| json!({"role": "system", "content": known})).collect();
    messages.extend(prompt.history.iter().map(|line| match line {
        Line::User(text) => json!({"role": "user", "content": text}),
        Line::Model(text) => json!({"role": "assistant", "content": text}),
    }));
    messages.push(json!({"role": "user", "content": prompt.instruction}));
    for Round { text, calls } in &prompt.rounds {
        let made = calls.iter().map(|(Call { id, name, arguments }, _)| {
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
        });
        messages.push(json!({"role": "assistant", "content": text, "tool_calls": made.collect::<Vec<_>>()}));
        messages.extend(
            calls.iter().map(|(call, came)| json!({"role": "tool", "tool_call_id": call.id, "content": came})),
        );
    }
    let mut body = json!({"model": prompt.model, "messages": messages, "stream": false});
    if !prompt.tools.is_empty() {
        body["tools"] = Value::Array(prompt.tools.to_vec());
    }
    if let Some(most) = prompt.max_tokens {
        body[max_tokens_key.word()] = json!(most);
    }
    body
}

/// What a status other than success means.
fn refused(status: StatusCode, after: Option<Span>, why: &str) -> RunError {
    let because = if why.is_empty() { String::new() } else { format!(": {why}") };
    let error = format!("the answer was {status}{because}");
    match status.as_u16() {
        300..=399 => {
            let way_out = "redirects are not followed; put the final address into base_url";
            RunError::Permanent { error: format!("{error}; {way_out}") }
        }
        401 | 403 => {
            RunError::Permanent { error: format!("{error}; look at the provider's api_key_env or api_key_file") }
        }
        // Somebody gave up waiting for the model, which may have gone on.
        408 | 504 => RunError::Paid { error: Box::new(RunError::Retry { error, after }), tokens: None },
        409 | 425 | 429 | 500..=599 => RunError::Retry { error, after },
        _ => RunError::Permanent { error },
    }
}

/// What an endpoint answers, as far as it is looked at.
#[derive(Deserialize)]
struct Completion {
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<Content>,
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Called>>,
}

#[derive(Deserialize)]
struct Called {
    #[serde(default)]
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// A text, or pieces of it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Pieces(Vec<Piece>),
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
}

impl From<Called> for Call {
    fn from(Called { id, function: Function { name, arguments } }: Called) -> Self {
        // Some servers write an object where a text of one is meant.
        let arguments = match arguments {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Self { id, name, arguments }
    }
}

impl OpenAi {
    fn read(&self, body: &[u8], prompt: Prompt) -> Result<Answer, RunError> {
        let completion: Completion = serde_json::from_slice(body).map_err(|error| {
            // The model may have answered, and been paid, behind whatever spoilt this.
            RunError::Ambiguous { error: format!("the answer is not a chat completion: {error}") }
        })?;
        let usage = completion.usage.as_ref();
        let tokens =
            usage.and_then(|usage| Some(Tokens { input: usage.prompt_tokens?, output: usage.completion_tokens? }));
        match self.judge(completion, prompt) {
            Ok(answer) => Ok(Answer { tokens, ..answer }),
            Err(error) => Err(RunError::Paid { error: Box::new(error), tokens }),
        }
    }

    /// The text, or why there is none.
    fn judge(&self, completion: Completion, prompt: Prompt) -> Result<Answer, RunError> {
        // Some endpoints say so under the status of a success.
        if let Some(error) = completion.error.filter(|error| !error.is_null()) {
            return Err(RunError::Retry { error: self.told(&error), after: None });
        }
        let Some(Choice { message, finish_reason }) = completion.choices.into_iter().next() else {
            return Err(RunError::Retry { error: "the answer holds no choice".into(), after: None });
        };
        if let Some(refusal) = message.refusal.filter(|refusal| !refusal.trim().is_empty()) {
            return Err(RunError::Permanent { error: format!("the model refused: {}", self.plain(&refusal)) });
        }
        if finish_reason.as_deref() == Some("content_filter") {
            return Err(RunError::Permanent { error: "the provider's filter held the answer back".into() });
        }
        let text = match message.content {
            Some(Content::Text(text)) => text,
            Some(Content::Pieces(pieces)) => pieces.into_iter().map(|piece| piece.text).collect(),
            None => String::new(),
        };
        let is_name =
            |name: &String| !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
        let model = completion.model.filter(is_name).unwrap_or(prompt.model);
        let calls: Vec<Call> = message.tool_calls.unwrap_or_default().into_iter().map(Call::from).collect();
        if finish_reason.as_deref() == Some("length") && calls.is_empty() && text.trim().is_empty() {
            let error = "the answer is empty, and all its tokens are used up: the provider's max_tokens, or the \
                         schedule's budget.max_tokens_per_run, is too small";
            return Err(RunError::Permanent { error: error.into() });
        }
        // Whoever has called tools may have nothing to add; that is for others to judge.
        if calls.is_empty() && prompt.rounds.is_empty() {
            Answer::new(&text, model)
        } else {
            Ok(Answer { text, model, tokens: None, calls, is_silent: false })
        }
    }

    /// What the body of a refusal says.
    fn complaint(&self, body: &[u8]) -> String {
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(body)) => body.get("error").map(|error| self.told(error)).unwrap_or_default(),
            // A proxy's page says nothing that the status does not.
            Ok(_) | Err(_) => String::new(),
        }
    }

    fn told(&self, error: &Value) -> String {
        let message = error.get("message").unwrap_or(error);
        let text = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
        self.plain(&text)
    }

    /// A text of the server in one short line, without our key.
    fn plain(&self, text: &str) -> String {
        let key = self.key.as_ref().map(|key| key.expose_secret().trim()).filter(|key| !key.is_empty());
        let text = key.map_or_else(|| text.to_owned(), |key| text.replace(key, "***"));
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let end = (0..=line.len().min(ERROR_BYTES_MAX / 2)).rev().find(|end| line.is_char_boundary(*end));
        line[..end.unwrap_or(0)].to_owned()
    }
}
