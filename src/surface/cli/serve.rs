//! `chimewheel serve`: the daemon, from its first line to its last.
//!
//! Order at start: store and engine, token and listener, the address for others to find, the schedule files, then
//! answers. Order at the end: no more answers, the engine with the deliveries under way, the store.
//! Standard output belongs to the console gateway; everything else goes to the log.
//! Not here: what the engine does (`runtime`).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle as Tokio;
use tokio::signal;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::args::Serve;
use super::reach::{setting, settings};
use super::screen::{Screen, complain};
use super::setup::Setup;
use super::watch::Watch;
use crate::config::{self, Format, read_listen};
use crate::gateway::Gateway;
use crate::gateway::console::{self, Console};
use crate::limits;
use crate::problem::Problem;
use crate::runtime::clock::Clock;
use crate::runtime::{Gateways, Runtime, StartError};
use crate::spec::tree::shorten;
use crate::store::OpenError;
use crate::surface::admin::Token;
use crate::surface::error::{Code, Error, problem_from_json};
use crate::surface::files::read_folder;
use crate::surface::http::{self, Door};
use crate::surface::ops::local::Local;

/// Pause between two looks at whether the engine still runs, or the folder is free.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The loopback surface while it answers.
struct Listening {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

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
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::Failed, format!("cannot start: {error}")))?;
    tokio.block_on(daemon(serve, &setup, clock, screen))
}

async fn daemon(serve: &Serve, setup: &Setup, clock: Arc<dyn Clock>, screen: &Screen) -> Result<u8, Error> {
    // Told to end while it starts, it ends in order, too.
    let mut ending = Box::pin(told_to_end()?);
    for notice in &setup.config.notices {
        tracing::warn!("{}: {}", notice.path, notice.message);
    }
    let runtime = start(setup, &clock).await?;
    let outcome = async {
        let listener = bind(serve, setup).await?;
        let address = listener.as_ref().map(|(_, address)| address.to_string());
        let local = Local::new(runtime.handle(), setting(setup, address, true));
        let listening = match listener {
            Some((listener, address)) => Some(listen(listener, address, &local, setup, &runtime)?),
            None => None,
        };
        let folder = folder(serve, setup);
        // Looked after before it is read, so that no change falls between.
        let mut watch = folder.as_deref().and_then(look_after);
        if let Some(folder) = &folder
            && let Err(error) = apply(folder, &local, setup.config.log.format, screen).await
        {
            end(listening).await;
            return Err(error);
        }
        announce(setup, listening.as_ref().map(|listening| listening.address));
        loop {
            tokio::select! {
                () = &mut ending => tracing::info!("ending: deliveries under way are waited for"),
                () = stopped(&runtime) => tracing::error!("the engine has stopped by itself"),
                () = changed(&mut watch) => {
                    apply_again(folder.as_deref(), &local, setup.config.log.format, screen).await;
                    continue;
                }
            }
            break;
        }
        tokio::spawn(end_at_once());
        end(listening).await;
        Ok(())
    }
    .await;
    let stopped = tokio::task::spawn_blocking(move || runtime.stop()).await;
    let stopped = stopped.map_err(|error| Error::new(Code::Failed, "the end broke off").detail(error))?;
    outcome.and(stopped.map_err(|error| Error::new(Code::Failed, error.to_string())))?;
    tracing::info!("ended");
    Ok(0)
}

/// Starts the engine; a command that has the store open for a moment is waited for.
async fn start(setup: &Setup, clock: &Arc<dyn Clock>) -> Result<Runtime, Error> {
    let settings = settings(&setup.config, true);
    let mut waited = Duration::ZERO;
    loop {
        let started = Runtime::start(&settings, Arc::clone(clock), gateways(&setup.config), Tokio::current());
        match started {
            Err(StartError::Open(OpenError::Owned { address: None, .. }))
                if waited < Duration::from_millis(limits::OWNER_SILENCE_MS_MAX) =>
            {
                tokio::time::sleep(LOOK_AGAIN).await;
                waited += LOOK_AGAIN;
            }
            Err(error) => return Err(error.into()),
            Ok(runtime) => return Ok(runtime),
        }
    }
}

fn gateways(config: &config::Config) -> Gateways {
    let mut gateways = Gateways::new();
    for (name, gateway) in &config.gateways {
        let built: Arc<dyn Gateway> = match gateway {
            config::Gateway::Console { format: Format::Text } => Arc::new(Console::stdout(console::Format::Text)),
            config::Gateway::Console { format: Format::Json } => Arc::new(Console::stdout(console::Format::Json)),
            config::Gateway::NotBuilt { .. } => continue,
        };
        gateways.insert(name.clone(), built);
    }
    gateways
}

async fn bind(serve: &Serve, setup: &Setup) -> Result<Option<(TcpListener, SocketAddr)>, Error> {
    if serve.no_listen {
        return Ok(None);
    }
    let asked = setup.config.listen;
    let refused = |error: std::io::Error| {
        let message =
            format!("cannot listen on {asked}: {error}; choose another with --listen, or 127.0.0.1:0 for any");
        Error::new(Code::Failed, message)
    };
    let listener = TcpListener::bind(asked).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok(Some((listener, address)))
}

fn listen(
    listener: TcpListener,
    address: SocketAddr,
    local: &Local,
    setup: &Setup,
    runtime: &Runtime,
) -> Result<Listening, Error> {
    let handle = runtime.handle();
    let meter = Arc::clone(handle.meter());
    let door = Door {
        meter,
        operations: Arc::new(local.clone()),
        token: Token::ensure(&setup.config.data)?,
        health: Arc::new(move || handle.health()),
    };
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(http::serve(listener, door, async {
        // A sender that is gone means the end, too.
        let _ = stopped.await;
    }));
    runtime
        .announce(&address.to_string())
        .map_err(|error| Error::new(Code::Failed, format!("cannot write the owner file: {error}")))?;
    Ok(Listening { address, stop, serving })
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

async fn end(listening: Option<Listening>) {
    let Some(Listening { stop, serving, .. }) = listening else { return };
    // A surface that has ended already needs no telling.
    let _ = stop.send(());
    let limit = Duration::from_millis(limits::HTTP_END_MS_MAX);
    match tokio::time::timeout(limit, serving).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::error!("the loopback surface: {error}"),
        Ok(Err(error)) => tracing::error!("the loopback surface: {error}"),
        Err(_) => tracing::warn!("the loopback surface did not end in time"),
    }
}

/// Told to end a second time, it waits for nothing any more. The store bears that; the next start settles what was
/// under way.
async fn end_at_once() {
    match told_to_end() {
        Ok(again) => again.await,
        Err(error) => return tracing::warn!("{error}"),
    }
    tracing::warn!("told again: ending at once");
    std::process::exit(Code::Failed.exit().into());
}

/// Until the engine stops by itself, which it does when its store fails.
async fn stopped(runtime: &Runtime) {
    while !runtime.has_ended() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Until somebody asks for the end: Ctrl-C or SIGTERM.
#[cfg(unix)]
fn told_to_end() -> Result<impl Future<Output = ()>, Error> {
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
fn told_to_end() -> Result<impl Future<Output = ()>, Error> {
    Ok(async {
        // Where signals cannot be waited for, the process is ended from outside.
        let _ = signal::ctrl_c().await;
    })
}
