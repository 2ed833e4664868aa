//! Processes that measure, and what is told to those who wait.
//!
//! Invariant: what is measured runs in a process of its own, this program started anew.
//! Not here: what it measures.

use std::env;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;

use crate::surface::error::{Code, Error};

/// Starts this program with other arguments and reads the JSON it prints. `who` is what it measures.
pub(super) fn measure_apart<A: DeserializeOwned>(
    who: &str,
    arguments: &[&str],
    variable: Option<(&str, &str)>,
) -> Result<A, Error> {
    let failed = |why: String| Error::new(Code::Failed, format!("cannot measure {who}: {why}"));
    let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut child = Command::new(program);
    child.args(arguments).envs(variable).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = child.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("its process ended with {}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
}

/// Bytes of resident memory, now and at the peak; zero where the system does not tell.
pub(super) fn resident() -> (f64, f64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let read = |name: &str| -> f64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).map_or(0.0, |kib: f64| kib * 1024.0)
    };
    (read("VmRSS"), read("VmHWM"))
}

/// Tells people who wait what is going on; on a terminal, in one line that goes away.
pub(super) fn progress(text: &str) {
    let mut out = io::stderr().lock();
    // Where even that cannot be written, the figures still come.
    let _ = match (out.is_terminal(), text) {
        (true, _) => write!(out, "\r\x1b[K{text}"),
        (false, "") => Ok(()),
        (false, _) => writeln!(out, "{text}"),
    };
    let _ = out.flush();
}
