//! Opens the gateways and the providers of a config, with the secrets that it names.
//!
//! All that is wrong is told at once; a secret itself never is. Invariant: a secret's file is readable by its owner
//! alone. Not here: what a config may say (`config`), what gateways do with secrets (`gateway`).

use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use super::setup::Setup;
use crate::config::{self, Config, Format, Rates, Secret, System};
use crate::gateway::console::{self, Console};
use crate::gateway::{Gateway, Secrets, discord, email, matrix, process, slack, telegram, webhook};
use crate::limits::{RUN_MS_MAX, SECRET_BYTES_MAX, SYSTEM_BYTES_MAX};
use crate::problem::Problem;
use crate::runner::Runner;
use crate::runner::command::Command;
use crate::runner::echo::Echo;
use crate::runner::openai;
use crate::runtime::minds::{Mind, Minds};
use crate::runtime::{Gateways, Provider, Providers, door_of};
use crate::surface::admin::is_shared;
use crate::surface::ops::preview::read_zone;
use crate::time::Span;

/// Where the console gateway prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// On standard output.
    Output,
    /// On standard error, where standard output is somebody's connection.
    Error,
}

/// Opens every gateway that this version has, or says why one cannot be.
pub fn gateways(config: &Config, console: Out) -> Result<Gateways, Vec<Problem>> {
    let mut gateways = Gateways::new();
    let mut problems = Vec::new();
    for (name, of) in &config.gateways {
        match gateway(of, console) {
            Ok(opened) => {
                gateways.insert(name.clone(), opened);
            }
            Err(found) => problems.extend(found.into_iter().map(|found| {
                let path = format!("gateways.{name}.{}", found.path);
                Problem { path, ..found }
            })),
        }
    }
    for (name, agent) in config.agents.iter() {
        let Some(webhook) = &agent.webhook else { continue };
        let secrets = secrets(&webhook.secrets, "token", webhook.token.as_ref());
        match secrets.and_then(|secrets| webhook::open(webhook, &secrets)) {
            Ok(opened) => {
                gateways.insert(door_of(name), opened);
            }
            Err(found) => problems.extend(found.into_iter().map(|found| {
                let path = format!("agents.{name}.webhook.{}", found.path);
                Problem { path, ..found }
            })),
        }
    }
    if problems.is_empty() { Ok(gateways) } else { Err(problems) }
}

/// Opens one gateway; the problems' paths begin within its section.
pub fn gateway(config: &config::Gateway, console: Out) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    match config {
        config::Gateway::Console { format } => Ok(Arc::new(console_of(*format, console))),
        config::Gateway::Discord(config) => {
            secrets(&[], "token", config.token.as_ref()).and_then(|secrets| discord::open(config, &secrets))
        }
        config::Gateway::Email(config) => {
            secrets(&[], "password", config.password.as_ref()).and_then(|secrets| email::open(config, &secrets))
        }
        config::Gateway::Matrix(config) => {
            secrets(&[], "token", config.token.as_ref()).and_then(|secrets| matrix::open(config, &secrets))
        }
        config::Gateway::Process(config) => {
            passed(&config.pass_env).and_then(|secrets| process::open(config, &secrets))
        }
        config::Gateway::Slack(config) => slack_secrets(config).and_then(|secrets| slack::open(config, &secrets)),
        config::Gateway::Telegram(config) => {
            secrets(&[], "token", Some(&config.token)).and_then(|secrets| telegram::open(config, &secrets))
        }
        config::Gateway::Webhook(config) => {
            let secrets = secrets(&config.secrets, "token", config.token.as_ref());
            secrets.and_then(|secrets| webhook::open(config, &secrets))
        }
    }
}

fn console_of(format: Format, out: Out) -> Console {
    let format = match format {
        Format::Text => console::Format::Text,
        Format::Json => console::Format::Json,
    };
    match out {
        Out::Output => Console::stdout(format),
        Out::Error => Console::to(format, std::io::stderr()),
    }
}

/// Every provider, or why one cannot be.
pub fn providers(config: &Config) -> Result<Providers, Vec<Problem>> {
    let mut providers = Providers::new();
    let mut problems = Vec::new();
    for (name, provider) in &config.providers {
        let rates = match provider {
            config::Provider::OpenAi(config) => config.rates.clone(),
            config::Provider::Echo { .. } | config::Provider::Command { .. } => Rates::default(),
        };
        let (runner, timeout, room): (Arc<dyn Runner>, Span, usize) = match provider {
            config::Provider::Echo { delay, max_in_flight } => {
                (Arc::new(Echo::new(*delay)), Span::from_millis(2 * RUN_MS_MAX), *max_in_flight)
            }
            config::Provider::Command { program, args, timeout, max_in_flight } => {
                (Arc::new(Command::new(program.clone(), args.clone())), *timeout, *max_in_flight)
            }
            config::Provider::OpenAi(config) => match endpoint(config) {
                // Its own patience ends first, and tells more.
                Ok(runner) => (runner, Span::from_millis(2 * config.timeout.as_millis()), config.max_in_flight),
                Err(found) => {
                    problems.push(Problem { path: format!("providers.{name}.{}", found.path), ..found });
                    continue;
                }
            },
        };
        providers.insert(name.clone(), Provider { runner, timeout, room, rates });
    }
    if problems.is_empty() { Ok(providers) } else { Err(problems) }
}

