//! The e-mail gateway: a message is a letter, handed to one mail server by SMTP.
//!
//! A connection for each letter. Until the letter itself is handed over, whatever breaks leaves nothing behind and is
//! tried again; from then on it is ambiguous until the server answers. 4xx is tried again, 5xx is for good.
//! Units: `Span`. Not here: the letter (`letter`), what people answer: a mailbox is read by nobody here.

mod letter;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::ExposeSecret as _;

use crate::config::{self, Tls};
use crate::gateway::{Capabilities, Delivery, Gateway, Probing, Receipt, Secrets, SendError, Sending, Unwell};
use crate::limits::CONNECT_MS_MAX;
use crate::problem::Problem;

/// How long a server is given for a farewell, which says nothing that matters.
const FAREWELL: Duration = Duration::from_millis(500);

/// Hands letters to one mail server.
struct Email {
    config: config::Email,
    from: Mailbox,
    /// What this machine says its name is.
    hello: ClientId,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
}

/// A gateway of this config, or all that is wrong with it.
pub fn open(config: &config::Email, secrets: &Secrets) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    let from: Result<Mailbox, Problem> = config.from.parse().map_err(|error| {
        let problem = Problem::new("from", format!("is not an e-mail address: {error}")).value(&config.from);
        problem.hint("such as \"Chime <chime@example.org>\"")
    });
    let tls = match config.tls {
        Tls::None => Ok(None),
        Tls::Starttls | Tls::Tls => TlsParameters::new(config.host.clone()).map(Some).map_err(|error| {
            let problem = Problem::new("host", format!("cannot be reached encrypted from here: {error}"));
            problem.hint("it needs the system's certificates")
        }),
    };
    match (from, tls) {
        (Ok(from), Ok(tls)) => {
            let hello = ClientId::Domain(from.email.domain().to_owned());
            let credentials = config
                .user
                .clone()
                .zip(secrets.token.as_ref())
                .map(|(user, password)| Credentials::new(user, password.expose_secret().to_owned()));
            Ok(Arc::new(Email { config: config.clone(), from, hello, tls, credentials }))
        }
        (from, tls) => Err([from.err(), tls.err()].into_iter().flatten().collect()),
    }
}

impl Gateway for Email {
    fn capabilities(&self) -> Capabilities {
        Capabilities::PLAIN
    }

    fn send(&self, delivery: Delivery) -> Sending<'_> {
        Box::pin(async move {
            let is_handed_over = AtomicBool::new(false);
            let timeout = self.config.timeout;
            let attempt = self.attempt(&delivery, &is_handed_over);
            let Ok(answer) = tokio::time::timeout(timeout.to_std(), attempt).await else {
                let error = format!("the mail server did not answer within {timeout}");
                return Err(unanswered(&is_handed_over, error));
            };
            // The letter has been taken, whatever is said from now on, and however long that takes.
            tokio::spawn(farewell(answer?));
            Ok(Receipt { message_id: Some(letter::message_id(&delivery.key, &self.from)) })
        })
    }

    fn probe(&self) -> Probing<'_> {
        Box::pin(async move {
            let config::Email { host, port, timeout, user, .. } = &self.config;
            let connected = tokio::time::timeout(timeout.to_std(), self.connect()).await;
            let connected = connected.map_err(|_| Unwell::Unseen(format!("no answer within {timeout}")))?;
            let connection = connected.map_err(|error| match Unwell::of("host", error) {
                Unwell::Wrong(problem) => problem.hint("look at host, port, tls, user and the password").into(),
                unseen @ Unwell::Unseen(_) => unseen,
            })?;
            farewell(connection).await;
            let user = user.as_ref().map_or_else(|| "nobody".to_owned(), Clone::clone);
            Ok(format!("{host}:{port} answers; signed in as {user}"))
        })
    }
}

