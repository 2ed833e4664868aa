//! The loopback surface and its client: the same operations, the same errors, and who may ask.

mod bulk;
mod feed;
mod house;
mod resources;
mod sessions;

use std::sync::{Arc, Mutex};

use chimewheel::access::Via;
use chimewheel::calendar::Zone;
use chimewheel::problem::Problem;
use chimewheel::runtime::clock::SystemClock;
use chimewheel::runtime::watchdog::Health;
use chimewheel::spec::{Destination, RawSchedule};
use chimewheel::surface::admin::Token;
use chimewheel::surface::error::{Code, Error};
use chimewheel::surface::http::{Door, serve};
use chimewheel::surface::mcp::Offer;
use chimewheel::surface::ops::reply::{Changed, Exported, StatusShown};
use chimewheel::surface::ops::request::{Cancel, Export, Pause, Selector, Status};
use chimewheel::surface::ops::{
    Caller, Calling, Entry, Identity, Operations, Reply, Request, TABLE, perform, perform_for,
};
use chimewheel::surface::remote::Remote;
use chimewheel::time::Span;
use expect_test::{Expect, expect, expect_file};
use schemars::SchemaGenerator;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Answers from a script, and remembers what it was asked.
#[derive(Default)]
struct Scripted {
    asked: Mutex<Vec<(Caller, Request)>>,
}

impl Operations for Scripted {
    fn call(&self, caller: &Caller, request: Request) -> Calling<'_> {
        self.asked.lock().unwrap().push((caller.clone(), request.clone()));
        Box::pin(async move {
            match request {
                Request::Cancel(Cancel(one)) if one.schedule == "standup" => Ok(Reply::Cancel(Changed {
                    note: None,
                    id: one.schedule,
                    name: None,
                    status: "cancelled".to_owned(),
                    changed: true,
                    next: None,
                })),
                Request::Cancel(Cancel(one)) => {
                    Err(Error::new(Code::NotFound, format!("schedule not found: {}", one.schedule)))
                }
                Request::Pause(_) => Err(Error::problems(vec![
                    Problem::new("schedule.cron", "hour 25 is out of range").value("0 25 * * *").hint("0 to 23"),
                    Problem::new("", "second"),
                ])),
                Request::Export(_) => Ok(Reply::Export(Exported {
                    schedules: vec![RawSchedule { name: Some("x".repeat(200_000)), ..RawSchedule::default() }],
                    cursor: None,
                })),
                _ => Err(Error::new(Code::Failed, "not scripted").detail("/secret/path")),
            }
        })
    }
}

struct Daemon {
    address: std::net::SocketAddr,
    operations: Arc<Scripted>,
    health: Arc<Mutex<Health>>,
    stop: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

const TOKEN: [u8; 32] = [7; 32];

async fn start() -> Daemon {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let operations = Arc::new(Scripted::default());
    let health: Arc<Mutex<Health>> = Arc::new(Mutex::new(Health::Well));
    let told = Arc::clone(&health);
    let door = Door {
        operations: operations.clone(),
        keys: Arc::new(Token::new(TOKEN)),
        health: Arc::new(move || *told.lock().unwrap()),
        offer: Offer { toolbox: Arc::default(), clock: Arc::new(SystemClock), zone: Zone::UTC },
        meter: Arc::default(),
        ears: None,
    };
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(serve(listener, door, async {
        let _ = stopped.await;
    }));
    Daemon { address, operations, health, stop, serving }
}

impl Daemon {
    fn remote(&self) -> Remote {
        Remote::new(self.address, Token::new(TOKEN))
    }

