//! The program itself between a Telegram and an agent's own program: what people write is handed over signed, in order and
//! again until it is taken; what the agent answers arrives; and kills at the worst moments lose and double nothing.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use crate::botapi::{self, Telegram};
use crate::daemon;
use crate::standin::{Play, Received, Standin};

const TOKEN: &str = "ada-0123456789abcdef0123456789abcdef";
const KEY: [u8; 32] = [5; 32];

/// A daemon that ends with the test, unless it is killed before.
struct Daemon {
    child: Child,
    address: String,
}

impl Daemon {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
        command.current_dir(folder).env_clear().env("HOME", folder).args(["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut said = String::new();
        let address = log.find_map(|line| {
            said += &format!("{line}\n");
            line.split_once("serves on http://")?.1.split_whitespace().next().map(str::to_owned)
        });
        let address = address.unwrap_or_else(|| panic!("the daemon ended: {said}"));
        // A pipe that nobody reads would hold it up.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The agent asks.
    fn ask(&self, method: &str, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\
             content-type: application/json\r\nidempotency-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    fn answer(&self, heard: &Heard, text: &str) -> u16 {
        let path = format!("/v1/sessions/{}/messages", heard.body["session"].as_str().unwrap());
        self.ask("POST", &path, &heard.id, &json!({"text": text})).0
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that was killed needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A message as the agent's program got it.
#[derive(Clone, Debug)]
struct Heard {
    id: String,
    body: Value,
}

impl Heard {
    /// A request whose signature is that of the secret.
    fn of(request: &Received) -> Self {
        let header = |name: &str| request.header(name).unwrap_or_else(|| panic!("no {name}")).to_owned();
        let (id, stamp) = (header("webhook-id"), header("webhook-timestamp"));
        let mut code = Hmac::<Sha256>::new_from_slice(&KEY).unwrap();
        code.update(format!("{id}.{stamp}.").as_bytes());
        code.update(&request.body);
        let signature = format!("v1,{}", STANDARD.encode(code.finalize().into_bytes()));
        assert_eq!(header("webhook-signature"), signature);
        assert_eq!(header("idempotency-key"), id);
        Self { id, body: request.json() }
    }

    fn text(&self) -> &str {
        self.body["text"].as_str().unwrap()
    }
}

fn secret(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A folder with ada's config; what people write to her is posted to a receiver, if there is one.
fn folder(telegram: &Telegram, receiver: Option<&Standin>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    secret(folder.path(), "telegram.token", botapi::TOKEN);
    secret(folder.path(), "ada.token", TOKEN);
    secret(folder.path(), "hook.secret", &format!("whsec_{}", STANDARD.encode(KEY)));
    let config = format!(
        r#"
        [gateways.telegram]
        kind = "telegram"
        token_file = "telegram.token"
        base_url = "{}"

        [[routes]]
        match = {{gateway = "telegram", chat_type = "dm"}}
        agent = "ada"

        [agents.ada]
        token_file = "ada.token"
        "#,
        telegram.url(),
    );
    let webhook = receiver.map(|receiver| {
        let url = receiver.url("/hear");
        format!("[agents.ada.webhook]\nurl = '{url}'\nsecret_file = 'hook.secret'\nallow_private = true\n")
    });
    let config = format!("{config}{}", webhook.unwrap_or_default());
    std::fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    folder
}

/// What comes until a message with this text was taken.
fn until(receiver: &Standin, text: &str) -> Vec<Heard> {
    let mut heard = Vec::new();
    loop {
        let (request, play) = receiver.next();
        heard.push(Heard::of(&request));
        if matches!(play, Play::Answer { status: 200, .. }) && heard.last().unwrap().text() == text {
            return heard;
        }
    }
}

fn texts(heard: &[Heard]) -> Vec<&str> {
    heard.iter().map(Heard::text).collect()
}

#[test]
fn a_conversation_with_an_agents_program_survives_refusals_and_kills() {
    let telegram = Telegram::start();
    let receiver = Standin::start(|request| Play::status(if request.number < 2 { 503 } else { 200 }));
    let folder = folder(&telegram, Some(&receiver));
    let bo = telegram.acquaintance("Bo");
    let daemon = Daemon::start(folder.path());
    telegram.writes(bo, bo, "one");
    telegram.writes(bo, bo, "two");
    // The second waits for the first, which is tried until it is taken, under one id.
    let first = until(&receiver, "two");
    assert_eq!(texts(&first), ["one", "one", "one", "two"]);
    assert!(first[..3].iter().all(|one| one.id == first[0].id) && first[3].id != first[0].id);
    let attempts: Vec<&Value> = first[..3].iter().map(|one| &one.body["attempt"]).collect();
    assert_eq!(attempts, [1, 1, 1]);
    assert_eq!(
        (&first[3].body["agent"], &first[3].body["gateway"], &first[3].body["chat_id"], &first[3].body["session"]),
        (&json!("ada"), &json!("telegram"), &json!(bo.to_string()), &json!("sess_0"))
    );
    // Killed while their answers may not be written down: they may come again, in their order, under their ids.
    daemon.kill();
    telegram.writes(bo, bo, "three");
    let daemon = Daemon::start(folder.path());
    let second = until(&receiver, "three");
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    for one in first.iter().chain(&second) {
        assert_eq!(*ids.entry(one.text()).or_insert(&one.id), one.id, "{}", one.text());
    }
    let all = ["one", "two", "three"];
    assert!((0..3).any(|from| texts(&second) == all[from..]), "{:?}", texts(&second));
    // The answers are taken, and wait because Telegram asks for it; then the kill.
    telegram.floods(bo, 1, 2);
    let before = telegram.calls().iter().filter(|call| *call == "sendMessage").count();
    let answered = [&first[0], &first[3], second.last().unwrap()];
    for one in answered {
        assert_eq!(daemon.answer(one, &format!("re: {}", one.text())), 201);
    }
    telegram.wait_for_calls("sendMessage", before + 1);
    daemon.kill();
    let daemon = Daemon::start(folder.path());
    // The agent's program does not know whether its answers were taken.
    for one in answered {
        assert_eq!(daemon.answer(one, &format!("re: {}", one.text())), 200);
    }
    assert_eq!(telegram.wait_for(bo, 3), ["re: one", "re: two", "re: three"]);
    the_operator_sees_it(&daemon, folder.path(), bo);
    drop(daemon);
    let verified = daemon::json(folder.path(), &["verify"]);
    assert_eq!((&verified["sound"], &verified["counts"]["messages that came in"]), (&json!(true), &json!(3)));
    assert_eq!(telegram.complaints(), Vec::<String>::new());
}

/// The transcript, as the agent and the operator see it, and the session's end.
fn the_operator_sees_it(daemon: &Daemon, folder: &Path, bo: i64) {
    let spoken = loop {
        let (_, shown) = daemon.ask("GET", "/v1/sessions/sess_0/messages", "", &Value::Null);
        let messages = shown["messages"].as_array().unwrap().clone();
        if messages.len() == 6 {
            break messages;
        }
    };
    let line = |one: &Value| format!("{}: {}", one["voice"].as_str().unwrap(), one["text"].as_str().unwrap());
    assert_eq!(
        spoken.iter().map(line).collect::<Vec<_>>(),
        ["user: one", "user: two", "user: three", "agent: re: one", "agent: re: two", "agent: re: three"]
    );
    assert!(spoken.iter().all(|one| one["message_id"].is_string()), "{spoken:?}");
    let shown = daemon::json(folder, &["sessions", "show", "sess_0"]);
    assert_eq!((&shown["status"], shown["messages"].as_array().unwrap()), (&json!("active"), &spoken));
    let listed = daemon::run(folder, &["sessions", "list", "--active", "--chat", &bo.to_string()]);
    assert!(listed.1.contains("sess_0") && listed.1.contains(&format!("telegram:{bo}")), "{listed:?}");
    assert!(daemon::run(folder, &["sessions", "end", "sess_0"]).1.starts_with("Ended sess_0"));
    assert_eq!(daemon::run(folder, &["sessions", "end", "sess_0"]).0, 4);
    assert_eq!(daemon::run(folder, &["sessions", "show", "sess_9"]).0, 3);
    let text = daemon::run(folder, &["sessions", "show", "sess_0", "--messages", "1"]).1;
    assert!(
        text.contains("on request") && text.contains("raise --messages") && text.ends_with("re: three\n"),
        "{text}"
    );
}

/// The program that the guide shows; it is killed when it is dropped.
struct Agent(Child);

impl Agent {
    fn start(folder: &Path, daemon: &Daemon) -> Self {
        let guide = include_str!("../../../src/guide/sessions.md");
        let lines = guide.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        assert!(lines.lines().count() <= 40, "it is not short any more");
        std::fs::write(folder.join("ada.py"), lines).unwrap();
        let mut command = Command::new("python3");
        command.arg("ada.py").current_dir(folder).env("CHIMEWHEEL_URL", format!("http://{}", daemon.address));
        command.env("ADA_TOKEN", TOKEN).stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
#[ignore = "needs python3: .ci/interop-agent"]
fn the_agent_of_the_guide_answers_every_message_once_however_often_it_is_killed() {
    let telegram = Telegram::start();
    let folder = folder(&telegram, None);
    let bo = telegram.acquaintance("Bo");
    let daemon = Daemon::start(folder.path());
    let mut expected = Vec::new();
    telegram.writes(bo, bo, "before anybody listens");
    expected.push("You said: before anybody listens".to_owned());
    for round in 0..5 {
        let agent = Agent::start(folder.path(), &daemon);
        for number in 0..4 {
            telegram.writes(bo, bo, &format!("message {round}.{number}"));
            expected.push(format!("You said: message {round}.{number}"));
        }
        // Somewhere among its answers.
        telegram.wait_for(bo, round * 4 + 2);
        drop(agent);
    }
    let agent = Agent::start(folder.path(), &daemon);
    let said = telegram.wait_for(bo, expected.len());
    // What was answered twice would come behind that.
    telegram.writes(bo, bo, "the last");
    expected.push("You said: the last".to_owned());
    assert_eq!(telegram.wait_for(bo, expected.len()), expected, "{said:?}");
    drop(agent);
    assert_eq!(telegram.complaints(), Vec::<String>::new());
}
