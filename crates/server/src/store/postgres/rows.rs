//! Between the columns and the domain's types.

use std::collections::{BTreeSet, HashMap};

use postgres::{Row, types::FromSql};
use shicha_domain::{
    DeviceId, EntryId, PersonId, Receipt, ReceiptId, bounds,
    directory::{Device, Person},
    entry::Again,
    receipt::read_refused,
    suite::SignatureBytes,
};
use shicha_sync::protocol::messages::Head;
use uuid::Uuid;

use super::pool::Tx;
pub(super) use crate::store::words::{
    channel, first_place, hash, order, org_kind, org_kind_word, public_key, record_kind, role,
    role_word, signature,
};
use crate::store::{DeviceState, Past, StoreError};

/// A column; that it has another type than the schema gives it is damage.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, at: usize) -> Result<T, StoreError> {
    row.try_get(at).map_err(StoreError::from)
}

/// A number that is never negative.
pub(super) fn count(row: &Row, at: usize) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, at)?).map_err(|_| StoreError::Damaged("number"))
}

/// Such a number where it may be missing.
pub(super) fn count_or_none(row: &Row, at: usize) -> Result<Option<u64>, StoreError> {
    get::<Option<i64>>(row, at)?
        .map(|n| u64::try_from(n).map_err(|_| StoreError::Damaged("number")))
        .transpose()
}

pub(super) fn entry_id(row: &Row, at: usize) -> Result<EntryId, StoreError> {
    Ok(EntryId(hash(get::<&[u8]>(row, at)?, "entry")?))
}

/// `id, name, org, role, certificate, is_active` from column `at` on.
pub(super) fn person(row: &Row, at: usize) -> Result<Person, StoreError> {
    Ok(Person {
        id: PersonId(get(row, at)?),
        name: get(row, at + 1)?,
        org: get::<&str>(row, at + 2)?
            .parse()
            .map_err(|_| StoreError::Damaged("organisation"))?,
        role: role(get(row, at + 3)?)?,
        certificate: get(row, at + 4)?,
        is_active: get(row, at + 5)?,
    })
}

/// Selects what [`device_state`] reads; a condition follows.
macro_rules! device {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.public_key, d.label, d.revoked_at_ms, d.head_seq, d.head, d.last_contact_ms,
                    d.enrolled_at_ms, d.client_version, d.order_act, d.order_at_ms, d.order_done_at_ms,
                    p.id, p.name, p.org, p.role, p.certificate, p.is_active,
                    (SELECT max(n) FROM life), d.since_ms, d.received_ms, d.newest, d.named, d.seen_ms, d.stay_from_ms,
                    d.stay_last_ms, d.start, d.continues, EXISTS (SELECT 1 FROM device next WHERE next.continues = d.id),
                    d.parted_at_ms IS NOT NULL
             FROM device d JOIN person p ON p.id = d.person ",
            $rest
        )
    };
}

fn device_state(row: &Row) -> Result<DeviceState, StoreError> {
    let person = person(row, 12)?;
    Ok(DeviceState {
        device: Device {
            id: DeviceId(get(row, 0)?),
            person: person.id,
            public_key: public_key(get(row, 1)?)?,
            label: get(row, 2)?,
            revoked_at_ms: count_or_none(row, 3)?,
            continues: get::<Option<Uuid>>(row, 27)?.map(DeviceId),
            is_parted: get(row, 29)?,
        },
        person,
        head: Head {
            seq: count(row, 4)?,
            id: entry_id(row, 5)?,
        },
        start: match get::<Option<&[u8]>>(row, 26)? {
            None => EntryId::NONE,
            Some(start) => EntryId(hash(start, "start")?),
        },
        is_ended: get(row, 28)?,
        last_contact_ms: count_or_none(row, 6)?,
        enrolled_at_ms: count(row, 7)?,
        client_version: get(row, 8)?,
        order: order(
            get::<Option<&str>>(row, 9)?,
            count_or_none(row, 10)?,
            count_or_none(row, 11)?,
        )?,
        past: past(row, 18)?,
    })
}

/// Where an entry stood first, if it was written again.
pub(super) fn again(row: &Row, at: usize) -> Result<Option<Again>, StoreError> {
    first_place(get(row, at)?)
}

