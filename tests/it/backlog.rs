//! A million due deliveries of a platform that is down, or has had enough: they stay on disk, and memory stays flat.
//!
//! Units: bytes of this process's resident set. The clock is set by hand, so nothing here waits for time.

use std::sync::Arc;

use chimewheel::calendar::Trigger;
use chimewheel::gateway::{Delivery, Gateway, SendError, Sending};
use chimewheel::limits::OPEN_COUNT_MAX;
use chimewheel::pace::Scope;
use chimewheel::runtime::{Declaration, Done, Handle, Op, Status};
use chimewheel::time::{Span, Timestamp};

use crate::runtime::{BEGIN, House, declaration};

/// Due first, and due when those are not served yet.
const FIRST: u64 = 200_000;
const MILLION: u64 = 1_000_000;
const CHATS: u64 = 1000;

/// How much more memory five times the backlog may take.
const GROWTH_MAX: f64 = 1.25;

/// Takes nothing.
struct Refuses(SendError);

impl Gateway for Refuses {
    fn send(&self, _: Delivery) -> Sending<'_> {
        Box::pin(std::future::ready(Err(self.0.clone())))
    }
}

fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

fn status(house: &House, handle: &Handle) -> Status {
    match house.ask(handle, Op::Status) {
        Ok(Done::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

fn declared(number: u64, at: Timestamp) -> Declaration {
    let mut declared = declaration(&format!("m{number}"), Trigger::At(at));
    declared.schedule.destination.as_mut().unwrap().chat_id = (number % CHATS).to_string();
    declared
}

/// Lets the clock come to `at`, and waits until everything due is taken up or stands in line.
fn take_up(house: &House, handle: &Handle, at: Timestamp, due: u64) {
    house.set(handle, at);
    loop {
        let figures = status(house, handle).figures;
        assert!(figures.open <= OPEN_COUNT_MAX, "{figures:?}");
        if figures.open == OPEN_COUNT_MAX && (figures.open + figures.overdue) as u64 == due {
            return;
        }
    }
}

fn check(what: &str, refusal: SendError) {
    let house = House::new();
    let runtime = house.start_with(true, Arc::new(Refuses(refusal))).unwrap();
    let handle = runtime.handle();
    let (early, late) = (BEGIN.plus(Span::from_seconds(3600)), BEGIN.plus(Span::from_seconds(3660)));
    let mut next = 0;
    while next < MILLION {
        let until = (next + 10_000).min(MILLION);
        let ops = (next..until).map(|number| Op::Create(declared(number, if number < FIRST { early } else { late })));
        let done = house.tokio.block_on(handle.ask_all(ops.collect()));
        assert!(done.iter().all(Result::is_ok), "{:?}", done.iter().find(|done| done.is_err()));
        next = until;
    }
    let armed = resident();
    take_up(&house, &handle, early, FIRST);
    let first = resident();
    take_up(&house, &handle, late, MILLION);
    // Minutes of refusals later it is no more.
    let mut most = resident();
    for minute in 1..=10 {
        let now = late.plus(Span::from_seconds(60 * minute));
        for second in 0..60 {
            house.set(&handle, now.plus(Span::from_millis(1000 * second)));
        }
        let figures = status(&house, &handle).figures;
        assert!(figures.open <= OPEN_COUNT_MAX, "{figures:?}");
        most = most.max(resident());
    }
    let gated = status(&house, &handle).gated;
    println!(
        "{what}: {MILLION} armed {:.0} MB; {FIRST} due {:.0} MB; {MILLION} due {:.0} MB, {:.2} times; {gated:?}",
        armed / 1e6,
        first / 1e6,
        most / 1e6,
        most / first
    );
    assert!(most < first * GROWTH_MAX, "{what}: {first} bytes have become {most}");
    runtime.stop().unwrap();
}

#[test]
#[ignore = "declares a million schedules, twice"]
fn a_million_stay_on_disk_whatever_their_platform_says() {
    check("nobody there", SendError::Unreachable { error: "connection refused".into() });
    let after = Some(Span::from_seconds(60));
    check("429", SendError::Limited { error: "too many requests".into(), after, scope: Scope::Chat });
}
