//! A turn that is begun again: what it has made stands, whichever way the model takes the second time.

use super::house::{ADA, House, calls, says};
use crate::standin::Play;

const TEA: (&str, &str) = ("schedule_task", "{\"in\": \"2h\", \"message\": \"tea\"}");

#[test]
fn what_was_booked_is_not_booked_again_by_another_way() {
    let house = House::new(ADA, |number, asked| match (number, asked.is_outcome()) {
        (1, _) => Play::status(500),
        (0, _) => calls(&[("schedule_task", "{\"in\": \"soon\", \"message\": \"tea\"}"), TEA]),
        (2, _) => calls(&[("schedule_list", "{}")]),
        (3, _) => calls(&[TEA]),
        _ => says("booked"),
    });
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "tea in 2 hours");
    assert_eq!(house.hears(bo, 1), ["booked"]);
    assert_eq!(house.schedules().len(), 1);
}

#[test]
fn two_of_the_same_are_two() {
    let house = House::new(ADA, |_, asked| if asked.is_outcome() { says("booked") } else { calls(&[TEA, TEA]) });
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "tea twice");
    house.hears(bo, 1);
    assert_eq!(house.schedules().len(), 2);
}

#[test]
fn what_was_run_now_is_not_run_again() {
    let config = ADA.replace("\"schedule_list\"]", "\"schedule_run_now\"]");
    let house = House::new(&config, |number, asked| match (number, asked.is_outcome()) {
        (1 | 3, _) => Play::status(500),
        (_, true) => says(asked.last().lines().next().unwrap()),
        _ => calls(&[("schedule_run_now", "{\"name\": \"standup\"}")]),
    });
    let bo = house.telegram.acquaintance("Bo");
    let chat = format!("--chat-id={bo}");
    let add = ["add", "--agent", "ada", "--name", "standup", "--in", "9h", "-m", "Stand-up!"];
    house.json(&[&add[..], &["--gateway", "telegram", &chat]].concat());
    house.telegram.writes(bo, bo, "now, please");
    let heard = house.hears(bo, 2);
    assert_eq!(heard.iter().filter(|text| *text == "Stand-up!").count(), 1, "{heard:?}");
    assert!(heard.iter().any(|text| text.contains("triggered, before this run was interrupted")), "{heard:?}");
}
