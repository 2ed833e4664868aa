//! Operations on tokens: made, listed, revoked.
//!
//! Invariant: a token is handed out once its row is durable, and is in no row, log or error.
//! Not here: judging one that is shown (`surface/keys`).

use std::sync::Arc;

use super::super::books::{TokenLine, TokenList, TokenMade, TokenNew, TokenRevoke, TokenRevoked, TokensListed};
use super::super::reply::Instant;
use super::Local;
use crate::access::{self, Actor, Destination, Grant};
use crate::limits;
use crate::problem::{Problem, nearest};
use crate::runtime::Op;
use crate::spec::tree::shorten;
use crate::surface::error::{Code, Error};
use crate::time::{Span, Timestamp};

impl Local {
    pub(super) async fn token_new(&self, asked: TokenNew) -> Result<TokenMade, Error> {
        let now = self.handle.now();
        let mut problems = Vec::new();
        let holder = match (&asked.agent, asked.admin) {
            (Some(agent), false) => Some(Actor::Agent(agent.clone())),
            (None, true) => Some(Actor::Admin),
            (Some(_), true) | (None, false) => {
                let problem = Problem::new("", "who asks with this token is unclear");
                problems.push(problem.hint("give exactly one of agent and admin"));
                None
            }
        };
        for (path, text) in [("agent", &asked.agent), ("label", &asked.label), ("thread", &asked.thread)] {
            problems.extend(text.as_deref().and_then(|text| not_a_name(path, text)));
        }
        if let Some(agent) = asked.agent.as_deref().filter(|agent| self.agents.get(agent).is_none()) {
            let problem = Problem::new("agent", "is not in the config").value(shorten(agent));
            problems.push(match nearest(agent, self.agents.iter().map(|(name, _)| name)) {
                Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
                None => problem.hint("add [agents.NAME] for it first"),
            });
        }
        let destination = self.place_of(&asked, &mut problems);
        let expires_at = asked.expires.as_deref().and_then(|text| match Span::parse(text) {
            Ok(span) if span > Span::ZERO => Some(now.plus(span)),
            Ok(_) => {
                problems.push(Problem::new("expires", "is no span").value(text).hint("such as 30d"));
                None
            }
            Err(error) => {
                problems.push(Problem::new("expires", error.why).value(text).hint("such as 30d"));
                None
            }
        });
        let grants = self.reading(|local| Ok(local.handle.reader().grants()?)).await?;
        if grants.len() >= limits::TOKENS_COUNT_MAX {
            let message = format!("there are {} tokens, and no more are kept", limits::TOKENS_COUNT_MAX);
            return Err(Error::new(Code::Conflict, message));
        }
        let (Some(holder), true) = (holder, problems.is_empty()) else { return Err(Error::problems(problems)) };
        let mut random = [0; 40];
        getrandom::fill(&mut random)
            .map_err(|error| Error::new(Code::Failed, "the system gives no random bytes").detail(error))?;
        let (token, id) = access::token(random);
        let label = asked.label;
        let hash = access::hash(&token);
        let grant = Grant { id, hash, holder, label, destination, created_at: now, expires_at, revoked_at: None };
        let line = line(&grant, now);
        self.ask(Op::Grant(Arc::new(grant))).await?;
        Ok(TokenMade { token, line })
    }

    /// Where messages go that name no destination.
    fn place_of(&self, asked: &TokenNew, problems: &mut Vec<Problem>) -> Option<Destination> {
        match (&asked.gateway, &asked.chat_id) {
            (Some(gateway), Some(chat_id)) if asked.agent.is_some() => {
                if !self.setting.gateways.contains(gateway) {
                    let problem = Problem::new("gateway", "is not configured").value(shorten(gateway));
                    problems.push(problem.hint(format!("configured: {}", self.setting.gateways.join(", "))));
                }
                problems.extend(not_a_name("chat_id", chat_id));
                let (gateway, chat_id) = (gateway.clone(), chat_id.clone());
                Some(Destination { gateway, chat_id, thread: asked.thread.clone() })
            }
            (None, None) if asked.thread.is_none() => None,
            (Some(_), Some(_)) => {
                problems.push(Problem::new("gateway", "is for an agent's token").hint("leave it out for an admin's"));
                None
            }
            (_, _) => {
                let problem = Problem::new("gateway", "a destination is a gateway and a chat_id");
                problems.push(problem.hint("give both, or neither"));
                None
            }
        }
    }

    pub(super) fn token_list(&self, _: &TokenList) -> Result<TokensListed, Error> {
        let now = self.handle.now();
        let mut grants = self.handle.reader().grants()?;
        grants.sort_by_key(|grant| grant.created_at);
        Ok(TokensListed { tokens: grants.iter().map(|grant| line(grant, now)).collect() })
    }

    pub(super) async fn token_revoke(&self, asked: TokenRevoke) -> Result<TokenRevoked, Error> {
        let now = self.handle.now();
        let id = asked.id.clone();
        // Somebody in a hurry may give the whole token.
        let found = self.reading(move |local| {
            let id = Grant::id_in(&id).unwrap_or(&id);
            Ok(local.handle.reader().grant(id)?)
        });
        let Some(grant) = found.await? else {
            let message = "there is no token with this id; `chimewheel token list` shows them";
            return Err(Error::new(Code::NotFound, message));
        };
        let changed = grant.holds(now);
        if grant.revoked_at.is_some() {
            return Ok(TokenRevoked { line: line(&grant, now), changed });
        }
        let grant = Arc::new(Grant { revoked_at: Some(now), ..grant });
        self.ask(Op::Grant(Arc::clone(&grant))).await?;
        Ok(TokenRevoked { line: line(&grant, now), changed })
    }
}

fn not_a_name(path: &str, text: &str) -> Option<Problem> {
    let wrong = match text {
        _ if text.trim().is_empty() => "is empty".to_owned(),
        _ if text.len() > limits::NAME_BYTES_MAX => format!("is longer than {} bytes", limits::NAME_BYTES_MAX),
        _ if text.chars().any(char::is_control) => "holds a control character".to_owned(),
        _ => return None,
    };
    Some(Problem::new(path, wrong).value(shorten(text)))
}

fn line(grant: &Grant, now: Timestamp) -> TokenLine {
    let status = match (grant.revoked_at, grant.holds(now)) {
        (Some(_), _) => "revoked",
        (None, false) => "expired",
        (None, true) => "good",
    };
    TokenLine {
        id: grant.id.clone(),
        agent: if let Actor::Agent(agent) = &grant.holder { Some(agent.clone()) } else { None },
        label: grant.label.clone(),
        destination: grant.destination.as_ref().map(ToString::to_string),
        status: status.to_owned(),
        created_at: Instant(grant.created_at),
        expires_at: grant.expires_at.map(Instant),
        revoked_at: grant.revoked_at.map(Instant),
    }
}
