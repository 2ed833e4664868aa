//! `doctor`: looks at everything that has to be in order, and says what to do about what is not.
//!
//! First the scene is looked at once: config, data folder, daemon, store, gateways. Then each check of the table judges its
//! part of the scene, so that a new check is a row and a function.
//! Invariants: nothing is changed and nothing is created; each check says one line, that of gateways one for each; any
//! failure makes the exit code 1.
//! Not here: what `verify` does, which reads everything.

mod checks;
mod heartbeat;
mod probes;
mod scene;

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::json;

use self::checks::CHECKS;
use self::scene::Scene;
use super::args::Global;
use super::screen::Screen;
use super::setup::{Setup, SetupError};
use crate::runtime::clock::Clock;
use crate::surface::error::{Code, Error};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// In order.
    Ok,
    /// It works, but something should be known.
    Warn,
    /// It does not work.
    Fail,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What a check found.
#[derive(Debug)]
struct Finding {
    level: Level,
    what: String,
    way_out: Option<String>,
}

impl Finding {
    fn ok(what: impl Into<String>) -> Self {
        Self { level: Level::Ok, what: what.into(), way_out: None }
    }

    fn warn(what: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { level: Level::Warn, what: what.into(), way_out: Some(way_out.into()) }
    }

    fn fail(what: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { level: Level::Fail, what: what.into(), way_out: Some(way_out.into()) }
    }
}

/// Looks, judges and tells. A config that cannot be read is the first finding; the rest is then judged by the defaults.
pub fn run(
    global: &Global,
    setup: Result<Setup, SetupError>,
    clock: &Arc<dyn Clock>,
    screen: &Screen,
) -> Result<u8, Error> {
    let scene = Scene::look(global, setup, clock)?;
    let found: Vec<(&str, Finding)> =
        CHECKS.iter().flat_map(|(name, check)| check.judge(&scene).into_iter().map(|found| (*name, found))).collect();
    let count = |level| found.iter().filter(|(_, finding)| finding.level == level).count();
    let failed = count(Level::Fail);
    screen.answer(
        || {
            let checks = found.iter().map(|(name, finding)| {
                let mut told = json!({"check": name, "level": finding.level.word(), "message": finding.what});
                if let Some(way_out) = &finding.way_out {
                    told["hint"] = json!(way_out);
                }
                told
            });
            Ok(json!({"ok": failed == 0, "checks": checks.collect::<Vec<_>>()}))
        },
        |_| {
            let mut text = String::new();
            for (name, Finding { level, what, way_out }) in &found {
                let hint = way_out.as_ref().map(|way_out| format!("; {way_out}")).unwrap_or_default();
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{:<4}  {name:<14} {what}{hint}", level.word());
            }
            let _ = writeln!(text, "{} ok, {} warn, {failed} fail", count(Level::Ok), count(Level::Warn));
            text
        },
    )?;
    Ok(if failed == 0 { 0 } else { Code::Failed.exit() })
}
