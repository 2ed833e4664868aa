//! `import`: many schedules at once, one JSON object a line.
//!
//! Invariants: a line that is there already is left alone and counted; a request with a wrong line creates nothing,
//! unless wrong lines are to be skipped; what is created shares commits; the order of the lines of a request does not
//! matter to who starts whom.
//! Not here: reading the file, doubles in it, the order of its lines (`cli`).

use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use hashbrown::{DefaultHashBuilder, HashSet};

use super::super::reply::{Imported, LineProblem};
use super::super::request::Import;
use super::Local;
use super::chain::{self, Order};
use super::declare::declaration;
use super::differing::differing;
use crate::limits;
use crate::problem::Problem;
use crate::runtime::{ChainError, Done, Op, OpError};
use crate::spec::tree::{Node, shorten};
use crate::spec::{Context, Draft, RawSchedule, Reading, read, validate_reading};
use crate::surface::error::{Error, problem_to_json};

/// What the lines of a request come to.
#[derive(Default)]
struct Judged {
    drafts: Vec<(usize, Draft)>,
    reply: Imported,
}

/// Texts whose lines were all good, and new, when they were checked.
#[derive(Debug, Default)]
pub(super) struct Checked {
    hasher: DefaultHashBuilder,
    texts: Mutex<HashSet<u64>>,
}

impl Checked {
    fn note(&self, text: &str) {
        // A panic while the lock is held leaves a set that has less in it.
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if texts.len() >= limits::IMPORT_CHECKED_COUNT_MAX {
            texts.clear();
        }
        texts.insert(self.hasher.hash_one(text));
    }

    fn take(&self, text: &str) -> bool {
        let hash = self.hasher.hash_one(text);
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash)
    }
}

impl Local {
    pub(super) async fn import(&self, import: Import) -> Result<Imported, Error> {
        let Import { text, check, skip_bad } = import;
        // Where a check found every line new, the store is not asked again line by line: who creates is refused what
        // somebody else has taken since.
        let all_new = !check && self.checked.take(&text);
        let judge = move |local: &Self| local.judge_lines(&text, all_new).map(|judged| (text, judged));
        let (text, mut judged) = self.reading(judge).await?;
        self.judge_chains(&mut judged, all_new).await?;
        let Judged { drafts, mut reply } = judged;
        reply.good = drafts.len() as u64;
        if check && reply.existing == 0 && reply.problems.is_empty() {
            self.checked.note(&text);
        }
        if check || !(skip_bad || reply.problems.is_empty()) {
            return Ok(reply);
        }
        let (lines, ops): (Vec<usize>, Vec<Op>) =
            drafts.into_iter().map(|(line, draft)| (line, Op::Create(declaration(draft)))).unzip();
        for (line, done) in lines.into_iter().zip(self.ask_in_turns(ops).await) {
            match done {
                Ok(Done::Existing(_)) => reply.existing += 1,
                Ok(_) => reply.created += 1,
                Err(error @ (OpError::Busy | OpError::Stopped(_) | OpError::Store(_))) => return Err(error.into()),
                Err(OpError::Chain(error)) => reply.wrong(line, &chained(&error)),
                Err(error) => reply.wrong(line, &Problem::new("", error.to_string())),
            }
        }
        reply.problems.sort_by_key(|told| told.line);
        Ok(reply)
    }

    /// Asks in as few commits as whoever waits for the loop allows.
    async fn ask_in_turns(&self, mut ops: Vec<Op>) -> Vec<Result<Done, OpError>> {
        if !self.setting.serving {
            return self.handle.ask_all_by(self.by(), ops).await;
        }
        let mut all = Vec::with_capacity(ops.len());
        while !ops.is_empty() {
            let later = ops.split_off(ops.len().min(limits::IMPORT_SERVED_LINES_MAX));
            all.extend(self.handle.ask_all_by(self.by(), ops).await);
            ops = later;
        }
        all
    }

    /// Puts what starts others before them, and takes out what could not wait for whom it names; of what waits for a line
    /// of the same request that is judged when it is created.
    async fn judge_chains(&self, judged: &mut Judged, is_judged: bool) -> Result<(), Error> {
        let Order { places, circles, waits_outside } =
            chain::order(judged.drafts.iter().map(|(_, draft)| &draft.schedule));
        for (place, circle) in circles {
            judged.reply.wrong(judged.drafts[place].0, &chained(&circle));
        }
        let outside: Vec<usize> =
            places.iter().copied().filter(|place| waits_outside[*place] && !is_judged).collect();
        let judge =
            |place: &usize| Op::Judge { schedule: Box::new(judged.drafts[*place].1.schedule.clone()), key: None };
        let ops = outside.iter().map(judge).collect();
        let told = self.ask_in_turns(ops).await;
        let mut drafts: Vec<Option<(usize, Draft)>> =
            std::mem::take(&mut judged.drafts).into_iter().map(Some).collect();
        for (place, told) in outside.into_iter().zip(told) {
            match told {
                Err(OpError::Chain(error)) => {
                    let line = drafts[place].take().map_or(0, |(line, _)| line);
                    judged.reply.wrong(line, &chained(&error));
                }
                told => drop(told?),
            }
        }
        judged.drafts.extend(places.into_iter().filter_map(|place| drafts[place].take()));
        judged.reply.problems.sort_by_key(|told| told.line);
        Ok(())
    }

