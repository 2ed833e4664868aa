//! `chimewheel.toml`: from its text to a valid [`Config`], or to every problem at once.
//!
//! Strict: a key nobody knows is a problem with line, column and the nearest known key. Secrets are named, never
//! written. A setting that can have no effect, or leads to nobody, earns a notice.
//! Not here: finding and reading the file, the environment, zones and log filters (`surface` hands in judges).

mod address;
mod agents;
mod conceal;
mod gateway;
mod heartbeat;
mod hours;
mod pace;
mod provider;
mod rates;
mod routes;
mod routing;
mod section;
mod show;

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub use self::agents::{Agent, Agents, System};
pub use self::conceal::conceal;
pub use self::gateway::{Discord, Email, Markup, Matrix, Process, Restart, Slack, SlackPost, Telegram, Tls};
pub use self::heartbeat::{Heartbeat, Interval};
pub use self::hours::{ActiveHours, Times};
pub use self::pace::{Choice, PaceChoice};
pub use self::provider::{MaxTokensKey, OpenAi, Provider, Trait};
pub use self::rates::{Rate, Rates};
pub use self::routes::{Route, Routes};
pub use self::routing::{MODEL_DEFAULT, Model, Routing};
use self::section::{Section, Text};
use crate::limits;
use crate::money::Cost;
use crate::problem::Problem;
use crate::time::Span;

/// The address of the loopback surface unless something else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7420";

/// What the program runs with.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Folder of the store and the admin token.
    pub data: PathBuf,
    /// Folder of schedule files.
    pub schedules: PathBuf,
    /// Folder of hooks.
    pub scripts: PathBuf,
    /// Address of the loopback surface.
    pub listen: SocketAddr,
    /// Name of the zone of schedules that name none.
    pub timezone: String,
    /// Gateways by name; `console` is always there.
    pub gateways: BTreeMap<String, Gateway>,
    /// How fast they may send, where that is said.
    pub paces: BTreeMap<String, PaceChoice>,
    /// Providers of models by name; `echo` is always there.
    pub providers: BTreeMap<String, Provider>,
    /// Which model does a task.
    pub routing: Routing,
    /// A file that says the same in an older form, where nothing is said here.
    pub engine_json: Option<PathBuf>,
    /// The file whose checks a model does.
    pub heartbeat: Heartbeat,
    /// What all models together may cost in one day, of UTC; `None`: nothing is said.
    pub cost_per_day: Option<Cost>,
    /// What single agents are and may do.
    pub agents: Agents,
    /// Which agent is spoken to by a message that comes in.
    pub routes: Routes,
    /// A session in which nothing is said for so long is over.
    pub session_idle: Span,
    /// Names of the sets of tools that are on.
    pub tool_sets: Vec<String>,
    /// Limits that may be set.
    pub limits: Limits,
    /// What is logged.
    pub log: Log,
    /// What was said that this version cannot do.
    pub notices: Vec<Notice>,
}

/// A configured gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// Messages are printed on standard output.
    Console {
        /// How.
        format: Format,
    },
    /// Messages are posted to an address.
    Webhook(Webhook),
    /// Messages are posted to Discord by a bot.
    Discord(Discord),
    /// Messages go out as e-mail.
    Email(Email),
    /// Messages go to rooms of a Matrix homeserver.
    Matrix(Matrix),
    /// Messages are handed to a program.
    Process(Process),
    /// Messages are posted to Slack by an app.
    Slack(Slack),
    /// Messages are sent by a bot of Telegram.
    Telegram(Telegram),
}

/// Where messages are posted, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The address, in which `{chat_id}` may stand.
    pub url: String,
    /// Where the keys are found that each message is signed with, the newest first.
    pub secrets: Vec<Secret>,
    /// Where the token is found that is sent along.
    pub token: Option<Secret>,
    /// Whether addresses that only this machine or its network can reach are allowed.
    pub allow_private: bool,
    /// How long an answer is waited for.
    pub timeout: Span,
}

/// The form of lines that are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The limits that an operator may set; the defaults are those of [`crate::limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Days that history is kept.
    pub history_days: u32,
    /// Megabytes of the store's page cache.
    pub cache_mb: usize,
    /// Failures in a row after which a schedule pauses itself, unless it says otherwise; 0: never.
    pub pause_after_failures: u16,
    /// Runs begun in one second to catch up on missed dues.
    pub catchup_per_second: u32,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level, or a filter such as `info,chimewheel::store=debug`; `None`: as the command sees fit.
    pub level: Option<String>,
    /// The form of the lines.
    pub format: Format,
}

