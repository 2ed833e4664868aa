//! What happened, written down by those outside the engine: who asked for what, what gateways were handed, what broke.
//!
//! Units: milliseconds; `true_ms` since the start of the run, `wall` since 1970 by the machine's clock.
//! Invariant: marks grow; nothing here comes from the engine's own log.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chimewheel::engine::change::Run;
use chimewheel::engine::fires_at;
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::pace::Scope;
use chimewheel::spec::Schedule;
use chimewheel::time::Timestamp;

use super::closed::Closed;
use super::gateway::Mood;
use super::keeper::Kept;
use super::letters::LetterAsk;
use super::runs::RunTry;
use super::shape::Shape;
use super::spending::Spending;

/// A place in the order of what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub seq: u64,
    pub true_ms: i64,
    pub wall: i64,
}

impl Mark {
    /// How long it was from another moment to this one, by the wall or in truth: a clock that is nudged back hides some.
    pub fn since(self, earlier: Self) -> i64 {
        (self.wall - earlier.wall).max(self.true_ms - earlier.true_ms)
    }
}

/// One wording of a schedule.
#[derive(Clone, Debug)]
pub struct Rev {
    pub shape: Shape,
    /// When its dues do not count.
    pub closed: Vec<Closed>,
    pub schedule: Schedule,
    /// Its dues are reckoned from its declaration on, not carried over.
    pub renews: bool,
    pub paused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The place of the wording in `Known::revs`.
    Create(usize),
    Update(usize),
    /// The create once more, with its token and under another id, as by a client that heard no answer.
    Again,
    /// What its file says now.
    Declare(usize),
    /// What its file says, and said before.
    DeclareSame,
    /// Its file is gone.
    Prune,
    Pause,
    Resume,
    Cancel,
    RunNow,
}

/// How a question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nobody has answered.
    Open,
    Done(Mark),
    Refused,
    /// The process ended first; seen afterwards to have been done, or not.
    Unknown {
        done: bool,
    },
}

#[derive(Clone, Debug)]
pub struct Asked {
    pub ask: Ask,
    pub begun: Mark,
    pub end: End,
    /// The run that a run-now was promised.
    pub run: Option<OccurrenceId>,
}

/// A schedule as the one who declared it knows it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub key: Option<ScheduleKey>,
    pub revs: Vec<Rev>,
    pub asked: Vec<Asked>,
}

/// What a gateway said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Taken,
    /// Not before so many milliseconds.
    Retry(i64),
    /// Too fast for this chat, or for everybody: not before so many milliseconds.
    Limited(Scope, i64),
    /// Nobody is there.
    Shut,
    Permanent,
    Ambiguous,
}

/// One delivery handed to a gateway.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub at: Mark,
    pub boot: u32,
    /// What was handled up to this place had been handled before its window was put together.
    pub window_after: u64,
    pub id: String,
    pub rev: usize,
    pub chat: String,
    pub key: String,
    pub due: i64,
    pub number: u16,
    pub kept: u32,
    pub said: Said,
    /// It does not carry a message but tells of a pause.
    pub is_notice: bool,
    /// Which of several deliveries of its occurrence; 0: the only one.
    pub part: u16,
    /// When the loop was told; never, if the process ended first.
    pub told: Option<Mark>,
}

/// Dues between these walls were not served when they came.
#[derive(Clone, Copy, Debug)]
pub struct Interruption {
    /// What was handled later than this may have been forgotten.
    pub durable: i64,
    pub down: i64,
    pub up: i64,
}

#[derive(Default)]
pub struct History {
    pub known: BTreeMap<String, Known>,
    pub attempts: Vec<Attempt>,
    pub runs: Vec<RunTry>,
    pub spending: Vec<Spending>,
    /// What was asked about dead letters.
    pub letters: Vec<LetterAsk>,
    pub interruptions: Vec<Interruption>,
    /// Where a crash happened, with what was durable before it.
    pub crashes: Vec<(Mark, Mark)>,
    /// Stretches of true time in which something outside was broken, or has just been.
    pub disturbed: Vec<(i64, i64)>,
    /// The same for single chats.
    pub disturbed_chats: Vec<(&'static str, i64, i64)>,
    /// Stretches of true time in which something may lie between a commit's beginning and the sends that follow it.
    pub stalled: Vec<(i64, i64)>,
    /// Whether a gateway keeps to a pace.
    pub is_paced: bool,
    /// From when on the wall is ahead of true time by how much.
    pub offsets: Vec<(i64, i64)>,
    pub steps_back: u32,
    /// Walls between which no process ran and the stored dues of patterns followed rules that hold no more.
    pub old_rules: Vec<(i64, i64)>,
    pub trace: String,
    pub crash_points: BTreeMap<&'static str, u32>,
    pub faults: BTreeMap<&'static str, u32>,
    pub moods: BTreeMap<Mood, u32>,
    pub commits: u64,
    pub boots: u32,
    /// Every look at the clock, with the boot that took it.
    pub looks: Vec<(u32, Mark)>,
    /// How many catch-ups may be begun in a second; none if as many as there are.
    pub catchup_per_second: Option<u32>,
    /// Days that history is kept.
    pub history_days: i64,
    /// The deliveries of occurrences that have several.
    pub deliveries: BTreeMap<OccurrenceId, Vec<Run>>,
    /// What was read of the ledgers before it was too old to be kept.
    pub kept: Kept,
    /// What the driver itself saw and should not have.
    pub wrongs: Vec<String>,
}

impl History {
    pub fn note(&mut self, mark: Mark, line: &str) {
        writeln!(self.trace, "{} {} {} {line}", mark.seq, mark.true_ms, mark.wall).expect("memory");
    }

