//! The shell by its real parts: a real store in a folder, the real loop and threads, a clock that is set by hand.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use chimewheel::calendar::{Trigger, Zone};
use chimewheel::config::Routing;
use chimewheel::engine::change::{Outcome, Phase, Status};
use chimewheel::engine::fires_at;
use chimewheel::gateway::{Delivery, Gateway, Receipt, SendError, Sending};
use chimewheel::id::{ScheduleId, ScheduleKey};
use chimewheel::limits::{GATEWAY_SENDS_COUNT_MAX, QUEUE_INPUTS_COUNT_MAX};
use chimewheel::runtime::clock::{ManualClock, reading};
use chimewheel::runtime::{Declaration, Done, Gateways, Handle, Op, OpError, Runtime, Settings, StartError};
use chimewheel::spec::{Bounds, Destination, OnHookError, Payload, Policy, Schedule, Source};
use chimewheel::surface::ops::local::{Local, Setting};
use chimewheel::surface::ops::{Caller, Operations as _, Request};
use chimewheel::time::{Span, Timestamp};
use serde_json::Value;

pub const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// A gateway that tells the test what it was handed, and refuses what it was told to refuse.
struct Recorder {
    handed: Mutex<Sender<Delivery>>,
    refusals: Mutex<BTreeMap<String, SendError>>,
}

impl Gateway for Recorder {
    fn send(&self, delivery: Delivery) -> Sending<'_> {
        let refusal = self.refusals.lock().unwrap().remove(&delivery.text);
        let breaks = delivery.text == "this is broken" && delivery.attempt == 1;
        self.handed.lock().unwrap().send(delivery).unwrap();
        assert!(!breaks, "this gateway breaks");
        Box::pin(async move { refusal.map_or_else(|| Ok(Receipt { message_id: Some("m1".into()) }), Err) })
    }
}

pub struct House {
    pub tokio: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    recorder: Arc<Recorder>,
    handed: Receiver<Delivery>,
}

impl House {
    pub fn new() -> Self {
        let (sender, handed) = channel();
        Self {
            tokio: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::new(BEGIN)),
            recorder: Arc::new(Recorder { handed: Mutex::new(sender), refusals: Mutex::default() }),
            handed,
        }
    }

    fn start(&self, serving: bool) -> Result<Runtime, StartError> {
        self.start_with(serving, Arc::clone(&self.recorder) as _)
    }

    pub fn start_with(&self, serving: bool, gateway: Arc<dyn Gateway>) -> Result<Runtime, StartError> {
        let settings = Settings {
            data: self.folder.path().join("data"),
            serving,
            cache_bytes: 8 << 20,
            history_days: 30,
            pause_after: 3,
            catchup_per_second: 500,
        };
        let mut gateways = Gateways::new();
        gateways.insert("console".into(), gateway);
        Runtime::start(&settings, Arc::clone(&self.clock) as _, gateways, self.tokio.handle().clone())
    }

    pub fn ask(&self, handle: &Handle, op: Op) -> Result<Done, OpError> {
        self.tokio.block_on(handle.ask(op))
    }

    /// What a surface tells of the schedule `note`.
    fn told(&self, handle: &Handle, what: &str) -> Value {
        let setting = Setting {
            zone: Zone::UTC,
            gateways: vec!["console".into()],
            scripts: Arc::default(),
            routing: Routing { providers: ["echo".into()].into(), ..Routing::new() },
            data: String::new(),
            listen: None,
            serving: true,
            notices: Vec::new(),
        };
        let request = Request::read(what, br#"{"schedule": "note", "agent": "tester"}"#).unwrap();
        let reply = self.tokio.block_on(Local::new(handle.clone(), setting).call(&Caller::Admin, request));
        reply.unwrap().to_json().unwrap()
    }

    pub fn set(&self, handle: &Handle, now: Timestamp) {
        self.clock.set(now);
        handle.wake();
    }
}

