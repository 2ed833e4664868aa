//! A webhook as an operator has it: config, secrets, the daemon, and what the ledger says afterwards.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::standin::{Play, Standin};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder).args(arguments).stdin(Stdio::null());
    command.env("HOOK_SECRET", SECRET).env("HOOK_TOKEN", " ").env("HOOK_SHORT", "whsec_aHVudGVy");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = program(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout) + text(output.stderr).as_str())
}

fn secret_file(folder: &Path, name: &str, mode: u32) {
    fs::write(folder.join(name), SECRET).unwrap();
    fs::set_permissions(folder.join(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_config_that_cannot_be_served_says_why_before_anything_runs() {
    let cases = [
        ("", None),
        ("secret_env = ['HOOK_SECRET', 'HOOK_SECRET']\nsecret_x = 1", Some("hook.secret_x: is not a known key")),
        ("secret_env = ['HOOK_SECRET', 'HOOK_SECRET']", None),
        ("secret_env = 'HOOK_SECRET'\nsecret_file = 'mine'", Some("only one of secret_env and secret_file")),
        ("secret_env = ['A', 'B', 'C', 'D', 'E']", Some("hook.secret_env: names 5 secrets")),
        ("secret_env = 'HOOK_GONE'", Some("hook.secret_env: this environment variable is not set")),
        ("secret_env = 'HOOK_SHORT'", Some("hook.secret[0]: the secret holds a key of 6 bytes")),
        ("token_env = 'HOOK_TOKEN'", Some("hook.token_env: is empty")),
        ("secret_file = 'mine'\ntimeout = '5s'", None),
        ("secret_file = 'shared'", Some("other users can read this file")),
        ("secret_file = 'gone'", Some("this file cannot be read: No such file")),
        ("timeout = '30s'", Some("hook.timeout: is out of range")),
        ("url = 'http://169.254.169.254/x'", Some("link-local, where clouds keep their keys; write allow_private")),
        ("url = 'http://169.254.169.254/x'\nallow_private = true", None),
        ("url = 'ftp://example.com/'", Some("hook.url: is not an http(s) address")),
        ("url = 'https://ada:hunter2@example.com/'", Some("hook.url: names a user or a password")),
    ];
    for (lines, refusal) in cases {
        let folder = tempfile::tempdir().unwrap();
        secret_file(folder.path(), "mine", 0o600);
        secret_file(folder.path(), "shared", 0o644);
        let url = if lines.contains("url =") { "" } else { "url = 'https://example.com/hook'" };
        let config = format!("[gateways.hook]\nkind = 'webhook'\n{url}\n{lines}\n");
        fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
        let (code, said) = run(folder.path(), &["config", "check"]);
        match refusal {
            None => assert_eq!((code, said.contains("is in order")), (0, true), "{lines}: {said}"),
            Some(part) => {
                assert!(code == 2 && said.contains(part), "{lines}: {said}");
                assert!(!said.contains("hunter2"), "{said}");
                assert!(!said.contains("MfKQ") && !said.contains("aHVu"), "{lines}: {said}");
                let (code, served) = run(folder.path(), &["serve", "--no-listen"]);
                assert!(code == 2 && served.contains(part), "{lines}: {served}");
            }
        }
    }
}

#[test]
fn the_config_is_shown_without_what_must_not_be_known() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[gateways.hook]\nkind = 'webhook'\nurl = 'https://example.com/T0K3N'\nsecret_env = 'HOOK_SECRET'\n";
    fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    let (code, said) = run(folder.path(), &["config", "show", "--json"]);
    let shown: Value = serde_json::from_str(&said).unwrap();
    let expected = json!({"kind": "webhook", "url": "https://example.com/***", "signed": true, "token": false,
        "allow_private": false, "timeout": "10s"});
    assert_eq!((code, &shown["config"]["gateways"]["hook"]), (0, &expected), "{said}");
}

#[test]
fn a_message_reaches_its_receiver_and_the_ledger_says_so() {
    let receiver = Standin::start(|request| match request.number {
        0 => Play::status(503),
        _ => Play::json(201, &json!({"id": "m-7"})),
    });
    let folder = tempfile::tempdir().unwrap();
    let url = receiver.url("/hook/{chat_id}");
    let config = format!("[gateways.hook]\nkind = 'webhook'\nurl = '{url}'\nallow_private = true\n");
    fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    let add = [
        "add",
        "--id",
        "hello",
        "--in",
        "1ms",
        "-m",
        "Hello",
        "--gateway",
        "hook",
        "--chat-id",
        "team/7",
        "--name",
        "Greeting",
    ];
    let (code, said) = run(folder.path(), &add);
    assert_eq!(code, 0, "{said}");
    let mut daemon = program(folder.path(), &["serve", "--no-listen"]).stderr(Stdio::null()).spawn().unwrap();
    let requests = [receiver.next().0, receiver.next().0];
    assert!(Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap().success());
    assert!(daemon.wait().unwrap().success());
    assert!(requests.iter().all(|request| request.target == "/hook/team%2F7"), "{requests:?}");
    let said: Vec<_> = requests.iter().map(|request| request.json()).collect();
    assert_eq!(said[0]["key"], said[1]["key"]);
    let expected = [("schedule", "hello"), ("name", "Greeting"), ("agent", "default"), ("text", "Hello")];
    assert!(expected.iter().all(|(key, value)| said.iter().all(|said| said[key] == *value)), "{said:?}");
    assert_eq!((&said[0]["attempt"], &said[1]["attempt"]), (&json!(1), &json!(2)));
    let (_, runs) = run(folder.path(), &["runs", "hello", "--json"]);
    let runs: Value = serde_json::from_str(&runs).unwrap();
    let run = &runs["runs"][0];
    assert_eq!((&run["outcome"], &run["detail"]), (&json!("delivered"), &json!("message m-7")), "{runs}");
}

#[test]
fn a_chat_platform_s_secrets_are_looked_for_where_its_config_says() {
    let cases = [
        ("kind = 'discord'\ntoken_env = 'HOOK_SECRET'", None),
        ("kind = 'discord'\ntoken_env = 'HOOK_GONE'", Some("chat.token_env: this environment variable is not set")),
        ("kind = 'slack'\ntoken_env = 'HOOK_SECRET'\nsigning_secret_env = 'HOOK_SECRET'", None),
        ("kind = 'slack'\ntoken_env = 'HOOK_TOKEN'", Some("chat.token_env: is empty")),
        ("kind = 'slack'\nwebhook_env = 'HOOK_SECRET'", Some("chat.webhook: holds no http(s) address")),
        ("kind = 'slack'\nwebhook_env = 'HOOK_GONE'", Some("chat.webhook_env: this environment variable is not set")),
        (
            "kind = 'slack'\ntoken_env = 'HOOK_SECRET'\nsigning_secret_file = 'gone'",
            Some("chat.signing_secret_file: this file cannot be read"),
        ),
    ];
    for (lines, refusal) in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("chimewheel.toml"), format!("[gateways.chat]\n{lines}\n")).unwrap();
        let (code, said) = run(folder.path(), &["config", "check"]);
        match refusal {
            None => assert_eq!((code, said.contains("is in order")), (0, true), "{lines}: {said}"),
            Some(part) => assert!(code == 2 && said.contains(part) && !said.contains("MfKQ"), "{lines}: {said}"),
        }
    }
}

