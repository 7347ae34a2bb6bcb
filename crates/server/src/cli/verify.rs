//! Verification, in words.

use shicha_domain::record::Doubt;

use super::say::{Failure, Say, moment};
use crate::{
    home::Home,
    verify::{self, VerifyFault, VerifyMark},
};

pub(super) fn verify(say: &Say, home: &Home) -> Result<(), Failure> {
    let found = verify::verify(home, &mut |so_far| {
        tracing::debug!(
            entries = so_far.entries,
            records = so_far.records,
            blobs = so_far.blobs,
            "verifying"
        );
    })?;
    let value = serde_json::to_value(&found)
        .map_err(|error| Failure::folder("无法输出", error.to_string()))?;
    for mark in &found.marks {
        say.note(&noticed(mark));
    }
    if found.marks_left_out > 0 {
        say.note(&format!(
            "同类情况还有 {} 处，未逐一列出 (more of the same kinds)",
            found.marks_left_out
        ));
    }
    if !found.faults.is_empty() {
        for fault in &found.faults {
            say.note(&sentence(fault));
        }
        let count = found.faults.len();
        return Err(Failure::input(
            format!("发现 {count} 处不符"),
            format!("{count} things do not fit"),
        )
        .with_faults(value["faults"].clone()));
    }
    say.result(&value, || {
        vec![
            format!(
                "全部相符：设备 {}、条目 {}、回执 {}、频道 {}、记录 {}、签名 {}、附件 {}、审计记录 {} (everything fits: devices, entries, receipts, channels, records, signatures, files, audit log)",
                found.devices,
                found.entries,
                found.receipts,
                found.channels,
                found.records,
                found.signatures,
                found.blobs,
                found.audit_rows
            ),
            format!(
                "如实保存、但值得一看：{} 处；时间未能证实的条目：{} (kept as it came and worth a look; entries whose time is unproved)",
                found.marks.len() as u64 + found.marks_left_out,
                found.unproved
            ),
        ]
    });
    Ok(())
}

fn sentence(fault: &VerifyFault) -> String {
    match fault {
        VerifyFault::Entry {
            device,
            seq,
            reason,
        } => {
            format!(
                "设备 {device} 从第 {seq} 条起与封存时不同：{reason} (first entry that does not fit)"
            )
        }
        VerifyFault::Receipt {
            device,
            seq,
            reason,
        } => {
            format!("设备 {device} 第 {seq} 条的回执不符：{reason} (receipt does not fit)")
        }
        VerifyFault::Rank {
            device,
            seq,
            reason,
        } => {
            format!(
                "设备 {device} 从第 {seq} 条起，收到的先后或是否被拒与回执不符：{reason} (first entry whose rank does not fit)"
            )
        }
        VerifyFault::Bounds { device } => {
            format!(
                "为设备 {device} 记着的时间下限早于其最近的回执或日志末尾 (what is kept for the bounds of what this device sends next lies before its newest receipt or told end)"
            )
        }
        VerifyFault::Record { record, reason } => {
            format!("记录 {record} 与其条目不符：{reason} (record does not fit)")
        }
        VerifyFault::Numbers {
            channel,
            last,
            count,
        } => {
            format!("频道 {channel} 的编号有缺：最后 {last}，实有 {count} (numbers have a gap)")
        }
        VerifyFault::Order { channel, number } => {
            format!(
                "频道 {channel} 的编号从第 {number} 号起与收到的先后不符 (numbers are not in the order of the receipts)"
            )
        }
        VerifyFault::Evidence {
            hash,
            is_there: true,
        } => format!("附件 {hash} 的内容已变 (bytes have changed)"),
        VerifyFault::Evidence {
            hash,
            is_there: false,
        } => format!("附件 {hash} 不见了 (file is missing)"),
        VerifyFault::Audit { n, reason } => {
            format!("审计记录从第 {n} 行起与写入时不同：{reason} (audit log does not fit)")
        }
    }
}

fn noticed(mark: &VerifyMark) -> String {
    match mark {
        VerifyMark::Life { life, began_at_ms } => format!(
            "中心端从 {} 起进入第 {life} 段时期：曾从备份恢复，或校正过时钟 (another life of this endpoint: it was put back to a backup, or its clock was corrected)",
            moment(*began_at_ms)
        ),
        VerifyMark::UnknownReceipt { device, seq, count } => format!(
            "设备 {device} 从第 {seq} 条起提到本端没有的回执，共 {count} 个：本端被换回了较旧的数据，或该设备编造了回执 (names receipts that are not here: this endpoint was put back to an older copy, or the device made them up)"
        ),
        VerifyMark::Continued { device, of } => format!(
            "设备 {device} 接着设备 {of} 的日志写：电脑重装过，或换回了较旧的副本 (goes on with that device's log: the laptop was installed anew or put back to an older copy)"
        ),
        VerifyMark::Contradicted {
            device,
            seq,
            record,
            claimed_ms,
            since_ms,
            received_ms,
        } => {
            let what = if claimed_ms < since_ms {
                "倒签"
            } else {
                "超前"
            };
            format!(
                "{what}：设备 {device} 第 {seq} 条（记录 {record}）自称写于 {}，实际在 {} 与 {} 之间 (the claimed time is outside of its bounds)",
                moment(*claimed_ms),
                moment(*since_ms),
                moment(*received_ms)
            )
        }
        VerifyMark::Signature {
            record,
            device,
            seq,
            author,
            doubt,
        } => {
            let which = format!("记录 {record} 的签名（设备 {device} 第 {seq} 条，{author} 录入）");
            match doubt {
                Doubt::Digest => format!(
                    "{which}与所签内容不符 (the digest of the signature is not that of what it covers)"
                ),
                Doubt::Incomplete { held, count } => format!(
                    "{which}所签的 {count} 条中只收到 {held} 条 (the signature covers entries that were not received)"
                ),
                Doubt::Version {
                    counts,
                    knew_of_first,
                    leaves_out,
                } => {
                    let knew = if *knew_of_first {
                        "，录入人知道已有签名"
                    } else {
                        ""
                    };
                    let counts = if *counts {
                        "，经裁定以此为准"
                    } else {
                        ""
                    };
                    format!(
                        "{which}是先收到的版本之外的另一个版本{knew}{counts}，未包括此前收到的 {leaves_out} 条 (another signed version beside the one received first; how many entries received before it are left out)"
                    )
                }
            }
        }
    }
}
