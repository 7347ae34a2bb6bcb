//! Packages on the administrator's machine: look at one, take it in, make one, and the card of this endpoint.

use std::path::Path;

use serde_json::json;
use shicha_sync::{
    Random,
    package::{Contents, Looked, PackageFile, Party},
};

use super::say::{Failure, Say};
use crate::{
    home::Home,
    package::{Answering, Desk, Most, PackageError, answer, card as make_card, take as take_in},
};

fn desk<'a>(home: &'a Home, random: &'a Random, now_ms: u64) -> Desk<'a> {
    Desk {
        home,
        random,
        now_ms,
    }
}

/// Says what is in a package, and takes nothing.
pub(super) fn look(say: &Say, home: &Home, now_ms: u64, file: &Path) -> Result<(), Failure> {
    let random = Random::system();
    let looked = desk(home, &random, now_ms).look(file, &mut |_| true)?;
    say.result(&told(&looked), || {
        let mut lines = shown(&looked);
        lines.push("没有导入任何内容 (nothing was taken)".to_owned());
        lines
    });
    Ok(())
}

/// Takes a package in, and makes the answer to it.
pub(super) fn take(
    say: &Say,
    home: &Home,
    now_ms: u64,
    file: &Path,
    answered: Option<(&Path, bool)>,
) -> Result<(), Failure> {
    let random = Random::system();
    let desk = desk(home, &random, now_ms);
    let looked = desk.look(file, &mut |_| true)?;
    let taken = take_in(desk, file, &looked, &mut |_| true)?;
    let answer_bytes = match answered {
        None => None,
        Some((path, with_update)) => {
            let answering = Answering {
                taken: taken.clone(),
                with_evidence: false,
                with_update,
                most: Most::ALL,
            };
            Some(answer(desk, &answering, path, &mut |_| true)?.1)
        }
    };
    let value = json!({
        "package": told(&looked),
        "entries": taken.entries,
        "refused": taken.refused,
        "evidence": taken.evidence,
        "evidence_left": taken.evidence_left,
        "enrolled": taken.enrolled.as_ref().map(|enrolled| enrolled.device.to_string()),
        "problems": taken.problems.iter()
            .map(|(device, code)| json!({ "device": device.to_string(), "code": code.as_str() }))
            .collect::<Vec<_>>(),
        "answer_bytes": answer_bytes,
    });
    say.result(&value, || {
        let mut lines = shown(&looked);
        lines.push(format!(
            "已导入：{} 条记录内容，其中 {} 条未被接受；{} 个附件 (taken)",
            taken.entries, taken.refused, taken.evidence
        ));
        for (device, code) in &taken.problems {
            lines.push(format!(
                "设备 {device} 的内容暂不能接收：{} (see the answer)",
                code.as_str()
            ));
        }
        if let Some(enrolled) = &taken.enrolled {
            lines.push(format!("已登记设备 {} (enrolled)", enrolled.device));
        }
        lines.push(match answered {
            Some((path, _)) => format!("答复数据包：{} (answer)", path.display()),
            None => {
                "没有生成答复；请用 --answer 再导入一次，或用 package make (no answer was made)"
                    .to_owned()
            }
        });
        lines
    });
    Ok(())
}

/// Makes a package for a device, whether it brought one or not.
pub(super) fn make(
    say: &Say,
    home: &Home,
    now_ms: u64,
    answering: &Answering,
    out: &Path,
) -> Result<(), Failure> {
    let random = Random::system();
    let (contents, bytes) = answer(desk(home, &random, now_ms), answering, out, &mut |_| true)?;
    say.result(
        &json!({ "contents": contents, "bytes": bytes, "file": out }),
        || {
            vec![
                counted(&contents),
                format!("已写入 {}，{bytes} 字节 (written)", out.display()),
            ]
        },
    );
    Ok(())
}

/// Writes this endpoint's card.
pub(super) fn card(say: &Say, home: &Home, out: &Path, url: Option<&str>) -> Result<(), Failure> {
    let bytes = make_card(home, url.unwrap_or_default())?;
    let mut file = PackageFile::begin(out, bytes.len() as u64).map_err(PackageError::from)?;
    std::io::Write::write_all(&mut file, &bytes).map_err(PackageError::from)?;
    file.keep().map_err(PackageError::from)?;
    let fingerprint = home.signer.fingerprint();
    say.result(&json!({ "file": out, "fingerprint": fingerprint }), || {
        vec![
            format!("已写入 {} (written)", out.display()),
            format!("指纹：{fingerprint}"),
            "请另行告知对方（电话或纸面），由对方逐位核对 (tell the fingerprint by another way)"
                .to_owned(),
        ]
    });
    Ok(())
}

fn told(looked: &Looked) -> serde_json::Value {
    json!({
        "id": looked.label.id,
        "from": looked.label.from,
        "to": looked.label.to,
        "made_at_ms": looked.label.made_at_ms,
        "software": looked.label.software,
        "contents": looked.contents,
    })
}

fn shown(looked: &Looked) -> Vec<String> {
    let from = match looked.label.from {
        Party::Device { device } => format!("设备 {device}"),
        Party::Newcomer { .. } => "一台申请登记的电脑".to_owned(),
        Party::Endpoint { .. } => "中心端".to_owned(),
    };
    vec![
        format!("来自{from}，内容完整、签名有效 (genuine)"),
        counted(&looked.contents),
    ]
}

fn counted(contents: &Contents) -> String {
    let mut counted = format!(
        "内容：{} 条待收，{} 条已编号，涉及 {} 个记录；{} 个附件共 {} 字节；{} 个回执 (contents)",
        contents.entries(),
        contents.numbered,
        contents.records,
        contents.evidence,
        contents.evidence_bytes,
        contents.receipts
    );
    if let Some(update) = &contents.update {
        counted += &format!("；软件更新 {} (update)", update.name);
    }
    counted
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        let chinese = match &error {
            PackageError::Package(fault) => match fault.code() {
                "not_a_package" => "这不是实查数据包",
                "newer" => "数据包由更新版本的软件生成，请先升级中心端",
                "damaged" => "数据包不完整或被改动过，请重新拷贝",
                "for_another" => "数据包不是给本中心端的",
                "unknown_sender" => "发出方未登记、已停用，或属于另一个中心端",
                "not_signed" => "数据包的签名不对",
                "malformed" => "数据包的内容不符合约定",
                "no_space" => "磁盘空间不足",
                "stopped" => "已停止",
                _ => "文件无法读写",
            },
            PackageError::Here(problem) if problem.code.as_str() == "bad_code" => {
                "登记码不对、已用过或已过期"
            }
            PackageError::Here(_) => "中心端现在无法接收",
            PackageError::NoSuchDevice => "没有这台设备，或已停用",
        };
        Self::input(chinese.to_owned(), error.to_string())
    }
}
