//! The table of tools: its shapes are golden files, and models and their providers can read it.

use std::collections::BTreeSet;

use chimewheel::surface::ops::Caller;
use chimewheel::surface::tools::TABLE;
use chimewheel::surface::tools::export::{Form, export, mcp};
use expect_test::{expect, expect_file};
use serde_json::Value;

use super::all;

/// A change of what a model is told, or of what it may send, is a change of one of these files.
#[test]
fn every_tool_is_as_written_down() {
    for tool in TABLE {
        let written = format!("{:#}\n", mcp(tool));
        let file = format!("{}/tests/data/tools/{}.{}.json", env!("CARGO_MANIFEST_DIR"), tool.set.word(), tool.name);
        expect_file![file].assert_eq(&written);
    }
}

/// No file is left from a tool that is gone.
#[test]
fn every_file_is_of_a_tool() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tools");
    let files: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let tools: BTreeSet<String> =
        TABLE.iter().map(|tool| format!("{}.{}.json", tool.set.word(), tool.name)).collect();
    assert_eq!(files, tools);
}

#[test]
fn providers_take_the_schemas() {
    for tool in TABLE {
        let input = Value::Object(tool.input());
        assert_eq!(
            (&input["type"], &input["additionalProperties"]),
            (&"object".into(), &false.into()),
            "{}",
            tool.name
        );
        let text = input.to_string();
        for refused in ["$ref", "$defs", "oneOf", "anyOf", "allOf"] {
            assert!(!text.contains(refused), "{}: {refused}", tool.name);
        }
        for (name, property) in input["properties"].as_object().unwrap() {
            assert!(property["description"].as_str().unwrap().ends_with('.'), "{}: {name}", tool.name);
        }
        assert!(
            tool.name.len() <= 64 && tool.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{}",
            tool.name
        );
        assert!(tool.about.len() < 1024 && tool.about.ends_with('.'), "{}: OpenAI takes 1024 characters", tool.name);
        if let Some(output) = tool.output().map(Value::Object) {
            assert_eq!(output["type"], "object", "{}", tool.name);
            assert!(!output.to_string().contains("$ref"), "{}", tool.name);
        }
    }
}

#[test]
fn the_table_comes_in_the_forms_of_providers() {
    let shape = |form| {
        let written = export(all().tools(&Caller::Admin), form);
        let tools = written.get("tools").unwrap_or(&written);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        let first = &tools[0];
        let inner = first.get("function").map(keys).unwrap_or_default();
        format!("{} tools: {} {inner}", tools.as_array().unwrap().len(), keys(first)).trim_end().to_owned()
    };
    expect!["15 tools: function type description name parameters"].assert_eq(&shape(Form::Openai));
    expect!["15 tools: description input_schema name"].assert_eq(&shape(Form::Anthropic));
    expect!["15 tools: annotations description inputSchema name outputSchema title"].assert_eq(&shape(Form::Mcp));
    expect!["15 tools: annotations description inputSchema name outputSchema set title"]
        .assert_eq(&shape(Form::Json));
    let problem = Form::read("opnai").unwrap_err();
    expect!["format: is not a form of the tools (given 'opnai'; did you mean 'openai'?)"]
        .assert_eq(&problem.to_string());
}
