//! What a build without a kind of gateway says of it.

// It stands in for every kind that is left out, and tells them apart by the module that it is loaded as.
#![allow(clippy::duplicate_mod)]

use std::sync::Arc;

use crate::gateway::{Gateway, Secrets};
use crate::problem::Problem;

/// Refuses it; the kind is the name of the module that this file stands in for.
pub fn open<Config>(_: &Config, _: &Secrets) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    let kind = module_path!().rsplit("::").next().unwrap_or_default();
    let problem = Problem::new("kind", "gateways of this kind were left out when this program was built");
    Err(vec![problem.value(kind).hint(format!("build it with the feature {kind}, which is on by default"))])
}
