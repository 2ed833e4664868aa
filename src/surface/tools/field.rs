//! Parameters of tools, and the JSON Schemas that say them to a model.
//!
//! Every schema of arguments is one flat object: model providers refuse choices and references at the top of one.
//! Invariant: what the schema allows, `arguments` reads; bounds of numbers are judged where the numbers are used.
//! Not here: reading what a model sends (`arguments`).

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// What it means, for a model.
    pub about: &'static str,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A whole number, at least this.
    Whole(i64),
    /// True or false.
    Flag,
    /// A map.
    Map,
    /// A map; a text alone is read as this entry of it.
    MapWith(&'static str),
}

impl Field {
    /// A parameter that may be left out.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, required: false, about }
    }

    /// The same, as one that must be given.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Word(words) => json!({"type": "string", "enum": words}),
            Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Kind::Whole(least) => json!({"type": "integer", "minimum": least}),
            Kind::Flag => json!({"type": "boolean"}),
            Kind::Map | Kind::MapWith(_) => json!({"type": "object"}),
        };
        schema["description"] = json!(self.about);
        schema
    }
}

/// The schema of all arguments of a tool.
#[must_use]
pub fn input(fields: &[Field]) -> Map<String, Value> {
    let properties: Map<String, Value> = fields.iter().map(|field| (field.name.to_owned(), field.schema())).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// The schema of what a tool tells in structured form: a reply, or what went wrong.
#[must_use]
pub fn output(reply: fn(&mut SchemaGenerator) -> Schema) -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = reply(&mut settings.into_generator()).to_value();
    let Value::Object(mut schema) = schema else { return Map::new() };
    schema.remove("title");
    // A tool that fails tells an error instead, in the same place.
    let required = schema.remove("required").unwrap_or_else(|| json!([]));
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("anyOf".to_owned(), json!([{"required": required}, {"required": ["error"]}]));
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let about = "what went wrong, as a problem document (RFC 9457)";
        properties.insert("error".to_owned(), json!({"type": "object", "description": about}));
    }
    schema
}
