//! What the parts run on: a runtime in a data folder, a gateway that counts, schedules, a clock that is set by hand.
//!
//! Schedules recur; their dues are spread evenly, so that every millisecond of the clock has its share, 100 of them
//! or fewer, and those due together were not created together. Ids ascend as those do that the program gives by itself.
//! Invariant: a step of the clock is short enough not to count as an interruption, so what is served is ordinary work.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::calendar::{Trigger, Zone};
use crate::gateway::{Delivery, Gateway, Receipt, Sending};
use crate::id::ScheduleId;
use crate::limits;
use crate::runtime::clock::{Clock, ManualClock, SystemClock};
use crate::runtime::{Declaration, Done, Gateways, Handle, Op, Runtime, Settings, Status};
use crate::spec::{Bounds, Destination, OnHookError, Payload, Policy, Schedule};
use crate::surface::error::{Code, Error};
use crate::time::{Span, Timestamp};

/// When the clock that is set by hand begins.
pub(super) const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// How far the clock is set on in one step.
pub(super) const STEP_MS: u64 = 500;
/// Schedules for lateness, each due once a second.
pub(super) const LATE_SCHEDULES: u32 = 10_000;
/// Dues in a second of the clock, at most.
const DUES_PER_SECOND: u32 = 100_000;
/// A prime: schedules created one after the other are due far from each other.
const SCATTER: u64 = 2_654_435_761;
/// Chats that messages go to.
pub(super) const CHATS: u32 = 1000;

const _: () = assert!(STEP_MS < limits::MISFIRE_GRACE_MS_MAX, "a step is no interruption");

/// Counts what it is handed, and how late that is.
#[derive(Debug)]
pub(super) struct Counter {
    clock: SystemClock,
    /// How often each lateness was seen, by milliseconds; the last place holds whatever is later.
    late_ms: Mutex<Vec<u64>>,
    pub(super) taken: AtomicU64,
}

impl Counter {
    pub(super) fn new() -> Self {
        Self { clock: SystemClock, late_ms: Mutex::new(vec![0; 60_000]), taken: AtomicU64::new(0) }
    }

    /// How often each lateness was seen.
    pub(super) fn late_ms(&self) -> Vec<u64> {
        self.late_ms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Gateway for Counter {
    fn send(&self, delivery: Delivery) -> Sending<'_> {
        let late = self.clock.now().since(delivery.due).as_millis() as usize;
        self.taken.fetch_add(1, Ordering::Relaxed);
        let mut seen = self.late_ms.lock().unwrap_or_else(PoisonError::into_inner);
        let place = late.min(seen.len() - 1);
        seen[place] += 1;
        drop(seen);
        Box::pin(async { Ok(Receipt::default()) })
    }
}

/// Which schedules a data folder holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crowd {
    pub(super) schedules: u32,
    pub(super) period_ms: u64,
    pub(super) delivered: bool,
}

impl Crowd {
    /// Of `schedules`, the fires of which are delivered or only recorded.
    pub(super) fn new(schedules: u32, delivered: bool) -> Self {
        let seconds = u64::from(schedules.div_ceil(DUES_PER_SECOND));
        Self { schedules, period_ms: seconds * 1000, delivered }
    }

    /// Schedule `number`, its first due within a period after `now`.
    pub(super) fn declaration(&self, number: u32, now: Timestamp) -> Result<Declaration, Error> {
        let place = u64::from(number) * SCATTER % u64::from(self.schedules);
        let phase_ms = place * self.period_ms / u64::from(self.schedules) + 1;
        let anchor = now.minus(Span::from_millis(self.period_ms)).plus(Span::from_millis(phase_ms));
        let id = ScheduleId::parse(&format!("bench-{number:08}"))
            .map_err(|error| Error::new(Code::Failed, error.to_string()))?;
        let chat_id = format!("chat-{}", number % CHATS);
        let destination = Destination { gateway: "bench".to_owned(), chat_id, thread: None };
        let schedule = Schedule {
            id,
            name: None,
            agent: "bench".to_owned(),
            created_by_session: None,
            created_at: now,
            zone: Zone::UTC,
            destination: self.delivered.then_some(destination),
            trigger: Trigger::Every { period: Span::from_millis(self.period_ms), anchor },
            payload: Payload::Message(format!("A reminder that has the length of a usual one, number {number}.")),
            bounds: Bounds::default(),
            except: None,
            policy: Policy::default(),
            labels: BTreeMap::new(),
            vars: BTreeMap::new(),
            client_token: None,
            process_handle: None,
            hook: None,
            on_hook_error: OnHookError::Fail,
            source: None,
            talk: None,
        };
        Ok(Declaration { schedule, paused: false, past: false })
    }
}

/// A running engine.
pub(super) struct Rig {
    tokio: tokio::runtime::Runtime,
    runtime: Runtime,
    pub(super) counter: Arc<Counter>,
}

impl Rig {
    /// Starts the engine in a data folder.
    pub(super) fn start(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Error::new(Code::Failed, format!("cannot start: {error}")))?;
        let settings = Settings {
            data: folder.to_owned(),
            serving: true,
            cache_bytes: limits::CACHE_BYTES_MAX,
            history_days: limits::HISTORY_DAYS_MAX,
            pause_after: limits::FAILURES_COUNT_MAX,
            // What a killed process missed is not what is measured, so it is caught up at once.
            catchup_per_second: u32::MAX,
        };
        let counter = Arc::new(Counter::new());
        let gateway: Arc<dyn Gateway> = Arc::clone(&counter) as _;
        let mut gateways = Gateways::new();
        gateways.insert("bench".to_owned(), gateway);
        let runtime = Runtime::start(&settings, clock, gateways, tokio.handle().clone())
            .map_err(|error| Error::new(Code::Failed, error.to_string()))?;
        Ok(Self { tokio, runtime, counter })
    }

    pub(super) fn handle(&self) -> Handle {
        self.runtime.handle()
    }

    pub(super) fn block_on<A>(&self, future: impl Future<Output = A>) -> A {
        self.tokio.block_on(future)
    }

    /// How the loop fares; answered when everything before it is durable.
    pub(super) fn status(&self) -> Result<Status, Error> {
        match self.block_on(self.handle().ask(Op::Status)) {
            Ok(Done::Status(status)) => Ok(status),
            Ok(other) => Err(Error::new(Code::Failed, format!("asked for the status, told {other:?}"))),
            Err(error) => Err(Error::new(Code::Failed, error.to_string())),
        }
    }

    /// Sets the clock on by a step, and waits until what became due is served, delivered and durable.
    pub(super) fn step(&self, clock: &ManualClock) -> Result<Status, Error> {
        let now = clock.now().plus(Span::from_millis(STEP_MS));
        clock.set(now);
        loop {
            let status = self.status()?;
            let is_served = status.next_wakeup.is_none_or(|next| next > now);
            if is_served && status.figures.open == 0 {
                return Ok(status);
            }
            // Others need the processor for what is waited for.
            std::thread::yield_now();
        }
    }

    /// Ends it in order.
    pub(super) fn stop(self) -> Result<(), Error> {
        self.runtime.stop().map_err(|error| Error::new(Code::Failed, error.to_string()))
    }
}

/// Bytes that this process has had written so far; zero where the system does not tell.
pub(super) fn written_bytes() -> f64 {
    let text = fs::read_to_string("/proc/self/io").unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok()).unwrap_or_default()
}
