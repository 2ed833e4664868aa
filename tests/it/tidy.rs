//! The rules of the code base that a machine can check, each with samples that must fail it.
//!
//! A check looks at one file and says what is wrong where. There is no exception list: a rule that has to be broken is
//! a rule to be changed here, for everybody.

use crate::source::{Source, is_word, words};

/// Lines of a file under `src`.
const SRC_LINES_MAX: usize = 450;
/// Lines of a file under `tests`.
const TEST_LINES_MAX: usize = 600;
/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// Lines of `main.rs`.
const MAIN_LINES_MAX: usize = 39;

/// Modules by rank. A file uses lower ranks and its own folder; the foundations, rank 0, may use each other.
const RANKS: &[(u32, &[&str])] = &[
    (0, &["access", "time", "id", "limits", "money", "pace", "planted", "problem", "guide"]),
    (1, &["config", "session", "calendar", "wheel"]),
    (2, &["spec"]),
    (3, &["child", "client", "engine"]),
    (4, &["gateway", "runner", "script", "store"]),
    (5, &["runtime"]),
    (6, &["surface"]),
    (7, &["main"]),
];

/// Only the runtime joins these.
const STRANGERS: &[&str] = &["gateway", "runner", "script", "store"];

/// What may stand at the top of the repository, besides dotfiles and `target`.
const TOP: &[&str] =
    &["Cargo.toml", "Cargo.lock", "src", "scripts", "schedules", "benches", "tests", "README.md", "LICENSE"];

/// What the pure modules must not touch.
const IMPURE: &[&str] = &["::now(", "env::", "rand::", "tokio::", "async fn", "std::fs", "std::net", "std::thread"];

/// Crates and the only places that name them.
const CONFINED: &[(&str, &[&str])] = &[
    ("redb", &["src/store"]),
    ("rhai", &["src/script"]),
    ("croner", &["src/calendar"]),
    ("chrono_tz", &["src/calendar"]),
    ("reqwest", &["src/client", "src/gateway", "src/runner"]),
    ("tokio_tungstenite", &["src/gateway"]),
    ("clap", &["src/surface"]),
    ("axum", &["src/surface"]),
    ("lettre", &["src/gateway"]),
    ("rmcp", &["src/surface"]),
    ("hyper", &["src/client", "src/surface"]),
    ("pulldown_cmark", &["src/gateway/text"]),
    ("prometheus_client", &["src/runtime/meter", "src/surface/http"]),
];

/// Where text from outside is read into types.
const READERS: &[&str] = &["src/config", "src/store", "src/surface", "src/gateway", "src/runner"];

/// What is wrong in one file, line by line.
type Findings = Vec<(usize, String)>;

/// A rule: its name, its check, and samples that must fail it as (path, text).
struct Rule {
    name: &'static str,
    check: fn(&Source) -> Findings,
    bad: &'static [(&'static str, &'static str)],
    good: &'static [(&'static str, &'static str)],
}

