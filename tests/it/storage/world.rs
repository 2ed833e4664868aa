//! A folder with a store that a real engine has filled, and the real program in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use chimewheel::calendar::Zone;
use chimewheel::config::Routing;
use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::runtime::{Gateways, Runtime, Settings};
use chimewheel::store::FILE;
use chimewheel::surface::ops::local::{Local, Setting};
use chimewheel::surface::ops::{perform, request};
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct World {
    folder: TempDir,
}

/// Exit code, standard output, standard error.
pub type Said = (i32, String, String);

impl World {
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A store with schedules of every trigger, names, tokens, several agents, ended and paused ones, and runs.
    pub fn filled(schedules: usize) -> Self {
        let world = Self::empty();
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let settings = Settings {
            data: world.data(),
            serving: true,
            cache_bytes: 8 << 20,
            history_days: 30,
            pause_after: 10,
            catchup_per_second: 500,
        };
        let runtime =
            Runtime::start(&settings, Arc::new(SystemClock), Gateways::new(), tokio.handle().clone()).unwrap();
        let setting = Setting {
            zone: Zone::UTC,
            gateways: Vec::new(),
            scripts: Arc::default(),
            routing: Routing::new(),
            data: String::new(),
            listen: None,
            serving: true,
            notices: Vec::new(),
        };
        let local = Local::new(runtime.handle(), setting);
        tokio.block_on(async {
            for number in 0..schedules {
                let schedule = json(number);
                perform(&local, request::Add { schedule: Some(schedule), ..Default::default() }).await.unwrap();
                let one = request::Selector { schedule: format!("s{number}"), ..Default::default() };
                match number % 9 {
                    0 => drop(perform(&local, request::Cancel(one)).await.unwrap()),
                    1 => drop(perform(&local, request::Pause::from(one)).await.unwrap()),
                    2 => drop(perform(&local, request::RunNow(one)).await.unwrap()),
                    3 => {
                        let patch = json!({"name": format!("renamed-{number}"), "schedule": {"every": "2h"}});
                        let schedule = format!("s{number}");
                        let update = request::Update { schedule, patch, ..Default::default() };
                        drop(perform(&local, update).await.unwrap());
                    }
                    _ => {}
                }
            }
        });
        runtime.stop().unwrap();
        world
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join(".chimewheel")
    }

    pub fn file(&self) -> PathBuf {
        self.data().join(FILE)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
        command.current_dir(self.folder()).env_clear().env("HOME", self.folder()).stdin(Stdio::null());
        command.args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments))
    }

    /// Runs a command that must succeed, and gives its answer.
    pub fn ask(&self, arguments: &[&str]) -> Value {
        let (code, out, err) = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }

    /// A daemon that answers; it has said so when this returns.
    pub fn serve(&self) -> Daemon {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        Daemon::of(&mut command)
    }

    /// Every schedule with its declaration.
    pub fn schedules(&self) -> Value {
        self.ask(&["export"])
    }
}

fn json(number: usize) -> Value {
    let hour = number % 24;
    let trigger = match number % 4 {
        0 => json!({"cron": format!("30 {hour} * * *"), "timezone": "Europe/Berlin"}),
        1 => json!({"every": "1h"}),
        2 => json!({"at": SystemClock.now().plus(chimewheel::time::Span::from_seconds(90_000)).to_string()}),
        _ => json!({"in": "3h"}),
    };
    let mut schedule = json!({
        "id": format!("s{number}"), "agent": format!("agent-{}", number % 3), "schedule": trigger,
        "payload": {"message": format!("message number {number}")}, "destination": null,
    });
    if number.is_multiple_of(2) {
        schedule["name"] = json!(format!("name {number}"));
    }
    if number.is_multiple_of(5) {
        schedule["client_token"] = json!(format!("token-{number}"));
    }
    schedule
}

pub fn said(mut command: Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    child: Child,
    log: Option<std::io::Lines<std::io::BufReader<std::process::ChildStderr>>>,
}

impl Daemon {
    pub fn of(command: &mut Command) -> Self {
        use std::io::BufRead as _;
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut daemon = Self { child, log: None };
        let mut log = std::io::BufReader::new(daemon.child.stderr.take().unwrap()).lines();
        let mut seen = String::new();
        while !seen.contains("serves on http") {
            let Some(line) = log.next() else { panic!("the daemon ended before it served: {seen}") };
            seen += &(line.unwrap() + "\n");
        }
        daemon.log = Some(log);
        daemon
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for it to end by itself; what it logged meanwhile.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let rest: Vec<String> = self.log.take().into_iter().flatten().map_while(Result::ok).collect();
        (self.child.wait().unwrap().code(), rest.join("\n"))
    }

    /// Ends it in order; what it logged meanwhile.
    pub fn end(self, signal: &str) -> (Option<i32>, String) {
        assert!(Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap().success());
        self.ended()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Over already where a test ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies a store's file into a world of its own.
pub fn with_file(bytes: &[u8]) -> World {
    let world = World::empty();
    fs::create_dir(world.data()).unwrap();
    fs::write(world.file(), bytes).unwrap();
    world
}
