//! Who changed what, and processes that have ended.
//!
//! Invariant: an agent is told of its own requests only.
//! Not here: when a record is made (`runtime/books`).

use super::super::books::{Audit, AuditLine, Audited, ProcessEnded, ProcessExited};
use super::super::reply::Instant;
use super::super::request::Selector;
use super::{AGENT_DEFAULT, Local, view};
use crate::access::{Actor, Record};
use crate::limits;
use crate::problem::Problem;
use crate::runtime::{Done, Op, OpError};
use crate::store::AuditCursor;
use crate::surface::error::Error;

/// Records that are shown when nobody says how many.
const RECORDS_DEFAULT: usize = 50;

impl Local {
    pub(super) fn audit(&self, asked: &Audit) -> Result<Audited, Error> {
        let limit = view::limit(asked.limit, RECORDS_DEFAULT)?;
        let agent = self.agent_of(asked.agent.as_deref());
        let schedule = match &asked.schedule {
            // Whose schedule it is, is another question than who changed it.
            Some(schedule) => {
                Some(self.find(&Selector { schedule: schedule.clone(), agent: None, generation: None })?.key)
            }
            None => None,
        };
        let wanted = |record: &Record| {
            let by = agent.is_none_or(|agent| matches!(&record.actor, Actor::Agent(actor) if actor == agent));
            by && schedule.is_none_or(|key| record.changed.has(key))
        };
        let before = asked.cursor.as_deref().map(read_cursor).transpose()?;
        let records = self.handle.reader().audit(before, limit, wanted)?;
        let last = records.last().filter(|_| records.len() == limit).map(|(place, _)| *place);
        let cursor = last.map(|AuditCursor { at_ms, number }| format!("{at_ms}.{number}"));
        let lines = records.iter().map(|(_, record)| self.line(record)).collect::<Result<_, _>>()?;
        Ok(Audited { records: lines, cursor })
    }

    fn line(&self, record: &Record) -> Result<AuditLine, Error> {
        let mut schedules = Vec::new();
        for key in record.changed.keys().take(limits::AUDIT_IDS_COUNT_MAX) {
            schedules.extend(self.handle.reader().schedule(key)?.map(|(_, schedule)| schedule.id.to_string()));
        }
        Ok(AuditLine {
            at: Instant(record.at),
            agent: if let Actor::Agent(agent) = &record.actor { Some(agent.clone()) } else { None },
            session: record.session.clone(),
            via: record.via.word().to_owned(),
            operation: record.operation.clone(),
            count: record.changed.count,
            schedules,
            token: record.token.clone(),
            conversation: record.conversation.map(|session| session.to_string()),
        })
    }

    pub(super) async fn process_exited(&self, exited: ProcessExited) -> Result<ProcessEnded, Error> {
        let ProcessExited { handle, agent } = exited;
        let agent = self.agent_of(agent.as_deref()).unwrap_or(AGENT_DEFAULT).to_owned();
        let named = handle.clone();
        let live = self.reading(move |local| {
            let reader = local.handle.reader();
            let mut live = Vec::new();
            for key in reader.keys_of_process(&agent, &named)? {
                if let (Some(state), Some((_, schedule))) = (reader.state(key)?, reader.schedule(key)?)
                    && !state.status.is_over()
                {
                    live.push((key, schedule.id.to_string()));
                }
            }
            Ok(live)
        });
        let mut ended = ProcessEnded { handle, ..ProcessEnded::default() };
        for some in live.await?.chunks(limits::PAGE_ROWS_MAX) {
            let ops = some.iter().map(|(key, _)| Op::Cancel(*key)).collect();
            for (done, (_, id)) in self.handle.ask_all_by(self.by(), ops).await.into_iter().zip(some) {
                match done {
                    Ok(Done::Changed(..)) => {
                        ended.cancelled += 1;
                        if ended.schedules.len() < limits::PAGE_ROWS_MAX {
                            ended.schedules.push(id.clone());
                        }
                    }
                    // It ended by itself meanwhile.
                    Ok(_) | Err(OpError::Ended(_) | OpError::NotFound) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(ended)
    }
}

fn read_cursor(text: &str) -> Result<AuditCursor, Error> {
    let read = || {
        let (at_ms, number) = text.split_once('.')?;
        Some(AuditCursor { at_ms: at_ms.parse().ok()?, number: number.parse().ok()? })
    };
    read().ok_or_else(|| Error::bad_input(Problem::new("cursor", "is not one of ours").value(text)))
}
