//! A small Discord on loopback: its methods and its socket, with sessions that can be taken up again.
//!
//! Proven by a third-party client (`discord_socket::a_third_party_client_is_served`), so that our adapter is not only
//! tested against our own reading. Strict where Discord is: the token, the intents, the first word, numbers that never
//! were. Nothing sleeps here; tests say when something happens.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

use super::discord::TOKEN;
use crate::standin::{Play, Received, Standin};

pub const BOT_ID: &str = "900000000000000009";
pub const SERVER: &str = "700000000000000007";
/// A channel of the server, a thread in it, and a direct chat.
pub const CHANNEL: &str = "110000000000000011";
pub const THREAD: &str = "120000000000000012";
pub const DIRECT: &str = "130000000000000013";

/// How long anything is waited for before a test is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The intent without which only what names the bot can be read.
const CONTENT: u64 = 1 << 15;

/// A running Discord.
pub struct Fake {
    pub http: Standin,
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    orders: broadcast::Sender<Order>,
    grown: watch::Sender<()>,
    seen: Mutex<mpsc::UnboundedReceiver<Seen>>,
    _tokio: Arc<tokio::runtime::Runtime>,
}

/// What a connection is told to do.
#[derive(Clone, Debug)]
pub enum Order {
    /// Ends without a word.
    Cut,
    /// Ends with this number.
    Close(u16),
    /// Says this.
    Say(Value),
}

/// What a client did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Identified { intents: u64 },
    Resumed { after: u64 },
    NotResumed,
    Beat(Option<u64>),
    Posted { channel: String, text: String },
}

#[derive(Default)]
struct World {
    sessions: BTreeMap<String, Vec<(u64, Value)>>,
    intents: BTreeMap<String, u64>,
    messages: u64,
    posted: Vec<(String, String)>,
    nonces: BTreeMap<String, Value>,
    beat_ms: u64,
    is_deaf: bool,
    refuses: Option<u16>,
}

/// What one connection works with.
#[derive(Clone)]
struct Line {
    world: Arc<Mutex<World>>,
    seen: mpsc::UnboundedSender<Seen>,
    address: SocketAddr,
}

impl Fake {
    pub fn start(beat_ms: u64) -> Self {
        let world = Arc::new(Mutex::new(World { beat_ms, ..World::default() }));
        let tokio =
            Arc::new(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
        let listener = tokio.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (orders, grown) = (broadcast::channel(64).0, watch::channel(()).0);
        let (seen_by, seen) = mpsc::unbounded_channel();
        let line = Line { world: Arc::clone(&world), seen: seen_by.clone(), address };
        let (orders_of, grown_of) = (orders.clone(), grown.clone());
        tokio.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(line.clone().serve(stream, orders_of.subscribe(), grown_of.subscribe()));
            }
        });
        let world_of = Arc::clone(&world);
        let http = Standin::start(move |request| method(&mut world_of.lock().unwrap(), &seen_by, address, request));
        Self { http, address, world, orders, grown, seen: Mutex::new(seen), _tokio: tokio }
    }

    /// Where its socket is.
    pub fn socket_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Somebody writes; what is in `more` is added to the message.
    pub fn writes(&self, channel: &str, text: &str, more: &Value) -> String {
        let mut world = self.world();
        world.messages += 1;
        let id = snowflake(world.messages);
        let ada = json!({"id": "500000000000000005", "username": "ada", "global_name": "Ada", "discriminator": "0", "avatar": null});
        let mut message = message(&id, channel, text, &ada);
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.happens("MESSAGE_CREATE", &message);
        self.grown.send_replace(());
        id
    }

    /// Every connection there is does this.
    pub fn order(&self, order: Order) {
        self.orders.send(order).expect("a connection");
    }

    /// From now on, beats are not answered.
    pub fn deafen(&self, is_deaf: bool) {
        self.world().is_deaf = is_deaf;
    }

    /// From now on, whoever introduces itself is sent away with this number.
    pub fn refuse(&self, code: Option<u16>) {
        self.world().refuses = code;
    }

    /// No session can be taken up again.
    pub fn forget(&self) {
        self.world().sessions.clear();
    }

    /// The next thing a client did, beats aside.
    pub fn next(&self) -> Seen {
        loop {
            let seen = self.next_of_all();
            if !matches!(seen, Seen::Beat(_)) {
                return seen;
            }
        }
    }

    /// The next beat.
    pub fn next_beat(&self) -> Option<u64> {
        loop {
            if let Seen::Beat(seq) = self.next_of_all() {
                return seq;
            }
        }
    }

    fn next_of_all(&self) -> Seen {
        let mut seen = self.seen.lock().unwrap();
        let next = async { tokio::time::timeout(PATIENCE, seen.recv()).await.expect("something to happen").unwrap() };
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(next)
    }

    /// What the bot has posted, by channel and text.
    pub fn posted(&self) -> Vec<(String, String)> {
        self.world().posted.clone()
    }
}

