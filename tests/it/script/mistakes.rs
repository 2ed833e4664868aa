//! Mistakes in scripts: each is one line that says where, what, and the way out.

use chimewheel::problem::Place;
use chimewheel::script::Scripts;

use super::{broken, hook, scene, shown, texts};

fn all(rows: &[(&str, &str)]) {
    let untrue: Vec<String> = rows
        .iter()
        .map(|(text, expected)| (text, expected, broken(text)))
        .filter(|(_, expected, said)| said != *expected)
        .map(|(text, expected, said)| format!("{text}\n  expected {expected}\n  said     {said}"))
        .collect();
    assert_eq!(untrue.join("\n"), "");
}

#[test]
fn of_syntax() {
    all(&[
        (
            "fn gate(ctx) { [1 2] }",
            "scripts/demo.rhai:1:19: a `,` is missing to separate the items of this array literal (is a comma missing between two parts?)",
        ),
        (
            "fn gate(ctx) { #{a: 1 b: 2} }",
            "scripts/demo.rhai:1:23: a `,` is missing to separate the items of this object map literal (is a comma missing between two parts?)",
        ),
        (
            "fn gate(ctx) { let x = 1\n let y = 2; }",
            "scripts/demo.rhai:2:2: a `;` is missing to terminate this statement (statements end with `;`)",
        ),
        (
            "fn gate(ctx) { x = 1; x }",
            "scripts/demo.rhai:1:16: there is no variable 'x' (`let x = …;` makes one; a const of the script's top is `global::x` inside functions)",
        ),
        (
            "fn gate(ctx) { switch 1 { _ if true => 2 } }",
            "scripts/demo.rhai:1:29: `_` takes all that is left: it has no condition (write `_ => if … { … } else { … }`, or `if` and `else if` in place of `switch`)",
        ),
        (
            "fn gate(ctx) { match(1) }",
            "scripts/demo.rhai:1:16: 'match' is reserved (`match` is reserved: for a choice write `switch`, for a regular expression `matches(text, regex)`)",
        ),
        (
            "fn gate(ctx) { 'abc' }",
            "scripts/demo.rhai:1:16: invalid character: 'abc' (texts stand in double quotes; single quotes are for one character)",
        ),
        (
            "fn gate(ctx) { if true { 1 } elif false { 2 } }",
            "scripts/demo.rhai:1:30: there is no variable 'elif' (write `else if`)",
        ),
        (
            "fn gate(ctx) { if ctx = 1 { 2 } }",
            "scripts/demo.rhai:1:23: `=` sets a variable, it does not compare (to compare, write `==`)",
        ),
        ("def gate(ctx) { 1 }", "scripts/demo.rhai:1:1: there is no variable 'def' (write `fn`)"),
        ("fn gate(ctx) { null }", "scripts/demo.rhai:1:16: 'null' is reserved (write `()`)"),
        ("fn gate(ctx) { cxt.fire }", "scripts/demo.rhai:1:16: there is no variable 'cxt' (did you mean 'ctx'?)"),
        (
            "fn gate(ctx) { ctx and ctx }",
            "scripts/demo.rhai:1:20: a `;` is missing to terminate this statement (write `&&`)",
        ),
        ("fn gate(ctx) { ctx++ }", "scripts/demo.rhai:1:19: there is no operator `++` (write `+= 1`)"),
        (
            "fn gate(ctx) {",
            "scripts/demo.rhai:1:15: the text ends too early: a `}` is missing to terminate this block (is a closing `}` missing?)",
        ),
        (
            "fn gate(ctx) { \"open }",
            "scripts/demo.rhai:1:16: open string is not terminated (is a closing quote missing?)",
        ),
    ]);
}

#[test]
fn of_the_seven_functions() {
    all(&[
        (
            "fn silent(ctx) { true }",
            "scripts/demo.rhai:1:4: silent takes two arguments here, not 1 (write fn silent(ctx, result))",
        ),
        (
            "// A note.\n\nfn gate() { true }",
            "scripts/demo.rhai:3:4: gate takes one argument here, not 0 (write fn gate(ctx))",
        ),
        (
            "fn mesage(ctx) { \"x\" }",
            "scripts/demo.rhai:1:4: nothing calls the function 'mesage' (did you mean 'message'?)",
        ),
        (
            "fn mesage(ctx) { \"x\" }\nfn gate() { 1 }",
            "scripts/demo.rhai:1:4: nothing calls the function 'mesage' (did you mean 'message'?)\nscripts/demo.rhai:2:4: gate takes one argument here, not 0 (write fn gate(ctx))",
        ),
        // A function that is called is no misspelt one, nor is one that takes something else.
        ("fn models(ctx) { [1] }\nfn gate(ctx) { models(ctx).len() > 0 }", ""),
        ("fn messages(list) { list }\nfn gate(ctx) { true }", ""),
    ]);
}

#[test]
fn have_a_place_that_can_be_drawn() {
    let scripts = Scripts::new();
    let text = "// Demo.\nfn gate(ctx) {\n  let e = \"é\"; nobody + e\n}\n";
    let error = scripts.load(texts(&[("demo", text)])).remove(0).error;
    assert_eq!(error.place, Some(Place { line: 3, column: 16, offset: 40, length: 6 }));
    assert_eq!(&error.source_text[40..46], "nobody");
    let problem = error.to_problem();
    assert_eq!((problem.message.as_str(), problem.place), ("there is no variable 'nobody'", error.place));
}

#[test]
fn say_in_which_function_they_happened() {
    let script =
        hook("fn shorten(text, count) {\n  text.trunc(count)\n}\nfn message(ctx) {\n  shorten(ctx.last.text, 5)\n}");
    assert_eq!(shown(script.message(&scene())), "scripts/demo.rhai:2:8 in shorten(): there is no function 'trunc'");
    let script = hook("fn message(ctx) {\n  let f = |n| n.nope();\n  [1].map(f)[0]\n}");
    assert_eq!(
        shown(script.message(&scene())),
        "scripts/demo.rhai:2:17 in message(ctx): there is no function 'nope' (did you mean 'note'?)"
    );
    let script = hook("fn message(ctx) {\n  ctx.fire.weekdy\n}");
    assert_eq!(
        shown(script.message(&scene())),
        "scripts/demo.rhai:2:12 in message(ctx): ctx.fire has no field 'weekdy'; did you mean 'weekday'?"
    );
    let script = hook("const WORD = \"hi\";\nfn message(ctx) {\n  let x = 5; x.value\n}");
    assert_eq!(
        shown(script.message(&scene())),
        "scripts/demo.rhai:3:16 in message(ctx): a number has no field 'value'"
    );
}
