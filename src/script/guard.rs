//! One call of a script under watch: its operations, its time, its panics.
//!
//! Rhai calls `tick` at every operation; whatever a function of the library does in one go it pays for with `charge`.
//! Invariants: a call counts from zero and ends at [`limits::SCRIPT_OPERATIONS_MAX`]; once that, or its time, is over,
//! every further operation fails, so that no `try` and no callback goes on. A call never begins inside another one.
//! Units: operations. Not here: the clock (the caller brings the deadline).

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rhai::{Dynamic, EvalAltResult, Position};

use super::scene::Run;
use crate::limits;

/// What a native function of the library answers with.
pub(super) type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// When a script's time is over, as the caller knows it.
#[derive(Clone)]
pub struct Deadline(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Deadline {
    /// Asks whether the time is over; asked often, so it must be quick.
    pub fn new(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_over)))
    }

    /// No end but that of the operations.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|is_over| is_over())
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.0.is_some()).finish()
    }
}

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
    static NEXT_LOOK: Cell<u64> = const { Cell::new(u64::MAX) };
    static RUNNING: RefCell<Option<Arc<Run>>> = const { RefCell::new(None) };
    static FAILED: RefCell<Option<String>> = const { RefCell::new(None) };
    static USES: Cell<u32> = const { Cell::new(0) };
    static HELD: Cell<[usize; LEVELS]> = const { Cell::new([0; LEVELS]) };
}

/// Levels of calls that can hold variables: those of functions, and the script's top.
const LEVELS: usize = limits::SCRIPT_CALLS_COUNT_MAX + 2;

/// Why a call was cut off.
pub(super) const OUT_OF_OPERATIONS: &str = "operations";
/// The same.
pub(super) const OUT_OF_TIME: &str = "time";
/// The same.
pub(super) const OUT_OF_MEMORY: &str = "memory";

/// Ends the watch, however the call ends.
struct Watch;

impl Drop for Watch {
    fn drop(&mut self) {
        NEXT_LOOK.set(u64::MAX);
        if let Some(run) = RUNNING.take() {
            run.operations.fetch_add(SPENT.get(), Ordering::Relaxed);
        }
    }
}

/// Does a call under watch; an error is what it panicked with.
pub(super) fn watch<T>(run: &Arc<Run>, call: impl FnOnce() -> T) -> Result<T, String> {
    RUNNING.set(Some(run.clone()));
    watch_reading(call)
}

/// The same while a script is read and there is no run.
pub(super) fn watch_reading<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    SPENT.set(0);
    NEXT_LOOK.set(limits::SCRIPT_LOOK_OPERATIONS_MAX);
    USES.set(0);
    HELD.set([0; LEVELS]);
    FAILED.set(None);
    let _watch = Watch;
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
    })
}

/// One operation; what it answers with ends the script.
pub(super) fn tick() -> Option<Dynamic> {
    spend(1).map(|why| why.into_owned().into())
}

/// Pays for going through, or making, so many bytes.
pub(super) fn charge(bytes: usize) -> Outcome<()> {
    match spend((bytes / limits::SCRIPT_OPERATION_BYTES_MAX) as u64) {
        None => Ok(()),
        Some(why) => Err(EvalAltResult::ErrorTerminated(why.into_owned().into(), Position::NONE).into()),
    }
}

/// Asks whether the time is over, whatever was spent: before a step that may take long by itself.
pub(super) fn check_time() -> Outcome<()> {
    match look(SPENT.get()) {
        None => Ok(()),
        Some(why) => Err(EvalAltResult::ErrorTerminated(why.into_owned().into(), Position::NONE).into()),
    }
}

/// Lets the script end with this mistake at its next operation, for where Rhai goes on without asking.
pub(super) fn fail(why: &EvalAltResult) {
    FAILED.set(Some(why.to_string().trim_start_matches("Runtime error: ").to_owned()));
    NEXT_LOOK.set(0);
}

/// What `fail` was told in a call that ended before its next operation.
pub(super) fn failed() -> Option<String> {
    FAILED.take()
}

/// A variable is used: now and then all of a call's are weighed, since what a script puts into a map by its key is not.
pub(super) fn used(level: usize, weigh: impl FnOnce() -> Outcome<usize>) -> Outcome<()> {
    let uses = USES.get() + 1;
    USES.set(uses);
    if !uses.is_multiple_of(limits::SCRIPT_LOOK_USES_MAX) {
        return Ok(());
    }
    let mut held = HELD.get();
    let level = level.min(LEVELS - 1);
    held[level] = weigh()?;
    held[level + 1..].fill(0);
    HELD.set(held);
    if held.iter().sum::<usize>() > limits::SCRIPT_MEMORY_BYTES_MAX {
        return Err(EvalAltResult::ErrorTerminated(OUT_OF_MEMORY.into(), Position::NONE).into());
    }
    // Each use copies a value, so that large ones take as many operations as they take time.
    charge(held[level])
}

/// The run whose script this thread is in.
pub(super) fn running() -> Outcome<Arc<Run>> {
    RUNNING.with_borrow(Clone::clone).ok_or_else(|| "there is no run here: only a run can ask this".into())
}

fn spend(operations: u64) -> Option<Cow<'static, str>> {
    let spent = SPENT.get().saturating_add(operations);
    SPENT.set(spent);
    if spent < NEXT_LOOK.get() { None } else { look(spent) }
}

/// Looks whether the call has to end; when it has, it looks again at once.
#[cold]
fn look(spent: u64) -> Option<Cow<'static, str>> {
    if let Some(why) = FAILED.with_borrow(Clone::clone) {
        return Some(why.into());
    }
    if spent > limits::SCRIPT_OPERATIONS_MAX {
        return Some(OUT_OF_OPERATIONS.into());
    }
    if RUNNING.with_borrow(|run| run.as_ref().is_some_and(|run| run.deadline.is_over())) {
        return Some(OUT_OF_TIME.into());
    }
    NEXT_LOOK.set((spent + limits::SCRIPT_LOOK_OPERATIONS_MAX).min(limits::SCRIPT_OPERATIONS_MAX + 1));
    None
}
