//! Conversations: what people write and what reaches them becomes part of a session, and is handed to the agent.
//!
//! A text is put into its session by the commit that records its delivery. A message that comes in is noted, put into its
//! session, and handed on by a schedule that is due once, at once: so it waits in a lane, is tried again and has a record
//! like everything else; all of that is one commit, and only then the platform is told that the message was taken.
//! Invariants: a message is taken once, by its platform's id; a conversation has one active session; what is being
//! committed counts as if it were stored already.
//! Not here: when a session is over (`session`), who may be spoken to (`config`), the words of answers (`replies`).

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use tokio::sync::oneshot;

use crate::access::Destination;
use crate::config::{Agents, Routes};
use crate::engine::OpId;
use crate::engine::change::{Change, GivenUp};
use crate::gateway::{Delivery, Inbound};
use crate::id::{ScheduleId, SessionKey, stable_hash};
use crate::limits::SESSION_ANSWERS_COUNT_MAX;
use crate::runtime::meter::{Arrival, Meter};
use crate::runtime::ops::{Answer, Declaration, Done, Op, OpError, OverQuota};
use crate::runtime::replies;
use crate::runtime::turn::{Begun, Turns};
use crate::session::{Command, Conversation, Ended, EndedBy, Heard, Person, Session, Utterance, Voice};
use crate::spec::{Payload, Schedule, Talk};
use crate::store::{Reader, StoreError};
use crate::time::{Span, Timestamp};

/// What conversations are held by.
#[derive(Clone, Debug)]
pub struct Manners {
    /// Which agent is spoken to.
    pub routes: Arc<Routes>,
    /// What single agents do with messages.
    pub agents: Arc<Agents>,
    /// A session in which nothing is said for so long is over.
    pub idle: Span,
}

impl Default for Manners {
    fn default() -> Self {
        let idle = Span::from_millis(crate::limits::SESSION_IDLE_MS_MAX);
        Self { routes: Arc::default(), agents: Arc::default(), idle }
    }
}

/// Messages that came in by one gateway, in order.
#[derive(Debug)]
pub struct Arrived {
    /// Name of the gateway.
    pub gateway: Arc<str>,
    /// The messages.
    pub messages: Vec<Inbound>,
    /// Told once they are durable; dropped if they are not taken.
    pub taken: oneshot::Sender<()>,
}

/// The sessions as the loop must see them: what is stored, and what is on its way there.
pub(super) struct Book {
    reader: Reader,
    manners: Manners,
    next_session: u64,
    next_heard: u64,
    /// The latest session of a conversation, and how many changes of it are not committed yet.
    staged: HashMap<Conversation, (SessionKey, Session, usize)>,
    /// Messages that came in and are not committed yet.
    staged_heard: HashSet<(Destination, String)>,
    /// The minute of the latest answer, and how many answers each session has had in it.
    answered: (i64, HashMap<SessionKey, u32>),
}

impl Book {
    pub(super) fn new(reader: Reader) -> Result<Self, StoreError> {
        let (next_session, next_heard) = reader.next_numbers()?;
        let (staged, staged_heard) = (HashMap::new(), HashSet::new());
        let (manners, answered) = (Manners::default(), (0, HashMap::new()));
        Ok(Self { reader, manners, next_session, next_heard, staged, staged_heard, answered })
    }

    pub(super) fn set_manners(&mut self, manners: Manners) {
        self.manners = manners;
    }

    /// The commit of a batch has returned: readers see what it held.
    pub(super) fn committed(&mut self, batch: &[Change]) {
        for change in batch {
            match change {
                Change::Session { session, .. } => {
                    if let Some((_, _, pending)) = self.staged.get_mut(&session.of) {
                        *pending -= 1;
                        if *pending == 0 {
                            self.staged.remove(&session.of);
                        }
                    }
                }
                Change::Heard { heard, .. } => {
                    self.staged_heard.remove(&(heard.of.place.clone(), heard.message_id.clone()));
                }
                _ => {}
            }
        }
    }

    /// The latest session of a conversation, over or not.
    fn latest(&self, of: &Conversation) -> Result<Option<(SessionKey, Session)>, StoreError> {
        match self.staged.get(of) {
            Some((key, session, _)) => Ok(Some((*key, session.clone()))),
            None => self.reader.session_of(of),
        }
    }

    fn active(&self, of: &Conversation, now: Timestamp) -> Result<Option<(SessionKey, Session)>, StoreError> {
        Ok(self.latest(of)?.filter(|(_, session)| session.is_active(now, self.manners.idle)))
    }

