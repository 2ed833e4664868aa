//! Measuring: the timer wheel next to other timer structures, the cron matcher, hooks, the whole engine, each with its
//! bars.
//!
//! Units: ticks of 1 ms in the workloads, nanoseconds an operation and bytes a timer in the figures. A figure alone
//! says more of the machine than of the code; the ratio of two from one run is what holds.
//! Invariant: each timer structure runs in a process of its own, so that none works in memory that another has left behind.
//! The process that measures starts itself again for each, passes over all of them several times, and keeps the best
//! figure of each: what disturbs a measurement only ever makes it slower.
//! Not here: entrants from other crates (`benches/wheel.rs`, `benches/calendar.rs`, `benches/hooks.rs`), the command (`cli`).

mod bars;
mod chart;
mod contest;
pub mod cron;
pub mod engine;
mod figures;
mod half;
pub mod hooks;
mod load;
mod plain;
mod process;
mod report;
mod timers;
mod turnover;
mod watch;
mod workload;

pub use self::bars::{Bar, Report, verdicts};
pub use self::chart::svg;
pub use self::contest::{Contest, Entrant};
pub use self::figures::{Figure, Figures, Kind, Outcome};
pub use self::load::{Chance, Load, Run};
pub use self::plain::{Binary, Entry, Lazy, QuaternaryHeap, Queue, Tree};
pub use self::report::{bars, ratios, table};
pub use self::timers::{START, Timers};
pub use self::workload::measure;

use crate::wheel::Wheel;

/// The wheel, and what the standard library offers instead.
#[must_use]
pub fn own_entrants() -> Vec<Entrant> {
    vec![
        Entrant { name: "chimewheel", kind: Kind::Own, measure: measure::<Wheel<u64>> },
        Entrant { name: "BinaryHeap", kind: Kind::Plain, measure: measure::<Lazy<Binary>> },
        Entrant { name: "4-ary heap", kind: Kind::Plain, measure: measure::<Lazy<QuaternaryHeap>> },
        Entrant { name: "BTreeMap", kind: Kind::Plain, measure: measure::<Tree> },
    ]
}
