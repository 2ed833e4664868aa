//! Operations performed by a daemon, over its loopback HTTP surface.
//!
//! One connection a request: a command asks once or twice and ends. The connection is driven inside the call, so
//! nothing outlives it. While a question takes its time the daemon is asked how it is, on a connection of its own.
//! Units: `limits` in milliseconds.
//! Not here: other hosts, TLS, redirects.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::request::Builder;
use hyper::{Method, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::admin::Token;
use super::error::{Code, Error};
use super::http::CALLER_HEADER;
use super::ops::{Caller, Calling, Operations, Reply, Request};
use crate::limits;
use crate::time::Span;

/// A daemon on this machine.
#[derive(Clone, Debug)]
pub struct Remote {
    address: SocketAddr,
    token: Token,
}

impl Remote {
    /// The daemon at an address, asked with a token.
    #[must_use]
    pub fn new(address: SocketAddr, token: Token) -> Self {
        Self { address, token }
    }

    async fn ask(&self, caller: Caller, request: Request) -> Result<Reply, Error> {
        let name = request.name();
        let body = request.to_json()?.to_string();
        if body.len() > limits::REQUEST_BYTES_MAX {
            let message = format!("this is {} bytes; a daemon takes {}", body.len(), limits::REQUEST_BYTES_MAX);
            return Err(Error::new(Code::TooLarge, message));
        }
        let patience =
            if matches!(name, "backup" | "verify") { limits::REMOTE_COPY_MS_MAX } else { limits::REMOTE_MS_MAX };
        let answered = tokio::select! {
            answered = self.exchange(self.operation(&caller, name, body)?) => answered,
            () = self.falls_silent() => Err(self.silent()),
            () = tokio::time::sleep(Duration::from_millis(patience)) => {
                Err(self.unreachable("it is alive and did not answer in time"))
            }
        };
        let (status, body) = answered?;
        if status == StatusCode::OK {
            return Reply::read(name, &body).map_err(|error| {
                let message = format!("the daemon at {} gave an answer of another version", self.address);
                Error::new(Code::Failed, message).detail(error)
            });
        }
        let document: Option<Value> = serde_json::from_slice(&body).ok();
        Err(document.as_ref().and_then(Error::from_json).unwrap_or_else(|| {
            let message = format!("the daemon at {} answered with status {status}", self.address);
            Error::new(Code::Failed, message).detail(String::from_utf8_lossy(&body))
        }))
    }

    /// Ends when the daemon does not even say how it is: work may take long, but that is answered whatever it does.
    async fn falls_silent(&self) {
        let look = Duration::from_millis(limits::REMOTE_LOOK_MS_MAX);
        loop {
            tokio::time::sleep(look).await;
            let Ok(greeting) = self.request(Method::GET, "/healthz").body(Full::default()) else { return };
            // A refused connection is said by the question itself.
            if tokio::time::timeout(look, self.exchange(greeting)).await.is_err() {
                return;
            }
        }
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        hyper::Request::builder().method(method).uri(path).header(header::HOST, self.address.to_string())
    }

    fn operation(&self, caller: &Caller, name: &str, body: String) -> Result<hyper::Request<Full<Bytes>>, Error> {
        let mut request = self
            .request(Method::POST, &format!("/v1/ops/{name}"))
            .header(header::AUTHORIZATION, self.token.header())
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(agent) = caller.to_header() {
            request = request.header(CALLER_HEADER, agent);
        }
        request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Error::new(Code::Failed, "the request cannot be written").detail(error))
    }

    async fn exchange(&self, request: hyper::Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Error> {
        let stream = TcpStream::connect(self.address).await.map_err(|error| self.unreachable(error))?;
        let shaken = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| self.unreachable(error))?;
        let mut connection = pin!(connection);
        let mut answer = pin!(self.converse(sender, request));
        tokio::select! {
            answer = &mut answer => answer,
            // The connection may end before its last bytes are taken up.
            _ = &mut connection => answer.await,
        }
    }

    async fn converse(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Error> {
        let response = sender.send_request(request).await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), limits::REPLY_BYTES_MAX).collect().await;
        let body = body.map_err(|error| self.unreachable(error))?;
        Ok((status, body.to_bytes()))
    }

    fn silent(&self) -> Error {
        let waited = Span::from_millis(2 * limits::REMOTE_LOOK_MS_MAX);
        self.unreachable(format_args!(
            "it took the question and has said nothing for {waited}, not even how it is. It may be suspended (`kill -CONT` \
             lets a stopped process go on) or its machine overloaded; what was asked for may still be done"
        ))
    }

    fn unreachable(&self, why: impl std::fmt::Display) -> Error {
        Error::new(Code::Unreachable, format!("the daemon at {} does not answer: {why}", self.address))
    }
}

impl Operations for Remote {
    fn call(&self, caller: &Caller, request: Request) -> Calling<'_> {
        Box::pin(self.ask(caller.clone(), request))
    }
}
