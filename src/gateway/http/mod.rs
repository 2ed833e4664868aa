//! The HTTP client that gateways share: one attempt, one answer, and what a missing answer means.
//!
//! It follows no redirect, tries nothing twice, asks no proxy, and keeps no connection for longer than servers do.
//! Invariant: what certainly was not sent is `Retry` or `Permanent`, what may have been sent is `Ambiguous`.
//! Not here: what an answer's status means on a platform (the gateways), patience with them all (`runtime`).

pub(in crate::gateway) mod guard;
mod wait;

use std::error::Error as StdError;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url, redirect, retry};

use crate::gateway::SendError;
use crate::gateway::http::guard::{Guard, Private};
use crate::limits::{ANSWER_BYTES_MAX, CONNECT_MS_MAX, IDLE_MS_MAX};
use crate::time::{Span, Timestamp};

/// Where a client may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Reach {
    /// To addresses that the whole world can reach.
    Public,
    /// To any.
    Private,
}

/// Sends requests to one platform.
pub(in crate::gateway) struct Client {
    client: reqwest::Client,
    timeout: Duration,
}

/// What a platform answered.
pub(in crate::gateway) struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// It asks to wait so long before the next attempt.
    pub wait: Option<Span>,
    /// What it said, as far as that was short and came.
    pub body: Vec<u8>,
}

impl Client {
    /// A client that goes no further than `reach`, to `url` and those like it.
    pub fn new(url: &Url, reach: Reach, timeout: Span) -> reqwest::Result<Self> {
        let timeout = timeout.to_std();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("chimewheel/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            // Shorter than the whole, so that an attempt that found no connection is known as one.
            .connect_timeout((timeout / 2).min(Duration::from_millis(CONNECT_MS_MAX)))
            .pool_idle_timeout(Duration::from_millis(IDLE_MS_MAX))
            .tcp_nodelay(true);
        let builder = match reach {
            Reach::Public => builder.dns_resolver(Guard),
            Reach::Private => builder,
        };
        // Where nothing is ever encrypted, a machine without certificates serves as well.
        let builder = if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
        // It may have been installed by another gateway.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { client: builder.build()?, timeout })
    }

    /// Posts once. `now` is when.
    pub async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Answer, SendError> {
        let request = self.client.post(url).headers(headers).timeout(self.timeout).body(body);
        let mut response = request.send().await.map_err(|error| self.unanswered(error))?;
        let status = response.status();
        let wait = wait::asked(response.headers(), now);
        let mut body = Vec::new();
        // The status has been said; what breaks off after it changes nothing.
        while let Ok(Some(piece)) = response.chunk().await {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                body.clear();
                break;
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status, wait, body })
    }

    fn unanswered(&self, error: reqwest::Error) -> SendError {
        let error = error.without_url();
        if let Some(private) = cause::<Private>(&error) {
            return SendError::Permanent { error: private.to_string() };
        }
        let text = innermost(&error);
        if error.is_connect() {
            return SendError::Retry { error: format!("no connection: {text}"), after: None };
        }
        if error.is_builder() {
            return SendError::Permanent { error: format!("not a request that can be sent: {text}") };
        }
        if error.is_timeout() {
            let waited = Span::from_millis(self.timeout.as_millis() as u64);
            return SendError::Ambiguous { error: format!("no answer within {waited}") };
        }
        if cause::<hyper::Error>(&error).is_some_and(hyper::Error::is_canceled) {
            return SendError::Retry {
                error: format!("the connection ended before it was used: {text}"),
                after: None,
            };
        }
        SendError::Ambiguous { error: format!("the connection broke off before an answer came: {text}") }
    }
}

type Cause<'a> = &'a (dyn StdError + 'static);

/// The error of this type that led to another.
fn cause<'a, E: StdError + 'static>(error: Cause<'a>) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn innermost(error: Cause<'_>) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn causes<'a>(error: Cause<'a>) -> impl Iterator<Item = Cause<'a>> {
    std::iter::successors(Some(error), |&error: &Cause<'a>| error.source())
}
