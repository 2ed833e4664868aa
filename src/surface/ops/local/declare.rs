//! Operations that declare: add and update.
//!
//! Invariant: nothing is changed before everything that was written has been judged; an update writes the schedule
//! down, lays the change over it and judges the whole, so it can never reach what a create could not.
//! Not here: files of a folder (`apply`).

use std::sync::Arc;

use serde_json::Value;

use super::super::reply::{Added, Created, Updated};
use super::super::request::{Add, FileText, Selector, Update};
use super::chain;
use super::differing::differing;
use super::find::Found;
use super::sessions::unspoken;
use super::{Local, view};
use crate::engine::change::{State, Status};
use crate::problem::Problem;
use crate::runtime::{Declaration, Done, Op, OpError};
use crate::spec::tree::Node;
use crate::spec::{Context, Draft, Reading, Schedule, from_schedule, merge, read, validate_reading};
use crate::surface::error::{Code, Error};
use crate::surface::files::{ScheduleFile, read_text};
use crate::time::Timestamp;

impl Local {
    pub(super) async fn add(&self, add: Add) -> Result<Added, Error> {
        let drafts = match (&add.schedule, &add.file) {
            (Some(schedule), None) => vec![self.judge(&read(&Node::from_json(schedule), ""), None)?],
            (None, Some(file)) => self.judge_file(file)?,
            (Some(_), Some(_)) | (None, None) => {
                let hint = "give exactly one of schedule and file";
                return Err(Error::bad_input(Problem::new("", "what is to be added is unclear").hint(hint)));
            }
        };
        let mut added = Added { schedules: Vec::new(), dry_run: add.dry_run };
        let count = drafts.len();
        let order = chain::order(drafts.iter().map(|draft| &draft.schedule));
        for (draft, waits_outside) in drafts.iter().zip(&order.waits_outside) {
            self.check_free(draft)?;
            if *waits_outside {
                self.check_first(&draft.schedule)?;
            }
        }
        if let Some((_, circle)) = order.circles.into_iter().next() {
            return Err(OpError::from(circle).into());
        }
        let mut drafts: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
        for place in order.places {
            let Some(draft) = drafts[place].take() else { continue };
            let mut warnings = self.warnings(draft.warnings.clone());
            warnings.extend(self.waits_in_vain(&draft.schedule)?);
            if let Some(made) = self.made_before(&draft.schedule)? {
                added.schedules.push(made.told(self.handle.now(), warnings)?);
                continue;
            }
            self.check_buried(&draft.schedule).await?;
            if add.dry_run {
                if order.waits_outside[place] {
                    self.judge_first(&draft.schedule, None).await?;
                }
                added.schedules.push(view::drafted(&draft, self.handle.now(), warnings));
                continue;
            }
            match self.create(draft, warnings).await {
                Ok(created) => added.schedules.push(created),
                Err(error) if added.schedules.is_empty() => return Err(error),
                Err(error) => {
                    let message = format!("{error}; {} of {count} had been created before", added.schedules.len());
                    return Err(Error { message, ..error });
                }
            }
        }
        Ok(added)
    }

    async fn create(&self, draft: Draft, warnings: Vec<String>) -> Result<Created, Error> {
        let now = self.handle.now();
        let schedule = draft.schedule.clone();
        match self.ask(Op::Create(declaration(draft))).await? {
            Done::Created(_, state) | Done::Changed(_, state) | Done::Unchanged(_, state) => {
                Ok(view::created(&schedule, &state, now, warnings))
            }
            // Somebody else was faster with the same token.
            Done::Existing(_) => match self.made_before(&schedule)? {
                Some(made) => made.told(now, warnings),
                None => Err(Error::new(Code::Failed, "the schedule of this client token is gone")),
            },
            other @ (Done::Started(_) | Done::Noted | Done::Status(_)) => {
                Err(Error::new(Code::Failed, "nothing was created").detail(format!("{other:?}")))
            }
        }
    }

