//! A run that is made up: what a JSON text says of it, and what stands in for the rest.
//!
//! The text has the parts of `ctx` under their names, as a script sees them, and `result`. Its `schedule` may say all
//! that a schedule file may.
//! Invariant: every mistake is told at once, with its path. Units: `Timestamp`; times are RFC 3339.
//! Not here: judging the schedule (`spec`).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::calendar::Trigger;
use crate::problem::{Problem, nearest};
use crate::script::{Facts, Last, LastStatus, SessionFacts};
use crate::spec::Schedule;
use crate::spec::tree::shorten;
use crate::time::Timestamp;

/// What is said of a run.
#[derive(Debug, Default)]
pub struct Told {
    /// The schedule, as a file would declare it; without a part, that is made up.
    pub schedule: Map<String, Value>,
    /// The instant its trigger asked for.
    pub due: Option<Timestamp>,
    /// The instant at which it began.
    pub actual: Option<Timestamp>,
    /// Which run of the schedule it is.
    pub number: Option<u32>,
    /// Which attempt.
    pub attempt: Option<u16>,
    /// Whether somebody asked for it.
    pub by_hand: bool,
    /// What became of the run before it.
    pub last: Last,
    /// The conversation.
    pub session: SessionFacts,
    /// What the script has kept.
    pub state: Option<Map<String, Value>>,
    /// What the model answered.
    pub result: Option<String>,
}

const PARTS: &[&str] = &["schedule", "vars", "fire", "last", "session", "state", "result"];
const FIRE: &[&str] = &["due", "actual", "number", "attempt", "by_hand"];
const LAST: &[&str] = &["status", "text", "at"];
const SESSION: &[&str] = &["active", "last_user_at"];
const STATUSES: [LastStatus; 6] = [
    LastStatus::Delivered,
    LastStatus::Silent,
    LastStatus::Skipped,
    LastStatus::Failed,
    LastStatus::Cancelled,
    LastStatus::Unknown,
];

