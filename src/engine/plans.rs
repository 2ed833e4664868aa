//! Plans, shared: equal ones are kept once and counted.
//!
//! A million schedules with a handful of patterns hold a handful of plans.
//! Invariant: a plan's number is given away again only after its last user has let go.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::calendar::Trigger;
use crate::config::Routing;
use crate::engine::change::{ConversationId, Maker, Plan, PlanId};
use crate::id::stable_hash;
use crate::spec::{OverlapPolicy, Payload, Policy, RunSession, Schedule};
use crate::time::Timestamp;

/// Stands where the name of a provider would, for what scripts alone make, and for literal texts that are only cut; no
/// provider can be called that.
pub(super) const SCRIPTS: &str = "(scripts)";

/// Every plan in use.
#[derive(Default)]
pub(super) struct Plans {
    rows: Vec<Option<Row>>,
    free: Vec<PlanId>,
    by_content: HashTable<PlanId>,
    hasher: DefaultHashBuilder,
    added: Vec<(PlanId, Arc<Plan>)>,
    dropped: Vec<PlanId>,
    routing: Arc<Routing>,
}

struct Row {
    plan: Arc<Plan>,
    gateway: Option<Arc<str>>,
    provider: Option<Arc<str>>,
    hash: u64,
    users: u64,
}

impl Plans {
    /// None yet; models are chosen by this.
    pub(super) fn new(routing: Arc<Routing>) -> Self {
        Self { routing, ..Self::default() }
    }

    /// The number of this plan, with one more user.
    pub(super) fn take(&mut self, plan: Plan) -> PlanId {
        let hash = self.hash(&plan);
        if let Some(&id) = self.by_content.find(hash, |id| self.get(*id).is_some_and(|known| alike(known, &plan))) {
            self.retain(id);
            return id;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            PlanId(u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX))
        });
        let plan = Arc::new(plan);
        self.put(id, Arc::clone(&plan), hash, 1);
        self.dropped.retain(|dropped| *dropped != id);
        self.added.push((id, plan));
        id
    }

    /// A plan read back from the store, without users yet.
    pub(super) fn restore(&mut self, id: PlanId, plan: Plan) {
        while self.rows.len() <= id.0 as usize {
            self.rows.push(None);
        }
        let hash = self.hash(&plan);
        self.put(id, Arc::new(plan), hash, 0);
    }

    /// Forgets restored plans without users and finds the free numbers.
    pub(super) fn finish_restoring(&mut self) {
        for place in 0..self.rows.len() {
            let id = PlanId(place as u32);
            match &self.rows[place] {
                Some(row) if row.users == 0 => self.drop_row(id),
                Some(_) => {}
                None => self.free.push(id),
            }
        }
    }

    /// One user more.
    pub(super) fn retain(&mut self, id: PlanId) {
        if let Some(Some(row)) = self.rows.get_mut(id.0 as usize) {
            row.users += 1;
        }
    }

    /// One user less.
    pub(super) fn release(&mut self, id: PlanId) {
        if let Some(Some(row)) = self.rows.get_mut(id.0 as usize) {
            row.users = row.users.saturating_sub(1);
            if row.users == 0 {
                self.drop_row(id);
            }
        }
    }

    pub(super) fn get(&self, id: PlanId) -> Option<&Arc<Plan>> {
        self.rows.get(id.0 as usize)?.as_ref().map(|row| &row.plan)
    }

    /// The gateway's name, shared.
    pub(super) fn gateway(&self, id: PlanId) -> Option<Arc<str>> {
        self.rows.get(id.0 as usize)?.as_ref()?.gateway.clone()
    }

    /// The name of the provider that makes its texts, shared; [`SCRIPTS`] where a script alone does.
    pub(super) fn provider(&self, id: PlanId) -> Option<Arc<str>> {
        self.rows.get(id.0 as usize)?.as_ref()?.provider.clone()
    }

    /// Whose open occurrences a new one would stand beside: those of its gateway, or of all runs that are not sent.
    pub(super) fn counted_with(&self, id: PlanId) -> Option<Arc<str>> {
        self.gateway(id).or_else(|| self.provider(id).map(|_| Arc::default()))
    }

    pub(super) fn take_added(&mut self) -> Vec<(PlanId, Arc<Plan>)> {
        std::mem::take(&mut self.added)
    }

    pub(super) fn take_dropped(&mut self) -> Vec<PlanId> {
        std::mem::take(&mut self.dropped)
    }

    fn put(&mut self, id: PlanId, plan: Arc<Plan>, hash: u64, users: u64) {
        let gateway = plan.gateway.as_deref().map(Arc::from);
        let provider = plan.maker.as_ref().map(|maker| Arc::from(self.routed(maker)));
        self.rows[id.0 as usize] = Some(Row { plan, gateway, provider, hash, users });
        let rows = &self.rows;
        let hash_of = |id: &PlanId| rows[id.0 as usize].as_ref().map_or(0, |row| row.hash);
        self.by_content.insert_unique(hash, id, hash_of);
    }

    fn routed<'a>(&'a self, maker: &'a Maker) -> &'a str {
        match maker {
            Maker::Script => SCRIPTS,
            Maker::Model(model) => self.routing.provider(Some(model), ""),
            Maker::UsualModel(agent) => self.routing.provider(None, agent),
        }
    }

    fn drop_row(&mut self, id: PlanId) {
        if let Some(row) = self.rows[id.0 as usize].take() {
            if let Ok(found) = self.by_content.find_entry(row.hash, |known| *known == id) {
                found.remove();
            }
            self.free.push(id);
            if let Some(place) = self.added.iter().position(|(added, _)| *added == id) {
                self.added.remove(place);
            } else {
                self.dropped.push(id);
            }
        }
    }
}

