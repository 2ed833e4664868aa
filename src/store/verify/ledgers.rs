//! Runs: the journal beside `folded_through`, unsettled runs, and every ledger.
//!
//! Invariants judged: the journal has no gap and reaches at least as far as the fold; an unsettled run belongs to a
//! schedule and stands in no ledger, unless it was a dead letter; a ledger's run is settled, of its day, and of a schedule.
//! Not here: schedules and indexes (`declared`).

use redb::{ReadOnlyTable, ReadableTable};

use super::{HARMLESS, RESTORE, Walk};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::store::error::StoreError;
use crate::store::journal;
use crate::store::row::read_run;
use crate::store::tables::{self, JOURNAL, OPEN, SCHEDULES};
use crate::time::Timestamp;

impl Walk<'_> {
    pub(super) fn journal(&mut self) -> Result<(), StoreError> {
        let folded = self.marks.folded_through;
        let mut before = None;
        for row in self.disk.open_table(JOURNAL)?.range(0..)? {
            let (seq, row) = row?;
            let seq = seq.value();
            self.found.count(if seq > folded { "journal rows not folded yet" } else { "journal rows folded" }, 1);
            let read = journal::decode(row.value()).map_err(|why| why.in_row("journal", seq));
            self.readable(read);
            let begins = before.is_none() && seq > folded.saturating_add(1);
            if begins || before.is_some_and(|before| seq != before + 1) {
                let what = "is the first after a gap: what the missing rows said is lost";
                self.found.fault("journal", seq, what, RESTORE);
            }
            before = Some(seq);
        }
        if let Some(last) = before.filter(|&last| last < folded) {
            let what = format!("is {folded}, beyond the journal's last row {last}");
            self.found.fault("meta", "folded_through", what, RESTORE);
        }
        Ok(())
    }

    pub(super) fn open_runs(&mut self) -> Result<(), StoreError> {
        let schedules = self.disk.open_table(SCHEDULES)?;
        for row in self.disk.open_table(OPEN)?.range((0, i64::MIN, 0)..)? {
            let (key, row) = row?;
            let (schedule, due, generation) = key.value();
            self.found.count("open runs", 1);
            let occurrence = occurrence(schedule, due, generation);
            let shown = shown(occurrence);
            let read = read_run(occurrence, row.value()).map_err(|why| why.in_row("open", &shown));
            let run = self.readable(read);
            // A dead letter that is tried again stands there as it was.
            let may_be_there = run.as_ref().is_some_and(|run| run.retried.is_some());
            if let Some(run) = run {
                if run.is_settled() {
                    self.found.fault("open", &shown, "is settled, and should stand in a ledger", HARMLESS);
                }
                if self.layer.entry(occurrence).is_none() {
                    self.has_its_text("open", &run)?;
                    self.has_its_deliveries("open", &run)?;
                }
            }
            self.of_a_schedule("open", &shown, schedule, &schedules)?;
            if !may_be_there && self.is_in_ledger(occurrence)? {
                let what = "stands in the ledger, too: it would be sent again";
                self.found.fault("open", &shown, what, RESTORE);
            }
        }
        let unfolded: Vec<OccurrenceId> = self.layer.runs.iter().map(|entry| entry.occurrence).collect();
        self.found.count("runs not folded yet", unfolded.len() as u64);
        for one in unfolded {
            self.of_a_schedule("journal", &shown(one), one.schedule.0, &schedules)?;
            let run = self.layer.entry(one).map(|entry| self.layer.read(entry));
            if let Some(run) = run.and_then(|read| self.readable(read)) {
                self.has_its_text("journal", &run)?;
                self.has_its_deliveries("journal", &run)?;
            }
        }
        Ok(())
    }

    pub(super) fn ledgers(&mut self) -> Result<(), StoreError> {
        let schedules = self.disk.open_table(SCHEDULES)?;
        for day in self.marks.days.clone() {
            self.found.count("days of history", 1);
            let name = tables::ledger_name(day);
            if day < self.marks.history_from {
                self.found.fault(&name, "", "is older than the history that is kept", HARMLESS);
            }
            for row in self.disk.open_table(tables::ledger(&name))?.range((0, 0, i64::MIN, 0)..)? {
                let (key, row) = row?;
                let (_, schedule, due, generation) = key.value();
                self.found.count("settled runs", 1);
                let occurrence = occurrence(schedule, due, generation);
                let shown = shown(occurrence);
                let read = read_run(occurrence, row.value()).map_err(|why| why.in_row(&name, &shown));
                if let Some(run) = self.readable(read) {
                    if !run.is_settled() {
                        self.found.fault(&name, &shown, "is not settled", RESTORE);
                    }
                    // Earlier versions filed a range under its first due.
                    if ![run.last_due().day(), occurrence.due.day()].contains(&day) {
                        self.found.fault(&name, &shown, "is of another day", RESTORE);
                    }
                }
                self.of_a_schedule(&name, &shown, schedule, &schedules)?;
            }
        }
        Ok(())
    }

    pub(super) fn of_a_schedule(
        &mut self,
        table: &str,
        shown: &str,
        key: u64,
        schedules: &ReadOnlyTable<u64, &'static [u8]>,
    ) -> Result<(), StoreError> {
        if schedules.get(key)?.is_none() {
            self.found.fault(table, shown, "is a run of a schedule that does not exist", RESTORE);
        }
        Ok(())
    }

    fn is_in_ledger(&self, occurrence: OccurrenceId) -> Result<bool, StoreError> {
        let day = occurrence.due.day();
        if !self.marks.days.contains(&day) {
            return Ok(false);
        }
        let name = tables::ledger_name(day);
        let table = self.disk.open_table(tables::ledger(&name))?;
        let last = table.last()?.map(|(key, _)| key.value().0);
        let (schedule, due, generation) = (occurrence.schedule.0, occurrence.due.as_millis(), occurrence.generation);
        for segment in last.into_iter().flat_map(|last| 0..=last) {
            if table.get((segment, schedule, due, generation))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

pub(super) fn occurrence(schedule: u64, due: i64, generation: u32) -> OccurrenceId {
    OccurrenceId::new(ScheduleKey(schedule), generation, Timestamp::from_millis(due))
}

pub(super) fn shown(one: OccurrenceId) -> String {
    format!("schedule {}, due {}, generation {}", one.schedule.0, one.due, one.generation)
}