fn past(row: &Row, at: usize) -> Result<Past, StoreError> {
    let name = |at| {
        get::<Option<&[u8]>>(row, at)?
            .map(|name| hash(name, "receipt").map(ReceiptId))
            .transpose()
    };
    Ok(Past {
        life: count(row, at)?,
        since_ms: count(row, at + 1)?,
        received_ms: count(row, at + 2)?,
        newest: name(at + 3)?,
        named: name(at + 4)?,
        seen_ms: count_or_none(row, at + 5)?,
        stay: count_or_none(row, at + 6)?.zip(count_or_none(row, at + 7)?),
    })
}

/// Writes what is kept of a device for the bounds of what it sends next, and where its ledger ends.
pub(super) fn put_past(
    tx: &mut Tx<'_>,
    device: DeviceId,
    head: Head,
    past: &Past,
) -> Result<(), StoreError> {
    let ms = |ms: Option<u64>| ms.map(|ms| ms as i64);
    tx.execute(
        "UPDATE device SET head_seq = $2, head = $3, since_ms = $4, received_ms = $5, newest = $6, named = $7, seen_ms = $8,
             stay_from_ms = $9, stay_last_ms = $10 WHERE id = $1",
        &[
            &device.0,
            &(head.seq as i64),
            &head.id.0.as_slice(),
            &(past.since_ms as i64),
            &(past.received_ms as i64),
            &past.newest.as_ref().map(|name| name.0.as_slice()),
            &past.named.as_ref().map(|name| name.0.as_slice()),
            &ms(past.seen_ms),
            &ms(past.stay.map(|(from, _)| from)),
            &ms(past.stay.map(|(_, last)| last)),
        ],
    )?;
    Ok(())
}

pub(super) fn device(tx: &mut Tx<'_>, device: DeviceId) -> Result<Option<DeviceState>, StoreError> {
    let row = tx.first(device!("WHERE d.id = $1"), &[&device.0])?;
    row.as_ref().map(device_state).transpose()
}

/// A device that nobody else changes until the transaction ends.
pub(super) fn locked_device(
    tx: &mut Tx<'_>,
    device: DeviceId,
) -> Result<Option<DeviceState>, StoreError> {
    let row = tx.first(device!("WHERE d.id = $1 FOR UPDATE OF d"), &[&device.0])?;
    row.as_ref().map(device_state).transpose()
}

pub(super) fn all_devices(tx: &mut Tx<'_>) -> Result<Vec<DeviceState>, StoreError> {
    let rows = tx.query(device!("ORDER BY d.n"), &[])?;
    rows.iter().map(device_state).collect()
}

/// What [`receipt`] reads, in this order, of a table that is called `r`.
macro_rules! receipt_columns {
    () => {
        "r.life, r.first, r.seq, r.head, r.received_at_ms, r.since_ms, r.seen_ms, r.refused, r.signature"
    };
}
pub(super) use receipt_columns;

/// How many columns these are.
pub(super) const RECEIPT_COLUMNS: usize = 9;

/// [`receipt_columns`] from the first column on.
pub(super) fn receipt(row: &Row, device: DeviceId) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        life: count(row, 0)?,
        device,
        from: count(row, 1)?,
        seq: count(row, 2)?,
        head: entry_id(row, 3)?,
        received_at_ms: count(row, 4)?,
        since_ms: count(row, 5)?,
        seen_ms: count_or_none(row, 6)?,
        refused: read_refused(get(row, 7)?).ok_or(StoreError::Damaged("receipt"))?,
        signature: signature(get(row, 8)?)?,
    })
}

/// Keeps a receipt that is given now.
pub(super) fn insert_receipt(
    tx: &mut Tx<'_>,
    receipt: &Receipt,
    push_signature: &SignatureBytes,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO receipt (device, seq, head, received_at_ms, signature, push_signature, id, life, first, since_ms, seen_ms, refused)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            &receipt.device.0,
            &(receipt.seq as i64),
            &receipt.head.0.as_slice(),
            &(receipt.received_at_ms as i64),
            &receipt.signature.tagged(),
            &push_signature.tagged(),
            &receipt.id().0.as_slice(),
            &(receipt.life as i64),
            &(receipt.from as i64),
            &(receipt.since_ms as i64),
            &receipt.seen_ms.map(|ms| ms as i64),
            &receipt.refused_text(),
        ],
    )?;
    Ok(())
}

