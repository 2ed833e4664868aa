//! The Model Context Protocol: tools, resources and prompts for any client that speaks it.
//!
//! One server for both transports: over stdio it speaks for the agent that the process was started for, over HTTP for
//! whoever the request's token stands for. Protocol revisions are the SDK's affair. What goes wrong in a tool is a tool
//! result; unknown tools, resources and prompts are errors of the protocol.
//! Not here: what tools do (`tools`), where a stdio server's operations are performed (`bridge`).

mod prompts;
mod resources;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::{Router, middleware};
use http_body_util::Limited;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, GetPromptRequestParams, GetPromptResponse,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, ServerInitializeError};
use rmcp::transport::common::http_header::HEADER_SESSION_ID;
use rmcp::transport::io::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::Value;

use super::error::{Code, Error};
use super::http::refuse;
use super::ops::{Caller, Operations};
use super::tools::export::mcp;
use super::tools::{Outcome, Set, Tool, Toolbox};
use crate::access::Via;
use crate::calendar::Zone;
use crate::limits;
use crate::runtime::clock::Clock;

/// Where the server is mounted.
pub const PATH: &str = "/mcp";

/// What tools are offered, and what a model is told about time.
#[derive(Clone)]
pub struct Offer {
    /// The tools.
    pub toolbox: Arc<Toolbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The zone of times that name none.
    pub zone: Zone,
}

/// A server for one agent, or for whoever each request stands for.
#[derive(Clone)]
pub struct Server {
    operations: Arc<dyn Operations>,
    offer: Offer,
    caller: Option<Caller>,
}

impl Server {
    /// A server that speaks for one agent.
    #[must_use]
    pub fn of(caller: Caller, operations: Arc<dyn Operations>, offer: Offer) -> Self {
        Self { operations, offer, caller: Some(caller) }
    }

    /// Who asks.
    fn caller(&self, context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
        let parts = context.extensions.get::<axum::http::request::Parts>();
        let told = parts.and_then(|parts| parts.extensions.get::<Caller>());
        self.caller
            .as_ref()
            .or(told)
            .cloned()
            .map(|caller| caller.by_way_of(Via::Mcp))
            .ok_or_else(|| ErrorData::internal_error("the connection does not say who asks", None))
    }

