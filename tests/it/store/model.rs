//! What the store must say: maps of the latest puts, and a comparison of every read with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::engine::change::{Change, DueRange, Kept, Phase, Plan, PlanId, Run, State};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::spec::Schedule;
use chimewheel::store::{FoldLimits, Opened, Options, Reader, RunCursor, Store};
use chimewheel::time::Timestamp;

use super::chance::{Chance, DAY, START};
use super::disk::Disk;

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub schedules: BTreeMap<u64, (u32, Arc<Schedule>)>,
    pub states: BTreeMap<u64, State>,
    pub runs: BTreeMap<OccurrenceId, Run>,
    pub plans: BTreeMap<u32, Arc<Plan>>,
    pub texts: BTreeMap<OccurrenceId, Arc<str>>,
    deliveries: BTreeMap<OccurrenceId, Run>,
    kept: BTreeMap<(ScheduleKey, Kept), Option<Arc<str>>>,
    names: BTreeMap<(String, String), u64>,
    tokens: BTreeMap<(String, String), u64>,
    history_from: Option<i64>,
    /// Runs as format 1's sample was made of: a run that is put again may tell of other dues, which no engine does.
    loose: bool,
    /// Nothing of what hooks do, as in the samples before format 3.
    pub before_hooks: bool,
}

/// Makes what a run tells of follow from which run it is.
fn pin_range(run: &mut Run) {
    let due = run.occurrence.due;
    let days = (due.as_millis() / 1000 + i64::from(run.occurrence.generation)).rem_euclid(3);
    let count = run.range.map_or(9, |range| range.count);
    let through = Timestamp::from_millis(due.as_millis() + days * DAY);
    run.range = (days > 0).then_some(DueRange { through, count });
}

pub type Batch = Vec<Change>;

/// Small enough that a few commits swap layers.
pub fn options() -> Options {
    let fold = FoldLimits {
        slice_rows: 3,
        layer_rows: 8,
        layer_commits: 4,
        layer_bytes: 1 << 20,
        segment_rows: 3,
        kept_commits: 2,
    };
    Options { raise_epoch: true, cache_bytes: 1 << 20, fold }
}

pub fn open(disk: &Disk) -> Opened {
    Store::open_on(disk.clone(), &options()).unwrap()
}

impl Model {
    pub fn loose() -> Self {
        Self { loose: true, ..Self::default() }
    }

    pub fn apply(&mut self, batch: &[Change]) {
        for change in batch {
            match change {
                Change::Plan { id, plan } => drop(self.plans.insert(id.0, Arc::clone(plan))),
                Change::PlanDropped { id } => drop(self.plans.remove(&id.0)),
                Change::Declare { key, schedule, state } => self.declare(key.0, schedule, *state),
                Change::State { key, state } => drop(self.states.insert(key.0, *state)),
                Change::Run(run) if run.occurrence.delivery > 0 => {
                    self.deliveries.insert(run.occurrence, run.clone());
                }
                Change::Run(run) => drop(self.runs.insert(run.occurrence, run.clone())),
                Change::Kept { key, part, text } => drop(self.kept.insert((*key, *part), text.clone())),
                Change::Text { occurrence, text } => drop(self.texts.insert(*occurrence, Arc::clone(text))),
                Change::Note { .. } | Change::Grant(_) | Change::Audit(_) => {}
                Change::Session { .. } | Change::Uttered { .. } | Change::Heard { .. } | Change::Place { .. } => {}
                Change::DropHistory { before } => self.history_from = self.history_from.max(Some(before.day())),
            }
        }
        let from = self.history_from.unwrap_or(i64::MIN);
        self.runs.retain(|_, run| !run.is_settled() || run.last_due().day() >= from);
    }

    fn declare(&mut self, key: u64, schedule: &Arc<Schedule>, state: State) {
        if let Some((_, old)) = self.schedules.insert(key, (state.generation, Arc::clone(schedule))) {
            if let Some(name) = &old.name {
                let name = (old.agent.clone(), name.clone());
                if self.names.get(&name) == Some(&key) {
                    self.names.remove(&name);
                }
            }
            if let Some(token) = &old.client_token {
                let token = (old.agent.clone(), token.clone());
                if self.tokens.get(&token) == Some(&key) {
                    self.tokens.remove(&token);
                }
            }
        }
        if let Some(name) = &schedule.name {
            self.names.insert((schedule.agent.clone(), name.clone()), key);
        }
        if let Some(token) = &schedule.client_token {
            self.tokens.insert((schedule.agent.clone(), token.clone()), key);
        }
        self.states.insert(key, state);
    }

