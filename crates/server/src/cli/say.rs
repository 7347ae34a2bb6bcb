//! How commands speak: to people in two languages, or to programs in JSON.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde_json::{Value, json};

use crate::{evidence::EvidenceError, store::StoreError, verify::VerifyError};

/// Why a command could not be done.
#[derive(Debug)]
pub(super) struct Failure {
    zh: String,
    en: String,
    exit: u8,
    faults: Option<Value>,
    is_said: bool,
}

impl Failure {
    /// The input or the data are at fault.
    pub(super) fn input(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
            exit: 1,
            faults: None,
            is_said: false,
        }
    }

    /// The data folder cannot be used.
    pub(super) fn folder(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
            exit: 3,
            faults: None,
            is_said: false,
        }
    }

    /// Something is wrong, and the result has said what.
    pub(super) fn said() -> Self {
        Self {
            is_said: true,
            ..Self::input("", "")
        }
    }

    /// Adds what exactly is at fault, for programs.
    pub(super) fn with_faults(mut self, faults: Value) -> Self {
        self.faults = Some(faults);
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Missing(what) => Self::input(
                format!("没有找到：{}", zh_of(what)),
                format!("no such {what}"),
            ),
            StoreError::Contradiction(what) => Self::input("与已有数据矛盾", *what),
            StoreError::Newer { .. } => {
                Self::folder("数据由更新版本的软件写成，未作任何改动", error.to_string())
            }
            StoreError::Connection(_) => Self::folder(
                "连不上 PostgreSQL 数据库，请检查地址、口令和网络",
                error.to_string(),
            ),
            StoreError::Elsewhere(_) => Self::input(
                "PostgreSQL 数据库请用 pg_basebackup 或 pg_dump 备份，附件文件夹和密钥另行复制",
                error.to_string(),
            ),
            _ => Self::folder("数据库无法读写", error.to_string()),
        }
    }
}

impl From<EvidenceError> for Failure {
    fn from(error: EvidenceError) -> Self {
        Self::folder("附件无法读写", error.to_string())
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Store(error) => error.into(),
            VerifyError::Evidence(error) => error.into(),
        }
    }
}

fn zh_of(what: &str) -> &'static str {
    match what {
        "organisation" => "组织",
        "organisation above" => "上级组织",
        "person" => "人员",
        "device" => "设备",
        "update" => "软件更新",
        _ => "所指的内容",
    }
}

/// The command's voice.
pub(super) struct Say {
    json: bool,
}

impl Say {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// The result: one JSON value, or lines for people.
    pub(super) fn result(&self, value: &Value, lines: impl FnOnce() -> Vec<String>) {
        let lines = if self.json {
            vec![value.to_string()]
        } else {
            lines()
        };
        for line in lines {
            tell(io::stdout(), &line);
        }
    }

    /// Something to know on the way, for people only.
    pub(super) fn note(&self, line: &str) {
        if !self.json {
            tell(io::stderr(), line);
        }
    }

    /// The end of a command that could not be done.
    pub(super) fn failure(&self, failure: &Failure) -> ExitCode {
        if failure.is_said {
            return ExitCode::from(failure.exit);
        }
        if self.json {
            let mut value = json!({ "error": failure.en, "error_zh": failure.zh });
            if let Some(faults) = &failure.faults {
                value["faults"] = faults.clone();
            }
            tell(io::stdout(), &value.to_string());
        } else {
            let line = format!("错误：{} (error: {})", failure.zh, failure.en);
            tell(io::stderr(), &line);
        }
        ExitCode::from(failure.exit)
    }
}

/// Says a line. Where it cannot be said, as on a full disk, what was done stays done, and an endpoint serves on.
fn tell(mut to: impl Write, line: &str) {
    let _nobody_hears = writeln!(to, "{line}").is_err();
}

/// A moment as operators read it.
pub(super) fn moment(ms: u64) -> String {
    let at = i64::try_from(ms)
        .ok()
        .and_then(chrono::DateTime::from_timestamp_millis);
    at.map_or_else(
        || "-".to_owned(),
        |at| {
            at.with_timezone(&chrono::Local)
                .format("%Y-%m-%d %H:%M")
                .to_string()
        },
    )
}
