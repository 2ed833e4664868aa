//! A Telegram of its own: the Bot API on loopback, and people who write in its chats.
//!
//! It keeps chats, topics, who may write where, and one bot's news, and answers in the words of Telegram's own server.
//! Every request and every answer is held against the machine-readable description of the Bot API where that is at hand
//! (`description`); a request that breaks it is refused, and told in [`Telegram::complaints`].
//! Time is only waited for where a bot polls. Not here: media, edits, buttons, limits that count seconds.

mod chats;
mod description;
mod methods;

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

pub use self::chats::Shown;
use self::chats::{Chat, Kind, State, Words};
pub use self::description::Description;
use crate::standin::{Play, Standin};

/// The bot's token.
pub const TOKEN: &str = "700001:AAHxZ-0rd_ChimeWheelTestBotToken0001";
/// The bot's number, and its name.
pub const BOT: (i64, &str) = (700_001, "chimewheel_bot");

/// How long the bot is waited for before a test is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Telegram with one bot.
pub struct Telegram {
    server: Standin,
    world: Arc<World>,
}

struct World {
    state: Mutex<State>,
    /// Something has changed that somebody may wait for.
    changed: Condvar,
    description: Option<Description>,
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes something, and wakes whoever waits for it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changed.notify_all();
        changed
    }
}

impl Telegram {
    pub fn start() -> Self {
        let description = Description::load();
        let world = Arc::new(World { state: Mutex::default(), changed: Condvar::new(), description });
        let answering = Arc::clone(&world);
        let server = Standin::start(move |request| methods::answer(&answering, request));
        Self { server, world }
    }

    /// What a bot takes for `https://api.telegram.org`.
    pub fn url(&self) -> String {
        self.server.url("")
    }

    /// A person, who has not written to the bot yet. Their private chat with it has the same number.
    pub fn person(&self, name: &str) -> i64 {
        self.world.change(|state| {
            let id = 5000 + state.chats.len() as i64;
            state.chats.insert(id, Chat::new(id, Kind::Private, name));
            state.chat(id).is_open = false;
            id
        })
    }

    /// A person who has pressed Start.
    pub fn acquaintance(&self, name: &str) -> i64 {
        let id = self.person(name);
        self.opens(id);
        id
    }

    /// The person presses Start, or unblocks the bot.
    pub fn opens(&self, person: i64) {
        self.world.change(|state| {
            let chat = state.chat(person);
            (chat.is_open, chat.refusal) = (true, None);
        });
    }

    /// A group with the bot in it; it becomes a supergroup when it [`moves`](Self::moves).
    pub fn group(&self, title: &str) -> i64 {
        self.add(-4000, Kind::Group, title)
    }

    /// A supergroup whose messages are in topics.
    pub fn forum(&self, title: &str) -> i64 {
        self.add(-1_001_000_000_000, Kind::Forum, title)
    }

    /// A channel in which the bot may post.
    pub fn channel(&self, title: &str) -> i64 {
        self.add(-1_002_000_000_000, Kind::Channel, title)
    }

    fn add(&self, below: i64, kind: Kind, title: &str) -> i64 {
        self.world.change(|state| {
            let id = below - state.chats.len() as i64;
            state.chats.insert(id, Chat::new(id, kind, title));
            id
        })
    }

    /// A new topic of a forum.
    pub fn topic(&self, forum: i64, title: &str) -> i64 {
        self.world.change(|state| state.open_topic(forum, title))
    }

    /// Closes a topic.
    pub fn closes(&self, forum: i64, topic: i64) {
        self.world.change(|state| state.chat(forum).topics.get_mut(&topic).expect("a topic").is_closed = true);
    }

    /// The person blocks the bot.
    pub fn blocks(&self, person: i64) {
        self.refuses(person, "bot was blocked by the user");
    }

    /// The bot may not write there for this reason, as Telegram says it.
    pub fn refuses(&self, chat: i64, why: &str) {
        self.world.change(|state| state.chat(chat).refusal = Some(why.to_owned()));
    }

    /// A group becomes a supergroup, with another number.
    pub fn moves(&self, group: i64) -> i64 {
        self.world.change(|state| state.move_group(group))
    }

    /// The next messages to a chat come too fast, and the bot is to wait for so many seconds.
    pub fn floods(&self, chat: i64, times: usize, seconds: u64) {
        self.world.change(|state| state.chat(chat).floods = (times, seconds));
    }

