//! `chimewheel hook`: what it writes, says and refuses.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::{Expect, expect};
use serde_json::{Value, json};

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A folder with these scripts, and with these files beside them.
fn folder(scripts: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("scripts/lib")).unwrap();
    for (name, text) in scripts {
        fs::write(folder.path().join("scripts").join(name), text).unwrap();
    }
    folder
}

/// Runs each command line in one folder: exit code, and a part of what it says.
fn check(folder: &Path, table: &[(&[&str], i32, &str)]) {
    for (arguments, code, part) in table {
        let (ended, out, err) = run(folder, arguments);
        let said = format!("{out}{err}");
        assert_eq!(ended, *code, "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
    assert!(!folder.join(".chimewheel").exists(), "a store was created");
}

#[test]
fn a_new_script_works_at_once_and_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    check(
        folder.path(),
        &[
            (&["hook", "list"], 0, "There are no scripts in scripts; `chimewheel hook new NAME` writes one."),
            (&["hook", "check"], 0, "There are no scripts in scripts"),
            (&["hook", "new", "standup"], 0, "Wrote scripts/standup.rhai."),
            (
                &["hook", "new", "standup"],
                4,
                "scripts/standup.rhai is there already; remove it, or choose another name",
            ),
            (&["hook", "test", "standup"], 0, "outcome      sent"),
            (&["hook", "new", "team/mail.rhai", "--like", "escalate"], 0, "Wrote scripts/lib/text.rhai."),
            (&["hook", "new", "boss", "--like", "escalate"], 0, "Wrote scripts/boss.rhai."),
            (&["hook", "check"], 0, "4 scripts are in order."),
            (
                &["hook", "new", "x", "--like", "escalat"],
                2,
                "--like: is not a recipe (given 'escalat'; did you mean 'escalate'?",
            ),
            (&["hook", "new", "../x"], 2, "NAME: cannot be the name of a script (given '../x'; letters, digits"),
            (&["hook", "new", "/etc/x"], 2, "cannot be the name of a script"),
            (&["hook", "new", ".hidden"], 2, "cannot be the name of a script"),
            (&["hook", "new", "a b"], 2, "cannot be the name of a script"),
            (&["hook", "new", ""], 2, "cannot be the name of a script"),
        ],
    );
    let copy = fs::read_to_string(folder.path().join("scripts/team/mail.rhai")).unwrap();
    assert!(!copy.contains("schedules/"), "a copy names the example of its recipe: {copy}");
}

#[test]
fn every_recipe_can_be_begun_with() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = fs::read_dir("scripts").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let recipes: Vec<String> = shipped.filter_map(|name| name.strip_suffix(".rhai").map(str::to_owned)).collect();
    assert!(recipes.len() >= 8);
    for recipe in &recipes {
        let (code, _, err) = run(folder.path(), &["hook", "new", recipe, "--like", recipe]);
        assert_eq!(code, 0, "{err}");
    }
    let (code, out, _) = run(folder.path(), &["hook", "list", "--json"]);
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, listed["scripts"].as_array().unwrap().len()), (0, recipes.len() + 1));
}

/// What is said about scripts that are wrong.
fn drawn(scripts: &[(&str, &str)], arguments: &[&str], code: i32, expected: &Expect) {
    let folder = folder(scripts);
    let (ended, out, err) = run(folder.path(), arguments);
    assert_eq!(ended, code, "{out}{err}");
    expected.assert_eq(&format!("exit {ended}\n{err}{out}"));
}

/// Two scripts that are wrong beside one that is not.
const WRONG: &[(&str, &str)] = &[
    ("good.rhai", "// Is good.\nfn gate(ctx) { true }\n"),
    ("comma.rhai", "fn deliver(ctx, result) {\n    #{ text: \"hi\" chat_id: \"boss\" }\n}\n"),
    ("name.rhai", "fn mesage(ctx) {\n    \"hi\"\n}\n"),
];

