//! `--selftest`: whether this installation works, found out without a window and without touching any data.

use std::{process::ExitCode, sync::Arc};

use serde_json::{Value, json};
use shicha_api::{App, AppConfig, SystemClock, error::ApiError};

use crate::{
    folders::{self, Folders},
    options::Options,
};

/// Prints what was found as one line of JSON; succeeds when everything works.
pub(crate) fn run(options: &Options, context: &tauri::Context) -> ExitCode {
    let folders = Folders::find(options.data_dir.as_deref(), &context.config().identifier);
    let webview = tauri::webview_version();
    let core = try_core();
    let has_screens = context.assets().get(&"index.html".into()).is_some();
    let is_ok = folders.is_ok() && webview.is_ok() && core.is_ok() && has_screens;
    println!(
        "{}",
        json!({
            "is_ok": is_ok,
            "version": env!("CARGO_PKG_VERSION"),
            "webview": webview.as_ref().map_or_else(|_| Value::Null, |version| json!(version)),
            "screens": has_screens,
            "data": folders.as_ref().map_or_else(|fault| json!({ "error": fault.to_string() }), |found| json!(found.data)),
            "core": core.unwrap_or_else(|error| json!({ "error": error.to_string() })),
        })
    );
    if is_ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Makes an encrypted database in a folder of its own and removes it again.
fn try_core() -> Result<Value, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let config = AppConfig {
        data_dir: dir.path().to_path_buf(),
        font_dirs: Vec::new(),
        clock: Arc::new(SystemClock),
        label: folders::computer_name(),
        host: Arc::new(shicha_api::host::Bare),
    };
    let tried = tauri::async_runtime::block_on(async {
        let core = App::new(config)?;
        let status = core
            .call("key_create", json!({ "passphrase": "selftest selftest" }))
            .await?;
        core.shutdown().await;
        Ok::<_, ApiError>(status["stage"].clone())
    });
    tried.map_err(|error| error.to_string())
}
