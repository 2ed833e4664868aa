//! `import bulk`: a file of JSON Lines goes in, in large pieces, in an order that the store takes in fast.
//!
//! All lines are judged before the first is applied, by whoever applies them. Then they go in by id and token, so
//! that indexes are appended to and not scattered over, each behind the one that starts it; line numbers are those of the
//! file throughout.
//! Invariants: with a wrong line nothing is applied, unless wrong lines are to be skipped; the memory needed is that
//! of the file and a few words a line.
//! Not here: what makes a line wrong (`ops`), but for what only the whole file shows: doubles.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _};
use std::panic::resume_unwind;
use std::thread;

use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::json;

use super::args::Bulk;
use super::screen::{Screen, complain};
use crate::limits;
use crate::problem::Problem;
use crate::surface::error::{Code, Error, problem_from_json, problem_to_json};
use crate::surface::ops::local::AGENT_DEFAULT;
use crate::surface::ops::reply::{Imported, LineProblem};
use crate::surface::ops::{Operations, perform, request};

/// A text of a line, which its escapes may have made another one.
type Text<'a> = Cow<'a, str>;

/// What a line is known by; everything else in it is not looked at here.
#[derive(Default, Deserialize)]
struct Known<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    client_token: Option<Text<'a>>,
    #[serde(borrow, default)]
    agent: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    after: Option<After<'a>>,
}

/// Whom a line waits for.
#[derive(Deserialize)]
#[serde(untagged)]
enum After<'a> {
    Word(#[serde(borrow)] Text<'a>),
    Map {
        #[serde(borrow)]
        schedule: Text<'a>,
    },
}

impl Known<'_> {
    fn agent(&self) -> &str {
        self.agent.as_deref().unwrap_or(AGENT_DEFAULT)
    }

    fn waits_for(&self) -> Option<&str> {
        self.after.as_ref().map(|after| match after {
            After::Word(schedule) | After::Map { schedule } => &**schedule,
        })
    }

    /// What it is sorted by.
    fn order(&self) -> [Option<&str>; 3] {
        [Some(self.agent()), self.id.as_deref(), self.client_token.as_deref()]
    }
}

/// Characters of a bar that is full.
const BAR_CHARS: usize = 30;

/// A line and its number in the file, from 1.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: u32,
    text: &'a str,
    /// It is started by one before it.
    follows: bool,
}

/// The lines of a file.
#[derive(Default)]
struct Lines<'a> {
    /// In the order in which they go in.
    sorted: Vec<Line<'a>>,
    /// Lines that another one before them makes wrong.
    doubles: Vec<LineProblem>,
    /// Lines that nothing makes harmless to repeat.
    unknown: u64,
}

/// What came of it so far.
#[derive(Default)]
struct Sum {
    done: usize,
    created: u64,
    existing: u64,
    wrong: u64,
    problems: Vec<LineProblem>,
    /// What is counted as created is only judged.
    dry_run: bool,
}

/// Imports a file, or standard input.
pub async fn bulk(asked: &Bulk, operations: &dyn Operations, screen: &Screen) -> Result<u8, Error> {
    let name = asked.file.display().to_string();
    let text = read_all(asked)?;
    let lines = Lines::of(&text);
    let mut sum = Sum { dry_run: true, ..Sum::default() };
    sum.take(lines.doubles.clone());
    if asked.dry_run || !asked.skip_bad {
        sum.pass(&lines.sorted, true, false, operations, screen).await?;
        if asked.dry_run || sum.wrong > 0 {
            sum.told(&name, "nothing was applied", screen)?;
            return Ok(if sum.wrong > 0 { Code::BadInput.exit() } else { 0 });
        }
    }
    sum = Sum::default();
    sum.take(lines.doubles.clone());
    let passed = sum.pass(&lines.sorted, false, asked.skip_bad, operations, screen).await;
    if let Err(error) = passed {
        let message = format!(
            "{error}; {} schedules had been created before: repeat the command, it leaves alone what is there",
            sum.created
        );
        return Err(Error { message, ..error });
    }
    sum.told(&name, "the other lines were applied", screen)?;
    if lines.unknown > 0 && !screen.json {
        let lines = lines.unknown;
        complain(&format!("note: {lines} lines have neither id nor client_token; repeated, they would double\n"));
    }
    Ok(if sum.wrong > 0 && !asked.skip_bad { Code::Conflict.exit() } else { 0 })
}

