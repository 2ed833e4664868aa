//! Storage that grows by segments, keeps its indices stable and gives whole segments back.
//!
//! Units: an index is a `u32`, a segment 8 MiB or 1,024 items, whichever is more: the first an eighth of it, each of the
//! next twice as large as the one before it. So a small wheel stays small.
//! Invariant: an item never moves while it is in use, so growing never copies what is already there; only the very first
//! segment starts small and doubles.
//! What it cannot do: one item that stays keeps its segment, and items that hover are spread over as many segments as
//! there once were.
//! Not here: what an item means, and what a reused one still remembers (`record`, `chunk`).

use super::vacant::Vacant;

/// Bytes of the largest segments. They are asked for at once and touched one by one, so this is not what growing costs.
/// It is large for the sake of huge pages, which lie where they like: of 2 MiB, none need fit.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// How much smaller the first segment is, as a power of two.
const FIRST_SHIFT: usize = 3;

/// Free items that need not be looked for in a bitmap.
const RECENT_COUNT_MAX: usize = 256;

/// Items of one type under stable indices.
#[derive(Debug)]
pub(super) struct Pool<T> {
    segments: Vec<Vec<T>>,
    /// Some of the items given back last: a population that hovers works with these alone.
    recent: Vec<u32>,
    /// The other free items of each segment.
    vacant: Vec<Vacant>,
    /// How many those are, of all segments.
    free: usize,
    /// The segment that items are taken from, until it has none, and the one taken last.
    taking: usize,
    taken: u32,
    /// The segment that takes new items.
    filling: usize,
    /// Segments given back, whose indices may be used again.
    gone: Vec<usize>,
    /// As long as fewer items than this are free, no other segment can have become wholly free: it is as many as were
    /// free when the segments were last looked at, less those taken since, and those the fullest free one lacked.
    trim_at: usize,
    /// Calls that would have looked at the segments since then. They look at all, so only one in as many does.
    waited: usize,
    /// Items in all segments, used or free.
    held: usize,
}

impl<T> Pool<T> {
    /// Items of a segment, as a power of two; at least 1,024.
    const SHIFT: u32 = {
        let items = SEGMENT_BYTES / if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
        if items < 1024 { 10 } else { items.ilog2() }
    };
    const SEGMENT: usize = 1 << Self::SHIFT;

    /// An empty pool, which owns no memory.
    pub(super) const fn new() -> Self {
        Self {
            segments: Vec::new(),
            recent: Vec::new(),
            vacant: Vec::new(),
            free: 0,
            taking: 0,
            taken: 0,
            filling: 0,
            gone: Vec::new(),
            trim_at: 0,
            waited: 0,
            held: 0,
        }
    }

