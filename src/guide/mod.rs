//! The manual: one page a topic, printed by `chimewheel guide TOPIC`.
//!
//! The pages are the documentation of the modules below, word for word.
//! Not here: the architecture, which is the crate's own documentation.

/// A page of the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it is asked for by.
    pub topic: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Markdown.
    pub text: &'static str,
}

macro_rules! pages {
    ($($topic:ident: $about:literal;)+) => {
        /// Every page, in reading order.
        pub const PAGES: &[Page] = &[$(
            Page {
                topic: stringify!($topic),
                about: $about,
                text: include_str!(concat!(stringify!($topic), ".md")),
            },
        )+];

        $(
            #[doc = include_str!(concat!(stringify!($topic), ".md"))]
            pub mod $topic {}
        )+
    };
}

pages! {
    start: "the first five minutes";
    schedules: "what a schedule says, field by field";
    cron: "the two cron dialects, and clock changes";
    hooks: "scripts that shape a schedule's runs, and templates";
    gateways: "where messages go, gateway by gateway";
    sessions: "conversations: what people write, and agents of your own that answer";
    models: "which model does a task, and how to reach one";
    imports: "schedules of duragent, HEARTBEAT.md, OpenClaw and crontabs";
    agents: "tokens, destinations, quotas, audit";
    operations: "running the daemon: config, files, store, exit codes";
    tools: "tools for agents: MCP, function calling, HTTP";
    http: "the loopback HTTP surface";
    limits: "what is bounded, and by how much";
}
