//! chimewheel: a declarative timer-wheel engine.

pub mod calendar;
pub mod engine;
pub mod gateway;
pub mod id;
pub mod limits;
pub mod problem;
pub mod spec;
pub mod store;
pub mod surface;
pub mod time;
pub mod wheel;