const RULES: &[Rule] = &[
    Rule {
        name: "a file uses only lower ranks or its own folder",
        check: ranks,
        bad: &[
            ("src/wheel/a.rs", "use crate::engine::Engine;"),
            ("src/time.rs", "use super::spec;"),
            ("src/spec/a.rs", "use crate::{time, store::Row};"),
            ("src/engine/a.rs", "fn a() { crate::runner::run(); }"),
            ("src/gateway/a/b.rs", "use super::super::super::script::Key;"),
            ("src/store/a.rs", "use crate::{\n    id,\n    gateway,\n};"),
            ("src/other.rs", "fn a() {}"),
        ],
        good: &[
            ("src/id.rs", "use crate::limits;"),
            ("src/store/a.rs", "use crate::engine::change::Change;\nuse crate::{id::{A, B}, time};"),
            ("src/gateway/a.rs", "use super::split;\nuse crate::gateway::Gateway; // crate::runner"),
            ("src/lib.rs", "pub use crate::surface::run;"),
        ],
    },
    Rule {
        name: "pure modules do not touch the world",
        check: purity,
        bad: &[
            ("src/calendar/a.rs", "let now = Utc::now();"),
            ("src/engine/a.rs", "pub async fn run() {}"),
            ("src/spec/a.rs", "use std::fs;"),
            ("src/id.rs", "std::env::var(\"HOME\")"),
        ],
        good: &[("src/wheel/a.rs", "self.now(); // std::fs"), ("src/runner/a.rs", "use tokio::time;")],
    },
    Rule {
        name: "only the clock asks the time",
        check: clock,
        bad: &[("src/surface/a.rs", "let x = Instant::now();"), ("src/store/a.rs", "SystemTime::now()")],
        good: &[("src/runtime/clock.rs", "SystemTime::now()"), ("src/wheel/a.rs", "wheel.now()")],
    },
    Rule {
        name: "a crate is named where it belongs",
        check: confined,
        bad: &[
            ("src/engine/a.rs", "use redb::Database;"),
            ("src/spec/a.rs", "fn a(x: rhai::Dynamic) {}"),
            ("src/runtime/a.rs", "use clap;"),
            ("src/runner/a.rs", "hyper::Request::new()"),
        ],
        good: &[("src/store/a.rs", "use redb::Database;"), ("src/spec/a.rs", "// redb:: is fast\nlet redb = 1;")],
    },
    Rule { name: "files and functions are short", check: sizes, bad: &[], good: &[("src/a.rs", "fn a() {}")] },
    Rule {
        name: "every file has a front page",
        check: front_page,
        bad: &[
            ("src/a.rs", "use std::fmt;"),
            ("tests/a.rs", "//! No full stop\n//!\n//! Here."),
            ("src/b.rs", "\n//! Late."),
            ("src/c.rs", "//!\n//! Empty first."),
        ],
        good: &[("src/a.rs", "//! A sentence that\n//! goes on. And another one\n//!\n//! More")],
    },
    Rule {
        name: "nothing is left over",
        check: leftovers,
        bad: &[
            ("src/a.rs", "// TODO later"),
            ("tests/a.rs", "fn a() { todo!() }"),
            ("src/a.rs", "/* FIXME */"),
            ("src/a.rs", "// let x = 5;"),
            ("src/a.rs", "//     if a {\n//     }"),
        ],
        good: &[("src/a.rs", "/// let x = 5;\nlet s = \"TODO\"; // said so; twice")],
    },
    Rule {
        name: "a panic has its reason above it",
        check: panics,
        bad: &[("src/a.rs", "let x = y.unwrap();"), ("src/a.rs", "// Reason.\n\nlet x = y.expect(\"z\");")],
        good: &[
            ("src/a.rs", "// The list is never empty.\nlet x = y.unwrap();\nlet z = y.unwrap_or(1);"),
            ("src/a.rs", "#[cfg(test)]\nmod tests {\n    fn a() { b.unwrap(); }\n}"),
            ("tests/a.rs", "b.unwrap();"),
        ],
    },
    Rule {
        name: "tests do not sleep",
        check: sleeps,
        bad: &[("tests/it/a.rs", "std::thread::sleep(x);"), ("tests/it/a.rs", "tokio::time::sleep(x).await;")],
        good: &[("tests/it/a.rs", "run(\"thread::sleep(5)\");")],
    },
    Rule {
        name: "an allow has its reason above it",
        check: allows,
        bad: &[("src/a.rs", "fn a() {}\n#[allow(dead_code)]\nfn b() {}"), ("src/a.rs", "#![allow(missing_docs)]")],
        good: &[("src/a.rs", "// The platform needs it.\n#[allow(dead_code)]\nfn b() {}")],
    },
    Rule {
        name: "a feature swaps a module",
        check: features,
        bad: &[("src/a.rs", "#[cfg(feature = \"x\")]\nfn a() {}"), ("src/a.rs", "if cfg!(feature = \"x\") {}")],
        good: &[("src/a.rs", "#[cfg(feature = \"x\")]\npub mod x;")],
    },
    Rule {
        name: "a limit says whether it is a maximum or a minimum",
        check: limits,
        bad: &[
            ("src/limits.rs", "/// Bytes.\npub const ID_BYTES: usize = 1;"),
            ("src/limits.rs", "pub const A_MAX: u8 = 1;"),
            ("src/limits/a.rs", "/// Bytes.\npub const A_BYTES: usize = 1;"),
        ],
        good: &[("src/limits.rs", "/// Bytes.\npub const ID_BYTES_MAX: usize = 1;\nconst _: () = ();")],
    },
    Rule {
        name: "names say what a thing is",
        check: names,
        bad: &[
            ("src/a.rs", "struct TimerManager;"),
            ("src/a.rs", "fn parse_helper() {}"),
            ("src/a.rs", "mod utils;"),
        ],
        good: &[("src/a.rs", "let manager = 1; struct Timer;")],
    },
    Rule {
        name: "a time has a unit",
        check: units,
        bad: &[("src/a.rs", "fn wait(timeout: u64) {}"), ("src/a.rs", "fn at(\n    x: u8,\n    when: i64,\n) {}")],
        good: &[
            ("src/wheel/a.rs", "fn insert(deadline: u64) {}"),
            ("src/a.rs", "fn wait(timeout: Span, wait_ms: u64) {}"),
        ],
    },
    Rule {
        name: "text is read where it comes in",
        check: readers,
        bad: &[("src/spec/mod.rs", "#[derive(Clone, Deserialize)]"), ("src/engine/a.rs", "use serde::Deserialize;")],
        good: &[("src/spec/raw.rs", "#[derive(Deserialize)]"), ("src/config.rs", "#[derive(Deserialize)]")],
    },
];

