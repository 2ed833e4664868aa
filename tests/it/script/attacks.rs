//! Hostile scripts: each ends in a named mistake, within its limit.

use chimewheel::script::Scripts;

use super::{broken, hook, scene, shown, texts, value};

/// What a script says that has this as the body of `message`, in a thread with as small a stack as any has.
fn attempt(body: &str) -> String {
    attempt_script(&format!("fn message(ctx) {{ {body} }}"))
}

fn attempt_script(text: &str) -> String {
    let text = text.to_owned();
    let small = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let thread = small.spawn(move || {
        let scripts = Scripts::new();
        match scripts.load(texts(&[("demo", &text)])).first() {
            Some(broken) => broken.error.to_string(),
            None => shown(scripts.hook("demo").unwrap().message(&scene())),
        }
    });
    thread.unwrap().join().expect("no attack ends a thread")
}

fn all(rows: &[(&str, &str)]) {
    let untrue: Vec<String> = rows
        .iter()
        .map(|(body, expected)| (body, expected, attempt(body)))
        .filter(|(_, expected, said)| !said.contains(*expected))
        .map(|(body, expected, said)| format!("{body}\n  expected {expected}\n  said     {said}"))
        .collect();
    assert_eq!(untrue.join("\n"), "");
}

#[test]
fn nothing_outside_is_there() {
    all(&[
        (r#"open_file("/etc/passwd")"#, "there is no function 'open_file'"),
        (r#"read_file("/etc/passwd")"#, "there is no function 'read_file'"),
        (r#"env("HOME")"#, "there is no function 'env'"),
        (r#"exec("id")"#, "there is no function 'exec'"),
        (r#"connect("127.0.0.1:80")"#, "there is no function 'connect'"),
        ("sleep(5)", "there is no function 'sleep' (a script cannot wait"),
        ("sleep(1e300)", "there is no function 'sleep'"),
        ("5.sleep()", "there is no function 'sleep'"),
        ("timestamp()", "there is no function 'timestamp'"),
        ("rand()", "there is no function 'rand'"),
        (r#"eval("1")"#, "a script cannot run texts as scripts"),
        (r#"Fn("eval").call("1")"#, "a script cannot run texts as scripts"),
        (r#"let f = Fn("sleep"); f.call(5)"#, "there is no function 'sleep'"),
        (
            r#"let f = Fn("sleep"); f.curry(5).call()"#,
            "a function has no curry (write a closure, `|x| f.call(5, x)`)",
        ),
        (r#"let f = "sle" + "ep"; Fn(f).call(5)"#, "there is no function 'sleep'"),
        (r#"call("sleep", 5)"#, "a function is needed here, and this is a text"),
        (r#"get_fn_metadata_list()"#, "there is no function"),
        ("exit(5)", "there is no function 'exit'"),
        ("blob(1000000000)", "there is no function 'blob'"),
        ("this", "there is no `this` here"),
    ]);
}

#[test]
fn only_scripts_of_the_folder_can_be_imported() {
    all(&[
        (r#"import "/etc/passwd" as p; """#, "there is no script '/etc/passwd'"),
        (r#"import "../x" as p; """#, "there is no script '../x'"),
        (r#"import "./demo" as p; """#, "there is no script './demo'; did you mean 'demo'?"),
        (r#"import "demo" as p; """#, "scripts import one another in a circle: demo -> demo"),
        (r#"import "C:\\x" as p; """#, "there is no script"),
        (
            r#"let name = "/etc/" + "passwd"; import name as p; """#,
            "import takes the name of a script as a plain text",
        ),
    ]);
}

#[test]
fn loops_and_recursion_end() {
    all(&[
        ("loop {}", "it did more than 500000 operations and was ended"),
        ("while true { 1; }", "operations"),
        ("let n = 0; for i in 0..9223372036854775807 { n += 1; }", "operations"),
        ("do {} until false", "operations"),
        ("loop { try { loop {} } catch { } }", "operations"),
        ("let f = |x| { loop {} }; [1, 2].map(f)", "operations"),
        ("let f = |a, b| { loop {} }; let l = [1, 2, 3]; l.sort(f)", "operations"),
        (
            "let l = []; for i in 0..900 { l.push(i); } l.sort(|a, b| { let n = 0; for i in 0..100 { n += i; } 0 })",
            "operations",
        ),
        ("let l = [3, 1, 2]; l.sort(|a, b| throw \"no\"); `${l}`", "no"),
        ("let l = []; for i in 0..900 { l.push((i * 7919) % 900); } l.sort(|a, b| 1); `${l.len()}`", "900"),
        ("let f = |x| x.call(x); f.call(f)", "functions call one another more than"),
    ]);
    let deep = |body: &str| attempt_script(&format!("fn f(x) {{ {body} }} fn message(ctx) {{ f(1) }}"));
    assert!(deep("f(x + 1)").contains("functions call one another more than 24 deep"), "{}", deep("f(x + 1)"));
}

/// As deep as expressions may be, in as many calls as there may be, and then with data as deep as a script gets it.
#[test]
fn the_deepest_script_fits_the_smallest_stack() {
    const DATA: &str = "let m = []; for i in 0..240 { m = [[[#{a: m}]]]; } m == m";
    let script = |body: &str, bottom: &str| {
        attempt_script(&format!(
            "fn f(x) {{ if x == 22 {{ return {{ {bottom} }}; }} {body} }} fn message(ctx) {{ f(1) }}"
        ))
    };
    for (open, close) in [
        ("[", "]"),
        ("if true { ", " }"),
        ("if ", " == 1 { 1 }"),
        ("(1 + ", ")"),
        ("1.max(", ")"),
        ("`${", "}`"),
        ("#{a: ", "}"),
        ("#{a: [1]}.a.contains(", ")"),
        ("switch 1 { 1 => ", " }"),
        ("switch ", " { 1 => 1 }"),
        ("{ let b = ", "; b }"),
        ("{ for i in [1] { ", " } }"),
        ("{ try { ", " } catch { } }"),
        ("[1].map(|i| ", ")"),
        ("[2, 1].sort(|a, b| ", ")"),
        ("true && (", ")"),
        ("() ?? (", ")"),
    ] {
        let nested = |depth: usize| format!("{}f(x + 1){}", open.repeat(depth), close.repeat(depth));
        let is_script = |body: &String| {
            let said = broken(&format!("fn f(x) {{ {body} }} fn message(ctx) {{ f(1) }}"));
            !said.contains("expressions are more than")
        };
        let deepest = (1..=64).rev().map(nested).find(is_script).unwrap();
        assert!(deepest.matches(open.trim()).count() >= 3, "{deepest}");
        let unbounded = script(&deepest, "f(1)");
        assert!(unbounded.contains("functions call one another more than 24 deep"), "{deepest}: {unbounded}");
        let data = script(&deepest, DATA);
        assert!(data.contains("inside one another") || data.contains("more than 24 deep"), "{deepest}: {data}");
    }
}

#[test]
fn nothing_grows_without_an_end() {
    const TEXT: &str = "a text, or the texts of a list or map, would have more than 65536 bytes";
    const LIST: &str = "a list would have more than 1000 elements";
    const MAP: &str = "a map would have more than 1000 entries";
    all(&[
        (r#"let s = "x"; loop { s += s; }"#, TEXT),
        (r#"let s = "x"; loop { s = s + s; }"#, TEXT),
        (r#"let s = "x"; loop { s = `${s}${s}`; }"#, TEXT),
        (r#"let s = "x"; for i in 0..15 { s += s; } let l = []; loop { l.push(s); }"#, TEXT),
        (r#"let s = "x"; for i in 0..15 { s += s; } [1, 2, 3].map(|i| s + i)"#, TEXT),
        (r#"let s = "x"; for i in 0..15 { s += s; } s.replace("x", s)"#, TEXT),
        (r#"let s = "x"; for i in 0..15 { s += s; } s.replace("", s)"#, TEXT),
        (r#"let s = "x"; for i in 0..15 { s += s; } s.replace("(x)", "$1$1$1$1$1$1$1$1")"#, TEXT),
        (r#"let s = "x"; for i in 0..15 { s += s; } [s, s, s].join(s)"#, TEXT),
        (r#"let s = "x"; for i in 0..15 { s += s; } to_json(s + s.sub_string(1) + "")"#, "bytes"),
        (r#"let s = "x "; for i in 0..14 { s += s; } s.split(" ")"#, LIST),
        (r#"let s = "x\n"; for i in 0..14 { s += s; } s.lines()"#, LIST),
        ("let l = []; loop { l.push(1); }", LIST),
        ("let l = [1]; loop { l += l; }", LIST),
        ("let l = [1]; loop { l = l + l; }", LIST),
        ("let l = [1]; loop { l.append(l); }", LIST),
        ("let l = [1]; l.pad(1000000000, 1); 1", LIST),
        ("let l = []; l.pad(9223372036854775807, [1, 2, 3]); 1", LIST),
        (&format!("let l = []; l.pad({}, [{}]); 1", 1_u64 << 55, "(),".repeat(511)), LIST),
        (r#"let s = "x"; for i in 0..15 { s += s; } let l = []; l.pad(900, s); 1"#, TEXT),
        (r#"let s = "x"; for i in 0..15 { s += s; } let l = []; l.pad(300, #{a: [s]}); 1"#, TEXT),
        ("let l = [1]; loop { l.insert(0, 1); }", LIST),
        ("let l = [1]; loop { l = [l, l]; }", LIST),
        ("let l = [[1, 2]]; l.pad(900, [1, 2, 3]); 1", LIST),
        ("let m = #{}; let i = 0; loop { m[`k${i}`] = i; i += 1; }", MAP),
        (
            r#"let s = "x"; for i in 0..15 { s += s; } s += s.sub_string(0, 30000); let m = #{}; let i = 0; loop { m[`k${i}`] = `${s}${i}`; i += 1; }"#,
            "its variables hold more than 4194304 bytes",
        ),
        (
            r#"let s = "x"; for i in 0..15 { s += s; } s += s.sub_string(0, 30000); let m = #{}; let f = |k| m[k] = `${s}${k}`; let i = 0; loop { f.call(`${i}`); i += 1; }"#,
            "bytes",
        ),
        ("let m = #{}; let i = 0; loop { m.set(`k${i}`, i); i += 1; }", MAP),
        ("let m = #{}; loop { m = #{a: m, b: m}; }", MAP),
        ("let i = 0; loop { ctx.state[`k${i}`] = i; i += 1; }", MAP),
        ("ctx.state.big = []; loop { ctx.state.big.push(\"0123456789\"); }", LIST),
        ("range(0, 1000000000).map(|x| x)", "map does not take"),
        ("let x = 1; loop { x *= 1000; }", "overflow"),
        ("10 ** 1000", "overflow"),
        ("1 / 0", "division by zero"),
    ]);
    let many: String = (0..300).map(|i| format!("let v{i} = {i}; ")).collect();
    assert!(attempt(&many).contains("more than 256 variables"), "{}", attempt(&many));
}

#[test]
fn depth_does_not_use_up_the_stack() {
    const MAKE: &str = "let l = []; for i in 0..64 { l = [l]; }";
    const MIX: &str = "let l = []; for i in 0..32 { l = [#{a: l}]; }";
    for make in [MAKE, MIX] {
        all(&[
            (&format!("{make} `${{[l]}}`"), "lists and maps inside one another"),
            (&format!("{make} to_json([l])"), "lists and maps inside one another"),
            (&format!("{make} [l].to_string()"), "lists and maps inside one another"),
            (&format!("{make} print([l])"), "lists and maps inside one another"),
            (&format!("{make} debug([l])"), "lists and maps inside one another"),
            (&format!("{make} `${{[l] == [l]}}`"), "too deep to be compared"),
            (&format!("{make} `${{[[l]].contains([l])}}`"), "too deep to be compared"),
            (&format!("{make} `${{[[l]].index_of([l])}}`"), "too deep to be compared"),
            (&format!("{make} switch l {{ 1 => 2, _ => \"fine\" }}"), "fine"),
            (&format!("{make} ctx.state.deep = [l]; \"fine\""), "the state has more than 64 lists and maps"),
            (&format!("{make} l"), "it answered with a list"),
            (&format!("{make} changed(\"k\", [l])"), "lists and maps inside one another"),
            (&format!("{make} throw [l]"), "[["),
            (&format!("{make} let f = |x| x; f.call(l).len().to_string()"), "1"),
        ]);
    }
    const DEEP: &str = "more than 64 lists, maps and functions are inside one another";
    all(&[
        ("let l = []; for i in 0..990 { l = [l]; } l", DEEP),
        ("let l = []; for i in 0..480 { l = [#{a: l}]; } l", DEEP),
        ("let m = #{}; loop { m = #{a: m}; }", DEEP),
        ("let f = 1; loop { let g = f; f = || g; }", DEEP),
        ("let f = 1; loop { let g = f; f = [|| g]; }", DEEP),
        ("let f = 1; loop { try { let g = f; f = #{a: || g}; } catch { } }", DEEP),
        ("let f = 1; f = || f; f.call()", DEEP),
        ("let f = 1; loop { let g = f; f = [|| g, || g]; }", "a variable holds more than 8192 values"),
    ]);
    let deep = |open: &str, close: &str, count: usize| format!("{}1{}", open.repeat(count), close.repeat(count));
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("#{a:", "}"),
        ("-(", ")"),
        ("if true {", "}"),
        ("|x| ", ""),
        ("`${", "}`"),
        ("f(", ")"),
        ("!", ""),
        ("-", ""),
        ("switch 1 {1=>", "}"),
        ("1+", ""),
        ("1 ?? ", ""),
        ("a.", ""),
        ("a[", "]"),
        ("while true {", "}"),
        ("try {", "} catch {}"),
    ] {
        let said = attempt(&deep(open, close, 3000));
        assert!(said.contains("scripts/demo.rhai"), "{open}: {said:.300}");
    }
    let ladder = format!("if false {{ 1 }} {} else {{ \"fine\" }}", "else if false { 1 }".repeat(3000));
    assert!(attempt(&ladder).contains("scripts/demo.rhai"), "{:.300}", attempt(&ladder));
}

#[test]
fn regular_expressions_are_bounded() {
    all(&[
        (r#"matches("x", "(((a{100}){100}){100})")"#, "is too large once compiled"),
        (r#"matches("x", "\\w{1000}")"#, "is too large once compiled"),
        (r#"matches("x", "(")"#, "the regular expression '(' cannot be read: unclosed group"),
        (r#"matches("x", "(?=x)")"#, "look-around"),
        (r#"matches("x", "(x)\\1")"#, "backreferences"),
        (
            r#"let p = "a"; for i in 0..12 { p += p; } matches("x", p)"#,
            "the regular expression has 4096 bytes; 1024 are allowed",
        ),
        (r#"let s = "a"; for i in 0..14 { s += s; } `${matches(s, "(a|aa)+$b")}`"#, "false"),
        (r#"let s = "a"; for i in 0..14 { s += s; } `${matches(s, "(a*)*b")}`"#, "false"),
    ]);
}

#[test]
fn mistakes_of_types_are_told_in_plain_words() {
    all(&[
        ("1 + [1]", "`+` does not go with a number and a list"),
        ("\"x\" - 1", "`-` does not go with a text and a number"),
        ("ctx + 1", "does not go with"),
        ("\"x\" + ctx", "ctx is not a text; name one of its fields"),
        ("`${ctx.fire}`", "ctx.fire is not a text; name one of its fields"),
        ("truncate(5, 5)", "truncate does not take a number, a number (write truncate(text, count))"),
        ("once_per(5)", "a number is not a duration; write for example minutes(90) or \"90m\""),
        ("duration(\"soon\")", "'soon' is not a duration"),
        ("pick([])", "pick needs a list that is not empty"),
        ("quiet_hours(\"late\")", "'late' are no hours"),
        ("parse_json(\"{\")", "this is not JSON: EOF while parsing an object at line 1 column 1"),
        ("let y = 5; for x in y {} 1", "this cannot be gone through with `for`"),
        ("let y = 5; if y { 1 } else { 2 }", "true or false is needed here, and this is a number"),
        ("[1][5]", "there is no element 5: the list has 1, from 0"),
        ("undefined_thing()", "there is no function 'undefined_thing'"),
        ("trunc(\"x\", 5)", "there is no function 'trunc'"),
        ("truncat(\"x\", 5)", "there is no function 'truncat' (did you mean 'truncate'?)"),
        ("throw \"too bad\"", "too bad"),
    ]);
}

#[test]
fn what_is_shared_cannot_be_changed() {
    all(&[
        ("ctx.vars.who = \"Eve\"; \"\"", "ctx.vars cannot be changed"),
        ("ctx.vars.names.push(\"Eve\"); \"\"", "ctx.vars cannot be changed"),
        ("ctx.schedule.name = \"x\"; \"\"", "ctx.schedule.name cannot be changed"),
        ("ctx.schedule.labels.team = \"x\"; \"\"", "ctx.schedule.labels cannot be changed"),
        ("ctx.fire.due = 1; \"\"", "ctx.fire.due cannot be changed"),
        ("ctx.fire.local.hour = 1; \"\"", "cannot be changed"),
        ("ctx.fire = 1; \"\"", "ctx.fire cannot be changed"),
        ("ctx.last.text = \"x\"; \"\"", "ctx.last.text cannot be changed"),
        ("ctx.state = 5; \"\"", "ctx.state is a map; it cannot become a number"),
        ("ctx.other = 5; \"\"", "ctx has no field 'other'"),
        ("let vars = ctx.vars; vars.who = \"Eve\"; ctx.vars.who", "Some(\"Ada\")"),
        ("ctx.vars.names.len().to_string()", "Some(\"2\")"),
        ("ctx.vars.names.filter(|n| n > \"B\")[0]", "Some(\"Ben\")"),
        ("ctx.fire.due += hours(1); \"\"", "ctx.fire.due cannot be changed"),
        ("ctx.fire.due.local.hour = 1; \"\"", "'hour' cannot be changed"),
        ("ctx.fire.due.local.hour += 0; \"fine\"", "fine"),
        ("ctx.fire.late_by.seconds = 1; \"\"", "'seconds' cannot be changed"),
        ("let due = ctx.fire.due; due.unix = 1; \"\"", "'unix' cannot be changed"),
        ("ctx.fire.number.to_string() + ctx.fire.hour.to_string() + ctx.fire.local.hour.to_string()", "1299"),
        ("ctx.fire.due.local.hour.to_string() + ctx.fire.late_by.seconds.to_string()", "95"),
        ("ctx.last.at.local.hour.to_string() + ctx.session.active.to_string()", "9true"),
        ("ctx.schedule.destination.chat_id.len().to_string() + ctx.schedule.labels.team.to_upper()", "4CORE"),
        ("ctx.state.count.to_string() + ctx.vars.limits.warm.to_string()", "230"),
    ]);
    // A list that stands in the script, and a const of its top, are the same at every call.
    let literal = hook("fn message(ctx) { let l = [1]; l.push(2); `${l}` }");
    let constant =
        hook("const LIST = [1]; fn message(ctx) { let l = global::LIST; l.push(2); `${global::LIST}${l}` }");
    for _ in 0..2 {
        assert_eq!(literal.message(&scene()), Ok(Some("[1,2]".to_owned())));
        assert_eq!(constant.message(&scene()), Ok(Some("[1][1,2]".to_owned())));
    }
    let pushed = hook("const LIST = [1]; fn message(ctx) { global::LIST.push(2); `${global::LIST}` }");
    assert!(!shown(pushed.message(&scene())).contains('2') || pushed.message(&scene()).is_err());
}

#[test]
fn a_script_that_is_too_large_is_refused() {
    assert_eq!(broken(&" ".repeat(65_537)), "scripts/demo.rhai: it has 65537 bytes; 65536 are allowed");
    let functions: String = (0..300).map(|i| format!("fn f{i}() {{ 1 }}\n")).collect();
    assert!(broken(&functions).contains("more than 256 functions"), "{}", broken(&functions));
    assert_eq!(value("1"), "1");
}
