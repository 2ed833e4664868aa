//! Sessions, what was said in them, and what came in: written by the commit that decides them.
//!
//! A session's row is its version, chat, agent, instants (begun, last message, last of a user), how it was ended, and the
//! numbers of its oldest and its next message; `by_chat` leads to the latest of a conversation. A message that came in is
//! found by its platform's id for [`INBOUND_MS_MAX`], so that it is taken once however often it comes. Units: `Timestamp`.
//! Invariants: messages below a session's oldest are gone; the latest row of `sessions` and of `inbound` stays, so that
//! no number is given away twice.
//! Not here: which session a message belongs to, and when one is over (`session`, `runtime`).

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata as _, WriteTransaction};

use super::codec::{Bytes, Put};
use super::declaration::{put_destination, read_destination};
use super::error::{Malformed, StoreError};
use super::reader::Reader;
use super::tables::{BY_CHAT, BY_MESSAGE, ChatKey, INBOUND, MessageKey, PLACES, SESSIONS, TRANSCRIPTS};
use crate::access::{ChatKind, Destination};
use crate::engine::change::Change;
use crate::id::SessionKey;
use crate::limits::{
    INBOUND_COUNT_MAX, INBOUND_DROPPED_COUNT_MAX, INBOUND_MS_MAX, PAGE_ROWS_MAX, SESSIONS_COUNTED_MAX,
    SESSIONS_DROPPED_COUNT_MAX,
};
use crate::session::{Conversation, Ended, EndedBy, Heard, Person, Session, Utterance, Voice};
use crate::time::{Span, Timestamp};

const SESSION_VERSION: u8 = 1;
const UTTERANCE_VERSION: u8 = 1;
const HEARD_VERSION: u8 = 1;

type Read<T> = Result<T, Malformed>;

/// Rows with their keys, and a key to go on from.
pub type Page<K, V> = (Vec<(K, V)>, Option<K>);

/// What came in after some message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardAfter {
    /// Messages with their numbers, in order.
    pub messages: Vec<(u64, Heard)>,
    /// The number up to which rows were looked at.
    pub through: u64,
    /// The number of the latest that is kept.
    pub last: u64,
    /// Whether all that followed the message asked with is still kept.
    pub is_known: bool,
}

