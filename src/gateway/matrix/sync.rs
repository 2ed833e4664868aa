//! What people write in the bot's rooms, as the homeserver tells of it.
//!
//! One question after the other, each held until there is news. The place is the homeserver's token for the news that
//! come next; it is asked with only after what came before was taken. Where nothing was kept, listening begins now: what
//! was written before is not news. Invariant: messages of a room are taken in its order, gaps filled.
//! Units: milliseconds. Not here: what a message says (`event`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Matrix;
use super::event::{Event, Said, names};
use crate::gateway::pause::Pause;
use crate::gateway::{ChatKind, Ending, Inbound, Inbox, SendError, Sender};
use crate::limits::{
    MATRIX_GAP_PAGES_MAX, MATRIX_JOINS_COUNT_MAX, MATRIX_POLL_MS_MAX, MATRIX_ROOMS_COUNT_MAX, MATRIX_SYNC_BYTES_MAX,
    MATRIX_TIMELINE_COUNT_MAX,
};
use crate::time::{Span, Timestamp};

/// Events that are told of.
const KINDS: [&str; 3] = ["m.room.message", "m.room.encrypted", "m.room.member"];

/// News.
#[derive(Deserialize)]
struct News {
    next_batch: String,
    #[serde(default)]
    rooms: Rooms,
}

#[derive(Default, Deserialize)]
struct Rooms {
    #[serde(default)]
    join: BTreeMap<String, Joined>,
    #[serde(default)]
    invite: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Joined {
    #[serde(default)]
    timeline: Timeline,
}

#[derive(Default, Deserialize)]
struct Timeline {
    #[serde(default)]
    events: Vec<Value>,
    #[serde(default)]
    limited: bool,
    #[serde(default)]
    prev_batch: Option<String>,
}

/// A page of what was written in a room.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    chunk: Vec<Value>,
    #[serde(default)]
    end: Option<String>,
}

#[derive(Deserialize)]
struct Members {
    joined: HashMap<String, Member>,
}

#[derive(Deserialize)]
struct Member {
    #[serde(default)]
    display_name: Option<String>,
}

/// Who is in a room.
struct Room {
    kind: ChatKind,
    /// As they are called, where the room is not too big to ask.
    names: HashMap<String, String>,
}

/// Why listening cannot go on now.
enum Trouble {
    Ending,
    Platform(SendError),
}

impl From<Ending> for Trouble {
    fn from(Ending: Ending) -> Self {
        Self::Ending
    }
}

impl From<SendError> for Trouble {
    fn from(error: SendError) -> Self {
        Self::Platform(error)
    }
}

/// Listens until it is dropped, or the process ends.
pub(super) async fn listen(matrix: &Matrix, inbox: Arc<dyn Inbox>) {
    let Ok(place) = inbox.place().await else { return };
    let mut listener = Listener {
        matrix,
        inbox,
        place,
        me: None,
        rooms: HashMap::new(),
        invited: BTreeMap::new(),
        unread: HashSet::new(),
        timeline: MATRIX_TIMELINE_COUNT_MAX,
    };
    let mut pause = Pause::default();
    let mut is_refused = false;
    loop {
        let wait = match listener.round().await {
            Ok(()) => {
                pause.reset();
                is_refused = false;
                continue;
            }
            Err(Trouble::Ending) => return,
            Err(Trouble::Platform(SendError::Permanent { error } | SendError::Barred { error })) => {
                // Only a person can do something about it, and one line is enough for that.
                if !is_refused {
                    tracing::error!("nothing is received from Matrix: {error}");
                }
                is_refused = true;
                Pause::refused()
            }
            Err(Trouble::Platform(SendError::Retry { error, after } | SendError::Limited { error, after, .. })) => {
                tracing::warn!("receiving from Matrix waits: {error}");
                pause.next(after)
            }
            Err(Trouble::Platform(SendError::Unreachable { error } | SendError::Ambiguous { error })) => {
                tracing::warn!("receiving from Matrix waits: {error}");
                pause.next(None)
            }
        };
        tokio::time::sleep(wait.to_std()).await;
    }
}

struct Listener<'a> {
    matrix: &'a Matrix,
    inbox: Arc<dyn Inbox>,
    place: Option<String>,
    me: Option<Me>,
    rooms: HashMap<String, Room>,
    /// Invitations that were not accepted yet, and how often that was tried.
    invited: BTreeMap<String, usize>,
    /// Encrypted rooms that were told of.
    unread: HashSet<String>,
    /// Messages of one room in one piece of news.
    timeline: usize,
}

/// The bot.
#[derive(Clone)]
struct Me {
    user: String,
    /// As people call it.
    name: String,
}

