//! The command: a configured program is given the instruction on standard input, and what it prints is the answer.
//!
//! No shell: the program and its arguments are given to the system as they are, with `{model}` in an argument replaced
//! by the model's name. Its process group is killed whole when the attempt is over, however it ends: nothing that it
//! started stays behind, unless it left the group on purpose.
//! A status other than 0, no output, or output that cannot be sent is a failure; the end of its error output says why.
//! Units: bytes. Not here: what surrounds it (`child`), how long it may take, and how many run at a time.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command as Process};

use crate::child::{self, Group};
use crate::limits::{ERROR_BYTES_MAX, MESSAGE_BYTES_MAX, RUN_STDERR_BYTES_MAX};
use crate::runner::{Answer, Prompt, RunError, Runner, Running, too_long};

/// What is read beyond what can be sent: it may be blanks at the end.
const BEYOND_BYTES_MAX: usize = 4096;

/// Runs a program.
#[derive(Clone, Debug)]
pub struct Command {
    program: PathBuf,
    args: Vec<String>,
}

impl Command {
    /// A program with its arguments, in which `{model}` stands for the model's name.
    #[must_use]
    pub const fn new(program: PathBuf, args: Vec<String>) -> Self {
        Self { program, args }
    }

    fn process(&self, model: &str) -> Process {
        let mut process = child::command(&self.program);
        process.args(self.args.iter().map(|arg| arg.replace("{model}", model)));
        process
    }

    async fn attempt(&self, prompt: Prompt) -> Result<Answer, RunError> {
        let program = self.program.display().to_string();
        let mut child = self.process(&prompt.model).spawn().map_err(|error| {
            let told = format!("cannot start {program}: {error}");
            match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => RunError::Permanent { error: told },
                _ => RunError::Retry { error: told, after: None },
            }
        })?;
        // Dropped before the child is, so that the group still bears its leader's number.
        let group = Group::of(child.id());
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let said = async {
            let said = read(stdout, MESSAGE_BYTES_MAX + BEYOND_BYTES_MAX).await;
            if said.as_ref().is_ok_and(|said| is_too_long(said)) {
                group.kill();
            }
            said
        };
        let ended = async {
            let status = child.wait().await;
            // Whatever it started and left behind would hold its pipes open.
            group.kill();
            status
        };
        let told = prompt.to_text();
        let ((), said, complaints, status) = tokio::join!(tell(stdin, &told), said, read_end(stderr), ended);
        group.let_go();
        let lost = |error: io::Error| RunError::Ambiguous { error: format!("{program}: {error}") };
        judge(&program, status.map_err(lost)?, said.map_err(lost)?, &complaints, prompt.model)
    }
}

impl Runner for Command {
    fn run(&self, prompt: Prompt) -> Running<'_> {
        Box::pin(self.attempt(prompt))
    }
}

fn is_too_long(said: &[u8]) -> bool {
    said.len() >= MESSAGE_BYTES_MAX + BEYOND_BYTES_MAX
}

fn judge(
    program: &str,
    status: ExitStatus,
    said: Vec<u8>,
    complaints: &str,
    model: String,
) -> Result<Answer, RunError> {
    if is_too_long(&said) {
        return Err(RunError::Permanent { error: too_long() });
    }
    if !status.success() {
        let because = if complaints.is_empty() { String::new() } else { format!(": {complaints}") };
        return Err(RunError::Retry { error: format!("{program} ended with {status}{because}"), after: None });
    }
    match String::from_utf8(said) {
        Ok(text) => Answer::new(&text, model),
        Err(_) => Err(RunError::Permanent { error: "the answer is not UTF-8".into() }),
    }
}

async fn tell(stdin: Option<ChildStdin>, instruction: &str) {
    if let Some(mut stdin) = stdin {
        // A program need not read what it is told; the end of the pipe says that this was all.
        let _ = stdin.write_all(instruction.as_bytes()).await;
        let _ = stdin.shutdown().await;
    }
}

/// What comes, up to a limit.
async fn read(from: Option<impl AsyncRead + Unpin>, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most as u64).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// The end of what comes, as text in one line.
async fn read_end(from: Option<impl AsyncRead + Unpin>) -> String {
    // Without it the exit status says enough.
    let bytes = read(from, RUN_STDERR_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(ERROR_BYTES_MAX / 2)..]).into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
