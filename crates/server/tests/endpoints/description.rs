//! The description that the endpoint serves of itself: real exchanges fit it, and what does not fit it is refused.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use shicha_domain::directory::Role;
use shicha_sync::protocol::{
    BATCH_TYPE, ProblemCode,
    order::{ORDER, Obeyed, Order, obeyed_bytes},
    signing,
    wire::{Held, PullRequest, write_pull_request},
};

use crate::{
    OWN, attached,
    common::{Device, Server, problem, record},
    routes::ROUTES,
};

const PACK: &[u8] = include_bytes!("../../../../packs/example/pack.json");

/// The description, and which of its operations were tried.
struct Description(Value, Mutex<BTreeSet<(String, String)>>);

impl Description {
    async fn of(server: &Server) -> Self {
        let response = reqwest::get(format!("{}/v1/openapi.json", server.url))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "anybody may ask");
        assert_eq!(response.headers()["content-type"], "application/json");
        Self(response.json().await.unwrap(), Mutex::default())
    }

    fn operation(&self, method: &str, path: &str) -> &Value {
        let operation = &self.0["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not described");
        self.1.lock().insert((method.to_owned(), path.to_owned()));
        operation
    }

    /// Holds a message against the schema that stands at that place of the description.
    fn fits(&self, schema: &Value, message: &Value) {
        let mut schema = schema.clone();
        schema["components"] = self.0["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(message)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:?} in {message}");
    }

    fn request_fits(&self, method: &str, path: &str, message: &Value) {
        let content = &self.operation(method, path)["requestBody"]["content"];
        self.fits(&content["application/json"]["schema"], message);
    }

    /// Holds an answer against what is described: its status, its kind and what it says.
    async fn answer_fits(&self, method: &str, path: &str, response: Response) -> Value {
        let status = response.status().as_u16().to_string();
        let answers = &self.operation(method, path)["responses"];
        let mut answer = answers[&status].clone();
        if answer.is_null() {
            answer = self.0["components"]["responses"]["problem"].clone();
            assert_eq!(answers["default"]["$ref"], "#/components/responses/problem");
        }
        let kind = response.headers().get("content-type").cloned();
        for name in answer["headers"].as_object().into_iter().flatten() {
            let is_optional = name.0 == "upload-length";
            assert!(
                is_optional || response.headers().contains_key(name.0),
                "{name:?}"
            );
        }
        let bytes = response.bytes().await.unwrap();
        let Some(content) = answer["content"].as_object() else {
            assert!(bytes.is_empty(), "{method} {path} {status} has no body");
            return Value::Null;
        };
        let kind = kind.unwrap().to_str().unwrap().to_owned();
        let described = &content
            .get(&kind)
            .unwrap_or_else(|| panic!("{method} {path}: {kind}"))["schema"];
        if !kind.ends_with("json") {
            return Value::Null;
        }
        let message = serde_json::from_slice(&bytes).unwrap();
        self.fits(described, &message);
        message
    }
}

async fn asked(
    device: &Device,
    described: &Description,
    path: &str,
    message: &impl serde::Serialize,
) -> Value {
    let message = serde_json::to_value(message).unwrap();
    described.request_fits("post", path, &message);
    let answer = device.post(path, &message).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    described.answer_fits("post", path, answer).await
}

