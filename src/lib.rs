//! chimewheel: a declarative timer-wheel engine.

pub mod calendar;
pub mod config;
pub mod engine;
pub mod gateway;
pub mod guide;
pub mod id;
pub mod limits;
pub mod problem;
pub mod runtime;
pub mod spec;
pub mod surface;
pub mod time;
pub mod wheel;
