//! The doctor, in situations made by hand: each is found by its check, and the exit code tells of failures only.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use super::world::{Daemon, World};
use crate::standin::{Play, Standin};

/// The exit code, and the checks that are not ok, as `name level: message; hint`.
fn examine(world: &World) -> (i32, Vec<String>) {
    let (code, out, err) = world.run(&["doctor", "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    assert_eq!(told["ok"], code == 0, "{told}");
    let checks = told["checks"].as_array().unwrap();
    assert!(checks.len() >= 12, "{told}");
    let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let of = |check: &Value| ["check", "level", "message", "hint"].map(|key| text(check, key));
    let told = checks.iter().map(of).filter(|[_, level, ..]| level != "ok");
    (code, told.map(|[name, level, message, hint]| format!("{name} {level}: {message}; {hint}")).collect())
}

/// Whether exactly these checks are not ok; the machine's own state (disk, limits, clock) is not looked at.
fn check(world: &World, code: i32, wanted: &[&str]) {
    let (found_code, mut found) = examine(world);
    found.retain(|line| !["space", "open files", "clock"].iter().any(|name| line.starts_with(name)));
    let fits = found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| found.contains(wanted));
    assert!(fits && found_code == code, "{found_code} {found:#?}, wanted {code} {wanted:#?}");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

const NONE_RUNS: &str = "daemon warn: none runs, so nothing fires; start one with `chimewheel serve`";

#[test]
fn nothing_at_all_is_in_order_but_fires_nothing_and_nothing_is_made() {
    let world = World::empty();
    check(&world, 0, &[NONE_RUNS]);
    assert!(!world.data().exists());
    let (code, out, _) = world.run(&["doctor"]);
    assert!(code == 0 && out.starts_with("ok    config "), "{out}");
    assert!(out.contains("\nwarn  daemon         none runs, so nothing fires; start one"), "{out}");
}

#[test]
fn a_config_that_cannot_be_read_is_one_failure_and_the_rest_is_judged() {
    let world = World::empty();
    fs::write(world.folder().join("chimewheel.toml"), "listne = \"x\"\n").unwrap();
    check(&world, 1, &["config fail: chimewheel.toml: ", NONE_RUNS]);
    fs::write(world.folder().join("chimewheel.toml"), "heartbeat = \"HEARTBEAT.md\"\n").unwrap();
    let missing = "heartbeat warn: there is no HEARTBEAT.md, so there is no heartbeat; write the file, or take";
    check(&world, 0, &[missing, NONE_RUNS]);
    let text = "## A\n- Cron: 0 0 9 * * ?\n- Message: x\n- Model: echo/x\n- InjectTo: console_a\n";
    fs::write(world.folder().join("HEARTBEAT.md"), text).unwrap();
    let unknown = "heartbeat warn: HEARTBEAT.md:1: 'InjectTo' in line 5 is no bullet of a schedule and has no effect; did you \
                   mean 'InjectInto'?";
    check(&world, 0, &[unknown, NONE_RUNS]);
}

#[test]
fn a_schedule_file_that_does_not_load_is_named() {
    let world = World::empty();
    let folder = world.folder().join("schedules");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("good.yaml"), "schedule: {every: 1h}\npayload: {message: x}\n").unwrap();
    check(&world, 0, &[NONE_RUNS]);
    fs::write(folder.join("wrong.yaml"), "schedule: {every: never}\npayload: {message: x}\n").unwrap();
    check(&world, 1, &["files fail: schedules/wrong.yaml: 1:19: schedule.every: is not a duration", NONE_RUNS]);
}

/// A config with these gateways and the console.
fn configured(world: &World, gateways: &str) {
    fs::write(world.folder().join("chimewheel.toml"), gateways).unwrap();
}

#[test]
fn every_gateway_is_looked_at_and_nothing_is_sent() {
    let world = World::empty();
    let slack =
        Standin::start(|_| Play::json(200, &serde_json::json!({"ok": true, "user": "chime", "team": "Home"})));
    let discord = Standin::start(|_| Play::status(401));
    let silent = Standin::start(|_| Play::Cut);
    let telegram = silent.url("");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(world.folder().join("token"), "1:x").unwrap();
    set_mode(&world.folder().join("token"), 0o600);
    configured(
        &world,
        &format!(
            "[gateways.d]\nkind = \"discord\"\ntoken_file = \"token\"\nbase_url = \"{}\"\n\
             [gateways.e]\nkind = \"slack\"\ntoken_env = \"NOWHERE\"\n\
             [gateways.m]\nkind = \"matrix\"\ntoken_file = \"token\"\nbase_url = \"http://{nobody}\"\n\
             [gateways.p]\nkind = \"process\"\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n\
             [gateways.s]\nkind = \"slack\"\ntoken_file = \"token\"\nbase_url = \"{}\"\n\
             [gateways.t]\nkind = \"telegram\"\ntoken_file = \"token\"\nbase_url = \"{telegram}\"\n",
            discord.url(""),
            slack.url(""),
        ),
    );
    let wanted = [
        "gateway fail: d: token: Discord answered 401",
        "gateway fail: e: token_env: this environment variable is not set",
        "gateway warn: m: could not be looked at, so nothing is known of its account: ",
        "gateway fail: p: command: ",
        "gateway warn: t: could not be looked at, so nothing is known of its account: ",
        NONE_RUNS,
    ];
    check(&world, 1, &wanted);
    assert_eq!(slack.next().0.target, "/auth.test");
    let (_, out, _) = world.run(&["doctor"]);
    assert!(out.contains("\nok    gateway        s: the bot chime in Home\n"), "{out}");
}

#[test]
fn a_daemon_that_runs_has_what_is_missing_here_and_its_plug_ins_are_left_alone() {
    let world = World::empty();
    let slack = Standin::start(|_| Play::json(200, &serde_json::json!({"ok": true})));
    let plug_in = "echo started >> started; exec cat";
    configured(
        &world,
        &format!(
            "[gateways.p]\nkind = \"process\"\ncommand = [\"sh\", \"-c\", \"{plug_in}\"]\n\
             [gateways.s]\nkind = \"slack\"\ntoken_env = \"ONLY_THERE\"\nbase_url = \"{}\"\n",
            slack.url(""),
        ),
    );
    let daemon = Daemon::of(world.command(&["serve", "--listen", "127.0.0.1:0"]).env("ONLY_THERE", "xoxb-1"));
    let before = fs::read_to_string(world.folder().join("started")).unwrap_or_default();
    check(&world, 0, &["gateway warn: s: token_env: this environment variable is not set"]);
    let after = fs::read_to_string(world.folder().join("started")).unwrap_or_default();
    assert!(after.len() <= "started\n".len() && after.len() >= before.len(), "{before:?} {after:?}");
    daemon.end("-TERM");
}

#[test]
fn schedules_that_send_where_no_gateway_is_any_more_are_counted() {
    let world = World::empty();
    configured(&world, "[gateways.hook]\nkind = \"webhook\"\nurl = \"https://example.com/\"\n");
    for (number, gateway) in ["hook", "console", "hook"].iter().enumerate() {
        let id = format!("s{number}");
        world.ask(&["add", "--every", "1h", "--message", "x", "--id", &id, "--gateway", gateway, "--chat-id", "c"]);
    }
    world.ask(&["cancel", "s2"]);
    check(&world, 0, &[NONE_RUNS]);
    configured(&world, "");
    let wanted = "destinations fail: of 2 schedules that are not over, some send by gateways that are not configured: \
                  'hook' (1); configure the gateway";
    check(&world, 1, &[wanted, NONE_RUNS]);
    let daemon = world.serve();
    check(&world, 1, &[wanted]);
    daemon.end("-TERM");
}

#[test]
fn a_store_that_others_can_reach_and_one_that_is_damaged_are_told() {
    let world = World::filled(6);
    let before = fs::read(world.file()).unwrap();
    check(&world, 0, &[NONE_RUNS]);
    assert_eq!(fs::read(world.file()).unwrap(), before, "looking changed the file");
    set_mode(&world.file(), 0o644);
    check(&world, 0, &["data warn: other users can reach .chimewheel/chimewheel.redb (mode 644)", NONE_RUNS]);
    fs::write(world.file(), &before[..before.len() / 2]).unwrap();
    set_mode(&world.file(), 0o600);
    check(&world, 1, &["store fail: ", NONE_RUNS]);
}

#[test]
fn a_daemon_that_answers_is_well_and_one_that_cannot_be_asked_is_not() {
    let world = World::filled(6);
    let daemon = world.serve();
    check(&world, 0, &[]);
    set_mode(&world.data().join("admin.token"), 0o644);
    check(&world, 1, &["daemon fail: process "]);
    set_mode(&world.data().join("admin.token"), 0o600);
    daemon.end("-TERM");
    check(&world, 0, &[NONE_RUNS]);
}
