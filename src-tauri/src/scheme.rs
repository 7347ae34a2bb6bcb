//! Addresses for `<img>`, `<audio>` and `fetch`: `evidence://localhost/<hash>?size=…` and `made://localhost/<token>`.
//!
//! What is answered, range requests included, is the core's business; here is only what a webview needs besides.

use shicha_api::{App, fetch::Fetched};
use tauri::{
    Manager as _, UriSchemeContext, UriSchemeResponder, Wry,
    http::{HeaderMap, Request, Response, header},
};

/// Origins of our own pages, by system.
const ORIGINS: &[&str] = &[
    "tauri://localhost",
    "http://tauri.localhost",
    "https://tauri.localhost",
];

/// Answers for evidence.
pub(crate) fn evidence(
    context: UriSchemeContext<'_, Wry>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    answer(&context, request, responder, |core, path, query, range| {
        core.fetch_evidence(path, query, range)
    });
}

/// Answers for files that a handler made.
pub(crate) fn made(
    context: UriSchemeContext<'_, Wry>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    answer(&context, request, responder, |core, path, _, range| {
        core.fetch_file(path, range)
    });
}

fn answer(
    context: &UriSchemeContext<'_, Wry>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
    fetch: fn(&App, &str, &str, Option<&str>) -> Fetched,
) {
    let core = context
        .app_handle()
        .try_state::<App>()
        .map(|core| core.inner().clone());
    tauri::async_runtime::spawn_blocking(move || {
        let header = |headers: &HeaderMap, name| {
            let value: Option<&header::HeaderValue> = headers.get(name);
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let range = header(request.headers(), header::RANGE);
        let origin = header(request.headers(), header::ORIGIN);
        let path = request.uri().path().trim_start_matches('/');
        let query = request.uri().query().unwrap_or_default();
        let fetched = match core {
            Some(core) => fetch(&core, path, query, range.as_deref()),
            None => Fetched::empty(503),
        };
        responder.respond(response(fetched, origin.as_deref()));
    });
}

fn response(fetched: Fetched, origin: Option<&str>) -> Response<Vec<u8>> {
    let mut builder = Response::builder().status(fetched.status);
    for (name, value) in &fetched.headers {
        builder = builder.header(*name, value);
    }
    if let Some(origin) = origin.filter(|origin| ORIGINS.contains(origin)) {
        builder = builder
            .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)
            .header(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                "content-range, content-length",
            )
            .header(header::VARY, "origin");
    }
    builder.body(fetched.body).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be put together");
        let mut empty = Response::new(Vec::new());
        *empty.status_mut() = tauri::http::StatusCode::INTERNAL_SERVER_ERROR;
        empty
    })
}
