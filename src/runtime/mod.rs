//! The shell around the engine.

pub mod clock;
