//! `HEARTBEAT.md`: named schedules under headings, or one prompt for the whole file.
//!
//! A section `## Name` with bullets `- Cron:`, `- Message:`, `- Model:` and `- InjectInto:` is a schedule; its cron is
//! Quartz, its message an instruction for a model run. A bullet goes on in the lines below it that are indented deeper. A
//! file with no such bullet is one prompt, which the config says the times of. Comments, `<!-- … -->` from the beginning of
//! a line, declare nothing, and neither do headings and bullets in a fenced block.
//! Invariants: a section is closed by the next heading of any depth; nothing leaks from one into another. A bullet that
//! would make a schedule and stands in no section is refused: the text is never taken for a prompt.
//! Not here: when the file is looked at (`surface/heartbeat`), what a heartbeat's answer means (`runtime/silence`).

use hashbrown::HashMap;
use serde_json::json;

use super::{Brought, Item, Omission, Origin, Wishes, slug};
use crate::config::{Heartbeat, Interval};
use crate::problem::{Problem, nearest};

const KEYS: [&str; 4] = ["cron", "message", "model", "injectinto"];
/// The same as they are written.
const SHOWN: [&str; 4] = ["Cron", "Message", "Model", "InjectInto"];

/// The id of the schedule of a file that is one prompt, before its agent's name.
const PROMPT_ID: &str = "heartbeat-md";

/// What stands below a heading, or above the first.
#[derive(Default)]
struct Section<'t> {
    line: usize,
    /// How many `#` its heading has; 0: it has none.
    depth: usize,
    name: &'t str,
    bullets: Vec<Bullet>,
    /// Blanks before the last of them.
    indent: usize,
}

/// One bullet with a key.
struct Bullet {
    line: usize,
    /// The key in lower case, without blanks and underscores.
    plain: String,
    /// The key as written.
    key: String,
    value: String,
}

impl Section<'_> {
    /// Whether it has a bullet of a schedule.
    fn is_schedule(&self) -> bool {
        self.depth == 2 && self.bullets.iter().any(|bullet| KEYS.contains(&bullet.plain.as_str()))
    }

    /// What is said of its bullets that mean nothing.
    fn unknown(&self) -> impl Iterator<Item = String> {
        let unknown = self.bullets.iter().filter(|bullet| !KEYS.contains(&bullet.plain.as_str()));
        unknown.map(|Bullet { line, plain, key, .. }| {
            let near = nearest(plain, KEYS).and_then(|near| KEYS.iter().position(|known| *known == near));
            let way_out = match near {
                Some(place) => format!("did you mean '{}'?", SHOWN[place]),
                None => format!("known here: {}", SHOWN.join(", ")),
            };
            format!("'{key}' in line {line} is no bullet of a schedule and has no effect; {way_out}")
        })
    }

    /// A bullet that would make it a schedule, where it is none.
    fn stray(&self) -> Option<&Bullet> {
        let makes = |bullet: &&Bullet| matches!(bullet.plain.as_str(), "cron" | "message");
        self.bullets.iter().find(makes).filter(|_| self.depth != 2)
    }
}

