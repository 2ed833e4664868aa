//! Discord's socket: what is heard, and that no cut loses or doubles a message.

use std::io;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chimewheel::config;
use chimewheel::gateway::{Ending, Gateway, Inbound, Inbox, Secrets, Taking, discord};
use chimewheel::time::Span;
use expect_test::expect;
use serde_json::json;
use tokio::sync::{Semaphore, watch};

use super::discord::TOKEN;
use super::discord_fake::{BOT_ID, CHANNEL, DIRECT, Fake, Order, Seen, THREAD};

/// How long anything is waited for before a test is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Milliseconds between two beats.
const BEAT_MS: u64 = 100;

/// An inbox that tells the test what it takes.
struct Box {
    taken: Sender<Inbound>,
    place: Mutex<Option<String>>,
    /// Each message needs one of these.
    room: Semaphore,
    is_ending: bool,
}

impl Inbox for Box {
    fn take(&self, messages: Vec<Inbound>) -> Taking<'_> {
        std::boxed::Box::pin(async move {
            for message in messages {
                self.room.acquire().await.unwrap().forget();
                if self.is_ending {
                    return Err(Ending);
                }
                self.taken.send(message).unwrap();
            }
            Ok(())
        })
    }

    fn place(&self) -> Taking<'_, Option<String>> {
        let place = self.place.lock().unwrap().clone();
        std::boxed::Box::pin(async move { Ok(place) })
    }

    fn keep_place(&self, place: String) -> Taking<'_> {
        *self.place.lock().unwrap() = Some(place);
        std::boxed::Box::pin(async { Ok(()) })
    }
}

/// An adapter that listens to a fake.
struct Scene {
    fake: Fake,
    inbox: Arc<Box>,
    taken: Receiver<Inbound>,
    log: Receiver<String>,
    log_to: Sender<String>,
    listening: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    message_content: bool,
}

