//! Commands that ask for operations: each builds a request, prints the reply.
//!
//! Not here: reading arguments (`args`), drawing (`render`).

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::args::{self, Command, ExportFormat, One};
use super::books;
use super::offline::{preview_request, print_times};
use super::reach::{Reached, reach};
use super::render;
use super::screen::{Screen, complain, print};
use super::setup::Setup;
use super::storage::{backup_request, size};
use super::{bring, costs, import, letters, sessions};
use crate::limits;
use crate::problem::Problem;
use crate::runtime::clock::Clock;
use crate::spec::RawSchedule;
use crate::surface::error::{Code, Error, problem_from_json};
use crate::surface::files::read_folder;
use crate::surface::ops::reply::{BackedUp, Changed, Listed};
use crate::surface::ops::request::{self, Add, Export, FileText, List, Selector, Unreadable};
use crate::surface::ops::{Operation, Operations, Reply, perform};

/// Runs a command on whoever performs operations.
pub fn run(command: Command, setup: &Setup, clock: &Arc<dyn Clock>, screen: &Screen) -> Result<u8, Error> {
    let creates = matches!(
        command,
        Command::Add(_) | Command::Apply(_) | Command::Import(_) | Command::Token(books::Token::New(_))
    );
    with_operations(setup, clock, creates, async |operations| ask(command, operations, screen).await)
}

/// Reaches the daemon, or opens the store, asks, and lets go again; on a runtime of its own.
pub(super) fn with_operations<T>(
    setup: &Setup,
    clock: &Arc<dyn Clock>,
    creates: bool,
    ask: impl AsyncFnOnce(&Reached) -> Result<T, Error>,
) -> Result<T, Error> {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::Failed, format!("cannot start: {error}")))?;
    let outcome = tokio.block_on(async {
        let reached = reach(setup, clock, creates).await?;
        let outcome = ask(&reached).await;
        let closed = tokio::task::spawn_blocking(move || reached.close()).await;
        let closed = closed.map_err(|error| Error::new(Code::Failed, "closing broke off").detail(error))?;
        let answer = outcome?;
        closed.map(|()| answer)
    });
    tokio.shutdown_timeout(Duration::from_millis(limits::THREADS_END_MS_MAX));
    outcome
}

