//! Fills a ledger with many inspections and measures what a screen waits for.
//!
//! `cargo run --release -p shicha-ledger --example lists [INSPECTIONS [ANSWERS [SUBJECTS]]]`, by default 100000 of 100000 subjects with 20
//! answers each.

use std::{
    collections::BTreeMap,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::{Value, json};
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, PersonId, Receipt, RecordId, RecordKind,
    directory::{Directory, Role},
};
use shicha_ledger::{
    DatabaseKey, Draft, FindingFilter, FindingSort, Identity, Incoming, InspectionFilter,
    InspectionSort, KeyStore, Ledger, SubjectFilter, SubjectSort,
};
use uuid::Uuid;

type Failure = Box<dyn std::error::Error>;

const NOW_MS: u64 = 1_650_000_000_000;
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

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (inspections, answers, subjects) = (number(100_000)?, number(20)?, number(100_000)?.max(1));
    let dir = tempfile::tempdir()?;
    let key: DatabaseKey =
        KeyStore::new(dir.path()).create_with_passphrase("only for measuring")?;
    let (ledger, _) = Ledger::open(dir.path(), &key, NOW_MS)?;
    let me = enrol(&ledger)?;
    let start = Instant::now();
    fill(&ledger, me, (inspections, answers, subjects))?;
    println!(
        "filled: {inspections} inspections of {subjects} subjects, {answers} answers each, in {:?}",
        start.elapsed()
    );
    drop(ledger);
    println!(
        "database: {} MiB",
        std::fs::metadata(dir.path().join("ledger.db"))?.len() >> 20
    );
    let (ledger, _) = Ledger::open(dir.path(), &key, NOW_MS)?;
    measure(&ledger, me, &floor(dir.path(), &key)?)?;
    pulling(&key)
}

fn measure(ledger: &Ledger, me: PersonId, floor: &Connection) -> Result<(), Failure> {
    println!(
        "{:44} {:>9} {:>9} {:>9}  total",
        "", "first", "median", "longest"
    );
    let list = |name: &str, filter: InspectionFilter, sort: InspectionSort, offset: u64| {
        timed(name, || {
            Ok(ledger.inspections(&filter, sort, true, offset, 100)?.total)
        })
    };
    let none = InspectionFilter::default;
    list(
        "inspections, as they open",
        none(),
        InspectionSort::Started,
        0,
    )?;
    list(
        "inspections, scrolled to the middle",
        none(),
        InspectionSort::Started,
        50_000,
    )?;
    for (name, sort) in [
        ("by subject", InspectionSort::Subject),
        ("by number", InspectionSort::Number),
        ("by findings", InspectionSort::Findings),
        ("by change", InspectionSort::Updated),
        ("by bureau", InspectionSort::Org),
        ("by stage", InspectionSort::Stage),
    ] {
        list(name, none(), sort, 0)?;
    }
    for query in [
        "海",
        "公司",
        "有限公司",
        "连云港海州",
        "瑞丰",
        "hzxh",
        "l",
        "913207",
        "〔2022〕99",
        "消防通道",
    ] {
        let filter = InspectionFilter {
            query: Some(query.into()),
            ..none()
        };
        list(
            &format!("search {query}"),
            filter.clone(),
            InspectionSort::Started,
            0,
        )?;
    }
    let county = InspectionFilter {
        region: Some("320706".into()),
        ..none()
    };
    list("of a county", county.clone(), InspectionSort::Started, 0)?;
    list(
        "of a county, by subject",
        county.clone(),
        InspectionSort::Subject,
        0,
    )?;
    let searched = InspectionFilter {
        query: Some("有限公司".into()),
        outcome: Some("with_findings".into()),
        ..county
    };
    list(
        "of a county, with findings, searched",
        searched,
        InspectionSort::Started,
        0,
    )?;
    let item = |result: &str| InspectionFilter {
        item: Some("TI-1.3".into()),
        item_result: Some(result.into()),
        ..none()
    };
    list(
        "item does not conform",
        item("nonconforming"),
        InspectionSort::Started,
        0,
    )?;
    list(
        "item conforms",
        item("conforms"),
        InspectionSort::Started,
        0,
    )?;
    let mine = InspectionFilter {
        inspector: Some(me),
        stage: Some("unsigned".into()),
        ..none()
    };
    list("mine and not signed", mine, InspectionSort::Started, 0)?;
    let subjects = |name: &str, query: Option<&str>, sort: SubjectSort| {
        let filter = SubjectFilter {
            query: query.map(str::to_owned),
            ..SubjectFilter::default()
        };
        timed(name, || {
            Ok(ledger.subjects(&filter, sort, false, 0, 100)?.total)
        })
    };
    subjects("subjects, by name", None, SubjectSort::Name)?;
    subjects(
        "subjects, by last inspection",
        None,
        SubjectSort::LastInspected,
    )?;
    subjects("subjects, search 港", Some("港"), SubjectSort::Name)?;
    timed("findings due", || {
        let filter = FindingFilter {
            is_open: true,
            ..FindingFilter::default()
        };
        Ok(ledger
            .findings(&filter, FindingSort::Due, false, 0, 50)?
            .total)
    })?;
    timed("overview", || {
        Ok(ledger.overview(&none())?.inspections.into())
    })?;
    timed("counts", || Ok(ledger.counts()?.entries))?;
    let page = ledger.inspections(&none(), InspectionSort::Started, true, 0, 1)?;
    let record = page.rows.first().ok_or("no inspections")?.record;
    saving(ledger, me, record, floor)
}

