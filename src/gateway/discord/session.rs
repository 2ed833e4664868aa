//! What is said through Discord's socket, and where we are in it; pure.
//!
//! A session is a numbered stream of what happens. We remember the number of the last that was taken for good, so that
//! after a cut, or after the process has been started anew, Discord says again what came behind it.
//! Invariant: the number never goes beyond what has been taken. Units: the beat in milliseconds.
//! Source: Discord API v10, "Gateway". Not here: the connection (`socket`), patience (`listen`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::time::Span;

/// Messages of servers, direct ones, and with [`CONTENT`] what they say when they do not name the bot.
const INTENTS: u32 = 1 << 9 | 1 << 12;
const CONTENT: u32 = 1 << 15;

/// Where we are in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    session: String,
    url: String,
    seq: u64,
    me: String,
}

/// What Discord says.
#[derive(Debug)]
pub(super) enum Word {
    /// The first word: how often it wants to hear a beat.
    Hello(Span),
    /// It heard our beat.
    Heard,
    /// It wants a beat now.
    Beat,
    /// It wants us to come again.
    Reconnect,
    /// The session is over, or can yet be taken up.
    Invalid { is_open: bool },
    /// A new session.
    Ready(Place),
    /// The old session goes on; what was missed has been said.
    Resumed(Option<u64>),
    /// Somebody wrote.
    Message(u64, Value),
    /// Anything else that happened.
    Other(Option<u64>),
}

/// One frame.
#[derive(Deserialize)]
struct Frame {
    op: u8,
    #[serde(default)]
    d: Value,
    s: Option<u64>,
    t: Option<String>,
}

impl Word {
    /// Reads a frame, or says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let frame: Frame =
            serde_json::from_str(text).map_err(|error| format!("a frame is not Discord's: {error}"))?;
        Ok(match (frame.op, frame.t.as_deref(), frame.s) {
            (0, Some("READY"), Some(seq)) => {
                Self::Ready(Place::begun(&frame.d, seq).ok_or("READY names no session")?)
            }
            (0, Some("RESUMED"), seq) => Self::Resumed(seq),
            (0, Some("MESSAGE_CREATE"), Some(seq)) => Self::Message(seq, frame.d),
            (1, ..) => Self::Beat,
            (7, ..) => Self::Reconnect,
            (9, ..) => Self::Invalid { is_open: frame.d.as_bool() == Some(true) },
            (10, ..) => {
                let beat = frame.d.get("heartbeat_interval").and_then(Value::as_u64).filter(|beat| *beat > 0);
                Self::Hello(Span::from_millis(beat.ok_or("HELLO names no beat")?))
            }
            (11, ..) => Self::Heard,
            (_, _, seq) => Self::Other(seq),
        })
    }
}

impl Place {
    fn begun(ready: &Value, seq: u64) -> Option<Self> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let me = text(ready.get("user").and_then(|user| user.get("id")))?;
        Some(Self { session: text(ready.get("session_id"))?, url: text(ready.get("resume_gateway_url"))?, seq, me })
    }

    /// Reads what [`Place::write`] wrote; one that cannot be read is none.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As it is kept.
    pub fn write(&self) -> String {
        json!(self).to_string()
    }

    /// Where the session is taken up again.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bot's own id.
    pub fn me(&self) -> &str {
        &self.me
    }

    /// All up to this number has been taken.
    pub fn reach(&mut self, seq: u64) {
        self.seq = self.seq.max(seq);
    }
}

/// A beat, with the last number taken.
pub(super) fn beat(place: Option<&Place>) -> String {
    json!({"op": 1, "d": place.map(|place| place.seq)}).to_string()
}

/// What is said after HELLO: who we are, and which session goes on, if one does.
pub(super) fn introduction(token: &str, place: Option<&Place>, message_content: bool) -> String {
    if let Some(Place { session, seq, .. }) = place {
        return json!({"op": 6, "d": {"token": token, "session_id": session, "seq": seq}}).to_string();
    }
    let intents = if message_content { INTENTS | CONTENT } else { INTENTS };
    let properties = json!({"os": std::env::consts::OS, "browser": "chimewheel", "device": "chimewheel"});
    json!({"op": 2, "d": {"token": token, "intents": intents, "properties": properties}}).to_string()
}

/// What the number with which Discord ends a connection asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// Come again and take the session up.
    Again,
    /// Come again with a new session.
    Anew,
    /// Nothing but a change of the account or the config helps.
    Refused(&'static str),
}

/// Reads such a number.
pub(super) fn close(code: u16) -> Close {
    match code {
        4003 | 4007 | 4009 => Close::Anew,
        4004 => Close::Refused("the token is wrong or was reset: copy it from the developer portal and restart"),
        4010 | 4011 => {
            Close::Refused("the bot is in too many servers for one connection, and more are not supported")
        }
        4012 => Close::Refused("this version of Discord's gateway has ended: a newer chimewheel is needed"),
        4013 => Close::Refused("Discord does not know one of the intents: a newer chimewheel is needed"),
        4014 => Close::Refused(
            "switch 'Message Content Intent' on in the developer portal, page Bot, or take message_content out of the \
             gateway's config",
        ),
        _ => Close::Again,
    }
}
