//! The operation table: one request and one reply type for each thing that can be asked.
//!
//! The command line prints replies, `--json` and HTTP send them as they are, and a daemon and a store opened on the
//! spot answer the same requests. An operation is declared once, in the table below.
//! Invariant: names in the table are the names on the wire, `POST /v1/ops/NAME`.
//! Not here: the types themselves (`request`, `reply`), how a daemon is reached (`remote`).

pub mod books;
pub mod caller;
mod costs;
pub mod letters;
pub mod local;
pub mod preview;
pub mod reply;
pub mod request;
mod runs;
pub mod sessions;
mod state;
mod told;
mod verified;

use std::future::Future;
use std::pin::Pin;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::{Problem, nearest};
use crate::surface::error::{Code, Error};

pub use caller::{Caller, Identity};

/// What [`Operations::call`] returns.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;

/// Something that performs operations.
pub trait Operations: Send + Sync {
    /// Performs one, for whoever asks.
    fn call(&self, caller: &Caller, request: Request) -> Calling<'_>;
}

/// A request that knows the type of its reply.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema {
    /// The reply's type.
    type Reply: Serialize + DeserializeOwned + JsonSchema;
    /// The request among all requests.
    fn request(self) -> Request;
    /// The reply, if it is of this operation.
    fn reply(reply: Reply) -> Option<Self::Reply>;
}

/// Performs one operation for the admin and hands back its own reply type.
pub async fn perform<O: Operation>(operations: &dyn Operations, operation: O) -> Result<O::Reply, Error> {
    perform_for(&Caller::Admin, operations, operation).await
}

/// Performs one operation for a caller and hands back its own reply type.
pub async fn perform_for<O: Operation>(
    caller: &Caller,
    operations: &dyn Operations,
    operation: O,
) -> Result<O::Reply, Error> {
    let reply = operations.call(caller, operation.request()).await?;
    O::reply(reply).ok_or_else(|| Error::new(Code::Failed, "the answer belongs to another operation"))
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on every wire.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The JSON Schema of its request.
    pub request: fn(&mut SchemaGenerator) -> Schema,
    /// The JSON Schema of its reply.
    pub reply: fn(&mut SchemaGenerator) -> Schema,
}

macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $name:literal => $variant:ident -> $reply:ident;)+) => {
        /// Anything that can be asked.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request { $($(#[doc = $doc])+ $variant(request::$variant),)+ }

        /// Any answer.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Reply { $(
            #[doc = concat!("Answers `", $name, "`.")]
            $variant(reply::$reply),
        )+ }

        /// Every operation: its name, what it does, and the shapes of its bodies.
        pub const TABLE: &[Entry] = &[$(Entry {
            name: $name,
            about: concat!($($doc),+),
            request: |schemas| schemas.subschema_for::<request::$variant>(),
            reply: |schemas| schemas.subschema_for::<reply::$reply>(),
        },)+];

        impl Request {
            /// Its name on every wire.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// Its body on every wire.
            pub fn to_json(&self) -> Result<Value, Error> {
                match self { $(Self::$variant(body) => encode(body),)+ }
            }

            /// Reads a request by name and body.
            pub fn read(name: &str, body: &[u8]) -> Result<Self, Error> {
                match name {
                    $($name => decode(body).map(Self::$variant),)+
                    _ => Err(unknown(name)),
                }
            }
        }

        impl Reply {
            /// Its body on every wire.
            pub fn to_json(&self) -> Result<Value, Error> {
                match self { $(Self::$variant(body) => encode(body),)+ }
            }

            /// Reads the reply to the operation `name`.
            pub fn read(name: &str, body: &[u8]) -> Result<Self, Error> {
                match name {
                    $($name => decode(body).map(Self::$variant),)+
                    _ => Err(unknown(name)),
                }
            }
        }

        $(impl Operation for request::$variant {
            type Reply = reply::$reply;
            fn request(self) -> Request {
                Request::$variant(self)
            }
            fn reply(reply: Reply) -> Option<Self::Reply> {
                if let Reply::$variant(reply) = reply { Some(reply) } else { None }
            }
        })+
    };
}

