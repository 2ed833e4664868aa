//! What goes wrong while a message is answered: what the chat shows for it, and how often the model was asked.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use expect_test::expect;

use super::house::{ADA, Asked, House, calls, plain, says};
use crate::standin::Play;

/// The answer to the question of this number in the case that somebody's message names.
fn play(case: &str, number: usize, asked: &Asked) -> Play {
    let list = ("schedule_list", "{}");
    match (case, number) {
        ("429 once", 0) => Play::status(429).with("Retry-After", "1"),
        ("500 once", 0) => Play::status(500),
        ("cut once", 0) => Play::Cut,
        ("cut in the answer once", 0) => Play::CutAnswer,
        ("malformed once", 0) => Play::Answer { status: 200, headers: vec![], body: "{\"choices\": [{".into() },
        ("empty once", 0) => says(" \n"),
        ("503 always", _) => Play::status(503),
        ("401", _) => Play::status(401),
        ("too long", _) => says(&"x".repeat(65_537)),
        ("unknown tool", 0) => calls(&[("frobnicate", "{}")]),
        ("tool of others", 0) => calls(&[("schedule_cancel", "{\"schedule_id\": \"x\"}")]),
        ("no JSON", 0) => calls(&[("schedule_task", "{in: 2h}")]),
        ("no object", 0) => calls(&[("schedule_task", "[1]")]),
        ("no arguments", 0) => calls(&[("schedule_list", "")]),
        ("wrong arguments", 0) => calls(&[("schedule_task", "{\"in\": \"soon\", \"message\": \"x\"}")]),
        ("another chat", 0) => calls(&[(
            "schedule_task",
            "{\"in\": \"1h\", \"message\": \"x\", \"gateway\": \"telegram\", \"chat_id\": \"1\"}",
        )]),
        ("nine calls", 0) => calls(&[list; 9]),
        ("calls always", _) => calls(&[list]),
        ("calls and a word at last", 7) => says("enough"),
        ("calls and a word at last", _) => calls(&[list]),
        ("no tool is offered", _) => calls(&[list]),
        _ if asked.is_outcome() => says(&format!("tool: {}", asked.last())),
        _ => says("fine"),
    }
}

const CASES: [&str; 18] = [
    "429 once",
    "500 once",
    "cut once",
    "cut in the answer once",
    "malformed once",
    "empty once",
    "503 always",
    "401",
    "too long",
    "unknown tool",
    "tool of others",
    "no JSON",
    "no object",
    "no arguments",
    "wrong arguments",
    "another chat",
    "nine calls",
    "calls always",
];

/// Counts the questions of each case, which is what was written last.
fn house() -> House {
    let counts: Mutex<HashMap<String, usize>> = Mutex::default();
    let routing = "[agents.bob]\nmodel = \"tiny/one\"\ndestinations = [\"telegram:*\"]\n";
    House::new(&format!("{ADA}{routing}"), move |_, asked| {
        let case = asked.written();
        let mut counts = counts.lock().unwrap();
        let number = counts.entry(case.clone()).or_default();
        *number += 1;
        play(&case, *number - 1, asked)
    })
}

