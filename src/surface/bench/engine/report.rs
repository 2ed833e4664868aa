//! What the figures of the engine come to: the table, and every bar as met or missed.
//!
//! Source: the bars the project set itself before the engine was written; those of starting are for ten million
//! schedules.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::bars::{Bar, grouped, short, verdicts};
use super::Measured;

/// Schedules that the bars of starting are meant for.
const BOOT_SCHEDULES: u32 = 10_000_000;
/// Schedules that the bars of firing are meant for.
const FIRE_SCHEDULES: u32 = 1_000_000;

/// Every bar.
#[must_use]
pub fn bars(measured: &Measured) -> Vec<Bar> {
    let Measured { created, fired, booted, after_kill, lateness, .. } = measured;
    vec![
        Bar::rate_at_least("durable creates, 1,000 a batch", 150_000.0, created.per_second),
        Bar::rate_at_least("durable fires", 150_000.0, fired.per_second),
        Bar::at_most("longest commit while firing", 50.0, fired.worst_commit_ms, "ms"),
        Bar::at_most("written a fire", 400.0, fired.written_bytes, "bytes"),
        Bar::at_most("start, ready to fire", 4.0, booted.seconds, "s"),
        Bar::at_most("start after kill -9 under load", 6.0, after_kill.seconds, "s"),
        Bar::at_most("resident when started", 700.0, booted.resident_mb, "MB"),
        Bar::at_most("resident when started after kill -9", 700.0, after_kill.resident_mb, "MB"),
        Bar::at_most("lateness at 10,000 fires/s, p99", 10.0, lateness.p99_ms, "ms"),
        Bar::at_most("lateness at 10,000 fires/s, p99.9", 50.0, lateness.p999_ms, "ms"),
    ]
}

/// The whole report.
pub(super) fn text(measured: &Measured) -> String {
    let Measured { schedules, delivered_schedules, created, fired, delivered, booted, after_kill, lateness } =
        measured;
    let mut text = format!(
        "Engine: {} recurring schedules in one store, every answer and every fire durable\n\n",
        grouped(&schedules.to_string())
    );
    let count = |number: f64| grouped(&format!("{number:.0}"));
    let mut line = |what: &str, figures: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {what:<22}{figures}");
    };
    line(
        "create",
        format!(
            "{}/s, longest commit {} ms, {} bytes a schedule on disk",
            count(created.per_second),
            count(created.worst_commit_ms),
            count(created.schedule_bytes)
        ),
    );
    for (what, fired) in [("fire and record", fired), ("fire and deliver", delivered)] {
        line(
            what,
            format!(
                "{}/s, {} fires a commit, longest commit {} ms, {} bytes written a fire, peak {} MB",
                count(fired.per_second),
                count(fired.fires / fired.commits.max(1.0)),
                count(fired.worst_commit_ms),
                count(fired.written_bytes),
                count(fired.peak_mb)
            ),
        );
    }
    for (what, boot) in [("start", booted), ("start after kill -9", after_kill)] {
        line(
            what,
            format!(
                "{} s, resident {} MB, peak {} MB",
                short(boot.seconds),
                count(boot.resident_mb),
                count(boot.peak_mb)
            ),
        );
    }
    line(
        "lateness",
        format!(
            "p50 {}, p99 {}, p99.9 {}, worst {} ms, of {} deliveries",
            lateness.p50_ms,
            lateness.p99_ms,
            lateness.p999_ms,
            lateness.worst_ms,
            count(lateness.deliveries)
        ),
    );
    text + meaning(*schedules, *delivered_schedules).as_str() + "\n" + verdicts(&bars(measured)).as_str()
}

/// What the figures mean.
fn meaning(schedules: u32, delivered: u32) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "\nRecorded: schedules without a destination, one commit a fire. Delivered: {} schedules of {} chats, a\n\
         commit before and one after the message. What was written is counted at the system's door.",
        grouped(&delivered.to_string()),
        grouped(&super::rig::CHATS.to_string()),
    );
    for (what, meant) in [("starting", BOOT_SCHEDULES), ("creating and firing", FIRE_SCHEDULES)] {
        if schedules != meant {
            let _ = writeln!(text, "The bars of {what} are meant for {} schedules.", grouped(&meant.to_string()));
        }
    }
    text
}

/// The same for programs.
pub(super) fn to_json(measured: &Measured) -> Value {
    let mut json = json!(measured);
    json["bars"] = json!(bars(measured));
    json
}
