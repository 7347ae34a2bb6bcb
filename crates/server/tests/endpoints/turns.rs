//! Whose turn it is: what one device sends delays another's push by a moment.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use shicha_domain::{Entry, Event, directory::Role};
use shicha_sync::protocol::MAX_BATCH_DECODED;

use crate::{
    OWN,
    common::{Device, Server, record},
};

/// How much longer a push may take because of what others do.
pub(crate) const A_SECOND: Duration = Duration::from_secs(1);

/// The longest that one of so many small pushes took.
pub(crate) async fn slowest(device: &mut Device, pushes: usize) -> Duration {
    let mut slowest = Duration::ZERO;
    for n in 0..pushes {
        let entries = [device.set(OWN, record(), &n.to_string())];
        let begun = Instant::now();
        device.push(&entries).await;
        slowest = slowest.max(begun.elapsed());
    }
    slowest
}

/// Entries of a few kilobytes that unfold to nearly as much as a push may.
fn bomb(device: &mut Device) -> Vec<Entry> {
    let value = "啊".repeat(33_000);
    let count = MAX_BATCH_DECODED / (value.len() + 2_000) - 1;
    let event = Event::Set {
        field: "remark".into(),
        value: value.into(),
        replaces: vec![],
    };
    (0..count)
        .map(|_| device.write(OWN, record(), &event))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_and_fifty_pushes_that_unfold_to_gigabytes_delay_anothers_by_less_than_a_second()
{
    let server = Server::start().await;
    let mut other = server.device("乙", "320703", Role::Inspector).await;
    let mut sender = server.device("甲", "320703", Role::Inspector).await;
    let entries = bomb(&mut sender);
    let body = sender.body(&entries);
    assert!(body.len() < 64 << 10, "{}", body.len());
    let quiet = slowest(&mut other, 5).await;
    let thrown: Vec<_> = (0..30)
        .map(|_| {
            let (sender, body) = (sender.clone(), body.clone());
            tokio::spawn(async move {
                for _ in 0..5 {
                    let status = sender.push_body(body.clone()).await.status();
                    assert!(
                        [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS].contains(&status),
                        "{status}"
                    );
                }
            })
        })
        .collect();
    let delayed = slowest(&mut other, 10).await;
    assert!(
        thrown.iter().any(|one| !one.is_finished()),
        "it was measured while they were worked on"
    );
    for one in &thrown {
        one.abort();
    }
    assert!(delayed < quiet + A_SECOND, "{quiet:?}, {delayed:?}");
}