    /// The item at `index`.
    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        self.segments.get(index as usize >> Self::SHIFT)?.get(index as usize & (Self::SEGMENT - 1))
    }

    /// The item at `index`.
    #[inline]
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.segments.get_mut(index as usize >> Self::SHIFT)?.get_mut(index as usize & (Self::SEGMENT - 1))
    }

    /// The item at `index`, which was handed out and not given back.
    #[inline]
    pub(super) fn at(&self, index: u32) -> &T {
        &self.segments[index as usize >> Self::SHIFT][index as usize & (Self::SEGMENT - 1)]
    }

    /// The item at `index`, which was handed out and not given back.
    #[inline]
    pub(super) fn at_mut(&mut self, index: u32) -> &mut T {
        &mut self.segments[index as usize >> Self::SHIFT][index as usize & (Self::SEGMENT - 1)]
    }

    /// A free item, as it was when it was given back.
    #[inline]
    pub(super) fn take(&mut self) -> Option<u32> {
        self.recent.pop().or_else(|| self.take_vacant())
    }

    #[inline]
    fn take_vacant(&mut self) -> Option<u32> {
        if self.free == 0 { None } else { self.find_vacant() }
    }

    #[inline(never)]
    fn find_vacant(&mut self) -> Option<u32> {
        let vacant = &mut self.vacant[self.taking];
        if vacant.len() == 0 {
            return self.take_elsewhere();
        }
        let place = vacant.take(self.taken)?;
        self.free -= 1;
        self.trim_at = self.trim_at.saturating_sub(1);
        self.taken = place;
        Some((self.taking << Self::SHIFT) as u32 | place)
    }

    /// Goes on to the first segment that has free items, so that the last ones have a chance to empty.
    #[cold]
    fn take_elsewhere(&mut self) -> Option<u32> {
        self.taking = self.vacant.iter().position(|vacant| vacant.len() > 0)?;
        self.find_vacant()
    }

    /// Allocates ahead what the first segment would otherwise grow to by doubling. The others are allocated whole in
    /// any case, when they are needed, and none of it touches memory before that.
    pub(super) fn reserve(&mut self, items: usize) {
        if self.segments.is_empty() {
            let (segment, mut vacant) = (Vec::with_capacity(items.min(Self::room(0))), Vacant::default());
            vacant.cover(segment.capacity());
            self.segments.push(segment);
            self.vacant.push(vacant);
        }
    }

    /// The segment of an item.
    #[inline]
    pub(super) const fn segment_of(index: u32) -> usize {
        index as usize >> Self::SHIFT
    }

    /// Adds a new item, which may depend on its segment; for when [`Pool::take`] had none.
    #[inline]
    pub(super) fn grow(&mut self, item: impl FnOnce(usize) -> T) -> u32 {
        if self.segments.get(self.filling).is_none_or(|segment| segment.len() == segment.capacity()) {
            self.make_room();
        }
        let items = &mut self.segments[self.filling];
        let index = (self.filling << Self::SHIFT) + items.len();
        items.push(item(self.filling));
        self.held += 1;
        index as u32
    }

    /// Items that a segment has room for when it is full.
    const fn room(at: usize) -> usize {
        if at < FIRST_SHIFT { Self::SEGMENT >> (FIRST_SHIFT - at) } else { Self::SEGMENT }
    }

    /// Finds room for at least one new item.
    #[cold]
    fn make_room(&mut self) {
        let is_full = self.segments.get(self.filling).is_none_or(|segment| segment.len() == Self::room(self.filling));
        if is_full {
            self.filling = self.gone.pop().unwrap_or(self.segments.len());
        }
        let last = (self.filling << Self::SHIFT) + Self::SEGMENT;
        assert!(last < u32::MAX as usize, "a wheel holds fewer than 2^32 timers, and there would be {last}");
        if self.filling == self.segments.len() {
            self.segments.push(Vec::new());
            self.vacant.push(Vacant::default());
        }
        let (room, segment) = (Self::room(self.filling), &mut self.segments[self.filling]);
        let wanted = if self.filling == 0 { (segment.len() * 2).clamp(4, room) } else { room };
        segment.reserve_exact(wanted - segment.len());
        self.vacant[self.filling].cover(segment.capacity());
    }

    /// Takes an item back.
    #[inline]
    pub(super) fn give(&mut self, index: u32) {
        if self.recent.len() == RECENT_COUNT_MAX {
            self.forget(RECENT_COUNT_MAX / 2);
        }
        self.recent.push(index);
    }

    /// Takes an item back that nobody has looked at lately, so that there is nothing to be gained from using it soon.
    #[inline]
    pub(super) fn give_unread(&mut self, index: u32) {
        self.vacant[index as usize >> Self::SHIFT].add(index & (Self::SEGMENT as u32 - 1));
        self.free += 1;
    }

    /// Makes all but `kept` of the recent ones free like any other.
    fn forget(&mut self, kept: usize) {
        let mut recent = std::mem::take(&mut self.recent);
        recent.drain(kept..).for_each(|index| self.give_unread(index));
        self.recent = recent;
    }

    /// Gives one free segment back if it may go, and not the last one unless there is little else: giving memory back
    /// takes its time, and a population that hovers at an edge should not allocate all the time. Returns which.
    #[inline]
    pub(super) fn trim(&mut self, may_go: impl Fn(usize) -> bool) -> Option<usize> {
        if self.free + self.recent.len() < self.trim_at {
            return None;
        }
        self.waited += 1;
        if self.waited < self.segments.len() { None } else { self.trim_one(may_go) }
    }

    #[cold]
    fn trim_one(&mut self, may_go: impl Fn(usize) -> bool) -> Option<usize> {
        self.forget(0);
        let mut idle = (0..self.segments.len()).rev().filter(|&at| self.is_idle(at) && may_go(at));
        let spare = idle.next().filter(|_| self.is_mostly_free() || idle.next().is_some());
        if let Some(at) = spare {
            self.let_go(at);
            // There may be another one, for the next call.
            self.trim_at = 0;
            return spare;
        }
        let lacking = (0..self.segments.len()).map(|at| self.lacks(at)).filter(|&lacking| lacking > 0).min();
        self.trim_at = self.free + lacking.unwrap_or(1);
        self.waited = 0;
        None
    }

    const fn is_mostly_free(&self) -> bool {
        self.free > 4 * (self.held - self.free) + Self::room(0)
    }

    /// Whether a segment has items, all of them free.
    fn is_idle(&self, at: usize) -> bool {
        self.lacks(at) == 0 && self.vacant[at].len() > 0
    }

    /// How many items of a segment are in use.
    fn lacks(&self, at: usize) -> usize {
        self.segments[at].len() - self.vacant[at].len() as usize
    }

    /// Gives every free segment back that may go.
    pub(super) fn shrink(&mut self, mut may_go: impl FnMut(usize) -> bool) {
        self.forget(0);
        self.recent = Vec::new();
        self.trim_at = 0;
        for at in 0..self.segments.len() {
            if self.is_idle(at) && may_go(at) {
                self.let_go(at);
            }
        }
    }

    fn let_go(&mut self, at: usize) {
        if at != self.filling {
            self.gone.push(at);
        }
        self.held -= self.segments[at].len();
        self.free -= self.segments[at].len();
        self.segments[at] = Vec::new();
        self.vacant[at] = Vacant::default();
    }

    /// Items there is memory for, used or free.
    #[inline]
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Bytes of memory held; what a segment has asked for and never touched is none.
    pub(super) fn bytes(&self) -> usize {
        let items: usize = self.segments.iter().map(Vec::len).sum();
        items * size_of::<T>()
            + self.vacant.iter().map(Vacant::bytes).sum::<usize>()
            + self.segments.capacity() * size_of::<Vec<T>>()
            + self.vacant.capacity() * size_of::<Vacant>()
            + self.gone.capacity() * size_of::<usize>()
            + self.recent.capacity() * size_of::<u32>()
    }
}
