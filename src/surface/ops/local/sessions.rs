//! Operations on sessions: list, show, end, answer; and what people wrote.
//!
//! Invariant: an agent reaches its own sessions only; another's id is answered like one that nobody has.
//! Not here: whether a session goes on (`session`), taking what comes in (`runtime`).

use super::super::reply::Instant;
use super::super::sessions::{
    Inbound, InboundTold, MessagesShown, Said, Session as Asked, SessionAnswer, SessionAnswered, SessionEnd,
    SessionEnded, SessionLine, SessionMessages, SessionShown, Sessions, SessionsListed,
};
use super::{Local, view};
use crate::gateway::written::{Writer, Written};
use crate::id::{ScheduleId, ScheduleKey, SessionKey};
use crate::limits;
use crate::problem::Problem;
use crate::runtime::{Answer, Done, Op, OpError};
use crate::session::{Conversation, EndedBy, Session, Utterance, Voice};
use crate::spec::tree::shorten;
use crate::spec::{Destination, Payload, Schedule, Talk};
use crate::surface::error::{Code, Error};
use crate::surface::ops::{Caller, Identity};

/// Sessions, or messages of one, that are shown when nobody says how many.
const DEFAULT: usize = 50;

impl Local {
    pub(super) fn sessions(&self, asked: &Sessions) -> Result<SessionsListed, Error> {
        let limit = view::limit(asked.limit, DEFAULT)?;
        let before = asked.cursor.as_deref().map(read_cursor).transpose()?;
        let (now, idle) = (self.handle.now(), self.handle.manners().idle);
        let agent = self.agent_of(asked.agent.as_deref());
        let is = |wanted: Option<&str>, given: &str| wanted.is_none_or(|wanted| wanted == given);
        let wanted = |session: &Session| {
            let Conversation { place, agent: owner } = &session.of;
            is(agent, owner)
                && is(asked.gateway.as_deref(), &place.gateway)
                && is(asked.chat_id.as_deref(), &place.chat_id)
                && (!asked.active || session.is_active(now, idle))
        };
        let (found, next) = self.handle.reader().sessions(before, limit, wanted)?;
        let sessions = found.iter().map(|(key, session)| self.session_line(*key, session)).collect();
        Ok(SessionsListed { sessions, cursor: next.map(|next| next.0.to_string()) })
    }

    pub(super) fn session(&self, asked: &Asked) -> Result<SessionShown, Error> {
        let (key, session) = self.find_session(&asked.session)?;
        Ok(SessionShown(self.session_line(key, &session)))
    }

    pub(super) fn session_messages(&self, asked: &SessionMessages) -> Result<MessagesShown, Error> {
        let limit = view::limit(asked.limit, DEFAULT)?;
        let (key, session) = self.find_session(&asked.session)?;
        let messages = self.handle.reader().transcript(key, asked.before, limit)?;
        let before = messages.first().map(|(number, _)| *number).filter(|number| *number > session.first);
        Ok(MessagesShown { session: key.to_string(), messages: messages.into_iter().map(said).collect(), before })
    }

