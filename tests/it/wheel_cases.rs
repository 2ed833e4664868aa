//! The wheel's known hard cases, one by one: overflow, the horizon, mass cancels, clocks that jump.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chimewheel::wheel::{Key, Next, Wheel};

use crate::wheel::Chance;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// 2026-01-01T00:00:00Z.
const NOW: u64 = 1_767_225_600_000;

/// The deadlines fired by `now`.
fn fire(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
    let mut fired = Vec::new();
    while wheel
        .advance(now, usize::MAX, |deadline, _, _| {
            fired.push(deadline);
            Next::Drop
        })
        .more
    {}
    fired
}

/// node fires a timer beyond 2^31 ms at once (nodejs/node#3512), so do its descendants (agenda/agenda#5).
#[test]
fn far_deadlines_do_not_overflow() {
    let spans = [24 * DAY + 20 * HOUR, 25 * DAY, 50 * DAY, 400 * DAY, 30 * YEAR, 150 * YEAR, 600 * YEAR];
    let exact =
        [(1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, 1 << 40, 1 << 41, 1 << 62];
    for span in spans.into_iter().chain(exact) {
        let mut wheel = Wheel::new(NOW);
        let deadline = NOW + span;
        wheel.insert(deadline, 0);
        assert_eq!(wheel.next_expiry(), Some(deadline));
        for early in [NOW, NOW + span / 2, deadline - 1] {
            assert_eq!(fire(&mut wheel, early), [0; 0], "{span} ms fired early");
            assert_eq!(wheel.next_expiry(), Some(deadline), "{span} ms");
        }
        assert_eq!(fire(&mut wheel, deadline), [deadline]);
    }
}

#[test]
fn the_edges_of_every_ring_are_exact() {
    for start in [0, 1, 255, NOW, (1 << 40) - 1] {
        for bits in (8..=48).step_by(8) {
            for windows in 1..=3 {
                let edge = ((start >> bits) + windows) << bits;
                let deadlines = [edge - 1, edge, edge + 1];
                let mut wheel = Wheel::new(start);
                for deadline in deadlines {
                    wheel.insert(deadline, 0);
                }
                for deadline in deadlines.into_iter().filter(|&deadline| deadline > start) {
                    fire(&mut wheel, deadline - 1);
                    assert_eq!(fire(&mut wheel, deadline), [deadline], "start {start}, bits {bits}");
                }
            }
        }
    }
}

#[test]
fn the_end_of_time_is_a_deadline_like_any_other() {
    let mut wheel = Wheel::new(u64::MAX - 1);
    wheel.insert(u64::MAX, 0);
    assert_eq!(fire(&mut wheel, u64::MAX - 1), [0; 0]);
    assert_eq!(fire(&mut wheel, u64::MAX), [u64::MAX]);
    wheel.insert(u64::MAX, 0);
    wheel.insert(0, 0);
    assert_eq!(fire(&mut wheel, u64::MAX), [0, u64::MAX]);
}

/// netty#2541, Hystrix#1976, flink#3548: cancelled timeouts stayed until their deadline.
#[test]
fn a_million_cancelled_timers_leave_nothing() {
    let mut wheel = Wheel::new(NOW);
    let mut chance = Chance::new(18);
    let stay: Vec<Key> = (0..1000).map(|n| wheel.insert(NOW + YEAR + n, n)).collect();
    let base = wheel.footprint();
    for round in 0..2 {
        let mut keys: Vec<Key> =
            (0..1_000_000).map(|n| wheel.insert(NOW + 2000 + chance.log_uniform(35), n)).collect();
        let full = wheel.footprint();
        assert!(full.bytes < 27_000_000 + base.bytes, "{full:?}");
        for at in (1..keys.len()).rev() {
            keys.swap(at, chance.below(at as u64 + 1) as usize);
        }
        for key in &keys {
            assert!(wheel.cancel(*key).is_some());
        }
        let dead = wheel.footprint().dead;
        assert!(dead <= 8192, "round {round}: {dead} dead before time goes on");
        (0..1000).for_each(|tick| assert_eq!(fire(&mut wheel, NOW + tick), [0; 0]));
        let left = wheel.footprint();
        assert_eq!((left.live, left.dead), (1000, 0), "round {round}");
        assert!(left.bytes < base.bytes + 5_000_000, "round {round}: from {base:?} over {full:?} to {left:?}");
        assert!(keys.iter().all(|&key| wheel.get(key).is_none()));
    }
    assert!(stay.into_iter().all(|key| wheel.cancel(key).is_some()));
    let left = wheel.footprint();
    assert_eq!((left.live, left.dead), (0, 0));
    assert!(left.bytes < 128 * 1024, "{left:?}");
}

/// Most timers of a burst have fired; those that stay end one by one, and as many come.
#[test]
fn memory_of_a_burst_is_given_back_while_others_come_and_go() {
    const BURST: u64 = 400_000;
    const STEP: u64 = 1000;
    let mut wheel = Wheel::new(0);
    for n in 0..BURST {
        wheel.insert(if n % 20 == 0 { 100_000 + n / 20 } else { 1 + n % 1000 }, n);
    }
    let full = wheel.footprint();
    for tick in (0..100_000).step_by(50) {
        fire(&mut wheel, tick);
    }
    // Each lives for twenty steps.
    for step in 1..400 {
        let now = 100_000 + step * STEP;
        let ended = fire(&mut wheel, now).len() as u64;
        (0..ended).for_each(|n| {
            wheel.insert(now + 20 * STEP - n % STEP, n);
        });
    }
    let left = wheel.footprint();
    assert_eq!(left.live as u64, BURST / 20);
    assert!(left.bytes < full.bytes / 2, "{left:?} of {full:?}");
}

/// A sweep gives memory back; so does what fires after the next burst.
#[test]
fn memory_of_a_second_burst_is_given_back_too() {
    let mut wheel = Wheel::new(0);
    let (mut stay, mut now) = (Vec::new(), 0);
    let mut full = 0;
    for round in 0..2 {
        for n in 0..400_000 {
            let key = wheel.insert(if n % 40_000 == 0 { 1 << 42 } else { now + 1000 + n % 1000 }, n);
            if n % 40_000 == 0 {
                stay.push(key);
            }
        }
        full = wheel.footprint().bytes;
        for _ in 0..300 {
            now += 10;
            fire(&mut wheel, now);
        }
        if round == 0 {
            assert!(stay.drain(2..).all(|key| wheel.cancel(key).is_some()));
        } else {
            assert!(stay.drain(2..).all(|key| wheel.rearm(key, now)));
        }
        for _ in 0..300 {
            now += 1;
            fire(&mut wheel, now);
        }
    }
    let left = wheel.footprint();
    assert_eq!(left.live, 2);
    assert!(left.bytes < full / 3, "{left:?} of {full}");
}

/// The far slot in which a sweep halts comes within reach of the rings before the sweep goes on.
#[test]
fn a_far_slot_may_come_near_while_it_is_being_swept() {
    for cancelled in [50_500, 52_000, 54_000, 59_000] {
        let (near, far) = ((1 << 41) + 5, (1 << 42) + 7);
        let mut wheel = Wheel::new(0);
        let mut keys: Vec<Key> = (0..60_000).map(|n| wheel.insert(near, n)).collect();
        (60_000..100_000).for_each(|n| {
            wheel.insert(far, n);
        });
        keys.sort_by_key(|&key| wheel.get(key).map(|&n| n % 2));
        assert!(keys.iter().take(cancelled).all(|&key| wheel.cancel(key).is_some()));
        (0..2000).for_each(|_| assert_eq!(fire(&mut wheel, 1 << 40), [0; 0]));
        assert_eq!(fire(&mut wheel, near).len(), 60_000 - cancelled);
        assert_eq!(fire(&mut wheel, far - 1), [0; 0]);
        assert_eq!(fire(&mut wheel, far).len(), 40_000);
    }
}

/// Each cancelled timer in a far slot of its own, ahead of the sweep.
#[test]
fn a_sweep_is_not_outrun() {
    let mut wheel = Wheel::new(0);
    wheel.insert(1 << 62, 0);
    for slot in 600..400_600 {
        let key = wheel.insert(slot << 32, slot);
        assert_eq!(wheel.cancel(key), Some(slot));
    }
    let left = wheel.footprint();
    assert!(left.dead <= 8192 && left.bytes < 8_000_000, "{left:?}");
}

/// After a panic of the caller's code the next expiry is still no later than the earliest deadline.
#[test]
fn a_panic_leaves_the_next_expiry_early_enough() {
    let mut wheel = Wheel::new(0);
    let keys = [wheel.insert(100, 1), wheel.insert(100, 2)];
    let mut calls = 0;
    let caught = catch_unwind(AssertUnwindSafe(|| {
        wheel.advance(200, usize::MAX, |_, _, _| {
            calls += 1;
            assert!(calls < 2, "the caller's mistake");
            Next::Rearm(50)
        })
    }));
    assert!(caught.is_err() && keys.iter().all(|&key| wheel.get(key).is_some()));
    assert!(wheel.next_expiry() <= Some(50), "{:?}", wheel.next_expiry());
}

/// apache/hertzbeat#4201: armed anew without letting go of the old timer.
#[test]
fn a_million_rearms_leave_one_timer() {
    let mut wheel = Wheel::new(NOW);
    let key = wheel.insert(NOW + DAY, 7);
    for n in 0..1_000_000 {
        assert!(wheel.rearm(key, NOW + DAY + n % 3 * HOUR));
    }
    let left = wheel.footprint();
    assert_eq!(left.live, 1);
    assert!(left.dead <= 2048 && left.bytes < 1_000_000, "{left:?}");
    assert!(wheel.rearm(key, NOW + 5));
    assert_eq!(fire(&mut wheel, NOW + YEAR), [NOW + 5]);
    assert_eq!(wheel.footprint().dead, 0);
}

#[test]
fn keys_stay_stale_when_their_memory_is_used_again() {
    let mut wheel = Wheel::new(0);
    let mut old = Vec::new();
    for round in 0..6_u64 {
        let keys: Vec<Key> = (0..300_000).map(|n| wheel.insert(n + 1, round)).collect();
        assert!(old.iter().all(|&key| wheel.cancel(key).is_none()), "round {round}");
        old.extend(keys.iter().step_by(97).copied());
        keys.into_iter().for_each(|key| assert!(wheel.cancel(key).is_some()));
    }
}

#[test]
fn a_timer_armed_anew_keeps_its_key_and_value() {
    let mut wheel = Wheel::new(0);
    let key = wheel.insert(100, String::from("tea"));
    assert!(wheel.rearm(key, 50));
    let mut seen = Vec::new();
    wheel.advance(60, usize::MAX, |deadline, fired, value| {
        assert_eq!(fired, key);
        value.push('!');
        seen.push(deadline);
        Next::Rearm(if deadline == 50 { 20 } else { 400 })
    });
    assert_eq!(seen, [50, 20]);
    assert_eq!(wheel.advance(399, usize::MAX, |_, _, _| Next::Drop).fired, 0);
    assert_eq!(wheel.cancel(key).as_deref(), Some("tea!!"));
    assert!(!wheel.rearm(key, 500));
}

#[test]
fn a_limit_cuts_anywhere_and_the_rest_follows_in_order() {
    let mut wheel = Wheel::new(0);
    for n in 0..1000 {
        wheel.insert(500 + n % 7, n);
    }
    let mut fired = Vec::new();
    let mut calls = 0;
    loop {
        // One that comes between two portions takes its place in the order.
        if calls == 3 {
            wheel.insert(1, 1000);
        }
        calls += 1;
        let progress = wheel.advance(600, 64, |deadline, _, _| {
            fired.push(deadline);
            Next::Drop
        });
        assert!(progress.fired <= 64);
        if !progress.more {
            break;
        }
    }
    assert_eq!(fired.len(), 1001);
    assert_eq!(fired[192], 1);
    fired.remove(192);
    assert!(fired.is_sorted());
    assert_eq!(calls, 16);
}

#[test]
fn a_clock_that_goes_back_fires_only_what_is_due_by_it() {
    let mut wheel = Wheel::new(NOW);
    assert_eq!(fire(&mut wheel, NOW + HOUR), [0; 0]);
    wheel.insert(NOW + 10, 0);
    wheel.insert(NOW + 20, 0);
    assert_eq!(fire(&mut wheel, NOW + 10), [NOW + 10]);
    assert_eq!(wheel.now(), NOW + HOUR);
    assert_eq!(wheel.next_expiry(), Some(NOW + 20));
    assert_eq!(fire(&mut wheel, NOW + HOUR), [NOW + 20]);
}

#[test]
fn a_panic_in_the_callers_code_loses_no_timer() {
    let mut wheel = Wheel::new(0);
    wheel.insert(5, 1);
    let broken = catch_unwind(AssertUnwindSafe(|| {
        wheel.advance(5, 1, |_, _, _| panic!("the caller's own"));
    }));
    assert!(broken.is_err());
    assert_eq!(fire(&mut wheel, 5), [5]);
}

#[test]
fn a_bulk_load_fires_like_single_inserts_and_names_its_keys() {
    let mut wheel = Wheel::with_capacity(NOW, 100_000);
    let deadlines: Vec<u64> = (0..100_000).map(|n| NOW - 50_000 + n * n / 1000).collect();
    let mut keys = Vec::new();
    wheel.bulk_load_with(deadlines.iter().map(|&deadline| (deadline, deadline)), |key, &mut value| {
        keys.push((key, value));
    });
    assert!(keys.iter().all(|&(key, value)| wheel.get(key) == Some(&value)));
    assert_eq!(wheel.next_expiry(), Some(NOW - 50_000));
    assert_eq!(fire(&mut wheel, NOW + YEAR), deadlines);
}

#[test]
fn no_single_call_moves_more_than_its_budget() {
    let mut wheel = Wheel::new(0);
    for n in 0..200_000 {
        wheel.insert(40 * DAY + n % 1000, n);
    }
    let mut calls = 0;
    let mut fired = 0;
    loop {
        let progress = wheel.advance(41 * DAY, 4096, |_, _, _| Next::Drop);
        calls += 1;
        fired += progress.fired;
        if !progress.more {
            break;
        }
    }
    assert_eq!(fired, 200_000);
    assert!(calls > 200_000 / 4096, "{calls} calls");
}

/// The sweep halts in the middle of a slot, and the slot fires from under it.
#[test]
fn a_slot_may_fire_while_it_is_being_swept() {
    for cancelled in [21_000, 23_000, 25_000] {
        let mut wheel = Wheel::new(NOW);
        let first: Vec<Key> = (0..40_000).map(|n| wheel.insert(NOW + 200, n)).collect();
        first[..cancelled].iter().for_each(|&key| assert!(wheel.cancel(key).is_some()));
        let left = 40_000 - cancelled;
        assert_eq!(wheel.advance(NOW + 200, left - 500, |_, _, _| Next::Drop).fired, left - 500);
        // These take over the chunks that the first ones have left.
        let second: Vec<Key> = (0..40_000).map(|n| wheel.insert(NOW + 300 + n % 3, n)).collect();
        second.iter().step_by(4).for_each(|&key| assert!(wheel.cancel(key).is_some()));
        let mut fired = fire(&mut wheel, NOW + 1000);
        assert!(fired.is_sorted());
        assert_eq!(fired.len(), 500 + 30_000, "after {cancelled} cancelled");
        fired.retain(|&deadline| deadline == NOW + 200);
        assert_eq!(fired.len(), 500);
        assert_eq!(wheel.footprint().dead, 0);
    }
}
