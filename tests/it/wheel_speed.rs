//! A quick measurement of the wheel: `cargo test --release --test it wheel_speed -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use chimewheel::wheel::{Key, Next, Wheel};

use crate::wheel::Chance;

const START: u64 = 1_767_225_600_000;
const YEAR: u64 = 365 * 86_400_000;

/// A span between a second and a year, of any order of magnitude alike.
fn span(chance: &mut Chance) -> u64 {
    loop {
        let span = 1 << (9 + chance.below(27));
        let span = span + chance.below(span);
        if (1000..YEAR).contains(&span) {
            return span;
        }
    }
}

/// Prints the nanoseconds that one of `count` operations took.
fn timed<R>(name: &str, count: usize, run: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = run();
    println!("  {name:<24} {:>8.1} ns", start.elapsed().as_nanos() as f64 / count as f64);
    result
}

fn drain(wheel: &mut Wheel<u64>, now: u64) -> usize {
    let mut fired = 0;
    loop {
        let progress = wheel.advance(now, 4096, |_, _, value| {
            black_box(value);
            Next::Drop
        });
        fired += progress.fired;
        if !progress.more {
            return fired;
        }
    }
}

fn measure(count: usize) {
    println!("{count} timers");
    let mut chance = Chance::new(count as u64);
    let deadlines: Vec<u64> = (0..count).map(|_| START + span(&mut chance)).collect();
    let mut wheel = Wheel::new(START);
    let insert = |wheel: &mut Wheel<u64>| -> Vec<Key> { deadlines.iter().map(|&d| wheel.insert(d, d)).collect() };
    let mut keys = timed("insert", count, || insert(&mut wheel));
    println!("  {:<24} {:>8.1}", "bytes a timer", wheel.footprint().bytes as f64 / count as f64);
    for at in (1..count).rev() {
        keys.swap(at, chance.below(at as u64 + 1) as usize);
    }
    let half = count / 2;
    timed("cancel, first half", half, || keys[..half].iter().for_each(|&key| assert!(wheel.cancel(key).is_some())));
    timed("cancel, second half", count - half, || {
        keys[half..].iter().for_each(|&key| assert!(wheel.cancel(key).is_some()))
    });
    println!("  after cancel: {:?}", wheel.footprint());
    timed("insert after cancel", count, || insert(&mut wheel));
    let fired = timed("fire", count, || drain(&mut wheel, START + YEAR));
    assert_eq!(fired, count);
    timed("insert after fire", count, || {
        deadlines.iter().for_each(|&d| {
            wheel.insert(d + YEAR, d);
        });
    });
    let mut calls = 0_u64;
    let mut worst = 0;
    let begin = Instant::now();
    let mut at = begin;
    let mut slow = Vec::new();
    // Ten minutes, tick by tick.
    for tick in 0..600_000 {
        while wheel.advance(START + YEAR + tick, 4096, |_, _, _| Next::Drop).more {}
        let now = Instant::now();
        let took = (now - at).as_nanos() as u64;
        at = now;
        worst = worst.max(took);
        if took > 10_000 {
            slow.push(took);
        }
        calls += 1;
    }
    println!(
        "  {:<24} {:>8.1} ns mean, worst {worst} ns, {} over 10 us",
        "advance by one tick",
        begin.elapsed().as_nanos() as f64 / calls as f64,
        slow.len()
    );
    hold(count);
    load(deadlines);
}

/// Loads timers in order of deadline, as at a start.
fn load(mut deadlines: Vec<u64>) {
    deadlines.sort_unstable();
    let mut wheel = Wheel::with_capacity(START, deadlines.len());
    timed("bulk load, sorted", deadlines.len(), || wheel.bulk_load(deadlines.iter().map(|&d| (d, d))));
    timed("fire, loaded in order", deadlines.len(), || drain(&mut wheel, START + YEAR));
}

/// Fires and arms anew at a constant population, all within the next hour.
fn hold(count: usize) {
    let mut chance = Chance::new(1);
    let hour = 3_600_000;
    let mut wheel = Wheel::new(START);
    for n in 0..count {
        wheel.insert(START + 1 + chance.below(hour), n as u64);
    }
    let operations = count.min(5_000_000);
    let mut now = START;
    for name in ["hold, rearm", "hold, drop and insert"] {
        let mut fired = 0;
        let mut worst = 0;
        timed(name, operations, || {
            while fired < operations {
                now += 1;
                let begin = Instant::now();
                let mut dropped = 0;
                fired += wheel
                    .advance(now, usize::MAX, |_, _, _| {
                        if name == "hold, rearm" {
                            return Next::Rearm(now + 1 + chance.below(hour));
                        }
                        dropped += 1;
                        Next::Drop
                    })
                    .fired;
                (0..dropped).for_each(|n| {
                    wheel.insert(now + 1 + chance.below(hour), n);
                });
                worst = worst.max(begin.elapsed().as_nanos());
            }
        });
        println!("  {:<24} {worst:>8} ns", "  worst tick");
    }
    timed("next expiry", 1_000_000, || {
        (0..1_000_000).for_each(|_| assert!(black_box(wheel.next_expiry()).is_some()))
    });
}

#[test]
#[ignore = "a measurement, not a check"]
fn wheel_speed() {
    measure(1_000_000);
    measure(10_000_000);
}
