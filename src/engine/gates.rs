//! When a chat or an account may be written to: gates that a pace or a refusal shuts, and the breaker of an account.
//!
//! A gate is shut while its bucket has no token, or until the instant that the platform named. Whoever waits at one is
//! a timer in `Lanes::waits`: no worker, no place among the busy, no attempt.
//! A breaker is open while the account as a whole is of no use. From time to time one delivery is let through as a
//! probe; its answer closes the breaker, or opens it for twice as long.
//! Units: `Timestamp`, `Span`.
//! Invariants: at most one timer a gate; while a breaker is open nothing is sent, and at most one probe at a time.
//! Nothing of this is journalled: it is a guess about somebody else's state. After a start each bucket is full and each
//! gate open, and the platform says it again.
//! Not here: lines and windows (`lanes`), what a refusal means for an occurrence (`settle`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Answer;
use crate::engine::change::LaneId;
use crate::engine::lanes::{Gateway, Lane, Lanes};
use crate::limits::{
    BREAKER_CHATS_COUNT_MIN, BREAKER_FAILURES_COUNT_MIN, BREAKER_WAIT_MS_MAX, BREAKER_WAIT_MS_MIN,
    GATE_WAITS_COUNT_MAX, LIMITED_MS_MAX, LIMITED_MS_MIN, LIMITED_UNSAID_MS_MAX, SPAN_MS_MAX, TURN_TIMERS_COUNT_MAX,
};
use crate::pace::{Bucket, Pace, Paces, Scope};
use crate::planted::{self, Bug};
use crate::time::{Span, Timestamp};
use crate::wheel::{Key, Next, Wheel};

/// Of a chat, or of an account.
pub(super) struct Gate {
    bucket: Bucket,
    /// The platform asked to wait until then.
    not_before: Timestamp,
    /// Goes off when it may be open again.
    timer: Option<(Key, Timestamp)>,
}

/// Whose timer it is.
#[derive(Clone, Debug)]
pub(super) enum Waiter {
    Lane(LaneId),
    Gateway(Arc<str>),
}

/// Whether an account may be written to.
pub(super) enum Way {
    Open,
    ShutUntil(Timestamp),
    /// A probe is under way; its answer decides.
    Asked,
}

/// Whether an account works at all.
pub(super) enum Breaker {
    /// It does, but for so many failures in a row, for these chats.
    Closed { failed: u16, chats: Vec<LaneId> },
    /// It does not, and is left alone until then.
    Open { until: Timestamp, times: u16 },
    /// One delivery is on its way to find out.
    Probing { lane: LaneId, times: u16 },
}

/// A gateway that may not send right now, or not to every chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gated {
    /// Its name.
    pub gateway: Arc<str>,
    /// Until when nothing is sent, to anybody.
    pub until: Option<Timestamp>,
    /// What was said when its account was shut; it is tried from time to time.
    pub error: Option<Arc<str>>,
    /// Chats that have something to send and wait for their own gate.
    pub chats: usize,
}

/// What an answer says about the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Alive,
    /// It failed, and that may be the platform's fault.
    Failing,
    /// It is of no use to anybody.
    Shut,
    /// Nobody was asked.
    Nothing,
}

impl Default for Gate {
    fn default() -> Self {
        Self { bucket: Bucket::default(), not_before: Timestamp::from_millis(i64::MIN), timer: None }
    }
}

impl Gate {
    /// From when on somebody may pass.
    pub(super) fn opens_at(&self, pace: Option<Pace>) -> Timestamp {
        pace.map_or(self.not_before, |pace| self.bucket.next_at(pace).max(self.not_before))
    }

    pub(super) fn take(&mut self, pace: Option<Pace>, now: Timestamp) {
        if let Some(pace) = pace {
            self.bucket.take(pace, now);
        }
    }

    fn shut_until(&mut self, at: Timestamp) {
        self.not_before = self.not_before.max(at);
    }

    /// When there is nothing left to remember.
    fn rests_at(&self) -> Timestamp {
        self.bucket.full_at().max(self.not_before)
    }

    /// Sees to it that `waiter` is told by then.
    pub(super) fn wake_at(&mut self, at: Timestamp, waits: &mut Wheel<Waiter>, waiter: impl FnOnce() -> Waiter) {
        if self.timer.is_some_and(|(_, before)| before <= at) {
            return;
        }
        if let Some((key, _)) = self.timer {
            waits.cancel(key);
        }
        self.timer = Some((waits.insert(at.tick(), waiter()), at));
    }

