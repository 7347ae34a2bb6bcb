//! Making a data folder and serving it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use serde_json::json;
use shicha_sync::protocol::admin::act;

use super::say::{Failure, Say};
use crate::{
    Limits,
    administration::Hand,
    home::{Home, Place},
    log,
    serve::{Config, Running, ServeError, serve as start},
    tls::{Dates, TlsError, TlsFiles, load},
};

/// How long the process still waits for work that did not end when everything else had.
const CUT_OFF: Duration = Duration::from_secs(1);

/// How to serve.
#[derive(clap::Args)]
pub(super) struct Serve {
    /// 监听地址 (address to listen at)
    #[arg(long, env = "SHICHA_LISTEN", default_value = "127.0.0.1:7300")]
    listen: SocketAddr,
    /// 日志输出为 JSON (log as JSON lines)
    #[arg(long)]
    log_json: bool,
    /// 证书链 PEM 文件；文件更换后自动重新读取 (certificate chain in PEM; read again when it changes)
    #[arg(long, env = "SHICHA_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// 证书私钥 PEM 文件 (its private key in PEM)
    #[arg(long, env = "SHICHA_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// 可信反向代理的地址或网段，可重复；只有来自它们的 x-forwarded-for 才算数 (trusted proxies: addresses or networks)
    #[arg(long, env = "SHICHA_BEHIND_PROXY", value_delimiter = ',', value_parser = network)]
    behind_proxy: Vec<IpNet>,
    /// Prometheus 指标的监听地址，例如 127.0.0.1:9300；不要对外开放 (address for metrics; not for the outside)
    #[arg(long, env = "SHICHA_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
    /// 每台设备每秒的请求数，0 为不限；附件另按十倍计 (requests a second of one device, 0: no limit; evidence ten times as many)
    #[arg(long, env = "SHICHA_DEVICE_RATE", default_value_t = 20)]
    device_rate: u32,
    /// 每个地址每秒的登记和登录请求数，0 为不限 (requests a second of one address before it says who it is, 0: no limit)
    #[arg(long, env = "SHICHA_ADDRESS_RATE", default_value_t = 100)]
    address_rate: u32,
    /// 每个地址同时打开的连接数，0 为不限；可信反向代理不受限 (open connections of one address, 0: no limit; trusted proxies have none)
    #[arg(long, env = "SHICHA_ADDRESS_CONNECTIONS", default_value_t = 2_048)]
    address_connections: usize,
    /// 停止前先宣布未就绪并继续服务的秒数 (seconds to go on after saying that it is not ready any more)
    #[arg(long, env = "SHICHA_DRAIN", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=300))]
    drain: u64,
}

/// One address, or a network.
fn network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()))
        .map_err(|_| "10.0.0.1 | 10.0.0.0/8".to_owned())
}

pub(super) fn init(
    say: &Say,
    place: Place,
    name: &str,
    is_sample: bool,
    now: u64,
) -> Result<(), Failure> {
    if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Failure::input(
            "名称须为 1 到 100 个字符",
            "a name has 1 to 100 characters",
        ));
    }
    let (home, is_new) = Home::init(place, name, is_sample)?;
    Hand::command_line(&home, now).note(
        act::SERVER_NAMED,
        None,
        name.to_owned(),
        json!({ "is_sample": is_sample }),
    )?;
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

pub(super) fn serve(say: &Say, place: Place, how: Serve) -> Result<(), Failure> {
    let log =
        log::begin(how.log_json).map_err(|error| Failure::folder("无法启动", error.to_string()))?;
    let ended = serve_until_asked(say, place, how);
    log.finish();
    ended
}

fn serve_until_asked(say: &Say, place: Place, how: Serve) -> Result<(), Failure> {
    let tls = how.tls_cert.zip(how.tls_key);
    let tls = tls.map(|(cert, key)| TlsFiles { cert, key });
    if let Some(files) = &tls {
        check_dates(say, files)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::folder("无法启动", error.to_string()))?;
    let served = runtime.block_on(async {
        let mut config = Config::new(place, how.listen);
        config.tls = tls;
        config.proxies = how.behind_proxy;
        config.metrics_listen = how.metrics_listen;
        config.limits = Limits::new(how.device_rate, how.address_rate);
        config.limits.connections.address = how.address_connections;
        config.drain = Duration::from_secs(how.drain);
        let running = start(config).await?;
        let value = json!({
            "url": running.url(),
            "addr": running.addr,
            "metrics_addr": running.metrics_addr,
            "fingerprint": running.fingerprint,
        });
        say.result(&value, || {
            vec![
                format!("中心端已启动 (running): {}", running.url()),
                format!("服务器指纹 (fingerprint): {}", running.fingerprint),
                "按 Ctrl+C 停止 (Ctrl+C stops it)".to_owned(),
            ]
        });
        asked_to_stop(&running).await;
        running.shutdown().await;
        Ok(())
    });
    // What is in the middle of something is cut off like by a power cut, which costs nothing that was answered.
    runtime.shutdown_timeout(CUT_OFF);
    served
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Home(error) => error.into(),
            ServeError::Tls(error) => error.into(),
            ServeError::Listen { addr, .. } => {
                Self::folder(format!("无法监听 {addr}"), error.to_string())
            }
        }
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        let zh = match &error {
            TlsError::Read { path, .. } => format!("无法读取 {}", path.display()),
            TlsError::NoCertificate(path) => format!("{} 中没有 PEM 证书", path.display()),
            TlsError::NoKey(path) => format!("{} 中没有 PEM 私钥", path.display()),
            TlsError::Misfit(_) => "证书和私钥不配套".to_owned(),
        };
        Self::folder(zh, error.to_string())
    }
}

/// Says at once what is to be said of the certificate's dates: the log has it too.
fn check_dates(say: &Say, files: &TlsFiles) -> Result<(), Failure> {
    match load(files)?.validity.at(crate::home::now_ms()) {
        Dates::Fine => {}
        Dates::EndsIn(days) => say.note(&format!(
            "注意：证书将在 {days} 天后到期，请更换 (the certificate ends in {days} days)"
        )),
        Dates::NotNow => say.note(
            "注意：证书已过期或尚未生效，设备会拒绝连接；换好文件后无须重启 (the certificate has expired or is not valid yet)",
        ),
    }
    Ok(())
}

/// Waits for Ctrl+C, or for the system to ask the process to end; on SIGHUP the certificate is read again.
async fn asked_to_stop(running: &Running) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (terminate, hang_up) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
        );
        if let (Ok(mut terminate), Ok(mut hang_up)) = (terminate, hang_up) {
            loop {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => return,
                    _ = terminate.recv() => return,
                    _ = hang_up.recv() => running.reload_certificate().await,
                }
            }
        }
    }
    #[cfg(windows)]
    {
        use tokio::signal::windows::{ctrl_break, ctrl_close, ctrl_shutdown};
        // The window of the console is closed, or Windows ends.
        if let (Ok(mut interrupt), Ok(mut close), Ok(mut shutdown)) =
            (ctrl_break(), ctrl_close(), ctrl_shutdown())
        {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = interrupt.recv() => {}
                _ = close.recv() => {}
                _ = shutdown.recv() => {}
            }
            return;
        }
    }
    #[cfg(windows)]
    let _ = running;
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "cannot be stopped by Ctrl+C");
        std::future::pending::<()>().await;
    }
}
