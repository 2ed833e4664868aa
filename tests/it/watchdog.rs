//! The watchdog: what counts as standing still, on clocks that are set by hand.

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use chimewheel::engine::{Engine, Options};
use chimewheel::limits::{DUE_LAG_MS_MAX, STALL_BEATS_MIN, STALL_MS_MAX};
use chimewheel::runtime::clock::{Clock, ManualClock};
use chimewheel::runtime::watchdog::{Health, Watchdog};
use chimewheel::runtime::{Done, Gateways, Handle, Op, OpError, Runtime, Settings};
use chimewheel::time::{Span, Timestamp};

const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn after(ms: u64) -> Timestamp {
    BEGIN.plus(Span::from_millis(ms))
}

fn beat(watchdog: &Watchdog, times: u64) {
    (0..times).for_each(|_| watchdog.beat());
}

#[test]
fn a_loop_that_does_not_turn_while_the_heart_beats_is_stalled() {
    let watchdog = Watchdog::new(BEGIN);
    assert_eq!(watchdog.turned(BEGIN, Span::ZERO, 0), None);
    beat(&watchdog, STALL_BEATS_MIN);
    assert_eq!(watchdog.health(after(STALL_MS_MAX)), Health::Well);
    let late = after(STALL_MS_MAX + 1);
    let pause = Span::from_millis(STALL_MS_MAX + 1);
    assert_eq!(watchdog.health(late), Health::Stalled(pause));
    assert_eq!((watchdog.turned(late, Span::ZERO, 0), watchdog.stalls()), (Some(pause), 1));
    assert_eq!(
        (watchdog.health(late), watchdog.turned(late, Span::ZERO, 0), watchdog.stalls()),
        (Health::Well, None, 1)
    );
}

#[test]
fn a_suspended_machine_and_a_clock_set_forward_are_no_stall() {
    let watchdog = Watchdog::new(BEGIN);
    beat(&watchdog, STALL_BEATS_MIN - 1);
    let hours = after(8 * 3_600_000);
    assert_eq!(watchdog.health(hours), Health::Well);
    assert_eq!((watchdog.turned(hours, Span::ZERO, 0), watchdog.stalls()), (None, 0));
    // Nor is one set back.
    beat(&watchdog, STALL_BEATS_MIN);
    assert_eq!(watchdog.health(BEGIN), Health::Well);
}

#[test]
fn the_worst_is_told() {
    let watchdog = Watchdog::new(BEGIN);
    watchdog.turned(BEGIN, Span::from_millis(DUE_LAG_MS_MAX), 0);
    assert_eq!(watchdog.health(BEGIN), Health::Well);
    let lag = Span::from_millis(DUE_LAG_MS_MAX + 1);
    watchdog.turned(BEGIN, lag, 0);
    assert_eq!(watchdog.health(BEGIN), Health::Behind(lag));
    watchdog.turned(BEGIN, lag, 3);
    assert_eq!(watchdog.health(BEGIN), Health::Behind(lag));
    watchdog.turned(BEGIN, Span::ZERO, 3);
    assert_eq!((watchdog.health(BEGIN), Health::CatchingUp(3).is_in_time()), (Health::CatchingUp(3), true));
    watchdog.turned(BEGIN, lag, 3);
    watchdog.commit_began(BEGIN);
    beat(&watchdog, STALL_BEATS_MIN);
    let now = after(STALL_MS_MAX + 2);
    watchdog.turned(now, lag, 0);
    assert_eq!(watchdog.health(now), Health::DiskStalled(Span::from_millis(STALL_MS_MAX + 2)));
    beat(&watchdog, STALL_BEATS_MIN);
    let later = after(2 * STALL_MS_MAX + 4);
    assert_eq!(watchdog.health(later), Health::Stalled(Span::from_millis(STALL_MS_MAX + 2)));
    watchdog.turned(later, Span::ZERO, 0);
    watchdog.commit_ended();
    assert_eq!(watchdog.health(later), Health::Well);
    watchdog.ended();
    assert_eq!((watchdog.health(later), Health::Ended.is_answering()), (Health::Ended, false));
}

#[test]
fn an_engine_without_schedules_is_never_late() {
    let engine = Engine::new(BEGIN, Options::default());
    assert_eq!(engine.lag(after(u64::from(u32::MAX))), Span::ZERO);
}

/// A clock that lets the loop look at it only while its gate is open.
struct Gated {
    clock: ManualClock,
    gate: Mutex<()>,
}

impl Gated {
    fn shut(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap()
    }
}

impl Clock for Gated {
    fn now(&self) -> Timestamp {
        if thread::current().name() == Some("engine") {
            drop(self.shut());
        }
        self.clock.now()
    }
}

/// Asks for the health until it is as wanted; the heart needs a moment.
fn wait_for(handle: &Handle, wanted: impl Fn(Health) -> bool) -> Health {
    loop {
        let health = handle.health();
        if wanted(health) {
            return health;
        }
        thread::yield_now();
    }
}

#[test]
fn a_loop_that_stands_still_is_seen_from_outside_and_remembered() {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        data: folder.path().to_owned(),
        serving: true,
        cache_bytes: 8 << 20,
        history_days: 30,
        pause_after: 10,
        catchup_per_second: 500,
    };
    let clock = Arc::new(Gated { clock: ManualClock::new(BEGIN), gate: Mutex::new(()) });
    let runtime =
        Runtime::start(&settings, Arc::clone(&clock) as _, Gateways::new(), tokio.handle().clone()).unwrap();
    let handle = runtime.handle();
    assert_eq!(handle.health(), Health::Well);
    let shut = clock.shut();
    clock.clock.set(after(STALL_MS_MAX + 1));
    let stalled = wait_for(&handle, |health| health != Health::Well);
    assert_eq!(stalled, Health::Stalled(Span::from_millis(STALL_MS_MAX + 1)));
    drop(shut);
    wait_for(&handle, |health| health == Health::Well);
    match tokio.block_on(handle.ask(Op::Status)) {
        Ok(Done::Status(status)) => assert_eq!((status.health, status.stalls), (Health::Well, 1)),
        other => panic!("no status: {other:?}"),
    }
    runtime.stop().unwrap();
    assert_eq!(handle.health(), Health::Ended);
    assert!(matches!(tokio.block_on(handle.ask(Op::Status)), Err(OpError::Stopped(_))));
}
