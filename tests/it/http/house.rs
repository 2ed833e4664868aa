//! A whole daemon inside the test: engine, operations and surface, and a plain client for it.

use std::sync::Arc;

use chimewheel::calendar::Zone;
use chimewheel::config::Routing;
use chimewheel::runtime::clock::{ManualClock, SystemClock};
use chimewheel::runtime::watchdog::Health;
use chimewheel::runtime::{Outside, Runtime, Settings};
use chimewheel::surface::admin::Token;
use chimewheel::surface::http::{Door, serve};
use chimewheel::surface::keys::Ring;
use chimewheel::surface::mcp::Offer;
use chimewheel::surface::ops::local::{Local, Setting};
use chimewheel::time::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// How long a message of the feed is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// A daemon that serves until it is dropped.
pub struct House {
    pub address: std::net::SocketAddr,
    pub folder: Arc<tempfile::TempDir>,
    pub clock: Arc<ManualClock>,
    tokio: tokio::runtime::Runtime,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
}

/// An answer, taken apart.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        value.map(str::trim_end)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl House {
    /// A house whose clock stands still, so that nothing comes due.
    pub fn open() -> Self {
        Self::again(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// A house over a folder that may have a store.
    pub fn again(folder: Arc<tempfile::TempDir>) -> Self {
        Self::with(folder, Outside::default())
    }

    /// The same with gateways, and agents whose config says something.
    pub fn with(folder: Arc<tempfile::TempDir>, outside: Outside) -> Self {
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let settings = Settings {
            data: folder.path().join("data"),
            serving: true,
            cache_bytes: 8 << 20,
            history_days: 30,
            pause_after: 10,
            catchup_per_second: 500,
        };
        let now = Timestamp::parse_rfc3339("2026-01-30T14:00:00Z").unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let agents = (*outside.agents).clone();
        let gateways = outside.gateways.keys().cloned().chain(["console".to_owned()]).collect();
        let runtime = Runtime::start(&settings, Arc::clone(&clock) as _, outside, tokio.handle().clone()).unwrap();
        let setting = Setting {
            zone: Zone::UTC,
            gateways,
            data: String::new(),
            listen: None,
            scripts: Arc::default(),
            routing: Routing::new(),
            serving: true,
            notices: Vec::new(),
        };
        let door = Door {
            operations: Arc::new(Local::new(runtime.handle(), setting).with_agents(agents)),
            keys: Arc::new(Ring::new(Token::new(super::TOKEN), runtime.handle())),
            offer: Offer { toolbox: Arc::default(), clock: Arc::new(SystemClock), zone: Zone::UTC },
            health: Arc::new(|| Health::Well),
            meter: Arc::clone(runtime.handle().meter()),
            ears: Some(runtime.handle()),
        };
        let (stop, stopped) = oneshot::channel();
        let listener = tokio.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio.spawn(serve(listener, door, async {
            let _ = stopped.await;
        }));
        Self { address, folder, clock, tokio, runtime: Some(runtime), stop: Some(stop), serving: Some(serving) }
    }

    /// Asks with headers of one's own, a line each; the admin's token goes with them.
    pub fn ask_with(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let text = request(method, path, headers, body);
        self.tokio.block_on(async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let body = if head.contains("chunked") { unchunked(body) } else { body.to_owned() };
            Answer { status, head: head.to_owned(), body }
        })
    }

    /// Asks with a body of JSON, or none.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_with(method, path, if body.is_empty() { "" } else { "content-type: application/json\r\n" }, body)
    }

    /// Reads messages of the live feed until `enough` of them are there.
    pub fn feed(&self, headers: &str, enough: usize) -> Vec<Message> {
        self.feed_of("/v1/events", headers, enough)
    }

    /// The same of another feed.
    pub fn feed_of(&self, path: &str, headers: &str, enough: usize) -> Vec<Message> {
        let text = request("GET", path, headers, "");
        self.tokio.block_on(async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut lines = BufReader::new(stream).lines();
            let mut messages = Vec::new();
            let mut message = Message::default();
            while messages.len() < enough {
                let next = tokio::time::timeout(PATIENCE, lines.next_line()).await;
                let line = next.unwrap_or_else(|_| panic!("no more came after {messages:?}"));
                let line = line.unwrap().expect("the feed goes on");
                if let Some(id) = line.strip_prefix("id: ") {
                    message.id = id.to_owned();
                } else if let Some(name) = line.strip_prefix("event: ") {
                    message.name = name.to_owned();
                } else if let Some(data) = line.strip_prefix("data: ") {
                    message.data = serde_json::from_str(data).unwrap();
                    messages.push(std::mem::take(&mut message));
                }
            }
            messages
        })
    }
}

/// A message of the live feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    pub id: String,
    pub name: String,
    pub data: Value,
}

fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let token = Token::new(super::TOKEN).header();
    let host = if headers.contains("host: ") { "" } else { "host: localhost\r\n" };
    format!(
        "{method} {path} HTTP/1.1\r\n{host}authorization: {token}\r\nconnection: close\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The body of an answer that came in chunks.
fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&rest[..size]);
        body = &rest[(size + 2).min(rest.len())..];
    }
    whole
}

impl Drop for House {
    fn drop(&mut self) {
        // A house that ends tells its surface first, then the engine, as the daemon does.
        let _ = self.stop.take().unwrap().send(());
        self.tokio.block_on(self.serving.take().unwrap()).unwrap().unwrap();
        self.runtime.take().unwrap().stop().unwrap();
    }
}