/// The agents that the program itself answers for, each as its model is told.
pub fn minds(setup: &Setup) -> Result<Minds, Vec<Problem>> {
    let (mut minds, mut problems) = (Minds::new(), Vec::new());
    for (name, agent) in setup.config.agents.iter() {
        let system = match &agent.system {
            Some(System::Text(words)) => words.clone(),
            Some(System::File(file)) => match from_words(file) {
                Ok(words) => words,
                Err(problem) => {
                    problems.push(Problem { path: format!("agents.{name}.system_prompt_file"), ..problem });
                    continue;
                }
            },
            None => continue,
        };
        let zone = agent.timezone.as_deref().map(read_zone).transpose();
        match zone {
            Ok(zone) => {
                drop(minds.insert(name.to_owned(), Mind { system: system.into(), zone: zone.unwrap_or(setup.zone) }))
            }
            Err(problem) => problems.push(Problem { path: format!("agents.{name}.timezone"), ..problem }),
        }
    }
    if problems.is_empty() { Ok(minds) } else { Err(problems) }
}

fn from_words(file: &Path) -> Result<String, Problem> {
    let refused = |why: String| Problem::new("", why).value(file.display().to_string());
    let len = fs::metadata(file).map_err(|error| refused(format!("this file cannot be read: {error}")))?.len();
    if len > SYSTEM_BYTES_MAX as u64 {
        return Err(refused(format!("this file is longer than {SYSTEM_BYTES_MAX} bytes")));
    }
    let words = fs::read_to_string(file).map_err(|error| refused(format!("this file cannot be read: {error}")))?;
    if words.trim().is_empty() { Err(refused("this file is empty".to_owned())) } else { Ok(words) }
}

fn endpoint(config: &config::OpenAi) -> Result<Arc<dyn Runner>, Problem> {
    let key = config.api_key.as_ref().map(|key| read("api_key", key)).transpose()?;
    openai::open(config, key)
}

fn secrets(signing: &[Secret], key: &str, token: Option<&Secret>) -> Result<Secrets, Vec<Problem>> {
    let (mut secrets, mut problems) = (Secrets::default(), Vec::new());
    for secret in signing {
        match read("secret", secret) {
            Ok(secret) => secrets.signing.push(secret),
            Err(problem) => problems.push(problem),
        }
    }
    match token.map(|secret| read(key, secret)).transpose() {
        Ok(token) => secrets.token = token,
        Err(problem) => problems.push(problem),
    }
    if problems.is_empty() { Ok(secrets) } else { Err(problems) }
}

/// The same, under Slack's own names.
fn slack_secrets(config: &config::Slack) -> Result<Secrets, Vec<Problem>> {
    let (key, secret) = config.post.secret();
    let token = read(key, secret);
    let signing = config.signing.as_ref().map(|secret| read("signing_secret", secret)).transpose();
    match (token, signing) {
        (Ok(token), Ok(signing)) => {
            Ok(Secrets { signing: signing.into_iter().collect(), token: Some(token), ..Secrets::default() })
        }
        (token, signing) => Err([token.err(), signing.err()].into_iter().flatten().collect()),
    }
}

/// The variables of our own environment that a program is given.
fn passed(names: &[String]) -> Result<Secrets, Vec<Problem>> {
    let (mut secrets, mut problems) = (Secrets::default(), Vec::new());
    for (place, name) in names.iter().enumerate() {
        match from_env(name) {
            Ok(value) => secrets.env.push((name.clone(), value.into())),
            Err((why, hint)) => {
                problems.push(Problem::new(format!("pass_env[{place}]"), why).value(name).hint(hint));
            }
        }
    }
    if problems.is_empty() { Ok(secrets) } else { Err(problems) }
}

/// The secret that is kept where a config says.
fn read(key: &str, secret: &Secret) -> Result<SecretString, Problem> {
    let (path, value) = match secret {
        Secret::Env(name) => (format!("{key}_env"), name.clone()),
        Secret::File(file) => (format!("{key}_file"), file.display().to_string()),
    };
    let read = match secret {
        Secret::Env(name) => from_env(name),
        Secret::File(file) => from_file(file),
    };
    let checked = read.and_then(|text| match text.trim() {
        "" => Err(("is empty".to_owned(), "put the secret into it")),
        text => Ok(SecretString::from(text)),
    });
    checked.map_err(|(why, hint)| Problem::new(path, why).value(value).hint(hint))
}

/// What is wrong, and the way out.
type Refusal = (String, &'static str);

fn from_env(name: &str) -> Result<String, Refusal> {
    env::var(name).map_err(|error| match error {
        env::VarError::NotPresent => {
            ("this environment variable is not set".to_owned(), "set it for the daemon, or keep the secret in a file")
        }
        env::VarError::NotUnicode(_) => ("this environment variable is not text".to_owned(), "secrets are text"),
    })
}

fn from_file(file: &Path) -> Result<String, Refusal> {
    const UNREAD: &str = "the daemon's user must be able to read it";
    let unread = |error: std::io::Error| (format!("this file cannot be read: {error}"), UNREAD);
    if is_shared(file).map_err(unread)? {
        return Err(("other users can read this file".to_owned(), "take that right away: chmod 600"));
    }
    if fs::metadata(file).map_err(unread)?.len() > SECRET_BYTES_MAX as u64 {
        return Err((
            format!("this file is longer than {SECRET_BYTES_MAX} bytes"),
            "it holds the secret and nothing else",
        ));
    }
    fs::read_to_string(file).map_err(unread)
}
