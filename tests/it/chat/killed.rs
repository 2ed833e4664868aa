//! `kill -9` while a message is answered: what was booked is booked once, what was said is said once, and an answer that
//! was paid for is not paid for again.

use expect_test::expect;

use super::house::{ADA, House, calls, says};
use crate::standin::Play;

#[test]
fn a_kill_between_a_call_and_the_answer_books_once_and_answers_once() {
    let mut house = House::new(ADA, |number, asked| match (number, asked.is_outcome()) {
        (1, _) => Play::Hold,
        (_, true) => says("booked"),
        (_, false) => calls(&[("schedule_task", "{\"in\": \"2h\", \"message\": \"tea\"}")]),
    });
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "tea in 2 hours");
    let (_, cut) = (house.asked(), house.asked());
    house.kill_and_start();
    assert_eq!(house.telegram.wait_for(bo, 1), ["booked"]);
    let (again, after) = (house.asked(), house.asked());
    assert!(!again.is_outcome(), "it begins anew: {}", again.told());
    let id =
        |asked: &super::house::Asked| asked.last().lines().find(|line| line.starts_with("Id: ")).unwrap().to_owned();
    assert_eq!(id(&cut), id(&after), "the second call answers with what the first has made");
    expect![[r#"
        user: tea in 2 hours
        assistant:
          calls call_0 schedule_task {"in": "2h", "message": "tea"}
        tool call_0: Created one-shot schedule: <id> | It was there already, by the same client_token; nothing was created. | Id: <id> | When: Once at <date> <time>, Asia/Tokyo | Next: | - <moment> = <moment>+<time> Asia/Tokyo
    "#]].assert_eq(&after.talk());
    assert_eq!(house.schedules().len(), 1);
    assert!(house.model.poll().is_none());
    assert_eq!(house.telegram.said(bo).len(), 1);
}

/// A model may word the same call anew.
#[test]
fn what_was_booked_before_a_kill_stands_in_its_first_words() {
    let mut house = House::new(ADA, |number, asked| match (number, asked.is_outcome()) {
        (1, _) => Play::Hold,
        (_, true) => says(asked.last().lines().next().unwrap()),
        (0, false) => calls(&[("schedule_task", "{\"in\": \"2h\", \"message\": \"tea\"}")]),
        (_, false) => calls(&[("schedule_task", "{\"in\": \"120m\", \"message\": \"Tea!\"}")]),
    });
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "tea in 2 hours");
    let _ = (house.asked(), house.asked());
    house.kill_and_start();
    let said = house.telegram.wait_for(bo, 1).remove(0);
    expect!["Error: this run was interrupted and begun anew. Before that, the same call made schedule '<id>', which says something else (payload); that one stands, and nothing else was made"].assert_eq(&super::house::plain(&said));
    assert_eq!(house.schedules().len(), 1);
}

#[test]
fn a_kill_after_the_answer_pays_once_and_says_it() {
    let mut house = House::new(ADA, |_, asked| says(&format!("to {}", asked.last())));
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.plays("sendMessage", Play::Hold);
    house.telegram.writes(bo, bo, "one");
    house.telegram.wait_for_calls("sendMessage", 1);
    house.telegram.writes(bo, bo, "two");
    house.telegram.wait_until_taken();
    house.kill_and_start();
    assert_eq!(house.telegram.wait_for(bo, 2), ["to one", "to two"]);
    let told = [house.asked().talk(), house.asked().talk()].join("--\n");
    expect![[r#"
        user: one
        --
        user: one
        assistant: to one
        user: two
    "#]]
    .assert_eq(&told);
    assert!(house.model.poll().is_none(), "an answer that was made is not made again");
}
