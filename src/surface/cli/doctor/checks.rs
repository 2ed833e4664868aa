//! The table of checks: each judges a part of the scene.
//!
//! Units: bytes, milliseconds. Not here: looking (`scene`).

use std::fs;

use super::heartbeat::heartbeat;
use super::probes::Seen;
use super::scene::{Destinations, Scene};
use super::{Finding, Level};
use crate::calendar::ZONE_DATA_VERSION;
use crate::limits;
use crate::spec::{Context, Origin};
use crate::surface::cli::outside;
use crate::surface::cli::storage::size;
use crate::surface::files::read_folder;
use crate::time::Timestamp;

/// Judges a part of the scene.
pub(super) enum Check {
    /// One thing.
    One(fn(&Scene) -> Finding),
    /// Each of several.
    Each(fn(&Scene) -> Vec<Finding>),
}

impl Check {
    pub(super) fn judge(&self, scene: &Scene) -> Vec<Finding> {
        match self {
            Self::One(judge) => vec![judge(scene)],
            Self::Each(judge) => judge(scene),
        }
    }
}

/// Every check, in the order in which they are told.
pub(super) const CHECKS: &[(&str, Check)] = &[
    ("config", Check::One(config)),
    ("gateway", Check::Each(gateways)),
    ("destinations", Check::One(destinations)),
    ("providers", Check::One(providers)),
    ("files", Check::One(files)),
    ("heartbeat", Check::One(heartbeat)),
    ("data", Check::One(data)),
    ("space", Check::One(space)),
    ("open files", Check::One(open_files)),
    ("clock", Check::One(clock)),
    ("zone data", Check::One(zone_data)),
    ("store", Check::One(store)),
    ("daemon", Check::One(daemon)),
    ("health", Check::One(health)),
    ("failing", Check::One(failing)),
    ("idle", Check::One(idle)),
];

/// No clock is right that shows a time before this program was written.
const WRITTEN: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// Ids that one line names.
const NAMED_COUNT: usize = 3;

fn config(scene: &Scene) -> Finding {
    if let Some(broken) = &scene.broken {
        return Finding::fail(broken, "`chimewheel config check` shows every mistake; the defaults are judged below");
    }
    let file = match &scene.file {
        Some(file) => format!("{} is in order", file.display()),
        None => "there is no config file; the defaults hold".to_owned(),
    };
    match scene.config.notices.as_slice() {
        [] => Finding::ok(file),
        notices => Finding::warn(
            format!("{file}, but {} settings of it have no effect", notices.len()),
            "`chimewheel config check` names them",
        ),
    }
}

fn gateways(scene: &Scene) -> Vec<Finding> {
    let judged = |(name, seen): &(String, Seen)| match seen {
        Seen::Well(what) => Finding::ok(format!("{name}: {what}")),
        Seen::Unseen(why) => Finding::warn(
            format!("{name}: could not be looked at, so nothing is known of its account: {why}"),
            "is this machine on the network, and the address in the config right? Messages wait meanwhile and are tried \
             again",
        ),
        Seen::Elsewhere(problem) => Finding::warn(
            format!("{name}: {problem}"),
            "the daemon that runs was started with it; run this where the same is set to have the account looked at",
        ),
        Seen::Wrong(problems) => {
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let section = format!("set [gateways.{name}] right, and start the daemon again");
            Finding::fail(format!("{name}: {}", told.join("; ")), section)
        }
    };
    match scene.gateways.as_slice() {
        [] => {
            vec![Finding::fail("none is configured", "add [gateways.console] with kind = \"console\" to the config")]
        }
        seen => seen.iter().map(judged).collect(),
    }
}

fn destinations(scene: &Scene) -> Finding {
    let Destinations { looked_at, are_more, unknown } = &scene.destinations;
    let all = if *are_more { format!("the first {looked_at} schedules") } else { format!("{looked_at} schedules") };
    if unknown.is_empty() {
        return Finding::ok(format!("{all} that are not over send where a gateway is configured, or nowhere"));
    }
    let told: Vec<String> = unknown.iter().map(|(name, count)| format!("'{name}' ({count})")).collect();
    let (first, more) = (told.iter().take(NAMED_COUNT), told.len().saturating_sub(NAMED_COUNT));
    let named = first.map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = format!("of {all} that are not over, some send by gateways that are not configured: {named}{more}");
    Finding::fail(what, "configure the gateway, or give them another with `chimewheel update ID --gateway`")
}

fn providers(scene: &Scene) -> Finding {
    match outside::providers(&scene.config) {
        Ok(providers) if providers.is_empty() => Finding::ok("none is configured, so no schedule can have a task"),
        Ok(_) => {
            let names: Vec<&str> = scene.config.providers.keys().map(String::as_str).collect();
            Finding::ok(format!("{}; nobody was asked, as that may cost", names.join(", ")))
        }
        Err(problems) => {
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let is_elsewhere = scene.owner.is_some() && problems.iter().all(|problem| problem.path.contains("_env"));
            let way_out = "set it right where the daemon is started";
            if is_elsewhere {
                Finding::warn(told.join("; "), way_out)
            } else {
                Finding::fail(told.join("; "), way_out)
            }
        }
    }
}

