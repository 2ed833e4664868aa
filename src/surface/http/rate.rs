//! How often a caller may ask: a bucket for each, which fills steadily and is emptied by requests.
//!
//! Units: requests and seconds. Invariant: time is an argument; no more than `limits::RATE_CALLERS_COUNT_MAX` buckets
//! are kept, and a bucket that is full again needs no keeping.
//! Not here: who asks (`auth`).

use std::time::Duration;

use hashbrown::HashMap;

use crate::limits;

/// The buckets of all callers.
#[derive(Debug, Default)]
pub(super) struct Rates {
    buckets: HashMap<String, Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Duration,
}

impl Bucket {
    /// What is in it by now.
    fn filled(self, now: Duration) -> f64 {
        let grown = now.saturating_sub(self.at).as_secs_f64() * f64::from(limits::RATE_PER_SECOND_COUNT_MAX);
        (self.left + grown).min(f64::from(limits::RATE_BURST_COUNT_MAX))
    }
}

impl Rates {
    /// Takes one request out of a caller's bucket, or says that it is empty. `now` counts from any fixed moment.
    pub(super) fn take(&mut self, caller: &str, now: Duration) -> bool {
        let full = f64::from(limits::RATE_BURST_COUNT_MAX);
        if self.buckets.len() >= limits::RATE_CALLERS_COUNT_MAX && !self.buckets.contains_key(caller) {
            self.buckets.retain(|_, bucket| bucket.filled(now) < full);
            if self.buckets.len() >= limits::RATE_CALLERS_COUNT_MAX {
                return false;
            }
        }
        let known = self.buckets.get(caller).copied().unwrap_or(Bucket { left: full, at: now });
        let left = known.filled(now);
        let taken = left >= 1.0;
        let left = if taken { left - 1.0 } else { left };
        self.buckets.insert(caller.to_owned(), Bucket { left, at: now });
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        let mut rates = Rates::default();
        let start = Duration::from_secs(5);
        assert!((0..limits::RATE_BURST_COUNT_MAX).all(|_| rates.take("ada", start)));
        assert!(!rates.take("ada", start));
        assert!(rates.take("bob", start), "one caller does not use up another's");
        let second = start + Duration::from_secs(1);
        assert!((0..limits::RATE_PER_SECOND_COUNT_MAX).all(|_| rates.take("ada", second)));
        assert!(!rates.take("ada", second));
    }

    #[test]
    fn only_so_many_callers_are_remembered() {
        let mut rates = Rates::default();
        let start = Duration::ZERO;
        assert!((0..limits::RATE_CALLERS_COUNT_MAX).all(|caller| rates.take(&caller.to_string(), start)));
        assert!(!rates.take("one more", start));
        assert!(rates.take("one more", Duration::from_secs(1)), "those whose bucket is full again are forgotten");
        assert_eq!(rates.buckets.len(), 1);
    }
}
