//! Every route, and who may call it. The list is held against the source: a route without a line here fails.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use reqwest::{Method, StatusCode};
use shicha_domain::directory::Role;
use shicha_sync::protocol::ProblemCode;

use crate::common::{Device, Server, code_of, wall_ms};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Anybody,
    /// A device with a session.
    Session,
    /// Whoever reaches the listener for the operator, which is another one.
    Operator,
}

/// Route, methods, access.
pub(crate) const ROUTES: &[(&str, &[&str], Access)] = &[
    ("/healthz", &["GET"], Access::Anybody),
    ("/readyz", &["GET"], Access::Anybody),
    ("/metrics", &["GET"], Access::Operator),
    ("/v1/server", &["GET"], Access::Anybody),
    ("/v1/openapi.json", &["GET"], Access::Anybody),
    ("/v1/enrol", &["POST"], Access::Anybody),
    ("/v1/session/challenge", &["POST"], Access::Anybody),
    ("/v1/session", &["POST"], Access::Anybody),
    ("/v1/identity", &["POST"], Access::Session),
    ("/v1/directory", &["GET"], Access::Session),
    ("/v1/numbers", &["POST"], Access::Session),
    ("/v1/packages", &["POST"], Access::Session),
    ("/v1/push", &["POST"], Access::Session),
    ("/v1/pull", &["POST"], Access::Session),
    ("/v1/events", &["GET"], Access::Session),
    ("/v1/obeyed", &["POST"], Access::Anybody),
    ("/v1/admin/orgs", &["GET", "POST"], Access::Session),
    ("/v1/admin/people", &["GET", "POST"], Access::Session),
    ("/v1/admin/devices", &["GET"], Access::Session),
    ("/v1/admin/devices/revoke", &["POST"], Access::Session),
    ("/v1/admin/devices/unlock", &["POST"], Access::Session),
    ("/v1/admin/codes", &["GET", "POST"], Access::Session),
    ("/v1/admin/codes/withdraw", &["POST"], Access::Session),
    ("/v1/admin/card", &["POST"], Access::Session),
    ("/v1/admin/packs", &["GET", "POST"], Access::Session),
    ("/v1/admin/updates", &["GET"], Access::Session),
    ("/v1/admin/updates/release", &["POST"], Access::Session),
    ("/v1/admin/updates/withdraw", &["POST"], Access::Session),
    ("/v1/admin/audit", &["GET"], Access::Session),
    ("/v1/admin/refused", &["GET"], Access::Session),
    ("/v1/admin/refused/release", &["POST"], Access::Session),
    ("/v1/update", &["GET"], Access::Session),
    ("/v1/updates/{name}", &["GET"], Access::Session),
    (
        "/v1/blobs/{hash}",
        &["GET", "HEAD", "PATCH"],
        Access::Session,
    ),
];

/// Calls that need a session, as a client would make them.
pub(crate) fn with_session() -> Vec<(Method, String)> {
    ROUTES
        .iter()
        .filter(|(.., access)| *access == Access::Session)
        .flat_map(|(route, methods, _)| {
            let path = route
                .replace("{hash}", &"a".repeat(64))
                .replace("{name}", "Shicha-0.2.0-setup.exe")
                .replace("{id}", &uuid::Uuid::nil().to_string());
            methods
                .iter()
                .map(move |method| (method.parse().unwrap(), path.clone()))
        })
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_route_has_a_line_here() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut routes = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let plain = text.split(".route(").skip(1);
        let described = text.split("#[utoipa::path(").skip(1);
        let described = described.map(|call| call.split("path = ").nth(1).unwrap_or_default());
        for call in plain.chain(described) {
            let path = call.trim_start().trim_start_matches('"');
            let path = path.split('"').next().unwrap_or_default().to_owned();
            assert!(
                path.starts_with('/'),
                "{}: a route is written out where it is registered: {path}",
                file.display()
            );
            routes.insert(path);
        }
    }
    let listed: BTreeSet<String> = ROUTES
        .iter()
        .map(|(route, ..)| (*route).to_owned())
        .collect();
    assert_eq!(routes, listed);
}

#[tokio::test]
async fn no_route_answers_without_credentials_of_this_server() {
    let server = Server::start().await;
    let elsewhere = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    let foreign = elsewhere.device("甲", "320703", Role::Inspector).await;
    let revoked = server.device("乙", "320703", Role::Inspector).await;
    server.store().revoke(revoked.id, wall_ms()).unwrap();
    let mut forged = device.token.clone();
    let other = if &forged[4..5] == "A" { "B" } else { "A" };
    forged.replace_range(4..5, other);
    let cases = [
        ("no token", "", ProblemCode::Unauthorized),
        ("garbage", "garbage", ProblemCode::Unauthorized),
        (
            "another server's",
            &foreign.token,
            ProblemCode::Unauthorized,
        ),
        ("altered", &forged, ProblemCode::Unauthorized),
        ("of a revoked device", &revoked.token, ProblemCode::Revoked),
    ];
    for (method, path) in with_session() {
        for (what, token, code) in cases {
            let bare = Device {
                token: token.to_owned(),
                ..device.clone()
            };
            let response = bare.request(method.clone(), &path).body("{}").send();
            is_refused(response.await.unwrap(), &method, code, &path, what).await;
        }
        // A token is taken from its header and nowhere else.
        for elsewhere in [
            format!("{path}?token={}", device.token),
            format!("{path}?access_token={}", device.token),
        ] {
            let response = device
                .http
                .request(method.clone(), format!("{}{elsewhere}", device.url))
                .header("shicha-protocol", "2")
                .header("cookie", format!("token={}", device.token))
                .body("{}")
                .send()
                .await
                .unwrap();
            // It is not even a parameter that anybody knows.
            let code = ProblemCode::BadRequest;
            is_refused(response, &method, code, &path, "in the address").await;
        }
    }
    server.ahead_ms.store(60 * 60 * 1000, Ordering::SeqCst);
    for (method, path) in with_session() {
        let response = device.request(method.clone(), &path).body("{}").send();
        let code = ProblemCode::SessionExpired;
        is_refused(
            response.await.unwrap(),
            &method,
            code,
            &path,
            "after an hour",
        )
        .await;
    }
}

async fn is_refused(
    response: reqwest::Response,
    method: &Method,
    code: ProblemCode,
    path: &str,
    what: &str,
) {
    assert_eq!(
        response.status().as_u16(),
        code.status(),
        "{method} {path}: {what}"
    );
    if *method != Method::HEAD {
        assert_eq!(code_of(response).await, code, "{method} {path}: {what}");
    }
}

#[tokio::test]
async fn methods_that_a_route_does_not_have_are_refused() {
    let server = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    for (route, methods, access) in ROUTES {
        if *access == Access::Operator {
            continue;
        }
        let path = route
            .replace("{hash}", &"a".repeat(64))
            .replace("{name}", "Shicha-0.2.0-setup.exe");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECTX"] {
            if methods.contains(&method) {
                continue;
            }
            let method: Method = method.parse().unwrap();
            let response = device.request(method.clone(), &path).send().await.unwrap();
            assert_eq!(
                response.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
        }
    }
}
