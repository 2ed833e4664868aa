//! What each agent has: schedules that have not ended, and their dues in 24 hours.
//!
//! An agent is counted when it first asks for something that has a limit; from then on every change that is about to be
//! written is followed. Dues are those of the 24 hours from a schedule's next one on, so that a weekly one counts as one
//! on every day of the week. What a schedule has sent goes on counting for 24 hours after it has ended: an agent cannot
//! send more by making many one-shots. That part is forgotten by a restart. A schedule that another one starts has as many
//! dues as that one, and is counted anew with it.
//! Invariant: a key is counted for one agent, once.
//! Not here: when counting begins (`books`).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::access::Quota;
use crate::calendar::Trigger;
use crate::engine::change::{Change, State};
use crate::id::ScheduleKey;
use crate::limits;
use crate::runtime::ops::OverQuota;
use crate::spec::Schedule;
use crate::time::{Span, Timestamp};

const DAY: Span = Span::from_seconds(86_400);

/// What each agent has that was counted.
#[derive(Default)]
pub(super) struct Tallies {
    agents: HashMap<Arc<str>, Tally>,
    /// Schedules that are counted.
    counted: HashMap<ScheduleKey, Counted>,
    /// A schedule, and one that it starts.
    chains: BTreeSet<(ScheduleKey, ScheduleKey)>,
}

/// A schedule that is counted.
struct Counted {
    agent: Arc<str>,
    dues: u32,
    /// More than these it never has.
    most: u32,
    /// Who starts it.
    first: Option<ScheduleKey>,
}

#[derive(Default)]
struct Tally {
    live: u32,
    dues: u64,
    /// Dues of schedules that have ended, and runs by hand: until when they count, and how many.
    spent: VecDeque<(Timestamp, u32)>,
    spent_sum: u64,
}

impl Tallies {
    pub(super) fn knows(&self, agent: &str) -> bool {
        self.agents.contains_key(agent)
    }

    /// Begins to count an agent.
    pub(super) fn begin(&mut self, agent: &str) {
        if self.agents.len() >= limits::TALLIES_COUNT_MAX {
            self.agents.retain(|_, tally| tally.live > 0 || tally.spent_sum > 0);
        }
        self.agents.insert(agent.into(), Tally::default());
    }

    /// Follows a change that is about to be written.
    pub(super) fn note(&mut self, change: &Change, now: Timestamp) {
        if self.agents.is_empty() {
            return;
        }
        match change {
            Change::Declare { key, schedule, state } => self.put(*key, schedule, state, now),
            Change::State { key, state } if state.status.is_over() => self.end(*key, state, now),
            Change::State { .. }
            | Change::Plan { .. }
            | Change::PlanDropped { .. }
            | Change::Run(_)
            | Change::Text { .. }
            | Change::Kept { .. }
            | Change::Expected { .. }
            | Change::Note { .. }
            | Change::Grant(_)
            | Change::Audit(_)
            | Change::Session { .. }
            | Change::Uttered { .. }
            | Change::Heard { .. }
            | Change::Place { .. }
            | Change::DropHistory { .. } => {}
        }
    }

    /// Counts a schedule as it is now.
    pub(super) fn put(&mut self, key: ScheduleKey, schedule: &Schedule, state: &State, now: Timestamp) {
        // What is said in a conversation was planned by nobody.
        if schedule.talk.is_some() {
            return;
        }
        let Some((agent, _)) = self.agents.get_key_value(schedule.agent.as_str()) else { return };
        let agent = Arc::clone(agent);
        self.take_out(key);
        let dues = self.dues_a_day(schedule, now);
        if state.status.is_over() {
            return self.spend(&agent, state.runs.min(dues), now);
        }
        if let Some(tally) = self.agents.get_mut(&agent) {
            tally.live += 1;
            tally.dues += u64::from(dues);
        }
        let most = schedule.bounds.max_runs.unwrap_or(u32::MAX);
        let first = schedule.trigger.after().and_then(|after| after.key);
        self.counted.insert(key, Counted { agent, dues, most, first });
        self.chains.extend(first.map(|first| (first, key)));
        self.count_followers_anew(key);
    }

    /// What a schedule starts has as many dues as it has.
    fn count_followers_anew(&mut self, key: ScheduleKey) {
        let mut changed = vec![key];
        while let Some(first) = changed.pop() {
            let Some(dues) = self.counted.get(&first).map(|counted| counted.dues) else { continue };
            for (_, follower) in self.followers(first) {
                let Some(counted) = self.counted.get_mut(&follower) else { continue };
                let before = std::mem::replace(&mut counted.dues, dues.min(counted.most));
                if let Some(tally) = self.agents.get_mut(&counted.agent).filter(|_| before != counted.dues) {
                    tally.dues = tally.dues - u64::from(before) + u64::from(counted.dues);
                    changed.push(follower);
                }
            }
        }
    }

    fn followers(&self, key: ScheduleKey) -> Vec<(ScheduleKey, ScheduleKey)> {
        self.chains.range((key, ScheduleKey(0))..=(key, ScheduleKey(u64::MAX))).copied().collect()
    }

