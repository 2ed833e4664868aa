//! The real program with a chat of a stand-in Telegram on one side and a scripted model on the other.
//!
//! The script answers each question by what was asked; every question is kept, and told in lines a test can compare:
//! times and ids stand as what they are.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chimewheel::time::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::botapi::{TOKEN, Telegram};
use crate::standin::{Play, Received, Standin};

/// What an agent is, unless a test says otherwise.
pub const ADA: &str = "[agents.ada]\nsystem_prompt = \"You are Ada.\"\nmodel = \"tiny/one\"\ntimezone = \"Asia/Tokyo\"\n\
     tools = [\"schedule_task\", \"schedule_list\"]\n[[routes]]\nagent = \"ada\"\n";

pub struct House {
    folder: TempDir,
    daemon: Option<Child>,
    clock: Option<&'static str>,
    pub telegram: Telegram,
    pub model: Standin,
}

impl House {
    /// A model that answers as the script says to each question, the first of which is number 0.
    pub fn new(config: &str, script: impl Fn(usize, &Asked) -> Play + Send + Sync + 'static) -> Self {
        Self::with(config, None, script)
    }

    /// The same under a library that sets the daemon's clock from its folder's file `clock`.
    pub fn with(
        config: &str,
        clock: Option<&'static str>,
        script: impl Fn(usize, &Asked) -> Play + Send + Sync + 'static,
    ) -> Self {
        let model = Standin::start(move |request| script(request.number, &Asked::read(request)));
        Self::open(&model.url("/v1"), config, clock, model)
    }

    /// One whose model is elsewhere; nobody asks the script.
    pub fn beside(base_url: &str, config: &str) -> Self {
        Self::open(base_url, config, None, Standin::start(|_| Play::status(500)))
    }

