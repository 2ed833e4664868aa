//! The journal: one row per commit, which says what the commit put into states and runs.
//!
//! A row is its version, a base instant, and entries: `1`, schedule key, packed state; or `2`, schedule key,
//! generation, due since the base, length, and the run's row as the ledger will hold it; or `3`, the same place and a
//! composed text. `4` and `5` are the same of a delivery, whose number follows its place; `6` is a schedule's key and what
//! its hook keeps. A fire that is claimed and settled takes about 90 bytes.
//! Invariant: entries are puts, applied in order; a row read back gives the entries it was made of.
//! Not here: declarations and plans, which their commit writes straight into their tables.

use super::codec::{Bytes, Put};
use super::error::Malformed;
use super::{kept, row};
use crate::engine::change::{Change, Kept, Run, State};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::time::Timestamp;

const VERSION: u8 = 1;
const STATE: u8 = 1;
const RUN: u8 = 2;
const TEXT: u8 = 3;
const DELIVERY: u8 = 4;
const DELIVERY_TEXT: u8 = 5;
const KEPT: u8 = 6;

/// What a row of the journal holds, with the places of the runs' rows inside it.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub states: Vec<(ScheduleKey, State)>,
    pub runs: Vec<RunAt>,
    pub deliveries: Vec<RunAt>,
    pub texts: Vec<TextAt>,
    pub kept: Vec<KeptAt>,
}

/// What a hook keeps, inside a row of the journal; or that it keeps nothing any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptAt {
    pub key: ScheduleKey,
    pub part: Kept,
    pub text: Option<(u32, u32)>,
}

/// A composed text inside a row of the journal.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextAt {
    pub occurrence: OccurrenceId,
    pub at: u32,
    pub len: u32,
}

/// A run's row inside a row of the journal.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunAt {
    pub occurrence: OccurrenceId,
    pub at: u32,
    pub len: u32,
    pub settled: bool,
    /// The day whose ledger it belongs to.
    pub day: i64,
}

/// The row of a batch; empty when nothing in the batch goes to the journal.
pub(super) fn encode(batch: &[Change]) -> (Vec<u8>, Entries) {
    let Some(base) = batch.iter().find_map(instant_of) else { return (Vec::new(), Entries::default()) };
    let mut out = Vec::with_capacity(16 + 32 * batch.len());
    let mut entries = Entries::default();
    out.byte(VERSION);
    out.instant(base);
    for change in batch {
        match change {
            Change::Declare { key, state, .. } | Change::State { key, state } => {
                out.byte(STATE);
                out.number(key.0);
                row::put_state(&mut out, state, base);
                entries.states.push((*key, *state));
            }
            Change::Run(run) if run.occurrence.delivery > 0 => entries.deliveries.push(put_run(&mut out, run, base)),
            Change::Run(run) => entries.runs.push(put_run(&mut out, run, base)),
            Change::Text { occurrence, text } => {
                put_place(&mut out, [TEXT, DELIVERY_TEXT], *occurrence, base);
                out.text(text);
                let (at, len) = ((out.len() - text.len()) as u32, text.len() as u32);
                entries.texts.push(TextAt { occurrence: *occurrence, at, len });
            }
            Change::Kept { key, part, text } => {
                out.byte(KEPT);
                out.number(key.0);
                out.byte(kept::number(*part));
                out.option(text.as_deref(), |out, text| out.text(text));
                let text = text.as_ref().map(|text| ((out.len() - text.len()) as u32, text.len() as u32));
                entries.kept.push(KeptAt { key: *key, part: *part, text });
            }
            Change::Plan { .. }
            | Change::PlanDropped { .. }
            | Change::Note { .. }
            | Change::Grant(_)
            | Change::Audit(_)
            | Change::Session { .. }
            | Change::Uttered { .. }
            | Change::Heard { .. }
            | Change::Place { .. }
            | Change::DropHistory { .. } => {}
        }
    }
    (out, entries)
}

