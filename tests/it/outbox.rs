//! What a run says by a tool: what is taken of it, and what the run comes to.

use chimewheel::limits::MESSAGE_BYTES_MAX;
use chimewheel::runner::{Answer, RunError};
use chimewheel::runtime::outbox::Outbox;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// Calls, then an answer: what each call is told, and what the run comes to.
fn play(calls: &[(&str, Value)], answer: &str, expected: Expect) {
    let mut outbox = Outbox::default();
    let mut told = String::new();
    for (name, arguments) in calls {
        told += &format!("{name}: {:?}\n", outbox.call(name, arguments));
    }
    let answer = Answer { text: answer.into(), model: "m".into(), tokens: None, calls: vec![], is_silent: false };
    told += &match outbox.close(answer) {
        Ok(Answer { text, is_silent: true, .. }) => format!("silent: {text}\n"),
        Ok(Answer { text, .. }) => format!("says {text:?}\n"),
        Err(RunError::Retry { error, .. }) => format!("again: {error}\n"),
        Err(error) => format!("failed: {error}\n"),
    };
    expected.assert_eq(&told);
}

#[test]
fn what_is_collected_is_said_and_nothing_else() {
    let say = |text: &str| ("schedule_deliver", json!({"message": text}));
    play(
        &[say("one\n"), ("heartbeat_deliver", json!({"message": "two"})), ("schedule_list", json!({}))],
        "I have told them.",
        expect![[r#"
            schedule_deliver: Some("Message queued for delivery")
            heartbeat_deliver: Some("Message queued for delivery")
            schedule_list: None
            says "one\n\ntwo"
        "#]],
    );
    play(
        &[say("one")],
        "",
        expect![[r#"
        schedule_deliver: Some("Message queued for delivery")
        says "one"
    "#]],
    );
    play(
        &[],
        "Nothing is urgent.",
        expect![[r#"
        silent: Nothing is urgent.
    "#]],
    );
    play(
        &[],
        " ",
        expect![[r#"
        again: the answer is empty
    "#]],
    );
}

#[test]
fn what_cannot_be_sent_is_not_taken() {
    let with = |message: Value| ("schedule_deliver", json!({"message": message}));
    let most = "x".repeat(MESSAGE_BYTES_MAX);
    play(
        &[
            ("schedule_deliver", json!({})),
            with(json!(" \n")),
            with(json!(7)),
            with(json!("a\0b")),
            with(json!(format!("{most}y"))),
            with(json!("fine")),
            with(json!(most)),
        ],
        "",
        expect![[r#"
            schedule_deliver: Some("Error: Missing required parameter: message")
            schedule_deliver: Some("Error: message is empty")
            schedule_deliver: Some("Error: message must be a text (given 7)")
            schedule_deliver: Some("Error: message holds a NUL character")
            schedule_deliver: Some("Error: all messages of a run have 65536 bytes at most; this one was not taken")
            schedule_deliver: Some("Message queued for delivery")
            schedule_deliver: Some("Error: all messages of a run have 65536 bytes at most; this one was not taken")
            says "fine"
        "#]],
    );
}

#[test]
fn the_tools_take_one_text() {
    let tools = Value::Array(Outbox::tools());
    expect![[r#"
        [
          {
            "function": {
              "description": "Sends a message to whoever this run is for. Your answer itself is not sent: call this only if there is something to say; several calls become one message.",
              "name": "schedule_deliver",
              "parameters": {
                "additionalProperties": false,
                "properties": {
                  "message": {
                    "description": "What is to be sent.",
                    "type": "string"
                  }
                },
                "required": [
                  "message"
                ],
                "type": "object"
              }
            },
            "type": "function"
          },
          {
            "function": {
              "description": "Sends a message to whoever this run is for. Your answer itself is not sent: call this only if there is something to say; several calls become one message.",
              "name": "heartbeat_deliver",
              "parameters": {
                "additionalProperties": false,
                "properties": {
                  "message": {
                    "description": "What is to be sent.",
                    "type": "string"
                  }
                },
                "required": [
                  "message"
                ],
                "type": "object"
              }
            },
            "type": "function"
          }
        ]"#]].assert_eq(&serde_json::to_string_pretty(&tools).unwrap());
}
