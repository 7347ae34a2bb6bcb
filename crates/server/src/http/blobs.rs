//! Evidence: how much is there, sending it from where it stopped, fetching it from where it stopped.
//!
//! Entries go first: evidence is taken only from somebody whose accepted entry names it, and given only to somebody who may read an
//! entry that names it. To everybody else it does not exist.

use std::{ops::Range, str::FromStr};

use super::{
    App, Shared,
    bodies::SILENCE,
    fault::{Fault, blocking},
    session::Caller,
};
use crate::evidence::{EvidenceError, Held, Sender};
use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use shicha_domain::{BlobHash, authority};
use shicha_sync::{
    protocol::{
        MAX_BLOB, MAX_BLOB_PART, ProblemCode, UPLOAD_COMPLETE, UPLOAD_LENGTH, UPLOAD_OFFSET,
    },
    work,
};

/// How much is read at a time for somebody who fetches.
const READ_PIECE: usize = 1 << 20;

fn parse(hash: &str) -> Result<BlobHash, Fault> {
    hash.parse()
        .map_err(|_| Fault::bad_request("evidence is named by 64 lower-case hexadecimal digits"))
}

/// A file as one device sends it. Others who send the same, or say so, have parts of their own.
type Sent = (BlobHash, Sender);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Send,
    Fetch,
    Either,
}

/// Whoever wrote an entry that names it may send and ask; whoever may read such an entry may fetch it, and may also bring it for its
/// author: what is taken has the hash that the entry names, whoever brings it.
fn permit(app: &App, caller: &Caller, hash: BlobHash, wish: Wish) -> Result<(), Fault> {
    let register = app.home.store.register()?;
    let is_permitted = app
        .home
        .store
        .blob_uses(hash)?
        .iter()
        .any(|(channel, person)| {
            (wish != Wish::Fetch && *person == caller.actor.person)
                || authority::may_read(&caller.actor, channel, &register.tree)
        });
    if is_permitted {
        Ok(())
    } else {
        Err(Fault::new(
            ProblemCode::NotFound,
            "no entry that you know names this evidence",
        ))
    }
}

fn number<T: FromStr>(headers: &HeaderMap, name: &'static str) -> Result<T, Fault> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .ok_or_else(|| Fault::bad_request(format!("the header {name} must hold a number")))
}

fn progress(status: StatusCode, held: Held) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    let (offset, complete) = match held {
        Held::Whole(size) => {
            headers.insert(
                HeaderName::from_static(UPLOAD_LENGTH),
                HeaderValue::from(size),
            );
            (size, "?1")
        }
        Held::Part(have) => (have, "?0"),
    };
    headers.insert(
        HeaderName::from_static(UPLOAD_OFFSET),
        HeaderValue::from(offset),
    );
    headers.insert(
        HeaderName::from_static(UPLOAD_COMPLETE),
        HeaderValue::from_static(complete),
    );
    response
}

/// How much of it is there.
#[utoipa::path(
    head, path = "/v1/blobs/{hash}", tag = "evidence", params(("hash" = String, Path, description = "SHA-256 of the bytes")),
    responses((status = 200, description = "how much is there", headers(
        ("upload-offset" = u64), ("upload-complete" = String), ("upload-length" = u64)
    )))
)]
pub(super) async fn state(
    State(app): State<Shared>,
    caller: Caller,
    Path(hash): Path<String>,
) -> Result<Response, Fault> {
    let hash = parse(&hash)?;
    blocking(move || {
        permit(&app, &caller, hash, Wish::Either)?;
        let by = Sender::Device(caller.state.device.id);
        Ok(progress(StatusCode::OK, app.home.evidence.held(hash, by)?))
    })
    .await
}

