//! Administration: whose it is, how far it reaches, and what is left of it in the log.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shicha_domain::{Event, RecordKind, directory::Role};
use shicha_server::verify::{VerifyFault, verify};
use shicha_sync::protocol::{
    ProblemCode,
    admin::{
        Audit, AuditRow, Changed, Codes, Devices, MadeCode, Orgs, PackPublished, Packs, People,
        UnlockCode, act,
    },
    order::{Obeyed, Order, OrderAct, obeyed_bytes},
    signing,
    unlock::UnlockSecret,
};

use crate::common::{Device, Server, aside, code_of, problem, record};

const COUNTY: &str = "320703";
const CITY: &str = "320700";
const PACK: &[u8] = include_bytes!("../../../../packs/example/pack.json");

/// Every call of administration, with a body that would be taken from an administrator.
fn calls() -> Vec<(Method, &'static str, Value)> {
    let id = "018f0000-0000-7000-8000-00000000d001";
    vec![
        (Method::GET, "/v1/admin/orgs", Value::Null),
        (
            Method::POST,
            "/v1/admin/orgs",
            json!({ "code": "x", "name": "x", "short_name": "", "parent": CITY, "kind": "county", "region": null }),
        ),
        (Method::GET, "/v1/admin/people", Value::Null),
        (
            Method::POST,
            "/v1/admin/people",
            json!({ "id": id, "name": "x", "org": COUNTY, "role": "inspector", "certificate": null, "is_active": true }),
        ),
        (Method::GET, "/v1/admin/devices", Value::Null),
        (
            Method::POST,
            "/v1/admin/devices/revoke",
            json!({ "device": id, "order": "wipe" }),
        ),
        (
            Method::POST,
            "/v1/admin/devices/unlock",
            json!({ "device": id }),
        ),
        (Method::GET, "/v1/admin/codes", Value::Null),
        (
            Method::POST,
            "/v1/admin/codes",
            json!({ "person": id, "days": 7 }),
        ),
        (
            Method::POST,
            "/v1/admin/codes/withdraw",
            json!({ "id": "0000000000000000" }),
        ),
        (Method::POST, "/v1/admin/card", json!({ "url": "" })),
        (Method::GET, "/v1/admin/packs", Value::Null),
        (Method::POST, "/v1/admin/packs", Value::Null),
        (Method::GET, "/v1/admin/updates", Value::Null),
        (
            Method::POST,
            "/v1/admin/updates/release",
            json!({ "name": "Shicha-0.2.0-setup.exe", "org": COUNTY }),
        ),
        (
            Method::POST,
            "/v1/admin/updates/withdraw",
            json!({ "name": "Shicha-0.2.0-setup.exe", "org": COUNTY }),
        ),
        (Method::GET, "/v1/admin/audit", Value::Null),
    ]
}