    /// Sends the bytes of a request and gives back the status line, the kind of the body, and the body.
    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
        let mut text: String = head.lines().map(|line| format!("{}\r\n", line.trim())).collect();
        text = text.replace("TOKEN", Token::new(TOKEN).header().trim_start_matches("Bearer "));
        if !text.contains("content-length") {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        text.push_str(&format!("connection: close\r\n\r\n{body}"));
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let wanted = ["content-type", "allow", "www-authenticate"];
        let kept = head
            .lines()
            .enumerate()
            .filter(|(place, line)| *place == 0 || wanted.iter().any(|w| line.starts_with(w)));
        let head: String = kept.map(|(_, line)| format!("{line}\n")).collect();
        format!("{head}{body}\n")
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
    }
}

async fn check(request: &str, expected: Expect) {
    let daemon = start().await;
    expected.assert_eq(&daemon.raw(request).await);
    daemon.end().await;
}

#[tokio::test]
async fn an_operation_makes_the_round_trip() {
    let daemon = start().await;
    let remote = daemon.remote();
    let one = Selector { schedule: "standup".to_owned(), agent: Some("ada".to_owned()), generation: None };
    let changed = perform(&remote, Cancel(one.clone())).await.unwrap();
    assert_eq!((changed.id.as_str(), changed.status.as_str()), ("standup", "cancelled"));
    assert_eq!(*daemon.operations.asked.lock().unwrap(), [(Caller::Admin, Request::Cancel(Cancel(one)))]);
    let exported = perform(&remote, Export::default()).await.unwrap();
    assert_eq!(exported.schedules[0].name.as_ref().unwrap().len(), 200_000);
    daemon.end().await;
}

#[tokio::test]
async fn the_admin_may_ask_for_an_agent_and_its_conversation() {
    let daemon = start().await;
    let identity = Identity {
        agent: "ada & söhne=1".to_owned(),
        session: Some("s 1".to_owned()),
        destination: Some(Destination {
            gateway: "telegram".to_owned(),
            chat_id: "-100200".to_owned(),
            thread: Some("7%".to_owned()),
        }),
        via: Some(Via::Mcp),
    };
    let caller = Caller::Agent(Arc::new(identity));
    let one = Selector { schedule: "standup".to_owned(), ..Selector::default() };
    perform_for(&caller, &daemon.remote(), Cancel(one.clone())).await.unwrap();
    assert_eq!(*daemon.operations.asked.lock().unwrap(), [(caller, Request::Cancel(Cancel(one)))]);
    for header in ["agent=", "session=s1", "agent=a&chat_id=1", "agent=a&color=red", "agent=a&via=air", "ada"] {
        let head = format!("chimewheel-caller: {header}\nauthorization: Bearer TOKEN\nhost: localhost");
        let request = format!("POST /v1/ops/status HTTP/1.1\n{head}\ncontent-type: application/json\n\n{{}}");
        let answer = daemon.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("names no agent"), "{header}: {answer}");
    }
    daemon.end().await;
}

#[tokio::test]
async fn an_error_makes_the_round_trip() {
    let daemon = start().await;
    let remote = daemon.remote();
    let error = perform(&remote, Cancel(Selector::default())).await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (Code::NotFound, "schedule not found: "));
    let error = perform(&remote, Pause::default()).await.unwrap_err();
    assert_eq!(error.problems.len(), 2);
    assert_eq!(error.problems[0].hint.as_deref(), Some("0 to 23"));
    let error = perform(&remote, Status {}).await.unwrap_err();
    assert!(!format!("{error:?}").contains("/secret/path"), "details stay in the log: {error:?}");
    daemon.end().await;
}

#[tokio::test]
async fn a_wrong_token_and_a_missing_daemon_are_told_apart() {
    let daemon = start().await;
    let stranger = Remote::new(daemon.address, Token::new([8; 32]));
    let error = perform(&stranger, Status {}).await.unwrap_err();
    assert_eq!((error.code, error.code.exit()), (Code::Unauthorized, 5));
    let remote = daemon.remote();
    daemon.end().await;
    let error = perform(&remote, Status {}).await.unwrap_err();
    assert_eq!((error.code, error.code.exit()), (Code::Unreachable, 5));
}

#[tokio::test]
async fn health_needs_no_token() {
    let request = "GET /healthz HTTP/1.1\nhost: localhost:7420\n\n";
    let daemon = start().await;
    let answer = daemon.raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\ncontent-type: application/json\n{\"status\":\"ok\""), "{answer}");
    daemon.end().await;
}

