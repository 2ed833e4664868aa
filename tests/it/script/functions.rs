//! The seven functions: what each may answer with, and what it may not.

use chimewheel::script::{Deadline, Function, Gate, OnFailure, Scene};

use super::{facts, hook, scene, scene_with, shown};

/// What each of some bodies of a function comes to.
fn outcomes(call: impl Fn(&str) -> String, rows: &[(&str, &str)]) {
    for (body, expected) in rows {
        assert_eq!(call(body), *expected, "{body}");
    }
}

#[test]
fn gate() {
    let call = |body: &str| shown(hook(&format!("fn gate(ctx) {{ {body} }}")).gate(&scene()));
    outcomes(
        call,
        &[
            ("true", "Go"),
            ("", "Go"),
            ("()", "Go"),
            ("false", r#"Skip("the hook said no")"#),
            (r#""too early""#, r#"Skip("too early")"#),
            (
                "42",
                "scripts/demo.rhai:1:4 in gate(ctx): it answered with a number; it may be true, false or a reason for skipping this run",
            ),
        ],
    );
}

#[test]
fn what_a_script_does_not_define_is_as_usual() {
    let none = hook("fn gate(ctx) { true }");
    let scene = scene();
    assert!(none.has(Function::Gate) && !none.has(Function::Next));
    assert_eq!(none.gate(&scene), Ok(Gate::Go));
    assert_eq!(none.model(&scene), Ok(None));
    assert_eq!(none.message(&scene), Ok(None));
    assert_eq!(none.silent(&scene, "x"), Ok(None));
    assert_eq!(none.deliver(&scene, "x"), Ok(None));
    assert_eq!(none.next(&scene, None), Ok(None));
    assert_eq!(none.failed(&scene, "x"), Ok(None::<OnFailure>));
}

#[test]
fn model_and_message() {
    let call = |body: &str| shown(hook(&format!("fn message(ctx) {{ {body} }}")).message(&scene()));
    outcomes(
        call,
        &[
            ("()", "None"),
            (
                "`Good morning, ${ctx.vars.who}: ${ctx.fire.weekday} ${ctx.fire.time}`",
                r#"Some("Good morning, Ada: Monday 09:00")"#,
            ),
            (
                "`${ctx.fire.due} ${ctx.fire.actual} ${ctx.fire.late_by}`",
                r#"Some("2026-03-02T09:00:00+01:00 2026-03-02T09:00:05+01:00 5s")"#,
            ),
            ("[1]", "scripts/demo.rhai:1:4 in message(ctx): it answered with a list; it may be a text or ()"),
            (r#""""#, "scripts/demo.rhai:1:4 in message(ctx): it answered with an empty text; () means as usual"),
        ],
    );
    let call = |body: &str| shown(hook(&format!("fn model(ctx) {{ {body} }}")).model(&scene()));
    outcomes(
        call,
        &[
            (r#"if ctx.fire.weekday == "Monday" { "strong" } else { "cheap" }"#, r#"Some("strong")"#),
            ("if false { 1 }", "None"),
        ],
    );
}

#[test]
fn silent() {
    let call = |body: &str| {
        shown(hook(&format!("fn silent(ctx, result) {{ {body} }}")).silent(&scene(), r#"{"urgent": false, "n": 3}"#))
    };
    outcomes(
        call,
        &[
            ("!result.urgent", r#"Some("the hook said so")"#),
            ("result.n > 5", "None"),
            ("()", "None"),
            (r#"if result.contains("urgent") { "nothing urgent" }"#, r#"Some("nothing urgent")"#),
            ("result.missing", "None"),
            (
                "3",
                "scripts/demo.rhai:1:4 in silent(ctx, result): it answered with a number; it may be true, false or a reason for staying silent",
            ),
        ],
    );
}

#[test]
fn deliver() {
    let call =
        |body: &str| match hook(&format!("fn deliver(ctx, result) {{ {body} }}")).deliver(&scene(), "the result") {
            Ok(None) => "as usual".to_owned(),
            Ok(Some(outgoing)) => outgoing
                .into_iter()
                .map(|out| {
                    [Some(out.text), out.gateway, out.chat_id, out.thread]
                        .map(|part| part.unwrap_or("-".into()))
                        .join(" | ")
                })
                .collect::<Vec<_>>()
                .join("\n"),
            Err(error) => error.to_string(),
        };
    outcomes(
        call,
        &[
            ("()", "as usual"),
            ("result", "the result | - | - | -"),
            ("`> ${result}`", "> the result | - | - | -"),
            ("#{chat_id: -100123, thread: 7}", "the result | - | -100123 | 7"),
            (
                r#"["short", #{text: "long", gateway: "telegram", chat_id: "boss"}]"#,
                "short | - | - | -\nlong | telegram | boss | -",
            ),
            (
                "[]",
                "scripts/demo.rhai:1:4 in deliver(ctx, result): it answered with an empty list; to deliver nothing, use silent(ctx, result)",
            ),
            (
                r#"#{txt: "x"}"#,
                "scripts/demo.rhai:1:4 in deliver(ctx, result): a delivery has no 'txt'; did you mean 'text'?",
            ),
            (
                "#{text: [1]}",
                "scripts/demo.rhai:1:4 in deliver(ctx, result): 'text' of a delivery is a list; a text is expected",
            ),
            (
                "true",
                "scripts/demo.rhai:1:4 in deliver(ctx, result): it answered with true or false; it may be a text, #{text, gateway, chat_id, thread}, a list of these or ()",
            ),
            (
                "let l = []; for n in 0..17 { l.push(\"x\"); } l",
                "scripts/demo.rhai:1:4 in deliver(ctx, result): it answered with 17 deliveries; 16 are allowed",
            ),
        ],
    );
}

#[test]
fn next() {
    let call = |body: &str, result| match hook(&format!("fn next(ctx, result) {{ {body} }}")).next(&scene(), result) {
        Ok(at) => at.map_or("as usual".to_owned(), |at| at.to_string()),
        Err(error) => error.to_string(),
    };
    outcomes(
        |body| call(body, Some("ok")),
        &[
            ("()", "as usual"),
            ("hours(2)", "2026-03-02T10:00:05Z"),
            (r#""2h""#, "2026-03-02T10:00:05Z"),
            (r#""2026-03-02T12:00:00Z""#, "2026-03-02T12:00:00Z"),
            (r#""2026-03-02 12:00""#, "2026-03-02T11:00:00Z"),
            (r#"quiet_until("08:00-10:30")"#, "2026-03-02T09:30:00Z"),
            (
                "ctx.fire.due",
                "scripts/demo.rhai:1:4 in next(ctx, result): it answered with 2026-03-02T09:00:00+01:00, which is not after this run, of 2026-03-02T09:00:05+01:00",
            ),
            (
                r#""later""#,
                "scripts/demo.rhai:1:4 in next(ctx, result): it answered with 'later'; it may be a duration, a time, a text such as \"2h\" or ()",
            ),
            (
                "5",
                "scripts/demo.rhai:1:4 in next(ctx, result): it answered with a number; it may be a duration, a time, a text such as \"2h\" or ()",
            ),
            (
                "days(100000)",
                "scripts/demo.rhai:1:4 in next(ctx, result): it answered with a time after the year 2199",
            ),
        ],
    );
    assert_eq!(call("if result == () { minutes(5) }", None), "2026-03-02T08:05:05Z");
}

#[test]
fn failed() {
    let call =
        |body: &str| shown(hook(&format!("fn failed(ctx, error) {{ {body} }}")).failed(&scene(), "HTTP 500: oh no"));
    outcomes(
        call,
        &[
            ("()", "None"),
            (r#"if error.contains("500") { "retry" } else { "give_up" }"#, "Some(Retry)"),
            (r#""give_up""#, "Some(GiveUp)"),
            ("`${ctx.schedule.name} failed: ${error}`", r#"Some(Tell("Daily standup failed: HTTP 500: oh no"))"#),
            (
                "true",
                "scripts/demo.rhai:1:4 in failed(ctx, error): it answered with true or false; it may be \"retry\", \"give_up\", a text for the owner or ()",
            ),
        ],
    );
}

#[test]
fn the_state_adds_up_over_the_functions_of_a_run() {
    let script = hook(
        "fn gate(ctx) { ctx.state.count += 1; true }
         fn message(ctx) { ctx.state.when = ctx.fire.due; ctx.state.count += 1; `${ctx.state.count}` }
         fn silent(ctx, result) { ctx.state.count = 99; throw \"oh\" }
         fn next(ctx, result) { ctx.state.count }",
    );
    let scene = scene();
    assert_eq!(scene.state(), None);
    assert_eq!(script.gate(&scene), Ok(Gate::Go));
    assert_eq!(scene.state().as_deref(), Some(r#"{"count":3,"seen":["a"]}"#));
    assert_eq!(script.message(&scene), Ok(Some("4".to_owned())));
    // A call that goes wrong keeps nothing, be it a mistake inside or an answer that is none.
    assert!(script.silent(&scene, "x").is_err() && script.next(&scene, None).is_err());
    assert_eq!(scene.state().as_deref(), Some(r#"{"count":4,"seen":["a"],"when":"2026-03-02T09:00:00+01:00"}"#));
    assert!(scene.operations() > 10);
}

#[test]
fn a_state_that_is_set_back_counts_as_changed_and_one_that_stays_does_not() {
    let script = hook("fn gate(ctx) { ctx.state.count = ctx.vars.who.len(); } fn message(ctx) { ctx.state = #{}; }");
    let changed = scene_with(r#"{"count":3}"#);
    assert_eq!(script.gate(&changed), Ok(Gate::Go));
    assert_eq!(changed.state(), None);
    assert_eq!(script.message(&changed), Ok(None));
    assert_eq!(changed.state().as_deref(), Some("{}"));
    assert_eq!(script.gate(&changed), Ok(Gate::Go));
    assert_eq!(changed.state().as_deref(), Some(r#"{"count":3}"#));
}

#[test]
fn notes_are_kept_in_their_order() {
    let script = hook(
        "fn gate(ctx) { note(\"one\"); print(2); debug([3]); note(`${ctx.fire.weekday}`); for n in 0..30 { note(n); } }",
    );
    let scene = scene();
    script.gate(&scene).unwrap();
    let notes = scene.notes();
    assert_eq!(notes[..4], ["one", "2", "[3]", "Monday"]);
    assert_eq!((notes.len(), notes.last().map(String::as_str)), (21, Some("further notes were left out")));
}

#[test]
fn a_deadline_ends_a_call() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let is_over = move || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 3;
    let scene = Scene::new(facts(), Deadline::new(is_over));
    let script = hook("fn gate(ctx) { let n = 0; loop { n += 1; } }");
    assert_eq!(shown(script.gate(&scene)), "scripts/demo.rhai in gate(ctx): it took too long and was ended");
    assert!(scene.operations() < 1000, "{}", scene.operations());
    // Whatever catches mistakes does not catch this, and a function of the library that takes long asks as well.
    let over = || Scene::new(facts(), Deadline::new(|| true));
    let script = hook(
        "fn gate(ctx) { loop { try { loop { 1; } } catch {} } } fn message(ctx) { \"abc\".replace(\"b\", \"c\") }",
    );
    assert!(shown(script.gate(&over())).contains("it took too long"));
    assert!(shown(script.message(&over())).contains("it took too long"));
}

#[test]
fn a_panic_is_a_mistake_of_the_call() {
    let scene = Scene::new(facts(), Deadline::new(|| panic!("out of order")));
    let script = hook("fn gate(ctx) { let n = 0; loop { n += 1; } } fn message(ctx) { \"fine\" }");
    assert_eq!(
        shown(script.gate(&scene)),
        "scripts/demo.rhai in gate(ctx): the program failed inside this call: out of order"
    );
    assert_eq!(script.message(&scene), Ok(Some("fine".to_owned())));
}

#[test]
fn texts_are_gone_through_by_character() {
    let joined = |characters: &str| {
        super::value(&format!("let made = \"\"; for c in {characters} {{ made += c + \"|\"; }} made"))
    };
    assert_eq!(joined("\"aéb\""), r#""a|é|b|""#);
    assert_eq!(joined("\"aéb\".chars()"), r#""a|é|b|""#);
    assert_eq!(joined("\"aéb\".chars"), r#""a|é|b|""#);
    assert_eq!(joined("\"aéb\".chars(1)"), r#""é|b|""#);
    assert_eq!(joined("\"aéb\".chars(-2, 1)"), r#""é|""#);
    assert_eq!(joined("\"aéb\".chars(0..2)"), r#""a|é|""#);
    assert_eq!(joined("\"aéb\".chars(1..=9223372036854775807)"), r#""é|b|""#);
    assert_eq!(joined("\"aéb\".chars(-1..=1)"), r#""a|é|""#);
}
