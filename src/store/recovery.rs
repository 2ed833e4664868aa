//! What the engine reads at boot: plans, states and unsettled occurrences, one by one.
//!
//! Nothing is gathered: a row goes from the page it lies on to the visitor. Rows of the journal's tail take the
//! place of older ones on disk.
//! Invariant: each key is visited once, in ascending order, with the latest put that was committed. Not here: runs
//! that are settled (`history`).

use std::iter::Peekable;
use std::sync::Arc;

use redb::ReadTransaction;

use super::declaration::read_plan;
use super::deliveries;
use super::error::StoreError;
use super::open::Opened;
use super::overlay::{RunEntry, View};
use super::row::{read_run, read_state_row};
use super::tables::{OPEN, OpenKey, PLANS, STATE};
use crate::engine::change::{Plan, PlanId, Run, State};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::time::Timestamp;

impl Opened {
    /// Visits every plan, by number.
    pub fn each_plan(&self, mut visit: impl FnMut(PlanId, Plan)) -> Result<(), StoreError> {
        let disk = self.disk();
        for row in disk.open_table(PLANS)?.range(0..)? {
            let (id, row) = row?;
            let plan =
                read_plan(row.value(), &self.reader.shared.crons).map_err(|why| why.in_row("plans", id.value()))?;
            visit(PlanId(id.value()), plan);
        }
        Ok(())
    }

    /// Visits the state of every schedule, by key.
    pub fn each_state(&self, mut visit: impl FnMut(ScheduleKey, State)) -> Result<(), StoreError> {
        let view = self.reader.shared.view();
        let states = &view.filling.states;
        let mut unfolded = view.filling.states_by_key().into_iter().map(|place| states[place as usize]).peekable();
        for row in view.disk.open_table(STATE)?.range(0..)? {
            let (key, row) = row?;
            let key = key.value();
            while let Some((newer, state)) = unfolded.next_if(|&(newer, _)| newer < key) {
                visit(ScheduleKey(newer), state);
            }
            match unfolded.next_if(|&(newer, _)| newer == key) {
                Some((_, state)) => visit(ScheduleKey(key), state),
                None => {
                    let state = read_state_row(row.value()).map_err(|why| why.in_row("state", key))?;
                    visit(ScheduleKey(key), state);
                }
            }
        }
        unfolded.for_each(|(key, state)| visit(ScheduleKey(key), state));
        Ok(())
    }

    /// Visits every occurrence that is not settled, by schedule, due and generation, each before its open deliveries.
    pub fn each_open(&self, mut visit: impl FnMut(Run)) -> Result<(), StoreError> {
        let view = self.reader.shared.view();
        let layer = &view.filling;
        let mut unfolded: Vec<&RunEntry> = layer.runs.iter().collect();
        unfolded.sort_unstable_by_key(|entry| open_key(entry.occurrence));
        let mut unfolded = unfolded.into_iter().peekable();
        for row in view.disk.open_table(OPEN)?.range((0, i64::MIN, 0)..)? {
            let (key, row) = row?;
            let key = key.value();
            visit_before(&view, &mut unfolded, Some(key), &mut visit)?;
            if unfolded.peek().is_some_and(|entry| open_key(entry.occurrence) == key) {
                continue;
            }
            let (schedule, due, generation) = key;
            let (schedule, due) = (ScheduleKey(schedule), Timestamp::from_millis(due));
            let occurrence = OccurrenceId::new(schedule, generation, due);
            let run =
                read_run(occurrence, row.value()).map_err(|why| why.in_row("open", format!("{occurrence:?}")))?;
            visit_whole(&view, run, &mut visit)?;
        }
        visit_before(&view, &mut unfolded, None, &mut visit)
    }

    fn disk(&self) -> Arc<ReadTransaction> {
        Arc::clone(&self.reader.shared.view().disk)
    }
}

/// Visits the unsettled ones of the layer up to a key, or to the end.
fn visit_before<'a>(
    view: &View,
    entries: &mut Peekable<impl Iterator<Item = &'a RunEntry>>,
    before: Option<OpenKey>,
    visit: &mut impl FnMut(Run),
) -> Result<(), StoreError> {
    while let Some(entry) = entries.next_if(|entry| before.is_none_or(|key| open_key(entry.occurrence) < key)) {
        if !entry.settled {
            visit_whole(view, view.filling.read(entry)?, visit)?;
        }
    }
    Ok(())
}

fn visit_whole(view: &View, run: Run, visit: &mut impl FnMut(Run)) -> Result<(), StoreError> {
    visit(run.clone());
    deliveries::each_open(view, &run, visit)
}

fn open_key(occurrence: OccurrenceId) -> OpenKey {
    (occurrence.schedule.0, occurrence.due.as_millis(), occurrence.generation)
}
