//! What every request goes through: a name, the version of the protocol, a time limit, and an answer that is always well formed.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt as _;
use shicha_sync::protocol::{
    PROBLEM_TYPE, Problem, ProblemCode, REQUEST_ID_HEADER, RETRY_AFTER_S, VERSION, VERSION_HEADER,
    end::TICK_HEADER,
};
use tracing::Instrument as _;

use super::{
    App, Shared,
    fault::Fault,
    line::Line,
    openapi::{ANY_VERSION, Contract, OPEN},
    proxy::{self, Peer},
    session::AskedBy,
};

/// How long a request may take until its answer begins. A batch or a photo may come over a poor line.
fn time_limit(method: &Method, route: &str) -> Duration {
    Duration::from_secs(match route {
        "/v1/blobs/{hash}" if method == Method::PATCH => 900,
        "/v1/packages" => 6 * 3600,
        "/v1/push" | "/v1/pull" => 300,
        _ => 30,
    })
}

pub(super) async fn guard(
    State((app, contract)): State<(Shared, Arc<Contract>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(&app);
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("-", MatchedPath::as_str)
        .to_owned();
    // The path is not logged but the route: a hash names evidence, and what clients send for a path may be anything.
    let span = tracing::info_span!("request", id = %id, method = %method, route = %route);
    async move {
        let begun = std::time::Instant::now();
        // Where a length and chunks contradict each other, whoever passes the request on may take a part of it for the next one. Devices
        // send lengths; after chunks nothing more is read.
        let asked_by = AskedBy::default();
        request.extensions_mut().insert(asked_by.clone());
        let is_last = request.headers().contains_key(header::TRANSFER_ENCODING);
        // Behind a proxy a connection is one client's only while a request is answered.
        let borrowed = request
            .extensions()
            .get::<Peer>()
            .is_some_and(|Peer(peer)| proxy::is_trusted(*peer, &app.proxies))
            .then(|| request.extensions().get::<Line>().cloned())
            .flatten();
        let checked = check_version(&request, &route)
            .and_then(|()| check_rate(&app, &mut request, &route))
            .and_then(|()| contract.check(&request, &route));
        let response = match checked {
            Err(fault) => fault.into_response(),
            Ok(()) if app.is_outgrown() => Fault::new(
                ProblemCode::Unavailable,
                "this process is too old for its store and must be replaced",
            )
            .into_response(),
            Ok(()) if app.home.store.is_damaged() => Fault::damaged().into_response(),
            Ok(()) => {
                let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
                match tokio::time::timeout(time_limit(&method, &route), answer).await {
                    Ok(Ok(response)) => response,
                    Ok(Err(_panic)) => Fault::internal(&"a handler panicked").into_response(),
                    Err(_elapsed) => Fault::new(ProblemCode::Timeout, "the request took too long")
                        .into_response(),
                }
            }
        };
        let mut response = finish(response, &id, method == Method::HEAD);
        let device = asked_by.0.lock().take();
        if let Some(device) = device {
            let tick = app.home.signer.tick(device, app.now_ms()).to_text();
            if let Ok(tick) = HeaderValue::from_str(&tick) {
                response.headers_mut().insert(TICK_HEADER, tick);
            }
        }
        if let Some(line) = borrowed {
            response = response.map(|body| line.until_answered(body));
        }
        if is_last {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        app.metrics.answered(
            &route,
            &method,
            response.status().as_u16(),
            begun.elapsed().as_secs_f64(),
        );
        tracing::info!(
            status = response.status().as_u16(),
            ms = begun.elapsed().as_millis() as u64,
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}

fn request_id(app: &App) -> String {
    format!("{:016x}", u64::from_be_bytes(app.random.bytes()))
}

/// The answer to a request that goes through nothing else.
pub(super) fn refused(app: &App, fault: Fault) -> Response {
    finish(fault.into_response(), &request_id(app), false)
}

fn check_version(request: &Request, route: &str) -> Result<(), Fault> {
    // Whoever asks who the server is cannot know yet what it speaks.
    if ANY_VERSION.contains(&route) {
        return Ok(());
    }
    let spoken = request
        .headers()
        .get(VERSION_HEADER)
        .and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    let action = match spoken {
        Some(VERSION) => return Ok(()),
        Some(newer) if newer > VERSION => "update_server",
        _ => "update_client",
    };
    let detail = format!(
        "this server speaks version {VERSION} of the protocol; the header {VERSION_HEADER} must say so"
    );
    let problem = Problem::new(ProblemCode::Version, detail)
        .with("supported", vec![VERSION])
        .with("software", env!("CARGO_PKG_VERSION"))
        .with("action", action);
    Err(problem.into())
}

/// Finds out where the request comes from, and how often that address asked for what is answered without a session.
fn check_rate(app: &App, request: &mut Request, route: &str) -> Result<(), Fault> {
    let Some(Peer(peer)) = request.extensions().get::<Peer>().copied() else {
        return Ok(());
    };
    let client = proxy::client(peer, request.headers(), &app.proxies);
    request.extensions_mut().insert(Peer(client));
    if !OPEN.contains(&route) {
        return Ok(());
    }
    app.addresses
        .take(proxy::network(client))
        .map_err(|wait_s| {
            app.metrics.slowed("address");
            Fault::slow_down(wait_s, "too many requests from this address")
        })
}

/// Gives the answer its headers, and a problem its body.
fn finish(mut response: Response, id: &str, is_head: bool) -> Response {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let fault = response.extensions_mut().remove::<Fault>();
        let mut problem = fault.map_or_else(|| plain(status), |fault| *fault.0);
        problem.request_id = id.to_owned();
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut answer = if is_head {
            StatusCode::OK.into_response()
        } else {
            body.into_response()
        };
        *answer.status_mut() = status;
        for name in [header::ALLOW, header::RETRY_AFTER] {
            if let Some(value) = response.headers().get(&name) {
                answer.headers_mut().insert(name, value.clone());
            }
        }
        answer
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        if let Some(wait_s) = problem.extra.get(RETRY_AFTER_S).and_then(|s| s.as_u64()) {
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        response = answer;
    }
    let headers = response.headers_mut();
    headers.insert(VERSION_HEADER, HeaderValue::from(VERSION));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// The problem for an answer that the framework gave: no such path, a wrong method, a body too large.
fn plain(status: StatusCode) -> Problem {
    let code = match status {
        StatusCode::NOT_FOUND => ProblemCode::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemCode::TooLarge,
        StatusCode::REQUEST_TIMEOUT => ProblemCode::Timeout,
        StatusCode::UNAUTHORIZED => ProblemCode::Unauthorized,
        status if status.is_server_error() => ProblemCode::Internal,
        _ => ProblemCode::BadRequest,
    };
    let mut problem = Problem::new(
        code,
        status
            .canonical_reason()
            .unwrap_or("the request cannot be answered"),
    );
    problem.status = status.as_u16();
    problem
}
