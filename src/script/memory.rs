//! The library's functions on the run itself: what it remembers, when it is quiet, what it picks and notes.
//!
//! Invariants: what they remember is in the state, under keys that begin with `_`; none asks for the current time:
//! `once_per` counts from due to due, quiet hours are judged at the instant at which the run began.
//! Units: minutes of the local day. Not here: how the state is committed (`scene`).

use rhai::{Array, Dynamic, Engine, ImmutableString};

use super::guard::{Outcome, running};
use super::moment::{Length, Moment, Parts};
use super::scene::Run;
use super::show;
use crate::calendar::Zone;
use crate::time::{Span, Timestamp};

/// Tells the engine of them.
pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("changed", |key: &str, value: Dynamic| changed(key, &value));
    engine.register_fn("once_per", |length: Dynamic| once_per("_once", &length));
    engine.register_fn("once_per", |key: &str, length: Dynamic| once_per(&format!("_once_{key}"), &length));
    engine.register_fn("quiet_hours", |hours: &str| -> Outcome<bool> {
        let run = running()?;
        Ok(Quiet::parse(hours)?.is_quiet(&Parts::new(run.facts.actual, run.facts.schedule.zone)))
    });
    engine.register_fn("quiet_until", |hours: &str| -> Outcome<Dynamic> {
        let run = running()?;
        let (at, zone) = (run.facts.actual, run.facts.schedule.zone);
        Ok(Quiet::parse(hours)?.end(at, zone).map_or(Dynamic::UNIT, |at| Dynamic::from(Moment { at, zone })))
    });
    engine.register_fn("pick", |items: Array| pick(&items));
    engine
        .register_fn("time", |text: &str| -> Outcome<Moment> { Moment::parse(text, running()?.facts.schedule.zone) });
    engine.register_fn("note", |value: Dynamic| -> Outcome<()> {
        running()?.note(&show::shown(&value)?);
        Ok(())
    });
    let print = |text: &str| {
        if let Ok(run) = running() {
            run.note(text);
        }
    };
    engine.on_print(print);
    engine.on_debug(move |text, _, _| print(text));
}

/// Whether a value differs from what it was when this was last asked; the first time it does.
fn changed(key: &str, value: &Dynamic) -> Outcome<bool> {
    let key = format!("_changed_{key}");
    // The state keeps JSON, in which a time is a text.
    let text = super::json::to_text(value, crate::limits::SCRIPT_STATE_BYTES_MAX)
        .map_err(|why| format!("changed cannot remember this: it {why}"))?;
    let run = running()?;
    let before = run.with_state(|state| {
        state.get(key.as_str()).and_then(|kept| kept.read_lock::<ImmutableString>().as_deref().cloned())
    })?;
    if before.is_some_and(|before| before == text) {
        return Ok(false);
    }
    run.change_state(|state| state.insert(key.into(), text.into()))?;
    Ok(true)
}

/// Whether this was not said yes to within so long.
fn once_per(key: &str, length: &Dynamic) -> Outcome<bool> {
    let length = Length::of(length)?;
    let run: std::sync::Arc<Run> = running()?;
    let due = run.facts.due;
    let last = run.with_state(|state| state.get(key).and_then(|kept| kept.as_int().ok()))?;
    // A clock that was set back must not silence a schedule until that time comes again.
    let is_over = last.is_none_or(|last| due.as_millis() < last || due.as_millis() - last >= length.0);
    if is_over {
        run.change_state(|state| state.insert(key.into(), due.as_millis().into()))?;
    }
    Ok(is_over)
}

/// One of the list: the same whenever this occurrence asks.
fn pick(items: &[Dynamic]) -> Outcome<Dynamic> {
    let run = running()?;
    let count = items.len() as u64;
    if count == 0 {
        return Err("pick needs a list that is not empty".into());
    }
    let seed = run.facts.schedule.id.as_str().bytes().chain(run.facts.due.as_millis().to_le_bytes());
    // FNV-1a, and a last mix, since dues mostly differ in a few bits.
    let hash =
        seed.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Ok(items[((mixed >> 32) % count) as usize].clone())
}

/// A stretch of every local day, from a minute up to another; over midnight where the second is the earlier one.
struct Quiet {
    from: u32,
    to: u32,
}

impl Quiet {
    /// Reads `22:00-07:00`.
    fn parse(text: &str) -> Outcome<Self> {
        let read = || {
            let (from, to) = text.split_once('-')?;
            Some(Self { from: minute(from)?, to: minute(to)? })
        };
        read().ok_or_else(|| format!("'{text}' are no hours; write for example \"22:00-07:00\"").into())
    }

    const fn is_quiet(&self, parts: &Parts) -> bool {
        let now = parts.minute_of_day();
        if self.from <= self.to { self.from <= now && now < self.to } else { self.from <= now || now < self.to }
    }

    /// The instant at which the stretch around an instant ends.
    fn end(&self, at: Timestamp, zone: Zone) -> Option<Timestamp> {
        let parts = Parts::new(at, zone);
        if !self.is_quiet(&parts) {
            return None;
        }
        let is_tomorrow = self.from > self.to && parts.minute_of_day() >= self.from;
        let noon = zone.parse_local(&format!("{} 12:00", parts.date()))?;
        // A day after noon is another date, however clocks change; a day after 23:30 may be two dates on.
        let date =
            if is_tomorrow { Parts::new(noon.plus(Span::from_seconds(86_400)), zone).date() } else { parts.date() };
        zone.parse_local(&format!("{date} {:02}:{:02}", self.to / 60, self.to % 60))
    }
}

/// Minutes since midnight of `22:00`.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}