async fn get<T: serde::de::DeserializeOwned>(device: &Device, path: &str) -> T {
    let response = device.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

async fn answer<T: serde::de::DeserializeOwned>(response: reqwest::Response) -> T {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn log(device: &Device) -> Vec<AuditRow> {
    get::<Audit>(device, "/v1/admin/audit").await.rows
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_administrator_with_a_session_administers_anything() {
    let server = Server::start().await;
    for role in [Role::Inspector, Role::Supervisor] {
        let device = server.device("甲", COUNTY, role).await;
        for (method, path, body) in calls() {
            let request = device.request(method, path).body(body.to_string());
            let (status, told) = problem(request.send().await.unwrap()).await;
            assert_eq!(
                (status, told.code),
                (StatusCode::FORBIDDEN, ProblemCode::Forbidden),
                "{role:?} {path}"
            );
        }
    }
    let school = server.device("校", "TI-01", Role::Institution).await;
    let mut stranger = server.device("市", CITY, Role::Administrator).await;
    stranger.token = "x".repeat(75);
    for (method, path, body) in calls() {
        for (device, code) in [
            (&school, ProblemCode::Forbidden),
            (&stranger, ProblemCode::Unauthorized),
        ] {
            let request = device.request(method.clone(), path).body(body.to_string());
            assert_eq!(code_of(request.send().await.unwrap()).await, code, "{path}");
        }
    }
    assert_eq!(aside(|| server.store().audit_from(1, 10).unwrap()), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_administers_itself_and_what_lies_below_it_and_nothing_else() {
    let server = Server::start().await;
    let county = server.device("县管", COUNTY, Role::Administrator).await;
    let neighbour = server.person("邻", "320706", Role::Inspector);
    let boss = server.device("市管", CITY, Role::Administrator).await;

    let orgs: Orgs = get(&county, "/v1/admin/orgs").await;
    let codes: Vec<_> = orgs.orgs.iter().map(|org| org.code.as_str()).collect();
    assert_eq!(codes, [COUNTY, "TI-01"]);
    let people: People = get(&county, "/v1/admin/people").await;
    assert!(people.people.iter().all(|person| person.id != neighbour));
    let devices: Devices = get(&county, "/v1/admin/devices").await;
    assert_eq!(devices.devices.len(), 1, "not the city's");

    let refused = |body: Value, path: &'static str| {
        let county = county.clone();
        async move { code_of(county.post(path, &body).await).await }
    };
    let org = |code: &str, parent: Option<&str>| json!({ "code": code, "name": "新", "short_name": "", "parent": parent, "kind": "institution", "region": null });
    for (body, path) in [
        (org("320706", Some(COUNTY)), "/v1/admin/orgs"),
        (org("new", Some("320706")), "/v1/admin/orgs"),
        (json!({ "person": neighbour, "days": 7 }), "/v1/admin/codes"),
        (
            json!({ "device": boss.id, "order": "wipe" }),
            "/v1/admin/devices/revoke",
        ),
        (json!({ "device": boss.id }), "/v1/admin/devices/unlock"),
        (
            json!({ "id": neighbour, "name": "邻", "org": COUNTY, "role": "inspector", "certificate": null, "is_active": false }),
            "/v1/admin/people",
        ),
        (
            json!({ "id": uuid::Uuid::now_v7(), "name": "新", "org": CITY, "role": "administrator", "certificate": null, "is_active": true }),
            "/v1/admin/people",
        ),
    ] {
        assert_eq!(
            refused(body.clone(), path).await,
            ProblemCode::NotFound,
            "{path} {body}"
        );
    }
    for (body, path) in [
        (org(COUNTY, None), "/v1/admin/orgs"),
        (org("new", None), "/v1/admin/orgs"),
        (
            json!({ "device": county.id, "order": null }),
            "/v1/admin/devices/revoke",
        ),
        (
            json!({ "id": county.person, "name": "县管", "org": COUNTY, "role": "inspector", "certificate": null, "is_active": true }),
            "/v1/admin/people",
        ),
        (
            json!({ "id": county.person, "name": "县管", "org": COUNTY, "role": "administrator", "certificate": null, "is_active": false }),
            "/v1/admin/people",
        ),
        (
            json!({ "id": uuid::Uuid::now_v7(), "name": "  ", "org": COUNTY, "role": "inspector", "certificate": null, "is_active": true }),
            "/v1/admin/people",
        ),
    ] {
        assert_eq!(
            refused(body.clone(), path).await,
            ProblemCode::Conflict,
            "{path} {body}"
        );
    }
    assert_eq!(log(&boss).await, [], "nothing was done");

    // What it may do, it does; and the city sees it in the log, with who and from where.
    let done: Changed = county
        .ask("/v1/admin/orgs", &org("TI-02", Some(COUNTY)))
        .await;
    assert!(done.changed);
    let again: Changed = county
        .ask("/v1/admin/orgs", &org("TI-02", Some(COUNTY)))
        .await;
    assert!(!again.changed);
    let rows = log(&boss).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].act.as_str(), rows[0].person, rows[0].device),
        (act::ORG_ADDED, Some(county.person), Some(county.id))
    );
    // The other way round: what the city does with itself is not the county's to read.
    let own = json!({ "id": uuid::Uuid::now_v7(), "name": "新", "org": CITY, "role": "inspector", "certificate": null, "is_active": true });
    let _: Changed = boss.ask("/v1/admin/people", &own).await;
    assert_eq!(log(&boss).await.len(), 2);
    assert_eq!(log(&county).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_made_in_the_application_enrols_and_a_withdrawn_one_does_not() {
    let server = Server::start().await;
    let boss = server.device("市管", CITY, Role::Administrator).await;
    let person = server.person("张三", COUNTY, Role::Inspector);
    let request = json!({ "person": person, "days": 7 });
    let first: MadeCode = boss.ask("/v1/admin/codes", &request).await;
    let second: MadeCode = boss.ask("/v1/admin/codes", &request).await;
    assert_eq!(first.fingerprint, server.signer().fingerprint());
    let open: Codes = get(&boss, "/v1/admin/codes").await;
    assert_eq!(open.codes.len(), 2);
    let withdraw = json!({ "id": second.id });
    let done: Changed = boss.ask("/v1/admin/codes/withdraw", &withdraw).await;
    assert!(done.changed);
    assert_eq!(Device::enrol(&server, &first.code).await.person, person);
    let key = shicha_domain::suite::SigningKey::from_bytes(&[9; 32]);
    let refused = boss
        .post("/v1/enrol", &Device::enrolment(&server, &key, &second.code))
        .await;
    assert_eq!(code_of(refused).await, ProblemCode::BadCode);
    let devices: Devices = get(&boss, "/v1/admin/devices").await;
    let new = devices
        .devices
        .iter()
        .find(|one| one.person == person)
        .unwrap();
    assert_eq!(
        new.client_version.as_deref(),
        Some("0"),
        "said by the session"
    );
    assert!(new.last_contact_ms.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_with_faults_or_without_a_higher_version_is_not_published() {
    let server = Server::start().await;
    let boss = server.device("市管", CITY, Role::Administrator).await;
    let post = |bytes: Vec<u8>| {
        boss.request(Method::POST, "/v1/admin/packs")
            .body(bytes)
            .send()
    };
    let broken = include_bytes!("../../../../packs/broken/many-faults.json");
    let (status, told) = problem(post(broken.to_vec()).await.unwrap()).await;
    assert_eq!(
        (status, told.code),
        (StatusCode::CONFLICT, ProblemCode::Conflict)
    );
    assert_eq!(told.extra["reason"], "faults");
    let faults = told.extra["faults"].as_array().unwrap();
    assert!(
        faults.len() > 1
            && faults
                .iter()
                .all(|fault| fault["line"].as_u64().is_some_and(|line| line > 0))
    );

    let done: PackPublished = answer(post(PACK.to_vec()).await.unwrap()).await;
    assert!(done.changed);
    let again: PackPublished = answer(post(PACK.to_vec()).await.unwrap()).await;
    assert!(!again.changed, "the very same file");
    let text = String::from_utf8(PACK.to_vec()).unwrap();
    let other = text.replacen('\n', " \n", 1);
    let (_, told) = problem(post(other.into_bytes()).await.unwrap()).await;
    assert_eq!(
        (told.extra["reason"].as_str(), told.extra["newest"].as_str()),
        (Some("version"), Some(done.version.as_str()))
    );
    let packs: Packs = get(&boss, "/v1/admin/packs").await;
    assert_eq!(packs.packs.len(), 1);
    assert_eq!(
        (packs.packs[0].by, packs.packs[0].id.as_str()),
        (boss.person, done.id.as_str())
    );
    assert!(packs.packs[0].at_ms > 0);
    // It is an entry like any other: a county's device gets it.
    let county = server.device("县", COUNTY, Role::Inspector).await;
    assert_eq!(county.pull(&[]).await.batch.rows.len(), 1);
    let acts: Vec<_> = log(&boss).await.into_iter().map(|row| row.act).collect();
    assert_eq!(acts, [act::PACK_PUBLISHED]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_comes_from_the_endpoint_itself_and_of_one_id_the_bureau_above_publishes() {
    let server = Server::start().await;
    let boss = server.device("市管", CITY, Role::Administrator).await;
    let county = server.device("县管", COUNTY, Role::Administrator).await;
    let post = async |device: &Device, bytes: &[u8]| {
        let request = device.request(Method::POST, "/v1/admin/packs");
        request.body(bytes.to_vec()).send().await.unwrap()
    };
    let city: PackPublished = answer(post(&boss, PACK).await).await;

    // By an entry of their own nobody publishes, not even who may publish otherwise, and nobody alters what was published.
    let mut supervisor = server.device("县监", COUNTY, Role::Supervisor).await;
    let mut chief = server.device("市监", CITY, Role::Supervisor).await;
    let mut administrator = boss.clone();
    let published = county.pull(&[]).await.batch.rows[0].entry.record;
    let opening = |version: &str| Event::Opened {
        kind: RecordKind::Pack,
        fields: [
            ("id".to_owned(), json!(city.id)),
            ("version".to_owned(), json!(version)),
            ("blob".to_owned(), json!("ab".repeat(32))),
            ("size".to_owned(), json!(9)),
        ]
        .into(),
    };
    let alter = Event::Set {
        field: "blob".into(),
        value: json!("ab".repeat(32)),
        replaces: vec![],
    };
    let annul = Event::Annulled {
        reason: "x".into(),
        signature: None,
        by_supervisor: false,
    };
    for (device, org) in [
        (&mut supervisor, COUNTY),
        (&mut chief, CITY),
        (&mut administrator, CITY),
    ] {
        let channel = format!("pub/{org}");
        let mut entries = vec![
            device.write(&channel, record(), &opening(&city.version)),
            device.write(&channel, record(), &opening("9.0.0")),
        ];
        if org == CITY {
            entries.push(device.write(&channel, published, &alter));
            entries.push(device.write(&channel, published, &annul));
        }
        let reply = device.push(&entries).await;
        let refused: Vec<&str> = reply
            .refused
            .iter()
            .map(|(_, code)| code.as_str())
            .collect();
        assert_eq!(refused, vec!["event"; entries.len()], "{channel}");
    }
    assert_eq!(
        county.pull(&[]).await.batch.rows.len(),
        1,
        "nothing but what was published is given out"
    );

    // The county may publish a pack of its own, and none of the city's id, whatever its version.
    let text = String::from_utf8(PACK.to_vec()).unwrap();
    let version = format!("\"version\": \"{}\"", city.version);
    let higher = text.replacen(&version, "\"version\": \"9.0.0\"", 1);
    assert_ne!(higher, text);
    for bytes in [text.as_bytes(), higher.as_bytes()] {
        let (status, told) = problem(post(&county, bytes).await).await;
        assert_eq!(
            (status, told.code),
            (StatusCode::CONFLICT, ProblemCode::Conflict)
        );
        assert_eq!(
            (told.extra["reason"].as_str(), told.extra["bureau"].as_str()),
            (Some("above"), Some("组织320700"))
        );
    }
    let own = text.replacen(&format!("\"id\": \"{}\"", city.id), "\"id\": \"own\"", 1);
    assert_ne!(own, text);
    let own: PackPublished = answer(post(&county, own.as_bytes()).await).await;
    assert!(own.changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_device_is_told_to_wipe_itself_and_its_word_is_shown_with_the_time() {
    let server = Server::start().await;
    let boss = server.device("市管", CITY, Role::Administrator).await;
    let lost = server.device("张三", COUNTY, Role::Inspector).await;
    let other = server.device("李四", COUNTY, Role::Inspector).await;
    let wipe = json!({ "device": lost.id, "order": "wipe" });
    let done: Changed = boss.ask("/v1/admin/devices/revoke", &wipe).await;
    assert!(done.changed);
    // In its running session, and when it opens another one.
    for response in [
        lost.request(Method::GET, "/v1/directory")
            .send()
            .await
            .unwrap(),
        lost.try_session().await,
    ] {
        let (_, told) = problem(response).await;
        assert_eq!(told.code, ProblemCode::Revoked);
        let order: Order = serde_json::from_value(told.extra["order"].clone()).unwrap();
        assert!(order.is_for(lost.id, &server.key));
        assert!(!order.is_for(other.id, &server.key));
        assert_eq!(order.act, OrderAct::Wipe);
    }
    // Whoever did not prove to be that device is told nothing.
    let mut thief = lost.clone();
    thief.key = other.key.clone();
    let (_, told) = problem(thief.try_session().await).await;
    assert_eq!(
        (told.code, told.extra.get("order")),
        (ProblemCode::Unauthorized, None)
    );

    let devices: Devices = get(&boss, "/v1/admin/devices").await;
    let at_ms = devices
        .devices
        .iter()
        .find(|one| one.device == lost.id)
        .unwrap()
        .order_at_ms
        .unwrap();
    let word = |device: &Device, act, at_ms| Obeyed {
        device: lost.id,
        act,
        at_ms,
        signature: signing::sign(&device.key, &obeyed_bytes(lost.id, act, at_ms)),
    };
    for false_word in [
        word(&other, OrderAct::Wipe, at_ms),
        word(&lost, OrderAct::Lock, at_ms),
        word(&lost, OrderAct::Wipe, at_ms + 1),
    ] {
        let refused = boss.post("/v1/obeyed", &false_word).await;
        assert_eq!(code_of(refused).await, ProblemCode::Unauthorized);
    }
    let mut sender = boss.clone();
    sender.token = String::new();
    let done: Changed = sender
        .ask("/v1/obeyed", &word(&lost, OrderAct::Wipe, at_ms))
        .await;
    assert!(done.changed);
    let again: Changed = sender
        .ask("/v1/obeyed", &word(&lost, OrderAct::Wipe, at_ms))
        .await;
    assert!(!again.changed, "its answer was lost");
    let devices: Devices = get(&boss, "/v1/admin/devices").await;
    let row = devices
        .devices
        .iter()
        .find(|one| one.device == lost.id)
        .unwrap();
    assert!(row.order_done_at_ms.is_some());
    let acts: Vec<_> = log(&boss).await.into_iter().map(|row| row.act).collect();
    assert_eq!(acts, [act::DEVICE_OBEYED, act::DEVICE_WIPE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_administrator_can_tell_what_a_device_was_locked_with() {
    let server = Server::start().await;
    let boss = server.device("市管", CITY, Role::Administrator).await;
    let lost = server.device("张三", COUNTY, Role::Inspector).await;
    let which = json!({ "device": lost.id });
    let (_, told) = problem(boss.post("/v1/admin/devices/unlock", &which).await).await;
    assert_eq!(told.extra["reason"], "not_locked");
    let lock = json!({ "device": lost.id, "order": "lock" });
    let _: Changed = boss.ask("/v1/admin/devices/revoke", &lock).await;
    let (_, told) = problem(lost.try_session().await).await;
    let order: Order = serde_json::from_value(told.extra["order"].clone()).unwrap();
    let shown: UnlockCode = boss.ask("/v1/admin/devices/unlock", &which).await;
    let secret: UnlockSecret = shown.code.parse().unwrap();
    assert_eq!(secret.lock_key().as_slice(), order.lock_key);
    assert_eq!(log(&boss).await[0].act, act::UNLOCK_SHOWN, "that is noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_is_in_the_log_and_a_changed_log_is_found_out() {
    let server = Server::start().await;
    let boss = server.device("市管", CITY, Role::Administrator).await;
    server.command(&[
        "person",
        "add",
        "--name",
        "王五",
        "--org",
        COUNTY,
        "--role",
        "inspector",
    ]);
    server.command(&["code", "new", "--person", "王五"]);
    server.command(&["person", "retire", "--person", "王五"]);
    let rows = log(&boss).await;
    let acts: Vec<_> = rows
        .iter()
        .map(|row| (row.act.as_str(), row.person))
        .collect();
    assert_eq!(
        acts,
        [
            (act::PERSON_RETIRED, None),
            (act::CODE_MADE, None),
            (act::PERSON_ADDED, None)
        ]
    );
    let code = &rows[1];
    assert!(
        !code.detail.contains('-') || !code.detail.contains("K7QM"),
        "the code itself is not kept"
    );
    let path = server.data().join("server.db");
    let found = || aside(|| verify(&server.home(), &mut |_| {}).unwrap());
    assert_eq!((found().audit_rows, found().faults), (3, vec![]));
    let db = rusqlite::Connection::open(&path).unwrap();
    let refused = db.execute("UPDATE audit SET person_name = '别人' WHERE n = 2", []);
    assert!(refused.unwrap_err().to_string().contains("only added to"));
    // Whoever can write the file can also take the triggers away; the chain and the signature tell.
    db.execute_batch(
        "DROP TRIGGER audit_is_not_changed; UPDATE audit SET target = '别人' WHERE n = 2;",
    )
    .unwrap();
    assert!(matches!(
        found().faults.as_slice(),
        [VerifyFault::Audit { n: 2, .. }]
    ));
    db.execute_batch("DROP TRIGGER audit_is_not_removed; DELETE FROM audit WHERE n = 2;")
        .unwrap();
    assert!(matches!(
        found().faults.as_slice(),
        [VerifyFault::Audit { n: 3, .. }]
    ));
}
