//! The directory on a laptop: always one that the central endpoint had, however it came.

use serde_json::json;
use shicha_domain::directory::{
    Directory, Org, OrgKind,
    parts::{DirectoryPart, ORG, RowChange, WholeDirectory, hash_of, row, row_hash},
};
use shicha_ledger::{DirectoryTaken, Ledger};

use crate::kit::{ledger, open};

fn org(n: u32, name: &str) -> Org {
    Org {
        code: format!("{n}").parse().unwrap(),
        name: name.into(),
        short_name: "苏连".into(),
        parent: None,
        kind: OrgKind::County,
        region: None,
    }
}

/// The part that brings these rows behind a mark; with `whole`, what all rows are then.
fn part(
    after: Option<&str>,
    mark: &str,
    rows: Vec<RowChange>,
    whole: Option<&[Org]>,
) -> DirectoryPart {
    let hash = |orgs: &[Org]| {
        let directory = Directory {
            orgs: orgs.to_vec(),
            ..Directory::default()
        };
        let rows = directory.rows();
        hash_of(
            rows.map(|row| row_hash(&row.kind, &row.id, &row.value.unwrap()))
                .collect(),
        )
    };
    DirectoryPart {
        after: after.map(str::to_owned),
        rows,
        mark: mark.to_owned(),
        whole: whole.map(|orgs| WholeDirectory {
            version: 1,
            hash: hash(orgs),
            server_name: "中心端".into(),
            is_sample: true,
        }),
    }
}

fn changed(org: &Org) -> RowChange {
    row(ORG, &org.code, org)
}

fn gone(org: &Org) -> RowChange {
    RowChange {
        value: None,
        ..changed(org)
    }
}

fn names(ledger: &Ledger) -> Vec<String> {
    let directory = ledger.directory().unwrap();
    directory.orgs.iter().map(|org| org.name.clone()).collect()
}

#[test]
fn parts_of_a_directory_take_effect_together_also_after_the_program_was_killed_between_them() {
    let dir = tempfile::tempdir().unwrap();
    let a = ledger(dir.path(), 1);
    let (one, two, three) = (org(1, "甲"), org(2, "乙"), org(3, "丙"));
    let first = part(None, "m1", vec![changed(&one)], None);
    assert_eq!(a.take_directory(&first).unwrap(), DirectoryTaken::More);
    assert!(names(&a).is_empty(), "half a directory is none");
    drop(a);
    let (a, _) = open(dir.path());
    assert_eq!(
        a.directory_mark().unwrap().as_deref(),
        Some("m1"),
        "it goes on where it was"
    );
    let last = part(
        Some("m1"),
        "m2",
        vec![changed(&two)],
        Some(&[one.clone(), two.clone()]),
    );
    assert_eq!(a.take_directory(&last).unwrap(), DirectoryTaken::Changed);
    assert_eq!(names(&a), ["甲", "乙"]);
    let same = part(
        Some("m2"),
        "m2",
        Vec::new(),
        Some(&[one.clone(), two.clone()]),
    );
    assert_eq!(a.take_directory(&same).unwrap(), DirectoryTaken::Same);

    let new = org(1, "新名");
    let change = part(
        Some("m2"),
        "m3",
        vec![changed(&new), gone(&two), changed(&three)],
        Some(&[new.clone(), three.clone()]),
    );
    assert_eq!(a.take_directory(&change).unwrap(), DirectoryTaken::Changed);
    assert_eq!(
        names(&a),
        ["新名", "丙"],
        "one is changed, one is gone, one is new"
    );
    assert_eq!(
        a.take_directory(&change).unwrap(),
        DirectoryTaken::PassedOver
    );
    assert_eq!(a.take_directory(&last).unwrap(), DirectoryTaken::PassedOver);
}

#[test]
fn a_directory_that_lacks_something_is_noticed_by_its_hash_and_asked_for_anew() {
    let dir = tempfile::tempdir().unwrap();
    let a = ledger(dir.path(), 1);
    let (one, two, three) = (org(1, "甲"), org(2, "乙"), org(3, "丙"));
    let begin = part(
        None,
        "m1",
        vec![changed(&one)],
        Some(std::slice::from_ref(&one)),
    );
    assert_eq!(a.take_directory(&begin).unwrap(), DirectoryTaken::Changed);
    // The endpoint has a second one, which never came.
    let lacking = part(
        Some("m1"),
        "m2",
        vec![changed(&three)],
        Some(&[one.clone(), two.clone(), three.clone()]),
    );
    assert_eq!(
        a.take_directory(&lacking).unwrap(),
        DirectoryTaken::DoesNotFit
    );
    assert_eq!(names(&a), ["甲"], "what was whole stays");
    assert_eq!(a.directory_mark().unwrap(), None, "all of it is asked for");
    let all = part(
        None,
        "m2",
        vec![changed(&two), changed(&three), changed(&one)],
        Some(&[one, two, three]),
    );
    assert_eq!(a.take_directory(&all).unwrap(), DirectoryTaken::Changed);
    assert_eq!(names(&a), ["甲", "乙", "丙"]);
}

#[test]
fn what_a_newer_endpoint_says_in_the_directory_is_kept_although_it_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let a = ledger(dir.path(), 1);
    let one = org(1, "甲");
    let mut with_more = changed(&one);
    with_more.value.as_mut().unwrap()["newer"] = json!("field");
    let newer = RowChange {
        kind: "newer_kind".into(),
        id: "1".into(),
        value: Some(json!({ "anything": [1, null] })),
    };
    let rows = vec![with_more, newer];
    let hash = hash_of(
        rows.iter()
            .map(|row| row_hash(&row.kind, &row.id, row.value.as_ref().unwrap()))
            .collect(),
    );
    let mut all = part(None, "m1", rows, Some(&[]));
    all.whole.as_mut().unwrap().hash = hash;
    assert_eq!(a.take_directory(&all).unwrap(), DirectoryTaken::Changed);
    assert_eq!(names(&a), ["甲"]);
}