    /// A batch that a running program might commit: declarations, updates, states, runs.
    pub fn batch(&self, chance: &mut Chance) -> Batch {
        let mut batch = Vec::new();
        let known = self.schedules.len() as u64;
        if chance.one_in(6) {
            let id = PlanId(chance.below(5) as u32);
            batch.push(match self.plans.get(&id.0) {
                Some(_) if chance.one_in(2) => Change::PlanDropped { id },
                _ => Change::Plan { id, plan: Arc::new(chance.plan()) },
            });
        }
        for key in known..known + chance.below(3) {
            let schedule = Arc::new(chance.schedule(key));
            batch.push(Change::Declare { key: ScheduleKey(key), schedule, state: chance.state(0) });
        }
        if known > 0 && chance.one_in(3) {
            let key = chance.below(known);
            let generation = self.schedules[&key].0 + 1;
            let schedule = Arc::new(chance.schedule(key));
            batch.push(Change::Declare { key: ScheduleKey(key), schedule, state: chance.state(generation) });
        }
        for _ in 0..if known == 0 { 0 } else { chance.below(5) } {
            let key = ScheduleKey(chance.below(known));
            let occurrence = chance.occurrence(key);
            let run = chance.run(occurrence);
            let is_spread = !self.before_hooks && run.phase == Phase::Pending && run.range.is_none();
            let runs = if is_spread { chance.spread(run) } else { vec![run] };
            for run in runs {
                let occurrence = run.occurrence;
                let is_made = !run.phase.is_before_text() && !matches!(run.phase, Phase::Spread(_));
                if run.execution.is_some() && (!self.loose || is_spread) && is_made {
                    let text = format!("text {} of {}", run.number, occurrence.due).into();
                    batch.push(Change::Text { occurrence, text });
                }
                batch.push(Change::Run(run));
            }
            if !self.before_hooks && chance.aside(3) == 0 {
                let part = [Kept::State, Kept::Text][chance.aside(2) as usize];
                let text = (chance.aside(5) > 0).then(|| format!("kept {}", chance.aside(100)).into());
                batch.push(Change::Kept { key, part, text });
            }
            batch.push(Change::State { key, state: chance.state(0) });
        }
        if chance.one_in(20) {
            let days = chance.below(4) as i64;
            batch.push(Change::DropHistory { before: Timestamp::from_millis(START + days * DAY) });
        }
        for change in &mut batch {
            if let Change::Run(run) = change
                && !self.loose
            {
                pin_range(run);
            }
        }
        batch
    }

    /// What a boot sees.
    pub fn check_boot(&self, opened: &Opened) -> Result<(), String> {
        let mut states = Vec::new();
        opened.each_state(|key, state| states.push((key.0, state))).unwrap();
        same("each_state", states, self.states.iter().map(|(&key, &state)| (key, state)).collect())?;
        let mut plans = Vec::new();
        opened.each_plan(|id, plan| plans.push((id.0, plan))).unwrap();
        same("each_plan", plans, self.plans.iter().map(|(&id, plan)| (id, Plan::clone(plan))).collect())?;
        let mut found = Vec::new();
        opened.each_open(|run| found.push(run)).unwrap();
        let mut open: Vec<Run> = self.runs.values().filter(|run| !run.is_settled()).cloned().collect();
        for run in open.clone().into_iter().filter(|run| matches!(run.phase, Phase::Spread(_))) {
            open.extend(self.deliveries_of(&run).into_iter().filter(|one| !one.is_settled()));
        }
        open.sort_by_key(|run| {
            (run.occurrence.schedule, run.occurrence.due, run.occurrence.generation, run.occurrence.delivery)
        });
        same("each_open", found, open)?;
        let next = self.schedules.keys().next_back().map_or(0, |key| key + 1);
        same("next_key", opened.next_key, next)?;
        self.check(&opened.reader)
    }

