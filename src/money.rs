//! What models cost: amounts, prices, and what a run may have taken.
//!
//! Units: an amount is a whole number of millionths of the money that prices are written in, whatever that is; a price is
//! for a million tokens. So a token that costs 2.50 for a million costs 2.5 millionths. Rounding: a cost rounds up.
//! Invariant: sums stop at the greatest amount there is instead of wrapping around.
//! Not here: who may spend how much (`engine`), where prices are written (`config`).

use std::fmt;

use crate::limits::COST_MICROS_MAX;

/// Digits behind the point.
const DIGITS: usize = 6;
const MILLION: u64 = 1_000_000;

/// An amount of money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(u64);

/// What tokens cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Price {
    /// A million of those that a model is given.
    pub input: Cost,
    /// A million of those that it makes.
    pub output: Cost,
}

/// What a run has taken, or may have taken at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spent {
    /// Money.
    pub cost: Cost,
    /// Tokens, given and made.
    pub tokens: u64,
}

impl Cost {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many millionths.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// In millionths.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Reads an amount such as `0.5`; an error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(part) {
            return Err("is not an amount such as 0.5");
        }
        let part = part.trim_end_matches('0');
        if part.len() > DIGITS {
            return Err("has more than six digits behind the point");
        }
        let millionths = format!("{part:0<DIGITS$}").parse::<u64>().unwrap_or_default();
        let whole = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(MILLION));
        let amount = whole.and_then(|whole| whole.checked_add(millionths));
        amount.filter(|micros| *micros <= COST_MICROS_MAX).map(Self).ok_or("is more than a thousand million")
    }

    /// The sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or nothing where it would be less.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:0DIGITS$}", self.0 / MILLION, self.0 % MILLION);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Price {
    /// What so many tokens cost.
    #[must_use]
    pub fn of(&self, input: u64, output: u64) -> Cost {
        let part = |tokens: u64, price: Cost| u128::from(tokens) * u128::from(price.0);
        let micros = (part(input, self.input) + part(output, self.output)).div_ceil(u128::from(MILLION));
        Cost(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// Whether nothing is to be paid.
    #[must_use]
    pub const fn is_free(&self) -> bool {
        self.input.0 == 0 && self.output.0 == 0
    }
}

impl Spent {
    /// Nothing.
    pub const ZERO: Self = Self { cost: Cost::ZERO, tokens: 0 };

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { cost: self.cost.plus(other.cost), tokens: self.tokens.saturating_add(other.tokens) }
    }

    /// Without the other.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self { cost: self.cost.minus(other.cost), tokens: self.tokens.saturating_sub(other.tokens) }
    }
}
