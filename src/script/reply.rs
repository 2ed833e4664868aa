//! What a script's answers mean.
//!
//! Invariant: an answer of another kind than a function may give is refused with what it may give; nothing is guessed.
//! Units: `Timestamp`; texts in bytes. Not here: the bounds that a schedule sets to its dues (`engine`).

use rhai::{Array, Dynamic, Map};

use super::answer::Answer;
use super::moment::{Length, Moment};
use super::scene::Facts;
use super::show;
use super::text::clipped;
use crate::limits;
use crate::problem::nearest;
use crate::spec::{Destination, judge_name};
use crate::time::Timestamp;

/// Whether a run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It does.
    Go,
    /// It does not, for this reason.
    Skip(String),
}

/// A text and where it goes; what is not said is as the schedule has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What is delivered.
    pub text: String,
    /// Over which gateway.
    pub gateway: Option<String>,
    /// To which conversation.
    pub chat_id: Option<String>,
    /// To which thread of it.
    pub thread: Option<String>,
}

impl Outgoing {
    /// Where it goes, beside the schedule's own destination; `None`: there is none, and it is only recorded.
    ///
    /// A chat belongs to its gateway and a thread to its chat: what is left out is the schedule's only while the part
    /// above it is. An error says what is missing.
    pub fn place(&self, own: Option<&Destination>) -> Result<Option<Destination>, String> {
        if self.gateway.is_none() && self.chat_id.is_none() && self.thread.is_none() {
            return Ok(own.cloned());
        }
        let own = own.filter(|own| self.gateway.as_ref().is_none_or(|gateway| *gateway == own.gateway));
        let Some(gateway) = self.gateway.clone().or_else(|| own.map(|own| own.gateway.clone())) else {
            return Err("a delivery names no gateway, and the schedule has no destination".to_owned());
        };
        let own = own.filter(|own| self.chat_id.as_ref().is_none_or(|chat_id| *chat_id == own.chat_id));
        let Some(chat_id) = self.chat_id.clone().or_else(|| own.map(|own| own.chat_id.clone())) else {
            return Err(format!("a delivery over '{gateway}' names no chat_id"));
        };
        let thread = self.thread.clone().or_else(|| own.and_then(|own| own.thread.clone()));
        Ok(Some(Destination { gateway, chat_id, thread }))
    }
}

/// What to do about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Try again, as the schedule's retry policy allows.
    Retry,
    /// Do not try again.
    GiveUp,
    /// Do not try again, and tell the owner this.
    Tell(String),
}

/// `gate`: false or a reason: no; true or nothing: yes.
pub(super) fn gate(value: Dynamic) -> Result<Gate, String> {
    Ok(yes_or_reason(&value, "true, false or a reason for skipping this run")?.map_or(Gate::Go, |said| match said {
        Said::Yes => Gate::Go,
        Said::No => Gate::Skip("the hook said no".to_owned()),
        Said::Reason(reason) => Gate::Skip(reason),
    }))
}

/// `silent`: true or a reason: silent; false or nothing: not.
pub(super) fn silent(value: Dynamic) -> Result<Option<String>, String> {
    Ok(yes_or_reason(&value, "true, false or a reason for staying silent")?.and_then(|said| match said {
        Said::Yes => Some("the hook said so".to_owned()),
        Said::No => None,
        Said::Reason(reason) => Some(reason),
    }))
}

/// `model`: a text, or nothing; an empty text says nothing, as it does of models everywhere.
pub(super) fn model(value: Dynamic) -> Result<Option<String>, String> {
    match text_of(&value) {
        Some(text) if text.trim().is_empty() => Ok(None),
        _ => text(value),
    }
}

/// `message`: a text, or nothing.
pub(super) fn text(value: Dynamic) -> Result<Option<String>, String> {
    if value.is_unit() {
        return Ok(None);
    }
    let text = text_of(&value).ok_or_else(|| wrong(&value, "a text or ()"))?;
    if text.trim().is_empty() {
        return Err("it answered with an empty text; () means as usual".to_owned());
    }
    whole(text).map(Some)
}

/// `deliver`: nothing, one or several texts, each with its place where that is not the schedule's.
pub(super) fn deliver(value: Dynamic, result: &str) -> Result<Option<Vec<Outgoing>>, String> {
    if value.is_unit() {
        return Ok(None);
    }
    let Some(items) = value.read_lock::<Array>() else { return Ok(Some(vec![outgoing(&value, result)?])) };
    if items.is_empty() {
        return Err("it answered with an empty list; to deliver nothing, use silent(ctx, result)".to_owned());
    }
    if items.len() > limits::OUTGOING_COUNT_MAX {
        let (count, count_max) = (items.len(), limits::OUTGOING_COUNT_MAX);
        return Err(format!("it answered with {count} deliveries; {count_max} are allowed"));
    }
    items.iter().map(|item| outgoing(item, result)).collect::<Result<Vec<_>, _>>().map(Some)
}

