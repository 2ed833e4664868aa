//! Signatures by which a receiver knows that a message is ours, and as we sent it.
//!
//! Each key signs `id.timestamp.body` with HMAC-SHA256; while keys are being changed, several do, and a receiver takes any
//! that it knows. Units: the timestamp is Unix seconds. Invariant: a key is never shown.
//! Source: Standard Webhooks 1.0. Not here: where secrets come from (`surface`).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::limits::{SIGNING_KEY_BYTES_MAX, SIGNING_KEY_BYTES_MIN};
use crate::problem::Problem;

/// What a written secret may begin with.
const PREFIX: &str = "whsec_";

/// Keys, the newest first.
pub(super) struct Keys(Vec<Hmac<Sha256>>);

impl Keys {
    /// Reads secrets, or says what is wrong with each.
    pub fn read(secrets: &[SecretString]) -> Result<Self, Vec<Problem>> {
        let (mut keys, mut problems) = (Vec::new(), Vec::new());
        for (place, secret) in secrets.iter().enumerate() {
            match read(secret) {
                Ok(key) => keys.push(key),
                Err(why) => problems.push(
                    Problem::new(format!("secret[{place}]"), why)
                        .hint("make one with: printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\""),
                ),
            }
        }
        if problems.is_empty() { Ok(Self(keys)) } else { Err(problems) }
    }

    /// What `webhook-signature` says; `None` without keys.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
        let head = format!("{id}.{seconds}.");
        let mut signatures = String::new();
        for key in &self.0 {
            let mut code = key.clone();
            code.update(head.as_bytes());
            code.update(body);
            let gap = if signatures.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = write!(signatures, "{gap}v1,{}", STANDARD.encode(code.finalize().into_bytes()));
        }
        (!signatures.is_empty()).then_some(signatures)
    }
}

fn read(secret: &SecretString) -> Result<Hmac<Sha256>, String> {
    let text = secret.expose_secret().trim();
    let key = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text));
    let key = key.map_err(|_| "the secret is not base64".to_owned())?;
    if !(SIGNING_KEY_BYTES_MIN..=SIGNING_KEY_BYTES_MAX).contains(&key.len()) {
        let bytes = key.len();
        let range = format!("{SIGNING_KEY_BYTES_MIN} to {SIGNING_KEY_BYTES_MAX}");
        return Err(format!("the secret holds a key of {bytes} bytes; {range} are expected"));
    }
    Hmac::new_from_slice(&key).map_err(|error| error.to_string())
}