impl World {
    /// Something happens in all sessions.
    fn happens(&mut self, kind: &str, what: &Value) {
        for (session, log) in &mut self.sessions {
            let mut what = what.clone();
            let names_bot = what["mentions"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == BOT_ID));
            let may_read = self.intents[session] & CONTENT != 0 || what["guild_id"].is_null() || names_bot;
            if !may_read {
                what["content"] = json!("");
            }
            let seq = log.len() as u64 + 1;
            log.push((seq, json!({"op": 0, "t": kind, "s": seq, "d": what})));
        }
    }

    fn behind(&self, session: &str, seq: u64) -> Vec<(u64, Value)> {
        let log = self.sessions.get(session).map(Vec::as_slice).unwrap_or_default();
        log.iter().filter(|(number, _)| *number > seq).cloned().collect()
    }
}

/// The number of something made in November 2026.
fn snowflake(number: u64) -> String {
    let ms: u64 = 1_795_338_000_000 - 1_420_070_400_000;
    ((ms << 22) + number).to_string()
}

fn message(id: &str, channel: &str, text: &str, author: &Value) -> Value {
    let mut message = json!({
        "id": id, "channel_id": channel, "content": text, "author": author, "type": 0, "attachments": [], "embeds": [],
        "mentions": [], "mention_roles": [], "mention_everyone": false, "pinned": false, "tts": false, "flags": 0,
        "edited_timestamp": null, "timestamp": "2026-11-22T09:00:00.000000+00:00", "components": [],
    });
    if channel != DIRECT {
        message["guild_id"] = json!(SERVER);
    }
    message
}

fn bot() -> Value {
    json!({
        "id": BOT_ID, "username": "chime", "global_name": null, "discriminator": "0", "avatar": null, "bot": true,
        "flags": 0, "public_flags": 0, "verified": true, "mfa_enabled": false, "locale": "en-US", "email": null,
    })
}

