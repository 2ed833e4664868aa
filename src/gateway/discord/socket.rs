//! The WebSocket to Discord, on a connection of the HTTP client.
//!
//! Invariants: a text longer than its limit is never gathered; an end without a word is not told to the other side, so
//! the session stays open. Source: RFC 6455. Not here: what is said (`session`).

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE, USER_AGENT};
use reqwest::{Method, Upgraded, Url};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::gateway::http::{Client, Request};
use crate::limits::SOCKET_BYTES_MAX;

const ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");
const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");

/// A connection.
pub(super) struct Socket(WebSocketStream<Upgraded>);

/// Why it ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// Discord ended it, with a number where it gave one.
    Closed(Option<u16>, String),
    /// It broke.
    Broken(String),
}

impl Socket {
    /// Connects to `url`, which begins with `wss` or `ws`.
    pub async fn open(client: &Client, url: &str, agent: &'static str) -> Result<Self, Ended> {
        let broken = |why: String| Ended::Broken(why);
        let Some(rest) = url.strip_prefix("ws") else {
            return Err(broken(format!("'{url}' is not the address of a socket")));
        };
        let mut url = Url::parse(&format!("http{rest}")).map_err(|error| broken(format!("'{url}': {error}")))?;
        url.set_query(Some("v=10&encoding=json"));
        let key = generate_key();
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(VERSION, HeaderValue::from_static("13"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(KEY, HeaderValue::from_str(&key).map_err(|error| broken(error.to_string()))?);
        let request = Request { method: Method::GET, url, headers, body: Vec::new(), patience: None };
        let upgrade = client.upgrade(request).await.map_err(|error| broken(error.to_string()))?;
        let accepted = upgrade.headers.get(ACCEPT).is_some_and(|accept| *accept == derive_accept_key(key.as_bytes()));
        if !accepted {
            return Err(broken("who answered is no WebSocket".to_owned()));
        }
        let limits = WebSocketConfig::default()
            .max_message_size(Some(SOCKET_BYTES_MAX))
            .max_frame_size(Some(SOCKET_BYTES_MAX));
        Ok(Self(WebSocketStream::from_raw_socket(upgrade.stream, Role::Client, Some(limits)).await))
    }

    /// The next text.
    pub async fn next(&mut self) -> Result<String, Ended> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Close(close))) => {
                    let close = close.map(|close| (u16::from(close.code), close.reason.to_string()));
                    let (code, reason) = close.map_or((None, String::new()), |(code, reason)| (Some(code), reason));
                    return Err(Ended::Closed(code, reason));
                }
                Some(Ok(Message::Binary(_))) => {
                    return Err(Ended::Broken("it was answered with bytes, though text was asked for".to_owned()));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(broken(&error)),
                None => return Err(Ended::Closed(None, String::new())),
            }
        }
    }

    /// Says something.
    pub async fn say(&mut self, text: String) -> Result<(), Ended> {
        self.0.send(Message::text(text)).await.map_err(|error| broken(&error))
    }
}

fn broken(error: &Error) -> Ended {
    Ended::Broken(format!("the connection broke: {error}"))
}
