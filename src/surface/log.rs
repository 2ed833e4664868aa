//! Logging: one subscriber for the process, to standard error.
//!
//! What decides, first wins: `--log-level`, `RUST_LOG`, the config's `[log] level`, the command's own level.
//! Not here: what is logged.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::error::Error;
use crate::config::Format;
use crate::problem::{Problem, nearest};
use crate::spec::tree::shorten;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
const LEVEL_HINT: &str = "off, error, warn, info, debug, trace, or such as info,chimewheel::store=debug";

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Logging<'a> {
    /// A level, or a filter in the form of `RUST_LOG`.
    pub filter: &'a str,
    /// Form of the lines.
    pub format: Format,
    /// Whether colours may be used where standard error is a terminal.
    pub colour: bool,
}

/// Starts logging; a second start changes nothing.
pub fn start(logging: &Logging<'_>) -> Result<(), Error> {
    let filter = read_filter(logging.filter).map_err(Error::bad_input)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // The only way to fail is that logging has been started: then it goes on as it is.
    let _ = match logging.format {
        Format::Json => lines.json().flatten_event(true).try_init(),
        Format::Text => {
            let lines = lines.with_ansi(logging.colour && io::stderr().is_terminal()).with_target(false);
            lines.try_init()
        }
    };
    Ok(())
}

/// Reads a level or a filter.
pub fn read_filter(text: &str) -> Result<EnvFilter, Problem> {
    // A word alone would be taken for a module of which everything is logged, and of nothing else anything.
    let misspelt = |part: &&str| {
        let path = part.trim();
        !path.is_empty() && !path.contains(['=', ':', '[']) && path.parse::<LevelFilter>().is_err()
    };
    if let Some(part) = text.split(',').find(misspelt) {
        let problem = Problem::new("", format!("'{}' is not a level", shorten(part.trim()))).value(shorten(text));
        return Err(problem.hint(match nearest(part, LEVELS) {
            Some(level) => format!("did you mean '{level}'?"),
            None => LEVEL_HINT.to_owned(),
        }));
    }
    EnvFilter::builder().parse(text).map_err(|error| {
        Problem::new("", format!("is not a level or filter: {error}")).value(shorten(text)).hint(LEVEL_HINT)
    })
}
