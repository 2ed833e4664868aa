//! Who waits for whom: one queue per chat, bounded work per gateway.
//!
//! First copies leave a chat's queue in order of (due, schedule, delivery). A lane hands its gateway a window of deliveries
//! and no more until every one is answered. A head that must be tried again holds its lane while its wait ends
//! within [`LANE_HOLD_MS_MAX`](crate::limits::LANE_HOLD_MS_MAX) of its first failure; after that the others pass.
//! What is due now goes before what is caught up, and always finds room.
//! Who may not be written to yet stands in no line and takes no place: its chat, or its gateway, has a timer (`gates`).
//! Units: `Timestamp`. Not here: texts, attempts and their records (`settle`), when a gate opens (`gates`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::engine::change::{Cause, LaneId};
use crate::engine::gates::{Breaker, Gate, Waiter, Way};
use crate::id::OccurrenceId;
use crate::limits::{
    CATCHUP_LANES_COUNT_MAX, GATEWAY_LANES_COUNT_MAX, LANE_HOLD_MS_MAX, LANE_WINDOW_COUNT_MAX, PROBE_LOOK_COUNT_MAX,
};
use crate::pace::Paces;
use crate::planted::{self, Bug};
use crate::time::{Span, Timestamp};
use crate::wheel::Wheel;

/// All queues.
pub(super) struct Lanes {
    pub(super) now: Timestamp,
    pub(super) lanes: BTreeMap<LaneId, Lane>,
    pub(super) gateways: BTreeMap<Arc<str>, Gateway>,
    /// Gates that are shut; a wait is a timer here and nothing else.
    pub(super) waits: Wheel<Waiter>,
    paces: Arc<BTreeMap<String, Paces>>,
    in_flight: usize,
}

/// What a gateway is to be handed next.
pub(super) struct Turn {
    pub(super) lane: LaneId,
    pub(super) gateway: Arc<str>,
    pub(super) occurrences: Vec<OccurrenceId>,
    /// Until when its gateway was shut the last time.
    pub(super) was_shut: Option<Timestamp>,
    /// And what it said.
    pub(super) why: Option<Arc<str>>,
}

/// Who goes first where a gateway has little room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// What is due now.
    Fresh,
    /// What is caught up.
    Late,
}

impl Rank {
    const fn count(self) -> usize {
        matches!(self, Self::Fresh) as usize
    }
}

pub(super) struct Lane {
    pub(super) gateway: Arc<str>,
    queue: VecDeque<(OccurrenceId, Rank)>,
    /// How many of the queue are due now.
    fresh: usize,
    /// Of the window that is with the gateway.
    rank: Rank,
    unanswered: usize,
    hold: Option<Hold>,
    /// Stands in this line of its gateway.
    ready: Option<Rank>,
    pub(super) gate: Gate,
}

/// A lane's head waits for its next attempt.
struct Hold {
    head: OccurrenceId,
    since: Timestamp,
    waiting: bool,
}

#[derive(Default)]
pub(super) struct Gateway {
    /// Occurrences claimed and not settled.
    open: usize,
    busy: usize,
    /// Of these, lanes that are only being caught up.
    late: usize,
    /// Lanes that can go on, longest waiting first.
    line: VecDeque<LaneId>,
    /// The same for lanes that are only being caught up.
    late_line: VecDeque<LaneId>,
    pub(super) paces: Paces,
    pub(super) gate: Gate,
    pub(super) breaker: Breaker,
    /// What the gateway said when it was shut.
    pub(super) why: Option<Arc<str>>,
    /// When it was last found shut.
    pub(super) was_shut: Option<Timestamp>,
}

impl Lanes {
    /// No queue, at `now`; gateways without a pace take whatever comes.
    pub(super) fn new(now: Timestamp, paces: Arc<BTreeMap<String, Paces>>) -> Self {
        let (lanes, gateways, waits) = (BTreeMap::new(), BTreeMap::new(), Wheel::new(now.tick()));
        Self { now, lanes, gateways, waits, paces, in_flight: 0 }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// One occurrence more of this gateway is open.
    pub(super) fn opened(&mut self, gateway: &Arc<str>) {
        self.gateway(gateway).open += 1;
    }

    /// One occurrence less.
    pub(super) fn closed(&mut self, gateway: &str) {
        if let Some(gateway) = self.gateways.get_mut(gateway) {
            gateway.open = gateway.open.saturating_sub(1);
        }
    }

    /// How many occurrences of this gateway are open.
    pub(super) fn open(&self, gateway: &str) -> usize {
        self.gateways.get(gateway).map_or(0, |gateway| gateway.open)
    }

    /// The clock was set back by `step`, and the ends of all waits with it. No head is waited for any more.
    pub(super) fn shift(&mut self, step: Span) {
        self.waits = Wheel::new(self.now.tick());
        for gateway in self.gateways.values_mut() {
            gateway.shift(step);
        }
        let ids: Vec<LaneId> = self.lanes.keys().copied().collect();
        for id in ids {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.hold = None;
                lane.gate.shift(step);
            }
            self.consider(id);
        }
    }