async fn ask(command: Command, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    match command {
        Command::Add(add) => {
            let reply = perform(operations, add_request(&add)?).await?;
            show(screen, Reply::Add(reply.clone()), |look| render::added(&reply, look))
        }
        Command::List(list) => {
            let reply = list_all(&list, operations).await?;
            let narrowed = list.agent.is_some() || list.status.is_some();
            show(screen, Reply::List(reply.clone()), |look| render::listed(&reply, narrowed, look))
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
        Command::Pause(pause) => change(screen, operations, pause.request(), Reply::Pause).await,
        Command::Resume(one) => change(screen, operations, request::Resume(one.selector()), Reply::Resume).await,
        Command::RunNow(one) => {
            let reply = perform(operations, request::RunNow(one.selector())).await?;
            show(screen, Reply::RunNow(reply.clone()), |_| render::started(&reply))
        }
        Command::Runs(runs) => {
            let reply = perform(operations, runs_request(&runs)).await?;
            let narrowed = runs.outcome.is_some();
            show(screen, Reply::Runs(reply.clone()), |look| render::runs(&reply, narrowed, look))
        }
        Command::DeadLetters(command) => letters::run(command, operations, screen).await,
        Command::Costs(asked) => costs::run(asked, operations, screen).await,
        Command::Sessions(command) => sessions::run(command, operations, screen).await,
        Command::Next(next) => {
            let reply = perform(operations, preview_request(&next)).await?;
            if reply.next.is_empty() && !screen.json {
                complain("no due is ahead\n");
            }
            print_times(&reply, screen)
        }
        Command::Apply(apply) => self::apply(&apply, operations, screen).await,
        Command::Export(export) => self::export(export, operations, screen).await,
        Command::Status => {
            let reply = perform(operations, request::Status {}).await?;
            show(screen, Reply::Status(reply.clone()), |look| render::status(&reply, look))
        }
        Command::Token(token) => books::token(token, operations, screen).await,
        Command::Audit(audit) => books::audit(audit, operations, screen).await,
        Command::ProcessExited(process) => books::process(process, operations, screen).await,
        Command::Import(args::Import::Bulk(bulk)) => import::bulk(&bulk, operations, screen).await,
        Command::Import(import) => bring::bring(&import, operations, screen).await,
        Command::Backup(backup) => {
            let reply = perform(operations, backup_request(&backup)?).await?;
            let text = |reply: &BackedUp| format!("{}: {} rows, {}.\n", reply.file, reply.rows, size(reply.bytes));
            show(screen, Reply::Backup(reply.clone()), |_| text(&reply))
        }
        Command::Verify(_)
        | Command::Restore(_)
        | Command::Compact
        | Command::Serve(_)
        | Command::Guide(_)
        | Command::Mcp(_)
        | Command::Tools(_)
        | Command::Config(_)
        | Command::Hook(_)
        | Command::Doctor
        | Command::Bench(_) => Err(Error::new(Code::NotBuilt, "this command is not built into this version")),
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
    wrap: fn(Changed) -> Reply,
) -> Result<u8, Error>
where
    O: Operation<Reply = Changed>,
{
    let reply = perform(operations, request).await?;
    show(screen, wrap(reply.clone()), |look| render::changed(&reply, look))
}

impl One {
    pub(super) fn selector(&self) -> Selector {
        Selector { schedule: self.schedule.clone(), agent: self.agent.clone(), generation: None }
    }
}

fn add_request(add: &args::Add) -> Result<Add, Error> {
    match &add.file {
        Some(file) => Ok(Add { file: Some(read_file(file)?), dry_run: add.dry_run, ..Add::default() }),
        None => Ok(Add { schedule: Some(add.fields.to_json()?), dry_run: add.dry_run, ..Add::default() }),
    }
}

/// Page after page, up to the limit.
async fn list_all(list: &args::List, operations: &dyn Operations) -> Result<Listed, Error> {
    let mut left = list.limit.unwrap_or(limits::PAGE_ROWS_MAX);
    let mut whole = Listed::default();
    loop {
        let request = List {
            agent: list.agent.clone(),
            status: list.status.map(word),
            all: list.all,
            limit: Some(left.min(limits::PAGE_ROWS_MAX)),
            cursor: whole.cursor.take(),
            ..List::default()
        };
        let page = perform(operations, request).await?;
        left = left.saturating_sub(page.schedules.len());
        whole.schedules.extend(page.schedules);
        whole.cursor = page.cursor;
        if left == 0 || whole.cursor.is_none() {
            return Ok(whole);
        }
    }
}

fn runs_request(runs: &args::Runs) -> request::Runs {
    request::Runs {
        schedule: runs.one.schedule.clone(),
        agent: runs.one.agent.clone(),
        limit: Some(runs.limit),
        outcome: runs.outcome.map(word),
        ..request::Runs::default()
    }
}

fn update_request(update: &args::Update) -> Result<request::Update, Error> {
    let mut patch = update.fields.to_map()?;
    if let Some(name) = &update.name {
        patch.insert("name".to_owned(), json!(name));
    }
    super::clear(&mut patch, &update.clear)?;
    if patch.is_empty() {
        let problem = Problem::new("", "nothing is to be changed");
        return Err(Error::bad_input(problem.hint("say what, as in --message 'Good morning!' or --clear max_runs")));
    }
    Ok(request::Update {
        schedule: update.schedule.clone(),
        agent: update.agent.clone(),
        patch: Value::Object(patch),
        generation: None,
        dry_run: update.dry_run,
    })
}

/// The word for a choice on the command line, which is its word on every wire.
fn word(choice: impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Reads a file, or standard input, which counts as YAML.
pub(super) fn read_file(file: &Path) -> Result<FileText, Error> {
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
    if !screen.json {
        for problem in &reply.problems {
            if request.files.iter().all(|file| file.path != problem.file) {
                let message = problem.problem["message"].as_str().unwrap_or_default();
                complain(&format!("{}: {message}\n", problem.file));
            }
        }
        for file in &request.files {
            let told = reply.problems.iter().filter(|problem| problem.file == file.path);
            let problems: Vec<Problem> = told.filter_map(|told| problem_from_json(&told.problem)).collect();
            if !problems.is_empty() {
                complain(&screen.excerpt(file.path.clone(), &file.text, problems));
            }
        }
    }
    screen.answer(|| Reply::Apply(reply.clone()).to_json(), |look| render::applied(&reply, look))?;
    let refused = reply.changes.iter().any(|change| change.action == "refused");
    Ok(match (reply.problems.is_empty(), refused) {
        (false, _) => Code::BadInput.exit(),
        (true, true) => Code::Conflict.exit(),
        (true, false) => 0,
    })
}

fn folder_request(apply: &args::Apply) -> Result<request::Apply, Error> {
    let refused = |error: std::io::Error| {
        Error::new(Code::BadInput, format!("cannot read the folder {}: {error}", apply.folder.display()))
    };
    let folder = fs::canonicalize(&apply.folder).map_err(refused)?;
    let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut request =
        request::Apply { folder: name, prune: apply.prune, dry_run: apply.dry_run, ..request::Apply::default() };
    for file in read_folder(&apply.folder).map_err(refused)? {
        // A file that could not be read has no text, and says why.
        match file.problems.first() {
            Some(problem) if file.text.is_empty() => {
                request.unreadable.push(Unreadable { path: file.name, why: problem.message.clone() });
            }
            Some(_) | None => request.files.push(FileText { path: file.name, text: file.text.to_string() }),
        }
    }
    Ok(request)
}

async fn export(export: args::Export, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let page = async |cursor| {
        let (schedules, agent) = (export.schedules.clone(), export.agent.clone());
        perform(operations, Export { schedules, agent, cursor }).await
    };
    let mut reply = page(None).await?;
    if export.jsonl {
        while reply.cursor.is_some() {
            // The next page is read while this one is written.
            let (next, written) = tokio::join!(page(reply.cursor.take()), async { print_lines(&reply.schedules) });
            written?;
            reply = next?;
        }
        print_lines(&reply.schedules)?;
        return Ok(0);
    }
    while reply.cursor.is_some() {
        let next = page(reply.cursor.take()).await?;
        reply.schedules.extend(next.schedules);
        reply.cursor = next.cursor;
    }
    let text = match export.format {
        ExportFormat::Json => {
            serde_json::to_string_pretty(&reply.schedules).map_err(|error| unwritten(&error))? + "\n"
        }
        ExportFormat::Yaml if screen.json => {
            return show(screen, Reply::Export(reply), |_| String::new());
        }
        ExportFormat::Yaml => serde_yaml::to_string(&reply.schedules).map_err(|error| unwritten(&error))?,
    };
    print(&text)?;
    Ok(0)
}

/// One line of JSON a schedule.
fn print_lines(schedules: &[RawSchedule]) -> Result<(), Error> {
    let mut lines = String::new();
    for schedule in schedules {
        lines += &serde_json::to_string(schedule).map_err(|error| unwritten(&error))?;
        lines.push('\n');
    }
    print(&lines)
}

fn unwritten(error: &dyn std::fmt::Display) -> Error {
    Error::new(Code::Failed, format!("cannot write this: {error}"))
}
