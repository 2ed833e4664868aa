//! Gateways against stand-ins of their platforms: what each must be able to do, and what each does in its own way.

mod conformance;
mod discord;
mod discord_fake;
mod discord_socket;
mod guard;
mod program;
mod slack;
mod webhook;
