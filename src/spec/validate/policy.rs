//! How a schedule behaves: words, spans and numbers within their limits.
//!
//! Units: `Span`. Invariant: a field that is wrong falls back to its default here, so that the other fields are
//! still judged; the schedule is refused all the same.

use super::Check;
use super::words::{self, Words};
use crate::calendar::Trigger;
use crate::limits;
use crate::problem::{Problem, nearest};
use crate::spec::raw::{RawRetry, RawSchedule};
use crate::spec::tree::shorten;
use crate::spec::{Policy, RetryPolicy};
use crate::time::Span;

impl Check<'_> {
    /// Everything but the trigger's own fields.
    pub(super) fn policy(&mut self, raw: &RawSchedule, trigger: Option<&Trigger>) -> Policy {
        let usual = Policy::default();
        let jitter = self.jitter(raw, trigger).unwrap_or(usual.jitter);
        let window = self.span("catchup_window", raw.catchup_window.as_deref());
        Policy {
            jitter,
            misfire: self.word("misfire_policy", raw.misfire_policy.as_deref(), words::MISFIRE, usual.misfire),
            catchup_window: window.unwrap_or(usual.catchup_window),
            overlap: self.word("overlap_policy", raw.overlap_policy.as_deref(), words::OVERLAP, usual.overlap),
            retry: raw.retry.as_ref().map_or(usual.retry, |raw| self.retry(raw)),
            delivery: self.word("delivery", raw.delivery.as_deref(), words::DELIVERY, usual.delivery),
            pause_after: self.pause_after(raw),
        }
    }

    fn pause_after(&mut self, raw: &RawSchedule) -> Option<u16> {
        let count = raw.pause_after_failures?;
        if let Ok(count) = u16::try_from(count) {
            return Some(count);
        }
        let problem = Problem::new("pause_after_failures", format!("must be from 0 to {}", u16::MAX));
        self.refuse(problem.value(count.to_string()).hint("0 means never; 1 means after the first failure"));
        None
    }

    /// For how long it may go without a success.
    pub(super) fn expect_every(&mut self, raw: &RawSchedule, trigger: Option<&Trigger>) -> Option<Span> {
        let expected = self.span("expect_every", raw.expect_every.as_deref())?;
        let least = Span::from_millis(limits::EXPECT_EVERY_MS_MIN);
        let (wrong, hint) = match trigger {
            _ if expected < least => (format!("must be at least {least}"), "write for example 26h"),
            Some(Trigger::At(_)) => {
                ("belongs to a schedule that runs again and again".to_owned(), "leave it out: this one runs once")
            }
            Some(Trigger::Every { period, .. }) if expected <= *period => {
                (format!("is not longer than the interval, {period}: it would be told each time"), "make it longer")
            }
            _ => return Some(expected),
        };
        let text = raw.expect_every.as_deref().unwrap_or_default();
        self.refuse(Problem::new("expect_every", wrong).value(shorten(text)).hint(hint));
        None
    }

    fn jitter(&mut self, raw: &RawSchedule, trigger: Option<&Trigger>) -> Option<Span> {
        let jitter = self.span("jitter", raw.jitter.as_deref())?;
        let most = Span::from_millis(limits::JITTER_MS_MAX);
        let wrong = match trigger {
            _ if jitter > most => format!("is longer than {most}"),
            Some(Trigger::Every { period, .. }) if jitter >= *period => {
                format!("is not shorter than the interval, {period}")
            }
            _ => return Some(jitter),
        };
        self.refuse(Problem::new("jitter", wrong).value(shorten(raw.jitter.as_deref().unwrap_or_default())));
        None
    }

    fn retry(&mut self, raw: &RawRetry) -> RetryPolicy {
        let usual = RetryPolicy::default();
        let attempts = self.number("retry.max_attempts", raw.max_attempts, i64::from(limits::ATTEMPTS_COUNT_MAX));
        let max_age = self.span("retry.max_age", raw.max_age.as_deref());
        let min = self.span("retry.backoff_min", raw.backoff_min.as_deref());
        let max = self.span("retry.backoff_max", raw.backoff_max.as_deref());
        if min == Some(Span::ZERO) {
            let problem = Problem::new("retry.backoff_min", "must be longer than nothing");
            self.refuse(problem.value("0s").hint("write for example 1s"));
        }
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            let problem = Problem::new("retry.backoff_max", format!("is shorter than backoff_min, {min}"));
            self.refuse(problem.value(max.to_string()));
        }
        // One end given alone moves the other end's default out of its way.
        let backoff_min = min.unwrap_or_else(|| max.map_or(usual.backoff_min, |max| usual.backoff_min.min(max)));
        RetryPolicy {
            max_attempts: attempts.and_then(|count| u16::try_from(count).ok()).unwrap_or(usual.max_attempts),
            max_age: max_age.unwrap_or(usual.max_age),
            backoff_min,
            backoff_max: max.unwrap_or(usual.backoff_max.max(backoff_min)),
        }
    }

    /// A span within [`limits::SPAN_MS_MAX`].
    pub(super) fn span(&mut self, path: &str, text: Option<&str>) -> Option<Span> {
        let text = text?;
        match Span::parse(text) {
            Ok(span) if span.as_millis() > limits::SPAN_MS_MAX => {
                self.refuse(Problem::new(path, "is longer than 100 years").value(shorten(text)));
                None
            }
            Ok(span) => Some(span),
            Err(error) => {
                self.refuse(Problem::new(path, error.why).value(shorten(text)));
                None
            }
        }
    }

    /// A whole number from 1 to `most`.
    pub(super) fn number(&mut self, path: &str, number: Option<i64>, most: i64) -> Option<i64> {
        let number = number?;
        if (1..=most).contains(&number) {
            return Some(number);
        }
        self.refuse(Problem::new(path, format!("must be from 1 to {most}")).value(number.to_string()));
        None
    }

    /// One of a list of words.
    pub(super) fn word<T: Copy>(&mut self, path: &str, text: Option<&str>, words: Words<T>, usual: T) -> T {
        let Some(text) = text else { return usual };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return *meaning;
        }
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let near = nearest(text, all.iter().copied()).map(|near| format!("did you mean '{near}'? "));
        let hint = format!("{}allowed: {}", near.unwrap_or_default(), all.join(", "));
        self.refuse(Problem::new(path, "is not one of the allowed words").value(shorten(text)).hint(hint));
        usual
    }
}
