//! How a run asks its model: with what that is to know, with leave for what each call may take, and again after every tool
//! that it calls, until it answers.
//!
//! Each call is bid for by itself, so a conversation of many calls stays within every limit. Whoever stands in for a model
//! that cannot answer now is asked within the same call.
//! Invariant: no model that costs something, or whose tokens are counted, is asked before its leave is durable.
//! Not here: what a call may take (`purse`), who may spend what (`engine`), what tools do (`surface`).

use std::sync::Arc;
use std::sync::mpsc::Sender;

use serde_json::Value;
use tokio::sync::oneshot;

use super::{Seats, Shared};
use crate::engine::{Bid, Input, Verdict};
use crate::id::OccurrenceId;
use crate::limits::{CALLS_COUNT_MAX, ROUNDS_COUNT_MAX};
use crate::runner::{Answer, Call, Round, RunError};
use crate::runtime::Message;
use crate::runtime::minds::{self, Asking, Context, Hands};
use crate::runtime::outbox::Outbox;
use crate::runtime::purse::Purse;
use crate::runtime::runs::{Asked, Begun, NoAnswer};
use crate::time::Span;

/// Where a run asks for leave to spend.
pub(super) struct Till<'a> {
    occurrence: OccurrenceId,
    pub(super) purse: Purse,
    /// Whether nothing but what is said by a tool is sent.
    speaks_by_tool: bool,
    answers: &'a Sender<Message>,
    /// The beat with which its time is over.
    last_beat: Option<u64>,
}

/// Everything that a model may call in one run.
struct Tools {
    hands: Option<(Arc<dyn Hands>, Asking)>,
    outbox: Option<Outbox>,
    /// What was made so far. A run that is made again may take another way to it, but the first thing that it makes is the
    /// first all the same.
    made: u16,
}

impl<'a> Till<'a> {
    pub(super) fn new(begun: &Begun, answers: &'a Sender<Message>) -> Self {
        let (occurrence, speaks_by_tool) = (begun.run.occurrence, begun.speaks_by_tool());
        Self { occurrence, purse: Purse::new(begun), speaks_by_tool, answers, last_beat: None }
    }
}

impl Tools {
    fn told(&self) -> Arc<[Value]> {
        let mut told = self.hands.as_ref().map(|(hands, asking)| hands.tools(asking)).unwrap_or_default();
        told.extend(self.outbox.iter().flat_map(|_| Outbox::tools()));
        told.into()
    }

    /// Calls those of one answer, one after the other.
    async fn call_all(&mut self, begun: &Begun, answer: Answer) -> Round {
        let mut calls = Vec::new();
        for (place, call) in answer.calls.into_iter().enumerate() {
            let came = if place >= CALLS_COUNT_MAX {
                format!("Error: not done; at most {CALLS_COUNT_MAX} calls are made in one go")
            } else {
                self.call(&call, begun.token(self.made)).await
            };
            calls.push((call, came));
        }
        Round { text: answer.text, calls }
    }

    async fn call(&mut self, call: &Call, token: String) -> String {
        let written = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
        let arguments = match serde_json::from_str(written) {
            Ok(arguments) => arguments,
            Err(error) => return format!("Error: the arguments are not JSON: {error}"),
        };
        if let Some(said) = self.outbox.as_mut().and_then(|outbox| outbox.call(&call.name, &arguments)) {
            return said;
        }
        match &self.hands {
            Some((hands, asking)) => {
                let came = hands.call(asking, &call.name, arguments, token).await;
                self.made = self.made.saturating_add(u16::from(came.is_made));
                minds::outcome(came.told)
            }
            None => format!("Error: there is no tool '{}'", call.name),
        }
    }
}

impl Shared {
    /// Asks a model, or those that stand in for it, with what they are to know; calls the tools that it calls, and asks
    /// again, until it answers.
    pub(super) async fn ask(
        &self,
        begun: &Begun,
        model: Option<&str>,
        instruction: &str,
        till: &mut Till<'_>,
    ) -> Result<Answer, NoAnswer> {
        let (first, instead) = begun.asked(&self.routing, model, instruction)?;
        till.last_beat = self.routing.timeout.map(|timeout| self.beat_after(timeout));
        let (schedule, key) = (&begun.schedule, begun.run.occurrence.schedule);
        let told = minds::context(&self.minds, schedule, key, &self.reader, self.clock.now(), self.idle);
        let Context { system, history, asking } =
            told.map_err(|error| RunError::Retry { error: error.to_string(), after: None })?;
        let hands = match asking {
            Some(asking) => {
                let asking = Asking { begun_before: begun.begun_before(), ..asking };
                self.hands().await.map(|hands| (hands, asking))
            }
            None => None,
        };
        let mut tools = Tools { hands, outbox: till.speaks_by_tool.then(Outbox::default), made: 0 };
        let told = tools.told();
        let mut all: Vec<Asked> = std::iter::once(first).chain(instead).collect();
        for asked in &mut all {
            asked.prompt.system.clone_from(&system);
            asked.prompt.history = Arc::clone(&history);
            asked.prompt.tools = Arc::clone(&told);
        }
        for round in 1..=ROUNDS_COUNT_MAX {
            if round == ROUNDS_COUNT_MAX {
                // Without tools there is nothing left to it but to answer.
                all.iter_mut().for_each(|asked| asked.prompt.tools = Arc::default());
            }
            let answer = self.ask_all(&all, till).await?;
            let calls_last = round == ROUNDS_COUNT_MAX && !answer.calls.is_empty();
            if calls_last && answer.text.trim().is_empty() {
                break;
            }
            if answer.calls.is_empty() || calls_last || told.is_empty() {
                let said = match tools.outbox {
                    Some(outbox) => outbox.close(answer),
                    None => answer.spoken(),
                };
                return Ok(said?);
            }
            let came = tools.call_all(begun, answer).await;
            all.iter_mut().for_each(|asked| asked.prompt.rounds.push(came.clone()));
        }
        let error = format!("the model was asked {ROUNDS_COUNT_MAX} times and called tools each time");
        Err(RunError::Permanent { error }.into())
    }

