//! Templates: what they show, whichever way they are rendered, and where their mistakes are.

use std::sync::Arc;

use chimewheel::script::{Deadline, Facts, Last, Scene, Scripts};

use super::{facts, scene, shown};

fn render(template: &str) -> String {
    Scripts::new()
        .template(template)
        .map_or_else(|error| error.to_string(), |template| shown(template.render(&scene())))
}

fn all(rows: &[(&str, &str)]) {
    let wrong = rows.iter().filter_map(|(template, expected)| {
        let rendered = render(template);
        (rendered != *expected).then(|| format!("{template}\n  expected {expected}\n  made     {rendered}"))
    });
    assert_eq!(wrong.collect::<Vec<_>>().join("\n"), "");
}

#[test]
fn paths_and_expressions_are_filled_in() {
    all(&[
        ("", r#""""#),
        ("Just text, $5 and a ` and a \\ and {braces}.", r#""Just text, $5 and a ` and a \\ and {braces}.""#),
        ("Good ${fire.weekday}, ${vars.who}!", r#""Good Monday, Ada!""#),
        ("${ctx.fire.weekday} ${ ctx . vars . who }", r#""Monday Ada""#),
        (
            "${schedule.name} for ${schedule.destination.chat_id}: ${last.text}",
            r#""Daily standup for team: all green""#,
        ),
        ("${state.count} ${state.nothing}|${vars.nothing}|${schedule.destination.thread}|", r#""2 |||""#),
        ("${vars.names}", r#""[\"Ada\",\"Ben\"]""#),
        (
            "${fire.due} ${fire.late_by} ${fire.local.month_name} ${fire.actual.local.second}",
            r#""2026-03-02T09:00:00+01:00 5s March 5""#,
        ),
        ("${fire.late_by.minutes} ${fire.due.unix} ${session.active}", r#""0 1772438400 true""#),
        ("${fire.number + 1}", r#""13""#),
        ("${if fire.hour < 12 { \"morning\" } else { \"evening\" }} ` ${1 + 1}", r#""morning ` 2""#),
        ("\n${fire.number + 1}\n", r#""\n13\n""#),
        ("\r\n${fire.number + 1}", r#""\r\n13""#),
        ("${vars.who.to_upper()} ${\"}\"} ${'}'} ${`a}${`b`}`}", r#""ADA } } a}b""#),
        ("${/* } */ 1} ${#{a: 1}.a}", r#""1 1""#),
        ("${\"$\"}{x}", r#""${x}""#),
        ("``` ${1 + 1} ```", r#""``` 2 ```""#),
        ("${pick([\"a\"])} ${truncate(last.text, 4)}", r#""a all…""#),
        ("${vars.limits.warm} ${vars.names[1]}", r#""30 Ben""#),
        ("${schedule[\"name\"]} ${schedule.destination.thread ?? \"no thread\"}", r#""Daily standup no thread""#),
        ("${switch fire.hour { 9 => \"nine\", _ => \"other\" }}", r#""nine""#),
        ("${vars.names.filter(|name| name.len() > fire.number - 10)}", r#""[\"Ada\",\"Ben\"]""#),
        (
            "${fire.number.to_string()} ${fire.hour.to_string()} ${fire.due.local.hour.to_string()} ${ctx.fire.hour.to_string()}",
            r#""12 9 9 9""#,
        ),
        (
            "${fire.late_by.seconds.to_string()} ${fire.due.unix.to_string()} ${schedule.destination.chat_id.to_upper()}",
            r#""5 1772438400 TEAM""#,
        ),
        (
            "${state.count.to_string()} ${ctx.state.count.to_string()} ${vars.limits.warm.to_string()} ${last.at.local.zone.to_upper()}",
            r#""2 2 30 EUROPE/BERLIN""#,
        ),
        ("${()}", r#""""#),
    ]);
}

#[test]
fn mistakes_are_shown_where_they_stand() {
    all(&[
        ("Hello ${fire.weekdya}", "template:1:9: ctx.fire has no field 'weekdya'; did you mean 'weekday'?"),
        ("Hello\n  ${schedule.nam}", "template:2:5: ctx.schedule has no field 'nam'; did you mean 'name'?"),
        (
            "${nobody.name}",
            "template:1:3: there is no variable 'nobody' (`let nobody = …;` makes one; a const of the script's top is `global::nobody` inside functions)",
        ),
        ("${vers.who}", "template:1:3: there is no variable 'vers' (did you mean 'vars'?)"),
        ("a ` b\n` ${1 + } c", "template:2:9: unexpected '}' (is something missing before it?)"),
        ("é ` ${fire.weekday + nope(1)}", "template:1:22: there is no function 'nope' (did you mean 'note'?)"),
        (
            "${fire.weekday",
            "template:1:1: this `${` is not closed (close it with `}`; to show these two characters, write ${\"$\"}{)",
        ),
        ("x ${ }", "template:1:3: there is nothing inside these braces (write for example ${fire.weekday})"),
        ("${fire}", "template: ctx.fire is not a text; name one of its fields"),
        ("${fire.local}", "template: local is not a text; name one of its fields"),
        ("${fire.local.houer}", "template:1:3: local has no field 'houer'; did you mean 'hour'?"),
    ]);
}

#[test]
fn in_templates_stand_expressions_only() {
    assert_eq!(render("${(|x| x).call(1)}"), "\"1\"");
    const HINT: &str = "in a template stand expressions, without statements; a hook's message() has both";
    for (template, column) in [
        ("${state.count = 5}", 15),
        ("${ctx.state.count = 5}", 19),
        ("${ctx.state = #{}}", 13),
        ("${fire.due += hours(1)}", 12),
        ("${if true { ctx.state.count = 5 }}", 29),
        ("${[1].map(|x| ctx.state.count = x)}", 31),
        ("${fire.due.local.hour = 5}", 23),
    ] {
        let expected = format!("template:1:{column}: nothing can be changed here (to compare, write `==`; {HINT})");
        assert_eq!(render(template), expected, "{template}");
    }
    for (template, column, word) in [
        ("${loop { 1 }}", 3, "loop"),
        ("${while true { 1 }}", 3, "while"),
        ("${let n = 2; n + 1}", 3, "let"),
        ("${{ 1 }}", 3, "{"),
        ("${if true { let x = 1; x }}", 13, "let"),
        ("${[1].map(|x| { let y = x; y })}", 17, "let"),
        ("${import \"x\" as y}", 3, "import"),
        ("${fn f() { 1 }}", 3, "fn"),
        ("${return 1}", 3, "return"),
        ("${throw 1}", 3, "throw"),
        ("${`${let x = 1; x}`}", 6, "let"),
        ("${switch 1 { 1 => { let x = 2; x } }}", 19, "{"),
    ] {
        let expected = format!("template:1:{column}: unexpected '{word}' ({HINT})");
        assert_eq!(render(template), expected, "{template}");
    }
    assert_eq!(render("${1; 2}"), format!("template:1:4: a `{{` is missing to start a statement block ({HINT})"));
}

#[test]
fn what_there_is_not_is_an_empty_text() {
    let first = Facts { last: Last::default(), state: None, ..facts() };
    let scene = Scene::new(first, Deadline::none());
    let scripts = Scripts::new();
    let render = |text: &str| shown(scripts.template(text).unwrap().render(&scene));
    assert_eq!(render("[${last.text}${last.status}${last.at}${state.count}]"), r#""[]""#);
    assert_eq!(
        render("[${last.at.local.hour}]"),
        "template:1:4: there is nothing that could have a field 'local': it is ()"
    );
    assert_eq!(scene.state(), None);
}

#[test]
fn both_ways_of_rendering_show_the_same() {
    let scripts = Scripts::new();
    let paths = [
        "schedule.id",
        "schedule.name",
        "schedule.agent",
        "schedule.zone",
        "schedule.labels.team",
        "schedule.vars.who",
        "schedule.destination.gateway",
        "schedule.destination.thread",
        "fire.due",
        "fire.actual",
        "fire.late_by",
        "fire.number",
        "fire.attempt",
        "fire.by_hand",
        "fire.weekday",
        "fire.date",
        "fire.time",
        "fire.hour",
        "fire.local.year",
        "fire.local.weekday_number",
        "fire.local.day_of_year",
        "fire.due.local.minute",
        "fire.due.unix",
        "fire.late_by.seconds",
        "last.status",
        "last.text",
        "last.at",
        "session.active",
        "session.last_user_at",
        "vars.who",
        "vars.limits",
        "vars.names",
        "vars.nothing",
        "state.count",
        "state.seen",
    ];
    for path in paths {
        let plain = scripts.template(&format!("${{{path}}}")).unwrap().render(&scene()).unwrap();
        let script = scripts.template(&format!("${{({path})}}")).unwrap().render(&scene()).unwrap();
        assert_eq!(plain, script, "{path}");
    }
}

#[test]
fn the_same_text_is_compiled_once() {
    let scripts = Scripts::new();
    let first = scripts.template("Hi ${vars.who}").unwrap();
    assert!(Arc::ptr_eq(&first, &scripts.template("Hi ${vars.who}").unwrap()));
    for number in 0..chimewheel::limits::TEMPLATES_COUNT_MAX {
        scripts.template(&format!("{number}")).unwrap();
    }
    assert!(!Arc::ptr_eq(&first, &scripts.template("Hi ${vars.who}").unwrap()));
}

#[test]
fn what_is_compiled_of_templates_is_bounded() {
    let scripts = Scripts::new();
    let places = |count: usize| "${1+1}".repeat(count);
    assert!(scripts.template(&places(256)).is_ok());
    assert_eq!(
        shown(scripts.template(&places(257)).map(drop)),
        "template:1:1537: it has more than 256 places `${…}` (a hook's message() can make any text)"
    );
    // As many large ones as take the place of a small one, far fewer than are kept of small ones.
    let first = scripts.template("Hi ${vars.who}").unwrap();
    let large = |number: usize| format!("{number}${{{}1}}", "/* long */".repeat(6500));
    let is_kept = |first: &Arc<_>| Arc::ptr_eq(first, &scripts.template("Hi ${vars.who}").unwrap());
    assert!(is_kept(&first));
    for number in 0..12 {
        scripts.template(&large(number)).unwrap();
    }
    assert!(!is_kept(&first));
    // What is only judged is not kept, and takes no place of what is.
    let first = scripts.template("Hi ${vars.who}").unwrap();
    for number in 0..12 {
        assert!(chimewheel::spec::Scripts::judge_template(&scripts, &large(number)).is_ok());
    }
    assert!(is_kept(&first));
}