operations! {
    /// Creates one schedule, or all schedules of one file.
    "add" => Add -> Added;
    /// Creates, updates and cancels what a folder of files declares.
    "apply" => Apply -> Applied;
    /// Lists schedules.
    "list" => List -> Listed;
    /// Shows one schedule with its next times.
    "show" => Show -> Shown;
    /// Changes fields of one schedule.
    "update" => Update -> Updated;
    /// Ends one schedule; its history stays.
    "cancel" => Cancel -> Changed;
    /// Holds one schedule until it is resumed.
    "pause" => Pause -> Changed;
    /// Lets a paused schedule go on.
    "resume" => Resume -> Changed;
    /// Runs one schedule once, now, besides its dues.
    "run-now" => RunNow -> Started;
    /// Shows what became of a schedule's dues, newest first.
    "runs" => Runs -> RunsListed;
    /// Lists what was given up, of all schedules, newest due first.
    "dead-letters" => DeadLetters -> DeadLettersListed;
    /// Shows everything that is known of one dead letter.
    "dead-letter-show" => DeadLetterShow -> LetterShown;
    /// Tries a dead letter again, or all that fit.
    "dead-letters-retry" => DeadLettersRetry -> LettersDone;
    /// Takes a dead letter off the list, or all that fit; their records stay.
    "dead-letters-drop" => DeadLettersDrop -> LettersDone;
    /// Sums up what models took, by schedule, agent or model.
    "costs" => Costs -> CostsTold;
    /// Computes the next times of a trigger or a schedule.
    "preview" => Preview -> Previewed;
    /// Writes schedules in the form in which files declare them.
    "export" => Export -> Exported;
    /// Creates many schedules, one JSON object a line.
    "import" => Import -> Imported;
    /// Tells what has changed since a cursor.
    "changes" => Changes -> ChangesTold;
    /// Writes a consistent copy of the store to a file.
    "backup" => Backup -> BackedUp;
    /// Checks every page and row of the store, while it is in use.
    "verify" => Verify -> VerifiedShown;
    /// Makes a token for an agent or an admin, and shows it this once.
    "token-new" => TokenNew -> TokenMade;
    /// Lists what is kept of every token.
    "token-list" => TokenList -> TokensListed;
    /// Makes a token good for nothing.
    "token-revoke" => TokenRevoke -> TokenRevoked;
    /// Cancels whatever was tied to a process that has ended.
    "process-exited" => ProcessExited -> ProcessEnded;
    /// Lists sessions, those that began last first.
    "sessions" => Sessions -> SessionsListed;
    /// Shows one session.
    "session" => Session -> SessionShown;
    /// Shows what was said in a session, in order.
    "session-messages" => SessionMessages -> MessagesShown;
    /// Says something in a session that goes on.
    "session-answer" => SessionAnswer -> SessionAnswered;
    /// Ends a session; the next message in its chat begins another.
    "session-end" => SessionEnd -> SessionEnded;
    /// Tells what people wrote to an agent since a message.
    "inbound" => Inbound -> InboundTold;
    /// Tells who changed what, newest first.
    "audit" => Audit -> Audited;
    /// Tells how the engine is.
    "status" => Status -> StatusShown;
}

fn encode(body: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(body)
        .map_err(|error| Error::new(Code::Failed, "this cannot be written as JSON").detail(error))
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // A list would be read as fields in order, which is nobody's intention.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::bad_input(Problem::new("", "the body is a list").hint("write a JSON object")));
    }
    serde_json::from_slice(body).map_err(|error| Error::bad_input(Problem::new("", error.to_string())))
}

fn unknown(name: &str) -> Error {
    let message = format!("there is no operation '{}'", name.chars().take(80).collect::<String>());
    match nearest(name, TABLE.iter().map(|entry| entry.name)) {
        Some(known) => Error::new(Code::NotFound, format!("{message}; did you mean '{known}'?")),
        None => Error::new(Code::NotFound, message),
    }
}
