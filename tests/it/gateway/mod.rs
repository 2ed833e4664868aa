//! Gateways against stand-ins of their platforms: what each must be able to do, and what each does in its own way.

mod conformance;
mod email;
mod guard;
mod inbox;
mod matrix;
mod process;
mod program;
pub mod synapse;
mod webhook;