fn in_src(source: &Source) -> bool {
    source.path.starts_with("src/")
}

/// The module at the top of the crate that a file belongs to.
fn module(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

fn rank(module: &str) -> Option<u32> {
    RANKS.iter().find(|(_, modules)| modules.contains(&module)).map(|&(rank, _)| rank)
}

/// Whether a path is one of these folders, in it, or the file of that name.
fn is_under(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path.strip_prefix(place).is_some_and(|rest| rest.starts_with(['/', '.'])))
}

/// The lines whose code holds one of these words.
fn lines_with(source: &Source, wanted: &[&str], why: &str) -> Findings {
    let mut findings = Vec::new();
    for (line, code) in source.code.iter().enumerate() {
        let found = wanted.iter().filter(|wanted| !words(code, wanted).is_empty());
        findings.extend(found.map(|wanted| (line, format!("`{wanted}` {why}"))));
    }
    findings
}

fn ranks(source: &Source) -> Findings {
    let own = module(&source.path);
    if !in_src(source) || own == "lib" {
        return Vec::new();
    }
    let Some(own_rank) = rank(own) else { return vec![(0, format!("the module {own} has no rank"))] };
    let mut findings = Vec::new();
    for (line, used) in modules_used(source) {
        let Some(used_rank) = rank(&used) else { continue };
        let strangers = STRANGERS.contains(&own) && STRANGERS.contains(&used.as_str());
        if used != own && (strangers || used_rank >= own_rank && own_rank > 0 || used_rank > own_rank) {
            findings.push((line, format!("{own}, of rank {own_rank}, uses {used}, of rank {used_rank}")));
        }
    }
    findings
}

/// The first names of all paths that begin at the top of the crate.
fn modules_used(source: &Source) -> Vec<(usize, String)> {
    let inside = source.path.trim_start_matches("src/").trim_end_matches("/mod.rs");
    let up = "super::".repeat(inside.split('/').count());
    let mut used = Vec::new();
    for (line, code) in source.code.iter().enumerate() {
        for root in ["crate::", up.as_str()] {
            for at in words(code, root) {
                // A longer chain of `super` leads elsewhere than its tail.
                if code[..at].ends_with("::") {
                    continue;
                }
                let rest =
                    [&code[at + root.len()..]].into_iter().chain(source.code[line + 1..].iter().map(String::as_str));
                let rest = rest.take(60).collect::<Vec<_>>().join("\n");
                used.extend(first_names(&rest).into_iter().map(|(below, name)| (line + below, name)));
            }
        }
    }
    used
}

/// The names with which a path, or each path of a group in braces, begins; with the line they stand in.
fn first_names(path: &str) -> Vec<(usize, String)> {
    let name_at = |text: &str| text.trim_start().chars().take_while(|&c| is_word(c)).collect::<String>();
    if !path.starts_with('{') {
        return vec![(0, name_at(path))];
    }
    let mut names = Vec::new();
    let mut depth = 0;
    for (at, c) in path.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && (c == ',' || at == 0) {
            let name = name_at(&path[at + 1..]);
            let gap = path[at + 1..].len() - path[at + 1..].trim_start().len();
            names.push((path[..at + 1 + gap].matches('\n').count(), name));
        }
    }
    names
}