fn read_all(asked: &Bulk) -> Result<String, Error> {
    let shown = asked.file.display();
    let refused = |error: io::Error| Error::new(Code::BadInput, format!("cannot read {shown}: {error}"));
    let mut text = String::new();
    if asked.file.as_os_str() == "-" {
        io::stdin().lock().read_to_string(&mut text).map_err(refused)?;
    } else {
        text = fs::read_to_string(&asked.file).map_err(refused)?;
    }
    if text.len() > limits::IMPORT_BYTES_MAX {
        let message = format!("{shown} is longer than {} bytes; split it by lines", limits::IMPORT_BYTES_MAX);
        return Err(Error::new(Code::TooLarge, message));
    }
    Ok(text)
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let mut lines = Self::default();
        let mut keyed = keyed(text);
        let count = keyed.len();
        let mut ids: HashMap<Text<'a>, u32> = HashMap::with_capacity(count);
        let mut tokens: HashMap<(Text<'a>, Text<'a>), u32> = HashMap::new();
        let mut names: HashMap<(Text<'a>, Text<'a>), u32> = HashMap::with_capacity(count);
        keyed.retain(|(Known { id, client_token, agent, name, after: _ }, Line { number, .. })| {
            lines.unknown += u64::from(id.is_none() && client_token.is_none());
            let agent = agent.clone().unwrap_or(Cow::Borrowed(AGENT_DEFAULT));
            let of_agent = |text: &Text<'a>| (agent.clone(), text.clone());
            let earlier = [
                ("id", id, id.clone().map(|id| *ids.entry(id).or_insert(*number))),
                (
                    "client_token",
                    client_token,
                    client_token.as_ref().map(|token| *tokens.entry(of_agent(token)).or_insert(*number)),
                ),
                ("name", name, name.as_ref().map(|name| *names.entry(of_agent(name)).or_insert(*number))),
            ];
            let double = earlier.into_iter().find(|(_, _, first)| first.is_some_and(|first| first != *number));
            let Some((field, value, Some(first))) = double else { return true };
            let problem = Problem::new(field, format!("is that of line {first}, too"));
            let problem = problem.value(value.as_deref().unwrap_or_default()).hint("give one of them another one");
            lines.doubles.push(LineProblem { line: u64::from(*number), problem: problem_to_json(&problem) });
            false
        });
        sort(&mut keyed);
        if keyed.iter().any(|(known, _)| known.after.is_some()) {
            keyed = chained(keyed);
        }
        lines.sorted = keyed.into_iter().map(|(_, line)| line).collect();
        lines
    }
}
/// What each line is known by, in the order of the file; read on all cores.
fn keyed(text: &str) -> Vec<(Known<'_>, Line<'_>)> {
    let parts = parts(text, thread::available_parallelism().map_or(1, usize::from));
    let read: Vec<(u32, Vec<_>)> = thread::scope(|scope| {
        let reading: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || keyed_part(part))).collect();
        reading.into_iter().map(|reading| reading.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    let mut before = 0;
    let mut all = Vec::with_capacity(read.iter().map(|(_, known)| known.len()).sum());
    for (count, known) in read {
        for (known, line) in known {
            all.push((known, Line { number: before + line.number, ..line }));
        }
        before += count;
    }
    all
}

/// How many lines a part of the text has, and what those that are not blank are known by.
fn keyed_part(text: &str) -> (u32, Vec<(Known<'_>, Line<'_>)>) {
    let mut count = 0;
    let mut keyed = Vec::new();
    for text in text.lines() {
        count += 1;
        if !text.trim().is_empty() {
            // What is wrong with a line that cannot be read is told by the one who judges it.
            keyed
                .push((serde_json::from_str(text).unwrap_or_default(), Line { number: count, text, follows: false }));
        }
    }
    (count, keyed)
}

/// Cuts a text between lines into so many parts of about the same length.
fn parts(text: &str, count: usize) -> Vec<&str> {
    let mut left = text;
    let mut parts = Vec::new();
    for more in (1..=count).rev() {
        let about = left.len() / more;
        let end =
            left.as_bytes()[about..].iter().position(|byte| *byte == b'\n').map_or(left.len(), |end| about + end + 1);
        let (part, rest) = left.split_at(end);
        parts.push(part);
        left = rest;
    }
    parts
}

/// By owner first, then by id: two of the indexes begin with the owner, so that all but one are appended to.
fn sort(keyed: &mut [(Known<'_>, Line<'_>)]) {
    let (left, right) = keyed.split_at_mut(keyed.len() / 2);
    thread::scope(|scope| {
        scope.spawn(|| left.sort_unstable_by(|(one, _), (other, _)| one.order().cmp(&other.order())));
        right.sort_unstable_by(|(one, _), (other, _)| one.order().cmp(&other.order()));
    });
    // Two sorted halves are merged, not sorted again.
    keyed.sort_by(|(one, _), (other, _)| one.order().cmp(&other.order()));
}

/// Puts each line that waits for another one behind that; all that one starts, and those start, are together, so that
/// they go in with one request.
fn chained<'a>(keyed: Vec<(Known<'a>, Line<'a>)>) -> Vec<(Known<'a>, Line<'a>)> {
    let mut by_word: HashMap<(&str, &str), usize> = HashMap::new();
    for (place, (known, _)) in keyed.iter().enumerate() {
        known.name.as_deref().map(|name| by_word.insert((known.agent(), name), place));
    }
    // An id goes before a name.
    for (place, (known, _)) in keyed.iter().enumerate() {
        known.id.as_deref().map(|id| by_word.insert((known.agent(), id), place));
    }
    let root_and_depth = |place: usize| {
        let (mut root, mut depth) = (place, 0);
        // A longer row, or a circle, is refused by whoever judges it.
        while depth <= limits::CHAIN_COUNT_MAX {
            let (known, _) = &keyed[root];
            let Some(first) = known.waits_for().and_then(|word| by_word.get(&(known.agent(), word))) else { break };
            (root, depth) = (*first, depth + 1);
        }
        (root, depth)
    };
    let places: Vec<(usize, usize)> = (0..keyed.len()).map(root_and_depth).collect();
    drop(by_word);
    let mut all: Vec<_> = places.into_iter().zip(keyed).collect();
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|((_, depth), (known, line))| (known, Line { follows: depth > 0, ..line })).collect()
}