/// Where a secret is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In this environment variable.
    Env(String),
    /// In this file.
    File(PathBuf),
}

/// A setting that is valid and that this version does not act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Path of the setting.
    pub path: String,
    /// What will not happen.
    pub message: String,
}

/// What a config is read by, besides its text: all that this module does not know itself.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The folder that relative paths are relative to.
    pub base: &'a Path,
    /// What `~/` stands for.
    pub home: Option<&'a Path>,
    /// Judges the name of a time zone.
    pub zone: &'a dyn Fn(&str) -> Result<(), Problem>,
    /// Judges a log level or filter.
    pub filter: &'a dyn Fn(&str) -> Result<(), Problem>,
    /// Judges the name of a tool.
    pub tool: &'a dyn Fn(&str) -> Result<(), Problem>,
}

impl Config {
    /// Whether anybody may spend so much a day and no more.
    fn limits_cost(&self) -> bool {
        let mut quotas = self.agents.iter().map(|(_, agent)| agent.quota.cost_per_day);
        self.cost_per_day.is_some() || quotas.any(|cost| cost.is_some())
    }

    /// The config of somebody who wrote none.
    #[must_use]
    pub fn defaults(around: Surroundings<'_>) -> Self {
        Self {
            data: around.path(".chimewheel"),
            schedules: around.path("schedules"),
            scripts: around.path("scripts"),
            listen: SocketAddr::from(([127, 0, 0, 1], 7420)),
            timezone: "UTC".to_owned(),
            gateways: BTreeMap::from([("console".to_owned(), Gateway::Console { format: Format::Text })]),
            paces: BTreeMap::new(),
            providers: BTreeMap::from([("echo".to_owned(), Provider::ECHO)]),
            routing: Routing { providers: ["echo".to_owned()].into(), ..Routing::new() },
            engine_json: None,
            heartbeat: Heartbeat::default(),
            cost_per_day: None,
            agents: Agents::default(),
            routes: Routes::default(),
            session_idle: routes::IDLE,
            tool_sets: agents::default_sets(),
            limits: Limits::default(),
            log: Log { level: None, format: Format::Text },
            notices: Vec::new(),
        }
    }

