//! Operations that declare: add and update.
//!
//! Invariant: nothing is changed before everything that was written has been judged; an update writes the schedule
//! down, lays the change over it and judges the whole, so it can never reach what a create could not.
//! Not here: files of a folder (`apply`).

use serde_json::Value;

use super::super::reply::{Added, Created, Updated};
use super::super::request::{Add, FileText, Selector, Update};
use super::find::Found;
use super::{Local, view};
use crate::engine::change::Status;
use crate::problem::Problem;
use crate::runtime::{Declaration, Done, Op, OpError};
use crate::spec::tree::Node;
use crate::spec::{Context, Draft, Reading, from_schedule, merge, read, validate_reading};
use crate::surface::error::{Code, Error};
use crate::surface::files::{ScheduleFile, read_text};

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
        for draft in &drafts {
            self.check_free(draft)?;
        }
        for draft in drafts {
            let warnings = self.warnings(draft.warnings.clone());
            if add.dry_run {
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
        match self.handle.ask(Op::Create(declaration(draft))).await? {
            Done::Created(_, state) | Done::Changed(_, state) | Done::Unchanged(_, state) => {
                Ok(view::created(&schedule, &state, now, warnings))
            }
            Done::Existing(key) => {
                let reader = self.handle.reader();
                let (Some((_, schedule)), Some(state)) = (reader.schedule(key)?, reader.state(key)?) else {
                    return Err(Error::new(Code::Failed, "the schedule of this client token is gone"));
                };
                Ok(Created { existing: true, ..view::created(&schedule, &state, now, warnings) })
            }
            other @ (Done::Started(_) | Done::Status(_)) => {
                Err(Error::new(Code::Failed, "nothing was created").detail(format!("{other:?}")))
            }
        }
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
        let context = Context { fallback_id, ..self.context()? };
        validate_reading(reading, &context).and_then(|draft| self.permit(draft)).map_err(Error::problems)
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
            let context = Context { existing: Some(&found.schedule), ..self.context()? };
            validate_reading(&merged, &context).map_err(Error::problems)?
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
        let warnings = self.warnings(draft.warnings.clone());
        if fields.is_empty() {
            let schedule = view::created(&found.schedule, &found.state, now, warnings);
            return Ok(Updated { schedule, fields, dry_run });
        }
        if dry_run {
            return Ok(Updated { schedule: view::drafted(&draft, now, warnings), fields, dry_run });
        }
        let schedule = draft.schedule.clone();
        let op = Op::Replace { key: found.key, read: found.generation, declaration: declaration(draft) };
        match self.handle.ask(op).await? {
            Done::Created(_, state) | Done::Changed(_, state) | Done::Unchanged(_, state) => {
                Ok(Updated { schedule: view::created(&schedule, &state, now, warnings), fields, dry_run })
            }
            other @ (Done::Existing(_) | Done::Started(_) | Done::Status(_)) => {
                Err(Error::new(Code::Failed, "nothing was changed").detail(format!("{other:?}")))
            }
        }
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
