//! The shipped scripts: runs go in, and what every function says comes out.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{shipped, tried};

/// Runs a script once for each context, each laid over the one before with the state that it left.
fn check(name: &str, runs: &[Value], expected: &Expect) {
    let scripts = shipped();
    let mut told = String::new();
    let mut context = json!({"schedule": {"zone": "Europe/Berlin"}});
    for run in runs {
        let error = run.get("error").and_then(Value::as_str);
        lay(&mut context, run);
        let mut asked = context.clone();
        asked.as_object_mut().unwrap().remove("error");
        let (tried, scene, after) = tried(&scripts, name, &asked, error);
        let due = run["fire"]["due"].as_str().unwrap_or("another run");
        told += &format!("{due}\n");
        for call in &tried.calls {
            let said = call.said.as_ref().map_or_else(|error| format!("FAILED {error}"), String::clone);
            told += &format!("  {}: {said}\n", call.function);
        }
        told += &format!("  = {:?}\n", tried.outcome);
        for (to, text) in &tried.deliveries {
            told += &format!("  > {}: {text:?}\n", to.as_ref().unwrap());
        }
        if let Some(state) = scene.state() {
            told += &format!("  state {state}\n");
        }
        context = after;
    }
    expected.assert_eq(&told);
}

/// Lays one JSON value over another.
fn lay(below: &mut Value, above: &Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                lay(below.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above.clone(),
    }
}

fn at(due: &str) -> Value {
    json!({"fire": {"due": due}})
}

