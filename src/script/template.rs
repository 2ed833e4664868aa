//! Templates: texts with `${…}` in them.
//!
//! A template that holds only texts and paths, such as `${fire.weekday}`, is rendered here; any other one is made into a
//! backtick string of Rhai's and evaluated there. Invariants: both show the same; a place in a mistake is a place of the
//! template, whatever Rhai was given. Units: bytes inside, lines and columns outside.
//! Not here: what there is to see (`view`), the library (`text`).

use std::fmt::Write as _;
use std::sync::Arc;

use rhai::{AST, ASTNode, Dynamic, Engine, EvalAltResult, ImmutableString, Position, Scope, Stmt};
use serde_json::Value;

use super::error::{ScriptError, place_of};
use super::explain::Origin;
use super::guard::{self, Outcome};
use super::hole::{Hole, holes};
use super::moment::{Fields, LENGTHS, MOMENTS, PARTS};
use super::scene::{Run, Scene};
use super::view::{Part, Seen, View, no_field};
use super::{json, show, syntax};
use crate::limits;

/// A text with places in it that each run fills.
#[derive(Debug)]
pub struct Template {
    origin: Origin,
    form: Form,
    /// Bytes of its places.
    code_bytes: usize,
}

#[derive(Debug)]
enum Form {
    /// Texts and paths.
    Plain(Vec<Piece>),
    /// Anything else.
    Script(Box<Script>),
}

#[derive(Debug)]
enum Piece {
    Text(Box<str>),
    /// A path, and the byte of the template at which it stands.
    Path(Vec<Box<str>>, usize),
}

/// What Rhai was given.
#[derive(Debug)]
struct Script {
    engine: Arc<Engine>,
    ast: AST,
    origin: Origin,
    /// The names that it uses.
    roots: Vec<&'static str>,
    /// Where stretches begin, in it and in the template.
    stretches: Vec<(usize, usize)>,
}

/// What a path may begin with.
const ROOTS: [&str; 7] = ["ctx", "schedule", "fire", "last", "session", "vars", "state"];

/// How Rhai tells of statements, which it does not take here.
const STATEMENTS: [&str; 13] = [
    "unexpected 'let'",
    "unexpected 'const'",
    "unexpected 'for'",
    "unexpected 'while'",
    "unexpected 'loop'",
    "unexpected 'do'",
    "unexpected 'fn'",
    "unexpected 'import'",
    "unexpected 'return'",
    "unexpected 'throw'",
    "unexpected 'try'",
    "unexpected '{'",
    "a `{` is missing to start a statement block",
];

/// And the way out.
const ONLY_EXPRESSIONS: &str = "in a template stand expressions, without statements; a hook's message() has both";

impl Template {
    /// Reads a template.
    pub(super) fn compile(engine: &Arc<Engine>, text: &str) -> Result<Self, ScriptError> {
        let origin = Origin { name: None, text: text.into(), imports: Arc::default() };
        if text.len() > limits::TEMPLATE_BYTES_MAX {
            let (bytes, bytes_max) = (text.len(), limits::TEMPLATE_BYTES_MAX);
            return Err(origin.error(None, format!("it has {bytes} bytes; {bytes_max} are allowed")));
        }
        let holes = holes(&origin)?;
        let form = match plain(&origin, &holes)? {
            Some(pieces) => Form::Plain(pieces),
            None => Form::Script(Box::new(Script::compile(engine, &origin, &holes)?)),
        };
        let code_bytes = holes.iter().map(|hole| hole.inside.end - hole.from).sum();
        Ok(Self { origin, form, code_bytes })
    }

    /// The template itself.
    pub(super) const fn text(&self) -> &Arc<str> {
        &self.origin.text
    }

    /// Bytes that it takes, about.
    pub(super) fn weight(&self) -> usize {
        self.origin.text.len() + self.code_bytes * limits::TEMPLATE_CODE_BYTES_MAX
    }

    /// The text that it makes for a run.
    pub fn render(&self, scene: &Scene) -> Result<String, ScriptError> {
        let rendered = match &self.form {
            Form::Plain(pieces) => self.fill(&scene.0, pieces)?,
            Form::Script(script) => script.evaluate(scene, &self.origin)?,
        };
        if rendered.len() > limits::SCRIPT_TEXT_BYTES_MAX {
            let bytes_max = limits::SCRIPT_TEXT_BYTES_MAX;
            return Err(self.origin.error(None, format!("it would make more than {bytes_max} bytes")));
        }
        Ok(rendered)
    }

    fn fill(&self, run: &Run, pieces: &[Piece]) -> Result<String, ScriptError> {
        let mut filled = String::with_capacity(self.origin.text.len() + 32);
        for piece in pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Path(path, at) => {
                    write_path(run, path, &mut filled).map_err(|error| self.origin.error_in(*at, &error))?;
                }
            }
        }
        Ok(filled)
    }
}

impl Origin {
    fn error_in(&self, at: usize, error: &EvalAltResult) -> ScriptError {
        ScriptError { function: None, place: Some(place_of(&self.text, at)), ..self.explain(String::new(), error) }
    }
}

