//! `chimewheel mcp` as clients start it: beside a daemon, beside another one, and alone.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder);
    command
}

/// A client with the server that it started.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    asked: u64,
}

impl Client {
    fn start(folder: &Path, agent: &str) -> Self {
        let log = std::fs::File::create(folder.join(format!("log-{agent}"))).unwrap();
        let mut command = program(folder);
        command.args(["mcp", "--agent", agent, "--gateway", "console", "--chat-id", agent]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut client = Self { child, input, output, asked: 0 };
        let info = json!({"name": "test", "version": "1"});
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info});
        assert_eq!(client.ask("initialize", hello)["result"]["protocolVersion"], "2025-11-25");
        client.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    fn send(&mut self, message: Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        self.send(json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}));
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert_eq!(told["id"], self.asked);
        told
    }

    /// Uses a tool and gives back its text.
    fn call(&mut self, tool: &str, arguments: Value) -> String {
        let told = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        let blocks = told["result"]["content"].as_array().unwrap_or_else(|| panic!("{told}"));
        blocks.iter().map(|block| block["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
    }

    /// Closes the server's input, as clients do that end.
    fn end(mut self) {
        drop(self.input.take());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let mut rest = String::new();
        self.output.read_line(&mut rest).unwrap();
        assert_eq!(rest, "", "nothing but the protocol is on standard output");
    }
}

fn status(folder: &Path) -> Value {
    let output = program(folder).args(["status", "--json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn two_clients_share_a_store_and_never_meet() {
    let folder = tempfile::tempdir().unwrap();
    let mut ada = Client::start(folder.path(), "ada");
    let mut bob = Client::start(folder.path(), "bob");
    let told = ada.call("schedule_task", json!({"id": "tea", "name": "t", "in": "2h", "message": "tea"}));
    assert!(told.starts_with("Created one-shot schedule: tea\n"), "{told}");
    assert!(told.contains("schedules fire only while an agent's `chimewheel mcp` runs"), "{told}");
    assert_eq!(bob.call("schedule_list", json!({})), "No scheduled tasks.");
    let told = bob.call("schedule_task", json!({"id": "milk", "name": "t", "in": "3h", "message": "milk"}));
    // The one that asks another process is told so, too.
    assert!(told.contains("schedules fire only while"), "{told}");
    let told = bob.call("schedule_cancel", json!({"schedule_id": "tea"}));
    assert_eq!(told, "Failed to cancel schedule: schedule not found: tea");
    let shown = status(folder.path());
    assert_eq!((&shown["mode"], &shown["pid"]), (&json!("mcp"), &json!(ada.child.id())));
    // The first ends; the second takes the store over and goes on.
    let first = ada.child.id();
    ada.end();
    assert_eq!(bob.call("schedule_run_now", json!({"name": "t"})).lines().next(), Some("OK: 't' triggered"));
    let shown = status(folder.path());
    assert_eq!((&shown["mode"], &shown["pid"]), (&json!("mcp"), &json!(bob.child.id())));
    assert_ne!(shown["pid"], first);
    let mut ada = Client::start(folder.path(), "ada");
    assert_eq!(ada.call("schedule_cancel", json!({"name": "t"})), "Cancelled schedule: tea");
    ada.end();
    bob.end();
}

#[test]
fn a_daemon_is_asked_where_one_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut daemon = command.spawn().unwrap();
    let mut log = BufReader::new(daemon.stderr.take().unwrap()).lines();
    while !log.next().unwrap().unwrap().contains(" serves on ") {}
    let mut ada = Client::start(folder.path(), "ada");
    let told = ada.call("schedule_task", json!({"id": "tea", "in": "2h", "message": "tea"}));
    assert!(told.starts_with("Created one-shot schedule: tea\n") && !told.contains("Note:"), "{told}");
    assert_eq!(status(folder.path())["pid"], daemon.id());
    let audited = program(folder.path()).args(["audit", "--json"]).output().unwrap();
    let audited: Value = serde_json::from_slice(&audited.stdout).unwrap();
    assert_eq!((&audited["records"][0]["agent"], &audited["records"][0]["via"]), (&json!("ada"), &json!("mcp")));
    let read = ada.ask("resources/read", json!({"uri": "schedule://tea"}));
    let shown: Value = serde_json::from_str(read["result"]["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(shown["declaration"]["destination"], json!({"gateway": "console", "chat_id": "ada"}));
    assert!(Command::new("kill").arg(daemon.id().to_string()).status().unwrap().success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    // Without its daemon the server goes on by itself.
    assert_eq!(ada.call("schedule_cancel", json!({"schedule_id": "tea"})), "Cancelled schedule: tea");
    assert_eq!(status(folder.path())["mode"], "mcp");
    ada.end();
}

#[test]
fn what_cannot_be_read_is_an_error_of_the_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let mut ada = Client::start(folder.path(), "ada");
    for (method, params, code) in [
        ("tools/call", json!({"name": "nothing"}), -32602),
        ("resources/read", json!({"uri": "guide://nothing"}), -32002),
        ("resources/read", json!({"uri": "nothing"}), -32002),
        ("resources/read", json!({"uri": "runs://nothing"}), -32002),
        ("prompts/get", json!({"name": "nothing"}), -32602),
        ("prompts/get", json!({"name": "book_reminder"}), -32602),
        ("nothing", json!({}), -32601),
    ] {
        let told = ada.ask(method, params);
        assert_eq!(told["error"]["code"], code, "{told}");
    }
    let read = ada.ask("resources/read", json!({"uri": "guide://tools"}));
    assert!(read["result"]["contents"][0]["text"].as_str().unwrap().starts_with("# Tools"), "{read}");
    let templates = ada.ask("resources/templates/list", json!({}));
    assert_eq!(templates["result"]["resourceTemplates"].as_array().unwrap().len(), 3);
    ada.end();
}

#[test]
fn a_command_line_that_names_nobody_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["mcp"][..], "--agent <NAME>"),
        (&["mcp", "--agent", " "], "--agent: is empty"),
        (&["mcp", "--agent", "a", "--gateway", "console"], "--chat-id <ID>"),
        (&["mcp", "--agent", "a", "--thread", "1"], "--chat-id <ID>"),
        (&["tools", "--set", "other"], "invalid value 'other'"),
    ] {
        let output = program(folder.path()).args(arguments).stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_provider_is_handed_what_the_config_leaves_an_agent() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[agents.ada]\ntools = [\"schedule_task\", \"schedule_add\"]\n[agents.bob]\n";
    std::fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    let names = |arguments: &[&str]| {
        let output = program(folder.path()).args(["tools", "--format", "openai"]).args(arguments).output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).ok()?;
        let name = |tool: &Value| tool["function"]["name"].as_str().unwrap().to_owned();
        Some(told.as_array().unwrap().iter().map(name).collect::<Vec<_>>())
    };
    assert_eq!(names(&["--agent", "ada"]).unwrap(), ["schedule_task", "schedule_add"]);
    assert_eq!(names(&["--agent", "ada", "--set", "named"]).unwrap(), ["schedule_add"]);
    assert_eq!(names(&["--agent", "bob"]), names(&[]));
    assert_eq!(names(&["--agent", "eve"]), None, "an agent that the config does not name has none");
}
