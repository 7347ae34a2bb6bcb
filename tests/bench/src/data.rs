//! Data to measure with: inspections as they come from the field, without a server.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use serde_json::json;
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, PersonId, Receipt, RecordId, RecordKind,
    directory::{Directory, Org, OrgKind, Role},
};
use shicha_ledger::{DatabaseKey, Draft, Identity, KeyStore, Ledger};
use uuid::Uuid;

/// A moment within the campaign: 2022-04-01 09:00 in Beijing, Unix ms.
pub(crate) const START_MS: u64 = 1_648_774_800_000;
const SURNAMES: [&str; 10] = [
    "苍梧",
    "花果山",
    "海州",
    "赣榆",
    "东海",
    "灌云",
    "灌南",
    "徐圩",
    "云台",
    "连云",
];
const WORDS: [&str; 10] = [
    "安全", "化工", "职业", "特种", "建设", "港口", "矿山", "消防", "电力", "水产",
];
const ENDS: [&str; 4] = ["培训中心", "有限公司", "职业技能学校", "考试中心"];

/// Who writes.
pub(crate) fn person() -> PersonId {
    PersonId(Uuid::from_u128(1))
}

/// Where it is written.
pub(crate) fn channel() -> Result<Channel> {
    "own/320703".parse().context("a channel")
}

/// Opens a new enrolled ledger.
pub(crate) fn ledger(dir: &Path) -> Result<Ledger> {
    let key: DatabaseKey = KeyStore::new(dir).create_with_passphrase("bench bench bench")?;
    let (ledger, _) = Ledger::open(dir, &key, START_MS)?;
    let server = signing_key(9);
    let device = DeviceId(Uuid::from_u128(2));
    let identity = Identity {
        device,
        signing_key: signing_key(3),
        person: person(),
        person_name: "张三".into(),
        org: "320703".parse()?,
        role: Role::Inspector,
        server_url: "http://127.0.0.1:1/".into(),
        server_key: server.public_key(),
        server_name: "bench".into(),
        is_sample: true,
    };
    let receipt = Receipt::whole(device, 0, EntryId::NONE, START_MS).signed(&server);
    let org = Org {
        code: "320703".parse()?,
        name: "连云区应急管理局".into(),
        short_name: "苏连".into(),
        parent: None,
        kind: OrgKind::County,
        region: Some("320703".into()),
    };
    let directory = Directory {
        version: 1,
        server_name: "bench".into(),
        is_sample: true,
        orgs: vec![org],
        ..Directory::default()
    };
    ledger.enrol(&identity, &receipt, &directory.to_part("1"))?;
    Ok(ledger)
}

/// A signing key that is the same in every run.
pub(crate) fn signing_key(seed: u8) -> shicha_domain::suite::SigningKey {
    shicha_domain::suite::SigningKey::from_bytes(&[seed; 32])
}

/// The name of the n-th subject.
pub(crate) fn subject_name(n: usize) -> String {
    format!(
        "{}{}{}{}",
        SURNAMES[n % 10],
        WORDS[n / 10 % 10],
        ENDS[n / 100 % 4],
        n
    )
}

/// The opening of the n-th inspection.
pub(crate) fn inspection(n: usize) -> Result<Draft> {
    let at_ms = START_MS + n as u64 * 60_000;
    let mut random = [0; 10];
    random[..8].copy_from_slice(&(n as u64).to_be_bytes());
    let record = RecordId(uuid::Builder::from_unix_timestamp_millis(at_ms, &random).into_uuid());
    let mut fields = BTreeMap::new();
    for (field, value) in [
        (
            "subject",
            json!(Uuid::from_u128(1_000 + n as u128 % 20_000)),
        ),
        ("subject_name", json!(subject_name(n % 20_000))),
        (
            "subject_kind",
            json!(["training_institution", "exam_institution", "enterprise"][n % 3]),
        ),
        (
            "region",
            json!(["320703", "320706", "320707", "320722", "320723", "320724"][n % 6]),
        ),
        ("inspection_kind", json!("enforcement")),
        ("checklist", json!(["TI", "EI", "PE"][n % 3])),
        ("phase", json!("check")),
        ("pack", json!("lyg-2021-training")),
        ("pack_version", json!("1.0.0")),
        (
            "number",
            json!(format!("（苏连）应急检记〔2022〕{}号", n + 1)),
        ),
        (
            "inspectors",
            json!([{"name": "张三", "certificate": "苏A001"}, {"name": "李四", "certificate": "苏A002"}]),
        ),
        ("started_at", json!(at_ms)),
    ] {
        fields.insert(field.to_owned(), value);
    }
    Ok(Draft {
        channel: channel()?,
        record,
        event: Event::Opened {
            kind: RecordKind::Inspection,
            fields,
        },
    })
}

/// A result given to an item.
pub(crate) fn answer(record: RecordId, item: usize, result: &str) -> Result<Draft> {
    Ok(Draft {
        channel: channel()?,
        record,
        event: Event::Set {
            field: format!("answers/TI-{}.{}/result", item / 10 + 1, item % 10 + 1),
            value: json!(result),
            replaces: Vec::new(),
        },
    })
}