impl Script {
    fn compile(engine: &Arc<Engine>, origin: &Origin, holes: &[Hole]) -> Result<Self, ScriptError> {
        let mut text = String::from("`");
        let mut stretches = Vec::new();
        let mut done = 0;
        // A line break right after the opening backtick would be dropped.
        if origin.text.starts_with('\n') {
            text.push_str("${\"\"}");
        }
        for hole in holes {
            literal(&origin.text, done..hole.from, &mut text, &mut stretches);
            stretches.push((text.len(), hole.from));
            text.push_str(&origin.text[hole.from..=hole.inside.end]);
            done = hole.inside.end + 1;
        }
        literal(&origin.text, done..origin.text.len(), &mut text, &mut stretches);
        stretches.push((text.len(), origin.text.len()));
        text.push('`');
        let inside: Vec<&str> = holes.iter().map(|hole| &origin.text[hole.inside.clone()]).collect();
        let roots: Vec<&'static str> =
            ROOTS.into_iter().filter(|root| inside.iter().any(|code| code.contains(root))).collect();
        let mut scope = Scope::new();
        for root in ROOTS {
            if roots.contains(&root) {
                // A constant's value would be put in place of its name.
                scope.push(root, ());
            }
        }
        let given = Origin { name: None, text: text.into(), imports: Arc::default() };
        match guard::watch_reading(|| engine.compile_expression_with_scope(&scope, &*given.text)) {
            Ok(Ok(ast)) if let Some(at) = assignment(&ast) => Err(moved(
                &stretches,
                origin,
                ScriptError {
                    hint: Some(format!("to compare, write `==`; {ONLY_EXPRESSIONS}")),
                    ..given.error_at(at, "nothing can be changed here")
                },
            )),
            Ok(Ok(ast)) => Ok(Self { engine: engine.clone(), ast, origin: given, roots, stretches }),
            Ok(Err(error)) => {
                let error = syntax::explain(&given, &error.0, error.1);
                let is_statement = STATEMENTS.iter().any(|token| error.message.starts_with(token));
                let hint = if is_statement { Some(ONLY_EXPRESSIONS.to_owned()) } else { error.hint.clone() };
                Err(moved(&stretches, origin, ScriptError { hint, ..error }))
            }
            Err(panic) => Err(origin.error(None, format!("the program failed while it read this: {panic}"))),
        }
    }

    fn evaluate(&self, scene: &Scene, origin: &Origin) -> Result<String, ScriptError> {
        let evaluated = guard::watch(&scene.0, || self.shown(scene));
        let shown = match evaluated {
            Ok(Ok(text)) => {
                guard::failed().map_or_else(|| Ok(String::from(text)), |why| Err(origin.error(None, why)))
            }
            Ok(Err(error)) => Err(moved(
                &self.stretches,
                origin,
                ScriptError { function: None, ..self.origin.explain(String::new(), &error) },
            )),
            Err(panic) => Err(origin.error(None, format!("the program failed inside this template: {panic}"))),
        };
        let kept = scene.0.settle_state(shown.is_ok());
        let shown = shown?;
        kept.map_err(|why| origin.error(None, why))?;
        Ok(shown)
    }

    fn shown(&self, scene: &Scene) -> Outcome<ImmutableString> {
        let mut scope = Scope::new();
        for root in &self.roots {
            let value = match *root {
                "ctx" => View::ctx(&scene.0),
                root => View::value(&scene.0, (Part::Ctx.field(root)?.read)(&scene.0))?,
            };
            // Rhai sets what a function was asked of, if only to the same; what is in a view refuses any other.
            if value.is::<View>() {
                scope.push_dynamic(*root, value);
            } else {
                scope.push_constant_dynamic(*root, value);
            }
        }
        show::shown(&self.engine.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast)?)
    }
}

/// Where something is assigned to: the one statement that Rhai takes for an expression.
fn assignment(ast: &AST) -> Option<Position> {
    let mut found = None;
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(statement @ Stmt::Assignment(..))) = path.last() {
            found = Some(statement.position());
        }
        found.is_none()
    });
    found
}

/// A stretch of text as it stands in a backtick string, where a backtick is written twice and a carriage return is lost.
fn literal(template: &str, range: std::ops::Range<usize>, text: &mut String, stretches: &mut Vec<(usize, usize)>) {
    let mut at = range.start;
    for part in template[range].split_inclusive(['`', '\r']) {
        stretches.push((text.len(), at));
        at += part.len();
        match part.strip_suffix('\r') {
            Some(before) => {
                text.push_str(before);
                text.push_str("${\"\\r\"}");
            }
            None => text.push_str(part),
        }
        if part.ends_with('`') {
            text.push('`');
        }
    }
}

/// A mistake in what Rhai was given as one in the template.
fn moved(stretches: &[(usize, usize)], origin: &Origin, error: ScriptError) -> ScriptError {
    let place = error.place.map(|place| {
        let index = stretches.partition_point(|(given, _)| *given <= place.offset).saturating_sub(1);
        let (given, own) = stretches.get(index).copied().unwrap_or_default();
        place_of(&origin.text, own + place.offset.saturating_sub(given))
    });
    ScriptError { place, source_text: origin.text.clone(), script: None, ..error }
}