/// `next`: nothing, a time, or how long after this run.
pub(super) fn next(value: Dynamic, facts: &Facts) -> Result<Option<Timestamp>, String> {
    const MAY: &str = "a duration, a time, a text such as \"2h\" or ()";
    if value.is_unit() {
        return Ok(None);
    }
    let after = |length: Length| facts.actual.as_millis().saturating_add(length.0);
    let at_ms = if let Some(moment) = value.read_lock::<Moment>() {
        moment.at.as_millis()
    } else if let Some(length) = value.read_lock::<Length>() {
        after(*length)
    } else {
        let text = text_of(&value).ok_or_else(|| wrong(&value, MAY))?;
        let moment = Moment::parse(&text, facts.schedule.zone).map(|moment| moment.at.as_millis());
        let length =
            || Length::parse(&text).map(after).map_err(|_| format!("it answered with '{text}'; it may be {MAY}"));
        moment.or_else(|_| length())?
    };
    let at = Timestamp::from_millis(at_ms);
    if at <= facts.actual {
        let zone = facts.schedule.zone;
        return Err(format!(
            "it answered with {}, which is not after this run, of {}",
            zone.format(at),
            zone.format(facts.actual)
        ));
    }
    if at >= Timestamp::HORIZON {
        return Err("it answered with a time after the year 2199".to_owned());
    }
    Ok(Some(at))
}

/// `failed`: nothing, what to do, or what to tell the owner.
pub(super) fn failed(value: Dynamic) -> Result<Option<OnFailure>, String> {
    if value.is_unit() {
        return Ok(None);
    }
    let text = text_of(&value).ok_or_else(|| wrong(&value, "\"retry\", \"give_up\", a text for the owner or ()"))?;
    match text.trim() {
        "" => Err("it answered with an empty text; () means as usual".to_owned()),
        "retry" => Ok(Some(OnFailure::Retry)),
        "give_up" => Ok(Some(OnFailure::GiveUp)),
        _ => whole(text).map(|text| Some(OnFailure::Tell(text))),
    }
}

enum Said {
    Yes,
    No,
    Reason(String),
}

fn yes_or_reason(value: &Dynamic, may: &str) -> Result<Option<Said>, String> {
    if value.is_unit() {
        return Ok(None);
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(Some(if flag { Said::Yes } else { Said::No }));
    }
    let text = text_of(value).ok_or_else(|| wrong(value, may))?;
    if text.trim().is_empty() {
        return Err(format!("it answered with an empty text; it may be {may}"));
    }
    Ok(Some(Said::Reason(clipped(&text, limits::NOTE_BYTES_MAX))))
}

/// One delivery: a text, or a map with its place.
fn outgoing(value: &Dynamic, result: &str) -> Result<Outgoing, String> {
    const KEYS: &[&str] = &["text", "gateway", "chat_id", "thread"];
    if let Some(text) = text_of(value) {
        return Ok(Outgoing { text: sendable(text)?, gateway: None, chat_id: None, thread: None });
    }
    let map = value.read_lock::<Map>();
    let map = map.ok_or_else(|| wrong(value, "a text, #{text, gateway, chat_id, thread}, a list of these or ()"))?;
    if let Some(key) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let near = nearest(key, KEYS.iter().copied());
        let hint =
            near.map_or_else(|| format!("it may have {}", KEYS.join(", ")), |near| format!("did you mean '{near}'?"));
        return Err(format!("a delivery has no '{key}'; {hint}"));
    }
    let part = |key: &str| match map.get(key) {
        None => Ok(None),
        Some(value) if value.is_unit() => Ok(None),
        // Some platforms number their chats.
        Some(value) => match text_of(value).or_else(|| value.as_int().ok().map(|number| number.to_string())) {
            Some(text) => Ok(Some(text)),
            None => Err(format!("'{key}' of a delivery is {}; a text is expected", show::kind(value))),
        },
    };
    // As strict as with the destination of a schedule.
    let name = |key: &str| match part(key)? {
        Some(text) => judge_name(&text).map(|()| Some(text)).map_err(|why| format!("'{key}' of a delivery {why}")),
        None => Ok(None),
    };
    let text = part("text")?.unwrap_or_else(|| result.to_owned());
    Ok(Outgoing {
        text: sendable(text)?,
        gateway: name("gateway")?,
        chat_id: name("chat_id")?,
        thread: name("thread")?,
    })
}

fn sendable(text: String) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it answered with an empty text; to deliver nothing, use silent(ctx, result)".to_owned());
    }
    whole(text)
}

/// A text that every platform can carry.
fn whole(text: String) -> Result<String, String> {
    if text.contains('\0') { Err("it answered with a text that holds a NUL character".to_owned()) } else { Ok(text) }
}

fn text_of(value: &Dynamic) -> Option<String> {
    if let Some(answer) = value.read_lock::<Answer>() {
        return Some(answer.text().into());
    }
    value.is_string().then(|| value.to_string())
}

fn wrong(value: &Dynamic, may: &str) -> String {
    format!("it answered with {}; it may be {may}", show::kind(value))
}
