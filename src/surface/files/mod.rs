//! Schedule files: texts and folders become declared schedules and problems with their places; and the folder of scripts.
//!
//! A YAML or JSON file holds one schedule, a list of them, or `schedules:` with a list; a YAML file may hold several
//! documents, each one of these. A TOML file holds one schedule at its top level or `[[schedules]]`. A schedule that
//! is alone in its file takes the file's stem as its id; in a list every entry names its own.
//! Invariant: one bad schedule hides neither the good ones beside it nor its own further mistakes.
//! Not here: what applying a file does (`ops`), drawing problems (`report`).

mod folder;
mod marks;
pub mod report;
mod scripts;
mod syntax;
mod text;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use folder::read_folder;
pub use scripts::{ScriptFolder, read_scripts, script_name, script_problems};
pub use syntax::Syntax;

use crate::id::stable_hash;
use crate::limits;
use crate::problem::{Place, Problem};
use crate::spec::tree::{Node, Value};
use crate::spec::{Context, Draft, Origin, Reading, Source, read, validate_reading};

use text::Text;

/// One file that was read.
#[derive(Clone, Debug)]
pub struct ScheduleFile {
    /// Its name, as `Source::file` keeps it.
    pub name: String,
    /// Its text, for excerpts; empty where it is none.
    pub text: Arc<str>,
    /// The schedules it declares, right or wrong.
    pub declared: Vec<Declared>,
    /// What is wrong with the file as a whole. Then not everything in it may be declared: nothing may be pruned by it.
    pub problems: Vec<Problem>,
}

/// One schedule that a file declares.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Name of the file.
    pub file: String,
    /// What was written, with the problems of its form.
    pub reading: Reading,
    /// The id where none is written: the stem of the file's name, for a schedule that is alone in it.
    pub fallback_id: Option<String>,
    /// Hash of what it says; formatting, comments and the order of keys do not count.
    pub content: u128,
    /// Where it begins.
    pub place: Option<Place>,
}

