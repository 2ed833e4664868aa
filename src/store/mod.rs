//! The store: everything that must outlive the process, in one redb file.
//!
//! Units: `Timestamp` (UTC milliseconds); bytes little-endian unless redb's own keys are meant.
//! Not here: threads (`runtime` gives the [`Writer`] one), decisions (`engine`), whether a name may be taken over.
//!
//! # Why it is built like this
//!
//! redb is a copy-on-write B-tree. It appends 400,000 rows a second and scatters 20,000 to 60,000. So a commit
//! appends one packed row to a *journal* and nothing else; what the row says is *folded* into tables later, sorted,
//! in slices, a slice with each commit. Between the two it is in memory, in the *overlay*, through which every read
//! goes.
//!
//! # Tables
//!
//! | table | key | row |
//! |---|---|---|
//! | `meta` | name | `format`, `epoch`, `folded_through`, `next_key`, `history_from`: 8 bytes; `zone_data`: text |
//! | `schedules` | schedule | generation and declaration (`declaration.rs`) |
//! | `plans` | plan | trigger, bounds, policy, gateway (`declaration.rs`) |
//! | `journal` | commit | what the commit put into states and runs (`journal.rs`) |
//! | `state` | schedule | 40 bytes (`row.rs`) |
//! | `open` | schedule, due, generation | a run that is not settled (`row.rs`) |
//! | `ledger-<day>` | segment, schedule, due, generation | a settled run whose last due lies in that UTC day (`row.rs`) |
//! | `texts-<day>` | schedule, due, generation | the text that was made for an occurrence due on that UTC day |
//! | `deliveries-<day>` | schedule, due, generation, number, side | a delivery of an occurrence that has several, settled or not, and its text (`deliveries.rs`) |
//! | `hooks` | schedule, part | what the schedule's hook keeps for its next run (`kept.rs`) |
//! | `by_id` | id | schedule |
//! | `by_name`, `by_token` | agent, name or client token | the schedule that was declared with it last |
//! | `by_agent`, `by_file` | agent or file, schedule | nothing |
//! | `by_process` | agent, process handle, schedule | nothing |
//! | `audit-<day>` | instant, number | a request that changed something on that UTC day (`audit.rs`) |
//! | `notes` | schedule | why it is paused (`notes.rs`) |
//! | `tokens` | token id | what is kept of the token (`grants.rs`) |
//! | `sessions` | session | whose, and how far it is (`sessions.rs`) |
//! | `by_chat` | gateway, chat, thread, agent | the session of that conversation that began last |
//! | `transcripts` | session, number | a message of the session |
//! | `inbound` | number | a message that came in, and what became of it; a week of them |
//! | `by_message` | gateway, chat, thread, message | its number in `inbound` |
//! | `places` | gateway | how far it has read its platform's stream |
//!
//! Schedules, plans, indexes, notes and everything about sessions are written by the commit that declares them. `state`, `open`, the ledgers, the
//! texts, the deliveries and `hooks` are folds of the journal. There is no index by due: the wheel has that order already, and boot scans `state`.
//!
//! A text or a delivery goes with the history of its day, or later, when the last occurrence of that day has been settled.
//!
//! Format 2 has texts and what runners did, format 3 what hooks do: deliveries beside runs, and what is kept; format 4 what
//! became of dead letters, and sessions. A file of an earlier format is read as it is and becomes one of format 4 when it
//! is opened to be written. Every row of `schedules`, `plans`, `journal`, `state` and the runs begins with its version. Numbers of variable
//! length, texts and options are described in `codec.rs`.
//!
//! # A commit
//!
//! 1. Its states and runs become one journal row; its declarations and plans go to their tables, each index in its
//!    own order; history it drops goes with whole ledgers and audits.
//! 2. A slice of the layer that is being folded goes to `state`, `open`, the ledgers and the texts. With the last slice,
//!    `folded_through` moves to the layer's last commit. Some journal rows that are folded are removed.
//! 3. redb commits it all, durably and with quick repair (two syncs; reopening after a crash reads no data).
//! 4. Readers are shown the new snapshot and the overlay with the batch in it, in one step.
//!
//! Two layers exist at most. The *filling* one takes commits in; when it is full and the other is gone, it becomes
//! the *folding* one and does not change any more. It hides the disk until all of it is written, so a half-done
//! fold is never seen. A claim and its settlement that meet in one layer are folded as one settled run, and never
//! touch `open`.
//!
//! A ledger grows by *segments*, each the sorted runs of one layer, behind all earlier ones: one run beside its
//! schedule's older ones would cost a page each. Reading one schedule's runs asks each segment of a day; a small
//! layer adds to the last segment, so that segments stay few. In a later segment a run hides itself in an earlier
//! one. A dead letter that is tried again is open once more: `open` hides the ledger, and says that it may.
//!
//! # Recovery
//!
//! Every change is an idempotent put. Opening reads the journal after `folded_through` into a filling layer; that
//! some of it had been folded already changes nothing, for it hides what the fold wrote. The states are then read
//! from `state` and the layer, merged, without gathering them. A clean [`close`](Writer::close) folds everything.
//!
//! # Verifying and copying
//!
//! A file is judged through `glass`, which keeps every write off it (`verify`). A backup is one snapshot, copied row by
//! row into a file of its own beside a running writer (`copy`).
//!
//! # Invariants
//!
//! 1. What a commit that returned `Ok` wrote survives any crash; of the commit in flight all survives, or nothing.
//! 2. A commit that failed stops the writer: what the disk holds is known again only after a new open.
//! 3. A read sees the effect of whole commits only, each one that had returned before the read began among them.
//! 4. Memory outside redb's cache is bounded: two layers, each limited in rows, commits and bytes (`limits`).
//! 5. A file that is not a whole store of a known format is refused, and nothing in it is changed.
//! 6. One process owns a data folder ([`Ownership`]); work claimed under an older boot epoch is nobody's.
//!
//! # What is assumed of the medium
//!
//! 1. After `sync_data` has returned, everything written before it is read back as it was written.
//! 2. Of what was not synced any part may be missing, in units of a sector; no other byte of the file changes.
//! 3. A file made longer and synced stays so; renaming a file inside a folder is atomic, and durable once the
//!    folder is synced.
//!
//! # Limits of this
//!
//! An instant of `i64::MIN` milliseconds cannot be told from none in `state`. A settled run that is put again must
//! tell of the same dues, because they say in which ledger it lies. Numbers in `vars` are kept as JSON
//! text. A view is held by the visitors of [`Opened`], so they are for boot, before the writer has been given away.

mod audit;
mod codec;
mod copy;
mod declaration;
mod declare;
mod deliveries;
mod error;
mod feed;
mod fold;
mod glass;
mod grants;
mod history;
mod journal;
mod kept;
mod letters;
mod names;
mod notes;
mod open;
mod overlay;
mod owner;
mod quiet;
mod reader;
mod recovery;
mod row;
mod sessions;
mod sorting;
mod spending;
mod tables;
mod verify;
mod writer;

pub use audit::AuditCursor;
pub use copy::{Compacted, Copied, Restoring};
pub use error::{Malformed, OpenError, RowError, StoreError};
pub use feed::{Fed, FeedCursor, Piece, What};
pub use history::RunCursor;
pub use letters::{LetterCursor, LetterFilter, Letters};
pub use names::Names;
pub use open::{FILE, Opened, Options, Store};
pub use owner::{Owner, Ownership, owner};
pub use reader::{Listed, Reader, StoreFacts};
pub use sessions::HeardAfter;
pub use spending::{Spending, Sum};
pub use verify::{Fault, Verified};
pub use writer::{CommitReport, FoldLimits, Writer};