#[test]
fn a_message_goes_out_through_discord() {
    let first = AtomicBool::new(true);
    let platform = Standin::start(move |request| match request.target.starts_with("/channels/") {
        // It listens, too, which is not looked at here.
        false => Play::status(503),
        true if first.swap(false, Ordering::SeqCst) => {
            Play::json(429, &json!({"retry_after": 0.02, "global": false}))
        }
        true => Play::json(200, &json!({"id": "77"})),
    });
    let folder = tempfile::tempdir().unwrap();
    let url = platform.url("");
    let config = format!("[gateways.discord]\nkind = 'discord'\ntoken_env = 'HOOK_SECRET'\nbase_url = '{url}'\n");
    fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    let add = ["add", "--id", "hello", "--in", "1ms", "-m", "Hello", "--gateway", "discord", "--chat-id", "11"];
    let (code, said) = run(folder.path(), &add);
    assert_eq!(code, 0, "{said}");
    let mut daemon = program(folder.path(), &["serve", "--no-listen"]).stderr(Stdio::null()).spawn().unwrap();
    let posted = || {
        let requests = std::iter::repeat_with(|| platform.next().0);
        requests.into_iter().find(|request| request.target.starts_with("/channels/")).unwrap()
    };
    let requests = [posted(), posted()];
    assert!(Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap().success());
    assert!(daemon.wait().unwrap().success());
    assert!(requests.iter().all(|request| request.target == "/channels/11/messages"), "{requests:?}");
    assert_eq!(requests[0].json(), requests[1].json(), "both attempts have the same nonce");
    let (_, runs) = run(folder.path(), &["runs", "hello", "--json"]);
    assert!(runs.contains("message 77"), "{runs}");
}
