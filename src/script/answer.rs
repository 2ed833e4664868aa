//! `result`: what the runner said, as a text and, where it is JSON, as a value.
//!
//! Invariant: the text is read as JSON at most once, and only when somebody asks.
//! Not here: what counts as silent (`runtime`, which reads the policy).

use std::sync::{Arc, OnceLock};

use rhai::{Dynamic, Engine, ImmutableString, Map};

use super::guard::{Outcome, charge};
use super::{json, show};

/// The runner's text.
#[derive(Clone, Debug)]
pub(super) struct Answer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    text: ImmutableString,
    json: OnceLock<Dynamic>,
}

impl Answer {
    pub(super) fn new(text: &str) -> Self {
        Self(Arc::new(Inner { text: text.into(), json: OnceLock::new() }))
    }

    pub(super) fn text(&self) -> ImmutableString {
        self.0.text.clone()
    }

    fn json(&self) -> &Dynamic {
        self.0.json.get_or_init(|| json::from_text(fenced(&self.0.text)).unwrap_or(Dynamic::UNIT))
    }

    /// A field of the JSON; nothing where there is none.
    fn field(&self, name: &str) -> Dynamic {
        self.json().read_lock::<Map>().and_then(|map| map.get(name).cloned()).unwrap_or(Dynamic::UNIT)
    }
}

/// Without the code fence that models like to put around JSON.
fn fenced(text: &str) -> &str {
    let trimmed = text.trim();
    let inside = trimmed.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inside.and_then(|inside| inside.split_once('\n')).map_or(trimmed, |(_, json)| json.trim())
}

/// Tells the engine of it. Whatever takes a text takes the result too.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Answer>("result");
    engine.register_get("text", |answer: &mut Answer| answer.text());
    engine.register_get("json", |answer: &mut Answer| -> Outcome<Dynamic> {
        charge(answer.0.text.len())?;
        Ok(answer.json().clone())
    });
    engine.register_indexer_get(|answer: &mut Answer, name: &str| -> Outcome<Dynamic> {
        charge(answer.0.text.len())?;
        Ok(answer.field(name))
    });
    engine.register_indexer_set(|_: &mut Answer, name: &str, _: Dynamic| -> Outcome<()> {
        Err(format!("result.{name} cannot be changed; take a copy, `let answer = result.json;`").into())
    });
    engine.register_fn("==", |a: Answer, b: &str| a.0.text == b);
    engine.register_fn("==", |a: &str, b: Answer| b.0.text == a);
    engine.register_fn("==", |a: Answer, b: Answer| a.0.text == b.0.text);
    engine.register_fn("!=", |a: Answer, b: &str| a.0.text != b);
    engine.register_fn("!=", |a: &str, b: Answer| b.0.text != a);
    engine.register_fn("+", |a: Answer, b: Answer| show::joined(&a.0.text, &b.0.text));
    engine.register_fn("+", |a: Answer, b: Dynamic| show::joined(&a.0.text, &show::shown(&b)?));
}
