//! Updates of the application on their way to a laptop, from an endpoint that is honest, away, old, or neither.

use std::sync::{Arc, Mutex};

use serde_json::json;
use shicha_domain::directory::Role;
use shicha_maker::Maker;
use shicha_sync::{
    client::{Method, Reply, Request, SyncErrorCode},
    protocol::{BLOB_PART, ProblemCode},
    update::{UpdateFolder, UpdateKey, UpdateNow},
};

use crate::{
    common::Server,
    kit::{CITY, COUNTY, Laptop, Line, NEIGHBOUR, broken, engine, is, noise, refusal},
};

const PLATFORM: &str = "windows-x86_64";
const NAME: &str = "Shicha-0.2.0-setup.exe";

/// An endpoint with an update that is larger than what one round fetches.
struct Stand {
    server: Server,
    maker: Maker,
    setup: Vec<u8>,
    laptop: Laptop,
}

impl Stand {
    async fn new() -> Self {
        let server = Server::start().await;
        let maker = Maker::new();
        let setup = noise(10 * BLOB_PART + 1_008);
        server.add_update(&maker, NAME, &setup);
        server.release("0.2.0", CITY);
        let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
        Self {
            server,
            maker,
            setup,
            laptop,
        }
    }

    fn folder_of(&self, running: &str) -> Arc<UpdateFolder> {
        Arc::new(UpdateFolder::new(
            self.laptop.dir.join("update"),
            Some(UpdateKey::parse(&self.maker.public()).unwrap()),
            Some(PLATFORM.to_owned()),
            running.parse().unwrap(),
        ))
    }

    /// Rounds over this line until nothing is left to fetch.
    async fn rounds(&self, line: Line, folder: &Arc<UpdateFolder>) -> usize {
        let engine = engine(line).with_updates(Arc::clone(folder));
        let mut rounds = 1;
        while engine
            .sync_once(&self.laptop.ledger, &|_| {})
            .await
            .unwrap()
            .update_goes_on
        {
            rounds += 1;
        }
        rounds
    }
}

fn kept(folder: &UpdateFolder) -> Option<String> {
    let kept = folder.kept().unwrap();
    kept.map(|kept| kept.signed.version.to_string())
}