/// A part of it, from where the last one ended.
#[utoipa::path(
    patch, path = "/v1/blobs/{hash}", tag = "evidence",
    params(
        ("hash" = String, Path, description = "SHA-256 of the bytes"),
        ("upload-offset" = u64, Header, description = "where the part begins"),
        ("upload-length" = u64, Header, description = "how many bytes there are in all"),
    ),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, description = "how much is there now", headers(
        ("upload-offset" = u64), ("upload-complete" = String), ("upload-length" = u64)
    )))
)]
pub(super) async fn send(
    State(app): State<Shared>,
    caller: Caller,
    Path(hash): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let hash = parse(&hash)?;
    let offset: u64 = number(&headers, UPLOAD_OFFSET)?;
    let total: u64 = number(&headers, UPLOAD_LENGTH)?;
    if total == 0 || total > MAX_BLOB {
        return Err(Fault::new(
            ProblemCode::TooLarge,
            format!("evidence has 1 to {MAX_BLOB} bytes"),
        ));
    }
    let announced: Option<u64> = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length| length > MAX_BLOB_PART as u64) {
        return Err(Fault::new(
            ProblemCode::TooLarge,
            format!("a part has at most {MAX_BLOB_PART} bytes"),
        ));
    }
    let sender = caller.admitted();
    let sent = (hash, Sender::Device(caller.state.device.id));
    let held = blocking({
        let app = Shared::clone(&app);
        move || {
            permit(&app, &caller, hash, Wish::Send)?;
            match app.home.evidence.held(hash, sent.1)? {
                // Perhaps a process was killed before it could note that it is there.
                Held::Whole(size) => note(&app, hash, size),
                // Or after the last byte, before it made it whole.
                Held::Part(have) if have >= total => finish(&app, sent),
                part => Ok(part),
            }
        }
    })
    .await?;
    match held {
        whole @ Held::Whole(_) => return Ok(progress(StatusCode::OK, whole)),
        Held::Part(have) if have != offset => return Err(EvidenceError::Offset(have).into()),
        Held::Part(_) => {}
    }
    let _room = app.bodies.part(sender).await?;
    let held = receive(&app, sent, offset, total, body).await?;
    Ok(progress(StatusCode::OK, held))
}

/// Writes down that evidence has arrived: from then on it is verified and copied for backups.
fn note(app: &App, hash: BlobHash, size: u64) -> Result<Held, Fault> {
    app.home.store.note_blob(hash, size, app.now_ms())?;
    Ok(Held::Whole(size))
}

fn finish(app: &App, (hash, by): Sent) -> Result<Held, Fault> {
    let size = app.home.evidence.finish(hash, by)?;
    note(app, hash, size)
}

/// Writes as it comes, so that what has arrived when the line breaks need not be sent again.
async fn receive(
    app: &Shared,
    sent: Sent,
    offset: u64,
    total: u64,
    body: Body,
) -> Result<Held, Fault> {
    let full = app.home.evidence.piece();
    let mut stream = body.into_data_stream();
    let mut waiting: Vec<u8> = Vec::new();
    let mut held = Held::Part(offset);
    let mut taken = 0;
    let broken = loop {
        let chunk = match tokio::time::timeout(SILENCE, stream.next()).await {
            Ok(None) => break None,
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(_))) => break Some(Fault::bad_request("the part ended early")),
            Err(_elapsed) => {
                break Some(Fault::new(ProblemCode::Timeout, "nothing came for a while"));
            }
        };
        taken += chunk.len();
        if taken > MAX_BLOB_PART {
            break Some(Fault::new(
                ProblemCode::TooLarge,
                format!("a part has at most {MAX_BLOB_PART} bytes"),
            ));
        }
        waiting.extend_from_slice(&chunk);
        if waiting.len() >= full {
            held = write(app, sent, held, total, std::mem::take(&mut waiting)).await?;
        }
    };
    if !waiting.is_empty() {
        held = write(app, sent, held, total, waiting).await?;
    }
    app.metrics.bytes("evidence_in", taken as u64);
    match (broken, held) {
        (Some(fault), _) => Err(fault),
        (None, Held::Part(at)) if at < total => Ok(held),
        (None, _) => {
            let app = Shared::clone(app);
            blocking(move || match held {
                Held::Whole(size) => note(&app, sent.0, size),
                Held::Part(_) => finish(&app, sent),
            })
            .await
        }
    }
}

