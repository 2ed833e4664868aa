//! What the doctor sees, looked at once: config, data folder, daemon, store, gateways.
//!
//! Invariant: looking changes nothing; a store that nobody has is looked at on glass, and held meanwhile.
//! Not here: what is right and what is wrong (`checks`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use tokio::runtime::Runtime as Tokio;

use super::probes::{self, Seen};
use crate::calendar::Zone;
use crate::config::{Config, Surroundings};
use crate::engine::change::Status;
use crate::limits;
use crate::runtime::clock::{Clock, Stopwatch};
use crate::store::{self, Owner, Store};
use crate::surface::admin::Token;
use crate::surface::cli::args::Global;
use crate::surface::cli::setup::{Setup, SetupError};
use crate::surface::error::{Code, Error};
use crate::surface::ops::reply::StatusShown;
use crate::surface::ops::{perform, request};
use crate::surface::remote::Remote;
use crate::time::{Span, Timestamp};

/// How long the two clocks are compared.
const CLOCK_LOOK: Duration = Duration::from_millis(200);

/// Everything that checks judge.
pub(super) struct Scene {
    /// Why the config cannot be read; the defaults hold instead.
    pub broken: Option<String>,
    pub config: Config,
    pub file: Option<PathBuf>,
    pub zone: Zone,
    pub now: Timestamp,
    /// How far the wall clock went astray from one that only counts, while it was looked at.
    pub clock_step: Span,
    /// Who has the data folder.
    pub owner: Option<Owner>,
    /// What the daemon said.
    pub daemon: Option<Result<StatusShown, Error>>,
    /// What the store said, where nobody has it.
    pub store: Option<Result<Stored, Error>>,
    /// Schedules that paused themselves, as `agent/id`; the first of them.
    pub failing: Vec<String>,
    /// What was seen of each gateway.
    pub gateways: Vec<(String, Seen)>,
    /// Where schedules go that are not over.
    pub destinations: Destinations,
}

/// Where schedules go that are not over.
#[derive(Default)]
pub(super) struct Destinations {
    /// Schedules that were looked at.
    pub looked_at: u64,
    /// There are more.
    pub are_more: bool,
    /// How many go to each gateway that the config does not know.
    pub unknown: BTreeMap<String, u64>,
}

/// What a closed store says.
pub(super) struct Stored {
    pub schedules: u64,
    pub zone_data: Option<String>,
}

