//! The process gateway against plug-ins written as shell scripts: what they are told, what their answers mean, and how
//! they are started, watched and ended.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use chimewheel::config::{self, Restart};
use chimewheel::gateway::{ChatKind, Delivery, Gateway, Inbound, Receipt, Secrets, SendError, Sender, process};
use chimewheel::time::{Span, Timestamp};
use expect_test::expect;
use serde_json::Value;
use tempfile::TempDir;

use super::conformance::delivery;
use super::inbox::{Noted, listen_until};

/// A plug-in that notes every line and plays something to each message.
const PLUGIN: &str = r#"
say() { printf '%s\n' "$1"; }
note() { printf '%s\n' "$1" >>"$NOTES"; }
ok() { say "{\"type\":\"command_ok\",\"request_id\":\"$id\",\"message_id\":\"m-1\"}"; }
eval "$FIRST"
say '{"type":"ready","gateway":"sh","version":"1.0","capabilities":["reply"]}'
eval "$THEN"
while IFS= read -r line; do
  note "$line"
  id=$(printf '%s' "$line" | sed 's/.*"request_id":"\([^"]*\)".*/\1/')
  case $line in
    *'"send_message"'*) eval "$PLAY" ;;
    *'"shutdown"'*) note ended; exit 0 ;;
  esac
done
note "no more"
"#;

/// What a plug-in does.
#[derive(Clone, Copy)]
struct Script {
    /// Before it is ready.
    first: &'static str,
    /// When it is.
    then: &'static str,
    /// To each message.
    play: &'static str,
    restart: Restart,
    timeout_ms: u64,
}

const SCRIPT: Script = Script { first: "", then: "", play: "ok", restart: Restart::OnFailure, timeout_ms: 10_000 };

struct Rig {
    tokio: tokio::runtime::Runtime,
    gateway: Arc<dyn Gateway>,
    folder: TempDir,
}

impl Rig {
    fn new(script: Script) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes").display().to_string();
        let env = [("NOTES", notes.as_str()), ("FIRST", script.first), ("THEN", script.then), ("PLAY", script.play)];
        let config = config::Process {
            program: "sh".into(),
            args: vec!["-c".to_owned(), PLUGIN.to_owned()],
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            pass_env: vec!["SECRET".to_owned()],
            restart: script.restart,
            timeout: Span::from_millis(script.timeout_ms),
        };
        let secrets = Secrets { env: vec![("SECRET".to_owned(), "hunter2".into())], ..Secrets::default() };
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { tokio, gateway: process::open(&config, &secrets).unwrap(), folder }
    }

    fn send(&self, delivery: Delivery) -> Result<Receipt, SendError> {
        self.tokio.block_on(self.gateway.send(delivery))
    }

    fn notes(&self) -> String {
        fs::read_to_string(self.folder.path().join("notes")).unwrap_or_default()
    }
}

fn taken() -> Result<Receipt, SendError> {
    Ok(Receipt { message_id: Some("m-1".to_owned()) })
}