    /// The schedule that was made with the same client token, if there is one. A token stands for one create: said again
    /// it is answered with what it made, whatever became of that; saying something else with it is a mistake.
    pub(super) fn made_before(&self, schedule: &Schedule) -> Result<Option<MadeBefore>, Error> {
        let reader = self.handle.reader();
        let Some(token) = &schedule.client_token else { return Ok(None) };
        let Some(key) = reader.by_token(&schedule.agent, token)? else { return Ok(None) };
        let (Some((generation, known)), Some(state)) = (reader.schedule(key)?, reader.state(key)?) else {
            return Ok(None);
        };
        // What was changed since can no longer be compared with what was first said.
        let differing = if generation == 1 {
            differing(&known, &self.with_first(schedule)?, self.ends_by_config())
        } else {
            Vec::new()
        };
        let contradicted = (!differing.is_empty()).then(|| {
            let message =
                format!("made schedule '{}', which says something else ({})", known.id, differing.join(", "));
            let hint = "a token stands for one create: take a new one for another schedule, or update that one";
            Problem::new("client_token", message).value(token).hint(hint)
        });
        Ok(Some(MadeBefore { schedule: known, state, contradicted }))
    }

    /// Whether the config gives recurring schedules of this caller an end.
    pub(super) fn ends_by_config(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.expires.is_some())
    }

    /// Says early, for a dry run and before the first of several, that an id is taken.
    fn check_free(&self, draft: &Draft) -> Result<(), Error> {
        let (reader, schedule) = (self.handle.reader(), &draft.schedule);
        if let Some(token) = &schedule.client_token
            && reader.by_token(&schedule.agent, token)?.is_some()
        {
            return Ok(());
        }
        if reader.key_of(schedule.id.as_str())?.is_some() {
            let message = format!("a schedule with the id '{}' exists already", schedule.id);
            return Err(Error::new(Code::Conflict, message));
        }
        Ok(())
    }

    fn judge(&self, reading: &Reading, fallback_id: Option<&str>) -> Result<Draft, Error> {
        let context = Context { fallback_id, ..self.context_for(reading)? };
        validate_reading(reading, &context).and_then(|draft| self.permit(draft, None)).map_err(Error::problems)
    }

    /// Judges all schedules of a file as if somebody had typed them.
    fn judge_file(&self, file: &FileText) -> Result<Vec<Draft>, Error> {
        let ScheduleFile { declared, mut problems, name, .. } = read_text(&file.path, &file.text);
        let mut drafts = Vec::new();
        for declared in &declared {
            match self.judge(&declared.reading, declared.fallback_id.as_deref()) {
                Ok(draft) => drafts.push(draft),
                Err(error) => problems.extend(error.problems),
            }
        }
        if problems.is_empty() {
            return Ok(drafts);
        }
        let count = problems.len();
        let message = match problems.as_slice() {
            [one] => format!("{name}: {one}"),
            _ => format!("{name}: {count} problems"),
        };
        Err(Error { message, ..Error::problems(problems) })
    }

    pub(super) async fn update(&self, update: Update) -> Result<Updated, Error> {
        let (schedule, agent) = (update.schedule.clone(), update.agent.clone());
        let one = Selector { schedule, agent, generation: update.generation };
        let found = self.reading(move |local| local.find(&one)).await?;
        unspoken(&found.schedule)?;
        // Said before a dry run promises what will be refused.
        if found.state.status == Status::Cancelled {
            return Err(OpError::Ended(Status::Cancelled).into());
        }
        let reading = read(&Node::from_json(&update.patch), "");
        for kept in ["id", "agent"] {
            if reading.cleared.contains(kept) {
                let hint = "cancel the schedule and create another one";
                return Err(Error::bad_input(Problem::new(kept, "cannot be removed").hint(hint)));
            }
        }
        let merged = merge(from_schedule(&found.schedule), reading);
        let was_paused = found.state.status.is_paused();
        let paused = merged.raw.paused.unwrap_or(was_paused && !merged.cleared.contains("paused"));
        let draft = {
            let context = Context { existing: Some(&found.schedule), ..self.context_for(&merged)? };
            let judged = validate_reading(&merged, &context);
            judged.and_then(|draft| self.permit(draft, Some(&found.schedule))).map_err(Error::problems)?
        };
        let draft = Draft { paused, ..draft };
        for (field, differs) in
            [("id", draft.schedule.id != found.schedule.id), ("agent", draft.schedule.agent != found.schedule.agent)]
        {
            if differs {
                let hint = "cancel the schedule and create another one";
                return Err(Error::bad_input(Problem::new(field, "cannot be changed").hint(hint)));
            }
        }
        if draft.schedule.name != found.schedule.name {
            self.check_buried(&draft.schedule).await?;
        }
        let mut fields = changed_fields(&found, &draft)?;
        if paused != was_paused && !fields.iter().any(|field| field == "paused") {
            fields.push("paused".to_owned());
        }
        self.replace(found, draft, fields, update.dry_run).await
    }

    async fn replace(
        &self,
        found: Found,
        draft: Draft,
        fields: Vec<String>,
        dry_run: bool,
    ) -> Result<Updated, Error> {
        let now = self.handle.now();
        let mut warnings = self.warnings(draft.warnings.clone());
        warnings.extend(self.waits_in_vain(&draft.schedule)?);
        if fields.is_empty() {
            let schedule = view::created(&found.schedule, &found.state, now, warnings);
            return Ok(Updated { schedule, fields, dry_run });
        }
        if dry_run {
            self.judge_first(&draft.schedule, Some(found.key)).await?;
            return Ok(Updated { schedule: view::drafted(&draft, now, warnings), fields, dry_run });
        }
        let schedule = draft.schedule.clone();
        let op = Op::Replace { key: found.key, read: found.generation, declaration: declaration(draft) };
        match self.ask(op).await? {
            Done::Created(_, state) | Done::Changed(_, state) | Done::Unchanged(_, state) => {
                Ok(Updated { schedule: view::created(&schedule, &state, now, warnings), fields, dry_run })
            }
            other @ (Done::Existing(_) | Done::Started(_) | Done::Noted | Done::Status(_)) => {
                Err(Error::new(Code::Failed, "nothing was changed").detail(format!("{other:?}")))
            }
        }
    }
}

