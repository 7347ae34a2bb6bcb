//! Document numbers, lent before they run out.

use std::sync::atomic::{AtomicBool, Ordering};

use shicha_domain::{
    Event,
    directory::Role,
    number::{ASK_BELOW, BLOCK_SIZE},
};
use shicha_sync::client::{NumberWant, SyncErrorCode};

use crate::{
    common::{Server, record, wall_ms},
    kit::{COUNTY, Laptop, Line, broken, engine, is, opened},
};

const WORD: &str = "应急检记";

fn want() -> Vec<NumberWant> {
    vec![NumberWant {
        org: COUNTY.parse().unwrap(),
        word: WORD.into(),
        year: 2022,
    }]
}

fn left(laptop: &Laptop) -> u32 {
    let left = laptop.ledger.number_blocks_left().unwrap();
    left.iter().map(|(.., left)| left).sum()
}

/// Gives a number to a new record, which bears it, and returns it; `None`: provisional.
fn take(laptop: &Laptop) -> Option<u32> {
    let given = std::cell::Cell::new(None);
    let build = |number: Option<u32>, _: u32| {
        given.set(number);
        let of = record();
        let text = number.map_or_else(|| "临".to_owned(), |n| n.to_string());
        let numbered = Event::Set {
            field: "number".into(),
            value: format!("（苏连）{WORD}〔2022〕{text}号").into(),
            replaces: vec![],
        };
        vec![
            laptop.draft(&laptop.own, of, opened("某机构")),
            laptop.draft(&laptop.own, of, numbered),
        ]
    };
    let org = COUNTY.parse().unwrap();
    laptop
        .ledger
        .append_numbered(laptop.person, wall_ms(), &org, WORD, 2022, &build)
        .unwrap();
    given.get()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_lent_before_they_run_out_and_no_two_computers_give_the_same() {
    let server = Server::start().await;
    let mut given = Vec::new();
    for name in ["甲", "乙"] {
        let laptop = Laptop::of(&server, name, COUNTY, Role::Inspector).await;
        let engine = engine(Line::to(&server));
        engine.want_numbers(want());
        let outcome = engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
        assert_eq!((outcome.numbers, left(&laptop)), (1, BLOCK_SIZE));
        for _ in 0..=BLOCK_SIZE - ASK_BELOW {
            given.push(take(&laptop).expect("there are numbers"));
        }
        assert_eq!(left(&laptop), ASK_BELOW - 1);
        engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
        assert_eq!(left(&laptop), ASK_BELOW - 1 + BLOCK_SIZE);
        let outcome = engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
        assert_eq!(outcome.numbers, 0, "there are enough");
    }
    let count = given.len();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_whose_answer_was_lost_is_not_lost_with_it() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let is_lost = AtomicBool::new(false);
    let line = Line::changed(&server, move |request, reply| {
        if request.path == "/v1/numbers" && !is_lost.swap(true, Ordering::SeqCst) {
            return Err(broken());
        }
        Ok(reply)
    });
    let first = engine(line.clone());
    first.want_numbers(want());
    is(
        first.sync_once(&laptop.ledger, &|_| {}).await,
        SyncErrorCode::Offline,
    );
    assert_eq!(left(&laptop), 0);
    assert_eq!(take(&laptop), None, "provisional until there are numbers");
    let laptop = laptop.restart();
    let again = engine(line);
    again.want_numbers(want());
    again.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!(
        take(&laptop),
        Some(1),
        "the same block, from its first number"
    );
}