/// The lines of one request, at the beginning of those that are left; what is started goes with what starts it, as long
/// as that fits.
fn piece<'l, 'a>(left: &'l [Line<'a>]) -> (&'l [Line<'a>], &'l [Line<'a>]) {
    let mut bytes = 0;
    let fits = |line: &&Line<'_>| {
        bytes += line.text.len() + 1;
        bytes <= limits::IMPORT_PIECE_BYTES_MAX
    };
    let count = left.iter().take(limits::IMPORT_PIECE_LINES_MAX).take_while(fits).count();
    let whole = (1..=count).rev().find(|end| left.get(*end).is_none_or(|next| !next.follows)).unwrap_or(count);
    // A line that is too long for a request is refused by the one who is asked.
    left.split_at(whole.max(1).min(left.len()))
}

impl Sum {
    /// Sends all lines, a few pieces at a time: while one is written others are judged.
    async fn pass(
        &mut self,
        lines: &[Line<'_>],
        check: bool,
        skip_bad: bool,
        operations: &dyn Operations,
        screen: &Screen,
    ) -> Result<(), Error> {
        self.done = 0;
        let left = Cell::new(lines);
        let sum = RefCell::new(self);
        let lane = async || -> Result<(), Error> {
            while !left.get().is_empty() {
                let (sent, rest) = piece(left.get());
                left.set(rest);
                let text = sent.iter().flat_map(|line| [line.text, "\n"]).collect();
                let reply = perform(operations, request::Import { text, check, skip_bad }).await?;
                let mut sum = sum.borrow_mut();
                sum.add(sent, reply, check);
                progress(if check { "judged" } else { "applied" }, sum.done, lines.len(), screen);
            }
            Ok(())
        };
        tokio::try_join!(lane(), lane(), lane(), lane()).map(|_| ())
    }

    fn add(&mut self, sent: &[Line<'_>], reply: Imported, check: bool) {
        self.done += sent.len();
        self.created += if check { reply.good } else { reply.created };
        self.existing += reply.existing;
        self.take(reply.problems.into_iter().map(|told| {
            let line = sent.get((told.line as usize).wrapping_sub(1)).map_or(0, |line| line.number);
            LineProblem { line: line.into(), ..told }
        }));
    }

    fn take(&mut self, problems: impl IntoIterator<Item = LineProblem>) {
        for problem in problems {
            self.wrong += 1;
            if self.problems.len() < limits::PROBLEMS_COUNT_MAX {
                self.problems.push(problem);
            }
        }
    }

    fn told(&self, name: &str, ending: &str, screen: &Screen) -> Result<(), Error> {
        let mut problems: Vec<&LineProblem> = self.problems.iter().collect();
        problems.sort_by_key(|told| told.line);
        if !screen.json {
            let mut text = String::new();
            for told in &problems {
                let shown = problem_from_json(&told.problem).map(|problem| problem.to_string()).unwrap_or_default();
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{name}:{}: {shown}", told.line);
            }
            let more = self.wrong.saturating_sub(problems.len() as u64);
            if more > 0 {
                let _ = writeln!(text, "and {more} more");
            }
            if self.wrong > 0 {
                let _ = writeln!(text, "{} problems; {ending}", self.wrong);
            }
            complain(&text);
        }
        screen.answer(
            || {
                let problems: Vec<_> = problems.iter().map(|told| json!(told)).collect();
                Ok(json!({
                    "created": self.created, "existing": self.existing, "dry_run": self.dry_run,
                    "problems_count": self.wrong, "problems": problems,
                }))
            },
            |_| {
                let created = if self.dry_run { "would be created" } else { "created" };
                format!("{} {created}, {} there already, {} wrong.\n", self.created, self.existing, self.wrong)
            },
        )
    }
}

/// One line on standard error that is written over, on a terminal; elsewhere one at the end.
fn progress(doing: &str, done: usize, all: usize, screen: &Screen) {
    if screen.json {
        return;
    }
    let terminal = io::stderr().is_terminal();
    if terminal {
        let full = (BAR_CHARS * done).checked_div(all).unwrap_or(BAR_CHARS);
        let bar = format!("{}{}", "#".repeat(full), "-".repeat(BAR_CHARS - full));
        complain(&format!("\r{doing} [{bar}] {done} of {all} lines"));
    }
    if done == all {
        complain(&if terminal { "\n".to_owned() } else { format!("{doing} {all} lines\n") });
    }
}