    /// Puts an occurrence into its queue: at the end, unless dues missed by several schedules are taken up one schedule
    /// after the other.
    pub(super) fn push(&mut self, lane: LaneId, gateway: &Arc<str>, occurrence: OccurrenceId, rank: Rank) {
        self.lane(lane, gateway).line_up(occurrence, rank);
        self.consider(lane);
    }

    /// Puts an occurrence back at the front: it was taken out and not tried, or its wait is over.
    pub(super) fn push_front(&mut self, lane: LaneId, gateway: &Arc<str>, occurrence: OccurrenceId, rank: Rank) {
        let row = self.lane(lane, gateway);
        if let Some(hold) = &mut row.hold
            && hold.head == occurrence
        {
            hold.waiting = false;
        }
        row.line_up(occurrence, rank);
        self.consider(lane);
    }

    /// Whether this lane is held until `at` for its head to be tried again; otherwise the others pass.
    pub(super) fn hold(&mut self, lane: LaneId, head: OccurrenceId, now: Timestamp, at: Timestamp) {
        let Some(row) = self.lanes.get_mut(&lane) else { return };
        let since = match &row.hold {
            Some(hold) if hold.head == head => hold.since,
            _ => now,
        };
        let held = at <= since.plus(Span::from_millis(LANE_HOLD_MS_MAX));
        let held = held && !planted::is(Bug::RetryOvertaken);
        row.hold = held.then_some(Hold { head, since, waiting: true });
        self.consider(lane);
    }

    /// A head that waited when the last process ended is waited for again, unless somebody stands before it by now.
    pub(super) fn hold_again(
        &mut self,
        lane: LaneId,
        gateway: &Arc<str>,
        head: OccurrenceId,
        now: Timestamp,
        at: Timestamp,
    ) {
        let row = self.lane(lane, gateway);
        if row.hold.is_none() && row.queue.is_empty() {
            self.hold(lane, head, now, at);
        }
    }

    /// One delivery of the lane's window was answered.
    pub(super) fn answered(&mut self, lane: LaneId) {
        let Some(row) = self.lanes.get_mut(&lane) else { return };
        row.unanswered = row.unanswered.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
        if row.unanswered == 0
            && let Some(gateway) = self.gateways.get_mut(&row.gateway)
        {
            gateway.busy = gateway.busy.saturating_sub(1);
            if row.rank == Rank::Late {
                gateway.late = gateway.late.saturating_sub(1);
            }
        }
        self.consider(lane);
    }

    /// The head is settled, or need not be waited for any more.
    pub(super) fn release(&mut self, lane: LaneId, head: OccurrenceId) {
        if let Some(row) = self.lanes.get_mut(&lane)
            && row.hold.as_ref().is_some_and(|hold| hold.head == head)
        {
            row.hold = None;
        }
        self.consider(lane);
    }

    /// Takes an occurrence that is waiting out of its queue.
    pub(super) fn remove(&mut self, lane: LaneId, occurrence: OccurrenceId) {
        if let Some(row) = self.lanes.get_mut(&lane) {
            row.queue.retain(|(waiting, rank)| {
                let stays = *waiting != occurrence;
                row.fresh -= if stays { 0 } else { rank.count() };
                stays
            });
        }
        self.release(lane, occurrence);
    }

    /// The next window of any lane whose gateway has room. `alone` says which occurrences must travel by
    /// themselves, because an attempt that was never made must not look like one.
    pub(super) fn next_window(&mut self, alone: impl Fn(OccurrenceId) -> bool) -> Option<Turn> {
        let (name, id) = self.next_in_line(&alone)?;
        let (lane, gateway) = (self.lanes.get_mut(&id)?, self.gateways.get_mut(&name)?);
        let most = if lane.hold.is_some() || gateway.goes_one_by_one() { 1 } else { LANE_WINDOW_COUNT_MAX };
        let mut window = Vec::new();
        while window.len() < most
            && let Some(&(next, rank)) = lane.queue.front()
            && (window.is_empty() || !alone(next))
        {
            lane.queue.pop_front();
            lane.fresh -= rank.count();
            window.push(next);
            if alone(next) {
                break;
            }
        }
        lane.unanswered = window.len();
        self.in_flight += window.len();
        lane.gate.take(gateway.paces.chat, self.now);
        gateway.gate.take(gateway.paces.account, self.now);
        let (was_shut, why) = (gateway.was_shut, gateway.why.clone());
        Some(Turn { lane: id, gateway: name, occurrences: window, was_shut, why })
    }

