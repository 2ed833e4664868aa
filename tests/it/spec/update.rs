//! Writing a schedule down, changing it, and judging it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::calendar::{Cron, DialectChoice, Except, Trigger, Zone};
use chimewheel::id::ScheduleId;
use chimewheel::spec::tree::Node;
use chimewheel::spec::{
    Bounds, Context, DeliveryGuarantee, Destination, MisfirePolicy, OnHookError, OverlapPolicy, Payload, Policy,
    RetryPolicy, Schedule, from_schedule, merge, read, validate, validate_reading,
};
use chimewheel::time::{Span, Timestamp};
use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::NOW;

const BASE: &str = r#"{"id": "standup", "name": "Standup", "cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin",
    "message": "hi", "destination": {"gateway": "telegram", "chat_id": "1", "thread": "2"},
    "retry": {"max_attempts": 3}, "labels": {"a": "b"}, "max_runs": 5}"#;

fn created(json: &str) -> Schedule {
    let reading = read(&Node::from_json(&serde_json::from_str(json).unwrap()), "");
    validate_reading(&reading, &super::context()).unwrap().schedule
}

pub(super) fn update(base: &str, patch: &str, expect: Expect) {
    let existing = created(base);
    let patch = read(&Node::from_json(&serde_json::from_str(patch).unwrap()), "");
    let later = NOW.plus(Span::from_seconds(10 * 86_400));
    let context = Context { now: later, existing: Some(&existing), ..super::context() };
    let line = match validate_reading(&merge(from_schedule(&existing), patch), &context) {
        Ok(draft) => {
            assert_eq!(draft.schedule.created_at, existing.created_at);
            super::shown(&draft)
        }
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    expect.assert_eq(&(line + "\n"));
}

#[test]
fn one_field_at_a_time() {
    update(
        BASE,
        r#"{}"#,
        expect![[r#"
        {"id":"standup","name":"Standup","destination":{"gateway":"telegram","chat_id":"1","thread":"2"},"schedule":{"cron":"0 9 * * MON-FRI","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"hi"},"max_runs":5,"retry":{"max_attempts":3,"max_age":"1h","backoff_min":"1s","backoff_max":"5m"},"labels":{"a":"b"}}
    "#]],
    );
    update(
        BASE,
        r#"{"every": "1h"}"#,
        expect![[r#"
        {"id":"standup","name":"Standup","destination":{"gateway":"telegram","chat_id":"1","thread":"2"},"schedule":{"every":"1h","timezone":"Europe/Berlin","anchor":"2026-01-11T00:00:00Z"},"payload":{"message":"hi"},"max_runs":5,"retry":{"max_attempts":3,"max_age":"1h","backoff_min":"1s","backoff_max":"5m"},"labels":{"a":"b"}}
    "#]],
    );
    update(
        BASE,
        r#"{"cron": "0 0 8 ? * 2"}"#,
        expect![[r#"
        {"id":"standup","name":"Standup","destination":{"gateway":"telegram","chat_id":"1","thread":"2"},"schedule":{"cron":"0 0 8 ? * 2","timezone":"Europe/Berlin","dialect":"quartz"},"payload":{"message":"hi"},"max_runs":5,"retry":{"max_attempts":3,"max_age":"1h","backoff_min":"1s","backoff_max":"5m"},"labels":{"a":"b"}}
    "#]],
    );
    update(
        BASE,
        r#"{"timezone": "Asia/Tokyo", "message": "ho"}"#,
        expect![[r#"
        {"id":"standup","name":"Standup","destination":{"gateway":"telegram","chat_id":"1","thread":"2"},"schedule":{"cron":"0 9 * * MON-FRI","timezone":"Asia/Tokyo","dialect":"unix"},"payload":{"message":"ho"},"max_runs":5,"retry":{"max_attempts":3,"max_age":"1h","backoff_min":"1s","backoff_max":"5m"},"labels":{"a":"b"}}
    "#]],
    );
    update(
        BASE,
        r#"{"chat_id": 9, "retry": {"max_age": "2h"}, "labels": {"c": "d"}}"#,
        expect![[r#"
        {"id":"standup","name":"Standup","destination":{"gateway":"telegram","chat_id":"9"},"schedule":{"cron":"0 9 * * MON-FRI","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"hi"},"max_runs":5,"retry":{"max_attempts":3,"max_age":"2h","backoff_min":"1s","backoff_max":"5m"},"labels":{"c":"d"}}
    "#]],
    );
    update(
        BASE,
        r#"{"destination": {"thread": null}, "name": null, "max_runs": null, "retry": null, "labels": null}"#,
        expect![[r#"
        {"id":"standup","destination":{"gateway":"telegram","chat_id":"1"},"schedule":{"cron":"0 9 * * MON-FRI","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"hi"}}
    "#]],
    );
    update(
        BASE,
        r#"{"message": null, "cron": null, "chat_id": null, "jitter": "5s"}"#,
        expect![[r#"
        {"id":"standup","name":"Standup","destination":{"gateway":"telegram","chat_id":"1","thread":"2"},"schedule":{"cron":"0 9 * * MON-FRI","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"hi"},"max_runs":5,"jitter":"5s","retry":{"max_attempts":3,"max_age":"1h","backoff_min":"1s","backoff_max":"5m"},"labels":{"a":"b"}}
    "#]],
    );
    update(
        BASE,
        r#"{"destination": null, "paused": true}"#,
        expect![[r#"
        {"id":"standup","name":"Standup","schedule":{"cron":"0 9 * * MON-FRI","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"hi"},"max_runs":5,"retry":{"max_attempts":3,"max_age":"1h","backoff_min":"1s","backoff_max":"5m"},"labels":{"a":"b"}} (paused)
    "#]],
    );
}

#[test]
fn wrong_changes() {
    update(
        BASE,
        r#"{"id": "other"}"#,
        expect![[r#"
        id: the id of a schedule cannot change (given 'other'; it is 'standup'; leave id out)
    "#]],
    );
    update(
        BASE,
        r#"{"payload": null, "schedule": null}"#,
        expect![[r#"
            schedule: is missing: nothing says when to fire (write exactly one of at, in, every, cron and when)
            payload: is missing: nothing says what to send (write payload: {message: "…"})
        "#]],
    );
    update(
        BASE,
        r#"{"task": "think"}"#,
        expect![[r#"
            model: is not written, and the config names none, so the usual one is meant: provider 'glm' is not configured (given 'glm/glm-4-plus'; write model: provider/name, or set routing.default; providers: ask, echo; add [providers.glm] with kind = "openai" and base_url to chimewheel.toml)
        "#]],
    );
    update(
        BASE,
        r#"{"every": 5, "nam": "x"}"#,
        expect![[r#"
        nam: unknown key 'nam' (did you mean 'name'?)
        every: has no unit; write for example 30s, 5m, 2h or 1d (given '5')
    "#]],
    );
    update(
        BASE,
        r#"{"at": "2026-01-02T00:00:00Z"}"#,
        expect![[r#"
        at: timestamp is in the past (given '2026-01-02T00:00:00Z'; it is now 2026-01-11T00:00:00Z; for a time from now write for example in: 2h)
    "#]],
    );
}

#[test]
fn what_stays_may_be_past() {
    update(
        r#"{"id": "a", "at": "2026-01-02T00:00:00Z", "message": "hi"}"#,
        r#"{"message": "ho"}"#,
        expect![[r#"
        {"id":"a","schedule":{"at":"2026-01-02T00:00:00Z","timezone":"UTC"},"payload":{"message":"ho"}}
    "#]],
    );
    update(
        r#"{"id": "a", "every": "1h", "message": "hi"}"#,
        r#"{"every": "60m", "name": "x"}"#,
        expect![[r#"
        {"id":"a","name":"x","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
    "#]],
    );
}

fn names() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[a-zA-Zäöü:#'\"{}\\[\\]&*!,|>%@` -]{0,20}[a-z0-9]")
}

fn triggers() -> impl Strategy<Value = Trigger> {
    let cron = |text: &str, zone: &str| {
        Trigger::Cron(Arc::new(Cron::parse(text, DialectChoice::Auto, Zone::parse(zone).unwrap()).unwrap()))
    };
    let ms = NOW.as_millis();
    prop_oneof![
        (ms + 1..ms + 4_000_000_000_000).prop_map(|at| Trigger::At(Timestamp::from_millis(at))),
        (1000u64..1_000_000_000, 0..ms + 1_000_000_000).prop_map(|(period, anchor)| Trigger::Every {
            period: Span::from_millis(period),
            anchor: Timestamp::from_millis(anchor)
        }),
        Just(cron("0 9 * * MON-FRI", "Europe/Berlin")),
        Just(cron("0 0 9 ? * 2-6", "Europe/Berlin")),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    use {DeliveryGuarantee as D, MisfirePolicy as M, OverlapPolicy as O};
    (
        0u64..1000,
        prop_oneof![Just(M::FireOnce), Just(M::Skip), Just(M::FireAll)],
        0u64..1_000_000_000,
        prop_oneof![Just(O::Skip), Just(O::BufferOne), Just(O::BufferAll), Just(O::CancelOther), Just(O::AllowAll)],
        (1u16..=100, 0u64..1_000_000_000, 1u64..100_000, 0u64..100_000),
        prop_oneof![Just(D::AtLeastOnce), Just(D::AtMostOnce)],
        proptest::option::of(any::<u16>()),
    )
        .prop_map(|(jitter, misfire, window, overlap, (max_attempts, age, min, more), delivery, pause_after)| {
            Policy {
                jitter: Span::from_millis(jitter),
                misfire,
                catchup_window: Span::from_millis(window),
                overlap,
                retry: RetryPolicy {
                    max_attempts,
                    max_age: Span::from_millis(age),
                    backoff_min: Span::from_millis(min),
                    backoff_max: Span::from_millis(min + more),
                },
                delivery,
                pause_after,
            }
        })
}

prop_compose! {
    fn schedules()(
        name in names(), session in names(), chat in names(), thread in names(), token in names(),
        trigger in triggers(), policy in policies(), message in r"(?s)[^\x00$]{0,30}[a-z]",
        runs in proptest::option::of(1u32..), variable in any::<i32>(), is_excluded in any::<bool>(),
        is_template in any::<bool>(), is_hooked in any::<bool>(),
    ) -> Schedule {
        let zone = if let Trigger::Cron(cron) = &trigger { cron.zone() } else { Zone::parse("Asia/Tokyo").unwrap() };
        let except = Except::read(&["2150-01-01".into(), "2150-02-01..2150-02-03".into()], zone).unwrap();
        // An exclusion of a one-shot's only time is refused.
        let is_excluded = is_excluded && trigger.next_free(Some(&except), NOW).is_some();
        Schedule {
            id: ScheduleId::parse("a.b-c_1").unwrap(),
            name,
            agent: "me".to_owned(),
            created_by_session: session,
            created_at: NOW,
            zone,
            destination: chat.map(|chat_id| Destination { gateway: "console".to_owned(), chat_id, thread }),
            trigger,
            payload: if is_template { Payload::Template(message) } else { Payload::Message(message) },
            hook: is_hooked.then(|| "standup".to_owned()),
            on_hook_error: if is_template { OnHookError::DeliverPlain } else { OnHookError::Fail },
            bounds: Bounds { start_at: Some(Timestamp::from_millis(5)), end_at: None, max_runs: runs },
            except: is_excluded.then_some(except),
            policy,
            labels: BTreeMap::from([("team".to_owned(), "a: b".to_owned())]),
            vars: BTreeMap::from([("x".to_owned(), serde_json::json!([f64::from(variable) / 4.0, {"y": null}]))]),
            process_handle: token.clone(),
            client_token: token,
            source: None,
            talk: None,
        }
    }
}

proptest! {
    #[test]
    fn written_down_and_read_again_is_the_same(schedule in schedules()) {
        let raw = from_schedule(&schedule);
        prop_assert_eq!(&validate(&raw, &super::context()).unwrap().schedule, &schedule);
        let json = read(&Node::from_json(&serde_json::to_value(&raw).unwrap()), "");
        prop_assert_eq!(&validate_reading(&json, &super::context()).unwrap().schedule, &schedule);
        let strict: chimewheel::spec::RawSchedule = serde_json::from_str(&serde_json::to_string(&raw).unwrap()).unwrap();
        prop_assert_eq!(&strict, &raw);
    }

    #[test]
    fn exported_as_yaml_and_read_again_is_the_same(schedule in schedules()) {
        let text = serde_yaml::to_string(&from_schedule(&schedule)).unwrap();
        let file = chimewheel::surface::files::read_text("a.yaml", &text);
        let mut read = file.declared[0].draft(&super::context()).unwrap().schedule;
        read.source = None;
        prop_assert_eq!(&read, &schedule);
    }
}
