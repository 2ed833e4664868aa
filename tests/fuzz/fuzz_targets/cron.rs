//! Cron text, whatever it says: an answer or a refusal, never a panic, never a long wait.
//!
//! `.ci/fuzz cron 60` runs it for a minute; `.ci/fuzz cron 0 FILE` runs one input again. An input that takes longer
//! than five seconds fails.
//! Invariant: `next_after` goes strictly forward; `latest_in` and `count_in` agree with it; a refusal points into the
//! text; a pattern's own text reads to the same pattern.
//! Not here: which times are right (`tests/it/calendar*.rs`, against vectors and walks).

#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use chimewheel::calendar::{Cron, Dialect, DialectChoice, Zone};
use chimewheel::time::Timestamp;
use libfuzzer_sys::fuzz_target;

const WALK: usize = 8;

static ZONES: LazyLock<Vec<Zone>> = LazyLock::new(|| Zone::all().collect());

#[derive(Arbitrary, Debug)]
struct Question<'a> {
    choice: u8,
    zone: u16,
    after: i64,
    /// Whether `after` counts the seconds of our times or is any instant at all.
    near: bool,
    text: &'a str,
}

fuzz_target!(|question: Question<'_>| {
    let choice = [DialectChoice::Auto, DialectChoice::Unix, DialectChoice::Quartz][usize::from(question.choice) % 3];
    let zone = ZONES[usize::from(question.zone) % ZONES.len()];
    let cron = match Cron::parse(question.text, choice, zone) {
        Ok(cron) => cron,
        Err(error) => {
            assert!(question.text.get(error.at.clone()).is_some(), "{:?} of {:?}", error.at, question.text);
            assert!(!error.message.is_empty());
            return;
        }
    };
    let own = if cron.dialect() == Dialect::Unix { DialectChoice::Unix } else { DialectChoice::Quartz };
    assert_eq!(Cron::parse(cron.text(), own, zone).as_ref(), Ok(&cron));
    assert!(!cron.describe().is_empty());

    let after = if question.near {
        Timestamp::from_seconds(question.after.rem_euclid(4_000_000_000))
    } else {
        Timestamp::from_millis(question.after)
    };
    let mut dues = Vec::new();
    let mut last = after;
    while dues.len() < WALK
        && let Some(due) = cron.next_after(last)
    {
        assert!(due > last, "{due} is not after {last}");
        assert!(due < Timestamp::HORIZON && due >= Timestamp::EPOCH);
        assert_eq!(cron.latest_in(last, due), Some(due), "the latest of one");
        assert_eq!(cron.count_in(last, due), 1, "one by one");
        dues.push(due);
        last = due;
    }
    assert_eq!(cron.latest_in(after, last), dues.last().copied());
    assert_eq!(cron.count_in(after, last), dues.len() as u64);
    if dues.len() < WALK {
        assert_eq!(cron.count_in(last, Timestamp::HORIZON), 0, "none is left");
    }
});
