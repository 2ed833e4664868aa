//! What is kept of a schedule from one run to the next, and the texts it is kept as.
//!
//! Units: `Timestamp`, days of UTC, `Cost`. Not here: rows and tables (`store`).

use std::sync::Arc;

use crate::engine::change::LaneId;
use crate::money::Cost;
use crate::time::Timestamp;

/// What is kept of a schedule from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// The map that the hook keeps, as JSON.
    State,
    /// The latest text that was made, for its hook: a [`LastText`].
    Text,
    /// What its runs have spent on the latest days: a [`DaySpent`] each.
    Spent,
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

/// What the runs of a schedule have spent in one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaySpent {
    /// The day, by UTC.
    pub day: i64,
    /// How much; of calls that are under way what they may take at most.
    pub cost: Cost,
    /// Which limits its owner was told of, each a bit.
    pub told: u8,
    /// In which chat that was.
    pub lane: LaneId,
    /// The agent in whose name it was.
    pub agent: Arc<str>,
}

impl DaySpent {
    /// As the days of one schedule are kept: a line each, of five words, the agent's name last.
    #[must_use]
    pub fn to_kept(days: &[Self]) -> Arc<str> {
        let line = |Self { day, cost, told, lane, agent }: &Self| {
            format!("{day} {} {told} {} {agent}", cost.as_micros(), lane.0)
        };
        days.iter().map(line).collect::<Vec<_>>().join("\n").into()
    }

    /// The pair of [`DaySpent::to_kept`]; `None`: it is something else.
    #[must_use]
    pub fn from_kept(kept: &str) -> Option<Vec<Self>> {
        let line = |line: &str| {
            let mut words = line.splitn(5, ' ');
            Some(Self {
                day: words.next()?.parse().ok()?,
                cost: Cost::from_micros(words.next()?.parse().ok()?),
                told: words.next()?.parse().ok()?,
                lane: LaneId(words.next()?.parse().ok()?),
                agent: words.next()?.into(),
            })
        };
        kept.lines().map(line).collect()
    }
}
