//! What a model sends as arguments, read kindly: what is unambiguous is taken, the rest is refused.
//!
//! Taken besides the plain form: null or an empty text for "not given", numbers and flags as texts, texts as numbers,
//! JSON inside a text, `chatId` for `chat_id`, the parts of a schedule file (`schedule: {cron: …}`), a value inside a
//! map of its own name, and everything inside one `arguments`.
//! Invariant: every argument is either read or named in a problem. Not here: what the values mean (`spec`).

use serde_json::{Map, Value, json};

use super::field::{Field, Kind};
use crate::limits;
use crate::problem::{Problem, nearest};
use crate::spec::tree::shorten;

/// Keys that some models wrap all arguments in.
const WRAPPERS: [&str; 6] = ["arguments", "args", "input", "params", "parameters", "kwargs"];
/// Parts of a schedule file, whose entries stand at the top of a tool's arguments.
const PARTS: [&str; 5] = ["schedule", "trigger", "payload", "destination", "retry"];
/// Other words for a parameter.
const ALIASES: [(&str, &str); 4] =
    [("tz", "timezone"), ("zone", "timezone"), ("expr", "cron"), ("expression", "cron")];

/// Parameters that a hint names one by one.
const NAMES_SHOWN: usize = 12;

/// Arguments that were read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments {
    values: Map<String, Value>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Parameters that must be given and are not.
    pub missing: Vec<&'static str>,
}

impl Arguments {
    /// Reads what was sent for these parameters.
    #[must_use]
    pub fn read(fields: &[Field], sent: Value) -> Self {
        let mut reader = Reader { fields, read: Self::default() };
        match opened(sent, fields) {
            Ok(map) => reader.entries(map, "", 0),
            Err(problem) => reader.read.problems.push(problem),
        }
        let mut read = reader.read;
        let is_missing = |field: &&Field| field.required && !read.values.contains_key(field.name);
        let refused = |name: &str| read.problems.iter().any(|problem| problem.path == name);
        let missing: Vec<&str> = fields.iter().filter(is_missing).map(|field| field.name).collect();
        read.missing = missing.into_iter().filter(|name| !refused(name)).collect();
        read
    }

    /// Nothing but what could not be read.
    #[must_use]
    pub fn only_problems(self) -> Self {
        Self { problems: self.problems, ..Self::default() }
    }

    /// A text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    /// A whole number.
    #[must_use]
    pub fn whole(&self, name: &str) -> Option<i64> {
        self.values.get(name).and_then(Value::as_i64)
    }

    /// A text, taken out.
    pub fn take_text(&mut self, name: &str) -> Option<String> {
        match self.values.remove(name)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    /// A whole number, taken out.
    pub fn take_whole(&mut self, name: &str) -> Option<i64> {
        self.values.remove(name).and_then(|value| value.as_i64())
    }

    /// A flag, taken out; unset is false.
    pub fn take_flag(&mut self, name: &str) -> bool {
        self.values.remove(name).and_then(|value| value.as_bool()).unwrap_or(false)
    }

    /// A list of texts, taken out.
    pub fn take_texts(&mut self, name: &str) -> Vec<String> {
        let Some(Value::Array(texts)) = self.values.remove(name) else { return Vec::new() };
        texts.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    }

    /// Whether it was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Names of everything that is left.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.values.keys().map(String::as_str).collect()
    }

    /// Gives it this value.
    pub fn set(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// Everything that is left, as it stands at the top of a schedule.
    #[must_use]
    pub fn rest(&self) -> Value {
        Value::Object(self.values.clone())
    }
}

/// The map of arguments, out of whatever it was wrapped in.
fn opened(sent: Value, fields: &[Field]) -> Result<Map<String, Value>, Problem> {
    let mut sent = sent;
    for _ in 0..limits::ARGUMENT_LEVELS_MAX {
        let map = match sent {
            Value::Null => return Ok(Map::new()),
            Value::String(text) if text.trim().is_empty() => return Ok(Map::new()),
            Value::String(text) => {
                sent = serde_json::from_str(&text).map_err(|error| {
                    Problem::new("", format!("the arguments are not JSON: {error}")).value(shorten(&text))
                })?;
                continue;
            }
            Value::Object(map) => map,
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                return Err(Problem::new("", "the arguments must be a JSON object").value(shorten(&sent.to_string())));
            }
        };
        let wrapper = map.keys().next().filter(|key| {
            let wraps = map[key.as_str()].is_object() || map[key.as_str()].is_string();
            map.len() == 1 && wraps && WRAPPERS.contains(&key.as_str()) && field(fields, key).is_none()
        });
        match wrapper.cloned().and_then(|key| map.get(&key).cloned()) {
            Some(inner) => sent = inner,
            None => return Ok(map),
        }
    }
    Err(Problem::new("", "the arguments are wrapped too deep").hint("write one JSON object"))
}

/// The parameter that a key means: by its name, its spelling in another style, or another word for it.
fn field<'f>(fields: &'f [Field], key: &str) -> Option<&'f Field> {
    let plain = |name: &str| name.chars().filter(|c| !matches!(c, '_' | '-')).collect::<String>().to_lowercase();
    let same = |name: &str| fields.iter().find(|field| plain(field.name) == plain(name));
    let meant = || ALIASES.iter().find(|(alias, _)| *alias == key).and_then(|(_, name)| same(name));
    fields.iter().find(|field| field.name == key).or_else(|| same(key)).or_else(meant)
}

struct Reader<'f> {
    fields: &'f [Field],
    read: Arguments,
}

