//! Between the columns and the domain's types. A value that cannot be is reported as damaged, never guessed.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension as _, Row};
use shicha_domain::{
    DeviceId, EntryId, PersonId, Receipt, ReceiptId, bounds,
    directory::{Device, Person},
    entry::Again,
    receipt::read_refused,
    suite::SignatureBytes,
};
use shicha_sync::protocol::messages::Head;

pub(super) use crate::store::words::{
    channel, first_place, hash, order, org_kind, org_kind_word, public_key, record_kind, role,
    role_word, signature, uuid,
};
use crate::store::{DeviceState, Past, StoreError};

/// `id, name, org, role, certificate, is_active` from column `at` on.
pub(super) fn person(row: &Row<'_>, at: usize) -> Result<Person, StoreError> {
    Ok(Person {
        id: PersonId(uuid(
            row.get_ref(at)?
                .as_blob()
                .map_err(|_| StoreError::Damaged("person"))?,
            "person",
        )?),
        name: row.get(at + 1)?,
        org: row
            .get::<_, String>(at + 2)?
            .parse()
            .map_err(|_| StoreError::Damaged("organisation"))?,
        role: role(&row.get::<_, String>(at + 3)?)?,
        certificate: row.get(at + 4)?,
        is_active: row.get(at + 5)?,
    })
}

const DEVICE: &str =
    "SELECT d.id, d.public_key, d.label, d.revoked_at_ms, d.head_seq, d.head, d.last_contact_ms,
                             d.enrolled_at_ms, d.client_version, d.order_act, d.order_at_ms, d.order_done_at_ms,
                             p.id, p.name, p.org, p.role, p.certificate, p.is_active,
                             (SELECT max(n) FROM life), d.since_ms, d.received_ms, d.newest, d.named, d.seen_ms, d.stay_from_ms,
                             d.stay_last_ms, d.start, (SELECT o.id FROM device o WHERE o.n = d.continues),
                             EXISTS (SELECT 1 FROM device next WHERE next.continues = d.n), d.parted_at_ms IS NOT NULL
                      FROM device d JOIN person p ON p.n = d.person";

fn device_state(row: &Row<'_>) -> Result<DeviceState, StoreError> {
    let person = person(row, 12)?;
    Ok(DeviceState {
        device: Device {
            id: DeviceId(uuid(&row.get::<_, Vec<u8>>(0)?, "device")?),
            person: person.id,
            public_key: public_key(&row.get::<_, Vec<u8>>(1)?)?,
            label: row.get(2)?,
            revoked_at_ms: row.get::<_, Option<i64>>(3)?.map(|ms| ms as u64),
            continues: (row.get::<_, Option<Vec<u8>>>(27)?)
                .map(|id| uuid(&id, "device").map(DeviceId))
                .transpose()?,
            is_parted: row.get(29)?,
        },
        person,
        head: Head {
            seq: row.get::<_, i64>(4)? as u64,
            id: EntryId(hash(&row.get::<_, Vec<u8>>(5)?, "head")?),
        },
        start: start_id(row.get(26)?)?,
        is_ended: row.get(28)?,
        last_contact_ms: row.get::<_, Option<i64>>(6)?.map(|ms| ms as u64),
        enrolled_at_ms: row.get::<_, i64>(7)? as u64,
        client_version: row.get(8)?,
        order: order(
            row.get::<_, Option<String>>(9)?.as_deref(),
            row.get::<_, Option<i64>>(10)?.map(|ms| ms as u64),
            row.get::<_, Option<i64>>(11)?.map(|ms| ms as u64),
        )?,
        past: past(row, 18)?,
    })
}

fn start_id(start: Option<Vec<u8>>) -> Result<EntryId, StoreError> {
    match start {
        None => Ok(EntryId::NONE),
        Some(start) => Ok(EntryId(hash(&start, "start")?)),
    }
}

/// What a device's ledger follows.
pub(super) fn start(connection: &Connection, device: i64) -> Result<EntryId, StoreError> {
    let mut statement = connection.prepare_cached("SELECT start FROM device WHERE n = ?1")?;
    start_id(statement.query_row([device], |row| row.get(0))?)
}

/// The entry at a place of a device's ledger.
pub(super) fn id_at(
    connection: &Connection,
    device: i64,
    seq: u64,
) -> Result<Option<EntryId>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM entry WHERE device = ?1 AND seq = ?2")?;
    let id: Option<Vec<u8>> = statement
        .query_row((device, seq as i64), |row| row.get(0))
        .optional()?;
    id.map(|id| hash(&id, "entry").map(EntryId)).transpose()
}

/// Where an entry stood first, if it was written again.
pub(super) fn again(row: &Row<'_>, at: usize) -> Result<Option<Again>, StoreError> {
    let bytes = row.get_ref(at)?.as_blob_or_null();
    first_place(bytes.map_err(|_| StoreError::Damaged("entry"))?)
}

