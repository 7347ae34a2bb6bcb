//! An archive of moments to which a store in SQLite can go back.
//!
//! ```text
//! DIR/moments/<unix ms>   one line of JSON, the hashes of the database's blocks, SHA-256 of all before
//! DIR/blocks/ab/<hash>    a block of the database, zstd, shared by all moments that hold it
//! DIR/evidence/ab/<hash>  evidence, which never changes
//! DIR/server.key          the key
//! ```
//!
//! Each moment is a whole and consistent copy of the database, page by page; only blocks that changed since the moments before take
//! space. Invariants: a moment is written after everything that it names is durable, so a kill leaves the moments before as they were;
//! nothing is handed out whose hash is another. Time between two moments is what cannot be told apart: one each five minutes restores
//! to within five minutes.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::evidence::sync_folder;

/// Bytes of the database in one block.
const BLOCK: usize = 64 << 10;
const MOMENTS: &str = "moments";
const BLOCKS: &str = "blocks";
/// The first line of a moment is short.
const MAX_HEADER: usize = 1_000;
const HASH: usize = 32;

/// Why an archive cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum MomentError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the archive is not what it was.
    #[error("{0} is damaged")]
    Damaged(PathBuf),
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    at_ms: u64,
    bytes: u64,
    block: usize,
}

/// What adding a moment cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Blocks of the database.
    pub blocks: u64,
    /// Of these, blocks that no moment before held.
    pub new: u64,
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, MomentError> {
    result.map_err(|source| MomentError::Io {
        path: path.to_owned(),
        source,
    })
}

fn block_path(dir: &Path, hash: &[u8]) -> PathBuf {
    let name = hex::encode(hash);
    dir.join(BLOCKS).join(&name[..2]).join(name)
}

/// Writes a file that is whole or not there.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), MomentError> {
    let unfinished = path.with_extension("unfinished");
    let mut file = at(&unfinished, fs::File::create(&unfinished))?;
    at(
        &unfinished,
        file.write_all(bytes).and_then(|()| file.sync_all()),
    )?;
    at(path, fs::rename(&unfinished, path))?;
    at(path, sync_folder(path.parent()))
}

/// Adds the moment at which a copy of the database was made.
///
/// # Errors
/// When the copy cannot be read or the archive not be written; then the moments before are as they were.
pub fn add(dir: &Path, copy: &Path, at_ms: u64) -> Result<Added, MomentError> {
    let file = at(copy, fs::File::open(copy))?;
    let bytes = at(copy, file.metadata())?.len();
    let header = Header {
        format: 1,
        at_ms,
        bytes,
        block: BLOCK,
    };
    let mut moment = serde_json::to_vec(&header).map_err(|error| MomentError::Io {
        path: dir.to_owned(),
        source: error.into(),
    })?;
    moment.push(b'\n');
    let mut added = Added::default();
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        block.clear();
        at(copy, (&file).take(BLOCK as u64).read_to_end(&mut block))?;
        if block.is_empty() {
            break;
        }
        let hash = Sha256::digest(&block);
        moment.extend_from_slice(&hash);
        added.blocks += 1;
        let path = block_path(dir, &hash);
        if !path.exists() {
            if let Some(folder) = path.parent() {
                at(folder, fs::create_dir_all(folder))?;
            }
            let packed = at(&path, zstd::encode_all(block.as_slice(), 3))?;
            write_whole(&path, &packed)?;
            added.new += 1;
        }
    }
    let seal = Sha256::digest(&moment);
    moment.extend_from_slice(&seal);
    let folder = dir.join(MOMENTS);
    at(&folder, fs::create_dir_all(&folder))?;
    write_whole(&folder.join(at_ms.to_string()), &moment)?;
    Ok(added)
}

