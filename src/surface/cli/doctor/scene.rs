//! What the doctor sees, looked at once: config, data folder, daemon, store.
//!
//! Invariant: looking changes nothing; a store that nobody has is looked at on glass, and held meanwhile.
//! Not here: what is right and what is wrong (`checks`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

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
    /// Active schedules that nothing will start, or that have not succeeded for longer than expected, as `agent/id`; the
    /// first of them.
    pub idle: Vec<String>,
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
            idle: Vec::new(),
        };
        match scene.owner.clone() {
            Some(Owner { address: Some(address), .. }) => scene.ask(&address)?,
            Some(Owner { address: None, .. }) => {}
            None if scene.config.data.join(store::FILE).exists() => {
                let opened = scene.open();
                scene.store = Some(opened);
            }
            None => {}
        }
        Ok(scene)
    }

    /// Asks the daemon how it is, and who paused.
    fn ask(&mut self, address: &str) -> Result<(), Error> {
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new(Code::Failed, format!("cannot start: {error}")))?;
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
            let paused = request::List { status: Some("paused".to_owned()), ..request::List::default() };
            let listed = tokio.block_on(perform(&remote, paused))?;
            let failing = listed.schedules.iter().filter(|line| line.paused_itself);
            self.failing = failing.map(|line| format!("{}/{}", line.agent, line.id)).collect();
            let active = request::List { status: Some("active".to_owned()), ..request::List::default() };
            let listed = tokio.block_on(perform(&remote, active))?;
            let idle = listed.schedules.iter().filter(|line| line.note.is_some());
            self.idle = idle.map(|line| format!("{}/{}", line.agent, line.id)).collect();
        }
        self.daemon = Some(status);
        Ok(())
    }

    /// Reads a store that nobody has: its format, every state, and who paused.
    fn open(&mut self) -> Result<Stored, Error> {
        let _held = Store::hold(&self.config.data)?;
        let opened = Store::open_on_glass(&self.config.data.join(store::FILE))?;
        let (mut schedules, mut failing, mut idle) = (0, Vec::new(), Vec::new());
        let (mut chains, mut followers) = (HashMap::new(), Vec::new());
        opened.each_plan(|id, plan| {
            chains.extend(plan.trigger.after().and_then(|after| after.key).map(|first| (id, first)));
        })?;
        opened.each_expected(|key, expected| idle.extend(expected.told.then_some(key)))?;
        opened.each_state(|key, state| {
            schedules += 1;
            if state.status == Status::Failing && failing.len() < limits::PAGE_ROWS_MAX {
                failing.push(key);
            }
            let first = chains.get(&state.plan).filter(|_| state.status == Status::Active);
            followers.extend(first.map(|first| (key, *first)));
        })?;
        for (key, first) in followers {
            if opened.reader.state(first)?.is_some_and(|first| first.status.is_over()) {
                idle.push(key);
            }
        }
        for (keys, named) in [(failing, &mut self.failing), (idle, &mut self.idle)] {
            for key in keys.into_iter().take(limits::PAGE_ROWS_MAX) {
                if let Some((_, schedule)) = opened.reader.schedule(key)? {
                    named.push(format!("{}/{}", schedule.agent, schedule.id));
                }
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
