//! What a conversation may cost: each question to its model is paid for by itself.

use super::house::{ADA, House, calls, plain, says};

const TOO_DEAR: &str =
    "I could not answer this: what my model may cost today is used up. Please write again tomorrow.";

/// A model whose answers cost 10 each, and may cost 100; its agent has 125 a day.
fn house() -> House {
    let prices = "price_out = 1_000_000\nmax_tokens = 100\n";
    let quota = "[agents.ada.quota]\ncost_per_day = 125\n";
    House::new(&format!("{prices}{}", ADA.replace("[[routes]]", &format!("{quota}[[routes]]"))), |_, asked| {
        match asked.written().contains("look") {
            true => calls(&[("schedule_list", "{}")]),
            false => says("fine"),
        }
    })
}

#[test]
fn a_conversation_costs_no_more_than_it_may_and_whoever_writes_is_told_once() {
    let house = house();
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "look again and again");
    assert_eq!(house.hears(bo, 1), [TOO_DEAR]);
    for _ in 0..3 {
        assert_eq!(house.asked().0["max_tokens"], 100);
    }
    assert!(house.model.poll().is_none(), "the fourth question could have cost more than is left");
    assert_eq!(house.json(&["costs"])["total"]["cost_micros"], 30_000_000);
    house.telegram.writes(bo, bo, "and now?");
    assert_eq!(house.hears(bo, 2), [TOO_DEAR; 2], "and nobody speaks of schedules");
    assert!(house.model.poll().is_none());
    assert!(house.log().contains("a message was not answered: agent 'ada' may spend 125 a day"), "{}", house.log());

    // A schedule of the same agent has an owner who is told more.
    let chat = format!("--chat-id={bo}");
    let add = ["add", "--id", "news", "--agent", "ada", "--in", "1ms", "--task", "sum up", "--gateway", "telegram"];
    house.json(&[&add[..], &[&chat]].concat());
    let told = house.hears(bo, 3).remove(2);
    assert!(plain(&told).starts_with("Schedule 'news' was not run, for its budget: agent 'ada' may spend"), "{told}");
}
