//! Thousands of schedules onto a webhook whose receiver counts, while the daemon is killed at random.
//!
//! The receiver answers late, with errors, or not at all, as chance has it. In the end nothing is missing and nothing
//! came early; a key came twice only after an answer that was none, or across a kill that fell between answer and
//! commit, so that the file had nothing of it; and the ledger tells of every due what the receiver saw. Kills follow
//! requests, so nothing here sleeps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chimewheel::engine::change::{Outcome, OutcomeKind, Phase, Run, Status};
use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::store::{Options, Store};
use chimewheel::time::{Span, Timestamp};
use serde_json::Value;

use crate::kill;
use crate::standin::{Play, Received, Standin};

#[test]
fn six_hundred_schedules_reach_a_webhook_through_kills() {
    survive(&Plan { seed: 5, schedules: 600, chats: 40, within: Span::from_seconds(6), between_kills: 60 });
}

#[test]
#[ignore = "takes three minutes: ten thousand schedules, two minutes of them under kills at random"]
fn ten_thousand_schedules_reach_a_webhook_through_two_minutes_of_kills() {
    survive(&Plan { seed: 17, schedules: 10_000, chats: 300, within: Span::from_seconds(120), between_kills: 400 });
}

/// How long the daemon waits for an answer.
const PATIENCE: Span = Span::from_seconds(2);

/// How often the daemon is asked whether it is done, before a test is given up; each takes a process.
const LOOKS: usize = 5000;

#[test]
fn a_thousand_at_once_flow_to_a_webhook_in_order() {
    flow(1000, 20);
}

#[test]
#[ignore = "for its figure: ten thousand at once through one webhook"]
fn ten_thousand_at_once_flow_to_a_webhook_in_order() {
    for chats in [10_000, 100, 1] {
        flow(10_000, chats);
    }
}

/// All are due at the same instant; each comes once, and those of one chat in the order of their schedules.
fn flow(schedules: usize, chats: usize) {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Standin::start(|_| Play::status(200));
    let begin = SystemClock.now().plus(Span::from_seconds(4 + schedules as u64 / 1000));
    configure(folder.path(), &receiver.url("/hook"));
    let line = |number: usize| {
        format!(
            "{{\"id\": \"s{number:06}\", \"schedule\": {{\"at\": \"{begin}\"}}, \"payload\": {{\"message\": \"m{number}\"}}, \
             \"destination\": {{\"gateway\": \"hook\", \"chat_id\": \"c{}\"}}}}\n",
            number % chats
        )
    };
    import(folder.path(), &(0..schedules).map(line).collect::<String>());
    let mut child = serve(folder.path(), &["--no-listen"]);
    let requests: Vec<Received> = (0..schedules).map(|_| receiver.next().0).collect();
    assert!(Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap().success());
    assert!(child.0.wait().unwrap().success());
    let store = Store::open(&folder.path().join(".chimewheel"), &Options::default()).unwrap();
    let mut orders: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for request in &requests {
        let body = request.json();
        let text = |key: &str| body[key].as_str().unwrap().to_owned();
        orders.entry(text("chat_id")).or_default().push(store.reader.key_of(&text("schedule")).unwrap());
        assert!(request.at >= begin);
    }
    assert_eq!(orders.values().map(Vec::len).sum::<usize>(), schedules);
    for (chat, order) in &orders {
        let out_of_order = order.windows(2).find(|pair| pair[0] >= pair[1]);
        assert!(out_of_order.is_none(), "in {chat}: overtaken, or twice: {out_of_order:?}");
    }
    let last = requests.iter().map(|request| request.at.since(begin)).max().unwrap();
    let rate = schedules as u64 * 1000 / last.as_millis().max(1);
    println!("{schedules} at once to {chats} chats: the last after {last}, {rate} a second");
}

struct Plan {
    seed: u64,
    /// Three quarters of them once, the rest again and again.
    schedules: usize,
    chats: usize,
    /// From the first due to the last.
    within: Span,
    /// Requests from one kill to the next, on average.
    between_kills: usize,
}

/// How often what is declared is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Declared {
    first: Timestamp,
    /// Zero: once.
    period: Span,
    last: Timestamp,
}

impl Declared {
    fn dues(self) -> BTreeSet<Timestamp> {
        let next = |due: &Timestamp| (self.period != Span::ZERO).then(|| due.plus(self.period));
        std::iter::successors(Some(self.first), next).take_while(|due| *due <= self.last).collect()
    }
}

/// What the receiver saw.
struct Seen {
    requests: Vec<(Received, Play)>,
    /// When each process was killed.
    kills: Vec<Timestamp>,
    /// What each process that was killed had left on record of what it sent.
    on_record: Vec<BTreeSet<(String, Timestamp)>>,
}

