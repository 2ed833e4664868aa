//! Runs that speak by a tool alone: what they say by it is sent, once, and nothing else is.

use serde_json::Value;

use super::house::{Asked, House, calls, says};
use crate::standin::Play;

/// A task in a chat whose model calls a tool for each word of its instruction, then answers.
fn house(script: impl Fn(usize, &Asked) -> Play + Send + Sync + 'static) -> (House, i64) {
    let house = House::new("", script);
    let bo = house.telegram.acquaintance("Bo");
    (house, bo)
}

fn add(house: &House, chat: i64, task: &str, model: &str) {
    let chat = format!("--chat-id={chat}");
    let add = ["add", "--id", "mail", "--in", "1ms", "--task", task, "--model", model, "--silence", "tool"];
    house.json(&[&add[..], &["--gateway", "telegram", &chat]].concat());
}

/// Says two things, the second by the tool's other name, and then that it has done so.
fn urgent(asked: &Asked) -> Play {
    match asked.is_outcome() {
        true => says("I have told them."),
        false => calls(&[
            ("schedule_deliver", "{\"message\": \"The house is on fire.\"}"),
            ("heartbeat_deliver", "{\"message\": \"Call me.\"}"),
        ]),
    }
}

const SAID: &str = "The house is on fire.\n\nCall me.";

#[test]
fn what_is_said_by_the_tool_is_sent_and_nothing_else() {
    let (house, bo) = house(|_, asked| urgent(asked));
    add(&house, bo, "check the mail", "tiny/one");
    assert_eq!(house.hears(bo, 1), [SAID]);
    let run = house.run_of("mail", "delivered");
    assert_eq!((&run["execution"]["tokens_in"], &run["execution"]["tokens_out"]), (&200.into(), &20.into()), "{run}");
    let (first, second) = (house.asked(), house.asked());
    assert_eq!(first.tools(), ["schedule_deliver", "heartbeat_deliver"]);
    assert_eq!(second.last(), "Message queued for delivery");
    assert!(house.model.poll().is_none());
}

/// Why the run broke off, as its record says.
fn broken_off(house: &House, chat: i64, said: &str) -> String {
    assert_eq!(house.telegram.wait_for(chat, 1), [said]);
    let run = house.run_of("mail", "delivered");
    assert_eq!(house.telegram.said(chat).len(), 1);
    run["execution"]["notes"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_said_is_sent_also_where_the_run_breaks_off() {
    for (status, why) in [(400, "400"), (503, "503")] {
        let (house, bo) =
            house(move |_, asked| if asked.is_outcome() { Play::status(status) } else { urgent(asked) });
        add(&house, bo, "check the mail", "tiny/one");
        let note = broken_off(&house, bo, SAID);
        assert!(note.starts_with("the run broke off with something to say: ") && note.contains(why), "{note}");
    }
    let (house_of_many, bo) = house(|_, _| calls(&[("schedule_deliver", "{\"message\": \"on\"}")]));
    add(&house_of_many, bo, "check the mail", "tiny/one");
    let note = broken_off(&house_of_many, bo, &["on"; 7].join("\n\n"));
    assert!(note.ends_with("the model was asked 8 times and called tools each time"), "{note}");
    // Enough for the question, and too little for the question with what came of the calls.
    let (house, bo) = house(|_, asked| urgent(asked));
    let chat = format!("--chat-id={bo}");
    let add = ["add", "--id", "mail", "--in", "1ms", "--task", "check", "--model", "tiny/one", "--silence", "tool"];
    let budget = ["--budget", "max_tokens_per_run=1700"];
    house.json(&[&add[..], &budget, &["--gateway", "telegram", &chat]].concat());
    let note = broken_off(&house, bo, SAID);
    assert!(note.contains("budget: a run may take 1700 tokens (budget.max_tokens_per_run)"), "{note}");
}

#[test]
fn a_run_that_says_nothing_by_the_tool_is_silent_and_its_answer_is_the_reason() {
    for (answer, reason) in [
        ("Nothing is urgent.", "Nothing is urgent."),
        ("{\"silent\": true, \"reason\": \"three newsletters\"}", "three newsletters"),
    ] {
        let (house, bo) = house(move |_, _| says(answer));
        add(&house, bo, "check the mail", "tiny/one");
        let run = house.run_of("mail", "silent");
        assert_eq!((&run["detail"], house.telegram.said(bo).len()), (&Value::from(reason), 0), "{run}");
    }
}

#[test]
fn a_kill_between_the_tool_and_the_answer_says_it_once() {
    let (mut house, bo) = house(|number, asked| if number == 1 { Play::Hold } else { urgent(asked) });
    add(&house, bo, "check the mail", "tiny/one");
    let _ = (house.asked(), house.asked());
    house.kill_and_start();
    assert_eq!(house.telegram.wait_for(bo, 1), [SAID]);
    house.run_of("mail", "delivered");
    let (again, after) = (house.asked(), house.asked());
    assert!(!again.is_outcome() && after.is_outcome(), "it begins anew, with nothing said");
    assert_eq!(house.telegram.said(bo).len(), 1);
}

#[test]
fn a_kill_between_the_answer_and_the_delivery_pays_once_and_says_it_once() {
    let (mut house, bo) = house(|_, asked| urgent(asked));
    house.telegram.plays("sendMessage", Play::Hold);
    add(&house, bo, "check the mail", "tiny/one");
    house.telegram.wait_for_calls("sendMessage", 1);
    house.kill_and_start();
    assert_eq!(house.telegram.wait_for(bo, 1), [SAID]);
    house.run_of("mail", "delivered");
    let _ = (house.asked(), house.asked());
    assert!(house.model.poll().is_none(), "what was said is not made again");
}

#[test]
fn a_provider_without_tools_fails_instead_of_being_silent_for_ever() {
    let mut house = House::new("[routing]\naliases = {far = \"tiny/one\"}\n", |_, _| says("no"));
    let add = ["add", "--id", "mail", "--in", "1ms", "--task", "check", "--model", "far", "--silence", "tool"];
    house.kill();
    house.json(&add);
    let config = house.path("chimewheel.toml");
    let changed = std::fs::read_to_string(&config).unwrap().replace("tiny/one", "echo/any");
    std::fs::write(&config, changed).unwrap();
    house.kill_and_start();
    let run = house.run_of("mail", "failed");
    let why = "provider 'echo' calls no tools, and with silence: tool nothing else is sent; write silence: json";
    assert!(run["detail"].as_str().unwrap().starts_with(why), "{run}");
}
