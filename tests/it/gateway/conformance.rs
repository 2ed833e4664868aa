//! What every adapter must get right, in one table of adapters and one test a case.
//!
//! The platform is a stand-in on loopback that speaks the adapter's own language, so a case says only what the platform
//! does. Another adapter is another entry in [`ADAPTERS`].

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;

use chimewheel::gateway::{Delivery, Gateway, Receipt, SendError};
use chimewheel::spec::Destination;
use chimewheel::time::{Span, Timestamp};

use crate::standin::{Play, Received, Standin};

/// An adapter, and the language of its platform.
pub struct Adapter {
    pub name: &'static str,
    /// Opens it for a platform at this address, with this patience.
    pub open: fn(&str, Span) -> Arc<dyn Gateway>,
    /// The platform takes a message and gives it this id.
    pub taken: fn(&str) -> Play,
    /// The platform will never take it.
    pub refused: fn() -> Play,
    /// The platform has trouble of its own.
    pub broken: fn() -> Play,
    /// The platform asks to wait for so many seconds.
    pub busy: fn(u64) -> Play,
    /// What a request says.
    pub read: fn(&Received) -> Said,
    /// Whether a text without characters can be sent.
    pub takes_empty: bool,
    /// A chat as the platform calls them.
    pub chat: &'static str,
}

/// What a request to a platform says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub chat: String,
    pub thread: Option<String>,
    pub text: String,
    /// By which the platform, or the receiver, takes each message once.
    pub key: Option<String>,
}

const ADAPTERS: &[Adapter] = &[
    super::discord::ADAPTER,
    super::matrix::ADAPTER,
    super::slack::ADAPTER,
    super::telegram::ADAPTER,
    super::webhook::ADAPTER,
];

/// Long enough for a loopback, short enough to wait for.
const PATIENCE: Span = Span::from_millis(300);

pub fn delivery(text: &str) -> Delivery {
    Delivery {
        key: "3kTMd9zQ7xYhLp0VbWfNa1".to_owned(),
        schedule: "standup".to_owned(),
        name: Some("Daily standup".to_owned()),
        agent: "ada".to_owned(),
        due: Timestamp::parse_rfc3339("2026-11-22T09:00:00Z").unwrap(),
        sent_at: Timestamp::parse_rfc3339("2026-11-22T09:00:01.250Z").unwrap(),
        attempt: 1,
        destination: Destination { gateway: "g".to_owned(), chat_id: "team-7".to_owned(), thread: None },
        text: text.to_owned(),
        is_said: true,
        heard: None,
    }
}

pub fn send(gateway: &Arc<dyn Gateway>, deliveries: Vec<Delivery>) -> Vec<Result<Receipt, SendError>> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let sends: Vec<_> = deliveries
            .into_iter()
            .map(|delivery| {
                let gateway = Arc::clone(gateway);
                tokio::spawn(async move { gateway.send(delivery).await })
            })
            .collect();
        let mut answers = Vec::new();
        for send in sends {
            answers.push(send.await.unwrap());
        }
        answers
    })
}

/// Sends to the adapter's own chat.
fn send_to(
    adapter: &Adapter,
    gateway: &Arc<dyn Gateway>,
    mut deliveries: Vec<Delivery>,
) -> Vec<Result<Receipt, SendError>> {
    for delivery in &mut deliveries {
        adapter.chat.clone_into(&mut delivery.destination.chat_id);
    }
    send(gateway, deliveries)
}

/// Sends to a platform that plays one thing: the answer, and the requests that came.
fn play(adapter: &Adapter, play: &Play, deliveries: Vec<Delivery>) -> (Vec<Result<Receipt, SendError>>, Vec<Said>) {
    let played = play.clone();
    let platform = Standin::start(move |_| played.clone());
    let gateway = (adapter.open)(&platform.url(""), PATIENCE);
    let answers = send_to(adapter, &gateway, deliveries);
    let mut said = Vec::new();
    while let Some((request, _)) = platform.poll() {
        said.push((adapter.read)(&request));
    }
    (answers, said)
}

