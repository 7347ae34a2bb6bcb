//! What is answered at which path.

use std::{net::SocketAddr, path::Path};

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Path as UrlPath, RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures::Stream;
use serde_json::Value;
use shicha_api::{App, error::ApiError, fetch::Fetched, schema::HostEvent};
use tokio::sync::broadcast::error::RecvError;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

/// A piece of an upload is at most 1 MiB, a third more in Base64.
const MAX_CALL_BYTES: usize = 4 << 20;

/// Where `npm run dev` serves the screens.
const DEVELOPMENT_PORT: u16 = 5183;

/// All routes.
pub(crate) fn routes(core: App, address: SocketAddr, ui: &Path) -> Router {
    Router::new()
        .route("/rpc/{name}", post(rpc))
        .route("/events", get(events))
        .route("/evidence/{hash}", get(evidence))
        .route("/files/{token}", get(file))
        .layer(DefaultBodyLimit::max(MAX_CALL_BYTES))
        .with_state(core)
        .fallback_service(ServeDir::new(ui))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            policy(),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(middleware::from_fn(
            move |request: Request, next: Next| async move {
                if is_for_us(request.headers(), address) {
                    next.run(request).await
                } else {
                    StatusCode::FORBIDDEN.into_response()
                }
            },
        ))
}

/// The policy of the desktop window, so that what it would forbid fails here too.
fn policy() -> HeaderValue {
    let config: Value =
        serde_json::from_str(include_str!("../../../tauri.conf.json")).unwrap_or_default();
    config["app"]["security"]["csp"]
        .as_str()
        .and_then(|policy| HeaderValue::from_str(policy).ok())
        .unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Whether a request names this host itself (or the front end's development server, which hands calls on) and comes from a page of
/// ours or from no page.
fn is_for_us(headers: &HeaderMap, address: SocketAddr) -> bool {
    let is_ours = |authority: &str| {
        let (name, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
        let ports = [address.port(), DEVELOPMENT_PORT];
        matches!(name, "127.0.0.1" | "localhost")
            && ports.iter().any(|other| port == other.to_string())
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    host.is_some_and(is_ours)
        && headers.get(header::ORIGIN).is_none_or(|origin| {
            let origin = origin.to_str().unwrap_or_default();
            origin.strip_prefix("http://").is_some_and(is_ours)
        })
}

async fn rpc(
    State(core): State<App>,
    UrlPath(name): UrlPath<String>,
    Json(request): Json<Value>,
) -> Result<Json<Value>, (StatusCode, Json<ApiError>)> {
    match core.call(&name, request).await {
        Ok(response) => Ok(Json(response)),
        Err(error) => Err((StatusCode::BAD_REQUEST, Json(error))),
    }
}

async fn events(State(core): State<App>) -> Sse<impl Stream<Item = Result<Event, axum::Error>>> {
    let stream = futures::stream::unfold(core.events(), |mut events| async {
        let event = match events.recv().await {
            Ok(event) => event,
            // Some were missed: everything may have changed.
            Err(RecvError::Lagged(_)) => HostEvent::Changed {
                records: Vec::new(),
                source: "here".into(),
            },
            Err(RecvError::Closed) => return None,
        };
        Some((Event::default().json_data(&event), events))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn evidence(
    State(core): State<App>,
    UrlPath(hash): UrlPath<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    fetched(headers, move |range| {
        core.fetch_evidence(&hash, query.as_deref().unwrap_or_default(), range)
    })
    .await
}

async fn file(
    State(core): State<App>,
    UrlPath(token): UrlPath<String>,
    headers: HeaderMap,
) -> Response {
    fetched(headers, move |range| core.fetch_file(&token, range)).await
}

async fn fetched(
    headers: HeaderMap,
    fetch: impl FnOnce(Option<&str>) -> Fetched + Send + 'static,
) -> Response {
    let fetching = tokio::task::spawn_blocking(move || {
        let range = headers
            .get(header::RANGE)
            .and_then(|range| range.to_str().ok());
        fetch(range)
    });
    let fetched = fetching.await.unwrap_or_else(|_| Fetched::empty(500));
    let mut builder = Response::builder().status(fetched.status);
    for (name, value) in &fetched.headers {
        builder = builder.header(*name, value);
    }
    builder
        .body(Body::from(fetched.body))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn another_sites_page_gets_nothing() {
        let address: SocketAddr = "127.0.0.1:5184".parse().unwrap();
        let host = (header::HOST, "127.0.0.1:5184");
        assert!(is_for_us(&headers(std::slice::from_ref(&host)), address));
        assert!(is_for_us(
            &headers(&[host.clone(), (header::ORIGIN, "http://127.0.0.1:5184")]),
            address
        ));
        assert!(!is_for_us(
            &headers(&[host, (header::ORIGIN, "http://evil.example")]),
            address
        ));
        assert!(!is_for_us(
            &headers(&[(header::HOST, "evil.example:5184")]),
            address
        ));
        assert!(!is_for_us(&headers(&[]), address));
        let development = (header::HOST, "localhost:5183");
        assert!(is_for_us(&headers(&[development]), address));
    }

    #[test]
    fn the_policy_is_the_desktop_windows_own() {
        let policy = policy();
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("script-src 'self';"), "{policy}");
        assert!(policy.contains("object-src 'none'"), "{policy}");
    }
}