/// What it takes to save one answer, beside what one commit of the same bytes takes with the same settings.
fn saving(
    ledger: &Ledger,
    me: PersonId,
    record: RecordId,
    floor: &Connection,
) -> Result<(), Failure> {
    let (mut times, mut floors) = (Vec::new(), Vec::new());
    for n in 0..1_000_u64 {
        let field = format!("answers/TI-{}.{}/result", n % 19 / 5, n % 5);
        let state = ledger.record(record)?.ok_or("no such record")?;
        let value = if n / 19 % 2 == 0 {
            "not_applicable"
        } else {
            "conforms"
        };
        let event = Event::Set {
            replaces: state.heads_of(&field),
            field,
            value: value.into(),
        };
        // What an entry's row holds beside its event: three hashes and some numbers.
        let mut bytes = event.to_bytes()?;
        bytes.extend([7; 120]);
        let draft = Draft {
            channel: state.channel().clone(),
            record,
            event,
        };
        drop(state);
        let start = Instant::now();
        ledger.append(me, vec![draft], NOW_MS + n)?;
        times.push(start.elapsed());
        let start = Instant::now();
        floor
            .prepare_cached("INSERT INTO row (bytes) VALUES (?1)")?
            .execute([&bytes])?;
        floors.push(start.elapsed());
    }
    times.sort_unstable();
    floors.sort_unstable();
    let at = |times: &[Duration], percent: usize| times[times.len() * percent / 100];
    for percent in [50, 99] {
        let (saved, floor) = (at(&times, percent), at(&floors, percent));
        println!(
            "one answer saved, p{percent}: {saved:?}, one commit: {floor:?}, {:.2} times",
            saved.as_secs_f64() / floor.as_secs_f64()
        );
    }
    Ok(())
}