/// Writes what a batch says of sessions.
pub(super) fn write(txn: &WriteTransaction, batch: &[Change]) -> Result<(), StoreError> {
    for change in batch {
        match change {
            Change::Session { key, session } => {
                txn.open_table(SESSIONS)?.insert(key.0, session_row(session).as_slice())?;
                txn.open_table(BY_CHAT)?.insert(chat_key(&session.of), key.0)?;
                drop_messages(txn, *key, session.first)?;
            }
            Change::Uttered { key, number, said } => {
                txn.open_table(TRANSCRIPTS)?.insert((key.0, *number), utterance_row(said).as_slice())?;
            }
            Change::Heard { number, heard } => {
                txn.open_table(INBOUND)?.insert(number, heard_row(heard).as_slice())?;
                txn.open_table(BY_MESSAGE)?.insert(message_key(&heard.of.place, &heard.message_id), number)?;
                drop_inbound(txn, *number, heard.at)?;
            }
            Change::Place { gateway, place } => {
                txn.open_table(PLACES)?.insert(&**gateway, place.as_bytes())?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes the messages of a session below a number.
fn drop_messages(txn: &WriteTransaction, key: SessionKey, first: u64) -> Result<(), StoreError> {
    let mut table = txn.open_table(TRANSCRIPTS)?;
    let oldest = table.range((key.0, 0)..=(key.0, u64::MAX))?.next().transpose()?.map(|(at, _)| at.value().1);
    if oldest.is_some_and(|oldest| oldest < first) {
        table.retain_in((key.0, 0)..(key.0, first), |_, _| false)?;
    }
    Ok(())
}

/// Removes some of the messages that came in too long ago, or before too many others.
fn drop_inbound(txn: &WriteTransaction, newest: u64, now: Timestamp) -> Result<(), StoreError> {
    let mut table = txn.open_table(INBOUND)?;
    for _ in 0..INBOUND_DROPPED_COUNT_MAX {
        let (number, heard) = {
            let Some((number, row)) = table.first()? else { return Ok(()) };
            let number = number.value();
            (number, read_heard(row.value()).map_err(|why| why.in_row("inbound", number))?)
        };
        let is_old = now.since(heard.at) > Span::from_millis(INBOUND_MS_MAX);
        if number == newest || !is_old && newest - number < INBOUND_COUNT_MAX {
            return Ok(());
        }
        table.remove(number)?;
        let mut by_message = txn.open_table(BY_MESSAGE)?;
        let key = message_key(&heard.of.place, &heard.message_id);
        if by_message.get(key)?.is_some_and(|found| found.value() == number) {
            by_message.remove(key)?;
        }
    }
    Ok(())
}

/// Removes sessions in which nothing was said since a day, as far as the oldest go.
pub(super) fn drop_before(txn: &WriteTransaction, day: i64) -> Result<(), StoreError> {
    let mut gone = Vec::new();
    let mut sessions = txn.open_table(SESSIONS)?;
    let newest = sessions.last()?.map(|(key, _)| key.value());
    for row in sessions.iter()?.take(SESSIONS_DROPPED_COUNT_MAX) {
        let (key, row) = row?;
        let session = read_session(row.value()).map_err(|why| why.in_row("sessions", key.value()))?;
        if session.last_at.day() < day && newest != Some(key.value()) {
            gone.push((key.value(), session));
        }
    }
    for (key, session) in gone {
        sessions.remove(key)?;
        drop_messages(txn, SessionKey(key), u64::MAX)?;
        let mut by_chat = txn.open_table(BY_CHAT)?;
        if by_chat.get(chat_key(&session.of))?.is_some_and(|found| found.value() == key) {
            by_chat.remove(chat_key(&session.of))?;
        }
    }
    Ok(())
}

pub(super) fn chat_key(of: &Conversation) -> ChatKey<'_> {
    let Destination { gateway, chat_id, thread } = &of.place;
    (gateway, chat_id, thread.as_deref().unwrap_or_default(), &of.agent)
}

pub(super) fn message_key<'a>(place: &'a Destination, message_id: &'a str) -> MessageKey<'a> {
    (&place.gateway, &place.chat_id, place.thread.as_deref().unwrap_or_default(), message_id)
}

fn put_conversation(out: &mut Vec<u8>, of: &Conversation) {
    put_destination(out, &of.place);
    out.text(&of.agent);
}

fn read_conversation(bytes: &mut Bytes<'_>) -> Read<Conversation> {
    Ok(Conversation { place: read_destination(bytes)?, agent: bytes.string()? })
}

fn session_row(session: &Session) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.byte(SESSION_VERSION);
    put_conversation(&mut out, &session.of);
    out.instant(session.started_at);
    out.instant(session.last_at);
    out.option(session.last_user_at, Put::instant);
    out.option(session.ended.as_ref(), |out, ended| {
        out.instant(ended.at);
        out.byte(match ended.by {
            EndedBy::User => 0,
            EndedBy::Request => 1,
        });
    });
    out.number(session.first);
    out.number(session.next);
    out
}

/// The pair of [`session_row`].
pub(super) fn read_session(row: &[u8]) -> Read<Session> {
    let bytes = &mut Bytes::new(row);
    bytes.version(SESSION_VERSION)?;
    let session = Session {
        of: read_conversation(bytes)?,
        started_at: bytes.instant()?,
        last_at: bytes.instant()?,
        last_user_at: bytes.option(Bytes::instant)?,
        ended: bytes.option(|bytes| {
            let at = bytes.instant()?;
            let by = match bytes.byte()? {
                0 => EndedBy::User,
                1 => EndedBy::Request,
                other => return bytes.wrong(format!("no end of a session is written {other}")),
            };
            Ok(Ended { at, by })
        })?,
        first: bytes.number()?,
        next: bytes.number()?,
    };
    bytes.end()?;
    Ok(session)
}

fn put_person(out: &mut Vec<u8>, id: &str, name: Option<&str>) {
    out.text(id);
    out.option(name, |out, name| out.text(name));
}

fn utterance_row(said: &Utterance) -> Vec<u8> {
    let mut out = Vec::with_capacity(said.text.len() + 32);
    out.byte(UTTERANCE_VERSION);
    out.instant(said.at);
    match &said.voice {
        Voice::Agent => out.byte(0),
        Voice::User { id, name } => {
            out.byte(1);
            put_person(&mut out, id, name.as_deref());
        }
    }
    out.text(&said.text);
    out.option(said.message_id.as_deref(), |out, id| out.text(id));
    out.option(said.schedule.as_deref(), |out, schedule| out.text(schedule));
    out
}

/// The pair of [`utterance_row`].
pub(super) fn read_utterance(row: &[u8]) -> Read<Utterance> {
    let bytes = &mut Bytes::new(row);
    bytes.version(UTTERANCE_VERSION)?;
    let said = Utterance {
        at: bytes.instant()?,
        voice: match bytes.byte()? {
            0 => Voice::Agent,
            1 => Voice::User { id: bytes.string()?, name: bytes.option(Bytes::string)? },
            other => return bytes.wrong(format!("no voice is written {other}")),
        },
        text: bytes.string()?,
        message_id: bytes.option(Bytes::string)?,
        schedule: bytes.option(Bytes::string)?,
    };
    bytes.end()?;
    Ok(said)
}

fn heard_row(heard: &Heard) -> Vec<u8> {
    let mut out = Vec::with_capacity(heard.text.len() + 64);
    out.byte(HEARD_VERSION);
    out.instant(heard.at);
    put_conversation(&mut out, &heard.of);
    out.text(&heard.message_id);
    out.option(heard.said, |out, (session, number)| {
        out.number(session.0);
        out.number(number);
    });
    out.text(heard.chat.word());
    put_person(&mut out, &heard.sender.id, heard.sender.name.as_deref());
    out.text(&heard.text);
    out.option(heard.reply_to.as_deref(), |out, id| out.text(id));
    out
}

/// The pair of [`heard_row`].
pub(super) fn read_heard(row: &[u8]) -> Read<Heard> {
    let bytes = &mut Bytes::new(row);
    bytes.version(HEARD_VERSION)?;
    let heard = Heard {
        at: bytes.instant()?,
        of: read_conversation(bytes)?,
        message_id: bytes.string()?,
        said: bytes.option(|bytes| Ok((SessionKey(bytes.number()?), bytes.number()?)))?,
        chat: {
            let word = bytes.text()?;
            let Some((kind, _)) = ChatKind::ALL.into_iter().find(|(_, known)| *known == word) else {
                return bytes.wrong(format!("no kind of chat is written '{word}'"));
            };
            kind
        },
        sender: Person { id: bytes.string()?, name: bytes.option(Bytes::string)? },
        text: bytes.string()?,
        reply_to: bytes.option(Bytes::string)?,
    };
    bytes.end()?;
    Ok(heard)
}

fn session_on(disk: &ReadTransaction, key: u64) -> Result<Option<Session>, StoreError> {
    let Some(row) = disk.open_table(SESSIONS)?.get(key)? else { return Ok(None) };
    Ok(Some(read_session(row.value()).map_err(|why| why.in_row("sessions", key))?))
}

impl Reader {
    /// A session.
    pub fn session(&self, key: SessionKey) -> Result<Option<Session>, StoreError> {
        session_on(&self.disk(), key.0)
    }

    /// The session of a conversation that began last, over or not.
    pub fn session_of(&self, of: &Conversation) -> Result<Option<(SessionKey, Session)>, StoreError> {
        let disk = self.disk();
        let Some(key) = disk.open_table(BY_CHAT)?.get(chat_key(of))?.map(|key| key.value()) else { return Ok(None) };
        Ok(session_on(&disk, key)?.map(|session| (SessionKey(key), session)))
    }

    /// The latest session of each agent in a chat.
    pub fn sessions_in(&self, place: &Destination) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        let disk = self.disk();
        let Destination { gateway, chat_id, thread } = place;
        let chat = (gateway.as_str(), chat_id.as_str(), thread.as_deref().unwrap_or_default());
        let mut found = Vec::new();
        for row in disk.open_table(BY_CHAT)?.range((chat.0, chat.1, chat.2, "")..)?.take(PAGE_ROWS_MAX) {
            let (at, key) = row?;
            let (gateway, chat_id, thread, _) = at.value();
            if (gateway, chat_id, thread) != chat {
                break;
            }
            if let Some(session) = session_on(&disk, key.value())? {
                found.push((SessionKey(key.value()), session));
            }
        }
        Ok(found)
    }

    /// Up to `limit` sessions that are wanted, the one that began last first, of those below `before`; and where to go
    /// on, if more may follow. No more than [`PAGE_ROWS_MAX`] times ten rows are looked at.
    pub fn sessions(
        &self,
        before: Option<SessionKey>,
        limit: usize,
        wanted: impl Fn(&Session) -> bool,
    ) -> Result<Page<SessionKey, Session>, StoreError> {
        let disk = self.disk();
        let limit = limit.min(PAGE_ROWS_MAX);
        let mut found = Vec::new();
        let before = before.map_or(u64::MAX, |before| before.0);
        for (looked, row) in disk.open_table(SESSIONS)?.range(..before)?.rev().enumerate() {
            let (key, row) = row?;
            let key = key.value();
            if found.len() == limit || looked == PAGE_ROWS_MAX * 10 {
                return Ok((found, Some(SessionKey(key + 1))));
            }
            let session = read_session(row.value()).map_err(|why| why.in_row("sessions", key))?;
            if wanted(&session) {
                found.push((SessionKey(key), session));
            }
        }
        Ok((found, None))
    }

    /// Up to `limit` messages of a session, in order, the latest of those below `before`.
    pub fn transcript(
        &self,
        key: SessionKey,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Utterance)>, StoreError> {
        let disk = self.disk();
        let mut found = Vec::new();
        let end = before.unwrap_or(u64::MAX);
        let rows =
            disk.open_table(TRANSCRIPTS)?.range((key.0, 0)..(key.0, end))?.rev().take(limit.min(PAGE_ROWS_MAX));
        for row in rows {
            let (at, row) = row?;
            let number = at.value().1;
            let said = read_utterance(row.value())
                .map_err(|why| why.in_row("transcripts", format!("{}, {number}", key.0)))?;
            found.push((number, said));
        }
        found.reverse();
        Ok(found)
    }

    /// A message that came in.
    pub fn heard(&self, number: u64) -> Result<Option<Heard>, StoreError> {
        let disk = self.disk();
        let Some(row) = disk.open_table(INBOUND)?.get(number)? else { return Ok(None) };
        Ok(Some(read_heard(row.value()).map_err(|why| why.in_row("inbound", number))?))
    }

    /// The number of a message that came in, if that is known.
    pub fn heard_as(&self, place: &Destination, message_id: &str) -> Result<Option<u64>, StoreError> {
        let disk = self.disk();
        let found = disk.open_table(BY_MESSAGE)?.get(message_key(place, message_id))?;
        Ok(found.map(|number| number.value()))
    }

    /// Messages that came in after a number, in order, no more than `limit` rows of them looked at: those that are wanted.
    pub fn heard_after(
        &self,
        after: u64,
        limit: usize,
        wanted: impl Fn(&Heard) -> bool,
    ) -> Result<HeardAfter, StoreError> {
        let disk = self.disk();
        let table = disk.open_table(INBOUND)?;
        let (oldest, last) = heard_kept(&table)?;
        // What was dropped, or what a restored store does not know, cannot be told.
        let is_known = (oldest - 1..=last).contains(&after);
        let from = if is_known || after > last { after.min(last) } else { oldest - 1 };
        let mut told = HeardAfter { messages: Vec::new(), through: from, last, is_known };
        for row in table.range(from + 1..)?.take(limit) {
            let (number, row) = row?;
            let number = number.value();
            told.through = number;
            let heard = read_heard(row.value()).map_err(|why| why.in_row("inbound", number))?;
            if wanted(&heard) {
                told.messages.push((number, heard));
            }
        }
        Ok(told)
    }

    /// The number of the message that came in last; 0: there was none.
    pub fn last_heard(&self) -> Result<u64, StoreError> {
        Ok(heard_kept(&self.disk().open_table(INBOUND)?)?.1)
    }

    /// How far a gateway has read its platform's stream.
    pub fn place(&self, gateway: &str) -> Result<Option<String>, StoreError> {
        let disk = self.disk();
        let found = disk.open_table(PLACES)?.get(gateway)?;
        Ok(found.map(|place| String::from_utf8_lossy(place.value()).into_owned()))
    }

    /// The first number that no session has had, and the first that no message that came in has had.
    pub fn next_numbers(&self) -> Result<(u64, u64), StoreError> {
        let disk = self.disk();
        let session = disk.open_table(SESSIONS)?.last()?.map_or(0, |(key, _)| key.value() + 1);
        let heard = disk.open_table(INBOUND)?;
        Ok((session, heard_kept(&heard)?.1 + 1))
    }

    /// How many sessions are kept, and how many of the latest [`SESSIONS_COUNTED_MAX`] of them are wanted.
    pub fn count_sessions(&self, wanted: impl Fn(&Session) -> bool) -> Result<(u64, u64), StoreError> {
        let disk = self.disk();
        let table = disk.open_table(SESSIONS)?;
        let mut found = 0;
        for row in table.iter()?.rev().take(SESSIONS_COUNTED_MAX) {
            let (key, row) = row?;
            let session = read_session(row.value()).map_err(|why| why.in_row("sessions", key.value()))?;
            found += u64::from(wanted(&session));
        }
        Ok((table.len()?, found))
    }
}

/// The numbers of the oldest and of the latest message that came in, of those that are kept; the first ever is 1.
fn heard_kept(table: &impl ReadableTable<u64, &'static [u8]>) -> Result<(u64, u64), StoreError> {
    let number = |row: Option<(redb::AccessGuard<'_, u64>, _)>| row.map(|(number, _)| number.value());
    let last = number(table.last()?).unwrap_or_default();
    Ok((number(table.first()?).unwrap_or(last + 1).max(1), last))
}
