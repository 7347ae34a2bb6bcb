//! What a pull lists, however many channels there are, and what counts as seen by others.

use reqwest::StatusCode;
use shicha_domain::{Channel, Entry, Event, RecordKind, directory::Role};
use shicha_sync::protocol::{
    MAX_BATCH_ROWS, MAX_HELD, MAX_LIST,
    wire::{Held, HeldChannels, PullRequest, held_digest, write_pull_request},
};

use crate::{
    OWN,
    common::{Device, Server, aside, record},
};

/// How many institutions one bureau has.
const INSTITUTIONS: usize = 60_000;
/// How often what is noted after an answer is asked for.
const PATIENCE: usize = 2_000;

fn asked(held: HeldChannels, max_entries: usize) -> PullRequest {
    PullRequest {
        held,
        base: None,
        without: Default::default(),
        max_entries: max_entries as u32,
        is_held: true,
    }
}

fn awaiting(upto: u64, seen: u64) -> HeldChannels {
    let held = Held {
        upto,
        seen: Some(seen),
    };
    [(OWN.parse().unwrap(), held)].into()
}

#[tokio::test]
async fn what_counts_as_seen_by_others_was_given_to_them_and_may_be_read_by_them() {
    let server = Server::start().await;
    let mut inspector = server.device("甲", "320703", Role::Inspector).await;
    let colleague = server.device("乙", "320703", Role::Inspector).await;
    let school = server.device("丁", "TI-01", Role::Institution).await;
    let entries: Vec<Entry> = (0..10)
        .map(|_| inspector.set(OWN, record(), "内部"))
        .collect();
    inspector.push(&entries).await;
    // Both claim to hold what they cannot: one may not read it, the other was given four.
    let all: HeldChannels = [(OWN.parse().unwrap(), Held::upto(999))].into();
    school.pull_as(&asked(all.clone(), 10)).await;
    let (given, _) = colleague.pull_as(&asked(HeldChannels::new(), 4)).await;
    assert_eq!(given.batch.rows.len(), 4);
    colleague.pull_as(&asked(all, 10)).await;
    for _ in 0..PATIENCE {
        let told = inspector.pull_beyond(awaiting(10, 0)).await;
        if let [told] = &told.channels[..] {
            assert_eq!((told.seen_upto, told.rows), (4, 0));
            let again = inspector.pull_beyond(awaiting(10, 4)).await;
            assert!(again.channels.is_empty(), "it is told once");
            return;
        }
    }
    panic!("what the colleague holds is seen");
}

/// Institutions with codes as real ones have them, written where the endpoint keeps its directory.
fn institutions(server: &Server) -> Vec<String> {
    let mut random = 7_u64;
    let codes: Vec<String> = (0..INSTITUTIONS)
        .map(|n| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(n as u64);
            format!("9132{n:05}{:09}", random >> 35)
        })
        .collect();
    let mut database = rusqlite::Connection::open(server.data().join("server.db")).unwrap();
    let transaction = database.transaction().unwrap();
    {
        let mut insert = transaction
            .prepare("INSERT INTO org (code, name, short_name, parent, kind) VALUES (?1, ?1, '', '320703', 'institution')")
            .unwrap();
        for code in &codes {
            insert.execute([code]).unwrap();
        }
    }
    transaction
        .execute(
            "UPDATE meta SET value = value + 1 WHERE key = 'directory_version'",
            [],
        )
        .unwrap();
    transaction.commit().unwrap();
    codes
}

/// Pulls until there is no more, as many entries at a time as an answer may hold.
async fn pull_all(device: &Device) -> HeldChannels {
    let mut held = HeldChannels::new();
    loop {
        let request = asked(held.clone(), MAX_BATCH_ROWS);
        let (pull, _) = device.pull_as(&request).await;
        let is_last = held.len() + MAX_BATCH_ROWS >= INSTITUTIONS;
        assert_eq!(pull.more, !is_last, "after {}", held.len());
        assert_eq!(
            pull.batch.rows.len(),
            MAX_BATCH_ROWS,
            "as many as an answer may hold, and one more is in the next"
        );
        for row in pull.batch.rows {
            held.insert(row.entry.channel, Held::upto(row.number));
        }
        if is_last {
            return held;
        }
    }
}

