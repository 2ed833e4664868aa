//! Gateways against stand-ins of their platforms: what each must be able to do, and what each does in its own way.

mod conformance;
mod guard;
mod program;
mod telegram;
mod webhook;
