//! The timer wheel (a sorted map until the wheel lands).

use std::collections::BTreeMap;

/// Names one timer for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    index: u32,
    generation: u32,
}

/// What becomes of a timer that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is gone.
    Drop,
    /// It fires again at this tick, under the same key.
    Rearm(u64),
}

/// What an `advance` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Timers fired.
    pub fired: usize,
    /// Whether timers are left that are due by the same `now`: call again.
    pub more: bool,
}
/// Map.
pub struct Wheel<T> {
    map: BTreeMap<(u64, u32), T>,
    at: std::collections::HashMap<u32, u64>,
    next: u32,
}
#[allow(missing_docs)]
impl<T> Wheel<T> {
    pub fn new(_now: u64) -> Self {
        Self { map: BTreeMap::new(), at: Default::default(), next: 0 }
    }
    pub fn with_capacity(now: u64, _n: usize) -> Self {
        Self::new(now)
    }
    pub fn insert(&mut self, deadline: u64, value: T) -> Key {
        self.next += 1;
        self.map.insert((deadline, self.next), value);
        self.at.insert(self.next, deadline);
        Key { index: self.next, generation: 0 }
    }
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let d = self.at.remove(&key.index)?;
        self.map.remove(&(d, key.index))
    }
    pub fn advance(&mut self, now: u64, limit: usize, mut fired: impl FnMut(u64, Key, &mut T) -> Next) -> Progress {
        let mut n = 0;
        while let Some((&(d, i), _)) = self.map.first_key_value() {
            if d > now {
                break;
            }
            if n == limit {
                return Progress { fired: n, more: true };
            }
            let mut v = self.map.remove(&(d, i)).unwrap();
            self.at.remove(&i);
            n += 1;
            let _ = fired(d, Key { index: i, generation: 0 }, &mut v);
        }
        Progress { fired: n, more: false }
    }
    pub fn next_expiry(&self) -> Option<u64> {
        self.map.keys().next().map(|k| k.0)
    }
    pub fn len(&self) -> usize {
        self.map.len()
    }
}
