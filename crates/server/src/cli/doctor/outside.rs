//! What lies around the endpoint: clock, address, certificate, backups.

use std::{fs, io, net::SocketAddr, path::Path, time::UNIX_EPOCH};

use super::{super::say::moment, Findings};
use crate::{
    home::Place,
    moments::newest_moment,
    signer::KEY_FILE,
    tls::{Dates, TlsFiles, load},
};

/// This program was not there before, Unix ms.
const BEGINNING_MS: u64 = 1_735_689_600_000;
/// So far a clock may go back against what was noted.
const CLOCK_MS: u64 = 5 * 60_000;
const DAY_MS: u64 = 86_400_000;

pub(super) fn clock(found: &mut Findings, now_ms: u64, newest_ms: Option<u64>) {
    const CHECK: &str = "clock";
    let is_behind = newest_ms.is_some_and(|newest| newest > now_ms + CLOCK_MS);
    if now_ms < BEGINNING_MS || is_behind {
        found.error(
            CHECK,
            format!("时钟不对：现在显示 {}，请开启网络对时", moment(now_ms)),
            "the clock is behind what was noted before",
        );
    } else {
        found.ok(CHECK, format!("时钟 {}", moment(now_ms)), "clock");
    }
}

pub(super) fn time_zone(found: &mut Findings) {
    const CHECK: &str = "time_zone";
    let zone = chrono::Local::now().offset().to_string();
    if zone == "+08:00" {
        found.ok(CHECK, format!("时区 {zone}"), "time zone");
    } else {
        found.attention(
            CHECK,
            format!(
                "时区为 {zone}，命令显示的时间不是北京时间：timedatectl set-timezone Asia/Shanghai"
            ),
            "not China's time zone",
        );
    }
}

pub(super) fn listen(found: &mut Findings, addr: SocketAddr) {
    const CHECK: &str = "listen";
    match std::net::TcpListener::bind(addr) {
        Ok(_) => found.ok(CHECK, format!("地址 {addr} 空闲"), "the address is free"),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => found.attention(
            CHECK,
            format!("地址 {addr} 已被占用：如果不是中心端正在运行，换一个地址"),
            "the address is taken; perhaps by the endpoint",
        ),
        Err(error) => found.error(
            CHECK,
            format!("无法监听 {addr}：检查地址和权限"),
            error.to_string(),
        ),
    }
}

pub(super) fn certificate(found: &mut Findings, files: Option<TlsFiles>, now_ms: u64) {
    const CHECK: &str = "certificate";
    let Some(files) = files else {
        return found.attention(
            CHECK,
            "没有指定证书：确认前面有加密的反向代理，或网络是封闭的",
            "no certificate is named",
        );
    };
    match load(&files) {
        Err(error) => found.error(CHECK, "证书不可用：检查两个文件是否配套", error.to_string()),
        Ok(loaded) => {
            let validity = loaded.validity;
            let until = moment(validity.to_ms);
            match validity.at(now_ms) {
                Dates::Fine => found.ok(CHECK, format!("证书有效至 {until}"), "certificate"),
                Dates::EndsIn(days) => found.attention(
                    CHECK,
                    format!("证书 {days} 天后到期（{until}）：尽快更换"),
                    format!("the certificate ends in {days} days"),
                ),
                Dates::NotNow => found.error(
                    CHECK,
                    format!("证书已过期或尚未生效（{until}）：马上更换"),
                    "the certificate does not hold now",
                ),
            }
        }
    }
}

pub(super) fn backups(found: &mut Findings, place: &Place, dir: Option<&Path>, now_ms: u64) {
    const CHECK: &str = "backup";
    let Some(dir) = dir else {
        let zh = if place.database.is_some() {
            "没有指定备份文件夹（--backups）：确认 PostgreSQL 有基础备份和 WAL 归档"
        } else {
            "没有指定备份文件夹（--backups）：确认每天有备份"
        };
        return found.attention(CHECK, zh, "no folder with backups is named");
    };
    match newest(dir) {
        Err(error) => found.error(CHECK, "备份文件夹读不出", error.to_string()),
        Ok(None) => found.error(
            CHECK,
            format!("{} 中没有备份：马上运行 backup", dir.display()),
            "there is no backup",
        ),
        Ok(Some(at_ms)) if now_ms.saturating_sub(at_ms) > 2 * DAY_MS => found.error(
            CHECK,
            format!("最近的备份是 {}：检查每天的备份任务", moment(at_ms)),
            "the newest backup is older than two days",
        ),
        Ok(Some(at_ms)) => found.ok(
            CHECK,
            format!("最近的备份 {}", moment(at_ms)),
            "newest backup",
        ),
    }
}

/// When the newest backup in a folder was made: of `backup FOLDER/NAME`, or of `backup --into FOLDER`.
fn newest(dir: &Path) -> io::Result<Option<u64>> {
    let mut newest = newest_moment(dir)?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let is_whole = path.join(KEY_FILE).is_file()
            && path
                .extension()
                .is_none_or(|extension| extension != "unfinished");
        if is_whole {
            let made = entry.metadata()?.modified()?.duration_since(UNIX_EPOCH);
            newest = newest.max(made.ok().map(|made| made.as_millis() as u64));
        }
    }
    Ok(newest)
}
