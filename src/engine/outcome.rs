//! How an occurrence ended, with its details and without.
//!
//! Not here: when it has ended (`settle`), how that is written (`store`).

/// How the error begins of what has failed because going on could have cost more than may be spent.
pub const NOT_RUN_ON: &str = "it was not run on, for its budget";

/// How an occurrence ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway took it.
    Delivered {
        /// The platform's id of the message.
        message_id: Option<String>,
    },
    /// It ran and nothing was to be sent.
    Silent {
        /// Why.
        reason: String,
    },
    /// It did not run.
    Skipped(SkipReason),
    /// Its hook held it back before anything was made of it.
    Gated {
        /// Why, as the hook says.
        reason: String,
    },
    /// It did not run, because it could have cost more than may be spent.
    OverBudget {
        /// Which limit that is, and what is left of it.
        reason: String,
    },
    /// It was given up: a dead letter.
    Failed {
        /// The last error.
        error: String,
    },
    /// It was given up, and somebody who saw that wants to hear no more of it.
    Dropped {
        /// The last error.
        error: String,
    },
    /// Its schedule was cancelled or replaced before it was sent.
    Cancelled,
    /// The next run of its schedule took its place.
    Displaced,
    /// Nobody knows whether the gateway took it, and it must not be sent twice.
    Unknown {
        /// What is known.
        error: String,
    },
}

/// Why dues were skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// The misfire policy said so.
    Misfire,
    /// Older than the catch-up window.
    CatchupWindow,
    /// The schedule was paused.
    Paused,
    /// It was already past when it was declared.
    Past,
    /// An exclusion covers it.
    Except,
    /// An earlier run of the schedule was not over.
    Overlap,
}

/// An outcome without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutcomeKind {
    /// See [`Outcome::Delivered`].
    Delivered,
    /// See [`Outcome::Silent`].
    Silent,
    /// See [`Outcome::Skipped`], [`Outcome::Gated`] and [`Outcome::OverBudget`].
    Skipped,
    /// See [`Outcome::Failed`] and [`Outcome::Dropped`].
    Failed,
    /// See [`Outcome::Cancelled`].
    Cancelled,
    /// See [`Outcome::Unknown`].
    Unknown,
}

impl Outcome {
    /// The outcome without its details.
    #[must_use]
    pub const fn kind(&self) -> OutcomeKind {
        match self {
            Self::Delivered { .. } => OutcomeKind::Delivered,
            Self::Silent { .. } => OutcomeKind::Silent,
            Self::Skipped(_) | Self::Gated { .. } | Self::OverBudget { .. } => OutcomeKind::Skipped,
            Self::Failed { .. } | Self::Dropped { .. } => OutcomeKind::Failed,
            Self::Cancelled | Self::Displaced => OutcomeKind::Cancelled,
            Self::Unknown { .. } => OutcomeKind::Unknown,
        }
    }
}
