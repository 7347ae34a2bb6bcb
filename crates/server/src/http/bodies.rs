//! Reading what is sent: how much, of whom, and how much at a time.
//!
//! Invariant: memory is taken for a body only after the token's owner is known and may take part, and only out of a budget. Before
//! somebody says who they are, 4 KiB are read and no more: the budget for that is the number of connections. A body of at most
//! [`SMALL`] bytes counts by the connections that its device may have; larger ones are counted one by one, so many of a device, so many
//! of a person, and by their size out of what there is for all. Whoever falls silent in the middle is cut off.

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use futures::StreamExt as _;
use shicha_domain::{DeviceId, PersonId};
use shicha_sync::protocol::ProblemCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Shared,
    fault::{Fault, blocking},
    session::{Admitted, Claim},
    share::{Turn, Turns},
};

/// The most bytes of a body on a route that is open to anybody. What is sent there is a code or an identity, keys and signatures in
/// hexadecimal digits, a label of at most a hundred characters that counts, and a version: 700 bytes.
pub(super) const OPEN_BODY: usize = 4 << 10;
/// A larger body is counted.
const SMALL: usize = 64 << 10;
/// KiB of counted bodies that are read, or wait for their turn, at a time.
const COUNTED: u32 = 192 << 10;
/// Counted bodies of one device at a time: one that is under way, and one that a broken line left behind.
const OF_DEVICE: usize = 2;
/// The same of one person, who may have two computers.
const OF_PERSON: usize = 4;
/// Parts of evidence that are written as they come, of one device, of one person, and of all. Each takes a piece of memory, up to 1 MiB.
const PARTS: [usize; 3] = [4, 8, 1_024];
/// How long a sender may be silent in the middle of a body.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// How many bytes a route takes at most; the router says it.
#[derive(Debug, Clone, Copy)]
pub(super) struct MostBytes(pub(super) usize);

/// Room for bodies.
pub(crate) struct Bodies {
    all: Arc<Semaphore>,
    devices: Turns<DeviceId>,
    people: Turns<PersonId>,
    parts_of_devices: Turns<DeviceId>,
    parts_of_people: Turns<PersonId>,
    parts: Arc<Semaphore>,
}

/// Room for one of them.
pub(super) struct Room {
    _device: Turn<DeviceId>,
    _person: Turn<PersonId>,
    _all: OwnedSemaphorePermit,
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(COUNTED as usize)),
            devices: Turns::new(OF_DEVICE),
            people: Turns::new(OF_PERSON),
            parts_of_devices: Turns::new(PARTS[0]),
            parts_of_people: Turns::new(PARTS[1]),
            parts: Arc::new(Semaphore::new(PARTS[2])),
        }
    }

    /// Waits for room for a part of evidence.
    pub(super) async fn part(&self, of: Admitted) -> Result<Room, Fault> {
        let closed = |error| Fault::internal(&error);
        let device = self
            .parts_of_devices
            .take(of.device)
            .await
            .map_err(closed)?;
        let person = self.parts_of_people.take(of.person).await.map_err(closed)?;
        let all = Arc::clone(&self.parts).acquire_owned().await;
        Ok(Room {
            _device: device,
            _person: person,
            _all: all.map_err(closed)?,
        })
    }

    async fn room(&self, of: Admitted, bytes: usize) -> Result<Room, Fault> {
        let closed = |error| Fault::internal(&error);
        let device = self.devices.take(of.device).await.map_err(closed)?;
        let person = self.people.take(of.person).await.map_err(closed)?;
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(COUNTED);
        let all = Arc::clone(&self.all)
            .acquire_many_owned(kib.min(COUNTED))
            .await
            .map_err(closed)?;
        Ok(Room {
            _device: device,
            _person: person,
            _all: all,
        })
    }
}

/// A body that was read whole, with the room that it takes.
pub(crate) struct Sent {
    bytes: Bytes,
    /// Whose it is, unless anybody may send it.
    pub(super) by: Option<Admitted>,
    _room: Option<Room>,
}

impl Deref for Sent {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl FromRequest<Shared> for Sent {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Fault> {
        let (parts, body) = request.into_parts();
        let claim = parts.extensions.get::<Claim>().copied();
        let route = parts.extensions.get::<MostBytes>();
        let most = match claim {
            Some(_) => route.map_or(OPEN_BODY, |most| most.0),
            None => OPEN_BODY,
        };
        let announced = announced(&parts.headers);
        if announced.is_some_and(|bytes| bytes > most as u64) {
            return Err(too_large(most));
        }
        // Who sends no length may send as much as anybody.
        let expected = announced.map_or(most, |bytes| bytes as usize);
        let is_counted = expected > SMALL;
        let by = match (claim, parts.extensions.get::<Admitted>()) {
            (None, _) => None,
            (Some(_), Some(admitted)) => Some(*admitted),
            (Some(claim), None) => Some(admit(app, claim, is_counted).await?),
        };
        let room = match by {
            Some(by) if is_counted => Some(app.bodies.room(by, expected).await?),
            _ => None,
        };
        Ok(Self {
            bytes: read(body, most, announced.map_or(0, |bytes| bytes as usize)).await?,
            by,
            _room: room,
        })
    }
}

/// Who sends, if they may take part. As the directory is known here, which may be a second old, for what is small; it is looked up again
/// before anything is taken.
async fn admit(app: &Shared, claim: Claim, is_counted: bool) -> Result<Admitted, Fault> {
    let known = claim.known(app).filter(|_| !is_counted);
    match known {
        Some(admitted) => Ok(admitted),
        None => {
            let app = Shared::clone(app);
            let caller = blocking(move || claim.caller(&app)).await?;
            Ok(caller.admitted())
        }
    }
}

/// The length that a request says its body has.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
}

fn too_large(most: usize) -> Fault {
    Fault::new(
        ProblemCode::TooLarge,
        format!("the body may have at most {most} bytes"),
    )
}

async fn read(body: Body, most: usize, announced: usize) -> Result<Bytes, Fault> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::with_capacity(announced);
    loop {
        match tokio::time::timeout(SILENCE, stream.next()).await {
            Ok(None) => return Ok(bytes.into()),
            Ok(Some(Ok(chunk))) if chunk.len() > most - bytes.len() => return Err(too_large(most)),
            Ok(Some(Ok(chunk))) => bytes.extend_from_slice(&chunk),
            Ok(Some(Err(_))) => return Err(Fault::bad_request("the body ended early")),
            Err(_elapsed) => {
                return Err(Fault::new(ProblemCode::Timeout, "nothing came for a while"));
            }
        }
    }
}