/// Reads a context.
pub fn read(text: &str) -> Result<Told, Vec<Problem>> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        vec![
            Problem::new("", format!("is not JSON: {error}"))
                .hint("see `chimewheel guide hooks`, What a script sees"),
        ]
    })?;
    let mut problems = Vec::new();
    let told = Part::of("", &value, PARTS, &mut problems).map(|mut part| {
        let mut schedule = part.map("schedule").unwrap_or_default();
        if let Some(vars) = part.map("vars") {
            schedule.insert("vars".to_owned(), Value::Object(vars));
        }
        let mut told = Told { schedule, state: part.map("state"), ..Told::default() };
        told.result = part.get("result").map(|result| match result {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        fire(&mut told, part.part("fire", FIRE));
        last(&mut told.last, part.part("last", LAST));
        if let Some(mut session) = part.part("session", SESSION) {
            told.session.active = session.flag("active");
            told.session.last_user_at = session.time("last_user_at");
        }
        told
    });
    told.filter(|_| problems.is_empty()).ok_or(problems)
}

fn fire(told: &mut Told, part: Option<Part<'_>>) {
    let Some(mut fire) = part else { return };
    told.due = fire.time("due");
    told.actual = fire.time("actual");
    told.number = fire.number("number").map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    told.attempt = fire.number("attempt").map(|number| u16::try_from(number).unwrap_or(u16::MAX));
    told.by_hand = fire.flag("by_hand");
}

fn last(told: &mut Last, part: Option<Part<'_>>) {
    let Some(mut last) = part else { return };
    told.text = last.text("text").map(Arc::from);
    told.at = last.time("at");
    let Some(word) = last.text("status") else { return };
    told.status = status(&word);
    if told.status.is_none() {
        last.refuse("status", "is not how a run ends", &json!(word), &words());
    }
}

/// How a run ended, by its word.
#[must_use]
pub fn status(word: &str) -> Option<LastStatus> {
    STATUSES.into_iter().find(|status| status.as_str() == word)
}

fn words() -> String {
    format!("write one of {}", STATUSES.map(LastStatus::as_str).join(", "))
}

impl Told {
    /// The schedule with what stands in for the rest: an hourly message to the console.
    #[must_use]
    pub fn declaration(&self) -> Value {
        let mut declared = self.schedule.clone();
        // Scripts see the zone beside the other fields; it is declared with the trigger.
        let zone = declared.remove("zone");
        let has_trigger = ["schedule", "when", "after"].iter().any(|key| declared.contains_key(*key));
        if !has_trigger {
            let mut trigger = Map::from_iter([("every".to_owned(), json!("1h"))]);
            trigger.extend(zone.map(|zone| ("timezone".to_owned(), zone)));
            declared.insert("schedule".to_owned(), Value::Object(trigger));
        }
        let stand_ins = [
            ("id", json!("test")),
            ("payload", json!({"message": "The message of a schedule that is made up"})),
            ("destination", json!({"gateway": "console", "chat_id": "local"})),
        ];
        for (key, stand_in) in stand_ins {
            declared.entry(key).or_insert(stand_in);
        }
        Value::Object(declared)
    }

    /// The facts of the run; without a time, it is the schedule's next due after `now`.
    #[must_use]
    pub fn facts(&self, schedule: Arc<Schedule>, at: Option<Timestamp>, now: Timestamp) -> Facts {
        let next = || match schedule.trigger {
            Trigger::At(at) => at,
            Trigger::Every { .. } | Trigger::Cron(_) | Trigger::After(_) => {
                schedule.trigger.next_after(now).unwrap_or(now)
            }
        };
        let due = at.or(self.due).unwrap_or_else(next);
        Facts {
            due,
            actual: self.actual.filter(|_| at.is_none()).unwrap_or(due).max(due),
            number: self.number.unwrap_or(1),
            attempt: self.attempt.unwrap_or(1),
            by_hand: self.by_hand,
            last: self.last.clone(),
            session: self.session,
            state: self.state.as_ref().map(|state| Value::Object(state.clone()).to_string().into()),
            schedule,
        }
    }
}

/// One map of the text, with its path.
struct Part<'a> {
    path: String,
    map: &'a Map<String, Value>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Part<'a> {
    /// A map that has only keys that are known.
    fn of(path: &str, value: &'a Value, known: &[&str], problems: &'a mut Vec<Problem>) -> Option<Self> {
        let Value::Object(map) = value else {
            let problem = Problem::new(path, "is not a map").value(shorten(&value.to_string()));
            problems.push(problem.hint(format!("write {{…}} with some of {}", known.join(", "))));
            return None;
        };
        let under = if path.is_empty() { String::new() } else { format!("{path}.") };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let hint = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("there are: {}", known.join(", ")),
            };
            let wrong = format!("unknown key '{}'", shorten(key));
            problems.push(Problem::new(format!("{under}{}", shorten(key)), wrong).hint(hint));
        }
        Some(Self { path: under, map, problems })
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn part<'b>(&'b mut self, key: &str, known: &[&str]) -> Option<Part<'b>>
    where
        'a: 'b,
    {
        let value = self.get(key)?;
        Part::of(&format!("{}{key}", self.path), value, known, self.problems)
    }

    fn map(&mut self, key: &str) -> Option<Map<String, Value>> {
        let value = self.get(key)?;
        let map = value.as_object().cloned();
        if map.is_none() {
            self.refuse(key, "is not a map", value, "write {…}");
        }
        map
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.get(key)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.refuse(key, "is not a text", value, "write it in double quotes");
        }
        text
    }

    fn time(&mut self, key: &str) -> Option<Timestamp> {
        let value = self.get(key)?;
        let time = value.as_str().and_then(Timestamp::parse_rfc3339);
        if time.is_none() {
            self.refuse(key, "is not a time", value, "write it as 2026-11-23T08:00:00Z");
        }
        time
    }

    fn number(&mut self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        let number = value.as_u64().filter(|number| *number > 0);
        if number.is_none() {
            self.refuse(key, "is not a whole number from 1", value, "leave it out for 1");
        }
        number
    }

    fn flag(&mut self, key: &str) -> bool {
        let Some(value) = self.get(key) else { return false };
        if !value.is_boolean() {
            self.refuse(key, "is neither true nor false", value, "leave it out for false");
        }
        value == true
    }

    fn refuse(&mut self, key: &str, wrong: &str, value: &Value, hint: &str) {
        let problem = Problem::new(format!("{}{key}", self.path), wrong);
        self.problems.push(problem.value(shorten(&value.to_string())).hint(hint));
    }
}
