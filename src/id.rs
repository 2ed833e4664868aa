//! Names of things: schedule ids and keys, occurrences, and the key a delivery keeps for life.
//!
//! Invariant: everything here is derived from its parts; random bits come in as data, from the shell.
//! Source: ULID (Crockford base 32); base62 for the delivery key, as Discord's nonce takes 25 characters.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::limits;
use crate::time::Timestamp;

/// A schedule's public id: the user's slug, or `sched_` and a ULID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleId(Box<str>);

impl ScheduleId {
    /// Takes a slug: 1 to [`limits::ID_BYTES_MAX`] of letters, digits, `-`, `_` and `.`, beginning with a
    /// letter or digit.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let refused = |why| IdError { text: text.chars().take(80).collect(), why };
        if text.is_empty() {
            return Err(refused("is empty"));
        }
        if text.len() > limits::ID_BYTES_MAX {
            return Err(refused("is longer than 128 bytes"));
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            return Err(refused("may hold only letters, digits, '-', '_' and '.'"));
        }
        if !text.as_bytes()[0].is_ascii_alphanumeric() {
            return Err(refused("must begin with a letter or a digit"));
        }
        Ok(Self(text.into()))
    }

    /// `sched_` and a ULID made of the time and 80 random bits.
    #[must_use]
    pub fn generate(now: Timestamp, random: [u8; 10]) -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut bits = u128::from(now.tick() & 0xFFFF_FFFF_FFFF) << 80;
        for (place, byte) in random.iter().rev().enumerate() {
            bits |= u128::from(*byte) << (8 * place);
        }
        let mut text = String::from("sched_");
        for place in (0..26).rev() {
            text.push(ALPHABET[(bits >> (5 * place)) as usize & 31] as char);
        }
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScheduleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that is not a schedule id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("id '{text}' {why}")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// What is wrong with it, as the rest of the sentence.
    pub why: &'static str,
}

/// A schedule's sequential number inside one store: the key of its rows. Never reused, never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleKey(pub u64);

/// A session's number inside one store. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u64);

impl SessionKey {
    const PREFIX: &str = "sess_";

    /// The key that a public id names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(Self::PREFIX)?;
        let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        (is_plain && (digits == "0" || !digits.starts_with('0'))).then(|| digits.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", Self::PREFIX, self.0))
    }
}

/// One due of one generation of one schedule, or one of the deliveries that it became.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OccurrenceId {
    /// Whose.
    pub schedule: ScheduleKey,
    /// Which declaration of the schedule: raised by every update.
    pub generation: u32,
    /// The nominal time.
    pub due: Timestamp,
    /// 0: the occurrence itself; from 1: which of its deliveries, where there are several.
    pub delivery: u16,
}

// Tables of them stand in memory for all that is open.
const _: () = assert!(size_of::<OccurrenceId>() == 24);

impl OccurrenceId {
    /// The occurrence itself.
    #[must_use]
    pub const fn new(schedule: ScheduleKey, generation: u32, due: Timestamp) -> Self {
        Self { schedule, generation, due, delivery: 0 }
    }

    /// The occurrence that this is, or is a delivery of.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self { delivery: 0, ..self }
    }

    /// Its deliveries, if it has so many.
    pub fn deliveries(self, count: u16) -> impl Iterator<Item = Self> + use<> {
        (1..=count).map(move |delivery| Self { delivery, ..self })
    }

    /// Every occurrence that a schedule can have, whatever its generation.
    #[must_use]
    pub const fn all_of(schedule: ScheduleKey) -> std::ops::RangeInclusive<Self> {
        let first = Self::new(schedule, 0, Timestamp::from_millis(i64::MIN));
        let last = Self { delivery: u16::MAX, ..Self::new(schedule, u32::MAX, Timestamp::from_millis(i64::MAX)) };
        first..=last
    }
}

/// The idempotency key of one delivery: 22 base62 characters of a 128-bit hash, the same for every attempt.
#[must_use]
pub fn delivery_key(id: &ScheduleId, generation: u32, due: Timestamp, target: u16, part: u16) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut hash = Sha256::new();
    hash.update(id.as_str().as_bytes());
    hash.update([0]);
    hash.update(generation.to_be_bytes());
    hash.update(due.as_millis().to_be_bytes());
    hash.update(target.to_be_bytes());
    hash.update(part.to_be_bytes());
    let mut bits = first_bits(&hash.finalize());
    let mut key = [b'0'; 22];
    for place in key.iter_mut().rev() {
        *place = ALPHABET[(bits % 62) as usize];
        bits /= 62;
    }
    key.iter().map(|&byte| byte as char).collect()
}

/// A 128-bit hash of a list of texts; where one ends and the next begins is part of it.
#[must_use]
pub fn stable_hash(parts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    first_bits(&hash.finalize())
}

fn first_bits(digest: &[u8]) -> u128 {
    digest.iter().take(16).fold(0, |bits, &byte| bits << 8 | u128::from(byte))
}