/// Answers one of the methods.
fn method(world: &mut World, seen: &mpsc::UnboundedSender<Seen>, socket: SocketAddr, request: &Received) -> Play {
    let answer = |status, body: &Value| Play::json(status, body).with("Content-Type", "application/json");
    if request.header("authorization") != Some(&format!("Bot {TOKEN}")) {
        return answer(401, &json!({"message": "401: Unauthorized", "code": 0}));
    }
    let path = request.target.split('?').next().unwrap().trim_start_matches("/api/v10");
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["users", "@me"] => answer(200, &bot()),
        ["oauth2", "applications", "@me"] => answer(
            200,
            &json!({
                "id": BOT_ID, "name": "chime", "icon": null, "description": "", "summary": "", "rpc_origins": [],
                "bot_public": true, "bot_require_code_grant": false, "verify_key": "x", "flags": 0, "team": null,
                "owner": {"id": "1", "username": "o", "discriminator": "0", "avatar": null},
            }),
        ),
        ["gateway", "bot"] => {
            let limit = json!({"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1});
            answer(200, &json!({"url": format!("ws://{socket}"), "shards": 1, "session_start_limit": limit}))
        }
        ["channels", CHANNEL] => answer(200, &json!({"id": CHANNEL, "type": 0, "guild_id": SERVER})),
        ["channels", THREAD] => {
            answer(200, &json!({"id": THREAD, "type": 11, "guild_id": SERVER, "parent_id": CHANNEL}))
        }
        ["channels", channel @ (CHANNEL | THREAD | DIRECT), "messages"] => {
            let body = request.json();
            let text = body["content"].as_str().unwrap().to_owned();
            let nonce = body["nonce"].to_string();
            if let Some(same) = world.nonces.get(&nonce).filter(|_| body["enforce_nonce"] == true) {
                return answer(200, same);
            }
            world.messages += 1;
            let posted = message(&snowflake(world.messages), channel, &text, &bot());
            world.nonces.insert(nonce, posted.clone());
            world.posted.push((channel.to_owned(), text.clone()));
            world.happens("MESSAGE_CREATE", &posted);
            let _ = seen.send(Seen::Posted { channel: channel.to_owned(), text });
            answer(200, &posted)
        }
        ["channels", ..] => answer(404, &json!({"message": "Unknown Channel", "code": 10003})),
        _ => answer(404, &json!({"message": "404: Not Found", "code": 0})),
    }
}

/// One connection.
struct Talk {
    socket: WebSocketStream<TcpStream>,
    is_compressed: bool,
    is_first: bool,
}

impl Talk {
    async fn say(&mut self, what: &Value) {
        let text = what.to_string();
        let message = match self.is_compressed {
            false => Message::text(text),
            true => Message::binary(stored(text.as_bytes(), std::mem::take(&mut self.is_first))),
        };
        // Whoever has gone hears no more.
        let _ = self.socket.send(message).await;
    }

    async fn close(mut self, code: u16) {
        let _ = self.socket.close(Some(CloseFrame { code: code.into(), reason: "".into() })).await;
    }
}

/// The next piece of a zlib stream, which is not made any smaller: blocks as they are, and an empty one at the end.
fn stored(bytes: &[u8], is_first: bool) -> Vec<u8> {
    let mut stream = if is_first { vec![0x78, 0x01] } else { Vec::new() };
    for block in bytes.chunks(0xffff).chain([&[][..]]) {
        let length = block.len() as u16;
        stream.push(0);
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream
}

impl Line {
    async fn serve(self, stream: TcpStream, mut orders: broadcast::Receiver<Order>, mut grown: watch::Receiver<()>) {
        let mut query = String::new();
        // The trait's error type is as large as it is.
        #[allow(clippy::result_large_err)]
        let note = |request: &Request, response: Response| {
            request.uri().query().unwrap_or_default().clone_into(&mut query);
            Ok(response)
        };
        let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, note).await else { return };
        assert!(query.contains("v=10") && query.contains("encoding=json"), "{query}");
        let is_compressed = query.contains("compress=zlib-stream");
        let mut talk = Talk { socket, is_compressed, is_first: true };
        let beat_ms = self.world.lock().unwrap().beat_ms;
        talk.say(&json!({"op": 10, "d": {"heartbeat_interval": beat_ms}})).await;
        let mut place: Option<(String, u64)> = None;
        loop {
            if let Some((session, seq)) = &mut place {
                let behind = self.world.lock().unwrap().behind(session, *seq);
                for (number, what) in behind {
                    talk.say(&what).await;
                    *seq = number;
                }
            }
            tokio::select! {
                said = talk.socket.next() => match said {
                    Some(Ok(Message::Text(text))) => {
                        let said: Value = serde_json::from_str(&text).expect("JSON");
                        match self.answer(&mut talk, &said, &mut place).await {
                            Ok(()) => {}
                            Err(code) => return talk.close(code).await,
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => return,
                },
                order = orders.recv() => match order {
                    Ok(Order::Say(what)) => talk.say(&what).await,
                    Ok(Order::Close(code)) => return talk.close(code).await,
                    Ok(Order::Cut) | Err(_) => return,
                },
                _ = grown.changed() => {}
            }
        }
    }

    /// Answers what a client said, or ends the connection with a number.
    async fn answer(&self, talk: &mut Talk, said: &Value, place: &mut Option<(String, u64)>) -> Result<(), u16> {
        let told = &said["d"];
        match said["op"].as_u64() {
            Some(1) => {
                let _ = self.seen.send(Seen::Beat(told.as_u64()));
                let is_deaf = self.world.lock().unwrap().is_deaf;
                if !is_deaf {
                    talk.say(&json!({"op": 11})).await;
                }
                Ok(())
            }
            Some(2) => {
                self.introduced(told)?;
                *place = Some(self.identified(told)?);
                Ok(())
            }
            Some(6) => {
                self.introduced(told)?;
                *place = self.resumed(told)?;
                if place.is_none() {
                    talk.say(&json!({"op": 9, "d": false})).await;
                }
                Ok(())
            }
            // A client says that it is online, or asks for members.
            Some(3 | 4 | 8) if place.is_some() => Ok(()),
            _ => Err(4001),
        }
    }

    fn introduced(&self, told: &Value) -> Result<(), u16> {
        if let Some(code) = self.world.lock().unwrap().refuses {
            return Err(code);
        }
        if told["token"] == TOKEN { Ok(()) } else { Err(4004) }
    }

    /// A new session, of which nothing has been said yet.
    fn identified(&self, told: &Value) -> Result<(String, u64), u16> {
        let intents = told["intents"].as_u64().ok_or(4013_u16)?;
        if !told["properties"].is_object() {
            return Err(4002);
        }
        let mut world = self.world.lock().unwrap();
        let session = format!("session-{}", world.intents.len());
        let ready = json!({
            "v": 10, "user": bot(), "guilds": [], "private_channels": [], "session_id": session,
            "resume_gateway_url": format!("ws://{}/resume", self.address), "application": {"id": BOT_ID, "flags": 0},
        });
        world.intents.insert(session.clone(), intents);
        world.sessions.insert(session.clone(), vec![(1, json!({"op": 0, "t": "READY", "s": 1, "d": ready}))]);
        let _ = self.seen.send(Seen::Identified { intents });
        Ok((session, 0))
    }

    /// The session that is taken up again, and where.
    fn resumed(&self, told: &Value) -> Result<Option<(String, u64)>, u16> {
        let (session, after) = (told["session_id"].as_str().ok_or(4002_u16)?, told["seq"].as_u64().ok_or(4002_u16)?);
        let mut world = self.world.lock().unwrap();
        let Some(log) = world.sessions.get_mut(session) else {
            let _ = self.seen.send(Seen::NotResumed);
            return Ok(None);
        };
        let last = log.len() as u64;
        if after > last {
            return Err(4007);
        }
        log.push((last + 1, json!({"op": 0, "t": "RESUMED", "s": last + 1, "d": {}})));
        let _ = self.seen.send(Seen::Resumed { after });
        Ok(Some((session.to_owned(), after)))
    }
}
