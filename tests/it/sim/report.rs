//! What a reader needs to believe a run of many seeds.

use std::collections::BTreeMap;
use std::fmt;

use chimewheel::engine::change::Outcome;

use super::gateway::Mood;
use super::run::Played;

/// Sums over runs.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub seeds: u64,
    pub virtual_ms: i64,
    pub commits: u64,
    pub boots: u64,
    pub crashes: BTreeMap<&'static str, u64>,
    pub faults: BTreeMap<&'static str, u64>,
    pub moods: BTreeMap<Mood, u64>,
    pub targets: u64,
    pub outcomes: BTreeMap<String, u64>,
    pub attempts: u64,
    pub ambiguous: u64,
    /// Copies beyond the first of one key.
    pub doubles: u64,
    /// Dead letters that were tried again.
    pub retried: u64,
    /// Dead letters that were seen.
    pub dropped: u64,
    pub latest_ms: i64,
}

impl Tally {
    pub fn of(played: &Played) -> Self {
        let history = &played.history;
        let wide = |(&name, &count): (&&'static str, &u32)| (name, u64::from(count));
        Self {
            seeds: 1,
            virtual_ms: played.virtual_ms,
            commits: history.commits,
            boots: u64::from(history.boots),
            crashes: history.crash_points.iter().map(wide).collect(),
            faults: history.faults.iter().map(wide).collect(),
            moods: history.moods.iter().map(|(&mood, &count)| (mood, u64::from(count))).collect(),
            attempts: history.attempts.len() as u64,
            ..Self::default()
        }
    }

    pub fn count(&mut self, outcome: &Outcome, dues: u64) {
        let name = match outcome {
            Outcome::Delivered { .. } => "delivered".to_owned(),
            Outcome::Silent { .. } => "silent".to_owned(),
            Outcome::Skipped(reason) => format!("skipped ({reason:?})"),
            Outcome::Gated { .. } => "skipped (hook)".to_owned(),
            Outcome::OverBudget { .. } => "skipped (budget)".to_owned(),
            Outcome::Failed { .. } | Outcome::Dropped { .. } => "failed".to_owned(),
            Outcome::Cancelled => "cancelled".to_owned(),
            Outcome::Displaced => "displaced".to_owned(),
            Outcome::Unknown { .. } => "unknown".to_owned(),
        };
        *self.outcomes.entry(name).or_default() += dues;
    }

    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.virtual_ms += other.virtual_ms;
        self.commits += other.commits;
        self.boots += other.boots;
        self.targets += other.targets;
        self.attempts += other.attempts;
        self.ambiguous += other.ambiguous;
        self.doubles += other.doubles;
        self.retried += other.retried;
        self.dropped += other.dropped;
        self.latest_ms = self.latest_ms.max(other.latest_ms);
        merge(&mut self.crashes, &other.crashes);
        merge(&mut self.faults, &other.faults);
        merge(&mut self.moods, &other.moods);
        merge(&mut self.outcomes, &other.outcomes);
    }
}

fn merge<K: Ord + Clone>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(key.clone()).or_default() += count;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.virtual_ms / 3_600_000;
        writeln!(f, "seeds {}, virtual hours {hours}, commits {}, boots {}", self.seeds, self.commits, self.boots)?;
        writeln!(f, "crashes: {}", list(&self.crashes))?;
        writeln!(f, "faults: {}", list(&self.faults))?;
        let moods = self.moods.iter().map(|(mood, count)| (format!("{mood:?}").to_lowercase(), *count)).collect();
        writeln!(f, "attempts {}: {}", self.attempts, list(&moods))?;
        writeln!(f, "targets expected {}: {}", self.targets, list(&self.outcomes))?;
        writeln!(f, "dead letters tried again {}, dropped {}", self.retried, self.dropped)?;
        write!(
            f,
            "sent again without knowing {}, doubles {}, worst lateness when nothing is broken {} ms",
            self.ambiguous, self.doubles, self.latest_ms
        )
    }
}

fn list<K: fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
