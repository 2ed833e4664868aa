//! Seeded chance, and schedules, states and runs made from it.
//!
//! Source: splitmix64.

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::calendar::{Cron, DialectChoice, Except, Trigger, Zone};
use chimewheel::engine::change::{
    Cause, Change, ConversationId, DueRange, Execution, LaneId, Maker, Outcome, OutcomeKind, Phase, Plan, PlanId,
    Retried, Run, SkipReason, Spread, State, Status,
};
use chimewheel::id::{OccurrenceId, ScheduleId, ScheduleKey};
use chimewheel::money::{Cost, Spent};
use chimewheel::spec::{
    Bounds, Budget, DeliveryGuarantee, Destination, MisfirePolicy, OnHookError, OverlapPolicy, Payload, Policy,
    RetryPolicy, RunSession, Schedule, Silence, Source, Talk, Task, Tokens,
};
use chimewheel::time::{Span, Timestamp};

const SPENT: Spent = Spent { cost: Cost::from_micros(1_234_567), tokens: 300 };

/// The first due of anything here: 2026-01-01.
pub const START: i64 = 1_767_225_600_000;
/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number that leaves the sequence as it is. What format 1 did not know is drawn with it, so that the history of
    /// the sample is still made of the same numbers; `as_of_format_1` takes it out again.
    pub fn aside(&self, end: u64) -> u64 {
        Self(!self.0).below(end)
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.one_in(2) { Some(make(self)) } else { None }
    }

    pub fn instant(&mut self) -> Timestamp {
        Timestamp::from_millis(START + self.below(3 * DAY as u64) as i64)
    }

    fn span(&mut self) -> Span {
        Span::from_millis(self.below(10_000_000))
    }

    fn word(&mut self) -> String {
        self.pick(&["", "a", "über", "two words", "line\nbreak", "\u{0}", "x"]).to_owned()
    }

    fn zone(&mut self) -> Zone {
        Zone::parse(self.pick(&["UTC", "Europe/Berlin", "America/New_York"])).unwrap()
    }

    pub fn trigger(&mut self) -> Trigger {
        match self.below(4) {
            0 => Trigger::At(self.instant()),
            1 => Trigger::Every { period: self.span(), anchor: self.instant() },
            2 => {
                let text = self.pick(&["0 9 * * MON-FRI", "*/5 * * * *", "30 2 * * *"]);
                Trigger::Cron(Arc::new(Cron::parse(text, DialectChoice::Unix, self.zone()).unwrap()))
            }
            _ => {
                let text = self.pick(&["0 0 9 ? * MON-FRI", "0 0/5 * * * ?"]);
                Trigger::Cron(Arc::new(Cron::parse(text, DialectChoice::Quartz, self.zone()).unwrap()))
            }
        }
    }

    fn bounds(&mut self) -> Bounds {
        Bounds {
            start_at: self.maybe(Self::instant),
            end_at: self.maybe(Self::instant),
            max_runs: self.maybe(|c| c.next() as u32),
        }
    }

    fn policy(&mut self) -> Policy {
        Policy {
            jitter: self.span(),
            misfire: self.pick(&[MisfirePolicy::FireOnce, MisfirePolicy::Skip, MisfirePolicy::FireAll]),
            catchup_window: self.pick(&[Span::ZERO, Span::MAX, Span::from_seconds(60)]),
            overlap: self.pick(&[
                OverlapPolicy::Skip,
                OverlapPolicy::BufferOne,
                OverlapPolicy::BufferAll,
                OverlapPolicy::CancelOther,
                OverlapPolicy::AllowAll,
            ]),
            retry: RetryPolicy {
                max_attempts: self.next() as u16,
                max_age: self.span(),
                backoff_min: self.span(),
                backoff_max: self.span(),
            },
            delivery: self.pick(&[DeliveryGuarantee::AtLeastOnce, DeliveryGuarantee::AtMostOnce]),
            pause_after: [None, Some(0), Some(1), Some(u16::MAX)][self.aside(4) as usize],
        }
    }

    fn except(&self) -> Option<Except> {
        let texts: &[&str] = [&[][..], &["2026-12-24"], &["SAT,SUN", "22:00-07:00"]][self.aside(3) as usize];
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        (!texts.is_empty()).then(|| Except::read(&texts, Zone::UTC).unwrap())
    }

    pub fn plan(&mut self) -> Plan {
        let (trigger, bounds, except, policy) = (self.trigger(), self.bounds(), self.except(), self.policy());
        let gateway: Option<String> = self.maybe(Self::word);
        Plan {
            trigger,
            bounds,
            except,
            policy,
            converses: gateway
                .as_ref()
                .filter(|gateway| gateway.len() % 3 == 1)
                .map(|gateway| ConversationId(u64::MAX - gateway.len() as u64)),
            gateway,
            maker: [None, Some(Maker::Script), Some(Maker::UsualModel("ada".to_owned()))][self.aside(3) as usize]
                .clone(),
            expect_every: self.expected(),
        }
    }

    fn expected(&self) -> Option<Span> {
        [None, Some(Span::from_seconds(93_600))][self.aside(2) as usize]
    }

    /// A schedule whose id says its key; names and tokens come from small pools, so that they clash.
    pub fn schedule(&mut self, key: u64) -> Schedule {
        let agent = self.pick(&["ada", "bob", "cy"]).to_owned();
        let mut vars = BTreeMap::new();
        for _ in 0..self.below(3) {
            vars.insert(self.word(), self.pick(&[serde_json::json!({"a": [1, null, "x"]}), serde_json::json!(-5)]));
        }
        Schedule {
            id: ScheduleId::parse(&format!("s{}-{key}", key.wrapping_mul(7919) % 1000)).unwrap(),
            name: self.maybe(|c| c.pick(&["standup", "mail", "n1", "n2", "n3"]).to_owned()),
            agent,
            created_by_session: self.maybe(Self::word),
            created_at: self.instant(),
            zone: self.zone(),
            destination: self.maybe(|c| Destination {
                gateway: "console".to_owned(),
                chat_id: c.word(),
                thread: c.maybe(Self::word),
            }),
            trigger: self.trigger(),
            payload: match (self.aside(3), self.word()) {
                (0, instruction) => Payload::Task(Task {
                    instruction,
                    model: [None, Some("echo/a/b".to_owned())][key as usize % 2].clone(),
                    session: [RunSession::Isolated, RunSession::Conversation][key as usize % 2],
                    silence: [Silence::Never, Silence::Json, Silence::Tool, Silence::Heartbeat][key as usize % 4],
                    budget: Budget {
                        max_tokens_per_run: key.is_multiple_of(4).then_some(4000),
                        max_cost_per_day: key.is_multiple_of(5).then_some(Cost::from_micros(500_001)),
                    },
                }),
                (_, template) if key % 7 == 2 => Payload::Template(template),
                (_, message) => Payload::Message(message),
            },
            bounds: self.bounds(),
            except: self.except(),
            policy: self.policy(),
            labels: (0..self.below(3)).map(|_| (self.word(), self.word())).collect(),
            vars,
            hook: (key % 5 == 1).then(|| "standup".to_owned()),
            on_hook_error: if key % 10 == 1 { OnHookError::DeliverPlain } else { OnHookError::Fail },
            expect_every: self.expected(),
            process_handle: if self.aside(3) == 0 { Some(format!("p{}", self.aside(5))) } else { None },
            client_token: if self.one_in(3) { Some(format!("t{}", self.below(8))) } else { None },
            source: self.maybe(|c| Source {
                file: c.pick(&["schedules/a.yaml", "schedules/b.yaml", "other.yaml"]).to_owned(),
                content: c.maybe(|c| u128::from(c.next()) << 64 | u128::from(c.next())),
            }),
            talk: [None, None, Some(Talk::Heard(key * 300)), Some(Talk::Answer), Some(Talk::Aside)][key as usize % 5],
        }
    }

    pub fn state(&mut self, generation: u32) -> State {
        State {
            status: match self.pick(&[Status::Active, Status::Paused, Status::Completed, Status::Cancelled]) {
                Status::Paused if self.aside(2) == 0 => Status::Failing,
                status => status,
            },
            generation,
            plan: PlanId(self.below(5) as u32),
            lane: LaneId(self.next()),
            next_due: self.maybe(Self::instant),
            last_due: self.maybe(Self::instant),
            last_outcome: self.pick(&[
                None,
                Some(OutcomeKind::Delivered),
                Some(OutcomeKind::Silent),
                Some(OutcomeKind::Skipped),
                Some(OutcomeKind::Failed),
                Some(OutcomeKind::Cancelled),
                Some(OutcomeKind::Unknown),
            ]),
            runs: self.next() as u32,
            failures: self.next() as u16,
        }
    }

    /// The same run, as one that became several deliveries, and these.
    pub fn spread(&self, run: Run) -> Vec<Run> {
        let count = 2 + self.aside(3) as u16;
        let Some(execution) = run.execution.clone() else { return vec![run] };
        let mut all = Vec::new();
        for one in run.occurrence.deliveries(count) {
            let is_over = one.delivery < count;
            let outcome = Outcome::Failed { error: "no such chat".to_owned() };
            let phase =
                if is_over { Phase::Settled { at: run.claimed_at, outcome } } else { Phase::Sending { epoch: 3 } };
            let execution = Some(Box::new(Execution { to: Some(destination()), ..*execution.clone() }));
            all.push(Run { occurrence: one, range: None, execution, phase, ..run.clone() });
        }
        let spread =
            Spread { left: 1, failed: count - 1, errors: "mail:dee: no such chat".into(), ..Spread::default() };
        let execution = Some(Box::new(Execution { deliveries: count, ..*execution }));
        all.push(Run { execution, phase: Phase::Spread(spread), ..run });
        all
    }

    pub fn occurrence(&mut self, schedule: ScheduleKey) -> OccurrenceId {
        let due = START + self.below(3) as i64 * DAY + self.below(6) as i64 * 1000;
        OccurrenceId::new(schedule, self.below(2) as u32, Timestamp::from_millis(due))
    }

    pub fn run(&mut self, occurrence: OccurrenceId) -> Run {
        let is_early = self.aside(2) == 0;
        let phase = match self.below(6) {
            0 if is_early => [Phase::Buffered, Phase::Waiting][self.aside(2) as usize].clone(),
            0 => Phase::Pending,
            1 if is_early => Phase::Running { epoch: self.below(9) as u32 },
            1 => Phase::Sending { epoch: self.below(9) as u32 },
            2 if is_early => Phase::Rerun { at: self.instant(), error: self.word() },
            2 => Phase::Retry { at: self.instant(), error: self.word() },
            _ => Phase::Settled { at: self.instant(), outcome: self.outcome() },
        };
        let execution = (self.aside(2) == 0).then(|| {
            Box::new(Execution {
                attempts: self.aside(9) as u16,
                since: Timestamp::from_millis(START + self.aside(DAY as u64) as i64),
                took: Span::from_millis(self.aside(100_000)),
                model: (self.aside(3) == 0).then(|| "echo/a".to_owned()),
                spent: if self.aside(4) == 0 { SPENT } else { Spent::ZERO },
                tokens: (self.aside(5) == 0).then_some(Tokens { input: 3, output: u32::MAX }),
                notes: (self.aside(7) == 0).then(|| "seen".into()),
                to: (self.aside(11) == 0).then(destination),
                deliveries: 0,
            })
        });
        Run {
            occurrence,
            range: self.maybe(|c| DueRange { through: c.instant(), count: c.next() }),
            cause: match self.pick(&[Cause::Due, Cause::CatchUp, Cause::Manual]) {
                Cause::Manual if self.aside(2) == 0 => Cause::Notice,
                cause => cause,
            },
            number: self.next() as u32,
            claimed_at: self.instant(),
            attempt: self.next() as u16,
            retried: (self.aside(4) == 0).then(|| Retried { at: Timestamp::from_millis(START), times: 2 }),
            execution,
            phase,
        }
    }

    fn outcome(&mut self) -> Outcome {
        match self.below(6) {
            0 => Outcome::Delivered { message_id: self.maybe(|_| "m".repeat(200)) },
            1 => Outcome::Silent { reason: self.word() },
            2 => Outcome::Skipped(self.pick(&[
                SkipReason::Misfire,
                SkipReason::CatchupWindow,
                if self.aside(2) == 0 { SkipReason::Except } else { SkipReason::Paused },
                SkipReason::Past,
            ])),
            3 if self.aside(3) == 0 => Outcome::Dropped { error: self.word() },
            3 => Outcome::Failed { error: self.word() },
            4 if self.aside(3) == 0 && self.aside(13) == 0 => Outcome::OverBudget { reason: "dear".to_owned() },
            4 if self.aside(3) == 0 => Outcome::Gated { reason: "not today".to_owned() },
            4 => [Outcome::Cancelled, Outcome::Displaced][self.aside(2) as usize].clone(),
            _ => Outcome::Unknown { error: self.word() },
        }
    }
}

