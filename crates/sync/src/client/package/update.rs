//! The update of the application in a package: handed on by whoever keeps one, proved by whoever takes it.

use std::{
    fs::File,
    io::{Read, Write},
};

use sha2::{Digest as _, Sha256};
use shicha_domain::BlobHash;

use super::PackageError;
use crate::{
    package::{PackageFault, Pieces, Writer},
    protocol::update::OfferedUpdate,
    update::{KeptUpdate, SignedUpdate, UpdateFault, UpdateFolder, Version},
};

/// How much of a file is read at a time.
const PART: usize = 256 << 10;

/// What became of an update in a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenUpdate {
    /// It is kept, and can be installed.
    Kept(Version),
    /// It is here already, or runs.
    Known(Version),
    /// It is refused; everything else in the package was taken.
    Refused {
        /// Why, as programs tell it apart.
        code: &'static str,
        /// In words.
        detail: String,
    },
}

impl From<&UpdateFault> for TakenUpdate {
    fn from(fault: &UpdateFault) -> Self {
        Self::Refused {
            code: fault.code(),
            detail: fault.to_string(),
        }
    }
}

/// Bytes of the update that is kept; 0: there is none.
pub(super) fn size(updates: &UpdateFolder) -> Result<u64, PackageError> {
    Ok(updates.kept()?.map_or(0, |kept| kept.size))
}

/// Puts the kept update into a package. It is proved while it is read: nothing that was altered on this disk is handed on.
pub(super) fn give<W: Write>(
    updates: &UpdateFolder,
    writer: &mut Writer<'_, W>,
) -> Result<(), PackageError> {
    let Some(KeptUpdate { signed, path, size }) = updates.prove_kept()? else {
        return Ok(());
    };
    let update = OfferedUpdate {
        name: signed.name.clone(),
        size,
        signature: signed.text.clone(),
    };
    let mut hash = Sha256::new();
    each_part(&path, |part| {
        hash.update(part);
        Ok(())
    })?;
    writer.update(&update, BlobHash(hash.finalize().into()))?;
    each_part(&path, |part| Ok(writer.part(part)?))
}

fn each_part(
    path: &std::path::Path,
    mut take: impl FnMut(&[u8]) -> Result<(), PackageError>,
) -> Result<(), PackageError> {
    let mut file = File::open(path).map_err(UpdateFault::from)?;
    let mut part = vec![0; PART];
    loop {
        match file.read(&mut part).map_err(UpdateFault::from)? {
            0 => return Ok(()),
            read => take(part.get(..read).unwrap_or_default())?,
        }
    }
}

/// What is said of an update, held against the key of this program. `None`: this program takes none at all.
pub(super) fn judge(
    updates: &UpdateFolder,
    said: &OfferedUpdate,
) -> Option<Result<(SignedUpdate, u64), TakenUpdate>> {
    updates.platform()?;
    let judged = updates.signed(&said.signature).and_then(|signed| {
        if signed.name != said.name {
            return Err(UpdateFault::Altered("it goes under another name"));
        }
        signed.check_size(said.size)?;
        Ok(signed)
    });
    Some(match judged {
        Ok(signed) if signed.version == updates.running() => {
            Err(TakenUpdate::Known(signed.version))
        }
        Ok(signed) => Ok((signed, said.size)),
        Err(fault) => Err(TakenUpdate::from(&fault)),
    })
}

/// Takes its bytes out of the package. What is wrong with them is an outcome, for the records in the package are none the worse.
pub(super) fn take<R: Read>(
    updates: &UpdateFolder,
    signed: &SignedUpdate,
    size: u64,
    pieces: &mut Pieces<'_, R>,
) -> Result<TakenUpdate, PackageError> {
    let taken = updates.take(signed, size, |into| {
        pieces
            .read(into)
            .map_err(|fault: PackageFault| PackageError::from(fault))
    });
    match taken {
        Ok(true) => Ok(TakenUpdate::Kept(signed.version)),
        Ok(false) => Ok(TakenUpdate::Known(signed.version)),
        Err(PackageError::Update(fault)) => {
            tracing::warn!(%fault, "an update in a package is not taken");
            Ok(TakenUpdate::from(&fault))
        }
        Err(error) => Err(error),
    }
}
