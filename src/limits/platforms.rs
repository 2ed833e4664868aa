//! What gateways keep to: the limits of platforms, and ours for what comes from them.
//!
//! Named as all limits are. Not here: how many deliveries there are, and how long one may take (`limits`).

use super::{GATEWAY_SENDS_COUNT_MAX, LITERAL_BYTES_MAX, SEND_MS_MAX};

/// Milliseconds a webhook or a chat platform may take to answer, unless its config says otherwise.
pub const WEBHOOK_MS_MAX: u64 = 10_000;
/// UTF-16 code units of one message of Telegram.
pub const TELEGRAM_TEXT_UNITS_MAX: usize = 4096;
/// Chats of a Telegram gateway that have moved and whose new place is remembered.
pub const TELEGRAM_MOVED_COUNT_MAX: usize = 10_000;
/// Milliseconds for which Telegram holds a question for news that has none to tell.
pub const TELEGRAM_POLL_MS_MAX: u64 = 50_000;
/// Milliseconds from one such question to the next, however soon it is answered.
pub const TELEGRAM_POLL_MS_MIN: u64 = 50;
/// News that one answer of Telegram holds.
pub const TELEGRAM_UPDATES_COUNT_MAX: u32 = 50;
/// Bytes of such an answer.
pub const TELEGRAM_UPDATES_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Milliseconds of the first pause after trouble with listening to a platform; each further one is twice as long.
pub const LISTEN_PAUSE_MS_MIN: u64 = 500;
/// Milliseconds of the longest such pause.
pub const LISTEN_PAUSE_MS_MAX: u64 = 60_000;
/// Milliseconds between two tries with an account that was refused.
pub const LISTEN_REFUSED_MS_MAX: u64 = 600_000;
/// Milliseconds in which a connection to a gateway's platform must be made.
pub const CONNECT_MS_MAX: u64 = 5000;
/// Milliseconds for which a connection that nobody uses is kept; servers often end theirs after 5 seconds, and a message
/// sent at that moment would be ambiguous.
pub const IDLE_MS_MAX: u64 = 4000;
/// Bytes of a platform's answer that are read; Slack repeats a message twice, with all its escapes.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// UTF-16 code units of one message on Discord.
pub const DISCORD_UNITS_MAX: usize = 2000;
/// Channels of Discord of which it is remembered where they are.
pub const DISCORD_CHANNELS_COUNT_MAX: usize = 10_000;
/// Characters of one message on Slack, before it is escaped and formatted.
pub const SLACK_CHARS_MAX: usize = 4000;
/// Characters of what Slack is given; it cuts off what is beyond.
pub const SLACK_WHOLE_CHARS_MAX: usize = 40_000;
/// Milliseconds by which the time that Slack signs may differ from ours.
pub const SLACK_SIGNED_MS_MAX: u64 = 300_000;
/// Bytes of one message that comes through a platform's socket.
pub const SOCKET_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Milliseconds in which a platform's socket must say its first word.
pub const SOCKET_HELLO_MS_MAX: u64 = 10_000;
/// Parts that one text is cut into for a platform that takes only so much at once.
pub const PARTS_COUNT_MAX: usize = 99;
/// Units of the room of one part.
pub const PART_ROOM_MIN: usize = 64;
/// Torn stretches inside one another that are closed in one part and opened again in the next.
pub const TORN_LEVELS_MAX: usize = 4;
/// Tags of Markdown inside one another; what is deeper comes out without.
pub const MARKDOWN_LEVELS_MAX: usize = 32;
/// Formatted stretches of one Telegram message; the platform drops further ones.
pub const TELEGRAM_ENTITIES_COUNT_MAX: usize = 100;
/// Bytes of a platform's id of a message.
pub const MESSAGE_ID_BYTES_MAX: usize = 256;
/// Keys that one gateway's messages are signed with.
pub const SECRETS_COUNT_MAX: usize = 4;
/// Bytes of the file of a secret.
pub const SECRET_BYTES_MAX: usize = 4096;
/// Bytes of a key that messages are signed with.
pub const SIGNING_KEY_BYTES_MAX: usize = 64;
/// The same, at the least.
pub const SIGNING_KEY_BYTES_MIN: usize = 24;
/// Bytes of a text that goes to Matrix: an event has 65,536, with the text's escapes, a formatted copy and all that the
/// servers add.
pub const MATRIX_TEXT_BYTES_MAX: usize = 24 * 1024;
/// Bytes of such a text whose Markdown is shown, which goes twice: as it is read, and with its tags.
pub const MATRIX_MARKDOWN_BYTES_MAX: usize = 16 * 1024;
/// Bytes of the content of an event as it is sent; the rest is the servers'.
pub const MATRIX_CONTENT_BYTES_MAX: usize = 60 * 1024;
/// Rooms whose alias, or whose members, are remembered.
pub const MATRIX_ROOMS_COUNT_MAX: usize = 4096;
/// Milliseconds for which a homeserver may hold a question for news.
pub const MATRIX_POLL_MS_MAX: u64 = 30_000;
/// Bytes of a homeserver's news that are read at once.
pub const MATRIX_SYNC_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Messages of one room in one piece of news; what is beyond is asked for.
pub const MATRIX_TIMELINE_COUNT_MAX: usize = 50;
/// Pages of what was written in one room meanwhile, of a hundred messages each; what is beyond is left out, and the log
/// says so.
pub const MATRIX_GAP_PAGES_MAX: usize = 50;
/// Tries to accept one invitation.
pub const MATRIX_JOINS_COUNT_MAX: usize = 10;
/// Milliseconds that a plug-in may take to say that it is ready.
pub const PLUGIN_READY_MS_MAX: u64 = 30_000;
/// Milliseconds from one question to a plug-in whether it lives to the next; one that was not answered by then is its
/// end.
pub const PLUGIN_PING_MS_MAX: u64 = 30_000;
/// Milliseconds that a plug-in may take to end when it is told to; then it is killed.
pub const PLUGIN_END_MS_MAX: u64 = 3000;
/// Bytes of one line of a plug-in; longer ones are left out.
pub const PLUGIN_LINE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of one line of a plug-in's error output that go to the log.
pub const PLUGIN_LOG_BYTES_MAX: usize = 1024;
/// Lines of its error output that go to the log from one question whether it lives to the next; others are counted.
pub const PLUGIN_LOG_LINES_MAX: usize = 1000;
/// Messages for a plug-in that wait until it reads.
pub const PLUGIN_QUEUE_COUNT_MAX: usize = 64;
/// Messages of a plug-in that wait until they are taken; further ones are lost, and the log says so.
pub const PLUGIN_INBOUND_COUNT_MAX: usize = 1024;
/// Messages that a plug-in may leave unanswered before those that nobody waits for any more are forgotten.
pub const PLUGIN_UNANSWERED_COUNT_MAX: usize = 1024;
/// Variables of the environment that one plug-in is given.
pub const PLUGIN_ENV_COUNT_MAX: usize = 64;

