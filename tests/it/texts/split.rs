//! How long texts are cut: cases, and what must hold for any text in any unit.

use std::collections::BTreeSet;

use chimewheel::gateway::TextLimit;
use chimewheel::gateway::text::markdown::{Format, telegram};
use chimewheel::gateway::text::{Numbering, SplitError, split};
use proptest::prelude::*;

/// Parts of at most 64 characters.
fn cut(text: &str) -> Vec<String> {
    split(text, TextLimit::Chars(64), Numbering::Off).expect("parts")
}

/// A number of words of five letters with blanks between, which are six times as many characters less one.
fn words(count: usize) -> String {
    vec!["words"; count].join(" ")
}

#[test]
fn a_text_that_fits_stays_as_it_is() {
    let text = format!("  {}\n\n", words(10));
    assert_eq!(cut(&text), [text.as_str()]);
    assert_eq!(split(&text, TextLimit::None, Numbering::On), Ok(vec![text.clone()]));
    assert_eq!(split(&text, TextLimit::Utf16(text.len()), Numbering::On), Ok(vec![text]));
    assert_eq!(cut(" \n\t\n"), [""; 0]);
}

#[test]
fn the_coarsest_cut_that_fills_a_third_is_taken() {
    let four = words(4);
    assert_eq!(cut(&format!("{four}\n\n{four} x\n{four} y.")), [four.clone(), format!("{four} x\n{four} y.")]);
    assert_eq!(cut(&format!("{four}\n{four}. {four}")), [four.clone(), format!("{four}. {four}")]);
    assert_eq!(cut(&format!("{four}! {four} {four}")), [format!("{four}!"), format!("{four} {four}")]);
    assert_eq!(cut(&format!("Hi\n\n{four} {four} {four}")), [format!("Hi\n\n{}", words(10)), words(2)]);
    assert_eq!(cut(&"x".repeat(70)), ["x".repeat(64), "x".repeat(6)]);
    assert_eq!(cut(&format!("{}。{}", "字".repeat(30), "字".repeat(40)))[0], format!("{}。", "字".repeat(30)));
}

#[test]
fn a_grapheme_is_torn_only_if_it_is_longer_than_a_part() {
    let family = "👨\u{200d}👩\u{200d}👧";
    assert_eq!(cut(&family.repeat(14)), [family.repeat(12), family.repeat(2)]);
    let bytes = split(&family.repeat(4), TextLimit::Bytes(64), Numbering::Off);
    assert_eq!(bytes, Ok(vec![family.repeat(3), family.to_owned()]));
    let marks = format!("a{}", "\u{301}".repeat(100));
    assert_eq!(cut(&marks).concat(), marks);
}

#[test]
fn a_link_an_address_and_code_stay_whole() {
    let label = "[a label of words](https://e.example/a)";
    for whole in [label, "https://e.example/a,b.c/d?e=f-g-h", "`let x = 1; // why`", "**bold words here**"] {
        let parts = cut(&format!("{} {whole} {}", words(8), words(6)));
        assert_eq!(parts[0], words(8));
        assert!(parts[1].starts_with(whole), "{parts:?}");
    }
    assert_eq!(cut(&format!("{}&amp;b", "a".repeat(62))), ["a".repeat(62), "&amp;b".to_owned()]);
    assert_eq!(cut(&format!("{}\\*b", "a".repeat(63))), ["a".repeat(63), "\\*b".to_owned()]);
    let address = format!("https://e.example/{}", "a".repeat(80));
    assert_eq!(cut(&address), [&address[..64], &address[64..]]);
}

#[test]
fn a_fence_is_closed_and_opened_again() {
    let line = "    let x = 1;";
    let code = [line; 10].join("\n");
    let parts = cut(&format!("```rust\n{code}\n```\nDone."));
    let part = |lines: usize| format!("```rust\n{}\n```", [line; 10][..lines].join("\n"));
    assert_eq!(parts, [part(3), part(3), part(3), format!("{}\nDone.", part(1))]);
}

#[test]
fn a_fence_that_fits_is_not_torn() {
    let fence = "```\nlet x = 1;\nlet y = 2;\n```";
    assert_eq!(cut(&format!("{}\n{fence}", words(7))), [words(7), fence.to_owned()]);
}