/// The pieces, where there is nothing in them but texts and paths that need no script.
fn plain(origin: &Origin, holes: &[Hole]) -> Result<Option<Vec<Piece>>, ScriptError> {
    let mut pieces = Vec::new();
    let mut done = 0;
    for hole in holes {
        let code = &origin.text[hole.inside.clone()];
        let path: Vec<&str> = code.trim().split('.').map(str::trim).collect();
        let is_name = |name: &&str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !path.iter().all(is_name) || !ROOTS.contains(&path[0]) {
            return Ok(None);
        }
        let at = hole.inside.start + (code.len() - code.trim_start().len());
        let path = if path[0] == "ctx" { &path[1..] } else { &path[..] };
        if !is_shown(path).map_err(|error| origin.error_in(at, &error))? {
            return Ok(None);
        }
        pieces.push(Piece::Text(origin.text[done..hole.from].into()));
        pieces.push(Piece::Path(path.iter().map(|name| Box::from(*name)).collect(), at));
        done = hole.inside.end + 1;
    }
    pieces.push(Piece::Text(origin.text[done..].into()));
    Ok(Some(pieces))
}

/// Whether a path from `ctx` on ends at something that is shown as it is; an error is a field that there is not.
fn is_shown(path: &[&str]) -> Outcome<bool> {
    let mut part = Part::Ctx;
    for (index, name) in path.iter().enumerate() {
        let rest = &path[index + 1..];
        part.field(name)?;
        part = match (part, *name) {
            (Part::Ctx, "schedule") => Part::Schedule,
            (Part::Ctx, "fire") => Part::Fire,
            (Part::Ctx, "last") => Part::Last,
            (Part::Ctx, "session") => Part::Session,
            (Part::Schedule, "destination") => Part::Destination,
            (_, "vars" | "labels" | "state") => return Ok(rest.len() == 1),
            (_, "local") => return known("local", rest, PARTS),
            (_, "late_by") => return Ok(rest.is_empty() || known("a duration", rest, LENGTHS)?),
            (_, "due" | "actual" | "at" | "last_user_at") => {
                return match rest {
                    ["local", rest @ ..] => known("local", rest, PARTS),
                    rest => Ok(rest.is_empty() || known("a time", rest, MOMENTS)?),
                };
            }
            _ => return Ok(rest.is_empty()),
        };
    }
    Ok(false)
}

fn known<T>(of: &str, rest: &[&str], fields: &[(&str, T)]) -> Outcome<bool> {
    let Some(name) = rest.first() else { return Ok(false) };
    let names = || fields.iter().map(|(name, _)| *name);
    if names().any(|known| known == *name) { Ok(rest.len() == 1) } else { Err(no_field(of, name, names())) }
}

/// Writes what a path from `ctx` on leads to.
fn write_path(run: &Run, path: &[Box<str>], filled: &mut String) -> Outcome<()> {
    if let [vars, name] = path
        && &**vars == "vars"
    {
        // Without making a map of all of them.
        match run.facts.schedule.vars.get(&**name) {
            Some(Value::String(text)) => filled.push_str(text),
            Some(value) => filled.push_str(&show::shown(&json::to_dynamic(value))?),
            None => {}
        }
        return Ok(());
    }
    let mut seen = Seen::Part(Part::Ctx);
    for name in path {
        seen = match seen {
            Seen::Part(part) => (part.field(name)?.read)(run),
            Seen::Parts(parts) => parts.named(name),
            Seen::Time(moment) => named(MOMENTS, &moment, name),
            Seen::Length(length) => named(LENGTHS, &length, name),
            Seen::Map(map) => map.get(&**name).map_or(Ok(Seen::Nothing), written)?,
            Seen::State => run.with_state(|state| state.get(&**name).map_or(Ok(Seen::Nothing), written))??,
            _ => return Err(format!("there is nothing that could have a field '{name}': it is ()").into()),
        };
    }
    match seen {
        Seen::Text(text) => filled.push_str(text),
        Seen::Made(text) => filled.push_str(&text),
        // Writing to a text does not fail.
        Seen::Number(number) => write!(filled, "{number}").unwrap_or_default(),
        Seen::Flag(flag) => filled.push_str(if flag { "true" } else { "false" }),
        Seen::Time(moment) => write!(filled, "{moment}").unwrap_or_default(),
        Seen::Length(length) => write!(filled, "{length}").unwrap_or_default(),
        Seen::Nothing | Seen::Part(_) | Seen::Parts(_) | Seen::Map(_) | Seen::State => {}
    }
    Ok(())
}

fn named<T>(fields: Fields<T>, of: &T, name: &str) -> Seen<'static> {
    fields.iter().find(|(known, _)| *known == name).map_or(Seen::Nothing, |(_, read)| read(of))
}

/// A value of a map as it is shown.
fn written(value: &Dynamic) -> Outcome<Seen<'static>> {
    Ok(Seen::Made(show::shown(value)?.into()))
}
