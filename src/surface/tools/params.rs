//! The parameters that several tools share, with the words that tell a model what they mean.
//!
//! Not here: which tool has which (`table`), how they are read (`arguments`).

use super::field::{Field, Kind};

pub(super) const TRIGGER: &[Field] = &[
    Field::new(
        "at",
        Kind::Text,
        "Once, at this time: RFC 3339 (2026-01-30T16:00:00Z), or a local time (2026-01-30 16:00) read in `timezone`.",
    ),
    Field::new(
        "in",
        Kind::Text,
        "Once, after this long, counted by the server's clock: 2h, 90m, 1d12h. Prefer it to computing `at`.",
    ),
    Field::new("every", Kind::Text, "Again and again, this far apart: 30m, 1h."),
    Field::new("every_seconds", Kind::Whole(1), "The same as `every`, in seconds."),
    Field::new(
        "cron",
        Kind::Text,
        "Again and again, by a cron expression. 5 fields are Unix cron (0 9 * * MON-FRI); 6 or 7 are Quartz, seconds first (0 0 9 ? * MON-FRI).",
    ),
    Field::new("timezone", Kind::Text, "IANA zone of all times given here, such as Europe/Berlin."),
    Field::new(
        "dialect",
        Kind::Word(&["auto", "unix", "quartz"]),
        "How to read `cron`; auto goes by the number of fields.",
    ),
    Field::new("anchor", Kind::Text, "The first due of `every`: a time like `at`."),
];
pub(super) const WHEN: &[Field] = &[Field::new(
    "when",
    Kind::Text,
    "The time in plain words, instead of at, in, every and cron: every weekday at 9.",
)];
pub(super) const AFTER: &[Field] = &[Field::new(
    "after",
    Kind::MapWith("schedule"),
    "Instead of a time: whenever a run of another schedule of yours has ended, {schedule: its id or name, outcome: delivered}. outcome is delivered, silent, failed, unknown, skipped or any, or a list.",
)];
pub(super) const PAYLOAD: &[Field] = &[
    Field::new("message", Kind::Text, "The literal text to send. No model is called."),
    Field::new("template", Kind::Text, "Text with ${…} parts that are worked out when it is due."),
    Field::new("task", Kind::Text, "An instruction for a model run at that time; its answer is sent."),
];
pub(super) const OPTIONS: &[Field] = &[
    Field::new(
        "gateway",
        Kind::Text,
        "Name of the gateway to send by. Leave it and chat_id out to answer in the present conversation.",
    ),
    Field::new("chat_id", Kind::Text, "The conversation to send to."),
    Field::new("thread", Kind::Text, "Thread or topic of that conversation."),
    Field::new("model", Kind::Text, "Model of a `task`."),
    Field::new("hook", Kind::Text, "Name of a script on the server; never its source."),
    Field::new("vars", Kind::Map, "Values for the hook and the template."),
    Field::new("labels", Kind::Map, "Free labels, as {name: text}."),
    Field::new("start_at", Kind::Text, "No due earlier than this."),
    Field::new("end_at", Kind::Text, "No due later than this."),
    Field::new("max_runs", Kind::Whole(1), "Ends after so many runs."),
    Field::new(
        "except",
        Kind::Texts,
        "Days and hours on which it stays silent: 2026-12-24..2026-12-26, SAT,SUN, 22:00-07:00.",
    ),
    Field::new("jitter", Kind::Text, "Each due is put off by up to this long."),
    Field::new(
        "misfire_policy",
        Kind::Word(&["fire_once", "skip", "fire_all"]),
        "What becomes of dues missed while the server was down.",
    ),
    Field::new("catchup_window", Kind::Text, "A missed due older than this is skipped: 24h."),
    Field::new(
        "overlap_policy",
        Kind::Word(&["skip", "buffer_one", "buffer_all", "cancel_other", "allow_all"]),
        "What becomes of a due whose predecessor still runs.",
    ),
    Field::new(
        "silence",
        Kind::Word(&["json", "tool", "heartbeat", "never"]),
        "How a `task` may stay silent; json, the default: an answer that is {\"silent\": true, \"reason\": \"…\"} is not sent; \
         tool: only what the run says by schedule_deliver is sent; heartbeat: as json, and HEARTBEAT_OK is not sent either.",
    ),
    Field::new(
        "delivery",
        Kind::Word(&["at_least_once", "at_most_once"]),
        "What an unanswered attempt to send means.",
    ),
    Field::new("max_retries", Kind::Whole(0), "Further attempts after the first one fails."),
    Field::new("retry_delay_ms", Kind::Whole(0), "Milliseconds before the first of them."),
    Field::new("max_retry_delay_ms", Kind::Whole(0), "Milliseconds between two of them at the longest."),
    Field::new("pause_after_failures", Kind::Whole(0), "Pauses itself after so many failures in a row; 0: never."),
    Field::new("expect_every", Kind::Text, "The user is told once when no run has succeeded for this long: 26h."),
    Field::new("budget", Kind::Map, "What a `task` may spend: {max_tokens_per_run, max_cost_per_day}."),
    Field::new("client_token", Kind::Text, "Any unique text: a repeated call with it creates nothing new."),
    Field::new("process_handle", Kind::Text, "The process whose end cancels the schedule."),
    Field::new("paused", Kind::Flag, "Whether it waits until it is resumed."),
];
pub(super) const NAME: Field = Field::new("name", Kind::Text, "A name, unique among your schedules.");
pub(super) const DRY_RUN: Field =
    Field::new("dry_run", Kind::Flag, "Only check, and tell the next times; nothing is changed.");
pub(super) const ID: Field = Field::new("schedule_id", Kind::Text, "The schedule's id.");
pub(super) const NAMED: Field = Field::new("name", Kind::Text, "The schedule's name.");
pub(super) const ONE: &[Field] = &[ID, Field::new("name", Kind::Text, "Its name, where the id is not known.")];
pub(super) const RETRIES: &[Field] = &[
    Field::new("max_retries", Kind::Whole(0), "Further attempts after the first one fails (default 3)."),
    Field::new("retry_delay_ms", Kind::Whole(0), "Milliseconds before the first of them (default 1000)."),
    Field::new(
        "max_retry_delay_ms",
        Kind::Whole(0),
        "Milliseconds between two of them at the longest (default 30000).",
    ),
];
pub(super) const DURAGENT: &[Field] = &[
    Field::new("at", Kind::Text, "Once, at this RFC 3339 time."),
    Field::new("every_seconds", Kind::Whole(1), "Again and again, so many seconds apart."),
    Field::new("cron", Kind::Text, "Again and again, by a cron expression of 5 fields: 0 9 * * MON-FRI."),
    Field::new("message", Kind::Text, "The literal text to send."),
    Field::new("task", Kind::Text, "An instruction for a model run at that time."),
    Field::new("process_handle", Kind::Text, "The process whose end cancels the schedule."),
];
