//! Updates of the application: put there by the operator, released by administrators, given to the devices that they are for.
//!
//! Invariant: nothing here can make an update. A file is taken in only with the maker's signature, and every device proves that again
//! by the key that was compiled into it; the endpoint decides who is offered which, and may withhold.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    path::Path,
};

use serde_json::json;
use sha2::{Digest as _, Sha256};
use shicha_domain::{BlobHash, OrgCode, directory::OrgTree};
use shicha_sync::{
    protocol::{
        admin::act,
        update::{OfferedUpdate, ReleaseReport, UpdateReport, Updates},
    },
    update::{SignedUpdate, UpdateFault, UpdateKey, Version, platform_of},
};

use crate::{
    administration::Hand,
    evidence::{EvidenceError, Held, Sender},
    home::Home,
    store::{
        DeviceState, StoreError,
        administration::{Deed, Note, StoredUpdate},
    },
};

/// Why an update is not put there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddFault {
    /// The file or its signature is at fault.
    #[error(transparent)]
    Update(#[from] UpdateFault),
    /// The file cannot be kept.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The store failed, or has another file of that name.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<io::Error> for AddFault {
    fn from(error: io::Error) -> Self {
        UpdateFault::from(error).into()
    }
}

/// Proves a file and puts it there. Returns what was signed about it, and whether it is new.
pub(crate) fn add(
    hand: &Hand<'_>,
    path: &Path,
    signature: &str,
    key: &UpdateKey,
) -> Result<(SignedUpdate, bool), AddFault> {
    let signed = key.signed(signature)?;
    let mut file = File::open(path)?;
    let size = signed.check(&file)?;
    file.rewind()?;
    let blob = keep(hand.home, &mut file, size)?;
    hand.home.store.note_blob(blob, size, hand.now_ms)?;
    let update = StoredUpdate {
        name: signed.name.clone(),
        blob,
        size,
        signature: signed.text.clone(),
        added_at_ms: hand.now_ms,
        releases: Vec::new(),
    };
    let note = Note {
        act: act::UPDATE_ADDED,
        org: None,
        target: signed.name.clone(),
        detail: json!({ "version": signed.version, "size": size, "sha256": blob }),
    };
    let is_new = hand.does(Deed::AddUpdate(&update), &note)?;
    Ok((signed, is_new))
}

/// Puts the bytes of a file with the evidence.
fn keep(home: &Home, file: &mut File, size: u64) -> Result<BlobHash, AddFault> {
    let mut piece = vec![0; home.evidence.piece()];
    let mut hash = Sha256::new();
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => hash.update(piece.get(..read).unwrap_or_default()),
        }
    }
    let blob = BlobHash(hash.finalize().into());
    let by = Sender::Endpoint;
    let mut at = match home.evidence.held(blob, by)? {
        Held::Whole(_) => return Ok(blob),
        Held::Part(at) => at.min(size),
    };
    while at < size {
        file.seek(io::SeekFrom::Start(at))?;
        let read = fill(file, &mut piece)?;
        if read.is_empty() {
            return Err(UpdateFault::Altered("it was changed while it was read").into());
        }
        match home.evidence.append(blob, by, at, size, read.to_vec()) {
            Ok(Held::Whole(_)) => return Ok(blob),
            Ok(Held::Part(end)) => at = end,
            // Somebody else puts the same there.
            Err(EvidenceError::Offset(right)) if right > at => at = right,
            Err(error) => return Err(error.into()),
        }
    }
    home.evidence.finish(blob, by)?;
    Ok(blob)
}

/// As much as there is room for: a store may want pieces of one size.
fn fill<'p>(file: &mut File, piece: &'p mut [u8]) -> io::Result<&'p [u8]> {
    let mut filled = 0;
    while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(piece.get(..filled).unwrap_or_default())
}

/// Releases an update for an organisation and all below it. `false`: it was so already.
pub(crate) fn release(hand: &Hand<'_>, name: &str, org: &OrgCode) -> Result<bool, StoreError> {
    let note = release_note(act::UPDATE_RELEASED, name, org);
    hand.does(Deed::ReleaseUpdate(name, org), &note)
}

