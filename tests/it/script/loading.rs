//! The folder of scripts: what is compiled when, what is kept, what imports see.

use chimewheel::script::{Function, Gate, Scripts};

use super::{hook, scene, scripts, shown, texts};

fn load(scripts: &Scripts, sources: &[(&str, &str)]) -> String {
    let broken = scripts.load(texts(sources));
    let lines =
        broken.iter().map(|broken| format!("{}{}", broken.error, if broken.is_kept { " [kept]" } else { "" }));
    lines.collect::<Vec<_>>().join("\n")
}

fn message(scripts: &Scripts, name: &str) -> String {
    scripts.hook(name).map_or_else(|error| error.to_string(), |hook| shown(hook.message(&scene())))
}

#[test]
fn a_broken_script_keeps_its_last_good_version() {
    let scripts = Scripts::new();
    assert_eq!(load(&scripts, &[("a", "fn message(ctx) { \"one\" }")]), "");
    let before = scripts.hook("a").unwrap();
    assert_eq!(
        load(&scripts, &[("a", "fn message(ctx) {\n  \"two\"\n")]),
        "scripts/a.rhai:3:1: the text ends too early: a `;` is missing to terminate this statement (is a closing `}` missing?) [kept]"
    );
    assert_eq!(message(&scripts, "a"), "Some(\"one\")");
    assert!(scripts.list()[0].broken.is_some());
    assert_eq!(load(&scripts, &[("a", "fn message(ctx) { \"three\" }")]), "");
    assert_eq!(message(&scripts, "a"), "Some(\"three\")");
    // Whoever still holds the version of before goes on with it.
    assert_eq!(shown(before.message(&scene())), "Some(\"one\")");
    assert_eq!(load(&scripts, &[]), "");
    assert!(message(&scripts, "a").starts_with("scripts/a.rhai: there is no script 'a'"));
}

#[test]
fn what_did_not_change_is_not_compiled_again() {
    let scripts = scripts(&[("a", "fn gate(ctx) { true }"), ("b", "fn gate(ctx) { true }")]);
    let (a, b) = (scripts.hook("a").unwrap(), scripts.hook("b").unwrap());
    assert_eq!(load(&scripts, &[("a", "fn gate(ctx) { true }"), ("b", "fn gate(ctx) { false }")]), "");
    assert!(std::sync::Arc::ptr_eq(&a, &scripts.hook("a").unwrap()));
    assert!(!std::sync::Arc::ptr_eq(&b, &scripts.hook("b").unwrap()));
}

#[test]
fn an_import_is_another_script_and_changes_with_it() {
    const USER: &str = "import \"lib/text\" as text;\nfn message(ctx) { text::greet(ctx.vars.who) }";
    let library = |word: &str| {
        format!("// Greetings.\nimport \"lib/word\" as word;\nfn greet(who) {{ word::first() + `{word}, ${{who}}` }}")
    };
    let scripts = Scripts::new();
    let word = ("lib/word", "fn first() { \"> \" }");
    assert_eq!(load(&scripts, &[("user", USER), ("lib/text", &library("Hello")), word]), "");
    assert_eq!(message(&scripts, "user"), "Some(\"> Hello, Ada\")");
    assert_eq!(load(&scripts, &[("user", USER), ("lib/text", &library("Hi")), word]), "");
    assert_eq!(message(&scripts, "user"), "Some(\"> Hi, Ada\")");
    assert_eq!(
        load(&scripts, &[("user", USER), ("lib/text", &library("Hi")), ("lib/word", "fn first() { \"* \" }")]),
        ""
    );
    assert_eq!(message(&scripts, "user"), "Some(\"* Hi, Ada\")");
    // A library that is broken is still imported as it last was.
    assert_eq!(
        load(&scripts, &[("user", USER), ("lib/text", "fn greet(who) {"), ("lib/word", "fn first() { \"* \" }")]),
        "scripts/lib/text.rhai:1:16: the text ends too early: a `}` is missing to terminate this block (is a closing `}` missing?) [kept]"
    );
    assert_eq!(message(&scripts, "user"), "Some(\"* Hi, Ada\")");
    let listed: Vec<_> =
        scripts.list().into_iter().map(|listed| (listed.name, listed.functions, listed.summary)).collect();
    assert_eq!(
        listed,
        [
            ("lib/text".to_owned(), vec![], None),
            ("lib/word".to_owned(), vec![], None),
            ("user".to_owned(), vec![Function::Message], None)
        ]
    );
}

