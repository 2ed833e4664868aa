//! The cold rows: a whole schedule as declared, and a plan.
//!
//! Fields stand in the order of their types; `vars` are one JSON text. A cron trigger is its text, dialect and
//! zone name and is read again when the row is; [`Patterns`] keeps one matcher for all rows that say the same.
//! Invariant: every row begins with its version; a later version may only add readers here.
//! Not here: the hot rows (`row`), indexes (`declare`).

use std::collections::BTreeMap;

use super::codec::{Bytes, Put};
use super::error::Malformed;
use crate::calendar::{After, Dialect, DialectChoice, Ends, Except, Patterns, Trigger, Zone};
use crate::engine::change::{ConversationId, Maker, Plan};
use crate::id::{ScheduleId, ScheduleKey};
use crate::money::Cost;
use crate::spec::{
    Bounds, Budget, DeliveryGuarantee, Destination, MisfirePolicy, OnHookError, OverlapPolicy, Payload, Policy,
    RetryPolicy, RunSession, Schedule, Silence, Source, Talk, Task,
};

/// 2: how many failures are borne, and exclusions; 3: process handles; 4: tasks without a model; 5: hooks
/// and templates; 6: conversations, how a task may be silent and what it may take, started by another schedule, and
/// expected to succeed.
const SCHEDULE_VERSION: u8 = 6;
/// 2: how many failures are borne, and exclusions; 3: who makes the texts; 4: by the whole name
/// of the model, or by the agent; 5: made by scripts; 6: that know their
/// conversation, are started by another schedule, and expected to succeed.
const PLAN_VERSION: u8 = 6;

type Read<T> = Result<T, Malformed>;

/// The row of a schedule: its generation, then the declaration.
pub(super) fn schedule_row(generation: u32, schedule: &Schedule) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    out.byte(SCHEDULE_VERSION);
    out.number(u64::from(generation));
    out.text(schedule.id.as_str());
    out.option(schedule.name.as_deref(), |out, name| out.text(name));
    out.text(&schedule.agent);
    out.option(schedule.created_by_session.as_deref(), |out, session| out.text(session));
    out.instant(schedule.created_at);
    out.text(schedule.zone.name());
    out.option(schedule.destination.as_ref(), put_destination);
    put_trigger(&mut out, &schedule.trigger);
    match &schedule.payload {
        Payload::Message(text) => {
            out.byte(0);
            out.text(text);
        }
        Payload::Task(task) => {
            out.byte(match task.session {
                RunSession::Isolated => 2,
                RunSession::Conversation => 4,
            });
            out.text(&task.instruction);
            out.option(task.model.as_deref(), |out, model| out.text(model));
            out.byte(match task.silence {
                Silence::Json => 0,
                Silence::Never => 1,
                Silence::Tool => 2,
                Silence::Heartbeat => 3,
            });
            out.option(task.budget.max_tokens_per_run, |out, most| out.number(u64::from(most)));
            out.option(task.budget.max_cost_per_day, |out, most| out.number(most.as_micros()));
        }
        Payload::Template(text) => {
            out.byte(3);
            out.text(text);
        }
    }
    put_bounds(&mut out, schedule.bounds);
    put_policy(&mut out, &schedule.policy);
    out.number(schedule.labels.len() as u64);
    for (label, value) in &schedule.labels {
        out.text(label);
        out.text(value);
    }
    if schedule.vars.is_empty() {
        out.text("");
    } else {
        // Holds because a map with text keys and JSON values always has a JSON form.
        out.text(&serde_json::to_string(&schedule.vars).expect("JSON values serialize"));
    }
    out.option(schedule.client_token.as_deref(), |out, token| out.text(token));
    out.option(schedule.source.as_ref(), |out, source| {
        out.text(&source.file);
        out.option(source.content, |out, hash| out.raw(&hash.to_le_bytes()));
    });
    put_except(&mut out, schedule.except.as_ref());
    out.option(schedule.process_handle.as_deref(), |out, handle| out.text(handle));
    out.option(schedule.hook.as_deref(), |out, hook| out.text(hook));
    out.byte(match schedule.on_hook_error {
        OnHookError::Fail => 0,
        OnHookError::DeliverPlain => 1,
    });
    put_talk(&mut out, schedule.talk);
    out.option(schedule.expect_every, Put::span);
    out
}

fn put_talk(out: &mut Vec<u8>, talk: Option<Talk>) {
    match talk {
        None => out.byte(0),
        Some(Talk::Heard(number)) => {
            out.byte(1);
            out.number(number);
        }
        Some(Talk::Answer) => out.byte(2),
        Some(Talk::Aside) => out.byte(3),
    }
}