/// What it takes to take in what others wrote: 60,000 answers in batches of 5,000.
fn pulling(key: &DatabaseKey) -> Result<(), Failure> {
    let (from, to) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (author, _) = Ledger::open(from.path(), key, NOW_MS)?;
    let (reader, _) = Ledger::open(to.path(), key, NOW_MS)?;
    let me = enrol(&author)?;
    let start = Instant::now();
    for n in 0..632_u128 {
        let record = RecordId(Uuid::from_u128(3 << 64 | n));
        let mut drafts = vec![opened(
            RecordKind::Inspection,
            record,
            &subject(n as usize * 10),
        )?];
        for item in 0..95 {
            drafts.push(Draft {
                channel: "own/320703".parse()?,
                record,
                event: Event::Set {
                    field: format!("answers/TI-{}.{}/result", item / 10, item % 10),
                    value: "conforms".into(),
                    replaces: Vec::new(),
                },
            });
        }
        author.append(me, drafts, NOW_MS)?;
    }
    let entries = author.outbox(usize::MAX, usize::MAX)?;
    let rate = |start: Instant| entries.len() as f64 / start.elapsed().as_secs_f64();
    println!(
        "{} entries appended, 96 at a time: {:.0} a second",
        entries.len(),
        rate(start)
    );
    let mut batches = Vec::new();
    let mut cursor = 0;
    for part in entries.chunks(5_000) {
        let (head, last) = part.last().ok_or("no entries")?;
        let receipt = Receipt {
            device: last.device,
            seq: last.seq,
            head: *head,
            received_at_ms: NOW_MS,
            signature: vec![0; 64],
        };
        let upto = cursor + part.len() as u64;
        batches.push(Incoming {
            channel: "own/320703".parse()?,
            upto,
            entries: (cursor + 1..)
                .zip(part.iter().cloned())
                .map(|(number, (id, entry))| (number, id, entry))
                .collect(),
            receipts: vec![receipt],
            covered_by: vec![0; part.len()],
            seen_upto: 0,
        });
        cursor = upto;
    }
    let start = Instant::now();
    for batch in batches {
        reader.insert(vec![batch], NOW_MS)?;
    }
    println!(
        "{} entries taken in, 5000 at a time: {:.0} a second",
        entries.len(),
        rate(start)
    );
    let start = Instant::now();
    reader.rebuild(&mut |_, _| {})?;
    println!("views of them rebuilt: {:.0} entries a second", rate(start));
    Ok(())
}

/// A database with the settings of the ledger and nothing in it.
fn floor(dir: &Path, key: &DatabaseKey) -> Result<Connection, Failure> {
    let db = Connection::open(dir.join("floor.db"))?;
    db.execute_batch(&format!("PRAGMA key = \"x'{}'\";", key.to_hex()))?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.execute_batch(
        "PRAGMA synchronous = FULL; CREATE TABLE row (n INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
    )?;
    Ok(db)
}

fn timed(name: &str, mut call: impl FnMut() -> Result<u64, Failure>) -> Result<(), Failure> {
    let mut times: Vec<Duration> = Vec::new();
    let mut total = 0;
    for _ in 0..7 {
        let start = Instant::now();
        total = black_box(call()?);
        times.push(start.elapsed());
    }
    let first = times[0];
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{name:44} {:6.1} ms {:6.1} ms {:6.1} ms  {total}",
        ms(first),
        ms(times[times.len() / 2]),
        ms(times[times.len() - 1])
    );
    Ok(())
}

fn fill(
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
        flush(&mut drafts, 2_000)?;
    }
    flush(&mut drafts, 0)
}

fn subject(n: usize) -> BTreeMap<String, Value> {
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

fn subject_id(n: usize) -> RecordId {
    RecordId(Uuid::from_u128(1 << 64 | n as u128))
}

fn opened(
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

fn enrol(ledger: &Ledger) -> Result<PersonId, Failure> {
    let device = DeviceId(Uuid::from_u128(1));
    let person = PersonId(Uuid::from_u128(2));
    ledger.enrol(
        &Identity {
            device,
            signing_key: [1; 32],
            person,
            person_name: "王建国".into(),
            org: "320703".parse()?,
            role: Role::Inspector,
            server_url: "http://localhost".into(),
            server_key: [2; 32],
            server_name: "样例".into(),
            is_sample: true,
        },
        &Receipt {
            device,
            seq: 0,
            head: EntryId::NONE,
            received_at_ms: NOW_MS,
            signature: vec![0; 64],
        },
        &Directory {
            version: 1,
            server_name: "样例".into(),
            is_sample: true,
            orgs: Vec::new(),
            people: Vec::new(),
            devices: Vec::new(),
        },
    )?;
    Ok(person)
}