    /// The clock was set back, and the wheel of its timer is gone.
    pub(super) fn shift(&mut self, step: Span) {
        self.timer = None;
        if !planted::is(Bug::GateKeepsOldClock) {
            self.bucket.shift(step);
            self.not_before = self.not_before.minus(step);
        }
    }
}

impl Lanes {
    /// The timers that are over by now; whether there are more of them.
    pub(super) fn advance(&mut self) -> bool {
        let mut over: Vec<Waiter> = Vec::new();
        let progress = self.waits.advance(self.now.tick(), TURN_TIMERS_COUNT_MAX, |_, _, waiter| {
            over.push(waiter.clone());
            Next::Drop
        });
        for waiter in over {
            match waiter {
                Waiter::Gateway(name) => {
                    if let Some(gateway) = self.gateways.get_mut(&name) {
                        gateway.gate.timer = None;
                    }
                }
                Waiter::Lane(id) => {
                    if let Some(lane) = self.lanes.get_mut(&id) {
                        lane.gate.timer = None;
                    }
                    self.consider(id);
                }
            }
        }
        progress.more
    }

    /// What an answer says about the chat and its account. Returns until when the chat is to wait, if it is.
    pub(super) fn heard(&mut self, id: LaneId, answer: &Answer) -> Option<Timestamp> {
        let lane = self.lanes.get_mut(&id)?;
        let gateway = self.gateways.get_mut(&lane.gateway)?;
        let sign = match answer {
            // The one token that it took is not worth the trouble.
            Answer::NotTried | Answer::Superseded => Sign::Nothing,
            Answer::Limited { after, scope, .. } => {
                let unsaid = Span::from_millis(LIMITED_UNSAID_MS_MAX);
                let (least, most) = (Span::from_millis(LIMITED_MS_MIN), Span::from_millis(LIMITED_MS_MAX));
                // One that means more says so again.
                let at = self.now.plus(after.unwrap_or(unsaid).max(least).min(most));
                match scope {
                    _ if planted::is(Bug::LimitMovesMessageOnly) => {}
                    Scope::Chat if !planted::is(Bug::LimitOfChatHoldsAll) => lane.gate.shut_until(at),
                    Scope::Chat | Scope::Account => gateway.gate.shut_until(at),
                }
                Sign::Alive
            }
            Answer::Delivered { .. } | Answer::Permanent { .. } | Answer::Retry { after: Some(_), .. } => Sign::Alive,
            Answer::Retry { after: None, .. } | Answer::Ambiguous { .. } => Sign::Failing,
            Answer::Shut { .. } => Sign::Shut,
        };
        gateway.breaker.hear(id, sign, self.now);
        if let Answer::Shut { error } | Answer::Retry { error, .. } | Answer::Ambiguous { error } = answer
            && gateway.breaker.is_shut()
        {
            gateway.why = Some(error.as_str().into());
        }
        let chat = lane.gate.not_before.max(gateway.gate.not_before);
        let at = gateway.breaker.until().map_or(chat, |until| until.max(chat));
        (at > self.now).then_some(at)
    }

    /// What is shown of all this. Looks at every chat that has something to send, if anybody waits at all.
    pub(super) fn gated(&self) -> Vec<Gated> {
        let mut chats: BTreeMap<&str, usize> = BTreeMap::new();
        if !self.waits.is_empty() {
            let waits = |lane: &&Lane| {
                let pace = self.gateways.get(&lane.gateway).and_then(|gateway| gateway.paces.chat);
                lane.can_go_on() && lane.gate.opens_at(pace) > self.now
            };
            for lane in self.lanes.values().filter(waits) {
                *chats.entry(&lane.gateway).or_default() += 1;
            }
        }
        let gated = self.gateways.iter().map(|(name, gateway)| Gated {
            gateway: Arc::clone(name),
            until: gateway.shut_until(self.now),
            error: gateway.why.clone().filter(|_| !matches!(gateway.breaker, Breaker::Closed { .. })),
            chats: chats.get(&**name).copied().unwrap_or_default(),
        });
        gated.filter(|one| one.until.is_some() || one.error.is_some() || one.chats > 0).collect()
    }

