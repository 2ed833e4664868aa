//! The workload that memory is judged by: all are inserted, a random half is cancelled, the rest fire.
//!
//! Units: ticks of 1 ms; bytes a timer that was inserted.
//! What the measuring itself holds is subtracted: the keys, which stay in memory to the end, so that the peak of the
//! process is theirs and the structure's at the same moment. Deadlines are made while the watch stands still, some at a
//! time.
//! Not here: what else is done with deadlines of this kind (`workload`).

use super::figures::{Figure, Figures};
use super::load::{Chance, Load, Run, YEAR};
use super::process::resident;
use super::timers::{START, Timers};
use super::watch::{Lap, each, fire};

/// Deadlines that are made at a time.
const PART: usize = 1 << 16;

pub(super) fn half_cancelled<T: Timers>(run: &Run, chance: &mut Chance, figures: &mut Figures) -> Option<()> {
    let Run { timers: count, patience, .. } = *run;
    let mut keys: Vec<T::Key> = Vec::with_capacity(count);
    // In memory, as it will be.
    let mut spans = vec![1_u64; PART];
    let ground = resident().0;
    let mut timers = T::new();

    let mut inserted = Lap::default();
    while keys.len() < count && !inserted.cut_short {
        let part = PART.min(count - keys.len());
        spans.clear();
        spans.extend(Load::HalfCancelled.spans(chance).take(part));
        let lap = each(spans.iter(), patience, |&span| keys.push(timers.insert(START + span, span)));
        inserted.operations += lap.operations;
        inserted.took += lap.took;
        inserted.cut_short = lap.cut_short || inserted.took > patience && keys.len() < count;
    }
    inserted.note(figures, Figure::InsertColdNs)?;
    let overhead = ground + (count * size_of::<T::Key>()) as f64;
    let each_timer = |bytes: f64| (bytes - overhead) / count as f64;
    figures.set(Figure::TimerBytes, each_timer(resident().0));

    let staying = count / 2;
    for at in (staying..count).rev() {
        keys.swap(at, chance.below(at as u64 + 1) as usize);
    }
    each(keys.drain(staying..), patience, |key| timers.cancel(key)).note(figures, Figure::CancelHalfNs)?;
    keys.drain(..).for_each(|key| timers.keep(key));

    let (lap, worst) = fire(&mut timers, START + YEAR, staying, patience);
    figures.set(Figure::WorstFireCallUs, worst.as_nanos() as f64 / 1e3);
    lap.note(figures, Figure::FireNs)?;
    // The memory of the keys is still held here.
    figures.set(Figure::PeakTimerBytes, each_timer(resident().1));
    drop(keys);
    Some(())
}
