//! The connections, by whose they are: nobody has more than a share of them.
//!
//! A connection counts for its address from the start (`crate::places`), and for a device and its person from the first request that says
//! who it is. Behind a proxy one connection serves many, so that there it counts only while the request is answered.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use shicha_domain::{DeviceId, PersonId};

use super::share::{Share, Shares};

/// Whose a connection is.
#[derive(Clone, Default)]
pub(crate) struct Line(Arc<Mutex<Option<Owner>>>);

struct Owner {
    device: DeviceId,
    _device: Share<DeviceId>,
    _person: Option<Share<PersonId>>,
}

/// The connections of each device and person.
pub(crate) struct Lines {
    devices: Shares<DeviceId>,
    people: Shares<PersonId>,
}

impl Lines {
    pub(crate) fn new(of_device: usize, of_person: usize) -> Self {
        Self {
            devices: Shares::new(of_device),
            people: Shares::new(of_person),
        }
    }

    /// Counts a connection for a device, and for its person where they are known. `false`: they have all that they may.
    pub(super) fn count(&self, line: &Line, device: DeviceId, person: Option<PersonId>) -> bool {
        let mut owner = line.0.lock();
        if owner.as_ref().is_some_and(|owner| owner.device == device) {
            return true;
        }
        // First given back what it counted for before.
        *owner = None;
        let Some(of_device) = self.devices.take(device) else {
            return false;
        };
        let of_person = person.map(|person| self.people.take(person));
        if matches!(of_person, Some(None)) {
            return false;
        }
        *owner = Some(Owner {
            device,
            _device: of_device,
            _person: of_person.flatten(),
        });
        true
    }
}

impl Line {
    /// The answer, after which the connection is nobody's any more.
    pub(super) fn until_answered(self, body: Body) -> Body {
        until_sent(body, Release(self))
    }
}

struct Release(Line);

impl Drop for Release {
    fn drop(&mut self) {
        *self.0.0.lock() = None;
    }
}

/// A body with something that is held until it was sent, or nobody sends it any more.
pub(crate) fn until_sent(body: Body, held: impl Send + Unpin + 'static) -> Body {
    Body::new(Sending { body, _held: held })
}

struct Sending<T> {
    body: Body,
    _held: T,
}

impl<T: Unpin> HttpBody for Sending<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
