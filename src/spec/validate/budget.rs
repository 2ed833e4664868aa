//! What a task may take: tokens of one run, and money in a day.
//!
//! Units: tokens; money as prices are written. Invariant: an amount is read from its digits, so none is rounded.
//! Not here: what models cost (`config`), keeping to it (`engine`).

use serde_json::Value;

use super::Check;
use crate::money::Cost;
use crate::problem::{Problem, nearest};
use crate::spec::Budget;
use crate::spec::raw::RawSchedule;
use crate::spec::tree::shorten;

const TOKENS: &str = "max_tokens_per_run";
const COST: &str = "max_cost_per_day";
const EXAMPLE: &str = "such as {max_tokens_per_run: 4000, max_cost_per_day: 0.50}";

impl Check<'_> {
    /// The budget of a task; `None`: there is a mistake in it.
    pub(super) fn budget(&mut self, raw: &RawSchedule) -> Option<Budget> {
        let mut budget = Budget::default();
        let Some(given) = &raw.budget else { return Some(budget) };
        let Value::Object(entries) = given else {
            self.refuse(Problem::new("budget", "must be a map").value(shorten(&given.to_string())).hint(EXAMPLE));
            return None;
        };
        let faults = self.faults.len();
        for (key, value) in entries {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match key.as_str() {
                _ if value.is_null() => {}
                TOKENS => match shown.parse::<u32>() {
                    Ok(most) if most > 0 => budget.max_tokens_per_run = Some(most),
                    Ok(_) | Err(_) => {
                        let problem = Problem::new(format!("budget.{TOKENS}"), "must be a whole number from 1");
                        self.refuse(problem.value(shorten(&shown)));
                    }
                },
                COST => match Cost::parse(&shown) {
                    Ok(cost) => budget.max_cost_per_day = Some(cost),
                    Err(why) => {
                        self.refuse(Problem::new(format!("budget.{COST}"), why).value(shorten(&shown)).hint(EXAMPLE));
                    }
                },
                other => {
                    let problem = Problem::new(format!("budget.{}", shorten(other)), "is not a known key");
                    let near = nearest(other, [TOKENS, COST]);
                    let hint = near.map_or_else(|| EXAMPLE.to_owned(), |near| format!("did you mean '{near}'?"));
                    self.refuse(problem.hint(hint));
                }
            }
        }
        (self.faults.len() == faults).then_some(budget)
    }
}
