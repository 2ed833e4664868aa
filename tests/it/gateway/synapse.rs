//! The Matrix gateway against a real homeserver, which `.ci/synapse` starts and says the address of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chimewheel::config;
use chimewheel::gateway::{ChatKind, Delivery, Gateway, Receipt, Secrets, SendError, matrix};
use chimewheel::time::Span;
use serde_json::{Value, json};

use super::conformance::{delivery, send};
use super::inbox::{Noted, Step, listen_until};

/// Where the homeserver is.
pub fn address() -> String {
    std::env::var("SYNAPSE_URL").expect("SYNAPSE_URL, as .ci/synapse sets it")
}

/// An account of the homeserver.
pub struct Account {
    http: reqwest::Client,
    tokio: tokio::runtime::Runtime,
    url: String,
    pub user: String,
    pub token: String,
}

impl Account {
    /// A new one, whose name begins with this.
    pub fn register(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Another client of the same process may have done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        let mut account = Self { http, tokio, url: address(), user: String::new(), token: String::new() };
        let name = format!("{name}-{}-{number}", std::process::id());
        let asked = json!({"username": name, "password": "correct horse", "auth": {"type": "m.login.dummy"}});
        let said = account.call("POST", "register", &asked);
        account.user = said["user_id"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned();
        account.token = said["access_token"].as_str().unwrap().to_owned();
        account
    }

    /// What the homeserver says to a question.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/_matrix/client/v3/{path}", self.url);
        let request = self.http.request(method.parse().unwrap(), url);
        let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        let request = request.body(body.to_string());
        // On a thread of its own, as whoever asks may be in the middle of listening.
        let exchange = || self.tokio.block_on(async { request.send().await.unwrap().bytes().await.unwrap() });
        let said = std::thread::scope(|scope| scope.spawn(exchange).join().unwrap());
        serde_json::from_slice(&said).unwrap()
    }

