//! What a task may take: tokens of one run, and money in a day.
//!
//! Units: tokens; money as prices are written. Invariant: an amount is read from its digits, so none is rounded.
//! What a model's provider cannot keep to is refused. Not here: what models cost (`config`), keeping to it (`engine`).

use serde_json::Value;

use super::Check;
use crate::config::{Model, Trait};
use crate::money::Cost;
use crate::problem::{Problem, nearest};
use crate::spec::raw::RawSchedule;
use crate::spec::tree::shorten;
use crate::spec::{Budget, Silence};

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

    /// What the provider of the chosen model cannot keep to is refused.
    pub(super) fn kept_by(&mut self, chosen: &Model, silence: Silence, budget: Budget) {
        let Model { provider, name } = chosen;
        let Some(of) = self.context.routing.traits(chosen) else { return };
        if silence == Silence::Tool && !matches!(of, Trait::Model(_)) {
            let problem = Problem::new(
                "silence",
                format!("needs a model that calls tools, and provider '{provider}' calls none"),
            );
            self.refuse(problem.value("tool").hint("write silence: json, or name the model of another provider"));
        }
        if let (Some(most), Trait::Command) = (budget.max_tokens_per_run, of) {
            let why = format!("provider '{provider}' is a command, which is told nothing of it and counts no tokens");
            let problem = Problem::new(format!("budget.{TOKENS}"), why).value(most.to_string());
            self.refuse(problem.hint("leave it out, or name the model of another provider"));
        }
        let Some(most) = budget.max_cost_per_day else { return };
        let (why, hint) = match of {
            Trait::Model(rates) if !rates.says_price(name) => (
                format!("model '{}' has no price that could be reckoned with", shorten(&chosen.to_string())),
                format!(
                    "write price_in and price_out in [providers.{provider}], 0 where it costs nothing; or leave it out"
                ),
            ),
            Trait::Command => (
                format!("provider '{provider}' is a command, and nobody knows what that costs"),
                "leave it out, or name the model of another provider".to_owned(),
            ),
            Trait::Echo | Trait::Model(_) => return,
        };
        self.refuse(Problem::new(format!("budget.{COST}"), why).value(most.to_string()).hint(hint));
    }
}
