//! The homeserver's client API: what is asked, and what its answers mean.
//!
//! Source: Matrix specification 1.11, client-server API. Invariant: a name in an address stays one part of its path.
//! Not here: what is sent (`mod`), what comes in (`sync`).

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config;
use crate::gateway::SendError;
use crate::gateway::http::{Body, Client, Reach, Request, Unanswered};
use crate::limits::{ANSWER_BYTES_MAX, MATRIX_TEXT_BYTES_MAX, SPAN_MS_MAX};
use crate::pace::Scope;
use crate::problem::Problem;
use crate::time::Span;

/// Characters of a homeserver's own words that are told.
const WORDS_CHARS_COUNT: usize = 200;

/// One account on one homeserver.
pub(super) struct Api {
    client: Client,
    base: Url,
    headers: HeaderMap,
}

/// What a homeserver says when it refuses.
#[derive(Debug, Default, Deserialize)]
struct Complaint {
    #[serde(default)]
    errcode: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    retry_after_ms: Option<u64>,
}

impl Api {
    pub fn open(config: &config::Matrix, token: Option<&SecretString>) -> Result<Self, Vec<Problem>> {
        let base = address(&config.base_url);
        let headers = headers(token);
        match (base, headers) {
            (Ok(base), Ok(headers)) => {
                // Only who owns the config names homeservers, and many a one runs on the same machine.
                let client = Client::new(&base, Reach::Private, config.timeout).map_err(|error| {
                    let problem = Problem::new("base_url", format!("cannot be reached from here: {error:?}"));
                    vec![problem.hint("an https address needs the system's certificates")]
                })?;
                Ok(Self { client, base, headers })
            }
            (base, headers) => Err([base.err(), headers.err()].into_iter().flatten().collect()),
        }
    }

    /// A request to a path below `/_matrix/client/v3`.
    pub fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> Request {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(["_matrix", "client", "v3"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Request { method, url, headers: self.headers.clone(), body: Vec::new(), patience: None }
    }

    /// A question.
    pub fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Request {
        self.request(Method::GET, path, query)
    }

    /// What is answered, read as `T`.
    pub async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, SendError> {
        self.ask_up_to(request, ANSWER_BYTES_MAX).await?.ok_or_else(|| {
            let error = format!("the answer is longer than {ANSWER_BYTES_MAX} bytes; look at base_url");
            SendError::Ambiguous { error }
        })
    }

    /// The same; `None` if it is longer than `most` bytes.
    pub async fn ask_up_to<T: DeserializeOwned>(
        &self,
        request: Request,
        most: usize,
    ) -> Result<Option<T>, SendError> {
        let answer = self.client.ask(request, most).await.map_err(|unanswered| match unanswered {
            Unanswered::NotSent(error) => SendError::Unreachable { error },
            Unanswered::Refused(error) => SendError::Permanent { error },
            Unanswered::Lost(error) => SendError::Ambiguous { error },
        })?;
        let body = match answer.body {
            Body::Whole(body) => body,
            Body::TooLong if answer.status.is_success() => return Ok(None),
            Body::Broken(error) if answer.status.is_success() => return Err(SendError::Ambiguous { error }),
            Body::TooLong | Body::Broken(_) => Vec::new(),
        };
        if !answer.status.is_success() {
            return Err(refused(answer.status, answer.wait, &body));
        }
        serde_json::from_slice(&body).map(Some).map_err(|error| {
            let error = format!("the answer is not a homeserver's ({error}); look at base_url");
            SendError::Ambiguous { error }
        })
    }
}

fn address(base: &str) -> Result<Url, Problem> {
    let refused = |why: String, hint: &str| Err(Problem::new("base_url", why).hint(hint));
    let url = match Url::parse(base) {
        Ok(url) => url,
        Err(error) => return refused(format!("is not an address: {error}"), "such as https://matrix.example.org"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refused("names a user or a password".to_owned(), "name a token: token_file, token_env");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused("has a part after '?' or '#'".to_owned(), "write the address up to /_matrix");
    }
    if url.path().contains("/_matrix") {
        return refused("names a part of the API".to_owned(), "write the address up to /_matrix, without it");
    }
    Ok(url)
}

fn headers(token: Option<&SecretString>) -> Result<HeaderMap, Problem> {
    let token = token.ok_or_else(|| Problem::new("token", "is missing").hint("write token_env or token_file"))?;
    let header = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret().trim()));
    let mut header =
        header.map_err(|_| Problem::new("token", "the token holds characters that no header can carry"))?;
    header.set_sensitive(true);
    let json = HeaderValue::from_static("application/json");
    Ok(HeaderMap::from_iter([(AUTHORIZATION, header), (CONTENT_TYPE, json)]))
}

/// What an answer other than success means.
fn refused(status: StatusCode, wait: Option<Span>, body: &[u8]) -> SendError {
    let Complaint { errcode, error, retry_after_ms } = serde_json::from_slice(body).unwrap_or_default();
    let mut words: String = error.chars().take(WORDS_CHARS_COUNT).collect();
    for part in [errcode.as_str(), &status.to_string()] {
        words =
            if words.is_empty() || part.is_empty() { format!("{part}{words}") } else { format!("{part}: {words}") };
    }
    let error = format!("the answer was {words}");
    let asked = retry_after_ms.map(|ms| Span::from_millis(ms.min(SPAN_MS_MAX)));
    match (status.as_u16(), errcode.as_str()) {
        // A homeserver counts by user, not by room.
        (429, _) | (_, "M_LIMIT_EXCEEDED") => {
            SendError::Limited { error, after: asked.or(wait), scope: Scope::Account }
        }
        // A proxy has lost sight of the message as we would have by a time-out.
        (502 | 504 | 520..=524, _) => SendError::Ambiguous { error },
        (408 | 425 | 500..=599, _) => SendError::Retry { error, after: wait },
        (status, code @ ("M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" | "M_USER_DEACTIVATED" | "M_USER_LOCKED")) => {
            SendError::Barred { error: format!("{error}; {}", way_out(status, code)) }
        }
        (401, _) => SendError::Barred { error: format!("{error}; look at the access token") },
        (status, code) => match way_out(status, code) {
            "" => SendError::Permanent { error },
            way_out => SendError::Permanent { error: format!("{error}; {way_out}") },
        },
    }
}

/// What a person can do about a refusal that is for good.
fn way_out(status: u16, code: &str) -> &'static str {
    const _: () = assert!(MATRIX_TEXT_BYTES_MAX == 24 * 1024, "as it is told below");
    match (status, code) {
        (_, "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" | "M_USER_DEACTIVATED" | "M_USER_LOCKED") => {
            "the access token is no longer good: make a new one, put it where token_env or token_file says, and restart"
        }
        (_, "M_FORBIDDEN") => {
            "the bot is not in this room, or may not do that there: invite it (with join = true it accepts), and look at \
             its power level"
        }
        (_, "M_NOT_FOUND") => {
            "no such room or alias is known to the homeserver; chat_id is !room:server or #alias:server"
        }
        (_, "M_TOO_LARGE") => "one message takes 24 KiB of text",
        (300..=399, _) => "redirects are not followed; put the final address into base_url",
        (404 | 405, _) => "base_url seems not to be a homeserver: write its address up to /_matrix",
        _ => "",
    }
}
