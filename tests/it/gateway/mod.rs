//! Gateways against stand-ins of their platforms: what each must be able to do, and what each does in its own way.

mod conformance;
mod discord;
mod discord_fake;
mod discord_socket;
mod guard;
mod listening;
mod program;
mod slack;
mod telegram;
mod telegram_aiogram;
mod telegram_listen;
mod webhook;