#[test]
fn a_fence_in_a_list_or_quote_stays_one() {
    let listed = format!("- a\n  ```sh\n{}  ```\n  b\n- c", "  ls -l --all --human\n".repeat(4));
    let part = "```sh\nls -l --all --human\n```";
    assert_eq!(
        cut(&listed),
        [
            format!("- a\n  ```sh\n{}\n```", ["  ls -l --all --human"; 2].join("\n")),
            format!("```sh\n{}\n```", ["ls -l --all --human"; 2].join("\n")) + "\nb\n- c"
        ],
        "{part}"
    );
    let quoted = format!("> ```sh\n{}> ```", "> ls -l --all --human\n".repeat(4));
    let half = format!("> ```sh\n{}> ```", "> ls -l --all --human\n".repeat(2));
    assert_eq!(cut(&quoted), [half.as_str(), &half]);
}

#[test]
fn long_emphasis_is_closed_and_opened_again() {
    assert_eq!(cut(&format!("**{}**", words(12))), [format!("**{}**", words(10)), format!("**{}**", words(2))]);
    assert_eq!(
        cut(&format!("*a **{}***", words(12))),
        [format!("*a **{}***", words(9)), format!("***{}***", words(3))]
    );
}

#[test]
fn a_long_table_keeps_its_head() {
    let head = "| a | b |\n|---|---|\n";
    let rows = |count: usize| vec!["| one | two |"; count].join("\n");
    assert_eq!(cut(&format!("{head}{}", rows(4))), [format!("{head}{}", rows(3)), format!("{head}{}", rows(1))]);
}

#[test]
fn a_heading_goes_with_what_follows() {
    let text = format!("{}\n\n# Title\n\n{}", words(8), words(6));
    assert_eq!(cut(&text), [words(8), format!("# Title\n\n{}", words(6))]);
}

#[test]
fn a_word_that_would_begin_a_list_stays_where_it_is() {
    for sign in ["-", "+", "*", "#", ">", "7.", "12)", "```", "---"] {
        let text = format!("{}xxxx {sign} words words", words(10));
        assert_eq!(cut(&text), [words(9), format!("wordsxxxx {sign} words words")], "{sign}");
    }
}

#[test]
fn parts_can_be_numbered() {
    let parts = split(&words(30), TextLimit::Chars(64), Numbering::On).expect("parts");
    assert_eq!(parts.len(), 4);
    assert_eq!(parts[0], format!("{}\n\n(1/4)", words(9)));
    assert!(parts[3].ends_with("words\n\n(4/4)"));
    let many = split(&words(100), TextLimit::Chars(64), Numbering::On).expect("parts");
    assert_eq!((many.len(), many[0].ends_with("(1/12)")), (12, true));
    assert_eq!(
        split(&(words(10) + " ".repeat(20).as_str()), TextLimit::Chars(64), Numbering::On),
        Ok(vec![words(10)])
    );
}

#[test]
fn what_cannot_be_cut_is_refused_with_the_way_out() {
    let error = split(&"x".repeat(64 * 99 + 1), TextLimit::Utf16(64), Numbering::Off).expect_err("too long");
    let told = "the text has 6337 UTF-16 units and takes more than 99 messages of 64: shorten it, or send it where longer messages are taken";
    assert_eq!(error.to_string(), told);
    assert_eq!(cut(&"x".repeat(64 * 99)).len(), 99);
    let error = split("xx", TextLimit::Bytes(1), Numbering::Off).expect_err("too narrow");
    assert_eq!(error, SplitError::TooNarrow { room: 1, unit: "bytes" });
    assert_eq!(error.to_string(), "a limit of 1 bytes is too low to cut a text for: allow at least 64");
}

