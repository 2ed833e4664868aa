//! Every accepted shape becomes the same schedule.

use super::{call, toml, yaml};
use chimewheel::spec::tree::Node;
use chimewheel::spec::{Context, read, validate_reading};
use expect_test::expect;

#[test]
fn the_seeds_own_file() {
    yaml(
        r#"
# .duragent/schedules/{schedule_id}.yaml
id: reminder-abc123
agent: my-assistant
created_by_session: session_xyz
destination:
  gateway: telegram
  chat_id: "123456789"
schedule:
  at: "2026-01-30T16:00:00Z"    # one-shot
  # or: cron: "0 9 * * MON-FRI" # recurring
payload:
  message: "Reminder: review the PR"
"#,
        expect![[r#"
            {"id":"reminder-abc123","agent":"my-assistant","created_by_session":"session_xyz","destination":{"gateway":"telegram","chat_id":"123456789"},"schedule":{"at":"2026-01-30T16:00:00Z","timezone":"UTC"},"payload":{"message":"Reminder: review the PR"}}
        "#]],
    );
}

#[test]
fn doubly_nested() {
    let rest = "id: a\ndestination: telegram_12_34\npayload: {message: {message: hi}}\n";
    yaml(
        &format!("{rest}schedule: {{at: {{at: '2026-01-30T16:00:00Z'}}}}"),
        expect![[r#"
        {"id":"a","destination":{"gateway":"telegram","chat_id":"12_34"},"schedule":{"at":"2026-01-30T16:00:00Z","timezone":"UTC"},"payload":{"message":"hi"}}
    "#]],
    );
    yaml(
        &format!("{rest}schedule: {{every: {{every_seconds: 30}}}}"),
        expect![[r#"
        {"id":"a","destination":{"gateway":"telegram","chat_id":"12_34"},"schedule":{"every":"30s","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
    "#]],
    );
    yaml(
        &format!("{rest}schedule: {{cron: {{expr: 0 9 * * MON-FRI, tz: Europe/Berlin}}}}"),
        expect![[r#"
            {"id":"a","destination":{"gateway":"telegram","chat_id":"12_34"},"schedule":{"cron":"0 9 * * MON-FRI","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"hi"}}
        "#]],
    );
}

#[test]
fn flat_as_tool_calls_write_it() {
    call(
        r#"{"every": "30m", "message": "hi", "gateway": "telegram", "chat_id": 99, "max_retries": 3,
            "retry_delay_ms": 1500, "max_retry_delay_ms": 60000, "timezone": "Asia/Tokyo"}"#,
        expect![[r#"
            {"id":"demo","destination":{"gateway":"telegram","chat_id":"99"},"schedule":{"every":"30m","timezone":"Asia/Tokyo","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"},"retry":{"max_attempts":4,"max_age":"1h","backoff_min":"1s 500ms","backoff_max":"1m"}}
        "#]],
    );
    call(
        r#"{"every_seconds": 90, "message": "hi", "model": ""}"#,
        expect![[r#"
        {"id":"demo","schedule":{"every":"1m 30s","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
    "#]],
    );
    call(
        r#"{"in": "2h", "message": "hi"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-01T02:00:00Z","timezone":"UTC"},"payload":{"message":"hi"}}
    "#]],
    );
    call(
        r#"{"at": "2026-01-30 16:00", "timezone": "Europe/Berlin", "message": "hi"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-30T15:00:00Z","timezone":"Europe/Berlin"},"payload":{"message":"hi"}}
    "#]],
    );
}

#[test]
fn everything_at_once() {
    yaml(
        r#"
name: Daily standup
agent: my-assistant
destination: {gateway: telegram, chat_id: -100123, thread: 7}
schedule: {cron: "0 9 * * MON-FRI", timezone: Europe/Berlin, dialect: unix}
payload: {message: "Good morning!"}
start_at: 2026-02-01 00:00
end_at: 2026-12-31T23:59:59+01:00
max_runs: 10
jitter: 30s
misfire_policy: fire_all
catchup_window: 1h 30m
overlap_policy: buffer_one
retry: {max_attempts: 3, max_age: 2h, backoff_min: 2s, backoff_max: 1m}
delivery: at_most_once
session: conversation
labels: {team: core, tier: 1}
vars: {who: Ada, n: [1, 2.5, null]}
paused: true
client_token: abc
"#,
        expect![[r#"
            {"id":"demo","name":"Daily standup","agent":"my-assistant","destination":{"gateway":"telegram","chat_id":"-100123","thread":"7"},"schedule":{"cron":"0 9 * * MON-FRI","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"Good morning!"},"start_at":"2026-01-31T23:00:00Z","end_at":"2026-12-31T22:59:59Z","max_runs":10,"jitter":"30s","misfire_policy":"fire_all","catchup_window":"1h 30m","overlap_policy":"buffer_one","retry":{"max_attempts":3,"max_age":"2h","backoff_min":"2s","backoff_max":"1m"},"delivery":"at_most_once","labels":{"team":"core","tier":"1"},"vars":{"n":[1,2.5,null],"who":"Ada"},"client_token":"abc"} (paused)
        "#]],
    );
}

#[test]
fn everything_at_once_in_toml() {
    toml(
        r#"
name = "Daily standup"
agent = "my-assistant"
start_at = 2026-02-01T00:00:00
end_at = 2026-12-31T23:59:59+01:00
max_runs = 10
jitter = "30s"
misfire_policy = "fire_all"
catchup_window = "1h 30m"
overlap_policy = "buffer_one"
delivery = "at_most_once"
session = "conversation"
paused = true
client_token = "abc"

[destination]
gateway = "telegram"
chat_id = -100123
thread = 7

[schedule]
cron = "0 9 * * MON-FRI"
timezone = "Europe/Berlin"
dialect = "unix"

[payload]
message = "Good morning!"

[retry]
max_attempts = 3
max_age = "2h"
backoff_min = "2s"
backoff_max = "1m"

[labels]
team = "core"
tier = 1

[vars]
who = "Ada"
n = [1, 2.5]
"#,
        expect![[r#"
            {"id":"demo","name":"Daily standup","agent":"my-assistant","destination":{"gateway":"telegram","chat_id":"-100123","thread":"7"},"schedule":{"cron":"0 9 * * MON-FRI","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"Good morning!"},"start_at":"2026-01-31T23:00:00Z","end_at":"2026-12-31T22:59:59Z","max_runs":10,"jitter":"30s","misfire_policy":"fire_all","catchup_window":"1h 30m","overlap_policy":"buffer_one","retry":{"max_attempts":3,"max_age":"2h","backoff_min":"2s","backoff_max":"1m"},"delivery":"at_most_once","labels":{"team":"core","tier":"1"},"vars":{"n":[1,2.5],"who":"Ada"},"client_token":"abc"} (paused)
        "#]],
    );
}

#[test]
fn chat_ids_survive() {
    let rest = "schedule: {in: 1h}\npayload: {message: hi}\n";
    for (written, kept) in [("-1001234567890", "-1001234567890"), ("+15551234", "+15551234"), ("'007'", "007")] {
        let text = format!("destination: {{gateway: telegram, chat_id: {written}}}\n{rest}");
        let file = chimewheel::surface::files::read_text("a.yaml", &text);
        let draft = file.declared[0].draft(&super::context()).unwrap();
        assert_eq!(draft.schedule.destination.unwrap().chat_id, kept);
    }
}

#[test]
fn lists_documents_and_stems() {
    let one = "schedule: {every: 1h}\n  payload: {message: hi}\n";
    yaml(
        &format!("- id: a\n  {one}- id: b\n  {one}"),
        expect![[r#"
        {"id":"a","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
        {"id":"b","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
    "#]],
    );
    yaml(
        &format!("schedules:\n- id: a\n  {one}extra: 1\n"),
        expect![[r#"
        {"id":"a","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
        5:1: extra: unknown key 'extra' beside 'schedules' (a file holds either one schedule or a list of them)
    "#]],
    );
    yaml(
        "---\nid: a\nevery: 1h\nmessage: hi\n---\nid: b\nevery: 2h\nmessage: hi\n---\n",
        expect![[r#"
            {"id":"a","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
            {"id":"b","schedule":{"every":"2h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
        "#]],
    );
    yaml(
        "every: 1h\nmessage: hi\n",
        expect![[r#"
        {"id":"demo","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
    "#]],
    );
    yaml(
        &format!("- {one}- id: a\n  {one}- id: a\n  {one}"),
        expect![[r#"
        {"id":"a","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
        1:3: [0].id: is missing: in a list every schedule names its id
        6:7: [2].id: id 'a' is declared twice, here (schedules/demo.yaml:6) and in schedules/demo.yaml:3 (give one of them another id)
    "#]],
    );
    toml(
        "[[schedules]]\nid = 'a'\nevery = '1h'\nmessage = 'hi'\n[[schedules]]\nid = 'b'\nevery = '1h'\nmessage = 'hi'\n",
        expect![[r#"
            {"id":"a","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
            {"id":"b","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
        "#]],
    );
}

#[test]
fn anchors_and_aliases() {
    yaml(
        "- id: a\n  every: 1h\n  payload: &hi {message: hi}\n- id: b\n  every: 1h\n  payload: *hi\n",
        expect![[r#"
            {"id":"a","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
            {"id":"b","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
        "#]],
    );
    yaml(
        "- id: a\n  every: 1h\n  payload: &hi {mesage: hi}\n- id: b\n  every: 1h\n  payload: *hi\n",
        expect![[r#"
            3:17: [0].payload.mesage: unknown key 'mesage' (did you mean 'message'?)
            6:12: [1].payload.mesage: unknown key 'mesage' (did you mean 'message'?)
        "#]],
    );
}

#[test]
fn a_target_in_one_text_begins_with_the_longest_name_of_a_gateway() {
    let gateways = ["my", "my_plug", "a_b"].map(str::to_owned);
    let context = Context { gateways: &gateways, ..super::context() };
    let judged = |destination: &str| {
        let json = format!(r#"{{"message": "hi", "in": "1h", "destination": {destination}}}"#);
        let reading = read(&Node::from_json(&serde_json::from_str(&json).unwrap()), "");
        let to = validate_reading(&reading, &context).unwrap().schedule.destination.unwrap();
        format!("{} {}", to.gateway, to.chat_id)
    };
    for (text, expected) in [
        ("my_plug_c1", "my_plug c1"),
        ("my_plug_c_1", "my_plug c_1"),
        ("my_plugs_c1", "my plugs_c1"),
        ("my_plug_", "my plug_"),
        ("a_b_c", "a_b c"),
    ] {
        assert_eq!(judged(&format!("\"{text}\"")), expected, "{text}");
    }
    let apart = r#"{"gateway": "my", "chat_id": "plug_c1"}"#;
    assert_eq!(judged(apart), "my plug_c1", "what is told apart stays so");
}
