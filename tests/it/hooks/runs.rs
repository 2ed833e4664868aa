//! Hooks in a running engine: what they deliver, what they keep, and what becomes of a script that changes.

use chimewheel::engine::change::Phase;
use chimewheel::runner::RunError;
use chimewheel::runtime::{Done, Op};
use chimewheel::time::Span;

use super::house::{House, declared, ended};

const COUNTING: &str = "fn message(ctx) { ctx.state.n = (ctx.state.n ?? 0) + 1; `run ${ctx.state.n}` }";

#[test]
fn a_template_and_a_hook_deliver() {
    let mut house = House::new(&[("demo", "fn message(ctx) { note(\"hm\"); `at ${ctx.fire.time}` }")]);
    let template = house.add("payload: {template: \"run ${fire.number} of ${schedule.id}\"}");
    house.hour(1);
    assert_eq!(house.text(), "run 1 of s0");
    assert_eq!(ended(&house.over(template, 1)), "delivered");
    house.ask(Op::Cancel(template));
    let hook = house.add("payload: {message: x}\nhook: demo");
    house.hour(2);
    assert_eq!(house.text(), "at 02:00");
    assert_eq!(ended(&house.over(hook, 1)), "delivered | hm");
    house.stop();
}

#[test]
fn a_task_is_done_by_the_model_that_its_hook_names_and_sent_where_it_says() {
    let script = r#"
        fn model(ctx) { if ctx.fire.number == 1 { "echo/strong" } }
        fn message(ctx) { `{"text": "number ${ctx.fire.number}", "keep": ${ctx.fire.number == 2}}` }
        fn silent(ctx, result) { if result.keep { "kept" } }
        fn deliver(ctx, result) { [#{text: result.json.text, chat_id: "boss"}, result.json.text] }
    "#;
    let mut house = House::new(&[("demo", script)]);
    let key = house.add("payload: {task: look}\nmodel: echo/usual\nhook: demo");
    house.hour(1);
    let mut sent = [house.handed(), house.handed()].map(|one| (one.destination.chat_id, one.text, one.key));
    sent.sort_unstable();
    let places = [&sent[0], &sent[1]].map(|(chat, text, _)| (chat.as_str(), text.as_str()));
    assert_eq!(places, [("boss", "number 1"), ("me", "number 1")]);
    assert_ne!(sent[0].2, sent[1].2, "each delivery has a key of its own");
    let run = house.over(key, 1);
    assert_eq!(ended(&run), "delivered");
    assert_eq!(run.execution.unwrap().model.as_deref(), Some("echo/strong"));
    house.hour(2);
    let run = house.over(key, 2);
    assert_eq!(ended(&run), "silent: kept");
    assert_eq!(run.execution.unwrap().model.as_deref(), Some("echo/usual"));
    house.stop();
}

#[test]
fn what_a_hook_keeps_outlives_a_restart_and_an_edit_and_goes_with_the_hook() {
    let mut house = House::new(&[("demo", COUNTING)]);
    let mut schedule = house.schedule("payload: {message: x}\nhook: demo");
    let key = house.add_all(vec![schedule.clone()])[0];
    house.hour(1);
    assert_eq!(house.text(), "run 1");
    house.over(key, 1);
    house.restart();
    house.hour(2);
    assert_eq!(house.text(), "run 2");
    house.over(key, 2);
    assert_eq!(house.state(key).as_deref(), Some(r#"{"n":2}"#));

    schedule.labels.insert("k".into(), "v".into());
    let replace = |read, schedule| house.ask(Op::Replace { key, read, declaration: declared(schedule) });
    let Done::Changed(..) = replace(1, schedule.clone()) else { panic!("not changed") };
    assert_eq!(house.state(key).as_deref(), Some(r#"{"n":2}"#));
    schedule.hook = None;
    replace(2, schedule.clone());
    assert_eq!(house.state(key), None);
    schedule.hook = Some("demo".into());
    replace(3, schedule);
    house.hour(3);
    assert_eq!(house.text(), "run 1");
    house.over(key, 3);
    house.stop();
}

#[test]
fn an_attempt_that_is_tried_again_keeps_nothing() {
    let script = r#"
        fn message(ctx) { ctx.state.n = (ctx.state.n ?? 0) + 1; `${ctx.state.n} in attempt ${ctx.fire.attempt}` }
        fn failed(ctx, error) { ctx.state.failed = true; "retry" }
    "#;
    let mut house = House::new(&[("demo", script)]);
    let key = house.add("payload: {task: look}\nmodel: echo/x\nhook: demo\nretry: {backoff_max: 1s}");
    house.refuse(RunError::Retry { error: "busy".into(), after: None });
    let due = house.hour(1);
    house.run(key, 1, |run| matches!(run.phase, Phase::Rerun { .. }));
    assert_eq!(house.state(key), None);
    house.set(due.plus(Span::from_seconds(2)));
    assert_eq!(house.text(), "1 in attempt 2");
    house.over(key, 1);
    assert_eq!(house.state(key).as_deref(), Some(r#"{"n":1}"#));

    house.refuse(RunError::Permanent { error: "no".into() });
    house.hour(2);
    assert_eq!(ended(&house.over(key, 2)), "failed: no");
    assert_eq!(house.state(key).as_deref(), Some(r#"{"failed":true,"n":2}"#), "a run that failed is over");
    house.stop();
}

#[test]
fn an_owner_is_told_what_the_hook_says_of_a_failure() {
    let mut house = House::new(&[("demo", "fn failed(ctx, error) { `Sorry: ${error}` }")]);
    let key = house.add("payload: {task: look}\nmodel: echo/x\nhook: demo");
    house.refuse(RunError::Retry { error: "busy".into(), after: None });
    house.hour(1);
    assert_eq!(house.text(), "Sorry: busy");
    assert_eq!(ended(&house.over(key, 1)), "failed: busy");
    house.stop();
}

#[test]
fn a_script_that_gets_a_mistake_goes_on_as_it_was_and_one_that_is_removed_does_not() {
    let mut house = House::new(&[("demo", "fn message(ctx) { `first` }")]);
    let key = house.add("payload: {message: plain}\nhook: demo");
    let plain = house.add("payload: {message: plain}\nhook: demo\non_hook_error: deliver_plain");
    house.hour(1);
    assert_eq!([house.text(), house.text()], ["first", "first"]);

    let broken = house.load(&[("demo", "fn message(ctx) { `second`")]);
    assert!(broken.len() == 1 && broken[0].is_kept, "{broken:?}");
    house.hour(2);
    assert_eq!([house.text(), house.text()], ["first", "first"]);

    assert_eq!(house.load(&[("demo", "fn message(ctx) { `third` }")]).len(), 0);
    house.hour(3);
    assert_eq!([house.text(), house.text()], ["third", "third"]);

    house.load(&[("dome", "fn message(ctx) { `fourth` }")]);
    house.hour(4);
    assert_eq!(house.text(), "plain");
    let error = "scripts/demo.rhai: there is no script 'demo'; did you mean 'dome'?";
    assert_eq!(ended(&house.over(key, 4)), format!("failed: {error}"));
    assert_eq!(ended(&house.over(plain, 4)), format!("delivered | {error}"));
    house.stop();
}

#[test]
fn a_gate_and_a_wish_put_off_what_is_not_wanted_now() {
    let script = r#"
        fn gate(ctx) { if ctx.fire.hour == 1 { "too early" } }
        fn next(ctx, result) { if result == () { "90m" } }
        fn message(ctx) { `at ${ctx.fire.time}` }
    "#;
    let mut house = House::new(&[("demo", script)]);
    let key = house.add("payload: {message: x}\nhook: demo");
    let first = house.hour(1);
    assert_eq!(ended(&house.over(key, 1)), "gated: too early");
    house.set(first.plus(Span::from_seconds(89 * 60)));
    house.ask(Op::Status);
    house.set(first.plus(Span::from_seconds(90 * 60)));
    assert_eq!(house.text(), "at 02:30");
    house.over(key, 2);
    house.stop();
}