/// What a schedule's decisions depend on, its instants taken out.
pub(super) fn plan_of(schedule: &Schedule) -> Plan {
    let trigger = match &schedule.trigger {
        Trigger::At(_) => Trigger::At(Timestamp::EPOCH),
        Trigger::Every { period, .. } => Trigger::Every { period: *period, anchor: Timestamp::EPOCH },
        Trigger::Cron(cron) => Trigger::Cron(Arc::clone(cron)),
    };
    let mut bounds = schedule.bounds;
    if let Trigger::Every { anchor, .. } = schedule.trigger
        && anchor > schedule.created_at
    {
        // The row keeps the grid but not where it begins; a clock set back must not find dues before that.
        bounds.start_at = bounds.start_at.max(Some(anchor));
    }
    Plan {
        trigger,
        bounds,
        except: schedule.except.clone(),
        policy: match schedule.literal() {
            // All that its run does is to cut it, which is no reason to leave out a due.
            Some(_) => Policy { overlap: OverlapPolicy::BufferAll, ..schedule.policy },
            None => schedule.policy,
        },
        gateway: schedule.destination.as_ref().map(|destination| destination.gateway.clone()),
        maker: match &schedule.payload {
            Payload::Message(_) => schedule.is_run().then_some(Maker::Script),
            Payload::Template(_) => Some(Maker::Script),
            Payload::Task(task) => Some(match &task.model {
                Some(model) => Maker::Model(model.clone()),
                None => Maker::UsualModel(schedule.agent.clone()),
            }),
        },
        converses: conversation_of(schedule),
    }
}

/// The conversation that a schedule's runs know.
fn conversation_of(schedule: &Schedule) -> Option<ConversationId> {
    let knows = matches!(&schedule.payload, Payload::Task(task) if task.session == RunSession::Conversation);
    let to = schedule.destination.as_ref().filter(|_| knows)?;
    let thread = to.thread.as_deref().unwrap_or_default();
    let hash = stable_hash(&[&to.gateway, &to.chat_id, thread, &schedule.agent]);
    Some(ConversationId((hash >> 64) as u64))
}

/// Whether two plans decide alike.
fn alike(one: &Plan, other: &Plan) -> bool {
    let triggers = match (&one.trigger, &other.trigger) {
        (Trigger::At(_), Trigger::At(_)) => true,
        (Trigger::Every { period: one, .. }, Trigger::Every { period: other, .. }) => one == other,
        (Trigger::Cron(one), Trigger::Cron(other)) => {
            Arc::ptr_eq(one, other)
                || (one.dialect(), one.zone(), one.text()) == (other.dialect(), other.zone(), other.text())
        }
        (_, _) => false,
    };
    triggers
        && one.converses == other.converses
        && (one.bounds, one.policy, &one.gateway, &one.maker, &one.except)
            == (other.bounds, other.policy, &other.gateway, &other.maker, &other.except)
}

impl Plans {
    /// A number that plans share when they decide alike.
    fn hash(&self, plan: &Plan) -> u64 {
        let mut hash = self.hasher.build_hasher();
        match &plan.trigger {
            Trigger::At(_) => 0_u8.hash(&mut hash),
            Trigger::Every { period, .. } => period.hash(&mut hash),
            Trigger::Cron(cron) => (cron.text(), cron.dialect(), cron.zone()).hash(&mut hash),
        }
        plan.except.as_ref().map(|except| (except.zone(), except.texts())).hash(&mut hash);
        (plan.bounds, plan.policy, &plan.gateway, &plan.maker, plan.converses).hash(&mut hash);
        hash.finish()
    }
}