#[test]
fn a_chat_is_answered_or_told_why_not() {
    let house = house();
    let people: Vec<i64> = CASES.iter().map(|case| house.telegram.acquaintance(case)).collect();
    for (case, person) in CASES.iter().zip(&people) {
        house.telegram.writes(*person, *person, case);
    }
    let mut said: Vec<String> =
        people.iter().map(|person| house.hears(*person, 1).iter().map(|text| plain(text)).collect()).collect();
    let mut asked: HashMap<String, usize> = HashMap::new();
    while let Some((request, _)) = house.model.poll() {
        *asked.entry(Asked::read(&request).written()).or_default() += 1;
    }
    let mut table = String::new();
    for (case, said) in CASES.iter().zip(&mut said) {
        writeln!(table, "{case}, asked {}: {}", asked[*case], said.replace('\n', " | ")).unwrap();
    }
    expect![[r#"
        429 once, asked 2: fine
        500 once, asked 2: fine
        cut once, asked 2: fine
        cut in the answer once, asked 2: fine
        malformed once, asked 2: fine
        empty once, asked 2: fine
        503 always, asked 5: I could not answer this now: my model did not answer, also when it was asked again. Please write again later.
        401, asked 1: I could not answer this: my model refused, or gave no answer that can be sent. Whoever runs me finds the reason in the log.
        too long, asked 1: I could not answer this: my model refused, or gave no answer that can be sent. Whoever runs me finds the reason in the log.
        unknown tool, asked 2: tool: Error: there is no tool 'frobnicate'; there are: schedule_task, schedule_list
        tool of others, asked 2: tool: Error: there is no tool 'schedule_cancel'; there are: schedule_task, schedule_list
        no JSON, asked 2: tool: Error: the arguments are not JSON: key must be a string at line 1 column 2
        no object, asked 2: tool: Error: the arguments must be a JSON object (given '[1]')
        no arguments, asked 2: tool: No scheduled tasks.
        wrong arguments, asked 2: tool: Failed to create schedule: in: is not a duration; write for example 30s, 5m, 2h30m or 1d (given 'soon')
        another chat, asked 2: tool: Failed to create schedule: destination: agent 'ada' may not send there (given 'telegram:1'; it may send to: telegram:5015 (this conversation); the operator adds more to agents.ada.destinations)
        nine calls, asked 2: tool: Error: not done; at most 8 calls are made in one go
        calls always, asked 8: I could not answer this: my model refused, or gave no answer that can be sent. Whoever runs me finds the reason in the log.
    "#]].assert_eq(&table);
    let log = house.log();
    assert!(log.contains("a message was not answered: the answer was 401 Unauthorized"), "{log}");
    assert!(!log.contains("sk-hidden"));
    // One that failed stands in the conversation all the same, and what the program said for itself does not.
    let person = people[CASES.iter().position(|case| *case == "401").unwrap()];
    house.telegram.writes(person, person, "and now?");
    assert_eq!(house.telegram.wait_for(person, 2)[1], "fine");
    let told = house.asked().told();
    assert!(told.contains("\nuser: 401\nuser: and now?\n"), "{told}");
}

#[test]
fn whoever_calls_tools_to_the_end_is_asked_without_them() {
    let house = house();
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "calls and a word at last");
    assert_eq!(house.telegram.wait_for(bo, 1), ["enough"]);
    let offered: Vec<usize> = (0..8).map(|_| house.asked().tools().len()).collect();
    assert_eq!(offered, [2, 2, 2, 2, 2, 2, 2, 0]);
}

#[test]
fn a_call_where_no_tool_is_offered_is_no_answer_and_nobody_is_told_who_did_not_ask() {
    let house = house();
    let bo = house.telegram.acquaintance("Bo");
    let chat = format!("--chat-id={bo}");
    let add = ["add", "--id", "news", "--agent", "bob", "--in", "1ms", "--task", "no tool is offered"];
    house.json(&[&add[..], &["--gateway", "telegram", &chat, "--max-attempts", "1"]].concat());
    let run = house.run_of("news", "failed");
    assert_eq!(run["detail"], "the answer calls a tool, and none was offered", "{run}");
    assert_eq!((house.asked().0.get("tools"), house.telegram.said(bo).len()), (None, 0));
}

#[test]
fn what_comes_of_a_call_is_cut_where_it_is_long() {
    let house = house();
    let bo = house.telegram.acquaintance("Bo");
    for number in 0..20 {
        let (id, chat, text) = (format!("s{number}"), format!("--chat-id={bo}"), "ü".repeat(800));
        house.json(&[
            "add",
            "--id",
            &id,
            "--agent",
            "ada",
            "--in",
            "9h",
            "-m",
            &text,
            "--gateway",
            "telegram",
            &chat,
        ]);
    }
    house.telegram.writes(bo, bo, "no arguments");
    house.telegram.wait_for(bo, 1);
    house.asked();
    let outcome = house.asked().last().to_owned();
    assert!(outcome.ends_with("ü …") && outcome.len() < 16_500 && outcome.len() > 16_000, "{}", outcome.len());
}
