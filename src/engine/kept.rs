//! What is kept for a hook from one run of its schedule to the next.
//!
//! Units: `Timestamp`. Not here: when something is kept (`said`), where (`store`).

use std::sync::Arc;

use crate::time::Timestamp;

/// What is kept for a hook from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// The map that the hook keeps, as JSON.
    State,
    /// The latest text that was made: a [`LastText`].
    Text,
}

/// The latest text that was made for a schedule, as far as its hook may look back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastText {
    /// When it was made.
    pub at: Timestamp,
    /// Its beginning.
    pub text: Arc<str>,
}

impl LastText {
    /// As it is kept: milliseconds, a space, the text.
    #[must_use]
    pub fn to_kept(&self) -> Arc<str> {
        format!("{} {}", self.at.as_millis(), self.text).into()
    }

    /// The pair of [`LastText::to_kept`]; `None`: it is something else.
    #[must_use]
    pub fn from_kept(kept: &str) -> Option<Self> {
        let (at, text) = kept.split_once(' ')?;
        Some(Self { at: Timestamp::from_millis(at.parse().ok()?), text: text.into() })
    }
}