fn one(adapter: &Adapter, played: &Play, delivery: Delivery) -> (Result<Receipt, SendError>, Vec<Said>) {
    let (mut answers, said) = play(adapter, played, vec![delivery]);
    (answers.pop().unwrap(), said)
}

fn each(case: impl Fn(&Adapter)) {
    for adapter in ADAPTERS {
        println!("{}", adapter.name);
        case(adapter);
    }
}

#[test]
fn a_message_that_is_taken_is_delivered_under_the_platform_s_id() {
    each(|adapter| {
        let (answer, said) = one(adapter, &(adapter.taken)("71"), delivery("Good morning"));
        assert_eq!(answer, Ok(Receipt { message_id: Some("71".to_owned()) }));
        let [said] = &said[..] else { panic!("{said:?}") };
        assert_eq!((said.chat.as_str(), &said.thread, said.text.as_str()), (adapter.chat, &None, "Good morning"));
    });
}

#[test]
fn what_a_platform_will_never_take_is_permanent() {
    each(|adapter| {
        let (answer, said) = one(adapter, &(adapter.refused)(), delivery("x"));
        assert!(matches!(answer, Err(SendError::Permanent { .. })), "{answer:?}");
        assert_eq!(said.len(), 1, "an adapter tries nothing by itself");
    });
}

#[test]
fn a_platform_in_trouble_is_tried_again() {
    each(|adapter| {
        let (answer, said) = one(adapter, &(adapter.broken)(), delivery("x"));
        assert!(matches!(answer, Err(SendError::Retry { after: None, .. })), "{answer:?}");
        assert_eq!(said.len(), 1, "an adapter tries nothing by itself");
    });
}

#[test]
fn a_busy_platform_is_given_the_time_it_asks_for() {
    each(|adapter| {
        let (answer, _) = one(adapter, &(adapter.busy)(7), delivery("x"));
        let seven = Some(Span::from_seconds(7));
        assert!(matches!(&answer, Err(SendError::Limited { after, .. }) if *after == seven), "{answer:?}");
    });
}

#[test]
fn a_storm_of_refusals_answers_each_and_then_passes() {
    each(|adapter| {
        let (busy, taken) = ((adapter.busy)(1), (adapter.taken)("m"));
        let platform = Standin::start(move |request| if request.number < 100 { busy.clone() } else { taken.clone() });
        let gateway = (adapter.open)(&platform.url(""), Span::from_seconds(20));
        let many = |count: u16| {
            (0..count).map(|number| Delivery { key: format!("key-{number}"), ..delivery("x") }).collect::<Vec<_>>()
        };
        for answer in send_to(adapter, &gateway, many(100)) {
            let second = Some(Span::from_seconds(1));
            assert!(matches!(&answer, Err(SendError::Limited { after, .. }) if *after == second), "{answer:?}");
        }
        assert!(send_to(adapter, &gateway, many(100)).iter().all(Result::is_ok));
        let keys = |count| (0..count).map(|_| (adapter.read)(&platform.next().0).key).collect::<BTreeSet<_>>();
        assert_eq!(keys(100), keys(100));
    });
}

#[test]
fn no_answer_in_time_is_ambiguous() {
    each(|adapter| {
        let (answer, said) = one(adapter, &Play::Hold, delivery("x"));
        assert!(matches!(answer, Err(SendError::Ambiguous { .. })), "{answer:?}");
        assert_eq!(said.len(), 1);
    });
}

#[test]
fn a_connection_cut_after_the_request_is_ambiguous() {
    each(|adapter| {
        for cut in [Play::Cut, Play::CutAnswer] {
            let (answer, said) = one(adapter, &cut, delivery("x"));
            assert!(matches!(answer, Err(SendError::Ambiguous { .. })), "{cut:?}: {answer:?}");
            assert_eq!(said.len(), 1, "{cut:?}: an adapter tries nothing by itself");
        }
    });
}

