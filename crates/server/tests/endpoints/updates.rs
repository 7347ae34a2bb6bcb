//! Updates of the application: who is offered which, who gets the bytes, and who decides.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shicha_domain::directory::Role;
use shicha_maker::Maker;
use shicha_server::{store::Contact, verify::verify};
use shicha_sync::protocol::{
    ProblemCode,
    admin::{Audit, act},
    update::{UpdateOffer, Updates},
};

use crate::common::{Device, Server, aside, code_of};

const COUNTY: &str = "320703";
const NEIGHBOUR: &str = "320706";
const CITY: &str = "320700";
const OLD: &str = "Shicha-0.2.0-setup.exe";
const NEW: &str = "Shicha-0.10.0-setup.exe";

async fn offered_for(device: &Device, platform: &str) -> Option<String> {
    let path = format!("/v1/update?platform={platform}");
    let answer = device.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let offer: UpdateOffer = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    offer.update.map(|update| update.name)
}

async fn offered(device: &Device) -> Option<String> {
    offered_for(device, "windows-x86_64").await
}

async fn listed(device: &Device) -> Updates {
    let request = device.request(Method::GET, "/v1/admin/updates");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

async fn fetch(device: &Device, name: &str, range: Option<&str>) -> reqwest::Response {
    let request = device.request(Method::GET, &format!("/v1/updates/{name}"));
    let request = match range {
        Some(range) => request.header("range", range),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_offered_the_newest_that_was_released_for_its_bureau_or_one_above() {
    let server = Server::start().await;
    let maker = Maker::new();
    let county = server.device("甲", COUNTY, Role::Inspector).await;
    let school = server.device("校", "TI-01", Role::Institution).await;
    let neighbour = server.device("乙", NEIGHBOUR, Role::Inspector).await;
    server.add_update(&maker, OLD, b"old setup");
    server.add_update(&maker, NEW, b"new setup");
    server.add_update(&maker, "Shicha-0.11.0-setup.sh", b"for developers");
    for device in [&county, &school, &neighbour] {
        assert_eq!(offered(device).await, None, "put there is not released");
    }
    server.release("0.2.0", CITY);
    server.release("0.10.0", COUNTY);
    server.release("0.11.0", COUNTY);
    assert_eq!(offered(&county).await.as_deref(), Some(NEW));
    assert_eq!(offered(&school).await.as_deref(), Some(NEW), "below it");
    assert_eq!(
        offered(&neighbour).await.as_deref(),
        Some(OLD),
        "the city's"
    );
    assert_eq!(
        offered_for(&county, "linux-x86_64").await.as_deref(),
        Some("Shicha-0.11.0-setup.sh")
    );
    assert_eq!(offered_for(&county, "else").await, None);

    server.withdraw("0.10.0", COUNTY);
    assert_eq!(offered(&county).await.as_deref(), Some(OLD));
    let past = aside(|| verify(&server.home(), &mut |_| {})).unwrap();
    assert!(past.faults.is_empty(), "{:?}", past.faults);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_go_to_those_it_was_released_for_whole_or_from_where_they_stopped() {
    let server = Server::start().await;
    let county = server.device("甲", COUNTY, Role::Inspector).await;
    let neighbour = server.device("乙", NEIGHBOUR, Role::Inspector).await;
    let setup: Vec<u8> = (0..300_000_u32).map(|n| (n >> 3) as u8).collect();
    server.add_update(&Maker::new(), OLD, &setup);
    let refused = fetch(&county, OLD, None).await;
    assert_eq!(
        code_of(refused).await,
        ProblemCode::NotFound,
        "not released"
    );
    server.release("0.2.0", COUNTY);
    let whole = fetch(&county, OLD, None).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.bytes().await.unwrap(), setup);
    let part = fetch(&county, OLD, Some("bytes=299990-")).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        part.headers()["content-range"],
        "bytes 299990-299999/300000"
    );
    assert_eq!(part.bytes().await.unwrap(), setup[299_990..]);
    let beyond = fetch(&county, OLD, Some("bytes=300000-")).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);

    let refused = fetch(&neighbour, OLD, None).await;
    assert_eq!(code_of(refused).await, ProblemCode::NotFound, "not for it");
    for strange in ["Shicha-9.9.9-setup.exe", "..%2F..%2Fserver.key", "%00"] {
        let refused = fetch(&county, strange, None).await;
        assert_eq!(code_of(refused).await, ProblemCode::NotFound, "{strange}");
    }
    // Its bytes lie with the evidence, and are no evidence.
    use sha2::Digest as _;
    let hash = hex::encode(sha2::Sha256::digest(&setup));
    let path = format!("/v1/blobs/{hash}");
    let refused = county.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(code_of(refused).await, ProblemCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_releases_for_their_own_organisations_and_sees_who_has_it() {
    let server = Server::start().await;
    let county = server.device("县管", COUNTY, Role::Administrator).await;
    let city = server.device("市管", CITY, Role::Administrator).await;
    let mut laptop = server.device("甲", COUNTY, Role::Inspector).await;
    server.add_update(&Maker::new(), OLD, b"old setup");
    let release = |org: &str| json!({ "name": OLD, "org": org });
    for org in [NEIGHBOUR, CITY, "nowhere"] {
        for path in ["/v1/admin/updates/release", "/v1/admin/updates/withdraw"] {
            let refused = county.post(path, &release(org)).await;
            assert_eq!(
                code_of(refused).await,
                ProblemCode::NotFound,
                "{path} {org}"
            );
        }
    }
    let unknown = json!({ "name": "Shicha-7.0.0-setup.exe", "org": COUNTY });
    let refused = county.post("/v1/admin/updates/release", &unknown).await;
    assert_eq!(code_of(refused).await, ProblemCode::Conflict);

    let changed: serde_json::Value = county
        .ask("/v1/admin/updates/release", &release(COUNTY))
        .await;
    assert_eq!(changed, json!({ "changed": true }));
    let again: serde_json::Value = county
        .ask("/v1/admin/updates/release", &release(COUNTY))
        .await;
    assert_eq!(again, json!({ "changed": false }));
    let _: serde_json::Value = city.ask("/v1/admin/updates/release", &release(CITY)).await;

    let seen = listed(&county).await;
    assert_eq!(seen.devices, 2, "its own, not the city's");
    let update = &seen.updates[0];
    assert_eq!((update.version.as_str(), update.have), ("0.2.0", 0));
    let releases: Vec<_> = update
        .releases
        .iter()
        .map(|release| (release.org.as_str(), release.is_own, release.devices))
        .collect();
    assert_eq!(
        releases,
        [(COUNTY, true, 2), (CITY, false, 2)],
        "and what the city released holds here too"
    );
    let refused = county
        .post("/v1/admin/updates/withdraw", &release(CITY))
        .await;
    assert_eq!(code_of(refused).await, ProblemCode::NotFound);

    // Who runs it, or a newer one, has it.
    let store = server.store();
    aside(|| {
        store
            .note_contact(
                laptop.id,
                "0.3.1",
                crate::common::wall_ms(),
                Contact::Package,
            )
            .unwrap()
    });
    assert_eq!(listed(&county).await.updates[0].releases[0].have, 1);
    laptop.open_session().await;
    assert_eq!(listed(&city).await.updates[0].have, 0, "it went back");

    let request = city.request(Method::GET, "/v1/admin/audit");
    let log: Audit =
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let acts: Vec<_> = log.rows.iter().map(|row| row.act.as_str()).collect();
    let added = act::UPDATE_ADDED;
    let released = act::UPDATE_RELEASED;
    assert_eq!(acts, [released, released, added]);
    let people: Vec<_> = log.rows.iter().map(|row| row.person).collect();
    assert_eq!(people, [Some(city.person), Some(county.person), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_its_maker_did_not_sign_is_put_there() {
    use clap::Parser as _;
    let server = Server::start().await;
    let maker = Maker::new();
    let (file, key) = (
        server.dir.path().join(OLD),
        server.dir.path().join("key.pub"),
    );
    let signature = server.dir.path().join(format!("{OLD}.sig"));
    std::fs::write(&file, b"a setup").unwrap();
    std::fs::write(&key, maker.public()).unwrap();
    let put = |signed: String| {
        std::fs::write(&signature, signed).unwrap();
        let data = server.data();
        let line = [
            "shicha-server",
            "--data",
            data.to_str().unwrap(),
            "update",
            "add",
            file.to_str().unwrap(),
            "--key",
            key.to_str().unwrap(),
        ];
        let cli = shicha_server::cli::Cli::try_parse_from(line).unwrap();
        aside(|| shicha_server::cli::run(cli)) == std::process::ExitCode::SUCCESS
    };
    assert!(!put(Maker::new().sign(OLD, b"a setup")), "another key");
    assert!(!put(maker.sign(OLD, b"another setup")), "another file");
    assert!(!put(maker.sign("setup.exe", b"a setup")), "no version");
    assert!(!put(String::new()), "nothing");
    assert!(aside(|| server.store().updates().unwrap()).is_empty());
    assert!(put(maker.sign(OLD, b"a setup")));
    assert!(put(maker.sign(OLD, b"a setup")), "again changes nothing");
    std::fs::write(&file, b"the same version, built again").unwrap();
    assert!(
        !put(maker.sign(OLD, b"the same version, built again")),
        "a version is one file"
    );
    assert_eq!(aside(|| server.store().updates().unwrap()).len(), 1);
}
