//! The event stream: "there is something new", so that others see it within a moment and not at their next round.
//!
//! It says nothing of what is new. A notice may be lost; the next round of synchronisation finds what it was about.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::Stream;
use shicha_domain::authority;
use shicha_sync::protocol::messages::Notice;
use tokio::sync::{broadcast, watch};

use super::{Change, Shared, session::Caller};
use crate::serve::closed;

/// How often something is said on a quiet stream, so that both sides notice a broken line.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Listening {
    app: Shared,
    caller: Caller,
    changes: broadcast::Receiver<Arc<Change>>,
    closing: watch::Receiver<bool>,
    ends: tokio::time::Instant,
    has_begun: bool,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.app.metrics.event_streams.dec();
    }
}

/// Says that there is something new.
#[utoipa::path(
    get, path = "/v1/events", tag = "sync",
    responses((status = 200, description = "server-sent events: data is a notice", body = String, content_type = "text/event-stream"))
)]
pub(super) async fn stream(
    State(app): State<Shared>,
    caller: Caller,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let left_ms = caller.session_ends_ms.saturating_sub(app.now_ms());
    app.metrics.event_streams.inc();
    let listening = Listening {
        changes: app.changes.subscribe(),
        closing: app.closing.clone(),
        ends: tokio::time::Instant::now() + Duration::from_millis(left_ms),
        has_begun: false,
        app,
        caller,
    };
    let events = futures::stream::unfold(listening, |mut listening| async move {
        let notice = listening.next().await?;
        Some((Ok(Event::default().data(notice.as_str())), listening))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

impl Listening {
    /// The next notice; `None` when the session ends or the server closes.
    async fn next(&mut self) -> Option<Notice> {
        if !self.has_begun {
            // Between the client's last round and now something may have come.
            self.has_begun = true;
            return Some(Notice::Entries);
        }
        loop {
            let change = tokio::select! {
                () = tokio::time::sleep_until(self.ends) => return None,
                () = closed(&mut self.closing) => return None,
                change = self.changes.recv() => change,
            };
            match change {
                Ok(change) => {
                    if let Some(notice) = self.notice(&change) {
                        return Some(notice);
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => return Some(Notice::Entries),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    fn notice(&self, change: &Change) -> Option<Notice> {
        match change {
            Change::Directory => Some(Notice::Directory),
            Change::Anything => Some(Notice::Entries),
            Change::Entries {
                by: Some(device), ..
            } if *device == self.caller.state.device.id => None,
            Change::Entries { channels, .. } => {
                let register = self.app.known_register();
                channels
                    .iter()
                    .any(|channel| authority::may_read(&self.caller.actor, channel, &register.tree))
                    .then_some(Notice::Entries)
            }
        }
    }
}
