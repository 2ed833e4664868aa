//! One run: who takes part, a process for each, the best of several passes.
//!
//! Not here: what is measured (`workload`), what is made of it (`report`).

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::bars::Report;
use super::figures::{Figures, Kind, Outcome};
use super::process::{measure_apart, progress};
use super::{report, svg};
use crate::surface::error::{Code, Error};

/// Makes the C library ask for huge pages, as any server with gigabytes of timers would.
const HUGE_PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

/// One who takes part.
#[derive(Clone, Copy, Debug)]
pub struct Entrant {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Measures it with so many timers.
    pub run: fn(usize) -> Figures,
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
            return Ok(Report::of_child(json!((entrant.run)(self.timers as usize))));
        }
        let outcomes = self.measure(entrants, command)?;
        if let Some(file) = &self.svg {
            std::fs::write(file, svg(&outcomes, self.timers))
                .map_err(|error| Error::new(Code::Failed, format!("cannot write {}: {error}", file.display())))?;
        }
        let text = report::text(&outcomes, self.timers, self.passes, self.has_huge_pages());
        Ok(Report { text, json: self.to_json(&outcomes) })
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
                let figures = self.measure_apart(entrant, command)?;
                match outcomes.get_mut(at) {
                    Some(outcome) => outcome.figures = outcome.figures.best(figures),
                    None => {
                        outcomes.push(Outcome { name: entrant.name.to_owned(), kind: entrant.kind, figures });
                    }
                }
            }
        }
        progress("");
        Ok(outcomes)
    }

    /// Measures one in a process of its own.
    fn measure_apart(&self, entrant: &Entrant, command: &[&str]) -> Result<Figures, Error> {
        let timers = self.timers.to_string();
        let arguments = [command, &["--timers", &timers, "--child", entrant.name]].concat();
        measure_apart(entrant.name, &arguments, self.has_huge_pages().then_some(HUGE_PAGES))
    }

    const fn has_huge_pages(&self) -> bool {
        !self.small_pages && cfg!(all(target_os = "linux", target_env = "gnu"))
    }

    fn to_json(&self, outcomes: &[Outcome]) -> Value {
        json!({
            "timers": self.timers,
            "passes": self.passes,
            "huge_pages": self.has_huge_pages(),
            "structures": outcomes,
            "bars": report::bars(outcomes, self.timers),
        })
    }
}
