//! What a heartbeat file declares, text in, report out.

use std::fmt::Write as _;

use chimewheel::config::{Heartbeat, Interval};
use chimewheel::surface::import::heartbeat::declared;
use chimewheel::time::Span;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::Value;

fn prompted() -> Heartbeat {
    Heartbeat {
        interval: Some(Interval::Every(Span::from_seconds(1800))),
        model: Some("tiny/one".to_owned()),
        inject_into: Some("console_me".to_owned()),
        ..Heartbeat::default()
    }
}

fn told(config: &Heartbeat, text: &str) -> String {
    let brought = declared("H.md", text, config);
    let mut told = String::new();
    for item in &brought.items {
        writeln!(told, "{}: {}", item.at.line, Value::Object(item.schedule.clone())).unwrap();
        let told_of = [&item.changed, &item.doubts].into_iter().flatten();
        told_of.for_each(|changed| writeln!(told, "    {changed}").unwrap());
    }
    for (word, omissions) in [("refused", &brought.refused), ("left out", &brought.left_out)] {
        for one in omissions {
            writeln!(told, "{}: {word} {}: {}", one.at.line, one.id.as_deref().unwrap_or("-"), one.why).unwrap();
        }
    }
    brought.notes.iter().for_each(|note| writeln!(told, "note: {note}").unwrap());
    told
}

fn check(config: &Heartbeat, text: &str, expected: Expect) {
    expected.assert_eq(&told(config, text));
}

