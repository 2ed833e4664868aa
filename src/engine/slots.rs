//! One compact slot in memory for every live schedule.
//!
//! Keys are sequential, so slots lie in pages of 256 by key; a page whose slots are all gone is freed.
//! Not here: what a slot means (`change`), timers (`wheel`).

use hashbrown::HashMap;

use crate::engine::change::State;
use crate::id::ScheduleKey;
use crate::wheel::Key;

const PAGE_BITS: u32 = 8;
const PAGE_SLOTS: usize = 1 << PAGE_BITS;

/// A schedule's row and its timer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) state: State,
    pub(super) timer: Option<Key>,
    /// Occurrences not settled yet.
    pub(super) open: u32,
}

/// All slots by key.
#[derive(Default)]
pub(super) struct Slots {
    pages: HashMap<u64, Page>,
    live: usize,
}

struct Page {
    slots: Box<[Option<Slot>]>,
    live: usize,
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn get(&self, key: ScheduleKey) -> Option<&Slot> {
        let (page, place) = place(key);
        self.pages.get(&page)?.slots[place].as_ref()
    }

    pub(super) fn get_mut(&mut self, key: ScheduleKey) -> Option<&mut Slot> {
        let (page, place) = place(key);
        self.pages.get_mut(&page)?.slots[place].as_mut()
    }

    pub(super) fn insert(&mut self, key: ScheduleKey, slot: Slot) {
        let (page, place) = place(key);
        let page = self
            .pages
            .entry(page)
            .or_insert_with(|| Page { slots: vec![None; PAGE_SLOTS].into_boxed_slice(), live: 0 });
        if page.slots[place].replace(slot).is_none() {
            page.live += 1;
            self.live += 1;
        }
    }

    pub(super) fn remove(&mut self, key: ScheduleKey) -> Option<Slot> {
        let (number, place) = place(key);
        let page = self.pages.get_mut(&number)?;
        let slot = page.slots[place].take()?;
        page.live -= 1;
        self.live -= 1;
        if page.live == 0 {
            self.pages.remove(&number);
        }
        Some(slot)
    }

    /// All keys in order.
    pub(super) fn keys(&self) -> Vec<ScheduleKey> {
        let mut pages: Vec<u64> = self.pages.keys().copied().collect();
        pages.sort_unstable();
        let mut keys = Vec::with_capacity(self.live);
        for number in pages {
            for (place, slot) in self.pages[&number].slots.iter().enumerate() {
                if slot.is_some() {
                    keys.push(ScheduleKey(number << PAGE_BITS | place as u64));
                }
            }
        }
        keys
    }
}

fn place(key: ScheduleKey) -> (u64, usize) {
    (key.0 >> PAGE_BITS, (key.0 & (PAGE_SLOTS as u64 - 1)) as usize)
}
