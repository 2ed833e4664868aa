//! Money in the real program: what a morning of a hundred tasks costs, what a kill in the middle of it costs, and what is
//! told of it.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chimewheel::config::{Rate, Rates, Routing};
use chimewheel::engine::change::{Outcome, Phase};
use chimewheel::gateway::{Delivery, Gateway, Receipt, Sending};
use chimewheel::id::ScheduleKey;
use chimewheel::money::Cost;
use chimewheel::runner::{Answer, Prompt, Runner, Running};
use chimewheel::runtime::clock::ManualClock;
use chimewheel::runtime::{Declaration, Done, Handle, Op, Outside, Provider, Runtime, Settings};
use chimewheel::spec::{Context, Tokens, validate};
use chimewheel::time::{Span, Timestamp};
use expect_test::expect;
use serde_json::{Value, json};

use crate::standin::{Play, Received, Standin};
use crate::tasks::House;

const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// A model that counts what it takes.
struct Meter {
    tokens_out: AtomicU64,
    calls: AtomicU64,
}

impl Runner for Meter {
    fn run(&self, prompt: Prompt) -> Running<'_> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let most = prompt.max_tokens.expect("whoever costs something has a limit");
            // One that uses all it may, and others that use a part of it.
            let output = most / (1 + self.calls.fetch_add(1, Ordering::SeqCst) as u32 % 4);
            self.tokens_out.fetch_add(output.into(), Ordering::SeqCst);
            let answer = Answer::new("done", prompt.model)?;
            Ok(Answer { tokens: Some(Tokens { input: 10, output }), ..answer })
        })
    }
}

#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Gateway for Recorder {
    fn send(&self, delivery: Delivery) -> Sending<'_> {
        self.0.lock().unwrap().push(delivery.text);
        Box::pin(async { Ok(Receipt::default()) })
    }
}

fn settings(folder: &std::path::Path) -> Settings {
    Settings {
        data: folder.join("data"),
        serving: true,
        cache_bytes: 8 << 20,
        history_days: 30,
        pause_after: 0,
        catchup_per_second: 500,
    }
}

async fn settled(handle: &Handle, keys: &[ScheduleKey], count: usize) -> Vec<Outcome> {
    loop {
        let mut changed = handle.meter().commits();
        let runs = keys.iter().map(|key| handle.reader().runs(*key, 10, None).unwrap());
        let runs = runs.flatten().filter(|run| run.cause != chimewheel::engine::change::Cause::Notice);
        let over: Vec<Outcome> = runs
            .filter_map(|run| if let Phase::Settled { outcome, .. } = run.phase { Some(outcome) } else { None })
            .collect();
        if over.len() == count {
            return over;
        }
        changed.changed().await.unwrap();
    }
}

