//! The two hot rows: the state of a schedule and a run of the ledger.
//!
//! A state on disk is 40 bytes, little-endian, so that boot reads ten million of them without parsing: version,
//! status and outcome, failures (2), generation (4), plan (4), runs (4), lane (8), next due (8), last due (8); an
//! absent instant is the lowest one there is. In the journal it is packed (see [`put_state`]).
//! A run's row leaves out what its key says and counts its instants from its due; the same bytes stand in the
//! journal and in the ledger, so that folding copies them.
//! Not here: keys and tables (`tables`), whole declarations (`declaration`).

use std::sync::Arc;

use super::codec::{Bytes, Put};
use super::declaration::{put_destination, read_destination};
use super::error::Malformed;
use crate::engine::change::{
    Cause, DueRange, Execution, LaneId, Outcome, OutcomeKind, Phase, PlanId, Retried, Run, SkipReason, Spread, State,
    Status,
};
use crate::id::OccurrenceId;
use crate::money::{Cost, Spent};
use crate::spec::Tokens;
use crate::time::Timestamp;

/// Bytes of a state on disk.
pub(super) const STATE_BYTES: usize = 40;
const STATE_VERSION: u8 = 1;
/// 2: what a runner did; 3: how many tokens that took; 4: what a hook did; 5: what became of a dead letter, and what was
/// spent. A run without these is still written as before them.
const RUN_VERSION: u8 = 5;
const NEVER: i64 = i64::MIN;

type Read<T> = Result<T, Malformed>;

/// The state as its row.
pub(super) fn state_row(state: &State) -> [u8; STATE_BYTES] {
    let mut row = [0; STATE_BYTES];
    row[0] = STATE_VERSION;
    row[1] = status_byte(state);
    row[2..4].copy_from_slice(&state.failures.to_le_bytes());
    row[4..8].copy_from_slice(&state.generation.to_le_bytes());
    row[8..12].copy_from_slice(&state.plan.0.to_le_bytes());
    row[12..16].copy_from_slice(&state.runs.to_le_bytes());
    row[16..24].copy_from_slice(&state.lane.0.to_le_bytes());
    row[24..32].copy_from_slice(&state.next_due.map_or(NEVER, Timestamp::as_millis).to_le_bytes());
    row[32..40].copy_from_slice(&state.last_due.map_or(NEVER, Timestamp::as_millis).to_le_bytes());
    row
}

/// The state of a row.
pub(super) fn read_state_row(row: &[u8; STATE_BYTES]) -> Read<State> {
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| row[at + i]));
    let half = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| row[at + i]));
    let instant = |at: usize| Some(word(at) as i64).filter(|&ms| ms != NEVER).map(Timestamp::from_millis);
    if row[0] != STATE_VERSION {
        return Err(Malformed { at: 0, what: format!("row version {}, known is {STATE_VERSION}", row[0]) });
    }
    let Some((status, last_outcome)) = read_status(row[1]) else {
        return Err(Malformed { at: 1, what: format!("no status is written {}", row[1]) });
    };
    Ok(State {
        status,
        generation: half(4),
        plan: PlanId(half(8)),
        lane: LaneId(word(16)),
        next_due: instant(24),
        last_due: instant(32),
        last_outcome,
        runs: half(12),
        failures: u16::from_le_bytes([row[2], row[3]]),
    })
}

/// Packs a state for the journal; instants count from `base`.
pub(super) fn put_state(out: &mut Vec<u8>, state: &State, base: Timestamp) {
    let since_base = |at: Timestamp| at.as_millis().wrapping_sub(base.as_millis());
    out.byte(status_byte(state));
    out.number(u64::from(state.generation));
    out.number(u64::from(state.plan.0));
    out.raw(&state.lane.0.to_le_bytes());
    out.option(state.next_due, |out, at| out.signed(since_base(at)));
    out.option(state.last_due, |out, at| out.signed(since_base(at)));
    out.number(u64::from(state.runs));
    out.number(u64::from(state.failures));
}

