//! Going back to a moment: `backup --into` adds one to an archive, `restore` makes a data folder of one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{Local, NaiveDateTime, TimeZone as _};
use serde_json::json;

use super::{
    keep::copy_evidence,
    say::{Failure, Say, moment},
};
use crate::{
    evidence::sync_folder,
    home::{DATABASE_FILE, EVIDENCE_FOLDER, Home},
    moments::{self, MomentError},
    private,
    signer::KEY_FILE,
    store::{SqliteStore, Store as _},
};

const DAY_MS: u64 = 86_400_000;

/// From which archive, to where, and when.
#[derive(clap::Args)]
pub(super) struct Restore {
    /// backup --into 的文件夹 (folder of backup --into)
    #[arg(long)]
    from: PathBuf,
    /// 新的数据文件夹，必须不存在 (new data folder; must not exist)
    #[arg(long, required_unless_present = "list")]
    to: Option<PathBuf>,
    /// 恢复到的时刻，例如 2022-04-12T10:30；省略时为最近一次 (moment to go back to; the newest if omitted)
    #[arg(long, value_parser = time)]
    until: Option<u64>,
    /// 只列出可恢复的时刻 (only list the moments)
    #[arg(long)]
    list: bool,
}

/// A moment as people write it, in local time, or with an offset.
fn time(text: &str) -> Result<u64, String> {
    let ms = chrono::DateTime::parse_from_rfc3339(text)
        .map(|at| at.timestamp_millis())
        .ok()
        .or_else(|| {
            [
                "%Y-%m-%dT%H:%M:%S",
                "%Y-%m-%dT%H:%M",
                "%Y-%m-%d %H:%M:%S",
                "%Y-%m-%d %H:%M",
            ]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .and_then(|at| Local.from_local_datetime(&at).earliest())
            .map(|at| at.timestamp_millis())
        });
    ms.and_then(|ms| u64::try_from(ms).ok())
        .ok_or_else(|| "2022-04-12T10:30 | 2022-04-12T10:30:00+08:00".to_owned())
}

