//! Dead letters that are tried again while the daemon is killed: each is dead, or tried again, and never both or neither.
//!
//! A webhook refuses everything for good, and later takes everything. What comes then is what came before, byte by byte
//! and under the same key; a copy that was taken comes again only across a kill.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chimewheel::engine::change::{Outcome, Phase};
use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::store::{LetterFilter, Options, Store};
use chimewheel::time::Span;
use serde_json::Value;

use crate::kill_webhook::{chance, configure, import, is_done, run, serve};
use crate::standin::{Play, Received, Standin};

const SCHEDULES: usize = 200;
/// Requests from one kill to the next, at the most.
const PATIENCE: usize = 60;
/// How often the daemon is asked whether it is done, before the test is given up.
const LOOKS: usize = 2000;

#[test]
fn two_hundred_dead_letters_reach_a_webhook_through_kills() {
    let folder = tempfile::tempdir().unwrap();
    let takes = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&takes);
    let receiver = Standin::start(move |_| Play::status(if is_open.load(Ordering::SeqCst) { 200 } else { 400 }));
    configure(folder.path(), &receiver.url("/hook"));
    let begin = SystemClock.now().plus(Span::from_seconds(2));
    let line = |number: usize| {
        format!(
            "{{\"id\": \"s{number:04}\", \"schedule\": {{\"at\": \"{begin}\"}}, \"payload\": {{\"message\": \"m{number}\"}}, \
             \"destination\": {{\"gateway\": \"hook\", \"chat_id\": \"c{}\"}}}}\n",
            number % 20
        )
    };
    import(folder.path(), &(0..SCHEDULES).map(line).collect::<String>());
    let mut daemon = serve(folder.path(), &["--listen", "127.0.0.1:0"]);
    let refused: Vec<Received> = (0..SCHEDULES).map(|_| receiver.next().0).collect();
    assert!((0..LOOKS).any(|_| is_done(folder.path())), "it never comes to an end");
    takes.store(true, Ordering::SeqCst);

    let (mut state, mut taken) = (7, Vec::new());
    for _ in 0..4 {
        let patience = chance(&mut state) % PATIENCE;
        std::thread::scope(|scope| {
            // The daemon may be gone before it answers.
            scope.spawn(|| run(folder.path(), &["dead-letters", "retry", "--all"]));
            for _ in 0..patience {
                let Some((request, _)) = receiver.next_within(std::time::Duration::from_secs(1)) else { break };
                taken.push(request);
            }
            daemon.0.kill().unwrap();
            daemon.0.wait().unwrap();
        });
        receiver.turn_page();
        taken.extend(std::iter::from_fn(|| receiver.poll()).map(|(request, _)| request));
        let (code, verified) = run(folder.path(), &["verify"]);
        assert_eq!(code, 0, "{verified}");
        daemon = serve(folder.path(), &["--listen", "127.0.0.1:0"]);
        assert!((0..LOOKS).any(|_| is_serving(folder.path())), "it never starts");
    }
    let (code, said) = run(folder.path(), &["dead-letters", "retry", "--all"]);
    assert_eq!(code, 0, "{said}");
    assert!((0..LOOKS).any(|_| is_done(folder.path())), "it never comes to an end");
    assert!(Command::new("kill").args(["-TERM", &daemon.0.id().to_string()]).status().unwrap().success());
    assert!(daemon.0.wait().unwrap().success());
    taken.extend(std::iter::from_fn(|| receiver.poll()).map(|(request, _)| request));
    check(folder.path(), &refused, &taken);
}

fn is_serving(folder: &std::path::Path) -> bool {
    let (code, said) = run(folder, &["status", "--json"]);
    code == 0 && serde_json::from_str::<Value>(&said).is_ok_and(|status| status["mode"] == "daemon")
}

/// What names a copy, and what it says.
fn copy(request: &Received) -> (String, Value) {
    let body = request.json();
    let key = request.header("idempotency-key").unwrap().to_owned();
    (key, [&body["schedule"], &body["due"], &body["text"], &body["chat_id"]].into_iter().cloned().collect())
}

fn check(folder: &std::path::Path, refused: &[Received], taken: &[Received]) {
    let before: BTreeMap<String, Value> = refused.iter().map(copy).collect();
    assert_eq!(before.len(), SCHEDULES);
    let mut after: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for request in taken {
        let (key, said) = copy(request);
        assert_eq!(before.get(&key), Some(&said), "{key} is another message");
        after.entry(key).or_default().push(request.page);
    }
    assert_eq!(after.len(), SCHEDULES, "every one was taken");
    let twice: Vec<_> = after.iter().filter(|(_, pages)| pages.windows(2).any(|pair| pair[0] == pair[1])).collect();
    assert!(twice.is_empty(), "twice without a kill between: {twice:?}");
    let store = Store::open(&folder.join(".chimewheel"), &Options::default()).unwrap();
    assert_eq!(store.reader.dead_letters(&LetterFilter::default(), 1, None).unwrap().runs, []);
    for number in 0..SCHEDULES {
        let key = store.reader.key_of(&format!("s{number:04}")).unwrap().unwrap();
        let runs = store.reader.runs(key, 10, None).unwrap();
        let is_delivered = matches!(&runs[0].phase, Phase::Settled { outcome: Outcome::Delivered { .. }, .. });
        assert!(runs.len() == 1 && is_delivered && runs[0].retried.is_some(), "{runs:?}");
    }
}