/// Keeps a receipt of an earlier life that was brought back and proved, and returns what entries name it by.
pub(super) fn insert_brought(tx: &mut Tx<'_>, receipt: &Receipt) -> Result<i64, StoreError> {
    let row = tx.first(
        "INSERT INTO older_receipt (id, device, life, first, seq, head, received_at_ms, since_ms, seen_ms, refused, signature)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (id) DO UPDATE SET device = excluded.device RETURNING n",
        &[
            &receipt.id().0.as_slice(),
            &receipt.device.0,
            &(receipt.life as i64),
            &(receipt.from as i64),
            &(receipt.seq as i64),
            &receipt.head.0.as_slice(),
            &(receipt.received_at_ms as i64),
            &(receipt.since_ms as i64),
            &receipt.seen_ms.map(|ms| ms as i64),
            &receipt.refused_text(),
            &receipt.signature.tagged(),
        ],
    )?;
    let n: i64 = get(&row.ok_or(StoreError::Damaged("receipt"))?, 0)?;
    Ok(-n)
}

/// When receipts of a device or of one that it continues were given, for those of these names that are known. What enrolment gave tells
/// nothing that the line's first enrolment does not. A time after a later life began is one of a wrong clock; so is one that is still to
/// come, because the life that ended its own may be lost with a restore.
pub(super) fn named(
    tx: &mut Tx<'_>,
    device: DeviceId,
    names: &BTreeSet<ReceiptId>,
    now_ms: u64,
) -> Result<HashMap<ReceiptId, u64>, StoreError> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let latest_ms = bounds::latest_possible(now_ms) as i64;
    let names: Vec<&[u8]> = names.iter().map(|name| name.0.as_slice()).collect();
    tx.query(
        "WITH RECURSIVE line (id) AS (SELECT $2::uuid UNION SELECT d.continues FROM device d JOIN line ON d.id = line.id
                                      WHERE d.continues IS NOT NULL)
         SELECT r.id, r.received_at_ms
         FROM (SELECT id, received_at_ms, seq, device, life FROM receipt WHERE id = ANY ($1) UNION ALL
               SELECT id, received_at_ms, seq, device, life FROM older_receipt WHERE id = ANY ($1)) AS r
         WHERE r.id = ANY ($1) AND r.seq > 0 AND r.received_at_ms <= $3 AND r.device IN (SELECT id FROM line)
           AND NOT EXISTS (SELECT 1 FROM life l WHERE l.n > r.life AND r.received_at_ms > l.began_at_ms)",
        &[&names, &device.0, &latest_ms],
    )?
    .iter()
    .map(|row| Ok((ReceiptId(hash(get(row, 0)?, "receipt")?), count(row, 1)?)))
    .collect()
}

/// Begins another life after the clock was wrong: receipts rise anew from now, and what was kept of later moments bounds nothing.
pub(super) fn correct_clock(tx: &mut Tx<'_>, now_ms: u64) -> Result<(), StoreError> {
    let now_ms = now_ms as i64;
    // Devices before channels, as whoever appends takes their locks.
    tx.execute(
        "UPDATE device SET
             since_ms = CASE WHEN since_ms <= $1 THEN since_ms WHEN continues IS NULL AND enrolled_at_ms <= $1 THEN enrolled_at_ms ELSE 0 END,
             received_ms = least(received_ms, $1), newest = NULL, named = NULL,
             seen_ms = CASE WHEN seen_ms <= $1 THEN seen_ms END,
             stay_from_ms = CASE WHEN stay_last_ms <= $1 THEN stay_from_ms END,
             stay_last_ms = CASE WHEN stay_last_ms <= $1 THEN stay_last_ms END,
             end_tick_ms = CASE WHEN since_ms <= $1 THEN end_tick_ms END",
        &[&now_ms],
    )?;
    tx.execute(
        "UPDATE channel SET received_ms = least(received_ms, $1)",
        &[&now_ms],
    )?;
    tx.execute(
        "INSERT INTO life (n, began_at_ms) SELECT max(n) + 1, $1 FROM life",
        &[&now_ms],
    )?;
    Ok(())
}

pub(super) fn meta(tx: &mut Tx<'_>, key: &str) -> Result<Option<String>, StoreError> {
    let row = tx.first("SELECT value FROM meta WHERE key = $1", &[&key])?;
    row.as_ref().map(|row| get(row, 0)).transpose()
}

pub(super) fn set_meta(tx: &mut Tx<'_>, key: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        &[&key, &value],
    )?;
    Ok(())
}

/// Identifiers as the driver takes them.
pub(super) fn uuids<T>(all: &[T], id: impl Fn(&T) -> Uuid) -> Vec<Uuid> {
    all.iter().map(id).collect()
}
