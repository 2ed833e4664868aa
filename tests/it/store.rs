//! The store, through its public interface: a model beside it, crashes under it, and files it must refuse.

mod bounds;
mod chance;
mod crash;
mod damage;
mod disk;
mod files;
mod model;
mod names;
