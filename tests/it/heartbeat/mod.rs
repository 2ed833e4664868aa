//! The heartbeat file: what it declares, what the config says of it, and how the daemon follows it.

mod answer;
mod config;
mod daemon;
mod format;
mod hours;
#[cfg(feature = "openai")]
mod model;
