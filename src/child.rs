//! Programs that are started: with nothing of ours around them, and ended with all that they started.
//!
//! No shell: a program and its arguments are given to the system as they are. Its environment holds `PATH`, `LANG` and
//! what is added on purpose. It leads a process group of its own. Units: process ids.
//! Limits of this: when the daemon itself is killed, a program runs on until it notices that its pipes are gone.

use std::path::Path;
use std::process::Stdio;

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

/// A program and all that it started, by the number of the first. Dropped, it is killed; so it must be dropped before
/// the child is, while the group still bears its leader's number.
pub(crate) struct Group(pub Option<u32>);

impl Group {
    #[cfg(unix)]
    pub fn kill(&self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(leader) = self.0.and_then(|id| Pid::from_raw(id.cast_signed())) {
            // That nobody is left is as good.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    #[cfg(not(unix))]
    pub fn kill(&self) {}

    /// Nobody is left in it, and its number may be given to others.
    pub fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
