//! Updates of the application: which one is for the device that asks, and its bytes, from where it stopped.
//!
//! A device is given what was released for its organisation or one above it; to everybody else an update does not exist.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use shicha_sync::protocol::{
    ProblemCode,
    update::{UpdateOffer, UpdateQuery},
};

use super::{
    Shared,
    blobs::given,
    fault::{Fault, blocking},
    session::Caller,
};
use crate::updates;

/// The newest update that was released for the device's organisation or one above it.
#[utoipa::path(
    get, path = "/v1/update", tag = "updates", params(UpdateQuery),
    responses((status = 200, description = "it, where there is one", body = UpdateOffer))
)]
pub(super) async fn which(
    State(app): State<Shared>,
    caller: Caller,
    Query(query): Query<UpdateQuery>,
) -> Result<Json<UpdateOffer>, Fault> {
    blocking(move || {
        let found = updates::offered(&app.home, &caller.actor.org, &query.platform)?;
        Ok(Json(UpdateOffer {
            update: found.as_ref().map(updates::as_offered),
        }))
    })
    .await
}

/// Its bytes.
#[utoipa::path(
    get, path = "/v1/updates/{name}", tag = "updates",
    params(("name" = String, Path, description = "the file's name, as it was offered"), ("range" = Option<String>, Header, description = "bytes=FIRST- or bytes=FIRST-LAST")),
    responses(
        (status = 200, description = "all of it", body = String, content_type = "application/octet-stream"),
        (status = 206, description = "a part", body = String, content_type = "application/octet-stream"),
        (status = 416, description = "the range begins after the end"),
    )
)]
pub(super) async fn fetch(
    State(app): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let nothing = || {
        Fault::new(
            ProblemCode::NotFound,
            "no update of that name was released for this device",
        )
    };
    let (blob, size) = blocking({
        let app = Shared::clone(&app);
        move || {
            let found = updates::named(&app.home, &caller.actor.org, &name)?;
            let update = found.ok_or_else(nothing)?;
            let size = app.home.evidence.whole(update.blob)?.ok_or_else(nothing)?;
            Ok((update.blob, size))
        }
    })
    .await?;
    given(app, blob, size, &headers)
}
