//! Seeds that are short texts and messages: events, logs, batches, control messages.

use serde::Serialize;
use serde_json::{Value, json};
use shicha_decoders::{log, package, update};
use shicha_domain::{
    BlobHash, DeviceId, Digest, EntryId, Event, Evidence, PersonId, Receipt, RecordKind,
    directory::{Device, Directory, FormerParent, Org, OrgKind, Person, Role},
    event::{Pin, Place, SignMethod, Signature, SignerRole},
    ids::SetHash,
    number::NumberBlock,
    suite::{PublicKey, SignatureBytes},
};
use shicha_sync::package::{Kind, Wanted};
use shicha_sync::protocol::{
    BatchWriter, EnrolCode, Problem, ProblemCode, messages as m,
    wire::{Held, PullRequest, PulledChannel, write_pull, write_pull_request, write_push},
};
use uuid::Uuid;

fn events() -> Vec<Event> {
    let opened = |kind, fields: Value| Event::Opened {
        kind,
        fields: serde_json::from_value(fields).unwrap(),
    };
    let set = |field: &str, value: Value, replaces: Vec<EntryId>| Event::Set {
        field: field.into(),
        value,
        replaces,
    };
    let evidence = Evidence {
        blob: BlobHash([0xab; 32]),
        size: 300_000,
        name: "照片.jpg".into(),
        mime: "image/jpeg".into(),
        source: "camera".into(),
        taken_at_ms: Some(log::NOW),
        position_e7: Some((345_967_000, 1_192_217_000)),
        camera: Some("SAMPLE Camera".into()),
        derived_from: Some(EntryId([0x11; 32])),
    };
    let signature = |role, method, digest| {
        Event::Signed(Signature {
            digest: Digest(digest),
            pin: Some(Pin {
                covers: vec![
                    Place(DeviceId(Uuid::from_u128(101)), 9, EntryId([0x11; 32])),
                    Place(DeviceId(Uuid::from_u128(102)), 3, EntryId([0x22; 32])),
                ],
                count: 12,
                set: SetHash([0x33; 32]),
            }),
            under: None,
            role,
            name: "王建国".into(),
            person: Some(PersonId(Uuid::from_u128(7))),
            method,
            mark: Some(BlobHash([0xcd; 32])),
            mark_size: Some(4_000),
            note: "无异议".into(),
            witness: String::new(),
        })
    };
    vec![
        opened(
            RecordKind::Subject,
            json!({"name": "连云港某某职业培训学校", "subject_kind": "training_institution", "credit_code": "91320700MA1MC0YJ0R", "region": "320703", "sample": true}),
        ),
        opened(
            RecordKind::Inspection,
            json!({"subject": "00000000-0000-0000-0000-000000000064", "inspection_kind": "enforcement", "checklist": "TI", "pack": "lyg-2021-training", "pack_version": "1.0.0", "started_at": log::NOW, "inspectors": [{"name": "甲", "certificate": "苏1"}, {"name": "乙", "certificate": "苏2"}]}),
        ),
        opened(
            RecordKind::Finding,
            json!({"inspection": "00000000-0000-0000-0000-000000000064", "item": "TI-2.3", "description": "未按规定建档", "due": "2022-05-01", "state": "open", "high_risk": false}),
        ),
        opened(
            RecordKind::Pack,
            json!({"blob": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd", "size": 4000, "pack": "lyg-2021-training", "pack_version": "1.0.0", "name": "专项行动"}),
        ),
        set("answers/TI-2.3/result", json!("nonconforming"), vec![]),
        set(
            "answers/TI-2.3/facts",
            json!("现场抽查\u{3000}三份档案"),
            vec![EntryId([0x11; 32])],
        ),
        set("answers/TI-2.3/finding/due", json!("2022-05-01"), vec![]),
        set(
            "weather/sky",
            json!({"clouds": 3.5, "wind": [1, -2, 1e300]}),
            vec![],
        ),
        set(
            "name",
            Value::Null,
            vec![EntryId([0; 32]), EntryId([0x22; 32])],
        ),
        set("after/reply", json!("已整改"), vec![]),
        Event::Attached {
            place: "answers/TI-2.3".into(),
            evidence: evidence.clone(),
        },
        Event::Attached {
            place: "after/reply".into(),
            evidence: Evidence {
                taken_at_ms: None,
                position_e7: None,
                camera: None,
                derived_from: None,
                ..evidence
            },
        },
        Event::Detached {
            attachment: EntryId([0x11; 32]),
            reason: "拍错了".into(),
        },
        signature(SignerRole::Inspector, SignMethod::Screen, [0xff; 32]),
        signature(SignerRole::Subject, SignMethod::Refused, [0xaa; 32]),
        Event::NumberVoided {
            number: "（苏连）应急检记〔2022〕1号".into(),
            reason: "打印错误".into(),
        },
        Event::Settled {
            counts: Place(DeviceId(Uuid::from_u128(101)), 10, EntryId([0x44; 32])),
            over: vec![Place(
                DeviceId(Uuid::from_u128(102)),
                4,
                EntryId([0x55; 32]),
            )],
            instead: None,
            reason: "以现场签署的为准".into(),
        },
        Event::Annulled {
            signature: None,
            by_supervisor: false,
            reason: "误建".into(),
        },
    ]
}

pub(crate) fn entries() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = events().iter().map(|e| e.to_bytes().unwrap()).collect();
    seeds.push(br#"{"t":"teleported","to":"moon"}"#.to_vec());
    seeds.push(br#"{ "t": "set", "f": "name", "v": "\u8fde\ud83d\ude00" }"#.to_vec());
    let hash = "ab".repeat(32);
    let names = [
        "pub/320700",
        "inst/320703/TI-01",
        "answers/TI-2.3/result",
        "00000000-0000-0000-0000-000000000064",
        &hash,
    ];
    seeds.extend(names.map(|name| name.as_bytes().to_vec()));
    seeds
}

pub(crate) fn logs() -> Vec<Vec<u8>> {
    let events: Vec<Vec<u8>> = events().iter().map(|e| e.to_bytes().unwrap()).collect();
    let log = |lines: &[(&str, usize)]| {
        let lines: Vec<Vec<u8>> = lines
            .iter()
            .map(|(head, n)| [head.as_bytes(), &events[*n]].concat())
            .collect();
        lines.join(&b'\n')
    };
    let mut logs = vec![
        // A subject; two devices write the same field without knowing of each other.
        log(&[
            ("0a.", 0),
            ("0a.", 4),
            ("1a.", 4),
            ("1<.", 5),
            ("0ad", 5),
            ("2zz", 8),
        ]),
        // An inspection that is signed, with entries that come late and some that stay open.
        log(&[
            ("0a.", 1),
            ("0a.", 4),
            ("0a.", 5),
            ("1a.", 6),
            ("0a.", 10),
            ("0a.", 12),
            ("0a.", 13),
            ("1a.", 14),
            ("1<.", 4),
            ("0a.", 9),
            ("0a.", 11),
            ("1a.", 15),
        ]),
        log(&[("0a.", 2), ("1>.", 16), ("2ah", 7), ("3ap", 8)]),
        log(&[("0a.", 3), ("0ar", 0), ("0am", 4), ("1aa", 5)]),
        log(&[
            ("0a0", 0),
            ("1ai", 0),
            ("2aj", 1),
            ("3au", 2),
            ("0a.", 4),
            ("1a.", 4),
            ("3a.", 4),
        ]),
    ];
    logs.push(b"0a.not json\n1a.{\"t\":\"newer\"}\n2a.".to_vec());
    logs
}

/// A small batch, as a device sends it and as it is given to others.
fn batch(is_pull: bool) -> (BatchWriter, usize) {
    let logs = logs();
    let entries = log::entries(&logs[1], 100);
    let mut writer = BatchWriter::new();
    let mut number = 0;
    for (id, entry) in &entries {
        let covered = is_pull.then(|| writer.receipt(&log::receipt(*id, entry)));
        number += u64::from(is_pull);
        writer.row(number, covered, *id, entry);
    }
    (writer, entries.len())
}

fn with_first(first: u8, rest: &[u8]) -> Vec<u8> {
    [&[first], rest].concat()
}

/// The body, its inside, and plans by which others are written.
fn of_batch(body: &[u8]) -> Vec<Vec<u8>> {
    let mut seeds = vec![
        with_first(0, body),
        with_first(1, &zstd::decode_all(body).unwrap()),
    ];
    for salt in [3_u8, 40, 91] {
        let plan: Vec<u8> = (0..140_u8).map(|n| n.wrapping_mul(salt)).collect();
        seeds.push([&[2, 20][..], &plan].concat());
    }
    seeds.push(with_first(
        0,
        &zstd::encode_all(&[0_u8; 100_000][..], 3).unwrap(),
    ));
    seeds
}

pub(crate) fn pushes() -> Vec<Vec<u8>> {
    of_batch(&write_push(&SignatureBytes::first(&[7; 64]), batch(false).0).unwrap())
}

pub(crate) fn pulls() -> Vec<Vec<u8>> {
    let (writer, rows) = batch(true);
    let channels = [PulledChannel {
        channel: log::channel(),
        rows,
        seen_upto: 2,
    }];
    of_batch(&write_pull(&channels, true, writer).unwrap())
}

pub(crate) fn updates() -> Vec<Vec<u8>> {
    let good = "timestamp:1650000000\tfile:Shicha-0.2.0-setup.exe\tprehashed";
    let full = "file:out/Shicha-0.2.0-setup.exe\tsize:62000000\tnotes:更快\\n更好";
    let key =
        "untrusted comment: a key\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n";
    vec![
        with_first(0, update::saying(good).as_bytes()),
        with_first(1, good.as_bytes()),
        with_first(1, full.as_bytes()),
        with_first(
            1,
            b"file:Shicha-0.2.0-setup.exe\tfile:Shicha-0.3.0-setup.exe",
        ),
        with_first(2, key.as_bytes()),
    ]
}

pub(crate) fn packages() -> Vec<Vec<u8>> {
    let push = write_push(&SignatureBytes::first(&[7; 64]), batch(false).0).unwrap();
    let wanted = json_of(&Wanted {
        acked: 3,
        cursors: vec![(log::channel(), 4)],
        evidence: vec![BlobHash([1; 32])],
        ..Wanted::default()
    });
    let evidence = b"a photo".to_vec();
    let pieces = [
        (Kind::Wanted, wanted),
        (Kind::Push, push),
        (Kind::Evidence, evidence),
    ];
    let plan: Vec<u8> = pieces
        .iter()
        .flat_map(|(kind, bytes)| {
            let length = (bytes.len() as u16).to_be_bytes();
            [&[*kind as u8], &length[..], bytes].concat()
        })
        .collect();
    let heading = |kind: u8, size: u64| [&[kind][..], &size.to_be_bytes(), &[0; 32]].concat();
    vec![
        with_first(0, &package::made(&pieces)),
        with_first(0, &package::made(&[])),
        with_first(1, &json_of(&package::label())),
        with_first(2, &heading(4, 1 << 30)),
        with_first(2, &[heading(255, 65), vec![1; 65]].concat()),
        with_first(3, &plan),
    ]
}

pub(crate) fn messages() -> Vec<Vec<u8>> {
    let device = DeviceId(Uuid::from_u128(1));
    let person = PersonId(Uuid::from_u128(7));
    let key = PublicKey::first(&[5; 32]);
    let receipt = Receipt::whole(device, 3, EntryId([1; 32]), log::NOW).signed(&log::server());
    let head = m::Head {
        seq: 3,
        id: EntryId([1; 32]),
    };
    let block = NumberBlock {
        org: "320703".parse().unwrap(),
        word: "应急检记".into(),
        year: 2022,
        from: 1,
        to: 50,
    };
    let directory = Directory {
        version: 4,
        server_name: "试验".into(),
        is_sample: true,
        orgs: vec![Org {
            code: "320703".parse().unwrap(),
            name: "连云区应急管理局".into(),
            short_name: "苏连连".into(),
            parent: Some("320700".parse().unwrap()),
            kind: OrgKind::County,
            region: Some("320703".into()),
        }],
        people: vec![Person {
            id: person,
            name: "张三".into(),
            org: "320703".parse().unwrap(),
            role: Role::Inspector,
            certificate: Some("苏1".into()),
            is_active: true,
        }],
        devices: vec![Device {
            id: device,
            person,
            public_key: key,
            label: "电脑".into(),
            revoked_at_ms: Some(log::NOW),
            continues: None,
            is_parted: false,
        }],
        former: vec![FormerParent {
            org: "320703".parse().unwrap(),
            parent: None,
            from_ms: 0,
            until_ms: log::NOW,
        }],
    };
    let code = EnrolCode::new([1, 2, 3, 4, 5], &key);
    let mut seeds = Vec::new();
    let mut add = |message: Vec<u8>| seeds.push(with_first(seeds.len() as u8, &message));
    add(json_of(&m::ServerInfo {
        name: "试验".into(),
        public_key: key,
        protocols: vec![1],
        software: "0.1.0".into(),
        is_sample: true,
        time_ms: log::NOW,
    }));
    add(json_of(&m::EnrolRequest {
        code: code.canonical(),
        public_key: key,
        label: "电脑".into(),
        proof: SignatureBytes::first(&[1; 64]),
        client_version: "0".into(),
    }));
    add(json_of(&m::EnrolReply {
        device,
        person,
        person_name: "张三".into(),
        org: "320703".parse().unwrap(),
        role: Role::Inspector,
        directory: directory.to_part("1"),
        receipt: receipt.clone(),
        server_key: key,
        server_name: "试验".into(),
        is_sample: true,
    }));
    add(json_of(&m::ChallengeRequest {
        device,
        nonce: [3; 32],
    }));
    add(json_of(&m::ChallengeReply {
        challenge: vec![1; 40],
        signature: SignatureBytes::first(&[2; 64]),
    }));
    add(json_of(&m::SessionRequest {
        device,
        challenge: vec![1; 40],
        signature: SignatureBytes::first(&[2; 64]),
        client_version: "0".into(),
    }));
    add(json_of(&m::SessionReply {
        token: "token".into(),
        expires_at_ms: log::NOW,
        time_ms: log::NOW,
        head,
        directory_version: 4,
        is_ended: false,
        epoch: Uuid::from_u128(9),
    }));
    add(json_of(&m::PushReply {
        receipts: vec![receipt.clone()],
        accepted: vec![m::NumberRun {
            seq: 1,
            number: 10,
            count: 2,
        }],
        refused: vec![(3, "channel".into())],
        head,
    }));
    let held = Held {
        upto: 3,
        seen: Some(2),
    };
    add(write_pull_request(&PullRequest {
        held: [("own/320703".parse().unwrap(), held)].into(),
        base: None,
        without: ["pub/320700".parse().unwrap()].into(),
        max_entries: 100,
        is_held: false,
    })
    .unwrap());
    add(json_of(&m::ForkReport {
        common: Some(head),
        log: vec![head],
        head,
        refused: vec![(1, "channel".into())],
    }));
    add(json_of(&m::NumbersRequest {
        request: Uuid::from_u128(4),
        org: "320703".parse().unwrap(),
        word: "应急检记".into(),
        year: 2022,
    }));
    add(json_of(&block));
    add(json_of(&directory.to_part("1")));
    add(json_of(&m::IdentityRequest {
        public_key: key,
        signature: SignatureBytes::first(&[1; 64]),
        proof: SignatureBytes::first(&[2; 64]),
        label: "电脑".into(),
        common: m::Head::EMPTY,
    }));
    add(json_of(&m::IdentityReply {
        device,
        receipt: receipt.clone(),
    }));
    add(json_of(
        &Problem::new(ProblemCode::Offset, "expected 5").with("offset", 5),
    ));
    add(json_of(&directory.rows().next()));
    add(json_of(&receipt));
    add(code.to_string().into_bytes());
    seeds
}

fn json_of(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).unwrap()
}