    fn open(base_url: &str, config: &str, clock: Option<&'static str>, model: Standin) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let telegram = Telegram::start();
        let config = format!(
            "[gateways.telegram]\nkind = \"telegram\"\ntoken_file = \"token\"\nbase_url = \"{}\"\n\
             [providers.tiny]\nbase_url = \"{base_url}\"\napi_key_file = \"key\"\n{config}",
            telegram.url(),
        );
        fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
        for (name, secret) in [("token", TOKEN), ("key", "sk-hidden")] {
            let file = folder.path().join(name);
            fs::write(&file, secret).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::write(folder.path().join("clock"), "+0\n").unwrap();
        let mut house = Self { folder, daemon: None, clock, telegram, model };
        house.start();
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = program(self.folder.path());
        if let Some(library) = self.clock {
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", self.path("clock"));
            command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let daemon = command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(log).spawn();
        self.daemon = Some(daemon.unwrap());
    }

    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    pub fn kill_and_start(&mut self) {
        self.kill();
        self.start();
    }

    /// What a command prints, as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = program(self.folder.path()).args(arguments).arg("--json").output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&said).unwrap()
    }

    /// What the model was told next.
    pub fn asked(&self) -> Asked {
        let (request, _) = self.model.next();
        assert_eq!(request.target, "/v1/chat/completions");
        assert_eq!(request.header("authorization"), Some("Bearer sk-hidden"));
        Asked::read(&request)
    }

    /// The ids of all schedules that are no part of a conversation.
    pub fn schedules(&self) -> Vec<String> {
        let listed = self.json(&["list"]);
        listed["schedules"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The newest run of a schedule once it ended like that.
    pub fn run_of(&self, schedule: &str, outcome: &str) -> Value {
        loop {
            let runs = self.json(&["runs", schedule])["runs"].take();
            if let Some(run) = runs.as_array().unwrap().first().filter(|run| run["outcome"] == outcome) {
                return run.clone();
            }
        }
    }

    /// What the bot wrote in a chat once that is so many messages, and each is on record: whoever writes then answers it.
    pub fn hears(&self, chat: i64, count: usize) -> Vec<String> {
        let said = self.telegram.wait_for(chat, count);
        while self.json(&["status"])["in_flight"] != 0 {}
        said
    }

    /// The log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    command
}

/// A question to the model.
#[derive(Clone, Debug)]
pub struct Asked(pub Value);

impl Asked {
    pub fn read(request: &Received) -> Self {
        Self(request.json())
    }

    fn messages(&self) -> &[Value] {
        self.0["messages"].as_array().unwrap()
    }

    /// The last message.
    pub fn last(&self) -> &str {
        self.messages().last().unwrap()["content"].as_str().unwrap()
    }

    /// What was written last by whoever waits for an answer.
    pub fn written(&self) -> String {
        let written = self.messages().iter().rfind(|message| message["role"] == "user").unwrap();
        written["content"].as_str().unwrap().to_owned()
    }

    /// Whether the last message is what came of a call.
    pub fn is_outcome(&self) -> bool {
        self.messages().last().unwrap()["role"] == "tool"
    }

    /// The time that the system message tells, to a second.
    pub fn now(&self) -> Timestamp {
        let system = self.messages()[0]["content"].as_str().unwrap();
        let (_, rest) = system.rsplit_once('(').unwrap();
        Timestamp::parse_rfc3339(rest.split(')').next().unwrap()).unwrap()
    }

    /// Names of the tools it may call.
    pub fn tools(&self) -> Vec<&str> {
        let tools = self.0.get("tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        tools.iter().map(|tool| tool["function"]["name"].as_str().unwrap()).collect()
    }

    /// All of it: a line a message, and one for everything else.
    pub fn told(&self) -> String {
        let mut others = self.0.clone();
        others.as_object_mut().unwrap().remove("messages");
        others["tools"] = self.tools().into();
        let system = self.messages()[0]["content"].as_str().unwrap();
        assert_eq!(self.messages()[0]["role"], "system");
        format!("system: {}\n{}{others}\n", plain(&system.replace('\n', " | ")), self.talk())
    }

    /// What is said, without who the model is: a line a message.
    pub fn talk(&self) -> String {
        let mut told = String::new();
        for message in self.messages().iter().filter(|message| message["role"] != "system") {
            let content = message["content"].as_str().unwrap_or_default().replace('\n', " | ");
            let content = if content.is_empty() { content } else { format!(" {}", plain(&content)) };
            let role = message["role"].as_str().unwrap();
            let id = message.get("tool_call_id").map(|id| format!(" {}", id.as_str().unwrap())).unwrap_or_default();
            writeln!(told, "{role}{id}:{content}").unwrap();
            for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                let text = |key: &str| call["function"][key].as_str().unwrap();
                let id = call["id"].as_str().unwrap();
                writeln!(told, "  calls {id} {} {}", text("name"), text("arguments")).unwrap();
            }
        }
        told
    }
}

/// A text with its times and ids as what they are.
pub fn plain(text: &str) -> String {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let is_like = |word: &str, shape: &str| {
        word.len() >= shape.len()
            && word.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    let name = |word: &str| {
        let kind = match word {
            day if DAYS.contains(&day) => "<day>",
            time if is_like(time, "0000-00-00T") => "<moment>",
            date if is_like(date, "0000-00-00") => "<date>",
            time if is_like(time, "00:00") => "<time>",
            id if id.starts_with("sched_") => "<id>",
            other => other,
        };
        kind.to_owned()
    };
    let (mut plain, mut word) = (String::new(), String::new());
    for one in text.chars() {
        if one.is_alphanumeric() || matches!(one, '_' | '-' | ':' | '.') && !word.is_empty() {
            word.push(one);
            continue;
        }
        let end = word.trim_end_matches([':', '.']).len();
        let (core, rest) = word.split_at(end);
        plain.push_str(&name(core));
        plain.push_str(rest);
        plain.push(one);
        word.clear();
    }
    let end = word.trim_end_matches([':', '.']).len();
    let (core, rest) = word.split_at(end);
    plain + &*name(core) + rest
}

/// The model says this.
pub fn says(text: &str) -> Play {
    completion(&json!({"role": "assistant", "content": text}))
}

/// The model calls tools, each with its arguments as they are written.
pub fn calls(all: &[(&str, &str)]) -> Play {
    let call = |(number, (name, arguments)): (usize, &(&str, &str))| {
        let id = format!("call_{number}");
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    };
    let calls: Vec<Value> = all.iter().enumerate().map(call).collect();
    completion(&json!({"role": "assistant", "content": null, "tool_calls": calls}))
}

fn completion(message: &Value) -> Play {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 10});
    Play::json(200, &json!({"model": "one-2026", "choices": [{"message": message}], "usage": usage}))
}
