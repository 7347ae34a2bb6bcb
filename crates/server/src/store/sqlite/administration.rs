//! What administrators do, and the log of it.

use rusqlite::{Connection, OptionalExtension as _, Row};
use shicha_domain::{DeviceId, OrgCode, PersonId};
use shicha_sync::protocol::{
    admin::{AuditQuery, AuditRow},
    order::OrderAct,
};

use super::{SqliteStore, append::append, devices, directory, rows, updates};
use crate::store::{
    Appended, Judge, Pushed, StoreError,
    administration::{
        Administration, CodeId, Deed, Noting, OpenCode, PAGE, StoredUpdate, next_row, search,
    },
};

impl Administration for SqliteStore {
    fn administer(&self, deed: Deed<'_>, noting: Noting<'_>) -> Result<bool, StoreError> {
        let now_ms = noting.now_ms;
        self.write(|transaction| {
            let is_changed = match deed {
                Deed::Org(org) => directory::put_org(transaction, org, now_ms)?,
                Deed::Person(person) => directory::put_person(transaction, person)?,
                Deed::Code {
                    hash,
                    person,
                    expires_at_ms,
                } => {
                    devices::add_code(transaction, hash, person, now_ms, expires_at_ms)?;
                    true
                }
                Deed::WithdrawCode(id) => withdraw(transaction, id, now_ms)?,
                Deed::Revoke(device, order) => revoke(transaction, device, order, now_ms)?,
                Deed::Obeyed(device, act, at_ms) => {
                    obeyed(transaction, device, act, at_ms, now_ms)?
                }
                Deed::AddUpdate(update) => updates::add(transaction, update)?,
                Deed::ReleaseUpdate(name, org) => updates::release(transaction, name, org, now_ms)?,
                Deed::WithdrawUpdate(name, org) => updates::withdraw(transaction, name, org)?,
                Deed::CorrectClock => {
                    rows::correct_clock(transaction, now_ms)?;
                    true
                }
                Deed::Elsewhere => true,
            };
            if is_changed {
                noted(transaction, noting)?;
            }
            Ok(is_changed)
        })
    }

    fn append_noted(
        &self,
        push: &Pushed,
        judge: Judge<'_>,
        noting: Noting<'_>,
    ) -> Result<Appended, StoreError> {
        self.write(|transaction| {
            let appended = append(transaction, push, judge)?;
            if appended.is_accepted() {
                noted(transaction, noting)?;
            }
            Ok(appended)
        })
    }

    fn open_codes(&self, now_ms: u64) -> Result<Vec<OpenCode>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT c.hash, p.id, c.created_at_ms, c.expires_at_ms FROM code c JOIN person p ON p.n = c.person
                 WHERE c.used_by IS NULL AND c.expires_at_ms > ?1 AND p.is_active ORDER BY c.expires_at_ms, c.hash",
            )?;
            let mut found = statement.query([now_ms as i64])?;
            let mut codes = Vec::new();
            while let Some(row) = found.next()? {
                codes.push(OpenCode {
                    id: CodeId::of(&rows::hash(&row.get::<_, Vec<u8>>(0)?, "code")?),
                    person: PersonId(rows::uuid(&row.get::<_, Vec<u8>>(1)?, "person")?),
                    created_at_ms: row.get::<_, i64>(2)? as u64,
                    expires_at_ms: row.get::<_, i64>(3)? as u64,
                });
            }
            Ok(codes)
        })
    }

    fn updates(&self) -> Result<Vec<StoredUpdate>, StoreError> {
        self.read(|transaction| updates::all(transaction))
    }

    fn audit(
        &self,
        query: &AuditQuery,
        may_read: &dyn Fn(Option<&OrgCode>) -> bool,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT n, at_ms, person, person_name, device, act, org, target, detail, hash, signature
                 FROM audit WHERE n < ?1 ORDER BY n DESC LIMIT ?2",
            )?;
            search(query, may_read, limit, |before| {
                all(statement.query([before as i64, PAGE])?)
            })
        })
    }

    fn audit_from(&self, n: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT n, at_ms, person, person_name, device, act, org, target, detail, hash, signature
                 FROM audit WHERE n >= ?1 ORDER BY n LIMIT ?2",
            )?;
            all(statement.query([n as i64, limit as i64])?)
        })
    }
}

