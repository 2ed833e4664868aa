//! The machine-readable description of the Bot API, and what breaks it.
//!
//! It is not part of this repository: `CHIMEWHEEL_BOT_API` names the file, or it lies in `shared/data` beside the
//! repository. Where it is absent nothing is checked, and [`Description::load`] says so.
//! Source: PaulSonOfLars/telegram-bot-api-spec.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::{Map, Value};

/// What methods take and give.
pub struct Description(Value);

impl Description {
    pub fn load() -> Option<Self> {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/telegram-bot-api.json");
        let path = env::var_os("CHIMEWHEEL_BOT_API").map_or_else(|| PathBuf::from(beside), PathBuf::from);
        match fs::read(&path) {
            Ok(text) => Some(Self(serde_json::from_slice(&text).expect("a description"))),
            Err(error) => {
                println!("nothing is held against the description of the Bot API: {}: {error}", path.display());
                None
            }
        }
    }

    /// What is wrong with a request.
    pub fn check_request(&self, method: &str, asked: &Map<String, Value>) -> Vec<String> {
        let method = &self.0["methods"][method];
        if method.is_null() {
            return vec!["there is no such method".to_owned()];
        }
        self.check_fields(&method["fields"], asked, "")
    }

    /// What is wrong with an answer.
    pub fn check_answer(&self, method: &str, result: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.check(&self.0["methods"][method]["returns"], result, "result", &mut wrong);
        wrong
    }

    /// What is wrong with a value of a type that has a name.
    pub fn check_type(&self, name: &str, value: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.check(&Value::from(vec![name]), value, name, &mut wrong);
        wrong
    }

    /// A parameter as it would be in JSON, where it came in a form.
    pub fn read_form(&self, method: &str, name: &str, text: String) -> Value {
        let fields = self.0["methods"][method]["fields"].as_array();
        let field = fields.and_then(|fields| fields.iter().find(|field| field["name"] == name));
        let is_text =
            field.is_none_or(|field| field["types"].as_array().unwrap().iter().all(|kind| kind == "String"));
        if is_text {
            return Value::String(text);
        }
        // Booleans are written in every spelling.
        let plain = if matches!(text.as_str(), "True" | "False") { text.to_lowercase() } else { text.clone() };
        serde_json::from_str(&plain).unwrap_or(Value::String(text))
    }

    fn check_fields(&self, fields: &Value, given: &Map<String, Value>, path: &str) -> Vec<String> {
        let none = Vec::new();
        let fields = fields.as_array().unwrap_or(&none);
        let mut wrong = Vec::new();
        for field in fields {
            let name = field["name"].as_str().unwrap();
            match given.get(name) {
                Some(value) => self.check(&field["types"], value, &format!("{path}{name}"), &mut wrong),
                None if field["required"] == true => wrong.push(format!("{path}{name} is missing")),
                None => {}
            }
        }
        let unknown = given.keys().filter(|name| !fields.iter().any(|field| field["name"] == name.as_str()));
        wrong.extend(unknown.map(|name| format!("{path}{name} is not known")));
        wrong
    }

    /// A value is right when it is right as one of the types.
    fn check(&self, types: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
        let mut last = Vec::new();
        for kind in types.as_array().into_iter().flatten() {
            last = self.check_one(kind.as_str().unwrap(), value, path);
            if last.is_empty() {
                return;
            }
        }
        wrong.extend(last);
    }

    fn check_one(&self, kind: &str, value: &Value, path: &str) -> Vec<String> {
        let is_right = match kind {
            "Integer" => value.is_i64() || value.is_u64(),
            "Float" => value.is_number(),
            "String" => value.is_string(),
            "Boolean" => value.is_boolean(),
            _ => {
                let Some(inner) = kind.strip_prefix("Array of ") else { return self.check_named(kind, value, path) };
                let Some(items) = value.as_array() else { return vec![format!("{path} is no list: {value}")] };
                let each = items.iter().enumerate();
                return each.flat_map(|(at, item)| self.check_one(inner, item, &format!("{path}[{at}]"))).collect();
            }
        };
        if is_right { Vec::new() } else { vec![format!("{path} is not of type {kind}: {value}")] }
    }

    fn check_named(&self, kind: &str, value: &Value, path: &str) -> Vec<String> {
        let named = &self.0["types"][kind];
        if let Some(kinds) = named["subtypes"].as_array() {
            let all: Vec<_> = kinds.iter().map(|kind| self.check_one(kind.as_str().unwrap(), value, path)).collect();
            return if all.iter().any(Vec::is_empty) { Vec::new() } else { all.concat() };
        }
        match value.as_object() {
            Some(object) if !named.is_null() => self.check_fields(&named["fields"], object, &format!("{path}.")),
            Some(_) => vec![format!("{path} is of a type that is not known: {kind}")],
            None => vec![format!("{path} is no {kind}: {value}")],
        }
    }
}