/// What a file is.
enum Content<'t> {
    /// Nothing but headings, blank lines, comments and empty items of lists.
    Nothing,
    /// One prompt.
    Prompt,
    /// Nothing that can be told: bullets of schedules, and no section.
    Stray(Section<'t>),
    /// Schedules, and sections that are none.
    Schedules(Vec<Section<'t>>),
}

/// Why a prompt is not run.
enum NoRun {
    /// The config leaves open what it needs.
    Unset(&'static str),
    /// The config asks for times that cannot be.
    Impossible(String),
}

/// Reads the text of a file to be imported once.
#[must_use]
pub fn read(file: &str, text: &str, wishes: &Wishes) -> Brought {
    let mut brought = Brought::default();
    match content(text) {
        Content::Nothing => brought.notes.push(format!("{file} is empty, which costs no run")),
        Content::Prompt => {
            let why = "is one prompt, which is not imported but configured: set heartbeat.file, heartbeat.interval and \
                       heartbeat.inject_into in chimewheel.toml, and the daemon runs it, and follows what is edited; or \
                       write each check as a section '## Name' with '- Cron:' and '- Message:'";
            brought.refused.push(Omission { at: at(file, 1), id: None, why: why.to_owned() });
        }
        Content::Stray(section) => brought.refused.extend(stray(file, &section, None)),
        Content::Schedules(sections) => schedules(file, &sections, wishes, &mut brought),
    }
    brought
}

/// Reads the text of the configured file.
#[must_use]
pub fn declared(file: &str, text: &str, heartbeat: &Heartbeat) -> Brought {
    let mut brought = Brought::default();
    let wishes = Wishes { agent: heartbeat.agent.clone(), ..Wishes::default() };
    match content(text) {
        Content::Nothing => brought.notes.push("it is empty, which costs no run".to_owned()),
        Content::Prompt => match prompt(file, text, heartbeat, &wishes) {
            Ok(item) => brought.items.push(item),
            Err(NoRun::Unset(note)) => brought.notes.push(note.to_owned()),
            Err(NoRun::Impossible(why)) => {
                brought.refused.push(Omission { at: at(file, 1), id: Some(PROMPT_ID.to_owned()), why });
            }
        },
        Content::Stray(section) => brought.refused.extend(stray(file, &section, None)),
        Content::Schedules(sections) => schedules(file, &sections, &wishes, &mut brought),
    }
    // An id belongs to one agent for ever, so another agent's schedules of this file have others.
    let own =
        |id: &str| heartbeat.agent.as_ref().map_or_else(|| id.to_owned(), |agent| slug(&format!("{agent} {id}")));
    for item in &mut brought.items {
        let id = own(item.id());
        item.set("id", id);
    }
    for id in brought.refused.iter_mut().filter_map(|omission| omission.id.as_mut()) {
        *id = own(id);
    }
    brought
}

/// Whether a text gives a model nothing to do.
#[must_use]
pub fn is_empty(text: &str) -> bool {
    matches!(content(text), Content::Nothing)
}

fn content(text: &str) -> Content<'_> {
    let lines = visible(text);
    let mut sections = sections(&lines);
    if sections.iter().any(Section::is_schedule) {
        Content::Schedules(sections)
    } else if let Some(place) = sections.iter().position(|section| section.stray().is_some()) {
        Content::Stray(sections.swap_remove(place))
    } else if lines.iter().all(|(_, line)| says_nothing(line)) {
        Content::Nothing
    } else {
        Content::Prompt
    }
}

/// The lines outside of comments, with their numbers. What opens like a comment and is not closed is text.
fn visible(text: &str) -> Vec<(usize, &str)> {
    let (mut seen, mut number, mut left) = (Vec::new(), 0, text);
    // The last one that there is closes the last comment.
    let closed_until = text.rfind("-->").map_or(0, |end| text.len() - end);
    while !left.is_empty() {
        number += 1;
        let (line, rest) = left.split_once('\n').unwrap_or((left, ""));
        let may_open = line.trim_start().starts_with("<!--") && left.len() >= closed_until && closed_until > 0;
        let comment = if may_open { left.find("-->") } else { None };
        let Some(end) = comment else {
            seen.push((number, line.trim_end_matches('\r')));
            left = rest;
            continue;
        };
        let (hidden, after) = left.split_at(end);
        number += hidden.matches('\n').count();
        left = after.split_once('\n').map_or("", |(_, rest)| rest);
    }
    seen
}

/// Whether a line gives a model nothing to do: blank, a heading, a rule, or an item of a list with nothing in it.
fn says_nothing(line: &str) -> bool {
    let line = line.trim();
    let item = line.strip_prefix(['-', '*', '+']).map(str::trim_start);
    let is_empty_item = item.is_some_and(|item| matches!(item, "" | "[ ]" | "[]" | "[x]" | "[X]"));
    let is_rule = line.len() >= 3 && ["-", "*", "_"].iter().any(|mark| line.replace(mark, "").trim().is_empty());
    let heading = line.strip_prefix('#').map(|line| line.trim_start_matches('#'));
    let is_heading = heading.is_some_and(|name| name.is_empty() || name.starts_with([' ', '\t']));
    line.is_empty() || is_empty_item || is_rule || is_heading
}

/// The schedule that runs a prompt; or why there is none.
fn prompt(file: &str, text: &str, heartbeat: &Heartbeat, wishes: &Wishes) -> Result<Item, NoRun> {
    let unset = |note| Err(NoRun::Unset(note));
    let period = match heartbeat.interval {
        Some(Interval::Every(period)) => period,
        Some(Interval::Off) => return unset("it is one prompt, and heartbeat.interval is off: nothing is run"),
        None => return unset("it is one prompt, and heartbeat.interval does not say when it is run: nothing is run"),
    };
    let Some(to) = heartbeat.inject_into.as_deref() else {
        return unset("it is one prompt, and heartbeat.inject_into names no target: nothing is run");
    };
    let mut item = Item::new(at(file, 1), PROMPT_ID, wishes);
    item.set("name", "Heartbeat");
    let mut trigger = json!({"every": period.to_string()});
    if let Some(hours) = &heartbeat.active_hours {
        let impossible = |wrong: Problem| {
            NoRun::Impossible(Problem { path: "heartbeat.interval".to_owned(), ..wrong }.to_string())
        };
        let times = hours.times(period).map_err(impossible)?;
        trigger = json!({"cron": times.cron, "dialect": "quartz"});
        item.set("except", if times.except.is_empty() { json!(null) } else { json!(times.except) });
    }
    item.set("schedule", trigger);
    item.set_zone(heartbeat.active_hours.as_ref().and_then(|hours| hours.timezone.as_deref()));
    item.set("payload", json!({"task": text}));
    item.set("destination", to);
    item.set("silence", "heartbeat");
    // What was missed is missed: the next one sees the same, and none comes outside of the active hours.
    item.set("misfire_policy", "skip");
    if let Some(model) = &heartbeat.model {
        item.set("model", model.as_str());
    }
    Ok(item)
}

fn schedules(file: &str, sections: &[Section<'_>], wishes: &Wishes, brought: &mut Brought) {
    for section in sections {
        if section.is_schedule() {
            schedule(file, section, wishes, brought);
        } else if section.depth != 2 {
            // Where its heading was one of a section before, that one's schedule stays.
            let id = (!section.name.is_empty()).then(|| slug(section.name));
            brought.refused.extend(stray(file, section, id));
        } else {
            let why = format!("the section '{}' names no schedule", section.name);
            brought.left_out.push(Omission { at: at(file, section.line), id: None, why });
        }
    }
    doubles(brought);
}

fn at(file: &str, line: usize) -> Origin {
    Origin { file: file.to_owned(), line }
}

/// What is refused of a section that is none.
fn stray(file: &str, section: &Section<'_>, id: Option<String>) -> Option<Omission> {
    let bullet = section.stray()?;
    let why =
        format!("'- {}:' stands in no section, which begins with '## Name'; write such a line above it", bullet.key);
    Some(Omission { at: at(file, bullet.line), id, why })
}

/// The sections with the bullets in them; the first is what stands above all headings.
fn sections<'t>(lines: &[(usize, &'t str)]) -> Vec<Section<'t>> {
    let mut done: Vec<Section<'t>> = Vec::new();
    let mut section = Section::default();
    for (&(line, written), is_fenced) in lines.iter().zip(fenced(lines)) {
        if let Some((depth, name)) = heading(written).filter(|_| !is_fenced) {
            done.push(std::mem::replace(&mut section, Section { line, depth, name, ..Section::default() }));
            continue;
        }
        let indent = written.len() - written.trim_start().len();
        // What is indented deeper belongs to the bullet above it, whatever it looks like.
        let is_beside = section.bullets.is_empty() || indent <= section.indent + 1;
        if let Some((key, value)) = bullet(written.trim_start()).filter(|_| is_beside && !is_fenced) {
            let plain = key.to_lowercase().replace(['_', ' '], "");
            section.bullets.push(Bullet { line, plain, key, value });
            section.indent = indent;
        } else if let (true, Some(Bullet { value, .. })) = (indent > 0, section.bullets.last_mut()) {
            let more = written.trim();
            let gap = if value.is_empty() || more.is_empty() { "" } else { "\n" };
            value.push_str(&format!("{gap}{more}"));
        }
    }
    done.push(section);
    done
}