#[tokio::test]
async fn a_bureau_with_sixty_thousand_institutions_is_pulled_whole_and_then_only_what_is_new() {
    let mut server = Server::start().await;
    let mut inspector = server.device("甲", "320703", Role::Inspector).await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    server.stop().await;
    let codes = aside(|| institutions(&server));
    server.start_again().await;
    inspector.open_session().await;
    let mut city = city;
    city.open_session().await;
    let opened = Event::Opened {
        kind: RecordKind::Finding,
        fields: Default::default(),
    };
    let channel_of = |code: &String| format!("inst/320703/{code}");
    for some in codes.chunks(MAX_BATCH_ROWS) {
        let entries: Vec<Entry> = some
            .iter()
            .map(|code| inspector.write(&channel_of(code), record(), &opened))
            .collect();
        assert!(inspector.push(&entries).await.refused.is_empty());
    }
    let mut held = pull_all(&city).await;
    assert_eq!(held.len(), INSTITUTIONS);

    // All of it is said once; from then on only what has changed.
    let (pull, [all, _]) = city.pull_as(&asked(held.clone(), 10)).await;
    assert!(!pull.is_base_lost && pull.channels.is_empty());
    let steady = |base: &HeldChannels, changed: HeldChannels| PullRequest {
        base: Some(held_digest(base)),
        ..asked(changed, 10)
    };
    let (pull, [request, answer]) = city.pull_as(&steady(&held, HeldChannels::new())).await;
    assert!(!pull.is_base_lost && pull.channels.is_empty());
    assert!(
        request < 200 && answer < 200 && all > 100 * request,
        "{all} bytes once, then {request} and {answer}"
    );
    let place = channel_of(&codes[31_415]);
    inspector
        .push(&[inspector.clone().write(&place, record(), &opened)])
        .await;
    let (pull, [request, answer]) = city.pull_as(&steady(&held, HeldChannels::new())).await;
    assert_eq!((pull.channels.len(), pull.batch.rows.len()), (1, 1));
    assert!(request < 200 && answer < 1_000, "{request} and {answer}");
    let change: HeldChannels = [(place.parse().unwrap(), Held::upto(2))].into();
    let (pull, _) = city.pull_as(&steady(&held, change.clone())).await;
    assert!(!pull.is_base_lost && pull.channels.is_empty());
    let (pull, _) = city.pull_as(&steady(&held, change.clone())).await;
    assert!(pull.is_base_lost, "the list has gone on, and is asked for");
    held.extend(change);

    // Who wrote all of them waits to hear that they are seen: as many as an answer may list, and then the rest.
    let mut awaited: HeldChannels = held
        .iter()
        .map(|(channel, held)| {
            let seen = Some(0);
            (channel.clone(), Held { seen, ..*held })
        })
        .collect();
    let mut listed = Vec::new();
    for _ in 0..PATIENCE {
        let (pull, _) = inspector.pull_as(&asked(awaited.clone(), 1)).await;
        let count = pull.channels.len();
        for told in pull.channels {
            assert_eq!(told.rows, 0);
            awaited.get_mut(&told.channel).unwrap().seen = Some(told.seen_upto);
        }
        if count > 0 {
            listed.push((count, pull.more));
        }
        if listed.iter().map(|(count, _)| count).sum::<usize>() >= INSTITUTIONS {
            break;
        }
    }
    assert_eq!(listed, [(MAX_LIST, true), (INSTITUTIONS - MAX_LIST, false)]);
}

#[tokio::test]
async fn a_device_says_of_as_many_channels_as_an_endpoint_hears_and_no_more() {
    let server = Server::start().await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    let channels = |count: usize| -> HeldChannels {
        let name = |n| -> Channel { format!("inst/320703/TI-{n:06}").parse().unwrap() };
        (0..count).map(|n| (name(n), Held::upto(1))).collect()
    };
    let most = asked(channels(MAX_HELD), 10);
    let (pull, _) = city.pull_as(&most).await;
    assert!(pull.channels.is_empty());
    let more = asked(channels(MAX_HELD + 1), 10);
    assert!(write_pull_request(&more).is_err());
    // Nor by one more beyond what was said before.
    let beyond = PullRequest {
        base: Some(held_digest(&most.held)),
        ..asked([(OWN.parse().unwrap(), Held::upto(1))].into(), 10)
    };
    let answer = city.try_pull(write_pull_request(&beyond).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}
