//! Operations that only read: list, show, runs, preview, export, backup, status.
//!
//! Invariant: a page never holds more than `limits::PAGE_ROWS_MAX` rows; a filter may walk further than a page.
//! Not here: the form of rows (`view`).

use std::path::Path;

use super::super::preview::{self, read_count, read_time, times, trigger_times};
use super::super::reply::{
    BackedUp, Counts, Exported, GatedShown, Instant, Listed, Previewed, RunsListed, SessionCounts, Shown,
    StatusShown, VerifiedShown,
};
use super::super::request::{Backup, Export, List, Preview, Runs, Selector};
use super::{AGENT_DEFAULT, Local, view};
use crate::calendar::ZONE_DATA_VERSION;
use crate::engine::Gated;
use crate::engine::change::{Phase, Run, State};
use crate::id::ScheduleKey;
use crate::limits;
use crate::problem::Problem;
use crate::runtime::{Done, Op, VerifyError, verify_beside};
use crate::spec::Schedule;
use crate::store::{self, RunCursor};
use crate::surface::error::{Code, Error};

/// Runs that are shown when nobody says how many.
const RUNS_DEFAULT: usize = 20;

impl Local {
    pub(super) fn list(&self, list: &List) -> Result<Listed, Error> {
        let limit = view::limit(list.limit, limits::PAGE_ROWS_MAX)?;
        let status = list.status.as_deref().map(view::read_status).transpose()?;
        let outcome = list.outcome.as_deref().map(view::read_outcome).transpose()?;
        let wanted = |row: &store::Listed| {
            let of_status = match status {
                Some(status) => view::status_word(row.state.status) == view::status_word(status),
                None => list.all || !row.state.status.is_over(),
            };
            of_status
                && row.schedule.talk.is_none()
                && outcome.is_none_or(|outcome| row.state.last_outcome == Some(outcome))
                && list.name.as_deref().is_none_or(|name| row.schedule.name.as_deref() == Some(name))
                && list.label.as_deref().is_none_or(|label| bears(&row.schedule, label))
        };
        let (rows, cursor) =
            self.page(self.agent_of(list.agent.as_deref()), list.cursor.as_deref(), limit, wanted)?;
        let now = self.handle.now();
        let line = |row: &store::Listed| {
            Ok::<_, Error>(view::line(&row.schedule, &row.state, self.note(row.key, &row.schedule, &row.state)?, now))
        };
        let schedules = rows.iter().map(line).collect::<Result<_, _>>()?;
        let declarations = rows.iter().filter(|_| list.declarations);
        let declarations = declarations.map(|row| view::declaration(&row.schedule, &row.state));
        Ok(Listed { schedules, declarations: declarations.collect::<Result<_, _>>()?, cursor })
    }

    pub(super) fn show(&self, one: &Selector) -> Result<Shown, Error> {
        let found = self.find(one)?;
        let note = self.note(found.key, &found.schedule, &found.state)?;
        view::shown(found.key, &found.schedule, &found.state, note, self.handle.now())
    }

    /// What the store keeps of why a schedule is paused, or why an active one does not do what is expected of it.
    pub(super) fn note(&self, key: ScheduleKey, schedule: &Schedule, state: &State) -> Result<Option<String>, Error> {
        if state.status.is_paused() {
            Ok(self.handle.reader().note(key)?)
        } else {
            self.why_idle(key, schedule, state)
        }
    }

    pub(super) fn runs(&self, runs: &Runs) -> Result<RunsListed, Error> {
        let limit = view::limit(runs.limit, RUNS_DEFAULT)?;
        let outcome = runs.outcome.as_deref().map(view::read_outcome).transpose()?;
        let wanted = |run: &Run| match (&run.phase, outcome) {
            (_, None) => true,
            (Phase::Settled { outcome, .. }, Some(wanted)) => outcome.kind() == wanted,
            (_, Some(_)) => false,
        };
        let since =
            runs.since.as_deref().map(|text| view::read_since("since", text, self.handle.now())).transpose()?;
        let mut before = runs.cursor.as_deref().map(view::read_run_cursor).transpose()?;
        let found = self.find(&selector(&runs.schedule, runs.agent.as_deref()))?;
        let page = if outcome.is_some() { limits::PAGE_ROWS_MAX } else { limit + 1 };
        let mut kept: Vec<Run> = Vec::new();
        // One more than is asked for tells whether there is another page.
        while kept.len() <= limit {
            let rows = self.handle.reader().runs(found.key, page, before)?;
            before = rows.last().map(RunCursor::from);
            let is_last = rows.len() < page.min(limits::PAGE_ROWS_MAX);
            let is_late = |run: &Run| since.is_none_or(|since| run.last_due() >= since);
            let is_over = rows.last().is_some_and(|run| !is_late(run));
            kept.extend(rows.into_iter().filter(|run| wanted(run) && is_late(run)));
            if is_last || is_over {
                break;
            }
        }
        let more = kept.len() > limit;
        kept.truncate(limit);
        let mut lines = Vec::with_capacity(kept.len());
        for run in &kept {
            let reader = self.handle.reader();
            let text = if run.execution.is_some() { reader.text(run.occurrence)? } else { None };
            let mut deliveries = Vec::new();
            for one in reader.deliveries(run)? {
                deliveries.push(view::delivery(&found.schedule, &one, reader.text(one.occurrence)?));
            }
            lines.push(view::run(&found.schedule, run, text, deliveries));
        }
        Ok(RunsListed {
            id: found.schedule.id.to_string(),
            name: found.schedule.name.clone(),
            cursor: kept.last().filter(|_| more).map(view::run_cursor),
            runs: lines,
        })
    }

