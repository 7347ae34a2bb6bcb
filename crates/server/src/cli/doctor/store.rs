//! The store and evidence.

use shicha_domain::bounds;

use super::{Findings, folder::tempfile_in};
use crate::{
    evidence::Location,
    home::{DATABASE_FILE, Place},
    store::{Format, PostgresStore, SqliteStore, Store, StoreError, damage_mark, postgres, sqlite},
};

const CHECK: &str = "store";
/// The oldest PostgreSQL that was tried.
const OLDEST_POSTGRES: u32 = 150_000;

/// Looks at the store; when it heard from a device last, Unix ms.
pub(super) fn store(found: &mut Findings, place: &Place, now_ms: u64) -> Option<u64> {
    let looked = match &place.database {
        Some(url) => postgresql(found, url),
        None => file(found, place),
    };
    match looked {
        Ok(Some(store)) => {
            clock(found, &*store, now_ms);
            figures(found, &*store)
        }
        Ok(None) => None,
        Err(error) => {
            let zh = if place.database.is_some() {
                "PostgreSQL 数据库连不上或读不出：检查地址、口令和网络"
            } else {
                "server.db 读不出：停止中心端，从备份恢复，并保留原文件"
            };
            found.error(CHECK, zh, error.to_string());
            None
        }
    }
}

type Opened = Result<Option<Box<dyn Store>>, StoreError>;

fn file(found: &mut Findings, place: &Place) -> Opened {
    let path = place.dir.join(DATABASE_FILE);
    if !path.is_file() {
        found.error(
            CHECK,
            "没有 server.db：先运行 init，或检查 --data",
            "there is no server.db",
        );
        return Ok(None);
    }
    let looked = sqlite::inspect::inspect(&path)?;
    if let Some(damage) = looked.damage {
        found.error(
            CHECK,
            "server.db 已损坏：停止中心端，从备份恢复，并保留原文件",
            damage,
        );
        return Ok(None);
    }
    if damage_mark(&path).exists() {
        found.attention(
            CHECK,
            "运行中遇到过 server.db 的损坏，现在检查完好：重新启动中心端，并运行 verify",
            "damage was met while it served; it is well now: start the endpoint again, and run verify",
        );
    }
    if !is_current(found, looked.format) {
        return Ok(None);
    }
    Ok(Some(Box::new(SqliteStore::open(&path)?)))
}

fn postgresql(found: &mut Findings, url: &str) -> Opened {
    let looked = postgres::inspect::inspect(url)?;
    if looked.version < OLDEST_POSTGRES {
        found.error(
            "postgresql",
            "PostgreSQL 版本过低：需要 15 或更新",
            format!("version {}", looked.version),
        );
    }
    if looked.encoding != "UTF8" {
        found.error(
            "postgresql",
            "数据库编码须为 UTF8：重新建库",
            format!("encoding {}", looked.encoding),
        );
    }
    for (name, value) in &looked.settings {
        setting(found, name, value);
    }
    let Some(format) = looked.format else {
        found.error(
            CHECK,
            "数据库中没有中心端的表：先运行 init",
            "there are no tables",
        );
        return Ok(None);
    };
    if !is_current(found, format) {
        return Ok(None);
    }
    Ok(Some(Box::new(PostgresStore::open(url)?)))
}

fn setting(found: &mut Findings, name: &str, value: &str) {
    let said = format!("{name} = {value}");
    match (name, value) {
        ("fsync" | "full_page_writes", "off") => found.error(
            "postgresql",
            format!("PostgreSQL 的 {said}：断电会毁坏数据库，改为 on"),
            said,
        ),
        ("synchronous_commit", "off") => found.error(
            "postgresql",
            format!("PostgreSQL 的 {said}：断电会丢失已发回执的内容，改为 on"),
            said,
        ),
        ("archive_mode", "off") => found.attention(
            "postgresql",
            format!("PostgreSQL 的 {said}：不能恢复到任意时刻，见操作手册"),
            said,
        ),
        ("max_connections", n) if n.parse::<u32>().is_ok_and(|n| n < 20) => found.attention(
            "postgresql",
            format!("PostgreSQL 的 {said}：每个进程最多用 16 个连接"),
            said,
        ),
        ("server_version_num", _) => {}
        _ => found.ok("postgresql", format!("PostgreSQL 的 {said}"), said),
    }
}

/// Whether the store may be opened without changing it.
fn is_current(found: &mut Findings, format: Format) -> bool {
    let Format {
        found: has, known, ..
    } = format;
    let said = format!("format {has}, this version knows {known}");
    if !format.is_fit() {
        found.error(CHECK, "数据由更新版本的软件改过：换用新版本的程序", said);
        return false;
    }
    if has < known {
        found.attention(CHECK, "数据是旧格式，下次启动时升级：先做备份", said);
        return false;
    }
    if has > known {
        found.attention(CHECK, "数据已是下一版格式，本版仍可使用：尽快换新", said);
    } else {
        found.ok(CHECK, "数据库完好，格式相符", said);
    }
    true
}

/// Whether the clock lets entries be taken.
fn clock(found: &mut Findings, store: &dyn Store, now_ms: u64) {
    match store.newest_receipt_ms() {
        Ok(newest_ms) if bounds::received(now_ms, newest_ms, 0).is_none() => found.error(
            "clock",
            format!(
                "本机时钟比最近的回执慢 {} 分钟，不能收取记录：校准时钟；若时钟曾经超前、现已改正，运行 clock-corrected",
                (newest_ms - now_ms) / 60_000
            ),
            "the clock is behind the newest receipt",
        ),
        Ok(_) => {}
        Err(error) => found.error("clock", "最近的回执读不出", error.to_string()),
    }
}

fn figures(found: &mut Findings, store: &dyn Store) -> Option<u64> {
    match store.info() {
        Ok(Some(info)) => found.ok(CHECK, format!("名称：{}", info.name), "named"),
        Ok(None) => found.error(CHECK, "中心端没有名称：运行 init", "not named"),
        Err(error) => found.error(CHECK, "数据库读不出", error.to_string()),
    }
    match store.devices() {
        Ok(devices) => devices
            .iter()
            .filter_map(|device| device.last_contact_ms)
            .max(),
        Err(error) => {
            found.error(CHECK, "设备名单读不出", error.to_string());
            None
        }
    }
}

pub(super) fn evidence(found: &mut Findings, place: &Place) {
    const CHECK: &str = "evidence";
    let location = place.evidence();
    if let Location::Folder(folder) = &location
        && !folder.is_dir()
    {
        return found.error(
            CHECK,
            format!("附件文件夹 {location} 不存在：检查 --evidence 和挂载"),
            "the folder with evidence is not there",
        );
    }
    let written = match &location {
        Location::Folder(folder) => tempfile_in(folder).map_err(Into::into),
        Location::Bucket(_) => Ok(()),
    };
    let checked = written.and_then(|()| location.open()?.check());
    match checked {
        Ok(()) => found.ok(CHECK, format!("附件 {location} 可读写"), "evidence"),
        Err(error) => found.error(
            CHECK,
            format!("附件 {location} 不可用：检查挂载、地址和权限"),
            error.to_string(),
        ),
    }
}
