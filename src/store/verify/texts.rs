//! Composed texts: every one that is kept, and every one that is still to be delivered.
//!
//! Invariants judged: a text can be read, and is of a schedule and of its day; whoever is past its run has a text.
//! Not here: the runs themselves (`ledgers`).

use super::ledgers::{occurrence, shown};
use super::{RESTORE, Walk};
use crate::engine::change::{Phase, Run};
use crate::id::OccurrenceId;
use crate::store::deliveries::{self, Side};
use crate::store::error::{Malformed, StoreError};
use crate::store::tables::{self, SCHEDULES};

impl Walk<'_> {
    pub(super) fn texts(&mut self) -> Result<(), StoreError> {
        let schedules = self.disk.open_table(SCHEDULES)?;
        let unfolded = self.layer.texts.keys().filter(|one| one.delivery == 0).count();
        self.found.count("composed texts", unfolded as u64);
        for day in self.marks.text_days.clone() {
            let name = tables::texts_name(day);
            for row in self.disk.open_table(tables::texts(&name))?.range((0, i64::MIN, 0)..)? {
                let (key, row) = row?;
                let (schedule, due, generation) = key.value();
                let one = occurrence(schedule, due, generation);
                let shown = shown(one);
                self.found.count("composed texts", u64::from(!self.layer.texts.contains_key(&one)));
                let read = str::from_utf8(row.value()).map_err(|error| {
                    Malformed { at: error.valid_up_to(), what: "a text that is not UTF-8".to_owned() }
                        .in_row(&name, &shown)
                });
                self.readable(read.map(drop));
                if one.due.day() != day {
                    self.found.fault(&name, &shown, "is of another day", RESTORE);
                }
                self.of_a_schedule(&name, &shown, schedule, &schedules)?;
            }
        }
        Ok(())
    }

    /// Whoever has been run and is not settled has its text.
    pub(super) fn has_its_text(&mut self, table: &str, run: &Run) -> Result<(), StoreError> {
        let is_on_its_way = matches!(run.phase, Phase::Pending | Phase::Sending { .. } | Phase::Retry { .. });
        let is_past_its_run = run.execution.is_some() && is_on_its_way;
        if is_past_its_run && !self.has_text(run.occurrence)? {
            let what = "is to be delivered, and the text that was composed for it is gone";
            self.found.fault(table, shown(run.occurrence), what, RESTORE);
        }
        Ok(())
    }

    fn has_text(&self, one: OccurrenceId) -> Result<bool, StoreError> {
        if self.layer.text(one).is_some() {
            return Ok(true);
        }
        let day = one.due.day();
        if one.delivery > 0 {
            let has_table = self.marks.delivery_days.contains(&day);
            return Ok(has_table && deliveries::row(self.disk, one, Side::Text)?.is_some());
        }
        if !self.marks.text_days.contains(&day) {
            return Ok(false);
        }
        let name = tables::texts_name(day);
        let table = self.disk.open_table(tables::texts(&name))?;
        Ok(table.get((one.schedule.0, one.due.as_millis(), one.generation))?.is_some())
    }
}
