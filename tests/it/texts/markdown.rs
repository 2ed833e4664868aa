//! What becomes of Markdown, platform by platform: a file of cases, and what must hold for any text.
//!
//! `tests/data/markdown.txt` holds sources and what became of them; `UPDATE_EXPECT=1` writes it anew, to be read.

use std::fmt::Write;

use chimewheel::gateway::TextLimit;
use chimewheel::gateway::text::markdown::{Entity, Format, Formatted, discord_plain, html, plain, slack, telegram};
use expect_test::expect_file;
use proptest::prelude::*;

const CASES: &str = include_str!("../../data/markdown.txt");

/// An entity with the text that it formats.
fn shown(entity: &Entity, units: &[u16]) -> String {
    let Entity { format, offset, length } = entity;
    let inside = String::from_utf16(&units[*offset..offset + length]).expect("whole characters");
    let more = match format {
        Format::Pre { language: Some(language) } => format!(" {language}"),
        Format::TextLink { url } => format!(" {url}"),
        _ => String::new(),
    };
    format!("{} {offset}+{length}{more} {inside:?}", format.name())
}

fn rendered(source: &str) -> String {
    let mut all = String::new();
    let Formatted { text, entities } = telegram(source);
    writeln!(all, "--- telegram\n{text}").expect("a string");
    let units: Vec<u16> = text.encode_utf16().collect();
    for entity in &entities {
        writeln!(all, "  @ {}", shown(entity, &units)).expect("a string");
    }
    write!(all, "--- html\n{}\n--- slack\n{}\n--- plain\n{}\n", html(source), slack(source), plain(source))
        .expect("a string");
    all
}

#[test]
fn what_discord_would_take_for_signs_has_a_backslash_before_it() {
    for (source, escaped) in [
        ("a *b* _c_ ~~d~~ `e` ||f||", r"a \*b\* \_c\_ \~\~d\~\~ \`e\` \|\|f\|\|"),
        ("# a\n  ## b #c\n-# d", "\\# a\n  \\## b #c\n\\-# d"),
        ("> a > b\n>>> c", "\\> a > b\n\\>>> c"),
        ("- a - b\n-5 degrees\n* c", "\\- a - b\n\\-5 degrees\n\\* c"),
        ("12. a 3. b\n1.5 c\n. d", "12\\. a 3. b\n1\\.5 c\n. d"),
        (
            "[a](https://e.example/a_b_c) <@1> <t:1> @everyone",
            r"\[a](https://e.example/a_b_c) \<@1> \<t:1> @everyone",
        ),
        (r"C:\new\*.txt ¯\_(ツ)_/¯", r"C:\\new\\\*.txt ¯\\\_(ツ)\_/¯"),
        ("https://e.example/_a_ _b_ xhttp://c_d", r"https://e.example/_a_ \_b\_ xhttp://c\_d"),
        ("<https://e.example/_a_>\n_b", "\\<https://e.example/_a_>\n\\_b"),
    ] {
        assert_eq!(discord_plain(source), escaped);
    }
}

#[test]
fn every_case_comes_out_as_recorded() {
    let mut again = String::new();
    for case in CASES.split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').expect("a name");
        let source = rest.split("--- telegram\n").next().expect("a source");
        let source = source.strip_suffix('\n').unwrap_or(source);
        write!(again, "=== {name}\n{source}\n{}", rendered(source)).expect("a string");
    }
    expect_file!["../../data/markdown.txt"].assert_eq(&again);
}

/// Texts that are full of signs.
fn signs() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(vec![
        "a",
        "b ",
        "wörd",
        "😀",
        "e\u{301}",
        " ",
        "\n",
        "\n\n",
        "  \n",
        "*",
        "**",
        "***",
        "_",
        "~~",
        "`",
        "``",
        "```\n",
        "```rust\n",
        "~~~\n",
        "> ",
        "- ",
        "1. ",
        "7) ",
        "    ",
        "\t",
        "# ",
        "---\n",
        "===\n",
        "[",
        "]",
        "(",
        ")",
        "](https://e.example)",
        "](x:y)",
        "![",
        "[r]",
        "\n[r]: https://e.example\n",
        "<https://e.example>",
        "<b>",
        "<!--",
        "&amp;",
        "&",
        "<",
        ">",
        "\"",
        "\\",
        "|",
        "|-|-|\n",
        "\n| a | b |\n|---|---|\n| c | d |\n",
        "\r\n",
        "\u{a0}",
        "\u{200b}",
        "\0",
        "https://e.example/a_b_c",
    ]);
    prop::collection::vec(sign, 0..60).prop_map(|signs| signs.concat())
}

