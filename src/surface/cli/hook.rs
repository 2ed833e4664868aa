//! `hook new`, `check` and `list`: the scripts of the folder.
//!
//! Invariants: a file that is there is never written over; one broken script hides neither the others nor their mistakes.
//! Not here: running a script (`hook_test`), the daemon's own reading of the folder (`serve`).

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::hook_args::{Hook, HookCheck, HookNew};
use super::hook_test;
use super::render::{finish, table};
use super::screen::{Screen, complain};
use super::setup::Setup;
use crate::limits;
use crate::problem::{Problem, nearest};
use crate::runtime::clock::Clock;
use crate::script::{Listed, Scripts};
use crate::spec::tree::shorten;
use crate::surface::error::{Code, Error};
use crate::surface::files::{FileProblems, read_folder, read_scripts, report, script_name, script_problems};

/// What `hook new` writes without `--like`.
const SKELETON: &str = include_str!("hook_skeleton.rhai");

macro_rules! shipped {
    ($($name:literal),+) => {
        [$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/", $name, ".rhai")))),+]
    };
}

/// The scripts to begin with.
const RECIPES: [(&str, &str); 8] = shipped![
    "greeting",
    "only-changes",
    "only-urgent",
    "model-by-day",
    "quiet-hours",
    "escalate",
    "pacing",
    "fan-out"
];
/// What they import.
const SHARED: [(&str, &str); 1] = shipped!["lib/text"];

/// The scripts of the folder, with all that is wrong.
pub struct Folder {
    /// Those that can be used.
    pub scripts: Scripts,
    /// What is wrong, by the script's name.
    pub broken: BTreeMap<String, FileProblems>,
}

impl Folder {
    /// Reads the folder of the config.
    pub fn read(setup: &Setup) -> Result<Self, Error> {
        let folder = &setup.config.scripts;
        let read = read_scripts(folder).map_err(|error| {
            Error::new(Code::Failed, format!("cannot read the scripts in {}: {error}", folder.display()))
        })?;
        let mut broken = BTreeMap::new();
        for problems in read.problems {
            broken.insert(script_name(&problems.file).to_owned(), problems);
        }
        let scripts = Scripts::new();
        for wrong in scripts.load(read.sources) {
            let found = script_problems(&wrong.error);
            let name = wrong.error.script.as_deref().unwrap_or_default().to_owned();
            let known = broken.entry(name).or_insert_with(|| FileProblems { problems: Vec::new(), ..found.clone() });
            // Whoever imports a script that is wrong has the same mistake.
            let news: Vec<Problem> = found.problems.into_iter().filter(|one| !known.problems.contains(one)).collect();
            known.problems.extend(news);
        }
        for listed in scripts.list() {
            if let Some(error) = &listed.broken {
                broken.entry(listed.name).or_insert_with(|| script_problems(error));
            }
        }
        Ok(Self { scripts, broken })
    }

    /// The names of all scripts, good and bad.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.scripts.list().iter().map(|listed| listed.name.clone()).collect();
        names.extend(self.broken.keys().cloned());
        names.sort();
        names.dedup();
        names
    }

    /// Refuses names that no script has.
    fn find(&self, wanted: &[String]) -> Result<Vec<String>, Error> {
        let names = self.names();
        if wanted.is_empty() {
            return Ok(names);
        }
        let told = |name: &String| {
            let near = nearest(name, names.iter().map(String::as_str));
            let hint = near.map_or("see `chimewheel hook list`".to_owned(), |near| format!("did you mean '{near}'?"));
            format!("there is no script '{}'; {hint}", shorten(name))
        };
        let unknown: Vec<String> = wanted.iter().filter(|name| !names.contains(name)).map(told).collect();
        if !unknown.is_empty() {
            return Err(Error::new(Code::NotFound, unknown.join("; ")));
        }
        Ok(wanted.to_vec())
    }
}

/// Runs one of the commands about scripts.
pub fn run(asked: &Hook, setup: &Setup, clock: &Arc<dyn Clock>, screen: &Screen) -> Result<u8, Error> {
    match asked {
        Hook::New(asked) => new(asked, setup, screen),
        Hook::Check(asked) => check(asked, setup, screen),
        Hook::Test(asked) => hook_test::run(asked, setup, clock, screen),
        Hook::List => list(setup, screen),
    }
}

/// Writes a script to begin with, and what it imports.
fn new(asked: &HookNew, setup: &Setup, screen: &Screen) -> Result<u8, Error> {
    let name = asked.name.strip_suffix(".rhai").unwrap_or(&asked.name);
    check_name(name)?;
    let source = match &asked.like {
        None => SKELETON.to_owned(),
        Some(like) => recipe(like)?,
    };
    let folder = &setup.config.scripts;
    let file = write(folder, name, &source)?.ok_or_else(|| {
        let message = format!("{} is there already", path(folder, name).display());
        Error::new(Code::Conflict, format!("{message}; remove it, or choose another name"))
    })?;
    let mut written = vec![file];
    for (shared, text) in SHARED {
        if source.contains(&format!("import \"{shared}\"")) {
            written.extend(write(folder, shared, text)?);
        }
    }
    let written: Vec<String> = written.iter().map(|file| file.display().to_string()).collect();
    screen.answer(
        || Ok(json!({"name": name, "written": written})),
        |_| {
            let wrote: String = written.iter().map(|file| format!("Wrote {file}.\n")).collect();
            format!(
                "{wrote}Next: chimewheel hook test {name}\n      then `hook: {name}` in a schedule, \
                 or --hook {name} on the command line.\n"
            )
        },
    )?;
    Ok(0)
}

