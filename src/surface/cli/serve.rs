//! `chimewheel serve`: the daemon, from its first line to its last.
//!
//! Order at start: store and engine, token and listener, the address for others to find, the schedule files, the heartbeat
//! file, then answers. Order at the end: no more answers, the engine with the deliveries under way, the store.
//! Standard output belongs to the console gateway; everything else goes to the log.
//! Not here: what the engine does (`runtime`), how it is started and closed (`engine`).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal;

use super::args::Serve;
use super::engine::{Engine, Kind};
use super::heartbeat::Beat;
use super::screen::{Screen, complain};
use super::scripts::load_again;
use super::setup::Setup;
use super::watch::Watch;
use crate::child;
use crate::config::{Format, read_listen};
use crate::limits;
use crate::problem::Problem;
use crate::runtime::clock::Clock;
use crate::spec::tree::shorten;
use crate::surface::error::{Code, Error, problem_from_json};
use crate::surface::files::read_folder;
use crate::surface::ops::local::Local;

/// Pause between two looks at whether a folder is there.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Runs the daemon until it is told to end.
pub fn run(serve: &Serve, mut setup: Setup, clock: Arc<dyn Clock>, screen: &Screen) -> Result<u8, Error> {
    if let Some(listen) = &serve.listen {
        let refused = |problem: Problem| {
            Error::bad_input(Problem { path: "--listen".to_owned(), ..problem.value(shorten(listen)) })
        };
        setup.config.listen = read_listen(listen).map_err(refused)?;
    }
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(limits::THREAD_STACK_BYTES_MAX)
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::Failed, format!("cannot start: {error}")))?;
    let outcome = tokio.block_on(daemon(serve, &setup, clock, screen));
    // What is left waits for nobody, such as a name that is still being looked up.
    tokio.shutdown_timeout(Duration::from_millis(limits::THREADS_END_MS_MAX));
    outcome
}

async fn daemon(serve: &Serve, setup: &Setup, clock: Arc<dyn Clock>, screen: &Screen) -> Result<u8, Error> {
    // Told to end while it starts, it ends in order, too.
    let mut ending = Box::pin(told_to_end()?);
    for notice in &setup.config.notices {
        tracing::warn!("{}: {}", notice.path, notice.message);
    }
    let place = (!serve.no_listen).then_some(setup.config.listen);
    let engine = Engine::start(setup, &clock, place, Kind::Daemon).await?;
    let outcome = run_until(&mut ending, serve, setup, &engine, screen).await;
    tokio::spawn(end_at_once());
    let closed = engine.close().await;
    outcome.and(closed)?;
    tracing::info!("ended");
    Ok(0)
}

/// Applies the schedule files, now and whenever they change, until the end.
async fn run_until(
    ending: &mut (impl Future<Output = ()> + Unpin),
    serve: &Serve,
    setup: &Setup,
    engine: &Engine,
    screen: &Screen,
) -> Result<(), Error> {
    let folder = folder(serve, setup);
    let format = setup.config.log.format;
    // Looked after before it is read, so that no change falls between.
    let mut watch = folder.as_deref().and_then(look_after);
    let scripts = &setup.config.scripts;
    let mut are_awaited = !scripts.exists();
    let mut scripts_watch = if are_awaited { None } else { look_after(scripts) };
    if let Some(folder) = &folder {
        apply(folder, engine.local(), format, screen).await?;
    }
    let mut beat = Beat::begin(&setup.config.heartbeat);
    beat.apply(engine.local()).await;
    announce(setup, engine.address());
    loop {
        tokio::select! {
            () = &mut *ending => tracing::info!("ending: deliveries under way are waited for"),
            () = engine.stopped() => tracing::error!("the engine has stopped by itself"),
            () = changed(&mut watch) => {
                // Another folder may be in its place now.
                watch = folder.as_deref().and_then(look_after);
                apply_again(folder.as_deref(), engine.local(), format, screen).await;
                continue;
            }
            () = beat.changed() => {
                beat.apply(engine.local()).await;
                continue;
            }
            () = appears(scripts), if are_awaited => {
                are_awaited = false;
                scripts_watch = look_after(scripts);
                load_again(scripts, engine.scripts());
                apply_again(folder.as_deref(), engine.local(), format, screen).await;
                continue;
            }
            () = changed(&mut scripts_watch) => {
                are_awaited = !scripts.exists();
                scripts_watch = if are_awaited { None } else { look_after(scripts) };
                load_again(scripts, engine.scripts());
                // A file that named a script that was not there may be right now.
                apply_again(folder.as_deref(), engine.local(), format, screen).await;
                continue;
            }
        }
        return Ok(());
    }
}