    pub fn room(&self, asked: &Value) -> String {
        let said = self.call("POST", "createRoom", asked);
        said["room_id"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
    }

    pub fn say(&self, room: &str, number: usize, content: &Value) -> String {
        let said = self.call("PUT", &format!("rooms/{room}/send/m.room.message/say-{number}"), content);
        said["event_id"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
    }

    /// The messages of a room that this account can see, the oldest first.
    pub fn messages(&self, room: &str) -> Vec<Value> {
        let (mut messages, mut from) = (Vec::new(), String::new());
        loop {
            let page = self.call("GET", &format!("rooms/{room}/messages?dir=f&limit=1000{from}"), &Value::Null);
            let chunk = page["chunk"].as_array().unwrap_or_else(|| panic!("{page}"));
            messages.extend(chunk.iter().filter(|event| event["type"] == "m.room.message").cloned());
            match page["end"].as_str() {
                Some(end) => from = format!("&from={end}"),
                None => return messages,
            }
        }
    }

    pub fn gateway(&self, join: bool) -> Arc<dyn Gateway> {
        let config = config::Matrix {
            base_url: self.url.clone(),
            token: None,
            user: Some(self.user.clone()),
            join,
            format: config::Markup::Plain,
            timeout: Span::from_seconds(20),
        };
        let secrets = Secrets { token: Some(self.token.clone().into()), ..Secrets::default() };
        matrix::open(&config, &secrets).unwrap()
    }
}

fn to(room: &str, key: &str, text: &str) -> Delivery {
    let mut delivery = Delivery { key: key.to_owned(), ..delivery(text) };
    delivery.destination.chat_id = room.to_owned();
    delivery
}

fn sent(gateway: &Arc<dyn Gateway>, delivery: Delivery) -> Result<Receipt, SendError> {
    send(gateway, vec![delivery]).pop().unwrap()
}

fn id(answer: Result<Receipt, SendError>) -> String {
    answer.unwrap().message_id.unwrap()
}

#[test]
#[ignore = "needs a Matrix homeserver: .ci/interop-matrix"]
fn a_homeserver_takes_each_key_once_and_keeps_threads_and_texts() {
    let bot = Account::register("bot");
    let gateway = bot.gateway(false);
    let alias = format!("chime-{}", bot.user.trim_start_matches('@').split(':').next().unwrap());
    let room = bot.room(&json!({"room_alias_name": alias}));
    let first = id(sent(&gateway, to(&room, "key-1", "Good morning")));
    assert_eq!(id(sent(&gateway, to(&room, "key-1", "Good morning"))), first);
    let text = "Ünïcödé 🕰️ \u{202e}rtl \"quotes\" \\ \u{7f} \u{1b}[31m @room\n\ttabs";
    id(sent(&gateway, to(&format!("#{alias}:localhost"), "key-2", text)));
    let mut threaded = to(&room, "key-3", "below");
    threaded.destination.thread = Some(first.clone());
    let third = id(sent(&gateway, threaded));
    let longest = "x".repeat(chimewheel::limits::MATRIX_TEXT_BYTES_MAX);
    id(sent(&gateway, to(&room, "key-4", &longest)));
    id(sent(&gateway, to(&room, "key-5", &"\"\n".repeat(longest.len() / 2))));
    let messages = bot.messages(&room);
    let texts: Vec<&str> = messages.iter().map(|message| message["content"]["body"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), 5, "{texts:.20?}");
    assert_eq!((texts[0], texts[1], texts[2], texts[3]), ("Good morning", text, "below", longest.as_str()));
    let thread =
        bot.call("GET", &format!("rooms/{room}/relations/{first}/m.thread").replace("v3", "v1"), &Value::Null);
    let below = messages.iter().find(|message| message["event_id"] == *third).unwrap();
    assert_eq!(below["content"]["m.relates_to"]["event_id"], *first, "{thread}");
}

#[test]
#[ignore = "needs a Matrix homeserver: .ci/interop-matrix"]
fn a_homeserver_s_refusals_are_understood() {
    let (bot, other) = (Account::register("bot"), Account::register("ada"));
    let gateway = bot.gateway(false);
    let room = other.room(&json!({}));
    let why = |answer: Result<Receipt, SendError>| match answer {
        Err(SendError::Permanent { error } | SendError::Barred { error }) => error,
        answer => panic!("{answer:?}"),
    };
    for (chat, part) in [
        (room.as_str(), "M_FORBIDDEN"),
        ("!nowhere:localhost", "M_FORBIDDEN"),
        ("#nowhere:localhost", "M_NOT_FOUND"),
        ("team-7", "base_url seems not"),
        ("..", "M_"),
    ] {
        let said = why(sent(&gateway, to(chat, "k", "x")));
        println!("{chat}: {said}");
        assert!(said.contains(part) || chat == "team-7", "{chat}: {said}");
    }
    let probe = || {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio.block_on(gateway.probe())
    };
    assert_eq!(probe(), Ok(format!("signed in as {}", bot.user)));
    bot.call("POST", "logout", &json!({}));
    let problem = probe().unwrap_err();
    assert!(problem.to_string().contains("M_UNKNOWN_TOKEN"), "{problem}");
    assert!(why(sent(&gateway, to(&room, "k", "x"))).contains("the access token is no longer good"));
}

#[test]
#[ignore = "needs a Matrix homeserver: .ci/interop-matrix"]
fn people_are_heard_in_rooms_that_the_bot_was_invited_to() {
    let (bot, ada, eve) = (Account::register("bot"), Account::register("ada"), Account::register("eve"));
    let gateway = bot.gateway(true);
    let inbox = Noted::at(None);
    listen_until(&gateway, &inbox, |inbox| inbox.steps().len() == 1);
    let direct = ada.room(&json!({"invite": [bot.user], "is_direct": true}));
    let group = ada.room(&json!({"invite": [bot.user, eve.user], "preset": "private_chat"}));
    eve.call("POST", &format!("rooms/{group}/join"), &json!({}));
    let rooms = |account: &Account| account.call("GET", "joined_rooms", &Value::Null)["joined_rooms"].clone();
    listen_until(&gateway, &inbox, |_| rooms(&bot).as_array().unwrap().len() == 2);
    let ours = id(sent(&gateway, to(&group, "k1", "Stand-up!")));
    let text = |body: &str| json!({"msgtype": "m.text", "body": body, "m.mentions": {}});
    let hello = ada.say(&direct, 0, &text("Hello"));
    // Until its place is kept too, what was taken is news, and comes again.
    let is_kept = |inbox: &Noted| matches!(inbox.steps().last(), Some(Step::Kept(_)));
    listen_until(&gateway, &inbox, |inbox| inbox.taken().len() == 1 && is_kept(inbox));
    // While nobody listens, more is said than one piece of news holds.
    for number in 1..=120 {
        ada.say(&group, number, &text(&format!("line {number}")));
    }
    let mut reply = text("Done.");
    reply["m.relates_to"] = json!({"m.in_reply_to": {"event_id": ours}});
    eve.say(&group, 1, &reply);
    listen_until(&gateway, &inbox, |inbox| inbox.taken().len() >= 122);
    let taken = inbox.taken();
    assert_eq!((&taken[0].message_id, taken[0].chat, taken[0].is_addressed), (&hello, ChatKind::Direct, true));
    assert!(taken[0].sender.id == ada.user && taken[0].sender.name.is_some() && taken[0].at.is_some());
    let lines: Vec<&str> = taken[1..121].iter().map(|message| message.text.as_str()).collect();
    assert_eq!(lines, (1..=120).map(|number| format!("line {number}")).collect::<Vec<_>>());
    assert!(taken[1..121].iter().all(|message| message.chat == ChatKind::Group && !message.is_addressed));
    assert!(taken[121].is_addressed && taken[121].reply_to.as_deref() == Some(ours.as_str()), "{:?}", taken[121]);
    assert_eq!(taken.len(), 122);
}

#[test]
#[ignore = "needs a Matrix homeserver with its own limits: .ci/interop-matrix"]
fn a_homeserver_that_has_enough_says_for_how_long() {
    let bot = Account::register("bot");
    let gateway = bot.gateway(false);
    let room = bot.room(&json!({}));
    let answers: Vec<_> = (0..20).map(|number| sent(&gateway, to(&room, &format!("k{number}"), "x"))).collect();
    let waits: Vec<Span> = answers
        .iter()
        .filter_map(|answer| match answer {
            Ok(_) => None,
            Err(SendError::Limited { after, .. }) => Some(after.unwrap()),
            Err(error) => panic!("{error:?}"),
        })
        .collect();
    println!("{} taken, {} put off, the first for {}", 20 - waits.len(), waits.len(), waits[0]);
    assert!(waits.iter().all(|wait| (1..60_000).contains(&wait.as_millis())), "{waits:?}");
    assert_eq!(bot.messages(&room).len(), 20 - waits.len());
}
