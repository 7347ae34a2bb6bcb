//! Organisations and people.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};
use shicha_domain::{
    OrgCode,
    directory::{
        Directory, FormerParent, Org, OrgTree, Person,
        parts::{DEVICE, FORMER, ORG, PERSON},
    },
};
use uuid::Uuid;

use super::{SqliteStore, directory_version, info, meta, rows, set_meta};
use crate::store::{
    Info, Register, StoreError,
    register::{Left, Versions},
    tree::check_org,
    words::row_kind,
};

impl SqliteStore {
    pub(super) fn do_set_info(
        &self,
        name: &str,
        is_sample: bool,
        epoch: Uuid,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            set_meta(transaction, "name", name)?;
            set_meta(transaction, "is_sample", if is_sample { "1" } else { "0" })?;
            if meta(transaction, "epoch")?.is_none() {
                set_meta(transaction, "epoch", &epoch.to_string())?;
            }
            changed(transaction)
        })
    }

    pub(super) fn do_info(&self) -> Result<Option<Info>, StoreError> {
        self.read(|transaction| info(transaction))
    }

    pub(super) fn do_register(&self) -> Result<Arc<Register>, StoreError> {
        self.read(|transaction| {
            let version = directory_version(transaction)?;
            let mut cached = self.register.lock();
            if let Some(register) = cached
                .as_ref()
                .filter(|register| register.directory.version == version)
            {
                return Ok(Arc::clone(register));
            }
            let directory = load(transaction, version)?;
            let tree = OrgTree::of(&directory);
            let (versions, left) = (versions(transaction)?, left(transaction)?);
            let before = cached.as_ref();
            let register = Arc::new(Register::new(directory, tree, &versions, left, before));
            *cached = Some(Arc::clone(&register));
            Ok(register)
        })
    }

    pub(super) fn do_put_org(&self, org: &Org, now_ms: u64) -> Result<bool, StoreError> {
        self.write(|transaction| put_org(transaction, org, now_ms))
    }

    pub(super) fn do_put_person(&self, person: &Person) -> Result<bool, StoreError> {
        self.write(|transaction| put_person(transaction, person))
    }
}

pub(super) fn put_org(
    transaction: &Connection,
    org: &Org,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let known = org_of(transaction, org.code.as_str())?;
    if known.as_ref() == Some(org) {
        return Ok(false);
    }
    check_org(org, known.as_ref(), |code| org_of(transaction, code))?;
    if let Some(known) = known.filter(|known| known.parent != org.parent) {
        let from_ms: i64 = transaction.query_row(
            "SELECT coalesce(max(until_ms), 0) FROM former_parent WHERE org = ?1",
            [org.code.as_str()],
            |row| row.get(0),
        )?;
        transaction.execute(
            "INSERT INTO former_parent (org, parent, from_ms, until_ms) VALUES (?1, ?2, ?3, ?4)",
            (
                org.code.as_str(),
                known.parent.as_ref().map(|parent| parent.as_str()),
                from_ms,
                // Also after the clock was set back each span has a length.
                (now_ms as i64).max(from_ms + 1),
            ),
        )?;
    }
    transaction.execute(
                "INSERT INTO org (code, name, short_name, parent, kind, region) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (code) DO UPDATE SET name = excluded.name, short_name = excluded.short_name,
                     parent = excluded.parent, kind = excluded.kind, region = excluded.region",
                (
                    org.code.as_str(),
                    &org.name,
                    &org.short_name,
                    org.parent.as_ref().map(|parent| parent.as_str()),
                    rows::org_kind_word(org.kind),
                    &org.region,
                ),
            )?;
    changed(transaction)?;
    Ok(true)
}

pub(super) fn put_person(transaction: &Connection, person: &Person) -> Result<bool, StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, name, org, role, certificate, is_active FROM person WHERE id = ?1",
    )?;
    let mut found = statement.query([person.id.0.as_bytes()])?;
    if let Some(row) = found.next()?
        && rows::person(row, 0)? == *person
    {
        return Ok(false);
    }
    let has_org = transaction
        .query_row(
            "SELECT 1 FROM org WHERE code = ?1",
            [person.org.as_str()],
            |_| Ok(()),
        )
        .optional()?
        .is_some();
    if !has_org {
        return Err(StoreError::Missing("organisation"));
    }
    transaction.execute(
                "INSERT INTO person (id, name, org, role, certificate, is_active) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, org = excluded.org, role = excluded.role,
                     certificate = excluded.certificate, is_active = excluded.is_active",
                (
                    person.id.0.as_bytes(),
                    &person.name,
                    person.org.as_str(),
                    rows::role_word(person.role),
                    &person.certificate,
                    person.is_active,
                ),
            )?;
    changed(transaction)?;
    Ok(true)
}

