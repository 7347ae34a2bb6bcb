//! Updates of the application on a stick: from the endpoint, from colleague to colleague, and what is not taken.

use std::{fs::File, path::Path, sync::Arc};

use shicha_domain::directory::Role;
use shicha_maker::Maker;
use shicha_sync::{
    client::package::{self, Giving, Taken, TakenUpdate},
    package::{Party, unwatched},
    update::{UpdateFolder, UpdateKey},
};

use crate::{
    common::{Server, aside, wall_ms},
    kit::{CITY, COUNTY, Laptop, noise},
    stick::{Stick, device_of, endpoint, give, give_these, giving, look, newcomer, there_and_back},
};

const NAME: &str = "Shicha-0.2.0-setup.exe";

fn folder(laptop: &Laptop, maker: &Maker, running: &str) -> Arc<UpdateFolder> {
    Arc::new(UpdateFolder::new(
        laptop.dir.join("update"),
        Some(UpdateKey::parse(&maker.public()).unwrap()),
        Some("windows-x86_64".to_owned()),
        running.parse().unwrap(),
    ))
}

fn take(laptop: &Laptop, path: &Path, updates: &UpdateFolder) -> Taken {
    let looked = look(laptop, path).unwrap();
    let file = File::open(path).unwrap();
    let now_ms = wall_ms();
    package::take_with(
        &laptop.ledger,
        file,
        &looked,
        now_ms,
        Some(updates),
        &mut unwatched(),
    )
    .unwrap()
}

fn kept(folder: &UpdateFolder) -> Option<String> {
    let kept = folder.prove_kept().unwrap();
    kept.map(|kept| kept.signed.version.to_string())
}

/// A package of one laptop to another, with the update that the first keeps.
fn brought(from: &Laptop, to: &Laptop, updates: &Arc<UpdateFolder>, path: &Path) {
    let device = device_of(to);
    let giving = Giving {
        update: Some(Arc::clone(updates)),
        ..giving(Party::Device { device }, None)
    };
    let contents = give_these(from, &giving, path);
    assert_eq!(contents.update.unwrap().name, NAME);
    let plan = package::plan(&from.ledger, &giving).unwrap();
    assert!(package::expected_bytes(&plan) > 300_000, "and is counted");
}

/// Two laptops that know of each other, one of which keeps the update.
async fn colleagues(server: &Server, maker: &Maker) -> (Laptop, Arc<UpdateFolder>, Laptop) {
    let setup = noise(300_000);
    server.add_update(maker, NAME, &setup);
    server.release("0.2.0", CITY);
    let one = Laptop::of(server, "甲", COUNTY, Role::Inspector).await;
    let other = Laptop::of(server, "乙", COUNTY, Role::Inspector).await;
    one.round(server).await.unwrap();
    other.round(server).await.unwrap();
    let updates = folder(&one, maker, "0.1.0");
    let signed = updates.signed(&maker.sign(NAME, &setup)).unwrap();
    updates.begin(&signed, setup.len() as u64).unwrap();
    updates.add(0, &setup).unwrap();
    updates.finish(&signed).unwrap();
    (one, updates, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_that_never_was_online_gets_its_update_from_the_endpoint_by_stick() {
    let server = Server::start().await;
    let maker = Maker::new();
    let setup = noise(300_000);
    server.add_update(&maker, NAME, &setup);
    let laptop = aside(|| newcomer(&server, "校", "TI-01", Role::Institution));
    let updates = folder(&laptop, &maker, "0.1.0");
    let stick = Stick::new();
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    let make = |with_update: bool| {
        let device = device_of(&laptop).to_string();
        let back = back.to_str().unwrap();
        let mut words = vec!["package", "make", "--for", &device, "--out", back];
        words.extend(with_update.then_some("--with-update"));
        aside(|| server.command(&words));
        look(&laptop, Path::new(back)).unwrap().contents.update
    };
    assert!(make(true).is_none(), "it was not released");
    server.release("0.2.0", COUNTY);
    assert!(make(false).is_none(), "nobody asked for it");
    assert_eq!(
        make(true).unwrap().name,
        NAME,
        "seen before anything is taken"
    );
    let taken = take(&laptop, &back, &updates);
    assert_eq!(
        taken.update,
        Some(TakenUpdate::Kept("0.2.0".parse().unwrap()))
    );
    assert_eq!(kept(&updates).as_deref(), Some("0.2.0"));
    let again = take(&laptop, &back, &updates);
    assert_eq!(
        again.update,
        Some(TakenUpdate::Known("0.2.0".parse().unwrap()))
    );

    // An answer brings it too when the operator says so, and the endpoint knows by the package what runs there.
    give(&laptop, endpoint(&server), &there);
    let words = [
        "package",
        "take",
        there.to_str().unwrap(),
        "--answer",
        back.to_str().unwrap(),
        "--with-update",
    ];
    aside(|| server.command(&words));
    assert!(look(&laptop, &back).unwrap().contents.update.is_some());
    let state = aside(|| server.store().device(device_of(&laptop)).unwrap().unwrap());
    assert_eq!(
        state.client_version.as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
    let (_, plain) = there_and_back(&server, &laptop);
    assert_eq!(plain.update, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_brings_the_update_that_they_keep_and_the_records_with_it() {
    let server = Server::start().await;
    let maker = Maker::new();
    let (one, updates, other) = colleagues(&server, &maker).await;
    let record = one.subject("某机构");
    let stick = Stick::new();
    let path = stick.path("给乙.shicha");
    brought(&one, &other, &updates, &path);
    let theirs = folder(&other, &maker, "0.1.0");
    let taken = take(&other, &path, &theirs);
    assert_eq!(
        taken.update,
        Some(TakenUpdate::Kept("0.2.0".parse().unwrap()))
    );
    assert!(other.has(record));
    let bytes =
        |folder: &UpdateFolder| std::fs::read(folder.kept().unwrap().unwrap().path).unwrap();
    assert_eq!(bytes(&theirs), bytes(&updates));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_is_foreign_old_or_altered_is_refused_and_the_records_are_taken() {
    let server = Server::start().await;
    let maker = Maker::new();
    let (one, updates, other) = colleagues(&server, &maker).await;
    let record = one.subject("某机构");
    let stick = Stick::new();
    let path = stick.path("给乙.shicha");
    brought(&one, &other, &updates, &path);
    let refused = |taken: Taken| match taken.update {
        Some(TakenUpdate::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    // A build with another key, or a newer program.
    let foreign = folder(&other, &Maker::new(), "0.1.0");
    assert_eq!(refused(take(&other, &path, &foreign)), "other_key");
    assert!(other.has(record), "the records came all the same");
    let newer = folder(&other, &maker, "0.3.0");
    assert_eq!(refused(take(&other, &path, &newer)), "not_newer");
    let same = folder(&other, &maker, "0.2.0");
    assert_eq!(
        take(&other, &path, &same).update,
        Some(TakenUpdate::Known("0.2.0".parse().unwrap()))
    );
    for folder in [&foreign, &newer, &same] {
        assert!(folder.kept().unwrap().is_none());
    }
    // Nobody hands on what was altered on their disk: not even a package is made of it.
    let kept = updates.kept().unwrap().unwrap().path;
    let mut bytes = std::fs::read(&kept).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(&kept, bytes).unwrap();
    let giving = Giving {
        update: Some(Arc::clone(&updates)),
        ..giving(
            Party::Device {
                device: device_of(&other),
            },
            None,
        )
    };
    let made = package::give(&one.ledger, &giving, Vec::new(), &mut unwatched());
    assert!(matches!(made, Err(package::PackageError::Update(_))));
}
