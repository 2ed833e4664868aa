//! chimewheel is a declarative timer-wheel engine with a scripting layer: schedules go in, messages come out, and every
//! due time is accounted for.
//!
//! # The road of a message
//!
//! A *surface* (`cli`, `http`, `mcp`, schedule files) parses what somebody wrote and asks for one *operation*. `spec`
//! turns the raw text into a valid [`spec::Schedule`], or into every problem at once. The *runtime* owns one loop on
//! a thread of its own; it hands the schedule to the *engine*, which is pure: an input and the time go in, effects
//! come out. The *store* makes what the engine decided durable; only then does anything else happen: an answer, a run
//! by *scripts* and a *runner*, or a send through a *gateway*.
//!
//! ```text
//!  cli   http   mcp   files          surfaces: parse, print, nothing else
//!    \     |    tools   /              (tools: what agents call, over either of the two)
//!         ops                        one request and reply type per operation
//!          |
//!    spec::validate                  raw -> Schedule, or every problem (path, value, hint, place)
//!          |
//!       runtime                      ONE loop: owns engine and clock; a commit thread writes
//!          |  Input + now                        ^  Input::Answered
//!          v                                     |
//!       engine = wheel + calendar + policy       |
//!          |  Effect, drained in order           |
//!          +--> store     committed before anything below happens
//!          +--> running --> scripts, runner -----+   Input::Ran: a text that was made is durable before it
//!          +--> dispatch --> gateway ------------+   is sent; a short literal text is never run
//! ```
//!
//! People answer: a *gateway* that hears hands what they write to the loop, which puts it into its *session* and hands it on
//! to the agent by a schedule that is due at once. A delivered text goes into its session with the record of its delivery.
//!
//! # Invariants
//!
//! 1. Ranks 0 to 2 and `engine` contain no `async` and read no clock, environment, file, socket or random source:
//!    `now` and seeds are arguments.
//! 2. `runtime/clock.rs` is the only file that asks the time.
//! 3. `redb` is named only in `store`, `croner` and `chrono_tz` only in `calendar`, `reqwest` only in `client`,
//!    `gateway` and `runner`, `tokio_tungstenite` and `lettre` only in `gateway`, `rhai` only in `script`, `clap`, `axum`
//!    and `rmcp` only in `surface`, `hyper` only in `surface` and `client`.
//! 4. `gateway`, `runner`, `script` and `store` do not know each other; only `runtime` joins them.
//! 5. Domain types do not implement `Serialize`; wire and disk types do, next to the code that speaks them.
//! 6. An occurrence is durable before its first external effect, a composed text before it is sent, and what a call to a
//!    model may cost before it is made.
//! 7. Scripts return values; the host acts on them. What a run's script keeps is committed with the end of that run.
//! 8. Every queue, loop, list and text has a named limit ([`limits`]).
//! 9. The wheel is a cache: dropping it and rebuilding it from the store changes nothing observable.
//!
//! `tests/it/tidy.rs` checks what a machine can check of these.
//!
//! # Words
//!
//! *schedule*: what somebody declared: trigger, payload, destination and policies, owned by one agent. *trigger*: when
//! (`at`, `in`, `every`, `cron`, plain words, or after another schedule). *due*: an instant at which a trigger asks for a run. *occurrence*: one
//! due of one generation of a schedule. *run*: the execution of an occurrence. *runner*: what does a task. *provider*: a
//! runner as it is configured. *hook*: a script that shapes a schedule's runs. *template*: a text with parts that are
//! worked out. *attempt*: one try of a run or of a delivery. *delivery*: handing a finished text to a
//! gateway; an occurrence may become several. *overlap*: a due that arrives while an earlier run of the same schedule
//! is not over. *misfire*: a due that
//! passed while it could not be served. *ledger*: the record of occurrences and what became of them. *exclusion*: days
//! or hours on which dues do not count. *lane*: the queue of one chat's deliveries. *session*: a
//! conversation of an agent in a chat, from its first message to its end. *turn*: the one run of a conversation that goes on.
//! *pace*: how fast a platform may be written to. *dead letter*: what was given up. *chain*: schedules that start one another by
//! their ends. *expectation*: how long a schedule may be without a success before its owner is told. *tombstone*: what keeps an
//! agent from making again what the operator cancelled. *budget*: what models may take at most. *heartbeat*: the file of what an
//! agent looks after by itself. *wheel*: the timer wheel.
//!
//! # Modules in reading order
//!
//! | rank | module | holds |
//! |---|---|---|
//! | 0 | [`time`], [`id`], [`limits`], [`problem`] | instants and spans; ids; named limits; the one form of a mistake |
//! | 0 | [`pace`] | how fast a platform may be written to |
//! | 0 | [`access`] | destinations, tokens, quotas, the audit's records |
//! | 0 | [`money`] | what models cost |
//! | 0 | [`planted`] | mistakes made on purpose, in tests only |
//! | 1 | [`calendar`] | triggers: cron in two dialects, zones, daylight saving, English, plain words |
//! | 1 | [`wheel`] | the timer wheel |
//! | 1 | [`config`] | `chimewheel.toml` |
//! | 1 | [`session`] | conversations: when one goes on, what is kept of it |
//! | 2 | [`spec`] | what a user may write, and what is valid |
//! | 3 | [`engine`] | the state machine of occurrences: misfire, catching up, exclusions, overlap, retry, order, pause, bounds |
//! | 3 | `client`, `child` | what the two below share: the HTTP client, and how programs are started and ended |
//! | 4 | [`runner`] | what does a task: a model, a program, or an echo |
//! | 4 | [`script`] | hooks and templates: what a script may see and do, and its limits |
//! | 4 | [`gateway`] | ways to reach chats |
//! | 4 | [`store`] | redb: journal, fold, overlay, recovery, history, sessions |
//! | 5 | [`runtime`] | the loop, the clock, commits, sends, what is heard, conversations, shutdown |
//! | 6 | [`surface`] | operations, command line, HTTP, tools for agents, MCP, files, the heartbeat, imports, measuring |
//! | | [`guide`] | the user's documentation |

pub mod access;
pub mod calendar;
mod child;
#[cfg(feature = "client")]
mod client;
pub mod config;
pub mod engine;
pub mod gateway;
pub mod guide;
pub mod id;
pub mod limits;
pub mod money;
pub mod pace;
pub mod planted;
pub mod problem;
pub mod runner;
pub mod runtime;
pub mod script;
pub mod session;
pub mod spec;
pub mod store;
pub mod surface;
pub mod time;
pub mod wheel;