    /// Forgets a chat that has nothing to send, once its bucket is full and nobody asked to wait.
    pub(super) fn forget_or_wait(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let rests_at = lane.gate.rests_at();
        let is_told = self.waits.len() < GATE_WAITS_COUNT_MAX;
        if rests_at > self.now && is_told && !planted::is(Bug::BucketForgottenWhenIdle) {
            lane.gate.wake_at(rests_at, &mut self.waits, || Waiter::Lane(id));
        } else {
            if let Some((key, _)) = lane.gate.timer {
                self.waits.cancel(key);
            }
            self.lanes.remove(&id);
        }
    }
}

impl Gateway {
    /// Whether the account may be written to.
    pub(super) fn way(&self, now: Timestamp) -> Way {
        let gate = self.gate.opens_at(self.paces.account);
        match self.breaker {
            Breaker::Probing { .. } if !planted::is(Bug::ProbeStorm) => Way::Asked,
            Breaker::Open { until, .. } if until > now => Way::ShutUntil(until.max(gate)),
            _ if gate > now => Way::ShutUntil(gate),
            Breaker::Closed { .. } | Breaker::Open { .. } | Breaker::Probing { .. } => Way::Open,
        }
    }

    /// Until when nothing is sent because the platform asked for it, or does not work.
    fn shut_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.breaker.until().unwrap_or(self.gate.not_before).max(self.gate.not_before);
        (until > now).then_some(until)
    }

    /// Whether it is handed single deliveries: a token is taken right before it is used, so a window of several would
    /// take them too early; and one is enough for a probe.
    pub(super) fn goes_one_by_one(&self) -> bool {
        self.paces != Paces::default() || !matches!(self.breaker, Breaker::Closed { .. })
    }

    /// The account is shut, and this chat's next delivery finds out whether it still is.
    pub(super) fn begin_probe(&mut self, lane: LaneId, now: Timestamp) {
        if let Breaker::Open { times, .. } = self.breaker {
            self.breaker = Breaker::Probing { lane, times };
            self.was_shut = Some(now);
        }
    }

    /// The clock was set back.
    pub(super) fn shift(&mut self, step: Span) {
        self.gate.shift(step);
        self.was_shut = self.was_shut.map(|at| at.minus(step));
        if let Breaker::Open { until, .. } = &mut self.breaker
            && !planted::is(Bug::GateKeepsOldClock)
        {
            *until = until.minus(step);
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failed: 0, chats: Vec::new() }
    }
}

impl Breaker {
    pub(super) const fn is_shut(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Until when the account is left alone.
    pub(super) const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Open { until, .. } => Some(*until),
            Self::Closed { .. } | Self::Probing { .. } => None,
        }
    }

    /// Deliveries that were under way when it opened do not count a second time, whatever became of them.
    fn hear(&mut self, id: LaneId, sign: Sign, now: Timestamp) {
        match (&mut *self, sign) {
            (Self::Open { .. }, _) | (Self::Closed { .. }, Sign::Nothing) => {}
            (Self::Probing { lane, .. }, _) if *lane != id => {}
            (Self::Closed { failed: 0, .. }, Sign::Alive) => {}
            (Self::Closed { .. } | Self::Probing { .. }, Sign::Alive) => *self = Self::default(),
            (Self::Closed { failed, chats }, Sign::Failing) => {
                *failed = failed.saturating_add(1);
                let most = if planted::is(Bug::BreakerOpensForOneChat) { 1 } else { BREAKER_CHATS_COUNT_MIN };
                if chats.len() < most && !chats.contains(&id) {
                    chats.push(id);
                }
                if *failed >= BREAKER_FAILURES_COUNT_MIN && chats.len() >= most {
                    *self = Self::open(now, 0);
                }
            }
            (Self::Closed { .. }, Sign::Shut) => *self = Self::open(now, 0),
            (Self::Probing { times, .. }, Sign::Failing | Sign::Shut) => *self = Self::open(now, *times + 1),
            (Self::Probing { times, .. }, Sign::Nothing) => *self = Self::Open { until: now, times: *times },
        }
    }

    /// Open after so many probes in vain.
    fn open(now: Timestamp, times: u16) -> Self {
        let doubled = BREAKER_WAIT_MS_MIN.saturating_mul(1_u64.checked_shl(u32::from(times)).unwrap_or(u64::MAX));
        let never = planted::is(Bug::BreakerNeverProbes);
        let wait = if never { SPAN_MS_MAX } else { doubled.min(BREAKER_WAIT_MS_MAX) };
        Self::Open { until: now.plus(Span::from_millis(wait)), times: times.min(u16::MAX - 1) }
    }
}
