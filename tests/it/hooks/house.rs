//! A runtime with scripts by its real parts: a real store in a folder, a clock that is set by hand, a gateway that tells
//! the test what it was handed, and a provider that answers as it is told, else with its instruction.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chimewheel::config::{Rates, Routing};
use chimewheel::engine::change::{Outcome, Phase, Run};
use chimewheel::gateway::{Capabilities, Delivery, Gateway, Receipt, Sending, TextLimit};
use chimewheel::id::ScheduleKey;
use chimewheel::runner::{Answer, Prompt, RunError, Runner, Running};
use chimewheel::runtime::clock::ManualClock;
use chimewheel::runtime::{Declaration, Done, Gateways, Handle, Op, Outside, Provider, Runtime, Settings};
use chimewheel::script::{Broken, Scripts};
use chimewheel::spec::{Context, Origin, Schedule};
use chimewheel::surface::files::read_text;
use chimewheel::time::{Span, Timestamp};

pub const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// Its longest text, and where it hands what it is handed.
struct Recorder(TextLimit, Mutex<Sender<Delivery>>);

impl Gateway for Recorder {
    fn capabilities(&self) -> Capabilities {
        Capabilities { text: self.0, ..Capabilities::PLAIN }
    }

    fn send(&self, delivery: Delivery) -> Sending<'_> {
        self.1.lock().unwrap().send(delivery).unwrap();
        Box::pin(async { Ok(Receipt::default()) })
    }
}

#[derive(Default)]
struct Told(Mutex<VecDeque<RunError>>);

impl Runner for Told {
    fn run(&self, prompt: Prompt) -> Running<'_> {
        let refusal = self.0.lock().unwrap().pop_front();
        Box::pin(async move { refusal.map_or_else(|| Answer::new(&prompt.instruction, prompt.model), Err) })
    }
}

pub struct House {
    tokio: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    recorder: Arc<Recorder>,
    handed: Receiver<Delivery>,
    scripts: Arc<Scripts>,
    runner: Arc<Told>,
    runtime: Option<Runtime>,
    named: AtomicUsize,
}

impl House {
    /// A runtime that serves, with these scripts.
    pub fn new(sources: &[(&str, &str)]) -> Self {
        Self::within(TextLimit::None, sources)
    }

