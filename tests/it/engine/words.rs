//! Schedules, spans and instants from the words of a scenario.

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::calendar::{Cron, DialectChoice, Except, Trigger, Zone};
use chimewheel::id::ScheduleId;
use chimewheel::money::Cost;
use chimewheel::spec::{
    Bounds, Budget, DeliveryGuarantee, Destination, MisfirePolicy, OnHookError, OverlapPolicy, Payload, Policy,
    RunSession, Schedule, Task,
};
use chimewheel::time::{Span, Timestamp};

/// A schedule from words: `cron "…" tz ZONE`, `every 30m`, `at T`, and policies.
pub fn schedule(id: &str, words: &str, now: Timestamp) -> Schedule {
    let words = split(words);
    let get = |name: &str| words.iter().position(|word| word == name).map(|place| words[place + 1].as_str());
    let zone = get("tz").map_or(Zone::UTC, |zone| Zone::parse(zone).unwrap());
    let trigger = match (get("cron"), get("every"), get("at")) {
        (Some(cron), None, None) => Trigger::Cron(Arc::new(Cron::parse(cron, DialectChoice::Auto, zone).unwrap())),
        (None, Some(every), None) => {
            Trigger::Every { period: span(every), anchor: get("anchor").map_or(now, instant) }
        }
        (None, None, Some(at)) => Trigger::At(instant(at)),
        other => panic!("one trigger, please: {other:?}"),
    };
    let mut policy = Policy { jitter: get("jitter").map_or(Span::ZERO, span), ..Policy::default() };
    policy.misfire = misfire(get("misfire"));
    policy.overlap = overlap(get("overlap"));
    policy.catchup_window = get("window").map_or(policy.catchup_window, span);
    policy.retry.max_attempts = get("attempts").map_or(policy.retry.max_attempts, |n| n.parse().unwrap());
    policy.retry.max_age = get("max_age").map_or(policy.retry.max_age, span);
    policy.retry.backoff_min = get("backoff").map_or(policy.retry.backoff_min, span);
    policy.retry.backoff_max = get("backoff").map_or(policy.retry.backoff_max, span);
    if get("delivery") == Some("at_most_once") {
        policy.delivery = DeliveryGuarantee::AtMostOnce;
    }
    policy.pause_after = get("pause_after").map(|n| n.parse().unwrap());
    let chat = get("chat").unwrap_or(id);
    Schedule {
        id: ScheduleId::parse(id).unwrap(),
        name: None,
        agent: get("agent").unwrap_or("tester").into(),
        created_by_session: None,
        created_at: now,
        zone,
        destination: (chat != "none").then(|| Destination {
            gateway: "console".into(),
            chat_id: chat.into(),
            thread: get("thread").map(str::to_owned),
        }),
        trigger,
        payload: match (get("task"), get("template")) {
            (Some(instruction), _) => Payload::Task(Task {
                instruction: instruction.to_owned(),
                model: Some(format!("{}/any", get("provider").unwrap_or("echo"))),
                session: session(get("session")),
                budget: budget(get("cost")),
                ..Task::default()
            }),
            (None, Some(template)) => Payload::Template(template.to_owned()),
            (None, None) => Payload::Message("hello".into()),
        },
        bounds: Bounds {
            start_at: get("start").map(instant),
            end_at: get("end").map(instant),
            max_runs: get("max_runs").map(|n| n.parse().unwrap()),
        },
        except: get("except").map(|list| {
            let texts: Vec<String> = list.split(';').map(str::to_owned).collect();
            Except::read(&texts, zone).unwrap()
        }),
        policy,
        labels: BTreeMap::new(),
        vars: BTreeMap::new(),
        client_token: None,
        process_handle: None,
        hook: get("hook").map(str::to_owned),
        on_hook_error: OnHookError::Fail,
        source: None,
        talk: None,
    }
}

fn session(word: Option<&str>) -> RunSession {
    match word {
        Some("conversation") => RunSession::Conversation,
        Some(other) => panic!("no session is called {other}"),
        None => RunSession::Isolated,
    }
}

fn budget(amount: Option<&str>) -> Budget {
    Budget { max_cost_per_day: amount.map(cost), ..Budget::default() }
}

fn misfire(word: Option<&str>) -> MisfirePolicy {
    match word {
        Some("skip") => MisfirePolicy::Skip,
        Some("fire_all") => MisfirePolicy::FireAll,
        _ => MisfirePolicy::FireOnce,
    }
}

fn overlap(word: Option<&str>) -> OverlapPolicy {
    match word {
        Some("buffer_one") => OverlapPolicy::BufferOne,
        Some("buffer_all") => OverlapPolicy::BufferAll,
        Some("cancel_other") => OverlapPolicy::CancelOther,
        Some("allow_all") => OverlapPolicy::AllowAll,
        _ => OverlapPolicy::Skip,
    }
}

/// Words, where double quotes hold several together.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in text.split('"').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

pub fn cost(text: &str) -> Cost {
    Cost::parse(text).unwrap()
}

pub fn span(text: &str) -> Span {
    Span::parse(text).unwrap()
}

pub fn instant(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text)
        .or_else(|| Timestamp::parse_rfc3339(&text.replace('Z', ":00Z")))
        .unwrap_or_else(|| panic!("no time: {text}"))
}
