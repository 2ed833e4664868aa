//! Tokens: made, shown once, told apart, ended.

use std::sync::Arc;

use chimewheel::calendar::Zone;
use chimewheel::runtime::clock::SystemClock;
use chimewheel::spec::Destination;
use chimewheel::surface::admin::Token;
use chimewheel::surface::error::Code;
use chimewheel::surface::http::{Door, serve};
use chimewheel::surface::keys::{Keys as _, Ring};
use chimewheel::surface::mcp::Offer;
use chimewheel::surface::ops::{Caller, Identity};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::isolation::House;

fn ring(house: &House) -> Ring {
    Ring::new(Token::new([7; 32]), house.runtime.as_ref().unwrap().handle())
}

fn make(house: &House, body: Value) -> (String, String) {
    let made = house.ask(&Caller::Admin, "token-new", body).unwrap();
    (made["token"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
}

fn ada(gateway: &str, chat_id: &str) -> Destination {
    Destination { gateway: gateway.into(), chat_id: chat_id.into(), thread: None }
}

#[test]
fn a_token_is_whoever_it_was_made_for() {
    let house = House::open();
    let ring = ring(&house);
    let (agents, _) = make(&house, json!({"agent": "ada", "gateway": "console", "chat_id": "ada-home"}));
    let (admins, _) = make(&house, json!({"admin": true, "label": "backups"}));
    let destination = Some(ada("console", "ada-home"));
    let identity = Identity { agent: "ada".into(), session: None, destination, via: None };
    assert_eq!(ring.caller(&agents), Some(Caller::Agent(Arc::new(identity))));
    assert_eq!(ring.caller(&admins), Some(Caller::Admin));
    assert_eq!(ring.caller(Token::new([7; 32]).header().trim_start_matches("Bearer ")), Some(Caller::Admin));
    let last = agents.chars().last().map(|last| if last == '0' { '1' } else { '0' }).unwrap();
    let other_secret = format!("{}{last}", &agents[..agents.len() - 1]);
    for wrong in ["", "cw_", "cw__", &agents[..40], &other_secret, &format!("{agents}0"), "Bearer"] {
        assert_eq!(ring.caller(wrong), None, "{wrong}");
    }
}

#[test]
fn a_token_ends_when_it_is_revoked_or_expires() {
    let house = House::open();
    let ring = ring(&house);
    let (short, _) = make(&house, json!({"agent": "ada", "expires": "1ms"}));
    let (good, id) = make(&house, json!({"agent": "ada", "expires": "30d"}));
    let list = || house.ask(&Caller::Admin, "token-list", json!({})).unwrap();
    // A millisecond has passed as soon as the clock says so.
    while list()["tokens"][0]["status"] == "good" {}
    assert_eq!(list()["tokens"][0]["status"], "expired");
    assert_eq!(ring.caller(&short), None);
    assert!(ring.caller(&good).is_some());
    let revoked = house.ask(&Caller::Admin, "token-revoke", json!({"id": id})).unwrap();
    assert_eq!((&revoked["status"], &revoked["changed"]), (&json!("revoked"), &json!(true)));
    assert_eq!(ring.caller(&good), None);
    let again = house.ask(&Caller::Admin, "token-revoke", json!({"id": good})).unwrap();
    assert_eq!(again["changed"], false);
    let unknown = house.ask(&Caller::Admin, "token-revoke", json!({"id": "nobodys"})).unwrap_err();
    assert_eq!(unknown.code, Code::NotFound);
}

#[test]
fn the_secret_is_told_once_and_kept_nowhere() {
    let house = House::open();
    let (token, _) = make(&house, json!({"agent": "ada"}));
    let secret = token.rsplit('_').next().unwrap();
    assert_eq!(secret.len(), 64);
    assert!(token.starts_with("cw_"));
    let listed = house.ask(&Caller::Admin, "token-list", json!({})).unwrap();
    assert!(!listed.to_string().contains(secret));
    let rows = format!("{:?}", house.runtime.as_ref().unwrap().handle().reader().grants().unwrap());
    assert!(!rows.contains(secret), "{rows}");
    let (other, _) = make(&house, json!({"agent": "ada"}));
    assert_ne!(token, other);
}

#[test]
fn what_a_token_is_for_is_judged_at_once() {
    let house = House::open();
    let body = json!({"label": " ", "gateway": "telegram", "expires": "soon"});
    let error = house.ask(&Caller::Admin, "token-new", body).unwrap_err();
    let paths: Vec<&str> = error.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["", "label", "gateway", "expires"], "{error}");
    let body = json!({"agent": "ada", "gateway": "telegram", "chat_id": "1"});
    let error = house.ask(&Caller::Admin, "token-new", body).unwrap_err();
    assert_eq!(error.problems[0].message, "is not configured");
    for (name, body) in
        [("token-new", json!({"admin": true})), ("token-list", json!({})), ("token-revoke", json!({"id": "x"}))]
    {
        let error = house.ask(&Caller::agent("ada"), name, body).unwrap_err();
        assert_eq!(error.code, Code::Forbidden, "{name}");
    }
}

/// The status and the body of `POST /v1/ops/list` with these headers.
async fn list(address: std::net::SocketAddr, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /v1/ops/list HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}content-length: \
         2\r\nconnection: close\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

#[test]
fn the_door_lets_an_agent_in_as_itself_only() {
    let house = House::open();
    for agent in ["ada", "bob"] {
        let schedule = json!({"id": agent, "schedule": {"every": "1h"}, "payload": {"message": "tick"}});
        house.ask(&Caller::agent(agent), "add", json!({"schedule": schedule})).unwrap();
    }
    let (token, _) = make(&house, json!({"agent": "ada", "gateway": "console", "chat_id": "ada-home"}));
    let keys = Arc::new(ring(&house));
    let health = Arc::new(|| chimewheel::runtime::watchdog::Health::Well);
    let offer = Offer { toolbox: Arc::default(), clock: Arc::new(SystemClock), zone: Zone::UTC };
    let door =
        Door { operations: Arc::new(house.local.clone()), keys, health, offer, meter: Arc::default(), ears: None };
    house.tokio.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, door, std::future::pending()));
        let bearer = format!("authorization: Bearer {token}\r\n");
        let (status, body) = list(address, &bearer).await;
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("\"id\":\"ada\"") && !body.contains("bob"), "{body}");
        for (said, expected) in [
            ("agent=ada&session=s1", 200),
            ("agent=ada&gateway=console&chat_id=ada-home", 200),
            ("agent=bob", 403),
            ("agent=ada&gateway=console&chat_id=bobs", 403),
            ("agents=ada", 400),
        ] {
            let (status, body) = list(address, &format!("{bearer}chimewheel-caller: {said}\r\n")).await;
            assert_eq!(status, expected, "{said}: {body}");
        }
        let (status, body) = list(address, "authorization: Bearer cw_0_0\r\n").await;
        assert_eq!(status, 401);
        assert!(body.contains("www-authenticate: Bearer\r\n") && !body.contains("cw_0_0"), "{body}");
        serving.abort();
    });
}