    /// What models may do, once there is somebody who does it.
    async fn hands(&self) -> Option<Arc<dyn Hands>> {
        let mut hands = self.hands.clone()?;
        hands.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Asks one after the other, as long as trying again is what would help: one that may have done its work ends it.
    async fn ask_all(&self, all: &[Asked], till: &mut Till<'_>) -> Result<Answer, NoAnswer> {
        let Some((first, instead)) = all.split_first() else {
            return Err(RunError::Permanent { error: "there is nobody to ask".into() }.into());
        };
        let (mut error, mut after) = match self.run(first, true, till).await {
            Err(NoAnswer::Error(RunError::Retry { error, after })) => (error, after),
            answer => return answer,
        };
        for asked in instead {
            match self.run(asked, false, till).await {
                Err(NoAnswer::Error(RunError::Retry { error: why, after: wait })) => {
                    error = format!("{error}; {asked}: {why}");
                    after = after.max(wait);
                }
                // It stands in for another, which may be there again.
                Err(NoAnswer::Error(RunError::Permanent { error: why })) => {
                    error = format!("{error}; {asked}: {why}")
                }
                Err(NoAnswer::OverBudget(refusal)) => error = format!("{error}; {asked}: {}", refusal.reason),
                Err(NoAnswer::Error(RunError::Ambiguous { error: why })) => {
                    return Err(RunError::Ambiguous { error: format!("{error}; {why}") }.into());
                }
                answer @ (Ok(_) | Err(NoAnswer::NotAsked | NoAnswer::Error(RunError::Paid { .. }))) => return answer,
            }
        }
        Err(RunError::Retry { error, after }.into())
    }

    async fn run(&self, asked: &Asked, waits: bool, till: &mut Till<'_>) -> Result<Answer, NoAnswer> {
        let Some(Seats { provider, free }) = self.providers.get(&asked.provider) else {
            let name = &asked.provider;
            let error = format!("provider '{name}' is not configured; add [providers.{name}] to chimewheel.toml");
            return Err(RunError::Permanent { error }.into());
        };
        if till.speaks_by_tool && !provider.runner.calls_tools() {
            let name = &asked.provider;
            let error = format!(
                "provider '{name}' calls no tools, and with silence: tool nothing else is sent; write silence: json, or \
                 name the model of another provider"
            );
            return Err(RunError::Permanent { error }.into());
        }
        let seat = if waits { free.acquire().await.ok() } else { free.try_acquire().ok() };
        let Some(_seat) = seat else {
            return Err(RunError::Retry { error: "it has no room now".into(), after: None }.into());
        };
        if till.last_beat.is_some_and(|last| *self.beats.borrow() >= last) {
            return Err(self.out_of_time().into());
        }
        let mut prompt = asked.prompt.clone();
        if let Some(bid) = till.purse.bid(&mut prompt, &provider.rates)? {
            self.leave(bid, till).await?;
        }
        let answer = tokio::select! {
            biased;
            answer = provider.runner.run(prompt.clone()) => answer,
            () = self.patience(provider.timeout) => {
                let error = format!("the run took longer than {}, and was ended", provider.timeout);
                Err(RunError::Ambiguous { error })
            }
            // Ended here, so that what the call under way may have taken is reckoned.
            () = self.beat(till.last_beat) => Err(self.out_of_time()),
        };
        Ok(till.purse.over((&asked.provider, &provider.rates), &prompt, answer)?)
    }

    fn out_of_time(&self) -> RunError {
        let timeout = self.routing.timeout.unwrap_or(Span::ZERO);
        let error = format!("the run took longer than {timeout}, routing.tasks.timeout, and was ended");
        RunError::Ambiguous { error }
    }

    /// Waits until what a call may take is reserved, or says why it must not be made.
    async fn leave(&self, bid: Bid, till: &mut Till<'_>) -> Result<(), NoAnswer> {
        let (tell, told) = oneshot::channel();
        self.verdicts().insert(till.occurrence, tell);
        // A loop that has ended tells nobody anything: the process is ending.
        let _ = till.answers.send(Message::Input(Input::Reserve { occurrence: till.occurrence, bid }));
        let verdict = told.await.unwrap_or(Verdict::NotNow);
        till.purse.heard();
        match verdict {
            Verdict::Granted => Ok(()),
            Verdict::Refused(refusal) => Err(NoAnswer::OverBudget(refusal)),
            Verdict::NotNow => Err(NoAnswer::NotAsked),
        }
    }
}
