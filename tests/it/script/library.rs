//! What the library does: the examples that the guide shows, and what they remember.

use std::path::Path;

use chimewheel::script::LIBRARY;

use super::value;

const EXAMPLES: &str = include_str!("../../data/hook_examples.txt");

/// The lines `expression // => value` of a text that are not what they say.
fn untrue(text: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once("// =>"));
    let told = rows.map(|(expression, said)| (expression.trim(), said.trim(), value(expression.trim())));
    told.filter(|(_, said, is)| said != is)
        .map(|(expression, said, is)| format!("{expression}\n  said {said}\n  is   {is}"))
        .collect()
}

/// The blocks of a guide that begin with this line.
fn blocks(page: &str, fence: &str) -> String {
    let parts = page.split(fence).skip(1).filter_map(|rest| rest.split("```").next());
    parts.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_example_is_what_it_says() {
    assert_eq!(untrue(EXAMPLES).join("\n"), "");
    assert_eq!(untrue("1 + 1 // => 3"), ["1 + 1\n  said 3\n  is   2"]);
}

#[test]
fn so_is_every_example_of_the_guide() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide/hooks.md");
    let page = std::fs::read_to_string(page).unwrap_or_default();
    assert_eq!(untrue(&blocks(&page, "```rhai,example")).join("\n"), "");
    assert_eq!(blocks("a ```rhai,example\n1 // => 1\n``` b", "```rhai,example").trim(), "1 // => 1");
}

#[test]
fn the_library_is_what_its_list_says() {
    for (name, call) in LIBRARY {
        let is_shown = [format!("{name}("), format!(".{name}(")].iter().any(|call| EXAMPLES.contains(call.as_str()));
        assert!(is_shown || *name == "print", "{name} has no example");
        assert!(call.contains(name), "{call}");
    }
}
