//! Who may ask for what: places that messages go to, tokens and those who hold them, quotas; and who did
//! what.
//!
//! Plain values, shared by the config that names them, the store that keeps them and the surfaces that look at them.
//! Invariant: a token itself is nowhere in here, only its hash.
//! Not here: what a caller may do with an operation (`surface/ops/local`), reading a config (`config`).

mod audit;
mod grant;
mod place;
mod quota;

pub use audit::{Record, Touched, Via};
pub use grant::{Actor, Grant, Hash, hash, is_same, token};
pub use place::{ChatKind, Destination, Pattern};
pub use quota::Quota;