fn recipe(like: &str) -> Result<String, Error> {
    let names = RECIPES.map(|(name, _)| name);
    let Some((name, text)) = RECIPES.into_iter().find(|(name, _)| *name == like) else {
        let near = nearest(like, names).map(|near| format!("did you mean '{near}'? ")).unwrap_or_default();
        let problem = Problem::new("--like", "is not a recipe").value(shorten(like));
        return Err(Error::bad_input(problem.hint(format!("{near}there are: {}", names.join(", ")))));
    };
    // The example lies beside the shipped script, not beside a copy.
    Ok(text.replace(&format!("//\n// Example: schedules/{name}.yaml\n"), ""))
}

/// A name whose file lies in the folder.
fn check_name(name: &str) -> Result<(), Error> {
    let is_plain = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && part.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
    };
    let is_deep = name.split('/').count() > limits::FOLDER_LEVELS_MAX;
    if name.len() <= limits::NAME_BYTES_MAX && !is_deep && name.split('/').all(is_plain) {
        return Ok(());
    }
    let problem = Problem::new("NAME", "cannot be the name of a script").value(shorten(name));
    Err(Error::bad_input(problem.hint("letters, digits, - and _, with / between folders, such as team/standup")))
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.rhai"))
}

/// Writes a file that is not there; `None`: it is.
fn write(folder: &Path, name: &str, text: &str) -> Result<Option<PathBuf>, Error> {
    let file = path(folder, name);
    let failed =
        |error: std::io::Error| Error::new(Code::Failed, format!("cannot write {}: {error}", file.display()));
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let opened = fs::File::options().write(true).create_new(true).open(&file);
    match opened.and_then(|mut opened| opened.write_all(text.as_bytes())) {
        Ok(()) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Says everything that is wrong with scripts; ends with 2 when anything is.
fn check(asked: &HookCheck, setup: &Setup, screen: &Screen) -> Result<u8, Error> {
    let folder = Folder::read(setup)?;
    let names = folder.find(&asked.names)?;
    let wrong: Vec<&FileProblems> = names.iter().filter_map(|name| folder.broken.get(name)).collect();
    if !screen.json {
        let drawn: BTreeMap<&str, &FileProblems> = wrong.iter().map(|wrong| (wrong.file.as_str(), *wrong)).collect();
        drawn.values().for_each(|problems| tell(problems, screen));
    }
    let shown = |name: &String| {
        let problems = folder.broken.get(name).map(report::to_json);
        json!({"name": name, "ok": problems.is_none(), "problems": problems.map_or(json!([]), |all| all["problems"].clone())})
    };
    screen.answer(
        || Ok(json!({"ok": wrong.is_empty(), "scripts": names.iter().map(shown).collect::<Vec<_>>()})),
        |_| match (names.as_slice(), wrong.len()) {
            ([], _) => none_yet(&setup.config.scripts),
            ([one], 0) => format!("{one} is in order.\n"),
            (many, 0) => format!("{} scripts are in order.\n", many.len()),
            (many, wrong) => format!("{wrong} of {} wrong.\n", count(many.len())),
        },
    )?;
    Ok(if wrong.is_empty() { 0 } else { Code::BadInput.exit() })
}

/// Draws the mistakes of one script on standard error.
pub fn tell(problems: &FileProblems, screen: &Screen) {
    complain(&screen.excerpt(problems.file.clone(), &problems.text, problems.problems.clone()));
}

fn none_yet(folder: &Path) -> String {
    format!("There are no scripts in {}; `chimewheel hook new NAME` writes one.\n", folder.display())
}

fn count(scripts: usize) -> String {
    if scripts == 1 { "1 script is".to_owned() } else { format!("{scripts} scripts are") }
}

/// Lists the scripts, and how many schedules of the folder of schedule files name each.
fn list(setup: &Setup, screen: &Screen) -> Result<u8, Error> {
    let folder = Folder::read(setup)?;
    let uses = uses(setup);
    let listed: BTreeMap<String, Listed> =
        folder.scripts.list().into_iter().map(|listed| (listed.name.clone(), listed)).collect();
    let functions = |name: &str| -> Vec<&str> {
        listed.get(name).map(|one| one.functions.iter().map(|function| function.name()).collect()).unwrap_or_default()
    };
    let summary = |name: &str| listed.get(name).and_then(|one| one.summary.clone()).unwrap_or_default();
    let broken = |name: &str| folder.broken.get(name).map(ToString::to_string);
    let names = folder.names();
    screen.answer(
        || {
            let scripts = names.iter().map(|name| {
                json!({
                    "name": name,
                    "functions": functions(name),
                    "summary": summary(name),
                    "schedule_files": uses.get(name).copied().unwrap_or(0),
                    "broken": broken(name),
                })
            });
            Ok(json!({"scripts": scripts.collect::<Vec<Value>>()}))
        },
        |look| {
            if names.is_empty() {
                return none_yet(&setup.config.scripts);
            }
            let mut table = table(look, &["SCRIPT", "FUNCTIONS", "IN FILES", "SUMMARY"]);
            for name in &names {
                let functions = if functions(name).is_empty() { "-".to_owned() } else { functions(name).join(", ") };
                let used = uses.get(name).map_or_else(|| "-".to_owned(), ToString::to_string);
                let summary = broken(name).map_or_else(|| summary(name).to_string(), |why| format!("BROKEN: {why}"));
                table.add_row([name.clone(), functions, used, summary]);
            }
            finish(&table)
        },
    )?;
    Ok(0)
}

/// How many schedules of the folder of schedule files name each hook; a folder that cannot be read has none.
fn uses(setup: &Setup) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    let files = read_folder(&setup.config.schedules).unwrap_or_default();
    for hook in files.iter().flat_map(|file| &file.declared).filter_map(|declared| declared.reading.raw.hook.clone())
    {
        *uses.entry(hook).or_insert(0) += 1;
    }
    uses
}
