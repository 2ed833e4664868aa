//! The database file as a whole, by the real program: verify, backup, restore, compact.

mod faults;
mod tools;
mod world;
