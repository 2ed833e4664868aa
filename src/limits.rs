//! Every named limit, with its unit in its name.
//!
//! A name ends in `_MAX` or `_MIN` with its unit before it; relations between limits are proved below.

mod conversations;
mod money;
mod platforms;

pub use self::conversations::*;
pub use self::money::*;
pub use self::platforms::*;

/// The beginning of a text that keeps to a limit in bytes, in whole characters.
#[must_use]
pub fn within(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or_default()]
}

/// Bytes of a schedule id.
pub const ID_BYTES_MAX: usize = 128;
/// Bytes of a schedule's name, an agent's name, a label, a gateway name or a chat id.
pub const NAME_BYTES_MAX: usize = 256;
/// Bytes of what is said about a pause.
pub const NOTE_BYTES_MAX: usize = 1024;
/// Bytes of a literal message.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a literal message up to which it is sent as it stands; every platform takes so much at once. A longer one goes
/// through a run, which cuts it for where it goes.
pub const LITERAL_BYTES_MAX: usize = 1000;
/// Bytes of one schedule file.
pub const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Schedules in one file.
pub const FILE_SCHEDULES_MAX: usize = 10_000;
/// Values in one schedule file once its aliases are followed.
pub const FILE_VALUES_MAX: usize = 1_000_000;
/// Lists and maps inside one another in one schedule file.
pub const FILE_LEVELS_MAX: usize = 100;
/// Schedule files in one folder.
pub const FOLDER_FILES_MAX: usize = 100_000;
/// Folders inside one another.
pub const FOLDER_LEVELS_MAX: usize = 16;
/// Problems collected about one text; further ones are dropped.
pub const PROBLEMS_COUNT_MAX: usize = 1000;
/// Labels, and variables, of one schedule.
pub const LABELS_COUNT_MAX: usize = 64;
/// Bytes of all variables of one schedule as JSON.
pub const VARS_BYTES_MAX: usize = 16 * 1024;

/// How far a search for the next due looks ahead, in years, before a pattern counts as never firing.
pub const SEARCH_YEARS_MAX: i32 = 60;
/// The last year a cron pattern may name.
pub const CRON_YEAR_MAX: i32 = 2199;
/// The first year a cron pattern may name.
pub const CRON_YEAR_MIN: i32 = 1970;
/// Separate runs of years that one cron pattern may name; a range or a step is one run.
pub const YEAR_RUNS_COUNT_MAX: usize = 5;
/// Days between two looks for a change of a zone's offset; every zone keeps each offset for at least 7 (Boa Vista
/// in October 2000, Gaza in 2054).
pub const OFFSET_PROBE_DAYS_MAX: i64 = 6;
/// Characters of a cron expression.
pub const CRON_CHARS_MAX: usize = 512;

/// Characters of a trigger in plain words.
pub const PHRASE_CHARS_MAX: usize = 200;

/// Entries of one schedule's `except`.
pub const EXCEPT_COUNT_MAX: usize = 64;
/// Excluded stretches that a search for a due looks past before the schedule counts as never firing.
pub const EXCEPT_STEPS_COUNT_MAX: usize = 20_000;

/// Milliseconds of the shortest interval of `every`.
pub const EVERY_MS_MIN: u64 = 1000;
/// Milliseconds of the longest span a schedule may name: 100 years.
pub const SPAN_MS_MAX: u64 = 100 * 366 * 86_400_000;
/// Milliseconds by which a one-shot may already be past when it is accepted; it then fires at once.
pub const LATE_CREATE_MS_MAX: u64 = 60_000;
/// Milliseconds by which jitter may put off a due: 24 hours.
pub const JITTER_MS_MAX: u64 = 86_400_000;

