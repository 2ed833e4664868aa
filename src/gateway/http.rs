//! What gateways make of the HTTP client: an answer, or why a message was not taken.
//!
//! Invariant: what certainly was not sent is `Retry` or `Permanent`, what may have been sent is `Ambiguous`.
//! Not here: connections (`client`), what an answer's status means on a platform (the gateways).

use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};

use crate::client;
pub(in crate::gateway) use crate::client::Request;
pub(in crate::gateway) use crate::client::{Body, Reach, Unanswered, Upgrade, guard};
use crate::gateway::SendError;
use crate::limits::ANSWER_BYTES_MAX;
use crate::time::{Span, Timestamp};

/// Sends messages to one platform.
pub(in crate::gateway) struct Client(client::Client);

/// What a platform answered.
pub(in crate::gateway) struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// It asks to wait so long before the next attempt.
    pub wait: Option<Span>,
    /// What it said besides.
    pub headers: HeaderMap,
    /// What it said, as far as that was short and came.
    pub body: Vec<u8>,
}

impl Client {
    /// A client that goes no further than `reach`, to `url` and those like it.
    pub fn new(url: &Url, reach: Reach, timeout: Span) -> reqwest::Result<Self> {
        client::Client::new(url, reach, timeout).map(Self)
    }

    /// Posts a message once. `now` is when.
    pub async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Answer, SendError> {
        self.send(Request::post(url, headers, body), Some(now)).await
    }

    /// Asks something that is no message, and reads up to `most` bytes of the answer.
    pub async fn ask(&self, request: Request, most: usize) -> Result<client::Answer, Unanswered> {
        self.0.send(request, most, None).await
    }

    /// Sends a message once. `now` is when.
    pub async fn send(&self, request: Request, now: Option<Timestamp>) -> Result<Answer, SendError> {
        match self.0.send(request, ANSWER_BYTES_MAX, now).await {
            Ok(client::Answer { status, wait, headers, body }) => {
                let body = match body {
                    Body::Whole(body) => body,
                    // The status has been said; what breaks off after it changes nothing.
                    Body::TooLong | Body::Broken(_) => Vec::new(),
                };
                Ok(Answer { status, wait, headers, body })
            }
            Err(unanswered) => Err(meaning(unanswered)),
        }
    }

    /// Asks for a connection to be used otherwise than for HTTP.
    pub async fn upgrade(&self, request: Request) -> Result<Upgrade, SendError> {
        self.0.upgrade(request).await.map_err(meaning)
    }
}

fn meaning(unanswered: Unanswered) -> SendError {
    match unanswered {
        Unanswered::NotSent(error) => SendError::Unreachable { error },
        Unanswered::Refused(error) => SendError::Permanent { error },
        Unanswered::Lost(error) => SendError::Ambiguous { error },
    }
}
