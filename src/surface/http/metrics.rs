//! `/metrics`: what the runtime and this surface count, and the figures of the moment, as OpenMetrics text.
//!
//! It needs no token, like `/healthz`: it is reached from this machine only and names nothing but gateways.
//! Units: base units, as the names of the series say. Invariant: it is answered though the loop stands still; the
//! loop's figures are then left out. Not here: counting what the engine does (`runtime/meter`).

use std::sync::atomic::AtomicU64;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::Shared;
use super::answer::text_answer;
use super::route::Call;
use crate::limits;
use crate::runtime::watchdog::Health;
use crate::surface::error::{Code, Error};
use crate::surface::ops::reply::StatusShown;
use crate::surface::ops::{perform, request};

/// The kind of the text.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What this surface counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    requests: Family<OfRequest, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRequest {
    /// As the table has it; a route that is not there is `none`.
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfGateway {
    gateway: String,
}

/// Counts each request by its route and how it was answered.
pub(super) async fn count(State(site): State<Shared>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let response = next.run(request).await;
    let status = response.status().as_u16();
    site.counts.requests.get_or_create(&OfRequest { route, method, status }).inc();
    response
}

pub(super) async fn metrics(call: Call) -> Result<Response, Error> {
    let mut registry = Registry::with_prefix("chimewheel");
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The program", build);
    let health = (call.site.door.health)();
    flag(&mut registry, "up", "Whether dues are served in time", health == Health::Well);
    call.site.door.meter.register(&mut registry);
    registry.register("http_requests", "Answered requests", call.site.counts.requests.clone());
    let streams = limits::HTTP_STREAMS_COUNT_MAX.saturating_sub(call.site.gate.streams.available_permits());
    gauge(&mut registry, "http_streams", "Feeds, bulks and exports under way", streams as u64);
    if health.is_answering()
        && let Ok(status) = perform(&*call.site.door.operations, request::Status {}).await
    {
        register_status(&mut registry, &status);
    }
    let mut text = String::new();
    encode(&mut text, &registry)
        .map_err(|error| Error::new(Code::Failed, "metrics cannot be written").detail(error))?;
    Ok(text_answer(StatusCode::OK, OPEN_METRICS, text))
}

/// The loop's figures.
fn register_status(registry: &mut Registry, status: &StatusShown) {
    let schedules: Family<OfState, Gauge> = Family::default();
    for (state, count) in
        [("armed", status.schedules.armed), ("held", status.schedules.held), ("known", status.schedules.known)]
    {
        schedules.get_or_create(&OfState { state }).set(count as i64);
    }
    registry.register("schedules", "Armed, not ended, and ever declared", schedules);
    gauge(registry, "sessions_active", "Sessions that go on", status.sessions.active);
    let timers = status.schedules.armed + status.retrying;
    gauge(registry, "wheel_timers", "Timers in the wheels: dues and retries", timers);
    gauge(registry, "occurrences_open", "Claimed and not settled", status.open);
    gauge(registry, "occurrences_retrying", "Of these, waiting for another attempt", status.retrying);
    let (shut, waiting): (Family<OfGateway, Gauge>, Family<OfGateway, Gauge>) = Default::default();
    for gated in &status.gated {
        let of = OfGateway { gateway: gated.gateway.clone() };
        shut.get_or_create(&of).set(i64::from(gated.error.is_some()));
        waiting.get_or_create(&of).set(gated.chats as i64);
    }
    registry.register("gateway_shut", "Whether nothing can be sent with it", shut);
    registry.register("chats_held_back", "Chats that wait for their pace, or were asked to", waiting);
    gauge(registry, "schedules_overdue", "Waiting to be caught up", status.overdue);
    gauge(registry, "deliveries_in_flight", "With a gateway right now", status.in_flight);
    gauge(registry, "changes_waiting", "Changes asked for and not answered", status.waiting);
    let lag: Gauge<f64, AtomicU64> = Gauge::default();
    lag.set(status.lag_ms as f64 / 1000.0);
    registry.register_with_unit("due_lag", "How late the oldest unserved due is", Unit::Seconds, lag);
    let store: Gauge = Gauge::default();
    store.set(i64::try_from(status.store_bytes).unwrap_or(i64::MAX));
    registry.register_with_unit("store", "Size of the store's file", Unit::Bytes, store);
    let stalls: Counter = Counter::default();
    stalls.inc_by(status.stalls);
    registry.register("loop_stalls", "How often the loop stood still", stalls);
}

fn gauge(registry: &mut Registry, name: &'static str, about: &'static str, value: u64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register(name, about, gauge);
}

fn flag(registry: &mut Registry, name: &'static str, about: &'static str, value: bool) {
    gauge(registry, name, about, u64::from(value));
}
