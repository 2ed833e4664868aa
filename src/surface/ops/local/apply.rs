//! `apply`: the store is made to agree with a folder of files.
//!
//! Invariants: content that was applied before is left alone, whatever became of its schedule; a file with a mistake
//! changes nothing and hides no other file; what cannot be read is never taken for gone.
//! Not here: reading the folder (`files`), comparing contents when changing (`runtime`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::reply::{Application, Applied, FileProblem, FireTime};
use super::super::request::Apply;
use super::declare::declaration;
use super::{Local, chain, view};
use crate::engine::change::State;
use crate::id::ScheduleKey;
use crate::problem::Problem;
use crate::runtime::{Done, Op, OpError};
use crate::spec::{Context, Draft, Schedule};
use crate::surface::error::{Error, problem_to_json};
use crate::surface::files::{ScheduleFile, read_texts};

/// Changes asked for in one go, so that they share commits.
const TOGETHER: usize = 1024;

/// What the files say, and what of it is doubtful.
#[derive(Default)]
struct Judged {
    drafts: Vec<(String, Draft)>,
    problems: Vec<FileProblem>,
    /// Ids that some file declares, rightly or not.
    declared: BTreeSet<String>,
    /// Files of which not every id is known.
    doubtful: BTreeSet<String>,
}

impl Local {
    pub(super) async fn apply_request(&self, request: Apply) -> Result<Applied, Error> {
        let texts = request.files.into_iter().map(|file| (file.path, file.text));
        let mut files = read_texts(texts);
        // A file without a text that could be sent declares nothing, and its schedules stay.
        for file in request.unreadable {
            let problem = Problem::new("", file.why);
            files.push(ScheduleFile {
                name: file.path,
                text: "".into(),
                declared: Vec::new(),
                problems: vec![problem],
            });
        }
        self.apply(&files, &request.folder, request.prune, request.dry_run).await
    }

    pub(super) async fn apply(
        &self,
        files: &[ScheduleFile],
        folder: &str,
        prune: bool,
        dry_run: bool,
    ) -> Result<Applied, Error> {
        let mut judged = self.judge_files(files)?;
        let drafts = std::mem::take(&mut judged.drafts);
        let mut changes = if dry_run { self.compare(&drafts).await? } else { self.declare_all(drafts).await? };
        if prune {
            changes.extend(self.prune(folder, &judged, dry_run).await?);
        }
        Ok(Applied { changes, problems: judged.problems, dry_run })
    }

    fn judge_files(&self, files: &[ScheduleFile]) -> Result<Judged, Error> {
        let mut judged = Judged::default();
        for file in files {
            let mut problems = file.problems.clone();
            let mut drafts = Vec::new();
            if !file.problems.is_empty() {
                judged.doubtful.insert(file.name.clone());
            }
            for declared in &file.declared {
                match declared.id() {
                    Some(id) => judged.declared.insert(id.to_owned()),
                    None => judged.doubtful.insert(file.name.clone()),
                };
                let known = self.known(declared.id())?;
                match declared.draft(&Context { existing: known.as_deref(), ..self.context_for(&declared.reading)? })
                {
                    Ok(draft) => drafts.push((file.name.clone(), draft)),
                    Err(wrong) => problems.extend(wrong),
                }
            }
            if problems.is_empty() {
                judged.drafts.append(&mut drafts);
            }
            let told = problems.iter().map(problem_to_json);
            judged.problems.extend(told.map(|problem| FileProblem { file: file.name.clone(), problem }));
        }
        Ok(judged)
    }

    /// The schedule that was declared with this id before: what stays the same in its file keeps its times.
    fn known(&self, id: Option<&str>) -> Result<Option<Arc<Schedule>>, Error> {
        let reader = self.handle.reader();
        let key = id.map(|id| reader.key_of(id)).transpose()?.flatten();
        Ok(key.map(|key| reader.schedule(key)).transpose()?.flatten().map(|(_, schedule)| schedule))
    }

    /// What would happen.
    async fn compare(&self, drafts: &[(String, Draft)]) -> Result<Vec<Application>, Error> {
        let reader = self.handle.reader();
        let order = chain::order(drafts.iter().map(|(_, draft)| &draft.schedule));
        let mut changes = Vec::new();
        for ((file, draft), waits_outside) in drafts.iter().zip(order.waits_outside) {
            let schedule = &draft.schedule;
            let known = match reader.key_of(schedule.id.as_str())? {
                Some(key) => reader.schedule(key)?.map(|(_, known)| (key, known)),
                None => None,
            };
            let content = schedule.source.as_ref().and_then(|source| source.content);
            let (key, action) = match &known {
                None => (None, "created"),
                Some((key, known)) => match &known.source {
                    None => {
                        changes.push(refused(file, schedule, &OpError::NotFromFile(schedule.id.clone())));
                        continue;
                    }
                    Some(source) if source.content == content => {
                        let state = reader.state(*key)?;
                        let stored = state.map(|state| (&**known, state));
                        changes.push(self.application(file, draft, "unchanged", stored)?);
                        continue;
                    }
                    Some(_) => (Some(*key), "updated"),
                },
            };
            let judged = if waits_outside { self.judge_first(schedule, key).await } else { Ok(()) };
            changes.push(match judged {
                Err(error @ OpError::Chain(_)) => refused(file, schedule, &error),
                Err(error) => return Err(error.into()),
                Ok(()) => self.application(file, draft, action, None)?,
            });
        }
        for (place, circle) in order.circles {
            let (file, draft) = &drafts[place];
            changes[place] = refused(file, &draft.schedule, &circle.into());
        }
        Ok(changes)
    }