/// Milliseconds a due may be behind after an interruption before it counts as a misfire.
pub const MISFIRE_GRACE_MS_MAX: u64 = 1000;
/// Dues that `fire_all` serves after one interruption; earlier ones are recorded as skipped.
pub const FIRE_ALL_COUNT_MAX: u64 = 100;
/// Runs begun in one second to catch up on missed dues, of all schedules together.
pub const CATCHUP_COUNT_MAX: u32 = 500;
/// Milliseconds the clock may go back without counting as a step.
pub const CLOCK_SLEW_MS_MAX: u64 = 1000;
/// Milliseconds of a step back after which even fixed times are armed anew: 7 days.
pub const CLOCK_BACK_MS_MAX: u64 = 7 * 86_400_000;
/// Milliseconds the loop sleeps at the longest before it looks at the clock again.
pub const SLEEP_MS_MAX: u64 = 1000;

/// Milliseconds between two beats of the runtime's heart.
pub const BEAT_MS_MAX: u64 = 250;
/// Milliseconds that the loop, or a commit, may stand still before it counts as stalled.
pub const STALL_MS_MAX: u64 = 5000;
/// Beats of the heart without which a pause counts as the clock's doing, not as a stall.
pub const STALL_BEATS_MIN: u64 = 2;
/// Milliseconds that the oldest unserved due may be late before the engine counts as behind.
pub const DUE_LAG_MS_MAX: u64 = 5000;

/// Attempts of one delivery.
pub const ATTEMPTS_COUNT_MAX: u16 = 100;
/// Failures in a row after which a schedule pauses itself.
pub const FAILURES_COUNT_MAX: u16 = 10;
/// Milliseconds for which the owner's chat is told of that before it is given up: a day.
pub const NOTICE_AGE_MS_MAX: u64 = 86_400_000;
/// Milliseconds between two attempts to tell it.
pub const NOTICE_WAIT_MS_MAX: u64 = 1_800_000;
/// Milliseconds for which a delivery in backoff holds its chat; a longer wait lets the others pass.
pub const LANE_HOLD_MS_MAX: u64 = 30_000;
/// Milliseconds for which a chat or an account is left alone that is limited, however long the platform says.
pub const LIMITED_MS_MAX: u64 = 3_600_000;
/// Milliseconds for which a chat or an account is left alone that is limited, however short the platform says.
pub const LIMITED_MS_MIN: u64 = 100;
/// The same where the platform does not say for how long.
pub const LIMITED_UNSAID_MS_MAX: u64 = 5000;
/// Tokens of a full bucket.
pub const PACE_BURST_COUNT_MAX: u16 = 1000;
/// Chats that wait for a token, or have nothing to send and whose bucket is not full; one more is forgotten at once.
pub const GATE_WAITS_COUNT_MAX: usize = 200_000;
/// Attempts in a row that fail before an account is shut, each as a sick platform lets them fail.
pub const BREAKER_FAILURES_COUNT_MIN: u16 = 5;
/// Chats that they must have been for, so that one bad chat shuts nobody out.
pub const BREAKER_CHATS_COUNT_MIN: usize = 3;
/// Milliseconds until the first probe of an account that is shut; each probe that fails doubles them.
pub const BREAKER_WAIT_MS_MIN: u64 = 1000;
/// Milliseconds between two probes at the most.
pub const BREAKER_WAIT_MS_MAX: u64 = 300_000;
/// Chats that are looked at for one whose next delivery may be tried twice, so that it does for a probe.
pub const PROBE_LOOK_COUNT_MAX: usize = 16;
/// Deliveries of one chat handed to its gateway in one go.
pub const LANE_WINDOW_COUNT_MAX: usize = 64;
/// Chats of one gateway whose deliveries are being committed, wait for the gateway or are with it.
pub const GATEWAY_LANES_COUNT_MAX: usize = 512;
/// Chats of one gateway that are sent to at the same time.
pub const GATEWAY_SENDS_COUNT_MAX: usize = 64;
/// Of these, chats that are only being caught up; the others are kept free for what is due now.
pub const CATCHUP_LANES_COUNT_MAX: usize = 48;
/// Occurrences of one gateway that are claimed and not settled; what is due beyond that waits in the store.
pub const OPEN_COUNT_MAX: usize = 100_000;
/// Runs of one schedule that go on side by side under `allow_all`; further dues are skipped.
pub const PARALLEL_RUNS_COUNT_MAX: usize = 16;
/// Runs of one schedule that wait for an earlier one under `buffer_all`; further dues are skipped.
pub const BUFFERED_RUNS_COUNT_MAX: usize = 100;
/// Models that are asked, one after the other, when the chosen one cannot answer now.
pub const FALLBACKS_COUNT_MAX: usize = 8;
/// Short names of models.
pub const ALIASES_COUNT_MAX: usize = 256;
/// Runs with all providers at a time; those that no model makes are not among them.
pub const RUNS_COUNT_MAX: usize = 256;
/// Runs that scripts alone make at a time.
pub const SCRIPT_RUNS_COUNT_MAX: usize = 64;
/// Deliveries that one occurrence may become: every text that a hook may return, each cut into as many parts as may be.
pub const DELIVERIES_COUNT_MAX: usize = 1584;
/// Bytes of the latest text that a hook may look back at; longer ones are cut.
pub const LAST_TEXT_BYTES_MAX: usize = 4096;
/// Bytes of what a hook notes in the record of one run; longer notes are cut.
pub const RUN_NOTES_BYTES_MAX: usize = 4096;
/// Milliseconds from the end of a run to the due that its hook may wish for.
pub const WISH_MS_MIN: u64 = 1000;
/// Runs with one provider at a time, unless its config says otherwise.
pub const PROVIDER_RUNS_COUNT_MAX: usize = 4;
/// Milliseconds that one attempt to run may take, unless its provider's config says otherwise: ten minutes.
pub const RUN_MS_MAX: u64 = 600_000;
/// Milliseconds that the config may allow for it: a day.
pub const RUN_LONG_MS_MAX: u64 = 86_400_000;
/// Bytes of what a model's endpoint answers: the text, written as JSON, and what stands around it.
pub const MODEL_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a runner's error output that are looked at; the end of it is what is told.
pub const RUN_STDERR_BYTES_MAX: usize = 64 * 1024;
/// Milliseconds one send may take before it counts as unanswered.
pub const SEND_MS_MAX: u64 = 30_000;
/// Milliseconds that HTTP requests in flight are waited for at shutdown.
pub const HTTP_END_MS_MAX: u64 = 1000;
/// Milliseconds that threads are waited for when everything else is over.
pub const THREADS_END_MS_MAX: u64 = 500;
/// Milliseconds that deliveries in flight are waited for at shutdown.
pub const SHUTDOWN_MS_MAX: u64 = 10_000;