#[tokio::test]
async fn health_is_red_when_the_engine_is_late_or_stands_still() {
    let daemon = start().await;
    let described = chimewheel::surface::http::document();
    let health = &described["paths"]["/healthz"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    let described = health["properties"]["status"]["enum"].as_array().unwrap();
    let pause = Span::from_seconds(7);
    let known = [Health::Well, Health::CatchingUp(1), Health::Behind(pause), Health::Stalled(pause)];
    let known = known.into_iter().chain([Health::DiskStalled(pause), Health::Ended]);
    assert_eq!(known.map(Health::word).collect::<Vec<_>>(), *described);
    for (health, status, detail) in [
        (Health::Behind(pause), "behind", "the oldest due that is not served yet is 7s late"),
        (Health::Stalled(pause), "stalled", "the engine's loop has not turned for 7s"),
        (Health::DiskStalled(pause), "disk-stalled", "a commit has been under way for 7s; the disk does not answer"),
        (Health::Ended, "ended", "the engine has stopped; its log says why"),
    ] {
        *daemon.health.lock().unwrap() = health;
        let answer = daemon.raw("GET /healthz HTTP/1.1\nhost: localhost:7420\n\n").await;
        let body = answer.strip_prefix("HTTP/1.1 503 Service Unavailable\ncontent-type: application/json\n");
        let body: serde_json::Value = serde_json::from_str(body.unwrap_or_else(|| panic!("{answer}"))).unwrap();
        assert_eq!((&body["status"], &body["detail"]), (&status.into(), &detail.into()));
    }
    *daemon.health.lock().unwrap() = Health::CatchingUp(2);
    let answer = daemon.raw("GET /healthz HTTP/1.1\nhost: localhost:7420\n\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\n") && answer.contains("\"status\":\"catching-up\""), "{answer}");
    assert!(answer.contains("2 schedules that missed one are caught up"), "{answer}");
    daemon.end().await;
}

