//! One compact slot in memory for every live schedule.
//!
//! Keys are sequential, so slots lie in pages of 256 by key; a page whose slots are all gone is freed. A slot is packed
//! into [`PACKED_BYTES`] bytes, because ten million of them stand beside ten million timers. What is rare does not fit:
//! a great generation, many failures, a last due long before the next. Such a slot stands unpacked in a side table.
//! Invariant: a slot read is the slot written, packed or not.
//! Units: milliseconds. Not here: what a slot means (`change`), timers (`wheel`).

use hashbrown::HashMap;

use crate::engine::change::{LaneId, OutcomeKind, PlanId, State, Status};
use crate::id::ScheduleKey;
use crate::time::{Span, Timestamp};
use crate::wheel::{Key, Wheel};

const PAGE_BITS: u32 = 8;
const PAGE_SLOTS: usize = 1 << PAGE_BITS;
const PACKED_BYTES: usize = 36;
const _: () = assert!(size_of::<Packed>() == PACKED_BYTES, "millions of these are held");

/// A schedule's row and its timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) state: State,
    pub(super) timer: Option<Key>,
    /// Occurrences not settled yet.
    pub(super) open: u32,
}

/// All slots by key.
pub(super) struct Slots {
    pages: HashMap<u64, Page>,
    /// Slots that cannot be packed.
    wide: HashMap<ScheduleKey, Slot>,
    live: usize,
    /// A timer's key that is never looked at: it stands where there is no timer.
    no_timer: Key,
}

struct Page {
    slots: Box<[Packed]>,
    live: usize,
}

/// A slot as it is held.
#[derive(Clone, Copy)]
struct Packed {
    lane: [u32; 2],
    timer: Key,
    plan: u32,
    runs: u32,
    /// How long before the next due the last one was; [`NEVER`] for none.
    last_before_ms: u32,
    /// The lower bits of the next due; see [`Bits::NEXT`] for the upper ones.
    next_ms: u32,
    bits: u32,
}

const NEVER: u32 = u32::MAX;

/// The place of a small number among the bits of a slot.
struct Bits {
    at: u32,
    width: u32,
}

impl Bits {
    /// 0: vacant; then the status, see [`STATUSES`].
    const STATUS: Self = Self { at: 0, width: 3 };
    /// 0: none; then the outcome, see [`OUTCOMES`].
    const OUTCOME: Self = Self { at: 3, width: 3 };
    /// 1: there is a timer.
    const ARMED: Self = Self { at: 6, width: 1 };
    /// 1: the slot stands in the side table.
    const WIDE: Self = Self { at: 7, width: 1 };
    const OPEN: Self = Self { at: 8, width: 4 };
    const FAILURES: Self = Self { at: 12, width: 4 };
    const GENERATION: Self = Self { at: 16, width: 4 };
    /// All set, with all bits below: no next due.
    const NEXT: Self = Self { at: 20, width: 12 };

    const fn max(&self) -> u32 {
        (1 << self.width) - 1
    }

    const fn of(&self, bits: u32) -> u32 {
        (bits >> self.at) & self.max()
    }

    /// The number at its place, if there is room for it.
    fn holding(&self, number: u32) -> Option<u32> {
        (number <= self.max()).then_some(number << self.at)
    }
}

/// The next due when there is none; any later one has no room either.
const NO_NEXT: u64 = ((Bits::NEXT.max() as u64) << 32) | u32::MAX as u64;

/// Statuses by their number, less one.
const STATUSES: [Status; 5] = [Status::Active, Status::Paused, Status::Completed, Status::Cancelled, Status::Failing];

/// Outcomes by their number, less one.
const OUTCOMES: [OutcomeKind; 6] = [
    OutcomeKind::Delivered,
    OutcomeKind::Silent,
    OutcomeKind::Skipped,
    OutcomeKind::Failed,
    OutcomeKind::Cancelled,
    OutcomeKind::Unknown,
];

/// The number of one of these: its place, and one.
fn number<T: PartialEq>(all: &[T], one: &T) -> Option<u32> {
    all.iter().position(|other| other == one).map(|place| place as u32 + 1)
}

impl Packed {
    /// The slot, if it has room; `no_timer` stands where there is no timer.
    fn new(slot: &Slot, no_timer: Key) -> Option<Self> {
        let State { status, generation, plan, lane, next_due, last_due, last_outcome, runs, failures } = slot.state;
        let next = match next_due {
            None => NO_NEXT,
            Some(next) => u64::try_from(next.as_millis()).ok().filter(|ms| *ms < NO_NEXT)?,
        };
        let last_before_ms = match (next_due, last_due) {
            (_, None) => NEVER,
            (Some(next), Some(last)) if last <= next => {
                u32::try_from(next.since(last).as_millis()).ok().filter(|ms| *ms != NEVER)?
            }
            (Some(_) | None, Some(_)) => return None,
        };
        let outcome = match last_outcome {
            None => 0,
            Some(outcome) => number(&OUTCOMES, &outcome)?,
        };
        let bits = Bits::STATUS.holding(number(&STATUSES, &status)?)?
            | Bits::OUTCOME.holding(outcome)?
            | Bits::ARMED.holding(u32::from(slot.timer.is_some()))?
            | Bits::OPEN.holding(slot.open)?
            | Bits::FAILURES.holding(u32::from(failures))?
            | Bits::GENERATION.holding(generation)?
            | Bits::NEXT.holding((next >> 32) as u32)?;
        Some(Self {
            lane: [lane.0 as u32, (lane.0 >> 32) as u32],
            timer: slot.timer.unwrap_or(no_timer),
            plan: plan.0,
            runs,
            last_before_ms,
            next_ms: next as u32,
            bits,
        })
    }

