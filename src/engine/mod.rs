//! The scheduling core: an input and the time go in, effects come out.
//!
//! Not here: clocks, files, sockets, threads. See `ledger` for what is recorded.

pub mod change;
