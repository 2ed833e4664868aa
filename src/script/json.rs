//! JSON in and out of scripts.
//!
//! Invariants: what `to_text` writes, `from_text` reads back as the same, but for times and durations, which become
//! their text; nothing is written that is deeper than [`limits::SCRIPT_DATA_LEVELS_MAX`].
//! Units: bytes. Not here: `to_json` and `parse_json` as scripts call them (`text`).

use rhai::{Array, Dynamic, ImmutableString, Map};
use serde_json::Value;

use super::show;
use crate::limits;

/// A value of JSON as a script has it.
pub(super) fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| number.as_f64().unwrap_or(f64::NAN).into(), Dynamic::from)
        }
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => Dynamic::from_array(items.iter().map(to_dynamic).collect()),
        Value::Object(fields) => {
            Dynamic::from_map(fields.iter().map(|(key, value)| (key.as_str().into(), to_dynamic(value))).collect())
        }
    }
}

/// Reads JSON; an error says what is wrong and where.
pub(super) fn from_text(text: &str) -> Result<Dynamic, String> {
    serde_json::from_str::<Value>(text).map(|value| to_dynamic(&value)).map_err(|error| error.to_string())
}

/// Writes JSON; an error says why it cannot be written, as the rest of a sentence.
pub(super) fn to_text(value: &Dynamic, bytes_max: usize) -> Result<String, String> {
    let mut writer = Writer { text: String::new(), bytes_max };
    writer.value(value, 0)?;
    writer.check()?;
    Ok(writer.text)
}

/// The same of a map.
pub(super) fn map_to_text(map: &Map, bytes_max: usize) -> Result<String, String> {
    let mut writer = Writer { text: String::new(), bytes_max };
    writer.map(map, 0)?;
    writer.check()?;
    Ok(writer.text)
}

struct Writer {
    text: String,
    bytes_max: usize,
}

impl Writer {
    fn value(&mut self, value: &Dynamic, level: usize) -> Result<(), String> {
        self.check()?;
        let levels = limits::SCRIPT_DATA_LEVELS_MAX;
        if level > levels {
            return Err(format!("has more than {levels} lists and maps inside one another"));
        }
        if let Some(items) = value.read_lock::<Array>() {
            self.list(&items, level)?;
        } else if let Some(map) = value.read_lock::<Map>() {
            self.map(&map, level)?;
        } else if let Some(text) = value.read_lock::<ImmutableString>() {
            self.quoted(&text)?;
        } else if value.is_unit() {
            self.text.push_str("null");
        } else if let Ok(flag) = value.as_bool() {
            self.text.push_str(if flag { "true" } else { "false" });
        } else if let Ok(number) = value.as_int() {
            self.text.push_str(&number.to_string());
        } else if let Ok(number) = value.as_float() {
            let number = serde_json::Number::from_f64(number).ok_or("holds a number that JSON does not have")?;
            self.text.push_str(&number.to_string());
        } else {
            let text = show::plain(value).ok_or_else(|| format!("cannot hold {}", show::kind(value)))?;
            self.quoted(&text)?;
        }
        Ok(())
    }

    fn list(&mut self, items: &[Dynamic], level: usize) -> Result<(), String> {
        self.text.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.value(item, level + 1)?;
        }
        self.text.push(']');
        Ok(())
    }

    fn map(&mut self, map: &Map, level: usize) -> Result<(), String> {
        self.text.push('{');
        for (index, (key, value)) in map.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.quoted(key)?;
            self.text.push(':');
            self.value(value, level + 1)?;
        }
        self.text.push('}');
        Ok(())
    }

    fn quoted(&mut self, text: &str) -> Result<(), String> {
        self.text.push_str(&serde_json::to_string(text).map_err(|error| error.to_string())?);
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if self.text.len() > self.bytes_max {
            return Err(format!("is more than {} bytes as JSON", self.bytes_max));
        }
        Ok(())
    }
}