pub fn declaration(id: &str, trigger: Trigger) -> Declaration {
    let schedule = Schedule {
        id: ScheduleId::parse(id).unwrap(),
        name: None,
        agent: "tester".into(),
        created_by_session: None,
        created_at: BEGIN,
        zone: Zone::UTC,
        destination: Some(Destination { gateway: "console".into(), chat_id: "me".into(), thread: None }),
        trigger,
        payload: Payload::Message(format!("this is {id}")),
        bounds: Bounds::default(),
        except: None,
        policy: Policy::default(),
        labels: BTreeMap::new(),
        vars: BTreeMap::new(),
        client_token: None,
        process_handle: None,
        hook: None,
        on_hook_error: OnHookError::Fail,
        source: None,
        talk: None,
    };
    Declaration { schedule, paused: false, past: false }
}

fn hourly(id: &str) -> Declaration {
    declaration(id, Trigger::Every { period: Span::from_seconds(3600), anchor: BEGIN })
}

pub fn created(done: Result<Done, OpError>) -> ScheduleKey {
    match done {
        Ok(Done::Created(key, _)) => key,
        other => panic!("not created: {other:?}"),
    }
}

#[test]
fn a_message_travels_from_create_to_ledger_and_outlives_a_restart() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let key = created(house.ask(&handle, Op::Create(hourly("note"))));
    let due = BEGIN.plus(Span::from_seconds(3600));
    house.set(&handle, due);
    let delivery = house.handed.recv().unwrap();
    assert_eq!((delivery.due, delivery.sent_at, delivery.attempt), (due, due, 1));
    assert_eq!(delivery.text, "this is note");
    assert_eq!(delivery.key.len(), 22);
    drop(handle);
    runtime.stop().unwrap();

    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let runs = handle.reader().runs(key, 10, None).unwrap();
    assert!(matches!(
        &runs[..],
        [run] if run.occurrence.due == due
            && matches!(&run.phase, Phase::Settled { outcome: Outcome::Delivered { message_id: Some(id) }, .. } if id == "m1")
    ));
    house.set(&handle, due.plus(Span::from_seconds(3600)));
    assert_eq!(house.handed.recv().unwrap().due, due.plus(Span::from_seconds(3600)));
    drop(handle);
    runtime.stop().unwrap();
    assert!(house.handed.try_recv().is_err(), "something was sent twice");
}

#[test]
fn a_second_process_is_refused_with_the_owners_pid() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let refusal = house.start(true).err().expect("a second owner").to_string();
    assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
    runtime.stop().unwrap();
    house.start(false).unwrap().stop().unwrap();
}

#[test]
fn ids_names_and_tokens_are_kept_apart() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let mut first = hourly("one");
    first.schedule.name = Some("Morning".into());
    first.schedule.client_token = Some("t".into());
    let key = created(house.ask(&handle, Op::Create(first.clone())));
    assert_eq!(house.ask(&handle, Op::Create(first)), Ok(Done::Existing(key)));
    assert!(matches!(house.ask(&handle, Op::Create(hourly("one"))), Err(OpError::IdTaken(_))));
    let mut namesake = hourly("two");
    namesake.schedule.name = Some("Morning".into());
    assert!(matches!(house.ask(&handle, Op::Create(namesake.clone())), Err(OpError::NameTaken { .. })));
    house.ask(&handle, Op::Cancel(key)).unwrap();
    created(house.ask(&handle, Op::Create(namesake)));
    runtime.stop().unwrap();
}

#[test]
fn a_file_declared_again_changes_nothing_and_edited_changes_itself() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let mut declared = hourly("filed");
    declared.schedule.source = Some(Source { file: "schedules/filed.yaml".into(), content: Some(1) });
    let key = created(house.ask(&handle, Op::Declare(declared.clone())));
    for _ in 0..10 {
        assert!(matches!(house.ask(&handle, Op::Declare(declared.clone())), Ok(Done::Unchanged(..))));
    }
    declared.schedule.source = Some(Source { file: "schedules/filed.yaml".into(), content: Some(2) });
    declared.schedule.payload = Payload::Message("edited".into());
    let Ok(Done::Changed(_, state)) = house.ask(&handle, Op::Declare(declared.clone())) else { panic!() };
    assert_eq!((state.generation, state.status), (2, Status::Active));

    assert!(
        matches!(house.ask(&handle, Op::Prune(key)), Ok(Done::Changed(_, state)) if state.status == Status::Cancelled)
    );
    let Ok(Done::Changed(_, state)) = house.ask(&handle, Op::Declare(declared.clone())) else { panic!() };
    assert_eq!(state.status, Status::Active, "a file that returns brings its schedule back");

    house.ask(&handle, Op::Cancel(key)).unwrap();
    let Ok(Done::Unchanged(_, state)) = house.ask(&handle, Op::Declare(declared)) else { panic!() };
    assert_eq!(state.status, Status::Cancelled, "what somebody cancelled stays cancelled while its file is the same");
    runtime.stop().unwrap();
}

