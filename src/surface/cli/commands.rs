//! Commands that ask for operations: each builds a request, prints the reply.
//!
//! Not here: reading arguments (`args`), drawing (`render`).

use std::fs;
use std::io::Read as _;
use std::path::Path;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::args::{self, Command, ExportFormat, One};
use super::offline::{preview_request, print_times};
use super::render;
use super::screen::{Screen, print};
use super::setup::Setup;
use crate::limits;
use crate::surface::admin::{Token, read_address};
use crate::surface::error::{Code, Error, problem_from_json};
use crate::surface::ops::request::{self, Add, Export, FileText, List, Selector};
use crate::surface::ops::{Operation, Operations, Reply, perform};
use crate::surface::remote::Remote;

/// Runs a command on a runtime of its own.
pub fn run(command: Command, setup: &Setup, screen: &Screen) -> u8 {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match built {
        Ok(runtime) => runtime.block_on(async {
            let operations = reach(&setup.config.data)?;
            ask(command, operations.as_ref(), screen).await
        }),
        Err(error) => Err(Error::new(Code::Failed, format!("cannot start: {error}"))),
    };
    outcome.unwrap_or_else(|error| screen.trouble(&error))
}

/// The daemon that owns a data folder.
fn reach(data: &Path) -> Result<Box<dyn Operations>, Error> {
    let address = read_address(data)?.ok_or_else(|| {
        let message = format!("no daemon runs on {}; start one with `chimewheel serve`", data.display());
        Error::new(Code::Unreachable, message)
    })?;
    Ok(Box::new(Remote::new(address, Token::load(data)?)))
}

async fn ask(command: Command, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    match command {
        Command::Add(add) => {
            let reply = perform(operations, add_request(&add)?).await?;
            show(screen, Reply::Add(reply.clone()), |look| render::added(&reply, look))
        }
        Command::List(list) => {
            let reply = perform(operations, list_request(&list)).await?;
            show(screen, Reply::List(reply.clone()), |look| render::listed(&reply, look))
        }
        Command::Show(one) => {
            let reply = perform(operations, request::Show(one.selector())).await?;
            show(screen, Reply::Show(reply.clone()), |look| render::shown(&reply, look))
        }
        Command::Update(update) => {
            let reply = perform(operations, update_request(&update)?).await?;
            show(screen, Reply::Update(reply.clone()), |look| render::updated(&reply, look))
        }
        Command::Cancel(one) => change(screen, operations, request::Cancel(one.selector()), Reply::Cancel).await,
        Command::Pause(one) => change(screen, operations, request::Pause(one.selector()), Reply::Pause).await,
        Command::Resume(one) => change(screen, operations, request::Resume(one.selector()), Reply::Resume).await,
        Command::RunNow(one) => {
            let reply = perform(operations, request::RunNow(one.selector())).await?;
            show(screen, Reply::RunNow(reply.clone()), |_| render::started(&reply))
        }
        Command::Runs(runs) => {
            let reply = perform(operations, runs_request(&runs)).await?;
            show(screen, Reply::Runs(reply.clone()), |look| render::runs(&reply, look))
        }
        Command::Next(next) => print_times(&perform(operations, preview_request(&next)).await?, screen),
        Command::Apply(apply) => self::apply(&apply, operations, screen).await,
        Command::Export(export) => self::export(export, operations, screen).await,
        Command::Status => {
            let reply = perform(operations, request::Status {}).await?;
            show(screen, Reply::Status(reply.clone()), |look| render::status(&reply, look))
        }
        Command::Serve(_) | Command::Guide(_) | Command::Config(_) => {
            Err(Error::new(Code::NotBuilt, "this command is not built into this version"))
        }
    }
}

fn show(screen: &Screen, reply: Reply, text: impl FnOnce(render::Look) -> String) -> Result<u8, Error> {
    screen.answer(|| reply.to_json(), text)?;
    Ok(0)
}

async fn change<O>(
    screen: &Screen,
    operations: &dyn Operations,
    request: O,
    wrap: fn(crate::surface::ops::reply::Changed) -> Reply,
) -> Result<u8, Error>
where
    O: Operation<Reply = crate::surface::ops::reply::Changed>,
{
    let reply = perform(operations, request).await?;
    show(screen, wrap(reply.clone()), |look| render::changed(&reply, look))
}

impl One {
    fn selector(&self) -> Selector {
        Selector { schedule: self.schedule.clone(), agent: self.agent.clone() }
    }
}

