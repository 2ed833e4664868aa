//! What people write to a bot of Telegram: what comes in of it, what is not lost, and what trouble is waited out.

use chimewheel::gateway::Inbound;
use expect_test::expect;
use serde_json::json;

use super::listening::Listener;
use super::telegram::{bot_of, no_complaints, open};
use crate::botapi::{BOT, Description, TOKEN, Telegram};
use crate::standin::Play;
use chimewheel::time::Span;

/// A message in one line, without the numbers that chats have.
fn line(message: &Inbound) -> String {
    let Inbound { message_id, thread, chat, sender, text, reply_to, is_addressed, at, chat_id: _ } = message;
    assert!(at.is_some());
    let of =
        |what: &str, value: &Option<String>| value.as_ref().map_or(String::new(), |value| format!(" {what} {value}"));
    let name = sender.name.as_deref().unwrap_or("?");
    let (topic, answers) = (of("in", thread), of("to", reply_to));
    let to_bot = if *is_addressed { " to the bot" } else { "" };
    format!("{chat:?} {message_id}{topic}{answers}, {name}{to_bot}: {text}\n")
}

#[test]
fn what_people_write_comes_in_as_they_wrote_it() {
    let telegram = Telegram::start();
    let (ada, group, forum) = (telegram.acquaintance("Ada"), telegram.group("Tea"), telegram.forum("Work"));
    let (channel, topic) = (telegram.channel("News"), telegram.topic(forum, "Standup"));
    let listener = Listener::start(bot_of(&telegram));
    let mut said = String::new();
    let mut hear = || {
        let message = listener.next();
        said.push_str(&line(&message));
        message
    };
    telegram.writes(ada, ada, "Hello 🕰️");
    let direct = hear();
    assert_eq!((direct.chat_id, direct.sender.id), (ada.to_string(), ada.to_string()));
    for text in [
        "tea is ready",
        "@chimewheel_bot remind me",
        "🕰️🕰️ and @Chimewheel_Bot, thanks",
        "@chimewheel_bots is somebody else",
        "mail@chimewheel_bot is no name",
        "/new@chimewheel_bot and go",
        "/new@other_bot",
        "/status",
    ] {
        telegram.writes(ada, group, text);
        hear();
    }
    let question = telegram.writes(ada, group, "who is it?");
    hear();
    telegram.answers(ada, group, question, "me");
    hear();
    telegram.writes_in(ada, forum, topic, "in a topic");
    hear();
    telegram.writes(ada, forum, "in none");
    hear();
    telegram.writes_as(group, "by an administrator without a name");
    assert_eq!(hear().sender.id, group.to_string());
    telegram.writes_as(channel, "a post");
    assert_eq!(hear().chat_id, channel.to_string());
    expect![[r#"
        Direct 1, Ada to the bot: Hello 🕰️
        Group 2, Ada: tea is ready
        Group 3, Ada to the bot: @chimewheel_bot remind me
        Group 4, Ada to the bot: 🕰️🕰️ and @Chimewheel_Bot, thanks
        Group 5, Ada: @chimewheel_bots is somebody else
        Group 6, Ada: mail@chimewheel_bot is no name
        Group 7, Ada to the bot: /new and go
        Group 8, Ada: /new@other_bot
        Group 9, Ada: /status
        Group 10, Ada: who is it?
        Group 11 to 10, Ada: me
        Group 3 in 2, Ada: in a topic
        Group 4, Ada: in none
        Group 12, Tea: by an administrator without a name
        Channel 1, News: a post
    "#]]
    .assert_eq(&said);
    drop(listener);
    no_complaints(&telegram);
}

#[test]
fn an_answer_to_the_bot_is_for_the_bot() {
    let telegram = Telegram::start();
    let (ada, forum) = (telegram.acquaintance("Ada"), telegram.forum("Work"));
    let topic = telegram.topic(forum, "Standup");
    let bot = bot_of(&telegram);
    let listener = Listener::start(bot.clone());
    let sent = super::telegram::to(&forum.to_string(), Some(&topic.to_string()), "Stand up!");
    super::conformance::send(&bot, vec![sent]).pop().unwrap().unwrap();
    let asked = telegram.shown(forum).pop().unwrap().id;
    telegram.answers(ada, forum, asked, "sitting");
    let answer = listener.next();
    assert_eq!((answer.is_addressed, answer.reply_to), (true, Some(asked.to_string())));
    no_complaints(&telegram);
}

#[test]
fn what_is_no_message_of_a_person_is_passed_over() {
    let telegram = Telegram::start();
    let (ada, group) = (telegram.acquaintance("Ada"), telegram.group("Tea"));
    let chat = json!({"id": ada, "type": "private"});
    let message = |more: serde_json::Value| {
        let mut message = json!({"message_id": 900, "date": 1, "chat": chat, "text": "x"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let bot = json!({"id": 7, "is_bot": true, "first_name": "Other"});
    let person = json!({"id": ada, "is_bot": false, "first_name": "Ada"});
    for update in [
        json!({"edited_message": message(json!({"from": person}))}),
        json!({"message": message(json!({"from": bot}))}),
        json!({"message": message(json!({"from": {"id": BOT.0, "is_bot": true, "first_name": "Me"}}))}),
        json!({"message": {"message_id": 901, "date": 1, "chat": chat, "from": person, "sticker": {}}}),
        json!({"message": message(json!({"from": person, "chat": {"id": 1, "type": "of the future"}}))}),
        json!({"message": "not even one"}),
        json!({"poll_answer": {}}),
        json!({}),
    ] {
        telegram.tells(update);
    }
    let listener = Listener::start(bot_of(&telegram));
    telegram.writes(ada, ada, "the first");
    assert_eq!(listener.next().text, "the first");
    telegram.wait_until_taken();
    // From here on the bot has said what it asks for.
    telegram.tells(json!({"edited_message": message(json!({"from": person}))}));
    assert_eq!(telegram.untaken(), 0);
    let now = telegram.moves(group);
    telegram.wait_until_taken();
    let told = super::telegram::to(&group.to_string(), None, "to the group");
    super::conformance::send(&bot_of(&telegram), vec![told]).pop().unwrap().unwrap();
    assert_eq!((telegram.said(now), listener.rest()), (vec!["to the group".to_owned()], vec![]));
}

#[test]
fn a_move_that_was_told_is_known_before_the_next_message() {
    let telegram = Telegram::start();
    let (bot, group) = (bot_of(&telegram), telegram.group("Tea"));
    let listener = Listener::start(bot.clone());
    telegram.moves(group);
    telegram.wait_until_taken();
    super::conformance::send(&bot, vec![super::telegram::to(&group.to_string(), None, "x")]).pop().unwrap().unwrap();
    assert_eq!(telegram.calls().iter().filter(|call| *call == "sendMessage").count(), 1);
    drop(listener);
}

#[test]
fn what_was_not_taken_comes_again() {
    let telegram = Telegram::start();
    let ada = telegram.acquaintance("Ada");
    for number in 0..120 {
        telegram.writes(ada, ada, &number.to_string());
    }
    let taken = Listener::until(bot_of(&telegram), 1).join().len();
    assert_eq!((taken, telegram.untaken()), (50, 70));
    let listener = Listener::start(bot_of(&telegram));
    for number in 50..120 {
        assert_eq!(listener.next().text, number.to_string());
    }
    telegram.wait_until_taken();
    no_complaints(&telegram);
}

#[test]
fn an_answer_that_was_lost_is_asked_for_again_and_taken_once() {
    let telegram = Telegram::start();
    let ada = telegram.acquaintance("Ada");
    telegram.loses_answer("getUpdates");
    telegram.writes(ada, ada, "a");
    let listener = Listener::start(bot_of(&telegram));
    assert_eq!(listener.next().text, "a");
    telegram.writes(ada, ada, "b");
    assert_eq!(listener.next().text, "b");
    telegram.wait_until_taken();
    assert_eq!(listener.rest(), []);
}

#[test]
fn news_that_are_counted_anew_are_not_discarded() {
    let telegram = Telegram::start();
    let ada = telegram.acquaintance("Ada");
    telegram.hurries();
    telegram.counts_from(1000);
    let listener = Listener::start(bot_of(&telegram));
    telegram.writes(ada, ada, "before a quiet week");
    listener.next();
    telegram.wait_until_taken();
    let calls = telegram.calls().len();
    telegram.wait_for_calls("getUpdates", calls + 3);
    telegram.counts_from(7);
    telegram.writes(ada, ada, "after it");
    assert_eq!(listener.next().text, "after it");
}

#[test]
fn trouble_is_waited_out() {
    let telegram = Telegram::start();
    let ada = telegram.acquaintance("Ada");
    telegram.plays("getMe", Play::Cut);
    telegram.plays("getUpdates", Play::status(502));
    let listener = Listener::start(bot_of(&telegram));
    telegram.writes(ada, ada, "after all that");
    assert_eq!(listener.next().text, "after all that");
    assert_eq!(telegram.calls()[..4], ["getMe", "getMe", "getUpdates", "getUpdates"]);
}

#[test]
fn another_program_that_asks_is_outlived() {
    let telegram = Telegram::start();
    let ada = telegram.acquaintance("Ada");
    let listener = Listener::start(bot_of(&telegram));
    telegram.wait_for_calls("getUpdates", 1);
    let other = Listener::start(bot_of(&telegram));
    // The first was sent away, and asks again.
    telegram.wait_for_calls("getUpdates", 3);
    drop(other);
    telegram.writes(ada, ada, "still here?");
    assert_eq!(listener.next().text, "still here?");
}

#[test]
fn an_answer_that_is_too_long_to_be_read_is_asked_for_in_pieces() {
    let telegram = Telegram::start();
    let ada = telegram.acquaintance("Ada");
    for number in 0..10 {
        let sender = json!({"id": ada, "is_bot": false, "first_name": "Ada"});
        let chat = json!({"id": ada, "type": "private"});
        let text = "x".repeat(1024 * 1024);
        let message = json!({"message_id": 900 + number, "date": 1, "chat": chat, "from": sender, "text": text});
        telegram.tells(json!({"message": message}));
    }
    telegram.writes(ada, ada, "short");
    let listener = Listener::start(bot_of(&telegram));
    assert_eq!(listener.next().text.len(), 1024 * 1024);
    while listener.next().text != "short" {}
    telegram.wait_until_taken();
}

#[test]
fn a_look_says_whether_the_bot_can_be_used() {
    let telegram = Telegram::start();
    let look = |url: &str| {
        let gateway = open(url, TOKEN, Span::from_seconds(20)).unwrap();
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match tokio.block_on(gateway.probe()) {
            Ok(seen) => format!("{seen}\n"),
            Err(problem) => format!("wrong: {problem}\n"),
        }
    };
    let mut said = look(&telegram.url());
    telegram.sets_webhook("https://example.com/hook");
    said += &look(&telegram.url());
    telegram.revokes(true);
    said += &look(&telegram.url());
    let elsewhere = crate::standin::Standin::start(|_| Play::status(404));
    said += &look(&elsewhere.url(""));
    telegram.revokes(false);
    telegram.plays("getMe", Play::status(503));
    said += &look(&telegram.url());
    expect![[r#"
        the bot @chimewheel_bot can be used; in groups it is told of what is addressed to it
        wrong: token: the bot @chimewheel_bot has a webhook set, so what people write does not come in here (call deleteWebhook, or use a bot of its own for this gateway)
        wrong: token: the answer was Unauthorized (the token is not valid; ask @BotFather for one, and put it where token_env or token_file says)
        wrong: token: the answer was 404 Not Found (there is no such bot here; look at the token and at base_url)
        wrong: the answer was 503 Service Unavailable
    "#]].assert_eq(&said);
    no_complaints(&telegram);
}

#[test]
fn the_stand_in_tells_news_as_the_bot_api_is_described() {
    let Some(description) = Description::load() else { return };
    let telegram = Telegram::start();
    let (ada, group, forum) = (telegram.acquaintance("Ada"), telegram.group("Tea"), telegram.forum("Work"));
    let topic = telegram.topic(forum, "Standup");
    telegram.writes(ada, ada, "/start");
    telegram.writes_in(ada, forum, topic, "@chimewheel_bot");
    telegram.writes_as(group, "x");
    telegram.moves(group);
    for update in telegram.news() {
        assert_eq!(description.check_type("Update", &update), [""; 0], "{update}");
    }
    assert_ne!(description.check_type("Update", &json!({"update_id": "1", "massage": {}})), [""; 0]);
}