/// A hundred tasks are due at nine, and there is money for some of them.
#[test]
fn a_morning_of_a_hundred_tasks_never_costs_more_than_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clock = Arc::new(ManualClock::new(BEGIN));
    let meter = Arc::new(Meter { tokens_out: AtomicU64::new(0), calls: AtomicU64::new(0) });
    let usual = Rate { price_in: None, price_out: Some(Cost::parse("10").unwrap()), max_tokens: Some(1000) };
    let rates = Rates { usual, ..Rates::default() };
    let provider = Provider { runner: Arc::clone(&meter) as _, timeout: Span::from_seconds(600), room: 64, rates };
    let budget = Cost::parse("0.25").unwrap();
    let recorder = Arc::new(Recorder::default());
    let outside = || Outside {
        gateways: [("console".into(), Arc::clone(&recorder) as _)].into_iter().collect(),
        providers: [("glm".to_owned(), provider.clone())].into_iter().collect(),
        routing: routing(),
        cost_per_day: Some(budget),
        ..Outside::default()
    };
    let start = || {
        let clock = Arc::clone(&clock) as _;
        Runtime::start(&settings(folder.path()), clock, outside(), tokio.handle().clone()).unwrap()
    };
    let runtime = start();
    let handle = runtime.handle();
    let keys: Vec<ScheduleKey> = (0..100).map(|number| tokio.block_on(due_at_nine(&handle, number))).collect();
    for minutes in 1..=54 {
        clock.set(BEGIN.plus(Span::from_seconds(minutes * 600)));
        handle.wake();
    }
    let outcomes = tokio.block_on(settled(&handle, &keys, 100));
    let delivered = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Delivered { .. })).count() as u64;
    let skipped_count =
        outcomes.iter().filter(|outcome| matches!(outcome, Outcome::OverBudget { .. })).count() as u64;
    assert_eq!((delivered + skipped_count, outcomes.len()), (100, 100), "{outcomes:?}");
    assert_eq!(delivered, meter.calls.load(Ordering::SeqCst));
    let cost = || Cost::from_micros(10 * meter.tokens_out.load(Ordering::SeqCst));
    assert!(cost() <= budget && cost() > Cost::parse("0.1").unwrap(), "{} of {budget}", cost());
    assert!(delivered >= 25 && skipped_count > 0, "{delivered} were delivered");
    let recorded = |handle: &Handle| {
        let spending = handle.reader().spending(None, BEGIN).unwrap();
        spending.sums.values().fold(Cost::ZERO, |sum, one| sum.plus(one.cost))
    };
    assert_eq!(recorded(&handle), cost(), "and it is on record");
    runtime.stop().unwrap();
    let told = recorder.0.lock().unwrap().iter().filter(|text| text.contains("for its budget")).count();
    assert_eq!(told, 1, "the owner's chat is told once");

    // The next process knows what was spent: all of them again find no more than is left.
    let runtime = start();
    let handle = runtime.handle();
    for key in &keys {
        tokio.block_on(handle.ask(Op::RunNow(*key))).unwrap();
    }
    let outcomes = tokio.block_on(settled(&handle, &keys, 200));
    assert!(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::OverBudget { .. })).count() > 100);
    assert!(cost() <= budget && recorded(&handle) == cost(), "{} of {budget}", cost());
    runtime.stop().unwrap();
}

/// One of the tasks of the morning.
async fn due_at_nine(handle: &Handle, number: usize) -> ScheduleKey {
    let raw = json!({"id": format!("t{number}"), "schedule": {"at": "2026-01-01T09:00:00Z"}, "model": "glm/m",
        "payload": {"task": "look"}, "destination": {"gateway": "console", "chat_id": "me"}});
    let (routing, gateways) = (routing(), ["console".to_owned()]);
    let context = Context { routing: &routing, gateways: &gateways, ..Context::new(BEGIN) };
    let schedule = validate(&serde_json::from_value(raw).unwrap(), &context).unwrap().schedule;
    let declaration = Declaration { schedule, paused: false, past: false };
    match handle.ask(Op::Create(declaration)).await.unwrap() {
        Done::Created(key, _) => key,
        other => panic!("{other:?}"),
    }
}

fn routing() -> Routing {
    Routing { providers: ["glm".to_owned()].into(), ..Routing::new() }
}

fn answering(_: &Received) -> Play {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 50});
    Play::json(
        200,
        &json!({"model": "tiny-1", "choices": [{"message": {"content": "y".repeat(2000)}}], "usage": usage}),
    )
}

fn config(standin: &Standin, more: &str) -> String {
    format!(
        "[providers.glm]\nbase_url = \"{}\"\nprice_in = 2.5\nprice_out = 10\nmax_tokens = 100\n{more}",
        standin.url("/v1")
    )
}

/// The run that ended so; a notice may stand above it.
fn ended(house: &House, schedule: &str, outcome: &str) -> Value {
    loop {
        let (code, said) = house.run(&["runs", schedule, "--outcome", outcome, "--json"]);
        assert_eq!(code, 0, "{said}");
        let listed: Value = serde_json::from_str(&said).unwrap();
        if let Some(run) = listed["runs"].as_array().unwrap().first() {
            return run.clone();
        }
    }
}

