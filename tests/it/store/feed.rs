//! The source of the live feed: everything once, in order, across restarts, and a gap is told.

use std::collections::BTreeSet;

use chimewheel::store::{FeedCursor, What};

use super::chance::Chance;
use super::disk::Disk;
use super::model::{Model, open};

/// Where a commit ends.
const fn end_of(commit: u64) -> FeedCursor {
    FeedCursor { commit, told: None }
}

#[test]
fn every_entry_is_told_once_whatever_the_size_of_the_pages() {
    let mut store = open(&Disk::default());
    let (mut model, mut chance) = (Model::default(), Chance(3));
    let mut cursors = [end_of(0); 3];
    let mut told: [Vec<What>; 3] = Default::default();
    for _ in 0..200 {
        let batch = model.batch(&mut chance);
        store.writer.commit(&batch).unwrap();
        model.apply(&batch);
        for ((cursor, told), limit) in cursors.iter_mut().zip(&mut told).zip([1, 3, 1000]) {
            loop {
                let fed = store.reader.feed(*cursor, limit).unwrap().expect("the latest commit is known");
                assert!(fed.pieces.len() <= limit);
                assert!(fed.pieces.is_sorted_by_key(|piece| (piece.cursor.commit, piece.cursor.told)));
                *cursor = fed.cursor;
                told.extend(fed.pieces.into_iter().map(|piece| piece.what));
                if !fed.more {
                    break;
                }
            }
            assert_eq!(*cursor, store.reader.feed_end().unwrap());
        }
    }
    assert!(told[0] == told[1] && told[1] == told[2]);
    assert!(told[0].len() > 1000, "{}", told[0].len());
}

#[test]
fn a_cursor_survives_a_restart_and_a_gap_is_told() {
    let disk = Disk::default();
    let (mut model, mut chance) = (Model::default(), Chance(4));
    let mut known = BTreeSet::new();
    for _ in 0..5 {
        let mut store = open(&disk);
        for _ in 0..20 {
            let batch = model.batch(&mut chance);
            store.writer.commit(&batch).unwrap();
            model.apply(&batch);
        }
        let end = store.reader.feed_end().unwrap();
        assert!(known.insert(end.commit), "a number is never given twice");
        store.writer.close().unwrap();
        drop(store.reader);
        let again = open(&disk);
        assert_eq!(again.reader.feed_end().unwrap(), end);
        let before = again.reader.feed(end_of(end.commit - 1), 1000).unwrap().expect("two commits are kept");
        assert_eq!((before.cursor, before.more), (end, false));
        for gone in [end_of(end.commit - 3), end_of(0), end_of(end.commit + 1)] {
            assert_eq!(again.reader.feed(gone, 1000).unwrap(), None, "{gone:?}");
        }
        drop(again);
    }
}
