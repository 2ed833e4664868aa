//! Reading one table of a TOML text, with every mistake noted where it stands.
//!
//! A reader asks for the keys it knows; what nobody asked for is a problem, and the keys that were asked for are
//! what a misspelt one is compared with. So there is no second list of keys to keep.
//! Units: offsets are bytes, lines and columns count from 1.
//! Not here: which keys exist (`mod`).

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Secret;
use crate::money::Cost;
use crate::problem::{Place, Problem, nearest};
use crate::time::Span;

/// The text that is read and what is wrong with it so far.
pub(super) struct Text<'t> {
    source: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Text<'t> {
    /// A text nothing is known of yet.
    pub fn new(source: &'t str) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// Notes a mistake.
    pub fn note(&mut self, mut problem: Problem, span: Range<usize>) {
        problem.place = Some(place(self.source, span));
        self.problems.push(problem);
    }

    /// All mistakes, in the order of the text.
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.place.map(|place| place.offset));
        self.problems
    }
}

/// Line and column of a stretch of bytes.
fn place(source: &str, span: Range<usize>) -> Place {
    let start = span.start.min(source.len());
    let before = &source[..start];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place {
        line: before.matches('\n').count() + 1,
        column: source[line_start..start].chars().count() + 1,
        offset: start,
        length: span.end.saturating_sub(span.start),
    }
}

/// One table while it is read.
pub(super) struct Section<'a, 'i> {
    path: String,
    table: &'a DeTable<'i>,
    span: Range<usize>,
    asked: Vec<&'static str>,
}

type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

impl<'a, 'i> Section<'a, 'i> {
    /// The table at `path`; the path of the whole is empty.
    pub fn new(path: impl Into<String>, table: &'a DeTable<'i>, span: Range<usize>) -> Self {
        Self { path: path.into(), table, span, asked: Vec::new() }
    }

