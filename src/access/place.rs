//! Places that messages go to.
//!
//! Written `gateway:chat_id`, or `gateway:chat_id/thread`. Not here: which gateways there are (`config`).

use std::fmt;

/// A place that messages go to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Name of a configured gateway.
    pub gateway: String,
    /// The platform's id of the conversation.
    pub chat_id: String,
    /// Thread or topic, where the platform has them.
    pub thread: Option<String>,
}

impl Destination {
    /// Gateway and chat of a text such as `telegram_123456`: the longest of these names that it begins with, else what
    /// stands before the first underscore. `None`: one of the two is missing.
    pub fn split<'t, 'n>(text: &'t str, gateways: impl IntoIterator<Item = &'n str>) -> Option<(&'t str, &'t str)> {
        let known = gateways.into_iter().filter_map(|name| {
            let chat = text.strip_prefix(name)?.strip_prefix('_')?;
            Some((&text[..name.len()], chat))
        });
        let longest = known.max_by_key(|(gateway, _)| gateway.len());
        longest.or_else(|| text.split_once('_')).filter(|(gateway, chat)| !gateway.is_empty() && !chat.is_empty())
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.gateway, self.chat_id)?;
        self.thread.as_ref().map_or(Ok(()), |thread| write!(f, "/{thread}"))
    }
}

/// Kinds of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatKind {
    /// Two sides.
    Direct,
    /// Several people.
    Group,
    /// One writes, many read.
    Channel,
}

impl ChatKind {
    /// Each with the word that files and rows use.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Direct, "dm"), (Self::Group, "group"), (Self::Channel, "channel")];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Direct => "dm",
            Self::Group => "group",
            Self::Channel => "channel",
        }
    }
}

/// Places that an agent may send to: one chat with its threads, one thread, or whatever begins alike.
///
/// Written `gateway:chat_id`, `gateway:chat_id/thread`, or with a `*` as the last character; `*:*` is anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Reads one; an error says what is wrong with it, as the rest of a sentence.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some((gateway, chat)) = text.split_once(':') else { return Err("names no gateway") };
        if gateway.is_empty() || chat.is_empty() {
            return Err("has an empty part");
        }
        let stars = text.matches('*').count();
        let is_anywhere = text == "*:*";
        if !is_anywhere && (stars > 1 || stars == 1 && !text.ends_with('*') || gateway.contains('*')) {
            return Err("may have one '*', as its last character");
        }
        Ok(Self(text.to_owned()))
    }

    /// The gateway it is about; `None`: every one.
    #[must_use]
    pub fn gateway(&self) -> Option<&str> {
        self.0.split(':').next().filter(|gateway| *gateway != "*")
    }

    /// Whether it is about this place.
    #[must_use]
    pub fn allows(&self, place: &Destination) -> bool {
        if self.gateway().is_none() {
            return true;
        }
        let chat = format!("{}:{}", place.gateway, place.chat_id);
        match self.0.strip_suffix('*') {
            Some(start) => self.gateway() == Some(&place.gateway) && place.to_string().starts_with(start),
            None => self.0 == chat || self.0 == place.to_string(),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
