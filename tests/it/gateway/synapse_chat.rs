//! A conversation on a real homeserver: a reminder is booked in plain words, fires into the same session, and the reply
//! goes on with it; after `/new` a message begins another session.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::synapse::{Account, address};
use crate::standin::{Play, Received, Standin};

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder).args(arguments).stdin(Stdio::null());
    command
}

fn told(folder: &Path, arguments: &[&str]) -> Value {
    let output = program(folder, arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn secret(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
    fs::set_permissions(folder.join(name), Permissions::from_mode(0o600)).unwrap();
}

/// A model that books what it is first asked for, and later says what it knows.
fn thinks(request: &Received) -> Play {
    let body = request.json();
    let messages = body["messages"].as_array().unwrap();
    let last = messages.last().unwrap();
    let knows =
        |text: &str| messages.iter().any(|one| one["content"].as_str().is_some_and(|said| said.contains(text)));
    let message = if last["role"] == "tool" {
        json!({"role": "assistant", "content": "I will remind you."})
    } else if last["content"].as_str().unwrap().starts_with("Remind me") {
        let arguments = json!({"in": "1s", "message": "Reminder: review the PR"}).to_string();
        let function = json!({"name": "schedule_task", "arguments": arguments});
        json!({"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function", "function": function}]})
    } else if knows("Reminder: review the PR") {
        json!({"role": "assistant", "content": "Then the review is done."})
    } else {
        json!({"role": "assistant", "content": "Of what do you speak?"})
    };
    Play::json(
        200,
        &json!({"choices": [{"message": message}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}),
    )
}

/// What the bot has said in a room, once it is so much.
fn said(person: &Account, bot: &Account, room: &str, count: usize) -> Vec<String> {
    for _ in 0..600 {
        let messages = person.messages(room);
        let of_bot = messages.iter().filter(|one| one["sender"] == *bot.user);
        let texts: Vec<String> = of_bot.map(|one| one["content"]["body"].as_str().unwrap().to_owned()).collect();
        if texts.len() >= count {
            return texts;
        }
        // Answered when something comes, or after a while.
        person.call("GET", "sync?timeout=200", &Value::Null);
    }
    panic!("{count} messages were waited for in vain");
}

#[test]
#[ignore = "needs a Matrix homeserver: .ci/interop-matrix"]
fn a_reminder_and_the_reply_to_it_are_one_conversation() {
    let (bot, ada) = (Account::register("bot"), Account::register("ada"));
    let model = Standin::start(thinks);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    secret(folder, "token", &bot.token);
    let config = format!(
        "[gateways.matrix]\nkind = 'matrix'\nbase_url = '{}'\nuser = '{}'\ntoken_file = 'token'\njoin = true\n\
         [providers.tiny]\nbase_url = '{}'\n[agents.ada]\nsystem_prompt = 'You are Ada.'\nmodel = 'tiny/one'\n\
         [[routes]]\nmatch = {{gateway = 'matrix', chat_type = 'dm'}}\nagent = 'ada'\n",
        address(),
        bot.user,
        model.url("/v1"),
    );
    fs::write(folder.join("chimewheel.toml"), config).unwrap();
    let mut daemon = program(folder, &["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let asked = json!({"is_direct": true, "preset": "trusted_private_chat", "invite": [bot.user]});
    let room = ada.room(&asked);
    while ada.call("GET", &format!("rooms/{room}/joined_members"), &Value::Null)["joined"].as_object().unwrap().len()
        < 2
    {
        ada.call("GET", "sync?timeout=200", &Value::Null);
    }
    let text = |text: &str| json!({"msgtype": "m.text", "body": text});

    ada.say(&room, 1, &text("Remind me to review the PR in 2 hours"));
    assert_eq!(said(&ada, &bot, &room, 2), ["I will remind you.", "Reminder: review the PR"]);
    let sessions = told(folder, &["sessions", "list"]);
    assert_eq!(sessions["sessions"].as_array().map(Vec::len), Some(1), "{sessions}");
    // Until the record of the reminder is there, which the room may be ahead of.
    while told(folder, &["sessions", "show", "sess_0"])["messages"].as_array().unwrap().len() < 3 {}
    ada.say(&room, 2, &text("Done"));
    assert_eq!(said(&ada, &bot, &room, 3)[2], "Then the review is done.");

    ada.say(&room, 3, &text("/new"));
    said(&ada, &bot, &room, 4);
    let add =
        ["add", "--in", "100ms", "-m", "Good morning", "--gateway", "matrix", "--chat-id", &room, "--agent", "ada"];
    told(folder, &add);
    assert_eq!(said(&ada, &bot, &room, 5)[4], "Good morning");
    ada.say(&room, 4, &text("And you?"));
    assert_eq!(
        said(&ada, &bot, &room, 6)[5],
        "Of what do you speak?",
        "a fresh session knows nothing of the old one"
    );
    let sessions = told(folder, &["sessions", "list"]);
    assert_eq!(sessions["sessions"].as_array().map(Vec::len), Some(2), "{sessions}");
    assert!(Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap().success());
    assert!(daemon.wait().unwrap().success());
}
