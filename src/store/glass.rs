//! A file seen through glass: whatever is written stays on the glass, and the file is never touched.
//!
//! redb repairs what a crash left when it opens a file, and checks every page by rebuilding what it knows; both
//! write. A file that is only to be judged is opened on this instead.
//! Units: blocks of 4 KiB are kept, those that were written. Invariant: the file is opened for reading only.
//! Not here: judging (`verify`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

const BLOCK: u64 = 4096;

/// A storage that reads a file and keeps writes to itself.
#[derive(Debug)]
pub(super) struct Glass(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    file: File,
    /// Bytes of the file that are still seen; shorter than the file once the storage was cut.
    seen: u64,
    len: u64,
    written: BTreeMap<u64, Box<[u8]>>,
}

impl Glass {
    pub(super) fn over(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self(Mutex::new(Inner { file, seen: len, len, written: BTreeMap::new() })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Fills `out` from the file; what lies beyond its end is zero.
    fn read_file(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = self.seen.saturating_sub(offset).min(out.len() as u64) as usize;
        out[there..].fill(0);
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(&mut out[..there])
    }

    fn read_block(&mut self, number: u64) -> io::Result<Box<[u8]>> {
        let mut block = vec![0; BLOCK as usize].into_boxed_slice();
        self.read_file(number * BLOCK, &mut block)?;
        Ok(block)
    }
}

/// The part of block `number` that lies in `offset..offset + len`, as a range of the block and its place in the data.
fn part(number: u64, offset: u64, len: usize) -> (std::ops::Range<usize>, usize) {
    let start = offset.max(number * BLOCK);
    let end = (offset + len as u64).min((number + 1) * BLOCK);
    ((start - number * BLOCK) as usize..(end - number * BLOCK) as usize, (start - offset) as usize)
}

impl StorageBackend for Glass {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inner().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut inner = self.inner();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > inner.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        inner.read_file(offset, out)?;
        if out.is_empty() {
            return Ok(());
        }
        let last = (offset + out.len() as u64 - 1) / BLOCK;
        for (&number, block) in inner.written.range(offset / BLOCK..=last) {
            let (range, at) = part(number, offset, out.len());
            out[at..at + range.len()].copy_from_slice(&block[range]);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut inner = self.inner();
        if len < inner.len {
            let beyond = inner.written.split_off(&(len / BLOCK));
            if let Some(mut edge) = beyond.into_iter().find(|(number, _)| *number == len / BLOCK) {
                edge.1[(len % BLOCK) as usize..].fill(0);
                inner.written.insert(edge.0, edge.1);
            }
            inner.seen = inner.seen.min(len);
        }
        inner.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let mut inner = self.inner();
        for number in offset / BLOCK..=(offset + data.len() as u64 - 1) / BLOCK {
            let mut block = match inner.written.remove(&number) {
                Some(block) => block,
                None => inner.read_block(number)?,
            };
            let (range, at) = part(number, offset, data.len());
            let len = range.len();
            block[range].copy_from_slice(&data[at..at + len]);
            inner.written.insert(number, block);
        }
        Ok(())
    }
}