#[test]
fn a_message_is_one_line_and_its_answer_bears_its_key() {
    let rig = Rig::new(SCRIPT);
    let mut threaded = delivery("Grüße 🕰️\n\t\"quotes\" \\ \u{0} \u{1b}[31m");
    threaded.destination.thread = Some("42".to_owned());
    assert_eq!(rig.send(delivery("")), taken());
    assert_eq!(rig.send(threaded.clone()), taken());
    let notes = rig.notes();
    let lines: Vec<&str> = notes.lines().collect();
    expect![[r#"{"type":"send_message","request_id":"3kTMd9zQ7xYhLp0VbWfNa1","chat_id":"team-7","content":""}"#]]
        .assert_eq(lines[0]);
    let second: Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!((second["content"].as_str(), second["reply_to"].as_str()), (Some(&*threaded.text), Some("42")));
}

#[test]
fn what_each_answer_means() {
    let rig = Rig::new(Script {
        play: r#"code=$(printf '%s' "$line" | sed 's/.*"content":"\([^"]*\)".*/\1/')
                 say "{\"type\":\"command_error\",\"request_id\":\"$id\",\"code\":\"$code\",\"message\":\"why\"}""#,
        ..SCRIPT
    });
    let mut meanings = String::new();
    for code in [
        "chat_not_found",
        "message_not_found",
        "unauthorized",
        "invalid_request",
        "not_implemented",
        "rate_limited",
        "platform_error",
        "not_connected",
        "send_failed",
        "something_else",
    ] {
        meanings += &(super::meaning(&rig.send(delivery(code)).unwrap_err()) + "\n");
    }
    expect![[r#"
        permanent: the plug-in answered chat_not_found: why
        permanent: the plug-in answered message_not_found: why
        permanent: the plug-in answered unauthorized: why
        permanent: the plug-in answered invalid_request: why
        permanent: the plug-in answered not_implemented: why
        chat limited -: the plug-in answered rate_limited: why
        retry -: the plug-in answered platform_error: why
        unreachable: the plug-in answered not_connected: why
        ambiguous: the plug-in answered send_failed: why
        ambiguous: the plug-in answered something_else: why
    "#]]
    .assert_eq(&meanings);
}

#[test]
fn many_at_once_are_each_answered() {
    let rig = Rig::new(SCRIPT);
    let answers = rig.tokio.block_on(async {
        let sends: Vec<_> = (0..100)
            .map(|number| {
                let gateway = Arc::clone(&rig.gateway);
                tokio::spawn(
                    async move { gateway.send(Delivery { key: format!("key-{number}"), ..delivery("x") }).await },
                )
            })
            .collect();
        let mut answers = Vec::new();
        for send in sends {
            answers.push(send.await.unwrap());
        }
        answers
    });
    assert!(answers.iter().all(|answer| *answer == taken()), "{answers:?}");
    assert_eq!(rig.notes().lines().count(), 100);
}

#[test]
fn what_is_no_answer_is_passed_over() {
    let rig = Rig::new(Script {
        first: "say; say hello; say '[1]'; echo complaint >&2",
        play: r#"say '{"type":"unheard_of","x":{"y":[1]}}'; say '{"type":"command_ok","request_id":"other"}'
                 say '{"type":"ready","gateway":"again"}'; say '{"type":"error","code":"x","message":"y"}'
                 say '{"type":"message_received","message_id":"1"}'
                 head -c 2000000 /dev/zero | tr '\0' x; say; ok"#,
        ..SCRIPT
    });
    assert_eq!(rig.send(delivery("x")), taken());
}

#[test]
fn no_answer_is_ambiguous_only_if_the_message_was_written() {
    let short = Script { timeout_ms: 700, ..SCRIPT };
    for (script, is_ambiguous) in [
        (Script { play: ":", ..short }, true),
        (Script { play: "exit 3", ..SCRIPT }, true),
        (Script { play: "kill -9 $$", ..SCRIPT }, true),
        (Script { play: r#"say '{"type":"error","code":"x","message":"y","fatal":true}'"#, ..SCRIPT }, true),
        (Script { first: "cat >/dev/null", ..short }, false),
        (Script { first: "exit 3", ..short }, false),
        (Script { first: "exit 0", ..short }, false),
    ] {
        let rig = Rig::new(script);
        match rig.send(delivery("x")) {
            Err(SendError::Ambiguous { error }) => assert!(is_ambiguous, "{}: {error}", script.play),
            Err(SendError::Retry { error, .. } | SendError::Unreachable { error }) => {
                assert!(!is_ambiguous, "{}: {error}", script.play);
            }
            answer => panic!("{answer:?}"),
        }
    }
}

#[test]
fn a_program_that_there_is_not_is_told_of() {
    let config = config::Process {
        program: PathBuf::from("/nowhere/plugin"),
        args: Vec::new(),
        env: Vec::new(),
        pass_env: Vec::new(),
        restart: Restart::OnFailure,
        timeout: Span::from_seconds(5),
    };
    let gateway = process::open(&config, &Secrets::default()).unwrap();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = tokio.block_on(gateway.send(delivery("x"))).unwrap_err();
    assert!(matches!(&error, SendError::Unreachable { .. }) && error.to_string().contains("cannot start"), "{error}");
    let problem = tokio.block_on(gateway.probe()).unwrap_err().to_string();
    assert!(problem.contains("command") && problem.contains("No such file"), "{problem}");
}

#[test]
fn a_look_tells_what_the_plug_in_is() {
    let rig = Rig::new(SCRIPT);
    assert_eq!(rig.tokio.block_on(rig.gateway.probe()), Ok("sh 1.0 is ready (reply)".to_owned()));
    let plain = Rig::new(Script { first: r#"say '{"type":"ready","gateway":"plain"}'"#, ..SCRIPT });
    let mut threaded = delivery("x");
    threaded.destination.thread = Some("42".to_owned());
    let answer = plain.send(threaded);
    assert!(
        matches!(&answer, Err(SendError::Permanent { error }) if error.contains("knows no threads")),
        "{answer:?}"
    );
}

#[test]
fn it_is_started_again_as_its_config_says() {
    // Ends at the first message, in peace or not; the next one is taken.
    let once = |status| match status {
        0 => r#"[ -e "$NOTES.1" ] && ok || { : >"$NOTES.1"; exit 0; }"#,
        _ => r#"[ -e "$NOTES.1" ] && ok || { : >"$NOTES.1"; exit 1; }"#,
    };
    for (restart, status, is_again) in [
        (Restart::Always, 0, true),
        (Restart::Always, 1, true),
        (Restart::OnFailure, 0, false),
        (Restart::OnFailure, 1, true),
        (Restart::Never, 1, false),
    ] {
        let rig = Rig::new(Script { play: once(status), restart, ..SCRIPT });
        assert!(matches!(rig.send(delivery("x")), Err(SendError::Ambiguous { .. })));
        let answer = (0..10_000_000).map(|_| rig.send(delivery("x"))).find(|answer| match answer {
            Err(SendError::Unreachable { error }) => error.contains("restart the daemon"),
            _ => true,
        });
        assert_eq!(answer.unwrap().is_ok(), is_again, "{restart:?} after {status}");
    }
}

#[test]
fn its_environment_is_clean_but_for_what_the_config_gives() {
    let rig = Rig::new(Script {
        play: r#"env | cut -d= -f1 | sort >"$NOTES.env"; echo "$SECRET" >>"$NOTES.env"; ok"#,
        ..SCRIPT
    });
    assert_eq!(rig.send(delivery("x")), taken());
    let env = fs::read_to_string(rig.folder.path().join("notes.env")).unwrap();
    expect![[r#"
        FIRST
        LANG
        NOTES
        PATH
        PLAY
        PWD
        SECRET
        THEN
        hunter2
    "#]]
    .assert_eq(&env);
}

#[test]
fn what_people_write_comes_in() {
    let rig = Rig::new(Script {
        then: r#"say '{"type":"message_received","message_id":"7","chat_id":"100","sender":{"id":"42","username":"ada","display_name":"Ada"},"content":{"type":"text","text":"Hello"},"routing":{"channel":"x","chat_type":"dm","chat_id":"100","sender_id":"42","guild":"g"},"timestamp":"2026-11-22T09:00:01.250Z","metadata":{"a":1}}'
                 say '{"type":"message_received","message_id":"8","chat_id":"200","sender":{"id":"42","username":"ada"},"content":{"type":"location","latitude":1.5,"longitude":2},"routing":{"channel":"x","chat_type":"group","chat_id":"200","sender_id":"42"}}'
                 say '{"type":"message_received","message_id":"9","chat_id":"200","sender":{"id":"42","username":"ada"},"content":{"type":"media","media_type":"image","caption":"look"},"routing":{"channel":"x","chat_type":"group","chat_id":"200","sender_id":"42"},"reply_to":"m-1","reply_to_bot":true}'"#,
        ..SCRIPT
    });
    let inbox = Noted::at(None);
    listen_until(&rig.gateway, &inbox, |inbox| inbox.taken().len() == 2);
    let first = Inbound {
        message_id: "7".to_owned(),
        chat_id: "100".to_owned(),
        thread: None,
        chat: ChatKind::Direct,
        sender: Sender { id: "42".to_owned(), name: Some("Ada".to_owned()) },
        text: "Hello".to_owned(),
        reply_to: None,
        is_addressed: true,
        at: Timestamp::parse_rfc3339("2026-11-22T09:00:01.250Z"),
    };
    let second = Inbound {
        message_id: "9".to_owned(),
        chat_id: "200".to_owned(),
        chat: ChatKind::Group,
        sender: Sender { id: "42".to_owned(), name: Some("ada".to_owned()) },
        text: "look".to_owned(),
        reply_to: Some("m-1".to_owned()),
        at: None,
        ..first.clone()
    };
    assert_eq!(inbox.taken(), [first, second]);
}

/// Whether a process lives; one that nobody has waited for yet does not.
fn lives(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

#[test]
fn it_ends_with_the_daemon_in_peace_or_by_force() {
    let told = Rig::new(SCRIPT);
    assert_eq!(told.send(delivery("x")), taken());
    told.gateway.end();
    assert!(told.notes().ends_with("{\"type\":\"shutdown\"}\nended\n"), "{}", told.notes());
    let late = told.send(delivery("x"));
    assert!(matches!(late, Err(SendError::Unreachable { .. })), "{late:?}");
    let deaf = Script { play: r#"sleep 1000 & echo "$$ $!" >"$NOTES.ids"; ok; wait"#, ..SCRIPT };
    let deaf = Rig::new(deaf);
    assert_eq!(deaf.send(delivery("x")), taken());
    let ids = fs::read_to_string(deaf.folder.path().join("notes.ids")).unwrap();
    assert!(ids.split_whitespace().all(lives), "{ids}");
    deaf.gateway.end();
    // A process that was killed may take a moment to be gone.
    assert!((0..100_000).any(|_| !ids.split_whitespace().any(lives)), "{ids}");
}

#[test]
fn a_daemon_that_is_told_twice_to_end_leaves_no_plug_in_behind() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo '{\"type\":\"ready\",\"gateway\":\"deaf\"}'; read line; sleep 1000 & echo $$ $! >ids; wait";
    let config =
        format!("[gateways.deaf]\nkind = 'process'\ncommand = ['sh', '-c', '''{script}''']\ntimeout = '29s'\n");
    fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
        command.current_dir(folder.path()).env_clear().env("HOME", folder.path()).args(arguments);
        command
    };
    let add = ["add", "--in", "1ms", "-m", "x", "--gateway", "deaf", "--chat-id", "c"];
    assert!(program(&add).stderr(Stdio::null()).stdout(Stdio::null()).status().unwrap().success());
    let mut daemon = program(&["serve", "--no-listen"]).stderr(Stdio::piped()).spawn().unwrap();
    let ids = loop {
        // It is written in one go.
        let ids = fs::read_to_string(folder.path().join("ids")).unwrap_or_default();
        if ids.ends_with('\n') {
            break ids;
        }
        thread::yield_now();
    };
    let id = daemon.id().to_string();
    let tell = || Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(tell().success());
    let mut log = BufReader::new(daemon.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("ending: deliveries under way are waited for")));
    // The second word is listened for a moment after the first was heard.
    while daemon.try_wait().unwrap().is_none() {
        assert!(tell().success());
        thread::yield_now();
    }
    assert_eq!(daemon.wait().unwrap().code(), Some(1));
    assert!((0..100_000).any(|_| !ids.split_whitespace().any(lives)), "{ids}");
}

#[test]
#[ignore = "needs python3: .ci/interop-process"]
fn the_plug_in_of_the_guide_does_what_the_guide_says() {
    let guide = include_str!("../../../src/guide/gateways.md");
    let lines = guide.split("```python\n").find(|block| block.starts_with("#!/usr/bin/env python3")).unwrap();
    let lines = lines.split("```").next().unwrap();
    assert!(lines.lines().count() <= 45, "it is meant to be short");
    let folder = tempfile::tempdir().unwrap();
    let (plugin, outbox) = (folder.path().join("plugin.py"), folder.path().join("outbox"));
    fs::write(&plugin, lines).unwrap();
    let config = config::Process {
        program: "python3".into(),
        args: vec![plugin.display().to_string()],
        env: vec![("OUTBOX".to_owned(), outbox.display().to_string())],
        pass_env: Vec::new(),
        restart: Restart::OnFailure,
        timeout: Span::from_seconds(20),
    };
    let gateway = process::open(&config, &Secrets::default()).unwrap();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let send = |chat: &str, text: &str| {
        let mut delivery = delivery(text);
        delivery.destination.chat_id = chat.to_owned();
        tokio.block_on(gateway.send(delivery))
    };
    assert_eq!(tokio.block_on(gateway.probe()), Ok("outbox 1.0 is ready ()".to_owned()));
    assert_eq!(send("team", "Grüße 🕰️"), Ok(Receipt { message_id: Some("line-1".to_owned()) }));
    assert!(matches!(send("nobody", "x"), Err(SendError::Permanent { .. })));
    assert_eq!(send("team", "ping me"), Ok(Receipt { message_id: Some("line-2".to_owned()) }));
    let inbox = Noted::at(None);
    listen_until(&gateway, &inbox, |inbox| inbox.taken().len() == 1);
    let heard = inbox.taken().remove(0);
    assert!(heard.is_addressed && heard.text == "I am here" && heard.chat == ChatKind::Group, "{heard:?}");
    gateway.end();
    assert_eq!(fs::read_to_string(outbox).unwrap(), "Grüße 🕰️\nping me\n");
}