    pub fn disturb(&mut self, from: i64, until: i64) {
        self.disturbed.push((from, until + 10 * 60_000));
    }

    pub fn disturb_chat(&mut self, chat: &'static str, from: i64, until: i64) {
        self.disturbed_chats.push((chat, from, until + 10 * 60_000));
    }

    /// Whether something was broken for this chat at some time between the two.
    pub fn is_disturbed(&self, chat: &str, from: i64, until: i64) -> bool {
        let is_within = |begin: i64, end: i64| begin <= until && from <= end;
        self.disturbed.iter().any(|&(begin, end)| is_within(begin, end))
            || self.disturbed_chats.iter().any(|&(of, begin, end)| of == chat && is_within(begin, end))
    }

    /// Whether what was to fire then may have been missed, and had to wait for its turn to be caught up.
    pub fn stands_in_line(&self, fires_at: i64) -> bool {
        let missed = |cut: &Interruption| cut.durable < fires_at && fires_at <= cut.up;
        self.catchup_per_second.is_some() && self.interruptions.iter().any(missed)
    }

    /// Whether a hook of this schedule ever wished for a due of its own.
    pub fn is_paced(&self, id: &str) -> bool {
        self.runs.iter().any(|one| one.id == id && one.next.is_some())
    }

    /// Whether a due of a pattern fell where only the new rules of its zone have one.
    pub fn is_under_old_rules(&self, due: i64) -> bool {
        self.old_rules.iter().any(|&(from, until)| from < due && due <= until)
    }

    /// The first moment of true time at which the wall showed this or later.
    pub fn true_time_of(&self, wall: i64) -> i64 {
        let mut best = i64::MAX;
        for (place, &(from, ahead)) in self.offsets.iter().enumerate() {
            let until = self.offsets.get(place + 1).map_or(i64::MAX, |next| next.0);
            let at = (wall - ahead).max(from);
            if at < until {
                best = best.min(at);
            }
        }
        best
    }
}

impl Asked {
    /// Whether it took effect.
    pub fn is_done(&self) -> bool {
        matches!(self.end, End::Done(_) | End::Unknown { done: true })
    }
}

impl Known {
    /// What took effect, in order.
    pub fn done(&self) -> impl DoubleEndedIterator<Item = &Asked> {
        self.asked.iter().filter(|asked| asked.is_done())
    }

    /// The wording that holds.
    pub fn rev(&self) -> Option<usize> {
        self.done().filter_map(|asked| asked.rev()).next_back()
    }

    /// The wordings by generation, from the first on.
    pub fn declared(&self) -> Vec<usize> {
        let mut declared: Vec<usize> = Vec::new();
        for asked in self.done() {
            // What is forgotten about a file that is gone is declared, too.
            let same = if asked.ask == Ask::Prune { declared.last().copied() } else { None };
            declared.extend(asked.rev().or(same));
        }
        declared
    }

    pub fn is_paused(&self) -> bool {
        let mut paused = false;
        for asked in self.done() {
            match asked.ask {
                Ask::Create(rev) | Ask::Update(rev) | Ask::Declare(rev) => paused = self.revs[rev].paused,
                Ask::Pause => paused = true,
                Ask::Resume | Ask::Cancel | Ask::Prune => paused = false,
                Ask::RunNow | Ask::Again | Ask::DeclareSame => {}
            }
        }
        paused
    }

    pub fn is_cancelled(&self) -> bool {
        let last = self.done().rfind(|asked| asked.ask.ends() || asked.rev().is_some());
        last.is_some_and(|asked| asked.ask.ends())
    }

    /// When a due of its rhythm fires, its jitter included.
    pub fn fires_at(&self, rev: usize, due: i64) -> Option<i64> {
        let (rev, key) = (&self.revs[rev], self.key?);
        let is_regular = rev.shape.dues_in(due - 1, due).len() == 1;
        is_regular.then(|| fires_at(&rev.schedule, key, Timestamp::from_millis(due)).as_millis())
    }

    pub fn is_busy(&self) -> bool {
        self.asked.last().is_some_and(|asked| asked.end == End::Open)
    }
}

impl Asked {
    pub fn rev(&self) -> Option<usize> {
        self.ask.rev()
    }
}

impl Ask {
    /// The wording that is declared.
    pub fn rev(self) -> Option<usize> {
        match self {
            Self::Create(rev) | Self::Update(rev) | Self::Declare(rev) => Some(rev),
            Self::Again
            | Self::DeclareSame
            | Self::Prune
            | Self::Pause
            | Self::Resume
            | Self::Cancel
            | Self::RunNow => None,
        }
    }

    /// Whether it is the end of the schedule, until it is declared anew.
    pub fn ends(self) -> bool {
        matches!(self, Self::Cancel | Self::Prune)
    }
}