    /// Reads a config, or says everything that is wrong with it.
    pub fn read(source: &str, around: Surroundings<'_>) -> Result<Self, Vec<Problem>> {
        let mut text = Text::new(source);
        let (document, errors) = DeTable::parse_recoverable(source);
        for error in &errors {
            text.note(Problem::new("", error.message()), error.span().unwrap_or(0..0));
        }
        // A text that is not TOML is not judged further: half-read tables only give follow-up mistakes.
        if !errors.is_empty() {
            return Err(text.into_problems());
        }
        let config = Self::from_document(Section::new("", document.get_ref(), document.span()), &mut text, around);
        let problems = text.into_problems();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    fn from_document(mut root: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Self {
        let mut config = Self::defaults(around);
        for (key, place) in [("data", &mut config.data), ("schedules", &mut config.schedules)] {
            if let Some(path) = root.parsed(text, key, not_empty) {
                *place = around.path(&path);
            }
        }
        if let Some(path) = root.parsed(text, "scripts", not_empty) {
            config.scripts = around.path(&path);
        }
        if let Some(listen) = root.parsed(text, "listen", read_listen) {
            config.listen = listen;
        }
        if let Some(zone) = root.parsed(text, "timezone", |given| (around.zone)(given).map(|()| given.to_owned())) {
            config.timezone = zone;
        }
        if let Some(section) = root.section(text, "gateways") {
            for (name, mut gateway) in section.names(text) {
                let pace = PaceChoice::read(&mut gateway, text);
                let gateway = gateway::read(gateway, &name, text, around);
                if pace != PaceChoice::default() {
                    config.paces.insert(name.clone(), pace);
                }
                config.gateways.insert(name, gateway);
            }
        }
        if let Some(section) = root.section(text, "providers") {
            for (name, provider) in section.names(text) {
                let provider = Provider::read(provider, &name, text, around);
                config.providers.insert(name, provider);
            }
        }
        if let Some(mut section) = root.section(text, "budget") {
            config.cost_per_day = section.cost(text, "cost_per_day");
            section.finish(text);
        }
        if let Some(section) = root.section(text, "agents") {
            config.agents = Agents::read(section, text, around, &config.gateways);
        }
        config.routes = Routes::read(&mut root, text, &config.agents, &config.gateways);
        if let Some(section) = root.section(text, "sessions") {
            config.session_idle = routes::read_idle(section, text).unwrap_or(config.session_idle);
        }
        if let Some(section) = root.section(text, "tools") {
            config.tool_sets = agents::read_sets(section, text);
        }
        if let Some(section) = root.section(text, "limits") {
            config.limits = Limits::read(section, text);
        }
        if let Some(section) = root.section(text, "log") {
            config.log = Log::read(section, text, around);
        }
        if let Some(path) = root.parsed(text, "engine_json", not_empty) {
            config.engine_json = Some(around.path(&path));
        }
        let routing = root.section(text, "routing").map(|section| Routing::read(section, text)).unwrap_or_default();
        config.routing = routing.among(&config.agents, &config.providers);
        config.notices.extend(config.routing.notices(config.limits_cost()));
        config.heartbeat = Heartbeat::read(&mut root, text, around, &config.agents);
        config.notices.extend(config.heartbeat.notices(&config));
        root.finish(text);
        config
    }
}

impl Config {
    /// The same with what another file says about models and the heartbeat, where this one says nothing.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        let before = [self.routing.notices(self.limits_cost()), self.heartbeat.notices(&self)].concat();
        self.notices.retain(|notice| !before.contains(notice));
        self.routing = self.routing.or(&other.routing);
        self.heartbeat = self.heartbeat.or(&other.heartbeat);
        self.notices.extend(self.routing.notices(self.limits_cost()));
        self.notices.extend(self.heartbeat.notices(&self));
        self
    }
}

impl Limits {
    fn read(mut section: Section<'_, '_>, text: &mut Text<'_>) -> Self {
        let mut limits = Self::default();
        if let Some(days) = section.whole(text, "history_days", 1..3651) {
            limits.history_days = days as u32;
        }
        if let Some(megabytes) = section.whole(text, "cache_mb", 1..65_537) {
            limits.cache_mb = megabytes as usize;
        }
        if let Some(failures) = section.whole(text, "pause_after_failures", 0..65_536) {
            limits.pause_after_failures = failures as u16;
        }
        if let Some(runs) = section.whole(text, "catchup_per_second", 1..1_000_001) {
            limits.catchup_per_second = runs as u32;
        }
        section.finish(text);
        limits
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            history_days: limits::HISTORY_DAYS_MAX,
            cache_mb: limits::CACHE_BYTES_MAX / (1024 * 1024),
            pause_after_failures: limits::FAILURES_COUNT_MAX,
            catchup_per_second: limits::CATCHUP_COUNT_MAX,
        }
    }
}

impl Log {
    fn read(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Self {
        let level = section.parsed(text, "level", |given| (around.filter)(given).map(|()| given.to_owned()));
        let format = section.choice(text, "format", &[("text", Format::Text), ("json", Format::Json)]);
        section.finish(text);
        Self { level, format: format.unwrap_or(Format::Text) }
    }
}

impl Surroundings<'_> {
    /// The path that a text names.
    #[must_use]
    pub fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            (Some(_), None) | (None, _) => self.base.join(text),
        }
    }

    /// The place of a secret that a text names.
    fn secret(&self, named: Secret) -> Secret {
        match named {
            Secret::Env(name) => Secret::Env(name),
            Secret::File(file) => Secret::File(self.path(&file.to_string_lossy())),
        }
    }
}

/// Reads an address and refuses one that other machines can reach.
pub fn read_listen(given: &str) -> Result<SocketAddr, Problem> {
    let address = given.replace("localhost:", "127.0.0.1:");
    let address: SocketAddr = address.parse().map_err(|_| {
        Problem::new("", "is not an address with a port").hint(format!("such as {DEFAULT_LISTEN}; port 0 takes any"))
    })?;
    if !address.ip().is_loopback() {
        let hint = "this version answers on loopback only; put a reverse proxy in front for more";
        return Err(Problem::new("", "other machines could reach this address").hint(hint));
    }
    Ok(address)
}

fn not_empty(given: &str) -> Result<String, Problem> {
    if given.trim().is_empty() { Err(Problem::new("", "is empty")) } else { Ok(given.to_owned()) }
}
