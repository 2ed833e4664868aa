//! Rows as the engine holds them: packed or not, what is asked for is what was given.

use chimewheel::engine::change::{LaneId, OutcomeKind, PlanId, State, Status};
use chimewheel::engine::{Engine, Input, OpId, Options};
use chimewheel::id::ScheduleKey;
use chimewheel::time::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn engine() -> Engine {
    Engine::new(NOW, Options { serving: false, ..Options::default() })
}

fn plain() -> State {
    State {
        status: Status::Active,
        generation: 1,
        plan: PlanId(0),
        lane: LaneId(0),
        next_due: Some(NOW),
        last_due: None,
        last_outcome: None,
        runs: 0,
        failures: 0,
    }
}

/// Rows at and beyond every edge of what a packed slot has room for.
fn rows() -> Vec<State> {
    let ms = Timestamp::from_millis;
    let next = NOW.as_millis();
    let mut rows =
        vec![plain(), State { status: Status::Paused, ..plain() }, State { status: Status::Failing, ..plain() }];
    for generation in [0, 15, 16, u32::MAX] {
        rows.push(State { generation, ..plain() });
    }
    for failures in [15, 16, u16::MAX] {
        rows.push(State { failures, ..plain() });
    }
    for (plan, runs, lane) in [(u32::MAX, u32::MAX, u64::MAX), (1, 2, 1 << 32), (3, 4, u64::from(u32::MAX))] {
        rows.push(State { plan: PlanId(plan), runs, lane: LaneId(lane), ..plain() });
    }
    let dues = [0, 1, -1, (1 << 32) - 1, 1 << 32, (1 << 44) - 2, (1 << 44) - 1, 1 << 44, i64::MAX, i64::MIN + 1];
    rows.extend(dues.map(|due| State { next_due: Some(ms(due)), ..plain() }));
    let edge = i64::from(u32::MAX);
    let last = [next, next - 1, next - edge + 1, next - edge, next - edge - 1, next + 1, 0, -1];
    rows.extend(last.map(|due| State { last_due: Some(ms(due)), ..plain() }));
    rows.push(State { next_due: None, ..plain() });
    rows.push(State { next_due: None, last_due: Some(NOW), ..plain() });
    let outcomes = [
        OutcomeKind::Delivered,
        OutcomeKind::Silent,
        OutcomeKind::Skipped,
        OutcomeKind::Failed,
        OutcomeKind::Cancelled,
        OutcomeKind::Unknown,
    ];
    rows.extend(outcomes.map(|outcome| State { last_outcome: Some(outcome), ..plain() }));
    rows
}

#[test]
fn a_row_is_held_as_it_was_given_whatever_stood_there_before() {
    let mut engine = engine();
    let key = ScheduleKey(300);
    for first in rows() {
        for second in rows() {
            engine.restore(key, first);
            assert_eq!(engine.state(key), Some(first));
            engine.restore(key, second);
            assert_eq!(engine.state(key), Some(second), "after {first:?}");
            assert_eq!((engine.figures().held, engine.holds(ScheduleKey(301))), (1, false));
        }
    }
}

#[test]
fn rows_beside_each_other_do_not_touch_and_leave_alone() {
    let mut engine = engine();
    let keys: Vec<_> = (250..).map(ScheduleKey).zip(rows()).collect();
    keys.iter().for_each(|&(key, state)| engine.restore(key, state));
    assert!(keys.len() > 12, "they lie on two pages");
    for (place, &(key, _)) in keys.iter().enumerate() {
        assert_eq!(engine.figures().held, keys.len() - place);
        engine.handle(NOW, Input::Cancel { op: OpId(0), key });
        engine.handle(NOW, Input::Forget { key });
        while engine.poll_effect().is_some() {}
        engine.handle(NOW, Input::Forget { key });
        assert!(!engine.holds(key), "{key:?}");
        for &(other, state) in &keys[place + 1..] {
            assert_eq!(engine.state(other), Some(state));
        }
    }
}
