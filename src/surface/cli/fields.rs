//! The options that declare a schedule, and the JSON object they stand for.
//!
//! Invariant: every field that a file can set has an option here; an option that is not given leaves no trace.
//! Units: times and spans stay text. Not here: whether any of it is right (`spec`).

use clap::Args;
use serde_json::{Map, Value, json};

use crate::problem::Problem;
use crate::spec::tree::shorten;
use crate::surface::error::Error;

/// Where the text of `add` goes when nothing is said.
const CHAT_DEFAULT: &str = "local";

/// What only `add` may say, and all that `update` may say, too.
#[derive(Clone, Debug, Default, Args)]
pub struct ScheduleFields {
    /// Id: letters, digits, - _ . [default: sched_ and a ULID]
    #[arg(long, help_heading = "Schedule")]
    pub id: Option<String>,
    /// Name, unique for its agent
    #[arg(long, help_heading = "Schedule")]
    pub name: Option<String>,
    /// Owner
    #[arg(long, help_heading = "Schedule")]
    pub agent: Option<String>,
    /// Only record what would be sent
    #[arg(long, conflicts_with_all = ["gateway", "chat_id", "thread"], help_heading = "Destination")]
    pub no_destination: bool,
    /// Begin paused
    #[arg(long, help_heading = "Schedule")]
    pub paused: bool,
    /// Makes repeating this command harmless: the same token answers with the same schedule
    #[arg(long, value_name = "TOKEN", help_heading = "Schedule")]
    pub client_token: Option<String>,
    /// Cancelled when this process is said to have ended; see `process-exited`
    #[arg(long, value_name = "HANDLE", help_heading = "Schedule")]
    pub process_handle: Option<String>,
    /// The rest.
    #[command(flatten)]
    pub fields: Fields,
}

