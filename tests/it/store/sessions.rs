//! Rows of sessions and of what came in, damaged behind the store's back: verifying names the table, the key and the fault.

use std::fs;
use std::sync::Arc;

use chimewheel::access::{ChatKind, Destination};
use chimewheel::engine::change::Change;
use chimewheel::id::SessionKey;
use chimewheel::session::{Conversation, Heard, Person, Session, Utterance, Voice};
use chimewheel::store::{FILE, Store};
use chimewheel::time::Timestamp;
use expect_test::{Expect, expect};
use redb::{Database, ReadableTable as _, TableDefinition, WriteTransaction};

use super::model::options;

const SESSIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("sessions");
const BY_CHAT: TableDefinition<'_, (&str, &str, &str, &str), u64> = TableDefinition::new("by_chat");
const TRANSCRIPTS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("transcripts");
const INBOUND: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("inbound");
const BY_MESSAGE: TableDefinition<'_, (&str, &str, &str, &str), u64> = TableDefinition::new("by_message");
const PLACES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("places");

fn of(chat: &str) -> Conversation {
    let place = Destination { gateway: "chat".into(), chat_id: chat.into(), thread: Some("t".into()) };
    Conversation { place, agent: "ada".into() }
}

/// Two sessions of chat 7 and one of chat 8, each with two messages that came in.
fn fill() -> Vec<Change> {
    let mut batch = Vec::new();
    for (key, chat) in [(0, "7"), (1, "8"), (2, "7")] {
        let mut session = Session::begin(of(chat), Timestamp::from_seconds(key as i64));
        for place in 0..2 {
            let message_id = format!("m{key}{place}");
            let voice = Voice::User { id: "42".into(), name: None };
            let (at, text) = (session.started_at, "hello".to_owned());
            let said =
                Utterance { at, voice, text: text.clone(), message_id: Some(message_id.clone()), schedule: None };
            let number = session.say(&said);
            let (key, sender) = (SessionKey(key), Person { id: "42".into(), name: None });
            batch.push(Change::Uttered { key, number, said: Arc::new(said) });
            let (of, said, chat) = (session.of.clone(), Some((key, number)), ChatKind::Direct);
            let heard = Heard { at, of, message_id, said, chat, sender, text, reply_to: None };
            batch.push(Change::Heard { number: key.0 * 2 + place + 1, heard: Arc::new(heard) });
        }
        batch.push(Change::Session { key: SessionKey(key), session: Arc::new(session) });
    }
    batch.push(Change::Place { gateway: "chat".into(), place: "5".into() });
    batch
}