#[test]
fn mistakes_are_drawn_where_they_stand() {
    drawn(
        WRONG,
        &["hook", "check"],
        2,
        &expect![[r#"
            exit 2
              × scripts/comma.rhai: 1 problem
              ╰─▶   × a `,` is missing to separate the items of this object map literal
                     ╭─[scripts/comma.rhai:2:19]
                   1 │ fn deliver(ctx, result) {
                   2 │     #{ text: "hi" chat_id: "boss" }
                     ·                   ───────
                   3 │ }
                     ╰────
                    help: is a comma missing between two parts?
              × scripts/name.rhai: 1 problem
              ╰─▶   × nothing calls the function 'mesage'
                     ╭─[scripts/name.rhai:1:4]
                   1 │ fn mesage(ctx) {
                     ·    ──────
                   2 │     "hi"
                     ╰────
                    help: did you mean 'message'?
            2 of 3 scripts are wrong.
        "#]],
    );
    drawn(
        WRONG,
        &["hook", "check", "good"],
        0,
        &expect![[r#"
            exit 0
            good is in order.
        "#]],
    );
    drawn(
        WRONG,
        &["hook", "check", "god"],
        3,
        &expect![[r#"
            exit 3
            error: there is no script 'god'; did you mean 'good'?
        "#]],
    );
    drawn(
        WRONG,
        &["hook", "test", "name"],
        2,
        &expect![[r#"
            exit 2
              × scripts/name.rhai: 1 problem
              ╰─▶   × nothing calls the function 'mesage'
                     ╭─[scripts/name.rhai:1:4]
                   1 │ fn mesage(ctx) {
                     ·    ──────
                   2 │     "hi"
                     ╰────
                    help: did you mean 'message'?
        "#]],
    );
}

#[test]
fn a_list_shows_what_is_broken() {
    drawn(
        WRONG,
        &["hook", "list"],
        0,
        &expect![[r#"
            exit 0
             SCRIPT   FUNCTIONS   IN FILES   SUMMARY
            ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
             comma    -           -          BROKEN: scripts/comma.rhai:2:19: a `,` is missing to separate the items of this object map literal (is a comma missing between two parts?)
             good     gate        -          Is good.
             name     -           -          BROKEN: scripts/name.rhai:1:4: nothing calls the function 'mesage' (did you mean 'message'?)
        "#]],
    );
}

#[test]
fn a_function_that_fails_is_drawn_and_the_others_are_asked() {
    let script = "fn message(ctx) {\n    `Hello, ${ctx.vasr.who}!`\n}\n\nfn silent(ctx, result) {\n    7\n}\n";
    let folder = folder(&[("bad.rhai", script)]);
    let (code, out, err) = run(folder.path(), &["hook", "test", "bad", "--at", "2026-11-23T09:00:00Z"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(" message   FAILED: ctx has no field 'vasr'; did you mean 'vars'?  "), "{out}");
    assert!(out.contains("outcome      failed: scripts/bad.rhai:2:"), "{out}");
    expect![[r#"
        exit 1
          × scripts/bad.rhai: 2 problems
          ├─▶   × message(ctx): ctx has no field 'vasr'; did you mean 'vars'?
          │      ╭─[scripts/bad.rhai:2:19]
          │    1 │ fn message(ctx) {
          │    2 │     `Hello, ${ctx.vasr.who}!`
          │      ·                   ────
          │    3 │ }
          │      ╰────
          ╰─▶   × silent(ctx, result): it answered with a number; it may be true, false or a reason for
                │ staying silent
                 ╭─[scripts/bad.rhai:5:4]
               4 │
               5 │ fn silent(ctx, result) {
                 ·    ──────
               6 │     7
                 ╰────
    "#]]
    .assert_eq(&format!("exit {code}\n{err}"));
    let plain = "schedule: {every: 1h}\npayload: {message: m}\nhook: bad\non_hook_error: deliver_plain\n";
    fs::write(folder.path().join("plain.yaml"), plain).unwrap();
    let (code, out, _) = run(folder.path(), &["hook", "test", "--file", "plain.yaml"]);
    assert!(code == 1 && out.contains("outcome      sent\n"), "{out}");
}

#[test]
fn a_library_is_no_hook_and_a_broken_one_breaks_its_importers() {
    let scripts = [
        ("lib/text.rhai", "fn headline(text) {\n    text +\n}\n"),
        ("user.rhai", "import \"lib/text\" as text;\nfn deliver(ctx, result) { text::headline(result.text) }\n"),
    ];
    drawn(
        &scripts,
        &["hook", "check", "user"],
        2,
        &expect![[r#"
            exit 2
              × scripts/lib/text.rhai: 1 problem
              ╰─▶   × unexpected '}'
                     ╭─[scripts/lib/text.rhai:3:1]
                   2 │     text +
                   3 │ }
                     · ─
                     ╰────
                    help: is something missing before it?
            1 of 1 script is wrong.
        "#]],
    );
    let good = [("lib/text.rhai", "fn headline(text) { text }\n")];
    drawn(
        &good,
        &["hook", "test", "lib/text"],
        2,
        &expect![[r#"
            exit 2
            error: scripts/lib/text.rhai: it defines no function that a run would call (define one of gate(ctx), model(ctx), message(ctx), silent(ctx, result), deliver(ctx, result), next(ctx, result), failed(ctx, error))
        "#]],
    );
}

/// One trial as JSON, without its times.
fn tested(folder: &Path, arguments: &[&str]) -> Value {
    let (code, out, err) = run(folder, &[&["hook", "test", "--json"], arguments].concat());
    assert_eq!(code, 0, "{err}");
    let mut told: Value = serde_json::from_str(&out).unwrap();
    for call in told["calls"].as_array_mut().unwrap() {
        assert!(call["nanoseconds"].as_u64().is_some() && call["operations"].as_u64().is_some());
        let (function, answer) = (call["function"].take(), call["answer"].take());
        *call = json!([function, answer]);
    }
    told
}

const COUNTS: &str = "// Counts.
fn gate(ctx) { if ctx.fire.by_hand { \"by hand\" } else { true } }
fn message(ctx) { note(`last was ${ctx.last.status}`); `${ctx.vars.who ?? \"you\"}: ${ctx.fire.number}` }
fn silent(ctx, result) { ctx.state.n = (ctx.state.n ?? 0) + 1; ctx.state.n > 3 }
fn deliver(ctx, result) { [result.text, #{chat_id: \"boss\"}, #{text: \"x\", gateway: \"telegram\", chat_id: \"7\"}, #{gateway: \"irc\"}] }
fn next(ctx, result) { \"2h\" }
fn failed(ctx, error) { if error == \"gone\" { \"give_up\" } else { \"retry\" } }
";

#[test]
fn a_trial_tells_everything() {
    let folder = folder(&[("counts.rhai", COUNTS)]);
    let context = json!({
        "schedule": {"id": "s", "zone": "Europe/Berlin", "vars": {"who": "Ada"}},
        "fire": {"due": "2026-11-23T08:00:00Z", "number": 4},
        "last": {"status": "silent"},
        "state": {"n": 1},
    });
    fs::write(folder.path().join("run.json"), context.to_string()).unwrap();
    let told = tested(folder.path(), &["counts", "--context", "run.json"]);
    assert_eq!(
        told,
        json!({
            "hook": "counts",
            "schedule": "s",
            "due": "2026-11-23T08:00:00Z",
            "calls": [
                ["gate", "go"],
                ["message", "\"Ada: 4\""],
                ["silent", "no"],
                ["deliver", "4 deliveries"],
                ["next", "2026-11-23T11:00:00+01:00"],
            ],
            "outcome": "sent",
            "reason": null,
            "model": null,
            "next": "2026-11-23T10:00:00Z",
            "notes": ["last was silent"],
            "state": {"n": 2},
            "deliveries": [
                {"to": "console:local", "text": "Ada: 4"},
                {"to": "console:boss", "text": "Ada: 4"},
                {"to": "telegram:7", "text": "x"},
            ],
            "warnings": [
                "a delivery over 'irc' names no chat_id",
                "agent 'default' may not send to console:boss; the operator adds more to agents.default.destinations",
                "gateway 'telegram' is not configured; add [gateways.telegram] to chimewheel.toml",
            ],
        })
    );
    let kept = tested(folder.path(), &["counts", "--context", "run.json", "--state", "{\"n\": 3}"]);
    assert_eq!((&kept["outcome"], &kept["reason"]), (&json!("silent"), &json!("the hook said so")));
    let said = tested(folder.path(), &["counts", "--context", "run.json", "--result", "-5"]);
    assert_eq!(said["deliveries"][0]["text"], "-5");
    let failed = tested(folder.path(), &["counts", "--error", "gone"]);
    assert_eq!((&failed["outcome"], &failed["reason"]), (&json!("failed"), &json!("gone")));
    let again = tested(folder.path(), &["counts", "--error", "no answer"]);
    assert_eq!((&again["outcome"], &again["next"]), (&json!("tried again"), &Value::Null));
    assert!(!folder.path().join(".chimewheel").exists());
}

#[test]
fn a_file_brings_its_schedule_and_a_template_needs_no_hook() {
    let folder = folder(&[("counts.rhai", COUNTS)]);
    let one =
        "schedule: {cron: '0 9 * * MON', timezone: Europe/Berlin}\npayload: {template: 'It is ${fire.weekday}'}\n";
    let two = "- {id: a, schedule: {every: 1h}, payload: {message: m}, hook: counts}\n\
               - {id: b, schedule: {every: 1h}, payload: {message: m}}\n";
    fs::write(folder.path().join("one.yaml"), one).unwrap();
    fs::write(folder.path().join("two.yaml"), two).unwrap();
    fs::write(folder.path().join("wrong.yaml"), "schedule: {evry: 1h}\npayload: {message: m}\nhook: count\n")
        .unwrap();
    check(
        folder.path(),
        &[
            (&["hook", "test", "--file", "one.yaml"], 0, "It is Monday"),
            (&["hook", "test", "--template", "${fire.weekday}!", "--at", "2026-11-24T00:00:00Z"], 0, "Tuesday!"),
            (&["hook", "test", "--template", "${fire.number / 0}"], 1, "FAILED: division by zero"),
            (&["hook", "test", "--template", "${fire.weekdy}"], 2, "did you mean 'weekday'?"),
            (&["hook", "test", "--template", "${fire.weekday"], 2, "template"),
            (&["hook", "test", "counts", "--file", "two.yaml"], 0, "schedule     a, of two.yaml"),
            (&["hook", "test", "--file", "two.yaml", "--schedule", "a"], 0, "schedule     a, of two.yaml"),
            (
                &["hook", "test", "--file", "two.yaml"],
                2,
                "has several schedules: a, b (given 'two.yaml'; say which one, with --schedule ID)",
            ),
            (
                &["hook", "test", "--file", "two.yaml", "--schedule", "c"],
                3,
                "two.yaml has no schedule 'c'; it has a, b",
            ),
            (
                &["hook", "test", "--file", "two.yaml", "--schedule", "b"],
                2,
                "the schedule has neither a hook nor a template",
            ),
            (&["hook", "test", "--file", "wrong.yaml"], 2, "did you mean 'counts'?"),
            (&["hook", "test", "--file", "gone.yaml"], 2, "cannot read gone.yaml"),
        ],
    );
}

#[test]
fn what_is_given_wrongly_is_told_with_the_way_out() {
    let folder = folder(&[("counts.rhai", COUNTS)]);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "a.json",
        "{\"fire\": {\"weekday\": \"Monday\", \"due\": \"today\", \"number\": 0}, \"lst\": {}, \"session\": 3}",
    );
    write("b.json", "not JSON");
    write("c.json", "{\"schedule\": {\"vasr\": {}}, \"last\": {\"status\": \"done\"}}");
    write("d.json", "{\"schedule\": {\"vasr\": {}}}");
    check(
        folder.path(),
        &[
            (&["hook", "test", "count"], 2, "did you mean 'counts'?"),
            (&["hook", "test"], 2, "NAME: is missing"),
            (&["hook", "test", "counts", "--at", "noon"], 2, "--at: is not a time (given 'noon'; such as"),
            (&["hook", "test", "counts", "--state", "[1]"], 2, "--state: is not a JSON object (given '[1]'; such as"),
            (&["hook", "test", "counts", "--state", "{"], 2, "--state: is not JSON"),
            (
                &["hook", "test", "counts", "--context", "a.json"],
                2,
                "a.json: fire.due: is not a time (given '\"today\"'; write it as",
            ),
            (
                &["hook", "test", "counts", "--context", "a.json"],
                2,
                "a.json: lst: unknown key 'lst' (did you mean 'last'?)",
            ),
            (&["hook", "test", "counts", "--context", "a.json"], 2, "a.json: session: is not a map"),
            (&["hook", "test", "counts", "--context", "b.json"], 2, "b.json: is not JSON"),
            (&["hook", "test", "counts", "--context", "c.json"], 2, "write one of delivered, silent, skipped"),
            (&["hook", "test", "counts", "--context", "d.json"], 2, "did you mean 'vars'?"),
            (&["hook", "test", "counts", "--schedule", "standup"], 3, "there is no store in"),
        ],
    );
}

#[test]
fn a_schedule_of_the_store_is_tried_as_it_is() {
    let folder = folder(&[("counts.rhai", COUNTS)]);
    let add = ["add", "--id", "s", "--cron", "0 9 * * *", "--tz", "Europe/Berlin", "-m", "m", "--var", "who=Bob"];
    assert_eq!(run(folder.path(), &add).0, 0);
    let told = tested(folder.path(), &["counts", "--schedule", "s"]);
    assert_eq!((&told["schedule"], &told["calls"][1][1]), (&json!("s"), &json!("\"Bob: 1\"")));
    assert!(told["due"].as_str().unwrap().contains(":00:00Z"), "{told}");
    let (code, _, err) = run(folder.path(), &["hook", "test", "counts", "--schedule", "t"]);
    assert_eq!(code, 3, "{err}");
}