    /// Makes it happen, many at a time, and tells it in the order of the files.
    async fn declare_all(&self, drafts: Vec<(String, Draft)>) -> Result<Vec<Application>, Error> {
        let order = chain::order(drafts.iter().map(|(_, draft)| &draft.schedule));
        let mut changes: Vec<Option<Application>> = vec![None; drafts.len()];
        for (place, circle) in order.circles {
            let (file, draft) = &drafts[place];
            changes[place] = Some(refused(file, &draft.schedule, &circle.into()));
        }
        for places in order.places.chunks(TOGETHER) {
            let ops = places.iter().map(|place| Op::Declare(declaration(drafts[*place].1.clone()))).collect();
            let done = self.handle.ask_all_by(self.by(), ops).await;
            for (done, place) in done.into_iter().zip(places) {
                let (file, draft) = &drafts[*place];
                changes[*place] = Some(self.told(file, draft, done)?);
            }
        }
        Ok(changes.into_iter().flatten().collect())
    }

    fn told(&self, file: &str, draft: &Draft, done: Result<Done, OpError>) -> Result<Application, Error> {
        Ok(match done {
            Ok(Done::Created(_, state)) => {
                self.application(file, draft, "created", Some((&draft.schedule, state)))?
            }
            Ok(Done::Changed(_, state)) => {
                self.application(file, draft, "updated", Some((&draft.schedule, state)))?
            }
            Ok(Done::Unchanged(key, state)) => {
                let known = self.handle.reader().schedule(key)?.map(|(_, known)| known);
                let known = known.as_deref().unwrap_or(&draft.schedule);
                self.application(file, draft, "unchanged", Some((known, state)))?
            }
            Ok(Done::Existing(_) | Done::Started(_) | Done::Noted | Done::Status(_)) => {
                self.application(file, draft, "unchanged", None)?
            }
            Err(error @ (OpError::Busy | OpError::Stopped(_) | OpError::Store(_))) => return Err(error.into()),
            Err(error) => refused(file, &draft.schedule, &error),
        })
    }

    fn application(
        &self,
        file: &str,
        draft: &Draft,
        action: &str,
        stored: Option<(&Schedule, State)>,
    ) -> Result<Application, Error> {
        let now = self.handle.now();
        let schedule = stored.map_or(&draft.schedule, |(schedule, _)| schedule);
        let due = match stored {
            Some((schedule, state)) => view::upcoming(schedule, &state, now, 1).pop(),
            None if draft.past => None,
            None => view::dues(schedule, None, now, 1).pop(),
        };
        let ended = stored.filter(|(_, state)| state.status.is_over());
        let mut notes = if action == "unchanged" { Vec::new() } else { draft.warnings.clone() };
        if action != "unchanged" {
            notes.extend(self.waits_in_vain(&draft.schedule)?);
        }
        notes.extend(ended.map(|(_, state)| format!("it is {}", view::status_word(state.status))));
        Ok(Application {
            file: file.to_owned(),
            id: schedule.id.to_string(),
            name: schedule.name.clone(),
            action: action.to_owned(),
            description: Some(schedule.describe()),
            next: due.map(|due| FireTime::new(due, schedule.zone)),
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        })
    }

    /// Cancels what was declared in this folder and is declared no more.
    async fn prune(&self, folder: &str, judged: &Judged, dry_run: bool) -> Result<Vec<Application>, Error> {
        let mut changes = Vec::new();
        for (file, key) in self.handle.reader().files_under(&format!("{folder}/"))? {
            let Some((schedule, state)) = self.stored(key)? else { continue };
            let kept = judged.declared.contains(schedule.id.as_str()) || judged.doubtful.contains(&file);
            if kept || state.status.is_over() {
                continue;
            }
            if !dry_run {
                self.ask(Op::Prune(key)).await?;
            }
            changes.push(Application {
                file,
                id: schedule.id.to_string(),
                name: schedule.name.clone(),
                action: "cancelled".to_owned(),
                description: None,
                next: None,
                note: Some("no file declares it any more".to_owned()),
            });
        }
        Ok(changes)
    }

    fn stored(&self, key: ScheduleKey) -> Result<Option<(std::sync::Arc<Schedule>, State)>, Error> {
        let reader = self.handle.reader();
        Ok(reader.schedule(key)?.map(|(_, schedule)| schedule).zip(reader.state(key)?))
    }
}

fn refused(file: &str, schedule: &Schedule, error: &OpError) -> Application {
    Application {
        file: file.to_owned(),
        id: schedule.id.to_string(),
        name: schedule.name.clone(),
        action: "refused".to_owned(),
        description: None,
        next: None,
        note: Some(error.to_string()),
    }
}
