//! The directory as one process holds it: everybody and everything, at which version each changed last, and what of it travels to whom.
//!
//! A bureau's people see their own organisation, all below it, and those above it: whoever may have written what they read. Organisations
//! that lay below it once, or above it, stay known by name: records of that time go on. An institution sees itself and the bureaus above it; of their people, who acts in which role, but no devices.
//!
//! Changes are given out in the order of their versions, so that a mark is one place in that order: everything up to it is there. Where
//! something was missed all the same, because an organisation was moved or the endpoint was restored, the hash of the whole tells.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    Digest, OrgCode, PersonId,
    authority::Actor,
    directory::{
        Directory, OrgTree, Role,
        parts::{self, DEVICE, DirectoryPart, FORMER, ORG, PERSON, RowChange, WholeDirectory},
    },
};
use uuid::Uuid;

/// Behind all rows of a version.
const END: &str = "~";

/// At which version each row changed last, by kind and name.
pub(super) type Versions = HashMap<(&'static str, String), u64>;

/// A row that is no more where it was.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) version: u64,
    pub(super) kind: &'static str,
    pub(super) id: String,
    /// The organisation that it belonged to.
    pub(super) org: OrgCode,
}

#[derive(Debug)]
struct Row {
    version: u64,
    kind: &'static str,
    id: String,
    org: OrgCode,
    /// Its place in the list of its kind.
    at: usize,
    hash: OnceLock<[u8; 32]>,
}

type Key<'a> = (u64, &'a str, &'a str);

impl Row {
    fn key(&self) -> Key<'_> {
        (self.version, self.kind, &self.id)
    }
}

impl Left {
    fn key(&self) -> Key<'_> {
        (self.version, self.kind, &self.id)
    }
}

/// The whole directory with its tree, as of one version.
#[derive(Debug, Default)]
pub struct Register {
    /// Everybody and everything.
    pub directory: Directory,
    /// For questions of scope.
    pub tree: OrgTree,
    /// By rising keys, as is what left.
    rows: Vec<Row>,
    left: Vec<Left>,
    /// Hashes of the whole, by who may know what.
    hashes: Mutex<HashMap<String, Digest>>,
}

impl Register {
    /// Puts together what was read. What did not change since `before` is not hashed again.
    pub(super) fn new(
        directory: Directory,
        tree: OrgTree,
        versions: &Versions,
        mut left: Vec<Left>,
        before: Option<&Arc<Self>>,
    ) -> Self {
        let orgs: HashMap<PersonId, &OrgCode> = directory
            .people
            .iter()
            .map(|person| (person.id, &person.org))
            .collect();
        let hashed: HashMap<Key<'_>, &OnceLock<[u8; 32]>> = before
            .into_iter()
            .flat_map(|before| before.rows.iter().map(|row| (row.key(), &row.hash)))
            .collect();
        let mut rows = Vec::new();
        let mut add = |kind, id: String, org: &OrgCode, at| {
            let name = (kind, id);
            let version = versions.get(&name).copied().unwrap_or_default();
            let hash = hashed.get(&(version, kind, name.1.as_str()));
            rows.push(Row {
                version,
                kind,
                hash: hash.map(|hash| (*hash).clone()).unwrap_or_default(),
                id: name.1,
                org: org.clone(),
                at,
            });
        };
        for (at, org) in directory.orgs.iter().enumerate() {
            add(ORG, org.code.to_string(), &org.code, at);
        }
        for (at, person) in directory.people.iter().enumerate() {
            add(PERSON, person.id.to_string(), &person.org, at);
        }
        for (at, device) in directory.devices.iter().enumerate() {
            // Every device is some person's: the tables say so.
            if let Some(org) = orgs.get(&device.person) {
                add(DEVICE, device.id.to_string(), org, at);
            }
        }
        for (at, former) in directory.former.iter().enumerate() {
            add(FORMER, former.name(), &former.org, at);
        }
        rows.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
        left.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
        Self {
            directory,
            tree,
            rows,
            left,
            hashes: Mutex::default(),
        }
    }