    /// How many dues there are a day if this schedule has so many, with those of all that it starts.
    fn with_followers(&self, key: Option<ScheduleKey>, dues: u32) -> u64 {
        let mut all = u64::from(dues);
        let mut rest: Vec<(ScheduleKey, u32)> = key.map(|key| (key, dues)).into_iter().collect();
        while let Some((first, dues)) = rest.pop() {
            for (_, follower) in self.followers(first) {
                if let Some(counted) = self.counted.get(&follower) {
                    let dues = dues.min(counted.most);
                    all += u64::from(dues);
                    rest.push((follower, dues));
                }
            }
        }
        all
    }

    /// Refuses a schedule that is one too many, or due too often; `key` is that of the one which it replaces.
    pub(super) fn check(
        &mut self,
        schedule: &Schedule,
        key: Option<ScheduleKey>,
        quota: &Quota,
        now: Timestamp,
    ) -> Result<(), OverQuota> {
        let replaced = key.and_then(|key| self.counted.get(&key)).map(|counted| counted.dues);
        let replaced = replaced.map(|dues| self.with_followers(key, dues));
        let more = self.with_followers(key, self.dues_a_day(schedule, now));
        let Some(tally) = self.agents.get_mut(schedule.agent.as_str()) else { return Ok(()) };
        let agent = || schedule.agent.clone();
        if replaced.is_none() && tally.live >= quota.active {
            return Err(OverQuota::Active { agent: agent(), has: tally.live, most: quota.active });
        }
        let had = replaced.unwrap_or_default();
        let dues = tally.dues - had + tally.still_spent(now) + more;
        // What makes it no worse is let through, though the limit was lowered meanwhile.
        if dues > u64::from(quota.fires_per_day) && more > had {
            return Err(OverQuota::Dues { agent: agent(), would: dues, most: quota.fires_per_day });
        }
        Ok(())
    }

    /// Notes a run by hand, with those that it starts, or refuses it.
    pub(super) fn run_by_hand(
        &mut self,
        agent: &str,
        key: ScheduleKey,
        quota: &Quota,
        now: Timestamp,
    ) -> Result<(), OverQuota> {
        let runs = self.with_followers(Some(key), 1);
        let Some((agent, _)) = self.agents.get_key_value(agent) else { return Ok(()) };
        let agent = Arc::clone(agent);
        let Some(tally) = self.agents.get_mut(&agent) else { return Ok(()) };
        let dues = tally.dues + tally.still_spent(now) + runs;
        if dues > u64::from(quota.fires_per_day) {
            return Err(OverQuota::Dues { agent: agent.to_string(), would: dues, most: quota.fires_per_day });
        }
        self.spend(&agent, u32::try_from(runs).unwrap_or(u32::MAX), now);
        Ok(())
    }

    fn end(&mut self, key: ScheduleKey, state: &State, now: Timestamp) {
        if let Some((agent, dues)) = self.take_out(key) {
            self.spend(&agent, state.runs.min(dues), now);
        }
    }

    fn take_out(&mut self, key: ScheduleKey) -> Option<(Arc<str>, u32)> {
        let Counted { agent, dues, first, .. } = self.counted.remove(&key)?;
        if let Some(tally) = self.agents.get_mut(&agent) {
            tally.live -= 1;
            tally.dues -= u64::from(dues);
        }
        if let Some(first) = first {
            self.chains.remove(&(first, key));
        }
        Some((agent, dues))
    }

    fn spend(&mut self, agent: &str, dues: u32, now: Timestamp) {
        if let Some(tally) = self.agents.get_mut(agent).filter(|_| dues > 0) {
            tally.still_spent(now);
            tally.spent.push_back((now.plus(DAY), dues));
            tally.spent_sum += u64::from(dues);
        }
    }

    /// Dues of a schedule in the 24 hours from its next one on, exclusions aside.
    fn dues_a_day(&self, schedule: &Schedule, now: Timestamp) -> u32 {
        let most = schedule.bounds.max_runs.unwrap_or(u32::MAX);
        let dues = match &schedule.trigger {
            Trigger::At(_) => 1,
            Trigger::Every { period, .. } => DAY.as_millis().div_ceil(period.as_millis().max(1)),
            Trigger::Cron(_) => {
                let first = schedule.trigger.next_after(now);
                let end = first.map_or(now, |first| first.plus(DAY));
                let dues = std::iter::successors(first, |due| schedule.trigger.next_after(*due));
                dues.take_while(|due| *due < end).take(most as usize).count() as u64
            }
            Trigger::After(after) => {
                let first = after.key.and_then(|key| self.counted.get(&key));
                first.map_or(0, |first| u64::from(first.dues))
            }
        };
        u32::try_from(dues).unwrap_or(u32::MAX).min(most)
    }
}

impl Tally {
    /// How much of what was spent still counts.
    fn still_spent(&mut self, now: Timestamp) -> u64 {
        // After a clock was set back by far nothing here is to be believed.
        let counts = |until: Timestamp| until > now && until.since(now) <= DAY;
        while let Some(&(_, dues)) = self.spent.front().filter(|(until, _)| !counts(*until)) {
            self.spent.pop_front();
            self.spent_sum -= u64::from(dues);
        }
        self.spent_sum
    }
}