    fn knows(&self, place: &Destination, message_id: &str) -> Result<bool, StoreError> {
        Ok(self.staged_heard.contains(&(place.clone(), message_id.to_owned()))
            || self.reader.heard_as(place, message_id)?.is_some())
    }

    fn stage(&mut self, key: SessionKey, session: Session) -> Change {
        let pending = self.staged.get(&session.of).map_or(0, |(_, _, pending)| *pending);
        self.staged.insert(session.of.clone(), (key, session.clone(), pending + 1));
        Change::Session { key, session: Arc::new(session) }
    }

    /// The conversation that a reply will go on with where the routes name another agent. One that they name only for some
    /// who write there counts if it was spoken to there before.
    fn spoken_to_instead(&self, of: &Conversation) -> Result<Option<Conversation>, StoreError> {
        let route = self.manners.routes.likely(&of.place).filter(|route| route.agent != of.agent);
        let Some(route) = route else { return Ok(None) };
        let other = Conversation { place: of.place.clone(), agent: route.agent.clone() };
        Ok(if route.is_certain() || self.latest(&other)?.is_some() { Some(other) } else { None })
    }

    /// The active session, or one that begins.
    fn active_or_fresh(&mut self, of: &Conversation, now: Timestamp) -> Result<(SessionKey, Session), StoreError> {
        if let Some(active) = self.active(of, now)? {
            return Ok(active);
        }
        let key = SessionKey(self.next_session);
        self.next_session += 1;
        Ok((key, Session::begin(of.clone(), now)))
    }

    /// Notes one more answer in a session, or refuses it.
    fn count_answer(&mut self, session: SessionKey, now: Timestamp) -> Result<(), OverQuota> {
        let minute = now.as_millis().div_euclid(60_000);
        if self.answered.0 != minute {
            self.answered = (minute, HashMap::new());
        }
        let count = self.answered.1.entry(session).or_default();
        let most = SESSION_ANSWERS_COUNT_MAX;
        if *count >= most {
            return Err(OverQuota::Answers { session, most });
        }
        *count += 1;
        Ok(())
    }

    /// Who is spoken to: whom the routes name, or else the agent that talked in this chat last and whose session is active.
    fn agent_of(&self, place: &Destination, message: &Inbound, now: Timestamp) -> Result<Option<String>, StoreError> {
        let Inbound { chat, sender, is_addressed, .. } = message;
        if let Some(route) = self.manners.routes.find(place, *chat, &sender.id, *is_addressed) {
            return Ok(Some(route.to_owned()));
        }
        if !is_addressed {
            return Ok(None);
        }
        let is_here = |session: &Session| session.of.place == *place;
        let staged = self.staged.values().map(|(key, session, _)| (*key, session.clone()));
        let mut here: HashMap<String, Session> = HashMap::new();
        for (_, session) in self.reader.sessions_in(place)?.into_iter().chain(staged).filter(|(_, one)| is_here(one))
        {
            here.insert(session.of.agent.clone(), session);
        }
        let active = here.into_values().filter(|session| session.is_active(now, self.manners.idle));
        Ok(active.max_by_key(|session| session.last_at).map(|session| session.of.agent))
    }
}

impl Turns {
    /// Conversations are held like this from here on.
    #[must_use]
    pub fn with_manners(mut self, manners: Manners) -> Self {
        self.book.set_manners(manners);
        self
    }

    /// What comes in is counted here.
    #[must_use]
    pub fn with_meter(mut self, meter: Arc<Meter>) -> Self {
        self.meter = meter;
        self
    }

    /// A text has reached a chat in which people can answer.
    pub(super) fn reached(&mut self, delivery: Delivery, message_id: Option<String>) {
        let Delivery { agent, destination, text, schedule, heard, .. } = delivery;
        let of = Conversation { place: destination, agent };
        let said =
            Utterance { at: self.clock.now(), voice: Voice::Agent, text, message_id, schedule: Some(schedule) };
        let answers = heard.and_then(|heard| heard.1.said).map(|(session, _)| session);
        if let Err(error) = self.file(of, &said, answers) {
            tracing::error!("a text that was delivered is missing in its session: {error}");
        }
    }

