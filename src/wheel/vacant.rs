//! Which items of a segment are free: a bitmap, and bitmaps of which of its words are not zero.
//!
//! Units: an item is named by its place in the segment.
//! Why not a list of free items: it takes four bytes an item instead of one bit, and a segment touches memory of its own
//! for the first few that are given back, all segments at once when timers fire in an order that has nothing to do with
//! where they lie. (Twenty huge pages in one call, 2.8 ms, November 2026.) Out of a bitmap, free items also come in the
//! order of memory.

/// A set of places, three words deep: 2^18 places for each word of the last row.
#[derive(Debug, Default)]
pub(super) struct Vacant {
    rows: [Vec<u64>; 3],
    len: u32,
}

impl Vacant {
    /// How many there are.
    #[inline]
    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    /// Makes room for `places` places.
    pub(super) fn cover(&mut self, places: usize) {
        let mut words = places;
        for row in &mut self.rows {
            words = words.div_ceil(64);
            if row.len() < words {
                row.resize(words, 0);
            }
        }
    }

    /// Adds a place that is not there.
    #[inline]
    pub(super) fn add(&mut self, place: u32) {
        self.len += 1;
        let mut at = place as usize;
        for row in &mut self.rows {
            let word = &mut row[at / 64];
            let was = *word;
            *word |= 1 << (at % 64);
            if was != 0 {
                return;
            }
            at /= 64;
        }
    }

    /// The first place in the word of `hint`, if that word has one; else the first of all.
    #[inline]
    pub(super) fn take(&mut self, hint: u32) -> Option<u32> {
        let word = match self.rows[0].get(hint as usize / 64) {
            Some(word) if *word != 0 => hint as usize / 64,
            _ => self.first_word()?,
        };
        let bits = &mut self.rows[0][word];
        let bit = bits.trailing_zeros();
        *bits &= *bits - 1;
        if *bits == 0 {
            self.clear(word);
        }
        self.len -= 1;
        Some(word as u32 * 64 + bit)
    }

    /// The first word of the first row that is not zero.
    fn first_word(&self) -> Option<usize> {
        let top = self.rows[2].iter().position(|&word| word != 0)?;
        let middle = top * 64 + self.rows[2][top].trailing_zeros() as usize;
        Some(middle * 64 + self.rows[1][middle].trailing_zeros() as usize)
    }

    /// Notes that a word of the first row has become zero.
    fn clear(&mut self, word: usize) {
        let mut at = word;
        for row in &mut self.rows[1..] {
            let word = &mut row[at / 64];
            *word &= !(1 << (at % 64));
            if *word != 0 {
                return;
            }
            at /= 64;
        }
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        self.rows.iter().map(|row| row.capacity() * size_of::<u64>()).sum()
    }
}
