//! `import` of other programs' files: reads them, applies what they declare in one operation, and tells what was taken,
//! changed, refused and left out (`brought`).
//!
//! Each declaration is applied like a file of its own in a folder named by the import: what is there already stays,
//! what is new in it replaces, and one that is refused holds up no other. So an import can be repeated.
//! Invariant: a file that cannot be read as a whole changes nothing.
//! Not here: what formats mean (`surface/import`), JSON Lines (`import`).

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::{Value, json};

use super::args::{Crontab, EngineJson, Import, Kind};
use super::brought::Told;
use super::screen::{Screen, complain};
use super::setup::Setup;
use crate::config::Surroundings;
use crate::limits;
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::import::crontab::Become;
use crate::surface::import::duragent::Stored;
use crate::surface::import::{Brought, Wishes, crontab, duragent, engine, heartbeat, openclaw};
use crate::surface::ops::{Operations, perform};

/// Imports one file, or one folder.
pub async fn bring(import: &Import, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let (kind, file, manner, mut brought) = match import {
        Import::Duragent(asked) => {
            let brought = duragent::read(&folder(&asked.folder)?, &Wishes::default());
            ("duragent", &asked.folder, asked.manner, brought)
        }
        Import::Heartbeat(asked) => {
            let text = read_text(&asked.file)?;
            let wishes = Wishes { agent: asked.agent.clone(), to: None, timezone: asked.timezone.clone() };
            let brought = heartbeat::read(&shown(&asked.file), &text, &wishes);
            ("heartbeat", &asked.file, asked.manner, brought)
        }
        Import::Openclaw(asked) => {
            let text = read_text(&asked.file)?;
            let wishes = Wishes { agent: None, to: asked.to.clone(), timezone: asked.timezone.clone() };
            let name = shown(&asked.file);
            let read = openclaw::read(&name, &text, &wishes);
            let brought = read.map_err(|problems| broken(&name, &text, problems, screen))?;
            ("openclaw", &asked.file, asked.manner, brought)
        }
        Import::Crontab(asked) => ("crontab", &asked.file, asked.manner, lines(asked)?),
        Import::Bulk(_) | Import::EngineJson(_) => {
            return Err(Error::new(Code::NotBuilt, "this import is not built into this version"));
        }
    };
    if brought.items.len() > limits::FOLDER_FILES_MAX {
        let message = format!("declares {} schedules, more than {}", brought.items.len(), limits::FOLDER_FILES_MAX);
        return Err(Error::new(Code::TooLarge, message));
    }
    // What is refused without an id may be what an earlier import brought: then nothing counts as gone.
    let doubtful = brought.refused.iter().any(|omission| omission.id.is_none());
    if manner.prune && doubtful {
        brought.notes.push("nothing is cancelled, because it is not known what the refused parts declare".to_owned());
    }
    let prune = manner.prune && !doubtful;
    let source = format!("{kind}:{}", base_name(file));
    let reply = perform(operations, brought.request(&source, prune, manner.dry_run)).await?;
    Told::of(&source, brought, reply).print(screen)
}

/// Says what an `engine.json` means here.
pub fn engine_json(asked: &EngineJson, setup: &Setup, screen: &Screen) -> Result<u8, Error> {
    let name = shown(&asked.file);
    let text = read_text(&asked.file)?;
    let base = setup.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let around = Surroundings { base, home: None, zone: &|_| Ok(()), filter: &|_| Ok(()), tool: &|_| Ok(()) };
    let keys = engine::read(&text, around).map_err(|problems| broken(&name, &text, problems, screen))?;
    screen.answer(
        || {
            let keys: Vec<Value> = keys
                .iter()
                .map(|key| json!({"key": key.path, "value": key.value, "setting": key.line, "note": key.note}))
                .collect();
            Ok(json!({"file": name, "keys": keys}))
        },
        |_| {
            let lines = engine::to_toml(&keys);
            let mut text = if lines.is_empty() {
                "Nothing in it has a setting here.\n".to_owned()
            } else {
                format!("# for chimewheel.toml, at its top\n{lines}")
            };
            if keys.iter().any(|key| key.line.is_some() && key.path.starts_with("heartbeat.")) {
                text.push_str("# heartbeat.file = \"HEARTBEAT.md\" names the file that this is said of\n");
            }
            for key in &keys {
                if let Some(note) = &key.note {
                    // Writing to a String cannot fail.
                    let _ = writeln!(text, "# {} = {}: {note}", key.path, key.value);
                }
            }
            text
        },
    )?;
    Ok(0)
}

fn lines(asked: &Crontab) -> Result<Brought, Error> {
    let becoming = match (asked.becomes, &asked.model) {
        (Some(Kind::Task), Some(model)) => Become::Task(model.clone()),
        (Some(Kind::Message), None) => Become::Message,
        (None, None) => Become::Nothing,
        (Some(Kind::Message) | None, Some(_)) | (Some(Kind::Task), None) => {
            let problem = Problem::new("--model", "belongs to --as task");
            return Err(Error::bad_input(problem.hint("write --as task --model PROVIDER/MODEL, or --as message")));
        }
    };
    let wishes = Wishes { agent: asked.agent.clone(), to: asked.to.clone(), timezone: asked.timezone.clone() };
    let text = read_text(&asked.file)?;
    Ok(crontab::read(&shown(&asked.file), &text, asked.system, &becoming, &wishes))
}

/// The file's name as it was given; standard input has one, too.
fn shown(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

/// What an import is known by: the file's own name, or that of the folder.
fn base_name(file: &Path) -> String {
    let whole = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    whole.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn broken(name: &str, text: &str, problems: Vec<Problem>, screen: &Screen) -> Error {
    if !screen.json {
        complain(&screen.excerpt(name.to_owned(), text, problems.clone()));
    }
    Error { message: format!("{name} cannot be read: nothing was applied"), ..Error::problems(problems) }
}

fn read_text(file: &Path) -> Result<String, Error> {
    let shown = shown(file);
    let refused = |why: String| Error::new(Code::BadInput, format!("cannot read {shown}: {why}"));
    let limit = limits::FILE_BYTES_MAX as u64;
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().lock().take(limit + 1).read_to_string(&mut text)
    } else {
        let opened = fs::File::open(file).map_err(|error| refused(error.to_string()))?;
        opened.take(limit + 1).read_to_string(&mut text)
    };
    read.map_err(|error| refused(error.to_string()))?;
    if text.len() as u64 > limit {
        return Err(refused(format!("it is longer than {limit} bytes")));
    }
    Ok(text)
}

/// The schedules of a duragent folder with their run logs, in the order of their names.
fn folder(folder: &Path) -> Result<Vec<Stored>, Error> {
    let below = folder.join("schedules");
    let place = if below.is_dir() { below } else { folder.to_owned() };
    let refused =
        |error: io::Error| Error::new(Code::BadInput, format!("cannot read the folder {}: {error}", place.display()));
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(&place).map_err(refused)? {
        let name = entry.map_err(refused)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            names.push(name);
        }
    }
    if names.len() > limits::FOLDER_FILES_MAX {
        let message = format!("{} holds more than {} files", place.display(), limits::FOLDER_FILES_MAX);
        return Err(Error::new(Code::TooLarge, message));
    }
    names.sort();
    let stored = |name: String| {
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let runs = place.join("runs").join(format!("{stem}.jsonl"));
        let runs = if runs.is_file() { Some(read_text(&runs)?) } else { None };
        Ok(Stored { text: read_text(&place.join(&name))?, name, runs })
    };
    names.into_iter().map(stored).collect()
}
