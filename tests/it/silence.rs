//! When a model's answer is not sent: what counts as saying so, who is asked first, and what becomes of the run.

use chimewheel::runtime::silence;
use expect_test::{Expect, expect};
use proptest::prelude::*;

use crate::tasks::House;

fn check(answers: &[&str], expected: Expect) {
    let line = |answer: &&str| match silence::said(answer) {
        Some(reason) => format!("{answer:?} is silent: {reason}\n"),
        None => format!("{answer:?} is sent\n"),
    };
    expected.assert_eq(&answers.iter().map(line).collect::<String>());
}

#[test]
fn an_answer_is_silent_that_is_an_object_saying_so_and_nothing_else() {
    check(
        &[
            r#"{"silent": true, "reason": "no mail"}"#,
            "\n\t {\"reason\":\"a\\n  b\",\"silent\":true,\"more\":[1,{\"silent\":false}]} \n",
            r#"{"silent": true}"#,
            r#"{"silent": true, "reason": null}"#,
            r#"{"silent": true, "reason": " "}"#,
            r#"{"silent": true, "reason": {"seen": 3}}"#,
            "```json\n{\"silent\": true, \"reason\": \"fenced\"}\n```",
            "```\n{\"silent\": true, \"reason\": \"fenced\"}\n```\n",
            "```JSON {\"silent\": true, \"reason\": \"in a line\"}```",
            "````\n{\"silent\": true, \"reason\": \"four\"}\n````",
        ],
        expect![[r#"
            "{\"silent\": true, \"reason\": \"no mail\"}" is silent: no mail
            "\n\t {\"reason\":\"a\\n  b\",\"silent\":true,\"more\":[1,{\"silent\":false}]} \n" is silent: a b
            "{\"silent\": true}" is silent: the answer said so
            "{\"silent\": true, \"reason\": null}" is silent: the answer said so
            "{\"silent\": true, \"reason\": \" \"}" is silent: the answer said so
            "{\"silent\": true, \"reason\": {\"seen\": 3}}" is silent: {"seen":3}
            "```json\n{\"silent\": true, \"reason\": \"fenced\"}\n```" is silent: fenced
            "```\n{\"silent\": true, \"reason\": \"fenced\"}\n```\n" is silent: fenced
            "```JSON {\"silent\": true, \"reason\": \"in a line\"}```" is silent: in a line
            "````\n{\"silent\": true, \"reason\": \"four\"}\n````" is silent: four
        "#]],
    );
}

#[test]
fn whatever_is_not_quite_that_is_sent() {
    check(
        &[
            "Nothing new. {\"silent\": true}",
            "{\"silent\": true}\nThat is all.",
            "Here you are:\n```json\n{\"silent\": true}\n```",
            "```json\n{\"silent\": true}\n```\nDone.",
            "```json\n{\"silent\": true}",
            "```\n```json\n{\"silent\": true}\n```\n```",
            "`{\"silent\": true}`",
            r#"{"silent": true"#,
            r#"{"silent": true,}"#,
            r#"{silent: true}"#,
            r#"{'silent': true}"#,
            r#"{"silent": "true"}"#,
            r#"{"silent": 1}"#,
            r#"{"silent": false, "reason": "news"}"#,
            r#"{"Silent": true}"#,
            r#"{"answer": {"silent": true}}"#,
            r#"[{"silent": true}]"#,
            r#""{\"silent\": true}""#,
            r#"{"silent": true}{"silent": true}"#,
            "true",
            "silent",
            "{}",
        ],
        expect![[r#"
            "Nothing new. {\"silent\": true}" is sent
            "{\"silent\": true}\nThat is all." is sent
            "Here you are:\n```json\n{\"silent\": true}\n```" is sent
            "```json\n{\"silent\": true}\n```\nDone." is sent
            "```json\n{\"silent\": true}" is sent
            "```\n```json\n{\"silent\": true}\n```\n```" is sent
            "`{\"silent\": true}`" is sent
            "{\"silent\": true" is sent
            "{\"silent\": true,}" is sent
            "{silent: true}" is sent
            "{'silent': true}" is sent
            "{\"silent\": \"true\"}" is sent
            "{\"silent\": 1}" is sent
            "{\"silent\": false, \"reason\": \"news\"}" is sent
            "{\"Silent\": true}" is sent
            "{\"answer\": {\"silent\": true}}" is sent
            "[{\"silent\": true}]" is sent
            "\"{\\\"silent\\\": true}\"" is sent
            "{\"silent\": true}{\"silent\": true}" is sent
            "true" is sent
            "silent" is sent
            "{}" is sent
        "#]],
    );
}

/// Texts that come near to what is looked for, in pieces and out of order.
fn near() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "```",
        "````",
        "`",
        "json",
        "\n",
        " ",
        "{",
        "}",
        "[",
        "]",
        "\"silent\"",
        ":",
        "true",
        "\"true\"",
        ",",
        "\"reason\"",
        "\"\\ud800\"",
        "\u{feff}",
        "é",
        "\0",
        "1e999",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_answer_breaks_the_program(answer in prop_oneof![any::<String>(), near()]) {
        if let Some(reason) = silence::said(&answer) {
            prop_assert!(!reason.is_empty());
            prop_assert!(answer.contains("\"silent\"") || answer.contains("\\u"), "{answer:?}");
        }
    }
}

#[test]
fn objects_inside_one_another_without_end_are_an_answer_like_any_other() {
    let deep = format!("{}1{}", "{\"silent\":".repeat(10_000), "}".repeat(10_000));
    assert_eq!(silence::said(&deep), None);
}

/// The way older tools tell their models to be silent, and nothing else in the declaration.
const INSTRUCTION: &str = r#"{"silent": true, "reason": "checked the mail"}"#;

#[test]
fn a_silent_answer_is_recorded_with_its_reason_and_not_sent() {
    let mut house = House::new("", "cat");
    let task = |id: &str, more: &[&str]| {
        let base = ["--id", id, "--in", "100ms", "--task", INSTRUCTION, "--model", "ask/tiny"];
        house.add(&[&base[..], more].concat());
    };
    task("usual", &[]);
    task("said", &["--silence", "json"]);
    task("loud", &["--silence", "never"]);
    for id in ["usual", "said"] {
        let run = house.wait_for(id, "silent");
        assert_eq!(run["detail"], "checked the mail", "{run}");
        assert_eq!((&run["execution"]["model"], &run["attempts"]), (&"ask/tiny".into(), &0.into()), "{run}");
    }
    assert!(house.message().ends_with(&format!("| {INSTRUCTION}\n")), "never means that every answer is sent");
    let (_, said) = house.run(&["export", "loud", "--json"]);
    assert!(said.contains("\"silence\": \"never\""), "{said}");
    let (_, said) = house.run(&["export", "said", "--json"]);
    assert!(!said.contains("silence"), "the usual is not written: {said}");
}

#[test]
fn an_empty_answer_is_a_failure_and_never_a_silence() {
    let house = House::new("", "echo");
    house.add(&["--id", "news", "--in", "100ms", "--task", "x", "--model", "ask/tiny", "--max-attempts", "1"]);
    let run = house.wait_for("news", "failed");
    assert!(run["detail"].as_str().unwrap().contains("empty"), "{run}");
}
