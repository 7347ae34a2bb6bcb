//! Finding each other by name, on this computer alone.

use std::{net::UdpSocket, sync::Arc, time::Duration};

use super::{
    super::Multicast,
    kit::{Endpoint, Laptop},
};

/// Whether this computer carries multicast on its loopback interface at all: some containers do not.
fn carries_multicast() -> bool {
    let group = "224.0.0.251".parse().unwrap();
    let lo = "127.0.0.1".parse().unwrap();
    let try_it = || -> std::io::Result<()> {
        let hears = UdpSocket::bind("0.0.0.0:0")?;
        hears.join_multicast_v4(&group, &lo)?;
        hears.set_read_timeout(Some(Duration::from_secs(1)))?;
        let says = UdpSocket::bind("127.0.0.1:0")?;
        says.send_to(b"here", (group, hears.local_addr()?.port()))?;
        hears.recv(&mut [0; 4]).map(|_| ())
    };
    try_it().is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_laptops_find_each_other_by_name_and_one_that_closes_the_page_goes() {
    if !carries_multicast() {
        // Then the address is the way, which the other tests take.
        println!("this computer carries no multicast on its loopback interface");
        return;
    }
    let mut endpoint = Endpoint::new(1);
    let (a, b) = (endpoint.device("王建国 连云区"), endpoint.device("李敏"));
    let finder = Arc::new(Multicast {
        loopback_only: true,
    });
    let mut one = Laptop::with(&endpoint, &a, |config| config.finder = finder.clone()).await;
    let other = Laptop::with(&endpoint, &b, |config| config.finder = finder.clone()).await;
    let wait = Duration::from_secs(30);
    let seen = tokio::time::timeout(wait, one.state.wait_for(|state| !state.found.is_empty()));
    let found = seen.await.unwrap().unwrap().found.clone();
    assert_eq!(found.len(), 1, "oneself is not listed");
    assert_eq!(found[0].name, "李敏");
    assert!(found[0].is_same_version);
    assert_eq!(found[0].addresses, [other.address()]);
    other.nearby.stop().await;
    let gone = tokio::time::timeout(wait, one.state.wait_for(|state| state.found.is_empty()));
    gone.await.unwrap().unwrap();
}
