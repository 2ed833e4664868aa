//! What may be written but is not built into this version: refused with the reason, never ignored.
//!
//! One table: a row leaves it with the commit that builds its feature.
//! Source: FAILURES.md 46, options that are accepted and ignored.

use super::Check;
use crate::problem::Problem;
use crate::spec::raw::RawSchedule;

/// A field that a later version will read.
struct Later {
    /// Canonical path.
    path: &'static str,
    /// What it needs.
    needs: &'static str,
    /// What to write today.
    instead: &'static str,
    /// Whether it is given, with something that asks for the feature.
    given: fn(&RawSchedule) -> bool,
}

const LATER: &[Later] = &[
    Later {
        path: "after",
        needs: "chained schedules",
        instead: "use at, in, every, cron or when",
        given: |raw| raw.after.is_some(),
    },
    Later {
        path: "expect_every",
        needs: "dead-man alerts",
        instead: "leave it out",
        given: |raw| raw.expect_every.is_some(),
    },
];

impl Check<'_> {
    /// Refuses every field of the table that is given.
    pub(super) fn later(&mut self, raw: &RawSchedule) {
        for row in LATER.iter().filter(|row| (row.given)(raw)) {
            let name = row.path.rsplit('.').next().unwrap_or(row.path);
            let message = format!("'{name}' is not built into this version: it needs {}", row.needs);
            self.refuse(Problem::new(row.path, message).hint(row.instead));
        }
    }
}