/// Timers taken from the wheel in one turn of the loop.
pub const TURN_TIMERS_COUNT_MAX: usize = 4096;
/// Inputs taken from the queue in one turn of the loop.
pub const TURN_INPUTS_COUNT_MAX: usize = 4096;
/// Changes in a batch from which on no further dues are served until the batch can be written.
pub const BATCH_CHANGES_COUNT_MAX: usize = 8192;
/// Inputs that may wait in the loop's queue.
pub const QUEUE_INPUTS_COUNT_MAX: usize = 65_536;
/// Rows of the journal's fold written with one commit; more only when commits themselves add more.
pub const FOLD_ROWS_COUNT_MAX: usize = 4096;
/// Rows committed and not folded yet that one layer of the store's overlay gathers; there are two layers.
pub const OVERLAY_ROWS_COUNT_MAX: usize = 800_000;
/// Commits that one layer of the overlay gathers.
pub const OVERLAY_COMMITS_COUNT_MAX: usize = 16_384;
/// Bytes of journal rows that one layer of the overlay keeps in memory.
pub const OVERLAY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Latest commits that the journal keeps though they are folded, so that the live feed can be taken up again.
pub const FEED_COMMITS_COUNT_MIN: u64 = 256;
/// Folded journal rows removed with one commit.
pub const JOURNAL_TRIM_ROWS_MAX: usize = 16;
/// Bytes of one journal row, which is one batch.
pub const JOURNAL_ROW_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Rows folded with one commit while the store closes.
pub const CLOSE_ROWS_COUNT_MAX: usize = 65_536;
/// Settled runs of one day below which a fold adds to the day's last segment instead of beginning another.
pub const SEGMENT_ROWS_MIN: usize = 4096;
/// Texts of cron patterns that are kept read.
pub const CRONS_COUNT_MAX: usize = 16_384;
/// Milliseconds for which a lock on the data folder is waited out before its owner is reported.
pub const OWNER_WAIT_MS_MAX: u64 = 100;
/// Bytes of redb's page cache.
pub const CACHE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Days that history is kept.
pub const HISTORY_DAYS_MAX: u32 = 30;
/// Faults that verifying a store tells of one by one; further ones are counted.
pub const FAULTS_COUNT_MAX: usize = 1000;
/// Rows of the ledgers that are looked at for one page of dead letters.
pub const DEAD_LETTER_ROWS_MAX: usize = 500_000;
/// Dead letters that are tried again, or dropped, at once.
pub const DEAD_LETTERS_COUNT_MAX: usize = 10_000;
/// Bytes of an error's text kept in the ledger.
pub const ERROR_BYTES_MAX: usize = 1024;

