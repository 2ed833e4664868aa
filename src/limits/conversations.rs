//! What conversations and the models in them are held to.
//!
//! Named as all limits are. Not here: what one platform takes (`platforms`).

/// Messages of one session that are kept, the latest ones.
pub const TRANSCRIPT_MESSAGES_COUNT_MAX: u64 = 500;
/// Bytes of one message that a transcript keeps.
pub const TRANSCRIPT_TEXT_BYTES_MAX: usize = 16 * 1024;
/// Milliseconds without a message after which a session is over, unless the config says otherwise.
pub const SESSION_IDLE_MS_MAX: u64 = 168 * 3_600_000;
/// Milliseconds for which it is kept that a message came in: so long it is known when it comes again.
pub const INBOUND_MS_MAX: u64 = 7 * 86_400_000;
/// Messages that came in of which that is kept, the latest ones.
pub const INBOUND_COUNT_MAX: u64 = 100_000;
/// Rows of messages that came in which one commit drops.
pub const INBOUND_DROPPED_COUNT_MAX: usize = 16;
/// Sessions that are looked at, oldest first, when history is dropped.
pub const SESSIONS_DROPPED_COUNT_MAX: usize = 10_000;
/// Bytes of what a model is told about who it is.
pub const SYSTEM_BYTES_MAX: usize = 64 * 1024;
/// Bytes of what was said before that a model is told.
pub const HISTORY_BYTES_MAX: usize = 24 * 1024;
/// Messages of what was said before that a model is told.
pub const HISTORY_COUNT_MAX: usize = 100;
/// Earlier results of its schedule that the model of an isolated run is told.
pub const RESULTS_COUNT_MAX: usize = 3;
/// Bytes of each of them.
pub const RESULT_BYTES_MAX: usize = 2 * 1024;
/// Times that a model is asked in one run, calls of tools between them.
pub const ROUNDS_COUNT_MAX: usize = 8;
/// Tools that a model calls in one go.
pub const CALLS_COUNT_MAX: usize = 8;
/// Bytes of what came of a call that a model is told.
pub const OUTCOME_BYTES_MAX: usize = 16 * 1024;
/// Characters beside `HEARTBEAT_OK` with which a heartbeat's answer still says that there is nothing to tell.
pub const HEARTBEAT_REST_CHARS_MAX: usize = 299;
/// Milliseconds before a gateway is listened to again that broke down.
pub const LISTEN_AGAIN_MS_MIN: u64 = 5000;
/// Answers of an agent in one session that are taken in one minute.
pub const SESSION_ANSWERS_COUNT_MAX: u32 = 60;
/// Sessions, the latest ones, of which `status` counts the active ones.
pub const SESSIONS_COUNTED_MAX: usize = 100_000;
/// Bytes of what a platform posts to a gateway.
pub const POSTED_BYTES_MAX: usize = 1024 * 1024;
/// Milliseconds within which all of that has to come.
pub const POSTED_MS_MAX: u64 = 10_000;
/// Milliseconds before a message is handed over again that an agent's program refused, unless it says otherwise.
pub const HAND_OVER_AGAIN_MS_MIN: u64 = 2000;
/// Milliseconds for which a message is handed to an agent's program again and again.
pub const HAND_OVER_MS_MAX: u64 = 86_400_000;