    fn marked(no_timer: Key, bits: u32) -> Self {
        Self { lane: [0; 2], timer: no_timer, plan: 0, runs: 0, last_before_ms: 0, next_ms: 0, bits }
    }

    const fn is_wide(&self) -> bool {
        Bits::WIDE.of(self.bits) == 1
    }

    const fn is_vacant(&self) -> bool {
        Bits::STATUS.of(self.bits) == 0 && !self.is_wide()
    }

    /// The slot, unless the place is vacant or the slot stands in the side table.
    fn unpack(&self) -> Option<Slot> {
        let status = *STATUSES.get(Bits::STATUS.of(self.bits).checked_sub(1)? as usize)?;
        let outcome = Bits::OUTCOME.of(self.bits).checked_sub(1);
        let next = (u64::from(Bits::NEXT.of(self.bits)) << 32) | u64::from(self.next_ms);
        let next_due = (next != NO_NEXT).then_some(Timestamp::from_millis(next as i64));
        let last_before = Span::from_millis(u64::from(self.last_before_ms));
        let last_due = next_due.filter(|_| self.last_before_ms != NEVER).map(|next| next.minus(last_before));
        let state = State {
            status,
            generation: Bits::GENERATION.of(self.bits),
            plan: PlanId(self.plan),
            lane: LaneId((u64::from(self.lane[1]) << 32) | u64::from(self.lane[0])),
            next_due,
            last_due,
            last_outcome: outcome.and_then(|place| OUTCOMES.get(place as usize).copied()),
            runs: self.runs,
            failures: Bits::FAILURES.of(self.bits) as u16,
        };
        let timer = (Bits::ARMED.of(self.bits) == 1).then_some(self.timer);
        Some(Slot { state, timer, open: Bits::OPEN.of(self.bits) })
    }
}

impl Default for Slots {
    fn default() -> Self {
        let no_timer = Wheel::new(0).insert(0, ());
        Self { pages: HashMap::new(), wide: HashMap::new(), live: 0, no_timer }
    }
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn get(&self, key: ScheduleKey) -> Option<Slot> {
        let (page, place) = place(key);
        let packed = self.pages.get(&page)?.slots[place];
        if packed.is_wide() { self.wide.get(&key).copied() } else { packed.unpack() }
    }

    /// Changes a slot that is there; says whether it is.
    pub(super) fn change(&mut self, key: ScheduleKey, change: impl FnOnce(&mut Slot)) -> bool {
        let slot = self.get(key);
        if let Some(mut slot) = slot {
            change(&mut slot);
            self.insert(key, slot);
        }
        slot.is_some()
    }

    pub(super) fn insert(&mut self, key: ScheduleKey, slot: Slot) {
        let packed = Packed::new(&slot, self.no_timer);
        if packed.is_none() {
            self.wide.insert(key, slot);
        }
        let wide = 1 << Bits::WIDE.at;
        let before = self.replace(key, packed.unwrap_or(Packed::marked(self.no_timer, wide)));
        if before.is_wide() && packed.is_some() {
            self.wide.remove(&key);
        }
    }

    pub(super) fn remove(&mut self, key: ScheduleKey) -> Option<Slot> {
        let slot = self.get(key)?;
        self.wide.remove(&key);
        self.replace(key, Packed::marked(self.no_timer, 0));
        Some(slot)
    }

    /// Numbers of the pages, in the order of their keys.
    pub(super) fn pages(&self) -> Vec<u64> {
        let mut pages: Vec<u64> = self.pages.keys().copied().collect();
        pages.sort_unstable();
        pages
    }

    /// All keys in order.
    pub(super) fn keys(&self) -> Vec<ScheduleKey> {
        self.pages().into_iter().flat_map(|page| self.keys_of(page)).collect()
    }

    /// The keys of one page, in order.
    pub(super) fn keys_of(&self, page: u64) -> Vec<ScheduleKey> {
        let slots = self.pages.get(&page).into_iter().flat_map(|page| page.slots.iter().enumerate());
        let live = slots.filter(|(_, slot)| !slot.is_vacant());
        live.map(|(place, _)| ScheduleKey(page << PAGE_BITS | place as u64)).collect()
    }

    /// Puts something in a place and answers what was there, keeping count.
    fn replace(&mut self, key: ScheduleKey, packed: Packed) -> Packed {
        let (number, place) = place(key);
        let vacant = Packed::marked(self.no_timer, 0);
        let page = self
            .pages
            .entry(number)
            .or_insert_with(|| Page { slots: vec![vacant; PAGE_SLOTS].into_boxed_slice(), live: 0 });
        let before = std::mem::replace(&mut page.slots[place], packed);
        match (before.is_vacant(), packed.is_vacant()) {
            (true, false) => {
                page.live += 1;
                self.live += 1;
            }
            (false, true) => {
                page.live -= 1;
                self.live -= 1;
            }
            (true, true) | (false, false) => {}
        }
        if page.live == 0 {
            self.pages.remove(&number);
        }
        before
    }
}

fn place(key: ScheduleKey) -> (u64, usize) {
    (key.0 >> PAGE_BITS, (key.0 & (PAGE_SLOTS as u64 - 1)) as usize)
}
