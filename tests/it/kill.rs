//! The real program, killed for real: `kill -9` at random, started again, and at the end the ledger and what the
//! console printed must agree.
//!
//! Nothing missing, nothing early, and a double only where the kill fell between print and commit: after each kill the
//! file is looked at, and what it has on record is never printed again. Of each chat that is all but its last window.
//! Kills follow lines of output, so nothing here sleeps, and nothing depends on how fast the machine is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use chimewheel::engine::change::{Outcome, Phase, Run, Status};
use chimewheel::limits::LANE_WINDOW_COUNT_MAX;
use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::store::{FILE, Options, Store};
use chimewheel::time::{Span, Timestamp};

#[test]
fn three_hundred_schedules_survive_a_dozen_kills() {
    survive(&Plan { seed: 7, schedules: 300, within: Span::from_seconds(9), kills: 12 });
}

#[test]
#[ignore = "takes a minute: a thousand schedules due within one, and a kill about every second"]
fn a_thousand_schedules_survive_sixty_kills() {
    survive(&Plan { seed: 11, schedules: 1000, within: Span::from_seconds(60), kills: 60 });
}

pub struct Plan {
    pub seed: u64,
    pub schedules: usize,
    pub within: Span,
    pub kills: usize,
}

/// One line of the console.
pub struct Line {
    pub process: usize,
    /// What its process left behind has its delivery on record.
    pub is_on_record: bool,
    sent_at: Timestamp,
    pub schedule: String,
    due: Timestamp,
    chat: String,
}

fn survive(plan: &Plan) {
    let folder = tempfile::tempdir().unwrap();
    let begin = SystemClock.now().plus(Span::from_seconds(2));
    let dues = write_schedules(folder.path(), plan, begin);
    let mut lines: Vec<Line> = Vec::new();
    let mut chance = plan.seed;
    let mut process = 0;
    loop {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let is_last = process == plan.kills;
        let patience = (chance >> 33) as usize % (2 * plan.schedules / plan.kills) + 1;
        let seen = |lines: &[Line]| {
            lines.last().is_some_and(|line| line.process == plan.kills)
                && dues.keys().all(|id| lines.iter().any(|line| line.schedule == *id))
        };
        let mut child = serve(folder.path());
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut printed = Vec::new();
        while (printed.len() < patience || is_last) && !(is_last && seen(&lines)) {
            let line = parse(process, &output.next().expect("the daemon ended by itself"));
            if is_last {
                lines.push(line);
            } else {
                printed.push(line);
            }
        }
        let signal = if is_last { "-TERM" } else { "-KILL" };
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        printed.extend(output.map(|line| parse(process, &line)));
        let ended = child.wait().unwrap();
        assert!(ended.success() || !is_last, "an ordered end must succeed: {ended}");
        look_at_what_is_left(folder.path(), &mut printed);
        lines.extend(printed);
        process += 1;
        if is_last {
            break;
        }
    }
    let doubles = check_lines(&lines, &dues);
    check_ledger(folder.path(), &dues);
    println!("{}, {doubles} doubles", summary(plan, &lines));
}

pub fn summary(plan: &Plan, lines: &[Line]) -> String {
    let on_record = lines.iter().filter(|line| line.is_on_record).count();
    let before = lines.iter().filter(|line| line.process < plan.kills).count();
    format!(
        "{} kills, {} lines, {before} of them before a kill, which found {on_record} on record",
        plan.kills,
        lines.len()
    )
}

pub fn write_schedules(folder: &Path, plan: &Plan, begin: Timestamp) -> BTreeMap<String, Timestamp> {
    let mut dues = BTreeMap::new();
    let mut text = String::new();
    for number in 0..plan.schedules {
        let id = format!("once-{number}");
        let step = plan.within.as_millis() * number as u64 / plan.schedules as u64;
        let due = begin.plus(Span::from_millis(step));
        writeln!(
            text,
            "- {{id: {id}, schedule: {{at: \"{due}\"}}, payload: {{message: m{number}}}, \
             destination: {{gateway: console, chat_id: c{}}}}}",
            number % 10
        )
        .unwrap();
        dues.insert(id, due);
    }
    for policy in ["skip", "fire_once", "fire_all"] {
        writeln!(
            text,
            "- {{id: beat-{policy}, schedule: {{every: 1s}}, payload: {{message: beat}}, misfire_policy: {policy}, \
             destination: {{gateway: console, chat_id: {policy}}}}}"
        )
        .unwrap();
    }
    std::fs::create_dir(folder.join("schedules")).unwrap();
    std::fs::write(folder.join("schedules/all.yaml"), text).unwrap();
    dues
}

fn serve(folder: &Path) -> Child {
    serving(Command::new(PROGRAM), folder).stdout(Stdio::piped()).spawn().unwrap()
}

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_chimewheel");

