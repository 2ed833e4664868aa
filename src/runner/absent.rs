//! What a build without a kind of runner says of it.

use std::sync::Arc;

use secrecy::SecretString;

use crate::config;
use crate::problem::Problem;
use crate::runner::Runner;

/// Refuses it.
pub fn open(_: &config::OpenAi, _: Option<SecretString>) -> Result<Arc<dyn Runner>, Problem> {
    let problem = Problem::new("kind", "providers of this kind were left out when this program was built");
    Err(problem.value("openai").hint("build it with the feature openai, which is on by default"))
}
