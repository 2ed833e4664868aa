//! Reading and judging schedules, as texts in and lines out.
//!
//! The current time of every test is 2026-01-01T00:00:00Z; `console` and `telegram` are configured, and so are
//! the providers `ask` and `echo`.

mod after;
mod files;
mod forms;
mod plain;
mod rules;
mod update;
mod when;

use chimewheel::config::Routing;
use chimewheel::problem::Problem;
use chimewheel::spec::{Context, Draft, Origin, Scripts, from_schedule, read, tree::Node, validate_reading};
use chimewheel::surface::files::{ScheduleFile, read_text};
use chimewheel::time::Timestamp;
use expect_test::Expect;

/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn gateways() -> &'static [String] {
    static NAMES: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    NAMES.get_or_init(|| vec!["console".to_owned(), "telegram".to_owned()])
}

fn routing() -> &'static Routing {
    static ROUTING: std::sync::OnceLock<Routing> = std::sync::OnceLock::new();
    let providers = || ["ask", "echo"].map(str::to_owned).into();
    ROUTING.get_or_init(|| Routing { providers: providers(), ..Routing::new() })
}

/// One hook, `standup`, and templates that end what they open.
#[derive(Debug)]
struct Standup;

impl Scripts for Standup {
    fn judge_hook(&self, name: &str) -> Result<(), Problem> {
        let unknown = || Problem::new("", "no script has this name").value(name).hint("did you mean 'standup'?");
        if name == "standup" { Ok(()) } else { Err(unknown()) }
    }

    fn judge_template(&self, text: &str) -> Result<(), Problem> {
        let open = |after: &str| !after.contains('}');
        let is_cut = text.split("${").skip(1).any(open);
        if is_cut { Err(Problem::new("", "'${' is not closed").hint("add '}'")) } else { Ok(()) }
    }
}

fn context() -> Context<'static> {
    Context { gateways: gateways(), routing: routing(), scripts: &Standup, ..Context::new(NOW) }
}

/// Reads a file and prints its schedules and problems.
fn check(name: &str, text: &str, expect: &Expect) {
    expect.assert_eq(&outcome(&read_text(name, text)));
}

fn yaml(text: &str, expect: Expect) {
    check("schedules/demo.yaml", text, &expect);
}

fn toml(text: &str, expect: Expect) {
    check("schedules/demo.toml", text, &expect);
}

fn outcome(file: &ScheduleFile) -> String {
    let (drafts, problems) = file.drafts(&context());
    let mut lines: Vec<String> = drafts.iter().map(shown).collect();
    lines.extend(problems.iter().map(ToString::to_string));
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    lines.join("\n") + "\n"
}

fn shown(draft: &Draft) -> String {
    // The words of a valid schedule, without those that every test shares.
    let mut raw = from_schedule(&draft.schedule);
    if raw.agent.as_deref() == Some("default") {
        raw.agent = None;
    }
    let mut line = serde_json::to_string(&raw).unwrap();
    for warning in &draft.warnings {
        line.push_str(&format!(" warning: {warning}"));
    }
    line + if draft.past { " (past)" } else { "" } + if draft.paused { " (paused)" } else { "" }
}

/// Judges the arguments of a tool call: a person's, without a text.
fn call(json: &str, expect: Expect) {
    let reading = read(&Node::from_json(&serde_json::from_str(json).unwrap()), "");
    let context = Context { origin: Origin::Person, fallback_id: Some("demo"), ..context() };
    let line = match validate_reading(&reading, &context) {
        Ok(draft) => shown(&draft),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    expect.assert_eq(&(line + "\n"));
}
