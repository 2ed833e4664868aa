//! Listening to Discord: one connection after the other, and patience between them.
//!
//! Invariants: a message is durable before its number counts as reached, and the place is kept only then; beats go on
//! while it becomes durable. A connection whose beats are not heard is given up. When listening ends, the session is
//! left open: what is written meanwhile is heard when it is taken up again, for as long as Discord keeps it.
//! Units: pauses double up to their limit. Not here: what is said (`session`), bytes (`socket`).

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tracing::{error, info, warn};

use super::message::{Home, Written, home};
use super::session::{Close, Place, Word, beat, close, introduction};
use super::socket::{Ended, Socket};
use super::{BOT, Discord, answer};
use crate::gateway::pause::Pause;
use crate::gateway::{Inbox, SendError};
use crate::limits::{DISCORD_CHANNELS_COUNT_MAX, SOCKET_HELLO_MS_MAX};
use crate::time::Span;

/// Why a connection is over.
enum Over {
    /// The process is ending.
    Ending,
    /// It did not go well, and is tried again; the session goes on.
    Trouble(String),
    /// Discord wants us to come again.
    Asked,
    /// It did not go well, and the session is over.
    Lost(String),
    /// It cannot go well before something is changed.
    Refused(String),
    /// Nothing before this long.
    Wait(Span, String),
}

impl From<Ended> for Over {
    fn from(ended: Ended) -> Self {
        let (code, reason) = match ended {
            Ended::Closed(code, reason) => (code, reason),
            Ended::Broken(why) => return Self::Trouble(why),
        };
        let said = match code {
            Some(code) => format!("Discord ended the connection: {code} {reason}").trim_end().to_owned(),
            None => "Discord ended the connection".to_owned(),
        };
        match close(code.unwrap_or_default()) {
            Close::Again => Self::Trouble(said),
            Close::Anew => Self::Lost(said),
            Close::Refused(hint) => Self::Refused(format!("{said}; {hint}")),
        }
    }
}

impl From<SendError> for Over {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Permanent { error } | SendError::Barred { error } => Self::Refused(error),
            SendError::Retry { error, after: Some(after) } | SendError::Limited { error, after: Some(after), .. } => {
                Self::Wait(after, error)
            }
            SendError::Retry { error, after: None }
            | SendError::Limited { error, after: None, .. }
            | SendError::Unreachable { error }
            | SendError::Ambiguous { error } => Self::Trouble(error),
        }
    }
}

impl From<crate::gateway::Ending> for Over {
    fn from(_: crate::gateway::Ending) -> Self {
        Self::Ending
    }
}

/// Listens until it is dropped.
pub(super) async fn listen(discord: &Discord, inbox: Arc<dyn Inbox>) {
    let Ok(place) = inbox.place().await else { return };
    let place = place.as_deref().and_then(Place::read);
    let mut ear = Ear { discord, inbox, place, is_well: false };
    let (mut troubles, mut pause) = (0, Pause::default());
    let mut refusal = None;
    loop {
        let Err(over) = ear.connection(troubles).await;
        if std::mem::take(&mut ear.is_well) {
            (troubles, refusal) = (0, None);
            pause.reset();
        }
        let wait = match over {
            Over::Ending => return,
            // A first cut costs nothing: it happens to every connection in the end.
            Over::Asked if troubles == 0 => Span::ZERO,
            Over::Asked => pause.next(None),
            Over::Trouble(why) if troubles == 0 => {
                info!("Discord is not heard: {why}; trying again at once");
                Span::ZERO
            }
            Over::Trouble(why) => {
                let wait = pause.next(None);
                warn!("Discord is not heard: {why}; trying again in {wait}");
                wait
            }
            Over::Lost(why) => {
                // What was written since the last message cannot be asked for in this session any more.
                warn!("Discord's session is over, and messages of the meantime may be missed: {why}");
                ear.place = None;
                pause.next(None)
            }
            Over::Refused(why) => {
                let wait = Pause::refused();
                if refusal.as_ref() != Some(&why) {
                    error!("Discord does not let us listen: {why}");
                    refusal = Some(why);
                }
                wait
            }
            Over::Wait(wait, why) => {
                warn!("Discord is not heard: {why}; trying again in {wait}");
                wait
            }
        };
        troubles += 1;
        sleep(wait.to_std()).await;
    }
}

struct Ear<'a> {
    discord: &'a Discord,
    inbox: Arc<dyn Inbox>,
    place: Option<Place>,
    /// Whether this connection has been of use: it had a session, and a beat was heard.
    is_well: bool,
}

/// The beats of one connection.
struct Beats {
    interval: Interval,
    is_heard: bool,
}

