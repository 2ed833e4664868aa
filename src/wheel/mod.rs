//! The timer wheel.
//!
//! (front page comes with the wheel)

/// Names one timer for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    index: u32,
    generation: u32,
}

/// What becomes of a timer that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is gone.
    Drop,
    /// It fires again at this tick, under the same key.
    Rearm(u64),
}

/// What an `advance` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Timers fired.
    pub fired: usize,
    /// Whether timers are left that are due by the same `now`: call again.
    pub more: bool,
}