fn alone(payload: &Payload) -> Payload {
    match payload {
        Payload::Task(task) => Payload::Task(Task {
            session: RunSession::Isolated,
            silence: Silence::Json,
            budget: Budget::default(),
            ..task.clone()
        }),
        other => other.clone(),
    }
}

/// The change as the sample of format 3 has it: nothing is done in conversations, about dead letters, or for money,
/// nothing is expected of a schedule, and none is started by another one.
pub fn as_of_format_3(change: Change) -> Change {
    let of_old = |phase: Phase| match phase {
        Phase::Settled { at, outcome: Outcome::Dropped { error } } => {
            Phase::Settled { at, outcome: Outcome::Failed { error } }
        }
        Phase::Settled { at, outcome: Outcome::OverBudget { .. } } => {
            Phase::Settled { at, outcome: Outcome::Gated { reason: "not today".to_owned() } }
        }
        other => other,
    };
    let unpaid = |execution: Box<Execution>| Box::new(Execution { spent: Spent::ZERO, ..*execution });
    match change {
        Change::Plan { id, plan } => {
            Change::Plan { id, plan: Arc::new(Plan { converses: None, expect_every: None, ..(*plan).clone() }) }
        }
        Change::Declare { key, schedule, state } => {
            let payload = alone(&schedule.payload);
            let schedule = Arc::new(Schedule { talk: None, expect_every: None, payload, ..(*schedule).clone() });
            Change::Declare { key, schedule, state }
        }
        Change::Run(run) => Change::Run(Run {
            retried: None,
            phase: of_old(run.phase.clone()),
            execution: run.execution.map(unpaid),
            ..run
        }),
        other => other,
    }
}