    /// Takes the lane that waited longest out of the line of a gateway with room.
    fn next_in_line(&mut self, alone: &impl Fn(OccurrenceId) -> bool) -> Option<(Arc<str>, LaneId)> {
        let Self { now, lanes, gateways, waits, .. } = self;
        for (name, gateway) in gateways {
            while gateway.busy < GATEWAY_LANES_COUNT_MAX && gateway.has_line() {
                match gateway.way(*now) {
                    Way::Open => {}
                    Way::ShutUntil(at) => {
                        gateway.gate.wake_at(at, waits, || Waiter::Gateway(Arc::clone(name)));
                        break;
                    }
                    Way::Asked => break,
                }
                let is_probe = gateway.breaker.is_shut();
                let head = |id: &LaneId| lanes.get(id).and_then(|lane| lane.queue.front());
                if is_probe {
                    gateway.prefer(|id| head(id).is_none_or(|(head, _)| !alone(*head)));
                }
                let Some((id, rank)) = gateway.next() else { break };
                let Some(lane) = lanes.get_mut(&id).filter(|lane| lane.ready == Some(rank)) else { continue };
                lane.ready = None;
                if !lane.can_go_on() {
                    continue;
                }
                let opens_at = lane.gate.opens_at(gateway.paces.chat);
                if opens_at > *now {
                    lane.gate.wake_at(opens_at, waits, || Waiter::Lane(id));
                    continue;
                }
                if is_probe {
                    gateway.begin_probe(id, *now);
                }
                lane.rank = rank;
                gateway.busy += 1;
                gateway.late += usize::from(rank == Rank::Late);
                return Some((Arc::clone(name), id));
            }
        }
        None
    }

    fn gateway(&mut self, name: &Arc<str>) -> &mut Gateway {
        let paces = &self.paces;
        self.gateways.entry(Arc::clone(name)).or_insert_with(|| Gateway {
            paces: paces.get(&**name).copied().unwrap_or_default(),
            ..Gateway::default()
        })
    }

    fn lane(&mut self, lane: LaneId, gateway: &Arc<str>) -> &mut Lane {
        self.lanes.entry(lane).or_insert_with(|| Lane {
            gateway: Arc::clone(gateway),
            queue: VecDeque::new(),
            unanswered: 0,
            hold: None,
            fresh: 0,
            rank: Rank::Fresh,
            ready: None,
            gate: Gate::default(),
        })
    }

    /// Puts the lane in its gateway's line if it can go on; forgets it when nothing is left of it.
    pub(super) fn consider(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        if lane.can_go_on() {
            let is_late = lane.fresh == 0;
            let rank = if is_late { Rank::Late } else { Rank::Fresh };
            // What becomes due in a chat that is caught up takes the whole chat with it: its order stays.
            if lane.ready.is_none() || (lane.ready, rank) == (Some(Rank::Late), Rank::Fresh) {
                lane.ready = Some(rank);
                let gateway = Arc::clone(&lane.gateway);
                let gateway = self.gateway(&gateway);
                if is_late { gateway.late_line.push_back(id) } else { gateway.line.push_back(id) }
            }
        } else if lane.unanswered == 0 && lane.queue.is_empty() && lane.hold.is_none() {
            self.forget_or_wait(id);
        }
    }
}

impl Gateway {
    /// The lane that waited longest, what is due now before what is caught up.
    fn next(&mut self) -> Option<(LaneId, Rank)> {
        let late = self.late < CATCHUP_LANES_COUNT_MAX;
        let fresh = self.line.pop_front().map(|id| (id, Rank::Fresh));
        fresh.or_else(|| late.then(|| self.late_line.pop_front().map(|id| (id, Rank::Late))).flatten())
    }

    fn has_line(&self) -> bool {
        !self.line.is_empty() || self.late < CATCHUP_LANES_COUNT_MAX && !self.late_line.is_empty()
    }

    /// Brings a lane to the front that does for a probe, if one of the first does.
    fn prefer(&mut self, does: impl Fn(&LaneId) -> bool) {
        let line = if self.line.is_empty() { &mut self.late_line } else { &mut self.line };
        if let Some(place) = line.iter().take(PROBE_LOOK_COUNT_MAX).position(does) {
            line.rotate_left(place);
        }
    }
}

impl Lane {
    /// To the place that its due gives it.
    fn line_up(&mut self, occurrence: OccurrenceId, rank: Rank) {
        let is_last = self.queue.back().is_none_or(|(last, _)| order(*last) < order(occurrence));
        if is_last {
            self.queue.push_back((occurrence, rank));
        } else {
            let place = self.queue.partition_point(|(waiting, _)| order(*waiting) < order(occurrence));
            self.queue.insert(place, (occurrence, rank));
        }
        self.fresh += rank.count();
    }

    /// Whether it has something to send that waits for nothing but its gate.
    pub(super) fn can_go_on(&self) -> bool {
        let waiting = self.hold.as_ref().is_some_and(|hold| hold.waiting);
        self.unanswered == 0 && !waiting && !self.queue.is_empty()
    }
}

impl Cause {
    /// Who goes first.
    pub(super) const fn rank(self) -> Rank {
        match self {
            Self::Due | Self::Manual | Self::Notice => Rank::Fresh,
            Self::CatchUp => Rank::Late,
        }
    }
}

fn order(occurrence: OccurrenceId) -> (Timestamp, u64, u16) {
    (occurrence.due, occurrence.schedule.0, occurrence.delivery)
}