    fn judge_lines(&self, text: &str, all_new: bool) -> Result<Judged, Error> {
        let mut judged = Judged::default();
        let mut context = self.context()?;
        for (place, line) in text.lines().enumerate() {
            let line_number = place + 1;
            if line.trim().is_empty() {
                continue;
            }
            match self.judge_line(line, all_new, &mut context)? {
                Ok(Some(draft)) => judged.drafts.push((line_number, draft)),
                Ok(None) => judged.reply.existing += 1,
                Err(problems) => problems.iter().for_each(|problem| judged.reply.wrong(line_number, problem)),
            }
        }
        Ok(judged)
    }

    /// One line: what is to be created, nothing when it is there already, or what is wrong.
    fn judge_line(
        &self,
        line: &str,
        is_new: bool,
        context: &mut Context<'_>,
    ) -> Result<Result<Option<Draft>, Vec<Problem>>, Error> {
        let (written, draft) = match self.draft(line, context)? {
            Ok((_, draft)) if is_new => return Ok(Ok(Some(draft))),
            Ok(drafted) => drafted,
            Err(problems) => return Ok(Err(problems)),
        };
        let reader = self.handle.reader();
        let schedule = &draft.schedule;
        if let Some(made) = self.made_before(schedule)? {
            return Ok(made.contradicted.map_or(Ok(None), |problem| Err(vec![problem])));
        }
        let known = if written { reader.key_of(schedule.id.as_str())? } else { None };
        if let Some(known) = known.map(|key| reader.schedule(key)).transpose()?.flatten() {
            if !self.sees(&known.1) {
                let problem = Problem::new("id", "is taken").value(schedule.id.as_str());
                return Ok(Err(vec![problem.hint("give this line another id")]));
            }
            let differing = differing(&known.1, &self.with_first(schedule)?, self.ends_by_config());
            if differing.is_empty() {
                return Ok(Ok(None));
            }
            let message = format!("exists already and says something else ({})", differing.join(", "));
            let hint = "change it with `chimewheel update`, or give this line another id";
            return Ok(Err(vec![Problem::new("id", message).value(schedule.id.as_str()).hint(hint)]));
        }
        if let Some(name) = &schedule.name
            && let Some(holder) = reader.by_name(&schedule.agent, name)?
            && reader.state(holder)?.is_some_and(|state| !state.status.is_over())
        {
            let message = format!("agent '{}' has a live schedule of this name", schedule.agent);
            return Ok(Err(vec![Problem::new("name", message).value(name).hint("give this line another name")]));
        }
        if let Some(problem) = self.buried(schedule)? {
            return Ok(Err(vec![problem]));
        }
        Ok(Ok(Some(draft)))
    }
}

impl Local {
    /// What a line says, and whether it says its id.
    fn draft(&self, line: &str, context: &mut Context<'_>) -> Result<Result<(bool, Draft), Vec<Problem>>, Error> {
        // Where each part stands is worth noting only when something is to be said about it.
        if let Some(raw) = RawSchedule::read_plain(line)
            && let Ok(drafted) = self.draft_of(&raw.into(), context)?
        {
            return Ok(Ok(drafted));
        }
        match serde_json::from_str(line) {
            Ok(json) => self.draft_of(&read(&Node::from_json(&json), ""), context),
            Err(error) => Ok(Err(vec![not_json(line, &error)])),
        }
    }

    fn draft_of(
        &self,
        reading: &Reading,
        context: &mut Context<'_>,
    ) -> Result<Result<(bool, Draft), Vec<Problem>>, Error> {
        let written = reading.raw.id.is_some();
        if !written {
            // An id that is made up just now is nobody's, and needs bits of its own.
            context.random = self.context()?.random;
        }
        context.default_zone = self.zone_of(reading.raw.agent.as_deref().unwrap_or(context.default_agent));
        let judged = validate_reading(reading, context).and_then(|draft| self.permit(draft, None));
        Ok(judged.map(|draft| (written, draft)))
    }
}

impl Imported {
    fn wrong(&mut self, line: usize, problem: &Problem) {
        self.problems.push(LineProblem { line: line as u64, problem: problem_to_json(problem) });
    }
}

fn chained(error: &ChainError) -> Problem {
    Problem::new("after.schedule", error.to_string())
}

fn not_json(line: &str, error: &serde_json::Error) -> Problem {
    let told = error.to_string();
    let why = told.split(" at line ").next().unwrap_or(&told);
    let problem = Problem::new("", format!("is not JSON at character {}: {why}", error.column()));
    problem.value(shorten(line)).hint("each line holds one JSON object, as `chimewheel export --jsonl` writes it")
}