impl Email {
    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let config::Email { host, port, tls, timeout, .. } = &self.config;
        let first = self.tls.clone().filter(|_| *tls == Tls::Tls);
        // Shorter than the whole, so that an attempt that found no connection is known as one.
        let patience = (timeout.to_std() / 2).min(Duration::from_millis(CONNECT_MS_MAX));
        let server = (host.as_str(), *port);
        let connected = AsyncSmtpConnection::connect_tokio1(server, Some(patience), &self.hello, first, None);
        let mut connection = connected.await.map_err(|error| meaning(&error, Stage::Connecting))?;
        if *tls == Tls::Starttls {
            if !connection.can_starttls() {
                let error =
                    format!("{host}:{port} offers no STARTTLS; is the port right? tls = \"tls\" is usual at 465");
                return Err(SendError::Barred { error });
            }
            if let Some(parameters) = self.tls.clone() {
                let started = connection.starttls(parameters, &self.hello).await;
                started.map_err(|error| meaning(&error, Stage::Before))?;
            }
        }
        if let Some(credentials) = &self.credentials {
            let signed_in = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            signed_in.map_err(|error| meaning(&error, Stage::SigningIn))?;
        }
        Ok(connection)
    }

    async fn attempt(
        &self,
        delivery: &Delivery,
        is_handed_over: &AtomicBool,
    ) -> Result<AsyncSmtpConnection, SendError> {
        let letter = letter::write(delivery, &self.from, self.config.format)
            .map_err(|error| SendError::Permanent { error })?;
        let text = letter.formatted();
        let before = |error: Error| meaning(&error, Stage::Before);
        let mut connection = self.connect().await?;
        let mut options = Vec::new();
        let server = connection.server_info();
        if !letter.envelope().to().iter().all(|to| to.to_string().is_ascii()) {
            if !server.supports_feature(Extension::SmtpUtfEight) {
                let error = "the address is not ASCII, and the mail server takes no others (SMTPUTF8)".to_owned();
                return Err(SendError::Permanent { error });
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !text.is_ascii() {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        connection.command(Mail::new(letter.envelope().from().cloned(), options)).await.map_err(before)?;
        for to in letter.envelope().to() {
            connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(before)?;
        }
        connection.command(Data).await.map_err(before)?;
        is_handed_over.store(true, Ordering::SeqCst);
        connection.message(&text).await.map_err(|error| meaning(&error, Stage::After))?;
        Ok(connection)
    }
}

/// How far it had come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Before,
    SigningIn,
    /// The letter itself was written.
    After,
}

/// What an error means.
fn meaning(error: &Error, stage: Stage) -> SendError {
    let told = told(error);
    match (error.status(), stage) {
        (Some(_), Stage::SigningIn) if error.is_permanent() => {
            let error = format!("{told}; the mail server refuses user and password, or wants an app password");
            SendError::Barred { error }
        }
        (Some(_), _) if error.is_permanent() => SendError::Permanent { error: told },
        (Some(_), _) => SendError::Retry { error: told, after: None },
        (None, Stage::Connecting) => SendError::Unreachable { error: told },
        (None, Stage::After) => SendError::Ambiguous { error: told },
        (None, Stage::SigningIn) if error.is_client() => {
            let error = format!("{told}; the mail server takes no passwords as it is asked: look at tls and port");
            SendError::Barred { error }
        }
        (None, _) => SendError::Retry { error: told, after: None },
    }
}

/// An error and all that led to it.
fn told(error: &Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(because) = cause {
        let more = because.to_string();
        if !told.contains(&more) {
            told = format!("{told}: {more}");
        }
        cause = because.source();
    }
    told
}

fn unanswered(is_handed_over: &AtomicBool, error: String) -> SendError {
    if is_handed_over.load(Ordering::SeqCst) {
        SendError::Ambiguous { error }
    } else {
        SendError::Retry { error, after: None }
    }
}

async fn farewell(mut connection: AsyncSmtpConnection) {
    let _ = tokio::time::timeout(FAREWELL, connection.quit()).await;
}
