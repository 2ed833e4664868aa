//! The quick reader of plain lines never says anything but what the reader of all shapes says.

use chimewheel::spec::tree::Node;
use chimewheel::spec::{RawSchedule, read, validate_reading};
use serde_json::{Value, json};

/// A schedule that uses every field of this version.
fn whole() -> Value {
    json!({
        "id": "a", "name": "n", "agent": "me", "created_by_session": "s", "client_token": "t", "paused": false,
        "destination": {"gateway": "console", "chat_id": "1", "thread": "2"},
        "schedule": {"every": "1h", "anchor": "2026-03-01T00:00:00Z", "timezone": "Europe/Berlin"},
        "payload": {"message": "hello"}, "start_at": "2026-02-01T00:00:00Z", "end_at": "2027-02-01 00:00",
        "max_runs": 3, "jitter": "30s", "misfire_policy": "skip", "catchup_window": "1h", "overlap_policy": "skip",
        "retry": {"max_attempts": 3, "max_age": "1h", "backoff_min": "1s", "backoff_max": "1m"},
        "delivery": "at_most_once", "pause_after_failures": 4, "session": "conversation",
        "labels": {"team": "core"}, "vars": {"who": {"deep": [1, 2.5, null]}}, "except": ["SAT,SUN"],
    })
}

fn odd() -> Vec<Value> {
    vec![
        json!(null),
        json!(""),
        json!(" "),
        json!("x"),
        json!(0),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(true),
        json!([]),
        json!(["console", "1"]),
        json!([null]),
        json!({}),
        json!({"message": null}),
        json!({"x": 1}),
        json!({"every": "1h"}),
        json!({"at": {"at": "2026-05-01T00:00:00Z"}}),
        json!({"every": {"every_seconds": 30}}),
        json!({"cron": "0 9 * * *", "timezone": ""}),
        json!({"cron": {"expr": "0 9 * * *", "tz": "UTC"}}),
        json!({"in": "2h", "at": null}),
        json!({"message": {"message": "m"}}),
        json!({"message": "m", "task": null}),
        json!({"gateway": "console", "chat_id": 5}),
        json!({"gateway": null, "chat_id": null}),
        json!("console_1"),
        json!({"max_attempts": "3"}),
        json!({"max_retries": 2}),
        json!({"a": 1}),
        json!({"a": "b"}),
    ]
}

/// Whether it is plain; and if it is, that both readers judge alike.
fn is_plain(line: &str) -> bool {
    let Some(raw) = RawSchedule::read_plain(line) else { return false };
    let Ok(plain) = validate_reading(&raw.into(), &super::context()) else { return false };
    let tree = Node::from_json(&serde_json::from_str(line).unwrap());
    assert_eq!(Ok(plain), validate_reading(&read(&tree, ""), &super::context()), "{line}");
    true
}

#[test]
fn a_plain_line_reads_as_every_other_shape_does() {
    assert!(is_plain(&whole().to_string()));
    let mut plain = 0;
    for key in whole().as_object().unwrap().keys() {
        for value in odd() {
            let mut line = whole();
            line[key] = value.clone();
            plain += usize::from(is_plain(&line.to_string()));
            let Value::Object(part) = &whole()[key] else { continue };
            for inner in part.keys() {
                let mut line = whole();
                line[key][inner] = value.clone();
                plain += usize::from(is_plain(&line.to_string()));
            }
        }
    }
    // Not so few that the quick reader would be of no use, not so many that nothing was odd.
    assert!((50..400).contains(&plain), "{plain}");
}

#[test]
fn what_is_not_plain_is_left_to_the_other_reader() {
    let tail = r#""schedule": {"every": "1h"}, "payload": {"message": "x"}}"#;
    assert!(is_plain(&format!("{{{tail}")));
    for line in [
        format!(r#"{{"id": "a", "id": "b", {tail}"#),
        format!(r#"{{"destination": ["console", "1"], {tail}"#),
        format!("[{{{tail}]"),
        format!("{{{tail} more"),
        r#"["a", "name", "agent"]"#.to_owned(),
        "null".to_owned(),
        String::new(),
    ] {
        assert!(RawSchedule::read_plain(&line).is_none(), "{line}");
    }
}