/// Dues of a cron pattern between which an agent's shortest interval is looked for.
pub const AGENT_DUES_COUNT_MAX: usize = 200;
/// Schedules that an agent may have at the same time, unless the config says otherwise.
pub const AGENT_ACTIVE_COUNT_MAX: u32 = 1000;
/// Milliseconds between two dues of an agent's schedule, unless the config says otherwise.
pub const AGENT_INTERVAL_MS_MIN: u64 = 60_000;
/// Dues of all schedules of an agent in 24 hours, unless the config says otherwise.
pub const AGENT_FIRES_COUNT_MAX: u32 = 10_000;
/// Bytes of a token.
pub const TOKEN_BYTES_MIN: usize = 32;
/// Agents whose schedules are counted before those that have none are forgotten.
pub const TALLIES_COUNT_MAX: usize = 10_000;
/// Ranges of schedules that one record of the audit names; further ones are only counted.
pub const AUDIT_RANGES_COUNT_MAX: usize = 1000;
/// Schedules that one line of the audit shows by id.
pub const AUDIT_IDS_COUNT_MAX: usize = 20;
/// Tokens that are kept, revoked ones included.
pub const TOKENS_COUNT_MAX: usize = 10_000;
/// Wrappings around one argument of a tool that are taken off.
pub const ARGUMENT_LEVELS_MAX: usize = 4;
/// Milliseconds between two looks of a stdio server at whether the owner of the store still lives.
pub const BRIDGE_LOOK_MS_MAX: u64 = 1000;
/// Sessions of MCP over HTTP that are open at the same time; the SDK ends those that are silent for five minutes.
pub const MCP_SESSIONS_COUNT_MAX: usize = 1000;
/// Schedules in one page of MCP's list of resources.
pub const RESOURCES_COUNT_MAX: usize = 100;
/// Milliseconds of silence on a stream of MCP before a sign of life is sent.
pub const SSE_SILENCE_MS_MAX: u64 = 15_000;

