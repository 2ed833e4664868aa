//! The command line: what arguments mean, what commands print, how they end.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use chimewheel::limits;
use chimewheel::surface::cli::render::{self, Look, times::relative};
use chimewheel::surface::cli::{Cli, clear};
use chimewheel::surface::ops::reply::{
    Added, Applied, Created, FireTime, Instant, Line, Listed, RunLine, RunsListed,
};
use chimewheel::time::Timestamp;
use clap::{CommandFactory as _, Parser as _};
use expect_test::{Expect, expect};
use serde_json::{Map, json};

const NOW: &str = "2026-01-30T14:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn fire(utc: &str, local: &str) -> FireTime {
    FireTime { utc: Instant(at(utc)), local: local.to_owned(), fires: None }
}

fn look(width: u16) -> Look {
    Look { now: at(NOW), width: Some(width), colour: false }
}

fn chimewheel<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command.env_clear().env("HOME", folder.path()).output().unwrap()
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// The JSON that the options of `add` stand for.
fn declared(arguments: &[&str], expected: Expect) {
    let whole = ["chimewheel", "add"].iter().chain(arguments);
    let cli = Cli::try_parse_from(whole).unwrap();
    let chimewheel::surface::cli::Command::Add(add) = cli.command else { panic!("not an add") };
    expected.assert_eq(&add.fields.to_json().unwrap().to_string());
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn options_declare_a_schedule() {
    declared(
        &["--in", "2h", "--message", "hi"],
        expect![[
            r#"{"destination":{"chat_id":"local","gateway":"console"},"payload":{"message":"hi"},"schedule":{"in":"2h"}}"#
        ]],
    );
    declared(
        &["--in", "2h", "-m", "hi", "--no-destination"],
        expect![[r#"{"destination":null,"payload":{"message":"hi"},"schedule":{"in":"2h"}}"#]],
    );
    declared(
        &["--cron", "0 9 * * *", "--gateway", "telegram", "--chat-id", "-1", "-m", "hi"],
        expect![[
            r#"{"destination":{"chat_id":"-1","gateway":"telegram"},"payload":{"message":"hi"},"schedule":{"cron":"0 9 * * *"}}"#
        ]],
    );
    let all = [
        "--id=a",
        "--name=b",
        "--agent=c",
        "--every=5s",
        "--anchor=x",
        "--timezone=Europe/Berlin",
        "--message=m",
        "--gateway=console",
        "--thread=7",
        "--start-at=s",
        "--end-at=e",
        "--max-runs=3",
        "--jitter=1s",
        "--misfire-policy=skip",
        "--catchup-window=1h",
        "--overlap-policy=skip",
        "--delivery=at_most_once",
        "--max-attempts=4",
        "--max-age=1h",
        "--backoff-min=1s",
        "--backoff-max=2s",
        "--label=team=core",
        "--var=who=Ada",
        "--var=n=[1]",
        "--paused",
        "--client-token=t",
        "--dialect=unix",
    ];
    declared(
        &all,
        expect![[
            r#"{"agent":"c","catchup_window":"1h","client_token":"t","delivery":"at_most_once","destination":{"chat_id":"local","gateway":"console","thread":"7"},"end_at":"e","id":"a","jitter":"1s","labels":{"team":"core"},"max_runs":3,"misfire_policy":"skip","name":"b","overlap_policy":"skip","paused":true,"payload":{"message":"m"},"retry":{"backoff_max":"2s","backoff_min":"1s","max_age":"1h","max_attempts":4},"schedule":{"anchor":"x","dialect":"unix","every":"5s","timezone":"Europe/Berlin"},"start_at":"s","vars":{"n":[1],"who":"Ada"}}"#
        ]],
    );
}

#[test]
fn clearing_is_an_explicit_null() {
    let mut patch = Map::from_iter([("destination".to_owned(), json!({"chat_id": "1"}))]);
    clear(&mut patch, &["max_runs".to_owned(), "destination.thread".to_owned()]).unwrap();
    assert_eq!(json!(patch), json!({"destination": {"chat_id": "1", "thread": null}, "max_runs": null}));
    assert!(clear(&mut patch, &["destination.chat_id".to_owned()]).is_err());
}

#[test]
fn relative_times_round_down() {
    let cases = [
        ("2026-01-30T14:00:00.4Z", "now"),
        ("2026-01-30T14:00:59Z", "in 59s"),
        ("2026-01-30T16:05:59Z", "in 2h 5m"),
        ("2026-01-31T14:00:00Z", "in 1d"),
        ("2026-01-31T15:00:00Z", "in 1d 1h"),
        ("2026-03-30T15:00:00Z", "in 59d"),
        ("2026-01-30T13:56:50Z", "3m 10s ago"),
        ("2026-01-29T13:00:00Z", "1d 1h ago"),
    ];
    for (time, expected) in cases {
        assert_eq!(relative(at(time), at(NOW)), expected, "{time}");
    }
}

fn line() -> Line {
    Line {
        id: "standup".to_owned(),
        name: Some("Daily standup".to_owned()),
        agent: "default".to_owned(),
        created_at: Instant(Timestamp::from_millis(1_769_770_000_000)),
        status: "active".to_owned(),
        description: "At 09:00, Monday through Friday, Europe/Berlin".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        destination: Some("console:local".to_owned()),
        next: Some(fire("2026-02-02T08:00:00Z", "2026-02-02T09:00:00+01:00")),
        last: Some(fire("2026-01-30T08:00:00Z", "2026-01-30T09:00:00+01:00")),
        outcome: Some("delivered".to_owned()),
        runs: 3,
        max_runs: None,
        failures: 0,
        paused_itself: false,
        note: None,
    }
}

#[test]
fn a_list_fits_the_terminal() {
    let second = Line {
        id: "sched_01JJVWXYZ0123456789ABCDEFG".to_owned(),
        name: None,
        status: "completed".to_owned(),
        description: "Once, at 2026-01-30 13:00 UTC".to_owned(),
        next: None,
        outcome: Some("failed".to_owned()),
        failures: 2,
        ..line()
    };
    let listed = Listed { schedules: vec![line(), second], ..Listed::default() };
    expect![[r#"
         SCHEDULE               WHEN                  NEXT                  STATUS      LAST
        ────────────────────────────────────────────────────────────────────────────────────────────────────
         standup                At 09:00, Monday      2026-02-02 09:00:00   active      delivered
         Daily standup          through Friday,       +01:00                            6h ago
                                Europe/Berlin         in 2d 18h
         sched_01JJVWXYZ01234   Once, at 2026-01-30   -                     completed   failed
         56789ABCDEFG           13:00 UTC                                               6h ago
                                                                                        2 failures in a row
    "#]]
    .assert_eq(&render::listed(&listed, false, look(100)));
    for width in [60, 80, 120] {
        let widest = render::listed(&listed, false, look(width)).lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(width.into()), "{widest:?} in {width}");
    }
    assert!(render::listed(&Listed::default(), false, look(80)).starts_with("No schedules."));
}

#[test]
fn a_history_shows_every_fate() {
    let run = RunLine {
        due: fire("2026-01-30T08:00:00Z", "2026-01-30T09:00:00+01:00"),
        through: None,
        count: 1,
        cause: "due".to_owned(),
        outcome: "delivered".to_owned(),
        detail: None,
        attempts: 1,
        retried: None,
        dropped: false,
        execution: None,
        deliveries: Vec::new(),
        number: 3,
        late_ms: Some(0),
        claimed_at: Instant(at("2026-01-30T08:00:00Z")),
        settled_at: Some(Instant(at("2026-01-30T08:00:00.012Z"))),
        retry_at: None,
    };
    let range = RunLine {
        through: Some(fire("2026-01-30T08:30:00Z", "2026-01-30T09:30:00+01:00")),
        count: 360,
        cause: "catch-up".to_owned(),
        outcome: "skipped".to_owned(),
        detail: Some("misfire".to_owned()),
        attempts: 0,
        ..run.clone()
    };
    let retry = RunLine {
        outcome: "retry".to_owned(),
        detail: Some("connection refused".to_owned()),
        settled_at: None,
        retry_at: Some(Instant(at("2026-01-30T14:00:05Z"))),
        ..run.clone()
    };
    let listed = RunsListed { id: "standup".to_owned(), name: None, runs: vec![retry, run, range], cursor: None };
    expect![[r#"
         DUE                             OUTCOME     ATTEMPTS   SETTLED               DETAIL
        ─────────────────────────────────────────────────────────────────────────────────────────────────
         2026-01-30 09:00:00 +01:00      retry       1          again in 5s           connection refused
         6h ago
         2026-01-30 09:00:00 +01:00      delivered   1          5h 59m ago
         6h ago                                                 12 ms after the due
         2026-01-30 09:00:00 +01:00      skipped     -          5h 59m ago            catch-up; misfire
         to 2026-01-30 09:30:00 +01:00
         360 dues
    "#]]
    .assert_eq(&render::runs(&listed, false, look(100)));
}

#[test]
fn a_create_is_answered_in_plain_words() {
    let created = Created {
        generation: 1,
        id: "standup".to_owned(),
        name: None,
        recurring: true,
        existing: false,
        paused: false,
        description: "At 09:00, Monday through Friday, Europe/Berlin".to_owned(),
        dialect: Some("unix".to_owned()),
        timezone: "Europe/Berlin".to_owned(),
        next: vec![
            fire("2026-02-02T08:00:00Z", "2026-02-02T09:00:00+01:00"),
            fire("2026-02-03T08:00:00Z", "2026-02-03T09:00:00+01:00"),
        ],
        warnings: vec!["no destination: results are only recorded".to_owned()],
    };
    let added = Added { schedules: vec![created], dry_run: false };
    expect![[r#"
        Created recurring schedule: standup
          At 09:00, Monday through Friday, Europe/Berlin  [unix cron]
          next 2026-02-02T08:00:00Z  2026-02-02T09:00:00+01:00  (in 2d 18h)
               2026-02-03T08:00:00Z  2026-02-03T09:00:00+01:00  (in 3d 18h)
          warning: no destination: results are only recorded
    "#]]
    .assert_eq(&render::added(&added, look(100)));
    expect![[r#"
        Applied: nothing declared.
    "#]]
    .assert_eq(&render::applied(&Applied::default(), look(100)));
}

#[test]
fn bad_expressions_end_with_two_and_name_the_field() {
    let (code, out, err) = told(&chimewheel(["next", "--every", "0.5s", "--tz", "Europe/Berlni", "--from", "soon"]));
    assert_eq!((code, out.as_str()), (2, ""));
    for part in ["timezone: ", "from: ", "every: "] {
        assert!(err.contains(part), "{part} in {err}");
    }
    assert_eq!(told(&chimewheel(["next"])).0, 2);
    let holidays = ["next", "--cron", "0 9 * * *", "--from", "2026-12-23T12:00:00Z", "-n", "2", "--except"];
    let (code, out, _) = told(&chimewheel([&holidays[..], &["2026-12-24..2026-12-26", "--except", "SUN"]].concat()));
    assert_eq!((code, out.as_str()), (0, "2026-12-28T09:00:00Z\n2026-12-29T09:00:00Z\n"));
    let (code, _, err) = told(&chimewheel([&holidays[..], &["SUN-SAT"]].concat()));
    assert!(code == 2 && err.contains("except"), "{err}");
    let (code, _, err) = told(&chimewheel([&holidays[..], &["Christmas"]].concat()));
    assert!(code == 2 && err.contains("except.0"), "{err}");
    assert_eq!(told(&chimewheel(["next", "--cron", "* * * * *", "--every", "5s"])).0, 2);
    assert_eq!(told(&chimewheel(["nxt"])).0, 2);
    assert_eq!(told(&chimewheel(["next", "--every", "5s", "-n", "0"])).0, 2);
}

#[test]
fn the_guide_is_for_everyone() {
    let (code, out, _) = told(&chimewheel(["guide"]));
    assert_eq!(code, 0);
    assert!(out.contains("operations"), "{out}");
    let (code, _, err) = told(&chimewheel(["guide", "limit"]));
    assert_eq!(code, 3);
    assert!(err.contains("did you mean 'limits'?"), "{err}");
    assert_eq!(told(&chimewheel(["guide", "cron", "--config", "/nowhere"])).0, 0);
    assert_eq!(told(&chimewheel(["config", "check", "--config", "/nowhere.toml"])).0, 2);
}

#[test]
fn a_broken_config_is_shown_with_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("chimewheel.toml"), "timezone = \"Mars/Base\"\nlsten = 3\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.args(["config", "check"]).current_dir(folder.path()).env_clear();
    let (code, _, err) = told(&command.output().unwrap());
    assert_eq!(code, 2);
    expect![[r#"
        on standard error:
          × chimewheel.toml: 2 problems
          ├─▶   × timezone: is not an IANA time zone
          │      ╭─[chimewheel.toml:1:12]
          │    1 │ timezone = "Mars/Base"
          │      ·            ───────────
          │    2 │ lsten = 3
          │      ╰────
          │     help: such as UTC or Europe/Berlin
          ╰─▶   × lsten: is not a known key
                 ╭─[chimewheel.toml:2:1]
               1 │ timezone = "Mars/Base"
               2 │ lsten = 3
                 · ─────
                 ╰────
                help: did you mean 'listen'?
    "#]]
    .assert_eq(&format!("on standard error:\n{err}"));
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    let mut child =
        command.args(["guide", "schedules"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let (code, _, err) = told(&child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""));
}

#[test]
fn the_pages_tell_the_truth_about_limits() {
    let source = [
        include_str!("../../src/limits.rs"),
        include_str!("../../src/limits/conversations.rs"),
        include_str!("../../src/limits/money.rs"),
        include_str!("../../src/limits/platforms.rs"),
    ]
    .join("\n");
    let pages = [
        include_str!("../../src/guide/limits.md"),
        include_str!("../../src/guide/hooks.md"),
        include_str!("../../src/guide/models.md"),
    ];
    let mut rows = 0;
    for row in pages.iter().flat_map(|page| page.lines()).filter(|row| row.contains("_MAX`") || row.contains("_MIN`"))
    {
        let mut cells =
            row.split('|').map(str::trim).skip_while(|cell| !cell.ends_with("_MAX`") && !cell.ends_with("_MIN`"));
        let name = cells.next().unwrap().trim_matches('`');
        let told: u64 = cells.next().unwrap().parse().unwrap();
        let line = source
            .lines()
            .find(|line| line.starts_with(&format!("pub const {name}:")))
            .unwrap_or_else(|| panic!("{name}"));
        let value = line.split('=').nth(1).unwrap().trim_end_matches(';').replace('_', "");
        let value: u64 = value.split('*').map(|factor| factor.trim().parse::<u64>().unwrap()).product();
        assert_eq!(told, value, "{name}");
        rows += 1;
    }
    assert!(rows > 20);
    assert_eq!(limits::MESSAGE_BYTES_MAX, 65_536);
}

#[test]
fn plain_words_are_repeated_as_they_were_understood() {
    let next = ["next", "--when", "every weekday at 7", "--from", NOW, "--tz", "Europe/Berlin", "-n", "2"];
    let (code, out, err) = told(&chimewheel(next));
    assert_eq!((code, out.as_str()), (0, "2026-02-02T06:00:00Z\n2026-02-03T06:00:00Z\n"), "{err}");
    let note = "note: '7' is read as 07:00; write 7pm if that is meant\n";
    assert_eq!(err, format!("At 07:00, Monday through Friday, Europe/Berlin\n{note}"));
    let (code, out, _) = told(&chimewheel(next.into_iter().chain(["--json"])));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["warnings"].as_array().unwrap().len()), (0, 1), "{out}");
    for (words, told_of) in [
        ("every blue moon", "when: does not understand 'blue', 'moon' (given 'every blue moon'; "),
        ("1 January 1999 at 9", "when: is never due after"),
        ("every 0 seconds", "when: is too short"),
    ] {
        let (code, out, err) = told(&chimewheel(["next", "--when", words]));
        assert!(code == 2 && out.is_empty() && err.contains(told_of), "{err}");
    }
    declared(
        &["--when", "tomorrow at 9am", "-m", "hi"],
        expect![[
            r#"{"destination":{"chat_id":"local","gateway":"console"},"payload":{"message":"hi"},"schedule":{"when":"tomorrow at 9am"}}"#
        ]],
    );
    let (code, out, err) =
        told(&chimewheel(["add", "--when", "every weekday at 9", "-m", "hi", "--tz", "Europe/Berlin"]));
    assert!(code == 0 && out.contains("At 09:00, Monday through Friday, Europe/Berlin"), "{out}{err}");
}