#[test]
fn a_connection_that_never_was_is_tried_again() {
    each(|adapter| {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let gateway = (adapter.open)(&format!("http://{nobody}"), PATIENCE);
        let answers = send_to(adapter, &gateway, vec![delivery("x")]);
        assert!(matches!(&answers[..], [Err(SendError::Unreachable { .. })]), "{answers:?}");
    });
}

#[test]
fn the_key_is_the_same_for_every_attempt() {
    each(|adapter| {
        let taken = (adapter.taken)("m");
        let platform = Standin::start(move |_| taken.clone());
        let gateway = (adapter.open)(&platform.url(""), PATIENCE);
        let key = || {
            let (request, _) = platform.next();
            (adapter.read)(&request).key
        };
        let attempt = |attempt, later| Delivery {
            attempt,
            sent_at: delivery("x").sent_at.plus(Span::from_seconds(later)),
            ..delivery("x")
        };
        assert_eq!(send_to(adapter, &gateway, vec![attempt(1, 0)]).len(), 1);
        let first = key();
        assert_eq!(send_to(adapter, &gateway, vec![attempt(2, 60)]).len(), 1);
        assert_eq!(key(), first);
        let other = Delivery { key: "other".to_owned(), ..delivery("x") };
        assert_eq!(send_to(adapter, &gateway, vec![other]).len(), 1);
        assert!(first.is_none() || key() != first, "another message has another key");
    });
}

#[test]
fn any_text_arrives_as_it_is() {
    each(|adapter| {
        let long = "A line of a long text, with numbers. ".repeat(64 * 1024 / 40);
        let texts = [
            "Ünïcödé 🕰️ 時計 \u{202e}rtl",
            "quotes \" ' \\ / and\nlines\r\n\ttabs",
            "\u{0} \u{7f} \u{1b}[31m",
            &long[..most(adapter).unwrap_or(long.len()).min(long.len())],
        ];
        for text in texts {
            let (answer, said) = one(adapter, &(adapter.taken)("m"), delivery(text));
            assert!(answer.is_ok(), "{answer:?}");
            let arrived: String = said.iter().map(|said| said.text.as_str()).collect();
            assert!(arrived == text, "{text:.60?} became {arrived:.60?}");
        }
    });
}

/// How many letters of ASCII an adapter takes; each counts as one, whatever is counted.
fn most(adapter: &Adapter) -> Option<usize> {
    (adapter.open)("http://127.0.0.1:1", PATIENCE).capabilities().text.room()
}

#[test]
fn a_text_over_the_limit_is_refused_for_good_and_the_limit_named() {
    each(|adapter| {
        let Some(most) = most(adapter) else { return };
        let (answer, said) = one(adapter, &(adapter.taken)("m"), delivery(&"x".repeat(most)));
        assert!(answer.is_ok() && said.len() == 1, "{answer:?}");
        let (answer, said) = one(adapter, &(adapter.taken)("m"), delivery(&"x".repeat(most + 1)));
        let Err(SendError::Permanent { error }) = answer else { panic!("{answer:?}") };
        assert!(error.contains(&most.to_string()) && said.is_empty(), "{error}");
    });
}

#[test]
fn an_empty_text_is_taken_or_refused_for_good() {
    each(|adapter| {
        let (answer, said) = one(adapter, &(adapter.taken)("m"), delivery(""));
        if adapter.takes_empty {
            assert!(answer.is_ok() && said[0].text.is_empty(), "{answer:?} {said:?}");
        } else {
            assert!(matches!(answer, Err(SendError::Permanent { .. })) && said.is_empty(), "{answer:?} {said:?}");
        }
    });
}

#[test]
fn a_thread_is_named() {
    each(|adapter| {
        let mut threaded = delivery("x");
        threaded.destination.thread = Some("42".to_owned());
        let knows_threads = (adapter.open)("http://127.0.0.1:9", PATIENCE).capabilities().threads;
        let (answer, said) = one(adapter, &(adapter.taken)("m"), threaded);
        if knows_threads {
            assert_eq!(said[0].thread.as_deref(), Some("42"));
        } else {
            assert!(matches!(answer, Err(SendError::Permanent { .. })) && said.is_empty(), "{answer:?} {said:?}");
        }
    });
}
