//! The loads: when timers are due, and what is done with them.
//!
//! Units: ticks of 1 ms.
//! Invariant: a load with the same number of timers and the same seed is the same for everyone, on every machine.
//! Not here: the watch (`workload`, `turnover`, `half`).

use std::time::Duration;

use clap::ValueEnum;

pub(super) const SECOND: u64 = 1000;
pub(super) const HOUR: u64 = 3600 * SECOND;
pub(super) const YEAR: u64 = 365 * 24 * HOUR;

/// The tick of all of [`Load::OneTick`]: 17.5 minutes ahead, where ticks are measured one by one.
const ONE_TICK: u64 = 1050 * SECOND;

/// When timers are due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Load {
    /// Every order of magnitude between a second and a year is as likely.
    #[default]
    LogUniform,
    /// Any tick of the next hour is as likely.
    OneHour,
    /// All at one tick, 17.5 minutes ahead.
    OneTick,
    /// Each a tick after the one inserted before it.
    Ascending,
    /// Each recurs every second, spread over the thousand ticks of one.
    EverySecond,
    /// 30 seconds ahead; of 100, 95 are cancelled within a second, as those of connections are.
    Timeouts,
    /// Log-uniform; all are inserted, a random half is cancelled, the rest fire: for memory.
    HalfCancelled,
}

impl Load {
    /// The name it is asked for by.
    #[must_use]
    pub fn name(self) -> String {
        // No load is hidden from the command line.
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What it is, in words.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::LogUniform => "deadlines log-uniform between a second and a year",
            Self::OneHour => "deadlines uniform within the next hour",
            Self::OneTick => "all due at one tick, 17.5 minutes ahead",
            Self::Ascending => "deadlines strictly ascending, one a tick",
            Self::EverySecond => "each recurring every second, spread over a thousand ticks",
            Self::Timeouts => "timeouts 30 seconds ahead, 95 of 100 cancelled within a second",
            Self::HalfCancelled => "deadlines log-uniform, a random half cancelled, the rest fired",
        }
    }

    /// How far ahead timers are due, one after the other.
    pub fn spans(self, chance: &mut Chance) -> impl Iterator<Item = u64> {
        (0_u64..).map(move |at| match self {
            Self::LogUniform | Self::HalfCancelled => chance.span(),
            Self::OneHour => 1 + chance.below(HOUR),
            Self::OneTick => ONE_TICK,
            Self::Ascending => SECOND + at,
            Self::EverySecond => SECOND + at % SECOND,
            Self::Timeouts => 30 * SECOND,
        })
    }
}

/// One measurement of one entrant.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Timers it holds.
    pub timers: usize,
    /// When they are due.
    pub load: Load,
    /// What chance begins with.
    pub seed: u64,
    /// How long filling, emptying or turning over may take, each; what takes longer is cut short.
    pub patience: Duration,
}

impl Run {
    /// One with the patience that so many timers deserve: ten seconds, and ten microseconds for each.
    #[must_use]
    pub fn new(timers: u32, load: Load, seed: u64) -> Self {
        let patience = Duration::from_secs(10) + Duration::from_micros(10) * timers;
        Self { timers: timers as usize, load, seed, patience }
    }
}

/// A repeatable sequence. Source: SplitMix64.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    #[inline]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Ticks between a second and a year.
    fn span(&mut self) -> u64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (1000.0 * (YEAR as f64 / 1000.0).powf(share)) as u64
    }
}