fn all(mut found: rusqlite::Rows<'_>) -> Result<Vec<AuditRow>, StoreError> {
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(audit_row(row)?);
    }
    Ok(all)
}

fn audit_row(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    let id = |at: usize| {
        row.get::<_, Option<Vec<u8>>>(at)?
            .map(|bytes| rows::uuid(&bytes, "audit log"))
            .transpose()
    };
    Ok(AuditRow {
        n: row.get::<_, i64>(0)? as u64,
        at_ms: row.get::<_, i64>(1)? as u64,
        person: id(2)?.map(PersonId),
        person_name: row.get(3)?,
        device: id(4)?.map(DeviceId),
        act: row.get(5)?,
        org: row
            .get::<_, Option<String>>(6)?
            .map(|code| code.parse().map_err(|_| StoreError::Damaged("audit log")))
            .transpose()?,
        target: row.get(7)?,
        detail: row.get(8)?,
        hash: rows::hash(&row.get::<_, Vec<u8>>(9)?, "audit log")?,
        signature: rows::signature(&row.get::<_, Vec<u8>>(10)?)?,
    })
}

fn last(connection: &Connection) -> Result<Option<(u64, [u8; 32])>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1")?;
    let found = statement
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get::<_, Vec<u8>>(1)?))
        })
        .optional()?;
    found
        .map(|(n, hash)| Ok((n, rows::hash(&hash, "audit log")?)))
        .transpose()
}

/// Adds the next row in the open transaction.
pub(super) fn noted(connection: &Connection, noting: Noting<'_>) -> Result<(), StoreError> {
    let row = next_row(last(connection)?, noting);
    connection.execute(
        "INSERT INTO audit (n, at_ms, person, person_name, device, act, org, target, detail, hash, signature)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        rusqlite::params![
            row.n as i64,
            row.at_ms as i64,
            row.person.map(|id| *id.0.as_bytes()),
            row.person_name,
            row.device.map(|id| *id.0.as_bytes()),
            row.act,
            row.org.as_ref().map(OrgCode::as_str),
            row.target,
            row.detail,
            row.hash,
            row.signature.tagged(),
        ],
    )?;
    Ok(())
}

/// A code that has run out is of no more use to any program.
fn withdraw(connection: &Connection, id: CodeId, now_ms: u64) -> Result<bool, StoreError> {
    let changes = connection.execute(
        "UPDATE code SET expires_at_ms = ?2 WHERE substr(hash, 1, 8) = ?1 AND used_by IS NULL AND expires_at_ms > ?2",
        (id.0, now_ms as i64),
    )?;
    Ok(changes > 0)
}

fn revoke(
    connection: &Connection,
    device: DeviceId,
    order: Option<OrderAct>,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let state = rows::device_by_id(connection, device)?.ok_or(StoreError::Missing("device"))?;
    let is_heavier = order > state.order.map(|order| order.act);
    let is_new = devices::revoke_line(connection, device, now_ms)?;
    if let Some(act) = order.filter(|_| is_heavier) {
        connection.execute(
            "UPDATE device SET order_act = ?2, order_at_ms = ?3, order_done_at_ms = NULL WHERE id = ?1",
            (device.0.as_bytes(), act.as_str(), now_ms as i64),
        )?;
    }
    if is_new || is_heavier {
        directory::changed(connection)?;
    }
    Ok(is_new || is_heavier)
}

fn obeyed(
    connection: &Connection,
    device: DeviceId,
    act: OrderAct,
    at_ms: u64,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let changes = connection.execute(
        "UPDATE device SET order_done_at_ms = ?4
         WHERE id = ?1 AND order_act = ?2 AND order_at_ms = ?3 AND order_done_at_ms IS NULL",
        (
            device.0.as_bytes(),
            act.as_str(),
            at_ms as i64,
            now_ms as i64,
        ),
    )?;
    if changes > 0 {
        // Administrators' screens follow the directory.
        directory::changed(connection)?;
    }
    Ok(changes > 0)
}