fn read_talk(bytes: &mut Bytes<'_>) -> Read<Option<Talk>> {
    Ok(match bytes.byte()? {
        0 => None,
        1 => Some(Talk::Heard(bytes.number()?)),
        2 => Some(Talk::Answer),
        3 => Some(Talk::Aside),
        other => return bytes.wrong(format!("nothing done in a conversation is written {other}")),
    })
}

/// The pair of [`schedule_row`].
pub(super) fn read_schedule(row: &[u8], crons: &Patterns) -> Read<(u32, Schedule)> {
    let bytes = &mut Bytes::new(row);
    let version = bytes.version(SCHEDULE_VERSION)?;
    let generation = bytes.narrow()?;
    let id = bytes.text()?;
    let schedule = Schedule {
        id: ScheduleId::parse(id).or_else(|error| bytes.wrong(error.to_string()))?,
        name: bytes.option(Bytes::string)?,
        agent: bytes.string()?,
        created_by_session: bytes.option(Bytes::string)?,
        created_at: bytes.instant()?,
        zone: read_zone(bytes)?,
        destination: bytes.option(read_destination)?,
        trigger: read_trigger(bytes, crons)?,
        payload: match bytes.byte()? {
            0 => Payload::Message(bytes.string()?),
            1 => Payload::Task(Task {
                instruction: bytes.string()?,
                model: Some(format!("{}/{}", bytes.text()?, bytes.text()?)),
                ..Task::default()
            }),
            kind @ (2 | 4) => Payload::Task(Task {
                instruction: bytes.string()?,
                model: bytes.option(Bytes::string)?,
                session: if kind == 2 { RunSession::Isolated } else { RunSession::Conversation },
                silence: if version < 6 { Silence::default() } else { read_silence(bytes)? },
                budget: if version < 6 { Budget::default() } else { read_budget(bytes)? },
            }),
            3 => Payload::Template(bytes.string()?),
            other => return bytes.wrong(format!("no payload is written {other}")),
        },
        bounds: read_bounds(bytes)?,
        policy: read_policy(bytes, version)?,
        labels: read_labels(bytes)?,
        vars: match bytes.text()? {
            "" => BTreeMap::new(),
            json => serde_json::from_str(json).or_else(|error| bytes.wrong(format!("vars: {error}")))?,
        },
        client_token: bytes.option(Bytes::string)?,
        source: bytes.option(read_source)?,
        except: if version < 2 { None } else { read_except(bytes)? },
        process_handle: if version < 3 { None } else { bytes.option(Bytes::string)? },
        hook: if version < 5 { None } else { bytes.option(Bytes::string)? },
        on_hook_error: if version < 5 { OnHookError::Fail } else { read_on_hook_error(bytes)? },
        talk: if version < 6 { None } else { read_talk(bytes)? },
        expect_every: if version < 6 { None } else { bytes.option(Bytes::span)? },
    };
    bytes.end()?;
    Ok((generation, schedule))
}

fn read_budget(bytes: &mut Bytes<'_>) -> Read<Budget> {
    Ok(Budget {
        max_tokens_per_run: bytes.option(Bytes::narrow)?,
        max_cost_per_day: bytes.option(|bytes| bytes.number().map(Cost::from_micros))?,
    })
}

fn read_silence(bytes: &mut Bytes<'_>) -> Read<Silence> {
    Ok(match bytes.byte()? {
        0 => Silence::Json,
        1 => Silence::Never,
        2 => Silence::Tool,
        3 => Silence::Heartbeat,
        other => return bytes.wrong(format!("no way to be silent is written {other}")),
    })
}

fn read_on_hook_error(bytes: &mut Bytes<'_>) -> Read<OnHookError> {
    Ok(match bytes.byte()? {
        0 => OnHookError::Fail,
        1 => OnHookError::DeliverPlain,
        other => return bytes.wrong(format!("no outcome of a failed hook is written {other}")),
    })
}

/// The row of a plan.
pub(super) fn plan_row(plan: &Plan) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.byte(PLAN_VERSION);
    put_trigger(&mut out, &plan.trigger);
    put_bounds(&mut out, plan.bounds);
    put_policy(&mut out, &plan.policy);
    out.option(plan.gateway.as_deref(), |out, gateway| out.text(gateway));
    put_except(&mut out, plan.except.as_ref());
    match &plan.maker {
        None => out.byte(0),
        Some(Maker::Model(model)) => {
            out.byte(1);
            out.text(model);
        }
        Some(Maker::UsualModel(agent)) => {
            out.byte(2);
            out.text(agent);
        }
        Some(Maker::Script) => out.byte(3),
    }
    out.option(plan.converses, |out, id| out.raw(&id.0.to_le_bytes()));
    out.option(plan.expect_every, Put::span);
    out
}

