//! Which model does a task, and what a model's endpoint makes of being asked.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use chimewheel::config::{self, Config, MaxTokensKey, Rates, Surroundings};
use chimewheel::runner::{Answer, Prompt, RunError, openai};
use chimewheel::time::Span;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::standin::{Play, Received, Standin};
use crate::tasks::{House, program};

const PROVIDERS: &str =
    "[providers.glm]\nbase_url = \"http://x/v1\"\n[providers.ollama]\nbase_url = \"http://x/v1\"\n";

/// What is chosen for each (model as written, agent), a line each.
fn choose(config: &str, cases: &[(Option<&str>, &str)], expected: Expect) {
    let around =
        Surroundings { base: Path::new(""), home: None, zone: &|_| Ok(()), filter: &|_| Ok(()), tool: &|_| Ok(()) };
    let routing = Config::read(config, around).unwrap().routing;
    let line = |(written, agent): &(Option<&str>, &str)| match routing.choose(*written, agent) {
        Ok(model) => {
            assert_eq!(routing.provider(*written, agent), model.provider, "they agree on whose line it is");
            format!("{written:?} {agent}: {model}\n")
        }
        Err(problem) => format!("{written:?} {agent}: {problem}\n"),
    };
    expected.assert_eq(&cases.iter().map(line).collect::<String>());
}

