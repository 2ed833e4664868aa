//! Counts what is committed and sent, and wakes whoever waits for the next commit.
//!
//! The commit thread and the senders count, and the loop what comes in, which is rare; so measuring costs it nothing. Units: seconds, as
//! Prometheus wants them. Invariant: a label has few values: an outcome, or a gateway of the configuration.
//! Not here: figures of the moment (`ops`), the text of `/metrics` (`surface`).

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::watch;

use crate::engine::change::{Cause, Change, Outcome, OutcomeKind, Phase, Run};
use crate::gateway::{Receipt, SendError};
use crate::time::Span;

/// Bounds of the histogram of lags: what is prompt, what a busy second costs, what a stop of the daemon costs.
const LAG_SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0, 600.0, 3600.0];
/// Bounds of the histogram of commits.
const COMMIT_SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Every outcome with its label.
const OUTCOMES: [(OutcomeKind, &str); 6] = [
    (OutcomeKind::Delivered, "delivered"),
    (OutcomeKind::Silent, "silent"),
    (OutcomeKind::Skipped, "skipped"),
    (OutcomeKind::Failed, "failed"),
    (OutcomeKind::Cancelled, "cancelled"),
    (OutcomeKind::Unknown, "unknown"),
];

/// The counters of one runtime.
#[derive(Debug)]
pub struct Meter {
    lag: Histogram,
    commit: Histogram,
    changes: Counter,
    outcomes: Family<OfOutcome, Counter>,
    /// The same counters by place in [`OUTCOMES`], so that counting looks nothing up.
    of_outcome: [Counter; OUTCOMES.len()],
    retries: Counter,
    attempts: Family<OfAttempt, Counter>,
    arrivals: Family<OfArrival, Counter>,
    commits: watch::Sender<u64>,
}

/// How occurrences ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

/// How attempts ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfAttempt {
    gateway: String,
    result: &'static str,
}

/// What became of messages that came in.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfArrival {
    gateway: String,
    result: &'static str,
}

/// What becomes of a message that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// An agent is spoken to.
    Taken,
    /// It was taken before.
    Known,
    /// No agent is spoken to.
    ForNobody,
}

impl Default for Meter {
    fn default() -> Self {
        let outcomes: Family<OfOutcome, Counter> = Family::default();
        let of_outcome = OUTCOMES.map(|(_, outcome)| outcomes.get_or_create_owned(&OfOutcome { outcome }));
        Self {
            lag: Histogram::new(LAG_SECONDS),
            commit: Histogram::new(COMMIT_SECONDS),
            changes: Counter::default(),
            outcomes,
            of_outcome,
            retries: Counter::default(),
            attempts: Family::default(),
            arrivals: Family::default(),
            commits: watch::Sender::new(0),
        }
    }
}

impl Meter {
    /// Makes the counters part of a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "fire_lag",
            "By how much occurrences that ran were taken up later than they were due, jitter included",
            Unit::Seconds,
            self.lag.clone(),
        );
        registry.register_with_unit("commit", "How long commits took", Unit::Seconds, self.commit.clone());
        registry.register("committed_changes", "Changes in all commits", self.changes.clone());
        registry.register("occurrences", "Dues that are accounted for, by how they ended", self.outcomes.clone());
        registry.register("retries", "Attempts after which another one was planned", self.retries.clone());
        registry.register("delivery_attempts", "Attempts by gateway and how they ended", self.attempts.clone());
        let about = "Messages that came in, by gateway and what became of them";
        registry.register("inbound_messages", about, self.arrivals.clone());
    }

    /// Tells how many commits there have been, each time there is one more.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// A batch is durable.
    pub(super) fn committed(&self, batch: &[Change], took: Span) {
        self.commit.observe(seconds(took));
        self.changes.inc_by(batch.len() as u64);
        for change in batch {
            if let Change::Run(run) = change {
                self.ran(run);
            }
        }
        self.commits.send_modify(|commits| *commits += 1);
    }

    fn ran(&self, run: &Run) {
        match &run.phase {
            // It counts as part of its occurrence.
            Phase::Settled { .. } if run.occurrence.delivery > 0 => {}
            Phase::Settled { outcome, .. } => {
                self.count_outcome(outcome, run.range.map_or(1, |range| range.count));
                if run.number > 0 && run.cause != Cause::Notice {
                    self.lag.observe(seconds(run.claimed_at.since(run.occurrence.due)));
                }
            }
            Phase::Rerun { .. } | Phase::Retry { .. } => drop(self.retries.inc()),
            Phase::Buffered
            | Phase::Waiting
            | Phase::Running { .. }
            | Phase::Spread(_)
            | Phase::Pending
            | Phase::Sending { .. } => {}
        }
    }

    fn count_outcome(&self, outcome: &Outcome, dues: u64) {
        let place = OUTCOMES.iter().position(|(kind, _)| *kind == outcome.kind());
        if let Some(counter) = place.and_then(|place| self.of_outcome.get(place)) {
            counter.inc_by(dues);
        }
    }

    /// A message has come in.
    pub(super) fn arrived(&self, gateway: &str, arrival: Arrival) {
        let result = match arrival {
            Arrival::Taken => "taken",
            Arrival::Known => "known",
            Arrival::ForNobody => "for_nobody",
        };
        self.arrivals.get_or_create(&OfArrival { gateway: gateway.to_owned(), result }).inc();
    }

    /// A gateway has answered, or has not.
    pub(super) fn attempted(&self, gateway: &str, answer: &Result<Receipt, SendError>) {
        let result = match answer {
            Ok(_) => "delivered",
            Err(SendError::Permanent { .. }) => "permanent",
            Err(SendError::Ambiguous { .. }) => "ambiguous",
            Err(SendError::Retry { .. }) => "retry",
            Err(SendError::Limited { .. }) => "limited",
            Err(SendError::Unreachable { .. }) => "unreachable",
            Err(SendError::Barred { .. }) => "barred",
        };
        self.attempts.get_or_create(&OfAttempt { gateway: gateway.to_owned(), result }).inc();
    }
}

fn seconds(span: Span) -> f64 {
    span.to_std().as_secs_f64()
}
