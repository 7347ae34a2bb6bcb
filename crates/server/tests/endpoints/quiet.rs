//! What the log must never hold: credentials, and what people wrote.

use std::{
    io::Write,
    sync::{Arc, LazyLock, Mutex},
};

use reqwest::Method;
use shicha_domain::directory::Role;

use crate::{
    OWN, attached,
    common::{Device, Server, code_of, record},
};

/// Everything that this process logs, of all crates.
static LOG: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(|| {
    let log = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&log);
    // Tests of the same process share one log; what other tests say in it does no harm.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || Kept(Arc::clone(&into)))
        .init();
    log
});

struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_no_credential_and_nothing_that_people_wrote() {
    let log = Arc::clone(&LOG);
    let server = Server::start().await;
    let name = "欧阳某某";
    let code = server.code_for(name, "320703", Role::Inspector);
    let mut device = Device::enrol(&server, &code).await;
    let (hash, photo) = attached(b"a photo");
    let entries = [
        device.set(OWN, record(), "写在检查记录里的话"),
        device.write(OWN, record(), &photo),
        device.set("own/320706", record(), "被拒绝的话"),
    ];
    device.push(&entries).await;
    device.pull(&[]).await;
    device.send_blob(&hash, 0, 7, b"a photo".to_vec()).await;
    // Also what goes wrong: a used code, a broken push, a token cut short.
    let again = Device::enrolment(&server, &device.key, &code);
    code_of(device.post("/v1/enrol", &again).await).await;
    device.push_body(b"no batch".to_vec()).await;
    let cut = Device {
        token: device.token[..40].to_owned(),
        ..device.clone()
    };
    let refused = cut
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .send()
        .await
        .unwrap();
    code_of(refused).await;
    let said = String::from_utf8_lossy(&log.lock().unwrap()).into_owned();
    assert!(said.contains("took entries in"), "the log is heard");
    let canonical: String = code.chars().filter(|c| *c != '-').collect();
    let server_key = std::fs::read(server.data().join("server.key")).unwrap();
    let secrets = [
        ("a token", device.token.clone()),
        ("a part of a token", device.token[..40].to_owned()),
        ("an enrolment code", code),
        ("an enrolment code as it is sent", canonical),
        ("a person's name", name.to_owned()),
        ("a text", "写在检查记录里的话".to_owned()),
        ("a refused text", "被拒绝的话".to_owned()),
        ("a file's name", "照片.jpg".to_owned()),
        ("a file's hash", hash),
        ("a device's key", hex(device.key.as_bytes())),
        ("the server's key", hex(&server_key)),
    ];
    for (what, secret) in secrets {
        assert!(!said.contains(&secret), "{what} stands in the log");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
