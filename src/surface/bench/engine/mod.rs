//! Measuring the engine as it runs in the daemon: real store, real loop and threads, a gateway inside the process.
//!
//! Units: schedules and fires a second, milliseconds, bytes. What decides is the disk under the folder, so it is a
//! folder that the caller may choose.
//! Invariants: each part runs in a process of its own, and finds what the part before it left in the data folder;
//! throughput and starts are measured on a clock set by hand, so that the same dues are served however slow the
//! machine is; lateness is measured on the machine's own clock.
//! Not here: what a part does (`parts`), what the figures come to (`report`).

mod parts;
mod report;
mod rig;

pub use self::report::bars;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bars::Report;
use super::process::{kill_under_load, measure_apart, progress};
use crate::surface::error::{Code, Error};

/// How long one part may take, besides what each schedule adds.
const PATIENCE: Duration = Duration::from_secs(120);
/// What each schedule may add.
const SCHEDULE_PATIENCE: Duration = Duration::from_micros(200);
/// Schedules of which every fire is delivered, at most.
const DELIVERED_MAX: u32 = 100_000;
/// Schedules of a plain `chimewheel bench`.
const GLANCE: u32 = 100_000;
/// Schedules when only the engine is measured.
const DEFAULT: u32 = 1_000_000;
/// Steps of the clock that the process which is killed must have served.
const STEPS_BEFORE_KILL: usize = 6;

/// How to run it.
#[derive(Clone, Debug, Args)]
pub struct EngineContest {
    /// Recurring schedules in the store [default: 1,000,000; 100,000 when all parts are measured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1000..))]
    pub schedules: Option<u32>,
    /// Seconds for which lateness is measured, at 10,000 fires a second
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// Where the data folders are made [default: the system's place for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub place: Option<PathBuf>,
    /// Measure this part here, in an existing data folder, and print its figures
    #[arg(long, value_name = "PART", hide = true, requires = "folder")]
    pub child_part: Option<Part>,
    /// The data folder of the part
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub folder: Option<PathBuf>,
    /// What the part's clock says at first, in milliseconds since its beginning
    #[arg(long, value_name = "MS", hide = true, default_value_t = 0)]
    pub clock_ms: u64,
}

/// One part, which a process of its own measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Creates schedules whose fires are only recorded.
    Create,
    /// Creates schedules whose fires are delivered.
    CreateDelivered,
    /// Starts, and fires.
    Fire,
    /// Fires until it is killed.
    FireOn,
    /// Starts, and ends.
    Boot,
    /// Fires on the machine's clock.
    Late,
}

/// What creating came to.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Created {
    /// Schedules a second.
    pub per_second: f64,
    /// How long the longest commit took.
    pub worst_commit_ms: f64,
    /// Bytes of the file for each schedule.
    pub schedule_bytes: f64,
}

/// What starting came to.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Booted {
    /// From the call to the answer to a first question.
    pub seconds: f64,
    /// Resident memory then.
    pub resident_mb: f64,
    /// Its peak until then.
    pub peak_mb: f64,
}

/// What firing came to.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Fired {
    /// The start before it.
    pub boot: Booted,
    /// Fires that were measured.
    pub fires: f64,
    /// Fires a second.
    pub per_second: f64,
    /// Commits that they took.
    pub commits: f64,
    /// How long the longest took.
    pub worst_commit_ms: f64,
    /// Bytes written for each fire.
    pub written_bytes: f64,
    /// Peak of resident memory.
    pub peak_mb: f64,
    /// What the clock says in the end.
    pub clock_ms: u64,
}

/// Milliseconds between a due and the gateway's being handed the message.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Lateness {
    /// How many were measured.
    pub deliveries: f64,
    /// Half of them are no later.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// 999 of 1,000.
    pub p999_ms: f64,
    /// All.
    pub worst_ms: f64,
}

/// Everything that was measured.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Measured {
    /// Schedules in the store.
    pub schedules: u32,
    /// Schedules of the store whose fires are delivered.
    pub delivered_schedules: u32,
    /// Creating them.
    pub created: Created,
    /// Firing those that are only recorded.
    pub fired: Fired,
    /// Firing those that are delivered.
    pub delivered: Fired,
    /// Starting after an end in order.
    pub booted: Booted,
    /// Starting after kill -9.
    pub after_kill: Booted,
    /// Lateness at 10,000 fires a second.
    pub lateness: Lateness,
}

