//! The loopback HTTP surface: resources under `/v1`, the live feed, `/metrics`, `/healthz` and their description.
//!
//! One table, `routes`, says which addresses there are, what each takes and answers; the router and the OpenAPI
//! document are both made of it. What a route does is an operation of [`ops`](super::ops): nothing is decided here.
//! Every error is a problem document (RFC 9457), those of unknown addresses and methods too. `Host` and `Origin`
//! must be local names, so that a web page cannot reach the daemon through a browser; only what platforms post comes by
//! any name, through a proxy, and is known by its signature.
//! Invariant: a slow or greedy caller costs the loop nothing; it meets a limit of [`limits`](crate::limits).
//! Not here: what operations do; asking a daemon (`remote`).

mod accept;
mod answer;
mod auth;
mod body;
mod bulk;
mod call;
mod events;
mod guard;
mod heeded;
mod letters;
mod metrics;
mod openapi;
mod plain;
mod query;
mod rate;
mod route;
mod routes;
mod schedules;
mod sessions;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, on};
use tokio::sync::watch;

use super::keys::Keys;
use super::mcp::{self, Offer};
use super::ops::Operations;
use super::tools::door as tools;
use crate::runtime::Handle;
use crate::runtime::meter::Meter;
use crate::runtime::watchdog::Health;
use guard::Gate;
use metrics::Counts;
use route::Admits;

pub use accept::serve;
pub(super) use answer::{json_answer, refuse};
pub use auth::CALLER_HEADER;
pub(super) use body::read_body;
pub use openapi::document;

/// What the surface needs: who performs operations, and whose tokens it knows.
#[derive(Clone)]
pub struct Door {
    /// Performs operations.
    pub operations: Arc<dyn Operations>,
    /// Knows whose token is shown.
    pub keys: Arc<dyn Keys>,
    /// Says how the engine is, without asking its loop.
    pub health: Arc<dyn Fn() -> Health + Send + Sync>,
    /// What the runtime counts, and the news of commits.
    pub meter: Arc<Meter>,
    /// What agents are offered.
    pub offer: Offer,
    /// Takes what platforms post; `None`: nobody does.
    pub ears: Option<Handle>,
}

/// The door while it is open: what it was given, and what it keeps count of.
struct Site {
    door: Door,
    gate: Gate,
    counts: Counts,
    ending: watch::Sender<bool>,
}

type Shared = Arc<Site>;

impl Site {
    fn new(door: Door) -> Shared {
        Arc::new(Self { door, gate: Gate::default(), counts: Counts::default(), ending: watch::Sender::new(false) })
    }
}

/// The whole surface.
fn router(site: &Shared) -> Router {
    let Door { operations, offer, .. } = &site.door;
    let tools = tools::router(Arc::clone(operations), Arc::clone(&offer.toolbox));
    let mcp = mcp::router(Arc::clone(operations), offer.clone());
    behind(site, of_routes(Admits::Holders).merge(tools).merge(mcp))
}

/// Routes that another surface mounts behind this door: they meet the same checks, and find their `Caller` as an
/// extension.
pub fn guarded(door: Door, routes: Router) -> Router {
    behind(&Site::new(door), routes.with_state(()))
}

/// The routes that need no token, and these, which do.
fn behind(site: &Shared, routes: Router<Shared>) -> Router {
    let guarded = routes
        .method_not_allowed_fallback(plain::wrong_method)
        .route_layer(from_fn_with_state(Arc::clone(site), guard::require_caller));
    let local = of_routes(Admits::Locals)
        .merge(guarded)
        .method_not_allowed_fallback(plain::wrong_method)
        .fallback(plain::nothing_here)
        .layer(from_fn(guard::require_local));
    of_routes(Admits::Platforms)
        .method_not_allowed_fallback(plain::wrong_method)
        .merge(local)
        .layer(from_fn(guard::require_few_words))
        .layer(from_fn_with_state(Arc::clone(site), guard::require_room))
        .layer(from_fn_with_state(Arc::clone(site), metrics::count))
        .with_state(Arc::clone(site))
}

/// The routes of the table that serve these.
fn of_routes(admitted: Admits) -> Router<Shared> {
    let mut router = Router::new();
    for route in routes::ROUTES.iter().filter(|route| route.admits == admitted) {
        let handler = move |state, request| call::serve(route, state, request);
        let methods: MethodRouter<Shared> = on(route.verb.filter(), handler);
        router = router.route(route.path, methods);
    }
    router
}
