//! The database file as a whole, by the real program: verify, backup, restore, compact.

mod damage;
#[cfg(unix)]
#[cfg(all(
    feature = "discord",
    feature = "matrix",
    feature = "process",
    feature = "slack",
    feature = "telegram",
    feature = "webhook"
))]
mod doctor;
mod faults;
#[cfg(target_os = "linux")]
mod full;
mod import;
mod tools;
pub mod world;
mod years;
