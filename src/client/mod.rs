//! The HTTP client that gateways and runners share: one attempt, one answer, and what a missing answer means.
//!
//! It follows no redirect, tries nothing twice, asks no proxy, and keeps no connection for longer than servers do.
//! Invariant: what is `NotSent` or `Refused` certainly was not taken; what may have been is `Lost`.
//! Not here: what an answer's status means (whoever asks), patience with them all (`runtime`).

pub(crate) mod guard;
mod wait;

use std::error::Error as StdError;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode, Upgraded, Url, redirect, retry};

use self::guard::{Guard, Private};
use crate::limits::{CONNECT_MS_MAX, IDLE_MS_MAX};
use crate::time::{Span, Timestamp};

/// Where a client may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To addresses that the whole world can reach.
    Public,
    /// To any.
    Private,
}

/// Sends requests to one server.
pub(crate) struct Client {
    client: reqwest::Client,
    timeout: Duration,
}

/// What is asked of a server.
pub(crate) struct Request {
    /// How.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// With what said besides.
    pub headers: HeaderMap,
    /// What.
    pub body: Vec<u8>,
    /// How long it may take, where that is not as long as usual.
    pub patience: Option<Span>,
}

impl Request {
    /// A post that may take as long as usual.
    pub fn post(url: Url, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { method: Method::POST, url, headers, body, patience: None }
    }
}

/// What a server answered.
pub(crate) struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// What it said besides.
    pub headers: HeaderMap,
    /// It asks to wait so long before the next attempt.
    pub wait: Option<Span>,
    /// What it said.
    pub body: Body,
}

/// A connection that HTTP has left.
pub(crate) struct Upgrade {
    /// What the server said as it let go.
    pub headers: HeaderMap,
    /// The connection.
    pub stream: Upgraded,
}

/// What came of the body of an answer.
pub(crate) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// It is longer than was asked for.
    TooLong,
    /// It broke off.
    Broken(String),
}

/// Why there is no answer.
pub(crate) enum Unanswered {
    /// There was no connection.
    NotSent(String),
    /// It must not or cannot be sent.
    Refused(String),
    /// It may have been taken.
    Lost(String),
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
        // It may have been installed for another server.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { client: builder.build()?, timeout })
    }

    /// Sends once and reads up to `most` bytes of the answer. `now` is when, where that is known.
    pub async fn send(&self, request: Request, most: usize, now: Option<Timestamp>) -> Result<Answer, Unanswered> {
        let Request { method, url, headers, body, patience } = request;
        let timeout = patience.map_or(self.timeout, Span::to_std);
        let request = self.client.request(method, url).headers(headers).timeout(timeout).body(body);
        let response = request.send().await.map_err(|error| self.unanswered(error))?;
        let status = response.status();
        let wait = wait::asked(response.headers(), now);
        let headers = response.headers().clone();
        Ok(Answer { status, wait, headers, body: self.body(response, most).await })
    }

    /// Asks for a connection to be used otherwise than for HTTP.
    pub async fn upgrade(&self, request: Request) -> Result<Upgrade, Unanswered> {
        let Request { method, url, headers, body, patience } = request;
        let timeout = patience.map_or(self.timeout, Span::to_std);
        let request = self.client.request(method, url).headers(headers).timeout(timeout).body(body);
        let response = request.send().await.map_err(|error| self.unanswered(error))?;
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(Unanswered::Lost(format!("the answer was {status}")));
        }
        let headers = response.headers().clone();
        let stream = response.upgrade().await.map_err(|error| self.unanswered(error))?;
        Ok(Upgrade { headers, stream })
    }

    async fn body(&self, mut response: Response, most: usize) -> Body {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Body::Whole(body),
                Ok(Some(piece)) if body.len() + piece.len() > most => return Body::TooLong,
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Err(error) if error.is_timeout() => return Body::Broken(self.late()),
                Err(error) => {
                    return Body::Broken(format!("the answer broke off: {}", innermost(&error.without_url())));
                }
            }
        }
    }

    fn late(&self) -> String {
        format!("no answer within {}", Span::from_millis(self.timeout.as_millis() as u64))
    }

    fn unanswered(&self, error: reqwest::Error) -> Unanswered {
        let error = error.without_url();
        if let Some(private) = cause::<Private>(&error) {
            return Unanswered::Refused(private.to_string());
        }
        let text = innermost(&error);
        if error.is_connect() {
            return Unanswered::NotSent(format!("no connection: {text}"));
        }
        if error.is_builder() {
            return Unanswered::Refused(format!("not a request that can be sent: {text}"));
        }
        if error.is_timeout() {
            return Unanswered::Lost(self.late());
        }
        if cause::<hyper::Error>(&error).is_some_and(hyper::Error::is_canceled) {
            return Unanswered::NotSent(format!("the connection ended before it was used: {text}"));
        }
        Unanswered::Lost(format!("the connection broke off before an answer came: {text}"))
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