    fn instructions(&self) -> String {
        let Offer { clock, zone, .. } = &self.offer;
        let now = clock.now();
        let local = zone.format(now);
        // Over HTTP nobody has said yet who asks.
        let unless = if self.caller.is_none() { ", unless the operator has given you another" } else { "" };
        let local = if local == now.to_string() { String::new() } else { format!(" ({local} in {zone})") };
        format!(
            "chimewheel keeps schedules: at their times it sends messages to chats. It is now {now}{local}; \
             times without a zone are read in {zone}{unless}. To book, call schedule_task with exactly one time (when: \
             every weekday at 9; in: 2h; at: 2026-01-30 16:00 with timezone; every: 30m; cron) and exactly one payload (message is sent as it is; task \
             is an instruction for a model run at that time). Prefer `in` to computing a time yourself. \
             The reply repeats in plain English what was understood, with the next times: check it and tell the user. \
             You see and change your own schedules only. The manual is in the resources guide://start and so on."
        )
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let offered = ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        let name = Implementation::new("chimewheel", env!("CARGO_PKG_VERSION")).with_title("chimewheel schedules");
        ServerConfig::new(offered).with_server_info(name).with_instructions(self.instructions())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = self.caller(&context)?;
        let tools = self.offer.toolbox.tools(&caller).map(described).collect::<Result<_, _>>()?;
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = self.caller(&context)?;
        let Offer { toolbox, .. } = &self.offer;
        let unknown = |error: Error| ErrorData::invalid_params(error.message, None);
        let tool = toolbox.find(&caller, &request.name).map_err(unknown)?;
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        let outcome = toolbox.call(&caller, self.operations.as_ref(), tool.name, arguments).await.map_err(unknown)?;
        Ok(told(tool, outcome).into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        resources::list(&self.caller(&context)?, self.operations.as_ref(), cursor).await
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let read = resources::read(&self.caller(&context)?, self.operations.as_ref(), &request.uri).await?;
        Ok(read.into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        Ok(prompts::get(&request.name, &arguments)?.into())
    }
}

/// A tool in the SDK's terms.
fn described(tool: &Tool) -> Result<rmcp::model::Tool, ErrorData> {
    let broken = |error: serde_json::Error| ErrorData::internal_error(format!("{}: {error}", tool.name), None);
    serde_json::from_value(mcp(tool)).map_err(broken)
}

/// An outcome in the SDK's terms. Clients of the older sets match on the whole first block.
fn told(tool: &Tool, outcome: Outcome) -> CallToolResult {
    let blocks = match tool.set {
        Set::Canonical => vec![ContentBlock::text(outcome.whole())],
        Set::Named | Set::Duragent => {
            let notes = Some(outcome.notes).filter(|notes| !notes.is_empty());
            [Some(outcome.text), notes].into_iter().flatten().map(ContentBlock::text).collect()
        }
    };
    let mut result = if outcome.is_error { CallToolResult::error(blocks) } else { CallToolResult::success(blocks) };
    result.structured_content = Some(outcome.structured);
    result
}

/// Speaks over standard input and output until the client ends.
pub async fn speak(server: Server) -> Result<(), Error> {
    let broken =
        |error: &dyn std::fmt::Display| Error::new(Code::Failed, "the client broke off the protocol").detail(error);
    let running = match server.serve(stdio_pipes()).await {
        Ok(running) => running,
        // A client that goes away before it has said anything has not failed.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(broken(&error)),
    };
    running.waiting().await.map(|_| ()).map_err(|error| broken(&error))
}

/// The routes of the HTTP transport; who asks is in each request's extensions.
pub fn router<S: Clone + Send + Sync + 'static>(operations: Arc<dyn Operations>, offer: Offer) -> Router<S> {
    let server = Server { operations, offer, caller: None };
    mount(move || Ok(server.clone()))
}

/// Mounts a server the way ours is mounted.
pub fn mount<H, S>(make: impl Fn() -> std::io::Result<H> + Send + Sync + 'static) -> Router<S>
where
    H: ServerHandler,
    S: Clone + Send + Sync + 'static,
{
    let local = ["localhost", "127.0.0.1", "::1"];
    let mut config = StreamableHttpServerConfig::default();
    config.allowed_hosts = local.map(str::to_owned).to_vec();
    config.allowed_origins = ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("http://{host}:*")).to_vec();
    config.sse_keep_alive = Some(Duration::from_millis(limits::SSE_SILENCE_MS_MAX));
    config.max_request_body_bytes = limits::REQUEST_BYTES_MAX;
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(make, Arc::clone(&sessions), config);
    let router = Router::new().route_service(PATH, service).layer(middleware::from_fn(limited));
    router.layer(middleware::from_fn_with_state(sessions, require_room))
}

/// Lets no further session begin while too many are open.
async fn require_room(State(sessions): State<Arc<LocalSessionManager>>, request: Request, next: Next) -> Response {
    let begins = !request.headers().contains_key(HEADER_SESSION_ID);
    if begins && sessions.sessions.read().await.len() >= limits::MCP_SESSIONS_COUNT_MAX {
        let most = limits::MCP_SESSIONS_COUNT_MAX;
        let message = format!("{most} sessions are open; end some by DELETE, or wait: silent ones end by themselves");
        return refuse(&Error::new(Code::Unreachable, message));
    }
    next.run(request).await
}

/// Reads no more of a request than of any other.
async fn limited(request: Request, next: Next) -> Response {
    let most = limits::REQUEST_BYTES_MAX;
    if request.body().size_hint().lower() > most as u64 {
        return refuse(&Error::new(Code::TooLarge, format!("a request may hold {most} bytes")));
    }
    next.run(request.map(|body| Body::new(Limited::new(body, most)))).await
}
