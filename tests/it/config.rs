//! The config: what it reads to, and everything that is wrong with it at once.

use std::path::Path;

use chimewheel::config::{Config, Format, Gateway, Surroundings, conceal};
use chimewheel::pace::{Pace, Paces};
use chimewheel::problem::Problem;
use chimewheel::time::Span;
use expect_test::{Expect, expect};

fn read(text: &str) -> Result<Config, Vec<Problem>> {
    let judge = |word: &str, known: &[&str]| {
        if known.contains(&word) { Ok(()) } else { Err(Problem::new("", "is not known here")) }
    };
    let around = Surroundings {
        base: Path::new("/etc/chime"),
        home: Some(Path::new("/home/ada")),
        zone: &|name| judge(name, &["UTC", "Europe/Berlin"]),
        filter: &|text| judge(text, &["info", "debug"]),
        tool: &|name| judge(name, &["schedule_task", "schedule_list", "schedule_cancel"]),
    };
    Config::read(text, around)
}

fn check(text: &str, expected: Expect) {
    let shown = match read(text) {
        Ok(config) => {
            let notices = config.notices.iter().map(|notice| format!("# {}: {}\n", notice.path, notice.message));
            notices.collect::<String>() + config.to_toml().as_str()
        }
        Err(problems) => problems.iter().map(|problem| format!("{problem}\n")).collect(),
    };
    expected.assert_eq(&shown);
}

