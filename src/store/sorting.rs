//! Sorting as far as it is needed: the front of a list in its order, the rest when its turn comes.
//!
//! A fold writes a list in slices, one with each commit. To sort half a million rows at once would hold up one commit
//! for a tenth of a second; here the first slice costs a few passes over the list, and each later one little.
//! Invariant: what is before `sorted` is in its final place; each bound ends a stretch no element of which is greater
//! than any behind it. Source: Paredes and Navarro, "Optimal incremental sorting", 2006.

/// Elements that are sorted at once.
const STRETCH: usize = 4096;

/// A list of which the front is sorted.
#[derive(Debug)]
pub(super) struct Sorting<T> {
    all: Vec<T>,
    sorted: usize,
    /// Ends of stretches, the nearest last.
    bounds: Vec<usize>,
}

impl<T: Ord + Copy> Sorting<T> {
    pub(super) fn new(all: Vec<T>) -> Self {
        let bounds = vec![all.len()];
        Self { all, sorted: 0, bounds }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The list, the first `wanted` elements of which are in their place.
    pub(super) fn sorted_to(&mut self, wanted: usize) -> &[T] {
        while self.sorted < wanted.min(self.all.len())
            && let Some(&end) = self.bounds.last()
        {
            let stretch = &mut self.all[self.sorted..end];
            if stretch.len() <= STRETCH {
                stretch.sort_unstable();
                self.sorted = end;
                self.bounds.pop();
            } else {
                let half = stretch.len() / 2;
                stretch.select_nth_unstable(half);
                self.bounds.push(self.sorted + half);
            }
        }
        &self.all
    }
}
