//! Conversations by their real parts: what reaches a chat and what people write there stands in one session.

mod house;
#[cfg(all(feature = "telegram", feature = "webhook"))]
mod program;

use chimewheel::access::ChatKind;
use chimewheel::config::Route;
use chimewheel::gateway::Inbound;
use chimewheel::limits::{SESSION_IDLE_MS_MAX, TRANSCRIPT_MESSAGES_COUNT_MAX};
use chimewheel::runtime::{Done, Op, OpError};
use chimewheel::session::EndedBy;

use house::{House, message, of, to};

#[test]
fn a_reply_stands_behind_the_message_that_it_answers() {
    let mut house = House::new(vec![to("ada")], &[]);
    house.say(&["Reminder: review the PR"]);
    let sent = house.sent();
    house.said(1);
    house.write("1", "Done, thanks");
    assert_eq!(house.said(2), [["0 agent: Reminder: review the PR", "1 user: Done, thanks"]]);
    let (_, session, _) = house.sessions().remove(0);
    assert_eq!(
        (session.of, session.started_at, session.last_user_at),
        (of("ada"), house.clock_now(), Some(house.clock_now()))
    );
    let kept = house.handle().reader().transcript(house.sessions()[0].0, None, 10).unwrap();
    assert_eq!(kept[0].1.message_id.as_deref(), Some(format!("m-{}", sent.key).as_str()));
    assert_eq!(kept[0].1.schedule.as_deref(), Some("s1"));
}

#[test]
fn a_scheduled_message_lands_in_the_session_that_is_active() {
    let mut house = House::new(vec![to("ada")], &[]);
    house.write("1", "hello");
    house.say(&["one", "two"]);
    assert_eq!(house.said(3), [["0 user: hello", "1 agent: one", "2 agent: two"]]);
}

#[test]
fn the_same_message_is_taken_once_also_after_a_restart() {
    let mut house = House::new(vec![to("ada")], &[("ada", true)]);
    house.write_all(vec![message("1", "hello"), message("1", "hello"), message("2", "again")], None);
    let first = house.handed();
    let (number, heard) = *first.heard.clone().unwrap();
    assert_eq!(
        (number, heard.message_id.as_str(), heard.text.as_str(), first.text.as_str()),
        (1, "1", "hello", "hello")
    );
    assert_eq!(heard.said.map(|(session, number)| (session.to_string(), number)), Some(("sess_0".to_owned(), 0)));
    assert_eq!(house.handed().text, "again");
    house.restart();
    house.write_all(vec![message("2", "again"), message("1", "hello")], None);
    assert!(house.is_quiet());
    house.write("3", "more");
    assert_eq!(house.handed().heard.unwrap().0, 3);
    assert_eq!(house.said(3), [["0 user: hello", "1 user: again", "2 user: more"]]);
}

#[test]
fn a_message_of_the_same_id_in_another_chat_is_another_message() {
    let house = House::new(vec![to("ada")], &[]);
    let elsewhere = Inbound { chat_id: "8".into(), ..message("1", "there") };
    let topic = Inbound { thread: Some("5".into()), ..message("1", "topic") };
    house.write_all(vec![message("1", "here"), elsewhere, topic], None);
    assert_eq!(house.said(3), [["0 user: here"], ["0 user: there"], ["0 user: topic"]]);
}

#[test]
fn silence_ends_a_session_and_the_next_message_begins_another() {
    let mut house = House::new(vec![to("ada")], &[]);
    house.say(&["one"]);
    house.said(1);
    house.pass(SESSION_IDLE_MS_MAX / 3_600_000);
    house.write("1", "still here");
    house.pass(SESSION_IDLE_MS_MAX / 3_600_000 + 1);
    house.say(&["two"]);
    assert_eq!(house.said(3), [vec!["0 agent: one", "1 user: still here"], vec!["0 agent: two"]]);
}

