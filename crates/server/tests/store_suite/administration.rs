//! What administrators do, and the log of it.

use serde_json::json;
use shicha_domain::suite::SigningKey;
use shicha_domain::{OrgCode, directory::Person};
use shicha_server::store::{
    Candidate, Contact, Known, MIGRATIONS, Migration, OrderState, Store, StoreError,
    administration::{Administration as _, By, CodeId, Deed, Note, Noting},
};
use shicha_sync::protocol::{
    admin::{AuditQuery, AuditRow, act},
    order::OrderAct,
    signing,
};

use crate::kit::*;

fn note(act: &'static str, org: &str, target: &str) -> Note {
    Note {
        act,
        org: Some(org.parse().unwrap()),
        target: target.to_owned(),
        detail: json!({ "why": "for a test" }),
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn does<O: Open>(
    stand: &Stand<O>,
    deed: Deed<'_>,
    note: &Note,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let sign = |bytes: &[u8]| signing::sign(&key(), bytes);
    let by = By {
        person: Some(stand.people[0]),
        name: "管理员".to_owned(),
        device: None,
    };
    let noting = Noting {
        by: &by,
        note,
        now_ms,
        sign: &sign,
    };
    stand.store.administer(deed, noting)
}

pub(crate) fn what_an_administrator_does_is_noted_with_it_or_not_at_all<O: Open>() {
    let stand = Stand::<O>::new();
    let new = org("west", Some("city"));
    let added = note(act::ORG_ADDED, "west", "west");
    assert!(does(&stand, Deed::Org(&new), &added, 10).unwrap());
    assert!(
        !does(&stand, Deed::Org(&new), &added, 11).unwrap(),
        "it was so already"
    );
    let nowhere = Person {
        org: "nowhere".parse().unwrap(),
        ..person(stand.people[1])
    };
    let moved = note(act::PERSON_CHANGED, "nowhere", "乙");
    assert!(does(&stand, Deed::Person(&nowhere), &moved, 12).is_err());
    let retired = Person {
        is_active: false,
        ..person(stand.people[1])
    };
    let gone = note(act::PERSON_RETIRED, "east", "乙");
    assert!(does(&stand, Deed::Person(&retired), &gone, 13).unwrap());

    let rows = stand.store.audit_from(1, 10).unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.n, row.at_ms, row.act.as_str()))
        .collect();
    assert_eq!(
        told,
        [(1, 10, act::ORG_ADDED), (2, 13, act::PERSON_RETIRED)],
        "what failed or changed nothing is not in the log, and leaves no gap"
    );
    assert_eq!(rows[0].person, Some(stand.people[0]));
    assert_eq!(rows[0].detail, r#"{"why":"for a test"}"#);
    // The same after opening again, and each row is chained to the one before and signed.
    let again = O::open(stand.dir.path()).audit_from(1, 10).unwrap();
    assert_eq!(again, rows);
    let mut before = [0; 32];
    for row in &rows {
        let said = row.signed_bytes(&before);
        assert_eq!(row.hash, AuditRow::hash_of(&said));
        let public = key().public_key();
        assert!(signing::is_signed(&public, &said, &row.signature));
        before = row.hash;
    }
}

pub(crate) fn entries_that_are_noted_are_there_with_their_note_or_not_at_all<O: Open>() {
    let mut stand = Stand::<O>::new();
    let lets_one_row_in_a_moment = Migration {
        sqlite: "CREATE UNIQUE INDEX moment ON audit (at_ms);",
        postgres: "CREATE UNIQUE INDEX moment ON audit (at_ms);",
        oldest: 1,
    };
    let formats = [MIGRATIONS, &[lets_one_row_in_a_moment]].concat();
    stand.store = O::open_as(stand.dir.path(), &formats).unwrap();
    let mut log = stand.device(1, 0);
    let entries = log.sets(3);
    let published = note(act::PACK_PUBLISHED, "east", "lyg 1.0.0");
    let append = |upto: usize, judge: &Judge<'_>, now_ms| {
        let push = stand.push(&entries[..upto]);
        let sign = |bytes: &[u8]| signing::sign(&key(), bytes);
        let by = By::command_line();
        let noting = Noting {
            by: &by,
            note: &published,
            now_ms,
            sign: &sign,
        };
        stand.store.append_noted(&push, judge, noting)
    };
    let noted = || -> Vec<u64> {
        let rows = stand.store.audit_from(1, 10).unwrap();
        rows.iter().map(|row| row.at_ms).collect()
    };
    let taken = |_: &Candidate, _: &Known<'_>| Ok(());
    does(&stand, Deed::Elsewhere, &published, 10).unwrap();

    assert!(append(1, &taken, 10).is_err(), "the log takes no row now");
    let state = stand.store.device(log.device).unwrap().unwrap();
    assert_eq!(state.head.seq, 0, "and so the entry is not there");
    assert!(stand.store.channels().unwrap().is_empty());

    assert_eq!(held(append(1, &taken, 11).unwrap()).new, 1);
    assert_eq!(noted(), [10, 11]);
    assert_eq!(held(append(1, &taken, 12).unwrap()).new, 0);
    assert_eq!(noted(), [10, 11], "what is there is not noted again");
    let refused = held(append(2, &|_, _| Err("role"), 13).unwrap()).refused;
    assert_eq!(refused, [(2, "role".to_owned())]);
    assert_eq!(noted(), [10, 11], "what was refused was not done");
}

