//! Updates of the application, and for whom they were released.

use serde_json::json;
use shicha_domain::BlobHash;
use shicha_domain::suite::SigningKey;
use shicha_server::store::{
    Store as _, StoreError,
    administration::{Administration as _, By, Deed, Note, Noting, Release, StoredUpdate},
};
use shicha_sync::protocol::{admin::act, signing};

use crate::kit::*;

fn update(name: &str, blob: u8) -> StoredUpdate {
    StoredUpdate {
        name: name.to_owned(),
        blob: BlobHash([blob; 32]),
        size: 7,
        signature: "a signature".to_owned(),
        added_at_ms: 5,
        releases: Vec::new(),
    }
}

fn does<O: Open>(stand: &Stand<O>, deed: Deed<'_>, now_ms: u64) -> Result<bool, StoreError> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let note = Note {
        act: act::UPDATE_RELEASED,
        org: None,
        target: "an update".to_owned(),
        detail: json!({}),
    };
    let sign = |bytes: &[u8]| signing::sign(&key, bytes);
    let by = By::command_line();
    let noting = Noting {
        by: &by,
        note: &note,
        now_ms,
        sign: &sign,
    };
    stand.store.administer(deed, noting)
}

pub(crate) fn an_update_is_there_once_under_its_name_and_released_by_organisation<O: Open>() {
    let stand = Stand::<O>::new();
    let (old, new) = (
        update("Shicha-0.1.0-setup.exe", 1),
        update("Shicha-0.2.0-setup.exe", 2),
    );
    let (city, east) = ("city".parse().unwrap(), "east".parse().unwrap());
    assert!(does(&stand, Deed::AddUpdate(&new), 5).unwrap());
    assert!(does(&stand, Deed::AddUpdate(&old), 5).unwrap());
    assert!(
        !does(&stand, Deed::AddUpdate(&new), 6).unwrap(),
        "it is there"
    );
    let other = update(&new.name, 3);
    assert!(
        matches!(
            does(&stand, Deed::AddUpdate(&other), 6),
            Err(StoreError::Contradiction(_))
        ),
        "nothing takes the place of what devices may have begun to fetch"
    );

    assert!(does(&stand, Deed::ReleaseUpdate(&new.name, &east), 10).unwrap());
    assert!(!does(&stand, Deed::ReleaseUpdate(&new.name, &east), 11).unwrap());
    assert!(does(&stand, Deed::ReleaseUpdate(&new.name, &city), 12).unwrap());
    for (name, org) in [
        ("nothing", &east),
        (new.name.as_str(), &"west".parse().unwrap()),
    ] {
        let missing = does(&stand, Deed::ReleaseUpdate(name, org), 13);
        assert!(
            matches!(missing, Err(StoreError::Missing(_))),
            "{name} {org}"
        );
    }
    let release = |org, at_ms| Release { org, at_ms };
    let expected = vec![
        old.clone(),
        StoredUpdate {
            releases: vec![release(east.clone(), 10), release(city.clone(), 12)],
            ..new.clone()
        },
    ];
    assert_eq!(stand.store.updates().unwrap(), expected);
    assert_eq!(
        O::open(stand.dir.path()).updates().unwrap(),
        expected,
        "and after opening again"
    );

    assert!(does(&stand, Deed::WithdrawUpdate(&new.name, &east), 20).unwrap());
    assert!(!does(&stand, Deed::WithdrawUpdate(&new.name, &east), 21).unwrap());
    let left = &stand.store.updates().unwrap()[1].releases;
    assert_eq!(*left, [release(city, 12)]);
    let noted = stand.store.audit_from(1, 20).unwrap();
    assert_eq!(noted.len(), 5, "what changed nothing is not noted");
    assert!(
        stand.store.blobs().unwrap().is_empty(),
        "the bytes are the caller's business"
    );
}
