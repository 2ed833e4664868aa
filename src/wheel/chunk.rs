//! Slots as chains of chunks: the arrays that a cascade streams through.
//!
//! Units: an entry is 8 bytes, a chunk 64 entries. The entry keeps the low 32 bits of its deadline; the slot it lies
//! in knows the rest, which is why no slot may be wider than 2^32 ticks.
//! Invariant: only the head of a chain is partly filled, so its length alone says how far. Entries come and go at the
//! head; order within a slot means nothing.
//! Why not linked timers: following a link through ten million timers is a cache miss for each of them at each level,
//! 360 ns a timer measured where streaming through arrays took 50.

use super::pool::Pool;
use super::record::Records;

/// Entries of a chunk.
pub(super) const CHUNK: usize = 64;

/// Entries of a cache line.
const LINE: usize = 8;

/// No chunk.
const NONE: u32 = u32::MAX;

/// One timer in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its record.
    pub(super) index: u32,
    /// The low half of its deadline.
    pub(super) low: u32,
}

impl Entry {
    const BLANK: Self = Self { index: NONE, low: 0 };
}

/// The content of one slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    head: u32,
    len: u32,
    /// No entry's `low` is below this. Exact until an entry is removed.
    floor: u32,
}

impl Chain {
    /// A slot without entries.
    pub(super) const EMPTY: Self = Self { head: NONE, len: 0, floor: u32::MAX };

    /// Whether the slot has no entries.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its number of entries.
    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    /// Its number of chunks.
    pub(super) const fn chunks(&self) -> u32 {
        self.len.div_ceil(CHUNK as u32)
    }

    /// A lower bound of its entries' low halves.
    #[inline]
    pub(super) const fn floor(&self) -> u32 {
        self.floor
    }

    /// Where in the head chunk the last entry lies; only for a chain that has one.
    const fn top(&self) -> usize {
        (self.len as usize - 1) % CHUNK
    }
}

/// All chunks of a wheel.
#[derive(Debug)]
pub(super) struct Chunks {
    pool: Pool<[Entry; CHUNK]>,
    /// The chunk behind each chunk of a chain: 4 bytes for 64 timers, so that doubling this costs nothing to speak of.
    behind: Vec<u32>,
    /// Where the sweep halted within a chain; forgotten when that chunk is freed.
    halted: u32,
}

impl Chunks {
    /// No chunks at all.
    pub(super) const fn new() -> Self {
        Self { pool: Pool::new(), behind: Vec::new(), halted: NONE }
    }

    /// Adds an entry.
    #[inline(always)]
    pub(super) fn push(&mut self, chain: &mut Chain, entry: Entry) {
        let at = chain.len as usize % CHUNK;
        if at == 0 {
            self.extend(chain);
        }
        self.pool.at_mut(chain.head)[at] = entry;
        chain.len += 1;
        chain.floor = chain.floor.min(entry.low);
    }

    /// The entry that [`Chunks::drop_last`] would remove.
    #[inline]
    pub(super) fn last(&self, chain: &Chain) -> Option<Entry> {
        if chain.is_empty() { None } else { Some(self.pool.at(chain.head)[chain.top()]) }
    }

    /// Removes the last entry of a chain that has one.
    #[inline]
    pub(super) fn drop_last(&mut self, chain: &mut Chain) {
        chain.len -= 1;
        if chain.len.is_multiple_of(CHUNK as u32) {
            self.drop_head(chain);
        }
    }

    /// Takes the head chunk: the entries are copied out and their number returned.
    pub(super) fn pop_chunk(&mut self, chain: &mut Chain, out: &mut [Entry; CHUNK]) -> usize {
        if chain.is_empty() {
            return 0;
        }
        let taken = chain.top() + 1;
        out[..taken].copy_from_slice(&self.pool.at(chain.head)[..taken]);
        chain.len -= taken as u32;
        self.drop_head(chain);
        taken
    }

    /// Reads the head chunk ahead of use, a word of each cache line.
    #[inline]
    pub(super) fn warm(&self, chain: &Chain) -> u32 {
        if chain.is_empty() { 0 } else { self.warm_chunk(chain.head) }
    }