/// Depth and name of a heading.
fn heading(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim_start_matches('#');
    let depth = line.len() - rest.len();
    let is_heading = (1..=6).contains(&depth) && (rest.is_empty() || rest.starts_with([' ', '\t']));
    is_heading.then(|| (depth, rest.trim().trim_end_matches('#').trim()))
}

/// Which lines a fenced block holds, its fences included. A fence that nothing closes is none, or it would swallow the
/// sections below it.
fn fenced(lines: &[(usize, &str)]) -> Vec<bool> {
    let mut fenced = vec![false; lines.len()];
    // From this length on nothing closes a fence of backticks, and of tildes: so no line is looked at for ever.
    let mut unclosed = [usize::MAX; 2];
    let mut at = 0;
    while at < lines.len() {
        let opened = fence(lines[at].1).filter(|(mark, length, _)| *length < unclosed[usize::from(*mark == '~')]);
        let Some((mark, length, _)) = opened else {
            at += 1;
            continue;
        };
        let closes = |line: &str| {
            fence(line).is_some_and(|(other, longer, rest)| other == mark && longer >= length && rest.is_empty())
        };
        match lines[at + 1..].iter().position(|(_, line)| closes(line)) {
            Some(after) => {
                fenced[at..at + after + 2].fill(true);
                at += after + 2;
            }
            None => {
                unclosed[usize::from(mark == '~')] = length;
                at += 1;
            }
        }
    }
    fenced
}

