//! The table: every tool of every set, with its parameters and the words that tell a model when to use it.
//!
//! Invariant: a name that two sets share has the canonical row first. `schedule_deliver` and `heartbeat_deliver` exist
//! only inside runs and are not listed here. Not here: what the tools do (`canonical`, `named`, `duragent`).

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::arguments::Arguments;
use super::field::{Field, Kind};
use super::params::{DRY_RUN, DURAGENT, ID, NAME, NAMED, ONE, OPTIONS, PAYLOAD, RETRIES, TRIGGER, WHEN};
use super::reply::{Booked, Triggered};
use super::{Desk, Outcome, canonical, duragent, named};
use crate::surface::ops::reply::{Changed, Listed, Previewed, RunsListed, Updated};

/// Families of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Ours.
    Canonical,
    /// Quartz cron and unique names.
    Named,
    /// Ids, and the conversation as context.
    Duragent,
}

impl Set {
    /// Every set.
    pub const ALL: [Self; 3] = [Self::Canonical, Self::Named, Self::Duragent];

    /// Its word in the config.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Named => "named",
            Self::Duragent => "duragent",
        }
    }

    /// The set of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.word() == word)
    }
}

/// One tool.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// The set it belongs to.
    pub set: Set,
    /// What it is called for people.
    pub title: &'static str,
    /// What it does and when to use it, for a model.
    pub about: &'static str,
    /// What using it does to the world.
    pub nature: Nature,
    groups: &'static [&'static [Field]],
    reply: Option<fn(&mut SchemaGenerator) -> Schema>,
    act: Act,
}

impl PartialEq for Tool {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.set) == (other.name, other.set)
    }
}

/// What using a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It only reads.
    Reads,
    /// It makes something new.
    Creates,
    /// It sets something that the same call would only set again.
    Sets,
    /// It changes what was there, or takes it away, and doing it again changes nothing more.
    Replaces,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Task,
    List,
    Cancel,
    Update,
    Runs,
    Preview,
    RunNow,
    NamedAdd,
    NamedRemove,
    NamedEdit,
    NamedEnable,
    NamedDisable,
    Schedule,
    DuragentCreate,
    DuragentList,
    DuragentCancel,
}

impl Tool {
    /// Its parameters.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        self.groups.concat()
    }

    /// The schema of its arguments.
    #[must_use]
    pub fn input(&self) -> serde_json::Map<String, serde_json::Value> {
        super::field::input(&self.fields())
    }

    /// The schema of what it tells in structured form.
    #[must_use]
    pub fn output(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        self.reply.map(super::field::output)
    }

    /// The operations by which it changes something.
    #[must_use]
    pub fn changes(&self) -> &'static [&'static str] {
        match self.act {
            Act::Task | Act::NamedAdd | Act::DuragentCreate => &["add", "import"],
            Act::Schedule => &["add", "import", "cancel", "process-exited"],
            Act::Cancel | Act::NamedRemove | Act::DuragentCancel => &["cancel", "process-exited"],
            Act::Update => &["update", "pause", "resume", "dead-letters-drop"],
            Act::NamedEdit => &["update"],
            Act::NamedEnable => &["resume"],
            Act::NamedDisable => &["pause"],
            Act::RunNow => &["run-now", "dead-letters-retry"],
            Act::List | Act::Runs | Act::Preview | Act::DuragentList => &[],
        }
    }

    pub(super) async fn act(&self, desk: &Desk<'_>, arguments: Arguments) -> Outcome {
        match self.act {
            Act::Task => canonical::task(desk, arguments).await,
            Act::List => canonical::list(desk, arguments).await,
            Act::Cancel => canonical::cancel(desk, arguments).await,
            Act::Update => canonical::update(desk, arguments).await,
            Act::Runs => canonical::runs(desk, arguments).await,
            Act::Preview => canonical::preview(desk, arguments).await,
            Act::RunNow => canonical::run_now(desk, arguments).await,
            Act::NamedAdd => named::add(desk, arguments).await,
            Act::NamedRemove => named::remove(desk, arguments).await,
            Act::NamedEdit => named::edit(desk, arguments).await,
            Act::NamedEnable => named::enable(desk, arguments).await,
            Act::NamedDisable => named::disable(desk, arguments).await,
            Act::Schedule => duragent::schedule(desk, arguments).await,
            Act::DuragentCreate => duragent::create(desk, arguments).await,
            Act::DuragentList => duragent::list(desk, arguments).await,
            Act::DuragentCancel => duragent::cancel(desk, arguments).await,
        }
    }
}