/// The console takes no more when nobody reads it: the answer waits there when the process is killed.
#[test]
fn a_kill_between_answer_and_delivery_pays_once_and_delivers_once() {
    let standin = Standin::start(answering);
    let mut house = House::new(&config(&standin, ""), "cat");
    let filler = "x".repeat(65_000);
    house.add(&["--id", "filler", "--in", "100ms", "-m", &filler]);
    house.wait_for("filler", "delivered");
    house.add(&["--id", "news", "--in", "100ms", "--task", "sum up", "--model", "glm/tiny"]);
    let run = house.wait_for("news", "sending");
    assert_eq!(run["execution"]["cost_micros"], 750, "{run}");
    house.kill_and_start();
    let message = house.message();
    assert!(message.contains(" news ") && message.ends_with("yyy\n"), "{message}");
    let run = house.wait_for("news", "delivered");
    assert_eq!((&run["execution"]["attempts"], &run["execution"]["cost_micros"]), (&1.into(), &750.into()), "{run}");
    assert_eq!(standin.next().0.json()["max_tokens"], 100, "what an answer may cost is known before");
    assert!(standin.poll().is_none(), "the model was asked once");
}

/// The model never answers; the process is killed while it waits for it.
#[test]
fn a_call_that_a_kill_cuts_off_counts_as_the_most_that_it_may_cost() {
    let standin = Standin::start(|request| if request.number == 0 { Play::Hold } else { answering(request) });
    let mut house = House::new(&config(&standin, "[budget]\ncost_per_day = 0.003\n"), "cat");
    house.add(&["--id", "news", "--in", "100ms", "--task", "sum up", "--model", "glm/tiny"]);
    standin.next();
    house.kill_and_start();
    let run = ended(&house, "news", "failed");
    assert!(run["detail"].as_str().unwrap().contains("budget.cost_per_day"), "{run}");
    // 6 bytes of instruction and 256 around it, and an answer of 100 tokens.
    assert_eq!(run["execution"]["cost_micros"], (262 * 5_u64).div_ceil(2) + 1000, "{run}");
    assert!(standin.poll().is_none(), "nobody was asked again");
    house.add(&["--id", "more", "--in", "100ms", "--task", "sum up", "--model", "glm/tiny"]);
    let run = ended(&house, "more", "skipped");
    assert!(run["detail"].as_str().unwrap().starts_with("budget: everybody together may spend 0.003 a day"), "{run}");
    let told = loop {
        let line = house.message();
        if line.contains("budget") {
            break line;
        }
    };
    assert!(told.contains("Schedule 'news' was not run"), "{told}");
}

