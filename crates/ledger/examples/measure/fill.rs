//! A city of made-up subjects and inspections.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shicha_domain::{
    Channel, DeviceId, Event, PersonId, Receipt, RecordId, RecordKind,
    directory::{Directory, Role},
    suite::{PublicKey, SignatureBytes, SigningKey},
};
use shicha_ledger::{Draft, Identity, Ledger};
use uuid::Uuid;

use crate::{Failure, NOW_MS};

const AREAS: [(&str, &str); 10] = [
    ("320703", "连云区"),
    ("320706", "海州区"),
    ("320707", "赣榆区"),
    ("320722", "东海县"),
    ("320723", "灌云县"),
    ("320724", "灌南县"),
    ("320771", "开发区"),
    ("320772", "高新区"),
    ("320773", "徐圩新区"),
    ("320774", "云台山景区"),
];
const WORDS: [&str; 24] = [
    "海", "州", "新", "华", "盛", "达", "安", "泰", "康", "远", "港", "云", "山", "江", "淮", "瑞",
    "丰", "恒", "通", "兴", "润", "嘉", "宏", "信",
];
const TRADES: [&str; 6] = [
    "安全技术培训",
    "化工",
    "职业培训学校",
    "机械制造",
    "矿业",
    "物流",
];

pub(crate) fn fill(
    ledger: &Ledger,
    me: PersonId,
    (inspections, answers, subjects): (usize, usize, usize),
) -> Result<(), Failure> {
    let mut drafts = Vec::new();
    let flush = |drafts: &mut Vec<Draft>, least: usize| -> Result<(), Failure> {
        if drafts.len() > least {
            ledger.append(me, std::mem::take(drafts), NOW_MS)?;
        }
        Ok(())
    };
    for n in 0..subjects {
        drafts.push(opened(RecordKind::Subject, subject_id(n), &subject(n))?);
        flush(&mut drafts, 2_000)?;
    }
    for n in 0..inspections {
        let of = n * 7 % subjects;
        let mut fields = subject(of);
        let begun = NOW_MS - (n as u64 * 7_919) % 15_000_000_000;
        for (field, value) in [
            ("subject", json!(subject_id(of).to_string())),
            (
                "subject_name",
                fields.get("name").cloned().unwrap_or_default(),
            ),
            (
                "subject/credit_code",
                fields.get("credit_code").cloned().unwrap_or_default(),
            ),
            ("inspection_kind", json!("enforcement")),
            ("phase", json!(["P1", "P2", "P3"][n % 3])),
            ("checklist", json!("TI")),
            ("pack", json!("lyg-2021-training")),
            ("pack_version", json!("1")),
            ("number", json!(format!("（苏连）应急检记〔2022〕{n}号"))),
            ("started_at", json!(begun)),
            (
                "inspectors",
                json!([{"name": "王建国", "certificate": "1"}, {"name": "李晓梅", "certificate": "2"}]),
            ),
        ] {
            fields.insert(field.into(), value);
        }
        for item in 0..answers {
            let item_id = format!("TI-{}.{}", item / 5, item % 5);
            let is_wrong = (n * 31 + item * 17) % 23 == 0;
            let result = if is_wrong {
                "nonconforming"
            } else {
                "conforms"
            };
            fields.insert(format!("answers/{item_id}/result"), json!(result));
            if is_wrong {
                let text = if n % 5 == 0 {
                    "消防通道堆放杂物"
                } else {
                    "教师档案不完整，缺少学历证明"
                };
                fields.insert(
                    format!("answers/{item_id}/finding/description"),
                    json!(text),
                );
            }
        }
        let record = RecordId(Uuid::from_u128(2 << 64 | n as u128));
        drafts.push(opened(RecordKind::Inspection, record, &fields)?);
        let finding = BTreeMap::from([
            ("inspection".to_owned(), json!(record.to_string())),
            ("subject".to_owned(), json!(subject_id(of).to_string())),
            (
                "subject_name".to_owned(),
                fields.get("subject_name").cloned().unwrap_or_default(),
            ),
            (
                "region".to_owned(),
                fields.get("region").cloned().unwrap_or_default(),
            ),
            ("item".to_owned(), json!(format!("TI-{}.{}", n % 4, n % 5))),
            (
                "description".to_owned(),
                json!("教师档案不完整，缺少学历证明"),
            ),
            (
                "due".to_owned(),
                json!(format!("2022-{:02}-{:02}", n % 12 + 1, n % 28 + 1)),
            ),
        ]);
        let id = RecordId(Uuid::from_u128(4 << 64 | n as u128));
        drafts.push(opened(RecordKind::Finding, id, &finding)?);
        flush(&mut drafts, 2_000)?;
    }
    flush(&mut drafts, 0)
}

pub(crate) fn subject(n: usize) -> BTreeMap<String, Value> {
    let (region, area) = AREAS[n % AREAS.len()];
    let word = |by: usize| WORDS[(n / by) % WORDS.len()];
    let name = format!(
        "连云港{area}{}{}{}{}有限公司",
        word(1),
        word(24),
        word(7),
        TRADES[n % TRADES.len()]
    );
    BTreeMap::from([
        ("name".to_owned(), json!(name)),
        (
            "credit_code".to_owned(),
            json!(format!("91{region}MA1X{n:06}")),
        ),
        ("subject_kind".to_owned(), json!("training_institution")),
        ("region".to_owned(), json!(region)),
        (
            "address".to_owned(),
            json!(format!("江苏省连云港市{area}人民路{n}号")),
        ),
    ])
}

pub(crate) fn subject_id(n: usize) -> RecordId {
    RecordId(Uuid::from_u128(1 << 64 | n as u128))
}

pub(crate) fn opened(
    kind: RecordKind,
    record: RecordId,
    fields: &BTreeMap<String, Value>,
) -> Result<Draft, Failure> {
    let region = fields
        .get("region")
        .and_then(Value::as_str)
        .unwrap_or("320703");
    let channel: Channel = format!("own/{region}").parse()?;
    Ok(Draft {
        channel,
        record,
        event: Event::Opened {
            kind,
            fields: fields.clone(),
        },
    })
}

pub(crate) fn enrol(ledger: &Ledger) -> Result<PersonId, Failure> {
    let device = DeviceId(Uuid::from_u128(1));
    let person = PersonId(Uuid::from_u128(2));
    ledger.enrol(
        &Identity {
            device,
            signing_key: SigningKey::from_bytes(&[1; 32]),
            person,
            person_name: "王建国".into(),
            org: "320703".parse()?,
            role: Role::Inspector,
            server_url: "http://localhost".into(),
            server_key: PublicKey::first(&[2; 32]),
            server_name: "样例".into(),
            is_sample: true,
        },
        &Receipt {
            signature: SignatureBytes::first(&[0; 64]),
            ..Receipt::of_enrolment(1, device, NOW_MS)
        },
        &Directory {
            version: 1,
            server_name: "样例".into(),
            is_sample: true,
            orgs: Vec::new(),
            people: Vec::new(),
            devices: Vec::new(),
            former: Vec::new(),
        }
        .to_part("1"),
    )?;
    Ok(person)
}
