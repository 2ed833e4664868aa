//! Options of the commands for agents: `mcp` and `tools`.
//!
//! Not here: the other commands (`args`).

use clap::{Args, ValueEnum};

/// Options of `mcp`.
#[derive(Debug, Args)]
pub struct Mcp {
    /// The agent that it speaks for; its schedules are all it sees
    #[arg(long, value_name = "NAME")]
    pub agent: String,
    /// The session that schedules are booked from
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// Gateway of the present conversation, where messages go that name none
    #[arg(long, value_name = "NAME", requires = "chat_id")]
    pub gateway: Option<String>,
    /// Chat of the present conversation
    #[arg(long, value_name = "ID", requires = "gateway", allow_hyphen_values = true)]
    pub chat_id: Option<String>,
    /// Thread or topic of that chat
    #[arg(long, value_name = "ID", requires = "chat_id", allow_hyphen_values = true)]
    pub thread: Option<String>,
}

/// Options of `tools`.
#[derive(Debug, Args)]
pub struct Tools {
    /// Form of the table
    #[arg(long, value_name = "FORM")]
    pub format: Option<ToolForm>,
    /// Only tools that the config leaves this agent
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Only tools of this set; may be given again [default: the config's, else canonical and named]
    #[arg(long = "set", value_name = "SET")]
    pub sets: Vec<ToolSet>,
}

/// Forms of the table of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ToolForm {
    /// Functions of the chat-completions API.
    Openai,
    /// Tools of the messages API.
    Anthropic,
    /// The reply to MCP's tools/list.
    Mcp,
    /// Everything that the table says.
    Json,
}

/// Sets of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ToolSet {
    /// Ours.
    Canonical,
    /// Quartz cron and unique names.
    Named,
    /// Ids, and the conversation as context.
    Duragent,
}
