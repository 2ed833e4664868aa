//! Thousands of deliveries to a real Matrix homeserver, while the daemon is killed at random: in the end each message
//! stands in its room exactly once, and the ledger knows it by the homeserver's id.
//!
//! Kills follow what somebody in the rooms sees, so nothing here sleeps. `MATRIX_DELIVERIES` says how many, 10,000
//! unless it is set.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use chimewheel::engine::change::{Outcome, Phase, Run};
use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::store::{Options, Store};
use chimewheel::time::Span;
use serde_json::{Value, json};

use crate::gateway::synapse::{Account, address};
use crate::kill_webhook::{chance, import, is_done, run, serve};

/// Rooms that are written to side by side.
const ROOMS: usize = 20;
/// Kills, as long as there is something left to be delivered.
const KILLS: usize = 20;
/// How often a homeserver that is at work, and the daemon, are asked how far they are.
const LOOKS: usize = 20_000;

#[test]
#[ignore = "needs a Matrix homeserver, and some minutes: .ci/interop-matrix"]
fn every_message_is_in_its_room_exactly_once_whatever_is_killed() {
    let count = std::env::var("MATRIX_DELIVERIES").map_or(10_000, |count| count.parse().unwrap());
    let (bot, ada) = (Account::register("bot"), Account::register("ada"));
    let rooms: Vec<String> = (0..ROOMS).map(|_| bot.room(&json!({"preset": "public_chat"}))).collect();
    for room in &rooms {
        ada.call("POST", &format!("rooms/{room}/join"), &json!({}));
    }
    let folder = tempfile::tempdir().unwrap();
    declare(folder.path(), &bot, &rooms, count);
    let began = SystemClock.now();
    let mut watch = Watch::new(&ada);
    let (mut state, mut kills) = (11, 0);
    while kills < KILLS {
        let mut daemon = serve(folder.path(), &["--no-listen"]);
        let until = watch.seen + chance(&mut state) % (2 * count / KILLS) + 1;
        watch.until(|seen| seen >= until.min(count));
        daemon.0.kill().unwrap();
        daemon.0.wait().unwrap();
        kills += 1;
        if watch.seen >= count {
            break;
        }
    }
    let mut daemon = serve(folder.path(), &["--listen", "127.0.0.1:0"]);
    assert!((0..LOOKS).any(|_| is_done(folder.path()) || watch.look()), "it never comes to an end");
    assert!(Command::new("kill").args(["-TERM", &daemon.0.id().to_string()]).status().unwrap().success());
    assert!(daemon.0.wait().unwrap().success());
    let took = SystemClock.now().since(began);
    let events = check_rooms(&ada, &rooms, count);
    check_ledger(folder.path(), &events, count);
    let (code, verified) = run(folder.path(), &["verify"]);
    assert_eq!(code, 0, "{verified}");
    println!("{count} deliveries to {ROOMS} rooms through {kills} kills in {took}: each exactly once");
}

/// Somebody in the rooms, who counts what is said.
struct Watch<'a> {
    account: &'a Account,
    since: String,
    seen: usize,
}

impl<'a> Watch<'a> {
    fn new(account: &'a Account) -> Self {
        let news = account.call("GET", "sync?timeout=0", &Value::Null);
        Self { account, since: news["next_batch"].as_str().unwrap().to_owned(), seen: 0 }
    }

    /// Waits up to a second for news. Always false: it is never known by this that all is done.
    fn look(&mut self) -> bool {
        // {"room": {"timeline": {"limit": 1000}}}
        let filter = "%7B%22room%22%3A%7B%22timeline%22%3A%7B%22limit%22%3A1000%7D%7D%7D";
        let asked = format!("sync?timeout=1000&filter={filter}&since={}", self.since);
        let news = self.account.call("GET", &asked, &Value::Null);
        self.since = news["next_batch"].as_str().unwrap_or_else(|| panic!("{news}")).to_owned();
        let rooms = news["rooms"]["join"].as_object().into_iter().flatten();
        let events = rooms.filter_map(|(_, room)| room["timeline"]["events"].as_array()).flatten();
        self.seen += events.filter(|event| event["type"] == "m.room.message").count();
        false
    }

    fn until(&mut self, is_enough: impl Fn(usize) -> bool) {
        assert!((0..LOOKS).any(|_| is_enough(self.seen) || self.look()), "nothing more is said: {}", self.seen);
    }
}

/// Schedules that are due one after the other, as fast as a homeserver may take them.
fn declare(folder: &Path, bot: &Account, rooms: &[String], count: usize) {
    fs::write(folder.join("token"), &bot.token).unwrap();
    fs::set_permissions(folder.join("token"), Permissions::from_mode(0o600)).unwrap();
    let config = format!(
        "[gateways.matrix]\nkind = 'matrix'\nbase_url = '{}'\ntoken_file = 'token'\nuser = '{}'\n\
         [limits]\npause_after_failures = 0\n",
        address(),
        bot.user
    );
    fs::write(folder.join("chimewheel.toml"), config).unwrap();
    let begin = SystemClock.now().plus(Span::from_seconds(3));
    let mut lines = String::new();
    for number in 0..count {
        let due = begin.plus(Span::from_millis(number as u64));
        writeln!(
            lines,
            "{{\"id\": \"s{number}\", \"schedule\": {{\"at\": \"{due}\"}}, \"payload\": {{\"message\": \"m{number}\"}}, \
             \"destination\": {{\"gateway\": \"matrix\", \"chat_id\": \"{}\"}}, \"misfire_policy\": \"fire_once\", \
             \"retry\": {{\"max_attempts\": 100, \"backoff_min\": \"200ms\", \"backoff_max\": \"5s\", \"max_age\": \"2h\"}}}}",
            rooms[number % rooms.len()]
        )
        .unwrap();
    }
    import(folder, &lines);
}

/// Each message is in its room, and no other is; the ids by which they are known there.
fn check_rooms(ada: &Account, rooms: &[String], count: usize) -> BTreeMap<usize, String> {
    let mut events = BTreeMap::new();
    for (place, room) in rooms.iter().enumerate() {
        for message in ada.messages(room) {
            let text = message["content"]["body"].as_str().unwrap();
            let number: usize = text.strip_prefix('m').unwrap().parse().unwrap();
            assert_eq!(number % rooms.len(), place, "{text} is in another's room");
            let twice = events.insert(number, message["event_id"].as_str().unwrap().to_owned());
            assert_eq!(twice, None, "{text} is there twice");
        }
    }
    let missing: Vec<usize> = (0..count).filter(|number| !events.contains_key(number)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    assert_eq!(events.len(), count);
    events
}

/// The ledger says of each what the homeserver says.
fn check_ledger(folder: &Path, events: &BTreeMap<usize, String>, count: usize) {
    let store = Store::open(&folder.join(".chimewheel"), &Options::default()).unwrap();
    for number in 0..count {
        let key = store.reader.key_of(&format!("s{number}")).unwrap().unwrap();
        let runs: Vec<Run> = store.reader.runs(key, 10, None).unwrap();
        let [Run { phase: Phase::Settled { outcome: Outcome::Delivered { message_id }, .. }, .. }] = &runs[..] else {
            panic!("s{number}: {runs:?}");
        };
        assert_eq!(message_id.as_ref(), Some(&events[&number]), "s{number}");
    }
}