/// Fields that may be set and changed.
#[derive(Clone, Debug, Default, Args)]
pub struct Fields {
    /// Once, at this time: RFC 3339, or local to --timezone
    #[arg(long, value_name = "TIME", group = "trigger", help_heading = "Trigger (one of)")]
    pub at: Option<String>,
    /// Once, after this span, such as 2h
    #[arg(
        long = "in",
        value_name = "SPAN",
        allow_hyphen_values = true,
        group = "trigger",
        help_heading = "Trigger (one of)"
    )]
    pub after: Option<String>,
    /// Again and again, after this span, such as 30m
    #[arg(
        long,
        value_name = "SPAN",
        allow_hyphen_values = true,
        group = "trigger",
        help_heading = "Trigger (one of)"
    )]
    pub every: Option<String>,
    /// By a cron expression: 5 fields are Unix cron, 6 or 7 are Quartz
    #[arg(long, value_name = "EXPR", group = "trigger", help_heading = "Trigger (one of)")]
    pub cron: Option<String>,
    /// Plain words, such as 'tomorrow at 9am' or 'every weekday at 9'; see: chimewheel guide schedules
    #[arg(long, value_name = "WORDS", group = "trigger", help_heading = "Trigger (one of)")]
    pub when: Option<String>,
    /// Whenever a run of this schedule has ended; see --after-outcome
    #[arg(long = "after", value_name = "ID", group = "trigger", help_heading = "Trigger (one of)")]
    pub follows: Option<String>,
    /// Ends that count for --after: delivered, silent, failed, unknown, skipped or any [default: delivered]
    #[arg(long, value_name = "OUTCOMES", value_delimiter = ',', help_heading = "Trigger (one of)")]
    pub after_outcome: Vec<String>,
    /// First due of --every
    #[arg(long, value_name = "TIME", help_heading = "Trigger (one of)")]
    pub anchor: Option<String>,
    /// Cron dialect: auto, unix or quartz
    #[arg(long, help_heading = "Trigger (one of)")]
    pub dialect: Option<String>,
    /// IANA time zone of all its times
    #[arg(long, visible_alias = "tz", value_name = "ZONE", help_heading = "Trigger (one of)")]
    pub timezone: Option<String>,
    /// The text to send, literally
    #[arg(long, short, value_name = "TEXT", allow_hyphen_values = true, help_heading = "Message")]
    pub message: Option<String>,
    /// What a model is to do; its answer is sent
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "message",
        help_heading = "Message"
    )]
    pub task: Option<String>,
    /// The text to send, with what its ${…} come to; see: chimewheel guide hooks
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with_all = ["message", "task"],
        help_heading = "Message"
    )]
    pub template: Option<String>,
    /// The script that shapes its runs, such as standup for scripts/standup.rhai
    #[arg(long, value_name = "NAME", help_heading = "Message")]
    pub hook: Option<String>,
    /// A run whose script fails: fail or deliver_plain
    #[arg(long, value_name = "POLICY", help_heading = "Policies")]
    pub on_hook_error: Option<String>,
    /// The model that does the task, as provider/name
    #[arg(long, value_name = "MODEL", help_heading = "Message")]
    pub model: Option<String>,
    /// What of the model is not sent: json (an answer that is {"silent": true}), heartbeat (that, or HEARTBEAT_OK), tool (all but
    /// what it says by a tool) or never
    #[arg(long, value_name = "HOW", help_heading = "Message")]
    pub silence: Option<String>,
    /// What a task's model may take: max_tokens_per_run=4000 or max_cost_per_day=0.50; may be repeated
    #[arg(long, value_name = "LIMIT=AMOUNT", help_heading = "Policies")]
    pub budget: Vec<String>,
    /// Gateway [default for add: console]
    #[arg(long, value_name = "NAME", help_heading = "Destination")]
    pub gateway: Option<String>,
    /// The platform's id of the chat
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = "Destination")]
    pub chat_id: Option<String>,
    /// Thread or topic in the chat
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = "Destination")]
    pub thread: Option<String>,
    /// No due earlier than this
    #[arg(long, value_name = "TIME", help_heading = "Bounds")]
    pub start_at: Option<String>,
    /// No due later than this
    #[arg(long, value_name = "TIME", help_heading = "Bounds")]
    pub end_at: Option<String>,
    /// Completed after so many runs
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Bounds")]
    pub max_runs: Option<i64>,
    /// Dues that do not count: 2026-12-24, 2026-12-24..2026-12-26, SAT,SUN or 22:00-07:00; may be repeated
    #[arg(long, value_name = "DAYS", help_heading = "Bounds")]
    pub except: Vec<String>,
    /// Put each due off by up to this span, the same amount every time
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true, help_heading = "Policies")]
    pub jitter: Option<String>,
    /// Dues missed while nothing ran: fire_once, skip or fire_all
    #[arg(long, value_name = "POLICY", help_heading = "Policies")]
    pub misfire_policy: Option<String>,
    /// A missed due older than this is skipped
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true, help_heading = "Policies")]
    pub catchup_window: Option<String>,
    /// A due whose predecessor still runs: skip, buffer_one, buffer_all, cancel_other or allow_all
    #[arg(long, value_name = "POLICY", help_heading = "Policies")]
    pub overlap_policy: Option<String>,
    /// An attempt without an answer: at_least_once or at_most_once
    #[arg(long, value_name = "GUARANTEE", help_heading = "Policies")]
    pub delivery: Option<String>,
    /// What a task's model knows of earlier: isolated (its own results) or conversation (that of its chat)
    #[arg(long, value_name = "WHAT", help_heading = "Policies")]
    pub session: Option<String>,
    /// Attempts in all, the first one included
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Policies")]
    pub max_attempts: Option<i64>,
    /// Give up when the message is older than this
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true, help_heading = "Policies")]
    pub max_age: Option<String>,
    /// First wait before trying again
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true, help_heading = "Policies")]
    pub backoff_min: Option<String>,
    /// Longest wait before trying again
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true, help_heading = "Policies")]
    pub backoff_max: Option<String>,
    /// Failures in a row after which it pauses itself; 0: never
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Policies")]
    pub pause_after_failures: Option<i64>,
    /// Tell the owner's chat when no run has succeeded for this span, such as 26h
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true, help_heading = "Policies")]
    pub expect_every: Option<String>,
    /// A label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Schedule")]
    pub label: Vec<String>,
    /// A variable, its value as JSON or else as text; may be repeated
    #[arg(long, value_name = "KEY=JSON", help_heading = "Schedule")]
    pub var: Vec<String>,
}

impl ScheduleFields {
    /// The declaration these options stand for.
    pub fn to_json(&self) -> Result<Value, Error> {
        let mut whole = self.fields.to_map()?;
        put(&mut whole, "id", &self.id);
        put(&mut whole, "name", &self.name);
        put(&mut whole, "agent", &self.agent);
        put(&mut whole, "client_token", &self.client_token);
        put(&mut whole, "process_handle", &self.process_handle);
        if self.paused {
            whole.insert("paused".to_owned(), json!(true));
        }
        if self.no_destination {
            whole.insert("destination".to_owned(), Value::Null);
        } else {
            self.fields.default_destination(&mut whole);
        }
        Ok(Value::Object(whole))
    }
}

