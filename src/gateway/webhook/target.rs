//! The address that messages are posted to, in whose path or query `{chat_id}` may stand.
//!
//! Invariant: whatever a chat is called, the host stays the same, and so does the number of parts of the path.
//! Not here: what names lead to (`http::guard`).

use std::fmt::Write as _;
use std::net::IpAddr;

use reqwest::Url;

use crate::gateway::http::Reach;
use crate::gateway::http::guard::judge;
use crate::problem::Problem;

/// What stands for the chat.
const CHAT: &str = "{chat_id}";

/// An address, or a pattern of them.
pub(super) struct Target {
    /// The pattern, if it is one.
    pattern: Option<String>,
    /// The address, or the pattern's for a chat named `x`.
    sample: Url,
}

impl Target {
    /// Reads what a config says.
    pub fn read(text: &str, reach: Reach) -> Result<Self, Problem> {
        let refused = |why: &str, hint: &str| Err(Problem::new("url", why).hint(hint));
        let (sample, other) = match (Url::parse(&text.replace(CHAT, "x")), Url::parse(&text.replace(CHAT, "y"))) {
            (Ok(sample), Ok(other)) => (sample, other),
            (Err(error), _) | (_, Err(error)) => {
                return refused(&format!("is not an address: {error}"), "such as https://host/path");
            }
        };
        if !sample.username().is_empty() || sample.password().is_some() {
            return refused(
                "names a user or a password",
                "put it into a file or the environment: token_file, token_env",
            );
        }
        if sample.fragment().is_some() {
            return refused("has a part after '#', which is never sent", "leave it out");
        }
        if sample.origin() != other.origin() {
            return refused("has {chat_id} in its host", "it may stand in the path and behind '?'");
        }
        if reach == Reach::Public {
            let host = sample.host_str().unwrap_or_default();
            let digits = host.trim_start_matches('[').trim_end_matches(']');
            if let Ok(address) = digits.parse::<IpAddr>() {
                judge(digits, address).map_err(|private| Problem::new("url", private.to_string()))?;
            }
        }
        Ok(Self { pattern: text.contains(CHAT).then(|| text.to_owned()), sample })
    }

    /// An address of its kind.
    pub fn sample(&self) -> &Url {
        &self.sample
    }

    /// The address for a chat.
    pub fn url(&self, chat: &str) -> Result<Url, String> {
        let Some(pattern) = &self.pattern else { return Ok(self.sample.clone()) };
        let url = Url::parse(&pattern.replace(CHAT, &escaped(chat))).map_err(|error| error.to_string())?;
        let parts = |url: &Url| url.path_segments().map_or(0, Iterator::count);
        // A chat named `.` or `..` would lead somewhere else.
        if !matches!(chat, "." | "..") && parts(&url) == parts(&self.sample) {
            Ok(url)
        } else {
            Err(format!("chat_id '{chat}' cannot stand in the gateway's address"))
        }
    }
}

/// A text as it may stand in any part of an address.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
