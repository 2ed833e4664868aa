//! How long a server asks to be left alone: the header `Retry-After`.
//!
//! Seconds, or an HTTP date; a date is compared with the answer's own `Date`, so that a server whose clock is wrong is
//! understood all the same. Rounding: to whole seconds, upwards, as HTTP dates have no parts of one.
//! Not here: backoff (`engine`).

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::limits::SPAN_MS_MAX;
use crate::time::{Span, Timestamp};

/// The wait that an answer asks for.
pub(super) fn asked(headers: &HeaderMap, now: Option<Timestamp>) -> Option<Span> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text(RETRY_AFTER)?;
    if let Ok(seconds) = after.parse::<u64>() {
        return Some(Span::from_millis(seconds.saturating_mul(1000).min(SPAN_MS_MAX)));
    }
    let until = httpdate::parse_http_date(after).ok()?;
    let from = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let ours = || now.map(|now| UNIX_EPOCH + Duration::from_millis(now.as_millis().max(0) as u64));
    let wait = until.duration_since(from.or_else(ours)?).unwrap_or_default();
    Some(Span::from_millis((wait.as_millis() as u64).next_multiple_of(1000).min(SPAN_MS_MAX)))
}
