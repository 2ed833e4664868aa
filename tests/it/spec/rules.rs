//! Each rule, broken and kept.

use super::{call, toml, yaml};
use chimewheel::spec::tree::Node;
use chimewheel::spec::{Context, Destination, Origin, RawSchedule, read, validate, validate_reading};
use expect_test::expect;

#[test]
fn five_mistakes_five_problems() {
    yaml(
        r#"id: Daily standup
destinaton:
  gateway: telegram
schedule:
  every: 500ms
  timezone: Europe/Berln
payload:
  message: [not, text]
misfire_policy: fire_twice
"#,
        expect![[r#"
            1:5: id: may hold only letters, digits, '-', '_' and '.' (given 'Daily standup'; write for example id: daily-standup)
            2:1: destinaton: unknown key 'destinaton' (did you mean 'destination'?)
            5:10: schedule.every: must be at least 1s (given '500ms')
            6:13: schedule.timezone: is not an IANA time zone (given 'Europe/Berln'; did you mean 'Europe/Berlin'?)
            8:12: payload.message: must be text, not a list
            9:17: misfire_policy: is not one of the allowed words (given 'fire_twice'; did you mean 'fire_once'? allowed: fire_once, skip, fire_all)
        "#]],
    );
    toml(
        r#"id = "Daily standup"
misfire_policy = "fire_twice"

[destinaton]
gateway = "telegram"

[schedule]
every = "500ms"
timezone = "Europe/Berln"

[payload]
message = ["not", "text"]
"#,
        expect![[r#"
            1:7: id: may hold only letters, digits, '-', '_' and '.' (given 'Daily standup'; write for example id: daily-standup)
            2:19: misfire_policy: is not one of the allowed words (given 'fire_twice'; did you mean 'fire_once'? allowed: fire_once, skip, fire_all)
            4:2: destinaton: unknown key 'destinaton' (did you mean 'destination'?)
            8:10: schedule.every: must be at least 1s (given '500ms')
            9:13: schedule.timezone: is not an IANA time zone (given 'Europe/Berln'; did you mean 'Europe/Berlin'?)
            12:11: payload.message: must be text, not a list
        "#]],
    );
}

#[test]
fn exactly_one_trigger_and_payload() {
    call(
        r#"{}"#,
        expect![[r#"
            schedule: is missing: nothing says when to fire (write exactly one of at, in, every, cron and when, or after)
            payload: is missing: nothing says what to send (write payload: {message: "…"})
        "#]],
    );
    call(
        r#"{"message": "hi", "at": "2026-02-01T00:00:00Z", "cron": "0 9 * * *", "in": "2h"}"#,
        expect![[r#"
            schedule: 'at', 'in' and 'cron' are mutually exclusive (write exactly one of at, in, every, cron and when, or after)
        "#]],
    );
    call(
        r#"{"message": "hi", "task": "do it", "in": "2h"}"#,
        expect![[r#"
        payload: 'message' and 'task' are mutually exclusive (keep exactly one of message, template and task)
    "#]],
    );
    call(
        r#"{"message": "hi", "schedule": "0 9 * * *"}"#,
        expect![[r#"
        schedule: must be a map, not text (given '0 9 * * *'; write for example schedule: {cron: "0 9 * * MON-FRI"} or schedule: {in: 2h})
    "#]],
    );
    call(
        r#"{"messag": "hi", "evry": "1h"}"#,
        expect![[r#"
        evry: unknown key 'evry' (did you mean 'every'?)
        messag: unknown key 'messag' (did you mean 'message'?)
    "#]],
    );
    call(
        r#"{"message": " ", "every": "1h", "schedule": {"every": "2h"}}"#,
        expect![[r#"
        schedule.every: 'every' is given in two ways that disagree (given '2h'; keep one of them)
        message: is empty
    "#]],
    );
    call(
        r#"{"message": "hi", "in": "2h", "anchor": "2026-02-01T00:00:00Z", "dialect": "unix"}"#,
        expect![[r#"
        dialect: belongs to cron (leave it out)
        anchor: belongs to every (leave it out)
    "#]],
    );
    call(
        r#"[1]"#,
        expect![[r#"
        must be a map, not a list (write at least schedule and payload)
    "#]],
    );
}

#[test]
fn times() {
    call(
        r#"{"message": "hi", "at": "tomorrow"}"#,
        expect![[r#"
        at: is not a time (given 'tomorrow'; write 2026-01-30T16:00:00Z, or 2026-01-30 16:00 in the schedule's timezone)
    "#]],
    );
    call(
        r#"{"message": "hi", "at": "2025-12-31T23:00:00Z"}"#,
        expect![[r#"
        at: timestamp is in the past (given '2025-12-31T23:00:00Z'; it is now 2026-01-01T00:00:00Z; for a time from now write for example in: 2h)
    "#]],
    );
    call(
        r#"{"message": "hi", "at": "2025-12-31T23:59:48Z"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"at":"2025-12-31T23:59:48Z","timezone":"UTC"},"payload":{"message":"hi"}} warning: 2025-12-31T23:59:48Z is 12s past: it fires at once
    "#]],
    );
    call(
        r#"{"message": "hi", "at": "2200-01-01T00:00:00Z"}"#,
        expect![[r#"
        at: lies after the year 2199 (given '2200-01-01T00:00:00Z')
    "#]],
    );
    call(
        r#"{"message": "hi", "at": 1767225600}"#,
        expect![[r#"
        at: is not a time (given '1767225600'; write 2026-01-30T16:00:00Z, or 2026-01-30 16:00 in the schedule's timezone)
    "#]],
    );
}

#[test]
fn spans_and_zones() {
    call(
        r#"{"message": "hi", "in": 30}"#,
        expect![[r#"
        in: has no unit; write for example 30s, 5m, 2h or 1d (given '30')
    "#]],
    );
    call(
        r#"{"message": "hi", "in": "2 months"}"#,
        expect![[r#"
        in: uses months or years, which have no fixed length; use days, or cron (given '2 months')
    "#]],
    );
    call(
        r#"{"message": "hi", "in": "200 years"}"#,
        expect![[r#"
        in: uses months or years, which have no fixed length; use days, or cron (given '200 years')
    "#]],
    );
    call(
        r#"{"message": "hi", "in": "99999999 days"}"#,
        expect![[r#"
        in: is longer than 100 years (given '99999999 days')
    "#]],
    );
    call(
        r#"{"message": "hi", "every_seconds": 0}"#,
        expect![[r#"
        every_seconds: must be at least 1 (given '0')
    "#]],
    );
    call(
        r#"{"message": "hi", "every": "1h", "timezone": "berlin"}"#,
        expect![[r#"
        timezone: is not an IANA time zone (given 'berlin'; did you mean 'Europe/Berlin'?)
    "#]],
    );
    yaml(
        "at: 2025-12-31T23:00:00Z\nmessage: hi\n",
        expect![[r#"
        {"id":"demo","schedule":{"at":"2025-12-31T23:00:00Z","timezone":"UTC"},"payload":{"message":"hi"}} warning: was due at 2025-12-31T23:00:00Z, which is past: recorded as skipped (past)
    "#]],
    );
    yaml(
        "in: 2h\nmessage: hi\n",
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-01T02:00:00Z","timezone":"UTC"},"payload":{"message":"hi"}}
    "#]],
    );
    yaml(
        "every: 1h\nend_at: 2025-12-31T23:00:00Z\nmessage: hi\n",
        expect![[r#"
        {"id":"demo","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"},"end_at":"2025-12-31T23:00:00Z"} warning: ended at 2025-12-31T23:00:00Z, which is past: recorded as skipped (past)
    "#]],
    );
}

#[test]
fn bounds() {
    let every = |more: &str, expect| call(&format!(r#"{{"message": "hi", "every": "1h", {more}}}"#), expect);
    every(
        r#""start_at": "2026-03-01T00:00:00Z", "end_at": "2026-02-01T00:00:00Z""#,
        expect![[r#"
        end_at: is before start_at, 2026-03-01T00:00:00Z (given '2026-02-01T00:00:00Z')
    "#]],
    );
    every(
        r#""end_at": "2025-03-01T00:00:00Z""#,
        expect![[r#"
        end_at: timestamp is in the past (given '2025-03-01T00:00:00Z'; it is now 2026-01-01T00:00:00Z)
    "#]],
    );
    every(
        r#""anchor": "2026-03-01T00:00:00Z", "end_at": "2026-02-01T00:00:00Z""#,
        expect![[r#"
        end_at: never fires: ends before the first due (given '2026-02-01T00:00:00Z'; the first due is 2026-03-01T00:00:00Z)
    "#]],
    );
    every(
        r#""start_at": "2026-03-01T00:00:00Z""#,
        expect![[r#"
        {"id":"demo","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-03-01T00:00:00Z"},"payload":{"message":"hi"},"start_at":"2026-03-01T00:00:00Z"}
    "#]],
    );
    every(
        r#""max_runs": 0"#,
        expect![[r#"
        max_runs: must be from 1 to 4294967295 (given '0')
    "#]],
    );
    every(
        r#""max_runs": 1.5"#,
        expect![[r#"
        max_runs: must be a whole number (given '1.5')
    "#]],
    );
    every(
        r#""max_runs": "ten", "paused": "yes""#,
        expect![[r#"
        max_runs: must be a whole number (given 'ten')
        paused: must be true or false, not text (given 'yes')
    "#]],
    );
    call(
        r#"{"message": "hi", "at": "2026-04-01T00:00:00Z", "end_at": "2026-02-01T00:00:00Z"}"#,
        expect![[r#"
            at: never fires: it lies after end_at (given '2026-04-01T00:00:00Z'; end_at is 2026-02-01T00:00:00Z)
        "#]],
    );
}

#[test]
fn cron() {
    yaml(
        "schedule:\n  cron: \"0 25 * * *\"\nmessage: hi\n",
        expect![[r#"
        2:12: schedule.cron: hour 25 is out of range (given '0 25 * * *'; hours are 0 to 23)
    "#]],
    );
    yaml(
        "cron: 0 9 30 2 *\nmessage: hi\n",
        expect![[r#"
        1:7: cron: never fires (no time from now on matches it, as with 30 February)
    "#]],
    );
    yaml(
        "cron: 0 9 * * MON-FRI\nmessage: hi\nend_at: 2026-01-01T08:00:00Z\n",
        expect![[r#"
        3:9: end_at: never fires: ends before the first due (given '2026-01-01T08:00:00Z'; the first due is 2026-01-01T09:00:00Z)
    "#]],
    );
    yaml(
        "schedule: {cron: 0 9 * * 1, dialect: quarz}\nmessage: hi\n",
        expect![[r#"
        1:38: schedule.dialect: is not one of the allowed words (given 'quarz'; did you mean 'quartz'? allowed: auto, unix, quartz)
    "#]],
    );
}

#[test]
fn policies() {
    let every = |more: &str, expect| call(&format!(r#"{{"message": "hi", "every": "1h", {more}}}"#), expect);
    every(
        r#""jitter": "1h""#,
        expect![[r#"
        jitter: is not shorter than the interval, 1h (given '1h')
    "#]],
    );
    every(
        r#""jitter": "25h""#,
        expect![[r#"
            jitter: is longer than 1d (given '25h')
        "#]],
    );
    every(
        r#""overlap_policy": "allow_all""#,
        expect![[r#"
        {"id":"demo","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"},"overlap_policy":"allow_all"}
    "#]],
    );
    every(
        r#""overlap_policy": "cancel""#,
        expect![[r#"
        overlap_policy: is not one of the allowed words (given 'cancel'; allowed: skip, buffer_one, buffer_all, cancel_other, allow_all)
    "#]],
    );
    every(
        r#""delivery": "exactly_once""#,
        expect![[r#"
        delivery: is not one of the allowed words (given 'exactly_once'; allowed: at_least_once, at_most_once)
    "#]],
    );
    every(
        r#""retry": {"max_attempts": 0, "max_age": "soon", "backoff_min": "2m", "backoff_max": "1m"}"#,
        expect![[r#"
        retry.max_attempts: must be from 1 to 100 (given '0')
        retry.max_age: is not a duration; write for example 30s, 5m, 2h30m or 1d (given 'soon')
        retry.backoff_max: is shorter than backoff_min, 2m (given '1m')
    "#]],
    );
    every(
        r#""retry": {"backoff_min": "10m"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"},"retry":{"max_attempts":5,"max_age":"1h","backoff_min":"10m","backoff_max":"10m"}}
    "#]],
    );
    every(
        r#""retry": {"backoff_max": "500ms"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"},"retry":{"max_attempts":5,"max_age":"1h","backoff_min":"500ms","backoff_max":"500ms"}}
    "#]],
    );
    every(
        r#""retry": {"max_retries": -1, "retry_delay_ms": -5, "max_retry_delay_ms": "x"}"#,
        expect![[r#"
            retry.max_retries: must not be negative (given '-1')
            retry.max_retry_delay_ms: must be a whole number (given 'x')
            retry.retry_delay_ms: must not be negative (given '-5')
        "#]],
    );
    every(
        r#""max_retries": 2, "retry": {"max_attempts": 5}"#,
        expect![[r#"
        retry.max_attempts: 'max_attempts' is given in two ways that disagree (given '5'; keep one of them)
    "#]],
    );
}

#[test]
fn destinations() {
    let every = |more: &str, expect| call(&format!(r#"{{"message": "hi", "every": "1h", {more}}}"#), expect);
    every(
        r#""destination": {"gateway": "telegarm", "chat_id": "1"}"#,
        expect![[r#"
        destination.gateway: gateway 'telegarm' is not configured (did you mean 'telegram'? configured: console, telegram; add [gateways.telegarm] to chimewheel.toml)
    "#]],
    );
    every(
        r#""destination": {"gateway": "matrix", "chat_id": "1"}"#,
        expect![[r#"
        destination.gateway: gateway 'matrix' is not configured (configured: console, telegram; add [gateways.matrix] to chimewheel.toml)
    "#]],
    );
    every(
        r#""destination": {"gateway": "telegram"}"#,
        expect![[r#"
        destination.chat_id: is missing (a destination is a gateway and a chat_id)
    "#]],
    );
    every(
        r#""destination": {}"#,
        expect![[r#"
        destination: is empty (write {gateway: …, chat_id: …}, or leave it out to only record)
    "#]],
    );
    every(
        r#""destination": {"gateway": "telegram", "chat_id": 1.5, "tread": 3}"#,
        expect![[r#"
        destination.tread: unknown key 'tread' (did you mean 'thread'?)
        destination.chat_id: must be text, not a number (given '1.5'; put it in quotes)
    "#]],
    );
    every(
        r#""destination": "telegram""#,
        expect![[r#"
        destination: is not a gateway and a chat id (given 'telegram'; write {gateway: telegram, chat_id: "123456"} or telegram_123456)
    "#]],
    );
}

#[test]
fn default_destination() {
    let home = Destination { gateway: "telegram".to_owned(), chat_id: "7".to_owned(), thread: None };
    let context = Context { default_destination: Some(home.clone()), ..super::context() };
    let judged = |json: &str| {
        let reading = read(&Node::from_json(&serde_json::from_str(json).unwrap()), "");
        validate_reading(&reading, &context).unwrap().schedule.destination
    };
    assert_eq!(judged(r#"{"message": "hi", "in": "1h"}"#), Some(home.clone()));
    assert_eq!(judged(r#"{"message": "hi", "in": "1h", "destination": null}"#), None);
    assert_eq!(judged(r#"{"message": "hi", "in": "1h", "chat_id": 8}"#).unwrap().chat_id, "8");
    let nulls = r#"{"message": "hi", "in": "1h", "at": null, "task": null, "gateway": null, "chat_id": null,
        "model": null, "labels": null, "max_runs": null, "retry_delay_ms": null, "timezone": null, "id": null}"#;
    assert_eq!(judged(nulls), Some(home));
}

#[test]
fn problems_of_all_fields_are_told_at_once() {
    call(
        r#"{"when": "every weekday at 9", "task": "check mail", "model": "m", "silence": "tool",
            "budget": {"max_cost_per_day": 0.5}, "session": "isolated", "after": {"schedule": "a"},
            "expect_every": "26h", "process_handle": "p"}"#,
        expect![[r#"
            after: 'when' and 'after' are mutually exclusive (keep one of them)
            model: its form is not provider/name (given 'm'; providers: ask, echo; a short name is told in routing.aliases)
        "#]],
    );
}

#[test]
fn a_task_may_say_how_it_is_silent() {
    let task = r#"{"in": "2h", "task": "check", "model": "echo/x", "silence": "WORD"}"#;
    call(
        &task.replace("WORD", "never"),
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-01T02:00:00Z","timezone":"UTC"},"payload":{"task":"check"},"model":"echo/x","silence":"never"}
    "#]],
    );
    call(
        &task.replace("WORD", "json"),
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-01T02:00:00Z","timezone":"UTC"},"payload":{"task":"check"},"model":"echo/x"}
    "#]],
    );
    call(
        &task.replace("WORD", "tool"),
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-01T02:00:00Z","timezone":"UTC"},"payload":{"task":"check"},"model":"echo/x","silence":"tool"}
    "#]],
    );
    call(
        &task.replace("WORD", "jsn"),
        expect![[r#"
            silence: is not one of the allowed words (given 'jsn'; did you mean 'json'? allowed: json, tool, heartbeat, never)
        "#]],
    );
    call(
        r#"{"in": "2h", "message": "hi", "silence": "never"}"#,
        expect![[r#"
        silence: is given, and no task whose model could be silent (given 'never'; leave it out; of other texts a hook says what is sent)
    "#]],
    );
}

#[test]
fn scripts_are_looked_up() {
    call(
        r#"{"in": "2h", "template": "hi ${who}", "hook": "standup"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-01T02:00:00Z","timezone":"UTC"},"payload":{"template":"hi ${who}"},"hook":"standup"}
    "#]],
    );
    call(
        r#"{"in": "2h", "template": "hi ${who", "hook": "standu", "on_hook_error": "plain"}"#,
        expect![[r#"
        template: '${' is not closed (add '}')
        hook: no script has this name (given 'standu'; did you mean 'standup'?)
        on_hook_error: is not one of the allowed words (given 'plain'; allowed: fail, deliver_plain)
    "#]],
    );
    call(
        r#"{"in": "2h", "message": "hi", "on_hook_error": "deliver_plain"}"#,
        expect![[r#"
        on_hook_error: is given, and neither a hook nor a template that could fail (given 'deliver_plain'; leave it out, or name a hook)
    "#]],
    );
    let none = Context::new(super::NOW);
    let raw = RawSchedule { hook: Some("standup".into()), ..RawSchedule::default() };
    let problems = validate(&raw, &none).unwrap_err();
    assert!(problems.iter().any(|problem| problem.path == "hook"), "{problems:?}");
}

#[test]
fn names_and_limits() {
    let long = "x".repeat(257);
    call(
        &format!(
            r#"{{"message": "{}", "in": "1h", "id": "-a", "name": "a\nb", "agent": "", "client_token": "{long}",
                "labels": {{"a": "{long}", "b": [1]}}, "vars": {{"a": "{}"}}}}"#,
            "m".repeat(65_537),
            "v".repeat(20_000),
        ),
        expect![[r#"
            labels.b: must be text, not a list
            id: must begin with a letter or a digit (given '-a'; write for example id: daily-standup)
            name: holds a line break or another control character (given 'a\nb')
            agent: is empty (given '')
            client_token: is longer than 256 bytes (given 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…')
            message: is 65537 bytes long, more than 65536
            labels.a: is longer than 256 bytes (given 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…')
            vars: are 20003 bytes as JSON, more than 16384
        "#]],
    );
    let labels: Vec<String> = (0..65).map(|n| format!(r#""l{n}": "x""#)).collect();
    call(
        &format!(r#"{{"message": "hi", "in": "1h", "labels": {{{}}}}}"#, labels.join(",")),
        expect![[r#"
        labels: has 65 entries, more than 64
    "#]],
    );
}

#[test]
fn ids() {
    let raw = RawSchedule {
        schedule: Some(chimewheel::spec::raw::RawTrigger { r#in: Some("1h".to_owned()), ..Default::default() }),
        payload: Some(chimewheel::spec::raw::RawPayload { message: Some("hi".to_owned()), ..Default::default() }),
        ..RawSchedule::default()
    };
    let made_up = validate(&raw, &Context { random: [255; 10], ..super::context() }).unwrap();
    assert_eq!(made_up.schedule.id.as_str(), "sched_01KDVDNA00ZZZZZZZZZZZZZZZZ");
    let stem = Context { fallback_id: Some("Daily Standup"), origin: Origin::File, ..super::context() };
    let problems = validate(&raw, &stem).unwrap_err();
    expect!["id: may hold only letters, digits, '-', '_' and '.' (given 'Daily Standup'; the file's name is the id where none is written; write id, or rename it)"].assert_eq(&problems[0].to_string());
}

#[test]
fn exclusions_are_judged_one_by_one_and_must_leave_a_due() {
    yaml(
        r#"- {id: ok, cron: "0 9 * * *", message: hi, except: [2026-12-24..2026-12-26, "sat,sun", mon-fri 22:00-07:00]}
- {id: single, cron: "0 9 * * *", message: hi, except: SAT}
- {id: empty, cron: "0 9 * * *", message: hi, except: []}
- {id: wrong, cron: "0 9 * * *", message: hi, except: [SAT, Sunday, 7]}
- {id: never, cron: "0 9 * * SAT", message: hi, except: ["SAT,SUN"]}
- {id: soon, cron: "0 9 * * *", message: hi, end_at: "2026-01-04 12:00", except: [2026-01-01..2026-01-31]}
- {id: once, at: "2026-01-03 12:00", message: hi, except: ["SAT,SUN"]}
- {id: always, every: 1h, message: hi, except: ["00:00-12:00", "12:00-24:00"]}
"#,
        expect![[r#"
            {"id":"ok","schedule":{"cron":"0 9 * * *","timezone":"UTC","dialect":"unix"},"payload":{"message":"hi"},"except":["2026-12-24..2026-12-26","sat,sun","mon-fri 22:00-07:00"]}
            {"id":"single","schedule":{"cron":"0 9 * * *","timezone":"UTC","dialect":"unix"},"payload":{"message":"hi"},"except":["SAT"]}
            {"id":"empty","schedule":{"cron":"0 9 * * *","timezone":"UTC","dialect":"unix"},"payload":{"message":"hi"}}
            4:61: [3].except[1]: 'Sunday' is not a weekday (given 'Sunday'; did you mean SUN?)
            4:69: [3].except[2]: must be text, not a number (given '7'; put it in quotes)
            5:57: [4].except: never fires: every due is excluded (leave an exclusion out, or make it shorter)
            6:82: [5].except: never fires: every due until 2026-01-04T12:00:00Z is excluded (leave an exclusion out, or make it shorter)
            7:59: [6].except: never fires: the exclusions cover its only time (given '2026-01-03T12:00:00Z'; move the time, or leave the exclusion out)
            8:48: [7].except: never fires: every due is excluded (leave an exclusion out, or make it shorter)
        "#]],
    );
    call(
        &format!(r#"{{"in": "2h", "message": "hi", "except": {}}}"#, serde_json::json!(vec!["SAT"; 65])),
        expect![[r#"
            except: has 65 entries, more than 64 (write weekdays and dates as ranges)
        "#]],
    );
    toml(
        "id = \"dated\"\ncron = \"0 9 * * *\"\nmessage = \"hi\"\nexcept = [2026-12-24, \"22:00-07:00\"]\npause_after_failures = 70_000\n",
        expect![[r#"
            5:24: pause_after_failures: must be from 0 to 65535 (given '70000'; 0 means never; 1 means after the first failure)
        "#]],
    );
}

#[test]
fn a_field_in_the_wrong_place_is_told_where_it_belongs() {
    call(
        r#"{"schedule": {"after": {"schedule": "a"}}, "message": "hi", "destination": {"gateway": "console", "chat_id": "1", "silence": "json"}}"#,
        expect![[r#"
            destination.silence: unknown key 'silence' ('silence' stands beside 'destination', not in it)
            schedule.after: unknown key 'after' ('after' stands beside 'schedule', not in it)
            schedule: is missing: nothing says when to fire (write exactly one of at, in, every, cron and when, or after)
        "#]],
    );
}
