//! A runtime whose gateways are chats: what is sent there is told to the test, and the test writes there as people do.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chimewheel::access::{ChatKind, Destination};
use chimewheel::config::{Agent, Agents, Route, Routes, Webhook};
use chimewheel::gateway::{
    Capabilities, Delivery, Gateway, Inbound, Inbox, Listening, Receipt, Sender as Person, Sending,
};
use chimewheel::id::SessionKey;
use chimewheel::runtime::clock::ManualClock;
use chimewheel::runtime::{Declaration, Done, Gateways, Handle, Op, OpError, Outside, Runtime, Settings, door_of};
use chimewheel::session::{Conversation, Session, Voice};
use chimewheel::spec::{Context, Origin};
use chimewheel::surface::files::read_text;
use chimewheel::time::{Span, Timestamp};
use tokio::sync::{mpsc, oneshot};

pub const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);

type Written = (Vec<Inbound>, Option<String>, oneshot::Sender<Option<String>>);

/// A platform with chats.
struct Chat {
    sent: Mutex<Sender<Delivery>>,
    written: tokio::sync::Mutex<mpsc::UnboundedReceiver<Written>>,
}

impl Gateway for Chat {
    fn capabilities(&self) -> Capabilities {
        Capabilities { receives: true, ..Capabilities::PLAIN }
    }

    fn send(&self, delivery: Delivery) -> Sending<'_> {
        let message_id = Some(format!("m-{}", delivery.key));
        self.sent.lock().unwrap().send(delivery).unwrap();
        Box::pin(async { Ok(Receipt { message_id }) })
    }

    fn listen(&self, inbox: Arc<dyn Inbox>) -> Listening<'_> {
        Box::pin(async move {
            let mut written = self.written.lock().await;
            let mut place = inbox.place().await.unwrap();
            while let Some((messages, next, answer)) = written.recv().await {
                inbox.take(messages).await.unwrap();
                if let Some(next) = next {
                    inbox.keep_place(next.clone()).await.unwrap();
                    place = Some(next);
                }
                let _ = answer.send(place.clone());
            }
        })
    }
}

/// A platform that only takes.
struct Sink(Mutex<Sender<Delivery>>);

impl Gateway for Sink {
    fn send(&self, delivery: Delivery) -> Sending<'_> {
        self.0.lock().unwrap().send(delivery).unwrap();
        Box::pin(async { Ok(Receipt::default()) })
    }
}

pub struct House {
    tokio: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    routes: Arc<Routes>,
    agents: Arc<Agents>,
    sent: (Sender<Delivery>, Receiver<Delivery>),
    handed: (Sender<Delivery>, Receiver<Delivery>),
    write: Option<mpsc::UnboundedSender<Written>>,
    runtime: Option<Runtime>,
    count: usize,
}