fn of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

/// Every tool; the first of a name stands for all sets that know it.
pub const TABLE: &[Tool] = &[
    Tool {
        name: "schedule_task",
        set: Set::Canonical,
        title: "Book a schedule",
        about: "Book a message or a task for later, once or again and again. Give exactly one of when, at, in, every, \
                every_seconds and cron, and exactly one of message (literal text), template and task (an instruction \
                for a model). It answers in the present conversation unless gateway and chat_id say otherwise. The \
                reply repeats in plain English what was understood, with the next times: check them, and tell the \
                user. Any of the retry parameters sets the others to 3 retries, 1000 ms and 30000 ms.",
        nature: Nature::Creates,
        groups: &[
            WHEN,
            TRIGGER,
            PAYLOAD,
            &[NAME, Field::new("id", Kind::Text, "An id of your choice; leave it out for a made-up one.")],
            OPTIONS,
            &[DRY_RUN],
        ],
        reply: Some(of::<Booked>),
        act: Act::Task,
    },
    Tool {
        name: "schedule_list",
        set: Set::Canonical,
        title: "List schedules",
        about: "List your schedules with what they send and when they fire next. Those that have ended are left out \
                unless `status` asks for them.",
        nature: Nature::Reads,
        groups: &[&[
            Field::new(
                "status",
                Kind::Word(&["active", "paused", "completed", "cancelled"]),
                "Only schedules in this status.",
            ),
            Field::new("limit", Kind::Whole(1), "At most this many."),
            Field::new("cursor", Kind::Text, "Where the last page ended."),
        ]],
        reply: Some(of::<Listed>),
        act: Act::List,
    },
    Tool {
        name: "schedule_cancel",
        set: Set::Canonical,
        title: "Cancel a schedule",
        about: "End one of your schedules for good; its history stays. Give its id or its name. To hold it for a \
                while, use schedule_update with paused.",
        nature: Nature::Replaces,
        groups: &[ONE],
        reply: Some(of::<Changed>),
        act: Act::Cancel,
    },
    Tool {
        name: "schedule_update",
        set: Set::Canonical,
        title: "Change a schedule",
        about: "Change one of your schedules: give its id (or its name) and what is to be different, by the \
                parameters of schedule_task. A new time replaces the old one and keeps its zone; a new message or \
                task replaces the old one. `paused` holds it or lets it go on; `clear` takes a field away.",
        nature: Nature::Replaces,
        groups: &[
            &[ID, Field::new("name", Kind::Text, "Its name where no id is given; else its new name.")],
            WHEN,
            TRIGGER,
            PAYLOAD,
            OPTIONS,
            &[Field::new("clear", Kind::Texts, "Fields to take away, such as max_runs or end_at."), DRY_RUN],
        ],
        reply: Some(of::<Updated>),
        act: Act::Update,
    },
    Tool {
        name: "schedule_runs",
        set: Set::Canonical,
        title: "Show what became of a schedule",
        about: "Show what became of a schedule's dues, newest first: delivered, silent, skipped, failed, with the \
                reason.",
        nature: Nature::Reads,
        groups: &[ONE, &[Field::new("limit", Kind::Whole(1), "At most this many (default 20).")]],
        reply: Some(of::<RunsListed>),
        act: Act::Runs,
    },
    Tool {
        name: "schedule_preview",
        set: Set::Canonical,
        title: "Preview times",
        about: "Tell when a trigger would fire, in plain English and as the next times. Nothing is created. Give \
                exactly one of when, at, in, every, every_seconds and cron.",
        nature: Nature::Reads,
        groups: &[WHEN, TRIGGER, &[Field::new("n", Kind::Whole(1), "How many times (default 5).")]],
        reply: Some(of::<Previewed>),
        act: Act::Preview,
    },
    Tool {
        name: "schedule_run_now",
        set: Set::Canonical,
        title: "Run a schedule now",
        about: "Run one of your schedules once, now, besides its dues. Give its id or its name.",
        nature: Nature::Creates,
        groups: &[ONE],
        reply: Some(of::<Triggered>),
        act: Act::RunNow,
    },
    Tool {
        name: "schedule_add",
        set: Set::Named,
        title: "Add a scheduled task",
        about: "Add a scheduled task under a unique name: `message` is an INSTRUCTION for a model run at that time, \
                not the text itself (for a literal text use schedule_task). `cron` is Quartz: 6 or 7 fields, seconds \
                first, weekdays 1-7 from Sunday, ? in one of the day fields, such as 0 0 9 ? * MON-FRI.",
        nature: Nature::Creates,
        groups: &[&[
            Field::new("name", Kind::Text, "Unique task name. Duplicate names return an error.").required(),
            Field::new("cron", Kind::Text, "Quartz cron expression. Give exactly one of cron and at."),
            Field::new("at", Kind::Text, "Once, at this ISO-8601 time."),
            Field::new("message", Kind::Text, "Instruction for the model run.").required(),
            Field::new("model", Kind::Text, "Model to use instead of the usual one."),
            Field::new(
                "injectInto",
                Kind::Text,
                "Chat to send the answer to, with its gateway: telegram_123456. Without it the answer is only recorded.",
            ),
            Field::new("timezone", Kind::Text, "IANA zone of cron and at, such as Europe/Berlin."),
        ]],
        reply: Some(of::<Booked>),
        act: Act::NamedAdd,
    },
    Tool {
        name: "schedule_list",
        set: Set::Named,
        title: "List scheduled tasks",
        about: "List all active scheduled tasks.",
        nature: Nature::Reads,
        groups: &[],
        reply: Some(of::<Listed>),
        act: Act::List,
    },
    Tool {
        name: "schedule_remove",
        set: Set::Named,
        title: "Remove a scheduled task",
        about: "Permanently remove the scheduled task of this name.",
        nature: Nature::Replaces,
        groups: &[&[NAMED.required()]],
        reply: Some(of::<Changed>),
        act: Act::NamedRemove,
    },
    Tool {
        name: "schedule_edit",
        set: Set::Named,
        title: "Edit a scheduled task",
        about: "Change the cron expression (Quartz), the message or the model of the scheduled task of this name.",
        nature: Nature::Replaces,
        groups: &[&[
            NAMED.required(),
            Field::new("cron", Kind::Text, "New Quartz cron expression."),
            Field::new("message", Kind::Text, "New instruction."),
            Field::new("model", Kind::Text, "New model."),
        ]],
        reply: Some(of::<Updated>),
        act: Act::NamedEdit,
    },
    Tool {
        name: "schedule_enable",
        set: Set::Named,
        title: "Enable a scheduled task",
        about: "Let the disabled scheduled task of this name go on.",
        nature: Nature::Sets,
        groups: &[&[NAMED.required()]],
        reply: Some(of::<Changed>),
        act: Act::NamedEnable,
    },
    Tool {
        name: "schedule_disable",
        set: Set::Named,
        title: "Disable a scheduled task",
        about: "Hold the scheduled task of this name until it is enabled again.",
        nature: Nature::Sets,
        groups: &[&[NAMED.required()]],
        reply: Some(of::<Changed>),
        act: Act::NamedDisable,
    },
    Tool {
        name: "schedule",
        set: Set::Duragent,
        title: "Manage schedules",
        about: "Create, list or cancel schedules of this conversation. create: exactly one of at, every_seconds and \
                cron, and exactly one of message (literal text) and task (an instruction for a model run). cancel: \
                schedule_id.",
        nature: Nature::Replaces,
        groups: &[
            &[Field::new("action", Kind::Text, "create, list or cancel.").required()],
            DURAGENT,
            RETRIES,
            &[Field::new("schedule_id", Kind::Text, "For cancel: the schedule's id.")],
        ],
        reply: None,
        act: Act::Schedule,
    },
    Tool {
        name: "schedule_task",
        set: Set::Duragent,
        title: "Book a schedule",
        about: "Create a schedule of this conversation: exactly one of at, every_seconds and cron, and exactly one of \
                message (literal text) and task (an instruction for a model run).",
        nature: Nature::Creates,
        groups: &[DURAGENT, RETRIES],
        reply: Some(of::<Booked>),
        act: Act::DuragentCreate,
    },
    Tool {
        name: "list_schedules",
        set: Set::Duragent,
        title: "List schedules",
        about: "List the active schedules.",
        nature: Nature::Reads,
        groups: &[],
        reply: Some(of::<Listed>),
        act: Act::DuragentList,
    },
    Tool {
        name: "cancel_schedule",
        set: Set::Duragent,
        title: "Cancel a schedule",
        about: "Cancel the schedule of this id.",
        nature: Nature::Replaces,
        groups: &[&[ID.required()]],
        reply: Some(of::<Changed>),
        act: Act::DuragentCancel,
    },
];
