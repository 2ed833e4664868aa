//! A scripted HTTP server on loopback, in the test's own process: what adapters are driven against.
//!
//! A thread a connection, HTTP/1.1 with `Content-Length`, connections kept. The script is a function from what was
//! received to what is played. Nothing here sleeps: an answer that does not come is a connection held until the other
//! side ends it.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::time::Timestamp;
use serde_json::Value;

/// How long the next request is waited for before a test is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request, read to its end.
#[derive(Clone, Debug)]
pub struct Received {
    /// When its last byte was read.
    pub at: Timestamp,
    /// Requests before it, on all connections.
    pub number: usize,
    /// How often [`Standin::turn_page`] had been called when its connection came.
    pub page: usize,
    /// Such as `/path?query`.
    pub target: String,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What is played to a request.
#[derive(Clone, Debug)]
pub enum Play {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// The same after this long, unless the other side has gone by then.
    Late {
        after: Duration,
        status: u16,
    },
    /// No answer, ever.
    Hold,
    /// The connection is cut without a word.
    Cut,
    /// The connection is cut in the middle of an answer's head.
    CutAnswer,
}

/// A running server.
pub struct Standin {
    pub address: SocketAddr,
    requests: Mutex<Receiver<(Received, Play)>>,
    pages: Arc<AtomicUsize>,
    seen: Mutex<Receiver<()>>,
    ended: Arc<AtomicBool>,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Play {
    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: String::new() }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.to_string() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

impl Standin {
    pub fn start(script: impl Fn(&Received) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (pages, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen_by, seen) = mpsc::channel();
        let (requests_to, requests) = mpsc::channel();
        let (page_of, has_ended, script, count) =
            (Arc::clone(&pages), Arc::clone(&ended), Arc::new(script), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if has_ended.load(Ordering::SeqCst) {
                    return;
                }
                // One that was reset before it was taken is none.
                let Ok(stream) = stream else { continue };
                let page = page_of.load(Ordering::SeqCst);
                let (script, count) = (Arc::clone(&script), Arc::clone(&count));
                let (seen_by, requests_to) = (seen_by.clone(), requests_to.clone());
                thread::spawn(move || {
                    let connection = Connection { page, count: &count, requests: &requests_to };
                    // Whatever breaks a connection is the other side's doing.
                    let _ = connection.serve(&stream, &*script);
                    let _ = seen_by.send(());
                });
            }
        });
        Self { address, requests: Mutex::new(requests), pages, seen: Mutex::new(seen), ended }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request, and what is played to it.
    pub fn next(&self) -> (Received, Play) {
        self.requests.lock().unwrap().recv_timeout(PATIENCE).expect("a request")
    }

    /// The next request, if one comes within this time.
    pub fn next_within(&self, time: Duration) -> Option<(Received, Play)> {
        self.requests.lock().unwrap().recv_timeout(time).ok()
    }

    /// The next request, if one came already.
    pub fn poll(&self) -> Option<(Received, Play)> {
        self.next_within(Duration::ZERO)
    }

    /// Connections from now on belong to the next page; those made before have been taken.
    pub fn turn_page(&self) {
        let seen = self.seen.lock().unwrap();
        while seen.try_recv().is_ok() {}
        // Connections are taken in the order they came, so when this one has ended, all before it were taken.
        drop(TcpStream::connect(self.address).unwrap());
        seen.recv_timeout(PATIENCE).expect("an end of a connection");
        self.pages.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // The listener looks at the flag when a connection comes.
        drop(TcpStream::connect(self.address));
    }
}

struct Connection<'a> {
    page: usize,
    count: &'a AtomicUsize,
    requests: &'a Sender<(Received, Play)>,
}

impl Connection<'_> {
    fn serve(&self, stream: &TcpStream, script: &dyn Fn(&Received) -> Play) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut input = BufReader::new(stream);
        let mut output = stream;
        while let Some(received) = self.read(&mut input)? {
            let play = script(&received);
            // Noted before it is answered, so whoever has an answer finds it noted. A test that has ended listens no longer.
            let _ = self.requests.send((received, play.clone()));
            match &play {
                Play::Answer { status, headers, body } => output.write_all(&answer(*status, headers, body))?,
                Play::Late { after, status } => {
                    if has_gone(stream, *after)? {
                        return Ok(());
                    }
                    output.write_all(&answer(*status, &[], ""))?;
                }
                Play::CutAnswer => output.write_all(b"HTTP/1.1 20")?,
                Play::Hold | Play::Cut => {}
            }
            match play {
                Play::Answer { .. } | Play::Late { .. } => {}
                Play::Hold => {
                    io::copy(&mut input, &mut io::sink())?;
                    return Ok(());
                }
                Play::Cut | Play::CutAnswer => return Ok(()),
            }
        }
        Ok(())
    }

    fn read(&self, input: &mut BufReader<&TcpStream>) -> io::Result<Option<Received>> {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            line.clear();
            input.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length: &String| length.parse().unwrap());
        let mut body = vec![0; length];
        input.read_exact(&mut body)?;
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        Ok(Some(Received { at: SystemClock.now(), number, page: self.page, target, headers, body }))
    }
}

/// Whether the other side ends the connection within this time; nothing else can come from it before it is answered.
fn has_gone(stream: &TcpStream, within: Duration) -> io::Result<bool> {
    stream.set_read_timeout(Some(within))?;
    let has_gone = stream.peek(&mut [0]).is_ok();
    stream.set_read_timeout(None)?;
    Ok(has_gone)
}

fn answer(status: u16, headers: &[(&str, String)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    (text + "\r\n" + body).into_bytes()
}