/// The change as the sample of format 2 has it: every task names its model, of which a plan knows the provider alone, and
/// nobody counts tokens.
pub fn as_of_format_2(change: Change) -> Change {
    match change {
        Change::Plan { id, plan } => {
            let is_model = |maker: &&Maker| **maker != Maker::Script;
            let maker = plan.maker.as_ref().filter(is_model).map(|_| Maker::Model("echo/".to_owned()));
            Change::Plan { id, plan: Arc::new(Plan { maker, converses: None, ..(*plan).clone() }) }
        }
        Change::Declare { key, schedule, state } => {
            let payload = match &schedule.payload {
                Payload::Task(task) => Payload::Task(Task {
                    model: Some("echo/a/b".to_owned()),
                    session: RunSession::Isolated,
                    ..task.clone()
                }),
                Payload::Template(text) | Payload::Message(text) => Payload::Message(text.clone()),
            };
            let fail = OnHookError::Fail;
            let schedule = Schedule { payload, hook: None, on_hook_error: fail, talk: None, ..(*schedule).clone() };
            Change::Declare { key, schedule: Arc::new(schedule), state }
        }
        Change::Run(run) => {
            let untold =
                |execution: Box<Execution>| Box::new(Execution { tokens: None, notes: None, to: None, ..*execution });
            let execution = run.execution.clone().map(untold);
            Change::Run(Run { execution, phase: ungated(run.phase), ..run })
        }
        other => other,
    }
}

