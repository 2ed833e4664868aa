//! One bug at most, for one thread.

use std::cell::Cell;

use super::Bug;

const _: () = assert!(cfg!(debug_assertions), "a program with planted bugs is for tests; build it without --release");

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Whether this bug is planted on this thread.
#[must_use]
pub fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Plants a bug on this thread, or takes it out.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}