/// What the Bot API asks of entities.
fn assert_entities(source: &str) {
    let Formatted { text, entities } = telegram(source);
    let units: Vec<u16> = text.encode_utf16().collect();
    assert!(units.len() <= source.encode_utf16().count(), "{source:?} grew to {text:?}");
    assert_eq!(text.trim(), text, "{source:?}");
    assert_eq!(text.is_empty(), source.trim().is_empty(), "{source:?}");
    assert!(entities.len() <= 100, "{source:?}");
    assert!(
        entities.is_sorted_by_key(|entity| (entity.offset, usize::MAX - entity.length)),
        "{source:?}: {entities:?}"
    );
    let is_code = |entity: &Entity| matches!(entity.format, Format::Code | Format::Pre { .. });
    let is_link = |entity: &Entity| matches!(entity.format, Format::TextLink { .. });
    for (index, entity) in entities.iter().enumerate() {
        let end = entity.offset + entity.length;
        let inside = String::from_utf16(&units[entity.offset..end]).expect("whole characters");
        assert!(!inside.is_empty() && inside.trim() == inside, "{source:?}: {entity:?} {inside:?}");
        for inner in entities[index + 1..].iter().take_while(|inner| inner.offset < end) {
            assert!(inner.offset + inner.length <= end, "{source:?}: {entity:?} {inner:?} cross");
            assert!(!is_code(entity), "{source:?}: {entity:?} holds {inner:?}");
            assert_ne!(entity.format, inner.format, "{source:?}: {entity:?} {inner:?}");
            assert!(!is_link(entity) || !is_code(inner) && !is_link(inner), "{source:?}: {entity:?} {inner:?}");
            let holds_code = matches!(entity.format, Format::Blockquote);
            assert!(!is_code(inner) || holds_code, "{source:?}: {entity:?} holds {inner:?}");
        }
    }
}

/// Tags are allowed ones, with allowed attributes, closed in order; all else is escaped.
fn assert_html(source: &str) {
    const TAGS: &[&str] = &[
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "pre",
        "code",
        "ul",
        "ol",
        "li",
        "table",
        "thead",
        "tr",
        "th",
        "td",
        "em",
        "strong",
        "del",
        "a",
    ];
    let html = html(source);
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.as_str();
    while let Some(at) = rest.find(['<', '>', '&', '"']) {
        assert!(!rest[at..].starts_with(['>', '"']), "{source:?}: {html}");
        if rest[at..].starts_with('&') {
            let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
            assert!(known.iter().any(|known| rest[at..].starts_with(known)), "{source:?}: {html}");
            rest = &rest[at + 1..];
            continue;
        }
        let end = at + rest[at..].find('>').expect("a tag's end");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let (name, attribute) = tag.split_once(' ').unwrap_or((tag, ""));
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{source:?}: {html}");
            continue;
        }
        let is_known = match (name, attribute.split_once('=')) {
            ("br" | "hr", None) if attribute.is_empty() => continue,
            ("a", Some(("href", address))) => {
                let schemes = ["\"http://", "\"https://", "\"ftp://", "\"mailto:", "\"magnet:"];
                schemes.iter().any(|scheme| address.to_lowercase().starts_with(scheme))
            }
            ("ol", Some(("start", number))) => number.trim_matches('"').parse::<u64>().is_ok(),
            ("code", Some(("class", class))) => class.starts_with("\"language-"),
            ("a", _) => false,
            _ => attribute.is_empty() && TAGS.contains(&name),
        };
        assert!(is_known && attribute.matches('"').count() % 2 == 0, "{source:?}: <{tag}> in {html}");
        open.push(name);
        assert!(open.len() <= 2 * 32, "{source:?}");
    }
    assert_eq!(open, [""; 0], "{source:?}: {html}");
    assert_eq!(html.is_empty(), source.trim().is_empty(), "{source:?}: {html}");
}

