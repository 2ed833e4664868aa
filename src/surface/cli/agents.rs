//! The commands for agents: `mcp`, the server that a client starts, and `tools`, the table in other forms.
//!
//! In `mcp`, standard output belongs to the protocol; everything else goes to standard error.
//! Not here: what tools do (`tools`), the protocol (`mcp`), where operations are performed (`bridge`).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::bridge::Bridge;
use super::engine::offer;
use super::screen::{Screen, print};
use super::serve::told_to_end;
use super::setup::Setup;
use super::tool_args::{Mcp, ToolForm, ToolSet, Tools};
use crate::calendar::Zone;
use crate::limits;
use crate::problem::Problem;
use crate::runtime::clock::Clock;
use crate::spec::Destination;
use crate::spec::tree::shorten;
use crate::surface::error::{Code, Error};
use crate::surface::mcp::{Offer, Server, speak};
use crate::surface::ops::{Caller, Identity};
use crate::surface::tools::Set;
use crate::surface::tools::export::{Form, export};

/// Speaks MCP over standard input and output until the client ends.
pub fn mcp(mcp: &Mcp, setup: Setup, clock: Arc<dyn Clock>) -> Result<u8, Error> {
    let caller = caller(mcp)?;
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(limits::THREAD_STACK_BYTES_MAX)
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::Failed, format!("cannot start: {error}")))?;
    let outcome = tokio.block_on(async {
        let mut ending = Box::pin(told_to_end()?);
        let own = setup.config.agents.get(&mcp.agent).and_then(|agent| Zone::parse(&agent.timezone?).ok());
        let offer = offer(&setup, &clock);
        let offer = Offer { zone: own.unwrap_or(offer.zone), ..offer };
        let bridge = Arc::new(Bridge::open(setup, clock).await?);
        let server = Server::of(caller, bridge.clone(), offer);
        let outcome = tokio::select! {
            outcome = speak(server) => outcome,
            () = bridge.watch() => Ok(()),
            () = &mut ending => Ok(()),
        };
        outcome.and(bridge.close().await)
    });
    // A read of standard input that is under way cannot be broken off.
    tokio.shutdown_timeout(Duration::from_millis(limits::THREADS_END_MS_MAX));
    outcome.map(|()| 0)
}

/// Who the client's calls are from.
fn caller(mcp: &Mcp) -> Result<Caller, Error> {
    let given = [
        ("--agent", Some(&mcp.agent)),
        ("--session", mcp.session.as_ref()),
        ("--gateway", mcp.gateway.as_ref()),
        ("--chat-id", mcp.chat_id.as_ref()),
        ("--thread", mcp.thread.as_ref()),
    ];
    let wrong = |text: &str| match text {
        _ if text.trim().is_empty() => Some("is empty".to_owned()),
        _ if text.len() > limits::NAME_BYTES_MAX => Some(format!("is longer than {} bytes", limits::NAME_BYTES_MAX)),
        _ if text.chars().any(char::is_control) => Some("holds a control character".to_owned()),
        _ => None,
    };
    let problems = given.into_iter().filter_map(|(name, text)| {
        text.and_then(|text| wrong(text).map(|wrong| Problem::new(name, wrong).value(shorten(text))))
    });
    let problems: Vec<Problem> = problems.collect();
    if !problems.is_empty() {
        return Err(Error::problems(problems));
    }
    let destination = mcp.gateway.clone().zip(mcp.chat_id.clone()).map(|(gateway, chat_id)| Destination {
        gateway,
        chat_id,
        thread: mcp.thread.clone(),
    });
    let (agent, session) = (mcp.agent.clone(), mcp.session.clone());
    Ok(Caller::Agent(Arc::new(Identity { agent, session, destination, via: None })))
}

/// Prints the table of tools.
pub fn tools(tools: &Tools, setup: &Setup, clock: &Arc<dyn Clock>, screen: &Screen) -> Result<u8, Error> {
    let toolbox = Arc::unwrap_or_clone(offer(setup, clock).toolbox);
    let toolbox = match tools.sets.as_slice() {
        [] => toolbox,
        given => toolbox.only(given.iter().map(|set| set.set()).collect()),
    };
    let caller = match &tools.agent {
        Some(agent) if setup.config.agents.get(agent).is_none() => {
            let problem = Problem::new("--agent", "is not in the config").value(shorten(agent));
            return Err(Error::bad_input(problem.hint("add [agents.NAME] for it")));
        }
        Some(agent) => Caller::agent(agent),
        None => Caller::Admin,
    };
    let shown = |form| export(toolbox.tools(&caller), form);
    match tools.format {
        Some(form) => print(&format!("{:#}\n", shown(form.form())))?,
        None if screen.json => print(&format!("{}\n", shown(Form::Json)))?,
        None => {
            let mut text = String::new();
            for tool in toolbox.tools(&caller) {
                let sentence = tool.about.split_once(". ").map_or(tool.about, |(first, _)| first);
                // Writing to a String cannot fail.
                let _ =
                    writeln!(text, "{:<18} {:<10} {}", tool.name, tool.set.word(), sentence.trim_end_matches('.'));
            }
            print(&text)?;
        }
    }
    Ok(0)
}

impl ToolForm {
    fn form(self) -> Form {
        match self {
            Self::Openai => Form::Openai,
            Self::Anthropic => Form::Anthropic,
            Self::Mcp => Form::Mcp,
            Self::Json => Form::Json,
        }
    }
}

impl ToolSet {
    fn set(self) -> Set {
        match self {
            Self::Canonical => Set::Canonical,
            Self::Named => Set::Named,
            Self::Duragent => Set::Duragent,
        }
    }
}
