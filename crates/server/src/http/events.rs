//! The event stream: "there is something new", so that others see it within a moment and not at their next round.
//!
//! It says nothing of what is new. A notice may be lost; the next round of synchronisation finds what it was about.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::Stream;
use shicha_domain::{DeviceId, authority, authority::Actor};
use shicha_sync::protocol::messages::Notice;
use tokio::sync::{broadcast, watch};

use super::{
    Change, Shared,
    known::{Known, Standing},
    session::Caller,
    share::Kept,
};
use crate::{intake, serve::closed};

/// How often something is said on a quiet stream, so that both sides notice a broken line.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Listening {
    app: Shared,
    caller: Caller,
    changes: broadcast::Receiver<Arc<Change>>,
    known: watch::Receiver<Arc<Known>>,
    closing: watch::Receiver<bool>,
    /// One of the streams that the device may have.
    kept: Kept<DeviceId>,
    ends: tokio::time::Instant,
    has_begun: bool,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.app.metrics.event_streams.dec();
    }
}

/// Says that there is something new. A device has two streams at most: a new one ends the oldest, which a broken line may have left behind.
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
        known: app.known.subscribe(),
        closing: app.closing.clone(),
        kept: app.streams.keep(caller.state.device.id),
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
    /// The next notice; `None` when the session ends, the device or its person is out, a newer stream took its place, or the server closes.
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
                _ = &mut self.kept.ended => return None,
                changed = self.known.changed() => match changed {
                    Ok(()) => None,
                    Err(_gone) => return None,
                },
                change = self.changes.recv() => Some(change),
            };
            // Asked again for each notice: an actor who is out hears nothing more, and one who moved only what is theirs now.
            let actor = self.actor()?;
            match change {
                None => {}
                Some(Ok(change)) => {
                    if let Some(notice) = self.notice(&change, &actor) {
                        return Some(notice);
                    }
                }
                Some(Err(broadcast::error::RecvError::Lagged(_))) => return Some(Notice::Entries),
                Some(Err(broadcast::error::RecvError::Closed)) => return None,
            }
        }
    }

    /// As whom the person acts now; `None` when they are out.
    fn actor(&self) -> Option<Actor> {
        match self.known.borrow().standing(self.caller.state.device.id) {
            Standing::In(person) => Some(intake::actor(person)),
            // Enrolled a moment ago.
            Standing::Unknown => Some(self.caller.actor.clone()),
            Standing::Out => None,
        }
    }

    fn notice(&self, change: &Change, actor: &Actor) -> Option<Notice> {
        match change {
            Change::Directory => Some(Notice::Directory),
            Change::Anything => Some(Notice::Entries),
            Change::Seen { people } => people.contains(&actor.person).then_some(Notice::Entries),
            Change::Entries {
                by: Some(device), ..
            } if *device == self.caller.state.device.id => None,
            Change::Entries { channels, .. } => {
                let known = self.known.borrow();
                channels
                    .iter()
                    .any(|channel| authority::may_read(actor, channel, known.tree()))
                    .then_some(Notice::Entries)
            }
        }
    }
}
