//! `costs`: what models took, for whoever it is the business of.
//!
//! Not here: how far is looked (`store`).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::reply::{CostLine, CostsTold, Instant};
use super::super::request::Costs;
use super::{Local, view};
use crate::problem::Problem;
use crate::store::Sum;
use crate::surface::error::Error;
use crate::time::Timestamp;

const BY: [&str; 3] = ["schedule", "agent", "model"];

impl Local {
    pub(super) fn costs(&self, asked: &Costs) -> Result<CostsTold, Error> {
        let by = asked.by.as_deref().unwrap_or(BY[0]);
        if !BY.contains(&by) {
            let problem = Problem::new("by", "is not what costs are told by").value(by);
            return Err(Error::bad_input(problem.hint(BY.join(", "))));
        }
        let since =
            asked.since.as_deref().map(|since| view::read_since("since", since, self.handle.now())).transpose()?;
        let reader = self.handle.reader();
        let agent = self.agent_of(asked.agent.as_deref());
        let spending = reader.spending(agent, since.unwrap_or(Timestamp::from_millis(i64::MIN)))?;
        let mut lines: BTreeMap<String, (Option<String>, Sum)> = BTreeMap::new();
        for ((key, model), sum) in spending.sums {
            let Some((_, schedule)) = reader.schedule(key)? else { continue };
            // It may have changed hands.
            if !self.sees(&schedule) {
                continue;
            }
            let (of, name) = match by {
                "agent" => (schedule.agent.clone(), None),
                "model" => (model.unwrap_or_default(), None),
                _ => (schedule.id.to_string(), schedule.name.clone()),
            };
            let line = lines.entry(of).or_insert((name, Sum::default()));
            line.1 = line.1.plus(sum);
        }
        let total = lines.values().fold(Sum::default(), |total, (_, sum)| total.plus(*sum));
        let mut costs: Vec<CostLine> = lines.into_iter().map(|(of, (name, sum))| line(of, name, sum)).collect();
        costs.sort_by_key(|line| Reverse((line.cost_micros, line.tokens_in + line.tokens_out)));
        let total = line(String::new(), None, total);
        Ok(CostsTold { by: by.to_owned(), costs, total, complete_since: spending.cut.map(Instant) })
    }
}

fn line(of: String, name: Option<String>, sum: Sum) -> CostLine {
    let Sum { runs, input, output, cost } = sum;
    CostLine { of, name, runs, tokens_in: input, tokens_out: output, cost_micros: cost.as_micros() }
}