#[test]
fn hostile_texts_are_cut() {
    let hostile = [
        "- ".repeat(10_000) + "a",
        "> ".repeat(10_000) + "a",
        "**a".repeat(15_000),
        "*a **b ".repeat(6000) + "**a*".repeat(6000).as_str(),
        "`".repeat(40_000),
        "```\n".repeat(10_000),
        format!("```{}\n{}", "x".repeat(10_000), "y\n".repeat(10_000)),
        "[".repeat(40_000),
        "://".repeat(15_000),
        " \n".repeat(20_000) + "a" + " \n".repeat(20_000).as_str() + "b",
        "\u{301}".repeat(20_000),
        "🇩🇪".repeat(5000),
    ];
    for text in &hostile {
        assert_parts(text, TextLimit::Utf16(2000));
    }
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What holds for the parts of any text; the parts.
fn assert_parts(text: &str, limit: TextLimit) -> Vec<String> {
    for numbering in [Numbering::Off, Numbering::On] {
        let Ok(parts) = split(text, limit, numbering) else { continue };
        assert_eq!(Ok(&parts), split(text, limit, numbering).as_ref());
        assert!(parts.len() <= 99);
        for part in &parts {
            assert!(limit.measure(part) <= limit.room().unwrap_or(usize::MAX), "{text:?}: {part:?}");
            assert!(!part.trim().is_empty(), "{text:?}: {parts:?}");
        }
    }
    split(text, limit, Numbering::Off).unwrap_or_default()
}

fn limits() -> impl Strategy<Value = TextLimit> {
    (64usize..300, 0..4).prop_map(|(room, unit)| match unit {
        0 => TextLimit::Utf16(room),
        1 => TextLimit::Chars(room),
        2 => TextLimit::Escaped(room),
        _ => TextLimit::Bytes(room),
    })
}

/// A line of words that begin with a letter, some of them formatted.
fn line() -> impl Strategy<Value = String> {
    let word = (0..10_000u32, 0..14u8).prop_map(|(number, format)| match format {
        0 => format!("**w{number} w{number}**"),
        1 => format!("*w{number}*"),
        2 => format!("[w{number} w](https://e.example/{number})"),
        3 => format!("`c{number} c`"),
        4 => format!("https://e.example/{number}"),
        5 => "wörter".to_owned(),
        6 => "😀.".to_owned(),
        7 => format!("w{number} - 7. w"),
        8 => "字字字。字".to_owned(),
        _ => format!("w{number}"),
    });
    prop::collection::vec(word, 1..20).prop_map(|words| words.join(" "))
}

/// Markdown as somebody would write it: what begins with `c` is code, and nothing else is.
fn document() -> impl Strategy<Value = String> {
    let lines = || prop::collection::vec(line(), 1..5);
    let code = || prop::collection::vec("( {0,4}c[a-z]{1,8}){1,5}", 1..20);
    let block = prop_oneof![
        lines().prop_map(|lines| lines.join("\n")),
        lines().prop_map(|lines| format!("- {}", lines.join("\n- "))),
        lines().prop_map(|lines| format!("1. {}", lines.join("\n   - "))),
        lines().prop_map(|lines| format!("> {}", lines.join("\n> "))),
        line().prop_map(|line| format!("## {line}")),
        line().prop_map(|line| format!("**{}**", line.replace(['*', '`'], "").replace('c', "w"))),
        code().prop_map(|lines| format!("```rust\n{}\n```", lines.join("\n"))),
        code().prop_map(|lines| format!("~~~~\n{}\n~~~~", lines.join("\n"))),
        code().prop_map(|lines| format!("- w\n  ```\n  {}\n  ```", lines.join("\n  "))),
        code().prop_map(|lines| format!("> ```\n> {}\n> ```", lines.join("\n> "))),
    ];
    prop::collection::vec(block, 1..10).prop_map(|blocks| blocks.join("\n\n"))
}

/// The words that are formatted as code, and those that are not.
fn code_and_text(source: &str) -> (Vec<String>, Vec<String>) {
    let formatted = telegram(source);
    let units: Vec<u16> = formatted.text.encode_utf16().collect();
    let is_code = |format: &Format| matches!(format, Format::Code | Format::Pre { .. });
    let code = formatted.entities.iter().filter(|entity| is_code(&entity.format));
    let inside: BTreeSet<usize> = code.flat_map(|entity| entity.offset..entity.offset + entity.length).collect();
    let side = |is_code: bool| {
        let kept =
            units.iter().enumerate().map(|(at, unit)| if inside.contains(&at) == is_code { *unit } else { 32 });
        let text = String::from_utf16(&kept.collect::<Vec<_>>()).expect("whole characters");
        text.split_whitespace().map(str::to_owned).collect()
    };
    (side(true), side(false))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_of_any_text_fit(text in any::<String>(), limit in limits()) {
        assert_parts(&text.repeat(10), limit);
    }

    #[test]
    fn parts_of_a_text_without_signs_are_the_text(text in "([a-zäß]{1,90}|[字。！ ]{1,80}|[😀👍🏽🇩🇪]{1,30}|[ \\n.]){0,40}", limit in limits()) {
        let parts = assert_parts(&text, limit);
        prop_assert_eq!(without_blanks(&parts.concat()), without_blanks(&text));
    }

    #[test]
    fn parts_of_markdown_are_markdown(text in document(), limit in limits()) {
        let parts = assert_parts(&text, limit);
        let (code, words) = code_and_text(&text);
        prop_assert!(code.iter().all(|word| word.starts_with('c')) && !words.iter().any(|word| word.starts_with('c')));
        let (cut_code, cut_words): (Vec<_>, Vec<_>) = parts.iter().map(|part| code_and_text(part)).unzip();
        prop_assert_eq!(without_blanks(&cut_code.concat().concat()), without_blanks(&code.concat()), "{:#?}", parts);
        prop_assert_eq!(without_blanks(&cut_words.concat().concat()), without_blanks(&words.concat()), "{:#?}", parts);
    }
}