fn failed(folder: &UpdateFolder) -> String {
    match folder.now().borrow().clone() {
        UpdateNow::Failed { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

fn is_update(request: &Request) -> bool {
    request.path.starts_with("/v1/update")
}

fn asked(line: &Line) -> Vec<String> {
    let asked = line.asked().into_iter();
    asked.filter(|asked| asked.contains("/v1/update")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_comes_in_the_background_a_few_parts_in_each_round_and_is_proved() {
    let stand = Stand::new().await;
    let folder = stand.folder_of("0.1.0");
    let line = Line::to(&stand.server);
    assert_eq!(stand.rounds(line.clone(), &folder).await, 2);
    let kept = folder.prove_kept().unwrap().unwrap();
    assert_eq!(
        std::fs::read(kept.path).unwrap(),
        stand.setup,
        "byte for byte"
    );
    assert_eq!(*folder.now().borrow(), UpdateNow::Idle);
    let parts = asked(&line);
    assert_eq!(parts[0], format!("Get /v1/update?platform={PLATFORM}"));
    assert_eq!(parts.len(), 12, "asked once, and eleven parts");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_wrote_goes_before_the_update() {
    let stand = Stand::new().await;
    stand.laptop.subject("某机构");
    let folder = stand.folder_of("0.1.0");
    let line = Line::to(&stand.server);
    stand.rounds(line.clone(), &folder).await;
    let all = line.asked();
    let place = |of: &str| all.iter().position(|asked| asked.contains(of)).unwrap();
    assert!(place("/v1/push") < place("/v1/update"));
    assert!(place("/v1/pull") < place("/v1/update"));
    assert!(place("/v1/directory") < place("/v1/update"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_and_a_program_that_ends_cost_only_the_part_that_was_under_way() {
    let stand = Stand::new().await;
    let folder = stand.folder_of("0.1.0");
    let seen = Arc::new(Mutex::new(0));
    let breaks = Line::changed(&stand.server, move |request, reply| {
        let mut seen = seen.lock().unwrap();
        *seen += u32::from(request.path.starts_with("/v1/updates/"));
        if *seen > 3 { Err(broken()) } else { Ok(reply) }
    });
    let engine = engine(breaks).with_updates(Arc::clone(&folder));
    let ended = engine.sync_once(&stand.laptop.ledger, &|_| {}).await;
    is(ended, SyncErrorCode::Offline);
    assert_eq!(kept(&folder), None);
    // Another start of the program.
    let folder = stand.folder_of("0.1.0");
    let line = Line::to(&stand.server);
    stand.rounds(line.clone(), &folder).await;
    assert_eq!(kept(&folder).as_deref(), Some("0.2.0"));
    let first = format!(
        "Get /v1/updates/{NAME} bytes={}-{}",
        3 * BLOB_PART,
        4 * BLOB_PART - 1
    );
    assert_eq!(asked(&line)[1], first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_runs_it_fetches_nothing_and_asks_no_more_than_now_and_then() {
    let stand = Stand::new().await;
    let folder = stand.folder_of("0.2.0");
    let line = Line::to(&stand.server);
    let engine = engine(line.clone()).with_updates(Arc::clone(&folder));
    for _ in 0..3 {
        engine
            .sync_once(&stand.laptop.ledger, &|_| {})
            .await
            .unwrap();
    }
    assert_eq!(asked(&line).len(), 1);
    engine.ask_for_update();
    engine
        .sync_once(&stand.laptop.ledger, &|_| {})
        .await
        .unwrap();
    assert_eq!(asked(&line).len(), 2, "a person asked");
    assert_eq!(kept(&folder), None);
    folder.want_for_others().unwrap();
    stand.rounds(line, &folder).await;
    assert_eq!(kept(&folder).as_deref(), Some("0.2.0"), "to be handed on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_or_is_for_others_is_neither_fetched_nor_kept_for_installing() {
    let stand = Stand::new().await;
    let folder = stand.folder_of("0.1.0");
    stand.rounds(Line::to(&stand.server), &folder).await;
    assert_eq!(kept(&folder).as_deref(), Some("0.2.0"));
    stand.server.withdraw("0.2.0", CITY);
    stand.server.release("0.2.0", NEIGHBOUR);
    stand.rounds(Line::to(&stand.server), &folder).await;
    assert_eq!(kept(&folder), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_taken_over_can_withhold_an_update_and_nothing_else() {
    let stand = Stand::new().await;
    let offer = |name: &str, size: usize, signature: &str| {
        json!({ "update": { "name": name, "size": size, "signature": signature } }).to_string()
    };
    let size = stand.setup.len();
    let good = stand.maker.sign(NAME, &stand.setup);
    let stranger = Maker::new();
    let lies = [
        // Its own signature, an old update under a new name, a name beside the signed one, another size, no signature at all.
        (
            "other_key",
            offer(NAME, size, &stranger.sign(NAME, &stand.setup)),
        ),
        (
            "altered",
            offer(
                "Shicha-0.9.0-setup.exe",
                size,
                &good.replace("0.2.0", "0.9.0"),
            ),
        ),
        ("altered", offer("Shicha-0.9.0-setup.exe", size, &good)),
        ("size", offer(NAME, 1 << 40, &good)),
        ("not_a_signature", offer(NAME, size, "")),
        (
            "other_platform",
            offer(
                "Shicha-0.2.0-setup.sh",
                3,
                &stand.maker.sign("Shicha-0.2.0-setup.sh", b"abc"),
            ),
        ),
    ];
    for (expected, lie) in lies {
        let folder = stand.folder_of("0.1.0");
        let body = lie.clone().into_bytes();
        let line = Line::changed(&stand.server, move |request, reply| {
            Ok(match is_update(request) {
                true => Reply {
                    body: body.clone(),
                    ..reply
                },
                false => reply,
            })
        });
        stand.rounds(line.clone(), &folder).await;
        assert_eq!(failed(&folder), expected, "{lie}");
        assert_eq!(asked(&line).len(), 1, "not a byte of it is fetched");
        assert_eq!(kept(&folder), None);
    }
    // An older one, genuine: nothing to be said about it, and nothing fetched.
    let old = stand.maker.sign("Shicha-0.1.0-setup.exe", b"old");
    let body = offer("Shicha-0.1.0-setup.exe", 3, &old).into_bytes();
    let folder = stand.folder_of("0.1.5");
    let line = Line::changed(&stand.server, move |request, reply| {
        Ok(match is_update(request) {
            true => Reply {
                body: body.clone(),
                ..reply
            },
            false => reply,
        })
    });
    stand.rounds(line.clone(), &folder).await;
    assert_eq!((asked(&line).len(), kept(&folder)), (1, None));

    // A genuine offer, and other bytes.
    let folder = stand.folder_of("0.1.0");
    let altering = Line::changed(&stand.server, |request, mut reply| {
        if request.method == Method::Get && request.path.starts_with("/v1/updates/") {
            reply.body[17] ^= 1;
        }
        Ok(reply)
    });
    stand.rounds(altering, &folder).await;
    assert_eq!(failed(&folder), "altered");
    assert_eq!(kept(&folder), None);
    // Records went their way all the same, and the same is not fetched again.
    let line = Line::to(&stand.server);
    stand.rounds(line.clone(), &folder).await;
    assert_eq!(asked(&line).len(), 1);
    folder.try_again().unwrap();
    stand.rounds(Line::to(&stand.server), &folder).await;
    assert_eq!(
        kept(&folder).as_deref(),
        Some("0.2.0"),
        "once a person wishes it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_before_there_were_updates_or_one_that_fails_holds_nothing_up() {
    let stand = Stand::new().await;
    let folder = stand.folder_of("0.1.0");
    let older = Line::instead(&stand.server, |request| {
        is_update(request).then(|| Ok(refusal(ProblemCode::NotFound)))
    });
    stand.rounds(older, &folder).await;
    assert_eq!(*folder.now().borrow(), UpdateNow::Idle);
    let fails = Line::instead(&stand.server, |request| {
        is_update(request).then(|| Ok(refusal(ProblemCode::Internal)))
    });
    let record = stand.laptop.subject("某机构");
    stand.rounds(fails, &folder).await;
    assert_eq!(failed(&folder), "server");
    assert_eq!(stand.laptop.waiting(), 0, "what people wrote is delivered");
    assert!(stand.laptop.has(record));
    let short = Line::changed(&stand.server, |request, mut reply| {
        if request.path.starts_with("/v1/updates/") {
            reply.body.pop();
        }
        Ok(reply)
    });
    stand.rounds(short, &folder).await;
    assert_eq!(
        failed(&folder),
        "server",
        "another part than the one asked for"
    );
}