    /// Puts what was delivered into the session that a reply to it will reach; whoever is spoken to there knows it, too,
    /// though another agent has said it. An answer that comes when its session is over begins no other.
    fn file(&mut self, of: Conversation, said: &Utterance, answers: Option<SessionKey>) -> Result<(), StoreError> {
        let (key, session) = self.book.active_or_fresh(&of, said.at)?;
        if answers.is_some_and(|answered| answered != key) {
            return Ok(());
        }
        self.say(key, session, said.clone());
        if let Some(other) = self.book.spoken_to_instead(&of)? {
            let (key, session) = self.book.active_or_fresh(&other, said.at)?;
            self.say(key, session, said.clone());
        }
        Ok(())
    }

    /// Takes what came in.
    pub(super) fn arrived(&mut self, arrived: Arrived) {
        if self.is_ending() {
            return;
        }
        for message in arrived.messages {
            let (place, id) = (place_of(&arrived.gateway, &message), message.message_id.clone());
            if let Err(error) = self.hear(place, message) {
                // Not told that they are taken, the platform sends them again.
                return tracing::error!(
                    gateway = &*arrived.gateway,
                    message = id,
                    "a message was not taken: {error}"
                );
            }
        }
        self.tell_taken(arrived.taken);
    }

    fn hear(&mut self, place: Destination, message: Inbound) -> Result<(), OpError> {
        if self.book.knows(&place, &message.message_id)? {
            self.meter.arrived(&place.gateway, Arrival::Known);
            return Ok(());
        }
        let now = self.clock.now();
        let Some(agent) = self.book.agent_of(&place, &message, now)? else {
            self.meter.arrived(&place.gateway, Arrival::ForNobody);
            tracing::info!(chat = %place, sender = message.sender.id, "a message for nobody: no route, and no session here");
            return Ok(());
        };
        let of = Conversation { place, agent };
        let Inbound { message_id, chat, sender, text, reply_to, .. } = message;
        let sender = Person { id: sender.id, name: sender.name };
        let heard = |text, said| Heard {
            at: now,
            of: of.clone(),
            message_id: message_id.clone(),
            said,
            chat,
            sender: sender.clone(),
            text,
            reply_to,
        };
        let heard = match Command::read(&text) {
            Some(command) => {
                self.obey(command, &of, &message_id)?;
                heard(text, None)
            }
            None => {
                let (key, session) = self.book.active_or_fresh(&of, now)?;
                let heard = heard(text, Some((key, session.next)));
                self.hand_over(key, &heard)?;
                let voice = Voice::User { id: sender.id.clone(), name: sender.name.clone() };
                let text = heard.text.clone();
                let message_id = Some(message_id.clone());
                self.say(key, session, Utterance { at: now, voice, text, message_id, schedule: None });
                heard
            }
        };
        let number = self.book.next_heard;
        self.book.next_heard += 1;
        self.book.staged_heard.insert((heard.of.place.clone(), heard.message_id.clone()));
        self.meter.arrived(&heard.of.place.gateway, Arrival::Taken);
        self.note(Change::Heard { number, heard: Arc::new(heard) });
        Ok(())
    }

    /// Puts a message into its session.
    fn say(&mut self, key: SessionKey, mut session: Session, said: Utterance) {
        let number = session.say(&said);
        let change = self.book.stage(key, session);
        self.note(Change::Uttered { key, number, said: Arc::new(said.kept()) });
        self.note(change);
    }

    /// Gives a message to whoever answers for the agent; without anybody it waits to be fetched.
    fn hand_over(&mut self, session: SessionKey, heard: &Heard) -> Result<(), OpError> {
        let number = self.book.next_heard;
        let Some(schedule) = replies::hand_over(&self.book.manners.agents, session, number, heard) else {
            return Ok(());
        };
        // What comes later is not to pass by what waits for room already.
        if schedule.destination.as_ref().is_some_and(|place| self.engine.is_full(&place.gateway)) {
            return Err(OpError::Busy);
        }
        self.declare_at_once(schedule)
    }

