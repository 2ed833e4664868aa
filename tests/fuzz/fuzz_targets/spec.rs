//! The text of a schedule file, whatever it says: schedules or problems, never a panic, never a long wait.
//!
//! `.ci/fuzz spec 60` runs it for a minute, beginning with the files of `schedules`; `.ci/fuzz spec 0 FILE` runs one
//! input again. An input that takes longer than five seconds fails.
//! Invariant: a valid schedule written down and read again is the same; problems can be shown.
//! Not here: TOML, which differs in syntax only and has a parser of its own.

#![no_main]

use chimewheel::spec::{Context, from_schedule, validate};
use chimewheel::surface::files::read_bytes;
use chimewheel::surface::files::report::{Look, draw, to_json};
use chimewheel::time::Timestamp;
use libfuzzer_sys::fuzz_target;

/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fuzz_target!(|bytes: &[u8]| {
    let gateways = ["console".to_owned(), "telegram".to_owned()];
    let context = Context { gateways: &gateways, ..Context::new(NOW) };
    let file = read_bytes("schedules/fuzz.yaml", bytes);
    let (drafts, problems) = file.drafts(&context);
    for draft in drafts {
        let again = Context { existing: Some(&draft.schedule), ..context.clone() };
        let read = validate(&from_schedule(&draft.schedule), &again).expect("what was valid is valid");
        assert_eq!(read.schedule, draft.schedule);
        let _ = draft.schedule.trigger.describe(draft.schedule.zone);
    }
    let refusal = file.refusal(problems);
    assert!(!draw(&refusal, Look::plain(80)).is_empty() || refusal.problems.is_empty());
    let _ = to_json(&refusal);
});
