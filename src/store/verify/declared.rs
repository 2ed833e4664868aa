//! Schedules beside what is said about them: states, plans and the six indexes, in both directions.
//!
//! Schedules and states stand under one key in one order, so they are walked side by side. Each schedule asks each
//! index for its own row; as many rows as schedules that found theirs leave no room for a stray, so an index is only
//! walked itself when the numbers differ.
//! Invariant: the later declaration owns a name or token, whatever became of the earlier one.
//! Not here: runs (`ledgers`).

use std::collections::BTreeSet;

use redb::{Key, ReadOnlyTable, ReadableTableMetadata};

use super::{ARMED, HARMLESS, RESTORE, Walk};
use crate::engine::change::{State, Status};
use crate::spec::Schedule;
use crate::store::declaration::{read_plan, read_schedule};
use crate::store::error::StoreError;
use crate::store::row::read_state_row;
use crate::store::tables::{BY_AGENT, BY_FILE, BY_ID, BY_NAME, BY_PROCESS, BY_TOKEN, PLANS, SCHEDULES, STATE};

/// How many schedules found their own row in each index.
#[derive(Default)]
pub(super) struct Own {
    id: u64,
    name: u64,
    token: u64,
    agent: u64,
    file: u64,
    process: u64,
}

/// The indexes, opened once.
struct Indexes {
    id: ReadOnlyTable<&'static str, u64>,
    name: ReadOnlyTable<(&'static str, &'static str), u64>,
    token: ReadOnlyTable<(&'static str, &'static str), u64>,
    agent: ReadOnlyTable<(&'static str, u64), ()>,
    file: ReadOnlyTable<(&'static str, u64), ()>,
    process: ReadOnlyTable<(&'static str, &'static str, u64), ()>,
}

impl Walk<'_> {
    fn open_indexes(&self) -> Result<Indexes, StoreError> {
        Ok(Indexes {
            id: self.disk.open_table(BY_ID)?,
            name: self.disk.open_table(BY_NAME)?,
            token: self.disk.open_table(BY_TOKEN)?,
            agent: self.disk.open_table(BY_AGENT)?,
            file: self.disk.open_table(BY_FILE)?,
            process: self.disk.open_table(BY_PROCESS)?,
        })
    }

    /// The plans, each read; returns their numbers.
    pub(super) fn plans(&mut self) -> Result<BTreeSet<u32>, StoreError> {
        let mut known = BTreeSet::new();
        for row in self.disk.open_table(PLANS)?.range(0..)? {
            let (id, row) = row?;
            let read = read_plan(row.value(), self.crons).map_err(|why| why.in_row("plans", id.value()));
            self.readable(read);
            known.insert(id.value());
        }
        self.found.count("plans", known.len() as u64);
        Ok(known)
    }

    /// Schedules and states side by side.
    pub(super) fn schedules(&mut self, plans: &BTreeSet<u32>) -> Result<(), StoreError> {
        let indexes = self.open_indexes()?;
        let (mut own, mut used) = (Own::default(), BTreeSet::new());
        let table = self.disk.open_table(STATE)?;
        let mut stored = table.range(0..)?.peekable();
        let mut unfolded: Vec<(u64, State)> = self.layer.states.clone();
        unfolded.sort_unstable_by_key(|&(key, _)| key);
        let mut unfolded = unfolded.into_iter().peekable();
        let mut last = None;
        for row in self.disk.open_table(SCHEDULES)?.range(0..)? {
            let (key, row) = row?;
            let key = key.value();
            last = Some(key);
            self.found.count("schedules", 1);
            let mut state = None;
            while let Some(row) = stored.next_if(|row| row.as_ref().is_ok_and(|(at, _)| at.value() <= key)) {
                let (at, row) = row?;
                self.found.count("states", 1);
                let read = read_state_row(row.value()).map_err(|why| why.in_row("state", at.value()));
                match (self.readable(read), at.value() == key) {
                    (read, true) => state = Some(read),
                    (_, false) => self.stray_state(at.value()),
                }
            }
            while let Some((at, newer)) = unfolded.next_if(|&(at, _)| at <= key) {
                self.found.count("states not folded yet", 1);
                if at == key { state = Some(Some(newer)) } else { self.stray_state(at) }
            }
            let read = read_schedule(row.value(), self.crons).map_err(|why| why.in_row("schedules", key));
            let Some((generation, schedule)) = self.readable(read) else { continue };
            self.indexed(key, &schedule, &indexes, &mut own)?;
            match state {
                None => self.found.fault("state", key, format!("is missing: '{}' has none", schedule.id), RESTORE),
                // It cannot be read, which has been said.
                Some(None) => {}
                Some(Some(state)) => {
                    self.state((key, generation, &schedule), &state, plans, &mut used);
                }
            }
        }
        for row in stored {
            self.found.count("states", 1);
            self.stray_state(row?.0.value());
        }
        unfolded.for_each(|(at, _)| self.stray_state(at));
        if last.is_some_and(|last| last >= self.marks.next_key) {
            let what = format!("is {}, but schedule {} exists", self.marks.next_key, last.unwrap_or_default());
            self.found.fault("meta", "next_key", what, RESTORE);
        }
        self.found.count("plans that nothing uses any more", plans.difference(&used).count() as u64);
        self.strays(&indexes, &own)
    }

    fn stray_state(&mut self, key: u64) {
        self.found.fault("state", key, "belongs to no schedule", RESTORE);
    }

    fn state(
        &mut self,
        (key, generation, schedule): (u64, u32, &Schedule),
        state: &State,
        plans: &BTreeSet<u32>,
        used: &mut BTreeSet<u32>,
    ) {
        if state.generation < generation {
            let what = format!("has generation {}, its schedule {generation}", state.generation);
            self.found.fault("state", key, what, RESTORE);
        }
        if matches!(state.status, Status::Completed | Status::Cancelled) {
            self.found.count("schedules that have ended", 1);
            return;
        }
        used.insert(state.plan.0);
        if !plans.contains(&state.plan.0) {
            self.found.fault("plans", state.plan.0, format!("is missing: schedule {key} follows it"), RESTORE);
        }
        match (state.status, state.next_due) {
            (Status::Active, Some(_)) => self.found.count(ARMED, 1),
            (Status::Active, None) if schedule.trigger.after().is_some() => {
                self.found.count("started by another schedule", 1);
                // Its end has a timer.
                self.found.count(ARMED, u64::from(schedule.bounds.end_at.is_some()));
            }
            (Status::Active, None) => {
                let what = "is active and has no due, so it would never fire";
                self.found.fault(
                    "state",
                    key,
                    what,
                    "chimewheel update gives it a trigger anew, or restore a backup",
                );
            }
            (_, _) => self.found.count("paused", 1),
        }
    }

    /// One schedule's own rows in the indexes.
    fn indexed(&mut self, key: u64, one: &Schedule, at: &Indexes, own: &mut Own) -> Result<(), StoreError> {
        let agent = one.agent.as_str();
        if at.id.get(one.id.as_str())?.is_some_and(|found| found.value() == key) {
            own.id += 1;
        } else {
            let what = format!("does not lead to schedule {key}");
            self.found.fault("by_id", &one.id, what, RESTORE);
        }
        if at.agent.get((agent, key))?.is_some() {
            own.agent += 1;
        } else {
            self.found.fault("by_agent", format!("{agent}, {key}"), "is missing", RESTORE);
        }
        if let Some(handle) = one.process_handle.as_deref() {
            if at.process.get((agent, handle, key))?.is_some() {
                own.process += 1;
            } else {
                self.found.fault("by_process", format!("{agent}, {handle}, {key}"), "is missing", RESTORE);
            }
        }
        if let Some(source) = &one.source {
            if at.file.get((source.file.as_str(), key))?.is_some() {
                own.file += 1;
            } else {
                self.found.fault("by_file", format!("{}, {key}", source.file), "is missing", RESTORE);
            }
        }
        for (index, table, text, count) in [
            (&at.name, "by_name", &one.name, &mut own.name),
            (&at.token, "by_token", &one.client_token, &mut own.token),
        ] {
            let Some(text) = text else { continue };
            match index.get((agent, text.as_str()))?.map(|found| found.value()) {
                Some(found) if found == key => *count += 1,
                // It was taken over; whether rightly is for `strays` to say.
                Some(_) => {}
                None => self.found.fault(table, format!("{agent}, {text}"), "is missing", RESTORE),
            }
        }
        Ok(())
    }

    /// Rows of indexes that lead to no schedule that says so.
    fn strays(&mut self, at: &Indexes, own: &Own) -> Result<(), StoreError> {
        if self.counted("by_id", &at.id, own.id)? {
            for row in at.id.range::<&str>(..)? {
                let (id, key) = row?;
                let (id, key) = (id.value(), key.value());
                self.stray("by_id", id, key, |one| one.id.as_str() == id)?;
            }
        }
        for (index, table, count) in [(&at.name, "by_name", own.name), (&at.token, "by_token", own.token)] {
            if self.counted(table, index, count)? {
                for row in index.range::<(&str, &str)>(..)? {
                    let (name, key) = row?;
                    let ((agent, text), key) = (name.value(), key.value());
                    let says = |one: &Schedule| {
                        let said = if table == "by_name" { &one.name } else { &one.client_token };
                        one.agent == agent && said.as_deref() == Some(text)
                    };
                    self.stray(table, &format!("{agent}, {text}"), key, says)?;
                }
            }
        }
        if self.counted("by_agent", &at.agent, own.agent)? {
            for row in at.agent.range::<(&str, u64)>(..)? {
                let (row, _) = row?;
                let (agent, key) = row.value();
                self.stray("by_agent", &format!("{agent}, {key}"), key, |one| one.agent == agent)?;
            }
        }
        if self.counted("by_file", &at.file, own.file)? {
            for row in at.file.range::<(&str, u64)>(..)? {
                let (row, _) = row?;
                let (file, key) = row.value();
                let says = |one: &Schedule| one.source.as_ref().is_some_and(|source| source.file == file);
                self.stray("by_file", &format!("{file}, {key}"), key, says)?;
            }
        }
        if self.counted("by_process", &at.process, own.process)? {
            for row in at.process.range::<(&str, &str, u64)>(..)? {
                let (row, _) = row?;
                let (agent, handle, key) = row.value();
                let says = |one: &Schedule| one.agent == agent && one.process_handle.as_deref() == Some(handle);
                self.stray("by_process", &format!("{agent}, {handle}, {key}"), key, says)?;
            }
        }
        Ok(())
    }

    /// Counts an index; whether it has more rows than schedules own.
    fn counted<K: Key + 'static, V: redb::Value + 'static>(
        &mut self,
        name: &'static str,
        table: &ReadOnlyTable<K, V>,
        own: u64,
    ) -> Result<bool, StoreError> {
        let rows = table.len()?;
        self.found.count(name, rows);
        Ok(rows != own)
    }

    fn stray(
        &mut self,
        table: &str,
        name: &str,
        key: u64,
        says: impl FnOnce(&Schedule) -> bool,
    ) -> Result<(), StoreError> {
        let schedules = self.disk.open_table(SCHEDULES)?;
        let Some(row) = schedules.get(key)? else {
            self.found.fault(table, name, format!("leads to schedule {key}, which does not exist"), RESTORE);
            return Ok(());
        };
        // A row that cannot be read has been told of.
        if let Ok((_, one)) = read_schedule(row.value(), self.crons)
            && !says(&one)
        {
            self.found.fault(table, name, format!("leads to schedule {key}, which is '{}'", one.id), HARMLESS);
        }
        Ok(())
    }
}
