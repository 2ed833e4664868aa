//! The real daemon and a stand-in of model endpoints that others wrote: it answers only what it has a fixture for, keeps
//! a journal, and plays trouble when it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::house::{ADA, House};

/// The server, ended with the test.
struct Mock {
    process: Child,
    address: String,
}

impl Drop for Mock {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Mock {
    fn start() -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut process = Command::new("node")
            .arg(format!("{root}/target/aimock/node_modules/.bin/llmock"))
            .args(["-p", "0", "--strict", "--validate-on-load", "-f"])
            .arg(format!("{root}/tests/interop/aimock/fixtures.json"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address =
            lines.find_map(|line| Some(line.unwrap().split_once("http://")?.1.to_owned())).expect("it ended");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head =
            format!("{method} {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        write!(stream, "{head}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    /// Trouble from now on; an empty object ends it.
    fn plays(&self, trouble: &Value) {
        let method = if trouble == &json!({}) { "DELETE" } else { "POST" };
        self.ask(method, "/__aimock/chaos", trouble);
    }

    /// What it was asked and how that went: the trouble, or the status.
    fn journal(&self) -> Vec<(String, Value)> {
        let journal = self.ask("GET", "/__aimock/journal?path=/v1/chat/completions", &Value::Null);
        let how = |response: &Value| match response["chaosAction"].as_str() {
            Some(trouble) => trouble.to_owned(),
            None => response["status"].to_string(),
        };
        journal.as_array().unwrap().iter().map(|one| (how(&one["response"]), one.clone())).collect()
    }
}

fn house(mock: &Mock) -> House {
    House::beside(&format!("http://{}/v1", mock.address), ADA)
}

#[test]
#[ignore = "needs the npm package aimock: .ci/interop-aimock"]
fn a_chat_goes_through_two_tools_to_an_answer_and_on() {
    let mock = Mock::start();
    let house = house(&mock);
    let bo = house.telegram.acquaintance("Bo");
    house.telegram.writes(bo, bo, "remind me of tea in 2 hours");
    assert_eq!(house.hears(bo, 1), ["Tea in two hours."]);
    house.telegram.writes(bo, bo, "thanks");
    assert_eq!(house.hears(bo, 2)[1], "You are welcome.");
    let asked: Vec<String> = mock.journal().into_iter().map(|(how, _)| how).collect();
    assert_eq!(asked, ["200", "200", "200"]);
    assert_eq!(house.schedules().len(), 1);
}

/// In each trouble the task is tried again, and done when the trouble is over.
#[test]
#[ignore = "needs the npm package aimock: .ci/interop-aimock"]
fn a_task_outlives_what_its_endpoint_goes_through() {
    let mock = Mock::start();
    let house = house(&mock);
    let bo = house.telegram.acquaintance("Bo");
    let chat = format!("--chat-id={bo}");
    let troubles = ["rateLimit", "drop", "disconnect", "malformed"];
    for (number, trouble) in troubles.into_iter().enumerate() {
        mock.plays(&json!({format!("{trouble}Rate"): 1}));
        let task =
            ["add", "--id", trouble, "--agent", "ada", "--in", "1ms", "--task", "sum up", "--max-attempts", "50"];
        let retry = ["--backoff-min", "100ms", "--backoff-max", "200ms", "--gateway", "telegram", &chat];
        house.json(&[&task[..], &retry[..]].concat());
        while !mock.journal().iter().any(|(how, _)| how == trouble) {}
        mock.plays(&json!({}));
        assert_eq!(house.hears(bo, number + 1).pop().unwrap(), "All is quiet.");
        let run = house.run_of(trouble, "delivered");
        let told = &run["execution"];
        assert_eq!(told["model"], "tiny/one-2026", "{run}");
        assert_eq!((&told["tokens_in"], &told["tokens_out"]), (&json!(7), &json!(4)), "{run}");
        assert!(told["attempts"].as_u64().unwrap() > 1, "{run}");
    }
    let journal = mock.journal();
    let at = |how: &str| journal.iter().position(|(one, _)| one == how).unwrap();
    let (refused, next) = (&journal[at("rateLimit")].1, &journal[at("rateLimit") + 1].1);
    let waited = next["timestamp"].as_u64().unwrap() - refused["timestamp"].as_u64().unwrap();
    assert!(waited >= 900, "Retry-After: 1 is heeded, not {waited} ms");
}

#[test]
#[ignore = "needs the npm package aimock: .ci/interop-aimock"]
fn a_chat_is_told_that_its_model_has_no_answer() {
    let mock = Mock::start();
    let house = house(&mock);
    let bo = house.telegram.acquaintance("Bo");
    mock.plays(&json!({"latencyMs": 200}));
    house.telegram.writes(bo, bo, "there is no fixture for this");
    let said = house.hears(bo, 1).remove(0);
    assert!(said.starts_with("I could not answer this now: my model did not answer"), "{said}");
    let asked: Vec<String> = mock.journal().into_iter().map(|(how, _)| how).collect();
    assert_eq!(asked, ["503"; 5]);
}