fn purity(source: &Source) -> Findings {
    let own = module(&source.path);
    if !in_src(source) || own != "engine" && rank(own).is_none_or(|rank| rank > 2) {
        return Vec::new();
    }
    lines_with(source, IMPURE, "in a module that is told the time and everything else")
}

fn clock(source: &Source) -> Findings {
    if !in_src(source) || source.path == "src/runtime/clock.rs" {
        return Vec::new();
    }
    lines_with(source, &["::now("], "outside src/runtime/clock.rs")
}

fn confined(source: &Source) -> Findings {
    let mut findings = Vec::new();
    for (name, places) in CONFINED {
        if in_src(source) && !is_under(&source.path, places) {
            let forms = [format!("{name}::"), format!("use {name}"), format!("extern crate {name}")];
            findings.extend(lines_with(
                source,
                &forms.each_ref().map(String::as_str),
                &format!("outside {places:?}"),
            ));
        }
    }
    findings
}

fn sizes(source: &Source) -> Findings {
    let lines_max = match source.path.as_str() {
        "src/main.rs" => MAIN_LINES_MAX,
        _ if in_src(source) => SRC_LINES_MAX,
        _ => TEST_LINES_MAX,
    };
    let mut findings = Vec::new();
    if source.raw.len() > lines_max {
        findings.push((lines_max, format!("the file has {} lines, {lines_max} are allowed", source.raw.len())));
    }
    for function in source.functions() {
        let lines = function.last - function.first + 1;
        if lines > FUNCTION_LINES_MAX {
            findings.push((
                function.first,
                format!("{} has {lines} lines, {FUNCTION_LINES_MAX} are allowed", function.name),
            ));
        }
    }
    findings
}

fn front_page(source: &Source) -> Findings {
    let page = source.raw.iter().map_while(|line| line.strip_prefix("//!"));
    let first = page.map(str::trim).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    if first.is_empty() {
        return vec![(0, "does not begin with `//!` and a sentence".to_owned())];
    }
    if !first.ends_with('.') && !first.contains(". ") {
        return vec![(0, format!("the first sentence has no full stop: {first}"))];
    }
    Vec::new()
}

fn leftovers(source: &Source) -> Findings {
    let mut findings = lines_with(source, &["todo!", "unimplemented!"], "is left over");
    for (line, comment) in source.comments.iter().enumerate() {
        for word in ["TODO", "FIXME", "XXX"] {
            if !words(comment, word).is_empty() {
                findings.push((line, format!("{word} is left over")));
            }
        }
        // Doc comments show code on purpose.
        let text = comment.trim();
        if !comment.starts_with(['/', '!']) && (text.ends_with([';', '{']) || text == "}" || text == "});") {
            findings.push((line, "code is commented out".to_owned()));
        }
    }
    findings
}

fn panics(source: &Source) -> Findings {
    let test = source.test_lines();
    let mut findings = lines_with(source, &[".unwrap()", ".expect("], "without a comment right above it");
    findings.retain(|&(line, _)| in_src(source) && !test[line] && !is_reasoned(source, line));
    findings
}

fn is_reasoned(source: &Source, line: usize) -> bool {
    line > 0 && source.raw[line - 1].trim_start().starts_with("//") && !source.raw[line - 1].starts_with("//!")
}

fn sleeps(source: &Source) -> Findings {
    if in_src(source) {
        return Vec::new();
    }
    lines_with(source, &["thread::sleep", "time::sleep"], "in a test; time is an argument")
}

fn allows(source: &Source) -> Findings {
    let mut findings = lines_with(source, &["#[allow", "#![allow"], "without a comment right above it");
    findings.retain(|&(line, _)| !is_reasoned(source, line));
    findings
}

fn features(source: &Source) -> Findings {
    let mut findings = lines_with(source, &["cfg(feature", "cfg!(feature"], "elsewhere than at a `mod`");
    findings.retain(|&(line, _)| {
        let below = source.code.get(line + 1).map_or("", |code| code.trim_start());
        words(below, "mod").is_empty() && words(&source.code[line], "mod").is_empty()
    });
    findings
}

fn limits(source: &Source) -> Findings {
    let mut findings = Vec::new();
    for (line, code) in source.code.iter().enumerate() {
        let Some(rest) = code.trim_start().strip_prefix("pub const ") else { continue };
        let name: String = rest.chars().take_while(|&c| is_word(c)).collect();
        if is_under(&source.path, &["src/limits"]) && name != "_" {
            if !name.ends_with("_MAX") && !name.ends_with("_MIN") {
                findings.push((line, format!("{name} ends in neither _MAX nor _MIN")));
            }
            if line == 0 || !source.raw[line - 1].starts_with("///") {
                findings.push((line, format!("{name} has no doc line")));
            }
        }
    }
    findings
}

