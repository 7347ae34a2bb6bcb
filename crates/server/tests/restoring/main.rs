//! Going back to a chosen moment, rehearsed on both stores: the state of that moment is there, and what came after it comes back by
//! itself from the laptops, so that nothing that was acknowledged is lost in the end.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod cluster;
#[path = "../common/mod.rs"]
mod common;
#[path = "../laptops/kit.rs"]
#[allow(dead_code)]
mod kit;
mod postgres;
mod sqlite;

use common::{Server, aside};
use kit::Laptop;
use shicha_domain::RecordId;
use shicha_server::verify::verify;

/// Everything that was ever acknowledged is held, and all of it fits together.
fn nothing_is_lost(server: &Server, laptops: &[&Laptop], written: u64) {
    aside(|| {
        let home = server.home();
        let found = verify(&home, &mut |_| {}).unwrap();
        assert!(found.faults.is_empty(), "{:?}", found.faults);
        assert_eq!(found.entries, written);
    });
    for laptop in laptops {
        assert_eq!(laptop.waiting(), 0);
    }
}

/// Writes a record and delivers it: it is acknowledged.
async fn delivered(server: &Server, laptop: &Laptop, name: &str) -> RecordId {
    let record = laptop.subject(name);
    laptop.round(server).await.unwrap();
    assert_eq!(laptop.waiting(), 0, "{name} is acknowledged");
    record
}