#[tokio::test]
async fn every_operation_answers_as_it_is_described() {
    let server = Server::start().await;
    let described = Description::of(&server).await;
    assert!(described.0["openapi"].as_str().unwrap().starts_with("3.1"));
    let about = described.0["info"]["description"].as_str().unwrap();
    assert!(about.contains("does not know are ignored"), "{about}");

    let code = server.code_for("甲", "320703", Role::Inspector);
    let mut device = server.device("乙", "320703", Role::Inspector).await;
    let key = shicha_domain::suite::SigningKey::from_bytes(&[9; 32]);
    asked(
        &device,
        &described,
        "/v1/enrol",
        &Device::enrolment(&server, &key, &code),
    )
    .await;
    let nonce = json!({ "device": device.id, "nonce": "ab".repeat(32) });
    asked(&device, &described, "/v1/session/challenge", &nonce).await;
    let request = device.session_request().await;
    asked(&device, &described, "/v1/session", &request).await;

    let bytes = b"evidence";
    let (hash, event) = attached(bytes);
    let thing = record();
    let entries = [
        device.write(OWN, thing, &event),
        device.set("own/320706", record(), "不归他管"),
    ];
    let pushed = device.try_push(&entries).await;
    let pushed = described.answer_fits("post", "/v1/push", pushed).await;
    assert_eq!(pushed["refused"].as_array().unwrap().len(), 1);
    let pull = PullRequest {
        held: [(OWN.parse().unwrap(), Held::upto(0))].into(),
        base: None,
        without: ["own/320706".parse().unwrap()].into(),
        max_entries: 10,
        is_held: true,
    };
    let answer = device.try_pull(write_pull_request(&pull).unwrap()).await;
    described.answer_fits("post", "/v1/pull", answer).await;
    let numbers = json!({ "request": uuid::Uuid::now_v7(), "org": "320703", "word": "应急检记", "year": 2022 });
    asked(&device, &described, "/v1/numbers", &numbers).await;

    let path = format!("/v1/blobs/{hash}");
    let blobs = "/v1/blobs/{hash}";
    let sent = device
        .send_blob(&hash, 0, bytes.len() as u64, bytes.to_vec())
        .await;
    assert_eq!(sent.status(), StatusCode::OK);
    described.answer_fits("patch", blobs, sent).await;
    for (method, name) in [(Method::HEAD, "head"), (Method::GET, "get")] {
        let answer = device.request(method, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        described.answer_fits(name, blobs, answer).await;
    }
    let part = device
        .request(Method::GET, &path)
        .header("range", "bytes=2-");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    described.answer_fits("get", blobs, part).await;

    for path in ["/v1/server", "/v1/directory", "/v1/openapi.json"] {
        let answer = device.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        described.answer_fits("get", path, answer).await;
    }
    let answer = device
        .request(Method::GET, "/v1/directory?since=0")
        .send()
        .await
        .unwrap();
    described.answer_fits("get", "/v1/directory", answer).await;
    let events = device
        .request(Method::GET, "/v1/events")
        .send()
        .await
        .unwrap();
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let content = &described.operation("get", "/v1/events")["responses"]["200"]["content"];
    assert!(content["text/event-stream"].is_object());

    // What a package holds and how it is answered is tried where packages are; here, that one that is none is told.
    let foreign = device
        .request(Method::POST, "/v1/packages")
        .header("content-type", "application/vnd.shicha.package")
        .body("no package")
        .send()
        .await
        .unwrap();
    assert!(foreign.status().is_client_error());
    described.answer_fits("post", "/v1/packages", foreign).await;

    // Problems fit too, with and without what they bring along.
    let gap = [
        device.set(OWN, record(), "1"),
        device.set(OWN, record(), "2"),
    ];
    let answer = device.try_push(&gap[1..]).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    described.answer_fits("post", "/v1/push", answer).await;
    let answer = device.post("/v1/numbers", &json!({})).await;
    described.answer_fits("post", "/v1/numbers", answer).await;

    administration_answers(&server, &described).await;
    updates_answer(&server, &device, &described).await;
    identity_answers(&server, &device, &described).await;

    let mut there = BTreeSet::new();
    for (path, item) in described.0["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            there.insert((method.clone(), path.clone()));
        }
    }
    assert_eq!(*described.1.lock(), there, "tried, and described");
    let routes = ROUTES.iter().filter(|(path, ..)| path.starts_with("/v1/"));
    let routes: BTreeSet<_> = routes
        .flat_map(|(path, methods, _)| {
            let methods = methods.iter();
            methods.map(move |method| (method.to_lowercase(), (*path).to_owned()))
        })
        .collect();
    assert_eq!(routes, there, "there, and described");
}

