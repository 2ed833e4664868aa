//! The one integration-test binary.

mod agents;
mod backlog;
mod bench;
mod bench_engine;
mod bench_loads;
#[cfg(feature = "telegram")]
mod botapi;
mod calendar;
mod calendar_describe;
mod calendar_dst;
mod calendar_errors;
mod calendar_except;
mod calendar_walk;
mod calendar_zone;
mod chains;
#[cfg(all(feature = "openai", feature = "telegram"))]
mod chat;
mod cli;
mod config;
mod conversations;
mod daemon;
mod engine;
mod faketime;
#[cfg(all(
    feature = "discord",
    feature = "email",
    feature = "matrix",
    feature = "process",
    feature = "slack",
    feature = "telegram",
    feature = "webhook"
))]
mod gateway;
mod heartbeat;
mod hooks;
mod http;
mod imports;
mod isolation;
mod kill;
#[cfg(feature = "webhook")]
mod kill_letters;
#[cfg(all(
    feature = "discord",
    feature = "email",
    feature = "matrix",
    feature = "process",
    feature = "slack",
    feature = "telegram",
    feature = "webhook"
))]
mod kill_matrix;
mod kill_points;
#[cfg(feature = "webhook")]
mod kill_webhook;
mod letters;
#[cfg(feature = "openai")]
mod models;
mod outbox;
mod pace;
mod phrases;
mod program;
mod runner;
mod runtime;
mod schedules;
mod script;
mod silence;
mod sim;
mod source;
mod spec;
#[cfg(feature = "openai")]
mod spending;
#[cfg(feature = "client")]
mod standin;
mod storage;
mod store;
mod tasks;
mod texts;
mod tidy;
mod tokens;
mod tools;
mod watchdog;
mod wheel;
mod wheel_cases;
mod wheel_speed;
