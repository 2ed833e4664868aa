//! `import`: many schedules at once, one JSON object a line.
//!
//! Invariants: a line that is there already is left alone and counted; a request with a wrong line creates nothing,
//! unless wrong lines are to be skipped; what is created shares commits.
//! Not here: reading the file, doubles in it, the order of its lines (`cli`).

use serde_json::Value;

use super::super::reply::{Imported, LineProblem};
use super::super::request::Import;
use super::Local;
use super::declare::declaration;
use super::differing::differing;
use crate::problem::Problem;
use crate::runtime::{Done, Op, OpError};
use crate::spec::tree::{Node, shorten};
use crate::spec::{Context, Draft, read, validate_reading};
use crate::surface::error::{Error, problem_to_json};

/// What the lines of a request come to.
#[derive(Default)]
struct Judged {
    drafts: Vec<(usize, Draft)>,
    reply: Imported,
}

impl Local {
    pub(super) async fn import(&self, import: Import) -> Result<Imported, Error> {
        let Import { text, check, skip_bad } = import;
        let Judged { drafts, mut reply } = self.reading(move |local| local.judge_lines(&text)).await?;
        if check || !(skip_bad || reply.problems.is_empty()) {
            return Ok(reply);
        }
        let (lines, ops): (Vec<usize>, Vec<Op>) =
            drafts.into_iter().map(|(line, draft)| (line, Op::Create(declaration(draft)))).unzip();
        for (line, done) in lines.into_iter().zip(self.handle.ask_all_by(self.by(), ops).await) {
            match done {
                Ok(Done::Existing(_)) => reply.existing += 1,
                Ok(_) => reply.created += 1,
                Err(error @ (OpError::Busy | OpError::Stopped(_) | OpError::Store(_))) => return Err(error.into()),
                Err(error) => reply.wrong(line, &Problem::new("", error.to_string())),
            }
        }
        Ok(reply)
    }

    fn judge_lines(&self, text: &str) -> Result<Judged, Error> {
        let mut judged = Judged::default();
        let mut context = self.context()?;
        for (place, line) in text.lines().enumerate() {
            let line_number = place + 1;
            if line.trim().is_empty() {
                continue;
            }
            match self.judge_line(line, &mut context)? {
                Ok(Some(draft)) => judged.drafts.push((line_number, draft)),
                Ok(None) => judged.reply.existing += 1,
                Err(problems) => problems.iter().for_each(|problem| judged.reply.wrong(line_number, problem)),
            }
        }
        judged.reply.good = judged.drafts.len() as u64;
        Ok(judged)
    }

    /// One line: what is to be created, nothing when it is there already, or what is wrong.
    fn judge_line(
        &self,
        line: &str,
        context: &mut Context<'_>,
    ) -> Result<Result<Option<Draft>, Vec<Problem>>, Error> {
        let json: Value = match serde_json::from_str(line) {
            Ok(json) => json,
            Err(error) => return Ok(Err(vec![not_json(line, &error)])),
        };
        // An id that is made up just now is nobody's, and needs bits of its own.
        let written = json.get("id").is_some_and(Value::is_string);
        if !written {
            context.random = self.context()?.random;
        }
        let reading = read(&Node::from_json(&json), "");
        context.default_zone = self.zone_of(reading.raw.agent.as_deref().unwrap_or(context.default_agent));
        let judged = validate_reading(&reading, context);
        let draft = match judged.and_then(|draft| self.permit(draft, None)) {
            Ok(draft) => draft,
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
            let differing = differing(&known.1, schedule, self.ends_by_config());
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
        Ok(Ok(Some(draft)))
    }
}

impl Imported {
    fn wrong(&mut self, line: usize, problem: &Problem) {
        self.problems.push(LineProblem { line: line as u64, problem: problem_to_json(problem) });
    }
}

fn not_json(line: &str, error: &serde_json::Error) -> Problem {
    let told = error.to_string();
    let why = told.split(" at line ").next().unwrap_or(&told);
    let problem = Problem::new("", format!("is not JSON at character {}: {why}", error.column()));
    problem.value(shorten(line)).hint("each line holds one JSON object, as `chimewheel export --jsonl` writes it")
}