fn check(damage: impl FnOnce(&WriteTransaction), expected: Expect) {
    let data = tempfile::tempdir().unwrap();
    let mut opened = Store::open(data.path(), &options()).unwrap();
    opened.writer.commit(&fill()).unwrap();
    opened.writer.close().unwrap();
    let file = data.path().join(FILE);
    let db = Database::open(&file).unwrap();
    let txn = db.begin_write().unwrap();
    damage(&txn);
    txn.commit().unwrap();
    drop(db);
    let before = fs::read(&file).unwrap();
    let (found, _) = Store::verify(&file).unwrap();
    let told: String =
        found.faults.iter().map(|fault| format!("{} {}: {}\n", fault.table, fault.key, fault.what)).collect();
    expected.assert_eq(&told);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn whole_sessions_are_sound_and_counted() {
    check(|_| (), expect![""]);
    let data = tempfile::tempdir().unwrap();
    let mut opened = Store::open(data.path(), &options()).unwrap();
    opened.writer.commit(&fill()).unwrap();
    opened.writer.close().unwrap();
    let (found, _) = Store::verify(&data.path().join(FILE)).unwrap();
    let counted = ["sessions", "messages of sessions", "messages that came in"].map(|what| found.counts[what]);
    assert_eq!(counted, [3, 6, 6]);
}

#[test]
fn damaged_sessions_are_told_of() {
    let cut = |txn: &WriteTransaction| drop(txn.open_table(SESSIONS).unwrap().insert(1, [1, 2].as_slice()).unwrap());
    check(
        cut,
        expect![[r#"
        sessions 1: cannot be read: the row ends too early at byte 2
    "#]],
    );
    let gone = |txn: &WriteTransaction| drop(txn.open_table(SESSIONS).unwrap().remove(1).unwrap());
    check(
        gone,
        expect![[r#"
        by_chat chat, 8, t, ada: leads to session 1, which does not exist
        transcripts 1: are messages of a session that does not exist
    "#]],
    );
    let chat = ("chat", "7", "t", "ada");
    let lost = |txn: &WriteTransaction| drop(txn.open_table(BY_CHAT).unwrap().remove(chat).unwrap());
    check(
        lost,
        expect![[r#"
        sessions 0: is not found by its chat
        sessions 2: is not found by its chat
    "#]],
    );
    let early = |txn: &WriteTransaction| drop(txn.open_table(BY_CHAT).unwrap().insert(chat, 0).unwrap());
    check(
        early,
        expect![[r#"
        sessions 2: is later than session 0, to which its chat leads
    "#]],
    );
    let foreign = |txn: &WriteTransaction| drop(txn.open_table(BY_CHAT).unwrap().insert(chat, 1).unwrap());
    check(
        foreign,
        expect![[r#"
        sessions 2: is later than session 1, to which its chat leads
        by_chat chat, 7, t, ada: leads to session 1, which is of another chat
    "#]],
    );
    let silent = |txn: &WriteTransaction| drop(txn.open_table(TRANSCRIPTS).unwrap().remove((2, 0)).unwrap());
    check(
        silent,
        expect![[r#"
        sessions 2: keeps 2 messages, and 1 are there
    "#]],
    );
    let torn = |txn: &WriteTransaction| {
        drop(txn.open_table(TRANSCRIPTS).unwrap().insert((2, 1), [9].as_slice()).unwrap());
    };
    check(
        torn,
        expect![[r#"
        transcripts 2, 1: cannot be read: row version 9, known are 1 to 1 at byte 1
    "#]],
    );
    let beyond = |txn: &WriteTransaction| {
        let mut table = txn.open_table(TRANSCRIPTS).unwrap();
        let row = table.get((2, 1)).unwrap().unwrap().value().to_vec();
        table.insert((2, 2), row.as_slice()).unwrap();
    };
    check(
        beyond,
        expect![[r#"
        transcripts 2, 2: is not among those from 0 to 2 of its session
    "#]],
    );
}

#[test]
fn damaged_messages_are_told_of() {
    let torn = |txn: &WriteTransaction| drop(txn.open_table(INBOUND).unwrap().insert(3, [1].as_slice()).unwrap());
    check(
        torn,
        expect![[r#"
        inbound 3: cannot be read: the row ends too early at byte 1
    "#]],
    );
    let gone = |txn: &WriteTransaction| drop(txn.open_table(INBOUND).unwrap().remove(3).unwrap());
    check(
        gone,
        expect![[r#"
        by_message chat, 8, t, m10: leads to message 3, which is not kept
    "#]],
    );
    let id = ("chat", "8", "t", "m10");
    let unknown = |txn: &WriteTransaction| drop(txn.open_table(BY_MESSAGE).unwrap().remove(id).unwrap());
    check(
        unknown,
        expect![[r#"
        inbound 3: is not known by its platform's id: it may be taken twice
    "#]],
    );
    let other = |txn: &WriteTransaction| drop(txn.open_table(BY_MESSAGE).unwrap().insert(id, 4).unwrap());
    check(
        other,
        expect![[r#"
        inbound 3: is not known by its platform's id: it may be taken twice
        by_message chat, 8, t, m10: leads to message 4, which is another
    "#]],
    );
    let place = |txn: &WriteTransaction| {
        drop(txn.open_table(PLACES).unwrap().insert("chat", [0xFF].as_slice()).unwrap());
    };
    check(
        place,
        expect![[r#"
        places chat: cannot be read: a place that is not UTF-8 at byte 0
    "#]],
    );
}