fn files(scene: &Scene) -> Finding {
    let folder = &scene.config.schedules;
    let shown = folder.display();
    if !folder.exists() {
        return Finding::ok(format!("there is no folder {shown}"));
    }
    let files = match read_folder(folder) {
        Ok(files) => files,
        Err(error) => return Finding::fail(format!("cannot read {shown}: {error}"), "let this user read it"),
    };
    let names: Vec<String> = scene.config.gateways.keys().cloned().collect();
    let context =
        Context { default_zone: scene.zone, gateways: &names, origin: Origin::File, ..Context::new(scene.now) };
    let (mut schedules, mut wrong) = (0, Vec::new());
    for file in &files {
        let (drafts, problems) = file.drafts(&context);
        schedules += drafts.len();
        wrong.extend(problems.first().map(|first| format!("{}: {first}", file.name)));
    }
    match wrong.as_slice() {
        [] => Finding::ok(format!("{} files with {schedules} schedules in {shown}", files.len())),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(", and {} more files", rest.len()) };
            Finding::fail(
                format!("{first}{more}"),
                format!("`chimewheel apply {shown} --dry-run` shows every mistake"),
            )
        }
    }
}

fn data(scene: &Scene) -> Finding {
    let data = &scene.config.data;
    let shown = data.display();
    let about = match fs::metadata(data) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::ok(format!("{shown} is made when it is needed"));
        }
        Err(error) => return Finding::fail(format!("cannot look at {shown}: {error}"), "let this user reach it"),
    };
    if !about.is_dir() {
        return Finding::fail(format!("{shown} is not a folder"), "name another one with `data` or --data");
    }
    private(&about, data).unwrap_or_else(|| Finding::ok(format!("{shown}, for this user only")))
}

#[cfg(unix)]
fn private(about: &fs::Metadata, data: &std::path::Path) -> Option<Finding> {
    use std::os::unix::fs::MetadataExt as _;
    let shown = data.display();
    let own = rustix::process::geteuid().as_raw();
    if about.uid() != own {
        let what = format!("{shown} belongs to user {}, this is user {own}", about.uid());
        return Some(Finding::fail(what, "run chimewheel as that user, or give it the folder"));
    }
    let store = data.join(crate::store::FILE);
    for path in [data, store.as_path()] {
        let mode = fs::metadata(path).map_or(0, |about| about.mode() & 0o777);
        if mode & 0o077 != 0 {
            let what = format!("other users can reach {} (mode {mode:03o})", path.display());
            return Some(Finding::warn(what, format!("chmod go= {}", path.display())));
        }
    }
    None
}

#[cfg(not(unix))]
fn private(_about: &fs::Metadata, _data: &std::path::Path) -> Option<Finding> {
    None
}

fn space(scene: &Scene) -> Finding {
    let nearest = scene.config.data.ancestors().find(|folder| folder.exists());
    let place = nearest.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let free = match free_bytes(place) {
        Ok(free) => free,
        Err(error) => {
            let what = format!("cannot tell how much is free for {}: {error}", place.display());
            return Finding::warn(what, "look with df");
        }
    };
    let what = format!("{} free", size(free));
    let way_out = "make room: a full disk ends the daemon";
    match free {
        0..limits::FREE_BYTES_MIN => Finding::fail(what, way_out),
        limits::FREE_BYTES_MIN..limits::FREE_BYTES_LOW_MIN => Finding::warn(what, way_out),
        _ => Finding::ok(what),
    }
}

#[cfg(unix)]
fn free_bytes(place: &std::path::Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(place)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_place: &std::path::Path) -> std::io::Result<u64> {
    Err(std::io::ErrorKind::Unsupported.into())
}

fn open_files(scene: &Scene) -> Finding {
    let process = scene.owner.as_ref().map_or_else(|| "self".to_owned(), |owner| owner.pid.to_string());
    let text = fs::read_to_string(format!("/proc/{process}/limits")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).map(|soft| soft.parse().unwrap_or(u64::MAX));
    match soft {
        None => Finding::ok("the system does not tell the limit"),
        Some(soft) if soft < limits::OPEN_FILES_MIN => {
            let what = format!("a process may open {soft}, fewer than {}", limits::OPEN_FILES_MIN);
            Finding::warn(what, "raise it with `ulimit -n` or LimitNOFILE=")
        }
        Some(_) => Finding::ok(format!("{} or more may be open", limits::OPEN_FILES_MIN)),
    }
}

fn clock(scene: &Scene) -> Finding {
    let now = scene.now;
    if now < WRITTEN || now >= Timestamp::HORIZON {
        return Finding::fail(format!("it shows {now}"), "set the system's clock");
    }
    if let Some(Ok(status)) = &scene.daemon {
        let apart = now.since(status.now.0).max(status.now.0.since(now));
        if apart.as_millis() > limits::DOCTOR_CLOCK_MS_MAX {
            let what = format!("the daemon's is {apart} from this one");
            return Finding::fail(what, "both read the system's clock: one of the two runs under another");
        }
    }
    if scene.clock_step.as_millis() > limits::DOCTOR_STEP_MS_MAX {
        let what = format!("it was set by {} while it was looked at", scene.clock_step);
        return Finding::warn(what, "let one service set it, and slew rather than step");
    }
    Finding::ok(format!("{now}, and steady"))
}

