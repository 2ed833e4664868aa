//! Tokens: their rows, written in the commit that makes or revokes them.
//!
//! A row is its version, hash, holder (an absent agent is the admin), label, destination, and the times of its making,
//! its end and its revocation. Invariant: a revoked token's row stays, so that nobody gets its id again.
//! Not here: the tokens themselves, which are kept nowhere.

use redb::WriteTransaction;

use super::codec::{Bytes, Put};
use super::error::{Malformed, StoreError};
use super::reader::Reader;
use super::tables::TOKENS;
use crate::access::{Actor, Destination, Grant};
use crate::engine::change::Change;

const VERSION: u8 = 1;

/// Writes the tokens of a batch.
pub(super) fn write(txn: &WriteTransaction, batch: &[Change]) -> Result<(), StoreError> {
    let grants = batch.iter().filter_map(|change| if let Change::Grant(grant) = change { Some(grant) } else { None });
    for grant in grants {
        txn.open_table(TOKENS)?.insert(grant.id.as_str(), row(grant).as_slice())?;
    }
    Ok(())
}

fn row(grant: &Grant) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.byte(VERSION);
    out.raw(&grant.hash);
    let agent = if let Actor::Agent(agent) = &grant.holder { Some(agent) } else { None };
    out.option(agent, |out, agent| out.text(agent));
    out.option(grant.label.as_deref(), |out, label| out.text(label));
    out.option(grant.destination.as_ref(), |out, to| {
        out.text(&to.gateway);
        out.text(&to.chat_id);
        out.option(to.thread.as_deref(), |out, thread| out.text(thread));
    });
    out.instant(grant.created_at);
    out.option(grant.expires_at, Put::instant);
    out.option(grant.revoked_at, Put::instant);
    out
}

/// The pair of [`row`].
pub(super) fn read(id: &str, row: &[u8]) -> Result<Grant, Malformed> {
    let bytes = &mut Bytes::new(row);
    bytes.version(VERSION)?;
    let grant = Grant {
        id: id.to_owned(),
        hash: bytes.raw(32)?.try_into().unwrap_or_default(),
        holder: bytes.option(Bytes::string)?.map_or(Actor::Admin, Actor::Agent),
        label: bytes.option(Bytes::string)?,
        destination: bytes.option(|bytes| {
            let gateway = bytes.string()?;
            let chat_id = bytes.string()?;
            Ok(Destination { gateway, chat_id, thread: bytes.option(Bytes::string)? })
        })?,
        created_at: bytes.instant()?,
        expires_at: bytes.option(Bytes::instant)?,
        revoked_at: bytes.option(Bytes::instant)?,
    };
    bytes.end()?;
    Ok(grant)
}

impl Reader {
    /// What is kept of the token with this id.
    pub fn grant(&self, id: &str) -> Result<Option<Grant>, StoreError> {
        let disk = self.disk();
        let Some(row) = disk.open_table(TOKENS)?.get(id)? else { return Ok(None) };
        Ok(Some(read(id, row.value()).map_err(|why| why.in_row("tokens", id))?))
    }

    /// What is kept of every token, by id.
    pub fn grants(&self) -> Result<Vec<Grant>, StoreError> {
        let mut grants = Vec::new();
        for row in self.disk().open_table(TOKENS)?.range::<&str>(..)? {
            let (id, row) = row?;
            grants.push(read(id.value(), row.value()).map_err(|why| why.in_row("tokens", id.value()))?);
        }
        Ok(grants)
    }
}
