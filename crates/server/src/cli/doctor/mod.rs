//! `doctor`: looks at everything that an endpoint needs and says of each thing whether it is right, and what to do where it is not.
//!
//! Invariant: it changes nothing, and a thing that cannot be looked at is told as such and hides no other.

mod folder;
mod outside;
mod store;

use std::{net::SocketAddr, path::PathBuf};

use serde::Serialize;
use serde_json::json;

use super::say::{Failure, Say};
use crate::{home::Place, tls::TlsFiles};

/// What to look at beside the data folder.
#[derive(clap::Args)]
pub(super) struct Doctor {
    /// 中心端的监听地址 (address that the endpoint listens at)
    #[arg(long, env = "SHICHA_LISTEN", default_value = "127.0.0.1:7300")]
    listen: SocketAddr,
    /// 证书链 PEM 文件 (certificate chain)
    #[arg(long, env = "SHICHA_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// 证书私钥 PEM 文件 (its private key)
    #[arg(long, env = "SHICHA_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// 存放备份的文件夹 (folder with backups)
    #[arg(long, env = "SHICHA_BACKUPS")]
    backups: Option<PathBuf>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    Ok,
    Attention,
    Error,
}

/// What was found of one thing.
#[derive(Debug, Serialize)]
struct Finding {
    mark: Mark,
    /// Which thing, for programs.
    check: &'static str,
    zh: String,
    en: String,
}

/// The findings so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        mark: Mark,
        check: &'static str,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) {
        self.0.push(Finding {
            mark,
            check,
            zh: zh.into(),
            en: en.into(),
        });
    }
    fn ok(&mut self, check: &'static str, zh: impl Into<String>, en: impl Into<String>) {
        self.add(Mark::Ok, check, zh, en);
    }
    fn attention(&mut self, check: &'static str, zh: impl Into<String>, en: impl Into<String>) {
        self.add(Mark::Attention, check, zh, en);
    }
    fn error(&mut self, check: &'static str, zh: impl Into<String>, en: impl Into<String>) {
        self.add(Mark::Error, check, zh, en);
    }
}

pub(super) fn doctor(say: &Say, place: &Place, now_ms: u64, how: Doctor) -> Result<(), Failure> {
    let mut found = Findings::default();
    folder::folder(&mut found, &place.dir);
    folder::key(&mut found, &place.dir);
    folder::space(&mut found, &place.dir);
    let newest_ms = store::store(&mut found, place, now_ms);
    store::evidence(&mut found, place);
    outside::clock(&mut found, now_ms, newest_ms);
    outside::time_zone(&mut found);
    outside::listen(&mut found, how.listen);
    let tls = how.tls_cert.zip(how.tls_key);
    outside::certificate(
        &mut found,
        tls.map(|(cert, key)| TlsFiles { cert, key }),
        now_ms,
    );
    outside::backups(&mut found, place, how.backups.as_deref(), now_ms);
    let findings = found.0;
    let errors = findings
        .iter()
        .filter(|finding| finding.mark == Mark::Error)
        .count();
    let value = json!({ "findings": findings, "errors": errors });
    say.result(&value, || {
        let lines = findings.iter().map(|finding| {
            let mark = match finding.mark {
                Mark::Ok => "OK  ",
                Mark::Attention => "注意",
                Mark::Error => "错误",
            };
            format!("{mark} {} ({})", finding.zh, finding.en)
        });
        lines.collect()
    });
    if errors == 0 {
        Ok(())
    } else {
        Err(Failure::said())
    }
}
