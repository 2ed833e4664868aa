//! What models took, summed up from the ledgers: by schedule and model.
//!
//! Every run counts once, under its due: what is not folded yet, then what is open, then the ledgers of the days from the
//! newest on, as far as [`limits::COST_ROWS_MAX`] rows. What is under way counts with the most that it may take.
//! Units: `Cost`, tokens. Not here: today's limits (`engine`, which keeps sums of its own).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use redb::ReadableTable;

use super::error::StoreError;
use super::overlay::Layer;
use super::reader::Reader;
use super::row::read_run;
use super::tables::{self, BY_AGENT, OPEN};
use crate::engine::change::Run;
use crate::id::{OccurrenceId, ScheduleKey};
use crate::limits;
use crate::money::Cost;
use crate::time::Timestamp;

/// What some runs took together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Runs for which a model was asked.
    pub runs: u64,
    /// Tokens that models were given, where that was told.
    pub input: u64,
    /// Tokens that they made.
    pub output: u64,
    /// What that cost.
    pub cost: Cost,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// By schedule and by the model that answered last.
    pub sums: BTreeMap<(ScheduleKey, Option<String>), Sum>,
    /// There were more runs than are looked at: what was due before this is missing.
    pub cut: Option<Timestamp>,
}

impl Sum {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cost: self.cost.plus(other.cost),
        }
    }
}

impl Spending {
    fn add(&mut self, run: &Run) {
        let Some(execution) = &run.execution else { return };
        if execution.model.is_none() && execution.tokens.is_none() && execution.spent.cost == Cost::ZERO {
            return;
        }
        let tokens = execution.tokens.map_or((0, 0), |tokens| (tokens.input.into(), tokens.output.into()));
        let sum = Sum { runs: 1, input: tokens.0, output: tokens.1, cost: execution.spent.cost };
        let place = self.sums.entry((run.occurrence.schedule, execution.model.clone())).or_default();
        *place = place.plus(sum);
    }
}

impl Reader {
    /// What models took for runs due at `since` or later; of one agent, or of all.
    pub fn spending(&self, agent: Option<&str>, since: Timestamp) -> Result<Spending, StoreError> {
        let mut spending = Spending::default();
        let (disk, filling, folding, days) = {
            let view = self.shared.view();
            (Arc::clone(&view.disk), view.filling.runs_alone(), view.folding.clone(), Arc::clone(&view.days))
        };
        let of_agent = disk.open_table(BY_AGENT)?;
        let is_wanted = |occurrence: OccurrenceId| match agent {
            _ if occurrence.due < since => Ok(false),
            Some(agent) => Ok::<_, StoreError>(of_agent.get((agent, occurrence.schedule.0))?.is_some()),
            None => Ok(true),
        };
        let mut seen = HashSet::new();
        let layers: [Option<&Layer>; 2] = [Some(&filling), folding.as_deref()];
        for layer in layers.into_iter().flatten() {
            for entry in &layer.runs {
                if seen.insert(entry.occurrence) && is_wanted(entry.occurrence)? {
                    spending.add(&layer.read(entry)?);
                }
            }
        }
        for row in disk.open_table(OPEN)?.range((0, i64::MIN, 0)..)? {
            let (key, row) = row?;
            let (schedule, due, generation) = key.value();
            let occurrence = OccurrenceId::new(ScheduleKey(schedule), generation, Timestamp::from_millis(due));
            if seen.insert(occurrence) && is_wanted(occurrence)? {
                let read = read_run(occurrence, row.value());
                spending.add(&read.map_err(|why| why.in_row("open", format!("{occurrence:?}")))?);
            }
        }
        let mut left = limits::COST_ROWS_MAX;
        for &day in days.range(since.day()..).rev() {
            let name = tables::ledger_name(day);
            for row in disk.open_table(tables::ledger(&name))?.iter()?.rev() {
                if left == 0 {
                    spending.cut = Some(Timestamp::from_millis((day + 1).saturating_mul(DAY_MS)));
                    return Ok(spending);
                }
                left -= 1;
                let (key, row) = row?;
                let (_, schedule, due, generation) = key.value();
                let occurrence = OccurrenceId::new(ScheduleKey(schedule), generation, Timestamp::from_millis(due));
                if is_wanted(occurrence)? && seen.insert(occurrence) {
                    let read = read_run(occurrence, row.value());
                    spending.add(&read.map_err(|why| why.in_row(&name, format!("{occurrence:?}")))?);
                }
            }
        }
        Ok(spending)
    }
}

const DAY_MS: i64 = 86_400_000;
