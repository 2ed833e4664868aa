//! A panic of the database becomes a value, and prints nothing.
//!
//! redb answers most damage with an error and some with a panic. Whoever opens a file makes one refusal of both, so
//! that the panic's own words on standard error would only be noise.
//! Invariant: a panic outside is reported as it always was.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What `act` answers; `None` when it panicked.
pub(super) fn quietly<T>(act: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |told| {
            if !QUIET.get() {
                usual(told);
            }
        }));
    });
    let before = QUIET.replace(true);
    let answer = catch_unwind(AssertUnwindSafe(act));
    QUIET.set(before);
    answer.ok()
}
