//! Surfaces: parse, print, nothing else.
//!
//! Every surface speaks the one table of operations in [`ops`]: the command line, the loopback HTTP server, the
//! client that reaches it, and schedule files, the files of other programs among them. [`error`] is the one translation of trouble.
//! Not here: what the operations do (`runtime`, `engine`).

pub mod admin;
pub mod bench;
pub mod cli;
pub mod error;
pub mod files;
pub mod heartbeat;
pub mod http;
pub mod import;
pub mod keys;
pub mod log;
pub mod mcp;
pub mod ops;
pub mod remote;
pub mod tools;
pub mod trial;
