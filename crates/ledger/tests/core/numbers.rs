//! Document numbers: each given once, whatever happens.

use std::cell::RefCell;

use serde_json::json;
use shicha_domain::{Receipt, number::NumberBlock};
use shicha_ledger::Ledger;

use crate::kit::*;

const WORD: &str = "应急检记";

fn block(from: u32, to: u32) -> NumberBlock {
    NumberBlock {
        org: "320703".parse().unwrap(),
        word: WORD.into(),
        year: 2022,
        from,
        to,
    }
}

fn take(ledger: &Ledger) -> (Option<u32>, u32) {
    let got = RefCell::new((None, 0));
    ledger
        .append_numbered(
            person(),
            NOW,
            &"320703".parse().unwrap(),
            WORD,
            2022,
            &|number, provisional| {
                *got.borrow_mut() = (number, provisional);
                vec![set(
                    record(5),
                    "remark",
                    json!(format!("{number:?} {provisional}")),
                    vec![],
                )]
            },
        )
        .unwrap();
    got.into_inner()
}

#[test]
fn numbers_are_given_in_order_and_then_provisional_ones_until_a_new_block_comes() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    ledger
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    ledger.number_block_add(&block(51, 52)).unwrap();
    ledger.number_block_add(&block(51, 52)).unwrap();
    assert_eq!(
        ledger.number_blocks_left().unwrap()[0].3,
        2,
        "a block that comes twice counts once"
    );
    assert_eq!(take(&ledger), (Some(51), 0));
    assert_eq!(take(&ledger), (Some(52), 0));
    assert_eq!(take(&ledger), (None, 1));
    assert_eq!(take(&ledger), (None, 2));
    ledger.number_block_add(&block(201, 250)).unwrap();
    assert_eq!(take(&ledger), (Some(201), 0));
}

#[test]
fn a_number_is_not_given_again_after_a_restart_nor_used_up_by_something_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let first = ledger(dir.path(), 1);
    first
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    first.number_block_add(&block(1, 50)).unwrap();
    assert_eq!(take(&first), (Some(1), 0));
    let failed = first.append_numbered(
        person(),
        NOW,
        &"320703".parse().unwrap(),
        WORD,
        2022,
        &|_, _| {
            vec![set(
                record(5),
                "answers/TI-1.1/result",
                json!("no such result"),
                vec![],
            )]
        },
    );
    assert!(failed.is_err());
    let none = first.append_numbered(
        person(),
        NOW,
        &"320703".parse().unwrap(),
        WORD,
        2022,
        &|_, _| vec![],
    );
    assert_eq!(none.unwrap(), []);
    drop(first);
    let (again, _) = open(dir.path());
    assert_eq!(take(&again), (Some(2), 0));
    assert_eq!(again.number_blocks_left().unwrap()[0].3, 48);
}

#[test]
fn a_restored_laptop_gives_none_of_the_numbers_that_the_copied_one_may_have_given() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    ledger
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    ledger.number_block_add(&block(1, 50)).unwrap();
    assert_eq!(take(&ledger), (Some(1), 0));
    let common = ledger.own_place(1).unwrap().unwrap();
    let receipt = Receipt::whole(device(3), 0, common, NOW + 10_000).signed(&server());
    ledger.fork(&identity(3), &receipt, 1, &[], NOW).unwrap();
    assert_eq!(ledger.number_blocks_left().unwrap(), []);
    assert_eq!(take(&ledger), (None, 1));
    ledger.number_block_add(&block(51, 100)).unwrap();
    assert_eq!(take(&ledger), (Some(51), 0));
}
