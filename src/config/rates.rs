//! What a provider's models cost, and how long their answers may be.
//!
//! `price_in` and `price_out` stand beside a provider's other settings and hold for all its models; `[providers.NAME.models."MODEL"]`
//! says otherwise for one of them, by the name under which it is asked. What is not said there is as for the others.
//! Units: prices are for a million tokens. Not here: what a run costs (`runtime`).

use std::collections::BTreeMap;

use super::section::{Section, Text};
use crate::limits::{ANSWER_TOKENS_MAX, RATES_COUNT_MAX};
use crate::money::{Cost, Price};
use crate::problem::Problem;

/// What is said of the models of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of all of them.
    pub usual: Rate,
    /// Of single ones, by name.
    pub models: BTreeMap<String, Rate>,
}

/// What is said of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// What a million tokens cost that it is given.
    pub price_in: Option<Cost>,
    /// What a million tokens cost that it makes.
    pub price_out: Option<Cost>,
    /// How many tokens an answer may have.
    pub max_tokens: Option<u32>,
}

impl Rates {
    pub(super) fn read(section: &mut Section<'_, '_>, text: &mut Text<'_>) -> Self {
        let usual = Rate::read(section, text);
        let mut models = BTreeMap::new();
        if let Some(table) = section.section(text, "models") {
            for (name, mut own) in table.names(text) {
                models.insert(name, Rate::read(&mut own, text));
                own.finish(text);
            }
        }
        if models.len() > RATES_COUNT_MAX {
            let problem = Problem::new("", format!("names {} models", models.len()));
            section.refuse(text, "models", problem.hint(format!("at most {RATES_COUNT_MAX}")));
        }
        Self { usual, models }
    }

    /// What a model costs; `None`: nothing.
    #[must_use]
    pub fn price(&self, model: &str) -> Option<Price> {
        let own = self.models.get(model).copied().unwrap_or_default();
        let price = Price {
            input: own.price_in.or(self.usual.price_in).unwrap_or_default(),
            output: own.price_out.or(self.usual.price_out).unwrap_or_default(),
        };
        (!price.is_free()).then_some(price)
    }

    /// Whether its price is written, be it nothing.
    #[must_use]
    pub fn says_price(&self, model: &str) -> bool {
        let said = |rate: &Rate| rate.price_in.is_some() || rate.price_out.is_some();
        said(&self.usual) || self.models.get(model).is_some_and(said)
    }

    /// How many tokens its answer may have: one with a price has a limit always, or nobody knew what it may cost.
    #[must_use]
    pub fn max_tokens(&self, model: &str) -> Option<u32> {
        let own = self.models.get(model).and_then(|rate| rate.max_tokens);
        own.or(self.usual.max_tokens).or_else(|| self.price(model).map(|_| ANSWER_TOKENS_MAX))
    }
}

impl Rate {
    fn read(section: &mut Section<'_, '_>, text: &mut Text<'_>) -> Self {
        Self {
            price_in: section.cost(text, "price_in"),
            price_out: section.cost(text, "price_out"),
            max_tokens: section.whole(text, "max_tokens", 1..u64::from(u32::MAX)).map(|most| most as u32),
        }
    }
}
