//! A central endpoint that holds the pinned key and lies all the same: what a laptop finds out, and what nobody can find out alone.
//!
//! Receipts here are signed with the endpoint's own key, as its operator could. What remains is what a laptop holds already: its cursor, its
//! chains of hashes, and what it was told before.

use std::sync::{Arc, Mutex};

use shicha_domain::{Entry, EntryId, Receipt, directory::Role};
use shicha_sync::{
    client::{Reply, Request, SyncErrorCode},
    protocol::{
        BatchWriter,
        messages::{PushReply, SessionReply},
        wire::{self, PulledChannel},
    },
};
use uuid::Uuid;

use crate::{
    common::{Server, wall_ms},
    kit::{CITY, COUNTY, Laptop, Line, NEIGHBOUR, is},
};

const CHANNEL: &str = "own/320703";

/// An answer to a pull with these entries under these numbers, each with a receipt that the endpoint's key signed.
fn given(server: &Server, reply: Reply, rows: &[(u64, Entry)], more: bool) -> Reply {
    let signer = server.signer();
    let mut batch = BatchWriter::new();
    let mut covered = Vec::new();
    // Whoever lies well makes them rise.
    for ((_, entry), at_ms) in rows.iter().zip(wall_ms()..) {
        let receipt = Receipt {
            from: entry.seq,
            ..Receipt::whole(entry.device, entry.seq, entry.id(), at_ms)
        };
        let receipt = signer.seal(receipt);
        covered.push(batch.receipt(&receipt));
    }
    for ((number, entry), covered) in rows.iter().zip(covered) {
        batch.row(*number, Some(covered), entry.id(), entry);
    }
    let channels = [PulledChannel {
        channel: CHANNEL.parse().unwrap(),
        rows: rows.len(),
        seen_upto: 0,
    }];
    let body = wire::write_pull(&channels, more, batch).unwrap();
    Reply { body, ..reply }
}

/// A line on which pulls are answered with these entries, as long as their channel is asked for.
fn giving(server: &Server, rows: Vec<(u64, Entry)>) -> Line {
    let answer = given(server, empty(), &rows, false);
    Line::changed(server, move |request, reply| {
        Ok(if is_pull_of_channel(request) {
            Reply {
                body: answer.body.clone(),
                ..reply
            }
        } else {
            reply
        })
    })
}

fn is_pull_of_channel(request: &Request) -> bool {
    if request.path != "/v1/pull" {
        return false;
    }
    let asked = wire::read_pull_request(&request.body).unwrap();
    !asked.without.contains(&CHANNEL.parse().unwrap())
}

fn empty() -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        body: Vec::new(),
    }
}

/// An inspector with three entries delivered, and a city that has them.
struct Town {
    server: Server,
    inspector: Laptop,
    city: Laptop,
    log: Vec<Entry>,
}

async fn town() -> Town {
    let server = Server::start().await;
    let inspector = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = inspector.subject("某机构");
    inspector.set(record, "phone", "1");
    inspector.set(record, "phone", "2");
    let log = inspector.ledger.outbox(10, 1 << 20).unwrap();
    inspector.round(&server).await.unwrap();
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    assert_eq!(city.round(&server).await.unwrap().pulled, 3);
    Town {
        server,
        inspector,
        city,
        log: log.into_iter().map(|(_, entry)| entry).collect(),
    }
}

/// The same log as if its second entry had said something else.
fn rewritten(log: &[Entry]) -> Vec<Entry> {
    let mut forged = log.to_vec();
    let text = String::from_utf8(forged[1].event.clone()).unwrap();
    forged[1].event = text.replace("\"1\"", "\"9\"").into_bytes();
    assert_ne!(forged[1].event, log[1].event);
    for n in 2..forged.len() {
        forged[n].prev = forged[n - 1].id();
    }
    forged
}

/// One more entry on top of a log, as its device would write it.
fn next(log: &[Entry]) -> Entry {
    let last = log.last().unwrap();
    Entry {
        seq: last.seq + 1,
        prev: last.id(),
        ..last.clone()
    }
}

fn numbered(log: &[Entry]) -> Vec<(u64, Entry)> {
    (1..).zip(log.iter().cloned()).collect()
}