/// Rows of one page of a list.
pub const PAGE_ROWS_MAX: usize = 1000;
/// Times that one preview may ask for.
pub const PREVIEW_TIMES_MAX: usize = 1000;
/// Bytes of one request to the loopback surface.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of the address of one request.
pub const URL_BYTES_MAX: usize = 8 * 1024;
/// Bytes of the headers of one request.
pub const HEADERS_BYTES_MAX: usize = 16 * 1024;
/// Headers of one request.
pub const HTTP_HEADERS_COUNT_MAX: usize = 100;
/// Bytes of a connection that are read ahead; longer heads are refused by the connection itself.
pub const HTTP_BUFFER_BYTES_MAX: usize = 128 * 1024;
/// Connections to the loopback surface; further ones wait.
pub const HTTP_CONNECTIONS_COUNT_MAX: usize = 512;
/// Requests that are under way at the same time.
pub const HTTP_REQUESTS_COUNT_MAX: usize = 256;
/// Answers that go on and on at the same time: feeds, bulks and exports.
pub const HTTP_STREAMS_COUNT_MAX: usize = 64;
/// Milliseconds that one request may take.
pub const HTTP_REQUEST_MS_MAX: u64 = 60_000;
/// Milliseconds without a byte, of a head or a body, after which a connection is not waited for.
pub const HTTP_IDLE_MS_MAX: u64 = 30_000;
/// Pieces of an answer that wait for a reader.
pub const STREAM_PIECES_COUNT_MAX: usize = 4;
/// Milliseconds after which a reader that takes no piece is cut off.
pub const STREAM_STALL_MS_MAX: u64 = 30_000;
/// Changes that the live feed reads at once.
pub const FEED_PAGE_ROWS_MAX: usize = 500;
/// Milliseconds of quiet after which the live feed gives a sign of life.
pub const FEED_QUIET_MS_MAX: u64 = 15_000;
/// Requests of one caller that are taken in one second, in the long run.
pub const RATE_PER_SECOND_COUNT_MAX: u32 = 500;
/// Requests of one caller that are taken at once.
pub const RATE_BURST_COUNT_MAX: u32 = 2000;
/// Callers whose rate is remembered.
pub const RATE_CALLERS_COUNT_MAX: usize = 10_000;
/// Milliseconds for which a process that owns the store may say no address before others give up.
pub const OWNER_SILENCE_MS_MAX: u64 = 3000;
/// Bytes of one file of schedules, one a line, that is imported at once.
pub const IMPORT_BYTES_MAX: usize = 4 * 1024 * 1024 * 1024;
/// Lines of it that one request carries.
pub const IMPORT_PIECE_LINES_MAX: usize = 16_000;
/// Lines of it that a daemon takes in one go, so that no commit delays what is due.
pub const IMPORT_SERVED_LINES_MAX: usize = 2000;
/// Lines of a bulk over HTTP that are created together, and then told of.
pub const BULK_PIECE_LINES_MAX: usize = 4000;
/// Requests checked and not applied yet that are known by their hash.
pub const IMPORT_CHECKED_COUNT_MAX: usize = 65_536;
/// Bytes of the lines that one request carries.
pub const IMPORT_PIECE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one answer that a command reads from a daemon.
pub const REPLY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Milliseconds that a command waits for a daemon's answer.
pub const REMOTE_MS_MAX: u64 = 120_000;
/// Milliseconds after which a command that waits for an answer looks whether the daemon is alive, and for how long.
pub const REMOTE_LOOK_MS_MAX: u64 = 3000;
/// Milliseconds that a command waits for a daemon to copy its store: an hour.
pub const REMOTE_COPY_MS_MAX: u64 = 3_600_000;