#[test]
fn sections_are_schedules_whatever_the_config_says_of_prompts() {
    let text = "# Beats\nAbout them.\n## Mail\n- Cron: 0 0 9 * * ?\n- Message: Read the mail.\n  Be brief.\n\
                - Model: tiny/two\n- InjectInto: telegram_5\n## Notes\nnothing\n## Half\n- Cron: 0 0 7 * * ?\n\
                - Model: tiny/half\n## Next\n- Message: Go on.\n- Cron: 0 0 8 * * ?\n## No times\n- InjectInto: console_x\n";
    check(
        &Heartbeat::default(),
        text,
        expect![[r#"
            3: {"destination":"telegram_5","id":"mail","model":"tiny/two","name":"Mail","payload":{"task":"Read the mail.\nBe brief."},"schedule":{"cron":"0 0 9 * * ?","dialect":"quartz"},"silence":"heartbeat"}
            14: {"destination":null,"id":"next","name":"Next","payload":{"task":"Go on."},"schedule":{"cron":"0 0 8 * * ?","dialect":"quartz"},"silence":"heartbeat"}
            11: refused half: is incomplete: it has no '- Message:'
            17: refused no-times: is incomplete: it has no '- Cron:' and no '- Message:'
            9: left out -: the section 'Notes' names no schedule
        "#]],
    );
    assert_eq!(told(&prompted(), text), told(&Heartbeat::default(), text));
}

#[test]
fn another_agents_schedules_have_other_ids() {
    let text = "## Mail\n- Cron: 0 0 9 * * ?\n- Message: Read.\n## Half\n- Message: x\n";
    let of = |agent: &str| Heartbeat { agent: Some(agent.to_owned()), ..prompted() };
    check(
        &of("ada"),
        text,
        expect![[r#"
            1: {"agent":"ada","destination":null,"id":"ada-mail","name":"Mail","payload":{"task":"Read."},"schedule":{"cron":"0 0 9 * * ?","dialect":"quartz"},"silence":"heartbeat"}
            4: refused ada-half: is incomplete: it has no '- Cron:'
        "#]],
    );
    check(
        &of("Ада"),
        "Do it.",
        expect![[r#"
            1: {"agent":"Ада","destination":"console_me","id":"heartbeat-md-cf8cc87201","misfire_policy":"skip","model":"tiny/one","name":"Heartbeat","payload":{"task":"Do it."},"schedule":{"every":"30m"},"silence":"heartbeat"}
        "#]],
    );
}

#[test]
fn a_file_without_such_bullets_is_one_prompt() {
    let text = "# Every half hour\n\n- [ ] look at the mail\n- Priority: high\n";
    check(
        &prompted(),
        text,
        expect![[r##"
            1: {"destination":"console_me","id":"heartbeat-md","misfire_policy":"skip","model":"tiny/one","name":"Heartbeat","payload":{"task":"# Every half hour\n\n- [ ] look at the mail\n- Priority: high\n"},"schedule":{"every":"30m"},"silence":"heartbeat"}
        "##]],
    );
    let without = |change: fn(&mut Heartbeat)| {
        let mut config = prompted();
        change(&mut config);
        told(&config, text)
    };
    expect![[r#"
        note: it is one prompt, and heartbeat.interval does not say when it is run: nothing is run
    "#]]
    .assert_eq(&without(|config| config.interval = None));
    expect![[r#"
        note: it is one prompt, and heartbeat.interval is off: nothing is run
    "#]]
    .assert_eq(&without(|config| config.interval = Some(Interval::Off)));
    expect![[r#"
        note: it is one prompt, and heartbeat.inject_into names no target: nothing is run
    "#]]
    .assert_eq(&without(|config| config.inject_into = None));
}

#[test]
fn a_file_that_says_nothing_costs_no_run() {
    for text in [
        "",
        "\n \t\r\n",
        "# Heartbeat\n\n## Later\n###\n",
        "<!-- Look at the mail. -->\n",
        "<!--\n## Mail\n- Cron: 0 0 9 * * ?\n- Message: x\n-->\n# H",
        "- \n* [ ]\n+\n---\n",
        "<!-- one -->\n<!-- two\n--> rest of the line\n",
    ] {
        assert_eq!(told(&prompted(), text), "note: it is empty, which costs no run\n", "{text:?}");
    }
    for text in ["x", "#tag", "- [ ] mail", "<!-- never closed", "<!-- a --> b\nc", "a <!-- b -->", "-->"] {
        assert!(told(&prompted(), text).starts_with("1: {"), "{text:?}");
    }
}

#[test]
fn what_is_commented_out_is_not_there_and_lines_are_counted_on() {
    let text = "<!-- off\n## Old\n- Cron: 0 0 1 * * ?\n- Message: old\n-->\n## New\r\n- Cron: 0 0 2 * * ?\r\n- Message: new\r\n\
                <!-- - Model: a/b -->\n## Broken <!--\n- Cron: x\n";
    check(
        &prompted(),
        text,
        expect![[r#"
            6: {"destination":null,"id":"new","name":"New","payload":{"task":"new"},"schedule":{"cron":"0 0 2 * * ?","dialect":"quartz"},"silence":"heartbeat"}
            10: refused broken: is incomplete: it has no '- Message:'
        "#]],
    );
}

#[test]
fn what_is_wrong_in_a_section_is_told_with_its_line_and_stays_in_it() {
    let text = "## A\n- Cron: 1\n- Cron: 2\n- Message: x\n## a\n- Cron: 0 0 9 * * ?\n- Message: x\n## A!\n\
                - Cron: 0 0 9 * * ?\n- Message: y\n## Empty\n- Cron:\n- Message:\n";
    check(
        &prompted(),
        text,
        expect![[r#"
            5: {"destination":null,"id":"a","name":"a","payload":{"task":"x"},"schedule":{"cron":"0 0 9 * * ?","dialect":"quartz"},"silence":"heartbeat"}
            1: refused a: says 'cron' twice
            11: refused empty: is incomplete: it has no '- Cron:' and no '- Message:'
            8: refused a: has the name of the section in line 5
        "#]],
    );
}

#[test]
fn a_heading_of_any_depth_closes_a_section_and_one_in_a_fenced_block_does_not() {
    let text = "## B\n- Cron: 0 0 9 * * ?\n- Message: of B\n### C deep\n- Message: of C\n- InjectInto: console_c\n  more\n\
                ###### D\n- InjectInto: console_d\n## E\n- Cron: 0 0 8 * * ?\n- Message: Write this:\n  ```text\n## No heading\n\
                - Model: no/bullet\n  is text\n  ```\n- InjectInto: console_e\n#\n- InjectInto: console_x\n## F\n- Cron: 0 0 7 * * ?\n\
                - Message: f\n```\nnever closed\n## G\n- Cron: 0 0 6 * * ?\n- Message: g\n";
    check(
        &prompted(),
        text,
        expect![[r#"
        1: {"destination":null,"id":"b","name":"B","payload":{"task":"of B"},"schedule":{"cron":"0 0 9 * * ?","dialect":"quartz"},"silence":"heartbeat"}
        10: {"destination":"console_e","id":"e","name":"E","payload":{"task":"Write this:\n```text\nis text\n```"},"schedule":{"cron":"0 0 8 * * ?","dialect":"quartz"},"silence":"heartbeat"}
        21: {"destination":null,"id":"f","name":"F","payload":{"task":"f"},"schedule":{"cron":"0 0 7 * * ?","dialect":"quartz"},"silence":"heartbeat"}
        26: {"destination":null,"id":"g","name":"G","payload":{"task":"g"},"schedule":{"cron":"0 0 6 * * ?","dialect":"quartz"},"silence":"heartbeat"}
        5: refused c-deep: '- Message:' stands in no section, which begins with '## Name'; write such a line above it
    "#]],
    );
}

#[test]
fn indented_bullets_are_bullets_and_deeper_ones_belong_to_those_above() {
    let text = "## A\n\n  - Cron: 0 0 9 * * ?\n  - Message: Look at:\n    - Model: of the car\n    * mail\n  +\tModel: tiny/two\n\
                ## B\n- Cron: 0 0 8 * * ?\n - InjectInto: console_b\n- Message: x\n  - Cron: no bullet\n";
    check(
        &prompted(),
        text,
        expect![[r#"
        1: {"destination":null,"id":"a","model":"tiny/two","name":"A","payload":{"task":"Look at:\n- Model: of the car\n* mail"},"schedule":{"cron":"0 0 9 * * ?","dialect":"quartz"},"silence":"heartbeat"}
        8: {"destination":"console_b","id":"b","name":"B","payload":{"task":"x\n- Cron: no bullet"},"schedule":{"cron":"0 0 8 * * ?","dialect":"quartz"},"silence":"heartbeat"}
    "#]],
    );
}

#[test]
fn a_bullet_that_means_nothing_is_told_with_what_it_may_mean() {
    let text = "## A\n- Cron: 0 0 9 * * ?\n- Message: x\n- Modle: fake/other\n- inject to: console_a\n- Priority: high\n\
                ## B\n- Cron: 0 0 9 * * ?\n- Mesage: x\n";
    check(
        &prompted(),
        text,
        expect![[r#"
        1: {"destination":null,"id":"a","name":"A","payload":{"task":"x"},"schedule":{"cron":"0 0 9 * * ?","dialect":"quartz"},"silence":"heartbeat"}
            'Modle' in line 4 is no bullet of a schedule and has no effect; did you mean 'Model'?
            'inject to' in line 5 is no bullet of a schedule and has no effect; did you mean 'InjectInto'?
            'Priority' in line 6 is no bullet of a schedule and has no effect; known here: Cron, Message, Model, InjectInto
        7: refused b: is incomplete: it has no '- Message:'; 'Mesage' in line 9 is no bullet of a schedule and has no effect; did you mean 'Message'?
    "#]],
    );
}

#[test]
fn bullets_of_a_schedule_without_a_section_make_no_prompt() {
    for text in [
        "### A\n- Cron: 0 0 9 * * ?\n- Message: x\n",
        "Do this.\n\n   - Message: x\n",
        "# A\n\n* **Cron:** `0 0 9 * * ?`\n",
        "##A\n- Cron: 0 0 9 * * ?\n- Message: x\n",
    ] {
        let told = told(&prompted(), text);
        let line = 1 + text.lines().position(|line| line.contains("Cron") || line.contains("Message")).unwrap();
        assert!(told.lines().count() == 1 && told.starts_with(&format!("{line}: refused -: '- ")), "{told}");
    }
    let text = "# Beats\n- Cron: 0 0 9 * * ?\n## A\n- Cron: 0 0 9 * * ?\n- Message: x\n### B\n- Cron: 0 0 9 * * ?\n";
    check(
        &prompted(),
        text,
        expect![[r#"
        3: {"destination":null,"id":"a","name":"A","payload":{"task":"x"},"schedule":{"cron":"0 0 9 * * ?","dialect":"quartz"},"silence":"heartbeat"}
        2: refused beats: '- Cron:' stands in no section, which begins with '## Name'; write such a line above it
        7: refused b: '- Cron:' stands in no section, which begins with '## Name'; write such a line above it
    "#]],
    );
    assert!(told(&prompted(), "Write:\n```\n- Cron: 0 0 9 * * ?\n```\n").starts_with("1: {"));
}

proptest! {
    /// Whatever the text, it is read.
    #[test]
    fn every_text_is_read(lines in prop::collection::vec("( ?#{1,3} [AB]| ?- (Cron|Message|Modle): [ab]?|  more|<!--|-->|```|~~~~|\\PC{0,6})", 0..24)) {
        let _read = declared("H.md", &lines.join("\n"), &prompted());
    }

    /// A schedule's words come from its own section.
    #[test]
    fn no_section_leaks(lines in prop::collection::vec("(## [AB]|- (Cron|Message|Model|x): [ab]?|  more|\\PC{0,6})", 0..24)) {
        let text = lines.join("\n");
        let brought = declared("H.md", &text, &prompted());
        let is_prompt = |id: &str| id == "heartbeat-md";
        for item in brought.items.iter().filter(|item| !is_prompt(item.id())) {
            let own: Vec<&str> = text.lines().skip(item.at.line).take_while(|line| !line.starts_with("## ")).collect();
            for said in [&item.schedule["payload"]["task"], &item.schedule["schedule"]["cron"]] {
                let mut parts = said.as_str().unwrap().lines();
                prop_assert!(parts.all(|part| own.iter().any(|line| line.contains(part))), "{said} in {text:?}");
            }
        }
    }
}
