//! What an administrator releases, seen by real laptops: outside for all before, its author's device included, and inside for all alike after.

use shicha_domain::{DeviceId, RecordId, directory::Role};
use shicha_ledger::StoredEntry;

use crate::{
    common::{Server, aside},
    kit::{CITY, COUNTY, Laptop, Line, broken},
};

/// Gives the person another role, as somebody does by mistake.
fn becomes(server: &Server, laptop: &Laptop, role: Role) {
    aside(|| {
        let store = server.store();
        let register = store.register().unwrap();
        let people = &register.directory.people;
        let mut person = people
            .iter()
            .find(|one| one.id == laptop.person)
            .unwrap()
            .clone();
        person.role = role;
        store.put_person(&person).unwrap();
    });
}

fn device(laptop: &Laptop) -> DeviceId {
    laptop.ledger.identity().unwrap().unwrap().device
}

fn release(server: &Server, device: DeviceId, seq: u64) {
    let (device, seq) = (device.to_string(), seq.to_string());
    let line = ["entry", "release", "--device", &device, "--seq", &seq];
    aside(|| server.command(&[&line[..], &["--reason", "岗位登记错了"]].concat()));
}

fn phones(laptop: &Laptop, record: RecordId) -> Vec<String> {
    let state = laptop.ledger.record(record).unwrap().unwrap();
    let heads = state.fields().get("phone").map(|one| one.heads().to_vec());
    let values = heads.unwrap_or_default();
    values
        .iter()
        .map(|head| head.value.as_str().unwrap().to_owned())
        .collect()
}

fn stored(laptop: &Laptop, record: RecordId, seq: u64, of: DeviceId) -> StoredEntry {
    let entries = laptop.ledger.entries_of(record).unwrap();
    let found = entries
        .into_iter()
        .find(|one| one.entry.device == of && one.entry.seq == seq);
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_released_was_outside_for_all_and_is_folded_alike_by_all_from_then_on() {
    let server = Server::start().await;
    let author = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let colleague = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let record = author.subject("某机构");
    author.round(&server).await.unwrap();
    colleague.round(&server).await.unwrap();
    becomes(&server, &author, Role::Administrator);
    author.set(record, "phone", "被拒绝的");
    author.round(&server).await.unwrap();
    colleague.set(record, "phone", "同时写的");
    for laptop in [&colleague, &author, &city] {
        laptop.round(&server).await.unwrap();
    }
    assert_eq!(author.ledger.refused().unwrap().len(), 1);
    assert_eq!(author.ledger.delivery(record).unwrap().refused, 1);
    for laptop in [&author, &colleague, &city] {
        assert_eq!(phones(laptop, record), ["同时写的"]);
    }

    becomes(&server, &author, Role::Inspector);
    release(&server, device(&author), 2);
    let newcomer = Laptop::of(&server, "新", CITY, Role::Supervisor).await;
    let all = [&author, &colleague, &city, &newcomer];
    for laptop in all {
        laptop.round(&server).await.unwrap();
        assert_eq!(phones(laptop, record), ["被拒绝的", "同时写的"]);
        assert_eq!(
            laptop.ledger.views_digest().unwrap(),
            author.ledger.views_digest().unwrap()
        );
        assert!(laptop.is_whole());
        let released = stored(laptop, record, 2, device(&author)).bounds.unwrap();
        let meanwhile = stored(laptop, record, 1, device(&colleague))
            .bounds
            .unwrap();
        assert!(
            released.received_ms > meanwhile.received_ms,
            "it ranks later"
        );
    }
    assert_eq!(author.ledger.refused().unwrap(), []);
    assert_eq!(author.ledger.delivery(record).unwrap().refused, 0);
    // The author goes on, and everything still fits.
    author.set(record, "remark", "之后");
    author.round(&server).await.unwrap();
    for laptop in all {
        laptop.round(&server).await.unwrap();
        assert!(laptop.is_whole());
    }
    let found = aside(|| shicha_server::verify::verify(&server.home(), &mut |_| {}).unwrap());
    assert_eq!(found.faults, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_hears_of_the_refusal_only_after_the_release_counts_it_as_received() {
    let server = Server::start().await;
    let author = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let record = author.subject("某机构");
    author.round(&server).await.unwrap();
    becomes(&server, &author, Role::Administrator);
    author.set(record, "phone", "一");
    let lost = Line::changed(&server, |request, reply| {
        if request.path.contains("/v1/push") {
            Err(broken())
        } else {
            Ok(reply)
        }
    });
    assert!(author.round_over(lost).await.is_err());
    becomes(&server, &author, Role::Inspector);
    release(&server, device(&author), 2);
    author.set(record, "remark", "之后");
    for _ in 0..2 {
        author.round(&server).await.unwrap();
        city.round(&server).await.unwrap();
    }
    assert_eq!(author.ledger.refused().unwrap(), []);
    assert_eq!(author.waiting(), 0);
    for laptop in [&author, &city] {
        assert!(laptop.is_whole());
        assert_eq!(phones(laptop, record), ["一"]);
    }
    let bounds = |laptop| stored(laptop, record, 2, device(&author)).bounds;
    assert_eq!(bounds(&author), bounds(&city));
    assert_eq!(
        author.ledger.views_digest().unwrap(),
        city.ledger.views_digest().unwrap()
    );
}