/// The change as somebody made it who knew only format 1.
pub fn as_of_format_1(change: Change) -> Change {
    let known = |state: State| match state.status {
        Status::Failing => State { status: Status::Paused, ..state },
        _ => state,
    };
    let policy = |policy: Policy| Policy { pause_after: None, ..policy };
    match change {
        Change::Plan { id, plan } => {
            let plan =
                Plan { except: None, maker: None, converses: None, policy: policy(plan.policy), ..(*plan).clone() };
            Change::Plan { id, plan: Arc::new(plan) }
        }
        Change::Declare { key, schedule, state } => {
            let payload = match &schedule.payload {
                Payload::Task(task) => Payload::Message(task.instruction.clone()),
                Payload::Template(text) | Payload::Message(text) => Payload::Message(text.clone()),
            };
            let schedule = Schedule {
                except: None,
                payload,
                process_handle: None,
                hook: None,
                on_hook_error: OnHookError::Fail,
                policy: policy(schedule.policy),
                talk: None,
                ..(*schedule).clone()
            };
            Change::Declare { key, schedule: Arc::new(schedule), state: known(state) }
        }
        Change::State { key, state } => Change::State { key, state: known(state) },
        Change::Run(run) => {
            let cause = if run.cause == Cause::Notice { Cause::Manual } else { run.cause };
            Change::Run(Run { cause, execution: None, phase: known_phase(ungated(run.phase)), ..run })
        }
        other => other,
    }
}

/// What a hook held back was cancelled or displaced before there were hooks: the same numbers were drawn for it.
fn ungated(phase: Phase) -> Phase {
    match phase {
        Phase::Settled { at, outcome: Outcome::Gated { .. } } => Phase::Settled { at, outcome: Outcome::Cancelled },
        other => other,
    }
}

fn destination() -> Destination {
    Destination { gateway: "mail".to_owned(), chat_id: "dee".to_owned(), thread: None }
}

fn known_phase(phase: Phase) -> Phase {
    match phase {
        Phase::Buffered | Phase::Waiting => Phase::Pending,
        Phase::Running { epoch } => Phase::Sending { epoch },
        Phase::Rerun { at, error } => Phase::Retry { at, error },
        Phase::Settled { at, outcome: Outcome::Skipped(SkipReason::Except) } => {
            Phase::Settled { at, outcome: Outcome::Skipped(SkipReason::Paused) }
        }
        Phase::Settled { at, outcome: Outcome::Displaced } => Phase::Settled { at, outcome: Outcome::Cancelled },
        other => other,
    }
}
