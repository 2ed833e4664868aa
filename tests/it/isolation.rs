//! Two agents at one store: neither sees, changes or even notices the other's schedules, by whatever operation.

use std::sync::Arc;

use chimewheel::calendar::Zone;
use chimewheel::config::{Agents, Routing};
use chimewheel::runtime::clock::SystemClock;
use chimewheel::runtime::{Gateways, Runtime, Settings};
use chimewheel::spec::Destination;
use chimewheel::surface::error::{Code, Error};
use chimewheel::surface::ops::local::{Local, Setting};
use chimewheel::surface::ops::{Caller, Identity, Operations as _, Request};
use serde_json::{Value, json};

/// A running engine that two agents use.
pub struct House {
    pub tokio: tokio::runtime::Runtime,
    pub local: Local,
    pub runtime: Option<Runtime>,
    _folder: tempfile::TempDir,
}

impl House {
    pub fn open() -> Self {
        Self::with(Agents::default())
    }

    /// One whose config says this of agents.
    pub fn with(agents: Agents) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let settings = Settings {
            data: folder.path().join("data"),
            serving: true,
            cache_bytes: 8 << 20,
            history_days: 30,
            pause_after: 10,
            catchup_per_second: 500,
        };
        let runtime =
            Runtime::start(&settings, Arc::new(SystemClock), Gateways::new(), tokio.handle().clone()).unwrap();
        let setting = Setting {
            zone: Zone::UTC,
            gateways: vec!["console".into()],
            scripts: Arc::default(),
            routing: Routing::new(),
            data: String::new(),
            listen: None,
            serving: true,
            notices: Vec::new(),
        };
        let local = Local::new(runtime.handle(), setting).with_agents(agents);
        Self { tokio, local, runtime: Some(runtime), _folder: folder }
    }

    pub fn ask(&self, caller: &Caller, name: &str, body: Value) -> Result<Value, Error> {
        let request = Request::read(name, body.to_string().as_bytes())?;
        self.tokio.block_on(self.local.call(caller, request)).and_then(|reply| reply.to_json())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.runtime.take().unwrap().stop().unwrap();
    }
}

pub fn ada() -> Caller {
    let destination = Destination { gateway: "console".into(), chat_id: "ada-home".into(), thread: None };
    Caller::Agent(Arc::new(Identity {
        agent: "ada".into(),
        session: Some("s1".into()),
        destination: Some(destination),
        via: None,
    }))
}

fn schedule(id: &str, name: &str) -> Value {
    json!({"schedule": {
        "id": id, "name": name, "schedule": {"every": "1h"}, "payload": {"message": "tick"},
    }})
}

/// Operations on one schedule, with whatever else their bodies need.
fn on_one(id: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("show", json!({"schedule": id})),
        ("update", json!({"schedule": id, "patch": {"name": "mine"}})),
        ("update", json!({"schedule": id, "patch": {"name": "mine"}, "dry_run": true})),
        ("cancel", json!({"schedule": id})),
        ("pause", json!({"schedule": id})),
        ("resume", json!({"schedule": id})),
        ("run-now", json!({"schedule": id})),
        ("runs", json!({"schedule": id})),
        ("preview", json!({"schedule": id})),
        ("export", json!({"schedules": [id]})),
    ]
}

#[test]
fn another_agents_schedule_answers_like_one_that_nobody_has() {
    let house = House::open();
    let bob = Caller::agent("bob");
    house.ask(&ada(), "add", schedule("backup", "nightly")).unwrap();
    let before = house.ask(&Caller::Admin, "show", json!({"schedule": "backup"})).unwrap();
    for asked in ["backup", "nightly"] {
        for claim in [None, Some("ada"), Some("bob")] {
            for ((name, body), (_, unknown)) in on_one(asked).into_iter().zip(on_one("nobodys")) {
                let as_claimed = |mut body: Value| {
                    if let Some(agent) = claim {
                        body["agent"] = json!(agent);
                    }
                    house.ask(&bob, name, body).unwrap_err()
                };
                let (told, expected) = (as_claimed(body), as_claimed(unknown));
                assert_eq!(told.code, Code::NotFound, "{name} {asked} {claim:?}: {told}");
                assert_eq!(told.message.replace(asked, "nobodys"), expected.message, "{name} {claim:?}");
            }
        }
    }
    assert_eq!(house.ask(&Caller::Admin, "show", json!({"schedule": "backup"})).unwrap(), before);
}