/// The channel was not taken, nothing is changed, and an honest answer is taken afterwards.
async fn is_found_out(town: &Town, laptop: &Laptop, line: Line, what: &str) {
    let before = laptop.ledger.views_digest().unwrap();
    match laptop.round_over(line).await {
        Ok(outcome) => {
            assert_eq!(outcome.pulled, 0, "{what}");
            assert!(
                outcome
                    .skipped
                    .iter()
                    .any(|skipped| skipped.code == SyncErrorCode::Untrustworthy),
                "{what}: {outcome:?}"
            );
        }
        Err(error) => assert_eq!(error.code(), SyncErrorCode::Untrustworthy, "{what}"),
    }
    assert_eq!(laptop.ledger.views_digest().unwrap(), before, "{what}");
    assert!(laptop.is_whole(), "{what}");
    let honest = laptop.round(&town.server).await.unwrap();
    assert_eq!(honest.skipped, [], "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_that_was_changed_is_found_out_by_whoever_has_the_first() {
    let town = town().await;
    let forged = rewritten(&town.log);
    let lies = [
        (
            "an entry that follows another past",
            vec![(4, next(&forged))],
        ),
        ("the changed entry again", vec![(2, forged[1].clone())]),
        (
            "the changed entry as a new one",
            vec![(4, forged[1].clone())],
        ),
        ("an old answer", numbered(&town.log)),
        ("an entry of the log's future", vec![(5, next(&town.log))]),
        (
            "a place of the log at the end of all numbers",
            vec![(
                4,
                Entry {
                    seq: u64::MAX,
                    ..next(&town.log)
                },
            )],
        ),
    ];
    for (what, rows) in lies {
        let line = giving(&town.server, rows);
        is_found_out(&town, &town.city, line, what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_given_again_under_the_next_number_does_not_hide_another() {
    let town = town().await;
    town.inspector.subject("第二家");
    town.inspector.round(&town.server).await.unwrap();
    let line = giving(&town.server, vec![(4, town.log[1].clone())]);
    let outcome = town.city.round_over(line).await.unwrap();
    assert_eq!(outcome.skipped.len(), 1, "{outcome:?}");
    assert_eq!(outcome.skipped[0].code, SyncErrorCode::Untrustworthy);
    assert_eq!(town.city.round(&town.server).await.unwrap().pulled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_life_of_the_server_does_not_change_what_is_here() {
    let town = town().await;
    let forged = numbered(&rewritten(&town.log));
    let answer = given(&town.server, empty(), &forged, false);
    let line = Line::changed(&town.server, move |request, reply| {
        Ok(match request.path.as_str() {
            "/v1/session" => {
                let mut said: SessionReply = serde_json::from_slice(&reply.body).unwrap();
                said.epoch = Uuid::now_v7();
                said.time_ms = u64::MAX;
                Reply {
                    body: serde_json::to_vec(&said).unwrap(),
                    ..reply
                }
            }
            _ if is_pull_of_channel(request) => Reply {
                body: answer.body.clone(),
                ..reply
            },
            _ => reply,
        })
    });
    is_found_out(&town, &town.city, line, "a rewritten past in a new life").await;
    // The author finds it out too: its own log is the one that was rewritten.
    let line = giving(&town.server, vec![(4, next(&rewritten(&town.log)))]);
    is_found_out(&town, &town.inspector, line, "in the author's name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_from_here_and_does_not_come_back_is_withheld() {
    let town = town().await;
    town.inspector.subject("第二家");
    let line = giving(&town.server, Vec::new());
    let outcome = town.inspector.round_over(line).await.unwrap();
    assert_eq!((outcome.pushed, outcome.skipped.len()), (1, 1));
    assert_eq!(outcome.skipped[0].what, CHANNEL);
    assert_eq!(outcome.skipped[0].code, SyncErrorCode::Untrustworthy);
    let honest = town.inspector.round(&town.server).await.unwrap();
    assert_eq!(honest.skipped, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_have_to_be_kept_apart_for_ever() {
    let town = town().await;
    let forged = rewritten(&town.log);
    let other = Laptop::of(&town.server, "市二", CITY, Role::Supervisor).await;
    let line = giving(&town.server, numbered(&forged));
    // Whoever was never told the truth cannot know it: the operator can invent entries and receipts for a newcomer.
    let outcome = other.round_over(line).await;
    match outcome {
        // Every answer is the same three entries, so the second question finds them again.
        Ok(outcome) => assert!(outcome.pulled == 3 || !outcome.skipped.is_empty()),
        Err(error) => assert_eq!(error.code(), SyncErrorCode::Untrustworthy),
    }
    assert_eq!(other.ledger.counts().unwrap().entries, 3);
    assert!(other.is_whole(), "nothing here contradicts itself");
    // But whatever the author writes from now on follows the true past, and cannot be shown to them.
    town.inspector.subject("第二家");
    town.inspector.round(&town.server).await.unwrap();
    let outcome = other.round(&town.server).await.unwrap();
    assert_eq!(outcome.pulled, 0);
    assert_eq!(outcome.skipped[0].code, SyncErrorCode::Untrustworthy);
    assert_eq!(town.city.round(&town.server).await.unwrap().pulled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_would_never_end_or_speaks_of_what_was_not_asked_ends_the_round() {
    let town = town().await;
    let new = next(&town.log);
    let nothing = given(&town.server, empty(), &[], true);
    let twice = {
        let mut batch = BatchWriter::new();
        let receipt =
            town.server
                .signer()
                .seal(Receipt::whole(new.device, new.seq, new.id(), wall_ms()));
        let covered = batch.receipt(&receipt);
        batch.row(4, Some(covered), new.id(), &new);
        let listed = |rows| PulledChannel {
            channel: CHANNEL.parse().unwrap(),
            rows,
            seen_upto: 0,
        };
        wire::write_pull(&[listed(1), listed(0)], false, batch).unwrap()
    };
    for body in [nothing.body, twice] {
        let line = Line::changed(&town.server, move |request, reply| {
            Ok(match request.path.as_str() {
                "/v1/pull" => Reply {
                    body: body.clone(),
                    ..reply
                },
                _ => reply,
            })
        });
        is(
            town.city.round_over(line).await,
            SyncErrorCode::Untrustworthy,
        );
    }
    // A channel with a gap is given again and again, with more behind it.
    let gap = given(&town.server, empty(), &[(7, new)], true);
    let line = Line::changed(&town.server, move |request, reply| {
        Ok(match request.path.as_str() {
            "/v1/pull" => Reply {
                body: gap.body.clone(),
                ..reply
            },
            _ => reply,
        })
    });
    is(
        town.city.round_over(line).await,
        SyncErrorCode::Untrustworthy,
    );
    assert_eq!(town.city.round(&town.server).await.unwrap().skipped, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_refusals_of_entries_that_were_not_sent_are_not_taken() {
    let town = town().await;
    town.inspector.subject("第二家");
    type Lie = fn(&mut PushReply);
    let lies: [(&str, Lie); 7] = [
        ("without end", |reply| reply.accepted[0].count = u64::MAX),
        ("of entries before", |reply| reply.accepted[0].seq = 1),
        ("of none", |reply| reply.accepted[0].count = 0),
        ("no number", |reply| reply.accepted[0].number = 0),
        ("beyond all numbers", |reply| {
            reply.accepted[0].number = u64::MAX;
        }),
        ("twice", |reply| {
            reply.accepted = vec![reply.accepted[0]; 2];
        }),
        ("a refusal of another", |reply| {
            reply.refused = vec![(2, "channel".into())];
        }),
    ];
    for (what, lie) in lies {
        let line = Line::changed(&town.server, move |request, reply| {
            if request.path != "/v1/push" {
                return Ok(reply);
            }
            let mut said: PushReply = serde_json::from_slice(&reply.body).unwrap();
            lie(&mut said);
            let body = serde_json::to_vec(&said).unwrap();
            Ok(Reply { body, ..reply })
        });
        is(
            town.inspector.round_over(line).await,
            SyncErrorCode::Untrustworthy,
        );
        assert_eq!(town.inspector.waiting(), 1, "{what}");
    }
    assert_eq!(town.inspector.round(&town.server).await.unwrap().pushed, 1);
    assert!(town.inspector.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_fills_every_answer_and_cannot_be_trusted_keeps_no_other_from_coming() {
    let town = town().await;
    let neighbour = Laptop::of(&town.server, "乙", NEIGHBOUR, Role::Inspector).await;
    neighbour.subject("别处");
    neighbour.round(&town.server).await.unwrap();
    let gap = given(&town.server, empty(), &[(7, next(&town.log))], true);
    let line = Line::changed(&town.server, move |request, reply| {
        Ok(if is_pull_of_channel(request) {
            Reply {
                body: gap.body.clone(),
                ..reply
            }
        } else {
            reply
        })
    });
    let outcome = town.city.round_over(line).await.unwrap();
    assert_eq!((outcome.pulled, outcome.skipped.len()), (1, 1));
}

/// Remembers the first answer to each path and gives it again.
fn repeating(server: &Server, kept: &Arc<Mutex<Vec<(String, Reply)>>>, path: &'static str) -> Line {
    let kept = Arc::clone(kept);
    Line::changed(server, move |request: &Request, reply: Reply| {
        let mut kept = kept.lock().unwrap();
        if request.path != path {
            return Ok(reply);
        }
        let old = kept.iter().find(|(of, _)| *of == request.path);
        Ok(match old {
            Some((_, old)) => old.clone(),
            None => {
                kept.push((request.path.clone(), reply.clone()));
                reply
            }
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_answer_is_not_taken_for_a_new_one() {
    let town = town().await;
    for (path, code) in [
        ("/v1/session/challenge", SyncErrorCode::UnknownServer),
        ("/v1/push", SyncErrorCode::Untrustworthy),
    ] {
        let kept = Arc::default();
        town.inspector.subject("一家");
        let first = repeating(&town.server, &kept, path);
        town.inspector.round_over(first).await.unwrap();
        town.inspector.subject("又一家");
        let second = repeating(&town.server, &kept, path);
        is(town.inspector.round_over(second).await, code);
        assert_eq!(town.inspector.waiting(), 1, "{path}");
        town.inspector.round(&town.server).await.unwrap();
    }
    assert!(town.inspector.is_whole());
    assert_ne!(
        town.inspector.ledger.head().unwrap().1,
        EntryId::NONE,
        "what was written is there"
    );
}
