//! What a hook says besides the text of its run: what it keeps, when its schedule is to be due next, what the owner is
//! to be told. It counts once the run is over, however it ended, and is written in the batch of that end.
//!
//! A wish for the next due is heard while the schedule is active under the wording that ran, and of runs whose due came
//! by itself. It takes the place of the due that lies ahead: dues before it are none. A wish for the past, or for less
//! than [`WISH_MS_MIN`] ahead, is one for [`WISH_MS_MIN`] ahead, and one before `start_at` is one for `start_at`; one
//! beyond `end_at` ends the schedule. A due whose time has come is served first, whatever is wished. The wished due is
//! one like any other: it may be excluded, and put off by jitter; then the trigger goes on from it.
//! Units: `Timestamp`. Invariant: a due is wished for later than the last that was accounted for.
//! Not here: scripts, which are run elsewhere (`runtime`).

use std::sync::Arc;

use crate::engine::change::{Cause, Change, Execution, Kept, LastText, Status};
use crate::engine::settle::clip_to;
use crate::engine::{Effect, Engine, Outgoing, RunEnd, Said};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::limits::{LAST_TEXT_BYTES_MAX, RUN_NOTES_BYTES_MAX, SCRIPT_STATE_BYTES_MAX, WISH_MS_MIN};
use crate::planted::{self, Bug};
use crate::time::{Span, Timestamp};

impl Engine {
    /// Does what was said by the hook of a run that is over.
    pub(super) fn heed(&mut self, occurrence: OccurrenceId, cause: Cause, said: Said) {
        let key = occurrence.schedule;
        if let Some(state) = said.state {
            self.keep(key, Kept::State, Some(state));
        }
        if let Some(text) = said.text {
            let text = LastText { at: self.now, text: clip_to(text, LAST_TEXT_BYTES_MAX) };
            self.keep(key, Kept::Text, Some(text.to_kept()));
        }
        if let Some(at) = said.next.filter(|_| matches!(cause, Cause::Due | Cause::CatchUp)) {
            self.wish(occurrence, at);
        }
        if !said.tell.is_empty() {
            self.tell(key, said.tell);
        }
    }

    /// Nothing is kept any more for a schedule whose hook is gone.
    pub(super) fn forget_kept(&mut self, key: ScheduleKey) {
        self.keep(key, Kept::State, None);
        self.keep(key, Kept::Text, None);
    }

    fn keep(&mut self, key: ScheduleKey, part: Kept, text: Option<Arc<str>>) {
        self.effects.push_back(Effect::Persist(Change::Kept { key, part, text }));
    }

    fn wish(&mut self, occurrence: OccurrenceId, at: Timestamp) {
        let key = occurrence.schedule;
        // What is excluded and has passed is recorded before dues are moved.
        self.pass_excluded(key);
        let Some(mut state) = self.state(key).filter(|state| state.status == Status::Active) else { return };
        let lies_ahead = state.next_due.is_some_and(|due| due > self.now);
        let Some(plan) = self.plans.get(state.plan).filter(|_| lies_ahead) else { return };
        if state.generation != occurrence.generation || planted::is(Bug::WishIgnored) {
            return;
        }
        let earliest = self.latest.plus(Span::from_millis(WISH_MS_MIN));
        let start = plan.bounds.start_at.unwrap_or(earliest);
        let after_last = state.last_due.map_or(earliest, |last| last.plus(Span::from_millis(1)));
        let due = at.max(earliest).max(start).max(after_last);
        let is_in_bounds = due < Timestamp::HORIZON && plan.bounds.end_at.is_none_or(|end| due <= end);
        state.next_due = is_in_bounds.then_some(due);
        if state.next_due.is_none() {
            state.status = Status::Completed;
        }
        self.put(key, state);
        self.arm(key);
    }

    /// Tells a schedule's owner, by a notice whose text is written beside it; of several parts each is a delivery of it.
    pub(super) fn tell(&mut self, key: ScheduleKey, parts: Vec<Arc<str>>) {
        let Some(mut state) = self.state(key) else { return };
        let due = self.manual_due(key, &state);
        let mut notice = self.claimed(key, &mut state, due, Cause::Notice);
        notice.execution = Some(Box::new(Execution::since(self.now)));
        let occurrence = notice.occurrence;
        match (self.plans.gateway(state.plan), parts.as_slice()) {
            (Some(gateway), [_, _, ..]) => {
                self.hold_open(state.lane, gateway, notice);
                self.spread(occurrence, parts.into_iter().map(|text| Outgoing { text, to: None }).collect());
            }
            (_, parts) => {
                let text = parts.concat().into();
                self.effects.push_back(Effect::Persist(Change::Text { occurrence, text }));
                self.send_or_record(&mut state, notice);
            }
        }
    }
}

impl Said {
    /// What is to stand in the run's record.
    pub(super) fn notes(&self) -> Option<Arc<str>> {
        self.notes.clone().map(|notes| clip_to(notes, RUN_NOTES_BYTES_MAX))
    }

    /// The end of a run whose hook wants to keep more than it may.
    pub(super) fn refused(&self) -> Option<RunEnd> {
        let bytes = self.state.as_ref().map_or(0, |state| state.len());
        (bytes > SCRIPT_STATE_BYTES_MAX).then(|| {
            let error = format!(
                "the hook's state has {bytes} bytes as JSON, more than {SCRIPT_STATE_BYTES_MAX}: let it keep less"
            );
            RunEnd::Permanent { error }
        })
    }
}