    pub(super) fn preview(&self, asked: &Preview) -> Result<Previewed, Error> {
        let now = self.handle.now();
        let Some(schedule) = &asked.schedule else {
            let zone = self.zone_of(self.agent_of(asked.agent.as_deref()).unwrap_or(AGENT_DEFAULT));
            return trigger_times(asked, preview::Setting { now, zone });
        };
        let given = [&asked.cron, &asked.every, &asked.at, &asked.after, &asked.when, &asked.anchor, &asked.dialect];
        if given.iter().any(|text| text.is_some()) || !asked.except.is_empty() {
            let hint = "give a schedule, or exactly one of cron, every, at, in and when";
            return Err(Error::bad_input(Problem::new("schedule", "stands beside a trigger").hint(hint)));
        }
        let found = self.find(&selector(schedule, asked.agent.as_deref()))?;
        let count = read_count(asked.n).map_err(Error::bad_input)?;
        let zone = match &asked.timezone {
            Some(name) => preview::read_zone(name)
                .map_err(|problem| Error::bad_input(Problem { path: "timezone".into(), ..problem.value(name) }))?,
            None => found.schedule.zone,
        };
        let dues = match &asked.from {
            Some(text) => {
                let from = read_time(text, zone)
                    .map_err(|problem| Error::bad_input(Problem { path: "from".into(), ..problem.value(text) }))?;
                let first = found.schedule.trigger.next_after(from);
                first.map(|_| view::dues(&found.schedule, None, from, count)).unwrap_or_default()
            }
            None => view::upcoming(&found.schedule, &found.state, now, count),
        };
        Ok(Previewed {
            local: dues.iter().map(|due| zone.format(*due)).collect(),
            fires: view::fires(&found.schedule, found.key, &dues),
            next: dues.into_iter().map(Instant).collect(),
            description: found.schedule.describe(),
            ..times(&found.schedule.trigger, None, zone, now, 0)
        })
    }

    pub(super) fn export(&self, export: &Export) -> Result<Exported, Error> {
        if export.schedules.is_empty() {
            let live = |row: &store::Listed| !row.state.status.is_over() && row.schedule.talk.is_none();
            let limit = limits::PAGE_ROWS_MAX;
            let agent = self.agent_of(export.agent.as_deref());
            let (rows, cursor) = self.page(agent, export.cursor.as_deref(), limit, live)?;
            let schedules = rows.iter().map(|row| view::written(&row.schedule, &row.state)).collect();
            return Ok(Exported { schedules, cursor });
        }
        let mut schedules = Vec::new();
        for schedule in export.schedules.iter().take(limits::PAGE_ROWS_MAX) {
            let found = self.find(&selector(schedule, export.agent.as_deref()))?;
            schedules.push(view::written(&found.schedule, &found.state));
        }
        Ok(Exported { schedules, cursor: None })
    }

    pub(super) fn backup(&self, backup: Backup) -> Result<BackedUp, Error> {
        let file = Path::new(&backup.file);
        if !file.is_absolute() {
            let problem = Problem::new("file", "is not an absolute path").value(backup.file);
            return Err(Error::bad_input(problem));
        }
        if file.exists() && !backup.force {
            let message = format!("{} exists; choose another name, or replace it with --force", file.display());
            return Err(Error::new(Code::Conflict, message));
        }
        let copied = self.handle.reader().backup(file, backup.force)?;
        Ok(BackedUp { file: backup.file, rows: copied.rows, bytes: copied.bytes })
    }