    /// Path of a key in this table.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Notes a mistake in the value of a key, or in the table that lacks it.
    pub fn refuse(&self, text: &mut Text<'_>, key: &str, problem: Problem) {
        let span = self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span);
        text.note(Problem { path: self.path(key), ..problem }, span);
    }

    /// Notes a mistake whose path is whole already, at the value of a key.
    pub fn refuse_at(&self, text: &mut Text<'_>, key: &str, problem: Problem) {
        text.note(problem, self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span));
    }

    fn get(&mut self, key: &'static str) -> Option<Value<'a, 'i>> {
        self.asked.push(key);
        self.table.get(key)
    }

    fn expected(&self, text: &mut Text<'_>, key: &str, what: &str, value: Value<'_, '_>) {
        let message = format!("{what} is expected, not {}", kind(value.get_ref()));
        text.note(Problem::new(self.path(key), message), value.span());
    }

    /// A text.
    pub fn string(&mut self, text: &mut Text<'_>, key: &'static str) -> Option<String> {
        let value = self.get(key)?;
        let read = value.get_ref().as_str().map(str::to_owned);
        if read.is_none() {
            self.expected(text, key, "a text", value);
        }
        read
    }

    /// A text that a function understands.
    pub fn parsed<T>(
        &mut self,
        text: &mut Text<'_>,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let given = self.string(text, key)?;
        match read(&given) {
            Ok(value) => Some(value),
            Err(problem) => {
                let value = problem.value.clone().unwrap_or(given);
                self.refuse(text, key, problem.value(value));
                None
            }
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, text: &mut Text<'_>, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.parsed(text, key, |given| {
            let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            found.ok_or_else(|| Problem::new("", "is not known").hint(format!("one of {}", names.join(", "))))
        })
    }

    /// A span of time such as `30s`.
    pub fn span(&mut self, text: &mut Text<'_>, key: &'static str) -> Option<Span> {
        self.parsed(text, key, |given| {
            Span::parse(given).map_err(|error| Problem::new("", format!("this {}", error.why)))
        })
    }

    /// A whole number inside a range.
    pub fn whole(&mut self, text: &mut Text<'_>, key: &'static str, range: Range<u64>) -> Option<u64> {
        let value = self.get(key)?;
        let Some(given) = value.get_ref().as_integer() else {
            self.expected(text, key, "a whole number", value);
            return None;
        };
        let digits = given.as_str().replace('_', "");
        match u64::from_str_radix(&digits, given.radix()) {
            Ok(number) if range.contains(&number) => Some(number),
            Ok(_) | Err(_) => {
                let hint = format!("{} to {}", range.start, range.end - 1);
                self.refuse(text, key, Problem::new("", "is out of range").value(given.as_str()).hint(hint));
                None
            }
        }
    }

    /// An amount of money.
    pub fn cost(&mut self, text: &mut Text<'_>, key: &'static str) -> Option<Cost> {
        let value = self.get(key)?;
        let digits = match value.get_ref() {
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.expected(text, key, "a number", value);
                return None;
            }
        };
        match Cost::parse(&digits.replace('_', "")) {
            Ok(cost) => Some(cost),
            Err(why) => {
                self.refuse(text, key, Problem::new("", why).value(digits).hint("a number from 0, such as 0.25"));
                None
            }
        }
    }

    /// True or false.
    pub fn flag(&mut self, text: &mut Text<'_>, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        let read = value.get_ref().as_bool();
        if read.is_none() {
            self.expected(text, key, "true or false", value);
        }
        read
    }

    /// A list of texts.
    pub fn strings(&mut self, text: &mut Text<'_>, key: &'static str) -> Option<Vec<String>> {
        let value = self.get(key)?;
        let Some(items) = value.get_ref().as_array() else {
            self.expected(text, key, "a list of texts", value);
            return None;
        };
        let mut read = Vec::new();
        for (place, item) in items.iter().enumerate() {
            match item.get_ref().as_str() {
                Some(word) => read.push(word.to_owned()),
                None => self.expected(text, &format!("{key}[{place}]"), "a text", item),
            }
        }
        Some(read)
    }

    /// A table inside this one.
    pub fn section(&mut self, text: &mut Text<'_>, key: &'static str) -> Option<Section<'a, 'i>> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.expected(text, key, "a table", value);
            return None;
        };
        Some(Section::new(self.path(key), table, value.span()))
    }

    /// The tables of a list of tables.
    pub fn list(&mut self, text: &mut Text<'_>, key: &'static str) -> Vec<Section<'a, 'i>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.expected(text, key, "a list of tables", value);
            return Vec::new();
        };
        let mut read = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let key = format!("{key}[{place}]");
            match item.get_ref().as_table() {
                Some(table) => read.push(Section::new(self.path(&key), table, item.span())),
                None => self.expected(text, &key, "a table", item),
            }
        }
        read
    }

    /// Every entry of a table whose keys are the user's own names; there is nothing left to `finish`.
    pub fn names(self, text: &mut Text<'_>) -> Vec<(String, Section<'a, 'i>)> {
        let mut read = Vec::new();
        for (name, value) in self.table {
            match value.get_ref().as_table() {
                Some(table) => {
                    let section = Section::new(self.path(name.get_ref()), table, value.span());
                    read.push((name.get_ref().to_string(), section));
                }
                None => self.expected(text, name.get_ref(), "a table", value),
            }
        }
        read
    }

    /// The texts of a table whose keys are the user's own names.
    pub fn words(self, text: &mut Text<'_>) -> Vec<(String, String)> {
        let mut read = Vec::new();
        for (name, value) in self.table {
            match value.get_ref().as_str() {
                Some(word) => read.push((name.get_ref().to_string(), word.to_owned())),
                None => self.expected(text, name.get_ref(), "a text", value),
            }
        }
        read
    }

    /// One text, or a list of them.
    fn texts(&mut self, text: &mut Text<'_>, key: &'static str) -> Option<Vec<String>> {
        let is_list = self.table.get(key).is_some_and(|value| value.get_ref().is_array());
        if is_list { self.strings(text, key) } else { self.string(text, key).map(|one| vec![one]) }
    }

    /// Where a secret is found: `NAME_env` or `NAME_file`. The secret itself is refused and never repeated.
    pub fn secret(&mut self, text: &mut Text<'_>, names: [&'static str; 3]) -> Option<Secret> {
        self.secrets(text, names, 1).pop()
    }

    /// The same for up to so many secrets: `NAME_env` or `NAME_file` is one name, or a list.
    pub fn secrets(&mut self, text: &mut Text<'_>, names: [&'static str; 3], most: usize) -> Vec<Secret> {
        let [literal, env, file] = names;
        if let Some(value) = self.get(literal) {
            let problem = Problem::new(self.path(literal), "a secret is named here, never written")
                .hint(format!("put it into an environment variable or a file, and write {env} or {file}"));
            text.note(problem, value.span());
        }
        let (key, found): (_, Vec<Secret>) = match (self.texts(text, env), self.texts(text, file)) {
            (Some(_), Some(_)) => {
                let problem = Problem::new("", format!("only one of {env} and {file} may be given"));
                self.refuse(text, file, problem);
                return Vec::new();
            }
            (Some(names), None) => (env, names.into_iter().map(Secret::Env).collect()),
            (None, Some(paths)) => (file, paths.into_iter().map(|path| Secret::File(path.into())).collect()),
            (None, None) => return Vec::new(),
        };
        if found.len() > most {
            let problem = Problem::new("", format!("names {} secrets", found.len()));
            self.refuse(text, key, problem.hint(format!("at most {most}")));
        }
        found
    }

    /// Whether the key is there, with a text.
    pub fn is_text(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().is_str())
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Notes every key that nobody asked for.
    pub fn finish(self, text: &mut Text<'_>) {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let problem = Problem::new(self.path(name), "is not a known key");
            let problem = match nearest(name, self.asked.iter().copied()) {
                Some(known) => problem.hint(format!("did you mean '{known}'?")),
                None => problem.hint(format!("known here: {}", self.asked.join(", "))),
            };
            text.note(problem, key.span());
        }
    }
}

/// What a value is, for a message.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