/// Bytes of one script.
pub const SCRIPT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one template.
pub const TEMPLATE_BYTES_MAX: usize = 64 * 1024;
/// Places, `${…}`, in one template.
pub const TEMPLATE_HOLES_COUNT_MAX: usize = 256;
/// Scripts in the folder.
pub const SCRIPTS_COUNT_MAX: usize = 10_000;
/// Templates that are kept compiled.
pub const TEMPLATES_COUNT_MAX: usize = 4096;
/// Bytes that the templates which are kept compiled take, about.
pub const TEMPLATES_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes that one byte of code in a template takes once it is compiled: 64 KiB of `${1+1}` took 5.5 MB.
pub const TEMPLATE_CODE_BYTES_MAX: usize = 96;
/// Operations of one call of a script: some 20 milliseconds of plain work.
pub const SCRIPT_OPERATIONS_MAX: u64 = 500_000;
/// Milliseconds that the scripts of one run may take before a model is asked, and again after it.
pub const SCRIPT_MS_MAX: u64 = 1000;
/// Bytes of the stack of a thread on which scripts may run: several times what their deepest calls take.
pub const THREAD_STACK_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Threads on which scripts run at a time.
pub const SCRIPT_THREADS_COUNT_MAX: usize = 4;
/// Operations of a script between two looks at whether its time is over.
pub const SCRIPT_LOOK_OPERATIONS_MAX: u64 = 64;
/// Bytes that the functions of the library go through, or make, for what counts as one operation.
pub const SCRIPT_OPERATION_BYTES_MAX: usize = 64;
/// Calls inside one another in a script; with expressions inside one another it must fit a thread's stack of 2 MiB, the
/// least that a thread here has: the worst shape measured, a `switch` in a `switch` in a debug build, takes more than 1.
pub const SCRIPT_CALLS_COUNT_MAX: usize = 24;
/// Expressions inside one another in a script.
pub const SCRIPT_LEVELS_MAX: usize = 48;
/// Values that one variable of a script may hold, those that its functions have captured included.
pub const SCRIPT_VALUES_COUNT_MAX: usize = 8192;
/// Bytes of all the values that the variables of a running script hold.
pub const SCRIPT_MEMORY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Uses of variables between two looks at how large their values are.
pub const SCRIPT_LOOK_USES_MAX: u32 = 64;
/// Variables of a script that exist at the same time.
pub const SCRIPT_VARIABLES_COUNT_MAX: usize = 256;
/// Functions of one script.
pub const SCRIPT_FUNCTIONS_COUNT_MAX: usize = 256;
/// Scripts that one script imports, those imported by them included.
pub const SCRIPT_IMPORTS_COUNT_MAX: usize = 32;
/// Bytes of one text in a script, and of all the texts in one list or map.
pub const SCRIPT_TEXT_BYTES_MAX: usize = 64 * 1024;
/// Elements of one list in a script, those of the lists in it included.
pub const SCRIPT_LIST_COUNT_MAX: usize = 1000;
/// Entries of one map in a script, those of the maps in it included.
pub const SCRIPT_MAP_COUNT_MAX: usize = 1000;
/// Lists, maps and functions inside one another in a script's data; deeper ones cannot be compared, shown or kept.
pub const SCRIPT_DATA_LEVELS_MAX: usize = 64;
/// Bytes of the state that a script keeps between two runs, as JSON.
pub const SCRIPT_STATE_BYTES_MAX: usize = 16 * 1024;
/// Notes of one run.
pub const SCRIPT_NOTES_COUNT_MAX: usize = 20;
/// Texts that one run delivers in place of its result.
pub const OUTGOING_COUNT_MAX: usize = 16;
/// Bytes of one regular expression.
pub const PATTERN_BYTES_MAX: usize = 1024;
/// Bytes of one regular expression once it is compiled.
pub const PATTERN_SIZE_BYTES_MAX: usize = 256 * 1024;
/// Regular expressions that are kept compiled.
pub const PATTERNS_COUNT_MAX: usize = 128;

/// Bytes free on the store's disk below which the doctor fails.
pub const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Bytes free on the store's disk below which the doctor warns.
pub const FREE_BYTES_LOW_MIN: u64 = 1024 * 1024 * 1024;
/// Files that a process should be allowed to have open.
pub const OPEN_FILES_MIN: u64 = 1024;
/// Milliseconds by which the daemon's clock may differ from the doctor's, the answer's way included.
pub const DOCTOR_CLOCK_MS_MAX: u64 = 5000;
/// Milliseconds that the doctor's look at one gateway may take.
pub const DOCTOR_PROBE_MS_MAX: u64 = 15_000;
/// Pages of schedules that the doctor asks a daemon for.
pub const DOCTOR_PAGES_COUNT_MAX: usize = 20;
/// Milliseconds by which the wall clock may differ from one that only counts, while the doctor looks.
pub const DOCTOR_STEP_MS_MAX: u64 = 100;

