//! One plug-in from its start to its end: what is written to it, what it says, whether it lives.
//!
//! Reading, writing and looking after it go on side by side, so that one that does not read can still speak. What it
//! wrote before its end is read to the end. Invariant: a message is marked as written before its first byte is.
//! Units: bytes, milliseconds. Not here: starting it again (`supervise`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::wire::{Command, Method, Ready, Told, refused};
use super::{Line, Shared, State, lines};
use crate::child::{self, Group};
use crate::gateway::{Receipt, SendError};
use crate::limits::{
    MESSAGE_ID_BYTES_MAX, PLUGIN_END_MS_MAX, PLUGIN_LINE_BYTES_MAX, PLUGIN_LOG_BYTES_MAX, PLUGIN_LOG_LINES_MAX,
    PLUGIN_PING_MS_MAX, PLUGIN_QUEUE_COUNT_MAX, PLUGIN_READY_MS_MAX, PLUGIN_UNANSWERED_COUNT_MAX,
};
use crate::time::Span;

/// How a plug-in ended.
pub(super) struct End {
    pub why: String,
    /// By itself, and with the status 0.
    pub in_peace: bool,
    pub was_ready: bool,
}

type Waiting = HashMap<String, oneshot::Sender<Result<Receipt, SendError>>>;

/// What those who read, write and look after it share.
struct Plugin<'a> {
    shared: &'a Shared,
    program: String,
    /// Who waits for an answer, by the request's id.
    waiting: Mutex<Waiting>,
    ready: watch::Sender<bool>,
    /// Questions whether it lives that were not answered.
    unanswered: AtomicUsize,
    /// Lines of its error output since the last question.
    logged: AtomicUsize,
    lines: mpsc::Sender<Line>,
}

/// Starts it, and says how it ended.
pub(super) async fn run(shared: &Shared) -> End {
    let program = shared.config.program.display().to_string();
    let mut command = child::command(&shared.config.program);
    command.args(&shared.config.args).envs(shared.config.env.iter().map(|(name, value)| (name, value)));
    command.envs(shared.passed.iter().map(|(name, value)| (name, value.expose_secret())));
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            return End { why: format!("cannot start {program}: {error}"), in_peace: false, was_ready: false };
        }
    };
    // Dropped before the child is, so that the group still bears its leader's number.
    let group = Group::of(child.id());
    let (lines, queue) = mpsc::channel(PLUGIN_QUEUE_COUNT_MAX);
    let plugin = Plugin {
        shared,
        program,
        waiting: Mutex::default(),
        ready: watch::Sender::new(false),
        unanswered: AtomicUsize::new(0),
        logged: AtomicUsize::new(0),
        lines,
    };
    let Over { why, by_itself } = plugin.live(&mut child, &group, queue).await;
    let was_ready = *plugin.ready.borrow();
    // From here on nobody hands it anything, and whoever waits for its answer is told.
    shared.state.send_replace(State::Down(format!("the plug-in is over: {why}")));
    drop(plugin);
    let patience = Duration::from_millis(if by_itself { PLUGIN_END_MS_MAX } else { 0 });
    let status = timeout(patience, child.wait()).await;
    group.kill();
    let in_peace = by_itself && matches!(&status, Ok(Ok(status)) if status.success());
    // Killed or not, it is waited for, so that its number is free.
    let status = child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
    group.let_go();
    End { why: format!("{why} ({status})"), in_peace, was_ready }
}

/// Why it is over.
struct Over {
    why: String,
    /// It was not ended by us, nor has it failed.
    by_itself: bool,
}

impl Over {
    fn failed(why: impl Into<String>) -> Self {
        Self { why: why.into(), by_itself: false }
    }

    fn ended(why: impl Into<String>) -> Self {
        Self { why: why.into(), by_itself: true }
    }
}

