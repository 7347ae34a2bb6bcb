//! The data folder, the key and the space on the disk.

use std::{fs, io, path::Path};

use super::Findings;
use crate::{
    evidence::free_space,
    signer::{KEY_FILE, Signer},
};

const GIB: u64 = 1 << 30;
/// Below this, evidence of a few days does not fit any more.
const LITTLE: u64 = 10 * GIB;
/// Below this, a busy day does not.
const TOO_LITTLE: u64 = GIB;

/// Whether others than the owner may read.
#[cfg(unix)]
fn is_open_to_others(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(fs::metadata(path)?.mode() & 0o077 != 0)
}

/// Who may read is a matter of the folder above there.
#[cfg(not(unix))]
fn is_open_to_others(path: &Path) -> io::Result<bool> {
    fs::metadata(path).map(|_| false)
}

pub(super) fn folder(found: &mut Findings, dir: &Path) {
    const CHECK: &str = "folder";
    let name = dir.display();
    if !dir.is_dir() {
        return found.error(
            CHECK,
            format!("数据文件夹 {name} 不存在：检查 --data 和挂载"),
            "the data folder is not there",
        );
    }
    if let Err(error) = tempfile_in(dir) {
        return found.error(
            CHECK,
            format!("数据文件夹 {name} 不可写：检查属主和权限"),
            format!("the data folder cannot be written: {error}"),
        );
    }
    match is_open_to_others(dir) {
        Ok(false) => found.ok(CHECK, format!("数据文件夹 {name} 可用"), "data folder"),
        Ok(true) => found.attention(
            CHECK,
            format!("数据文件夹 {name} 其他用户也能进入：chmod 700"),
            "others may enter the data folder",
        ),
        Err(error) => found.error(
            CHECK,
            format!("数据文件夹 {name} 无法查看"),
            error.to_string(),
        ),
    }
}

/// Writes a file that nobody needs, and removes it.
pub(super) fn tempfile_in(dir: &Path) -> io::Result<()> {
    let path = dir.join(format!(".doctor-{}", std::process::id()));
    fs::write(&path, b"doctor")?;
    fs::remove_file(&path)
}

pub(super) fn key(found: &mut Findings, dir: &Path) {
    const CHECK: &str = "key";
    let path = dir.join(KEY_FILE);
    if let Err(error) = Signer::load(dir) {
        return found.error(
            CHECK,
            format!(
                "{} 读不出：从备份取回；没有它，所有设备都要重新登记",
                path.display()
            ),
            format!("the server's key cannot be read: {error}"),
        );
    }
    match is_open_to_others(&path) {
        Ok(false) if cfg!(unix) => {
            found.ok(CHECK, "服务器密钥可用，只有属主可读", "server's key");
        }
        // Not looked at there, so not said to be well.
        Ok(false) => found.ok(
            CHECK,
            "服务器密钥可用；谁能读由所在文件夹的权限决定",
            "server's key; the folder decides who may read it",
        ),
        _ => found.error(
            CHECK,
            format!("{} 其他用户也能读：chmod 600", path.display()),
            "others may read the server's key",
        ),
    }
}

pub(super) fn space(found: &mut Findings, dir: &Path) {
    const CHECK: &str = "space";
    match free_space(dir) {
        Ok(free) => {
            let (zh, en) = (
                format!("剩余空间 {} GB", free / GIB),
                format!("{} GiB left", free / GIB),
            );
            if free < TOO_LITTLE {
                found.error(CHECK, format!("{zh}：马上扩容或清理"), en);
            } else if free < LITTLE {
                found.attention(CHECK, format!("{zh}：尽快扩容"), en);
            } else {
                found.ok(CHECK, zh, en);
            }
        }
        Err(error) => found.error(CHECK, "剩余空间查不出", error.to_string()),
    }
}
