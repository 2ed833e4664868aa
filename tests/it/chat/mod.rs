//! A chat with the program's own agent: the real daemon between a stand-in Telegram and a scripted model.

mod aimock;
mod budget;
mod by_tool;
mod chats;
mod failing;
mod house;
mod killed;
mod planned;
mod real;
mod retried;

use std::fs;

use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::time::{Span, Timestamp};
use expect_test::expect;

use house::{ADA, House, calls, plain, says};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// The first time in what a create says, of which the model tells in its answer.
fn resolved(outcome: &str) -> &str {
    outcome.split("\n- ").nth(1).unwrap().split(' ').next().unwrap()
}

/// The user asks for a reminder; the model books it for then, and says what was resolved.
fn reminding(when: &'static str, clock: Option<&'static str>) -> House {
    House::with(ADA, clock, move |_, asked| match asked.last() {
        outcome if asked.is_outcome() => says(&format!("I will remind you at {}.", resolved(outcome))),
        "remind me to review the PR in 2 hours" => {
            let arguments = format!("{{\"in\": \"{when}\", \"message\": \"Reminder: review the PR\"}}");
            calls(&[("schedule_task", &arguments)])
        }
        other => says(&format!("You said: {other}")),
    })
}

/// Scenarios 1 and 3: what a chat is reminded of stands in it, and what is answered to it knows it.
fn a_reminder_is_asked_for(house: &House) -> (i64, Timestamp, Timestamp) {
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "remind me to review the PR in 2 hours");
    let (first, second) = (house.asked(), house.asked());
    expect![[r#"
        system: You are Ada. |  | Now it is <day>, <moment>+<time> (<moment>). Times that are named to you are meant in Asia/Tokyo. Let the tools work times out: give them what was said, such as `in` or a local time; repeat in your answer the time that they resolved.
        user: remind me to review the PR in 2 hours
        {"model":"one","stream":false,"tools":["schedule_task","schedule_list"]}
    "#]].assert_eq(&first.told());
    expect![[r#"
        user: remind me to review the PR in 2 hours
        assistant:
          calls call_0 schedule_task {"in": "2h", "message": "Reminder: review the PR"}
        tool call_0: Created one-shot schedule: <id> | Id: <id> | When: Once at <date> <time>, Asia/Tokyo | Next: | - <moment> = <moment>+<time> Asia/Tokyo
    "#]].assert_eq(&second.talk().replace("\"2s\"", "\"2h\""));
    let schema = &first.0["tools"][0];
    assert_eq!((&schema["type"], &schema["function"]["parameters"]["type"]), (&"function".into(), &"object".into()));
    let said = house.hears(bo, 1).remove(0);
    assert_eq!(plain(&said), "I will remind you at <moment>.");
    let at = Timestamp::parse_rfc3339(said.rsplit(' ').next().unwrap().trim_end_matches('.')).unwrap();
    (bo, at, first.now())
}

fn the_reminder_is_answered(house: &House, bo: i64) {
    assert_eq!(house.hears(bo, 2)[1], "Reminder: review the PR");
    house.telegram.writes(bo, bo, "done");
    expect![[r#"
        user: remind me to review the PR in 2 hours
        assistant: I will remind you at <moment>.
        assistant: Reminder: review the PR
        user: done
    "#]]
    .assert_eq(&house.asked().talk());
    assert_eq!(house.hears(bo, 3)[2], "You said: done");
    assert!(house.model.poll().is_none(), "nothing is asked twice");
}

#[test]
fn a_reminder_is_booked_delivered_and_answered() {
    let house = reminding("2s", None);
    let (bo, ..) = a_reminder_is_asked_for(&house);
    the_reminder_is_answered(&house, bo);
}

#[test]
fn a_reminder_in_two_hours_is_booked_for_then() {
    let house = reminding("2h", None);
    let before = SystemClock.now();
    let (_, at, told) = a_reminder_is_asked_for(&house);
    let after = SystemClock.now();
    let hours = Span::from_seconds(7200);
    // The tool tells whole seconds.
    assert!(told >= before.minus(Span::from_seconds(1)) && told <= after, "{told}");
    assert!(at >= before.plus(hours).minus(Span::from_seconds(1)) && at <= after.plus(hours), "{at}");
    let listed = house.json(&["list"]);
    assert_eq!(listed["schedules"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["schedules"][0]["agent"], "ada");
}

#[test]
#[ignore = "needs libfaketime, which .ci/clock installs"]
fn faketime_a_reminder_comes_two_hours_later() {
    let house = reminding("2h", Some(LIBRARY));
    let (bo, ..) = a_reminder_is_asked_for(&house);
    assert_eq!(house.telegram.said(bo).len(), 1);
    fs::write(house.path("clock"), "+2h\n").unwrap();
    the_reminder_is_answered(&house, bo);
}

/// Scenario 2.
#[test]
fn a_standup_is_booked_for_weekdays_and_the_conversation_goes_on() {
    const BOOK: &str = r#"{"cron": "0 9 * * MON-FRI", "message": "Good morning! What's on your agenda today?"}"#;
    let house = House::new(ADA, |_, asked| match asked.last() {
        outcome if asked.is_outcome() => says(outcome.lines().nth(2).unwrap()),
        "Send me a daily standup prompt at 9am on weekdays" => calls(&[("schedule_task", BOOK)]),
        other => says(&format!("Noted: {other}")),
    });
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "Send me a daily standup prompt at 9am on weekdays");
    assert_eq!(house.hears(bo, 1), ["When: At 09:00, Monday through Friday, Asia/Tokyo (Unix cron)"]);
    let id = house.schedules().remove(0);
    house.json(&["run-now", &id]);
    house.hears(bo, 2);
    house.telegram.writes(bo, bo, "reviews");
    house.hears(bo, 3);
    house.telegram.writes(bo, bo, "and tests");
    assert_eq!(
        house.hears(bo, 4)[1..],
        ["Good morning! What's on your agenda today?", "Noted: reviews", "Noted: and tests"]
    );
    let last = std::iter::from_fn(|| house.model.poll()).last().unwrap().0.json();
    expect![[r#"
        user: Send me a daily standup prompt at 9am on weekdays
        assistant: When: At <time>, <day> through <day>, Asia/Tokyo (Unix cron)
        assistant: Good morning! What's on your agenda today?
        user: reviews
        assistant: Noted: reviews
        user: and tests
    "#]]
    .assert_eq(&house::Asked(last).talk());
}

#[test]
fn a_group_is_told_apart_by_names_and_a_topic_is_a_chat_of_its_own() {
    let routes = "[[routes]]\nmatch = {chat_type = \"group\"}\nunaddressed = true\nagent = \"ada\"\n";
    let house = House::new(&ADA.replace("[[routes]]\nagent = \"ada\"\n", routes), |_, asked| {
        says(&format!("heard {}", asked.last()))
    });
    let (bo, cy) = (house.telegram.acquaintance("Bo"), house.telegram.acquaintance("Cy"));
    let forum = house.telegram.forum("Work");
    let topic = house.telegram.topic(forum, "Standup");
    house.telegram.writes(bo, forum, "tea?");
    house.hears(forum, 1);
    house.telegram.writes_in(cy, forum, topic, "sitting");
    house.hears(forum, 2);
    house.telegram.writes(cy, forum, "coffee");
    house.hears(forum, 3);
    let told: String = (0..3).map(|_| house.asked().talk() + "--\n").collect();
    expect![[r#"
        user: Bo: tea?
        --
        user: Cy: sitting
        --
        user: Bo: tea?
        assistant: heard Bo: tea?
        user: Cy: coffee
        --
    "#]]
    .assert_eq(&told);
    let shown = house.telegram.shown(forum);
    let topics: Vec<_> = shown.iter().filter(|one| one.is_bot).map(|one| (one.topic, one.text.as_str())).collect();
    assert_eq!(topics, [(None, "heard Bo: tea?"), (Some(topic), "heard Cy: sitting"), (None, "heard Cy: coffee")]);
}

#[test]
fn what_is_written_quickly_is_answered_in_order_and_each_answer_is_known_to_the_next() {
    let house = House::new(ADA, |_, asked| says(&format!("to {}", asked.last())));
    let bo = house.telegram.acquaintance("Bo");
    for text in ["one", "two", "three"] {
        house.telegram.writes(bo, bo, text);
    }
    assert_eq!(house.hears(bo, 3), ["to one", "to two", "to three"]);
    house.telegram.writes(bo, bo, "/new");
    house.hears(bo, 4);
    house.telegram.writes(bo, bo, "four");
    assert_eq!(house.hears(bo, 5)[4], "to four");
    let told: String = (0..4).map(|_| house.asked().talk() + "--\n").collect();
    expect![[r#"
        user: one
        --
        user: one
        assistant: to one
        user: two
        --
        user: one
        user: two
        assistant: to one
        assistant: to two
        user: three
        --
        user: four
        --
    "#]]
    .assert_eq(&told);
}
