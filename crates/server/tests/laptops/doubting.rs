//! What verification says of copies: a laptop that was installed anew or put back to an older copy, and an endpoint that was.

use shicha_domain::directory::Role;
use shicha_ledger::VerifyMark;
use shicha_server::verify::{Verification, VerifyMark as EndpointMark, verify};

use crate::{
    common::{Server, aside},
    kit::{COUNTY, Laptop},
};

fn endpoint(server: &Server) -> Verification {
    aside(|| verify(&server.home(), &mut |_| {}).unwrap())
}

fn marks(laptop: &Laptop) -> Vec<VerifyMark> {
    let found = laptop.ledger.verify(&mut |_, _| {}).unwrap();
    assert_eq!(found.first_bad, None);
    found.marks
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_went_on_from_an_older_copy_is_named_at_both_ends() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    laptop.round(&server).await.unwrap();
    let copy = laptop.copied();
    assert_eq!(marks(&copy), []);
    let old = laptop.ledger.identity().unwrap().unwrap().device;
    laptop.set(record, "phone", "原来的电脑");
    laptop.round(&server).await.unwrap();
    copy.set(record, "address", "副本");
    assert_eq!(copy.round(&server).await.unwrap().forked, Some(1));

    let found = endpoint(&server);
    assert_eq!(found.faults, []);
    let new = copy.ledger.identity().unwrap().unwrap().device;
    assert_eq!(
        found.marks,
        [EndpointMark::Continued {
            device: new,
            of: old
        }]
    );
    assert_eq!(
        marks(&copy),
        [VerifyMark::Aside {
            device: old,
            seq: 2,
            count: 1
        }]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_put_back_to_a_backup_is_named_at_both_ends() {
    let mut server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    laptop.round(&server).await.unwrap();
    let backup = server.backup();
    laptop.set(record, "phone", "备份之后");
    laptop.round(&server).await.unwrap();
    assert_eq!(marks(&laptop), []);
    server.restore(&backup).await;
    for _ in 0..2 {
        laptop.round(&server).await.unwrap();
    }
    laptop.set(record, "remark", "恢复之后");
    laptop.round(&server).await.unwrap();
    let found = endpoint(&server);
    assert_eq!(found.faults, []);
    assert!(
        matches!(found.marks[0], EndpointMark::Life { life: 2.., .. }),
        "{:?}",
        found.marks
    );
    let here = marks(&laptop);
    assert!(
        matches!(here[..], [VerifyMark::Lives { latest: 2.. }]),
        "{here:?}"
    );
}