/// A schedule that a client token made before.
pub(super) struct MadeBefore {
    schedule: Arc<Schedule>,
    state: State,
    /// What is wrong with saying something else.
    pub(super) contradicted: Option<Problem>,
}

impl MadeBefore {
    fn told(self, now: Timestamp, mut warnings: Vec<String>) -> Result<Created, Error> {
        if let Some(problem) = self.contradicted {
            let message = problem.to_string();
            return Err(Error { problems: vec![problem], ..Error::new(Code::Conflict, message) });
        }
        if self.state.status.is_over() {
            warnings.push(format!(
                "it is {}, and nothing was created: take a new client_token for another one",
                view::status_word(self.state.status)
            ));
        }
        Ok(Created { existing: true, ..view::created(&self.schedule, &self.state, now, warnings) })
    }
}

/// The declaration of a draft, for the runtime.
pub(super) fn declaration(draft: Draft) -> Declaration {
    Declaration { schedule: draft.schedule, paused: draft.paused, past: draft.past }
}

/// Names of the fields in which two declarations differ.
fn changed_fields(found: &Found, draft: &Draft) -> Result<Vec<String>, Error> {
    let before = view::declaration(&found.schedule, &found.state)?;
    let unwritten = |error: serde_json::Error| Error::new(Code::Failed, "the change cannot be written").detail(error);
    let after = serde_json::to_value(from_schedule(&draft.schedule)).map_err(unwritten)?;
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return Ok(Vec::new()) };
    let mut fields: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    fields.sort();
    fields.dedup();
    // Whether it is paused is part of its row, not of its declaration; the caller compares that.
    fields.retain(|field| field != "paused" && before.get(field) != after.get(field));
    Ok(fields)
}