#[tokio::test]
async fn trouble_is_a_problem_document() {
    let post = "HTTP/1.1\nhost: 127.0.0.1:1\nauthorization: Bearer TOKEN\ncontent-type: application/json";
    check(&format!("POST /v1/ops/cancel {post}\n\n{{\"schedule\": \"x\"}}"), expect![[r#"
        HTTP/1.1 404 Not Found
        content-type: application/problem+json
        {"code":"not-found","detail":"schedule not found: x","status":404,"title":"not found","type":"urn:chimewheel:problem:not-found"}
    "#]]).await;
    check(&format!("POST /v1/ops/pause {post}\n\n{{\"schedule\": \"x\"}}"), expect![[r#"
        HTTP/1.1 400 Bad Request
        content-type: application/problem+json
        {"code":"bad-input","detail":"2 problems","problems":[{"hint":"0 to 23","message":"hour 25 is out of range","path":"schedule.cron","value":"0 25 * * *"},{"message":"second","path":""}],"status":400,"title":"bad input","type":"urn:chimewheel:problem:bad-input"}
    "#]]).await;
    check(&format!("POST /v1/ops/cancel {post}\n\n{{\"scedule\": \"x\"}}"), expect![[r#"
        HTTP/1.1 400 Bad Request
        content-type: application/problem+json
        {"code":"bad-input","detail":"unknown field `scedule`, expected one of `schedule`, `agent`, `generation` at line 1 column 10","problems":[{"message":"unknown field `scedule`, expected one of `schedule`, `agent`, `generation` at line 1 column 10","path":""}],"status":400,"title":"bad input","type":"urn:chimewheel:problem:bad-input"}
    "#]]).await;
    check(&format!("POST /v1/ops/cancle {post}\n\n{{}}"), expect![[r#"
        HTTP/1.1 404 Not Found
        content-type: application/problem+json
        {"code":"not-found","detail":"there is no operation 'cancle'; did you mean 'cancel'?","status":404,"title":"not found","type":"urn:chimewheel:problem:not-found"}
    "#]]).await;
    check(&format!("GET /v1/ops/cancel {post}\n\n"), expect![[r#"
        HTTP/1.1 405 Method Not Allowed
        content-type: application/problem+json
        allow: POST
        {"code":"method-not-allowed","detail":"GET is not allowed here","status":405,"title":"method not allowed","type":"urn:chimewheel:problem:method-not-allowed"}
    "#]]).await;
    check("GET /nothing HTTP/1.1\nhost: [::1]:7420\n\n", expect![[r#"
        HTTP/1.1 404 Not Found
        content-type: application/problem+json
        {"code":"not-found","detail":"there is nothing at /nothing","status":404,"title":"not found","type":"urn:chimewheel:problem:not-found"}
    "#]]).await;
    check(&format!("POST /v1/ops/cancel {}\n\n{{}}", post.replace("/json", "/xml")), expect![[r#"
        HTTP/1.1 415 Unsupported Media Type
        content-type: application/problem+json
        {"code":"not-json","detail":"the body must be JSON, with content-type application/json","status":415,"title":"not json","type":"urn:chimewheel:problem:not-json"}
    "#]]).await;
    check(&format!("POST /v1/ops/cancel {post}\ncontent-length: 99999999\n\n"), expect![[r#"
        HTTP/1.1 413 Payload Too Large
        content-type: application/problem+json
        {"code":"too-large","detail":"a request may hold 16777216 bytes","status":413,"title":"too large","type":"urn:chimewheel:problem:too-large"}
    "#]]).await;
    check("POST /v1/ops/cancel HTTP/1.1\nhost: 127.0.0.1\n\n", expect![[r#"
        HTTP/1.1 401 Unauthorized
        content-type: application/problem+json
        www-authenticate: Bearer
        {"code":"unauthorized","detail":"the token is missing, wrong, expired or revoked; the admin's is in the file admin.token of the data folder, and `chimewheel token new --agent NAME` makes one for an agent","status":401,"title":"unauthorized","type":"urn:chimewheel:problem:unauthorized"}
    "#]]).await;
}

#[tokio::test]
async fn foreign_names_are_turned_away() {
    for headers in [
        "host: evil.example:7420",
        "host: 127.0.0.1.evil.example",
        "host: localhost:7420:1",
        "host: localhost\norigin: https://evil.example",
        "host: localhost\norigin: null",
        "host: localhost\norigin: http://localhost.evil.example",
    ] {
        let daemon = start().await;
        let answer = daemon.raw(&format!("GET /healthz HTTP/1.1\n{headers}\n\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\ncontent-type: application/problem+json"), "{answer}");
        daemon.end().await;
    }
    for headers in ["host: localhost\norigin: http://localhost:3000", "host: [::1]:1", "host: LOCALHOST"] {
        let daemon = start().await;
        let answer = daemon.raw(&format!("GET /healthz HTTP/1.1\n{headers}\n\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        daemon.end().await;
    }
}

#[test]
fn every_operation_reads_its_own_name() {
    for Entry { name, about, .. } in TABLE {
        let body: &[u8] = match *name {
            "show" | "cancel" | "pause" | "resume" | "run-now" | "runs" => br#"{"schedule": "x"}"#,
            "update" => br#"{"schedule": "x", "patch": {}}"#,
            "token-revoke" | "dead-letter-show" => br#"{"id": "x"}"#,
            "session" | "session-messages" | "session-end" => br#"{"session": "sess_1"}"#,
            "session-answer" => br#"{"session": "sess_1", "text": "x"}"#,
            "process-exited" => br#"{"handle": "x"}"#,
            _ => b"{}",
        };
        let request = Request::read(name, body).unwrap();
        assert_eq!(request.name(), *name);
        let again = Request::read(name, request.to_json().unwrap().to_string().as_bytes()).unwrap();
        assert_eq!(again, request);
        assert!(about.trim().ends_with('.'), "{name}: {about}");
    }
}

/// Every surface reads its shapes from the table, so a change of a shape is a change of this file.
#[test]
fn the_shapes_of_all_bodies_are_as_written_down() {
    let mut schemas = SchemaGenerator::default();
    let shapes: serde_json::Map<String, Value> = TABLE
        .iter()
        .map(|entry| {
            let (request, reply) = ((entry.request)(&mut schemas), (entry.reply)(&mut schemas));
            (entry.name.to_owned(), json!({"about": entry.about.trim(), "request": request, "reply": reply}))
        })
        .collect();
    let written = json!({"operations": shapes, "$defs": schemas.definitions()});
    expect_file!["../../data/operations.json"].assert_eq(&format!("{written:#}\n"));
}

#[cfg(unix)]
#[test]
fn the_token_is_made_once_and_only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    assert!(Token::load(folder.path()).is_err());
    let token = Token::ensure(folder.path()).unwrap();
    assert_eq!(Token::ensure(folder.path()).unwrap(), token);
    assert_eq!(Token::load(folder.path()).unwrap(), token);
    assert_eq!(format!("{token:?}"), "Token(…)");
    assert!(!token.is("") && token.is(token.header().trim_start_matches("Bearer ")));
    let path = folder.path().join("admin.token");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(Token::load(folder.path()).unwrap_err().code, Code::Forbidden);
}

#[test]
fn replies_leave_out_what_is_absent() {
    let shown: StatusShown = serde_json::from_str(
        r#"{"version": "0", "mode": "store", "pid": 1, "data": "d", "now": "2026-01-30T14:00:00Z",
            "schedules": {"armed": 1, "held": 1, "known": 2}, "lag_ms": 0, "open": 0, "retrying": 0, "in_flight": 0,
            "commits": 1, "store_bytes": 1, "zone_data": "2026a"}"#,
    )
    .unwrap();
    let text = Reply::Status(shown).to_json().unwrap().to_string();
    assert!(!text.contains("null"), "{text}");
}
