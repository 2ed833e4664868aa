//! Storage that grows by segments, keeps its indices stable and gives whole segments back.
//!
//! Units: an index is a `u32`, a segment at most 2 MiB.
//! Invariant: an item never moves while it is in use, so growing never copies what is already there; only the very
//! first segment starts small and doubles, so that a small wheel stays small.
//! Not here: what an item means, and what a reused one still remembers (`record`, `chunk`).

/// Bytes of a segment. Growing by more would be felt: at 3 µs for each page touched first, even this much costs 1.5 ms
/// when all of it is touched at once, which nobody does.
const SEGMENT_BYTES: usize = 2 * 1024 * 1024;

/// Items of one type under stable indices.
#[derive(Debug)]
pub(super) struct Pool<T> {
    segments: Vec<Segment<T>>,
    /// One bit a segment: it has free items. The first open segment is used first, which lets the last ones empty.
    open: Vec<u64>,
    /// Segments given back, whose indices may be used again.
    gone: Vec<usize>,
    /// The segment that takes new items.
    filling: usize,
    /// Segments that are wholly free and may be given back.
    idle: Vec<usize>,
    /// Items in all segments, used or free.
    held: usize,
}

#[derive(Debug)]
struct Segment<T> {
    items: Vec<T>,
    free: Vec<u32>,
}

impl<T> Pool<T> {
    /// Items of a segment, as a power of two; at least 64.
    const SHIFT: u32 = {
        let items = SEGMENT_BYTES / if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
        if items < 64 { 6 } else { items.ilog2() }
    };
    const SEGMENT: usize = 1 << Self::SHIFT;

    /// An empty pool, which owns no memory.
    pub(super) const fn new() -> Self {
        Self { segments: Vec::new(), open: Vec::new(), gone: Vec::new(), filling: 0, idle: Vec::new(), held: 0 }
    }

    /// The item at `index`.
    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        self.segments.get(index as usize >> Self::SHIFT)?.items.get(index as usize & (Self::SEGMENT - 1))
    }

    /// The item at `index`.
    #[inline]
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let segment = self.segments.get_mut(index as usize >> Self::SHIFT)?;
        segment.items.get_mut(index as usize & (Self::SEGMENT - 1))
    }

    /// The item at `index`, which was handed out and not given back.
    #[inline]
    pub(super) fn at(&self, index: u32) -> &T {
        &self.segments[index as usize >> Self::SHIFT].items[index as usize & (Self::SEGMENT - 1)]
    }

    /// The item at `index`, which was handed out and not given back.
    #[inline]
    pub(super) fn at_mut(&mut self, index: u32) -> &mut T {
        &mut self.segments[index as usize >> Self::SHIFT].items[index as usize & (Self::SEGMENT - 1)]
    }

    /// A free item, as it was when it was given back.
    #[inline]
    pub(super) fn take(&mut self) -> Option<u32> {
        let word = self.open.iter().position(|&word| word != 0)?;
        let at = word * 64 + self.open[word].trailing_zeros() as usize;
        let segment = &mut self.segments[at];
        if segment.free.len() == segment.items.len() {
            self.idle.retain(|&idle| idle != at);
            // In the order of memory again, which is several times as fast to fill as the order of chance.
            let items = segment.free.len() as u32;
            segment.free.clear();
            segment.free.extend((0..items).rev());
        }
        let item = segment.free.pop()?;
        if segment.free.is_empty() {
            self.open[word] &= self.open[word] - 1;
        }
        Some((at << Self::SHIFT) as u32 | item)
    }

    /// Allocates ahead what the first segment would otherwise grow to by doubling. The others are allocated whole in
    /// any case, when they are needed, and none of it touches memory before that.
    pub(super) fn reserve(&mut self, items: usize) {
        if self.segments.is_empty() {
            let first = Segment { items: Vec::with_capacity(items.min(Self::SEGMENT)), free: Vec::new() };
            self.segments.push(first);
            self.open.push(0);
        }
    }

    /// Adds a new item; for when [`Pool::take`] had none.
    pub(super) fn grow(&mut self, item: T) -> u32 {
        if self.segments.get(self.filling).is_none_or(|segment| segment.items.len() == Self::SEGMENT) {
            self.filling = self.gone.pop().unwrap_or(self.segments.len());
            let capacity = if self.segments.is_empty() { 0 } else { Self::SEGMENT };
            let segment = Segment { items: Vec::with_capacity(capacity), free: Vec::new() };
            if self.filling == self.segments.len() {
                self.segments.push(segment);
                self.open.resize(self.segments.len().div_ceil(64), 0);
            } else {
                self.segments[self.filling] = segment;
            }
        }
        let items = &mut self.segments[self.filling].items;
        let index = (self.filling << Self::SHIFT) + items.len();
        assert!(index < u32::MAX as usize, "a wheel holds fewer than 2^32 - 1 timers, this would be {index}");
        items.push(item);
        self.held += 1;
        index as u32
    }

    /// Takes an item back.
    #[inline]
    pub(super) fn give(&mut self, index: u32) {
        let at = index as usize >> Self::SHIFT;
        let segment = &mut self.segments[at];
        if segment.free.is_empty() {
            // Room for all at once: a list that grew by doubling would be copied again and again.
            segment.free.reserve_exact(segment.items.capacity());
            self.open[at / 64] |= 1 << (at % 64);
        }
        segment.free.push(index & (Self::SEGMENT as u32 - 1));
        if segment.free.len() == segment.items.len() {
            self.idle.push(at);
        }
    }

    /// Gives one free segment back if there are more than one: giving memory back takes its time, and one is kept so
    /// that a population that hovers at an edge does not allocate all the time.
    #[inline]
    pub(super) fn trim(&mut self) {
        if self.idle.len() > 1
            && let Some(at) = self.idle.pop()
        {
            self.let_go(at);
        }
    }

    /// Gives every free segment back.
    pub(super) fn shrink(&mut self) {
        while let Some(at) = self.idle.pop() {
            self.let_go(at);
        }
    }

    fn let_go(&mut self, at: usize) {
        let segment = &mut self.segments[at];
        self.open[at / 64] &= !(1 << (at % 64));
        if at != self.filling {
            self.gone.push(at);
        }
        self.held -= segment.items.len();
        segment.items = Vec::new();
        segment.free = Vec::new();
    }

    /// Items there is memory for, used or free.
    #[inline]
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        let segment = |s: &Segment<T>| s.items.capacity() * size_of::<T>() + s.free.capacity() * size_of::<u32>();
        self.segments.iter().map(segment).sum::<usize>()
            + self.segments.capacity() * size_of::<Segment<T>>()
            + self.gone.capacity() * size_of::<usize>()
            + self.open.capacity() * size_of::<u64>()
    }
}
