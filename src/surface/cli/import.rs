//! `import bulk`: a file of JSON Lines goes in, in large pieces, in an order that the store takes in fast.
//!
//! All lines are judged before the first is applied, by whoever applies them. Then they go in by id and token, so
//! that indexes are appended to and not scattered over; line numbers are those of the file throughout.
//! Invariants: with a wrong line nothing is applied, unless wrong lines are to be skipped; the memory needed is that
//! of the file and a few words a line.
//! Not here: what makes a line wrong (`ops`), but for what only the whole file shows: doubles.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _};

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
}

/// A line and its number in the file, from 1.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: u32,
    text: &'a str,
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
        let mut keyed: Vec<([Option<Text<'a>>; 2], Line<'a>)> = Vec::new();
        let mut ids: HashMap<Text<'a>, u32> = HashMap::new();
        let mut tokens: HashMap<(Text<'a>, Text<'a>), u32> = HashMap::new();
        let mut names: HashMap<(Text<'a>, Text<'a>), u32> = HashMap::new();
        for (number, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            // What is wrong with a line that cannot be read is told by the one who judges it.
            let Known { id, client_token, agent, name } = serde_json::from_str(text).unwrap_or_default();
            lines.unknown += u64::from(id.is_none() && client_token.is_none());
            let agent = agent.unwrap_or(Cow::Borrowed(AGENT_DEFAULT));
            let earlier = [
                ("id", &id, id.clone().map(|id| *ids.entry(id).or_insert(number))),
                (
                    "client_token",
                    &client_token,
                    client_token.clone().map(|token| *tokens.entry((agent.clone(), token)).or_insert(number)),
                ),
                ("name", &name, name.clone().map(|name| *names.entry((agent.clone(), name)).or_insert(number))),
            ];
            let double = earlier.into_iter().find(|(_, _, first)| first.is_some_and(|first| first != number));
            if let Some((field, value, Some(first))) = double {
                let problem = Problem::new(field, format!("is that of line {first}, too"));
                let problem =
                    problem.value(value.as_deref().unwrap_or_default()).hint("give one of them another one");
                lines.doubles.push(LineProblem { line: number.into(), problem: problem_to_json(&problem) });
                continue;
            }
            keyed.push(([id, client_token], Line { number, text }));
        }
        keyed.sort_by(|one, other| one.0.cmp(&other.0));
        lines.sorted = keyed.into_iter().map(|(_, line)| line).collect();
        lines
    }
}

/// The lines of one request, at the beginning of those that are left.
fn piece<'l, 'a>(left: &'l [Line<'a>]) -> (&'l [Line<'a>], &'l [Line<'a>]) {
    let mut bytes = 0;
    let fits = |line: &&Line<'_>| {
        bytes += line.text.len() + 1;
        bytes <= limits::IMPORT_PIECE_BYTES_MAX
    };
    let count = left.iter().take(limits::IMPORT_PIECE_LINES_MAX).take_while(fits).count();
    // A line that is too long for a request is refused by the one who is asked.
    left.split_at(count.max(1).min(left.len()))
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
        complain(&format!("\r{doing} {done} of {all} lines"));
    }
    if done == all {
        complain(&if terminal { "\n".to_owned() } else { format!("{doing} {all} lines\n") });
    }
}
