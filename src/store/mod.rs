//! The store: everything that must outlive the process, in one redb file.
//!
//! (Front page follows in a later commit.)

mod codec;
mod declaration;
mod declare;
mod error;
mod fold;
mod history;
mod journal;
mod names;
mod open;
mod overlay;
mod owner;
mod reader;
mod recovery;
mod row;
mod tables;
mod writer;

pub use error::{Malformed, OpenError, RowError, StoreError};
pub use history::RunCursor;
pub use names::Names;
pub use open::{FILE, Opened, Options, Store};
pub use owner::{Owner, Ownership, owner};
pub use reader::{Listed, Reader, StoreFacts};
pub use writer::{CommitReport, FoldLimits, Writer};
