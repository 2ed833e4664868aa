//! `hook test`: tries a hook or a template on one run, made up or of a schedule that exists.
//!
//! Invariant: nothing is sent, stored or created; only with `--schedule` alone is anybody asked.
//! Not here: what a run asks of a script (`trial`), how it is printed (`hook_tried`).

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::commands::{read_file, with_operations};
use super::hook::{Folder, tell};
use super::hook_args::HookTest;
use super::hook_tried;
use super::reach::gateways;
use super::screen::Screen;
use super::setup::Setup;
use crate::gateway::TextLimit;
use crate::limits;
use crate::problem::Problem;
use crate::runtime::clock::{Clock, Stopwatch};
use crate::runtime::shaping::Reach;
use crate::script::{Deadline, Hook, Scene, ScriptError, Template};
use crate::spec::tree::{Node, shorten};
use crate::spec::{Context, Draft, Origin, Payload, Schedule, read, validate_reading};
use crate::surface::error::{Code, Error};
use crate::surface::files::{FileProblems, read_text, script_problems};
use crate::surface::ops::preview::read_time;
use crate::surface::ops::request::{self, FileText, Selector};
use crate::surface::ops::{perform, reply};
use crate::surface::trial::Trial;
use crate::surface::trial::context::{self, Told};

/// Why there is nothing to be tried.
enum Trouble {
    /// Mistakes in a text that can be shown.
    Drawn(FileProblems),
    /// Anything else.
    Other(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<ScriptError> for Trouble {
    fn from(error: ScriptError) -> Self {
        // Without a place there is nothing to draw.
        if error.place.is_some() {
            Self::Drawn(script_problems(&error))
        } else {
            bad(Problem::new("", error.to_string()))
        }
    }
}

fn bad(problem: Problem) -> Trouble {
    Trouble::Other(Error::bad_input(problem))
}

/// Tries it, and prints what came of it; ends with 1 when a function failed.
pub fn run(asked: &HookTest, setup: &Setup, clock: &Arc<dyn Clock>, screen: &Screen) -> Result<u8, Error> {
    match attempt(asked, setup, clock, screen) {
        Ok(code) => Ok(code),
        Err(Trouble::Other(error)) => Err(error),
        Err(Trouble::Drawn(problems)) if screen.json => Err(Error::problems(problems.problems)),
        Err(Trouble::Drawn(problems)) => {
            tell(&problems, screen);
            Ok(Code::BadInput.exit())
        }
    }
}

fn attempt(asked: &HookTest, setup: &Setup, clock: &Arc<dyn Clock>, screen: &Screen) -> Result<u8, Trouble> {
    let folder = Folder::read(setup)?;
    let (mut told, origin) = told(asked, setup, clock)?;
    let schedule = match &asked.file {
        Some(file) => of_file(file, asked, &folder, setup, clock)?,
        None => judged(&told.declaration(), asked, &folder, setup, clock)?,
    };
    let schedule = match &asked.template {
        Some(text) => Schedule { payload: Payload::Template(text.clone()), hook: None, ..schedule },
        None => schedule,
    };
    let hook = hook(asked, &schedule, &folder)?;
    let template = template(&schedule, &folder)?;
    if let Some(state) = &asked.state {
        told.state = Some(state_of(state)?);
    }
    let at = asked.at.as_deref().map(|text| read_time(text, schedule.zone));
    let at = at.transpose().map_err(|problem| {
        bad(Problem { path: "--at".into(), ..problem.value(shorten(asked.at.as_deref().unwrap_or_default())) })
    })?;
    let result = match &asked.result_file {
        Some(file) => Some(read_file(file)?.text),
        None => asked.result.clone().or_else(|| told.result.clone()),
    };
    let schedule = Arc::new(schedule);
    let facts = told.facts(schedule.clone(), at, clock.now());
    let watch = Stopwatch::start();
    let patience = std::time::Duration::from_millis(limits::SCRIPT_MS_MAX);
    let scene = Scene::new(facts.clone(), Deadline::new(move || watch.elapsed() > patience));
    let trial = Trial {
        hook: hook.as_deref(),
        template: template.as_deref(),
        schedule: &schedule,
        result,
        error: asked.error.clone(),
    };
    let tried = trial.run(&scene);
    // Only who may be written to is asked here; nothing is cut.
    let limits = gateways(setup).into_iter().map(|name| (name, TextLimit::None));
    let reach = Reach { gateways: limits.collect(), agents: Arc::new(setup.config.agents.clone()) };
    let elsewhere = tried.deliveries.iter().filter_map(|(to, _)| reach.refusal(&schedule, to.as_ref()?));
    let refused = tried.refused.iter().cloned().chain(elsewhere).collect();
    let shown =
        hook_tried::Shown { trial: &trial, facts: &facts, origin: &origin, scene: &scene, tried: &tried, refused };
    shown.print(screen)?;
    Ok(if tried.calls.iter().any(|call| call.said.is_err()) { Code::Failed.exit() } else { 0 })
}

/// What is said of the run, and by whom.
fn told(asked: &HookTest, setup: &Setup, clock: &Arc<dyn Clock>) -> Result<(Told, String), Trouble> {
    if let Some(file) = &asked.file {
        return Ok((Told::default(), format!("of {}", file.display())));
    }
    if let Some(file) = &asked.context {
        let name = file.display().to_string();
        let read = context::read(&read_file(file)?.text);
        let told = read.map_err(|problems| Trouble::Other(Error::problems(in_file(&name, problems))))?;
        return Ok((told, format!("of {name}")));
    }
    let Some(schedule) = &asked.schedule else {
        return Ok((Told::default(), "made up; --schedule, --file or --context gives another".to_owned()));
    };
    let selector = Selector { schedule: schedule.clone(), agent: asked.agent.clone(), generation: None };
    let (shown, runs) = with_operations(setup, clock, false, async |operations| {
        let shown = perform(operations, request::Show(selector.clone())).await?;
        let asked = request::Runs { schedule: shown.line.id.clone(), limit: Some(1), ..request::Runs::default() };
        let asked = request::Runs { agent: Some(shown.line.agent.clone()), ..asked };
        Ok((shown, perform(operations, asked).await?))
    })?;
    Ok((of_store(&shown, &runs), "of the store".to_owned()))
}

fn in_file(name: &str, problems: Vec<Problem>) -> Vec<Problem> {
    let path = |path: &str| if path.is_empty() { name.to_owned() } else { format!("{name}: {path}") };
    problems.into_iter().map(|problem| Problem { path: path(&problem.path), ..problem }).collect()
}

/// The next run of a schedule that exists.
fn of_store(shown: &reply::Shown, runs: &reply::RunsListed) -> Told {
    let mut told = Told::default();
    if let Value::Object(declared) = &shown.declaration {
        told.schedule = declared.clone();
    }
    told.schedule.insert("id".to_owned(), Value::from(shown.line.id.clone()));
    told.number = Some(shown.line.runs.saturating_add(1));
    told.due = shown.line.next.as_ref().map(|next| next.utc.0);
    if let Some(run) = runs.runs.first() {
        told.last.status = context::status(&run.outcome);
        told.last.at = run.settled_at.map(|at| at.0);
        told.last.text = run.execution.as_ref().and_then(|execution| execution.text.as_deref()).map(Arc::from);
    }
    told
}

/// What schedules are judged by here.
fn judge<T>(
    asked: &HookTest,
    folder: &Folder,
    setup: &Setup,
    clock: &Arc<dyn Clock>,
    judge: impl FnOnce(&Context<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut gateways = gateways(setup);
    // A context may tell of a gateway that only another machine has.
    if asked.context.is_some() {
        gateways.extend(["telegram", "discord", "slack", "matrix", "webhook", "email"].map(str::to_owned));
    }
    judge(&Context {
        default_zone: setup.zone,
        gateways: &gateways,
        routing: &setup.config.routing,
        scripts: &folder.scripts,
        origin: Origin::File,
        ..Context::new(clock.now())
    })
}

/// The schedule of a context, of the store, or none at all.
fn judged(
    declared: &Value,
    asked: &HookTest,
    folder: &Folder,
    setup: &Setup,
    clock: &Arc<dyn Clock>,
) -> Result<Schedule, Trouble> {
    let draft = judge(asked, folder, setup, clock, |context| {
        let problems = |problems| match &asked.context {
            Some(file) => in_file(&format!("{}: schedule", file.display()), problems),
            None => problems,
        };
        let reading = read(&Node::from_json(declared), "");
        validate_reading(&reading, context).map_err(|wrong| Trouble::Other(Error::problems(problems(wrong))))
    })?;
    Ok(draft.schedule)
}

/// The schedule of a file: the one that `--schedule` names, the only one, or the only one with this hook.
fn of_file(
    file: &Path,
    asked: &HookTest,
    folder: &Folder,
    setup: &Setup,
    clock: &Arc<dyn Clock>,
) -> Result<Schedule, Trouble> {
    let FileText { path: name, text } = read_file(file)?;
    let read = read_text(&name, &text);
    let (drafts, problems) = judge(asked, folder, setup, clock, |context| Ok(read.drafts(context)))?;
    if !problems.is_empty() {
        return Err(Trouble::Drawn(read.refusal(problems)));
    }
    let mut schedules: Vec<Schedule> = drafts.into_iter().map(|draft: Draft| draft.schedule).collect();
    let ids = schedules.iter().map(|schedule| schedule.id.to_string()).collect::<Vec<_>>().join(", ");
    if let Some(wanted) = &asked.schedule {
        let is_meant =
            |schedule: &Schedule| schedule.id.as_str() == wanted || schedule.name.as_deref() == Some(wanted);
        let found = schedules.into_iter().find(is_meant);
        let missing =
            || Error::new(Code::NotFound, format!("{name} has no schedule '{}'; it has {ids}", shorten(wanted)));
        return found.ok_or_else(|| missing().into());
    }
    if schedules.len() > 1 && asked.name.is_some() {
        schedules.retain(|schedule| schedule.hook == asked.name);
    }
    match schedules.len() {
        1 => Ok(schedules.remove(0)),
        _ => {
            let problem = Problem::new("--file", format!("has several schedules: {ids}")).value(name);
            Err(bad(problem.hint("say which one, with --schedule ID")))
        }
    }
}

/// The hook that is named, else the schedule's own; a template alone has none.
fn hook(asked: &HookTest, schedule: &Schedule, folder: &Folder) -> Result<Option<Arc<Hook>>, Trouble> {
    let Some(name) = asked.name.as_ref().or(schedule.hook.as_ref()) else {
        if matches!(schedule.payload, Payload::Template(_)) {
            return Ok(None);
        }
        let problem = Problem::new("NAME", "is missing, and the schedule has neither a hook nor a template");
        return Err(bad(problem.hint("name a script, as in `chimewheel hook test standup`, or give --template")));
    };
    // Of a script that is broken its mistakes are told.
    if let Some(problems) = folder.broken.get(name) {
        return Err(Trouble::Drawn(problems.clone()));
    }
    Ok(Some(folder.scripts.hook(name)?))
}

fn template(schedule: &Schedule, folder: &Folder) -> Result<Option<Arc<Template>>, Trouble> {
    match &schedule.payload {
        Payload::Template(text) => Ok(Some(folder.scripts.template(text)?)),
        Payload::Message(_) | Payload::Task(_) => Ok(None),
    }
}

fn state_of(text: &str) -> Result<Map<String, Value>, Trouble> {
    let wrong = |why: String| bad(Problem::new("--state", why).value(shorten(text)).hint("such as '{\"count\": 2}'"));
    match serde_json::from_str(text) {
        Ok(Value::Object(state)) => Ok(state),
        Ok(_) => Err(wrong("is not a JSON object".to_owned())),
        Err(error) => Err(wrong(format!("is not JSON: {error}"))),
    }
}
