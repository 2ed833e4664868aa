//! The timer wheel beside what other crates offer: `cargo bench --bench wheel`.
//!
//! The workloads and the report are the program's own (`chimewheel::surface::bench`); here are those who can take part
//! only where their crates are. Each runs in a process of its own, this program started anew.
//! Options: `--timers N` (1,000,000), `--passes N`, `--only NAME`, `--load NAME`, `--seed N`, `--json`, `--svg FILE`,
//! after `--`. The calendar's bench takes them, too, so that one command prints all bars:
//! `cargo bench --bench wheel --bench calendar -- --timers 10000000`.

use std::hint::black_box;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use chimewheel::surface::bench::cron::CronContest;
use chimewheel::surface::bench::{Contest, Entrant, Kind, Report, START, Timers, measure, own_entrants};
use clap::Parser;
use hierarchical_hash_wheel_timer::wheels::Skip;
use hierarchical_hash_wheel_timer::wheels::cancellable::{CancellableTimerEntry, QuadWheelWithOverflow};
use tokio_util::time::{DelayQueue, delay_queue};

/// The command line.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    contest: Contest,
    #[command(flatten, next_help_heading = "Options of the calendar's bench, not heeded")]
    _cron: CronContest,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut entrants = own_entrants();
    let others = [
        Entrant { name: "DelayQueue", kind: Kind::Crate, measure: measure::<Tokio> },
        Entrant { name: "hierarchical_hash", kind: Kind::Crate, measure: measure::<HashWheel> },
        Entrant { name: "nexus-timer", kind: Kind::Crate, measure: measure::<Nexus> },
        Entrant { name: "slab-wheel", kind: Kind::Crate, measure: measure::<SlabWheel> },
    ];
    entrants.splice(1..1, others);
    Report::conclude(options.contest.run(&entrants, &[]), options.json)
}

/// Time since the start, of a tick.
fn since_start(tick: u64) -> Duration {
    Duration::from_millis(tick - START)
}

/// tokio-util's queue under a clock that is set by hand. It is polled outside of a task, where no budget ends a poll
/// early, and its clock is set while nobody measures.
struct Tokio {
    queue: DelayQueue<u64>,
    start: tokio::time::Instant,
    runtime: tokio::runtime::Runtime,
}

impl Timers for Tokio {
    type Key = delay_queue::Key;

    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
        let guard = runtime.enter();
        let (queue, start) = (DelayQueue::new(), tokio::time::Instant::now());
        drop(guard);
        Self { queue, start, runtime }
    }

    fn insert(&mut self, tick: u64, value: u64) -> delay_queue::Key {
        let _guard = self.runtime.enter();
        self.queue.insert_at(value, self.start + since_start(tick))
    }

    fn cancel(&mut self, key: delay_queue::Key) {
        let _guard = self.runtime.enter();
        black_box(self.queue.remove(&key));
    }

    fn set_clock(&mut self, tick: u64) {
        let target = self.start + since_start(tick);
        self.runtime.block_on(async { tokio::time::advance(target - tokio::time::Instant::now()).await });
    }

    fn advance(&mut self, _tick: u64, limit: usize) -> (usize, bool) {
        let _guard = self.runtime.enter();
        let mut context = Context::from_waker(Waker::noop());
        for fired in 0..limit {
            match self.queue.poll_expired(&mut context) {
                Poll::Ready(Some(expired)) => black_box(expired.into_inner()),
                Poll::Ready(None) | Poll::Pending => return (fired, false),
            };
        }
        (limit, true)
    }

    fn next_expiry(&mut self) -> Option<u64> {
        let deadline = self.queue.deadline(&self.queue.peek()?);
        Some(START + (deadline - self.start).as_millis() as u64)
    }
}

/// A timer of `hierarchical_hash_wheel_timer`, which wants each to know its own name.
#[derive(Debug)]
struct Named {
    id: u64,
    value: u64,
}

impl CancellableTimerEntry for Named {
    type Id = u64;

    fn id(&self) -> &u64 {
        &self.id
    }
}

/// `hierarchical_hash_wheel_timer`, moved on as its documentation says: skip what can be skipped, then tick.
struct HashWheel {
    wheel: QuadWheelWithOverflow<Named>,
    last: u64,
    now: u64,
    pending: Vec<std::rc::Rc<Named>>,
}

impl Timers for HashWheel {
    type Key = u64;

    fn new() -> Self {
        Self { wheel: QuadWheelWithOverflow::new(), last: 0, now: START, pending: Vec::new() }
    }

