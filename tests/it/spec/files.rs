//! Hostile and broken texts, folders, and what people see of them.

use super::{check, outcome, toml, yaml};
use chimewheel::surface::files::report::{Look, draw, to_json};
use chimewheel::surface::files::{read_bytes, read_folder, read_text};
use expect_test::expect;
use proptest::prelude::*;

#[test]
fn syntax_errors_have_a_place() {
    yaml(
        "schedule: {cron: [\nmessage: hi\n",
        expect![[r#"
        3:1: did not find expected ',' or ']'
    "#]],
    );
    yaml(
        "message: hi\n\tevery: 1h\n",
        expect![[r#"
        2:1: found a tab character that violates indentation (YAML is indented with spaces, not tabs)
    "#]],
    );
    yaml(
        "schedule:\n\tevery: 1h\n",
        expect![[r#"
        2:1: found character that cannot start any token (YAML is indented with spaces, not tabs)
    "#]],
    );
    yaml(
        "message: !secret hi\nevery: 1h\n",
        expect![[r#"
        1:10: message: tags such as '!name' are not supported
    "#]],
    );
    yaml(
        "message: *nothing\nevery: 1h\n",
        expect![[r#"
        1:10: unknown anchor
    "#]],
    );
    yaml(
        "? [a, b]\n: c\n",
        expect![[r#"
        1:1: a key must be text
    "#]],
    );
    toml(
        "message = \"hi\nevery = 1h\nname = 'x'\n",
        expect![[r#"
        1:14: invalid basic string, expected `"`
        2:9: string values must be quoted, expected literal string
    "#]],
    );
    check(
        "a.json",
        "{\"message\": \"hi\",}",
        &expect![[r#"
        1:18: trailing comma
    "#]],
    );
    check(
        "a.txt",
        "hi",
        &expect![[r#"
        is not a .yaml, .yml, .toml or .json file
    "#]],
    );
}

#[test]
fn doubled_keys_are_named() {
    yaml(
        "message: hi\nevery: 1h\nmessage: ho\nschedule:\n  every: 1h\n  every: 1h\n",
        expect![[r#"
        3:1: message: key 'message' is written twice (the first one is in line 1)
        6:3: schedule.every: key 'every' is written twice (the first one is in line 5)
    "#]],
    );
    toml(
        "message = 'hi'\nevery = '1h'\nmessage = 'ho'\n",
        expect![[r#"
        3:1: duplicate key
    "#]],
    );
    check(
        "a.json",
        "{\"message\": \"hi\",\n \"every\": \"1h\", \"message\": \"ho\"}",
        &expect![[r#"
        2:18: message: key 'message' is written twice (the first one is in line 1)
    "#]],
    );
}

#[test]
fn nothing_in_a_file() {
    for (name, text) in
        [("a.yaml", ""), ("a.yaml", "# only a comment\n"), ("a.yaml", "---\n"), ("a.toml", ""), ("a.json", " ")]
    {
        assert_eq!(outcome(&read_text(name, text)), "holds no schedule (write one, or remove the file)\n");
    }
    yaml(
        "[]",
        expect![[r#"
            nothing
        "#]],
    );
    yaml(
        "just text",
        expect![[r#"
        1:1: must be a map, not text (given 'just text'; write at least schedule and payload)
    "#]],
    );
    yaml(
        "- just text\n- 7\n- null\n",
        expect![[r#"
        1:3: [0]: must be a map, not text (given 'just text'; write at least schedule and payload)
        2:3: [1]: must be a map, not a number (given '7'; write at least schedule and payload)
        3:3: [2]: must be a map, not null (write at least schedule and payload)
    "#]],
    );
}

#[test]
fn line_endings_marks_and_bytes() {
    yaml(
        "\u{feff}message: hi\r\nevery: 1h\r\nnam: ü\r\n",
        expect![[r#"
        3:1: nam: unknown key 'nam' (did you mean 'name'?)
    "#]],
    );
    yaml(
        "message: 'grüße'\nname: 'ö'  \nlabels: {ä: ö, ß: [1]}\nevery: 1\n",
        expect![[r#"
        3:19: labels.ß: must be text, not a list
        4:8: every: has no unit; write for example 30s, 5m, 2h or 1d (given '1')
    "#]],
    );
    assert_eq!(outcome(&read_bytes("a.yaml", b"message: hi\n\xff\xfe\n")), "is not text: line 2 is not UTF-8\n");
    let garbage: Vec<u8> = (0..=127).chain(0..=127).collect();
    for name in ["a.yaml", "a.toml", "a.json"] {
        let file = read_bytes(name, &garbage);
        assert!(file.declared.is_empty() && !file.problems.is_empty(), "{name}");
    }
}

#[test]
fn bombs_do_not_go_off() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    yaml(
        &bomb,
        expect![[r#"
            aliases repeat too much
        "#]],
    );
    let big = format!("a: &a {}\nb:\n{}", "x".repeat(1 << 20), "- *a\n".repeat(10_000));
    yaml(
        &big,
        expect![[r#"
        1:4: b[60]: holds more than 1000000 values
    "#]],
    );
    for (name, open) in [("a.yaml", "["), ("a.json", "["), ("a.toml", "a = ["), ("a.yaml", "{a: "), ("a.yaml", "- ")]
    {
        let file = read_text(name, &open.repeat(200_000));
        assert!(!file.problems.is_empty(), "{name}");
    }
    let huge = read_text("a.yaml", &" ".repeat(8 * 1024 * 1024 + 1));
    assert_eq!(huge.problems[0].message, "is 8388609 bytes long, more than 8388608");
}

#[test]
fn many_problems_stay_many_and_quick() {
    let keys: String = (0..20_000).map(|n| format!("key{n}: 1\n")).collect();
    let (_, problems) = read_text("a.yaml", &keys).drafts(&super::context());
    assert_eq!(problems.len(), 1000);
    let list: String = (0..5_000).map(|n| format!("- id: a{n}\n  colour: red\n  shape: round\n")).collect();
    let file = read_text("a.yaml", &list);
    assert_eq!((file.declared.len(), file.problems.len()), (0, 1001));
    assert_eq!(file.problems[1000].to_string(), "has more than 1000 problems: the rest was not read");
    let line: String = (0..20_000).map(|n| format!("\"ü{n}\": 1,")).collect();
    let (_, problems) = read_text("a.json", &format!("{{{}\"z\": 1}}", line)).drafts(&super::context());
    assert_eq!(problems[3].place.map(|place| (place.line, place.column)), Some((1, 11)));
}

#[test]
fn content_counts_and_formatting_does_not() {
    let hash = |name: &str, text: &str| read_text(name, text).declared[0].content;
    let first = hash("a.yaml", "message: hi\nevery: 90s\n");
    assert_eq!(first, hash("a.yaml", "# note\nschedule: {every: {every: 90s}}   \npayload: {message: 'hi'}\n"));
    assert_eq!(first, hash("a.toml", "every = '90s'\nmessage = 'hi'\n"));
    assert_ne!(first, hash("a.yaml", "message: ho\nevery: 90s\n"));
    assert_ne!(first, hash("a.yaml", "message: hi\nevery: 90s\ndestination: null\n"));
}

/// Framed, because snapshots lose an indentation that all lines share.
fn on_screen(drawn: &str) -> String {
    format!("----\n{drawn}----\n")
}

#[test]
fn a_report_shows_the_places() {
    let text = "id: standup\nschedule:\n  every: 1\n  timezone: Europe/Berln\ndestination:\n  gateway: telegarm\n  chat_id: 7\npayload:\n  message: ho\n  task: \"grüße\"\n  template: 7\n  mesage: x\n";
    let file = read_text("schedules/standup.yaml", text);
    let (_, problems) = file.drafts(&super::context());
    let refusal = file.refusal(problems);
    expect![[r#"
        ----
          × schedules/standup.yaml: 5 problems
          ├─▶   × schedule.every: has no unit; write for example 30s, 5m, 2h or 1d
          │      ╭─[schedules/standup.yaml:3:10]
          │    2 │ schedule:
          │    3 │   every: 1
          │      ·          ─
          │    4 │   timezone: Europe/Berln
          │      ╰────
          ├─▶   × schedule.timezone: is not an IANA time zone
          │      ╭─[schedules/standup.yaml:4:13]
          │    3 │   every: 1
          │    4 │   timezone: Europe/Berln
          │      ·             ────────────
          │    5 │ destination:
          │      ╰────
          │     help: did you mean 'Europe/Berlin'?
          ├─▶   × destination.gateway: gateway 'telegarm' is not configured
          │      ╭─[schedules/standup.yaml:6:12]
          │    5 │ destination:
          │    6 │   gateway: telegarm
          │      ·            ────────
          │    7 │   chat_id: 7
          │      ╰────
          │     help: did you mean 'telegram'? configured: console, telegram; add
          │           [gateways.telegarm] to chimewheel.toml
          ├─▶   × payload: 'message', 'template' and 'task' are mutually exclusive
          │       ╭─[schedules/standup.yaml:9:3]
          │     8 │ payload:
          │     9 │   message: ho
          │       ·   ───────
          │    10 │   task: "grüße"
          │       ╰────
          │     help: keep exactly one of message, template and task
          ╰─▶   × payload.mesage: unknown key 'mesage'
                  ╭─[schedules/standup.yaml:12:3]
               11 │   template: 7
               12 │   mesage: x
                  ·   ──────
                  ╰────
                help: did you mean 'message'?
        ----
    "#]]
    .assert_eq(&on_screen(&draw(&refusal, Look::plain(80))));
    assert!(draw(&refusal, Look { color: true, ..Look::plain(80) }).contains("\u{1b}["));
    expect![[r#"{"column":10,"length":1,"line":3,"message":"has no unit; write for example 30s, 5m, 2h or 1d","offset":31,"path":"schedule.every","value":"1"}"#]].assert_eq(&to_json(&refusal)["problems"][0].to_string());
    expect![[r#"
        schedules/standup.yaml:3:10: schedule.every: has no unit; write for example 30s, 5m, 2h or 1d (given '1')
        schedules/standup.yaml:4:13: schedule.timezone: is not an IANA time zone (given 'Europe/Berln'; did you mean 'Europe/Berlin'?)
        schedules/standup.yaml:6:12: destination.gateway: gateway 'telegarm' is not configured (did you mean 'telegram'? configured: console, telegram; add [gateways.telegarm] to chimewheel.toml)
        schedules/standup.yaml:9:3: payload: 'message', 'template' and 'task' are mutually exclusive (keep exactly one of message, template and task)
        schedules/standup.yaml:12:3: payload.mesage: unknown key 'mesage' (did you mean 'message'?)"#]]
        .assert_eq(&refusal.to_string());
}

#[test]
fn a_report_fits_its_screen() {
    let drawn = |name: &str, text: &str, look| {
        let file = read_text(name, text);
        let (_, problems) = file.drafts(&super::context());
        draw(&file.refusal(problems), look)
    };
    let narrow = Look { width: 40, color: false, unicode: false };
    expect![[r#"
        ----
          x a.yaml: 1 problem
          `->   x schedule.cron: 'FRY' is not
                | a weekday
                 ,-[a.yaml:3:21]
               2 | schedule:
               3 |   cron: 0 9 * * MON-FRY # ü
                 :                     ^^^
                 `----
                help: weekdays are 0 to 7 (0
                      and 7 are Sunday) or SUN
                      to SAT
        ----
    "#]]
    .assert_eq(&on_screen(&drawn("a.yaml", "message: hi\nschedule:\n  cron: 0 9 * * MON-FRY # ü\n", narrow)));
    // A file may hold what would steer a terminal, and lines that no screen holds.
    let hostile = drawn("a.json", "{\"message\": \"hi\", \"every\": \"\u{9b}31m\u{7f}\"}", Look::plain(100));
    assert!(!hostile.contains(['\u{9b}', '\u{7f}']), "{hostile}");
    let long = format!("{{\"message\": \"{}\", \"evry\": \"1h\"}}", "x".repeat(5000));
    expect![[r#"
        ----
          × a.json: 1 problem
          ╰─▶   × line 1, column 5018: evry: unknown key 'evry'
                help: did you mean 'every'?
        ----
    "#]]
    .assert_eq(&on_screen(&drawn("a.json", &long, Look::plain(80))));
}

#[test]
fn folders() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("schedules");
    std::fs::create_dir_all(root.join("team/.hidden")).unwrap();
    let good = "every: 1h\nmessage: hi\n";
    for (name, text) in [
        ("b.yaml", good),
        ("a.yml", "id: c\nevery: 1h\nmessage: hi\n"),
        ("c.toml", "every = '1h'\nmessage = 'hi'\n"),
        ("team/b.yaml", good),
        ("team/.hidden/d.yaml", good),
        (".e.yaml", good),
        ("README.md", "no schedule"),
        ("broken.json", "{"),
    ] {
        std::fs::write(root.join(name), text).unwrap();
    }
    let files = read_folder(&root).unwrap();
    let lines: Vec<String> = files.iter().map(|file| format!("{}: {}", file.name, outcome(file))).collect();
    expect![[r#"
        schedules/a.yml: {"id":"c","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
        schedules/b.yaml: {"id":"b","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"}}
        schedules/broken.json: 1:1: EOF while parsing an object
        schedules/c.toml: 1:1: id: id 'c' is declared twice, here (schedules/c.toml:1) and in schedules/a.yml:1 (give one of them another id)
        schedules/team/b.yaml: 1:1: id: id 'b' is declared twice, here (schedules/team/b.yaml:1) and in schedules/b.yaml:1 (give one of them another id)
    "#]].assert_eq(&lines.concat());
    assert!(read_folder(&root.join("none")).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in "(message|every|schedule|id|[-:{}\\[\\]&*!|>'\"#?, \n\t\r~ü%@`0-9a]){0,40}") {
        for name in ["a.yaml", "a.toml", "a.json"] {
            let file = read_text(name, &text);
            let (_, problems) = file.drafts(&super::context());
            let _ = draw(&file.refusal(problems), Look::plain(60));
        }
    }
}