/// Makes the next version of the directory.
pub(super) fn changed(connection: &Connection) -> Result<(), StoreError> {
    let version = directory_version(connection)? + 1;
    set_meta(connection, "directory_version", &version.to_string())
}

fn read_org(row: &rusqlite::Row<'_>) -> Result<Org, StoreError> {
    Ok(Org {
        code: code(row.get(0)?)?,
        name: row.get(1)?,
        short_name: row.get(2)?,
        parent: row.get::<_, Option<String>>(3)?.map(code).transpose()?,
        kind: rows::org_kind(&row.get::<_, String>(4)?)?,
        region: row.get(5)?,
    })
}

fn code(text: String) -> Result<OrgCode, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Damaged("organisation"))
}

fn org_of(connection: &Connection, code: &str) -> Result<Option<Org>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT code, name, short_name, parent, kind, region FROM org WHERE code = ?1",
    )?;
    let mut found = statement.query([code])?;
    found.next()?.map(read_org).transpose()
}

fn versions(connection: &Connection) -> Result<Versions, StoreError> {
    let mut versions = Versions::new();
    for (kind, query) in [
        (ORG, "SELECT code, changed FROM org"),
        (
            FORMER,
            "SELECT org || '@' || until_ms, changed FROM former_parent",
        ),
    ] {
        let mut statement = connection.prepare_cached(query)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            versions.insert((kind, row.get(0)?), row.get::<_, i64>(1)? as u64);
        }
    }
    for (kind, query) in [
        (PERSON, "SELECT id, changed FROM person"),
        (DEVICE, "SELECT id, changed FROM device"),
    ] {
        let mut statement = connection.prepare_cached(query)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let id = rows::uuid(&row.get::<_, Vec<u8>>(0)?, kind)?;
            versions.insert((kind, id.to_string()), row.get::<_, i64>(1)? as u64);
        }
    }
    Ok(versions)
}

fn left(connection: &Connection) -> Result<Vec<Left>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT changed, kind, id, org FROM directory_left")?;
    let mut found = statement.query([])?;
    let mut left = Vec::new();
    while let Some(row) = found.next()? {
        let kind = row_kind(&row.get::<_, String>(1)?)?;
        left.push(Left {
            version: row.get::<_, i64>(0)? as u64,
            kind,
            id: rows::uuid(&row.get::<_, Vec<u8>>(2)?, kind)?.to_string(),
            org: row
                .get::<_, String>(3)?
                .parse()
                .map_err(|_| StoreError::Damaged("organisation"))?,
        });
    }
    Ok(left)
}

fn load(connection: &Connection, version: u64) -> Result<Directory, StoreError> {
    let (server_name, is_sample) =
        info(connection)?.map_or((String::new(), false), |info| (info.name, info.is_sample));
    let mut directory = Directory {
        version,
        server_name,
        is_sample,
        ..Directory::default()
    };

    let mut statement = connection.prepare_cached(
        "SELECT code, name, short_name, parent, kind, region FROM org ORDER BY code",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        directory.orgs.push(read_org(row)?);
    }

    let mut statement = connection.prepare_cached(
        "SELECT org, parent, from_ms, until_ms FROM former_parent ORDER BY org, until_ms",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        directory.former.push(FormerParent {
            org: code(row.get(0)?)?,
            parent: row.get::<_, Option<String>>(1)?.map(code).transpose()?,
            from_ms: row.get::<_, i64>(2)? as u64,
            until_ms: row.get::<_, i64>(3)? as u64,
        });
    }

    let mut statement = connection.prepare_cached(
        "SELECT id, name, org, role, certificate, is_active FROM person ORDER BY n",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        directory.people.push(rows::person(row, 0)?);
    }
    directory.devices = rows::all_devices(connection)?
        .into_iter()
        .map(|state| state.device)
        .collect();
    Ok(directory)
}
