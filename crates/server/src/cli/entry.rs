//! Entries that were refused: listing them, and letting one in after all.

use clap::Subcommand;
use serde_json::json;
use shicha_domain::DeviceId;

use super::say::{Failure, Say, moment};
use crate::{administration::Hand, home::Home, intake};

/// What is done with refused entries.
#[derive(Subcommand)]
pub(super) enum Entry {
    /// 列出被拒绝的条目 (list what was refused)
    Refused {
        /// 只看这台设备 (only of this device)
        #[arg(long)]
        device: Option<DeviceId>,
        /// 最多几条 (at most so many)
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// 放行一条因名录而被拒绝的条目：从此刻起算数，会记入审计 (let an entry in that was refused for the directory's sake; it counts from now on; noted in the audit log)
    Release {
        /// 设备 (whose ledger it stands in)
        #[arg(long)]
        device: DeviceId,
        /// 第几条 (at which place)
        #[arg(long)]
        seq: u64,
        /// 理由 (why)
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(say: &Say, home: &Home, now: u64, command: Entry) -> Result<(), Failure> {
    match command {
        Entry::Refused { device, limit } => list(say, home, device, limit),
        Entry::Release {
            device,
            seq,
            reason,
        } => release(say, home, now, device, seq, &reason),
    }
}

fn list(say: &Say, home: &Home, device: Option<DeviceId>, limit: usize) -> Result<(), Failure> {
    let register = home.store.register()?;
    let refused = home.store.refused(device, &|_| true, limit)?;
    let may = |one| intake::may_release(&register.tree, one, None).is_ok();
    let values: Vec<_> = refused
        .iter()
        .map(|one| {
            let entry = &one.candidate.entry;
            json!({
                "device": entry.device,
                "seq": entry.seq,
                "entry": one.candidate.id,
                "channel": entry.channel,
                "record": entry.record,
                "code": one.code,
                "claimed_ms": entry.at.ms(),
                "received_ms": one.receipt.received_at_ms,
                "is_releasable": may(one),
            })
        })
        .collect();
    say.result(&json!({ "refused": values }), || {
        refused
            .iter()
            .map(|one| {
                let entry = &one.candidate.entry;
                format!(
                    "{}\t{}\t{}\t{}\t{}\t{}",
                    moment(one.receipt.received_at_ms),
                    entry.device,
                    entry.seq,
                    entry.channel,
                    reason_zh(&one.code),
                    if may(one) {
                        "可放行 (releasable)"
                    } else {
                        "-"
                    }
                )
            })
            .chain([format!("共 {} 条 (entries)", refused.len())])
            .collect()
    });
    Ok(())
}

fn release(
    say: &Say,
    home: &Home,
    now: u64,
    device: DeviceId,
    seq: u64,
    reason: &str,
) -> Result<(), Failure> {
    let released = Hand::command_line(home, now).release(device, seq, reason)?;
    let Some(released) = released else {
        return Err(Failure::input(
            format!("设备 {device} 第 {seq} 条不是被拒绝的条目"),
            "there is no refused entry at that place",
        ));
    };
    let value = json!({
        "channel": released.channel,
        "number": released.number,
        "received_at_ms": released.receipt.received_at_ms,
    });
    say.result(&value, || {
        vec![format!(
            "已放行：频道 {} 第 {} 号，自 {} 起算数 (released; it counts from this moment on)",
            released.channel,
            released.number,
            moment(released.receipt.received_at_ms)
        )]
    });
    Ok(())
}

/// Why an entry was refused, as operators read it.
fn reason_zh(code: &str) -> &str {
    use shicha_sync::protocol::messages::refusal::*;
    match code {
        CHANNEL => "无权写入该频道 (channel)",
        EVENT => "无权做此事 (event)",
        NO_SUCH_ORG => "没有这个单位 (no_such_org)",
        PARTED => "机构已转出 (parted)",
        AUTHOR => "署名与设备不符 (author)",
        MALFORMED => "内容不成形 (malformed)",
        ELSEWHERE => "记录属于别的频道 (elsewhere)",
        ENDED => "人员已停用 (ended)",
        REVOKED => "设备已停用 (revoked)",
        other => other,
    }
}