fn names(source: &Source) -> Findings {
    let mut findings = Vec::new();
    for (line, code) in source.code.iter().enumerate() {
        for keyword in ["struct", "enum", "trait", "type", "fn", "mod"] {
            for at in words(code, keyword) {
                let rest = code[at + keyword.len()..].trim_start();
                let name = rest.chars().take_while(|&c| is_word(c)).collect::<String>();
                let plain = name.to_lowercase();
                if ["manager", "helper", "service", "util"].iter().any(|banned| plain.contains(banned)) {
                    findings.push((line, format!("{name} says nothing")));
                }
            }
        }
    }
    findings
}

fn units(source: &Source) -> Findings {
    let mut findings = Vec::new();
    if !in_src(source) || is_under(&source.path, &["src/wheel"]) {
        return findings;
    }
    for function in source.functions() {
        for name in ["when", "delay", "timeout", "deadline"] {
            let bare = [format!("{name}: u64"), format!("{name}: i64")];
            if bare.iter().any(|bare| !words(&function.signature, bare).is_empty()) {
                findings.push((function.first, format!("{} takes {name} without a unit", function.name)));
            }
        }
    }
    findings
}

fn readers(source: &Source) -> Findings {
    if !in_src(source) || source.path.ends_with("/raw.rs") || is_under(&source.path, READERS) {
        return Vec::new();
    }
    lines_with(source, &["Deserialize"], "where no text comes in")
}

/// What stands at the top of the repository and should not.
fn strays<'a>(entries: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    entries.filter(|name| !name.starts_with('.') && *name != "target" && !TOP.contains(name)).collect()
}

/// All findings of a rule as lines to read.
fn report(rule: &Rule, source: &Source) -> Vec<String> {
    let findings = (rule.check)(source).into_iter();
    findings.map(|(line, what)| format!("{}:{}: {what} ({})", source.path, line + 1, rule.name)).collect()
}

#[test]
fn the_code_keeps_the_rules() {
    let sources: Vec<Source> = ["src", "tests", "benches"].into_iter().flat_map(Source::all_under).collect();
    let findings: Vec<String> =
        RULES.iter().flat_map(|rule| sources.iter().flat_map(|source| report(rule, source))).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn the_top_of_the_repository_holds_what_it_should() {
    let entries = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("a readable folder");
    let names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(strays(names.iter().map(String::as_str)), [""; 0]);
    assert_eq!(strays(["src", ".ci", "docs", "target", "Makefile"].into_iter()), ["docs", "Makefile"]);
}

#[test]
fn every_rule_fails_its_bad_samples() {
    for rule in RULES {
        for (path, text) in rule.bad {
            assert!(
                !report(rule, &Source::new(path, text)).is_empty(),
                "{}: nothing found in {path}:\n{text}",
                rule.name
            );
        }
    }
}

#[test]
fn every_rule_passes_its_good_samples() {
    for rule in RULES {
        for (path, text) in rule.good {
            assert_eq!(report(rule, &Source::new(path, text)), [""; 0], "{path}:\n{text}");
        }
    }
}

#[test]
fn long_files_and_functions_are_found() {
    let long = |path: &str, lines: usize| sizes(&Source::new(path, &"\n".repeat(lines))).len();
    assert_eq!((long("src/a.rs", SRC_LINES_MAX), long("src/a.rs", SRC_LINES_MAX + 1)), (0, 1));
    assert_eq!((long("tests/a.rs", TEST_LINES_MAX), long("tests/a.rs", TEST_LINES_MAX + 1)), (0, 1));
    assert_eq!((long("src/main.rs", MAIN_LINES_MAX), long("src/main.rs", MAIN_LINES_MAX + 1)), (0, 1));
    let body = |lines: usize| format!("fn a() {{{}}}", "\n".repeat(lines - 1));
    assert!(sizes(&Source::new("src/a.rs", &body(FUNCTION_LINES_MAX))).is_empty());
    assert!(!sizes(&Source::new("src/a.rs", &body(FUNCTION_LINES_MAX + 1))).is_empty());
}
