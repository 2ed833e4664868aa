//! What one attempt to run may spend on models, and what it has spent: reckoned before each call and after it. Without
//! threads, so that a simulation reckons as the program does.
//!
//! What was before the instruction is told as far as the run's budget reaches; the oldest is left out first.
//! A call may take as many tokens as its prompt can have at most, and as many as its answer may; the limit for the answer
//! is sent along. What must be reserved for it is their price. A model without a price, asked by a schedule that counts no
//! tokens, needs no leave.
//! What the provider reports afterwards takes the place of that; where it reports nothing, or the call broke off after it
//! was made, all of it counts.
//! Units: tokens; `Cost`. Not here: who may spend how much in a day (`engine`), waiting for leave (`running`).

use crate::config::Rates;
use crate::engine::{Bid, Limit, Paid, Payer, Refusal};
use crate::money::{Cost, Price, Spent};
use crate::runner::{Answer, Prompt, RunError};
use crate::runtime::runs::{Begun, NoAnswer};
use crate::spec::{Payload, Tokens};

/// What one attempt may spend, and has.
#[derive(Clone, Debug)]
pub struct Purse {
    payer: Payer,
    limit: Option<Cost>,
    most_tokens: Option<u64>,
    /// Tokens that the run has taken, or may have, its earlier attempts included.
    used: u64,
    model: Option<String>,
    tokens: Option<Tokens>,
    /// Since the last bid; `None`: nobody knows.
    spent: Option<Spent>,
    /// The most that the call under way may take.
    most: Spent,
}

impl Purse {
    /// That of an attempt in which nobody was asked yet.
    #[must_use]
    pub fn new(begun: &Begun) -> Self {
        let budget = match &begun.schedule.payload {
            Payload::Task(task) => task.budget,
            Payload::Message(_) | Payload::Template(_) => Default::default(),
        };
        let schedule = &begun.schedule;
        let title = schedule.talk.is_none().then(|| schedule.title().into());
        Self {
            payer: Payer { title, agent: schedule.agent.as_str().into() },
            limit: budget.max_cost_per_day,
            most_tokens: budget.max_tokens_per_run.map(u64::from),
            used: begun.run.execution.as_ref().map_or(0, |execution| execution.spent.tokens),
            model: None,
            tokens: None,
            spent: Some(Spent::ZERO),
            most: Spent::ZERO,
        }
    }

    /// Says in a prompt how long the answer may be, and what must be reserved before it is sent; `None`: nothing.
    pub fn bid(&mut self, prompt: &mut Prompt, rates: &Rates) -> Result<Option<Bid>, NoAnswer> {
        let price = rates.price(&prompt.model);
        prompt.max_tokens = rates.max_tokens(&prompt.model);
        self.fit(prompt, price);
        let given = prompt.tokens_most();
        self.most = Spent::ZERO;
        if let Some(most) = self.most_tokens {
            let left = most.saturating_sub(self.used);
            let made = left.saturating_sub(given).min(prompt.max_tokens.unwrap_or(u32::MAX).into());
            if made == 0 {
                let used = self.used;
                let reason = format!(
                    "a run may take {most} tokens (budget.max_tokens_per_run); {used} are used, and what it is to be \
                     told may have up to {given}"
                );
                let (limit, is_lasting, payer) = (Limit::Run, true, self.payer.clone());
                return Err(NoAnswer::OverBudget(Refusal { limit, reason, is_lasting, payer }));
            }
            prompt.max_tokens = u32::try_from(made).ok();
        }
        if price.is_none() && self.most_tokens.is_none() {
            return Ok(None);
        }
        let made = u64::from(prompt.max_tokens.unwrap_or(u32::MAX));
        let cost = price.map_or(Cost::ZERO, |price| price.of(given, made));
        self.most = Spent { cost, tokens: given.saturating_add(made) };
        Ok(Some(Bid { payer: self.payer.clone(), limit: self.limit, spent: self.spent, most: self.most }))
    }

    /// Leaves out what was before, the oldest first, until its answer has half of the tokens that the instruction leaves,
    /// or as many as it may have, and until a day's money can be enough for both.
    fn fit(&self, prompt: &mut Prompt, price: Option<Price>) {
        let left = self.most_tokens.map_or(u64::MAX, |most| most.saturating_sub(self.used));
        let longest = prompt.max_tokens.map_or(u64::MAX, u64::from);
        let wanted = (left.saturating_sub(prompt.bare().tokens_most()) / 2).min(longest);
        let fits = |prompt: &Prompt| {
            let given = prompt.tokens_most();
            let made = left.saturating_sub(given).min(longest);
            let cost = price.map_or(Cost::ZERO, |price| price.of(given, made));
            made >= wanted && self.limit.is_none_or(|limit| cost <= limit)
        };
        while !fits(prompt) && prompt.drop_oldest() {}
    }

    /// The bid was heard, whatever the verdict: what was spent before it is settled.
    pub const fn heard(&mut self) {
        self.spent = Some(Spent::ZERO);
    }

    /// The call is over: reckons what it took, and answers without that.
    pub fn over(
        &mut self,
        (provider, rates): (&str, &Rates),
        prompt: &Prompt,
        answer: Result<Answer, RunError>,
    ) -> Result<Answer, RunError> {
        let (answer, paid) = match answer {
            Ok(answer) => {
                self.model = Some(format!("{provider}/{}", answer.model));
                let tokens = answer.tokens;
                (Ok(answer), Some(tokens))
            }
            Err(error) => {
                let (error, paid) = error.unpaid();
                (Err(error), paid)
            }
        };
        let Some(told) = paid else { return answer };
        self.tokens = Tokens::sum(self.tokens, told);
        let taken = told.map(|Tokens { input, output }| {
            let (input, output) = (u64::from(input), u64::from(output));
            let cost = rates.price(&prompt.model).map_or(Cost::ZERO, |price| price.of(input, output));
            Spent { cost, tokens: input + output }
        });
        self.used = self.used.saturating_add(taken.unwrap_or(self.most).tokens);
        self.spent = match (self.spent, taken) {
            (Some(before), Some(taken)) => Some(before.plus(taken)),
            // Nothing was reserved, so nothing is known and nothing counts.
            (Some(before), None) if self.most == Spent::ZERO => Some(before),
            (_, None) | (None, _) => None,
        };
        answer
    }

    /// What the attempt has taken.
    #[must_use]
    pub fn paid(self) -> Paid {
        Paid { model: self.model, tokens: self.tokens, spent: self.spent }
    }
}