    /// The next call of a method, with its name in Telegram's case, is not seen by Telegram; this is played instead.
    pub fn plays(&self, method: &str, play: Play) {
        self.world.change(|state| state.plays.push((method.to_owned(), play, false)));
    }

    /// The next call of a method does what it does, and its answer is lost.
    pub fn loses_answer(&self, method: &str) {
        self.world.change(|state| state.plays.push((method.to_owned(), Play::Cut, true)));
    }

    /// Somebody has set a webhook, or taken it away.
    pub fn sets_webhook(&self, url: &str) {
        self.world.change(|state| url.clone_into(&mut state.webhook));
    }

    /// The bot's token is not valid any more, or is again.
    pub fn revokes(&self, is_revoked: bool) {
        self.world.change(|state| state.is_revoked = is_revoked);
    }

    /// Questions for news are not held for long, as if their time were over.
    pub fn hurries(&self) {
        self.world.change(|state| state.is_hasty = true);
    }

    /// News are counted from here on, as after a quiet week.
    pub fn counts_from(&self, number: i64) {
        self.world.change(|state| state.last_update = number - 1);
    }

    /// A person writes, and the bot is told. The number is the message's.
    pub fn writes(&self, person: i64, chat: i64, text: &str) -> i64 {
        self.write(Words { person, chat, text, ..Words::default() })
    }

    /// A person writes in a topic.
    pub fn writes_in(&self, person: i64, chat: i64, topic: i64, text: &str) -> i64 {
        self.write(Words { person, chat, topic: Some(topic), text, ..Words::default() })
    }

    /// A person answers a message.
    pub fn answers(&self, person: i64, chat: i64, message: i64, text: &str) -> i64 {
        self.write(Words { person, chat, text, answers: Some(message), ..Words::default() })
    }

    /// An administrator writes in the name of a chat.
    pub fn writes_as(&self, chat: i64, text: &str) -> i64 {
        self.write(Words { chat, text, ..Words::default() })
    }

    fn write(&self, words: Words<'_>) -> i64 {
        self.world.change(|state| state.write(words))
    }

    /// The bot is told something else: an update without its number.
    pub fn tells(&self, update: Value) {
        self.world.change(|state| state.tell(update));
    }

    /// Everything that a chat shows.
    pub fn shown(&self, chat: i64) -> Vec<Shown> {
        self.world.state().chat(chat).messages.clone()
    }

    /// What the bot wrote in a chat.
    pub fn said(&self, chat: i64) -> Vec<String> {
        self.world.state().chat(chat).said().cloned().collect()
    }

    /// What the bot wrote in a chat, once that is so many messages.
    pub fn wait_for(&self, chat: i64, count: usize) -> Vec<String> {
        self.wait("messages of the bot", |state| state.chat(chat).said().count() >= count);
        self.said(chat)
    }

    /// Waits until the bot was told everything, and has said that it took it.
    pub fn wait_until_taken(&self) {
        self.wait("everything to be taken", |state| state.updates.is_empty());
    }

    /// What the bot has not said to have taken.
    pub fn news(&self) -> Vec<Value> {
        self.world.state().updates.values().cloned().collect()
    }

    /// How many pieces of news the bot has not said to have taken.
    pub fn untaken(&self) -> usize {
        self.world.state().updates.len()
    }

    /// Waits until a method was called so often.
    pub fn wait_for_calls(&self, method: &str, count: usize) {
        self.wait("calls", |state| state.calls.iter().filter(|call| *call == method).count() >= count);
    }

    /// The methods that were called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.world.state().calls.clone()
    }

    /// What was not as the description says, of requests and of answers.
    pub fn complaints(&self) -> Vec<String> {
        self.world.state().complaints.clone()
    }

    fn wait(&self, what: &str, is_so: impl Fn(&mut State) -> bool) {
        let (state, waited) =
            self.world.changed.wait_timeout_while(self.world.state(), PATIENCE, |state| !is_so(state)).unwrap();
        drop(state);
        assert!(!waited.timed_out(), "waited in vain for {what}");
    }
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.world.change(|state| state.has_ended = true);
    }
}

/// What the Bot API says when it takes a call.
fn ok(result: &Value) -> Play {
    Play::json(200, &json!({"ok": true, "result": result})).with("Content-Type", "application/json")
}
