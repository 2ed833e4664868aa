//! What two declarations say differently.
//!
//! A create that is repeated says again what it said. What it may say in relation to the moment it was taken in (`in`, an
//! anchor that is not written, an end that the config gives) does not count.
//! Not here: what becomes of a difference (`declare`, `import`).

use crate::calendar::Trigger;
use crate::spec::Schedule;

/// The fields in which a new declaration differs from the one that is known. `ends`: the config ends recurring
/// schedules that name no end.
pub(super) fn differing(known: &Schedule, new: &Schedule, ends: bool) -> Vec<&'static str> {
    let triggers = match (&known.trigger, &new.trigger) {
        (Trigger::At(_), Trigger::At(_)) => true,
        (Trigger::Every { period: known, .. }, Trigger::Every { period: new, .. }) => known == new,
        (Trigger::Cron(known), Trigger::Cron(new)) => {
            (known.text(), known.dialect(), known.zone()) == (new.text(), new.dialect(), new.zone())
        }
        (Trigger::After(known), Trigger::After(new)) => (&known.schedule, known.ends) == (&new.schedule, new.ends),
        (_, _) => false,
    };
    let (known_end, new_end) = (known.bounds.end_at, new.bounds.end_at);
    let given = ends && known.trigger.is_recurring() && known_end.is_some() && new_end.is_some();
    let fields = [
        ("agent", known.agent == new.agent),
        ("name", known.name == new.name),
        ("schedule", triggers),
        ("payload", known.payload == new.payload),
        ("destination", known.destination == new.destination),
        ("start_at", known.bounds.start_at == new.bounds.start_at),
        ("end_at", known_end == new_end || given),
        ("max_runs", known.bounds.max_runs == new.bounds.max_runs),
        ("except", known.except == new.except),
        ("policies", known.policy == new.policy),
        ("expect_every", known.expect_every == new.expect_every),
        ("labels", known.labels == new.labels),
        ("vars", known.vars == new.vars),
        ("process_handle", known.process_handle == new.process_handle),
    ];
    fields.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
}
