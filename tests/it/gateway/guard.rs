//! Where a webhook may go: nowhere that only this machine or its network can reach, unless its config says so.

use std::sync::Arc;

use chimewheel::config;
use chimewheel::gateway::{Gateway, Secrets, SendError, webhook};
use chimewheel::time::Span;

use super::conformance::{delivery, send};

fn open(url: &str, allow_private: bool) -> Result<Arc<dyn Gateway>, String> {
    let config = config::Webhook {
        url: url.to_owned(),
        secrets: Vec::new(),
        token: None,
        allow_private,
        timeout: Span::from_millis(200),
    };
    webhook::open(&config, &Secrets::default())
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

#[test]
fn an_address_inside_is_refused_in_every_spelling() {
    let inside = [
        "0.0.0.0",
        "127.0.0.1",
        "127.9.9.9",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[fc00::1]",
        "[fd12:3456::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[2001:0:1::1]",
        "[100::1]",
        "[4000::1]",
    ];
    for host in inside {
        let refused = open(&format!("http://{host}:8080/hook"), false).err();
        let refused = refused.unwrap_or_else(|| panic!("{host} was let through"));
        assert!(refused.contains("allow_private = true"), "{refused}");
        assert!(open(&format!("http://{host}/"), true).is_ok(), "{host} is allowed when that is said");
    }
    for host in
        ["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "[2606:4700::1111]", "[2002:808:808::]"]
    {
        assert!(open(&format!("http://{host}/"), false).is_ok(), "{host}");
    }
}

#[test]
fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
    let gateway = open("http://localhost:9/hook", false).unwrap();
    let answers = send(&gateway, vec![delivery("x")]);
    let [Err(SendError::Permanent { error })] = &answers[..] else { panic!("{answers:?}") };
    assert!(error.starts_with("localhost (") && error.contains("loopback"), "{error}");
}

#[test]
fn a_name_that_leads_nowhere_is_tried_again() {
    let gateway = open("http://nobody.invalid/hook", false).unwrap();
    let answers = send(&gateway, vec![delivery("x")]);
    assert!(matches!(&answers[..], [Err(SendError::Unreachable { .. })]), "{answers:?}");
}
