//! The figures of one entrant, and of all.
//!
//! Units: in the names. Invariant: lower is better, of every figure.

use serde::{Deserialize, Serialize};

/// What an entrant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The wheel of this crate.
    Own,
    /// Made of the standard library.
    Plain,
    /// A timer structure of another crate.
    Crate,
}

/// What was measured of one entrant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Into an empty structure that has to get memory for each timer.
    pub insert_cold_ns: f64,
    /// Into one that held as many before, all of which have fired.
    pub insert_warm_ns: f64,
    /// A random half is cancelled, in random order.
    pub cancel_half_ns: f64,
    /// All are cancelled, in random order, with all the clearing up.
    pub cancel_all_ns: f64,
    /// Everything fires, 4,096 timers a call.
    pub fire_ns: f64,
    /// One fires and one is inserted, at a constant number within the next hour.
    pub hold_ns: f64,
    /// The time of the next one is asked for.
    pub next_expiry_ns: f64,
    /// Resident memory, full.
    pub timer_bytes: f64,
    /// Resident memory at its peak, through filling, cancelling and firing.
    pub peak_timer_bytes: f64,
    /// The longest of the calls in which everything fires.
    pub worst_fire_call_us: f64,
    /// The longest advance by one tick.
    pub worst_tick_us: f64,
    /// The advance by one tick than which one in a thousand is longer.
    pub p999_tick_us: f64,
}

impl Figures {
    /// The better of two, figure by figure.
    #[must_use]
    pub fn best(self, other: Self) -> Self {
        Self {
            insert_cold_ns: self.insert_cold_ns.min(other.insert_cold_ns),
            insert_warm_ns: self.insert_warm_ns.min(other.insert_warm_ns),
            cancel_half_ns: self.cancel_half_ns.min(other.cancel_half_ns),
            cancel_all_ns: self.cancel_all_ns.min(other.cancel_all_ns),
            fire_ns: self.fire_ns.min(other.fire_ns),
            hold_ns: self.hold_ns.min(other.hold_ns),
            next_expiry_ns: self.next_expiry_ns.min(other.next_expiry_ns),
            timer_bytes: self.timer_bytes.min(other.timer_bytes),
            peak_timer_bytes: self.peak_timer_bytes.min(other.peak_timer_bytes),
            worst_fire_call_us: self.worst_fire_call_us.min(other.worst_fire_call_us),
            worst_tick_us: self.worst_tick_us.min(other.worst_tick_us),
            p999_tick_us: self.p999_tick_us.min(other.p999_tick_us),
        }
    }
}

/// How one entrant did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its best figures.
    #[serde(flatten)]
    pub figures: Figures,
}