    /// One at a time: each reads the whole file and builds an engine beside the one that runs.
    pub(super) fn verify(&self) -> Result<VerifiedShown, Error> {
        let Ok(_alone) = self.verifying.try_lock() else {
            return Err(Error::new(Code::Conflict, "the store is being verified already; wait for that answer"));
        };
        let found = verify_beside(self.handle.reader(), self.handle.now()).map_err(|error| match error {
            VerifyError::Open(error) => Error::from(error),
            VerifyError::Store(error) => error.into(),
        })?;
        let file = Path::new(&self.setting.data).join(store::FILE);
        Ok(VerifiedShown::new(file.display().to_string(), found))
    }

    pub(super) async fn status(&self) -> Result<StatusShown, Error> {
        let health = self.handle.health();
        if !health.is_answering() {
            return Err(Error::new(Code::Failed, health.to_string()));
        }
        let waiting = self.handle.waiting();
        let Done::Status(status) = self.handle.ask(Op::Status).await? else {
            return Err(Error::new(Code::Failed, "the engine did not tell its status"));
        };
        let read = self.reading(|local| Ok((local.handle.reader().facts()?, local.count_sessions()?)));
        let (facts, (kept, active)) = read.await?;
        Ok(StatusShown {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: self.mode().to_owned(),
            pid: std::process::id(),
            data: self.setting.data.clone(),
            listen: self.setting.listen.clone(),
            now: Instant(status.now),
            started_at: self.setting.serving.then_some(Instant(status.started_at)),
            schedules: Counts {
                armed: status.figures.armed as u64,
                held: status.figures.held as u64,
                known: facts.schedules,
            },
            sessions: SessionCounts { active, kept },
            next: status.next_wakeup.filter(|_| self.setting.serving).map(Instant),
            health: status.health.word().to_owned(),
            stalls: status.stalls,
            slowest_commit_ms: status.slowest_commit.as_millis(),
            lag_ms: status.lag.as_millis(),
            open: status.figures.open as u64,
            retrying: status.figures.retrying as u64,
            gated: status.gated.into_iter().map(shown_gate).collect(),
            overdue: status.figures.overdue as u64,
            unmet: status.figures.unmet as u64,
            waiting: waiting as u64,
            in_flight: status.in_flight as u64,
            commits: status.commits,
            store_bytes: facts.file_bytes,
            zone_data: ZONE_DATA_VERSION.to_owned(),
            notices: self.setting.notices.clone(),
        })
    }

    fn mode(&self) -> &'static str {
        match (self.setting.serving, self.is_companion) {
            (true, false) => "daemon",
            (true, true) => "mcp",
            (false, _) => "store",
        }
    }

    /// Up to `limit` rows that are wanted, and where the next page begins.
    fn page(
        &self,
        agent: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
        wanted: impl Fn(&store::Listed) -> bool,
    ) -> Result<(Vec<store::Listed>, Option<String>), Error> {
        let read = |text: &str| {
            let problem = || Error::bad_input(Problem::new("cursor", "is not one of ours").value(text));
            text.parse().map(ScheduleKey).map_err(|_| problem())
        };
        let mut after = cursor.map(read).transpose()?;
        let mut rows = Vec::new();
        loop {
            let page = self.handle.reader().list(agent, after, limits::PAGE_ROWS_MAX)?;
            let Some(last) = page.last() else { return Ok((rows, None)) };
            after = Some(last.key);
            for row in page {
                if !self.sees(&row.schedule) || !wanted(&row) {
                    continue;
                }
                if rows.len() == limit {
                    let last: Option<&store::Listed> = rows.last();
                    return Ok((rows.clone(), last.map(|row| row.key.0.to_string())));
                }
                rows.push(row);
            }
        }
    }
}

fn selector(schedule: &str, agent: Option<&str>) -> Selector {
    Selector { schedule: schedule.to_owned(), agent: agent.map(str::to_owned), generation: None }
}

/// Whether a schedule has a label, written as `key` or `key=value`.
fn bears(schedule: &Schedule, label: &str) -> bool {
    match label.split_once('=') {
        Some((key, value)) => schedule.labels.get(key).is_some_and(|held| held == value),
        None => schedule.labels.contains_key(label),
    }
}

fn shown_gate(gated: Gated) -> GatedShown {
    let Gated { gateway, until, error, chats } = gated;
    let (gateway, error) = (gateway.to_string(), error.map(|error| error.to_string()));
    GatedShown { gateway, until: until.map(Instant), error, chats: chats as u64 }
}