/// Adds bytes after what is held. What somebody else made whole meanwhile needs none.
async fn write(
    app: &Shared,
    (hash, by): Sent,
    held: Held,
    total: u64,
    piece: Vec<u8>,
) -> Result<Held, Fault> {
    let Held::Part(at) = held else {
        return Ok(held);
    };
    let app = Shared::clone(app);
    blocking(move || Ok(app.home.evidence.append(hash, by, at, total, piece)?)).await
}

/// Its bytes.
#[utoipa::path(
    get, path = "/v1/blobs/{hash}", tag = "evidence",
    params(("hash" = String, Path, description = "SHA-256 of the bytes"), ("range" = Option<String>, Header, description = "bytes=FIRST- or bytes=FIRST-LAST")),
    responses(
        (status = 200, description = "all of it", body = String, content_type = "application/octet-stream"),
        (status = 206, description = "a part", body = String, content_type = "application/octet-stream"),
        (status = 416, description = "the range begins after the end"),
    )
)]
pub(super) async fn fetch(
    State(app): State<Shared>,
    caller: Caller,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let hash = parse(&hash)?;
    let found = blocking({
        let app = Shared::clone(&app);
        move || {
            permit(&app, &caller, hash, Wish::Fetch)?;
            Ok(app.home.evidence.whole(hash)?)
        }
    })
    .await?;
    let Some(size) = found else {
        return Err(Fault::new(
            ProblemCode::NotFound,
            "this evidence has not arrived yet",
        ));
    };
    given(app, hash, size, &headers)
}

/// The bytes under a hash that are there whole, all of them or the stretch that is asked for.
pub(super) fn given(
    app: Shared,
    hash: BlobHash,
    size: u64,
    headers: &HeaderMap,
) -> Result<Response, Fault> {
    let range = headers
        .get(header::RANGE)
        .map(|value| range_of(value.to_str().unwrap_or("")))
        .transpose()?;
    let start = range.map_or(0, |(start, _)| start);
    if start > size || (start == size && size > 0 && range.is_some()) {
        let mut response = Fault::bad_request("the range begins after the end").into_response();
        *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
        return Ok(response);
    }
    let end = range
        .and_then(|(_, last)| last)
        .map_or(size, |last| last.saturating_add(1).min(size));
    let length = end - start;
    app.metrics.bytes("evidence_out", length);
    let status = if range.is_some() {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    let mut response = (status, Body::from_stream(pieces(app, hash, start..end))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let (true, Ok(range)) = (
        range.is_some(),
        HeaderValue::from_str(&format!("bytes {start}-{}/{size}", end - 1)),
    ) {
        headers.insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

/// `bytes=a-` or `bytes=a-b`: one range from a known start (RFC 9110 §14).
fn range_of(text: &str) -> Result<(u64, Option<u64>), Fault> {
    let fault = || Fault::bad_request("a range must be bytes=FIRST- or bytes=FIRST-LAST");
    let (first, last) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .ok_or_else(fault)?;
    let first: u64 = first.parse().map_err(|_| fault())?;
    let last = if last.is_empty() {
        None
    } else {
        Some(last.parse::<u64>().map_err(|_| fault())?)
    };
    if last.is_some_and(|last| last < first) {
        Err(fault())
    } else {
        Ok((first, last))
    }
}

/// Bytes of evidence that is there whole, a piece at a time. An error cuts the answer short, and the device goes on from there.
fn pieces(
    app: Shared,
    hash: BlobHash,
    range: Range<u64>,
) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::try_unfold(range, move |range| {
        let app = Shared::clone(&app);
        async move {
            let length = range.end.saturating_sub(range.start).min(READ_PIECE as u64) as usize;
            if length == 0 {
                return Ok(None);
            }
            let start = range.start;
            let read = work::begin(move || app.home.evidence.read(hash, start, length))
                .await
                .map_err(std::io::Error::other)?;
            match read {
                Ok(Some(piece)) if piece.len() == length => {
                    let rest = start + length as u64..range.end;
                    Ok(Some((Bytes::from(piece), rest)))
                }
                Ok(_) => Err(std::io::Error::other("evidence is shorter than it was")),
                Err(error) => {
                    tracing::error!(%error, "evidence could not be read");
                    Err(std::io::Error::other(error))
                }
            }
        }
    })
}