impl Seen {
    /// After a kill. Whatever was answered before it has been noted.
    fn look_at_what_is_left(&mut self, folder: &Path) {
        let page = self.on_record.len();
        let sent =
            self.requests.iter().filter(|(request, _)| request.page == page).map(|(request, _)| request.json());
        let sent: Vec<(String, Timestamp)> = sent.map(|body| due_of(&body)).collect();
        self.on_record.push(kill::on_record(folder, sent.iter().map(|(id, due)| (&**id, *due))));
    }
}

pub fn chance(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

/// One request in twelve meets trouble.
fn play(seed: u64, request: &Received) -> Play {
    let mut state = seed ^ (request.number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    chance(&mut state);
    match chance(&mut state) % 240 {
        0..8 => Play::status(500),
        8..10 => Play::status(503).with("Retry-After", "1"),
        10..14 => Play::Cut,
        14 => Play::CutAnswer,
        15 => Play::Hold,
        16..20 => Play::Late { after: Duration::from_millis(200), status: 204 },
        _ => Play::json(200, &serde_json::json!({"id": format!("m-{}", request.number)})),
    }
}

impl Play {
    fn is_taken(&self) -> bool {
        matches!(self, Self::Answer { status: 200, .. } | Self::Late { .. })
    }
}

fn survive(plan: &Plan) {
    let folder = tempfile::tempdir().unwrap();
    let seed = plan.seed;
    let receiver = Standin::start(move |request| play(seed, request));
    let lead = Span::from_seconds(3 + plan.schedules as u64 / 1000);
    let begin = Timestamp::from_seconds(SystemClock.now().plus(lead).as_millis().div_euclid(1000));
    let declared = declare(folder.path(), plan, begin, &receiver.url("/hook"));
    let end = begin.plus(plan.within);
    let mut state = seed;
    let mut seen = Seen { requests: Vec::new(), kills: Vec::new(), on_record: Vec::new() };
    while SystemClock.now() < end {
        let patience = chance(&mut state) % (2 * plan.between_kills);
        let mut child = serve(folder.path(), &["--no-listen"]);
        for _ in 0..patience {
            let Some(request) = receiver.next_within(end.since(SystemClock.now()).to_std()) else { break };
            seen.requests.push(request);
        }
        child.0.kill().unwrap();
        let killed_at = SystemClock.now();
        child.0.wait().unwrap();
        receiver.turn_page();
        seen.requests.extend(std::iter::from_fn(|| receiver.poll()));
        seen.kills.push(killed_at);
        seen.look_at_what_is_left(folder.path());
    }
    let mut child = serve(folder.path(), &["--listen", "127.0.0.1:0"]);
    assert!((0..LOOKS).any(|_| is_done(folder.path())), "it never comes to an end");
    assert!(Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap().success());
    assert!(child.0.wait().unwrap().success());
    seen.requests.extend(std::iter::from_fn(|| receiver.poll()));
    let doubles = check_requests(&seen, &declared);
    let records = check_ledger(folder.path(), &seen, &declared);
    let (code, verified) = run(folder.path(), &["verify"]);
    assert_eq!(code, 0, "{verified}");
    println!("{}", summary(plan, &seen, &doubles, &records));
}

/// Declares the schedules while no daemon runs.
fn declare(folder: &Path, plan: &Plan, begin: Timestamp, url: &str) -> BTreeMap<String, Declared> {
    configure(folder, url);
    let end = begin.plus(plan.within);
    let last = end.minus(Span::from_seconds(1));
    let (mut declared, mut lines) = (BTreeMap::new(), String::new());
    let mut state = plan.seed;
    for number in 0..plan.schedules {
        let policy = ["fire_once", "skip", "fire_all"][number % 3];
        let (kind, trigger, dues) = match number % 16 {
            0 => {
                // Quartz, so that seconds count.
                let first = Timestamp::from_seconds((begin.as_millis() / 1000 + 14).div_euclid(15) * 15);
                let dues = Declared { first, period: Span::from_seconds(15), last: last.max(first) };
                ("cron", "\"cron\": \"0/15 * * * * ?\"".to_owned(), dues)
            }
            1..4 => {
                let first = begin.plus(Span::from_millis(chance(&mut state) as u64 % plan.within.as_millis() / 2));
                let period = Span::from_seconds(1 + number as u64 % (plan.within.as_millis() / 6000));
                let trigger = format!("\"every\": \"{period}\", \"anchor\": \"{first}\"");
                ("every", trigger, Declared { first, period, last: last.max(first) })
            }
            // A tenth of all is due at the same instant.
            place => {
                let offset = if place < 6 { plan.within.as_millis() / 3 } else { chance(&mut state) as u64 };
                let due = begin.plus(Span::from_millis(offset % plan.within.as_millis()));
                ("once", format!("\"at\": \"{due}\""), Declared { first: due, period: Span::ZERO, last: due })
            }
        };
        let id = format!("{kind}-{number}");
        let bounds = match kind {
            "once" => String::new(),
            _ => format!(
                "\"start_at\": \"{}\", \"end_at\": \"{}\", \"misfire_policy\": \"{policy}\", ",
                dues.first, dues.last
            ),
        };
        writeln!(
            lines,
            "{{\"id\": \"{id}\", \"schedule\": {{{trigger}}}, {bounds}\"payload\": {{\"message\": \"m{number}\"}}, \
             \"destination\": {{\"gateway\": \"hook\", \"chat_id\": \"c{}\"}}, \"retry\": {{\"max_attempts\": 50, \
             \"backoff_min\": \"200ms\", \"backoff_max\": \"2s\", \"max_age\": \"1h\"}}}}",
            number % plan.chats
        )
        .unwrap();
        declared.insert(id, dues);
    }
    import(folder, &lines);
    assert!(SystemClock.now() < begin, "the import took too long for this test");
    declared
}

pub fn configure(folder: &Path, url: &str) {
    let config = format!(
        "[gateways.hook]\nkind = 'webhook'\nurl = '{url}'\nallow_private = true\ntimeout = '{PATIENCE}'\n\
         secret_env = 'HOOK_SECRET'\n[limits]\npause_after_failures = 0\n"
    );
    std::fs::write(folder.join("chimewheel.toml"), config).unwrap();
}

pub fn import(folder: &Path, lines: &str) {
    std::fs::write(folder.join("all.jsonl"), lines).unwrap();
    let (code, said) = run(folder, &["import", "bulk", "all.jsonl"]);
    assert_eq!(code, 0, "{said}");
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    command.env("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    command
}

/// A daemon that does not outlive a test that fails.
pub struct Daemon(pub Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn serve(folder: &Path, arguments: &[&str]) -> Daemon {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    Daemon(program(folder).arg("serve").args(arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap())
}

pub fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = program(folder).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(said).unwrap())
}

/// Whether the daemon has nothing left to do.
pub fn is_done(folder: &Path) -> bool {
    let output = program(folder).args(["status", "--json"]).output().unwrap();
    let Ok(status) = serde_json::from_slice::<Value>(&output.stdout) else { return false };
    let is_zero = |figure: &Value| *figure == 0;
    status["mode"] == "daemon" && is_zero(&status["schedules"]["armed"]) && is_zero(&status["open"])
}

/// The schedule and the due that a request is for.
fn due_of(body: &Value) -> (String, Timestamp) {
    (body["schedule"].as_str().unwrap().to_owned(), instant(body, "due"))
}

fn instant(body: &Value, key: &str) -> Timestamp {
    Timestamp::parse_rfc3339(body[key].as_str().unwrap()).unwrap()
}

/// What came twice, and why.
#[derive(Default)]
struct Doubles {
    /// After an answer that said it was not taken.
    refused: usize,
    /// After no answer.
    ambiguous: usize,
    /// After a kill.
    killed: usize,
    /// The longest time from an answer that was lost to the kill that lost it.
    window: Span,
}

fn check_requests(seen: &Seen, declared: &BTreeMap<String, Declared>) -> Doubles {
    let mut copies: BTreeMap<String, Vec<&(Received, Play)>> = BTreeMap::new();
    let mut keys: BTreeMap<(String, Timestamp), String> = BTreeMap::new();
    for copy in &seen.requests {
        let body = copy.0.json();
        let (due, sent_at) = (instant(&body, "due"), instant(&body, "sent_at"));
        assert!(due <= sent_at && sent_at <= copy.0.at, "early, or a clock that went back: {body} at {}", copy.0.at);
        let (id, key) = (body["schedule"].as_str().unwrap(), body["key"].as_str().unwrap());
        assert!(declared[id].dues().contains(&due), "never declared: {body}");
        let known = keys.entry((id.to_owned(), due)).or_insert_with(|| key.to_owned());
        assert_eq!(known, key, "another key for another attempt");
        copies.entry(key.to_owned()).or_default().push(copy);
    }
    assert_eq!(copies.len(), keys.len(), "a key stands for two dues");
    let mut doubles = Doubles::default();
    for (key, copies) in &mut copies {
        copies.sort_by_key(|(request, _)| request.number);
        for pair in copies.windows(2) {
            let [(first, played), (second, _)] = pair else { unreachable!("windows of two") };
            match played {
                Play::Answer { status: 500 | 503, .. } => doubles.refused += 1,
                Play::Cut | Play::CutAnswer | Play::Hold => doubles.ambiguous += 1,
                // The machine was so busy that the answer came too late for the daemon.
                Play::Answer { .. } | Play::Late { .. }
                    if first.page == second.page
                        && second.at.since(instant(&first.json(), "sent_at")) >= PATIENCE =>
                {
                    doubles.ambiguous += 1;
                }
                Play::Answer { .. } | Play::Late { .. } => {
                    assert!(first.page < second.page, "{key} came twice to one process, and was taken: {first:?}");
                    let is_on_record = seen.on_record[first.page].contains(&due_of(&first.json()));
                    assert!(!is_on_record, "{key} was on record after the kill, and came again: {first:?}");
                    doubles.killed += 1;
                    doubles.window = doubles.window.max(seen.kills[first.page].since(first.at));
                }
            }
        }
    }
    doubles
}

/// What the receiver saw of one due.
#[derive(Debug, Default)]
struct Taken {
    /// The last process that sent it.
    page: usize,
    /// How often that process did.
    copies: usize,
    is_taken: bool,
}

/// The ledger covers every due once, and agrees with the receiver about those that were delivered.
fn check_ledger(folder: &Path, seen: &Seen, declared: &BTreeMap<String, Declared>) -> BTreeMap<&'static str, u64> {
    let mut taken: BTreeMap<(String, Timestamp), Taken> = BTreeMap::new();
    for (request, played) in &seen.requests {
        let body = request.json();
        let due = instant(&body, "due");
        let entry = taken.entry((body["schedule"].as_str().unwrap().to_owned(), due)).or_default();
        // A kill takes an attempt back that was not answered.
        let before = if entry.page == request.page { entry.copies } else { 0 };
        *entry = Taken { page: request.page, copies: before + 1, is_taken: entry.is_taken || played.is_taken() };
    }
    let store = Store::open(&folder.join(".chimewheel"), &Options::default()).unwrap();
    let mut records = BTreeMap::new();
    for (id, dues) in declared {
        let key = store.reader.key_of(id).unwrap().unwrap_or_else(|| panic!("{id} is not in the store"));
        assert_eq!(store.reader.state(key).unwrap().unwrap().status, Status::Completed, "{id}");
        let mut uncovered = dues.dues();
        for run in store.reader.runs(key, 1000, None).unwrap() {
            let Run { phase: Phase::Settled { outcome, .. }, .. } = &run else { panic!("left open: {run:?}") };
            let (from, through) = (run.occurrence.due, run.range.map_or(run.occurrence.due, |range| range.through));
            let covered: Vec<_> = uncovered.range(from..=through).copied().collect();
            let count = run.range.map_or(1, |range| range.count);
            assert_eq!(covered.len() as u64, count, "{id}: not a due, or covered twice: {run:?}");
            covered.iter().for_each(|due| assert!(uncovered.remove(due)));
            let Taken { copies, is_taken, .. } = taken.remove(&(id.clone(), from)).unwrap_or_default();
            assert!(copies <= usize::from(run.attempt), "{id}: {copies} requests, not all in the ledger: {run:?}");
            match outcome.kind() {
                OutcomeKind::Delivered => assert!(is_taken, "{id}: delivered by the ledger alone: {run:?}"),
                OutcomeKind::Skipped => assert!(copies == 0 && dues.period != Span::ZERO, "{id}: {run:?}"),
                _ => panic!("{id}: {run:?}"),
            }
            let id_is_kept = matches!(outcome, Outcome::Delivered { message_id: Some(_) });
            *records.entry(if id_is_kept { "delivered with an id" } else { kind(outcome) }).or_default() += count;
        }
        assert!(uncovered.is_empty(), "{id}: nothing is known of {uncovered:?}");
    }
    assert!(taken.is_empty(), "received, and not in the ledger: {taken:?}");
    records
}

fn kind(outcome: &Outcome) -> &'static str {
    if outcome.kind() == OutcomeKind::Skipped { "skipped" } else { "delivered" }
}

fn summary(plan: &Plan, seen: &Seen, doubles: &Doubles, records: &BTreeMap<&'static str, u64>) -> String {
    let mut seconds: BTreeMap<i64, usize> = BTreeMap::new();
    for (request, _) in &seen.requests {
        *seconds.entry(request.at.as_millis() / 1000).or_default() += 1;
    }
    let busiest = seconds.values().max().copied().unwrap_or_default();
    let Doubles { refused, ambiguous, killed, window } = doubles;
    format!(
        "{} schedules, {} kills, {} requests (at most {busiest} in one second); dues: {records:?}; sent again: {refused} \
         after a refusal, {ambiguous} after no answer, {killed} after a kill (at most {window} before it)",
        plan.schedules,
        seen.kills.len(),
        seen.requests.len(),
    )
}