#[test]
fn the_nearest_word_counts() {
    let all = "[routing]\ndefault = \"glm/d\"\n";
    let agent = "[agents.ada]\nmodel = \"ollama/own:8b\"\n[agents.bob]\nmodel = \"\"\n";
    let cases = [(Some("glm/x/y"), "ada"), (None, "ada"), (None, "bob")];
    choose(
        &format!("{all}tasks.subagent = \"ollama/s\"\n{PROVIDERS}{agent}"),
        &cases,
        expect![[r#"
        Some("glm/x/y") ada: glm/x/y
        None ada: ollama/s
        None bob: ollama/s
    "#]],
    );
    choose(
        &format!("{all}tasks.subagent = \"\"\n{PROVIDERS}{agent}"),
        &cases,
        expect![[r#"
        Some("glm/x/y") ada: glm/x/y
        None ada: ollama/own:8b
        None bob: glm/d
    "#]],
    );
    choose(
        PROVIDERS,
        &[(None, "ada")],
        expect![[r#"
        None ada: glm/glm-4-plus
    "#]],
    );
}

#[test]
fn a_model_that_cannot_be_asked_says_who_named_it() {
    choose(
        "",
        &[(None, "ada"), (Some("glm/x"), "ada"), (Some("x"), "ada"), (Some("ecoh/x"), "ada")],
        expect![[r#"
            None ada: model: is not written, and the config names none, so the usual one is meant: provider 'glm' is not configured (given 'glm/glm-4-plus'; write model: provider/name, or set routing.default; providers: echo; add [providers.glm] with kind = "openai" and base_url to chimewheel.toml)
            Some("glm/x") ada: model: provider 'glm' is not configured (given 'glm/x'; providers: echo; add [providers.glm] with kind = "openai" and base_url to chimewheel.toml)
            Some("x") ada: model: its form is not provider/name (given 'x'; providers: echo; a short name is told in routing.aliases)
            Some("ecoh/x") ada: model: provider 'ecoh' is not configured (given 'ecoh/x'; did you mean 'echo/x'? providers: echo; add [providers.ecoh] with kind = "openai" and base_url to chimewheel.toml)
        "#]],
    );
    let config = "[agents.ada]\nmodel = \"gpt/5\"\n[routing]\naliases = {fast = \"echo/small\", slow = \"gpt/5\"}\n";
    let cases = [(None, "ada"), (None, "bob"), (Some("fast"), "ada"), (Some("slow"), "ada"), (Some("fats"), "ada")];
    choose(
        config,
        &cases,
        expect![[r#"
            None ada: model: is not written, and agents.ada.model names one that cannot be asked: provider 'gpt' is not configured (given 'gpt/5'; providers: echo; aliases: fast, slow; add [providers.gpt] with kind = "openai" and base_url to chimewheel.toml)
            None bob: model: is not written, and the config names none, so the usual one is meant: provider 'glm' is not configured (given 'glm/glm-4-plus'; write model: provider/name, or set routing.default; providers: echo; aliases: fast, slow; add [providers.glm] with kind = "openai" and base_url to chimewheel.toml)
            Some("fast") ada: echo/small
            Some("slow") ada: model: provider 'gpt' is not configured (given 'slow'; providers: echo; aliases: fast, slow; add [providers.gpt] with kind = "openai" and base_url to chimewheel.toml)
            Some("fats") ada: model: its form is not provider/name, nor an alias (given 'fats'; did you mean 'fast'? providers: echo; aliases: fast, slow; a short name is told in routing.aliases)
        "#]],
    );
    choose(
        "[routing]\ntasks.subagent = \"deepseek-chat\"\n",
        &[(None, "ada")],
        expect![[r#"
            None ada: model: is not written, and routing.tasks.subagent names one that cannot be asked: its form is not provider/name (given 'deepseek-chat'; write model: provider/name, or set routing.default; providers: echo; a short name is told in routing.aliases)
        "#]],
    );
}

fn settings(base_url: String, timeout: Span) -> config::OpenAi {
    let (rates, max_tokens_key) = (Rates::default(), MaxTokensKey::default());
    config::OpenAi { base_url, api_key: None, timeout, max_in_flight: 1, rates, max_tokens_key }
}

/// The question as it is sent, with a limit to its answer that is called so.
#[test]
fn the_limit_of_an_answer_has_the_name_that_the_provider_knows() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (max_tokens_key, name, other) in [
        (MaxTokensKey::MaxTokens, "max_tokens", "max_completion_tokens"),
        (MaxTokensKey::MaxCompletionTokens, "max_completion_tokens", "max_tokens"),
    ] {
        let standin = Standin::start(|_| saying(json!({"content": "fine"})));
        let settings = settings(standin.url("/v1"), Span::from_seconds(20));
        let runner = openai::open(&config::OpenAi { max_tokens_key, ..settings }, None).unwrap();
        let prompt = Prompt { max_tokens: Some(7), ..Prompt::new("tiny", "x") };
        tokio.block_on(runner.run(prompt)).unwrap();
        let body = standin.next().0.json();
        assert_eq!((&body[name], body.get(other)), (&7.into(), None), "{body}");
    }
}

/// What a runner says of an answer, in one line.
fn asked(play: Play) -> String {
    let standin = Standin::start(move |_| play.clone());
    let (base_url, timeout) = (standin.url("/v1/"), Span::from_seconds(20));
    let settings = settings(base_url, timeout);
    let runner = openai::open(&settings, Some("sk-hidden".into())).unwrap();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let prompt = Prompt::new("tiny", "sum \"up\"");
    let (answer, paid) = match tokio.block_on(runner.run(prompt)).map_err(RunError::unpaid) {
        Err((error, Some(Some(tokens)))) => (Err(error), format!(" (paid: {} and {})", tokens.input, tokens.output)),
        Err((error, Some(None))) => (Err(error), " (perhaps paid)".to_owned()),
        Err((error, None)) => (Err(error), String::new()),
        Ok(answer) => (Ok(answer), String::new()),
    };
    let told = match answer {
        Ok(Answer { text, model, tokens, .. }) => {
            let tokens = tokens.map(|tokens| (tokens.input, tokens.output));
            format!("{model} {tokens:?}: {text:?}")
        }
        Err(RunError::Retry { error, after }) => format!("retry {after:?}: {error}"),
        Err(RunError::Permanent { error }) => format!("permanent: {error}"),
        Err(RunError::Ambiguous { error }) => format!("ambiguous: {error}"),
        Err(RunError::Paid { .. }) => panic!("one inside another"),
    };
    let (request, _) = standin.next();
    assert_eq!(request.target, "/v1/chat/completions");
    assert_eq!(request.header("authorization"), Some("Bearer sk-hidden"));
    let message = json!({"role": "user", "content": "sum \"up\""});
    assert_eq!(request.json(), json!({"model": "tiny", "messages": [message], "stream": false}));
    assert!(standin.poll().is_none(), "one attempt asks once");
    format!("{told}{paid}")
}

fn saying(message: Value) -> Play {
    Play::json(200, &json!({"choices": [{"message": message, "finish_reason": "stop"}]}))
}

#[test]
fn an_answer_is_a_text_or_a_failure() {
    let whole = json!({
        "model": "tiny-2026",
        "choices": [{"message": {"role": "assistant", "content": "All quiet.\n"}}, {"message": {"content": "no"}}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16},
    });
    let text = |body: &str| Play::Answer { status: 200, headers: Vec::new(), body: body.to_owned() };
    let filtered = json!({"choices": [{"message": {"content": "half"}, "finish_reason": "content_filter"}]});
    let plays = [
        Play::json(200, &whole),
        saying(json!({"content": [{"type": "text", "text": "in "}, {"type": "text", "text": "pieces"}]})),
        saying(json!({"content": " \n"})),
        saying(json!({"content": null})),
        saying(json!({"content": null, "refusal": "I will\nnot"})),
        saying(json!({"content": "x".repeat(65_537)})),
        Play::json(200, &filtered),
        Play::json(200, &json!({"choices": []})),
        Play::json(200, &json!({"error": {"message": "overloaded, sk-hidden"}})),
        text("{\"choices\": [{\"mess"),
        text("<html>"),
        text(&" ".repeat(1024 * 1024 + 1)),
    ];
    let told: String = plays.into_iter().map(|play| asked(play) + "\n").collect();
    expect![[r#"
        tiny-2026 Some((12, 4)): "All quiet."
        tiny None: "in pieces"
        retry None: the answer is empty (perhaps paid)
        retry None: the answer is empty (perhaps paid)
        permanent: the model refused: I will not (perhaps paid)
        permanent: the answer is longer than 65536 bytes (perhaps paid)
        permanent: the provider's filter held the answer back (perhaps paid)
        retry None: the answer holds no choice (perhaps paid)
        retry None: overloaded, *** (perhaps paid)
        ambiguous: the answer is not a chat completion: EOF while parsing a string at line 1 column 19 (perhaps paid)
        ambiguous: the answer is not a chat completion: expected value at line 1 column 1 (perhaps paid)
        permanent: the answer is longer than 1048576 bytes (perhaps paid)
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_refusal_says_whether_to_try_again() {
    let error = json!({"error": {"message": "no such key: sk-hidden", "type": "auth"}});
    let plays = [400, 401, 403, 404, 408, 409, 422, 429, 500, 503, 504].map(Play::status).into_iter();
    let more = [
        Play::json(401, &error),
        Play::json(404, &json!({"error": "model 'tiny' not found"})),
        Play::json(429, &json!({"error": {"message": "slow down"}})).with("Retry-After", "7"),
        Play::status(301).with("Location", "http://elsewhere/"),
        Play::Cut,
        Play::CutAnswer,
    ];
    let told: String = plays.chain(more).map(|play| asked(play) + "\n").collect();
    expect![[r#"
        permanent: the answer was 400 Bad Request
        permanent: the answer was 401 Unauthorized; look at the provider's api_key_env or api_key_file
        permanent: the answer was 403 Forbidden; look at the provider's api_key_env or api_key_file
        permanent: the answer was 404 Not Found
        retry None: the answer was 408 Request Timeout (perhaps paid)
        retry None: the answer was 409 Conflict
        permanent: the answer was 422 Unprocessable Entity
        retry None: the answer was 429 Too Many Requests
        retry None: the answer was 500 Internal Server Error
        retry None: the answer was 503 Service Unavailable
        retry None: the answer was 504 Gateway Timeout (perhaps paid)
        permanent: the answer was 401 Unauthorized: no such key: ***; look at the provider's api_key_env or api_key_file
        permanent: the answer was 404 Not Found: model 'tiny' not found
        retry Some(Span(7000)): the answer was 429 Too Many Requests: slow down
        permanent: the answer was 301 Moved Permanently; redirects are not followed; put the final address into base_url
        ambiguous: the connection broke off before an answer came: connection closed before message completed (perhaps paid)
        ambiguous: the connection broke off before an answer came: connection closed before message completed (perhaps paid)
    "#]].assert_eq(&told);
}

#[test]
fn a_model_that_is_not_there_may_be_there_later() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let open = |base_url: &str, key: Option<&str>| {
        let (timeout, base_url) = (Span::from_millis(20_000), base_url.to_owned());
        let settings = settings(base_url, timeout);
        openai::open(&settings, key.map(Into::into)).map_err(|problem| problem.to_string())
    };
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let runner = open(&format!("http://{port}/v1"), None).unwrap();
    let prompt = Prompt::new("tiny", "x");
    let told = tokio.block_on(runner.run(prompt));
    assert!(matches!(&told, Err(RunError::Retry { error, .. }) if error.starts_with("no connection")), "{told:?}");
    let refused = [
        open("http://ada:secret@host/v1", None),
        open("http://host/v1?key=secret", None),
        open("http://host:port/v1", None),
        open("http://host/v1", Some("a\nb")),
    ];
    let refused: String = refused.into_iter().map(|opened| opened.err().unwrap() + "\n").collect();
    expect![[r#"
        base_url: names a user or a password (name a key: api_key_file, api_key_env)
        base_url: has a part after '?' or '#' (write the address up to /chat/completions)
        base_url: is not an address: invalid port number (such as https://host/v1)
        api_key: the key holds characters that no header can carry
    "#]]
    .assert_eq(&refused);
}

fn answering(request: &Received) -> Play {
    let body = request.json();
    let said = format!(
        "{} of {}",
        body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap(),
        body["model"]
    );
    let usage = json!({"prompt_tokens": 5, "completion_tokens": 2});
    Play::json(200, &json!({"choices": [{"message": {"content": said}}], "usage": usage}))
}

fn endpoint(name: &str, standin: &Standin, more: &str) -> String {
    format!("[providers.{name}]\nkind = \"openai\"\nbase_url = \"{}\"\n{more}", standin.url("/v1"))
}

#[test]
fn a_task_is_asked_of_the_model_that_the_config_says_now() {
    let standin = Standin::start(answering);
    let provider = endpoint("glm", &standin, "api_key_file = \"key\"\n");
    let keep = tempfile::tempdir().unwrap();
    let key = keep.path().join("key");
    fs::write(&key, "sk-1\n").unwrap();
    let chmod = Command::new("chmod").arg("600").arg(&key).status().unwrap();
    assert!(chmod.success());
    let provider = provider.replace("\"key\"", &format!("\"{}\"", key.display()));
    let mut house = House::new(&provider, "cat");
    house.add(&["--id", "news", "--every", "1h", "--task", "sum up"]);
    let (code, said) = house.run(&["run-now", "news"]);
    assert_eq!(code, 0, "{said}");
    assert!(house.message().ends_with("| sum up of \"glm-4-plus\"\n"));
    let run = house.wait_for("news", "delivered");
    let told = &run["execution"];
    assert_eq!(
        (&told["model"], &told["tokens_in"], &told["tokens_out"]),
        (&"glm/glm-4-plus".into(), &5.into(), &2.into())
    );
    assert_eq!(standin.next().0.header("authorization"), Some("Bearer sk-1"));
    let (_, said) = house.run(&["export", "news", "--json"]);
    assert!(said.contains("\"task\": \"sum up\"") && !said.contains("model"), "{said}");

    let config = fs::read_to_string(house.path("chimewheel.toml")).unwrap();
    fs::write(house.path("engine.json"), r#"{"routing": {"tasks": {"subagent": "glm/other"}, "default": "x/y"}}"#)
        .unwrap();
    fs::write(house.path("chimewheel.toml"), format!("engine_json = \"engine.json\"\n{config}")).unwrap();
    house.kill_and_start();
    house.add(&["--id", "again", "--in", "100ms", "-m", "ready"]);
    assert!(house.message().ends_with("| ready\n"));
    let (code, said) = house.run(&["run-now", "news"]);
    assert_eq!(code, 0, "{said}");
    assert!(house.message().ends_with("| sum up of \"other\"\n"), "the schedule follows what the config says now");
}

#[test]
fn another_model_stands_in_for_one_that_cannot_answer_now() {
    let (busy, gone, free) =
        (Standin::start(|_| Play::status(503)), Standin::start(|_| Play::status(401)), Standin::start(answering));
    let config =
        [("busy", &busy), ("gone", &gone), ("free", &free)].map(|(name, one)| endpoint(name, one, "")).concat();
    let routing = "[routing]\nfallback = [\"gone/a\", \"free/b\"]\n";
    let mut house = House::new(&format!("{config}{routing}"), "cat");
    house.add(&["--id", "news", "--in", "100ms", "--task", "sum up", "--model", "busy/x"]);
    assert!(house.message().ends_with("| sum up of \"b\"\n"));
    let run = house.wait_for("news", "delivered");
    assert_eq!((&run["execution"]["model"], &run["execution"]["attempts"]), (&"free/b".into(), &1.into()), "{run}");
    assert!(busy.poll().is_some() && gone.poll().is_some());

    house.add(&["--id", "sure", "--in", "100ms", "--task", "sum up", "--model", "gone/x"]);
    let run = house.wait_for("sure", "failed");
    assert!(run["detail"].as_str().unwrap().contains("401 Unauthorized"), "{run}");
    assert_eq!(run["execution"]["attempts"], 1, "nobody is asked instead of one that refused: {run}");
}

#[test]
fn a_named_task_of_an_agent_is_booked_and_done() {
    let standin = Standin::start(answering);
    let routing = "[routing]\ndefault = \"glm/tiny\"\n[agents.ada]\ndestinations = [\"console:*\"]\nquota = {min_interval = \"1s\", fires_per_day = 100000}\n";
    let mut house = House::new(&(endpoint("glm", &standin, "") + routing), "cat");
    let mut mcp = program(house.path("").as_path())
        .args(["mcp", "--agent", "ada"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(mcp.stdout.take().unwrap()).lines();
    let mut input = mcp.stdin.take().unwrap();
    let mut ask = |message: Value| writeln!(input, "{message}").unwrap();
    let client = json!({"name": "t", "version": "1"});
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    ask(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}));
    ask(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let arguments = json!({"name": "check", "cron": "* * * * * ?", "message": "look", "injectInto": "console_me"});
    let call = json!({"name": "schedule_add", "arguments": arguments});
    ask(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}));
    let reply = lines.by_ref().map(Result::unwrap).find(|line| line.contains("\"id\":2")).unwrap();
    assert!(reply.contains("OK: 'check' scheduled with cron '* * * * * ?'"), "{reply}");
    assert!(house.message().ends_with("| look of \"tiny\"\n"));
    drop(input);
    mcp.wait().unwrap();
}