/// Takes a release back. Devices that have it installed keep it; the others are offered it no more.
pub(crate) fn withdraw(hand: &Hand<'_>, name: &str, org: &OrgCode) -> Result<bool, StoreError> {
    let note = release_note(act::UPDATE_WITHDRAWN, name, org);
    hand.does(Deed::WithdrawUpdate(name, org), &note)
}

fn release_note(act: &'static str, name: &str, org: &OrgCode) -> Note {
    Note {
        act,
        org: Some(org.clone()),
        target: name.to_owned(),
        detail: json!({ "org": org }),
    }
}

/// The newest update for a platform that was released for an organisation or one above it.
pub(crate) fn offered(
    home: &Home,
    org: &OrgCode,
    platform: &str,
) -> Result<Option<StoredUpdate>, StoreError> {
    let register = home.store.register()?;
    let updates = home.store.updates()?.into_iter();
    Ok(updates
        .filter(|update| is_for(update, org, &register.tree))
        .filter_map(|update| {
            let (version, of) = platform_of(&update.name)?;
            (of == platform).then_some((version, update))
        })
        .max_by_key(|(version, _)| *version)
        .map(|(_, update)| update))
}

/// An update by its name, if it was released for the organisation.
pub(crate) fn named(
    home: &Home,
    org: &OrgCode,
    name: &str,
) -> Result<Option<StoredUpdate>, StoreError> {
    let register = home.store.register()?;
    let mut updates = home.store.updates()?.into_iter();
    Ok(updates.find(|update| update.name == name && is_for(update, org, &register.tree)))
}

fn is_for(update: &StoredUpdate, org: &OrgCode, tree: &OrgTree) -> bool {
    let mut releases = update.releases.iter();
    releases.any(|release| tree.is_at_or_below(org, &release.org))
}

/// As it travels.
pub(crate) fn as_offered(update: &StoredUpdate) -> OfferedUpdate {
    OfferedUpdate {
        name: update.name.clone(),
        size: update.size,
        signature: update.signature.clone(),
    }
}

/// What an administrator of an organisation sees; `None`: everything.
pub(crate) fn report(home: &Home, scope: Option<&OrgCode>) -> Result<Updates, StoreError> {
    let register = home.store.register()?;
    let tree = &register.tree;
    let is_own = |org: &OrgCode| scope.is_none_or(|scope| tree.is_at_or_below(org, scope));
    let devices: Vec<(OrgCode, Option<Version>)> = home
        .store
        .devices()?
        .into_iter()
        .filter(|state| takes_part(state) && is_own(&state.person.org))
        .map(|state| {
            let version = state.client_version.and_then(|text| text.parse().ok());
            (state.person.org, version)
        })
        .collect();
    let mut updates: Vec<(Version, UpdateReport)> = home
        .store
        .updates()?
        .into_iter()
        .filter_map(|update| {
            let (version, platform) = platform_of(&update.name)?;
            let has = |running: &Option<Version>| *running >= Some(version);
            let releases = update.releases.iter().filter_map(|release| {
                let is_theirs = is_own(&release.org);
                let is_above = scope.is_some_and(|scope| tree.is_at_or_below(scope, &release.org));
                (is_theirs || is_above).then(|| {
                    let of = devices
                        .iter()
                        .filter(|(org, _)| tree.is_at_or_below(org, &release.org));
                    let (all, have) = of.fold((0, 0), |(all, have), (_, running)| {
                        (all + 1, have + u64::from(has(running)))
                    });
                    ReleaseReport {
                        org: release.org.clone(),
                        at_ms: release.at_ms,
                        is_own: is_theirs,
                        devices: all,
                        have,
                    }
                })
            });
            let report = UpdateReport {
                version: version.to_string(),
                platform: platform.to_owned(),
                size: update.size,
                // Proved when it was put there, and again by each device.
                notes: SignedUpdate::notes_of(&update.signature),
                added_at_ms: update.added_at_ms,
                have: devices.iter().filter(|(_, running)| has(running)).count() as u64,
                releases: releases.collect(),
                name: update.name.clone(),
            };
            Some((version, report))
        })
        .collect();
    updates.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    Ok(Updates {
        updates: updates.into_iter().map(|(_, report)| report).collect(),
        devices: devices.len() as u64,
    })
}

/// Of devices that ever said something: the endpoint's own, in whose name it publishes, run nothing.
fn takes_part(state: &DeviceState) -> bool {
    state.is_active() && state.last_contact_ms.is_some()
}
