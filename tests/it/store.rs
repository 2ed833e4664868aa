//! The store, through its public interface: a model beside it, crashes under it, and files it must refuse.

mod bounds;
pub(crate) mod chance;
mod crash;
mod damage;
mod deliveries;
pub(crate) mod disk;
mod feed;
mod files;
mod letters;
pub(crate) mod model;
mod names;
mod sessions;
mod texts;