/// The pair of [`put_state`].
pub(super) fn read_state(bytes: &mut Bytes<'_>, base: Timestamp) -> Read<State> {
    let from_base = |ms: i64| Timestamp::from_millis(base.as_millis().wrapping_add(ms));
    let status = bytes.byte()?;
    let Some((status, last_outcome)) = read_status(status) else {
        return bytes.wrong(format!("no status is written {status}"));
    };
    Ok(State {
        status,
        last_outcome,
        generation: bytes.narrow()?,
        plan: PlanId(bytes.narrow()?),
        lane: LaneId(u64::from_le_bytes(bytes.raw(8)?.try_into().unwrap_or_default())),
        next_due: bytes.option(|bytes| bytes.signed().map(from_base))?,
        last_due: bytes.option(|bytes| bytes.signed().map(from_base))?,
        runs: bytes.narrow()?,
        failures: bytes.narrow()?,
    })
}

fn status_byte(state: &State) -> u8 {
    let status = match state.status {
        Status::Active => 0,
        Status::Paused => 1,
        Status::Completed => 2,
        Status::Cancelled => 3,
        Status::Failing => 4,
    };
    let outcome = match state.last_outcome {
        None => 0,
        Some(OutcomeKind::Delivered) => 1,
        Some(OutcomeKind::Silent) => 2,
        Some(OutcomeKind::Skipped) => 3,
        Some(OutcomeKind::Failed) => 4,
        Some(OutcomeKind::Cancelled) => 5,
        Some(OutcomeKind::Unknown) => 6,
    };
    outcome << 4 | status
}

fn read_status(byte: u8) -> Option<(Status, Option<OutcomeKind>)> {
    let status = match byte & 0x0F {
        0 => Status::Active,
        1 => Status::Paused,
        2 => Status::Completed,
        3 => Status::Cancelled,
        4 => Status::Failing,
        _ => return None,
    };
    let outcome = match byte >> 4 {
        0 => None,
        1 => Some(OutcomeKind::Delivered),
        2 => Some(OutcomeKind::Silent),
        3 => Some(OutcomeKind::Skipped),
        4 => Some(OutcomeKind::Failed),
        5 => Some(OutcomeKind::Cancelled),
        6 => Some(OutcomeKind::Unknown),
        _ => return None,
    };
    Some((status, outcome))
}

/// Appends the row of a run.
pub(super) fn put_run(out: &mut Vec<u8>, run: &Run) {
    let due = run.occurrence.due;
    let since_due = |at: Timestamp| at.as_millis().wrapping_sub(due.as_millis());
    let version = version(run);
    out.byte(version);
    out.byte(match run.cause {
        Cause::Due => 0,
        Cause::CatchUp => 1,
        Cause::Manual => 2,
        Cause::Notice => 3,
    });
    out.option(run.range, |out, range| {
        out.signed(since_due(range.through));
        out.number(range.count);
    });
    out.number(u64::from(run.number));
    out.signed(since_due(run.claimed_at));
    out.number(u64::from(run.attempt));
    if version > 4 {
        out.option(run.retried, |out, Retried { at, times }| {
            out.signed(since_due(at));
            out.number(u64::from(times));
        });
        out.byte(u8::from(run.execution.is_some()));
    }
    if let Some(execution) = &run.execution {
        out.number(u64::from(execution.attempts));
        out.signed(since_due(execution.since));
        out.span(execution.took);
        out.option(execution.model.as_deref(), |out, model| out.text(model));
    }
    if let Some(execution) = run.execution.as_ref().filter(|_| version > 3) {
        out.option(execution.tokens, put_tokens);
        out.option(execution.notes.as_deref(), |out, notes| out.text(notes));
        out.option(execution.to.as_ref(), put_destination);
        out.number(u64::from(execution.deliveries));
        if version > 4 {
            out.number(execution.spent.cost.as_micros());
            out.number(execution.spent.tokens);
        }
    } else if let Some(tokens) = run.execution.as_ref().and_then(|execution| execution.tokens) {
        put_tokens(out, tokens);
    }
    put_phase(out, &run.phase, due);
}

