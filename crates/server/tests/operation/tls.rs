//! The endpoint's own certificate, of an authority of the bureau's own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use shicha_domain::directory::Role;
use shicha_server::home::Home;
use shicha_sync::{
    client::{HttpTransport, Method, Request, Transport as _},
    protocol::messages::ServerInfo,
};

use crate::{
    common::{Server, record},
    process::{Process, until},
};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "某局根证书");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for this machine, with its key.
    pub(crate) fn issue(&self, name: &str, until_year: i32) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned(), name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until_year, 1, 1);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }
}

pub(crate) struct Files {
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    pub(crate) fn write(dir: &Path, (cert, key): &(String, String)) -> Self {
        let files = Self {
            cert: dir.join("cert.pem"),
            key: dir.join("key.pem"),
        };
        std::fs::write(&files.cert, cert).unwrap();
        std::fs::write(&files.key, key).unwrap();
        files
    }

    pub(crate) fn options(&self) -> [&str; 4] {
        let (cert, key) = (self.cert.to_str().unwrap(), self.key.to_str().unwrap());
        ["--tls-cert", cert, "--tls-key", key]
    }
}

fn trusting(authority: &Authority) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    reqwest::Client::builder()
        .add_root_certificate(root)
        .tls_info(true)
        .build()
        .unwrap()
}

/// The certificate that a new connection gets.
async fn served(client: &reqwest::Client, url: &str) -> Vec<u8> {
    let response = client.get(format!("{url}/healthz")).send().await.unwrap();
    let info = response
        .extensions()
        .get::<reqwest::tls::TlsInfo>()
        .unwrap();
    info.peer_certificate().unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_works_over_tls_and_a_new_certificate_is_taken_without_dropping_anybody() {
    let authority = Authority::new();
    let mut server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    server.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let files = Files::write(folder.path(), &authority.issue("old", 2090));
    let process = Process::start(&server.place, &files.options());
    assert!(process.url.starts_with("https://"), "{}", process.url);
    device.url.clone_from(&process.url);
    device.http = trusting(&authority);
    device.open_session().await;
    let entries = [device.set("own/320703", record(), "加密送达")];
    device.push(&entries).await;
    // It stays open all the while.
    let mut stream = device
        .request(reqwest::Method::GET, "/v1/events")
        .send()
        .await
        .unwrap();
    assert!(stream.chunk().await.unwrap().is_some());

    let before = served(&trusting(&authority), &process.url).await;
    // The key alone does not fit the certificate that is still there; the old pair goes on.
    let (cert, key) = authority.issue("new", 2091);
    std::fs::write(&files.key, &key).unwrap();
    process.signal("HUP");
    assert_eq!(served(&trusting(&authority), &process.url).await, before);
    std::fs::write(&files.cert, &cert).unwrap();
    process.signal("HUP");
    until("the new certificate was never served", || async {
        let now = served(&trusting(&authority), &process.url).await;
        (now != before).then_some(())
    })
    .await;
    let entries = [device.set("own/320703", record(), "换证之后")];
    device.push(&entries).await;
    let other = {
        let mut other = device.clone();
        other.http = trusting(&authority);
        other
    };
    assert_eq!(other.pull(&[]).await.batch.rows.len(), 2);
    drop(stream);
}

#[test]
fn files_that_do_not_fit_are_told_and_dates_are_warned_of() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let (old, other) = (authority.issue("a", 2090), authority.issue("b", 2090));
    Home::init(folder.path().join("data"), "甲", false).unwrap();
    let serve = |cert: &str, key: &str| {
        let files = Files::write(folder.path(), &(cert.to_owned(), key.to_owned()));
        let said = Command::new(env!("CARGO_BIN_EXE_shicha-server"))
            .arg("--data")
            .arg(folder.path().join("data"))
            // An address that cannot be listened at: only what comes before matters here.
            .args(["serve", "--listen", "192.0.2.1:1"])
            .args(files.options())
            .env("RUST_LOG", "off")
            .output()
            .unwrap();
        assert_eq!(said.status.code(), Some(3));
        String::from_utf8(said.stderr).unwrap()
    };
    assert!(serve(&old.0, &other.1).contains("证书和私钥不配套"));
    assert!(serve("", &old.1).contains("没有 PEM 证书"));
    assert!(serve(&old.0, "").contains("没有 PEM 私钥"));
    let expired = authority.issue("c", 2021);
    assert!(serve(&expired.0, &expired.1).contains("证书已过期"));
    let fine = serve(&old.0, &old.1);
    assert!(
        !fine.contains("注意：证书") && fine.contains("无法监听"),
        "{fine}"
    );
}

/// The application's own transport, in a process whose system trusts the bureau's authority.
#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_whose_system_trusts_the_bureaus_authority_reaches_the_endpoint() {
    if let Some(url) = std::env::var_os(ASKED) {
        return ask(url.to_str().unwrap()).await;
    }
    let authority = Authority::new();
    let mut server = Server::start().await;
    server.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let files = Files::write(folder.path(), &authority.issue("here", 2090));
    let process = Process::start(&server.place, &files.options());
    let roots = folder.path().join("roots.pem");
    for (pem, is_trusted) in [(authority.pem(), true), (Authority::new().pem(), false)] {
        std::fs::write(&roots, pem).unwrap();
        let said = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("{}::{}", "tls", MYSELF), "--nocapture"])
            .env(ASKED, &process.url)
            .env("SSL_CERT_FILE", &roots)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert_eq!(said.status.success(), is_trusted, "{text}");
    }
}

/// The variable that tells this test to be the laptop.
const ASKED: &str = "SHICHA_TEST_ASK";
const MYSELF: &str = "a_laptop_whose_system_trusts_the_bureaus_authority_reaches_the_endpoint";

async fn ask(url: &str) {
    let transport = HttpTransport::new(url).unwrap();
    let reply = transport
        .call(Request::new(Method::Get, "/v1/server"))
        .await
        .unwrap();
    let info: ServerInfo = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(info.protocols, [shicha_sync::protocol::VERSION]);
}
