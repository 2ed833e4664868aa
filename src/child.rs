//! Programs that are started: with nothing of ours around them, and ended with all that they started.
//!
//! No shell: a program and its arguments are given to the system as they are. Its environment holds `PATH`, `LANG` and
//! what is added on purpose. It leads a process group of its own. Units: process ids.
//! Limits of this: when the daemon itself is killed, a program runs on until it notices that its pipes are gone.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::process::Command;

/// Where a program without a path is looked for, and where it looks for others.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to be started, with pipes to it.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", PATH)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// The leaders of every group that may have somebody in it.
static LEADERS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

// A panic while the lock is held leaves the set whole.
fn leaders() -> MutexGuard<'static, BTreeSet<u32>> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every program that was started and has not ended, with all that it started: this process ends at once.
pub(crate) fn kill_all() {
    leaders().iter().copied().for_each(kill);
}

#[cfg(unix)]
fn kill(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(leader) = Pid::from_raw(leader.cast_signed()) {
        // That nobody is left is as good.
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(_leader: u32) {}

/// A program and all that it started, by the number of the first. Dropped, it is killed; so it must be dropped before
/// the child is, while the group still bears its leader's number.
pub(crate) struct Group(Option<u32>);

impl Group {
    /// The group of a program that was started.
    pub fn of(leader: Option<u32>) -> Self {
        leaders().extend(leader);
        Self(leader)
    }

    pub fn kill(&self) {
        self.0.into_iter().for_each(kill);
    }

    /// Nobody is left in it, and its number may be given to others.
    pub fn let_go(mut self) {
        self.forget();
    }

    fn forget(&mut self) {
        if let Some(leader) = self.0.take() {
            leaders().remove(&leader);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        self.forget();
    }
}
