//! Hooks and templates: small scripts that shape a schedule's runs, and cannot do anything else.
//!
//! The road of a call: `Scripts` knows what was loaded; a [`Hook`] is one script, compiled with what it imports; a
//! [`Scene`] is one run as the script sees it. A [`Template`] is a text with `${…}` in it.
//! Invariants: a script reaches nothing but its scene; a call ends within its operations and its deadline, and neither a
//! mistake nor a panic in it is more than a [`ScriptError`]; what schedules share (scripts, their constants, vars) no
//! script can change; only this module names `rhai`.
//! Reading order: `scene`, `view`, `moment`, `answer` (what there is to see); `text`, `pattern`, `list`, `memory`, `show`
//! (the library); `guard`, `sandbox` (the limits); `load`, `hook`, `reply` (scripts); `hole`, `template`; `error`, `explain`,
//! `syntax` (mistakes).
//! Not here: when functions are called and what becomes of their answers (`runtime`, `engine`), reading files
//! (`surface`), the clock (the caller brings the deadline).

mod answer;
mod error;
mod explain;
mod guard;
mod hole;
mod hook;
mod json;
mod judge;
mod list;
mod load;
mod memory;
mod moment;
mod names;
mod pattern;
mod reply;
mod sandbox;
mod scene;
mod show;
mod syntax;
mod template;
mod text;
mod view;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rhai::Engine;

pub use error::ScriptError;
pub use guard::Deadline;
pub use hook::{Function, Hook};
pub use names::LIBRARY;
pub use reply::{Gate, OnFailure, Outgoing};
pub use scene::{Facts, Last, LastStatus, Scene, SessionFacts};
pub use template::Template;

use crate::limits;
use explain::Origin;
use load::{Folder, Reading, Sources, unknown};

/// All scripts of the folder, and the templates in use.
pub struct Scripts {
    engine: Arc<Engine>,
    known: RwLock<Arc<Known>>,
    /// Held by who loads, so that calls do not wait for what is compiled.
    loading: Mutex<()>,
    templates: Mutex<Generations>,
}

type Known = BTreeMap<String, Entry>;

/// One script: its latest text, the version that is used, and what is wrong with the latest.
#[derive(Clone)]
struct Entry {
    text: Arc<str>,
    hook: Option<Arc<Hook>>,
    errors: Vec<ScriptError>,
}

/// A script that was loaded and is not as it should be.
#[derive(Clone, Debug)]
pub struct Broken {
    /// What is wrong.
    pub error: ScriptError,
    /// Whether its last good version is still used.
    pub is_kept: bool,
}

/// One script of the folder.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name, without `.rhai`.
    pub name: String,
    /// What it defines; nothing: a library of others.
    pub functions: Vec<Function>,
    /// The comment at its top, its first line.
    pub summary: Option<String>,
    /// The first of what is wrong with its latest text.
    pub broken: Option<ScriptError>,
}

impl Default for Scripts {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts").finish_non_exhaustive()
    }
}

impl Scripts {
    /// No scripts yet.
    #[must_use]
    pub fn new() -> Self {
        let engine = Arc::new(sandbox::engine(Folder));
        Self { engine, known: RwLock::default(), loading: Mutex::default(), templates: Mutex::default() }
    }

    /// What the folder holds now, by name without `.rhai`: takes the place of what was known.
    ///
    /// Only what changed, or imports what changed, is compiled. A script that is wrong keeps its last good version.
    /// Answers with everything that is wrong.
    pub fn load(&self, sources: BTreeMap<String, String>) -> Vec<Broken> {
        let _turn = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.known();
        let sources: Sources = sources.into_iter().map(|(name, text)| (name, text.into())).collect();
        let reading = Reading::begin(&self.engine, self.importable(&sources, &before));
        let mut next = Known::new();
        for (name, text) in sources {
            let entry = before.get(&name);
            let is_same = entry.is_some_and(|entry| entry.text == text && reading.is_current(entry.hook.as_deref()));
            let entry = match entry {
                Some(entry) if is_same && entry.errors.is_empty() => entry.clone(),
                entry if next.len() < limits::SCRIPTS_COUNT_MAX => match reading.read(&name, text.clone()) {
                    Ok(hook) => Entry { text, hook: Some(Arc::new(hook)), errors: Vec::new() },
                    Err(errors) => Entry { text, hook: entry.and_then(|entry| entry.hook.clone()), errors },
                },
                _ => {
                    let origin =
                        Origin { name: Some(name.as_str().into()), text: text.clone(), imports: Arc::default() };
                    let why = format!("there are more than {} scripts", limits::SCRIPTS_COUNT_MAX);
                    Entry { text, hook: None, errors: vec![origin.error(None, why)] }
                }
            };
            next.insert(name, entry);
        }
        let broken = |entry: &Entry| {
            let is_kept = entry.hook.is_some();
            entry.errors.iter().map(|error| Broken { error: error.clone(), is_kept }).collect::<Vec<_>>()
        };
        let broken = next.values().flat_map(broken).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        broken
    }

    fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The texts that imports find: of a script whose latest text is no script, the last good one.
    fn importable(&self, sources: &Sources, known: &Known) -> Sources {
        let mut importable = Sources::new();
        for (name, text) in sources {
            let before = known.get(name);
            let is_known = before.is_some_and(|entry| entry.text == *text && entry.errors.is_empty());
            if is_known || text.len() <= limits::SCRIPT_BYTES_MAX && self.engine.compile(&**text).is_ok() {
                importable.insert(name.clone(), text.clone());
            } else if let Some(hook) = before.and_then(|entry| entry.hook.as_ref()) {
                importable.insert(name.clone(), hook.origin().text.clone());
            } else {
                // Its importers are told what is wrong with it.
                importable.insert(name.clone(), text.clone());
            }
        }
        importable
    }

    /// The scripts, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let known = self.known();
        let listed = known.iter().map(|(name, entry)| Listed {
            name: name.clone(),
            functions: entry.hook.iter().flat_map(|hook| hook.functions()).collect(),
            summary: summary(&entry.text),
            broken: entry.errors.first().cloned(),
        });
        listed.collect()
    }

    /// The latest text of a script.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map(|entry| entry.text.to_string())
    }

    /// The script of that name, as a hook.
    pub fn hook(&self, name: &str) -> Result<Arc<Hook>, ScriptError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let origin =
            |text: &Arc<str>| Origin { name: Some(name.into()), text: text.clone(), imports: Arc::default() };
        let Some(entry) = known.get(name) else {
            return Err(origin(&"".into()).error(None, unknown(name, known.keys().map(String::as_str))));
        };
        match (&entry.hook, entry.errors.first()) {
            (Some(hook), _) if hook.functions().next().is_some() => Ok(hook.clone()),
            (Some(_), _) => Err(ScriptError {
                hint: Some(format!("define one of {}", Function::ALL.map(Function::signature).join(", "))),
                ..origin(&entry.text).error(None, "it defines no function that a run would call")
            }),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Err(origin(&entry.text).error(None, "it was not read")),
        }
    }

    /// A text as a template; the same text is compiled once.
    pub fn template(&self, text: &str) -> Result<Arc<Template>, ScriptError> {
        if let Some(found) = self.templates.lock().unwrap_or_else(PoisonError::into_inner).get(text) {
            return Ok(found);
        }
        let template = Arc::new(Template::compile(&self.engine, text)?);
        self.templates.lock().unwrap_or_else(PoisonError::into_inner).insert(&template);
        Ok(template)
    }

    /// Whether a text is a template; it is not kept, since who asks this may never run it.
    pub(crate) fn check_template(&self, text: &str) -> Result<(), ScriptError> {
        if self.templates.lock().unwrap_or_else(PoisonError::into_inner).knows(text) {
            return Ok(());
        }
        Template::compile(&self.engine, text).map(drop)
    }
}

/// Templates by their text: those used lately, and those used before; when the first are many, the second are forgotten.
#[derive(Default)]
struct Generations {
    young: HashMap<Arc<str>, Arc<Template>>,
    young_bytes: usize,
    old: HashMap<Arc<str>, Arc<Template>>,
}

impl Generations {
    fn knows(&self, text: &str) -> bool {
        self.young.contains_key(text) || self.old.contains_key(text)
    }

    fn get(&mut self, text: &str) -> Option<Arc<Template>> {
        if let Some(found) = self.young.get(text) {
            return Some(found.clone());
        }
        let found = self.old.remove(text)?;
        self.insert(&found);
        Some(found)
    }

    fn insert(&mut self, template: &Arc<Template>) {
        let text = template.text();
        if self.young.len() >= limits::TEMPLATES_COUNT_MAX / 2
            || self.young_bytes + template.weight() > limits::TEMPLATES_BYTES_MAX / 2
        {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += template.weight();
        self.young.insert(text.clone(), template.clone());
    }
}

/// The first line of the comment at the top of a script.
fn summary(text: &str) -> Option<String> {
    let first = text.lines().find(|line| !line.trim().is_empty())?.trim();
    let said = first.strip_prefix("//")?.trim_start_matches(['/', '!']).trim();
    (!said.is_empty()).then(|| said.to_owned())
}
