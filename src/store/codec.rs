//! The bytes of a row: whole numbers of variable length, texts, and a reader that never panics.
//!
//! A number below 128 takes one byte, each further seven bits another one; signed numbers are zigzagged first. A
//! text is its length and its bytes. An option is 0, or 1 and the value.
//! Invariant: whatever the bytes, [`Bytes`] answers with a value or with [`Malformed`], and reads no byte twice.
//! Not here: what the rows hold (`row`, `declaration`, `journal`).

use super::error::Malformed;
use crate::time::{Span, Timestamp};

/// Writes rows: the pairs of what [`Bytes`] reads.
pub(super) trait Put {
    fn byte(&mut self, value: u8);
    fn raw(&mut self, bytes: &[u8]);

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)) as u64);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.raw(text.as_bytes());
    }

    fn instant(&mut self, at: Timestamp) {
        self.signed(at.as_millis());
    }

    fn span(&mut self, span: Span) {
        self.number(span.as_millis());
    }

    fn option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                put(self, value);
            }
        }
    }
}

impl Put for Vec<u8> {
    fn byte(&mut self, value: u8) {
        self.push(value);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Reads a row from its first byte to its last.
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

type Read<T> = Result<T, Malformed>;

impl<'a> Bytes<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.all.len()
    }

    pub(super) fn wrong<T>(&self, what: impl Into<String>) -> Read<T> {
        Err(Malformed { at: self.at, what: what.into() })
    }

    /// Ends the reading: nothing may be left.
    pub(super) fn end(&self) -> Read<()> {
        if self.is_empty() { Ok(()) } else { self.wrong("more bytes than the row has fields") }
    }

    /// The version byte that each row begins with.
    pub(super) fn version(&mut self, newest: u8) -> Read<u8> {
        let version = self.byte()?;
        if version == 0 || version > newest {
            return self.wrong(format!("row version {version}, known are 1 to {newest}"));
        }
        Ok(version)
    }

    pub(super) fn byte(&mut self) -> Read<u8> {
        let Some(&byte) = self.all.get(self.at) else { return self.wrong("the row ends too early") };
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn raw(&mut self, len: usize) -> Read<&'a [u8]> {
        let Some(bytes) = self.at.checked_add(len).and_then(|end| self.all.get(self.at..end)) else {
            return self.wrong("the row ends too early");
        };
        self.at += len;
        Ok(bytes)
    }

    pub(super) fn number(&mut self) -> Read<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                return self.wrong("a number beyond 64 bits");
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        self.wrong("a number beyond 64 bits")
    }

    pub(super) fn signed(&mut self) -> Read<i64> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number that fits the narrower type asked for.
    pub(super) fn narrow<T: TryFrom<u64>>(&mut self) -> Read<T> {
        let value = self.number()?;
        match T::try_from(value) {
            Ok(value) => Ok(value),
            Err(_) => self.wrong(format!("number {value} is too large")),
        }
    }

    pub(super) fn text(&mut self) -> Read<&'a str> {
        let len = self.narrow::<usize>()?;
        match std::str::from_utf8(self.raw(len)?) {
            Ok(text) => Ok(text),
            Err(_) => self.wrong("a text that is not UTF-8"),
        }
    }

    pub(super) fn string(&mut self) -> Read<String> {
        self.text().map(str::to_owned)
    }

    pub(super) fn instant(&mut self) -> Read<Timestamp> {
        self.signed().map(Timestamp::from_millis)
    }

    pub(super) fn span(&mut self) -> Read<Span> {
        self.number().map(Span::from_millis)
    }

    pub(super) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            other => self.wrong(format!("{other} where an option begins")),
        }
    }
}