#[derive(Clone)]
struct Log(Sender<String>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Scene {
    fn new(room: usize, is_ending: bool, message_content: bool) -> Self {
        let (taken_by, taken) = mpsc::channel();
        let (log_to, log) = mpsc::channel();
        let place = Mutex::default();
        let inbox = Arc::new(Box { taken: taken_by, place, room: Semaphore::new(room), is_ending });
        Self { fake: Fake::start(BEAT_MS), inbox, taken, log, log_to, listening: None, message_content }
    }

    /// A scene in which listening has begun.
    fn begun() -> Self {
        let mut scene = Self::new(1000, false, false);
        scene.listen();
        assert_eq!(scene.fake.next(), Seen::Identified { intents: 1 << 9 | 1 << 12 });
        scene.settle();
        scene
    }

    fn listen(&mut self) {
        let config = config::Discord {
            base_url: self.fake.http.url("/api/v10"),
            token: None,
            message_content: self.message_content,
            format: config::Markup::Plain,
            timeout: Span::from_seconds(20),
        };
        let gateway: Arc<dyn Gateway> =
            discord::open(&config, &Secrets { token: Some(TOKEN.into()), ..Secrets::default() }).unwrap();
        let (stop, mut stopped) = watch::channel(false);
        let (inbox, log) = (Arc::clone(&self.inbox), Log(self.log_to.clone()));
        let thread = thread::spawn(move || {
            let log = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(move || log.clone());
            let log = log.with_max_level(tracing::Level::INFO).with_target(false).finish();
            let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            tracing::subscriber::with_default(log, || {
                tokio.block_on(async {
                    tokio::select! {
                        () = gateway.listen(inbox) => {}
                        _ = stopped.changed() => {}
                    }
                });
            });
        });
        self.listening = Some((stop, thread));
    }

    fn stop(&mut self) {
        if let Some((stop, thread)) = self.listening.take() {
            let _ = stop.send(true);
            thread.join().unwrap();
        }
    }

    /// Waits until beats of this connection have been heard: one that comes after an answer shows that it was.
    fn settle(&self) {
        for _ in 0..4 {
            self.fake.next_beat();
        }
    }

    fn next(&self) -> Inbound {
        self.taken.recv_timeout(PATIENCE).expect("a message")
    }

    /// Waits for a line of the log that says this.
    fn logged(&self, what: &str) {
        while !self.log.recv_timeout(PATIENCE).expect("a line").contains(what) {}
    }

    /// That messages with these ids come, in this order, and no others before them.
    fn come(&self, ids: &[String]) {
        let came: Vec<String> = ids.iter().map(|_| self.next().message_id).collect();
        assert_eq!(came, ids);
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop();
    }
}

fn line(message: &Inbound) -> String {
    let Inbound { message_id: _, chat_id, thread, chat, sender, text, reply_to, is_addressed, at } = message;
    let at = at.map_or("-".to_owned(), |at| at.to_string());
    let name = sender.name.as_deref().unwrap_or("-");
    let mut line = format!("{at} {chat_id} ({chat:?}) {} ({name}): {text:?}", sender.id);
    for (name, value) in [("thread", thread), ("answers", reply_to)] {
        if let Some(value) = value {
            line += &format!(", {name} {value}");
        }
    }
    line + if *is_addressed { ", addressed" } else { "" }
}

#[test]
fn what_people_write_is_heard_with_where_and_for_whom() {
    let mut scene = Scene::new(1000, false, true);
    scene.listen();
    assert_eq!(scene.fake.next(), Seen::Identified { intents: 1 << 9 | 1 << 12 | 1 << 15 });
    scene.settle();
    let me = json!({"id": BOT_ID, "username": "chime"});
    let (named, to_me) = (
        json!({"mentions": [me]}),
        json!({"type": 19, "referenced_message": {"author": me},
        "message_reference": {"message_id": "77"}}),
    );
    let written = [
        (DIRECT, "hello".to_owned(), json!({})),
        (CHANNEL, "to all".to_owned(), json!({})),
        (CHANNEL, format!("<@{BOT_ID}>  /status"), named.clone()),
        (CHANNEL, format!("<@{BOT_ID}>"), named.clone()),
        (CHANNEL, "ask <@500000000000000005>".to_owned(), to_me),
        (CHANNEL, " ".to_owned(), json!({"attachments": [{"id": "1"}]})),
        (CHANNEL, "of a bot".to_owned(), json!({"author": {"id": "6", "username": "other", "bot": true}})),
        (CHANNEL, "of a webhook".to_owned(), json!({"webhook_id": "8"})),
        (CHANNEL, "Ada joined".to_owned(), json!({"type": 7})),
        (THREAD, format!("in a thread, <@!{BOT_ID}>"), named),
    ];
    for (channel, text, more) in &written {
        scene.fake.writes(channel, text, more);
    }
    let lines: String = (0..6).map(|_| line(&scene.next()) + "\n").collect();
    expect![[r#"
        2026-11-22T09:00:00Z 130000000000000013 (Direct) 500000000000000005 (Ada): "hello", addressed
        2026-11-22T09:00:00Z 110000000000000011 (Group) 500000000000000005 (Ada): "to all"
        2026-11-22T09:00:00Z 110000000000000011 (Group) 500000000000000005 (Ada): "/status", addressed
        2026-11-22T09:00:00Z 110000000000000011 (Group) 500000000000000005 (Ada): "<@900000000000000009>", addressed
        2026-11-22T09:00:00Z 110000000000000011 (Group) 500000000000000005 (Ada): "ask <@500000000000000005>", answers 77, addressed
        2026-11-22T09:00:00Z 110000000000000011 (Group) 500000000000000005 (Ada): "in a thread, <@!900000000000000009>", thread 120000000000000012, addressed
    "#]].assert_eq(&lines);
}

#[test]
fn without_the_content_intent_only_what_names_the_bot_is_heard() {
    let scene = Scene::begun();
    scene.fake.writes(CHANNEL, "to all", &json!({}));
    let named = scene.fake.writes(CHANNEL, "to the bot", &json!({"mentions": [{"id": BOT_ID}]}));
    let direct = scene.fake.writes(DIRECT, "hello", &json!({}));
    scene.come(&[named, direct]);
}

#[test]
fn a_cut_loses_and_doubles_nothing() {
    let scene = Scene::begun();
    let mut number = 0;
    let mut write = |count: usize| -> Vec<String> {
        let text = |number: &mut usize| {
            *number += 1;
            number.to_string()
        };
        (0..count).map(|_| scene.fake.writes(DIRECT, &text(&mut number), &json!({}))).collect()
    };
    let ways = [
        Order::Cut,
        Order::Close(4000),
        Order::Close(1001),
        Order::Say(json!({"op": 7, "d": null})),
        Order::Say(json!({"op": 0, "t": "MESSAGE_CREATE", "s": "torn"})),
    ];
    for way in ways {
        let before = write(5);
        scene.fake.order(way.clone());
        let meanwhile = write(5);
        assert!(matches!(scene.fake.next(), Seen::Resumed { .. }), "{way:?}");
        let after = write(5);
        scene.come(&[before, meanwhile, after].concat());
        scene.settle();
    }
    assert!(scene.taken.try_recv().is_err(), "nothing is doubled");
}

#[test]
fn a_process_that_begins_anew_hears_what_it_missed() {
    let mut scene = Scene::begun();
    let first = scene.fake.writes(DIRECT, "before", &json!({}));
    scene.come(&[first]);
    scene.stop();
    let missed: Vec<String> =
        (0..3).map(|number| scene.fake.writes(DIRECT, &number.to_string(), &json!({}))).collect();
    scene.listen();
    assert_eq!(scene.fake.next(), Seen::Resumed { after: 2 });
    scene.come(&missed);
    scene.settle();
    assert!(scene.taken.try_recv().is_err(), "nothing is doubled");
}

#[test]
fn a_session_that_is_forgotten_is_begun_anew() {
    let scene = Scene::begun();
    scene.fake.forget();
    scene.fake.order(Order::Cut);
    assert_eq!(scene.fake.next(), Seen::NotResumed);
    assert!(matches!(scene.fake.next(), Seen::Identified { .. }));
    scene.settle();
    let heard = scene.fake.writes(DIRECT, "again", &json!({}));
    scene.come(&[heard]);
    scene.logged("trying again at once");
    scene.logged("messages of the meantime may be missed");
}

#[test]
fn a_connection_whose_beats_are_not_heard_is_given_up() {
    let scene = Scene::begun();
    scene.fake.deafen(true);
    assert!(matches!(scene.fake.next(), Seen::Resumed { .. }));
    scene.fake.deafen(false);
    let heard = scene.fake.writes(DIRECT, "here", &json!({}));
    scene.come(&[heard]);
}

#[test]
fn beats_go_on_while_a_message_becomes_durable() {
    let mut scene = Scene::new(1, false, false);
    scene.listen();
    assert!(matches!(scene.fake.next(), Seen::Identified { .. }));
    scene.settle();
    let ids: Vec<String> = (0..3).map(|number| scene.fake.writes(DIRECT, &number.to_string(), &json!({}))).collect();
    scene.come(&ids[..1]);
    let beats: Vec<Option<u64>> = (0..20).map(|_| scene.fake.next_beat()).collect();
    assert_eq!(beats.last(), Some(&Some(2)), "only the first has been reached: {beats:?}");
    scene.inbox.room.add_permits(1000);
    scene.come(&ids[1..]);
}

#[test]
fn a_refusal_is_told_once_with_the_way_out() {
    let cases = [
        (4004, "ERROR Discord does not let us listen: Discord ended the connection: 4004; the token is wrong"),
        (4011, "too many servers for one connection"),
        (4013, "a newer chimewheel is needed"),
        (4014, "switch 'Message Content Intent' on in the developer portal"),
    ];
    for (code, told) in cases {
        let mut scene = Scene::new(1000, false, false);
        scene.fake.refuse(Some(code));
        scene.listen();
        scene.logged(told);
    }
}

#[test]
fn listening_ends_when_the_process_does() {
    let mut scene = Scene::new(1000, true, false);
    scene.listen();
    assert!(matches!(scene.fake.next(), Seen::Identified { .. }));
    scene.settle();
    scene.fake.writes(DIRECT, "too late", &json!({}));
    let (_, thread) = scene.listening.take().unwrap();
    thread.join().unwrap();
    assert!(scene.taken.try_recv().is_err());
}

#[test]
#[ignore = "needs the PyPI package discord.py: .ci/interop-discord"]
fn a_third_party_client_is_served() {
    let fake = Fake::start(200);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv-discord/bin/python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/discord/client.py");
    let mut client = Command::new(folder)
        .args([script, TOKEN])
        .env("DISCORD_API", fake.http.url("/api/v10"))
        .env("DISCORD_SOCKET", fake.socket_url())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    assert!(matches!(fake.next(), Seen::Identified { .. }));
    fake.next_beat();
    let echo = |channel: &str, text: &str| {
        fake.writes(channel, text, &json!({}));
        let posted = Seen::Posted { channel: channel.to_owned(), text: format!("heard {text}") };
        let seen = fake.next();
        assert_eq!(seen, posted);
    };
    echo(CHANNEL, "one");
    echo(DIRECT, "two");
    fake.order(Order::Say(json!({"op": 7, "d": null})));
    fake.writes(CHANNEL, "three", &json!({}));
    let mut seen = vec![fake.next(), fake.next()];
    seen.sort_by_key(|seen| !matches!(seen, Seen::Resumed { .. }));
    assert!(
        matches!(&seen[..], [Seen::Resumed { .. }, Seen::Posted { text, .. }] if text == "heard three"),
        "{seen:?}"
    );
    echo(THREAD, "four");
    fake.writes(CHANNEL, "end", &json!({}));
    assert!(client.wait().unwrap().success());
    let texts: Vec<String> = fake.posted().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["heard one", "heard two", "heard three", "heard four"]);
}
