//! What scripts make of a run, without a runtime: a script, a schedule and an answer go in; an end comes out, and what is
//! said besides.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chimewheel::config::{Agents, Config, Routing, Surroundings};
use chimewheel::engine::{Outgoing, Refusal, RunEnd};
use chimewheel::gateway::TextLimit;
use chimewheel::limits::{MESSAGE_BYTES_MAX, OUTGOING_COUNT_MAX};
use chimewheel::runner::{Answer, RunError};
use chimewheel::runtime::shaping::{Reach, Shaped, Shaping, Step};
use chimewheel::script::{Deadline, Facts, Last, Scene, Scripts, SessionFacts};
use chimewheel::spec::{Context, Origin, Schedule};
use chimewheel::surface::files::read_text;
use chimewheel::time::Timestamp;

/// Says in a note that it was asked.
const TRACED: &str = r#"
fn gate(ctx) { note("gate"); }
fn model(ctx) { note("model"); }
fn message(ctx) { note("message"); }
fn silent(ctx, result) { note("silent"); }
fn deliver(ctx, result) { note("deliver"); }
fn next(ctx, result) { note(`next ${result}`); }
fn failed(ctx, error) { note(`failed ${error}`); }
"#;

/// The traced script with another body of one function.
fn traced(function: &str, body: &str) -> String {
    let lines = TRACED.lines().map(|line| match line.strip_prefix("fn ").and_then(|rest| rest.split_once('(')) {
        Some((name, _)) if name == function => {
            let (head, _) = line.split_once('{').unwrap();
            format!("{head}{{ {body} }}")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn known(script: Option<&str>) -> Scripts {
    let scripts = Scripts::new();
    let sources: BTreeMap<_, _> = script.map(|text| ("demo".to_owned(), text.to_owned())).into_iter().collect();
    let broken = scripts.load(sources);
    assert!(broken.is_empty(), "{broken:?}");
    scripts
}

/// A schedule of the agent `ada` with this payload and these further lines.
fn schedule(lines: &str) -> Schedule {
    let text = format!(
        "id: demo\nagent: ada\nschedule: {{every: 1h}}\ndestination: {{gateway: console, chat_id: home}}\n{lines}\n"
    );
    let gateways = ["console".to_owned(), "webhook".to_owned()];
    let routing = Routing { providers: ["echo".to_owned()].into(), ..Routing::new() };
    let scripts = known(Some(TRACED));
    let now = at("2026-03-02T07:00:00Z");
    let context = Context {
        gateways: &gateways,
        routing: &routing,
        scripts: &scripts,
        origin: Origin::File,
        ..Context::new(now)
    };
    let (mut drafts, problems) = read_text("schedules/demo.yaml", &text).drafts(&context);
    assert!(problems.is_empty(), "{problems:?}");
    drafts.remove(0).schedule
}

fn reach(config: &str) -> Arc<Reach> {
    let fine = |_: &str| Ok(());
    let around = Surroundings { base: Path::new("/srv"), home: None, zone: &fine, filter: &fine, tool: &fine };
    let agents: Arc<Agents> = Arc::new(Config::read(config, around).unwrap().agents);
    let gateways = ["console", "webhook"].map(|name| (name.to_owned(), TextLimit::None)).into();
    Arc::new(Reach { gateways, agents })
}

/// One attempt, as a schedule's scripts shape it; the answer is used if a model is asked.
fn shape(script: Option<&str>, lines: &str, reach: Arc<Reach>, answer: Result<&str, RunError>) -> Shaped {
    let schedule = Arc::new(schedule(lines));
    let facts = Facts {
        schedule: Arc::clone(&schedule),
        due: at("2026-03-02T08:00:00Z"),
        actual: at("2026-03-02T08:00:05Z"),
        number: 2,
        attempt: 1,
        by_hand: false,
        last: Last::default(),
        session: SessionFacts::default(),
        state: None,
    };
    match Shaping::begin(&known(script), schedule, Scene::new(facts, Deadline::none()), reach) {
        Step::Over(shaped) => shaped,
        Step::Ask { shaping, model, instruction } => {
            let by = model.map(|model| format!(" by {model}")).unwrap_or_default();
            let answer = answer.map(|said| Answer {
                text: format!("{said}{instruction}{by}"),
                model: String::new(),
                tokens: None,
                calls: Vec::new(),
                is_silent: false,
            });
            shaping.answered(answer.map_err(Into::into))
        }
    }
}

const TASK: &str = "payload: {task: \"look\"}\nmodel: echo/usual\nhook: demo";
const MESSAGE: &str = "payload: {message: \"hello\"}\nhook: demo";
const PLAIN: &str = "\non_hook_error: deliver_plain";

fn told((end, said): &Shaped) -> String {
    let place = |one: &Outgoing| match &one.to {
        Some(to) => format!("{:?} to {to}", one.text),
        None => format!("{:?}", one.text),
    };
    let end = match end {
        RunEnd::Composed { texts } => {
            let texts = texts.iter().map(place).collect::<Vec<_>>().join(", ");
            format!("send {texts}")
        }
        RunEnd::Silent { reason, .. } => format!("silent: {reason}"),
        RunEnd::Gated { reason } | RunEnd::OverBudget(Refusal { reason, .. }) => format!("skip: {reason}"),
        RunEnd::Retry { error, .. } => format!("again: {error}"),
        RunEnd::Permanent { error } => format!("failed: {error}"),
        RunEnd::Ambiguous { error } => format!("perhaps: {error}"),
        RunEnd::NotBegun => "not begun".into(),
    };
    let Some(said) = said else { return end };
    let notes = said.notes.as_ref().map(|notes| format!(" | {}", notes.replace('\n', ", "))).unwrap_or_default();
    let next = said.next.map(|next| format!(" | next at {next}")).unwrap_or_default();
    let tell = said.tell.first().map(|text| format!(" | tell {text:?}")).unwrap_or_default();
    let state = said.state.as_ref().map(|state| format!(" | state {state}")).unwrap_or_default();
    format!("{end}{notes}{next}{tell}{state}")
}

fn outcome(script: &str, lines: &str) -> String {
    told(&shape(Some(script), lines, reach(""), Ok("did: ")))
}

fn retry() -> RunError {
    RunError::Retry { error: "busy".into(), after: None }
}

#[test]
fn functions_are_asked_in_their_order_and_no_more_than_needed() {
    let with = |function: &str, body: &str| traced(function, body);
    let rows = [
        (TRACED.to_owned(), TASK, r#"send "did: look" | gate, model, message, silent, deliver, next did: look"#),
        (TRACED.to_owned(), MESSAGE, r#"send "hello" | gate, message, silent, deliver, next hello"#),
        (
            TRACED.to_owned(),
            "payload: {template: \"it is ${fire.weekday}\"}\nhook: demo",
            r#"send "it is Monday" | gate, message, silent, deliver, next it is Monday"#,
        ),
        (with("gate", "false"), TASK, "skip: the hook said no | next "),
        (with("gate", r#""a holiday""#), MESSAGE, "skip: a holiday | next "),
        (
            with("model", r#""small""#),
            TASK,
            r#"send "did: look by small" | gate, message, silent, deliver, next did: look by small"#,
        ),
        (with("model", r#""""#), TASK, r#"send "did: look" | gate, message, silent, deliver, next did: look"#),
        (
            with("message", r#""search""#),
            TASK,
            r#"send "did: search" | gate, model, silent, deliver, next did: search"#,
        ),
        (with("message", r#""hi""#), MESSAGE, r#"send "hi" | gate, silent, deliver, next hi"#),
        (with("silent", "true"), MESSAGE, "silent: the hook said so | gate, message, next hello"),
        (with("silent", "result.text"), TASK, "silent: did: look | gate, model, message, next did: look"),
        (
            with("next", r#""2h""#),
            MESSAGE,
            r#"send "hello" | gate, message, silent, deliver | next at 2026-03-02T10:00:05Z"#,
        ),
        (
            "fn gate(ctx) { \"no\" } fn next(ctx, result) { if result == () { \"2h\" } }".to_owned(),
            MESSAGE,
            "skip: no | next at 2026-03-02T10:00:05Z",
        ),
    ];
    for (script, lines, expected) in rows {
        assert_eq!(outcome(&script, lines), expected, "{script}");
    }
}

#[test]
fn a_hook_is_asked_before_an_answer_is_taken_at_its_word() {
    // The instruction stands behind what is answered here, and closes it.
    let (task, answer) = (TASK.replace("look", "}"), r#"{"silent": true, "reason": "no mail""#);
    let said = |script: &str, more: &str| told(&shape(Some(script), &format!("{task}{more}"), reach(""), Ok(answer)));
    let next = r#"next {"silent": true, "reason": "no mail"}"#;
    assert_eq!(said(TRACED, ""), format!("silent: no mail | gate, model, message, silent, {next}"));
    assert_eq!(said(&traced("silent", "false"), ""), format!("silent: no mail | gate, model, message, {next}"));
    assert_eq!(said(&traced("silent", "\"seen\""), ""), format!("silent: seen | gate, model, message, {next}"));
    assert!(said(TRACED, "\nsilence: never").starts_with("send "));
}

#[test]
fn a_mistake_of_each_function_ends_the_run_or_is_borne_as_the_schedule_says() {
    let before = ["gate", "model", "message", "silent", "deliver", "next"];
    for (index, function) in before.iter().enumerate() {
        let script = traced(function, "throw \"oh\"");
        let failed = outcome(&script, TASK);
        let (mistake, notes) =
            failed.strip_prefix("failed: ").unwrap().split_once(" | ").unwrap_or((&failed[8..], ""));
        assert!(mistake.starts_with("scripts/demo.rhai:") && mistake.ends_with(": oh"), "{failed}");
        assert!(mistake.contains(&format!(" in {function}(ctx")), "{failed}");
        assert_eq!(notes, before[..index].join(", "), "{function}: {failed}");
        let all = outcome(TRACED, TASK);
        let (sent, asked) = all.split_once(" | ").unwrap();
        let others: Vec<&str> = asked.split(", ").filter(|note| !note.starts_with(function)).collect();
        let borne = outcome(&script, &format!("{TASK}{PLAIN}"));
        assert_eq!(borne, format!("{sent} | {}, {mistake}", others.join(", ")), "{function}");
    }
}

#[test]
fn a_script_that_is_gone_is_a_mistake_like_any_other() {
    let gone = |lines: &str| told(&shape(None, lines, reach(""), Ok("did: ")));
    let error = "scripts/demo.rhai: there is no script 'demo'; scripts are named as in the folder, without .rhai";
    assert_eq!(gone(MESSAGE), format!("failed: {error}"));
    assert_eq!(gone(&format!("{MESSAGE}{PLAIN}")), format!("send \"hello\" | {error}"));
    assert_eq!(gone(&format!("{TASK}{PLAIN}")), format!("send \"did: look\" | {error}"));
    let library = told(&shape(Some("fn headline(text) { text }"), MESSAGE, reach(""), Ok("")));
    assert!(
        library.starts_with("failed: scripts/demo.rhai: it defines no function that a run would call"),
        "{library}"
    );
}

#[test]
fn a_failed_attempt_is_tried_again_given_up_or_told() {
    let permanent = || RunError::Permanent { error: "no such model".into() };
    let ambiguous = || RunError::Ambiguous { error: "it took too long".into() };
    let says = |body: &str, error: RunError| {
        let script = traced("failed", body);
        told(&shape(Some(&script), TASK, reach(""), Err(error)))
    };
    for (said, expected) in [
        (says("", retry()), "again: busy | gate, model, message"),
        (says(r#""retry""#, retry()), "again: busy | gate, model, message"),
        (says(r#""retry""#, ambiguous()), "perhaps: it took too long | gate, model, message"),
        (says(r#""retry""#, permanent()), "failed: no such model | gate, model, message, next "),
        (says(r#""give_up""#, retry()), "failed: busy | gate, model, message, next "),
        (says(r#""give_up""#, ambiguous()), "failed: it took too long | gate, model, message, next "),
        (
            says(r#"`It failed: ${error}`"#, retry()),
            r#"failed: busy | gate, model, message, next  | tell "It failed: busy""#,
        ),
    ] {
        assert_eq!(said, expected);
    }
    let wrong = says("throw \"oh\"", retry());
    assert!(wrong.starts_with("failed: scripts/demo.rhai:") && !wrong.contains("next"), "{wrong}");
    let script = traced("failed", "throw \"oh\"");
    let borne = told(&shape(Some(&script), &format!("{TASK}{PLAIN}"), reach(""), Err(retry())));
    assert!(borne.starts_with("again: busy | gate, model, message, scripts/demo.rhai:"), "{borne}");
}

#[test]
fn texts_go_to_the_places_that_the_script_names() {
    let deliver = |body: &str| outcome(&format!("fn deliver(ctx, result) {{ {body} }}"), MESSAGE);
    for (body, expected) in [
        (r#""other""#, r#"send "other""#),
        (r#"#{chat_id: "boss"}"#, r#"send "hello" to console:boss"#),
        // What is the schedule's own place is not said twice.
        (r#"#{gateway: "console", chat_id: "home"}"#, r#"send "hello""#),
        (r#"#{gateway: "webhook", chat_id: "x", thread: 7}"#, r#"send "hello" to webhook:x/7"#),
        (
            r#"["one", #{text: "two", chat_id: -100}, #{text: "three", chat_id: "boss"}]"#,
            r#"send "one", "two" to console:-100, "three" to console:boss"#,
        ),
        (
            r#"#{gateway: "webhook"}"#,
            "failed: scripts/demo.rhai in deliver(ctx, result): a delivery over 'webhook' names no chat_id",
        ),
        (
            r#"["fine", #{gateway: "consol", chat_id: "x"}]"#,
            "failed: scripts/demo.rhai in deliver(ctx, result): gateway 'consol' is not configured; did you mean 'console'?",
        ),
        (
            r#"#{gateway: "telegram", chat_id: "x"}"#,
            "failed: scripts/demo.rhai in deliver(ctx, result): gateway 'telegram' is not configured; add \
             [gateways.telegram] to chimewheel.toml",
        ),
    ] {
        assert_eq!(deliver(body), expected, "{body}");
    }
    for (body, part) in [
        (r#"" ""#.to_owned(), "it answered with an empty text"),
        ("[]".to_owned(), "it answered with an empty list"),
        (r#"["one", ""]"#.to_owned(), "it answered with an empty text"),
        (r#"[["one"]]"#.to_owned(), "it answered with a list"),
        (r#"#{txt: "x"}"#.to_owned(), "a delivery has no 'txt'; did you mean 'text'?"),
        (r#"#{chat_id: ""}"#.to_owned(), "'chat_id' of a delivery is empty"),
        (r#"#{chat_id: "a\nb"}"#.to_owned(), "'chat_id' of a delivery holds a line break"),
        (format!("#{{thread: \"{}\"}}", "x".repeat(257)), "'thread' of a delivery is longer than 256 bytes"),
        ("#{gateway: 1.5}".to_owned(), "'gateway' of a delivery is a number"),
        (r#""a\x00b""#.to_owned(), "it answered with a text that holds a NUL character"),
        (format!("[{}]", "\"x\",".repeat(OUTGOING_COUNT_MAX + 1)), "it answered with 17 deliveries; 16 are allowed"),
    ] {
        let said = deliver(&body);
        assert!(said.starts_with("failed: ") && said.contains(part), "{body}: {said}");
    }
}

#[test]
fn an_agent_that_the_config_names_sends_only_where_it_may() {
    let config = "[agents.ada]\ndestinations = [\"console:team-*\"]\n";
    let sends = |chat: &str, lines: &str| {
        let script = format!("fn deliver(ctx, result) {{ #{{chat_id: \"{chat}\"}} }}");
        told(&shape(Some(&script), lines, reach(config), Ok("")))
    };
    let refused = "scripts/demo.rhai in deliver(ctx, result): agent 'ada' may not send to console:boss; the operator \
                   adds more to agents.ada.destinations";
    assert_eq!(sends("boss", MESSAGE), format!("failed: {refused}"));
    assert_eq!(sends("boss", &format!("{MESSAGE}{PLAIN}")), format!("send \"hello\" | {refused}"));
    assert_eq!(sends("team-a", MESSAGE), "send \"hello\" to console:team-a");
    assert_eq!(sends("home", MESSAGE), "send \"hello\"");
}

#[test]
fn a_text_that_cannot_be_sent_is_no_text() {
    let long = format!(
        "payload: {{template: \"${{vars.a}}{}\"}}\nvars: {{a: \"1234567890\"}}",
        "x".repeat(MESSAGE_BYTES_MAX - 40)
    );
    assert!(outcome(TRACED, &long).starts_with("send "), "as long as it may be");
    let longer = long.replace("1234567890", &"1".repeat(60));
    assert_eq!(outcome(TRACED, &longer), "failed: template: it would make more than 65536 bytes");
    let empty = "payload: {template: \"${vars.nothing}\"}";
    assert_eq!(outcome(TRACED, empty), "failed: the text came out empty; to say nothing, use silent(ctx, result)");
    let borne = "send \"${vars.nothing}\" | the text came out empty; to say nothing, use silent(ctx, result)";
    assert_eq!(outcome(TRACED, &format!("{empty}{PLAIN}")), borne);
    let nul = r#"payload: {template: '${"a\x00b"}'}"#;
    assert_eq!(outcome(TRACED, nul), "failed: the text came out with a NUL character");
    let nul = "fn message(ctx) { \"a\\x00b\" }";
    assert!(outcome(nul, MESSAGE).ends_with("it answered with a text that holds a NUL character"));
    let wrong = "payload: {template: \"${parse_int(vars.n)} left\"}\nvars: {n: none}";
    let failed = outcome(TRACED, wrong);
    let mistake = failed.strip_prefix("failed: ").unwrap();
    assert!(mistake.starts_with("template:1:"), "{failed}");
    let borne = format!("send \"${{parse_int(vars.n)}} left\" | {mistake}");
    assert_eq!(outcome(TRACED, &format!("{wrong}{PLAIN}")), borne);
}

#[test]
fn what_a_failed_function_kept_is_forgotten_and_the_rest_is_kept() {
    let script = r#"
        fn gate(ctx) { ctx.state.gate = 1; }
        fn silent(ctx, result) { ctx.state.silent = 1; throw "oh" }
    "#;
    let failed = outcome(script, MESSAGE);
    assert!(failed.starts_with("failed: ") && failed.ends_with(r#" | state {"gate":1}"#), "{failed}");
    let borne = outcome(script, &format!("{MESSAGE}{PLAIN}"));
    assert!(borne.starts_with("send \"hello\"") && borne.ends_with(r#" | state {"gate":1}"#), "{borne}");
}
