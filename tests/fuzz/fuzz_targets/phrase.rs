//! Triggers in plain words, whatever they say: a meaning or a refusal, never a panic.
//!
//! `.ci/fuzz phrase 60` runs it for a minute; `.ci/fuzz phrase 0 FILE` runs one input again.
//! Invariant: a refusal points into the text and names a way out.
//! Not here: what phrases mean (`tests/it/phrases.rs`, against a table and their own descriptions).

#![no_main]

use chimewheel::calendar::{Meaning, Phrase, Zone};
use chimewheel::time::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|question: (i64, &str)| {
    let (seconds, text) = question;
    let now = Timestamp::from_seconds(seconds.rem_euclid(7_000_000_000));
    match Phrase::read(text, now, Zone::UTC) {
        Ok(Phrase { meaning: Meaning::Cron(cron), .. }) => assert!(!cron.describe().is_empty()),
        Ok(Phrase { meaning: Meaning::Once { .. } | Meaning::Every(_), .. }) => {}
        Err(error) => {
            assert!(text.get(error.at.clone()).is_some(), "{:?} of {text:?}", error.at);
            assert!(!error.message.is_empty() && !error.hint.is_empty());
        }
    }
});
