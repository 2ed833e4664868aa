//! What people ask for: schedules of every kind, and changes of them.

use std::collections::BTreeMap;

use chimewheel::calendar::Zone;
use chimewheel::id::ScheduleId;
use chimewheel::runtime::{Declaration, Op};
use chimewheel::spec::{
    Bounds, DeliveryGuarantee, Destination, MisfirePolicy, OnHookError, Payload, Policy, RetryPolicy, Schedule,
    Source,
};
use chimewheel::time::{Span, Timestamp};

use super::closed::{self, Closed};
use super::history::{Ask, Known, Rev};
use super::runs;
use super::shape::{PATTERNS, Shape, ZONES};
use crate::store::chance::Chance;

const HOUR: u64 = 3_600_000;
/// More than 31 bits of milliseconds.
const LONG_MS: i64 = 25 * 86_400_000;

/// The chats, each with its gateway.
pub const CHATS: &[(&str, &str)] = &[("mail", "ada"), ("mail", "bob"), ("chat", "cy"), ("chat", "dee")];

/// The gateway of a chat.
pub fn gateway_of(chat: &str) -> &'static str {
    CHATS.iter().find(|(_, of)| *of == chat).map_or("", |(gateway, _)| gateway)
}

/// Two agents, who use the same names and tokens without knowing of each other.
pub const AGENTS: &[&str] = &["ada", "bob"];

/// Failures in a row after which a schedule that says nothing about it pauses itself.
pub const PAUSE_AFTER: u16 = 3;

/// The text says which wording it is, so that a receipt tells what was sent.
pub fn text(id: &str, rev: usize) -> String {
    format!("{id}#{rev}")
}

/// The pair of [`text`]; which of several deliveries it is may follow.
pub fn read_text(text: &str) -> Option<(&str, usize)> {
    let (id, rest) = text.split_once('#')?;
    Some((id, rest.split('/').next()?.parse().ok()?))
}

/// Which of several deliveries a text is; 0: the only one.
pub fn part_of(text: &str) -> u16 {
    text.split_once('/').map_or(0, |(_, part)| part.parse().expect("a number"))
}

/// A first wording, or one that says something else about times, declared at `wall`.
pub fn rev(chance: &mut Chance, id: &str, number: usize, wall: i64, left_ms: i64) -> Rev {
    let (shape, brief) = shape(chance, wall, left_ms);
    let second = wall - wall.rem_euclid(1000);
    let end_at = match (&shape, brief, chance.below(8)) {
        (Shape::At(_), ..) => None,
        (_, Some(end), _) => Some(end),
        (_, None, 0) => Some(second + chance.below(left_ms as u64) as i64),
        _ => None,
    };
    let may_begin_later = !matches!(shape, Shape::At(_)) && end_at.is_none() && chance.one_in(8);
    let bounds = Bounds {
        start_at: may_begin_later.then(|| Timestamp::from_millis(second + chance.below(6 * HOUR) as i64)),
        end_at: end_at.map(Timestamp::from_millis),
        max_runs: (!matches!(shape, Shape::At(_)) && chance.one_in(8)).then(|| 1 + chance.below(6) as u32),
    };
    let (gateway, chat) = chance.pick(CHATS);
    let (gateway, chat_id) = (gateway.to_owned(), chat.to_owned());
    let destination = (!chance.one_in(12)).then_some(Destination { gateway, chat_id, thread: None });
    let closed = closed(chance, &shape, wall);
    let place: usize = id[1..].parse().expect("a number");
    let schedule = Schedule {
        except: closed::except(&closed),
        id: ScheduleId::parse(id).expect("an id"),
        name: Some(format!("name-{}", place / AGENTS.len())),
        agent: AGENTS[place % AGENTS.len()].into(),
        created_by_session: None,
        created_at: Timestamp::from_millis(wall),
        zone: Zone::UTC,
        destination,
        trigger: shape.trigger(),
        payload: Payload::Message(text(id, number)),
        bounds,
        policy: policy(chance),
        labels: BTreeMap::new(),
        vars: BTreeMap::new(),
        client_token: (!place.is_multiple_of(3)).then(|| format!("token-{}", place / AGENTS.len())),
        process_handle: None,
        hook: None,
        on_hook_error: OnHookError::Fail,
        source: place.is_multiple_of(3).then(|| source(id, number)),
        talk: None,
    };
    Rev { shape, closed, schedule, renews: true, paused: false }
}

