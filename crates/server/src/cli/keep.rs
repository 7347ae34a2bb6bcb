//! Keeping the data: backup, and what is to be done after one was put back.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use serde_json::json;
use shicha_domain::BlobHash;

use shicha_sync::protocol::admin::act;

use super::say::{Failure, Say};
use crate::{
    administration::Hand,
    evidence::{Location, sync_folder},
    home::{DATABASE_FILE, EVIDENCE_FOLDER, Home},
    private,
    signer::KEY_FILE,
};

/// How much of a file is copied at a time.
const COPY_PIECE: usize = 1 << 20;

/// Marks a restored database, so that its devices send again what it lacks and no document number is given twice.
pub(super) fn restored(say: &Say, home: &Home, now: u64) -> Result<(), Failure> {
    home.store.mark_restored()?;
    Hand::command_line(home, now).note(act::RESTORED, None, home.info.name.clone(), json!({}))?;
    say.result(&json!({ "restored": true }), || {
        vec!["已记下：下次启动后，各设备会补发恢复点之后的内容 (noted: after the next start the devices send again what is lacking)".to_owned()]
    });
    Ok(())
}

/// Notes that the clock was ahead and is right now, so that entries are taken again.
pub(super) fn clock_corrected(say: &Say, home: &Home, now: u64) -> Result<(), Failure> {
    Hand::command_line(home, now).correct_clock()?;
    let life = home.store.info()?.map_or(0, |info| info.life);
    say.result(&json!({ "life": life }), || {
        vec![format!(
            "已记下：从现在起重新发回执，这是中心端的第 {life} 段时期 (noted: receipts are given anew from now, in life {life})"
        )]
    });
    Ok(())
}

/// Copies the data folder. The database first: evidence that it names was there before, and evidence is never changed.
pub(super) fn backup(say: &Say, home: &Home, target: &Path) -> Result<(), Failure> {
    if target.exists() {
        return Err(Failure::input(
            format!("{} 已存在", target.display()),
            format!("{} exists already", target.display()),
        ));
    }
    let failed = |error: io::Error| {
        Failure::folder(
            format!("无法写入 {}", target.display()),
            format!("{}: {error}", target.display()),
        )
    };
    let name = target
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    // Under another name until it is whole, so that half a backup is not taken for one.
    let unfinished = target.with_file_name(format!("{name}.unfinished"));
    private::make_folder(&unfinished).map_err(failed)?;
    let database = unfinished.join(DATABASE_FILE);
    for left in [&database, &unfinished.join(KEY_FILE)] {
        if left.exists() {
            fs::remove_file(left).map_err(failed)?;
        }
    }
    home.store.backup_to(&database, uuid::Uuid::now_v7())?;
    fs::copy(home.dir.join(KEY_FILE), unfinished.join(KEY_FILE)).map_err(failed)?;
    let blobs = home.store.blobs()?;
    let left = match &home.location {
        Location::Folder(_) => 0,
        Location::Bucket(_) => blobs.len(),
    };
    let mut files = 0_u64;
    for (hash, _) in blobs.iter().skip(left) {
        let name = hash.to_string();
        let to = unfinished
            .join(EVIDENCE_FOLDER)
            .join(&name[..2])
            .join(&name);
        if to.exists() {
            continue;
        }
        if copy_evidence(home, *hash, &to).map_err(failed)? {
            files += 1;
        } else {
            // `verify` tells of it; a backup of the rest is worth more than none.
            say.note(&format!("附件 {hash} 不见了，未备份 (missing, not copied)"));
        }
    }
    fs::rename(&unfinished, target).map_err(failed)?;
    sync_folder(
        target
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty()),
    )
    .map_err(failed)?;
    let value = json!({ "path": target, "files": files, "left_in_bucket": left });
    say.result(&value, || {
        let mut lines = vec![format!(
            "已备份到 {}，含数据库、服务器密钥和 {files} 个附件；密钥须妥善保管 (backed up; it holds the server's key, keep it safe)",
            target.display()
        )];
        if left > 0 {
            lines.push(format!(
                "{left} 个附件在 {}，未复制：由存储桶的版本控制或复制保护 (stay in the bucket and were not copied; its own versions or replication protect them)",
                home.location
            ));
        }
        lines
    });
    Ok(())
}

/// Copies one piece of evidence and makes the copy durable. `false`: it is not there.
pub(super) fn copy_evidence(home: &Home, hash: BlobHash, to: &Path) -> io::Result<bool> {
    let read = |at| {
        home.evidence
            .read(hash, at, COPY_PIECE)
            .map_err(io::Error::other)
    };
    let Some(mut piece) = read(0)? else {
        return Ok(false);
    };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    // Under another name until it is whole: a backup that was broken off goes on from what it has.
    let part = to.with_extension("part");
    let mut file = fs::File::create(&part)?;
    let mut at = 0;
    while !piece.is_empty() {
        file.write_all(&piece)?;
        at += piece.len() as u64;
        piece = read(at)?.unwrap_or_default();
    }
    file.sync_all()?;
    fs::rename(part, to)?;
    Ok(true)
}
