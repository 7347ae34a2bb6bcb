//! Updates of the application: put there with the maker's signature, listed, released and withdrawn.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use shicha_domain::OrgCode;
use shicha_sync::{
    protocol::update::UpdateReport,
    update::{MAX_SIGNATURE, UpdateFault, UpdateKey},
};

use super::say::{Failure, Say, moment};
use crate::{
    administration::Hand,
    home::Home,
    store::StoreError,
    updates::{self, AddFault},
};

#[derive(Subcommand)]
pub(super) enum Update {
    /// 放入一个新版本的安装程序：先核对签名 (put a setup there, once its signature is proved)
    Add {
        /// 安装程序 Shicha-<版本>-setup.exe (setup)
        file: PathBuf,
        /// 签名文件；省略时为安装程序名后加 .sig 或 .minisig (signature; the setup's name with .sig or .minisig if omitted)
        #[arg(long)]
        signature: Option<PathBuf>,
        /// 公钥文件；省略时用本程序内置的 (public key; the one that was compiled in if omitted)
        #[arg(long)]
        key: Option<PathBuf>,
    },
    /// 列出 (list)
    List,
    /// 发放给该组织及其下级 (release for the organisation and all below it)
    Release(Which),
    /// 收回对该组织的发放；已经装好的不受影响 (take a release back; what is installed stays)
    Withdraw(Which),
}

#[derive(clap::Args)]
pub(super) struct Which {
    /// 版本，例如 0.2.0，或文件名 (version, or the file's name)
    update: String,
    /// 组织代码 (organisation)
    #[arg(long)]
    org: OrgCode,
}

pub(super) fn run(say: &Say, home: &Home, now_ms: u64, command: Update) -> Result<(), Failure> {
    let hand = Hand::command_line(home, now_ms);
    match command {
        Update::Add {
            file,
            signature,
            key,
        } => add(say, &hand, &file, signature.as_deref(), key.as_deref()),
        Update::List => list(say, home),
        Update::Release(which) => {
            let name = name_of(home, &which.update)?;
            let is_changed = updates::release(&hand, &name, &which.org)?;
            tell(say, &name, &which.org, is_changed, "已发放 (released)");
            Ok(())
        }
        Update::Withdraw(which) => {
            let name = name_of(home, &which.update)?;
            let is_changed = updates::withdraw(&hand, &name, &which.org)?;
            tell(say, &name, &which.org, is_changed, "已收回 (withdrawn)");
            Ok(())
        }
    }
}

fn add(
    say: &Say,
    hand: &Hand<'_>,
    file: &Path,
    signature: Option<&Path>,
    key: Option<&Path>,
) -> Result<(), Failure> {
    let key = match key {
        Some(path) => UpdateKey::parse(&text(path)?).map_err(AddFault::from)?,
        None => UpdateKey::built_in()
            .map_err(AddFault::from)?
            .ok_or_else(|| {
                Failure::input(
                    "本程序没有内置更新公钥，请用 --key 指明",
                    "no key was compiled in; name one with --key",
                )
            })?,
    };
    let signature = match signature {
        Some(path) => path.to_owned(),
        None => beside(file),
    };
    let (signed, is_new) = updates::add(hand, file, &text(&signature)?, &key)?;
    let value = json!({
        "name": signed.name,
        "version": signed.version,
        "platform": signed.platform,
        "changed": is_new,
    });
    say.result(&value, || {
        vec![
            if is_new {
                format!("{} 签名有效，已放入 (genuine; put there)", signed.name)
            } else {
                format!("{} 早已在此 (was there before)", signed.name)
            },
            format!(
                "发放给全市：shicha-server update release {} --org <市局代码> (release it)",
                signed.version
            ),
        ]
    });
    Ok(())
}

/// As Tauri and rsign2 name it, or as minisign does.
fn beside(file: &Path) -> PathBuf {
    let with = |ending: &str| {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let minisig = with(".minisig");
    if minisig.exists() {
        minisig
    } else {
        with(".sig")
    }
}

/// A small file.
fn text(path: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let cannot = |why: &dyn std::fmt::Display| {
        Failure::input(
            format!("无法读取 {}", path.display()),
            format!("{}: {why}", path.display()),
        )
    };
    let file = std::fs::File::open(path).map_err(|error| cannot(&error))?;
    let mut text = String::new();
    file.take(MAX_SIGNATURE as u64)
        .read_to_string(&mut text)
        .map_err(|error| cannot(&error))?;
    Ok(text)
}

/// The update of that name or version.
fn name_of(home: &Home, said: &str) -> Result<String, Failure> {
    let all = updates::report(home, None)?.updates;
    let mut fitting = all
        .into_iter()
        .filter(|update| update.name == said || update.version == said);
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one.name),
        (None, _) => Err(StoreError::Missing("update").into()),
        (Some(_), Some(_)) => Err(Failure::input(
            format!("{said} 有不止一个文件，请写文件名"),
            "several files of that version; give the name",
        )),
    }
}

fn tell(say: &Say, name: &str, org: &OrgCode, is_changed: bool, done: &str) {
    let value = json!({ "name": name, "org": org, "changed": is_changed });
    say.result(&value, || {
        vec![if is_changed {
            format!("{name} {org}：{done}")
        } else {
            format!("{name} {org}：早已如此 (was so before)")
        }]
    });
}

fn list(say: &Say, home: &Home) -> Result<(), Failure> {
    let found = updates::report(home, None)?;
    say.result(&json!(found), || {
        let total = found.devices;
        found
            .updates
            .iter()
            .flat_map(|update| lines(update, total))
            .chain([format!("共 {} 个 (in all)", found.updates.len())])
            .collect()
    });
    Ok(())
}

fn lines(update: &UpdateReport, total: u64) -> Vec<String> {
    let mut lines = vec![format!(
        "{}\t{}\t{} 字节\t放入 (added) {}\t已有 (have it) {}/{total} 台",
        update.version,
        update.name,
        update.size,
        moment(update.added_at_ms),
        update.have
    )];
    for release in &update.releases {
        lines.push(format!(
            "\t{}\t发放于 (released) {}\t{}/{} 台",
            release.org,
            moment(release.at_ms),
            release.have,
            release.devices
        ));
    }
    if update.releases.is_empty() {
        lines.push("\t尚未发放 (not released)".to_owned());
    }
    lines
}

impl From<AddFault> for Failure {
    fn from(fault: AddFault) -> Self {
        let chinese = match &fault {
            AddFault::Update(fault) => match fault {
                UpdateFault::NotASignature(_) => "签名或公钥文件无法识别",
                UpdateFault::OtherKey => "签名不是用这把公钥对应的密钥签的",
                UpdateFault::Altered(_) => "文件与签名不符：不完整或被改动过",
                UpdateFault::NoUpdate(_) => {
                    "签名里的文件名不是 Shicha-<版本>-setup.exe，请按 docs/release.md 重新签名"
                }
                UpdateFault::Size(_) => "文件大小不对",
                UpdateFault::NoSpace { .. } => "磁盘空间不足",
                _ => "文件无法读写",
            },
            AddFault::Evidence(_) => "文件无法存放",
            AddFault::Store(StoreError::Contradiction(_)) => {
                "同名的另一个文件已在此；新的文件要用新的版本号"
            }
            AddFault::Store(_) => "数据库无法读写",
        };
        Self::input(chinese, fault.to_string())
    }
}
