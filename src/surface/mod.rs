//! The surfaces: they parse and print, and nothing else.

pub mod files;