impl Fields {
    /// The fields that are given, as an object to create or to patch with.
    pub fn to_map(&self) -> Result<Map<String, Value>, Error> {
        let mut whole = Map::new();
        let trigger = [
            ("at", &self.at),
            ("in", &self.after),
            ("every", &self.every),
            ("cron", &self.cron),
            ("when", &self.when),
            ("anchor", &self.anchor),
            ("dialect", &self.dialect),
            ("timezone", &self.timezone),
        ];
        put_group(&mut whole, "schedule", texts(&trigger));
        let payload = [("message", &self.message), ("task", &self.task), ("template", &self.template)];
        put_group(&mut whole, "payload", texts(&payload));
        let place = [("gateway", &self.gateway), ("chat_id", &self.chat_id), ("thread", &self.thread)];
        put_group(&mut whole, "destination", texts(&place));
        whole.extend(texts(&[
            ("model", &self.model),
            ("silence", &self.silence),
            ("hook", &self.hook),
            ("on_hook_error", &self.on_hook_error),
            ("start_at", &self.start_at),
            ("end_at", &self.end_at),
            ("jitter", &self.jitter),
            ("misfire_policy", &self.misfire_policy),
            ("catchup_window", &self.catchup_window),
            ("overlap_policy", &self.overlap_policy),
            ("delivery", &self.delivery),
            ("session", &self.session),
            ("expect_every", &self.expect_every),
        ]));
        let mut after = texts(&[("schedule", &self.follows)]);
        if !self.after_outcome.is_empty() {
            after.insert("outcome".to_owned(), json!(self.after_outcome));
        }
        put_group(&mut whole, "after", after);
        put(&mut whole, "max_runs", &self.max_runs);
        if !self.except.is_empty() {
            whole.insert("except".to_owned(), json!(self.except));
        }
        put(&mut whole, "pause_after_failures", &self.pause_after_failures);
        let spans =
            [("max_age", &self.max_age), ("backoff_min", &self.backoff_min), ("backoff_max", &self.backoff_max)];
        let mut retry = texts(&spans);
        put(&mut retry, "max_attempts", &self.max_attempts);
        put_group(&mut whole, "retry", retry);
        put_group(&mut whole, "labels", pairs("label", &self.label, |text| json!(text))?);
        let read = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        put_group(&mut whole, "vars", pairs("var", &self.var, read)?);
        // As it is written: an amount is read from its digits.
        put_group(&mut whole, "budget", pairs("budget", &self.budget, |amount| json!(amount))?);
        Ok(whole)
    }

    /// Fills in where `add` sends to: the console, which needs no chat of its own.
    fn default_destination(&self, whole: &mut Map<String, Value>) {
        if self.gateway.as_deref().unwrap_or("console") == "console" {
            let mut place = texts(&[("thread", &self.thread)]);
            place.insert("gateway".to_owned(), json!("console"));
            place.insert("chat_id".to_owned(), json!(self.chat_id.as_deref().unwrap_or(CHAT_DEFAULT)));
            put_group(whole, "destination", place);
        }
    }
}

fn put<T: serde::Serialize>(whole: &mut Map<String, Value>, key: &str, value: &Option<T>) {
    if let Some(value) = value {
        whole.insert(key.to_owned(), json!(value));
    }
}

fn put_group(whole: &mut Map<String, Value>, key: &str, group: Map<String, Value>) {
    if !group.is_empty() {
        whole.insert(key.to_owned(), Value::Object(group));
    }
}

fn texts(given: &[(&str, &Option<String>)]) -> Map<String, Value> {
    let mut group = Map::new();
    for (key, value) in given {
        put(&mut group, key, value);
    }
    group
}

fn pairs(option: &str, given: &[String], read: impl Fn(&str) -> Value) -> Result<Map<String, Value>, Error> {
    let mut group = Map::new();
    for pair in given {
        let (key, value) = pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
            Error::bad_input(Problem::new(format!("--{option}"), "is not KEY=VALUE").value(shorten(pair)))
        })?;
        if group.insert(key.to_owned(), read(value)).is_some() {
            let problem = Problem::new(format!("--{option}"), "is given twice for one key").value(shorten(key));
            return Err(Error::bad_input(problem));
        }
    }
    Ok(group)
}

/// The patch that removes fields: `max_runs` or `destination.thread` becomes an explicit null.
pub fn clear(patch: &mut Map<String, Value>, fields: &[String]) -> Result<(), Error> {
    for field in fields {
        let (group, key) = match field.split_once('.') {
            Some((outer, inner)) => {
                let group = patch.entry(outer.to_owned()).or_insert_with(|| json!({}));
                (group.as_object_mut(), inner)
            }
            None => (Some(&mut *patch), field.as_str()),
        };
        let taken = |group: &Map<String, Value>| group.get(key).is_some_and(|value| !value.is_null());
        match group {
            Some(group) if !taken(group) => group.insert(key.to_owned(), Value::Null),
            Some(_) | None => {
                let problem = Problem::new("--clear", "is set by another option, too").value(field.clone());
                return Err(Error::bad_input(problem));
            }
        };
    }
    Ok(())
}
