//! Looks at every gateway, side by side and within a limit: its secrets, its account, its platform.
//!
//! Nothing is sent. A plug-in is started for the look and ended after it, unless a daemon runs it already: two of one kind
//! would take each other's messages. Units: milliseconds. Not here: what a look is (`gateway`), how it is judged (`checks`).

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime as Tokio;
use tokio::task::JoinHandle;

use crate::config::{self, Config};
use crate::gateway::{Gateway, Unwell};
use crate::limits::DOCTOR_PROBE_MS_MAX;
use crate::problem::Problem;
use crate::surface::cli::outside::{self, Out};

/// What was seen of a gateway.
#[derive(Debug)]
pub(super) enum Seen {
    /// It would work now.
    Well(String),
    /// It would not, until somebody does something.
    Wrong(Vec<Problem>),
    /// It could not be looked at, and why.
    Unseen(String),
    /// A secret is missing here, which the daemon that runs may well have.
    Elsewhere(Problem),
}

/// Looks at all of them.
pub(super) fn look(config: &Config, has_daemon: bool, tokio: &Tokio) -> Vec<(String, Seen)> {
    let begun: Vec<_> =
        config.gateways.iter().map(|(name, gateway)| (name.clone(), begin(gateway, has_daemon, tokio))).collect();
    let seen = |looking: Result<JoinHandle<Seen>, Seen>| match looking.map(|looking| tokio.block_on(looking)) {
        Ok(Ok(seen)) | Err(seen) => seen,
        Ok(Err(_)) => Seen::Unseen("the look broke down".to_owned()),
    };
    begun.into_iter().map(|(name, looking)| (name, seen(looking))).collect()
}

fn begin(gateway: &config::Gateway, has_daemon: bool, tokio: &Tokio) -> Result<JoinHandle<Seen>, Seen> {
    if has_daemon && matches!(gateway, config::Gateway::Process(_)) {
        return Err(Seen::Well("a plug-in, which the daemon runs; its log tells how it is".to_owned()));
    }
    match outside::gateway(gateway, Out::Error) {
        Ok(opened) => Ok(tokio.spawn(one(opened))),
        Err(mut problems) => {
            let is_elsewhere = |problem: &Problem| problem.path.contains("_env");
            match problems.pop_if(|problem| has_daemon && is_elsewhere(problem)) {
                Some(problem) if problems.iter().all(is_elsewhere) => Err(Seen::Elsewhere(problem)),
                put_back => {
                    problems.extend(put_back);
                    Err(Seen::Wrong(problems))
                }
            }
        }
    }
}

async fn one(gateway: Arc<dyn Gateway>) -> Seen {
    let patience = Duration::from_millis(DOCTOR_PROBE_MS_MAX);
    let seen = match tokio::time::timeout(patience, gateway.probe()).await {
        Ok(Ok(seen)) => Seen::Well(seen),
        Ok(Err(Unwell::Wrong(problem))) => Seen::Wrong(vec![problem]),
        Ok(Err(Unwell::Unseen(why))) => Seen::Unseen(why),
        Err(_) => Seen::Unseen(format!("there was no answer within {} s", patience.as_secs())),
    };
    // What was started for the look ends with it; whether that was in order is its own affair.
    let _ = tokio::task::spawn_blocking(move || gateway.end()).await;
    seen
}
