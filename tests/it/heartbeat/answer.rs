//! Which answers of a heartbeat are silent: what counts as the word, and what is left where it is cut off.

use chimewheel::runtime::heartbeat::{Acknowledged, acknowledged};
use proptest::prelude::*;

fn reason(answer: &str) -> String {
    match acknowledged(answer) {
        Some(Acknowledged::Nothing(reason)) => reason,
        other => panic!("{answer:?}: {other:?}"),
    }
}

#[test]
fn the_word_alone_is_silent_however_it_is_marked_up() {
    for answer in [
        "HEARTBEAT_OK",
        " \n\tHEARTBEAT_OK\r\n",
        "HEARTBEAT_OK.",
        "HEARTBEAT_OK!!!",
        "**HEARTBEAT_OK**",
        "***HEARTBEAT_OK.***",
        "_HEARTBEAT_OK_",
        "__HEARTBEAT_OK__",
        "`HEARTBEAT_OK`",
        "\"HEARTBEAT_OK\"",
        "“HEARTBEAT_OK”",
        r"HEARTBEAT\_OK",
        r"**HEARTBEAT\_OK**",
        "~~HEARTBEAT_OK~~",
        "# HEARTBEAT_OK",
        "> HEARTBEAT_OK",
        "<b>HEARTBEAT_OK</b>",
        "<p><strong>HEARTBEAT_OK</strong></p>",
        "HEARTBEAT_OK<br/>",
        "```\nHEARTBEAT_OK\n```",
        "```text\nHEARTBEAT_OK\n```",
        "HEARTBEAT_OK HEARTBEAT_OK",
        "**HEARTBEAT_OK**\n\nHEARTBEAT_OK.",
    ] {
        assert_eq!(reason(answer), "HEARTBEAT_OK", "{answer:?}");
    }
}

#[test]
fn a_short_rest_is_silent_and_recorded() {
    for (answer, told) in [
        ("HEARTBEAT_OK nothing new", "nothing new"),
        ("HEARTBEAT_OK: two mails,\n  none urgent.", "two mails, none urgent"),
        ("All quiet.\n\n**HEARTBEAT_OK**", "All quiet"),
        ("**HEARTBEAT_OK** – *all* quiet", "– *all* quiet"),
        ("No mail. HEARTBEAT_OK.", "No mail"),
        ("Nichts Neues: HEARTBEAT_OK", "Nichts Neues"),
        ("HEARTBEAT_OK\nquiet\nHEARTBEAT_OK", "quiet"),
        ("(HEARTBEAT_OK", "("),
    ] {
        assert_eq!(reason(answer), format!("HEARTBEAT_OK: {told}"), "{answer:?}");
    }
}

#[test]
fn without_the_word_at_an_end_everything_is_sent() {
    for answer in [
        "",
        "Two mails are urgent.",
        "I would say HEARTBEAT_OK, but two mails are urgent.",
        "HEARTBEAT_OKAY",
        "HEARTBEAT_OK2",
        "HEARTBEAT_OK_NOT",
        "NOT_HEARTBEAT_OK",
        "MYHEARTBEAT_OK",
        "heartbeat_ok",
        "HEARTBEAT OK",
        "HEARTBEAT",
        "{\"status\": \"HEARTBEAT_OK\"}",
    ] {
        assert_eq!(acknowledged(answer), None, "{answer:?}");
    }
}

#[test]
fn a_long_rest_is_sent_without_the_word() {
    let long = |count: usize| "ä".repeat(count);
    assert!(reason(&format!("HEARTBEAT_OK {}", long(299))).len() > 299);
    for count in [300, 5000] {
        let text = format!("## Report\n\n- {}", long(count));
        for answer in [
            format!("**HEARTBEAT_OK**\n\n{text}"),
            format!("{text}\n\n`HEARTBEAT_OK`."),
            format!("HEARTBEAT_OK\n{text}\nHEARTBEAT_OK"),
        ] {
            assert_eq!(acknowledged(&answer), Some(Acknowledged::Rest(text.clone())), "{answer:?}");
        }
    }
    let exact = format!("{} HEARTBEAT_OK", long(300));
    assert_eq!(acknowledged(&exact), Some(Acknowledged::Rest(long(300))));
}

proptest! {
    #[test]
    fn no_answer_panics_and_none_is_sent_with_the_word_at_an_end(parts in prop::collection::vec("(HEARTBEAT_OK|HEARTBEAT\\\\_OK|[*_`~ \n<>/b.]{1,3}|\\PC{0,4}|a{150})", 0..12)) {
        let answer = parts.concat();
        match acknowledged(&answer) {
            Some(Acknowledged::Rest(rest)) => {
                prop_assert!(rest.chars().count() > 299);
                prop_assert_eq!(acknowledged(&rest), None);
            }
            Some(Acknowledged::Nothing(reason)) => prop_assert!(reason.starts_with("HEARTBEAT_OK")),
            None => {}
        }
    }
}
