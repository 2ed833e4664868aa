//! What is done about dead letters: one, or all that fit, tried again or taken off the list.
//!
//! All that fit are taken oldest due first, so that a chat gets them in the order in which they were due; each is judged
//! by itself, and one that is refused hinders no other.
//! Invariant: never more than [`limits::DEAD_LETTERS_COUNT_MAX`] at once. Not here: which there are (`letters`).

use super::super::letters::Chosen;
use super::super::reply::{LetterRefused, LettersDone};
use super::Local;
use super::letters::{Asked, CANCELLED, FoundLetter, id_of};
use crate::id::OccurrenceId;
use crate::limits;
use crate::problem::Problem;
use crate::runtime::{Done, Op, OpError};
use crate::surface::error::{Code, Error};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Retry,
    Drop,
}

impl Wish {
    fn op(self, of: OccurrenceId) -> Op {
        match self {
            Self::Retry => Op::Retry(of),
            Self::Drop => Op::Drop(of),
        }
    }
}

impl Local {
    pub(super) async fn letters(&self, chosen: Chosen, wish: Wish) -> Result<LettersDone, Error> {
        check(&chosen)?;
        let (limit, dry_run) = (chosen.limit, chosen.dry_run);
        let mut done = LettersDone { dry_run, ..LettersDone::default() };
        if wish == Wish::Retry && !dry_run {
            done.warnings = self.warnings(Vec::new());
        }
        let Some(id) = chosen.id.clone() else {
            let (found, more) = self.reading(move |local| local.all_letters(&chosen, limit)).await?;
            done.more = more;
            for some in found.chunks(limits::PAGE_ROWS_MAX) {
                self.do_all(some, wish, &mut done).await?;
            }
            return Ok(done);
        };
        let found = self.reading(move |local| local.find_letter(&id)).await?;
        if wish == Wish::Retry {
            self.permit_again(&found.schedule)?;
        }
        if dry_run {
            self.try_out(&found, wish, &mut done)?;
        } else {
            let told = self.ask(wish.op(found.of)).await.map_err(refused)?;
            done.note(&found, &told);
        }
        match done.refused.pop() {
            Some(LetterRefused { why, .. }) => Err(Error::new(Code::Conflict, why)),
            None => Ok(done),
        }
    }

    /// Those that fit, oldest due first, and whether there are more.
    fn all_letters(&self, chosen: &Chosen, limit: Option<usize>) -> Result<(Vec<FoundLetter>, bool), Error> {
        let most = limit.unwrap_or(limits::DEAD_LETTERS_COUNT_MAX).min(limits::DEAD_LETTERS_COUNT_MAX);
        let Chosen { agent, schedule, gateway, since, .. } = chosen;
        let (agent, schedule) = (agent.as_deref(), schedule.as_deref());
        let asked = Asked { agent, schedule, gateway: gateway.as_deref(), since: since.as_deref() };
        let filter = self.filter(&asked)?;
        let reader = self.handle.reader();
        let (mut found, mut before, mut is_cut) = (Vec::new(), None, false);
        loop {
            let left = (most - found.len()).min(limits::PAGE_ROWS_MAX);
            let page = reader.dead_letters(&filter, left, before)?;
            for run in page.runs {
                let of = run.occurrence;
                if let Some((declared, schedule)) = reader.schedule(of.schedule)? {
                    found.push(FoundLetter { of, declared, schedule, run });
                }
            }
            before = page.next;
            is_cut |= page.cut;
            if before.is_none() || found.len() >= most {
                break;
            }
        }
        found.reverse();
        Ok((found, before.is_some() || is_cut))
    }

    async fn do_all(&self, some: &[FoundLetter], wish: Wish, done: &mut LettersDone) -> Result<(), Error> {
        if done.dry_run {
            return some.iter().try_for_each(|one| self.try_out(one, wish, done));
        }
        let is_permitted = |one: &&FoundLetter| wish == Wish::Drop || self.permit_again(&one.schedule).is_ok();
        let (some, forbidden): (Vec<_>, Vec<_>) = some.iter().partition(is_permitted);
        for one in forbidden {
            done.refuse(one, FORBIDDEN.to_owned());
        }
        let ops = some.iter().map(|one| wish.op(one.of)).collect();
        for (told, one) in self.handle.ask_all_by(self.by(), ops).await.into_iter().zip(some) {
            match told {
                Ok(told) => done.note(one, &told),
                Err(error @ (OpError::Busy | OpError::Stopped(_) | OpError::Store(_))) => return Err(error.into()),
                Err(error) => done.refuse(one, refused(error).message),
            }
        }
        Ok(())
    }

    /// What would become of it.
    fn try_out(&self, one: &FoundLetter, wish: Wish, done: &mut LettersDone) -> Result<(), Error> {
        match (wish, self.prospect(one)?) {
            (Wish::Retry, Err(why)) => done.refuse(one, why),
            (Wish::Drop, _) if !one.run.is_given_up() => {
                done.refuse(one, crate::runtime::NoRetry::NotDead.to_string());
            }
            (Wish::Drop, _) | (Wish::Retry, Ok(_)) => done.add(one),
        }
        Ok(())
    }
}

/// Why a dead letter of an agent is not tried again.
const FORBIDDEN: &str = "its agent might not declare its schedule today; `dead-letters retry` of it alone tells why";

impl LettersDone {
    fn add(&mut self, one: &FoundLetter) {
        self.count += 1;
        if self.ids.len() < limits::PAGE_ROWS_MAX {
            self.ids.push(id_of(&one.schedule, one.of));
        }
    }

    fn note(&mut self, one: &FoundLetter, told: &Done) {
        if matches!(told, Done::Unchanged(..)) {
            self.refuse(one, "it was dropped already".to_owned());
        } else {
            self.add(one);
        }
    }

    fn refuse(&mut self, one: &FoundLetter, why: String) {
        self.refused_count += 1;
        if self.refused.len() < limits::PAGE_ROWS_MAX {
            self.refused.push(LetterRefused { id: id_of(&one.schedule, one.of), why });
        }
    }
}

fn refused(error: OpError) -> Error {
    match error {
        OpError::Ended(_) => Error::new(Code::Conflict, CANCELLED),
        other => other.into(),
    }
}

/// Whether what is asked for can be meant.
fn check(chosen: &Chosen) -> Result<(), Error> {
    let Chosen { id, all, agent, schedule, gateway, since, limit, .. } = chosen;
    let is_narrowed = [agent, schedule, gateway, since].iter().any(|text| text.is_some()) || limit.is_some();
    let problem = match (id, all) {
        (None, false) => Problem::new("id", "is missing").hint("the id of a dead letter, or all"),
        (Some(_), true) => Problem::new("all", "stands beside an id").hint("give one of the two"),
        (Some(_), false) if is_narrowed => {
            Problem::new("id", "stands beside a filter").hint("filters go with all; an id needs none")
        }
        (None, true) if *limit == Some(0) => Problem::new("limit", "is out of range").value("0").hint("1 or more"),
        (Some(_), false) | (None, true) => return Ok(()),
    };
    Err(Error::bad_input(problem))
}