/// The instant that a change suggests as base; any will do, a near one makes short rows.
fn instant_of(change: &Change) -> Option<Timestamp> {
    match change {
        Change::Declare { state, .. } | Change::State { state, .. } => {
            Some(state.next_due.or(state.last_due).unwrap_or(Timestamp::EPOCH))
        }
        Change::Run(run) => Some(run.occurrence.due),
        Change::Text { occurrence, .. } => Some(occurrence.due),
        Change::Kept { .. } => Some(Timestamp::EPOCH),
        Change::Plan { .. }
        | Change::PlanDropped { .. }
        | Change::Note { .. }
        | Change::Grant(_)
        | Change::Audit(_)
        | Change::Session { .. }
        | Change::Uttered { .. }
        | Change::Heard { .. }
        | Change::Place { .. }
        | Change::DropHistory { .. } => None,
    }
}

fn put_run(out: &mut Vec<u8>, run: &Run, base: Timestamp) -> RunAt {
    let occurrence = run.occurrence;
    put_place(out, [RUN, DELIVERY], occurrence, base);
    // The length stands before bytes that are not written yet: most rows are shorter than 128 bytes, so one byte
    // is kept for it, and the rare longer row is moved up.
    let place = out.len();
    out.byte(0);
    row::put_run(out, run);
    let len = out.len() - place - 1;
    let mut prefix = Vec::with_capacity(5);
    prefix.number(len as u64);
    let at = place + prefix.len();
    out.splice(place..=place, prefix);
    RunAt { occurrence, at: at as u32, len: len as u32, settled: run.is_settled(), day: run.last_due().day() }
}

/// What an entry is, by whether it is of an occurrence or of one of its deliveries, and which.
fn put_place(out: &mut Vec<u8>, kinds: [u8; 2], occurrence: OccurrenceId, base: Timestamp) {
    out.byte(kinds[usize::from(occurrence.delivery > 0)]);
    out.number(occurrence.schedule.0);
    out.number(u64::from(occurrence.generation));
    out.signed(occurrence.due.as_millis().wrapping_sub(base.as_millis()));
    if occurrence.delivery > 0 {
        out.number(u64::from(occurrence.delivery));
    }
}

fn read_place(reader: &mut Bytes<'_>, kind: u8, base: Timestamp) -> Result<OccurrenceId, Malformed> {
    let schedule = ScheduleKey(reader.number()?);
    let generation = reader.narrow()?;
    let due = Timestamp::from_millis(base.as_millis().wrapping_add(reader.signed()?));
    let delivery = if matches!(kind, DELIVERY | DELIVERY_TEXT) { reader.narrow()? } else { 0 };
    Ok(OccurrenceId { delivery, ..OccurrenceId::new(schedule, generation, due) })
}

/// Reads a row back.
pub(super) fn decode(bytes: &[u8]) -> Result<Entries, Malformed> {
    let mut entries = Entries::default();
    let mut reader = Bytes::new(bytes);
    reader.version(VERSION)?;
    let base = reader.instant()?;
    while !reader.is_empty() {
        match reader.byte()? {
            STATE => {
                let key = ScheduleKey(reader.number()?);
                entries.states.push((key, row::read_state(&mut reader, base)?));
            }
            kind @ (RUN | DELIVERY) => {
                let occurrence = read_place(&mut reader, kind, base)?;
                let len = reader.narrow::<u32>()?;
                let at = reader.position() as u32;
                let run = row::read_run(occurrence, reader.raw(len as usize)?)?;
                let day = run.last_due().day();
                let list = if kind == RUN { &mut entries.runs } else { &mut entries.deliveries };
                list.push(RunAt { occurrence, at, len, settled: run.is_settled(), day });
            }
            kind @ (TEXT | DELIVERY_TEXT) => {
                let occurrence = read_place(&mut reader, kind, base)?;
                let len = reader.text()?.len() as u32;
                entries.texts.push(TextAt { occurrence, at: reader.position() as u32 - len, len });
            }
            KEPT => {
                let (key, number) = (ScheduleKey(reader.number()?), reader.byte()?);
                let Some(part) = kept::part(number) else {
                    return reader.wrong(format!("nothing that is kept is written {number}"));
                };
                let len = reader.option(|reader| Ok(reader.text()?.len() as u32))?;
                let text = len.map(|len| (reader.position() as u32 - len, len));
                entries.kept.push(KeptAt { key, part, text });
            }
            other => return reader.wrong(format!("no journal entry is written {other}")),
        }
    }
    Ok(entries)
}