/// The folder of schedule files; the default one need not exist.
fn folder(serve: &Serve, setup: &Setup) -> Option<PathBuf> {
    let folder = serve.schedules.clone().unwrap_or_else(|| setup.config.schedules.clone());
    (serve.schedules.is_some() || folder.exists()).then_some(folder)
}

fn look_after(folder: &Path) -> Option<Watch> {
    let watch = Watch::begin(folder);
    watch.inspect_err(|error| tracing::warn!(folder = %folder.display(), "changes will not be noticed: {error}")).ok()
}

/// Until there is a folder.
async fn appears(folder: &Path) {
    while !folder.exists() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// Applies files that changed while the daemon runs; what cannot be read now stays as it is.
async fn apply_again(folder: Option<&Path>, local: &Local, format: Format, screen: &Screen) {
    if let Some(folder) = folder
        && let Err(error) = apply(folder, local, format, screen).await
    {
        tracing::error!(folder = %folder.display(), "schedule files changed and cannot be applied: {error}");
    }
}

/// Applies the schedule files; mistakes in them are told and stop nothing.
async fn apply(folder: &Path, local: &Local, format: Format, screen: &Screen) -> Result<(), Error> {
    let refused = |error| Error::new(Code::BadInput, format!("cannot read the folder {}: {error}", folder.display()));
    let files = read_folder(folder).map_err(refused)?;
    let applied = local.apply_files(&files, "", false).await?;
    for file in &files {
        let told = applied.problems.iter().filter(|problem| problem.file == file.name);
        let problems: Vec<Problem> = told.filter_map(|told| problem_from_json(&told.problem)).collect();
        if problems.is_empty() {
            continue;
        }
        tracing::warn!(file = file.name, problems = problems.len(), "a schedule file is wrong");
        match format {
            Format::Text => complain(&screen.excerpt(file.name.clone(), &file.text, problems)),
            // A log of JSON lines stays one.
            Format::Json => problems.iter().for_each(|problem| log_problem(&file.name, problem)),
        }
    }
    for change in &applied.changes {
        let note = change.note.as_deref();
        match change.action.as_str() {
            "unchanged" => tracing::debug!(schedule = change.id, file = change.file, "unchanged"),
            "refused" => tracing::warn!(schedule = change.id, file = change.file, note, "refused"),
            action => tracing::info!(schedule = change.id, file = change.file, note, "{action}"),
        }
    }
    tracing::info!(folder = %folder.display(), schedules = applied.changes.len(), "schedule files applied");
    Ok(())
}

fn log_problem(file: &str, problem: &Problem) {
    let Problem { path, value, message, hint, place } = problem;
    let (line, column) = (place.map(|place| place.line), place.map(|place| place.column));
    tracing::warn!(file, line, column, path, value, hint, "{message}");
}

fn announce(setup: &Setup, address: Option<SocketAddr>) {
    let data = setup.config.data.display();
    match address {
        Some(address) => tracing::info!(%data, "chimewheel {} serves on http://{address}", env!("CARGO_PKG_VERSION")),
        None => tracing::info!(%data, "chimewheel {} serves and does not listen", env!("CARGO_PKG_VERSION")),
    }
}

/// Told to end a second time, it waits for nothing any more. The store bears that; the next start settles what was
/// under way.
pub(super) async fn end_at_once() {
    match told_to_end() {
        Ok(again) => again.await,
        Err(error) => return tracing::warn!("{error}"),
    }
    tracing::warn!("told again: ending at once");
    child::kill_all();
    std::process::exit(Code::Failed.exit().into());
}

/// Until somebody asks for the end: Ctrl-C or SIGTERM.
#[cfg(unix)]
pub(super) fn told_to_end() -> Result<impl Future<Output = ()>, Error> {
    use signal::unix::{SignalKind, signal};
    let refused = |error| Error::new(Code::Failed, format!("cannot wait for signals: {error}"));
    let mut interrupted = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(refused)?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// Until somebody asks for the end: Ctrl-C.
#[cfg(not(unix))]
pub(super) fn told_to_end() -> Result<impl Future<Output = ()>, Error> {
    Ok(async {
        // Where signals cannot be waited for, the process is ended from outside.
        let _ = signal::ctrl_c().await;
    })
}
