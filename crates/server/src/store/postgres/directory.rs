//! Organisations and people.

use std::sync::Arc;

use shicha_domain::{
    OrgCode,
    directory::{
        Directory, FormerParent, Org, OrgTree, Person,
        parts::{DEVICE, FORMER, ORG, PERSON},
    },
};
use uuid::Uuid;

use super::{
    PostgresStore,
    pool::Tx,
    rows::{self, get},
};
use crate::store::{
    Info, Register, StoreError,
    register::{Left, Versions},
    tree::check_org,
    words::row_kind,
};

/// The directory's version; it changes with every change of an organisation, a person or a device.
const VERSION: &str = "directory_version";

impl PostgresStore {
    pub(super) fn do_set_info(
        &self,
        name: &str,
        is_sample: bool,
        epoch: Uuid,
    ) -> Result<(), StoreError> {
        self.connections.write(|tx| {
            rows::set_meta(tx, "name", name)?;
            rows::set_meta(tx, "is_sample", if is_sample { "1" } else { "0" })?;
            tx.execute(
                "INSERT INTO meta (key, value) VALUES ('epoch', $1) ON CONFLICT (key) DO NOTHING",
                &[&epoch.to_string()],
            )?;
            changed(tx)
        })
    }

    pub(super) fn do_register(&self) -> Result<Arc<Register>, StoreError> {
        self.connections.read(|tx| {
            let version = version(tx)?;
            let mut cached = self.register.lock();
            if let Some(register) = cached
                .as_ref()
                .filter(|register| register.directory.version == version)
            {
                return Ok(Arc::clone(register));
            }
            let directory = load(tx)?;
            let tree = OrgTree::of(&directory);
            let (versions, left) = (versions(tx)?, left(tx)?);
            let before = cached.as_ref();
            let register = Arc::new(Register::new(directory, tree, &versions, left, before));
            *cached = Some(Arc::clone(&register));
            Ok(register)
        })
    }

    pub(super) fn do_put_org(&self, org: &Org, now_ms: u64) -> Result<bool, StoreError> {
        self.connections.write(|tx| put_org(tx, org, now_ms))
    }

    pub(super) fn do_put_person(&self, person: &Person) -> Result<bool, StoreError> {
        self.connections.write(|tx| put_person(tx, person))
    }
}

pub(super) fn put_org(tx: &mut Tx<'_>, org: &Org, now_ms: u64) -> Result<bool, StoreError> {
    // One at a time: two changes that are fine alone may make a circle together.
    tx.execute("LOCK TABLE org IN SHARE ROW EXCLUSIVE MODE", &[])?;
    let code = org.code.as_str();
    let known = org_of(tx, code)?;
    if known.as_ref() == Some(org) {
        return Ok(false);
    }
    check_org(org, known.as_ref(), |code| org_of(tx, code))?;
    if let Some(known) = known.filter(|known| known.parent != org.parent) {
        let before = tx.first(
            "SELECT coalesce(max(until_ms), 0) FROM former_parent WHERE org = $1",
            &[&code],
        )?;
        let from_ms: i64 = before.map_or(Ok(0), |row| get(&row, 0))?;
        tx.execute(
            "INSERT INTO former_parent (org, parent, from_ms, until_ms) VALUES ($1, $2, $3, $4)",
            &[
                &code,
                &known.parent.as_ref().map(|parent| parent.as_str()),
                &from_ms,
                // Also after the clock was set back each span has a length.
                &(now_ms as i64).max(from_ms + 1),
            ],
        )?;
    }
    tx.execute(
                "INSERT INTO org (code, name, short_name, parent, kind, region) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (code) DO UPDATE SET name = excluded.name, short_name = excluded.short_name,
                     parent = excluded.parent, kind = excluded.kind, region = excluded.region",
                &[
                    &org.code.as_str(),
                    &org.name,
                    &org.short_name,
                    &org.parent.as_ref().map(|parent| parent.as_str()),
                    &rows::org_kind_word(org.kind),
                    &org.region,
                ],
            )?;
    changed(tx)?;
    Ok(true)
}

pub(super) fn put_person(tx: &mut Tx<'_>, person: &Person) -> Result<bool, StoreError> {
    let known = tx.first(
        "SELECT id, name, org, role, certificate, is_active FROM person WHERE id = $1 FOR UPDATE",
        &[&person.id.0],
    )?;
    if let Some(row) = &known
        && rows::person(row, 0)? == *person
    {
        return Ok(false);
    }
    let org = person.org.as_str();
    if tx
        .first("SELECT 1 FROM org WHERE code = $1", &[&org])?
        .is_none()
    {
        return Err(StoreError::Missing("organisation"));
    }
    tx.execute(
                "INSERT INTO person (id, name, org, role, certificate, is_active) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, org = excluded.org, role = excluded.role,
                     certificate = excluded.certificate, is_active = excluded.is_active",
                &[
                    &person.id.0,
                    &person.name,
                    &org,
                    &rows::role_word(person.role),
                    &person.certificate,
                    &person.is_active,
                ],
            )?;
    changed(tx)?;
    Ok(true)
}

