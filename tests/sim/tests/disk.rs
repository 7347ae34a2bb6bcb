//! One ledger on a disk that forgets: killed, or without power, at every single operation.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::json;
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, PersonId, Receipt, RecordId, RecordKind,
    directory::{Directory, Role},
};
use shicha_ledger::{DatabaseKey, Draft, Identity, Ledger, LedgerError};
use shicha_sim::{Dice, disk::Disk, vfs};
use uuid::Uuid;

const NOW: u64 = 1_650_000_000_000;
const PERSON: PersonId = PersonId(Uuid::from_u128(2));

fn open(dir: &Path) -> Result<Ledger, LedgerError> {
    let (ledger, report) = Ledger::open(dir, &DatabaseKey::from_bytes([7; 32]), NOW)?;
    assert_eq!(
        report.salvage, None,
        "nothing is damaged by the end of a process or of power"
    );
    Ok(ledger)
}

fn enrolled(dir: &Path) -> Ledger {
    let ledger = open(dir).unwrap();
    let server = shicha_domain::suite::SigningKey::from_bytes(&[3; 32]);
    let device = DeviceId(Uuid::from_u128(1));
    let identity = Identity {
        device,
        signing_key: shicha_domain::suite::SigningKey::from_bytes(&[4; 32]),
        person: PERSON,
        person_name: "甲".into(),
        org: "320703".parse().unwrap(),
        role: Role::Inspector,
        server_url: "http://central".into(),
        server_key: server.public_key(),
        server_name: "中心端".into(),
        is_sample: true,
    };
    let receipt = Receipt::whole(device, 0, EntryId::NONE, NOW).signed(&server);
    ledger
        .enrol(&identity, &receipt, &Directory::default().to_part("1"))
        .unwrap();
    ledger
}

fn opened(n: u128) -> Draft {
    let channel: Channel = "own/320703".parse().unwrap();
    Draft {
        channel,
        record: RecordId(Uuid::from_u128(n + 1)),
        event: Event::Opened {
            kind: RecordKind::Subject,
            fields: BTreeMap::from([("name".to_owned(), json!(format!("第{n}家")))]),
        },
    }
}

fn count(ledger: &Ledger) -> u64 {
    ledger.head().unwrap().0
}

/// Writes three at a time until the process dies, and starts again. What was written at least.
fn write_until_dead(disk: &Disk, dir: &Path, operations: u64, cuts_power: bool) -> Option<u64> {
    let process = disk.begin();
    disk.kill_after(process, operations);
    let mut said = 0;
    let ledger = match open(dir) {
        Ok(ledger) => ledger,
        Err(error) => {
            assert!(disk.is_dead(process), "{error:?}");
            return None;
        }
    };
    let before = count(&ledger);
    for n in 0..6 {
        let drafts = (0..3)
            .map(|k| opened(u128::from(before) + n * 3 + k))
            .collect();
        match ledger.append(PERSON, drafts, NOW) {
            Ok(_) => said += 3,
            Err(error) => {
                assert!(disk.is_dead(process), "{error:?}");
                break;
            }
        }
    }
    disk.kill(process);
    drop(ledger);
    if cuts_power {
        disk.cut_power().unwrap();
    }
    disk.begin();
    let ledger = open(dir).unwrap();
    let now = count(&ledger);
    assert!(
        now >= before + said,
        "said {said} after {before}, and there are {now}"
    );
    assert_eq!(now % 3, before % 3, "several things are there all or none");
    assert_eq!(ledger.verify(&mut |_, _| {}).unwrap().first_bad, None);
    Some(said)
}

#[test]
fn whatever_was_said_to_be_saved_is_there_after_an_end_between_any_two_operations_of_the_disk() {
    for cuts_power in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let disk = Arc::new(Disk::new(Dice::new(20_211_220)));
        vfs::mount(dir.path(), Arc::clone(&disk));
        drop(enrolled(dir.path()));
        for operations in 0..400 {
            match write_until_dead(&disk, dir.path(), operations, cuts_power) {
                Some(18) => {
                    vfs::unmount(dir.path());
                    assert!(
                        operations > 20,
                        "the disk was asked {operations} times only"
                    );
                    break;
                }
                _ => assert!(operations < 399, "the process never lived to the end"),
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_the_new_keeps_the_old_and_goes_on_once_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::new(Dice::new(1)));
    vfs::mount(dir.path(), Arc::clone(&disk));
    let ledger = enrolled(dir.path());
    for room in (0..60).map(|n| n * 2_000) {
        disk.leave_room(Some(room));
        let before = count(&ledger);
        let mut said = 0;
        for n in 0.. {
            match ledger.append(PERSON, vec![opened(u128::from(before) + n)], NOW) {
                Ok(_) => said += 1,
                Err(LedgerError::DiskFull) => break,
                Err(error) => panic!("{error:?}"),
            }
            if n > 40 {
                break;
            }
        }
        assert_eq!(count(&ledger), before + said);
        disk.leave_room(None);
        ledger
            .append(PERSON, vec![opened(u128::from(before + said))], NOW)
            .unwrap();
    }
    assert_eq!(ledger.verify(&mut |_, _| {}).unwrap().first_bad, None);
    drop(ledger);
    vfs::unmount(dir.path());
}