    /// The same, with a gateway that takes no longer texts.
    pub fn within(limit: TextLimit, sources: &[(&str, &str)]) -> Self {
        let (sender, handed) = channel();
        let mut house = Self {
            tokio: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::new(BEGIN)),
            recorder: Arc::new(Recorder(limit, Mutex::new(sender))),
            handed,
            scripts: Arc::default(),
            runner: Arc::default(),
            runtime: None,
            named: AtomicUsize::new(0),
        };
        house.load(sources);
        house.start();
        house
    }

    /// The folder of scripts has become this.
    pub fn load(&self, sources: &[(&str, &str)]) -> Vec<Broken> {
        let sources: BTreeMap<_, _> =
            sources.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        self.scripts.load(sources)
    }

    fn start(&mut self) {
        let settings = Settings {
            data: self.folder.path().join("data"),
            serving: true,
            cache_bytes: 8 << 20,
            history_days: 30,
            pause_after: 0,
            catchup_per_second: 500,
        };
        let mut gateways = Gateways::new();
        gateways.insert("console".into(), Arc::clone(&self.recorder) as _);
        let runner = Arc::clone(&self.runner) as _;
        let provider = Provider { runner, timeout: Span::from_seconds(600), room: 4, rates: Rates::default() };
        let outside = Outside {
            gateways,
            providers: [("echo".to_owned(), provider)].into_iter().collect(),
            routing: routing(),
            scripts: Arc::clone(&self.scripts),
            ..Outside::default()
        };
        let clock = Arc::clone(&self.clock) as _;
        self.runtime = Some(Runtime::start(&settings, clock, outside, self.tokio.handle().clone()).unwrap());
    }

    /// Ends the runtime in order; what it handed over has been looked at.
    pub fn stop(&mut self) {
        self.runtime.take().unwrap().stop().unwrap();
        let more: Vec<_> = self.handed.try_iter().map(|delivery| delivery.text).collect();
        assert!(more.is_empty(), "something else was sent: {more:?}");
    }

    pub fn restart(&mut self) {
        self.stop();
        self.start();
    }

    pub fn handle(&self) -> Handle {
        self.runtime.as_ref().unwrap().handle()
    }

    pub fn ask(&self, op: Op) -> Done {
        self.tokio.block_on(self.handle().ask(op)).unwrap()
    }

    /// Declares schedules; their hooks need not be there.
    pub fn add_all(&self, schedules: Vec<Schedule>) -> Vec<ScheduleKey> {
        let ops = schedules.into_iter().map(|schedule| Op::Create(declared(schedule))).collect();
        let answers = self.tokio.block_on(self.handle().ask_all(ops));
        let key =
            |answer| if let Ok(Done::Created(key, _)) = answer { key } else { panic!("not created: {answer:?}") };
        answers.into_iter().map(key).collect()
    }

    pub fn add(&self, lines: &str) -> ScheduleKey {
        self.add_all(vec![self.schedule(lines)])[0]
    }

    /// A schedule that is due every hour and says what these lines say.
    pub fn schedule(&self, lines: &str) -> Schedule {
        let number = self.named.fetch_add(1, Ordering::Relaxed);
        let text = format!(
            "id: s{number}\nschedule: {{every: 1h, anchor: \"{BEGIN}\"}}\ndestination: {{gateway: console, chat_id: me}}\n{lines}\n"
        );
        let gateways = ["console".to_owned()];
        let context = Context {
            gateways: &gateways,
            routing: &routing(),
            scripts: &*self.scripts,
            origin: Origin::File,
            ..Context::new(BEGIN)
        };
        let (mut drafts, problems) = read_text("schedules/demo.yaml", &text).drafts(&context);
        assert!(problems.is_empty(), "{problems:?}");
        drafts.remove(0).schedule
    }

    /// The provider's next answer is this.
    pub fn refuse(&self, error: RunError) {
        self.runner.0.lock().unwrap().push_back(error);
    }

    pub fn set(&self, now: Timestamp) {
        self.clock.set(now);
        self.handle().wake();
    }

    /// So many hours after the beginning.
    pub fn hour(&self, hour: u64) -> Timestamp {
        let now = BEGIN.plus(Span::from_seconds(hour * 3600));
        self.set(now);
        now
    }

    /// The next delivery.
    pub fn handed(&self) -> Delivery {
        self.handed.recv_timeout(Duration::from_secs(120)).expect("a delivery")
    }

    /// What the next delivery says.
    pub fn text(&self) -> String {
        self.handed().text
    }

    /// A schedule's newest run, once it is as is asked for.
    pub fn run(&self, key: ScheduleKey, number: u32, is_so: impl Fn(&Run) -> bool) -> Run {
        loop {
            let runs = self.handle().reader().runs(key, 5, None).unwrap();
            if let Some(run) = runs.into_iter().find(|run| run.number == number && is_so(run)) {
                return run;
            }
            self.ask(Op::Status);
        }
    }

    /// A schedule's run, once it is over.
    pub fn over(&self, key: ScheduleKey, number: u32) -> Run {
        self.run(key, number, Run::is_settled)
    }

    /// What a schedule's hook keeps.
    pub fn state(&self, key: ScheduleKey) -> Option<String> {
        self.handle().reader().hook_state(key).unwrap()
    }
}

fn routing() -> Routing {
    Routing { providers: ["echo".to_owned()].into(), ..Routing::new() }
}

pub fn declared(schedule: Schedule) -> Declaration {
    Declaration { schedule, paused: false, past: false }
}

/// How a run ended, and what was noted.
pub fn ended(run: &Run) -> String {
    let Phase::Settled { outcome, .. } = &run.phase else { panic!("not settled: {run:?}") };
    let notes = run.execution.as_ref().and_then(|execution| execution.notes.clone());
    let notes = notes.map(|notes| format!(" | {notes}")).unwrap_or_default();
    match outcome {
        Outcome::Delivered { .. } => format!("delivered{notes}"),
        Outcome::Silent { reason } => format!("silent: {reason}{notes}"),
        Outcome::Gated { reason } => format!("gated: {reason}{notes}"),
        Outcome::Failed { error } => format!("failed: {error}{notes}"),
        other => format!("{other:?}{notes}"),
    }
}
