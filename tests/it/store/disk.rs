//! A disk that forgets what was not synced, and that stops at a chosen operation.
//!
//! After the crash an image is made of what was synced and of a random part of the rest, in 512-byte sectors. A
//! file made longer without a sync may be short again. Reads do not count as operations. It can also be full for a
//! while, or fail once and go on.

use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use super::chance::Chance;

const SECTOR: usize = 512;

#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Op>,
    ops: u64,
    crash_at: Option<u64>,
    crashed: bool,
    fail_at: Option<u64>,
    full: bool,
}

#[derive(Debug)]
enum Op {
    Write(usize, Vec<u8>),
    Len(usize),
}

/// How much of the unsynced survives.
#[derive(Clone, Copy, Debug)]
pub enum Survivors {
    None,
    All,
    Some,
}

impl Disk {
    pub fn of(image: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().live = image.clone();
        disk.0.lock().unwrap().durable = image;
        disk
    }

    /// Lets `ops` more operations pass; the one after them, and all later ones, fail.
    pub fn crash_after(&self, ops: u64) {
        let mut inner = self.0.lock().unwrap();
        inner.crash_at = Some(inner.ops + ops);
    }

    /// Lets `ops` more operations pass; the one after them fails, later ones do not.
    pub fn fail_after(&self, ops: u64) {
        let mut inner = self.0.lock().unwrap();
        inner.fail_at = Some(inner.ops + ops);
    }

    /// Takes back what was told to fail.
    pub fn fail_never(&self) {
        let mut inner = self.0.lock().unwrap();
        (inner.fail_at, inner.crash_at) = (None, None);
    }

    /// A full disk does not let the file grow.
    pub fn set_full(&self, full: bool) {
        self.0.lock().unwrap().full = full;
    }

    /// The bytes as another process of the same machine sees them.
    pub fn image(&self) -> Vec<u8> {
        self.0.lock().unwrap().live.clone()
    }

    pub fn ops(&self) -> u64 {
        self.0.lock().unwrap().ops
    }

    /// The bytes as the crash may leave them.
    pub fn image_after_crash(&self, survivors: Survivors, chance: &mut Chance) -> Vec<u8> {
        let inner = self.0.lock().unwrap();
        let mut image = inner.durable.clone();
        for op in &inner.unsynced {
            let mut survives = || match survivors {
                Survivors::None => false,
                Survivors::All => true,
                Survivors::Some => chance.one_in(2),
            };
            match op {
                Op::Len(len) if survives() => image.resize(*len, 0),
                Op::Len(_) => {}
                Op::Write(at, data) => {
                    for (number, sector) in data.chunks(SECTOR).enumerate() {
                        let at = at + number * SECTOR;
                        if at + sector.len() <= image.len() && survives() {
                            image[at..at + sector.len()].copy_from_slice(sector);
                        }
                    }
                }
            }
        }
        image
    }
}

impl Inner {
    /// Counts an operation; the one at which the disk stops is still on its way, so it may survive in part.
    fn count(&mut self, op: Option<Op>) -> io::Result<()> {
        if self.crashed {
            return Err(io::Error::other("the disk is gone"));
        }
        if self.fail_at == Some(self.ops) {
            self.fail_at = None;
            return Err(io::Error::other("input/output error"));
        }
        self.unsynced.extend(op);
        if self.crash_at == Some(self.ops) {
            self.crashed = true;
            return Err(io::Error::other("the disk stops here"));
        }
        self.ops += 1;
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.0.lock().unwrap();
        let at = offset as usize;
        let Some(bytes) = inner.live.get(at..at + out.len()) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        if inner.full && len as usize > inner.live.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        inner.count(Some(Op::Len(len as usize)))?;
        inner.live.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        inner.count(None)?;
        for op in std::mem::take(&mut inner.unsynced) {
            match op {
                Op::Len(len) => inner.durable.resize(len, 0),
                Op::Write(at, data) => inner.durable[at..at + data.len()].copy_from_slice(&data),
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        let at = offset as usize;
        inner.count(Some(Op::Write(at, data.to_vec())))?;
        inner.live[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }
}