    /// What any reader sees.
    pub fn check(&self, reader: &Reader) -> Result<(), String> {
        for (&key, (generation, schedule)) in &self.schedules {
            let found = reader.schedule(ScheduleKey(key)).unwrap();
            same("schedule", found, Some((*generation, Arc::clone(schedule))))?;
            same("key_of", reader.key_of(schedule.id.as_str()).unwrap(), Some(ScheduleKey(key)))?;
            same("state", reader.state(ScheduleKey(key)).unwrap(), self.states.get(&key).copied())?;
            self.check_runs(reader, ScheduleKey(key))?;
            let kept = |part| self.kept.get(&(ScheduleKey(key), part)).cloned().flatten();
            let state = reader.hook_state(ScheduleKey(key)).unwrap();
            same("hook_state", state.as_deref(), kept(Kept::State).as_deref())?;
            let text = reader.last_text(ScheduleKey(key)).unwrap();
            same("last_text", text.as_deref(), kept(Kept::Text).as_deref())?;
        }
        for agent in ["ada", "bob", "cy"] {
            for name in ["standup", "mail", "n1", "n2", "n3"] {
                let expected = self.names.get(&(agent.to_owned(), name.to_owned())).copied().map(ScheduleKey);
                same("by_name", reader.by_name(agent, name).unwrap(), expected)?;
            }
            for token in (0..8).map(|n| format!("t{n}")) {
                let expected = self.tokens.get(&(agent.to_owned(), token.clone())).copied().map(ScheduleKey);
                same("by_token", reader.by_token(agent, &token).unwrap(), expected)?;
            }
            self.check_list(reader, Some(agent))?;
        }
        self.check_list(reader, None)?;
        let mut files = Vec::new();
        for (&key, (_, schedule)) in &self.schedules {
            files.extend(schedule.source.iter().map(|source| (source.file.clone(), ScheduleKey(key))));
        }
        files.sort();
        same("files_under", reader.files_under("").unwrap(), files.clone())?;
        files.retain(|(file, _)| file == "schedules/a.yaml");
        let keys = files.into_iter().map(|(_, key)| key).collect();
        same("keys_of_file", reader.keys_of_file("schedules/a.yaml").unwrap(), keys)
    }

    fn check_list(&self, reader: &Reader, agent: Option<&str>) -> Result<(), String> {
        let of_agent = |schedule: &Schedule| agent.is_none_or(|agent| schedule.agent == agent);
        let expected: Vec<_> = self
            .schedules
            .iter()
            .filter(|(_, (_, schedule))| of_agent(schedule))
            .map(|(&key, (generation, schedule))| (key, *generation, Arc::clone(schedule), self.states[&key]))
            .collect();
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = reader.list(agent, after, 3).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            found.extend(page.into_iter().map(|one| (one.key.0, one.generation, one.schedule, one.state)));
        }
        same("list", found, expected)
    }

    fn deliveries_of(&self, run: &Run) -> Vec<Run> {
        let count = run.execution.as_ref().map_or(0, |execution| execution.deliveries);
        run.occurrence.deliveries(count).filter_map(|one| self.deliveries.get(&one).cloned()).collect()
    }

    fn check_runs(&self, reader: &Reader, key: ScheduleKey) -> Result<(), String> {
        let mut expected: Vec<Run> =
            self.runs.values().filter(|run| run.occurrence.schedule == key).cloned().collect();
        for (&occurrence, text) in self.texts.iter().filter(|(one, _)| one.schedule == key) {
            // What is older may still be kept for the sake of others of its day.
            if self.history_from.is_none_or(|from| occurrence.due.day() >= from) {
                same("text", reader.text(occurrence).unwrap().as_deref(), Some(&**text))?;
            }
        }
        for run in &expected {
            same("run", reader.run(run.occurrence).unwrap(), Some(run.clone()))?;
            if self.history_from.is_none_or(|from| run.occurrence.due.day() >= from) {
                same("deliveries", reader.deliveries(run).unwrap(), self.deliveries_of(run))?;
            }
        }
        expected.sort_by_key(|run| std::cmp::Reverse((run.occurrence.due, run.occurrence.generation)));
        let mut found = Vec::new();
        let mut before = None;
        loop {
            let page = reader.runs(key, 4, before).unwrap();
            let Some(last) = page.last() else { break };
            before = Some(RunCursor::from(last));
            found.extend(page);
        }
        same("runs", found, expected)
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:#?}, expected {expected:#?}")) }
}