/// The version that has room for what a run says.
fn version(run: &Run) -> u8 {
    let is_dropped = matches!(run.phase, Phase::Settled { outcome: Outcome::Dropped { .. }, .. });
    if run.retried.is_some() || is_dropped {
        return RUN_VERSION;
    }
    let Some(execution) = &run.execution else { return 1 };
    let is_over_budget = matches!(run.phase, Phase::Settled { outcome: Outcome::OverBudget { .. }, .. });
    if execution.spent != Spent::ZERO || is_over_budget {
        return RUN_VERSION;
    }
    let is_of_hook = execution.notes.is_some() || execution.to.is_some() || execution.deliveries > 0;
    if is_of_hook { 4 } else { 2 + u8::from(execution.tokens.is_some()) }
}

fn put_tokens(out: &mut Vec<u8>, tokens: Tokens) {
    out.number(u64::from(tokens.input));
    out.number(u64::from(tokens.output));
}

fn read_tokens(bytes: &mut Bytes<'_>) -> Read<Tokens> {
    Ok(Tokens { input: bytes.narrow()?, output: bytes.narrow()? })
}

fn put_phase(out: &mut Vec<u8>, phase: &Phase, due: Timestamp) {
    let since_due = |at: Timestamp| at.as_millis().wrapping_sub(due.as_millis());
    match phase {
        Phase::Pending => out.byte(0),
        Phase::Sending { epoch } => {
            out.byte(1);
            out.number(u64::from(*epoch));
        }
        Phase::Retry { at, error } => {
            out.byte(2);
            out.signed(since_due(*at));
            out.text(error);
        }
        Phase::Settled { at, outcome } => {
            out.byte(3);
            out.signed(since_due(*at));
            put_outcome(out, outcome);
        }
        Phase::Spread(spread) => {
            out.byte(8);
            let Spread { left, delivered, failed, unknown, cancelled, errors } = spread;
            for count in [left, delivered, failed, unknown, cancelled] {
                out.number(u64::from(*count));
            }
            out.text(errors);
        }
        Phase::Buffered => out.byte(4),
        Phase::Waiting => out.byte(5),
        Phase::Running { epoch } => {
            out.byte(6);
            out.number(u64::from(*epoch));
        }
        Phase::Rerun { at, error } => {
            out.byte(7);
            out.signed(since_due(*at));
            out.text(error);
        }
    }
}

fn put_outcome(out: &mut Vec<u8>, outcome: &Outcome) {
    match outcome {
        Outcome::Delivered { message_id } => {
            out.byte(0);
            out.option(message_id.as_deref(), |out, id| out.text(id));
        }
        Outcome::Silent { reason } => {
            out.byte(1);
            out.text(reason);
        }
        Outcome::Skipped(reason) => {
            out.byte(2);
            out.byte(match reason {
                SkipReason::Misfire => 0,
                SkipReason::CatchupWindow => 1,
                SkipReason::Paused => 2,
                SkipReason::Past => 3,
                SkipReason::Except => 4,
                SkipReason::Overlap => 5,
            });
        }
        Outcome::Gated { reason } => {
            out.byte(7);
            out.text(reason);
        }
        Outcome::Failed { error } => {
            out.byte(3);
            out.text(error);
        }
        Outcome::Dropped { error } => {
            out.byte(8);
            out.text(error);
        }
        Outcome::OverBudget { reason } => {
            out.byte(9);
            out.text(reason);
        }
        Outcome::Cancelled => out.byte(4),
        Outcome::Displaced => out.byte(6),
        Outcome::Unknown { error } => {
            out.byte(5);
            out.text(error);
        }
    }
}

