//! An engine in this process, with its gateways and the loopback surface beside it.
//!
//! Two kinds of process have one: the daemon, and a companion that an agent's client started because no daemon runs.
//! Order at the end: no more answers, the engine with the deliveries under way, the store.
//! Not here: schedule files (`serve`), finding an engine elsewhere (`reach`, `bridge`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle as Tokio;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::outside::{self, Out};
use super::reach::{setting, settings};
use super::scripts;
use super::setup::Setup;
use crate::access::Via;
use crate::limits;
use crate::runtime::clock::Clock;
use crate::runtime::minds::Hands;
use crate::runtime::{Outside, Runtime, StartError};
use crate::script::Scripts;
use crate::store::OpenError;
use crate::surface::admin::Token;
use crate::surface::error::{Code, Error};
use crate::surface::http::{self, Door};
use crate::surface::keys::Ring;
use crate::surface::mcp::Offer;
use crate::surface::ops::local::Local;
use crate::surface::tools::hands::OwnHands;
use crate::surface::tools::{Set, Toolbox};

/// Pause between two looks at whether the engine still runs, or the folder is free.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What kind of process has the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One that stays: the console gateway prints on standard output.
    Daemon,
    /// One that ends with its client, whose connection standard output is: the console prints on standard error, and
    /// any free port will do.
    Companion,
}

/// An engine that runs.
pub struct Engine {
    runtime: Runtime,
    local: Local,
    scripts: Arc<Scripts>,
    listening: Option<Listening>,
}

/// The loopback surface while it answers.
struct Listening {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Engine {
    /// Starts an engine that answers at `place`, or nowhere.
    pub async fn start(
        setup: &Setup,
        clock: &Arc<dyn Clock>,
        place: Option<SocketAddr>,
        kind: Kind,
    ) -> Result<Self, Error> {
        let scripts = scripts::load(&setup.config);
        let (hands, awaited) = watch::channel(None);
        let runtime = start(setup, &scripts, clock, kind, awaited).await?;
        match listen(setup, &scripts, clock, place, kind, &runtime).await {
            Ok((local, listening)) => {
                let operations = Arc::new(local.clone().by_way_of(Via::Chat));
                let own = OwnHands::new(offer(setup, clock).toolbox, operations, setup.config.agents.clone());
                hands.send_replace(Some(Arc::new(own) as Arc<dyn Hands>));
                Ok(Self { runtime, local, scripts, listening })
            }
            Err(error) => {
                stop(runtime).await?;
                Err(error)
            }
        }
    }

    /// Its operations.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// The scripts that shape its runs.
    #[must_use]
    pub fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listening.as_ref().map(|listening| listening.address)
    }

    /// Whether it has stopped by itself, which it does when its store fails.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.runtime.has_ended()
    }

    /// Until it stops by itself.
    pub async fn stopped(&self) {
        while !self.has_ended() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends it in order.
    pub async fn close(self) -> Result<(), Error> {
        end(self.listening).await;
        stop(self.runtime).await
    }
}

/// What agents are offered under this config.
#[must_use]
pub fn offer(setup: &Setup, clock: &Arc<dyn Clock>) -> Offer {
    let sets: Vec<Set> = setup.config.tool_sets.iter().filter_map(|word| Set::of(word)).collect();
    let limited = setup.config.agents.iter().filter_map(|(name, agent)| Some((name, agent.tools.clone()?)));
    let toolbox = limited.fold(Toolbox::of(&sets), |toolbox, (name, tools)| toolbox.limited(name, tools));
    Offer { toolbox: Arc::new(toolbox), clock: Arc::clone(clock), zone: setup.zone }
}