/// The pair of [`plan_row`].
pub(super) fn read_plan(row: &[u8], crons: &Patterns) -> Read<Plan> {
    let bytes = &mut Bytes::new(row);
    let version = bytes.version(PLAN_VERSION)?;
    let plan = Plan {
        trigger: read_trigger(bytes, crons)?,
        bounds: read_bounds(bytes)?,
        policy: read_policy(bytes, version)?,
        gateway: bytes.option(Bytes::string)?,
        except: if version < 2 { None } else { read_except(bytes)? },
        maker: if version < 3 { None } else { read_maker(bytes, version)? },
        converses: if version < 6 { None } else { bytes.option(read_conversation)? },
        expect_every: if version < 6 { None } else { bytes.option(Bytes::span)? },
    };
    bytes.end()?;
    Ok(plan)
}

fn read_conversation(bytes: &mut Bytes<'_>) -> Read<ConversationId> {
    Ok(ConversationId(u64::from_le_bytes(bytes.raw(8)?.try_into().unwrap_or_default())))
}

fn read_maker(bytes: &mut Bytes<'_>, version: u8) -> Read<Option<Maker>> {
    Ok(match bytes.byte()? {
        0 => None,
        // The provider alone was written; nothing else of a model counts in a plan.
        1 if version < 4 => Some(Maker::Model(format!("{}/", bytes.text()?))),
        1 => Some(Maker::Model(bytes.string()?)),
        2 => Some(Maker::UsualModel(bytes.string()?)),
        3 => Some(Maker::Script),
        other => return bytes.wrong(format!("no maker of texts is written {other}")),
    })
}

pub(super) fn put_destination(out: &mut Vec<u8>, to: &Destination) {
    out.text(&to.gateway);
    out.text(&to.chat_id);
    out.option(to.thread.as_deref(), |out, thread| out.text(thread));
}

/// The pair of [`put_destination`].
pub(super) fn read_destination(bytes: &mut Bytes<'_>) -> Read<Destination> {
    let gateway = bytes.string()?;
    let chat_id = bytes.string()?;
    Ok(Destination { gateway, chat_id, thread: bytes.option(Bytes::string)? })
}

fn put_trigger(out: &mut Vec<u8>, trigger: &Trigger) {
    match trigger {
        Trigger::At(at) => {
            out.byte(0);
            out.instant(*at);
        }
        Trigger::Every { period, anchor } => {
            out.byte(1);
            out.span(*period);
            out.instant(*anchor);
        }
        Trigger::Cron(cron) => {
            out.byte(match cron.dialect() {
                Dialect::Unix => 2,
                Dialect::Quartz => 3,
            });
            out.text(cron.text());
            out.text(cron.zone().name());
        }
        Trigger::After(after) => {
            out.byte(4);
            out.text(&after.schedule);
            out.option(after.key, |out, key| out.number(key.0));
            out.byte(after.ends.bits());
        }
    }
}

fn read_trigger(bytes: &mut Bytes<'_>, crons: &Patterns) -> Read<Trigger> {
    let dialect = match bytes.byte()? {
        0 => return bytes.instant().map(Trigger::At),
        1 => return Ok(Trigger::Every { period: bytes.span()?, anchor: bytes.instant()? }),
        2 => DialectChoice::Unix,
        3 => DialectChoice::Quartz,
        4 => return read_after(bytes),
        other => return bytes.wrong(format!("no trigger is written {other}")),
    };
    let text = bytes.text()?;
    let zone = read_zone(bytes)?;
    match crons.read(text, dialect, zone) {
        Ok(cron) => Ok(Trigger::Cron(cron)),
        Err(error) => bytes.wrong(format!("cron '{text}': {}", error.message)),
    }
}

fn read_after(bytes: &mut Bytes<'_>) -> Read<Trigger> {
    let schedule = bytes.text()?.into();
    let key = bytes.option(|bytes| bytes.number().map(ScheduleKey))?;
    let bits = bytes.byte()?;
    match Ends::from_bits(bits) {
        Some(ends) => Ok(Trigger::After(After { schedule, key, ends })),
        None => bytes.wrong(format!("no choice of ends is written {bits}")),
    }
}

