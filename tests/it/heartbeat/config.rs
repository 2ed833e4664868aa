//! What a config says of the heartbeat: both forms, engine.json below it, and everything that is wrong at once.

use std::path::Path;

use chimewheel::calendar::Zone;
use chimewheel::config::{Config, Surroundings};
use chimewheel::problem::Problem;
use chimewheel::surface::import::engine;
use chimewheel::time::Span;
use expect_test::{Expect, expect};

fn around() -> Surroundings<'static> {
    Surroundings {
        base: Path::new("/etc/chime"),
        home: None,
        zone: &|name| Zone::parse(name).map(drop).map_err(|_| Problem::new("", "is no zone")),
        filter: &|_| Ok(()),
        tool: &|_| Ok(()),
    }
}

/// The notices and the heartbeat as it is shown, or every problem.
fn told(read: Result<Config, Vec<Problem>>) -> String {
    match read {
        Ok(config) => {
            let notices = config.notices.iter().map(|notice| format!("# {}: {}\n", notice.path, notice.message));
            let shown = config.to_json();
            format!("{}{}\n", notices.collect::<String>(), shown["heartbeat"])
        }
        Err(problems) => problems.iter().map(|problem| format!("{problem}\n")).collect(),
    }
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&told(Config::read(text, around())));
}