const _: () =
    assert!(PLUGIN_UNANSWERED_COUNT_MAX > GATEWAY_SENDS_COUNT_MAX, "what somebody waits for is never forgotten");
const _: () = assert!(LITERAL_BYTES_MAX * 2 <= DISCORD_UNITS_MAX, "whatever of it is escaped");
const _: () = assert!(SLACK_CHARS_MAX * "&amp;".len() <= SLACK_WHOLE_CHARS_MAX, "a plain text is never cut off");
const _: () =
    assert!(DISCORD_UNITS_MAX <= SLACK_CHARS_MAX && DISCORD_UNITS_MAX <= TELEGRAM_TEXT_UNITS_MAX, "the shortest");
const _: () = assert!(MATRIX_TEXT_BYTES_MAX * 2 < MATRIX_CONTENT_BYTES_MAX, "a text and a copy of it fit an event");
const _: () = assert!(MATRIX_MARKDOWN_BYTES_MAX <= MATRIX_TEXT_BYTES_MAX, "it fits without its formatting, too");
const _: () = assert!(LISTEN_PAUSE_MS_MIN < LISTEN_PAUSE_MS_MAX, "pauses grow");
const _: () = assert!(LISTEN_PAUSE_MS_MAX < LISTEN_REFUSED_MS_MAX, "a refusal is asked about rarely");
const _: () = assert!(WEBHOOK_MS_MAX * 2 < SEND_MS_MAX, "an attempt that follows a chat has time for both requests");
