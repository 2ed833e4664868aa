//! New zone rules between two processes: what the last one stored was reckoned with rules that hold no more.
//!
//! Rules are part of the program, so the old ones are played: before a start, each due of a pattern that lies ahead is
//! put where it would lie if the zone's clock went otherwise from now on, and the store is told that it was written
//! under another version. What the new process makes of it must be as if nothing had been; where it starts only later,
//! what the new rules put in between was no due then.

use chimewheel::calendar::Trigger;
use chimewheel::engine::change::{Change, Plan, PlanId, State};
use chimewheel::id::ScheduleKey;
use chimewheel::store::{OpenError, Store, StoreError};
use chimewheel::time::{Span, Timestamp};
use std::collections::BTreeMap;

use super::world::World;
use crate::store::disk::Disk;
use crate::store::model::options;

/// What the zone's clock was thought to be ahead.
const AHEAD_MS: &[i64] = &[3_600_000, -3_600_000, 1_800_000];

impl World {
    /// A process that ended before it had written anything has not changed what the one before it left. Or the next one
    /// would find dues that lie ahead by rules under which nobody ever ran.
    pub fn forget_zone_rules(&mut self) {
        if let Some(image) = self.before_rules.take() {
            self.disk = Disk::of(image);
        }
    }

    /// Now and then the program that starts knows other rules than the last.
    pub fn change_zone_rules(&mut self) {
        if self.history.boots < 2 || self.disk_is_full || !self.chance.one_in(4) {
            return;
        }
        let (ahead, disk) = (self.chance.pick(AHEAD_MS), Disk::of(self.disk.image()));
        match rewrite(&disk, self.wall(), ahead) {
            Ok(0) => {}
            Ok(count) => {
                *self.history.faults.entry("zone rules changed").or_default() += 1;
                self.note(&format!("{count} dues were reckoned with a clock ahead by {ahead} ms"));
                self.before_rules = Some(self.disk.image());
                self.disk = Disk::of(disk.image());
                self.old_rules_since.get_or_insert(self.wall());
            }
            Err(error) => self.history.wrongs.push(format!("I7: the store cannot be read: {error}")),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RewriteError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Moves what lies ahead; answers how much that was.
fn rewrite(disk: &Disk, wall: i64, ahead: i64) -> Result<usize, RewriteError> {
    let opened = Store::open_on(disk.clone(), &options())?;
    let mut plans: BTreeMap<PlanId, Plan> = BTreeMap::new();
    opened.each_plan(|id, plan| drop(plans.insert(id, plan)))?;
    let mut moved: Vec<Change> = Vec::new();
    opened.each_state(|key, state| {
        moved.extend(plans.get(&state.plan).and_then(|plan| put(key, state, plan, wall, ahead)))
    })?;
    let mut writer = opened.writer;
    writer.commit(&moved)?;
    writer.set_zone_data("the rules of last year")?;
    writer.close()?;
    Ok(moved.len())
}

fn put(key: ScheduleKey, state: State, plan: &Plan, wall: i64, ahead: i64) -> Option<Change> {
    let Trigger::Cron(cron) = &plan.trigger else { return None };
    let due = state.next_due.filter(|due| due.as_millis() > wall && !state.status.is_over())?;
    // A clock that is ahead shows a reading earlier.
    let moved = Timestamp::from_millis(due.as_millis() - ahead);
    let moved = if moved.as_millis() > wall { moved } else { cron.next_after(due)?.minus(Span::from_millis(60_000)) };
    let state = State { next_due: Some(moved), ..state };
    Some(Change::State { key, state })
}