impl Plugin<'_> {
    /// Everything side by side, until one of them says that it is over.
    async fn live(&self, child: &mut Child, group: &Group, queue: mpsc::Receiver<Line>) -> Over {
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Over::failed("it has no pipes");
        };
        let mut reading = std::pin::pin!(self.read(stdout));
        tokio::select! {
            over = &mut reading => over,
            _ = child.wait() => {
                // What it started and left behind would hold its pipes open.
                group.kill();
                let rest = timeout(Duration::from_millis(PLUGIN_END_MS_MAX), reading).await;
                rest.unwrap_or_else(|_| Over::ended("it ended"))
            }
            over = self.look_after() => over,
            over = self.told_to_end() => over,
            () = self.write(stdin, queue) => Over::failed("nothing is written to it any more"),
            () = self.log(stderr) => Over::failed("nothing is read of it any more"),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes, until it ends; then it is told to end, too. Never returns.
    async fn write(&self, mut stdin: ChildStdin, mut queue: mpsc::Receiver<Line>) {
        let mut ending = self.shared.ending.subscribe();
        loop {
            let line = tokio::select! {
                biased;
                _ = ending.wait_for(|is_ending| *is_ending) => break,
                line = queue.recv() => line,
            };
            let Some(Line { id, text, is_written, answer }) = line else { break };
            // Nobody waits for the answer to a question whether it lives.
            if !id.is_empty() {
                if answer.is_closed() {
                    continue;
                }
                let mut waiting = self.waiting();
                if waiting.len() >= PLUGIN_UNANSWERED_COUNT_MAX {
                    waiting.retain(|_, answer| !answer.is_closed());
                }
                waiting.insert(id, answer);
            }
            is_written.store(true, Ordering::SeqCst);
            // One that reads no longer says so by its end.
            if stdin.write_all(text.as_bytes()).await.is_err() {
                break;
            }
        }
        if let Ok(text) = Command::Shutdown.line() {
            let _ = stdin.write_all(text.as_bytes()).await;
        }
        drop(stdin);
        std::future::pending().await
    }

    /// Reads what it says, until it says no more.
    async fn read(&self, from: impl AsyncRead + Unpin) -> Over {
        let mut from = BufReader::new(from);
        loop {
            match lines::next(&mut from, PLUGIN_LINE_BYTES_MAX).await {
                Ok(None) => return Over::ended("it ended"),
                Ok(Some(lines::Line::Whole(line))) => {
                    if let Some(over) = self.heard(&line) {
                        return over;
                    }
                }
                Ok(Some(lines::Line::Cut(_))) => {
                    let program = &self.program;
                    tracing::warn!(
                        program,
                        "a line of the plug-in is longer than {PLUGIN_LINE_BYTES_MAX} bytes; left out"
                    );
                }
                Err(error) => return Over::failed(format!("it cannot be read: {error}")),
            }
        }
    }

    /// Takes one line.
    fn heard(&self, line: &[u8]) -> Option<Over> {
        let program = &self.program;
        if line.trim_ascii().is_empty() {
            return None;
        }
        let told = match Told::read(line) {
            Ok(told) => told,
            Err(error) => {
                tracing::warn!(program, "a line of the plug-in is not understood: {error}: {}", shown(line));
                return None;
            }
        };
        match told {
            Told::Ready(ready) => self.is_ready(ready),
            Told::MessageReceived(message) => match message.into_inbound() {
                None => tracing::debug!(program, "a message without text is left out"),
                Some(message) => {
                    if self.shared.inbound.try_send(message).is_err() {
                        tracing::error!(program, "messages come faster than they are taken; one is lost");
                    }
                }
            },
            Told::CommandOk { request_id, message_id } => {
                let message_id = message_id.filter(|id| !id.is_empty() && id.len() <= MESSAGE_ID_BYTES_MAX);
                self.answer(&request_id, Ok(Receipt { message_id }));
            }
            Told::CommandError { request_id, code, message } => {
                self.answer(&request_id, Err(refused(&code, &message)))
            }
            Told::Pong { connected } => {
                self.unanswered.store(0, Ordering::SeqCst);
                if connected == Some(false) {
                    tracing::warn!(program, "the plug-in is not connected to its platform");
                }
            }
            Told::Error { code, message, fatal: true } => {
                return Some(Over::failed(tame(&format!("{code}: {message}"))));
            }
            Told::Error { code, message, fatal: false } => {
                tracing::warn!(program, "{}", tame(&format!("{code}: {message}")));
            }
            Told::AuthRequired { method } => match method {
                Method::QrCode { qr_data, qr_ascii } => {
                    let drawn = qr_ascii.unwrap_or(qr_data);
                    let lines: Vec<String> = drawn.lines().map(tame).collect();
                    tracing::warn!(program, "sign in with this QR code:\n{}", lines.join("\n"));
                }
                Method::PairCode { code } => {
                    tracing::warn!(program, "sign in with this code: {}", tame(&code));
                }
                Method::Unknown => tracing::warn!(program, "the plug-in waits for somebody to sign in"),
            },
            Told::AuthSuccess => tracing::info!(program, "the plug-in is signed in"),
            Told::Shutdown { reason } => return Some(Over::ended(tame(&format!("it ends: {reason}")))),
            Told::Unknown => tracing::debug!(program, "passed over: {}", shown(line)),
        }
        None
    }

    fn is_ready(&self, Ready { gateway, version, capabilities }: Ready) {
        let ready = Ready { gateway: tame(&gateway), version: tame(&version), capabilities };
        if self.ready.send_replace(true) {
            return;
        }
        tracing::info!(program = self.program, "the plug-in {} {} is ready", ready.gateway, ready.version);
        self.shared.state.send_replace(State::Ready(Arc::new(ready), self.lines.clone()));
    }

    fn answer(&self, id: &str, answer: Result<Receipt, SendError>) {
        if let Some(waits) = self.waiting().remove(id) {
            // One who has given up is told nothing.
            let _ = waits.send(answer);
        }
    }

    /// Waits until it is ready, then asks now and then whether it lives; returns if it does not.
    async fn look_after(&self) -> Over {
        let ready_within = Span::from_millis(PLUGIN_READY_MS_MAX);
        let mut ready = self.ready.subscribe();
        if timeout(ready_within.to_std(), ready.wait_for(|ready| *ready)).await.is_err() {
            return Over::failed(format!("it was not ready within {ready_within}"));
        }
        let between = Span::from_millis(PLUGIN_PING_MS_MAX);
        loop {
            sleep(between.to_std()).await;
            if self.unanswered.fetch_add(1, Ordering::SeqCst) > 0 {
                return Over::failed(format!("it did not say within {between} whether it lives"));
            }
            let left_out = self.logged.swap(0, Ordering::SeqCst).saturating_sub(PLUGIN_LOG_LINES_MAX);
            if left_out > 0 {
                tracing::warn!(program = self.program, "{left_out} lines of its error output are left out");
            }
            let Ok(text) = (Command::Ping { request_id: "ping" }).line() else { continue };
            let question = Line { id: String::new(), text, is_written: Arc::default(), answer: oneshot::channel().0 };
            // One that reads nothing any more is over all the same when it is asked next.
            let _ = self.lines.try_send(question);
        }
    }

    /// Waits until the gateway ends, and then as long as a plug-in may take for that.
    async fn told_to_end(&self) -> Over {
        let mut ending = self.shared.ending.subscribe();
        let _ = ending.wait_for(|is_ending| *is_ending).await;
        sleep(Duration::from_millis(PLUGIN_END_MS_MAX)).await;
        Over::failed("it was told to end")
    }

    /// Hands its error output to the log. Never returns.
    async fn log(&self, from: impl AsyncRead + Unpin) {
        let mut from = BufReader::new(from);
        while let Ok(Some(line)) = lines::next(&mut from, PLUGIN_LOG_BYTES_MAX).await {
            let (lines::Line::Whole(line) | lines::Line::Cut(line)) = line;
            if self.logged.fetch_add(1, Ordering::SeqCst) < PLUGIN_LOG_LINES_MAX {
                tracing::info!(program = self.program, "{}", shown(&line));
            }
        }
        std::future::pending().await
    }
}

/// The beginning of a line, without what would steer a terminal.
fn shown(line: &[u8]) -> String {
    tame(&String::from_utf8_lossy(&line[..line.len().min(PLUGIN_LOG_BYTES_MAX)]))
}

/// A text without what would steer a terminal.
fn tame(text: &str) -> String {
    let mut tame = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\t' {
            tame.extend(c.escape_default());
        } else {
            tame.push(c);
        }
    }
    tame
}