fn past(row: &Row<'_>, at: usize) -> Result<Past, StoreError> {
    let ms = |at| {
        row.get::<_, Option<i64>>(at)
            .map(|ms| ms.map(|ms| ms as u64))
    };
    let name = |at| -> Result<Option<ReceiptId>, StoreError> {
        let name: Option<Vec<u8>> = row.get(at)?;
        name.map(|name| hash(&name, "receipt").map(ReceiptId))
            .transpose()
    };
    Ok(Past {
        life: row.get::<_, i64>(at)? as u64,
        since_ms: row.get::<_, i64>(at + 1)? as u64,
        received_ms: row.get::<_, i64>(at + 2)? as u64,
        newest: name(at + 3)?,
        named: name(at + 4)?,
        seen_ms: ms(at + 5)?,
        stay: ms(at + 6)?.zip(ms(at + 7)?),
    })
}

/// Writes what is kept of a device for the bounds of what it sends next.
pub(super) fn put_past(
    connection: &Connection,
    device: i64,
    past: &Past,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE device SET since_ms = ?2, received_ms = ?3, newest = ?4, named = ?5, seen_ms = ?6, stay_from_ms = ?7,
                 stay_last_ms = ?8 WHERE n = ?1",
        )?
        .execute((
            device,
            past.since_ms as i64,
            past.received_ms as i64,
            past.newest.map(|name| name.0),
            past.named.map(|name| name.0),
            past.seen_ms.map(|ms| ms as i64),
            past.stay.map(|(from, _)| from as i64),
            past.stay.map(|(_, last)| last as i64),
        ))?;
    Ok(())
}

pub(super) fn device_by_id(
    connection: &Connection,
    device: DeviceId,
) -> Result<Option<DeviceState>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{DEVICE} WHERE d.id = ?1"))?;
    let mut rows = statement.query([device.0.as_bytes()])?;
    rows.next()?.map(device_state).transpose()
}

pub(super) fn all_devices(connection: &Connection) -> Result<Vec<DeviceState>, StoreError> {
    let mut statement = connection.prepare(&format!("{DEVICE} ORDER BY d.n"))?;
    let mut rows = statement.query([])?;
    let mut devices = Vec::new();
    while let Some(row) = rows.next()? {
        devices.push(device_state(row)?);
    }
    Ok(devices)
}

/// The small integer that stands for a device.
pub(super) fn device_n(connection: &Connection, device: DeviceId) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT n FROM device WHERE id = ?1")?;
    statement
        .query_row([device.0.as_bytes()], |row| row.get(0))
        .optional()?
        .ok_or(StoreError::Missing("device"))
}

/// The small integer that stands for a person.
pub(super) fn person_n(connection: &Connection, person: PersonId) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT n FROM person WHERE id = ?1")?;
    statement
        .query_row([person.0.as_bytes()], |row| row.get(0))
        .optional()?
        .ok_or(StoreError::Missing("person"))
}

/// What [`receipt`] reads, in this order.
macro_rules! receipt_columns {
    () => {
        "life, first, seq, head, received_at_ms, since_ms, seen_ms, refused, signature"
    };
}
pub(super) use receipt_columns;

/// How many columns these are.
pub(super) const RECEIPT_COLUMNS: usize = 9;

/// [`receipt_columns`] from the first column on.
pub(super) fn receipt(row: &Row<'_>, device: DeviceId) -> Result<Receipt, StoreError> {
    let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
    Ok(Receipt {
        life: number(0)?,
        device,
        from: number(1)?,
        seq: number(2)?,
        head: EntryId(hash(&row.get::<_, Vec<u8>>(3)?, "receipt")?),
        received_at_ms: number(4)?,
        since_ms: number(5)?,
        seen_ms: row.get::<_, Option<i64>>(6)?.map(|ms| ms as u64),
        refused: read_refused(&row.get::<_, String>(7)?).ok_or(StoreError::Damaged("receipt"))?,
        signature: signature(
            row.get_ref(8)?
                .as_blob()
                .map_err(|_| StoreError::Damaged("signature"))?,
        )?,
    })
}

/// Keeps a receipt that is given now and returns the small integer that stands for it.
pub(super) fn insert_receipt(
    connection: &Connection,
    device: i64,
    receipt: &Receipt,
    push_signature: &SignatureBytes,
) -> Result<i64, StoreError> {
    // A receipt that only its name was known of, before a restoration, becomes whole again.
    let mut statement = connection.prepare_cached(
        "INSERT INTO receipt (id, device, seq, head, received_at_ms, signature, push_signature, life, first, since_ms, seen_ms, refused)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (id) DO UPDATE SET device = excluded.device, seq = excluded.seq, head = excluded.head,
             received_at_ms = excluded.received_at_ms, signature = excluded.signature, push_signature = excluded.push_signature,
             life = excluded.life, first = excluded.first, since_ms = excluded.since_ms, seen_ms = excluded.seen_ms,
             refused = excluded.refused
         RETURNING n",
    )?;
    let n = statement.query_row(
        (
            receipt.id().0,
            device,
            receipt.seq as i64,
            receipt.head.0,
            receipt.received_at_ms as i64,
            receipt.signature.tagged(),
            push_signature.tagged(),
            receipt.life as i64,
            receipt.from as i64,
            receipt.since_ms as i64,
            receipt.seen_ms.map(|ms| ms as i64),
            receipt.refused_text(),
        ),
        |row| row.get(0),
    )?;
    Ok(n)
}

