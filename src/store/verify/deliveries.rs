//! Deliveries of occurrences that have several, and what hooks keep.
//!
//! Invariants judged: each row can be read and is of its day and of a schedule; an occurrence that waits for deliveries
//! has as many open ones as it says, each with its text.
//! Not here: the occurrences themselves (`ledgers`).

use super::ledgers::{occurrence, shown};
use super::{HARMLESS, RESTORE, Walk};
use crate::engine::change::{Phase, Run};
use crate::id::OccurrenceId;
use crate::store::deliveries::{self, Side};
use crate::store::error::StoreError;
use crate::store::kept;
use crate::store::row::read_run;
use crate::store::tables::{self, HOOKS, SCHEDULES};

impl Walk<'_> {
    pub(super) fn deliveries(&mut self) -> Result<(), StoreError> {
        let schedules = self.disk.open_table(SCHEDULES)?;
        self.found.count("deliveries", self.layer.deliveries.len() as u64);
        for day in self.marks.delivery_days.clone() {
            let name = tables::deliveries_name(day);
            for row in self.disk.open_table(tables::deliveries(&name))?.range((0, i64::MIN, 0, 0, 0)..)? {
                let (key, row) = row?;
                let (schedule, due, generation, delivery, side) = key.value();
                let one = OccurrenceId { delivery, ..occurrence(schedule, due, generation) };
                let shown = format!("{}, delivery {delivery}", shown(one));
                if side == Side::Record as u8 {
                    self.found.count("deliveries", u64::from(!self.layer.deliveries.contains_key(&one)));
                    let read = read_run(one, row.value()).map_err(|why| why.in_row(&name, &shown));
                    self.readable(read);
                }
                if one.due.day() != day {
                    self.found.fault(&name, &shown, "is of another day", RESTORE);
                }
                self.of_a_schedule(&name, &shown, schedule, &schedules)?;
            }
        }
        Ok(())
    }

    /// Whoever waits for deliveries has them.
    pub(super) fn has_its_deliveries(&mut self, table: &str, run: &Run) -> Result<(), StoreError> {
        let (Phase::Spread(spread), Some(execution)) = (&run.phase, &run.execution) else { return Ok(()) };
        let mut open = 0;
        for one in run.occurrence.deliveries(execution.deliveries) {
            let found = match self.layer.deliveries.get(&one) {
                Some(entry) => self.layer.read(entry).ok(),
                None if self.marks.delivery_days.contains(&one.due.day()) => {
                    let row = deliveries::row(self.disk, one, Side::Record)?;
                    row.and_then(|row| read_run(one, &row).ok())
                }
                None => None,
            };
            if let Some(delivery) = found.filter(|delivery| !delivery.is_settled()) {
                open += 1;
                self.has_its_text(table, &delivery)?;
            }
        }
        if open != spread.left {
            let what = format!("waits for {} deliveries, and {open} are open", spread.left);
            self.found.fault(table, shown(run.occurrence), what, RESTORE);
        }
        Ok(())
    }

    pub(super) fn kept(&mut self) -> Result<(), StoreError> {
        let schedules = self.disk.open_table(SCHEDULES)?;
        for row in self.disk.open_table(HOOKS)?.range((0, 0)..)? {
            let (key, row) = row?;
            let (key, part) = key.value();
            self.found.count("kept for hooks", 1);
            let read = kept::read(row.value()).map_err(|why| why.in_row("hooks", key));
            self.readable(read.map(drop));
            if schedules.get(key)?.is_none() || kept::part(part).is_none() {
                self.found.fault("hooks", format!("{key}, {part}"), "belongs to no schedule", HARMLESS);
            }
        }
        Ok(())
    }
}