#[test]
fn an_update_made_from_an_old_reading_is_refused() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let key = created(house.ask(&handle, Op::Create(hourly("note"))));
    let replace = |read| Op::Replace { key, read, declaration: hourly("note") };
    assert!(matches!(house.ask(&handle, replace(1)), Ok(Done::Changed(..))));
    assert_eq!(house.ask(&handle, replace(1)), Err(OpError::Conflict));
    assert!(matches!(house.ask(&handle, replace(2)), Ok(Done::Changed(..))));
    runtime.stop().unwrap();
}

#[test]
fn what_is_asked_without_a_daemon_is_there_when_one_starts() {
    let house = House::new();
    let books = house.start(false).unwrap();
    let handle = books.handle();
    let key = created(house.ask(&handle, Op::Create(hourly("note"))));
    house.ask(&handle, Op::RunNow(key)).unwrap();
    house.set(&handle, BEGIN.plus(Span::from_seconds(7200)));
    house.ask(&handle, Op::Status).unwrap();
    drop(handle);
    books.stop().unwrap();
    assert!(house.handed.try_recv().is_err(), "books are kept, nothing is sent");

    let runtime = house.start(true).unwrap();
    let mut dues = vec![house.handed.recv().unwrap().due, house.handed.recv().unwrap().due];
    dues.sort_unstable();
    let beside_the_grid = BEGIN.minus(Span::from_millis(1));
    assert_eq!(dues, [beside_the_grid, BEGIN.plus(Span::from_seconds(7200))]);
    runtime.stop().unwrap();
}

#[test]
fn a_refused_message_is_tried_again_and_a_finished_schedule_can_be_asked_about() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let refusal = SendError::Retry { error: "slow down".into(), after: Some(Span::from_seconds(20)) };
    house.recorder.refusals.lock().unwrap().insert("this is once".into(), refusal);
    let at = BEGIN.plus(Span::from_seconds(10));
    let key = created(house.ask(&handle, Op::Create(declaration("once", Trigger::At(at)))));
    house.set(&handle, at);
    assert_eq!(house.handed.recv().unwrap().attempt, 1);
    loop {
        let Ok(Done::Status(status)) = house.ask(&handle, Op::Status) else { panic!() };
        if status.figures.retrying == 1 {
            break;
        }
    }
    house.set(&handle, at.plus(Span::from_seconds(20)));
    assert_eq!(house.handed.recv().unwrap().attempt, 2);
    while handle.reader().runs(key, 1, None).unwrap().iter().any(|run| !run.is_settled()) {
        handle.wake();
    }
    assert!(matches!(house.ask(&handle, Op::Pause { key, note: None }), Err(OpError::Ended(Status::Completed))));
    assert!(matches!(house.ask(&handle, Op::RunNow(key)), Ok(Done::Started(_))));
    assert_eq!(house.handed.recv().unwrap().text, "this is once");
    assert!(
        matches!(house.ask(&handle, Op::Cancel(key)), Ok(Done::Changed(_, state)) if state.status == Status::Cancelled)
    );
    runtime.stop().unwrap();
}

#[test]
fn a_gateway_that_breaks_does_not_stop_its_chat() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let at = |seconds| BEGIN.plus(Span::from_seconds(seconds));
    created(house.ask(&handle, Op::Create(declaration("broken", Trigger::At(at(10))))));
    created(house.ask(&handle, Op::Create(declaration("next", Trigger::At(at(10))))));
    house.set(&handle, at(10));
    let handed = || house.handed.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    assert_eq!((handed().text.as_str(), 1), ("this is broken", 1));
    loop {
        let Ok(Done::Status(status)) = house.ask(&handle, Op::Status) else { panic!() };
        if status.figures.retrying == 1 {
            break;
        }
    }
    house.set(&handle, at(30));
    assert_eq!((handed().attempt, handed().text.as_str()), (2, "this is next"));
    runtime.stop().unwrap();
}

