//! `[gateways.NAME] pace`: how fast a gateway may send, where its operator knows better than the platform's public word.
//!
//! Not here: what the platforms say (`gateway`).

use serde_json::{Value, json};

use super::section::{Section, Text};
use crate::pace::{Pace, Paces};
use crate::problem::Problem;

/// What is said of both paces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaceChoice {
    /// All that the gateway sends.
    pub account: Choice,
    /// What it sends to one chat.
    pub chat: Choice,
}

/// What is said of one pace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Nothing: what the platform says in public.
    #[default]
    Usual,
    /// No pace.
    None,
    /// This one.
    Own(Pace),
}

impl PaceChoice {
    /// Reads `pace = {account = "30/s", chat = "1/s"}`.
    pub(super) fn read(section: &mut Section<'_, '_>, text: &mut Text<'_>) -> Self {
        let Some(mut pace) = section.section(text, "pace") else { return Self::default() };
        let (account, chat) = (pace.parsed(text, "account", read), pace.parsed(text, "chat", read));
        pace.finish(text);
        Self { account: account.unwrap_or_default(), chat: chat.unwrap_or_default() }
    }

    /// The paces to keep to, of a platform that says so much.
    #[must_use]
    pub fn over(self, usual: Paces) -> Paces {
        Paces { account: self.account.over(usual.account), chat: self.chat.over(usual.chat) }
    }

    /// What was said, if anything was.
    pub(super) fn to_json(self) -> Option<Value> {
        let said = |name: &str, choice: Choice| match choice {
            Choice::Usual => None,
            Choice::None => Some((name.to_owned(), json!("none"))),
            Choice::Own(pace) => Some((name.to_owned(), json!(pace.to_string()))),
        };
        let said: serde_json::Map<_, _> =
            said("account", self.account).into_iter().chain(said("chat", self.chat)).collect();
        (!said.is_empty()).then_some(Value::Object(said))
    }
}

impl Choice {
    fn over(self, usual: Option<Pace>) -> Option<Pace> {
        match self {
            Self::Usual => usual,
            Self::None => None,
            Self::Own(pace) => Some(pace),
        }
    }
}

fn read(given: &str) -> Result<Choice, Problem> {
    if given.trim() == "none" {
        return Ok(Choice::None);
    }
    Pace::parse(given).map(Choice::Own).map_err(|error| Problem::new("", error.to_string()))
}