impl Listener<'_> {
    async fn round(&mut self) -> Result<(), Trouble> {
        let me = self.me().await?;
        let is_first = self.place.is_none();
        let Some(news) = self.news().await? else {
            if self.timeline == 1 {
                let error =
                    format!("its news are longer than {MATRIX_SYNC_BYTES_MAX} bytes; is the bot in too many rooms?");
                return Err(SendError::Retry { error, after: None }.into());
            }
            // What is left out is a gap, and gaps are asked for.
            self.timeline = 1;
            return Ok(());
        };
        self.timeline = MATRIX_TIMELINE_COUNT_MAX;
        self.accept(news.rooms.invite.into_keys()).await;
        if !is_first {
            for (room, joined) in news.rooms.join {
                let messages = self.messages(&me, &room, joined.timeline).await?;
                if !messages.is_empty() {
                    self.inbox.take(messages).await?;
                }
            }
        }
        if self.place.as_ref() != Some(&news.next_batch) {
            self.inbox.keep_place(news.next_batch.clone()).await?;
            self.place = Some(news.next_batch);
        }
        Ok(())
    }

    async fn me(&mut self) -> Result<Me, SendError> {
        if let Some(me) = &self.me {
            return Ok(me.clone());
        }
        let api = &self.matrix.api;
        let user = self.matrix.whoami().await?;
        // Without a name it is known by its address.
        let profile: Result<Value, SendError> = api.ask(api.get(&["profile", &user, "displayname"], &[])).await;
        let name = profile.ok().and_then(|profile| Some(profile.get("displayname")?.as_str()?.to_owned()));
        let me = Me { user, name: name.unwrap_or_default() };
        self.me = Some(me.clone());
        Ok(me)
    }

    async fn news(&self) -> Result<Option<News>, SendError> {
        let none = json!({"types": []});
        let filter = json!({
            "presence": none,
            "account_data": none,
            "room": {
                "account_data": none,
                "ephemeral": none,
                "state": none,
                "timeline": {"types": KINDS, "limit": self.timeline},
            },
        })
        .to_string();
        let poll_ms = if self.place.is_none() { 0 } else { MATRIX_POLL_MS_MAX };
        let poll = poll_ms.to_string();
        let mut query = vec![("filter", filter.as_str()), ("timeout", &poll)];
        query.extend(self.place.as_deref().map(|place| ("since", place)));
        let mut request = self.matrix.api.get(&["sync"], &query);
        // Twice as long as the homeserver is asked to hold it: a busy one is late.
        request.patience = Some(Span::from_millis(2 * MATRIX_POLL_MS_MAX));
        self.matrix.api.ask_up_to(request, MATRIX_SYNC_BYTES_MAX).await
    }

    /// Accepts invitations, if that is wanted; what fails for a while is tried again with the next news.
    async fn accept(&mut self, rooms: impl Iterator<Item = String>) {
        for room in rooms {
            if self.matrix.join {
                self.invited.entry(room).or_default();
            } else {
                tracing::info!("the bot is invited to {room} on Matrix; with join = true it accepts");
            }
        }
        for (room, tries) in std::mem::take(&mut self.invited) {
            let mut request = self.matrix.api.request(Method::POST, &["rooms", &room, "join"], &[]);
            request.body = b"{}".to_vec();
            let joined: Result<Value, SendError> = self.matrix.api.ask(request).await;
            match joined {
                Ok(_) => tracing::info!("the bot is now in {room} on Matrix"),
                Err(
                    SendError::Retry { .. }
                    | SendError::Limited { .. }
                    | SendError::Unreachable { .. }
                    | SendError::Ambiguous { .. },
                ) if tries + 1 < MATRIX_JOINS_COUNT_MAX => {
                    self.invited.insert(room, tries + 1);
                }
                Err(error) => tracing::warn!("cannot accept the invitation to {room} on Matrix: {error}"),
            }
        }
    }

    /// The messages of a room since the last news.
    async fn messages(&mut self, me: &Me, room: &str, timeline: Timeline) -> Result<Vec<Inbound>, Trouble> {
        let mut events = match (timeline.limited, &timeline.prev_batch, &self.place) {
            (true, Some(from), Some(to)) => match self.gap(room, from, to).await {
                // The bot may have left it since.
                Err(SendError::Permanent { error }) => {
                    tracing::warn!("what was written meanwhile in {room} on Matrix cannot be read: {error}");
                    Vec::new()
                }
                events => events?,
            },
            _ => Vec::new(),
        };
        events.extend(timeline.events);
        let mut messages = Vec::new();
        for event in events {
            let Ok(event) = serde_json::from_value::<Event>(event) else { continue };
            if event.is_about_members() {
                self.rooms.remove(room);
                continue;
            }
            if event.sender == me.user {
                continue;
            }
            if event.is_encrypted() {
                if self.unread.len() < MATRIX_ROOMS_COUNT_MAX && self.unread.insert(room.to_owned()) {
                    tracing::warn!(
                        "{room} on Matrix is encrypted, and what is written there cannot be read; use a room without"
                    );
                }
                continue;
            }
            messages.extend(self.message(me, room, event).await?);
        }
        Ok(messages)
    }

    /// What was written between two tokens, the oldest first.
    async fn gap(&self, room: &str, from: &str, to: &str) -> Result<Vec<Value>, SendError> {
        let api = &self.matrix.api;
        let filter = json!({"types": KINDS}).to_string();
        let mut events = Vec::new();
        let mut from = from.to_owned();
        for _ in 0..MATRIX_GAP_PAGES_MAX {
            let query = [("dir", "b"), ("limit", "100"), ("from", &from), ("to", to), ("filter", &filter)];
            let request = api.get(&["rooms", room, "messages"], &query);
            let page: Page = api.ask_up_to(request, MATRIX_SYNC_BYTES_MAX).await?.ok_or_else(|| {
                let error = format!("a page of {room} is longer than {MATRIX_SYNC_BYTES_MAX} bytes");
                SendError::Retry { error, after: None }
            })?;
            events.extend(page.chunk);
            match page.end {
                Some(end) if end != from => from = end,
                Some(_) | None => {
                    events.reverse();
                    return Ok(events);
                }
            }
        }
        tracing::warn!("more was written in {room} on Matrix than is caught up with; the oldest of it is left out");
        events.reverse();
        Ok(events)
    }

    async fn message(&mut self, me: &Me, room: &str, event: Event) -> Result<Option<Inbound>, SendError> {
        let (message_id, sender, at) = (event.event_id.clone(), event.sender.clone(), event.origin_server_ts);
        let Some(said) = event.said() else { return Ok(None) };
        let (kind, name) = self.people(room, &sender).await?;
        let is_addressed = kind == ChatKind::Direct || self.is_addressed(me, room, &said).await?;
        Ok(Some(Inbound {
            message_id,
            chat_id: room.to_owned(),
            thread: said.thread,
            chat: kind,
            sender: Sender { id: sender, name },
            text: said.text,
            reply_to: said.reply_to,
            is_addressed,
            at: at.map(Timestamp::from_millis),
        }))
    }

    /// Whether the bot is named, answered, or in a thread below its own message.
    async fn is_addressed(&self, me: &Me, room: &str, said: &Said) -> Result<bool, SendError> {
        let is_named = match &said.mentions {
            Some(users) => users.contains(&me.user),
            None => {
                let short = me.user.trim_start_matches('@').split(':').next().unwrap_or_default();
                names(&said.text, &[&me.user, short, &me.name])
            }
        };
        if is_named {
            return Ok(true);
        }
        // Whoever writes can write anything there.
        let is_id = |id: &&String| id.starts_with('$') && id.len() <= 255 && !id.chars().any(char::is_control);
        for id in [&said.reply_to, &said.thread].into_iter().flatten().filter(is_id) {
            let api = &self.matrix.api;
            let answered: Result<Option<Event>, SendError> =
                api.ask_up_to(api.get(&["rooms", room, "event", id], &[]), MATRIX_SYNC_BYTES_MAX).await;
            match answered {
                Ok(Some(event)) if event.sender == me.user => return Ok(true),
                // One that is gone, or hidden, was nobody's.
                Ok(_) | Err(SendError::Permanent { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// What kind of room it is, and how somebody is called there.
    async fn people(&mut self, room: &str, sender: &str) -> Result<(ChatKind, Option<String>), SendError> {
        if !self.rooms.contains_key(room) {
            if self.rooms.len() >= MATRIX_ROOMS_COUNT_MAX {
                self.rooms.clear();
            }
            let found = self.members(room).await?;
            self.rooms.insert(room.to_owned(), found);
        }
        let found = self.rooms.get(room);
        let name = found.and_then(|found| found.names.get(sender).cloned());
        Ok((found.map_or(ChatKind::Group, |found| found.kind), name))
    }

    async fn members(&self, room: &str) -> Result<Room, SendError> {
        let api = &self.matrix.api;
        let members = api.ask_up_to(api.get(&["rooms", room, "joined_members"], &[]), MATRIX_SYNC_BYTES_MAX).await;
        let joined = match members {
            Ok(members) => members.map(|Members { joined }| joined).unwrap_or_default(),
            // The bot has left it since; what was said to it counts all the same.
            Err(SendError::Permanent { .. }) => HashMap::new(),
            Err(error) => return Err(error),
        };
        let kind = if joined.len() == 2 { ChatKind::Direct } else { ChatKind::Group };
        let names = joined.into_iter().filter_map(|(user, member)| Some((user, member.display_name?))).collect();
        Ok(Room { kind, names })
    }
}
