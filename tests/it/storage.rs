//! The database file as a whole, by the real program: verify, backup, restore, compact.

mod faults;
mod import;
mod tools;
mod world;
