//! What a new version changes is told row by row.
#![allow(clippy::unwrap_used)]

use crate::pack::{ChangeKind, Pack, Part, changes};

fn shipped() -> Pack {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../packs/lyg-2021-training/pack.json"
    );
    Pack::parse(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_same_pack_changes_nothing() {
    assert_eq!(changes(&shipped(), &shipped()), []);
}

#[test]
fn each_row_that_is_new_gone_or_different_is_named_once() {
    let old = shipped();
    let mut new = old.clone();
    new.penalties.pop();
    let mut added = new.obligations[0].clone();
    added.title.zh = "新的报送事项".into();
    added.id = serde_json::from_value("NEW-1".into()).unwrap();
    new.obligations.push(added);
    new.title.zh = "另一个名称".into();
    let found: Vec<_> = changes(&old, &new)
        .into_iter()
        .map(|change| (change.part, change.kind, change.title))
        .collect();
    let gone = old.penalties.last().unwrap().text.clone();
    assert_eq!(
        found,
        [
            (Part::Pack, ChangeKind::Changed, "另一个名称".to_owned()),
            (
                Part::Obligation,
                ChangeKind::Added,
                "新的报送事项".to_owned()
            ),
            (Part::Penalty, ChangeKind::Removed, gone),
        ]
    );
}