/// Keeps a receipt of an earlier life that was brought back and proved, and returns the small integer that stands for it.
pub(super) fn insert_brought(
    connection: &Connection,
    device: i64,
    receipt: &Receipt,
) -> Result<i64, StoreError> {
    // One that is here already stays as it is.
    let mut statement = connection.prepare_cached(
        "INSERT INTO receipt (id, device, seq, head, received_at_ms, signature, life, first, since_ms, seen_ms, refused, is_brought)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)
         ON CONFLICT (id) DO UPDATE SET device = excluded.device, seq = excluded.seq, head = excluded.head,
             received_at_ms = excluded.received_at_ms, signature = excluded.signature, life = excluded.life, first = excluded.first,
             since_ms = excluded.since_ms, seen_ms = excluded.seen_ms, refused = excluded.refused,
             is_brought = receipt.signature IS NULL OR receipt.is_brought
         RETURNING n",
    )?;
    let n = statement.query_row(
        (
            receipt.id().0,
            device,
            receipt.seq as i64,
            receipt.head.0,
            receipt.received_at_ms as i64,
            receipt.signature.tagged(),
            receipt.life as i64,
            receipt.from as i64,
            receipt.since_ms as i64,
            receipt.seen_ms.map(|ms| ms as i64),
            receipt.refused_text(),
        ),
        |row| row.get(0),
    )?;
    Ok(n)
}

/// When receipts of a device or of one that it continues were given, for those of these names that are known. What enrolment gave tells
/// nothing that the line's first enrolment does not. A time after a later life began is one of a wrong clock; so is one that is still to
/// come, because the life that ended its own may be lost with a restore.
pub(super) fn named(
    connection: &Connection,
    device: i64,
    names: &BTreeSet<ReceiptId>,
    now_ms: u64,
) -> Result<HashMap<ReceiptId, u64>, StoreError> {
    let latest_ms = bounds::latest_possible(now_ms) as i64;
    let mut statement = connection.prepare_cached(
        "SELECT r.received_at_ms FROM receipt r
         WHERE r.id = ?1 AND r.seq > 0 AND r.signature IS NOT NULL AND r.received_at_ms <= ?3
           AND r.device IN (WITH RECURSIVE line (n) AS (SELECT ?2 UNION SELECT d.continues FROM device d JOIN line ON d.n = line.n
                            WHERE d.continues IS NOT NULL) SELECT n FROM line)
           AND NOT EXISTS (SELECT 1 FROM life l WHERE l.n > r.life AND r.received_at_ms > l.began_at_ms)",
    )?;
    let mut received = HashMap::new();
    for name in names {
        let at: Option<i64> = statement
            .query_row((name.0, device, latest_ms), |row| row.get(0))
            .optional()?;
        received.extend(at.map(|at| (*name, at as u64)));
    }
    Ok(received)
}

/// Begins another life after the clock was wrong: receipts rise anew from now, and what was kept of later moments bounds nothing.
pub(super) fn correct_clock(connection: &Connection, now_ms: u64) -> Result<(), StoreError> {
    let now_ms = now_ms as i64;
    connection.execute(
        "INSERT INTO life (n, began_at_ms) SELECT max(n) + 1, ?1 FROM life",
        [now_ms],
    )?;
    connection.execute(
        "UPDATE channel SET received_ms = min(received_ms, ?1)",
        [now_ms],
    )?;
    connection.execute(
        "UPDATE device SET
             since_ms = CASE WHEN since_ms <= ?1 THEN since_ms WHEN continues IS NULL AND enrolled_at_ms <= ?1 THEN enrolled_at_ms ELSE 0 END,
             received_ms = min(received_ms, ?1), newest = NULL, named = NULL,
             seen_ms = CASE WHEN seen_ms <= ?1 THEN seen_ms END,
             stay_from_ms = CASE WHEN stay_last_ms <= ?1 THEN stay_from_ms END,
             stay_last_ms = CASE WHEN stay_last_ms <= ?1 THEN stay_last_ms END,
             end_tick_ms = CASE WHEN since_ms <= ?1 THEN end_tick_ms END",
        [now_ms],
    )?;
    Ok(())
}
