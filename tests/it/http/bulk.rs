//! Many schedules in one request: every line accounted for, and what was told survives a kill.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::house::House;

const LINES: &str = "content-type: application/jsonl\r\n";

fn line(id: &str) -> String {
    json!({"id": id, "schedule": {"every": "24h"}, "payload": {"message": id}}).to_string()
}

fn bulk(house: &House, query: &str, lines: &[String]) -> Vec<Value> {
    let answer = house.ask_with("POST", &format!("/v1/schedules:bulk{query}"), LINES, &lines.join("\n"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/jsonl")), "{answer:?}");
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_line_is_accounted_for() {
    let house = House::open();
    let mut lines: Vec<String> = (0..9000).map(|number| line(&format!("s{number}"))).collect();
    let told = bulk(&house, "", &lines);
    let progress: Vec<&Value> = told.iter().map(|told| &told["lines"]).collect();
    assert_eq!(progress, [4000, 8000, 9000, 9000]);
    assert_eq!(told[3], json!({"created": 9000, "existing": 0, "wrong": 0, "lines": 9000, "done": true}));
    // Sent again, with a wrong line in the second piece: what is there is left alone, the rest of the piece not made.
    lines[5000] = r#"{"id": "new", "schedule": {"every": "1"}}"#.to_owned();
    lines[5001] = line("another");
    let told = bulk(&house, "", &lines);
    assert_eq!(told[1]["line"], 5001, "{told:?}");
    let last = told.last().unwrap();
    assert_eq!((&last["done"], &last["created"], &last["wrong"]), (&json!(false), &json!(0), &json!(1)), "{told:?}");
    assert_eq!(house.ask("GET", "/v1/schedules/another", "").status, 404);
    let told = bulk(&house, "?skip_bad=true", &lines);
    let last = json!({"created": 1, "existing": 8998, "wrong": 1, "lines": 9000, "done": true});
    assert_eq!(told.last(), Some(&last));
    let told = bulk(&house, "?check=true", &[line("x"), "nonsense".to_owned()]);
    assert_eq!(told.last().unwrap()["created"], 0);
    assert_eq!(house.ask("GET", "/v1/schedules/x", "").status, 404);
    let exported = house.ask("GET", "/v1/export", "").body;
    assert_eq!(exported.lines().count(), 9001);
    let other = House::open();
    let lines: Vec<String> = exported.lines().map(str::to_owned).collect();
    assert_eq!(bulk(&other, "", &lines).last().unwrap()["created"], 9001);
    assert_eq!(other.ask("GET", "/v1/export", "").body, exported, "what is exported makes the same again");
}

#[test]
fn lines_that_start_others_may_come_in_any_order() {
    let house = House::open();
    let after = |id: &str, first: &str| json!({"id": id, "after": first, "payload": {"message": id}}).to_string();
    let lines = [after("last", "middle"), after("middle", "first"), line("first")];
    let told = bulk(&house, "?check=true", &lines);
    assert_eq!(told.last().unwrap()["wrong"], 0, "{told:?}");
    assert_eq!(bulk(&house, "", &lines).last().unwrap()["created"], 3);
    // As they may be exported, too.
    let exported = house.ask("GET", "/v1/export", "").body;
    let exported: Vec<String> = exported.lines().rev().map(str::to_owned).collect();
    assert_eq!(bulk(&House::open(), "", &exported).last().unwrap()["created"], 3);
    // What cannot wait for whom it names keeps its piece out.
    let lines = [line("other"), after("a", "nobody"), after("b", "c"), after("c", "b")];
    let told = bulk(&house, "", &lines);
    let paths: Vec<&Value> = told.iter().filter_map(|told| told["problem"].get("path")).collect();
    assert_eq!((paths, told[0]["line"].clone()), (vec![&json!("after.schedule"); 3], json!(2)), "{told:?}");
    let last = told.last().unwrap();
    assert_eq!((&last["created"], &last["wrong"]), (&json!(0), &json!(3)), "{told:?}");
    assert!(last["detail"].as_str().unwrap().contains("nothing of their piece was created"), "{last}");
    assert_eq!(house.ask("GET", "/v1/schedules/other", "").status, 404);
    // A row that is too long shows only when it is made.
    let mut row: Vec<String> = (0..32).map(|n| after(&format!("r{}", n + 1), &format!("r{n}"))).collect();
    row.push(line("r0"));
    let told = bulk(&house, "", &row);
    let last = told.last().unwrap();
    assert_eq!((&last["created"], &last["wrong"]), (&json!(32), &json!(1)), "{told:?}");
    assert!(last["detail"].as_str().unwrap().contains("the others of their piece were"), "{last}");
}

#[test]
fn a_kill_after_the_acknowledgement_loses_nothing() {
    survive_a_kill(10_000, None);
}

#[test]
fn a_kill_in_the_middle_loses_nothing_that_was_told() {
    survive_a_kill(20_000, Some(2));
}

#[test]
#[ignore = "takes half a minute: a hundred thousand schedules over HTTP"]
fn a_hundred_thousand_survive_a_kill() {
    survive_a_kill(100_000, None);
}

/// Sends a bulk to the real program, kills it after so many lines of the answer (or the last), and counts.
fn survive_a_kill(count: usize, lines: Option<usize>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, address, token) = serve(folder.path());
    let body: String = (0..count).map(|number| line(&format!("s{number}")) + "\n").collect();
    let head = format!(
        "POST /v1/schedules:bulk HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{LINES}\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let stream = TcpStream::connect(&address).unwrap();
    let mut writer = stream.try_clone().unwrap();
    // A process that is killed takes no more of it.
    let sending = std::thread::spawn(move || {
        let _ = writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(body.as_bytes()));
    });
    let told = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str::<Value>(&line).ok().filter(|told| told.get("created").is_some()));
    let mut seen = 0;
    let mut created = 0;
    for told in told {
        seen += 1;
        created = told["created"].as_u64().unwrap();
        if lines == Some(seen) || told.get("done").is_some() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    sending.join().unwrap();
    assert!(created > 0 && (lines.is_some() || created == count as u64), "{created}");
    let (mut child, address, token) = serve(folder.path());
    let mut stream = TcpStream::connect(&address).unwrap();
    let ask = "GET /v1/export HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    stream.write_all(format!("{ask}authorization: Bearer {token}\r\n\r\n").as_bytes()).unwrap();
    let mut exported = String::new();
    stream.read_to_string(&mut exported).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let declared = exported.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ids: HashSet<String> = declared.filter_map(|declared| Some(declared["id"].as_str()?.to_owned())).collect();
    for number in 0..created {
        assert!(ids.contains(&format!("s{number}")), "s{number} of {created} is lost");
    }
}

/// The program in a folder: the process, where it listens, and the token.
fn serve(folder: &Path) -> (Child, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chimewheel"))
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = log.find(|line| line.contains("serves on http://")).expect("it says where it listens");
    let address = line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    // Its log must have somewhere to go.
    std::thread::spawn(move || log.for_each(drop));
    let token = std::fs::read_to_string(folder.join(".chimewheel/admin.token")).unwrap();
    (child, address, token)
}
