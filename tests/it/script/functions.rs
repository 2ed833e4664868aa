//! The seven functions: what each may answer with, and what it may not.

use chimewheel::script::{Function, Gate, OnFailure};

use super::{hook, scene, shown};

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