/// The moments of an archive, Unix ms, by rising time.
///
/// # Errors
/// When the folder cannot be read.
pub fn moments(dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dir.join(MOMENTS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        if let Some(at_ms) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        {
            found.push(at_ms);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The newest moment of an archive, if it is one.
///
/// # Errors
/// When the folder cannot be read.
pub fn newest_moment(dir: &Path) -> io::Result<Option<u64>> {
    Ok(moments(dir)?.pop())
}

fn read_moment(dir: &Path, at_ms: u64) -> Result<(Header, Vec<[u8; HASH]>), MomentError> {
    let path = dir.join(MOMENTS).join(at_ms.to_string());
    let bytes = at(&path, fs::read(&path))?;
    let damaged = || MomentError::Damaged(path.clone());
    let (said, seal) = bytes.split_last_chunk::<HASH>().ok_or_else(damaged)?;
    if Sha256::digest(said).as_slice() != seal {
        return Err(damaged());
    }
    let end = said
        .iter()
        .take(MAX_HEADER)
        .position(|byte| *byte == b'\n')
        .ok_or_else(damaged)?;
    let (line, hashes) = said.split_at(end);
    let header: Header = serde_json::from_slice(line).map_err(|_| damaged())?;
    let (hashes, rest) = hashes.get(1..).ok_or_else(damaged)?.as_chunks::<HASH>();
    let is_whole = rest.is_empty()
        && header.format == 1
        && header.at_ms == at_ms
        && header.block == BLOCK
        && header.bytes.div_ceil(BLOCK as u64) == hashes.len() as u64;
    if is_whole {
        Ok((header, hashes.to_vec()))
    } else {
        Err(damaged())
    }
}

/// Writes the database as it was at a moment into a new file.
///
/// # Errors
/// When something of it is missing or damaged, or the file cannot be written.
pub fn extract(dir: &Path, at_ms: u64, to: &Path) -> Result<(), MomentError> {
    let (header, hashes) = read_moment(dir, at_ms)?;
    let mut file = at(to, fs::File::create_new(to))?;
    let mut left = header.bytes;
    for hash in hashes {
        let path = block_path(dir, &hash);
        let packed = at(&path, fs::File::open(&path))?;
        let mut block = Vec::with_capacity(BLOCK);
        let unpacked = at(&path, zstd::Decoder::new(packed))?
            .take(BLOCK as u64 + 1)
            .read_to_end(&mut block);
        let expected = left.min(BLOCK as u64);
        if unpacked.is_err()
            || block.len() as u64 != expected
            || Sha256::digest(&block).as_slice() != hash
        {
            return Err(MomentError::Damaged(path));
        }
        left -= expected;
        at(to, file.write_all(&block))?;
    }
    at(to, file.sync_all())
}

/// Forgets moments before `before_ms`, always keeping the newest, and the blocks that no moment needs any more.
///
/// # Errors
/// When the archive cannot be read or changed.
pub fn forget(dir: &Path, before_ms: u64) -> Result<u64, MomentError> {
    let all = at(dir, moments(dir))?;
    let newest = all.last().copied();
    let (gone, kept): (Vec<u64>, Vec<u64>) = all
        .into_iter()
        .partition(|at_ms| *at_ms < before_ms && Some(*at_ms) != newest);
    if gone.is_empty() {
        return Ok(0);
    }
    // Everything that stays is read first: if one is damaged, nothing is thrown away.
    let mut needed = HashSet::new();
    for at_ms in kept {
        needed.extend(read_moment(dir, at_ms)?.1.iter().map(hex::encode));
    }
    for at_ms in &gone {
        let path = dir.join(MOMENTS).join(at_ms.to_string());
        at(&path, fs::remove_file(&path))?;
    }
    let blocks = dir.join(BLOCKS);
    for folder in at(&blocks, fs::read_dir(&blocks))? {
        let folder = at(&blocks, folder)?.path();
        for block in at(&folder, fs::read_dir(&folder))? {
            let block = at(&folder, block)?;
            let is_needed = block
                .file_name()
                .to_str()
                .is_some_and(|name| needed.contains(name));
            if !is_needed {
                at(&block.path(), fs::remove_file(block.path()))?;
            }
        }
    }
    Ok(gone.len() as u64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn database(dir: &Path, pages: &[u8]) -> PathBuf {
        let path = dir.join("copy.db");
        let bytes: Vec<u8> = pages.iter().flat_map(|page| vec![*page; BLOCK]).collect();
        fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
        path
    }

    #[test]
    fn each_moment_comes_back_as_it_was_and_only_changes_take_space() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("archive");
        let mut copies = Vec::new();
        for (at_ms, pages, new) in [(10, [1, 2, 3], 3), (20, [1, 5, 3], 1), (30, [1, 5, 3], 0)] {
            let copy = database(dir.path(), &pages);
            let added = add(&archive, &copy, at_ms).unwrap();
            assert_eq!(added, Added { blocks: 3, new });
            copies.push((at_ms, fs::read(copy).unwrap()));
        }
        assert_eq!(moments(&archive).unwrap(), [10, 20, 30]);
        for (at_ms, bytes) in copies {
            let to = dir.path().join(format!("restored-{at_ms}"));
            extract(&archive, at_ms, &to).unwrap();
            assert_eq!(fs::read(&to).unwrap(), bytes);
            assert!(
                extract(&archive, at_ms, &to).is_err(),
                "nothing is written over"
            );
        }
        assert_eq!(forget(&archive, 20).unwrap(), 1);
        assert_eq!(forget(&archive, 1_000).unwrap(), 1, "the newest stays");
        extract(&archive, 30, &dir.path().join("after")).unwrap();
        assert_eq!(
            fs::read_dir(archive.join(BLOCKS)).unwrap().count(),
            fs::read_dir(archive.join(BLOCKS))
                .unwrap()
                .filter(|folder| {
                    let folder = folder.as_ref().unwrap().path();
                    fs::read_dir(folder).unwrap().count() <= 1
                })
                .count()
        );
    }

    #[test]
    fn what_is_altered_cut_or_missing_is_not_handed_out() {
        let dir = tempfile::tempdir().unwrap();
        let copy = database(dir.path(), &[1, 2, 3]);
        let harms: [&dyn Fn(&Path); 4] = [
            &|path| fs::write(path, b"").unwrap(),
            &|path| fs::remove_file(path).unwrap(),
            &|path| {
                let mut bytes = fs::read(path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(path, bytes).unwrap();
            },
            &|path| {
                let bytes = fs::read(path).unwrap();
                fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
            },
        ];
        for (n, harm) in harms.iter().enumerate() {
            for is_block in [false, true] {
                let archive = dir.path().join(format!("archive-{n}-{is_block}"));
                add(&archive, &copy, 10).unwrap();
                let block = block_path(&archive, &Sha256::digest(vec![2; BLOCK]));
                harm(&if is_block {
                    block
                } else {
                    archive.join(MOMENTS).join("10")
                });
                let to = dir.path().join(format!("to-{n}-{is_block}"));
                assert!(extract(&archive, 10, &to).is_err(), "{n} {is_block}");
            }
        }
    }
}
