//! The e-mail gateway against a mail server that plays a part, and against a real one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use chimewheel::config::{self, Markup, Tls};
use chimewheel::gateway::{Delivery, Gateway, Secrets, email};
use chimewheel::time::Span;
use expect_test::expect;
use serde_json::Value;

use super::conformance::{delivery, send};

/// What a mail server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Say(&'static str),
    /// The connection is cut without a word.
    Cut,
    /// No answer, ever.
    Hold,
}

/// A mail server that answers as usual, except to one part of the conversation.
struct Host {
    port: u16,
    letters: Mutex<Receiver<String>>,
}

impl Host {
    /// The part is a command, `greeting`, or `letter`.
    fn start(part: &'static str, reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (letters_to, letters) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let letters = letters_to.clone();
                // Whatever breaks a connection is the other side's doing.
                thread::spawn(move || serve(&stream, part, reply, &letters));
            }
        });
        Self { port, letters: Mutex::new(letters) }
    }

    fn letter(&self) -> String {
        self.letters.lock().unwrap().try_recv().unwrap()
    }
}

fn serve(stream: &TcpStream, part: &str, reply: Reply, letters: &Sender<String>) -> Option<()> {
    let mut input = BufReader::new(stream);
    let mut output = stream;
    let mut answer = |asked: &str, usual: &'static str| match if asked == part { reply } else { Reply::Say(usual) } {
        Reply::Say(line) => output.write_all(format!("{line}\r\n").as_bytes()).ok(),
        Reply::Cut => None,
        Reply::Hold => {
            let _ = BufReader::new(stream).read_to_end(&mut Vec::new());
            None
        }
    };
    answer("greeting", "220 mail.example.org")?;
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let command = line.split([' ', '\r']).next().unwrap_or_default();
        match command {
            "EHLO" => answer(command, "250-mail.example.org\r\n250-AUTH PLAIN\r\n250 8BITMIME")?,
            "AUTH" => answer(command, "235 welcome")?,
            "QUIT" => return answer(command, "221 bye"),
            "DATA" => {
                answer(command, "354 go on")?;
                if part == "DATA" {
                    continue;
                }
                let mut letter = String::new();
                while !letter.ends_with("\r\n.\r\n") {
                    input.read_line(&mut letter).ok().filter(|read| *read > 0)?;
                }
                // Noted before it is answered, so whoever has an answer finds it noted.
                let _ = letters.send(letter.trim_end_matches("\r\n.\r\n").replace("\r\n", "\n"));
                answer("letter", "250 taken")?;
            }
            _ => answer(command, "250 fine")?,
        }
    }
}

fn config(port: u16) -> config::Email {
    config::Email {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        user: Some("ada".to_owned()),
        password: None,
        from: "Chime <chime@example.org>".to_owned(),
        format: Markup::Plain,
        timeout: Span::from_millis(2000),
    }
}

fn open(config: &config::Email) -> Arc<dyn Gateway> {
    email::open(config, &Secrets { token: Some("hunter2".into()), ..Secrets::default() }).unwrap()
}

fn to(chat: &str, text: &str) -> Delivery {
    let mut delivery = delivery(text);
    delivery.destination.chat_id = chat.to_owned();
    delivery
}

fn why(gateway: &Arc<dyn Gateway>, delivery: Delivery) -> String {
    match send(gateway, vec![delivery]).pop().unwrap() {
        Ok(receipt) => format!("delivered: {receipt:?}\n"),
        Err(error) => super::meaning(&error) + "\n",
    }
}

