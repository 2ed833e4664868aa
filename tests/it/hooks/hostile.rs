//! Hostile scripts beside literal messages: what is said at an instant is said, and each of them comes to what its
//! schedule says of mistakes.
//!
//! What each attack is told is tested with the sandbox; here it is only that nothing else suffers.

use std::collections::BTreeMap;

use chimewheel::runtime::Op;
use chimewheel::spec::Destination;

use super::house::{House, ended};

/// Bodies of `message`; some of them are no script at all.
const ATTACKS: &[(&str, &str)] = &[
    ("loop", "loop {}"),
    ("caught-loop", "loop { try { loop {} } catch { } }"),
    ("counting", "let n = 0; for i in 0..9223372036854775807 { n += 1; }"),
    ("recursion", "deeper(1)"),
    ("self-call", "let f = |x| x.call(x); f.call(f)"),
    ("double-text", r#"let s = "x"; loop { s += s; }"#),
    ("double-list", "let l = [1]; loop { l += l; }"),
    ("nested-list", "let l = [1]; loop { l = [l, l]; }"),
    ("growing-map", "let m = #{}; let i = 0; loop { m[`k${i}`] = i; i += 1; }"),
    ("pad", "let l = []; l.pad(1000000000, 1);"),
    ("many-texts", r#"let s = "x"; for i in 0..15 { s += s; } let l = []; loop { l.push(s); }"#),
    ("pattern", r#"`${matches("x", "(((a{100}){100}){100})")}`"#),
    ("replace", r#"let s = "x"; for i in 0..15 { s += s; } s.replace("x", s)"#),
    (
        "sort",
        "let l = []; for i in 0..900 { l.push(i); } l.sort(|a, b| { let n = 0; for i in 0..100 { n += i; } 0 })",
    ),
    ("too-long", r#"let s = "x"; for i in 0..17 { s += s; } s"#),
    ("state", r#"let s = "x"; for i in 0..15 { s += s; } ctx.state.s = s; "said""#),
    ("deep-state", r#"let l = []; for i in 0..900 { l = [l]; } ctx.state.l = l; "said""#),
    ("list", "[1]"),
    ("number", "1"),
    ("no-text", r#"" ""#),
    ("throw", r#"throw "no""#),
    ("overflow", "let x = 1; loop { x *= 1000; }"),
    ("zero", "`${1 / 0}`"),
    ("sleep", "sleep(1000)"),
    ("sleep-by-name", r#"Fn("sle" + "ep").call(1000)"#),
    ("eval", r#"eval("loop {}")"#),
    ("file", r#"open_file("/etc/passwd")"#),
    ("import-file", r#"import "/etc/passwd" as p; """#),
    ("change-vars", "ctx.vars.x = 1;"),
    ("no-script", "} fn fn {"),
];

const LITERALS: usize = 1000;

#[test]
fn a_thousand_messages_due_with_every_attack_are_sent_and_each_attack_is_recorded() {
    let script = |body: &str| format!("fn deeper(x) {{ deeper(x + 1) + 1 }}\nfn message(ctx) {{ {body} }}\n");
    let texts: Vec<(&str, String)> = ATTACKS.iter().map(|(name, body)| (*name, script(body))).collect();
    let sources: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let mut house = House::new(&sources);

    let chat = |id: String| Some(Destination { gateway: "console".into(), chat_id: id, thread: None });
    let hostile = |plain: bool| {
        let house = &house;
        // One that is a hook; then it is what nobody would be let to declare.
        let lines = "payload: {message: plain}\nvars: {x: 0}\nhook: throw";
        let lines = if plain { format!("{lines}\non_hook_error: deliver_plain") } else { lines.into() };
        ATTACKS.iter().map(move |(name, _)| {
            let mut schedule = house.schedule(&lines);
            schedule.hook = Some((*name).into());
            schedule.destination = chat(format!("{name}-{plain}"));
            schedule
        })
    };
    let attacks = house.add_all(hostile(false).chain(hostile(true)).collect());
    let literal = |number| {
        let mut schedule = house.schedule("payload: {message: literal}");
        schedule.destination = chat(number_chat(number));
        schedule
    };
    let literals = house.add_all((0..LITERALS).map(literal).collect());
    assert_eq!((attacks.len(), literals.len()), (ATTACKS.len() * 2, LITERALS));

    let due = house.hour(1);
    let mut sent: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..LITERALS + ATTACKS.len() {
        let delivery = house.handed();
        assert_eq!((delivery.due, delivery.sent_at, delivery.attempt), (due, due, 1), "{delivery:?}");
        let twice = sent.insert(delivery.destination.chat_id, delivery.text);
        assert_eq!(twice, None);
    }
    for number in 0..LITERALS {
        assert_eq!(sent.remove(&number_chat(number)).as_deref(), Some("literal"), "{number}");
    }
    for (index, (name, _)) in ATTACKS.iter().enumerate() {
        let failed = ended(&house.over(attacks[index], 1));
        assert!(failed.starts_with(&format!("failed: scripts/{name}.rhai")), "{name}: {failed}");
        assert_eq!(sent.remove(&format!("{name}-true")).as_deref(), Some("plain"), "{name}");
        let borne = ended(&house.over(attacks[ATTACKS.len() + index], 1));
        assert!(borne.starts_with(&format!("delivered | scripts/{name}.rhai")), "{name}: {borne}");
    }
    assert!(sent.is_empty(), "{sent:?}");
    for key in attacks {
        assert_eq!(house.state(key), None, "a script that failed keeps nothing");
    }
    house.ask(Op::Status);
    house.stop();
}

fn number_chat(number: usize) -> String {
    format!("chat-{number}")
}
