//! Processes that measure, and what is told to those who wait.
//!
//! Invariant: what is measured runs in a process of its own, this program started anew,
//! and is ended when it takes too long.
//! Not here: what it measures.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::runtime::clock::Stopwatch;
use crate::surface::error::{Code, Error};

/// Time between two looks at whether a process has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Starts this program with other arguments and reads the JSON it prints. `who` is what it measures. `None` when it
/// had not ended in time, and was ended.
pub(super) fn measure_apart<A: DeserializeOwned>(
    who: &str,
    arguments: &[&str],
    variable: Option<(&str, &str)>,
    patience: Duration,
) -> Result<Option<A>, Error> {
    let failed = |why: String| Error::new(Code::Failed, format!("cannot measure {who}: {why}"));
    let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(arguments).envs(variable).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let watch = Stopwatch::start();
    // What it prints fits a pipe, so it ends without being read.
    while child.try_wait().map_err(|error| failed(error.to_string()))?.is_none() {
        if watch.elapsed() > patience {
            // It may have ended by itself just now.
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("its process ended with {}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map(Some).map_err(|error| failed(error.to_string()))
}

/// Starts this program with other arguments, and kills it, as `kill -9` does, when it has printed so many numbers, a
/// line each. Answers the last one.
pub(super) fn kill_under_load(who: &str, arguments: &[&str], lines: usize) -> Result<u64, Error> {
    let failed = |why: String| Error::new(Code::Failed, format!("cannot measure {who}: {why}"));
    let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let out = child.stdout.take().map(BufReader::new);
    let told: Vec<u64> =
        out.into_iter().flat_map(BufRead::lines).map_while(|line| line.ok()?.parse().ok()).take(lines).collect();
    // It may have ended by itself just now; then it has printed too little.
    let _ = child.kill();
    child.wait().map_err(|error| failed(error.to_string()))?;
    match told.last() {
        Some(last) if told.len() == lines => Ok(*last),
        _ => Err(failed(format!("its process ended after {} of {lines} lines", told.len()))),
    }
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