impl Reader<'_> {
    fn entries(&mut self, map: Map<String, Value>, within: &str, level: usize) {
        for (key, value) in map {
            if self.read.problems.len() >= limits::PROBLEMS_COUNT_MAX {
                return;
            }
            self.entry(&key, value, within, level);
        }
    }

    fn entry(&mut self, key: &str, value: Value, within: &str, level: usize) {
        // `{cron: {value: …}}` names nothing but what is around it.
        let named = field(self.fields, key);
        let found = if key == "value" && named.is_none() { field(self.fields, within) } else { named };
        match (found, value) {
            (_, Value::Null) if found.is_some() || PARTS.contains(&key) => {}
            (Some(found), Value::Object(map))
                if !matches!(found.kind, Kind::Map | Kind::MapWith(_)) && level < limits::ARGUMENT_LEVELS_MAX =>
            {
                self.entries(map, found.name, level + 1);
            }
            (Some(found), value) => self.value(*found, value),
            (None, Value::Object(map)) if PARTS.contains(&key) && level < limits::ARGUMENT_LEVELS_MAX => {
                self.entries(map, key, level + 1);
            }
            (None, _) => self.unknown(key),
        }
    }

    fn unknown(&mut self, key: &str) {
        let known = || self.fields.iter().map(|field| field.name);
        let hint = match nearest(key, known()) {
            Some(meant) => format!("did you mean '{meant}'?"),
            None if self.fields.is_empty() => "this tool has no parameters".to_owned(),
            None if self.fields.len() > NAMES_SHOWN => "the schema of the tool names its parameters".to_owned(),
            None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        self.read.problems.push(Problem::new(shorten(key), "is not a parameter of this tool").hint(hint));
    }

    fn value(&mut self, field: Field, value: Value) {
        let shown = match &value {
            Value::String(text) => shorten(text),
            other => shorten(&other.to_string()),
        };
        match readable(field.kind, value) {
            Ok(None) => {}
            Ok(Some(value)) => match self.read.values.get(field.name) {
                Some(first) if *first != value => {
                    let problem = Problem::new(field.name, "is given twice, differently").value(shown);
                    self.read.problems.push(problem.hint("keep one of them"));
                }
                Some(_) | None => self.read.set(field.name, value),
            },
            Err(problem) => self.read.problems.push(Problem { path: field.name.to_owned(), ..problem.value(shown) }),
        }
    }
}

/// The value in the form of its kind; `None` when it only says that nothing is given.
fn readable(kind: Kind, value: Value) -> Result<Option<Value>, Problem> {
    let wrong = |what: &str| Err(Problem::new("", format!("must be {what}")));
    match (kind, value) {
        (Kind::Text | Kind::Word(_) | Kind::Whole(_) | Kind::Flag | Kind::MapWith(_), Value::String(text))
            if text.trim().is_empty() =>
        {
            Ok(None)
        }
        (Kind::Text, value @ Value::String(_)) => Ok(Some(value)),
        (Kind::Text, Value::Number(number)) => Ok(Some(json!(number.to_string()))),
        (Kind::Text, _) => wrong("text"),
        (Kind::Word(words), Value::String(text)) => {
            let word = words.iter().find(|word| word.eq_ignore_ascii_case(text.trim()));
            word.map(|word| Some(json!(word))).ok_or_else(|| {
                let problem = Problem::new("", "is not one of its words");
                match nearest(&text, words.iter().copied()) {
                    Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
                    None => problem.hint(words.join(", ")),
                }
            })
        }
        (Kind::Word(words), _) => wrong(&format!("one of {}", words.join(", "))),
        (Kind::Whole(_), Value::Number(number)) => match whole(&number) {
            Some(number) => Ok(Some(json!(number))),
            None => wrong("a whole number"),
        },
        (Kind::Whole(_), Value::String(text)) => match text.trim().parse::<i64>() {
            Ok(number) => Ok(Some(json!(number))),
            Err(_) => wrong("a whole number"),
        },
        (Kind::Whole(_), _) => wrong("a whole number"),
        (Kind::Flag, value @ Value::Bool(_)) => Ok(Some(value)),
        (Kind::Flag, Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Some(json!(true))),
            "false" => Ok(Some(json!(false))),
            _ => wrong("true or false"),
        },
        (Kind::Flag, _) => wrong("true or false"),
        (Kind::Texts, Value::Array(items)) if items.iter().all(Value::is_string) => Ok(Some(json!(items))),
        (Kind::Texts, Value::String(text)) => match serde_json::from_str(&text) {
            Ok(Value::Array(items)) => readable(kind, Value::Array(items)),
            Ok(_) | Err(_) => Ok(Some(json!([text]))),
        },
        (Kind::Texts, _) => wrong("a list of texts"),
        (Kind::Map | Kind::MapWith(_), value @ Value::Object(_)) => Ok(Some(value)),
        (Kind::MapWith(entry), Value::String(text)) => match serde_json::from_str(&text) {
            Ok(value @ Value::Object(_)) => Ok(Some(value)),
            Ok(_) | Err(_) => Ok(Some(json!({ entry: text }))),
        },
        (Kind::Map, Value::String(text)) => match serde_json::from_str(&text) {
            Ok(value @ Value::Object(_)) => Ok(Some(value)),
            Ok(_) | Err(_) => wrong("a map"),
        },
        (Kind::Map | Kind::MapWith(_), _) => wrong("a map"),
    }
}

/// A whole number, also when it was written as `3.0`.
fn whole(number: &serde_json::Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let real = || number.as_f64().filter(|real| real.fract() == 0.0 && real.abs() <= EXACT);
    number.as_i64().or_else(|| real().map(|real| real as i64))
}
