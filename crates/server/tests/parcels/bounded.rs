//! An answer over the network holds no more than fits on the endpoint's disk; the rest comes with the next.

use shicha_domain::directory::Role;
use shicha_server::package::Most;

use crate::{
    common::Server,
    kit::{CITY, COUNTY, Laptop, noise},
    stick::*,
};

/// There and back with an answer that holds no more than this.
fn round_trip(server: &Server, laptop: &Laptop, most: Most) -> shicha_sync::client::package::Taken {
    let stick = Stick::new();
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    give(laptop, endpoint(server), &there);
    bounded_at_endpoint(server, &there, &back, most).unwrap();
    take(laptop, &back)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_an_answer_comes_with_the_next() {
    let server = Server::start().await;
    let author = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let reader = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let subject = author.subject("某机构");
    let photos: Vec<_> = [300_000, 100_000, 200_000]
        .map(|bytes| author.attach(subject, &noise(bytes)))
        .into();
    // Two batches of an answer.
    for _ in 0..120 {
        author.set(subject, "remark", &"长".repeat(30_000));
    }
    author.round(&server).await.unwrap();
    let small = Most {
        evidence_bytes: 250_000,
        evidence_files: 10,
        entry_bytes: 1,
    };
    let first = round_trip(&server, &reader, small);
    let second = round_trip(&server, &reader, small);
    assert!(first.entries > 0 && second.entries > 0);
    assert_eq!(first.entries + second.entries, 124, "nothing is left out");
    // The smallest first; what is larger than all that fits comes by itself, at last.
    let mut evidence = vec![second.evidence];
    for _ in 0..3 {
        evidence.push(round_trip(&server, &reader, small).evidence);
    }
    assert_eq!(evidence.iter().sum::<u64>(), 3, "{evidence:?}");
    assert!(evidence.iter().all(|files| *files <= 1), "{evidence:?}");
    for photo in photos {
        assert_eq!(reader.bytes_of(photo), author.bytes_of(photo));
    }
    let few = Most {
        evidence_files: 0,
        ..small
    };
    assert_eq!(round_trip(&server, &reader, few).evidence, 0);
    assert!(reader.is_whole());
}