#[test]
fn nothing_written_is_the_defaults() {
    check(
        "",
        expect![[r#"
            data = "/etc/chime/.chimewheel"
            listen = "127.0.0.1:7420"
            routes = []
            schedules = "/etc/chime/schedules"
            scripts = "/etc/chime/scripts"
            timezone = "UTC"

            [agents]

            [gateways.console]
            format = "text"
            kind = "console"

            [limits]
            cache_mb = 64
            catchup_per_second = 500
            history_days = 30
            pause_after_failures = 10

            [log]
            format = "text"

            [providers.echo]
            delay = "0s"
            kind = "echo"
            max_in_flight = 4

            [routing]
            default = "glm/glm-4-plus"
            fallback = []

            [routing.aliases]

            [sessions]
            idle = "7d"

            [tools]
            sets = ["canonical", "named"]
        "#]],
    );
}

#[test]
fn what_is_written_holds() {
    let text = r#"
        data = "~/chime"
        schedules = "/srv/schedules"
        listen = "localhost:0"
        timezone = "Europe/Berlin"
        [gateways.console]
        kind = "console"
        format = "json"
        [gateways.second]
        kind = "console"
        [agents.ada]
        timezone = "Europe/Berlin"
        token_env = "ADA_TOKEN"
        destinations = ["console:*", "second:1/7"]
        expires = "90d"
        tools = ["schedule_list"]
        quota = {active = 7, min_interval = "5m", fires_per_day = 300, payload_bytes = 1000}
        [agents.bob]
        [tools]
        sets = ["duragent"]
        [limits]
        history_days = 0x10
        cache_mb = 1_024
        pause_after_failures = 0
        [log]
        level = "debug"
    "#;
    let config = read(text).unwrap();
    assert_eq!(config.data, Path::new("/home/ada/chime"));
    assert_eq!(config.schedules, Path::new("/srv/schedules"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:0");
    assert_eq!(config.gateways["console"], Gateway::Console { format: Format::Json });
    assert_eq!(config.gateways["second"], Gateway::Console { format: Format::Text });
    assert_eq!((config.limits.history_days, config.limits.cache_mb), (16, 1024));
    assert_eq!(config.limits.pause_after_failures, 0);
    assert_eq!(config.log.level.as_deref(), Some("debug"));
    assert_eq!(config.notices, []);
}

#[test]
fn gateways_that_send_for_real_are_read_whole() {
    let text = r#"
[gateways.m]
kind = "matrix"
base_url = "https://matrix.example.org"
token_file = "m.token"
user = "@bot:example.org"
join = true
[gateways.p]
kind = "process"
command = ["plugins/irc.py", "-v"]
env = {IRC_SERVER = "irc.example.org"}
pass_env = ["IRC_PASSWORD"]
restart = "always"
timeout = "3s"
[gateways.e]
kind = "email"
host = "smtp.example.org"
tls = "tls"
user = "chime"
password_env = "MAIL_PASSWORD"
from = "Chime <chime@example.org>"
"#;
    let config = read(text).unwrap();
    let shown = config.to_json();
    let shown = ["m", "p", "e"].map(|name| format!("{}\n", shown["gateways"][name]));
    expect![[r#"
        {"base_url":"https://matrix.example.org","format":"plain","join":true,"kind":"matrix","timeout":"10s","token":true,"user":"@bot:example.org"}
        {"command":["/etc/chime/plugins/irc.py","***"],"env":{"IRC_SERVER":"***"},"kind":"process","pass_env":["IRC_PASSWORD"],"restart":"always","timeout":"3s"}
        {"format":"plain","from":"Chime <chime@example.org>","host":"smtp.example.org","kind":"email","password":true,"port":465,"timeout":"10s","tls":"tls","user":"chime"}
    "#]].assert_eq(&shown.concat());
    let toml = config.to_toml();
    assert!(toml.contains("smtp.example.org") && !toml.contains("irc.example.org"), "it can be shown as TOML, too");
}

#[test]
fn gateways_that_cannot_send_say_why() {
    check(
        r#"
[gateways.m]
kind = "matrix"
user = "bot"
[gateways.n]
kind = "matrix"
base_url = "matrix.example.org"
token = "hunter2"
[gateways.p]
kind = "process"
command = []
env = {IRC_PASSWORD = "hunter2", "a=b" = "c"}
restart = "sometimes"
timeout = "1m"
[gateways.q]
kind = "process"
command = "irc -v"
[gateways.e]
kind = "email"
host = "smtp.example.org"
tls = "none"
port = 0
password_env = "MAIL_PASSWORD"
"#,
        expect![[r#"
            2:1: gateways.m.base_url: is missing (the homeserver's address, such as base_url = "https://matrix.example.org")
            2:1: gateways.m.token: is missing (the bot's access token: write token_env or token_file)
            4:8: gateways.m.user: is not a Matrix user (given 'bot'; such as @bot:example.org)
            7:12: gateways.n.base_url: is not an http(s) address (given 'matrix.example.org'; such as https://host/path)
            8:9: gateways.n.token: a secret is named here, never written (put it into an environment variable or a file, and write token_env or token_file)
            11:11: gateways.p.command: names no program (such as command = ["/path/to/plugin", "--argument"]; no shell reads it)
            12:7: gateways.p.env: IRC_PASSWORD sounds like a secret, and a secret is never written (set it for the daemon, and write pass_env = ["ITS_NAME"])
            12:7: gateways.p.env: is not a variable's name (given 'a=b')
            13:11: gateways.p.restart: is not known (given 'sometimes'; one of always, on_failure, never)
            14:11: gateways.p.timeout: is out of range (given '1m'; more than 0s and less than 30s)
            17:11: gateways.q.command: a list of texts is expected, not a text
            17:11: gateways.q.command: names no program (such as command = ["/path/to/plugin", "--argument"]; no shell reads it)
            18:1: gateways.e.from: is missing (the address that messages come from, such as from = "Chime <chime@example.org>")
            18:1: gateways.e.user: is missing (whose is the password?)
            21:7: gateways.e.tls: a password would go over the network in the clear (given 'none'; tls = "starttls" or "tls")
            22:8: gateways.e.port: is out of range (given '0'; 1 to 65535)
        "#]],
    );
}

#[test]
fn a_tool_that_there_is_not_is_no_silent_limit() {
    check(
        "[agents.a]\ntools = [\"schedule_list\", \"schedule_lost\"]",
        expect![[r#"
            2:9: agents.a.tools[1]: is not known here (given 'schedule_lost')
        "#]],
    );
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    check(
        r#"
dta = "x"
timezone = 3
listen = "0.0.0.0:7420"
schedules = " "
[gateways.telegram]
kind = "telegarm"
[gateways.tg]
token_env = "T"
[gateways.console]
kind = "webhook"
secret = "hunter2"
colour = true
[limits]
history_dais = 3
cache_mb = 0
[log]
level = "loud"
format = "xml"
[providers.glm]
api_key = "hunter2"
base_url = "ftp://x"
price_in = -1.0
max_tokens_key = "max_token"
[agents.a]
timezone = "Mars/Base"
tools = ["x", 3]
quota = {min_interval = "1 month"}
destinations = ["console:*", "konsole:1", "telegram", "console:*1", "console:"]
expires = "0s"
[agents." "]
[tools]
sets = ["named", "names"]
"#,
        expect![[r#"
            2:1: dta: is not a known key (did you mean 'data'?)
            3:12: timezone: a text is expected, not a whole number
            4:10: listen: other machines could reach this address (given '0.0.0.0:7420'; this version answers on loopback only; put a reverse proxy in front for more)
            5:13: schedules: is empty (given ' ')
            7:8: gateways.telegram.kind: is not a kind of gateway (given 'telegarm'; did you mean 'telegram'?)
            8:1: gateways.tg.kind: is missing (write kind = "telegram")
            10:1: gateways.console.url: is missing (the address that messages are posted to, such as url = "https://host/path")
            11:8: gateways.console.kind: the gateway named 'console' is always the console
            12:10: gateways.console.secret: a secret is named here, never written (put it into an environment variable or a file, and write secret_env or secret_file)
            13:1: gateways.console.colour: is not a known key (known here: pace, kind, url, secret, secret_env, secret_file, token, token_env, token_file, allow_private, timeout)
            15:1: limits.history_dais: is not a known key (did you mean 'history_days'?)
            16:12: limits.cache_mb: is out of range (given '0'; 1 to 65536)
            18:9: log.level: is not known here (given 'loud')
            19:10: log.format: is not known (given 'xml'; one of text, json)
            21:11: providers.glm.api_key: a secret is named here, never written (put it into an environment variable or a file, and write api_key_env or api_key_file)
            22:12: providers.glm.base_url: is not an http(s) address (given 'ftp://x'; such as https://host/path)
            23:12: providers.glm.price_in: is not an amount such as 0.5 (given '-1.0'; a number from 0, such as 0.25)
            24:18: providers.glm.max_tokens_key: is not known (given 'max_token'; one of max_tokens, max_completion_tokens)
            26:12: agents.a.timezone: is not known here (given 'Mars/Base')
            27:9: agents.a.tools[0]: is not known here (given 'x')
            27:15: agents.a.tools[1]: a text is expected, not a whole number
            28:25: agents.a.quota.min_interval: this uses months or years, which have no fixed length; use days, or cron (given '1 month')
            29:16: agents.a.destinations[1]: gateway 'konsole' is not configured (given 'konsole:1'; did you mean 'console'?)
            29:16: agents.a.destinations[2]: names no gateway (given 'telegram'; such as telegram:*, telegram:123 or telegram:123/7)
            29:16: agents.a.destinations[3]: may have one '*', as its last character (given 'console:*1'; such as telegram:*, telegram:123 or telegram:123/7)
            29:16: agents.a.destinations[4]: has an empty part (given 'console:'; such as telegram:*, telegram:123 or telegram:123/7)
            30:11: agents.a.expires: is no span (such as 90d)
            31:1: agents. .: is not an agent's name (given ' ')
            33:8: tools.sets[1]: is no set of tools (given 'names'; did you mean 'named'?)
        "#]],
    );
}

#[test]
fn a_text_that_is_not_toml_is_placed() {
    check(
        "data = \n[log\nformat = 'text'\n",
        expect![[r#"
        1:8: string values must be quoted, expected literal string
        2:5: unclosed table, expected `]`
    "#]],
    );
}

#[test]
fn a_model_without_a_price_is_noticed_where_costs_are_limited() {
    let routed = "[routing]\ndefault = \"a/m\"\nfallback = [\"b/m\", \"c/m\", \"echo/m\"]\n\
        [providers.a]\nbase_url = \"http://x\"\n[providers.b]\nbase_url = \"http://x\"\nprice_in = 0\n\
        [providers.c]\nbase_url = \"http://x\"\n[providers.c.models.m]\nprice_out = 1\n";
    assert_eq!(read(routed).unwrap().notices, []);
    for limit in ["[budget]\ncost_per_day = 1\n", "[agents.ada.quota]\ncost_per_day = 1\n"] {
        let notices = read(&format!("{routed}{limit}")).unwrap().notices;
        let told: Vec<String> = notices.iter().map(|notice| format!("{}: {}", notice.path, notice.message)).collect();
        let expected = "routing.default: 'a/m' has no price, and no cost_per_day holds for it; write price_in and \
            price_out in [providers.a], 0 where it costs nothing";
        assert_eq!(told, [expected]);
    }
}

#[test]
fn settings_of_later_versions_are_noticed() {
    let text = include_str!("../data/config_full.toml");
    let config = read(text).unwrap();
    let notices: Vec<String> =
        config.notices.iter().map(|notice| format!("{}: {}", notice.path, notice.message)).collect();
    expect![[r#"
        routing.default: 'glm/glm-4-plus' cannot be asked: provider 'glm' is not configured; providers: echo, ollama; add [providers.glm] with kind = "openai" and base_url to chimewheel.toml
        routing.fallback[0]: 'deepseek-chat' cannot be asked: its form is not provider/name; providers: echo, ollama; a short name is told in routing.aliases
        agents.my-assistant.model: 'glm/glm-4-plus' cannot be asked: provider 'glm' is not configured; providers: echo, ollama; add [providers.glm] with kind = "openai" and base_url to chimewheel.toml"#]].assert_eq(&notices.join("\n"));
}

#[test]
fn chat_platforms_are_read_and_shown_without_their_secrets() {
    check(
        r#"
[gateways.d]
kind = "discord"
message_content = 1
base_url = "discord.com"
timeout = "0s"
[gateways.s]
kind = "slack"
token_env = "T"
webhook_env = "W"
signing_secret = "hunter2"
[gateways.s2]
kind = "slack"
tokn_env = "T"
"#,
        expect![[r#"
            2:1: gateways.d.token_env: is missing (token_env = "DISCORD_TOKEN", the bot's token from the developer portal)
            4:19: gateways.d.message_content: true or false is expected, not a whole number
            5:12: gateways.d.base_url: is not an http(s) address (given 'discord.com'; such as https://host/path)
            6:11: gateways.d.timeout: is out of range (given '0s'; more than 0s and less than 30s)
            10:15: gateways.s.webhook_env: only one of token and webhook may be given (a bot's token posts to every channel that it is in, a webhook to one)
            11:18: gateways.s.signing_secret: a secret is named here, never written (put it into an environment variable or a file, and write signing_secret_env or signing_secret_file)
            12:1: gateways.s2.token_env: is missing (token_env = "SLACK_TOKEN", the bot's token (xoxb-…); or webhook_env, the address of an incoming webhook)
            14:1: gateways.s2.tokn_env: is not a known key (did you mean 'token_env'?)
        "#]],
    );
    let text = r#"
        [gateways.d]
        kind = "discord"
        token_file = "discord.token"
        message_content = true
        [gateways.s]
        kind = "slack"
        webhook_env = "SLACK_WEBHOOK"
        signing_secret_env = "SLACK_SIGNING"
        base_url = "http://127.0.0.1:18100/api/"
        timeout = "5s"
    "#;
    let config = read(text).unwrap();
    assert_eq!(config.notices, []);
    expect![[r#"
        {
          "console": {
            "format": "text",
            "kind": "console"
          },
          "d": {
            "base_url": "https://discord.com/api/v10",
            "format": "plain",
            "kind": "discord",
            "message_content": true,
            "timeout": "10s",
            "token": true
          },
          "s": {
            "base_url": "http://127.0.0.1:18100/api",
            "format": "plain",
            "kind": "slack",
            "posts_by": "webhook",
            "signing_secret": true,
            "timeout": "5s"
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&config.to_json()["gateways"]).unwrap());
}

#[test]
fn every_config_of_the_guide_is_in_order() {
    let pages = [
        include_str!("../../src/guide/gateways.md"),
        include_str!("../../src/guide/models.md"),
        include_str!("../../src/guide/sessions.md"),
    ];
    let blocks = |page: &'static str| page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let blocks: Vec<&str> = pages.into_iter().flat_map(blocks).collect();
    assert!(blocks.len() >= 8, "{blocks:?}");
    for block in blocks {
        let config = read(block).unwrap_or_else(|problems| panic!("{problems:?}\n{block}"));
        // Of models, most blocks are parts of a config.
        if block.contains("[gateways.") {
            assert_eq!(config.notices, [], "{block}");
        }
    }
}

#[test]
fn a_bot_of_telegram_needs_a_token() {
    check(
        r#"
[gateways.tg]
kind = "telegram"
[gateways.bot]
kind = "telegram"
token = "1:hunter2"
base_url = "api.telegram.org"
timeout = "30s"
chat_id = 7
"#,
        expect![[r#"
            2:1: gateways.tg.token_env: is missing (name where the bot's token is kept, such as token_env = "TELEGRAM_TOKEN")
            6:9: gateways.bot.token: a secret is named here, never written (put it into an environment variable or a file, and write token_env or token_file)
            7:12: gateways.bot.base_url: is not an http(s) address (given 'api.telegram.org'; such as https://host/path)
            8:11: gateways.bot.timeout: is out of range (given '30s'; more than 0s and less than 30s)
            9:1: gateways.bot.chat_id: is not a known key (known here: pace, kind, token, token_env, token_file, base_url, format, timeout)
        "#]],
    );
    let config = read("[gateways.tg]\nkind = \"telegram\"\ntoken_file = \"t\"\ntimeout = \"5s\"\n").unwrap();
    expect![[
        r#"{"base_url":"https://api.telegram.org","format":"plain","kind":"telegram","timeout":"5s","token":true}"#
    ]]
    .assert_eq(&config.to_json()["gateways"]["tg"].to_string());
}

#[test]
fn a_secret_is_never_repeated() {
    for text in ["[gateways.t]\nkind = \"telegram\"\ntoken = \"hunter2\"", "[providers.p]\napi_key = \"hunter2\""] {
        let problems = read(text).unwrap_err();
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
}

#[test]
fn a_written_secret_is_never_shown() {
    let cases = [
        ("api_key = \"sk 1\"\nb = 1\n", "api_key = *** **\nb = 1\n".to_owned()),
        ("token='x'", "token=***".to_owned()),
        ("\"bot-token\" = \"ü\"", "\"bot-token\" = ****".to_owned()),
        ("a = {kind = \"x\", signing_secret = \"s\"}", "a = {kind = \"x\", signing_secret = ****".to_owned()),
        ("token_env = \"NAME\"\nsecret_file = \"f\"\n", "token_env = \"NAME\"\nsecret_file = \"f\"\n".to_owned()),
        ("webhook = 'http://x/y'", "webhook = ************".to_owned()),
        ("url = 'https://ada:pa@ss@h/p' # ftp://b@c d@e", "url = 'https://*********@h/p' # ftp://*@c d@e".to_owned()),
        ("secret = \"\"\"\na\nb\"\"\"\nc = 1\n", "secret = ***\n*\n****\nc = 1\n".to_owned()),
    ];
    for (text, expected) in cases {
        assert_eq!(conceal(text), expected, "{text}");
        assert_eq!(conceal(text).len(), text.len());
    }
}

#[test]
fn a_gateway_s_pace_is_read_and_shown() {
    let text = "[gateways.hook]\nkind = \"webhook\"\nurl = \"https://example.org/\"\n\
                pace = {account = \"30/s burst 5\", chat = \"20/m\"}\n\
                [gateways.console]\nkind = \"console\"\npace = {chat = \"none\"}\n";
    let config = read(text).unwrap();
    let paces = config.paces["hook"].over(Paces::default());
    assert_eq!(paces.account, Some(Pace { every: Span::from_millis(34), burst: 5 }));
    assert_eq!(paces.chat, Some(Pace::even(Span::from_seconds(3))));
    let usual =
        Paces { account: Some(Pace::even(Span::from_seconds(1))), chat: Some(Pace::even(Span::from_seconds(2))) };
    assert_eq!(config.paces["console"].over(usual), Paces { chat: None, ..usual });
    let shown = config.to_toml();
    assert!(shown.contains("account = \"30/s burst 5\"") && shown.contains("chat = \"20/m\""), "{shown}");
    check(
        "[gateways.console]\nkind = \"console\"\npace = {account = \"fast\", group = \"1/s\"}\n",
        expect![[r#"
        3:19: gateways.console.pace.account: is not a pace; write it like '30/s', '20/m' or '1/s burst 5' (given 'fast')
        3:27: gateways.console.pace.group: is not a known key (known here: account, chat)
    "#]],
    );
}