    /// What changed since a mark that was given to this person, or all of it where the mark is none, or of another life of the endpoint
    /// or another scope; no more than about `room` bytes at once.
    pub fn part(
        &self,
        life: Uuid,
        actor: &Actor,
        since: Option<&str>,
        room: usize,
    ) -> DirectoryPart {
        let scope = Scope::of(&self.tree, !self.directory.former.is_empty(), actor);
        let version = self.directory.version;
        let newest = self
            .rows
            .last()
            .map_or(version, |row| row.version.max(version));
        let mark = since
            .and_then(Mark::read)
            .filter(|mark| mark.life == life && mark.scope == scope.name && mark.key.0 <= newest);
        let from: Key<'_> = mark.as_ref().map_or((0, "", ""), |mark| mark.key);
        let mut rows = self.rows[self.rows.partition_point(|row| row.key() <= from)..]
            .iter()
            .peekable();
        // Who begins anew has nothing that could have left.
        let left = self.left.partition_point(|left| left.key() <= from);
        let left = if mark.is_some() {
            &self.left[left..]
        } else {
            &[]
        };
        let mut left = left.iter().peekable();

        let (mut changes, mut bytes, mut at) = (Vec::new(), 0, from);
        let is_whole = loop {
            let next = match (
                rows.peek().map(|row| row.key()),
                left.peek().map(|left| left.key()),
            ) {
                (None, None) => break true,
                (Some(row), Some(left)) => row.min(left),
                (Some(key), None) | (None, Some(key)) => key,
            };
            // What has one key is never parted.
            if bytes >= room && next != at {
                break false;
            }
            at = next;
            if let Some(gone) = left.next_if(|left| left.key() == next)
                && scope.sees(gone.kind, &gone.org)
                && !self.is_seen(&scope, gone)
            {
                bytes += gone.id.len() + 64;
                changes.push(RowChange {
                    kind: gone.kind.to_owned(),
                    id: gone.id.clone(),
                    value: None,
                });
            }
            if let Some(row) = rows.next_if(|row| row.key() == next)
                && scope.sees(row.kind, &row.org)
            {
                let change = self.change(row);
                bytes += change.id.len()
                    + 64
                    + change
                        .value
                        .as_ref()
                        .map_or(0, |value| value.to_string().len());
                changes.push(change);
            }
        };
        let upto = if is_whole { (newest, END, "") } else { at };
        DirectoryPart {
            after: mark.and(since).map(str::to_owned),
            rows: changes,
            mark: Mark {
                life,
                scope: &scope.name,
                key: upto,
            }
            .write(),
            whole: is_whole.then(|| WholeDirectory {
                version,
                hash: self.hash(&scope),
                server_name: self.directory.server_name.clone(),
                is_sample: self.directory.is_sample,
            }),
        }
    }

    /// Whether the person may know of it where it is now.
    fn is_seen(&self, scope: &Scope<'_>, gone: &Left) -> bool {
        self.rows
            .iter()
            .any(|row| row.kind == gone.kind && row.id == gone.id && scope.sees(row.kind, &row.org))
    }

    fn change(&self, row: &Row) -> RowChange {
        let Directory {
            orgs,
            people,
            devices,
            former,
            ..
        } = &self.directory;
        match row.kind {
            ORG => parts::row(ORG, &row.id, &orgs.get(row.at)),
            PERSON => parts::row(PERSON, &row.id, &people.get(row.at)),
            FORMER => parts::row(FORMER, &row.id, &former.get(row.at)),
            _ => parts::row(DEVICE, &row.id, &devices.get(row.at)),
        }
    }

    fn hash(&self, scope: &Scope<'_>) -> Digest {
        if let Some(hash) = self.hashes.lock().get(&scope.name) {
            return *hash;
        }
        let rows = self
            .rows
            .iter()
            .filter(|row| scope.sees(row.kind, &row.org))
            .map(|row| {
                *row.hash.get_or_init(|| {
                    let value = self.change(row).value.unwrap_or_default();
                    parts::row_hash(row.kind, &row.id, &value)
                })
            })
            .collect();
        let hash = parts::hash_of(rows);
        self.hashes.lock().insert(scope.name.clone(), hash);
        hash
    }
}

/// What somebody may know of.
struct Scope<'a> {
    tree: &'a OrgTree,
    org: &'a OrgCode,
    is_bureau: bool,
    /// Whether any organisation was ever moved.
    has_past: bool,
    /// The same for two people exactly where both may know of the same.
    name: String,
}

impl<'a> Scope<'a> {
    fn of(tree: &'a OrgTree, has_past: bool, actor: &'a Actor) -> Self {
        let is_bureau = actor.role != Role::Institution;
        // Whoever comes to lie below another bureau knows of other people.
        let mut hash = Sha256::new();
        hash.update([u8::from(is_bureau)]);
        for org in tree.upwards(&actor.org) {
            hash.update(org.as_str());
            hash.update([0]);
        }
        Self {
            tree,
            org: &actor.org,
            is_bureau,
            has_past,
            name: hex::encode(&hash.finalize()[..8]),
        }
    }

    fn sees(&self, kind: &str, org: &OrgCode) -> bool {
        let is_near = self.tree.is_at_or_below(self.org, org)
            || (self.is_bureau && self.tree.is_at_or_below(org, self.org));
        match kind {
            DEVICE => is_near && (self.is_bureau || org == self.org),
            PERSON => is_near,
            _ => is_near || self.had_parted(org),
        }
    }

    /// Whoever may read a channel that goes on after a move knows of both its sides.
    fn had_parted(&self, org: &OrgCode) -> bool {
        let lay = |org, above: &OrgCode| {
            let mut ever = self.tree.ever_above(org).into_iter();
            ever.any(|(code, _)| code == above)
        };
        self.has_past && (lay(self.org, org) || (self.is_bureau && lay(org, self.org)))
    }
}

/// Up to where somebody has the directory, as it is written: life, scope, version, kind and name of a row.
struct Mark<'a> {
    life: Uuid,
    scope: &'a str,
    key: Key<'a>,
}

impl<'a> Mark<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split('.');
        let mark = Self {
            life: Uuid::parse_str(parts.next()?).ok()?,
            scope: parts.next()?,
            key: (parts.next()?.parse().ok()?, parts.next()?, parts.next()?),
        };
        parts.next().is_none().then_some(mark)
    }

    fn write(&self) -> String {
        let Self {
            life,
            scope,
            key: (version, kind, id),
        } = self;
        format!("{}.{scope}.{version}.{kind}.{id}", life.simple())
    }
}