#[test]
fn commands_end_and_tell_and_are_no_part_of_the_conversation() {
    let mut house = House::new(vec![to("ada")], &[("ada", true)]);
    house.write("0", "/status");
    assert!(house.sent().text.starts_with("No conversation with ada is under way"), "status without a session");
    house.say(&["one"]);
    house.sent();
    house.said(1);
    house.write("1", "/Status@our_bot");
    let told = house.sent().text;
    assert!(told.starts_with("Conversation sess_0 with ada: 1 message since 2026-01-01T00:00:00"), "{told}");
    house.write("2", " /new ");
    assert!(house.sent().text.starts_with("The conversation is over."));
    house.write("3", "/reset");
    assert!(house.sent().text.starts_with("There is no conversation to end."));
    house.write("4", "/new please");
    assert_eq!(house.handed().text, "/new please");
    assert_eq!(house.said(2), [["0 agent: one"], ["0 user: /new please"]]);
    assert_eq!(house.sessions()[0].1.ended.as_ref().map(|ended| ended.by), Some(EndedBy::User));
    assert!(house.is_quiet());
    // A command that comes again does nothing again.
    house.write("2", "/new");
    assert!(house.is_quiet() && house.sessions()[1].1.ended.is_none());
}

#[test]
fn a_session_is_ended_by_request_once() {
    let house = House::new(vec![to("ada")], &[]);
    house.write("1", "hello");
    let key = house.sessions()[0].0;
    assert_eq!(house.ask(Op::EndSession(key)), Ok(Done::Noted));
    assert_eq!(house.ask(Op::EndSession(key)), Err(OpError::SessionOver));
    assert_eq!(house.ask(Op::EndSession(chimewheel::id::SessionKey(9))), Err(OpError::NotFound));
    house.write("2", "hello again");
    assert_eq!(house.said(2), [["0 user: hello"], ["0 user: hello again"]]);
}

#[test]
fn rules_say_who_is_spoken_to_and_else_whoever_spoke_here_last() {
    let group = Route { chat_type: Some(ChatKind::Group), agent: "bob".into(), ..Route::default() };
    let of_bo =
        Route { sender_id: Some("42".into()), chat_id: Some("9".into()), agent: "cy".into(), ..Route::default() };
    let mut house = House::new(vec![group, of_bo], &[]);
    let grouped = |id: &str, is_addressed| Inbound {
        chat: ChatKind::Group,
        chat_id: "8".into(),
        is_addressed,
        ..message(id, "in a group")
    };
    house.write_all(vec![grouped("1", true), grouped("2", false)], None);
    house.write_all(vec![Inbound { chat_id: "9".into(), ..message("3", "to cy") }], None);
    // Nobody is routed, and nobody has spoken.
    house.write("4", "anybody?");
    house.say(&["ada speaks"]);
    house.said(3);
    house.write("5", "ada?");
    let agents: Vec<String> = house.sessions().into_iter().map(|(_, session, _)| session.of.agent).collect();
    assert_eq!(agents, ["bob", "cy", "ada"]);
    assert_eq!(house.said(4)[2], ["0 agent: ada speaks", "1 user: ada?"]);
}

#[test]
fn a_transcript_keeps_the_latest_messages() {
    let house = House::new(vec![to("ada")], &[]);
    let most = TRANSCRIPT_MESSAGES_COUNT_MAX as usize;
    let long = "ü".repeat(20_000);
    let messages = (0..most + 20).map(|number| message(&number.to_string(), &format!("{number}{long}"))).collect();
    house.write_all(messages, None);
    let (key, session, said) = house.sessions().remove(0);
    assert_eq!((session.first, session.next, said.len()), (20, most as u64 + 20, most));
    assert!(said[0].starts_with("20 user: 20ü") && said[0].len() < 17_000, "{}", said[0].len());
    let page = house.handle().reader().transcript(key, Some(100), 2).unwrap();
    assert_eq!(page.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [98, 99]);
}

#[test]
fn the_place_in_a_platforms_stream_is_kept() {
    let mut house = House::new(vec![to("ada")], &[]);
    assert_eq!(house.write_all(vec![], None), None);
    house.write_all(vec![message("1", "hello")], Some("offset 5"));
    house.restart();
    assert_eq!(house.write_all(vec![], None).as_deref(), Some("offset 5"));
}
