//! One agent in several chats, and several agents in one: who sees what.

use super::house::{ADA, House, calls, says};
use crate::standin::Play;

/// Lists, or cancels what it is told to.
fn clerk(config: &str) -> House {
    House::new(config, |_, asked| match asked.last().split_once(' ') {
        _ if asked.is_outcome() => says(asked.last()),
        Some(("book", what)) => {
            calls(&[("schedule_task", &format!("{{\"in\": \"2h\", \"name\": \"{what}\", \"message\": \"{what}\"}}"))])
        }
        Some(("cancel", which)) => calls(&[("schedule_cancel", &format!("{{\"schedule_id\": \"{which}\"}}"))]),
        _ => calls(&[("schedule_list", "{}")]),
    })
}

fn with_cancel(more: &str) -> String {
    let tools = "\"schedule_list\", \"schedule_cancel\"]\n";
    ADA.replace("\"schedule_list\"]\n", &format!("{tools}{more}"))
}

#[test]
fn what_one_chat_has_booked_no_other_sees_or_cancels() {
    let house = clerk(&with_cancel(""));
    let (bo, eve) = (house.telegram.acquaintance("Bo"), house.telegram.acquaintance("Eve"));
    house.telegram.writes(bo, bo, "book lawyer");
    house.hears(bo, 1);
    let id = house.schedules().remove(0);
    house.telegram.writes(eve, eve, "list");
    assert_eq!(house.hears(eve, 1), ["No scheduled tasks."]);
    for (number, which) in [(2, id.as_str()), (3, "lawyer"), (4, "lawyers")] {
        house.telegram.writes(eve, eve, &format!("cancel {which}"));
        let said = house.hears(eve, number).pop().unwrap();
        assert!(said.contains("not found") && !said.contains("did you mean"), "{said}");
    }
    house.telegram.writes(bo, bo, "list");
    assert!(house.hears(bo, 2)[1].contains("lawyer"));
    house.telegram.writes(bo, bo, &format!("cancel {id}"));
    assert!(house.hears(bo, 3)[2].contains("Cancelled"));
}

#[test]
fn chats_of_one_person_may_share() {
    let house = clerk(&with_cancel("chats_share = true\n"));
    let (here, there) = (house.telegram.acquaintance("Bo"), house.telegram.acquaintance("Bo"));
    house.telegram.writes(here, here, "book lawyer");
    house.hears(here, 1);
    house.telegram.writes(there, there, "list");
    assert!(house.hears(there, 1)[0].contains("lawyer"));
}

#[test]
fn a_reply_knows_what_another_agent_has_said_there() {
    let house = House::new(ADA, |_, asked| says(&format!("to {}", asked.last())));
    let bo = house.telegram.acquaintance("Bo");
    let chat = format!("--chat-id={bo}");
    house.json(&["add", "--in", "1ms", "-m", "The disk is full", "--gateway", "telegram", &chat]);
    house.hears(bo, 1);
    house.telegram.writes(bo, bo, "which?");
    house.hears(bo, 2);
    assert_eq!(house.asked().talk(), "assistant: The disk is full\nuser: which?\n");
}

#[test]
fn an_answer_to_a_conversation_that_is_over_begins_none() {
    let house = House::new(ADA, |_, asked| says(&format!("to {}", asked.last())));
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.plays("sendMessage", Play::status(502));
    house.telegram.writes(bo, bo, "one");
    house.telegram.wait_for_calls("sendMessage", 1);
    house.telegram.writes(bo, bo, "/new");
    house.hears(bo, 2);
    house.telegram.writes(bo, bo, "two");
    house.hears(bo, 3);
    house.asked();
    assert_eq!(house.asked().talk(), "user: two\n");
}
