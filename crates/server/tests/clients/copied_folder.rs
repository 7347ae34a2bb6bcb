//! A laptop whose closed folder was copied, with entries and photos that were not delivered yet, and both go on.

use std::{fs, path::Path};

use shicha_domain::directory::Role;

use crate::{
    common::Server,
    kit::{CITY, COUNTY, Laptop, noise},
};

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_folder_and_its_original_both_go_on_and_nothing_of_either_is_lost() {
    let mut server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    laptop.round(&server).await.unwrap();
    // Not delivered when the copy is made.
    laptop.set(record, "phone", "复制之前");
    let before = noise(40_000);
    let before_hash = laptop.attach(record, &before);

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let original = laptop.restart_after(|dir| copy_folder(dir, &data));

    original.set(record, "remark", "原机继续");
    let original_photo = noise(30_000);
    let original_hash = original.attach(record, &original_photo);
    let outcome = original.round(&server).await.unwrap();
    assert_eq!(
        (outcome.forked, outcome.pushed, outcome.uploaded),
        (None, 4, 2)
    );

    let copy = original.at(folder);
    let device = |laptop: &Laptop| laptop.ledger.identity().unwrap().unwrap().device;
    let old = device(&original);
    assert_eq!(device(&copy), old);
    copy.set(record, "address", "副本继续");
    let copy_photo = noise(20_000);
    let copy_hash = copy.attach(record, &copy_photo);
    let outcome = copy.round(&server).await.unwrap();
    assert_eq!(
        outcome.forked,
        Some(2),
        "only what the server does not have"
    );
    assert_ne!(device(&copy), old);
    original.round(&server).await.unwrap();
    copy.round(&server).await.unwrap();

    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    city.round(&server).await.unwrap();
    let state = city.ledger.record(record).unwrap().unwrap();
    for field in ["phone", "remark", "address"] {
        assert_eq!(state.heads_of(field).len(), 1, "{field}");
    }
    assert_eq!(state.conflicts().count(), 0);
    assert_eq!(city.bytes_of(before_hash), before, "byte for byte");
    assert_eq!(
        city.bytes_of(original_hash),
        original_photo,
        "byte for byte"
    );
    assert_eq!(city.bytes_of(copy_hash), copy_photo, "byte for byte");
    // One opening, a value and a photo from before the copy, and a value and a photo of each since.
    assert_eq!(city.ledger.entries_of(record).unwrap().len(), 7);
    let digest = original.ledger.views_digest().unwrap();
    assert_eq!(copy.ledger.views_digest().unwrap(), digest);
    assert!(original.is_whole() && copy.is_whole() && city.is_whole());
    server.stop().await;
    let found = shicha_server::verify::verify(&server.home(), &mut |_| {}).unwrap();
    assert_eq!(found.faults, []);
}