fn add_request(add: &args::Add) -> Result<Add, Error> {
    match &add.file {
        Some(file) => Ok(Add { file: Some(read_text(file)?), dry_run: add.dry_run, ..Add::default() }),
        None => Ok(Add { schedule: Some(add.fields.to_json()?), dry_run: add.dry_run, ..Add::default() }),
    }
}

fn list_request(list: &args::List) -> List {
    List { agent: list.agent.clone(), status: list.status.map(word), all: list.all, limit: list.limit, cursor: None }
}

fn runs_request(runs: &args::Runs) -> request::Runs {
    request::Runs {
        schedule: runs.one.schedule.clone(),
        agent: runs.one.agent.clone(),
        limit: Some(runs.limit),
        outcome: runs.outcome.map(word),
    }
}

fn update_request(update: &args::Update) -> Result<request::Update, Error> {
    let mut patch = update.fields.to_map()?;
    if let Some(name) = &update.name {
        patch.insert("name".to_owned(), json!(name));
    }
    super::clear(&mut patch, &update.clear)?;
    Ok(request::Update {
        schedule: update.schedule.clone(),
        agent: update.agent.clone(),
        patch: Value::Object(patch),
        dry_run: update.dry_run,
    })
}

/// The word for a choice on the command line, which is its word on every wire.
fn word(choice: impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Reads a file, or standard input, which counts as YAML.
fn read_text(file: &Path) -> Result<FileText, Error> {
    let shown = file.display().to_string();
    let refused = |why: String| Error::new(Code::BadInput, format!("cannot read {shown}: {why}"));
    let limit = limits::FILE_BYTES_MAX as u64;
    let mut text = String::new();
    let (path, read) = if shown == "-" {
        ("standard-input.yaml".to_owned(), std::io::stdin().lock().take(limit + 1).read_to_string(&mut text))
    } else {
        let opened = fs::File::open(file).map_err(|error| refused(error.to_string()))?;
        (shown.clone(), opened.take(limit + 1).read_to_string(&mut text))
    };
    read.map_err(|error| refused(error.to_string()))?;
    if text.len() as u64 > limit {
        return Err(refused(format!("it is longer than {limit} bytes")));
    }
    Ok(FileText { path, text })
}

async fn apply(apply: &args::Apply, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let request = folder_request(apply)?;
    let reply = perform(operations, request.clone()).await?;
    screen.answer(
        || Reply::Apply(reply.clone()).to_json(),
        |look| {
            let mut text = String::new();
            for file in &request.files {
                let problems = reply.problems.iter().filter(|problem| problem.file == file.path);
                let problems: Vec<_> = problems.filter_map(|told| problem_from_json(&told.problem)).collect();
                if !problems.is_empty() {
                    text.push_str(&render::problems::in_text(&file.path, &file.text, &problems, look));
                    text.push('\n');
                }
            }
            text + &render::applied(&reply, look)
        },
    )?;
    let refused = reply.changes.iter().any(|change| change.action == "refused");
    let sound = reply.problems.is_empty() && request.unreadable.is_empty() && !refused;
    Ok(if sound { 0 } else { Code::BadInput.exit() })
}

fn folder_request(apply: &args::Apply) -> Result<request::Apply, Error> {
    let refused = |error: std::io::Error| {
        Error::new(Code::BadInput, format!("cannot read the folder {}: {error}", apply.folder.display()))
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(&apply.folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let kind = path.extension().and_then(|kind| kind.to_str()).map(str::to_ascii_lowercase);
        if matches!(kind.as_deref(), Some("yaml" | "yml" | "toml")) && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let folder = apply.folder.display().to_string();
    let mut request =
        request::Apply { folder, prune: apply.prune, dry_run: apply.dry_run, ..request::Apply::default() };
    for path in paths {
        match read_text(&path) {
            Ok(file) => request.files.push(file),
            Err(error) => {
                super::complain(&format!("error: {error}\n"));
                request.unreadable.push(path.display().to_string());
            }
        }
    }
    Ok(request)
}

async fn export(export: args::Export, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let request = Export { schedules: export.schedules, agent: export.agent };
    let reply = perform(operations, request).await?;
    let failed = |error: &dyn std::fmt::Display| Error::new(Code::Failed, format!("cannot write this: {error}"));
    let text = match export.format {
        ExportFormat::Json => serde_json::to_string_pretty(&reply.schedules).map_err(|error| failed(&error))? + "\n",
        ExportFormat::Yaml if screen.json => {
            return show(screen, Reply::Export(reply), |_| String::new());
        }
        ExportFormat::Yaml => serde_yaml::to_string(&reply.schedules).map_err(|error| failed(&error))?,
    };
    print(&text)?;
    Ok(0)
}
