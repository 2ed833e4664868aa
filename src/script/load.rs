//! Reading scripts: from source texts to hooks, with what they import.
//!
//! Invariants: a script imports only scripts of the same folder, by a name that stands in its text; all that it imports
//! is compiled into it when it is read, so that a call never reads anything; circles are refused; what a script does at
//! its top counts against the same limits as a call. Not here: which versions are kept (`mod`).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::{AST, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use super::error::{ScriptError, place_of};
use super::explain::Origin;
use super::guard::{self, Outcome};
use super::hook::Hook;
use crate::limits;
use crate::problem::nearest;

/// Texts by the scripts' names.
pub(super) type Sources = BTreeMap<String, Arc<str>>;

/// The scripts that are being read, as imports find them.
#[derive(Default)]
struct Desk {
    sources: Arc<Sources>,
    modules: BTreeMap<String, Shared<Module>>,
    /// What imports what, directly.
    imports: BTreeMap<String, BTreeSet<String>>,
    /// Which scripts are being read inside one another.
    open: Vec<String>,
}

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// Reads scripts that may import one another.
pub(super) struct Reading<'a> {
    engine: &'a Arc<Engine>,
}

impl<'a> Reading<'a> {
    /// Begins; only these scripts can be imported.
    pub(super) fn begin(engine: &'a Arc<Engine>, sources: Sources) -> Self {
        DESK.set(Some(Desk { sources: Arc::new(sources), ..Desk::default() }));
        Self { engine }
    }

    /// Whether a script's version was compiled with what its imports are now.
    pub(super) fn is_current(&self, hook: Option<&Hook>) -> bool {
        let imports = hook.map(|hook| hook.origin().imports.clone()).unwrap_or_default();
        with_desk(|desk| imports.iter().all(|(name, text)| desk.sources.get(name) == Some(text))).unwrap_or(false)
    }

    /// Reads one.
    pub(super) fn read(&self, name: &str, text: Arc<str>) -> Result<Hook, Vec<ScriptError>> {
        let mut origin = Origin { name: Some(name.into()), text: text.clone(), imports: Arc::default() };
        if text.len() > limits::SCRIPT_BYTES_MAX {
            let (bytes, bytes_max) = (text.len(), limits::SCRIPT_BYTES_MAX);
            return Err(vec![origin.error(None, format!("it has {bytes} bytes; {bytes_max} are allowed"))]);
        }
        with_desk(|desk| desk.open = vec![name.to_owned()]);
        let compiled = guard::watch_reading(|| self.engine.compile_into_self_contained(&Scope::new(), &*text));
        let sources = with_desk(|desk| desk.sources.clone()).unwrap_or_default();
        let uses = with_desk(|desk| uses(&desk.imports, name)).unwrap_or_default();
        let texts = uses.into_iter().filter_map(|name| sources.get(&name).cloned().map(|text| (name, text)));
        // A failed import is shown in the script that has the mistake, whether or not it was noted as imported.
        origin.imports = Arc::new(texts.collect());
        match compiled {
            Ok(Ok(mut ast)) => {
                ast.set_source(name);
                Hook::new(self.engine.clone(), ast, origin)
            }
            Ok(Err(error)) => Err(vec![ScriptError { function: None, ..origin.explain(String::new(), &error) }]),
            Err(panic) => Err(vec![origin.error(None, format!("the program failed while it read this: {panic}"))]),
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        DESK.set(None);
    }
}

/// What a script imports, directly or not.
fn uses(imports: &BTreeMap<String, BTreeSet<String>>, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![name];
    while let Some(name) = open.pop() {
        for import in imports.get(name).into_iter().flatten() {
            if found.insert(import.clone()) {
                open.push(import);
            }
        }
    }
    found
}

fn with_desk<T>(look: impl FnOnce(&mut Desk) -> T) -> Option<T> {
    DESK.with_borrow_mut(|desk| desk.as_mut().map(look))
}

/// Finds the scripts that others import.
pub(super) struct Folder;

impl Folder {
    /// The text of a script, noted as imported by the one that is being read.
    fn text(path: &str, position: Position) -> Outcome<Arc<str>> {
        let found = with_desk(|desk| {
            if let Some(importer) = desk.open.last().cloned() {
                desk.imports.entry(importer).or_default().insert(path.to_owned());
            }
            match desk.sources.get(path) {
                Some(text) => Ok(text.clone()),
                None => Err(unknown(path, desk.sources.keys().map(String::as_str))),
            }
        });
        let dynamic =
            || "import takes the name of a script as a plain text, so that it is known when this is read".to_owned();
        let position = if position.is_none() { Self::mention(path) } else { position };
        found.unwrap_or_else(|| Err(dynamic())).map_err(|why| error_at(why, position))
    }

