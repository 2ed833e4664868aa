//! Those who ask, what they are told, and what each of them may see.
//!
//! A client that heard no answer gives its create again; files come, change and go; two agents use the same names and
//! tokens, and neither may come upon what is the other's.

use std::collections::BTreeSet;

use chimewheel::calendar::{End, Ends};
use chimewheel::gateway::Delivery;
use chimewheel::runtime::Done;
use chimewheel::store::{Reader, StoreError};

use super::history::{Ask, Known, Rev, Said};
use super::load::{self, AGENTS};
use super::shape::Shape;
use super::world::World;

impl World {
    /// Begins a new schedule, or asks for a change of one.
    pub fn ask_something(&mut self) {
        if self.is_astray() {
            return;
        }
        let wall = self.wall();
        let left = (self.horizon - self.true_ms).max(3_600_000);
        let count = self.history.known.len();
        let known = &self.history.known;
        if let Some(id) = known.iter().find(|(_, known)| is_lost(known, wall)).map(|(id, _)| id.clone()) {
            return self.ask(&id, Ask::Create(0));
        }
        let can_be_asked = |known: &Known| {
            let may_come_back = known.revs[0].schedule.source.is_some();
            known.key.is_some() && !known.is_busy() && (!known.is_cancelled() || may_come_back)
        };
        let idle = known.iter().filter(|(_, known)| can_be_asked(known));
        let idle: Vec<String> = idle.map(|(id, _)| id.clone()).collect();
        if count < 4 || idle.is_empty() || count < 14 && self.chance.one_in(4) {
            let id = format!("s{count:02}");
            let mut rev = load::rev(&mut self.chance, &id, 0, wall, left);
            rev.paused = self.chance.one_in(10);
            self.maybe_task(&mut rev);
            self.maybe_follow(&mut rev);
            let known = self.history.known.entry(id.clone()).or_default();
            known.revs.push(rev);
            return self.ask(&id, Ask::Create(0));
        }
        let last = self.history.attempts.last().filter(|last| last.said != Said::Taken);
        let is_live = |id: &String| idle.contains(id) && !known[id].is_cancelled();
        let waiting = last.map(|last| last.id.clone()).filter(is_live);
        let id = match waiting {
            Some(id) if self.chance.one_in(3) => {
                let is_from_file = self.history.known[&id].revs[0].schedule.source.is_some();
                return self.ask(&id, if is_from_file { Ask::Prune } else { Ask::Cancel });
            }
            Some(id) if self.chance.one_in(2) => id,
            _ => self.chance.pick(&idle),
        };
        let mut known = self.history.known.remove(&id).expect("it is known");
        let ask = load::ask(&mut self.chance, &id, &mut known, wall, left);
        if let (Some(Ask::Update(_)), Some(rev)) = (ask, known.revs.last_mut().filter(|rev| rev.renews)) {
            self.maybe_task(rev);
        }
        self.history.known.insert(id.clone(), known);
        if let Some(ask) = ask {
            self.ask(&id, ask);
        }
    }

    /// Half of those that come from files are started by another schedule of their agent.
    fn maybe_follow(&self, rev: &mut Rev) {
        let is_of_agent = |known: &Known| known.revs[0].schedule.agent == rev.schedule.agent && known.key.is_some();
        let others = self.history.known.iter().filter(|(_, known)| is_of_agent(known) && !known.is_cancelled());
        let others: Vec<&String> = others.map(|(id, _)| id).collect();
        if rev.schedule.source.is_none() || others.is_empty() || self.chance.aside(2) == 0 {
            return;
        }
        let first = others[self.chance.aside(others.len() as u64) as usize].clone();
        let ends = [
            Ends::only(End::Delivered),
            Ends::ANY,
            Ends::of([End::Delivered, End::Silent]).expect("there are two"),
            Ends::of([End::Failed, End::Skipped, End::Unknown]).expect("there are three"),
        ];
        load::followed(rev, &first, ends[self.chance.aside(4) as usize]);
    }

    /// What was answered fits what was asked.
    pub fn check_answer(&mut self, id: &str, ask: Ask, done: &Done) {
        let known = &self.history.known[id];
        let fits = match ask {
            Ask::Create(_) => matches!(done, Done::Created(..)),
            // Without a token it is another schedule of that name, which is refused.
            Ask::Again => matches!(done, Done::Existing(key) if Some(*key) == known.key),
            Ask::DeclareSame => matches!(done, Done::Unchanged(..)),
            Ask::RunNow => matches!(done, Done::Started(_)),
            Ask::Update(_) | Ask::Declare(_) | Ask::Prune => matches!(done, Done::Changed(..)),
            Ask::Pause | Ask::Resume | Ask::Cancel => matches!(done, Done::Changed(..) | Done::Unchanged(..)),
        };
        if !fits {
            self.history.wrongs.push(format!("I2: {id} was asked for {ask:?} and answered {done:?}"));
        }
    }

    /// What tells of a pause names its schedule.
    pub fn check_notice(&mut self, delivery: &Delivery) {
        if load::read_text(&delivery.text).is_none() && !delivery.text.contains(&format!("({})", delivery.schedule)) {
            self.history.wrongs.push(format!("I9: {} carries the text {}", delivery.schedule, delivery.text));
        }
    }

    /// Each agent sees its own schedules, all of them, and no other.
    pub fn check_isolation(&mut self, reader: &Reader) {
        for agent in AGENTS {
            let seen = look(reader, agent, &self.history.known).expect("a readable store");
            self.history.wrongs.extend(seen.into_iter().map(|wrong| format!("I12: {agent} {wrong}")));
        }
    }
}

/// Nobody knows of it, although somebody asked for it; and its time has not passed yet.
fn is_lost(known: &Known, wall: i64) -> bool {
    let is_ahead = !matches!(known.revs[0].shape, Shape::At(at) if at <= wall);
    known.key.is_none() && !known.is_busy() && is_ahead
}

fn look<'a>(
    reader: &Reader,
    agent: &str,
    all: impl IntoIterator<Item = (&'a String, &'a Known)> + Clone,
) -> Result<Vec<String>, StoreError> {
    let mut wrongs = Vec::new();
    let listed = reader.list(Some(agent), None, 1000)?;
    let listed: BTreeSet<String> = listed.iter().map(|row| row.schedule.id.to_string()).collect();
    let own =
        all.clone().into_iter().filter(|(_, known)| known.key.is_some() && known.revs[0].schedule.agent == agent);
    let mut owned = BTreeSet::new();
    for (id, known) in own {
        let schedule = &known.revs[0].schedule;
        let named = reader.by_name(agent, schedule.name.as_deref().unwrap_or_default())?;
        if named != known.key {
            wrongs.push(format!("finds {named:?} by the name of {id}"));
        }
        if let Some(token) = &schedule.client_token
            && reader.by_token(agent, token)? != known.key
        {
            wrongs.push(format!("finds another schedule by the token of {id}"));
        }
        owned.insert(id.clone());
    }
    // What is durable may be seen before it is answered.
    let open = all.clone().into_iter().filter(|(_, known)| known.key.is_none() && known.is_busy());
    let open = open.filter(|(_, known)| known.revs[0].schedule.agent == agent).map(|(id, _)| id.clone());
    let may_be_seen: BTreeSet<String> = owned.iter().cloned().chain(open).collect();
    if !listed.is_superset(&owned) || !listed.is_subset(&may_be_seen) {
        wrongs.push(format!("owns {owned:?} and is shown {listed:?}"));
    }
    Ok(wrongs)
}
