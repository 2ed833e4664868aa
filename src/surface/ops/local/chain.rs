//! Schedules that others start: in which order they are declared, and what is said of one that nothing starts.
//!
//! Invariant: of several declared in one go each comes after the one that starts it, whatever the order of their files;
//! of a circle among them none is declared.
//! Not here: whether one may wait for another (`runtime`).

use hashbrown::HashMap;

use super::{Local, view};
use crate::calendar::{After, End, Ends, Trigger};
use crate::engine::change::{Expected, State, Status};
use crate::id::ScheduleKey;
use crate::runtime::{ChainError, Op, OpError};
use crate::spec::Schedule;
use crate::surface::error::Error;

/// Places of what is declared together.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// As it can be declared.
    pub(super) places: Vec<usize>,
    /// What waits for itself, by way of others.
    pub(super) circles: Vec<(usize, ChainError)>,
    /// Of each whether it can be judged by what is stored: it waits for one that is not among them.
    pub(super) waits_outside: Vec<bool>,
}

/// Sorts what is declared together: first those that start others; otherwise as it was written.
pub(super) fn order<'a>(schedules: impl Iterator<Item = &'a Schedule>) -> Order {
    let all: Vec<&Schedule> = schedules.collect();
    let mut order = Order::default();
    if !all.iter().any(|schedule| schedule.trigger.after().is_some()) {
        order.places.extend(0..all.len());
        order.waits_outside.resize(all.len(), false);
        return order;
    }
    let mut by_word: HashMap<(&str, &str), usize> = HashMap::new();
    for (place, schedule) in all.iter().enumerate() {
        if let Some(name) = schedule.name.as_deref() {
            by_word.entry((schedule.agent.as_str(), name)).or_insert(place);
        }
    }
    // An id goes before a name.
    for (place, schedule) in all.iter().enumerate() {
        by_word.insert((schedule.agent.as_str(), schedule.id.as_str()), place);
    }
    let first = |place: usize| {
        let schedule = all[place];
        let after = schedule.trigger.after()?;
        by_word.get(&(schedule.agent.as_str(), &*after.schedule)).copied()
    };
    let waits_outside = |place: usize| all[place].trigger.after().is_some() && first(place).is_none();
    order.waits_outside.extend((0..all.len()).map(waits_outside));
    let mut is_done = vec![false; all.len()];
    for place in 0..all.len() {
        // From here up to one that is declared already, or starts by itself.
        let mut row = Vec::new();
        let mut next = Some(place);
        while let Some(one) = next.filter(|one| !is_done[*one]) {
            if row.contains(&one) {
                let ids: Vec<&str> = row.iter().chain([&one]).map(|place| all[*place].id.as_str()).collect();
                order.circles.extend(row.iter().map(|place| (*place, ChainError::circle(&ids))));
                row.iter().for_each(|place| is_done[*place] = true);
                row.clear();
                break;
            }
            row.push(one);
            next = first(one);
        }
        for one in row.into_iter().rev() {
            is_done[one] = true;
            order.places.push(one);
        }
    }
    order
}

impl Local {
    /// The same schedule with the id of the one that starts it, where it was named otherwise; as far as it is known.
    pub(super) fn with_first(&self, schedule: &Schedule) -> Result<Schedule, Error> {
        let mut schedule = schedule.clone();
        if let Trigger::After(after) = &schedule.trigger
            && let Some((key, first)) = self.first_of(&schedule, after)?
        {
            let (key, ends) = (Some(key), after.ends);
            schedule.trigger = Trigger::After(After { schedule: first.id.as_str().into(), key, ends });
        }
        Ok(schedule)
    }

    /// The schedule that starts this one.
    fn first_of(
        &self,
        schedule: &Schedule,
        after: &After,
    ) -> Result<Option<(ScheduleKey, std::sync::Arc<Schedule>)>, Error> {
        let reader = self.handle.reader();
        let keys = match after.key {
            Some(key) => [Some(key), None],
            None => [reader.key_of(&after.schedule)?, reader.by_name(&schedule.agent, &after.schedule)?],
        };
        for key in keys.into_iter().flatten() {
            let is_its = |first: &Schedule| first.agent == schedule.agent && first.talk.is_none();
            if let Some((_, first)) = reader.schedule(key)?.filter(|(_, first)| is_its(first)) {
                return Ok(Some((key, first)));
            }
        }
        Ok(None)
    }

    /// Refuses one that nothing could start, before anything else is made of it.
    pub(super) fn check_first(&self, schedule: &Schedule) -> Result<(), Error> {
        let Some(after) = schedule.trigger.after() else { return Ok(()) };
        if self.first_of(schedule, after)?.is_some() {
            return Ok(());
        }
        let (schedule, agent) = (after.schedule.to_string(), schedule.agent.clone());
        Err(OpError::from(ChainError::Unknown { schedule, agent }).into())
    }

    /// Refuses one that could not wait for whom it names, before a dry run promises it; `key`: which it replaces.
    pub(super) async fn judge_first(&self, schedule: &Schedule, key: Option<ScheduleKey>) -> Result<(), OpError> {
        if schedule.trigger.after().is_some() {
            self.handle.ask(Op::Judge { schedule: Box::new(schedule.clone()), key }).await?;
        }
        Ok(())
    }

    /// What is to be known of one that waits only for deliveries of a schedule that has nowhere to deliver to.
    pub(super) fn waits_in_vain(&self, schedule: &Schedule) -> Result<Option<String>, Error> {
        let Some(after) = schedule.trigger.after().filter(|after| after.ends == Ends::only(End::Delivered)) else {
            return Ok(None);
        };
        // A hook may name a place for each message.
        let is_silent = |first: &Schedule| first.destination.is_none() && first.hook.is_none();
        let first = self.first_of(schedule, after)?.filter(|(_, first)| is_silent(first));
        Ok(first.map(|(_, first)| {
            let id = &first.id;
            format!(
                "nothing will start it: '{id}' has no destination, so its runs end silent and never delivered; give \
                 it one, or wait for after: {{schedule: {id}, outcome: [silent, delivered]}}"
            )
        }))
    }

    /// Why an active schedule does not do what is expected of it: nothing will start it, or none of its runs succeeds.
    pub(super) fn why_idle(
        &self,
        key: ScheduleKey,
        schedule: &Schedule,
        state: &State,
    ) -> Result<Option<String>, Error> {
        if state.status != Status::Active {
            return Ok(None);
        }
        let reader = self.handle.reader();
        if let Some(within) = schedule.expect_every
            && let Some(Expected { since, told: true }) = reader.expected(key)?
        {
            return Ok(Some(format!("overdue: no run has succeeded for {within}, since {since}")));
        }
        let Some(after) = schedule.trigger.after() else { return Ok(None) };
        let first = after.key.map(|key| reader.state(key)).transpose()?.flatten();
        match first.filter(|first| first.status.is_over()) {
            Some(first) => {
                let word = view::status_word(first.status);
                Ok(Some(format!("nothing will start it: '{}' is {word}", after.schedule)))
            }
            None => self.waits_in_vain(schedule),
        }
    }
}
