//! Scripts as judges of what a schedule may name: its hook is there, its template is one.
//!
//! Not here: what becomes of a script that goes missing later (`runtime`).

use super::{ScriptError, Scripts};
use crate::problem::Problem;
use crate::spec::{self, tree::shorten};

impl spec::Scripts for Scripts {
    fn judge_hook(&self, name: &str) -> Result<(), Problem> {
        // Places are those of the script, not of the schedule.
        self.hook(name).map(drop).map_err(|error| problem(name, &error))
    }

    fn judge_template(&self, text: &str) -> Result<(), Problem> {
        self.check_template(text).map_err(|error| problem(text, &error))
    }
}

/// The mistake as one of the schedule: its place in the script is said in words.
fn problem(value: &str, error: &ScriptError) -> Problem {
    let message = ScriptError { hint: None, ..error.clone() }.to_string();
    Problem { hint: error.hint.clone(), ..Problem::new("", message).value(shorten(value)) }
}
