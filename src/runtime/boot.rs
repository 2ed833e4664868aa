//! A start: what the store holds becomes the loop's state.
//!
//! Invariant: nothing is served before the loop's first tick. Not here: opening the store (`store`), threads (`mod`).

use std::sync::Arc;

use crate::calendar::ZONE_DATA_VERSION;
use crate::engine::boot::ZoneRules;
use crate::engine::change::DaySpent;
use crate::engine::{Engine, Input, Options};
use crate::planted::{self, Bug};
use crate::runtime::clock::Clock;
use crate::runtime::commit::Recorder;
use crate::runtime::conversation::Book;
use crate::runtime::turn::Turns;
use crate::runtime::watchdog::Watchdog;
use crate::store::{Names, Opened, StoreError};
use crate::time::Timestamp;

/// What a store that was opened becomes.
pub struct Booted {
    /// The loop's state.
    pub turns: Turns,
    /// What writes its batches.
    pub recorder: Recorder,
    /// What notices when it stands still.
    pub watchdog: Arc<Watchdog>,
}

/// Makes the loop's state of what the store holds; nothing is served before its first tick.
pub fn boot(opened: Opened, clock: Arc<dyn Clock>, options: Options) -> Result<Booted, StoreError> {
    let serving = options.serving;
    let mut engine = Engine::new(clock.now(), options);
    restore(&opened, &mut engine, clock.now())?;
    let zone_data = opened.zone_data.clone();
    let rules = match &zone_data {
        Some(version) if version != ZONE_DATA_VERSION && !planted::is(Bug::ZoneRulesIgnored) => ZoneRules::Changed,
        Some(_) | None => ZoneRules::Same,
    };
    engine.start(clock.now(), rules);
    let Opened { writer, reader, next_key, .. } = opened;
    let stale_rules = serving && zone_data != Some(ZONE_DATA_VERSION.to_owned());
    let recorder = Recorder::new(writer, stale_rules.then_some(ZONE_DATA_VERSION));
    let watchdog = Arc::new(Watchdog::new(clock.now()));
    let names = Names::new(reader.clone());
    let book = Book::new(reader.clone())?;
    let turns = Turns::new(engine, clock, names, reader, book, next_key, Arc::clone(&watchdog));
    Ok(Booted { turns, recorder, watchdog })
}

/// Takes plans, rows and open occurrences back from the store.
pub(super) fn restore(opened: &Opened, engine: &mut Engine, now: Timestamp) -> Result<(), StoreError> {
    opened.each_plan(|id, plan| engine.restore_plan(id, plan))?;
    opened.each_state(|key, state| engine.restore(key, state))?;
    opened.reader.each_spent(|key, kept| {
        for spent in DaySpent::from_kept(kept).unwrap_or_default() {
            engine.restore_spent(key, &spent);
        }
    })?;
    let mut open = Vec::new();
    opened.each_open(|run| open.push(run))?;
    for run in open {
        let key = run.occurrence.schedule;
        if !engine.holds(key)
            && let (Some(state), Some((_, schedule))) = (opened.reader.state(key)?, opened.reader.schedule(key)?)
        {
            engine.handle(now, Input::Recall { key, state, schedule });
        }
        engine.restore_run(run);
    }
    Ok(())
}
