//! What a build without a kind of gateway says of it.

use std::sync::Arc;

use crate::config;
use crate::gateway::{Gateway, Secrets};
use crate::problem::Problem;

/// Refuses it.
pub fn open(_: &config::Webhook, _: &Secrets) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    let problem = Problem::new("kind", "gateways of this kind were left out when this program was built");
    Err(vec![problem.value("webhook").hint("build it with the feature webhook, which is on by default")])
}
