//! Making a data folder and serving it.

use std::net::SocketAddr;

use serde_json::json;

use super::say::{Failure, Say};
use crate::{
    home::{Home, HomeError, Place},
    serve::{Config, ServeError, serve as start},
};

pub(super) fn init(say: &Say, place: Place, name: &str, is_sample: bool) -> Result<(), Failure> {
    if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Failure::input(
            "名称须为 1 到 100 个字符",
            "a name has 1 to 100 characters",
        ));
    }
    let (home, is_new) = Home::init(place, name, is_sample)?;
    let fingerprint = home.signer.fingerprint();
    let value = json!({ "name": name, "is_sample": is_sample, "fingerprint": fingerprint, "changed": is_new });
    say.result(&value, || {
        let verb = if is_new {
            "已初始化 (initialised)"
        } else {
            "已存在，名称如上 (was there; named as above)"
        };
        vec![
            format!("{name}：{} {verb}", home.dir.display()),
            format!("服务器指纹 (fingerprint): {fingerprint}"),
        ]
    });
    Ok(())
}

pub(super) fn serve(
    say: &Say,
    place: Place,
    listen: SocketAddr,
    name: &str,
    log_json: bool,
) -> Result<(), Failure> {
    log(log_json);
    match Home::open(place.clone()) {
        Ok(_) => {}
        Err(HomeError::Empty(_)) => {
            Home::init(place.clone(), name, false)?;
            say.note(&format!(
                "{} 为空，已初始化为“{name}” (was empty, initialised)",
                place.dir.display()
            ));
        }
        Err(error) => return Err(error.into()),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::folder("无法启动", error.to_string()))?;
    runtime.block_on(async {
        let running = start(Config::new(place, listen)).await.map_err(|error| match error {
            ServeError::Home(error) => Failure::from(error),
            ServeError::Listen { .. } => Failure::folder(format!("无法监听 {listen}"), error.to_string()),
        })?;
        let value = json!({ "url": running.url(), "addr": running.addr, "fingerprint": running.fingerprint });
        say.result(&value, || {
            vec![
                format!("中心端已启动 (running): {}", running.url()),
                format!("服务器指纹 (fingerprint): {}", running.fingerprint),
                "按 Ctrl+C 停止 (Ctrl+C stops it)".to_owned(),
            ]
        });
        asked_to_stop().await;
        running.shutdown().await;
        Ok(())
    })
}

fn log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Fails only when logging is set up already, and then it is.
    let _is_set = if json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
}

/// Waits for Ctrl+C, or for the system to ask the process to end.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "cannot be stopped by Ctrl+C");
        std::future::pending::<()>().await;
    }
}