impl EngineContest {
    /// The same at the size that leaves the other parts their time, unless one is asked for.
    #[must_use]
    pub fn at_a_glance(&self) -> Self {
        Self { schedules: self.schedules.or(Some(GLANCE)), ..self.clone() }
    }

    /// Runs it. `command` is what stands before the options on the command line of this program.
    pub fn run(&self, command: &[&str]) -> Result<Report, Error> {
        if let (Some(part), Some(folder)) = (self.child_part, &self.folder) {
            return parts::run(part, folder, self).map(Report::of_child);
        }
        let measured = self.measure(command)?;
        progress("");
        Ok(Report { text: report::text(&measured), json: report::to_json(&measured) })
    }

    fn schedules(&self) -> u32 {
        self.schedules.unwrap_or(DEFAULT)
    }

    fn measure(&self, command: &[&str]) -> Result<Measured, Error> {
        let place = Place::make(self.place.as_deref())?;
        let schedules = self.schedules();
        let delivered_schedules = schedules.min(DELIVERED_MAX);
        let (silent, loud, late) = (place.0.join("recorded"), place.0.join("delivered"), place.0.join("late"));
        let part =
            |part, folder: &Path, schedules, clock_ms| Child { part, folder: folder.into(), schedules, clock_ms };
        let created = self.apart(command, &part(Part::Create, &silent, schedules, 0))?;
        let fired: Fired = self.apart(command, &part(Part::Fire, &silent, schedules, 0))?;
        let booted = self.apart(command, &part(Part::Boot, &silent, schedules, fired.clock_ms))?;
        let clock_ms = self.kill(command, &part(Part::FireOn, &silent, schedules, fired.clock_ms))?;
        let after_kill = self.apart(command, &part(Part::Boot, &silent, schedules, clock_ms))?;
        self.apart::<Value>(command, &part(Part::CreateDelivered, &loud, delivered_schedules, 0))?;
        let delivered = self.apart(command, &part(Part::Fire, &loud, delivered_schedules, 0))?;
        let lateness = self.apart(command, &part(Part::Late, &late, rig::LATE_SCHEDULES, 0))?;
        let measured =
            Measured { schedules, delivered_schedules, created, fired, delivered, booted, after_kill, lateness };
        Ok(measured)
    }

    fn apart<A: DeserializeOwned>(&self, command: &[&str], child: &Child) -> Result<A, Error> {
        let (who, options) = (child.who(), self.options(child));
        progress(&who);
        let arguments: Vec<&str> = command.iter().copied().chain(options.iter().map(String::as_str)).collect();
        let patience = PATIENCE + SCHEDULE_PATIENCE * child.schedules;
        measure_apart(&who, &arguments, None, patience)?
            .ok_or_else(|| Error::new(Code::Failed, format!("{who} took more than {} s", patience.as_secs())))
    }

    /// Lets a process fire until it has told its clock often enough, and kills it. Answers the last time it told.
    fn kill(&self, command: &[&str], child: &Child) -> Result<u64, Error> {
        let (who, options) = (child.who(), self.options(child));
        progress(&who);
        let arguments: Vec<&str> = command.iter().copied().chain(options.iter().map(String::as_str)).collect();
        kill_under_load(&who, &arguments, STEPS_BEFORE_KILL)
    }

    fn options(&self, child: &Child) -> Vec<String> {
        let part = child.part.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        [
            ("--child-part", part),
            ("--folder", child.folder.display().to_string()),
            ("--schedules", child.schedules.to_string()),
            ("--clock-ms", child.clock_ms.to_string()),
            ("--seconds", self.seconds.to_string()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
    }
}

/// A part with what it is told.
struct Child {
    part: Part,
    folder: PathBuf,
    schedules: u32,
    clock_ms: u64,
}

impl Child {
    fn who(&self) -> String {
        let doing = match self.part {
            Part::Create | Part::CreateDelivered => "create",
            Part::Fire => "fire",
            Part::FireOn => "fire until killed",
            Part::Boot => "start",
            Part::Late => "lateness",
        };
        format!("engine, {doing}: {} schedules", super::bars::grouped(&self.schedules.to_string()))
    }
}

/// A folder that goes when it is no longer needed.
struct Place(PathBuf);

impl Place {
    fn make(parent: Option<&Path>) -> Result<Self, Error> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let folder = parent.join(format!("chimewheel-bench-{}", std::process::id()));
        let refused = |error| Error::new(Code::Failed, format!("cannot make {}: {error}", folder.display()));
        std::fs::create_dir(&folder).map_err(refused)?;
        Ok(Self(folder))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Where it cannot be removed it stays; the figures are not worse for it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