#[test]
fn an_import_inside_a_function_is_compiled_in_too() {
    let both = [
        ("user", "fn message(ctx) { import \"lib/a\" as a; a::text() }"),
        ("lib/a", "fn text() { import \"lib/b\" as b; b::TEXT }"),
        ("lib/b", "export const TEXT = \"from b\";"),
    ];
    let scripts = scripts(&both);
    assert_eq!(message(&scripts, "user"), "Some(\"from b\")");
}

#[test]
fn a_mistake_in_an_import_is_shown_there() {
    let scripts = scripts(&[
        ("user", "import \"lib/a\" as a;\nfn message(ctx) { a::text(5) }"),
        ("lib/a", "// A library.\nfn text(n) {\n  n.nothing()\n}"),
    ]);
    assert_eq!(message(&scripts, "user"), "scripts/lib/a.rhai:3:5 in text(): there is no function 'nothing'");
    assert_eq!(
        message(&scripts, "lib/a").split(" (").next(),
        Some("scripts/lib/a.rhai: it defines no function that a run would call")
    );
    let fresh = Scripts::new();
    assert_eq!(
        load(
            &fresh,
            &[
                ("user", "import \"lib/a\" as a;\nfn message(ctx) { a::text(5) }"),
                ("lib/a", "fn text(n) {\n  n +\n}")
            ]
        ),
        "scripts/lib/a.rhai:3:1: unexpected '}' (is something missing before it?)\nscripts/lib/a.rhai:3:1: unexpected '}' (is something missing before it?)"
    );
}

#[test]
fn circles_and_what_is_not_there_are_refused() {
    let scripts = Scripts::new();
    assert_eq!(
        load(&scripts, &[("a", "import \"b\" as b;"), ("b", "import \"a\" as a;")]),
        "scripts/b.rhai:1:8: scripts import one another in a circle: a -> b -> a\n\
         scripts/a.rhai:1:8: scripts import one another in a circle: b -> a -> b"
    );
    assert_eq!(
        load(&scripts, &[("a", "import \"lib/txt\" as t;"), ("lib/text", "")]),
        "scripts/a.rhai:1:8: there is no script 'lib/txt'; did you mean 'lib/text'?"
    );
    assert_eq!(
        load(&scripts, &[("a", "import \"lib/text.rhai\" as t;"), ("lib/text", "")]),
        "scripts/a.rhai:1:8: there is no script 'lib/text.rhai'; did you mean 'lib/text'?"
    );
    let chain: Vec<(String, String)> = (0..40)
        .map(|i| (format!("s{i}"), format!("import \"s{}\" as s;", i + 1)))
        .chain([("s40".to_owned(), String::new())])
        .collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert!(load(&scripts, &chain).contains("it imports more than 32 scripts"), "{}", load(&scripts, &chain));
}

#[test]
fn what_a_script_does_at_its_top_is_bounded_too() {
    let scripts = Scripts::new();
    let said =
        load(&scripts, &[("a", "import \"b\" as b;\nfn gate(ctx) { true }"), ("b", "let n = 0; loop { n += 1; }")]);
    assert!(said.contains("it did more than 500000 operations"), "{said}");
    let own = hook("let n = 0; loop { n += 1; } fn gate(ctx) { true }");
    assert!(shown(own.gate(&scene())).contains("it did more than 500000 operations"));
}

#[test]
fn names_that_there_are_not_have_a_hint() {
    let scripts = scripts(&[("standup", "// Asks the team.\nfn gate(ctx) { true }"), ("lib/x", "fn f() { 1 }")]);
    assert_eq!(scripts.hook("standup").unwrap().gate(&scene()), Ok(Gate::Go));
    assert_eq!(scripts.list()[1].summary.as_deref(), Some("Asks the team."));
    let refused = |name: &str| scripts.hook(name).unwrap_err().to_string();
    assert_eq!(refused("standpu"), "scripts/standpu.rhai: there is no script 'standpu'; did you mean 'standup'?");
    assert_eq!(
        refused("standup.rhai"),
        "scripts/standup.rhai.rhai: there is no script 'standup.rhai'; did you mean 'standup'?"
    );
}
