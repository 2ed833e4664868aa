//! `pause`, with what is said about it.
//!
//! Not here: what other commands take (`args`).

use clap::Args;

use super::args::One;
use crate::surface::ops::request;

/// Options of `pause`.
#[derive(Debug, Args)]
pub struct Pause {
    /// Which schedule
    #[command(flatten)]
    pub one: One,
    /// Why; it is shown until the schedule is resumed
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

impl Pause {
    /// The request that it stands for.
    pub(super) fn request(self) -> request::Pause {
        request::Pause { note: self.note, ..self.one.selector().into() }
    }
}