    pub(super) async fn session_end(&self, asked: SessionEnd) -> Result<SessionEnded, Error> {
        let (key, session) = self.reading(move |local| local.find_session(&asked.session)).await?;
        match self.ask(Op::EndSession(key)).await {
            Ok(_) => self.reading(move |local| Ok(SessionEnded(local.session(&id(key))?.0))).await,
            Err(OpError::SessionOver) => Err(self.over(key, &session.of, "").await?),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn session_answer(&self, asked: SessionAnswer) -> Result<SessionAnswered, Error> {
        let SessionAnswer { session, text, client_token } = asked;
        self.judge_answer(&text, client_token.as_deref())?;
        let (key, session) = self.reading(move |local| local.find_session(&session)).await?;
        let mut random = [0; 10];
        getrandom::fill(&mut random)
            .map_err(|error| Error::new(Code::Failed, "the system gives no random bytes").detail(error))?;
        let id = ScheduleId::generate(self.handle.now(), random);
        let answer = Answer { session: key, text: text.clone(), client_token, id: id.clone() };
        let answered = |schedule: &ScheduleId, existing| SessionAnswered {
            session: key.to_string(),
            schedule: schedule.to_string(),
            existing,
        };
        match self.ask(Op::Answer(answer)).await {
            Ok(Done::Existing(known)) => {
                let known = self.reading(move |local| local.said_before(known, key, &text)).await?;
                Ok(answered(&known, true))
            }
            Ok(_) => Ok(answered(&id, false)),
            Err(OpError::SessionOver) => {
                Err(self.over(key, &session.of, "; a schedule can write there at any time").await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn inbound(&self, asked: &Inbound) -> Result<InboundTold, Error> {
        let limit = view::limit(asked.limit, limits::PAGE_ROWS_MAX)?;
        let reader = self.handle.reader();
        let Some(after) = asked.after else {
            return Ok(InboundTold { cursor: reader.last_heard()?, ..InboundTold::default() });
        };
        let agent = self.agent_of(asked.agent.as_deref());
        let told = reader.heard_after(after, limit, |heard| agent.is_none_or(|agent| heard.of.agent == agent))?;
        Ok(InboundTold {
            messages: told.messages.iter().filter_map(|(number, heard)| Written::of(*number, heard)).collect(),
            cursor: told.through,
            more: told.through < told.last,
            reset: !told.is_known,
        })
    }

    /// The same, asked from the chat of the session that the caller names, if it names one of ours and no other place.
    pub(super) async fn in_its_session(self) -> Result<Self, Error> {
        let Some(identity) = self.caller.identity().filter(|identity| identity.destination.is_none()) else {
            return Ok(self);
        };
        let Some(named) = identity.session.clone().filter(|named| SessionKey::parse(named).is_some()) else {
            return Ok(self);
        };
        let (_, session) = self.reading(move |local| local.find_session(&named)).await?;
        let Some(identity) = self.caller.identity() else { return Ok(self) };
        let destination = Some(session.of.place);
        let caller = Caller::Agent(Identity { destination, ..identity.clone() }.into());
        Ok(Self { caller, ..self })
    }

    /// How many sessions are kept, and how many of them go on.
    pub(super) fn count_sessions(&self) -> Result<(u64, u64), Error> {
        let (now, idle) = (self.handle.now(), self.handle.manners().idle);
        Ok(self.handle.reader().count_sessions(|session| session.is_active(now, idle))?)
    }

    fn find_session(&self, named: &str) -> Result<(SessionKey, Session), Error> {
        let unknown = || Error::new(Code::NotFound, format!("session not found: {}", shorten(named)));
        let key = SessionKey::parse(named).ok_or_else(unknown)?;
        let session = self.handle.reader().session(key)?;
        let session = session.filter(|session| self.own_agent().is_none_or(|own| session.of.agent == own));
        Ok((key, session.ok_or_else(unknown)?))
    }

    /// That a session is over, and which one goes on in its place.
    async fn over(&self, key: SessionKey, of: &Conversation, besides: &str) -> Result<Error, Error> {
        let of = of.clone();
        let (now, idle) = (self.handle.now(), self.handle.manners().idle);
        let latest = self.reading(move |local| Ok(local.handle.reader().session_of(&of)?)).await?;
        let way_out = match latest.filter(|(_, latest)| latest.is_active(now, idle)) {
            Some((latest, _)) => format!("{latest} goes on there"),
            None => "the next message in its chat begins another".to_owned(),
        };
        Ok(Error::new(Code::Conflict, format!("session {key} is over: {way_out}{besides}")))
    }

    /// Refuses a text that no schedule could send, or that is longer than the agent may send.
    fn judge_answer(&self, text: &str, token: Option<&str>) -> Result<(), Error> {
        let most = self.rules.as_ref().map_or(limits::MESSAGE_BYTES_MAX, |rules| rules.quota.payload_bytes);
        let mut problems = Vec::new();
        if text.trim().is_empty() {
            problems.push(Problem::new("text", "is empty"));
        } else if text.len() > most {
            problems.push(
                Problem::new("text", format!("is {} bytes long, more than {most}", text.len())).hint("shorten it"),
            );
        } else if text.contains('\0') {
            problems.push(Problem::new("text", "holds a NUL character").hint("leave it out"));
        }
        let is_token = |token: &str| {
            !token.trim().is_empty() && token.len() <= limits::NAME_BYTES_MAX && !token.chars().any(char::is_control)
        };
        if let Some(token) = token.filter(|token| !is_token(token)) {
            let problem = Problem::new("client_token", "is empty, too long, or holds a control character");
            problems.push(
                problem.value(shorten(token)).hint(format!("1 to {} bytes, such as a UUID", limits::NAME_BYTES_MAX)),
            );
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::problems(problems)) }
    }

    /// The schedule of the same answer, said before with the same token.
    fn said_before(&self, known: ScheduleKey, session: SessionKey, text: &str) -> Result<ScheduleId, Error> {
        let known = self.handle.reader().schedule(known)?;
        let Some((_, known)) = known else {
            return Err(Error::new(Code::Failed, "the schedule of this client token is gone"));
        };
        let is_same = known.talk == Some(Talk::Answer)
            && known.created_by_session.as_deref() == Some(session.to_string().as_str())
            && known.payload == Payload::Message(text.to_owned());
        if is_same {
            return Ok(known.id.clone());
        }
        let message = format!(
            "client_token made '{}', which says something else: a token stands for one answer, take a new one for another",
            known.id
        );
        Err(Error::new(Code::Conflict, message))
    }

    fn session_line(&self, key: SessionKey, session: &Session) -> SessionLine {
        let (now, idle) = (self.handle.now(), self.handle.manners().idle);
        let Session { of, started_at, last_at, last_user_at, ended, first, next } = session;
        let Destination { gateway, chat_id, thread } = of.place.clone();
        let ended_at = session.ended_at(now, idle);
        let ended_by = match ended.as_ref().map(|ended| ended.by) {
            Some(EndedBy::User) => "user",
            Some(EndedBy::Request) => "request",
            None => "idle",
        };
        SessionLine {
            id: key.to_string(),
            agent: of.agent.clone(),
            gateway,
            chat_id,
            thread,
            status: if ended_at.is_none() { "active" } else { "over" }.to_owned(),
            started_at: Instant(*started_at),
            last_at: Instant(*last_at),
            last_user_at: last_user_at.map(Instant),
            ended_at: ended_at.map(Instant),
            ended_by: ended_at.map(|_| ended_by.to_owned()),
            message_count: *next,
            kept_count: next - first,
        }
    }
}

/// Refuses to change what a conversation made by itself.
pub(super) fn unspoken(schedule: &Schedule) -> Result<(), Error> {
    if schedule.talk.is_none() {
        return Ok(());
    }
    let message =
        format!("'{}' was made by a conversation: it can be shown and cancelled, and not changed", schedule.id);
    Err(Error::new(Code::Conflict, message))
}

fn id(key: SessionKey) -> Asked {
    Asked { session: key.to_string() }
}

fn said((number, said): (u64, Utterance)) -> Said {
    let Utterance { at, voice, text, message_id, schedule } = said;
    let (voice, sender) = match voice {
        Voice::User { id, name } => ("user", Some(Writer { id, name })),
        Voice::Agent => ("agent", None),
    };
    Said { number, at: Instant(at), voice: voice.to_owned(), sender, text, message_id, schedule }
}

fn read_cursor(text: &str) -> Result<SessionKey, Error> {
    let problem = || Error::bad_input(Problem::new("cursor", "is not one of ours").value(shorten(text)));
    text.parse().map(SessionKey).map_err(|_| problem())
}
