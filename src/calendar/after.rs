//! The end of another schedule's run as a trigger: whose, and which ends.
//!
//! It has no dues of its own that could be reckoned ahead: each is the instant at which such an end came, and is made
//! by the one who sees it come. Invariant: there is at least one end that starts a run.
//! Not here: who sees ends come (`engine`), whether the other schedule exists (`runtime`).

use std::sync::Arc;

use crate::id::ScheduleKey;

/// Whose runs are waited for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct After {
    /// Its id; of what is not accepted yet, its id or its name, as somebody wrote it.
    pub schedule: Arc<str>,
    /// Its key; `None`: not accepted yet.
    pub key: Option<ScheduleKey>,
    /// Which ends of its runs count.
    pub ends: Ends,
}

/// How a run may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// What it said was delivered.
    Delivered,
    /// It had nothing to say.
    Silent,
    /// It failed.
    Failed,
    /// Nobody knows whether it was delivered.
    Unknown,
    /// It was not run.
    Skipped,
}

/// A choice of ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends(u8);

impl End {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Delivered, Self::Silent, Self::Failed, Self::Unknown, Self::Skipped];

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Delivered => "is delivered",
            Self::Silent => "is silent",
            Self::Failed => "has failed",
            Self::Unknown => "may be lost",
            Self::Skipped => "is skipped",
        }
    }
}

impl Ends {
    /// Whatever becomes of a run.
    pub const ANY: Self = Self((1 << End::ALL.len()) - 1);

    /// This one alone.
    #[must_use]
    pub const fn only(end: End) -> Self {
        Self(end.bit())
    }

    /// These; `None`: there is none.
    pub fn of(ends: impl IntoIterator<Item = End>) -> Option<Self> {
        let bits = ends.into_iter().fold(0, |bits, end| bits | end.bit());
        (bits > 0).then_some(Self(bits))
    }

    /// The ends as a number.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The pair of [`Ends::bits`].
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits > 0 && bits <= Self::ANY.0 { Some(Self(bits)) } else { None }
    }

    /// Whether this end counts.
    #[must_use]
    pub const fn has(self, end: End) -> bool {
        self.0 & end.bit() > 0
    }

    /// Those that count.
    pub fn iter(self) -> impl Iterator<Item = End> {
        End::ALL.into_iter().filter(move |end| self.has(*end))
    }
}

impl After {
    /// What it waits for, without a full stop.
    pub(super) fn describe(&self) -> String {
        let schedule = &self.schedule;
        if self.ends == Ends::ANY {
            return format!("After each run of '{schedule}', whatever became of it");
        }
        let ends: Vec<&str> = self.ends.iter().map(End::told).collect();
        let told = match ends.as_slice() {
            [] => String::new(),
            [only] => (*only).to_owned(),
            [others @ .., last] => format!("{} or {last}", others.join(", ")),
        };
        format!("After '{schedule}' {told}")
    }
}
