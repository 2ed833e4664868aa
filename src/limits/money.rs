//! Limits of what models take and cost.
//!
//! Units are in the names.

/// Tokens that a model may make in one answer where it has a price, unless its `max_tokens` says otherwise.
pub const ANSWER_TOKENS_MAX: u32 = 4096;
/// Tokens that a prompt may have beyond its bytes, for what surrounds it.
pub const PROMPT_MORE_TOKENS_MAX: u64 = 256;
/// Tokens that each further part of a prompt may have beyond its bytes: a line of the conversation, a tool, a call.
pub const PART_MORE_TOKENS_MAX: u64 = 16;
/// Tokens that a prompt may have beyond its bytes where it offers tools, for what a provider says of tools itself.
pub const TOOLS_MORE_TOKENS_MAX: u64 = 512;
/// Millionths of the greatest amount of money that can be written.
pub const COST_MICROS_MAX: u64 = 1_000_000_000_000_000;
/// Models of one provider that may have prices of their own.
pub const RATES_COUNT_MAX: usize = 1000;
/// Runs that are looked at to say what was spent.
pub const COST_ROWS_MAX: usize = 500_000;
/// Days of which is known what was spent on them: today, and others that a clock which is set may come to.
pub const SPENT_DAYS_COUNT_MAX: usize = 6;
