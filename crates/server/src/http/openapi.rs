//! The description of the endpoints (OpenAPI 3.1), made from the handlers and the types that travel, and what is refused by it.
//!
//! Invariant: whatever the description does not name is refused before a handler sees it: other query parameters, other kinds of
//! bodies. Fields of control messages that this version does not know are ignored, as the protocol says; what is missing or of another
//! form is refused by the handler that reads the message.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension,
    body::Bytes,
    extract::{Query, Request},
    http::{HeaderValue, Method, header},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};
use shicha_sync::protocol::{
    PROBLEM_TYPE, Problem, REQUEST_ID_HEADER, VERSION, VERSION_HEADER, messages::ForkReport,
};
use utoipa::OpenApi;

use super::fault::Fault;

const ABOUT: &str = "Between devices and the central endpoint; docs/PROTOCOL.md says what it means. \
Requests that do not fit are refused: unknown paths 404, other methods 405, other kinds of bodies 415, unknown query parameters and \
messages that cannot be read 400, each as a problem (RFC 9457) with the id under which the log has it. Fields of messages that this \
version does not know are ignored, so that a newer device may say more.";

#[derive(OpenApi)]
#[openapi(components(schemas(Problem, ForkReport)))]
struct Shapes;

/// What is there before the endpoints add themselves.
pub(super) fn begin() -> utoipa::openapi::OpenApi {
    Shapes::openapi()
}

/// The description, and what each operation takes.
pub(super) struct Contract {
    text: Bytes,
    operations: HashMap<(Method, String), Operation>,
}

struct Operation {
    query: Vec<String>,
    kinds: Vec<String>,
}

/// What may be asked without a session, so many times from one address.
pub(super) const OPEN: [&str; 6] = [
    "/v1/server",
    "/v1/openapi.json",
    "/v1/enrol",
    "/v1/session/challenge",
    "/v1/session",
    "/v1/obeyed",
];
/// What may be asked in every version of the protocol.
pub(super) const ANY_VERSION: [&str; 2] = ["/v1/server", "/v1/openapi.json"];

impl Contract {
    /// Of what the endpoints said of themselves.
    pub(super) fn new(api: &utoipa::openapi::OpenApi) -> Self {
        let mut described = serde_json::to_value(api).unwrap_or_else(|error| {
            tracing::error!(%error, "the endpoints cannot be described");
            Value::Null
        });
        let operations = complete(&mut described);
        Self {
            text: described.to_string().into(),
            operations,
        }
    }

    /// Whether a request fits what is described of its route. A method that is not is refused by the router.
    pub(super) fn check(&self, request: &Request, route: &str) -> Result<(), Fault> {
        let key = (request.method().clone(), route.to_owned());
        let Some(operation) = self.operations.get(&key) else {
            return Ok(());
        };
        let asked = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
            .map_err(|_| Fault::bad_request("the query cannot be read"))?;
        if asked
            .iter()
            .any(|(name, _)| !operation.query.contains(name))
        {
            return Err(Fault::bad_request("an unknown query parameter"));
        }
        if operation.kinds.is_empty() {
            return Ok(());
        }
        // Who says nothing of it is heard by the handler, which knows whether it could be anything else.
        let Some(said) = request.headers().get(header::CONTENT_TYPE) else {
            return Ok(());
        };
        let said = said.to_str().unwrap_or_default();
        let said = said.split(';').next().unwrap_or_default().trim();
        let is_described = operation
            .kinds
            .iter()
            .any(|kind| kind.eq_ignore_ascii_case(said));
        if is_described {
            Ok(())
        } else {
            Err(Fault::wrong_kind(&operation.kinds.join(" or ")))
        }
    }
}

/// Adds what all operations have in common, and finds out what each takes.
fn complete(described: &mut Value) -> HashMap<(Method, String), Operation> {
    described["info"] = json!({
        "title": "Shicha 实查: the central endpoint",
        "version": env!("CARGO_PKG_VERSION"),
        "description": ABOUT,
        "license": { "name": "MIT OR Apache-2.0" },
    });
    described["components"]["securitySchemes"] =
        json!({ "session": { "type": "http", "scheme": "bearer" } });
    described["components"]["parameters"] = json!({ "version": {
        "name": VERSION_HEADER, "in": "header", "required": true,
        "description": "the version of the protocol that is spoken",
        "schema": { "const": VERSION.to_string() },
    }});
    described["components"]["responses"] = json!({ "problem": {
        "description": "why it cannot be answered",
        "headers": { REQUEST_ID_HEADER: { "schema": { "type": "string" } } },
        "content": { PROBLEM_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } },
    }});
    let mut operations = HashMap::new();
    let paths = described["paths"].as_object_mut();
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            let Some(operation) = operation.as_object_mut() else {
                continue;
            };
            let takes = takes(operation);
            add_common(operation, path);
            operations.insert((method, path.clone()), takes);
        }
    }
    operations
}

fn takes(operation: &Map<String, Value>) -> Operation {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let query = parameters
        .into_iter()
        .flatten()
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned()))
        .collect();
    let kinds = operation
        .get("requestBody")
        .and_then(|body| body["content"].as_object())
        .map(|content| content.keys().cloned().collect())
        .unwrap_or_default();
    Operation { query, kinds }
}

fn add_common(operation: &mut Map<String, Value>, path: &str) {
    if !ANY_VERSION.contains(&path) {
        let parameters = operation
            .entry("parameters")
            .or_insert_with(|| json!([]))
            .as_array_mut();
        if let Some(parameters) = parameters {
            parameters.push(json!({ "$ref": "#/components/parameters/version" }));
        }
    }
    if !OPEN.contains(&path) {
        operation.insert("security".to_owned(), json!([{ "session": [] }]));
    }
    if let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    {
        responses.insert(
            "default".to_owned(),
            json!({ "$ref": "#/components/responses/problem" }),
        );
    }
}

/// This description.
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "server",
    responses((status = 200, description = "this description", body = serde_json::Value))
)]
pub(super) async fn describe(Extension(contract): Extension<Arc<Contract>>) -> impl IntoResponse {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], contract.text.clone())
}