impl Ear<'_> {
    /// One connection, to its end.
    async fn connection(&mut self, troubles: u32) -> Result<Infallible, Over> {
        let url = match &self.place {
            // Where the session is may itself be the trouble.
            Some(place) if troubles < 2 => place.url().to_owned(),
            place => self.discord.socket_url(place.is_none()).await?,
        };
        let mut socket = Socket::open(&self.discord.client, &url, BOT).await?;
        let hello = timeout(Duration::from_millis(SOCKET_HELLO_MS_MAX), socket.next()).await;
        let hello =
            hello.map_err(|_| Over::Trouble("it said nothing after the connection was made".to_owned()))??;
        let Word::Hello(span) = Word::read(&hello).map_err(Over::Trouble)? else {
            return Err(Over::Trouble("its first word was not HELLO".to_owned()));
        };
        let mut beats = Beats::every(span);
        let token = self.discord.token.expose_secret();
        socket.say(introduction(token, self.place.as_ref(), self.discord.message_content)).await?;
        let mut has_session = false;
        loop {
            let word = tokio::select! {
                text = socket.next() => Word::read(&text?).map_err(Over::Trouble)?,
                _ = beats.interval.tick() => {
                    if !std::mem::take(&mut beats.is_heard) {
                        return Err(Over::Trouble("it did not hear our last beat".to_owned()));
                    }
                    socket.say(beat(self.place.as_ref())).await?;
                    continue;
                }
            };
            match word {
                Word::Hello(_) => {}
                Word::Heard => {
                    beats.is_heard = true;
                    self.is_well |= has_session;
                }
                Word::Beat => socket.say(beat(self.place.as_ref())).await?,
                Word::Reconnect => return Err(Over::Asked),
                Word::Invalid { is_open: true } => return Err(Over::Trouble("the session is not ready".to_owned())),
                Word::Invalid { is_open: false } => return Err(Over::Lost("Discord has forgotten it".to_owned())),
                Word::Ready(place) => {
                    info!("Discord is heard");
                    has_session = true;
                    beats.during(&mut socket, Some(&place), self.inbox.keep_place(place.write())).await??;
                    self.place = Some(place);
                }
                Word::Resumed(seq) => {
                    has_session = true;
                    self.reach(seq);
                }
                Word::Message(seq, message) => self.take(&mut socket, &mut beats, seq, &message).await?,
                Word::Other(seq) => self.reach(seq),
            }
        }
    }

    /// Hands a message over; only when it is durable is its number reached.
    async fn take(&mut self, socket: &mut Socket, beats: &mut Beats, seq: u64, message: &Value) -> Result<(), Over> {
        let Some(place) = &mut self.place else { return Ok(()) };
        let Some(written) = Written::read(message) else {
            place.reach(seq);
            return Ok(());
        };
        let home = beats.during(socket, Some(place), self.discord.home(&written)).await??;
        let inbound = written.inbound(place.me(), home);
        beats.during(socket, Some(place), self.inbox.take(vec![inbound])).await??;
        place.reach(seq);
        let kept = self.inbox.keep_place(place.write());
        Ok(beats.during(socket, Some(place), kept).await??)
    }

    fn reach(&mut self, seq: Option<u64>) {
        if let (Some(place), Some(seq)) = (&mut self.place, seq) {
            place.reach(seq);
        }
    }
}

impl Beats {
    fn every(span: Span) -> Self {
        let mut interval = interval(span.to_std());
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first beat is due at once, and nothing was said yet that could have gone unheard.
        Self { interval, is_heard: true }
    }

    /// Goes on beating while something else is done. Nothing is read meanwhile, so silence says nothing.
    async fn during<T>(
        &mut self,
        socket: &mut Socket,
        place: Option<&Place>,
        work: impl Future<Output = T>,
    ) -> Result<T, Over> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                _ = self.interval.tick() => {
                    socket.say(beat(place)).await?;
                    self.is_heard = true;
                }
            }
        }
    }
}

impl Discord {
    /// Where the socket is, and whether a new session may begin there.
    async fn socket_url(&self, is_new: bool) -> Result<String, Over> {
        let answer = self.ask(Method::GET, "/gateway/bot", None, None).await?;
        let told = answer::read(&answer)?;
        let number = |key: &str| told.get("session_start_limit")?.get(key)?.as_u64();
        if is_new && number("remaining") == Some(0) {
            let wait = number("reset_after").map_or_else(Pause::refused, Span::from_millis);
            return Err(Over::Wait(wait, "the bot has begun all the sessions that it may begin today".to_owned()));
        }
        let url = told.get("url").and_then(Value::as_str).map(str::to_owned);
        url.ok_or_else(|| Over::Trouble("Discord does not say where its socket is".to_owned()))
    }

    /// Where a message's channel is. What cannot be known now is trouble, and the message comes again.
    async fn home(&self, written: &Written<'_>) -> Result<Home, Over> {
        let channel = written.channel;
        let known = || self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        if !written.is_of_server {
            return Ok(Home { chat_id: channel.to_owned(), thread: None });
        }
        if let Some(home) = known().get(channel) {
            return Ok(home.clone());
        }
        let answer = self.ask(Method::GET, &format!("/channels/{channel}"), None, None).await?;
        let home = match answer::read(&answer) {
            Ok(described) => home(channel, &described),
            // It may write there and not look; then it is taken for what it seems.
            Err(SendError::Permanent { error }) if answer.status.as_u16() != 401 => {
                warn!("Discord does not say whether the channel {channel} is a thread: {error}");
                Home { chat_id: channel.to_owned(), thread: None }
            }
            Err(error) => return Err(error.into()),
        };
        let mut known = known();
        if known.len() >= DISCORD_CHANNELS_COUNT_MAX {
            known.clear();
        }
        known.insert(channel.to_owned(), home.clone());
        Ok(home)
    }
}
