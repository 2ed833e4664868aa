//! Tools for agents: the strings that clients match on, what is read kindly, whose schedules whose tools meet.

mod door;
mod duragent;
mod kind;
mod named;
mod own;
mod stdio;
mod table;

use std::sync::Arc;

use chimewheel::access::Pattern;
use chimewheel::calendar::Zone;
use chimewheel::config::{Agent, Agents, Routing};
use chimewheel::runtime::clock::{Clock, ManualClock};
use chimewheel::runtime::{Gateways, Runtime, Settings};
use chimewheel::spec::Destination;
use chimewheel::surface::mcp::Offer;
use chimewheel::surface::ops::local::{Local, Setting};
use chimewheel::surface::ops::{Caller, Identity, Operations};
use chimewheel::surface::tools::{Outcome, Set, Toolbox};
use chimewheel::time::Timestamp;
use expect_test::Expect;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Operations over a store of its own, on a clock that stands at 14:00 on a Friday.
pub struct House {
    pub tokio: tokio::runtime::Runtime,
    pub operations: Arc<dyn Operations>,
    pub clock: Arc<ManualClock>,
    runtime: Option<Runtime>,
    _folder: TempDir,
}

impl House {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let settings = Settings {
            data: folder.path().to_owned(),
            serving: true,
            cache_bytes: 1 << 20,
            history_days: 30,
            pause_after: 10,
            catchup_per_second: 500,
        };
        let now = Timestamp::parse_rfc3339("2026-01-30T14:00:00Z").unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let runtime = Runtime::start(&settings, clock.clone(), Gateways::new(), tokio.handle().clone()).unwrap();
        let setting = Setting {
            zone: Zone::parse("Europe/Berlin").unwrap(),
            gateways: vec!["console".into(), "telegram".into()],
            data: String::new(),
            listen: None,
            scripts: Arc::default(),
            routing: Routing {
                default: Some("echo/any".into()),
                providers: ["echo".into()].into(),
                ..Routing::new()
            },
            serving: true,
            notices: Vec::new(),
        };
        let destinations = ["telegram:*", "console:*"].map(|text| Pattern::parse(text).unwrap());
        let free = |name: &str| (name.to_owned(), Agent { destinations: destinations.to_vec(), ..Agent::default() });
        let agents = Agents::from_iter(["ada", "bob"].map(free));
        let operations = Arc::new(Local::new(runtime.handle(), setting).with_agents(agents));
        Self { tokio, operations, clock, runtime: Some(runtime), _folder: folder }
    }

    pub fn offer(&self) -> Offer {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Offer { toolbox: Arc::new(all()), clock, zone: Zone::UTC }
    }

    /// Uses a tool of every set that is on.
    pub fn with(&self, toolbox: &Toolbox, caller: &Caller, tool: &str, arguments: Value) -> Outcome {
        self.tokio.block_on(toolbox.call(caller, self.operations.as_ref(), tool, arguments)).unwrap()
    }

    /// Uses a tool of the named set, or of a set that shares its name.
    pub fn call(&self, tool: &str, arguments: Value) -> Outcome {
        self.with(&all(), &ada(), tool, arguments)
    }

    /// Uses a tool and compares all that it says.
    pub fn says(&self, tool: &str, arguments: Value, expected: Expect) {
        let outcome = self.call(tool, arguments);
        expected.assert_eq(&shown(&outcome));
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.runtime.take().unwrap().stop().unwrap();
    }
}

/// The words of an outcome: the line that clients match on, then what follows, with made-up ids shortened.
pub fn shown(outcome: &Outcome) -> String {
    let notes = outcome.notes.lines().map(|line| format!("\n  {line}")).collect::<String>();
    let mark = if outcome.is_error { "! " } else { "" };
    without_ids(&format!("{mark}{}{notes}", outcome.text))
}

/// Uses one tool after the other and writes down what each was asked and said: `!` marks an error, the lines below the
/// one that clients match on are indented.
pub fn transcript<const N: usize>(house: &House, toolbox: &Toolbox, calls: [(&str, Value); N]) -> String {
    let mut written = String::new();
    for (tool, arguments) in calls {
        let outcome = house.with(toolbox, &ada(), tool, arguments.clone());
        written.push_str(&format!("> {tool} {arguments}\n{}\n\n", shown(&outcome)));
    }
    written
}

/// A text with `sched_…` for every id that was made up.
pub fn without_ids(text: &str) -> String {
    let mut parts = text.split("sched_");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str("sched_…");
        kept.push_str(part.get(26..).unwrap_or_default());
    }
    kept
}

/// Canonical and named first, as they are by default; then the third set.
pub fn all() -> Toolbox {
    Toolbox::of(&Set::ALL)
}

/// An agent in a conversation.
pub fn ada() -> Caller {
    let destination = Destination { gateway: "telegram".into(), chat_id: "42".into(), thread: None };
    Caller::Agent(Arc::new(Identity {
        agent: "ada".into(),
        session: Some("s1".into()),
        destination: Some(destination),
        via: None,
    }))
}

/// Arguments of a tool that names one schedule.
pub fn named(name: &str) -> Value {
    json!({"name": name})
}