impl House {
    pub fn new(routes: Vec<Route>, agents: &[(&str, bool)]) -> Self {
        let agent = |&(name, has_program): &(&str, bool)| {
            let webhook = has_program.then(|| Webhook {
                url: "http://127.0.0.1:1/".into(),
                secrets: Vec::new(),
                token: None,
                allow_private: true,
                timeout: Span::from_seconds(1),
            });
            (name.to_owned(), Agent { webhook, ..Agent::default() })
        };
        let mut house = Self {
            tokio: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::new(BEGIN)),
            routes: Arc::new(routes.into_iter().collect()),
            agents: Arc::new(agents.iter().map(agent).collect()),
            sent: channel(),
            handed: channel(),
            write: None,
            runtime: None,
            count: 0,
        };
        house.start();
        house
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
        let (write, written) = mpsc::unbounded_channel();
        self.write = Some(write);
        let chat = Chat { sent: Mutex::new(self.sent.0.clone()), written: tokio::sync::Mutex::new(written) };
        let mut gateways = Gateways::new();
        gateways.insert("chat".into(), Arc::new(chat));
        for (name, agent) in self.agents.iter() {
            if agent.webhook.is_some() {
                gateways.insert(door_of(name), Arc::new(Sink(Mutex::new(self.handed.0.clone()))));
            }
        }
        let (routes, agents) = (Arc::clone(&self.routes), Arc::clone(&self.agents));
        let outside = Outside { gateways, routes, agents, ..Outside::default() };
        let clock = Arc::clone(&self.clock) as _;
        self.runtime = Some(Runtime::start(&settings, clock, outside, self.tokio.handle().clone()).unwrap());
    }

    pub fn restart(&mut self) {
        self.runtime.take().unwrap().stop().unwrap();
        self.start();
    }

    pub fn handle(&self) -> Handle {
        self.runtime.as_ref().unwrap().handle()
    }

    pub fn ask(&self, op: Op) -> Result<Done, OpError> {
        self.tokio.block_on(self.handle().ask(op))
    }

    /// Adds one-shots of ada that are due at once and say this in her chat.
    pub fn say(&mut self, texts: &[&str]) {
        for text in texts {
            self.count += 1;
            let now = self.handle().now();
            let lines = format!(
                "id: s{}\nagent: ada\nschedule: {{at: \"{now}\"}}\ndestination: {{gateway: chat, chat_id: '7'}}\n\
                 payload: {{message: '{text}'}}\n",
                self.count
            );
            let gateways = ["chat".to_owned()];
            let context = Context { gateways: &gateways, origin: Origin::File, ..Context::new(now) };
            let (mut drafts, problems) = read_text("schedules/demo.yaml", &lines).drafts(&context);
            assert!(problems.is_empty(), "{problems:?}");
            let schedule = drafts.remove(0).schedule;
            self.ask(Op::Create(Declaration { schedule, paused: false, past: false })).unwrap();
        }
    }

    /// Somebody writes; back when it is taken. Answers with the place that is kept.
    pub fn write_all(&self, messages: Vec<Inbound>, place: Option<&str>) -> Option<String> {
        let (taken, answer) = oneshot::channel();
        self.write.as_ref().unwrap().send((messages, place.map(str::to_owned), taken)).unwrap();
        self.tokio.block_on(answer).expect("taken")
    }

    pub fn write(&self, id: &str, text: &str) {
        self.write_all(vec![message(id, text)], None);
    }

    pub fn pass(&self, hours: u64) {
        self.clock.set(self.clock_now().plus(Span::from_seconds(hours * 3600)));
        self.handle().wake();
    }

    pub fn clock_now(&self) -> Timestamp {
        self.handle().now()
    }

    /// What was sent to the chat next.
    pub fn sent(&self) -> Delivery {
        self.sent.1.recv_timeout(Duration::from_secs(120)).expect("a delivery")
    }

    /// What was handed to an agent's program next.
    pub fn handed(&self) -> Delivery {
        self.handed.1.recv_timeout(Duration::from_secs(120)).expect("a message")
    }

    /// Nothing more was sent or handed over.
    pub fn is_quiet(&self) -> bool {
        self.ask(Op::Status).unwrap();
        self.sent.1.try_recv().is_err() && self.handed.1.try_recv().is_err()
    }

    /// All sessions, the oldest first, each with what was said in it.
    pub fn sessions(&self) -> Vec<(SessionKey, Session, Vec<String>)> {
        let reader = self.handle().reader().clone();
        let (mut sessions, _) = reader.sessions(None, 100, |_| true).unwrap();
        sessions.reverse();
        let told = |(key, session): (SessionKey, Session)| {
            let said = reader.transcript(key, None, 1000).unwrap().into_iter().map(|(number, said)| {
                let voice = if matches!(said.voice, Voice::Agent) { "agent" } else { "user" };
                format!("{number} {voice}: {}", said.text)
            });
            (key, session, said.collect())
        };
        sessions.into_iter().map(told).collect()
    }

    /// What was said in each session, once that is so many messages in all.
    pub fn said(&self, count: usize) -> Vec<Vec<String>> {
        loop {
            let said: Vec<Vec<String>> = self.sessions().into_iter().map(|(.., said)| said).collect();
            let all = said.iter().map(Vec::len).sum::<usize>();
            assert!(all <= count, "{said:?}");
            if all == count {
                return said;
            }
            self.ask(Op::Status).unwrap();
        }
    }
}

pub fn message(id: &str, text: &str) -> Inbound {
    Inbound {
        message_id: id.to_owned(),
        chat_id: "7".to_owned(),
        thread: None,
        chat: ChatKind::Direct,
        sender: Person { id: "42".to_owned(), name: Some("Bo".to_owned()) },
        text: text.to_owned(),
        reply_to: None,
        is_addressed: true,
        at: None,
    }
}

/// A rule that names an agent for everything.
pub fn to(agent: &str) -> Route {
    Route { agent: agent.to_owned(), ..Route::default() }
}

pub fn of(agent: &str) -> Conversation {
    let place = Destination { gateway: "chat".into(), chat_id: "7".into(), thread: None };
    Conversation { place, agent: agent.to_owned() }
}
