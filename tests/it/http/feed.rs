//! The live feed: what it tells, whom, and from where.

use serde_json::json;

use super::house::{House, Message};

fn create(house: &House, agent: &str, id: &str) {
    let body = json!({"id": id, "schedule": {"every": "1h"}, "payload": {"message": "x"}}).to_string();
    let headers = format!("content-type: application/json\r\nchimewheel-caller: agent={agent}\r\n");
    assert_eq!(house.ask_with("POST", "/v1/schedules", &headers, &body).status, 201);
}

fn words(messages: &[Message]) -> Vec<String> {
    let word = |message: &Message| {
        let is_run = message.name == "run";
        let of = message.data.get(if is_run { "schedule" } else { "id" });
        let how = message.data.get(if is_run { "outcome" } else { "status" });
        let text =
            |value: Option<&serde_json::Value>| value.and_then(|value| value.as_str()).unwrap_or("").to_owned();
        format!("{} {} {}", message.name, text(of), text(how))
    };
    messages.iter().map(word).collect()
}

#[test]
fn a_reader_hears_what_happens_and_takes_the_feed_up_again_after_a_restart() {
    let house = House::open();
    let ready = house.feed("", 1).remove(0);
    assert_eq!(ready.name, "ready");
    create(&house, "ada", "a");
    house.ask("POST", "/v1/schedules/a/run", "");
    house.ask("POST", "/v1/schedules/a/pause", "");
    create(&house, "bob", "b");
    let heard = house.feed(&format!("last-event-id: {}\r\n", ready.id), 4);
    assert_eq!(words(&heard), ["schedule a active", "run a silent", "schedule a paused", "schedule b active"]);
    let folder = std::sync::Arc::clone(&house.folder);
    drop(house);
    let house = House::again(folder);
    house.ask("DELETE", "/v1/schedules/b", "");
    let heard = house.feed(&format!("last-event-id: {}\r\n", heard[1].id), 3);
    assert_eq!(words(&heard), ["schedule a paused", "schedule b active", "schedule b cancelled"]);
}

#[test]
fn an_agent_hears_of_its_own_only() {
    let house = House::open();
    for number in 0..3 {
        create(&house, "ada", &format!("a{number}"));
        create(&house, "bob", &format!("b{number}"));
    }
    let heard = house.feed("chimewheel-caller: agent=bob\r\nlast-event-id: 0\r\n", 3);
    assert_eq!(words(&heard), ["schedule b0 active", "schedule b1 active", "schedule b2 active"]);
}

#[test]
fn a_feed_ends_with_the_token_it_was_asked_with() {
    let house = House::open();
    let made = house.ask("POST", "/v1/ops/token-new", r#"{"agent": "ada"}"#).json();
    let (token, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    let mut stream = std::net::TcpStream::connect(house.address).unwrap();
    let text = format!("GET /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n");
    std::io::Write::write_all(&mut stream, format!("{text}connection: close\r\n\r\n").as_bytes()).unwrap();
    std::io::Read::read_exact(&mut stream, &mut [0; 12]).unwrap();
    house.ask("POST", "/v1/ops/token-revoke", &json!({"id": id}).to_string());
    create(&house, "ada", "a");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stream, &mut rest).unwrap();
    assert!(rest.contains("event: ready") && !rest.contains("event: schedule"), "{rest}");
}

#[test]
fn a_cursor_that_nobody_knows_any_more_is_told_so() {
    let house = House::open();
    create(&house, "ada", "a");
    let heard = house.feed("last-event-id: 99999\r\n", 1);
    assert_eq!((heard[0].name.as_str(), heard[0].id.as_str()), ("reset", "1"));
}

#[test]
fn readers_do_not_keep_the_house_from_ending() {
    let house = House::open();
    let text = "GET /v1/events HTTP/1.1\r\nhost: localhost\r\n";
    let token = chimewheel::surface::admin::Token::new(super::TOKEN).header();
    let mut stream = std::net::TcpStream::connect(house.address).unwrap();
    std::io::Write::write_all(&mut stream, format!("{text}authorization: {token}\r\n\r\n").as_bytes()).unwrap();
    std::io::Read::read_exact(&mut stream, &mut [0; 12]).unwrap();
    drop(house);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stream, &mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "the answer ends in order: {rest}");
}