const _: () = assert!(MESSAGE_BYTES_MAX <= SCRIPT_TEXT_BYTES_MAX, "a script can make any text that can be sent");
const _: () = assert!(
    TEMPLATE_BYTES_MAX * (TEMPLATE_CODE_BYTES_MAX + 1) < TEMPLATES_BYTES_MAX / 2,
    "no template pushes all others out by itself"
);
const _: () = assert!(SCRIPT_STATE_BYTES_MAX <= SCRIPT_TEXT_BYTES_MAX, "a script can read what it kept");
const _: () = assert!(VARS_BYTES_MAX <= SCRIPT_TEXT_BYTES_MAX, "a script can read its schedule's variables");
const _: () = assert!(SCRIPT_LOOK_OPERATIONS_MAX < SCRIPT_OPERATIONS_MAX, "time is looked at before operations end");
const _: () = assert!(SLEEP_MS_MAX <= MISFIRE_GRACE_MS_MAX, "a plain sleep must never look like an interruption");
const _: () = assert!(BEAT_MS_MAX * 2 <= SLEEP_MS_MAX, "the heart beats within every sleep");
const _: () = assert!(SLEEP_MS_MAX < STALL_MS_MAX, "a plain sleep never looks like a stall");
const _: () = assert!(STALL_BEATS_MIN * BEAT_MS_MAX < STALL_MS_MAX, "a stall is noticed as soon as it is one");
const _: () = assert!(SEND_MS_MAX.is_multiple_of(BEAT_MS_MAX), "patience is counted in whole beats");
const _: () = assert!(FIRE_ALL_COUNT_MAX <= BUFFERED_RUNS_COUNT_MAX as u64, "whatever is caught up can be buffered");
const _: () = assert!(PARALLEL_RUNS_COUNT_MAX <= RUNS_COUNT_MAX, "one schedule cannot ask for more than all may");
const _: () = assert!(DELIVERIES_COUNT_MAX == OUTGOING_COUNT_MAX * PARTS_COUNT_MAX, "no run fails for its parts");
const _: () = assert!(DELIVERIES_COUNT_MAX < u16::MAX as usize, "a delivery's number has 16 bits");
const _: () = assert!(PROVIDER_RUNS_COUNT_MAX <= RUNS_COUNT_MAX, "one provider has no more than all");
const _: () = assert!(RUN_MS_MAX.is_multiple_of(BEAT_MS_MAX), "patience is counted in whole beats");
const _: () = assert!(FIRE_ALL_COUNT_MAX <= TURN_TIMERS_COUNT_MAX as u64, "one schedule's catch-up fits one turn");
const _: () =
    assert!(CATCHUP_LANES_COUNT_MAX < GATEWAY_SENDS_COUNT_MAX, "catching up leaves room for what is due now");
const _: () = assert!(LANE_HOLD_MS_MAX < CLOCK_BACK_MS_MAX, "a held lane is freed before clocks are doubted");
const _: () = assert!(HTTP_REQUEST_MS_MAX < REMOTE_MS_MAX, "a command hears why a request took too long");
const _: () = assert!(FEED_QUIET_MS_MAX < HTTP_IDLE_MS_MAX, "a feed shows life before anybody takes it for dead");
const _: () = assert!(URL_BYTES_MAX + HEADERS_BYTES_MAX < HTTP_BUFFER_BYTES_MAX, "a long head is refused in words");
const _: () =
    assert!(HTTP_STREAMS_COUNT_MAX < HTTP_CONNECTIONS_COUNT_MAX, "long answers leave connections for short ones");
const _: () = assert!(RATE_PER_SECOND_COUNT_MAX <= RATE_BURST_COUNT_MAX, "a second's requests may come at once");
const _: () = assert!(FILE_BYTES_MAX < REQUEST_BYTES_MAX, "what fits a file fits a request");
const _: () = assert!(IMPORT_PIECE_BYTES_MAX * 4 <= REQUEST_BYTES_MAX, "escapes included, a piece fits a request");
const _: () = assert!(IMPORT_PIECE_LINES_MAX * 4 <= QUEUE_INPUTS_COUNT_MAX, "an import never finds its queue full");
const _: () = assert!(GATEWAY_SENDS_COUNT_MAX <= GATEWAY_LANES_COUNT_MAX, "only what was handed out is sent");
const _: () = assert!(TURN_TIMERS_COUNT_MAX <= BATCH_CHANGES_COUNT_MAX, "a batch takes a turn's dues");
const _: () = assert!(JOURNAL_TRIM_ROWS_MAX > 1, "the journal is trimmed faster than it grows");
const _: () = assert!(FOLD_ROWS_COUNT_MAX < OVERLAY_ROWS_COUNT_MAX, "a layer is folded in slices");
