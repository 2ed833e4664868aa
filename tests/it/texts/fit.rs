//! Texts that a run made, cut for where they go.

use std::sync::Arc;

use chimewheel::engine::{Outgoing, RunEnd};
use chimewheel::gateway::TextLimit;
use chimewheel::runtime::shaping::Reach;
use chimewheel::spec::tree::Node;
use chimewheel::spec::{Context, Destination, Schedule, read, validate_reading};
use chimewheel::time::Timestamp;
use serde_json::json;

fn schedule(gateway: &str) -> Arc<Schedule> {
    let declared = json!({"schedule": {"in": "1h"}, "payload": {"task": "x"}, "model": "echo/x",
        "destination": {"gateway": gateway, "chat_id": "1"}});
    let gateways = ["narrow".to_owned(), "wide".to_owned()];
    let routing =
        chimewheel::config::Routing { providers: ["echo".to_owned()].into(), ..chimewheel::config::Routing::new() };
    let now = Timestamp::parse_rfc3339("2026-11-23T08:00:00Z").unwrap();
    let context = Context { gateways: &gateways, routing: &routing, ..Context::new(now) };
    Arc::new(validate_reading(&read(&Node::from_json(&declared), ""), &context).unwrap().schedule)
}

/// What becomes of texts, each with the gateway that it names, if it names one: the texts, and where they go.
fn fitted(own: &str, texts: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    let limits = [("narrow", TextLimit::Chars(64)), ("wide", TextLimit::None)];
    let gateways = limits.into_iter().map(|(name, limit)| (name.to_owned(), limit)).collect();
    let reach = Reach { gateways, ..Reach::default() };
    let place = |gateway: &str| Destination { gateway: gateway.to_owned(), chat_id: "7".to_owned(), thread: None };
    let texts = texts.iter().map(|(text, to)| Outgoing { text: (*text).into(), to: to.map(place) }).collect();
    let (end, _) = reach.fitted(&schedule(own), (RunEnd::Composed { texts }, None));
    let RunEnd::Composed { texts, .. } = end else { panic!("{end:?}") };
    texts.into_iter().map(|one| (one.text.to_string(), one.to.map(|to| to.gateway))).collect()
}

#[test]
fn a_text_is_cut_for_the_gateway_that_it_goes_to() {
    let long = "words ".repeat(20);
    let part = |count: usize, number: u8| format!("{}\n\n({number}/3)", "words ".repeat(count).trim_end());
    let to = |gateway: &str| Some(gateway.to_owned());
    assert_eq!(fitted("narrow", &[(&long, None)]), [(part(9, 1), None), (part(9, 2), None), (part(2, 3), None)]);
    assert_eq!(fitted("wide", &[(&long, None)]), [(long.clone(), None)]);
    assert_eq!(
        fitted("wide", &[("x", None), (&long, Some("narrow")), ("y", Some("narrow"))]),
        [
            ("x".to_owned(), None),
            (part(9, 1), to("narrow")),
            (part(9, 2), to("narrow")),
            (part(2, 3), to("narrow")),
            ("y".to_owned(), to("narrow"))
        ]
    );
    // What its gateway will refuse, or what no gateway is there for any more, is not lost here.
    assert_eq!(fitted("narrow", &[(" ", None)]), [(" ".to_owned(), None)]);
    let endless = "x".repeat(64 * 1000);
    assert_eq!(fitted("narrow", &[(&endless, None)]), [(endless.clone(), None)]);
    assert_eq!(fitted("narrow", &[(&long, Some("gone"))]), [(long.clone(), to("gone"))]);
}

#[test]
fn other_ends_stay_as_they_are() {
    let end = (RunEnd::Gated { reason: "no".to_owned() }, None);
    assert_eq!(Reach::default().fitted(&schedule("narrow"), end.clone()), end);
}
