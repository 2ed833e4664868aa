//! `[gateways.NAME]` of kind `process`.
//!
//! Units: `Span`. Invariant: the environment that is written here holds no secret. Not here: starting it (`gateway`).

use std::path::PathBuf;

use serde_json::{Value, json};

use super::timeout;
use crate::config::Surroundings;
use crate::config::conceal::{MASK, sounds_secret};
use crate::config::section::{Section, Text};
use crate::limits::PLUGIN_ENV_COUNT_MAX;
use crate::problem::Problem;
use crate::time::Span;

/// A program that messages are handed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its path, or a name to be looked for.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// What its environment holds besides `PATH` and `LANG`.
    pub env: Vec<(String, String)>,
    /// Variables of our own environment that it is given, too.
    pub pass_env: Vec<String>,
    /// Whether it is started again when it has ended.
    pub restart: Restart,
    /// How long an answer is waited for.
    pub timeout: Span,
}

/// When a program that has ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Whenever it has.
    Always,
    /// Unless it ended by itself and in peace.
    OnFailure,
    /// Never.
    Never,
}

const RESTARTS: [(&str, Restart); 3] =
    [("always", Restart::Always), ("on_failure", Restart::OnFailure), ("never", Restart::Never)];

impl Process {
    pub(super) fn read(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Self {
        let mut command = section.strings(text, "command").unwrap_or_default().into_iter();
        let program = command.next().unwrap_or_default();
        if program.trim().is_empty() {
            let problem = Problem::new("", "names no program");
            let hint = "such as command = [\"/path/to/plugin\", \"--argument\"]; no shell reads it";
            section.refuse(text, "command", problem.hint(hint));
        }
        let env = section.section(text, "env").map(|section| section.words(text)).unwrap_or_default();
        for (name, _) in env.iter().filter(|(name, _)| sounds_secret(name)) {
            let problem = Problem::new("", format!("{name} sounds like a secret, and a secret is never written"));
            section.refuse(text, "env", problem.hint("set it for the daemon, and write pass_env = [\"ITS_NAME\"]"));
        }
        let pass_env = section.strings(text, "pass_env").unwrap_or_default();
        if env.len() + pass_env.len() > PLUGIN_ENV_COUNT_MAX {
            let problem =
                Problem::new("", format!("names more than {PLUGIN_ENV_COUNT_MAX} variables, with pass_env"));
            section.refuse(text, "env", problem.hint("give the program a file instead"));
        }
        for name in env.iter().map(|(name, _)| name).chain(&pass_env) {
            if name.is_empty() || name.contains(['=', '\0']) {
                let problem = Problem::new("", "is not a variable's name").value(name);
                section.refuse(text, if pass_env.contains(name) { "pass_env" } else { "env" }, problem);
            }
        }
        let restart = section.choice(text, "restart", &RESTARTS).unwrap_or(Restart::OnFailure);
        let timeout = timeout(&mut section, text);
        section.finish(text);
        Self {
            // A name alone is looked for where programs are; a path is relative to the config.
            program: if program.contains('/') { around.path(&program) } else { PathBuf::from(program) },
            args: command.collect(),
            env,
            pass_env,
            restart,
            timeout,
        }
    }

    pub(in crate::config) fn to_json(&self) -> Value {
        let Self { program, args, env, pass_env, restart, timeout } = self;
        // What a program is given may be a secret, whatever it is called.
        let args = args.iter().map(|_| MASK.to_owned());
        let command: Vec<String> = std::iter::once(program.display().to_string()).chain(args).collect();
        let restart = RESTARTS.iter().find(|(_, value)| value == restart).map(|(word, _)| *word);
        json!({
            "kind": "process",
            "command": command,
            "env": env.iter().map(|(name, _)| (name.clone(), json!(MASK))).collect::<serde_json::Map<_, _>>(),
            "pass_env": pass_env,
            "restart": restart.unwrap_or_default(),
            "timeout": timeout.to_string(),
        })
    }
}