/// Problems of one file, with what is needed to draw them.
#[derive(Clone, Debug)]
pub struct FileProblems {
    /// Name of the file.
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl fmt::Display for FileProblems {
    /// One line a problem: `standup.yaml:3:8: schedule.cron: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            let colon = if problem.place.is_some() { ":" } else { ": " };
            write!(f, "{gap}{}{colon}{problem}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for FileProblems {}

impl ScheduleFile {
    /// Problems together with this file's text.
    #[must_use]
    pub fn refusal(&self, problems: Vec<Problem>) -> FileProblems {
        FileProblems { file: self.name.clone(), text: self.text.clone(), problems }
    }

    /// Judges every schedule of the file: the good ones in order, and all problems in the order of the text.
    #[must_use]
    pub fn drafts(&self, context: &Context<'_>) -> (Vec<Draft>, Vec<Problem>) {
        let mut drafts = Vec::new();
        let mut problems = self.problems.clone();
        for declared in &self.declared {
            match declared.draft(context) {
                Ok(draft) => drafts.push(draft),
                Err(wrong) => problems.extend(wrong),
            }
        }
        (drafts, problems)
    }
}

impl Declared {
    /// The id it is declared under, valid or not; `None` when it is missing or unreadable.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.reading.raw.id.as_deref().or(self.fallback_id.as_deref())
    }

    /// Judges it; origin, id and source come from the file, the rest from the given context.
    pub fn draft(&self, context: &Context<'_>) -> Result<Draft, Vec<Problem>> {
        let source = Source { file: self.file.clone(), content: Some(self.content) };
        let context = Context {
            origin: Origin::File,
            fallback_id: self.fallback_id.as_deref(),
            source: Some(source),
            ..context.clone()
        };
        validate_reading(&self.reading, &context)
    }
}

/// Reads the bytes of one file; its name decides the syntax.
#[must_use]
pub fn read_bytes(name: &str, bytes: &[u8]) -> ScheduleFile {
    if bytes.len() > limits::FILE_BYTES_MAX {
        return unread(name, Problem::new("", too_long(bytes.len() as u64, limits::FILE_BYTES_MAX)));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => read_text(name, text),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            unread(name, Problem::new("", format!("is not text: line {line} is not UTF-8")))
        }
    }
}

/// Reads the texts of the files of one folder, given as name and text; ids declared twice are marked.
#[must_use]
pub fn read_texts(texts: impl IntoIterator<Item = (String, String)>) -> Vec<ScheduleFile> {
    let mut files: Vec<ScheduleFile> = texts.into_iter().map(|(name, text)| read_text(&name, &text)).collect();
    mark_doubles(&mut files);
    files
}

/// Reads the text of one file; its name decides the syntax.
#[must_use]
pub fn read_text(name: &str, text: &str) -> ScheduleFile {
    if text.len() > limits::FILE_BYTES_MAX {
        return unread(name, Problem::new("", too_long(text.len() as u64, limits::FILE_BYTES_MAX)));
    }
    let Some(syntax) = Syntax::of(name) else {
        return unread(name, Problem::new("", "is not a .yaml, .yml, .toml or .json file"));
    };
    let text = Text::new(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut file =
        ScheduleFile { name: name.to_owned(), text: text.text.clone(), declared: Vec::new(), problems: Vec::new() };
    match syntax.trees(&text) {
        Ok(trees) => declare(&mut file, &trees),
        Err(problems) => file.problems = problems,
    }
    mark_doubles(std::slice::from_mut(&mut file));
    file
}

/// The trees of a text whose name tells its syntax, for those who read other programs' files.
pub fn read_trees(name: &str, text: &str) -> Result<Vec<Node>, Vec<Problem>> {
    if text.len() > limits::FILE_BYTES_MAX {
        return Err(vec![Problem::new("", too_long(text.len() as u64, limits::FILE_BYTES_MAX))]);
    }
    let text = Text::new(text.strip_prefix('\u{feff}').unwrap_or(text));
    Syntax::of(name).map_or_else(|| Ok(Vec::new()), |syntax| syntax.trees(&text))
}

/// A file that could not be read at all.
fn unread(name: &str, problem: Problem) -> ScheduleFile {
    ScheduleFile { name: name.to_owned(), text: "".into(), declared: Vec::new(), problems: vec![problem] }
}

fn too_long(bytes: u64, most: usize) -> String {
    format!("is {bytes} bytes long, more than {most}")
}

/// Finds the schedules in the trees of a file.
fn declare(file: &mut ScheduleFile, trees: &[Node]) {
    let mut found: Vec<(String, &Node)> = Vec::new();
    let documents: Vec<&Node> = trees.iter().filter(|tree| tree.value != Value::Null).collect();
    if documents.is_empty() {
        file.problems.push(Problem::new("", "holds no schedule").hint("write one, or remove the file"));
        return;
    }
    let mut alone = documents.len() == 1;
    for (index, document) in documents.iter().enumerate() {
        let base = if documents.len() == 1 { String::new() } else { format!("[{index}]") };
        let (list, key) = match (&document.value, document.get("schedules").map(|list| &list.value)) {
            (Value::List(items), _) => (items, ""),
            (Value::Map(entries), Some(Value::List(items))) => {
                beside_list(file, entries.iter().filter(|entry| entry.key != "schedules"));
                (items, if base.is_empty() { "schedules" } else { ".schedules" })
            }
            _ => {
                found.push((base, document));
                continue;
            }
        };
        alone = false;
        found.extend(list.iter().enumerate().map(|(place, item)| (format!("{base}{key}[{place}]"), item)));
    }
    if found.len() > limits::FILE_SCHEDULES_MAX {
        let wrong = format!("holds {} schedules, more than {}", found.len(), limits::FILE_SCHEDULES_MAX);
        file.problems.push(Problem::new("", wrong));
        return;
    }
    let mut wrong = 0;
    for (base, node) in found {
        let declared = declaration(&file.name, node, &base, alone);
        wrong += declared.reading.problems.len();
        file.declared.push(declared);
        if wrong > limits::PROBLEMS_COUNT_MAX {
            give_up(file);
            return;
        }
    }
}

/// A text with this many problems is not what its author thinks it is; reading on would only cost time.
fn give_up(file: &mut ScheduleFile) {
    let found = std::mem::take(&mut file.declared).into_iter().flat_map(|declared| declared.reading.problems);
    file.problems.extend(found);
    file.problems.truncate(limits::PROBLEMS_COUNT_MAX);
    let message = format!("has more than {} problems: the rest was not read", limits::PROBLEMS_COUNT_MAX);
    file.problems.push(Problem::new("", message));
}

/// Keys beside `schedules` belong to no schedule.
fn beside_list<'n>(file: &mut ScheduleFile, others: impl Iterator<Item = &'n crate::spec::tree::Entry>) {
    for entry in others.take(limits::PROBLEMS_COUNT_MAX) {
        let mut problem = Problem::new(&*entry.key, format!("unknown key '{}' beside 'schedules'", entry.key));
        problem.hint = Some("a file holds either one schedule or a list of them".to_owned());
        problem.place = entry.key_place;
        file.problems.push(problem);
    }
}

fn declaration(file: &str, node: &Node, base: &str, alone: bool) -> Declared {
    let mut reading = read(node, base);
    let stem = file.rsplit('/').next().unwrap_or(file);
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    if !alone && matches!(&node.value, Value::Map(_)) && node.get("id").is_none_or(|id| id.value == Value::Null) {
        let mut problem = Problem::new(format!("{base}.id"), "is missing: in a list every schedule names its id");
        problem.place = node.head();
        reading.problems.push(problem);
    }
    // The writing has one order and one shape whatever the text looked like, so its JSON is canonical. It holds only
    // texts, numbers and maps with text keys, which always become JSON.
    let json = serde_json::to_string(&reading.raw).unwrap_or_default();
    let cleared: Vec<&str> = reading.cleared.iter().map(String::as_str).collect();
    Declared {
        file: file.to_owned(),
        content: stable_hash(&[&json, &cleared.join(" ")]),
        fallback_id: alone.then(|| stem.to_owned()),
        place: node.head(),
        reading,
    }
}

/// Reports every id that is declared again, at the later place and with the earlier one.
pub(super) fn mark_doubles(files: &mut [ScheduleFile]) {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for declared in files.iter_mut().flat_map(|file| &mut file.declared) {
        let Some(id) = declared.id().map(str::to_owned) else { continue };
        let place = declared.reading.place("id").or(declared.place);
        let here = place.map_or(declared.file.clone(), |place| format!("{}:{}", declared.file, place.line));
        let Some(there) = first.get(&id) else {
            first.insert(id, here);
            continue;
        };
        let path = if declared.reading.base.is_empty() { String::new() } else { declared.reading.base.clone() + "." };
        let message = format!("id '{id}' is declared twice, here ({here}) and in {there}");
        let mut problem = Problem::new(format!("{path}id"), message).hint("give one of them another id");
        problem.place = place;
        if !declared.reading.problems.iter().any(|known| known.message.starts_with("id '")) {
            declared.reading.problems.push(problem);
        }
    }
}