fn zone_data(scene: &Scene) -> Finding {
    let own = ZONE_DATA_VERSION;
    let known = match (&scene.daemon, &scene.store) {
        (Some(Ok(status)), _) => Some(status.zone_data.as_str()),
        (_, Some(Ok(stored))) => stored.zone_data.as_deref(),
        _ => None,
    };
    match known {
        Some(other) if other != own && scene.daemon.is_some() => {
            let what = format!("the daemon has {other}, this program {own}");
            Finding::warn(what, "start the daemon again with this program")
        }
        Some(other) if other != own => {
            Finding::ok(format!("{own}; dues were computed with {other}, and are again at the next start"))
        }
        Some(_) | None => Finding::ok(own),
    }
}

fn store(scene: &Scene) -> Finding {
    match (&scene.store, &scene.daemon, &scene.owner) {
        (Some(Ok(stored)), ..) => Finding::ok(format!(
            "{} schedules, every state read; `chimewheel verify` reads everything",
            stored.schedules
        )),
        (Some(Err(error)), ..) => Finding::fail(
            error.to_string(),
            "`chimewheel verify` tells more, `chimewheel restore` puts a backup in place",
        ),
        (None, Some(Ok(status)), _) => {
            let bytes = size(status.store_bytes);
            let slowest = status.slowest_commit_ms;
            let what = format!("{} schedules, {bytes}; the longest commit took {slowest} ms", status.schedules.known);
            if slowest > limits::STALL_MS_MAX {
                return Finding::warn(what, "the disk is slow: see what else uses it");
            }
            Finding::ok(what)
        }
        (None, _, Some(owner)) => Finding::ok(format!("process {} has it open", owner.pid)),
        (None, _, None) => Finding::ok("there is none yet"),
    }
}

fn daemon(scene: &Scene) -> Finding {
    match (&scene.owner, &scene.daemon) {
        (None, _) => Finding::warn("none runs, so nothing fires", "start one with `chimewheel serve`"),
        (Some(owner), None) => {
            let what = format!("process {} has the data folder and does not listen", owner.pid);
            Finding::warn(what, "it was started with --no-listen, or has just begun")
        }
        (Some(owner), Some(Err(error))) => Finding::fail(
            format!("process {}: {error}", owner.pid),
            "its log says more; start it again if it is stuck",
        ),
        (Some(_), Some(Ok(status))) => {
            let listen = status.listen.as_deref().unwrap_or("nowhere");
            let what = format!("process {} answers on {listen}", status.pid);
            match status.version == env!("CARGO_PKG_VERSION") {
                true => Finding::ok(what),
                false => Finding::warn(format!("{what}, as version {}", status.version), "start it again"),
            }
        }
    }
}

fn health(scene: &Scene) -> Finding {
    let Some(Ok(status)) = &scene.daemon else { return Finding::ok("nothing to tell without a daemon") };
    let (lag, stalls) = (status.lag_ms, status.stalls);
    match status.health.as_str() {
        "ok" if stalls == 0 => Finding::ok("dues are served in time"),
        "ok" => {
            let what = format!("dues are served in time; the loop has stood still {stalls} times since the start");
            Finding::warn(what, "the log says when; see whether the machine or its disk was overloaded then")
        }
        "catching-up" => Finding::warn(
            format!("dues are served in time, and {} schedules that missed one are caught up", status.overdue),
            "nothing need be done; `catchup_per_second` is the rate",
        ),
        word => Finding::fail(
            format!("{word}: the oldest due is {lag} ms late"),
            "see whether the machine or its disk is overloaded",
        ),
    }
}

fn idle(scene: &Scene) -> Finding {
    let idle = &scene.idle;
    if idle.is_empty() {
        return Finding::ok("nothing that is expected fails to come");
    }
    let named: Vec<&str> = idle.iter().take(NAMED_COUNT).map(String::as_str).collect();
    let more = if idle.len() > NAMED_COUNT { ", …" } else { "" };
    let what = format!("{} schedules wait in vain: {}{more}", idle.len(), named.join(", "));
    Finding::warn(what, "`chimewheel show ID` has a note that says for what")
}

fn failing(scene: &Scene) -> Finding {
    let paused = &scene.failing;
    if paused.is_empty() {
        return Finding { level: Level::Ok, what: "no schedule has paused itself".to_owned(), way_out: None };
    }
    let named: Vec<&str> = paused.iter().take(NAMED_COUNT).map(String::as_str).collect();
    let more = if paused.len() > NAMED_COUNT { ", …" } else { "" };
    let what = format!("{} schedules paused after failures: {}{more}", paused.len(), named.join(", "));
    Finding::warn(what, "`chimewheel runs ID --outcome failed` tells why, `chimewheel resume ID` lets it go on")
}