/// Starts the runtime; a command that has the store open for a moment is waited for.
async fn start(
    setup: &Setup,
    scripts: &Arc<Scripts>,
    clock: &Arc<dyn Clock>,
    kind: Kind,
    hands: watch::Receiver<Option<Arc<dyn Hands>>>,
) -> Result<Runtime, Error> {
    let settings = settings(&setup.config, true);
    let out = match kind {
        Kind::Daemon => Out::Output,
        Kind::Companion => Out::Error,
    };
    let gateways = outside::gateways(&setup.config, out).map_err(Error::problems)?;
    let providers = outside::providers(&setup.config).map_err(Error::problems)?;
    let minds = outside::minds(setup).map_err(Error::problems)?;
    let (routing, agents) = (setup.config.routing.clone(), Arc::new(setup.config.agents.clone()));
    let outside = Outside {
        gateways,
        paces: setup.config.paces.clone(),
        providers,
        routing,
        scripts: Arc::clone(scripts),
        agents,
        cost_per_day: setup.config.cost_per_day,
        routes: Arc::new(setup.config.routes.clone()),
        session_idle: Some(setup.config.session_idle),
        minds,
        hands: Some(hands),
    };
    let mut waited = Duration::ZERO;
    loop {
        let started = Runtime::start(&settings, Arc::clone(clock), outside.clone(), Tokio::current());
        match started {
            Err(StartError::Open(OpenError::Owned { address: None, .. }))
                if waited < Duration::from_millis(limits::OWNER_SILENCE_MS_MAX) =>
            {
                tokio::time::sleep(LOOK_AGAIN).await;
                waited += LOOK_AGAIN;
            }
            Err(error) => return Err(error.into()),
            Ok(runtime) => return Ok(runtime),
        }
    }
}

async fn stop(runtime: Runtime) -> Result<(), Error> {
    let stopped = tokio::task::spawn_blocking(move || runtime.stop()).await;
    let stopped = stopped.map_err(|error| Error::new(Code::Failed, "the end broke off").detail(error))?;
    stopped.map_err(|error| Error::new(Code::Failed, error.to_string()))
}

async fn listen(
    setup: &Setup,
    scripts: &Arc<Scripts>,
    clock: &Arc<dyn Clock>,
    place: Option<SocketAddr>,
    kind: Kind,
    runtime: &Runtime,
) -> Result<(Local, Option<Listening>), Error> {
    let local = |address: Option<SocketAddr>| {
        let address = address.map(|address| address.to_string());
        let local = Local::new(runtime.handle(), setting(setup, Arc::clone(scripts), address, true));
        let local = local.with_agents(setup.config.agents.clone());
        match kind {
            Kind::Daemon => local.by_way_of(Via::Http),
            Kind::Companion => local.as_companion().by_way_of(Via::Mcp),
        }
    };
    let Some(place) = place else { return Ok((local(None), None)) };
    let listener = bind(place, kind).await?;
    let address = listener.local_addr().map_err(|error| Error::new(Code::Failed, error.to_string()))?;
    let local = local(Some(address));
    let handle = runtime.handle();
    let keys = Ring::new(Token::ensure(&setup.config.data)?, runtime.handle());
    let door = Door {
        operations: Arc::new(local.clone().by_way_of(Via::Http)),
        keys: Arc::new(keys.with_agents(&setup.config.agents)?),
        meter: Arc::clone(handle.meter()),
        health: Arc::new(move || handle.health()),
        offer: offer(setup, clock),
        ears: Some(runtime.handle()),
    };
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(http::serve(listener, door, async {
        // A sender that is gone means the end, too.
        let _ = stopped.await;
    }));
    runtime
        .announce(&address.to_string())
        .map_err(|error| Error::new(Code::Failed, format!("cannot write the owner file: {error}")))?;
    Ok((local, Some(Listening { address, stop, serving })))
}

async fn bind(place: SocketAddr, kind: Kind) -> Result<TcpListener, Error> {
    let bound = match (TcpListener::bind(place).await, kind) {
        (Err(_), Kind::Companion) => TcpListener::bind(SocketAddr::new(place.ip(), 0)).await,
        (bound, _) => bound,
    };
    bound.map_err(|error| {
        let message =
            format!("cannot listen on {place}: {error}; choose another with --listen, or 127.0.0.1:0 for any");
        Error::new(Code::Failed, message)
    })
}

async fn end(listening: Option<Listening>) {
    let Some(Listening { stop, serving, .. }) = listening else { return };
    // A surface that has ended already needs no telling.
    let _ = stop.send(());
    let limit = Duration::from_millis(limits::HTTP_END_MS_MAX);
    match tokio::time::timeout(limit, serving).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::error!("the loopback surface: {error}"),
        Ok(Err(error)) => tracing::error!("the loopback surface: {error}"),
        Err(_) => tracing::warn!("the loopback surface did not end in time"),
    }
}