#[test]
fn a_letter_is_as_the_guide_says() {
    let host = Host::start("", Reply::Cut);
    let gateway = open(&config(host.port));
    let mut letter = to("Ada <ada@example.org>", "Good morning\n.\nGrüße");
    letter.destination.thread = Some("standup".to_owned());
    letter.name = Some("Täglich\r\nBcc: eve@example.org".to_owned());
    let answer = why(&gateway, letter);
    assert!(answer.contains("<3kTMd9zQ7xYhLp0VbWfNa1@example.org>"), "{answer}");
    expect![[r#"
        From: Chime <chime@example.org>
        To: Ada <ada@example.org>
        Subject: =?utf-8?b?VMOkZ2xpY2g=?=  Bcc: eve@example.org
        Date: Sun, 22 Nov 2026 09:00:01 +0000
        Message-ID: <3kTMd9zQ7xYhLp0VbWfNa1@example.org>
        In-Reply-To: <thread-standup@example.org>
        References: <thread-standup@example.org>
        Auto-Submitted: auto-generated
        MIME-Version: 1.0
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: quoted-printable

        Good morning
        ..
        Gr=C3=BC=C3=9Fe
    "#]]
    .assert_eq(&host.letter());
    let plain = Delivery { name: None, ..to("ada@example.org", "x") };
    assert!(why(&gateway, plain.clone()).starts_with("delivered"));
    assert!(host.letter().contains("Subject: standup\n"));
    let mut answering = plain;
    answering.destination.thread = Some("<CAF1@mail.example.com>".to_owned());
    assert!(why(&gateway, answering).starts_with("delivered"));
    let letter = host.letter();
    assert!(
        letter.contains("In-Reply-To: <CAF1@mail.example.com>\nReferences: <CAF1@mail.example.com>\n"),
        "{letter}"
    );
}

#[test]
fn markdown_is_a_page_with_the_plain_text_beside_it() {
    let host = Host::start("", Reply::Cut);
    let gateway = open(&config::Email { format: Markup::Markdown, ..config(host.port) });
    let answer = why(&gateway, to("ada@example.org", "**Good** [morning](https://e.example)"));
    assert!(answer.contains("delivered"), "{answer}");
    let letter = host.letter();
    let (_, body) = letter.split_once("MIME-Version").unwrap();
    expect![[r#"
        : 1.0
        Content-Type: multipart/alternative; boundary="=_3kTMd9zQ7xYhLp0VbWfNa1"

        --=_3kTMd9zQ7xYhLp0VbWfNa1
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: 7bit

        Good morning (https://e.example)
        --=_3kTMd9zQ7xYhLp0VbWfNa1
        Content-Type: text/html; charset=utf-8
        Content-Transfer-Encoding: quoted-printable

        <!DOCTYPE html>
        <html><body><p><strong>Good</strong> <a href=3D"https://e.example">morning<=
        /a></p></body></html>
        --=_3kTMd9zQ7xYhLp0VbWfNa1--
    "#]]
    .assert_eq(body);
}

#[test]
fn what_each_answer_means() {
    let mut meanings = String::new();
    for (part, line) in [
        ("greeting", "554 no service"),
        ("greeting", "421 too many connections"),
        ("AUTH", "535 bad credentials"),
        ("AUTH", "454 try later"),
        ("EHLO", "250 mail.example.org"),
        ("MAIL", "550 not you"),
        ("RCPT", "550 no such user"),
        ("RCPT", "452 mailbox full"),
        ("DATA", "451 local error"),
        ("letter", "552 too big"),
        ("letter", "451 greylisted"),
        ("QUIT", "500 what?"),
    ] {
        let host = Host::start(part, Reply::Say(line));
        meanings += &format!("{part} {line}: {}", why(&open(&config(host.port)), to("ada@example.org", "x")));
    }
    expect![[r#"
        greeting 554 no service: permanent: permanent error (554): no service
        greeting 421 too many connections: retry -: transient error (421): too many connections
        AUTH 535 bad credentials: barred: permanent error (535): bad credentials; the mail server refuses user and password, or wants an app password
        AUTH 454 try later: retry -: transient error (454): try later
        EHLO 250 mail.example.org: barred: internal client error: No compatible authentication mechanism was found; the mail server takes no passwords as it is asked: look at tls and port
        MAIL 550 not you: permanent: permanent error (550): not you
        RCPT 550 no such user: permanent: permanent error (550): no such user
        RCPT 452 mailbox full: retry -: transient error (452): mailbox full
        DATA 451 local error: retry -: transient error (451): local error
        letter 552 too big: permanent: permanent error (552): too big
        letter 451 greylisted: retry -: transient error (451): greylisted
        QUIT 500 what?: delivered: Receipt { message_id: Some("<3kTMd9zQ7xYhLp0VbWfNa1@example.org>") }
    "#]].assert_eq(&meanings);
}

#[test]
fn what_breaks_before_the_letter_is_tried_again_and_what_breaks_after_it_is_ambiguous() {
    let short = |port| config::Email { timeout: Span::from_millis(400), ..config(port) };
    for part in ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "letter", "QUIT"] {
        for reply in [Reply::Cut, Reply::Hold] {
            let host = Host::start(part, reply);
            let answer = why(&open(&short(host.port)), to("ada@example.org", "x"));
            let expected: &[&str] = match part {
                "letter" => &["ambiguous"],
                "QUIT" => &["delivered"],
                "greeting" | "EHLO" => &["unreachable", "retry"],
                _ => &["retry"],
            };
            let is_expected = expected.iter().any(|one| answer.starts_with(one));
            assert!(is_expected, "{part} {reply:?}: {answer}");
        }
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let answer = why(&open(&short(nobody.port())), to("ada@example.org", "x"));
    assert!(answer.starts_with("unreachable"), "{answer}");
}

#[test]
fn a_letter_that_was_taken_is_delivered_whatever_becomes_of_the_farewell() {
    for farewell in [Reply::Cut, Reply::Hold, Reply::Say("421 too busy for that"), Reply::Say("nonsense")] {
        let host = Host::start("QUIT", farewell);
        let answer = why(&open(&config(host.port)), to("ada@example.org", "x"));
        assert!(answer.starts_with("delivered: "), "{farewell:?}: {answer}");
        assert!(host.letter().contains("Subject: "));
    }
}

#[test]
fn what_cannot_be_sent_is_said_before_anybody_is_asked() {
    let host = Host::start("", Reply::Cut);
    let gateway = open(&config(host.port));
    let starttls = open(&config::Email { tls: Tls::Starttls, ..config(host.port) });
    let all = [
        why(&gateway, to("team-7", "x")),
        why(&gateway, to("a@example.org\r\nRCPT TO:<b@example.org>", "x")),
        why(&gateway, to("ädä@example.org", "x")),
        why(&starttls, to("ada@example.org", "x")).replace(&host.port.to_string(), "PORT"),
    ];
    expect![[r#"
        permanent: chat_id "team-7" is not an e-mail address: Invalid input
        permanent: chat_id "a@example.org\r\nRCPT TO:<b@example.org>" is not an e-mail address: Invalid input
        permanent: the address is not ASCII, and the mail server takes no others (SMTPUTF8)
        barred: 127.0.0.1:PORT offers no STARTTLS; is the port right? tls = "tls" is usual at 465
    "#]]
    .assert_eq(&all.concat());
    let refused = email::open(&config::Email { from: "chime".to_owned(), ..config(1) }, &Secrets::default());
    expect![[
        r#"from: is not an e-mail address: Invalid input (given 'chime'; such as "Chime <chime@example.org>")"#
    ]]
    .assert_eq(&refused.err().unwrap()[0].to_string());
}

#[test]
fn a_look_signs_in_and_sends_nothing() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let probe = |part, reply| {
        let host = Host::start(part, reply);
        let found = tokio.block_on(open(&config(host.port)).probe());
        assert!(host.letters.lock().unwrap().try_recv().is_err());
        found.unwrap_or_else(|problem| problem.to_string()).replace(&host.port.to_string(), "PORT") + "\n"
    };
    let all =
        [probe("", Reply::Cut), probe("AUTH", Reply::Say("535 bad credentials")), probe("greeting", Reply::Cut)];
    expect![[r#"
        127.0.0.1:PORT answers; signed in as ada
        host: permanent error (535): bad credentials; the mail server refuses user and password, or wants an app password (look at host, port, tls, user and the password)
        response error: incomplete response
    "#]].assert_eq(&all.concat());
}

/// What the real one took, in order.
fn taken(file: &Path) -> Vec<Value> {
    let lines = std::fs::read_to_string(file).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
#[ignore = "needs the PyPI package aiosmtpd: .ci/interop-email"]
fn a_real_mail_server_takes_letters_as_they_are_meant() {
    let place = |name: &str| std::env::var(name).expect("as .ci/interop-email sets it");
    let port = |name: &str| place(name).parse::<u16>().unwrap();
    let host = "localhost".to_owned();
    let plain = config::Email { host: host.clone(), user: None, ..config(port("SMTP_PLAIN")) };
    let plain = config::Email { timeout: Span::from_seconds(10), ..plain };
    let [starttls, tls] = [("SMTP_STARTTLS", Tls::Starttls), ("SMTP_TLS", Tls::Tls)]
        .map(|(name, tls)| config::Email { port: port(name), tls, user: Some("ada".to_owned()), ..plain.clone() });
    let texts = [
        "Good morning",
        "Ünïcödé 🕰️ 時計 \u{202e}rtl",
        ".\n..\n.leading dots\n\n\nFrom here\n",
        "quotes \" ' \\ / and\n\ttabs  \ntrailing ",
        "\u{0} \u{7f} \u{1b}[31m",
        "",
        &"long line ".repeat(2000),
    ];
    for (number, text) in texts.iter().enumerate() {
        let config = [&plain, &starttls, &tls][number % 3];
        let answer =
            why(&open(config), Delivery { key: format!("key{number}"), ..to("Ada <ada@example.org>", text) });
        assert!(answer.starts_with("delivered"), "{text:?}: {answer}");
    }
    let letters = taken(Path::new(&place("SMTP_LETTERS")));
    for (number, (letter, text)) in letters.iter().zip(texts).enumerate() {
        let got = letter["text"].as_str().unwrap().replace("\r\n", "\n");
        assert_eq!(got.trim_end_matches('\n'), text.trim_end_matches('\n'));
        assert_eq!((&letter["subject"], &letter["to"]), (&"Daily standup".into(), &"Ada <ada@example.org>".into()));
        assert_eq!(letter["message_id"], format!("<key{number}@example.org>"));
        assert_eq!(letter["date"], "2026-11-22T09:00:01+00:00");
    }
    assert_eq!(letters.len(), texts.len());
    for (chat, expected) in [
        ("gone@example.org", "permanent"),
        ("full@example.org", "retry"),
        ("cut@example.org", "ambiguous"),
        ("big@example.org", "permanent"),
    ] {
        let answer = why(&open(&starttls), to(chat, "x"));
        println!("{chat}: {answer}");
        assert!(answer.starts_with(expected), "{chat}: {answer}");
    }
    for (config, expected) in [
        (config::Email { user: Some("eve".to_owned()), ..starttls.clone() }, ["permanent", "barred"]),
        (config::Email { user: None, ..starttls.clone() }, ["permanent", "barred"]),
        (config::Email { tls: Tls::Tls, ..plain.clone() }, ["retry", "unreachable"]),
        (config::Email { tls: Tls::Starttls, ..plain }, ["permanent", "barred"]),
        // The certificate is another's.
        (config::Email { host: "127.0.0.1".to_owned(), ..tls }, ["retry", "unreachable"]),
    ] {
        let answer = why(&open(&config), to("ada@example.org", "x"));
        println!("{answer}");
        assert!(expected.iter().any(|expected| answer.starts_with(expected)), "{answer}");
    }
}
