//! Texts that are SQL, markup, formulas or search expressions somewhere: everywhere they are shown as what was written, and nothing else
//! happens. The forms into which texts go on leaving the program (PDF, workbooks) are held to the same in `papers`.

use std::collections::BTreeMap;

use serde_json::json;
use shicha_domain::{
    Event, Evidence,
    directory::{Org, OrgKind, Role},
};
use shicha_ledger::{InspectionFilter, SubjectFilter, SubjectSort};
use shicha_sync::client::enrol;

use crate::{
    common::{Server, aside, record, wall_ms},
    kit::{CITY, COUNTY, Laptop, fingerprint, opened},
};

/// Each is taken apart by somebody: SQL, full-text search, HTML, a shell, typesetting, spreadsheets, paths, JSON, terminals, bidi.
const TEXTS: &[&str] = &[
    "'; DROP TABLE entry; --",
    "\" OR 1=1 --",
    "x' UNION SELECT signature FROM receipt --",
    "name:* AND NOT (a OR \"b\") NEAR(c, 2) ^d",
    "\"未闭合的引号",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}",
    "$(reboot) `reboot` ; rm -rf / | cat",
    "#set page(width: 1pt) #read(\"/etc/passwd\")",
    "=HYPERLINK(\"http://x\",\"y\")",
    "../../../etc/passwd",
    "CON.txt:stream",
    "{\"t\":\"annulled\"}",
    "%s%n%00 %27",
    "\u{1b}[2J\u{202e}txt.exe",
    "𠮷野家\u{200b}\u{feff}e\u{301}",
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_written_is_shown_as_it_was_written_and_does_nothing() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let mut written = BTreeMap::new();
    for (n, text) in TEXTS.iter().enumerate() {
        let code = format!("T-{n}");
        let org = Org {
            code: code.parse().unwrap(),
            name: (*text).to_owned(),
            short_name: (*text).to_owned(),
            parent: Some(COUNTY.parse().unwrap()),
            kind: OrgKind::Institution,
            region: Some((*text).to_owned()),
        };
        aside(|| server.home().store.put_org(&org, 1).unwrap());
        let laptop = Laptop::of(&server, text, COUNTY, Role::Inspector).await;
        let subject = record();
        laptop.append(laptop.draft(&laptop.own, subject, opened(text)));
        laptop.set(subject, "address", text);
        laptop.set(subject, "remark", text);
        let taken = laptop
            .ledger
            .blob_import(&mut text.as_bytes(), &mut |_| {}, wall_ms())
            .unwrap();
        let evidence = Evidence {
            blob: taken.hash,
            size: taken.size,
            name: (*text).to_owned(),
            mime: taken.mime,
            source: "file".into(),
            taken_at_ms: None,
            position_e7: None,
            camera: Some((*text).to_owned()),
            derived_from: None,
        };
        let place = "record".to_owned();
        laptop.append(laptop.draft(&laptop.own, subject, Event::Attached { place, evidence }));
        let outcome = laptop.round(&server).await.unwrap();
        assert_eq!((outcome.refused, outcome.skipped.len()), (0, 0), "{text}");
        written.insert(subject, (*text, taken.hash));
    }
    let outcome = city.round(&server).await.unwrap();
    assert_eq!(outcome.skipped, []);
    for (subject, (text, hash)) in &written {
        let state = city.ledger.record(*subject).unwrap().unwrap();
        for field in ["name", "address", "remark"] {
            assert_eq!(state.value(field), Some(&json!(text)), "{field}");
        }
        let attachments = state.attachments();
        assert_eq!(attachments[0].evidence.name, *text);
        assert_eq!(city.bytes_of(*hash), text.as_bytes());
    }
    let directory = city.ledger.directory().unwrap();
    for text in TEXTS {
        assert!(directory.orgs.iter().any(|org| org.name == *text), "{text}");
        assert!(
            directory.people.iter().any(|person| person.name == *text),
            "{text}"
        );
        // Searching for it is searching for a text: no error, and what bears it is found.
        let filter = SubjectFilter {
            query: Some((*text).to_owned()),
            ..SubjectFilter::default()
        };
        let found = city
            .ledger
            .subjects(&filter, SubjectSort::Name, false, 0, 100)
            .unwrap();
        assert!(found.total <= TEXTS.len() as u64, "{text}");
        let filter = InspectionFilter {
            query: Some((*text).to_owned()),
            ..InspectionFilter::default()
        };
        city.ledger.overview(&filter).unwrap();
    }
    assert!(city.is_whole());
    server.command(&["verify"]);
    let before = city.ledger.views_digest().unwrap();
    city.ledger.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(city.ledger.views_digest().unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_is_called_bears_no_control_characters_and_is_bounded() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let ledger = crate::kit::open(folder.path());
    let code = server.code_for("甲", COUNTY, Role::Inspector);
    let label = format!("\u{1b}[2J<b>'; --{}", "长".repeat(1_000));
    enrol(&ledger, &server.url, &fingerprint(&server), &code, &label)
        .await
        .unwrap();
    let directory = ledger.directory().unwrap();
    let kept = &directory.devices[0].label;
    assert!(kept.starts_with("[2J<b>'; --长"), "{kept}");
    assert_eq!(kept.chars().count(), 100);
}
