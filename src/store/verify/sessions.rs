//! Sessions, what was said in them, what came in, and how far platforms were read.
//!
//! Invariants judged: every row can be read; a chat leads to the latest of its sessions; a session has all the messages
//! that it says it keeps, and no others; a message that came in is known by its platform's id, and only by that.
//! Not here: when a session is over (`session`).

use redb::{ReadOnlyTable, ReadableTable};

use super::{HARMLESS, RESTORE, Walk};
use crate::session::Session;
use crate::store::error::{Malformed, StoreError};
use crate::store::sessions::{chat_key, message_key, read_heard, read_session, read_utterance};
use crate::store::tables::{BY_CHAT, BY_MESSAGE, ChatKey, INBOUND, MessageKey, PLACES, SESSIONS, TRANSCRIPTS};

impl Walk<'_> {
    pub(super) fn sessions(&mut self) -> Result<(), StoreError> {
        let by_chat = self.disk.open_table(BY_CHAT)?;
        let transcripts = self.disk.open_table(TRANSCRIPTS)?;
        let sessions = self.disk.open_table(SESSIONS)?;
        for row in sessions.range(0..)? {
            let (key, row) = row?;
            let key = key.value();
            self.found.count("sessions", 1);
            let read = read_session(row.value()).map_err(|why| why.in_row("sessions", key));
            let Some(session) = self.readable(read) else { continue };
            match by_chat.get(chat_key(&session.of))?.map(|latest| latest.value()) {
                None => self.found.fault("sessions", key, "is not found by its chat", RESTORE),
                Some(latest) if latest < key => {
                    let what = format!("is later than session {latest}, to which its chat leads");
                    self.found.fault("sessions", key, what, RESTORE);
                }
                Some(_) => {}
            }
            self.transcript(key, &session, &transcripts)?;
        }
        self.chats(&by_chat, &sessions)?;
        // Sessions that are not there, one after the other.
        let mut from = (0, 0);
        while let Some(row) = transcripts.range(from..)?.next() {
            let (key, _) = row?.0.value();
            if sessions.get(key)?.is_none() {
                self.found.fault("transcripts", key, "are messages of a session that does not exist", HARMLESS);
            }
            let Some(next) = key.checked_add(1) else { break };
            from = (next, 0);
        }
        Ok(())
    }

    /// The messages of one session.
    fn transcript(
        &mut self,
        key: u64,
        session: &Session,
        transcripts: &ReadOnlyTable<(u64, u64), &'static [u8]>,
    ) -> Result<(), StoreError> {
        let mut kept = 0;
        for row in transcripts.range((key, 0)..=(key, u64::MAX))? {
            let (at, row) = row?;
            let number = at.value().1;
            let shown = format!("{key}, {number}");
            self.found.count("messages of sessions", 1);
            self.readable(read_utterance(row.value()).map_err(|why| why.in_row("transcripts", &shown)));
            if (session.first..session.next).contains(&number) {
                kept += 1;
            } else {
                let what = format!("is not among those from {} to {} of its session", session.first, session.next);
                self.found.fault("transcripts", shown, what, RESTORE);
            }
        }
        let said = session.next.saturating_sub(session.first);
        if kept != said {
            let what = format!("keeps {said} messages, and {kept} are there");
            self.found.fault("sessions", key, what, RESTORE);
        }
        Ok(())
    }

    fn chats(
        &mut self,
        by_chat: &ReadOnlyTable<ChatKey<'static>, u64>,
        sessions: &ReadOnlyTable<u64, &'static [u8]>,
    ) -> Result<(), StoreError> {
        for row in by_chat.iter()? {
            let (chat, key) = row?;
            let key = key.value();
            let shown = parts(chat.value());
            let Some(row) = sessions.get(key)? else {
                self.found.fault("by_chat", shown, format!("leads to session {key}, which does not exist"), RESTORE);
                continue;
            };
            // One that cannot be read has been told of.
            if read_session(row.value()).is_ok_and(|session| chat_key(&session.of) != chat.value()) {
                self.found.fault(
                    "by_chat",
                    shown,
                    format!("leads to session {key}, which is of another chat"),
                    RESTORE,
                );
            }
        }
        Ok(())
    }

    pub(super) fn inbound(&mut self) -> Result<(), StoreError> {
        let by_message = self.disk.open_table(BY_MESSAGE)?;
        let inbound = self.disk.open_table(INBOUND)?;
        for row in inbound.range(0..)? {
            let (number, row) = row?;
            let number = number.value();
            self.found.count("messages that came in", 1);
            let read = read_heard(row.value()).map_err(|why| why.in_row("inbound", number));
            let Some(heard) = self.readable(read) else { continue };
            let known = by_message.get(message_key(&heard.of.place, &heard.message_id))?;
            if known.map(|known| known.value()) != Some(number) {
                self.found.fault(
                    "inbound",
                    number,
                    "is not known by its platform's id: it may be taken twice",
                    RESTORE,
                );
            }
        }
        for row in by_message.iter()? {
            let (id, number) = row?;
            let (shown, number) = (parts(id.value()), number.value());
            let Some(row) = inbound.get(number)? else {
                self.found.fault(
                    "by_message",
                    shown,
                    format!("leads to message {number}, which is not kept"),
                    RESTORE,
                );
                continue;
            };
            if read_heard(row.value())
                .is_ok_and(|heard| message_key(&heard.of.place, &heard.message_id) != id.value())
            {
                self.found.fault(
                    "by_message",
                    shown,
                    format!("leads to message {number}, which is another"),
                    RESTORE,
                );
            }
        }
        for row in self.disk.open_table(PLACES)?.iter()? {
            let (gateway, place) = row?;
            let read = str::from_utf8(place.value()).map(drop).map_err(|error| {
                Malformed { at: error.valid_up_to(), what: "a place that is not UTF-8".to_owned() }
                    .in_row("places", gateway.value())
            });
            self.readable(read);
        }
        Ok(())
    }
}

/// The parts of a key, without the thread where there is none.
fn parts((gateway, chat, thread, last): MessageKey<'_>) -> String {
    [gateway, chat, thread, last].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}