/// Only links of known schemes stand between `<` and `>`, and only the three escapes begin with `&`.
fn assert_slack(source: &str) {
    let slack = slack(source);
    let mut rest = slack.as_str();
    while let Some(at) = rest.find(['<', '&']) {
        let here = &rest[at..];
        let is_escape = ["&amp;", "&lt;", "&gt;"].iter().any(|known| here.starts_with(known));
        let is_link = ["<http://", "<https://", "<mailto:"].iter().any(|known| here.starts_with(known))
            && here.find('>').is_some_and(|end| here[..end].contains('|') && !here[..end].contains('\n'));
        assert!(is_escape || is_link, "{source:?}: {slack}");
        rest = &here[1..];
    }
    assert_eq!(slack.trim().is_empty(), source.trim().is_empty(), "{source:?}: {slack}");
}

/// The same text but for backslashes, no longer than is reckoned.
fn assert_discord(source: &str) {
    let escaped = discord_plain(source);
    assert!(TextLimit::Utf16(0).measure(&escaped) <= TextLimit::Escaped(0).measure(source), "{source:?}");
    let bare = |text: &str| text.replace('\\', "");
    assert_eq!(bare(&escaped), bare(source), "{source:?}: {escaped}");
    if source.contains("http") {
        return;
    }
    let (mut seen, mut chars) = (String::new(), escaped.chars());
    while let Some(c) = chars.next() {
        seen.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    assert_eq!(seen, source, "{escaped}");
}

fn assert_all(source: &str) {
    assert_discord(source);
    assert_entities(source);
    assert_html(source);
    assert_slack(source);
    assert_eq!(plain(source).trim().is_empty(), source.trim().is_empty(), "{source:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_signs_come_out_valid(source in signs()) {
        assert_all(&source);
    }

    #[test]
    fn any_text_comes_out_valid(source in any::<String>()) {
        assert_all(&source);
    }
}

#[test]
fn the_cases_come_out_valid() {
    for case in CASES.split("=== ").skip(1) {
        let (_, rest) = case.split_once('\n').expect("a name");
        assert_all(rest.split("--- telegram\n").next().expect("a source"));
    }
}

#[test]
fn hostile_texts_come_out_valid() {
    let rising = |unit: &str, count: usize| (1..count).map(|times| unit.repeat(times) + " ").collect::<String>();
    let hostile = [
        "- ".repeat(10_000) + "a\n" + "\n".repeat(20_000).as_str(),
        "> ".repeat(10_000) + "a" + "\n> b".repeat(2000).as_str(),
        "> a\n\n".repeat(8000),
        "*a ".repeat(15_000),
        "**a".repeat(15_000),
        "*a_b".repeat(15_000),
        "[".repeat(40_000),
        "[a](".repeat(10_000),
        "![a](b)".repeat(8000),
        "[a][r] ".repeat(8000) + "\n\n[r]: x:" + "y".repeat(4000).as_str(),
        "[a][r] ".repeat(8000) + "\n\n[r]: https://e.example/" + "y".repeat(4000).as_str(),
        rising("`", 300),
        "<a ".repeat(15_000),
        "<!-- ".repeat(10_000),
        "|a".repeat(10_000) + "\n" + "|-".repeat(10_000).as_str() + "\n|b".repeat(5000).as_str(),
        "`a` ".repeat(12_000),
        "&amp;".repeat(10_000),
        "\\".repeat(40_000),
        (0..180).map(|level| "  ".repeat(level) + "- a\n").collect::<String>(),
    ];
    for source in &hostile {
        assert_all(source);
    }
}

#[test]
fn links_beyond_what_telegram_keeps_are_written_out() {
    let Formatted { text, entities } = telegram(&"**a** [b](https://e.example) ".repeat(150));
    assert_eq!(entities.len(), 100);
    assert!(entities.iter().all(|entity| matches!(entity.format, Format::TextLink { .. })));
    assert_eq!(text.matches("b (https://e.example)").count(), 50);
}