/// Makes the next version of the directory.
pub(super) fn changed(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ($1, '1')
         ON CONFLICT (key) DO UPDATE SET value = (meta.value::bigint + 1)::text",
        &[&VERSION],
    )?;
    Ok(())
}

pub(super) fn version(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    rows::meta(tx, VERSION)?.map_or(Ok(0), |text| {
        text.parse()
            .map_err(|_| StoreError::Damaged("directory version"))
    })
}

pub(super) fn info(tx: &mut Tx<'_>) -> Result<Option<Info>, StoreError> {
    let Some(name) = rows::meta(tx, "name")? else {
        return Ok(None);
    };
    let epoch = rows::meta(tx, "epoch")?.unwrap_or_default();
    Ok(Some(Info {
        name,
        is_sample: rows::meta(tx, "is_sample")?.as_deref() == Some("1"),
        epoch: Uuid::parse_str(&epoch).map_err(|_| StoreError::Damaged("epoch"))?,
        life: match tx.first("SELECT max(n) FROM life", &[])? {
            Some(row) => rows::count(&row, 0)?,
            None => return Err(StoreError::Damaged("life")),
        },
        directory_version: version(tx)?,
    }))
}

fn code(text: &str) -> Result<OrgCode, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Damaged("organisation"))
}

fn read_org(row: &postgres::Row) -> Result<Org, StoreError> {
    Ok(Org {
        code: code(get(row, 0)?)?,
        name: get(row, 1)?,
        short_name: get(row, 2)?,
        parent: get::<Option<&str>>(row, 3)?.map(code).transpose()?,
        kind: rows::org_kind(get(row, 4)?)?,
        region: get(row, 5)?,
    })
}

fn org_of(tx: &mut Tx<'_>, code: &str) -> Result<Option<Org>, StoreError> {
    tx.first(
        "SELECT code, name, short_name, parent, kind, region FROM org WHERE code = $1",
        &[&code],
    )?
    .as_ref()
    .map(read_org)
    .transpose()
}

fn orgs(tx: &mut Tx<'_>) -> Result<Vec<Org>, StoreError> {
    tx.query(
        "SELECT code, name, short_name, parent, kind, region FROM org ORDER BY code COLLATE \"C\"",
        &[],
    )?
    .iter()
    .map(read_org)
    .collect()
}

fn former(tx: &mut Tx<'_>) -> Result<Vec<FormerParent>, StoreError> {
    tx.query(
        "SELECT org, parent, from_ms, until_ms FROM former_parent ORDER BY org COLLATE \"C\", until_ms",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(FormerParent {
            org: code(get(row, 0)?)?,
            parent: get::<Option<&str>>(row, 1)?.map(code).transpose()?,
            from_ms: rows::count(row, 2)?,
            until_ms: rows::count(row, 3)?,
        })
    })
    .collect()
}

fn versions(tx: &mut Tx<'_>) -> Result<Versions, StoreError> {
    let mut versions = Versions::new();
    for (kind, query) in [
        (ORG, "SELECT code, changed FROM org"),
        (
            FORMER,
            "SELECT org || '@' || until_ms, changed FROM former_parent",
        ),
        (PERSON, "SELECT id::text, changed FROM person"),
        (DEVICE, "SELECT id::text, changed FROM device"),
    ] {
        for row in tx.query(query, &[])? {
            versions.insert((kind, get(&row, 0)?), rows::count(&row, 1)?);
        }
    }
    Ok(versions)
}

fn left(tx: &mut Tx<'_>) -> Result<Vec<Left>, StoreError> {
    tx.query(
        "SELECT changed, kind, id::text, org FROM directory_left",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Left {
            version: rows::count(row, 0)?,
            kind: row_kind(get(row, 1)?)?,
            id: get(row, 2)?,
            org: get::<&str>(row, 3)?
                .parse()
                .map_err(|_| StoreError::Damaged("organisation"))?,
        })
    })
    .collect()
}

fn load(tx: &mut Tx<'_>) -> Result<Directory, StoreError> {
    let info = info(tx)?;
    let people = tx.query(
        "SELECT id, name, org, role, certificate, is_active FROM person ORDER BY n",
        &[],
    )?;
    Ok(Directory {
        version: version(tx)?,
        server_name: info
            .as_ref()
            .map(|info| info.name.clone())
            .unwrap_or_default(),
        is_sample: info.is_some_and(|info| info.is_sample),
        orgs: orgs(tx)?,
        former: former(tx)?,
        people: people
            .iter()
            .map(|row| rows::person(row, 0))
            .collect::<Result<_, _>>()?,
        devices: rows::all_devices(tx)?
            .into_iter()
            .map(|state| state.device)
            .collect(),
    })
}