#[test]
fn lists_and_exports_hold_the_callers_own() {
    let house = House::open();
    let bob = Caller::agent("bob");
    house.ask(&ada(), "add", schedule("a1", "same")).unwrap();
    house.ask(&bob, "add", schedule("b1", "same")).unwrap();
    for (caller, own) in [(&ada(), "a1"), (&bob, "b1")] {
        for body in [json!({}), json!({"agent": "ada"}), json!({"agent": "bob"}), json!({"agent": "x", "limit": 1})] {
            let listed = house.ask(caller, "list", body.clone()).unwrap();
            let ids: Vec<&Value> = listed["schedules"].as_array().unwrap().iter().map(|line| &line["id"]).collect();
            assert_eq!(ids, [&json!(own)], "{body}");
        }
        let exported = house.ask(caller, "export", json!({"agent": "ada"})).unwrap();
        assert_eq!(exported["schedules"][0]["id"], own);
        assert_eq!(exported["schedules"].as_array().unwrap().len(), 1);
        let shown = house.ask(caller, "show", json!({"schedule": "same"})).unwrap();
        assert_eq!(shown["id"], own, "a name is its agent's");
    }
    let all = house.ask(&Caller::Admin, "list", json!({})).unwrap();
    assert_eq!(all["schedules"].as_array().unwrap().len(), 2);
}

#[test]
fn what_an_agent_declares_is_its_own_and_knows_its_conversation() {
    let house = House::open();
    house.ask(&ada(), "add", schedule("a1", "one")).unwrap();
    let shown = house.ask(&Caller::Admin, "show", json!({"schedule": "a1"})).unwrap();
    let declaration = &shown["declaration"];
    assert_eq!(declaration["agent"], "ada");
    assert_eq!(declaration["created_by_session"], "s1");
    assert_eq!(declaration["destination"], json!({"gateway": "console", "chat_id": "ada-home"}));
    // An explicit null means that the result is only recorded.
    let mut recorded = schedule("a2", "two");
    recorded["schedule"]["destination"] = Value::Null;
    house.ask(&ada(), "add", recorded).unwrap();
    let shown = house.ask(&ada(), "show", json!({"schedule": "a2"})).unwrap();
    assert_eq!(shown["declaration"].get("destination"), None);
    let mut foreign = schedule("a3", "three");
    foreign["schedule"]["agent"] = json!("bob");
    let error = house.ask(&ada(), "add", foreign.clone()).unwrap_err();
    assert_eq!((error.code, error.problems[0].path.as_str()), (Code::BadInput, "agent"));
    let line = foreign["schedule"].to_string();
    let told = house.ask(&ada(), "import", json!({"text": line})).unwrap();
    assert_eq!((&told["created"], &told["problems"][0]["problem"]["path"]), (&json!(0), &json!("agent")));
    let theirs = json!({"id": "b1", "schedule": {"every": "1h"}, "payload": {"message": "x"}});
    house.ask(&Caller::agent("bob"), "import", json!({"text": theirs.to_string()})).unwrap();
    let told = house.ask(&ada(), "import", json!({"text": theirs.to_string()})).unwrap();
    assert_eq!(told["problems"][0]["problem"]["message"], "is taken");
}

#[test]
fn what_is_the_admins_is_refused() {
    let house = House::open();
    let file = json!({"file": {"path": "a.yaml", "text": ""}});
    for (name, body) in
        [("apply", json!({})), ("backup", json!({"file": "/x"})), ("status", json!({})), ("add", file)]
    {
        let error = house.ask(&ada(), name, body).unwrap_err();
        assert_eq!(error.code, Code::Forbidden, "{name}");
    }
}