    #[inline]
    fn warm_chunk(&self, chunk: u32) -> u32 {
        let lines = self.pool.at(chunk).as_chunks::<LINE>().0;
        lines.iter().fold(0, |sum, line| sum ^ line[0].index)
    }

    /// Removes the dead from one chunk of a chain, the one where the last call halted, else the head, and frees their
    /// records. Returns how many entries it looked at, and whether that was the last chunk.
    ///
    /// A hole is filled from the head, so the chain is whole after every call and timers may come, fire and cascade
    /// before the next one. They do so at the head only, which the sweep has already passed.
    pub(super) fn sweep<T>(&mut self, chain: &mut Chain, records: &mut Records<T>) -> (usize, bool) {
        if chain.is_empty() {
            self.halted = NONE;
            return (0, true);
        }
        let chunk = if self.halted == NONE { chain.head } else { self.halted };
        let behind = self.behind[chunk as usize];
        self.halted = NONE;
        let filled = if chunk == chain.head { chain.top() + 1 } else { CHUNK };
        let holes = records.reap_among(&self.pool.at(chunk)[..filled]);
        let left = if chunk == chain.head { holes } else { self.fill_holes(chain, chunk, holes) };
        if left != 0 {
            self.close_holes(chain, left);
        }
        self.halted = behind;
        if behind != NONE {
            std::hint::black_box(self.warm_chunk(behind));
        }
        (filled, behind == NONE)
    }

    /// Fills holes of a chunk from the head, until the chunk is the head; returns the holes that are left.
    fn fill_holes(&mut self, chain: &mut Chain, chunk: u32, mut holes: u64) -> u64 {
        while holes != 0 && chunk != chain.head {
            let head = *self.pool.at(chain.head);
            let filled = chain.top() + 1;
            let taken = filled.min(holes.count_ones() as usize);
            let entries = self.pool.at_mut(chunk);
            for &filler in head[..filled].iter().rev().take(taken) {
                entries[holes.trailing_zeros() as usize] = filler;
                holes &= holes - 1;
            }
            chain.len -= taken as u32;
            if taken == filled {
                self.drop_head(chain);
            }
        }
        holes
    }

    /// Moves the entries of the head chunk together over holes.
    fn close_holes(&mut self, chain: &mut Chain, holes: u64) {
        let filled = chain.top() + 1;
        let entries = self.pool.at_mut(chain.head);
        let kept = !holes & (u64::MAX >> (CHUNK - filled));
        for (to, from) in ones(kept).enumerate() {
            entries[to] = entries[from];
        }
        chain.len -= holes.count_ones();
        if kept == 0 {
            self.drop_head(chain);
        }
    }

    /// Forgets where the sweep halted.
    pub(super) const fn forget_halt(&mut self) {
        self.halted = NONE;
    }

    /// Gives some spare memory back.
    #[inline]
    pub(super) fn trim(&mut self) {
        self.pool.trim(|_| true);
    }

    /// Gives all spare memory back.
    pub(super) fn shrink(&mut self) {
        self.pool.shrink(|_| true);
    }

    /// Gives back what [`Chunks::shrink`] must leave as long as there are entries.
    pub(super) fn forget_all(&mut self) {
        self.behind = Vec::new();
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        self.pool.bytes() + self.behind.capacity() * size_of::<u32>()
    }

    /// Puts an empty chunk before the head.
    #[inline(never)]
    fn extend(&mut self, chain: &mut Chain) {
        let chunk = self.pool.take().unwrap_or_else(|| self.pool.grow(|_| [Entry::BLANK; CHUNK]));
        if chunk as usize >= self.behind.len() {
            self.behind.resize(chunk as usize + 1, NONE);
        }
        self.behind[chunk as usize] = chain.head;
        chain.head = chunk;
    }

    #[inline(never)]
    fn drop_head(&mut self, chain: &mut Chain) {
        let chunk = chain.head;
        chain.head = self.behind[chunk as usize];
        if chain.is_empty() {
            *chain = Chain::EMPTY;
        }
        if self.halted == chunk {
            self.halted = NONE;
        }
        self.pool.give(chunk);
    }
}

/// The places of the bits that are set.
pub(super) fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(at)
    })
}