/// Every third schedule comes from a file.
fn source(id: &str, number: usize) -> Source {
    Source { file: format!("{id}.yaml"), content: Some(number as u128) }
}

/// What recurs may be closed at times.
fn closed(chance: &mut Chance, shape: &Shape, wall: i64) -> Vec<Closed> {
    match shape {
        Shape::At(_) => Vec::new(),
        Shape::Every { .. } => closed::any(chance, "Europe/Berlin", wall),
        Shape::Cron { zone, .. } => closed::any(chance, zone, wall),
    }
}

/// When; and where it has to end, because it is so frequent.
fn shape(chance: &mut Chance, wall: i64, left_ms: i64) -> (Shape, Option<i64>) {
    let second = wall - wall.rem_euclid(1000);
    if left_ms > LONG_MS && chance.one_in(4) {
        let at = second + LONG_MS + chance.below((left_ms - LONG_MS) as u64 / 1000) as i64 * 1000;
        return (Shape::At(at), None);
    }
    match chance.below(8) {
        0 | 1 => (Shape::At(second + 1000 + chance.below(left_ms as u64 / 1000) as i64 * 1000), None),
        2 | 3 => {
            let period = (left_ms / (8 + chance.below(40) as i64)).max(1000) / 1000 * 1000;
            let anchor = second + chance.below(period as u64 / 1000) as i64 * 1000;
            (Shape::Every { period, anchor }, None)
        }
        4 => {
            let period = 1000 * (1 + chance.below(20) as i64);
            (Shape::Every { period, anchor: second }, Some(second + period * chance.below(60) as i64 + period))
        }
        _ => {
            let pattern = &PATTERNS[chance.below(PATTERNS.len() as u64) as usize];
            (Shape::Cron { pattern, zone: chance.pick(ZONES) }, None)
        }
    }
}

fn policy(chance: &mut Chance) -> Policy {
    Policy {
        misfire: chance.pick(&[MisfirePolicy::FireOnce, MisfirePolicy::Skip, MisfirePolicy::FireAll]),
        catchup_window: Span::from_seconds(chance.pick(&[60, 600, 7200, 86_400])),
        retry: RetryPolicy {
            max_attempts: 2 + chance.below(5) as u16,
            max_age: Span::from_seconds(chance.pick(&[600, 3600])),
            backoff_min: Span::from_seconds(chance.pick(&[1, 5])),
            backoff_max: Span::from_seconds(chance.pick(&[20, 300])),
        },
        delivery: chance.pick(&[
            DeliveryGuarantee::AtLeastOnce,
            DeliveryGuarantee::AtLeastOnce,
            DeliveryGuarantee::AtMostOnce,
        ]),
        jitter: Span::from_seconds(chance.pick(&[0, 0, 2, 30])),
        pause_after: chance.pick(&[None, None, Some(0), Some(1), Some(2)]),
        ..Policy::default()
    }
}

/// The same times, said with other words.
pub fn reworded(old: &Rev, id: &str, number: usize, paused: bool) -> Rev {
    let payload = runs::reworded(&old.schedule.payload, text(id, number));
    let source = old.schedule.source.as_ref().map(|_| source(id, number));
    let schedule = Schedule { payload, source, ..old.schedule.clone() };
    Rev { schedule, renews: false, paused, ..old.clone() }
}

