//! What a heartbeat file declares is applied, beside the schedules of other files.
//!
//! Invariant: an id that another file declares stays that file's, or each of the two would change it back for ever.
//! Not here: reading the file (`heartbeat`), applying (`apply`).

use super::super::reply::Applied;
use super::Local;
use crate::access::Via;
use crate::id::ScheduleKey;
use crate::runtime::Op;
use crate::surface::error::Error;
use crate::surface::heartbeat::SOURCE;
use crate::surface::import::{Brought, Omission};
use crate::surface::ops::Caller;

/// With this begin the names of files that `chimewheel import heartbeat` brought.
const IMPORTED: &str = "heartbeat:";

impl Local {
    /// Applies what the configured heartbeat file declares, and cancels what it declares no more. What was refused before
    /// it came to that is told with it.
    pub async fn apply_heartbeat(&self, brought: Brought) -> Result<(Brought, Applied), Error> {
        let local = self.called_by(&Caller::Admin, "apply").by_way_of(Via::Files);
        let (own, imported) = local.reading(move |local| local.own_of(brought)).await?;
        for key in imported {
            local.ask(Op::Prune(key)).await?;
        }
        // What is refused and has no id may be any of those that were declared before.
        let prune = own.refused.iter().all(|omission| omission.id.is_some());
        let applied = local.apply_request(own.request(SOURCE, prune, false)).await?;
        Ok((own, applied))
    }

    /// The same without what other files declare; and what an import of such a file brought, which is this one's from now
    /// on and has to change hands. What was pruned is nobody's.
    fn own_of(&self, mut brought: Brought) -> Result<(Brought, Vec<ScheduleKey>), Error> {
        let reader = self.handle.reader();
        let (mut own, mut imported) = (Vec::new(), Vec::new());
        for item in brought.items {
            let key = reader.key_of(item.id())?;
            let known = key.map(|key| reader.schedule(key)).transpose()?.flatten();
            let source = known.as_ref().and_then(|(_, schedule)| schedule.source.as_ref());
            let source = source.filter(|source| source.content.is_some());
            let other = source.filter(|source| !source.file.starts_with(&format!("{SOURCE}/")));
            match (other, key) {
                (None, _) => own.push(item),
                (Some(source), Some(key)) if source.file.starts_with(IMPORTED) => {
                    let is_live = reader.state(key)?.is_some_and(|state| !state.status.is_over());
                    imported.extend(is_live.then_some(key));
                    own.push(item);
                }
                (Some(source), _) => {
                    let why = format!("its id is the one of a schedule in {}; give it another name", source.file);
                    brought.refused.push(Omission { id: Some(item.id().to_owned()), at: item.at, why });
                }
            }
        }
        Ok((Brought { items: own, ..brought }, imported))
    }
}
