//! Tools and MCP over HTTP, by the same door as everything else.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use chimewheel::limits;
use chimewheel::runtime::watchdog::Health;
use chimewheel::surface::admin::Token;
use chimewheel::surface::http::{Door, serve};
use expect_test::expect_file;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{House, without_ids};

const TOKEN: [u8; 32] = [9; 32];
const ADA: &str = "chimewheel-caller: agent=ada&gateway=telegram&chat_id=42";

fn open(house: &House) -> SocketAddr {
    let listener = house.tokio.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door {
        meter: Arc::default(),
        ears: None,
        operations: house.operations.clone(),
        keys: Arc::new(Token::new(TOKEN)),
        health: Arc::new(|| Health::Well),
        offer: house.offer(),
    };
    house.tokio.spawn(serve(listener, door, std::future::pending()));
    address
}

/// Sends a request with the token and gives back the whole answer.
fn ask(address: SocketAddr, line: &str, headers: &[&str], body: &Value) -> String {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut request = format!("{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for header in headers.iter().copied().chain([format!("authorization: {}", Token::new(TOKEN).header()).as_str()]) {
        request.push_str(&format!("{header}\r\n"));
    }
    request.push_str("content-type: application/json\r\n");
    if !headers.iter().any(|header| header.starts_with("content-length")) {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str(&format!("\r\n{body}"));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The status and the body of an answer.
fn read(answer: &str) -> (&str, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().strip_prefix("HTTP/1.1 ").unwrap(), serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn tools_are_listed_and_used_by_post() {
    let house = House::open();
    let address = open(&house);
    let mut written = String::new();
    let book = json!({"in": "2h", "message": "tea", "name": "tea"});
    for (line, headers, body) in [
        ("POST /v1/tools/schedule_task", &[ADA][..], book),
        ("POST /v1/tools/schedule_list", &[ADA], json!({})),
        ("POST /v1/tools/schedule_list", &[ADA], Value::Null),
        ("POST /v1/tools/schedule_list", &["chimewheel-caller: agent=bob"], json!({})),
        ("POST /v1/tools/schedule_task", &[ADA], json!({})),
        ("POST /v1/tools/schedule_tusk", &[ADA], json!({})),
        ("POST /v1/tools/%ff", &[ADA], json!({})),
        ("POST /v1/tools/schedule_list", &["chimewheel-caller: agent="], json!({})),
        ("GET /v1/tools?format=opnai", &[], Value::Null),
        ("GET /v1/tools?form=openai", &[], Value::Null),
        ("DELETE /v1/tools", &[], Value::Null),
    ] {
        let answer = ask(address, line, headers, &body);
        let (status, answer) = read(&answer);
        written.push_str(&format!("> {line} {body}\n{status}\n{}\n\n", without_ids(&format!("{answer:#}"))));
    }
    expect_file!["../../data/transcripts/door.txt"].assert_eq(&written);
    for (form, place) in
        [("", "/tools/0/name"), ("?format=openai", "/0/function/name"), ("?format=anthropic", "/0/name")]
    {
        let answer = ask(address, &format!("GET /v1/tools{form}"), &[], &Value::Null);
        let (status, answer) = read(&answer);
        assert_eq!((status, answer.pointer(place)), ("200 OK", Some(&json!("schedule_task"))), "{form}");
    }
}

/// The JSON of a stream's last message.
fn message(answer: &str) -> Value {
    let mut data = answer.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| data.starts_with('{'));
    serde_json::from_str(data.next_back().unwrap_or_else(|| panic!("{answer}"))).unwrap()
}

#[test]
fn only_so_many_sessions_are_open_and_one_that_ends_makes_room() {
    let house = House::open();
    let address = open(&house);
    let accept = "accept: application/json, text/event-stream";
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
    }});
    let begin = || ask(address, "POST /mcp", &[accept, ADA], &hello);
    let first = begin();
    let session = first.lines().find(|line| line.starts_with("mcp-session-id")).unwrap().trim();
    for _ in 1..limits::MCP_SESSIONS_COUNT_MAX {
        assert!(begin().starts_with("HTTP/1.1 200"));
    }
    let (full, told) =
        (begin(), "1000 sessions are open; end some by DELETE, or wait: silent ones end by themselves");
    let (status, body) = read(&full);
    assert_eq!((status, &body["detail"]), ("503 Service Unavailable", &json!(told)));
    let version = "mcp-protocol-version: 2025-11-25";
    assert!(ask(address, "DELETE /mcp", &[accept, ADA, session, version], &Value::Null).starts_with("HTTP/1.1 2"));
    assert!(begin().starts_with("HTTP/1.1 200"));
}

#[test]
fn mcp_is_behind_the_same_door() {
    let house = House::open();
    let address = open(&house);
    let accept = "accept: application/json, text/event-stream";
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
    }});
    let foreign = ask(address, "POST /mcp", &[accept, "origin: http://evil.example"], &hello);
    assert_eq!(read(&foreign).0, "403 Forbidden");
    let stranger = ask(address, "POST /mcp", &[accept, "authorization: Bearer no"], &hello);
    assert_eq!(read(&stranger).0, "401 Unauthorized");
    // Refused before anything of it is read.
    let long = format!("content-length: {}", limits::REQUEST_BYTES_MAX + 1);
    assert_eq!(read(&ask(address, "POST /mcp", &[accept, ADA, &long], &Value::Null)).0, "413 Payload Too Large");
    let answer = ask(address, "POST /mcp", &[accept, ADA], &hello);
    let told = message(&answer);
    assert_eq!(told["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(told["result"]["serverInfo"]["name"], "chimewheel");
    assert!(told["result"]["instructions"].as_str().unwrap().contains("2026-01-30T14:00:00Z"), "{told}");
    let session = answer.lines().find(|line| line.starts_with("mcp-session-id")).unwrap().trim();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(read(&ask(address, "POST /mcp", &[accept, ADA, session], &ready)).0, "202 Accepted");
    // Who asks is said by each request, not by the one that began the session.
    for (caller, expected) in [(ADA, "Created one-shot schedule: tea"), ("chimewheel-caller: agent=bob", "Created")] {
        let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "schedule_task", "arguments": {"id": expected.split(' ').next_back(), "in": "2h", "message": "x"},
        }});
        let told = message(&ask(address, "POST /mcp", &[accept, caller, session], &call));
        let text = told["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{told}"));
        assert!(text.starts_with(expected), "{text}");
    }
    let owner = house.call("schedule_list", json!({}));
    assert_eq!(owner.structured["schedules"].as_array().unwrap().len(), 1, "{}", owner.whole());
}