/// Mark and length of a fence, and what follows it.
fn fence(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim();
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let length = line.len() - rest.len();
    (length >= 3 && !rest.contains('`')).then_some((mark, length, rest))
}

/// `- Key: value`, also with the key or the value marked up.
fn bullet(line: &str) -> Option<(String, String)> {
    let (key, value) = line.strip_prefix(['-', '*', '+'])?.strip_prefix([' ', '\t'])?.split_once(':')?;
    let value = value.trim().trim_start_matches("**").trim();
    let value = value.strip_prefix('`').and_then(|value| value.strip_suffix('`')).unwrap_or(value);
    let key = key.trim().trim_matches('*').trim();
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ' '));
    plain.then(|| (key.to_owned(), value.to_owned()))
}

fn schedule(file: &str, section: &Section<'_>, wishes: &Wishes, brought: &mut Brought) {
    let at = at(file, section.line);
    let id = slug(section.name);
    let refuse = |why: String| Omission { at: at.clone(), id: Some(id.clone()), why };
    let twice = KEYS.iter().find(|known| section.bullets.iter().filter(|bullet| bullet.plain == **known).count() > 1);
    if let Some(key) = twice {
        return brought.refused.push(refuse(format!("says '{key}' twice")));
    }
    let get = |wanted: &str| {
        let found = section.bullets.iter().find(|bullet| bullet.plain == wanted);
        found.map(|bullet| bullet.value.trim()).filter(|value| !value.is_empty())
    };
    let missing: Vec<&str> = [("cron", "'- Cron:'"), ("message", "'- Message:'")]
        .iter()
        .filter(|(key, _)| get(key).is_none())
        .map(|(_, shown)| *shown)
        .collect();
    if !missing.is_empty() {
        let told = std::iter::once(format!("is incomplete: it has no {}", missing.join(" and no ")));
        return brought.refused.push(refuse(told.chain(section.unknown()).collect::<Vec<_>>().join("; ")));
    }
    let mut item = Item::new(at.clone(), &id, wishes);
    item.set("name", section.name);
    item.set("schedule", json!({"cron": get("cron"), "dialect": "quartz"}));
    item.set_zone(wishes.timezone.as_deref());
    item.set("payload", json!({"task": get("message")}));
    item.set("silence", "heartbeat");
    if let Some(model) = get("model") {
        item.set("model", model);
    }
    // Without a chat its result is only recorded, there as here.
    item.set("destination", get("injectinto").filter(|to| *to != "null").map_or(json!(null), |to| json!(to)));
    item.doubts.extend(section.unknown());
    brought.items.push(item);
}

/// Two sections of one name would be one schedule: the later is refused.
fn doubles(brought: &mut Brought) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let refused = &mut brought.refused;
    brought.items.retain(|item| {
        let first = *seen.entry(item.id().to_owned()).or_insert(item.at.line);
        if first != item.at.line {
            let why = format!("has the name of the section in line {first}");
            refused.push(Omission { at: item.at.clone(), id: Some(item.id().to_owned()), why });
        }
        first == item.at.line
    });
}