    /// Whoever wrote a message that will not be answered is told so, once, without the reasons that only concern whoever
    /// runs the program.
    pub(super) fn say_unanswered(&mut self, run: &GivenUp) {
        let told = match self.unanswered(run) {
            Ok(Some(aside)) => self.declare_at_once(aside),
            Ok(None) => return,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = told {
            tracing::error!("a message is not answered, and whoever wrote it is not told: {error}");
        }
    }

    /// What is said instead of an answer; `None`: nobody waits for one.
    fn unanswered(&self, run: &GivenUp) -> Result<Option<Schedule>, StoreError> {
        let Some((_, schedule)) = self.names.schedule(run.key)? else { return Ok(None) };
        let (Some(Talk::Heard(number)), Payload::Task(_)) = (schedule.talk, &schedule.payload) else {
            return Ok(None);
        };
        let Some(Heard { at, of, message_id, .. }) = self.reader.heard(number)? else { return Ok(None) };
        tracing::warn!(chat = %of.place, message = message_id, "a message was not answered: {}", run.error);
        let text = if run.is_over_budget {
            replies::TOO_DEAR
        } else {
            replies::unanswered(run.attempts >= schedule.policy.retry.max_attempts)
        };
        let id = id_of(at, &of.place, &message_id, "unanswered");
        Ok(Some(replies::aside(id, self.clock.now(), &of, text.to_owned())))
    }

    fn obey(&mut self, command: Command, of: &Conversation, message_id: &str) -> Result<(), OpError> {
        let now = self.clock.now();
        let active = self.book.active(of, now)?;
        let text = match (&command, &active) {
            (Command::New, Some(_)) => replies::ENDED.to_owned(),
            (Command::New, None) => replies::NOTHING_TO_END.to_owned(),
            (Command::Status, active) => replies::status(of, active.as_ref(), self.book.manners.idle),
        };
        let id = id_of(now, &of.place, message_id, "answer");
        self.declare_at_once(replies::aside(id, now, of, text))?;
        if let (Command::New, Some((key, session))) = (command, active) {
            self.end(key, session, EndedBy::User);
        }
        Ok(())
    }

    /// A schedule that is due now.
    fn declare_at_once(&mut self, schedule: Schedule) -> Result<(), OpError> {
        debug_assert!(schedule.talk.is_some_and(|talk| talk != Talk::Answer), "answers come as questions do");
        match self.begin(Op::Create(Declaration { schedule, paused: false, past: false })) {
            Ok(Begun::Input { input, .. }) => {
                const NOBODY: OpId = OpId(u64::MAX);
                self.handle(input(NOBODY));
                Ok(())
            }
            // The same message again.
            Ok(Begun::Answer(_)) | Err(OpError::IdTaken(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn end(&mut self, key: SessionKey, session: Session, by: EndedBy) {
        let ended = Some(Ended { at: self.clock.now(), by });
        let change = self.book.stage(key, Session { ended, ..session });
        self.note(change);
    }

    /// Ends a session that is asked to end.
    pub(super) fn end_session(&mut self, key: SessionKey) -> Result<Done, OpError> {
        let Some(stored) = self.reader.session(key)? else { return Err(OpError::NotFound) };
        let now = self.clock.now();
        match self.book.active(&stored.of, now)? {
            Some((active, session)) if active == key => {
                self.end(key, session, EndedBy::Request);
                self.note_session(key);
                Ok(Done::Noted)
            }
            _ => Err(OpError::SessionOver),
        }
    }

    /// What an agent says in a session: a schedule that is due now, which stands behind what waits for that chat. An answer
    /// that was taken is known by its token, even when the session is over by then.
    pub(super) fn answer(&mut self, answer: Answer) -> Result<Begun, OpError> {
        let Answer { session: key, text, client_token, id } = answer;
        let Some(Session { of, .. }) = self.reader.session(key)? else { return Err(OpError::NotFound) };
        if let Some(token) = &client_token
            && let Some(known) = self.names.by_token(&of.agent, token)?
        {
            return Ok(Begun::Answer(Done::Existing(known)));
        }
        let now = self.clock.now();
        if self.book.active(&of, now)?.is_none_or(|(active, _)| active != key) {
            return Err(OpError::SessionOver);
        }
        self.book.count_answer(key, now)?;
        let schedule = Schedule { client_token, ..replies::answer(id, now, key, of, text) };
        self.note_session(key);
        self.begin(Op::Create(Declaration { schedule, paused: false, past: false }))
    }
}

fn place_of(gateway: &str, message: &Inbound) -> Destination {
    Destination { gateway: gateway.to_owned(), chat_id: message.chat_id.clone(), thread: message.thread.clone() }
}

/// The id of a schedule that a message asks for: the same however often the message comes.
pub(super) fn id_of(now: Timestamp, place: &Destination, message_id: &str, what: &str) -> ScheduleId {
    let thread = place.thread.as_deref().unwrap_or_default();
    let hash = stable_hash(&[&place.gateway, &place.chat_id, thread, message_id, what]).to_be_bytes();
    let mut bits = [0; 10];
    bits.copy_from_slice(&hash[..10]);
    ScheduleId::generate(now, bits)
}
