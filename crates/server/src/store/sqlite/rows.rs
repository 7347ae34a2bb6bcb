//! Between the columns and the domain's types. A value that cannot be is reported as damaged, never guessed.

use rusqlite::{Connection, OptionalExtension as _, Row};
use shicha_domain::{
    DeviceId, EntryId, PersonId, Receipt,
    directory::{Device, Person},
    suite::SignatureBytes,
};
use shicha_sync::protocol::messages::Head;

pub(super) use crate::store::words::{
    channel, hash, order, org_kind, org_kind_word, public_key, record_kind, role, role_word,
    signature, uuid,
};
use crate::store::{DeviceState, StoreError};

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
                             p.id, p.name, p.org, p.role, p.certificate, p.is_active
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
        },
        person,
        head: Head {
            seq: row.get::<_, i64>(4)? as u64,
            id: EntryId(hash(&row.get::<_, Vec<u8>>(5)?, "head")?),
        },
        last_contact_ms: row.get::<_, Option<i64>>(6)?.map(|ms| ms as u64),
        enrolled_at_ms: row.get::<_, i64>(7)? as u64,
        client_version: row.get(8)?,
        order: order(
            row.get::<_, Option<String>>(9)?.as_deref(),
            row.get::<_, Option<i64>>(10)?.map(|ms| ms as u64),
            row.get::<_, Option<i64>>(11)?.map(|ms| ms as u64),
        )?,
    })
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

/// `seq, head, received_at_ms, signature` from column `at` on.
pub(super) fn receipt(row: &Row<'_>, at: usize, device: DeviceId) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        device,
        seq: row.get::<_, i64>(at)? as u64,
        head: EntryId(hash(&row.get::<_, Vec<u8>>(at + 1)?, "receipt")?),
        received_at_ms: row.get::<_, i64>(at + 2)? as u64,
        signature: signature(
            row.get_ref(at + 3)?
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
        "INSERT INTO receipt (id, device, seq, head, received_at_ms, signature, push_signature)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET device = excluded.device, seq = excluded.seq, head = excluded.head,
             received_at_ms = excluded.received_at_ms, signature = excluded.signature, push_signature = excluded.push_signature
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
        ),
        |row| row.get(0),
    )?;
    Ok(n)
}
