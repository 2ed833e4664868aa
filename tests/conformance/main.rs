//! The program's own MCP mount, behind its own door, with the tools that the MCP conformance suite wants to find.
//!
//! What the fixtures answer is data, in `fixtures.json`; what is judged is the stack around them. `.ci/interop-mcp` runs
//! it. Prints its address; the token is 32 bytes of 7. Not here: the program's tools, which the suite does not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use chimewheel::calendar::Zone;
use chimewheel::runtime::clock::SystemClock;
use chimewheel::runtime::watchdog::Health;
use chimewheel::surface::admin::Token;
use chimewheel::surface::error::{Code, Error};
use chimewheel::surface::http::{Door, guarded};
use chimewheel::surface::mcp::{Offer, mount};
use chimewheel::surface::ops::{Caller, Calling, Operations, Request};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, GetPromptRequestParams, GetPromptResponse,
    Implementation, InputRequiredResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A server that answers from the file.
#[derive(Clone)]
struct Fixtures(Arc<Value>);

/// Performs nothing: the fixtures ask for no operation.
struct Nobody;

impl Operations for Nobody {
    fn call(&self, _: &Caller, request: Request) -> Calling<'_> {
        let name = request.name();
        Box::pin(async move { Err(Error::new(Code::NotBuilt, format!("'{name}' is not a fixture"))) })
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

impl Fixtures {
    /// The definitions of one kind, as a list.
    fn list<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, ErrorData> {
        let all = self.0[kind].as_array().cloned().unwrap_or_default();
        all.into_iter().map(|fixture| read(fixture["listed"].clone())).collect()
    }

    /// What one of a kind answers, with `{name}` replaced by the argument of that name.
    fn answer(&self, kind: &str, key: &str, wanted: &str, arguments: &Value) -> Option<Value> {
        let found = self.0[kind].as_array()?.iter().find(|fixture| fixture["listed"][key] == wanted)?;
        let mut text = found["answer"].to_string();
        for (name, value) in arguments.as_object().into_iter().flatten() {
            text = text.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default());
        }
        serde_json::from_str(&text).ok()
    }
}

/// What a client has answered so far.
struct Answered<'a> {
    responses: Option<&'a BTreeMap<String, Value>>,
    state: Option<&'a str>,
}

impl Fixtures {
    /// What a fixture still has to ask, in rounds; of that only what the client can be asked.
    fn asked(
        &self,
        kind: &str,
        wanted: &str,
        answered: &Answered<'_>,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<InputRequiredResult>, ErrorData> {
        let all = self.0[kind].as_array();
        let found = all.and_then(|all| all.iter().find(|fixture| fixture["listed"]["name"] == wanted));
        let rounds = found.and_then(|fixture| fixture["rounds"].as_array()).map_or(&[][..], Vec::as_slice);
        let here = match answered.state {
            // A state that is none of ours has been tampered with.
            Some(state) => {
                let found = rounds.iter().position(|round| round["requestState"] == state);
                found.ok_or_else(|| ErrorData::invalid_params("the request state is not ours", None))?
            }
            None => 0,
        };
        let Some(round) = rounds.get(here) else { return Ok(None) };
        let requests = round["inputRequests"].as_object().cloned().unwrap_or_default();
        let complete = |responses: &BTreeMap<String, Value>| {
            requests.keys().all(|key| responses.get(key).is_some_and(Value::is_object))
        };
        let next = if answered.responses.is_some_and(complete) { here + 1 } else { here };
        let Some(mut round) = rounds.get(next).cloned() else { return Ok(None) };
        let capabilities = json!(context.client_capabilities().unwrap_or_default());
        if let Some(requests) = round["inputRequests"].as_object_mut() {
            requests.retain(|_, request| {
                let method = request["method"].as_str().unwrap_or_default();
                capabilities.get(method.split('/').next().unwrap_or_default()).is_some()
            });
        }
        read(round).map(Some)
    }
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let offered = ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        ServerConfig::new(offered).with_server_info(Implementation::new("chimewheel-fixtures", "0"))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.list("tools")?))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "test_tool_with_progress"
            && let Some(token) = context.meta.get_progress_token()
        {
            for done in [0.0, 50.0, 100.0] {
                let progress = ProgressNotificationParam::new(token.clone(), done).with_total(100.0);
                // A client that does not listen misses nothing that it asked for.
                let _ = context.peer.notify_progress(progress).await;
            }
        }
        if request.name == "test_missing_capability" {
            let needed: ClientCapabilities = read(json!({"sampling": {}}))?;
            return Err(ErrorData::missing_required_client_capability(needed));
        }
        let answered =
            Answered { responses: request.input_responses.as_ref(), state: request.request_state.as_deref() };
        if let Some(asked) = self.asked("tools", &request.name, &answered, &context)? {
            return Ok(CallToolResponse::InputRequired(asked));
        }
        let unknown = || ErrorData::invalid_params(format!("there is no tool '{}'", request.name), None);
        let arguments = json!(request.arguments);
        read(self.answer("tools", "name", &request.name, &arguments).ok_or_else(unknown)?)
            .map(CallToolResponse::Complete)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(self.list("resources")?))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(self.list("templates")?))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let answer = match id {
            Some(id) => self.answer("templates", "name", "template", &json!({"id": id})),
            None => self.answer("resources", "uri", &uri, &Value::Null),
        };
        let unknown =
            || ErrorData::resource_not_found(format!("there is nothing at {uri}"), Some(json!({"uri": uri})));
        read(answer.ok_or_else(unknown)?).map(ReadResourceResponse::Complete)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(self.list("prompts")?))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let answered =
            Answered { responses: request.input_responses.as_ref(), state: request.request_state.as_deref() };
        if let Some(asked) = self.asked("prompts", &request.name, &answered, &context)? {
            return Ok(GetPromptResponse::InputRequired(asked));
        }
        let unknown = || ErrorData::invalid_params(format!("there is no prompt '{}'", request.name), None);
        let arguments = json!(request.arguments);
        let answer = self.answer("prompts", "name", &request.name, &arguments).ok_or_else(unknown)?;
        read(answer).map(GetPromptResponse::Complete)
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let fixtures = Fixtures(Arc::new(serde_json::from_str(include_str!("fixtures.json"))?));
    let door = Door {
        meter: Arc::default(),
        ears: None,
        operations: Arc::new(Nobody),
        keys: Arc::new(Token::new([7; 32])),
        health: Arc::new(|| Health::Well),
        offer: Offer { toolbox: Arc::default(), clock: Arc::new(SystemClock), zone: Zone::UTC },
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let routes: Router = mount(move || Ok(fixtures.clone()));
    axum::serve(listener, guarded(door, routes)).await
}
