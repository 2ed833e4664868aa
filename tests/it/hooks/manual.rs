//! The manual's page of hooks: its first hook works, its examples are true, and it leaves no function out.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use chimewheel::script::{Function, LIBRARY, Scripts};
use serde_json::{Value, json};

use super::tried;

const PAGE: &str = include_str!("../../../src/guide/hooks.md");

/// The blocks of code with this heading.
fn blocks(heading: &str) -> Vec<&'static str> {
    let opening = format!("```{heading}\n");
    PAGE.split(&opening).skip(1).map(|rest| rest.split("```\n").next().unwrap()).collect()
}

/// A script by itself.
fn alone(source: &str) -> Scripts {
    let scripts = Scripts::new();
    let sources =
        [("page".to_owned(), source.to_owned()), ("lib/text".to_owned(), "fn headline(t, n) { t }".to_owned())];
    let broken = scripts.load(BTreeMap::from(sources));
    assert!(broken.is_empty(), "{broken:?}\n{source}");
    scripts
}

/// The page's own run.
fn run() -> Value {
    serde_json::from_str(blocks("json")[0]).unwrap()
}

#[test]
fn every_script_of_the_page_is_one() {
    for source in blocks("rhai") {
        // The screenful of Rhai is statements beside functions, as they stand in one.
        let (before, function) = source.split_at(source.find("\nfn plural").unwrap_or(0));
        let whole = format!("{function}\nfn gate(ctx) {{ {before}\n true }}");
        let whole = if before.is_empty() { source } else { &whole };
        let scripts = alone(whole);
        let context = json!({"state": {}, "result": "hi"});
        for call in tried(&scripts, "page", &context, None).0.calls {
            assert!(call.said.is_ok(), "{:?}\n{whole}", call.said);
        }
    }
}

#[test]
fn the_first_hook_works_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["scripts", "schedules"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("scripts/standup.rhai"), blocks("rhai")[0]).unwrap();
    fs::write(folder.path().join("schedules/standup.yaml"), blocks("yaml")[0]).unwrap();
    for (arguments, part) in [
        (&["hook", "check", "standup"][..], "standup is in order."),
        (&["hook", "test", "standup", "--at", "2026-11-23T09:00:00+01:00"], "Good morning, team! What is the plan"),
        (&["hook", "test", "--file", "schedules/standup.yaml", "--at", "2026-11-24 09:00"], "Ada! It is Tuesday."),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
        let output = command.args(arguments).current_dir(folder.path()).env_clear().output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.contains(part), "{said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_example_is_true() {
    let mut wrong = String::new();
    let mut count = 0;
    for line in blocks("rhai example").iter().flat_map(|block| block.lines()) {
        let (expression, value) = line.split_once("// =>").unwrap_or_else(|| panic!("no value in {line}"));
        let (expression, value) = (expression.trim(), value.trim());
        let source = format!(
            "fn deliver(ctx, result) {{ let got = {expression}; let wanted = {value};\n\
             if got == wanted && type_of(got) == type_of(wanted) {{ \"true\" }} else {{ `${{got}}` }} }}"
        );
        let (tried, ..) = tried(&alone(&source), "page", &run(), None);
        let said = tried.calls.iter().map(|call| call.said.as_ref().map(|_| ()).map_err(ToString::to_string));
        let text = said.collect::<Result<Vec<_>, _>>().map(|_| tried.deliveries[0].1.clone());
        if text.as_deref() != Ok("true") {
            wrong += &format!("{expression}\n  is {text:?}\n  not {value}\n");
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 35);
}

#[test]
fn the_page_knows_every_function_and_every_recipe() {
    for function in Function::ALL {
        assert!(PAGE.contains(&format!("| `{}` |", function.signature())), "{}", function.signature());
    }
    for (name, _) in LIBRARY {
        assert!(PAGE.contains(&format!("{name}(")) || PAGE.contains(&format!("`{name}`")), "{name}");
    }
    for entry in fs::read_dir("scripts").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = name.strip_suffix(".rhai") {
            assert!(PAGE.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
