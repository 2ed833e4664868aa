//! A schedule that another one starts: whose ends, which of them, and what makes no sense beside that.
//!
//! Invariant: what passes names one other schedule and at least one end. Not here: whether there is such a schedule, and
//! whether they wait for each other in a circle (`runtime`).

use std::sync::Arc;

use super::Check;
use super::text::quoted;
use super::words::{self, Words};
use crate::calendar::{After, End, Ends, Trigger};
use crate::problem::{Problem, nearest};
use crate::spec::Bounds;
use crate::spec::raw::{RawAfter, RawSchedule, RawTrigger};
use crate::spec::tree::shorten;

const EXAMPLE: &str = "write for example after: {schedule: fetch, outcome: delivered}";

impl Check<'_> {
    /// The trigger of a schedule that another one starts.
    pub(super) fn after(
        &mut self,
        raw: &RawSchedule,
        written: &RawTrigger,
        after: &RawAfter,
        bounds: &Bounds,
    ) -> Option<Trigger> {
        let given = written.given();
        if !given.is_empty() {
            let message = format!("{} and 'after' are mutually exclusive", quoted(&given));
            self.refuse(Problem::new("after", message).hint("keep one of them"));
        }
        self.belongings(written);
        for (path, is_given, why) in [
            ("jitter", raw.jitter.is_some(), "has no time of its own to put off"),
            ("misfire_policy", raw.misfire_policy.is_some(), "has no time of its own to miss"),
            ("catchup_window", raw.catchup_window.is_some(), "has no time of its own to miss"),
        ] {
            if is_given {
                let message = format!("does not go with 'after': what another schedule starts {why}");
                self.refuse(Problem::new(path, message).hint("leave it out"));
            }
        }
        let (schedule, ends) = (self.other(raw, after), self.ends(after));
        let trigger = schedule.zip(ends).map(|(schedule, ends)| Trigger::After(After { schedule, key: None, ends }));
        self.still_starts(trigger.as_ref(), bounds);
        trigger
    }

    /// The id or the name of the other schedule.
    fn other(&mut self, raw: &RawSchedule, after: &RawAfter) -> Option<Arc<str>> {
        let schedule = match after.schedule.as_deref().map(str::trim) {
            Some(schedule) if !schedule.is_empty() => schedule,
            _ if self.is_doubtful("after.schedule") || self.is_doubtful("after") => return None,
            _ => {
                let problem = Problem::new("after.schedule", "is missing: nothing says whose runs are waited for");
                self.refuse(problem.hint(EXAMPLE));
                return None;
            }
        };
        let own = [raw.id.as_deref().or(self.context.fallback_id), raw.name.as_deref()];
        if own.contains(&Some(schedule)) {
            let problem = Problem::new("after.schedule", "is the schedule itself: it would wait for its own runs");
            self.refuse(problem.value(shorten(schedule)).hint("name another schedule"));
            return None;
        }
        self.name("after.schedule", Some(schedule)).map(Arc::from)
    }

    /// Which ends count; without a word, that it was delivered.
    fn ends(&mut self, after: &RawAfter) -> Option<Ends> {
        let Some(texts) = after.outcome.as_deref() else { return Some(Ends::only(End::Delivered)) };
        let mut ends = Vec::new();
        for (place, text) in texts.iter().enumerate() {
            match read_end(text) {
                Some(meant) => ends.extend(meant.iter()),
                None => {
                    let path =
                        if texts.len() == 1 { "after.outcome".into() } else { format!("after.outcome.{place}") };
                    self.refuse(not_an_end(&path, text));
                }
            }
        }
        let read = Ends::of(ends);
        if texts.is_empty() {
            let problem = Problem::new("after.outcome", "holds nothing: no end would start it");
            self.refuse(problem.hint(format!("leave it out, or write some of: {}", all_words().join(", "))));
        }
        read
    }

    /// Refuses one whose end has passed.
    fn still_starts(&mut self, trigger: Option<&Trigger>, bounds: &Bounds) {
        let is_new = self.context.existing.is_none_or(|known| {
            let after = |trigger: &Trigger| trigger.after().map(|after| (Arc::clone(&after.schedule), after.ends));
            after(&known.trigger) != trigger.and_then(after) || known.bounds != *bounds
        });
        let end = bounds.end_at.filter(|end| is_new && *end < self.context.now);
        if let Some(end) = end {
            self.ended(end);
        }
    }
}

fn read_end(text: &str) -> Option<Ends> {
    words::ENDS.iter().find(|(word, _)| *word == text).map(|(_, ends)| *ends)
}

fn not_an_end(path: &str, text: &str) -> Problem {
    let near = nearest(text, all_words().iter().copied()).map(|near| format!("did you mean '{near}'? "));
    let hint = format!("{}allowed: {}", near.unwrap_or_default(), all_words().join(", "));
    Problem::new(path, "is not an outcome that can start another run").value(shorten(text)).hint(hint)
}

fn all_words() -> Vec<&'static str> {
    let words: Words<Ends> = words::ENDS;
    words.iter().map(|(word, _)| *word).collect()
}