/// What somebody asks of a schedule, if anything can be asked.
pub fn ask(chance: &mut Chance, id: &str, known: &mut Known, wall: i64, left_ms: i64) -> Option<Ask> {
    let (current, number) = (known.rev()?, known.revs.len());
    let is_paused = known.is_paused();
    // How often it has run is the engine's knowledge, and an update may begin to count anew.
    let may_update = known.revs[current].schedule.bounds.max_runs.is_none();
    let is_from_file = known.revs[current].schedule.source.is_some();
    let said = |rev| if is_from_file { Ask::Declare(rev) } else { Ask::Update(rev) };
    if known.is_cancelled() {
        return if is_from_file { come_back(known, id, wall) } else { None };
    }
    Some(match chance.below(11) {
        0 | 1 if may_update => {
            let old = &known.revs[current];
            let mut new = rev(chance, id, number, wall, left_ms);
            // The same times mean that dues are carried over: that is the other kind of update.
            let is_same = new.shape == old.shape && new.schedule.bounds.start_at == old.schedule.bounds.start_at;
            new.schedule.bounds.max_runs = None;
            new.schedule.created_at = old.schedule.created_at;
            new.paused = is_paused && chance.one_in(2);
            let new = if is_same { reworded(old, id, number, is_paused) } else { new };
            known.revs.push(new);
            said(number)
        }
        2 | 3 if may_update => {
            known.revs.push(reworded(&known.revs[current], id, number, is_paused && !chance.one_in(4)));
            said(number)
        }
        4 => Ask::RunNow,
        5 if chance.one_in(2) => {
            if is_from_file {
                Ask::Prune
            } else {
                Ask::Cancel
            }
        }
        6 if is_from_file => Ask::DeclareSame,
        6 => Ask::Again,
        _ if is_paused => Ask::Resume,
        _ if chance.one_in(2) => Ask::Pause,
        _ => Ask::RunNow,
    })
}

/// The file is there again: what it declares begins anew, unless its only time has passed.
fn come_back(known: &mut Known, id: &str, wall: i64) -> Option<Ask> {
    let (current, number) = (known.rev()?, known.revs.len());
    if matches!(known.revs[current].shape, Shape::At(at) if at <= wall) {
        return None;
    }
    let mut back = Rev { renews: true, ..reworded(&known.revs[current], id, number, false) };
    back.schedule.source.clone_from(&known.revs[current].schedule.source);
    known.revs.push(back);
    Some(Ask::Declare(number))
}

/// The question as the loop takes it; `read` is the generation it was made from.
pub fn op(ask: Ask, known: &Known, read: u32) -> Option<Op> {
    let declared = |rev: usize| {
        let Rev { schedule, paused, .. } = known.revs[rev].clone();
        Declaration { schedule, paused, past: false }
    };
    Some(match (ask, known.key) {
        (Ask::Create(rev), _) => Op::Create(declared(rev)),
        (Ask::Declare(rev), _) => Op::Declare(declared(rev)),
        (Ask::DeclareSame, _) => Op::Declare(declared(known.rev()?)),
        (Ask::Again, _) => {
            // Whoever gives an id to what has none gives it another one each time.
            let id = format!("{}-again", known.revs[0].schedule.id);
            let mut again = declared(0);
            again.schedule.id = ScheduleId::parse(&id).expect("an id");
            Op::Create(again)
        }
        (Ask::Update(rev), Some(key)) => Op::Replace { key, read, declaration: declared(rev) },
        (Ask::Pause, Some(key)) => Op::Pause { key, note: None },
        (Ask::Resume, Some(key)) => Op::Resume(key),
        (Ask::Cancel, Some(key)) => Op::Cancel(key),
        (Ask::Prune, Some(key)) => Op::Prune(key),
        (Ask::RunNow, Some(key)) => Op::RunNow(key),
        (Ask::Update(_) | Ask::Prune | Ask::Pause | Ask::Resume | Ask::Cancel | Ask::RunNow, None) => return None,
    })
}
