//! Sentences: what a person or an agent reads back after a create.
//!
//! Units: none.
//! Oracle: croner's own description names the same hours and minutes where it understands the pattern.
//! Not here: refusals (`calendar_errors`).
//! Source: DESIGN section 4, the reply to create.

#[test]
fn placeholder() {}
