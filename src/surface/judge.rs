//! What schedules are judged by where scripts are known: whether a hook or a template can be used.
//!
//! Not here: what is wrong with them (`script`), judging the rest (`spec`).

use crate::problem::Problem;
use crate::script::{ScriptError, Scripts};
use crate::spec;

/// The scripts that there are.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a>(pub &'a Scripts);

impl spec::Scripts for Judge<'_> {
    fn judge_hook(&self, name: &str) -> Result<(), Problem> {
        self.0.hook(name).map(drop).map_err(|error| problem(name, &error))
    }

    fn judge_template(&self, text: &str) -> Result<(), Problem> {
        self.0.template(text).map(drop).map_err(|error| problem(text, &error))
    }
}

/// The mistake as one of the schedule: its place in the script is said in words.
fn problem(value: &str, error: &ScriptError) -> Problem {
    let message = ScriptError { hint: None, ..error.clone() }.to_string();
    let problem = Problem::new("", message).value(spec::tree::shorten(value));
    error.hint.iter().fold(problem, |problem, hint| problem.hint(hint))
}