#[test]
fn greeting() {
    let first = json!({
        "schedule": {"payload": {"template": "Good morning, ${vars.who}! It is ${fire.weekday}."}, "vars": {"who": "Ada"}},
        "fire": {"due": "2026-11-23T07:30:00Z"},
    });
    let always = json!({"schedule": {"vars": {"weekend": true}}, "fire": {"due": "2026-11-29T07:30:00Z"}});
    let runs = [
        first,
        at("2026-11-24T07:30:00Z"),
        at("2026-11-27T07:30:00Z"),
        at("2026-12-04T07:30:00Z"),
        at("2026-11-28T07:30:00Z"),
        always,
    ];
    check(
        "greeting",
        &runs,
        &expect![[r#"
        2026-11-23T07:30:00Z
          gate: go
          message: "Good morning, Ada! A new week: what are its three most important things?"
          = Sent
          > console:local: "Good morning, Ada! A new week: what are its three most important things?"
        2026-11-24T07:30:00Z
          gate: go
          message: as usual
          template: "Good morning, Ada! It is Tuesday."
          = Sent
          > console:local: "Good morning, Ada! It is Tuesday."
        2026-11-27T07:30:00Z
          gate: go
          message: "Good morning, Ada, it is Friday. What went well?"
          = Sent
          > console:local: "Good morning, Ada, it is Friday. What went well?"
        2026-12-04T07:30:00Z
          gate: go
          message: "Good morning, Ada, it is Friday. What can wait until Monday?"
          = Sent
          > console:local: "Good morning, Ada, it is Friday. What can wait until Monday?"
        2026-11-28T07:30:00Z
          gate: skip: weekend
          = Skipped("weekend")
        2026-11-29T07:30:00Z
          gate: go
          message: as usual
          template: "Good morning, Ada! It is Sunday."
          = Sent
          > console:local: "Good morning, Ada! It is Sunday."
    "#]],
    );
}

#[test]
fn only_changes() {
    let said = |text: &str| json!({"result": text});
    let ignoring = json!({"schedule": {"vars": {"ignore": "[0-9]+"}}, "result": "3 mails"});
    check(
        "only-changes",
        &[said("2 mails"), said("2 mails"), said("3 mails"), ignoring, said("4 mails")],
        &expect![[r#"
            another run
              silent: no
              = Sent
              > console:local: "2 mails"
              state {"_changed_text":"\"2 mails\""}
            another run
              silent: yes: unchanged
              = Silent("unchanged")
            another run
              silent: no
              = Sent
              > console:local: "3 mails"
              state {"_changed_text":"\"3 mails\""}
            another run
              silent: no
              = Sent
              > console:local: "3 mails"
              state {"_changed_text":"\" mails\""}
            another run
              silent: yes: unchanged
              = Silent("unchanged")
        "#]],
    );
}

#[test]
fn only_urgent() {
    let said = |text: &str| json!({"result": text});
    let runs = [
        said(r#"{"urgent": true, "summary": "The server is down"}"#),
        said(r#"{"urgent": false, "summary": "Three newsletters", "reason": "nothing that cannot wait"}"#),
        said(r#"{"urgent": false, "summary": "Three newsletters"}"#),
        said("I could not reach the mailbox"),
        said("```json\n{\"urgent\": true, \"summary\": \"In a fence\"}\n```"),
        json!({"schedule": {"vars": {"always": true}}, "result": r#"{"urgent": false, "summary": "Two mails"}"#}),
    ];
    check(
        "only-urgent",
        &runs,
        &expect![[r#"
        another run
          silent: no
          deliver: 1 delivery
          = Sent
          > console:local: "The server is down"
        another run
          silent: yes: nothing that cannot wait
          = Silent("nothing that cannot wait")
        another run
          silent: yes: not urgent
          = Silent("not urgent")
        another run
          silent: no
          deliver: as usual
          = Sent
          > console:local: "I could not reach the mailbox"
        another run
          silent: no
          deliver: 1 delivery
          = Sent
          > console:local: "In a fence"
        another run
          silent: no
          deliver: 1 delivery
          = Sent
          > console:local: "Two mails"
    "#]],
    );
}

#[test]
fn model_by_day() {
    let first = json!({
        "schedule": {
            "payload": {"task": "The news"}, "model": "echo/usual", "vars": {"cheap": "echo/cheap", "strong": "echo/strong"},
        },
        "fire": {"due": "2026-11-23T08:00:00Z"},
    });
    let failed = |error: &str, attempt: u16| json!({"error": error, "fire": {"attempt": attempt}});
    let runs = [
        first,
        at("2026-11-24T08:00:00Z"),
        at("2026-11-24T20:00:00Z"),
        failed("the endpoint answered 401", 1),
        failed("the endpoint answered 503", 1),
        failed("the endpoint answered 503", 3),
    ];
    check(
        "model-by-day",
        &runs,
        &expect![[r#"
        2026-11-23T08:00:00Z
          model: echo/strong
          = Sent
          > console:local: "The news"
        2026-11-24T08:00:00Z
          model: echo/cheap
          = Sent
          > console:local: "The news"
        2026-11-24T20:00:00Z
          model: as usual
          = Sent
          > console:local: "The news"
        another run
          model: as usual
          failed: tell the owner: "The provider refuses the key of "test": the endpoint answered 401"
          = Failed("the endpoint answered 401")
        another run
          model: as usual
          failed: retry
          = Retried
        another run
          model: as usual
          failed: give up
          = Failed("the endpoint answered 503")
    "#]],
    );
}

#[test]
fn quiet_hours() {
    let other = json!({"schedule": {"vars": {"quiet": "12:00-13:00"}}, "fire": {"due": "2026-11-24T11:10:00Z"}});
    let runs = [
        at("2026-11-23T20:59:00Z"),
        at("2026-11-23T21:00:00Z"),
        at("2026-11-24T02:00:00Z"),
        at("2026-11-24T06:00:00Z"),
        other,
    ];
    check(
        "quiet-hours",
        &runs,
        &expect![[r#"
        2026-11-23T20:59:00Z
          gate: go
          next: as usual
          = Sent
          > console:local: "The message of a schedule that is made up"
        2026-11-23T21:00:00Z
          gate: skip: quiet hours, 22:00-07:00
          next: 2026-11-24T07:00:00+01:00
          = Skipped("quiet hours, 22:00-07:00")
        2026-11-24T02:00:00Z
          gate: skip: quiet hours, 22:00-07:00
          next: 2026-11-24T07:00:00+01:00
          = Skipped("quiet hours, 22:00-07:00")
        2026-11-24T06:00:00Z
          gate: go
          next: as usual
          = Sent
          > console:local: "The message of a schedule that is made up"
        2026-11-24T11:10:00Z
          gate: skip: quiet hours, 12:00-13:00
          next: 2026-11-24T13:00:00+01:00
          = Skipped("quiet hours, 12:00-13:00")
    "#]],
    );
}

#[test]
fn escalate() {
    let said = |text: &str| json!({"result": text});
    let first =
        json!({"schedule": {"name": "Reply to the proposal", "vars": {"boss": "boss"}}, "result": "nothing\n"});
    let nothing = said("nothing");
    let runs = [
        first,
        nothing.clone(),
        nothing.clone(),
        nothing.clone(),
        nothing.clone(),
        said("They have replied"),
        nothing.clone(),
    ];
    check(
        "escalate",
        &runs,
        &expect![[r#"
        another run
          silent: yes: nothing, 1 of 3
          = Silent("nothing, 1 of 3")
          state {"silent_runs":1}
        another run
          silent: yes: nothing, 2 of 3
          = Silent("nothing, 2 of 3")
          state {"silent_runs":2}
        another run
          silent: yes: nothing, 3 of 3
          = Silent("nothing, 3 of 3")
          state {"silent_runs":3}
        another run
          silent: no
          deliver: 1 delivery
          = Sent
          > console:boss: "Reply to the proposal: nothing for 4 runs. Somebody should look."
          state {"silent_runs":0}
        another run
          silent: yes: nothing, 1 of 3
          = Silent("nothing, 1 of 3")
          state {"silent_runs":1}
        another run
          silent: no
          deliver: as usual
          = Sent
          > console:local: "They have replied"
          state {"silent_runs":0}
        another run
          silent: yes: nothing, 1 of 3
          = Silent("nothing, 1 of 3")
          state {"silent_runs":1}
    "#]],
    );
}

#[test]
fn pacing() {
    let run = |due: &str, text: &str| json!({"fire": {"due": due}, "result": text});
    let runs = [
        run("2026-11-23T08:00:00Z", "one"),
        run("2026-11-23T08:05:00Z", "one"),
        run("2026-11-23T08:15:00Z", "one"),
        run("2026-11-23T08:35:00Z", "two"),
        json!({"schedule": {"vars": {"slowest": "7m"}}, "fire": {"due": "2026-11-23T08:40:00Z"}, "result": "two"}),
    ];
    check(
        "pacing",
        &runs,
        &expect![[r#"
        2026-11-23T08:00:00Z
          next: 2026-11-23T09:05:00+01:00
          = Sent
          > console:local: "one"
          state {"_changed_text":"\"one\"","pause_seconds":300}
        2026-11-23T08:05:00Z
          next: 2026-11-23T09:15:00+01:00
          = Sent
          > console:local: "one"
          state {"_changed_text":"\"one\"","pause_seconds":600}
        2026-11-23T08:15:00Z
          next: 2026-11-23T09:35:00+01:00
          = Sent
          > console:local: "one"
          state {"_changed_text":"\"one\"","pause_seconds":1200}
        2026-11-23T08:35:00Z
          next: 2026-11-23T09:40:00+01:00
          = Sent
          > console:local: "two"
          state {"_changed_text":"\"two\"","pause_seconds":300}
        2026-11-23T08:40:00Z
          next: 2026-11-23T09:47:00+01:00
          = Sent
          > console:local: "two"
          state {"_changed_text":"\"two\"","pause_seconds":420}
    "#]],
    );
}

#[test]
fn fan_out() {
    let text = "\n  The week is over: time to write the report.\nWhat was finished?";
    let runs = [
        json!({"result": text}),
        json!({"schedule": {"vars": {"headline_to": ["boss", "archive"], "headline_most": 20}}, "result": text}),
    ];
    check(
        "fan-out",
        &runs,
        &expect![[r#"
        another run
          deliver: 1 delivery
          = Sent
          > console:local: "\n  The week is over: time to write the report.\nWhat was finished?"
        another run
          deliver: 3 deliveries
          = Sent
          > console:local: "\n  The week is over: time to write the report.\nWhat was finished?"
          > console:boss: "The week is over: t…"
          > console:archive: "The week is over: t…"
    "#]],
    );
}