#[test]
fn a_gateway_that_hangs_cannot_hold_up_the_end_for_ever() {
    struct Hangs(Mutex<Sender<Delivery>>);
    impl Gateway for Hangs {
        fn send(&self, delivery: Delivery) -> Sending<'_> {
            self.0.lock().unwrap().send(delivery).unwrap();
            Box::pin(std::future::pending())
        }
    }
    let house = House::new();
    let (sender, handed) = channel();
    let mut gateways = Gateways::new();
    gateways.insert("console".into(), Arc::new(Hangs(Mutex::new(sender))) as _);
    let settings = Settings {
        data: house.folder.path().join("data"),
        serving: true,
        cache_bytes: 8 << 20,
        history_days: 30,
        pause_after: 3,
        catchup_per_second: 500,
    };
    let clock: Arc<ManualClock> = Arc::clone(&house.clock);
    let runtime = Runtime::start(&settings, clock, gateways, house.tokio.handle().clone()).unwrap();
    let handle = runtime.handle();
    let key = created(house.ask(&handle, Op::Create(hourly("note"))));
    house.set(&handle, BEGIN.plus(Span::from_seconds(3600)));
    handed.recv().unwrap();
    drop(handle);
    runtime.stop().unwrap();

    // What hung is ambiguous, and is sent again with the same key by the next process.
    let runtime = house.start(true).unwrap();
    assert_eq!(house.handed.recv().unwrap().due, BEGIN.plus(Span::from_seconds(3600)));
    assert!(runtime.handle().reader().state(key).unwrap().is_some());
    runtime.stop().unwrap();
}

#[test]
fn an_owner_is_told_once_that_a_schedule_paused_itself_and_why() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let key = created(house.ask(&handle, Op::Create(hourly("note"))));
    for hour in 1..=3 {
        let refusal = SendError::Permanent { error: format!("chat not found, {hour}") };
        house.recorder.refusals.lock().unwrap().insert("this is note".into(), refusal);
        house.set(&handle, BEGIN.plus(Span::from_seconds(hour * 3600)));
        assert_eq!(house.handed.recv().unwrap().text, "this is note");
    }
    let told = house.handed.recv().unwrap();
    assert_eq!(
        told.text,
        "Schedule 'note' has paused itself after 3 failures in a row. The last error: chat not found, 3. Nothing of it \
         fires until it is resumed: chimewheel resume note"
    );
    let shown = house.told(&handle, "show");
    assert_eq!((&shown["status"], &shown["failures"]), (&"paused".into(), &3.into()), "{shown}");
    let note = "it paused itself after too many failures in a row; the last error: chat not found, 3";
    assert_eq!(shown["note"], note);
    assert_eq!(shown["declaration"]["paused"], true);
    let runs = house.told(&handle, "runs");
    let rows: Vec<_> = runs["runs"].as_array().unwrap().iter().map(|run| (&run["cause"], &run["late_ms"])).collect();
    assert_eq!(rows.len(), 4);
    assert!(rows.contains(&(&"notice".into(), &Value::Null)) && rows.contains(&(&"due".into(), &0.into())), "{runs}");
    let Ok(Done::Changed(_, state)) = house.ask(&handle, Op::Resume(key)) else { panic!("it was paused") };
    assert_eq!((state.status, state.failures), (Status::Active, 0));
    house.set(&handle, BEGIN.plus(Span::from_seconds(4 * 3600)));
    assert_eq!(house.handed.recv().unwrap().text, "this is note", "nothing else was told");
    drop(handle);
    runtime.stop().unwrap();
}

#[test]
fn a_due_with_jitter_fires_when_it_was_foretold_and_never_early() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let mut declaration = hourly("note");
    declaration.schedule.policy.jitter = Span::from_seconds(600);
    let schedule = declaration.schedule.clone();
    let key = created(house.ask(&handle, Op::Create(declaration)));
    let due = BEGIN.plus(Span::from_seconds(3600));
    let fires = fires_at(&schedule, key, due);
    assert!(fires > due && fires < due.plus(Span::from_seconds(600)), "{fires}");
    house.set(&handle, fires.minus(Span::from_millis(1)));
    let early = house.ask(&handle, Op::Status).unwrap();
    let Done::Status(status) = early else { panic!("{early:?}") };
    assert_eq!((status.next_wakeup, status.figures.open), (Some(fires), 0));
    house.set(&handle, fires);
    let delivery = house.handed.recv().unwrap();
    assert_eq!((delivery.due, delivery.sent_at), (due, fires));
    drop(handle);
    runtime.stop().unwrap();
}