impl Scene {
    pub(super) fn look(
        global: &Global,
        setup: Result<Setup, SetupError>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let (broken, setup) = match setup {
            Ok(setup) => (None, setup),
            Err(error) => (Some(told(&error)), defaults(global)?),
        };
        let Setup { config, zone, file } = setup;
        let (before, watch) = (clock.now(), Stopwatch::start());
        std::thread::sleep(CLOCK_LOOK);
        let went = clock.now().as_millis().saturating_sub(before.as_millis());
        let clock_step = Span::from_millis(went.abs_diff(watch.elapsed().as_millis() as i64));
        let owner = store::owner(&config.data);
        let mut scene = Self {
            broken,
            config,
            file,
            zone,
            now: clock.now(),
            clock_step,
            owner,
            daemon: None,
            store: None,
            failing: Vec::new(),
            gateways: Vec::new(),
            destinations: Destinations::default(),
        };
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| Error::new(Code::Failed, format!("cannot start: {error}")))?;
        match scene.owner.clone() {
            Some(Owner { address: Some(address), .. }) => scene.ask(&address, &tokio)?,
            Some(Owner { address: None, .. }) => {}
            None if scene.config.data.join(store::FILE).exists() => {
                let opened = scene.open();
                scene.store = Some(opened);
            }
            None => {}
        }
        scene.gateways = probes::look(&scene.config, scene.owner.is_some(), &tokio);
        // A name that is still being looked up is not waited for.
        tokio.shutdown_background();
        Ok(scene)
    }

    /// Asks the daemon how it is, who paused, and where schedules go.
    fn ask(&mut self, address: &str, tokio: &Tokio) -> Result<(), Error> {
        let address = address
            .parse()
            .map_err(|_| Error::new(Code::Failed, format!("the daemon's address '{address}' is not one")));
        let remote = address.and_then(|address| Ok(Remote::new(address, Token::load(&self.config.data)?)));
        let remote = match remote {
            Ok(remote) => remote,
            Err(error) => {
                self.daemon = Some(Err(error));
                return Ok(());
            }
        };
        let status = tokio.block_on(perform(&remote, request::Status {}));
        if status.is_ok() {
            tokio.block_on(self.ask_for_schedules(&remote))?;
        }
        self.daemon = Some(status);
        Ok(())
    }

    async fn ask_for_schedules(&mut self, remote: &Remote) -> Result<(), Error> {
        let paused = request::List { status: Some("paused".to_owned()), ..request::List::default() };
        let listed = perform(remote, paused).await?;
        let failing = listed.schedules.iter().filter(|line| line.paused_itself);
        self.failing = failing.map(|line| format!("{}/{}", line.agent, line.id)).collect();
        let mut cursor = None;
        for _ in 0..limits::DOCTOR_PAGES_COUNT_MAX {
            let limit = Some(limits::PAGE_ROWS_MAX);
            let listed = perform(remote, request::List { limit, cursor, ..request::List::default() }).await?;
            for line in &listed.schedules {
                self.goes_to(line.destination.as_deref());
            }
            cursor = listed.cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
        self.destinations.are_more = true;
        Ok(())
    }

    /// Counts a schedule by where it goes: a gateway, and what of the chat is known behind a colon.
    fn goes_to(&mut self, to: Option<&str>) {
        self.destinations.looked_at += 1;
        let Some(to) = to else { return };
        let leads_there =
            |name: &str| to.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
        // The doors of agents' own programs have no section among the gateways.
        let is_known = self.config.gateways.keys().any(|name| leads_there(name)) || leads_there("agent");
        if !is_known {
            let name = to.split_once(':').map_or(to, |(name, _)| name);
            *self.destinations.unknown.entry(name.to_owned()).or_default() += 1;
        }
    }

    /// Reads a store that nobody has: its format, every state, and who paused.
    fn open(&mut self) -> Result<Stored, Error> {
        let _held = Store::hold(&self.config.data)?;
        let opened = Store::open_on_glass(&self.config.data.join(store::FILE))?;
        let (mut schedules, mut failing) = (0, Vec::new());
        let mut plans = HashMap::new();
        opened.each_plan(|id, plan| {
            plans.insert(id, plan.gateway);
        })?;
        opened.each_state(|key, state| {
            schedules += 1;
            if !state.status.is_over() {
                self.goes_to(plans.get(&state.plan).and_then(Option::as_deref));
            }
            if state.status == Status::Failing && failing.len() < limits::PAGE_ROWS_MAX {
                failing.push(key);
            }
        })?;
        for key in failing {
            if let Some((_, schedule)) = opened.reader.schedule(key)? {
                self.failing.push(format!("{}/{}", schedule.agent, schedule.id));
            }
        }
        Ok(Stored { schedules, zone_data: opened.zone_data })
    }
}

/// What holds where the config cannot be read.
fn defaults(global: &Global) -> Result<Setup, Error> {
    let around = Surroundings {
        base: std::path::Path::new(""),
        home: None,
        zone: &|_| Ok(()),
        filter: &|_| Ok(()),
        tool: &|_| Ok(()),
    };
    let mut config = Config::read("", around).map_err(Error::problems)?;
    if let Some(data) = &global.data {
        config.data.clone_from(data);
    }
    Ok(Setup { config, zone: Zone::UTC, file: None })
}

fn told(error: &SetupError) -> String {
    match error {
        SetupError::Broken(broken) => {
            let first = broken.problems.first().map(ToString::to_string).unwrap_or_default();
            let more = broken.problems.len().saturating_sub(1);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            format!("{}: {first}{more}", broken.file.display())
        }
        SetupError::Other(error) => error.to_string(),
    }
}
