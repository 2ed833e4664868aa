//! Gateways against stand-ins of their platforms: what each must be able to do, and what each does in its own way.

mod conformance;
mod discord;
mod discord_fake;
mod discord_socket;
mod email;
mod guard;
mod inbox;
mod listening;
mod matrix;
mod process;
mod program;
mod slack;
pub mod synapse;
mod telegram;
mod telegram_aiogram;
mod telegram_listen;
mod webhook;
