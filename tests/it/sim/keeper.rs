//! The ledgers, read from time to time, because history goes when it is old.
//!
//! Invariant: what was read once and is not too old is there at the next reading.

use std::collections::BTreeMap;

use chimewheel::engine::change::{Cause, Run};
use chimewheel::id::ScheduleKey;
use chimewheel::store::Reader;

use super::check_hooks;
use super::world::World;

const DAY: i64 = 86_400_000;

/// The rows of each schedule by due and generation.
pub type Kept = BTreeMap<String, BTreeMap<(i64, u32), Run>>;

impl World {
    /// Reads everything; a row that went too early or stays too long is a finding.
    pub fn collect(&mut self) {
        let wall = self.wall();
        let Some(process) = &self.process else { return };
        let is_settled_in = wall - process.up > 26 * 3_600_000;
        self.history.wrongs.extend(check_hooks::kept(&self.history, &process.reader));
        for (id, known) in &self.history.known {
            let Some(key) = known.key else { continue };
            let rows = read(&process.reader, key);
            let kept = self.history.kept.entry(id.clone()).or_default();
            let oldest = wall.div_euclid(DAY) - self.history.history_days;
            for (place, run) in kept.iter() {
                let is_young = last_day(run) >= oldest && self.history.steps_back == 0;
                if is_young && run.is_settled() && !rows.contains_key(place) {
                    self.history.wrongs.push(format!("I7: {id} lost what is not old yet: {run:?}"));
                }
            }
            for (place, run) in rows {
                if is_settled_in && last_day(&run) < oldest - 1 {
                    self.history.wrongs.push(format!("I16: {id} keeps what is too old: {run:?}"));
                }
                if let Some(deliveries) = check_hooks::deliveries(&process.reader, &run, &mut self.history.wrongs) {
                    self.history.deliveries.insert(run.occurrence, deliveries);
                }
                kept.insert(place, run);
            }
        }
    }

    /// All rows that were ever read.
    pub fn ledger(&mut self) -> BTreeMap<String, Vec<Run>> {
        self.collect();
        let kept = std::mem::take(&mut self.history.kept);
        kept.into_iter().map(|(id, rows)| (id, rows.into_values().collect())).collect()
    }
}

/// The day of the last due that a row tells of.
fn last_day(run: &Run) -> i64 {
    run.range.map_or(run.occurrence.due, |range| range.through).as_millis().div_euclid(DAY)
}

fn read(reader: &Reader, key: ScheduleKey) -> BTreeMap<(i64, u32), Run> {
    let mut rows = BTreeMap::new();
    let mut before = None;
    loop {
        let page = reader.runs(key, 1000, before).expect("a readable store");
        let Some(last) = page.last() else { return rows };
        before = Some(last.into());
        for run in page {
            rows.insert((run.occurrence.due.as_millis(), run.occurrence.generation), run);
        }
    }
}

/// Whether a row tells of a due of its schedule, and not of a run somebody asked for or of a pause.
pub fn is_regular(run: &Run) -> bool {
    matches!(run.cause, Cause::Due | Cause::CatchUp)
}