async fn administration_answers(server: &Server, described: &Description) {
    let city = server.device("市管", "320700", Role::Administrator).await;
    let mut lost = server.device("丙", "320703", Role::Inspector).await;
    let entry = lost.set("own/320706", crate::common::record(), "别的县");
    lost.push(&[entry]).await;
    let asks = async |path: &'static str| {
        let answer = city.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let described_path = path.split('?').next().unwrap();
        described.answer_fits("get", described_path, answer).await
    };
    let does = async |path: &str, message: Value| asked(&city, described, path, &message).await;

    does(
        "/v1/admin/orgs",
        json!({ "code": "320707", "name": "赣榆区", "short_name": "赣榆", "parent": "320700", "kind": "county", "region": null }),
    )
    .await;
    assert!(
        !asks("/v1/admin/orgs").await["orgs"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let person = uuid::Uuid::now_v7();
    does(
        "/v1/admin/people",
        json!({ "id": person, "name": "丁", "org": "320707", "role": "inspector", "certificate": null, "is_active": true }),
    )
    .await;
    asks("/v1/admin/people").await;
    let code = does("/v1/admin/codes", json!({ "person": person, "days": 7 })).await;
    asks("/v1/admin/codes").await;
    does("/v1/admin/codes/withdraw", json!({ "id": code["id"] })).await;
    does("/v1/admin/card", json!({ "url": "https://example.cn" })).await;
    let order = json!({ "device": lost.id, "order": "lock" });
    does("/v1/admin/devices/revoke", order).await;
    does("/v1/admin/devices/unlock", json!({ "device": lost.id })).await;
    asks("/v1/admin/devices").await;
    let refused = asks("/v1/admin/refused").await;
    assert_eq!(refused["entries"][0]["code"], "channel");
    let release = json!({ "device": lost.id, "seq": 1, "reason": "借调" });
    does("/v1/admin/refused/release", release).await;
    let pack: Value = serde_json::from_slice(PACK).unwrap();
    does("/v1/admin/packs", pack).await;
    asks("/v1/admin/packs").await;
    let audit = asks("/v1/admin/audit?limit=3&text=a&act=x&before=100&since_ms=0&until_ms=1").await;
    assert_eq!(audit["more"], false);
    assert!(
        !asks("/v1/admin/audit").await["rows"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    // The lost one says that it obeyed; its order came to it in a refusal, which fits too.
    let request = lost.session_request().await;
    let refusal = lost.post("/v1/session", &request).await;
    let refusal = described.answer_fits("post", "/v1/session", refusal).await;
    let order: Order = serde_json::from_value(refusal[ORDER].clone()).unwrap();
    let said = obeyed_bytes(lost.id, order.act, order.at_ms);
    let obeyed = Obeyed {
        device: lost.id,
        act: order.act,
        at_ms: order.at_ms,
        signature: signing::sign(&lost.key, &said),
    };
    asked(&lost, described, "/v1/obeyed", &obeyed).await;
}

async fn updates_answer(server: &Server, device: &Device, described: &Description) {
    let name = "Shicha-0.2.0-setup.exe";
    server.add_update(&shicha_maker::Maker::new(), name, b"a setup");
    let city = server.device("市新", "320700", Role::Administrator).await;
    let release = json!({ "name": name, "org": "320700" });
    asked(&city, described, "/v1/admin/updates/release", &release).await;
    let get = async |device: &Device, path: &str, route: &str| {
        let answer = device.request(Method::GET, path).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
        described.answer_fits("get", route, answer).await
    };
    let listed = get(&city, "/v1/admin/updates", "/v1/admin/updates").await;
    assert_eq!(listed["updates"][0]["version"], "0.2.0");
    let offered = get(device, "/v1/update?platform=windows-x86_64", "/v1/update").await;
    assert_eq!(offered["update"]["name"], name);
    get(device, "/v1/update?platform=other", "/v1/update").await;
    get(device, &format!("/v1/updates/{name}"), "/v1/updates/{name}").await;
    asked(&city, described, "/v1/admin/updates/withdraw", &release).await;
}

#[tokio::test]
async fn requests_outside_the_description_are_refused_with_a_problem() {
    let server = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    let refused = async |request: reqwest::RequestBuilder, expected: u16| {
        let (status, problem) = problem(request.send().await.unwrap()).await;
        assert_eq!(status.as_u16(), expected, "{problem:?}");
        assert!(!problem.detail.is_empty());
        problem
    };
    let ask = |method: Method, path: &str| device.request(method, path);
    refused(ask(Method::GET, "/v1/nothing"), 404).await;
    refused(ask(Method::GET, "/"), 404).await;
    refused(ask(Method::DELETE, "/v1/push"), 405).await;
    refused(ask(Method::PUT, "/v1/server"), 405).await;
    let strange = "application/xml";
    for path in ["/v1/pull", "/v1/push", "/v1/numbers", "/v1/session"] {
        let request = ask(Method::POST, path)
            .header("content-type", strange)
            .body("<x/>");
        let problem = refused(request, 415).await;
        assert_eq!(problem.code, ProblemCode::BadRequest);
    }
    refused(ask(Method::POST, "/v1/push").body("x"), 415).await;
    let part = ask(Method::PATCH, &format!("/v1/blobs/{}", "a".repeat(64)));
    refused(part.header("content-type", BATCH_TYPE).body("x"), 415).await;
    refused(ask(Method::GET, "/v1/directory?since=1&until=2"), 400).await;
    refused(ask(Method::GET, "/v1/server?debug=1"), 400).await;
    let message = |text: &'static str| {
        ask(Method::POST, "/v1/numbers")
            .header("content-type", "application/json; charset=utf-8")
            .body(text)
    };
    refused(message(r#"{"org":"320703"}"#), 400).await;
    refused(
        message(r#"{"org":7,"request":"x","word":1,"year":"no"}"#),
        400,
    )
    .await;
    let known = r#"{"request":"018f2d3c-0000-7000-8000-000000000001","org":"320703","word":"记","year":2022,"newer":{"a":1}}"#;
    let answer = message(known).send().await.unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::OK,
        "what a newer device says more is ignored"
    );
}

async fn identity_answers(server: &Server, device: &Device, described: &Description) {
    let new = shicha_domain::suite::SigningKey::from_bytes(&[8; 32]);
    let public_key = new.public_key();
    let common = shicha_sync::protocol::messages::Head::EMPTY;
    let said = signing::identity_bytes(&server.key, device.id, common, &public_key);
    let identity = shicha_sync::protocol::messages::IdentityRequest {
        public_key,
        signature: signing::sign(&device.key, &said),
        proof: signing::sign(&new, &said),
        label: "电脑".into(),
        common,
    };
    asked(device, described, "/v1/identity", &identity).await;
    // From now on everything else is told to go on under the new one.
    let answer = device.post("/v1/pull", &json!({})).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    described.answer_fits("post", "/v1/pull", answer).await;
}