/// Holds every send until it is let go, and counts.
struct Gate {
    inside: Mutex<usize>,
    seen: Mutex<Sender<usize>>,
    open: tokio::sync::Semaphore,
}

impl Gateway for Gate {
    fn send(&self, _delivery: Delivery) -> Sending<'_> {
        Box::pin(async move {
            let inside = {
                let mut inside = self.inside.lock().unwrap();
                *inside += 1;
                *inside
            };
            self.seen.lock().unwrap().send(inside).unwrap();
            self.open.acquire().await.unwrap().forget();
            *self.inside.lock().unwrap() -= 1;
            Ok(Receipt::default())
        })
    }
}

#[test]
fn a_gateway_is_sent_to_from_so_many_chats_at_a_time_and_the_others_wait_their_turn() {
    const CHATS: usize = GATEWAY_SENDS_COUNT_MAX * 2 + 5;
    let house = House::new();
    let (sender, seen) = channel();
    let (inside, open) = (Mutex::new(0), tokio::sync::Semaphore::new(0));
    let gate = Arc::new(Gate { inside, seen: Mutex::new(sender), open });
    let runtime = house.start_with(true, Arc::clone(&gate) as _).unwrap();
    let handle = runtime.handle();
    let ops = (0..CHATS).map(|chat| {
        let mut one = hourly(&format!("note-{chat}"));
        one.schedule.destination =
            Some(Destination { gateway: "console".into(), chat_id: chat.to_string(), thread: None });
        Op::Create(one)
    });
    let keys: Vec<_> = house.tokio.block_on(handle.ask_all(ops.collect())).into_iter().map(created).collect();
    assert_eq!(keys.len(), CHATS);
    house.set(&handle, BEGIN.plus(Span::from_seconds(3600)));
    let at_first: Vec<usize> = seen.iter().take(GATEWAY_SENDS_COUNT_MAX).collect();
    assert_eq!(at_first, (1..=GATEWAY_SENDS_COUNT_MAX).collect::<Vec<_>>());
    // Each that is let go makes room for one.
    gate.open.add_permits(CHATS);
    let later: Vec<usize> = seen.iter().take(CHATS - GATEWAY_SENDS_COUNT_MAX).collect();
    assert!(later.iter().all(|inside| *inside <= GATEWAY_SENDS_COUNT_MAX), "{later:?}");
    drop(handle);
    runtime.stop().unwrap();
    assert!(seen.try_recv().is_err(), "none was sent twice");
}

#[test]
fn many_questions_at_once_are_answered_each_in_its_place() {
    let house = House::new();
    let runtime = house.start(true).unwrap();
    let handle = runtime.handle();
    let ops = ["a", "b", "a", "c"].map(|id| Op::Create(hourly(id)));
    let answers = house.tokio.block_on(handle.ask_all(ops.to_vec()));
    let keys: Vec<_> = answers
        .iter()
        .map(|answer| if let Ok(Done::Created(key, _)) = answer { Some(key.0) } else { None })
        .collect();
    assert_eq!(keys, [Some(0), Some(1), None, Some(2)]);
    assert!(matches!(&answers[2], Err(OpError::IdTaken(id)) if id.as_str() == "a"), "{:?}", answers[2]);
    let too_many = vec![Op::Status; QUEUE_INPUTS_COUNT_MAX + 1];
    let refused = house.tokio.block_on(handle.ask_all(too_many));
    assert_eq!(refused.len(), QUEUE_INPUTS_COUNT_MAX + 1);
    assert!(refused.iter().all(|answer| *answer == Err(OpError::Busy)));
    assert_eq!(house.tokio.block_on(handle.ask_all(Vec::new())), []);
    runtime.stop().unwrap();
}

/// Before 1970 nothing is early and nothing is lost: it waits until the clock is right.
#[test]
fn a_clock_before_1970_counts_as_1970() {
    let hour = std::time::Duration::from_secs(3600);
    assert_eq!(reading(std::time::UNIX_EPOCH - hour), Timestamp::EPOCH);
    assert_eq!(reading(std::time::UNIX_EPOCH + hour), Timestamp::from_seconds(3600));
}