pub(crate) fn the_log_is_read_backwards_page_by_page_and_only_as_far_as_one_may<O: Open>() {
    let stand = Stand::<O>::new();
    for n in 0..30_u64 {
        let (org, act) = match n % 3 {
            0 => ("east", act::CODE_MADE),
            1 => ("city", act::CODE_MADE),
            _ => ("east", act::PERSON_CHANGED),
        };
        let note = note(act, org, &format!("第{n}人"));
        does(&stand, Deed::Elsewhere, &note, 100 + n).unwrap();
    }
    let numbers = |query: &AuditQuery, limit| -> Vec<u64> {
        let may_read = |org: Option<&OrgCode>| org.is_some_and(|org| org.as_str() == "east");
        let rows = stand.store.audit(query, &may_read, limit).unwrap();
        rows.iter().map(|row| row.n).collect()
    };
    let all = AuditQuery::default();
    assert_eq!(numbers(&all, 3), [30, 28, 27]);
    let on = AuditQuery {
        before: Some(27),
        ..all.clone()
    };
    assert_eq!(numbers(&on, 2), [25, 24]);
    assert_eq!(numbers(&all, 100).len(), 20);
    let by_act = AuditQuery {
        act: Some(act::CODE_MADE.to_owned()),
        since_ms: Some(121),
        until_ms: Some(128),
        ..all.clone()
    };
    assert_eq!(numbers(&by_act, 100), [28, 25, 22]);
    let by_words = AuditQuery {
        text: Some("第27人".to_owned()),
        ..all
    };
    assert_eq!(numbers(&by_words, 100), [28]);
}

pub(crate) fn an_open_code_is_listed_and_a_withdrawn_one_enrols_nobody<O: Open>() {
    let stand = Stand::<O>::new();
    for n in [1, 2, 3] {
        let deed = Deed::Code {
            hash: &[n; 32],
            person: stand.people[0],
            expires_at_ms: 100 + u64::from(n),
        };
        does(&stand, deed, &note(act::CODE_MADE, "east", "甲"), 5).unwrap();
    }
    let seal = |receipt| stand.seal(receipt);
    stand
        .store
        .enrol(&stand.enrolment(2, 6), &seal)
        .unwrap()
        .unwrap();
    let ids = |now_ms| -> Vec<CodeId> {
        let open = stand.store.open_codes(now_ms).unwrap();
        open.iter().map(|code| code.id).collect()
    };
    let id = |n| CodeId::of(&[n; 32]);
    assert_eq!(ids(6), [id(1), id(3)], "the used one is not open");
    assert_eq!(ids(101), [id(3)], "nor is one that ran out");
    let withdrawn = note(act::CODE_WITHDRAWN, "east", "甲");
    assert!(does(&stand, Deed::WithdrawCode(id(3)), &withdrawn, 7).unwrap());
    assert!(!does(&stand, Deed::WithdrawCode(id(3)), &withdrawn, 8).unwrap());
    assert!(!does(&stand, Deed::WithdrawCode(id(2)), &withdrawn, 8).unwrap());
    assert_eq!(ids(8), [id(1)]);
    assert!(
        stand
            .store
            .enrol(&stand.enrolment(3, 8), &seal)
            .unwrap()
            .is_none()
    );
}

pub(crate) fn an_order_becomes_heavier_and_never_lighter_and_is_done_once<O: Open>() {
    let stand = Stand::<O>::new();
    let log = stand.device(1, 0);
    let device = log.device;
    let revoke = |order, now_ms| {
        let noted = note(act::DEVICE_REVOKED, "east", "电脑");
        does(&stand, Deed::Revoke(device, order), &noted, now_ms).unwrap()
    };
    let state = || stand.store.device(device).unwrap().unwrap();
    assert_eq!(state().order, None);
    assert_eq!(state().enrolled_at_ms, 1);
    stand
        .store
        .note_contact(device, "0.9.1", 40, Contact::Package)
        .unwrap();
    assert_eq!(state().client_version.as_deref(), Some("0.9.1"));
    assert!(revoke(None, 50));
    assert!(!revoke(None, 51));
    assert!(revoke(Some(OrderAct::Lock), 60));
    assert!(!revoke(Some(OrderAct::Lock), 61));
    let obeyed = |act, at_ms, now_ms| {
        let noted = note(act::DEVICE_OBEYED, "east", "电脑");
        does(&stand, Deed::Obeyed(device, act, at_ms), &noted, now_ms).unwrap()
    };
    assert!(!obeyed(OrderAct::Wipe, 60, 62), "that was not ordered");
    assert!(!obeyed(OrderAct::Lock, 59, 62), "nor at that moment");
    assert!(obeyed(OrderAct::Lock, 60, 63));
    assert!(!obeyed(OrderAct::Lock, 60, 64), "its word came twice");
    assert!(revoke(Some(OrderAct::Wipe), 70));
    assert!(!revoke(Some(OrderAct::Lock), 71), "never lighter");
    let expected = OrderState {
        act: OrderAct::Wipe,
        at_ms: 70,
        done_at_ms: None,
    };
    assert_eq!(state().order, Some(expected));
    assert_eq!(
        state().device.revoked_at_ms,
        Some(50),
        "since the first time"
    );
    let acts = stand.store.audit_from(1, 100).unwrap().len();
    assert_eq!(acts, 4, "two refusals to change anything are not acts");
}