/// The run of a row and of the key it stands under.
pub(super) fn read_run(occurrence: OccurrenceId, row: &[u8]) -> Read<Run> {
    let due = occurrence.due;
    let from_due = |ms: i64| Timestamp::from_millis(due.as_millis().wrapping_add(ms));
    let mut bytes = Bytes::new(row);
    let version = bytes.version(RUN_VERSION)?;
    let cause = match bytes.byte()? {
        0 => Cause::Due,
        1 => Cause::CatchUp,
        2 => Cause::Manual,
        3 => Cause::Notice,
        other => return bytes.wrong(format!("no cause is written {other}")),
    };
    let range = bytes.option(|bytes| Ok(DueRange { through: from_due(bytes.signed()?), count: bytes.number()? }))?;
    let number = bytes.narrow()?;
    let claimed_at = from_due(bytes.signed()?);
    let attempt = bytes.narrow()?;
    let mut retried = None;
    let execution = |bytes: &mut Bytes<'_>| read_execution(bytes, version, due).map(Box::new);
    let execution = if version > 4 {
        retried = bytes.option(|bytes| Ok(Retried { at: from_due(bytes.signed()?), times: bytes.narrow()? }))?;
        bytes.option(execution)?
    } else if version > 1 {
        Some(execution(&mut bytes)?)
    } else {
        None
    };
    let phase = match bytes.byte()? {
        0 => Phase::Pending,
        1 => Phase::Sending { epoch: bytes.narrow()? },
        2 => Phase::Retry { at: from_due(bytes.signed()?), error: bytes.string()? },
        3 => Phase::Settled { at: from_due(bytes.signed()?), outcome: read_outcome(&mut bytes)? },
        4 => Phase::Buffered,
        5 => Phase::Waiting,
        6 => Phase::Running { epoch: bytes.narrow()? },
        7 => Phase::Rerun { at: from_due(bytes.signed()?), error: bytes.string()? },
        8 => Phase::Spread(Spread {
            left: bytes.narrow()?,
            delivered: bytes.narrow()?,
            failed: bytes.narrow()?,
            unknown: bytes.narrow()?,
            cancelled: bytes.narrow()?,
            errors: bytes.string()?,
        }),
        other => return bytes.wrong(format!("no phase is written {other}")),
    };
    bytes.end()?;
    Ok(Run { occurrence, range, cause, number, claimed_at, attempt, retried, execution, phase })
}

fn read_execution(bytes: &mut Bytes<'_>, version: u8, due: Timestamp) -> Read<Execution> {
    let execution = Execution {
        attempts: bytes.narrow()?,
        since: Timestamp::from_millis(due.as_millis().wrapping_add(bytes.signed()?)),
        took: bytes.span()?,
        model: bytes.option(Bytes::string)?,
        tokens: match version {
            2 => None,
            3 => Some(read_tokens(bytes)?),
            _ => bytes.option(read_tokens)?,
        },
        spent: Spent::ZERO,
        notes: None,
        to: None,
        deliveries: 0,
    };
    if version < 4 {
        return Ok(execution);
    }
    let notes = bytes.option(|bytes| bytes.text().map(Arc::from))?;
    let (to, deliveries) = (bytes.option(read_destination)?, bytes.narrow()?);
    let spent = match version {
        4 => Spent::ZERO,
        _ => Spent { cost: Cost::from_micros(bytes.number()?), tokens: bytes.number()? },
    };
    Ok(Execution { notes, to, deliveries, spent, ..execution })
}

fn read_outcome(bytes: &mut Bytes<'_>) -> Read<Outcome> {
    Ok(match bytes.byte()? {
        0 => Outcome::Delivered { message_id: bytes.option(Bytes::string)? },
        1 => Outcome::Silent { reason: bytes.string()? },
        2 => Outcome::Skipped(match bytes.byte()? {
            0 => SkipReason::Misfire,
            1 => SkipReason::CatchupWindow,
            2 => SkipReason::Paused,
            3 => SkipReason::Past,
            4 => SkipReason::Except,
            5 => SkipReason::Overlap,
            other => return bytes.wrong(format!("no reason is written {other}")),
        }),
        3 => Outcome::Failed { error: bytes.string()? },
        4 => Outcome::Cancelled,
        5 => Outcome::Unknown { error: bytes.string()? },
        6 => Outcome::Displaced,
        7 => Outcome::Gated { reason: bytes.string()? },
        8 => Outcome::Dropped { error: bytes.string()? },
        9 => Outcome::OverBudget { reason: bytes.string()? },
        other => return bytes.wrong(format!("no outcome is written {other}")),
    })
}
