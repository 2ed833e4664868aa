//! Much to do is no interruption: what waits for the disk is served later as if it had been served in time.

use std::sync::Arc;

use chimewheel::calendar::{Trigger, Zone};
use chimewheel::engine::change::{Cause, Change, Outcome, Phase, Run, SkipReason};
use chimewheel::engine::{Effect, Engine, Input, OpId, Options, Start};
use chimewheel::id::{ScheduleId, ScheduleKey};
use chimewheel::spec::{Bounds, MisfirePolicy, OnHookError, Payload, Policy, Schedule};
use chimewheel::time::{Span, Timestamp};

const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn after(ms: u64) -> Timestamp {
    NOW.plus(Span::from_millis(ms))
}

/// An engine with one schedule, due each second, which skips what it misses.
fn engine() -> Engine {
    let mut engine = Engine::new(NOW, Options::default());
    let schedule = Schedule {
        id: ScheduleId::parse("tick").unwrap(),
        name: None,
        agent: "tester".into(),
        created_by_session: None,
        created_at: NOW,
        zone: Zone::UTC,
        destination: None,
        trigger: Trigger::Every { period: Span::from_seconds(1), anchor: NOW },
        payload: Payload::Message("tick".into()),
        bounds: Bounds::default(),
        except: None,
        policy: Policy { misfire: MisfirePolicy::Skip, ..Policy::default() },
        labels: std::collections::BTreeMap::new(),
        vars: std::collections::BTreeMap::new(),
        client_token: None,
        process_handle: None,
        hook: None,
        on_hook_error: OnHookError::Fail,
        source: None,
        talk: None,
    };
    let (op, key, start, generation) = (OpId(0), ScheduleKey(1), Start::Active, 1);
    engine.handle(NOW, Input::Create { op, key, schedule: Arc::new(schedule), start, generation });
    engine
}

fn runs(engine: &mut Engine) -> Vec<Run> {
    let effects = std::iter::from_fn(|| engine.poll_effect());
    effects
        .filter_map(|effect| if let Effect::Persist(Change::Run(run)) = effect { Some(run) } else { None })
        .collect()
}

fn is_skipped(run: &Run) -> bool {
    matches!(run.phase, Phase::Settled { outcome: Outcome::Skipped(SkipReason::Misfire), .. })
}

#[test]
fn what_waits_for_the_disk_is_no_misfire() {
    let mut engine = engine();
    for ms in (500..=3500).step_by(500) {
        engine.handle(after(ms), Input::Wait);
        assert_eq!(runs(&mut engine), [], "nothing is served at {ms}");
    }
    let mut served = Vec::new();
    for _ in 0..3 {
        engine.handle(after(3500), Input::Tick);
        served.extend(runs(&mut engine));
    }
    let dues: Vec<Timestamp> = served.iter().map(|run| run.occurrence.due).collect();
    assert_eq!(dues, [after(1000), after(2000), after(3000)]);
    assert!(served.iter().all(|run| run.cause == Cause::Due && !is_skipped(run)), "{served:?}");
}

#[test]
fn without_a_look_at_the_time_the_same_is_a_misfire() {
    let mut engine = engine();
    engine.handle(after(3500), Input::Tick);
    let served = runs(&mut engine);
    assert!(served.iter().any(is_skipped), "{served:?}");
}
