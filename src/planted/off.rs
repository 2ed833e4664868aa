//! Nothing is planted, ever.

use super::Bug;

/// Whether this bug is planted: it is not.
#[must_use]
pub const fn is(_bug: Bug) -> bool {
    false
}
