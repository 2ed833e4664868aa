//! Who performs a command's operations: the daemon that owns the data folder, or this process itself.
//!
//! The owner file of the store says who has the folder. Its lock cannot be faked, so the admin's token is only ever
//! sent to the process that holds it. Where nobody has the folder, the store is opened here, for one command: the
//! books are kept, and nothing fires.
//! Invariant: a command that only asks does not create a store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::scripts;
use super::setup::Setup;
use crate::config::Config;
use crate::limits;
use crate::runtime::clock::Clock;
use crate::runtime::{Gateways, Runtime, Settings, StartError};
use crate::script::Scripts;
use crate::store::{self, OpenError};
use crate::surface::admin::Token;
use crate::surface::error::{Code, Error};
use crate::surface::ops::local::{Local, Setting};
use crate::surface::ops::{Caller, Calling, Operations, Request};
use crate::surface::remote::Remote;

/// Pause between two looks at an owner that has said nothing yet.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Performs one command's operations.
pub enum Reached {
    /// In a daemon.
    Daemon(Remote),
    /// In this process, which has the store open as long as this lives.
    Store {
        /// The operations.
        local: Box<Local>,
        /// The runtime below them.
        runtime: Runtime,
    },
}

/// Finds the daemon, or opens the store.
pub async fn reach(setup: &Setup, clock: &Arc<dyn Clock>, creates: bool) -> Result<Reached, Error> {
    let data = &setup.config.data;
    let looks = limits::OWNER_SILENCE_MS_MAX / LOOK_AGAIN.as_millis() as u64;
    for _ in 0..=looks {
        match store::owner(data) {
            Some(owner) => {
                // Another command has it for a moment, or a daemon is about to say where it listens.
                let Some(address) = owner.address else {
                    tokio::time::sleep(LOOK_AGAIN).await;
                    continue;
                };
                let address = address
                    .parse()
                    .map_err(|_| Error::new(Code::Failed, format!("the daemon's address '{address}' is not one")))?;
                return Ok(Reached::Daemon(Remote::new(address, Token::load(data)?)));
            }
            None if !creates && !data.join(store::FILE).exists() => {
                let message = format!(
                    "there is no store in {}; start `chimewheel serve`, or create a schedule with `chimewheel add`",
                    data.display()
                );
                return Err(Error::new(Code::NotFound, message));
            }
            None => match open(setup, clock) {
                Err(StartError::Open(OpenError::Owned { .. })) => {}
                Err(error) => return Err(error.into()),
                Ok(store) => return Ok(store),
            },
        }
    }
    Err(owned(data))
}

/// The error for a folder whose owner says no address.
fn owned(data: &Path) -> Error {
    let pid = store::owner(data).map(|owner| format!(" (process {})", owner.pid)).unwrap_or_default();
    let message = format!("another chimewheel process{pid} has {} open and does not listen", data.display());
    Error::new(Code::Owned, message)
}

fn open(setup: &Setup, clock: &Arc<dyn Clock>) -> Result<Reached, StartError> {
    let tokio = tokio::runtime::Handle::current();
    let runtime = Runtime::start(&settings(&setup.config, false), Arc::clone(clock), Gateways::new(), tokio)?;
    let local = Local::new(runtime.handle(), setting(setup, scripts::look_up(&setup.config), None, false));
    let local = local.with_agents(setup.config.agents.clone());
    Ok(Reached::Store { local: Box::new(local), runtime })
}

impl Reached {
    /// Lets go of the store, if it was opened here.
    pub fn close(self) -> Result<(), Error> {
        match self {
            Self::Daemon(_) => Ok(()),
            Self::Store { runtime, .. } => {
                runtime.stop().map_err(|error| Error::new(Code::Failed, error.to_string()))
            }
        }
    }
}

impl Operations for Reached {
    fn call(&self, caller: &Caller, request: Request) -> Calling<'_> {
        match self {
            Self::Daemon(remote) => remote.call(caller, request),
            Self::Store { local, .. } => local.call(caller, request),
        }
    }
}

/// What a runtime is started with under this config.
#[must_use]
pub fn settings(config: &Config, serving: bool) -> Settings {
    Settings {
        data: config.data.clone(),
        serving,
        cache_bytes: config.limits.cache_mb * 1024 * 1024,
        history_days: config.limits.history_days,
        pause_after: config.limits.pause_after_failures,
        catchup_per_second: config.limits.catchup_per_second,
    }
}

/// Names of the gateways that there are.
#[must_use]
pub fn gateways(setup: &Setup) -> Vec<String> {
    setup.config.gateways.keys().cloned().collect()
}

/// What operations need to know under this config.
#[must_use]
pub fn setting(setup: &Setup, scripts: Arc<Scripts>, listen: Option<String>, serving: bool) -> Setting {
    let config = &setup.config;
    Setting {
        zone: setup.zone,
        gateways: gateways(setup),
        routing: config.routing.clone(),
        scripts,
        data: config.data.display().to_string(),
        listen,
        serving,
        notices: config.notices.iter().map(|notice| format!("{}: {}", notice.path, notice.message)).collect(),
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Open(error) => error.into(),
            StartError::Store(_) | StartError::Thread(_) => Self::new(Code::Failed, error.to_string()),
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        let code = match &error {
            OpenError::Owned { .. } => Code::Owned,
            OpenError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Code::NotFound,
            OpenError::Newer { .. } | OpenError::Damaged { .. } | OpenError::Row { .. } | OpenError::Io { .. } => {
                Code::Failed
            }
        };
        let way_out = match &error {
            OpenError::Damaged { .. } | OpenError::Row { .. } => {
                "; `chimewheel verify` tells what is wrong, `chimewheel restore FILE --force` puts a backup in its place"
            }
            OpenError::Owned { .. } | OpenError::Newer { .. } | OpenError::Io { .. } => "",
        };
        Self::new(code, format!("{error}{way_out}"))
    }
}
