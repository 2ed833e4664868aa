//! Tokens: what is kept of them, and how a given one is compared.
//!
//! A token is `cw_ID_SECRET`: the id finds its row and may be shown, the secret is 256 random bits. Only the SHA-256 of
//! the whole is kept; so many random bits need no slow hash. Invariant: a comparison takes the same time whatever was
//! given. Not here: where rows are kept (`store`), the admin's own token (`surface/admin`).

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::Destination;
use crate::time::Timestamp;

/// What every token begins with, so that one that leaked is found by those who look for such things.
const PREFIX: &str = "cw_";

/// The SHA-256 of a token.
pub type Hash = [u8; 32];

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The part of it that may be shown.
    pub id: String,
    /// The hash of all of it.
    pub hash: Hash,
    /// Who asks with it.
    pub holder: Actor,
    /// What it is for, in its maker's words.
    pub label: Option<String>,
    /// Where a message goes that names no destination.
    pub destination: Option<Destination>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is good for nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Who asks with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The admin.
    Admin,
    /// This agent.
    Agent(String),
}

impl Grant {
    /// Whether it is good for anything at that time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// The id of the grant that a token claims to be.
    #[must_use]
    pub fn id_in(token: &str) -> Option<&str> {
        token.strip_prefix(PREFIX)?.split_once('_').map(|(id, _)| id)
    }
}

/// A token and its id, of 40 random bytes.
#[must_use]
pub fn token(random: [u8; 40]) -> (String, String) {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    let (id, secret) = random.split_at(8);
    let id = hex(id);
    (format!("{PREFIX}{id}_{}", hex(secret)), id)
}

/// The hash of a token.
#[must_use]
pub fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

/// Whether two hashes are the same; takes the same time whatever they are.
#[must_use]
pub fn is_same(one: &Hash, other: &Hash) -> bool {
    let difference = one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b));
    std::hint::black_box(difference) == 0
}
