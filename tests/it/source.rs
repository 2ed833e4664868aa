//! Rust source, split into what is code and what is comment, for `tidy` to read.
//!
//! Not a parser: it knows comments, strings, characters and braces, which is what the rules need.

use std::path::Path;

/// One source file.
pub struct Source {
    /// Its path from the top of the repository, with `/`.
    pub path: String,
    /// Its lines as they are.
    pub raw: Vec<String>,
    /// Its lines with comments gone and the insides of strings blank.
    pub code: Vec<String>,
    /// The text of the comments of each line, without their slashes.
    pub comments: Vec<String>,
}

/// A function: its name, its signature and the lines it spans, counted from 0.
pub struct Function {
    pub name: String,
    pub signature: String,
    pub first: usize,
    pub last: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Code,
    LineComment,
    BlockComment(u32),
    Text,
    RawText(usize),
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let raw = text.lines().map(str::to_owned).collect();
        Self { path: path.to_owned(), raw, code, comments }
    }

    /// Every `.rs` file under a folder of the repository, but for what a build put there.
    pub fn all_under(folder: &str) -> Vec<Self> {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        let mut folders = vec![top.join(folder)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for path in entries.map(|entry| entry.expect("a readable folder").path()) {
                if path.is_dir() {
                    folders.extend(Some(path).filter(|path| !path.ends_with("target")));
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(top).expect("inside the repository").to_string_lossy();
                    let text = std::fs::read_to_string(&path).expect("a readable file");
                    found.push(Self::new(&name.replace('\\', "/"), &text));
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    /// The line after which the braces that open at or after `(line, column)` are closed; `None` when a `;` comes first.
    pub fn block_end(&self, line: usize, column: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut nested = 0_usize;
        for (at, code) in self.code.iter().enumerate().skip(line) {
            let from = if at == line { column } else { 0 };
            for c in code.chars().skip(from) {
                match c {
                    '(' | '[' => nested += 1,
                    ')' | ']' => nested = nested.saturating_sub(1),
                    '{' => depth += 1,
                    '}' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            return Some(at);
                        }
                    }
                    ';' if depth == 0 && nested == 0 => return None,
                    _ => {}
                }
            }
        }
        None
    }

    /// All functions that have a body or a signature of their own.
    pub fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for (first, code) in self.code.iter().enumerate() {
            for column in words(code, "fn") {
                let name: String = code[column + 2..].trim_start().chars().take_while(|&c| is_word(c)).collect();
                if name.is_empty() {
                    continue;
                }
                let rest = std::iter::once(&code[column..]).chain(self.code[first + 1..].iter().map(String::as_str));
                let rest = rest.take(40).collect::<Vec<_>>().join(" ");
                let end = rest.find(['{', ';']).unwrap_or(rest.len());
                let last = self.block_end(first, column).unwrap_or(first);
                functions.push(Function { name, signature: rest[..end].to_owned(), first, last });
            }
        }
        functions
    }

    /// For each line, whether it belongs to an item under `#[cfg(test)]`.
    pub fn test_lines(&self) -> Vec<bool> {
        let mut test = vec![false; self.code.len()];
        for (line, code) in self.code.iter().enumerate() {
            if code.contains("#[cfg(test)]") {
                let last = self.block_end(line + 1, 0).unwrap_or(line + 1);
                test[line..=last.min(self.code.len() - 1)].fill(true);
            }
        }
        test
    }
}

/// Whether a character can be part of a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where in a text something stands that does not merely end or begin a longer name.
pub fn words(text: &str, wanted: &str) -> Vec<usize> {
    let starts_word = wanted.starts_with(is_word);
    let ends_word = wanted.ends_with(is_word);
    let apart = |&at: &usize| {
        let before = text[..at].chars().next_back().is_some_and(is_word);
        let after = text[at + wanted.len()..].chars().next().is_some_and(is_word);
        !(starts_word && before || ends_word && after)
    };
    text.match_indices(wanted).map(|(at, _)| at).filter(apart).collect()
}

/// The code and the comments of each line.
fn split(text: &str) -> (Vec<String>, Vec<String>) {
    let mut state = State::Code;
    let (mut code, mut comments) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let chars: Vec<char> = line.chars().collect();
        let (mut kept, mut said) = (String::new(), String::new());
        let mut at = 0;
        while at < chars.len() {
            let (next, used) = step(state, &chars[at..], kept.chars().next_back());
            match (state, next) {
                (State::LineComment | State::BlockComment(_), _) => said.extend(&chars[at..at + used]),
                (State::Code, State::Code | State::Text | State::RawText(_)) => kept.extend(&chars[at..at + used]),
                (State::Text | State::RawText(_), State::Code) => kept.push('"'),
                _ => {}
            }
            state = next;
            at += used;
        }
        if state == State::LineComment {
            state = State::Code;
        }
        code.push(kept);
        comments.push(said);
    }
    (code, comments)
}

/// What comes next, and how many characters go to it.
fn step(state: State, rest: &[char], before: Option<char>) -> (State, usize) {
    let second = rest.get(1).copied();
    match (state, rest[0]) {
        (State::Code, '/') if second == Some('/') => (State::LineComment, 2),
        (State::Code, '/') if second == Some('*') => (State::BlockComment(1), 2),
        (State::Code, '"') => (State::Text, 1),
        (State::Code, 'r') if !before.is_some_and(is_word) || before == Some('b') => {
            let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
            if rest.get(1 + hashes) == Some(&'"') { (State::RawText(hashes), hashes + 2) } else { (State::Code, 1) }
        }
        // A character, not a lifetime: it is closed one or, escaped, a few characters on.
        (State::Code, '\'') if second == Some('\\') => {
            let end = rest.iter().skip(3).position(|&c| c == '\'').map_or(rest.len(), |end| end + 4);
            (State::Code, end)
        }
        (State::Code, '\'') if rest.get(2) == Some(&'\'') => (State::Code, 3),
        (State::BlockComment(depth), '*') if second == Some('/') => {
            (if depth == 1 { State::Code } else { State::BlockComment(depth - 1) }, 2)
        }
        (State::BlockComment(depth), '/') if second == Some('*') => (State::BlockComment(depth + 1), 2),
        (State::Text, '\\') => (State::Text, rest.len().min(2)),
        (State::Text, '"') => (State::Code, 1),
        (State::RawText(hashes), '"') if rest.len() > hashes && rest[1..=hashes].iter().all(|&c| c == '#') => {
            (State::Code, hashes + 1)
        }
        (state, _) => (state, 1),
    }
}

#[test]
fn comments_and_strings_are_told_from_code() {
    let text = "let a = \"x // y\"; // said\n/* b /* c */ */ let d = '\"'; let e: &'a str = r#\"q\"u\"#;\n'\\'' z";
    let source = Source::new("src/x.rs", text);
    assert_eq!(source.code[0].trim_end(), "let a = \"\";");
    assert_eq!(source.comments[0], " said");
    assert_eq!(source.code[1].trim(), "let d = '\"'; let e: &'a str = r#\"\";");
    assert_eq!(source.code[2], "'\\'' z");
}

#[test]
fn functions_are_found_with_their_ends() {
    let source = Source::new("src/x.rs", "fn a(b: fn(u8), c: [u8; 2])\n{\n  if x { y }\n}\ntrait T { fn d(); }");
    let found: Vec<_> = source.functions().into_iter().map(|f| (f.name, f.first, f.last)).collect();
    assert_eq!(found, [("a".to_owned(), 0, 3), ("d".to_owned(), 4, 4)]);
}