    /// Where the script that is being read names another one; Rhai does not say.
    fn mention(path: &str) -> Position {
        let importer = with_desk(|desk| desk.open.last().and_then(|name| desk.sources.get(name)).cloned()).flatten();
        let text = importer.unwrap_or_default();
        let Some(at) = text.find(&format!("\"{path}\"")) else { return Position::NONE };
        let place = place_of(&text, at);
        match (u16::try_from(place.line), u16::try_from(place.column)) {
            (Ok(line), Ok(column)) => Position::new(line, column),
            _ => Position::NONE,
        }
    }
}

impl ModuleResolver for Folder {
    fn resolve(&self, engine: &Engine, _: Option<&str>, path: &str, position: Position) -> Outcome<Shared<Module>> {
        if let Some(module) = with_desk(|desk| desk.modules.get(path).cloned()).flatten() {
            Self::text(path, position)?;
            return Ok(module);
        }
        let text = Self::text(path, position)?;
        let open = with_desk(|desk| desk.open.clone()).unwrap_or_default();
        if open.iter().any(|name| name == path) {
            let circle = open.iter().map(String::as_str).chain([path]).collect::<Vec<_>>().join(" -> ");
            return Err(error_at(format!("scripts import one another in a circle: {circle}"), position));
        }
        if open.len() > limits::SCRIPT_IMPORTS_COUNT_MAX {
            return Err(EvalAltResult::ErrorTooManyModules(position).into());
        }
        with_desk(|desk| desk.open.push(path.to_owned()));
        let module = compile(engine, path, &text).and_then(|ast| Module::eval_ast_as_new(Scope::new(), &ast, engine));
        with_desk(|desk| desk.open.pop());
        let in_module = |error| EvalAltResult::ErrorInModule(path.to_owned(), error, position);
        let module: Shared<Module> = module.map_err(|error| Box::new(in_module(error)))?.into();
        with_desk(|desk| desk.modules.insert(path.to_owned(), module.clone()));
        Ok(module)
    }

    fn resolve_ast(&self, engine: &Engine, _: Option<&str>, path: &str, position: Position) -> Option<Outcome<AST>> {
        let in_module = |error| EvalAltResult::ErrorInModule(path.to_owned(), error, position).into();
        Some(Self::text(path, position).and_then(|text| compile(engine, path, &text).map_err(in_module)))
    }
}

fn compile(engine: &Engine, path: &str, text: &str) -> Outcome<AST> {
    let mut ast = engine.compile(text)?;
    ast.set_source(path);
    Ok(ast)
}

fn error_at(why: String, position: Position) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(why.into(), position).into()
}

/// A script that there is not.
pub(super) fn unknown<'a>(path: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let plain = path.trim_start_matches("./").trim_end_matches(".rhai");
    let near = known.iter().find(|name| **name == plain).copied().or_else(|| nearest(plain, known.iter().copied()));
    match near {
        Some(near) => format!("there is no script '{path}'; did you mean '{near}'?"),
        None => format!("there is no script '{path}'; scripts are named as in the folder, without .rhai"),
    }
}