    fn insert(&mut self, tick: u64, value: u64) -> u64 {
        self.last += 1;
        let delay = Duration::from_millis(tick - self.now);
        let entry = std::rc::Rc::new(Named { id: self.last, value });
        self.wheel.insert_ref_with_delay(entry, delay).expect("a deadline in the future");
        self.last
    }

    fn cancel(&mut self, key: u64) {
        self.wheel.cancel(&key).expect("a timer that waits");
    }

    fn advance(&mut self, tick: u64, limit: usize) -> (usize, bool) {
        let mut fired = 0;
        loop {
            while fired < limit {
                let Some(entry) = self.pending.pop() else { break };
                black_box(entry.value);
                fired += 1;
            }
            if fired == limit || self.now >= tick {
                return (fired, fired == limit);
            }
            match self.wheel.can_skip() {
                Skip::Empty => {
                    let ticks = (tick - self.now).min(u64::from(u32::MAX));
                    self.wheel.skip(ticks as u32);
                    self.now += ticks;
                }
                Skip::Millis(ticks) => {
                    let ticks = u64::from(ticks).min(tick - self.now);
                    self.wheel.skip(ticks as u32);
                    self.now += ticks;
                }
                Skip::None => {
                    self.pending = self.wheel.tick();
                    self.now += 1;
                }
            }
        }
    }

    /// The next tick at which it may have to do something; it knows no more.
    fn next_expiry(&mut self) -> Option<u64> {
        match self.wheel.can_skip() {
            Skip::Empty => None,
            Skip::Millis(ticks) => Some(self.now + u64::from(ticks) + 1),
            Skip::None => Some(self.now + 1),
        }
    }
}

/// `nexus-timer`, with the eight levels that it can have at most, each 16 times as coarse as the one before: half a year
/// is in reach. Its default would keep all that is more than 4.7 hours away in one place.
struct Nexus {
    wheel: nexus_timer::Wheel<u64>,
    start: Instant,
    fired: Vec<u64>,
}

impl Timers for Nexus {
    type Key = nexus_timer::TimerHandle<u64>;

    fn new() -> Self {
        let start = Instant::now();
        let wheel = nexus_timer::WheelBuilder::default().num_levels(8).clk_shift(4).unbounded(4096).build(start);
        Self { wheel, start, fired: Vec::new() }
    }

    fn insert(&mut self, tick: u64, value: u64) -> Self::Key {
        self.wheel.schedule(self.start + since_start(tick), value)
    }

    fn insert_only(&mut self, tick: u64, value: u64) {
        self.wheel.schedule_forget(self.start + since_start(tick), value);
    }

    fn cancel(&mut self, key: Self::Key) {
        black_box(self.wheel.cancel(key));
    }

    fn keep(&mut self, key: Self::Key) {
        self.wheel.free(key);
    }

    fn advance(&mut self, tick: u64, limit: usize) -> (usize, bool) {
        let fired = self.wheel.poll_with_limit(self.start + since_start(tick), limit, &mut self.fired);
        black_box(&self.fired);
        self.fired.clear();
        (fired, fired == limit)
    }

    fn next_expiry(&mut self) -> Option<u64> {
        self.wheel.next_deadline().map(|at| START + (at - self.start).as_millis() as u64)
    }
}

/// `slab-wheel` in its own layout, which cannot halt in the middle.
struct SlabWheel {
    wheel: slab_wheel::TimingWheel<u64, slab_wheel::Millis>,
    start: Instant,
    fired: Vec<(slab_wheel::Key, u64)>,
}

impl Timers for SlabWheel {
    type Key = slab_wheel::Key;

    fn new() -> Self {
        let start = Instant::now();
        Self { wheel: slab_wheel::TimingWheel::starting_at(start), start, fired: Vec::new() }
    }

    fn insert(&mut self, tick: u64, value: u64) -> Self::Key {
        self.wheel.insert(self.start + since_start(tick), value)
    }

    fn cancel(&mut self, key: Self::Key) {
        black_box(self.wheel.remove(key));
    }

    fn advance(&mut self, tick: u64, _limit: usize) -> (usize, bool) {
        self.wheel.advance_to(self.start + since_start(tick));
        self.wheel.drain_expired_into(&mut self.fired);
        let fired = self.fired.len();
        black_box(&self.fired);
        self.fired.clear();
        (fired, false)
    }

    fn next_expiry(&mut self) -> Option<u64> {
        self.wheel.next_expiry().map(|at| START + (at - self.start).as_millis() as u64)
    }
}
