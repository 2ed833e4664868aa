//! Prompts that a person picks in a client.
//!
//! Invariant: a prompt promises nothing that this version refuses. Not here: what tools do.

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::{Map, Value};

/// One prompt.
struct Written {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    /// Name, meaning, and whether it must be given.
    arguments: &'static [(&'static str, &'static str, bool)],
    text: &'static str,
}

const PROMPTS: &[Written] = &[
    Written {
        name: "book_reminder",
        title: "Book a reminder",
        about: "Books a reminder in this conversation and says back when it comes.",
        arguments: &[
            ("what", "What to be reminded of.", true),
            ("when", "When, in plain words; asked for where it is left out.", false),
        ],
        text: "Book a reminder with the tool schedule_task.\n\nWhat: {what}\nWhen: {when}\n\nIf the time is missing or \
               can be read in two ways, ask me first. Write the reminder as literal text in `message`. Pass \
               plain words on as `when`; what it refuses, write as `in`, `at` with `timezone`, `every` or `cron`. Then tell \
               me in one sentence what was booked, with the next time in my zone as the reply of the tool says it.",
    },
    Written {
        name: "write_hook",
        title: "Write a hook",
        about: "Drafts a script that will decide at each due what a schedule does.",
        arguments: &[("wish", "What the script is to decide.", true)],
        text: "Draft a hook, a Rhai script for a chimewheel schedule.\n\nWish: {wish}\n\nA hook may define gate(ctx) \
               (false or a reason: skip), message(ctx) (the text) and silent(ctx, result) (true or a reason: record, \
               do not send). It cannot read files, open connections, sleep or ask the time; all it knows is in ctx. \
               Whether this server runs hooks already is said by its answer to schedule_task with `hook` and \
               `dry_run`: try that before you promise anything, and if it is refused, tell me so and offer what can \
               be booked without a hook.",
    },
];

/// Every prompt.
pub(super) fn list() -> Vec<Prompt> {
    let argument = |(name, about, required): &(&str, &str, bool)| {
        PromptArgument::new(*name).with_description(*about).with_required(*required)
    };
    let prompt = |written: &Written| {
        let arguments = written.arguments.iter().map(argument).collect();
        Prompt::new(written.name, Some(written.about), Some(arguments)).with_title(written.title)
    };
    PROMPTS.iter().map(prompt).collect()
}

/// One prompt with its arguments filled in.
pub(super) fn get(name: &str, given: &Map<String, Value>) -> Result<GetPromptResult, ErrorData> {
    let refused = |message: String| ErrorData::invalid_params(message, None);
    let Some(written) = PROMPTS.iter().find(|written| written.name == name) else {
        let known = PROMPTS.iter().map(|written| written.name).collect::<Vec<_>>().join(", ");
        return Err(refused(format!("there is no prompt '{name}'; there are: {known}")));
    };
    let mut text = written.text.to_owned();
    for (argument, _, required) in written.arguments {
        let value = given.get(*argument).and_then(Value::as_str).filter(|value| !value.trim().is_empty());
        if *required && value.is_none() {
            return Err(refused(format!("the prompt '{name}' needs the argument '{argument}'")));
        }
        text = text.replace(&format!("{{{argument}}}"), value.unwrap_or("(not said)"));
    }
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).with_description(written.about))
}
