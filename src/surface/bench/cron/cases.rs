//! The questions: patterns of every kind, and the instants after which the next time is asked for.
//!
//! Units: seconds since 1970 for instants.
//! Invariant: they are the same in every run.
//! Not here: the same patterns in the words of other crates (`benches/calendar.rs`).

/// 2026-01-01T00:00:00Z.
const FROM: i64 = 1_767_225_600;
/// Five years of seconds.
const SPAN: u64 = 5 * 365 * 86_400;
/// Instants after which a next time is asked for.
pub(super) const INSTANTS: usize = 1000;

/// Zones in which it is asked for: one that needs no rules, and one that keeps summer time.
pub(super) const ZONES: [&str; 2] = ["UTC", "Europe/Berlin"];

/// How often a pattern comes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// As patterns mostly do.
    Typical,
    /// Once a month or less.
    Rare,
    /// Never again; who is asked has to find that out.
    Never,
}

/// A pattern to be read and asked.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it says.
    pub name: &'static str,
    /// How often it comes up.
    pub frequency: Frequency,
    /// Its text, Unix or Quartz.
    pub text: &'static str,
}

const fn case(frequency: Frequency, name: &'static str, text: &'static str) -> Case {
    Case { name, frequency, text }
}

/// All of them.
pub const CASES: &[Case] = &[
    case(Frequency::Typical, "every minute", "* * * * *"),
    case(Frequency::Typical, "every 5 minutes", "*/5 * * * *"),
    case(Frequency::Typical, "every 30 seconds", "0/30 * * * * ?"),
    case(Frequency::Typical, "daily 02:30", "30 2 * * *"),
    case(Frequency::Typical, "weekdays 9:00", "0 9 * * MON-FRI"),
    case(Frequency::Typical, "quarters, office hours", "*/15 9-17 * * MON-FRI"),
    case(Frequency::Typical, "1st and 15th", "0 6 1,15 * *"),
    case(Frequency::Rare, "New Year", "0 0 1 1 *"),
    case(Frequency::Rare, "29 February", "0 0 29 2 *"),
    case(Frequency::Rare, "last day", "0 0 18 L * ?"),
    case(Frequency::Rare, "last working day", "0 0 17 LW * ?"),
    case(Frequency::Rare, "nearest to the 15th", "0 0 8 15W * ?"),
    case(Frequency::Rare, "third Friday", "0 0 9 ? * 6#3"),
    case(Frequency::Rare, "last Friday", "0 0 9 ? * 6L"),
    case(Frequency::Never, "30 February", "0 0 30 2 *"),
    case(Frequency::Never, "31st of short months", "0 0 31 4,6,9,11 *"),
    case(Frequency::Never, "31 February, years named", "0 0 9 31 2 ? 2026-2099"),
    case(Frequency::Never, "a year gone by", "0 0 0 1 1 ? 2020"),
];

/// The instants.
pub(super) fn instants() -> Vec<i64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    };
    (0..INSTANTS).map(|_| FROM + (next() % SPAN) as i64).collect()
}