#[test]
fn what_was_spent_is_told_by_schedule_agent_and_model() {
    let standin = Standin::start(answering);
    let mut house = House::new(&config(&standin, "[providers.glm.models.\"big\"]\nprice_out = 100\n"), "cat");
    for (id, model) in [("a", "glm/tiny"), ("b", "glm/big")] {
        house.add(&["--id", id, "--in", "100ms", "--task", "sum up", "--model", model]);
        house.message();
        house.wait_for(id, "delivered");
    }
    let costs = |arguments: &[&str]| {
        let (code, said) = house.run(&[&["costs", "--json"], arguments].concat());
        assert_eq!(code, 0, "{said}");
        let told: Value = serde_json::from_str(&said).unwrap();
        let line = |line: &Value| format!("{}: {} {}", line["of"], line["runs"], line["cost_micros"]);
        let lines: Vec<String> = told["costs"].as_array().unwrap().iter().map(line).collect();
        format!("{} of {}", lines.join(", "), told["total"]["cost_micros"])
    };
    assert_eq!(costs(&[]), r#""b": 1 5250, "a": 1 750 of 6000"#);
    assert_eq!(costs(&["--by", "agent"]), r#""default": 2 6000 of 6000"#);
    assert_eq!(costs(&["--by", "model"]), r#""glm/tiny-1": 2 6000 of 6000"#);
    assert_eq!(costs(&["--since", "2199-01-01T00:00:00Z"]), " of 0");
    assert_eq!(costs(&["--since", "1d"]), costs(&[]));
    assert_eq!(costs(&["--agent", "nobody"]), " of 0");
    let (_, said) = house.run(&["costs"]);
    assert!(said.contains("0.00525") && said.contains("all together"), "{said}");
    let (_, said) = house.run(&["runs", "a"]);
    assert!(said.contains("for 0.00075"), "{said}");
}

#[test]
fn a_run_takes_no_more_tokens_than_it_may() {
    let standin = Standin::start(answering);
    let mut house = House::new(&config(&standin, ""), "cat");
    let path = house.path("budget.yaml");
    let declare = |id: &str, most: u32| {
        let text = format!(
            "id: {id}\ndestination: {{gateway: console, chat_id: local}}\nschedule: {{in: 100ms}}\npayload: {{task: sum \
             up}}\nmodel: glm/tiny\nbudget: {{max_tokens_per_run: {most}}}\n"
        );
        fs::write(&path, text).unwrap();
        house.add(&["--file", path.to_str().unwrap()]);
    };
    declare("enough", 300);
    assert_eq!(standin.next().0.json()["max_tokens"], 300 - 262);
    house.wait_for("enough", "delivered");
    declare("little", 200);
    let run = ended(&house, "little", "skipped");
    let why = "budget: a run may take 200 tokens (budget.max_tokens_per_run)";
    assert!(run["detail"].as_str().unwrap().starts_with(why), "{run}");
    let told: String = (0..2).map(|_| house.message()).filter(|line| line.contains("budget")).collect();
    assert!(told.contains("Schedule 'little' was not run, for its budget: a run may take 200 tokens"), "{told}");
    let (code, said) = house.run(&["run-now", "little"]);
    assert_eq!(code, 0, "{said}");
    ended(&house, "little", "skipped");
    house.add(&["--id", "last", "--in", "100ms", "-m", "last"]);
    assert!(house.message().ends_with("last\n"), "it is told once");
}

/// A run made now, and what its model was told besides the instruction.
fn made(house: &mut House, standin: &Standin) -> String {
    let (code, said) = house.run(&["run-now", "news"]);
    assert_eq!(code, 0, "{said}");
    while !house.message().contains("yyy") {}
    house.wait_for("news", "delivered");
    let body = standin.next().0.json();
    assert_eq!(body["max_tokens"], 100, "the answer may be as long as ever: {body}");
    let messages = body["messages"].as_array().unwrap();
    if messages.len() == 1 { String::new() } else { messages[0]["content"].as_str().unwrap().to_owned() }
}

#[test]
fn results_that_are_told_leave_room_for_the_answer_within_the_tokens_of_a_run() {
    let standin = Standin::start(answering);
    let mut house = House::new(&config(&standin, ""), "cat");
    let add = ["--id", "news", "--every", "1d", "--task", "sum up", "--model", "glm/tiny"];
    house.add(&[&add[..], &["--budget", "max_tokens_per_run=4000"]].concat());
    let told: Vec<usize> = (0..4).map(|_| made(&mut house, &standin).matches(": yyy").count()).collect();
    assert_eq!(told, [0, 1, 1, 1], "two of 2000 bytes would be more than all");
    for (budget, count) in [("max_tokens_per_run=400000", 3), ("max_cost_per_day=0.0165", 2)] {
        let (code, said) = house.run(&["update", "news", "--budget", budget]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(made(&mut house, &standin).matches(": yyy").count(), count, "{budget}");
    }
}

#[test]
fn what_the_program_tells_of_a_schedule_is_no_result_of_its_model() {
    let standin = Standin::start(answering);
    let mut house = House::new(&config(&standin, ""), "cat");
    house.add(&["--id", "news", "--every", "1d", "--task", "sum up", "--model", "glm/tiny"]);
    made(&mut house, &standin);
    let budget = |limit: &str| assert_eq!(house.run(&["update", "news", "--budget", limit]).0, 0);
    budget("max_tokens_per_run=100");
    assert_eq!(house.run(&["run-now", "news"]).0, 0);
    ended(&house, "news", "skipped");
    budget("max_tokens_per_run=100000");
    while !house.message().contains("was not run, for its budget") {}
    let told = made(&mut house, &standin);
    assert!(told.contains(": yyy") && !told.contains("budget"), "{told}");
}

#[test]
fn what_a_provider_cannot_keep_to_is_refused() {
    let standin = Standin::start(answering);
    let free = |name: &str, more: &str| format!("[providers.{name}]\nbase_url = \"{}\"\n{more}", standin.url("/v1"));
    let house = House::new(&[free("free", ""), free("zero", "price_in = 0\n")].concat(), "cat");
    let add = |model: &str, more: [&str; 2]| {
        let base = ["add", "--every", "1d", "--task", "x", "--model", model];
        house.run(&[&base[..], &more].concat())
    };
    let (cost, tokens) = (["--budget", "max_cost_per_day=1"], ["--budget", "max_tokens_per_run=9"]);
    let tool = ["--silence", "tool"];
    let no_tools = |name: &str| format!("silence: needs a model that calls tools, and provider '{name}' calls none");
    for (model, more, why) in [
        (
            "free/m",
            cost,
            "budget.max_cost_per_day: model 'free/m' has no price that could be reckoned with (given '1'; \
            write price_in and price_out in [providers.free], 0 where"
                .to_owned(),
        ),
        (
            "ask/m",
            cost,
            "budget.max_cost_per_day: provider 'ask' is a command, and nobody knows what that costs".to_owned(),
        ),
        (
            "ask/m",
            tokens,
            "budget.max_tokens_per_run: provider 'ask' is a command, which is told nothing of it".to_owned(),
        ),
        ("ask/m", tool, no_tools("ask")),
        ("echo/m", tool, no_tools("echo")),
    ] {
        let (code, said) = add(model, more);
        assert!(code != 0 && said.contains(&why), "{said}");
    }
    for (model, more) in
        [("zero/m", cost), ("echo/m", cost), ("echo/m", tokens), ("free/m", tokens), ("free/m", tool)]
    {
        let (code, said) = add(model, more);
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn a_limit_that_no_call_can_keep_to_is_told_as_one_that_lasts() {
    let standin = Standin::start(answering);
    let mut house = House::new(&config(&standin, ""), "cat");
    let add = ["--id", "news", "--in", "100ms", "--task", "sum up", "--model", "glm/tiny"];
    house.add(&[&add[..], &["--budget", "max_cost_per_day=0.000005"]].concat());
    ended(&house, "news", "skipped");
    let told = house.message();
    assert!(told.contains("It never runs so: raise the limit, or lower max_tokens of the provider"), "{told}");
    assert!(!told.contains("the day is over"), "{told}");
}

#[test]
fn the_least_amount_is_read_as_it_was_written() {
    let standin = Standin::start(answering);
    let house = House::new(&config(&standin, ""), "cat");
    for (id, amount) in [("a", "0.000005"), ("b", "0.00001"), ("c", "0.1"), ("d", "1000000000")] {
        let budget = format!("max_cost_per_day={amount}");
        let add = ["add", "--id", id, "--every", "1d", "--task", "x", "--model", "glm/tiny", "--budget", &budget];
        let (code, said) = house.run(&add);
        assert_eq!(code, 0, "{said}");
        let (code, said) = house.run(&["update", id, "--budget", "max_tokens_per_run=9"]);
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn a_budget_is_given_changed_and_taken_back_by_command() {
    let standin = Standin::start(answering);
    let house = House::new(&config(&standin, ""), "cat");
    let shown = |arguments: &[&str]| {
        let (code, said) = house.run(arguments);
        assert_eq!(code, 0, "{said}");
        let (_, said) = house.run(&["show", "b", "--json"]);
        let shown: Value = serde_json::from_str(&said).unwrap();
        format!("{} {}", shown["declaration"]["budget"], shown["declaration"]["silence"])
    };
    let add = ["add", "--id", "b", "--in", "9h", "--task", "x", "--model", "glm/tiny", "--silence", "never"];
    let budget = ["--budget", "max_tokens_per_run=4000", "--budget", "max_cost_per_day=0.50"];
    let told = [
        shown(&[&add[..], &budget].concat()),
        shown(&["update", "b", "--budget", "max_cost_per_day=1.25", "--silence", "tool"]),
        shown(&["update", "b", "--clear", "budget.max_tokens_per_run"]),
        shown(&["update", "b", "--clear", "budget", "--clear", "silence"]),
    ];
    expect![[r#"
        {"max_cost_per_day":0.5,"max_tokens_per_run":4000} "never"
        {"max_cost_per_day":1.25,"max_tokens_per_run":4000} "tool"
        {"max_cost_per_day":1.25} "tool"
        null null
    "#]]
    .assert_eq(&(told.join("\n") + "\n"));
    for (budget, why) in [
        ("max_cost=1", "budget.max_cost: is not a known key"),
        ("max_cost_per_day=much", "budget.max_cost_per_day: is not an amount"),
        ("4000", "--budget: is not KEY=VALUE"),
    ] {
        let (code, said) = house.run(&["update", "b", "--budget", budget]);
        assert!(code != 0 && said.contains(why), "{said}");
    }
}