/// The daemon in a folder, by itself or under another program.
pub fn serving(mut command: Command, folder: &Path) -> Command {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .args(["serve", "--no-listen"])
        .stdin(Stdio::null())
        .stderr(log);
    command
}

pub fn parse(process: usize, line: &str) -> Line {
    let mut words = line.split(' ');
    let instant = |text: &str| Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("no time in: {line}"));
    let sent_at = instant(words.next().unwrap());
    let schedule = words.next().unwrap().to_owned();
    let due = instant(words.next().unwrap().strip_prefix("due=").unwrap());
    let chat = words.find_map(|word| word.strip_prefix("chat=")).unwrap().to_owned();
    Line { process, is_on_record: false, sent_at, schedule, due, chat }
}

/// Marks what a process printed and left on record. What is not on record was printed last, and is no more of each chat
/// than is handed to a gateway in one go.
pub fn look_at_what_is_left(folder: &Path, printed: &mut [Line]) {
    let found = on_record(folder, printed.iter().map(|line| (&*line.schedule, line.due)));
    let mut lost: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in printed {
        line.is_on_record = found.contains(&(line.schedule.clone(), line.due));
        let lost = lost.entry(&line.chat).or_default();
        if !line.is_on_record {
            lost.push(line);
        }
        let (schedule, due) = (&line.schedule, line.due);
        assert!(
            !line.is_on_record || lost.is_empty(),
            "{schedule} due {due} is on record, but what came before is not"
        );
        assert!(lost.len() <= LANE_WINDOW_COUNT_MAX, "more than one window of {} is not on record", line.chat);
    }
}

/// Which of these deliveries a process that is gone has left on record.
pub fn on_record<'a>(
    folder: &Path,
    asked: impl IntoIterator<Item = (&'a str, Timestamp)>,
) -> BTreeSet<(String, Timestamp)> {
    let mut asked = asked.into_iter().peekable();
    // What has not sent anything may not even have made its file.
    if asked.peek().is_none() {
        return BTreeSet::new();
    }
    let store = Store::open_on_glass(&folder.join(".chimewheel").join(FILE)).unwrap();
    let is_on_record = |&(id, due): &(&str, Timestamp)| {
        let key = store.reader.key_of(id).unwrap();
        let runs = key.map(|key| store.reader.runs(key, 1000, None).unwrap()).unwrap_or_default();
        runs.iter().any(|run| run.occurrence.due == due && run.is_settled())
    };
    asked.filter(is_on_record).map(|(id, due)| (id.to_owned(), due)).collect()
}

pub fn check_lines(lines: &[Line], dues: &BTreeMap<String, Timestamp>) -> usize {
    let mut first: BTreeMap<(&str, Timestamp), &Line> = BTreeMap::new();
    let mut doubles = 0;
    for line in lines {
        assert!(line.sent_at >= line.due, "early: {} due {} sent {}", line.schedule, line.due, line.sent_at);
        if let Some(due) = dues.get(&line.schedule) {
            assert_eq!(line.due, *due, "{} fired for another time", line.schedule);
        }
        if let Some(before) = first.insert((&line.schedule, line.due), line) {
            doubles += 1;
            let (schedule, due) = (&line.schedule, line.due);
            assert!(before.process < line.process, "{schedule} due {due} was printed twice by one process");
            assert!(!before.is_on_record, "{schedule} due {due} was on record, and was printed again");
        }
    }
    for id in dues.keys() {
        assert!(lines.iter().any(|line| line.schedule == *id), "missing: {id}");
    }
    doubles
}

pub fn check_ledger(folder: &Path, dues: &BTreeMap<String, Timestamp>) {
    let data = folder.join(".chimewheel");
    assert!(data.join(FILE).exists());
    let store = Store::open(&data, &Options::default()).unwrap();
    for (id, due) in dues {
        let key = store.reader.key_of(id).unwrap().unwrap_or_else(|| panic!("{id} is not in the store"));
        let runs = store.reader.runs(key, 10, None).unwrap();
        let is_delivered =
            |run: &Run| matches!(&run.phase, Phase::Settled { outcome: Outcome::Delivered { .. }, at } if at >= due);
        assert!(matches!(&runs[..], [run] if run.occurrence.due == *due && is_delivered(run)), "{id}: {runs:?}");
        assert_eq!(store.reader.state(key).unwrap().unwrap().status, Status::Completed);
    }
    for policy in ["skip", "fire_once", "fire_all"] {
        let key = store.reader.key_of(&format!("beat-{policy}")).unwrap().unwrap();
        let mut runs = store.reader.runs(key, 1000, None).unwrap();
        runs.sort_by_key(|run| run.occurrence.due);
        for pair in runs.windows(2) {
            let through = pair[0].range.map_or(pair[0].occurrence.due, |range| range.through);
            let following = through.plus(Span::from_seconds(1));
            assert_eq!(pair[1].occurrence.due, following, "a gap in the record of beat-{policy}");
            assert!(pair[0].is_settled(), "left open: {:?}", pair[0]);
        }
    }
}
