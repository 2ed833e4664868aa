//! An inbox that a test looks into: what was taken, and which place was kept.

use std::future::Future as _;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use chimewheel::gateway::{Gateway, Inbound, Inbox, Taking};

/// What listening did, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Took(Inbound),
    Kept(String),
}

/// Notes every step.
#[derive(Default)]
pub struct Noted {
    place: Mutex<Option<String>>,
    steps: Mutex<Vec<Step>>,
}

impl Noted {
    pub fn at(place: Option<&str>) -> Arc<Self> {
        Arc::new(Self { place: Mutex::new(place.map(str::to_owned)), ..Self::default() })
    }

    pub fn steps(&self) -> Vec<Step> {
        self.steps.lock().unwrap().clone()
    }

    pub fn taken(&self) -> Vec<Inbound> {
        let took = |step| if let Step::Took(message) = step { Some(message) } else { None };
        self.steps().into_iter().filter_map(took).collect()
    }
}

impl Inbox for Noted {
    fn take(&self, messages: Vec<Inbound>) -> Taking<'_> {
        self.steps.lock().unwrap().extend(messages.into_iter().map(Step::Took));
        Box::pin(std::future::ready(Ok(())))
    }

    fn place(&self) -> Taking<'_, Option<String>> {
        Box::pin(std::future::ready(Ok(self.place.lock().unwrap().clone())))
    }

    fn keep_place(&self, place: String) -> Taking<'_> {
        self.steps.lock().unwrap().push(Step::Kept(place.clone()));
        *self.place.lock().unwrap() = Some(place);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Listens until what was noted is enough, and says what it was. A test that waits for ever is ended by its patience.
pub fn listen_until(gateway: &Arc<dyn Gateway>, inbox: &Arc<Noted>, is_enough: impl Fn(&Noted) -> bool) {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let mut listening = pin!(gateway.listen(Arc::clone(inbox) as Arc<dyn Inbox>));
        let enough = std::future::poll_fn(|context| {
            let ended = listening.as_mut().poll(context);
            assert!(ended.is_pending(), "it listens no longer");
            if is_enough(inbox) { Poll::Ready(()) } else { Poll::Pending }
        });
        let patience = std::time::Duration::from_secs(60);
        tokio::time::timeout(patience, enough).await.unwrap_or_else(|_| panic!("not enough: {:?}", inbox.steps()));
    });
}
