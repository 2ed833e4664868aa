//! Where the operations of an agent's stdio server are performed: in the daemon, or right here.
//!
//! While a daemon owns the data folder, everything is asked of it. When nobody does, this process opens the store, is
//! the engine itself and answers on the loopback surface, so that others reach it; when the process that others rely on
//! ends, the first to notice takes the store over. The lock on the folder decides who.
//! Invariant: an operation is asked once; one that was cut off is reported, not repeated, because it may have been
//! done. Not here: the protocol (`mcp`).

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{RwLock, RwLockReadGuard};

use super::engine::{Engine, Kind};
use super::setup::Setup;
use crate::limits;
use crate::runtime::clock::Clock;
use crate::store;
use crate::surface::admin::Token;
use crate::surface::error::{Code, Error};
use crate::surface::ops::{Caller, Calling, Operations, Request};
use crate::surface::remote::Remote;

/// Pause between two looks at an owner that has said nothing yet.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// The operations of a stdio server.
pub struct Bridge {
    setup: Setup,
    clock: Arc<dyn Clock>,
    place: RwLock<Option<Place>>,
}

/// Where operations are performed.
enum Place {
    /// By the process that owns the folder.
    Owner(SocketAddr, Remote),
    /// Here.
    Here(Box<Engine>),
}

impl Bridge {
    /// Finds the owner of the data folder, or becomes it.
    pub async fn open(setup: Setup, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let bridge = Self { setup, clock, place: RwLock::new(None) };
        drop(bridge.place().await?);
        Ok(bridge)
    }

    /// Looks again and again whether the owner is still there, for as long as it is polled.
    pub async fn watch(&self) {
        let mut told = false;
        loop {
            tokio::time::sleep(Duration::from_millis(limits::BRIDGE_LOOK_MS_MAX)).await;
            match self.place().await {
                Ok(_) => told = false,
                Err(error) if !told => {
                    tracing::error!("{error}");
                    told = true;
                }
                Err(_) => {}
            }
        }
    }

    /// Ends the engine, if it is here.
    pub async fn close(&self) -> Result<(), Error> {
        match self.place.write().await.take() {
            Some(Place::Here(engine)) => engine.close().await,
            Some(Place::Owner(..)) | None => Ok(()),
        }
    }

    /// The place, found anew where the old one is gone.
    async fn place(&self) -> Result<RwLockReadGuard<'_, Option<Place>>, Error> {
        let standing = self.place.read().await;
        if standing.as_ref().is_some_and(|place| self.stands(place)) {
            return Ok(standing);
        }
        drop(standing);
        let mut place = self.place.write().await;
        // Somebody else may have been quicker.
        if !place.as_ref().is_some_and(|place| self.stands(place)) {
            if let Some(Place::Here(engine)) = place.take() {
                tracing::error!("the engine has stopped by itself and is started again");
                engine.close().await?;
            }
            *place = Some(self.find().await?);
        }
        Ok(place.downgrade())
    }

    fn data(&self) -> &Path {
        &self.setup.config.data
    }

    fn stands(&self, place: &Place) -> bool {
        match place {
            Place::Here(engine) => !engine.has_ended(),
            Place::Owner(address, _) => {
                let owner = store::owner(self.data()).and_then(|owner| owner.address);
                owner.is_some_and(|owner| owner == address.to_string())
            }
        }
    }

    async fn find(&self) -> Result<Place, Error> {
        let looks = limits::OWNER_SILENCE_MS_MAX / LOOK_AGAIN.as_millis() as u64;
        for _ in 0..=looks {
            match store::owner(self.data()) {
                Some(owner) => {
                    // A command has the folder for a moment, or a process is about to say where it listens.
                    if let Some(address) = owner.address.and_then(|address| address.parse().ok()) {
                        tracing::info!("asking the process {} at {address}", owner.pid);
                        let remote = Remote::new(address, Token::load(self.data())?);
                        return Ok(Place::Owner(address, remote));
                    }
                }
                None => {
                    let listen = Some(self.setup.config.listen);
                    match Engine::start(&self.setup, &self.clock, listen, Kind::Companion).await {
                        Ok(engine) => {
                            let address = engine.address().map(|address| address.to_string());
                            tracing::info!(address, "no daemon runs: schedules fire here until this process ends");
                            return Ok(Place::Here(Box::new(engine)));
                        }
                        Err(error) if error.code == Code::Owned => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let message = format!("another process has {} open and does not listen", self.data().display());
        Err(Error::new(Code::Owned, message))
    }
}

impl Operations for Bridge {
    fn call(&self, caller: &Caller, request: Request) -> Calling<'_> {
        let caller = caller.clone();
        Box::pin(async move {
            match &*self.place().await? {
                Some(Place::Owner(_, remote)) => remote.call(&caller, request).await,
                Some(Place::Here(engine)) => engine.local().call(&caller, request).await,
                None => Err(Error::new(Code::Unreachable, "this server is ending")),
            }
        })
    }
}