impl From<MomentError> for Failure {
    fn from(error: MomentError) -> Self {
        let zh = match &error {
            MomentError::Io { path, .. } => format!("无法读写 {}", path.display()),
            MomentError::Damaged(path) => {
                format!("{} 已损坏，未作恢复；试试更早的时刻", path.display())
            }
        };
        Self::folder(zh, error.to_string())
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Failure {
    let path = path.to_owned();
    move |error| {
        Failure::folder(
            format!("无法读写 {}", path.display()),
            format!("{}: {error}", path.display()),
        )
    }
}

/// Adds this moment to the archive. The key and evidence come before it.
pub(super) fn add(
    say: &Say,
    home: &Home,
    archive: &Path,
    keep_days: Option<u32>,
    now_ms: u64,
) -> Result<(), Failure> {
    private::make_folder(archive).map_err(failed(archive))?;
    let key = archive.join(KEY_FILE);
    if !key.exists() {
        fs::copy(home.dir.join(KEY_FILE), &key).map_err(failed(&key))?;
    } else if fs::read(&key).map_err(failed(&key))?
        != fs::read(home.dir.join(KEY_FILE)).map_err(failed(&home.dir))?
    {
        return Err(Failure::input(
            format!("{} 是另一个中心端的备份", archive.display()),
            "the archive belongs to another endpoint",
        ));
    }
    let copy = archive.join("copy.unfinished");
    if copy.exists() {
        fs::remove_file(&copy).map_err(failed(&copy))?;
    }
    home.store.backup_to(&copy, uuid::Uuid::now_v7())?;
    let mut files = 0_u64;
    if home.location.is_folder() {
        for (hash, _) in home.store.blobs()? {
            let to = evidence_path(archive, &hash.to_string());
            if to.exists() {
                continue;
            }
            if copy_evidence(home, hash, &to).map_err(failed(&to))? {
                files += 1;
            } else {
                say.note(&format!("附件 {hash} 不见了，未备份 (missing, not copied)"));
            }
        }
    }
    let added = moments::add(archive, &copy, now_ms)?;
    fs::remove_file(&copy).map_err(failed(&copy))?;
    let forgotten = match keep_days {
        None => 0,
        Some(days) => moments::forget(archive, now_ms.saturating_sub(u64::from(days) * DAY_MS))?,
    };
    let value = json!({
        "at_ms": now_ms, "blocks": added.blocks, "new": added.new, "files": files, "forgotten": forgotten,
    });
    say.result(&value, || {
        vec![format!(
            "已备份 {} 的状态到 {}：{} 块中新增 {} 块，附件 {files} 个 (this moment was added to the archive)",
            moment(now_ms),
            archive.display(),
            added.blocks,
            added.new
        )]
    });
    Ok(())
}

fn evidence_path(dir: &Path, hash: &str) -> PathBuf {
    dir.join(EVIDENCE_FOLDER)
        .join(hash.get(..2).unwrap_or_default())
        .join(hash)
}

/// Makes a data folder of the newest moment that is not after the one asked for.
pub(super) fn restore(say: &Say, how: &Restore) -> Result<(), Failure> {
    let archive = how.from.as_path();
    let all = moments::moments(archive).map_err(failed(archive))?;
    let Some(to) = how.to.as_deref().filter(|_| !how.list) else {
        say.result(&json!({ "moments": all }), || {
            all.iter().map(|at_ms| moment(*at_ms)).collect()
        });
        return Ok(());
    };
    let found = all
        .iter()
        .rev()
        .find(|at_ms| how.until.is_none_or(|until| **at_ms <= until));
    let Some(at_ms) = found.copied() else {
        return Err(Failure::input(
            format!("{} 中没有那时或更早的状态", archive.display()),
            "the archive holds no moment that early",
        ));
    };
    if to.exists() {
        return Err(Failure::input(
            format!("{} 已存在", to.display()),
            format!("{} exists already", to.display()),
        ));
    }
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = to.with_file_name(name);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(failed(&unfinished))?;
    }
    private::make_folder(&unfinished).map_err(failed(&unfinished))?;
    let database = unfinished.join(DATABASE_FILE);
    moments::extract(archive, at_ms, &database)?;
    let key = archive.join(KEY_FILE);
    fs::copy(&key, unfinished.join(KEY_FILE)).map_err(failed(&key))?;
    let blobs = SqliteStore::open(&database)?.blobs()?;
    let (mut files, mut missing) = (0_u64, 0_u64);
    for (hash, _) in blobs {
        let hash = hash.to_string();
        let (from, to) = (
            evidence_path(archive, &hash),
            evidence_path(&unfinished, &hash),
        );
        if !from.exists() {
            missing += 1;
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(failed(folder))?;
        }
        fs::copy(&from, &to).map_err(failed(&to))?;
        files += 1;
    }
    fs::rename(&unfinished, to).map_err(failed(to))?;
    let above = to.parent().filter(|above| !above.as_os_str().is_empty());
    sync_folder(above).map_err(failed(to))?;
    let value = json!({ "at_ms": at_ms, "path": to, "files": files, "missing": missing });
    say.result(&value, || {
        vec![
            format!(
                "已把 {} 的状态恢复到 {}，附件 {files} 个，备份中没有的 {missing} 个 (restored)",
                moment(at_ms),
                to.display()
            ),
            "启动后各设备会自动补发此后的内容 (after the start the devices send again what came later)".to_owned(),
        ]
    });
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_people_write_it() {
        assert_eq!(time("2022-04-12T02:30:00Z"), Ok(1_649_730_600_000));
        assert_eq!(time("2022-04-12T10:30:00+08:00"), Ok(1_649_730_600_000));
        assert_eq!(time("2022-04-12 10:30"), time("2022-04-12T10:30:00"));
        for wrong in ["", "yesterday", "2022-13-01T00:00", "1649730600000"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