fn read_zone(bytes: &mut Bytes<'_>) -> Read<Zone> {
    let name = bytes.text()?;
    Zone::parse(name).or_else(|error| bytes.wrong(error.to_string()))
}

fn put_except(out: &mut Vec<u8>, except: Option<&Except>) {
    out.option(except, |out, except| {
        out.text(except.zone().name());
        out.number(except.texts().len() as u64);
        except.texts().iter().for_each(|text| out.text(text));
    });
}

fn read_except(bytes: &mut Bytes<'_>) -> Read<Option<Except>> {
    bytes.option(|bytes| {
        let zone = read_zone(bytes)?;
        let mut texts = Vec::new();
        for _ in 0..bytes.number()? {
            texts.push(bytes.string()?);
        }
        Except::read(&texts, zone).or_else(|_| bytes.wrong(format!("exclusions that cannot be read: {texts:?}")))
    })
}

fn put_bounds(out: &mut Vec<u8>, bounds: Bounds) {
    out.option(bounds.start_at, Put::instant);
    out.option(bounds.end_at, Put::instant);
    out.option(bounds.max_runs, |out, runs| out.number(u64::from(runs)));
}

fn read_bounds(bytes: &mut Bytes<'_>) -> Read<Bounds> {
    Ok(Bounds {
        start_at: bytes.option(Bytes::instant)?,
        end_at: bytes.option(Bytes::instant)?,
        max_runs: bytes.option(Bytes::narrow)?,
    })
}

fn put_policy(out: &mut Vec<u8>, policy: &Policy) {
    out.span(policy.jitter);
    out.byte(match policy.misfire {
        MisfirePolicy::FireOnce => 0,
        MisfirePolicy::Skip => 1,
        MisfirePolicy::FireAll => 2,
    });
    out.span(policy.catchup_window);
    out.byte(match policy.overlap {
        OverlapPolicy::Skip => 0,
        OverlapPolicy::BufferOne => 1,
        OverlapPolicy::BufferAll => 2,
        OverlapPolicy::CancelOther => 3,
        OverlapPolicy::AllowAll => 4,
    });
    out.number(u64::from(policy.retry.max_attempts));
    out.span(policy.retry.max_age);
    out.span(policy.retry.backoff_min);
    out.span(policy.retry.backoff_max);
    out.byte(match policy.delivery {
        DeliveryGuarantee::AtLeastOnce => 0,
        DeliveryGuarantee::AtMostOnce => 1,
    });
    out.option(policy.pause_after, |out, failures| out.number(u64::from(failures)));
}

fn read_policy(bytes: &mut Bytes<'_>, version: u8) -> Read<Policy> {
    Ok(Policy {
        jitter: bytes.span()?,
        misfire: match bytes.byte()? {
            0 => MisfirePolicy::FireOnce,
            1 => MisfirePolicy::Skip,
            2 => MisfirePolicy::FireAll,
            other => return bytes.wrong(format!("no misfire policy is written {other}")),
        },
        catchup_window: bytes.span()?,
        overlap: match bytes.byte()? {
            0 => OverlapPolicy::Skip,
            1 => OverlapPolicy::BufferOne,
            2 => OverlapPolicy::BufferAll,
            3 => OverlapPolicy::CancelOther,
            4 => OverlapPolicy::AllowAll,
            other => return bytes.wrong(format!("no overlap policy is written {other}")),
        },
        retry: RetryPolicy {
            max_attempts: bytes.narrow()?,
            max_age: bytes.span()?,
            backoff_min: bytes.span()?,
            backoff_max: bytes.span()?,
        },
        delivery: match bytes.byte()? {
            0 => DeliveryGuarantee::AtLeastOnce,
            1 => DeliveryGuarantee::AtMostOnce,
            other => return bytes.wrong(format!("no delivery guarantee is written {other}")),
        },
        pause_after: if version < 2 { None } else { bytes.option(Bytes::narrow)? },
    })
}

fn read_labels(bytes: &mut Bytes<'_>) -> Read<BTreeMap<String, String>> {
    let count = bytes.number()?;
    let mut labels = BTreeMap::new();
    for _ in 0..count {
        labels.insert(bytes.string()?, bytes.string()?);
    }
    Ok(labels)
}

fn read_source(bytes: &mut Bytes<'_>) -> Read<Source> {
    let file = bytes.string()?;
    let content = bytes.option(|bytes| Ok(u128::from_le_bytes(bytes.raw(16)?.try_into().unwrap_or_default())))?;
    Ok(Source { file, content })
}
