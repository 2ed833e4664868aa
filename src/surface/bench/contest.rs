//! One run: who takes part, a process for each, the best of several passes.
//!
//! Not here: what is measured (`workload`), what is made of it (`report`).

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::bars::{Bar, Report, grouped, verdicts};
use super::figures::{Figures, Kind, Outcome};
use super::load::{Load, Run};
use super::process::{measure_apart, progress};
use super::report::{self, Ratio, bars, ratios, table};
use super::svg;
use crate::surface::error::{Code, Error};

/// Makes the C library ask for huge pages, as any server with gigabytes of timers would.
const HUGE_PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

/// Timers that the bars are meant for; with fewer, what is held in any case weighs more, and caches hold the rest.
const BAR_TIMERS: u32 = 10_000_000;

/// One who takes part.
#[derive(Clone, Copy, Debug)]
pub struct Entrant {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Measures it.
    pub measure: fn(&Run) -> Figures,
}

/// How to run it.
#[derive(Clone, Debug, Args)]
pub struct Contest {
    /// Timers of each structure
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    pub timers: u32,
    /// Passes; the best figure of each counts
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub passes: u32,
    /// When timers are due; the bars are judged by the first
    #[arg(long, value_name = "NAME", value_enum, default_value_t)]
    pub load: Load,
    /// What chance begins with [default: the number of timers]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write a chart
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Only structures whose name contains this
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Leave the size of memory pages to the system [default: huge ones]
    #[arg(long)]
    pub small_pages: bool,
    /// Measure this structure here and print its figures
    #[arg(long, value_name = "NAME", hide = true)]
    pub child: Option<String>,
}

impl Contest {
    /// Runs it. `command` is what stands before the options on the command line of this program.
    pub fn run(&self, entrants: &[Entrant], command: &[&str]) -> Result<Report, Error> {
        if let Some(name) = &self.child {
            let entrant = entrants.iter().find(|entrant| entrant.name == name.as_str());
            let entrant =
                entrant.ok_or_else(|| Error::new(Code::NotFound, format!("there is no structure {name}")))?;
            return Ok(Report::of_child(json!((entrant.measure)(&self.as_run()))));
        }
        let outcomes = self.measure(entrants, command)?;
        if let Some(file) = &self.svg {
            std::fs::write(file, svg(&outcomes, self.timers, self.load))
                .map_err(|error| Error::new(Code::Failed, format!("cannot write {}: {error}", file.display())))?;
        }
        Ok(Report { text: self.to_text(&outcomes), json: self.to_json(&outcomes) })
    }

    fn as_run(&self) -> Run {
        Run::new(self.timers, self.load, self.seed.unwrap_or_else(|| u64::from(self.timers)))
    }

    fn measure(&self, entrants: &[Entrant], command: &[&str]) -> Result<Vec<Outcome>, Error> {
        let is_asked = |name: &str| self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()));
        let chosen: Vec<&Entrant> = entrants.iter().filter(|entrant| is_asked(entrant.name)).collect();
        if chosen.is_empty() {
            return Err(Error::new(Code::NotFound, format!("no structure is called {}", self.only.join(" or "))));
        }
        let mut outcomes: Vec<Outcome> = Vec::new();
        for pass in 1..=self.passes {
            for (at, entrant) in chosen.iter().enumerate() {
                progress(&format!(
                    "timer wheel, pass {pass} of {}: {} of {}, {}",
                    self.passes,
                    at + 1,
                    chosen.len(),
                    entrant.name
                ));
                let figures = self.measure_apart(entrant, self.load, command)?;
                let half = match (entrant.kind, self.load) {
                    (Kind::Own, Load::LogUniform) => {
                        Some(self.measure_apart(entrant, Load::HalfCancelled, command)?)
                    }
                    (Kind::Own, Load::HalfCancelled) => Some(figures.clone()),
                    _ => None,
                };
                match outcomes.get_mut(at) {
                    Some(outcome) => outcome.take_best(&figures, half.as_ref()),
                    None => outcomes.push(Outcome {
                        name: entrant.name.to_owned(),
                        kind: entrant.kind,
                        figures,
                        half_cancelled: half,
                    }),
                }
            }
        }
        progress("");
        Ok(outcomes)
    }

    /// Measures one in a process of its own. One that does not end in time has no figures.
    fn measure_apart(&self, entrant: &Entrant, load: Load, command: &[&str]) -> Result<Figures, Error> {
        let Run { seed, .. } = self.as_run();
        let (timers, load, seed) = (self.timers.to_string(), load.name(), seed.to_string());
        let options = ["--timers", &timers, "--load", &load, "--seed", &seed, "--child", entrant.name];
        let pages = self.has_huge_pages().then_some(HUGE_PAGES);
        let figures = measure_apart(entrant.name, &[command, &options].concat(), pages, self.process_patience())?;
        Ok(figures.unwrap_or_default())
    }

    /// How long one process may take; each of its parts has its own limit, but for single calls.
    fn process_patience(&self) -> Duration {
        self.as_run().patience * 10
    }

    const fn has_huge_pages(&self) -> bool {
        !self.small_pages && cfg!(all(target_os = "linux", target_env = "gnu"))
    }

    fn to_text(&self, outcomes: &[Outcome]) -> String {
        let pages = if self.has_huge_pages() { "huge pages" } else { "pages as the system gives them" };
        let (timers, load, passes) = (grouped(&self.timers.to_string()), self.load.description(), self.passes);
        let seed = self.seed.map(|seed| format!(", seed {seed}")).unwrap_or_default();
        let mut text = format!(
            "Timer wheel: {timers} timers, {load}{seed}, best of {passes}, {pages}; ns an operation\n\n{}\n",
            table(outcomes)
        );
        let seconds = self.process_patience().as_secs();
        for outcome in outcomes.iter().filter(|outcome| outcome.figures.measured().next().is_none()) {
            text += &format!("{} was given up after {seconds} seconds.\n\n", outcome.name);
        }
        if let Some(half) = report::half_cancelled(outcomes, self.timers) {
            text = text + half.as_str() + "\n";
        }
        let bars = self.bars(outcomes);
        if !bars.is_empty() && self.timers < BAR_TIMERS {
            text += &format!("The bars are meant for {} timers.\n", grouped(&BAR_TIMERS.to_string()));
        }
        text + verdicts(&bars).as_str() + report::comparison(&self.ratios(outcomes)).as_str()
    }

    /// The bars that this load is for.
    fn bars(&self, outcomes: &[Outcome]) -> Vec<Bar> {
        match self.load {
            Load::LogUniform => bars(outcomes),
            Load::HalfCancelled => report::peak_bar(outcomes).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// What stands in for bars where there are none.
    fn ratios(&self, outcomes: &[Outcome]) -> Vec<Ratio> {
        if self.load == Load::LogUniform { Vec::new() } else { ratios(outcomes) }
    }

    fn to_json(&self, outcomes: &[Outcome]) -> Value {
        json!({
            "timers": self.timers,
            "load": self.load.name(),
            "seed": self.as_run().seed,
            "passes": self.passes,
            "huge_pages": self.has_huge_pages(),
            "structures": outcomes,
            "bars": self.bars(outcomes),
            "ratios": self.ratios(outcomes),
        })
    }
}
