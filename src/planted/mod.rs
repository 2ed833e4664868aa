//! Bugs that are planted on purpose, to see whether the simulation finds them.
//!
//! Each stands as one condition where somebody might have made that mistake. Without the feature `planted`, which no
//! build of the program has, [`is`] is a constant `false` and nothing of this is left in the machine code.
//! Invariant: nothing is planted unless a test says so, on its own thread. Not here: the search for them (`tests`).

#[path = "off.rs"]
#[cfg(not(feature = "planted"))]
mod switch;
#[path = "on.rs"]
#[cfg(feature = "planted")]
mod switch;

pub use switch::*;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    /// An answer is given before its change is durable.
    AckBeforeCommit,
    /// A commit returns before it is on disk.
    CommitNotDurable,
    /// A due is moved on without a record of it until it is settled.
    AdvanceBeforeRecord,
    /// The key of a delivery changes with the attempt.
    KeyWithAttempt,
    /// The key of a delivery is made from when it is sent.
    KeyFromSendTime,
    /// A cancel is not written.
    CancelInMemory,
    /// A cancel misses what is under way.
    CancelMissesOpen,
    /// A start forgets what was claimed and not sent.
    BootForgetsClaimed,
    /// A start serves the last due again.
    BootServesAgain,
    /// A start takes what was being sent for delivered.
    BootTakesSendingForDelivered,
    /// A start does not read the end of the journal.
    BootSkipsJournal,
    /// After a clock was set back the same occurrences are made again.
    BackwardKeepsGeneration,
    /// The loop sleeps through a clock set forward.
    SleepUnbounded,
    /// A provider's wish to wait is not heard.
    RetryAfterIgnored,
    /// Others pass a delivery that waits for its next attempt.
    RetryOvertaken,
    /// Attempts are made without end.
    AttemptsUncounted,
    /// What may have been delivered is sent again, whatever its guarantee.
    AmbiguousSentAgain,
    /// Dues in the gap of daylight saving are dropped.
    GapDropped,
    /// Waits are cut to 32 bits of milliseconds.
    WaitCutTo32Bits,
    /// A timer that is replaced stays in the wheel.
    WheelKeepsReplaced,
    /// A due exactly as late as is still in time counts otherwise.
    MisfireOffByOne,
    /// The earliest missed due is served instead of the latest.
    CatchUpServesFirst,
    /// Paused dues are served at the resume.
    PauseOnlyDelays,
    /// An update keeps the generation of what it replaces.
    UpdateKeepsGeneration,
    /// A run that waits to be run again does not count as one that overlaps.
    OverlapForgetsRetries,
    /// A start runs again what has its text already.
    BootRunsAgain,
    /// A create that is given again makes another schedule.
    TokenForgotten,
    /// A file that was gone is taken for one that never changed.
    PruneKeepsContent,
    /// Dues reckoned with old zone rules are kept.
    ZoneRulesIgnored,
    /// History goes a day too early.
    HistoryGoesEarly,
    /// What is to be put off is not.
    JitterIgnored,
    /// Exclusions are forgotten when dues are caught up.
    ExceptIgnoredAtCatchUp,
    /// Failures in a row are not counted.
    FailuresUncounted,
    /// A schedule pauses itself without a word.
    NoticeNotWritten,
    /// Everything missed is caught up at once.
    CatchUpUnbounded,
    /// A list shows what is another agent's.
    ListOfEverybody,
    /// A clock that went back a little is not waited for.
    SlewSendsEarly,
    /// What a hook keeps is written after its run.
    KeptApart,
    /// An occurrence counts as delivered when the first of its deliveries is.
    SpreadSettledEarly,
    /// All deliveries of an occurrence have one key.
    KeySharedByDeliveries,
    /// The next due that a hook wishes for is not heard.
    WishIgnored,
    /// A start forgets deliveries that were not sent.
    BootForgetsDeliveries,
    /// A dead letter that has its text is run again.
    LetterMadeAgain,
    /// Of a dead letter's deliveries those are sent again that were taken.
    LetterSendsAll,
    /// That a dead letter was seen is not written.
    LetterDropForgotten,
    /// A chat that is limited is tried again with its next delivery.
    LimitMovesMessageOnly,
    /// A refusal for pace counts as an attempt.
    LimitSpendsAttempt,
    /// One chat's limit is taken for its account's.
    LimitOfChatHoldsAll,
    /// A chat that has nothing to send is forgotten with its bucket.
    BucketForgottenWhenIdle,
    /// While a probe is under way everybody goes on.
    ProbeStorm,
    /// An account that is shut stays shut.
    BreakerNeverProbes,
    /// One bad chat shuts its account.
    BreakerOpensForOneChat,
    /// After a clock was set back gates stay shut until the old time.
    GateKeepsOldClock,
    /// What grew too old while its account was shut is sent all the same.
    AgeIgnoredWhileShut,
    /// Runs that know the same conversation do not wait for each other.
    TurnsAtOnce,
    /// A call is made though it may cost more than is left.
    BudgetUnguarded,
    /// A start forgets what was spent, and what was reserved when the process ended.
    BootForgetsSpending,
}

impl Bug {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::AckBeforeCommit,
        Self::CommitNotDurable,
        Self::AdvanceBeforeRecord,
        Self::KeyWithAttempt,
        Self::KeyFromSendTime,
        Self::CancelInMemory,
        Self::CancelMissesOpen,
        Self::BootForgetsClaimed,
        Self::BootServesAgain,
        Self::BootTakesSendingForDelivered,
        Self::BootSkipsJournal,
        Self::BackwardKeepsGeneration,
        Self::SleepUnbounded,
        Self::RetryAfterIgnored,
        Self::RetryOvertaken,
        Self::AttemptsUncounted,
        Self::AmbiguousSentAgain,
        Self::GapDropped,
        Self::WaitCutTo32Bits,
        Self::WheelKeepsReplaced,
        Self::MisfireOffByOne,
        Self::CatchUpServesFirst,
        Self::PauseOnlyDelays,
        Self::UpdateKeepsGeneration,
        Self::OverlapForgetsRetries,
        Self::BootRunsAgain,
        Self::TokenForgotten,
        Self::PruneKeepsContent,
        Self::ZoneRulesIgnored,
        Self::HistoryGoesEarly,
        Self::JitterIgnored,
        Self::ExceptIgnoredAtCatchUp,
        Self::FailuresUncounted,
        Self::NoticeNotWritten,
        Self::CatchUpUnbounded,
        Self::ListOfEverybody,
        Self::SlewSendsEarly,
        Self::KeptApart,
        Self::SpreadSettledEarly,
        Self::KeySharedByDeliveries,
        Self::WishIgnored,
        Self::BootForgetsDeliveries,
        Self::LetterMadeAgain,
        Self::LetterSendsAll,
        Self::LetterDropForgotten,
        Self::LimitMovesMessageOnly,
        Self::LimitSpendsAttempt,
        Self::LimitOfChatHoldsAll,
        Self::BucketForgottenWhenIdle,
        Self::ProbeStorm,
        Self::BreakerNeverProbes,
        Self::BreakerOpensForOneChat,
        Self::GateKeepsOldClock,
        Self::AgeIgnoredWhileShut,
        Self::TurnsAtOnce,
        Self::BudgetUnguarded,
        Self::BootForgetsSpending,
    ];
}
