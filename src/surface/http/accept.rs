//! Connections: taken in while there is room, bounded in what they may send before a request is understood, cut when
//! their reader has stopped reading, and ended in order.
//!
//! Units: milliseconds and bytes, from `limits`. Invariant: after `serve` no connection is left.
//! Not here: what is asked over them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::{Door, Site, router};
use crate::limits;

/// Pause after a connection could not be taken in, as when the process has too many files open.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// By which a request's handler can have its connection cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Leash(Arc<Notify>);

impl Leash {
    /// Cuts the connection, whatever is still to be written to it.
    pub(super) fn cut(&self) {
        self.0.notify_one();
    }
}

/// Answers on a listener until `stop` is done; requests under way are answered first.
pub async fn serve(
    listener: TcpListener,
    door: Door,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let site = Site::new(door);
    let router = router(&site);
    let room = Arc::new(Semaphore::new(limits::HTTP_CONNECTIONS_COUNT_MAX));
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        while connections.try_join_next().is_some() {}
        let place = Arc::clone(&room).acquire_owned();
        let accepted = async {
            let place = place.await;
            (listener.accept().await, place)
        };
        tokio::select! {
            () = &mut stop => break,
            (accepted, place) = accepted => match accepted {
                Ok((stream, _)) => {
                    let (router, ending) = (router.clone(), site.ending.subscribe());
                    connections.spawn(async move {
                        converse(stream, router, ending).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!("a connection could not be taken in: {error}");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
    drop(listener);
    site.ending.send_replace(true);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, router: Router, mut ending: watch::Receiver<bool>) {
    // Without it small answers may wait; they are right all the same.
    let _ = stream.set_nodelay(true);
    let leash = Leash::default();
    let answers = TowerToHyperService::new(router);
    let held = leash.clone();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(held.clone());
        answers.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits::HTTP_IDLE_MS_MAX))
        .max_buf_size(limits::HTTP_BUFFER_BYTES_MAX)
        .max_headers(limits::HTTP_HEADERS_COUNT_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // How a connection ends is its caller's affair.
        _ = &mut connection => return,
        () = leash.0.notified() => return,
        _ = ending.wait_for(|ending| *ending) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        () = leash.0.notified() => {}
    }
}