#[test]
fn a_name_alone_is_the_file_and_a_table_says_more() {
    check(
        "",
        expect![[r#"
        null
    "#]],
    );
    check(
        "heartbeat = \"HEARTBEAT.md\"",
        expect![[r#"
        {"file":"/etc/chime/HEARTBEAT.md"}
    "#]],
    );
    check(
        "[heartbeat]\nfile = \"/x/beat.md\"",
        expect![[r#"
        {"file":"/x/beat.md"}
    "#]],
    );
    let whole = "[agents.ada]\n[heartbeat]\nfile = \"HEARTBEAT.md\"\n\
                 agent = \"ada\"\ninterval = \"PT1H30M\"\nmodel = \"echo/one\"\ninject_into = \"console_me\"\n\
                 active_hours = {start = \"22:00\", end = \"24:00\", timezone = \"Asia/Tokyo\"}\n";
    check(
        whole,
        expect![[r#"
        {"active_hours":{"end":"24:00","start":"22:00","timezone":"Asia/Tokyo"},"agent":"ada","file":"/etc/chime/HEARTBEAT.md","inject_into":"console_me","interval":"1h 30m","model":"echo/one"}
    "#]],
    );
    let config = Config::read(whole, around()).unwrap();
    let again = Config::read(&config.to_toml(), around()).unwrap();
    assert_eq!(again.heartbeat, config.heartbeat, "what is shown can be read");
    check(
        "[heartbeat]\nfile = \"h\"\ninterval = \"OFF\"\nmodel = \"\"\ninject_into = \" \"\nagent = \"\"",
        expect![[r#"
            {"file":"/etc/chime/h","interval":"off"}
        "#]],
    );
}

#[test]
fn everything_wrong_is_told_at_once() {
    check(
        "[agents.ada]\n[heartbeat]\nfile = \"\"\nagent = \"eda\"\ninterval = \"30\"\nmodel = 5\ninject_into = \"telegram\"\n\
         inject_to = \"x\"\n[heartbeat.active_hours]\nstart = \"8\"\ntimezone = \"Mars\"\nstop = \"x\"\n",
        expect![[r#"
            3:8: heartbeat.file: is empty (given '')
            4:9: heartbeat.agent: is no agent of this config (given 'eda'; did you mean 'ada'?)
            5:12: heartbeat.interval: has no unit; write for example 30s, 5m, 2h or 1d (given '30'; write off, an ISO 8601 duration such as PT30M, or a span such as 30m)
            6:9: heartbeat.model: a text is expected, not a whole number
            7:15: heartbeat.inject_into: is not a gateway and a chat id (given 'telegram'; write GATEWAY_CHAT, such as telegram_123456)
            8:1: heartbeat.inject_to: is not a known key (did you mean 'inject_into'?)
            9:1: heartbeat.active_hours.end: is missing (such as "08:00"; the day ends at "24:00")
            10:9: heartbeat.active_hours.start: is no time of the day (given '8'; write HH:MM, from 00:00 to 24:00)
            11:12: heartbeat.active_hours.timezone: is no zone (given 'Mars')
            12:1: heartbeat.active_hours.stop: is not a known key (known here: start, end, timezone)
        "#]],
    );
    for (interval, hours) in [
        ("P1M", "{start = \"08:00\", end = \"08:00\"}"),
        ("PT0S", "{start = \"24:00\", end = \"08:00\"}"),
        ("PT", "{start = \"08:60\", end = \"25:00\"}"),
        ("-PT5M", "\"08:00-22:00\""),
        ("999999999999d", "{end = \"22:00\"}"),
    ] {
        let text = format!("[heartbeat]\ninterval = \"{interval}\"\nactive_hours = {hours}\n");
        assert!(Config::read(&text, around()).is_err(), "{text}");
    }
    check(
        "heartbeat = 5",
        expect![[r#"
        1:13: heartbeat: a table is expected, not a whole number
    "#]],
    );
    check(
        "[heartbeat]\ninterval = \"P1Y\"\nactive_hours = {start = \"09:00\", end = \"09:00\"}",
        expect![[r#"
        2:12: heartbeat.interval: uses months or years, which have no fixed length; use days, or cron (given 'P1Y'; write off, an ISO 8601 duration such as PT30M, or a span such as 30m)
        3:25: heartbeat.active_hours.start: is also the end, so no hour is active (for all hours leave active_hours out)
    "#]],
    );
}

#[test]
fn what_can_have_no_effect_is_noticed() {
    check(
        "[heartbeat]\ninterval = \"30m\"",
        expect![[r##"
        # heartbeat: names no file, so there is no heartbeat; set heartbeat.file = "HEARTBEAT.md"
        {"interval":"30m"}
    "##]],
    );
    check(
        "[heartbeat]\nfile = \"h\"\ninterval = \"30m\"",
        expect![[r##"
        # heartbeat.interval: has no target, so a file that is one prompt is never run; set heartbeat.inject_into, such as "telegram_123456"
        {"file":"/etc/chime/h","interval":"30m"}
    "##]],
    );
    check(
        "[heartbeat]\nfile = \"h\"\nmodel = \"glm/x\"\ninject_into = \"telegram_1\"\nactive_hours = {start = \"08:00\", end = \"09:00\"}",
        expect![[r##"
            # heartbeat.inject_into: gateway 'telegram' is not configured; add [gateways.telegram]
            # heartbeat.model: provider 'glm' is not configured (given 'glm/x'; providers: echo; add [providers.glm] with kind = "openai" and base_url to chimewheel.toml)
            # heartbeat.model: has no effect without heartbeat.interval, such as "30m"
            # heartbeat.inject_into: has no effect without heartbeat.interval, such as "30m"
            # heartbeat.active_hours: has no effect without heartbeat.interval, such as "30m"
            {"active_hours":{"end":"09:00","start":"08:00"},"file":"/etc/chime/h","inject_into":"telegram_1","model":"glm/x"}
        "##]],
    );
    check(
        "[heartbeat]\nfile = \"h\"\ninterval = \"off\"\nactive_hours = {start = \"08:00\", end = \"09:00\"}",
        expect![[r#"
            {"active_hours":{"end":"09:00","start":"08:00"},"file":"/etc/chime/h","interval":"off"}
        "#]],
    );
}

#[test]
fn a_heartbeat_of_another_agent_than_the_one_who_answers_is_noticed() {
    let text = |agent: &str| {
        format!(
            "[agents.ada]\n[agents.bob]\n[[routes]]\nmatch = {{gateway = \"console\", chat_id = \"you\"}}\nagent = \"bob\"\n\
             [[routes]]\nmatch.gateway = \"console\"\nagent = \"ada\"\n\
             [heartbeat]\nfile = \"h\"\ninterval = \"30m\"\ninject_into = \"console_me\"\n{agent}"
        )
    };
    check(
        &text(""),
        expect![[r##"
        # heartbeat.agent: is default, but in the target's chat routes name ada, who knows nothing of what the heartbeat says there; set heartbeat.agent = "ada"
        {"file":"/etc/chime/h","inject_into":"console_me","interval":"30m"}
    "##]],
    );
    check(
        &text("agent = \"bob\""),
        expect![[r##"
        # heartbeat.agent: is bob, but in the target's chat routes name ada, who knows nothing of what the heartbeat says there; set heartbeat.agent = "ada"
        {"agent":"bob","file":"/etc/chime/h","inject_into":"console_me","interval":"30m"}
    "##]],
    );
    check(
        &text("agent = \"ada\""),
        expect![[r#"
        {"agent":"ada","file":"/etc/chime/h","inject_into":"console_me","interval":"30m"}
    "#]],
    );
}

#[test]
fn a_target_of_a_gateway_with_an_underscore_is_known() {
    check(
        "[gateways.my_plug]\nkind = \"console\"\n\
         [heartbeat]\nfile = \"h\"\ninterval = \"30m\"\ninject_into = \"my_plug_c1\"",
        expect![[r#"
            {"file":"/etc/chime/h","inject_into":"my_plug_c1","interval":"30m"}
        "#]],
    );
}

/// An engine.json under a config, as the program lays it there; then each key with what became of it.
fn below(config: &str, json: &str) -> String {
    let keys = engine::read(json, around()).unwrap();
    let said = Config::read(&engine::to_toml(&keys), around()).unwrap();
    let config = Config::read(config, around()).unwrap().or(&said);
    let of_keys = |key: &engine::Key| match (&key.problem, &key.note) {
        (Some(problem), _) => format!("{problem}\n"),
        (None, Some(note)) => format!("{}: {note}\n", key.path),
        (None, None) => String::new(),
    };
    let timeout = config.routing.timeout.map_or("none".to_owned(), |timeout| timeout.to_string());
    format!("{}{}timeout: {timeout}\n", told(Ok(config)), keys.iter().map(of_keys).collect::<String>())
}

#[test]
fn an_engine_json_says_what_the_config_leaves_open() {
    let json = r#"{"heartbeat": {"interval": "PT30M", "model": "echo/x", "injectInto": "console_me",
                   "activeHours": {"start": "08:00", "end": "22:00", "timezone": ""}, "enabled": true},
                   "processing": {"subagentTimeoutMs": 120000, "maxRounds": 3}}"#;
    expect![[r#"
        {"active_hours":{"end":"22:00","start":"08:00"},"file":"/etc/chime/H.md","inject_into":"console_me","interval":"30m","model":"echo/x"}
        heartbeat.enabled: has no counterpart
        processing.maxRounds: has no counterpart
        timeout: 2m
    "#]].assert_eq(&below("heartbeat = \"H.md\"", json));
    expect![[r#"
        {"active_hours":{"end":"22:00","start":"08:00"},"file":"/etc/chime/H.md","inject_into":"console_you","interval":"off","model":"echo/x"}
        heartbeat.enabled: has no counterpart
        processing.maxRounds: has no counterpart
        timeout: 5m
    "#]].assert_eq(&below(
        "routing.tasks.timeout = \"5m\"\n[heartbeat]\nfile = \"H.md\"\ninterval = \"off\"\ninject_into = \"console_you\"",
        json,
    ));
    expect![[r##"
        # heartbeat: names no file, so there is no heartbeat; set heartbeat.file = "HEARTBEAT.md"
        {"interval":"30m"}
        timeout: none
    "##]]
    .assert_eq(&below("", r#"{"heartbeat": {"interval": "PT30M"}}"#));
}

#[test]
fn odd_values_of_an_engine_json_are_problems_with_path_and_way_out() {
    let json = r#"{"heartbeat": {"interval": 30, "model": ["x"], "injectInto": "telegram", "activeHours": {"from": "8"}},
                   "processing": {"subagentTimeoutMs": "2 minutes"}, "routing": {"default": 7}}"#;
    expect![[r#"
        null
        heartbeat.activeHours: 'from' is not a known key (given '{"from":"8"}'; write {"start": "08:00", "end": "22:00"}, with a timezone where it is not the config's)
        heartbeat.injectInto: is not a gateway and a chat id (given 'telegram'; write GATEWAY_CHAT, such as telegram_123456)
        heartbeat.interval: a text is expected, not a whole number (given '30'; `chimewheel guide models` tells what it may be)
        heartbeat.model: a text is expected, not a list (given '["x"]'; `chimewheel guide models` tells what it may be)
        processing.subagentTimeoutMs: a whole number of milliseconds is expected (given '"2 minutes"'; such as 120000; 0 is unset)
        routing.default: a text is expected, not a whole number (given '7'; `chimewheel guide models` tells what it may be)
        timeout: none
    "#]].assert_eq(&below("", json));
    for (value, told) in [("0", None), ("null", None), ("\"\"", None), ("1", Some("1ms")), ("86400000", Some("1d"))] {
        let keys =
            engine::read(&format!("{{\"processing\": {{\"subagentTimeoutMs\": {value}}}}}"), around()).unwrap();
        let said = Config::read(&engine::to_toml(&keys), around()).unwrap();
        assert!(keys[0].problem.is_none(), "{value}");
        assert_eq!(said.routing.timeout.map(|timeout| timeout.to_string()).as_deref(), told, "{value}");
    }
    for value in ["-5", "1.5", "\"120000\"", "true", "[1]", "86400001", "1e30"] {
        let keys =
            engine::read(&format!("{{\"processing\": {{\"subagentTimeoutMs\": {value}}}}}"), around()).unwrap();
        assert!(keys[0].line.is_none() && keys[0].problem.is_some(), "{value}");
    }
    let hours = |hours: &str| {
        let keys = engine::read(&format!("{{\"heartbeat\": {{\"activeHours\": {hours}}}}}"), around()).unwrap();
        (keys.len(), keys[0].line.clone(), keys[0].problem.is_some())
    };
    assert_eq!(hours("{}"), (1, None, false));
    assert_eq!(hours(r#"{"start": "", "end": null}"#), (1, None, false));
    assert_eq!(hours("[]"), (1, None, true));
    assert_eq!(hours(r#"{"start": "08:00"}"#), (1, None, true));
}

#[test]
fn durations_of_iso_8601() {
    for (text, ms) in [
        ("PT30M", 1_800_000),
        ("pt1h30m", 5_400_000),
        ("P1D", 86_400_000),
        ("P2W", 1_209_600_000),
        ("P1DT12H", 129_600_000),
        ("PT1.5S", 1500),
        ("PT0,0001S", 1),
        (" PT90S ", 90_000),
        ("PT0S", 0),
    ] {
        assert_eq!(Span::parse_iso(text), Ok(Span::from_millis(ms)), "{text}");
    }
    for text in [
        "",
        "P",
        "PT",
        "P1DT",
        "30M",
        "P1Y",
        "P1M",
        "P1MT5M",
        "PT1M1H",
        "PT1H1H",
        "PT-5M",
        "-PT5M",
        "PT1.5H",
        "PT.5S",
        "PT5.S",
        "PT5",
        "P5",
        "PT5X",
        "P1H",
        "PT1D",
        "PTM",
        "PT99999999999999999999S",
        "P99999999999999999W",
        "PT 5M",
        "PT٣M",
    ] {
        assert!(Span::parse_iso(text).is_err(), "{text}");
    }
}
