//! Opens the gateways of a config, with the secrets that it names.
//!
//! All that is wrong is told at once; a secret itself never is. Invariant: a secret's file is readable by its owner
//! alone. Not here: what a config may say (`config`), what gateways do with secrets (`gateway`).

use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use crate::config::{self, Config, Format, Secret};
use crate::gateway::console::{self, Console};
use crate::gateway::{Gateway, Secrets, webhook};
use crate::limits::SECRET_BYTES_MAX;
use crate::problem::Problem;
use crate::runtime::Gateways;
use crate::surface::admin::is_shared;

/// Opens every gateway that this version has, or says why one cannot be.
pub fn open(config: &Config) -> Result<Gateways, Vec<Problem>> {
    let mut gateways = Gateways::new();
    let mut problems = Vec::new();
    for (name, gateway) in &config.gateways {
        let opened: Arc<dyn Gateway> = match gateway {
            config::Gateway::Console { format: Format::Text } => Arc::new(Console::stdout(console::Format::Text)),
            config::Gateway::Console { format: Format::Json } => Arc::new(Console::stdout(console::Format::Json)),
            config::Gateway::NotBuilt { .. } => continue,
            config::Gateway::Webhook(config) => {
                let opened = secrets(config).and_then(|secrets| webhook::open(config, &secrets));
                match opened {
                    Ok(opened) => opened,
                    Err(found) => {
                        let place = |found: Problem| format!("gateways.{name}.{}", found.path);
                        problems
                            .extend(found.into_iter().map(|found| Problem { path: place(found.clone()), ..found }));
                        continue;
                    }
                }
            }
        };
        gateways.insert(name.clone(), opened);
    }
    if problems.is_empty() { Ok(gateways) } else { Err(problems) }
}

fn secrets(config: &config::Webhook) -> Result<Secrets, Vec<Problem>> {
    let (mut secrets, mut problems) = (Secrets::default(), Vec::new());
    for secret in &config.secrets {
        match read("secret", secret) {
            Ok(secret) => secrets.signing.push(secret),
            Err(problem) => problems.push(problem),
        }
    }
    match config.token.as_ref().map(|secret| read("token", secret)).transpose() {
        Ok(token) => secrets.token = token,
        Err(problem) => problems.push(problem),
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
