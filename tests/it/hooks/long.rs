//! Texts that are longer than their gateway takes, in a running engine.

use chimewheel::gateway::TextLimit;
use chimewheel::limits::{DELIVERIES_COUNT_MAX, LITERAL_BYTES_MAX, OUTGOING_COUNT_MAX};
use chimewheel::runner::RunError;
use chimewheel::runtime::Op;

use super::house::{House, declared, ended};

/// A number of words of four letters.
fn words(count: usize) -> String {
    vec!["word"; count].join(" ")
}

/// The parts that are handed over next, the numbers at their ends taken off.
fn parts(house: &House, count: usize) -> Vec<String> {
    let part = |number| {
        let delivery = house.handed();
        let sign = format!("\n\n({number}/{count})");
        delivery.text.strip_suffix(&sign).unwrap_or_else(|| panic!("{sign:?} of {:?}", delivery.text)).to_owned()
    };
    (1..=count).map(part).collect()
}

#[test]
fn a_long_literal_text_leaves_in_parts_and_a_short_one_without_a_run() {
    let mut house = House::within(TextLimit::Chars(1000), &[]);
    let long = words(600);
    assert!(long.len() > LITERAL_BYTES_MAX);
    let key = house.add(&format!("payload: {{message: {long}}}\noverlap_policy: skip"));
    house.hour(1);
    assert_eq!(parts(&house, 4).join(" "), long);
    let run = house.over(key, 1);
    assert_eq!(ended(&run), "delivered");
    assert_eq!(run.execution.map(|execution| (execution.deliveries, execution.model)), Some((4, None)));

    // What its gateway takes whole goes out as one, and what needs no run has none.
    let mut schedule = house.schedule(&format!("payload: {{message: {}}}", words(150)));
    let short = house.add_all(vec![schedule.clone()])[0];
    house.ask(Op::Cancel(key));
    house.hour(2);
    assert_eq!(house.text(), words(150));
    assert_eq!(house.over(short, 1).execution, None);

    // An edit that makes it long makes runs of its dues, and one that makes it short makes none.
    schedule.payload = chimewheel::spec::Payload::Message(long.clone());
    house.ask(Op::Replace { key: short, read: 1, declaration: declared(schedule.clone()) });
    house.hour(3);
    assert_eq!(parts(&house, 4).join(" "), long);
    house.over(short, 2);
    schedule.payload = chimewheel::spec::Payload::Message("short".to_owned());
    house.ask(Op::Replace { key: short, read: 2, declaration: declared(schedule) });
    house.hour(4);
    assert_eq!(house.text(), "short");
    assert_eq!(house.over(short, 3).execution, None);
    house.stop();
}

#[test]
fn dues_of_a_long_literal_text_that_are_caught_up_at_once_are_all_sent() {
    let mut house = House::within(TextLimit::Chars(4000), &[]);
    let long = words(600);
    house.add(&format!("payload: {{message: {long}}}\nmisfire_policy: fire_all\noverlap_policy: skip"));
    house.hour(5);
    for _ in 0..5 {
        assert_eq!(house.text(), long);
    }
    house.stop();
}

#[test]
fn every_text_that_a_hook_may_return_may_be_cut_as_often_as_may_be() {
    let script = format!(
        "fn deliver(ctx, result) {{ let all = []; for n in 0..{OUTGOING_COUNT_MAX} {{ all.push(result); }} all }}"
    );
    let mut house = House::within(TextLimit::Chars(100), &[("fan", &script)]);
    let key = house.add(&format!("payload: {{message: {}}}\nhook: fan", words(1700)));
    house.hour(1);
    let count = usize::from(house.over(key, 1).execution.expect("it ran").deliveries);
    assert!(count > 80 * OUTGOING_COUNT_MAX && count <= DELIVERIES_COUNT_MAX, "{count}");
    for _ in 0..count {
        house.handed();
    }
    house.stop();
}

#[test]
fn what_an_owner_is_told_is_cut_too() {
    let script = "fn failed(ctx, error) { let text = error; for n in 0..100 { text += ` word`; } text }";
    let mut house = House::within(TextLimit::Chars(200), &[("demo", script)]);
    let key = house.add("payload: {task: look}\nmodel: echo/x\nhook: demo");
    house.refuse(RunError::Permanent { error: "no".into() });
    house.hour(1);
    assert_eq!(parts(&house, 3).join(" "), format!("no {}", words(100)));
    assert_eq!(ended(&house.over(key, 1)), "failed: no");
    house.stop();
}
