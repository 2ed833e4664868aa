//! The stand-in of Telegram, proven by a bot that others wrote a library for.

use std::process::{Child, Command, Stdio};

use expect_test::expect;

use super::telegram::no_complaints;
use crate::botapi::{TOKEN, Telegram};

/// A program that ends with the test.
struct Bot(Child);

impl Bot {
    fn start(telegram: &Telegram) -> Self {
        let started = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv-telegram/bin/python"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/telegram/bot.py"))
            .args([&telegram.url(), TOKEN])
            .stdin(Stdio::null())
            .spawn();
        Self(started.unwrap())
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs the PyPI package aiogram: .ci/interop-telegram"]
fn a_third_party_s_bot_is_at_home_in_the_stand_in() {
    let telegram = Telegram::start();
    telegram.sets_webhook("https://example.com/old");
    let (ada, eve, group, forum) =
        (telegram.acquaintance("Ada"), telegram.person("Eve"), telegram.group("Tea"), telegram.forum("Work"));
    let (channel, topic, old) =
        (telegram.channel("News"), telegram.topic(forum, "Now"), telegram.topic(forum, "Old"));
    telegram.closes(forum, old);
    let mut bot = Bot::start(&telegram);
    telegram.writes(ada, ada, "Grüße 🕰️ @chimewheel_bot /help");
    telegram.wait_for(ada, 1);
    telegram.writes(ada, group, "hello");
    telegram.writes_as(channel, "a post");
    telegram.writes_in(ada, forum, topic, "in a topic");
    telegram.writes_in(ada, forum, topic, "reply");
    telegram.writes(ada, ada, "bold");
    telegram.writes(ada, ada, "send 1 nobody");
    telegram.writes(ada, ada, &format!("send {eve} too early"));
    telegram.opens(eve);
    telegram.wait_for(ada, 4);
    telegram.blocks(eve);
    telegram.writes(ada, ada, &format!("send {eve} too late"));
    telegram.writes(ada, ada, &format!("send {ada} {}", "🕰".repeat(2049)));
    telegram.floods(channel, 1, 17);
    telegram.writes(ada, ada, &format!("send {channel} too fast"));
    telegram.writes(ada, ada, &format!("send {channel} in time"));
    let now = telegram.moves(group);
    telegram.wait_for(now, 1);
    telegram.writes(ada, ada, &format!("send {group} behind"));
    telegram.wait_for(ada, 9);
    telegram.writes(ada, ada, "/stop");
    assert!(bot.0.wait().unwrap().success());
    no_complaints(&telegram);
    assert!(telegram.shown(ada).iter().any(|shown| shown.json["entities"][0]["type"] == "bold"));
    let replied = telegram.shown(forum).pop().unwrap();
    assert_eq!((replied.topic, replied.answers.is_some()), (Some(topic), true));
    let mut said = String::new();
    for chat in [ada, group, forum, channel, now] {
        said.push_str(&(telegram.said(chat).join("\n") + "\n--\n"));
    }
    let said = said.replace(&now.to_string(), "NOW");
    expect![[r#"
        private Ada: Grüße 🕰️ @chimewheel_bot /help ['@chimewheel_bot', '/help']
        bold
        TelegramBadRequest Bad Request: chat not found
        sent too early
        TelegramForbiddenError Forbidden: bot was blocked by the user
        TelegramBadRequest Bad Request: message is too long
        TelegramRetryAfter 17
        sent in time
        TelegramMigrateToChat NOW
        --
        group Ada: hello []
        --
        supergroup Ada: in a topic []
        a reply
        --
        channel News: a post []
        in time
        --
        we moved
        --
    "#]]
    .assert_eq(&said);
}
