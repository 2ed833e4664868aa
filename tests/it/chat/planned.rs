//! What a model may do when a schedule asks it, and nobody who waits for an answer.

use expect_test::expect;

use super::house::{ADA, House, calls, plain, says};

/// A daily task of ada's in a chat, made to run now; the model tries to book something and says what came of it.
fn planned(more: &str) -> (House, String) {
    let config = ADA
        .replace("tools = [", "tools = [\"schedule_cancel\", ")
        .replace("[[routes]]", &format!("{more}[[routes]]"));
    let house = House::new(&config, |_, asked| match asked.is_outcome() {
        true => says(asked.last()),
        false => calls(&[("schedule_task", "{\"in\": \"1h\", \"message\": \"tea\"}")]),
    });
    let bo = house.telegram.acquaintance("Bo");
    let chat = format!("--chat-id={bo}");
    let add = ["add", "--id", "news", "--agent", "ada", "--every", "1d", "--task", "sum up"];
    house.json(&[&add[..], &["--gateway", "telegram", &chat]].concat());
    house.json(&["run-now", "news"]);
    let said = house.hears(bo, 1).remove(0);
    (house, plain(said.lines().next().unwrap()))
}

#[test]
fn a_run_that_is_planned_only_reads() {
    let (house, said) = planned("");
    expect!["Error: a run of a schedule may not use schedule_task; the operator may allow it: agents.ada.runs_may_schedule"].assert_eq(&said);
    assert_eq!(house.asked().tools(), ["schedule_list"]);
    assert_eq!(house.schedules(), ["news"]);
}

#[test]
fn a_run_that_is_planned_may_book_where_the_operator_lets_it() {
    let (house, said) = planned("runs_may_schedule = true\n");
    expect!["Created one-shot schedule: <id>"].assert_eq(&said);
    assert_eq!(house.asked().tools(), ["schedule_task", "schedule_list", "schedule_cancel"]);
    assert_eq!(house.schedules().len(), 2);
}

/// What a run is told of earlier ones: its latest results, or the conversation where it knows that.
#[test]
fn a_run_knows_its_latest_results_or_its_conversation() {
    let house = House::new(ADA, |number, asked| match asked.written().as_str() {
        "sum up" => says(&format!("summary {number}")),
        other => says(&format!("to {other}")),
    });
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "hello");
    house.hears(bo, 1);
    let chat = format!("--chat-id={bo}");
    for (id, session) in [("alone", "isolated"), ("among", "conversation")] {
        let add = ["add", "--id", id, "--agent", "ada", "--every", "1d", "--task", "sum up", "--session", session];
        house.json(&[&add[..], &["--gateway", "telegram", &chat]].concat());
    }
    for (count, id) in ["alone", "alone", "among"].into_iter().enumerate() {
        house.json(&["run-now", id]);
        house.hears(bo, count + 2);
    }
    house.telegram.writes(bo, bo, "and?");
    house.hears(bo, 5);
    let all: Vec<_> = (0..5).map(|_| house.asked()).collect();
    let results = all[2].told().split("Your latest results").nth(1).unwrap().lines().next().unwrap().to_owned();
    expect![", oldest first: | - <moment>: summary 1"].assert_eq(&results);
    let told: String = all.iter().map(|asked| asked.talk() + "--\n").collect();
    expect![[r#"
        user: hello
        --
        user: sum up
        --
        user: sum up
        --
        user: Bo: hello
        assistant: to hello
        assistant: summary 1
        assistant: summary 2
        user: sum up
        --
        user: hello
        assistant: to hello
        assistant: summary 1
        assistant: summary 2
        assistant: summary 3
        user: and?
        --
    "#]]
    .assert_eq(&told);
}
